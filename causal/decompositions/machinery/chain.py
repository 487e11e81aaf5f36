"""The chain from children to an outcome, and what its growth is made of at every link, authority by authority.

An authority's count is a product: children × referrals per child × enquiries per referral × …; the change of a product is shared out by letting each
factor change in every order in turn and taking the mean, which adds up exactly (Das Gupta 1993, *Standardization and decomposition of rates: a user's
manual*; the Shapley value of the factors). What more children add is split once more, in the same way, into what would have come had every authority grown
as all did, the mix of deprivation (fifths of authorities that grew otherwise), and the mix within fifths. So each authority's terms add up to its change,
and all authorities' terms to the whole.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import combinations, pairwise
from math import factorial

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from causal.breakdown import Cell, Column, Figure, Table
from causal.errors import DataError, refusal
from causal.panel import Panel
from causal.words import capital, count, listed, signed

Floats = NDArray[np.float64]
LEAST_MIX = 0.005  # of what more children add: less is nothing to speak of
GROWTH, MIX, WITHIN = "Children: growth of all alike", "Children: deprivation mix", "Children: mix within fifths"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Chain:
    """The growth of one outcome, authority by authority.

    Parameters
    ----------
    words : the outcome's. years : first and last. steps : column → words.
    authorities : codes, shape (authorities,); fifth : of each, 1 the least deprived.
    first, last : counts of the outcome, shape (authorities,).
    factors : names of the terms after the first.
    terms : shape (authorities, 1 + factors): children in all, then children's three parts and every ratio.
    rates : year → deprivation and the rates of the steps, by authority.
    left_out : what was left out, as a sentence, or "".
    """

    words: str
    years: tuple[int, int]
    steps: Mapping[str, str]
    authorities: tuple[str, ...]
    fifth: NDArray[np.int64]
    first: Floats
    last: Floats
    factors: tuple[str, ...]
    terms: Floats
    rates: Mapping[int, pd.DataFrame] = field(repr=False)
    left_out: str = ""

    @property
    def change(self) -> float:
        """Of the sum of all authorities."""
        return float(self.last.sum() - self.first.sum())

    def sentences(self) -> list[str]:
        """What the terms say."""
        sums = self.terms.sum(axis=0)
        parts = sorted(zip(["more children", *self.factors[3:]], [sums[0], *sums[4:]], strict=True), key=lambda pair: -abs(pair[1]))
        terms_text = "; ".join(f"{name[:1].lower()}{name[1:]} {signed(value, 0)}, {self.share(value)}" for name, value in parts)
        many = count(len(self.authorities), "authority", "authorities")
        mix = [f"Of what more children add, the deprivation mix is {signed(sums[2], 0)}"] if abs(sums[2]) >= LEAST_MIX * abs(sums[0]) > 0 else []
        return [f"{self.grew}, in {many}", f"That growth is made of {terms_text}", *mix]

    @property
    def grew(self) -> str:
        """Plans grew by 24% from 2011 to 2018, +9,727: growth, and never a share of it."""
        percent = 100 * (self.last.sum() / self.first.sum() - 1) if self.first.sum() else float("nan")
        by = "" if not np.isfinite(percent) else f" by {abs(percent):.0f}%"
        verb = "grew" if self.change >= 0 else "fell"
        return f"{capital(self.words)} {verb}{by} from {self.years[0]} to {self.years[1]}, {signed(self.change, 0)}"

    def share(self, value: float) -> str:
        """27% of the growth; what runs against it is said to."""
        what = "growth" if self.change >= 0 else "fall"
        if not self.change:
            return "with nothing grown in all"
        part = 100 * value / self.change
        return f"{part:.0f}% of the {what}" if part >= 0 else f"against it, {abs(part):.0f}% of the {what}"

    @property
    def picture(self) -> Figure:
        """The waterfall."""
        sums = self.terms.sum(axis=0)
        terms_text = "; ".join(f"{name} {signed(value, 0)}" for name, value in zip(self.factors, sums[1:], strict=True))
        head = f"{capital(self.words)}, {self.years[0]} to {self.years[1]}"
        return Figure(
            name=f"growth_{list(self.steps)[-1]}",
            kind="waterfall",
            table="steps",
            alt=f"{head}: from {self.first.sum():,.0f} to {self.last.sum():,.0f}. {terms_text}.",
            caption=f"{head}: what the growth is made of. Terms add up exactly; {len(self.authorities)} authorities.",
            values=("contribution",),
            label="factor",
            total="kind",
            where={"outcome": head},
            axes=(capital(self.words),),
        )

    @property
    def by_fifth(self) -> Table:
        """Terms summed in fifths of authorities."""
        rows: list[tuple[Cell, ...]] = []
        for k in range(1, 6):
            here = self.fifth == k
            change = float(self.last[here].sum() - self.first[here].sum())
            name = f"{k} of 5" + (", least deprived" if k == 1 else ", most deprived" if k == 5 else "")
            rows.append((name, float(self.first[here].sum()), change, *self.terms[here].sum(axis=0)[1:]))
        head = [
            Column(name="fifth", label="Fifth of authorities", text=True),
            Column(name="first", label=str(self.years[0]), unit=self.words, places=0),
            Column(name="change", label="Change", unit=self.words, places=0),
        ]
        caption = f"{capital(self.words)} by fifth of deprivation: the same terms, {self.years[0]} to {self.years[1]}"
        return Table(name=f"fifths_{list(self.steps)[-1]}", caption=caption, columns=(*head, *self._columns()), rows=tuple(rows))

    def by_authority(self, panel: Panel) -> Table:
        """Terms of every authority, the largest change first."""
        order = np.argsort(-np.abs(self.last - self.first), kind="stable")
        rows: list[tuple[Cell, ...]] = [
            (self.authorities[i], self.years[1], self.first[i], self.last[i], self.last[i] - self.first[i], *self.terms[i, 1:]) for i in order
        ]
        head = [
            Column(name="authority", label="Authority", text=True),
            Column(name="year", label="Last year"),
            Column(name="first", label=f"In {self.years[0]}", unit=self.words, places=0),
            Column(name="last", label=f"In {self.years[1]}", unit=self.words, places=0),
            Column(name="change", label="Change", unit=self.words, places=0),
        ]
        caption = f"{capital(self.words)} by authority: terms add up to each change, {self.years[0]} to {self.years[1]}"
        return Table(name=f"authorities_{list(self.steps)[-1]}", caption=caption, columns=(*head, *self._columns()), rows=tuple(rows), shown=10)

    def _columns(self) -> list[Column]:
        keys = ["children_growth", "children_deprivation_mix", "children_mix_within", *(f"ratio_{step}" for step in self.steps)]
        return [Column(name=key, label=name, unit=self.words, places=0) for key, name in zip(keys, self.factors, strict=True)]


def chain(panel: Panel, years: tuple[int, int], steps: Mapping[str, str], measure: str) -> Chain:
    """Das Gupta's terms of an outcome's growth (1993, Standardization and decomposition of rates).

    Parameters
    ----------
    panel : counts, with the column of people.
    years : first and last.
    steps : column of each step → its words, in order, the outcome last.
    measure : column of deprivation.

    Raises
    ------
    DataError : fewer than five authorities are known at every step in both years, or some count is zero at a step before the last.
    """
    assert panel.population is not None
    columns = [panel.population, measure, *steps]
    at = {year: panel.frame[columns].xs(year, level="year") for year in years}
    both = at[years[0]].join(at[years[1]], lsuffix="|0", rsuffix="|1")
    whole = both.dropna()
    before = list(steps)[:-1]
    whole = whole[(whole[[f"{name}|{k}" for name in [panel.population, *before] for k in (0, 1)]] > 0).all(axis=1)]
    if len(whole) < 5:
        raise refusal(
            DataError,
            panel.title,
            f"five authorities known at every step to {list(steps)[-1]} in {years[0]} and {years[1]}",
            f"{len(whole)}",
            "choose other years, or fewer steps",
        )
    left = [code for code in panel.authorities if code not in whole.index]

    def counts(k: int) -> Floats:
        young = whole[f"{panel.population}|{k}"].to_numpy()
        per = np.array([(panel.variable(name).count_per or np.nan) for name in steps])
        made = np.array([young * whole[f"{name}|{k}"].to_numpy() / each for name, each in zip(steps, per, strict=True)])
        if np.isnan(made).any():
            raise refusal(
                DataError,
                panel.title,
                "rates of people at every step, since growth is told of counts",
                f"a step of {listed(list(steps))} that is none",
                "leave it out, or say its count_per in  source.variables",
            )
        return np.vstack([young, made])

    then, now = counts(0), counts(1)
    factors = [np.vstack([one[:1], one[1:] / one[:-1]]) for one in (then, now)]
    terms = das_gupta(*factors)
    rank = whole[f"{measure}|0"].rank(method="first").to_numpy()
    fifth = np.minimum((5 * (rank - 0.5) / len(rank)).astype(np.int64) + 1, 5)
    # children of one place = children of all × its fifth's share of them × its own share of its fifth
    split = []
    for young in (then[0], now[0]):
        sums = np.bincount(fifth, weights=young, minlength=6)[fifth]
        split.append(np.vstack([np.full(len(young), young.sum()), sums / young.sum(), young / sums]))
    parts = das_gupta(*split)
    weight = das_gupta_weights(*factors)[0]
    names = [GROWTH, MIX, WITHIN]
    words = list(steps.values())
    names += [f"{capital(words[0])} ÷ children", *(f"{capital(b)} ÷ {a}" for a, b in pairwise(words))]
    share = whole[f"{panel.population}|1"].sum() / at[years[1]][panel.population].sum()
    rates = {year: whole[[f"{measure}|{k}", *(f"{name}|{k}" for name in steps)]].set_axis([measure, *steps], axis=1) for k, year in enumerate(years)}
    return Chain(
        words=words[-1],
        years=years,
        steps=steps,
        authorities=tuple(str(code) for code in whole.index),
        fifth=fifth,
        first=then[-1],
        last=now[-1],
        factors=tuple(names),
        terms=np.vstack([terms[:1], parts * weight, terms[1:]]).T,
        rates=rates,
        left_out=f"{words[-1]}, {years[0]} to {years[1]}: {count(len(left), 'authority', 'authorities')} not known at every step in both years; the others "
        f"have {share:.0%} of all children"
        if left
        else "",
    )


def das_gupta_weights(first: Floats, last: Floats) -> Floats:
    """What a unit of change of each factor adds to the product: the mean over all orders of the other factors' product.

    first, last : shape (factors, places).
    """
    k = len(first)
    weights = np.zeros_like(first)
    for at in range(k):
        others = [j for j in range(k) if j != at]
        for size in range(k):
            each = factorial(size) * factorial(k - 1 - size) / factorial(k)
            for changed in combinations(others, size):
                weights[at] += each * np.prod([last[j] if j in changed else first[j] for j in others], axis=0)
    return weights


def das_gupta(first: Floats, last: Floats) -> Floats:
    """Terms of the change of a product, one for each factor, that add up exactly; shapes (factors, places).

    Parameters
    ----------
    first, last : shape (factors, places), above 0.
    """
    return np.asarray((last - first) * das_gupta_weights(first, last))
