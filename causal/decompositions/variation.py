"""What the differences between authorities and years are made of: place, deprivation, years, and the unexplained.

The nested reading is a row of raw, unweighted R²: deprivation alone, then every authority, then every year; each share is what its step adds, so what
deprivation and authority share goes to deprivation.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from causal.breakdown import Breakdown, Case, Cell, Column, Figure, Mark, Table
from causal.errors import ConfigError, DataError
from causal.panel import Panel
from causal.words import capital

SHARES = ("authority", "deprivation", "year", "unexplained")
WORDS = {"authority": "Authority", "deprivation": "Deprivation", "year": "All at a time", "unexplained": "Unexplained"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Variation:
    """Shares of the variation of outcomes.

    Parameters
    ----------
    outcomes, windows, measures : columns, first and last years, and columns that measure deprivation; the first of each is what the answer tells.
    said, said_by : what was said of these shares, %, and by whom.
    draws : of whole authorities.
    level : of the intervals.

    Raises
    ------
    ConfigError : a knob out of its range.
    """

    outcomes: Sequence[str]
    windows: Sequence[Sequence[int]]
    measures: Sequence[str]
    said: Mapping[str, float] = field(default_factory=dict)
    said_by: str = ""
    draws: int = 500
    level: float = 0.95

    @property
    def name(self) -> str:
        """Its name on the shelf."""
        return "variation"

    def __post_init__(self) -> None:
        for key in ("outcomes", "windows", "measures"):
            if not getattr(self, key):
                raise ConfigError(f"variation.{key} must hold at least one")
        for window in self.windows:
            if len(window) != 2 or not window[0] < window[1]:
                raise ConfigError(f"variation.windows holds pairs of a first and a later last year, got {window!r}")
        if odd := set(self.said) - set(SHARES):
            raise ConfigError(f"variation.said gives shares of {', '.join(SHARES)}, got {', '.join(sorted(odd))}")

    def decompose(self, case: Case, rng: np.random.Generator) -> Breakdown:
        """Take the variation apart.

        Raises
        ------
        DataError : none of the outcomes, windows and measures is in the panel.
        """
        panel = case.panel
        rows: list[tuple[Cell, ...]] = []
        for outcome in self.outcomes:
            for window in self.windows:
                for measure in self.measures:
                    if outcome in panel.names and measure in panel.names and panel.years[0] <= window[0] and window[1] <= panel.years[-1]:
                        found = nested(panel, outcome, measure, window)
                        rows.append((panel.variable(outcome).label, f"{window[0]} to {window[1]}", panel.variable(measure).label, *found))
        if not rows:
            raise DataError(f"{panel.title}: none of the outcomes {list(self.outcomes)} with the measures {list(self.measures)} in these windows")
        columns = (
            Column(name="outcome", label="Outcome", text=True),
            Column(name="window", label="Years", text=True),
            Column(name="measure", label="Measure of deprivation", text=True),
            *(Column(name=name, label=WORDS[name], unit="% of the variation", places=1) for name in SHARES),
        )
        first = dict(zip([column.name for column in columns], rows[0], strict=True))
        told = ", ".join(f"{first[name]:.0f}% {WORDS[name].lower()}" for name in SHARES)
        return Breakdown(
            name=self.name,
            title="What differences between authorities and years are made of",
            asks="How much of the variation is lasting local characteristics, deprivation, what is common to all at a time, and unexplained?",
            headline=f"{capital(str(first['outcome']))}, {first['window']}: {told}.",
            tables=(Table(name="shares", caption="Shares of the variation, nested reading", columns=columns, rows=tuple(rows)),),
            figures=(
                Figure(
                    name="choices",
                    kind="dots",
                    table="shares",
                    alt="Shares by outcome and window.",
                    caption="Shares by outcome and window.",
                    values=SHARES,
                    label="outcome",
                    group="window",
                    where={"measure": str(rows[0][2])},
                    marks=tuple(Mark(column=name, value=value, words=f"{self.said_by} {value:g}") for name, value in self.said.items()),
                ),
            ),
            cannot_say=("a share of variation is not a cause: it does not say what would happen if deprivation or anything else were changed",),
        )


def nested(panel: Panel, outcome: str, measure: str, window: Sequence[int]) -> tuple[float, ...]:
    """Shares in the order of SHARES, %, from nested R² of the unweighted regression."""
    frame = panel.only(years=range(window[0], window[1] + 1)).frame[[outcome, measure]].dropna()
    y = frame[outcome].to_numpy()
    dummies = [pd.get_dummies(frame.index.get_level_values(key)).to_numpy(dtype=float) for key in ("authority", "year")]
    steps = [frame[[measure]].to_numpy(), *dummies]
    left = [float(((y - y.mean()) ** 2).sum())]
    held = np.ones((len(y), 1))
    for step in steps:
        held = np.column_stack([held, step])
        left.append(float(((y - held @ np.linalg.lstsq(held, y, rcond=None)[0]) ** 2).sum()))
    deprivation, authority, year = (100 * (left[i] - left[i + 1]) / left[0] for i in range(3))
    return authority, deprivation, year, 100 * left[3] / left[0]
