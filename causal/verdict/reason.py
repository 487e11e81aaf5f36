"""Why the evidence is as strong as it is: each reason a fact with a code, and the one place where such facts become sentences."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, get_args

from causal.words import listed

# what kind of comparison it is; what the estimator, the record or a forced adjustment set gives to think; decisive checks that were not run; other
# checks that did not pass; estimators that disagree; a check too blind to see a harmful drift; decisive checks that failed; and that passing raises nothing
Concern = Literal["design", "estimator", "record", "forced", "not_run", "check", "disagreement", "blind", "failed", "not_raised"]
CONCERNS: tuple[Concern, ...] = get_args(Concern)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """One reason for the strength of a verdict.

    Parameters
    ----------
    concern : its code.
    steps : by how many levels it lowers the strength; 0 where it is noted and lowers nothing.
    checks : names of the checks it speaks of.
    told : what the estimator, the record or a check said of it, in their own words.
    numbers : name → number behind it.

    Raises
    ------
    ValueError : a concern that there is none of, or a number of steps below 0.
    """

    concern: Concern
    steps: int = 0
    checks: tuple[str, ...] = ()
    told: tuple[str, ...] = ()
    numbers: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.concern not in CONCERNS:
            raise ValueError(f"a reason's concern must be one of {', '.join(CONCERNS)}, got {self.concern!r}")
        if isinstance(self.steps, bool) or not isinstance(self.steps, int) or self.steps < 0:
            raise ValueError(f"a reason's steps must be a whole number of at least 0, got {self.steps!r}")


def reason_sentence(reason: Reason) -> str:
    """A reason in words for evaluators."""
    told, checks = "; ".join(reason.told), reason.checks
    if reason.concern == "design":
        return f"{told} (level {reason.numbers['level']:.0f} of 5 on the Maryland scale)"
    if reason.concern == "failed":
        return f"lowered to nothing: {decisive_checks(checks)} failed"
    if reason.concern == "not_raised":
        return "not raised by the checks passed: passing them is no proof"
    if reason.concern == "forced":
        why = "the forced adjustment set leaves a back door open in the graph, or holds fixed what the treatment moves"
    elif reason.concern == "not_run":
        why = f"{decisive_checks(checks)} {'were' if len(checks) > 1 else 'was'} not run"
    elif reason.concern == "disagreement":
        why = f"estimators of one estimand disagree: {told}"
    elif reason.concern == "blind":
        why = "the pre-trend test passed, but often misses trends that would look like an important effect"
    elif reason.concern == "check":
        ran = reason.numbers.get("ran", 0.0)
        by_chance = f"; of {ran:.0f} such checks with a p-value about {reason.numbers['by chance']:.1f} do not in a clean world" if ran > 1 else ""
        why = f"did not pass {named(checks)}{by_chance}"
    else:
        why = told
    return f"lowered by {reason.steps}: {why}" if reason.steps else f"noted, and not lowered for it: {why}"


def named(names: Sequence[str]) -> str:
    """Checks by their names on the shelf, in words."""
    return listed([name.replace("_", " ") for name in names])


def decisive_checks(names: Sequence[str]) -> str:
    """The same, called decisive."""
    return f"the decisive check{'s' * (len(names) > 1)} {named(names)}"
