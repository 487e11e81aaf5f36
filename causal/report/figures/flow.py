"""A trial's flow: who was drawn, who took it up, whose outcome is not known, and who is in the answer; after CONSORT (Campbell and others 2012).

Two arms stand side by side; the dates of a roll-out stand below one another. Every box says its numbers in words.
"""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

from causal.report.figures.canvas import BLUE, GREY, NARROW, WIDTH, Drawing, figure, pixels, style, svg_of
from causal.words import capital, count, crossed

LINE, PAD, GAP = 0.17, 0.2, 0.24  # inches: a line of a box, its edges, and between boxes


def flow(data: Mapping[str, Any]) -> Drawing | None:
    """The figure; None where the estimate says nothing of arms."""
    made = arms(data)
    if not made:
        return None
    said = [f"{capital(name(arm))}: {'; '.join(boxes(data, arm))}" for arm in made]
    return Drawing(
        name="flow",
        svg=_drawn(data, made, WIDTH),
        narrow=_drawn(data, made, NARROW),
        alt=". ".join(said) + ".",
        caption="From the draw to the answer, arm by arm.",
        width=pixels(WIDTH),
    )


def arms(data: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    """The arms of a record's estimate, as they are kept; none where there are none."""
    estimate = data["estimate"]
    made: Sequence[Mapping[str, Any]] = estimate.get("flow", ()) if estimate else ()
    return made


def name(arm: Mapping[str, Any]) -> str:
    """Offered it, not offered it, or from when on."""
    if arm["since"] is not None:
        return f"from {arm['since']} on"
    return "offered it" if arm["offered"] else "not offered it"


def analysed(arm: Mapping[str, Any]) -> int:
    """Rows of it in the answer."""
    return int(arm["rows"] - arm["unknown"] - arm["left_out"])


def boxes(data: Mapping[str, Any], arm: Mapping[str, Any]) -> list[str]:
    """What its boxes say, from the draw to the answer."""
    of = "row" if crossed(data["source"]["years"]) else "place-year"
    several = arm["clusters"] != arm["rows"]
    drawn = f"drawn: {count(arm['clusters'], 'cluster' if of == 'row' and several else 'place')}" + (f", {count(arm['rows'], of)}" if several else "")
    lost = [f"{arm['unknown']:,} without an outcome"] if arm["unknown"] else []
    lost += [f"{arm['left_out']:,} left out otherwise"] if arm["left_out"] else []
    took = [f"taken up by {arm['took']:.0%}"] if arm["took"] is not None else []
    return [drawn, *took, ", ".join(lost) or "none lost", f"in the answer: {count(analysed(arm), of)}"]


def _drawn(data: Mapping[str, Any], made: Sequence[Mapping[str, Any]], width: float) -> str:
    beside = len(made) == 2
    columns = 2 if beside else 1
    wide = (width - 0.2 - 0.2 * (columns - 1)) / columns
    letters = round((wide - 0.2) * 13)
    laid = [[[capital(name(arm))], *(textwrap.wrap(capital(text), letters) for text in boxes(data, arm))] for arm in made]
    if not beside:  # one box for each date
        laid = [
            [[one[0][0], *(line for text in boxes(data, arm) for line in textwrap.wrap(capital(text), letters))]] for one, arm in zip(laid, made, strict=True)
        ]
    rows = [laid] if not beside else [[[column[i]] for column in laid] for i in range(len(laid[0]))]
    heights = [max(len(column[0]) for column in row) * LINE + PAD for row in rows] if beside else [len(one[0]) * LINE + PAD for one in laid]
    tall = sum(heights) + GAP * (len(heights) - 1) + 0.2
    with style():
        fig = figure(width, tall)
        top = tall - 0.1
        for i, high in enumerate(heights):
            for j, column in enumerate(rows[i]) if beside else ((0, laid[i]),):
                left = 0.1 + j * (wide + 0.2)
                _box(fig, width, tall, left, top, wide, high, column[0], head=i == 0 if beside else True)
                if beside and i + 1 < len(heights):
                    _arrow(fig, width, tall, left + wide / 2, top - high)
            top -= high + GAP
        return svg_of(fig)


def _box(fig: Any, width: float, tall: float, left: float, top: float, wide: float, high: float, lines: Sequence[str], *, head: bool) -> None:
    from matplotlib.patches import Rectangle

    edge = BLUE if head else GREY
    fig.add_artist(Rectangle((left / width, (top - high) / tall), wide / width, high / tall, facecolor="white", edgecolor=edge, linewidth=1.2))
    for k, line in enumerate(lines):
        weight = "bold" if head and k == 0 else "normal"
        fig.text((left + 0.1) / width, (top - PAD / 2 - LINE * (k + 0.5)) / tall, line, fontsize=9, ha="left", va="center", fontweight=weight)


def _arrow(fig: Any, width: float, tall: float, at: float, top: float) -> None:
    from matplotlib.patches import FancyArrowPatch

    ends = ((at / width, top / tall), (at / width, (top - GAP) / tall))
    fig.add_artist(FancyArrowPatch(*ends, arrowstyle="-|>", mutation_scale=9, color=GREY, linewidth=1.0, shrinkA=0, shrinkB=0))
