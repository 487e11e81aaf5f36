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
    first: bool = False,
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
    first : whether only a place's first switch counts, beside places that have not switched since they were first seen (DID_1 of de Chaisemartin &
        D'Haultfœuille 2024, Difference-in-differences estimators of intertemporal treatment effects, in the year of the switch and by dose).
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
    begun = np.take_along_axis(d, np.isfinite(d).argmax(axis=1)[:, None], axis=1)
    # years that are not known break no rest, if all that are known have the level of the first
    at_first = np.logical_and.accumulate(~(np.abs(d - begun) > still), axis=1)
    cells: list[tuple[Ints, Ints, Floats, Floats]] = []
    for t in range(1 + ahead, years):
        step = change[:, t - 1]
        delta = y[:, t - ahead] - y[:, t - ahead - 1]
        if made.controls.shape[2]:
            delta = delta - (made.controls[:, t - ahead] - made.controls[:, t - ahead - 1]) @ slopes
        fine = np.isfinite(delta) & np.isfinite(step)
        before = at_first[:, t - 1].copy() if first else np.ones(g, dtype=bool)
        for back in range(1, max(ahead, stayed - 1) + 1):
            if t - 1 - back < 0:
                before &= False
                break
            before &= known[:, t - 1 - back] & ~moved[:, t - 1 - back]
        movers = fine & moved[:, t - 1] & np.isin(np.sign(step), directions)
        movers &= before if ahead or first else True
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


def projected(made: Paths, *, ahead: int, settled: int, still: float) -> Switched | None:
    """Beginning, by a local projection: the outcome `ahead` years after the year of beginning less that of the year before, beside places without a change.

    One regression over all years with an effect for each (Dube, Girardi, Jordà & Taylor 2023, A local projections approach to difference-in-differences,
    equation 13). Those who begin had none for `settled` years and keep it until `ahead`; those beside them change nothing in all that time. As in the authors'
    code nobody is taken to have had it before the first year of the panel. None where nobody can be compared.

    Parameters
    ----------
    made : laid out, of a treatment of two levels.
    ahead : years after the year of beginning, 0 or more.
    settled : years without it before, 1 or more; after so many a place that has it serves for comparison too.
    still : changes of the treatment up to this count as none.
    """
    y, low, high = made.outcome, np.nanmin(made.treatment), np.nanmax(made.treatment)
    on = np.where(np.isfinite(made.treatment), (made.treatment > low + still).astype(float), np.nan)
    g, years = y.shape
    padded = np.column_stack([np.zeros((g, settled + 1)), on])  # before the panel
    changed = np.abs(np.diff(padded, axis=1))  # column k is the change into year k − settled of the panel
    slopes = _slopes(made, still)
    cells: list[tuple[Ints, Ints, Floats]] = []
    unmatched, rows = 0, 0
    for t in range(1, years - ahead):
        delta = y[:, t + ahead] - y[:, t - 1]
        if made.controls.shape[2]:
            delta = delta - (made.controls[:, t + ahead] - made.controls[:, t - 1]) @ slopes
        at = t + settled
        later = changed[:, at + 1 : at + 1 + ahead].sum(axis=1)
        begins = (on[:, t] == 1) & (padded[:, at + 1 - settled : at + 1].sum(axis=1) == 0) & (later == 0)
        # NaN where a year between is not known, so that neither holds
        same = changed[:, t : at + 1].sum(axis=1) + later == 0
        mine, theirs = np.flatnonzero(begins & np.isfinite(delta)), np.flatnonzero(same & np.isfinite(delta))
        if not len(theirs):
            unmatched += len(mine)
            continue
        cells.append((mine, theirs, delta))
        rows += len(mine) + len(theirs)
    begun = sum(len(mine) for mine, _, _ in cells)
    if not begun:
        return None
    top = bottom = 0.0
    for mine, theirs, delta in cells:
        share = len(mine) / (len(mine) + len(theirs))
        top += (1 - share) * float(delta[mine].sum()) - share * float(delta[theirs].sum())
        bottom += len(mine) * (1 - share)
    if not bottom:
        return None
    effect, own = top / bottom, np.zeros(g)
    for mine, theirs, delta in cells:
        share = len(mine) / (len(mine) + len(theirs))
        level = float(np.r_[delta[mine] - effect, delta[theirs]].mean())
        np.add.at(own, mine, (1 - share) * (delta[mine] - effect - level))
        np.add.at(own, theirs, -share * (delta[theirs] - level))
    n = made.clusters
    taken = np.unique(np.concatenate([np.r_[mine, theirs] for mine, theirs, _ in cells]))
    used = len(np.unique(made.cluster[taken]))
    small = used / max(used - 1, 1) * (rows - 1) / max(rows - len(cells) - 1, 1)  # CR1
    scores = np.bincount(made.cluster, weights=own / bottom, minlength=n) * np.sqrt(small)
    places = len(np.unique(np.concatenate([mine for mine, _, _ in cells])))
    return Switched(effect=effect / float(high - low), scores=scores / float(high - low), switches=begun, places=places, unmatched=unmatched)


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
