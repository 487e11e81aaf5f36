"""What a class declares that its knobs may be: read from its own annotations, and every value of a configuration held to it before anything is made.

One mechanism serves every class of every shelf and an outsider's own: a whole number is no truth value and no text, a list of names is no text whose letters
would be taken one by one, a part (an estimator, a check, a source) has the methods that its kind has. What a number means beyond its kind (from 0 to 1, at
least 2) the class itself says at birth.
"""

from __future__ import annotations

import inspect
import math
import types
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass
from difflib import get_close_matches
from functools import lru_cache
from typing import Annotated, Any, Literal, TypeGuard, Union, get_args, get_origin, get_type_hints, is_typeddict

from causal.document import called
from causal.errors import ConfigError, refusal

MOST = 1e15  # of a number's size: nothing that is counted or paid for has more, and sums of squares stay finite
MOST_WHOLE = 100_000  # of draws, folds, trees, years and the like; a seed is no amount and may have any size that a machine's whole number has
SEED = "seed"
MOST_TEXT = 10_000  # letters of one text
MOST_NAME = 200  # letters of a name
TARGET = "_target_"  # the key of a node that says which class it is of
OF_DATA = "names what the data hold"
Column = Annotated[str, OF_DATA]  # a knob that names a variable of the data, or a node of the graph
Columns = Annotated[tuple[str, ...], OF_DATA]
KINDS = {
    "Estimator": ("an estimator", "causal list estimators  names them"),
    "Refuter": ("a check", "causal list refuters  names them, and  ~refuters.NAME  takes one away"),
    "Source": ("a source of data", "choose one with  source=NAME;  causal list sources  names them"),
    "Graph": ("a causal graph", "choose one with  graph=NAME  or  graph=file graph.path=FILE;  causal list graphs  names them"),
    "Rule": ("a rule of judgement", "choose one with  rule=default"),
    "Language": ("a house style", "choose one with  language=plain"),
    "Question": ("a question", "take an experiment, experiment=NAME, and change its keys:  question.lag=1"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """A value that is not what was declared: where it stands, what was wanted, what came and what to try."""

    where: str
    wanted: str
    came: str
    remedy: str


def check_values(where: str, made: Callable[..., Any], given: Mapping[str, Any], resolve: Callable[[str, str], Callable[..., Any]]) -> None:
    """Refuse knobs that `made` does not have, lacks, or that are not what it declares; and so with the parts inside them.

    Parameters
    ----------
    where : the part's place in the configuration ("estimator"; "" for the whole).
    made : a class, or a classmethod that makes one.
    given : knob → plain value; a part within is a mapping with `_target_`.
    resolve : place and dotted name → class.

    Raises
    ------
    ConfigError : naming the knob, what was wanted, what came and what to try.
    """
    knobs = _knobs(made)
    for key, value in given.items():
        here = f"{where}.{key}" if where else str(key)
        if key == TARGET:
            continue
        gone: Mapping[str, str] = getattr(getattr(made, "__self__", made), "gone", {})
        if key in gone:
            raise refusal(ConfigError, here, "a knob of today", "one of an earlier form", gone[key])
        if key not in knobs.hints and not knobs.more:
            near = get_close_matches(str(key), list(knobs.hints), n=1)
            come = f"it has {', '.join(sorted(knobs.hints)) or 'none'}" + (f"; did you mean {near[0]!r}?" if near else "")
            raise refusal(ConfigError, where or "the configuration", f"a knob of {knobs.name}", repr(key), come)
        if fault := _fault(here, knobs.hints.get(str(key), Any), value, knobs.defaults.get(str(key)), resolve):
            raise refusal(ConfigError, fault.where, fault.wanted, fault.came, fault.remedy)
    for key in knobs.needed:
        if key not in given:
            here = f"{where}.{key}" if where else key
            wanted, remedy = _wanted(knobs.hints[key]), _remedy(here, knobs.hints[key], None)
            raise refusal(ConfigError, here, wanted, "nothing: the key was taken away or never given", remedy)


def columns(part: object) -> dict[str, tuple[str, ...]]:
    """Knob → the variables that it was made to name, of a part that exists: those knobs that say `Column` or `Columns` and are not as they ship."""
    made: type[Any] = type(part)
    try:
        hints = get_type_hints(made, include_extras=True)
    except (NameError, TypeError, AttributeError):
        return {}
    defaults = _knobs(made).defaults  # type: ignore[arg-type]
    named = {}
    for knob, hint in hints.items():
        value = getattr(part, knob, None)
        if any(OF_DATA in getattr(one, "__metadata__", ()) for one in (hint, *get_args(hint))) and value and value != defaults.get(knob):
            named[knob] = (value,) if isinstance(value, str) else tuple(value)
    return named


@dataclass(frozen=True, slots=True, kw_only=True)
class _Knobs:
    """What a class takes: knob → annotation, those without a default, the defaults, and whether it takes any other."""

    name: str
    hints: Mapping[str, Any]
    needed: tuple[str, ...]
    defaults: Mapping[str, Any]
    more: bool


@lru_cache(maxsize=512)
def _knobs(made: Callable[..., Any]) -> _Knobs:
    taken = [one for one in inspect.signature(made.__init__ if inspect.isclass(made) else made).parameters.values() if one.name != "self"]
    hints = _hints(made)
    named = [one for one in taken if one.kind not in (one.VAR_POSITIONAL, one.VAR_KEYWORD)]
    return _Knobs(
        name=getattr(made, "__qualname__", str(made)),
        hints={one.name: hints.get(one.name, Any) for one in named},
        needed=tuple(one.name for one in named if one.default is one.empty),
        defaults={one.name: one.default for one in named if one.default is not one.empty},
        more=any(one.kind is one.VAR_KEYWORD for one in taken),
    )


def _hints(made: Callable[..., Any]) -> dict[str, Any]:
    """Annotations by name; of a class, those of the classes that it is made from too, each read in its own module."""
    for source in (made, getattr(made, "__init__", made)):
        try:
            found = get_type_hints(source)
        except (NameError, TypeError, AttributeError):  # an outsider's annotation that stands for nothing at run time
            continue
        if found:
            return found
    return {}


def _fault(where: str, hint: Any, value: Any, default: Any, resolve: Callable[[str, str], Callable[..., Any]]) -> Fault | None:
    """The first thing inside a value that is not what the annotation says; None where all of it is."""
    if (fault := _endless(where, value)) is not None:
        return fault
    if hint is Any or hint is object or isinstance(hint, str):
        return _within(where, value, resolve)
    inner = get_args(hint)
    if get_origin(hint) in (Union, types.UnionType):
        if value == "" and type(None) in inner and str in inner:
            return Fault(where=where, wanted=_wanted(hint), came="an empty text", remedy=f"write  {where}=null  for none")
        faults = [_fault(where, one, value, default, resolve) for one in inner]
        if any(fault is None for fault in faults):
            return None
        deeper = [fault for one, fault in zip(inner, faults, strict=True) if fault is not None and (fault.where != where or fault.wanted != _wanted(one))]
        return (
            deeper[0]
            if deeper
            else Fault(
                where=where,
                wanted=_wanted(hint),
                came=called(value),
                remedy=next(filter(None, (_quoted(where, one, value) for one in inner)), _remedy(where, hint, default)),
            )
        )
    wrong = Fault(where=where, wanted=_wanted(hint), came=called(value), remedy=_quoted(where, hint, value) or _remedy(where, hint, default))
    if hint in (type(None), None):
        return None if value is None else wrong
    origin = get_origin(hint) or hint
    if origin is Literal:
        return None if any(value == one and type(value) is type(one) for one in inner) else wrong
    if hint is bool:
        return None if isinstance(value, bool) else wrong
    if hint is int:
        if not isinstance(value, int) or isinstance(value, bool):
            return wrong
        if abs(value) > MOST_WHOLE and where.rpartition(".")[2] != SEED:
            return Fault(where=where, wanted=f"a whole number of at most {MOST_WHOLE:,}", came=repr(value)[:60], remedy=_remedy(where, hint, default))
        return None
    if hint is float:
        return None if isinstance(value, int | float) and not isinstance(value, bool) else wrong
    if hint is str:
        return None if isinstance(value, str) else wrong
    if origin is tuple or _is(origin, Sequence):
        if inner and is_dataclass(inner[0]):  # nodes, arrows, sayings: the noun that holds them takes them in several forms, and holds each to its own
            return _within(where, value, resolve)
        if isinstance(value, str) or not isinstance(value, Sequence):
            return wrong
        if inner and inner[0] is str:
            for at, name in enumerate(value):
                if isinstance(name, str) and not name.strip():
                    return Fault(where=f"{where}[{at}]", wanted="a name", came="an empty text", remedy="take it out of the list")
                if name in value[:at]:
                    return Fault(where=where, wanted="each name once", came=f"{called(name)} twice", remedy="take one away")
        if origin is tuple and inner and inner[-1] is not Ellipsis:
            if len(value) != len(inner):
                return wrong
            parts: Iterator[tuple[Any, Any]] = zip(inner, value, strict=True)
        else:
            parts = ((inner[0] if inner else Any, one) for one in value)
        return next((fault for at, (one, item) in enumerate(parts) if (fault := _fault(f"{where}[{at}]", one, item, None, resolve))), None)
    if is_typeddict(origin):
        return _keyed(where, origin, value, wrong, resolve)
    if _is(origin, Mapping):
        if not isinstance(value, Mapping):
            return wrong
        kinds = inner if len(inner) == 2 else (Any, Any)
        for key, item in value.items():
            if kinds[0] in (str, int) and (not isinstance(key, kinds[0]) or isinstance(key, bool)):
                return Fault(
                    where=where, wanted=_wanted(hint), came=f"the key {key!r}", remedy='write "no" in quotes: YAML reads no, y, ~ and 2018 as other than text'
                )
            if fault := _fault(f"{where}.{key}", kinds[1], item, None, resolve):
                return fault
        return None
    return _part(where, origin, value, wrong, resolve) if inspect.isclass(origin) else _within(where, value, resolve)


def _keyed(where: str, kind: Any, value: Any, wrong: Fault, resolve: Callable[[str, str], Callable[..., Any]]) -> Fault | None:
    """A mapping whose keys are declared one by one."""
    if not isinstance(value, Mapping):
        return wrong
    hints = get_type_hints(kind)
    if odd := [key for key in value if key not in hints]:
        return Fault(where=where, wanted=wrong.wanted, came=f"the key {odd[0]!r}", remedy=f"its keys are {', '.join(hints)}")
    if missing := [key for key in hints if key in kind.__required_keys__ and key not in value]:
        return Fault(where=where, wanted=wrong.wanted, came=f"no {missing[0]!r}", remedy=f"its keys are {', '.join(hints)}")
    return next((fault for key, inner in value.items() if (fault := _fault(f"{where}.{key}", hints[key], inner, None, resolve))), None)


def _part(where: str, kind: type[Any], value: Any, wrong: Fault, resolve: Callable[[str, str], Callable[..., Any]]) -> Fault | None:
    """A part of a study: a node that says its class, which must be of the kind asked for; or the keys of a small noun."""
    if isinstance(value, Mapping) and TARGET in value:
        found = resolve(where, value[TARGET])
        owner = found if inspect.isclass(found) else getattr(found, "__self__", found)
        if not _serves(owner, kind):
            return Fault(where=where, wanted=wrong.wanted, came=str(value[TARGET]), remedy=wrong.remedy)
        check_values(where, found, {key: inner for key, inner in value.items() if key != TARGET}, resolve)
        return None
    if getattr(kind, "_is_protocol", False) or not is_dataclass(kind):
        return wrong
    if not isinstance(value, Mapping):
        return wrong
    if not value.keys() & {one.name for one in fields(kind)}:
        return wrong
    check_values(where, kind, value, resolve)
    return None


def _serves(owner: Any, kind: type[Any]) -> bool:
    """Whether a class is of a kind: made from it or, where the kind is a protocol, with all its methods."""
    if not getattr(kind, "_is_protocol", False):
        return inspect.isclass(owner) and issubclass(owner, kind)
    methods = [name for name, one in vars(kind).items() if inspect.isfunction(one) and not name.startswith("_")]
    return all(callable(getattr(owner, name, None)) for name in methods)


def _within(where: str, value: Any, resolve: Callable[[str, str], Callable[..., Any]]) -> Fault | None:
    """Where nothing is declared, parts inside are held all the same."""
    if isinstance(value, Mapping):
        if TARGET in value:
            check_values(where, resolve(where, value[TARGET]), {key: inner for key, inner in value.items() if key != TARGET}, resolve)
            return None
        inside: Iterator[tuple[str, Any]] = ((f"{where}.{key}", inner) for key, inner in value.items())
    elif isinstance(value, Sequence) and not isinstance(value, str):
        inside = ((f"{where}[{at}]", inner) for at, inner in enumerate(value))
    else:
        return None
    return next((fault for here, inner in inside if (fault := _endless(here, inner) or _within(here, inner, resolve))), None)


def _endless(where: str, value: Any) -> Fault | None:
    """What no knob of any kind may be: a number that is none or beyond all measure, a text without end."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        largest = 2**63 - 1 if isinstance(value, int) and where.rpartition(".")[2] == SEED else MOST
        if not (math.isfinite(value) and abs(value) <= largest):
            remedy = "write it in larger units, or leave it out"
            if isinstance(value, float) and math.isnan(value):
                return Fault(where=where, wanted="a number", came="nan, which is none", remedy="write one, or leave the key out")
            return Fault(where=where, wanted=f"a number of at most {largest:g} in size", came=repr(value)[:60], remedy=remedy)
    if isinstance(value, float) and 0 < abs(value) < 1 / MOST:
        return Fault(where=where, wanted=f"0, or a number of at least {1 / MOST:g} in size", came=repr(value), remedy="write it in smaller units, or 0")
    if isinstance(value, str) and len(value) > MOST_TEXT:
        return Fault(where=where, wanted=f"a text of at most {MOST_TEXT:,} letters", came=f"{len(value):,}", remedy="say it in fewer")
    if isinstance(value, str) and any((ord(one) < 32 and one not in "\n\t") or 0xD800 <= ord(one) <= 0xDFFF for one in value):
        return Fault(where=where, wanted="a text that can be printed", came=ascii(value)[:60], remedy="take the control characters out")
    return None


def _is(origin: Any, kind: type[Any]) -> TypeGuard[type[Any]]:
    return inspect.isclass(origin) and origin not in (str, bytes) and issubclass(origin, kind)


def _wanted(hint: Any) -> str:
    """An annotation in words: "a list of names, or null"."""
    inner = get_args(hint)
    origin = get_origin(hint) or hint
    if origin in (Union, types.UnionType):
        kinds = [_wanted(one) for one in inner if one is not type(None)]
        return " or ".join(kinds) + (", or null" if type(None) in inner else "")
    if origin is Literal:
        return f"one of {', '.join(map(repr, inner))}" if len(inner) > 1 else repr(inner[0])
    if origin is tuple and inner and inner[-1] is not Ellipsis:
        return f"a list of {len(inner)}: {', '.join(map(_wanted, inner))}"
    if origin is tuple or _is(origin, Sequence):
        return f"a list of {_several(inner[0] if inner else Any)}"
    if _is(origin, Mapping):
        kinds2 = inner if len(inner) == 2 else (str, Any)
        return f"a mapping of {_several(kinds2[0])} to {_several(kinds2[1])}"
    simple = {int: "a whole number", float: "a number", bool: "true or false", str: "words", type(None): "null"}
    if hint in simple:
        return simple[hint]
    name = getattr(origin, "__name__", str(origin))
    if is_typeddict(origin):
        return f"the keys {', '.join(get_type_hints(origin))}"
    return KINDS[name][0] if name in KINDS else "a value" if hint is Any else f"the keys of a {name.lower()}" if is_dataclass(origin) else f"a {name}"


def _several(hint: Any) -> str:
    plural = {int: "whole numbers", float: "numbers", bool: "true or false", str: "names", Any: "values"}
    if hint in plural:
        return plural[hint]
    name = getattr(hint, "__name__", "")
    return f"{KINDS[name][0].split(' ', 1)[1]}s" if name in KINDS else f"values, each {_wanted(hint)}"


def _remedy(where: str, hint: Any, default: Any) -> str:
    """What to write instead: the default where it has one that can be written, else an example of the kind."""
    for one in (hint, *get_args(hint)):
        if (name := getattr(one, "__name__", "")) in KINDS:
            return KINDS[name][1]
    if isinstance(default, bool):
        return f"write  {where}={str(default).lower()}"
    if isinstance(default, int | float | str) and default != "":
        return f"write  {where}={default}"
    if isinstance(default, tuple) and default and all(isinstance(one, int | float | str) for one in default):
        return f"write  {where}=[{','.join(map(str, default))}]"
    return f"write  {where}={_example(hint)}"


def _quoted(where: str, hint: Any, value: Any) -> str:
    """How a number or a switch is written where words are wanted."""
    if hint is str and isinstance(value, int | float):
        return f"if that is its name, put it in quotes:  '{where}=\"{called(value)}\"'"
    inner, origin = get_args(hint), get_origin(hint) or hint
    several = (origin is tuple or _is(origin, Sequence)) and bool(inner) and inner[0] is str
    return f"write  {where}=[{value}]" if several and isinstance(value, str) and value and len(value) <= MOST_NAME else ""


def _example(hint: Any) -> str:
    inner, origin = get_args(hint), get_origin(hint) or hint
    if origin in (Union, types.UnionType):
        return _example(next((one for one in inner if one is not type(None)), None))
    if origin is Literal:
        return str(inner[0])
    if origin is tuple and inner and inner[-1] is not Ellipsis:
        return f"[{','.join(map(_example, inner))}]"
    if origin is tuple or _is(origin, Sequence):
        return f"[{_example(inner[0] if inner else str)}]"
    if _is(origin, Mapping):
        return "'{name: value}'"
    return {int: "1", float: "0.5", bool: "true", str: "words"}.get(hint, "…")
