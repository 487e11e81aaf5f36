"""Do so few events stand behind a logit that its slopes are driven away from nothing?

Where outcomes of 1 (or of 0) are few, or almost told by something held fixed, the slopes that fit best lie too far from nothing.
Half a row of leverage added to each outcome takes away the first order of that (Firth 1993, Bias reduction of maximum likelihood estimates; Heinze & Schemper
2002, A solution to the problem of separation in logistic regression). Where the answer moves with it by a good part of its own error, it hangs on few events;
and with fewer than five for each column neither slopes nor errors are to be trusted, whatever they say (Peduzzi, Concato, Kemper, Holford & Feinstein 1996, A
simulation study of the number of events per variable in logistic regression analysis; Vittinghoff & McCulloch 2007, Relaxing the rule of ten events).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from causal.errors import CausalError
from causal.inference.logit import logit
from causal.knobs import between
from causal.odds import averaged
from causal.refutation import Family, Refutation, Role
from causal.refuters import amount, not_run, reporting
from causal.refuters.machinery.logits import fitted_logit, lacks_logit
from causal.trial import Setting, Trial
from causal.words import count


@dataclass(frozen=True, slots=True, kw_only=True)
class Separation:
    """Hold the log odds ratio against the one that few events do not bend.

    Parameters
    ----------
    away : standard errors of the log odds ratio by which it may move.
    events : outcomes of the rarer kind, where all are 0 or 1, that there must be for each column.
    """

    family: ClassVar[Family] = "stability"
    role: ClassVar[Role | None] = None
    label: ClassVar[str] = "enough outcomes of either kind"
    catches: ClassVar[str] = "few_events"

    away: float = 0.25
    events: float = 5.0

    def __post_init__(self) -> None:
        between("separation.events", self.events, 0, np.inf)
        between("separation.away", self.away, 0, np.inf)

    @property
    def name(self) -> str:
        """Its name on the shelf."""
        return "separation"

    def unmet(self, setting: Setting) -> str | None:
        """What it lacks here."""
        return lacks_logit(setting)

    def refute(self, trial: Trial, rng: np.random.Generator) -> Refutation:
        """Try to refute that enough outcomes of either kind stand behind the odds.

        Parameters
        ----------
        trial : of an estimator of odds.
        rng : not used.
        """
        report = reporting(
            self,
            asks="Are there enough outcomes of either kind, or do a few of them carry the ratio of odds?",
            expected=f"Taking away the bias of few events moves the log odds by less than {self.away:g} of their standard error, and there are "
            f"{self.events:g} for each column.",
            detects="So few outcomes of one kind, or controls that tell them so nearly, that odds are driven away from 1.",
            cannot_detect="Confounding of any kind; a wrong curve.",
        )
        if (why := self.unmet(trial)) is not None:
            return not_run(report, why)
        design = trial.design
        try:
            estimator, model, made = fitted_logit(trial)
            less = logit(model.columns, model.outcome, made.weights, penalised=True)
            before, after = (float(averaged(estimator.odds, design, model, one).coefficients[0]) * trial.question.contrast for one in (made, less))
        except CausalError as problem:
            return not_run(report, f"the model without the bias of few events cannot be fitted: {problem}".rstrip("."))
        error = trial.estimate.diagnostics.get("log odds for one unit, standard error") if trial.estimate.estimator == trial.estimator.name else None
        if not error:
            return not_run(report, "the log odds have no standard error to hold a move against")
        moved = float(made.slopes[-1] - less.slopes[-1]) / float(error)
        fewer = min(float(model.outcome.sum()), float((1 - model.outcome).sum()))
        each = fewer / len(made.slopes)
        enough = bool(each >= self.events) or not np.isin(model.outcome, (0, 1)).all()
        survived = bool(abs(moved) < self.away) and enough
        return report(
            found=f"{count(round(fewer), 'outcome')} of the rarer kind among {count(design.rows, 'row')} and {count(len(made.slopes), 'column')}. Without the "
            f"bias of few events the log odds move by {abs(moved):.2f} of their standard error, and the effect from {amount(trial, before)} to "
            f"{amount(trial, after)}. " + ("There are enough." if survived else "A few outcomes carry the odds."),
            p_value=None,
            survived=survived,
            numbers={
                "outcomes of the rarer kind": fewer,
                "outcomes for each column": each,
                "move in standard errors": moved,
                "effect without the bias of few events": after,
            },
        )
