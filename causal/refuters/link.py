"""Is the curve of a logit the right one? The fitted log odds' square and cube must add nothing.

A logit says that treatment and controls add up in the log odds. Where a control acts in a curve, or the treatment in steps, powers of the fitted index pick up
what is left (Pregibon 1980, Goodness of link tests for generalized linear models; Ramsey 1969, Tests for specification errors in classical linear
least-squares regression analysis). How far the answer moves once they stand in the model is what the wrong curve does to it, as far as powers of the index
can show.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from causal.arrays import Floats
from causal.errors import CausalError
from causal.inference.clustered import joint_test
from causal.inference.logit import Logit, along, full_rank, logistic, logit
from causal.knobs import between
from causal.odds import averaged
from causal.refutation import Family, Refutation, Role
from causal.refuters import amount, not_run, p_text, reporting, size
from causal.refuters.machinery.bias import reach
from causal.refuters.machinery.logits import fitted_logit, lacks_logit
from causal.trial import Setting, Trial

POWERS = (2, 3)


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """Put the square and cube of the fitted index beside the model.

    Parameters
    ----------
    level : rate at which they are found to add something.
    """

    family: ClassVar[Family] = "bias"
    role: ClassVar[Role | None] = None
    label: ClassVar[str] = "the curve of the logit"
    catches: ClassVar[str] = "wrong_curve"

    level: float = 0.05

    def __post_init__(self) -> None:
        between("link.level", self.level, 0, 0.5)

    @property
    def name(self) -> str:
        """Its name on the shelf."""
        return "link"

    def unmet(self, setting: Setting) -> str | None:
        """What it lacks here."""
        return lacks_logit(setting)

    def refute(self, trial: Trial, rng: np.random.Generator) -> Refutation:
        """Try to refute that log odds add up.

        Parameters
        ----------
        trial : of an estimator of odds.
        rng : not used.
        """
        report = reporting(
            self,
            asks="Do treatment and controls add up in the log odds, or does something act in a curve?",
            expected="The square and the cube of the fitted log odds add nothing to the model.",
            detects="A control or a treatment that acts in a curve or in steps, as far as it shows in powers of the fitted log odds.",
            cannot_detect="A common cause that nobody measured; a curve in something that hardly moves the fitted log odds.",
        )
        if (why := self.unmet(trial)) is not None:
            return not_run(report, why)
        design = trial.design
        try:
            estimator, model, made = fitted_logit(trial)
            plain = averaged(estimator.odds, design, model, made)
            bent, places = _bent(made)
            adds = [along(bent, np.eye(len(bent.slopes))[place], design.cluster, len(design.clusters)) for place in places]
            effect, way = _effect_along(estimator.odds, trial, made, bent, places, model.centre)
            curved = along(bent, way, design.cluster, len(design.clusters))
        except CausalError as problem:
            return not_run(report, f"the model with powers of its index cannot be fitted: {problem}".rstrip("."))
        scores = np.column_stack([one.scores[:, 0] for one in adds])
        df = float(min(one.df[0] for one in adds))
        f, _, p_value = joint_test(np.array([float(one.coefficients[0]) for one in adds]), scores, df)
        if not np.isfinite(p_value):
            return not_run(report, f"{len(design.clusters)} clusters are too few to test {len(places)} powers jointly")
        unit = model.unit
        contrast = trial.question.contrast
        bias = float(plain.coefficients[0]) * contrast - effect * unit
        error = float(np.sqrt(((plain.scores[:, 0] * contrast - curved.scores[:, 0] * unit) ** 2).sum()))
        sees = reach(df, self.level, tests=len(places))
        survived = bool(p_value >= self.level)
        return report(
            found=f"With the powers beside it the effect is {amount(trial, effect * unit)}, {size(trial, bias)} away ({p_text(p_value)}). "
            + ("They add nothing beyond chance." if survived else "They add something: the curve is not the logit's."),
            p_value=p_value,
            level=self.level,
            survived=survived,
            bias=bias,
            bias_error=error,
            blind_below=None if sees is None else sees * error,
            numbers={"F": f, "powers": float(len(places)), "effect with powers": effect * unit},
        )


def _bent(model: Logit) -> tuple[Logit, list[int]]:
    """The model with powers of its standardised index beside it, and where they stand.

    Raises
    ------
    CausalError : it does not converge.
    """
    columns = np.column_stack([model.columns, *(_standard(model, model.index) ** power for power in POWERS)])
    kept = full_rank(columns, least=1e-6)
    own = model.columns.shape[1]
    bent = logit(columns[:, kept], model.outcome, model.weights)
    return bent, [int(at) for at in np.flatnonzero(kept >= own)]


def _standard(model: Logit, index: Floats) -> Floats:
    """An index less the fitted one's mean, by its deviation."""
    own = model.index
    return np.asarray((index - own.mean()) / max(float(own.std()), 1e-12))


def _effect_along(kind: str, trial: Trial, model: Logit, bent: Logit, places: list[int], centre: float) -> tuple[float, Floats]:
    """The whole contrast's effect where powers of the index go with the treatment, outcome from 0 to 1, and how it moves with the slopes."""
    question, at, own = trial.question, model.columns.shape[1] - 1, model.columns.shape[1]
    share = bent.weights / bent.weights.sum()
    powers = [POWERS[place - own] for place in places]

    def moved(treatment: Floats) -> Floats:
        plain = model.columns.copy()
        plain[:, at] = treatment
        index = _standard(model, plain @ model.slopes)
        return np.column_stack([plain, *(index**power for power in powers)])

    if kind == "slope":
        step = 1e-4 * abs(question.contrast)
        ends = [moved(model.columns[:, at] + side * step) for side in (1, -1)]
        times = abs(question.contrast) / (2 * step) * np.sign(question.contrast)
    else:
        ends = [moved(np.full(len(model.columns), level - centre)) for level in (question.treated, question.control)]
        times = 1.0
    means = [logistic(end @ bent.slopes) for end in ends]
    ways = [(share * mean * (1 - mean)) @ end for mean, end in zip(means, ends, strict=True)]
    return float(share @ (means[0] - means[1])) * times, np.asarray(ways[0] - ways[1]) * times
