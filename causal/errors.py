"""What can be wrong with an input, said so that it can be mended.

    CausalError
    ├── DataError        a table or file that cannot be used
    ├── GraphError       a causal graph that is not one
    ├── DesignError      a question that these data, so arranged, cannot carry
    ├── EstimationError  an estimator that cannot serve this design, or whose answer is not of the form wanted
    └── ConfigError      a knob, name or value that does not exist or does not fit

A finding ("not identified", "cannot tell") is never an error. Anything that is not a
`CausalError` is a bug.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from difflib import get_close_matches
from pathlib import PurePath
from traceback import extract_tb
from typing import TypeVar

E = TypeVar("E", bound="CausalError")
NAME, LONGEST = 100, 700  # letters of a name that is offered, and of each part of a message: a path may have 4,000, and a text any number
BREAK = re.compile(r"\s*[\n\r\t\v\f\x85\u2028\u2029]\s*")  # two blanks set off what is to be typed, and stay


class CausalError(Exception):
    """An input that cannot be used; the message says what was wanted, what came and what to try.

    Examples
    --------
    >>> import causal
    >>> try:
    ...     causal.Graph(name="two", nodes={"cut": {}, "plans": {}}, arrows={"cut": {"plan": "fewer visits"}})
    ... except causal.CausalError as error:
    ...     print(type(error).__name__)
    GraphError
    """


class DataError(CausalError):
    """A table or file that cannot be used.

    Examples
    --------
    >>> from causal.testing.worlds import World
    >>> try:
    ...     World().load().variable("plan")
    ... except DataError as error:
    ...     print(str(error).split("; ")[-1])
    there is 'children', 'cut', 'deprivation', 'plans', 'poverty'. Did you mean 'plans'?
    """


class NotMeasured(DataError):
    """The treatment or the outcome is no column of these data: what would have to be measured, and where it is to be had."""


class GraphError(CausalError):
    """A causal graph that is not one.

    Examples
    --------
    >>> from causal import Graph
    >>> try:
    ...     Graph(name="one", nodes={"cut": {}}, arrows={"cut": {"plans": "fewer visits"}})
    ... except GraphError as error:
    ...     print(str(error).split("; ")[-1])
    there is 'cut'.
    """


class DesignError(CausalError):
    """A question that these data, so arranged, cannot carry.

    Examples
    --------
    >>> from causal.testing.worlds import World, designed
    >>> try:
    ...     designed(World(authorities=8).load())
    ... except DesignError as error:
    ...     print("10" in str(error))
    True
    """


class NotEstimable(DesignError):
    """An effect that these numbers cannot give, however much is adjusted for: a finding, not a fault of the input.

    `code` says which: "treatment_fixed" (nothing of it is left once what the graph asks for is held fixed), "outcome_fixed" (likewise), "copy" (outcome and
    treatment are one column), "perfect_fit", "no_error" (an error of nothing), "separated" (the treatment tells which counts are 0).
    """

    def __init__(self, message: str, code: str = "treatment_fixed") -> None:
        super().__init__(message)
        self.code = code


class Separated(NotEstimable):
    """Columns tell which outcomes are 0, or 0 and 1, so that no ratio fits best."""

    def __init__(self, message: str) -> None:
        super().__init__(message, "separated")


class EstimationError(CausalError):
    """An estimator that cannot serve this design.

    Examples
    --------
    >>> import numpy as np
    >>> from causal.inference.clustered import clustered_least_squares
    >>> dose, place = np.arange(6.0), np.repeat([0, 1, 2], 2)
    >>> try:
    ...     clustered_least_squares(dose, np.column_stack([dose, dose]), np.empty((6, 0)), place, 3, absorbed_rank=0)
    ... except EstimationError:
    ...     print("collinear")
    collinear
    """


class NotWhatWasWanted(EstimationError):
    """An answer that is not of the form that the other rooms read: the estimator's class is at fault, and not the data."""


class ConfigError(CausalError):
    """A knob, name or value that does not exist or does not fit.

    Examples
    --------
    >>> from dataclasses import replace
    >>> from causal.testing.worlds import QUESTION
    >>> try:
    ...     replace(QUESTION, level=95)
    ... except ConfigError as error:
    ...     print("question.level" in str(error), "0.95" in str(error))
    True True
    """


def refusal(kind: Callable[[str], E], where: str, wanted: str, came: str, remedy: str, *, beneath: Sequence[str] = ()) -> E:
    """An error that says, in this order, where, what was wanted, what came and what to try; in one line, in which two blanks set off a command.

    Parameters
    ----------
    kind : of error.
    where : the key, file, row or argument.
    wanted : what would have been right ("a whole number of at least 2").
    came : what stood there instead.
    remedy : what to try, as an imperative.
    beneath : lines that stand below, each on its own, where several things are wrong at once.
    """
    said = BREAK.sub(" ", f"{_shown(where)}: wanted {_shown(wanted)}, got {_shown(came)}; {remedy}").strip()
    return kind("\n  ".join([said, *beneath]))


def _shown(text: str) -> str:
    """A text as far as a reader needs it to know it again: of what is longer than a message, its beginning and its end."""
    return text if len(text) <= LONGEST else f"{text[: LONGEST // 2]} … {text[-LONGEST // 2 :]}"


def placed(kind: Callable[[str], E], where: str, problem: object) -> E:
    """A refusal that was made further in, with where it came up before it.

    Parameters
    ----------
    kind : of error.
    where : the part, class or refit.
    problem : the refusal, or its words.
    """
    return kind(f"{where}: {problem}")


def of_another(kind: type[CausalError], who: str, made: object, problem: Exception) -> CausalError | None:
    """What is said of an exception that a class from outside raised: whose it is, what it was, and in which line; None where the class is our own.

    Parameters
    ----------
    kind : of error.
    who : the part and its class.
    made : the object whose method was called.
    problem : what it raised.
    """
    if isinstance(problem, CausalError) or type(made).__module__.split(".")[0] == "causal":
        return None
    at = [frame for frame in extract_tb(problem.__traceback__) if frame.name != "__init__"][-1]
    where = f"{PurePath(at.filename).name}, line {at.lineno}"
    return refusal(kind, who, "an answer", f"{type(problem).__name__}: {problem} ({where})", "mend the class there; python -m causal.testing FOLDER  tries it")


def suggest(name: str, options: Iterable[str]) -> str:
    """Say what exists, nearest first: "it has 'imd', 'plans'. Did you mean 'imd'?".

    Parameters
    ----------
    name : what was asked for.
    options : what there is, in any order; twenty at most are shown.
    """
    options = sorted({str(option) for option in options})
    shown = ", ".join(repr(option if len(option) <= NAME else f"{option[:NAME]}…") for option in options[:20])
    if len(options) > 20:
        shown += f", … ({len(options)} in all)"
    lower = {option.lower(): option for option in options}
    near = get_close_matches(str(name).lower(), list(lower), n=1)
    return f"there is {shown or 'nothing'}." + (f" Did you mean {lower[near[0]]!r}?" if near else "")
