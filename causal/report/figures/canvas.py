"""Figures as SVG text: estimates side by side, effects by group, leads and lags.

Each comes with words that say what it shows, for those who cannot see it. Colours are the Analysis Function's; every
mark is labelled where it stands, and nothing is told by colour alone. The same record gives the same bytes.
"""

from __future__ import annotations

import io
import re
import textwrap
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from html import escape
from typing import TYPE_CHECKING, Any

from causal.report.phrases import against_zero, bare, effect, in_order, interval, label, level, slug, variable, when, words
from causal.words import capital, listed, written

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

BLUE, TURQUOISE, PINK, ORANGE, GREY, PURPLE = "#12436D", "#28A197", "#801650", "#F46A25", "#3D3D3D", "#A285D1"
PALE, BAND = "#BFBFBF", "#E8E8E8"
# what each colour of a figure is on a dark page; a colour that is not here would be a light patch there
DARK = {
    "#ffffff": "#14181c",
    "#000000": "#eceff1",
    "#3d3d3d": "#d5dbe0",
    "#6e6e6e": "#98a3ac",
    "#bfbfbf": "#6a7580",
    "#e8e8e8": "#29323a",
    "#f2f2f2": "#1f252b",
    "#12436d": "#8cc4f5",
    "#28a197": "#6fd6c6",
    "#801650": "#f29ac4",
    "#f46a25": "#ffb27a",
    "#a8430f": "#ffb27a",
    "#a285d1": "#c9b4ee",
    "#e6f4f2": "#143a36",
    "#fef0e9": "#40260f",
}
WIDTH, LEFT, RIGHT = 7.4, 2.1, 1.55  # inches: the whole, room for labels, room for numbers
NARROW = 3.4  # inches, for a telephone
NAME = 26  # letters that fit beside the numbers there
FONTS = "Arial, 'Liberation Sans', Helvetica, 'DejaVu Sans', sans-serif"
STYLE: dict[str, Any] = {
    "svg.hashsalt": "causal",
    "svg.fonttype": "none",
    "font.family": ["DejaVu Sans"],
    "font.size": 10,
    "text.color": GREY,
    "axes.labelcolor": GREY,
    "axes.edgecolor": GREY,
    "xtick.color": GREY,
    "ytick.color": GREY,
    "axes.unicode_minus": True,
    "path.simplify": False,
    "text.parse_math": False,  # a label may hold a $
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawing:
    """An SVG, the words that stand for it, its caption and its width in CSS pixels; `narrow` is the same for a small screen."""

    name: str
    svg: str
    narrow: str | None = None
    alt: str
    caption: str
    width: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One line of an interval plot; `faint` for what is shown for contrast only."""

    label: str
    one: Mapping[str, Any]
    faint: bool = False


def estimates(data: Mapping[str, Any]) -> Drawing | None:
    """The answer beside the comparison that holds nothing fixed."""
    if data["estimate"] is None:
        return None
    rows, unit, smallest = _answers(data), _unit(data), data["question"]["smallest_important"]
    numbers = [(effect(row.one, unit, smallest=smallest), interval(row.one, smallest=smallest)) for row in rows]
    said = [f"{row.label}, {size}, {level(data)} {reach}, which {against_zero(row.one)}" for row, (size, reach) in zip(rows, numbers, strict=True)]
    return Drawing(
        name="estimates",
        svg=intervals([rows], data, [""]),
        narrow=intervals([rows], data, [""], width=NARROW),
        alt=capital("; ".join(said)) + f". Effects within ±{written(data['question']['smallest_important'])} are too small to matter.",
        caption=f"Estimates side by side. Lines are {level(data)}s; the grey band holds effects too small to matter.",
        width=pixels(WIDTH),
    )


def _answers(data: Mapping[str, Any]) -> list[Row]:
    answer, other = data["estimate"], data["baseline"]
    rows = [Row(label=f"This: {words(answer['estimator'])}", one=answer)]
    if other and other["effect"] is not None:
        rows.append(Row(label=f"For contrast: {words(other['estimator'])}", one=other, faint=True))
    return rows


def estimates_png(data: Mapping[str, Any]) -> bytes:
    """The figure of `estimates` as PNG, for files that cannot hold SVG; of a record that has an estimate."""
    drawn: bytes = intervals([_answers(data)], data, [""], save=png_of)
    return drawn


def grouped(data: Mapping[str, Any]) -> dict[str, list[dict[str, Any]]]:
    """Parts by group or path, under the name of their figure."""
    made: dict[str, list[dict[str, Any]]] = {}
    for part in data["estimate"]["parts"] if data["estimate"] else ():
        if part["kind"] != "time" and part["effect"] is not None:
            made.setdefault(f"{'by' if part['kind'] == 'group' else 'path'}_{slug(label(data, part['of']))}", []).append(part)
    return made


def groups(data: Mapping[str, Any]) -> list[Drawing]:
    """Effects by group or path, a drawing for each thing they are grouped by."""
    drawn = []
    for name, parts in grouped(data).items():
        by = ("" if parts[0]["kind"] == "group" else "path, ") + label(data, parts[0]["of"])
        smallest = data["question"]["smallest_important"]
        joint = any(part["joint_lower"] is not None for part in parts)
        rows = [Row(label=capital(part["name"]), one=part) for part in parts]
        drawn.append(
            Drawing(
                name=name,
                svg=intervals([rows], data, [""]),
                narrow=intervals([rows], data, [""], width=NARROW),
                alt=f"Effect by {by}: " + "; ".join(f"{part['name']} {bare(part, smallest=smallest)}" for part in parts) + f". {gradient(parts, level(data))}",
                caption=f"Effect by {by}. Thick lines are {level(data)}s for each alone"
                + ("; thin lines with ends hold for all of them at once." if joint else "."),
                width=pixels(WIDTH),
            )
        )
    return drawn


def gradient(parts: Sequence[Mapping[str, Any]], what: str) -> str:
    """Whether groups differ, as far as intervals tell.

    Parameters
    ----------
    parts : of one grouping, as a record has them; outcome units.
    what : what its intervals are called ("95% interval").
    """
    if len(parts) < 2:
        return ""
    low, high = min(parts, key=lambda p: p["effect"]), max(parts, key=lambda p: p["effect"])
    said = f"Estimates run from {effect(low, '')} ({low['name']}) to {effect(high, '')} ({high['name']})."
    joint = [(p["joint_lower"], p["joint_upper"]) for p in parts if p["joint_lower"] is not None and p["joint_upper"] is not None]
    if len(joint) < len(parts):
        return f"{said} No interval that holds for all at once is known, so whether they differ is not known."
    if max(low for low, _ in joint) > min(high for _, high in joint):
        return f"{said} At least two of the {what}s that hold for all at once do not meet: the effect is not the same in all of them."
    return f"{said} The {what}s that hold for all at once have values in common, so these data do not show that the effect differs between them."


def event_parts(data: Mapping[str, Any]) -> tuple[list[dict[str, Any]], str]:
    """Leads and lags in order, and whose they are: the estimate's own, else those of the check on future treatment."""
    if data["estimate"] is None:
        return [], ""
    own = [part for part in data["estimate"]["parts"] if part["kind"] == "time" and part["effect"] is not None]
    if own:
        return in_order(own), words(data["estimate"]["estimator"])
    for one in data["refutations"]:
        if one["name"] == "future_treatment":
            return in_order([part for part in one["parts"] if part["kind"] == "time" and part["effect"] is not None]), "the check on future treatment"
    return [], ""


def event_study(data: Mapping[str, Any]) -> Drawing | None:
    """Effects before and after, with zero and the band too small to matter."""
    parts, whose = event_parts(data)
    if not parts:
        return None
    leads = [p for p in parts if (p["since"] or 0) < 0]
    away = [p["name"] for p in leads if against_zero(p) in ("lies above zero", "lies below zero")]
    known = [p for p in leads if p["lower"] is not None]
    if away:
        found = f"The {level(data)}{'s' if len(away) > 1 else ''} of {listed(away)} {'leave' if len(away) > 1 else 'leaves'} out zero."
    elif known:
        which = {1: "the one lead includes", 2: "both leads include"}.get(len(known), f"all {len(known)} leads include")
        which = which if len(known) == len(leads) else "every lead that has one includes"
        found = f"The {level(data)}{'s' if len(known) > 1 else ''} of {which} zero."
    else:
        found = "No lead has an interval." if leads else "There are no leads."
    marks = ["Squares are leads, before the treatment could act: a sound design shows nothing there. Dots are the same year and after."] if leads else []
    marks.append(f"Thick lines are {level(data)}s" + ("; thin ones hold for all at once." if any(p["joint_lower"] is not None for p in parts) else "."))
    smallest = data["question"]["smallest_important"]
    return Drawing(
        name="event_study",
        svg=_events(parts, leads, data, WIDTH),
        narrow=_events(parts, leads, data, NARROW),
        alt=f"Effects before and after, from {whose}: " + "; ".join(f"{p['name']} {bare(p, smallest=smallest)}" for p in parts) + f". {found}",
        caption=" ".join([f"Event study, from {whose}.", *marks, found]),
        width=pixels(WIDTH),
    )


def _events(parts: Sequence[Mapping[str, Any]], leads: Sequence[Mapping[str, Any]], data: Mapping[str, Any], width: float) -> str:
    smallest = data["question"]["smallest_important"]
    turned = len(parts) * 0.62 > width - 2
    first = textwrap.shorten(f"Effect on {label(data, data['question']['outcome'])}, {_unit(data)}".removesuffix(", "), 200, placeholder=" …")
    said = [
        *textwrap.wrap(first, round(width * 13.5)),
        *textwrap.wrap(f"Grey: within ±{written(smallest)}, too small to matter; line: no effect", round(width * 13.5)),
    ]
    bottom = (0.7 if turned else 0.36) + 0.18 * len(said)
    with style():
        fig, ax = axes(width, 2.4 + bottom, left=0.6, right=0.1, bottom=bottom, top=0.3)
        ax.axhspan(-smallest, smallest, color=BAND, linewidth=0, zorder=0)
        ax.axhline(0, color=GREY, linewidth=1, zorder=1)
        for x, part in enumerate(parts):
            colour = ORANGE if part in leads else BLUE
            for low, high, thick in (("joint_lower", "joint_upper", 1.2), ("lower", "upper", 3.5)):
                if part[low] is not None and part[high] is not None:
                    ax.plot([x, x], [part[low], part[high]], color=colour, linewidth=thick, solid_capstyle="butt")
            ax.plot([x], [part["effect"]], marker="s" if part in leads else "o", color=colour, markersize=7, markeredgecolor="white")
        least, top = _reach(parts, smallest)
        ax.set_ylim(least, top)
        ax.set_xlim(-0.6, len(parts) - 0.4)
        ax.set_xticks(range(len(parts)))
        ax.set_xticklabels([part["name"] for part in parts], rotation=60 if turned else 0)
        if leads and len(leads) < len(parts):
            edge = len(leads) - 0.5
            ax.axvline(edge, color=GREY, linewidth=0.8, linestyle=(0, (2, 3)))
            ax.text(edge - 0.06, top, "before", ha="right", va="bottom", fontsize=9)
            ax.text(edge + 0.06, top, "from then on", ha="left", va="bottom", fontsize=9)
        tall = fig.get_figheight()
        for i, line in enumerate(said[::-1]):
            fig.text(0.08 / width, (0.12 + 0.18 * i) / tall, line, fontsize=9, ha="left", va="center")
        return svg_of(fig)


def intervals(
    panels: Sequence[Sequence[Row]],
    data: Mapping[str, Any] | Sequence[Mapping[str, Any]],
    titles: Sequence[str],
    *,
    width: float = WIDTH,
    save: Callable[[Figure], Any] | None = None,
) -> Any:
    """Rows of labelled intervals, with zero and the band too small to matter, one axis a panel.

    Parameters
    ----------
    panels : rows of each.
    data : one record, or one for each panel; it gives units and δ.
    titles : of each panel.
    width : inches; on a narrow figure the labels stand above the lines, on a wide one beside them.
    save : how the figure is given back; as SVG text if None.
    """
    each = [data] * len(panels) if isinstance(data, Mapping) else list(data)
    stacked = width < 5
    # a long name takes a line of its own above its numbers
    over = 2 if any(len(row.label) > NAME for rows in panels for row in rows) else 1
    pitch, head = (0.36 + 0.2 * over, 0.46) if stacked else (0.44, 0.46)
    left, right = (0.1, 0.1) if stacked else (LEFT, RIGHT)
    named = [textwrap.wrap(title, 95) for title in titles]
    under = [textwrap.wrap(textwrap.shorten(f"Effect on {_counted(one)}", 200, placeholder=" …"), round(width * 13.5)) for one in each]
    feet = [0.38 + 0.17 * max(len(said), 1) for said in under]
    heights = [head + 0.2 * len(lines) + pitch * len(rows) + foot for rows, lines, foot in zip(panels, named, feet, strict=True)]
    total = sum(heights) or 0.5
    with style():
        fig = figure(width, total)
        top = total
        for rows, one, lines, height, said, foot in zip(panels, each, named, heights, under, feet, strict=True):
            ax = fig.add_axes((left / width, (top - height + foot) / total, (width - left - right) / width, pitch * len(rows) / total))
            ax.set_ylim(-len(rows), 0)
            for i, line in enumerate(lines):
                fig.text(0.08 / width, (top - 0.16 - 0.2 * i) / total, line, fontsize=10, fontweight="bold", va="center")
            _rows(ax, rows, one["question"], width, over if stacked else 0)
            for i, line in enumerate(said):
                fig.text(0.08 / width, (top - height + 0.1 + 0.17 * (len(said) - i - 0.6)) / total, line, fontsize=9, va="center")
            top -= height
        return (save or svg_of)(fig)


def _rows(ax: Axes, rows: Sequence[Row], question: Mapping[str, Any], width: float, over: int) -> None:
    """Rows on an axis; `over` lines of words above each, or (0) words beside."""
    pitch, stacked = 0.36 + 0.2 * over, over > 0
    low, high = _reach([row.one for row in rows], question["smallest_important"])
    ax.set_xlim(low, high)
    smallest, plot = question["smallest_important"], width - LEFT - RIGHT
    placed: dict[str, Any] = {"xycoords": ("data", "axes fraction"), "textcoords": "offset points", "va": "bottom", "fontsize": 9}
    # words stay inside a narrow figure, whichever end of it zero is near
    share = -low / (high - low)
    side = "center" if not stacked else "left" if share < 0.35 else "right" if share > 0.65 else "center"
    ax.annotate("no effect", (0, 1), xytext=(0, 2), ha=side, **placed)
    at = {"left": (low, "left"), "right": (high, "right"), "center": (0.0, "center")}[side]
    ax.annotate(f"grey: within ±{written(smallest)}, too small to matter", (at[0], 1), xytext=(0, 15), ha=at[1], **placed)
    beside = ax.get_yaxis_transform()
    for i, row in enumerate(rows):
        one = row.one
        y, tall = (-i - 1 + 0.18 / pitch, 0.22 / pitch) if stacked else (-i - 0.5, 1.0)
        ax.fill_between([-smallest, smallest], y - tall / 2, y + tall / 2, color=BAND, linewidth=0, zorder=0)
        ax.plot([0, 0], [y - tall / 2, y + tall / 2], color=GREY, linewidth=1, zorder=1)
        colour = GREY if row.faint else BLUE
        if one["lower"] is not None and one["upper"] is not None:
            if one.get("joint_lower") is not None and one.get("joint_upper") is not None:
                ax.plot([one["joint_lower"], one["joint_upper"]], [y, y], color=colour, linewidth=1.2, marker="|", markersize=8)
            ax.plot([one["lower"], one["upper"]], [y, y], color=colour, linewidth=1.6 if row.faint else 4, solid_capstyle="butt")
        ax.plot([one["effect"]], [y], marker="D" if row.faint else "o", color=colour, markersize=8, markeredgecolor="white", zorder=4)
        said = effect(one, "", smallest=smallest), "no valid interval" if one["lower"] is None else interval(one, smallest=smallest)
        if stacked:
            name = textwrap.shorten(row.label, 54, placeholder=" …")
            ax.text(0, -i - 0.16 / pitch, name, transform=beside, ha="left", va="center", fontsize=9, color=colour)
            below = -i - (0.16 + 0.2 * (over - 1)) / pitch
            ax.text(1, below, f"{said[0]} ({said[1]})", transform=beside, ha="right", va="center", fontsize=9, fontweight="bold", color=colour)
            continue
        names = textwrap.wrap(textwrap.shorten(row.label, 62, placeholder=" …"), 30)[:2]
        for j, line in enumerate(names):
            ax.text(-(LEFT - 0.08) / plot, y + 0.36 * ((len(names) - 1) / 2 - j), line, transform=beside, ha="left", va="center", fontsize=9.5, color=colour)
        for j, line in enumerate(said):
            weight = "normal" if j else "bold"
            ax.text(
                1 + (RIGHT - 0.05) / plot, y + 0.18 - 0.36 * j, line, transform=beside, ha="right", va="center", fontsize=9.5, fontweight=weight, color=colour
            )
    ax.set_yticks([])


def _counted(data: Mapping[str, Any]) -> str:
    question = data["question"]
    return f"{label(data, question['outcome'])} {when(question)}, {_unit(data)}".removesuffix(", ")


def _reach(ones: Sequence[Mapping[str, Any]], smallest: float) -> tuple[float, float]:
    """Ends of an axis that holds every estimate and interval, zero and the band."""
    keys = ("effect", "lower", "upper", "joint_lower", "joint_upper")
    values = [one[key] for one in ones for key in keys if one.get(key) is not None]
    low, high = min([*values, -smallest]), max([*values, smallest])
    margin = 0.06 * (high - low)
    return low - margin, high + margin


def _unit(data: Mapping[str, Any]) -> str:
    return str(variable(data, data["question"]["outcome"])["unit"])


def pixels(inches: float) -> int:
    """CSS pixels."""
    return round(inches * 96)


def style() -> Any:
    """Our settings, for as long as a figure is drawn."""
    import matplotlib

    return matplotlib.rc_context(STYLE)  # type: ignore[arg-type, unused-ignore]


def figure(width: float, height: float) -> Figure:
    """An empty figure.

    Parameters
    ----------
    width, height : inches.
    """
    # the figure's own classes, not pyplot: nothing global, no window system, half a second less
    from matplotlib.figure import Figure

    return Figure(figsize=(width, height), facecolor="white")


def axes(width: float, height: float, *, left: float, right: float, bottom: float, top: float) -> tuple[Figure, Axes]:
    """A figure with one axis.

    Parameters
    ----------
    width, height : of the figure, inches.
    left, right, bottom, top : margins, inches.
    """
    fig = figure(width, height)
    ax = fig.add_axes((left / width, bottom / height, (width - left - right) / width, (height - top - bottom) / height))
    for side in ("top", "right"):
        ax.spines[side].set_visible(False)
    return fig, ax


def svg_of(fig: Figure) -> str:
    """The figure as SVG text, without a date."""
    from matplotlib.backends.backend_svg import FigureCanvasSVG

    _bare(fig)
    out = io.StringIO()
    print_svg: Any = FigureCanvasSVG(fig).print_svg
    print_svg(out, metadata=dict.fromkeys(("Date", "Creator", "Format", "Type")))
    drawn = out.getvalue()
    drawn = drawn[drawn.index("<svg") :]
    return dark_too(re.sub(r"'DejaVu Sans'(, [^;\"]*)?", FONTS.replace("\\", ""), drawn))


def dark_too(svg: str) -> str:
    """A drawing that is dark where its reader asked for dark pages.

    Its colours stand in the marks themselves, so each has a rule of its own that wins over them on a dark screen and nowhere else.
    """
    used = sorted(set(re.findall(r"#[0-9a-f]{6}\b", svg.lower())) & set(DARK) | {PINK.lower()})  # that of the line that `stamped` adds
    rules = "".join(f'[style*="{kind}: {one}" i]{{{kind}: {DARK[one]} !important}}' for one in used for kind in ("fill", "stroke"))
    return svg.replace("</style>", f"</style>\n  <style>@media screen and (prefers-color-scheme: dark) {{text{{fill: {DARK['#000000']}}}{rules}}}</style>", 1)


def png_of(fig: Figure) -> bytes:
    """The figure as PNG, without a date or the name of what drew it."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    _bare(fig)
    fig.set_dpi(200)
    out = io.BytesIO()
    print_png: Any = FigureCanvasAgg(fig).print_png
    print_png(out, metadata={"Software": None})
    return out.getvalue()


def _bare(fig: Figure) -> None:
    """No lines round the axes but those that carry numbers."""
    for ax in fig.axes:
        for side in ("top", "right", "left"):
            ax.spines[side].set_visible(side == "left" and bool(len(ax.get_yticks())))


def stamped(drawing: Drawing, text: str) -> Drawing:
    """The drawing with a line of text under it, so that it says so wherever it is pasted.

    Parameters
    ----------
    drawing : as SVG, wide and narrow.
    text : the line; "" leaves the drawing as it is.
    """
    if not text:
        return drawing
    return replace(drawing, svg=_footed(drawing.svg, text), narrow=drawing.narrow and _footed(drawing.narrow, text), alt=f"{drawing.alt} {text}.")


def _footed(svg: str, text: str) -> str:
    size = re.search(r'width="([\d.]+)pt" height="([\d.]+)pt" viewBox="0 0 [\d.]+ [\d.]+"', svg)
    assert size is not None
    width, height = float(size[1]), float(size[2])
    lines = textwrap.wrap(text, max(20, int(width / 4.4)))
    tall = height + 11 * len(lines) + 4
    head = f'width="{width:g}pt" height="{tall:g}pt" viewBox="0 0 {width:g} {tall:g}"'
    foot = "".join(
        f'<text x="8" y="{height + 8 + 11 * i:g}" style="font: 8px {escape(FONTS, quote=True)}; fill: {PINK}">{escape(line)}</text>'
        for i, line in enumerate(lines)
    )
    return svg.replace(size[0], head, 1).replace("</svg>", f"{foot}</svg>")


def titled(drawing: Drawing) -> str:
    """The SVG as a file of its own: its words inside, for readers who cannot see it."""
    head, rest = drawing.svg.split(">", 1)
    return f'<?xml version="1.0" encoding="utf-8"?>\n{head} role="img" aria-labelledby="says">\n<title id="says">{escape(drawing.alt)}</title>{rest}'
