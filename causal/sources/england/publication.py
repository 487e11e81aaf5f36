"""A publication: how its files are recognised and read, what they give, and where they are found. One file in `publications/` for each."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib import import_module
from pkgutil import iter_modules

from causal.sources.england.book import Book
from causal.sources.england.extract import Extract


@dataclass(frozen=True, slots=True, kw_only=True)
class Edition:
    """Which part of a publication, of which year, a file is. Two files of one edition cannot both be read.

    year : the year ending 31 March that it is about; 0 if it holds several, or, where later releases of the same layout came, the last year that it holds.
    part : "d1", "admissions", … where a release has several files.
    """

    year: int = 0
    part: str = ""

    def __str__(self) -> str:
        return " ".join(filter(None, (self.part, str(self.year) if self.year else "")))


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """A file these readers were tested on: its name as published, SHA-256, edition, and its stable address where it has one."""

    name: str
    sha256: str
    edition: Edition
    address: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Publication:
    """One publication.

    Parameters
    ----------
    key : short name, the same as its module's.
    title : publisher and title, as printed in sources.
    page : official landing page.
    gives : quantity → what it is, in words with its unit.
    editions : the editions that a whole folder would hold.
    recognise : book → edition, by its header or sheets, or None if the file is not one of these. The file's name may only tell the year, where the
        file does not print it.
    read : book and edition → every number taken from it. Raises DataError when nothing can be read from the file.
    released : edition → the year in which it came out: a later release of the same number replaces an earlier one.
    whole : every file names every authority; one that names fewer was cut short.
    spans : edition → first and last year that a whole file holds, where it holds several; a file without them was cut short.
    breaks : quantity → year ending 31 March → why numbers from that year on are not quite comparable with those before.
    releases : files these readers were tested on.
    named : edition → the title with the release that a file is, by what it holds; None: all editions are called by the title alone.
    """

    key: str
    title: str
    page: str
    gives: Mapping[str, str]
    editions: tuple[Edition, ...]
    recognise: Callable[[Book], Edition | None]
    read: Callable[[Book, Edition], Extract]
    released: Callable[[Edition], int]
    whole: bool = True
    spans: Callable[[Edition], tuple[int, int] | None] = lambda edition: None
    breaks: Mapping[str, Mapping[int, str]] = field(default_factory=dict)
    releases: tuple[Release, ...] = ()
    named: Callable[[Edition], str] | None = None

    def called(self, edition: Edition) -> str:
        """Publisher and title of one edition."""
        return self.named(edition) if self.named else self.title


@cache
def publications() -> tuple[Publication, ...]:
    """All publications, in the order of their modules' names: each module in `publications/` holds one `PUBLICATION`, or several `PUBLICATIONS`."""
    package = import_module("causal.sources.england.publications")
    found: list[Publication] = []
    for info in sorted(iter_modules(package.__path__), key=lambda info: info.name):
        module = import_module(f"{package.__name__}.{info.name}")
        found += getattr(module, "PUBLICATIONS", None) or [module.PUBLICATION]
    return tuple(found)
