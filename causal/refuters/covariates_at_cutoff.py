"""Do things that were there before jump at the cutoff?

What was settled before the treatment cannot be moved by it, so that a jump of it at the cutoff shows that the two sides differ in more than the treatment (Lee
2008, Randomized experiments from non-random selection in U.S. House elections). Every measured cause of the outcome that the treatment does not move is looked
at, jointly by Holm. How far off the answer may be is told by holding them fixed.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from causal.arrays import Floats
from causal.cutoff import chosen, fitted
from causal.errors import CausalError
from causal.graph import undated
from causal.inference.discontinuity import Jump
from causal.knobs import between, listed
from causal.refutation import Family, Refutation, Role
from causal.refuters import amount, not_run, p_text, reporting, size
from causal.refuters.machinery.bias import Bias
from causal.refuters.machinery.cutoffs import comparison, effect, lacks_cutoff, moved, p_of
from causal.trial import Setting, Trial

KNOWN = 0.5  # share of rows in which a column must be known


@dataclass(frozen=True, slots=True, kw_only=True)
class CovariatesAtCutoff:
    """Look for jumps of what the treatment cannot have moved.

    Parameters
    ----------
    columns : of the panel; empty: all that are measured and that the graph says the treatment does not move, running variable and treatment left out.
    level : joint rate at which a jump is found.
    """

    family: ClassVar[Family] = "bias"
    role: ClassVar[Role | None] = None
    label: ClassVar[str] = "nothing else jumps at the cutoff"
    catches: ClassVar[str] = "another_jump"

    columns: tuple[str, ...] = ()
    level: float = 0.05

    def __post_init__(self) -> None:
        between("covariates_at_cutoff.level", self.level, 0, 0.5)
        object.__setattr__(self, "columns", listed("covariates_at_cutoff.columns", self.columns))

    @property
    def name(self) -> str:
        """Its name on the shelf."""
        return "covariates_at_cutoff"

    def unmet(self, setting: Setting) -> str | None:
        """What it lacks here."""
        return lacks_cutoff(setting)

    def refute(self, trial: Trial, rng: np.random.Generator) -> Refutation:
        """Try to refute it.

        Parameters
        ----------
        trial : of an answer at a cutoff.
        rng : not used.
        """
        report = reporting(
            self,
            asks="Does anything that was there before the treatment jump at the cutoff?",
            expected="Nothing that the treatment cannot have moved jumps there.",
            detects="Another rule, or sorting, that makes the two sides differ in something that was measured.",
            cannot_detect="A difference in what nobody measured; sorting that leaves what was measured alike.",
        )
        one = comparison(self, trial)
        if isinstance(one, str):
            return not_run(report, one)
        jumps: dict[str, tuple[Jump, float]] = {}
        values: dict[str, Floats] = {}
        for name in self._columns(trial):
            column = _column(trial, name)
            known = np.isfinite(column[one.sides.rows])
            if known.mean() < KNOWN or np.nanmax(column) == np.nanmin(column):
                continue
            there, filled = replace(one.sides, rows=one.sides.rows[known], x=one.sides.x[known]), np.nan_to_num(column)
            with suppress(CausalError):
                made = fitted(one.design, there, one.local, chosen(one.design, there, one.local, outcome=filled), outcome=filled, held=False, reduced=True)
                jumps[name], values[name] = (made, p_of(made.effect, made.std_error, made.df)), column
        if not jumps:
            return not_run(
                report, "nothing that the treatment cannot have moved is measured in half the rows; name some with  refuters.covariates_at_cutoff.columns=[…]"
            )
        p_value = min(1.0, len(jumps) * min(p for _, p in jumps.values()))
        bias, sees = Bias(), None
        with suppress(CausalError):
            all_known = np.flatnonzero(np.isfinite(np.column_stack([values[name][one.sides.rows] for name in jumps])).all(axis=1))
            there = replace(one.sides, rows=one.sides.rows[all_known], x=one.sides.x[all_known])
            with_them = replace(one.design, controls=np.column_stack([one.design.controls, *(np.nan_to_num(values[name]) for name in jumps)]))
            bias = moved(trial, fitted(one.design, there, one.local, one.widths), fitted(with_them, there, one.local, one.widths))
        text = "; ".join(f"{name} by {made.effect:.3g} ({p_text(p)})" for name, (made, p) in jumps.items())
        survived = bool(p_value >= self.level)
        away = "" if bias.size is None else f" Held fixed, the effect is {amount(trial, effect(trial, one.made) - bias.size)}, {size(trial, bias.size)} away."
        return report(
            found=f"Jumps at the cutoff: {text}; jointly {p_text(p_value)}."
            + away
            + (" None beyond chance." if survived else " The two sides differ in more than the treatment."),
            p_value=p_value,
            level=self.level,
            survived=survived,
            bias=bias.size,
            bias_error=bias.error,
            blind_below=sees,
            numbers={"looked at": float(len(jumps)), **{f"jump of {name}": made.effect for name, (made, _) in jumps.items()}},
        )

    def _columns(self, trial: Trial) -> tuple[str, ...]:
        """Those that are named, or all that the treatment does not move."""
        if self.columns:
            return self.columns
        question = trial.question
        nodes = {node.name for node in trial.graph.nodes} if trial.graph is not None else set()
        not_these = {question.treatment, question.outcome, *trial.identification.descendants, *(undated(one.name)[0] for one in trial.identification.cutoffs)}
        return tuple(name for name in trial.panel.names if name in nodes and name not in not_these)


def _column(trial: Trial, name: str) -> Floats:
    """A column of the panel in the design's rows, of the treatment's year; shape (rows,)."""
    design = trial.design
    if name not in trial.panel.names:
        return np.full(design.rows, np.nan)
    values = trial.panel.shift(name, -trial.question.lag)
    keys = list(zip((design.authorities[code] for code in design.authority), design.year.tolist(), strict=True))
    return np.asarray(values.reindex(keys).to_numpy(dtype=float))
