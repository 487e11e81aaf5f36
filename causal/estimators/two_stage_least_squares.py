"""Two-stage least squares: only what an instrument moves of the treatment is compared.

An instrument moves the outcome through the treatment alone, so what it moves of both gives the effect, whatever else was not measured
(Angrist, Imbens & Rubin 1996, Identification of causal effects using instrumental variables). The effect is that on those whom the instrument
moves. Which variables are instruments, and what must be held fixed for that, is read off the graph.

An instrument that barely moves the treatment makes the usual interval far too narrow. So the interval is the Anderson–Rubin set: every effect under
which the instruments tell nothing of outcome − effect × treatment (Anderson & Rubin 1949, Estimation of the parameters of a
single equation; Andrews, Stock & Sun 2019, Weak instruments in instrumental variables regression), with clustered errors. It covers however weak the
instrument is; where it is unbounded, in two pieces or empty the answer is "cannot tell". Beside it stand the effective F of Montiel Olea
& Pflueger 2013 (A robust test for weak instruments) with their simplified critical value for a worst-case bias of a tenth, and with several
instruments Hansen's J (Hansen 1982, Large sample properties of generalized method of moments estimators), clustered.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar, Literal

import numpy as np

from causal.arrays import Floats
from causal.design import Design
from causal.errors import ConfigError, EstimationError
from causal.estimand import DesignFacts, Estimand, Held, compared
from causal.estimate import Estimate, GroupFit, Part, estimated, feedback, group_parts, residual_treatment, thin, without_interval
from causal.estimators import serve
from causal.estimators.machinery.stages import Pieces, anderson_rubin, beyond, check_instruments, effective_f, hansen, instrumented, two_stage, varying
from causal.inference.clustered import clustered_least_squares, joint_test
from causal.needs import INSTRUMENT, Need

Interval = Literal["anderson_rubin", "wald"]
INTERVALS = ("anderson_rubin", "wald")


@dataclass(frozen=True, slots=True, kw_only=True)
class TwoStageLeastSquares:
    """Two-stage least squares within what the design absorbs, with a set that holds for weak instruments.

    Parameters
    ----------
    instruments : names of the graph's instruments to use, dated as the graph dates them; None takes all that are valid with what is held fixed.
    interval : "anderson_rubin", or "wald" (t with clustered errors; too narrow where instruments are weak, and then a concern).
    """

    instruments: tuple[str, ...] | None = None
    interval: Interval = "anderson_rubin"
    needs: ClassVar[tuple[Need, ...]] = (INSTRUMENT,)
    targets: ClassVar[str] = "ATE, of those whom the instrument moves, weighted by how far it moves them (and question.weights)"
    costs: ClassVar[str] = "milliseconds"
    strategy: ClassVar[str] = "iv"

    def __post_init__(self) -> None:
        check_instruments(self, self.instruments)
        if self.interval not in INTERVALS:
            raise ConfigError(f"interval must be one of {', '.join(INTERVALS)}, got {self.interval!r}")

    @property
    def name(self) -> str:
        """Its name on the shelf."""
        return "two_stage_least_squares"

    def estimate(self, design: Design, rng: np.random.Generator) -> Estimate:
        """Answer the design's question.

        Raises
        ------
        DesignError : the graph has no measured instrument, or none with what the design holds fixed; the target is not the ATE.
        EstimationError : the instruments do not vary within what is held fixed.
        """
        serve(self, design)
        used, names, raw = instrumented(design, self.instruments)
        asked = Estimand(
            family="moved",
            comparison=compared(used),
            population="movers",
            weighting="instrument_variance",
            instruments=names,
            model="two-stage least squares",
        )
        return answered(self.name, design, used, raw, asked, rng, interval=self.interval)


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
    """The whole answer from raw instruments, shape (rows of `used`, l), clustered by authority."""
    basis, question = used.basis(), used.question
    instruments = varying(used, basis, raw)
    outcome, treatment = (used.partial_out(column[:, None], basis) for column in (used.outcome, used.treatment))
    both = two_stage(used, basis, outcome[:, 0], treatment, instruments)
    number, rank = len(used.clusters), basis.shape[1] + ("authority" not in used.absorb)
    reduced, first = (
        clustered_least_squares(column, instruments, used.held(basis), used.cluster, number, absorbed_rank=rank) for column in (outcome[:, 0], treatment[:, 0])
    )
    f, critical = effective_f(instruments, treatment[:, 0], used.cluster, number)
    f_robust, _, f_p = joint_test(first.coefficients, first.scores, float(first.df.min()))
    pieces, p_value = anderson_rubin(reduced, first, question.level, float(both.fit.coefficients[0]), float(both.fit.std_errors[0]))
    pieces = tuple((min(piece), max(piece)) for piece in (tuple(end * question.contrast for end in piece) for piece in pieces))
    pieces = tuple(sorted(pieces))
    j, j_p = hansen(instruments, outcome[:, 0], treatment[:, 0], both.residuals, used.cluster, number)
    weak = f < critical
    clash = j_p is not None and j_p < 0.05
    said = [*(feedback(used) if "authority" in used.absorb else ()), *thin(used, both.moved[:, 0]), *concerns]
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
        held=Held.by(used),
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
        return without_interval(made, f"the Anderson–Rubin set is {shape} ({_spoken(pieces)}), as the instruments are too weak; cannot tell")
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
