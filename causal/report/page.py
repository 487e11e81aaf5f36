"""The record as one page: the answer first, then what it rests on, what was checked and what cannot be said.

Words are made here, so that the template only places them. The page is whole in itself: styles and figures are inside,
nothing is fetched, no script runs.
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from typing import Any

from causal.graph import undated
from causal.language import language_of
from causal.report import risk, sections
from causal.report.checks import briefly, cards, every, joint, made_of, pairs, shown_value
from causal.report.figures import canvas as figures
from causal.report.figures import course, curves, flow, graph_figure
from causal.report.figures.canvas import Drawing
from causal.report.first import everywhere, first
from causal.report.parts import render, shown, table
from causal.report.phrases import contrast, label, made_up, plainly, readable, sentence, tally, variable, words
from causal.report.record import SCHEMA_VERSION
from causal.report.sections import dated, span_of_years
from causal.words import capital, count, counted_rows, crossed, listed, units

FEW_OTHERS = 8  # columns that the study does not use and that are shown all the same
FILES = (
    ("summary.md", "the first screen as text; summary.docx is the same for a submission"),
    ("effects.xlsx", "answer, effects, checks and limits as an accessible spreadsheet"),
    ("result.json", "everything on this page for machines"),
    ("effects.csv", "every effect with its interval; effects.meta.csv says what the columns are"),
    ("refutations.csv", "every check; refutations.meta.csv says what the columns are"),
    ("influence.csv", "how much each authority weighs in the estimate's error"),
    ("config.yaml", "the configuration"),
)


def drawings(data: Mapping[str, Any]) -> list[Drawing]:
    """Every figure of a record."""
    made = [
        figures.estimates(data),
        curves.steps(data),
        *figures.groups(data),
        figures.event_study(data),
        course.course(data),
        flow.flow(data),
        curves.dose(data),
        *curves.specifications(data),
        curves.power(data),
        graph_figure.graph(data),
    ]
    return [figures.stamped(one, made_up(data)) for one in made if one is not None]


def page(data: Mapping[str, Any], drawn: Sequence[Drawing]) -> str:
    """The HTML of a record and its figures.

    Parameters
    ----------
    data : a record.
    drawn : its figures.
    """
    return render("page.html", view(data, {one.name: one for one in drawn}))


def view(data: Mapping[str, Any], drawn: Mapping[str, Drawing]) -> dict[str, Any]:
    """All that the page says, as words: `first` part of three printed pages, and the rest."""
    answer, found, source = data["answer"], data["identification"], data["source"]
    language = language_of(data.get("language"))
    groups, screen = sections.groups(data, drawn), first(data)
    made = {
        "estimates": sections.estimates(data, drawn),
        "steps": sections.steps(data, drawn),
        "events": sections.events(data, drawn),
        "dose": sections.dose(data, drawn),
        "course": sections.course(data, drawn),
        "flow": sections.flow(data, drawn),
        "specifications": sections.specifications(data, drawn),
        "power": sections.power_section(data, drawn),
    }
    contents = [("range", "Range"), ("strength", "Certainty")]
    contents += [("said", "What others said")] if data.get("said") else []
    contents += [("estimates", "Estimates")] if made["estimates"] else []
    contents += [(group["anchor"], group["short"]) for group in groups]
    contents += [("checks", "Checks")]
    contents += [("events", "Before and after")] if made["events"] else []
    contents += [("course", "Course of the outcome")] if made["course"] else []
    contents += [("flow", "From the draw to the answer")] if made["flow"] else []
    contents += [("dose", "Dose")] if made["dose"] else []
    contents += [("specifications", "Other choices")] if made["specifications"] else []
    contents += [("risk", "Risk of bias"), ("graph", "Causes")]
    contents += [("power", "What it could have seen")] if made["power"] else []
    contents += [
        ("cannot", "What we cannot say"),
        ("assumptions", "Assumptions"),
        ("data", "Data"),
        ("limits", "Limits of use"),
        ("provenance", "Run it again"),
    ]
    return {
        "title": data["title"],
        "simulated": source["simulated"],
        "first": screen,
        "older": f"Written by an earlier version of the toolkit (schema {data['schema_version']}): what that did not record is left out here."
        if data["schema_version"] < SCHEMA_VERSION
        else "",
        "question": screen["asked"],
        "contents": contents,
        "range": " ".join(filter(None, (answer["second"], answer["third"]))),
        "smallest": f"What matters: {screen['matters']}",
        "terms": language.terms,
        "equivalence": sections.equivalence(data),
        "certainty": f"{answer['dots']} {answer['certainty']}".strip(),
        "meaning": answer["meaning"],
        "evaluators": answer["evaluators"],
        "would_change": [plainly(data, one) for one in answer["would_change"]],
        "reasons": [plainly(data, reason) for reason in answer["reasons"]],
        "said": [{"who": one["who"], "what": sentence(one["what"]), "source": one["source"]} for one in data.get("said", ())],
        **made,
        "group": groups[0] if groups else None,
        "groups": groups[1:],
        "tally": tally([one["survived"] for one in every(data)]) + (" Passing checks is no proof." if data["refutations"] else ""),
        "joint": " ".join(filter(None, (joint(data), made_of(data)))),
        "briefly": briefly(data, language),
        "checks": cards(data, language),
        "risk": _risk(data),
        "graph": sections.graph(data, drawn),
        "cannot_say": [plainly(data, one) for one in answer["cannot_say"]],
        "assumptions": [sentence(readable(data, one)) for one in found["assumptions"]],
        "warnings": [sentence(readable(data, one)) for one in found["warnings"]],
        "design": _set_up(data),
        "identification": _identification(data),
        "data": _data(data),
        "limits": limits(data),
        **provenance_view(data),
        "files": FILES,
        "footer": "Made from result.json by  causal report.  Intervals are rounded outwards.",
    }


def limits(data: Mapping[str, Any]) -> list[str]:
    """What this answer may be used for, and what not."""
    question, design, source = data["question"], data["design"], data["source"]
    treatment, outcome = (variable(data, question[key])["label"] for key in ("treatment", "outcome"))
    if source["simulated"]:
        return ["For nothing but trying the toolkit: every number is made up."]
    if not design:
        return ["For showing what would have to be measured. For no statement on the effect, in either direction."]
    if data["verdict"]["failed"] or data["verdict"]["gate"]:
        return ["For showing that this design does not answer the question. For no statement on the effect, in either direction."]
    where = everywhere(data) if source.get("people") else units((data["estimate"] or design)["authorities"], source["years"])
    when_ = "" if crossed(design["years"]) else f", outcomes of {span_of_years(design['years'])}"
    kind = "a difference that goes along with" if data["verdict"]["association"] else "an average effect of"
    return [
        f"For {kind} {treatment} ({contrast(data)}) on {outcome} in {where}{when_}.",
        f"Not for any one {'unit' if crossed(design['years']) else 'authority'}, which may differ from the average; nor for ranking them.",
        "Not for years, places or services beyond those of the data, nor for larger changes than were seen.",
        f"Not for other outcomes than {outcome}: one that is not moved does not show that nothing was.",
        "Not for what it is worth: costs and harms of other kinds are not in this answer unless they stand here.",
    ]


def _set_up(data: Mapping[str, Any]) -> list[str]:
    """How the comparison was set up, in sentences."""
    if not data["design"]:
        return ["Nothing was set up, because the effect is not identified."]
    return [sentence(readable(data, one)) for one in data["design"]["words"]]


def _risk(data: Mapping[str, Any]) -> dict[str, Any]:
    made = risk.shown(data)
    return {**made, "table": table(made["caption"], made["heads"], made["rows"], long=made["heads"][1:4])}


def _identification(data: Mapping[str, Any]) -> list[tuple[str, str]]:
    found = data["identification"]
    if not found["identified"]:
        blocked = [label(data, name) for name in found["blocked_by"]]
        return [("Identified", "no"), ("What would identify it", listed(blocked) or "no one or two further measures")]
    said = [("Held fixed", listed([dated(data, name) for name in found["adjust_for"]]) or "nothing"), ("Chosen because", found["chosen_because"])]
    said.append(("Valid choices found", f"{len(found['valid'])}{'' if found['exhaustive'] else ' (not all were looked for)'}; all stand in result.json"))
    if found["forced"]:
        said.append(("Forced by the evaluator", listed(found["forced"])))
    if found["instruments"]:
        said.append(("Possible instruments", listed([readable(data, one["name"]) for one in found["instruments"]])))
    return said


def _lost(one: Mapping[str, Any]) -> str:
    """How many a step left out: rows, or people where these were left out before they were added up."""
    if not one.get("people"):
        return f"{one['rows']:,}"
    return "few people (not shown)" if one["rows"] is None else f"{one['rows']:,} people"


def _data(data: Mapping[str, Any]) -> dict[str, Any]:
    source, design = data["source"], data["design"]
    # what the estimator leaves out beyond the design; older records do not say
    lost = [*design["lost"], *((data["estimate"] or {}).get("lost") or ())] if design else source["log"]
    cross = crossed(source["years"])
    used = data["estimate"] or design  # what the estimator used, which may be less than what was set up for it
    said = f"{capital(source['title'])}: {counted_rows(source['rows'], source['years'])}"
    said += ", one row each." if cross else f" from {span_of_years(source['years'])}."
    if design and cross:
        said += f" Used: {count(used['rows'], 'unit')}."
    elif design:
        said += f" Used: {count(used['rows'], 'row')} of {count(used['authorities'], 'authority', 'authorities')}, "
        if design.get("people"):
            said += f"{design['people']:,} people behind them, "
        said += f"outcomes of {span_of_years(design['years'])}."
        if design["clusters"] != design["authorities"]:
            said += f" They move together in {count(design['clusters'], 'cluster')}."
    roles = {undated(name)[0]: "held fixed" for name in (data["identification"] or {}).get("adjust_for", ())}
    roles |= {name: "groups" for name in data["question"]["modifiers"] if name not in roles}
    roles |= {data["question"]["treatment"]: "treatment", data["question"]["outcome"]: "outcome"}
    part = [one for one in source["variables"] if one["name"] in roles or one["name"] == source["population"]]
    others = len(source["variables"]) - len(part)
    shown_ones = source["variables"] if others <= FEW_OTHERS else part
    return {
        "said": said,
        "lost": table(
            "Left out at each step, in order",
            ("Step", "Rows lost", "Authorities lost"),
            [(plainly(data, one["step"]), _lost(one), f"{len(one['authorities']):,}") for one in lost],
            numbers=("Rows lost", "Authorities lost"),
        )
        if lost
        else None,
        "names": [
            {"title": f"{count(len(one['names']), 'authority', 'authorities')} lost: {readable(data, one['step'])}", "names": sentence(listed(one["names"]))}
            for one in lost
            if one["names"]
        ],
        "none_lost": "No row and no authority was left out.",
        "notes": [plainly(data, one) for one in source["notes"]],
        "variables": table(
            "Variables" if shown_ones is source["variables"] else f"Variables used here ({others} others are in result.json)",
            ("Variable", "Name in files", "Unit", "Source", "Definition", "Breaks and rounding", "Part"),
            [
                (capital(one["label"]), one["name"], one["unit"], one["source"], one["definition"] or "as labelled", _breaks(one), roles.get(one["name"], ""))
                for one in shown_ones
            ],
            long=("Source", "Definition", "Breaks and rounding"),
        ),
    }


def _breaks(variable: Mapping[str, Any]) -> str:
    """Breaks in a variable's record and the rounding of its numbers; older records have neither."""
    said = [str(one) for one in variable.get("breaks") or ()]
    if variable.get("rounding"):
        said.append(f"rounded to {variable['rounding']:g}")
    if variable.get("caution"):
        said.append(str(variable["caution"]))
    return "; ".join(said) or "none recorded"


def provenance_view(data: Mapping[str, Any]) -> dict[str, Any]:
    """Command, configuration and the rest of where a record comes from, as the template takes them."""
    given = dict(data["provenance"])
    command, config, protocol = given.pop("command", None), given.pop("config", None), given.pop("protocol", None)
    flat = [("Data digest (SHA-256)", data["source"]["digest"])]
    flat += [(capital(words(key)), shown_value(value)) for key, value in given.items() if not isinstance(value, dict)]
    return {
        "command": command if isinstance(command, str) or command is None else shlex.join(map(str, command)),
        "provenance": flat,
        "provenance_groups": [(capital(words(key)), pairs(value)) for key, value in given.items() if isinstance(value, dict) and value],
        "config": _yaml(config),
        "protocol": None
        if not isinstance(protocol, dict)
        else {"said": followed(protocol), "deviations": [sentence(str(one)) for one in protocol["deviations"]]},
    }


def followed(protocol: Mapping[str, Any]) -> str:
    """Whether a run did what its protocol says."""
    number, digest = len(protocol["deviations"]), str(protocol["digest"])[:12]
    if not number:
        return f"The analysis was fixed beforehand in a protocol (digest {digest}) and followed it in everything."
    return f"The analysis was fixed beforehand in a protocol (digest {digest}); {count(number, 'thing was', 'things were')} done otherwise."


def _yaml(config: Any) -> str:
    if config is None or isinstance(config, str):
        return (config or "").strip()
    import yaml

    return str(yaml.safe_dump(config, sort_keys=False, allow_unicode=True, width=110)).strip()


__all__ = ["drawings", "followed", "page", "provenance_view", "render", "shown", "table", "view"]
