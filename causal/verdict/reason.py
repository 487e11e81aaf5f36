"""Why a verdict is as certain as it is, what it leaves open and what would change it: each a fact with a code and numbers, never a sentence.

`causal.verdict.say` makes the sentences, from these and from nothing else.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, get_args

from causal.knobs import is_whole

# a  drift: the row is another over what drift would make of the interval; blind: neither look at bias could see an effect that matters; unlooked: one of
#    the looks at bias was not made
# b  harmless: a bias was found and is too small to move the row; unstable: a check of who and what is in the data did not pass
# c  disagreement: a comparable estimator lies an important effect apart
# d  estimator, record, forced, shared_shocks: what the estimator warns of, the record is known for, a forced adjustment set leaves, groups share
# e  placebos: too few placebos to know the error
# and, without a letter: unchecked (nothing of the design could be checked for bias), few_clusters (certainty is at most low)
Concern = Literal[
    "drift",
    "blind",
    "unlooked",
    "harmless",
    "unstable",
    "disagreement",
    "estimator",
    "record",
    "forced",
    "shared_shocks",
    "placebos",
    "unchecked",
    "few_clusters",
]
CONCERNS: tuple[Concern, ...] = get_args(Concern)
LETTERS: dict[Concern, str] = {
    "drift": "a",
    "blind": "a",
    "unlooked": "a",
    "harmless": "b",
    "unstable": "b",
    "disagreement": "c",
    "estimator": "d",
    "record": "d",
    "forced": "d",
    "shared_shocks": "d",
    "placebos": "e",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """One reason for the certainty of a verdict.

    Parameters
    ----------
    concern : its code.
    steps : by how many steps it lowers the certainty; 0 where another of its letter has done so already, or none is left to lose.
    checks : names of the checks it speaks of.
    detail : what the estimator or the record said of it, in their own words.
    numbers : name → number behind it.

    Raises
    ------
    ValueError : a concern that there is none of, or a number of steps below 0.
    """

    concern: Concern
    steps: int = 0
    checks: tuple[str, ...] = ()
    detail: tuple[str, ...] = field(default=(), metadata={"key": "told"})
    numbers: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.concern not in CONCERNS:
            raise ValueError(f"a reason's concern must be one of {', '.join(CONCERNS)}, got {self.concern!r}")
        if not is_whole(self.steps, 0):
            raise ValueError(f"a reason's steps must be a whole number of at least 0, got {self.steps!r}")

    @property
    def letter(self) -> str:
        """Of the reasons that share a letter one alone lowers the certainty; "" for those that have none."""
        return LETTERS.get(self.concern, "")


Open = Literal[
    "no_effect",
    "causation",
    "failed",
    "anything",
    "error",
    "compliance",
    "exclusion",
    "at_cutoff",
    "far_from_cutoff",
    "same_time",
    "unmeasured",
    "unmeasured_unshared",
    "late_drift",
    "both_measures",
    "recorded",
    "record",
    "missing_arrow",
    "not_run",
    "blind",
    "warning",
    "left_out",
]
OPEN: tuple[Open, ...] = get_args(Open)


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """One thing that an answer does not say.

    Parameters
    ----------
    code : which.
    check : the check that it is about; "" where it is about none.
    detail : what the graph, the record or the check said of it, in their own words.
    number : behind it (authorities left out, the smallest bias a check sees); None where there is none.
    """

    code: Open
    check: str = ""
    detail: str = field(default="", metadata={"key": "told"})
    number: float | None = None

    def __post_init__(self) -> None:
        if self.code not in OPEN:
            raise ValueError(f"a limit's code must be one of {', '.join(OPEN)}, got {self.code!r}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One thing that would change the answer or its certainty.

    Parameters
    ----------
    code : "measure" (what would have to be measured, `detail`), "variation" (a treatment that changes within authorities),
        "information" (how many times as much, `number`), "negative_control", "timing", "record",
        "remedy" (the datum that would settle it, `detail`), "groups", "placebos" or
        "hidden" (a hidden cause, `number` times as strong as `detail`, would admit what `admits` says).
    check : the check that it would take; "" where it takes none.
    share : of what is left of treatment and outcome, that a hidden cause would have to explain to take the estimate to nothing.
    admits : what would fit the data then.
    """

    code: Literal["measure", "variation", "information", "negative_control", "timing", "record", "remedy", "groups", "placebos", "hidden"]
    check: str = ""
    detail: tuple[str, ...] = field(default=(), metadata={"key": "told"})
    number: float | None = None
    share: float | None = None
    admits: Literal["important_rise", "important_fall", "no_change", "unimportant"] | None = None


Step = Literal[
    "measure",
    "identify",
    "variation",
    "interval",
    "clusters",
    "one_place",
    "placebo_range",
    "instrument",
    "failed",
    "hold",
    "check",
    "record",
    "look",
    "placebos",
    "groups",
    "information",
    "elsewhere",
    "again",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Next:
    """The single most useful thing to do next.

    Parameters
    ----------
    code : which.
    detail : what it is about: what would have to be measured, checks, or the datum that would settle it, in its own words.
    number : how many times the information.
    """

    code: Step
    detail: tuple[str, ...] = field(default=(), metadata={"key": "told"})
    number: float | None = None
