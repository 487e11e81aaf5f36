"""England's local authorities as the published files tell them: one panel of stable places, every column with a unit, a source and its cells.

The files stay as they were published, in a folder that the user names. `publications/` has one small reader for each; `folder` recognises and reads the
files, `numbers` joins what they say, `variables` and `making` say what is made of it. What is decided here, once and in the open:

- **A place is a place in all years** (`places=stable`). Dorset, Bournemouth and Poole are one, and so are the two halves of Northamptonshire: counts add, rates
  are recomputed, indices are averaged by children. With `places=published` every authority stands for the years in which it existed.
- City of London and the Isles of Scilly are left out as too small to analyse (`leave_out`): 148 places.
- **A year is the year ending 31 March.**
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from causal.derive import check_derived, derive
from causal.errors import ConfigError, DataError, NotMeasured, refusal, suggest
from causal.panel import Loss, Panel, Variable
from causal.sources.borders import read_borders, read_groups
from causal.sources.england import folder as files
from causal.sources.england.behind import bare, behind, reasons
from causal.sources.england.book import Book
from causal.sources.england.extract import ENGLAND, Problem
from causal.sources.england.making import CENSUS_2011, CENSUS_2021, CENTRE_LINES, CHILDREN, RECORDED, SERIES, Choices, Making
from causal.sources.england.numbers import Numbers
from causal.sources.england.places import REORGANISATIONS, TOO_SMALL, UNIT
from causal.sources.england.publication import Publication, publications
from causal.sources.england.publications import lait
from causal.sources.england.releases import released, revised
from causal.sources.england.variables import BY_NAME, VARIABLES, Made
from causal.sources.england.witnesses import EMPTY as CONTRADICTED
from causal.sources.machinery import narrow
from causal.sources.machinery.naming import with_names

FIRST, USUAL, FURTHEST = 2010, 2019, 2100  # plans begin in 2010; Table A1 of section 251 ends in 2019
PLACES = ("stable", "published")
SPENT = "early_years_gross"  # spending reaches as far as this is printed
STANDING = (
    "years end on 31 March; rates are counts over one population series, so they differ a little from those printed at the time",
    "counts from 1 to 5 are withheld and missing; 2010 was the first census and is weak (some authorities print no enquiries at all)",
    "spending power changes are rounded to 1 percentage point in the source: after eight years the chained index is good to about 1.5 points",
)
DATES = "Ask councils when each centre opened and closed (no public list says so): closures have no bookkeeping jumps"
MERGED = "Dorset, Bournemouth and Poole are one place in all years, and so is Northamptonshire; averages of parts are weighted by children aged 0 to 17"
PUBLISHED = (
    "authorities are as published: Dorset, Bournemouth and Poole end in 2019 and Northamptonshire in 2021, their successors begin the year after; "
    "children of Dorset, Bournemouth and Poole are not printed before mid-2012, so their rates and spending per child begin in 2013"
)


@dataclass(frozen=True, kw_only=True)
class England:
    """The folder of published files, and the few decisions that turn it into a panel (`making` says why each).

    Parameters
    ----------
    path : folder with the published files, in any arrangement of subfolders; or several, of which the later release of a number stands.
    first_year, last_year : years ending 31 March to load; None: 2010, and the last that spending on children's services is printed for (2019 in Table A1).
    places : "stable" merges what was reorganised since 2009, "published" keeps authorities as they were each year.
    leave_out : DfE codes of authorities too small to analyse.
    centre_lines : which Sure Start lines of section 251 count as centre spending.
    base_guard : £ per child, 2017-18 prices; at or below it in 2010-11 an authority has no base.
    ceiling : a share above it in any year means that the base year was misrecorded.
    log_guard : £ per child, 2017-18 prices; at or below it the log is missing.
    snapshot_offset : 0 puts August Y to the year ended 31 March Y, 1 to the year ending 31 March Y+1.
    centres_base : centres open at 31 March of this year are followed for `closures`.
    population_series : children that rates are made with, "census_2021" or "census_2011" (`making` says what each is); None: the newer where it is there.
    lait : indicators of DfE's Local authority interactive tool to add, by their names there; each becomes `lait_…`.
    keep_regions : regions to keep, by name; none: all.
    break_at : from this year on each place counts as another, with effects of its own (2020: covid); None: no break.
    region_columns : a column for each region, 1 for its places and 0 for others, to condition on where places are compared with one another.
    cross_section : keep the rows of this year only, once everything derived from other years is made; None: all years.
    borders : CSV file of pairs of authorities that share a border, by any code of theirs (`causal.sources.borders`); None: none.
    groups : CSV file of two columns, a code and the group of your own that it belongs to; None: none.
    derived : name → {verb: column, …}: lags, logs, shares and changes to add (`causal.derive`).
    """

    path: str | Sequence[str]
    first_year: int | None = None
    last_year: int | None = None
    places: str = "stable"
    leave_out: tuple[str, ...] = tuple(TOO_SMALL)
    centre_lines: tuple[str, ...] = CENTRE_LINES
    base_guard: float = 20.0
    ceiling: float = 2.0
    log_guard: float = 5.0
    snapshot_offset: int = 0
    centres_base: int = 2010
    population_series: str | None = None
    lait: str | Sequence[str] | None = ()
    keep_regions: str | Sequence[str] | None = ()
    break_at: int | None = None
    region_columns: bool = False
    cross_section: int | None = None
    borders: str | None = None
    groups: str | None = None
    derived: Mapping[str, Mapping[str, Any]] | None = field(default_factory=dict)

    def __post_init__(self) -> None:
        several = not isinstance(self.path, (str, os.PathLike))
        paths = tuple(map(str, self.path)) if several else (str(self.path),)
        if not paths or not all(paths):
            raise refusal(ConfigError, "source.path", "a folder, or a list of folders", repr(self.path), "write  source.path=FOLDER")
        object.__setattr__(self, "path", paths if len(paths) > 1 else paths[0])
        object.__setattr__(self, "lait", (self.lait,) if isinstance(self.lait, str) else tuple(map(str, self.lait or ())))
        for key in ("borders", "groups"):
            value = getattr(self, key)
            object.__setattr__(self, key, None if value is None else str(value))
        object.__setattr__(self, "centre_lines", tuple(self.centre_lines))
        object.__setattr__(self, "leave_out", tuple(map(str, self.leave_out or ())))
        for key in ("first_year", "last_year"):
            value = getattr(self, key)
            if value is not None and (isinstance(value, bool) or not isinstance(value, int) or not FIRST <= value < FURTHEST):
                raise refusal(
                    ConfigError, f"source.{key}", f"a year from {FIRST} on, as far as the files go (or null)", repr(value), f"write  source.{key}=2018"
                )
        object.__setattr__(self, "keep_regions", narrow.checked(self.keep_regions, self.first_year, self.last_year, self.break_at))
        if not isinstance(self.region_columns, bool):
            raise refusal(ConfigError, "source.region_columns", "true or false", repr(self.region_columns), "write  source.region_columns=true")
        if self.cross_section is not None and (isinstance(self.cross_section, bool) or not isinstance(self.cross_section, int)):
            raise refusal(ConfigError, "source.cross_section", "a year such as 2025 (or null)", repr(self.cross_section), "write  source.cross_section=2025")
        if self.cross_section is not None and self.break_at is not None:
            raise refusal(
                ConfigError,
                "source",
                "break_at or cross_section",
                "both, of which one parts years from one another and the other keeps one year",
                "give one of the two",
            )
        if self.population_series not in (None, *SERIES):
            given = str(self.population_series)
            raise refusal(ConfigError, "source.population_series", f"one of {', '.join(SERIES)} (or null)", repr(given), f"{suggest(given, SERIES)}")
        if self.places not in PLACES:
            raise refusal(ConfigError, "source.places", "'stable' or 'published'", repr(self.places), f"{suggest(str(self.places), PLACES)}")
        if odd := [code for code in self.leave_out if not (len(code) == 3 and code.isdigit())]:
            raise refusal(ConfigError, "source.leave_out", "3-digit DfE codes in quotes, like ['201', '420']", repr(odd[0]), "write them so")
        unknown = [line for line in self.centre_lines if line not in CENTRE_LINES]
        if unknown or not self.centre_lines or len(set(self.centre_lines)) < len(self.centre_lines):
            raise refusal(ConfigError, "source.centre_lines", f"some of {list(CENTRE_LINES)}, each once", f"{list(self.centre_lines)}", "name each line once")
        for key, least in (("base_guard", 0.0), ("ceiling", 1.0), ("log_guard", 0.0)):
            value = getattr(self, key)
            if isinstance(value, bool) or not isinstance(value, (int, float)) or not least <= value < float("inf"):
                raise refusal(ConfigError, f"source.{key}", f"a number of at least {least:g}", repr(value), "write it in figures")
        if self.snapshot_offset not in (0, 1) or isinstance(self.snapshot_offset, bool):
            raise refusal(
                ConfigError,
                "source.snapshot_offset",
                "0 or 1 (years from a snapshot's calendar year)",
                repr(self.snapshot_offset),
                "write  source.snapshot_offset=0",
            )
        if isinstance(self.centres_base, bool) or not isinstance(self.centres_base, int) or not 2003 <= self.centres_base < FURTHEST:
            raise refusal(ConfigError, "source.centres_base", "a year from 2003 on", repr(self.centres_base), "write  source.centres_base=2010")
        object.__setattr__(self, "derived", check_derived(self.derived or {}))

    @cached_property
    def years(self) -> tuple[int, ...]:
        """Years of the panel, ending 31 March.

        Raises
        ------
        DataError : `last_year` lies beyond the files, or `first_year` beyond their last.
        """
        whole = {one.key for one in publications() if one.whole}
        newest = max((file.last for file in self._folder.files if file.publication in whole), default=USUAL)
        if max(self.first_year or 0, self.last_year or 0) > max(newest, USUAL):
            raise refusal(
                DataError,
                f"source.{'last' if self.last_year else 'first'}_year",
                f"a year of the files in {self._named}, which end in {newest}",
                f"{self.last_year or self.first_year}",
                "write one that they have",
            )
        spent = [file.last for file in self._folder.files if SPENT in file.gives]
        return tuple(range(self.first_year or FIRST, (self.last_year or max([USUAL, *spent])) + 1))

    @cached_property
    def _paths(self) -> tuple[Path, ...]:
        return tuple(Path(one).expanduser() for one in ((self.path,) if isinstance(self.path, str) else self.path))

    @property
    def series(self) -> str:
        """The series of children that rates are made with."""
        return self._series

    @property
    def _named(self) -> str:
        return " and ".join(map(str, self._paths))

    def load(self) -> Panel:
        """Read the folder, or take it from the cache.

        Returns
        -------
        panel : (148 authorities × years); a variable whose publication is not in the folder is not a column, and a note that names it says why.

        Raises
        ------
        DataError : no such folder, or nothing in it of which a variable can be made.
        """
        making = self._made
        if not making.made or not len(self._folder.places.table):
            why = "; ".join(list(dict.fromkeys(self._absent.values()))[:2])
            raise refusal(DataError, self._named, "files of which a variable can be made", f"none; {why}{self._told()}", "see what is wanted:  causal fetch")
        table = self._folder.places.table
        codes = [code for code in table.index if code not in self.leave_out and code != ENGLAND]
        every = pd.MultiIndex.from_product([codes, self.years], names=["authority", "year"])
        every = every[[self._folder.places.valid(code, year) for code, year in every]]
        frame = pd.DataFrame({name: values.reindex(every).astype(float) for name, values in making.made.items()}, index=every)
        problems = (*self._folder.problems, *self._wrong)
        used = {quantity: one.name for one in reversed(VARIABLES) if one.name in making.made for quantity in (*one.needs, *one.helps)}
        log = [
            *self._left_out(table),
            *making.log,
            *(Loss(step=self._short(one), rows=1 if one.row else 0, column=used.get(one.quantity, "")) for one in problems),
        ]
        places = table.loc[frame.index.unique("authority")]
        borders, said = self._tied(places)
        if self.groups is not None:
            places = places.assign(group=pd.Series(read_groups(self.groups, self._codes(places)), dtype=object).reindex(places.index).fillna(""))
        recorded = next((note for note in making.notes if note.startswith(RECORDED)), "")
        asked, extra = self._asked(every)
        if self.region_columns:
            here, described = _regions(table["region"], every)
            asked, extra = pd.concat([asked, here], axis=1), (*extra, *described)
        panel = Panel(
            frame=pd.concat([frame, asked], axis=1),
            variables=(*(self._variable(BY_NAME[name], recorded) for name in making.made), *extra),
            places=places,
            title="local authorities in England, published statistics",
            population="children" if "children" in making.made else None,
            log=tuple(log),
            notes=(
                *STANDING,
                MERGED if self.places == "stable" else PUBLISHED,
                *released(self._folder, {need for one in VARIABLES if one.name in making.made for need in one.needs}),
                *making.notes,
                *bare(frame),
                *self._contradicted(),
                *self._unread(),
                *self._lacking(),
                *said,
            ),
            reasons=reasons(frame, making),
            borders=borders,
        )
        one = self.cross_section
        if one is not None and one not in self.years:
            raise refusal(NotMeasured, "source.cross_section", f"a year of the panel, {self.years[0]} to {self.years[-1]}", f"{one}", "write one of them")
        return narrow.narrow(derive(panel, self.derived), keep_regions=self.keep_regions, first_year=one, last_year=one, break_at=self.break_at)

    def _codes(self, places: pd.DataFrame) -> dict[str, str]:
        """Every code of the panel's places, of their parts too where those are merged → the place."""
        found = {str(code): str(code) for code in places.index}
        found |= {printed: code for code in list(found) for printed in self._printed(code)}
        return found | {gss: found[code] for gss, code in self._folder.places.gss.items() if code in found}

    def _tied(self, places: pd.DataFrame) -> tuple[tuple[tuple[str, str], ...] | None, tuple[str, ...]]:
        """Who borders whom, and what is to be said of the table; islands by their names."""
        return (
            (None, ())
            if self.borders is None
            else read_borders(self.borders, self._codes(places), names={str(code): str(name) for code, name in places["name"].items()})
        )

    def missing(self, name: str) -> str | None:
        """Why a variable is not in this folder, and where it is to be had; None if it is there, or unknown."""
        return self._absent.get(name)

    def cells(self) -> pd.DataFrame:
        """Every number printed in the folder, one row each.

        Returns
        -------
        cells : columns `place` (DfE code; E92000001 is England), `year`, `quantity`, `part`, `value`, `mark`, `file`, `sheet`, `row`, `column`, `released`.
        """
        return self._folder.cells

    def trace(self, name: str, authority: str, year: int) -> pd.DataFrame:
        """The printed cells behind one number of the panel, columns as in `cells`.

        Parameters
        ----------
        name : of a variable made of published files.
        authority : code or name.
        year : ended 31 March.

        Raises
        ------
        ConfigError : no such variable, authority or year.
        """
        if name not in BY_NAME:
            raise refusal(ConfigError, "--cell", "a variable that is made of published files", repr(name), suggest(name, BY_NAME))
        code = self._code(authority)
        last = int(self._folder.cells["year"].max())
        if year not in range(FIRST, last + 1):
            raise refusal(ConfigError, "--cell", f"a year from {FIRST} to {last}", f"{year}", "write one of them")
        one = BY_NAME[name]
        cells = self._folder.cells
        here = np.zeros(len(cells), dtype=bool)
        for quantity, years in behind(one, year, self._series).items():
            here |= (cells["quantity"] == quantity).to_numpy() & cells["year"].isin({0, *years}).to_numpy()
        here &= cells["place"].isin({ENGLAND, *self._printed(code)}).to_numpy()
        here &= ((cells["place"] != ENGLAND) | (cells["quantity"] == "gdp_deflator")).to_numpy()
        found = cells[here].sort_values(["quantity", "year", "place", "released"], kind="stable").reset_index(drop=True)
        latest = found.groupby(["quantity", "place", "year"], observed=True)["released"].transform("max")
        return found.assign(used=found["released"] == latest)

    def _printed(self, code: str) -> set[str]:
        """The codes under which a place of the panel is printed: its parts too, where places are merged."""
        return {code} | ({each for each, unit in UNIT.items() if unit == code} if self.places == "stable" else set())

    def value(self, name: str, authority: str, year: int) -> tuple[str, str]:
        """One number of the panel, as printed for a person, and its unit; what is missing says so.

        Parameters
        ----------
        name : of a variable made of published files.
        authority : code or name.
        year : ended 31 March.
        """
        one, values = BY_NAME[name], self._made.made.get(name)
        if values is None:
            return self._absent[name], ""
        found = values.get((self._code(authority), year), float("nan"))
        return ("missing" if pd.isna(found) else f"{found:,.6g}"), one.unit_of(self._choices)

    def _code(self, authority: str) -> str:
        """DfE code of an authority given by code or name."""
        table = self._folder.places.table
        code = self._folder.places.code(authority)
        code = UNIT.get(code or "", code) if self.places == "stable" else code
        if code is None or code not in table.index:
            raise refusal(ConfigError, "--cell", "an authority that there is", repr(authority), suggest(authority, list(table["name"])))
        return code

    def making(self) -> Making:
        """Every variable made, with the numbers under them; `facts` asks for these."""
        return self._made

    def wants(self, quantity: str, year: int | None = None) -> str:
        """Which publication would give a printed quantity, and where it is found.

        Parameters
        ----------
        quantity : as printed.
        year : ended 31 March; None where any would do.
        """
        return _wanted(quantity) + (f", for {year}" if year else "")

    def revisions(self) -> list[str]:
        """First release against the latest, where the folder holds both: the change in England's total of the authorities that print both, as sentences."""
        said = [self._revision(quantity) for quantity, (change, _) in self._revised.items() if change.abs().max() >= SLIGHT]
        unchanged = [quantity for quantity, (change, _) in self._revised.items() if not change.abs().max() >= SLIGHT]
        return [*said, *([f"not revised by {SLIGHT:g} % or more in any year: {', '.join(unchanged)}"] if unchanged else [])]

    def _much_revised(self, quantity: str) -> bool:
        """Whether England's total was revised by half a percent or more in any year, which a reader of the panel should know."""
        return quantity in self._revised and bool(self._revised[quantity][0].abs().max() >= 0.5)

    def _revision(self, quantity: str) -> str:
        change, most = self._revised[quantity]
        said = ", ".join(f"{year} {value:+.1f} %" for year, value in change.items()).replace("-", "−")
        return f"{quantity}, latest release against the first: {said}; a single authority by up to {most:.0f} %"

    def check(self) -> list[str]:
        """File by file: what each is recognised as and gives; what is missing, and where it is found; and everything that is wrong."""
        try:
            found = self._folder
        except DataError as error:
            return [f"problem: {error}"]
        titles = {one.key: one for one in publications()}
        later = {(file.publication, file.edition.part) for file in found.files if file.publication and file.edition.year}
        lines = []
        for file in found.files:
            if not file.publication:
                lines.append(f"{file.name}: not recognised, left alone")
                continue
            years = f", {file.first}" + (f" to {file.last}" if file.last != file.first else "") if file.first else ""
            edition = f" ({file.edition.part or file.edition})" if titles[file.publication].named and file.edition.part else f" ({file.edition})"
            edition = edition if str(file.edition) else ""
            what = f"{file.numbers:,} numbers{years}: {', '.join(file.gives[:6])}{' …' if len(file.gives) > 6 else ''}" if file.numbers else "names and codes"
            lines.append(f"{file.name}: {titles[file.publication].called(file.edition)}{edition}; {what}")
        there = {(file.publication, file.edition) for file in found.files}
        for one in publications():
            unread = [edition for edition in one.editions if (one.key, edition) not in there and (edition.year or (one.key, edition.part) not in later)]
            if not unread:
                continue
            parts = ", ".join(filter(None, map(str, unread)))
            lost = [made.name for made in VARIABLES if made.name in self._absent and set(made.needs) & set(one.gives)]
            then = f"; without it no {', '.join(lost)}" if lost else ""
            lines.append(f"missing: {one.title}{f', {parts}' if parts else ''}, from {one.page}{then}")
        lines += [f"revised: {sentence}" for sentence in self.revisions()]
        try:
            panel = self.load()
            lines += [f"problem: {one}" for one in (*found.problems, *self._wrong)]
            lines.append(f"reads as {len(panel.authorities)} authorities, {panel.years[0]} to {panel.years[-1]}, {len(panel.names)} variables")
        except DataError as error:
            lines += [f"problem: {one}" for one in found.problems]
            lines.append(f"problem: {error}")
        return lines

    @cached_property
    def _choices(self) -> Choices:
        return Choices(
            years=self.years,
            centre_lines=self.centre_lines,
            base_guard=self.base_guard,
            ceiling=self.ceiling,
            log_guard=self.log_guard,
            snapshot_offset=self.snapshot_offset,
            centres_base=self.centres_base,
            population_series=self._series,
        )

    @cached_property
    def _series(self) -> str:
        """The series of children: as asked, or the newer where it is there."""
        return self.population_series or (CENSUS_2021 if self._numbers.has(CHILDREN[CENSUS_2021]) else CENSUS_2011)

    @cached_property
    def _folder(self) -> files.Folder:
        return files.read(self._paths, merged=self.places == "stable")

    @cached_property
    def _numbers(self) -> Numbers:
        return Numbers(cells=self._folder.cells, places=self._folder.places)

    @cached_property
    def _made(self) -> Making:
        """Every variable that can be made."""
        making = Making(numbers=self._numbers, choices=self._choices, names=self._folder.places.table["name"])
        for one in VARIABLES:
            if one.name not in self._absent:
                making.made[one.name] = one.make(making)
        return making

    @cached_property
    def _revised(self) -> dict[str, tuple[pd.Series, float]]:
        return revised(self._folder)

    @cached_property
    def _absent(self) -> dict[str, str]:
        """Variable → the sentence that says why it cannot be had from these files."""
        out = {}
        people = (CHILDREN[self._series],)
        for one in VARIABLES:
            under, own = people if one.per_children else (), people if one.name == "children" else one.needs
            unread = [_wanted(quantity) for quantity in (*own, *under) if not self._numbers.has(quantity)]
            for quantity in one.needs:
                years = set(self._numbers.take(quantity).index.get_level_values("year")) if self._numbers.has(quantity) else set()
                unread += [f"{_wanted(quantity)}, for {year}" for year in one.anchors if years and 0 not in years and year not in years and _anchored(quantity)]
            if unread:
                out[one.name] = f"{one.name}: not in this folder; needs {'; and '.join(dict.fromkeys(unread))}"
        return out

    def _asked(self, index: pd.MultiIndex) -> tuple[pd.DataFrame, tuple[Variable, ...]]:
        """The indicators of LAIT that `lait` names, one column each.

        A place made of several authorities has none: what the indicator is, and so how it would be put together, only its reader knows.

        Raises
        ------
        DataError : no LAIT in the folder.
        ConfigError : it has no such indicator.
        """
        if not self.lait:
            return pd.DataFrame(index=index), ()
        file = next((file for file in reversed(self._folder.files) if file.publication == lait.PUBLICATION.key), None)
        if file is None:
            raise refusal(
                DataError, "source.lait", f"{lait.PUBLICATION.title} (bds_long_0.parquet) in {self._named}", "none", f"get it from {lait.PUBLICATION.page}"
            )
        extract, labels = lait.indicators(Book(path=self._folder.where(file.name)), self.lait)
        columns, described = dict[str, pd.Series](), list[Variable]()
        several = {code for one in REORGANISATIONS for side in (one.before, one.after) if len(side) > 1 for code in side}
        parts = several if self.places == "stable" else set[str]()
        alone = {code: one.unit for one in REORGANISATIONS for side in (one.before, one.after) if len(side) == 1 for code in side}
        for name in self.lait:
            column = f"lait_{re.sub(r'[^a-z0-9]+', '_', name.lower()).strip('_')}"
            if column in columns:
                raise refusal(
                    ConfigError,
                    "source.lait",
                    "indicators with columns of their own",
                    f"{name!r}, which would be a second column {column!r}",
                    "ask for one of the two",
                )
            cells = extract.cells[(extract.cells["quantity"] == f"lait:{name}") & extract.cells["value"].notna()]
            codes = cells["place"].astype(str)
            codes = codes.map(lambda code: alone.get(code, code)) if self.places == "stable" else codes
            values = pd.Series(cells["value"].to_numpy(), index=pd.MultiIndex.from_arrays([codes, cells["year"]]))
            parts = (
                {code for one in REORGANISATIONS for side in (one.before, one.after) if len(side) > 1 for code in side} if self.places == "stable" else set()
            )
            kept = values[~cells["place"].astype(str).isin(parts).to_numpy()]
            columns[column] = kept.groupby(level=[0, 1]).last().reindex(index).astype(float)
            described.append(
                Variable(
                    name=column,
                    label=labels[name][:1].lower() + labels[name][1:],
                    unit="as printed in LAIT",
                    source=lait.PUBLICATION.called(file.edition),
                    definition=f"indicator {name!r}, years as printed; a mean of several years is put to the last of them",
                )
            )
        return pd.DataFrame(columns, index=index), tuple(described)

    def _told(self) -> str:
        """The first things that are wrong with the files, for an error that may come of them."""
        some = "; ".join(str(one) for one in self._folder.problems[:3])
        return f". Wrong with its files: {some}" if some else ""

    def _left_out(self, table: pd.DataFrame) -> list[Loss]:
        codes = tuple(code for code in self.leave_out if code in table.index)
        if not codes:
            return []
        named = [str(table["name"][code]) for code in codes]
        why = "too few children to analyse" if set(codes) <= set(TOO_SMALL) else "as asked by source.leave_out"
        return [Loss(step=f"{' and '.join(named)} left out: {why}", rows=len(codes) * len(self.years), authorities=codes)]

    @cached_property
    def _wrong(self) -> tuple[Problem, ...]:
        """Numbers that cannot be right, with the cell that they stand in."""
        making, out = self._made, {}
        for quantity, code, year, why in dict.fromkeys(making.wrong):
            here = self._numbers.raw(quantity)
            at = here[here["place"].isin(self._printed(code)) & (here["year"] == year)].sort_values("released").iloc[-1]
            out[quantity, code, year] = Problem(
                path=self._folder.where(str(at["file"])),
                row=int(at["row"]),
                column=str(at["column"]),
                value=f"{at['value']:.15g}",
                message=f"{quantity} of {making.names.get(code, code)} ({code}), {year}: {why}; it is left empty",
                quantity=quantity,
            )
        return tuple(out.values())

    def _contradicted(self) -> list[str]:
        """Numbers that their own file, or another, contradicts, in one sentence."""
        cells = self._folder.cells
        lost = cells[cells["mark"] == CONTRADICTED]
        first = [f"{one.quantity} of {one.place}, {one.year} ({one.file}, row {one.row}, {one.column})" for one in lost.head(10).itertuples()]
        more = f" and {len(lost) - 10:,} more" if len(lost) > 10 else ""
        return [f"contradicted by what stands beside them, and left empty: {'; '.join(first)}{more}"] if len(lost) else []

    def _unread(self) -> list[str]:
        """Files that nothing was taken from, in one sentence."""
        names = [file.name for file in self._folder.files if not file.publication]
        return [f"files that are no publication read here: {', '.join(names[:10])}{' …' if len(names) > 10 else ''}"] if names else []

    def _short(self, problem: Problem) -> str:
        """A problem with its file as named below the folder: a result does not depend on where the folder stands."""
        words = str(problem)
        for name, path in self._folder.named().items():
            words = words.replace(f"{path}{os.sep}", f"{name}/" if name else "")
        return words

    def _lacking(self) -> list[str]:
        """What is not there, each reason once."""
        reasons: dict[str, list[str]] = {}
        for name, sentence in self._absent.items():
            reasons.setdefault(sentence.removeprefix(f"{name}: "), []).append(name)
        return [f"{', '.join(names)}: {reason}" for reason, names in reasons.items()]

    def _variable(self, one: Made, recorded: str) -> Variable:
        needs = (*one.needs, *one.helps)
        there = {(file.publication, quantity) for file in self._folder.files for quantity in file.gives}
        giving = [each for each in publications() if any((each.key, need) in there for need in needs)]
        called = [each.called(file.edition) for each in giving for file in self._folder.files if file.publication == each.key and set(needs) & set(file.gives)]
        if (one.name == "children" and self._series == CENSUS_2021) or (one.joined and set(self.centre_lines) == set(CENTRE_LINES)):
            breaks: dict[int, str] = {}
        elif one.breaks is not None:
            breaks = one.breaks(self._choices)
        else:
            breaks = {when: why for each in giving for need in needs if (each.key, need) in there for when, why in each.breaks.get(need, {}).items()}
        rounding = [self._folder.rounding[need] for need in one.needs if need in self._folder.rounding]
        of_centres = "centre" in one.name and "spend" in one.name
        made = Variable(
            name=one.name,
            label=one.label,
            unit=one.unit_of(self._choices),
            source="; ".join(dict.fromkeys(called)) or "the calendar",
            definition="; ".join([one.definition_of(self._choices), *(self._revision(need) for need in one.needs[:1] if self._much_revised(need))]),
            varies=one.varies,
            count_per=one.count_per,
            caution=recorded if of_centres else "",
            remedy=DATES if of_centres and recorded else "",
            unmoved=one.unmoved,
            rounding=rounding[0] if rounding else None,
            breaks=tuple(sorted(breaks.items())),
        )
        return with_names(made)


def _regions(region: pd.Series, index: pd.MultiIndex) -> tuple[pd.DataFrame, tuple[Variable, ...]]:
    """A column for each region but the largest, which the others are compared with: with all of them and a constant one would be told by the rest."""
    largest = region.value_counts().index[0]
    columns, described = dict[str, pd.Series](), list[Variable]()
    for name in sorted(set(region) - {largest, ""}):
        column = f"region_{re.sub(r'[^a-z0-9]+', '_', str(name).lower()).strip('_')}"
        inside = index.get_level_values("authority").isin(list(region.index[region == name]))
        columns[column] = pd.Series(inside.astype(float), index=index)
        described.append(
            Variable(
                name=column,
                label=f"in {name}",
                unit="1 = yes",
                source="DfE, region of the authority",
                definition=f"0 in {largest} and elsewhere",
                varies="authority",
            )
        )
    return pd.DataFrame(columns, index=index), tuple(described)


SLIGHT = 0.05  # %: a change of England's total below this is rounding


def _anchored(quantity: str) -> bool:
    """Whether a base year's number of this quantity is needed; prices and the counts under a rate are not anchors."""
    return quantity.startswith(("centres_individual", "hmrc_", "imd_", "idaci_", "rs_", "rg_"))


def _wanted(quantity: str) -> str:
    """Which publications give a quantity, and where they are found."""
    giving: Sequence[Publication] = [one for one in publications() if quantity in one.gives]
    if quantity in ("centre_opened", "centre_closed"):
        columns = "URN, LA (code), LA (name), EstablishmentName, TypeOfEstablishment (name), EstablishmentStatus (name), OpenDate, CloseDate"
        return (
            "close dates of children's centres: no public extract of the register of establishments has them (the open-only one does not do); a table of "
            f"yours is read that has its columns ({columns}). Counts by authority to be got by hand: DfE's statistics of 7 November 2019, the spreadsheet to "
            "parliamentary question 7128, and 'Number of children's centres by local authority' of April 2010 and September 2011 on gov.uk; what closed "
            f"since 2010 is asked with  experiment=closures_long_run. The register: {giving[0].page}"
        )
    return " or ".join(f"{one.title}, from {one.page}" for one in giving) or quantity
