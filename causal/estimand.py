"""What an estimate is of, what it conditions on, and what its design is like: facts as fields, made into words for print alone.

Two estimators answer one question with one effect where their `Estimand.key` is equal; how each averages (`weighting`) and what it supposes (`model`)
is then what may part them. The comparison, the check on agreement and the verdict all ask this one equality.
"""

from __future__ import annotations

import math
import re
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from causal.design import Design
from causal.errors import NotWhatWasWanted, refusal
from causal.knobs import is_whole

CODE = re.compile(r"^[a-z][a-z0-9_]*$")
# family → the effect in words; another code is read out as it stands
FAMILIES = {
    "average": "average effect",
    "adoption": "average effect of adopting",
    "dose": "average effect of the dose asked for",
    "moved": "average effect of what {instruments} {moved} of the treatment",
    "exposed": "average effect of what {instruments} × shocks move of the treatment",
    "kept_up": "average effect of a treatment kept up for {horizon} years",
    "first_years": "average effect over the first {horizon} years",
    "at_cutoff": "average effect at the cutoff of {instruments}",
    "since_then": "average effect over the years since the treatment came",
    "switched": "average effect of a switch in its own year",
    "first_switched": "average effect of a place's first switch in its own year",
    "begun": "average effect of beginning after years without it, in the year of the beginning",
    "association": "association",
}
COMPARISONS = {
    "within": "within authorities",
    "pooled": "between and within authorities, the adjustment set without authority held fixed",
    "between": "between authorities",
    "past_outcome": "between and within authorities, the outcome before the treatment and the adjustment set without authority held fixed",
    "history": "history held fixed",
    "front_door": "through the front door",
    "changes": "one row an authority, change from {first} to {last}",
    "levels": "one row an authority, level in {last}",
    "nothing": "over all authority-years, nothing held fixed",
    "sides": "just beyond it against just short of it",
    "own_past": "against the series' own past",
    "comparison_series": "against the series' own past and comparison series",
}
POPULATIONS = {"all": "", "treated": "on the treated", "movers": "", "moved": "on those whom it moves"}
WEIGHTINGS = {
    "residual_variance": "weighted by residual treatment variance",
    "change_variance": "weighted by the variance of yearly changes",
    "instrument_variance": "weighted by how far the instruments move the treatment",
    "rows": "every authority-year alike",
    "people": "every person alike",
    "places": "every authority alike",
    "treated_rows": "treated authority-years alike",
    "years_since": "each year since adoption alike",
    "treated_places": "treated authorities alike",
    "near_cutoff": "those nearest the cutoff counting most",
    "years_after": "each year since then alike",
    "compliers": "everybody alike whom the instrument moves",
    "switchers": "every switch of the treatment alike",
    "beginners": "those who begin, a year by how many begin and how many stand beside them",
}
# for whom an average holds, by its weighting
HOLDS_FOR = {
    "residual_variance": "It holds for places by how far their treatment moves: movers count most, and a place where nothing moves counts nothing.",
    "change_variance": "It holds for places by how far their treatment changes from year to year: those that change most count most.",
    "instrument_variance": "It holds for those whom the instruments move: who is moved most counts most.",
    "places": "It holds for the places averaged over, every one alike, however large it is and however far its treatment moves.",
    "rows": "It holds for all authority-years alike.",
    "people": "It holds for people: large places count most.",
    "treated_rows": "It holds for the treated: a place counts by the years that it was treated in.",
    "years_since": "It holds for the treated, each year since adoption alike.",
    "treated_places": "It holds for the treated places, every one alike.",
    "near_cutoff": "It holds at the cutoff: of those far from it nothing is said.",
    "years_after": "It holds for the places and years treated, each year since then alike.",
    "compliers": "It holds for those who take it up because of the instrument, every one alike; of all others it says nothing.",
    "switchers": "It holds for places whose treatment changes, in the year of the change, every switch alike.",
    "beginners": "It holds for places that begin, in the year of the beginning: years with many beginners and many beside them count most.",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimand:
    """Whose effect of what, compared how and averaged how.

    Parameters
    ----------
    family : which effect; a code (`FAMILIES`, or one of your own).
    comparison : who is compared with whom; a code (`COMPARISONS`).
    population : whom the average is over; a code ("all", "treated", "movers").
    weighting : how the average counts them; a code (`WEIGHTINGS`). Two estimates that differ in it alone are of one effect.
    weights : the column that the question weighs authority-years by; None where all count alike.
    windows : first and last outcome year of the windows compared, for one row an authority.
    horizon : years that the effect is over, or that the treatment is kept up; None where it is of one year.
    instruments : what moves the treatment, by name.
    scale : "difference" of outcomes, or "at_mean_rate" where it is a ratio put at the mean rate.
    of : what of the outcomes the effect is on, where that is not their average: "median", "lowest quarter"; "" for an average. The answer says it in these
        words, and multiplies nothing to people in a place.
    model : how it is modelled, a few words; no part of equality.
    changes : whether it is made from changes from one year to the next; no part of equality.

    Examples
    --------
    >>> one = Estimand(family="average", comparison="within", population="all", weighting="residual_variance", model="two-way fixed effects")
    >>> other = Estimand(family="average", comparison="within", population="all", weighting="residual_variance", model="first differences", changes=True)
    >>> one == other
    True
    """

    family: str
    comparison: str
    population: str
    weighting: str
    weights: str | None = None
    windows: tuple[tuple[int, int], ...] = ()
    horizon: int | None = None
    instruments: tuple[str, ...] = ()
    scale: str = "difference"
    of: str = ""
    model: str = field(default="", compare=False)
    changes: bool = field(default=False, compare=False)

    def __post_init__(self) -> None:
        for name in ("family", "comparison", "population", "weighting", "scale"):
            value = getattr(self, name)
            if not isinstance(value, str) or not CODE.match(value):
                raise refusal(
                    NotWhatWasWanted,
                    f"Estimand.{name}",
                    "a code of small letters and underscores (within, residual_variance)",
                    repr(value),
                    "write one of its codes",
                )
        for name in ("model", "of"):
            if not isinstance(getattr(self, name), str):
                raise refusal(NotWhatWasWanted, f"Estimand.{name}", "words", repr(getattr(self, name)), "put it in quotes")
        if self.horizon is not None and not is_whole(self.horizon):
            raise refusal(NotWhatWasWanted, "Estimand.horizon", "a whole number of years or None", repr(self.horizon), "write horizon=None for a whole effect")
        object.__setattr__(self, "instruments", tuple(self.instruments))
        object.__setattr__(self, "windows", tuple((int(first), int(last)) for first, last in self.windows))

    @property
    def key(self) -> tuple[Any, ...]:
        """What must be equal for two estimates to be of one effect: all but weighting and model."""
        return (self.family, self.comparison, self.population, self.weights or "", self.windows, self.horizon or 0, self.instruments, self.scale, self.of)

    @property
    def effect(self) -> str:
        """Whose effect of what, in words, without how it is averaged and modelled."""
        years = [f"{first}" if first == last else f"{first}–{last}" for first, last in self.windows]
        known = {
            "instruments": ", ".join(self.instruments) or "instruments",
            "moved": "moves" if len(self.instruments) == 1 else "move",
            "horizon": self.horizon,
            "first": years[0] if years else "the first window",
            "last": years[-1] if years else "the last window",
        }
        family = f"effect on the {self.of}" if self.of else self.family.replace("_", " ")
        said = [FAMILIES.get(self.family, family), POPULATIONS.get(self.population, f"on {self.population.replace('_', ' ')}")]
        compared = COMPARISONS.get(self.comparison, self.comparison.replace("_", " "))
        joint = ", " if compared.startswith(("one row", "history")) else " "
        words = " ".join(filter(None, said)) + joint + compared
        if self.scale != "difference":
            words += " at the mean rate" if self.scale == "at_mean_rate" else f" ({self.scale.replace('_', ' ')})"
        return words.format(**known)

    @property
    def averaged(self) -> str:
        """How the average counts, in words."""
        words = [] if self.family == "association" else [WEIGHTINGS.get(self.weighting, self.weighting.replace("_", " "))]
        return ", ".join([*words, *([] if self.weights is None else [f"each authority-year by its {self.weights}"])])

    @property
    def holds_for(self) -> str:
        """For whom the average holds, as a sentence; "" where its weighting is not known."""
        return "" if self.family == "association" else HOLDS_FOR.get(self.weighting, "")

    @property
    def words(self) -> str:
        """All of it, for print."""
        model = f" ({self.model})" if self.model else ""
        counted = "" if self.family == "association" and self.weights is None else f", {self.averaged}"
        return f"{self.effect}{counted}{model}"

    def __str__(self) -> str:
        return self.words

    def same_effect(self, other: Estimand) -> bool:
        """Whether both are of one effect, however each averages and models it."""
        return self.key == other.key

    @classmethod
    def read(cls, value: Mapping[str, Any] | str) -> Estimand | str:
        """An estimand of a record; records of the schemas 1 and 2 have it in words alone, which stay as they are."""
        if isinstance(value, str):
            return value
        known = {one.name for one in fields(cls)}
        return cls(**{name: one for name, one in value.items() if name in known})


def compared(design: Design) -> str:
    """The comparison of an estimator that takes the design as it is: within authorities, pooled over years, or between places."""
    if "authority" in design.absorb:
        return "within"
    return "between" if design.rows == len(design.authorities) else "pooled"


@dataclass(frozen=True, slots=True, kw_only=True)
class Conditioning:
    """What an estimate conditions on.

    Parameters
    ----------
    authority : whether authorities are compared with themselves, so that what is lasting about them is out of the comparison.
    year : whether what hit all in one year is.
    controls : whether the controls that the graph asks for are; True also where it asks for none.

    Examples
    --------
    >>> Conditioning(authority=False, year=False, controls=False).nothing
    True
    """

    authority: bool
    year: bool
    controls: bool

    def __post_init__(self) -> None:
        for one in fields(self):
            if not isinstance(getattr(self, one.name), bool):
                raise refusal(NotWhatWasWanted, f"Conditioning.{one.name}", "true or false", repr(getattr(self, one.name)), "write True or False")

    @property
    def nothing(self) -> bool:
        """Whether it conditions on nothing at all."""
        return not (self.authority or self.year or self.controls)

    @classmethod
    def by(cls, design: Design, *, authority: bool | None = None, controls: bool = True) -> Conditioning:
        """What the design absorbs and adjusts for; `authority` where the estimator does otherwise.

        Parameters
        ----------
        design : what it absorbs.
        authority : whether authority effects are conditioned on; None: where the design absorbs them.
        controls : whether the design's controls are conditioned on.
        """
        return cls(authority="authority" in design.absorb if authority is None else authority, year="year" in design.absorb, controls=controls)


@dataclass(frozen=True, slots=True, kw_only=True)
class JointTest:
    """The F test of several coefficients at once; both None where there was nothing to test.

    Parameters
    ----------
    f : the statistic.
    p_value : of all coefficients being 0; NaN becomes None.

    Examples
    --------
    >>> JointTest(f=float("nan"), p_value=0.2).f is None
    True
    """

    f: float | None = None
    p_value: float | None = None

    def __post_init__(self) -> None:
        for name in ("f", "p_value"):
            value = getattr(self, name)
            if value is not None and math.isnan(value):
                object.__setattr__(self, name, None)


@dataclass(frozen=True, slots=True, kw_only=True)
class DesignFacts:
    """What is known of who moved, and of the years before; None where the estimator does not count it.

    Parameters
    ----------
    movers : authorities whose treatment moves.
    adopters, never_treated, adoption_years : authorities that take the treatment up, that never do, and in how many years.
    shocks : effective number of shocks that an instrument is made of.
    pre_trend : the estimator's own joint test of the years before the treatment.

    Examples
    --------
    >>> DesignFacts(adopters=12, never_treated=88, adoption_years=3).movers is None
    True
    """

    movers: int | None = None
    adopters: int | None = None
    never_treated: int | None = None
    adoption_years: int | None = None
    shocks: float | None = None
    pre_trend: JointTest | None = None

    def __post_init__(self) -> None:
        for name in ("movers", "adopters", "never_treated", "adoption_years"):
            value = getattr(self, name)
            if value is not None and not is_whole(value, 0):
                raise refusal(NotWhatWasWanted, f"DesignFacts.{name}", "a whole number of at least 0, or None", repr(value), "count it, or leave it None")
        if self.pre_trend is not None and not isinstance(self.pre_trend, JointTest):
            raise refusal(NotWhatWasWanted, "DesignFacts.pre_trend", "a JointTest or None", repr(self.pre_trend), "make a JointTest, or leave it None")


def __getattr__(name: str) -> Any:
    if name == "Held":  # the name that it had; it goes in two minor versions
        warnings.warn("causal.estimand.Held is called causal.estimand.Conditioning now", DeprecationWarning, stacklevel=2)
        return Conditioning
    raise AttributeError(f"module 'causal.estimand' has no attribute {name!r}")
