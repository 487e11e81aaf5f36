"""Attempts to refute an estimate: the trial that every refuter is given, and what it reports.

A refuter replaces something in the analysis and looks whether the answer behaves as a true one would. It
works with every estimator: for a linear one, hundreds of draws are a few matrix products; for any other
the estimator is run again, in parallel, each draw with a stream of its own, so that neither the number
of workers nor their order changes a number.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Literal, Protocol, TypeVar
from zlib import crc32

import numpy as np

from causal.arrays import Floats
from causal.design import Design, design
from causal.errors import CausalError
from causal.estimate import Estimate, Estimator, Linear, Part
from causal.graph import Graph
from causal.identify import Identification
from causal.inference.clustered import FEW_CLUSTERS, cluster_sums
from causal.panel import Panel
from causal.question import Question

T = TypeVar("T")
# what a check speaks of: a bias that it could have seen; the size of the error; how the answer stands up to who and what is in the data; the record
# of treatment and outcome; how large a hidden fault would have to be; the graph as a whole
Family = Literal["bias", "inference", "stability", "record", "sensitivity", "graph"]
# what the verdict asks for by what it is, not by its name
Role = Literal["timing", "negative_control", "second_measure", "agreement", "placebo"]
CHUNK = 2_000_000  # bytes a block of draws may take: small enough to stay in the processor's cache
NOTHING_LEFT = 1e-7  # share of a column's length below which it is told by the others


def stream(seed: int, *names: str | int) -> np.random.Generator:
    """The random stream of a named step: adding a step moves no other's numbers."""
    return np.random.default_rng([seed, *(name if isinstance(name, int) else crc32(name.encode()) for name in names)])


@dataclass(frozen=True, slots=True, kw_only=True)
class Refutation:
    """What one attempt found.

    Parameters
    ----------
    name : the refuter's.
    asks : the question it puts, in plain words.
    expected, found : what a true answer would show, and what was seen.
    p_value : probability of something as bad in a clean world; None where the check has none.
    survived : False if the check did not pass; None if it could not be run, with the `reason`.
    detects, cannot_detect : faults it can and cannot show.
    numbers : name → number behind the words, for the report alone.
    parts : effects it estimated on the way (leads and lags, effects without one authority).
    family : what it speaks of; None for a check of an outsider's that does not say, which then weighs nothing.
    role : what it is to the verdict, where it is one of those that the verdict asks for.
    level : the rate at which its p-value was held; None where the check has none.
    bias, bias_error : how far, by what it found, the estimate is off, and the standard error of that; outcome units for the whole contrast, signed
        as the estimate is (estimate − truth); None where none can be computed.
    blind_below : the smallest bias (absolute, outcome units) that it finds four times in five at its level; None where it is not known.
    trials, alarms : placebos dealt, and those of them that the estimate's own test rejects; None but for checks of the error.
    lost : refits of its own that gave no answer.
    """

    name: str
    asks: str
    expected: str
    found: str
    p_value: float | None
    survived: bool | None
    reason: str | None = None
    detects: str
    cannot_detect: str
    numbers: Mapping[str, float | None] = field(default_factory=dict)
    parts: tuple[Part, ...] = ()
    family: Family | None = None
    role: Role | None = None
    level: float | None = None
    bias: float | None = None
    bias_error: float | None = None
    blind_below: float | None = None
    trials: int | None = None
    alarms: int | None = None
    lost: int = 0

    def __post_init__(self) -> None:
        if self.p_value is not None and not np.isfinite(self.p_value):
            object.__setattr__(self, "p_value", None)
            object.__setattr__(self, "survived", None)
            object.__setattr__(self, "reason", self.reason or "its p-value could not be computed")
        if self.survived is None and not self.reason:
            raise ValueError(f"{self.name}: a check that could not be run must say why")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Trial:
    """An answer under examination, with three powers: `rerun`, `redraw` and `map`.

    Parameters
    ----------
    panel, question, identification, estimator, design, estimate : the analysis as it was done.
    seed : of the study.
    workers : processes for `map`; changes no number.
    progress : whether to show it on a terminal.
    graph : that the question was identified by; None where it is not at hand, and checks of the graph are then not run.
    """

    panel: Panel
    question: Question
    identification: Identification
    estimator: Estimator
    design: Design
    estimate: Estimate
    seed: int
    workers: int = 1
    progress: bool = False
    graph: Graph | None = None

    @property
    def linear(self) -> bool:
        """Whether draws are matrix steps (cheap) or refits."""
        return isinstance(self.estimator, Linear)

    @property
    def fixed(self) -> Design:
        """The design that draws are made on: a linear estimator's own regression, for any other the design itself."""
        return self.estimator.regression(self.design) if isinstance(self.estimator, Linear) else self.design

    def rerun(
        self,
        *,
        panel: Panel | None = None,
        question: Question | None = None,
        identification: Identification | None = None,
        estimator: Estimator | None = None,
        rng: np.random.Generator | None = None,
    ) -> tuple[Design, Estimate]:
        """The same analysis, design and estimate, with whatever is given replaced."""
        made = design(panel or self.panel, question or self.question, identification or self.identification)
        return made, (estimator or self.estimator).estimate(made, rng or stream(self.seed, "estimate"))

    def redraw(
        self,
        name: str,
        *,
        treatment: Floats | None = None,
        control: Floats | None = None,
        clusters: Floats | None = None,
        columns: Mapping[str, Floats] | None = None,
        errors: bool = True,
    ) -> tuple[Floats, Floats]:
        """Effects and standard errors on the fixed design with one thing replaced in each draw.

        Parameters
        ----------
        name : of the step, for the random streams of refits and the progress line.
        treatment : shape (rows of `fixed`, draws), takes the treatment's place.
        control : shape (rows of `fixed`, draws), held fixed beside the design's controls.
        clusters : shape (clusters, draws), how often each cluster is drawn: 0 or 1 for subsets, more for bootstraps.
        columns : with `treatment`, columns beside the adjustment set that go with it (instruments), each of shape (rows, draws); for refits alone.
        errors : False leaves the standard errors of a linear estimator out (NaN), which cost most of the time.

        Returns
        -------
        effects, std_errors : shape (draws,), outcome units for the whole contrast; NaN where a draw could not be estimated.
            For a linear estimator they equal what it would answer on the replaced design, CR2 where it takes CR2; only
            `clusters` always has CR1, with a cluster drawn twice counted as two.
        """
        given = [what for what in (treatment, control, clusters) if what is not None]
        if len(given) != 1:
            raise TypeError("redraw replaces exactly one of treatment, control and clusters")
        if isinstance(self.estimator, Linear):
            regression = self.fixed
            prepare = _redraw_clusters if clusters is not None else _redraw_control if control is not None else _redraw_treatment
            step = prepare(regression, errors)
            width = max(1, CHUNK // (8 * regression.rows))
            # draws in rows: each is read from one end to the other
            blocks = [step(np.ascontiguousarray(given[0][:, at : at + width].T, dtype=float)) for at in range(0, given[0].shape[1], width)]
            slopes, spread = (np.concatenate(side) for side in zip(*blocks, strict=True))
            contrast = self.question.contrast
            return slopes * contrast, spread * abs(contrast)
        made = self.design

        def refit(draw: int, rng: np.random.Generator) -> tuple[float, float]:
            if clusters is not None:
                changed = made.take(np.repeat(np.arange(len(clusters)), clusters[:, draw].astype(int)).astype(np.int64))
            elif control is not None:
                changed = replace(
                    made,
                    controls=np.column_stack([made.controls, control[:, draw]]),
                    control_names=(*made.control_names, "random"),
                    control_groups={**made.control_groups, "random": (made.controls.shape[1],)},
                )
            else:
                assert treatment is not None
                beside = {name: values[:, draw] for name, values in (columns or {}).items()}
                changed = replace(made, treatment=treatment[:, draw], columns={**made.columns, **beside})
            try:
                again = self.estimator.estimate(changed, rng)
            except CausalError:
                return np.nan, np.nan
            return again.effect, np.nan if again.std_error is None else again.std_error

        pairs = self.map(name, refit, given[0].shape[1])
        effects, spread = (np.array(side, dtype=float) for side in zip(*pairs, strict=True))
        return effects, spread

    def map(self, name: str, step: Callable[[int, np.random.Generator], T], draws: int) -> list[T]:
        """`step(draw, rng)` for each draw, in parallel; each draw has its own stream, so workers change nothing."""
        return in_parallel(name, step, draws, seed=self.seed, workers=self.workers, progress=self.progress)


class Refuter(Protocol):
    """What stands on the shelf of checks."""

    @property
    def name(self) -> str:
        """Its name on the shelf."""
        ...

    def refute(self, trial: Trial, rng: np.random.Generator) -> Refutation:
        """Try to refute the trial's estimate; a check that cannot be run says so in its `Refutation`."""
        ...


def in_parallel(name: str, step: Callable[[int, np.random.Generator], T], draws: int, *, seed: int, workers: int, progress: bool) -> list[T]:
    """`step(draw, rng)` for each draw; each has its own stream, so the number of workers changes nothing."""
    from joblib import Parallel, cpu_count, delayed
    from tqdm import tqdm

    # every fit runs with one BLAS and OpenMP thread: two gave other bits
    jobs = min(workers if workers > 0 else cpu_count(), draws)
    pending = (delayed(_single)(step, draw, stream(seed, name, draw)) for draw in range(draws))
    bar = tqdm(total=draws, desc=name, leave=False, delay=2, disable=not (progress and sys.stderr.isatty()))
    found = []
    with bar:
        for one in Parallel(n_jobs=jobs, return_as="generator", batch_size=1)(pending):
            found.append(one)
            bar.update()
    return found


def _single(step: Callable[[int, np.random.Generator], T], draw: int, rng: np.random.Generator) -> T:
    from threadpoolctl import threadpool_limits

    with threadpool_limits(limits=1):
        return step(draw, rng)


Step = Callable[[Floats], tuple[Floats, Floats]]


def _centring(design: Design) -> Callable[[Floats], Floats]:
    """`Design.demean` for draws that lie in rows, shape (draws, rows): each is read from one end to the other."""
    if design.weights is not None:
        return lambda values: np.ascontiguousarray(design.demean(values.T).T)
    if "authority" not in design.absorb:
        return lambda values: np.asarray(values - values.mean(axis=1, keepdims=True))
    starts = np.flatnonzero(np.r_[True, np.diff(design.authority) != 0])
    counts = np.diff(np.r_[starts, design.rows])
    return lambda values: np.asarray(values - np.repeat(np.add.reduceat(values, starts, axis=1) / counts, counts, axis=1))


def _summing(design: Design) -> Callable[[Floats], Floats]:
    """Sums by cluster, shape (draws, rows) → (draws, clusters), with the order of the rows looked at once."""
    code, clusters = design.cluster, len(design.clusters)
    if clusters == design.rows and (np.diff(code) == 1).all():
        return lambda values: values
    if (np.diff(code) >= 0).all() and len(np.unique(code)) == clusters:
        starts = np.flatnonzero(np.r_[True, np.diff(code) != 0])
        return lambda values: np.asarray(np.add.reduceat(values, starts, axis=1))
    return lambda values: cluster_sums(values.T, code, clusters).T


def _dot(left: Floats, right: Floats) -> Floats:
    """Inner products draw by draw, shape (draws,)."""
    return np.asarray(np.einsum("bn,bn->b", left, right))


def _slopes(
    treatment: Floats, outcome: Floats, length: Floats, design: Design, other: Floats, sums: Callable[[Floats], Floats], noise: Floats | None, errors: bool
) -> tuple[Floats, Floats]:
    """Slope and clustered error, draw by draw, of residual outcome on residual treatment, as `causal.inference.clustered` has them.

    treatment : shape (draws, rows); outcome : shape (draws or 1, rows); length : of each treatment before it lost what is held fixed.
    other, noise : unit columns held fixed, all draws' (rows, p) and each draw's own (draws, rows).
    """
    size, clusters = _dot(treatment, treatment), len(design.clusters)
    spare = design.rows - other.shape[1] - 1 - (0 if noise is None else noise.any(axis=1))
    with np.errstate(divide="ignore", invalid="ignore"):
        slope = np.where(np.sqrt(size) <= NOTHING_LEFT * length, np.nan, _dot(treatment, np.broadcast_to(outcome, treatment.shape)) / size)
        if not errors:
            return slope, np.full(len(slope), np.nan)
        residual = outcome - treatment * slope[:, None]
        factor = np.where(spare > 0, clusters / (clusters - 1) * (design.rows - 1) / np.maximum(spare, 1), np.nan)
        scores, squares = sums(treatment * residual), sums(treatment**2)
        spread = np.sqrt(factor * _dot(scores, scores)) / size
        few = (size**2 / _dot(squares, squares) < FEW_CLUSTERS) & np.isfinite(slope) & (spare > 0)
    if few.any():
        own = None if noise is None else noise[few]
        spread[few] = _cr2(treatment[few] / np.sqrt(size[few])[:, None], residual[few], other, own, design) / np.sqrt(size[few])
    return slope, np.where(np.isfinite(slope), spread, np.nan)


def _cr2(treatment: Floats, residual: Floats, other: Floats, noise: Floats | None, design: Design) -> Floats:
    """Bell & McCaffrey's error times the treatment's length, draw by draw; shapes as in `_slopes`, the treatment of unit length.

    With W_g a cluster's rows of all unit columns, the treatment last, (I − W_g W_gᵀ)^{-1/2} W_g = W_g (I − W_gᵀ W_g)^{-1/2}: the smaller
    of the two matrices is taken apart.
    """
    order = np.argsort(design.cluster, kind="stable")
    counts = np.bincount(design.cluster, minlength=len(design.clusters))
    starts = np.cumsum(counts) - counts
    total = np.zeros(len(treatment))
    for m in np.unique(counts):
        rows = order[starts[counts == m][:, None] + np.arange(m)]  # clusters of m rows
        own = [draws[:, rows][..., None] for draws in (noise, treatment) if draws is not None]
        e, fixed = residual[:, rows][..., None], other[rows]
        if m <= fixed.shape[2] + len(own):
            leverage = fixed @ fixed.transpose(0, 2, 1) + sum(column @ column.transpose(0, 1, 3, 2) for column in own)
            target = own[-1]
        else:
            w = np.concatenate([np.broadcast_to(fixed, (len(e), *fixed.shape)), *own], axis=3)
            leverage = w.transpose(0, 1, 3, 2) @ w
            target = np.zeros((*leverage.shape[:-1], 1))
            target[:, :, -1] = 1.0
            e = w.transpose(0, 1, 3, 2) @ e
        values, vectors = np.linalg.eigh(leverage)
        shrink = 1 - np.clip(values, 0.0, 1.0)
        # a direction wholly fitted by this cluster carries no information
        root = np.where(shrink > 1e-10, 1 / np.sqrt(np.maximum(shrink, 1e-10)), 0.0)[..., None]
        turned = vectors.transpose(0, 1, 3, 2)
        total += (((turned @ e) * root * (turned @ target)).sum(axis=(2, 3)) ** 2).sum(axis=1)
    return np.asarray(np.sqrt(total))


def _redraw_treatment(design: Design, errors: bool) -> Step:
    basis = design.basis()
    other, centred, sums = design.held(basis), _centring(design), _summing(design)
    outcome = design.partial_out(design.outcome[:, None], basis).T

    def step(given: Floats) -> tuple[Floats, Floats]:
        about = given - given.mean(axis=1, keepdims=True)
        left = centred(given)
        left -= (left @ basis) @ basis.T
        return _slopes(left, outcome, np.sqrt(_dot(about, about)), design, other, sums, None, errors)

    return step


def _redraw_control(design: Design, errors: bool) -> Step:
    basis = design.basis()
    other, centred, sums = design.held(basis), _centring(design), _summing(design)
    treatment, outcome = (design.partial_out(column[:, None], basis)[:, 0] for column in (design.treatment, design.outcome))
    size, product = float(treatment @ treatment), float(treatment @ outcome)
    length = np.asarray(np.linalg.norm(design.treatment - design.treatment.mean()))
    known = np.column_stack([treatment, outcome, basis])

    def step(given: Floats) -> tuple[Floats, Floats]:
        noise = centred(given)
        with_noise = noise @ known
        square = _dot(noise, noise) - (with_noise[:, 2:] ** 2).sum(axis=1)
        # a control that the others tell adds nothing
        weight = np.where(square > NOTHING_LEFT**2 * _dot(given, given), 1 / np.maximum(square, np.finfo(float).tiny), 0.0)
        if not errors:
            left = size - weight * with_noise[:, 0] ** 2
            slope = (product - weight * with_noise[:, 0] * with_noise[:, 1]) / np.where(left > 0, left, np.nan)
            return np.where(left <= (NOTHING_LEFT * length) ** 2, np.nan, slope), np.full(len(slope), np.nan)
        noise -= with_noise[:, 2:] @ basis.T
        noise *= np.sqrt(weight)[:, None]
        without = [column - noise * (noise @ column)[:, None] for column in (treatment, outcome)]
        return _slopes(without[0], without[1], length, design, other, sums, noise, errors)

    return step


def _redraw_clusters(design: Design, errors: bool) -> Step:
    """Every cluster brings its cross-products, so a draw of clusters is a sum of small matrices and one small solve."""
    basis = design.basis()
    outcome, treatment = (design.partial_out(column[:, None], basis) for column in (design.outcome, design.treatment))
    units = [max(float(np.linalg.norm(column)), np.finfo(float).tiny) for column in (outcome, treatment)]
    known = np.column_stack([treatment / units[1], design.held(basis)])
    stack = np.ascontiguousarray(np.column_stack([known, outcome / units[0]]).T)
    k = known.shape[1]
    upper = np.triu_indices(k + 1)
    sums = _summing(design)
    grams = sums(stack[upper[0]] * stack[upper[1]])
    rows = np.bincount(design.cluster, minlength=len(design.clusters))

    def step(drawn: Floats) -> tuple[Floats, Floats]:
        summed = np.empty((len(drawn), k + 1, k + 1))
        summed[:, upper[0], upper[1]] = summed[:, upper[1], upper[0]] = drawn @ grams.T
        left, right = summed[:, :-1, :-1], summed[:, :-1, -1:]
        # a year or control that no drawn cluster has is left out by the pseudo-inverse
        inverse = np.linalg.pinv(left, rcond=1e-12, hermitian=True)
        slopes = (inverse @ right)[:, :, 0]
        first = inverse[:, 0, :]
        told = np.abs((first[:, None, :] @ left)[:, 0, :] - np.eye(k)[0]).max(axis=1) > 1e-6
        effects = np.where(told, np.nan, slopes[:, 0]) * units[0] / units[1]
        if not errors:
            return effects, np.full(len(effects), np.nan)
        size, clusters = drawn @ rows, drawn.sum(axis=1)
        spare = size - np.linalg.matrix_rank(left, rtol=1e-12, hermitian=True)
        scores = sums((first @ stack[:-1]) * (stack[-1] - slopes @ stack[:-1]))
        with np.errstate(divide="ignore", invalid="ignore"):
            factor = np.where(spare > 0, clusters / (clusters - 1) * (size - 1) / spare, np.nan)
            spread = np.sqrt(factor * (drawn * scores**2).sum(axis=1)) * units[0] / units[1]
        return effects, np.where(told, np.nan, spread)

    return step
