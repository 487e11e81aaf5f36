"""Switchers against stayers: what an outcome does in the year in which a treatment changes, beside places that had as much of it and keep it.

For every year t and level of the treatment the year before, places whose treatment changes are set against those whose does not; the change of the outcome
less the stayers' mean change, signed by the direction of the switch, over all switches, per unit of treatment (DID_M of de Chaisemartin & D'Haultfœuille
2020, Two-way fixed effects estimators with heterogeneous treatment effects). No switcher is ever a comparison, so that no effect counts negatively. Scores
of places come from both sides: a switcher's own departure, and a stayer's share in the mean that stands for it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from causal.arrays import Floats, Ints
from causal.design import Design

Mask = NDArray[np.bool_]
FEWEST_STAYERS = 2  # in a cell, from which a mean change has an error


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Paths:
    """Outcome and treatment by place and year, shape (places, years), NaN where not known; controls, shape (places, years, k)."""

    outcome: Floats
    treatment: Floats
    controls: Floats
    cluster: Ints
    clusters: int


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Switched:
    """An average over switches.

    Parameters
    ----------
    effect : outcome units for one unit of treatment.
    scores : shape (clusters,); their squares add to the squared error.
    switches, places : how many it is over, and of how many places.
    unmatched : switches with nobody to compare with.
    """

    effect: float
    scores: Floats
    switches: int
    places: int
    unmatched: int


def paths(design: Design) -> Paths:
    """A design laid out.

    Parameters
    ----------
    design : of a panel.
    """
    cluster = np.zeros(len(design.authorities), dtype=np.int64)
    cluster[design.authority] = design.cluster
    span = np.arange(int(design.years[0]), int(design.years[-1]) + 1)

    def laid(column: Floats) -> Floats:
        out = np.full((len(design.authorities), len(span)), np.nan)
        out[design.authority, design.year - span[0]] = column
        return out

    controls = np.stack([laid(one) for one in design.controls.T], axis=2) if design.controls.shape[1] else np.empty((*laid(design.outcome).shape, 0))
    return Paths(outcome=laid(design.outcome), treatment=laid(design.treatment), controls=controls, cluster=cluster, clusters=len(design.clusters))


def levels(treatment: Floats, bins: int) -> Floats:
    """The treatment as it is where it has few values, or in so many groups of equal size; places alike in it are compared.

    Parameters
    ----------
    treatment : any shape.
    bins : groups of a dose.
    """
    known = treatment[np.isfinite(treatment)]
    if len(np.unique(known)) <= bins:
        return treatment
    cuts = np.unique(np.quantile(known, np.linspace(0, 1, bins + 1)[1:-1]))
    return np.where(np.isfinite(treatment), np.searchsorted(cuts, treatment, side="right").astype(float), np.nan)


def did(
    made: Paths,
    *,
    bins: int,
    still: float,
    ahead: int = 0,
    among: Callable[[Paths, int], Mask] | None = None,
    stayed: int = 1,
    directions: tuple[int, ...] = (1, -1),
) -> Switched | None:
    """Switchers against stayers, over all years; None where nobody can be compared.

    Parameters
    ----------
    made : laid out.
    bins : groups of a dose that are compared with one another.
    still : changes of the treatment up to this count as none.
    ahead : years before the switch in which the outcome is looked at; 0: in the year of the switch. The treatment must have stood still in between.
    among : given t, which places may be switchers; None: all.
    stayed : years in which stayers kept their treatment up to t.
    directions : of (1, −1), the switches that count.
    """
    y, d = made.outcome, made.treatment
    g, years = d.shape
    alike = levels(d, bins)
    change = np.diff(d, axis=1)
    known = np.isfinite(change)
    moved = known & (np.abs(change) > still)
    total = np.zeros(g)
    weight = np.zeros(g)
    count, unmatched = 0, 0
    switched = np.zeros(g, dtype=bool)
    slopes = _slopes(made, still)
    cells: list[tuple[Ints, Ints, Floats, Floats]] = []
    for t in range(1 + ahead, years):
        step = change[:, t - 1]
        delta = y[:, t - ahead] - y[:, t - ahead - 1]
        if made.controls.shape[2]:
            delta = delta - (made.controls[:, t - ahead] - made.controls[:, t - ahead - 1]) @ slopes
        fine = np.isfinite(delta) & np.isfinite(step)
        before = np.ones(g, dtype=bool)
        for back in range(1, max(ahead, stayed - 1) + 1):
            if t - 1 - back < 0:
                before &= False
                break
            before &= known[:, t - 1 - back] & ~moved[:, t - 1 - back]
        movers = fine & moved[:, t - 1] & np.isin(np.sign(step), directions)
        movers &= before if ahead else True
        if among is not None:
            movers &= among(made, t)
        stayers = fine & known[:, t - 1] & ~moved[:, t - 1] & before
        for level in np.unique(alike[movers, t - 1]):
            mine = np.flatnonzero(movers & (alike[:, t - 1] == level))
            theirs = np.flatnonzero(stayers & (alike[:, t - 1] == level))
            if len(theirs) < FEWEST_STAYERS:
                unmatched += len(mine)
                continue
            cells.append((mine, theirs, delta, step))
            count += len(mine)
            switched[mine] = True
    if not count:
        return None
    for mine, theirs, delta, step in cells:
        sign = np.sign(step[mine])
        mean = float(delta[theirs].mean())
        total[mine] += sign * (delta[mine] - mean)
        weight[mine] += np.abs(step[mine])
        # a stayer's departure moves the mean that stands for every switcher of its cell; its own spread is freed of the mean's one degree of freedom
        total[theirs] -= float(sign.sum()) / len(theirs) * (delta[theirs] - mean) * np.sqrt(len(theirs) / (len(theirs) - 1))
    moved_by = float(weight.sum())
    effect = float(sum(float((np.sign(step[mine]) * (delta[mine] - delta[theirs].mean())).sum()) for mine, theirs, delta, step in cells)) / moved_by
    own = np.bincount(made.cluster, weights=(total - effect * weight) / moved_by, minlength=made.clusters)
    n = made.clusters
    return Switched(effect=effect, scores=own * np.sqrt(n / (n - 1)), switches=count, places=int(switched.sum()), unmatched=unmatched)


def _slopes(made: Paths, still: float) -> Floats:
    """What the changes of the controls do to those of the outcome among rows that stay, within years; shape (k,)."""
    k = made.controls.shape[2]
    if not k:
        return np.zeros(0)
    change = np.diff(made.treatment, axis=1)
    dy, dx = np.diff(made.outcome, axis=1), np.diff(made.controls, axis=1)
    rows = np.isfinite(dy) & np.isfinite(dx).all(axis=2) & np.isfinite(change) & (np.abs(change) <= still)
    year = np.broadcast_to(np.arange(dy.shape[1]), dy.shape)[rows]
    columns = np.column_stack([dy[rows], dx[rows]])
    size = np.maximum(np.bincount(year, minlength=dy.shape[1]), 1)
    means = np.column_stack([np.bincount(year, weights=one, minlength=dy.shape[1]) / size for one in columns.T])
    columns = columns - means[year]
    return np.asarray(np.linalg.lstsq(columns[:, 1:], columns[:, 0], rcond=None)[0])
