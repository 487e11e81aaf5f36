"""Figures that a decomposition describes as data, drawn: stacked bars, waterfalls, intervals, dots, scatters, curves and funnels.

Every kind is drawn wide and narrow from the same rows. Words stand where their marks are; what is told by colour is told by shape or words too.
"""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

from causal.report.figures.canvas import BLUE, GREY, NARROW, ORANGE, PALE, PINK, PURPLE, TURQUOISE, WIDTH, Drawing, figure, pixels, style, svg_of
from causal.report.phrases import decimals, exact
from causal.words import rounded, signed

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as Canvas

Described: TypeAlias = Mapping[str, Any]
Rows: TypeAlias = Sequence[Mapping[str, Any]]
COLOURS = (BLUE, TURQUOISE, PINK, ORANGE, PURPLE, GREY)
SHAPES = ("o", "s", "D", "^", "v", "P")
LIGHT = {TURQUOISE, ORANGE, PURPLE, PALE}  # dark words on these
ROW, HEADING, SIDE = 0.36, 0.34, 0.12  # inches
NAMED = 15  # points that may be named beside their marks


def draw(described: Described, table: Mapping[str, Any]) -> Drawing:
    """The figure, wide and narrow.

    Parameters
    ----------
    described : kind, columns and words of the figure, as a decomposition states them.
    table : the record's table that it shows, columns and rows.
    """
    columns = {column["name"]: column for column in table["columns"]}
    rows = [dict(zip(columns, row, strict=True)) for row in table["rows"]]
    rows = [row for row in rows if all(str(row[name]) == words for name, words in described["where"].items())]
    drawer = DRAWN[described["kind"]]

    def svg(width: float) -> str:
        with style():
            canvas = drawer(described, columns, rows, width)
            for axis in [side for ax in canvas.axes for side in (ax.xaxis, ax.yaxis)]:
                if len(axis.get_ticklocs()):
                    axis.set_major_formatter(_tick)
            return svg_of(canvas)

    return Drawing(name=described["name"], svg=svg(WIDTH), narrow=svg(NARROW), alt=described["alt"], caption=described["caption"], width=pixels(WIDTH))


def _tick(value: float, _: float) -> str:
    """10,000 rather than 10000, and a true minus sign."""
    text = f"{value:,.10g}" if abs(value) < 1e10 else f"{value:g}"
    return text.replace("-", "−")


def _titled(column: Mapping[str, Any]) -> str:
    return f"{column['label']}, {column['unit']}" if column["unit"] else str(column["label"])


def _number(value: float, column: Mapping[str, Any], *, sign: bool = False) -> str:
    digits = column["places"] if column["places"] is not None else decimals(value)
    return signed(value, digits) if sign else f"{value:z,.{digits}f}".replace("-", "−")


def _axis(described: Described, columns: Mapping[str, Any], at: int, name: str) -> str:
    """Words of an axis."""
    return str(described["axes"][at]) if len(described["axes"]) > at else _titled(columns[name])


def _groups(described: Described, rows: Rows) -> list[str]:
    return list(dict.fromkeys(str(row[described["group"]]) for row in rows)) if described["group"] else [""]


def _key(canvas: Canvas, names: Sequence[str], width: float, tall: float, shapes: Sequence[str], colours: Sequence[str]) -> float:
    """A line or more of marks and names along the top; returns the inches it took."""
    x, y = SIDE + 0.06, 0.16
    for name, shape, colour in zip(names, shapes, colours, strict=True):
        long = 0.26 + 0.068 * len(name)
        if x > SIDE + 0.06 and x + long > width - SIDE:
            x, y = SIDE + 0.06, y + 0.21
        ax = canvas.add_axes((x / width, 1 - (y + 0.08) / tall, 0.16 / width, 0.16 / tall))
        ax.plot([0], [0], marker=shape, color=colour, markersize=8, markeredgecolor="white")
        ax.set_axis_off()
        canvas.text((x + 0.2) / width, 1 - y / tall, name, fontsize=9, va="center")
        x += long + 0.12
    return y + 0.16


def _key_height(names: Sequence[str], width: float) -> float:
    x, lines = SIDE + 0.06, 1
    for name in names:
        long = 0.26 + 0.068 * len(name)
        if x > SIDE + 0.06 and x + long > width - SIDE:
            x, lines = SIDE + 0.06, lines + 1
        x += long + 0.12
    return 0.11 + 0.21 * lines


PLATE = {"facecolor": "white", "edgecolor": "none", "pad": 0.6}  # behind a name that a line would cross


class _Lines:
    """Rows down a page: where each stands, with headings between groups and, on a narrow page, names above their rows."""

    def __init__(self, described: Described, rows: Rows, width: float, *, left: float) -> None:
        self.narrow = width < 5
        self.left = SIDE if self.narrow else left
        self.pitch = ROW + (0.2 if self.narrow else 0.0)
        self.places: list[tuple[float, Mapping[str, Any]]] = []
        self.headings: list[tuple[float, str]] = []
        down, last = 0.0, None
        for row in rows:
            group = row[described["group"]] if described["group"] else None
            if group != last and group is not None:
                self.headings.append((down + HEADING * 0.6, str(group)))
                down += HEADING
            last = group
            self.places.append((down + self.pitch - ROW / 2, row))
            down += self.pitch
        self.height = down

    def name(self, ax: Axes, y: float, text: str, width: float) -> None:
        """A row's name, beside it or above it."""
        if self.narrow:
            shown = textwrap.shorten(text, 52, placeholder=" …")
            ax.annotate(shown, (0, y - 0.26), xycoords=("axes fraction", "data"), fontsize=9, va="center", bbox=PLATE)
            return
        lines = textwrap.wrap(text, int(self.left / 0.078))[:2]
        for i, line in enumerate(lines):
            placed = (-(self.left - 0.06) * 72, 0)
            ax.annotate(
                line,
                (0, y + 0.155 * (i - (len(lines) - 1) / 2)),
                xycoords=("axes fraction", "data"),
                xytext=placed,
                textcoords="offset points",
                fontsize=9.5,
                va="center",
            )

    def begin(self, width: float, *, top: float, bottom: float, right: float) -> tuple[Canvas, Axes, float]:
        """Canvas and axis; the axis counts inches downwards."""
        tall = top + self.height + bottom
        canvas = figure(width, tall)
        ax = canvas.add_axes((self.left / width, bottom / tall, (width - self.left - right) / width, self.height / tall))
        ax.set_ylim(self.height, 0)
        ax.set_yticks([])
        for y, words in self.headings:
            ax.annotate(
                words,
                (0, y),
                xycoords=("axes fraction", "data"),
                xytext=(-(self.left - 0.06) * 72, 0),
                textcoords="offset points",
                fontsize=10,
                fontweight="bold",
                va="center",
            )
        return canvas, ax, tall


def _foot(canvas: Canvas, words: str, width: float, tall: float) -> None:
    """Words of the horizontal axis, at the bottom, from the left edge."""
    lines = textwrap.wrap(words, int(width * 12.5))[:2]
    for i, line in enumerate(lines[::-1]):
        canvas.text(0.1 / width, (0.11 + 0.17 * i) / tall, line, fontsize=9, va="center")


def _marks(ax: Axes, described: Described, column: str, *, across: bool = False) -> None:
    """Lines at what others said, their words at the end."""
    for mark in described["marks"]:
        if mark["column"] != column:
            continue
        (ax.axhline if across else ax.axvline)(mark["value"], color=PINK, linewidth=1.2, linestyle=(0, (4, 2)), zorder=1)
        at = ((1, mark["value"]), ("axes fraction", "data"), (-2, 3), "right") if across else ((mark["value"], 1), ("data", "axes fraction"), (0, 3), "center")
        ax.annotate(mark["words"], at[0], xycoords=at[1], xytext=at[2], textcoords="offset points", ha=at[3], va="bottom", fontsize=8.5, color=PINK)


def _stacked(described: Described, columns: Mapping[str, Any], rows: Rows, width: float) -> Canvas:
    lines = _Lines(described, rows, width, left=2.2)
    names = [columns[name]["label"] for name in described["values"]]
    colours = [*COLOURS[: len(names) - 1], PALE] if len(names) > 1 else [BLUE]
    top = _key_height(names, width) + 0.1
    canvas, ax, tall = lines.begin(width, top=top, bottom=0.62, right=0.15)
    _key(canvas, names, width, tall, ["s"] * len(names), colours)
    ends = [0.0]
    for _, row in lines.places:
        values = [row[name] or 0.0 for name in described["values"]]
        ends += [sum(v for v in values if v > 0), sum(v for v in values if v < 0)]
    ax.set_xlim(min(ends), max(ends))
    inches = (width - lines.left - 0.15) / ((max(ends) - min(ends)) or 1)
    for y, row in lines.places:
        lines.name(ax, y, str(row[described["label"]]), width)
        up = down = 0.0
        for name, colour in zip(described["values"], colours, strict=True):
            value = row[name]
            if not value:
                continue
            start = up if value > 0 else down
            ax.barh([y], [value], left=start, height=ROW * 0.72, color=colour, edgecolor="white", linewidth=0.8)
            said = _number(value, columns[name])
            if abs(value) * inches > 0.09 * len(said) + 0.06:
                ink = "#000000" if colour in LIGHT else "white"
                ax.text(start + value / 2, y, said, ha="center", va="center", fontsize=9, color=ink)
            up, down = (up + value, down) if value > 0 else (up, down + value)
    if min(ends) < 0:
        ax.axvline(0, color=GREY, linewidth=1)
    _foot(canvas, _axis(described, columns, 0, described["values"][0]) if described["axes"] else columns[described["values"][0]]["unit"], width, tall)
    return canvas


def _waterfall(described: Described, columns: Mapping[str, Any], rows: Rows, width: float) -> Canvas:
    from matplotlib.ticker import MaxNLocator

    name = described["values"][0]
    lines = _Lines(described, rows, width, left=2.5)
    right = 0.15 if lines.narrow else 0.95
    canvas, ax, tall = lines.begin(width, top=0.15, bottom=0.62, right=right)
    level, bars = 0.0, []
    for y, row in lines.places:
        value = row[name] or 0.0
        if row[described["total"]] == "total":
            bars.append((y, row, 0.0, value, BLUE))
            level = value
        else:
            bars.append((y, row, level, value, TURQUOISE if value >= 0 else PINK))
            level += value
    ends = [end for _, _, start, value, _ in bars for end in (start, start + value)]
    low, high = min([0.0, *ends]), max([0.0, *ends])  # every waterfall stands on zero: a bar's length is what it says
    ax.set_xlim(low, high + 0.03 * ((high - low) or 1))
    ax.xaxis.set_major_locator(MaxNLocator(3 if lines.narrow else 5))
    for y, row, start, value, colour in bars:
        lines.name(ax, y, str(row[described["label"]]), width)
        total = row[described["total"]] == "total"
        ax.barh([y], [value], left=start, height=ROW * 0.68, color=colour)
        said = _number(value, columns[name], sign=not total)
        if lines.narrow:
            ax.annotate(said, (1, y - 0.26), xycoords=("axes fraction", "data"), fontsize=9, fontweight="bold", ha="right", va="center")
        else:
            ax.annotate(said, (1, y), xycoords=("axes fraction", "data"), xytext=((right - 0.08) * 72, 0), textcoords="offset points",
                        fontsize=9.5, fontweight="bold", ha="right", va="center")  # fmt: skip
    if low < 0:
        ax.axvline(0, color=GREY, linewidth=1)
    _foot(canvas, _axis(described, columns, 0, name), width, tall)
    return canvas


def _intervals(described: Described, columns: Mapping[str, Any], rows: Rows, width: float) -> Canvas:
    name, low, high = described["values"][0], described["lower"], described["upper"]
    rows = [row for row in rows if row[name] is not None]
    lines = _Lines(described, rows, width, left=2.5)
    right = 0.15 if lines.narrow else 1.75
    canvas, ax, tall = lines.begin(width, top=0.42 if described["marks"] else 0.2, bottom=0.62, right=right)
    known = [row[key] for row in rows for key in (name, low, high) if key and row[key] is not None] + [mark["value"] for mark in described["marks"]]
    known += [0.0] if any(value <= 0 for value in known) and any(value >= 0 for value in known) else []
    spread = (max(known) - min(known)) or 1.0
    ax.set_xlim(min(known) - 0.05 * spread, max(known) + 0.05 * spread)
    if min(known) <= 0 <= max(known):
        ax.axvline(0, color=GREY, linewidth=1, zorder=1)
    _marks(ax, described, name)
    for y, row in lines.places:
        lines.name(ax, y, str(row[described["label"]]), width)
        said = exact(row[name], columns[name]["places"])
        if low and row[low] is not None and row[high] is not None:
            ax.plot([row[low], row[high]], [y, y], color=BLUE, linewidth=3.5, solid_capstyle="butt")
            if row[low] != row[high]:  # what is known by definition has no range
                middle, *ends = (f"{value:z,.{digits}f}".replace("-", "−") for value, digits in rounded(row[name], row[low], row[high]))
                said = f"{middle} ({ends[0]} to {ends[1]})"
        ax.plot([row[name]], [y], marker="o", color=BLUE, markersize=7, markeredgecolor="white", zorder=4)
        if lines.narrow:
            ax.annotate(said, (1, y - 0.26), xycoords=("axes fraction", "data"), fontsize=9, fontweight="bold", ha="right", va="center")
        else:
            ax.annotate(said, (1, y), xycoords=("axes fraction", "data"), xytext=((right - 0.06) * 72, 0), textcoords="offset points",
                        fontsize=9.5, ha="right", va="center")  # fmt: skip
    _foot(canvas, _axis(described, columns, 0, name), width, tall)
    return canvas


def _dots(described: Described, columns: Mapping[str, Any], rows: Rows, width: float) -> Canvas:
    """One small panel for each value, side by side or one below the other; a line for each label, a mark for each group."""
    names = list(dict.fromkeys(str(row[described["label"]]) for row in rows))
    groups = _groups(described, rows)
    colours = [COLOURS[i % len(COLOURS)] for i in range(len(groups))]
    shapes = [SHAPES[i % len(SHAPES)] for i in range(len(groups))]
    narrow = width < 5
    key = _key_height(groups, width) if described["group"] else 0.0
    pitch, head, foot, left = (0.2 + 0.15 * len(groups) if narrow else max(0.42, 0.13 * len(groups) + 0.12)), 0.8, 0.34, (SIDE if narrow else 1.55)
    across = 1 if narrow else len(described["values"])
    down = len(described["values"]) if narrow else 1
    inner = pitch * len(names)
    tall = key + down * (head + inner + foot)
    canvas = figure(width, tall)
    if described["group"]:
        _key(canvas, groups, width, tall, shapes, colours)
    each = (width - left - 0.12) / across
    for at, value in enumerate(described["values"]):
        x = left + (0 if narrow else at * each)
        y = key + head + (at * (head + inner + foot) if narrow else 0)
        ax = canvas.add_axes((x / width, 1 - (y + inner) / tall, (each - (0 if narrow else 0.14)) / width, inner / tall))
        ax.set_ylim(len(names), 0)
        ax.set_yticks([])
        known = [row[value] for row in rows if row[value] is not None] + [mark["value"] for mark in described["marks"] if mark["column"] == value]
        least, most = min([0.0, *known]), max([1e-9, *known])
        ax.set_xlim(least - 0.04 * (most - least), most + 0.1 * (most - least))
        _marks(ax, described, value)
        title = _titled(columns[value]) if not described["axes"] else described["axes"][at]
        for i, line in enumerate(textwrap.wrap(title, 60 if narrow else max(14, int(each * 11.5)))[:3]):
            canvas.text(x / width, 1 - (y - head + 0.1 + 0.16 * i) / tall, line, fontsize=9, fontweight="bold", va="center")
        for i, name in enumerate(names):
            ax.axhline(i + 1, color=PALE, linewidth=0.6)
            if narrow:
                ax.annotate(name, (0, i + 0.12), xycoords=("axes fraction", "data"), fontsize=8.5, va="center")
            elif at == 0:
                wrapped = textwrap.wrap(name, int(left / 0.078))[:3]
                for j, line in enumerate(wrapped):
                    y_at = 1 - (y + (i + 0.5) * pitch + 0.155 * (j - (len(wrapped) - 1) / 2)) / tall
                    canvas.text(0.1 / width, y_at, line, fontsize=9.5, va="center")
            for j, group in enumerate(groups):
                these = [row[value] for row in rows if str(row[described["label"]]) == name and row[value] is not None
                         and (not described["group"] or str(row[described["group"]]) == group)]  # fmt: skip
                room = 0.3 if narrow else 0.16
                at_y = i + room + (1 - room - 0.14) * (j + 0.5) / len(groups)
                ax.plot(these, [at_y] * len(these), linestyle="none", marker=shapes[j], color=colours[j], markersize=5.5, markeredgecolor="white", zorder=4)
    return canvas


def _plane(width: float, key: float, *, foot: float = 0.62, height: float | None = None) -> tuple[Canvas, Axes, float]:
    """Canvas and one axis with numbers on both sides."""
    narrow = width < 5
    tall = key + (height or (3.0 if narrow else 4.2)) + foot
    canvas = figure(width, tall)
    left = 0.62 if narrow else 0.85
    ax = canvas.add_axes((left / width, foot / tall, (width - left - 0.2) / width, (tall - foot - key - 0.42) / tall))
    return canvas, ax, tall


def _upward(canvas: Canvas, words: str, width: float, tall: float, key: float) -> None:
    """Words of the vertical axis, above it: nobody reads sideways."""
    for i, line in enumerate(textwrap.wrap(words, int(width * 12.5))[:2]):
        canvas.text(0.1 / width, 1 - (key + 0.14 + 0.17 * i) / tall, line, fontsize=9, va="center")


def _scatter(described: Described, columns: Mapping[str, Any], rows: Rows, width: float) -> Canvas:
    x, y = described["values"][:2]
    rows = [row for row in rows if row[x] is not None and row[y] is not None]
    groups = _groups(described, rows)
    key = _key_height(groups, width) if described["group"] else 0.0
    canvas, ax, tall = _plane(width, key)
    colours = [COLOURS[i % len(COLOURS)] for i in range(len(groups))]
    if described["group"]:
        _key(canvas, groups, width, tall, [SHAPES[i % len(SHAPES)] for i in range(len(groups))], colours)
    small = len(rows) > 300
    for i, group in enumerate(groups):
        here = [row for row in rows if not described["group"] or str(row[described["group"]]) == group]
        ax.plot([r[x] for r in here], [r[y] for r in here], linestyle="none", marker=SHAPES[i % len(SHAPES)], color=colours[i],
                markersize=3 if small else 5.5, markeredgecolor="none" if small else "white", alpha=0.5 if small else 1.0)  # fmt: skip
    for axis, at in ((ax.axvline, ax.get_xlim()), (ax.axhline, ax.get_ylim())):
        if at[0] < 0 < at[1]:
            axis(0, color=GREY, linewidth=0.9, zorder=1)
    _marks(ax, described, x)
    _marks(ax, described, y, across=True)
    if described["label"] and len(rows) <= NAMED:
        for row in rows:
            ax.annotate(str(row[described["label"]]), (row[x], row[y]), xytext=(5, 3), textcoords="offset points", fontsize=8.5)
    _upward(canvas, _axis(described, columns, 1, y), width, tall, key)
    _foot(canvas, _axis(described, columns, 0, x), width, tall)
    return canvas


def _curve(described: Described, columns: Mapping[str, Any], rows: Rows, width: float) -> Canvas:
    x, *lines = described["values"]
    rows = sorted((row for row in rows if row[x] is not None), key=lambda row: row[x])
    names = [columns[name]["label"] for name in lines]
    key = _key_height(names, width) if len(lines) > 1 else 0.0
    canvas, ax, tall = _plane(width, key)
    colours = [COLOURS[i % len(COLOURS)] for i in range(len(lines))]
    if len(lines) > 1:
        _key(canvas, names, width, tall, [SHAPES[i % len(SHAPES)] for i in range(len(lines))], colours)
    if described["lower"] and described["upper"]:
        band = [row for row in rows if row[described["lower"]] is not None and row[described["upper"]] is not None]
        ax.fill_between([r[x] for r in band], [r[described["lower"]] for r in band], [r[described["upper"]] for r in band], color=PALE, linewidth=0, alpha=0.6)
    for i, name in enumerate(lines):
        here = [row for row in rows if row[name] is not None]
        every = max(1, len(here) // 8)
        ax.plot([r[x] for r in here], [r[name] for r in here], color=colours[i], linewidth=2, marker=SHAPES[i % len(SHAPES)], markevery=every, markersize=5,
                markeredgecolor="white")  # fmt: skip
        _marks(ax, described, name, across=True)
    if ax.get_ylim()[0] < 0 < ax.get_ylim()[1]:
        ax.axhline(0, color=GREY, linewidth=0.9, zorder=1)
    _marks(ax, described, x)
    _upward(canvas, _axis(described, columns, 1, lines[0]), width, tall, key)
    _foot(canvas, _axis(described, columns, 0, x), width, tall)
    return canvas


def _funnel(described: Described, columns: Mapping[str, Any], rows: Rows, width: float) -> Canvas:
    x, y = described["values"][:2]
    low, high = described["lower"], described["upper"]
    rows = sorted((row for row in rows if row[x] is not None and row[y] is not None), key=lambda row: row[x])
    canvas, ax, tall = _plane(width, 0.0)
    limits = [row for row in rows if row[low] is not None and row[high] is not None]
    for name in (low, high):
        ax.plot([row[x] for row in limits], [row[name] for row in limits], color=GREY, linewidth=1.2, linestyle=(0, (4, 2)))
    out = [row for row in limits if not row[low] <= row[y] <= row[high]]
    inside = [row for row in rows if row not in out]
    ax.plot([r[x] for r in inside], [r[y] for r in inside], linestyle="none", marker="o", color=BLUE, markersize=4.5, markeredgecolor="white")
    ax.plot([r[x] for r in out], [r[y] for r in out], linestyle="none", marker="D", color=ORANGE, markersize=5.5, markeredgecolor="white")
    if described["label"] and width > 5:
        far = sorted(out, key=lambda row: -max(row[low] - row[y], row[y] - row[high]) / ((row[high] - row[low]) or 1))[: NAMED - 5]
        for row in far:
            ax.annotate(str(row[described["label"]]), (row[x], row[y]), xytext=(5, 3), textcoords="offset points", fontsize=8)
    _marks(ax, described, y, across=True)
    _upward(canvas, _axis(described, columns, 1, y), width, tall, 0.0)
    _foot(canvas, _axis(described, columns, 0, x), width, tall)
    return canvas


DRAWN: dict[str, Callable[[Described, Mapping[str, Any], Rows, float], Canvas]] = {
    "stacked": _stacked,
    "waterfall": _waterfall,
    "intervals": _intervals,
    "dots": _dots,
    "scatter": _scatter,
    "curve": _curve,
    "funnel": _funnel,
}
