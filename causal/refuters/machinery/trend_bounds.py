"""Robust intervals for an event study whose trends need not be parallel (Rambachan & Roth 2023, A more credible approach to parallel trends).

Symbols follow the paper: δ is the difference in trends, 0 in the last year before the move.

relative magnitudes
    no yearly change of δ after the move is larger than M̄ times the largest one before it, Δ^RM(M̄). The interval holds the effects that the
    conditional test with a least favourable first stage (Andrews, Roth & Pakes 2023, Inference for linear conditional moment inequalities)
    does not reject for some place and sign of the largest change. Its linear programme is small, so the corners of its dual are listed once
    and every effect is tested by products with them.
smoothness
    the slope of δ changes by no more than M from one year to the next, Δ^SD(M). The interval is the shortest of fixed length about an affine
    estimator (Armstrong & Kolesár 2018, Optimal inference in a class of regression models). Its worst-case bias is a sum of absolute values,
    so that all candidates lie on one lasso path, which is walked once for every M.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from causal.arrays import Floats

MOST = 20.0  # a breakdown value beyond this is told as "more than"
Mask = np.ndarray[tuple[int, ...], np.dtype[np.bool_]]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Bounds:
    """Robust intervals about one event study.

    Parameters
    ----------
    beta, sigma : shape (before + after,), (…, …); coefficients and their covariance, farthest year before first, the last year before left out (0).
    before : how many of them come before.
    weights : shape (after,), the effect is their product with the coefficients after.
    level : of the intervals.
    noise : shape (draws, before + after), standard normal, for the least favourable critical value.
    """

    beta: Floats
    sigma: Floats
    before: int
    weights: Floats
    level: float
    noise: Floats

    @property
    def effect(self) -> float:
        """The effect under parallel trends."""
        return float(self.weights @ self.beta[self.before :])

    @property
    def std_error(self) -> float:
        """Its standard error."""
        return float(np.sqrt(self.weights @ self.sigma[self.before :, self.before :] @ self.weights))

    def not_rejected(self, effects: Floats, m: float) -> Mask:
        """Whether each effect is left standing when changes after are at most `m` times the largest before; shape as `effects`.

        Parameters
        ----------
        effects : shape (k,), outcome units.
        m : relative magnitude, 0 or more (Rambachan & Roth 2023, A more credible approach to parallel trends).
        """
        standing = np.zeros(len(effects), dtype=bool)
        after = len(self.weights)
        steps = np.diff(np.insert(np.eye(self.before + after), self.before, 0.0, axis=0), axis=0)
        turn = np.linalg.inv(_first_row(self.weights))
        root = _root(self.sigma)
        alpha, kappa = 1 - self.level, (1 - self.level) / 10
        for at in range(self.before):
            for sign in (1.0, -1.0):
                largest = m * sign * steps[at]
                rows = np.vstack([steps[self.before :] - largest, -steps[self.before :] - largest])
                own = rows @ self.sigma @ rows.T
                deviation = np.sqrt(np.diag(own))
                moved = rows[:, self.before :] @ turn
                vertices = _vertices(moved[:, 1:], deviation)
                if not len(vertices):
                    return np.ones(len(effects), dtype=bool)  # nothing that could reject
                first_stage = float(np.quantile((self.noise @ (vertices @ rows @ root).T).max(axis=1), 1 - kappa))
                values = vertices @ (rows @ self.beta)[:, None] - (vertices @ moved[:, :1]) * effects
                standing |= ~_rejected(values, vertices @ own @ vertices.T, first_stage, (alpha - kappa) / (1 - kappa))
        return standing

    def relative(self, m: float) -> tuple[float, float]:
        """The robust interval under Δ^RM(m)."""
        span_after = float(np.abs(self.weights) @ np.arange(1, len(self.weights) + 1))
        steps = np.abs(np.diff(np.append(self.beta[: self.before], 0.0))).max() + 4 * np.sqrt(np.diag(self.sigma).max()) * 2
        reach = 8 * self.std_error + m * steps * span_after
        grid = np.linspace(self.effect - reach, self.effect + reach, 401)
        inside = np.flatnonzero(self.not_rejected(grid, m))
        if not len(inside):
            return self.effect, self.effect
        ends = []
        for last, way in ((inside[0], -1), (inside[-1], 1)):
            if not 0 <= last + way < len(grid):
                return -np.inf, np.inf
            finer = np.linspace(grid[last], grid[last + way], 101)
            ends.append(float(finer[np.flatnonzero(self.not_rejected(finer, m))[-1]]))
        return ends[0], ends[1]

    def smooth(self, many: Sequence[float]) -> list[tuple[float, float]]:
        """The fixed-length intervals under Δ^SD(M), one for each M."""
        values, biases, loads = self._affine()
        found = []
        for m in many:
            # half-lengths are convex between two corners of the path: the best of a grid, and twice a finer one about it
            at, step = np.linspace(0.0, len(values) - 1.0, 24 * (len(values) - 1) + 1), 1 / 24
            for _ in range(3):
                value, bias, deviation = _between(at, values, biases, loads)
                half = _folded(m * bias / deviation, self.level) * deviation
                best = int(half.argmin())
                centre = float(at[best])
                shortest = float(value[best]), float(half[best])
                at = np.clip(np.linspace(centre - step, centre + step, 49), 0.0, len(values) - 1.0)
                step /= 24
            found.append((shortest[0] - shortest[1], shortest[0] + shortest[1]))
        return found

    def _affine(self) -> tuple[Floats, Floats, Floats]:
        """Corners of the path of affine estimators from the least biased to the least variable: value, bias for M = 1, and load on unit noise."""
        from sklearn.linear_model import lars_path

        after = len(self.weights)
        years, later = np.arange(-self.before, 0.0), np.arange(1.0, after + 1)
        kinks = np.arange(-self.before + 1, 0.0)
        # weights on years before that leave straight drifts out, by what they make of each kink
        system = np.vstack([np.maximum(kinks[:, None] - years, 0.0), years])
        at_zero = np.linalg.solve(system, np.append(np.zeros(len(kinks)), -self.weights @ later))
        fixed = float(sum(abs(self.weights @ np.maximum(later - j, 0.0)) for j in range(after)))
        base = np.concatenate([at_zero, self.weights])
        root = _root(self.sigma).T
        corners = np.zeros((1, 0))
        ways = np.zeros((len(base), len(kinks)))
        if len(kinks):
            ways[: self.before] = np.linalg.inv(system)[:, :-1]
            corners = lars_path(root @ ways, -root @ base, method="lasso")[2].T
        estimators = base + corners @ ways.T
        return estimators @ self.beta, fixed + np.abs(corners).sum(axis=1), estimators @ root.T


def _between(at: Floats, values: Floats, biases: Floats, loads: Floats) -> tuple[Floats, Floats, Floats]:
    """Value, bias and standard deviation of estimators on the path; `at` counts its corners."""
    start = np.minimum(at.astype(int), max(len(values) - 2, 0))
    end = np.minimum(start + 1, len(values) - 1)
    share = at - start
    load = loads[start] + share[:, None] * (loads[end] - loads[start])
    return values[start] + share * (values[end] - values[start]), biases[start] + share * (biases[end] - biases[start]), np.linalg.norm(load, axis=1)


def _folded(shift: Floats, level: float) -> Floats:
    """The quantile of |N(shift, 1)|, by Newton's method from above, where its distribution function is concave."""
    from scipy import special, stats

    quantile = shift + float(stats.norm.ppf(0.5 + level / 2))
    for _ in range(12):
        density = (np.exp(-((quantile - shift) ** 2) / 2) + np.exp(-((quantile + shift) ** 2) / 2)) / np.sqrt(2 * np.pi)
        quantile = quantile - (special.ndtr(quantile - shift) - special.ndtr(-quantile - shift) - level) / density
    return np.asarray(quantile)


def _root(sigma: Floats) -> Floats:
    """A matrix whose product with its transpose is sigma."""
    values, vectors = np.linalg.eigh(sigma)
    return np.asarray(vectors * np.sqrt(np.maximum(values, 0.0)))


def _first_row(weights: Floats) -> Floats:
    """An invertible matrix with this first row."""
    return np.vstack([weights, np.linalg.svd(weights[None, :])[2][1:]])


def _vertices(free: Floats, deviation: Floats) -> Floats:
    """Corners of {γ ≥ 0, γ'free = 0, γ'deviation = 1}, the dual of the least standardised violation; shape (corners, moments)."""
    moments, size = len(deviation), free.shape[1] + 1
    wanted = np.append(np.zeros(size - 1), 1.0)
    chosen = np.array(list(combinations(range(moments), size)))
    systems = np.concatenate([free[chosen], deviation[chosen][..., None]], axis=2).transpose(0, 2, 1)
    solvable = np.linalg.cond(systems) < 1e12
    solved = np.linalg.solve(systems[solvable], np.broadcast_to(wanted, (int(solvable.sum()), size))[..., None])[..., 0]
    good = (solved >= -1e-10).all(axis=1)
    corners = np.zeros((int(good.sum()), moments))
    np.put_along_axis(corners, chosen[solvable][good], np.maximum(solved[good], 0.0), axis=1)
    return corners


def _rejected(values: Floats, covariance: Floats, first_stage: float, size: float) -> Mask:
    """The conditional test with its least favourable first stage; shape (corners, effects) → (effects,).

    Given which corner is the largest, what it is worth is a normal variable cut off where another would be larger.
    """
    from scipy import special

    best = values.argmax(axis=0)
    top = values[best, np.arange(values.shape[1])]
    variance = np.diag(covariance)[best]
    along = covariance[:, best] / variance
    residual = values - along * top
    with np.errstate(divide="ignore", invalid="ignore"):
        cut = residual / (1 - along)
    low = np.where(1 - along > 1e-8, cut, -np.inf).max(axis=0)
    high = np.minimum(np.where(1 - along < -1e-8, cut, np.inf).min(axis=0), first_stage)
    spread = np.sqrt(variance)
    # from the upper tail, where a difference of nearly equal shares would be lost
    upper, lower = special.ndtr(-high / spread), special.ndtr(-low / spread)
    critical = -spread * special.ndtri(upper + size * (lower - upper))
    return np.asarray((top > first_stage) | (top > np.maximum(critical, 0.0)))


def breakdown(bounds: Bounds, effects: Sequence[float]) -> float:
    """The least relative magnitude at which one of the effects is left standing; infinite beyond `MOST`.

    Parameters
    ----------
    bounds : estimates before and after, with their covariance.
    effects : outcome units.
    """
    against = np.array(effects)

    def falls(m: float) -> bool:
        return bool(bounds.not_rejected(against, m).any())

    return _least(falls, MOST)


def breakdown_smooth(bounds: Bounds, effects: Sequence[float]) -> float:
    """The least yearly change of slope at which the interval takes in one of the effects.

    Parameters
    ----------
    bounds : estimates before and after, with their covariance.
    effects : outcome units.
    """

    def falls(m: float) -> bool:
        ((low, high),) = bounds.smooth([m])
        return any(low <= effect <= high for effect in effects)

    return _least(falls, MOST * bounds.std_error)


def _least(falls: Callable[[float], bool], most: float) -> float:
    if falls(0.0):
        return 0.0
    if not falls(most):
        return np.inf
    low, high = 0.0, most
    for _ in range(14):
        middle = (low + high) / 2
        low, high = (low, middle) if falls(middle) else (middle, high)
    return high
