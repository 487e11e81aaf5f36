"""Estimators: one file each, or one small family; here how one refuses what it cannot do and names those that can."""

from __future__ import annotations

from functools import cache
from importlib import import_module
from inspect import getmembers, isclass
from pkgutil import iter_modules
from typing import Any

from causal.design import Design
from causal.errors import DesignError, refusal
from causal.needs import offered, unmet_requirements
from causal.words import listed


@cache
def shelf() -> dict[str, type[Any]]:
    """Every estimator of this folder, by name: the classes that say what they need and can be made without a knob."""
    found = {}
    for module in iter_modules(__path__):
        home = import_module(f"{__name__}.{module.name}")
        members: list[tuple[str, type[Any]]] = getmembers(home, isclass)
        for _, made in members:
            if made.__module__ == home.__name__ and hasattr(made, "needs") and hasattr(made, "estimate"):
                found[str(made().name)] = made
    return dict(sorted(found.items()))


def able(design: Design) -> tuple[str, ...]:
    """Names of the estimators that can serve a design and answer the average that it asks for, with their knobs as they come."""
    return tuple(name for name, made in shelf().items() if offered(made(), design))


def serve(estimator: Any, design: Design) -> None:
    """Refuse a design that the estimator cannot serve, before anything is fitted.

    Parameters
    ----------
    estimator : with its `needs` and `answers`.
    design : what it is asked.

    Raises
    ------
    DesignError : why it cannot, and which estimators can.
    """
    if reasons := unmet_requirements(estimator, design):
        others = listed([name for name in able(design) if name != estimator.name])
        raise refusal(
            DesignError,
            estimator.name,
            "a design that it can answer",
            f"one that it cannot: {'; '.join(reasons)}",
            f"estimators that can answer as asked: {others or 'none on the shelf'}",
        )
