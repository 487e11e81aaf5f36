"""From numbers to words by one stated rule: the first row of the table that matches decides.

With l and u the ends of the interval and δ the smallest important effect, both turned so that up is the direction
in which the estimate points:

    not identified                    cannot be answered with these data
    a decisive check failed           did not survive its checks
    no valid interval                 cannot tell (how sure the estimate is, is not known)
    what the graph asks for not held  an association, higher, lower or not clearly either; no causal verb
    −δ < l and u < δ                  made little or no difference
    l ≥ δ                             probably increased / reduced
    0 < l < δ ≤ u                     may have increased / reduced
    −δ < l ≤ 0 and u ≥ δ              an important change the other way is unlikely; cannot tell
    l ≤ −δ and u ≥ δ                  we cannot tell

Absence of evidence is never written as evidence of absence: "little or no difference" needs an interval that rules
out every important effect. Decisive checks share one false-alarm rate (Holm 1979, A simple sequentially
rejective multiple test procedure).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from causal.design import Design
from causal.errors import ConfigError
from causal.estimate import Estimate
from causal.identify import Identification
from causal.panel import Variable
from causal.question import Question
from causal.refute import Refutation
from causal.words import capital, listed, places, signed, span, years_later

Finding = Literal["not_identified", "failed_checks", "no_interval", "association", "little_or_none", "probably", "may", "unlikely_otherwise", "cannot_tell"]
STRENGTHS = {3: "moderate", 2: "limited", 1: "weak", 0: "very weak"}
POWER = 0.8


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """How checks weigh.

    Parameters
    ----------
    decisive : names of at most three checks any of which, failing, takes the answer away.
    level : joint false-alarm rate of the decisive checks.
    """

    decisive: tuple[str, ...] = ("placebo_treatment", "future_treatment")
    level: float = 0.05

    def __post_init__(self) -> None:
        object.__setattr__(self, "decisive", tuple(self.decisive))
        if len(self.decisive) > 3:
            raise ConfigError(f"rule.decisive names {len(self.decisive)} checks; at most three may be decisive, or false alarms pile up")
        if not 0 < self.level < 0.5:
            raise ConfigError(f"rule.level must lie between 0 and 0.5, got {self.level!r}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """The answer in words, and what lies under it.

    Parameters
    ----------
    finding : the row of the table that matched.
    direction : "increase", "decrease" or None, where the finding has one.
    headline : one sentence.
    range_in_words : the interval, what it rules out in the direction called harm, and for how many children.
    strength, strength_reasons : from "moderate" (the most that a comparison over time gives) down, and why.
    detectable : smallest true effect found in four of five such studies, outcome units; None where not known.
    typical_population : people in a typical authority (median), for absolute numbers; None where not known.
    typical_effect, typical_lower, typical_upper : people a year in a typical authority.
    decisive : the decisive checks → "passed", "failed" or "not run".
    cannot_say : sentences.
    """

    finding: Finding
    direction: Literal["increase", "decrease"] | None
    headline: str
    range_in_words: str
    strength: str
    strength_reasons: tuple[str, ...]
    detectable: float | None = None
    typical_population: float | None = None
    typical_effect: float | None = None
    typical_lower: float | None = None
    typical_upper: float | None = None
    decisive: Mapping[str, str] = field(default_factory=dict)
    cannot_say: tuple[str, ...] = ()


def classify(lower: float | None, upper: float | None, effect: float, smallest: float) -> tuple[Finding, Literal["increase", "decrease"] | None]:
    """The table's row for an interval, turned so that up is where the estimate points; every case falls in one row."""
    if lower is None or upper is None or not (np.isfinite(lower) and np.isfinite(upper)):
        return "no_interval", None
    up = effect >= 0
    low, high = (lower, upper) if up else (-upper, -lower)
    if low >= smallest:
        return "probably", "increase" if up else "decrease"
    if -smallest < low and high < smallest:
        return "little_or_none", ("increase" if up else "decrease") if low > 0 else None
    if low > 0:
        return "may", "increase" if up else "decrease"
    if low > -smallest:
        return "unlikely_otherwise", "increase" if up else "decrease"
    if high >= smallest:
        return "cannot_tell", None
    # the estimate points up, yet only important reductions are left open on the low side: an interval that
    # reaches far below and not far above; the mirrored row says it
    return "unlikely_otherwise", "decrease" if up else "increase"


def holm(p_values: Mapping[str, float], level: float) -> set[str]:
    """The names rejected at a joint level (Holm 1979)."""
    rejected: set[str] = set()
    for i, (name, p) in enumerate(sorted(p_values.items(), key=lambda item: (item[1], item[0]))):
        if p > level / (len(p_values) - i):
            break
        rejected.add(name)
    return rejected


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
) -> Verdict:
    """Turn one estimate and its checks into a verdict.

    Parameters
    ----------
    outcome : the outcome's variable, for label and unit.
    action : the contrast in words ("Closing half of an authority's children's centres").
    design, estimate : None where the effect is not identified.
    needs : labels of what would have to be measured to identify it.
    """
    banner = "SIMULATED: " if simulated else ""
    when = years_later(question.lag)
    asked = f"the effect of {action[:1].lower()}{action[1:]} on {outcome.label}"
    if estimate is None or design is None:
        needs = f" It would take {listed(tuple(needs))}, measured by authority and year." if needs else ""
        return Verdict(
            finding="not_identified",
            direction=None,
            headline=f"{banner}{capital(asked)} cannot be answered with these data.{needs}",
            range_in_words="No estimate is given, because the graph leaves a common cause open that was not measured.",
            strength="none",
            strength_reasons=("the graph and the data together do not identify the effect",),
            cannot_say=(f"Anything about {asked}, in either direction.",),
        )
    checks = {name: _outcome(name, refutations) for name in rule.decisive}
    by_p = {r.name: r.p_value for r in refutations if r.name in checks and r.survived is not None and r.p_value is not None}
    rejected = holm(by_p, rule.level)
    for name in by_p:
        checks[name] = "failed" if name in rejected else "passed"
    failed = [name for name, state in checks.items() if state == "failed"]
    not_run = [name for name, state in checks.items() if state == "not run"]

    finding, direction = classify(estimate.lower, estimate.upper, estimate.effect, question.smallest_important)
    capped = finding == "probably" and bool(not_run)
    if capped:
        finding = "may"
    if (estimate.association or not identification.sufficient) and finding != "no_interval":
        finding, direction = "association", _clear(estimate)
    if failed:
        finding, direction = "failed_checks", None
    strength, reasons = _strength(identification, design, estimate, refutations, failed, not_run)
    detectable = _detectable(estimate, question)
    decimals = places(max(abs(estimate.effect), abs(estimate.upper or 0), abs(estimate.lower or 0)))
    said = f"{signed(estimate.effect, decimals)} {outcome.unit}"
    if estimate.lower is not None:
        said += f" ({question.level:.0%} interval {span(estimate.lower, estimate.upper, decimals)})"
    typical = float(np.nanmedian(design.population)) if design.population is not None else None
    scale = typical / outcome.count_per if typical and outcome.count_per else None
    return Verdict(
        finding=finding,
        direction=direction,
        headline=f"{banner}{_sentence(finding, direction, capital(action), asked, outcome.label, when, failed, not_run if capped else ())}: {said}.",
        range_in_words=_range(question, estimate, outcome, decimals, detectable)
        + (" This is about the treatment as recorded; error in the record hides effects." if design.treatment_variable.caution else ""),
        strength=strength,
        strength_reasons=reasons,
        detectable=detectable,
        typical_population=typical,
        typical_effect=None if scale is None else estimate.effect * scale,
        typical_lower=None if scale is None or estimate.lower is None else estimate.lower * scale,
        typical_upper=None if scale is None or estimate.upper is None else estimate.upper * scale,
        decisive=checks,
        cannot_say=_cannot_say(identification, design, estimate, refutations, finding, not_run),
    )


def _clear(estimate: Estimate) -> Literal["increase", "decrease"] | None:
    """The direction, where the interval leaves out 0."""
    if estimate.lower is not None and estimate.lower > 0:
        return "increase"
    return "decrease" if estimate.upper is not None and estimate.upper < 0 else None


def _outcome(name: str, refutations: Sequence[Refutation]) -> str:
    for one in refutations:
        if one.name == name:
            return {True: "passed", False: "failed", None: "not run"}[one.survived]
    return "not run"


def _sentence(finding: Finding, direction: str | None, action: str, asked: str, outcome: str, when: str, failed: Sequence[str], not_run: Sequence[str]) -> str:
    verb = {"increase": "increased", "decrease": "reduced", None: ""}[direction]
    other = {"increase": "reduction", "decrease": "increase", None: ""}[direction]
    if finding == "failed_checks":
        return f"The estimate of {asked} did not survive its checks ({listed([name.replace('_', ' ') for name in failed])}) and should not be used"
    if finding == "no_interval":
        return f"We cannot tell: no valid interval is known for this estimate of {asked}"
    if finding == "association":
        differ = {"increase": "higher", "decrease": "lower", None: "neither clearly higher nor lower"}[direction]
        return f"An association, not an effect: along with {action[:1].lower()}{action[1:]}, {outcome} {when} are {differ}"
    if finding == "little_or_none":
        slight = f" (a small {direction} is likely)" if direction else ""
        return f"{action} made little or no difference to {outcome} {when}{slight}"
    if finding == "probably":
        return f"{action} probably {verb} {outcome} {when}"
    if finding == "may":
        if not_run:
            return f"{action} may have {verb} {outcome} {when}; {_checks(not_run)} could not be run"
        return f"{action} may have {verb} {outcome} {when}; whether the effect is slight or important cannot be told"
    if finding == "unlikely_otherwise":
        return f"An important {other} in {outcome} from {action[:1].lower()}{action[1:]} is unlikely; whether it {verb} them {when} cannot be told"
    return f"We cannot tell whether {action[:1].lower()}{action[1:]} increased or reduced {outcome} {when}"


def _range(question: Question, estimate: Estimate, outcome: Variable, decimals: int, detectable: float | None) -> str:
    if estimate.lower is None or estimate.upper is None:
        return "For this estimator no valid interval is known, so nothing can be ruled out."
    worst, harm = (estimate.upper, "increase") if question.harm == "increase" else (-estimate.lower, "reduction")
    # rounded as the range beside it is, outwards
    most = span(estimate.lower, estimate.upper, decimals).split(" to ")[question.harm == "increase"].lstrip("+−")
    article = "an" if harm == "increase" else "a"
    ruled = f"{article} {harm} of more than {most} {outcome.unit} is ruled out at this level" if worst > 0 else f"any {harm} is ruled out at this level"
    tail = (
        f", and so is any that matters (δ = {question.smallest_important:g})"
        if worst < question.smallest_important
        else f"; one that matters (δ = {question.smallest_important:g} or more) is not"
    )
    seen = f" Such a study finds a true effect of {detectable:.{decimals}f} or more in four of five cases; smaller ones it often misses." if detectable else ""
    return f"The data are compatible with {span(estimate.lower, estimate.upper, decimals)} {outcome.unit}: {ruled}{tail}.{seen}"


def _detectable(estimate: Estimate, question: Question) -> float | None:
    """The true effect whose interval leaves out 0 in four of five studies with this error (Bloom 1995, Minimum detectable effects)."""
    if not estimate.std_error:
        return None
    from scipy import stats

    law = stats.norm() if estimate.df is None else stats.t(estimate.df)
    return float((law.ppf(0.5 + question.level / 2) + law.ppf(POWER)) * estimate.std_error)


def _strength(
    identification: Identification, design: Design, estimate: Estimate, refutations: Sequence[Refutation], failed: Sequence[str], not_run: Sequence[str]
) -> tuple[str, tuple[str, ...]]:
    """Start from what the design can give (Maryland scale) and lower it for each thing that undermines it."""
    if estimate.diagnostics.get("authority effects held fixed"):
        score, reasons = 3, ["a comparison of authorities with themselves over time (level 3 of 5 on the Maryland scale)"]
    elif design.control_groups and estimate.diagnostics.get("controls held fixed"):
        score, reasons = 2, ["a comparison between authorities with controls (level 2 of 5 on the Maryland scale)"]
    else:
        score, reasons = 1, ["a bare comparison (level 1 of 5 on the Maryland scale)"]
    concerns = [*estimate.concerns, *(v.caution for v in (design.treatment_variable, design.outcome_variable) if v.caution)]
    if not identification.sufficient:
        concerns.append("the forced adjustment set leaves a back door open in the graph, or holds fixed what the treatment moves")
    if concerns:
        score -= 1
        reasons += [f"lowered: {concern}" for concern in concerns]
    other = [r.name.replace("_", " ") for r in refutations if r.survived is False and r.name not in failed]
    if other:
        score -= 1
        reasons.append(f"lowered: did not pass {listed(other)}")
    if failed:
        score = 0
        reasons.append(f"lowered: {_checks(failed)} failed")
    if not_run:
        score -= 1
        reasons.append(f"lowered: {_checks(not_run)} could not be run")
    if score == 3 and not other:
        reasons.append("not raised by the checks passed: passing them is no proof")
    return STRENGTHS[max(score, 0)], tuple(reasons)


def _checks(names: Sequence[str]) -> str:
    return f"the decisive check{'s' * (len(names) > 1)} {listed([name.replace('_', ' ') for name in names])}"


def _cannot_say(
    identification: Identification, design: Design, estimate: Estimate, refutations: Sequence[Refutation], finding: Finding, not_run: Sequence[str]
) -> tuple[str, ...]:
    said = [
        "Whether something unmeasured that changes over time moves both the treatment and the outcome: no check on these data alone can show that.",
        "Whether the treatment was recorded with error, which usually draws an estimate towards nothing.",
    ]
    if caution := design.treatment_variable.caution:
        said[1] = (
            f"What {design.treatment_variable.label} does when measured without error ({caution}). "
            "Error in a treatment usually draws an estimate towards nothing."
        )
    if finding in ("cannot_tell", "no_interval", "unlikely_otherwise"):
        said.insert(0, "That there is no effect: not finding one is not the same as showing there is none.")
    if finding == "association":
        said.insert(0, "What causes what: this estimate does not hold fixed what the graph asks for.")
    if finding == "failed_checks":
        said.insert(0, "Whether there is an effect, or which way: the checks show that this design does not answer the question.")
    said += [f"{capital(name.replace('_', ' '))} could not be run: {r.reason}." for name in not_run for r in refutations if r.name == name]
    said += [f"{capital(warning)}." for warning in identification.warnings]
    if design.lost and (gone := sorted({a for loss in design.lost for a in loss.authorities})):
        said.append(f"Anything about the {len(gone)} authorities left out.")
    return tuple(said)
