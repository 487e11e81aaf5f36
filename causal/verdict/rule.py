"""The rule by which numbers become words: the table, the checks that decide for each kind of design, and what lowers strength.

With l and u the ends of the interval and δ the smallest important effect, an interval falls in one row, mirrored for reductions:

    −δ < l and u < δ       made little or no difference (a small increase is likely, if l > 0)
    l ≥ δ                  probably increased
    0 < l < δ ≤ u          may have increased
    −δ < l ≤ 0 and u ≥ δ   an important reduction is unlikely; cannot tell whether it increased
    l ≤ −δ and u ≥ δ       cannot tell

Decisive checks share one false-alarm rate (Holm 1979, A simple sequentially rejective multiple test procedure). The five levels of
strength are the Maryland scale's (Sherman and others 1998, Preventing crime: what works, what doesn't, what's promising).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

import numpy as np

from causal.design import Design
from causal.errors import ConfigError, suggest
from causal.estimate import Estimate
from causal.knobs import is_number, is_whole

Finding = Literal["not_identified", "failed_checks", "no_interval", "association", "little_or_none", "probably", "may", "unlikely_otherwise", "cannot_tell"]
Direction = Literal["increase", "decrease"]
Kind = Literal["dose", "adoption", "instrument", "one_row", "cross_section"]
KINDS: tuple[Kind, ...] = get_args(Kind)
MOST_DECISIVE = 3
FEWEST_SHOCKS = 20  # effective national shocks below which an exposure instrument is a difference-in-differences
DECISIVE: dict[str, tuple[str, ...]] = {
    "dose": ("future_treatment", "implied_independence", "negative_control_outcome"),
    "adoption": ("pre_trend", "implied_independence", "negative_control_outcome"),
    "instrument": ("placebo_dates", "negative_control_outcome"),
    "one_row": ("placebo_treatment", "implied_independence", "negative_control_outcome"),
    "cross_section": ("placebo_treatment", "implied_independence", "negative_control_outcome"),
}
# where a decisive check cannot be run, one of these that was run and passed stands in for it: of a graph that makes no testable claim about treatment and
# outcome, a negative control sees the missing arrow that leaves no trace (docs/method.md, section 3: with aid alone)
STANDS_IN: dict[str, tuple[str, ...]] = {"implied_independence": ("negative_control_outcome", "negative_control_exposure")}
# what undermines an estimate, and by how many of the five levels each lowers the strength
LOWERS: dict[str, int] = {"estimator": 1, "record": 1, "forced": 1, "not_run": 1, "check": 1, "disagreement": 2, "blind": 1, "placebo_treatment": 2}
CONCERNS = ("estimator", "record", "forced", "not_run", "check", "disagreement", "blind")


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """How checks weigh.

    Parameters
    ----------
    decisive : names of at most three checks any of which, failing, takes the answer away, and any of which, not run, turns "probably"
        into "may have", for every kind of design; None takes those of `by_design`.
    by_design : the same for each kind of design.
    level : joint false-alarm rate of the decisive checks.
    lowers : by how many levels each concern lowers the strength: `estimator` (what the estimator warns of), `record` (known error in a
        record), `forced` (a forced adjustment set that the graph finds wanting), `not_run` (decisive checks), `check` (other checks that did
        not pass, together), `disagreement` (between estimators), `blind` (a pre-trend test that could not have seen a harmful trend). A check's
        own name may stand here too and then counts for it in the place of `check`; of several that did not pass the heaviest counts.
    disagreement : how far apart estimators of one estimand may lie, in smallest important effects, before a difference beyond noise
        counts as `disagreement` and not as one more check that did not pass.
    randomised : how lot decided who was treated, in words; None where it did not.

    Raises
    ------
    ConfigError : a kind that does not exist or is left out, more than three checks, a weight or level out of range.
    """

    decisive: tuple[str, ...] | None = None
    by_design: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: dict(DECISIVE))
    level: float = 0.05
    lowers: Mapping[str, int] = field(default_factory=lambda: dict(LOWERS))
    disagreement: float = 1.0
    randomised: str | None = None

    def __post_init__(self) -> None:
        if self.decisive is not None:
            object.__setattr__(self, "decisive", _checks("decisive", self.decisive))
        object.__setattr__(self, "by_design", _by_design(self.by_design))
        if not is_number(self.level) or not 0 < self.level < 0.5:
            raise ConfigError(f"rule.level must lie between 0 and 0.5, got {self.level!r}")
        if not isinstance(self.lowers, Mapping):
            raise ConfigError(f"rule.lowers must say  concern: levels, got {self.lowers!r}")
        for name, by in self.lowers.items():
            if not is_whole(by, 0, 5):
                raise ConfigError(f"rule.lowers.{name} must be a whole number of levels from 0 to 5, got {by!r}")
        if lacking := [name for name in CONCERNS if name not in self.lowers]:
            raise ConfigError(f"rule.lowers lacks {', '.join(lacking)}; 0 says that it does not lower the strength")
        object.__setattr__(self, "lowers", dict(self.lowers))
        if not is_number(self.disagreement) or not 0 <= self.disagreement < np.inf:
            raise ConfigError(f"rule.disagreement must be a number of smallest important effects of at least 0, got {self.disagreement!r}")
        if self.randomised is not None and (not isinstance(self.randomised, str) or not self.randomised.strip()):
            raise ConfigError(f"rule.randomised must say in words how lot decided who was treated, or be null, got {self.randomised!r}")

    def decides(self, kind: Kind) -> tuple[str, ...]:
        """The decisive checks of a kind of design."""
        return self.by_design[kind] if self.decisive is None else self.decisive


def _checks(where: str, names: Any) -> tuple[str, ...]:
    """At most three names of checks."""
    if isinstance(names, str) or not isinstance(names, Sequence) or not all(isinstance(name, str) and name for name in names):
        raise ConfigError(f"rule.{where} must be a list of checks' names, got {names!r}")
    if len(set(names)) != len(names):
        raise ConfigError(f"rule.{where} names a check twice: {', '.join(names)}")
    if len(names) > MOST_DECISIVE:
        raise ConfigError(f"rule.{where} names {len(names)} checks; at most three may be decisive, or false alarms pile up")
    return tuple(names)


def _by_design(given: Any) -> dict[str, tuple[str, ...]]:
    """Decisive checks for each kind of design, all kinds named."""
    if not isinstance(given, Mapping):
        raise ConfigError(f"rule.by_design must say  kind: [checks]  for each of {', '.join(KINDS)}, got {given!r}; one list for all is  rule.decisive=[…]")
    for kind in given:
        if kind not in KINDS:
            raise ConfigError(f"rule.by_design has {kind!r}, which is no kind of design; {suggest(str(kind), KINDS)}")
    if lacking := [kind for kind in KINDS if kind not in given]:
        raise ConfigError(f"rule.by_design lacks {', '.join(lacking)}; [] says that no check decides there")
    return {kind: _checks(f"by_design.{kind}", given[kind]) for kind in KINDS}


def kind_of(design: Design, estimate: Estimate) -> Kind:
    """What kind of comparison an estimate makes, read from what it rests on and not from its name.

    An instrument; one row an authority in the data; one row an authority made from a panel; a treatment of the question's two levels
    that is taken up and kept, or an estimate that counts who took it up; or else a dose on a panel.
    """
    if design.identification.strategy == "iv":
        return "instrument"
    if design.rows == len(design.authorities):
        return "cross_section"
    if estimate.rows <= estimate.authorities:
        return "one_row"
    return "adoption" if estimate.facts.adopters is not None or _taken_up(design) else "dose"


def _taken_up(design: Design) -> bool:
    """Whether the treatment has the question's two levels alone, and no authority leaves the one it comes to."""
    question = design.question
    if not np.isin(design.treatment, (question.control, question.treated)).all():
        return False
    steps = np.diff(design.treatment)[np.diff(design.authority) == 0]
    return bool((steps >= 0).all() or (steps <= 0).all()) and bool(steps.any())


def maryland(rule: Rule, design: Design, estimate: Estimate) -> tuple[int, str]:
    """The level of the Maryland scale that a design can give, 1 to 5, and what gives it."""
    kind, held = kind_of(design, estimate), estimate.held
    if rule.randomised:
        return 5, f"treatment was dealt by lot: {rule.randomised.strip().rstrip('.')}"
    if kind == "instrument":
        shocks = estimate.facts.shocks
        if shocks is not None and shocks < FEWEST_SHOCKS:
            return 3, f"a difference-in-differences by exposure, since {shocks:.0f} effective shock{'s' * (round(shocks) != 1)} make no instrument"
        return 4, "a comparison by an instrument"
    if held.authority and estimate.estimand.comparison != "changes":
        return 3, "a comparison of authorities with themselves over time"
    if kind == "one_row" and not estimate.association:
        return 3, "a comparison over time of authorities that differ in treatment and are alike in what was measured"
    if design.identification.strategy == "frontdoor":
        return 2, "a comparison through the front door"
    if held.controls and (design.control_groups or design.nested_names):
        return 2, "a comparison between authorities with controls"
    return 1, "a bare comparison"


def classify(lower: float | None, upper: float | None, effect: float, smallest: float) -> tuple[Finding, Direction | None]:
    """The table's row for an interval, and the direction it speaks of; every case falls in one row.

    Parameters
    ----------
    lower, upper : the interval, outcome units; none is known where one is None or not finite, or where they are the wrong way round.
    effect : the estimate; without a finite one there is no row either.
    smallest : δ, above 0.
    """
    if lower is None or upper is None or not all(map(math.isfinite, (lower, upper, effect))) or lower > upper:
        return "no_interval", None
    if lower > -smallest and upper < smallest:
        return "little_or_none", "increase" if lower > 0 else "decrease" if upper < 0 else None
    if lower <= -smallest and upper >= smallest:
        return "cannot_tell", None
    # one end lies beyond δ and the other short of it: turned so that the far end is up
    far: Direction = "increase" if upper >= smallest else "decrease"
    near = lower if far == "increase" else -upper
    return ("probably" if near >= smallest else "may" if near > 0 else "unlikely_otherwise"), far
