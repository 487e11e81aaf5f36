"""Names that carry their date, and causes that act by year: values that nobody takes apart again."""

from __future__ import annotations

import copy
import pickle
from dataclasses import replace

import networkx as nx
import numpy as np
import pytest
from worlds import GRAPH, QUESTION, World

from causal.design import design
from causal.graph import Dated, dated, undated
from causal.identify import identify
from causal.rows import Control

PANEL = World().load()
FOUND = identify(replace(QUESTION, lag=1), GRAPH, measured=PANEL.names)


@pytest.mark.parametrize(("written", "name", "by"), [("plans", "plans", 0), ("plans[-1]", "plans", -1), ("plans[2]", "plans", 2), ("a[b][-3]", "a[b]", -3)])
def test_a_dated_name_is_its_written_form_and_its_fields(written: str, name: str, by: int) -> None:
    one = Dated.read(written)
    assert (one, one.name, one.by) == (written, name, by) and undated(one) == (name, by)
    assert one == dated(name, by) and hash(one) == hash(written) and {one} == {written} and sorted([one, "z"]) == sorted([written, "z"])
    for other in (copy.deepcopy(one), pickle.loads(pickle.dumps(one)), Dated.read(one)):
        assert (other, other.name, other.by) == (one, name, by) and isinstance(other, Dated)


def test_a_year_that_is_0_is_written_only_where_it_was() -> None:
    assert Dated("cut") == "cut" != Dated("cut", 0, always=True) == Dated.read("cut[0]") == "cut[0]"
    assert undated("cut[0]") == undated("cut") == ("cut", 0)


def test_every_name_of_an_identification_and_of_an_unrolled_graph_is_a_value() -> None:
    assert FOUND.adjust_for and all(isinstance(name, Dated) for name in FOUND.adjust_for)
    assert all(isinstance(name, Dated) for one in (*FOUND.valid, *FOUND.minimal) for name in one)
    given = replace(FOUND, adjust_for=("authority", "poverty[-1]"))  # as a notebook writes them
    assert [(name.name, name.by) for name in given.adjust_for] == [("authority", 0), ("poverty", -1)]  # type: ignore[attr-defined]
    unrolled = GRAPH.unroll(back=2)
    assert isinstance(unrolled, nx.DiGraph) and all(isinstance(name, Dated) for name in unrolled)


def test_a_cause_by_year_is_a_control_that_says_so() -> None:
    made = design(PANEL, QUESTION, identify(QUESTION, GRAPH, measured=PANEL.names))
    known = {group.cause: group.by_year for group in made.control_groups}
    assert known == {"deprivation": True, "poverty": False} and "deprivation × year" in made.control_groups
    level = {group.cause: len(at) for group, at in made.pooled().control_groups.items()}
    assert level == {"deprivation": 8, "poverty": 1}
    again = pickle.loads(pickle.dumps(Control("x", by_year=True, made=True)))
    assert (again, again.cause, again.by_year, again.made) == ("x × year", "x", True, True)
    with pytest.raises(TypeError, match=r"keyed by causal\.design\.Control, got poverty"):
        replace(made, controls=np.zeros((made.rows, 1)), control_names=("poverty",), control_groups={"poverty": (0,)})
