"""What a study of this very panel and design can see: the detectable effect, the power curve, and tests of equivalence.

All three take the estimate's own standard error for that of the design, and none of them reads the estimate's size but the last. The
detectable effect is Bloom's (1995, Minimum detectable effects: a simple way to report the statistical power of experimental designs). The power
curve gives, for a true effect, the probability of each row of the verdict's table; it is no power
"observed after the fact", since the true effects are fixed beforehand. The two one-sided tests are Schuirmann's (1987, A comparison of
the two one-sided tests procedure and the power approach for assessing the equivalence of average bioavailability), read as Lakens does
(2017, Equivalence tests: a practical primer); they stand beside the verdict and change no word of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from causal.arrays import Floats
from causal.design import Design
from causal.estimate import Estimate
from causal.inference.clustered import FEW_CLUSTERS, effective_clusters
from causal.inference.detectable import POWER, minimum_detectable, quantile
from causal.verdict.rule import ROWS, row_of

STEPS = (0.0, 0.5, 1.0, 1.5, 2.0, 3.0, 4.0)  # true effects of the curve, in smallest important effects, and their mirrors
ERRORS = 200  # standard errors that a study might have drawn, over which the curve is averaged


@dataclass(frozen=True, slots=True, kw_only=True)
class Equivalence:
    """Two one-sided tests against the smallest important effect; each small where the data speak against it.

    Parameters
    ----------
    p_above : p-value against an effect of −δ or less (small: the effect is above −δ).
    p_below : p-value against an effect of δ or more (small: the effect is below δ).
    p_value : the larger of the two, for both at once.
    """

    p_above: float
    p_below: float
    p_value: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Power:
    """What would be said if the true effect were this one.

    Parameters
    ----------
    effect : the true effect, outcome units.
    found : probability that the interval leaves out 0.
    rows : row of the verdict's table → its probability; they add to 1.
    """

    effect: float
    found: float
    rows: Mapping[str, float]


def _below(x: float, df: float | None) -> float:
    """Probability of a smaller t value, or of a smaller normal one where `df` is None."""
    from scipy import special

    return float(special.ndtr(x) if df is None else special.stdtr(df, x))


def half_width(estimate: Estimate) -> float | None:
    """The interval's half-width in standard errors; None where either is not known.

    For a t interval this is the t quantile; for one got otherwise (a wild bootstrap, an Anderson–Rubin set) half of its length stands for it.
    """
    if estimate.lower is None or estimate.upper is None or not estimate.std_error or not np.isfinite([estimate.lower, estimate.upper]).all():
        return None
    return (estimate.upper - estimate.lower) / 2 / estimate.std_error


def detectable(estimate: Estimate) -> float | None:
    """The true effect whose interval leaves out 0 in four of five studies with this error, outcome units (Bloom 1995)."""
    reach = half_width(estimate)
    if reach is None or not estimate.std_error:
        return None
    return (reach + quantile(POWER, estimate.df)) * estimate.std_error


def equivalence(estimate: Estimate, smallest: float) -> Equivalence | None:
    """Schuirmann's two one-sided tests (1987) with the estimate's error and degrees of freedom; None where it has no error.

    Parameters
    ----------
    estimate : the effect and its error.
    smallest : δ, outcome units, above 0.
    """
    if not estimate.std_error:
        return None
    above = _below(-(estimate.effect + smallest) / estimate.std_error, estimate.df)
    below = _below((estimate.effect - smallest) / estimate.std_error, estimate.df)
    return Equivalence(p_above=above, p_below=below, p_value=max(above, below))


def power_curve(estimate: Estimate, smallest: float) -> tuple[Power, ...]:
    """Probability of each headline for true effects from −4 δ to 4 δ; empty where no valid interval is known.

    The estimate is normal about the true effect, and the squared error of a study χ² with the estimate's degrees of freedom about
    its own. Given a study's error the headline changes only where an end of the interval meets −δ, 0 or δ, so that each
    probability is a difference of normal ones, averaged over errors at equal steps of their distribution.

    Parameters
    ----------
    estimate : its error, degrees of freedom and interval; its effect plays no part.
    smallest : δ, outcome units, above 0.
    """
    reach = half_width(estimate)
    if reach is None or not estimate.std_error:
        return ()
    from scipy import special

    error = estimate.std_error
    shares = (np.arange(ERRORS) + 0.5) / ERRORS
    drawn = error * (np.ones(1) if estimate.df is None else np.sqrt(special.chdtri(estimate.df, shares) / estimate.df))
    half = reach * drawn
    # estimates at which an end of the interval meets a bound, sorted; shape (errors, 6)
    edges = np.sort(np.concatenate([bound + sign * half[:, None] for bound in (-smallest, 0.0, smallest) for sign in (-1, 1)], axis=1), axis=1)
    inside = np.concatenate([edges[:, :1] - smallest, (edges[:, 1:] + edges[:, :-1]) / 2, edges[:, -1:] + smallest], axis=1)
    rows = np.array([[_row(e, h, smallest) for e in estimates] for estimates, h in zip(inside.tolist(), half.tolist(), strict=True)])
    curve = []
    for effect in (*(-step * smallest for step in STEPS[:0:-1]), *(step * smallest for step in STEPS)):
        below = special.ndtr((edges - effect) / error)
        mass: Floats = np.diff(below, axis=1, prepend=0.0, append=1.0) / len(drawn)
        left = (special.ndtr((-half - effect) / error) + special.ndtr((effect - half) / error)).mean()
        curve.append(Power(effect=effect, found=float(left), rows={name: float(mass[rows == i].sum()) for i, name in enumerate(ROWS)}))
    return tuple(curve)


def _row(effect: float, half: float, smallest: float) -> int:
    """Where the row of an interval stands in `ROWS`."""
    row = row_of(effect - half, effect + half, smallest)
    assert row is not None  # its ends are finite
    return ROWS.index(row)


def before_results(design: Design, autocorrelation: float) -> float:
    """The smallest true effect found in four of five studies of this design, per unit of the outcome's residual standard deviation; reads no outcome.

    The design's own rows and its treatment, less all that is conditioned on, stand; shocks are taken as alike in size and as a first-order autoregression
    over the years within an authority (Bloom 1995; Burlig, Preonas & Woerman 2020, Panel data and experimental design). Degrees of
    freedom are those of the effective clusters where these are few.

    Parameters
    ----------
    design : rows and treatment; its outcome is not read.
    autocorrelation : of an authority's shocks from one year to the next, above −1 and below 1.
    """
    treatment = design.partial_out(design.treatment[:, None])[:, 0]
    size = float(treatment @ treatment)
    years = np.arange(design.year.min(), design.year.max() + 1)
    table = np.zeros((len(design.authorities), len(years)))  # 0 where a year is not seen
    table[design.authority, design.year - years[0]] = treatment
    variance = float((table @ autocorrelation ** np.abs(years[:, None] - years) * table).sum())
    number = len(design.clusters)
    effective, _ = effective_clusters(treatment, design.cluster, number)
    df = number - 1 if effective >= FEW_CLUSTERS else max(effective - 1, 1.0)
    return minimum_detectable(float(np.sqrt(variance)) / size * abs(design.question.contrast), df, design.question.level)
