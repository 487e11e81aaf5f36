"""The outcome along what it is cut by: a running variable with its two lines, or a series with what it would have been.

Dots and squares tell the treated from the others, and a broken line the counterfactual, so that nothing is told by colour alone.
"""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

from causal.report.figures.canvas import BLUE, GREY, NARROW, ORANGE, WIDTH, Drawing, axes, pixels, style, svg_of
from causal.report.phrases import exact, label, readable, variable
from causal.words import capital


def course(data: Mapping[str, Any]) -> Drawing | None:
    """The figure; None where the estimate says nothing of a course."""
    made = points(data)
    if made is None:
        return None
    told, cutoff = made["points"], made["kind"] == "cutoff"
    outcome, axis = label(data, data["question"]["outcome"]), axis_of(data)
    if cutoff:
        lines = [[one for one in told if one["treated"] is side and one["fitted"] is not None] for side in (False, True)]
        ends = [min(side, key=lambda one: abs(one["at"] - made["at"]))["fitted"] for side in lines if side]
        jump = f"At {exact(made['at'])} the lines end at {' and '.join(exact(end) for end in ends)}."
        caption = (
            f"{capital(outcome)} along {axis}. Dots are means of rows on the treated side, squares on the other; each line is fitted to its own side within "
            f"the bandwidth. {jump} The answer also takes away what a curve does to the lines' ends."
        )
    else:
        after = [one for one in told if one["treated"] and one["without"] is not None and one["seen"] is not None]
        gap = sum(one["seen"] - one["without"] for one in after) / len(after) if after else 0.0
        jump = f"From {place(made, made['at'])} on it lies {exact(abs(gap))} {'above' if gap > 0 else 'below'} the broken line on average."
        caption = f"{capital(outcome)} along {axis}: as it was (marks), and as it would have been without the treatment (broken line). {jump}"
    said = "; ".join(f"{place(made, one['at'])} {exact(one['seen'])}" for one in told if one["seen"] is not None)
    return Drawing(
        name="course",
        svg=_drawn(data, made, WIDTH),
        narrow=_drawn(data, made, NARROW),
        alt=f"{capital(outcome)} by {axis}: {said}. {jump}",
        caption=caption,
        width=pixels(WIDTH),
    )


def points(data: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """The course of a record's estimate, as it is kept; None where there is none."""
    estimate = data["estimate"]
    made: Mapping[str, Any] | None = estimate.get("course") if estimate else None
    return made if made and made["points"] else None


def place(made: Mapping[str, Any], at: float) -> str:
    """Where something lies along a course: a year as years are written, 1990 and not 1,990.

    Parameters
    ----------
    made : the course.
    at : along it.
    """
    return exact(at) if made["kind"] == "cutoff" else exact(at).replace(",", "")


def axis_of(data: Mapping[str, Any]) -> str:
    """What the course runs along, in words."""
    made = points(data)
    return "" if made is None else readable(data, made["axis"]) if made["kind"] == "cutoff" else str(made["axis"])


def _drawn(data: Mapping[str, Any], made: Mapping[str, Any], width: float) -> str:
    told: Sequence[Mapping[str, Any]] = made["points"]
    unit = variable(data, data["question"]["outcome"])["unit"]
    words = [f"Up: {label(data, data['question']['outcome'])}, {unit}".removesuffix(", "), f"Along: {axis_of(data)}"]
    said = [line for one in words for line in textwrap.wrap(textwrap.shorten(one, 160, placeholder=" …"), round(width * 13.5))]
    room = 0.36 + 0.18 * len(said)
    with style():
        fig, ax = axes(width, 2.8 + room, left=0.65, right=0.15, bottom=room, top=0.3)
        for treated, colour, mark in ((False, GREY, "s"), (True, BLUE, "o")):
            mine = [one for one in told if one["treated"] is treated]
            seen = [one for one in mine if one["seen"] is not None]
            at, height = [one["at"] for one in seen], [one["seen"] for one in seen]
            ax.plot(at, height, linestyle="", marker=mark, color=colour, markersize=5, markeredgecolor="white", zorder=3)
            line = [one for one in mine if one["fitted"] is not None]
            ax.plot([one["at"] for one in line], [one["fitted"] for one in line], color=ORANGE, linewidth=1.8, zorder=4)
        without = [one for one in told if one["without"] is not None]
        if without:
            ax.plot([one["at"] for one in without], [one["without"] for one in without], color=GREY, linewidth=1.5, linestyle=(0, (4, 2)), zorder=2)
        ax.axvline(made["at"], color=GREY, linewidth=0.8, linestyle=(0, (2, 3)))
        ax.margins(x=0.03, y=0.1)
        tall = fig.get_figheight()
        for i, line_of_words in enumerate(said[::-1]):
            fig.text(0.08 / width, (0.12 + 0.18 * i) / tall, line_of_words, fontsize=9, ha="left", va="center")
        return svg_of(fig)
