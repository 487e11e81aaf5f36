"""What a design can detect, before its data are in: the exact error of its comparison under a stated law of the outcome.

The outcome of people in places and years is y = lasting level of the place + year + the place's own shocks, with autocorrelation ρ from year to year, + the
person. A comparison is a least-squares coefficient, and its variance is (d̃′Σd̃)/(d̃′d̃)², with d̃ the treatment once what is held fixed is taken out and Σ
the shocks of a place (Frison & Pocock 1992, Repeated measures in clinical trials; Burlig, Preonas & Woerman 2020, Panel data and experimental design); for two
arms drawn by place it is the design effect 1 + (m − 1)·ICC (Donner & Klar 2000, Design and Analysis of Cluster Randomization Trials); a stepped wedge is
Hussey & Hughes 2007 with places held fixed; at a cutoff a straight line on each side costs a factor of four where the running variable is uniform (Schochet
2009, Statistical power for regression discontinuity designs in education evaluations). Power is that of a t test whose noncentrality is effect over error.
"""

from __future__ import annotations

import numpy as np

from causal.arrays import Floats

LOCAL_LINES = 4.0  # 1 / (1 − 3/4): a uniform running variable tells three quarters of which side of the cutoff a place is on


def wave(places: int, years: int, starts: Floats) -> Floats:
    """Treatments of places that take it up in the years `starts` (`years` and later: never) and keep it; shape (places, years).

    Parameters
    ----------
    places, years : how many.
    starts : shape (places,), first treated year, counted from 0.
    """
    return np.asarray(np.arange(years) >= np.asarray(starts)[:places, None], dtype=float)


def shocks(years: int, variance: float, autocorrelation: float, noise: float) -> Floats:
    """Covariance of a place's years: shocks that decay, and noise of each year's people; shape (years, years).

    Parameters
    ----------
    years : how many.
    variance : of a place's own shocks of one year.
    autocorrelation : of these from one year to the next.
    noise : variance of a year's mean of people.
    """
    apart = np.abs(np.subtract.outer(np.arange(years), np.arange(years)))
    return np.asarray(variance * autocorrelation**apart + noise * np.eye(years))


def two_way_error(treatment: Floats, covariance: Floats) -> float:
    """Standard error of the coefficient of two-way fixed effects, by places.

    Parameters
    ----------
    treatment : shape (places, years).
    covariance : of a place's years, shape (years, years).
    """
    left = treatment - treatment.mean(axis=1, keepdims=True)
    left = left - left.mean(axis=0, keepdims=True)
    bread = float((left**2).sum())
    meat = float(np.einsum("it,ts,is->", left, covariance, left))
    return float(np.sqrt(meat)) / bread if bread > 0 else np.inf


def arms_error(variance: float, treated: int, free: int) -> float:
    """Standard error of a difference between the means of two arms of places, in the outcome's unit; infinite where an arm is empty.

    Parameters
    ----------
    variance : of a place's mean.
    treated, free : places in each arm.
    """
    return float(np.sqrt(variance * (1 / treated + 1 / free))) if min(treated, free) > 0 else np.inf


def cutoff_error(variance: float, places: float, share: float) -> float:
    """Standard error of the jump at a cutoff with a straight line on each side.

    Parameters
    ----------
    variance : of a place's mean.
    places : within the bandwidth.
    share : of these above the cutoff.
    """
    return float(np.sqrt(LOCAL_LINES * variance / (places * share * (1 - share)))) if places > 0 else np.inf


def power(effect: float, error: float, df: float, level: float) -> float:
    """Probability that the two-sided t test finds an effect.

    Parameters
    ----------
    effect, error : in one unit.
    df : degrees of freedom.
    level : of the interval (0.95).
    """
    from scipy import special

    if not np.isfinite(error):
        return 1 - level
    away = abs(effect) / error
    critical = float(special.stdtrit(df, 0.5 + level / 2))
    return float(1 - special.nctdtr(df, away, critical) + special.nctdtr(df, away, -critical))
