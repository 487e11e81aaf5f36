"""Where each authority's treatment goes, and since when: what checks of the years before the move share.

An event study of the move (`EventStudy`) gives its effects by years since, which bounds on broken parallel trends start from.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from causal.arrays import Floats, Ints
from causal.cohorts import cohorts
from causal.design import Design
from causal.errors import CausalError
from causal.needs import ADOPTION
from causal.question import Question
from causal.trial import Setting
from causal.words import count

Mask = np.ndarray[tuple[int, ...], np.dtype[np.bool_]]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TreatmentPath:
    """Where each authority's treatment goes, and since when.

    Parameters
    ----------
    size : shape (authorities,), last known treatment less the first, in the question's contrasts; where adoption is compared 1, 0 or −1.
    first : shape (authorities,), first outcome year that a moved treatment is dated to; the year after the last for those that never move.
    before : shape (rows,), whether the treatment that the row is dated to has not yet moved.
    path, years : shape (authorities, years), (years,); the treatment in contrasts, and the outcome years that it is dated to.
    adoption : whether the treatment counts as adopted or not, at the question's level.
    """

    size: Floats
    first: Ints
    before: Mask
    path: Floats
    years: Ints
    adoption: bool

    @property
    def moved(self) -> Mask:
        """Shape (authorities,)."""
        return np.asarray(self.size != 0)

    @property
    def at_once(self) -> float:
        """Share of all that treatments move which is moved in each authority's first step."""
        steps = np.abs(np.diff(self.path, axis=1))
        mine = self.moved & (self.first > self.years[0]) & (self.first <= self.years[-1])
        at = np.flatnonzero(mine)
        total = float(np.nansum(steps))
        return float(np.nansum(steps[at, self.first[at] - self.years[0] - 1])) / total if total > 0 else 0.0

    def treatment(self, question: Question, path: Floats) -> Floats:
        """A path in contrasts as a treatment in its own unit; what authorities leave, where they move to the `control` level, is `treated`.

        Parameters
        ----------
        question : the levels of the contrast.
        path : any shape, in contrasts.
        """
        return (question.treated if self.adoption and np.nanmin(self.path) < 0 else question.control) + question.contrast * path

    def ahead(self, trial: Setting) -> Ints:
        """Years from each row's own to the first year in which the treatment itself has moved, whatever the question's lag; shape (rows,)."""
        return np.asarray(self.first[trial.design.authority] - max(trial.question.lag, 0) - trial.design.year)

    def observed_before(self, design: Design) -> int:
        """How many authorities that move are seen in at least two years before."""
        observed = np.bincount(design.authority[self.before], minlength=len(self.size))
        return int((self.moved & (observed >= 2)).sum())


def treatment_path(trial: Setting, tolerance: float) -> TreatmentPath:
    """When each authority's treatment first differs from what it was, by more than `tolerance` contrasts.

    A binary treatment, and any under an estimator that compares adopters, counts as adopted or not. The treatment's years after the last that an
    outcome is dated to count too: what is still to move then has moved nothing yet.

    Parameters
    ----------
    trial : panel, question, design and estimator.
    tolerance : the largest move, in contrasts, that counts as none.
    """
    design, question = trial.design, trial.question
    lag = 0 if trial.panel.variable(question.treatment).varies == "authority" else question.lag
    adoption, sign = False, 1
    try:
        adopted = cohorts(design)
        adoption, sign = not adopted.cut or ADOPTION in getattr(trial.estimator, "needs", ()), adopted.sign
    except CausalError:
        pass
    share = (trial.panel.frame[question.treatment] - question.control) / question.contrast
    if adoption:
        on = share >= 1 - 1e-9 if sign > 0 else share <= 1e-9
        share = on.astype(float).where(share.notna()) * sign
    grid = share.unstack("year").reindex(list(design.authorities))
    grid = grid.reindex(columns=range(int(grid.columns.min()), int(grid.columns.max()) + 1))
    years = grid.columns.to_numpy(dtype=np.int64) + lag
    path = grid.ffill(axis=1).to_numpy(dtype=float)
    # rows are sorted by authority and year, so that each authority's first is its earliest
    begun = design.year[np.flatnonzero(np.r_[True, np.diff(design.authority) != 0])]
    at = np.clip(np.searchsorted(years, begun), 0, len(years) - 1)
    start = path[np.arange(len(path)), at]
    away = (np.abs(path - start[:, None]) > tolerance) & (years >= begun[:, None])
    ever = away.any(axis=1)
    first = np.where(ever, years[away.argmax(axis=1)], years[-1] + 1)
    move = np.where(ever, path[:, -1] - start, 0.0)
    if adoption:
        # treated in every year seen: nobody knows since when
        move = np.where(start == sign, 0.0, move)
        first = np.where(start == sign, begun, first)
    return TreatmentPath(size=move, first=first, before=design.year < first[design.authority], path=path, years=years, adoption=adoption)


def unfit(trial: Setting) -> str | None:
    """Why trends cannot be looked at here; None if they can."""
    if len(np.unique(trial.design.year)) < 3:
        return f"{count(len(np.unique(trial.design.year)), 'year')} of outcomes cannot show a trend before a move and a comparison after it"
    variable = trial.panel.variable(trial.question.treatment)
    if variable.varies == "authority":
        return f"{variable.label} does not change in time"
    if "authority" not in trial.design.absorb:
        return "authorities are not compared with themselves, so the answer does not rest on parallel trends"
    return None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class EventStudy:
    """Effects of the contrast by years since the move.

    Parameters
    ----------
    since : the years, the last before the move (−1) left out.
    effects, scores : shape (years,), (clusters, years); squares of the scores add to squared errors.
    df : degrees of freedom of the effect asked for.
    rows, authorities : that they rest on.
    """

    since: tuple[int, ...]
    effects: Floats
    scores: Floats
    df: float
    rows: int
    authorities: int
