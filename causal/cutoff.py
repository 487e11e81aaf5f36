"""A design at a cutoff: which rows stand on which side, whether the cutoff alone decides, and the jump that they give.

What an estimator answers with, and what checks refit with a cutoff, a bandwidth or an outcome replaced, is made here, so that both mean the same comparison.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Protocol, runtime_checkable

import numpy as np

from causal.arrays import Floats, Ints
from causal.design import Design
from causal.identification import Cutoff
from causal.inference.discontinuity import Jump, Kernel, bandwidths, jump

FEWEST_ROWS = 20  # on either side
FEWEST_VALUES = 10  # different ones of the running variable, on either side
NEAREST = 100  # rows on either side by which the treatment's own jump is told, and where those at the cutoff itself belong
LEAST_ERRORS = 2.0  # standard errors by which it must lie apart
LEAST_JUMP = 0.05  # of the contrast: below it the treatment does not jump
EXACT = 1e-9  # of the contrast: on each side the treatment is one


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TwoByTwo:
    """Rows by side of a cutoff.

    Parameters
    ----------
    cutoff : the running variable and where it is cut.
    rows : shape (kept,), those of the design's rows whose running variable is known.
    x : shape (kept,), the running variable less its cutoff, turned so that the treated side is at 0 and above.
    turned : whether it was turned, so that lower values of it are treated.
    sharp : whether the cutoff alone decides on the treatment.
    """

    cutoff: Cutoff
    rows: Ints
    x: Floats
    turned: bool
    sharp: bool

    def at(self, x: Floats) -> Floats:
        """Values of the running variable itself."""
        return np.asarray(self.cutoff.at + (-x if self.turned else x))


@runtime_checkable
class AtCutoff(Protocol):
    """An estimator that compares the two sides of a cutoff."""

    @property
    def local(self) -> Local:
        """How it fits."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Local:
    """How lines are fitted at a cutoff.

    Parameters
    ----------
    kernel, order : of the line.
    bandwidth, bias_bandwidth : of the line and of its correction, in units of the running variable; None: chosen by mean squared error.
    """

    kernel: Kernel = "triangular"
    order: int = 1
    bandwidth: float | None = None
    bias_bandwidth: float | None = None


def sides(design: Design) -> TwoByTwo | None:
    """Rows by side of the first cutoff that the graph has; None where it has none, or its running variable is no column.

    Parameters
    ----------
    design : made for a comparison at a cutoff.
    """
    cutoffs = [one for one in design.identification.cutoffs if one.name in design.columns]
    if not cutoffs:
        return None
    return split(design, cutoffs[0])


def split(design: Design, cutoff: Cutoff) -> TwoByTwo:
    """Rows by side of a cutoff.

    Parameters
    ----------
    design : with the running variable among its columns.
    cutoff : whose name is a column.
    """
    running = design.column(cutoff.name)
    rows = np.flatnonzero(np.isfinite(running))
    x, treatment = running[rows] - cutoff.at, design.treatment[rows]
    x = np.where(np.abs(x) <= EXACT * max(float(np.abs(running[rows]).max(initial=0.0)), 1e-300), 0.0, x)
    above, below = (treatment[side] for side in (x > 0, x < 0))
    question = design.question
    sign = np.sign(question.contrast)
    means = [float(_nearest(x[side], treatment[side])) if side.any() else np.nan for side in (x > 0, x < 0)]
    turned = bool(sign * (means[0] - means[1]) < 0)
    sharp = bool(len(above) and len(below) and max(np.ptp(above), np.ptp(below)) <= EXACT * abs(question.contrast))
    if (x == 0).any() and np.isfinite(means).all():
        # whoever stands at the cutoff belongs to the side whose treatment is like its own
        own = float(treatment[x == 0].mean())
        high = abs(own - means[0]) <= abs(own - means[1])
        if high == turned:
            smallest = float(np.abs(x[x != 0]).min())
            x = np.where(x == 0, (-1.0 if turned is False else 1.0) * 1e-6 * smallest, x)
        sharp = sharp and float(np.ptp(treatment[x == 0])) <= EXACT * abs(question.contrast) if (x == 0).any() else sharp
    return TwoByTwo(cutoff=cutoff, rows=rows, x=np.asarray(-x if turned else x), turned=turned, sharp=sharp)


def _nearest(x: Floats, treatment: Floats) -> float:
    """The mean treatment of the rows nearest the cutoff."""
    order = np.argsort(np.abs(x), kind="stable")[:NEAREST]
    return float(treatment[order].mean())


def treatment_jump(design: Design, found: TwoByTwo) -> float:
    """How far the treatment of the rows nearest the cutoff lies apart, as a share of the contrast; 0 where that is no more than chance.

    Parameters
    ----------
    design : whose rows they are.
    found : the rows on either side of the cutoff.
    """
    treatment = design.treatment[found.rows]
    near = [treatment[side][np.argsort(np.abs(found.x[side]), kind="stable")[:NEAREST]] for side in (found.x >= 0, found.x < 0)]
    apart = (near[0].mean() - near[1].mean()) / design.question.contrast
    error = np.sqrt(sum(one.var() / len(one) for one in near)) / abs(design.question.contrast)
    return float(apart) if abs(apart) >= LEAST_ERRORS * error else 0.0


def covariates(design: Design, rows: Ints) -> Floats:
    """What is conditioned on, beside the cutoff: controls and the effects of years, where these were asked for; shape (rows, k)."""
    held = [design.controls]
    if "year" in design.absorb:
        held.append(design.year_dummies())
    return np.column_stack(held)[rows]


def chosen(design: Design, found: TwoByTwo, local: Local, *, outcome: Floats | None = None) -> tuple[float, float]:
    """The bandwidths of line and correction.

    Parameters
    ----------
    design, found, local : the comparison.
    outcome : shape (rows of the design,), where another takes the outcome's place.

    Raises
    ------
    EstimationError : none can be chosen.
    """
    if local.bandwidth is not None:
        return local.bandwidth, local.bias_bandwidth or local.bandwidth
    y = (design.outcome if outcome is None else outcome)[found.rows]
    treatment = None if found.sharp else design.treatment[found.rows]
    h, b = bandwidths(y, found.x, treatment, covariates(design, found.rows), kernel=local.kernel, p=local.order)
    return h, local.bias_bandwidth or b


def fitted(
    design: Design,
    found: TwoByTwo,
    local: Local,
    widths: tuple[float, float],
    *,
    outcome: Floats | None = None,
    keep: Floats | None = None,
    shift: float = 0.0,
    held: bool = True,
    reduced: bool = False,
) -> Jump:
    """The jump at a cutoff, for one unit of treatment.

    Parameters
    ----------
    design, found, local : the comparison.
    widths : bandwidths of line and correction.
    outcome : shape (rows of the design,), where another takes the outcome's place.
    keep : shape (kept rows,), true for those that are used; None: all.
    shift : where the jump is looked for, in the turned running variable.
    held : whether covariates are conditioned on.
    reduced : whether it is the outcome's own jump that is asked for, the treatment left aside.

    Raises
    ------
    EstimationError : too few rows, or the treatment does not jump.
    """
    use = np.ones(len(found.rows), dtype=bool) if keep is None else keep.astype(bool)
    rows = found.rows[use]
    y = (design.outcome if outcome is None else outcome)[rows]
    # in units of its own, so that no tolerance hangs on one
    size = float(y.std()) or 1.0
    treatment = None if reduced else design.treatment[rows]
    if treatment is not None and found.sharp:
        treatment = (found.x[use] - shift >= 0) * design.question.contrast
    made = jump(
        (y - y.mean()) / size,
        found.x[use] - shift,
        treatment,
        covariates(design, rows) if held else None,
        design.cluster[rows],
        len(design.clusters),
        h=widths[0],
        b=widths[1],
        kernel=local.kernel,
        p=local.order,
    )
    lines = made.lines * size
    lines[:, 0] += y.mean()
    named: dict[str, Any] = {name: getattr(made, name) * size for name in ("effect", "plain", "plain_error", "scores", "outcome")}
    return replace(made, lines=lines, **named)
