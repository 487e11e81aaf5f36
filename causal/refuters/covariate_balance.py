"""Covariate balance: what was there before the lots were drawn should not go with what was drawn.

For every column that the graph says the treatment does not move, as each unit had it in its first row, the coefficient on the unit's arm (in a roll-out, the
share of its years) within the strata of the draw; all of them together by one statistic, whose law is that of the lots drawn again (Hansen & Bowers 2008,
Covariate balance in simple, stratified and clustered comparative studies). What the measured imbalance would do to the answer is the difference between
the comparison with nothing held fixed and with all of these held fixed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
import pandas as pd

from causal.arrays import Floats
from causal.design import Design
from causal.errors import CausalError
from causal.estimate import Part
from causal.graph import undated
from causal.knobs import whole_number
from causal.lots import Lots, drawn
from causal.refutation import Family, Refutation, Role
from causal.refuters import amount, not_run, p_text, reporting, size, unsure
from causal.refuters.machinery.bias import reach
from causal.regression import least_squares
from causal.rows import Control
from causal.trial import Setting, Trial
from causal.words import listed

SHOWN = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class CovariateBalance:
    """Test whether what was there before goes with what lots decided.

    Parameters
    ----------
    draws : lots drawn again.
    """

    family: ClassVar[Family] = "bias"
    role: ClassVar[Role | None] = "timing"
    label: ClassVar[str] = "balance of what was there before the lots"
    catches: ClassVar[str] = "lots_not_kept_to"

    draws: int = 999

    def __post_init__(self) -> None:
        whole_number("covariate_balance.draws", self.draws, 99)

    @property
    def name(self) -> str:
        """Its name on the shelf."""
        return "covariate_balance"

    def unmet(self, setting: Setting) -> str | None:
        """What it lacks here."""
        if not setting.identification.lot:
            return "the graph does not say that the treatment was decided by lot"
        if setting.identification.strategy != "backdoor":
            return "the lots decided an instrument, and not the treatment itself"
        return None if _before(setting) else "nothing that was there before is measured"

    def refute(self, trial: Trial, rng: np.random.Generator) -> Refutation:
        """Try to refute that lots alone decided.

        Parameters
        ----------
        trial : of a treatment that lots decided, with something measured that was there before.
        rng : draws the lots again.
        """
        report = reporting(
            self,
            asks="Does what was there before the lots were drawn go with what was drawn?",
            expected="No more than lots drawn again would bring.",
            detects="Lots that were not kept to, units that were let in or left out after the draw, a draw that was no draw.",
            cannot_detect="Imbalance in what nobody measured; whatever happened after the draw.",
        )
        if (why := unsure(trial) or self.unmet(trial)) is not None:
            return not_run(report, why)
        before, lots = _before(trial), drawn(trial.design, getattr(trial.estimator, "within", None))
        names, columns = list(before), _by_unit(trial.design, lots, before)
        columns = _within(columns, lots)
        scale = np.sqrt((columns**2).mean(axis=0))
        names = [name for name, one in zip(names, scale, strict=True) if one > 1e-9]
        columns = columns[:, scale > 1e-9] / scale[scale > 1e-9]
        if not names:
            return not_run(report, "what was there before does not differ between the units that were drawn")
        basis = np.linalg.qr(columns)[0] if columns.shape[1] < lots.units // 2 else None
        own = _statistic(lots.share, columns, basis, lots)
        others = np.array([_statistic(lots.share[lots.again(rng)], columns, basis, lots) for _ in range(self.draws)])
        p_value = float((1 + (others >= own * (1 - 1e-9)).sum()) / (1 + self.draws))
        level = 1 - trial.question.level
        survived = p_value >= level
        slopes = _slopes(lots.share, columns, lots)
        order = np.argsort(-np.abs(slopes))[:SHOWN]
        seen = listed([f"{names[i]} {slopes[i]:+.2f} standard deviations" for i in order])
        bias, error, df = _does(trial, before)
        sees = None if df is None else reach(df, level)
        moves = "" if bias is None or error is None else f" Held fixed, they move the answer by {amount(trial, -bias)} (standard error {size(trial, error)})."
        return report(
            found=(
                f"Of {len(names)} that were there before, the largest differences between arms: {seen}; all together {p_text(p_value)} in {self.draws} draws. "
                f"{'No more than chance brings' if survived else 'More than lots would bring'}.{moves}"
            ),
            p_value=p_value,
            level=level,
            survived=survived,
            bias=bias,
            bias_error=error,
            blind_below=None if sees is None or error is None else sees * error,
            numbers={"statistic": own, "draws": float(self.draws), **{f"difference in {name}": float(one) for name, one in zip(names, slopes, strict=True)}},
            parts=tuple(_part(trial, name, float(one)) for name, one in zip(names, slopes, strict=True)),
        )


def _before(setting: Setting) -> dict[str, Floats]:
    """Columns that the treatment does not move, shape (rows,): controls, what places hold, the outcome before, and what else the graph knows."""
    design = setting.design
    known = {name: design.controls[:, i] for i, name in enumerate(design.control_names)}
    known |= {name: design.time_invariant[:, i] for i, name in enumerate(design.time_invariant_names)}
    moved = {*setting.identification.descendants, setting.question.treatment, setting.question.outcome}
    if setting.graph is not None:
        names = [node.name for node in setting.graph.nodes if node.name in setting.panel.names and node.name not in moved and node.name not in known]
        there = {undated(name)[0] for name in known}
        at = pd.MultiIndex.from_arrays([np.array(design.authorities, dtype=object)[design.authority], design.year], names=["authority", "year"])
        for name in names:
            if name not in there:
                known[name] = setting.panel.frame[name].reindex(at).to_numpy(dtype=float)
    return {name: column for name, column in known.items() if np.isfinite(column).any()}


def _by_unit(design: Design, lots: Lots, before: Mapping[str, Floats]) -> Floats:
    """Each column as a unit had it in its first year, the mean of its rows of that year; shape (units, columns)."""
    first = np.full(lots.units, np.iinfo(np.int64).max)
    np.minimum.at(first, lots.unit, design.year)
    early = design.year == first[lots.unit]
    made = np.empty((lots.units, len(before)))
    for j, column in enumerate(before.values()):
        known = early & np.isfinite(column)
        count = np.bincount(lots.unit[known], minlength=lots.units)
        total = np.bincount(lots.unit[known], weights=column[known], minlength=lots.units)
        mean = float(column[known].mean()) if known.any() else 0.0
        made[:, j] = np.where(count > 0, total / np.maximum(count, 1), mean)
    return made


def _within(columns: Floats, lots: Lots) -> Floats:
    """Less the mean of the stratum; shape (units, k)."""
    number = np.bincount(lots.stratum, minlength=len(lots.strata)).astype(float)
    means = np.column_stack([np.bincount(lots.stratum, weights=one, minlength=len(lots.strata)) for one in columns.T]) / number[:, None]
    return np.asarray(columns - means[lots.stratum])


def _statistic(share: Floats, columns: Floats, basis: Floats | None, lots: Lots) -> float:
    """How much of the arms' variance goes with the columns: jointly where they are few beside the units, otherwise the sum over columns."""
    arm = _within(share[:, None], lots)[:, 0]
    along = (columns if basis is None else basis).T @ arm
    return float(along @ along / (arm @ arm))


def _slopes(share: Floats, columns: Floats, lots: Lots) -> Floats:
    """Difference of each standardised column for one whole arm."""
    arm = _within(share[:, None], lots)[:, 0]
    return np.asarray(columns.T @ arm / (arm @ arm))


def _does(trial: Trial, before: Mapping[str, Floats]) -> tuple[float | None, float | None, float | None]:
    """What holding all of it fixed does to the comparison without any: bias, its error and degrees of freedom."""
    design = trial.design
    bare = replace(design, controls=np.empty((design.rows, 0)), control_names=(), control_groups={})
    columns = np.column_stack([np.where(np.isfinite(column), column, np.nanmean(column)) for column in before.values()])
    if "authority" in design.absorb:
        first = np.zeros((len(design.authorities), columns.shape[1]))
        starts = np.flatnonzero(np.r_[True, np.diff(design.authority) != 0])
        first[design.authority[starts]] = columns[starts]
        clock = design.year[:, None] - float(design.year.mean())
        columns = np.column_stack([first[design.authority] * clock, columns])
    try:
        held = replace(
            bare,
            controls=columns,
            control_names=tuple(f"before {i}" for i in range(columns.shape[1])),
            control_groups={Control("before", made=True): tuple(range(columns.shape[1]))},
        )
        (one, _), (two, _) = (least_squares(made, made.basis()) for made in (bare, held))
    except CausalError:
        return None, None, None
    contrast = trial.question.contrast
    gap = one.scores[:, 0] - two.scores[:, 0]
    error = float(np.sqrt(gap @ gap)) * abs(contrast)
    if not error > 0:
        return None, None, None
    return float(one.coefficients[0] - two.coefficients[0]) * contrast, error, float(min(one.df[0], two.df[0]))


def _part(trial: Trial, name: str, slope: float) -> Part:
    """A difference between arms in standard deviations, as a mark without an interval."""
    return Part(
        kind="specification",
        of="difference between arms, in standard deviations",
        name=name,
        effect=slope,
        std_error=None,
        lower=None,
        upper=None,
        rows=trial.design.rows,
        authorities=len(trial.design.authorities),
    )
