"""Both stages of an instrument's regression, and what is said of it: how strong it is, whether instruments agree, and the set that holds for weak ones.

Anderson & Rubin 1949, Estimation of the parameters of a single equation; Montiel Olea & Pflueger 2013, A robust test for weak instruments; Hansen
1982, Large sample properties of generalized method of moments estimators; all clustered.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from causal.arrays import Floats, Ints, orthonormal
from causal.design import GONE, Design
from causal.errors import ConfigError, DesignError, EstimationError, refusal, suggest
from causal.estimand import Conditioning, DesignFacts, Estimand
from causal.estimate import Estimate, Part
from causal.inference.clustered import Fit, cluster_sums, clustered_least_squares, joint_test
from causal.regression import GroupFit, estimated, feedback, group_parts, residual_treatment, warn_concentrated_leverage, without_interval
from causal.words import listed

Pieces = tuple[tuple[float, float], ...]
TAU = 0.1  # worst-case bias, as a share of that of least squares, against which the effective F is set
ANGLES = 4001  # where the real line, wound round half a circle, is looked at


def check_instruments(made: object, given: object) -> None:
    """Names of instruments, or None; a list becomes a tuple.

    Parameters
    ----------
    made : the estimator; its `instruments` becomes a tuple.
    given : names, or None for all that the graph has.

    Raises
    ------
    ConfigError : they are not names.
    """
    if given is None:
        return
    if isinstance(given, str) or not isinstance(given, Sequence) or not given or not all(isinstance(name, str) and name for name in given):
        raise refusal(ConfigError, "instruments", "a list of names, or null for all that the graph has", repr(given), "write  estimator.instruments=[grant]")
    object.__setattr__(made, "instruments", tuple(given))


def instrumented(design: Design, chosen: tuple[str, ...] | None = None) -> tuple[Design, tuple[str, ...], Floats]:
    """The rows whose instruments are known, the instruments' names, and their raw columns, shape (rows, instruments).

    Parameters
    ----------
    design : with instruments among its columns.
    chosen : names; None takes all that are valid with what the design holds fixed.

    Raises
    ------
    DesignError : a name chosen is no instrument, or none is valid with what the design holds fixed.
    """
    found = design.identification
    there = {one.name: one.given for one in found.instruments if one.name in design.columns}
    for name in chosen or ():
        if name not in there:
            raise refusal(DesignError, "estimator.instruments", "an instrument of the graph that was measured", repr(name), suggest(name, there))
    conditioned = set(found.adjust_for)
    names = tuple(sorted(name for name, given in there.items() if (chosen is None or name in chosen) and (found.forced or set(given) <= conditioned)))
    if not names or (chosen is not None and len(names) < len(chosen)):
        asked = "; ".join(f"{name} with {', '.join(given) or 'nothing'} held fixed" for name, given in there.items() if chosen is None or name in chosen)
        raise refusal(
            DesignError,
            "estimator.instruments",
            f"instruments for what the design holds fixed, {', '.join(found.adjust_for) or 'nothing'}",
            f"those of another set, of which the graph makes instruments: {asked}",
            "identify the question with strategy='iv', choose instruments that want no more, or force a set with  adjust_for=[…]",
        )
    raw = np.column_stack([design.column(name) for name in names])
    known = np.flatnonzero(np.isfinite(raw).all(axis=1))
    if not len(known):
        raise refusal(
            DesignError, f"{', '.join(names)}", "values where the treatment and the outcome are known", "none", "choose another instrument, or give more years"
        )
    return design.subset(known, f"{', '.join(names)} not known"), names, raw[known]


def beyond(design: Design) -> tuple[str, ...]:
    """What is conditioned on that no instrument asks for, as a note."""
    asked = {name for one in design.identification.instruments for name in one.given}
    more = [name for name in design.identification.adjust_for if name not in asked]
    return (f"Held fixed though the graph asks for it of no instrument: {', '.join(more)}.",) if more else ()


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Stages:
    """Two-stage least squares with its pieces.

    Parameters
    ----------
    fit : coefficients of the treatments, with clustered scores.
    moved : shape (rows, treatments), what the instruments move of them.
    residuals : shape (rows,), of the outcome on the treatments themselves.
    """

    fit: Fit
    moved: Floats
    residuals: Floats


def two_stage(design: Design, basis: Floats, outcome: Floats, treatments: Floats, instruments: Floats) -> Stages:
    """Both stages on columns that have lost what is conditioned on; shapes (rows,), (rows, k) and (rows, l), l at least k.

    Parameters
    ----------
    design : the rows whose instruments are known.
    basis : shape (rows, p), as `Design.basis` gives it.
    outcome : shape (rows,), residual on the basis.
    treatments : shape (rows, k), residuals on the basis.
    instruments : shape (rows, l), residuals on the basis.

    Raises
    ------
    EstimationError : the instruments leave a treatment unmoved.
    """
    rank = basis.shape[1] + ("authority" not in design.absorb)
    return stages(outcome, treatments, instruments, design.nuisance_basis(basis), design.cluster, len(design.clusters), rank, design.row_count)


def stages(
    outcome: Floats, treatments: Floats, instruments: Floats, controls: Floats, cluster: Ints, clusters: int, rank: int, row_count: int | None = None
) -> Stages:
    """Both stages on residuals.

    The scores are those of regressing residual + moved × coefficients on moved, which has the same coefficients and the right residuals, so that CR1, CR2 and
    their degrees of freedom are those of every other linear estimator here.

    Parameters
    ----------
    outcome : shape (rows,), residual on what is conditioned on.
    treatments, instruments : shape (rows, k) and (rows, l), residuals too.
    controls : shape (rows, p), orthonormal, as `clustered_least_squares` wants it.
    cluster : shape (rows,), codes from 0.
    clusters : how many there are.
    rank, row_count : `absorbed_rank` and `row_count` of `clustered_least_squares`.

    Raises
    ------
    EstimationError : the instruments leave a treatment unmoved.
    """
    unit, _ = np.linalg.qr(instruments)
    moved = unit @ (unit.T @ treatments)
    gram = moved.T @ moved
    if np.linalg.matrix_rank(gram, tol=1e-14 * float(np.trace(treatments.T @ treatments))) < len(gram):
        raise refusal(
            EstimationError,
            "the instruments",
            "ones that move the treatment within what is held fixed",
            "ones that do not move it at all, so that nothing can be compared",
            "choose other instruments",
        )
    coefficients = np.linalg.solve(gram, moved.T @ outcome)
    residual = outcome - treatments @ coefficients
    fit = clustered_least_squares(residual + moved @ coefficients, moved, controls, cluster, clusters, absorbed_rank=rank, row_count=row_count)
    return Stages(fit=fit, moved=moved, residuals=residual)


def varying(design: Design, basis: Floats, raw: Floats, names: Sequence[str] = ()) -> Floats:
    """Instruments without what is conditioned on, shape (rows, l), each of length 1; those that are collinear with it are left out.

    Parameters
    ----------
    design : the rows whose instruments are known.
    basis : shape (rows, p), as `Design.basis` gives it.
    raw : shape (rows, instruments).
    names : of the instruments, for the message.

    Raises
    ------
    EstimationError : none is left.
    """
    residualised = design.partial_out(raw, basis)
    size = np.linalg.norm(residualised, axis=0)
    kept = np.flatnonzero(size > 1e-7 * np.maximum(np.linalg.norm(raw - raw.mean(axis=0), axis=0), np.finfo(float).tiny))
    if not len(kept):
        raise refusal(
            EstimationError,
            f"{', '.join(names) or 'the instruments'}",
            f"something left within {' and '.join(design.absorb) or 'the adjustment set'} once the controls are held fixed",
            "nothing",
            "name an instrument that varies there (one that is constant for an authority works only through the years: see shift_share)",
        )
    return np.asarray(residualised[:, kept] / size[kept])


def distinct(design: Design, raw: Floats, names: tuple[str, ...]) -> tuple[Floats, tuple[str, ...], tuple[str, ...]]:
    """Instruments of which none is collinear with the others and what is conditioned on, their names, and sentences on those left out.

    Parameters
    ----------
    design : with what is conditioned on.
    raw, names : shape (rows, l); earlier ones are kept.
    """
    if len(names) < 2:
        return raw, names, ()
    residualised = design.partial_out(raw)
    about = np.linalg.norm(raw - raw.mean(axis=0), axis=0)
    kept: list[int] = []
    said: list[str] = []
    for j, name in enumerate(names):
        size = float(np.linalg.norm(residualised[:, j]))
        basis = orthonormal(residualised[:, kept].copy())
        rest = float(np.linalg.norm(residualised[:, j] - basis @ (basis.T @ residualised[:, j])))
        if size > GONE * about[j] and rest > GONE * size:
            kept.append(j)
        elif size <= GONE * about[j]:
            said.append(f"The instrument {name} is left out: what is held fixed tells it wholly.")
        else:
            others = listed([names[i] for i in kept])
            said.append(f"The instrument {name} is left out: {others} {'tells' if len(kept) == 1 else 'tell'} it wholly (collinear).")
    if not kept:
        return raw, names, ()
    return raw[:, kept], tuple(names[j] for j in kept), tuple(said)


def effective_f(instruments: Floats, treatment: Floats, cluster: Ints, clusters: int) -> tuple[float, float]:
    """Effective F with clustered errors, and its simplified critical value for 5 % and a bias of a tenth.

    F = x'ZZ'x / tr(W), with orthonormal Z and W the clustered covariance of Z'x's errors (with G/(G−1)). Theirs for one instrument and 5 % is 23.1 (Montiel
    Olea & Pflueger 2013, A robust test for weak instruments).

    Parameters
    ----------
    instruments : shape (rows, l), residuals on what is conditioned on.
    treatment : shape (rows,), residual too.
    cluster : shape (rows,), codes from 0.
    clusters : how many there are.
    """
    from scipy import stats

    unit, _ = np.linalg.qr(instruments)
    moved = unit.T @ treatment
    scores = cluster_sums(unit * (treatment - unit @ moved)[:, None], cluster, clusters)
    w = scores.T @ scores * clusters / (clusters - 1)
    trace, x = float(np.trace(w)), 1 / TAU
    if not trace > 0:
        return float("inf"), 0.0
    largest = float(np.linalg.eigvalsh(w)[-1])
    df = trace**2 * (1 + 2 * x) / (float((w**2).sum()) + 2 * x * trace * largest)
    return float(moved @ moved) / trace, float(stats.ncx2(df, x * df).ppf(0.95) / df)


def hansen(instruments: Floats, outcome: Floats, treatment: Floats, residuals: Floats, cluster: Ints, clusters: int) -> tuple[float | None, float | None]:
    """Hansen's J of two-step GMM with clustered moments, and its p-value (χ² with instruments − 1); None with one instrument."""
    from scipy import special

    overidentifying = instruments.shape[1] - 1
    if overidentifying < 1:
        return None, None
    scores = cluster_sums(instruments * residuals[:, None], cluster, clusters)
    weight = np.linalg.pinv(scores.T @ scores, hermitian=True)
    zx, zy = instruments.T @ treatment, instruments.T @ outcome
    moments = zy - zx * float(zx @ weight @ zy) / float(zx @ weight @ zx)
    j = float(moments @ weight @ moments)
    return j, float(special.chdtrc(overidentifying, j))


def anderson_rubin(reduced: Fit, first: Fit, level: float, centre: float, scale: float) -> tuple[Pieces, float]:
    """Every effect per unit of treatment at which the instruments do not predict outcome − effect × treatment, and the p-value at 0 (Anderson & Rubin 1949).

    Both regressions are on the same instruments, so coefficients and scores of outcome − b × treatment are those of the outcome less b times those of the
    treatment: nothing is fitted again. The line is wound round half a circle, b = centre + scale × tan(φ), and crossings are narrowed down, so that pieces
    that reach to infinity are found.

    Parameters
    ----------
    reduced, first : regressions of outcome and of treatment on the instruments; scores of shape (clusters, l).
    level : of confidence.
    centre : where the line is wound round, the estimate.
    scale : how wide, its error; 0 takes the size of the centre.

    Returns
    -------
    pieces : each (low, high), with ends that may be infinite; several where the set is disjoint.
    p_value : of no effect.
    """
    from scipy import optimize, special

    k, df = len(first.coefficients), float(min(first.df.min(), reduced.df.min()))
    rest = df - k + 1
    if rest <= 0:
        return ((-np.inf, np.inf),), 1.0
    limit = float(special.fdtri(k, rest, level)) * df * k / rest

    scale = scale if scale > 0 else abs(centre) or 1.0
    sums = [one.T @ other for one, other in ((reduced.scores, reduced.scores), (reduced.scores, first.scores), (first.scores, first.scores))]

    def statistic(angles: Floats) -> Floats:
        """Hotelling's T² at angles, shape (angles,); at ±π/2 that of the first stage."""
        own, other = np.cos(angles)[:, None], (np.cos(angles) * centre + np.sin(angles) * scale)[:, None]
        gamma = own * reduced.coefficients - other * first.coefficients
        own, other = own[:, :, None], other[:, :, None]
        covariance = own**2 * sums[0] - own * other * (sums[1] + sums[1].T) + other**2 * sums[2]
        return np.asarray(np.einsum("ai,aij,aj->a", gamma, np.linalg.pinv(covariance, hermitian=True), gamma))

    def at(angle: float) -> float:
        return centre + scale * float(np.tan(angle))

    angles = np.linspace(-np.pi / 2, np.pi / 2, ANGLES)
    inside = statistic(angles) <= limit
    inside[0] = inside[-1]
    pieces: list[tuple[float, float]] = []
    begin = -np.inf if inside[0] else None
    for i in range(1, len(angles)):
        if inside[i] == inside[i - 1]:
            continue
        edge = at(float(optimize.brentq(lambda angle: float(statistic(np.array([angle]))[0]) - limit, angles[i - 1], angles[i], xtol=1e-12)))
        if begin is None:
            begin = edge
        else:
            pieces.append((begin, edge))
            begin = None
    if begin is not None:
        pieces.append((begin, np.inf))
    null = np.arctan2(-centre, scale)
    return tuple(pieces), float(special.fdtrc(k, rest, float(statistic(np.array([null]))[0]) * rest / (df * k)))


Interval = Literal["anderson_rubin", "wald"]


def answered(
    estimator: str,
    design: Design,
    used: Design,
    raw: Floats,
    estimand: Estimand,
    rng: np.random.Generator,
    *,
    interval: Interval = "anderson_rubin",
    facts: DesignFacts | None = None,
    diagnostics: dict[str, float | None] | None = None,
    concerns: tuple[str, ...] = (),
    notes: tuple[str, ...] = (),
) -> Estimate:
    """The whole answer from raw instruments, clustered by authority.

    Parameters
    ----------
    estimator : its name.
    design : the one asked about.
    used : the rows whose instruments are known.
    raw : shape (rows of `used`, instruments).
    estimand : without the question's weights, which are put in.
    rng : draws the joint critical values of effects by group.
    interval : "anderson_rubin" or "wald".
    facts : what the estimator has counted.
    diagnostics, concerns, notes : of its own, put before those of the stages.
    """
    basis, question = used.basis(), used.question
    instruments = varying(used, basis, raw)
    outcome, treatment = (used.partial_out(column[:, None], basis) for column in (used.outcome, used.treatment))
    both = two_stage(used, basis, outcome[:, 0], treatment, instruments)
    number, rank = len(used.clusters), basis.shape[1] + ("authority" not in used.absorb)
    reduced, first = (
        clustered_least_squares(column, instruments, used.nuisance_basis(basis), used.cluster, number, absorbed_rank=rank, row_count=used.row_count)
        for column in (outcome[:, 0], treatment[:, 0])
    )
    f, critical = effective_f(instruments, treatment[:, 0], used.cluster, number)
    f_robust, _, f_p = joint_test(first.coefficients, first.scores, float(first.df.min()))
    pieces, p_value = anderson_rubin(reduced, first, question.level, float(both.fit.coefficients[0]), float(both.fit.std_errors[0]))
    pieces = tuple((min(piece), max(piece)) for piece in (tuple(end * question.contrast for end in piece) for piece in pieces))
    pieces = tuple(sorted(pieces))
    j, j_p = hansen(instruments, outcome[:, 0], treatment[:, 0], both.residuals, used.cluster, number)
    weak = f < critical
    clash = j_p is not None and j_p < 0.05
    said = [*(feedback(used) if "authority" in used.absorb else ()), *warn_concentrated_leverage(used, both.moved[:, 0]), *concerns]
    if weak:
        said.append(f"the instruments are weak (effective F {f:.1f}, below {critical:.1f}): the estimate leans towards that of least squares")
    if clash:
        said.append(f"the instruments contradict one another (Hansen's J, p {j_p:.2g}): not all are valid, or they move authorities with different effects")
    ends = [None if not np.isfinite(end) else end for piece in pieces for end in piece]
    shares = residual_treatment(used, treatment[:, 0])
    five = residual_treatment(used, both.moved[:, 0])
    made = estimated(
        design,
        both.fit,
        over=used,
        estimator=estimator,
        estimand=estimand,
        conditioning=Conditioning.by(used),
        facts=facts,
        parts=_parts(used, basis, outcome[:, 0], raw, rng),
        diagnostics={
            "share of treatment variance left": shares["share of treatment variance left"],
            "share of it that the instruments move (partial R²)": float((both.moved**2).sum() / (treatment**2).sum()),
            "effective clusters": five["effective clusters"],
            "share of treatment variance in the largest five": five["share of treatment variance in the largest five"],
            "instruments": float(instruments.shape[1]),
            "first-stage F, clustered": None if np.isnan(f_robust) else f_robust,
            "p of the first stage": None if np.isnan(f_p) else f_p,
            "effective F (Montiel Olea & Pflueger)": f,
            "effective F: critical value, bias of a tenth": critical,
            "p of Anderson–Rubin at no effect": p_value,
            **{f"Anderson–Rubin set, {'to' if i % 2 else 'from'} ({i // 2 + 1})": end for i, end in enumerate(ends)},
            "Hansen's J, clustered": j,
            "p of Hansen's J": j_p,
            "least squares with the same held fixed": float(outcome[:, 0] @ treatment[:, 0] / (treatment[:, 0] @ treatment[:, 0]) * question.contrast),
            **(diagnostics or {}),
        },
        concerns=tuple(said),
        notes=(
            f"Anderson–Rubin {question.level:.0%} set: {_spoken(pieces)}. Effects by group have t intervals, where their own first stage is strong.",
            *beyond(used),
            *notes,
        ),
    )
    if interval == "wald":
        return made
    return _with_set(made, pieces, p_value)


def _with_set(made: Estimate, pieces: Pieces, p_value: float) -> Estimate:
    """The estimate with the Anderson–Rubin set as its interval, or without one where the set is none."""
    wald = {"clustered standard error (not valid for weak instruments)": made.std_error}
    if not pieces:
        made = replace(made, diagnostics={**made.diagnostics, **wald})
        return without_interval(made, "the Anderson–Rubin set is empty, as no effect agrees with all instruments; cannot tell")
    if len(pieces) > 1 or not np.isfinite(pieces[0]).all():
        made = replace(made, diagnostics={**made.diagnostics, **wald})
        shape = "in two pieces" if len(pieces) > 1 and np.isfinite(pieces[0][0]) else "unbounded"
        return without_interval(
            made, f"the Anderson–Rubin set is {shape} ({_spoken(pieces)}), as the instruments are too weak; cannot tell", "weak_instruments"
        )
    lower, upper = pieces[0]
    if not lower <= made.effect <= upper:
        made = replace(made, diagnostics={**made.diagnostics, **wald})
        return without_interval(made, f"the Anderson–Rubin set ({_spoken(pieces)}) leaves out the estimate, as the instruments disagree; cannot tell")
    return replace(made, lower=lower, upper=upper, p_value=p_value, inference=f"Anderson–Rubin set; standard error {made.inference}")


def _spoken(pieces: Pieces) -> str:
    def one(end: float) -> str:
        return f"{end:.4g}".replace("-", "−") if np.isfinite(end) else ("∞" if end > 0 else "−∞")

    return " and ".join(f"{one(low)} to {one(high)}" for low, high in pieces) or "empty"


def _parts(design: Design, basis: Floats, outcome: Floats, raw: Floats, rng: np.random.Generator) -> tuple[Part, ...]:
    """Effects by group, each with its own instruments; without an interval where a group's first stage is weak."""
    fits: list[GroupFit] = []
    weak: set[tuple[str, str]] = set()
    for m in design.modifiers:
        kept, blocks = [], []
        for g in range(len(m.groups)):
            inside = (m.codes == g)[:, None]
            treatment = design.partial_out(design.treatment[:, None] * inside, basis)
            try:
                block = varying(design, basis, raw * inside)
            except EstimationError:
                continue
            if np.linalg.norm(treatment) <= 1e-6 * np.linalg.norm(design.demean(design.treatment[:, None])):
                continue
            f, critical = effective_f(block, treatment[:, 0], design.cluster, len(design.clusters))
            if not f >= critical:
                weak.add((m.name, m.groups[g]))
            kept.append(g)
            blocks.append((treatment, block))
        if not kept:
            continue
        try:
            both = two_stage(design, basis, outcome, np.column_stack([t for t, _ in blocks]), np.column_stack([z for _, z in blocks]))
        except EstimationError:
            continue
        place = np.full(len(m.groups), -1)
        place[kept] = np.arange(len(kept))
        fits.append((m.name, tuple(m.groups[g] for g in kept), both.fit, place[m.codes]))
    none = {"std_error": None, "lower": None, "upper": None, "joint_lower": None, "joint_upper": None}
    return tuple(replace(part, **none) if (part.of, part.name) in weak else part for part in group_parts(design, fits, rng))  # type: ignore[arg-type]
