"""Many runs on one page, sorted by what they estimate: only equal estimands of one question stand on one axis."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

from causal.errors import CausalError, DataError, refusal
from causal.estimand import Estimand
from causal.report import tables
from causal.report.checks import every
from causal.report.estimates import called, explanations, picture, primary, rule_of
from causal.report.estimates import lede as lede_of
from causal.report.figures.canvas import WIDTH, Drawing, Row, intervals, pixels, stamped, titled
from causal.report.figures.curve import choices, curve, ordered
from causal.report.figures.differences import as_rows, differences, differences_text
from causal.report.first import where
from causal.report.index import certainty, checks, day_of
from causal.report.outcomes import families
from causal.report.page import render, shown, table
from causal.report.phrases import (
    bare,
    contrast,
    estimand,
    exact,
    interval,
    label,
    made_up,
    p_text,
    sentence,
    slug,
    variable,
    when,
    words,
)
from causal.report.record import SCHEMA_VERSION, fitting, read
from causal.report.record import text as record_text
from causal.report.sortable import Head, cell, sortable
from causal.report.sortable import table as sorted_table
from causal.report.summary import escaped
from causal.words import capital, count, listed

JUDGED = (
    "Two estimates from the same authorities err together: overlap of ranges is not the test. Whether one differs from the answer is judged by the error of "
    "the difference, authority by authority, allowing for all that are looked at (Holm, 5%)."
)
MIXED = "Estimates under different headings answer different questions, or are averages over different authorities. They are not rival answers."
WEIGHED = (
    "Some of these are of one effect and average it differently, as is said under each: where places or years differ in their effect, a difference may be "
    "one of weighting. It is a bias only of those that do not count as the question's target does."
)

SEVERAL = (
    "Whoever looks at several outcomes will sooner or later find one that moved by chance. The second p-value allows for all outcomes below at once: "
    "the chance that any of them falls under 5% when the treatment moves none is at most about 5%. It changes no headline."
)
FAILED = "Failed its checks"
COLUMNS = ("study", "estimator", "effect", "interval", "certainty", "passed", "did not pass", "not run")


def compare(folders: Sequence[Path], *, refused: Sequence[Mapping[str, str]] = (), folder: Path) -> None:
    """Write compare.html, .csv, .json and .md and figures/forest.svg into a folder that is made if need be.

    Parameters
    ----------
    folders : of finished runs, in any order.
    refused : rows {estimator, experiment, reason} of studies that could not be run.
    folder : where the comparison is written.

    Raises
    ------
    DataError : a folder without a readable result.json, or with one whose parts are not what a run writes; nothing is written then.
    """
    folder = Path(folder)
    unique = list({Path(one).resolve(): Path(one) for one in folders}.values())
    try:
        texts = _texts(unique, refused, folder)
    except OSError:
        raise
    except Exception as problem:  # a record whose parts are not what a run writes: which of them is seen when each is compared alone
        for one in unique:
            with fitting(one):
                _texts([one], refused, folder)
        if isinstance(problem, CausalError):
            raise
        came = "some that do not go together"
        raise refusal(DataError, listed([str(one) for one in unique]), "records as  causal run  writes them", came, "run the studies again") from problem
    (folder / "figures").mkdir(parents=True, exist_ok=True)
    for name, text in texts:  # all that is written is made before anything is
        (folder / name).write_text(text, encoding="utf-8", newline="\n")


def _texts(unique: Sequence[Path], refused: Sequence[Mapping[str, str]], folder: Path) -> list[tuple[str, str]]:
    """Name and text of every file of a comparison."""
    runs = sorted(((read(one), _link(one, folder)) for one in unique), key=_order)
    at = {_link(one, folder): one for one in unique}
    together = families([(data, at[link], link) for data, link in runs])
    turned = sorted(({key: str(one.get(key, "")) for key in ("estimator", "experiment", "reason")} for one in refused), key=lambda one: tuple(one.values()))
    made = _sections(runs)
    for section in made:
        _judge(section, at)
    found = {
        "schema_version": SCHEMA_VERSION,
        "sections": [{**section["key"], **_differences(section), "groups": [_group(group) for group in section["groups"]]} for section in made],
        "refused": turned,
        "outcomes": together,
    }
    flat = _table(runs, turned, together)
    said = (
        "; ".join(dict.fromkeys(made_up(data) for data, _ in runs)) if all(made_up(data) for data, _ in runs) else ""
    )  # where only some are, their titles say so
    return [
        ("compare.json", record_text(found)),
        ("compare.csv", flat.csv),
        ("compare.meta.csv", flat.meta),
        ("compare.md", _markdown(made, turned, together)),
        ("compare.html", render("compare.html", _view(made, turned, runs, together))),
        ("figures/forest.svg", titled(stamped(_forest(made), said))),
    ]


def _link(run: Path, folder: Path) -> str:
    return Path(os.path.relpath((Path(run) / "report.html").resolve(), folder.resolve())).as_posix()


def _order(run: tuple[dict[str, Any], str]) -> tuple[Any, ...]:
    data, link = run
    estimate = data["estimate"]
    return (*_question(data), estimate is None, *((*_effect(estimate), estimate["estimator"]) if estimate else ()), data["title"], link)


def _effect(estimate: Mapping[str, Any]) -> tuple[str, str]:
    """The heading of an estimate's group: whose effect, without how it is averaged and modelled, and the target."""
    found = Estimand.read(estimate["estimand"])
    return found if isinstance(found, str) else found.effect, estimate["target"]


def _of(estimate: Mapping[str, Any] | None) -> tuple[Any, ...]:
    """What must be equal for two estimates to be of one effect; of older records, the words."""
    if estimate is None:
        return ()
    found = Estimand.read(estimate["estimand"])
    return (found if isinstance(found, str) else found.key, estimate["target"])


def _averaged(estimate: Mapping[str, Any]) -> str:
    """How an estimate's average counts; "" where an older record has no word of its own for it."""
    found = Estimand.read(estimate["estimand"])
    return "" if isinstance(found, str) else found.averaged


def _question(data: Mapping[str, Any]) -> tuple[Any, ...]:
    """What must be equal for two runs to ask the same of the same data."""
    question, source = data["question"], data["source"]
    units = [variable(data, question[key])["unit"] for key in ("treatment", "outcome")]
    asked = [question[key] for key in ("treatment", "outcome", "control", "treated", "lag", "level", "smallest_important")]
    return (*asked, *units, source["title"], source["simulated"])


def _sections(runs: Sequence[tuple[dict[str, Any], str]]) -> list[dict[str, Any]]:
    """Runs by question, and within it by whose effect they give and target; those without an estimate last."""
    keys = ("treatment", "outcome", "control", "treated", "lag", "level", "smallest_important", "treatment_unit", "outcome_unit", "source", "simulated")
    sections: dict[tuple[Any, ...], dict[tuple[Any, ...], list[tuple[dict[str, Any], str]]]] = {}
    for data, link in runs:
        sections.setdefault(_question(data), {}).setdefault(_of(data["estimate"]), []).append((data, link))
    return [
        {
            "key": dict(zip(keys, key, strict=True)),
            "groups": [_headed(alike) for alike in groups.values()],
        }
        for key, groups in sections.items()
    ]


def _headed(runs: Sequence[tuple[dict[str, Any], str]]) -> dict[str, Any]:
    first = runs[0][0]["estimate"]
    said, target = _effect(first) if first else ("", "")
    return {"estimand": said, "target": target, "runs": runs}


def _states(data: Mapping[str, Any]) -> dict[str, int]:
    survived = [one["survived"] for one in every(data)]
    return {"checks_passed": survived.count(True), "checks_did_not_pass": survived.count(False), "checks_not_run": survived.count(None)}


def _row(data: Mapping[str, Any], link: str) -> dict[str, Any]:
    one, verdict = data["estimate"], data["verdict"]
    numbers = {
        key: one[key] if one else None
        for key in ("estimator", "estimand", "target", "effect", "std_error", "lower", "upper", "level", "p_value", "rows", "authorities")
    }
    if one:
        numbers["estimand"] = estimand(one)
    answer = data["answer"]
    facts = {key: verdict[key] for key in ("gate", "row", "category", "certainty")}
    said = {**facts, "taken_away": bool(verdict["failed"]), "headline": answer["headline"], "second": answer["second"]}
    return {"title": data["title"], "report": link, **numbers, **said, **_states(data), "data_digest": data["source"]["digest"]}


def _judge(section: dict[str, Any], at: Mapping[str, Path]) -> None:
    """Which of a question's runs gives its answer, and how far the others are from it."""
    runs = [run for group in section["groups"] for run in group["runs"]]
    able = [run for run in runs if run[0]["estimate"]]
    answer = primary(able)
    section["runs"], section["answer"], section["names"] = able, answer, _names(able)
    section["apart"] = None if answer is None else differences([(data, at[link]) for data, link in able], answer)


def _group(group: Mapping[str, Any]) -> dict[str, Any]:
    """A group as the record of the comparison has it."""
    return {"estimand": group["estimand"], "target": group["target"], "runs": [_row(*run) for run in group["runs"]]}


def _differences(section: Mapping[str, Any]) -> dict[str, Any]:
    """Which run gives the answer, and the others' differences from it; runs are named by report."""
    links = [link for _, link in section["runs"]]
    apart = section["apart"]
    if apart is None:
        return {"answer": None, "differences": None}
    pairs = [{**pair, "first": links[pair["first"]], "second": links[pair["second"]]} for pair in apart["pairs"]]
    left = [{"run": links[one["run"]], "reason": one["reason"]} for one in apart["left_out"]]
    return {"answer": links[section["answer"]], "differences": {"pairs": pairs, "left_out": left, "clusters": apart["clusters"]}}


def _title(section: Mapping[str, Any]) -> str:
    data = section["groups"][0]["runs"][0][0]
    question = data["question"]
    simulated = "SIMULATED: " if data["source"]["simulated"] else ""
    return f"{simulated}{capital(label(data, question['outcome']))} {when(question)}, by {label(data, question['treatment'])}, {contrast(data)}"


def _heading(group: Mapping[str, Any]) -> str:
    return f"{capital(group['estimand'])} ({group['target']})" if group["estimand"] else "No estimate"


def _names(runs: Sequence[tuple[dict[str, Any], str]]) -> list[str]:
    """Estimators, told apart by title where titles differ, and then by the run's number in its table."""
    names = [called(data["estimate"]["estimator"]) if data["estimate"] else "no estimate" for data, _ in runs]
    titles = [str(data["title"]) for data, _ in runs]
    names = [f"{name}, {title}" if names.count(name) > 1 and len(set(titles)) > 1 else name for name, title in zip(names, titles, strict=True)]
    return [f"{name} (run {i})" if names.count(name) > 1 else name for i, name in enumerate(names, start=1)]


def _headlines(group: Mapping[str, Any]) -> list[tuple[str, str]]:
    return [
        (name, f"{data['answer']['headline']} {data['answer']['second']}".strip()) for name, (data, _) in zip(_names(group["runs"]), group["runs"], strict=True)
    ]


def _rows(group: Mapping[str, Any]) -> list[Row]:
    """What did not survive its checks is drawn faint and says so."""
    rows = []
    for name, (data, _) in zip(_names(group["runs"]), group["runs"], strict=True):
        failed = bool(data["verdict"]["failed"])
        rows.append(Row(label=f"{FAILED}: {name}" if failed else name, one=data["estimate"], faint=failed))
    return rows


def _forest(made: Sequence[Mapping[str, Any]]) -> Drawing:
    """All groups on one sheet, each with an axis of its own."""
    panels, titles, questions = [], [], []
    for section in made:
        for group in section["groups"]:
            if group["estimand"]:
                panels.append(_rows(group))
                titles.append(f"{_title(section)}. {_heading(group)}")
                questions.append(group["runs"][0][0])
    text = "; ".join(f"{title}: " + ", ".join(f"{row.label} {bare(row.one)}" for row in rows) for title, rows in zip(titles, panels, strict=True))
    return Drawing(
        name="forest", svg=intervals(panels, questions, titles), alt=f"{text or 'No run has an estimate'}.", caption="Every estimate", width=pixels(WIDTH)
    )


RUNS = (
    Head(text="Study"),
    Head(text="Estimator", choice=True),
    Head(text="Effect", number=True),
    Head(text="Interval", number=True),
    Head(text="Certainty", choice=True),
    Head(text="Checks", number=True),
    Head(text="Rows", number=True),
)


def _cells(data: Mapping[str, Any], link: str, number: int) -> list[Any]:
    """A run as a row of the sorted table."""
    one = data["estimate"]
    if one:
        unit = variable(data, data["question"]["outcome"])["unit"]
        away = f"{FAILED.lower()}: not to be used" if data["verdict"]["failed"] else ""
        reach = f" ({one['level']:.0%})" if one["lower"] is not None else ""
        wide = "" if one["lower"] is None else one["upper"] - one["lower"]
        answer = data["answer"]
        shown_effect, shown_range = f"{answer['signed']} {unit}".strip(), answer["interval"] or interval(one)
        known = [cell(words(one["estimator"]), _averaged(one)), cell(shown_effect, away, key=one["effect"]), cell(shown_range + reach, key=wide)]
    else:
        known = [cell("none"), cell("no estimate", key=""), cell("none", key="")]
    rows = cell(f"{one['rows']:,}", key=one["rows"]) if one else cell("none", key="")
    states = [check["survived"] for check in every(data)]
    return [cell(data["title"], f"run {number}", href=quote(link, safe="/.")), *known, certainty(data), checks(states), rows]


def _apart(section: Mapping[str, Any]) -> dict[str, Any] | None:
    """The table of differences from the answer; None where there is none."""
    data = section["runs"][section["answer"]][0]
    unit = variable(data, data["question"]["outcome"])["unit"]
    heads, rows = as_rows(section["apart"], section["names"])
    return table(f"Differences from the answer, {unit}".rstrip(", "), heads, rows, numbers=heads[1:5]) if rows else None


def _told(section: Mapping[str, Any]) -> list[str]:
    """Sentences on differences from the answer, and what they can mean where estimates of one effect average differently."""
    if section["apart"] is None or len(section["runs"]) < 2:
        return []
    said = differences_text(section["apart"], section["names"])
    ways: dict[Any, set[str]] = {}
    for data, _ in section["runs"]:
        one = Estimand.read(data["estimate"]["estimand"])
        if isinstance(one, Estimand):
            ways.setdefault(one.key, set()).add(one.weighting)
    return [*said, WEIGHED] if any(len(one) > 1 for one in ways.values()) else said


def _curve(group: Mapping[str, Any], name: str) -> dict[str, Any] | None:
    """Specification curve and the table behind it."""
    runs = [data for data, _ in group["runs"]]
    drawing = curve(runs, name) if group["estimand"] else None
    if drawing is None:
        return None
    found = choices(runs)
    names = _names(group["runs"])
    rows = [(names[i], bare(runs[i]["estimate"]), *(values[i] for _, values in found)) for i in ordered(runs)]
    heads = ("Run", "Estimate and interval", *(capital(what) for what, _ in found))
    return {"drawing": shown(drawing), "table": table("What each estimate was made with, lowest first", heads, rows, numbers=heads[1:2])}


def _view(
    made: Sequence[Mapping[str, Any]],
    refused: Sequence[Mapping[str, str]],
    runs: Sequence[tuple[dict[str, Any], str]],
    together: Sequence[Mapping[str, Any]],
) -> dict[str, Any]:
    sections = [_section(section, s) for s, section in enumerate(made)]
    simulated = [data["source"]["simulated"] for data, _ in runs]
    alone = sections[0] if len(sections) == 1 else None
    counted = _counted(made, refused)
    days = sorted(filter(None, (str(((data["provenance"] or {}).get("times") or {}).get("started") or "")[:10] for data, _ in runs)))
    about = runs[0][0] if runs else None
    kick = [about["title"], where(about)] if about is not None and alone else ["Comparison"]
    return {
        "title": alone["headline"] if alone else f"Comparison of {count(len(runs), 'run')}",
        "kick": " · ".join(filter(None, (*kick, count(len(runs), "run"), day_of(days[-1]) if days else ""))),
        "heading": alone["headline"] if alone else f"{capital(count(len(sections), 'question'))}, {count(len(runs), 'run')}" if sections else counted,
        "lede": alone["lede"] if alone else counted if sections else "",
        "alone": alone is not None,
        "simulated": any(simulated),
        "simulated_words": "" if all(simulated) else "Some of the runs below use simulated data; their headings begin with SIMULATED.",
        "counted": counted,
        "key": f"{JUDGED} {MIXED} ■ gives the answer; others may lower its certainty and never raise it. Dashed: an association, not an effect.",
        "sortable": sortable(),
        "sections": sections,
        "outcomes_said": SEVERAL,
        "outcomes": [_outcomes(family) for family in together],
        "refused": [
            (listed([words(one["estimator"]), *([words(one["experiment"])] if one["experiment"] else [])]), sentence(one["reason"])) for one in refused
        ],
    }


def _section(section: Mapping[str, Any], s: int) -> dict[str, Any]:
    """One question: answer, picture, what could explain differences, and every run behind them."""
    able, answer, names = section["runs"], section["answer"], section["names"]
    every = [run for group in section["groups"] for run in group["runs"]]
    first = able[answer][0] if answer is not None else every[0][0]
    size = f"{exact(first['question']['smallest_important'])} {variable(first, first['question']['outcome'])['unit']}".strip()
    view: dict[str, Any] = {
        "title": _title(section),
        "headline": str(first["answer"]["headline"]),
        "lede": str(first["answer"]["second"]),
        "said": f"Data: {first['source']['title']}. Smallest effect that matters: {size}. Intervals: {first['question']['level']:.0%}.",
        "picture": None,
        "why": [],
        "rule": "",
        "apart": None,
        "told": [],
        "table": sorted_table(f"Runs: {_title(section)}", RUNS, [_cells(data, link, i) for i, (data, link) in enumerate(every, start=1)]),
        "curves": [curve_ for g, group in enumerate(section["groups"]) if (curve_ := _curve(group, slug(f"curve {s} {g}")))],
        "headlines": [(capital(name), headline) for group in section["groups"] for name, headline in _headlines(group)],
    }
    if answer is None:
        return view
    places: dict[tuple[Any, ...], list[int]] = {}
    for i, (data, _) in enumerate(able):
        places.setdefault(_of(data["estimate"]), []).append(i)
    grouped = list(places.values())
    return view | {
        "lede": lede_of(first, grouped, able, answer),
        "picture": picture(grouped, able, [capital(name) for name in names], answer, section["apart"]),
        "why": explanations(able, names, answer, section["apart"]) if len(able) > 1 else [],
        "rule": f"The answer comes from {names[answer]}: {rule_of(able, answer)}." if len(able) > 1 else "",
        "apart": _apart(section) if len(able) > 1 else None,
        "told": _told(section),
    }


def _outcomes(family: Mapping[str, Any]) -> dict[str, Any]:
    """A family of outcomes as a table."""
    heads = ("Study", "Outcome", "p-value", "p-value for all together")
    rows = [
        ({"text": one["title"], "href": quote(one["report"], safe="/.")}, words(one["outcome"]), p_text(one["p_value"]), _adjusted(one))
        for one in family["outcomes"]
    ]
    return table(_family(family), heads, rows, numbers=heads[2:])


def _family(family: Mapping[str, Any]) -> str:
    counted = count(len({one["outcome"] for one in family["outcomes"]}), "outcome")
    return f"{capital(counted)} of {words(family['treatment'])}, {words(family['estimator'])} ({family['method']})"


def _adjusted(one: Mapping[str, Any]) -> str:
    return f"not adjusted: {one['reason']}" if one["reason"] else p_text(one["p_value_adjusted"])


def _counted(made: Sequence[Mapping[str, Any]], refused: Sequence[Mapping[str, str]]) -> str:
    estimands = sum(bool(group["estimand"]) for section in made for group in section["groups"])
    runs = sum(len(group["runs"]) for section in made for group in section["groups"])
    if not runs:
        return f"No run to compare; {count(len(refused), 'study was', 'studies were')} refused."
    turned = f"; {count(len(refused), 'study was', 'studies were')} refused" if refused else ""
    return f"{capital(count(runs, 'run'))}, {count(len(made), 'question')}, {count(estimands, 'estimand')}{turned}."


def _markdown(made: Sequence[Mapping[str, Any]], refused: Sequence[Mapping[str, str]], together: Sequence[Mapping[str, Any]]) -> str:
    said = ["# Comparison", "", _counted(made, refused), "", MIXED, "", JUDGED, ""]
    for section in made:
        said += [f"## {escaped(_title(section))}", ""]
        for group in section["groups"]:
            said += [f"### {escaped(_heading(group))}", "", "| " + " | ".join(COLUMNS) + " |", "|" + "---|" * len(COLUMNS)]
            for data, link in group["runs"]:
                one = data["estimate"]
                unit = variable(data, data["question"]["outcome"])["unit"]
                answer = data["answer"]
                cells = (
                    [words(one["estimator"]), f"{answer['signed']} {unit}".strip(), answer["interval"] or interval(one)]
                    if one
                    else ["none", "no estimate", "none"]
                )
                cells += [answer["certainty"], *(str(n) for n in _states(data).values())]
                said.append(f"| [{escaped(data['title'])}]({quote(link, safe='/.')}) | " + " | ".join(escaped(one) for one in cells) + " |")
            said += [
                "",
                *(f"- {escaped(capital(name))}: {escaped(headline)}" for name, headline in _headlines(group)),
                "",
            ]
        if lines := _told(section):
            said += ["### Beside the answer", "", *(f"- {escaped(line)}" for line in lines), ""]
    if together:
        said += ["## Several outcomes", "", SEVERAL, ""]
    for family in together:
        said += [f"### {escaped(_family(family))}", "", "| study | outcome | p-value | p-value for all together |", "|---|---|---|---|"]
        for one in family["outcomes"]:
            cells = [words(one["outcome"]), p_text(one["p_value"]), _adjusted(one)]
            said.append(f"| [{escaped(one['title'])}]({quote(one['report'], safe='/.')}) | " + " | ".join(escaped(cell) for cell in cells) + " |")
        said.append("")
    if refused:
        reasons = [f"- {escaped(words(one['estimator']))} ({escaped(words(one['experiment']))}): {escaped(sentence(one['reason']))}" for one in refused]
        said += ["## Refused", "", *reasons, ""]
    return "\n".join(said)


def _table(runs: Sequence[tuple[dict[str, Any], str]], refused: Sequence[Mapping[str, str]], together: Sequence[Mapping[str, Any]]) -> tables.DataFile:
    """Every run in the open data form, the refused ones with their reason."""
    named = [(name, "Filter", what) for name, what in (("title", "Study"), ("estimator", "Estimator"), ("estimand", "Whose effect"), ("target", "ATE or ATT"))]
    named += [(c.name, c.kind, c.label) for c in tables.ASKED]
    named += [("class", "Filter", "Class of the answer"), ("certainty", "Filter", "Certainty"), ("headline", "Filter", "Headline")]
    named += [("report", "Filter", "Path of the report"), ("refused_because", "Filter", "Why it could not be run")]
    named += [(c.name, c.kind, c.label) for c in tables.MEASURED if not c.name.startswith("joint")]
    named += [("p_value_adjusted", "Indicator", "p-value for all outcomes of this treatment together (Romano–Wolf)")]
    named += [(name, "Indicator", capital(words(name))) for name in ("checks_passed", "checks_did_not_pass", "checks_not_run")]
    adjusted = {one["report"]: one["p_value_adjusted"] for family in together for one in family["outcomes"]}
    rows: list[dict[str, Any]] = []
    for data, link in runs:
        row = {
            **tables.setting(data),
            **tables.question(data),
            "class": data["answer"]["name"],
            "certainty": data["answer"]["certainty"],
            "headline": data["answer"]["headline"],
            **_states(data),
        }
        row |= {"title": data["title"], "report": link}
        row |= {"p_value_adjusted": adjusted[link]} if link in adjusted else {}
        one = data["estimate"]
        if one:
            row |= tables.named(one) | tables.measures(one)
        else:
            row |= dict.fromkeys(("estimate", "est_lower_ci", "est_upper_ci"))
        rows.append(row)
    rows += [{"title": one["experiment"], "estimator": one["estimator"], "refused_because": one["reason"]} for one in refused]
    columns = (*tables.SETTING, *(tables.DataField(name=name, kind=kind, label=what) for name, kind, what in named))
    return tables.DataFile(name="compare", columns=columns, rows=tuple(rows))
