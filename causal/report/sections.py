"""The page's parts that hold figures: each a mapping of words, a drawing and the table behind it, made from the record alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from causal.estimand import Estimand
from causal.graph import undated
from causal.language import NAMES
from causal.report.checks import pairs
from causal.report.figures import canvas as figures
from causal.report.figures import course as along
from causal.report.figures import curves, graph_figure
from causal.report.figures.canvas import Drawing
from causal.report.figures.graph_figure import PLACE_AND_TIME
from causal.report.parts import shown, table
from causal.report.phrases import (
    decimals,
    effect,
    estimand,
    exact,
    interval,
    label,
    level,
    p_text,
    readable,
    sentence,
    variable,
    words,
)
from causal.words import capital, count, crossed, listed, over_years, signed


def dated(data: Mapping[str, Any], name: str, *, by_year: bool = False) -> str:
    """A name of the adjustment set with its label and its date: children (1 year before the outcome).

    Parameters
    ----------
    data : a record.
    name : as a record has it, `children[-1]` a year before the outcome.
    by_year : whether each year has a coefficient of its own.
    """
    bare, by = undated(name)
    when = f" ({count(abs(by), 'year')} {'before' if by < 0 else 'after'} the outcome)" if by else ""
    return (bare if bare in PLACE_AND_TIME else label(data, bare)) + when + (" × year" if by_year else "")


def equivalence(data: Mapping[str, Any]) -> str:
    """Two one-sided tests as a sentence; "" where there are none, as in older records."""
    found = data["verdict"].get("equivalence")
    if not found:
        return ""
    small = exact(data["question"]["smallest_important"])
    return (
        f"Two one-sided tests: against an effect of −{small} or less p = {p_text(found['p_above'])}, against one of +{small} or more "
        f"p = {p_text(found['p_below'])}. Both small would say that any effect is too small to matter. They change no word of the answer, which rests on the "
        f"{level(data)}; both at 5% ask a little less than that."
    ).replace("p = less than", "p less than")


def power_section(data: Mapping[str, Any], drawn: Mapping[str, Drawing]) -> dict[str, Any] | None:
    """What such a study would say for each of some true effects.

    Parameters
    ----------
    data : a record.
    drawn : name → figure.

    Returns
    -------
    part : None where the error is not known.
    """
    curve = data["verdict"].get("power")
    if not curve or "power" not in drawn:
        return None
    heads = ("True effect", f"{capital(level(data))} leaves out 0", *(NAMES.get(name, capital(words(name))) for name in curve[0]["rows"]))
    digits = decimals(*(one["effect"] for one in curve))
    rows = [(signed(one["effect"], digits), *(f"{share:.0%}" for share in (one["found"], *one["rows"].values()))) for one in curve]
    unit = variable(data, data["question"]["outcome"])["unit"]
    caption = f"How often a study with this error would say what, if the true effect ({unit}) were"
    return {"drawing": shown(drawn["power"]), "table": table(caption, heads, rows, numbers=heads)}


def span_of_years(span_of: Sequence[int]) -> str:
    """2012 to 2019."""
    return over_years(span_of)


def estimates(data: Mapping[str, Any], drawn: Mapping[str, Drawing]) -> dict[str, Any] | None:
    """The answer beside the comparison that holds nothing fixed.

    Parameters
    ----------
    data : a record.
    drawn : name → figure.

    Returns
    -------
    part : None without an estimate.
    """
    answer, other = data["estimate"], data["baseline"]
    if not answer:
        return None
    other = other if other and other["effect"] is not None else None
    unit, smallest = variable(data, data["question"]["outcome"])["unit"], data["question"]["smallest_important"]
    ones = [("This estimate", answer)] + ([("For contrast", other)] if other else [])
    ones += [(name, {**answer, **one}) for name, one in _before_shared(answer)]
    rows = [
        (
            name,
            words(one["estimator"]),
            estimand(one),
            effect(one, unit, smallest=smallest),
            interval(one, smallest=smallest),
            p_text(one["p_value"]),
            one["inference"],
        )
        for name, one in ones
    ]
    notes = []
    if other:
        notes.append("The two are different things: the second holds nothing fixed and is no rival answer. The gap between them is what the adjustment does.")
    holds = Estimand.read(answer["estimand"])
    if not isinstance(holds, str) and holds.holds_for:
        notes.append(f"For whom this average holds. {holds.holds_for}")
    notes += [sentence(f"On this estimate: {readable(data, one)}") for one in (*answer["concerns"], *answer["notes"])]
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
        "diagnostics": [*_conditions(answer), *pairs(answer["diagnostics"])] or [("Diagnostics", "none were given")],
    }


def _before_shared(answer: Mapping[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """The answer as it was before places were found to share shocks: with places taken as independent, and with groups as clusters."""
    before = answer.get("shared")
    if not before:
        return []
    bare = {"effect": before["effect"], "p_value": None}
    made = [("Places taken as independent", {**bare, "lower": before["lower"], "upper": before["upper"], "inference": "too narrow: places share shocks"})]
    if before["group_lower"] is not None:
        how = f"CR2, clustered by {listed(before['groups'])}, nothing more absorbed"
        made.append(("The same, groups as clusters", {**bare, "lower": before["group_lower"], "upper": before["group_upper"], "inference": how}))
    return made


HELD = {"authority": "lasting differences between authorities", "year": "what hit all in one year", "controls": "the controls that the graph asks for"}
COUNTED = {
    "movers": "Authorities whose treatment moves",
    "adopters": "Authorities that take it up",
    "never_treated": "Authorities that never do",
    "adoption_years": "Years in which it is taken up",
    "shocks": "Effective shocks",
}


def _conditions(answer: Mapping[str, Any]) -> list[tuple[str, str]]:
    """What the estimate conditions on and what is known of its design; nothing of older records, which have it among the diagnostics."""
    if "held" not in answer:
        return []
    conditioning, facts = answer["held"], answer["facts"]
    made = [("Conditions on", listed([words for name, words in HELD.items() if conditioning[name]]) or "nothing")]
    made += [(words, exact(facts[name])) for name, words in COUNTED.items() if facts[name] is not None]
    if facts["pre_trend"] is not None:
        f, p_value = facts["pre_trend"]["f"], facts["pre_trend"]["p_value"]
        made.append(("Years before the treatment, tested jointly", f"F {exact(f)}, p {p_text(p_value)}" if p_value is not None else "nothing to test"))
    return made


def groups(data: Mapping[str, Any], drawn: Mapping[str, Drawing]) -> list[dict[str, Any]]:
    """Effects by group or path, a part of the page for each thing they are grouped by.

    Parameters
    ----------
    data : a record.
    drawn : name → figure.
    """
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


def events(data: Mapping[str, Any], drawn: Mapping[str, Drawing]) -> dict[str, Any] | None:
    """Leads and lags.

    Parameters
    ----------
    data : a record.
    drawn : name → figure.

    Returns
    -------
    part : None where nothing gave leads or lags.
    """
    parts, whose = figures.event_parts(data)
    if not parts:
        return None
    return {"drawing": shown(drawn["event_study"]), "table": _parts_table(data, parts, "Lead or lag", f"Leads and lags, from {whose}")}


def _parts_table(data: Mapping[str, Any], parts: Sequence[Mapping[str, Any]], what: str, caption: str) -> dict[str, Any]:
    unit, smallest = variable(data, data["question"]["outcome"])["unit"], data["question"]["smallest_important"]
    alone, joint = f"{level(data)}, alone", f"{level(data)}, all at once"
    rows = [
        (
            capital(part["name"]),
            effect(part, "", smallest=smallest),
            interval(part, smallest=smallest),
            interval(part, joint=True, smallest=smallest),
            f"{part['authorities']:,}" if part["authorities"] else "not counted",
            f"{part['rows']:,}" if part["rows"] else "not counted",
        )
        for part in parts
    ]
    heads = (what, "Effect", alone, joint, "Authorities", "Rows")
    return table(f"{caption}; {unit}" if unit else caption, heads, rows, numbers=heads[1:])


def graph(data: Mapping[str, Any], drawn: Mapping[str, Drawing]) -> dict[str, Any]:
    """The graph, and the same in words.

    Parameters
    ----------
    data : a record.
    drawn : name → figure.
    """
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


def steps(data: Mapping[str, Any], drawn: Mapping[str, Drawing]) -> dict[str, Any] | None:
    """What each step of adjustment bought (Gelbach 2016, When do covariates matter? And which ones, and how much?).

    Parameters
    ----------
    data : a record.
    drawn : name → figure.

    Returns
    -------
    part : None where the record has no such steps.
    """
    if "steps" not in drawn:
        return None
    made = curves.ladder(data)
    smallest = data["question"]["smallest_important"]
    rows = [
        (
            name.removeprefix("+ "),
            listed([dated(data, control, by_year=control in one.get("by_year", ())) for control in one.get("names", ())]) or "–",
            effect(one, "", smallest=smallest),
            interval(one, smallest=smallest),
        )
        for name, one in made
    ]
    heads = ("Held fixed, besides what stands above it", "Which are", "Comparison", level(data))
    unit = variable(data, data["question"]["outcome"])["unit"]
    caption = f"Steps of adjustment; {unit}" if unit else "Steps of adjustment"
    return {"drawing": shown(drawn["steps"]), "said": curves.gelbach_text(data), "table": table(caption, heads, rows, numbers=heads[2:], long=heads[1:2])}


def dose(data: Mapping[str, Any], drawn: Mapping[str, Drawing]) -> dict[str, Any] | None:
    """The outcome along the treatment.

    Parameters
    ----------
    data : a record.
    drawn : name → figure.

    Returns
    -------
    part : None where the record has no dose.
    """
    if "dose" not in drawn:
        return None
    question = data["question"]
    digits = decimals(*(one["outcome"] for one in data["dose"]))
    rows = [
        (
            exact(one["treatment"], 3),
            exact(one["outcome"], digits),
            f"{exact(one['lower'], digits)} to {exact(one['upper'], digits)}",
            one["rows"],
            one["authorities"],
        )
        for one in data["dose"]
    ]
    heads = (capital(label(data, question["treatment"])), capital(label(data, question["outcome"])), level(data), "Rows", "Authorities")
    return {
        "drawing": shown(drawn["dose"]),
        "table": table(f"Tenths of the {'units' if crossed(data['source']['years']) else 'authority-years'}, all else held fixed", heads, rows, numbers=heads),
    }


def course(data: Mapping[str, Any], drawn: Mapping[str, Drawing]) -> dict[str, Any] | None:
    """The outcome along a running variable or the years, with the lines that the answer rests on.

    Parameters
    ----------
    data : a record.
    drawn : name → figure.

    Returns
    -------
    part : None where the record has no such course.
    """
    made = along.points(data)
    if made is None:
        return None
    told = made["points"]
    digits = decimals(*(one[key] for one in told for key in ("seen", "fitted", "without") if one[key] is not None))
    rows = [
        (
            exact(one["at"]),
            *("" if one[key] is None else exact(one[key], digits) for key in ("seen", "fitted", "without")),
            "yes" if one["treated"] else "no",
            f"{one['rows']:,}" if one["rows"] else "line alone",
        )
        for one in told
    ]
    heads = (capital(along.axis_of(data)), "As it was", "Fitted", "Without the treatment", "Treated", "Rows")
    return {"drawing": shown(drawn["course"]), "table": table("The course of the outcome", heads, rows, numbers=heads[:4])}


def specifications(data: Mapping[str, Any], drawn: Mapping[str, Drawing]) -> list[dict[str, Any]]:
    """Each curve of specifications.

    Parameters
    ----------
    data : a record.
    drawn : name → figure.
    """
    made = []
    for (_, parts), name in zip(curves.curves(data).items(), [name for name in drawn if name.startswith("specifications_")], strict=True):
        smallest = data["question"]["smallest_important"]
        rows = [(capital(readable(data, part["name"])), effect(part, "", smallest=smallest), interval(part, smallest=smallest)) for part in parts]
        heads = ("Specification", "Effect", level(data))
        made.append({"drawing": shown(drawn[name]), "table": table("Specifications, lowest first", heads, rows, numbers=heads[1:])})
    return made
