"""The record as one page: the answer first, then what it rests on, what was checked and what cannot be said.

Words are made here, so that the template only places them. The page is whole in itself: styles and figures are inside,
nothing is fetched, no script runs.
"""

from __future__ import annotations

import shlex
from base64 import b64encode
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from causal.graph import undated
from causal.report import figures, graph_figure
from causal.report.checks import cards, joint, pairs, shown_value
from causal.report.figures import Drawing
from causal.report.graph_figure import PLACE_AND_TIME
from causal.report.phrases import (
    chance,
    contrast,
    decimals,
    effect,
    exact,
    interval,
    label,
    level,
    made_up,
    sentence,
    tally,
    variable,
    when,
    words,
    years,
)
from causal.words import capital, count, listed, places, signed, span

Row = Sequence[Any]
FEW_OTHERS = 8  # columns that the study does not use and that are shown all the same
FILES = (
    ("summary.md", "the first screen as text"),
    ("result.json", "everything on this page for machines"),
    ("effects.csv", "every effect with its interval; effects.meta.csv says what the columns are"),
    ("refutations.csv", "every check; refutations.meta.csv says what the columns are"),
    ("influence.csv", "how much each authority weighs in the estimate's error"),
    ("config.yaml", "the configuration"),
)


def drawings(data: Mapping[str, Any]) -> list[Drawing]:
    """Every figure of a record."""
    made = [figures.estimates(data), *figures.groups(data), figures.event_study(data), graph_figure.graph(data)]
    return [figures.stamped(one, made_up(data)) for one in made if one is not None]


def page(data: Mapping[str, Any], drawn: Sequence[Drawing]) -> str:
    """The HTML of a record and its figures."""
    return render("page.html", view(data, {one.name: one for one in drawn}))


def render(template: str, view: Mapping[str, Any]) -> str:
    """Fill a template of this folder; all that is put in is escaped."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined
    from markupsafe import Markup

    here = Path(__file__).parent
    room = Environment(loader=FileSystemLoader(here), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    css = Markup((here / "style.css").read_text(encoding="utf-8"))  # our own file, so it may stand unescaped
    return room.get_template(template).render(page=view, css=css).rstrip() + "\n"


def shown(drawing: Drawing) -> dict[str, Any]:
    """A drawing as the template takes it: inside the page, so that the page can be sent alone."""
    source, narrow = ("data:image/svg+xml;base64," + b64encode(svg.encode()).decode() if svg else "" for svg in (drawing.svg, drawing.narrow))
    return {"source": source, "narrow": narrow, "alt": drawing.alt, "caption": drawing.caption, "width": drawing.width}


def table(caption: str, heads: Sequence[str], rows: Sequence[Row], *, numbers: Sequence[str] = (), long: Sequence[str] = ()) -> dict[str, Any]:
    """A table as the template takes it; the first cell of a row is its heading."""
    return {"caption": caption, "heads": list(heads), "rows": [list(row) for row in rows], "numbers": list(numbers), "long": list(long)}


def view(data: Mapping[str, Any], drawn: Mapping[str, Drawing]) -> dict[str, Any]:
    """All that the page says, as words."""
    verdict, found, source = data["verdict"], data["identification"], data["source"]
    planted = dict(source["planted"])
    said = planted.pop("words", "")
    groups = _groups(data, drawn)
    events = _events(data, drawn)
    contents = [("range", "Range"), ("strength", "Strength")]
    contents += [("estimates", "Estimates")] if data["estimate"] else []
    contents += [(group["anchor"], group["short"]) for group in groups]
    contents += [("checks", "Checks")]
    contents += [("events", "Event study")] if events else []
    contents += [("graph", "Causes"), ("cannot", "What we cannot say"), ("assumptions", "Assumptions"), ("data", "Data"), ("provenance", "Run it again")]
    return {
        "title": data["title"],
        "simulated": source["simulated"],
        "planted": pairs(planted),
        "planted_words": sentence(f"Planted: {said.removeprefix('planted: ')}") if said else "",
        "question": asked(data),
        "headline": verdict["headline"],
        "facts": facts(data),
        "contents": contents,
        "range": verdict["range_in_words"],
        "smallest": smallest(data),
        "equivalence": equivalence(data),
        "power": _power(data),
        "strength": verdict["strength"],
        "reasons": [sentence(reason) for reason in verdict["strength_reasons"]],
        "estimates": _estimates(data, drawn),
        "groups": groups,
        "tally": tally([one["survived"] for one in data["refutations"]]) + (" Passing checks is no proof." if data["refutations"] else ""),
        "joint": joint(data),
        "checks": cards(data),
        "events": events,
        "graph": _graph(data, drawn),
        "cannot_say": [sentence(one) for one in verdict["cannot_say"]],
        "assumptions": [sentence(one) for one in found["assumptions"]],
        "warnings": [sentence(one) for one in found["warnings"]],
        "design": [sentence(one) for one in data["design"]["words"]] if data["design"] else ["Nothing was set up, because the effect is not identified."],
        "identification": _identification(data),
        "data": _data(data),
        **provenance_view(data),
        "files": FILES,
        "footer": "Made from result.json by  causal report.  Intervals are rounded outwards.",
    }


def equivalence(data: Mapping[str, Any]) -> str:
    """Two one-sided tests as a sentence; "" where there are none, as in older records."""
    found = data["verdict"].get("equivalence")
    if not found:
        return ""
    small = exact(data["question"]["smallest_important"])
    return (
        f"Two one-sided tests: against an effect of −{small} or less p = {chance(found['p_above'])}, against one of +{small} or more "
        f"p = {chance(found['p_below'])}. Both small would say that any effect is too small to matter. They change no word of the answer, which rests on the "
        f"{level(data)}; both at 5% ask a little less than that."
    ).replace("p = less than", "p less than")


def _power(data: Mapping[str, Any]) -> dict[str, Any] | None:
    """What such a study would say for each of some true effects."""
    curve = data["verdict"].get("power")
    if not curve:
        return None
    heads = ("True effect", f"{capital(level(data))} leaves out 0", *(capital(name) for name in curve[0]["headlines"]))
    digits = decimals(*(one["effect"] for one in curve))
    rows = [(signed(one["effect"], digits), *(f"{share:.0%}" for share in (one["found"], *one["headlines"].values()))) for one in curve]
    unit = variable(data, data["question"]["outcome"])["unit"]
    return table(f"How often a study with this error would say what, if the true effect ({unit}) were", heads, rows, numbers=heads)


def _range(span_of: Sequence[int]) -> str:
    return "no year" if not span_of else str(span_of[0]) if len(span_of) == 1 else f"{span_of[0]} to {span_of[-1]}"


def _estimates(data: Mapping[str, Any], drawn: Mapping[str, Drawing]) -> dict[str, Any] | None:
    answer, other = data["estimate"], data["baseline"]
    if not answer:
        return None
    other = other if other and other["effect"] is not None else None
    unit = variable(data, data["question"]["outcome"])["unit"]
    ones = [("This estimate", answer)] + ([("For contrast", other)] if other else [])
    rows = [(name, words(one["estimator"]), one["estimand"], effect(one, unit), interval(one), chance(one["p_value"]), one["inference"]) for name, one in ones]
    notes = []
    if other:
        notes.append("The two are different things: the second holds nothing fixed and is no rival answer. The gap between them is what the adjustment does.")
    notes += [sentence(f"On this estimate: {one}") for one in (*answer["concerns"], *answer["notes"])]
    heads = ("", "Estimator", "Whose effect (estimand)", "Effect", level(data), "p-value", "How sure, and how got")
    return {
        "drawing": shown(drawn["estimates"]),
        "table": table(
            "Estimates, with what each estimates",
            heads,
            rows,
            numbers=("Effect", level(data), "p-value"),
            long=(heads[2], heads[6]),
        ),
        "notes": notes,
        "diagnostics": pairs(answer["diagnostics"]) or [("Diagnostics", "none were given")],
    }


def _groups(data: Mapping[str, Any], drawn: Mapping[str, Drawing]) -> list[dict[str, Any]]:
    made = []
    for name, parts in figures.grouped(data).items():
        by = label(data, parts[0]["of"]).partition(" (")[0]
        path = parts[0]["kind"] == "path"
        made.append(
            {
                "anchor": name.replace("_", "-"),
                "short": f"Paths: {by}" if path else f"By {by}",
                "title": f"The effect by path: {by}" if path else f"The effect by {by}",
                "said": " ".join(filter(None, [figures.gradient(parts, level(data)), _missing(data, parts[0])])),
                "drawing": shown(drawn[name]),
                "table": _parts_table(data, parts, "Path" if path else "Group", f"Effect by {by}"),
            }
        )
    return made


def _missing(data: Mapping[str, Any], like: Mapping[str, Any]) -> str:
    gone = [p["name"] for p in data["estimate"]["parts"] if (p["kind"], p["of"]) == (like["kind"], like["of"]) and p["effect"] is None]
    return f"No estimate could be made for {listed(gone)}." if gone else ""


def _events(data: Mapping[str, Any], drawn: Mapping[str, Drawing]) -> dict[str, Any] | None:
    parts, whose = figures.event_parts(data)
    if not parts:
        return None
    return {"drawing": shown(drawn["event_study"]), "table": _parts_table(data, parts, "Lead or lag", f"Leads and lags, from {whose}")}


def _parts_table(data: Mapping[str, Any], parts: Sequence[Mapping[str, Any]], what: str, caption: str) -> dict[str, Any]:
    unit = variable(data, data["question"]["outcome"])["unit"]
    digits = decimals(*(part[key] for part in parts for key in ("effect", "lower", "upper")))
    alone, joint = f"{level(data)}, alone", f"{level(data)}, all at once"
    rows = [
        (
            capital(part["name"]),
            signed(part["effect"], digits),
            interval(part, digits),
            interval(part, digits, joint=True),
            f"{part['authorities']:,}" if part["authorities"] else "not counted",
            f"{part['rows']:,}" if part["rows"] else "not counted",
        )
        for part in parts
    ]
    heads = (what, "Effect", alone, joint, "Authorities", "Rows")
    return table(f"{caption}; {unit}" if unit else caption, heads, rows, numbers=heads[1:])


def _graph(data: Mapping[str, Any], drawn: Mapping[str, Drawing]) -> dict[str, Any]:
    role = graph_figure.roles(data)
    arrows = graph_figure.arrows(data)
    nodes = [(node["label"], node["name"], graph_figure.role_word(role[node["name"]])) for node in data["graph"]["nodes"]]
    counted = f"{count(len(nodes), 'variable')} and {count(len(arrows), 'arrow')}"
    return {
        "said": "An arrow that is missing here is an assumption too, and the strongest kind. Whoever doubts an arrow can change it and run the study again.",
        "drawing": shown(drawn["graph"]),
        "counted": counted,
        "nodes": table("Variables and the part each plays", ("Variable", "Name in files", "Part"), nodes),
        "arrows": table(
            "Arrows and reasons",
            ("Cause", "Effect", "Because", "When"),
            [(a["cause"], a["effect"], a["because"], a["when"]) for a in arrows],
            long=("Because",),
        ),
    }


def _identification(data: Mapping[str, Any]) -> list[tuple[str, str]]:
    found = data["identification"]
    if not found["identified"]:
        blocked = [label(data, name) for name in found["blocked_by"]]
        return [("Identified", "no"), ("What would identify it", listed(blocked) or "no one or two further measures")]
    said = [("Held fixed", listed([_dated(data, name) for name in found["adjust_for"]]) or "nothing"), ("Chosen because", found["chosen_because"])]
    said.append(("Valid choices found", f"{len(found['valid'])}{'' if found['exhaustive'] else ' (not all were looked for)'}; all stand in result.json"))
    if found["forced"]:
        said.append(("Forced by the evaluator", listed(found["forced"])))
    if found["instruments"]:
        said.append(("Possible instruments", listed([one["name"] for one in found["instruments"]])))
    return said


def _dated(data: Mapping[str, Any], name: str) -> str:
    bare, by = undated(name)
    dated = f" ({count(abs(by), 'year')} {'before' if by < 0 else 'after'} the outcome)" if by else ""
    return (bare if bare in PLACE_AND_TIME else label(data, bare)) + dated


def _data(data: Mapping[str, Any]) -> dict[str, Any]:
    source, design = data["source"], data["design"]
    lost = design["lost"] if design else source["log"]
    said = f"{capital(source['title'])}: {count(source['rows'], 'authority-year')} from {_range(source['years'])}."
    if design:
        said += f" Used: {count(design['rows'], 'row')} of {count(design['authorities'], 'authority', 'authorities')}, outcomes of {_range(design['years'])}."
        if design["clusters"] != design["authorities"]:
            said += f" They move together in {count(design['clusters'], 'cluster')}."
    roles = {undated(name)[0]: "held fixed" for name in (data["identification"] or {}).get("adjust_for", ())}
    roles |= {name: "groups" for name in data["question"]["modifiers"] if name not in roles}
    roles |= {data["question"]["treatment"]: "treatment", data["question"]["outcome"]: "outcome"}
    used = [one for one in source["variables"] if one["name"] in roles or one["name"] == source["population"]]
    others = len(source["variables"]) - len(used)
    shown = source["variables"] if others <= FEW_OTHERS else used
    return {
        "said": said,
        "lost": table(
            "Left out at each step, in order",
            ("Step", "Rows lost", "Authorities lost"),
            [(sentence(one["step"]), f"{one['rows']:,}", f"{len(one['authorities']):,}") for one in lost],
            numbers=("Rows lost", "Authorities lost"),
        )
        if lost
        else None,
        "names": [
            {"title": f"{count(len(one['names']), 'authority', 'authorities')} lost: {one['step']}", "names": sentence(listed(one["names"]))}
            for one in lost
            if one["names"]
        ],
        "none_lost": "No row and no authority was left out.",
        "notes": [sentence(one) for one in source["notes"]],
        "variables": table(
            "Variables" if shown is source["variables"] else f"Variables used here ({others} others are in result.json)",
            ("Variable", "Name in files", "Unit", "Source", "Definition", "Part"),
            [(capital(one["label"]), one["name"], one["unit"], one["source"], one["definition"] or "as labelled", roles.get(one["name"], "")) for one in shown],
            long=("Source", "Definition"),
        ),
    }


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
