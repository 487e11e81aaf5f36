"""Columns that take the place of treatment or outcome in the estimator's own regression, and answers to many of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Literal, TypeVar

import numpy as np

from causal.arrays import Floats
from causal.design import Design
from causal.draws import stream
from causal.estimate import Estimator, Linear
from causal.trial import Trial

T = TypeVar("T")


def carried(estimator: Estimator, design: Design, columns: Floats, place: Literal["treatment", "outcome"]) -> Floats:
    """Columns put in the place of treatment or outcome, as the estimator's own regression has them.

    Parameters
    ----------
    estimator : linear or not.
    design : the one asked about.
    columns : shape (rows of the design, k).
    place : which of the two.

    Returns
    -------
    columns : shape (rows of the regression, k); the same columns where the estimator is not linear.
    """
    if not isinstance(estimator, Linear) or estimator.regression(design) is design:
        return columns
    return np.column_stack([getattr(estimator.regression(replace(design, **{place: column})), place) for column in columns.T])


def in_turn(trial: Trial, name: str, step: Callable[[int, np.random.Generator], T], number: int) -> list[T]:
    """`Trial.map`, without the cost of handing out work where each fit takes milliseconds; the numbers are the same.

    Parameters
    ----------
    trial : the analysis.
    name : the refuter's, for its streams.
    step : gives what it finds in one turn, of its number and stream.
    number : of turns.
    """
    if trial.linear:
        return [step(i, stream(trial.seed, name, i)) for i in range(number)]
    return trial.map(name, step, number)
