"""What an action costs or saves once what follows is counted, with the effect's own uncertainty.

The action is kept up for some years. It saves (or costs) its money in each, which is so by definition and no finding. The outcome moves by the estimated
effect from the question's lag on, and the number of children in care by the effect on them that the same design gives some years later, both effects drawn
together from the scores by authority, with unit costs drawn from their ranges. What comes later is discounted (HM Treasury, The Green Book). Net benefit is
told rather than a ratio wherever the effect may be nothing or go either way, since a ratio then has no meaning (Stinnett & Mullahy 1998, Net health
benefits). No probability that it pays is given: where most of a sum is known by definition, a probability of it says how large the known part is and not
how sure the estimate.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from causal.breakdown import Breakdown, Case, Other
from causal.decompositions.machinery.cost_text import cost_text
from causal.decompositions.machinery.money import Account, Placement, direction, per_person, price_of
from causal.design import Design
from causal.errors import CausalError, ConfigError, DataError, DesignError, refusal, suggest
from causal.estimate import Estimate
from causal.knobs import whole_number
from causal.trial import Trial
from causal.words import count


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """Money saved and spent, outcomes and placements that follow, their net benefit.

    Parameters
    ----------
    prices : treatment → column (or number) with what one unit of it costs for each person in a year; a column counts as in its first year known. A treatment
        that is itself money per person needs none.
    spending : whether more of the treatment is more spending ("more") or less ("less": closures); None: as the price's column moves with it.
    placed : column whose children cost a year in care each (a rate); None leaves later placements out.
    placed_later : years from the outcome until they have moved.
    placements : kinds of placement, by name; what no kind covers is counted at nothing.
    years : for which the action is kept, at least 1 more than the effects take.
    most : largest value of one outcome-year, £, that net benefit is shown for; None: twice the value at which it may be nothing, and at least £100,000.
    draws : at least 1,000.
    others : treatment → what others found of what is not counted here.
    """

    placements: Mapping[str, Placement]
    prices: Mapping[str, str | float] = field(default_factory=dict)
    spending: str | None = None
    placed: str | None = "looked_after"
    placed_later: int = 1
    years: int = 10
    most: float | None = None
    draws: int = 20_000
    others: Mapping[str, Sequence[Other]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        object.__setattr__(self, "others", {name: tuple(ones) for name, ones in dict(self.others).items()})
        placements = {name: Placement(**one) if isinstance(one, Mapping) else one for name, one in dict(self.placements).items()}
        object.__setattr__(self, "placements", placements)
        object.__setattr__(self, "prices", dict(self.prices))
        for key, least in (("placed_later", 0), ("years", 1), ("draws", 1_000)):
            one = getattr(self, key)
            whole_number(key, one, least)
        if self.spending not in ("more", "less", None):
            raise refusal(
                ConfigError,
                "decomposition.spending",
                "'more' or 'less' (what more of the treatment means), or null",
                repr(self.spending),
                "write  decomposition.spending=less",
            )
        if self.most is not None and not self.most > 0:
            raise refusal(ConfigError, "decomposition.most", "a number above 0, or null", repr(self.most), "write  decomposition.most=null  for no bound")
        if self.placed is not None and not self.placements:
            raise refusal(
                ConfigError,
                "decomposition.placements",
                "at least one kind with its cost",
                "none",
                "name one, or leave them out with  decomposition.placed=null",
            )
        if (whole := sum(one.share for one in self.placements.values())) > 1 + 1e-9:
            raise refusal(ConfigError, "placements", "shares that add up to at most 1", f"{whole:g}", "make some of them smaller")

    @property
    def name(self) -> str:
        """Its name on the shelf."""
        return "cost"

    def decompose(self, case: Case, rng: np.random.Generator) -> Breakdown:
        """Saved, added, placed, net.

        Parameters
        ----------
        case : of a rate, with a direction called harm.
        rng : draws effects, prices and shares together.

        Raises
        ------
        ConfigError : no direction of the outcome is called harm.
        DesignError : the effect is not identified, has no valid interval, or is not of a rate.
        DataError : there is no such price.
        """
        if case.question.harm is None:
            raise refusal(
                ConfigError,
                "question.harm",
                "which direction of the outcome is bad, for an account",
                "nothing",
                "say  question.harm=increase  or  question.harm=decrease",
            )
        trial = case.trial()
        made, estimate = trial.design, trial.estimate
        rate = made.outcome_variable.count_per
        if rate is None:
            raise refusal(
                DesignError,
                f"{case.question.outcome}",
                "a rate per people (count_per), so that its effect can be counted in people and money",
                "one that is no such rate",
                "ask for an outcome that is one, or say its count_per in  source.variables",
            )
        if estimate.std_error is None:
            raise refusal(
                DesignError,
                estimate.estimator,
                "a valid interval, since a cost without its uncertainty misleads",
                "an estimate without one",
                "take another, such as estimator=fixed_effects",
            )
        if self.years <= case.question.lag:
            raise refusal(
                DesignError,
                "decomposition.years",
                f"more years than the {count(case.question.lag, 'year')} after which the outcome moves",
                f"{self.years}, for which the action is kept",
                "take more with  decomposition.years=…",
            )
        notes: list[str] = []
        placed = self._placed(case, trial, notes)
        return cost_text(self, case, made, estimate, placed, self.account(case, made, rate), rate, rng, notes)

    def account(self, case: Case, made: Design, rate: float) -> Account:
        """The action for as many people as the rate counts, in all authorities alike.

        Parameters
        ----------
        case : panel and question.
        made : its design; people and prices of its authorities.
        rate : people that the outcome counts by.

        Returns
        -------
        account : £ and years of the action.

        Raises
        ------
        DataError : no price of the treatment, or one that is known for no authority.
        """
        cost = price_of(case.panel, case.question.treatment, self.prices)
        price = None if cost is None else per_person(case.panel, cost, made.authorities)
        if cost is None or price is None:
            raise refusal(
                DataError,
                case.panel.title,
                f"what a unit of {case.question.treatment} costs",
                f"{cost!r}, which is no column; {suggest(str(cost), case.panel.names)}" if cost is not None else "nothing",
                f"name its column or a number, £ per person, with  +decomposition.prices.{case.question.treatment}=…",
            )
        people = np.ones(made.rows) if made.population is None else made.population
        known = np.isfinite(price.values[made.authority]) & np.isfinite(people)
        if not known.any():
            raise refusal(
                DataError,
                case.panel.title,
                f"{cost!r} for at least one authority of the design",
                "none",
                f"name another column or a number with  +decomposition.prices.{case.question.treatment}=…",
            )
        mean = float(np.average(price.values[made.authority][known], weights=people[known]))
        saved = -case.question.contrast * mean * rate * direction(case.panel, case.question.treatment, cost, self.spending)
        return Account(saved=saved, years=self.years, first=case.question.lag, first_placed=min(case.question.lag + self.placed_later, self.years))

    def _placed(self, case: Case, trial: Trial, notes: list[str]) -> tuple[Estimate, Design] | None:
        """The same design's effect on children in care, later."""
        if self.placed is None:
            return None
        if self.placed == case.question.outcome:
            return trial.estimate, trial.design
        if self.placed not in case.panel.names or not case.panel.variable(self.placed).count_per:
            notes.append(f"Later placements are not counted: {self.placed!r} is not a rate in these data (decomposition.placed)")
            return None
        later = replace(case.question, outcome=self.placed, lag=case.question.lag + self.placed_later, modifiers=())
        try:
            trial = case.trial(later)
        except CausalError as why:
            notes.append(f"Later placements are not counted: {why}")
            return None
        if trial.estimate.std_error is None:
            notes.append("Later placements are not counted: their effect has no valid interval")
            return None
        return trial.estimate, trial.design
