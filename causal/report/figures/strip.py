"""One line of a table as a picture: a range on an axis that all lines of the table share, with a mark whose shape and colour say the class.

A line is SVG as wide as its cell, so that a table of hundreds stays light and is as readable on a telephone as on paper. What the lines share (the band
too small to matter, the line of no effect) is the cell's background and is drawn by the style sheet from four numbers; the words stand in the cells beside,
so that nothing is told by the picture alone.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from causal.words import signed

TALL = 23  # pixels of a line
SIZE = 14  # of a mark among words
LARGE = ((1e12, "trillion"), (1e9, "billion"), (1e6, "million"))  # numbers of an axis beyond millions
# name → an SVG of about 16 by 16 round (0, 0), in the colour {c}
SHAPES = {
    "diamond": '<path d="M0 -8L8 0L0 8L-8 0Z" fill="{c}" stroke="var(--paper)"/>',
    "open_diamond": '<path d="M0 -8L8 0L0 8L-8 0Z" fill="var(--paper)" stroke="{c}" stroke-width="2.2"/>',
    "dot": '<circle r="6" fill="{c}" stroke="var(--paper)"/>',
    "ring": '<circle r="5.5" fill="var(--paper)" stroke="{c}" stroke-width="2.2"/>',
    "square": '<rect x="-6" y="-6" width="12" height="12" fill="{c}" stroke="var(--paper)"/>',
    "triangle": '<path d="M0 -7L7 5.5H-7Z" fill="{c}" stroke="var(--paper)"/>',
    "down": '<path d="M0 7L7 -5.5H-7Z" fill="{c}" stroke="var(--paper)"/>',
    "open_down": '<path d="M0 7L7 -5.5H-7Z" fill="var(--paper)" stroke="{c}" stroke-width="2.2"/>',
    "cross": '<path d="M-5 -5L5 5M-5 5L5 -5" stroke="{c}" stroke-width="2.2" fill="none"/>',
    "star": '<path d="M0 -8.5L2.2 -2.9L8 -2.6L3.5 1L5 7L0 3.6L-5 7L-3.5 1L-8 -2.6L-2.2 -2.9Z" fill="{c}" stroke="var(--paper)" stroke-width=".7"/>',
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Axis:
    """What the lines of a table share; all in the units of the axis.

    Parameters
    ----------
    low, high : its ends.
    band : what is too small to matter, None where there is none.
    zero : where the line of no effect stands.
    """

    low: float
    high: float
    band: tuple[float, float] | None = None
    zero: float = 0.0

    def at(self, value: float) -> float:
        """Per cent of the width, held inside."""
        return 100 * min(max((value - self.low) / (self.high - self.low), 0.0), 1.0)

    @property
    def style(self) -> str:
        """The numbers that the style sheet draws the background from."""
        low, high = (self.at(self.zero),) * 2 if self.band is None else (self.at(end) for end in self.band)
        return f"--lo:{low:.2f}%;--hi:{high:.2f}%;--zero:{self.at(self.zero):.2f}%"


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A range and its mark.

    Parameters
    ----------
    value, lower, upper : in the units of the axis; None where one is not known.
    colour, shape : of the page, and of SHAPES.
    dashed : whether nothing may be claimed of it.
    finds : the smallest effect that such a study usually finds, either way; None where it is not known.
    truth : the planted one; None where there is none.
    """

    value: float | None = None
    lower: float | None = None
    upper: float | None = None
    colour: str = "blue"
    shape: str = "dot"
    dashed: bool = False
    finds: float | None = None
    truth: float | None = None


def mark(shape: str, colour: str) -> str:
    """A mark among words.

    Parameters
    ----------
    shape : one of `SHAPES`.
    colour : one of the page's.
    """
    return f'<svg aria-hidden="true" class="mark" width="{SIZE}" height="{SIZE}" viewBox="-8.5 -8.5 17 17">{SHAPES[shape].format(c=f"var(--{colour})")}</svg>'


def strip(one: Line, axis: Axis, tall: int = TALL) -> str:
    """The line as SVG; what runs beyond the axis ends in an arrow.

    Parameters
    ----------
    one : the range, in units of the axis.
    axis : shared by the lines of a table.
    tall : height, pixels.
    """
    y = tall / 2
    colour = f"var(--{one.colour})"
    made = ""
    if one.finds is not None:
        left, right = axis.at(-one.finds), axis.at(one.finds)
        made += f'<line x1="{left:.2f}%" x2="{right:.2f}%" y1="{y}" y2="{y}" class="f"/>'
        for end, x in ((-one.finds, left), (one.finds, right)):
            if axis.low <= end <= axis.high:
                made += f'<line x1="{x:.2f}%" x2="{x:.2f}%" y1="{y - 8}" y2="{y + 8}" class="t"/>'
    if one.lower is not None or one.upper is not None:
        low = -math.inf if one.lower is None else one.lower
        high = math.inf if one.upper is None else one.upper
        stroke = 'stroke-width="3" stroke-dasharray="6 3"' if one.dashed else 'stroke-width="5"'
        if high >= axis.low and low <= axis.high:
            made += f'<line x1="{axis.at(low):.2f}%" x2="{axis.at(high):.2f}%" y1="{y}" y2="{y}" stroke="{colour}" {stroke}/>'
        if low < axis.low:
            made += f'<svg x="0" y="{y}" overflow="visible"><path d="M0 0l9 -6v12z" fill="{colour}"/></svg>'
        if high > axis.high:
            made += f'<svg x="100%" y="{y}" overflow="visible"><path d="M0 0l-9 -6v12z" fill="{colour}"/></svg>'
    for value, shape, paint in ((one.value, one.shape, colour), (one.truth, "star", "var(--orange)")):
        if value is not None and axis.low <= value <= axis.high:
            made += f'<svg x="{axis.at(value):.2f}%" y="{y}" overflow="visible">{SHAPES[shape].format(c=paint)}</svg>'
    return f'<svg aria-hidden="true" class="row" width="100%" height="{tall}">{made}</svg>'


def scale(axis: Axis, ticks: Sequence[tuple[float, str]]) -> str:
    """The numbers under the last line; the first and the last stand inside.

    Parameters
    ----------
    axis : shared by the lines of a table.
    ticks : (value in units of the axis, its words), as `ticks` gives them.
    """
    made = ""
    for value, words in ticks:
        x = axis.at(value)
        anchor = "start" if x < 4 else "end" if x > 96 else "middle"
        made += f'<text x="{x:.2f}%" y="14" font-size="12" text-anchor="{anchor}">{escape(words)}</text>'
    return f'<svg aria-hidden="true" class="row" width="100%" height="20">{made}</svg>'


NEAR = 30.0  # percent of an axis from its end that the words of a side and half of the band's take on a telephone


def sides(axis: Axis, left: str, right: str, *, good: str = "", band: tuple[str, str] = ("too small", "to matter")) -> str:
    """The words above the first line: what lies to the left and to the right, and what the band is.

    Parameters
    ----------
    axis : shared by the lines of a table.
    left, right : words of the two directions.
    good : "left" or "right", the side that is not harm; "" where neither is harm.
    band : words above the band, in two lines; ("", "") for none.
    """
    middle = (axis.at(axis.band[0]) + axis.at(axis.band[1])) / 2 if axis.band else axis.at(axis.zero)
    colours = {"left": ("teal", "pink"), "right": ("pink", "teal")}.get(good, ("grey", "grey"))
    over = 13 if any(band) and not NEAR < middle < 100 - NEAR else 0  # the band lies where a side's words begin: they stand above its own
    made = "".join(
        f'<text x="{middle:.2f}%" y="{y + over}" font-size="12" text-anchor="middle" style="fill:var(--soft)">{escape(words)}</text>'
        for y, words in zip((13, 28), band, strict=True)
    )
    side = 13 if over else 28
    made += f'<text x="0" y="{side}" font-size="12.5" font-weight="700" style="fill:var(--{colours[0]})">{escape(f"◀ {left}")}</text>'
    made += f'<text x="100%" y="{side}" font-size="12.5" font-weight="700" text-anchor="end" style="fill:var(--{colours[1]})">{escape(f"{right} ▶")}</text>'
    return f'<svg aria-hidden="true" class="row" width="100%" height="{34 + over}">{made}</svg>'


def ticks(low: float, high: float, most: int = 6) -> list[tuple[float, str]]:
    """Round numbers between two ends, with their signs.

    Parameters
    ----------
    low, high : ends, in units of the axis, low below high.
    most : about how many.
    """
    raw = (high - low) / most
    power = 10.0 ** math.floor(math.log10(raw))
    step = next(size * power for size in (1, 2, 5, 10) if size * power >= raw * 0.999)
    places = max(0, -math.floor(math.log10(step) + 1e-9))
    found = [min(max(at * step, low), high) for at in range(math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9) + 1)]
    if step >= 1e6:  # +2 billion
        size, name = next(((size, name) for size, name in LARGE if max(abs(low), abs(high)) >= size), LARGE[-1])
        finer = max(0, -math.floor(math.log10(step / size) + 1e-9))
        return [(value, "0" if abs(value) < step / 2 else f"{signed(value / size, finer)} {name}") for value in found]
    if places > 9:
        return [(value, "0" if abs(value) < step / 2 else f"{value:.2g}".replace("-", "−")) for value in found]
    return [(value, "0" if abs(value) < step / 2 else signed(value, places)) for value in found]
