"""A plan as a page: what such a study would find, how many places it takes, the numbers that this rests on, and the places chosen for a pilot."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from causal.planning import Plan
from causal.report.figures.charts import draw
from causal.report.parts import render, shown
from causal.report.parts import table as as_table
from causal.words import count

ASKS = "What would such a study find?"
DESIGNS = {
    "panel": "some places take it up in one year and keep it; each place against itself, each year against the others' same year",
    "adoption": "places take it up in waves and keep it, some never; each place against itself, each year against the others' same year",
    "discontinuity": "places on one side of a cutoff get it; a straight line on each side within the bandwidth",
    "cluster_trial": "places are drawn by lot; the means of the two arms",
    "stepped_wedge": "all places come to it in an order drawn by lot; each place against itself, each year against the others' same year",
}
NUMBERS = (
    ("sd", "standard deviation of the outcome among people of one year"),
    ("icc", "share of its variance between places"),
    ("lasting", "of that, the share that does not change from year to year"),
    ("autocorrelation", "of the rest, from one year to the next"),
    ("places", "places"),
    ("people", "people in each place and year"),
    ("years", "years"),
    ("before", "years before the first place begins"),
    ("share", "share of places treated, or above the cutoff"),
    ("bandwidth", "share of places near enough to the cutoff"),
    ("told", "share of the variance between places told by what was known before"),
    ("attrition", "share of people lost"),
)
USED: Mapping[str, tuple[str, ...]] = {
    "panel": ("sd", "icc", "lasting", "autocorrelation", "places", "people", "years", "before", "share", "attrition"),
    "adoption": ("sd", "icc", "lasting", "autocorrelation", "places", "people", "years", "before", "share", "attrition"),
    "discontinuity": ("sd", "icc", "places", "people", "share", "bandwidth", "attrition"),
    "cluster_trial": ("sd", "icc", "places", "people", "share", "told", "attrition"),
    "stepped_wedge": ("sd", "icc", "lasting", "autocorrelation", "places", "people", "years", "before", "attrition"),
}


def headline(record: Mapping[str, Any]) -> str:
    """The answer in a sentence."""
    size = f"{record['smallest_important']:g}"
    share = f"{100 * record['finds']:.0f} of 100 such studies"
    return f"With {count(record['places'], 'place')} an effect of {size} is found in {share}"


def beside(record: Mapping[str, Any]) -> str:
    """What it takes."""
    wanted = record["places_wanted"]
    takes = (
        f"{count(wanted, 'place')} find it in {100 * record['power']:.0f} of 100."
        if wanted
        else f"Not even 4,000 places would find it in {100 * record['power']:.0f} of 100: take more people or years, or another design."
    )
    return f"{takes} The smallest effect that {count(record['places'], 'place')} find so often is {record['detectable']:.3g}."


def sections(record: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Tables and sentences, for text and page alike."""
    used = USED[record["kind"]]
    numbers = [[words, f"{record[key]:g}"] for key, words in NUMBERS if key in used]
    numbers += [["standard error of the answer", f"{record['std_error']:.4g}"], ["degrees of freedom", f"{record['df']:g}"]]
    made = [{"title": "What it rests on", "heads": ["number", "value"], "rows": numbers, "said": [f"Where they are from: {record['source']}."]}]
    curve = [[f"{number:,}", f"{size:.3g}", f"{100 * found:.0f}%"] for number, size, found in record["curve"]]
    made.append(
        {"title": "Places", "heads": ["places", "smallest effect found", f"studies that find {record['smallest_important']:g}"], "rows": curve, "said": []}
    )
    if chosen := record.get("chosen"):
        rows = [[name, f"{one:+.2f}"] for name, one in chosen["balance"].items()]
        said = [
            f"Chosen for the pilot: {', '.join(chosen['places'])}.",
            f"Their means lie {chosen['distance']:.2f} standard deviations from those of all places (root mean square); of places drawn by lot, "
            f"{chosen['usual']:.2f}.",
            f"A weighed mean of the other places goes as they did in the years before, to {chosen['fit']:.2f} standard deviations of the outcome.",
            "Places that are chosen and not drawn are compared with others as any places are: choosing them alike is no lottery.",
        ]
        made.append({"title": "Places for a pilot", "heads": ["what is alike", "difference from all, standard deviations"], "rows": rows, "said": said})
    return made


def told(record: Mapping[str, Any]) -> str:
    """The plan as Markdown."""
    lines = [f"# {ASKS}", "", f"**{headline(record)}.** {beside(record)}", "", f"{record['kind'].replace('_', ' ')}: {DESIGNS[record['kind']]}."]
    for one in sections(record):
        rows = [f"| {' | '.join(row)} |" for row in (one["heads"], *one["rows"])]
        lines += ["", f"## {one['title']}", "", rows[0], "|---" * len(one["heads"]) + "|", *rows[1:], "", *(f"- {sentence}" for sentence in one["said"])]
    return "\n".join(lines).rstrip() + "\n"


def page(record: Mapping[str, Any]) -> str:
    """The plan as a page of its own."""
    names = ("places", "detectable", "found")
    labels = ("places", "smallest effect found", "studies that find what matters")
    columns = [{"name": name, "label": label, "unit": "%" if name == "found" else "", "places": None} for name, label in zip(names, labels, strict=True)]
    rows = [[number, size, 100 * found] for number, size, found in record["curve"]]
    table = {"columns": columns, "rows": rows}
    what: dict[str, Any] = {"label": None, "group": None, "lower": None, "upper": None, "total": None, "where": {}, "kind": "curve"}
    drawings = [
        draw(
            what
            | {
                "name": "detectable",
                "values": ["places", "detectable"],
                "marks": [{"column": "detectable", "value": record["smallest_important"], "words": "what matters"}],
                "alt": f"The smallest effect found falls as places are added: {record['detectable']:.3g} with {record['places']} of them.",
                "caption": f"Smallest effect that {100 * record['power']:.0f} of 100 studies find, by number of places; line: what matters",
                "axes": ["places", "smallest effect found"],
            },
            table,
        ),
        draw(
            what
            | {
                "name": "power",
                "values": ["places", "found"],
                "marks": [{"column": "found", "value": 100 * record["power"], "words": "what is asked for"}],
                "alt": f"The share of studies that find an effect of {record['smallest_important']:g} rises with places: {headline(record)}.",
                "caption": f"Studies that find an effect of {record['smallest_important']:g}, by number of places; line: what is asked for",
                "axes": ["places", "studies that find it, %"],
            },
            table,
        ),
    ]
    made = [
        {"title": one["title"], "said": one["said"], "table": as_table(one["title"], one["heads"], one["rows"], numbers=one["heads"][1:])}
        for one in sections(record)
    ]
    view = {
        "title": record["kind"].replace("_", " "),
        "asks": ASKS,
        "answer": headline(record),
        "beside": beside(record),
        "design": DESIGNS[record["kind"]],
        "because": record["because"],
        "drawings": [shown(one) for one in drawings],
        "sections": made,
        "files": (("plan.md", "the same as text"), ("plan.json", "the same for machines, and for  causal explain --plan")),
    }
    return render("plan.html", view)


def record_of(plan: Plan, chosen: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """All of a plan as plain values, with the places chosen for a pilot.

    Parameters
    ----------
    plan : the design and its numbers.
    chosen : places, as plain values; None where none were asked for.
    """
    return plan.record() | ({"chosen": dict(chosen)} if chosen else {})
