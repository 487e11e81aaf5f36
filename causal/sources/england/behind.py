"""What stands behind a number: the cells that it rests on, and, where it is missing, why."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from causal.sources.england.making import BANDS, CENSUS_2011, CHILDREN, PRICES, Making
from causal.sources.england.variables import BY_NAME, Made
from causal.words import listed


def behind(one: Made, year: int, series: str = CENSUS_2011) -> dict[str, set[int]]:
    """Every quantity behind a number, and the years of it that enter.

    Parameters
    ----------
    one : a variable, and what it is made of.
    year : of the number, ended 31 March.
    series : of children.
    """
    own = {*one.anchors} if one.varies == "authority" else {year, *one.anchors}
    out = {quantity: set(own) for quantity in (*one.needs, *one.helps)}
    if one.chained:
        out["spending_power_change"] = set(range(min(one.anchors) + 1, year + 1))
    if "gdp_deflator" in out and not one.chained:
        out["gdp_deflator"] |= {PRICES}
    if one.name == "children" and series != CENSUS_2011:
        out.pop(CHILDREN[CENSUS_2011], None)
        out.pop("population_0_17_cla", None)
    if one.per_children or one.name == "children":
        for when in own:
            out.setdefault(CHILDREN[series], set()).add(max(when, 2013))
            for band in BANDS if when < 2013 else ():
                out.setdefault(band, set()).update({when, 2013})
            if when >= 2022 and series == CENSUS_2011:
                out.setdefault("population_0_17_cla", set()).add(when)
    return out


def reasons(frame: pd.DataFrame, making: Making) -> pd.Series:
    """Why each number is missing: the mark that stands in the first cell it needs.

    Parameters
    ----------
    frame : shape (authority-years, variables), NaN where missing.
    making : the printed cells with their marks.

    Returns
    -------
    reasons : indexed by (authority, year, variable).
    """
    code, year = frame.index.get_level_values("authority"), frame.index.get_level_values("year")
    known: dict[tuple[str, int | None], Any] = {}

    def marks(quantity: str, anchor: int | None) -> Any:
        """The mark in each row's cell of this quantity, "" where there is a number or no cell; several variables ask for the same."""
        if (quantity, anchor) not in known:
            found = making.numbers.take(quantity)["mark"]
            found = found[found != ""]
            at = pd.MultiIndex.from_arrays([code, year if anchor is None else [anchor] * len(year)])
            known[quantity, anchor] = found.reindex(at).fillna("").to_numpy(dtype=object) if len(found) else None
        return known[quantity, anchor]

    rows, names, said = [], [], []
    implausible: dict[tuple[str, int, str], str] = {}
    for name in frame.columns:
        empty = np.flatnonzero(frame[name].isna().to_numpy())
        one = BY_NAME[str(name)]
        first = np.full(len(empty), "", dtype=object)
        people = CHILDREN[making.choices.population_series]
        under = (people,) if one.per_children and making.numbers.has(people) else ()
        own = (people,) if one.name == "children" else one.needs
        for quantity, anchor in ((need, at) for need in (*own, *under) for at in (None, *one.anchors) if len(empty)):
            here = marks(quantity, anchor)
            if here is not None:
                first = np.where(first == "", here[empty], first)
        printed = first != ""
        rows.append(empty[printed])
        names += [str(name)] * int(printed.sum())
        said.append(first[printed])
        for quantity, code_, when, _ in making.wrong if len(empty) else ():
            if quantity in one.needs and (code_, when) in frame.index and frame[name].isna()[code_, when]:
                implausible[code_, when, str(name)] = "implausible"
    at = np.concatenate(rows)
    index = pd.MultiIndex.from_arrays([code[at], year[at], names], names=["authority", "year", "variable"])
    found = pd.Series(np.concatenate(said), index=index, dtype=object)
    for where, word in implausible.items():
        found.loc[where] = word
    return found.sort_index()


def bare(frame: pd.DataFrame) -> list[str]:
    """Years in which a variable has no number for anybody, as sentences, variables with the same years together."""
    empty = frame.isna().groupby(level="year").all()
    same: dict[tuple[int, ...], list[str]] = {}
    for name in empty:
        if years := tuple(int(year) for year in empty.index[empty[name]]):
            same.setdefault(years, []).append(str(name))
    return [f"no number for anybody in {listed([str(year) for year in years])}: {', '.join(names)}" for years, names in same.items()]
