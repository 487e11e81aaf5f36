"""What must hold in a table, declared with pandera, and said in our own words where it does not.

Each rule stands once: what holds (a pandera check over a column), and how a breach of it is told, with row, column, value and the mend. The schemas are
validated lazily, so that all breaches are found together (Niels Bantilan, pandera: statistical data validation of pandas dataframes, 2020).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from causal.sources.table.cells import brief, words
from causal.sources.table.problem import BLANK, Problem, Remedy
from causal.sources.table.shape import splitters
from causal.words import count, listed

TWICE = "multiple_fields_uniqueness"  # pandera's own name for rows that stand more than once
PEOPLE = re.compile(r"\b(children|people|persons|pupils|adults|residents)\b", flags=re.IGNORECASE)
NOT_A_COUNT = re.compile(r"£|%|\b(per|share|rate|log)\b", flags=re.IGNORECASE)
SHOWN = 6
LARGEST = 1e75  # of a number: sums of fourth powers must stay finite
DOUBLES = 6  # authorities and years that stand several times, each told by its rows; of more, three are


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One thing that must hold: of a column's values, which fit; and what is said of the rows that do not."""

    name: str
    holds: Callable[[pd.Series], pd.Series]
    says: Callable[[Sequence[int]], list[str]]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Rows:
    """Whose rows these are.

    Parameters
    ----------
    keys : `authority` (words), `year` (float, NaN where it is none) and, where asked for, `cluster`; indexed by row number.
    table : the cells as they stand in the file, same rows.
    columns : knob → column of the file, for `authority`, `year` (absent in a cross-section) and `cluster`.
    filters : columns of words that may split an authority's year into several rows.
    sure : which of these are known to be filters.
    measures : columns of numbers, which a pivot could make several of.
    within : what the column of years holds where that is shorter than a year ("quarters"), otherwise "".
    least : the first year that one can be; 1 where quarters or months are numbered.
    """

    keys: pd.DataFrame
    table: pd.DataFrame
    columns: Mapping[str, str]
    filters: Sequence[str] = ()
    sure: Sequence[str] = ()
    measures: Sequence[str] = ()
    within: str = ""
    least: int = 1000


def broken_keys(rows: Rows) -> list[Problem]:
    """What is wrong with authorities, years and clusters: one row for each authority and year, each in one cluster."""
    keys, columns = rows.keys, rows.columns
    # rows that became columns have left the column of years behind
    cells = {knob: rows.table[column] if column in rows.table else keys[knob] for knob, column in columns.items()}

    def bad_year(row: int) -> str:
        cell = cells["year"][row]
        text = words(cell)
        if not text:
            return f"row {row}: no year in column {columns['year']!r}"
        hint = "; for a financial year write the year it ends in" if re.fullmatch(r"\d{4}\s*[-/–]?\s*\d{2,4}", text) else ""
        return f"row {row}, column {columns['year']!r}: {cell!r} is not a whole year such as 2018{hint}"

    def moved(at: Sequence[int]) -> list[str]:
        out = []
        for code, values in keys.loc[list(at), "cluster"].groupby(keys.loc[list(at), "authority"]):
            out.append(f"rows {values.index[0]} to {values.index[-1]}: authority {code!r} changes its cluster ({', '.join(values.unique()[:3])})")
        return out

    def stays(cluster: pd.Series) -> pd.Series:
        known = cluster[(cluster != "") & (keys["authority"] != "")]
        several = known.groupby(keys["authority"]).transform("nunique") > 1
        return ~several.reindex(cluster.index, fill_value=False).astype(bool)

    def given(knob: str) -> Rule:
        return Rule(
            name=f"{knob} given",
            holds=lambda values: values != "",
            says=lambda at: [f"row {row}: no {knob} in column {columns[knob]!r}" for row in at],
        )

    whole = Rule(
        name="year whole",
        holds=lambda year: year.between(0 if "year" not in columns else rows.least, 9999) & (year % 1 == 0),
        says=lambda at: [bad_year(row) for row in at],
    )
    rules: dict[str, list[Rule]] = {"authority": [given("authority")], "year": [whole]}
    if "cluster" in keys:
        rules["cluster"] = [given("cluster"), Rule(name="cluster constant", holds=stays, says=moved)]
    return _broken(keys, rules, unique=["authority", "year"], twice=lambda at: _doubles(rows, at))


def broken_values(
    values: pd.DataFrame, keys: pd.DataFrame, table: pd.DataFrame, *, columns: Mapping[str, str], asked: Mapping[str, Mapping[str, Any]], population: str | None
) -> list[Problem]:
    """What is wrong with the numbers.

    Parameters
    ----------
    values : float, (rows, variables).
    keys, table : as in `Rows`.
    columns : variable → column of the file.
    asked : variable → its words, with `unit`, and where given `least`, `most`, `count_per`, `varies`.
    population : variable that counts the people, or None.
    """
    rules = {}
    for name in values:
        asked_rules = asked.get(str(name), {})
        rules[str(name)] = _number_rules(str(name), values, keys, table[columns[str(name)]], columns, asked_rules, None if population == name else population)
    most = values.abs().max()
    small = [
        Problem(text=f"column {columns[str(name)]!r}: no number is above {one:g}, where sums can no longer be reckoned; measure in smaller units", kind="size")
        for name, one in most.items()
        if 0 < one < 1 / LARGEST
    ]
    return [*_broken(values, rules), *small]


def _number_rules(
    name: str,
    values: pd.DataFrame,
    keys: pd.DataFrame,
    cells: pd.Series,
    columns: Mapping[str, str],
    asked_rules: Mapping[str, Any],
    population: str | None,
) -> list[Rule]:
    column, unit = columns[name], str(asked_rules.get("unit", ""))
    least, most, count_per = asked_rules.get("least"), asked_rules.get("most"), asked_rules.get("count_per")

    def each(words_of: Callable[[int], str]) -> Callable[[Sequence[int]], list[str]]:
        return lambda at: [f"row {row}, column {column!r}: {cells[row]!r} {words_of(row)}" for row in at]

    mend = "correct it, or leave the cell empty if it is not known"

    def unreckoned(row: int) -> str:
        if np.isinf(values[name][row]):
            return "is infinite; leave the cell empty if it is not known"
        return f"lies beyond {LARGEST:g}, where sums can no longer be reckoned; correct it, or measure in larger units"

    out = [Rule(name="finite", holds=lambda v: v.isna() | (v.abs() <= LARGEST), says=each(unreckoned))]

    def within(rule: str, holds: Callable[[pd.Series], pd.Series], words_of: Callable[[int], str]) -> Rule:
        # what is missing breaks no limit, and what is infinite has been told already
        return Rule(name=rule, holds=lambda v: v.isna() | (v.abs() > LARGEST) | holds(v), says=each(words_of))

    if least is not None:
        out.append(
            within("least", lambda v: v >= least, lambda _: f"is below {least:g}, the least that {name!r} can be (source.variables.{name}.least); {mend}")
        )
    if most is not None:
        out.append(within("most", lambda v: v <= most, lambda _: f"is above {most:g}, the most that {name!r} can be (source.variables.{name}.most); {mend}"))
    elif count_per is not None and not re.search("[£%]", unit):
        more = f"is more than all of {count_per:,g}, which {name!r} is counted per; {mend}, or set source.variables.{name}.most if one may count several times"
        out.append(within("rate", lambda v: v <= count_per, lambda _: more))
    elif population is not None and PEOPLE.search(unit) and not NOT_A_COUNT.search(unit):
        people = values[population]

        def more_than(row: int) -> str:
            return (
                f"{unit} is above the population of that row, {people[row]:,g} (column {columns[population]!r}); {mend}, "
                f"or set source.variables.{name}.most if one may count several times"
            )

        out.append(within("people", lambda v: people.isna() | (v <= people), more_than))
    varies = asked_rules.get("varies")
    if varies in ("authority", "year") and keys["year"].nunique() > 1:

        def same(v: pd.Series) -> pd.Series:
            return ~(v.groupby(keys[varies]).transform("nunique") > 1)

        def odd(at: Sequence[int]) -> list[str]:
            first = keys.loc[min(at), varies]
            return [f"{name}: said to vary by {varies} only, but it differs within {varies} {int(first) if varies == 'year' else first!r}"]

        out.append(Rule(name="varies", holds=same, says=odd))
    return out


def _broken(
    frame: pd.DataFrame, rules: Mapping[str, Sequence[Rule]], *, unique: list[str] | None = None, twice: Callable[[Sequence[int]], list[Problem]] | None = None
) -> list[Problem]:
    """Validate lazily, and say in our words what pandera found."""
    import pandera.pandas as pa  # here, not above: it takes a fifth of a second, and only tables need it
    from pandera.config import ValidationDepth, config_context

    columns = {name: pa.Column(nullable=True, checks=[pa.Check(rule.holds, name=rule.name, ignore_na=False) for rule in mine]) for name, mine in rules.items()}
    schema = pa.DataFrameSchema(columns, unique=unique, report_duplicates="all")
    try:
        # an environment variable can switch pandera off; a check that is silently off would read as a clean table
        with config_context(validation_enabled=True, validation_depth=ValidationDepth.SCHEMA_AND_DATA):
            schema.validate(frame, lazy=True)
    except pa.errors.SchemaErrors as errors:
        cases = errors.failure_cases
    else:
        return []
    if (lost := cases["index"].isna()).any():  # a rule that fell over is a fault of ours, not of the table
        raise RuntimeError(f"a rule failed to run: {cases[lost].to_dict('records')}")
    out: list[Problem] = []
    found = {key: sorted(set(part)) for key, part in cases.groupby(["column", "check"])["index"]}
    if "authority" in rules and len(blank := found.get(("authority", "authority given"), [])) > SHOWN:
        found.pop(("authority", "authority given"))
        what = f"{count(len(blank), 'row')} name no authority, the first is row {blank[0]}"
        out.append(Problem(text=what, kind="authority", remedies=(Remedy(knobs={"leave_out": [BLANK]}, does="leaves them out"),), sure=True))
    if unique and twice and (unique[0], TWICE) in found:
        out += twice(found[unique[0], TWICE])
    for name, mine in rules.items():
        for rule in mine:
            if (name, rule.name) in found:
                out += [Problem(text=line, kind=f"{name}: {rule.name}") for line in rule.says(found[name, rule.name])]
    return out


def _doubles(rows: Rows, at: Sequence[int]) -> list[Problem]:
    """Rows that stand for the same authority and year: the column that splits them if there is one, otherwise the rows."""
    keys = rows.keys.loc[list(at), ["authority", "year"]]
    keys = keys[(keys["authority"] != "") & (keys["year"] % 1 == 0)]  # rows without either have been told as such
    whole = "year" in rows.columns
    hint = "keep one row for each year" if whole else "a cross-section has one row each; if the table has years, set source.year"
    within = whole and bool(rows.within) and len(keys) > len(rows.keys) / 2
    # each quarter once in each place: nothing else splits the years
    by_period = within and not pd.concat([keys["authority"], rows.table.loc[keys.index, rows.columns["year"]].map(words)], axis=1).duplicated().any()
    out = []
    if splits := [] if by_period else _splits(rows, keys):
        cells = rows.table.loc[keys.index, splits].map(words)
        named = " and ".join(f"{column!r} ({_shown(cells[column])})" for column in splits)
        what = (
            f"{count(len(keys), 'row')} of {len(rows.keys):,} stand for the same authority{' and year' if whole else ''} as another: "
            f"column{'s' * (len(splits) > 1)} {named} split{'s' * (len(splits) == 1)} them"
        )
        measures = [column for column in rows.measures if column not in splits]
        if len(measures) > 1:  # what is alike in all rows of a year needs no column for each
            text = rows.table.loc[keys.index, measures].map(words)
            differs = text.groupby([keys["authority"], keys["year"]]).nunique().max() > 1
            measures = [column for column in measures if differs[column]] or measures
        remedies = [Remedy(knobs={"only": {column: _total(cells[column]) for column in splits}}, does="chooses one kind of row")]
        if measures:
            by, values = (names[0] if len(names) == 1 else list(names) for names in (splits, measures[:4]))
            remedies.append(Remedy(knobs={"pivot": {"by": by, "values": values}}, does="makes columns of them"))
        remedies.append(Remedy(knobs={"combine": "sum"}, does="adds them up"))
        out.append(Problem(text=what + ("" if whole else f"; {hint}"), kind="split", remedies=tuple(remedies)))
        left = pd.concat([keys, cells], axis=1)
        keys = keys[left.duplicated(keep=False)]
    elif within:
        what = f"{count(len(keys), 'row')} of {len(rows.keys):,} stand for the same authority and year as another"
        what += f": column {rows.columns['year']!r} holds {rows.within}"
        remedies = [
            Remedy(knobs={"combine": how}, does=does) for how, does in (("mean", "averages a year's"), ("sum", "adds them up"), ("last", "takes the last"))
        ]
        remedies.append(Remedy(knobs={"period": "steps"}, does=f"makes each of the {rows.within} a step of its own"))
        return [Problem(text=what, kind="split", remedies=tuple(remedies))]
    groups = list(keys.groupby(["authority", "year"]))
    for (code, year), mine in groups[: len(groups) if len(groups) <= DOUBLES else 3]:
        which = ", ".join(map(str, mine.index[:12])) + (f", … ({len(mine)} in all)" if len(mine) > 12 else "")
        out.append(Problem(text=f"rows {which}: authority {code!r}{f', year {year:.0f}' if whole else ''} stands {len(mine)} times; {hint}", kind="twice"))
    if len(groups) > DOUBLES:
        what = (
            f"{count(len(groups) - 3, 'authority' + (' and year' if whole else ''), 'authorities' + (' and years' if whole else ''))} more stand several times"
        )
        out.append(Problem(text=f"{what}, {len(keys):,} rows in all", kind="twice", remedies=(Remedy(knobs={"combine": "mean"}, does="averages each"),)))
    return out


def _splits(rows: Rows, keys: pd.DataFrame) -> list[str]:
    """The fewest columns found that tell doubled rows apart; none where they are few and so rather a mistake."""
    few = 2 * len(keys) < len(rows.keys)
    numeric = () if few else splitters(rows.table, keys, [str(column) for column in rows.table if column not in {*rows.filters, *rows.columns.values()}])
    cells = rows.table.loc[keys.index, [*(column for column in rows.filters if not few or column in rows.sure), *numeric]].map(words)
    groups = [keys["authority"], keys["year"]]
    chosen = [str(c) for c in cells if (cells[c] != "").all() and cells[c].groupby(groups).nunique().gt(1).any() and _kinds(cells[c], keys)]

    def doubled(columns: Sequence[str]) -> int:
        return int(pd.concat([keys, cells[list(columns)]], axis=1).duplicated(keep=False).sum())

    best = doubled(chosen)
    for column in reversed(chosen):  # the later of two that say the same goes
        rest = [c for c in chosen if c != column]
        if doubled(rest) == best:
            chosen = rest
    return chosen if best < len(keys) else []


def _kinds(values: pd.Series, keys: pd.DataFrame) -> bool:
    """Whether a column's words are kinds of row, which come again from authority to authority, and not names, of which each has its own."""
    if values.nunique() <= 12:
        return True
    met = keys["authority"].groupby(values).nunique()
    return bool(met.mean() >= max(2.0, 0.3 * keys["authority"].nunique()))


def _shown(values: pd.Series) -> str:
    kinds = [brief(value, 40) for value in values.unique()]
    return listed(kinds) if len(kinds) <= SHOWN else ", ".join(kinds[:SHOWN]) + f", … {len(kinds)} in all"


def _total(values: pd.Series) -> str:
    """The value that stands for all, if there is one."""
    kinds = [str(value) for value in values.unique()]
    return next((kind for kind in kinds if re.match(r"(total|all)\b", kind, flags=re.IGNORECASE)), kinds[0])
