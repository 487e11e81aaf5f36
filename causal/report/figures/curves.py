"""Figures of what surrounds an answer: steps of adjustment, the dose, other specifications, and what such a study could have seen."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from itertools import pairwise
from statistics import median
from typing import Any

from causal.report.figures.canvas import BAND, BLUE, GREY, NARROW, ORANGE, TURQUOISE, WIDTH, Drawing, Row, axes, intervals, pixels, style, svg_of
from causal.report.phrases import against_zero, bare, decimals, effect, exact, label, level, rounding, slug, variable, words
from causal.words import capital, count, listed, signed, written

HELD = {
    "nothing": "Nothing held fixed",
    "year": "+ what hit every place in a year",
    "authority": "+ what lasts about a place",
    "controls": "+ the causes named",
}
INK = "#A8430F"  # orange dark enough to read
SAME = 1e-9  # an answer nearer to the last step than this, in its own size, is that step


def ladder(data: Mapping[str, Any]) -> list[tuple[str, Mapping[str, Any]]]:
    """The steps with their names, and the answer last where it is another comparison than the last step's."""
    made = [(HELD.get(one["held"], words(one["held"])), one) for one in data["steps"]]
    answer = data["estimate"]
    if made and answer and abs(made[-1][1]["effect"] - answer["effect"]) > SAME * max(1.0, abs(answer["effect"])):
        made.append((f"The answer: {words(answer['estimator'])}", answer))
    return made


def gelbach_text(data: Mapping[str, Any]) -> str:
    """What each step moved, as a sentence."""
    made = ladder(data)
    ends = rounding(made[-1][1]) if made else None
    digits = ends[0][1] if ends else decimals(*(one[key] for _, one in made for key in ("effect", "lower", "upper")))
    moves = [f"{name.lstrip('+ ')} {signed(after['effect'] - before['effect'], digits)}" for (_, before), (name, after) in pairwise(made)]
    if not moves:
        return ""
    first, last = made[0][1]["effect"], made[-1][1]["effect"]
    return (
        f"With nothing held fixed the comparison gives {signed(first, digits)}, in the end {signed(last, digits)}. "
        f"In this order the steps move it by: {'; '.join(moves)}. Another order would share it out otherwise."
    )


def steps(data: Mapping[str, Any]) -> Drawing | None:
    """The same comparison with more and more held fixed."""
    made = ladder(data)
    if len(made) < 2:
        return None
    rows = [Row(label=name, one=one, faint=i < len(made) - 1) for i, (name, one) in enumerate(made)]
    smallest = data["question"]["smallest_important"]
    return Drawing(
        name="steps",
        svg=intervals([rows], data, [""]),
        narrow=intervals([rows], data, [""], width=NARROW),
        alt="Steps of adjustment: " + "; ".join(f"{name.lstrip('+ ')} {bare(one, smallest=smallest)}" for name, one in made) + f". {gelbach_text(data)}",
        caption=f"What each step of adjustment buys: the same straight-line comparison with more and more held fixed. Lines are {level(data)}s.",
        width=pixels(WIDTH),
    )


def dose(data: Mapping[str, Any]) -> Drawing | None:
    """The outcome along the treatment, all else held fixed."""
    points, made = data["dose"], data["steps"]
    if len(points) < 3 or not made:
        return None
    question = data["question"]
    slope = made[-1]["effect"] / (question["treated"] - question["control"])
    x, y = ([one[key] for one in points] for key in ("treatment", "outcome"))
    total = sum(one["rows"] for one in points)
    middle = [sum(one[key] * one["rows"] for one in points) / total for key in ("treatment", "outcome")]
    line = [middle[1] + slope * (one - middle[0]) for one in x]
    away = sum(not one["lower"] <= at <= one["upper"] for one, at in zip(points, line, strict=True))
    found = (
        f"The straight line passes through the {level(data)}s of {'all' if not away else len(points) - away} of the {len(points)} points"
        + (": nothing here speaks against a straight line." if away <= 1 else ": the true curve may bend.")
    ).replace("all of the", "all")
    digits = decimals(*y)
    return Drawing(
        name="dose",
        svg=_dose(data, points, line, WIDTH),
        narrow=_dose(data, points, line, NARROW),
        alt=f"{capital(label(data, question['outcome']))} by {label(data, question['treatment'])}, all else held fixed: "
        + "; ".join(f"{exact(one['treatment'])} {exact(one['outcome'], digits)}" for one in points)
        + f". {found}",
        caption=f"Dose and response. Each dot is a tenth of the authority-years, along and up with what is held fixed taken out and the average put back; "
        f"lines are {level(data)}s. {found}",
        width=pixels(WIDTH),
    )


def _dose(data: Mapping[str, Any], points: Sequence[Mapping[str, Any]], line: Sequence[float], width: float) -> str:
    question = data["question"]
    x = [one["treatment"] for one in points]
    said = _wrapped([f"Up: {_with_unit(data, question['outcome'])}", f"Along: {_with_unit(data, question['treatment'])}"], width)
    with style():
        fig, ax = axes(width, 2.8 + _room(said), left=0.65, right=0.15, bottom=_room(said), top=0.3)
        ax.plot(x, line, color=ORANGE, linewidth=1.6, zorder=2)
        for one in points:
            ax.plot([one["treatment"]] * 2, [one["lower"], one["upper"]], color=BLUE, linewidth=2, solid_capstyle="butt", zorder=3)
            ax.plot([one["treatment"]], [one["outcome"]], marker="o", color=BLUE, markersize=6, markeredgecolor="white", zorder=4)
        ax.margins(x=0.06, y=0.12)
        at = 1 if line[-1] >= line[0] else 0
        ax.text(0.02, at, "orange: straight line of the comparison", transform=ax.transAxes, fontsize=9, color=INK, va="bottom" if at else "top", ha="left")
        _under(fig, said, width)
        return svg_of(fig)


def _with_unit(data: Mapping[str, Any], name: str) -> str:
    return f"{label(data, name)}, {variable(data, name)['unit']}".removesuffix(", ")


def _wrapped(said: Sequence[str], width: float) -> list[str]:
    """Lines of words under an axis."""
    return [line for one in said for line in textwrap.wrap(textwrap.shorten(one, 160, placeholder=" …"), round(width * 13.5))]


def _room(lines: Sequence[str]) -> float:
    """Inches that the ticks and these lines need under an axis."""
    return 0.36 + 0.18 * len(lines)


def _under(fig: Any, lines: Sequence[str], width: float) -> None:
    tall = fig.get_figheight()
    for i, line in enumerate(lines[::-1]):
        fig.text(0.08 / width, (0.12 + 0.18 * i) / tall, line, fontsize=9, ha="left", va="center")


def curves(data: Mapping[str, Any]) -> dict[str, list[dict[str, Any]]]:
    """Curve of specifications → its effects, lowest first; each holds one estimand."""
    made: dict[str, list[dict[str, Any]]] = {}
    for one in data["refutations"]:
        if one["name"] == "specification_curve":
            for part in one["parts"]:
                if part["kind"] == "specification" and part["effect"] is not None:
                    made.setdefault(part["of"], []).append(part)
    return {name: sorted(parts, key=lambda part: (part["effect"], part["name"])) for name, parts in made.items() if len(parts) > 1}


def specifications(data: Mapping[str, Any]) -> list[Drawing]:
    """Every curve of specifications, one estimand each."""
    drawn = []
    for name, parts in curves(data).items():
        above = sum(against_zero(part) == "lies above zero" for part in parts)
        below = sum(against_zero(part) == "lies below zero" for part in parts)
        middle = min(parts, key=lambda part: abs(part["effect"] - median(one["effect"] for one in parts)))
        low, high = effect(parts[0], ""), effect(parts[-1], "")
        found = (
            f"{count(len(parts), 'way')} of answering the question, {name}: from {low} to {high}, the middle one {effect(middle, '')}; "
            f"the {level(data)}s of {above} lie above zero and of {below} below."
        )
        drawn.append(
            Drawing(
                name=f"specifications_{slug(name)}",
                svg=_specifications(data, parts, WIDTH),
                narrow=_specifications(data, parts, NARROW),
                alt=f"Specification curve. {found}",
                caption=f"Specification curve. {found} The diamond is the one that was chosen before any was seen.",
                width=pixels(WIDTH),
            )
        )
    return drawn


def _specifications(data: Mapping[str, Any], parts: Sequence[Mapping[str, Any]], width: float) -> str:
    smallest, outcome = data["question"]["smallest_important"], data["question"]["outcome"]
    first = f"Effect on {_with_unit(data, outcome)}; one line a specification, lowest first"
    said = _wrapped([first, f"Grey: within ±{written(smallest)}, too small to matter"], width)
    with style():
        fig, ax = axes(width, 2.6 + _room(said), left=0.6, right=0.15, bottom=_room(said), top=0.3)
        ax.axhspan(-smallest, smallest, color=BAND, linewidth=0, zorder=0)
        ax.axhline(0, color=GREY, linewidth=1, zorder=1)
        for x, part in enumerate(parts):
            chosen = bool(part["chosen"])
            colour = ORANGE if chosen else BLUE
            if part["lower"] is not None and part["upper"] is not None:
                ax.plot([x, x], [part["lower"], part["upper"]], color=colour, linewidth=1.6 if len(parts) > 40 else 2.4, solid_capstyle="butt", zorder=2)
            ax.plot([x], [part["effect"]], marker="D" if chosen else "o", color=colour, markersize=8 if chosen else 5, markeredgecolor="white", zorder=4)
            if chosen:
                side = "left" if x < len(parts) / 2 else "right"
                ax.annotate("chosen", (x, 1), xycoords=("data", "axes fraction"), xytext=(0, 3), textcoords="offset points", ha=side, fontsize=9, color=INK)
        ax.set_xlim(-0.8, len(parts) - 0.2)
        ax.margins(y=0.08)
        ax.set_xticks([])
        _under(fig, said, width)
        return svg_of(fig)


def power(data: Mapping[str, Any]) -> Drawing | None:
    """How often a study with this error would have found an effect of each size."""
    curve, verdict = data["verdict"].get("power"), data["verdict"]
    if not curve:
        return None
    smallest = data["question"]["smallest_important"]
    at = {one["effect"]: one["found"] for one in curve}
    unit = variable(data, data["question"]["outcome"])["unit"]
    sees = verdict["detectable"]
    found = (
        f"At the smallest effect that matters, ±{written(smallest)}, such a study finds one in {at[smallest]:.0%} of cases"
        if smallest in at
        else "Such a study finds"
    )
    found += f"; for 80% it must be {exact(sees, decimals(sees))} {unit}." if sees else "."
    return Drawing(
        name="power",
        svg=_power(data, WIDTH),
        narrow=_power(data, NARROW),
        alt="Power curve: share of studies with this error that would find a true effect of "
        + listed([f"{signed(one['effect'], decimals(one['effect']))} {one['found']:.0%}" for one in curve if one["effect"] >= 0])
        + f"; the same below zero. {found}",
        caption=f"What this study could have seen. {found} Not finding one is no sign that there is none.",
        width=pixels(WIDTH),
    )


def _power(data: Mapping[str, Any], width: float) -> str:
    curve, smallest, sees = data["verdict"]["power"], data["question"]["smallest_important"], data["verdict"]["detectable"]
    unit = variable(data, data["question"]["outcome"])["unit"]
    along = f"Along: true effect, {unit}".removesuffix(", ") + (f"; diamonds: ±{exact(sees, decimals(sees))}" if sees else "")
    said = _wrapped(["Up: share of studies whose interval leaves out zero", along], width)
    with style():
        fig, ax = axes(width, 2.7 + _room(said), left=0.6, right=0.2, bottom=_room(said), top=0.35)
        x, y = [one["effect"] for one in curve], [100 * one["found"] for one in curve]
        reach = 1.03 * max(*x, 1.1 * (sees or 0.0))
        ax.set_xlim(-reach, reach)
        ax.set_ylim(0, 104)
        ax.axvspan(-smallest, smallest, color=BAND, linewidth=0, zorder=0)
        ax.plot(x, y, color=BLUE, linewidth=2, marker="o", markersize=4, zorder=3)
        ax.axhline(80, color=GREY, linewidth=0.8, linestyle=(0, (2, 3)), zorder=1)
        ax.text(0, 81, "four in five", fontsize=9, va="bottom", ha="center")
        if sees:
            for sign in (-1, 1):
                ax.plot([sign * sees], [80], marker="D", color=TURQUOISE, markersize=8, markeredgecolor="white", zorder=4)
        ax.set_yticks([0, 20, 40, 60, 80, 100])
        ax.set_yticklabels([f"{one}%" for one in (0, 20, 40, 60, 80, 100)])
        ax.annotate(
            f"grey: within ±{written(smallest)}, the smallest that matters",
            (0.5, 1),
            xycoords="axes fraction",
            xytext=(0, 5),
            textcoords="offset points",
            ha="center",
            fontsize=9,
        )
        _under(fig, said, width)
        return svg_of(fig)


__all__ = ["curves", "dose", "gelbach_text", "ladder", "power", "specifications", "steps"]
