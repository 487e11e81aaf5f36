"""What an orthogonal score leaves once its nuisances are learnt: on it the estimator is linear.

To first order an orthogonal score does not feel an error of its nuisances (Neyman 1959, Optimal asymptotic tests of composite statistical hypotheses;
Chernozhukov and others 2018, Double/debiased machine learning for treatment and structural parameters). Residuals of each cross-fit are therefore kept
beside the estimate, and what asks how the answer moves when places are drawn anew, a treatment is dealt or a column is held fixed asks them, and not the
learners again (`causal.rescored` does). What hangs on the learning itself they cannot show.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from causal.arrays import Floats, Ints
from causal.design import Design

Carried = Literal["within", "correlated_random_effects", "first_difference", "none"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Slope:
    """One cross-fit of a slope: residual outcome on residual treatment; arrays of shape (rows,), not multiplied by weights.

    Parameters
    ----------
    outcome, treatment : without what was learnt of them out of fold.
    instrument : the combination of instruments, likewise, that stands for the treatment; None: the treatment itself.
    learnt : the effect of one unit already learnt for each row, which the slope corrects; None: none.
    group : codes of groups with a slope of their own, averaged by their rows; None: one slope.
    fold : shape (clusters,), which fold each cluster was in; None: not kept.
    """

    outcome: Floats
    treatment: Floats
    instrument: Floats | None = None
    learnt: Floats | None = None
    group: Ints | None = None
    fold: Ints | None = None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Average:
    """One cross-fit of an average of scores, Σ above / Σ below; arrays of shape (rows,).

    Parameters
    ----------
    above, below : parts of each row's score, weights in both.
    outcome : without what was learnt of it.
    treatment : 0 or 1 of each row as it is; with an instrument the residual treatment.
    instrument, compliance : residual instrument, and what it moves the treatment by in each row; None: the treatment is compared as it stands.
    fold : shape (clusters,), which fold each cluster was in; None: not kept.
    """

    above: Floats
    below: Floats
    outcome: Floats
    treatment: Floats
    instrument: Floats | None = None
    compliance: Floats | None = None
    fold: Ints | None = None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CrossFitted:
    """All cross-fits of an answer, one for each repetition; the answer is their median.

    Parameters
    ----------
    repetitions : of one kind.
    over : the design whose rows the residuals stand for (changes, one row an authority, or the design that was asked about).
    kept : shape (rows of `over`,), the asked design's rows that these are; None where rows were made anew.
    carried : how a raw column loses its authority effects as the treatment did; None where it cannot be carried over.
    """

    repetitions: tuple[Slope, ...] | tuple[Average, ...]
    over: Design
    kept: Ints | None
    carried: Carried | None

    @property
    def shaky(self) -> bool:
        """Whether what is learnt on other places moves it by far, and by one cross-fit alone in any direction: averages of scores without an instrument."""
        first = self.repetitions[0]
        return isinstance(first, Average) and first.instrument is None

    def single(self, at: int) -> CrossFitted:
        """One of the cross-fits alone.

        Parameters
        ----------
        at : which, from 0.
        """
        return replace(self, repetitions=self.repetitions[at : at + 1])

    @property
    def folds(self) -> dict[str, int] | None:
        """Fold of each cluster by its name in the first cross-fit; None where it was not kept."""
        fold = self.repetitions[0].fold
        return None if fold is None or len(fold) != len(self.over.clusters) else dict(zip(self.over.clusters, fold.tolist(), strict=True))

    def carry(self, design: Design, columns: Floats) -> Floats:
        """Raw columns, shape (rows of the asked design, k), as the treatment is left by the transformation; shape (rows of `over`, k).

        Parameters
        ----------
        design : the asked one.
        columns : shape (rows of the asked design, k), raw.

        Raises
        ------
        TypeError : the score's rows were made anew, and no column can be carried over to them.
        """
        if self.carried is None or self.kept is None:
            raise TypeError("rows of this score were made anew; no column of the design can be carried over")
        return carry(design, columns, self.carried, self.kept)


def carry(design: Design, columns: Floats, how: Carried, kept: Ints) -> Floats:
    """Columns without authority effects, shape (rows, k) → (kept rows, k), never multiplied by weights.

    Parameters
    ----------
    design : whose rows they stand on.
    columns : shape (rows, k), raw.
    how : as `causal.estimators.machinery.transformed` has it.
    kept : shape (kept rows,), those that are left; with first differences each follows the one before it.
    """
    root = design.root_weights[:, None]
    if how == "within":
        return np.asarray((design.within(columns)[0] / root)[kept])
    if how == "correlated_random_effects":
        return np.asarray((design.demean(columns) / root)[kept])
    if how == "first_difference":
        return np.asarray(columns[kept] - columns[kept - 1])
    return np.asarray(columns[kept] - np.average(columns, axis=0, weights=design.weights))
