"""From numbers to words by one stated rule: the first row of the table that matches decides.

    not identified, or not estimable   cannot be answered with these data, and what would answer it
    a decisive check failed            did not survive its checks, and which
    no valid interval                  cannot tell (how sure the estimate is, is not known)
    what the graph asks for not held   an association, higher, lower or not clearly either; no causal verb
    otherwise                          the row of `causal.verdict.rule` that the interval falls in

"Probably" becomes "may have" where a decisive check was not run and none stands in for it. Absence of evidence is never written as evidence of
absence: "little or no difference" needs an interval that rules out every important effect.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from causal.design import Design
from causal.estimate import Estimate
from causal.identify import Identification
from causal.inference.multiplicity import rejected
from causal.language import Language
from causal.panel import Variable
from causal.question import Question
from causal.refute import Refutation
from causal.verdict.power import Equivalence, Power, detectable, equivalence, power_curve
from causal.verdict.reason import Reason, reason_sentence
from causal.verdict.rule import STANDS_IN, Direction, Finding, Kind, Rule, classify, kind_of, maryland
from causal.words import capital, listed, places, signed, span, years_later

__all__ = ["Rule", "Verdict", "classify", "judge"]

STRENGTHS = ("very weak", "weak", "limited", "moderate", "strong", "very strong")
SIDES: dict[str, str] = {"increase": "increase", "decrease": "reduction"}
NEGATIVE_CONTROLS = ("negative_control_outcome", "negative_control_exposure")


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """The answer in words, and what lies under it.

    Parameters
    ----------
    finding : the row of the table that matched.
    direction : "increase", "decrease" or None, where the finding has one.
    headline : one sentence.
    range_in_words : the interval, what it rules out in the direction called harm, and what such a study can find.
    strength, strength_reasons : from the level of the Maryland scale that the design gives down, and why, in sentences.
    reasons : the facts of which the sentences are made; empty where there is no estimate.
    kind, maryland : the kind of comparison, and that level (1 to 5); None where there is no estimate.
    detectable : smallest true effect found in four of five such studies, outcome units; None where not known.
    equivalence : two one-sided tests against the smallest important effect; they change no word.
    power : what would be said for each of some true effects; empty where not known.
    typical_population : people in a typical authority (median), for absolute numbers; None where not known.
    typical_effect, typical_lower, typical_upper : people a year in a typical authority.
    decisive : the decisive checks → "passed", "failed" or "not run".
    cannot_say : sentences.
    """

    finding: Finding
    direction: Direction | None
    headline: str
    range_in_words: str
    strength: str
    strength_reasons: tuple[str, ...]
    reasons: tuple[Reason, ...] = ()
    kind: Kind | None = None
    maryland: int | None = None
    detectable: float | None = None
    equivalence: Equivalence | None = None
    power: tuple[Power, ...] = ()
    typical_population: float | None = None
    typical_effect: float | None = None
    typical_lower: float | None = None
    typical_upper: float | None = None
    decisive: Mapping[str, str] = field(default_factory=dict)
    cannot_say: tuple[str, ...] = ()


def judge(
    rule: Rule,
    question: Question,
    design: Design | None,
    estimate: Estimate | None,
    refutations: Sequence[Refutation],
    *,
    identification: Identification,
    outcome: Variable,
    action: str,
    needs: Sequence[str] = (),
    simulated: bool = False,
    language: Language | None = None,
) -> Verdict:
    """Turn one estimate and its checks into a verdict.

    Parameters
    ----------
    outcome : the outcome's variable, for label and unit.
    action : the contrast in words ("Closing half of an authority's children's centres").
    design, estimate : None where the effect is not identified, or identified and not estimable within authorities.
    needs : labels of what would have to be measured to identify it.
    language : house style of the answer; None is the plain one. It chooses no finding.
    """
    language = language or Language()
    banner = "SIMULATED: " if simulated else ""
    when = years_later(question.lag)
    asked = f"the effect of {_inside(action)} on {outcome.label}"
    if estimate is None or design is None:
        said = language.answer("not_identified", action=_inside(action), Action=capital(action), outcome=outcome.label, when=when)
        return _unanswered(question, identification, needs, banner + said, asked)
    kind = kind_of(design, estimate)
    checks = _decided(rule, rule.decides(kind), refutations)
    failed = [name for name, state in checks.items() if state == "failed"]
    not_run = [name for name, state in checks.items() if state == "not run"]
    lacking = _lacking(not_run, refutations)

    finding, direction = classify(estimate.lower, estimate.upper, estimate.effect, question.smallest_important)
    if (estimate.association or not identification.sufficient) and finding != "no_interval":
        finding, direction = "association", _clear(estimate)
    if failed:
        finding, direction = "failed_checks", None
    capped = finding == "probably" and bool(lacking)
    if capped:
        finding = "may"
    level, strength, reasons = _strength(rule, question, identification, design, estimate, refutations, checks)
    sees = detectable(estimate)
    decimals = places(max(abs(estimate.effect), abs(estimate.upper or 0), abs(estimate.lower or 0)))
    said = f"{signed(estimate.effect, decimals)} {outcome.unit}"
    if estimate.lower is not None:
        said += f" ({language.interval(question.level)} {span(estimate.lower, estimate.upper, decimals)})"
    typical = float(np.nanmedian(design.population)) if design.population is not None else None
    scale = typical / outcome.count_per if typical and outcome.count_per else None
    return Verdict(
        finding=finding,
        direction=direction,
        headline=f"{banner}{_sentence(language, finding, direction, action, outcome.label, when, failed, lacking if capped else ())}: {said}.",
        range_in_words=_range(question, estimate, outcome, decimals, sees, finding)
        + (" This is about the treatment as recorded; error in the record hides effects." if design.treatment_variable.caution else ""),
        strength=strength,
        strength_reasons=tuple(reason_sentence(one) for one in reasons),
        reasons=reasons,
        kind=kind,
        maryland=level,
        detectable=sees,
        equivalence=equivalence(estimate, question.smallest_important),
        power=power_curve(estimate, question.smallest_important),
        typical_population=typical,
        typical_effect=None if scale is None else estimate.effect * scale,
        typical_lower=None if scale is None or estimate.lower is None else estimate.lower * scale,
        typical_upper=None if scale is None or estimate.upper is None else estimate.upper * scale,
        decisive=checks,
        cannot_say=_cannot_say(rule, identification, design, refutations, finding, not_run),
    )


def _unanswered(question: Question, identification: Identification, needs: Sequence[str], answer: str, asked: str) -> Verdict:
    """The first row: not identified, or identified by a comparison within authorities that the treatment does not allow."""
    if identification.identified:
        why = f"{question.treatment} does not vary within authorities once what the graph asks for is held fixed"
        would = "It would take a treatment that changes from year to year there; a comparison between authorities would be an association."
        range_in_words = f"No estimate is given, because {why}."
        reason = f"the effect is identified, but not estimable within authorities: {why}"
    else:
        would = f"It would take {listed(tuple(needs))}, measured by authority and year." if needs else ""
        range_in_words = "No estimate is given, because the graph leaves a common cause open that was not measured."
        reason = "the graph and the data together do not identify the effect"
    return Verdict(
        finding="not_identified",
        direction=None,
        headline=f"{answer} {would}".rstrip(),
        range_in_words=range_in_words,
        strength="none",
        strength_reasons=(reason,),
        cannot_say=(f"Anything about {asked}, in either direction.",),
    )


def _decided(rule: Rule, names: Sequence[str], refutations: Sequence[Refutation]) -> dict[str, str]:
    """Each decisive check as "passed", "failed" or "not run"; those with a p-value share one false-alarm rate."""
    ran = {one.name: one for one in refutations if one.name in names and one.survived is not None}
    alarms = rejected({name: one.p_value for name, one in ran.items() if one.p_value is not None}, rule.level)
    states = {}
    for name in names:
        one = ran.get(name)
        if one is None:
            states[name] = "not run"
        else:
            bad = one.survived is False if one.p_value is None else name in alarms
            states[name] = "failed" if bad else "passed"
    return states


def _lacking(not_run: Sequence[str], refutations: Sequence[Refutation]) -> list[str]:
    """Decisive checks that were not run and for which no other stands in."""
    tried = {one.name for one in refutations}
    passed = {one.name for one in refutations if one.survived}
    return [name for name in not_run if name not in tried or not passed.intersection(STANDS_IN.get(name, ()))]


def _inside(action: str) -> str:
    """The action within a sentence."""
    return action[:1].lower() + action[1:]


def _clear(estimate: Estimate) -> Direction | None:
    """The direction, where the interval leaves out 0."""
    if estimate.lower is not None and estimate.lower > 0:
        return "increase"
    return "decrease" if estimate.upper is not None and estimate.upper < 0 else None


def _sentence(
    language: Language, finding: Finding, direction: Direction | None, action: str, outcome: str, when: str, failed: Sequence[str], not_run: Sequence[str]
) -> str:
    terms = language.terms
    up, down = (terms["increased"], terms["increase"], terms["higher"]), (terms["reduced"], terms["reduction"], terms["lower"])
    this, other = (up, down) if direction == "increase" else (down, up)
    form: str = finding
    if finding == "little_or_none" and direction:
        form = "little_or_none_slight"
    if finding == "may" and not_run:
        form = "may_not_run"
    checks = listed([language.check(name) for name in failed])
    if not_run:
        names = listed([language.check(name) for name in not_run])
        checks = f"the decisive checks on {names} were" if len(not_run) > 1 else f"the decisive check on {names} was"
    return language.answer(
        form,
        action=_inside(action),
        Action=capital(action),
        outcome=outcome,
        when=when,
        verb=this[0],
        direction=this[1],
        other=other[1],
        differ=this[2] if direction else terms["neither"],
        checks=checks,
        increased=terms["increased"],
        reduced=terms["reduced"],
    )


def _range(question: Question, estimate: Estimate, outcome: Variable, decimals: int, sees: float | None, finding: Finding) -> str:
    if estimate.lower is None or estimate.upper is None:
        return "For this estimator no valid interval is known, so nothing can be ruled out."
    worst = estimate.upper if question.harm == "increase" else -estimate.lower
    harm = SIDES[question.harm]
    # rounded as the range beside it is, outwards
    most = span(estimate.lower, estimate.upper, decimals).split(" to ")[question.harm == "increase"].lstrip("+−")
    article = "an" if harm == "increase" else "a"
    ruled = f"{article} {harm} of more than {most} {outcome.unit} is ruled out at this level" if worst > 0 else f"any {harm} is ruled out at this level"
    tail = (
        f", and so is any that matters ({question.smallest_important:g} or more)"
        if worst < question.smallest_important
        else f"; one that matters ({question.smallest_important:g} or more) is not"
    )
    seen = f" Such a study finds a true effect of {sees:.{decimals}f} or more in four of five cases; smaller ones it often misses." if sees else ""
    before = {
        "failed_checks": "Taken at face value, which a failed check forbids, the data are",
        "association": "As an association, not an effect, the data are",
    }.get(finding, "The data are")
    return f"{before} compatible with {span(estimate.lower, estimate.upper, decimals)} {outcome.unit}: {ruled}{tail}.{seen}"


def _strength(
    rule: Rule,
    question: Question,
    identification: Identification,
    design: Design,
    estimate: Estimate,
    refutations: Sequence[Refutation],
    checks: Mapping[str, str],
) -> tuple[int, str, tuple[Reason, ...]]:
    """The level that the design can give, the strength left of it, and the reasons."""
    level, gives = maryland(rule, design, estimate)
    found: list[Reason] = []
    if estimate.concerns:
        found.append(Reason(concern="estimator", steps=rule.lowers["estimator"], told=tuple(estimate.concerns)))
    if cautions := tuple(v.caution for v in (design.treatment_variable, design.outcome_variable) if v.caution):
        found.append(Reason(concern="record", steps=rule.lowers["record"], told=cautions))
    if not identification.sufficient:
        found.append(Reason(concern="forced", steps=rule.lowers["forced"]))
    if lacking := _lacking([name for name, state in checks.items() if state == "not run"], refutations):
        found.append(Reason(concern="not_run", steps=rule.lowers["not_run"], checks=tuple(lacking)))
    found += _unpassed(rule, question, refutations, checks)
    reasons = [Reason(concern="design", told=(gives,), numbers={"level": float(level)}), *found]
    left = max(level - sum(one.steps for one in found), 0)
    if failed := tuple(name for name, state in checks.items() if state == "failed"):
        reasons.append(Reason(concern="failed", steps=left, checks=failed))
        left = 0
    elif left == level and any(one.survived for one in refutations):
        reasons.append(Reason(concern="not_raised"))
    return level, STRENGTHS[left], tuple(reasons)


def _unpassed(rule: Rule, question: Question, refutations: Sequence[Refutation], checks: Mapping[str, str]) -> list[Reason]:
    """Checks that did not pass and did not decide, estimators that disagree, and a pre-trend test that saw too little."""
    found: list[Reason] = []
    other = []
    for one in refutations:
        if one.survived is False and checks.get(one.name) != "failed":
            if one.role == "agreement" and (one.bias is None or abs(one.bias) >= rule.disagreement * question.smallest_important):
                found.append(Reason(concern="disagreement", steps=rule.lowers["disagreement"], checks=(one.name,), told=(one.found.rstrip("."),)))
            else:
                other.append(one.name)
        bias = one.numbers.get("bias from detectable trend") if one.name == "pre_trend" and one.survived else None
        if bias is not None and abs(bias) >= question.smallest_important:
            found.append(Reason(concern="blind", steps=rule.lowers["blind"], checks=(one.name,), numbers={"bias": bias}))
    if other:
        ran = sum(one.p_value is not None and one.survived is not None and one.name not in checks for one in refutations)
        steps = max(rule.lowers.get(name, rule.lowers["check"]) for name in other)
        found.append(Reason(concern="check", steps=steps, checks=tuple(other), numbers={"ran": float(ran), "by chance": ran * 0.05}))
    return found


def _cannot_say(
    rule: Rule, identification: Identification, design: Design, refutations: Sequence[Refutation], finding: Finding, not_run: Sequence[str]
) -> tuple[str, ...]:
    said = []
    if finding in ("cannot_tell", "no_interval", "unlikely_otherwise"):
        said.append("That there is no effect: not finding one is not the same as showing there is none.")
    if finding == "association":
        said.append("What causes what: this estimate does not hold fixed what the graph asks for.")
    if finding == "failed_checks":
        said.append("Whether there is an effect, or which way: the checks show that this design does not answer the question.")
    passed = {one.name for one in refutations if one.survived}
    if rule.randomised:
        said.append("Whether those dealt the treatment got it, and whether those who left differ from those who stayed.")
    elif identification.strategy == "iv":
        said.append("Whether the instrument moves the outcome in another way than through the treatment: no check on these data alone can show that.")
    elif passed.intersection(NEGATIVE_CONTROLS):
        said.append(
            "Whether something unmeasured that changes over time moves both the treatment and the outcome but not the negative control, which showed nothing."
        )
    else:
        said.append("Whether something unmeasured that changes over time moves both the treatment and the outcome: no check on these data alone can show that.")
    caution = design.treatment_variable.caution
    if "second_measure" in passed:
        said.append("Whether both measures of the treatment err in the same way: the second one shows only error of the first's own.")
    elif caution:
        said.append(
            f"What {design.treatment_variable.label} does when measured without error ({caution}). "
            "Error in a treatment usually draws an estimate towards nothing."
        )
    else:
        said.append("Whether the treatment was recorded with error, which usually draws an estimate towards nothing.")
    said.append("Whether the graph lacks an arrow: one that leaves no trace in these data no check on them can show.")
    reasons = {one.name: one.reason for one in refutations}
    for name in not_run:
        why = f"could not be run: {str(reasons[name]).rstrip('.')}" if name in reasons else "was not asked for"
        said.append(f"{capital(name.replace('_', ' '))}, a decisive check, {why}.")
    said += [f"{capital(warning)}." for warning in identification.warnings]
    if design.lost and (gone := sorted({a for loss in design.lost for a in loss.authorities})):
        said.append(f"Anything about the {len(gone)} authorities left out.")
    return tuple(said)
