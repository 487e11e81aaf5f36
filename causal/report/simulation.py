"""What came of planted effects: how far off, how often covered, found and falsely alarmed, and what the verdict said against what was true."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from causal.language import CERTAINTIES, NAMES
from causal.panel import Panel
from causal.refuters import labels
from causal.report.figures.strip import Axis, Line, scale, strip
from causal.report.phrases import words
from causal.report.sortable import lined
from causal.report.summary import escaped
from causal.study import Study
from causal.verdict.rule import HIGH, LOW, MODERATE, ROWS, STEPS, holds
from causal.words import capital, count

SCHEMA = 2
MOST_ANSWERS = 4  # kinds of answer that a line of the picture names
ASKS = "Would this design have found it?"
# what an answer says nothing about the effect by, in the order of the columns, after the rows of the verdict's table
SILENT = {
    "very_low": "too weak to say",
    "failed_checks": "failed its checks",
    "error_unknown": "error unknown",
    "no_interval": "no interval",
    "association": "association only",
    "not_identified": "not identified",
    "not_estimable": "not estimable",
}
ORDER = (*ROWS, *SILENT)
MODERATE_OR_ABOVE, LOW_OR_ABOVE = (MODERATE, HIGH), (LOW, MODERATE, HIGH)


def said_by(one: Mapping[str, Any]) -> str:
    """What a line's answer says: a row of the verdict's table where something is claimed, or why nothing is."""
    if one["gate"]:
        return str(one["gate"])
    if one["taken_away"]:
        return "failed_checks"
    if one["association"]:
        return "association"
    return str(one["row"]) if one["certainty"] or one["row"] == "both" else "very_low"


def false_sentence(one: Mapping[str, Any], smallest: float) -> bool:
    """Whether what a line's answer says is not so.

    Parameters
    ----------
    one : gate, taken_away, association, row, certainty and the truth.
    smallest : the smallest important effect.
    """
    said = said_by(one)
    return said in ROWS and not holds(said, one["truth"], smallest)


ERRORS = {
    "false_at_moderate_or_above": "a sentence that is not so, at moderate certainty or above",
    "false_at_low_or_above": "a sentence that is not so, at low certainty or above",
}


def table(study: Study, done: Sequence[Mapping[str, Any]], *, wanted: Sequence[float], panels: int, worlds: str, panel: Panel) -> dict[str, Any]:
    """The record of a simulation, as plain values for JSON.

    Parameters
    ----------
    study : simulated again and again.
    done : one line a panel: planted, draw, truth, and either `refused` or effect, std_error, lower, upper, gate, taken_away, association, row, certainty,
        checks.
    wanted : effects planted, outcome units.
    panels : for each effect.
    worlds : what they are, in a word.
    panel : whose outcome was replaced.
    """
    return {
        "schema_version": SCHEMA,
        "title": study.title,
        "action": study.action,
        "estimator": study.estimator.name,
        "panel": panel.title,
        "worlds": worlds,
        "panels": panels,
        "outcome": study.question.outcome,
        "label": panel.variable(study.question.outcome).label,
        "unit": panel.variable(study.question.outcome).unit,
        "smallest_important": study.question.smallest_important,
        "level": study.question.level,
        "seed": study.seed,
        "effects": [_effect(study, effect, [one for one in done if one["planted"] == effect]) for effect in wanted],
    }


def _effect(study: Study, planted: float, lines: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """One planted effect."""
    made = [one for one in lines if "refused" not in one]
    refused = Counter(str(one["refused"]) for one in lines if "refused" in one)
    truth = float(np.mean([one["truth"] for one in lines]))
    record: dict[str, Any] = {"planted": planted, "truth": truth, "panels": len(made), "refused": dict(sorted(refused.items()))}
    if len(made) < 2:
        return record
    smallest = study.question.smallest_important
    off = np.array([one["effect"] - one["truth"] for one in made])
    sure = [one for one in made if one["lower"] is not None and one["upper"] is not None]
    errors = [one["std_error"] for one in made if one["std_error"] is not None]
    wrong = [one for one in made if false_sentence(one, smallest)]
    answers = [(said_by(one), one["certainty"]) for one in made]
    return record | {
        "bias": float(off.mean()),
        "bias_error": float(off.std(ddof=1) / np.sqrt(len(off))),
        "sampling_sd": float(off.std(ddof=1)),
        "mean_std_error": float(np.mean(errors)) if errors else None,
        "coverage": _share(sum(one["lower"] <= one["truth"] <= one["upper"] for one in sure), len(sure)),
        "excludes_zero": _share(sum(not one["lower"] <= 0 <= one["upper"] for one in sure), len(sure)),
        "answers": {name: number for name in ORDER if (number := sum(said == name for said, _ in answers))},
        "certainties": {name: sum(step == at for _, step in answers) for at, name in reversed(list(enumerate(STEPS)))},
        "false_at_moderate_or_above": _share(sum(one["certainty"] in MODERATE_OR_ABOVE for one in wrong), len(made)),
        "false_at_low_or_above": _share(sum(one["certainty"] in LOW_OR_ABOVE for one in wrong), len(made)),
        "checks": {name: _check([one["checks"].get(name) for one in made]) for name in study.refuters},
    }


def _share(k: int, n: int) -> dict[str, float] | None:
    """A share with its exact 95 % interval (Clopper & Pearson 1934)."""
    from scipy import stats

    if not n:
        return None
    low, high = stats.binomtest(k, n).proportion_ci(0.95)
    return {"of": n, "share": k / n, "lower": float(low), "upper": float(high)}


def _check(states: Sequence[bool | None]) -> dict[str, Any]:
    ran = [state for state in states if state is not None]
    return {"not_run": len(states) - len(ran), "alarms": _share(sum(state is False for state in ran), len(ran))}


def sections(record: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The record in words: title, heads, rows of cells, and sentences, for text and page alike."""
    estimates = []
    for one in record["effects"]:
        true = _plain(one["truth"])
        if "bias" not in one:
            estimates.append([true, str(one["panels"]), "refused", "", "", "", ""])
            continue
        error = "none" if one["mean_std_error"] is None else f"{one['mean_std_error']:.3g}"
        bias = f"{_plain(one['bias'])} ± {one['bias_error']:.2g}"
        estimates.append([true, str(one["panels"]), bias, f"{one['sampling_sd']:.3g}", error, _said(one["coverage"]), _said(one["excludes_zero"])])
    heads = ["true effect", "panels", "bias ± Monte Carlo error", "sampling sd", "mean standard error", "intervals that hold the truth"]
    made = [{"title": "The estimate", "heads": [*heads, "intervals that leave out 0"], "rows": estimates, "said": []}]
    answered = [one for one in record["effects"] if one.get("answers")]
    seen = [name for name in ORDER if any(name in one["answers"] for one in answered)]
    found = [[_plain(one["truth"]), *(str(one["answers"].get(name, 0)) for name in seen)] for one in answered]
    wrong = [line for key, error in ERRORS.items() for line in _errors(error, [(one["truth"], _said(one[key])) for one in answered if one.get(key)])]
    heads = ["true effect", *(SILENT.get(name) or NAMES[name].lower() for name in seen)]
    made.append({"title": "What the verdict said, and its errors", "heads": heads, "rows": found, "said": wrong})
    steps = [[_plain(one["truth"]), *map(str, one["certainties"].values())] for one in answered]
    made.append({"title": "How certain it was", "heads": ["true effect", *(CERTAINTIES[name].lower() for name in reversed(STEPS))], "rows": steps, "said": []})
    known = [one for one in record["effects"] if "checks" in one]
    names = list(known[0]["checks"]) if known else []
    if names:
        called = labels()
        alarms = [
            [called.get(name) or words(name), *(_said(one["checks"][name]["alarms"]) + _lacking(one["checks"][name]["not_run"]) for one in known)]
            for name in names
        ]
        why = "A planted effect leaves the panel's own faults in place: an alarm may be the check's error, or a fault of the panel that it rightly sees."
        columns = ["check", *(f"true effect {_plain(one['truth'])}" for one in known)]
        made.append({"title": "Alarms of the checks", "heads": columns, "rows": alarms, "said": [why]})
    if refused := sorted({reason for one in record["effects"] for reason in one["refused"]}):
        made.append({"title": "Refused", "heads": [], "rows": [], "said": refused})
    return made


ENOUGH = 0.8  # share of studies that must find an effect for it to be called found


def found_by(record: Mapping[str, Any]) -> str:
    """The answer in a sentence: which of the planted effects this design finds in four studies of five, and how often it sees one where there is none."""
    known = [one for one in record["effects"] if one.get("excludes_zero")]
    if not known:
        return "Whether this design would have found it is not known: no planted effect has an estimate with a range"
    true = sorted((one for one in known if one["truth"]), key=lambda one: abs(one["truth"]))
    seen = [one for one in true if one["excludes_zero"]["share"] >= ENOUGH]
    missed = [one for one in true if one["excludes_zero"]["share"] < ENOUGH]
    unit = f" {record['unit']}".rstrip()
    matters = abs(record["smallest_important"])
    near = [one for one in true if math.isclose(abs(one["truth"]), matters, rel_tol=0.25)]
    if not true:
        return "No effect was planted, so what this design would find is not known"
    if not seen:
        best = max(true, key=lambda one: one["excludes_zero"]["share"])
        return f"No: even {_plain(best['truth'])}{unit} would be found in only {_tenth(best['excludes_zero'])} such studies"
    least = min(seen, key=lambda one: abs(one["truth"]))
    answer = f"{_plain(least['truth'])}{unit} would be found in {_tenth(least['excludes_zero'])} such studies"
    if near and near[0] in missed:
        return f"Not what matters: {answer}, {_plain(near[0]['truth'])} in {_tenth(near[0]['excludes_zero'])}"
    return f"Yes: {answer}" if near or abs(least["truth"]) <= matters else f"Only from there on: {answer}"


def beside(record: Mapping[str, Any]) -> str:
    """What else decides whether to trust it: false alarms, ranges that hold the truth, sentences that are not so."""
    known = [one for one in record["effects"] if one.get("excludes_zero")]
    said = [
        f"Where nothing was planted, it seemed to see an effect in {_tenth(one['excludes_zero'])} (5 of 100 are expected)." for one in known if not one["truth"]
    ]
    covered = [one for one in known if one["coverage"]]
    if covered:
        worst = min(covered, key=lambda one: one["coverage"]["share"])
        said.append(f"The range held the truth in at least {_tenth(worst['coverage'])}, whatever was planted.")
    wrong = [one for one in known if one.get("false_at_moderate_or_above")]
    if wrong:
        most = max(wrong, key=lambda one: one["false_at_moderate_or_above"]["share"])
        share = most["false_at_moderate_or_above"]
        said.append(f"A sentence that was not so, at moderate certainty or above: {f'at most {_tenth(share)}' if share['share'] else 'none'}.")
    return " ".join(said)


def _tenth(share: Mapping[str, float]) -> str:
    """17 of 20."""
    return f"{round(share['share'] * share['of']):,} of {share['of']:,.0f}"


def _plain(value: float) -> str:
    return f"{value:+.3g}".replace("-", "−") if value else "0"


AXIS = Axis(low=0.0, high=100.0, zero=100 * ENOUGH)
HOLDS = 95.0  # % of ranges that should hold the truth


def picture(record: Mapping[str, Any]) -> dict[str, Any]:
    """A line for each planted effect: in how many studies it was found, with the interval that so few panels leave, and what the verdict said of it."""
    rows = []
    for one in sorted(record["effects"], key=lambda one: one["truth"]):
        share = one.get("excludes_zero")
        if not share:
            rows.append({"name": _plain(one["truth"]), "mini": "no estimate with a range", "picture": "", "found": "–", "said": ""})
            continue
        nothing = not one["truth"]
        enough = share["share"] >= ENOUGH
        line = Line(
            value=100 * share["share"],
            lower=100 * share["lower"],
            upper=100 * share["upper"],
            colour="grey" if nothing else "blue" if enough else "orange",
            shape="ring" if nothing else "dot" if enough else "triangle",
        )
        mini = "nothing planted" if nothing else "matters" if abs(one["truth"]) >= abs(record["smallest_important"]) * (1 - 1e-9) else "too small to matter"
        answers = sorted((one.get("answers") or {}).items(), key=lambda item: -item[1])
        answers_text = [f"{(SILENT.get(name) or NAMES[name].lower())} {number}" for name, number in answers[:MOST_ANSWERS]]
        rows.append(
            {
                "name": _plain(one["truth"]),
                "mini": mini,
                "picture": strip(line, AXIS),
                "found": f"{_tenth(share)} ({100 * share['lower']:.0f} to {100 * share['upper']:.0f}%)",
                "said": ", ".join(answers_text),
            }
        )
    every = [(float(at), f"{at}%") for at in (0, 20, 40, 60, 80, 100)]
    return {"style": AXIS.style, "scale": scale(AXIS, every), "rows": rows, "unit": record["unit"]}


def lead(record: Mapping[str, Any]) -> str:
    """What was done, in a sentence."""
    where = "the study's own panel, its effect taken out" if record["worlds"] == "panel" else "panels drawn anew from the source"
    outcome = record.get("label") or words(record["outcome"])
    return (
        f"{record['action']}: planted in {where} ({record['panel']}), {count(record['panels'], 'panel')} for each effect; estimator: "
        f"{words(record['estimator'])}; {outcome}, {record['unit']}; smallest important effect {record['smallest_important']:g}; seed {record['seed']}."
    )


def simulation_text(record: Mapping[str, Any]) -> str:
    """The record as Markdown."""
    lines = [f"# {ASKS} {escaped(record['title'])}", "", f"**{escaped(found_by(record))}.** {escaped(beside(record))}".rstrip(), "", escaped(lead(record))]
    for one in sections(record):
        lines += ["", f"## {one['title']}", ""]
        if one["heads"]:
            rows = [f"| {' | '.join(map(escaped, row))} |" for row in (one["heads"], *one["rows"])]
            lines += [rows[0], "|---" * len(one["heads"]) + "|", *rows[1:], ""]
        lines += [f"- {escaped(sentence)}" for sentence in one["said"]]
    return "\n".join(lines).rstrip()


def page(record: Mapping[str, Any]) -> str:
    """The record as a page of its own."""
    from causal.report.parts import render
    from causal.report.parts import table as as_table

    made = [
        {
            "title": one["title"],
            "said": one["said"],
            "table": as_table(one["title"], one["heads"], one["rows"], numbers=one["heads"][1:]) if one["heads"] else None,
        }
        for one in sections(record)
    ]
    files = (("simulation.md", "the same as text"), ("simulation.json", "the same for machines"), ("draws.jsonl", "one line a panel"))
    view = {
        "title": record["title"],
        "asks": ASKS,
        "answer": found_by(record),
        "beside": beside(record),
        "picture": picture(record),
        "lead": lead(record),
        "sections": made,
        "files": files,
        "forest": lined(),
    }
    return render("simulation.html", view)


def _errors(error: str, found: Sequence[tuple[float, str]]) -> list[str]:
    """How often a sentence was not so: once where it is the same whatever was planted."""
    if len({share for _, share in found}) == 1 and len(found) > 1:
        return [f"{capital(error)}: {found[0][1]}, whatever was planted."]
    return [f"True effect {_plain(truth)}: {error}: {share}." for truth, share in found]


def _said(share: Mapping[str, float] | None) -> str:
    return "–" if share is None else f"{share['share']:.1%} ({share['lower']:.1%} to {share['upper']:.1%})"


def _lacking(number: int) -> str:
    return f", not run {number} times" if number else ""
