"""Keeping people from being recognised in what is published: small numbers of people are left out, the others rounded.

Only what is written is touched, and only once everything is estimated: leaving out small cells before would move the estimate. A number that could be found
again from the others of its table goes too (secondary suppression; Hundepool and others 2012, Statistical Disclosure Control, ch. 4).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from causal.errors import ConfigError, refusal, suggest
from causal.knobs import whole_number


@dataclass(frozen=True, slots=True, kw_only=True)
class Disclosure:
    """From how many people on a number is shown, and what it is rounded to.

    Parameters
    ----------
    least : fewer people than this are not shown; 0 shows all.
    round : numbers of people are rounded to this; 1 rounds nothing.

    Examples
    --------
    >>> rule = Disclosure(least=10, round=5)
    >>> rule.shown(1203), rule.shown(9)
    (1205, None)
    """

    least: int = 10
    round: int = 5

    def __post_init__(self) -> None:
        whole_number("report.disclosure.least", self.least, 0)
        whole_number("report.disclosure.round", self.round, 1)

    def hides(self, people: float) -> bool:
        """Whether so many people are too few to be shown; nobody at all is no person who could be recognised."""
        return 0 < people < self.least

    def shown(self, people: float) -> int | None:
        """The number as it is shown: rounded, or None where it is too small."""
        if self.hides(people):
            return None
        return max(self.round * int(people / self.round + 0.5), self.round if people > 0 else 0)  # somebody is never nobody

    def hidden(self, people: Mapping[str, float]) -> set[str]:
        """Of the parts of a whole that is shown, those that are not: the small ones, and where one alone would be, the next smallest too.

        Parameters
        ----------
        people : name of each part → people in it.
        """
        small = {name for name, number in people.items() if self.hides(number)}
        others = sorted((number, name) for name, number in people.items() if name not in small and number > 0)
        return small | {others[0][1]} if len(small) == 1 and others else small


@dataclass(frozen=True, slots=True, kw_only=True)
class Reporting:
    """How results are written.

    Parameters
    ----------
    disclosure : a `Disclosure`, or its keys; None: {least: 10, round: 5} where the source is rows of people, and none for published statistics; False: none.

    Raises
    ------
    ConfigError : a key that there is not.
    """

    disclosure: Disclosure | Mapping[str, Any] | bool | None = None

    def __post_init__(self) -> None:
        given = self.disclosure
        if given is True:
            object.__setattr__(self, "disclosure", Disclosure())
        elif isinstance(given, Mapping):
            if unknown := [key for key in given if key not in ("least", "round")]:
                raise refusal(ConfigError, "report.disclosure", "least and round", repr(unknown[0]), suggest(str(unknown[0]), ("least", "round")))
            object.__setattr__(self, "disclosure", Disclosure(**given))
        elif given is not None and given is not False and not isinstance(given, Disclosure):
            raise refusal(
                ConfigError, "report.disclosure", "{least: 10, round: 5}, false or null", repr(given), "write  report.disclosure={least: 10, round: 5}"
            )

    def of(self, people: bool) -> Disclosure | None:
        """What is to be kept to; None: everything is shown.

        Parameters
        ----------
        people : whether the source is rows of people.
        """
        if isinstance(self.disclosure, Disclosure):
            return self.disclosure
        return Disclosure() if people and self.disclosure is None else None
