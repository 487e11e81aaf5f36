"""Columns that take the place of treatment or outcome in the estimator's own regression, and answers to many of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Literal, TypeVar

import numpy as np

from causal.arrays import Floats
from causal.design import Design
from causal.estimate import Estimator, Linear
from causal.refute import Trial, stream

T = TypeVar("T")


def carried(estimator: Estimator, design: Design, columns: Floats, place: Literal["treatment", "outcome"]) -> Floats:
    """Columns put in the place of treatment or outcome, as the estimator's own regression has them.

    columns : shape (rows of the design, k). Returns shape (rows of the regression, k); the same columns where the estimator is not linear.
    """
    if not isinstance(estimator, Linear) or estimator.regression(design) is design:
        return columns
    return np.column_stack([getattr(estimator.regression(replace(design, **{place: column})), place) for column in columns.T])


def in_turn(trial: Trial, name: str, step: Callable[[int, np.random.Generator], T], number: int) -> list[T]:
    """`Trial.map`, without the cost of handing out work where each fit takes milliseconds; the numbers are the same."""
    if trial.linear:
        return [step(i, stream(trial.seed, name, i)) for i in range(number)]
    return trial.map(name, step, number)
