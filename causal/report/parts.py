"""What every page is made of: a template filled with escaped words, drawings that stand inside the page, tables with their headings."""

from __future__ import annotations

import re
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
    return isolated(NOT_XML.sub("", room.get_template(template).render(page=view, css=css)).rstrip() + "\n")


# words of a script that is read from the right, and blanks between them; and what no mark may be put into: tags, and what is copied or run
RIGHT_TO_LEFT = re.compile("[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc]+(?:[^\\S\n]+[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc]+)*")
NOT_TEXT = re.compile(r"(<(?P<tag>title|style|script|pre|code)\b.*?</(?P=tag)>|<[^>]*>)", re.S)


def isolated(html: str) -> str:
    """A page whose words from the right do not draw the numbers beside them over to their other side (Unicode's first-strong isolates).

    Parameters
    ----------
    html : of the whole page.
    """
    if not RIGHT_TO_LEFT.search(html):
        return html
    made, at = [], 0
    for tag in NOT_TEXT.finditer(html):
        made += [RIGHT_TO_LEFT.sub(lambda hit: f"\u2068{hit[0]}\u2069", html[at : tag.start()]), tag[0]]
        at = tag.end()
    return "".join([*made, html[at:]])


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
