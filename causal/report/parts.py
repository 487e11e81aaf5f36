"""What every page is made of: a template filled with escaped words, drawings that stand inside the page, tables with their headings."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from causal.report.figures.canvas import Drawing
from causal.report.record import NOT_XML

Row = Sequence[Any]


def render(template: str, view: Mapping[str, Any]) -> str:
    """Fill a template of this folder; all that is put in is escaped.

    Parameters
    ----------
    template : name of a file beside this module.
    view : what the template calls `page`.
    """
    from jinja2 import Environment, FileSystemLoader, StrictUndefined
    from markupsafe import Markup

    here = Path(__file__).parent
    room = Environment(loader=FileSystemLoader(here), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    css = Markup((here / "style.css").read_text(encoding="utf-8"))  # our own file, so it may stand unescaped
    return NOT_XML.sub("", room.get_template(template).render(page=view, css=css)).rstrip() + "\n"


def shown(drawing: Drawing) -> dict[str, Any]:
    """A drawing as the template takes it: inside the page, so that the page can be sent alone."""
    source, narrow = ("data:image/svg+xml;base64," + b64encode(svg.encode()).decode() if svg else "" for svg in (drawing.svg, drawing.narrow))
    return {"source": source, "narrow": narrow, "alt": drawing.alt, "caption": drawing.caption, "width": drawing.width}


def table(caption: str, heads: Sequence[str], rows: Sequence[Row], *, numbers: Sequence[str] = (), long: Sequence[str] = ()) -> dict[str, Any]:
    """A table as the template takes it; the first cell of a row is its heading.

    Parameters
    ----------
    caption, heads : words.
    rows : one cell for each heading.
    numbers, long : headings of columns that hold numbers, and of those that hold sentences.
    """
    return {"caption": caption, "heads": list(heads), "rows": [list(row) for row in rows], "numbers": list(numbers), "long": list(long)}
