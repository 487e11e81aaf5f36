"""A claim of independence held against the panel: partial correlation within authorities and years, with the scores summed by cluster.

What is conditioned on is subtracted from both variables by least squares (Frisch & Waugh 1933; Lovell 1963); the products of what is left are summed
by cluster, and their sum is set against the spread that these sums would have if the claim were true. That is the score test, which does not
overstate how sure it is where few clusters carry much (Cameron & Miller 2015, A practitioner's guide to cluster-robust inference, sec. VI).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from causal.arrays import Floats, Ints, orthonormal
from causal.graph import Graph, undated
from causal.inference.clustered import cluster_sums, cr1_factor
from causal.panel import Panel

FEWEST_CLUSTERS = 10
NOTHING_LEFT = 1e-7  # share of a column's length below which the others tell it


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """`one` owes nothing to `other` once `given` is conditioned on, beside authority and year where the graph has them.

    Names are dated from the year of `one`; constant causes and `one` bear no date.
    """

    one: str
    other: str
    given: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """A claim held against the data: partial correlation, clustered t and its p-value."""

    claim: Claim
    correlation: float
    t: float
    p_value: float


@dataclass(frozen=True, slots=True, kw_only=True)
class _Column:
    """A dated name, its power, or its values in one year alone and 0 in the others."""

    name: str
    power: int = 1
    year: int | None = None


class Rows:
    """The panel's rows, ready for tests of independence: what each test leaves of each column is kept for the next.

    Parameters
    ----------
    within : whether authority means are subtracted; year effects are wherever the graph has `year`.
    powers : of what is conditioned on.
    """

    def __init__(self, panel: Panel, graph: Graph, *, within: bool, powers: int = 1) -> None:
        self._panel, self._graph, self._within, self._powers = panel, graph, within, powers
        index = panel.frame.index
        self._authority: Ints = np.unique(index.get_level_values("authority").to_numpy(dtype=str), return_inverse=True)[1]
        self._year: Ints = index.get_level_values("year").to_numpy(dtype=np.int64)
        self._cluster: Ints = np.unique(panel.clusters(list(panel.authorities)).to_numpy(dtype=str), return_inverse=True)[1][self._authority]
        self._by_year = "year" in {node.name for node in graph.nodes} and len(panel.years) > 1
        self._raw: dict[_Column, Floats] = {}
        self._left: dict[tuple[_Column, bytes], Floats] = {}
        self._base: dict[bytes, tuple[Ints, Floats, Ints, int]] = {}

    def test(self, claim: Claim) -> Finding | None:
        """The claim held against the data; None where it cannot be."""
        groups = [self._held(name) for name in claim.given]
        names = [_Column(name=claim.one), _Column(name=claim.other), *(name for group in groups for name in group)]
        complete = np.logical_and.reduce([np.isfinite(self._column(name)) for name in names])
        key = complete.tobytes()
        rows, basis, cluster, clusters = self._ready(key, complete)
        if clusters < FEWEST_CLUSTERS:
            return None
        columns = [self._residual(name, key) for name in names]
        # year effects are gone from every column, so what is conditioned on beside them lies apart from them
        fixed = orthonormal(np.column_stack(columns[2:])) if len(columns) > 2 else np.empty((len(rows), 0))
        residual = [column - fixed @ (fixed.T @ column) for column in columns[:2]]
        lengths = [float(np.linalg.norm(column)) for column in residual]
        spread = [float(np.linalg.norm(raw - raw.mean())) for raw in (self._column(name)[rows] for name in names[:2])]
        df_residual = len(rows) - basis.shape[1] - fixed.shape[1] - 1 - (not self._within)
        if df_residual <= 0 or any(length <= NOTHING_LEFT * most for length, most in zip(lengths, spread, strict=True)):
            return None
        scores = cluster_sums((residual[0] * residual[1])[:, None], cluster, clusters)[:, 0]
        # the variance under the claim, so that few clusters that carry much do not overstate how sure it is
        error = math.sqrt(float(cr1_factor(clusters, len(rows), df_residual)) * float(scores @ scores))
        if not error > 0:
            return None
        from scipy import stats

        t = float(scores.sum()) / error
        return Finding(claim=claim, correlation=float(scores.sum()) / (lengths[0] * lengths[1]), t=t, p_value=float(2 * stats.t.sf(abs(t), clusters - 1)))

    def _held(self, name: str) -> list[_Column]:
        """The columns that hold one variable fixed."""
        bare, _ = undated(name)
        varies = self._graph.node(bare).varies
        if varies == "authority" and self._within:
            return [_Column(name=bare, year=int(year)) for year in np.unique(self._year)[1:]] if self._graph.by_year(bare) else []
        if varies == "year" and self._by_year:
            return []
        return [_Column(name=name, power=power) for power in range(1, self._powers + 1)]

    def _column(self, one: _Column) -> Floats:
        """Shape (rows of the panel,), as dated, NaN where not known; with a power, or in one year alone."""
        if one not in self._raw:
            values = self._panel.shift(*undated(one.name)).to_numpy(dtype=float)
            if one.power > 1:
                values = (values - np.nanmean(values)) ** one.power
            self._raw[one] = values if one.year is None else np.where(self._year == one.year, values, values * 0.0)
        return self._raw[one]

    def _ready(self, key: bytes, complete: NDArray[np.bool_]) -> tuple[Ints, Floats, Ints, int]:
        """Rows used, an orthonormal basis of their year effects, their clusters and how many."""
        if key not in self._base:
            rows = np.flatnonzero(complete)
            if self._within and len(rows):
                rows = rows[np.bincount(self._authority[rows])[self._authority[rows]] > 1]
            clusters, cluster = np.unique(self._cluster[rows], return_inverse=True)
            years = np.unique(self._year[rows])
            dummies = np.asarray(self._year[rows][:, None] == years[1:], dtype=float)
            basis = orthonormal(self._centred(dummies, rows)) if self._by_year and len(years) > 1 else np.empty((len(rows), 0))
            self._base[key] = rows, basis, cluster.astype(np.int64), len(clusters)
        return self._base[key]

    def _centred(self, columns: Floats, rows: Ints) -> Floats:
        """Without authority means, or the grand mean; shape (rows, k)."""
        if not self._within or not len(rows):
            return np.asarray(columns - columns.mean(axis=0)) if len(rows) else columns
        place = self._authority[rows]
        starts = np.flatnonzero(np.r_[True, np.diff(place) != 0])
        counts = np.diff(np.r_[starts, len(place)])
        return np.asarray(columns - np.repeat(np.add.reduceat(columns, starts, axis=0) / counts[:, None], counts, axis=0))

    def _residual(self, name: _Column, key: bytes) -> Floats:
        if (name, key) not in self._left:
            rows, basis, _, _ = self._base[key]
            centred = self._centred(self._column(name)[rows][:, None], rows)[:, 0]
            self._left[name, key] = centred - basis @ (basis.T @ centred)
        return self._left[name, key]
