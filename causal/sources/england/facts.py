"""What was said of England in print, beside what the published files give: F1 to F8 and F15, each with its source, and why not where it does not agree.

A fact agrees when the files give the printed figure at the printed precision. The list is a test of the readers as much as of the statements: every figure
goes the whole way from cell to panel.
"""

from __future__ import annotations

import textwrap
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from causal.sources.england.extract import ENGLAND
from causal.sources.england.making import CENSUS_2011, CHILDREN, accounts, by_year
from causal.sources.england.places import TOO_SMALL
from causal.sources.england.source import England
from causal.words import signed

NAO = "NAO, Pressures on children's social care, January 2019"
PAC = "Committee of Public Accounts, Transforming children's services, March 2019"
FIRST, LAST = 2011, 2018  # 2010-11 and 2017-18


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """One statement and what the files give.

    Parameters
    ----------
    key : F1, …; said, source : the statement and who made it.
    found : what the files give, in words with numbers.
    numbers : the same as numbers by name.
    agrees : whether the files give the printed figure; None if they do not hold what it takes.
    why : why not, or what to know about it.
    """

    key: str
    said: str
    source: str
    found: str
    numbers: dict[str, float]
    agrees: bool | None
    why: str = ""


class _Lacking(Exception):
    """A number that the folder does not hold."""


class _Files:
    """The folder's numbers, asked for by name."""

    def __init__(self, england: England) -> None:
        # the statements are about authorities as they were, and children as they were counted then
        then = CENSUS_2011 if england.making().numbers.has(CHILDREN[CENSUS_2011]) else None
        self._england = replace(england, places="published", population_series=then)
        self.made = self._england.making()
        self.steady = replace(england, places="stable", population_series=then).making()  # numbers that are not printed for all boundaries

    def national(self, quantity: str, year: int) -> float:
        """England's own row, as printed."""
        return self._one(self._take(quantity), ENGLAND, year, quantity)

    def by_place(self, quantity: str, year: int, *, small: bool = False) -> pd.Series:
        """Authorities' numbers of a year; the two smallest left out unless asked for."""
        values = self._take(quantity)
        if year not in values.index.get_level_values("year"):
            raise _Lacking(self._england.wants(quantity, year))
        here = values.xs(year, level="year").drop(ENGLAND, errors="ignore").dropna()
        here = here if small else here[~here.index.isin(list(TOO_SMALL))]
        if not len(here):
            raise _Lacking(self._england.wants(quantity, year))
        return here

    def of(self, variable: str, year: int, *, steady: bool = False) -> pd.Series:
        """A variable's numbers of a year."""
        values = (self.steady if steady else self.made).made.get(variable)
        here = None if values is None or year not in values.index.get_level_values("year") else values.xs(year, level="year").dropna()
        if here is None or not len(here):
            raise _Lacking(f"{variable} of {year}")
        return here

    def first(self, quantity: str, year: int) -> pd.Series:
        """Authorities' numbers of a year as first published, the two smallest left out."""
        self.by_place(quantity, year)
        cells = self.made.numbers.raw(quantity)
        cells = cells[(cells["year"] == year) & ~cells["place"].isin([ENGLAND, *TOO_SMALL])].sort_values("released", kind="stable")
        values: pd.Series = cells.groupby(cells["place"].astype(str))["value"].first()
        return values.dropna()

    def name(self, code: str) -> str:
        return str(self.made.names.get(code, code))

    def _take(self, quantity: str) -> pd.Series:
        if not self.made.numbers.printed(quantity):
            raise _Lacking(self._england.wants(quantity))
        values: pd.Series = self.made.numbers.take(quantity)["value"]
        return values

    def _one(self, values: pd.Series, code: str, year: int, quantity: str) -> float:
        value = values.get((code, year), np.nan)
        if not np.isfinite(value):
            raise _Lacking(self._england.wants(quantity, year))
        return float(value)


def facts(england: England) -> list[Fact]:
    """Every fact, in order.

    Raises
    ------
    DataError : there is no such folder, or nothing in it is recognised.
    """
    files = _Files(england)
    out = []
    for key, said, source, ask in ASKED:
        try:
            out.append(Fact(key=key, said=said, source=source, **ask(files)))
        except _Lacking as lacking:
            out.append(Fact(key=key, said=said, source=source, found="these files do not hold it", numbers={}, agrees=None, why=f"needs {lacking}"))
    return out


def facts_text(found: list[Fact]) -> str:
    """The facts as lines for a person."""
    lines = []
    for fact in found:
        verdict = {True: "agrees", False: "does not agree", None: "cannot be computed"}[fact.agrees]
        lines.append(f"{fact.key:<4}{verdict}")
        for label, text in (("said", f"{fact.said} ({fact.source})"), ("found", fact.found), ("why", fact.why)):
            if text:
                lines += textwrap.wrap(text, 110, initial_indent=f"    {label + ':':<7}", subsequent_indent=" " * 11)
    agreed = sum(fact.agrees is True for fact in found)
    lines.append(f"{agreed} of {len(found)} agree")
    return "\n".join(lines)


def plain(found: list[Fact]) -> list[dict[str, Any]]:
    """The facts for a machine."""
    return [asdict(fact) for fact in found]


def _growth(quantity: str, words: str, percent: int, last: float) -> Callable[[_Files], dict[str, Any]]:
    def ask(files: _Files) -> dict[str, Any]:
        then, now = files.national(quantity, FIRST), files.national(quantity, LAST)
        change = (now / then - 1) * 100
        return {
            "found": f"{now:,.0f} {words} in 2017-18 against {then:,.0f} in 2010-11: {change:+.1f} %",
            "numbers": {"first": then, "last": now, "percent": change},
            "agrees": round(change) == percent and now == last,
            "why": "2010-11 is rounded as first published, 2017-18 as revised in 2022",
        }

    return ask


def _care(files: _Files) -> dict[str, Any]:
    then, now = (float(files.by_place("looked_after", year, small=True).sum()) for year in (FIRST, LAST))
    young = [float(files.of("children", year, steady=True).sum()) for year in (FIRST, LAST)]
    change, growth = (now / then - 1) * 100, (young[1] / young[0] - 1) * 100
    return {
        "found": f"{now:,.0f} children looked after against {then:,.0f}, sums of authorities: {change:+.1f} %; children aged 0 to 17 {growth:+.1f} %",
        "numbers": {"first": then, "last": now, "percent": change, "population_percent": growth},
        "agrees": round(change) == 15 and change > 2 * growth,
    }


def _episodes(files: _Files) -> dict[str, Any]:
    episodes = files.by_place("need_episodes", LAST)
    rate = (episodes / files.of("children", LAST).reindex(episodes.index) * 10_000).dropna()
    if not len(rate):
        raise _Lacking("episodes and children of the same authorities")
    low, high = str(rate.idxmin()), str(rate.idxmax())
    return {
        "found": f"{rate[low]:,.1f} ({files.name(low)}) to {rate[high]:,.1f} ({files.name(high)}) episodes per 10,000 children, "
        "without the two smallest authorities",
        "numbers": {"lowest": float(rate[low]), "highest": float(rate[high])},
        "agrees": round(rate[low]) in (300, 301) and round(rate[high]) == 1323,
        "why": "the lowest is 300.5, printed as 301; another NAO table gives the highest as 1,343",
    }


def _unit_cost(files: _Files) -> dict[str, Any]:
    cash, episodes = files.by_place("social_work_gross", LAST), files.by_place("need_episodes", LAST)
    each = (cash / episodes.reindex(cash.index)).dropna()
    if not len(each):
        raise _Lacking("social work and episodes of the same authorities")
    low, high = str(each.idxmin()), str(each.idxmax())
    return {
        "found": f"£{each[low]:,.0f} ({files.name(low)}) to £{each[high]:,.0f} ({files.name(high)}): gross section 251 social work ÷ episodes of need",
        "numbers": {"lowest": float(each[low]), "highest": float(each[high])},
        "agrees": (round(each[low]), round(each[high])) == (566, 5166),
    }


def _prevention(files: _Files) -> dict[str, Any]:
    shares = []
    for year in (FIRST, LAST):
        total, looked_after, safeguarding, justice = (
            float(files.by_place(f"{line}_gross", year, small=True).sum())
            for line in ("children_services", "looked_after_children", "safeguarding", "youth_justice")
        )
        shares.append((total - looked_after - safeguarding - justice) / (total - justice) * 100)
    return {
        "found": f"{shares[0]:.1f} % in 2010-11, {shares[1]:.1f} % in 2017-18",
        "numbers": {"first": shares[0], "last": shares[1]},
        "agrees": abs(shares[0] - 41) <= 0.55 and round(shares[1]) == 25,
        "why": "(total − looked after − safeguarding − youth justice) ÷ (total − youth justice), gross; 40.5 is printed as 41",
    }


def _spending_power(files: _Files) -> dict[str, Any]:
    last = files.of("spending_power", LAST)
    last = last[~last.index.isin(list(TOO_SMALL))]
    change = {"the mean authority": float(last.mean() - 100)}
    if files.made.numbers.has("spending_power_level"):
        levels = by_year(files.made.take("spending_power_level"))
        level = levels[min(levels)].reindex(last.index)
        if level.notna().all():
            change["all authorities, weighted by their spending power of 2011-12"] = float((last * level).sum() / level.sum() - 100)
    if "spending_power_accounts" in files.made.made:
        cash = by_year(accounts(files.made))
        both = pd.concat([cash.get(year, pd.Series(dtype=float)) for year in (FIRST, LAST)], axis=1).dropna()
        prices = files.made.prices(pd.MultiIndex.from_product([[ENGLAND], [FIRST, LAST]], names=["code", "year"])).to_numpy()
        if len(both):
            change["all authorities, from their accounts"] = float((both.iloc[:, 1].sum() * prices[1] / (both.iloc[:, 0].sum() * prices[0]) - 1) * 100)
    words = "; ".join(f"{signed(value, 1)} % ({who})" for who, value in change.items())
    return {
        "found": f"real terms, 2010-11 to 2017-18: {words}",
        "numbers": change,
        "agrees": any(abs(value + 28.6) < 0.05 for value in change.values()),
        "why": "the NAO's own measure of spending power is not public, so its figure cannot be reproduced; the public measures differ in what they count "
        "as spending power and in how they weigh authorities" + (", and all fall short of it" if min(change.values()) > -28.6 else ""),
    }


def _re_referrals(files: _Files) -> dict[str, Any]:
    share = (files.first("re_referrals", 2015) / files.first("referrals", 2015) * 100).dropna()
    if not len(share):
        raise _Lacking("referrals and re-referrals of 2014-15")
    low, high = str(share.idxmin()), str(share.idxmax())
    return {
        "found": f"{share[low]:.1f} % ({files.name(low)}) to {share[high]:.1f} % ({files.name(high)}) in 2014-15, as first published, without the two smallest",
        "numbers": {"lowest": float(share[low]), "highest": float(share[high])},
        "agrees": (round(share[low]), round(share[high])) == (6, 46),
        "why": "the newest figures that a report of December 2016 could rest on for outcomes of 2014-15; a year later the range was 7 % to 66 %",
    }


ASKED: tuple[tuple[str, str, str, Callable[[_Files], dict[str, Any]]], ...] = (
    ("F1", "655,630 referrals in 2017-18, 7 % more than in 2010-11", NAO, _growth("referrals", "referrals", 7, 655_630)),
    ("F2", "child protection assessments rose by 77 %", NAO, _growth("section47", "section 47 enquiries", 77, 198_090)),
    ("F3", "children on child protection plans rose by 26 %", PAC, _growth("plans", "children on plans", 26, 53_790)),
    ("F4", "children taken into care rose by 15 %, over twice population growth", NAO, _care),
    ("F5", "episodes of need range from 301 to 1,323 per 10,000 children", NAO, _episodes),
    ("F6", "spending ranges from £566 to £5,166 per child in need", NAO, _unit_cost),
    ("F7", "prevention fell from 41 % to 25 % of spending on children's services", f"{NAO}, as quoted by Bywaters", _prevention),
    ("F8", "spending power fell by 28.6 % in real terms, 2010-11 to 2017-18", NAO, _spending_power),
    ("F15", "re-referral rates range from 6 % to 46 % between authorities", "Committee of Public Accounts, December 2016", _re_referrals),
)
