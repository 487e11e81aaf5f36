"""An answer under examination: what a check is given, and the means of making the analysis again with something replaced.

It works with every estimator: for a linear one, hundreds of draws are a few matrix products; for one with an orthogonal score they are drawn on its
residuals; for any other it is run again, in parallel.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import PurePath
from traceback import extract_tb
from typing import TypeVar

import numpy as np

from causal import rescored
from causal.analysis import Analysis
from causal.arrays import Floats, Ints
from causal.crossfitted import CrossFitted
from causal.design import Design, design
from causal.draws import Parallel, stream
from causal.errors import CausalError, EstimationError, placed
from causal.estimate import Estimate, Estimator, Linear, once
from causal.graph import Graph
from causal.identification import Identification
from causal.panel import Panel
from causal.question import Question
from causal.redraw import with_clusters, with_control, with_treatment
from causal.rows import Control

T = TypeVar("T")

CHUNK = 2_000_000  # bytes a block of draws may take: small enough to stay in the processor's cache


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
class Trial(Setting, Parallel):
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
        same_folds: bool = False,
        lost: list[str] | None = None,
    ) -> tuple[Floats, Floats]:
        """`redraw` by a fit for each draw, whatever could be had without.

        Parameters
        ----------
        name, treatment, control, clusters, columns : as `redraw` has them, shape (rows, draws) or (clusters, draws).
        estimator : whose fits these are; None: the trial's.
        same_folds : clusters stay in the folds of the answer's first cross-fit, and the stream begins as its did.
        lost : where to note why a draw has no answer.
        """
        made, asked = self.design, estimator or self.estimator
        given = next(what for what in (treatment, control, clusters) if what is not None)
        folds = None if self.score is None or not same_folds else self.score.folds

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
                if folds is not None:
                    changed, rng = replace(changed, folds=folds), stream(self.seed, "estimate")
                again = fitted(asked, changed, rng)
            except CausalError as why:
                return np.nan, np.nan, why.args[0] if isinstance(why, LostRefit) else ""
            return again.effect, np.nan if again.std_error is None else again.std_error, ""

        triples = self.map(name, refit, given.shape[1])
        if lost is not None:
            lost += [why for *_, why in triples if why]
        effects, spread = (np.array(side, dtype=float) for side in list(zip(*triples, strict=True))[:2])
        return effects, spread

    def relearnt(self, name: str, clusters: Floats, *, lost: list[str] | None = None) -> Floats:
        """How far the answer moves in each draw as all is learnt anew, and not only drawn again on what was learnt; shape (draws,), NaN where it cannot be.

        One cross-fit stands beside the same draw on the residuals of the answer's first, whose folds it has, with as few trees as are enough for a check. What
        is told is the learning, and not how folds fell, of which repetitions tell. An estimator that kept no folds is fitted whole, beside the median of its
        residuals.

        Parameters
        ----------
        name : of the step.
        clusters : shape (clusters, draws), as `redraw` has them.
        lost : where to note why a refit has no answer.

        Raises
        ------
        TypeError : the answer kept no residuals.
        """
        if self.score is None:
            raise TypeError("nothing was learnt apart from the answer; take refitted")
        kept = self.score if self.score.folds is None else self.score.single(0)
        asked = self.estimator if self.score.folds is None else once(self.estimator)
        again, _ = self.refitted(name, clusters=clusters, estimator=asked, same_folds=True, lost=lost)
        return np.asarray(again - rescored.with_clusters(kept, self.design, clusters)[0] * self.score.over.question.contrast)


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
