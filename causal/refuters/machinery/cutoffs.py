"""What checks of a comparison at a cutoff share: the comparison itself, and how far an answer moves when it is made otherwise."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from causal.arrays import Floats
from causal.cutoff import AtCutoff, Local, TwoByTwo, chosen, fitted, sides
from causal.design import Design
from causal.errors import CausalError
from causal.estimate import Part
from causal.inference.clustered import interval
from causal.inference.discontinuity import Jump
from causal.refute import Refuter
from causal.refuters.machinery.bias import Bias
from causal.trial import Setting, Trial


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Compared:
    """A comparison at a cutoff, as the estimator makes it.

    Parameters
    ----------
    design : whose rows.
    sides, local, widths : which rows on which side, how lines are fitted and how wide.
    made : its jump.
    """

    design: Design
    sides: TwoByTwo
    local: Local
    widths: tuple[float, float]
    made: Jump


def lacks_cutoff(setting: Setting) -> str | None:
    """Why a setting has no comparison at a cutoff; None where it has."""
    if not isinstance(setting.estimator, AtCutoff):
        return f"{setting.estimator.name} makes no comparison at a cutoff"
    return None if sides(setting.design) is not None else "the graph has no cutoff of something measured"


def compared(trial: Trial) -> Compared:
    """The trial's comparison.

    Raises
    ------
    CausalError : it cannot be made.
    """
    found, estimator = sides(trial.design), trial.estimator
    assert found is not None and isinstance(estimator, AtCutoff)
    widths = chosen(trial.design, found, estimator.local)
    return Compared(design=trial.design, sides=found, local=estimator.local, widths=widths, made=fitted(trial.design, found, estimator.local, widths))


def comparison(check: Refuter, trial: Trial) -> Compared | str:
    """The trial's comparison at a cutoff, or, for a check that then cannot be run, why there is none.

    Parameters
    ----------
    check : says what it lacks.
    trial : the answer under examination.
    """
    if (why := check.unmet(trial)) is not None:
        return why
    try:
        return compared(trial)
    except CausalError as problem:
        return str(problem).rstrip(".")


def joint_p(trial: Trial, one: Jump, others: Sequence[Jump]) -> float:
    """Bonferroni's p-value that an answer stays where it is when it is made otherwise, each time from the same clusters.

    Parameters
    ----------
    trial : gives the contrast.
    one : the answer's jump.
    others : one or more jumps, each made otherwise.
    """
    each = [p_of(bias.size or 0.0, bias.error, other.df) for other in others for bias in [moved(trial, one, other)]]
    return min(1.0, len(each) * min(each))


def moved(trial: Trial, one: Jump, other: Jump) -> Bias:
    """How far an answer moves from one jump to another of the same clusters, for the whole contrast, and the error of that.

    Parameters
    ----------
    trial : gives the contrast.
    one, other : jumps of the same clusters.
    """
    contrast = trial.question.contrast
    size = (one.effect - other.effect) * contrast
    return Bias(size=size, error=float(np.sqrt(((one.scores - other.scores) ** 2).sum())) * abs(contrast))


def effect(trial: Trial, jump: Jump) -> float:
    """The effect of the whole contrast, outcome units.

    Parameters
    ----------
    trial : gives the contrast.
    jump : the jump.
    """
    return jump.effect * trial.question.contrast


def per_jump(found: Compared) -> float:
    """What a jump of the outcome of 1 is of an effect, for one unit of treatment: one over the treatment's own jump."""
    return 1.0 / found.made.treatment


def p_of(size: float, error: float | None, df: float) -> float:
    """Two-sided, by t, or the normal law where `df` is infinite; 1 where there is no error.

    Parameters
    ----------
    size, error : in one unit.
    df : of t; infinite is normal.
    """
    from scipy import special

    if not error:
        return 1.0
    far = -abs(size) / error
    return float(2 * (special.ndtr(far) if np.isinf(df) else special.stdtr(df, far)))


def beyond(found: Compared, least: float) -> Floats:
    """Which rows lie further from the cutoff than that; shape (kept rows,).

    Parameters
    ----------
    found : rows and how far they lie from the cutoff.
    least : distance, running variable's unit.
    """
    return np.asarray(np.abs(found.sides.x) > least, dtype=float)


def part_of(trial: Trial, name: str, jump: Jump, *, chosen: bool = False) -> Part:
    """A jump as one specification.

    Parameters
    ----------
    trial : whose contrast scales it.
    name : for print.
    jump : the jump.
    chosen : whether it is the one that was chosen beforehand.
    """
    size, error = effect(trial, jump), jump.std_error * abs(trial.question.contrast)
    lower, upper, _ = interval(size, error, trial.question.level, None if np.isinf(jump.df) else jump.df)
    return Part(
        kind="specification", of="bandwidth", name=name, effect=size, std_error=error, lower=lower, upper=upper, rows=jump.left + jump.right, chosen=chosen
    )
