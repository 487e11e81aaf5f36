"""A design's logit: the columns that it has, and the average effect that its slopes make, in outcome units.

Places stand by their means over the years (Mundlak 1978, On the pooling of time series and cross section data), years by columns. What an estimator answers
with and what checks of it refit is made here, so that both mean the same model.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal, Protocol, runtime_checkable

import numpy as np

from causal.arrays import Floats
from causal.design import Design
from causal.errors import NotEstimable, Separated, refusal
from causal.inference.clustered import Fit
from causal.inference.logit import EXTREME, Logit, along, average, full_rank, logit, parts_outcomes, steepness
from causal.needs import percent
from causal.words import listed

Effect = Literal["contrast", "slope"]
EFFECTS = ("contrast", "slope")


@runtime_checkable
class OfOdds(Protocol):
    """An estimator that is a logit of its design."""

    @property
    def odds(self) -> Effect:
        """Which average effect it answers with: along the curve from control to treated, or the mean slope."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Model:
    """The columns of a design's logit.

    Parameters
    ----------
    columns : shape (rows, k), of full rank; the treatment stands last.
    names : of each column.
    outcome : shape (rows,), from 0 to 1.
    unit : what an outcome of 1 is in the outcome's own unit, 100 for per cent.
    centre : the treatment's mean, which its column has lost.
    """

    columns: Floats
    names: tuple[str, ...]
    outcome: Floats
    unit: float
    centre: float


def model_of(design: Design) -> Model:
    """The columns of a design's logit: constant, years, controls, and where authorities are absorbed their means of treatment and controls.

    Parameters
    ----------
    design : whose outcome lies between 0 and 1, or 0 and 100 per cent.

    Raises
    ------
    NotEstimable : nothing is left of the treatment.
    """
    pooled, names, columns = design.pooled(), ["constant"], [np.ones((design.rows, 1))]
    if "year" in pooled.absorb:
        years = pooled.year_dummies()
        columns.append(years)
        names += [f"year effect {j + 1}" for j in range(years.shape[1])]
    columns.append(pooled.controls)
    names += list(pooled.control_names)
    if "authority" in design.absorb:
        moving = np.column_stack([design.controls, design.treatment])
        columns.append(_means(moving, design))
        names += [f"mean of {name} over the years of the authority" for name in (*design.control_names, design.question.treatment)]
    whole = np.column_stack([*columns, design.treatment])
    means = whole.mean(axis=0)
    centred = whole - np.r_[0.0, means[1:]]
    kept = full_rank(centred)
    if whole.shape[1] - 1 not in kept:
        raise refusal(
            NotEstimable,
            f"the logit of {design.question.outcome}",
            f"a treatment of which something is left once {listed(names[1:4]) or 'the constant'} and what else is held fixed are taken out",
            f"{design.question.treatment}, which they tell wholly",
            "ask with one that changes within an authority, or hold less fixed with  adjust_for=[…]",
        )
    unit = percent(design)
    every = (*names, design.question.treatment)
    return Model(columns=centred[:, kept], names=tuple(every[k] for k in kept), outcome=design.outcome / unit, unit=unit, centre=float(means[-1]))


def fitted(design: Design, model: Model) -> Logit:
    """The logit of a design.

    Parameters
    ----------
    design : outcome and weights of its rows.
    model : columns, outcome and their names.

    Raises
    ------
    NotEstimable : columns part outcomes of 0 from those of 1.
    """
    made = logit(model.columns, model.outcome, row_weights_of(design))
    if np.abs(made.index).max() > EXTREME and (way := parts_outcomes(model.columns, model.outcome)) is not None:
        tells = np.abs(way) * np.abs(model.columns).max(axis=0)
        named = [model.names[k] for k in np.argsort(-tells)[:3] if tells[k] > 1e-6 and model.names[k] != "constant"] or [model.names[-1]]
        raise refusal(
            Separated,
            f"the logit of {design.question.outcome}",
            "rows of 0 and of 1 at every level of what is held fixed, so that some ratio of odds fits best",
            f"{listed(named)}, which {'tells' if len(named) == 1 else 'tell'} the ones from the others (separation)",
            "leave a control out with  adjust_for=[…], take years together, or take  estimator=fixed_effects",
        )
    return made


def averaged(kind: Effect, design: Design, model: Model, made: Logit) -> Fit:
    """The average effect of one unit of the contrast, in outcome units, as a fit.

    Parameters
    ----------
    kind : of average.
    design, model, made : the treatment is the last column of both.
    """
    effect, way = effect_of(kind, made, len(made.slopes) - 1, design, model.centre)
    return scaled(along(made, way, design.cluster, len(design.clusters)), effect, model, design)


def effect_of(kind: Effect, model: Logit, at: int, design: Design, centre: float) -> tuple[float, Floats]:
    """The whole contrast's effect, outcome from 0 to 1, and how it moves with the slopes; shape (k,).

    Parameters
    ----------
    kind : of average.
    model : the fit, of the rows averaged over.
    at : the treatment's column, which holds the treatment less `centre`.
    design : whose question it is.
    centre : the treatment's unit.
    """
    question = design.question
    if kind == "slope":
        effect, way = steepness(model, at)
        return effect * question.contrast, way * question.contrast
    high, low = model.columns.copy(), model.columns.copy()
    high[:, at], low[:, at] = question.treated - centre, question.control - centre
    return average(model, high, low)


def scaled(fit: Fit, effect: float, model: Model, design: Design) -> Fit:
    """A fit along a way as the effect of one unit of contrast, outcome units.

    Parameters
    ----------
    fit : along the way in which the effect moves with the slopes.
    effect : of the whole contrast, outcome from 0 to 1.
    model, design : say the units.
    """
    size = model.unit / design.question.contrast
    return replace(fit, coefficients=np.array([effect * size]), scores=fit.scores * size)


def _means(values: Floats, design: Design) -> Floats:
    """Each authority's means, on all of its rows; weighted where rows have weights."""
    number, weights = len(design.authorities), row_weights_of(design)
    total = np.bincount(design.authority, weights=weights, minlength=number)
    sums = [np.bincount(design.authority, weights=weights * column, minlength=number) for column in values.T]
    return np.column_stack([(one / total)[design.authority] for one in sums])


def row_weights_of(design: Design) -> Floats:
    """Shape (rows,), how much each row counts; ones where all count alike."""
    return np.ones(design.rows) if design.weights is None else design.weights
