"""The transformations behind derived columns: each makes one column of others, and counts every cell that it leaves empty, with the reason."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from causal.errors import DataError, refusal, suggest
from causal.panel import Loss, Panel, Variable
from causal.words import count, listed, written

SHOWN = 20  # authorities named in one step; the rest are counted


class NewColumn:
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
        """A column, `by` years earlier or as it stood in the year `since`, on this panel's rows; where it is missing there, the cell is lost.

        Parameters
        ----------
        name : of a column of the panel.
        by : years earlier.
        since : a year; None: the row's own, less `by`.
        """
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
        """Leave these cells empty.

        Parameters
        ----------
        here : shape (rows,), True where a cell is lost.
        why : as the panel's log has it.
        at : shape (rows,), True where a cell's year is said; None: those that are lost.
        """
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
        """The panel with the finished column and its losses.

        Parameters
        ----------
        values : shape (rows,); what has been lost is left empty.
        variable : what the column is.
        """
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


Made = tuple[pd.Series, Variable]


def _lag(making: NewColumn, spec: Mapping[str, Any]) -> Made:
    by = spec["by"]
    parent = making.panel.variable(spec["lag"])
    variable = _from(making, parent, label=f"{parent.label}, {count(by, 'year')} earlier", definition=f"{count(by, 'year')} earlier: {_meant(parent)}")
    breaks = tuple((year + by, why) for year, why in parent.breaks)  # a number of 2011 stands in the row of 2012
    return making.known(parent.name, by=by), replace(_said_as(variable, parent), count_per=parent.count_per, breaks=breaks)


def _log(making: NewColumn, spec: Mapping[str, Any]) -> Made:
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


def _share(making: NewColumn, spec: Mapping[str, Any]) -> Made:
    part, whole = (making.panel.variable(spec[key]) for key in ("share", "of"))
    values, of = making.known(part.name), making.known(whole.name)
    making.lose(of <= spec["guard"], f"{whole.name} at or below {spec['guard']:g} ({whole.unit}) leaves nothing to take a share of")
    label, unit = f"{part.label} as a share of {whole.label}", f"share of {whole.label}"
    definition = f"{_meant(part)} ÷ {_meant(whole)}; none where that is {spec['guard']:g} or below"
    return values / of.where(making.left), _from(making, part, whole, label=label, unit=unit, definition=definition)


def _change(making: NewColumn, spec: Mapping[str, Any]) -> Made:
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


def _difference(making: NewColumn, spec: Mapping[str, Any]) -> Made:
    by = spec["by"]
    parent = making.panel.variable(spec["difference"])
    before = "the year before" if by == 1 else f"{by} years before"
    variable = _from(making, parent, label=f"change in {parent.label} on {before}", definition=f"less its own value of {before}: {_meant(parent)}")
    return making.known(parent.name) - making.known(parent.name, by=by), replace(variable, count_per=parent.count_per)


def _sum(making: NewColumn, spec: Mapping[str, Any]) -> Made:
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


def _per(making: NewColumn, spec: Mapping[str, Any]) -> Made:
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


def _since(making: NewColumn, spec: Mapping[str, Any]) -> Made:
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


def _compared(making: NewColumn, spec: Mapping[str, Any]) -> Made:
    verb = verb_of(spec)
    parent, value = making.panel.variable(spec[verb]), spec["value"]
    known = making.known(parent.name)
    sign, made = ("at least", known >= value) if verb == "at_least" else ("equal to", known == value)
    if making.left.any() and not made.any():
        is_it = ", ".join(f"{one:g}" for one in known.dropna().unique()[:6])
        making.notes.append(f"{making.name} is 0 throughout: {parent.name} is never {sign} {value:g}; it is {is_it}")
    label, definition = f"{parent.label} {sign} {value:g}", f"1 where it is {sign} {value:g}, else 0: {_meant(parent)}"
    return made.astype(float), replace(_from(making, parent, label=label, unit="0 or 1", definition=definition), rounding=None)


def _dummy(making: NewColumn, spec: Mapping[str, Any]) -> Made:
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


def _square(making: NewColumn, spec: Mapping[str, Any]) -> Made:
    parent = making.panel.variable(spec["square"])
    variable = _from(making, parent, label=f"{parent.label} squared", unit=f"{parent.unit} squared", definition=f"square of: {_meant(parent)}")
    return making.known(parent.name) ** 2, replace(variable, rounding=None)


def _times(making: NewColumn, spec: Mapping[str, Any]) -> Made:
    parents = [making.panel.variable(name) for name in spec["times"]]
    product = pd.Series(1.0, index=making.left.index)
    for parent in parents:
        product = product * making.known(parent.name)
    label = " × ".join(parent.label for parent in parents)
    unit = " × ".join(parent.unit for parent in parents if parent.unit != "0 or 1") or "0 or 1"
    variable = _from(making, *parents, label=label, unit=unit, definition=" × ".join(_meant(parent) for parent in parents))
    return product, replace(variable, rounding=None)


TRANSFORMATIONS = {
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


def verb_of(spec: Mapping[str, Any]) -> str:
    """The verb of a complete specification, its first key that is one."""
    return next(key for key in spec if key in TRANSFORMATIONS)


def _meant(variable: Variable) -> str:
    """What a column is, for another's definition."""
    return f"{variable.name} ({variable.definition or variable.label})"


def _said_as(variable: Variable, parent: Variable) -> Variable:
    """With its parent's stock or flow and its parent's word for more of it: what is the same thing at another date, or for so many people."""
    return replace(variable, counts=parent.counts, comparative=parent.comparative)


def _from(making: NewColumn, *parents: Variable, label: str, definition: str, unit: str | None = None) -> Variable:
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
