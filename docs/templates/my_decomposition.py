"""What it takes apart, in one line: how much of the outcome's variance lies between authorities.

Author, year, title of the paper that it follows.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from causal.breakdown import Breakdown, Case, Column, Table
from causal.errors import DataError, refusal


@dataclass(frozen=True, slots=True, kw_only=True)
class MyDecomposition:
    """Variance of the question's outcome, between authorities and within them.

    Parameters
    ----------
    first_year, last_year : of the outcomes that are counted; None takes the first and the last known.
    """

    first_year: int | None = None
    last_year: int | None = None

    @property
    def name(self) -> str:
        """Its name on the shelf: that of its YAML."""
        return "my_decomposition"

    def decompose(self, case: Case, rng: np.random.Generator) -> Breakdown:
        """Take it apart.

        Parameters
        ----------
        case : panel, question, graph and estimator; `analysis`, `trial` and `map` are its powers.
        rng : of all that is drawn at random here.

        Raises
        ------
        DataError : no year has an outcome.
        """
        variable = case.panel.variable(case.question.outcome)
        values = case.panel.frame[variable.name].dropna()
        years = values.index.get_level_values("year")
        values = values[(years >= (self.first_year or years.min())) & (years <= (self.last_year or years.max()))]
        if values.empty:
            raise refusal(DataError, "decomposition", f"a year with {variable.label}", "none between first_year and last_year", "choose other years")
        means = values.groupby(level="authority").transform("mean")
        between, within = float(((means - values.mean()) ** 2).mean()), float(((values - means) ** 2).mean())
        shares = {"between authorities": between / (between + within), "within them, from year to year": within / (between + within)}
        return Breakdown(
            name=self.name,
            title=f"Where {variable.label} vary",
            asks=f"Do {variable.label} differ more between authorities or from year to year?",
            headline=f"{shares['between authorities']:.0%} of the variance of {variable.label} lies between authorities.",
            tables=(
                Table(
                    name="shares",
                    caption=f"Shares of the variance of {variable.label}",
                    columns=(Column(name="part", label="part", text=True), Column(name="share", label="share", unit="%", places=0)),
                    rows=tuple((part, 100 * share) for part, share in shares.items()),
                ),
            ),
            cannot_say=("Why they differ, and whether any of it could be moved.",),
        )
