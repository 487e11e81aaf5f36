"""All numbers of a folder by quantity, place and year, each with the cells that it was made of.

Three steps, the same for every quantity: of several releases the latest stands (one that withholds a number withholds it); parts printed in several cells are
added up; and authorities that were merged or split become the panel's places. A number of which any part is missing is missing, with the mark that stands in
the missing cell.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from causal.sources.england.extract import ENGLAND
from causal.sources.england.places import REORGANISATIONS, UNIT, Places

Array = NDArray[Any]

# Quantities that cannot be added up over places: averaged, weighted by children.
AVERAGED = frozenset(
    {"spending_power_change"}
    | {f"{index}_{year}_{kind}" for index in ("imd", "idaci") for year in (2015, 2019) for kind in ("score", "extent", "rank")}
    | {"road_injuries", "low_income_share"}
)

NATIONAL = frozenset({"gdp_deflator", "producer_prices"})
PART_MISSING = "a part is missing"  # mark of a merged place of which a file prints only some of the authorities


@dataclass(frozen=True, kw_only=True, eq=False)
class Numbers:
    """Numbers of one folder.

    Parameters
    ----------
    cells : one row for each printed number: `place` (DfE code), `year`, `quantity`, `part`, `value`, `mark`, `file`, `sheet`, `row`, `column`, `released`.
    places : who is who.
    """

    cells: pd.DataFrame
    places: Places

    @cached_property
    def _at(self) -> dict[str, Array]:
        """Quantity → rows of `cells`."""
        codes = self.cells["quantity"].cat.codes.to_numpy()
        order = np.argsort(codes, kind="stable")
        ends = np.searchsorted(codes[order], np.arange(len(self.cells["quantity"].cat.categories) + 1))
        return {str(name): order[ends[i] : ends[i + 1]] for i, name in enumerate(self.cells["quantity"].cat.categories) if ends[i + 1] > ends[i]}

    def raw(self, quantity: str) -> pd.DataFrame:
        """The printed cells of a quantity, of all releases."""
        return self.cells.iloc[self._at.get(quantity, np.empty(0, dtype=int))]

    def take(self, quantity: str) -> pd.DataFrame:
        """Numbers of a quantity: columns `value` and `mark`, indexed by (code, year), sorted; the country stands under `ENGLAND`."""
        return self._taken[quantity]

    def first(self, quantity: str) -> pd.DataFrame:
        """As `take`, of the release that printed each number first."""
        cells = self.raw(quantity)
        earliest = cells.groupby(["place", "year"], observed=True)["released"].transform("min")
        return Numbers(cells=cells[cells["released"] == earliest], places=self.places).take(quantity)

    def has(self, quantity: str) -> bool:
        """Whether this quantity is there for any place; the country alone counts for what only it has (prices)."""
        if quantity not in self._taken:
            return False
        return quantity in NATIONAL or bool((self._taken[quantity].index.get_level_values("code") != ENGLAND).any())

    def printed(self, quantity: str) -> bool:
        """Whether this quantity is there for any place or for the country."""
        return quantity in self._taken

    @cached_property
    def _taken(self) -> dict[str, pd.DataFrame]:
        """Every quantity, joined: one pass over all cells, since there are some hundred quantities."""
        cells = self.cells
        quantity, place = cells["quantity"].cat.codes.to_numpy(np.int64), cells["place"].cat.codes.to_numpy(np.int64)
        year, released = cells["year"].to_numpy(np.int64), cells["released"].to_numpy(np.int64)
        value, mark = cells["value"].to_numpy(float), cells["mark"].cat.codes.to_numpy(np.int64)
        # printed cells → one number for each (quantity, place, year), of the latest release
        group, first = groups(quantity, place, year)
        latest = np.zeros(len(first), dtype=np.int64)
        np.maximum.at(latest, group, released)
        kept = released == latest[group]
        value, mark = _add(group[kept], value[kept], mark[kept], len(first))
        quantity, place, year = quantity[first], place[first], year[first]
        names = cells["place"].cat.categories.astype(str).to_numpy()
        quantities = cells["quantity"].cat.categories.astype(str).to_numpy()
        quantity, code, year, value, mark = self._joined(quantity, names[place], year, value, mark, quantities)
        marks = np.append(cells["mark"].cat.categories.astype(str).to_numpy(dtype=object), PART_MISSING)
        order = np.lexsort((year, code, quantity))
        quantity, code, year, value, mark = (array[order] for array in (quantity, code, year, value, mark))
        words = np.where(np.isnan(value), marks[mark], "")
        ends = np.searchsorted(quantity, np.arange(len(quantities) + 1))
        out = {}
        for i, name in enumerate(quantities):
            here = slice(ends[i], ends[i + 1])
            if here.stop > here.start:
                index = pd.MultiIndex.from_arrays([code[here], year[here]], names=["code", "year"])
                out[str(name)] = pd.DataFrame({"value": value[here], "mark": words[here]}, index=index)
        return out

    def _joined(self, quantity: Array, code: Array, year: Array, value: Array, mark: Array, quantities: Array) -> tuple[Array, Array, Array, Array, Array]:
        """Authorities as printed become places of the panel.

        Merged places take the parts of before or of after, whichever is complete. As published, a number printed for boundaries of other years is summed
        where its parts make up the one authority of that year, and left out otherwise.
        """
        inside = np.isin(code, list(UNIT))
        out = [(quantity[~inside], code[~inside], year[~inside], value[~inside], mark[~inside])]
        averaged = np.isin(quantities, list(AVERAGED))
        weight = self._weights()
        incomplete = len(self.cells["mark"].cat.categories)  # the mark after the printed ones
        for one in REORGANISATIONS:
            taken: Array = np.empty(0, dtype=np.int64)
            seen: Array = np.empty(0, dtype=np.int64)
            # a file may print both, one of them all marks (not applicable): whichever has numbers comes first
            for side, numbers_only in ((one.before, True), (one.after, True), (one.before, False), (one.after, False)):
                if not numbers_only and not self.places.merged:
                    continue
                here = np.flatnonzero(np.isin(code, list(side)))
                if not len(here):
                    continue
                group, first = groups(quantity[here], year[here])
                complete = np.bincount(group, minlength=len(first)) == len(side)
                heavy = np.array([weight.get(each, np.nan) for each in code[here]])
                mean = averaged[quantity[here]] & (len(side) > 1)
                share = np.where(mean, heavy / np.bincount(group, weights=heavy, minlength=len(first))[group], 1.0)
                total, why = _add(group, value[here] * share, mark[here], len(first))
                when, what = year[here][first], quantity[here][first]
                seen = np.union1d(seen, what * 10_000 + when)
                if self.places.merged:
                    known = np.bincount(group, weights=~np.isnan(value[here]), minlength=len(first)) > 0
                    use = complete & (known | (not numbers_only)) & ~np.isin(what * 10_000 + when, taken)
                    out.append((what[use], np.full(int(use.sum()), one.unit), when[use], total[use], why[use]))
                    taken = np.concatenate([taken, (what * 10_000 + when)[use]])
                    continue
                late = year[here] > one.until
                direct = here[np.where(year[here] == 0, True, late if side is one.after else ~late)]
                out.append((quantity[direct], code[direct], year[direct], value[direct], mark[direct]))
                other = one.after if side is one.before else one.before
                if len(other) == 1:  # printed for the parts, in a year that had the whole, and not for the whole too
                    itself = np.isin(code, list(other))
                    use = complete & (when != 0) & ((when <= one.until) if side is one.after else (when > one.until))
                    use &= ~np.isin(what * 10_000 + when, quantity[itself] * 10_000 + year[itself])
                    out.append((what[use], np.full(int(use.sum()), next(iter(other))), when[use], total[use], why[use]))
            if self.places.merged:
                lost = np.setdiff1d(seen, taken)
                empty = np.full(len(lost), np.nan)
                out.append((lost // 10_000, np.full(len(lost), one.unit), lost % 10_000, empty, np.full(len(lost), incomplete)))
        columns = [np.concatenate(parts) for parts in zip(*out, strict=True)]
        return columns[0], columns[1].astype(str), columns[2], columns[3], columns[4]

    def _weights(self) -> dict[str, float]:
        """Children aged 0 to 17 by code as printed, in the first year known: the weights of averages."""
        rows = self.raw("population_0_17")
        rows = rows if len(rows) else self.raw("population_0_17_rebased")
        rows = rows[rows["value"].notna() & (rows["place"] != ENGLAND)].sort_values("year", kind="stable")
        return {str(code): float(value) for code, value in rows.groupby("place", observed=True)["value"].first().items()}


def groups(*keys: Array) -> tuple[Array, Array]:
    """Group of each row by its keys (non-negative whole numbers), and the first row of each group."""
    combined = np.zeros(len(keys[0]), dtype=np.int64)
    for key in keys:
        combined = combined * (int(key.max(initial=0)) + 1) + key
    _, first, group = np.unique(combined, return_index=True, return_inverse=True)
    return group, first


def _add(group: Array, value: Array, mark: Array, groups: int) -> tuple[Array, Array]:
    """Sums by group; NaN where any member is, with the mark of one that is."""
    missing = np.isnan(value)
    total = np.bincount(group, weights=np.where(missing, 0.0, value), minlength=groups)
    lacks = np.bincount(group, weights=missing, minlength=groups) > 0
    why = np.full(groups, -1, dtype=np.int64)
    np.maximum.at(why, group[missing], mark[missing])
    return np.where(lacks, np.nan, total), np.where(lacks, why, 0)
