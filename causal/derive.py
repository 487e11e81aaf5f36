"""New columns from those a panel has: lags, logs, shares, changes, sums, rates and treatments of 0 and 1, asked for by name in a source's `derived`.

    derived:
      centre_spend_then: {lag: centre_spend, by: 1}
      log_centre_spend: {log: centre_spend, guard: 5, switch: 1.5}
      centre_share: {share: centre_spend, of: children_spend, guard: 0}
      centre_spending: {change: centre_spend, since: 2011, as: share, guard: 20, ceiling: 2}
      plans_change: {difference: plans, by: 1}
      spend_all: {sum: [centre_spend, youth_spend]}
      enquiry_rate: {per: enquiries, count: children, times: 10000}
      in_force: {since: first_year, never: 0}
      halved: {at_least: cut, value: 50}
      inspected: {equals: rating, value: 2}
      north: {dummy: region, is: North East}
      cut_squared: {square: cut}
      cut_in_north: {times: [cut, north]}

They are made in that order, and a later one may use an earlier one. A number that cannot be made is missing, and the panel's log says how many, whose and
why: nothing is guessed, and no infinity comes out. Spending is recorded with changes of reporting, zeros and base years that hold next to nothing, and what
an effect looks like depends on how they are met; so guard, switch and ceiling stand in the column's definition.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from causal.errors import ConfigError, DataError, refusal, suggest
from causal.knobs import is_number, is_whole
from causal.panel import Panel
from causal.transformations import TRANSFORMATIONS, NewColumn, verb_of
from causal.words import listed

# Verb → its other keys, with what they are where not given; `...` must be given.
VERBS: dict[str, dict[str, Any]] = {
    "lag": {"by": 1},
    "log": {"guard": 0.0, "switch": None},
    "share": {"of": ..., "guard": 0.0},
    "change": {"since": ..., "as": ..., "guard": 0.0, "ceiling": None},
    "difference": {"by": 1},
    "sum": {},
    "per": {"count": ..., "times": 1.0},
    "since": {"never": None, "after": 0},
    "at_least": {"value": ...},
    "equals": {"value": ...},
    "dummy": {"is": ...},
    "square": {},
    "times": {},
}
SEVERAL = ("sum", "times")  # verbs of a list of columns
DESCRIBES = ("label", "unit", "definition")
WAYS = ("share", "difference", "percent")
MOST_YEARS = 50  # between a year and the one that is taken in its place


def check_derived(specs: Mapping[str, Mapping[str, Any]] | None) -> dict[str, dict[str, Any]]:
    """The specifications of derived columns, checked without data and with every default filled in; checking them again changes nothing.

    Parameters
    ----------
    specs : name → {verb: column, …}, as the module shows; `label`, `unit` and `definition` may be added to each. None: no derived columns.

    Raises
    ------
    ConfigError : a name, verb, key or value that does not fit; the message names `source.derived.NAME` and the nearest word known.
    """
    if specs is None:
        return {}
    if not isinstance(specs, Mapping):
        raise refusal(ConfigError, "source.derived", "names with what each is made from, like {plans_then: {lag: plans, by: 1}}", repr(specs), "write it so")
    order = [str(name) for name in specs]
    checked = {}
    for i, (name, words) in enumerate(specs.items()):
        where = f"source.derived.{name}"
        if not isinstance(name, str) or not name.isidentifier():
            raise refusal(
                ConfigError, where, "a derived column's name of letters, digits and _ that does not begin with a digit", repr(name), "choose another name"
            )
        if name in ("authority", "year"):
            raise refusal(ConfigError, where, "a name of its own", f"{name!r}, which names who and when in every panel", "choose another name")
        checked[name] = _checked(where, words)
        for parent in _parents(checked[name]):
            if parent in order[i:] and not (parent == name and "dummy" in checked[name]):  # a column of text is no variable, and its name is free
                what = "itself" if parent == name else f"{parent!r}, which is made after it"
                raise refusal(
                    ConfigError, where, "columns before it to be made from", what, "name another column" if parent == name else f"put {parent!r} first"
                )
    return checked


def derive(panel: Panel, specs: Mapping[str, Mapping[str, Any]] | None) -> Panel:
    """The panel with one column more for each specification, in order.

    Parameters
    ----------
    panel : with the columns that the specifications name.
    specs : as `check_derived` takes them. x(t) is the number of the same authority in year t; years are matched as numbers.

        - `{lag: x, by: k}`: x(t − k).
        - `{log: x, guard: g, switch: s}`: natural logarithm of x where x > g. With `switch`, an authority whose logarithm moves by more than s from one year
          known to the next one known is taken to have changed how it reports, and is left out whole.
        - `{share: x, of: y, guard: g}`: x ÷ y where y > g.
        - `{change: x, since: b, as: share, guard: g, ceiling: c}`: x(t) ÷ x(b) where x(b) > g; with `ceiling`, an authority whose share passes c in any year
          is left out whole, since a base year so far below the others was recorded otherwise. `as: percent`: 100 × (that share − 1), under the same guard
          and ceiling (of the share). `as: difference`: x(t) − x(b), without either.
        - `{difference: x, by: k}`: x(t) − x(t − k).
        - `{sum: [x, y, …]}`: x + y + …, missing if any part is.
        - `{per: x, count: y, times: n}`: x ÷ y × n where y > 0.
        - `{since: x, never: n, after: k}`: x holds the year (or the date, read as a year with its part gone by) in which something began in an authority:
          1 from that year (or k years later) on, 0 before it, and 0 throughout where x is blank or `never`; missing where x is withheld.
          A year in the place of x: 1 from that year on everywhere.
        - `{at_least: x, value: v}`, `{equals: x, value: v}`: 1 where x ≥ v, or x = v, else 0.
        - `{dummy: x, is: v}`: 1 where x, a column or the place's region, cluster or name, is v, else 0.
        - `{square: x}`, `{times: [x, y, …]}`: x², x × y × ….

    Returns
    -------
    panel : each new column with its `Variable` (made from its parents': source, caution, breaks and the coarsest rounding carry over), every cell left
        empty counted in a `Loss` of that column, and the source's reason for a missing parent given to what is made from it.

    Raises
    ------
    ConfigError : as `check_derived`.
    DataError : a column or base year that the panel lacks, a name that it already has, or a sum of different units.
    """
    for name, spec in check_derived(specs).items():
        if name in panel.names:
            raise refusal(
                DataError,
                f"source.derived.{name}",
                "a name that is not taken",
                f"{name!r}, and {panel.title} already has a column {name!r}",
                "choose another name",
            )
        verb = verb_of(spec)
        for parent in _parents(spec):
            if parent not in panel.names and not (verb == "dummy" and parent in panel.places):
                raise refusal(DataError, f"source.derived.{name}", f"a column of {panel.title} to be made from", repr(parent), suggest(parent, panel.names))
        making = NewColumn(panel, name)
        values, variable = TRANSFORMATIONS[verb](making, spec)
        variable = replace(variable, **{key: spec[key] for key in DESCRIBES if key in spec})
        panel = making.panel_with(values, variable)
    return panel


# ---------------------------------------------------------------- the form of a specification
def _checked(where: str, words: Mapping[str, Any]) -> dict[str, Any]:
    """One specification, complete."""
    if not isinstance(words, Mapping):
        raise refusal(ConfigError, where, "how it is made, like {lag: plans, by: 1}", repr(words), "write it so")
    verbs = _verbs(words)
    if len(verbs) != 1:
        came = listed([repr(verb) for verb in verbs]) if verbs else f"the keys {[str(key) for key in words]}"
        near = next((suggest(str(key), VERBS) for key in words if key not in VERBS and key not in DESCRIBES), "") if not verbs else ""
        raise refusal(ConfigError, where, f"one of {', '.join(VERBS)}", came, near or "keep the one that is meant")
    verb = verbs[0]
    options = VERBS[verb]
    for key in words:
        if key != verb and key not in options and key not in DESCRIBES:
            raise refusal(ConfigError, f"{where} ({verb})", "a key that it has", repr(key), suggest(str(key), (verb, *options, *DESCRIBES)))
    if verb == "since" and is_whole(words[verb], 1000):
        return _described(where, words, {verb: int(words[verb]), "never": None, "after": 0})
    spec: dict[str, Any] = {verb: _columns(f"{where}.{verb}", words[verb]) if verb in SEVERAL else _column(f"{where}.{verb}", words[verb])}
    for key, default in options.items():
        value = words.get(key)
        if value is None and default is ...:
            raise refusal(ConfigError, f"{where} ({verb})", repr(key), "nothing", _ASKS[key])
        spec[key] = default if value is None else _OPTIONS[key](f"{where}.{key}", value)
    if spec.get("as") == "difference":
        if words.get("guard") is not None or words.get("ceiling") is not None:
            raise refusal(
                ConfigError,
                where,
                "no guard and no ceiling, which judge the base of a share: 'as: difference' divides by nothing",
                "one of them",
                "leave them out, or ask  as: share",
            )
        del spec["guard"], spec["ceiling"]
    return _described(where, words, spec)


def _described(where: str, words: Mapping[str, Any], spec: dict[str, Any]) -> dict[str, Any]:
    """A specification with its label, unit and definition, where they were given."""
    for key in DESCRIBES:
        if words.get(key) is not None:
            if not isinstance(words[key], str) or not words[key].strip():
                raise refusal(ConfigError, f"{where}.{key}", "words", repr(words[key]), f"put it in quotes, or leave {key} out")
            spec[key] = words[key]
    return spec


def _verbs(words: Mapping[str, Any]) -> list[str]:
    """The verbs among some keys: `since` and `times` are verbs, and keys of `change` and `per` too."""
    found = [key for key in words if key in VERBS]
    return [key for key in found if not any(key in VERBS[other] for other in found if other != key)]


def _column(where: str, value: Any) -> str:
    if not isinstance(value, str) or not value:
        raise refusal(ConfigError, where, "the name of a column", repr(value), "name one")
    return value


def _columns(where: str, value: Any) -> list[str]:
    if isinstance(value, str) or not isinstance(value, Sequence) or len(value) < 2:
        raise refusal(ConfigError, where, "the names of two columns or more, like [plans, referrals]", repr(value), "write a list")
    names = [_column(where, name) for name in value]
    if len(set(names)) < len(names):
        raise refusal(ConfigError, where, "each column once", f"{names}", "take one away")
    return names


def _years(where: str, value: Any) -> int:
    if is_whole(value, most=-1):
        raise refusal(
            ConfigError,
            where,
            "a number of at least 1",
            f"{value}",
            "leave it: a later year's value is a lead, which the check future_treatment looks at, not a column",
        )
    if not is_whole(value, 1, MOST_YEARS):
        raise refusal(ConfigError, where, f"a whole number of years, at least 1 and at most {MOST_YEARS}", repr(value), "write  by: 1")
    return value


def _base(where: str, value: Any) -> int:
    if not is_whole(value):
        raise refusal(ConfigError, where, "a year of the panel", repr(value), "write one such as 2011")
    return value


def _way(where: str, value: Any) -> str:
    if value not in WAYS:
        raise refusal(ConfigError, where, f"one of {', '.join(WAYS)}", repr(value), f"{suggest(str(value), WAYS)}")
    return str(value)


def _worded(where: str, value: Any) -> str:
    if isinstance(value, (Mapping, list, tuple)) or value == "":
        raise refusal(ConfigError, where, "a word or a number that the column holds", repr(value), "write one, like  is: London")
    if isinstance(value, bool):
        return "Yes" if value else "No"  # as YAML reads an unquoted yes
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def _number(least: float, *, above: bool = False) -> Callable[[str, Any], float]:
    def check(where: str, value: Any) -> float:
        if not is_number(value) or not (least < value if above else least <= value):
            limit = "" if least == -math.inf else f" above {least:g}" if above else f" of at least {least:g}"
            raise refusal(ConfigError, where, f"a number{limit}", repr(value), "write it in figures")
        return float(value)

    return check


_OPTIONS: dict[str, Callable[[str, Any], Any]] = {
    "by": _years,
    "guard": _number(0.0),
    "switch": _number(0.0, above=True),
    "of": _column,
    "since": _base,
    "as": _way,
    "ceiling": _number(1.0),
    "count": _column,
    "times": _number(0.0, above=True),
    "never": _number(-math.inf),
    "after": lambda where, value: 0 if value == 0 and not isinstance(value, bool) else _years(where, value),
    "value": _number(-math.inf),
    "is": _worded,
}
_ASKS = {
    "of": "name the column to divide by, like  of: children_spend",
    "since": "give the base year, like  since: 2011",
    "as": f"say how the change is told: {', '.join(WAYS)}",
    "count": "name the column that counts what it is per, like  count: children",
    "value": "give the number to compare with, like  value: 1",
    "is": "give the word to look for, like  is: treated",
}


def _parents(spec: Mapping[str, Any]) -> list[str]:
    """The columns that a complete specification uses."""
    verb = verb_of(spec)
    if verb == "since" and isinstance(spec[verb], int):
        return []  # one year for all, no column
    return [*spec[verb]] if verb in SEVERAL else [spec[verb], *(spec[key] for key in ("of", "count") if key in spec)]
