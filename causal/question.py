"""A causal question, stated in full before any answer: the contrast, whose effect, how large matters."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from typing import Literal, get_args

from causal.errors import ConfigError, refusal
from causal.knobs import are_words, is_number, is_whole, listed, whole_number

MOST_LAG = 50  # years; no panel of places is so long that a later outcome could be compared
Claim = Literal["", "no_important_rise", "no_important_fall", "inside"]
CLAIMS: tuple[Claim, ...] = get_args(Claim)
UNGIVEN = "set by whoever ran this; no reason given"  # in the place of a reason, where a size was changed without one


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What moving `treatment` from `control` to `treated` does to `outcome`, `lag` years later.

    Parameters
    ----------
    treatment, outcome : names of graph nodes and panel columns.
    control, treated : the two levels of the treatment compared, in its own unit.
    smallest_important : the smallest effect that would matter, in the outcome's unit, above 0.
    because : why that size matters; a size without a reason is refused.
    lag : years from treatment to outcome.
    modifiers : columns by whose groups the effect is also given.
    groups : number of equal groups a numeric modifier is cut into (5: fifths).
    target : "ATE" (all authority-years) or "ATT" (those treated).
    places_alike : whether the average asked for counts every authority alike, so that an estimator that counts otherwise answers for others; False leaves
        the weighting to the estimator, which says it.
    weights : column that says how much an authority-year counts ("children": every child alike); None counts all alike.
    level : confidence level of every interval.
    harm : which direction of the outcome is bad; None where nobody has said, and an answer then speaks of rise and fall alone.
    outcome_sd, outcome_autocorrelation : residual standard deviation (outcome unit) and yearly
        autocorrelation of the outcome, for power before results.
    outcome_sd_source : where those two come from, in words.

    Examples
    --------
    >>> asked = {"treatment": "cut", "outcome": "plans", "control": 0, "treated": 0.5}
    >>> question = Question(**asked, smallest_important=1.0, because="a social worker's caseload", harm="increase")
    >>> question.contrast
    0.5
    """

    treatment: str
    outcome: str
    control: float
    treated: float
    smallest_important: float
    because: str
    lag: int = 0
    modifiers: tuple[str, ...] = ()
    groups: int = 5
    target: Literal["ATE", "ATT"] = "ATE"
    places_alike: bool = False
    weights: str | None = None
    level: float = 0.95
    harm: Literal["increase", "decrease"] | None = None
    outcome_sd: float | None = None
    outcome_autocorrelation: float | None = None
    outcome_sd_source: str | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "modifiers", listed("question.modifiers", self.modifiers))
        for key in ("treatment", "outcome", "because"):
            value = getattr(self, key)
            if not isinstance(value, str) or not value.strip():
                raise refusal(ConfigError, f"question.{key}", "words", repr(value), "put it in quotes")
        if not are_words(self.because):
            raise refusal(ConfigError, "question.because", "why that size matters, in words", repr(self.because), "write  question.because='…'")
        if self.treatment == self.outcome:
            raise refusal(
                ConfigError,
                "question",
                "two variables, since an effect needs two",
                f"{self.outcome!r} for both question.treatment and question.outcome",
                "name another for one of them",
            )
        for key in ("control", "treated", "smallest_important", "level"):
            value = getattr(self, key)
            if not is_number(value):
                raise refusal(ConfigError, f"question.{key}", "a finite number", repr(value), f"write  question.{key}=0.5")
        if self.control == self.treated:
            raise refusal(
                ConfigError, "question", "two levels to compare", f"{self.control!r} for both question.control and question.treated", "change one of them"
            )
        if self.smallest_important <= 0:
            raise refusal(
                ConfigError,
                "question.smallest_important",
                "a number above 0 in the outcome's unit",
                repr(self.smallest_important),
                "write the size that would matter, as  question.smallest_important=1.0",
            )
        if not 0.5 <= self.level < 1:
            raise refusal(ConfigError, "question.level", "a number between 0.5 and 1 (0.95 is usual)", repr(self.level), "write  question.level=0.95")
        if not is_whole(self.lag):
            raise refusal(ConfigError, "question.lag", "a whole number of years", repr(self.lag), "write  question.lag=1")
        if self.lag > MOST_LAG:
            raise refusal(ConfigError, "question.lag", f"at most {MOST_LAG} years", repr(self.lag), "write the years from treatment to outcome")
        whole_number("question.groups", self.groups, 2)
        if self.target not in ("ATE", "ATT"):
            raise refusal(ConfigError, "question.target", "'ATE' or 'ATT'", repr(self.target), "write  question.target=ATE")
        if not isinstance(self.places_alike, bool):
            raise refusal(
                ConfigError,
                "question.places_alike",
                "true (the average counts every authority alike) or false",
                repr(self.places_alike),
                "write  question.places_alike=false",
            )
        if self.places_alike and self.weights is not None:
            raise refusal(
                ConfigError,
                "question",
                "one way of counting",
                f"question.places_alike, which counts every authority alike, and question.weights, which counts by {self.weights!r}",
                "take one of them",
            )
        if self.weights is not None and (not isinstance(self.weights, str) or not self.weights.strip()):
            raise refusal(
                ConfigError,
                "question.weights",
                "the name of a column (children), or null to count every authority-year alike",
                repr(self.weights),
                "write  question.weights=null",
            )
        if self.harm not in (None, "increase", "decrease"):
            raise refusal(
                ConfigError,
                "question.harm",
                "'increase' or 'decrease' (the direction of the outcome that is bad), or null",
                repr(self.harm),
                "write  question.harm=increase",
            )
        if self.outcome_sd is not None and not (is_number(self.outcome_sd) and self.outcome_sd > 0 and self.outcome_sd_source):
            raise refusal(
                ConfigError,
                "question.outcome_sd",
                "a number above 0 and question.outcome_sd_source (where it is from)",
                f"{self.outcome_sd!r} and {self.outcome_sd_source!r}",
                "give both or neither",
            )
        if self.outcome_sd_source is not None and not isinstance(self.outcome_sd_source, str):
            raise refusal(ConfigError, "question.outcome_sd_source", "words, or null", repr(self.outcome_sd_source), "say where the number is from")
        if self.outcome_autocorrelation is not None and not (is_number(self.outcome_autocorrelation) and -1 < self.outcome_autocorrelation < 1):
            raise refusal(
                ConfigError,
                "question.outcome_autocorrelation",
                "a number between -1 and 1, or null",
                repr(self.outcome_autocorrelation),
                "give that of the outcome's residuals from year to year",
            )

    @property
    def contrast(self) -> float:
        """Treated minus control, in the treatment's unit."""
        return self.treated - self.control


@dataclass(frozen=True, slots=True, kw_only=True)
class Saying:
    """What somebody has said on the question before, to stand beside the answer.

    Parameters
    ----------
    who : and when ("National Audit Office, January 2019").
    what : one sentence of our own on what they said, with their figure.
    source : title and page, so that a reader can look it up.
    short, brief : the same for a line of a picture: who and on what, and what in a few words; "" where it is not to be drawn.
    effect, lower, upper : what they said of the contrast asked about here, outcome units; None where they gave no number.
    claims : what they said of it where they gave none: that a rise, a fall or either that matters does not fit.

    Examples
    --------
    >>> said = Saying(who="An auditor, 2019", what="Plans did not rise where centres closed.", source="Report, page 7", claims="no_important_rise")
    >>> said.effect is None
    True
    """

    who: str
    what: str
    source: str
    short: str = ""
    brief: str = ""
    effect: float | None = None
    lower: float | None = None
    upper: float | None = None
    claims: Claim = ""

    def __post_init__(self) -> None:
        for key in ("who", "what", "source"):
            value = getattr(self, key)
            if not isinstance(value, str) or not value.strip():
                raise refusal(ConfigError, f"said.{key}", "words", repr(value), "put it in quotes")
        for key in ("effect", "lower", "upper"):
            value = getattr(self, key)
            if value is not None and not is_number(value):
                raise refusal(ConfigError, f"said.{key}", "a number in outcome units, or null", repr(value), "write it in figures")
        if (self.lower is None) != (self.upper is None):
            raise refusal(
                ConfigError, "said.lower and said.upper", "the two ends of one range, or none", f"{self.lower!r} and {self.upper!r}", "give both or neither"
            )
        if self.claims not in CLAIMS:
            raise refusal(ConfigError, "said.claims", f"one of {', '.join(map(repr, CLAIMS))}", repr(self.claims), "write one of them")
        if not isinstance(self.short, str) or not isinstance(self.brief, str):
            raise refusal(ConfigError, "said.short and said.brief", "words", f"{self.short!r} and {self.brief!r}", "put them in quotes")


def sayings(given: object) -> tuple[Saying, ...]:
    """Sayings as they are, or from mappings {who, what, source}.

    Raises
    ------
    ConfigError : something else.
    """
    if isinstance(given, str | Mapping) or not isinstance(given, Iterable):
        raise refusal(ConfigError, "said", "a list of {who, what, source}", repr(given), "write  said: [{who: NAO, what: …, source: …}]")
    made = []
    for one in given:
        if isinstance(one, Saying):
            made.append(one)
        elif isinstance(one, Mapping) and {"who", "what", "source"} <= set(one) <= {known.name for known in fields(Saying)}:
            made.append(Saying(**one))
        else:
            raise refusal(ConfigError, "said", "a list of {who, what, source}", f"{one!r} in it", "write  said: [{who: NAO, what: …, source: …}]")
    return tuple(made)
