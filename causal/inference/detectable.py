"""The minimum detectable effect: the true effect that four of five studies with this error find.

Bloom 1995, Minimum detectable effects: a simple way to report the statistical power of experimental designs. Both quantiles are of the law that
the estimate is judged by: a t with few degrees of freedom is as wide on the side of power as on that of the level.
"""

from __future__ import annotations

POWER = 0.8


def minimum_detectable(std_error: float, df: float | None, level: float, *, power: float = POWER) -> float:
    """(quantile of (1 + level)/2 + quantile of power) × error.

    Parameters
    ----------
    std_error : in the unit that the answer is wanted in.
    df : degrees of freedom of t; None: normal.
    level : of the interval that must leave out 0 (0.95 for a two-sided test at 5 %).
    power : share of studies that find it.
    """
    return (quantile(0.5 + level / 2, df) + quantile(power, df)) * std_error


def quantile(at: float, df: float | None) -> float:
    """Of t with `df` degrees of freedom, or of the normal law where it is None.

    Parameters
    ----------
    at : the probability below.
    df : None: normal.
    """
    # not scipy.stats: its laws take milliseconds to set up
    from scipy import special

    return float(special.ndtri(at) if df is None else special.stdtrit(df, at))
