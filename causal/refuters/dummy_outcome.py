"""Does the analysis return an effect that was put there?

DoWhy's dummy outcome (Sharma & Kiciman 2020, DoWhy: an end-to-end library for causal inference) on a panel. The outcome keeps what the design absorbs
and adjusts for: lasting places, years, controls. What is left of it, without the estimated effect, is kept too, but the whole history of each
authority is turned upside down or not by chance (the wild bootstrap's draw; Cameron, Gelbach & Miller 2008, Bootstrap-based improvements for
inference with clustered errors), so that it hangs together within authorities as the data do and owes nothing to the treatment. A known effect is
added, none or an important one by turns, and the analysis is done again. It must return what was planted, and its intervals must hold it.

A difference of a quarter of a standard error and a true share of misses 1.4 times the nominal are let pass; beyond both, simulation error
is counted. The two tests share the level.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from causal.arrays import Floats
from causal.design import Design
from causal.errors import CausalError, ConfigError, refusal
from causal.estimate import Linear
from causal.graph import undated
from causal.inference.clustered import cluster_sums
from causal.knobs import at_least, between, whole_number
from causal.refutation import Family, Refutation, Role
from causal.refuters import amount, not_run, reporting, size, unsure, whole_units
from causal.trial import CHUNK, Setting, Trial, fitted
from causal.words import count, listed


@dataclass(frozen=True, slots=True, kw_only=True)
class DummyOutcome:
    """Plant known effects in an outcome that is otherwise noise.

    Parameters
    ----------
    draws, refits : dummy outcomes for a linear estimator, and for one that must be fitted again.
    planted : effects by turns, in multiples of the smallest important one.
    tolerance : largest mean difference from what was planted that passes, in standard errors.
    misses : true share of intervals without the planted effect that is let pass, over the nominal one.
    """

    family: ClassVar[Family] = "inference"
    role: ClassVar[Role | None] = None
    label: ClassVar[str] = "made-up outcomes"
    catches: ClassVar[str] = "half_an_effect"

    draws: int = 400
    refits: int = 20
    planted: tuple[float, ...] = (0.0, 1.0)
    tolerance: float = 0.25
    misses: float = 1.4

    def __post_init__(self) -> None:
        whole_number("dummy_outcome.draws", self.draws, 10)
        whole_number("dummy_outcome.refits", self.refits, 10)
        try:
            object.__setattr__(self, "planted", tuple(float(one) for one in self.planted))
        except (TypeError, ValueError):
            raise refusal(
                ConfigError, "dummy_outcome.planted", "a list of numbers, [0, 1]", repr(self.planted), "write  refuters.dummy_outcome.planted=[0,1]"
            ) from None
        if not self.planted or not all(np.isfinite(self.planted)):
            raise refusal(ConfigError, "dummy_outcome.planted", "a list of numbers, [0, 1]", repr(self.planted), "write  refuters.dummy_outcome.planted=[0,1]")
        between("dummy_outcome.tolerance", self.tolerance, 0, float("inf"))
        at_least("dummy_outcome.misses", self.misses, 1)

    @property
    def name(self) -> str:
        """Its name on the shelf."""
        return "dummy_outcome"

    def unmet(self, setting: Setting) -> str | None:
        """What it lacks here."""
        past = [name for name in setting.fixed.control_names if undated(name)[0] == setting.question.outcome]
        return f"the outcome's own past ({', '.join(past)}) is held fixed, and a dummy outcome has none" if past else None

    def refute(self, trial: Trial, rng: np.random.Generator) -> Refutation:
        """Try to find a planted effect that is not returned.

        Parameters
        ----------
        trial : any.
        rng : turns the signs of units' residuals, and seeds refits.
        """
        from scipy import stats

        estimate, question, made = trial.estimate, trial.question, trial.design
        level = 1 - question.level
        # one row an authority stands for whoever passed a level, and not for a dose: only nothing can be planted for it
        effects = [0.0] if hasattr(trial.estimator, "rows") else [one * question.smallest_important for one in self.planted]
        report = reporting(
            self,
            asks="If the outcome is replaced by noise with a known effect in it, does the analysis return that effect?",
            expected=f"The planted effect ({listed([amount(trial, one) for one in effects])}), but for {self.tolerance:g} standard errors, "
            f"in about {question.level:.0%} of the intervals.",
            detects="An estimator that shrinks or bends an effect, leaves out lasting differences or controls that the graph asks for, or gives intervals "
            "too narrow for how the years of an authority hang together.",
            cannot_detect="Confounding by what is not held fixed, reverse causation and measurement error: the dummy outcome has none of them.",
        )
        if (why := unsure(trial) or self.unmet(trial)) is not None:
            return not_run(report, why)
        assert estimate.std_error is not None
        draws = self.draws if trial.linear else self.refits
        true = np.resize(np.array(effects), draws)
        unit, number = whole_units(made)
        signs = rng.choice([-1.0, 1.0], size=(draws, number))
        kept, residual = _parted(made)

        def dummy(draw: int) -> Floats:
            """An outcome, shape (rows,): what is conditioned on, what is left turned by whole authorities, and the planted effect."""
            return np.asarray(kept + signs[draw, unit] * residual + made.treatment * (true[draw] / question.contrast))

        answers, errors = _linear(trial, dummy, draws) if trial.linear else _refitted(trial, self.name, dummy, draws)
        good = np.isfinite(answers)
        if good.sum() < max(5, draws // 2):
            return not_run(report, f"{estimate.estimator} gave an answer in only {good.sum()} of {count(draws, 'dummy outcome')}")
        off = (answers - true)[good]
        mean, spread, n = float(off.mean()), float(off.std(ddof=1)), int(good.sum())
        allowed = self.tolerance * estimate.std_error
        p_bias = float(stats.t(n - 1).sf((abs(mean) - allowed) / max(spread / np.sqrt(n), 1e-12 * estimate.std_error)))
        law = stats.norm() if estimate.df is None else stats.t(estimate.df)
        known_error = np.isfinite(errors[good])
        missed = int((np.abs(off) > law.isf(level / 2) * errors[good])[known_error].sum())
        bound = min(level * self.misses, 0.99)
        p_missed = float(stats.binomtest(missed, int(known_error.sum()), bound, alternative="greater").pvalue) if known_error.any() else 1.0
        p_value = min(1.0, 2 * min(p_bias, p_missed))
        survived = p_value >= level
        text = f"Over {count(n, 'dummy outcome')} the effect returned was off by {amount(trial, mean)} on average (scatter {size(trial, spread)})"
        text += f", and {missed} of {known_error.sum()} intervals missed it. " if known_error.any() else ". "
        if survived:
            text += "That is what was planted, as chance allows."
        elif p_bias <= p_missed:
            text += "The analysis does not return what was planted: it bends the effect, or leaves out something that the graph asks for."
        else:
            text += "Intervals miss what was planted more often than chance allows: they are too narrow."
        return report(
            found=text,
            p_value=p_value,
            level=level,
            lost=int((~good).sum()),
            survived=survived,
            numbers={
                "draws": float(n),
                "mean difference from planted": mean,
                "difference allowed": allowed,
                "standard deviation of effects": spread,
                "intervals that missed": float(missed),
                "share that missed": missed / int(known_error.sum()) if known_error.any() else None,
                "share let pass": bound,
                "p-value of the difference": p_bias,
                "p-value of the misses": p_missed if known_error.any() else None,
            },
        )


def _parted(design: Design) -> tuple[Floats, Floats]:
    """The outcome in two, shape (rows,) each: what is absorbed and adjusted for, and what is left without the estimated effect."""
    basis = design.basis()
    outcome, treatment = (design.partial_out(column[:, None], basis)[:, 0] for column in (design.outcome, design.treatment))
    residual = outcome - treatment * (treatment @ outcome) / (treatment @ treatment)
    return design.outcome - outcome / design.root_weights, residual / design.root_weights


def _linear(trial: Trial, dummy: Callable[[int], Floats], draws: int) -> tuple[Floats, Floats]:
    """Effects and errors, shape (draws,) each, by matrix steps; errors are CR1 times what the reported error is of CR1 on the real outcome."""
    estimator, made = trial.estimator, trial.fixed
    assert isinstance(estimator, Linear) and trial.estimate.std_error is not None
    basis = made.basis()
    treatment = made.partial_out(made.treatment[:, None], basis)
    length = float(treatment[:, 0] @ treatment[:, 0])

    def answers(outcomes: Floats) -> tuple[Floats, Floats]:
        residualised = made.partial_out(outcomes, basis)
        slopes = treatment[:, 0] @ residualised / length
        scores = cluster_sums(treatment * (residualised - treatment * slopes), made.cluster, len(made.clusters))
        return slopes, np.asarray(np.sqrt((scores**2).sum(axis=0)) / length)

    _, own = answers(made.outcome[:, None])
    width = max(1, CHUNK // (8 * made.rows))
    blocks = []
    for at in range(0, draws, width):
        outcomes = [estimator.regression(replace(trial.design, outcome=dummy(draw))).outcome for draw in range(at, min(at + width, draws))]
        blocks.append(answers(np.column_stack(outcomes)))
    slopes, errors = (np.concatenate(side) for side in zip(*blocks, strict=True))
    return slopes * trial.question.contrast, errors * trial.estimate.std_error / own[0]


def _refitted(trial: Trial, name: str, dummy: Callable[[int], Floats], draws: int) -> tuple[Floats, Floats]:
    """Effects and errors, shape (draws,) each, fitted again; NaN where there is none."""

    def refit(draw: int, rng: np.random.Generator) -> tuple[float, float]:
        try:
            again = fitted(trial.estimator, replace(trial.design, outcome=dummy(draw)), rng)
        except CausalError:
            return np.nan, np.nan
        return again.effect, np.nan if again.std_error is None else again.std_error

    effects, errors = (np.array(side, dtype=float) for side in zip(*trial.map(name, refit, draws), strict=True))
    return effects, errors
