"""Designs made from a design: the changes from year to year, and one row for each authority between two windows of years.

Estimators that take rows as independent (propensity scores, matching, doubly robust and meta-learners) never pool authority-years: they
get one row an authority, its outcome's change between two stated windows, whether it adopted the treatment in between, and what was known
of it in the first window (Abadie 2005, Semiparametric difference-in-differences estimators).
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from causal.arrays import Floats, Ints
from causal.design import Design
from causal.errors import DesignError, refusal
from causal.panel import Loss
from causal.rows import Control
from causal.words import count

Window = tuple[int, int]


def differenced(design: Design) -> Design:
    """Changes from the year before of outcome, treatment and controls; authority effects are gone with them.

    Raises
    ------
    DesignError : no authority is seen in two successive years.
    """
    later = np.flatnonzero((np.diff(design.authority) == 0) & (np.diff(design.year) == 1)) + 1
    if not len(later):
        raise refusal(DesignError, "changes from year to year", "authorities seen in two successive years", "none", "give more years")
    changed = replace(
        design,
        outcome=_change(design.outcome, later),
        treatment=_change(design.treatment, later),
        controls=_change(design.controls, later),
        columns={name: _change(values, later) for name, values in design.columns.items()},
        time_invariant=np.empty((design.rows, 0)),
        time_invariant_names=(),
        absorb=tuple(name for name in design.absorb if name != "authority"),
    )
    return changed.subset(later, "no row the year before, so no change")


def _change(values: Floats, later: Ints) -> Floats:
    change = np.zeros_like(values)
    change[later] = values[later] - values[later - 1]
    return change


def windows(design: Design, before: Window | None = None, after: Window | None = None) -> tuple[Window, Window]:
    """The two windows of outcome years, first and last year of each: as given, or the first two and the last two years.

    Parameters
    ----------
    design : whose outcome years they are.
    before, after : first and last year of each; None takes the first two, or the last two, of four years or more, and one of fewer.

    Raises
    ------
    DesignError : they overlap, or hold no year of the design.
    """
    years = design.years
    two = 2 if len(years) >= 4 else 1
    first = (int(years[0]), int(years[two - 1])) if before is None else (int(before[0]), int(before[-1]))
    last = (int(years[-two]), int(years[-1])) if after is None else (int(after[0]), int(after[-1]))
    if not first[0] <= first[1] < last[0] <= last[1]:
        raise refusal(
            DesignError,
            "the windows",
            "two, one before the other",
            f"{first} and {last}, of a design with the years {years[0]} to {years[-1]}",
            "choose others",
        )
    for window in (first, last):
        if not ((years >= window[0]) & (years <= window[1])).any():
            raise refusal(DesignError, f"the window {window[0]} to {window[1]}", f"a year of the design, {years[0]} to {years[-1]}", "none", "choose another")
    return first, last


def between(design: Design, *, before: Window | None = None, after: Window | None = None, binary: bool = True, change: bool = True) -> Design:
    """One row for each authority: the outcome's change between two windows, and what was known of it in the first.

    What changes in time and the graph can spare (`Identification.spared`) is left out of the covariates of a change.

    Parameters
    ----------
    design : one row for each authority-year.
    before, after : first and last outcome year of each window; None takes the first two and the last two years.
    binary : the treatment is 1 for authorities that adopted between the windows and 0 for those that did not (the state that most moved to counts as adopted,
        and the question is turned round with it); those already there in the first window are left out. False keeps the dose, as its change between the
        windows.
    change : False keeps the outcome's level in the last window instead of its change.

    Returns
    -------
    A `Design` that absorbs nothing, with `outcome` and `treatment` of shape (authorities,), and as `controls` the outcome's level, the
    constant causes and the other controls in the first window. `year` is the last window's last year. Where `binary`, its question asks
    for 0 against 1, so that `question.contrast` is ±1.

    Raises
    ------
    DesignError : overlapping windows, too few authorities seen in both, or nobody (or everybody) adopted in between.
    """
    first, last = windows(design, before, after)
    question = design.question
    early, late = (_means(design, window) for window in (first, last))
    kept = np.flatnonzero(~np.isnan(early["outcome"]) & ~np.isnan(late["outcome"]))
    rows = np.flatnonzero(np.r_[np.diff(design.authority) != 0, True])[kept]
    # of a change, places themselves are held fixed; of a level, what is known of them in one year stands for them
    spared = design.identification.spared if change else ()
    names = [name for name in early if name not in ("outcome", "treatment", "last treatment", "population", *spared)]
    label = f"{design.outcome_variable.name} {first[0]}–{first[1]}"
    covariates = np.column_stack([early["outcome"][kept], *(early[name][kept] for name in names)])
    treatment = (late["treatment"] - early["treatment"])[kept]
    spans = [f"{first[0]}–{first[1]}", f"{last[0]}–{last[1]}"]
    words = f"One row an authority: the outcome's {'change from ' + spans[0] + ' to' if change else 'level in'} {spans[1]}, covariates as in {spans[0]}."
    out = np.ones(len(design.authorities), dtype=bool)
    out[kept] = False
    gone = tuple(name for name, unseen in zip(design.authorities, out, strict=True) if unseen)
    losses = [Loss(step=f"not seen in both {spans[0]} and {spans[1]}", rows=int(out[design.authority].sum()), authorities=gone)]
    made = replace(
        design.subset(rows),
        outcome=late["outcome"][kept] - (early["outcome"][kept] if change else 0.0),
        treatment=treatment,
        controls=covariates,
        control_names=(label, *names),
        control_groups={Control(name): (i,) for i, name in enumerate((label, *names))},
        time_invariant=np.empty((len(kept), 0)),
        time_invariant_names=(),
        absorb=(),
        year=np.full(len(kept), last[1], dtype=np.int64),
        columns={},
        weights=None if design.weights is None else _weights(design, first, kept),
        population=early["population"][kept] if "population" in early else None,
        words=(*design.words, words),
        lost=(*design.lost, *(losses if gone else ())),
    )
    if not binary:
        return made
    then, now = ((level[kept] - question.control) / question.contrast for level in (early["last treatment"], late["last treatment"]))
    up, down = (then < 1 - 1e-9) & (now >= 1 - 1e-9), (then > 1e-9) & (now <= 1e-9)
    turned = down.sum() > up.sum()
    adopted, at_risk = (down, then > 1e-9) if turned else (up, then < 1 - 1e-9)
    level = question.control if turned else question.treated
    if not adopted.any() or adopted[at_risk].all():
        raise refusal(
            DesignError,
            f"{count(int(at_risk.sum()), 'authority', 'authorities')} not yet at {level:g} in {first[0]}–{first[1]}",
            f"some that reached it by {last[1]} and some that did not, to compare",
            f"{int(adopted.sum())} that did",
            "choose other windows, or another level with  question.treated=…",
        )
    asked = replace(question, control=1.0 if turned else 0.0, treated=0.0 if turned else 1.0)
    made = replace(made, question=asked, treatment=adopted.astype(float), words=(*made.words, f"Treated: reached {level:g} between the windows."))
    return made.subset(np.flatnonzero(at_risk), f"already at {level:g} in {first[0]}–{first[1]}")


def _means(design: Design, window: Window) -> dict[str, Floats]:
    """Each authority's mean over a window, shape (authorities,), NaN where it has no row there; columns by year come as their cause."""
    inside = np.flatnonzero((design.year >= window[0]) & (design.year <= window[1]))
    at, number = design.authority[inside], len(design.authorities)
    columns = {"outcome": design.outcome, "treatment": design.treatment}
    columns |= {name: design.time_invariant[:, i] for i, name in enumerate(design.time_invariant_names)}
    # with authorities absorbed a cause × year has no column for its level, which is then among the nested ones
    level = {group.cause: at[0] for group, at in design.control_groups.items() if len(at) == 1 or "authority" not in design.absorb}
    columns |= {name: design.controls[:, at] for name, at in level.items()}
    if design.population is not None:
        columns["population"] = design.population

    def mean(values: Floats) -> Floats:
        known = np.isfinite(values)  # of a population some may not be
        with np.errstate(invalid="ignore"):
            return np.bincount(at[known], weights=values[known], minlength=number) / np.bincount(at[known], minlength=number)

    found = {name: mean(values[inside]) for name, values in columns.items()}
    found["last treatment"] = np.full(number, np.nan)
    found["last treatment"][at] = design.treatment[inside]  # rows are sorted by year, so the last of each stays
    return found


def _weights(design: Design, window: Window, kept: Ints) -> Floats:
    assert design.weights is not None
    inside = (design.year >= window[0]) & (design.year <= window[1])
    sums = np.bincount(design.authority[inside], weights=design.weights[inside], minlength=len(design.authorities))[kept]
    return np.asarray(sums / sums.mean())
