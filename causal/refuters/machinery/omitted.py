"""How strong measured causes are, as a yardstick for one that was left out.

Cinelli & Hazlett 2020, Making sense of sensitivity: extending omitted variable bias.
"""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from causal.arrays import Floats, Ints
from causal.design import Design
from causal.errors import DataError
from causal.graph import undated
from causal.rows import Control
from causal.trial import Trial
from causal.words import count


def bound(r2dx: float, r2yx: float, multiple: float) -> tuple[float, float] | None:
    """Strengths of a confounder some times as strong as a measured one; None where no such confounder can be (Cinelli & Hazlett 2020, sec. 4.4).

    Parameters
    ----------
    r2dx : partial R² of the measured one with the treatment.
    r2yx : its partial R² with the outcome, given the treatment.
    multiple : how many times as strong.

    Returns
    -------
    r2dz, r2yz : partial R² with the treatment and with the outcome.
    """
    if not r2dx < 1 or not r2yx < 1:
        return None
    r2dz = multiple * r2dx / (1 - r2dx)
    if r2dz >= 1 or multiple * r2dx >= 1:
        return None
    tie = multiple * r2dx**2 / ((1 - multiple * r2dx) * (1 - r2dx))
    if tie >= 1:
        return None
    r2yz = ((math.sqrt(multiple) + math.sqrt(tie)) / math.sqrt(1 - tie)) ** 2 * r2yx / (1 - r2yx)
    return r2dz, min(r2yz, 1 - 1e-12)


def residuals(design: Design, dropped: tuple[int, ...], folds: Ints | None) -> tuple[Floats, Floats]:
    """Outcome and treatment without what is absorbed and the controls, some columns dropped; shape (rows,) each.

    Parameters
    ----------
    design : the design.
    dropped : columns of `controls`.
    folds : shape (rows,), of cross-fitting with squares and products; None for straight lines fitted to all rows.
    """
    kept = [j for j in range(design.controls.shape[1]) if j not in dropped]
    pair = np.column_stack([design.outcome, design.treatment])
    if folds is None:
        residualised = replace(design, controls=design.controls[:, kept]).partial_out(pair)
        return residualised[:, 0], residualised[:, 1]
    alone = [columns[0] for columns in design.control_groups.values() if len(columns) == 1 and columns[0] not in dropped]
    centred = design.controls[:, alone] - design.controls[:, alone].mean(axis=0)
    products = [centred[:, i] * centred[:, j] for i in range(len(alone)) for j in range(i, len(alone))]
    residualised, features = design.within(pair, np.column_stack([design.controls[:, kept], *products]))
    features = features[:, np.linalg.norm(features, axis=0) > 1e-9 * np.sqrt(design.rows)]
    if not features.shape[1]:
        return residualised[:, 0], residualised[:, 1]
    # scikit-learn takes a second to import
    from sklearn.linear_model import RidgeCV

    features, out = features / features.std(axis=0), np.empty_like(residualised)
    for fold in np.unique(folds):
        here = folds == fold
        model = RidgeCV(alphas=np.logspace(-3, 5, 17), alpha_per_target=True, fit_intercept=False).fit(features[~here], residualised[~here])
        out[here] = residualised[here] - model.predict(features[here])
    return out[:, 0], out[:, 1]


def benchmarks(design: Design, treatment: Floats, outcome: Floats, folds: Ints | None) -> dict[Control, tuple[float, float]]:
    """Each measured control, or group of columns that stand for one cause: its partial R² with treatment, and with outcome given treatment.

    Parameters
    ----------
    design : the design.
    treatment, outcome : shape (rows,), residuals on all controls, by the same `folds` as in `residuals`.
    folds : shape (rows,), or None, as in `residuals`.
    """
    rank = design.basis().shape[1]
    left = float(treatment @ treatment)
    beside = float(((outcome - treatment * (treatment @ outcome) / left) ** 2).sum())
    found = {}
    for group, columns in design.control_groups.items():
        others = [j for j in range(design.controls.shape[1]) if j not in columns]
        if replace(design, controls=design.controls[:, others]).basis().shape[1] == rank:
            continue  # the other controls tell it: it has no strength of its own
        y, d = residuals(design, columns, folds)
        left_d = float(d @ d)
        left_y = float(((y - d * (d @ y) / left_d) ** 2).sum())
        found[group] = (max(0.0, 1 - left / left_d), max(0.0, 1 - beside / left_y))
    return found


def label(trial: Trial, group: Control) -> str:
    """Words for a control: its variable's label, with how long before the outcome it is dated, and with "× year" kept.

    Parameters
    ----------
    trial : its panel has the labels.
    group : the control.
    """
    name, by = undated(group.cause)
    try:
        words = trial.panel.variable(name).label + (f", {count(-by, 'year')} before the outcome" if by else "")
    except DataError:
        words = group.cause
    return f"{words} × year" if group.by_year else words


def in_short(trial: Trial, group: Control) -> str:
    """A control in few words: its headline name, without its date; "changing deprivation" for one that acts by year.

    Parameters
    ----------
    trial : its panel has the labels.
    group : the control.
    """
    name, _ = undated(group.cause)
    try:
        variable = trial.panel.variable(name)
        words = variable.short or variable.label
    except DataError:
        words = group.cause
    return f"changing {words}" if group.by_year else words
