"""What a decomposition is given, and what it says: a `Case` in, a `Breakdown` out.

A decomposition takes one quantity apart: the variation of an outcome, its growth, an effect over places, a cost. What it says is data: tables, and
figures described by the columns they show, so that page, CSV and spreadsheet are all made from one record.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal, Protocol, TypedDict

import numpy as np

from causal.analysis import Analysis, analyse
from causal.answer import answered
from causal.draws import Parallel, stream
from causal.estimate import Estimator
from causal.graph import Graph
from causal.identification import Identification
from causal.language import CERTAINTIES
from causal.panel import Panel
from causal.question import Question
from causal.refute import Refuter, refuted
from causal.shared import widened
from causal.trial import Trial

NOTHING_TO_TAKE_APART = ": no effect to take apart"  # end of the sentence on an effect that is not identified
Cell = str | float | int | None
KINDS = ("stacked", "waterfall", "intervals", "dots", "scatter", "curve", "funnel")


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """How certain an answer is.

    Parameters
    ----------
    certainty : the step's name ("very_low", "low", "moderate", "high"); "none" where there is no answer (failed its checks, error unknown, an association).
    because : the gravest reason, in words; "" where nothing lowered it.
    """

    certainty: str
    because: str = ""

    @property
    def words(self) -> str:
        """low: some jumps in recorded spending are bookkeeping."""
        step = CERTAINTIES[self.certainty].lower()
        because = self.because[:1].lower() + self.because[1:]
        return f"{step} ({because.rstrip('.')})" if because else step


class Other(TypedDict):
    """What others found of something that is not counted here."""

    who: str
    what: str
    source: str


def others_said(others: Sequence[Other]) -> tuple[str, ...]:
    """Each as a sentence."""
    return tuple(f"{one['who']}: {one['what']} ({one['source']})" for one in others)


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """A knob as it was set: what it is, and its value with its unit."""

    name: str
    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Case(Parallel):
    """What is taken apart, and the powers to do so.

    Parameters
    ----------
    panel, question, graph, estimator : the parts of a study.
    action : the contrast as the start of a sentence.
    source : where the panel came from; a simulated one may know what it planted (`truth`, `components`, …), asked for by name.
    adjust_for : an adjustment set forced against the graph's; None takes the graph's.
    seed : of every random stream.
    workers : processes for `map`; changes no number.
    progress : whether to show it on a terminal.
    judge : question → how certain its own answer is once its checks have run, None where it cannot be asked; None: no check is to be had.
    shared : the study's check of shocks that places share, on whose alarm an answer is made anew; None: none is asked for.
    """

    panel: Panel
    question: Question
    graph: Graph
    estimator: Estimator
    action: str
    source: Any = None
    adjust_for: tuple[str, ...] | None = None
    seed: int = 2019
    workers: int = 1
    progress: bool = False
    judge: Callable[[Question], Judged | None] | None = None
    shared: Refuter | None = None

    def analysis(self, question: Question | None = None, found: Identification | None = None) -> Analysis:
        """What the graph says of the question with these data, and the rows; DoWhy is loaded.

        Parameters
        ----------
        question : None: the case's own.
        found : what the graph says, if it was asked already.
        """
        asked = question or self.question
        return analyse(self.panel, asked, self.graph, estimator=self.estimator, adjust_for=self.adjust_for, identification=found)

    def trial(self, question: Question | None = None) -> Trial:
        """The study's own answer, with the powers to repeat it: identification, design and estimate as `causal run` makes them, shared shocks allowed for.

        Parameters
        ----------
        question : None: the case's own.

        Raises
        ------
        DesignError : the effect is not identified, so there is nothing to take apart.
        CausalError : the design or the estimate cannot be made.
        """
        analysis = self.analysis(question)
        design = analysis.must(NOTHING_TO_TAKE_APART)
        estimate = answered(self.estimator, design, stream(self.seed, "estimate"))
        trial = Trial.of(analysis, self.estimator, estimate, seed=self.seed, workers=self.workers, progress=self.progress)
        found = None if self.shared is None else refuted(self.shared, trial, stream(self.seed, self.shared.name))
        if found is None or found.survived is not False or not found.shared:
            return trial
        again, anew = widened(self.estimator, self.panel, design, estimate, found.shared, stream(self.seed, "estimate"))
        return replace(trial, design=again, estimate=anew)

    def judged(self, question: Question | None = None) -> Judged:
        """How certain the answer to a question is; very low where no check of it can be run.

        Parameters
        ----------
        question : None: the case's own.
        """
        found = None if self.judge is None else self.judge(question or self.question)
        return found or Judged(certainty="very_low", because="none of its checks was run")


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """A column of a table: its name in files, words for a reader, the unit of its numbers and how many decimals are shown.

    `authority` and `year` are names with a meaning: a table that has one goes out in the form of the Department for Education's open data standard.
    """

    name: str
    label: str
    unit: str = ""
    places: int | None = None
    text: bool = False  # words, not numbers


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """Numbers with their names.

    Parameters
    ----------
    name : of its file.
    caption : what it holds, in a few words.
    columns : in order; the first one heads the rows.
    rows : shape (rows, columns); None where a number is not known.
    shown : rows that the page shows, the first ones; None shows all (authorities by name belong in the file, not on the page).

    Raises
    ------
    ValueError : a row that does not fit its columns, or a name that stands twice.
    """

    name: str
    caption: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]
    shown: int | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "columns", tuple(self.columns))
        object.__setattr__(self, "rows", tuple(tuple(_cell(value) for value in row) for row in self.rows))
        names = [column.name for column in self.columns]
        if len(set(names)) != len(names):
            raise ValueError(f"table {self.name}: a column's name stands twice in {names}")
        if odd := [row for row in self.rows if len(row) != len(names)]:
            raise ValueError(f"table {self.name}: a row has {len(odd[0])} cells for {len(names)} columns")


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """A number to compare with, drawn as a line through the values of one column: what others said."""

    column: str
    value: float
    words: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """A figure as data: which columns of which table, and how they are shown.

    Parameters
    ----------
    name : of its file.
    kind : one of
        "stacked": a bar for each row, its `values` one behind the other;
        "waterfall": rows as steps from a first to a last total, `values` one column; a row whose `total` cell is "total" starts anew from zero;
        "intervals": a line for each row, one value with `lower` and `upper`;
        "dots": a line for each label, one small panel for each of `values`;
        "scatter": `values` are x and y (a cost plane too);
        "curve": `values` are x, then one or more lines; `lower` and `upper` a band round the first;
        "funnel": `values` are x and y of places, `lower` and `upper` limits at each x.
    table : name of the table.
    alt : what it shows and finds, for those who cannot see it.
    caption : printed under it.
    values : columns of numbers.
    label : column of words: which row it is.
    group : column of words: colour and shape (dots, scatter), or a heading above the rows that share it (stacked, intervals).
    lower, upper : columns with the ends of an interval.
    total : column of words that says which rows of a waterfall are totals.
    marks : numbers to compare with.
    where : column → the words that rows must have there to be shown.
    axes : words for the axes, where the columns' own will not do.
    """

    name: str
    kind: Literal["stacked", "waterfall", "intervals", "dots", "scatter", "curve", "funnel"]
    table: str
    alt: str
    caption: str
    values: tuple[str, ...]
    label: str = ""
    group: str = ""
    lower: str = ""
    upper: str = ""
    total: str = ""
    marks: tuple[Mark, ...] = ()
    where: Mapping[str, str] = field(default_factory=dict)
    axes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"figure {self.name}: kind must be one of {KINDS}, got {self.kind!r}")
        if not self.alt.strip() or not self.caption.strip():
            raise ValueError(f"figure {self.name}: it needs words for those who cannot see it, and a caption")


@dataclass(frozen=True, slots=True, kw_only=True)
class Breakdown:
    """What a decomposition found.

    Parameters
    ----------
    name : the decomposition's on its shelf.
    title : a few words.
    asks : the question, in plain words.
    headline : the answer, one sentence.
    second : its numbers, and what it leaves open; one or two sentences.
    tables, figures : the numbers, and how they are shown; each figure shows a table that is there.
    said : sentences that tell the findings, in order, with numbers and units.
    others : what others found of it, or of what is not counted here, as sentences.
    choices : knobs as they were set, with units.
    reasons : how the numbers were got, and what they rest on.
    cannot_say : what does not follow from them.
    notes : gaps in the data, choices that were left out, and why.
    truth : for simulated data, what was planted beside what was found; None where nothing is known.

    Raises
    ------
    ValueError : a figure of a table or column that is not there.
    """

    name: str
    title: str
    asks: str
    headline: str
    tables: tuple[Table, ...]
    figures: tuple[Figure, ...] = ()
    second: str = ""
    said: tuple[str, ...] = ()
    others: tuple[str, ...] = ()
    choices: tuple[Setting, ...] = ()
    reasons: tuple[str, ...] = ()
    cannot_say: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    truth: Table | None = None

    def __post_init__(self) -> None:
        known = {table.name: {column.name for column in table.columns} for table in (*self.tables, *([self.truth] if self.truth else []))}
        if len(known) != len(self.tables) + (self.truth is not None):
            raise ValueError(f"{self.name}: two tables have one name")
        for figure in self.figures:
            wanted = {*figure.values, *figure.where, *(mark.column for mark in figure.marks)}
            wanted |= {one for one in (figure.label, figure.group, figure.lower, figure.upper, figure.total) if one}
            if figure.table not in known or not wanted <= known[figure.table]:
                raise ValueError(f"{self.name}: figure {figure.name} shows {sorted(wanted)} of table {figure.table!r}, which are not all there")
        if not self.cannot_say:
            raise ValueError(f"{self.name}: a decomposition says what does not follow from it")


class Decomposition(Protocol):
    """What stands on the shelf of decompositions."""

    @property
    def name(self) -> str:
        """Its name on the shelf."""
        ...

    def decompose(self, case: Case, rng: np.random.Generator) -> Breakdown:
        """Take it apart.

        Parameters
        ----------
        case : panel, question and graph, and the identification and the design that follow from them.
        rng : its stream; draws that run in parallel take theirs from `case.map`.

        Raises
        ------
        CausalError : these data cannot be used for it; the message says what they lack.
        """
        ...


def _cell(value: Any) -> Cell:
    """A cell as Python's own value; what is not finite is not known."""
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if value is None or isinstance(value, str | int | float):
        return value
    raise ValueError(f"a cell holds words, a number or nothing, got {type(value).__name__}")
