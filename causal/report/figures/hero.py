"""The picture of the first screen: the range against what matters, beside what others said, the planted truth and what such a study usually finds.

Drawn as SVG that takes its colours from the page, so that it is dark on a dark page, and twice: beside labels, and below them for a telephone. Every mark is
labelled where it stands and has a shape of its own; nothing is told by colour alone. Numbers are those of the answer, rounded once.
"""

from __future__ import annotations

import math
import textwrap
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from itertools import pairwise
from typing import Any, Literal

from causal.report.figures.strip import ticks
from causal.report.phrases import level, rounding, variable
from causal.verdict.say import sign, usual
from causal.words import capital, signed, written

Kind = Literal["interval", "point", "truth", "reach", "finds", "words"]
# class, or why nothing is claimed → colour of the page, and shape where many stand together
CLASS_MARKS: dict[str, tuple[str, str]] = {
    "harm": ("pink", "diamond"),
    "some_harm": ("pink", "open_diamond"),
    "little_or_none": ("teal", "dot"),
    "no_harm_that_matters": ("blue", "square"),
    "harm_still_open": ("orange", "triangle"),
    "cannot_tell": ("grey", "ring"),
    "some_benefit": ("teal", "open_down"),
    "benefit_that_matters": ("teal", "down"),
}
OTHER_MARK = ("softc", "cross")
WIDE, NARROW = 690, 328
PLOT = (246, 684)  # where the axis lies beside labels
NARROW_PLOT = (8, 320)
FAR = 2.5  # times as far as the range and what matters: what lies further is an arrow at the edge
ASIDE = 14  # pixels from a narrow range to a number beside it
LETTER = 0.5  # mean width of a letter, of its size
LONGEST = 150  # letters of a label that a picture shows


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """One line of the picture.

    Parameters
    ----------
    label, sub : what it is, and what it says in words.
    kind : how it is drawn.
    value, lower, upper : in outcome units; an end that is infinite is an arrow.
    shown : texts of the value and the ends, "" where none is to stand there.
    colour : of the page.
    dashed : whether nothing may be claimed of it.
    """

    label: str
    sub: str
    kind: Kind
    value: float | None = None
    lower: float | None = None
    upper: float | None = None
    shown: tuple[str, str, str] = ("", "", "")
    colour: str = "blue"
    dashed: bool = False


def mark_of(data: Mapping[str, Any]) -> tuple[str, str, bool]:
    """Colour, shape and whether dashed, of a record's answer."""
    verdict = data["verdict"]
    claimed = not (verdict["gate"] or verdict["failed"] or verdict["association"]) and verdict["certainty"] != 0
    colour, shape = CLASS_MARKS.get(verdict["category"] or "", ("blue", "dot")) if claimed or verdict["category"] == "cannot_tell" else OTHER_MARK
    return colour, shape, not claimed


def hero(data: Mapping[str, Any], planted: str) -> dict[str, str] | None:
    """The picture as `wide` and `narrow` SVG, with `title` and `sub`; None where there is nothing to draw.

    Parameters
    ----------
    data : the record.
    planted : the planted truth in words, "" where there is none.
    """
    question, estimate, answer = data["question"], data["estimate"], data["answer"]
    outcome = variable(data, question["outcome"])
    marks = _marks(data, outcome, planted)
    if not any(one.kind != "words" for one in marks):
        return None
    smallest = float(question["smallest_important"])
    frame = Frame(
        smallest=smallest,
        span=_with_room(_span(marks, smallest), marks),
        harm=question["harm"],
        noun=_short(outcome, 34),
        counted=outcome.get("comparative", "more") == "more",
        truth=next((one.value for one in marks if one.kind == "truth"), None),
    )
    title = answer.get("picture") or ("Estimate and range" if estimate else "What others said")
    said = "; ".join(" ".join(filter(None, (one.label + ":", one.sub, *_numbers(one)))) for one in marks)
    alt = f"{title}. {said}. Too small to matter: under {written(smallest)} either way."
    return {"title": title, "wide": _wide(marks, frame, alt), "narrow": _narrow(marks, frame, alt)}


def _numbers(one: Mark) -> list[str]:
    middle, low, high = one.shown
    return [middle, f"({low} to {high})" if low else ""]


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """What all lines of a picture share.

    Parameters
    ----------
    smallest : effect that matters.
    span : ends of the axis.
    harm : direction that is bad, None where none is.
    noun : what is counted.
    counted : whether more and fewer can be said of it.
    truth : the planted one, None where there is none.
    """

    smallest: float
    span: tuple[float, float]
    harm: str | None
    noun: str
    counted: bool
    truth: float | None

    def scale(self, plot: tuple[int, int]) -> Callable[[float], float]:
        """From outcome units to pixels, held inside the plot."""
        low, high = self.span
        return lambda value: plot[0] + (plot[1] - plot[0]) * min(max((value - low) / (high - low), 0.0), 1.0)


def _short(outcome: Mapping[str, Any], most: int) -> str:
    return textwrap.shorten(str(outcome.get("short") or outcome["label"]), most, placeholder=" …")


def _marks(data: Mapping[str, Any], outcome: Mapping[str, Any], planted: str) -> list[Mark]:
    question, estimate, verdict, answer = data["question"], data["estimate"], data["verdict"], data["answer"]
    smallest = question["smallest_important"]
    made = []
    colour, _, dashed = mark_of(data)
    if estimate and (ends := rounding(estimate, smallest)) is not None:
        shown = tuple(sign(one) for one in ends)
        sub = "not to be used: estimate" if verdict["failed"] or verdict["gate"] else "best estimate"
        made.append(
            Mark(
                label="This study",
                sub=f"{sub} and {level(data)}",
                kind="interval",
                value=estimate["effect"],
                lower=estimate["lower"],
                upper=estimate["upper"],
                shown=(shown[0], shown[1], shown[2]),
                colour=colour,
                dashed=dashed,
            )
        )
    elif estimate and estimate["effect"] is not None:
        made.append(
            Mark(
                label="This study",
                sub="best estimate; no valid range",
                kind="point",
                value=estimate["effect"],
                shown=(answer["signed"] or signed(estimate["effect"], 1), "", ""),
                colour="softc",
            )
        )
    else:
        made.append(Mark(label="This study", sub="no estimate can be made", kind="words"))
    truth = data["source"]["planted"].get("truth") if data["source"]["simulated"] else None
    if isinstance(truth, int | float) and planted:
        made.append(Mark(label="Planted truth", sub=f"{planted} (simulated)", kind="truth", value=float(truth), colour="orange"))
    for one in data.get("said") or ():
        if one.get("short"):
            made += _said(one, smallest)
    if verdict.get("detectable") and estimate and not verdict["gate"]:
        sees = float(verdict["detectable"])
        made.append(Mark(label="This study usually finds", sub=f"effects of {usual(sees)} or more", kind="finds", value=sees, colour="softc"))
    return made


def _said(one: Mapping[str, Any], smallest: float) -> list[Mark]:
    label, sub = str(one["short"]), str(one.get("brief") or "")
    if one.get("lower") is not None:
        return [Mark(label=label, sub=sub, kind="reach", value=one.get("effect"), lower=one["lower"], upper=one["upper"], colour="grey")]
    if one.get("effect") is not None:
        return [Mark(label=label, sub=sub, kind="point", value=float(one["effect"]), colour="grey")]
    ends = {"no_important_rise": (-math.inf, smallest), "no_important_fall": (-smallest, math.inf), "inside": (-smallest, smallest)}.get(
        one.get("claims") or ""
    )
    return [Mark(label=label, sub=sub, kind="reach", lower=ends[0], upper=ends[1], colour="grey")] if ends else []


def _span(marks: Sequence[Mark], smallest: float) -> tuple[float, float]:
    """Ends of the axis: range, 0 and what matters always; the rest as far as it does not make these small."""
    near = [0.0, smallest, -smallest]
    near += [end for one in marks if one.kind == "interval" for end in (one.lower, one.upper, one.value) if end is not None]
    near += [one.value for one in marks if one.kind == "point" and one.label == "This study" and one.value is not None]
    reach = max(map(abs, near))
    far = [end for one in marks for end in (one.value, one.lower, one.upper) if end is not None and math.isfinite(end)]
    far += [-one.value for one in marks if one.kind == "finds" and one.value is not None]
    kept = [*near, *(value for value in far if abs(value) <= FAR * reach)]
    low, high = min(kept), max(kept)
    pad = 0.11 * (high - low)
    return low - pad, high + pad


def _with_room(span: tuple[float, float], marks: Sequence[Mark]) -> tuple[float, float]:
    """The axis, longer where the numbers at the ends of a range would otherwise have no room beside it."""
    low, high = span
    for one in marks:
        if one.kind == "interval" and one.lower is not None and one.upper is not None and one.value is not None:
            wide = PLOT[1] - PLOT[0]
            pixel = (high - low) / wide
            clear = wide_as(one.shown[0], 15) / 2 + 6
            if (one.upper - one.value) / pixel <= clear + wide_as(one.shown[2], 13.5):  # it stands beyond the end
                beyond = min(ASIDE + wide_as(one.shown[2], 13.5) - (WIDE - PLOT[1]), wide / 3)
                high = max(high, low + (one.upper - low) * wide / (wide - beyond))
    return low, high


# --- drawing


def text(x: float, y: float, words: str, *, size: float = 13.5, anchor: str = "start", bold: bool = False, colour: str = "ink", halo: bool = False) -> str:
    """A line of text."""
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}" text-anchor="{anchor}"{" font-weight=" + chr(34) + "700" + chr(34) if bold else ""}'
        f'{" class=" + chr(34) + "halo" + chr(34) if halo else ""} style="fill:var(--{colour})">{escape(words)}</text>'
    )


def wide_as(words: str, size: float) -> float:
    """About how many pixels a text takes."""
    return len(words) * size * LETTER


def _wrapped(words: str, pixels: float, size: float, lines: int = 4) -> list[str]:
    letters = max(int(pixels / (size * LETTER)), 8)
    return textwrap.wrap(textwrap.shorten(words, LONGEST, placeholder=" …"), letters, max_lines=lines, placeholder=" …") or [""]


def _band(frame: Frame, plot: tuple[int, int], top: float, bottom: float) -> str:
    at = frame.scale(plot)
    left, right = at(-frame.smallest), at(frame.smallest)
    made = f'<rect x="{left:.1f}" y="{top:.1f}" width="{max(right - left, 1):.1f}" height="{bottom - top:.1f}" fill="var(--band)"/>'
    for x in (left, right):
        made += f'<path d="M{x:.1f} {top:.1f}V{bottom:.1f}" stroke="var(--edge)" stroke-dasharray="4 4" fill="none"/>'
    made += f'<path d="M{at(0):.1f} {top:.1f}V{bottom:.1f}" stroke="var(--ink)" stroke-width="1.6"/>'
    if frame.truth is not None and frame.span[0] < frame.truth < frame.span[1]:
        made += f'<path d="M{at(frame.truth):.1f} {top:.1f}V{bottom:.1f}" stroke="var(--orange)" stroke-width="2" stroke-dasharray="2 3"/>'
    return made


def _sides(frame: Frame, plot: tuple[int, int], y: float, width: int, size: float) -> str:
    """ "important fall | too small to matter | important rise" above the plot, on two lines where they would meet."""
    at = frame.scale(plot)
    left, right = at(-frame.smallest), at(frame.smallest)
    words = {"fall": "important fall", "small": "too small to matter", "rise": "important rise"}
    worse = {"increase": ("teal", "pink"), "decrease": ("pink", "teal")}.get(frame.harm or "", ("soft", "soft"))
    half = wide_as(words["small"], size) / 2
    middle = min(max((left + right) / 2, half), width - half)
    fall = min(max((plot[0] + left) / 2, wide_as(words["fall"], size) / 2), left)
    rise = max(min((right + plot[1]) / 2, width - wide_as(words["rise"], size) / 2), right)
    fall, rise = max(fall, wide_as(words["fall"], size) / 2), min(rise, width - wide_as(words["rise"], size) / 2)
    meet = fall + wide_as(words["fall"], size) / 2 + 8 > middle - half or rise - wide_as(words["rise"], size) / 2 - 8 < middle + half
    up = y - size - 3 if meet else y
    if rise - fall < wide_as(words["fall"] + words["rise"], size) / 2 + 12:
        fall, rise = max(wide_as(words["fall"], size) / 2, fall - 60), min(width - wide_as(words["rise"], size) / 2, rise + 60)
    return (
        text(middle, y, words["small"], size=size, anchor="middle", colour="soft")
        + text(fall, up, words["fall"], size=size, anchor="middle", bold=True, colour=worse[0])
        + text(rise, up, words["rise"], size=size, anchor="middle", bold=True, colour=worse[1])
    )


def _fitting(frame: Frame, plot: tuple[int, int], size: float, most: int) -> list[tuple[float, str]]:
    """As many even ticks as have room for their words beside one another."""
    at, chosen = frame.scale(plot), []
    for number in range(most, 1, -1):
        chosen = ticks(*frame.span, number)
        ends = [(at(value), wide_as(label, size) / 2) for value, label in chosen]
        if all(right - wide >= left + half + 6 for (left, half), (right, wide) in pairwise(ends)):
            break
    return list(chosen)


def _axis(frame: Frame, plot: tuple[int, int], y: float, size: float, *, words: bool, width: int) -> str:
    at = frame.scale(plot)
    made = f'<path d="M{plot[0]} {y:.1f}H{plot[1]}" stroke="var(--edge)"/>'
    for value, label in _fitting(frame, plot, size, 10 if words else 5):
        x = at(value)
        if x + wide_as(label, size) / 2 > width:  # no room for its words
            continue
        made += f'<path d="M{x:.1f} {y:.1f}v5" stroke="var(--edge)"/>' + text(x, y + 20, label, size=size, anchor="middle")
    less, more = ("fewer", "more") if frame.counted else ("lower", "higher")
    noun = f" {frame.noun}" if words else ""
    less, more = f"◀ {less}{noun}", f"{more}{noun} ▶"
    zero = at(0)
    if zero - wide_as(less, size) < 0 or zero + wide_as(more, size) > width:  # no room on either side of 0
        last_line = y + (55 if words else 38)
        return made + text(plot[0], y + 38, less, size=size, colour="soft") + text(plot[1], last_line, more, size=size, anchor="end", colour="soft")
    return made + text(zero - 7, y + 38, less, size=size, anchor="end", colour="soft") + text(zero + 7, y + 38, more, size=size, colour="soft")


def _arrow(x: float, y: float, way: int, colour: str) -> str:
    return f'<path d="M{x:.1f} {y:.1f}l{-10 * way} -5.5v11z" fill="var(--{colour})"/>'


def _drawn(one: Mark, frame: Frame, plot: tuple[int, int], y: float, *, values: bool) -> str:
    """A mark on its line."""
    at, (low, high), colour = frame.scale(plot), frame.span, f"var(--{one.colour})"
    outside = None if one.value is None else -1 if one.value < low else 1 if one.value > high else None
    if one.kind == "interval" and one.lower is not None and one.upper is not None and one.value is not None:
        left, right, middle = at(one.lower), at(one.upper), at(one.value)
        dash = ' stroke-dasharray="7 4"' if one.dashed else ""
        thick = 6 if one.dashed else 11
        made = f'<path d="M{min(left, middle - 1):.1f} {y:.1f}H{max(right, middle + 1):.1f}" stroke="{colour}" stroke-width="{thick}"{dash}/>'
        made += f'<circle cx="{middle:.1f}" cy="{y:.1f}" r="10" fill="var(--paper)" stroke="{colour}" stroke-width="4.5"/>'
        if values:
            shown = one.shown
            made += text(middle, y - 16, shown[0], size=15, anchor="middle", bold=True, halo=True)
            room = wide_as(shown[0], 15) / 2 + 6
            for x, words, way in ((left, shown[1], -1), (right, shown[2], 1)):
                if abs(x - middle) > room + wide_as(words, 13.5):
                    made += text(x - 4 * way, y - 11, words, anchor="start" if way < 0 else "end", halo=True)  # beside a line that stands there
                elif PLOT[0] - 60 < x + way * (ASIDE + wide_as(words, 13.5)) <= WIDE + 0.5:  # else it stands in the line under the headline alone
                    made += text(x + way * 14 if abs(x - middle) < 14 else x + way * 5, y + 5, words, anchor="end" if way < 0 else "start", halo=True)
        return made
    if one.kind == "reach" and one.lower is not None and one.upper is not None:
        left, right = (plot[0] + 10 if one.lower < low else at(one.lower)), (plot[1] - 10 if one.upper > high else at(one.upper))
        made = f'<path d="M{left:.1f} {y:.1f}H{right:.1f}" stroke="{colour}" stroke-width="2.2" stroke-dasharray="3 4" fill="none"/>'
        for x, edge, way, beyond in ((left, plot[0], -1, one.lower < low), (right, plot[1], 1, one.upper > high)):
            made += _arrow(edge, y, way, one.colour) if beyond else f'<path d="M{x:.1f} {y - 7:.1f}v14" stroke="{colour}" stroke-width="2.2"/>'
        return made
    if one.kind == "finds" and one.value is not None:
        made = ""
        for way in (-1, 1):
            edge, end = (plot[0] if way < 0 else plot[1]), way * one.value
            made += _arrow(edge, y, way, one.colour)
            if low < end < high:
                x = at(end)
                made += f'<path d="M{x:.1f} {y - 7:.1f}v14M{x:.1f} {y:.1f}H{edge - way * 9:.1f}" stroke="{colour}" stroke-width="2" fill="none"/>'
        return made
    if one.value is None:
        return ""
    if outside is not None:
        return _arrow(plot[0] if outside < 0 else plot[1], y, outside, one.colour)
    x = at(one.value)
    if one.kind == "truth":
        points = " ".join(
            f"{x + r * math.sin(math.pi * k / 5):.1f},{y - r * math.cos(math.pi * k / 5):.1f}" for k in range(10) for r in [10 if k % 2 == 0 else 4.2]
        )
        return f'<polygon points="{points}" fill="{colour}"/>'
    made = f'<path transform="translate({x:.1f} {y:.1f})" d="M0 -8L8 0L0 8L-8 0Z" fill="var(--paper)" stroke="{colour}" stroke-width="2.2"/>'
    return made + (text(x, y - 14, one.shown[0], size=15, anchor="middle", bold=True, halo=True) if values and one.shown[0] else "")


def svg(width: int, height: float, alt: str, inside: str) -> str:
    """An SVG that is as wide as it may be."""
    return f'<svg viewBox="0 0 {width} {height:.0f}" role="img" aria-label="{escape(alt)}">{inside}</svg>'


def _wide(marks: Sequence[Mark], frame: Frame, alt: str) -> str:
    top = y = 40.0
    labels, drawn = "", ""
    for at, one in enumerate(marks):
        name, sub = _wrapped(one.label, PLOT[0] - 12, 15.5, 2), _wrapped(one.sub, PLOT[0] - 12, 13.5, 3)
        above = 10 if one.shown[0] else 0
        height = max(above + 12 + 18 * len(name) + 16 * len(sub), 44.0 + above)
        if at:
            labels += f'<path d="M0 {y:.1f}H{WIDE}" stroke="var(--rule)"/>'
        line = y + above + 19
        for words in name:
            labels += text(0, line, words, size=15, bold=True)
            line += 18
        for words in sub:
            labels += text(0, line, words, colour="soft")
            line += 16
        drawn += _drawn(one, frame, PLOT, y + above / 2 + height / 2, values=True)
        y += height
    return svg(
        WIDE,
        y + 62,
        alt,
        _band(frame, PLOT, top, y) + labels + _sides(frame, PLOT, top - 8, WIDE, 13.5) + _axis(frame, PLOT, y, 13.5, words=True, width=WIDE) + drawn,
    )


def _narrow(marks: Sequence[Mark], frame: Frame, alt: str) -> str:
    y = 42.0
    made = _sides(frame, NARROW_PLOT, 33, NARROW, 12.5)
    for one in marks:
        numbers = " ".join(_numbers(one)).strip()
        first = f"{one.label}:"
        for at, words in enumerate(_wrapped(f"{first} {capital(numbers) if numbers else one.sub}", NARROW - 8, 14, 3)):
            y += 17
            if at == 0 and words.startswith(first):
                rest = escape(words[len(first) :])
                made += f'<text x="4" y="{y:.1f}" font-size="14" style="fill:var(--ink)"><tspan font-weight="700">{escape(first)}</tspan>{rest}</text>'
            else:
                made += text(4, y, words, size=14)
        y += 6
        if one.kind != "words":
            made += _band(frame, NARROW_PLOT, y, y + 26) + _drawn(one, frame, NARROW_PLOT, y + 13, values=False)
            y += 26
    return svg(NARROW, y + 44, alt, made + _axis(frame, NARROW_PLOT, y, 12.5, words=False, width=NARROW))
