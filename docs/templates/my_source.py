"""Where the numbers are from, in one line: here made up, with an effect of −0.02 planted.

Publisher, title, edition; what is left out and why.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from causal.knobs import whole_number
from causal.panel import Panel, Variable

MADE_UP = "made up"  # of a published file: publisher, title, year


@dataclass(frozen=True, slots=True, kw_only=True)
class MySource:
    """Spending and plans of some authorities.

    Parameters
    ----------
    authorities : how many.
    """

    authorities: int = 60

    def __post_init__(self) -> None:
        whole_number("my_source.authorities", self.authorities, 10)

    def load(self) -> Panel:
        """The panel, the same each time: one row for each authority and year, NaN where a number is missing."""
        rng, years = np.random.default_rng(1), range(2012, 2020)
        codes = [f"E{i:04d}" for i in range(self.authorities)]
        spending = 300 + rng.normal(scale=40, size=(len(codes), 1)) + rng.normal(scale=20, size=(len(codes), len(years)))
        plans = 60 - 0.02 * (spending - 300) + rng.normal(scale=4, size=(len(codes), 1)) + rng.normal(scale=2, size=spending.shape)
        children = np.repeat(rng.integers(20_000, 90_000, size=(len(codes), 1)).astype(float), len(years), axis=1)
        index = pd.MultiIndex.from_product([codes, years], names=["authority", "year"])
        frame = pd.DataFrame({"spending": spending.ravel(), "plans": plans.ravel(), "children": children.ravel()}, index=index)
        return Panel(
            frame=frame,
            variables=(
                Variable(name="spending", label="spending on prevention", unit="£ per child", source=MADE_UP, comparative="higher"),
                Variable(name="plans", label="children on protection plans", unit="per 10,000 children", source=MADE_UP, count_per=10_000, counts="stock"),
                Variable(name="children", label="children", unit="children", source=MADE_UP, counts="stock"),
            ),
            places=pd.DataFrame({"name": [f"Place {code}" for code in codes]}, index=pd.Index(codes, name="authority")),
            title="a made-up panel",
            population="children",
            simulated=True,
        )
