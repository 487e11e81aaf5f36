"""Funnels: how far each authority lies from what is expected of its peers, with the limits of chance and of the usual spread (no league table).

Spiegelhalter 2005, Funnel plots for comparing institutional performance: limits are exact quantiles of the count, interpolated, so that a given share of
places lies beyond them where all are alike. Places are never all alike, so the usual spread between them is put into the limits (Spiegelhalter 2005,
Handling over-dispersion of performance indicators): z-scores are winsorised at a tenth, and if they are wider than chance a variance between places, by
DerSimonian & Laird 1986, is added. Their mean square is divided by what winsorising leaves of a normal law (.69): without that, limits held fewer places
than they said.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from causal.arrays import Floats

WIDE = 0.998  # of places like these lie within the limits
WINSORISED = 0.1
Bools = np.ndarray[Any, np.dtype[np.bool_]]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Funnel:
    """Places beside what is expected of them.

    Parameters
    ----------
    ratio : shape (places,), observed ÷ expected.
    size : shape (places,), how much each rests on: the width of the funnel there.
    lower, upper : shape (places,), limits that 99.8 % of places like these lie within, the usual spread counted.
    chance_lower, chance_upper : the same from chance alone; NaN where no law of chance is known.
    z : shape (places,), how many standard deviations off, the usual spread counted.
    spread : between places, as a share of what is expected (standard deviation); `dispersion` the mean square of winsorised z-scores of chance alone.
    """

    ratio: Floats
    size: Floats
    lower: Floats
    upper: Floats
    chance_lower: Floats
    chance_upper: Floats
    z: Floats
    spread: float
    dispersion: float

    @property
    def high(self) -> Bools:
        """Shape (places,), beyond the upper limit."""
        return np.asarray(self.ratio > self.upper)

    @property
    def low(self) -> Bools:
        """Shape (places,), beyond the lower limit."""
        return np.asarray(self.ratio < self.lower)


def exact_limits(distribution: Any, share: float, *, most: Floats | None = None) -> tuple[Floats, Floats]:
    """Limits of a count that hold a share of places: quantiles of a scipy distribution, interpolated between whole numbers."""
    ends = []
    for p in (0.5 - share / 2, 0.5 + share / 2):
        at = np.maximum(distribution.ppf(p), 0.0)
        over = distribution.cdf(at)
        mass = np.maximum(distribution.pmf(at), 1e-300)
        ends.append(np.clip(at - np.clip((over - p) / mass, 0.0, 1.0), 0.0, np.inf if most is None else most))
    return np.asarray(ends[0]), np.asarray(ends[1])


def of_counts(observed: Floats, expected: Floats) -> Funnel:
    """A funnel of counts beside expected counts, with exact Poisson limits.

    Parameters
    ----------
    observed : shape (places,).
    expected : shape (places,), above 0.
    """
    from scipy import stats

    lower, upper = exact_limits(stats.poisson(expected), WIDE)
    z = 2 * (np.sqrt(observed) - np.sqrt(expected))
    return _widened(observed / expected, expected, 1 / np.sqrt(expected), z, lower / expected, upper / expected)


def of_shares(good: Floats, number: Floats, expected: Floats) -> Funnel:
    """A funnel of how many of a number are good, beside the expected share, with exact binomial limits; the ratio is of good ones to those expected.

    Parameters
    ----------
    good, number : shape (places,).
    expected : shape (places,), between 0 and 1.
    """
    from scipy import stats

    lower, upper = exact_limits(stats.binom(number, expected), WIDE, most=number)
    z = 2 * np.sqrt(number) * (np.arcsin(np.sqrt(good / number)) - np.arcsin(np.sqrt(expected)))
    error = np.sqrt((1 - expected) / (number * expected))
    return _widened(good / number / expected, number, error, z, lower / number / expected, upper / number / expected)


def of_amounts(observed: Floats, expected: Floats, size: Floats) -> Funnel:
    """Amounts of money beside those expected, shape (places,): no law of chance is known, so limits are the peers' own spread, wider where places are small.

    Parameters
    ----------
    observed, expected : shape (places,), money, above 0.
    size : shape (places,), people.
    """
    from scipy import stats
    from scipy.optimize import nnls

    off = np.log(observed / expected)
    kept = _winsorised(off)
    # what varies between places alike, and what shrinks with size
    columns = np.column_stack([np.ones(len(off)), np.median(size) / size])
    parts, _ = nnls(columns, (kept - kept.mean()) ** 2)
    # winsorising a tenth of a normal law at each end leaves .69 of its variance
    error = np.sqrt(np.maximum(columns @ parts, 1e-12) / _kept_variance())
    reach = float(stats.norm.ppf(0.5 + WIDE / 2))
    nothing = np.full(len(off), np.nan)
    return Funnel(
        ratio=observed / expected,
        size=size,
        lower=np.exp(-reach * error),
        upper=np.exp(reach * error),
        chance_lower=nothing,
        chance_upper=nothing,
        z=off / error,
        spread=float(np.sqrt(np.mean(error**2))),
        dispersion=float("nan"),
    )


def _widened(ratio: Floats, size: Floats, error: Floats, z: Floats, lower: Floats, upper: Floats) -> Funnel:
    """Limits of chance, made wider by the spread between places where there is one; errors are those of the log ratio."""
    places = len(ratio)
    kept = _winsorised(z)
    dispersion = float((kept**2).mean()) / _kept_variance()
    weight = 1 / error**2
    between = 0.0
    if dispersion > 1 + 2 * np.sqrt(2 / places):
        between = max(0.0, (places * dispersion - (places - 1)) / (weight.sum() - (weight**2).sum() / weight.sum()))
    whole = np.sqrt(error**2 + between)
    # the exact limit is stretched in the log ratio by as much as the spread adds to the error; a lower limit of nothing stays nothing
    stretch = whole / error
    with np.errstate(divide="ignore"):
        low = np.where(lower > 0, np.exp(np.log(np.maximum(lower, 1e-300)) * stretch), 0.0)
    high = np.exp(np.log(np.maximum(upper, 1.0)) * stretch)
    return Funnel(
        ratio=ratio,
        size=size,
        lower=low,
        upper=high,
        chance_lower=lower,
        chance_upper=upper,
        z=z / stretch,
        spread=float(np.sqrt(between)),
        dispersion=dispersion,
    )


def _winsorised(values: Floats) -> Floats:
    return np.asarray(np.clip(values, *np.quantile(values, [WINSORISED, 1 - WINSORISED])))


def _kept_variance() -> float:
    """The variance of a standard normal law whose outer tenths are drawn in."""
    from scipy import stats

    end = float(stats.norm.ppf(1 - WINSORISED))
    inside = 1 - 2 * WINSORISED
    return inside - 2 * end * float(stats.norm.pdf(end)) + 2 * WINSORISED * end**2
