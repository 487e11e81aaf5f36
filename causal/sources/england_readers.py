"""One small reader for each publication on England's authorities; all speak the same 3-digit DfE codes.

Every reader takes a file and returns numbers indexed by (authority code, year ending 31 March) or by code alone, with authorities as they
were when the file was printed. `Places` knows who is who (names, regions, the codes other departments use) and `Places.stable` adds up
places that were merged or split since, so that one place is one place in all years.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

import numpy as np
import pandas as pd

from causal.errors import DataError
from causal.sources.england_files import REGISTER_COLUMNS, Grid, read_rows, said

# Codes that a place had before or after the one in DfE's 2022 release. E10000022 is MHCLG's misprint for North Yorkshire (revenue outturn 2017-18).
GSS_ALIASES = {
    "E06000048": "929", "E06000057": "929", "E08000020": "390", "E08000037": "390", "E08000016": "370", "E08000038": "370",
    "E08000019": "373", "E08000039": "373", "E10000002": "825", "E06000060": "825", "E10000022": "815", "E10000023": "815",
    "E06000065": "815", "E10000027": "933", "E06000066": "933",
}  # fmt: skip
# Places merged or split in the years covered: each set of codes, by itself, is the whole of the place named by the first.
WHOLES: dict[str, tuple[frozenset[str], ...]] = {
    "835": (frozenset({"835", "836", "837"}), frozenset({"838", "839"})),  # Dorset, Poole, Bournemouth → Dorset, BCP (April 2019)
    "928": (frozenset({"928"}), frozenset({"940", "941"})),  # Northamptonshire → North, West (April 2021)
    "909": (frozenset({"909"}), frozenset({"942", "943"})),  # Cumbria → Cumberland, Westmorland and Furness (April 2023)
}
UNIT = {code: unit for unit, wholes in WHOLES.items() for whole in wholes for code in whole}
UNIT_NAMES = {"835": ("Dorset, Bournemouth, Christchurch and Poole", "E10000009+E06000028+E06000029"), "928": ("Northamptonshire", "E10000021")}
TOO_SMALL = {"201": "City of London", "420": "Isles of Scilly"}
LONDON = {"E13000001", "E13000002"}  # Inner and Outer London, as DfE prints them


@dataclass(frozen=True, slots=True, kw_only=True)
class Places:
    """Who is who: every code known, the DfE code of each GSS code, the stable places, and the weights for averaging.

    `table` is indexed by the stable place's code; `weights` are children aged 0–17 by printed code, for averages that cannot be summed.
    """

    codes: frozenset[str]
    gss: Mapping[str, str]
    table: pd.DataFrame
    weights: pd.Series

    @classmethod
    def read(cls, plans: Path, children: pd.Series) -> Places:
        """From DfE's 2022 release, which prints both codes and the region of every authority since 2013."""
        columns = ("time_period", "geographic_level", "region_code", "region_name", "old_la_code", "new_la_code", "la_name")
        grid = Grid.read(plans, {name: name for name in columns})
        gss, table = dict(GSS_ALIASES), dict[str, tuple[str, ...]]()
        for _, cells in sorted(grid.records(), key=lambda record: -grid.year(record[0], "time_period", record[1]["time_period"])):
            if cells["geographic_level"] != "Local authority":
                continue
            code, new = said(cells["old_la_code"]), said(cells["new_la_code"])
            gss.setdefault(new, code)
            unit = UNIT.get(code, code)
            name, new = UNIT_NAMES.get(unit, (said(cells["la_name"]), new))
            region = ("London", "E12000007") if cells["region_code"] in LONDON else (said(cells["region_name"]), said(cells["region_code"]))
            table.setdefault(unit, (name, *region, unit, new))
        places = pd.DataFrame(list(table.values()), index=pd.Index(list(table)), columns=["name", "region", "region_code", "old_la_code", "new_la_code"])
        codes = frozenset(gss.values()) | frozenset(UNIT) | frozenset(places.index)
        first = children.dropna().sort_index(level="year").groupby(level="code").first()
        return cls(codes=codes, gss=gss, table=places.sort_index(), weights=first)

    def code(self, grid: Grid, row: int, column: str, cell: object) -> str:
        """DfE code of a printed one (DfE's own or GSS).

        Raises
        ------
        DataError : a code that belongs to no authority known here.
        """
        words = said(cell)
        code = self.gss.get(words, words)
        if code not in self.codes:
            raise grid.error(row, column, cell, "the code of an English authority, as in DfE's children in need release of 2022")
        return code

    def stable(self, values: pd.DataFrame, *, average: bool = False) -> pd.DataFrame:
        """The same numbers by stable place: parts summed (or averaged by children) where a complete set of them is there.

        A place of which one part is missing is missing.
        """
        flat = not isinstance(values.index, pd.MultiIndex)
        if flat:
            values = pd.concat({0: values}, names=["year"]).swaplevel()
            values.index.names = ["code", "year"]
        kept = values[~values.index.get_level_values("code").isin(list(UNIT))]
        parts = [kept]
        for unit, wholes in WHOLES.items():
            total = pd.DataFrame(columns=values.columns, dtype=float)
            for whole in wholes:
                for year, block in values[values.index.get_level_values("code").isin(list(whole))].groupby(level="year"):
                    if set(block.index.get_level_values("code")) != whole:
                        continue
                    if average and len(whole) > 1:
                        weight = self.weights.reindex(block.index.get_level_values("code")).to_numpy()[:, None]
                        numbers = (block.to_numpy() * weight).sum(axis=0) / weight.sum()
                    else:
                        numbers = block.to_numpy().sum(axis=0)  # NaN if any part is
                    total.loc[year] = numbers
            if len(total):
                parts.append(pd.concat({unit: total}, names=["code", "year"]))
        out = pd.concat(parts).sort_index()
        return out.droplevel("year") if flat else out


def collect(grid: Grid, cells: Iterable[tuple[int, str, int, dict[str, float]]]) -> pd.DataFrame:
    """Rows (row number, code, year, numbers) as a table by (code, year).

    Raises
    ------
    DataError : the same authority and year twice, or none at all.
    """
    seen: dict[tuple[str, int], int] = {}
    out: dict[tuple[str, int], dict[str, float]] = {}
    for row, code, year, numbers in cells:
        if (code, year) in seen:
            raise DataError(f"{grid.path}, row {row}: authority {code}, year {year} stands twice, first in row {seen[code, year]}; keep one")
        seen[code, year], out[code, year] = row, numbers
    if not out:
        raise DataError(f"{grid.path}: no authority was found below the header in row {grid.header + 1}; fetch the file again")
    frame = pd.DataFrame.from_dict(out, orient="index")
    frame.index = pd.MultiIndex.from_tuples(list(out), names=["code", "year"])
    return frame


def tidy(path: Path, places: Places | None, columns: Mapping[str, str]) -> pd.DataFrame:
    """A file of DfE's 2022 release: name → heading. `time_period` is the year ending 31 March (for populations: mid-year)."""
    keys = ("time_period", "geographic_level", "old_la_code")
    grid = Grid.read(path, {**{name: name for name in keys}, **{name: re.escape(heading) for name, heading in columns.items()}})
    rows = []
    for row, cells in grid.records():
        if said(cells["geographic_level"]) == "Local authority":
            code = places.code(grid, row, "old_la_code", cells["old_la_code"]) if places else said(cells["old_la_code"])
            year = grid.year(row, "time_period", cells["time_period"])
            rows.append((row, code, year, {name: grid.number(row, name, cells[name]) for name in columns}))
    return collect(grid, rows)


def first_releases(path: Path, year: int, places: Places) -> pd.DataFrame:
    """Plans, referrals and section 47 enquiries of 2010 to 2012: one wide row for each authority, headings with the year inside."""
    yy, before = f"{year % 100:02d}", f"{year % 100 - 1:02d}"
    columns = {"plans": f"CPPAt3103{yy}", "referrals": f"Referrals{before}{yy}", "section47": f"S47(?:in)?{before}{yy}"}
    grid = Grid.read(path, {"geog_l": "geog_l", "geog_c": "geog_c", **columns})
    return collect(
        grid,
        (
            (row, places.code(grid, row, "geog_c", cells["geog_c"]), year, {name: grid.number(row, name, cells[name]) for name in columns})
            for row, cells in grid.records()
            if said(cells["geog_l"]) == "LA"
        ),
    )


def under_17s(path: Path, places: Places) -> pd.DataFrame:
    """Nomis: children aged 0 to 16 at mid-year, summed over the age bands that the file stacks one below the other."""
    grid = Grid.read(path, {"name": "local authority.*", "mnemonic": "mnemonic", "first": r"20\d\d"})
    out: dict[str, np.ndarray] = {}
    bands, years = 0, []
    for row, line in enumerate(grid.rows, start=1):
        if len(line) > 2 and said(line[1]) == "mnemonic":
            bands, years = bands + 1, [grid.year(row, "mnemonic", cell) for cell in line[2:] if said(cell)]
        elif len(line) > 2 and re.fullmatch(r"E0[689]\d{6}|E10\d{6}", said(line[1])):
            code = places.code(grid, row, "mnemonic", line[1])
            out[code] = out.get(code, np.zeros(len(years))) + [grid.number(row, "mnemonic", cell) for cell in line[2 : 2 + len(years)]]
    if bands != 5:
        raise DataError(f"{path}: {bands} age bands were found, expected 5 (0-4, 5-9, 10-14, 15, 16); fetch the file again from Nomis")
    numbers = [number for counts in out.values() for number in counts]
    return pd.DataFrame({"under_17": numbers}, index=pd.MultiIndex.from_product([list(out), years], names=["code", "year"]))


CENTRE_LINES = {  # what the three lines of the Sure Start heading are called, whatever their number
    "individual": r"individual sure start",
    "area_wide": r"area[- ]wide services",
    "management": r"management costs rel\w* to sure start",
}


def centre_spend(path: Path, year: int, places: Places) -> pd.DataFrame:
    """Gross spending (£, cash) on each Sure Start line, by authority.

    In 2011-12 management costs are a memorandum *of which* (individual and area-wide lines add up to the printed total), and in 2012-13
    they have no line: both years hold them inside the other two, so the column is 0 there.
    """
    headings = {"code": "LA|LEA", "line": "S52 Line Reference|CYPServiceDescription|Description", "total": r"TotalExpenditure|Total Expenditure.*"}
    grid = Grid.read(path, headings)
    out: dict[str, dict[str, float]] = {}
    first: dict[tuple[str, str], int] = {}
    for row, cells in grid.records():
        words = said(cells["line"]).lower()
        line = next((name for name, pattern in CENTRE_LINES.items() if re.search(pattern, words)), None)
        if line is None or "evidence based" in words:  # a memorandum line on early intervention names the centres too
            continue
        code = places.code(grid, row, "code", cells["code"])
        if (code, line) in first:
            raise DataError(f"{path}, row {row}: authority {code} has {words!r} twice, first in row {first[code, line]}; keep one")
        first[code, line] = row
        out.setdefault(code, {})[line] = grid.number(row, "total", cells["total"])
    inside = year in (2012, 2013)
    lacking = [name for name in CENTRE_LINES if not (inside and name == "management") and not any(name in lines for lines in out.values())]
    if lacking:
        raise DataError(f"{path}: no line on children's centres was found for {', '.join(lacking)}; is this Table A1 for {year - 1}-{year % 100}?")
    frame = pd.DataFrame.from_dict(out, orient="index").reindex(columns=list(CENTRE_LINES))
    if inside:
        frame["management"] = 0.0
    frame.index = pd.MultiIndex.from_product([frame.index, [year]], names=["code", "year"])
    return frame


def deflator(path: Path) -> pd.Series:
    """GDP deflator by year ending 31 March."""
    grid = Grid.read(path, {"year": "year", "gdp": "gdp"})
    return pd.Series({grid.year(row, "year", cells["year"]): grid.number(row, "gdp", cells["gdp"]) for row, cells in grid.records()})


def imd_score(path: Path, places: Places) -> pd.DataFrame:
    """IMD 2015 average score by authority."""
    grid = Grid.read(path, {"code": "Upper Tier Local Authority District code.*", "score": "IMD - Average score"}, sheet="IMD")
    rows = ((row, places.code(grid, row, "code", cells["code"]), 0, cells["score"]) for row, cells in grid.records())
    return collect(grid, ((row, code, year, {"score": grid.number(row, "score", cell)}) for row, code, year, cell in rows)).droplevel("year")


def spending_power_changes(path: Path, places: Places) -> pd.DataFrame:
    """Change in spending power on the year before (a share, rounded to .01 by the compiler), by (code, year)."""
    years = {str(year): f"{year - 2}{(year - 1) % 100:02d}_{year - 1}{year % 100:02d}" for year in range(2012, 2020)}  # 2012: "201011_201112"
    grid = Grid.read(path, {"ons_code": "ons_code", "class": "class", **years})
    rows = []
    for row, cells in grid.records():
        if said(cells["class"]).lower() == "district council":  # the lower tier runs no children's services
            continue
        code = places.code(grid, row, "ons_code", cells["ons_code"])
        rows += [(row, code, int(year), {"change": grid.number(row, year, cells[year])}) for year in years]
    return collect(grid, rows)


def low_income_local(path: Path, snapshot: int, places: Places) -> pd.DataFrame:
    """HMRC: children in low-income families and children in Child Benefit families, all ages, at 31 August of `snapshot`."""
    rows = read_rows(path, "Summary")
    labels = {"poor": r"Children in families in receipt of (?:WTC or )?CTC \(.*", "all": r"Children in (?:Child Benefit families|families registered.*)"}
    at: dict[str, int] = {}
    for line in rows[:12]:
        for j, cell in enumerate(line):
            at.update({name: j for name, pattern in labels.items() if re.fullmatch(pattern, said(cell), re.IGNORECASE) and name not in at})
    sub = next((i for i, line in enumerate(rows[:12]) if "All Children" in map(said, line)), 0)
    if len(at) < 2 or any(said(rows[sub][j + 1]) != "All Children" for j in at.values()):
        raise DataError(
            f"{path}: the headings 'Children in families in receipt of CTC … or IS/JSA' and 'Children in Child Benefit families', each with "
            "'All Children', were not found in the first 12 rows of the summary sheet; fetch the file again as published"
        )
    first = next((j for line in rows for j, cell in enumerate(line) if re.fullmatch(r"E\d{8}", said(cell))), 0)
    grid = Grid(path=path, rows=rows, header=sub, at={"code": first, "poor": at["poor"] + 1, "all": at["all"] + 1})
    return collect(
        grid,
        (
            (row, places.code(grid, row, "code", cells["code"]), snapshot, {name: grid.number(row, name, cells[name]) for name in at})
            for row, cells in grid.records()
            if re.fullmatch(r"E(?!92|12)\d{8}", said(cells["code"]))
        ),
    )


def low_income_relative(path: Path, places: Places) -> pd.DataFrame:
    """DWP: children in relative low income in the year ending 31 March; annotation columns stand between the years."""
    grid = Grid.read(path, {"Year": "Year", "first": r"20\d\d/\d\d"})
    years = {j: int(said(cell)[:4]) + 1 for j, cell in enumerate(grid.rows[grid.header]) if re.fullmatch(r"20\d\d/\d\d(?: \(p\))?", said(cell))}
    rows = []
    for row, line in enumerate(grid.rows, start=1):
        if line and re.fullmatch(r"E\d{8}", said(line[0])):
            code = places.code(grid, row, "Year", line[0])
            rows += [(row, code, year, {"poor": grid.number(row, "first", line[j])}) for j, year in years.items() if j < len(line)]
    return collect(grid, rows)


def grant_share(outturn: Path, e_codes: Path, places: Places) -> pd.DataFrame:
    """Grant and council tax of 2010-11 (£ thousand): revenue support grant, redistributed business rates and area based grant against council tax."""
    names = Grid.read(e_codes, {"e": "E-code", "ons": "ONS Code", "class": "Class"}, sheet="RS LA Data")
    upper = {"UA", "SC", "MD", "L"}
    key = {
        said(cells["e"]): places.code(names, row, "ons", cells["ons"]) for row, cells in names.records() if said(cells["class"]) in upper and said(cells["e"])
    }
    columns = {
        "support": "Revenue Support Grant",
        "rates": "Redistributed non-domestic rates",
        "area": r"Area Based Grant \(ABG\)",
        "council_tax": r"COUNCIL TAX REQUIREMENT.*",
    }
    grid = Grid.read(outturn, {"e": "E-code", "class": "Class", **columns}, sheet=r"RS LA Data 2010-11 \(1\)")
    rows = []
    for row, cells in grid.records():
        e = said(cells["e"])
        if said(cells["class"]) not in upper or not e:
            continue
        if e not in key:
            raise grid.error(row, "e", e, "an E-code of the 2017-18 outturn")
        value = {name: abs(grid.number(row, name, cells[name])) for name in columns}  # grants are printed as income, with a minus
        rows.append((row, key[e], 0, {"grant": value["support"] + value["rates"] + value["area"], "council_tax": value["council_tax"]}))
    return collect(grid, rows).droplevel("year")


def has_close_dates(path: Path) -> bool:
    """Whether a register extract lists closed centres too; the open-only one has the column but nothing in it."""
    grid = Grid.read(path, {name: re.escape(name) for name in REGISTER_COLUMNS})
    return any(said(cells["CloseDate"]) for _, cells in grid.records())


def closures(path: Path, base: int, years: Iterable[int], places: Places) -> tuple[pd.DataFrame, dict[str, int]]:
    """Centres open at 31 March of `base`, and how many of them had closed by 31 March of each year, by (stable place, year); and counts for the notes.

    Only main centres count (type "Children's centre"); linked sites are outposts of one, and a centre turned into a linked site has closed
    as a centre. A blank open date is an old record and counts as open before the base. A centre that is closed without a date cannot be placed
    in time and is left out, counted.
    """
    grid = Grid.read(path, {name: re.escape(name) for name in REGISTER_COLUMNS})
    start, counts = date(base, 3, 31), {"centres": 0, "linked": 0, "undated": 0, "closed_undated": 0}
    closed_on: dict[str, list[date | None]] = {}
    for row, cells in grid.records():
        kind = said(cells["TypeOfEstablishment (name)"]).lower()
        counts["linked"] += kind == "children's centre linked site"
        if kind != "children's centre":
            continue
        code = places.code(grid, row, "LA (code)", cells["LA (code)"])
        opened, closed = _day(grid, row, "OpenDate", cells["OpenDate"]), _day(grid, row, "CloseDate", cells["CloseDate"])
        if closed is None and said(cells["EstablishmentStatus (name)"]).lower() == "closed":
            counts["closed_undated"] += 1
        elif (opened is None or opened <= start) and (closed is None or closed > start):
            counts["undated"] += opened is None
            counts["centres"] += 1
            closed_on.setdefault(UNIT.get(code, code), []).append(closed)  # old and new codes of one place may both stand here
    if not closed_on:
        raise DataError(f"{path}: no children's centre was open at 31 March {base}; download the full extract, or choose another source.centres_base")
    rows = {
        (code, year): {
            "open": float(len(days)),
            "closed": float(sum(day is not None and day <= date(year, 3, 31) for day in days)) if year >= base else np.nan,
        }
        for code, days in closed_on.items()
        for year in years
    }
    frame = pd.DataFrame.from_dict(rows, orient="index")
    frame.index = pd.MultiIndex.from_tuples(list(rows), names=["code", "year"])
    return frame.sort_index(), counts


def _day(grid: Grid, row: int, column: str, cell: object) -> date | None:
    """A date printed dd-mm-yyyy; blank is None."""
    words = said(cell)
    if not words:
        return None
    for form in ("%d-%m-%Y", "%d/%m/%Y"):
        try:
            return datetime.strptime(words, form).date()
        except ValueError:
            continue
    raise grid.error(row, column, cell, "a date as dd-mm-yyyy, or blank")
