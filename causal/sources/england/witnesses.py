"""What a file prints of a number a second time: the rate beside a count, the parts of a total, the share that a part is, the name beside a code.

A slip of a typist or a program (522 as 5220, two rows with their codes exchanged) leaves a number that looks like any other, and a second statement of the
same thing that it contradicts. Each such cell is named with its row and column and what it would have to be; which of the two is wrong cannot be told from
the file, so neither stands: the number is left empty.

- **A rate** is count ÷ people × 10,000 and, rounded as printed, allows an interval of people. Of three pairs or more in a row the median says how many people
  there are; of fewer, the same place's pairs in the two years around. A count is contradicted where its interval leaves those people by more than `CLOSE`, or
  by more than `NEAR` where they come from other years.
- **Parts** of an authority's total add up to it, or fall short by what was not recorded (383 of 519 durations, once): by more than half they contradict it.
  Where they make it up without remainder, the one at fault is told by its years around.
- **A share** is part ÷ whole, rounded as printed. Where all shares of a whole contradict it, the whole is at fault; where others agree with it, the part is;
  where there is but one, either may be, and neither stands.
- **A name and a code** belong together as they do in the other rows of the file.
- **A region** (or the country) has as many as its authorities together, rounded. Where it has not, the one authority is at fault whose number would come near
  its own years around if the difference were its; where none or several would, none is named and none is lost. An authority whose number is withheld hides a
  sum that falls short, never one that is too great.
"""

from __future__ import annotations

import math
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass
from statistics import median
from typing import Any

from causal.sources.england.book import Table, number, said, year_ending
from causal.sources.england.extract import ENGLAND, Cells

CLOSE, NEAR = 0.02, 0.25  # how far people may lie from those told by the same row, and by the years around
AROUND = 2  # years
ENOUGH = 3  # pairs in a row from which their median says how many people there are
SMALL = 2_000.0  # a place of fewer children is not held against other years
SHORT = 0.5  # by how much parts may fall short of their total
ROUNDED = 10.0  # to which the country's counts are rounded, and regions'
SLIGHT = 1e-5  # of a region's total: a difference below it is no slip
CLEAR = 0.1  # by how much nearer (log) to the years around the number of the one at fault must come, and twice as much as any other's
PER = 10_000.0
COUNTRIES, REGIONS, AUTHORITIES = frozenset({"national"}), frozenset({"regional", "region", "gor"}), frozenset({"local authority", "la"})  # levels, as printed
EXACT = 0.001  # of a total, by which parts that make it up may miss it
NINE = 9  # regions
STANDS = "no number is taken from it"
NONE = "which of them is wrong the file does not say, and none stands"
LEFT = "which of the two is wrong the file does not say, and the number is left empty"
EMPTY = "contradicted"  # the mark that stands in the place of such a number


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One row of a place in a year, as `rows` gives it."""

    row: int
    place: str
    year: int
    record: Mapping[str, Any]

    @classmethod
    def of(cls, found: Iterable[tuple[int, str, Mapping[str, Any]]]) -> list[Line]:
        """Rows as `rows` gives them, without those whose year cannot be read."""
        dated = [(row, place, year_ending(record["year"]), record) for row, place, record in found]
        return [cls(row=row, place=place, year=int(year), record=record) for row, place, year, record in dated if not math.isnan(year)]


class _Named:
    """`Cells` for telling what is wrong, columns by what is taken from them."""

    def __init__(self, cells: Cells, quantities: Mapping[str, str]) -> None:
        self._cells, self._quantities = cells, quantities

    def problem(self, message: str, *, row: int, column: str, value: object, quantity: str = "") -> None:
        self._cells.problem(message, row=row, column=column, value=value, quantity=self._quantities.get(quantity, ""))


def contradicted(
    table: Table,
    cells: Cells,
    lines: Sequence[Line],
    *,
    rates: Mapping[str, str] | None = None,
    people: str = "",
    parts: Mapping[str, Sequence[str]] | None = None,
    exact: Mapping[str, Sequence[str]] | None = None,
    shares: Mapping[str, tuple[str, str]] | None = None,
    sums: Sequence[str] = (),
    apart: str = "",
    quantities: Mapping[str, str] | None = None,
) -> frozenset[tuple[int, str]]:
    """Note in `cells` everything that a file says twice and differently; the cells (row, column) that no longer stand.

    Parameters
    ----------
    table : of the file.
    cells : takes the notes.
    lines : rows of the table, with columns by their names in it.
    rates : column of a count → column of its rate per 10,000; those that are not in the table are passed over.
    people : column with the people that rates are made of, where the row prints them.
    parts : column of a total → columns of its parts.
    exact : the same, where the parts make it up without remainder.
    shares : column of a part → (column of the whole, column of the percentage).
    sums : columns of counts, which a region's authorities together have as many of as the region; those that are not in the table are passed over.
    apart : column that says what a row counts, where rows count different things; "" where all count the same.
    quantities : column → what is taken from it; its loss is noted with that name. Column "" stands for the whole row.
    """
    named, bad = _Named(cells, quantities or {}), set[tuple[int, str]]()
    bad |= _names(table, named, lines)
    bad |= _rates(table, named, lines, {a: b for a, b in (rates or {}).items() if {a, b} <= set(table.at)}, people)
    told = set[tuple[int, str]]()
    for whole, some in (exact or {}).items():
        if {whole, *some} <= set(table.at):
            told |= _exact(table, named, lines, whole, some, clear=True)
    for column in sums:
        if column in table.at:
            told |= _sums(table, named, lines, column, apart, bad | told)
    bad |= told

    def untold(*columns: str) -> list[Line]:
        """Rows of which none of these cells is named yet: what contradicts a cell that is at fault is not at fault too."""
        return [line for line in lines if not any((line.row, column) in told for column in columns)]

    for whole, some in (parts or {}).items():
        if {whole, *some} <= set(table.at):
            bad |= _parts(table, named, untold(whole, *some), whole, some)
    for whole, some in (exact or {}).items():
        if {whole, *some} <= set(table.at):
            bad |= _exact(table, named, untold(whole, *some), whole, some, clear=False)
    asked: dict[str, dict[str, str]] = defaultdict(dict)
    for part, (whole, share) in (shares or {}).items():
        if {part, whole, share} <= set(table.at):
            asked[whole][part] = share
    for whole, of in asked.items():
        bad |= _shares(table, named, untold(whole, *of), whole, of)
    return frozenset(bad)


def _decimals(lines: Sequence[Line], column: str) -> int:
    """Decimals that a column is printed with: a rate of 45 beside one of 44.3 is 45.0."""
    return max((len(said(line.record[column]).partition(".")[2]) for line in lines if number(line.record[column])[1] == ""), default=0)


def _rates(table: Table, cells: _Named, lines: Sequence[Line], pairs: Mapping[str, str], people: str) -> set[tuple[int, str]]:
    halves = {rate: 0.5 * 10.0 ** -_decimals(lines, rate) for rate in pairs.values()}
    allowed: dict[int, dict[str, tuple[float, float]]] = {}  # row → count's column → fewest and most people
    at: dict[tuple[str, int], list[float]] = defaultdict(list)
    for line in lines:
        here: dict[str, tuple[float, float]] = {}
        for column, rate in pairs.items():
            count, per = number(line.record[column])[0], number(line.record[rate])[0]
            half = halves[rate]
            if count > 0 and per > 2 * half:
                slack = ROUNDED / 2 if line.place == ENGLAND else 0.0
                here[column] = ((count - slack) / (per + half) * PER, (count + slack) / (per - half) * PER)
        allowed[line.row] = here
        at[line.place, line.year] += [(low + high) / 2 for low, high in here.values()]
    bad = set()
    for line in lines:
        here = allowed[line.row]
        known, close = _people(line, here, at, people)
        for column, (low, high) in here.items():
            small = close == NEAR and known < SMALL
            if math.isnan(known) or small or low * (1 - close) <= known <= high * (1 + close):
                continue
            per = number(line.record[pairs[column]])[0]
            count = number(line.record[column])[0]
            message = (
                f"contradicts {table.heading(pairs[column])}, {per:,g}, in the same row: it would have to be about {per * known / PER:,.0f}, "
                f"or the rate about {count / known * PER:,.{max(0, _decimals(lines, pairs[column]))}f}; {LEFT}"
            )
            cells.problem(message, row=line.row, column=table.heading(column), value=line.record[column], quantity=column)
            bad.add((line.row, column))
    return bad


def _people(line: Line, here: Mapping[str, tuple[float, float]], at: Mapping[tuple[str, int], list[float]], people: str) -> tuple[float, float]:
    """How many people the rates of a row are made of, and how near to it a pair must come."""
    if people:
        return number(line.record[people])[0], CLOSE / 4
    if len(here) >= ENOUGH:
        return median((low + high) / 2 for low, high in here.values()), CLOSE
    around = [one for year in range(line.year - AROUND, line.year + AROUND + 1) if year != line.year for one in at.get((line.place, year), ())]
    return (median(around), NEAR) if around else (math.nan, NEAR)


def at_fault(options: Mapping[str, tuple[float, float]], around: Mapping[str, float]) -> str:
    """Which number, were it what it would have to be, would come clearly nearer to those of its own years around; "" if none would, or two.

    Parameters
    ----------
    options : name → (as printed, what it would have to be if it is the one at fault).
    around : name → what it is in the years around; a name without any is passed over.
    """
    gains = []
    for name, (printed, would) in options.items():
        usual = around.get(name, math.nan)
        if usual >= 0 and would >= 0:
            now, then = (abs(math.log((max(one, 0) + 1) / (usual + 1))) + (one < 0) for one in (printed, would))
            gains.append((now - then, name))
    gains.sort(reverse=True)
    clear = bool(gains) and gains[0][0] > CLEAR and (len(gains) == 1 or gains[0][0] > 2 * gains[1][0])
    return gains[0][1] if clear else ""


def near(series: Mapping[int, float], year: int) -> float:
    """The median of the years around one; NaN where there is none.

    Parameters
    ----------
    series : year → number, NaN where there is none.
    year : itself left out.
    """
    some = [series.get(other, math.nan) for other in range(year - AROUND, year + AROUND + 1) if other != year]
    known = [value for value in some if not math.isnan(value)]
    return median(known) if known else math.nan


@dataclass(frozen=True, slots=True, kw_only=True)
class _Column:
    """A column's numbers by level, each (row, number): `country` by (year, what is counted), the others by place and these; `within` has a region's places."""

    country: dict[tuple[int, str], tuple[int, float]]
    regions: dict[tuple[str, int, str], tuple[int, float]]
    places: dict[tuple[str, int, str], tuple[int, float]]
    within: dict[tuple[str, int, str], list[str]]

    @classmethod
    def of(cls, table: Table, column: str, region: str, apart: str) -> _Column:
        made = cls(country={}, regions={}, places={}, within=defaultdict(list))
        for row, record in table.records():
            level, year, what = said(record["level"]).lower(), year_ending(record["year"]), said(record[apart]) if apart else ""
            where, value = said(record[region]), number(record[column])[0]
            if math.isnan(year):
                continue
            if level in COUNTRIES:
                made.country[int(year), what] = (row, value)
            elif level in REGIONS and where:
                made.regions[where, int(year), what] = (row, value)
            elif level in AUTHORITIES and where:
                place = said(record["old"]) or said(record.get("new", ""))
                made.places[place, int(year), what] = (row, value)
                made.within[where, int(year), what].append(place)
        return made

    def near(self, of: Mapping[tuple[str, int, str], tuple[int, float]], name: str, year: int, what: str) -> float:
        """What a region or a place has in the years around."""
        return near({when: of.get((name, when, what), (0, math.nan))[1] for when in range(year - AROUND, year + AROUND + 1)}, year)


def _sums(table: Table, cells: _Named, lines: Sequence[Line], column: str, apart: str, bad: Set[tuple[int, str]]) -> set[tuple[int, str]]:
    """Numbers of a column that are at fault by what a region's authorities, or the regions, add up to; nothing is taken of a region itself."""
    region = next((name for name in ("region_code", "region") if name in table.at), "")
    if not region:
        return set()
    every, heading = _Column.of(table, column, region, apart), table.heading(column)
    wrong, inside = {row for row, other in bad if other in ("", column)}, {line.row for line in lines}
    found, odd = set[tuple[int, str]](), set[tuple[int, str]]()
    most, unclear = Counter[str](), list[tuple[int, float, str]]()
    for (where, _, _), places in every.within.items():
        most[where] = max(most[where], len(places))

    def tell(row: int, value: float, summed: str, would: float, then: str = LEFT, about: str = "about") -> None:
        message = f"{summed}: it would have to be {about} {would:,.10g}; {then}"
        cells.problem(message, row=row, column=heading, value=f"{value:,.10g}", quantity=column if then == LEFT else "")
        if then == LEFT:
            found.add((row, column))

    def named(row: int, code: str) -> str:
        return said(table.rows[row - 1][table.at["region"]]) if "region" in table.at else code

    for (where, year, what), (row, total) in every.regions.items():
        here = {place: every.places[place, year, what] for place in every.within.get((where, year, what), ())}
        known = {place: value for place, (_, value) in here.items() if not math.isnan(value)}
        whole = math.fsum(known.values())
        short = total - whole
        if not known or math.isnan(total) or abs(short) <= max(ROUNDED / 2 + 1, SLIGHT * total) or wrong & {at for at, _ in here.values()}:
            continue
        if (short > 0 and len(known) < len(here)) or len(here) < most[where]:
            continue  # what is withheld, or is not in the file, may be what is lacking
        odd.add((year, what))
        options = {place: (value, value + short) for place, value in known.items()} | {where: (total, whole)}
        around = {place: every.near(every.places, place, year, what) for place in known} | {where: every.near(every.regions, where, year, what)}
        place, name = at_fault(options, around), named(row, where)
        summed = f"the authorities of {name} in the same year add up to {whole:,.10g}, and its own row says {total:,.10g}"
        if place in here:
            if here[place][0] in inside:
                tell(*here[place], summed, known[place] + short, about="about" if len(known) == len(here) else "at most")
        elif place:
            tell(row, total, f"the authorities of {name} in the same year add up to {whole:,.10g}", whole, STANDS)
        else:
            unclear.append((row, total, summed))
    if unclear:
        row, total, summed = unclear[0]
        more = f"; so it is in {len(unclear) - 1:,} more rows of regions" if len(unclear) > 1 else ""
        message = f"{summed}; which of them is wrong the file does not say, and all stand as printed{more}"
        cells.problem(message, row=row, column=heading, value=f"{total:,.10g}")
    for (year, what), (row, total) in every.country.items():
        nine = {where: value for (where, when, of), (_, value) in every.regions.items() if (when, of) == (year, what) and re.fullmatch(r"E12\d{6}", where)}
        whole = math.fsum(nine.values())
        if len(nine) < NINE or (year, what) in odd or math.isnan(whole + total) or abs(whole - total) <= max(ROUNDED * NINE / 2 + 1, SLIGHT * whole):
            continue
        options = {where: (value, value + total - whole) for where, value in nine.items()} | {ENGLAND: (total, whole)}
        around = {where: every.near(every.regions, where, year, what) for where in nine}
        around[ENGLAND] = near({when: value for (when, of), (_, value) in every.country.items() if of == what}, year)
        who = at_fault(options, around)
        summed = f"the nine regions in the same year add up to {whole:,.10g}, and the country's own row says {total:,.10g}"
        if who in nine:
            tell(every.regions[who, year, what][0], nine[who], summed, nine[who] + total - whole, STANDS)
        elif row in inside:
            tell(row, total, summed, whole)
    return found


def _exact(table: Table, cells: _Named, lines: Sequence[Line], whole: str, some: Sequence[str], *, clear: bool) -> set[tuple[int, str]]:
    """Totals that their parts make up without remainder: the one at fault is told by its years around. Where none is, neither the total nor any part stands, or
    with `clear` nothing is said yet.
    """
    series: dict[tuple[str, str], dict[int, float]] = defaultdict(dict)
    for line in lines:
        for column in (whole, *some):
            series[line.place, column][line.year] = number(line.record[column])[0]
    bad = set()
    for line in lines:
        total, values = number(line.record[whole])[0], {one: number(line.record[one])[0] for one in some}
        short = total - math.fsum(values.values())
        if line.place == ENGLAND or math.isnan(short) or abs(short) <= max(1.0, EXACT * total):
            continue
        options = {one: (value, value + short) for one, value in values.items()} | {whole: (total, total - short)}
        who = at_fault(options, {column: near(series[line.place, column], line.year) for column in options})
        if clear and not who:
            continue
        summed = f"{' and '.join(map(table.heading, some))} in the same row add up to {total - short:,.0f}, and {table.heading(whole)} says {total:,.0f}"
        column = who or whole
        message = f"{summed}: it would have to be about {options[column][1]:,.0f}; {LEFT if who else NONE}"
        cells.problem(message, row=line.row, column=table.heading(column), value=line.record[column], quantity=column)
        bad |= {(line.row, one) for one in ((who,) if who else options)}
    return bad


def _parts(table: Table, cells: _Named, lines: Sequence[Line], whole: str, some: Sequence[str]) -> set[tuple[int, str]]:
    bad = set()
    for line in lines:
        total, values = number(line.record[whole])[0], [number(line.record[one])[0] for one in some]
        unknown = math.isnan(total) or any(map(math.isnan, values))
        if line.place == ENGLAND or unknown or (1 - SHORT) * total - 0.5 <= sum(values) <= total + 0.5:
            continue
        message = f"its {len(some)} parts in the same row add up to {sum(values):,.0f}, which it would have to be; {LEFT}"
        cells.problem(message, row=line.row, column=table.heading(whole), value=line.record[whole], quantity=whole)
        bad.add((line.row, whole))
    return bad


def _shares(table: Table, cells: _Named, lines: Sequence[Line], whole: str, of: Mapping[str, str]) -> set[tuple[int, str]]:
    """`of`: column of each part → column of its percentage of `whole`."""
    halves, bad = {part: 0.5 * 10.0 ** -_decimals(lines, share) + 1e-6 for part, share in of.items()}, set()
    for line in lines:
        total = number(line.record[whole])[0]
        said_of = {part: (number(line.record[part])[0], number(line.record[share])[0]) for part, share in of.items()}
        printed = {part: both for part, both in said_of.items() if not any(map(math.isnan, both))}
        wrong = {part: (some, share) for part, (some, share) in printed.items() if total > 0 and abs(100 * some / total - share) > halves[part]}
        if line.place == ENGLAND or not wrong:
            continue
        if len(wrong) == len(printed) > 1:
            would = median(100 * some / share for some, share in wrong.values() if share > 0) if any(share > 0 for _, share in wrong.values()) else math.nan
            message = f"contradicts {', '.join(table.heading(of[part]) for part in wrong)} in the same row: it would have to be about {would:,.0f}; {LEFT}"
            cells.problem(message, row=line.row, column=table.heading(whole), value=line.record[whole], quantity=whole)
            bad.add((line.row, whole))
            continue
        for part, (some, share) in wrong.items():
            message = (
                f"is {100 * some / total:.1f} % of {table.heading(whole)}, {total:,.0f}, where {table.heading(of[part])} says {share:g} %: "
                f"it would have to be about {share * total / 100:,.0f}"
            )
            alone = len(printed) == 1
            message += f", or the whole about {100 * some / share:,.0f}; neither stands" if alone and share > 0 else f"; {LEFT}"
            cells.problem(message, row=line.row, column=table.heading(part), value=line.record[part], quantity=part)
            bad |= {(line.row, part), (line.row, whole)} if alone else {(line.row, part)}
    return bad


def _names(table: Table, cells: _Named, lines: Sequence[Line]) -> set[tuple[int, str]]:
    """Rows whose code stands beside another's name, or beside another's longer code, by what the other rows of the file say; none of their numbers stands."""
    bad = set()
    for column in ("name", "new"):
        if column not in table.at:
            continue
        beside: dict[str, Counter[str]] = defaultdict(Counter)
        for line in lines:
            if line.place != ENGLAND:
                beside[line.place][said(line.record[column])] += 1
        usual = {code: counted.most_common(1)[0][0] for code, counted in beside.items()}
        owners = {words: code for code, words in usual.items()}
        for line in lines:
            words = said(line.record.get(column, ""))
            owner = owners.get(words)
            if line.place == ENGLAND or not words or owner is None or owner == line.place or usual[line.place] == words or (line.row, "") in bad:
                continue
            what = f"the {'name' if column == 'name' else 'code'} {words!r}"
            message = (
                f"stands beside {what}, which has the code {owner} in the other rows, and {line.place} is {usual[line.place]!r} there: "
                f"{'code and name' if column == 'name' else 'the codes'} contradict each other, and the row's numbers are left empty"
            )
            cells.problem(message, row=line.row, column=table.heading("old"), value=line.record["old"])
            bad.add((line.row, ""))
    return bad
