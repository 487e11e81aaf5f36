"""Specification curve of several runs: every estimate of one estimand in order of size, and under each what it was made with.

Simonsohn, Simmons & Nelson 2020, Specification curve analysis. Only what differs between the runs is shown: estimator, what is conditioned on, years of
outcomes, and the settings of source, estimator and question that their configurations do not share.
"""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

from causal.graph import undated
from causal.report.figures import canvas as figures
from causal.report.figures.canvas import BAND, BLUE, GREY, NARROW, PALE, WIDTH, Drawing, pixels
from causal.report.phrases import against_zero, effect, interval, label, level, variable, words, years
from causal.words import count, written

FEWEST = 3  # runs
MOST = 14  # rows under the curve
LEFT_ALONE = (
    "refuters",
    "rule",
    "language",
    "title",
    "action",
    "said",
    "baseline",
    "experiment",
    "graph",
    "name",
)  # settings that move no estimate, or stand elsewhere
Run = Mapping[str, Any]


def choices(runs: Sequence[Run]) -> list[tuple[str, list[str]]]:
    """What differs between runs: names, each with every run's value."""
    made: list[tuple[str, list[str]]] = [("Estimator", [words(run["estimate"]["estimator"]) for run in runs])]
    sets = [set(run["identification"]["adjust_for"]) for run in runs]
    for name in sorted(set.union(*sets) - set.intersection(*sets)):
        made.append((f"Holds {_dated(runs[0], name)} fixed", ["yes" if name in one else "no" for one in sets]))
    spans = [years(run) for run in runs]
    made.append(("Outcomes of", [f"{span[0]} to {span[-1]}" if span else "not dated" for span in spans]))
    made.append(("Authorities", [f"{run['estimate']['authorities']:,}" for run in runs]))
    settings = [dict(_leaves(run["provenance"].get("config"))) for run in runs]
    same = len({run["estimate"]["estimator"] for run in runs}) == 1
    for key in sorted(set().union(*settings)):
        top = key.split(".")[0]
        if top not in LEFT_ALONE and (top != "estimator" or same):
            made.append((words(key.replace(".", " ")), [one.get(key, "not set") for one in settings]))
    return [(name, values) for name, values in made if len(set(values)) > 1]


def _dated(run: Run, name: str) -> str:
    bare, by = undated(name)
    return label(run, bare) + (f", {count(-by, 'year')} before" if by else "")


def _leaves(value: Any, above: str = "") -> list[tuple[str, str]]:
    if isinstance(value, Mapping):
        return [leaf for key, one in value.items() for leaf in _leaves(one, f"{above}.{key}" if above else str(key))]
    return [(above, str(value))] if above else []


def ordered(runs: Sequence[Run]) -> list[int]:
    """Places of runs from the lowest estimate to the highest."""
    return sorted(range(len(runs)), key=lambda i: (runs[i]["estimate"]["effect"], i))


def curve(runs: Sequence[Run], name: str) -> Drawing | None:
    """The curve; None of fewer than three runs, or where nothing tells them apart.

    Parameters
    ----------
    runs : records of one estimand.
    name : of the figure's file.
    """
    found = choices(runs)
    if len(runs) < FEWEST or not found:
        return None
    order = ordered(runs)
    estimates = [runs[i]["estimate"] for i in order]
    rows = [(f"{what}: {value}", [values[i] == value for i in order]) for what, values in found for value in dict.fromkeys(values[i] for i in order)]
    # yes and no of one thing are one row
    rows = [(row.removesuffix(": yes"), marks) for row, marks in rows if not row.endswith(": no")]
    unit = variable(runs[0], runs[0]["question"]["outcome"])["unit"]
    away = sum(against_zero(one) in ("lies above zero", "lies below zero") for one in estimates)
    said = (
        f"{count(len(runs), 'estimate')} of one estimand, from {effect(estimates[0], unit)} ({interval(estimates[0])}) to "
        f"{effect(estimates[-1], '')} ({interval(estimates[-1])}). {count(away, 'interval leaves', 'intervals leave')} out zero"
    )
    more = f" {count(len(rows) - MOST, 'row')} more stand in the table." if len(rows) > MOST else ""
    return Drawing(
        name=name,
        svg=_draw(estimates, rows[:MOST], runs[0], WIDTH),
        narrow=_draw(estimates, rows[:MOST], runs[0], NARROW),
        alt=f"Specification curve: {said}. What differs: {', '.join(what for what, _ in found)}.",
        caption=f"Specification curve: estimates in order of size with {level(runs[0])}s; filled dots say what each was made with.{more}",
        width=pixels(WIDTH),
    )


def _draw(estimates: Sequence[Mapping[str, Any]], rows: Sequence[tuple[str, Sequence[bool]]], data: Run, width: float) -> str:
    stacked = width < 5
    pitch = 0.42 if stacked else 0.24
    left, right, top, tall, between, foot = (0.5 if stacked else 2.75), 0.1, 0.25, 2.0, 0.2, 0.45
    below = pitch * len(rows)
    height = top + tall + between + below + foot
    smallest = data["question"]["smallest_important"]
    with figures.style():
        fig = figures.figure(width, height)
        span = (width - left - right) / width
        ax = fig.add_axes((left / width, (height - top - tall) / height, span, tall / height))
        ax.axhspan(-smallest, smallest, color=BAND, linewidth=0, zorder=0)
        ax.axhline(0, color=GREY, linewidth=1, zorder=1)
        for x, one in enumerate(estimates):
            if one["lower"] is not None and one["upper"] is not None:
                ax.plot([x, x], [one["lower"], one["upper"]], color=BLUE, linewidth=2.5, solid_capstyle="butt")
            ax.plot([x], [one["effect"]], marker="o", color=BLUE, markersize=6, markeredgecolor="white")
        ax.set_xlim(-0.6, len(estimates) - 0.4)
        ax.set_xticks([])
        dots = fig.add_axes((left / width, foot / height, span, below / height))
        dots.set_ylim(-len(rows), 0)
        dots.set_xlim(-0.6, len(estimates) - 0.4)
        dots.set_xticks([])
        dots.set_yticks([])
        for y, (name, marks) in enumerate(rows):
            at = -y - (0.72 if stacked else 0.5)
            for x, has in enumerate(marks):
                dots.plot([x], [at], marker="o", color=BLUE if has else PALE, markersize=6 if has else 3)
            words_at = (0.08 - left, -y - 0.25) if stacked else (0.08 - left, at)
            shown = textwrap.shorten(name, 52 if stacked else 46, placeholder=" …")
            dots.text(words_at[0] / (width - left - right), words_at[1], shown, transform=dots.get_yaxis_transform(), ha="left", va="center", fontsize=8.5)
        for side in ("bottom", "left", "right", "top"):
            dots.spines[side].set_visible(False)
        lines = textwrap.wrap(
            f"Effect on {label(data, data['question']['outcome'])}, {variable(data, data['question']['outcome'])['unit']}", round(width * 13.5)
        )
        lines = [lines[0], f"Grey: within ±{written(smallest)}, too small to matter; line: no effect"]
        for i, line in enumerate(lines[::-1]):
            fig.text(0.08 / width, (0.1 + 0.17 * i) / height, line, fontsize=9, ha="left", va="center")
        return figures.svg_of(fig)
