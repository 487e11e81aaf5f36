"""What several tests share: small made-up panels with a planted effect, fast and broken in one way at a time; and the way to a design, a trial, a check."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from causal.design import Design, design
from causal.errors import EstimationError
from causal.estimate import Estimate, Estimator
from causal.estimators.fixed_effects import FixedEffects
from causal.graph import Graph
from causal.identify import Identification, identify
from causal.panel import Panel, Variable
from causal.question import Question
from causal.refute import Refutation, Trial, stream

GRAPH = Graph(
    name="small",
    nodes={"authority": {"varies": "authority"}, "year": {"varies": "year"}, "deprivation": {"varies": "authority"}, "poverty": {}, "cut": {}, "plans": {}},
    arrows={
        "authority": {"deprivation": "made so", "poverty": "made so", "cut": "made so", "plans": "made so"},
        "year": {"poverty": "made so", "cut": "made so", "plans": "made so"},
        "deprivation": {"cut": {"because": "made so", "by_year": True}, "plans": {"because": "made so", "by_year": True}},
        "poverty": {"cut": "made so", "plans": "made so"},
        "cut": {"plans": "the question"},
    },
)
QUESTION = Question(treatment="cut", outcome="plans", control=0.0, treated=0.5, smallest_important=1.0, because="a test", modifiers=("deprivation",))

ADOPTION = replace(QUESTION, treated=1.0)


@dataclass(frozen=True, kw_only=True)
class World:
    """Knobs of the made-up panel; `effect` is that of moving the cut from 0 to 0.5, or with `adoption` from 0 to 1.

    With `adoption` the cut is 0 until an authority takes it up and 1 from then on; two in five never do, and those that differ lastingly
    take it up more often. With `doses` those who take it up do so to a degree, from 0.2 to 0.9, and `effect` is again that of 0.5.
    """

    effect: float = 0.0
    authorities: int = 60
    years: int = 8
    persistence: float = 0.4
    confounding: float = 1.0
    seed: int = 0
    adoption: bool = False
    doses: bool = False

    def load(self) -> Panel:
        """The panel."""
        rng = np.random.default_rng(self.seed)
        g, t = self.authorities, self.years
        index = pd.MultiIndex.from_product([[f"A{i:04d}" for i in range(g)], range(2011, 2011 + t)], names=["authority", "year"])
        lasting, deprivation = rng.normal(size=g), 20 + 8 * rng.normal(size=g)
        clock = np.arange(t)
        poverty = 20 + 3 * lasting[:, None] + rng.normal(size=(g, t)).cumsum(axis=1)
        drift = 0.002 * self.confounding * (deprivation[:, None] - 20) * clock
        cut = 0.3 + 0.1 * lasting[:, None] + 0.03 * clock + 0.02 * self.confounding * (poverty - 20) + drift + 0.1 * rng.normal(size=(g, t)).cumsum(axis=1)
        scale = 2.0
        if self.adoption or self.doses:
            chance = np.random.default_rng([self.seed, 1])
            takes = 0.5 * lasting + chance.normal(size=g) > -0.28
            first = np.where(takes, chance.integers(min(3, t - 1), t, size=g), t)
            cut, scale = (clock >= first[:, None]).astype(float), 1.0
            if self.doses:
                cut, scale = cut * chance.uniform(0.2, 0.9, size=(g, 1)), 2.0
        shock = rng.normal(size=(g, t + 5)) * 3
        for year in range(1, t + 5):
            shock[:, year] += self.persistence * shock[:, year - 1]
        plans = (
            45 + 10 * lasting[:, None] + clock + 0.5 * (poverty - 20) + 0.05 * (deprivation[:, None] - 20) * clock + scale * self.effect * cut + shock[:, 5:]
        )
        columns = {"deprivation": np.repeat(deprivation, t), "poverty": poverty.ravel(), "cut": cut.ravel(), "plans": plans.ravel()}
        units = {"deprivation": "score", "poverty": "per cent", "cut": "share", "plans": "per 10,000 children"}
        return Panel(
            frame=pd.DataFrame({**columns, "children": np.repeat(np.exp(11 + 0.5 * rng.normal(size=g)), t)}, index=index),
            variables=(
                *(
                    Variable(
                        name=name,
                        label=name,
                        unit=units[name],
                        source="made up",
                        varies="authority" if name == "deprivation" else "both",
                        count_per=10_000 if name == "plans" else None,
                    )
                    for name in columns
                ),
                Variable(name="children", label="children", unit="children", source="made up"),
            ),
            places=pd.DataFrame({"name": [f"Place {i}" for i in range(g)], "region": [f"Region {i % 6}" for i in range(g)]}, index=index.unique("authority")),
            title="made-up panel",
            population="children",
        )


def without(panel: Panel, *, keep: float, seed: int) -> Panel:
    """The panel with rows missing at random."""
    rows = np.random.default_rng(seed).random(len(panel.frame)) < keep
    return replace(panel, frame=panel.frame[rows])


def ar(shocks: np.ndarray, rho: float) -> np.ndarray:
    """A stationary first-order autoregression along the years (axis 1) of standard normal shocks; its variance is 1 / (1 − rho²)."""
    out = shocks.copy()
    out[:, 0] /= np.sqrt(1 - rho**2)
    for t in range(1, shocks.shape[1]):
        out[:, t] += rho * out[:, t - 1]
    return out


def designed(panel: Panel, question: Question = QUESTION, graph: Graph = GRAPH, strategy: Any = "backdoor") -> Design:
    """The panel's design for a question, identified from the graph."""
    return design(panel, question, identify(question, graph, measured=panel.names, strategy=strategy))


def stated(*adjust_for: str, descendants: tuple[str, ...] = (), by_year: tuple[str, ...] = ()) -> Identification:
    """An adjustment set that the test states, without a graph."""
    return Identification(
        identified=True,
        strategies=("backdoor",),
        adjust_for=adjust_for,
        chosen_because="stated by the test",
        minimal=(adjust_for,),
        valid=(adjust_for,),
        exhaustive=True,
        instruments=(),
        frontdoor=(),
        mediators=(),
        descendants=descendants,
        by_year=by_year,
        unmeasured=(),
        feedback=False,
        forced=(),
        blocked_by=(),
        assumptions=(),
        warnings=(),
    )


def trial_of(panel: Panel, made: Design, estimator: Estimator, *, seed: int = 3, **more: Any) -> Trial:
    """An answer on a design, ready to be checked."""
    return Trial(
        panel=panel,
        question=made.question,
        identification=made.identification,
        estimator=estimator,
        design=made,
        estimate=estimator.estimate(made, stream(seed, "estimate")),
        seed=seed,
        **more,
    )


def refute(refuter: Any, trial: Trial) -> Refutation:
    """What a check finds, on the stream that a study gives it."""
    return refuter.refute(trial, stream(trial.seed, refuter.name))


def same(a: Refutation, b: Refutation) -> bool:
    """Whether two findings are one."""
    return (a.found, a.p_value, a.survived, a.reason, dict(a.numbers), a.parts) == (b.found, b.p_value, b.survived, b.reason, dict(b.numbers), b.parts)


def rate_at_least(successes: int, tries: int, claimed: float) -> bool:
    """Whether a rate is not shown to be below what is claimed (exact binomial, 1 %)."""
    return bool(stats.binomtest(successes, tries, claimed, alternative="less").pvalue > 0.01)


@dataclass(frozen=True, slots=True, kw_only=True)
class Refitted:
    """Fixed effects that do not say they are linear, so that every draw is a refit; bent as told.

    share, narrow : what effect and error are multiplied by.
    how : "well", or "refuse", "no scores", "no error".
    """

    share: float = 1.0
    narrow: float = 1.0
    how: str = "well"
    name: str = "refitted"

    def estimate(self, design: Design, rng: np.random.Generator) -> Estimate:
        """Fixed effects, and what was told."""
        if self.how == "refuse":
            raise EstimationError("not today")
        made = FixedEffects().estimate(design, rng)
        assert made.std_error is not None
        gone: dict[str, dict[str, Any]] = {
            "well": {},
            "no scores": {"influence": None},
            "no error": dict.fromkeys(("std_error", "lower", "upper", "p_value", "df", "influence")),
        }
        bent = replace(made, effect=self.share * made.effect, std_error=self.narrow * made.std_error, estimator=self.name)
        return replace(bent, **gone[self.how])
