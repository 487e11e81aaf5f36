"""What a finding does to the estimate: how far it moves once what was found is conditioned on, and how small a bias a test can see.

Holding a variable z fixed moves a coefficient by what z does to the outcome times what goes with it of the treatment (the formula of omitted variables;
Angrist & Pischke 2009, Mostly Harmless Econometrics, sec. 3.2.2). Both answers are got on the same rows, so that nothing but z lies between them, and the
error of the move comes from the difference of their clustered scores. A test with K coefficients finds a bias of so many standard errors four times in
five that its noncentral F exceeds the critical value as often (Cohen 1988, Statistical power analysis for the behavioral sciences, ch. 9).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from causal.arrays import Floats
from causal.design import Design, design
from causal.draws import stream
from causal.errors import CausalError
from causal.estimate import Estimate, Estimator, Linear, PartiallyLinear, lighter, once
from causal.inference.clustered import Fit
from causal.inference.detectable import POWER
from causal.regression import least_squares
from causal.rescored import can_carry, moved, with_clusters
from causal.rows import Control
from causal.trial import Trial, fitted, guarded

MANY = 5_000  # degrees of freedom from which F is chi-squared, and its noncentral tail no longer computed well
FARTHEST = 50.0  # standard errors beyond which nothing is looked for


@dataclass(frozen=True, slots=True, kw_only=True)
class Bias:
    """How far an estimate is off by what a check found, outcome units for the whole contrast, estimate − truth; None where it is not known."""

    size: float | None = None
    error: float | None = None


def reach(df: float, level: float, *, tests: int = 1, power: float = POWER, line: bool = False) -> float | None:
    """How many standard errors off a coefficient, or a straight line through several, must be for a test to find it this often.

    Parameters
    ----------
    df : degrees of freedom of the clustered error.
    level : rate at which the test is held.
    tests : coefficients that are tested jointly by Hotelling's T², as `causal.inference.clustered.joint_test` does.
    power : share of panels in which it is found.
    line : whether the standard error is that of the straight line which fits all of them best, by their estimated covariance: it is too small by
        the root of (df − tests + 1) / df.
    """
    from scipy import optimize, stats

    rest = df - tests + 1
    if not rest > 0 or power <= level:
        return None
    normal = rest > MANY
    critical = float(stats.chi2(tests).isf(level)) / tests if normal else float(stats.f(tests, rest).isf(level))

    def short(size: float) -> float:
        found = stats.ncx2.sf(critical * tests, tests, size) if normal else stats.ncf.sf(critical, tests, rest, size)
        return float(found) - power

    if not short(FARTHEST**2) > 0:
        return None
    return float(np.sqrt(optimize.brentq(short, 0.0, FARTHEST**2, xtol=1e-9) * (df / rest if line and np.isfinite(df) else 1.0)))


def moved_by(trial: Trial, names: Sequence[str], beside: Sequence[str] = ()) -> Bias:
    """How far the estimate moves once columns are conditioned on, on the rows where they are known.

    Parameters
    ----------
    trial : the answer under examination.
    names : dated columns of the panel; those that are conditioned on already are passed over.
    beside : dated columns that are conditioned on in both answers.

    Returns
    -------
    The answer without `names` less the answer with them; nothing where one of the two cannot be had, or where nothing is left to hold fixed.
    """
    fixed = (*trial.identification.adjust_for, *(name for name in dict.fromkeys(beside) if name not in trial.identification.adjust_for))
    new = [name for name in dict.fromkeys(names) if name not in fixed]
    if not new:
        return Bias()
    try:
        made = design(trial.panel, replace(trial.question, modifiers=()), replace(trial.identification, adjust_for=(*fixed, *new)))
        out = {column for name in new for column in made.control_groups.get(Control(name), ())}
        return difference(trial, without(made, out), made) if out else Bias()
    except CausalError:
        return Bias()


def jointly(trial: Trial, made: Design, columns: Floats) -> Fit:
    """Slopes of several treatments in one partially linear model of a trial's learner; where a library breaks off, no answer and not the end.

    Parameters
    ----------
    trial : whose estimator it is.
    made : whose controls are learnt.
    columns : shape (rows, k), raw; the treatments.

    Raises
    ------
    EstimationError : there is no answer.
    """
    learner = trial.estimator
    assert isinstance(learner, PartiallyLinear)
    return guarded(lambda: learner.jointly(made, columns, stream(trial.seed, "estimate")))


def moved_outcome(estimator: Estimator, made: Design, found: Estimate, column: Floats, again: Callable[[], np.random.Generator]) -> float:
    """How far an answer moves when something that no control tells is added to the outcome; NaN where it cannot be had.

    On the residuals of cross-fits where columns can be set beside them; by one cross-fit in the folds of the answer's first where they cannot; by a fit.

    Parameters
    ----------
    estimator, made, found : whose answer, to what, and the answer.
    column : shape (rows of `made`,), outcome units.
    again : the stream that the answer had, from its start.
    """
    score = found.crossfitted
    if score is not None and can_carry(score):
        return moved(score, made, column) * made.question.contrast
    changed = replace(made, outcome=made.outcome + column)
    try:
        if score is None or score.folds is None:
            return fitted(estimator, changed, again()).effect - found.effect
        first, _ = with_clusters(score.single(0), made, np.ones((len(made.clusters), 1)))
        answered = fitted(once(estimator), replace(changed, folds=score.folds), again())
        return answered.effect - float(first[0]) * score.over.question.contrast
    except CausalError:
        return np.nan


def difference(trial: Trial, one: Design, other: Design) -> Bias:
    """The estimator's answer to one design less that to another of the same clusters, and the error of that.

    Parameters
    ----------
    trial : whose estimator answers.
    one, other : designs of the same rows.

    Raises
    ------
    CausalError : one of them has no answer.
    """
    answers: list[tuple[float, Floats | None]] = []
    for made in (one, other):
        if isinstance(trial.estimator, Linear):
            used = trial.estimator.regression(made)
            fit, _ = least_squares(used, used.basis())
            contrast = trial.question.contrast
            answers.append((float(fit.coefficients[0]) * contrast, fit.scores[:, 0] * contrast))
        else:
            estimate = fitted(lighter(trial.estimator), made, stream(trial.seed, "estimate"))
            answers.append((estimate.effect, estimate.influence))
    (first, scores), (second, others) = answers
    size = first - second
    if not np.isfinite(size):
        return Bias()
    if scores is None or others is None or len(scores) != len(others):
        return Bias(size=size)
    error = float(np.sqrt(((scores - others) ** 2).sum()))
    return Bias(size=size, error=error if np.isfinite(error) else None)


def without(made: Design, out: set[int]) -> Design:
    """A design without some of its control columns.

    Parameters
    ----------
    made : the design.
    out : columns of its controls.
    """
    kept = [i for i in range(made.controls.shape[1]) if i not in out]
    place = {old: new for new, old in enumerate(kept)}
    return replace(
        made,
        controls=made.controls[:, kept],
        control_names=tuple(made.control_names[i] for i in kept),
        control_groups={name: tuple(place[i] for i in at) for name, at in made.control_groups.items() if not out.intersection(at)},
    )
