"""Who was treated first when: the adoption that staggered designs compare.

A binary treatment is taken as it is, a dose where it reaches the question's `treated` level ("closed more than half"). Years are the
outcome's: with a lag, an authority's first year is the first whose outcome an already begun treatment could have moved.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from causal.arrays import Floats, Ints
from causal.design import Design
from causal.errors import DesignError, refusal
from causal.words import count

NEVER = 0  # the first year of an authority that is never treated, as the literature's software writes it


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Cohorts:
    """The first treated year of every authority.

    Parameters
    ----------
    first : shape (authorities,), first treated outcome year; `NEVER` (0) for the never-treated.
    always : shape (authorities,), treated in every year seen, so that nobody knows since when.
    on : shape (rows,), whether the row is treated.
    sign : +1, or −1 where authorities move from the question's `treated` level to its `control` level; the effect of adopting times
        `sign` is the effect of the question's contrast.
    cut : whether the treatment has other values than the question's two levels, and was cut at one of them.
    words : how adoption was told, a sentence.
    """

    first: Ints
    always: np.ndarray[tuple[int], np.dtype[np.bool_]]
    on: np.ndarray[tuple[int], np.dtype[np.bool_]]
    sign: int
    cut: bool
    words: str

    @property
    def never(self) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
        """Shape (authorities,), True for those never treated."""
        return np.asarray(self.first == NEVER)

    @property
    def years(self) -> tuple[int, ...]:
        """First years in which some authority seen untreated before became treated, sorted."""
        return tuple(int(year) for year in np.unique(self.first[~self.never & ~self.always]))

    @property
    def last(self) -> int:
        """The last such year: those treated then serve for comparison where nobody is never treated.

        Raises
        ------
        DesignError : nobody became treated.
        """
        if not self.years:
            raise refusal(
                DesignError,
                "the cohorts",
                "a last one, of authorities seen untreated that became treated",
                "none",
                "give earlier years, in which some were not treated yet",
            )
        return self.years[-1]

    def since(self, design: Design) -> Floats:
        """Years since adoption, shape (rows,): 0 in the first treated year, negative before, NaN for the never- and always-treated."""
        known = ~self.never & ~self.always
        return np.where(known[design.authority], design.year - self.first[design.authority], np.nan)


def cohorts(design: Design) -> Cohorts:
    """The adoption in a design's treatment.

    Raises
    ------
    DesignError : the treatment is given up again, or nobody ever takes it up.
    """
    question = design.question
    share = (design.treatment - question.control) / question.contrast
    # which of the two levels authorities move to: the one that, once reached, is kept
    ways = [(share >= 1 - 1e-9, 1), (share <= 1e-9, -1)]
    kept = [(on, sign) for on, sign in ways if _kept(on, design.authority) and _begins(on, design.authority)]
    if not kept:
        back = _returns(ways[0][0], design.authority)
        if not ways[0][0].any():
            raise refusal(
                DesignError,
                f"{question.treatment}",
                f"authorities that reach {question.treated:g} and stay there",
                f"none that ever reaches it (largest share of the way: {share.max():.0%})",
                "choose another level with  question.treated=…",
            )
        raise refusal(
            DesignError,
            f"{question.treatment}",
            f"authorities that reach {question.treated:g} and stay there",
            f"{count(back, 'authority that goes', 'authorities that go')} back" if back else "none that takes it up while seen",
            "take an estimator for treatments that come and go, such as estimator=fixed_effects",
        )
    on, sign = kept[0]
    number = len(design.authorities)
    first = np.full(number, NEVER, dtype=np.int64)
    at = np.flatnonzero(on)[::-1]
    first[design.authority[at]] = design.year[at]
    off = np.zeros(number, dtype=bool)
    off[design.authority[~on]] = True
    cut = not np.array_equal(np.unique(design.treatment), sorted((question.control, question.treated)))
    level = question.treated if sign > 0 else question.control
    words = f"Treated: {design.treatment_variable.label} {'has reached' if cut else 'is'} {level:g}."
    return Cohorts(first=first, always=~off, on=on, sign=sign, cut=cut, words=words)


def _kept(on: np.ndarray[tuple[int], np.dtype[np.bool_]], authority: Ints) -> bool:
    return _returns(on, authority) == 0


def _begins(on: np.ndarray[tuple[int], np.dtype[np.bool_]], authority: Ints) -> bool:
    return bool(((np.diff(authority) == 0) & on[1:] & ~on[:-1]).any())


def _returns(on: np.ndarray[tuple[int], np.dtype[np.bool_]], authority: Ints) -> int:
    return len(np.unique(authority[1:][(np.diff(authority) == 0) & ~on[1:] & on[:-1]]))
