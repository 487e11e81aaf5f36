"""Instruments with learnt nuisances: what the controls say of outcome, treatment and instrument is learnt out of fold, and instruments compare the rest.

ortho_iv
    two-stage least squares on what is left of all three (the partially linear instrumental variable model of Chernozhukov and others 2018,
    Double/debiased machine learning for treatment and structural parameters; EconML's OrthoIV).
dml_iv
    the instrument is what the instruments add to the prediction of the treatment, E[D | X, Z] − E[D | X], learnt too, so that it may act in curves
    and with the controls. EconML's DMLIV regresses on it, which is not orthogonal and has no valid interval (Syrgkanis and others 2019, Machine
    learning estimation of heterogeneous treatment effects with instruments); here it is the instrument, which is.
dr_iv
    each row's effect is corrected by its own compliance, E[D̃Z̃ | X], and the average taken over all rows, not over those who comply most
    (the doubly robust score of the same paper; EconML's DRIV with a constant first effect). Where compliance is slight it is bounded.

EconML's classes learn one split and take rows as independent; with the same folds and learners the effects here are theirs. Authority
effects are taken out first (`causal.estimators.machinery.transformed`). Intervals are those of the orthogonal score, summed by cluster, and none is given where
the instruments are weak.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar, Literal

import numpy as np

from causal.arrays import Floats, Ints
from causal.crossfitted import Average, CrossFitted, Slope
from causal.declared import Columns
from causal.design import Design
from causal.estimand import Estimand, compared
from causal.estimate import Estimate
from causal.estimators import serve
from causal.estimators.dynamic_dml import beside
from causal.estimators.machinery.crossfit import SPREAD, CrossFit, check_crossfit, fold_of
from causal.estimators.machinery.nuisance import Nuisance
from causal.estimators.machinery.stages import beyond, check_instruments, distinct, effective_f, instrumented, stages
from causal.estimators.machinery.transformed import MODELS, Transformation, Transformed, check_panel, scaled, transform
from causal.inference.clustered import Fit, clustered_least_squares, median_fit
from causal.needs import FOLDS, INSTRUMENT, Need
from causal.regression import GroupFit, estimated, feedback, group_parts, residual_treatment, warn_concentrated_leverage, without_interval

Kind = Literal["ortho_iv", "dml_iv", "dr_iv"]
LEAST_COMPLIANCE = 0.1  # of the mean, below which a row's compliance is not divided by
MANY = 0.05  # share of rows so bounded that is a concern


@dataclass(frozen=True, slots=True, kw_only=True)
class _Learnt:
    """What the three have in common; see `OrthoIv`."""

    instruments: Columns | None = None
    panel: Transformation = "within"
    nuisance: Nuisance = "lasso"
    folds: int = 5
    repetitions: int = 3
    degree: int = 2

    def __post_init__(self) -> None:
        check_instruments(self, self.instruments)
        check_crossfit(self.folds, self.repetitions)
        check_panel(self.panel, self.nuisance, self.degree)


@dataclass(frozen=True, slots=True, kw_only=True)
class OrthoIv(_Learnt):
    """Two-stage least squares on residuals learnt out of fold.

    Parameters
    ----------
    instruments : names of the graph's instruments to use; None takes all that are valid with what is conditioned on.
    panel : how authority effects are taken out (see `transformed`).
    nuisance : "lasso" or "ridge", tuned inside the training folds; "boosting", "forest" or "stacked" not with panel="within".
    folds : of cross-fitting, at least 2.
    repetitions : of cross-fitting with other folds; the median is the answer.
    degree : of the polynomial of the covariates, 1 to 3, linear nuisances only.
    """

    needs: ClassVar[tuple[Need, ...]] = (INSTRUMENT, FOLDS)
    answers: ClassVar[tuple[str, ...]] = ("ATE", "weights")
    targets: ClassVar[str] = "ATE, of those whom the instrument moves, weighted by how far it moves them (and question.weights)"
    costs: ClassVar[str] = "a few seconds"
    strategy: ClassVar[str] = "iv"
    fewest: ClassVar[int] = 1

    @property
    def name(self) -> str:
        """Its name on the shelf."""
        return "ortho_iv"

    def estimate(self, design: Design, rng: np.random.Generator) -> Estimate:
        """Answer the design's question.

        Parameters
        ----------
        design : with a measured instrument; rows where it is not known are left out.
        rng : deals clusters into folds, once for each repetition, and seeds the nuisances.

        Raises
        ------
        DesignError : the graph has no measured instrument, or there are too few clusters for the folds.
        """
        return _answer(self, "ortho_iv", design, rng, "partially linear, instruments' residuals")


@dataclass(frozen=True, slots=True, kw_only=True)
class DmlIv(_Learnt):
    """Learnt prediction of the treatment by the instruments as the instrument; parameters as for `OrthoIv`."""

    needs: ClassVar[tuple[Need, ...]] = (INSTRUMENT, FOLDS)
    answers: ClassVar[tuple[str, ...]] = ("ATE", "weights")
    targets: ClassVar[str] = "ATE, of those whom the instrument moves, weighted by how far it is learnt to move them (and question.weights)"
    costs: ClassVar[str] = "a few seconds"
    strategy: ClassVar[str] = "iv"
    fewest: ClassVar[int] = 1

    @property
    def name(self) -> str:
        """Its name on the shelf."""
        return "dml_iv"

    def estimate(self, design: Design, rng: np.random.Generator) -> Estimate:
        """Answer the design's question.

        Parameters
        ----------
        design : with a measured instrument; rows where it is not known are left out.
        rng : deals clusters into folds, once for each repetition, and seeds the nuisances.

        Raises
        ------
        DesignError : the graph has no measured instrument, or there are too few clusters for the folds.
        """
        return _answer(self, "dml_iv", design, rng, "partially linear, learnt instrument")


@dataclass(frozen=True, slots=True, kw_only=True)
class DrIv(_Learnt):
    """Doubly robust average over all rows; parameters as for `OrthoIv`."""

    needs: ClassVar[tuple[Need, ...]] = (INSTRUMENT, FOLDS)
    answers: ClassVar[tuple[str, ...]] = ("ATE", "weights")
    targets: ClassVar[str] = "ATE over all authority-years, if effects differ by controls alone (and question.weights)"
    costs: ClassVar[str] = "a few seconds"
    strategy: ClassVar[str] = "iv"
    fewest: ClassVar[int] = 3  # as every doubly robust score

    @property
    def name(self) -> str:
        """Its name on the shelf."""
        return "dr_iv"

    def estimate(self, design: Design, rng: np.random.Generator) -> Estimate:
        """Answer the design's question.

        Parameters
        ----------
        design : with a measured instrument; rows where it is not known are left out.
        rng : deals clusters into folds, once for each repetition, and seeds the nuisances.

        Raises
        ------
        DesignError : the graph has no measured instrument, or there are too few clusters for the folds.
        """
        return _answer(self, "dr_iv", design, rng, "doubly robust with instruments")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Run:
    """One cross-fit: the whole effect, those of each modifier's groups, and what is reported of it."""

    whole: Fit
    groups: tuple[Fit, ...]
    treatment: Floats
    f: float
    critical: float
    bounded: float
    fits: tuple[float, float]
    residual: Slope | Average


def _answer(knobs: OrthoIv | DmlIv | DrIv, kind: Kind, design: Design, rng: np.random.Generator, words: str) -> Estimate:
    serve(knobs, design)
    known, names, raw = instrumented(design, knobs.instruments)
    raw, names, out = distinct(known, raw, names)
    arrays = transform(known, knobs.panel, knobs.nuisance, knobs.degree)
    # an instrument loses its authority effects as the treatment does; with correlated random effects its mean joins the features
    each = [transform(replace(known, treatment=column), knobs.panel, knobs.nuisance, knobs.degree) for column in raw.T]
    features = arrays.features
    if arrays.transformation == "correlated_random_effects":
        features = scaled(np.column_stack([features, *(one.features for one in each)]))
    instruments = np.column_stack([one.treatment for one in each])
    used = arrays.over(known)
    runs = [_once(kind, knobs, used, arrays, features, instruments, rng) for _ in range(knobs.repetitions)]
    whole = median_fit([run.whole for run in runs])
    groups: list[GroupFit] = [(m.name, m.groups, median_fit([run.groups[i] for run in runs]), m.codes) for i, m in enumerate(used.modifiers) if runs[0].groups]
    effects = np.array([run.whole.coefficients[0] for run in runs]) * design.question.contrast
    spread = float(effects.std(ddof=1)) if len(runs) > 1 else None
    f, critical = float(np.median([run.f for run in runs])), float(np.median([run.critical for run in runs]))
    bounded = float(np.mean([run.bounded for run in runs]))
    laid = runs[0].treatment
    said = (feedback(used) if "authority" in used.absorb else ()) + warn_concentrated_leverage(used, laid)
    error = float(whole.std_errors[0]) * abs(design.question.contrast)
    if spread is not None and spread > SPREAD * error:
        said += (f"the effect hangs on how the folds fell: between splits it varies by {spread / error:.1f} standard errors",)
    if f < critical:
        said += (f"the instruments are weak (effective F {f:.1f}, below {critical:.1f}): the estimate leans towards that of least squares",)
    if bounded > MANY:
        said += (f"the instruments hardly move {bounded:.0%} of the rows, whose compliance was bounded",)
    estimate = estimated(
        design,
        whole,
        over=used,
        estimator=kind,
        estimand=Estimand(
            family="moved",
            comparison=compared(design),
            population="all" if kind == "dr_iv" else "movers",
            weighting="rows" if kind == "dr_iv" else "instrument_variance",
            instruments=names,
            model=f"{words}{MODELS[arrays.transformation]}",
            changes=arrays.transformation == "first_difference",
        ),
        parts=group_parts(used, groups, rng),
        diagnostics={
            **residual_treatment(used, laid),
            "instruments": float(len(names)),
            "effective F (Montiel Olea & Pflueger)": f,
            "effective F: critical value, bias of a tenth": critical,
            "share of rows with bounded compliance": bounded if kind == "dr_iv" else None,
            "outcome nuisance R² out of fold": float(np.mean([run.fits[0] for run in runs])),
            "treatment nuisance R² out of fold": float(np.mean([run.fits[1] for run in runs])),
            "cross-fits": float(len(runs)),
            "spread over cross-fits (sd)": spread,
        },
        crossfitted=CrossFitted(
            repetitions=tuple(run.residual for run in runs),  # type: ignore[arg-type]
            over=used,
            kept=_rows_of(design, known, arrays),
            carried=arrays.transformation,
        ),
        concerns=said,
        notes=(
            f"{knobs.folds} folds of whole clusters, {knobs.nuisance} nuisances on {features.shape[1]} features, {used.rows} of {design.rows} rows.",
            *beyond(used),
            *out,
        ),
    )
    if f < critical:
        return without_interval(
            estimate, f"the instruments are weak (effective F {f:.1f}), and no t interval holds; see two_stage_least_squares", "weak_instruments"
        )
    return estimate


def _once(
    kind: Kind, knobs: OrthoIv | DmlIv | DrIv, used: Design, arrays: Transformed, features: Floats, instruments: Floats, rng: np.random.Generator
) -> _Run:
    """One cross-fit; shapes (rows, features), (rows, instruments)."""
    draw = CrossFit.drawn(knobs.nuisance, knobs.folds, arrays.cluster, arrays.weights, rng, arrays.folds)
    fold = fold_of(arrays.cluster, draw.parted)
    root, number, rank = arrays.root, len(arrays.clusters), len(used.years) - 1
    none = np.empty((len(root), 0))
    outcome, treatment = draw.cross_fitted(np.column_stack([arrays.outcome, arrays.treatment]), features).T
    fits = tuple(float(1 - (residual**2).sum() / ((of - of.mean()) ** 2).sum()) for residual, of in ((outcome, arrays.outcome), (treatment, arrays.treatment)))
    if kind == "dml_iv" or (kind == "dr_iv" and instruments.shape[1] > 1):
        predicted = arrays.treatment - draw.cross_fitted(arrays.treatment, np.column_stack([features, scaled(instruments)]))
        z = (predicted - (arrays.treatment - treatment))[:, None]
    else:
        z = draw.cross_fitted(instruments, features)
    y, d, z = outcome * root, (treatment * root)[:, None], z * root[:, None]
    f, critical = effective_f(z, d[:, 0], arrays.cluster, number)
    both = stages(y, d, z, none, arrays.cluster, number, rank, used.row_count)
    whole, bounded = both.fit, 0.0
    moving = z @ np.linalg.lstsq(z, d[:, 0], rcond=None)[0] / root  # the combination of instruments that stands for the treatment

    def by_group(of: Floats, on: Floats, by: Floats) -> tuple[Fit, ...]:
        found = []
        for m in used.modifiers:
            each = []
            for g in range(len(m.groups)):
                inside = (m.codes == g)[:, None]
                each.append(stages(of * inside[:, 0], on * inside, by * inside, none, arrays.cluster, number, rank, used.row_count).fit)
            found.append(beside(each))
        return tuple(found)

    if kind != "dr_iv":
        residual = Slope(outcome=outcome, treatment=treatment, instrument=moving, fold=fold)
        return _Run(whole=whole, groups=by_group(y, d, z), treatment=d[:, 0], f=f, critical=critical, bounded=0.0, fits=(fits[0], fits[1]), residual=residual)
    first = float(whole.coefficients[0])
    product = d[:, 0] * z[:, 0] / root**2
    mean = float(np.average(product, weights=arrays.weights))
    compliance = (product - draw.cross_fitted(product, features)) / mean
    bounded = float((compliance < LEAST_COMPLIANCE).mean())
    own = np.maximum(compliance, LEAST_COMPLIANCE) * mean
    effect = (first + (outcome - first * treatment) * (z[:, 0] / root) / own) * root
    one = root[:, None]
    parts = Average(above=effect * root, below=root**2, outcome=outcome, treatment=treatment, instrument=z[:, 0] / root, compliance=own, fold=fold)
    whole = clustered_least_squares(effect, one, none, arrays.cluster, number, absorbed_rank=rank, row_count=used.row_count)
    return _Run(
        whole=whole, groups=by_group(effect, one, one), treatment=d[:, 0], f=f, critical=critical, bounded=bounded, fits=(fits[0], fits[1]), residual=parts
    )


def _rows_of(design: Design, known: Design, arrays: Transformed) -> Ints:
    """The asked design's rows that cross-fits stand on: those whose instruments are known, and of these those that the transformation keeps."""
    if known.rows == design.rows:
        return arrays.kept
    place = {name: i for i, name in enumerate(design.authorities)}
    span = int(design.year.max()) + 1
    asked = design.authority * span + design.year
    own = np.array([place[name] for name in known.authorities])[known.authority] * span + known.year
    return np.asarray(np.searchsorted(asked, own)[arrays.kept], dtype=np.int64)
