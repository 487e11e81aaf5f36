"""Attempts to refute an estimate: the trial that every refuter is given, and what it reports.

A refuter replaces something in the analysis and looks whether the answer behaves as a true one would. It
works with every estimator: for a linear one, hundreds of draws are a few matrix products; for any other
the estimator is run again, in parallel, each draw with a stream of its own, so that neither the number
of workers nor their order changes a number.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import PurePath
from traceback import extract_tb
from typing import ClassVar, Literal, Protocol, TypeVar, get_args
from zlib import crc32

import numpy as np

from causal import rescored
from causal.analysis import Analysis
from causal.arrays import Floats, Ints
from causal.crossfitted import CrossFitted
from causal.design import Design, design
from causal.errors import CausalError, ConfigError, EstimationError, of_another, placed, refusal
from causal.estimate import Estimate, Estimator, Linear, Part
from causal.graph import Graph
from causal.groupings import Way
from causal.identify import Identification
from causal.panel import Panel
from causal.question import Question
from causal.redraw import with_clusters, with_control, with_treatment
from causal.rows import Control
from causal.workers import elsewhere, spread

T = TypeVar("T")
# what a check speaks of: a bias that it could have seen; the size of the error; how the answer stands up to who and what is in the data; the record
# of treatment and outcome; how large a hidden fault would have to be; the graph as a whole
Family = Literal["bias", "inference", "stability", "record", "sensitivity", "graph"]
# what the verdict asks for by what it is, not by its name
Role = Literal["timing", "lead", "negative_control", "second_measure", "agreement", "placebo", "shared_shocks", "spillover"]
FAMILIES: tuple[Family, ...] = get_args(Family)
ROLES: tuple[Role, ...] = get_args(Role)
REAL = (int, float, np.integer, np.floating)
ALONE = 0.5  # seconds of draws before other processes are asked for help
CHUNK = 2_000_000  # bytes a block of draws may take: small enough to stay in the processor's cache


def stream(seed: int, *names: str | int) -> np.random.Generator:
    """The random stream of a named step: adding a step moves no other's numbers.

    Parameters
    ----------
    seed : the study's.
    *names : the step's name, and numbers of draws within it.
    """
    return np.random.default_rng([seed, *(name if isinstance(name, int) else crc32(name.encode()) for name in names)])


Admits = Literal["important_rise", "important_fall", "no_change", "unimportant"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Hidden:
    """How strong a hidden common cause would have to be to change an answer.

    Parameters
    ----------
    share : of what is left of both treatment and outcome, that it must explain to take the estimate to nothing.
    benchmark : the strongest measured control, in words; "" where none can be held against it.
    multiple : how many times as strong as that it must be for the interval to hold what it does not hold now; None where none of a size that can be is enough.
    admits : what the interval then holds; None where it holds everything already.
    """

    share: float
    benchmark: str = ""
    multiple: float | None = None
    admits: Admits | None = None


class WrongField(ConfigError):
    """A `Refutation` with a field that cannot be."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Refutation:
    """What one attempt found.

    Parameters
    ----------
    name : the refuter's.
    asks : the question it puts, in plain words.
    expected, found : what a true answer would show, and what was seen.
    p_value : probability of something as bad in a clean world; None where the check has none.
    survived : False if the check did not pass; None if it could not be run.
    reason : why it could not be run; None where it ran.
    detects, cannot_detect : faults it can and cannot show.
    numbers : name → number behind the words, for the report alone.
    parts : effects it estimated on the way (leads and lags, effects without one authority).
    label : its plain name for readers; "" where it has none, and goes by its own.
    family : what it speaks of; None for a check of an outsider's that does not say, which then weighs nothing.
    role : what it is to the verdict, where it is one of those that the verdict asks for.
    level : the rate at which its p-value was held; None where the check has none.
    bias, bias_error : how far, by what it found, the estimate is off, and the standard error of that; outcome units for the whole contrast, signed
        as the estimate is (estimate − truth); None where none can be computed.
    blind_below : the smallest bias (absolute, outcome units) that it finds four times in five at its level; None where it is not known.
    trials, alarms : placebos dealt, and those of them that the estimate's own test rejects; None but for checks of the error.
    lost : refits of its own that gave no answer.
    hidden : how strong a hidden common cause would have to be; None but for checks of that.
    shared : ways in which places were found to share shocks; the interval is then made anew (`causal.shared`).

    Raises
    ------
    ConfigError : a field that cannot be; the message says which, what was wanted and what came.

    Examples
    --------
    >>> words = {"asks": "Is it so?", "expected": "No.", "found": "No.", "detects": "One fault.", "cannot_detect": "Others."}
    >>> Refutation(name="mine", p_value=0.4, level=0.05, survived=True, **words).family is None
    True
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
    label: str = ""
    family: Family | None = None
    role: Role | None = None
    level: float | None = None
    bias: float | None = None
    bias_error: float | None = None
    blind_below: float | None = None
    trials: int | None = None
    alarms: int | None = None
    lost: int = 0
    hidden: Hidden | None = None
    shared: tuple[Way, ...] = ()

    def __post_init__(self) -> None:
        if isinstance(self.survived, np.bool_):
            object.__setattr__(self, "survived", bool(self.survived))
        for problem in _wrong(self):
            raise refusal(WrongField, f"Refutation {self.name!r}: {problem[0]}", *problem[1:])


def _wrong(one: Refutation) -> Iterator[tuple[str, str, str, str]]:
    """What is wrong with the fields of a refutation: which, what was wanted, what came and what to try."""
    for name in ("asks", "expected", "found", "detects", "cannot_detect"):
        if not isinstance(getattr(one, name), str):
            yield name, "words", repr(getattr(one, name)), "put it in quotes"
    if one.survived is not None and not isinstance(one.survived, bool):
        yield "survived", "True, False or None", repr(one.survived), "write None where it was not run"
    if one.survived is None and not one.reason:
        yield "reason", "why a check was not run, where survived is None", repr(one.reason), "say it in a few words"
    if one.family is not None and one.family not in FAMILIES:
        yield "family", f"one of {', '.join(FAMILIES)}, or None", repr(one.family), "leave it out, and the class's is taken"
    if one.role is not None and one.role not in ROLES:
        yield "role", f"one of {', '.join(ROLES)}, or None", repr(one.role), "leave it out, and the class's is taken"
    for name, least, most, wanted in (
        ("p_value", 0.0, 1.0, "a number from 0 to 1"),
        ("level", 0.0, 1.0, "a number from 0 to 1"),
        ("bias", -np.inf, np.inf, "a finite number in outcome units"),
        ("bias_error", 0.0, np.inf, "a finite number of at least 0"),
        ("blind_below", 0.0, np.inf, "a finite number of at least 0"),
    ):
        value = getattr(one, name)
        if value is not None and (isinstance(value, bool) or not isinstance(value, REAL) or not np.isfinite(value) or not least <= value <= most):
            yield name, f"{wanted}, or None", repr(value), "write None where there is none"
    for name in ("trials", "alarms", "lost"):
        value = getattr(one, name)
        if (value is not None or name == "lost") and (isinstance(value, bool) or not isinstance(value, int | np.integer) or value < 0):
            yield name, f"a whole number of at least 0{'' if name == 'lost' else ', or None'}", repr(value), "count them"
    if one.alarms is not None and (one.trials is None or one.alarms > one.trials):
        yield "alarms", f"no more than there are trials, {one.trials!r}", repr(one.alarms), "count both over the same placebos"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Setting:
    """What is known of an analysis before its outcome is looked at: enough to say which checks will run.

    Parameters
    ----------
    panel, question, identification, estimator, design : the analysis up to its estimate.
    graph : that the question was identified by; None where it is not at hand, and checks of the graph are then not run.
    """

    panel: Panel
    question: Question
    identification: Identification
    estimator: Estimator
    design: Design
    graph: Graph | None = None

    @staticmethod
    def before(analysis: Analysis, estimator: Estimator) -> Setting:
        """What is known before there is an estimate.

        Parameters
        ----------
        analysis : with a design.
        estimator : that is to answer.

        Raises
        ------
        DesignError : the analysis has no design.
        """
        return Setting(
            panel=analysis.panel,
            question=analysis.question,
            identification=analysis.identification,
            estimator=estimator,
            design=analysis.must(", so there is nothing to check"),
            graph=analysis.graph,
        )

    @property
    def linear(self) -> bool:
        """Whether draws are matrix steps (cheap) or refits."""
        return isinstance(self.estimator, Linear)

    @property
    def quick(self) -> bool:
        """Whether hundreds of refits are a matter of seconds; a matrix step always is."""
        return self.linear or bool(getattr(self.estimator, "quick", False))

    @property
    def fixed(self) -> Design:
        """The design that draws are made on: a linear estimator's own regression, for any other the design itself."""
        return self.estimator.regression(self.design) if isinstance(self.estimator, Linear) else self.design


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Trial(Setting):
    """An answer under examination, with three powers: `rerun`, `redraw` and `map`.

    Parameters
    ----------
    panel, question, identification, estimator, design, graph, estimate : the analysis as it was done.
    seed : of the study.
    workers : processes for `map`; changes no number.
    progress : whether to show it on a terminal.
    beside : other estimators and their answers on the same design, where they were asked already.

    Examples
    --------
    >>> from causal.configured import part
    >>> from causal.testing.worlds import World, designed, trial_of
    >>> panel = World().load()
    >>> trial = trial_of(panel, designed(panel), part("estimator", "fixed_effects"))
    >>> made, estimate = trial.rerun(panel=panel.subset(years=range(2011, 2016)))
    >>> made.rows, trial.design.rows
    (300, 480)
    """

    estimate: Estimate
    seed: int
    workers: int = 1
    progress: bool = False
    beside: tuple[tuple[Estimator, Estimate], ...] = ()

    @classmethod
    def of(
        cls,
        analysis: Analysis,
        estimator: Estimator,
        estimate: Estimate,
        *,
        seed: int,
        workers: int = 1,
        progress: bool = False,
        beside: tuple[tuple[Estimator, Estimate], ...] = (),
    ) -> Trial:
        """The trial of what an estimator answered to an analysis.

        Parameters
        ----------
        analysis : with a design.
        estimator, estimate : and its answer.
        seed, workers, progress, beside : as the class has them.

        Raises
        ------
        DesignError : the analysis has no design.
        """
        return cls(
            panel=analysis.panel,
            question=analysis.question,
            identification=analysis.identification,
            estimator=estimator,
            design=analysis.must(""),
            estimate=estimate,
            seed=seed,
            workers=workers,
            progress=progress,
            graph=analysis.graph,
            beside=beside,
        )

    @property
    def score(self) -> CrossFitted | None:
        """What cross-fits left, where the estimator's score is orthogonal: draws then ask that, and not the learners again."""
        return self.estimate.crossfitted

    @property
    def by_matrix(self) -> bool:
        """Whether places can be drawn and treatments dealt hundreds of times without a fit."""
        return self.linear or self.score is not None

    def rerun(
        self,
        *,
        panel: Panel | None = None,
        question: Question | None = None,
        identification: Identification | None = None,
        estimator: Estimator | None = None,
        rng: np.random.Generator | None = None,
    ) -> tuple[Design, Estimate]:
        """The same analysis, design and estimate, with whatever is given replaced.

        Parameters
        ----------
        panel, question, identification, estimator : what stands in the place of the trial's own; None keeps it.
        rng : the stream of the estimator; None takes the one that the study's estimate had.

        Returns
        -------
        design, estimate : of the analysis made again.

        Raises
        ------
        CausalError : the replaced analysis cannot be made, or the estimator cannot serve it.
        """
        made = design(panel or self.panel, question or self.question, identification or self.identification)
        return made, fitted(estimator or self.estimator, made, rng or stream(self.seed, "estimate"))

    def redraw(
        self,
        name: str,
        *,
        treatment: Floats | None = None,
        control: Floats | None = None,
        clusters: Floats | None = None,
        columns: Mapping[str, Floats] | None = None,
        errors: bool = True,
        lost: list[str] | None = None,
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
        lost : where to note why a refit has no answer, where a library broke off.

        Returns
        -------
        effects, std_errors : shape (draws,), outcome units for the whole contrast; NaN where a draw could not be estimated.
            For a linear estimator they equal what it would answer on the replaced design, CR2 where it takes CR2; only
            `clusters` always has CR1, with a cluster drawn twice counted as two. For one with an orthogonal score they are those of its residuals,
            with what was learnt of the controls kept.
        """
        given = [what for what in (treatment, control, clusters) if what is not None]
        if len(given) != 1:
            raise TypeError("redraw replaces exactly one of treatment, control and clusters")
        if isinstance(self.estimator, Linear):
            regression = self.fixed
            prepare = with_clusters if clusters is not None else with_control if control is not None else with_treatment
            step = prepare(regression, errors)
            width = max(1, CHUNK // (8 * regression.rows))
            # draws in rows: each is read from one end to the other
            blocks = [step(np.ascontiguousarray(given[0][:, at : at + width].T, dtype=float)) for at in range(0, given[0].shape[1], width)]
            slopes, spread = (np.concatenate(side) for side in zip(*blocks, strict=True))
            contrast = self.question.contrast
            return slopes * contrast, spread * abs(contrast)
        if self.score is not None and columns is None and (clusters is not None or rescored.can_carry(self.score)):
            return self._rescored(treatment, control, clusters)
        return self.refitted(name, treatment=treatment, control=control, clusters=clusters, columns=columns, lost=lost)

    def _rescored(self, treatment: Floats | None, control: Floats | None, clusters: Floats | None) -> tuple[Floats, Floats]:
        """`redraw` on the residuals that cross-fits left; errors are the estimate's own, times what the score's grow by."""
        score, made = self.score, self.design
        assert score is not None

        def step(block: Floats) -> tuple[Floats, Floats]:
            if clusters is not None:
                return rescored.with_clusters(score, made, block)
            if control is not None:
                return rescored.with_control(score, made, block)
            return rescored.with_treatment(score, made, block - made.treatment[:, None])

        given = clusters if clusters is not None else control if control is not None else treatment
        assert given is not None
        rows = len(made.clusters) if clusters is not None else made.rows
        plain = np.ones((rows, 1)) if clusters is not None else np.zeros((rows, 1)) if control is not None else made.treatment[:, None]
        return self._scaled(rescored.blocks(step, given, rows, CHUNK), step(plain))

    def _scaled(self, drawn: tuple[Floats, Floats], plain: tuple[Floats, Floats]) -> tuple[Floats, Floats]:
        """Effects for the whole contrast, with errors as many times those that the estimate reports as the score's own on unchanged rows."""
        assert self.score is not None
        contrast = self.score.over.question.contrast
        own, said = float(plain[1][0]), self.estimate.std_error
        unit = abs(contrast) if said is None or not own > 0 else said / own
        return drawn[0] * contrast, drawn[1] * unit

    def permuted(self, source: Ints) -> tuple[Floats, Floats]:
        """Effects and errors of treatments dealt anew on the residuals that cross-fits left, shape (draws,) each.

        Parameters
        ----------
        source : shape (rows of the score's own design, draws), whose treatment each row takes.
        """
        score = self.score
        assert score is not None
        every = np.arange(score.over.rows, dtype=float)[:, None]

        def step(block: Floats) -> tuple[Floats, Floats]:
            return rescored.with_dealt(score, block.astype(np.int64))

        return self._scaled(rescored.blocks(step, source.astype(float), score.over.rows, CHUNK), step(every))

    def refitted(
        self,
        name: str,
        *,
        treatment: Floats | None = None,
        control: Floats | None = None,
        clusters: Floats | None = None,
        columns: Mapping[str, Floats] | None = None,
        estimator: Estimator | None = None,
        lost: list[str] | None = None,
    ) -> tuple[Floats, Floats]:
        """`redraw` by a fit for each draw, whatever could be had without.

        Parameters
        ----------
        name, treatment, control, clusters, columns : as `redraw` has them, shape (rows, draws) or (clusters, draws).
        estimator : whose fits these are; None: the trial's.
        lost : where to note why a draw has no answer.
        """
        made, asked = self.design, estimator or self.estimator
        given = next(what for what in (treatment, control, clusters) if what is not None)

        def refit(draw: int, rng: np.random.Generator) -> tuple[float, float, str]:
            if clusters is not None:
                changed = made.resample_clusters(np.repeat(np.arange(len(clusters)), clusters[:, draw].astype(int)).astype(np.int64))
            elif control is not None:
                changed = replace(
                    made,
                    controls=np.column_stack([made.controls, control[:, draw]]),
                    control_names=(*made.control_names, "random"),
                    control_groups={**made.control_groups, Control("random", made=True): (made.controls.shape[1],)},
                )
            else:
                assert treatment is not None
                beside = {name: values[:, draw] for name, values in (columns or {}).items()}
                changed = replace(made, treatment=treatment[:, draw], columns={**made.columns, **beside})
            try:
                again = fitted(asked, changed, rng)
            except CausalError as why:
                return np.nan, np.nan, why.args[0] if isinstance(why, LostRefit) else ""
            return again.effect, np.nan if again.std_error is None else again.std_error, ""

        triples = self.map(name, refit, given.shape[1])
        if lost is not None:
            lost += [why for *_, why in triples if why]
        effects, spread = (np.array(side, dtype=float) for side in list(zip(*triples, strict=True))[:2])
        return effects, spread

    def map(self, name: str, step: Callable[[int, np.random.Generator], T], draws: int) -> list[T]:
        """`step(draw, rng)` for each draw, in parallel; each draw has its own stream, so workers change nothing.

        Parameters
        ----------
        name : of the stream and of the bar that shows progress.
        step : gives what it finds in one draw, of the draw's number and its stream.
        draws : how many.

        Returns
        -------
        list : shape (draws,), in the order of the draws.
        """
        return in_parallel(name, step, draws, seed=self.seed, workers=self.workers, progress=self.progress)


class LostRefit(EstimationError):
    """A refit in which a library broke off; the message names its exception."""


def fitted(estimator: Estimator, made: Design, rng: np.random.Generator) -> Estimate:
    """An answer to a changed design, for a check: where a library breaks off on it, the answer is lost and not the study.

    Parameters
    ----------
    estimator, made, rng : whose answer, to what, on which stream.

    Raises
    ------
    CausalError : the estimator refuses.
    LostRefit : something below it raised what is none of our errors.
    """
    return guarded(lambda: estimator.estimate(made, rng))


def guarded(step: Callable[[], T]) -> T:
    """What a step gives; what a library raises in it as `LostRefit`.

    Raises
    ------
    LostRefit : something below raised what is none of our errors.
    """
    try:
        return step()
    except CausalError:
        raise
    except Exception as problem:
        at = extract_tb(problem.__traceback__)[-1]
        if PurePath(at.filename).is_relative_to(PurePath(__file__).parent):
            raise  # a fault of ours
        first = str(problem).strip().splitlines()
        raise placed(LostRefit, type(problem).__name__, first[0] if first else "without a word") from problem


class Refuter(Protocol):
    """What stands on the shelf of checks.

    Its class says what it is before it runs: `family`, what it speaks of; `role`, what it is to the verdict (None: nothing of its own); `label`, its plain
    name for readers.

    Examples
    --------
    >>> from causal.configured import refuters
    >>> check = refuters(["leave_one_out"])["leave_one_out"]
    >>> check.name, check.family, check.label
    ('leave_one_out', 'stability', 'each place left out')
    """

    family: ClassVar[Family]
    role: ClassVar[Role | None]
    label: ClassVar[str]

    @property
    def name(self) -> str:
        """Its name on the shelf."""
        ...

    def unmet(self, setting: Setting) -> str | None:
        """What it needs and lacks here, known before any outcome is looked at, as a clause; None where it will run, as far as can be known."""
        ...

    def refute(self, trial: Trial, rng: np.random.Generator) -> Refutation:
        """Try to refute the trial's estimate; a check that cannot be run says so in its `Refutation`.

        Parameters
        ----------
        trial : the analysis as it was made, and the means of making it again.
        rng : the refuter's own stream.
        """
        ...


def must_say(name: str, refuter: Refuter) -> None:
    """Refuse a check whose class does not say, before it runs, what it is.

    Parameters
    ----------
    name : that it goes by in the study.
    refuter : the check.

    Raises
    ------
    ConfigError : no `refute` or `unmet`, no `name`, no `family` or one that there is none of, a `role` or `label` that is none; the message names the class.
    """
    who = f"refuters.{name}: the class {type(refuter).__module__}.{type(refuter).__qualname__}"
    for method, takes in (("refute", "trial, rng"), ("unmet", "setting")):
        if not callable(getattr(refuter, method, None)):
            raise refusal(
                ConfigError,
                who,
                f"a method {method}({takes}); unmet says what it lacks before it runs, None where nothing",
                "none, so it is no check",
                "write one",
            )
    for key, options in (("family", FAMILIES), ("role", (*ROLES, None))):
        value = getattr(refuter, key, "nothing")
        if value not in options:
            wanted = ", ".join(map(repr, options))
            raise refusal(ConfigError, who, f"{key}, one of {wanted}, which says what it is", repr(value), f"write  {key} = …  in the class")
    for key in ("name", "label"):
        value = getattr(refuter, key, None)
        if not isinstance(value, str) or not value.strip():
            raise refusal(
                ConfigError, who, f"its {'plain name for readers' if key == 'label' else 'name'}", repr(value), f"write  {key} = 'words'  in the class"
            )


def refuted(refuter: Refuter, trial: Trial, rng: np.random.Generator) -> Refutation:
    """What a check finds, with the fields that the verdict asks for.

    Parameters
    ----------
    refuter : the check.
    trial : the answer under examination.
    rng : its own stream.

    Raises
    ------
    ConfigError : no `Refutation`, another family or role than its class says, or a p-value without the level it was held at; the message names the class.
    """
    who = f"the check {refuter.name!r} ({type(refuter).__module__}.{type(refuter).__qualname__})"
    try:
        found = refuter.refute(trial, rng)
    except WrongField as problem:
        raise placed(ConfigError, who, problem) from None
    except Exception as problem:
        if (said := of_another(ConfigError, who, refuter, problem)) is None:
            raise
        raise said from problem
    if not isinstance(found, Refutation):
        raise refusal(ConfigError, who, "a causal.refute.Refutation to be returned", repr(found), "return one")
    for key in ("family", "role"):
        own, said = getattr(refuter, key), getattr(found, key)
        if said not in (None, own):
            raise refusal(ConfigError, who, f"a Refutation with {key} {own!r}, as its class says", repr(said), "leave it out, and the class's is taken")
    if found.p_value is not None and found.survived is not None and found.level is None:
        raise refusal(ConfigError, who, f"a level beside p_value {found.p_value:g}", "none", "say at which rate it was held: level=0.05")
    return replace(found, family=refuter.family, role=refuter.role, label=found.label or refuter.label)


def in_parallel(name: str, step: Callable[[int, np.random.Generator], T], draws: int, *, seed: int, workers: int, progress: bool) -> list[T]:
    """`step(draw, rng)` for each draw; each has its own stream, so the number of workers changes nothing.

    Parameters
    ----------
    name : of the stream and of the bar that shows progress.
    step : gives what it finds in one draw, of the draw's number and its stream.
    draws : how many.
    seed : of all streams.
    workers : processes; 0 or less takes every processor.
    progress : whether a terminal shows a bar.
    """
    from tqdm import tqdm

    # every fit runs with one BLAS and OpenMP thread: two gave other bits
    bar = tqdm(total=draws, desc=name, leave=False, delay=2, disable=not (progress and sys.stderr.isatty()))
    found: list[T] = []
    began = time.monotonic()
    with bar:
        # processes take about as long to start as the first draws here
        while len(found) < draws and ((workers == 1 and not elsewhere()) or time.monotonic() - began < ALONE):
            found.append(_single(step, len(found), stream(seed, name, len(found))))
            bar.update()
        if len(found) < draws:
            pending = [(draw, stream(seed, name, draw)) for draw in range(len(found), draws)]
            for one in spread(partial(_single, step), pending, workers=workers):
                found.append(one)
                bar.update()
    return found


def _single(step: Callable[[int, np.random.Generator], T], draw: int, rng: np.random.Generator) -> T:
    from threadpoolctl import threadpool_limits

    with threadpool_limits(limits=1):
        return step(draw, rng)
