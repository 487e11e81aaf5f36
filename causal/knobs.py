"""What a knob's value may be: one check of each kind, and one message for YAML and notebook.

`True` is an int to Python and never a number here; NaN and ±∞ are no numbers either.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Mapping, Sequence
from functools import wraps
from importlib import import_module
from typing import Any, TypeGuard, TypeVar

from causal.errors import ConfigError, refusal

Made = TypeVar("Made", bound=Callable[..., Any])


def renamed(**names: str) -> Callable[[Made], Made]:
    """A class or function that also takes keywords by the names they had, with a warning that says the new one.

    Parameters
    ----------
    **names : old name → new name, with the same meaning.
    """

    def of_today(of: str, given: dict[str, Any]) -> dict[str, Any]:
        for old in names.keys() & given.keys():
            if names[old] in given:
                raise refusal(ConfigError, f"{of}: {old}", f"{names[old]}, as it is called today", "both", f"leave {old} away")
            warnings.warn(f"{of}: {old} is called {names[old]} now", DeprecationWarning, stacklevel=3)
        return {names.get(name, name): value for name, value in given.items()}

    def also(made: Made) -> Made:
        inner: Callable[..., Any] = getattr(made, "__init__") if isinstance(made, type) else made  # noqa: B009

        @wraps(inner)
        def outer(*args: Any, **given: Any) -> Any:
            return inner(*args, **(of_today(made.__name__, given) if names.keys() & given.keys() else given))

        if not isinstance(made, type):
            return outer  # type: ignore[return-value]
        setattr(made, "__init__", outer)  # noqa: B010
        return made

    return also


def moved(here: str, homes: Mapping[str, Sequence[str]]) -> Callable[[str], Any]:
    """A module's `__getattr__` for names that have another home by now: they are still had here, with a warning that says where they stand.

    Parameters
    ----------
    here : the module that they were in.
    homes : module → names that stand there now.
    """
    home = {name: module for module, names in homes.items() for name in names}

    def found(name: str) -> Any:
        if name not in home:
            raise AttributeError(f"module {here!r} has no attribute {name!r}")
        warnings.warn(f"{here}.{name} stands in {home[name]} now", DeprecationWarning, stacklevel=2)
        return getattr(import_module(home[name]), name)

    return found


def is_whole(value: object, least: float = -math.inf, most: float = math.inf) -> TypeGuard[int]:
    """Whether it is a whole number from `least` to `most`, both included.

    Parameters
    ----------
    value : anything; True and False are no numbers here.
    least, most : ends, both included.
    """
    return isinstance(value, int) and not isinstance(value, bool) and least <= value <= most


def is_number(value: object) -> TypeGuard[float]:
    """Whether it is a finite number."""
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def are_words(value: object) -> bool:
    """Whether a reason is one: text with a letter in it, which "~", "-" and "…" are not."""
    return isinstance(value, str) and any(letter.isalpha() for letter in value)


def whole_number(where: str, value: object, least: int, most: float = math.inf) -> None:
    """Refuse a knob that is no whole number from `least` to `most`.

    Parameters
    ----------
    where : the knob's name, as its YAML has it.
    value : what came.
    least, most : ends, both included.

    Raises
    ------
    ConfigError : naming `where`, what was wanted and what came.
    """
    if not is_whole(value, least, most):
        upto = f" and at most {most:,.0f}" if math.isfinite(most) else ""
        raise refusal(ConfigError, where, f"a whole number of at least {least}{upto}", repr(value), f"write  {where}={max(least, 1)}")


def between(where: str, value: object, low: float, high: float) -> None:
    """Refuse a knob that does not lie between two numbers, both left out.

    Parameters
    ----------
    where : the knob's name, as its YAML has it.
    value : what came.
    low, high : ends, both left out.

    Raises
    ------
    ConfigError : naming `where`, what was wanted and what came.
    """
    if not is_number(value) or not low < value < high:
        wanted = f"a number between {low:g} and {high:g}" if math.isfinite(high) else f"a number above {low:g}"
        raise refusal(ConfigError, where, wanted, repr(value), "write one in figures")


def at_least(where: str, value: object, least: float) -> None:
    """Refuse a knob that is no number of at least `least`.

    Parameters
    ----------
    where : the knob's name, as its YAML has it.
    value : what came.
    least : the end, included.

    Raises
    ------
    ConfigError : naming `where`, what was wanted and what came.
    """
    if not is_number(value) or value < least:
        raise refusal(ConfigError, where, f"a number of at least {least:g}", repr(value), "write one in figures")


def one_of(where: str, value: object, options: Sequence[str]) -> None:
    """Refuse a knob that is none of its options.

    Parameters
    ----------
    where : the knob's name, as its YAML has it.
    value : what came.
    options : what may stand there.

    Raises
    ------
    ConfigError : naming `where`, the options and what came.
    """
    if value not in options:
        raise refusal(ConfigError, where, f"one of {', '.join(map(repr, options))}", repr(value), f"write  {where}={options[0]}  or another of them")


def true_or_false(where: str, value: object) -> None:
    """Refuse a switch that is neither true nor false.

    Parameters
    ----------
    where : the knob's name, as its YAML has it.
    value : what came.

    Raises
    ------
    ConfigError : naming `where` and what came.
    """
    if not isinstance(value, bool):
        raise refusal(ConfigError, where, "true or false", repr(value), f"write  {where}=true  or  {where}=false")


def listed(where: str, value: object) -> tuple[str, ...]:
    """A list of names as a tuple; a text is none, since its letters would be taken one by one.

    Parameters
    ----------
    where : the knob's name, as its YAML has it.
    value : what came; names that stand twice or are blank are refused too.

    Raises
    ------
    ConfigError : naming `where`, what was wanted and what came.
    """
    if isinstance(value, str) or not isinstance(value, Sequence) or not all(isinstance(one, str) and one.strip() for one in value):
        example = value if isinstance(value, str) and value else "a,b"
        raise refusal(ConfigError, where, "a list of names", repr(value), f"write  {where}=[{example}]")
    if twice := next((one for at, one in enumerate(value) if one in value[:at]), None):
        raise refusal(ConfigError, where, "each name once", f"{twice!r} twice", "take one away")
    return tuple(value)
