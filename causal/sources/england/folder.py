"""A folder of published files: what each file is, every number in them, and everything that is wrong with them.

Files are recognised by what they hold, whatever they are called and however they are arranged. What is wrong with one costs only what it would have
given; nothing is dropped or filled in without a `Problem` that says so. Reading the spreadsheets takes seconds, so the result is kept in a cache, under the
digests of the files and of this package's code: a changed file, or a changed reader, is read again.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import zipfile
import zlib
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from causal import kept
from causal.aside import sweep
from causal.document import why
from causal.errors import DataError, refusal
from causal.kept import content_of, keep
from causal.sources.england.book import Book, digest
from causal.sources.england.extract import AUTHORITY, ENGLAND, Extract, Problem
from causal.sources.england.numbers import groups
from causal.sources.england.places import CODES, ENDED_2009, TOO_SMALL, UNIT, Places, plain
from causal.sources.england.publication import Edition, Publication, publications
from causal.sources.england.publications.children_in_need import last_year
from causal.sources.england.witnesses import EMPTY as CONTRADICTED

ENDINGS = frozenset({".csv", ".tsv", ".xls", ".xlsx", ".xlsm", ".xlsb", ".ods", ".parquet"})
TEXTS = ("place", "quantity", "part", "mark", "sheet", "column", "file")
NUMBERS = ("year", "value", "row", "released")
WHOLE = 0.95  # a file that names fewer of the authorities than this was cut short
FIRST = 2010  # the first year that panels can have
KEPT = 8  # entries that stay in the cache, the newest
TOLD = 2  # files that must name a code alike before another name beside it is held against them
REVISED_TIMES, REVISED_MOST = 1.5, 50.0  # a later release that is so many times another, and differs by more than so much, is no revision of it
SHOWN = 20
MANY = 20  # rows of which one at least has a number where a column is filled


@dataclass(frozen=True, slots=True, kw_only=True)
class File:
    """What one file was recognised as: publication and edition, or neither; `numbers` cells were taken from it, for the years from `first` to `last`."""

    name: str
    publication: str = ""
    edition: Edition = field(default_factory=Edition)
    gives: tuple[str, ...] = ()
    numbers: int = 0
    first: int = 0
    last: int = 0


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Folder:
    """Everything read from a folder.

    Parameters
    ----------
    cells : one row for each number as printed, with `place` the DfE code (`ENGLAND` for the country); columns of `Extract.cells`, `file` (path below the
        folder) and `released`. Text columns are categories.
    files : every file of the folder, in order of its name.
    rounding : quantity → what its numbers are rounded to, where they are.
    """

    paths: tuple[Path, ...]
    cells: pd.DataFrame
    places: Places
    files: tuple[File, ...]
    rounding: dict[str, float]
    problems: tuple[Problem, ...]

    def where(self, name: str) -> Path:
        """The file of this name, as files are named here."""
        return _where(self.paths, name)

    def named(self) -> dict[str, Path]:
        """What each folder is called before its files' names ("" for one alone) → the folder."""
        return {"" if len(self.paths) == 1 else _label(self.paths, at): path for at, path in enumerate(self.paths)}


def read(paths: Sequence[Path], *, merged: bool, say: Callable[[str], None] | None = None) -> Folder:
    """Read folders, or take them from the cache.

    Of one number that several releases print the latest that has it stands, in whichever folder it is; two copies of one release that differ leave the number
    empty. With several folders a file's name begins with its folder's.

    Parameters
    ----------
    paths : one folder or more; none inside another.
    merged : places that were reorganised are one place in all years.
    say : told of each file as it is read.

    Raises
    ------
    DataError : no such folder, or nothing in it that is recognised; one that is named twice, or inside another.
    """
    whole = [path.resolve() for path in paths]
    for i, path in enumerate(whole):
        if inside := [other for j, other in enumerate(whole) if j != i and ((other == path and j < i) or other in path.parents)]:
            what = "twice" if inside[0] == path else f"inside {str(inside[0])!r}"
            raise refusal(DataError, "source.path", "each folder once, since its files would be read twice", f"{str(paths[i])!r} {what}", "take one away")
    raws = [_raw(path, say) for path in paths]
    return _resolved(tuple(paths), raws[0] if len(raws) == 1 else _together(paths, raws), merged)


def _label(paths: Sequence[Path], at: int) -> str:
    """What a folder is called before its files' names: its own name, numbered where another has it too."""
    names = [path.resolve().name for path in paths]
    return names[at] if names.count(names[at]) == 1 else f"{names[at]}({at + 1})"


def _where(paths: Sequence[Path], name: str) -> Path:
    if len(paths) == 1:
        return paths[0] / name
    first, _, rest = name.partition("/")
    return next(path for at, path in enumerate(paths) if _label(paths, at) == first) / rest


def _together(paths: Sequence[Path], raws: Sequence[_Raw]) -> _Raw:
    """Several folders as one. Copies of one release are told: the same bytes or numbers are read once, others by what differs in them (`_single`)."""
    frames, files, rounding, links = list[pd.DataFrame](), list[File](), dict[str, float](), dict[str, str]()
    problems: list[Problem] = []
    claimed: dict[tuple[str, Edition], str] = {}
    for at, raw in enumerate(raws):
        label = _label(paths, at)
        frames.append(raw.cells.assign(file=raw.cells["file"].astype(str).map(lambda name, label=label: f"{label}/{name}")))
        for file in raw.files:
            name = f"{label}/{file.name}"
            files.append(replace(file, name=name))
            if file.publication:
                other = claimed.setdefault((file.publication, file.edition), name)
                if other != name:
                    same = digest(_where(paths, name)) == digest(_where(paths, other))
                    what = "the same bytes as" if same else "the same release as"
                    then = "read once" if same else "where they differ nothing stands. Keep one of the two"
                    problems.append(Problem(path=_where(paths, name), message=f"{what} {_where(paths, other)}; {then}"))
        rounding |= raw.rounding
        links |= raw.links
        problems += raw.problems
    return _Raw(
        cells=_stack(frames),
        authorities=_once([raw.authorities for raw in raws if len(raw.authorities)]),
        links=links,
        files=tuple(files),
        rounding=rounding,
        problems=tuple(problems),
    )


def _raw(path: Path, say: Callable[[str], None] | None) -> _Raw:
    """What the files of one folder say, from the cache if they and the readers are as they were."""
    try:
        return _kept_or_read(path, say)
    except OSError as problem:
        where = str(problem.filename or path)
        raise refusal(DataError, where, "a file or folder that can be read", why(problem), "look whether it is there still, and may be read") from problem


def _kept_or_read(path: Path, say: Callable[[str], None] | None) -> _Raw:
    if not path.is_dir():
        raise refusal(
            DataError,
            "source.path",
            "the folder that holds the published files",
            f"{str(path)!r}, and there is no folder of that name",
            "look at how it is written",
        )
    files = sorted(file for file in _below(path) if file.suffix.lower() in ENDINGS)
    if not files:
        raise refusal(
            DataError,
            str(path),
            "the folder of published files, .csv, .xls, .xlsx or .ods",
            "one with none of these in it or below",
            "name another with  source.path",
        )
    digests = {str(file.relative_to(path)): digest(file) for file in files}
    made_of = {"folder": str(path), "files": digests, "code": _code()}
    store = kept.store()
    if store:
        sweep(store, "england-*.part")
    raw = _load(store, made_of) if store else None
    if raw is None:
        raw = _read(path, files, say)
        # a file that was changed while it was read must not be remembered under what it was before
        if store and digests == {str(file.relative_to(path)): digest(file) for file in files if file.is_file()}:
            _save(store, made_of, raw)
    return raw


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Raw:
    """What the files say, before places are told; this is what the cache keeps."""

    cells: pd.DataFrame
    authorities: pd.DataFrame
    links: dict[str, str]
    files: tuple[File, ...]
    rounding: dict[str, float]
    problems: tuple[Problem, ...]


def _nearly(book: Book) -> str:
    """Why a file that should be one of ours is none: it is empty, or is called like one whose headings it lacks. "" for other people's files."""
    if book.path.stat().st_size == 0:
        return "the file is empty; fetch it again"
    for one in publications():
        for release in one.releases:
            if release.name.lower() == book.path.name.lower():
                last = last_year(book)
                if last > max(one.released(each.edition) for each in one.releases):
                    heads = ", ".join(filter(None, book.head("")[0]))[:200]
                    return f"is called like {one.title}, and goes to {last}: a later release in a layout that is not read here ({heads}). It is left alone"
                what = one.named(release.edition) if one.named else one.title
                return f"is called like {what}, and its headings are not as published; it is not read. Fetch it again, or undo changes to its headings"
    return ""


def _below(path: Path) -> list[Path]:
    """Files of a folder and below, through links too, each folder once; a named pipe or a device, which may never end, is none."""
    found, seen = list[Path](), set[tuple[int, int]]()
    for at, folders, names in os.walk(path, followlinks=True):
        known = os.stat(at)
        if (known.st_dev, known.st_ino) in seen:
            folders.clear()
            continue
        seen.add((known.st_dev, known.st_ino))
        found += [file for name in names if not name.startswith((".", "~$")) and (file := Path(at) / name).is_file()]
    return found


@cache
def _code() -> str:
    """Digest of the readers' own code."""
    sha = hashlib.sha256(pd.__version__.encode())
    for file in sorted(Path(__file__).parent.rglob("*.py")):
        sha.update(file.read_bytes())
    return sha.hexdigest()


def _read(path: Path, files: Sequence[Path], say: Callable[[str], None] | None) -> _Raw:
    problems: list[Problem] = []
    claimed: dict[tuple[str, Edition], list[tuple[Book, Publication]]] = {}
    known: dict[Path, File] = {}
    for file in files:
        known[file] = File(name=str(file.relative_to(path)))
        if say:
            say(known[file].name)
        book = Book(path=file)
        try:
            hits = [(one, edition) for one in publications() if (edition := one.recognise(book)) is not None]
        except DataError as error:
            problems.append(Problem(path=file, message=str(error).removeprefix(f"{file}: ")))
            continue
        if len(hits) > 1:
            problems.append(Problem(path=file, message=f"looks like {' and also like '.join(one.title for one, _ in hits)}; it is not read"))
        elif not hits and (why := _nearly(book)):
            problems.append(Problem(path=file, message=why))
        elif hits:
            claimed.setdefault((hits[0][0].key, hits[0][1]), []).append((book, hits[0][0]))
    extracts: list[tuple[Publication, Edition, Extract]] = []
    for (_, edition), books in claimed.items():
        publication = books[0][1]
        if len({book.digest for book, _ in books}) > 1:
            names = " and ".join(str(book.path) for book, _ in books)
            what = f"{publication.title}{f', {edition}' if str(edition) else ''}"
            problems.append(Problem(path=books[0][0].path, message=f"{names} are both {what}, and differ; none is read. Keep one"))
            continue
        for book, _ in books[1:]:
            problems.append(Problem(path=book.path, message=f"the same bytes as {books[0][0].path}; read once"))
        book = books[0][0]
        try:
            extract = publication.read(book, edition)
        except DataError as error:
            problems.append(Problem(path=book.path, message=str(error).removeprefix(f"{book.path}: ")))
            continue
        problems += _blank(extract)
        extracts.append((publication, edition, extract))
        years = extract.cells["year"][extract.cells["year"] > 0]
        known[book.path] = File(
            name=known[book.path].name,
            publication=publication.key,
            edition=edition,
            gives=tuple(sorted(map(str, extract.cells["quantity"].unique()))),
            numbers=int(extract.cells["value"].notna().sum()),
            first=int(years.min()) if len(years) else 0,
            last=int(years.max()) if len(years) else 0,
        )
        problems += extract.problems
    if not extracts:
        raise refusal(
            DataError,
            str(path),
            "files of publications that are read here",
            f"{len(files)} files of which none was recognised" + (f"; {problems[0]}" if problems else f" (the first is {files[0].name})"),
            "see what is wanted:  causal fetch",
        )
    frames, links, rounding = [], dict[str, str](), dict[str, float]()
    misnamed = _misnamed([extract for _, _, extract in extracts])
    for publication, edition, extract in extracts:
        name = known[extract.path].name
        cells, wrong = _without(extract, misnamed.get(extract.path, {}))
        problems += wrong
        frames.append(cells.assign(file=name, released=publication.released(edition)))
        links |= extract.links
        rounding |= extract.rounding
    return _Raw(
        cells=_stack(frames),
        authorities=_once([extract.authorities for _, _, extract in extracts if len(extract.authorities)]),
        links=links,
        files=tuple(known.values()),
        rounding=rounding,
        problems=tuple(problems),
    )


def _blank(extract: Extract) -> list[Problem]:
    """Columns in which not one number stands."""
    told = []
    for (quantity, column), rows in extract.cells.groupby(["quantity", "column"], observed=True, sort=False):
        if len(rows) >= MANY and not rows["value"].notna().any():
            message = f"no number stands in any of its {len(rows):,} rows, so {quantity} is not taken from it"
            told.append(Problem(path=extract.path, row=int(rows["row"].min()), column=str(column), message=message, quantity=str(quantity)))
    return told


def _misnamed(extracts: Sequence[Extract]) -> dict[Path, dict[tuple[str, int], tuple[str, str]]]:
    """File → (code, year) → name beside it and the code that this name has everywhere else: a code that stands beside another authority's name."""
    names: dict[str, Counter[str]] = defaultdict(Counter)
    for extract in extracts:
        for old, name in dict.fromkeys(zip(extract.authorities["old_la_code"].astype(str), extract.authorities["la_name"].astype(str), strict=True)):
            if old in CODES and name:
                names[old][plain(name)] += 1  # once for each file
    usual = {old: counted.most_common(1)[0] for old, counted in names.items()}
    owner = {name: old for old, (name, times) in usual.items() if times >= TOLD}
    out: dict[Path, dict[tuple[str, int], tuple[str, str]]] = defaultdict(dict)
    for extract in extracts:
        for old, name, year in extract.authorities[["old_la_code", "la_name", "year"]].astype({"old_la_code": str, "la_name": str}).itertuples(index=False):
            other = owner.get(plain(name), old)
            if name and old in usual and other != old and usual[old][0] != plain(name) and usual[old][1] >= TOLD:
                out[extract.path][old, int(year)] = (name, other)
    return out


def _without(extract: Extract, misnamed: Mapping[tuple[str, int], tuple[str, str]]) -> tuple[pd.DataFrame, list[Problem]]:
    """The cells of a file, empty where a code stands beside another's name, and what is to be told of it."""
    cells, problems = extract.cells, list[Problem]()
    for (old, year), (name, other) in misnamed.items():
        here = ((cells["place"].astype(str) == old) & (cells["year"] == year)).to_numpy()
        if not here.any() or (cells["mark"][here] == CONTRADICTED).any():
            continue  # no number is lost, or the file's own reader has said it
        value, mark = cells["value"].to_numpy(float).copy(), cells["mark"].astype(str).to_numpy(dtype=object)
        value[here], mark[here] = np.nan, CONTRADICTED
        cells = cells.assign(value=value, mark=pd.Categorical(mark))
        what = f"stands beside the name {name!r}, which has the code {other} in other files"
        message = f"{what}: code and name contradict each other, and its numbers of {year} are left empty"
        problems.append(Problem(path=extract.path, row=int(cells["row"][here].min()), value=old, message=message))
    return cells, problems


def _once(frames: list[pd.DataFrame]) -> pd.DataFrame:
    """Who is who, each line once, with the latest year that prints it."""
    if not frames:
        return pd.DataFrame(columns=list(AUTHORITY))
    every = pd.concat(frames).astype({name: object for name in AUTHORITY if name != "year"})
    return every.sort_values("year", kind="stable").drop_duplicates([name for name in AUTHORITY if name != "year"], keep="last").reset_index(drop=True)


def _stack(frames: list[pd.DataFrame]) -> pd.DataFrame:
    """One table of all cells, text columns as categories."""
    out: dict[str, Any] = {}
    for name in TEXTS:
        out[name] = pd.Categorical(np.concatenate([frame[name].astype(str).to_numpy(dtype=object) for frame in frames]))
    for name, dtype in (("year", np.int64), ("value", float), ("row", np.int64), ("released", np.int64)):
        out[name] = np.concatenate([frame[name].to_numpy(dtype=dtype) for frame in frames])
    return pd.DataFrame(out)


def _resolved(paths: tuple[Path, ...], raw: _Raw, merged: bool) -> Folder:
    """Printed places become DfE codes; unknown codes, doubles and files that were cut short are told and left out."""
    places = Places.of(raw.authorities, raw.links, merged=merged)
    problems = list(raw.problems)
    printed = raw.cells["place"].cat.categories.astype(str)
    codes = [places.code(one) for one in printed]
    cells = raw.cells
    unknown = [i for i, code in enumerate(codes) if code is None]
    if unknown:
        here = np.isin(cells["place"].cat.codes, unknown)
        for file, block in cells[here].groupby("file", observed=True):
            rows = block.groupby("place", observed=True, sort=False)["row"].agg(["min", "size"]).sort_values("min")
            ended = [place for place in rows.index if str(place) in ENDED_2009]
            for place in ended:
                message = f"{ENDED_2009[str(place)]} was split in April 2009; its {rows['size'][place]} cells are left out"
                problems.append(Problem(path=_where(paths, str(file)), row=int(rows["min"][place]), value=str(place), message=message))
            rows = rows.drop(ended)
            if len(rows):
                more = f", nor {len(rows) - 1} other places ({', '.join(map(str, rows.index[1:6]))}{' …' if len(rows) > 6 else ''})" if len(rows) > 1 else ""
                message = f"no lookup in this folder knows this place{more}; {rows['size'].sum()} cells are left out. Mend the code, or add the lookup"
                problems.append(Problem(path=_where(paths, str(file)), row=int(rows["min"].iloc[0]), value=str(rows.index[0]), message=message))
        cells = cells[~here]
    names = sorted({code for code in codes if code is not None})
    at = np.array([names.index(code) if code is not None else -1 for code in codes], dtype=np.int64)
    cells = cells.assign(place=pd.Categorical.from_codes(at[cells["place"].cat.codes.to_numpy()], categories=pd.Index(names)))
    cells, beyond = _beyond(paths, cells)
    cells, doubles = _single(paths, cells)
    cells, short = _complete(paths, cells, raw.files, places)
    return Folder(
        paths=paths, cells=cells.reset_index(drop=True), places=places, files=raw.files, rounding=raw.rounding, problems=(*problems, *beyond, *doubles, *short)
    )


def _beyond(paths: Sequence[Path], cells: pd.DataFrame) -> tuple[pd.DataFrame, list[Problem]]:
    """Numbers that a later release in another folder gives so differently that it is no revision: told, and neither stands."""
    if len(paths) == 1:
        return cells, []
    labels = cells["file"].cat.categories.to_series().str.partition("/")[0].astype("category").cat.codes.to_numpy(np.int64)
    folder = labels[cells["file"].cat.codes.to_numpy()]
    keys = [cells[name].cat.codes.to_numpy(np.int64) for name in ("quantity", "place", "part")] + [cells["year"].to_numpy()]
    group, _ = groups(*keys)
    order = np.lexsort((cells["released"].to_numpy(), group))
    before, after = order[:-1], order[1:]
    value, released = cells["value"].to_numpy(float).copy(), cells["released"].to_numpy()
    old, new = value[before], value[after]
    asked = (group[before] == group[after]) & (folder[before] != folder[after]) & (released[before] != released[after]) & (cells["year"].to_numpy()[after] > 0)
    low, high = np.fmin(old, new), np.fmax(old, new)
    at = np.flatnonzero(asked & (high - low > REVISED_MOST) & (high > REVISED_TIMES * np.fmax(low, 0)))
    if not len(at):
        return cells, []
    problems = []
    for i in at[np.argsort(after[at], kind="stable")][:SHOWN]:
        one, other = cells.iloc[int(after[i])], cells.iloc[int(before[i])]
        what = f"{one['quantity']} of {one['place']}, {one['year']}: {other['value']:,.10g} in {other['file']}, row {other['row']}"
        message = f"{what}; so great a difference is no revision, and neither stands. Which folder is right?"
        problems.append(
            Problem(
                path=_where(paths, str(one["file"])),
                row=int(one["row"]),
                column=str(one["column"]),
                value=f"{one['value']:,.10g}",
                message=message,
                quantity=str(one["quantity"]),
            )
        )
    if len(at) > SHOWN:
        files = sorted(set(cells["file"].iloc[after[at]].astype(str)))
        problems.append(
            Problem(path=_where(paths, files[0]), message=f"{len(at) - SHOWN:,} more numbers differ so from another folder's, in {', '.join(files[:4])}")
        )
    mark = cells["mark"].astype(str).to_numpy(dtype=object)
    wrong = np.concatenate([before[at], after[at]])
    value[wrong], mark[wrong] = np.nan, CONTRADICTED
    return cells.assign(value=value, mark=pd.Categorical(mark)), problems


def _single(paths: Sequence[Path], cells: pd.DataFrame) -> tuple[pd.DataFrame, list[Problem]]:
    """Each number once: an equal double is dropped, one that differs makes the number missing."""
    keys = [cells[name].cat.codes.to_numpy(np.int64) for name in ("quantity", "place", "part")] + [cells["year"].to_numpy(), cells["released"].to_numpy()]
    group, first = groups(*keys)
    later = np.flatnonzero(first[group] != np.arange(len(cells)))
    if not len(later):
        return cells, []
    origin = first[group[later]]
    value, mark = cells["value"].to_numpy(float).copy(), cells["mark"].astype(str).to_numpy(dtype=object)
    same = (value[later] == value[origin]) | (np.isnan(value[later]) & np.isnan(value[origin]))
    problems, told = list[Problem](), Counter[str]()
    duplicates = cells.iloc[later].assign(origin=origin, same=same)
    for key, block in duplicates.groupby(["file", "place", "row"], observed=True, sort=False):
        where, place, row = str(key[0]), str(key[1]), int(str(key[2]))
        other = cells.iloc[int(block["origin"].iloc[0])]
        if str(other["file"]) != where and bool(block["same"].all()):
            continue  # two files that print the same table
        differs = block[~block["same"]]
        when = f" for {int(block['year'].iloc[0])}" if block["year"].iloc[0] else f" ({block['part'].iloc[0]})"
        what = f"{place} stands twice{when}, first in {other['file']}, row {int(other['row'])}"
        end = "the numbers are the same; the second is not used"
        if len(differs):
            some = ", ".join(map(str, differs["quantity"].unique()[:4]))
            end = f"{len(differs)} of {len(block)} numbers differ and are left empty ({some}); keep one"
        told[where] += 1
        if told[where] <= SHOWN:
            problems.append(Problem(path=_where(paths, where), row=row, message=f"{what}: {end}"))
    problems += [Problem(path=_where(paths, file), message=f"{n - SHOWN:,} more rows stand twice so") for file, n in told.items() if n > SHOWN]
    wrong = origin[~same]
    value[wrong], mark[wrong] = np.nan, "stands twice"
    cells = cells.assign(value=value, mark=pd.Categorical(mark))
    return cells[np.isin(np.arange(len(cells)), later, invert=True)], problems


def _complete(paths: Sequence[Path], cells: pd.DataFrame, files: Sequence[File], places: Places) -> tuple[pd.DataFrame, list[Problem]]:
    """Without the years of a file in which it names too few of the authorities: it was cut short there."""
    whole = {one.key for one in publications() if one.whole}
    asked = [file.name for file in files if file.publication in whole]
    units = {UNIT.get(str(code), str(code)) for code in places.table.index} - set(TOO_SMALL)  # these two are left out of some publications
    names = pd.Index([UNIT.get(str(code), str(code)) for code in cells["place"].cat.categories])
    here = np.isin(cells["file"].cat.codes, np.flatnonzero(cells["file"].cat.categories.isin(asked))) & (cells["place"] != ENGLAND).to_numpy()
    keys = [cells["file"].cat.codes.to_numpy(np.int64), cells["year"].to_numpy(), cells["place"].cat.codes.to_numpy(np.int64)]
    _, first = groups(*(key[here] for key in keys))
    file, year, place = (key[here][first] for key in keys)
    counts = pd.DataFrame({"file": cells["file"].cat.categories[file], "year": year, "unit": names[place]}).groupby(["file", "year"])["unit"]
    problems: list[Problem] = []
    drop = np.zeros(len(cells), dtype=bool)
    spans = {one.key: one.spans for one in publications()}
    years: dict[str, set[int]] = defaultdict(set)
    for name, when in zip(cells["file"].cat.categories[file], year, strict=True):
        years[str(name)].add(int(when))
    for one_ in files:
        span = spans[one_.publication](one_.edition) if one_.publication in whole else None
        if span and (one_.first > span[0] or one_.last < span[1]):
            message = f"holds {one_.first} to {one_.last}, and was published with {span[0]} to {span[1]}; the other years stay empty. Fetch the file again"
            problems.append(Problem(path=_where(paths, one_.name), message=message))
        there = years.get(one_.name, set())
        if span and (gaps := [str(year) for year in range(max(min(there, default=0), span[0]), max(there, default=0)) if year not in there]):
            message = f"holds nothing for {', '.join(gaps)}, which was published with it; those years stay empty. Fetch the file again"
            problems.append(Problem(path=_where(paths, one_.name), message=message))
    for key, found in counts:
        name, when = str(key[0]), int(str(key[1]))
        missing = sorted(units - set(found))
        if missing and when < FIRST:
            continue  # before the reorganisation of April 2009 other authorities stood
        if missing and len(missing) <= (1 - WHOLE) * len(units):
            places_text = ", ".join(f"{places.table['name'].get(code, code)} ({code})" for code in missing)
            problems.append(Problem(path=_where(paths, name), message=f"{places_text}: not in the file for {when}, and so empty there"))
        elif missing:
            lacks = missing[0]
            one = f"{places.table['name'].get(lacks, lacks)} ({lacks})"
            count = f"{len(units & set(found))} of {len(units)} authorities were found for {when}"
            message = f"{count}, the first that lacks is {one}; {when} is left out. Fetch the file again"
            problems.append(Problem(path=_where(paths, name), message=message))
            drop |= ((cells["file"] == name) & (cells["year"] == when)).to_numpy()
    return cells[~drop], problems


# ---------------------------------------------------------------- the cache
#
# One entry (`causal.kept`) for each folder, contents and version of the readers: a NumPy archive, which says itself what it was made of. What was made of
# something else is read past and written anew.


def _entry(store: Path, made_of: Mapping[str, Any]) -> Path:
    """Where an entry stands: versions keep to names of their own, and nothing else in the folder is touched."""
    key = hashlib.sha256(json.dumps(made_of, sort_keys=True).encode()).hexdigest()
    return store / f"england-{str(made_of['code'])[:16]}-{key[:32]}.npz"


def _save(store: Path, made_of: Mapping[str, Any], raw: _Raw) -> None:
    """Write one entry, whole or not at all; a cache that cannot be written is no reason to stop."""
    plain = {
        "made_of": made_of,
        "files": [[f.name, f.publication, f.edition.year, f.edition.part, list(f.gives), f.numbers, f.first, f.last] for f in raw.files],
        "problems": [[str(p.path), p.message, p.row, p.column, p.value, p.quantity] for p in raw.problems],
        "authorities": raw.authorities.astype(object).to_numpy().tolist(),
        "links": raw.links,
        "rounding": raw.rounding,
        "categories": {name: raw.cells[name].cat.categories.astype(str).tolist() for name in TEXTS},
    }
    arrays = {f"cells.{name}": raw.cells[name].cat.codes.to_numpy(np.int32) for name in TEXTS}
    arrays |= {f"cells.{name}": raw.cells[name].to_numpy() for name in NUMBERS}
    buffer = io.BytesIO()
    np.savez(buffer, plain=np.frombuffer(json.dumps(plain).encode(), dtype=np.uint8), **arrays)  # type: ignore[arg-type]
    entry = _entry(store, made_of)
    version = entry.name.rpartition("-")[0]  # of this version's entries the newest stay; other versions' are theirs
    keep(entry, buffer.getvalue(), of_a_kind=f"{version}-*.npz", most=KEPT)


def _load(store: Path, made_of: Mapping[str, Any]) -> _Raw | None:
    """An entry, or None if there is none that is whole, one's own and made of just these files by just this code."""
    content = content_of(_entry(store, made_of))
    if content is None:
        return None
    try:
        with np.load(io.BytesIO(content), allow_pickle=False) as found:
            plain = json.loads(found["plain"].tobytes())
            if plain["made_of"] != made_of:
                return None
            cells = {name: pd.Categorical.from_codes(found[f"cells.{name}"], categories=pd.Index(plain["categories"][name], dtype=object)) for name in TEXTS}
            cells |= {name: found[f"cells.{name}"] for name in NUMBERS}
        return _Raw(
            cells=pd.DataFrame(cells),
            authorities=pd.DataFrame(plain["authorities"], columns=list(AUTHORITY)),
            links=plain["links"],
            files=tuple(
                File(name=n, publication=p, edition=Edition(year=y, part=part), gives=tuple(g), numbers=k, first=a, last=b)
                for n, p, y, part, g, k, a, b in plain["files"]
            ),
            rounding=plain["rounding"],
            problems=tuple(Problem(path=Path(p), message=m, row=r, column=c, value=v, quantity=q) for p, m, r, c, v, q in plain["problems"]),
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError, IndexError, EOFError, NotImplementedError, zipfile.BadZipFile, zlib.error):
        return None  # signed anew by somebody who does not know the layout
