"""What an estimator needs of a design, told in words and checked before anything is fitted.

An estimator's class lists its `needs`; the header of its configuration says the same words. `unmet_requirements` says why a design cannot be served,
so that a refusal costs no fit and names the reason, and the estimators that could.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from operator import itemgetter
from typing import Any

import numpy as np

from causal.arrays import Floats
from causal.cohorts import cohorts
from causal.design import Design
from causal.errors import DesignError
from causal.graph import undated

Lack = str | None
NOTHING = "nothing"
FEWEST_AT_LEVEL = 10  # clusters at either value of an instrument: of fewer the spread at that value cannot be learnt
ANSWERS = {  # codes of an estimator's `answers`; another code is of its own ("median")
    "ATE": "the average over all that the question is of",
    "ATT": "the average over the treated",
    "association": "no effect: a difference between those with more and those with less",
    "weights": "takes question.weights",
    "alike": "each authority counts once, so that nothing can be weighed",
}


@dataclass(frozen=True, slots=True)
class Need:
    """One thing that an estimator needs.

    Parameters
    ----------
    words : as the header of its configuration says it.
    unmet_requirement : given the estimator and the design, why the design does not have it; None if it does.
    """

    words: str
    unmet_requirement: Callable[[Any, Design], Lack]


def needed(estimator: Any) -> str:
    """All that an estimator needs, in words."""
    return "; ".join(need.words for need in estimator.needs) or NOTHING


def answers(estimator: Any) -> tuple[str, ...]:
    """Codes of what a class answers: of `ANSWERS`, or one of its own; () where it does not say."""
    return tuple(getattr(estimator, "answers", ()))


def averages(estimator: Any) -> list[str]:
    """Of the averages that a question can ask for, those that a class answers."""
    return [target for target in ("ATE", "ATT") if target in answers(estimator)]


def offered(estimator: Any, design: Design) -> bool:
    """Whether it can serve a design and answers the average that is asked for; what answers another thing is served where it is chosen, and not offered.

    Parameters
    ----------
    estimator : with its `needs` and `answers`.
    design : what is asked.
    """
    return design.question.target in answers(estimator) and not unmet_requirements(estimator, design)


def unmet_requirements(estimator: Any, design: Design) -> tuple[str, ...]:
    """Why an estimator cannot serve a design; empty if it can. The target and the weights are read from its `answers`.

    Parameters
    ----------
    estimator : with its `needs` and `answers`.
    design : what it is asked.

    Returns
    -------
    reasons : sentences, each with what to write instead where there is something.
    """
    asked, given = design.question.target, answers(estimator)
    reasons = []
    targets = averages(estimator)
    if targets and asked not in targets:
        reasons.append(f"it targets the {' and the '.join(targets)}, and the question asks for the {asked}; ask with  question.target={targets[0]}")
    if design.weights is not None and "weights" not in given:
        # one row an authority: weights would be needed in the propensities, in the outcome's model and in the error alike
        why = " (its average, its models and their error count every authority once)" if "alike" in given else ""
        if not design.weighs_people:
            reasons.append(f"it cannot weigh authority-years by {design.question.weights}{why}; ask with  question.weights=null")
        elif not getattr(estimator, "by_people", False):
            reasons.append(f"it cannot weigh authority-years by the people whose means they are{why}; ask with  source.weigh=false")
    if design.effect is not None and not getattr(estimator, "by_sums", False):
        reasons.append("characteristics of people that are held fixed in a straight line are there as sums, which it cannot use; leave out  source.covariates")
    reasons += [why for need in estimator.needs if (why := need.unmet_requirement(estimator, design)) is not None]
    if reasons and given and not targets:
        reasons.insert(0, f"it answers {estimator.targets}, and the question asks for the {asked}")
    return tuple(reasons)


def _authority_effects(_: Any, design: Design) -> Lack:
    if "authority" in design.absorb:
        return None
    return "it compares authorities with themselves over time, and here the adjustment set has no authority or the data only one year"


def _years(_: Any, design: Design) -> Lack:
    return None if ((np.diff(design.authority) == 0) & (np.diff(design.year) == 1)).any() else "no authority is seen in two successive years"


def _modifiers(_: Any, design: Design) -> Lack:
    return None if design.modifiers else "the question names no modifiers; ask with  question.modifiers=[deprivation]"


def _folds(estimator: Any, design: Design) -> Lack:
    least = 2 * estimator.folds
    if len(design.clusters) >= least:
        return None
    return f"{estimator.folds} folds of whole clusters take at least {least} clusters, and there are {len(design.clusters)}; take  estimator.folds=2"


def _not_negative(_: Any, design: Design) -> Lack:
    least = float(design.outcome.min())
    return None if least >= 0 else f"a count is never below 0, and {design.outcome_variable.name} goes down to {least:g}"


FEWEST_VALUES = 5  # of an outcome that is no 0 and 1, for it to be a share and no code of a few answers


def percent(design: Design) -> float:
    """What an outcome of 1 is in the outcome's own unit: 100 where that is per cent and goes beyond 1, otherwise 1."""
    unit = f" {design.outcome_variable.unit} ".lower()
    return 100.0 if ("%" in unit or "per cent" in unit or "percent" in unit) and float(design.outcome.max()) > 1 else 1.0


def _share(_: Any, design: Design) -> Lack:
    name, size = design.outcome_variable.name, percent(design)
    least, most = float(design.outcome.min()), float(design.outcome.max())
    if least < 0 or most > size:
        ends = f"{least:g} to {most:g}"
        return f"an outcome of 0 and 1, or a share from 0 to 1 (0 to 100 where its unit says per cent), is wanted, and {name} goes from {ends}"
    values = np.unique(design.outcome)
    if 2 < len(values) < FEWEST_VALUES or (len(values) == 2 and not np.array_equal(values, [0.0, size])):
        came = ", ".join(f"{value:g}" for value in values)
        return f"an outcome of 0 and 1, or a share, is wanted, and {name} has {len(values)} values ({came}); say which of them is meant by a column of 0 and 1"
    return None


def _binary(_: Any, design: Design) -> Lack:
    values = np.unique(design.treatment)
    two = sorted((design.question.control, design.question.treated))
    if np.array_equal(values, two):
        return None
    name, ends = design.question.treatment, f"{values[0]:g} to {values[-1]:g}"
    return f"a treatment of two values, {two[0]:g} and {two[1]:g}, is wanted, and {name} has {len(values)} from {ends}"


def _adoption(_: Any, design: Design) -> Lack:
    try:
        cohorts(design)
    except DesignError as why:
        return str(why)
    return None


def _never(_: Any, design: Design) -> Lack:
    try:
        made = cohorts(design)
    except DesignError:
        return None  # said by the need for adoption
    return None if made.never.any() else "every authority is treated in the end, and some that never are must be there to compare with"


def _balanced(_: Any, design: Design) -> Lack:
    if design.balanced:
        return None
    full = len(design.authorities) * len(design.years)
    return f"every authority must be seen in every year, and {full - design.rows:,} of {full:,} authority-years are missing; give fewer years or authorities"


def _instrument(_: Any, design: Design) -> Lack:
    names = [one.name for one in design.identification.instruments if one.name in design.columns]
    return None if names else "the graph has no instrument that was measured"


def _front_door(_: Any, design: Design) -> Lack:
    return None if design.identification.frontdoor else "the graph has no front door"


def _mediators(_: Any, design: Design) -> Lack:
    return None if design.identification.mediators else "the graph has nothing measured between treatment and outcome"


def _past_outcome(_: Any, design: Design) -> Lack:
    question = design.question
    name = f"{question.outcome}[{-question.lag - 1}]"
    return None if np.isfinite(design.columns.get(name, np.array([np.nan]))).any() else f"{name}, the outcome in the year before the treatment, is never known"


def instrument_of(estimator: Any, design: Design) -> tuple[str, Floats] | None:
    """The instrument of two values that an estimator takes: the one that it names, or the first of the graph's; its name and column, None where none has two.

    Parameters
    ----------
    estimator : which may have a knob `instrument`.
    design : of a question identified by instruments.
    """
    asked = getattr(estimator, "instrument", None)
    for one in design.identification.instruments:
        if one.name in design.columns and asked in (None, str(one.name), undated(one.name)[0]):
            column = design.columns[one.name]
            if len(np.unique(column[np.isfinite(column)])) == 2:
                return str(one.name), column
    return None


def _binary_instrument(estimator: Any, design: Design) -> Lack:
    if (one := instrument_of(estimator, design)) is not None:
        name, column = one
        level, number = min(((value, len(np.unique(design.cluster[column == value]))) for value in np.unique(column[np.isfinite(column)])), key=itemgetter(1))
        if number >= FEWEST_AT_LEVEL:
            return None
        return f"an instrument with at least {FEWEST_AT_LEVEL} clusters at both values is wanted, and {name} is {level:g} in {number} alone"
    found = [one.name for one in design.identification.instruments if one.name in design.columns]
    told = ", ".join(f"{name} has {len(np.unique(design.columns[name][np.isfinite(design.columns[name])]))}" for name in found) or "none was measured"
    return f"an instrument of two values is wanted, with rows at both, and {told}"


def _by_lot(_: Any, design: Design) -> Lack:
    if design.identification.lot and design.identification.strategy == "backdoor":
        return None
    name = design.question.treatment
    return f"the graph does not say that {name} was decided by lot; if it was, write  graph.nodes.{name}.lot='how the lots were drawn'"


ADJUSTMENT = Need(
    "an identified adjustment set",
    lambda _, design: None if "backdoor" in design.identification.strategies or design.identification.forced else "there is none",
)
AUTHORITY_EFFECTS = Need("a panel whose graph asks for authority and year", _authority_effects)
SUCCESSIVE_YEARS = Need("authorities seen in successive years", _years)
MODIFIERS = Need("question.modifiers", _modifiers)
FOLDS = Need("at least twice as many clusters as folds", _folds)
COUNTS = Need("an outcome never below 0", _not_negative)
SHARES = Need("an outcome of 0 and 1, or a share", _share)
BINARY = Need("a treatment of two values", _binary)
ADOPTION = Need("a treatment that is taken up and kept", _adoption)
NEVER_TREATED = Need("authorities never treated", _never)
BALANCED = Need("every authority in every year", _balanced)
BY_LOT = Need("a treatment that the graph says was decided by lot", _by_lot)
INSTRUMENT = Need("an instrument in the graph", _instrument)
BINARY_INSTRUMENT = Need("an instrument of two values", _binary_instrument)
FRONT_DOOR = Need("a front door in the graph", _front_door)
MEDIATORS = Need("mediators in the graph", _mediators)
PAST_OUTCOME = Need("the outcome before the treatment", _past_outcome)
