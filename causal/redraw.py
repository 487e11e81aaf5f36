"""A regression drawn again hundreds of times with one thing replaced: what takes a refit for any other estimator is a few matrix products for least squares.

A step takes what replaces, one draw a row, and gives slopes and clustered errors, shape (draws,) each, per unit of the treatment: for treatments
and controls those that `causal.inference.clustered` has on the replaced design, CR1 or CR2; for drawn clusters CR1.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

import numpy as np

from causal.arrays import Floats, Ints
from causal.design import Design
from causal.inference.clustered import FEW_CLUSTERS, cluster_sums, cr1_factor, cr2_loads

NOTHING_LEFT = 1e-7  # share of a column's length below which it is collinear with the others
Step = Callable[[Floats], tuple[Floats, Floats]]


class Clustered(Protocol):
    """Rows and their clusters, codes from 0: a design, or some rows of one."""

    @property
    def rows(self) -> int:
        """Their number."""
        ...

    @property
    def row_count(self) -> int:
        """Of how many observations they are made."""
        ...

    @property
    def cluster(self) -> Ints:
        """Shape (rows,)."""
        ...

    @property
    def clusters(self) -> Sequence[object]:
        """As many as there are."""
        ...


def _centring(design: Design) -> Callable[[Floats], Floats]:
    """`Design.demean` for draws that lie in rows, shape (draws, rows): each is read from one end to the other."""
    if design.weights is not None:
        return lambda values: np.ascontiguousarray(design.demean(values.T).T)
    if "authority" not in design.absorb:
        return lambda values: np.asarray(values - values.mean(axis=1, keepdims=True))
    starts = np.flatnonzero(np.r_[True, np.diff(design.absorbing) != 0])
    counts = np.diff(np.r_[starts, design.rows])
    if (counts == counts[0]).all():
        shape = (len(starts), int(counts[0]))

        def alike(values: Floats) -> Floats:
            means = np.add.reduceat(values, starts, axis=1) / counts
            return np.reshape(values.reshape(-1, *shape) - means[:, :, None], values.shape)

        return alike
    return lambda values: np.asarray(values - np.repeat(np.add.reduceat(values, starts, axis=1) / counts, counts, axis=1))


def summing(design: Clustered) -> Callable[[Floats], Floats]:
    """Sums by cluster, shape (draws, rows) → (draws, clusters), with the order of the rows looked at once."""
    code, clusters = design.cluster, len(design.clusters)
    if clusters == design.rows and (np.diff(code) == 1).all():
        return lambda values: values
    if (np.diff(code) >= 0).all() and len(np.unique(code)) == clusters:
        starts = np.flatnonzero(np.r_[True, np.diff(code) != 0])
        return lambda values: np.asarray(np.add.reduceat(values, starts, axis=1))
    return lambda values: cluster_sums(values.T, code, clusters).T


def _dot(left: Floats, right: Floats) -> Floats:
    """Inner products draw by draw, shape (draws,)."""
    return np.asarray(np.einsum("bn,bn->b", left, right))


def slopes(
    treatment: Floats, outcome: Floats, length: Floats, design: Clustered, other: Floats, sums: Callable[[Floats], Floats], noise: Floats | None, errors: bool
) -> tuple[Floats, Floats]:
    """Slope and clustered error, draw by draw, of residual outcome on residual treatment, as `causal.inference.clustered` has them.

    Parameters
    ----------
    treatment, outcome : shape (draws, rows), (draws or 1, rows); both residuals.
    length : shape (draws,), of each treatment before it lost what is conditioned on.
    design : whose rows and clusters they are.
    other : unit columns held fixed in all draws, shape (rows, p).
    sums : what `summing` makes of the design; of columns of shape (draws, rows).
    noise : unit columns of each draw's own, shape (draws, rows); None where there are none.
    errors : whether they are wanted.
    """
    size, clusters = _dot(treatment, treatment), len(design.clusters)
    df_residual = design.row_count - other.shape[1] - 1 - (0 if noise is None else noise.any(axis=1))
    with np.errstate(divide="ignore", invalid="ignore"):
        slope = np.where(np.sqrt(size) <= NOTHING_LEFT * length, np.nan, _dot(treatment, np.broadcast_to(outcome, treatment.shape)) / size)
        if not errors:
            return slope, np.full(len(slope), np.nan)
        residual = outcome - treatment * slope[:, None]
        factor = cr1_factor(clusters, design.row_count, df_residual)
        scores, squares = sums(treatment * residual), sums(treatment**2)
        spread = np.sqrt(factor * _dot(scores, scores)) / size
        few = (size**2 / _dot(squares, squares) < FEW_CLUSTERS) & np.isfinite(slope) & (df_residual > 0)
    if few.any():
        own = None if noise is None else noise[few]
        spread[few] = _cr2(treatment[few] / np.sqrt(size[few])[:, None], residual[few], other, own, design) / np.sqrt(size[few])
    return slope, np.where(np.isfinite(slope), spread, np.nan)


def _cr2(treatment: Floats, residual: Floats, other: Floats, noise: Floats | None, design: Clustered) -> Floats:
    """Bell & McCaffrey's error times the treatment's length, draw by draw; shapes as in `slopes`, the treatment of unit length."""
    order = np.argsort(design.cluster, kind="stable")
    counts = np.bincount(design.cluster, minlength=len(design.clusters))
    starts = np.cumsum(counts) - counts
    total = np.zeros(len(treatment))
    columns = [draws for draws in (noise, treatment) if draws is not None]
    only_treatment = np.eye(len(columns))[:, -1:]
    for m in np.unique(counts):
        rows = order[starts[counts == m][:, None] + np.arange(m)]  # clusters of m rows
        own = np.stack([draws[:, rows] for draws in columns], axis=-1)
        load = cr2_loads(other[rows], own, only_treatment)[..., 0]
        total += ((residual[:, rows] * load).sum(axis=2) ** 2).sum(axis=1)
    return np.asarray(np.sqrt(total))


def with_treatment(design: Design, errors: bool) -> Step:
    """Another treatment in each draw.

    Parameters
    ----------
    design : whose regression it is.
    errors : whether standard errors are wanted (NaN without).
    """
    basis = design.basis()
    other, centred, sums = design.nuisance_basis(basis), _centring(design), summing(design)
    outcome = design.partial_out(design.outcome[:, None], basis).T

    def step(given: Floats) -> tuple[Floats, Floats]:
        about = given - given.mean(axis=1, keepdims=True)
        left = centred(given)
        left -= (left @ basis) @ basis.T
        return slopes(left, outcome, np.sqrt(_dot(about, about)), design, other, sums, None, errors)

    return step


def with_control(design: Design, errors: bool) -> Step:
    """One more control in each draw.

    Parameters
    ----------
    design : whose regression it is.
    errors : whether standard errors are wanted (NaN without).
    """
    basis = design.basis()
    other, centred, sums = design.nuisance_basis(basis), _centring(design), summing(design)
    treatment, outcome = (design.partial_out(column[:, None], basis)[:, 0] for column in (design.treatment, design.outcome))
    size, product = float(treatment @ treatment), float(treatment @ outcome)
    length = np.asarray(np.linalg.norm(design.treatment - design.treatment.mean()))
    known = np.column_stack([treatment, outcome, basis])

    def step(given: Floats) -> tuple[Floats, Floats]:
        noise = centred(given)
        with_noise = noise @ known
        square = _dot(noise, noise) - (with_noise[:, 2:] ** 2).sum(axis=1)
        # a control that the others tell adds nothing
        weight = np.where(square > NOTHING_LEFT**2 * _dot(given, given), 1 / np.maximum(square, np.finfo(float).tiny), 0.0)
        if not errors:
            left = size - weight * with_noise[:, 0] ** 2
            slope = (product - weight * with_noise[:, 0] * with_noise[:, 1]) / np.where(left > 0, left, np.nan)
            return np.where(left <= (NOTHING_LEFT * length) ** 2, np.nan, slope), np.full(len(slope), np.nan)
        noise -= with_noise[:, 2:] @ basis.T
        noise *= np.sqrt(weight)[:, None]
        without = [column - noise * (noise @ column)[:, None] for column in (treatment, outcome)]
        return slopes(without[0], without[1], length, design, other, sums, noise, errors)

    return step


def with_clusters(design: Design, errors: bool) -> Step:
    """Other clusters in each draw: every cluster brings its cross-products, so a draw is a sum of small matrices and one small solve.

    Parameters
    ----------
    design : whose regression it is; what is given to the step has shape (draws, clusters).
    errors : whether standard errors are wanted (NaN without).
    """
    basis = design.basis()
    outcome, treatment = (design.partial_out(column[:, None], basis) for column in (design.outcome, design.treatment))
    units = [max(float(np.linalg.norm(column)), np.finfo(float).tiny) for column in (outcome, treatment)]
    known = np.column_stack([treatment / units[1], design.nuisance_basis(basis)])
    stack = np.ascontiguousarray(np.column_stack([known, outcome / units[0]]).T)
    k = known.shape[1]
    upper = np.triu_indices(k + 1)
    sums = summing(design)
    # a product at a time: all together would take (k + 1)(k + 2) / 2 columns of rows
    grams = np.concatenate([sums(stack[[i]] * stack[[j]]) for i, j in zip(*upper, strict=True)])
    rows = np.bincount(design.cluster, weights=design.counts if design.weighs_people else None, minlength=len(design.clusters))

    def step(drawn: Floats) -> tuple[Floats, Floats]:
        summed = np.empty((len(drawn), k + 1, k + 1))
        summed[:, upper[0], upper[1]] = summed[:, upper[1], upper[0]] = drawn @ grams.T
        left, right = summed[:, :-1, :-1], summed[:, :-1, -1:]
        # a year or control that no drawn cluster has is left out by the pseudo-inverse
        inverse = np.linalg.pinv(left, rcond=1e-12, hermitian=True)
        slopes = (inverse @ right)[:, :, 0]
        first = inverse[:, 0, :]
        collinear = np.abs((first[:, None, :] @ left)[:, 0, :] - np.eye(k)[0]).max(axis=1) > 1e-6
        effects = np.where(collinear, np.nan, slopes[:, 0]) * units[0] / units[1]
        if not errors:
            return effects, np.full(len(effects), np.nan)
        size, clusters = drawn @ rows, drawn.sum(axis=1)
        df_residual = size - np.linalg.matrix_rank(left, rtol=1e-12, hermitian=True)
        scores = sums((first @ stack[:-1]) * (stack[-1] - slopes @ stack[:-1]))
        with np.errstate(divide="ignore", invalid="ignore"):
            factor = cr1_factor(clusters, size, df_residual)
            spread = np.sqrt(factor * (drawn * scores**2).sum(axis=1)) * units[0] / units[1]
        return effects, np.where(collinear, np.nan, spread)

    return step
