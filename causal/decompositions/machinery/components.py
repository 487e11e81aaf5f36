"""Shares of an outcome's variation: of place, of deprivation, of years, and what is left; read in two ways.

**Nested.** Raw, unweighted R² of one regression after another: deprivation alone, then every authority, then every year. Each share is what its step
adds, so what deprivation and authority share goes to deprivation. Chance counts as place here: a mean of a few years' noise differs between authorities.

**Variance components.** The same parts without the noise that is in them. Outcome = year + slope × deprivation + a lasting part of the authority + what
comes and goes, the last with the same autocorrelation ρ in all authorities (a first-order autoregression). With R its correlation matrix over the T years,
c = 1'R⁻¹1 and S the authorities' mean cross-product of what deprivation and years leave, the normal likelihood is greatest at

    σ² = (tr R⁻¹S − 1'R⁻¹SR⁻¹1 / c) / (T − 1),     lasting variance = (1'R⁻¹SR⁻¹1 / c − σ²) / c,

and ρ is where its profile is highest, or held at 0. With ρ = 0 only what differs from one year to the next is chance (the analysis of variance); with ρ
free, what lasts a few years and then goes is taken out of place too, and place is what lasts for good. Six years tell the two apart only where ρ is
moderate: at .7 or more a slow drift and a lasting difference look alike, and intervals say so by their width (Searle, Casella &
McCulloch 1992, *Variance components*, ch. 3 for ρ = 0; Bhargava, Franzini & Narendranathan 1982, Serial correlation and the fixed effects model, for why ρ
cannot be read off within-authority residuals, which lean towards −1/(T − 1)). Local drift looks like persistence, so place is found a little too low
(benchmarks/decompositions.md). A straight trend for every authority takes that away and was left again: in one simulated world of twenty it missed by more than
13 points, since four directions of six years hardly tell place from persistence.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from causal.errors import DataError, refusal
from causal.panel import Panel

Floats = NDArray[np.float64]
SHARES = ("place", "deprivation", "common", "unexplained")
RHO = np.linspace(-0.5, 0.95, 146)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class AuthorityYears:
    """An outcome and a lasting measure in a window.

    Parameters
    ----------
    outcome : shape (authorities, years); NaN where not known.
    measure : shape (authorities,).
    """

    outcome: Floats
    measure: Floats

    @classmethod
    def of(cls, panel: Panel, outcome: str, measure: str, window: Sequence[int]) -> AuthorityYears:
        """From a panel; authorities without the measure, or without any outcome, are left out.

        Parameters
        ----------
        panel : values.
        outcome : its column.
        measure : column of deprivation; its mean over years is taken.
        window : first and last year.

        Raises
        ------
        DataError : fewer than ten authorities are left.
        """
        years = range(window[0], window[1] + 1)
        frame = panel.subset(years=years).frame
        wide = frame[outcome].unstack("year").reindex(columns=list(years))
        lasting = frame[measure].groupby(level="authority").mean().reindex(wide.index)
        keep = (lasting.notna() & wide.notna().any(axis=1)).to_numpy()
        if keep.sum() < 10:
            raise refusal(
                DataError,
                panel.title,
                f"ten authorities for which {outcome} and {measure} are both known in {window[0]} to {window[1]}",
                f"{int(keep.sum())}",
                "choose another window or another measure",
            )
        return cls(outcome=wide.to_numpy(dtype=float)[keep], measure=lasting.to_numpy(dtype=float)[keep])

    @property
    def whole(self) -> AuthorityYears:
        """Authorities known in every year."""
        keep = np.isfinite(self.outcome).all(axis=1)
        return AuthorityYears(outcome=self.outcome[keep], measure=self.measure[keep])

    @property
    def weights(self) -> Floats:
        """Every authority once, shape (1, authorities)."""
        return np.ones((1, len(self.measure)))


def nested_shares(cells: AuthorityYears, weights: Floats) -> Floats:
    """Shares in the order of SHARES, %, for each draw.

    Parameters
    ----------
    cells : outcome by authority and year.
    weights : shape (draws, authorities), how often each authority is drawn; twice counts as two authorities.

    Returns
    -------
    shares : shape (draws, 4).
    """
    known = np.isfinite(cells.outcome)
    y = np.where(known, cells.outcome - np.nanmean(cells.outcome), 0.0)
    x = np.where(known, (cells.measure - cells.measure.mean())[:, None], 0.0)
    rows = known.sum(axis=1)
    mean = y.sum(axis=1) / rows
    # years within authorities: each authority brings cross-products of its centred year dummies
    years = np.eye(y.shape[1])[None] * known[:, :, None] - known[:, :, None] * (known / rows[:, None])[:, None, :]
    left = np.where(known, y - mean[:, None], 0.0)
    sums = weights @ np.column_stack([rows, x.sum(1), (x**2).sum(1), y.sum(1), (x * y).sum(1), (y**2).sum(1), rows * mean**2])
    n, sx, sxx, sy, sxy, syy, between = sums.T
    total = syy - sy**2 / n
    deprivation = (sxy - sx * sy / n) ** 2 / (sxx - sx**2 / n)
    place = between - sy**2 / n
    products = (weights @ np.einsum("nit,niu->ntu", years, years).reshape(len(rows), -1)).reshape(len(weights), *(2 * years.shape[2:]))
    with_outcome = weights @ np.einsum("nit,ni->nt", years, left)
    year = np.einsum("bt,btu,bu->b", with_outcome, np.linalg.pinv(products, rcond=1e-10, hermitian=True), with_outcome)
    return np.asarray(100 * np.column_stack([place - deprivation, deprivation, year, total - place - year]) / total[:, None])


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Components:
    """Variance components of each draw.

    Parameters
    ----------
    variances : shape (draws, 4), in the order of SHARES, the outcome's unit squared.
    slope : shape (draws,), of the outcome on the measure.
    persistence : shape (draws,), ρ.
    """

    variances: Floats
    slope: Floats
    persistence: Floats

    @property
    def shares(self) -> Floats:
        """Shares of their sum, %, shape (draws, 4)."""
        return np.asarray(100 * self.variances / self.variances.sum(axis=1, keepdims=True))


def components(cells: AuthorityYears, weights: Floats, *, persistent: bool = True) -> Components:
    """Variance components for each draw of authorities that are known in every year.

    Parameters
    ----------
    cells : outcome by authority and year, none missing.
    weights : shape (draws, authorities), how often each authority is drawn.
    persistent : False holds ρ at 0.
    """
    y, x = cells.outcome, cells.measure
    n = weights.sum(axis=1)
    return _fit(*_moments(y[None], x, weights), n, persistent=persistent)


def _moments(y: Floats, x: Floats, weights: Floats) -> tuple[Floats, Floats, Floats, Floats]:
    """Weighted moments about their means: of x, of x with each year, of years with years, and the years' means.

    y : shape (1 or draws, authorities, years); weights : shape (1 or draws, authorities).
    """
    n = weights.sum(axis=1)
    far_x = x - x.mean()
    centre = y.mean(axis=(0, 1))
    far_y = y - centre
    if len(y) == 1:
        mean_y = weights @ far_y[0] / n[:, None]
        yy = (weights @ np.einsum("nt,nu->ntu", far_y[0], far_y[0]).reshape(len(x), -1)).reshape(len(weights), *(2 * y.shape[2:]))
        xy = (weights * far_x) @ far_y[0]
    else:
        mean_y = far_y.mean(axis=1)
        yy = far_y.transpose(0, 2, 1) @ far_y
        xy = np.einsum("n,bnt->bt", far_x, far_y)
    mean_x = weights @ far_x / n
    xx = weights @ far_x**2 - n * mean_x**2
    xy = xy - (n * mean_x)[:, None] * mean_y
    yy = yy - n[:, None, None] * mean_y[:, :, None] * mean_y[:, None, :]
    return np.broadcast_to(xx, len(yy)), xy, yy, mean_y + centre


def _fit(xx: Floats, xy: Floats, yy: Floats, means: Floats, n: Floats, *, persistent: bool) -> Components:
    t = yy.shape[1]
    one = np.ones(t)
    slope = xy.mean(axis=1) / xx
    outer = xy[:, :, None] + xy[:, None, :]
    s = (yy - slope[:, None, None] * outer + (slope**2 * xx)[:, None, None]) / (n - 2)[:, None, None]
    grid = RHO if persistent else np.zeros(1)
    profile, noises, lastings, evens = [], [], [], []
    for rho in grid:
        r = rho ** np.abs(np.subtract.outer(np.arange(t), np.arange(t)))
        inverse = np.linalg.inv(r)
        side = inverse @ one
        c = float(one @ side)
        along = np.einsum("t,btu,u->b", side, s, side) / c
        noise = (np.einsum("tu,btu->b", inverse, s) - along) / (t - 1)
        profile.append((t - 1) * np.log(noise) + np.log(along) + np.linalg.slogdet(r)[1])
        noises.append(noise)
        lastings.append((along - noise) / c)
        evens.append(np.full(len(s), r.mean()))
    best = np.argmin(profile, axis=0)
    rows = np.arange(len(s))
    noise, lasting, even = (np.asarray(one)[best, rows] for one in (noises, lastings, evens))
    # what the noise of n authorities and t years adds to the parts that are read off means
    deprivation = slope**2 * xx / n - noise * even / n
    year = means.var(axis=1) - noise * (1 - even) / n
    variances = np.column_stack([np.maximum(lasting, 0) * (n - 2) / n, np.maximum(deprivation, 0), np.maximum(year, 0), noise])
    return Components(variances=variances, slope=slope, persistence=grid[best])


def again(cells: AuthorityYears, draws: int, rng: np.random.Generator, *, persistent: bool = True) -> Components:
    """The same authorities and years with what comes and goes drawn anew: how well their own shares are known.

    Lasting parts are the authorities' means drawn together until their variance is the noise-free one; noise is drawn as an autoregression with the
    persistence found, in each authority on its own scale.

    Parameters
    ----------
    cells : outcome by authority and year, none missing.
    draws : how many.
    rng : draws them.
    persistent : False holds ρ at 0.
    """
    y, x = cells.outcome, cells.measure
    n, t = y.shape
    found = components(cells, cells.weights, persistent=persistent)
    authority, _, _, noise = found.variances[0]
    rho = found.persistence[0]
    r = rho ** np.abs(np.subtract.outer(np.arange(t), np.arange(t)))
    far_x = x - x.mean()
    year = y.mean(axis=0)
    left = y - year - found.slope[0] * far_x[:, None]
    place = left.mean(axis=1)
    within = left - place[:, None]
    # a variance of t − 1 differences varies by chance too, so authorities' own are drawn together until only their true dispersion is left
    own = (within**2).mean(axis=1) / (within**2).mean()
    true = max(0.0, (own.var() - 2 / (t - 1)) / (1 + 2 / (t - 1)))
    scale = np.sqrt(noise * np.maximum(1 + (own - 1) * np.sqrt(true / max(own.var(), 1e-300)), 0.05))
    lasting = place * np.sqrt(authority / max(place.var(), 1e-300))
    drawn = rng.standard_normal((draws, n, t)) @ np.linalg.cholesky(r).T * scale[:, None]
    made = year + (found.slope[0] * far_x + lasting)[:, None] + drawn
    return _fit(*_moments(made, x, np.ones((1, n))), np.full(draws, float(n)), persistent=persistent)


def planted(usual: pd.Series, noise: pd.Series, measure: pd.Series) -> Floats:
    """Shares of a world whose every mean and noise is known, %, in the order of SHARES.

    Parameters
    ----------
    usual : what the outcome would be without chance, by (authority, year).
    noise : the variance of chance, by (authority, year), the outcome's unit squared.
    measure : by authority.
    """
    wide = usual.unstack("year")
    m, x = wide.to_numpy(dtype=float), measure.reindex(wide.index).to_numpy(dtype=float)
    far = x - x.mean()
    place = m.mean(axis=1) - m.mean()
    deprivation = (far @ place) ** 2 / (far @ far) / len(x)
    year = m.mean(axis=0).var()
    drift = m.var() - place.var() - year
    parts = np.array([place.var() - deprivation, deprivation, year, drift + noise.mean()])
    return np.asarray(100 * parts / parts.sum())


def accelerated(found: Floats, drawn: Floats, without: Floats, level: float) -> tuple[Floats, Floats]:
    """Ends of bias-corrected and accelerated bootstrap intervals (Efron 1987, Better bootstrap confidence intervals).

    Parameters
    ----------
    found : shape (k,).
    drawn : shape (draws, k).
    without : shape (authorities, k), each left out in turn.
    level : of confidence.

    Returns
    -------
    lower, upper : shape (k,).
    """
    from scipy.stats import norm

    below = ((drawn < found).sum(axis=0) + 0.5 * (drawn == found).sum(axis=0)) / len(drawn)
    bias = norm.ppf(np.clip(below, 0.5 / len(drawn), 1 - 0.5 / len(drawn)))
    far = without.mean(axis=0) - without
    pull = (far**3).sum(axis=0) / np.maximum(6 * (far**2).sum(axis=0) ** 1.5, 1e-300)
    ends = []
    for z in norm.ppf([(1 - level) / 2, (1 + level) / 2]):
        at = norm.cdf(bias + (bias + z) / (1 - pull * (bias + z)))
        ends.append(np.array([np.quantile(drawn[:, k], at[k]) for k in range(len(found))]))
    return ends[0], ends[1]
