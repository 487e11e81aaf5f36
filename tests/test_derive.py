"""Derived columns: numbers worked out by hand on tiny panels, laws that must hold whatever the numbers, each refusal, and what is lost, told."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from worlds import GRAPH, QUESTION, World

from causal.derive import VERBS, check_derived, derive
from causal.errors import ConfigError, DataError
from causal.estimators.fixed_effects import FixedEffects
from causal.graph import Graph
from causal.panel import Loss, Panel, Variable
from causal.study import Study, run

NAMES = {"A": "Camden", "B": "Leeds", "C": "Poole"}


def panel(columns: dict[str, dict[str, list[float | None]]], years: tuple[int, ...] = (2011, 2012, 2013), **more: Any) -> Panel:
    """A tiny panel: column → authority → numbers by year; every column in £, from "accounts"."""
    places = list(next(iter(columns.values())))
    index = pd.MultiIndex.from_product([places, years], names=["authority", "year"])
    frame = pd.DataFrame({name: np.array([value for place in places for value in block[place]], dtype=float) for name, block in columns.items()}, index=index)
    words = {name: Variable(name=name, label=f"{name} of the authority", unit="£", source="accounts") for name in columns}
    table = pd.DataFrame({"name": [NAMES[place] for place in places]}, index=pd.Index(places, name="authority"))
    return replace(Panel(frame=frame, variables=tuple(words.values()), places=table, title="tiny"), **more)


def describe(made: Panel, name: str, **words: Any) -> Panel:
    """The panel with one variable's words changed."""
    return replace(made, variables=tuple(replace(v, **words) if v.name == name else v for v in made.variables))


def values(made: Panel, name: str) -> list[float | None]:
    return [None if math.isnan(value) else round(value, 12) for value in made.frame[name]]


def losses(made: Panel, name: str) -> list[tuple[str, int, tuple[str, ...]]]:
    return [(loss.step, loss.rows, loss.authorities) for loss in made.log if loss.column == name]


SPEND = panel({"x": {"A": [100.0, 80.0, 50.0], "B": [10.0, 40.0, None]}, "y": {"A": [200.0, 0.0, 100.0], "B": [50.0, 40.0, 20.0]}})

BY_HAND: list[tuple[dict[str, Any], list[float | None]]] = [
    ({"lag": "x", "by": 1}, [None, 100.0, 80.0, None, 10.0, 40.0]),
    ({"lag": "x"}, [None, 100.0, 80.0, None, 10.0, 40.0]),
    ({"lag": "x", "by": 2}, [None, None, 100.0, None, None, 10.0]),
    ({"log": "x"}, [4.605170185988, 4.382026634674, 3.912023005428, 2.302585092994, 3.688879454114, None]),
    ({"log": "x", "guard": 10}, [4.605170185988, 4.382026634674, 3.912023005428, None, 3.688879454114, None]),
    ({"log": "x", "switch": 1.3}, [4.605170185988, 4.382026634674, 3.912023005428, None, None, None]),
    ({"log": "x", "switch": 1.4}, [4.605170185988, 4.382026634674, 3.912023005428, 2.302585092994, 3.688879454114, None]),
    ({"share": "x", "of": "y"}, [0.5, None, 0.5, 0.2, 1.0, None]),
    ({"share": "x", "of": "y", "guard": 50}, [0.5, None, 0.5, None, None, None]),
    ({"change": "x", "since": 2011, "as": "share"}, [1.0, 0.8, 0.5, 1.0, 4.0, None]),
    ({"change": "x", "since": 2011, "as": "share", "guard": 10}, [1.0, 0.8, 0.5, None, None, None]),
    ({"change": "x", "since": 2011, "as": "share", "ceiling": 3.9}, [1.0, 0.8, 0.5, None, None, None]),
    ({"change": "x", "since": 2011, "as": "share", "ceiling": 4}, [1.0, 0.8, 0.5, 1.0, 4.0, None]),
    ({"change": "x", "since": 2011, "as": "percent"}, [0.0, -20.0, -50.0, 0.0, 300.0, None]),
    ({"change": "x", "since": 2011, "as": "percent", "ceiling": 3}, [0.0, -20.0, -50.0, None, None, None]),
    ({"change": "x", "since": 2012, "as": "difference"}, [20.0, 0.0, -30.0, -30.0, 0.0, None]),
    ({"difference": "x"}, [None, -20.0, -30.0, None, 30.0, None]),
    ({"difference": "x", "by": 2}, [None, None, -50.0, None, None, None]),
    ({"sum": ["x", "y"]}, [300.0, 80.0, 150.0, 60.0, 80.0, None]),
    ({"per": "x", "count": "y", "times": 1000}, [500.0, None, 500.0, 200.0, 1000.0, None]),
    ({"at_least": "x", "value": 50}, [1.0, 1.0, 1.0, 0.0, 0.0, None]),
    ({"equals": "x", "value": 40}, [0.0, 0.0, 0.0, 0.0, 1.0, None]),
    ({"dummy": "x", "is": 10}, [0.0, 0.0, 0.0, 1.0, 0.0, None]),
    ({"dummy": "name", "is": "Camden"}, [1.0, 1.0, 1.0, 0.0, 0.0, 0.0]),
    ({"square": "x"}, [10000.0, 6400.0, 2500.0, 100.0, 1600.0, None]),
    ({"times": ["x", "y"]}, [20000.0, 0.0, 5000.0, 500.0, 1600.0, None]),
]


BEGAN = panel(
    {"began": {"A": [2012.0] * 3, "B": [None] * 3}, "dated": {"A": [2012.67] * 3, "B": [2099.0] * 3}, "once": {"A": [None, 2013.0, None], "B": [9.0] * 3}}
)
SINCE_BY_HAND: list[tuple[dict[str, Any], list[float | None]]] = [
    ({"since": "began"}, [0.0, 1.0, 1.0, 0.0, 0.0, 0.0]),
    ({"since": "began", "after": 1}, [0.0, 0.0, 1.0, 0.0, 0.0, 0.0]),
    ({"since": "dated"}, [0.0, 1.0, 1.0, 0.0, 0.0, 0.0]),
    ({"since": 2012}, [0.0, 1.0, 1.0, 0.0, 1.0, 1.0]),
    ({"since": "once", "never": 9}, [0.0, 0.0, 1.0, 0.0, 0.0, 0.0]),
]


@pytest.mark.parametrize(("spec", "wanted"), SINCE_BY_HAND, ids=lambda one: str(one) if isinstance(one, dict) else "")
def test_in_force_since_a_year_is_what_was_worked_out_by_hand(spec: dict[str, Any], wanted: list[float | None]) -> None:
    made = derive(BEGAN, {"new": spec})
    assert values(made, "new") == wanted and made.variable("new").unit == "0 or 1"


def test_a_comparison_that_never_holds_is_noted() -> None:
    assert "new is 0 throughout: x is never equal to 3; it is 100, 80, 50, 10, 40" in derive(SPEND, {"new": {"equals": "x", "value": 3}}).notes


@pytest.mark.parametrize(
    ("spec", "says"),
    [
        ({"since": "once"}, "wanted a year in once, got 9 in 1 authority; if that means never, say so"),
        ({"dummy": "x", "is": "ten"}, "wanted a number, since x holds numbers, got is: 'ten'"),
        ({"dummy": "name", "is": "Ledes"}, "Did you mean 'Leeds'?"),
        ({"at_least": "x"}, "wanted 'value', got nothing; give the number to compare with"),
        ({"since": "x", "after": -1}, "wanted a number of at least 1"),
        ({"since": 2030}, "it would be the same in every row"),
        ({"times": "x"}, "wanted the names of two columns or more"),
        ({"change": "x", "since": 2011, "as": "share", "lag": "x"}, "wanted one of"),
    ],
)
def test_treatments_of_0_and_1_that_cannot_be_made_say_why(spec: dict[str, Any], says: str) -> None:
    with pytest.raises((ConfigError, DataError)) as caught:
        derive(BEGAN if spec.get("since") == "once" else SPEND, {"new": spec})
    assert says in str(caught.value)


@pytest.mark.parametrize(("spec", "wanted"), BY_HAND, ids=lambda one: str(one) if isinstance(one, dict) else "")
def test_each_form_gives_what_was_worked_out_by_hand_and_leaves_the_panel_as_it_was(spec: dict[str, Any], wanted: list[float | None]) -> None:
    before = SPEND.digest
    made = derive(SPEND, {"new": spec})
    assert values(made, "new") == wanted
    assert made.names == ("x", "y", "new") and SPEND.digest == before


def test_every_verb_is_worked_out_by_hand_above() -> None:
    assert {next(key for key in spec if key in VERBS) for spec, _ in (*BY_HAND, *SINCE_BY_HAND)} == set(VERBS)


def test_a_later_column_may_use_an_earlier_one() -> None:
    """Share of x since 2011, a year later: by hand."""
    made = derive(SPEND, {"share": {"change": "x", "since": 2011, "as": "share"}, "then": {"lag": "share", "by": 1}})
    assert values(made, "then") == [None, 1.0, 0.8, None, 1.0, 4.0]


def test_years_are_matched_as_numbers_so_a_gap_is_a_gap() -> None:
    """2012 is absent: 2013 has no year before, and the change on two years before spans it."""
    gap = replace(SPEND, frame=SPEND.frame.drop(index=2012, level="year"))
    made = derive(gap, {"then": {"lag": "x"}, "since": {"difference": "x", "by": 2}})
    assert values(made, "then") == [None, None, None, None]
    assert values(made, "since") == [None, -50.0, None, None]


def test_a_jump_is_seen_across_years_that_are_not_known() -> None:
    """ln(100/10) = 2.3 between 2011 and 2013, with 2012 below the guard."""
    made = derive(panel({"x": {"A": [100.0, 0.0, 10.0], "B": [7.0, 7.0, 7.0]}}), {"log": {"log": "x", "switch": 2}})
    assert values(made, "log") == [None, None, None, *[round(math.log(7), 12)] * 3]


# ---------------------------------------------------------------- laws
some = st.one_of(st.none(), st.floats(allow_nan=False, allow_infinity=False), st.sampled_from([0.0, -0.0, 5e-324, 1e308, -1e308, 1.0, 20.0]))
table = st.fixed_dictionaries({"x": st.fixed_dictionaries({p: st.lists(some, min_size=4, max_size=4) for p in "AB"})}).flatmap(
    lambda x: st.fixed_dictionaries({"x": st.just(x["x"]), "y": st.fixed_dictionaries({p: st.lists(some, min_size=4, max_size=4) for p in "AB"})})
)
every_form = st.sampled_from([spec for spec, _ in BY_HAND])
YEARS = (2011, 2012, 2013, 2015)


@settings(max_examples=150, deadline=None)
@given(table, every_form)
def test_no_infinity_comes_out_and_every_empty_cell_is_in_the_log_once(columns: Any, spec: dict[str, Any]) -> None:
    made = derive(panel(columns, YEARS), {"new": spec})
    assert not np.isinf(made.frame["new"]).any()
    assert sum(rows for _, rows, _ in losses(made, "new")) == int(made.frame["new"].isna().sum())


@settings(max_examples=60, deadline=None)
@given(table, st.integers(1, 3), st.integers(1, 3))
def test_a_lag_of_a_lag_is_the_lag_of_both_where_no_year_is_missing_between(columns: Any, first: int, second: int) -> None:
    made = derive(
        panel(columns, (2011, 2012, 2013, 2014)), {"a": {"lag": "x", "by": first}, "b": {"lag": "a", "by": second}, "c": {"lag": "x", "by": first + second}}
    )
    pd.testing.assert_series_equal(made.frame["b"], made.frame["c"], check_names=False)


@settings(max_examples=60, deadline=None)
@given(table, st.integers(1, 3))
def test_a_difference_is_the_number_less_its_lag_and_agrees_with_pandas(columns: Any, by: int) -> None:
    made = derive(panel(columns, (2011, 2012, 2013, 2014)), {"d": {"difference": "x", "by": by}, "l": {"lag": "x", "by": by}})
    with np.errstate(over="ignore", invalid="ignore"):
        wanted = (made.frame["x"] - made.frame["l"]).replace([np.inf, -np.inf], np.nan)
        theirs = made.frame.groupby(level="authority")["x"].diff(by).replace([np.inf, -np.inf], np.nan)
    pd.testing.assert_series_equal(made.frame["d"], wanted, check_names=False)
    pd.testing.assert_series_equal(made.frame["d"], theirs, check_names=False)


@settings(max_examples=60, deadline=None)
@given(table)
def test_checking_twice_changes_nothing_and_what_was_missing_stays_missing(columns: Any) -> None:
    specs = {f"n{i}": spec for i, (spec, _) in enumerate(BY_HAND)}
    checked = check_derived(specs)
    assert check_derived(checked) == checked
    made = derive(panel(columns, YEARS), {"share": {"share": "x", "of": "y"}, "total": {"sum": ["x", "y"]}})
    gone = made.frame["x"].isna() | made.frame["y"].isna()
    assert made.frame.loc[gone, ["share", "total"]].isna().all(axis=None)


# ---------------------------------------------------------------- what is lost is told
def test_the_log_names_who_was_left_out_when_and_why() -> None:
    """Base guard, ceiling, log guard and switch on three authorities, steps written out by hand."""
    money = panel({"x": {"A": [100.0, 4.0, 90.0], "B": [30.0, 90.0, 95.0], "C": [2.0, 50.0, 60.0]}})
    made = derive(
        money,
        {
            "share": {"change": "x", "since": 2011, "as": "share", "guard": 20, "ceiling": 2},
            "log": {"log": "x", "guard": 5, "switch": 1.05},
            "then": {"lag": "x"},
        },
    )
    assert losses(made, "share") == [
        ("x at or below 20 (£) in 2011 leaves nothing to take a share of: Poole", 3, ("C",)),
        ("x stands above 2 times its value of 2011, so 2011 was recorded otherwise; left out whole: Leeds (2012 to 2013)", 3, ("B",)),
    ]
    assert losses(made, "log") == [
        ("x at or below 5 (£) has no logarithm: Camden (2012), Poole (2011)", 2, ()),
        ("the logarithm of x moves by more than 1.05 from one year known to the next, as when reporting changes; left out whole: Leeds (2012)", 3, ("B",)),
    ]
    assert losses(made, "then") == [("x has no row 1 year earlier, where the panel begins or has a gap: every authority (2011)", 3, ())]


def test_a_missing_parent_passes_on_its_reason_and_its_mark() -> None:
    marks = pd.Series(
        ["c", "blank"], index=pd.MultiIndex.from_tuples([("B", 2013, "x"), ("A", 2011, "y")], names=["authority", "year", "variable"]), dtype=object
    )
    told = replace(SPEND, reasons=marks, log=(Loss(step="withheld", rows=1, column="x"),))
    made = derive(told, {"rate": {"per": "x", "count": "y"}, "then": {"lag": "rate"}})
    assert losses(made, "rate") == [
        ("x not known (withheld): Leeds (2013)", 1, ()),
        ("y is 0 or below, and nothing can be divided by it: Camden (2012)", 1, ()),
    ]
    assert made.marks("rate") == {"c": 1}  # the blank y of Camden 2011 is no gap here: the number stands
    assert made.reasons[("B", 2013, "rate")] == "c" and made.marks("x") == {"c": 1} and made.marks("then") == {}


def test_a_mark_moves_with_the_lag() -> None:
    """Leeds' x of 2012 is withheld, so its lag of 2013 is."""
    marks = pd.Series(["x"], index=pd.MultiIndex.from_tuples([("B", 2012, "x")], names=["authority", "year", "variable"]), dtype=object)
    frame = SPEND.frame.copy()
    frame.loc[("B", 2012), "x"] = np.nan
    made = derive(replace(SPEND, frame=frame, reasons=marks), {"then": {"lag": "x"}})
    assert made.reasons[("B", 2013, "then")] == "x" and made.marks("then") == {"x": 1}


def test_a_number_too_large_to_hold_is_missing_and_said() -> None:
    """1e308 ÷ 1e-300 has no double."""
    made = derive(panel({"x": {"A": [1e308, 1.0, 1.0]}, "y": {"A": [1e-300, 1.0, 2.0]}}), {"share": {"share": "x", "of": "y"}})
    assert values(made, "share") == [None, 1.0, 0.5]
    assert losses(made, "share") == [("too large or too small to hold as a number: Camden (2011)", 1, ())]


# ---------------------------------------------------------------- what the new column is
def test_words_come_from_the_parents_and_can_be_given() -> None:
    money = describe(SPEND, "x", label="spending on centres", unit="£ per child", definition="gross", caution="Zeros stand in it.", source="accounts A")
    money = describe(money, "y", caution="Zeros stand in it.", source="accounts B", breaks=((2012, "new lines"),), rounding=5.0)
    made = derive(
        money,
        {
            "log": {"log": "x", "guard": 5, "switch": 1.5},
            "share": {"share": "x", "of": "y"},
            "mine": {"lag": "y", "label": "what went before", "unit": "pounds", "definition": "as I say"},
        },
    )
    log, share, mine = (made.variable(name) for name in ("log", "share", "mine"))
    assert (log.label, log.unit, log.source, log.caution) == ("log of spending on centres", "log £ per child", "accounts A", "Zeros stand in it.")
    assert log.definition == (
        "natural logarithm of: x (gross); none at 5 or below; none for an authority whose logarithm moves by more than 1.5 from one year known to the next"
    )
    assert (share.source, share.caution, share.breaks, share.rounding) == ("accounts A; accounts B", "Zeros stand in it.", ((2012, "new lines"),), 5.0)
    assert (mine.label, mine.unit, mine.definition, mine.breaks) == ("what went before", "pounds", "as I say", ((2013, "new lines"),))


def test_a_rate_over_the_panels_own_children_can_be_told_as_a_count_and_others_cannot() -> None:
    people = describe(describe(SPEND, "x", unit="children"), "y", unit="children", label="children aged 0 to 17")
    rate = {"rate": {"per": "x", "count": "y", "times": 10_000}, "before": {"difference": "rate"}, "log": {"log": "rate"}}
    made = derive(replace(people, population="y"), rate)
    assert [made.variable(name).count_per for name in ("rate", "before", "log")] == [10_000, 10_000, None]
    assert made.variable("rate").unit == made.variable("before").unit == "per 10,000 children"
    assert derive(people, rate).variable("rate").count_per is None
    assert derive(describe(people, "x", unit="£"), {"r": {"per": "x", "count": "y"}}).variable("r").unit == "£ per children"


def test_what_varies_only_by_authority_or_only_by_year_makes_what_varies_so() -> None:
    kinds = describe(describe(SPEND, "x", varies="authority"), "y", varies="year")
    made = derive(kinds, {"a": {"log": "x"}, "b": {"difference": "y"}, "c": {"share": "x", "of": "y"}})
    assert [made.variable(name).varies for name in "abc"] == ["authority", "year", "both"]


# ---------------------------------------------------------------- refusals
WRONG = [
    ("{new: {lagg: x}}", "source.derived.new: wanted one of lag, log, .*Did you mean 'lag'"),
    ("{new: {lag: x, log: x}}", "wanted one of .* got 'lag' and 'log'"),
    ("{new: {}}", "wanted one of lag"),
    ("{new: x}", "wanted how it is made"),
    ("[x]", "source.derived: wanted names"),
    ("{new: {lag: x, byy: 1}}", r"source.derived.new \(lag\): wanted a key that it has, got 'byy'.*Did you mean 'by'"),
    ("{new: {log: x, of: y}}", r"\(log\): wanted a key that it has, got 'of'"),
    ("{new: {lag: x, by: -1}}", "source.derived.new.by: wanted a number of at least 1, got -1; leave it: a later year's value is a lead.*future_treatment"),
    ("{new: {lag: x, by: 0}}", "whole number of years, at least 1 and at most 50, got 0"),
    ("{new: {lag: x, by: 1.5}}", "whole number of years, at least 1 and at most 50, got 1.5"),
    ("{new: {difference: x, by: true}}", "whole number of years, at least 1 and at most 50, got True"),
    ("{new: {lag: 2011}}", "source.derived.new.lag: wanted the name of a column, got 2011"),
    ("{new: {lag: [x]}}", "wanted the name of a column"),
    ("{new: {log: x, guard: -1}}", "source.derived.new.guard: wanted a number of at least 0, got -1"),
    ("{new: {log: x, guard: .nan}}", "guard: wanted a number of at least 0, got nan"),
    ("{new: {log: x, guard: five}}", "guard: wanted a number of at least 0, got 'five'"),
    ("{new: {log: x, switch: 0}}", "switch: wanted a number above 0, got 0"),
    ("{new: {share: x}}", r"\(share\): wanted 'of', got nothing; name the column to divide by"),
    ("{new: {per: x, times: 100}}", r"\(per\): wanted 'count', got nothing"),
    ("{new: {per: x, count: y, times: 0}}", "times: wanted a number above 0"),
    ("{new: {change: x, as: share}}", r"wanted 'since', got nothing; give the base year, like  since: 2011"),
    ("{new: {change: x, since: 2011}}", "wanted 'as', got nothing; say how the change is told: share, difference, percent"),
    ("{new: {change: x, since: 2011, as: shares}}", "as: wanted one of share, difference, percent, got 'shares'.*Did you mean 'share'"),
    ("{new: {change: x, since: '2011', as: share}}", "since: wanted a year of the panel, got '2011'"),
    ("{new: {change: x, since: 2011, as: share, ceiling: 0.5}}", "ceiling: wanted a number of at least 1, got 0.5"),
    ("{new: {change: x, since: 2011, as: difference, guard: 20}}", "no guard and no ceiling, which judge the base of a share"),
    ("{new: {sum: x}}", "source.derived.new.sum: wanted the names of two columns or more"),
    ("{new: {sum: [x]}}", "two columns or more"),
    ("{new: {sum: [x, x]}}", "each column once"),
    ("{new: {sum: [x, 3]}}", "wanted the name of a column, got 3"),
    ("{new: {lag: x, label: 3}}", "label: wanted words, got 3"),
    ("{new: {lag: x, unit: ' '}}", "unit: wanted words"),
    ("{2new: {lag: x}}", "letters, digits and _"),
    ("{a b: {lag: x}}", "letters, digits and _"),
    ("{3: {lag: x}}", "letters, digits and _"),
    ("{year: {lag: x}}", "choose another name"),
    ("{new: {lag: new}}", "source.derived.new: wanted columns before it to be made from, got itself"),
    ("{a: {lag: b}, b: {lag: x}}", "source.derived.a: wanted columns before it to be made from, got 'b', which is made after it; put 'b' first"),
]


@pytest.mark.parametrize(("text", "said"), WRONG, ids=[text for text, _ in WRONG])
def test_a_wrong_form_is_refused_without_data_and_said(text: str, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        check_derived(yaml.safe_load(text))


@pytest.mark.parametrize(
    ("specs", "said"),
    [
        ({"x": {"lag": "y"}}, "source.derived.x: wanted a name that is not taken, got 'x', and tiny already has a column 'x'; choose another name"),
        ({"new": {"lag": "X1"}}, "source.derived.new: wanted a column of tiny to be made from, got 'X1'; there is 'x', 'y'. Did you mean 'x'"),
        ({"new": {"change": "x", "since": 2009, "as": "share"}}, "since: wanted a year of tiny, 2011 to 2013, got 2009; load 2009 too"),
    ],
)
def test_what_the_panel_does_not_hold_is_refused_and_the_nearest_offered(specs: dict[str, Any], said: str) -> None:
    with pytest.raises(DataError, match=re.escape(said)):
        derive(SPEND, specs)


def test_different_units_do_not_add_up_unless_the_sums_unit_is_given() -> None:
    mixed = describe(SPEND, "y", unit="children")
    with pytest.raises(
        DataError,
        match=re.escape("source.derived.new: wanted columns of one unit to add up, got different units: x (£), y (children); sum columns of one unit"),
    ):
        derive(mixed, {"new": {"sum": ["x", "y"]}})
    assert derive(mixed, {"new": {"sum": ["x", "y"], "unit": "points"}}).variable("new").unit == "points"


def test_nothing_asked_is_nothing_done() -> None:
    assert check_derived(None) == check_derived({}) == {}
    assert derive(SPEND, None) is SPEND


# ---------------------------------------------------------------- through a study
@dataclass(frozen=True, kw_only=True)
class WithSpending:
    """The small world told as money: spending is £200 × exp(−cut), so that its logarithm moves as the cut does, the other way."""

    world: World
    derived: dict[str, Any]

    def load(self) -> Panel:
        made = self.world.load()
        spend = Variable(name="spend", label="spending", unit="£ per child", source="made up")
        return derive(made.with_column(200 * np.exp(-made.frame["cut"]), spend), self.derived)


def about(treatment: str) -> Graph:
    """The small graph with another name for the cut."""
    nodes = tuple(replace(node, name=treatment if node.name == "cut" else node.name) for node in GRAPH.nodes)
    ends = [[treatment if end == "cut" else end for end in (arrow.cause, arrow.effect)] for arrow in GRAPH.arrows]
    return replace(GRAPH, nodes=nodes, arrows=tuple(replace(arrow, cause=a, effect=b) for arrow, (a, b) in zip(GRAPH.arrows, ends, strict=True)))


def test_a_treatment_made_this_way_runs_through_a_study_and_finds_the_planted_effect() -> None:
    """ln spending = ln 200 − cut, so +0.5 of log spending is −0.5 of cut: the planted 6 comes back as −6."""
    source = WithSpending(world=World(effect=6.0), derived={"log_spend": {"log": "spend", "guard": 1, "switch": 5}})
    question = replace(QUESTION, treatment="log_spend")
    result = run(
        Study(title="money", action="Raising log spending by 0.5", question=question, graph=about("log_spend"), source=source, estimator=FixedEffects())
    )
    estimate = result.estimate
    assert estimate is not None and estimate.lower < -6 < estimate.upper and estimate.upper < 0
    direct = run(Study(title="cut", action="Cutting by half", question=QUESTION, graph=GRAPH, source=source, estimator=FixedEffects())).estimate
    assert direct is not None and math.isclose(direct.effect, -estimate.effect, rel_tol=1e-9)


def test_a_lagged_treatment_column_gives_what_the_questions_own_lag_gives() -> None:
    """The lag may stand in the data or in the question: the same rows and the same number."""
    source = WithSpending(world=World(), derived={"cut_then": {"lag": "cut", "by": 1}})
    force = ("authority", "year")
    asked = replace(QUESTION, treatment="cut_then", modifiers=())
    here = run(
        Study(title="lagged", action="Cutting", question=asked, graph=about("cut_then"), source=source, estimator=FixedEffects(), adjust_for=force)
    ).estimate
    question = replace(QUESTION, lag=1, modifiers=())
    there = run(Study(title="lag", action="Cutting", question=question, graph=GRAPH, source=source, estimator=FixedEffects(), adjust_for=force)).estimate
    assert here is not None and there is not None and here.rows == there.rows == 420
    assert math.isclose(here.effect, there.effect, rel_tol=1e-12)
