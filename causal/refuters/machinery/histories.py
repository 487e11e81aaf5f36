"""Treatment histories dealt anew among those observed in the same years: what checks by permutation share.

Each history moves whole, so that the years of one authority stay together; instruments go with the history that they moved.
"""

from __future__ import annotations

import numpy as np

from causal.arrays import Floats, Ints
from causal.design import Design
from causal.refuters import BLOCK
from causal.trial import Trial


def alike(unit: Ints, number: int, design: Design) -> list[Ints]:
    """The rows of units observed in the same years, shape (units, rows of each), for every pattern that at least two share.

    Parameters
    ----------
    unit : shape (rows,), codes from 0 of what moves together.
    number : of units.
    design : authority and year of each row.
    """
    order = np.lexsort((design.year, design.authority, unit))
    counts = np.bincount(unit, minlength=number)
    starts = np.cumsum(counts) - counts
    # where a unit holds several authorities, a row's year and the authority's turn within the unit
    turn = np.zeros(design.rows, dtype=np.int64)
    new = (np.diff(unit[order]) == 0) & (np.diff(design.authority[order]) != 0)
    turn[order[1:]] = np.cumsum(new)
    turn[order] -= np.repeat(turn[order][starts], counts)
    span = int(design.year.max() - design.year.min()) + 1
    when = turn * span + (design.year - design.year.min())
    groups = []
    for m in np.unique(counts):
        rows = order[starts[counts == m][:, None] + np.arange(m)]
        if m == 1:
            patterns, which = np.unique(when[rows[:, 0]], return_inverse=True)
        else:
            patterns, which = np.unique(when[rows], axis=0, return_inverse=True)
        which = which.ravel()
        groups += [rows[which == i] for i in range(len(patterns)) if (which == i).sum() > 1]
    return groups


def permute_histories(history: Floats, groups: list[Ints], draws: int, rng: np.random.Generator) -> Floats:
    """The histories dealt anew within each group; shape (rows, draws), columns contiguous.

    Parameters
    ----------
    history : shape (rows,), the treatment.
    groups : rows of units observed in the same years, shape (units, rows of each), as `alike` gives them.
    draws : permutations.
    rng : permutes units within groups.
    """
    if len(groups) == 1 and groups[0].shape == (len(history), 1):
        return np.array([history[rng.permutation(len(history))] for _ in range(draws)]).T
    if len(groups) == 1 and groups[0].size == len(history) and (np.diff(groups[0].ravel()) == 1).all():
        # every unit in the same years, one after another: nothing has to be put back in its place
        own = history.reshape(groups[0].shape)
        dealt = np.empty((draws, *own.shape))
        for draw in range(draws):
            np.take(own, rng.permutation(len(own)), axis=0, out=dealt[draw])
        return dealt.reshape(draws, -1).T
    permuted = np.tile(history, (draws, 1))
    for rows in groups:
        own = history[rows]
        for draw in range(draws):
            permuted[draw, rows] = own[rng.permutation(len(rows))]
    return permuted.T


def instruments(trial: Trial) -> list[str]:
    """What the design's instruments are called; none unless the estimator works by them."""
    if getattr(trial.estimator, "strategy", "") != "iv":
        return []
    return [one.name for one in trial.identification.instruments if one.name in trial.fixed.columns]


def refit_permuted(
    trial: Trial, name: str, history: Floats, groups: list[Ints], draws: int, rng: np.random.Generator, lost: list[str] | None = None
) -> tuple[Floats, Floats]:
    """Effects and errors of dealt histories, shape (draws,) each.

    Instruments go with the histories that they moved: without them no first stage is left, and nothing can be said of any error. Where cross-fits left
    residuals these are dealt, and `groups` are of the score's own rows.

    Parameters
    ----------
    trial, name : whose answers, and the step's name.
    history, groups : shape (rows,), what is dealt; and the rows of those among whom.
    draws, rng : how often, by which stream.
    lost : where to note why a refit has no answer, where a library broke off.
    """
    moving = instruments(trial)
    effects, errors = [], []
    rows = len(history) if trial.score is None else trial.score.over.rows
    width = max(1, BLOCK // rows)
    for at in range(0, draws, width):
        some = min(width, draws - at)
        if trial.score is not None:
            drawn = trial.permuted(permute_histories(np.arange(rows, dtype=float), groups, some, rng).astype(np.int64))
        elif not moving:
            drawn = trial.redraw(name, treatment=permute_histories(history, groups, some, rng), lost=lost)
        else:
            source = permute_histories(np.arange(rows, dtype=float), groups, some, rng).astype(np.int64)
            beside = {one: trial.fixed.columns[one][source] for one in moving}
            drawn = trial.redraw(name, treatment=history[source], columns=beside, lost=lost)
        effects.append(drawn[0])
        errors.append(drawn[1])
    return np.concatenate(effects), np.concatenate(errors)
