"""Through what does the treatment work? The total effect split into paths through any number of mediators.

Treatment, mediators and outcome are taken in successive years. Where mediators move one another, effects "through each" that would hold
for a person by person world are not identified (Avin, Shpitser & Pearl 2005, Identifiability of path-specific effects). Two things are: the joint
effect through the whole block of mediators, and interventional effects, which move the distribution of one mediator at a time to where the
treatment would put it (Vansteelandt & Daniel 2017, Interventional effects for mediation analysis with multiple mediators). What the latter leave
of the joint effect is the mediators' mutual dependence; so always

    total = direct + joint,  joint = Σ through each + mutual dependence.

All is linear. With one regression of the outcome on treatment and mediators (τ, β) and one of each mediator on the treatment (α), direct is τ,
through mediator k is αₖβₖ, where αₖ is all that the treatment does to it, by way of the other mediators too, and the mutual dependence is 0. With
interaction = true the outcome may also depend on treatment × mediator and mediator × mediator, and the mediators' covariance on the treatment;
mediators then move in the order given, those before at their treated, those after at their control distribution.

Errors are clustered: the scores of all regressions are carried through the formulas by their derivatives. How strong an unmeasured common cause of
mediators and outcome would have to be to explain the joint effect away is given as the correlation of their errors (Imai, Keele & Yamamoto
2010, Identification, inference and sensitivity analysis for causal mediation effects; here in the block's worst direction).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import ClassVar

import numpy as np

from causal.arrays import Floats
from causal.declared import Columns
from causal.design import Design
from causal.errors import ConfigError, DesignError, EstimationError, refusal, suggest
from causal.estimand import Conditioning, Estimand, compared
from causal.estimate import Estimate, Part
from causal.estimators import serve
from causal.graph import dated, undated
from causal.inference.clustered import Fit, clustered_least_squares
from causal.knobs import true_or_false
from causal.needs import ADJUSTMENT, MEDIATORS, Need
from causal.regression import by_group, estimated, feedback, group_parts, least_squares, parts_of, residual_treatment, warn_concentrated_leverage

BOUNDS = (0.1, 0.3)  # correlations of errors for which the joint effect is given
COLLINEAR = 1e-7  # a mediator with less than this share of its length left is collinear with what is conditioned on


@dataclass(frozen=True, slots=True, kw_only=True)
class Mediation:
    """Total effect, direct effect, joint effect through all mediators and interventional effects through each.

    Parameters
    ----------
    mediators : names, in the order in which they move where there is interaction; None takes all that the graph has and the data hold, by name.
    interaction : whether mediators may act on the outcome by way of products with the treatment and with one another.
    """

    mediators: Columns | None = None
    interaction: bool = False
    needs: ClassVar[tuple[Need, ...]] = (ADJUSTMENT, MEDIATORS)
    answers: ClassVar[tuple[str, ...]] = ("ATE", "weights")
    targets: ClassVar[str] = "ATE, weighted by residual treatment variance (and question.weights)"
    costs: ClassVar[str] = "milliseconds"
    quick: ClassVar[bool] = True

    def __post_init__(self) -> None:
        given: object = self.mediators
        if given is not None:
            if isinstance(given, str) or not isinstance(given, Sequence) or not given or not all(isinstance(name, str) and name for name in given):
                raise refusal(
                    ConfigError, "mediators", "a list of names, or null for all that the graph has", repr(given), "write  estimator.mediators=[closures]"
                )
            object.__setattr__(self, "mediators", tuple(given))
        true_or_false("interaction", self.interaction)

    @property
    def name(self) -> str:
        """Its name on the shelf."""
        return "mediation"

    def estimate(self, design: Design, rng: np.random.Generator) -> Estimate:
        """Answer the design's question and split the answer into paths.

        Parameters
        ----------
        design : with mediators among its columns; rows where one is not known are left out.
        rng : draws the joint critical value of the paths.

        Returns
        -------
        Estimate : the total effect; its parts are the direct effect, the joint indirect effect, and those through each mediator with what they share.

        Raises
        ------
        DesignError : nothing measured lies between treatment and outcome, a mediator named does not, or the target is not the ATE.
        EstimationError : a mediator does not vary within what is conditioned on.
        """
        serve(self, design)
        used, names, raw = _mediated(design, self.mediators)
        question, basis = used.question, used.basis()
        total, treatment = least_squares(used, basis)
        block = _Block.fitted(used, basis, names, raw, interaction=self.interaction)
        paths, labels = block.paths(used)
        if self.interaction:
            total = Fit(coefficients=paths.coefficients[:1], scores=paths.scores[:, :1], df=paths.df[:1], residuals=total.residuals, inference=paths.inference)
        counts = [(used.rows, len(used.authorities))] * (len(labels) - 1)
        rest = Fit(coefficients=paths.coefficients[1:], scores=paths.scores[:, 1:], df=paths.df[1:], residuals=paths.residuals, inference=paths.inference)
        parts = parts_of(question, rest, kind="path", of="mediation", names=labels[1:], counts=counts, rng=rng)
        confounded = _confounded(used, names)
        if confounded:
            parts = tuple(_unidentified(part) for part in parts)
        sensitive, notes = ({}, ()) if self.interaction else block.sensitivity(question.contrast)
        return estimated(
            design,
            total,
            over=used,
            estimator=self.name,
            estimand=Estimand(
                family="average",
                comparison=compared(used),
                population="all",
                weighting="residual_variance",
                model=f"split into paths through {', '.join(names)}, {'with' if self.interaction else 'linear, without'} interaction",
            ),
            conditioning=Conditioning.by(used),
            parts=(*parts, *group_parts(used, by_group(used, basis), rng)),
            diagnostics={
                **residual_treatment(used, treatment),
                "mediators": float(len(names)),
                "paths identified": None if confounded is None else float(not confounded),
                **block.fits(),
                **sensitive,
            },
            concerns=(feedback(used) if "authority" in used.absorb else ()) + warn_concentrated_leverage(used, treatment) + _timing(question.lag),
            notes=(*_said(used, names, confounded), *notes),
        )


def _mediated(design: Design, chosen: tuple[str, ...] | None) -> tuple[Design, tuple[str, ...], Floats]:
    """The rows whose mediators are known, the mediators' names, and their raw columns, shape (rows, mediators).

    Raises
    ------
    DesignError : one named is no mediator, or none is measured.
    """
    date = -max(design.question.lag - 1, 0)
    there = {name: dated(name, date) for name in design.identification.mediators}
    measured = {name: at for name, at in there.items() if at in design.columns and np.isfinite(design.columns[at]).any()}
    for name in chosen or ():
        if undated(name)[0] not in measured:
            raise refusal(DesignError, "mediation", "something measured between treatment and outcome in the graph", repr(name), suggest(name, measured))
    names = tuple(dict.fromkeys(undated(name)[0] for name in chosen)) if chosen else tuple(sorted(measured))
    if not names:
        raise refusal(
            DesignError,
            "mediation",
            f"one of {', '.join(there)}, between treatment and outcome in the graph, to be measured",
            "none; the total effect alone can be had",
            "take another estimator, or give a column for one of them",
        )
    raw = np.column_stack([design.column(measured[name]) for name in names])
    known = np.flatnonzero(np.isfinite(raw).all(axis=1))
    return design.subset(known, f"{', '.join(measured[name] for name in names)} not known"), names, raw[known]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Block:
    """The regressions that paths are made of.

    Parameters
    ----------
    outcome : on treatment, mediators and, with interaction, treatment × mediators and mediators × mediators.
    moved : one fit for each mediator on the treatment.
    together : with interaction, one for each pair: how their covariance changes with the treatment.
    covariance : shape (mediators, mediators), of the mediators' residuals.
    spread : standard deviation of the outcome's residual.
    """

    names: tuple[str, ...]
    outcome: Fit
    moved: tuple[Fit, ...]
    together: tuple[Fit, ...]
    pairs: tuple[tuple[int, int], ...]
    interaction: bool
    covariance: Floats
    spread: float
    centre: float

    @classmethod
    def fitted(cls, design: Design, basis: Floats, names: tuple[str, ...], raw: Floats, *, interaction: bool) -> _Block:
        """Fit them all; raw mediators of shape (rows, mediators)."""
        nuisance, rank = design.nuisance_basis(basis), basis.shape[1] + ("authority" not in design.absorb)
        weights = np.ones(design.rows) if design.weights is None else design.weights
        centred = raw - np.average(raw, axis=0, weights=weights)
        middle = float(np.average(design.treatment, weights=weights))
        dose = design.treatment - middle
        outcome, treatment, mediators = (design.partial_out(m, basis) for m in (design.outcome[:, None], design.treatment[:, None], centred))
        for name, residualised, whole in zip(names, mediators.T, centred.T, strict=True):
            if np.linalg.norm(residualised) <= COLLINEAR * np.linalg.norm(whole):
                raise refusal(
                    EstimationError,
                    "mediation",
                    f"{name} to vary within {' and '.join(design.absorb) or 'the adjustment set'} once the controls are held fixed",
                    "one that does not",
                    "leave it out with  estimator.mediators=[…]",
                )
        pairs = tuple(combinations(range(len(names)), 2)) if interaction else ()
        products = [dose * m for m in centred.T] if interaction else []
        products += [centred[:, k] * centred[:, m] for k, m in pairs]
        more = design.partial_out(np.column_stack(products), basis) if products else np.empty((design.rows, 0))

        def fit(of: Floats, on: Floats) -> Fit:
            return clustered_least_squares(of, on, nuisance, design.cluster, len(design.clusters), absorbed_rank=rank, row_count=design.row_count)

        moved = tuple(fit(column, treatment) for column in mediators.T)
        residuals = np.column_stack([one.residuals for one in moved])
        root = design.root_weights
        # residuals that have lost their authority's mean carry (1 − 2/T) of how their product moves, where shocks of a mediator are not drawn out over years
        kept = 1 - 2 * float((1 / np.bincount(design.authority)).mean()) if "authority" in design.absorb else 1.0
        if pairs and kept < COLLINEAR:
            raise refusal(
                EstimationError,
                "mediation",
                "more than two years of each authority, for interaction=true within authorities",
                "two",
                "take  estimator.interaction=false",
            )
        crossed = [design.partial_out((residuals[:, k] * residuals[:, m] / root**2 / kept)[:, None], basis)[:, 0] for k, m in pairs]
        together = tuple(fit(product, treatment) for product in crossed)
        whole = fit(outcome[:, 0], np.column_stack([treatment, mediators, more]))
        return cls(
            names=names,
            outcome=whole,
            moved=moved,
            together=together,
            pairs=pairs,
            interaction=interaction,
            covariance=residuals.T @ residuals / design.rows,
            spread=float(np.sqrt((whole.residuals**2).mean())),
            centre=middle,
        )

    def paths(self, design: Design) -> tuple[Fit, tuple[str, ...]]:
        """Total, direct, joint, through each and mutual dependence per unit of contrast, with clustered scores, and their names."""
        fits = (self.outcome, *self.moved, *self.together)
        theta = np.concatenate([one.coefficients for one in fits])
        scores = np.column_stack([one.scores for one in fits])
        question = design.question

        def split(at: Floats) -> Floats:
            return self._split(at, question.control - self.centre, question.treated - self.centre) / question.contrast

        # every formula is a polynomial of low degree in the coefficients, each scaled by its size: central differences are its derivative
        step = 1e-4 * np.maximum(np.abs(theta), np.sqrt((scores**2).sum(axis=0)))
        step = np.where(step > 0, step, 1e-8)
        slopes = np.column_stack([(split(theta + h) - split(theta - h)) / (2 * h[i]) for i, h in enumerate(np.diag(step))])
        labels = ("total", "direct", "joint, through all mediators", *(f"through {name}" for name in self.names), "mutual dependence of mediators")
        df = min(float(one.df.min()) for one in fits)
        made = Fit(
            coefficients=split(theta),
            scores=scores @ slopes.T,
            df=np.full(len(labels), df),
            residuals=self.outcome.residuals,
            inference=f"{self.outcome.inference}, by derivatives",
        )
        return made, labels

    def _split(self, theta: Floats, low: float, high: float) -> Floats:
        """Total, direct, joint, through each, mutual dependence of moving the centred treatment from `low` to `high`; outcome units."""
        k, p, n = len(self.names), len(self.pairs), len(self.outcome.coefficients)
        tau, beta, alpha = theta[0], theta[1 : 1 + k], theta[n : n + k]
        by_dose = theta[1 + k : 1 + 2 * k] if self.interaction else np.zeros(k)
        gamma, change = np.zeros((k, k)), 0.0
        for i, (a, b) in enumerate(self.pairs):
            gamma[a, b] = gamma[b, a] = theta[1 + 2 * k + i]
            change += theta[1 + 2 * k + i] * theta[n + k : n + k + p][i] * (high - low)
        direct = (tau + by_dose @ (alpha * low)) * (high - low)
        through = np.array(
            [
                alpha[j] * (high - low) * (beta[j] + by_dose[j] * high + gamma[j, :j] @ (alpha[:j] * high) + gamma[j, j + 1 :] @ (alpha[j + 1 :] * low))
                for j in range(k)
            ]
        )
        joint = through.sum() + change
        return np.array([direct + joint, direct, joint, *through, change])

    def sensitivity(self, contrast: float) -> tuple[dict[str, float | None], tuple[str, ...]]:
        """How far correlated errors of mediators and outcome could carry the joint effect, outcome units.

        With errors of correlation ρ in the direction that matters most, the joint effect is off by ρ/√(1−ρ²) × σ √(α'Σ⁻¹α) × contrast.
        """
        alpha = np.array([one.coefficients[0] for one in self.moved])
        reach = self.spread * float(np.sqrt(max(alpha @ np.linalg.pinv(self.covariance, hermitian=True) @ alpha, 0.0))) * abs(contrast)
        joint = float(alpha @ self.outcome.coefficients[1 : 1 + len(alpha)]) * contrast
        if not reach > 0:
            return {}, ()
        share = abs(joint) / reach
        explained = share / float(np.sqrt(1 + share**2))
        found: dict[str, float | None] = {"correlation of errors that explains the joint effect away": explained}
        for rho in BOUNDS:
            off = rho / float(np.sqrt(1 - rho**2)) * reach
            found |= {f"joint effect at least, errors correlated {rho:g}": joint - off, f"joint effect at most, errors correlated {rho:g}": joint + off}
        said = f"If what was not measured made the errors of mediators and outcome correlate by {explained:.2f}, the joint effect would be nothing."
        return found, (said,)

    def fits(self) -> dict[str, float | None]:
        """What the treatment does to each mediator (per unit) and each mediator to the outcome (per unit)."""
        found: dict[str, float | None] = {}
        for i, name in enumerate(self.names):
            found[f"treatment → {name}"] = float(self.moved[i].coefficients[0])
            found[f"{name} → outcome"] = float(self.outcome.coefficients[1 + i])
        return found


def _confounded(design: Design, names: tuple[str, ...]) -> tuple[str, ...] | None:
    """Mediators whose effect on the outcome the graph leaves confounded; None where the identification does not say."""
    found = getattr(design.identification, "confounded_mediators", None)
    return None if found is None else tuple(name for name in names if name in found)


def _unidentified(part: Part) -> Part:
    """A path that the graph does not identify: named so, and without an interval."""
    return replace(part, name=f"{part.name} (not identified)", std_error=None, lower=None, upper=None, joint_lower=None, joint_upper=None)


def _timing(lag: int) -> tuple[str, ...]:
    if lag >= 2:
        return ()
    return (f"paths want treatment, mediators and outcome in successive years; with question.lag={lag} the mediators are taken in the outcome's own year",)


def _said(design: Design, names: tuple[str, ...], confounded: tuple[str, ...] | None) -> tuple[str, ...]:
    others = [name for name in design.identification.mediators if name not in names]
    said = ["Effects through each are interventional: they move the distribution of one mediator, not one authority's own value."]
    if others:
        said.append(
            f"What goes by way of {', '.join(others)} alone is part of the direct effect; where it moves a mediator and the outcome it confounds paths."
        )
    if confounded is None:
        said.append("Whether mediators and outcome have common causes that were not measured was not looked up in the graph.")
    elif confounded:
        said.append(
            f"The paths are not identified: the graph leaves a common cause of the outcome and {', '.join(confounded)} that is not held fixed. "
            "The total effect does not hang on it; see how strong such a cause would have to be."
        )
    return tuple(said)
