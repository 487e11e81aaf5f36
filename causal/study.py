"""A study is a value, and `run` is the whole of what is done with it, on one page."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol

from causal import configured
from causal.analysis import analyse, identified
from causal.answer import answered
from causal.arrays import memory_kept
from causal.declared import columns
from causal.design import Design
from causal.disclosure import Reporting
from causal.draws import stream
from causal.errors import CausalError, ConfigError, DataError, NotEstimable, NotMeasured, refusal, suggest
from causal.estimate import Estimate, Estimator
from causal.graph import Graph, undated
from causal.identification import Identification
from causal.knobs import listed, whole_number
from causal.language import Language
from causal.lots import flow
from causal.panel import Panel
from causal.question import Question, Saying, sayings
from causal.refutation import Refutation
from causal.refute import Refuter, must_say, refuted
from causal.shared import widened
from causal.steps import Dose, Step, doses, steps
from causal.trial import Trial
from causal.verdict.decide import Rule, Verdict, judge
from causal.verdict.say import Answer, Names
from causal.verdict.say import say as put_into_words
from causal.voice import Voice, heard, voice
from causal.workers import Cluster

MOST_SHORT = 8  # words of the action in a headline


class Source(Protocol):
    """Where a panel comes from."""

    def load(self) -> Panel:
        """The checked panel.

        Raises
        ------
        DataError : the input cannot be used.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Study:
    """Everything that decides an answer.

    Parameters
    ----------
    title : a few words.
    action : the contrast as the start of a sentence ("Closing half of an authority's children's centres").
    short : the same in at most eight words, as headlines have it; "" takes the action.
    question, graph, source, estimator, refuters, rule : the parts; refuters by name. A panel is a source of itself. An estimator or checks of the shelf
        may go by their names: estimator="linear_dml", refuters="default" or ["default", "leverage"].
    baseline : an estimator that holds nothing fixed, shown beside the answer; None leaves it out.
    beside : further estimators, whose answers stand beside this one and can lower its certainty, never raise it; one of the same name is passed over.
    adjust_for : an adjustment set forced against the graph's; None takes the graph's.
    language : house style of the answer and of the pages; it moves no number and no finding.
    report : how results are written; it moves no number that is estimated.
    seed : of every random stream.
    unmoved : columns that this treatment cannot move, each with why: its negative controls, beside those that the source names; one that is not
        there, or that is the question's own, is left aside.
    said : what others said on the question, shown beside the answer; mappings {who, what, source} become `Saying` objects.

    Examples
    --------
    >>> from causal.testing.worlds import GRAPH, QUESTION, World
    >>> parts = {"question": QUESTION, "graph": GRAPH, "source": World(), "estimator": "fixed_effects", "refuters": ["leverage"]}
    >>> study = Study(title="Cuts", action="Cutting by half", **parts)
    >>> study.estimator.name, list(study.refuters)
    ('fixed_effects', ['leverage'])
    """

    title: str
    action: str
    question: Question
    graph: Graph
    source: Source
    estimator: Estimator
    refuters: Mapping[str, Refuter] = field(default_factory=dict)
    rule: Rule = field(default_factory=Rule)
    baseline: Estimator | None = None
    beside: tuple[Estimator, ...] = ()
    adjust_for: tuple[str, ...] | None = None
    language: Language = field(default_factory=Language)
    seed: int = 2019
    said: tuple[Saying, ...] = ()
    short: str = ""
    unmoved: Mapping[str, str] = field(default_factory=dict)
    report: Reporting = field(default_factory=Reporting)

    def __post_init__(self) -> None:
        whole_number("seed", self.seed, 0)
        for name in ("title", "action"):
            if not isinstance(getattr(self, name), str) or not getattr(self, name).strip():
                raise refusal(ConfigError, name, "words", repr(getattr(self, name)), "put it in quotes")
        asked = self.question  # a breakdown may group by an outcome's first level, and leaves its year out; a study does not, and may not
        if itself := [name for name in asked.modifiers if name in (asked.treatment, asked.outcome)]:
            wanted = "columns beside the treatment and the outcome, by whose groups the effect is given"
            raise refusal(ConfigError, "question.modifiers", wanted, repr(itself[0]), "name another, or take it away")
        if not isinstance(self.short, str) or len(self.short.split()) > MOST_SHORT:
            raise refusal(ConfigError, "short", f"the action in at most {MOST_SHORT} words", repr(self.short), "say it shorter")
        for name in ("estimator", "baseline"):
            if isinstance(chosen := getattr(self, name), str):
                object.__setattr__(self, name, configured.part("estimator", chosen))
        if isinstance(self.refuters, str | list | tuple):
            object.__setattr__(self, "refuters", configured.refuters(self.refuters))
        if not isinstance(self.unmoved, Mapping) or not all(isinstance(one, str) and one.strip() for pair in self.unmoved.items() for one in pair):
            raise refusal(
                ConfigError,
                "unmoved",
                "column: why this treatment cannot move it,  for each",
                repr(self.unmoved),
                "write  unmoved: {deprivation: it is of 2010}",
            )
        object.__setattr__(self, "unmoved", {str(name): str(why) for name, why in self.unmoved.items()})
        if self.adjust_for is not None:
            object.__setattr__(self, "adjust_for", listed("adjust_for", self.adjust_for))
        if self.refuters:  # an estimator's own checks go with whatever is asked for
            own = {name: configured.part("refuters", name) for name in getattr(self.estimator, "checks", ()) if name not in self.refuters}
            object.__setattr__(self, "refuters", {**self.refuters, **own})
        for name, refuter in self.refuters.items():
            must_say(name, refuter)
        given: Any = () if self.beside is None else self.beside
        if isinstance(given, str) or not isinstance(given, Sequence) or not all(hasattr(one, "estimate") and hasattr(one, "name") for one in given):
            raise refusal(
                ConfigError,
                "beside",
                "a list of estimators",
                repr(self.beside),
                "on the command line write names, as beside=[linear_dml]; from a notebook made ones, as (causal.estimators.dml.LinearDml(),)",
            )
        if len({one.name for one in given}) < len(given):
            raise refusal(ConfigError, "beside", "each estimator once", f"one twice: {', '.join(one.name for one in given)}", "take one away")
        object.__setattr__(self, "beside", tuple(given))
        object.__setattr__(self, "said", sayings(self.said))


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Result:
    """The study, everything found on the way, and the verdict.

    In a notebook it shows itself as the report's first screen, and as ten lines elsewhere.

    Parameters
    ----------
    study : what was asked.
    panel : the data as loaded, before any row was left out.
    identification : what the graph allows.
    design, estimate, baseline : None where the question cannot be answered; `baseline` is the comparison beside the estimate, None where the study has none.
    refutations : one for each check, those not run too.
    verdict : codes and numbers; `answer` has the words.
    seconds : time of each step.
    steps : the same straight-line comparison with more and more held fixed.
    dose : the outcome along the treatment.
    voices : the answers of the study's `beside`.

    Examples
    --------
    >>> import causal
    >>> from causal.testing.worlds import GRAPH, QUESTION, World
    >>> study = causal.Study(title="Cuts", action="Cutting by half", question=QUESTION, graph=GRAPH, source=World(effect=-8.0), estimator="fixed_effects")
    >>> result = causal.run(study)
    >>> result.estimate.lower < -8.0 < result.estimate.upper
    True
    >>> result.refutations
    ()
    """

    study: Study
    panel: Panel
    identification: Identification
    design: Design | None
    estimate: Estimate | None
    baseline: Estimate | None
    refutations: tuple[Refutation, ...]
    verdict: Verdict
    seconds: Mapping[str, float]
    steps: tuple[Step, ...] = ()
    dose: tuple[Dose, ...] = ()
    voices: tuple[Voice, ...] = ()

    @property
    def answer(self) -> Answer:
        """The verdict in words, in the study's house style."""
        question, study = self.study.question, self.study
        names = Names(
            action=study.action,
            short=study.short,
            outcome=self.panel.variable(question.outcome),
            treatment=self.panel.variable(question.treatment),
            places={str(code): str(name) for code, name in self.panel.places["name"].items()},
        )
        language = study.language.naming({one.name: one.label for one in study.refuters.values()})
        return put_into_words(self.verdict, question, self.estimate, names, language=language, simulated=self.panel.simulated, voices=self.voices)

    def __repr__(self) -> str:
        return str(_pages().lines(self))

    def _repr_html_(self) -> str:
        return str(_pages().screen(self))

    def to_frame(self) -> Any:
        """Every effect with its interval as a pandas frame: the answer, its parts, the comparison beside it, what checks estimated; as in effects.csv."""
        return _pages().frame(self)

    def plot(self, name: str = "estimates") -> Any:
        """One figure of the report, which shows itself in a notebook and has `save(path)`.

        Parameters
        ----------
        name : estimates, steps, event_study, dose, power, graph, …; what this result has.

        Raises
        ------
        ConfigError : it has none of that name; those that it has are named.
        """
        return _pages().picture(self, name)

    def report(self, folder: str | Path) -> Path:
        """Write what `causal run` writes (result.json, report.html, summary, tables, figures) into a folder that is made if need be.

        Parameters
        ----------
        folder : where; nothing in it is written over.

        Returns
        -------
        folder : the same, with report.html in it.

        Raises
        ------
        ConfigError : the folder holds something already.
        """
        written: Path = _pages().write(self, folder)
        return written


def _pages() -> Any:
    """What makes pages of a result stands above it, and is looked up when a person asks a result to show itself."""
    return import_module("causal.notebook")


def run(
    study: Study,
    *,
    panel: Panel | None = None,
    identification: Identification | None = None,
    workers: int = 1,
    cluster: Cluster | None = None,
    say: Callable[[str], None] | None = None,
    before: Callable[[Design], None] | None = None,
) -> Result:
    """Load, identify, design, estimate, refute, judge.

    Parameters
    ----------
    study : what is asked, of which data, how.
    panel : what the source gave, if it has been loaded already.
    identification : what `identify` found for this study, if it was asked already (many panels, one graph).
    workers : processes for draws; changes no number.
    cluster : where draws are made; None: on this computer. It changes no number either.
    say : called with a line at each step; None is silent.
    before : called with the design before anything is fitted.

    Raises
    ------
    CausalError : the input cannot be used; "not identified" and "not estimable within authorities" are verdicts instead.

    Examples
    --------
    >>> from causal.testing.worlds import GRAPH, QUESTION, World
    >>> study = Study(title="Cuts", action="Cutting by half", question=QUESTION, graph=GRAPH, source=World(), estimator="fixed_effects")
    >>> run(study).design.rows
    480
    """
    from threadpoolctl import threadpool_limits

    clock = _Clock(say)
    question = study.question
    with threadpool_limits(limits=1), memory_kept(), (cluster or Cluster()).opened():  # two BLAS threads gave other bits
        with clock("load"):
            panel = panel or loaded(study)
            must_have(study, panel)
        with clock("identify"):
            found = identification or identified(panel, question, study.graph, estimator=study.estimator, adjust_for=study.adjust_for)
        outcome = panel.variable(question.outcome)
        with clock("design"):
            analysis = analyse(panel, question, study.graph, identification=found)
        made, inestimable = analysis.design, analysis.not_estimable
        estimate: Estimate | None = None
        if made is not None:
            if before is not None:
                before(made)
            try:
                with clock("estimate"):
                    estimate = answered(study.estimator, made, stream(study.seed, "estimate"))
                if found.lot:
                    estimate = replace(estimate, flow=flow(panel, made, getattr(study.estimator, "received", None)))
            except NotEstimable as why:
                inestimable = why
        if made is None or estimate is None:
            verdict = judge(
                study.rule,
                question,
                None,
                None,
                (),
                identification=found,
                outcome=outcome,
                needs=[study.graph.node(name).label for name in found.blocked_by],
                remedies=[remedy for name in found.blocked_by if (remedy := study.graph.node(name).remedy)],
                inestimable=inestimable,
            )
            return Result(
                study=study,
                panel=panel,
                identification=found,
                design=None,
                estimate=None,
                baseline=None,
                refutations=(),
                verdict=verdict,
                seconds=clock.seconds,
            )
        baseline = _baseline(study, made)
        said: dict[str, Estimate | str] = {}
        if study.beside:
            with clock("beside"):
                said = heard(study.beside, made, estimate, lambda: stream(study.seed, "estimate"))
        voices = tuple(voice(one, said[one.name], estimate, question.smallest_important) for one in study.beside if one.name in said)
        known = tuple((one, answer) for one in study.beside if isinstance(answer := said.get(one.name), Estimate))
        trial = Trial.of(analysis, study.estimator, estimate, seed=study.seed, workers=workers, progress=say is not None, beside=known)
        refutations = []
        for name, refuter in study.refuters.items():
            with clock(name):
                refutations.append(refuted(refuter, trial, stream(study.seed, name)))
        if ways := [way for one in refutations if one.survived is False for way in one.shared]:
            with clock("shared shocks"):
                made, estimate = widened(study.estimator, panel, made, estimate, ways, stream(study.seed, "estimate"))
                refutations = _of_the_answer(study, refutations, replace(trial, design=made, estimate=estimate))
                voices = _voices_anew(study, made, estimate) or voices
        verdict = judge(
            study.rule,
            question,
            made,
            estimate,
            refutations,
            identification=found,
            outcome=outcome,
            voices=voices,
        )
    return Result(
        study=study,
        panel=panel,
        identification=found,
        design=made,
        estimate=estimate,
        baseline=baseline,
        refutations=tuple(refutations),
        verdict=verdict,
        seconds=clock.seconds,
        steps=steps(made),
        dose=doses(made),
        voices=voices,
    )


def _of_the_answer(study: Study, refutations: Sequence[Refutation], trial: Trial) -> list[Refutation]:
    """The checks, with those that say how strong a hidden cause would have to be asked again of the answer that stands.

    The others look for faults, and find them in the estimate that they were made of; what a hidden cause would do is told of the interval that readers see.
    """
    again = {name: refuter for name, refuter in study.refuters.items() for one in refutations if one.name == refuter.name and one.hidden is not None}
    anew = {refuter.name: refuted(refuter, trial, stream(study.seed, name)) for name, refuter in again.items()}
    return [anew.get(one.name, one) for one in refutations]


def _voices_anew(study: Study, made: Design, estimate: Estimate) -> tuple[Voice, ...]:
    """Other estimators' answers beside one that was made anew with more absorbed, from the same rows and with the same absorbed; () where it was not."""
    if not study.beside or estimate.shared is None or not estimate.shared.refitted:
        return ()
    with suppress(CausalError):
        # as it is of itself: how far two answers lie apart is learnt from scores of one kind, and shared shocks move both alike
        own = answered(study.estimator, made, stream(study.seed, "estimate"))
        said = heard(study.beside, made, own, lambda: stream(study.seed, "estimate"))
        return tuple(voice(one, said[one.name], own, study.question.smallest_important) for one in study.beside if one.name in said)
    return ()


def _baseline(study: Study, made: Design) -> Estimate | None:
    """The bare comparison beside the answer, where it gives one."""
    if study.baseline is None or len(made.clusters) < 2:  # of one place there is nobody to compare it with
        return None
    with suppress(NotEstimable):
        return answered(study.baseline, made, stream(study.seed, "baseline"))
    return None


def loaded(study: Study, panel: Panel | None = None) -> Panel:
    """The source's panel, with what the study says cannot be moved; where the source knows the truth (a simulated world), with the truth of this question.

    What is said to be unmoved stays so in a simulated world only where this treatment truly leaves it alone.

    Parameters
    ----------
    study : what is asked.
    panel : as the source gave it; None loads it.

    Raises
    ------
    DataError : the input cannot be used.
    """
    panel = panel or study.source.load()
    own = (study.question.treatment, study.question.outcome)
    unmoved_by_name = {name: why for name, why in study.unmoved.items() if name not in own}
    if unmoved_by_name:
        panel = replace(panel, variables=tuple(replace(one, unmoved=one.unmoved or unmoved_by_name.get(one.name, "")) for one in panel.variables))
    truth = getattr(study.source, "truth", None)
    if truth is None:
        return panel

    def ate(outcome: str) -> float | None:
        with suppress(ConfigError):
            return float(truth(replace(study.question, outcome=outcome)).ate)
        return None

    try:
        words = truth(study.question).words
    except ConfigError as problem:
        words = f"nothing for this question ({problem})"
    moved = {one.name for one in panel.variables if one.unmoved and ate(one.name) != 0.0}
    variables = tuple(replace(one, unmoved="") if one.name in moved else one for one in panel.variables)
    return replace(panel, variables=variables, planted={**panel.planted, "words": words, "truth": ate(study.question.outcome)})


class _Clock:
    """Wall seconds of each named step."""

    def __init__(self, say: Callable[[str], None] | None) -> None:
        self.seconds: dict[str, float] = {}
        self._say = say
        self._name = ""

    def __call__(self, name: str) -> _Clock:
        self._name = name
        if self._say:
            self._say(name)
        return self

    def __enter__(self) -> None:
        self._began = time.perf_counter()

    def __exit__(self, *_: Any) -> None:
        self.seconds[self._name] = time.perf_counter() - self._began


def must_have(study: Study, panel: Panel) -> None:
    """Treatment, outcome and modifiers must be columns; a source may know which file would hold them.

    Parameters
    ----------
    study : whose question, estimator and checks name columns.
    panel : what its source gave.

    Raises
    ------
    NotMeasured : treatment or outcome is not.
    ConfigError : a knob of the estimator or of a check names what is neither a column nor a node.
    DataError : a modifier is not.
    """
    for key in ("treatment", "outcome"):
        name = getattr(study.question, key)
        study.graph.node(name)
        if name not in panel.names:
            why = getattr(study.source, "missing", lambda _: None)(name)
            raise refusal(NotMeasured, panel.title, f"a column for the {key} {name!r}", "none", why or "of columns " + suggest(name, panel.names))
    for name in study.question.modifiers:
        if name not in panel.names:
            raise refusal(
                DataError, panel.title, f"a column for the modifier {name!r}", "none", f"{suggest(name, panel.names)} Leave it out with  question.modifiers=[]"
            )
    known = {*panel.names, *(node.name for node in study.graph.nodes)}
    parts: dict[str, object] = {"estimator": study.estimator, "baseline": study.baseline, **{f"refuters.{name}": one for name, one in study.refuters.items()}}
    for where, part in parts.items():
        for knob, names in columns(part).items():
            for name in names:
                if undated(name)[0] not in known:
                    raise refusal(ConfigError, f"{where}.{knob}", f"variables of {panel.title} or of the graph", repr(name), suggest(name, panel.names))
