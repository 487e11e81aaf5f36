"""The causal graph as a picture and as words: who plays which part, told by shape and by word."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import networkx as nx

from causal.graph import undated
from causal.report.figures.canvas import BLUE, GREY, ORANGE, PALE, TURQUOISE, Drawing, figure, pixels, style, svg_of
from causal.report.figures.layout import Layout, layered
from causal.words import capital, count, listed

if TYPE_CHECKING:
    from matplotlib.axes import Axes

PLACE_AND_TIME = ("authority", "year")
BOX, PITCH, LINE, GAP, LANE = 1.16, 1.43, 0.145, 0.22, 0.11  # inches
LETTERS = 17
ROLES = {  # role → (word, shape, line colour, fill)
    "treatment": ("treatment", "square", BLUE, BLUE),
    "outcome": ("outcome", "pill", BLUE, BLUE),
    "adjusted for": ("adjusted for", "cut", TURQUOISE, "#E6F4F2"),
    "mediator": ("on the path (mediator)", "hexagon", ORANGE, "#FEF0E9"),
    "not used": ("not used", "square", GREY, "white"),
    "known": ("measured", "square", GREY, "white"),
}


def roles(data: Mapping[str, Any]) -> dict[str, str]:
    """Node → treatment, outcome, absorbed, mediator, adjusted for or not used; ", not measured" is added where so."""
    question, found = data["question"], data["identification"]
    adjusted = {undated(name)[0] for name in found["adjust_for"]}
    absorbed = set(data["design"]["absorb"] if data["design"] else ())
    made = {}
    for node in data["graph"]["nodes"]:
        name = node["name"]
        role = (
            "treatment"
            if name == question["treatment"]
            else "outcome"
            if name == question["outcome"]
            else "absorbed"
            if name in absorbed
            else "mediator"
            if name in found["mediators"]
            else "adjusted for"
            if name in adjusted
            else "not used"
            if found["identified"]
            else "known"
        )
        made[name] = role + (", not measured" if name in found["unmeasured"] else "")
    return made


def arrows(data: Mapping[str, Any]) -> list[dict[str, str]]:
    """Every arrow in words: cause, effect, because, and when it acts."""
    label = {node["name"]: node["label"] for node in data["graph"]["nodes"]}
    return [
        {
            "cause": label[arrow["cause"]],
            "effect": label[arrow["effect"]],
            "because": arrow["because"],
            "when": ("in the same year" if not arrow["lag"] else f"{count(arrow['lag'], 'year')} later")
            + (", with a strength that changes from year to year" if arrow["by_year"] else ""),
        }
        for arrow in data["graph"]["arrows"]
    ]


def graph(data: Mapping[str, Any]) -> Drawing:
    """Nodes from cause (left) to effect (right); place and time, which reach nearly everything, as bands above."""
    role = roles(data)
    label = {node["name"]: node["label"] for node in data["graph"]["nodes"]}
    question = data["question"]
    drawn = [name for name in label if name not in PLACE_AND_TIME or name in (question["treatment"], question["outcome"])]
    bands = [name for name in label if name not in drawn]
    pairs = [(a["cause"], a["effect"], a["lag"]) for a in data["graph"]["arrows"] if a["cause"] in drawn and a["effect"] in drawn]
    texts = {name: textwrap.wrap(role_word(role[name]), LETTERS + 1) + textwrap.wrap(label[name], LETTERS) for name in drawn}
    sizes = {name: LINE * len(lines) + 0.16 for name, lines in texts.items()}
    laid = layered(drawn, pairs, sizes, GAP, LANE)
    columns = max(laid.column.values(), default=0) + 1
    width = max(PITCH * columns - (PITCH - BOX) + 0.3, 7.4)
    top = max((laid.height[n] + sizes[n] / 2 for n in drawn), default=0.0)
    bottom = min((laid.height[n] - sizes[n] / 2 for n in drawn), default=0.0)
    lanes = [y for route in laid.routes.values() for _, y in route]
    top, bottom = max([top, *lanes]) + 0.35, min([bottom, *lanes]) - 0.15
    notes = {name: _band(name, data, label, role) for name in bands}
    wrapped = {name: textwrap.wrap(note, int(width * 14.5)) for name, note in notes.items()}
    above = sum(0.17 * len(lines) + 0.2 for lines in wrapped.values())
    said = _legend(pairs, role, question)
    below = textwrap.wrap(said, int(width * 13.5))
    foot = 0.17 * len(below) + 0.1
    height = above + top - bottom + foot
    with style():
        fig = figure(width, height)
        ax = fig.add_axes((0, 0, 1, 1))
        ax.set_axis_off()
        ax.set_xlim(0, width)
        ax.set_ylim(0, height)
        y = height
        for lines in wrapped.values():
            tall = 0.17 * len(lines) + 0.1
            y -= tall + 0.1
            _shape(ax, "square", width / 2, y + tall / 2 + 0.05, width - 0.3, tall, GREY, "#F2F2F2", dashed=False)
            for i, line in enumerate(lines):
                ax.text(0.25, y + tall - 0.085 - 0.17 * i, line, fontsize=9, va="center", ha="left", zorder=6)
        x = {name: 0.15 + BOX / 2 + PITCH * laid.column[name] for name in drawn}
        at = {name: (x[name], laid.height[name] - bottom + foot) for name in drawn}
        on_path = _causal(pairs, question["treatment"], question["outcome"])
        late = {(c, e) for c, e, lag in pairs if lag} - {(c, e) for c, e, lag in pairs if not lag}
        _arrows(ax, laid, at, sizes, {route: -bottom + foot for route in laid.routes}, on_path, late)
        for name in sorted({c for c, e, _ in pairs if c == e}):
            _loop(ax, *at[name], sizes[name])
        for name in drawn:
            _node(ax, texts[name], len(textwrap.wrap(role_word(role[name]), LETTERS + 1)), role[name], *at[name], sizes[name])
        for i, line in enumerate(below):
            ax.text(0.15, foot - 0.1 - 0.17 * i, line, fontsize=9, va="center", ha="left")
        svg = svg_of(fig)
    by_role: dict[str, list[str]] = {}
    for name, one in role.items():
        by_role.setdefault(role_word(one).lower(), []).append(label[name])
    return Drawing(
        name="graph",
        svg=svg,
        alt=f"Causal graph {data['graph']['name']}: {count(len(label), 'variable')}, {count(len(data['graph']['arrows']), 'arrow')}. "
        + ". ".join(f"{capital(one)}: {listed(names)}" for one, names in by_role.items())
        + ". Every arrow stands with its reason in the table that follows.",
        caption="What is taken to cause what, from left to right. The table below gives every arrow with its reason.",
        width=pixels(width),
    )


def role_word(role: str) -> str:
    base, _, rest = role.partition(", ")
    word = ROLES.get(base, (base,))[0]
    if rest and base in ("not used", "known"):
        return "Not measured"
    return capital(f"{word}, {rest}" if rest else word)


def _band(name: str, data: Mapping[str, Any], label: Mapping[str, str], role: Mapping[str, str]) -> str:
    reached = {a["effect"] for a in data["graph"]["arrows"] if a["cause"] == name}
    others = [other for other in label if other not in PLACE_AND_TIME]
    missed = [label[other] for other in others if other not in reached]
    if len(missed) <= 3:
        where = f"everything below but {listed(missed)}" if missed else "everything below"
    else:
        where = listed([label[other] for other in others if other in reached]) or "nothing"
    band_text = "absorbed (held fixed)" if role[name] == "absorbed" else role_word(role[name]).lower()
    return f"{capital(name)} ({label[name]}), {band_text}: arrows to {where}."


def _legend(pairs: list[tuple[str, str, int]], role: Mapping[str, str], question: Mapping[str, Any]) -> str:
    said = ["Arrows run from cause to effect."]
    if _causal(pairs, question["treatment"], question["outcome"]):
        said.append("Thick: ways by which the treatment could move the outcome.")
    if any(lag for *_, lag in pairs):
        said.append("Dotted: takes a year or more.")
    if any("not measured" in one for one in role.values()):
        said.append("Dashed outline: not measured.")
    return " ".join(said)


def _causal(pairs: list[tuple[str, str, int]], treatment: str, outcome: str) -> set[tuple[str, str]]:
    """Arrows that lie on a directed path from treatment to outcome."""
    found = nx.DiGraph((cause, effect) for cause, effect, _ in pairs if effect not in (cause, treatment) and cause != outcome)
    if treatment not in found or outcome not in found:
        return set()
    between = ({treatment} | nx.descendants(found, treatment)) & ({outcome} | nx.ancestors(found, outcome))
    return {(cause, effect) for cause, effect in found.edges if cause in between and effect in between}


def _node(ax: Axes, lines: list[str], heads: int, role: str, x: float, y: float, tall: float) -> None:
    base, _, rest = role.partition(", ")
    _, shape, edge, fill = ROLES.get(base, ROLES["not used"])
    ink = "white" if fill == BLUE else GREY
    _shape(ax, shape, x, y, BOX, tall, edge, fill, dashed=bool(rest))
    for i, line in enumerate(lines):
        head = i < heads
        ax.text(
            x,
            y + tall / 2 - 0.08 - LINE * (i + 0.5),
            line,
            fontsize=8 if head else 8.6,
            fontweight="bold" if head else "normal",
            color=ink,
            ha="center",
            va="center",
            zorder=6,
        )


def _shape(ax: Axes, shape: str, x: float, y: float, wide: float, tall: float, edge: str, fill: str, *, dashed: bool) -> None:
    from matplotlib.patches import FancyBboxPatch, Polygon

    style: dict[str, Any] = {"facecolor": fill, "edgecolor": edge, "linewidth": 1.4, "zorder": 5, "linestyle": (0, (3, 2)) if dashed else "-"}
    left, right, low, high = x - wide / 2, x + wide / 2, y - tall / 2, y + tall / 2
    if shape == "pill":
        round_by = min(tall / 2, 0.24)
        ax.add_patch(
            FancyBboxPatch(
                (left + round_by, low + round_by), wide - 2 * round_by, tall - 2 * round_by, boxstyle=f"round,pad={round_by},rounding_size={round_by}", **style
            )
        )
        return
    cut = {"square": 0.0, "cut": 0.12, "hexagon": 0.06}[shape]
    corners = {
        "square": [(left, low), (right, low), (right, high), (left, high)],
        "cut": [(left, low), (right - cut, low), (right, low + cut), (right, high), (left + cut, high), (left, high - cut)],
        "hexagon": [(left + cut, low), (right - cut, low), (right, y), (right - cut, high), (left + cut, high), (left, y)],
    }[shape]
    ax.add_patch(Polygon(corners, closed=True, **style))


def _arrows(
    ax: Axes,
    laid: Layout,
    at: Mapping[str, tuple[float, float]],
    sizes: Mapping[str, float],
    lift: Mapping[tuple[str, str], float],
    on_path: set[tuple[str, str]],
    late: set[tuple[str, str]],
) -> None:
    """Smooth lines from box side to box side; ends on one side are spread so that they can be told apart."""
    from matplotlib.patches import PathPatch, Polygon
    from matplotlib.path import Path

    middle = {ends: [(0.15 + BOX / 2 + PITCH * column, y + lift[ends]) for column, y in route] for ends, route in laid.routes.items()}
    towards: dict[tuple[str, str], list[tuple[float, tuple[str, str]]]] = {}
    for (left, right), between in middle.items():
        after = between[0][1] if between else at[right][1]
        before = between[-1][1] if between else at[left][1]
        towards.setdefault((left, "right"), []).append((after, (left, right)))
        towards.setdefault((right, "left"), []).append((before, (left, right)))
    port: dict[tuple[str, str, str], float] = {}
    for (name, side), ends in towards.items():
        spread = sizes[name] * 0.7
        for i, (_, pair) in enumerate(sorted(ends)):
            port[(*pair, side)] = at[name][1] + (0 if len(ends) == 1 else spread * (i / (len(ends) - 1) - 0.5))
    head = 0.09
    for (left, right), between in sorted(middle.items()):
        turned = (right, left) in laid.backward
        pair = (right, left) if turned else (left, right)
        start = (at[left][0] + BOX / 2 + (head if turned else 0), port[left, right, "right"])
        end = (at[right][0] - BOX / 2 - (0 if turned else head), port[left, right, "left"])
        points = [start]
        for x, y in between:
            points += [(x - BOX / 2, y), (x + BOX / 2, y)]
        points.append(end)
        vertices, codes = [points[0]], [int(Path.MOVETO)]
        for (x0, y0), (x1, y1) in pairwise(points):
            half = (x0 + x1) / 2
            vertices += [(half, y0), (half, y1), (x1, y1)]
            codes += [int(Path.CURVE4)] * 3
        strong = pair in on_path
        colour = BLUE if strong else "#6E6E6E"
        ax.add_patch(
            PathPatch(
                Path(vertices, codes),
                facecolor="none",
                edgecolor=colour,
                linewidth=2.4 if strong else 0.9,
                linestyle=(0, (1, 1.4)) if pair in late else "-",
                zorder=3 if strong else 2,
            )
        )
        tip, back = (start[0] - head, start[0]) if turned else (end[0] + head, end[0])
        y = start[1] if turned else end[1]
        ax.add_patch(Polygon([(tip, y), (back, y + 0.05), (back, y - 0.05)], closed=True, facecolor=colour, edgecolor=colour, linewidth=0.5, zorder=4))


def _loop(ax: Axes, x: float, y: float, tall: float) -> None:
    from matplotlib.patches import FancyArrowPatch

    edge = y + tall / 2
    ax.add_patch(
        FancyArrowPatch(
            (x + 0.22, edge),
            (x - 0.22, edge),
            connectionstyle="arc3,rad=0.8",
            arrowstyle="-|>",
            mutation_scale=8,
            color="#6E6E6E",
            linewidth=0.9,
            zorder=3,
            linestyle=(0, (1, 1.4)),
            shrinkA=0,
            shrinkB=0,
        )
    )


__all__ = ["PALE", "arrows", "graph", "roles"]
