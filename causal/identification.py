"""What a graph says of a question: by which strategy its effect is identified, what is adjusted for, and every valid way beside the chosen one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from causal.graph import Dated

PLACE_AND_TIME = ("authority", "year")
Strategy = Literal["backdoor", "iv", "frontdoor", "discontinuity", "series"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Instrument:
    """A variable that moves the outcome through the treatment alone, given what else is conditioned on."""

    name: str
    given: tuple[str, ...]

    def __post_init__(self) -> None:
        object.__setattr__(self, "name", Dated.read(self.name))
        object.__setattr__(self, "given", tuple(map(Dated.read, self.given)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Cutoff:
    """A running variable and the value at which the treatment jumps."""

    name: str
    at: float

    def __post_init__(self) -> None:
        object.__setattr__(self, "name", Dated.read(self.name))


@dataclass(frozen=True, slots=True, kw_only=True)
class Identification:
    """What the graph allows to be estimated, and at what price.

    Names carry their date relative to the outcome's year: `spending_power[-2]`.

    Parameters
    ----------
    identified : whether the strategy asked for is there among what is measured; for "backdoor", a valid adjustment set.
    strategy : the one that `adjust_for` serves.
    strategies : which of "backdoor", "iv", "frontdoor" and "discontinuity" (an arrow into the treatment jumps at a cutoff) the graph allows.
    adjust_for : the chosen set, sorted.
    chosen_because : the rule that chose it.
    minimal : every valid set none of whose members can be spared.
    valid : all valid sets found, fewest names first.
    exhaustive : False where there were too many candidates to list every set.
    instruments, frontdoor : of the other strategies.
    mediators : variables on a path from treatment to outcome; never adjusted for in a total effect.
    descendants : what the treatment moves, the outcome included.
    by_year : constant causes in the set whose strength changes from year to year.
    unmeasured : nodes without a column, and so not to be had.
    feedback : whether the outcome reaches a later treatment by a directed path.
    forced : what the evaluator adjusted for against or beside the graph.
    sufficient : False where a forced set leaves a back door open or holds fixed what the treatment moves; the
        estimate is then an association.
    cutoffs : running variables at whose cutoff the treatment jumps and nothing else that leads to the outcome does.
    confounded_mediators : of the mediators, those whose own effect on the outcome stays confounded with the treatment and the set held fixed.
    blocked_by : where not identified, what would have to be measured.
    assumptions, warnings : sentences.
    lot : how the treatment (or the instrument that the strategy rests on) was decided by lot, in the graph's words; "" where it was not.
    spared : of the preferred set, the causes that change in time and that it can do without beside place and time; an estimator that knows covariates by their
        value in one year leaves them out, and `adjust_for` is without them if it was found for such a one.

    Examples
    --------
    >>> from causal.identify import identify
    >>> from causal.testing.worlds import GRAPH, QUESTION
    >>> found = identify(QUESTION, GRAPH, measured=["deprivation", "poverty", "cut", "plans"])
    >>> found.identified, found.adjust_for
    (True, ('authority', 'deprivation', 'poverty', 'year'))
    >>> identify(QUESTION, GRAPH, measured=["deprivation", "cut", "plans"]).identified
    False
    """

    identified: bool
    strategies: tuple[str, ...]
    adjust_for: tuple[str, ...]
    chosen_because: str
    minimal: tuple[tuple[str, ...], ...]
    valid: tuple[tuple[str, ...], ...]
    exhaustive: bool
    instruments: tuple[Instrument, ...]
    frontdoor: tuple[str, ...]
    mediators: tuple[str, ...]
    descendants: tuple[str, ...]
    by_year: tuple[str, ...]
    unmeasured: tuple[str, ...]
    feedback: bool
    forced: tuple[str, ...]
    blocked_by: tuple[str, ...]
    assumptions: tuple[str, ...]
    warnings: tuple[str, ...]
    sufficient: bool = True
    strategy: Strategy = "backdoor"
    confounded_mediators: tuple[str, ...] = ()
    cutoffs: tuple[Cutoff, ...] = ()
    lot: str = ""
    spared: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        # DoWhy, a protocol and a notebook give names in writing
        for key in ("adjust_for", "frontdoor", "forced", "by_year", "spared"):
            object.__setattr__(self, key, tuple(map(Dated.read, getattr(self, key))))
        for key in ("minimal", "valid"):
            object.__setattr__(self, key, tuple(tuple(map(Dated.read, one)) for one in getattr(self, key)))
