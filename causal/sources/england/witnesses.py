"""What a file prints of a number a second time: the rate beside a count, the parts of a total, the share that a part is, the name beside a code.

A slip of a typist or a program (522 as 5220, two rows with their codes exchanged) leaves a number that looks like any other, and a second statement of the
same thing that it contradicts. Each such cell is named with its row and column and what it would have to be; which of the two is wrong cannot be told from
the file, so neither stands: the number is left empty.

- **A rate** is count ÷ people × 10,000 and, rounded as printed, allows an interval of people. Of three pairs or more in a row the median says how many people
  there are; of fewer, the same place's pairs in the two years around. A count is contradicted where its interval leaves those people by more than `CLOSE`, or
  by more than `NEAR` where they come from other years.
- **Parts** of an authority's total add up to it, or fall short by what was not recorded (383 of 519 durations, once): by more than half they contradict it.
- **A share** is part ÷ whole, rounded as printed. Where all shares of a whole contradict it, the whole is at fault; where others agree with it, the part is;
  where there is but one, either may be, and neither stands.
- **A name and a code** belong together as they do in the other rows of the file.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

from causal.sources.england.book import Table, number, said
from causal.sources.england.extract import ENGLAND, Cells

CLOSE, NEAR = 0.02, 0.25  # how far people may lie from those told by the same row, and by the years around
AROUND = 2  # years
ENOUGH = 3  # pairs in a row from which their median says how many people there are
SMALL = 2_000.0  # a place of fewer children is not held against other years
SHORT = 0.5  # by how much parts may fall short of their total
ROUNDED = 10.0  # to which the country's counts are rounded
PER = 10_000.0
LEFT = "which of the two is wrong the file does not say, and the number is left empty"
EMPTY = "contradicted"  # the mark that stands in the place of such a number


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One row of a place in a year, as `rows` gives it."""

    row: int
    place: str
    year: int
    record: Mapping[str, Any]


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
    shares: Mapping[str, tuple[str, str]] | None = None,
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
    shares : column of a part → (column of the whole, column of the percentage).
    quantities : column → what is taken from it; its loss is noted with that name. Column "" stands for the whole row.
    """
    named, bad = _Named(cells, quantities or {}), set[tuple[int, str]]()
    bad |= _names(table, named, lines)
    bad |= _rates(table, named, lines, {a: b for a, b in (rates or {}).items() if {a, b} <= set(table.at)}, people)
    for whole, some in (parts or {}).items():
        if {whole, *some} <= set(table.at):
            bad |= _parts(table, named, lines, whole, some)
    asked: dict[str, dict[str, str]] = defaultdict(dict)
    for part, (whole, share) in (shares or {}).items():
        if {part, whole, share} <= set(table.at):
            asked[whole][part] = share
    for whole, of in asked.items():
        bad |= _shares(table, named, lines, whole, of)
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
    """Rows whose code stands beside another's name, by what the other rows of the file say; none of their numbers stands."""
    if "name" not in table.at:
        return set()
    names: dict[str, Counter[str]] = defaultdict(Counter)
    for line in lines:
        if line.place != ENGLAND:
            names[line.place][said(line.record["name"])] += 1
    usual = {code: counted.most_common(1)[0][0] for code, counted in names.items()}
    owners = {name: code for code, name in usual.items()}
    bad = set()
    for line in lines:
        name = said(line.record.get("name", ""))
        owner = owners.get(name)
        if line.place == ENGLAND or not name or owner is None or owner == line.place or usual[line.place] == name:
            continue
        message = (
            f"stands beside the name {name!r}, which has the code {owner} in the other rows, and {line.place} is {usual[line.place]!r} there: "
            "code and name contradict each other, and the row's numbers are left empty"
        )
        cells.problem(message, row=line.row, column=table.heading("old"), value=line.record["old"])
        bad.add((line.row, ""))
    return bad
