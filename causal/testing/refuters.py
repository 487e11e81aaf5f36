"""The contract of a check: it says what it is and what it lacks before it runs, it can fail, and it catches the fault that its class names.

Its class says `catches`, a name of `causal.testing.faults.FAULTS`, or has a method `planted(seed, on)` that gives a trial with the fault, or the same without
it. A check that never fails passes any analysis, and says nothing (Mayo & Spanos 2006, Severe testing as a basic concept).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields, is_dataclass, replace
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from causal.draws import stream
from causal.errors import CausalError, ConfigError, suggest
from causal.refutation import Refutation
from causal.refute import Refuter, must_say, refuted
from causal.testing.contract import Checked, ContractBroken, DoesNotApply, kept, kind_of, must
from causal.testing.faults import FAULTS, Bent, Fault, with_offers
from causal.testing.worlds import same
from causal.trial import Setting, Trial

TRIES = 6  # panels with the fault, and as many without
CAUGHT = 3  # of them, at least: one that finds four in five falls below once in sixty
ALARMS = 2  # of those without, at most: one with a level of 5 % goes beyond once in 450


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """A check, the fault that it names, and what it found."""

    refuter: Any
    fault: Fault
    planted: tuple[Refutation, ...]
    clean: tuple[Refutation, ...]
    true: tuple[Refutation, ...]
    trial: Trial


def check_refuter(refuter: Refuter) -> Checked:
    """Hold a check to the contract that the verdict rests on, and try it on the fault that its class names.

    Parameters
    ----------
    refuter : with its knobs; few draws make it short (`quickened`). Knobs that stand as they come take what the fault's world has for them.

    Returns
    -------
    what was looked at, and what does not apply, with the reason.

    Raises
    ------
    ContractBroken : a clause that does not hold; the message names the class, the clause, what was wanted, what came and what to try.

    Examples
    --------
    >>> from causal.refuters.leave_one_out import LeaveOneOut
    >>> check_refuter(LeaveOneOut()).on
    'one place carries the effect'
    """
    who = kind_of(refuter)
    with threadpool_limits(limits=1):
        try:
            must_say(str(getattr(refuter, "name", "")), refuter)
        except ConfigError as why:
            raise ContractBroken(f"{who}: says what it is: {why}") from why
        fault = _fault(who, refuter)
        one = with_offers(refuter, fault)
        trials = [fault.make(seed, True) for seed in range(TRIES)]
        clean = [fault.make(100 + seed, False) for seed in range(TRIES)]
        true = [fault.found(200 + seed) for seed in range(TRIES)] if fault.found and refuter.family == "inference" else []
        try:
            found = [[_found(one, trial) for trial in side] for side in (trials, clean, true)]
        except ConfigError as why:
            raise ContractBroken(f"{who}: gives a Refutation whose fields can be: {why}") from why
        tried = Tried(refuter=one, fault=fault, planted=tuple(found[0]), clean=tuple(found[1]), true=tuple(found[2]), trial=trials[0])
        passed, skipped = kept(who, CLAUSES, tried)
    return Checked(name=refuter.name, passed=("says what it is", *passed), skipped=skipped, on=fault.words)


def _found(refuter: Refuter, trial: Trial) -> Refutation:
    return refuted(refuter, trial, stream(trial.seed, refuter.name))


def _fault(who: str, refuter: Any) -> Fault:
    own = getattr(refuter, "planted", None)
    if callable(own):
        return Fault(words="a fault of its own", make=own)
    named = getattr(refuter, "catches", None)
    if named not in FAULTS:
        raise ContractBroken(
            f"{who}: names a fault that it catches: its class must say  catches = 'name'  ({suggest(str(named), FAULTS)}), or have a method planted(seed, on) "
            f"that gives a Trial with the fault, or the same without it; it has {named!r}"
        )
    return FAULTS[named]


# Clauses: each name says what holds


def catches_the_fault_that_it_names(tried: Tried) -> None:
    """In half of the panels with it and more; and the same panels without it pass."""
    caught = [one.survived for one in tried.planted].count(False)
    alarms = [one.survived for one in tried.clean].count(False)
    reasons = {one.reason for one in (*tried.planted, *tried.clean) if one.reason}
    seen = f"; it was not run in some: {' | '.join(sorted(reasons))}" if reasons else ""
    must(caught >= CAUGHT, f"{tried.fault.words}: planted in {TRIES} panels, seen in {caught}, and at least {CAUGHT} must be{seen}")
    must(alarms <= ALARMS, f"{tried.fault.words}: in {TRIES} panels without it there were {alarms} alarms, and at most {ALARMS} may be{seen}")


def does_not_take_a_true_effect_for_the_fault(tried: Tried) -> None:
    """A check of inference looks at the error, and what is truly there is none."""
    if not tried.true:
        raise DoesNotApply(f"its family is {tried.refuter.family}" if tried.refuter.family != "inference" else "its fault has no panels with a true effect")
    alarms = [one.survived for one in tried.true].count(False)
    must(
        alarms <= ALARMS,
        f"in {TRIES} panels without the fault and with a true effect there were {alarms} alarms, and at most {ALARMS} may be; what it draws must leave nothing "
        "of the effect",
    )


def speaks_in_words_and_finite_numbers(tried: Tried) -> None:
    """Every field of words says something; no number is none."""
    for one in (*tried.planted, *tried.clean):
        for key in ("asks", "expected", "found", "detects", "cannot_detect"):
            words = str(getattr(one, key))
            must(words.strip() and "nan" not in words.lower().split(), f"{key} must be words without a number that is none, got {words!r}")
        bad = [name for name, value in one.numbers.items() if value is not None and not np.isfinite(value)]
        must(not bad, f"numbers must be finite, or None where nothing is known; not so: {', '.join(bad)}")
        must(all(np.isfinite(part.effect) for part in one.parts), "the effect of a part must be finite; leave out a part without an answer")


def says_how_far_off_where_it_speaks_of_bias(tried: Tried) -> None:
    """The verdict weighs a bias in outcome units, with its error."""
    if tried.refuter.family != "bias":
        raise DoesNotApply(f"its family is {tried.refuter.family}")
    ran = [one for one in (*tried.planted, *tried.clean) if one.survived is not None]
    for one in ran:
        must(one.p_value is not None, "a check of the family bias that has run must give its p_value, and the level at which it was held")
        must((one.bias is None) == (one.bias_error is None), f"bias and bias_error come together, got {one.bias!r} and {one.bias_error!r}")
    must(
        not ran or any(one.bias is not None for one in ran),
        f"in none of {len(ran)} panels it said how far off the estimate may be; give bias and bias_error, in outcome units for the whole contrast",
    )


def answers_twice_the_same_and_leaves_its_trial_as_it_was(tried: Tried) -> None:
    """All randomness is handed in, or drawn from streams of the trial."""
    trial = tried.trial
    arrays = ("outcome", "treatment", "controls", "authority", "cluster", "year")
    digest, before = trial.panel.digest, {name: getattr(trial.design, name).copy() for name in arrays}
    again = _found(tried.refuter, trial)
    must(same(tried.planted[0], again), f"the same trial and stream must give the same finding, got {tried.planted[0].found!r} and {again.found!r}")
    changed = [name for name in arrays if not np.array_equal(before[name], getattr(trial.design, name), equal_nan=True)]
    must(trial.panel.digest == digest and not changed, f"the trial was changed ({', '.join(changed) or 'its panel'}); work on copies")


def knows_what_it_lacks_without_the_outcome(tried: Tried) -> None:
    """`unmet` is asked before any outcome is looked at, by `explain` and by protocols."""
    trial = tried.trial
    setting = Setting(
        panel=trial.panel, question=trial.question, identification=trial.identification, estimator=trial.estimator, design=trial.design, graph=trial.graph
    )
    name, rng = trial.question.outcome, np.random.default_rng(1)
    shuffled = trial.panel.frame.assign(**{name: rng.permutation(trial.panel.frame[name].to_numpy())})
    other = replace(setting, panel=replace(trial.panel, frame=shuffled), design=replace(trial.design, outcome=rng.permutation(trial.design.outcome)))
    said = tried.refuter.unmet(setting)
    must(said is None or (isinstance(said, str) and said.strip()), f"unmet must say what is lacking as a clause, or None, got {said!r}")
    must(tried.refuter.unmet(other) == said, "what unmet says hangs on the outcome; it may look at panel, design, graph and estimator, and at no outcome")


def stands_aside_where_there_is_no_error_to_look_at(tried: Tried) -> None:
    """An estimate without an interval cannot pass a check of its interval."""
    made = Bent(how="no error")
    try:
        estimate = made.estimate(tried.trial.design, stream(1, "estimate"))
    except CausalError as why:
        raise DoesNotApply(f"this design is not for fixed effects: {why}") from None
    plain = _found(tried.refuter, replace(tried.trial, estimator=Bent(), estimate=Bent().estimate(tried.trial.design, stream(1, "estimate"))))
    found = _found(tried.refuter, replace(tried.trial, estimator=made, estimate=estimate))
    must(
        found.survived is None or (found.survived == plain.survived and found.p_value == plain.p_value),
        f"without a standard error it says survived={found.survived}, with one {plain.survived}; where it needs one, answer survived=None with the reason "
        "(causal.refuters.unsure)",
    )


def does_not_crash_where_refits_fail(tried: Tried) -> None:
    """A refit that cannot be made is a draw without an answer."""
    try:
        first = Bent().estimate(tried.trial.design, stream(1, "estimate"))
    except CausalError as why:
        raise DoesNotApply(f"this design is not for fixed effects: {why}") from None
    found = _found(tried.refuter, replace(tried.trial, estimator=Bent(how="refuse"), estimate=first))
    must(found.survived is not None or found.reason, "where every refit fails, say so with survived=None and a reason")


def checks_its_knobs_at_birth(tried: Tried) -> None:
    """A number of draws of 0 is no check."""
    if not is_dataclass(tried.refuter) or isinstance(tried.refuter, type):
        raise DoesNotApply("it is no dataclass")
    whole = [one.name for one in fields(tried.refuter) if one.init and type(getattr(tried.refuter, one.name)) is int and one.name in ("draws", "refits")]
    if not whole:
        raise DoesNotApply("it has no draws or refits")
    for name in whole:
        try:
            replace(tried.refuter, **{name: 0})
        except ConfigError as why:
            must(name in str(why), f"the message on {name}=0 must name the knob, got {why}")
            continue
        raise ContractBroken(f"{name}=0 was taken; check knobs in __post_init__  (causal.knobs.whole_number)")


CLAUSES: tuple[Callable[[Tried], None], ...] = (
    catches_the_fault_that_it_names,
    does_not_take_a_true_effect_for_the_fault,
    speaks_in_words_and_finite_numbers,
    says_how_far_off_where_it_speaks_of_bias,
    answers_twice_the_same_and_leaves_its_trial_as_it_was,
    knows_what_it_lacks_without_the_outcome,
    stands_aside_where_there_is_no_error_to_look_at,
    does_not_crash_where_refits_fail,
    checks_its_knobs_at_birth,
)
