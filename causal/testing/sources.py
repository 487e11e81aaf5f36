"""The contract of a source: it loads a checked panel, the same each time, in which every column says what it holds and where it is from."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from causal.errors import DataError
from causal.panel import Panel
from causal.testing.contract import Checked, ContractBroken, DoesNotApply, kept, kind_of, must


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """A source and what it loaded."""

    source: Any
    panel: Panel


def check_source(source: Any) -> Checked:
    """Hold a source to the contract that designs, protocols and reports rest on.

    Parameters
    ----------
    source : with its knobs, so that it can load.

    Returns
    -------
    what was looked at, and what does not apply, with the reason.

    Raises
    ------
    ContractBroken : a clause that does not hold; the message names the class, the clause, what was wanted, what came and what to try.
    CausalError : what `load` raises where the data it is pointed at cannot be used.

    Examples
    --------
    >>> from causal.testing.worlds import World
    >>> check_source(World()).on
    'made-up panel'
    """
    who = kind_of(source)
    if not callable(getattr(source, "load", None)):
        raise ContractBroken(f"{who}: it has no method load(), so it is no source")
    panel = source.load()
    if not isinstance(panel, Panel):
        raise ContractBroken(f"{who}: load must return a causal.panel.Panel, got {kind_of(panel)}")
    passed, skipped = kept(who, CLAUSES, Tried(source=source, panel=panel))
    return Checked(name=type(source).__name__, passed=("loads a panel", *passed), skipped=skipped, on=panel.title)


def loads_the_same_panel_each_time(tried: Tried) -> None:
    """A result's digest is of the data: the same source gives the same bytes."""
    again = tried.source.load()
    must(again.digest == tried.panel.digest, "loading twice gave two panels; seed what is drawn, sort what is read")


def says_what_every_column_holds(tried: Tried) -> None:
    """A label, a unit and a source for each: reports print them and make up none."""
    for one in tried.panel.variables:
        for key in ("label", "unit", "source"):
            must(str(getattr(one, key)).strip(), f"column {one.name!r} has no {key}; every Variable says label, unit and source")
        must(one.varies in ("both", "authority", "year"), f"column {one.name!r}: varies must be 'both', 'authority' or 'year', got {one.varies!r}")


def varies_as_each_column_says(tried: Tried) -> None:
    """What is called lasting is constant within an authority, and what is called national is the same for all in a year."""
    for one in tried.panel.variables:
        if one.varies != "both":
            column = tried.panel.frame[one.name]
            spread = column.groupby(level=one.varies).agg(np.ptp) if column.notna().any() else column
            off = spread[spread > 1e-9 * max(1.0, float(column.abs().max()))]
            must(
                not len(off), f"column {one.name!r} says that it varies by {one.varies} alone, and it does not within {list(off.index[:3])}; say varies='both'"
            )


def names_its_population_and_its_places(tried: Tried) -> None:
    """A rate can be told as a count where somebody is counted."""
    must(tried.panel.title.strip(), "the panel has no title; say in a few words what these data are")
    must((tried.panel.places["name"].astype(str).str.strip() != "").all(), "places must give a name for every authority")
    rates = [one.name for one in tried.panel.variables if one.count_per is not None]
    if not rates:
        raise DoesNotApply("no column is a rate (count_per)")
    must(tried.panel.population is not None, f"{', '.join(rates)} are rates, and population names no column that counts the people; set Panel.population")


def gives_reasons_for_numbers_that_are_missing_only(tried: Tried) -> None:
    """A mark stands where a number does not."""
    reasons = tried.panel.reasons
    if not len(reasons):
        raise DoesNotApply("it gives no reasons")
    for (authority, year, name), mark in zip(reasons.index.to_list(), reasons.to_list(), strict=True):
        if name in tried.panel.frame and (authority, year) in tried.panel.frame.index:
            must(
                bool(tried.panel.frame[name].isna().loc[(authority, year)]),
                f"{name} of {authority!r} in {year} has the mark {mark!r} and a number too; a mark is a missing number, never 0",
            )


def says_what_it_has_where_a_column_is_not_there(tried: Tried) -> None:
    """A wrong name is met with the names that exist."""
    try:
        tried.panel.variable("no such column")
    except DataError:
        return
    raise ContractBroken("panel.variable('no such column') raised nothing")


CLAUSES: tuple[Callable[[Tried], None], ...] = (
    loads_the_same_panel_each_time,
    says_what_every_column_holds,
    varies_as_each_column_says,
    names_its_population_and_its_places,
    gives_reasons_for_numbers_that_are_missing_only,
    says_what_it_has_where_a_column_is_not_there,
)
