"""Cost and quality by authority, beside what is expected of places like it (PAC 2016, 2019): funnels, not a league table.

What is expected comes from a regression over all places on what they cannot help (deprivation): Poisson for counts, straight lines in the logarithm for
money, logistic for ratings. A place beyond the limits is unusual beside its peers, which is a reason to ask why and not an answer. Whether cost and ratings
go together over places is told by their rank correlation with its interval, each authority being one observation.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from causal.arrays import Floats
from causal.breakdown import Breakdown, Case, Column, Figure, Mark, Other, Setting, Table, others_said
from causal.decompositions.machinery.funnel import WIDE, Funnel, of_amounts, of_counts, of_shares
from causal.errors import ConfigError, DataError, refusal, suggest
from causal.modifier import base_year
from causal.panel import Panel
from causal.words import capital, count, listed, places

FEWEST = 20


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Indicator:
    """One funnel: which column, in which year (None: all years together), for which authorities, as a table and words tell it."""

    column: str
    label: str
    kind: str
    year: int | None
    authorities: tuple[str, ...]
    observed: Floats
    expected: Floats
    funnel: Funnel


@dataclass(frozen=True, slots=True, kw_only=True)
class Peers:
    """Counts, costs and ratings beside those of peers.

    Parameters
    ----------
    counts : columns that are rates per people, told as counts.
    costs : columns of money.
    rating : column with a rating for each authority and year in which one was given; None: no ratings.
    good_from : the rating from which on it is good.
    good_is : "high" or "low": on which side of `good_from` good ratings lie.
    adjust : columns that places cannot help, as in the first year known.
    others : what others found of cost and quality side by side.
    """

    counts: tuple[str, ...] = ("plans", "looked_after")
    costs: tuple[str, ...] = ("spend_per_child_in_need", "preventative_spend_per_child")
    rating: str | None = "good_or_outstanding"
    good_from: float = 0.5
    good_is: str = "high"
    adjust: tuple[str, ...] = ("deprivation",)
    others: Sequence[Other] = ()

    def __post_init__(self) -> None:
        for key in ("counts", "costs", "adjust"):
            object.__setattr__(self, key, tuple(getattr(self, key)))
        if self.good_is not in ("high", "low"):
            raise refusal(ConfigError, "decomposition.good_is", "'high' or 'low'", repr(self.good_is), "write  decomposition.good_is=low")

    @property
    def name(self) -> str:
        """Its name on the shelf."""
        return "peers"

    def decompose(self, case: Case, rng: np.random.Generator) -> Breakdown:
        """Expect, compare, set limits; nothing is drawn.

        Parameters
        ----------
        case : of which the panel alone is read.
        rng : not used.

        Raises
        ------
        DataError : none of the columns is there, or what places cannot help is not known.
        """
        del rng
        panel, notes = case.panel, []
        if missing := [name for name in self.adjust if name not in panel.names]:
            raise refusal(
                DataError,
                "decomposition.adjust",
                f"columns of {panel.title} to adjust for",
                f"{listed(missing)}, which it does not have",
                suggest(missing[0], panel.names),
            )
        found: list[Indicator] = []
        wanted = [*((one, "count") for one in self.counts), *((one, "cost") for one in self.costs), *([(self.rating, "rating")] if self.rating else [])]
        for column, kind in wanted:
            made, why = self._indicator(panel, column, kind)
            if made is None:
                notes.append(f"{capital(column.replace('_', ' '))}: {why}")
            else:
                found.append(made)
        if not found:
            raise refusal(DataError, panel.title, "something to compare", f"nothing: {'; '.join(notes)}", "ask for other outcomes or years")
        return _told(self, case, found, notes)

    def _indicator(self, panel: Panel, column: str, kind: str) -> tuple[Indicator | None, str]:
        """One funnel, or why there is none."""
        if column not in panel.names:
            which = "counts" if kind == "count" else "costs" if kind == "cost" else "rating"
            return None, f"not in these data (decomposition.{which}; a table of your own comes by source=table)"
        variable, frame = panel.variable(column), panel.frame
        if kind == "count" and (not variable.count_per or panel.population is None):
            return None, "not a rate per people, or the number of people is not known"
        year: int | None = None
        if kind == "rating":
            known = frame[column].dropna()
            good = (known >= self.good_from) if self.good_is == "high" else (known <= self.good_from)
            table = pd.DataFrame({"observed": good.groupby(level="authority").sum(), "size": good.groupby(level="authority").size()}).astype(float)
        else:
            filled = frame[column].notna().groupby(level="year").sum()
            if not (filled >= FEWEST).any():
                return None, f"no year in which {FEWEST} authorities have it"
            year = int(filled[filled >= FEWEST].index.max())
            now = frame.xs(year, level="year")
            people = now[panel.population] if panel.population else pd.Series(1.0, index=now.index)
            table = pd.DataFrame({"observed": now[column], "size": people})
            if kind == "count":
                table["observed"] = (table["observed"] * table["size"] / (variable.count_per or 1.0)).round()
            else:
                table = table[table["observed"] > 0]
        causes = {f"by {name}": base_year(panel, name).groupby(level="authority").first() for name in self.adjust}
        table = table.join(pd.DataFrame(causes)).dropna()
        table = table[table["size"] > 0]
        if len(table) < FEWEST:
            return None, f"known for {count(len(table), 'authority', 'authorities')}, and at least {FEWEST} are wanted"
        observed, size = (table[name].to_numpy(dtype=float) for name in ("observed", "size"))
        expected = _expected(kind, observed, size, table[list(causes)].to_numpy(dtype=float))
        if kind == "count":
            funnel = of_counts(observed, expected)
        elif kind == "cost":
            funnel = of_amounts(observed, expected, size)
        else:
            funnel = of_shares(observed, size, expected / size)
        authorities = tuple(str(one) for one in table.index)
        label = "good ratings" if kind == "rating" else variable.label
        return Indicator(
            column=column, label=label, kind=kind, year=year, authorities=authorities, observed=observed, expected=expected, funnel=funnel
        ), ""  # fmt: skip


def _expected(kind: str, observed: Floats, size: Floats, causes: Floats) -> Floats:
    """What places like each have, shape (places,), by regression on causes, shape (places, k)."""
    from sklearn.linear_model import LinearRegression, LogisticRegression, PoissonRegressor

    spread = causes.std(axis=0)
    x = (causes - causes.mean(axis=0)) / np.where(spread > 0, spread, 1.0)
    if kind == "cost":
        return np.asarray(np.exp(LinearRegression().fit(x, np.log(observed)).predict(x)))
    if kind == "count":
        return np.asarray(PoissonRegressor(alpha=0.0, max_iter=1000, tol=1e-9).fit(x, observed / size, sample_weight=size / size.mean()).predict(x) * size)
    share = observed.sum() / size.sum()
    if not 0 < share < 1:
        return np.asarray(size * np.clip(share, 1e-3, 1 - 1e-3))
    # a nearly flat penalty: places that are told apart wholly by deprivation would otherwise have no answer
    model = LogisticRegression(C=1e4, max_iter=1000)
    model.fit(np.vstack([x, x]), np.r_[np.ones(len(x)), np.zeros(len(x))], sample_weight=np.r_[observed, size - observed])
    return np.asarray(model.predict_proba(x)[:, 1] * size)


Together = tuple[Indicator, Indicator, list[str], Floats, tuple[float, float, float]]  # cost, rating, authorities, both beside peers, rank correlation


def _told(knobs: Peers, case: Case, found: Sequence[Indicator], notes: list[str]) -> Breakdown:
    panel = case.panel
    names = panel.places["name"] if "name" in panel.places else pd.Series(panel.places.index, index=panel.places.index)
    adjusted = listed([panel.variable(name).label for name in knobs.adjust]) or "nothing"
    tables, figures, said, unusual, summary = [], [], [], [], []
    for one in found:
        funnel, rows = one.funnel, sorted(range(len(one.authorities)), key=lambda i, one=one: str(names[one.authorities[i]]))  # type: ignore[misc]
        when = f"in {one.year}" if one.year is not None else "in all years"
        high, low = int(funnel.high.sum()), int(funnel.low.sum())
        summary.append((one.label, when, len(rows), high, low, 100 * funnel.spread))
        unusual += [
            (str(names[one.authorities[i]]), one.label, "more than its peers" if funnel.high[i] else "less than its peers", 100 * funnel.ratio[i])
            for i in rows
            if funnel.high[i] or funnel.low[i]
        ]
        tables.append(_funnel_table(one, names, rows, adjusted, when))
        if len(np.unique(funnel.size)) > 2:  # a funnel of one width is a line of points, which the table tells better
            figures.append(_funnel_figure(one, adjusted, when, high, low))
        said.append(
            f"{capital(one.label)} {when}: of {len(rows)} authorities {high or 'none'} {'lies' if high <= 1 else 'lie'} above and {low or 'none'} below the "
            f"limits; the usual spread between peers is {funnel.spread:.0%} of what is expected"
        )
    together = _together(found)
    if together is not None:
        table, figure, sentence = _linked(together, names, adjusted)
        tables.append(table)
        figures.append(figure)
        said.append(sentence)
    total = len({name for name, *_ in unusual})
    places_total = len({code for one in found for code in one.authorities})
    return Breakdown(
        name="peers",
        title="Cost and quality by authority, beside peers",
        asks=f"Which authorities are unusual beside places of the same {adjusted}, in {listed([one.label for one in found])}?",
        headline=(
            f"Of {places_total} authorities {total or 'none'} {'is' if total <= 1 else 'are'} unusual beside peers in at least one of "
            f"{count(len(found), 'measure')}."
        ),
        second=(
            f"Peers are places of the same {adjusted}. By definition of the limits {1000 * (1 - WIDE):.0f} in 1,000 places that are like their peers lie "
            f"beyond them in a measure: here {_expected_beyond(found)}, were all alike. Being unusual is a reason to ask why, not a rank. Not counted: what "
            "money buys, and whether children are safe."
        ),
        others=others_said(knobs.others),
        choices=(
            Setting(name="Peers are alike in", value=adjusted),
            Setting(name="Limits", value=f"{WIDE:.1%} of places like these lie within"),
            *(
                [Setting(name="A rating is good", value=f"{'from' if knobs.good_is == 'high' else 'up to'} {knobs.good_from:g} on")]
                if any(one.kind == "rating" for one in found)
                else []
            ),
        ),
        tables=(*_overviews(summary, unusual), *tables),
        figures=tuple(figures),
        said=tuple(said),
        reasons=(
            f"Expected: by a regression over all authorities on {adjusted} (Poisson for counts, logarithms for money, logistic for ratings)",
            f"Limits hold {WIDE:.1%} of places like these: chance by exact quantiles, and the usual spread between peers from winsorised "
            "z-scores (Spiegelhalter 2005); of money no law "
            "of chance is known, and limits are the peers' own spread, wider for small places",
        ),
        cannot_say=(
            "Unusual is not bad: an authority may have more plans because it finds more children, and spend more because it does more",
            f"Peers are alike in {adjusted} alone; other things that places cannot help are not in it",
            "Nothing here is an effect of anything",
            *(
                ("Each year's rating counts as an inspection of its own: where the last one is repeated until the next, chance is larger than the limits say",)
                if any(one.kind == "rating" for one in found)
                else ()
            ),
            *(
                ()
                if any(one.kind == "rating" for one in found)
                else ("Quality: there are no ratings in these data; a table of inspection outcomes comes by source=table",)
            ),
        ),
        notes=tuple(notes),
    )


def _expected_beyond(found: Sequence[Indicator]) -> str:
    """About 1 of all that are compared; how many places would lie beyond the limits by chance alone."""
    number = sum(len(one.authorities) for one in found) * (1 - WIDE)
    return f"about {number:.0f}" if number >= 0.95 else "fewer than 1"


def _overviews(summary: Sequence[tuple[str, str, int, int, int, float]], unusual: Sequence[tuple[str, str, str, float]]) -> tuple[Table, Table]:
    """How many are unusual in each measure, and which."""
    return (
        Table(
            name="summary",
            caption="How many lie beyond the limits, and the usual spread between peers",
            columns=(
                Column(name="measure", label="measure", text=True),
                Column(name="when", label="when", text=True),
                Column(name="places", label="authorities", places=0),
                Column(name="above", label="above", places=0),
                Column(name="below", label="below", places=0),
                Column(name="spread", label="usual spread", unit="% of expected", places=1),
            ),
            rows=tuple(summary),
        ),
        Table(
            name="unusual",
            caption="Authorities beyond the limits, by name",
            columns=(
                Column(name="place", label="authority", text=True),
                Column(name="measure", label="measure", text=True),
                Column(name="what", label="what", text=True),
                Column(name="percent", label="% of what is expected", places=0),
            ),
            rows=tuple(sorted(unusual)),
        ),
    )


def _linked(together: Together, names: pd.Series, adjusted: str) -> tuple[Table, Figure, str]:
    """Cost and quality side by side: table, figure and sentence."""
    cost, rating, at, numbers, (middle, low_end, high_end) = together
    table = Table(
        name="cost_and_quality",
        caption=f"Cost and ratings side by side, each in standard deviations from what peers of the same {adjusted} have",
        columns=(
            Column(name="place", label="authority", text=True),
            Column(name="authority", label="code", text=True),
            Column(name="cost", label=cost.label, unit="standard deviations from peers", places=2),
            Column(name="rating", label=rating.label, unit="standard deviations from peers", places=2),
        ),
        rows=tuple(
            (str(names[code]), code, float(a), float(b)) for code, (a, b) in sorted(zip(at, numbers, strict=True), key=lambda pair: str(names[pair[0]]))
        ),
        shown=5,
    )
    found_words = "no link can be told" if low_end <= 0 <= high_end else "they rise together" if low_end > 0 else "the one falls as the other rises"
    figure = Figure(
        name="cost_and_quality",
        kind="scatter",
        table="cost_and_quality",
        alt=f"Cost across, ratings upwards, a point for each authority: {found_words}.",
        caption=f"Cost and quality. A point for each authority, each as far as it lies from its peers; {found_words}",
        values=("cost", "rating"),
        axes=(f"{cost.label}, standard deviations from peers", f"{rating.label}, standard deviations from peers"),
    )
    sentence = (
        f"Over authorities, {cost.label} and {rating.label}, both beside peers: rank correlation {middle:.2f} ({low_end:.2f} to "
        f"{high_end:.2f}); {found_words}, and a link would "
        "be an association, not an effect"
    )
    return table, figure, sentence


def _together(found: Sequence[Indicator]) -> Together | None:
    """The first cost and the ratings over the authorities that have both: z-scores, shape (authorities, 2), and their rank correlation with its interval."""
    from scipy.stats import norm, rankdata

    cost = next((one for one in found if one.kind == "cost"), None)
    rating = next((one for one in found if one.kind == "rating"), None)
    if cost is None or rating is None:
        return None
    at = {code: i for i, code in enumerate(rating.authorities)}
    codes = [code for code in cost.authorities if code in at]
    if len(codes) < FEWEST:
        return None
    where = dict(zip(cost.authorities, cost.funnel.z, strict=True))
    numbers = np.array([[where[code], rating.funnel.z[at[code]]] for code in codes])

    ranks = rankdata(numbers, axis=0)
    middle = float(np.corrcoef(ranks.T)[0, 1]) if (np.ptp(ranks, axis=0) > 0).all() else 0.0
    # Bonett & Wright 2000 (Sample size requirements for estimating Pearson, Kendall and Spearman correlations); a percentile bootstrap held 92 % of 95
    reach = float(norm.ppf(0.975)) * np.sqrt((1 + middle**2 / 2) / (len(codes) - 3))
    low, high = np.tanh(np.arctanh(np.clip(middle, -0.999999, 0.999999)) + np.array([-reach, reach]))
    return cost, rating, codes, numbers, (middle, float(low), float(high))


def _funnel_table(one: Indicator, names: pd.Series, rows: Sequence[int], adjusted: str, when: str) -> Table:
    funnel = one.funnel
    digits = places(float(np.median(np.abs(one.observed))))
    return Table(
        name=f"funnel_{one.column}",
        caption=f"{capital(one.label)} {when}, beside what is expected at the same {adjusted}; by name",
        columns=(
            Column(name="place", label="authority", text=True),
            Column(name="authority", label="code", text=True),
            Column(name="size", label="inspections" if one.kind == "rating" else "expected" if one.kind == "count" else "people", places=0),
            Column(name="observed", label="observed", places=0 if one.kind != "cost" else digits),
            Column(name="expected", label="expected", places=1 if one.kind != "cost" else digits),
            *(
                Column(name=key, label=label, unit="%", places=1)
                for key, label in (
                    ("percent", "observed ÷ expected"),
                    ("lower", "lower limit"),
                    ("upper", "upper limit"),
                    ("chance_lower", "lower, chance alone"),
                    ("chance_upper", "upper, chance alone"),
                )
            ),
        ),
        rows=tuple(
            (
                str(names[one.authorities[i]]), one.authorities[i], funnel.size[i], one.observed[i], one.expected[i], 100 * funnel.ratio[i],
                100 * funnel.lower[i], 100 * funnel.upper[i], 100 * funnel.chance_lower[i], 100 * funnel.chance_upper[i],
            )
            for i in rows
        ),
        shown=5,
    )  # fmt: skip


def _funnel_figure(one: Indicator, adjusted: str, when: str, high: int, low: int) -> Figure:
    size = {"rating": "ratings given", "count": "expected number", "cost": "people"}[one.kind]
    return Figure(
        name=f"funnel_{one.column}",
        kind="funnel",
        table=f"funnel_{one.column}",
        alt=f"Funnel of {one.label} {when}: observed as a share of expected, by {size}. {high} authorities lie above and {low} below the limits.",
        caption=f"{capital(one.label)} {when}. Each point is an authority beside what is expected at the same {adjusted}; dashed: limits that "
        f"{WIDE:.1%} of peers lie within; "
        f"{high} above and {low} below them",
        values=("size", "percent"),
        lower="lower",
        upper="upper",
        label="place",
        marks=(Mark(column="percent", value=100.0, words="as expected"),),
        axes=(size, f"{one.label}, % of what is expected"),
    )
