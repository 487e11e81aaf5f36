"""Are there places to compare at every value of what is conditioned on?

An adjusted comparison needs, for each kind of place, some that had more of the treatment and some that had less. Where there are none the model
fills in, and nothing in its standard error says so.

For a treatment of two values each authority's chance of ever having it is predicted from what is held fixed, by a ridge logistic regression that has not
seen the authority or its cluster; chances outside [`margin`, 1 − `margin`] count as outside common support (Crump, Hotz, Imbens & Mitnik 2009, Dealing
with limited overlap in estimation of average treatment effects, who find 0.1 to be near the best). The effective sample is Kish's
of the inverse-probability weights.

For a dose the question is whether the treatment still moves, once everything is conditioned on, at places of each kind: its residual spread is taken
over the `neighbours` most alike authorities (the authority itself left out), and a place where that is below `spread` times the contrast is outside
support. The effective sample is that of the weights that a regression gives to authorities, their residual treatment variation (Aronow & Samii 2016, Does
regression produce representative estimates of causal effects?).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from causal.arrays import Floats, Ints
from causal.design import Design
from causal.knobs import between, whole_number
from causal.refutation import Family, Refutation, Role
from causal.refuters import not_run, reporting
from causal.trial import Setting, Trial
from causal.words import count

FEWEST = 20  # authorities on both sides together, and a tenth of that on each
FOLDS = 5
TABLED = 1_000  # authorities up to which all distances are taken


@dataclass(frozen=True, slots=True, kw_only=True)
class Overlap:
    """Count the authorities for which the data hold nothing to compare with.

    Parameters
    ----------
    margin : chance of treatment below which, and above one less which, an authority is outside common support (two values).
    neighbours : how many alike authorities tell the residual spread of a dose.
    spread : residual spread of a dose, as a share of the contrast, below which an authority is outside support.
    outside : share of authorities outside support that is let pass.
    """

    family: ClassVar[Family] = "stability"
    role: ClassVar[Role | None] = None
    label: ClassVar[str] = "alike places to compare with"
    catches: ClassVar[str] = "no_overlap"

    margin: float = 0.1
    neighbours: int = 10
    spread: float = 0.05
    outside: float = 0.25

    def __post_init__(self) -> None:
        between("overlap.margin", self.margin, 0, 0.5)
        whole_number("overlap.neighbours", self.neighbours, 2)
        between("overlap.spread", self.spread, 0, 1)
        between("overlap.outside", self.outside, 0, 1)

    @property
    def name(self) -> str:
        """Its name on the shelf."""
        return "overlap"

    def unmet(self, setting: Setting) -> str | None:
        """What it lacks here."""
        design = setting.design
        if not _kinds(design)[1]:
            return "nothing is held fixed beside authority and year along which places could differ"
        if len(design.authorities) < FEWEST:
            return f"{count(len(design.authorities), 'authority', 'authorities')} are too few; at least {FEWEST} are wanted"
        if len(values := np.unique(design.treatment)) == 2:
            had = np.bincount(design.authority, weights=design.treatment == values[1], minlength=len(design.authorities)) > 0
            if min(had.sum(), (~had).sum()) < FEWEST // 10 * FOLDS:
                return f"{had.sum()} authorities ever had the treatment and {(~had).sum()} never did, and {FEWEST // 10 * FOLDS} of each are wanted"
        return None

    def refute(self, trial: Trial, rng: np.random.Generator) -> Refutation:
        """Try to refute that there is something to compare with.

        Parameters
        ----------
        trial : any that holds something fixed.
        rng : deals clusters into folds for the propensity scores.
        """
        design = trial.design
        report = reporting(
            self,
            asks="Are there places with more and with less of the treatment at every value of what is held fixed?",
            expected=f"At most {self.outside:.0%} of authorities outside support.",
            detects="Kinds of places that all had the treatment, or none, or among which it does not differ: there the model answers and not the data.",
            cannot_detect="Confounding of any kind, and kinds of places that differ in something that is not held fixed.",
        )
        if (why := self.unmet(trial)) is not None:
            return not_run(report, why)
        kinds, names = _kinds(design)
        if len(values := np.unique(design.treatment)) == 2:
            had = np.bincount(design.authority, weights=design.treatment == values[1], minlength=len(design.authorities)) > 0
            propensities = _chances(kinds, had, _clusters(design), rng)
            outside = (propensities < self.margin) | (propensities > 1 - self.margin)
            weights = np.where(had, 1 / np.maximum(propensities, 1e-6), 1 / np.maximum(1 - propensities, 1e-6))
            ends = np.quantile(propensities, [0.05, 0.95])
            text = f"Chances of treatment run from {ends[0]:.2f} to {ends[1]:.2f} (5th to 95th percentile)"
            more: dict[str, float | None] = {"chance of treatment, 5th percentile": float(ends[0]), "chance of treatment, 95th percentile": float(ends[1])}
        else:
            weights = _variation(trial)
            near = _nearest(kinds, self.neighbours)
            rows = np.maximum(np.bincount(design.authority, minlength=len(kinds)), 1)
            spreads = np.sqrt((weights / rows)[near].mean(axis=1)) / abs(trial.question.contrast)
            outside = spreads < self.spread
            middle = float(np.median(spreads))
            text = f"The treatment's spread, once all is held fixed, is {middle:.0%} of the contrast among alike places, {spreads.min():.0%} where least"
            more = {"median residual spread, share of the contrast": middle, "least residual spread, share of the contrast": float(spreads.min())}
        if not weights.sum() > 0:
            return not_run(report, "nothing of the treatment is left once all is held fixed")
        share, effective = float(outside.mean()), float(weights.sum() ** 2 / (weights**2).sum())
        survived = share <= self.outside
        text += f"; {outside.sum()} of {count(len(outside), 'authority', 'authorities')} ({share:.0%}) are outside support{_where(kinds, names, outside)}. "
        text += f"The effective sample is {effective:.0f} authorities. "
        return report(
            found=text + ("There is something to compare with." if survived else "For too many the model answers, not the data."),
            p_value=None,
            survived=survived,
            numbers={"share of authorities outside support": share, "share let pass": self.outside, "effective authorities": effective} | more,
        )


def _kinds(design: Design) -> tuple[Floats, tuple[str, ...]]:
    """What is conditioned on of each authority, in the first year it is seen, standardised; shape (authorities, k)."""
    first = np.unique(design.authority, return_index=True)[1]
    columns = {name: design.time_invariant[first, i] for i, name in enumerate(design.time_invariant_names)}
    columns |= {str(group): design.controls[first, at[0]] for group, at in design.control_groups.items() if not group.by_year}
    kept = {name: (values - values.mean()) / values.std() for name, values in columns.items() if values.std() > 0}
    return np.column_stack(list(kept.values())) if kept else np.empty((len(first), 0)), tuple(kept)


def _nearest(kinds: Floats, number: int) -> Ints:
    """The authorities most alike to each, itself left out; shape (authorities, number).

    Of few all distances are taken, of those equally far the first in order; of many a k-d tree is asked (Bentley 1975, Multidimensional binary search trees
    used for associative searching), whose time grows with n log n.

    Parameters
    ----------
    kinds : shape (authorities, k).
    number : how many, fewer where there are not so many.
    """
    if len(kinds) <= TABLED:
        apart = ((kinds[:, None] - kinds[None]) ** 2).sum(axis=2) + np.diag(np.full(len(kinds), np.inf))
        return np.argsort(apart, axis=1, kind="stable")[:, :number]
    from scipy.spatial import cKDTree

    near = np.asarray(cKDTree(kinds).query(kinds, k=number + 1)[1], dtype=np.int64)
    # an authority is its own nearest, or one of several exactly like it: where it is not among them the farthest goes
    own = near == np.arange(len(kinds))[:, None]
    own[~own.any(axis=1), -1] = True
    return np.asarray(near[~own].reshape(len(kinds), number), dtype=np.int64)


def _clusters(design: Design) -> Ints:
    """The cluster of each authority."""
    return design.cluster[np.unique(design.authority, return_index=True)[1]]


def _chances(kinds: Floats, had: NDArray[np.bool_], cluster: Ints, rng: np.random.Generator) -> Floats:
    """Each authority's chance of treatment, from those of other folds; whole clusters share a fold."""
    from sklearn.linear_model import LogisticRegression

    clusters = np.unique(cluster)
    fold = dict(zip(clusters.tolist(), (rng.permutation(len(clusters)) % FOLDS).tolist(), strict=True))
    of = np.array([fold[c] for c in cluster.tolist()])
    propensities = np.full(len(had), had.mean())
    for out in range(FOLDS):
        in_fold = of != out
        if len(np.unique(had[in_fold])) == 2 and (~in_fold).any():
            propensities[~in_fold] = LogisticRegression(max_iter=1_000).fit(kinds[in_fold], had[in_fold]).predict_proba(kinds[~in_fold])[:, 1]
    return propensities


def _variation(trial: Trial) -> Floats:
    """Each authority's residual treatment variation, in the order of the design; shape (authorities,)."""
    fixed, names = trial.fixed, {name: i for i, name in enumerate(trial.design.authorities)}
    residualised = fixed.partial_out(fixed.treatment[:, None])[:, 0]
    at = np.array([names[name] for name in fixed.authorities])
    return np.asarray(np.bincount(at[fixed.authority], weights=residualised**2, minlength=len(names)), dtype=float)


def _where(kinds: Floats, names: tuple[str, ...], outside: NDArray[np.bool_]) -> str:
    """What most sets apart the authorities outside support."""
    if not outside.any() or outside.all():
        return ""
    apart = kinds[outside].mean(axis=0) - kinds[~outside].mean(axis=0)
    most = int(np.argmax(np.abs(apart)))
    return f", most of all those with {'high' if apart[most] > 0 else 'low'} {names[most]}"
