"""Tables that a reader can sort and choose from, in one file and without a server.

The page is whole without a script. The one script is ours, stands in the page, and is the only one that the page's own policy lets run: whatever a
label holds, nothing else does.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """A column: how it is sorted (`number`), whether rows can be chosen by its values (`choice`), and whether it holds sentences (`long`)."""

    text: str
    number: bool = False
    choice: bool = False
    long: bool = False

    @property
    def kind(self) -> str:
        """Class of its cells."""
        return "number" if self.number else "long" if self.long else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """Lines of words, the first a link if `href` is given; `key` is what it is sorted by, its first line if None, and "" stands last."""

    lines: tuple[str, ...]
    href: str = ""
    key: str | float | None = None

    @property
    def sort(self) -> str:
        """The key as text."""
        return self.lines[0] if self.key is None else self.key if isinstance(self.key, str) else repr(float(self.key))


def cell(*lines: str, href: str = "", key: str | float | None = None) -> Cell:
    """A cell of these lines, empty ones left out.

    Parameters
    ----------
    *lines : words.
    href : of a link around them; "" for none.
    key : what the column is sorted by; None takes the words.
    """
    return Cell(lines=tuple(line for line in lines if line) or ("",), href=href, key=key)


def table(caption: str, heads: Sequence[Head], rows: Sequence[Sequence[Cell]]) -> dict[str, Any]:
    """A table as `sortable.html` takes it; the first cell of a row is its heading.

    Parameters
    ----------
    caption : words.
    heads : of each column, and how it is sorted.
    rows : one cell for each heading.
    """
    return {"caption": caption, "heads": list(heads), "rows": [list(row) for row in rows]}


@cache
def lined() -> Any:
    """Style of tables whose lines share an axis."""
    from markupsafe import Markup

    return Markup((HERE / "forest.css").read_text(encoding="utf-8"))


@cache
def sortable() -> dict[str, Any]:
    """Script, style and policy, for the view of a page that has such tables."""
    from markupsafe import Markup  # our own files, so they may stand unescaped

    script = (HERE / "sortable.js").read_text(encoding="utf-8")
    allowed = b64encode(sha256(script.encode()).digest()).decode()
    policy = f"default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'sha256-{allowed}'; base-uri 'none'; form-action 'none'"
    return {
        "script": Markup(script),
        "css": Markup("".join((HERE / name).read_text(encoding="utf-8") for name in ("sortable.css", "forest.css"))),
        "policy": policy,
    }
