"""The rule by which numbers become an answer: the rows and classes of intervals, the checks that speak of bias, and the design's certainty.

With l and u the ends of the interval and δ the smallest important effect, an interval falls in exactly one row, and by which direction is harm a row has
one class (here for harm pointing up; mirrored where it points down):

    l ≥ δ                  important_rise       harm
    0 < l < δ ≤ u          rise                 some harm
    −δ < l and u < δ       inside               little or none
    l ≤ −δ and 0 ≤ u < δ   no_important_rise    no harm that matters
    −δ < l ≤ 0 and u ≥ δ   no_important_fall    harm still open
    l ≤ −δ and u ≥ δ       both                 cannot tell
    l ≤ −δ < u < 0         fall                 some benefit
    u ≤ −δ                 important_fall       benefit that matters

Checks of bias share one false-alarm rate (Holm 1979, A simple sequentially rejective multiple test procedure). What a design can give is a level of
the Maryland scale (Sherman and others 1998, Preventing crime: what works, what doesn't, what's promising).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal, get_args

import numpy as np

from causal.design import Design
from causal.errors import ConfigError, refusal, suggest
from causal.estimate import Estimate
from causal.identification import Identification
from causal.knobs import are_words, is_number, is_whole

Row = Literal["important_rise", "rise", "inside", "no_important_rise", "no_important_fall", "both", "fall", "important_fall"]
ROWS: tuple[Row, ...] = get_args(Row)
Class = Literal[
    "harm",
    "some_harm",
    "little_or_none",
    "no_harm_that_matters",
    "harm_still_open",
    "cannot_tell",
    "some_benefit",
    "benefit_that_matters",
]
CLASSES: tuple[Class, ...] = get_args(Class)
UPWARDS: dict[Row, Class] = {
    "important_rise": "harm",
    "rise": "some_harm",
    "inside": "little_or_none",
    "no_important_rise": "no_harm_that_matters",
    "no_important_fall": "harm_still_open",
    "both": "cannot_tell",
    "fall": "some_benefit",
    "important_fall": "benefit_that_matters",
}
MIRRORED: dict[Row, Row] = {
    "important_rise": "important_fall",
    "rise": "fall",
    "inside": "inside",
    "no_important_rise": "no_important_fall",
    "no_important_fall": "no_important_rise",
    "both": "both",
    "fall": "rise",
    "important_fall": "important_rise",
}
Kind = Literal["dose", "adoption", "instrument", "one_row", "cross_section", "discontinuity", "series", "trial"]
KINDS: tuple[Kind, ...] = get_args(Kind)
HIGH, MODERATE, LOW, VERY_LOW = 3, 2, 1, 0
STEPS = ("very_low", "low", "moderate", "high")  # a certainty step's name
BY_LEVEL = {5: HIGH, 4: HIGH, 3: MODERATE, 2: LOW, 1: VERY_LOW}
FEWEST_SHOCKS = 20  # effective national shocks below which an exposure instrument is a difference-in-differences
FEWEST_PLACEBOS = 200  # fewer cannot say that the error is wrong
GATE = 0.001  # of the exact binomial test of placebo rejections against twice the nominal rate
EFFECTIVE_CLUSTERS = 10.0  # fewer cap the certainty at low
BIAS: dict[str, tuple[str, ...]] = {
    "dose": (
        "pre_trend",
        "future_treatment",
        "reverse_causation",
        "placebo_dates",
        "anticipation",
        "implied_independence",
        "negative_control_outcome",
        "negative_control_exposure",
        "estimator_agreement",
    ),
    "adoption": (
        "pre_trend",
        "future_treatment",
        "reverse_causation",
        "placebo_dates",
        "anticipation",
        "implied_independence",
        "negative_control_outcome",
        "negative_control_exposure",
        "estimator_agreement",
    ),
    "instrument": ("placebo_dates", "future_treatment", "implied_independence", "negative_control_outcome", "negative_control_exposure", "estimator_agreement"),
    "one_row": ("placebo_dates", "pre_trend", "implied_independence", "negative_control_outcome", "negative_control_exposure", "estimator_agreement"),
    "cross_section": ("implied_independence", "negative_control_outcome", "negative_control_exposure", "estimator_agreement"),
    "discontinuity": ("density", "covariates_at_cutoff", "placebo_cutoffs", "negative_control_outcome"),
    "series": ("series_placebo_dates", "comparison_series", "negative_control_outcome"),
    "trial": ("covariate_balance", "attrition", "negative_control_outcome", "negative_control_exposure", "implied_independence", "estimator_agreement"),
}
# the check that looks at the time before, for each kind of design: any of these that ran; a cross-section has none
TIMING: dict[str, tuple[str, ...]] = {
    "dose": ("pre_trend",),
    "adoption": ("pre_trend",),
    "instrument": ("placebo_dates", "reverse_causation"),
    "one_row": ("placebo_dates",),
    "cross_section": (),
    "discontinuity": ("placebo_cutoffs",),
    "series": ("series_placebo_dates",),
    "trial": ("covariate_balance",),
}
# checks that an estimator of a kind brings, and that others of the kind cannot run: where one ran, something was looked at; where none did, none is missing.
# Those that speak of a curve or of how long an effect lasts (link, lag_length, carry_over) see no unmeasured cause, and are not among them
BROUGHT: dict[str, tuple[str, ...]] = {
    "dose": ("switchers_before",),
    "adoption": ("switchers_before", "synthetic_dates"),
    "instrument": ("monotonicity",),
}
LATER: tuple[Kind, ...] = ("discontinuity", "series", "trial")  # kinds that a rule written before there were any may leave out
STABILITY = (
    "leave_one_out",
    "overlap",
    "extrapolation",
    "data_subset",
    "bootstrap",
    "random_common_cause",
    "specification_curve",
    "separation",
    "donut",
    "bandwidth_curve",
    "series_residuals",
)
LOOKS = ("negative_control", "timing")
ALL_LOOKS = (*LOOKS, "second_measure")
SEES = (*LOOKS, "lead")  # roles of checks of which one that could see what matters is enough
OLD = {
    "decisive": "every check of bias now counts, with the size of what it found: name those of a kind under  rule.bias.KIND=[checks]  or leave it out",
    "by_design": "write  rule.bias.KIND=[checks]  for the checks of bias that a kind of design should have; all of them count and none alone decides",
    "lowers": "certainty falls by at most one step for each of the letters a to d; write  rule.steps=2  to make each weigh more",
    "disagreement": "write  rule.apart=…  (how many smallest important effects a comparable estimator may lie apart)",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """How checks weigh.

    Parameters
    ----------
    bias : kind of design → names of the checks of bias that it should have. Every check whose family is bias counts if it ran; one of these that did not
        run, for whatever reason, is said not to have run.
    timing : kind of design → names of its check of the time before, of which one that ran is enough; none where the design has no such check.
    looks : the looks at bias without which certainty falls a step, and of which one must be able to see an effect that matters: `negative_control`,
        `timing`, `second_measure` (of the treatment; it must have run).
    stability : checks of who and what is in the data; certainty falls a step where any of them did not pass.
    level : joint false-alarm rate of the checks of bias.
    apart : how far apart a comparable estimator may lie, in smallest important effects.
    steps : by how many steps each letter lowers the certainty.
    randomised : how lot decided who was treated, in words; None where it did not.

    Raises
    ------
    ConfigError : a key of an earlier form, a kind that does not exist or is left out, a number out of range.

    Examples
    --------
    >>> Rule(steps=1).level
    0.05
    >>> "pre_trend" in Rule().bias["dose"]
    True
    """

    gone: ClassVar[Mapping[str, str]] = OLD  # knobs of an earlier form, with what to write instead

    bias: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: dict(BIAS))
    timing: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: dict(TIMING))
    looks: tuple[str, ...] = LOOKS
    stability: tuple[str, ...] = STABILITY
    level: float = 0.05
    apart: float = 1.0
    steps: int = 1
    randomised: str | None = None

    def __new__(cls, **given: Any) -> Rule:
        """Keys of an earlier form are refused with what to write instead."""
        for key, instead in OLD.items():
            if key in given:
                raise refusal(ConfigError, f"rule.{key}", "a key of today", "one of an earlier form", instead)
        return object.__new__(cls)

    def __post_init__(self) -> None:
        object.__setattr__(self, "bias", _by_kind("bias", self.bias))
        object.__setattr__(self, "timing", _by_kind("timing", self.timing))
        object.__setattr__(self, "stability", _names("stability", self.stability))
        object.__setattr__(self, "looks", _names("looks", self.looks))
        for look in self.looks:
            if look not in ALL_LOOKS:
                raise refusal(ConfigError, "rule.looks", "checks that there are", repr(look), suggest(look, ALL_LOOKS))
        if not is_number(self.level) or not 0 < self.level < 0.5:
            raise refusal(ConfigError, "rule.level", "a number between 0 and 0.5", repr(self.level), "write  rule.level=0.05")
        if not is_number(self.apart) or self.apart <= 0:
            raise refusal(ConfigError, "rule.apart", "a number of smallest important effects above 0", repr(self.apart), "write  rule.apart=1")
        if not is_whole(self.steps, 1, 3):
            raise refusal(ConfigError, "rule.steps", "a whole number from 1 to 3", repr(self.steps), "write  rule.steps=1")
        if self.randomised is not None and not are_words(self.randomised):
            raise refusal(
                ConfigError, "rule.randomised", "how lot decided who was treated, in words, or null", repr(self.randomised), "write  rule.randomised=null"
            )


def _names(where: str, names: Any) -> tuple[str, ...]:
    """Names, each once."""
    if isinstance(names, str) or not isinstance(names, Sequence) or not all(isinstance(name, str) and name for name in names):
        raise refusal(ConfigError, f"rule.{where}", "a list of names", repr(names), "write  [one,two]")
    if len(set(names)) != len(names):
        raise refusal(ConfigError, f"rule.{where}", "each name once", f"one twice: {', '.join(names)}", "take one away")
    return tuple(names)


def _by_kind(where: str, given: Any) -> dict[str, tuple[str, ...]]:
    """Checks for each kind of design, all kinds named."""
    if not isinstance(given, Mapping):
        raise refusal(ConfigError, f"rule.{where}", f"kind: [checks]  for each of {', '.join(KINDS)}", repr(given), "write it so")
    for kind in given:
        if kind not in KINDS:
            raise refusal(ConfigError, f"rule.{where}", "kinds of design that there are", repr(kind), suggest(str(kind), KINDS))
    if missing := [kind for kind in KINDS if kind not in given and kind not in LATER]:
        raise refusal(ConfigError, f"rule.{where}", f"{', '.join(missing)}", "nothing for it", "write  []  where there is none")
    shipped = BIAS if where == "bias" else TIMING
    return {kind: _names(f"{where}.{kind}", given.get(kind, shipped[kind])) for kind in KINDS}


def by_lot(rule: Rule, identification: Identification) -> str:
    """How lot decided who was treated, in the rule's words or in the graph's; "" where it did not.

    Parameters
    ----------
    rule : of the study.
    identification : what its graph says.
    """
    return rule.randomised or identification.lot


def kind_of(design: Design, estimate: Estimate) -> Kind:
    """What kind of comparison an estimate makes, read from what it rests on and not from its name.

    An instrument; a cutoff; a series against its own past; a treatment that the graph says was decided by lot; one row an authority in the data; one row
    an authority made from a panel; a treatment of the question's two levels that is taken up and kept, or an estimate that counts who took it up; or else a
    dose on a panel.

    Parameters
    ----------
    design, estimate : the analysis as it was done.
    """
    if design.identification.strategy == "iv":
        return "instrument"
    if design.identification.strategy in ("discontinuity", "series"):
        return "discontinuity" if design.identification.strategy == "discontinuity" else "series"
    if design.identification.lot:
        return "trial"
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


def maryland(rule: Rule, design: Design, estimate: Estimate) -> int:
    """The level of the Maryland scale that a design can give, 1 to 5.

    Parameters
    ----------
    rule : says whether lot decided.
    design, estimate : the analysis as it was done.
    """
    kind, conditioning = kind_of(design, estimate), estimate.conditioning
    if rule.randomised or kind == "trial":
        return 5
    if kind == "instrument":
        shocks = estimate.facts.shocks
        return 3 if shocks is not None and shocks < FEWEST_SHOCKS else 4
    if kind == "discontinuity":
        return 4
    if kind == "series":
        return 3 if estimate.estimand.comparison == "comparison_series" else 2
    if conditioning.authority and estimate.estimand.comparison != "changes":
        return 3
    if kind == "one_row" and not estimate.association:
        return 3
    if design.identification.strategy == "frontdoor":
        return 2
    return 2 if conditioning.controls and (design.control_groups or design.time_invariant_names) else 1


def row_of(lower: float | None, upper: float | None, smallest: float) -> Row | None:
    """The row that an interval falls in; None where there is no interval.

    Parameters
    ----------
    lower, upper : the interval, outcome units; none is known where one is None or not finite, or where they are the wrong way round.
    smallest : δ, above 0.
    """
    if lower is None or upper is None or not (math.isfinite(lower) and math.isfinite(upper)) or lower > upper:
        return None
    if lower >= smallest:
        return "important_rise"
    if upper <= -smallest:
        return "important_fall"
    if lower > -smallest and upper < smallest:
        return "inside"
    if lower <= -smallest and upper >= smallest:
        return "both"
    if upper >= smallest:
        return "rise" if lower > 0 else "no_important_fall"
    return "fall" if upper < 0 else "no_important_rise"


def class_of(row: Row, harm: Literal["increase", "decrease"] | None) -> Class | None:
    """The class of a row by the direction called harm; None where none is.

    Parameters
    ----------
    row : of an interval.
    harm : the direction of the outcome that is bad.
    """
    return None if harm is None else UPWARDS[row if harm == "increase" else MIRRORED[row]]


def holds(row: Row, truth: float, smallest: float) -> bool:
    """Whether what a row says is so, where the truth is known: of planted effects.

    Parameters
    ----------
    row : of an interval.
    truth : the true effect, outcome units.
    smallest : δ, above 0.
    """
    return {
        "important_rise": truth >= smallest,
        "rise": truth > 0,
        "inside": -smallest < truth < smallest,
        "no_important_rise": truth < smallest,
        "no_important_fall": truth > -smallest,
        "both": True,
        "fall": truth < 0,
        "important_fall": truth <= -smallest,
    }[row]
