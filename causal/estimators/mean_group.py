"""Mean group: every place's own slope, and their plain average.

y = authority + year + slope of the authority × treatment + controls, in *one* regression; the answer is the mean of the slopes, every place alike (Pesaran &
Smith 1995, Estimating long-run relationships from dynamic heterogeneous panels). Fixed effects weigh the same slopes by how far each place's treatment moves.
Where effects are larger where the treatment moves more the two differ, and neither is wrong: they average differently.

Slopes, place and year effects are estimated together. With the years taken out beforehand every slope would be mixed with the others' average in each year,
and the mean with it. A place whose treatment does not move has no slope: it is named, and helps to tell the year effects. No slope is trimmed, however
little its treatment moves; such slopes are noisy, and the interval says so. Controls have one slope for all places.

The error has two parts: slopes differ between places and each is known from its own rows alone (their spread tells both), and year effects and controls are
shared, which moves all slopes together. Both are summed by cluster. Degrees of freedom are Satterthwaite's (1946, An approximate distribution of
estimates of variance components) for slopes of unequal precision: few noisy ones leave few.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from causal.arrays import COLLINEAR, Floats, Ints
from causal.design import GONE, Design
from causal.errors import EstimationError, refusal
from causal.estimand import Estimand
from causal.estimate import Estimate
from causal.estimators import serve
from causal.inference.clustered import Fit, cluster_sums
from causal.knobs import whole_number
from causal.needs import AUTHORITY_EFFECTS, Lack, Need
from causal.regression import GroupFit, estimated, feedback, group_parts, least_squares, residual_treatment
from causal.words import count

NOISY = 0.5  # share of the error that five places may carry before it is a concern


def _places(estimator: MeanGroup, design: Design) -> Lack:
    if "authority" not in design.absorb:
        return None  # said by the need for authority effects
    moving = int(_moves(design).sum())
    if moving >= estimator.fewest:
        return None
    return f"the treatment moves in {count(moving, 'place')}, and slopes of at least {estimator.fewest} are wanted; take  estimator=fixed_effects"


def _moves(design: Design) -> Ints:
    """Shape (authorities,), whether a slope of its own can be had: the treatment moves there."""
    centred = design.treatment - _means(design, design.treatment[:, None])[design.authority, 0]
    size = np.sqrt(np.bincount(design.authority, weights=centred**2, minlength=len(design.authorities)))
    return np.asarray(size > GONE * float(np.ptp(design.treatment)))


def _means(design: Design, columns: Floats) -> Floats:
    counts = np.bincount(design.authority, minlength=len(design.authorities))
    return np.asarray(cluster_sums(columns, design.authority, len(counts)) / counts[:, None])


PLACES = Need("a treatment that moves in some places", _places)


@dataclass(frozen=True, slots=True, kw_only=True)
class MeanGroup:
    """The mean of places' own slopes, every place alike.

    Parameters
    ----------
    fewest : places whose treatment moves that an answer is given for, at least 6.
    """

    fewest: int = 10
    needs: ClassVar[tuple[Need, ...]] = (AUTHORITY_EFFECTS, PLACES)
    answers: ClassVar[tuple[str, ...]] = ("ATE", "alike")
    targets: ClassVar[str] = "ATE, every authority alike"
    costs: ClassVar[str] = "milliseconds"
    quick: ClassVar[bool] = True

    def __post_init__(self) -> None:
        whole_number("fewest", self.fewest, 6)

    @property
    def name(self) -> str:
        """Its name on the shelf."""
        return "mean_group"

    def estimate(self, design: Design, rng: np.random.Generator) -> Estimate:
        """Answer the design's question.

        Parameters
        ----------
        design : with authorities absorbed; the treatment moves in more than one of them.
        rng : draws the joint critical values of effects by group.

        Raises
        ------
        DesignError : authorities are not absorbed, the treatment moves in too few places, the target is not the ATE, or the question has weights.
        EstimationError : places' own slopes are collinear with the shared effects (two years in which every place moves).
        """
        serve(self, design)
        made = slopes(design)
        moving, contrast = np.flatnonzero(made.moves), design.question.contrast
        place_of = np.full(len(design.authorities), -1)
        groups: list[GroupFit] = []
        for m in design.modifiers:
            place_of[design.authority] = m.codes
            kept = [g for g in range(len(m.groups)) if (place_of[moving] == g).sum() > 1]
            if not kept:
                continue
            each = [mean_of(design, made, moving[place_of[moving] == g]) for g in kept]
            fit = Fit(
                coefficients=np.array([one.coefficients[0] for one in each]),
                scores=np.column_stack([one.scores for one in each]),
                df=np.array([one.df[0] for one in each]),
                residuals=made.residuals,
                inference=each[0].inference,
            )
            at = np.full(len(m.groups), -1)
            at[kept] = np.arange(len(kept))
            codes = np.where(made.moves[design.authority], at[m.codes], -1)
            groups.append((m.name, tuple(m.groups[g] for g in kept), fit, codes))
        fit = mean_of(design, made, moving)
        unmoving = [design.authorities[i] for i in np.flatnonzero(~made.moves).tolist()]
        notes = [
            f"Mean of the own slopes of {count(len(moving), 'place')}, every one alike; standard deviation between slopes, noise included, "
            f"{float(made.slopes[moving].std(ddof=1)) * abs(contrast):.3g}."
        ]
        if unmoving:
            notes.append(f"No slope of their own, as the treatment does not move there: {', '.join(unmoving)}; they help to tell the year effects.")
        weighed, residual = least_squares(design, design.basis())
        together = float(weighed.coefficients[0]) * contrast
        notes.append(
            f"Weighed by how far each place's treatment moves (fixed effects) the effect is {together:.4g}; "
            f"places alike give {float(fit.coefficients[0]) * contrast - together:+.3g} more."
        )
        lengths = np.sort(fit.scores[:, 0] ** 2)
        five = float(lengths[-5:].sum() / lengths.sum()) if lengths.sum() > 0 else 0.0
        said = feedback(design)
        if five > NOISY and len(moving) > 10:
            said += (f"five clusters carry {five:.0%} of the error: their treatment hardly moves, and their slopes are noisy",)
        return estimated(
            design,
            fit,
            estimator=self.name,
            estimand=Estimand(family="average", comparison="within", population="all", weighting="places", model="places' own slopes, one regression"),
            parts=group_parts(design, groups, rng),
            diagnostics={
                **residual_treatment(design, residual),
                "effective clusters": float(fit.df[0]) + 1,
                "places with a slope": float(len(moving)),
                "places whose treatment does not move": float(len(unmoving)),
                "lowest slope × contrast": float((made.slopes[moving] * contrast).min()),
                "highest slope × contrast": float((made.slopes[moving] * contrast).max()),
                "weighed by residual treatment variance (fixed effects)": together,
                "share of the error in the largest five": five,
            },
            concerns=said,
            notes=tuple(notes),
        )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Slopes:
    """One regression with a slope for every place.

    Parameters
    ----------
    moves : shape (authorities,), whether a place has a slope; slopes : shape (authorities,), NaN where it has none.
    lengths : shape (authorities,), sums of squares of the treatment within each place.
    loads : shape (authorities, rank), how far a unit of each shared coefficient moves a place's slope (0 where it has none).
    shared : shape (rows, rank), orthonormal, years and controls without places and their slopes.
    residuals : shape (rows,).
    """

    moves: Ints
    slopes: Floats
    lengths: Floats
    loads: Floats
    shared: Floats
    residuals: Floats


def slopes(design: Design) -> Slopes:
    """Slopes of all places with place effects, year effects and controls, in one least-squares regression."""
    number, place = len(design.authorities), design.authority
    years = design.year_dummies() if "year" in design.absorb else np.empty((design.rows, 0))
    columns = np.column_stack([design.outcome, years, design.controls])
    centred = columns - _means(design, columns)[place]
    moves = _moves(design)
    dose = design.treatment - _means(design, design.treatment[:, None])[place, 0]
    dose = np.where(moves[place], dose, 0.0)
    lengths: Floats = np.asarray(np.bincount(place, weights=dose**2, minlength=number), dtype=float)
    over = cluster_sums(centred * dose[:, None], place, number) / np.where(moves, lengths, 1.0)[:, None]
    slope_residual = centred - over[place] * dose[:, None]
    outcome, other = slope_residual[:, 0], slope_residual[:, 1:]
    scale = np.linalg.norm(centred[:, 1:], axis=0)
    # a column that places and their slopes tell wholly has no coefficient of its own
    some = scale > 0
    unit, values, turn = np.linalg.svd(other[:, some] / scale[some], full_matrices=False)
    kept = values > COLLINEAR * max(values.max(initial=0.0), 1.0)
    shared = unit[:, kept]
    coefficients = shared.T @ outcome
    # slope = slope of the outcome alone − Σ shared coefficient × slope of its column
    loads = (over[:, 1:][:, some] / scale[some]) @ (turn[kept].T / values[kept])
    collinear_part = (over[:, 1:][:, some] / scale[some]) @ turn[~kept].T if (~kept).any() else np.empty((number, 0))
    made = Slopes(
        moves=moves,
        slopes=np.where(moves, over[:, 0] - loads @ coefficients, np.nan),
        lengths=lengths,
        loads=loads,
        shared=shared,
        residuals=outcome - shared @ coefficients,
    )
    # along a direction that is told wholly the mean slope must not hang on what its coefficient is taken to be
    mean = collinear_part[moves].mean(axis=0) if collinear_part.shape[1] else np.empty(0)
    if np.abs(mean).max(initial=0.0) > 1e-8 * max(float(np.abs(over[:, 1:]).max(initial=0.0)) / float(scale[some].min(initial=np.inf) or 1.0), 1e-300):
        raise refusal(
            EstimationError,
            "mean_group",
            "places' own slopes that can be told from the year effects and controls",
            "ones that cannot (with two years in which every place moves any year effect fits)",
            "take  estimator=fixed_effects, or give more years",
        )
    return made


def mean_of(design: Design, made: Slopes, places: Ints) -> Fit:
    """The plain mean of some places' slopes, with scores summed by cluster.

    places : codes of authorities that have a slope, at least two.
    """
    number, clusters = len(places), len(design.clusters)
    own = np.zeros(len(design.authorities))
    own[places] = (made.slopes[places] - made.slopes[places].mean()) / number
    load = made.loads[places].mean(axis=0)
    shared = -(made.shared @ load) * made.residuals
    by_place = own + np.bincount(design.authority, weights=shared, minlength=len(own))
    cluster_of = np.zeros(len(own), dtype=np.int64)
    cluster_of[design.authority] = design.cluster
    among = np.unique(cluster_of[places])
    scores = cluster_sums(by_place[:, None], cluster_of, clusters) * np.sqrt(len(among) / max(len(among) - 1, 1))
    # variances of the slopes: noise by how far the treatment moves, and what they differ by beside it
    df_residual = max(design.rows - len(design.authorities) - int(made.moves.sum()) - made.shared.shape[1], 1)
    noise = float(made.residuals @ made.residuals) / df_residual / made.lengths[places]
    between = max(float(made.slopes[places].var(ddof=1)) - float(noise.mean()), 0.0)
    each = np.bincount(cluster_of[places], weights=noise + between, minlength=clusters)
    df = float(each.sum() ** 2 / (each**2).sum()) - 1 if (each > 0).any() else len(among) - 1.0
    return Fit(
        coefficients=np.array([float(made.slopes[places].mean())]),
        scores=scores,
        df=np.array([max(df, 1.0)]),
        residuals=made.residuals,
        inference="places' own slopes, Satterthwaite t",
    )
