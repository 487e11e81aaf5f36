"""What each step of adjustment buys, and how the outcome moves with the treatment once all of it is made.

The same straight-line comparison is made with nothing held fixed, then with years, then with authorities, then with everything the graph asks for. The gap
between two steps is what the later one takes out (Gelbach 2016, When do covariates matter, on why the order is part of the answer: a gap belongs to its step
in this order only). The dose is the partial regression of Frisch, Waugh & Lovell: outcome on treatment, both without what is conditioned on, in tenths.
Both describe; neither is the answer, which is the estimator's own.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field, replace

import numpy as np

from causal.design import Design
from causal.errors import EstimationError
from causal.estimand import Estimand, compared
from causal.inference.clustered import interval
from causal.regression import estimated, least_squares

TENTHS = 10
FEWEST_LEVELS = 10  # a treatment of fewer levels has groups, not a dose


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """The straight-line comparison with so much held fixed; outcome units, for the whole contrast.

    Parameters
    ----------
    conditioning : "nothing", "year", "authority" or "controls": what this step adds to the ones before it.
    names : the causes it adds.
    by_year : those of them that act with their own strength in each year.
    effect, lower, upper : clustered as everywhere.
    rows, authorities : alike in all steps.
    """

    conditioning: str = field(metadata={"key": "held"})
    names: tuple[str, ...]
    effect: float
    lower: float | None
    upper: float | None
    rows: int
    authorities: int
    by_year: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Dose:
    """One tenth of the authority-years, by their treatment once all is conditioned on.

    Parameters
    ----------
    treatment, outcome : mean of what is left in this tenth, the overall mean added back; the variables' units.
    lower, upper : of that outcome, clustered, for this tenth alone.
    rows, authorities : in it.
    """

    treatment: float
    outcome: float
    lower: float
    upper: float
    rows: int
    authorities: int


def steps(design: Design) -> tuple[Step, ...]:
    """The ladder from nothing held fixed to all that the design holds fixed; empty where it is not a comparison through the back door."""
    if design.identification.strategy != "backdoor":
        return ()
    bare = design.pooled(adjust=False)
    rungs: list[tuple[str, tuple[str, ...], Design]] = [("nothing", (), bare)]
    conditioning: tuple[str, ...] = ()
    for name in ("year", "authority"):
        if name in design.absorb:
            conditioning = tuple(one for one in design.absorb if one in (*conditioning, name))
            rungs.append((name, (name,), replace(bare, absorb=conditioning)))
    if design.controls.shape[1] or design.grouped:
        rungs.append(("controls", (*(group.cause for group in design.control_groups), *design.grouped), design))
    found = []
    by_year = (*(group.cause for group in design.control_groups if group.by_year), *design.grouped)
    for what, names, one in rungs:
        with suppress(EstimationError):  # nothing of the treatment is left at this step
            made = estimated(
                one,
                least_squares(one, one.basis())[0],
                estimator="step",
                estimand=Estimand(family="step", comparison=compared(one), population="all", weighting="residual_variance"),
            )
            found.append(
                Step(
                    conditioning=what,
                    names=names,
                    effect=made.effect,
                    lower=made.lower,
                    upper=made.upper,
                    rows=made.rows,
                    authorities=made.authorities,
                    by_year=by_year if what == "controls" else (),
                )
            )
    return tuple(found)


def doses(design: Design) -> tuple[Dose, ...]:
    """Ten points of the outcome along the treatment, all else held fixed in a straight line; empty for treatments of few levels."""
    if design.identification.strategy != "backdoor" or len(np.unique(design.treatment)) < FEWEST_LEVELS:
        return ()
    basis = design.basis()
    # rows are scaled by the roots of their weights in both, which a picture of rows does not want
    outcome, treatment = (design.partial_out(column[:, None], basis)[:, 0] / design.root_weights for column in (design.outcome, design.treatment))
    if not np.ptp(treatment) > 0:
        return ()
    made = []
    for at in np.array_split(np.argsort(treatment, kind="stable"), TENTHS):
        authorities = np.unique(design.authority[at])
        clusters, code = np.unique(design.cluster[at], return_inverse=True)
        if len(clusters) < 2:
            return ()
        mean = float(outcome[at].mean())
        sums = np.bincount(code, weights=outcome[at] - mean)
        error = float(np.sqrt((sums**2).sum() * len(clusters) / (len(clusters) - 1)) / len(at))
        middle = mean + float(design.outcome.mean())
        lower, upper, _ = interval(middle, error, design.question.level, len(clusters) - 1.0)
        made.append(
            Dose(
                treatment=float(treatment[at].mean() + design.treatment.mean()),
                outcome=middle,
                lower=lower,
                upper=upper,
                rows=len(at),
                authorities=len(authorities),
            )
        )
    return tuple(made)
