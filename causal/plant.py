"""Panels with a planted effect, made from one's own: would this design have found it?

Of a real panel the treatment paths, the covariates, the gaps and the way in which the outcome hangs together within an authority are kept. The
outcome is taken apart by the design's own regression; the estimated effect is dropped and the planted one put in its place; what is left of each
authority, all its years together, keeps or changes its sign by chance, as in a wild bootstrap by cluster (Cameron, Gelbach & Miller
2008, Bootstrap-based improvements for inference with clustered errors; with planted effects Schuemie and others 2018, Empirical confidence
interval calibration for population-level effect estimation studies).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from causal.arrays import Floats, Ints
from causal.design import Design
from causal.errors import DesignError, refusal
from causal.panel import Panel


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Ground:
    """A panel's outcome in parts, ready for effects to be planted in it.

    Parameters
    ----------
    panel : the real one.
    outcome : its name.
    fixed : shape (panel rows,), what stays: absorbed effects, controls, what is explained; NaN where the outcome is not known.
    left : shape (panel rows,), what keeps or changes its sign with the authority.
    dose : shape (panel rows,), the treatment less the control level, in contrasts (1 is the whole contrast), at the date that the question asks about;
        0 where no row of the design stands.
    unit : shape (panel rows,), code of the cluster that changes sign together; `units` of them.
    """

    panel: Panel
    outcome: str
    fixed: Floats
    left: Floats
    dose: Floats
    unit: Ints
    units: int

    def plant(self, effect: float, rng: np.random.Generator) -> Panel:
        """The panel with a new outcome whose true effect of the whole contrast is `effect`, in outcome units, the same for all and straight in the dose.

        Parameters
        ----------
        effect : of the whole contrast, outcome units.
        rng : turns the sign of the noise, all years of a cluster together.
        """
        sign = rng.choice(np.array([-1.0, 1.0]), size=self.units)[self.unit]
        column = self.fixed + sign * self.left + effect * self.dose
        frame = self.panel.frame.copy(deep=False)
        frame[self.outcome] = column
        return replace(self.panel, frame=frame, title=f"{self.panel.title}, effect of {effect:g} planted")


def ground(panel: Panel, design: Design) -> Ground:
    """Take the outcome of a panel apart by a design made from it.

    Rows that the design leaves out (the first years of a lagged treatment) have authority and year taken out instead, over all rows, so that
    checks that look at them find the same kind of noise.

    Parameters
    ----------
    panel : values; the outcome is a column.
    design : made from that panel.

    Raises
    ------
    DesignError : authorities of one cluster are not all in the design, so that signs cannot be changed together.
    """
    question = design.question
    outcome = panel.frame[question.outcome].to_numpy(dtype=float)
    places, years = (panel.frame.index.get_level_values(level) for level in (0, 1))
    known = np.isfinite(outcome)
    if not known.any():
        raise refusal(
            DesignError, panel.title, "an outcome to plant an effect in", f"no {question.outcome} that is known", "choose another outcome or other years"
        )
    about = _two_way(outcome[known], places[known], years[known])
    fixed, left, dose = outcome.copy(), np.zeros(len(outcome)), np.zeros(len(outcome))
    fixed[known] -= about
    left[known] = about
    basis = design.basis()
    noise, treatment = (design.partial_out(column[:, None], basis)[:, 0] for column in (design.outcome, design.treatment))
    slope = float(treatment @ noise) / float(treatment @ treatment)
    noise = (noise - slope * treatment) / design.root_weights
    at = panel.frame.index.get_indexer(pd.MultiIndex.from_arrays([np.array(design.authorities)[design.authority], design.year]))
    fixed[at] = design.outcome - noise - slope * (design.treatment - question.control)
    left[at] = noise
    dose[at] = (design.treatment - question.control) / question.contrast
    cluster = dict(zip(np.array(design.authorities)[design.authority], np.array(design.clusters)[design.cluster], strict=True))
    unit, named = pd.factorize(np.array([cluster.get(place, place) for place in places], dtype=object), sort=True)
    return Ground(panel=panel, outcome=question.outcome, fixed=fixed, left=left, dose=dose, unit=np.asarray(unit, dtype=np.int64), units=len(named))


def _two_way(values: Floats, places: pd.Index, years: pd.Index) -> Floats:
    """What is left of values once authority and year are taken out, on an unbalanced panel; shape (rows,)."""
    place, _ = pd.factorize(places, sort=True)
    year, named = pd.factorize(years, sort=True)
    counts = np.bincount(place)

    def centred(columns: Floats) -> Floats:
        sums = np.zeros((len(counts), columns.shape[1]))
        np.add.at(sums, place, columns)
        return np.asarray(columns - (sums / counts[:, None])[place])

    dummies = centred((year[:, None] == np.arange(1, len(named))).astype(float))
    own = centred(values[:, None])
    return np.asarray((own - dummies @ np.linalg.lstsq(dummies, own, rcond=None)[0])[:, 0])
