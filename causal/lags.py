"""Earlier years' treatments beside each outcome, and their effects in one regression: what a sum over lags is made of.

A sum over lags is the coefficient of the same regression written in changes: Σ β_j D(t−j) = Σ s_j (D(t−j) − D(t−j−1)) with s_j = β_0 + … + β_j, so that
clustered errors, CR2 and its degrees of freedom are those of any coefficient.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Protocol, runtime_checkable

import numpy as np

from causal.arrays import Floats, Ints
from causal.design import Design
from causal.inference.clustered import Fit, clustered_least_squares
from causal.rows import Control
from causal.words import count


@runtime_checkable
class SumsLags(Protocol):
    """An estimator whose answer is a sum over years, so that still earlier years can be laid beside."""

    def rows_with(self, design: Design, more: int = 0) -> Lagged:
        """The rows in which its own years, and so many still earlier ones, are known.

        Parameters
        ----------
        design : that is asked about.
        more : years farther back than its own.
        """
        ...


def earlier(design: Design, column: Floats, years: int) -> Floats:
    """A column as it stood in an authority's row so many years before; shape (rows,), NaN where there is no such row.

    Parameters
    ----------
    design : whose rows they are.
    column : shape (rows,).
    years : how many before.
    """
    first = int(design.year.min())
    laid = np.full((len(design.authorities), int(design.year.max()) - first + 1), np.nan)
    laid[design.authority, design.year - first] = column
    at = design.year - first - years
    return np.where(at >= 0, laid[design.authority, np.maximum(at, 0)], np.nan)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Lagged:
    """Rows in which all treatments that are summed are known.

    Parameters
    ----------
    over : the design of these rows, with the controls of every year summed.
    treatments : shape (rows, lags + 1); this year's, the year's before, …
    kept : of the design's rows, sorted; shape (rows,).
    """

    over: Design
    treatments: Floats
    kept: Ints


def lagged(design: Design, lags: int, *, before: float | None = None, each_year: bool = True) -> Lagged:
    """Lay treatments, and the controls that change in time, beside each outcome for every year summed.

    Parameters
    ----------
    design : with authorities seen in successive years.
    lags : earlier years.
    before : the treatment before an authority's first row; None: not known, and rows without all earlier ones are left out.
    each_year : whether controls stand there for every year summed; of years before an authority's first row they are not known, so never with `before`.
    """
    treatments = np.column_stack([earlier(design, design.treatment, k) for k in range(lags + 1)])
    if before is not None:
        start = np.full(len(design.authorities), np.iinfo(np.int64).max)
        np.minimum.at(start, design.authority, design.year)
        ago = design.year[:, None] - np.arange(lags + 1)
        treatments = np.where(np.isnan(treatments) & (ago < start[design.authority][:, None]), before, treatments)
    columns, names, groups = [design.controls], list(design.control_names), dict(design.control_groups)
    if each_year and before is None:
        for group, at in design.control_groups.items():
            if group.by_year:  # a lasting cause that acts each year anew: its columns hold every year already
                continue
            for k in range(1, lags + 1):
                past = np.column_stack([earlier(design, design.controls[:, i], k) for i in at])
                groups[Control(f"{group}, {count(k, 'year')} before", made=True)] = tuple(range(len(names), len(names) + len(at)))
                names += [f"{design.control_names[i]}, {count(k, 'year')} before" for i in at]
                columns.append(past)
    controls = np.column_stack(columns)
    known = np.isfinite(treatments).all(axis=1) & np.isfinite(controls).all(axis=1)
    if "authority" in design.absorb:
        known &= np.bincount(design.authority[known], minlength=len(design.authorities))[design.authority] > 1
    kept = np.flatnonzero(known)
    over = design.subset(kept, f"the treatment of {count(lags, 'earlier year')} is not known")
    over = replace(over, controls=controls[kept], control_names=tuple(names), control_groups=groups)
    return Lagged(over=over, treatments=treatments[kept], kept=kept)


def summed(made: Lagged) -> tuple[Fit, Fit, Floats]:
    """The coefficient of every year, their sum over the first 1, 2, … years, and the residual of the last sum's own column.

    The sums are the coefficients of the same regression written in changes, so that CR2 and its degrees of freedom are theirs.

    Raises
    ------
    EstimationError : a year that is collinear with the others.
    """
    used, k = made.over, made.treatments.shape[1]
    basis = used.basis()
    outcome = used.partial_out(used.outcome[:, None], basis)[:, 0]
    left = used.partial_out(made.treatments, basis)
    rank = basis.shape[1] + ("authority" not in used.absorb)

    def fit(columns: Floats) -> Fit:
        return clustered_least_squares(
            outcome, columns, used.nuisance_basis(basis), used.cluster, len(used.clusters), absorbed_rank=rank, row_count=used.row_count
        )

    # Σ β_j D_j = Σ s_j (D_j − D_{j+1}) with s_j = β_0 + … + β_j and D_{K+1} = 0
    changes = left - np.column_stack([left[:, 1:], np.zeros(used.rows)])
    others = changes[:, : k - 1]
    last = changes[:, -1] - (others @ np.linalg.lstsq(others, changes[:, -1], rcond=None)[0] if k > 1 else 0.0)
    return fit(left), fit(changes), last


def last_sum(fit: Fit) -> Fit:
    """The last column of a fit alone: of sums, the whole one."""
    return Fit(
        coefficients=fit.coefficients[-1:],
        scores=fit.scores[:, -1:],
        df=fit.df[-1:],
        residuals=fit.residuals,
        inference=fit.inference,
        carried=None if fit.carried is None else fit.carried[-1:],
        effective=fit.effective,
    )


def first_years(made: Lagged, years: int) -> Lagged:
    """The same rows with the treatments of the latest years alone.

    Parameters
    ----------
    made : with the treatments of at least so many years.
    years : how many to keep, the question's own counted first.
    """
    return replace(made, treatments=made.treatments[:, :years])
