"""What a contract is made of: clauses, each of which holds, does not apply, or is broken with one message that says what to mend."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

import numpy as np

from causal.errors import ConfigError

T = TypeVar("T")


class ContractBroken(AssertionError):
    """A class that does not keep its contract; the message says which clause, what was wanted, what came and what to try."""


class DoesNotApply(Exception):
    """A clause that has nothing to ask of this class, and why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """What was looked at.

    Parameters
    ----------
    name : of what was checked, as on its shelf.
    passed : clauses that hold, in the order in which they were tried.
    skipped : clause → why it does not apply.
    on : the made-up world it was tried on, or the fault it was tried on.
    """

    name: str
    passed: tuple[str, ...]
    skipped: Mapping[str, str] = field(default_factory=dict)
    on: str = ""

    def __str__(self) -> str:
        lines = [f"{self.name}: {len(self.passed)} clauses hold{f', on {self.on}' if self.on else ''}", *(f"  holds        {one}" for one in self.passed)]
        return "\n".join([*lines, *(f"  not applied  {one}: {why}" for one, why in self.skipped.items())])


def kept(who: str, clauses: Iterable[Callable[[T], None]], case: T) -> tuple[tuple[str, ...], dict[str, str]]:
    """Try clauses one after the other; the first that is broken ends it.

    Parameters
    ----------
    who : the class, for messages.
    clauses : functions whose names, with underscores as spaces, say what holds.
    case : what each is given.

    Returns
    -------
    passed, skipped : names of the clauses that hold; name → why of those that do not apply.

    Raises
    ------
    ContractBroken : one does not hold.
    """
    passed: list[str] = []
    skipped: dict[str, str] = {}
    for clause in clauses:
        name = clause.__name__.strip("_").replace("_", " ")
        try:
            clause(case)
        except DoesNotApply as why:
            skipped[name] = str(why)
        except ContractBroken as problem:
            raise ContractBroken(f"{who}: {name}: {problem}") from problem.__cause__
        else:
            passed.append(name)
    return tuple(passed), skipped


def must(holds: object, message: str) -> None:
    """Refuse what does not hold.

    Parameters
    ----------
    holds : whether it does.
    message : what was wanted, what came and what to try.

    Raises
    ------
    ContractBroken : it does not.
    """
    if not holds:
        raise ContractBroken(message)


def kind_of(one: object) -> str:
    """The dotted name of an object's class."""
    return f"{type(one).__module__}.{type(one).__qualname__}"


def quickened(part: T, knobs: Mapping[str, Any] | None = None) -> T:
    """The same part with knobs that make a trial of it short: few draws, one repetition, small forests, straight-line nuisances.

    Parameters
    ----------
    part : a frozen dataclass.
    knobs : knob → value; those that the class lacks, or refuses, stay as they are. None: `QUICK`.
    """
    from dataclasses import fields, is_dataclass, replace

    if not is_dataclass(part):
        return part
    names = {one.name for one in fields(part) if one.init}
    for name, value in (QUICK if knobs is None else knobs).items():
        if name in names:
            try:
                part = replace(part, **{name: value})  # type: ignore[type-var]
            except (ConfigError, TypeError):
                continue
    return part


# knobs that cost time, by name, and what will do on a small panel
QUICK: dict[str, Any] = {"repetitions": 1, "nuisance": "ridge", "trees": 20, "draws": 50, "refits": 4}


def same_number(a: float | None, b: float | None, *, rel: float) -> bool:
    """Whether two numbers are one, or neither is known.

    Parameters
    ----------
    a, b : the numbers; None where none is known.
    rel : largest difference, as a share of the larger.
    """
    if a is None or b is None:
        return a is b
    return bool(np.isclose(a, b, rtol=rel, atol=0.0))
