"""From numbers to an answer in four steps, each a fact; the words come last and from `causal.verdict.say` alone.

    1  gate          not identified, not estimable, no valid interval, or an error that placebos show to be wrong: no answer
    2  taken away    a check of bias is rejected (Holm over all that ran), and what it found is unknown, important, or would put the interval in another row
    3  row, class    from the interval alone, and from the direction called harm
    4  certainty     from the kind of comparison, less one step for each letter of what speaks against it; it caps every row

Absence of evidence is never evidence of absence: "little or no difference" needs an interval inside ±δ.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from causal.design import Design
from causal.errors import NotEstimable
from causal.estimate import Estimate
from causal.identification import Identification
from causal.inference.few_treated import FEWEST_UNTREATED, MOST_TREATED
from causal.inference.multiplicity import rejected as rejected_jointly
from causal.panel import Variable
from causal.question import Question
from causal.refutation import Admits, Hidden, Refutation
from causal.verdict.power import Equivalence, Power, detectable, equivalence, half_width, power_curve
from causal.verdict.reason import Change, Concern, Limit, Next, Reason
from causal.verdict.rule import (
    BROUGHT,
    BY_LEVEL,
    EFFECTIVE_CLUSTERS,
    FEWEST_PLACEBOS,
    GATE,
    LOW,
    Class,
    Kind,
    Row,
    Rule,
    by_lot,
    class_of,
    kind_of,
    maryland,
    row_of,
)
from causal.voice import Voice

__all__ = ["Placebos", "Rule", "Verdict", "judge", "row_of"]

Gate = Literal["not_identified", "not_estimable", "no_interval", "error_unknown"]
State = Literal["passed", "failed", "not run"]
HARMLESS: Concern = "harmless"


@dataclass(frozen=True, slots=True, kw_only=True)
class Placebos:
    """How often the estimate's own test rejects where nothing was done.

    Parameters
    ----------
    trials, alarms : placebos dealt, and those of them rejected.
    expected : how many would be at the nominal rate.
    """

    trials: int
    alarms: int
    expected: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """The answer as codes and numbers.

    Parameters
    ----------
    gate : why there is no answer; None where there is one.
    failed : rejected checks of bias that take the answer away.
    association : whether what the graph asks for is not held fixed, so that no cause is spoken of.
    row : that the interval falls in; None where there is no interval.
    category : the row's class by the direction called harm; None where none is, and where there is no row.
    certainty : step, 3 high, 2 moderate, 1 low, 0 very low; None where there is no answer.
    reasons : what lowered the certainty, in the order of their letters.
    kind, maryland : the kind of comparison, and the level of the Maryland scale that it gives (1 to 5); None where there is no estimate.
    bias : every check of bias that ran or should have → "passed", "failed" (rejected together with the others) or "not run".
    placebos : what the check of the error found; None where it did not run.
    detail : where there is no estimate, what would have to be measured, or why nothing can be estimated.
    detectable : smallest true effect found in four of five such studies, outcome units; None where not known.
    equivalence : two one-sided tests against the smallest important effect; they change no word.
    power : what would be said for each of some true effects; empty where not known.
    typical_population : people in a typical authority (median), for absolute numbers; None where not known.
    typical_effect, typical_lower, typical_upper : people in a typical authority.
    would_change, cannot_say : facts.
    next : the single most useful thing to do next; None in older records.

    Examples
    --------
    >>> import causal
    >>> from causal.testing.worlds import GRAPH, QUESTION, World
    >>> study = causal.Study(title="Cuts", action="Cutting by half", question=QUESTION, graph=GRAPH, source=World(), estimator="fixed_effects")
    >>> result = causal.run(study)
    >>> result.verdict.row, result.verdict.certainty
    ('no_important_rise', 0)
    """

    gate: Gate | None = None
    failed: tuple[str, ...] = ()
    association: bool = False
    row: Row | None = None
    category: Class | None = None
    certainty: int | None = None
    reasons: tuple[Reason, ...] = ()
    kind: Kind | None = None
    maryland: int | None = None
    bias: Mapping[str, State] = field(default_factory=dict)
    placebos: Placebos | None = None
    detail: tuple[str, ...] = field(default=(), metadata={"key": "told"})
    detectable: float | None = None
    equivalence: Equivalence | None = None
    power: tuple[Power, ...] = ()
    typical_population: float | None = None
    typical_effect: float | None = None
    typical_lower: float | None = None
    typical_upper: float | None = None
    would_change: tuple[Change, ...] = ()
    cannot_say: tuple[Limit, ...] = ()
    next: Next | None = None

    @property
    def answers(self) -> bool:
        """Whether it says anything of the effect: past the gate, and not taken away."""
        return self.gate is None and not self.failed


def judge(
    rule: Rule,
    question: Question,
    design: Design | None,
    estimate: Estimate | None,
    refutations: Sequence[Refutation],
    *,
    identification: Identification,
    outcome: Variable,
    needs: Sequence[str] = (),
    remedies: Sequence[str] = (),
    inestimable: NotEstimable | None = None,
    voices: Sequence[Voice] = (),
) -> Verdict:
    """Turn one estimate and its checks into a verdict.

    Parameters
    ----------
    rule : which checks weigh, and how.
    question : what matters, which direction is bad, at which level.
    design, estimate : None where the effect is not identified, or identified and not estimable.
    refutations : of every check, those not run too.
    identification : what the graph allows.
    outcome : the outcome's variable, for people instead of rates.
    needs, remedies : labels of what would have to be measured to identify it, and where that could be had, where it is known.
    inestimable : why there is no estimate of an identified effect.
    voices : other estimators' answers; they can lower the certainty and move nothing else.
    """
    if estimate is None or design is None:
        return _unanswered(identification, needs, remedies, inestimable)
    kind, smallest = kind_of(design, estimate), question.smallest_important
    placebos = _placebos(question, refutations)
    gate = _gate(estimate, placebos, question)
    states, rejected = _bias(rule, kind, refutations)
    row = row_of(estimate.lower, estimate.upper, smallest)
    fatal = () if gate else tuple(one.name for one in rejected if _takes_away(one, estimate, row, smallest))
    association = estimate.association or not identification.sufficient
    level = maryland(rule, design, estimate)
    certainty: int | None = None
    reasons: tuple[Reason, ...] = ()
    if gate is None and not fatal and row is not None:
        certainty, reasons = _certainty(rule, kind, level, question, identification, design, estimate, refutations, rejected, row, placebos, states, voices)
        certainty = 0 if association else certainty
    sees = detectable(estimate)
    typical = float(np.nanmedian(design.population)) if design.population is not None else None
    scale = typical / outcome.count_per if typical and outcome.count_per else None
    return Verdict(
        gate=gate,
        failed=fatal,
        association=association,
        row=row,
        category=None if row is None else class_of(row, question.harm),
        certainty=certainty,
        reasons=reasons,
        kind=kind,
        maryland=level,
        bias=states,
        placebos=placebos,
        detectable=sees,
        equivalence=equivalence(estimate, smallest),
        power=power_curve(estimate, smallest),
        typical_population=typical,
        typical_effect=None if scale is None else estimate.effect * scale,
        typical_lower=None if scale is None or estimate.lower is None else estimate.lower * scale,
        typical_upper=None if scale is None or estimate.upper is None else estimate.upper * scale,
        would_change=_would_change(question, reasons, row, certainty, sees, refutations, _remedies(design), association=association),
        next=_next(question, reasons, row, certainty, sees, gate, fatal, association, design, estimate),
        cannot_say=_cannot_say(rule, kind, question, identification, design, refutations, states, gate, fatal, association, row),
    )


def _unanswered(identification: Identification, needs: Sequence[str], remedies: Sequence[str], inestimable: NotEstimable | None) -> Verdict:
    """No estimate: not identified, or identified by a comparison that the data do not allow."""
    if identification.identified:
        fixed = inestimable is None or inestimable.code == "treatment_fixed"
        detail = () if inestimable is None else (str(inestimable),)
        change = (Change(code="variation"),) if fixed else ()
        step = Next(code="variation") if fixed else Next(code="identify")
        return Verdict(gate="not_estimable", detail=detail, would_change=change, cannot_say=(Limit(code="anything"),), next=step)
    missing: tuple[Change, ...] = (Change(code="measure", detail=tuple(needs)),) if needs else ()
    missing += tuple(Change(code="remedy", detail=(remedy,)) for remedy in dict.fromkeys(remedies)) if needs else ()
    # of a cause that nobody records what would have to be done is more use than its name
    step = Next(code="identify") if not needs else Next(code="record", detail=tuple(remedies)[:1]) if remedies else Next(code="measure", detail=tuple(needs))
    return Verdict(gate="not_identified", detail=tuple(needs), would_change=missing, cannot_say=(Limit(code="anything"),), next=step)


# --- 1, the gate


def _placebos(question: Question, refutations: Sequence[Refutation]) -> Placebos | None:
    """Of the checks of the error that dealt placebos the one with most."""
    ran = [one for one in refutations if one.role == "placebo" and one.survived is not None and one.trials is not None and one.alarms is not None]
    if not ran:
        return None
    most = max(ran, key=lambda one: one.trials or 0)
    return Placebos(trials=most.trials or 0, alarms=most.alarms or 0, expected=(most.trials or 0) * (1 - question.level))


def _gate(estimate: Estimate, placebos: Placebos | None, question: Question) -> Gate | None:
    """Whether there can be no answer whatever else passes."""
    if row_of(estimate.lower, estimate.upper, question.smallest_important) is None or not math.isfinite(estimate.effect):
        return "no_interval"
    if placebos is None or placebos.trials < FEWEST_PLACEBOS:
        return None
    from scipy import special

    # exactly: as many rejections or more, were each twice as probable as it should be
    rate = min(2 * (1 - question.level), 1.0)
    p_value = float(special.bdtrc(placebos.alarms - 1, placebos.trials, rate)) if placebos.alarms else 1.0
    return "error_unknown" if p_value < GATE else None


# --- 2, taken away


def _bias(rule: Rule, kind: Kind, refutations: Sequence[Refutation]) -> tuple[dict[str, State], tuple[Refutation, ...]]:
    """How each check of bias stands, those of the design's list first, and the rejected ones; they share one rate of false alarms."""
    listed = rule.bias[kind]
    ran = {one.name: one for one in refutations if one.family == "bias" and one.survived is not None}
    rejected = rejected_jointly({name: one.p_value for name, one in ran.items() if one.p_value is not None}, rule.level)
    rejected |= {name for name, one in ran.items() if one.p_value is None and one.survived is False}
    states: dict[str, State] = {}
    for name in (*listed, *(name for name in ran if name not in listed)):
        states[name] = "not run" if name not in ran else "failed" if name in rejected else "passed"
    return states, tuple(one for name, one in ran.items() if name in rejected)


def _takes_away(one: Refutation, estimate: Estimate, row: Row | None, smallest: float) -> bool:
    """Whether what a rejected check found is unknown, important, or enough to put the interval in another row."""
    if one.bias is None or abs(one.bias) >= smallest or estimate.lower is None or estimate.upper is None:
        return True
    return row_of(estimate.lower - one.bias, estimate.upper - one.bias, smallest) != row


# --- 4, certainty


def _certainty(
    rule: Rule,
    kind: Kind,
    level: int,
    question: Question,
    identification: Identification,
    design: Design,
    estimate: Estimate,
    refutations: Sequence[Refutation],
    rejected: Sequence[Refutation],
    row: Row,
    placebos: Placebos | None,
    states: Mapping[str, State],
    voices: Sequence[Voice],
) -> tuple[int, tuple[Reason, ...]]:
    """The step and what lowered it: of the reasons that share a letter the first alone."""
    found = _looks(rule, kind, question, estimate, refutations, row)
    found += _stands(rule, refutations, rejected)
    found += _apart(rule, question, refutations, voices)
    found += _known(identification, design, estimate, refutations)
    if placebos is None or placebos.trials < FEWEST_PLACEBOS:
        found.append(Reason(concern="placebos", numbers={"trials": float(placebos.trials if placebos else 0)}))
    left, reasons, letters = BY_LEVEL[level], [], set()
    for one in found:
        by = 0 if one.letter in letters else min(rule.steps, left)
        letters.add(one.letter)
        left -= by
        reasons.append(Reason(concern=one.concern, steps=by, checks=one.checks, detail=one.detail, numbers=one.numbers))
    effective = float(estimate.clusters if estimate.support is None else min(estimate.support.effective, estimate.clusters))
    if kind == "series" and estimate.support is not None:  # learnt from dates
        effective = float(estimate.support.effective)
    if effective < EFFECTIVE_CLUSTERS:
        reasons.append(Reason(concern="few_clusters", steps=max(left - LOW, 0), numbers={"effective": effective}))
        left = min(left, LOW)
    agreement = {one.name for one in refutations if one.role == "agreement"} | {"estimator_agreement"}
    own = {*rule.bias[kind], *BROUGHT.get(kind, ())} - agreement
    if not by_lot(rule, identification) and not any(state != "not run" for name, state in states.items() if name in own):
        reasons.insert(0, Reason(concern="unchecked", steps=left))
        left = 0
    return left, tuple(reasons)


def _timing(rule: Rule, kind: Kind, refutations: Sequence[Refutation]) -> list[Refutation]:
    """Checks of the time before that this kind of design has or its estimator brings, where they ran; of a trial also the balance beforehand."""
    names = (*rule.timing[kind], *(("covariate_balance", "pre_trend", "placebo_dates") if rule.randomised else ()))
    own = BROUGHT.get(kind, ())
    return [one for one in refutations if one.survived is not None and (one.name in names or (one.role == "timing" and one.name in own))]


def _looks(rule: Rule, kind: Kind, question: Question, estimate: Estimate, refutations: Sequence[Refutation], row: Row) -> list[Reason]:
    """Letter a: a look at bias that was not made, that could not have seen what matters, or whose drift would change the row."""
    smallest, ran = question.smallest_important, [one for one in refutations if one.survived is not None]
    made = {
        "negative_control": [one for one in ran if one.role == "negative_control"],
        "timing": _timing(rule, kind, refutations),
        "second_measure": [one for one in ran if one.role == "second_measure"],
    }
    found = []
    if missing := [look for look in rule.looks if not made[look]]:
        found.append(Reason(concern="unlooked", checks=tuple(missing)))
    # a lead sees what a drift beforehand brings, and far smaller ones: where it could see what matters the look was not blind
    seeing = [one for look in rule.looks if look != "second_measure" for one in made[look]] + [one for one in ran if one.role == "lead"]
    if seeing and not any(one.blind_below is not None and one.blind_below < smallest for one in seeing):
        known = [one.blind_below for one in seeing if one.blind_below is not None]
        found.append(Reason(concern="blind", checks=tuple(one.name for one in seeing), numbers={"blind below": min(known)} if known else {}))
    reach = half_width(estimate)
    for one in made["timing"]:
        if one.bias is None or reach is None or estimate.lower is None or estimate.upper is None or not estimate.std_error:
            continue
        half = reach * math.hypot(estimate.std_error, one.bias_error or 0.0)
        lower, upper = min(estimate.lower, estimate.effect - one.bias - half), max(estimate.upper, estimate.effect - one.bias + half)
        if row_of(lower, upper, smallest) != row:
            found.append(Reason(concern="drift", checks=(one.name,), numbers={"bias": one.bias, "lower": lower, "upper": upper}))
    return found


def _stands(rule: Rule, refutations: Sequence[Refutation], rejected: Sequence[Refutation]) -> list[Reason]:
    """Letter b: a bias that was found and is harmless, and checks of who and what is in the data that did not pass."""
    found = []
    if rejected:
        sizes = {one.name: one.bias for one in rejected if one.bias is not None}
        found.append(Reason(concern=HARMLESS, checks=tuple(one.name for one in rejected), numbers=sizes))
    if unstable := tuple(one.name for one in refutations if one.survived is False and one.name in rule.stability):
        found.append(Reason(concern="unstable", checks=unstable))
    return found


def _apart(rule: Rule, question: Question, refutations: Sequence[Refutation], voices: Sequence[Voice]) -> list[Reason]:
    """Letter c: a comparable estimator lies an important effect apart, and the error of the difference is small enough to say so."""
    far = rule.apart * question.smallest_important
    compared = [(one.name, one.bias, one.bias_error) for one in refutations if one.role == "agreement" and one.survived is not None]
    compared += [(one.estimator, one.difference, one.difference_error) for one in voices]
    return [
        Reason(concern="disagreement", checks=(name,), numbers={"difference": difference})
        for name, difference, error in compared
        if difference is not None and abs(difference) >= far and error is not None and error <= far / 2.8
    ]


def _known(identification: Identification, design: Design, estimate: Estimate, refutations: Sequence[Refutation]) -> list[Reason]:
    """Letter d: what the estimator warns of, the record is known for, a forced adjustment leaves open, and shocks that groups share."""
    found = []
    if cautions := tuple(v.caution for v in (design.treatment_variable, design.outcome_variable) if v.caution):
        found.append(Reason(concern="record", detail=cautions))
    if estimate.concerns:
        found.append(Reason(concern="estimator", detail=tuple(estimate.concerns)))
    if not identification.sufficient:
        found.append(Reason(concern="forced"))
    if shared := tuple(one.name for one in refutations if one.role == "shared_shocks" and one.survived is False):
        found.append(Reason(concern="shared_shocks", checks=shared))
    return found


# --- what it does not say, and what would change it


def _would_change(
    question: Question,
    reasons: Sequence[Reason],
    row: Row | None,
    certainty: int | None,
    sees: float | None,
    refutations: Sequence[Refutation],
    remedies: Sequence[str],
    *,
    association: bool,
) -> tuple[Change, ...]:
    """What took certainty first, then a hidden cause, then what keeps the range wide."""
    found = []
    for one in reasons:
        if one.concern == "record":
            found += [Change(code="remedy", detail=(remedy,)) for remedy in remedies] or [Change(code="record", detail=one.detail)]
        elif one.concern == "shared_shocks":
            found.append(Change(code="groups", check=one.checks[0]))
        elif one.concern in ("unlooked", "blind"):
            missing = one.checks if one.concern == "unlooked" else ()
            found += [Change(code="negative_control")] if "negative_control" in missing else []
            found += [Change(code="timing")] if "timing" in missing else []
        elif one.concern == "placebos":
            found.append(Change(code="placebos"))
    for check in refutations:
        if check.hidden is not None and certainty is not None and _undoes(check.hidden, row):
            cause = check.hidden
            detail = (cause.benchmark,) if cause.benchmark else ()
            found.append(Change(code="hidden", check=check.name, detail=detail, number=cause.multiple, share=cause.share, admits=cause.admits))
    # more of the same brings no answer back that was taken away, and makes no effect of an association
    if sees is not None and sees > question.smallest_important and certainty is not None and not association and not _settled(row, certainty):
        found.append(Change(code="information", number=(sees / question.smallest_important) ** 2))
    return tuple(dict.fromkeys(found))


WITHOUT_NOTHING: tuple[Row, ...] = ("important_rise", "rise", "fall", "important_fall")  # rows that no effect does not fit


def _undoes(cause: Hidden, row: Row | None) -> bool:
    """Whether a hidden cause would let something fit that does not fit already: what fits as it is no cause has to bring."""
    if cause.admits is None or cause.multiple is None:
        return row in WITHOUT_NOTHING
    return row is not None and cause.admits in DENIED[row]


# row → what does not fit it
DENIED: dict[Row, tuple[Admits, ...]] = {
    "important_rise": ("unimportant", "no_change", "important_fall"),
    "rise": ("no_change", "important_fall"),
    "inside": ("important_rise", "important_fall"),
    "no_important_rise": ("important_rise",),
    "no_important_fall": ("important_fall",),
    "both": (),
    "fall": ("no_change", "important_rise"),
    "important_fall": ("unimportant", "no_change", "important_rise"),
}


def _settled(row: Row | None, certainty: int | None) -> bool:
    """Whether nothing of size or direction is left open, at more than low certainty."""
    return row in ("inside", "important_rise", "important_fall") and certainty is not None and certainty > LOW


FAR_MORE = 100.0  # times the information, ten times as small an error, beyond which another comparison is nearer than more of this one


def _next(
    question: Question,
    reasons: Sequence[Reason],
    row: Row | None,
    certainty: int | None,
    sees: float | None,
    gate: Gate | None,
    failed: Sequence[str],
    association: bool,
    design: Design,
    estimate: Estimate,
) -> Next:
    """The one thing that would help most: first what forbids an answer, then what better data would mend, then what keeps the range wide."""
    if gate:
        return _for_a_range(estimate) if gate == "no_interval" else Next(code="interval")
    if failed:
        return Next(code="failed", detail=tuple(failed))
    if association:
        return Next(code="hold")
    concerns = {one.concern: one for one in reasons}
    if "unchecked" in concerns:
        return Next(code="check")
    remedies = _remedies(design)
    if "record" in concerns and remedies:
        return Next(code="record", detail=remedies[:1])
    times = (sees / question.smallest_important) ** 2 if sees is not None and sees > question.smallest_important else None
    if row == "both" and times is not None:  # a check more would leave it open; only a narrower range answers
        if times > FAR_MORE or "shared_shocks" not in concerns:
            return Next(code="elsewhere" if times > FAR_MORE else "information", number=times)
        return Next(code="groups")
    if "unlooked" in concerns:
        return Next(code="look", detail=concerns["unlooked"].checks)
    if "placebos" in concerns:
        return Next(code="placebos")
    if "shared_shocks" in concerns:
        return Next(code="groups")
    if times is not None and not _settled(row, certainty):
        return Next(code="information", number=times)
    return Next(code="again")


def _for_a_range(estimate: Estimate) -> Next:
    """What would give a range: other data or another design where none could be had by any method, another method where one can."""
    support = estimate.support
    if estimate.no_interval == "two_clusters":
        return Next(code="clusters")
    if estimate.no_interval == "weak_instruments":
        return Next(code="instrument")
    if estimate.no_interval != "one_cluster" or support is None:
        return Next(code="interval")
    few = support.treated is not None and 1 <= support.treated <= MOST_TREATED and (support.untreated or 0) >= FEWEST_UNTREATED
    # a range of placebos stands beside a regression alone
    return Next(code="placebo_range" if few and support.placebo_lower is None else "one_place")


def _remedies(design: Design) -> tuple[str, ...]:
    """What would mend a record that is known to be at fault, where somebody knows."""
    return tuple(dict.fromkeys(v.remedy for v in (design.treatment_variable, design.outcome_variable) if v.caution and v.remedy))


def _cannot_say(
    rule: Rule,
    kind: Kind,
    question: Question,
    identification: Identification,
    design: Design,
    refutations: Sequence[Refutation],
    states: Mapping[str, State],
    gate: Gate | None,
    failed: Sequence[str],
    association: bool,
    row: Row | None,
) -> tuple[Limit, ...]:
    said: list[Limit] = []
    if gate in ("no_interval", "error_unknown"):
        said.append(Limit(code="error"))
    elif failed:
        said.append(Limit(code="failed"))
    elif association:
        said.append(Limit(code="causation"))
    elif row in ("both", "no_important_rise", "no_important_fall"):
        said.append(Limit(code="no_effect"))
    passed = {one.role for one in refutations if one.survived}
    if rule.randomised or kind == "trial":
        said.append(Limit(code="compliance"))
    elif identification.strategy == "iv":
        said.append(Limit(code="exclusion"))
    elif kind == "discontinuity":
        said += [Limit(code="at_cutoff"), Limit(code="far_from_cutoff")]
    elif kind == "series":
        said.append(Limit(code="same_time"))
    else:
        said.append(Limit(code="unmeasured_unshared" if "negative_control" in passed else "unmeasured"))
        said += [Limit(code="late_drift")] if kind in ("dose", "adoption", "one_row") else []
    caution = design.treatment_variable.caution
    if "second_measure" in passed:
        said.append(Limit(code="both_measures"))
    else:
        said.append(Limit(code="record", detail=caution) if caution else Limit(code="recorded"))
    said.append(Limit(code="missing_arrow"))
    by_name = {one.name: one for one in refutations}
    for name, state in states.items():
        one = by_name.get(name)
        if state == "not run":
            said.append(Limit(code="not_run", check=name, detail=(one.reason or "not said").rstrip(".") if one else "this run did not ask for it"))
        elif state == "passed" and one is not None and one.blind_below is not None and one.blind_below >= question.smallest_important:
            said.append(Limit(code="blind", check=name, number=one.blind_below))
    said += [Limit(code="warning", detail=warning.rstrip(".")) for warning in identification.warnings]
    if design.lost and (gone := {a for loss in design.lost for a in loss.authorities}):
        said.append(Limit(code="left_out", number=float(len(gone))))
    return tuple(said)
