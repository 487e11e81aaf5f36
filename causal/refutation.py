"""What one attempt to refute an estimate found: the record that the verdict and the report read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal, get_args

import numpy as np

from causal.errors import ConfigError, refusal
from causal.estimate import Part
from causal.groupings import Way

# what a check speaks of: a bias that it could have seen; the size of the error; how the answer stands up to who and what is in the data; the record
# of treatment and outcome; how large a hidden fault would have to be; the graph as a whole
Family = Literal["bias", "inference", "stability", "record", "sensitivity", "graph"]
# what the verdict asks for by what it is, not by its name
Role = Literal["timing", "lead", "negative_control", "second_measure", "agreement", "placebo", "shared_shocks", "spillover"]
FAMILIES: tuple[Family, ...] = get_args(Family)
ROLES: tuple[Role, ...] = get_args(Role)
REAL = (int, float, np.integer, np.floating)
Admits = Literal["important_rise", "important_fall", "no_change", "unimportant"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Hidden:
    """How strong a hidden common cause would have to be to change an answer.

    Parameters
    ----------
    share : of what is left of both treatment and outcome, that it must explain to take the estimate to nothing.
    benchmark : the strongest measured control, in words; "" where none can be held against it.
    multiple : how many times as strong as that it must be for the interval to hold what it does not hold now; None where none of a size that can be is enough.
    admits : what the interval then holds; None where it holds everything already.
    """

    share: float
    benchmark: str = ""
    multiple: float | None = None
    admits: Admits | None = None


class WrongField(ConfigError):
    """A `Refutation` with a field that cannot be."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Refutation:
    """What one attempt found.

    Parameters
    ----------
    name : the refuter's.
    asks : the question it puts, in plain words.
    expected, found : what a true answer would show, and what was seen.
    p_value : probability of something as bad in a clean world; None where the check has none.
    survived : False if the check did not pass; None if it could not be run.
    reason : why it could not be run; None where it ran.
    detects, cannot_detect : faults it can and cannot show.
    numbers : name → number behind the words, for the report alone.
    parts : effects it estimated on the way (leads and lags, effects without one authority).
    label : its plain name for readers; "" where it has none, and goes by its own.
    family : what it speaks of; None for a check of an outsider's that does not say, which then weighs nothing.
    role : what it is to the verdict, where it is one of those that the verdict asks for.
    level : the rate at which its p-value was held; None where the check has none.
    bias, bias_error : how far, by what it found, the estimate is off, and the standard error of that; outcome units for the whole contrast, signed
        as the estimate is (estimate − truth); None where none can be computed.
    blind_below : the smallest bias (absolute, outcome units) that it finds four times in five at its level; None where it is not known.
    trials, alarms : placebos dealt, and those of them that the estimate's own test rejects; None but for checks of the error.
    lost : refits of its own that gave no answer.
    hidden : how strong a hidden common cause would have to be; None but for checks of that.
    shared : ways in which places were found to share shocks; the interval is then made anew (`causal.shared`).

    Raises
    ------
    ConfigError : a field that cannot be; the message says which, what was wanted and what came.

    Examples
    --------
    >>> words = {"asks": "Is it so?", "expected": "No.", "found": "No.", "detects": "One fault.", "cannot_detect": "Others."}
    >>> Refutation(name="mine", p_value=0.4, level=0.05, survived=True, **words).family is None
    True
    """

    name: str
    asks: str
    expected: str
    found: str
    p_value: float | None
    survived: bool | None
    reason: str | None = None
    detects: str
    cannot_detect: str
    numbers: Mapping[str, float | None] = field(default_factory=dict)
    parts: tuple[Part, ...] = ()
    label: str = ""
    family: Family | None = None
    role: Role | None = None
    level: float | None = None
    bias: float | None = None
    bias_error: float | None = None
    blind_below: float | None = None
    trials: int | None = None
    alarms: int | None = None
    lost: int = 0
    hidden: Hidden | None = None
    shared: tuple[Way, ...] = ()

    def __post_init__(self) -> None:
        if isinstance(self.survived, np.bool_):
            object.__setattr__(self, "survived", bool(self.survived))
        for problem in _wrong(self):
            raise refusal(WrongField, f"Refutation {self.name!r}: {problem[0]}", *problem[1:])


def _wrong(one: Refutation) -> Iterator[tuple[str, str, str, str]]:
    """What is wrong with the fields of a refutation: which, what was wanted, what came and what to try."""
    for name in ("asks", "expected", "found", "detects", "cannot_detect"):
        if not isinstance(getattr(one, name), str):
            yield name, "words", repr(getattr(one, name)), "put it in quotes"
    if one.survived is not None and not isinstance(one.survived, bool):
        yield "survived", "True, False or None", repr(one.survived), "write None where it was not run"
    if one.survived is None and not one.reason:
        yield "reason", "why a check was not run, where survived is None", repr(one.reason), "say it in a few words"
    if one.family is not None and one.family not in FAMILIES:
        yield "family", f"one of {', '.join(FAMILIES)}, or None", repr(one.family), "leave it out, and the class's is taken"
    if one.role is not None and one.role not in ROLES:
        yield "role", f"one of {', '.join(ROLES)}, or None", repr(one.role), "leave it out, and the class's is taken"
    for name, least, most, wanted in (
        ("p_value", 0.0, 1.0, "a number from 0 to 1"),
        ("level", 0.0, 1.0, "a number from 0 to 1"),
        ("bias", -np.inf, np.inf, "a finite number in outcome units"),
        ("bias_error", 0.0, np.inf, "a finite number of at least 0"),
        ("blind_below", 0.0, np.inf, "a finite number of at least 0"),
    ):
        value = getattr(one, name)
        if value is not None and (isinstance(value, bool) or not isinstance(value, REAL) or not np.isfinite(value) or not least <= value <= most):
            yield name, f"{wanted}, or None", repr(value), "write None where there is none"
    for name in ("trials", "alarms", "lost"):
        value = getattr(one, name)
        if (value is not None or name == "lost") and (isinstance(value, bool) or not isinstance(value, int | np.integer) or value < 0):
            yield name, f"a whole number of at least 0{'' if name == 'lost' else ', or None'}", repr(value), "count them"
    if one.alarms is not None and (one.trials is None or one.alarms > one.trials):
        yield "alarms", f"no more than there are trials, {one.trials!r}", repr(one.alarms), "count both over the same placebos"
