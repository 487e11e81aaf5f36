"""Refuters: one file each; here the few words and checks that they share."""

from __future__ import annotations

import importlib
import math
import pkgutil
from collections import Counter
from collections.abc import Callable, Sequence
from functools import lru_cache, partial
from typing import Any

import numpy as np

from causal.arrays import Floats
from causal.design import Design
from causal.design import whole_units as whole_units
from causal.refutation import Refutation
from causal.refute import Refuter
from causal.trial import Trial
from causal.words import count, places, signed

NO_ERROR = 1e-9  # share of the outcome's spread within what is absorbed, up to which a standard error is none


@lru_cache(maxsize=1)
def shelf() -> dict[str, type[Any]]:
    """Every check of this folder, by name: the classes that have `refute` and say their plain name."""
    found: dict[str, type[Any]] = {}
    for module in pkgutil.iter_modules(__path__):
        home = importlib.import_module(f"{__name__}.{module.name}")
        for value in vars(home).values():
            if isinstance(value, type) and value.__module__ == home.__name__ and hasattr(value, "refute") and isinstance(getattr(value, "label", None), str):
                found[module.name] = value
    return found


def labels() -> dict[str, str]:
    """The plain name of every check on the shelf, as its class says it."""
    return {name: str(made.label) for name, made in shelf().items()}


def amount(trial: Trial, value: float) -> str:
    """A size in the outcome's unit, with the decimals of the estimate it belongs to: "+3.21 per 10,000 children".

    Parameters
    ----------
    trial : gives the unit and the decimals.
    value : outcome units.
    """
    estimate = trial.estimate
    scale = max(abs(estimate.effect), estimate.std_error or 0.0)
    return f"{signed(value, places(scale))} {trial.design.outcome_variable.unit}"


def error_on_trial(trial: Trial, name: str) -> float:
    """What the standard errors of `trial.redraw` are multiplied by to be the estimate's own kind of error, which is the one on trial; 1 where they are.

    Parameters
    ----------
    trial : of a linear estimator the redraws have the matrix step's clustered error; an estimator of another kind is fitted again and gives its own.
    name : the check's, for the step's stream.
    """
    if not trial.linear or trial.estimate.std_error is None:
        return 1.0
    _, own = trial.redraw(name, treatment=trial.fixed.treatment[:, None])
    ratio = trial.estimate.std_error / float(own[0]) if own[0] > 0 else 1.0
    return ratio if abs(ratio - 1) > 1e-6 else 1.0


def size(trial: Trial, value: float) -> str:
    """The same without a sign, for a standard error or a distance.

    Parameters
    ----------
    trial : gives the unit and the decimals.
    value : outcome units.
    """
    return amount(trial, abs(value)).lstrip("+")


def p_text(p_value: float) -> str:
    """A p-value as printed: "p = 0.037", "p < 0.001"."""
    return "p < 0.001" if p_value < 0.001 else f"p = {p_value:.3f}"


def reporting(check: Refuter, *, asks: str, expected: str, detects: str, cannot_detect: str) -> Callable[..., Refutation]:
    """What makes this check's `Refutation`: its name and what its class says of it are there already, and the words that stand whatever it finds.

    Parameters
    ----------
    check : whose it is.
    asks, expected, detects, cannot_detect : as `Refutation` has them.
    """
    return partial(
        Refutation,
        name=check.name,
        family=check.family,
        role=check.role,
        label=check.label,
        asks=asks,
        expected=expected,
        detects=detects,
        cannot_detect=cannot_detect,
    )


def not_run(report: Callable[..., Refutation], reason: str, **more: Any) -> Refutation:
    """A check that could not be run, and why.

    Parameters
    ----------
    report : makes a `Refutation` with the refuter's own words.
    reason : the end of "Not run: …", without a full stop.
    **more : further fields.
    """
    return report(**({"found": f"Not run: {reason}."} | more), p_value=None, survived=None, reason=reason)


BLOCK = 40_000_000  # numbers that are drawn at once: 320 MB
MOST = 200_000_000  # rows × draws that a check takes: 500 draws up to 400,000 rows, 200 on a million


def capped(draws: int, rows: int, least: int) -> int:
    """As many draws as are asked for, fewer where rows × draws would be more than MOST.

    Parameters
    ----------
    draws : asked for.
    rows : that one draw takes.
    least : fewest that tell anything; where fewer are asked for, these.
    """
    return min(draws, max(least, MOST // max(rows, 1)))


def capped_words(made: int, asked: int) -> str:
    """What is said where fewer draws were made than asked for; "" where not.

    Parameters
    ----------
    made, asked : how many.
    """
    return f" Of {asked} draws {made} were made, as there are so many rows." if made < asked else ""


KEPT = " Residuals of the estimate's own cross-fits were asked, with what was learnt of the controls kept."


def kept_words(trial: Trial) -> str:
    """What is said where draws rest on what was learnt once; "" where they do not."""
    return KEPT if trial.score is not None else ""


def lost_words(lost: Sequence[str]) -> str:
    """Why refits were lost to a library, the commonest first; "" where none was."""
    if not lost:
        return ""
    reason, often = Counter(lost).most_common(1)[0]
    return f" {count(len(lost), 'refit was', 'refits were')} lost as a library broke off, {often} with {reason}."


def unsure(trial: Trial) -> str | None:
    """Why an estimate's own standard error cannot be checked; None if it can."""
    error = trial.estimate.std_error
    if error is None:
        return f"{trial.estimate.estimator} gives no standard error that could be checked"
    if not (math.isfinite(error) and error > 0 and math.isfinite(trial.estimate.effect)):
        return f"{trial.estimate.estimator} gives an effect of {trial.estimate.effect:g} with a standard error of {error:g}"
    spread = varies(trial.design)
    if spread is None:
        return "the outcome does not vary once places and years are taken out, so there is nothing to check"
    if error <= NO_ERROR * spread:
        fits = f"a standard error of {error:.1g} beside a spread of {spread:.2g}"
        return f"{trial.estimate.estimator} fits the outcome wholly ({fits}), so there is nothing to check"
    return None


def varies(design: Design) -> float | None:
    """Standard deviation of the outcome once what is absorbed is taken out; None where nothing is left of it."""
    spread = float(design.demean(design.outcome[:, None]).std())
    return spread if spread > NO_ERROR * float(np.abs(design.outcome).max(initial=0.0)) else None


def drawn_clusters(design: Design, units: Floats) -> Floats:
    """Counts of units, shape (units, draws), as counts of clusters; shape (clusters, draws), columns contiguous.

    Parameters
    ----------
    design : whose clusters they are.
    units : shape (units, draws), how often each unit is drawn.
    """
    unit, _ = whole_units(design)
    if len(design.clusters) == len(units) and (unit == design.cluster).all():
        return units
    of = np.zeros(len(design.clusters), dtype=np.int64)
    of[design.cluster] = unit
    return np.asfortranarray(units[of])
