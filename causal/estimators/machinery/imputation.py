"""What treated authority-years would have had, from a two-way fixed-effects model of the untreated ones.

Borusyak, Jaravel & Spiess 2024 (Revisiting event-study designs: robust and efficient estimation). An average of treated outcomes less
imputed ones is Σ v y over all rows, with v known; its error sums (Σ_t v ε̃)² over authorities (theorem 3), where ε̃ is the residual of an
untreated row and, of a treated one, its effect less the average effect of its cohort in its year. That is conservative: what effects
differ by within a cohort counts as noise.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from causal.arrays import Floats, Ints, orthonormal
from causal.cohorts import Cohorts
from causal.design import Design
from causal.errors import EstimationError, refusal
from causal.inference.clustered import cluster_sums


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Imputed:
    """Effects of adopting on treated rows, one each.

    Parameters
    ----------
    design : whose rows they are.
    rows : shape (treated,), the treated rows that can be imputed.
    effect : shape (treated,), outcome units.
    cohort, since : shape (treated,), first treated year, and years since.
    untreated : shape (untreated,), the rows that the model was fitted on; `residual` of the same shape.
    columns : shape (rows, k), the year effects and controls, orthonormal on the untreated rows once they have lost authority means.
    means : shape (authorities, k), of `columns` over each authority's untreated rows.
    beyond : treated rows left out, since nobody is untreated in their year.
    """

    design: Design
    rows: Ints
    effect: Floats
    cohort: Ints
    since: Ints
    untreated: Ints
    residual: Floats
    columns: Floats
    means: Floats
    beyond: int

    def average(self, sets: Sequence[Ints], *, corrected: bool = True) -> tuple[Floats, Floats]:
        """Averages over sets of treated rows, weighted by the design's weights.

        sets : indices into `rows`; corrected : deviations from a mean of n effects times √(n/(n − 1)).

        Returns
        -------
        effects, shape (k,); scores, shape (authorities, k), whose squares add to squared standard errors.
        """
        design, authority = self.design, self.design.authority
        number = len(design.authorities)
        weights = _weights(design)
        share = np.zeros((len(self.rows), len(sets)))
        for j, chosen in enumerate(sets):
            share[chosen, j] = weights[self.rows[chosen]]
        share /= share.sum(axis=0)
        effects = self.effect @ share
        own, free = authority[self.rows], self.untreated
        of_each = cluster_sums(share, own, number)  # how much of each authority's effect is taken out
        load = self.columns[self.rows].T @ share - self.means.T @ of_each
        mass = np.bincount(authority[free], weights=weights[free], minlength=number)
        within = self.columns[free] - self.means[authority[free]]
        v = -weights[free, None] * (of_each[authority[free]] / mass[authority[free], None] + within @ load)
        scores = cluster_sums(v * self.residual[:, None], authority[free], number)
        for j in range(len(sets)):
            scores[:, j] += np.bincount(own, weights=share[:, j] * self._surplus(share[:, j], corrected), minlength=number)
        return effects, scores

    def _surplus(self, share: Floats, corrected: bool) -> Floats:
        """Effects less the average of their cohort and year; of their year since adoption where a cohort has one authority; of all where a year has one.

        shape (treated,); where `corrected`, over what of a deviation is left where the authority's own weight is in the mean (n − 1 of n, weighed).
        """
        own, taken = self.design.authority[self.rows], share > 0
        squared = share**2 * taken
        left, rest = np.zeros(len(share)), taken.copy()
        for keys in (self.cohort * 10_000 + self.since, self.since, np.zeros_like(self.since)):
            _, code = np.unique(keys, return_inverse=True)
            mass = np.bincount(code, weights=squared)
            mean = np.bincount(code, weights=squared * self.effect) / np.where(mass > 0, mass, 1.0)
            # each authority's own weight in the mean that its effects are compared with
            pair, of_pair = np.unique(np.column_stack([code, own]), axis=0, return_inverse=True)
            weight = np.bincount(of_pair, weights=squared) / np.where(mass > 0, mass, 1.0)[pair[:, 0]]
            kept = 1 - 2 * weight[of_pair] + np.bincount(pair[:, 0], weights=weight**2)[code]
            here = rest & (kept > 1e-9)
            left = np.where(here, (self.effect - mean[code]) / (np.sqrt(np.where(here, kept, 1.0)) if corrected else 1.0), left)
            rest &= ~here
        return left


def imputed(design: Design, adopted: Cohorts) -> Imputed:
    """Impute what treated rows would have had (Borusyak, Jaravel & Spiess 2024, Revisiting event-study designs).

    Parameters
    ----------
    design : without authorities treated in every year seen.
    adopted : of the same rows.

    Raises
    ------
    EstimationError : no treated row can be imputed.
    """
    number, authority, on = len(design.authorities), design.authority, adopted.on
    free = np.flatnonzero(~on)
    years, at = np.unique(design.year, return_inverse=True)
    observed = np.bincount(at[free], minlength=len(years)) > 0
    treated = np.flatnonzero(on & observed[at])
    if not len(treated):
        raise refusal(EstimationError, "imputation", "somebody untreated in the year of a treated authority", "nobody", "give more authorities or years")
    weights = _weights(design)
    dummies = (at[:, None] == np.flatnonzero(observed)[1:]).astype(float)
    raw = np.column_stack([dummies, design.controls])
    mass = np.bincount(authority[free], weights=weights[free], minlength=number)

    def means(matrix: Floats) -> Floats:
        return np.asarray(cluster_sums(weights[free, None] * matrix[free], authority[free], number) / mass[:, None])

    # columns turned so that they are orthonormal on untreated rows without their means: a product then solves for the coefficients
    root = np.sqrt(weights[free])[:, None]
    centred = (raw[free] - means(raw)[authority[free]]) * root
    kept = _independent(centred, raw)
    if len(dummies.T) and not kept[: dummies.shape[1]].all():
        raise refusal(
            EstimationError,
            "imputation",
            "untreated authorities that are seen in several years, to tell year effects",
            "some years' that are not seen in other years",
            "give fewer years",
        )
    _, triangle = np.linalg.qr(centred[:, kept])
    columns = raw[:, kept] @ np.linalg.inv(triangle) if kept.any() else np.empty((design.rows, 0))
    centre = means(columns)
    outcome_mean = means(design.outcome[:, None])[:, 0]
    coefficients = (weights[free, None] * (columns[free] - centre[authority[free]])).T @ (design.outcome[free] - outcome_mean[authority[free]])

    def surplus(rows: Ints) -> Floats:
        who = authority[rows]
        return np.asarray(design.outcome[rows] - outcome_mean[who] - (columns[rows] - centre[who]) @ coefficients)

    first = adopted.first[authority[treated]]
    return Imputed(
        design=design,
        rows=treated,
        effect=surplus(treated),
        cohort=first,
        since=design.year[treated] - first,
        untreated=free,
        residual=surplus(free),
        columns=columns,
        means=centre,
        beyond=int(on.sum()) - len(treated),
    )


def _weights(design: Design) -> Floats:
    return np.ones(design.rows) if design.weights is None else design.weights


def _independent(centred: Floats, raw: Floats) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """Which columns are not told by earlier ones, shape (k,)."""
    kept = np.zeros(centred.shape[1], dtype=bool)
    for j in range(centred.shape[1]):
        kept[j] = np.linalg.norm(centred[:, j]) > 1e-9 * max(float(np.abs(raw[:, j]).max()), np.finfo(float).tiny) * np.sqrt(len(raw))
        if kept[j] and kept[:j].any():
            trial = orthonormal(centred[:, kept & (np.arange(len(kept)) <= j)])
            kept[j] = trial.shape[1] == kept[: j + 1].sum()
    return kept
