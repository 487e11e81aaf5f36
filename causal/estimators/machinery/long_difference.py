"""From a panel to one row for each authority: the change between two windows of years (a long difference), or what a cross-section is already.

Each authority gives its outcome's change between the windows, whether it took the treatment up in between, and what was known of it in the first
(`causal.windows`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Any

import numpy as np

from causal.arrays import Floats
from causal.design import GONE, Design
from causal.errors import ConfigError, DesignError, refusal
from causal.estimators.machinery.one_row import CrossSection
from causal.estimators.machinery.transformed import expanded, scaled
from causal.knobs import is_whole
from causal.needs import Need
from causal.rows import Control
from causal.windows import between, windows

Years = tuple[int, int] | None
FEWEST_OF_A_KIND = 5


def check_windows(before: Any, after: Any) -> tuple[Years, Years]:
    """Two windows from a configuration, each null or [first year, last year].

    Parameters
    ----------
    before, after : [first year, last year], or None.

    Raises
    ------
    ConfigError : something else.
    """
    made: list[Years] = []
    for key, window in (("before", before), ("after", after)):
        if window is None:
            made.append(None)
            continue
        years = list(window) if isinstance(window, Sequence) and not isinstance(window, str) else []
        if len(years) != 2 or any(not is_whole(year) for year in years):
            raise refusal(
                ConfigError, f"{key}", "[first year, last year], or null for the two years at that end of the data", repr(window), "write two years in a list"
            )
        made.append((years[0], years[1]))
    return made[0], made[1]


@lru_cache(maxsize=1)  # what an estimator needs is seen on the rows that it then takes
def cross_section(design: Design, *, before: Years, after: Years, base_outcome: bool = True, change: bool = True, degree: int = 1) -> CrossSection:
    """One row for each authority: as the design has it, or between two windows of its years.

    Parameters
    ----------
    design : one row for each authority, or several.
    before, after : first and last outcome year of each window; None takes two years at that end.
    base_outcome : whether the outcome's level in the first window is adjusted for.
    change : whether the outcome is its change between the windows, or its level in the last.
    degree : of the polynomial of the covariates.

    Raises
    ------
    DesignError : a cross-section whose treatment has not the question's two values; windows in which nobody or everybody takes it up;
        fewer than five authorities of a kind.
    """
    question, half, panel = design.question, 0, design.rows != len(design.authorities)
    if not panel:
        two = sorted((question.control, question.treated))
        if not np.array_equal(np.unique(design.treatment), two):
            values = np.unique(design.treatment)
            raise refusal(
                DesignError,
                f"{question.treatment}",
                f"a treatment of two values, {two[0]:g} and {two[1]:g}, for one row of each authority",
                f"{len(values)} values from {values[0]:g} to {values[-1]:g}",
                "make a column of two values, or ask with  question.control=… question.treated=…",
            )
        years = design.year_dummies() if "year" in design.absorb else np.empty((design.rows, 0))
        columns = np.column_stack([design.controls, design.time_invariant, years])
        names = (*design.control_names, *design.time_invariant_names, *(f"year {year}" for year in design.years[1:][: years.shape[1]]))
        up = question.contrast > 0
        made = replace(
            design,
            question=replace(question, control=0.0 if up else 1.0, treated=1.0 if up else 0.0),
            treatment=(design.treatment == two[1]).astype(float),
            controls=columns,
            control_names=names,
            control_groups={Control(name): (i,) for i, name in enumerate(names)},
            time_invariant=np.empty((design.rows, 0)),
            time_invariant_names=(),
            absorb=(),
        )
        spans: tuple[tuple[int, int], ...] = ()
    else:
        made = between(design, before=before, after=after, change=change)
        first, last = windows(design, before, after)
        if not base_outcome:
            kept = tuple(range(1, made.controls.shape[1]))
            names = tuple(made.control_names[i] for i in kept)
            made = replace(made, controls=made.controls[:, kept], control_names=names, control_groups={Control(name): (i,) for i, name in enumerate(names)})
        spans = (first, last)
        half = _half_treated(design, made, last)
    on = made.treatment
    for kind, number in (("treated", int(on.sum())), ("untreated", int(len(on) - on.sum()))):
        if number < FEWEST_OF_A_KIND:
            raise refusal(
                DesignError,
                "the windows",
                f"at least {FEWEST_OF_A_KIND} {kind} authorities to compare with",
                f"{number}",
                "choose other windows or another level",
            )
    whom = None if made.question.target == "ATE" else int(made.question.treated)
    return CrossSection(design=made, on=on, features=curved(made, degree), whom=whom, windows=spans, half=half, changed=panel and change)


def curved(design: Design, degree: int) -> Floats:
    """The covariates of mean 0 and standard deviation 1, and from degree 2 on their powers and products that the others do not tell; shape (rows, k)."""
    if degree == 1:
        return scaled(design.controls)
    features = scaled(expanded(design, degree))
    basis, kept = np.empty((len(features), 0)), []
    for j, column in enumerate(features.T):
        residualised = column - basis @ (basis.T @ column)
        # the square of a 0 or 1 is itself again
        if np.linalg.norm(residualised) > GONE * np.linalg.norm(column):
            kept.append(j)
            basis = np.column_stack([basis, residualised / np.linalg.norm(residualised)])
    return np.asarray(features[:, kept])


def check_degree(degree: Any) -> None:
    """Refuse a degree that is none.

    Raises
    ------
    ConfigError : not 1, 2 or 3.
    """
    if not is_whole(degree, 1, 3):
        raise refusal(ConfigError, "degree", "1, 2 or 3", repr(degree), "write  estimator.degree=1")


def _half_treated(design: Design, made: Design, last: tuple[int, int]) -> int:
    """Adopters that some year of the last window still saw on the other side of the level."""
    inside = (design.year >= last[0]) & (design.year <= last[1])
    share = (design.treatment - design.question.control) / design.question.contrast
    # `between` turns the question round where authorities move to its control level
    turned = made.question.contrast < 0
    reached = share <= 1e-9 if turned else share >= 1 - 1e-9
    late = np.bincount(design.authority[inside & ~reached], minlength=len(design.authorities)) > 0
    names = {design.authorities[a] for a in np.flatnonzero(late).tolist()}
    return sum(made.authorities[a] in names for a in made.authority[made.treatment == 1]) if names else 0


def _two_kinds(estimator: Any, design: Design) -> str | None:
    try:
        estimator.rows(design)
    except DesignError as why:
        return str(why)
    return None


def _both_in_folds(estimator: Any, design: Design) -> str | None:
    try:
        made = estimator.rows(design)
    except DesignError:
        return None  # said by the need for two kinds
    least = min(len(np.unique(made.design.cluster[made.on == kind])) for kind in (0.0, 1.0))
    if least >= 2 * estimator.folds:
        return None
    return f"{estimator.folds} folds take at least {2 * estimator.folds} treated and as many untreated clusters, and of one kind there are {least}"


TWO_KINDS = Need("authorities that take the treatment up and others that do not", _two_kinds)


BOTH_IN_FOLDS = Need("twice as many clusters of either kind as folds", _both_in_folds)
