"""Other estimators' answers to the same question, from the same rows, beside the one that the verdict is of.

One primary estimator answers. A voice is another's answer set beside it: it can lower the certainty where it lies an important effect away, and never
raises it, since estimators that rest on one adjustment set share its faults. What two answers differ by is judged by the error of their *difference*
(Hausman 1978, Specification tests in econometrics): from the same places they share most of their chance, so that overlapping intervals say nothing.
Where both keep their scores by cluster it comes from the differences of the scores, without a second fit.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal, get_args

import numpy as np

from causal.answer import answered
from causal.design import Design
from causal.errors import CausalError
from causal.estimate import Estimate, Estimator
from causal.inference.clustered import interval

# same       the same numbers, as two names of one algebra have them
# agrees     every difference that fits is smaller than what matters
# differs    an important effect apart, and more than chance would part them
# open       neither: how far they lie apart is not known well enough
# other      it is of another effect (another estimand or target), so that there is nothing to compare
# none       no answer here, or none with an error
Stand = Literal["same", "agrees", "differs", "open", "other", "none"]
STANDS: tuple[Stand, ...] = get_args(Stand)
SAME = 1e-6  # share of the answer, or of its error, below which two are one


@dataclass(frozen=True, slots=True, kw_only=True)
class Voice:
    """Another estimator's answer and how it stands to ours; outcome units, for the whole contrast.

    Parameters
    ----------
    estimator : its name.
    library : whose code fits it; "" where it is our own.
    stand : how it stands to ours.
    effect, std_error, lower, upper : its answer; None where there is none.
    ours : the answer that it stands beside, before anything was widened for what places share.
    difference, difference_error, difference_lower, difference_upper, p_value : theirs less ours; None where it cannot be had.
    detail : why there is nothing to compare, in the estimator's own words.
    """

    estimator: str
    library: str
    stand: Stand
    ours: float
    effect: float | None = None
    std_error: float | None = None
    lower: float | None = None
    upper: float | None = None
    difference: float | None = None
    difference_error: float | None = None
    difference_lower: float | None = None
    difference_upper: float | None = None
    p_value: float | None = None
    detail: str = field(default="", metadata={"key": "told"})

    def __post_init__(self) -> None:
        if self.stand not in STANDS:
            raise ValueError(f"a voice's stand must be one of {', '.join(STANDS)}, got {self.stand!r}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Apart:
    """How far another answer lies from ours.

    Parameters
    ----------
    difference : theirs less ours, outcome units.
    std_error : of the difference, from the scores of both; None where one keeps none.
    df : degrees of freedom, the fewer of the two; None for a normal law.
    same : whether they are one estimate.
    """

    difference: float
    std_error: float | None
    df: float | None
    same: bool


def apart(ours: Estimate, theirs: Estimate) -> Apart:
    """How far two answers to one question lie apart, with the error that their scores give.

    Parameters
    ----------
    ours, theirs : from the same clusters, in the same order.
    """
    known = [one.df for one in (ours, theirs) if one.df is not None]
    difference, error = theirs.effect - ours.effect, None
    if ours.influence is not None and theirs.influence is not None:
        error = float(np.sqrt(((np.asarray(theirs.influence) - np.asarray(ours.influence)) ** 2).sum()))
    same = abs(difference) <= SAME * max(abs(ours.effect), ours.std_error or 0.0)
    return Apart(difference=difference, std_error=error, df=min(known) if known else None, same=same)


def heard(estimators: Sequence[Estimator], design: Design, ours: Estimate, rng: Callable[[], np.random.Generator]) -> dict[str, Estimate | str]:
    """What each of several estimators answers, by name, or why it does not.

    Parameters
    ----------
    estimators : beside the one that gave `ours`; one of its name is passed over.
    design : that `ours` is of.
    ours : the answer.
    rng : makes a fresh stream, the same that the estimator would get were it the primary one.
    """
    said: dict[str, Estimate | str] = {}
    for one in estimators:
        if one.name == ours.estimator:
            continue
        try:
            said[one.name] = answered(one, design, rng())
        except CausalError as why:
            said[one.name] = str(why).rstrip(".")
    return said


def voice(estimator: Estimator, said: Estimate | str, ours: Estimate, smallest: float) -> Voice:
    """How another answer stands to ours.

    Parameters
    ----------
    estimator : whose it is.
    said : its answer, or why there is none.
    ours : the answer that the verdict is of.
    smallest : δ, outcome units.
    """
    library = str(getattr(estimator, "library", ""))
    if isinstance(said, str):
        return Voice(estimator=estimator.name, library=library, stand="none", ours=ours.effect, detail=said)
    numbers = {key: getattr(said, key) for key in ("effect", "std_error", "lower", "upper")}
    if not said.same_effect(ours):
        return Voice(estimator=estimator.name, library=library, stand="other", ours=ours.effect, detail=f"{said.estimand}, {said.target}", **numbers)
    far = apart(ours, said)
    if far.same:
        return Voice(estimator=estimator.name, library=library, stand="same", ours=ours.effect, difference=far.difference, **numbers)
    if far.std_error is None or said.std_error is None or ours.std_error is None:
        why = f"{said.estimator if said.influence is None else ours.estimator} keeps no scores by cluster, so that the error of the difference is not known"
        return Voice(estimator=estimator.name, library=library, stand="none", ours=ours.effect, difference=far.difference, detail=why, **numbers)
    lower, upper, p_value = interval(far.difference, far.std_error, ours.level, far.df)
    inside = -smallest < lower and upper < smallest
    differs = abs(far.difference) >= smallest and p_value < 1 - ours.level
    return Voice(
        estimator=estimator.name,
        library=library,
        stand="agrees" if inside else "differs" if differs else "open",
        ours=ours.effect,
        difference=far.difference,
        difference_error=far.std_error,
        difference_lower=lower,
        difference_upper=upper,
        p_value=p_value,
        **numbers,
    )
