"""Two-stage least squares: only what an instrument moves of the treatment is compared.

An instrument moves the outcome through the treatment alone, so what it moves of both gives the effect, whatever else was not measured
(Angrist, Imbens & Rubin 1996, Identification of causal effects using instrumental variables). The effect is that on those whom the instrument
moves. Which variables are instruments, and what must be conditioned on for that, is read off the graph.

An instrument that barely moves the treatment makes the usual interval far too narrow. So the interval is the Anderson–Rubin set: every effect under
which the instruments tell nothing of outcome − effect × treatment (Anderson & Rubin 1949, Estimation of the parameters of a
single equation; Andrews, Stock & Sun 2019, Weak instruments in instrumental variables regression), with clustered errors. It covers however weak the
instrument is; where it is unbounded, in two pieces or empty the answer is "cannot tell". Beside it stand the effective F of Montiel Olea
& Pflueger 2013 (A robust test for weak instruments) with their simplified critical value for a worst-case bias of a tenth, and with several
instruments Hansen's J (Hansen 1982, Large sample properties of generalized method of moments estimators), clustered.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from causal.declared import Columns
from causal.design import Design
from causal.errors import ConfigError, refusal
from causal.estimand import Estimand, compared
from causal.estimate import Estimate
from causal.estimators import serve
from causal.estimators.machinery.stages import (
    Interval,
    answered,
    check_instruments,
    distinct,
    instrumented,
)
from causal.needs import INSTRUMENT, Need

INTERVALS = ("anderson_rubin", "wald")


@dataclass(frozen=True, slots=True, kw_only=True)
class TwoStageLeastSquares:
    """Two-stage least squares within what the design absorbs, with a set that holds for weak instruments.

    Parameters
    ----------
    instruments : names of the graph's instruments to use, dated as the graph dates them; None takes all that are valid with what is conditioned on.
    interval : "anderson_rubin", or "wald" (t with clustered errors; too narrow where instruments are weak, and then a concern).
    """

    instruments: Columns | None = None
    interval: Interval = "anderson_rubin"
    needs: ClassVar[tuple[Need, ...]] = (INSTRUMENT,)
    answers: ClassVar[tuple[str, ...]] = ("ATE", "weights")
    targets: ClassVar[str] = "ATE, of those whom the instrument moves, weighted by how far it moves them (and question.weights)"
    costs: ClassVar[str] = "milliseconds"
    quick: ClassVar[bool] = True
    strategy: ClassVar[str] = "iv"

    def __post_init__(self) -> None:
        check_instruments(self, self.instruments)
        if self.interval not in INTERVALS:
            raise refusal(ConfigError, "interval", f"one of {', '.join(INTERVALS)}", repr(self.interval), "write one of them")

    @property
    def name(self) -> str:
        """Its name on the shelf."""
        return "two_stage_least_squares"

    def estimate(self, design: Design, rng: np.random.Generator) -> Estimate:
        """Answer the design's question.

        Parameters
        ----------
        design : with measured instruments among its columns; rows where one is not known are left out.
        rng : draws the joint critical values of effects by group.

        Raises
        ------
        DesignError : the graph has no measured instrument, or none with what the design holds fixed; the target is not the ATE.
        EstimationError : the instruments do not vary within what is conditioned on.
        """
        serve(self, design)
        used, names, raw = instrumented(design, self.instruments)
        raw, names, out = distinct(used, raw, names)
        asked = Estimand(
            family="moved",
            comparison=compared(used),
            population="movers",
            weighting="instrument_variance",
            instruments=names,
            model="two-stage least squares",
        )
        return answered(self.name, design, used, raw, asked, rng, interval=self.interval, notes=out)
