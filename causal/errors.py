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

from collections.abc import Iterable
from difflib import get_close_matches
from pathlib import PurePath
from traceback import extract_tb


class CausalError(Exception):
    """An input that cannot be used; the message says what was wanted, what came and what to try."""


class DataError(CausalError):
    """A table or file that cannot be used."""


class NotMeasured(DataError):
    """The treatment or the outcome is no column of these data: what would have to be measured, and where it is to be had."""


class GraphError(CausalError):
    """A causal graph that is not one."""


class DesignError(CausalError):
    """A question that these data, so arranged, cannot carry."""


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
    """An estimator that cannot serve this design."""


class NotWhatWasWanted(EstimationError):
    """An answer that is not of the form that the other rooms read: the estimator's class is at fault, and not the data."""


class ConfigError(CausalError):
    """A knob, name or value that does not exist or does not fit."""


def refusal(kind: type[CausalError], where: str, wanted: str, came: str, remedy: str) -> CausalError:
    """An error that says, in this order, where, what was wanted, what came and what to try; in one line.

    Parameters
    ----------
    kind : of error.
    where : the key, file, row or argument.
    wanted : what would have been right ("a whole number of at least 2").
    came : what stood there instead.
    remedy : what to try, as an imperative.
    """
    return kind(" ".join(f"{where}: wanted {wanted}, got {came}; {remedy}".split()))


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
    """Say what exists, nearest first: "it has 'imd', 'plans'. Did you mean 'imd'?"."""
    options = sorted({str(option) for option in options})
    shown = ", ".join(repr(option) for option in options[:20])
    if len(options) > 20:
        shown += f", … ({len(options)} in all)"
    lower = {option.lower(): option for option in options}
    near = get_close_matches(str(name).lower(), list(lower), n=1)
    return f"there is {shown or 'nothing'}." + (f" Did you mean {lower[near[0]]!r}?" if near else "")
