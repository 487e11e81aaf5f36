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

import numpy as np
import pandas as pd

from causal.errors import ConfigError, DataError, refusal, suggest
from causal.knobs import is_number, is_whole
from causal.panel import Loss, Panel, Variable
from causal.words import count, listed, written

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
SHOWN = 20  # authorities named in one step; the rest are counted
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
        verb = _verb(spec)
        for parent in _parents(spec):
            if parent not in panel.names and not (verb == "dummy" and parent in panel.places):
                raise refusal(DataError, f"source.derived.{name}", f"a column of {panel.title} to be made from", repr(parent), suggest(parent, panel.names))
        making = _Making(panel, name)
        values, variable = _MAKERS[verb](making, spec)
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


def _verb(spec: Mapping[str, Any]) -> str:
    """The verb of a complete specification, its first key."""
    return next(key for key in spec if key in VERBS)


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
    verb = _verb(spec)
    if verb == "since" and isinstance(spec[verb], int):
        return []  # one year for all, no column
    return [*spec[verb]] if verb in SEVERAL else [spec[verb], *(spec[key] for key in ("of", "count") if key in spec)]


# ---------------------------------------------------------------- what is lost on the way
class _Making:
    """One column in the making: which of its cells can still be filled, and why the others cannot."""

    def __init__(self, panel: Panel, name: str) -> None:
        self.panel, self.name = panel, name
        self.left = pd.Series(True, index=panel.frame.index)
        self.authority = panel.frame.index.get_level_values("authority")
        self.year = panel.frame.index.get_level_values("year")
        self._log: list[Loss] = []
        self._reasons: list[pd.Series] = []
        self.notes: list[str] = []

    def known(self, name: str, *, by: int = 0, since: int | None = None) -> pd.Series:
        """A column, `by` years earlier or as it stood in the year `since`, on this panel's rows; where it is missing there, the cell is lost."""
        dated = self.year * 0 + since if since is not None else self.year - by
        wanted = pd.MultiIndex.from_arrays([self.authority, dated], names=["authority", "year"])
        when = f" in {since}" if since is not None else f" {count(by, 'year')} earlier" if by else ""
        values = pd.Series(self.panel.frame[name].reindex(wanted).to_numpy(), index=self.left.index)
        self.lose(~wanted.isin(self.left.index), f"{name} has no row{when}, where the panel begins or has a gap")
        empty = values.isna() & self.left
        marks = self.panel.reasons[self.panel.reasons.index.get_level_values("variable") == name].droplevel("variable")
        if len(marks):
            said = pd.Series(marks[~marks.index.duplicated()].reindex(wanted).to_numpy(), index=self.left.index)[empty].dropna()
            keys = [said.index.get_level_values("authority"), said.index.get_level_values("year"), pd.Index([self.name] * len(said))]
            self._reasons.append(said.set_axis(pd.MultiIndex.from_arrays(keys, names=["authority", "year", "variable"])))
        why = "; ".join(loss.step for loss in self.panel.log if loss.column == name)
        self.lose(empty, f"{name} not known{when}" + (f" ({why})" if why else ""))
        return values

    def lose(self, here: pd.Series | np.ndarray[Any, Any], why: str, *, at: pd.Series | None = None) -> None:
        """Leave these cells empty; `at`: the cells whose years to tell, where they are not the ones lost."""
        lost = self.left & here
        if not lost.any():
            return
        before, self.left = self.left, self.left & ~lost
        gone = set(self.authority[before]) - set(self.authority[self.left])
        step = f"{why}: {self._who(lost if at is None else at & self.authority.isin(self.authority[lost]))}"
        self._log.append(Loss(step=step, rows=int(lost.sum()), authorities=tuple(sorted(gone)), column=self.name))

    def _who(self, here: pd.Series) -> str:
        """Names with years: "Leeds (2016 to 2019), Trafford (2014)"; the years are left out where they are all that the authority has."""
        names, has = self.panel.places["name"].to_dict(), self.authority.value_counts().to_dict()
        years = pd.Series(self.year[here]).groupby(self.authority[here]).agg(list)
        spans = {code: "" if len(mine) == has[code] else f" ({_span(mine)})" for code, mine in years.items()}
        if len(spans) == len(self.panel.authorities) > 1 and len(set(spans.values())) == 1:
            return f"every authority{next(iter(spans.values()))}"
        said = [f"{names[code] or code}{span}" for code, span in spans.items()]
        return ", ".join(said[:SHOWN]) + (f" and {len(said) - SHOWN} more" if len(said) > SHOWN else "")

    def panel_with(self, values: pd.Series, variable: Variable) -> Panel:
        """The panel with the finished column and its losses."""
        self.lose(~np.isfinite(values), "too large or too small to hold as a number")
        made = self.panel.with_column(values.where(self.left), variable)
        reasons = [part for part in (made.reasons, *self._reasons) if len(part)]
        return replace(made, log=(*made.log, *self._log), notes=(*made.notes, *self.notes), reasons=pd.concat(reasons) if reasons else made.reasons)


def _span(years: Sequence[int]) -> str:
    """2014, 2016 to 2019."""
    runs: list[list[int]] = []
    for year in years:
        if runs and year == runs[-1][-1] + 1:
            runs[-1].append(year)
        else:
            runs.append([year])
    return ", ".join(str(run[0]) if len(run) == 1 else f"{run[0]} to {run[-1]}" for run in runs)


# ---------------------------------------------------------------- the verbs
Made = tuple[pd.Series, Variable]


def _lag(making: _Making, spec: Mapping[str, Any]) -> Made:
    by = spec["by"]
    parent = making.panel.variable(spec["lag"])
    variable = _from(making, parent, label=f"{parent.label}, {count(by, 'year')} earlier", definition=f"{count(by, 'year')} earlier: {_meant(parent)}")
    breaks = tuple((year + by, why) for year, why in parent.breaks)  # a number of 2011 stands in the row of 2012
    return making.known(parent.name, by=by), replace(_said_as(variable, parent), count_per=parent.count_per, breaks=breaks)


def _log(making: _Making, spec: Mapping[str, Any]) -> Made:
    guard, switch = spec["guard"], spec["switch"]
    parent = making.panel.variable(spec["log"])
    values = making.known(parent.name)
    making.lose(values <= guard, f"{parent.name} at or below {guard:g} ({parent.unit}) has no logarithm")
    logs = values.where(making.left).map(np.log)
    definition = f"natural logarithm of: {_meant(parent)}; none at {guard:g} or below"
    if switch is not None:
        seen = logs.dropna()  # in order of authority and year
        jump = seen.groupby(level="authority").diff().abs().gt(switch).reindex(logs.index, fill_value=False)
        why = f"the logarithm of {parent.name} moves by more than {switch:g} from one year known to the next, as when reporting changes; left out whole"
        making.lose(making.authority.isin(making.authority[jump]), why, at=jump)
        definition += f"; none for an authority whose logarithm moves by more than {switch:g} from one year known to the next"
    return logs, _from(making, parent, label=f"log of {parent.label}", unit=f"log {parent.unit}", definition=definition)


def _share(making: _Making, spec: Mapping[str, Any]) -> Made:
    part, whole = (making.panel.variable(spec[key]) for key in ("share", "of"))
    values, of = making.known(part.name), making.known(whole.name)
    making.lose(of <= spec["guard"], f"{whole.name} at or below {spec['guard']:g} ({whole.unit}) leaves nothing to take a share of")
    label, unit = f"{part.label} as a share of {whole.label}", f"share of {whole.label}"
    definition = f"{_meant(part)} ÷ {_meant(whole)}; none where that is {spec['guard']:g} or below"
    return values / of.where(making.left), _from(making, part, whole, label=label, unit=unit, definition=definition)


def _change(making: _Making, spec: Mapping[str, Any]) -> Made:
    since, way = spec["since"], spec["as"]
    parent, panel = making.panel.variable(spec["change"]), making.panel
    if since not in panel.years:
        span = f"{panel.years[0]} to {panel.years[-1]}"
        raise refusal(
            DataError, f"source.derived.{making.name}.since", f"a year of {panel.title}, {span}", f"{since}", f"load {since} too, or choose another base year"
        )
    values, base = making.known(parent.name), making.known(parent.name, since=since)
    if way == "difference":
        variable = _from(making, parent, label=f"change in {parent.label} since {since}", definition=f"less its own value of {since}: {_meant(parent)}")
        return values - base, replace(variable, count_per=parent.count_per)
    guard, ceiling = spec["guard"], spec["ceiling"]
    making.lose(base <= guard, f"{parent.name} at or below {guard:g} ({parent.unit}) in {since} leaves nothing to take a share of")
    share = values / base.where(making.left)
    definition = f"÷ its own value of {since}: {_meant(parent)}; none where that was {guard:g} or below"
    if ceiling is not None:
        above = share > ceiling
        why = f"{parent.name} stands above {ceiling:g} times its value of {since}, so {since} was recorded otherwise; left out whole"
        making.lose(making.authority.isin(making.authority[above]), why, at=above)
        definition += f", or where the share passes {ceiling:g} in any year"
    if way == "percent":
        label, unit = f"change in {parent.label} since {since}", f"% of {since}"
        return (share - 1) * 100, _from(making, parent, label=label, unit=unit, definition=f"100 × (share − 1), the share being: {definition}")
    return share, _from(making, parent, label=f"{parent.label} against {since}", unit=f"share of {since}", definition=definition)


def _difference(making: _Making, spec: Mapping[str, Any]) -> Made:
    by = spec["by"]
    parent = making.panel.variable(spec["difference"])
    before = "the year before" if by == 1 else f"{by} years before"
    variable = _from(making, parent, label=f"change in {parent.label} on {before}", definition=f"less its own value of {before}: {_meant(parent)}")
    return making.known(parent.name) - making.known(parent.name, by=by), replace(variable, count_per=parent.count_per)


def _sum(making: _Making, spec: Mapping[str, Any]) -> Made:
    parents = [making.panel.variable(name) for name in spec["sum"]]
    units = list(dict.fromkeys(parent.unit for parent in parents))
    if len(units) > 1 and "unit" not in spec:
        units_text = ", ".join(f"{parent.name} ({parent.unit})" for parent in parents)
        raise refusal(
            DataError,
            f"source.derived.{making.name}",
            "columns of one unit to add up",
            f"different units: {units_text}",
            "sum columns of one unit, or say what the sum's is with  unit: …",
        )
    total = sum((making.known(parent.name) for parent in parents), start=pd.Series(0.0, index=making.left.index))
    definition = " + ".join(_meant(parent) for parent in parents)
    variable = _from(making, *parents, label=listed([parent.label for parent in parents]), definition=definition)
    same = {parent.count_per for parent in parents}
    return total, replace(variable, count_per=same.pop() if len(same) == 1 else None)


def _per(making: _Making, spec: Mapping[str, Any]) -> Made:
    top, people = (making.panel.variable(spec[key]) for key in ("per", "count"))
    times = spec["times"]
    values, counted = making.known(top.name), making.known(people.name)
    making.lose(counted <= 0, f"{people.name} is 0 or below, and nothing can be divided by it")
    rate = values / counted.where(making.left) * times
    each = f"per {people.unit}" if times == 1 else f"per {written(times)} {people.unit}"
    # a count (of children) per 10,000 children is just that; money keeps its own unit before it
    unit = each if top.unit == people.unit else f"{top.unit} {each}"
    definition = f"{_meant(top)} ÷ {_meant(people)}" + ("" if times == 1 else f" × {written(times)}")
    variable = _from(making, top, people, label=top.label, unit=unit, definition=definition)
    variable = _said_as(variable, top)
    # told as a number of children only where the rate's children are the ones that the panel counts
    return rate, replace(variable, count_per=times if people.name == making.panel.population else None)


def _since(making: _Making, spec: Mapping[str, Any]) -> Made:
    if isinstance(spec["since"], int):
        since, panel = spec["since"], making.panel
        if not panel.years[0] < since <= panel.years[-1]:
            span = f"{panel.years[0]} to {panel.years[-1]}"
            raise refusal(
                DataError,
                f"source.derived.{making.name}.since",
                f"a year within {panel.title}, {span}",
                f"{since}: it would be the same in every row",
                "choose a year between them",
            )
        words = {"label": f"from {since} on", "unit": "0 or 1", "definition": f"1 from {since} on, else 0"}
        values = pd.Series((making.year >= since).astype(float), index=making.left.index)
        return values, Variable(name=making.name, source=panel.title, varies="year", **words)  # type: ignore[arg-type]
    panel, parent, never, after = making.panel, making.panel.variable(spec["since"]), spec["never"], spec["after"]
    where = f"source.derived.{making.name}"
    if panel.years == (0,):
        raise refusal(DataError, where, f"years, since it asks what is in force since {parent.name}", f"{panel.title}, which has none", "set source.year")
    began = panel.frame[parent.name]
    marks = panel.reasons[panel.reasons.index.get_level_values("variable") == parent.name].droplevel("variable")
    withheld = began.isna() & began.index.isin(marks[~marks.isin(["blank", "never", "Never"])].index)
    began = began.mask(began == never) if never is not None else began
    odd = began[(began < 1000) | (began >= 10_000)]
    if len(odd):
        one, whose = float(odd.iloc[0]), odd.index.get_level_values("authority").nunique()
        raise refusal(
            DataError,
            where,
            f"a year in {parent.name}",
            f"{one:g} in {count(whose, 'authority', 'authorities')}",
            f"if that means never, say so: 'source.derived={{{making.name}: {{since: {parent.name}, never: {one:g}}}}}'",
        )
    several = began.groupby(level="authority").nunique()
    if (several > 1).any():
        code = several.index[several > 1][0]
        shown = ", ".join(f"{value:g}" for value in began[code].dropna().unique()[:3])
        raise refusal(
            DataError,
            where,
            f"one year of {parent.name} for each authority",
            f"{shown} for authority {code!r}",
            "keep one of them, or ask of it as a treatment itself",
        )
    start = np.floor(began.groupby(level="authority").transform("max")) + after
    firsts = start.groupby(level="authority").first().dropna()
    low, high = panel.years[0], panel.years[-1]
    if not len(firsts):
        raise refusal(
            DataError,
            where,
            f"a year of {parent.name} for some authority",
            "a column that is blank throughout: nothing is ever in force",
            "name another column",
        )
    if ((firsts <= low) | (firsts > high)).all():
        raise refusal(
            DataError,
            where,
            f"an authority that begins within {panel.title}, which has {low} to {high}",
            f"{parent.name} of {firsts.min() - after:g} to {firsts.max() - after:g}" + (f", taken {count(after, 'year')} later" if after else ""),
            "load more years, or name another column",
        )
    if before := int((firsts <= low).sum()):
        making.notes.append(f"{making.name}: {count(before, 'authority begins', 'authorities begin')} in {low} or before, and are 1 in every year")
    if late := int((firsts > high).sum()):
        making.notes.append(f"{making.name}: {count(late, 'authority begins', 'authorities begin')} after {high}, and are 0 in every year")
    making.lose(withheld, f"{parent.name} withheld")
    values = (start <= pd.Series(making.year, index=start.index)).astype(float)
    meant = "blank" if never is None else f"blank or {never:g}"
    definition = f"1 from the year of {_meant(parent)}{f' and {after} later' if after else ''} on, else 0; 0 throughout where that is {meant}"
    return values, replace(_from(making, parent, label=f"in force since {parent.label}", unit="0 or 1", definition=definition), varies="both", rounding=None)


def _compared(making: _Making, spec: Mapping[str, Any]) -> Made:
    verb = _verb(spec)
    parent, value = making.panel.variable(spec[verb]), spec["value"]
    known = making.known(parent.name)
    sign, made = ("at least", known >= value) if verb == "at_least" else ("equal to", known == value)
    if making.left.any() and not made.any():
        is_it = ", ".join(f"{one:g}" for one in known.dropna().unique()[:6])
        making.notes.append(f"{making.name} is 0 throughout: {parent.name} is never {sign} {value:g}; it is {is_it}")
    label, definition = f"{parent.label} {sign} {value:g}", f"1 where it is {sign} {value:g}, else 0: {_meant(parent)}"
    return made.astype(float), replace(_from(making, parent, label=label, unit="0 or 1", definition=definition), rounding=None)


def _dummy(making: _Making, spec: Mapping[str, Any]) -> Made:
    panel, name, word = making.panel, spec["dummy"], spec["is"]
    if name in panel.names:
        try:
            number = float(word)
        except ValueError:
            raise refusal(
                DataError, f"source.derived.{making.name}", f"a number, since {name} holds numbers", f"is: {word!r}", "write one that it holds"
            ) from None
        return _compared(making, {"equals": name, "value": number})
    text = panel.places[name].reindex(making.authority)
    if word not in set(text):
        raise refusal(DataError, f"source.derived.{making.name}", f"the {name} of a place", repr(word), suggest(word, set(text) - {""}))
    making.lose((text == "").to_numpy(), f"{name} not known")
    made = pd.Series((text == word).to_numpy(), index=making.left.index).astype(float)
    definition = f"1 where {name} is {word}, else 0"
    return made, Variable(name=making.name, label=f"{name} is {word}", unit="0 or 1", source=panel.title, definition=definition, varies="authority")


def _square(making: _Making, spec: Mapping[str, Any]) -> Made:
    parent = making.panel.variable(spec["square"])
    variable = _from(making, parent, label=f"{parent.label} squared", unit=f"{parent.unit} squared", definition=f"square of: {_meant(parent)}")
    return making.known(parent.name) ** 2, replace(variable, rounding=None)


def _times(making: _Making, spec: Mapping[str, Any]) -> Made:
    parents = [making.panel.variable(name) for name in spec["times"]]
    product = pd.Series(1.0, index=making.left.index)
    for parent in parents:
        product = product * making.known(parent.name)
    label = " × ".join(parent.label for parent in parents)
    unit = " × ".join(parent.unit for parent in parents if parent.unit != "0 or 1") or "0 or 1"
    variable = _from(making, *parents, label=label, unit=unit, definition=" × ".join(_meant(parent) for parent in parents))
    return product, replace(variable, rounding=None)


_MAKERS = {
    "lag": _lag,
    "log": _log,
    "share": _share,
    "change": _change,
    "difference": _difference,
    "sum": _sum,
    "per": _per,
    "since": _since,
    "at_least": _compared,
    "equals": _compared,
    "dummy": _dummy,
    "square": _square,
    "times": _times,
}


def _meant(variable: Variable) -> str:
    """What a column is, for another's definition."""
    return f"{variable.name} ({variable.definition or variable.label})"


def _said_as(variable: Variable, parent: Variable) -> Variable:
    """With its parent's stock or flow and its parent's word for more of it: what is the same thing at another date, or for so many people."""
    return replace(variable, counts=parent.counts, comparative=parent.comparative)


def _from(making: _Making, *parents: Variable, label: str, definition: str, unit: str | None = None) -> Variable:
    """A new column's words: its parents' sources, cautions and breaks, the coarsest of their roundings, and how it varies."""
    varies = {parent.varies for parent in parents}
    rounded = [parent.rounding for parent in parents if parent.rounding]
    return Variable(
        name=making.name,
        label=label,
        unit=parents[0].unit if unit is None else unit,
        source="; ".join(dict.fromkeys(parent.source for parent in parents if parent.source)),
        definition=definition,
        varies=varies.pop() if len(varies) == 1 else "both",
        comparative="a higher",  # a logarithm, a share or a change is no number of people, of which there are more or fewer
        caution="; ".join(dict.fromkeys(parent.caution for parent in parents if parent.caution)),
        remedy=next((parent.remedy for parent in parents if parent.caution and parent.remedy), ""),
        rounding=max(rounded) if rounded else None,
        breaks=tuple(sorted({broken for parent in parents for broken in parent.breaks})),
    )
