"""What the growth of an outcome is made of: more children, a higher referral rate, and the ratio at each step from referral to plan.

The terms are those of `chain`, which add up exactly, by authority and in all.

Beside it DoWhy's attribution of a change of distribution (Budhathoki and others 2021, Why did the distribution change?), which takes the mean *rate* over
authorities, and a linear model of each step given the one before: another quantity, not compared term by term.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import TypedDict

import numpy as np
import pandas as pd

from causal.breakdown import Breakdown, Case, Cell, Column, Figure, Mark, Setting, Table
from causal.decompositions.machinery.chain import Chain, chain, das_gupta
from causal.errors import CausalError, ConfigError, DataError, refusal
from causal.knobs import is_whole
from causal.panel import Panel
from causal.words import capital, listed, signed


class Asked(TypedDict):
    """The years that growth is between, and the steps that lead to an outcome: column → words."""

    years: tuple[int, int]
    steps: Mapping[str, str]


class Printed(TypedDict):
    """A national total as it was printed for two years."""

    words: str
    years: tuple[int, int]
    first: float
    last: float
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Growth:
    """Terms of the growth of outcomes along the chain of services.

    Parameters
    ----------
    chains : outcome → `years` (first and last) and `steps`, column → words, in order; the last step is the outcome. The first chain is what the answer tells.
    measure : column by whose fifths of authorities the mix of children is told.
    published : national totals as printed: words, years, first, last, source; told for England's authorities only.
    said, said_by : what was said of population growth's share, %, and by whom.
    draws : of whole authorities, for DoWhy's attribution; 0 leaves that out.
    level : of its intervals.

    Raises
    ------
    ConfigError : a knob out of its range.
    """

    chains: Mapping[str, Asked]
    measure: str = "deprivation"
    published: Sequence[Printed] = ()
    said: float | None = None
    said_by: str = ""
    draws: int = 24
    level: float = 0.95

    @property
    def name(self) -> str:
        """Its name on the shelf."""
        return "growth"

    def __post_init__(self) -> None:
        if not self.chains:
            raise refusal(ConfigError, "growth.chains", "at least one outcome", "none", "write  plans: {years: [2011, 2018], steps: {plans: plans}}")
        for outcome, one in self.chains.items():
            if set(one) != {"years", "steps"} or len(one["years"]) != 2 or not one["years"][0] < one["years"][1]:
                raise refusal(
                    ConfigError,
                    f"growth.chains.{outcome}",
                    "years: [first, last] and steps: {column: words}",
                    repr(dict(one)),
                    f"write  growth.chains.{outcome}.years=[2011,2018]  and its steps",
                )
            if not one["steps"] or list(one["steps"])[-1] != outcome:
                raise refusal(
                    ConfigError, f"growth.chains.{outcome}.steps", f"steps that end with {outcome} itself", f"{list(one['steps'])}", f"add {outcome} at the end"
                )
        for printed in self.published:
            if not {"words", "years", "first", "last", "source"} <= set(printed):
                raise refusal(ConfigError, "growth.published", "words, years, first, last and source", repr(dict(printed)), "give these five and no other")
        if not is_whole(self.draws, 0) or self.draws in range(1, 20):
            raise refusal(ConfigError, "growth.draws", "0 or a whole number of at least 20", repr(self.draws), "write  decomposition.draws=0  for none")
        if not 0.5 <= self.level < 1:
            raise refusal(ConfigError, "growth.level", "a number between 0.5 and 1 (0.95 is usual)", repr(self.level), "write  decomposition.level=0.95")

    def decompose(self, case: Case, rng: np.random.Generator) -> Breakdown:
        """Take the growth apart.

        Parameters
        ----------
        case : of which the panel alone is read.
        rng : draws authorities with replacement.

        Raises
        ------
        DataError : no count of children, no measure of deprivation, or none of the chains in these data.
        """
        panel = case.panel
        if panel.population is None:
            raise refusal(
                DataError,
                panel.title,
                "a count of the people that rates refer to, since growth is told of counts",
                "none",
                "name it with  source.population=COLUMN",
            )
        panel.variable(self.measure)
        grown, notes = [], []
        for outcome, one in self.chains.items():
            years = (int(one["years"][0]), int(one["years"][1]))
            steps = {str(name): str(words) for name, words in one["steps"].items() if name in panel.names}
            if outcome not in steps or not set(years) <= set(panel.years):
                notes.append(f"{one['steps'][outcome]}, {years[0]} to {years[1]}: not in these data")
                continue
            if missing := [str(words) for name, words in one["steps"].items() if name not in steps]:
                notes.append(f"steps on the way to {steps[outcome]} that are not in these data: {listed(missing)}")
            grown.append(chain(panel, years, steps, self.measure))
        if not grown:
            raise refusal(
                DataError,
                panel.title,
                f"one of {', '.join(self.chains)} in the years asked for",
                f"none; {panel.years[0]} to {panel.years[-1]} are there",
                "ask for other years, or name other chains",
            )
        notes += [one.left_out for one in grown if one.left_out]
        tables, figures = [self._steps(grown)], [one.picture for one in grown]
        printed = self._printed(panel)
        if printed is not None:
            tables.append(printed)
            figures.insert(0, self._picture(printed))
        tables += [one.by_fifth for one in grown] + [one.by_authority(panel) for one in grown]
        attributed = self._attributed(case, grown[-1]) if self.draws else None
        if attributed is not None:
            tables.append(attributed)
            figures.append(_attribution(attributed, grown[-1]))
        first = grown[0]
        headline = f"{first.grew}; more children are {first.share(float(first.terms[:, 0].sum()))}."
        second = ""
        if printed is not None:
            shares = [dict(zip([column.name for column in printed.columns], row, strict=True)) for row in printed.rows]
            second = f"By England's printed totals more children are {listed([_of(one) for one in shares])}"
            second += f"; {self.said_by} said {self.said:g}% of the growth." if self.said is not None else "."
        return Breakdown(
            name=self.name,
            title="What the growth of demand is made of",
            asks="How much of the growth is more children, how much more referrals, and how much more of them going on at each step?",
            headline=headline,
            second=second,
            choices=(
                Setting(name="Mix of children by", value=f"fifths of authorities by {panel.variable(self.measure).label}"),
                Setting(
                    name="Draws for the errors of DoWhy's attribution", value=f"{self.draws:,} of whole authorities" if self.draws else "none: it is left out"
                ),
                Setting(name="Intervals", value=f"{self.level:.0%}"),
            ),
            said=tuple(sentence for one in grown for sentence in one.sentences()),
            tables=tuple(tables),
            figures=tuple(figures),
            truth=self._truth(case, grown),
            reasons=(
                "Das Gupta's decomposition of a product, authority by authority: exact, nothing is left over; contributions in children or events, then shares",
                "counts are rates times children; authorities known at every step in both years",
                f"the mix is that of fifths of authorities by {panel.variable(self.measure).label}; what more children add is split into growth alike, mix "
                "between fifths and mix within them",
                "steps are ratios of one year's events to another kind of the same year's, not shares of the same children followed: some authorities start "
                "more plans than they hold conferences",
                "DoWhy's attribution is of the mean rate over authorities, each counted once, with linear mechanisms; it is another quantity, not to be "
                "set beside the terms one by one",
            ),
            cannot_say=(
                "a higher ratio of enquiries to referrals is a lower threshold, or children worse off when referred, or another way of recording: these data "
                "do not part them",
                "a higher referral rate is more need, or more readiness to refer",
                "arithmetic shows where growth is, not why; no term is the effect of a policy",
            ),
            notes=tuple(dict.fromkeys(notes)),
        )

    def _steps(self, grown: Sequence[Chain]) -> Table:
        rows: list[tuple[Cell, ...]] = []
        for one in grown:
            head = f"{capital(one.words)}, {one.years[0]} to {one.years[1]}"
            rows.append((head, str(one.years[0]), float(one.first.sum()), None, "total"))
            rows += [
                (head, name, float(value), 100 * float(value) / one.change, "step") for name, value in zip(one.factors, one.terms.sum(axis=0)[1:], strict=True)
            ]
            rows.append((head, str(one.years[1]), float(one.last.sum()), None, "total"))
        columns = (
            Column(name="outcome", label="Outcome", text=True),
            Column(name="factor", label="Part", text=True),
            Column(name="contribution", label="Contribution", unit="children or events", places=0),
            Column(name="share", label="Share of the growth", unit="%", places=1),
            Column(name="kind", label="Total or step", text=True),
        )
        return Table(name="steps", caption="The growth step by step", columns=columns, rows=tuple(rows))

    def _printed(self, panel: Panel) -> Table | None:
        codes = panel.places["new_la_code"] if "new_la_code" in panel.places else pd.Series(dtype=str)
        if not self.published or not codes.astype(str).str.match(r"E\d{8}$").any():
            return None
        rows: list[tuple[Cell, ...]] = []
        for one in self.published:
            young = [_children(panel, int(year)) for year in one["years"]]
            if not all(young):
                continue
            terms = das_gupta(np.array([[young[0]], [one["first"] / young[0]]]), np.array([[young[1]], [one["last"] / young[1]]]))[:, 0]
            change = float(one["last"] - one["first"])
            rows.append((one["words"], f"{one['years'][0]} to {one['years'][1]}", one["first"], one["last"], *terms, 100 * terms[0] / change, one["source"]))
        columns = (
            Column(name="words", label="Counted", text=True),
            Column(name="years", label="Years", text=True),
            Column(name="first", label="First year", places=0),
            Column(name="last", label="Last year", places=0),
            Column(name="children", label="From more children", places=0),
            Column(name="rate", label="From a higher rate", places=0),
            Column(name="share", label="Population growth's share", unit="%", places=0),
            Column(name="source", label="Source", text=True),
        )
        return (
            Table(
                name="published", caption="England's printed totals, children or episodes: what population growth is of each", columns=columns, rows=tuple(rows)
            )
            if rows
            else None
        )

    def _picture(self, printed: Table) -> Figure:
        rows = [dict(zip([column.name for column in printed.columns], row, strict=True)) for row in printed.rows]
        return Figure(
            name="published",
            kind="intervals",
            table="published",
            alt="Population growth's share of the growth: " + "; ".join(f"{row['words']}, {row['share']:.0f}%" for row in rows) + ".",
            caption="What population growth is of the growth depends on what is counted"
            + (f". The dashed line is what was said ({self.said_by})." if self.said is not None else "."),
            values=("share",),
            label="words",
            marks=() if self.said is None else (Mark(column="share", value=float(self.said), words=f"said {self.said:g}"),),
        )

    def _attributed(self, case: Case, one: Chain) -> Table | None:
        """DoWhy's attribution of the change of the mean rate along the longest chain, with an authority bootstrap."""
        old, new = (one.rates[year].reset_index(drop=True) for year in one.years)
        names = list(old.columns)
        found = case.map("attribution", _Attribution(old, new, names), self.draws + 1)
        point, drawn = found[0], np.array(found[1:])
        half = NormalDist().inv_cdf((1 + self.level) / 2) * drawn.std(axis=0, ddof=1)
        low, high = np.array(point) - half, np.array(point) + half
        words = {self.measure: "Deprivation of the authorities", **{step: f"{capital(name)}, given the step before" for step, name in one.steps.items()}}
        words[next(iter(one.steps))] = f"{capital(next(iter(one.steps.values())))}, given deprivation"
        rows: list[tuple[Cell, ...]] = [(words[name], point[i], low[i], high[i]) for i, name in enumerate(names)]
        columns = (
            Column(name="mechanism", label="Mechanism that changed", text=True),
            Column(name="value", label="Change of the mean rate", unit="per 10,000 children", places=2),
            Column(name="lower", label=f"{self.level:.0%} interval, lower end", unit="per 10,000 children", places=2),
            Column(name="upper", label="upper end", unit="per 10,000 children", places=2),
        )
        caption = f"DoWhy's attribution of the change of {one.words} per 10,000 children, mean over authorities, {one.years[0]} to {one.years[1]}"
        return Table(name="attribution", caption=caption, columns=columns, rows=tuple(rows))

    def _truth(self, case: Case, grown: Sequence[Chain]) -> Table | None:
        """For a simulated world: the same terms without chance."""
        expected = getattr(case.source, "expected", None)
        if not case.panel.simulated or expected is None:
            return None
        rows: list[tuple[Cell, ...]] = []
        for one in grown:
            try:
                usual = {step: expected(step)["usual"] for step in one.steps}
            except CausalError:
                continue
            still = case.panel
            for step, values in usual.items():
                still = still.with_column(values, case.panel.variable(step))
            quiet = chain(still, one.years, one.steps, self.measure)
            head = f"{capital(one.words)}, {one.years[0]} to {one.years[1]}"
            rows += [
                (head, name, float(a), float(b)) for name, a, b in zip(["Children", *one.factors], quiet.terms.sum(axis=0), one.terms.sum(axis=0), strict=True)
            ]
        columns = (
            Column(name="outcome", label="Outcome", text=True),
            Column(name="factor", label="Part", text=True),
            Column(name="planted", label="Planted: without chance", unit="children or events", places=0),
            Column(name="found", label="Found", unit="children or events", places=0),
        )
        return Table(name="truth", caption="Terms of the growth, planted and found", columns=columns, rows=tuple(rows)) if rows else None


@dataclass(frozen=True, slots=True, eq=False)
class _Attribution:
    """DoWhy's attribution on the data themselves (draw 0) and on draws of whole authorities."""

    old: pd.DataFrame
    new: pd.DataFrame
    names: list[str]

    def __call__(self, draw: int, rng: np.random.Generator) -> list[float]:
        import networkx as nx
        from dowhy import gcm  # seconds to import

        rows = np.arange(len(self.old)) if draw == 0 else rng.integers(0, len(self.old), len(self.old))
        old, new = self.old.iloc[rows].reset_index(drop=True), self.new.iloc[rows].reset_index(drop=True)
        model = gcm.ProbabilisticCausalModel(nx.DiGraph(list(zip(self.names, self.names[1:], strict=False))))
        model.set_causal_mechanism(self.names[0], gcm.EmpiricalDistribution())
        for name in self.names[1:]:
            model.set_causal_mechanism(name, gcm.AdditiveNoiseModel(gcm.ml.create_linear_regressor(), gcm.EmpiricalDistribution()))
        gcm.util.general.set_random_seed(int(rng.integers(2**31)))
        gcm.config.disable_progress_bars()
        gcm.config.set_default_n_jobs(1)  # its own processes would draw otherwise than ours
        # every mechanism may have changed: a test that holds some fixed would decide it by the number of rows
        found = gcm.distribution_change(
            model,
            old,
            new,
            self.names[-1],
            num_samples=20_000 if draw == 0 else 5_000,
            difference_estimation_func=lambda before, after: float(np.mean(after) - np.mean(before)),
            mechanism_change_test_significance_level=1.0,
        )
        return [float(np.squeeze(found[name])) for name in self.names]


def _of(printed: Mapping[str, Cell]) -> str:
    """45% of the growth in episodes of need."""
    words = str(printed["words"])
    return f"{printed['share']:.0f}% of the growth ({words[:1].lower()}{words[1:]}, {printed['years']})"


def _attribution(table: Table, one: Chain) -> Figure:
    terms_text = "; ".join(f"{row[0]} {signed(float(row[1] or 0), 1)}" for row in table.rows)
    return Figure(
        name="attribution",
        kind="intervals",
        table="attribution",
        alt=f"Change of {one.words} per 10,000 children by mechanism: {terms_text}.",
        caption=f"Beside it: DoWhy's attribution of the change of the mean rate of {one.words}, {one.years[0]} to {one.years[1]}. Another quantity: a mean "
        "over authorities, not a sum of children.",
        values=("value",),
        lower="lower",
        upper="upper",
        label="mechanism",
    )


def _children(panel: Panel, year: int) -> float:
    assert panel.population is not None
    return float(panel.subset(years=[year]).frame[panel.population].sum()) if year in panel.years else 0.0
