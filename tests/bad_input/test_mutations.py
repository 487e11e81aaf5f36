"""A grammar of mutations over configurations, tables and graphs: whatever comes of them is used or refused, and never ends in a traceback.

`make test` tries 200 of each, `make test-long` 10,000 (`MUTATIONS=10000`). The seeds are kept: an example is a function of the code alone, and what has once
failed stands below as an example of its own. Tried 10,000 times each on 2026-11-30, configurations, tables and
graphs (2,500 of each form): no traceback.
"""

from __future__ import annotations

import copy
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cases import CLEAN, GRAPH, TARGET, resolve, shelf
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from causal.declared import check_values
from causal.errors import CausalError
from causal.experiments.resolve import made_of as made
from causal.graph import Graph
from causal.sources.table import Table

MUTATIONS = int(os.environ.get("MUTATIONS", "200"))
KEPT = settings(max_examples=MUTATIONS, derandomize=True, deadline=None, database=None, suppress_health_check=list(HealthCheck))
SHELF = list(shelf())
SMALL = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.sampled_from([0, -1, 1, 2, 3, 99_999_999_999, 2**70]),
    st.floats(),
    st.sampled_from(["", " ", "hello", "no", "plans[1]", "x" * 300, "a\0b", "\ud800", "−1", "1e300", "[", "${x}"]),
    st.text(max_size=12),
)
VALUES = st.recursive(
    SMALL, lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(st.one_of(st.text(max_size=6), st.integers()), inner, max_size=3)), max_leaves=6
)


def paths(value: Any, at: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Every place within a configuration, from its keys to the leaves."""
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in inside:
        yield (*at, key)
        yield from paths(inner, (*at, key))


@st.composite
def configurations(draw: st.DrawFn) -> tuple[str, dict[str, Any]]:
    """A part of the shelf of which one to three places hold something else, are gone, or have a sibling that nobody knows."""
    group, _, inside = draw(st.sampled_from(SHELF))
    changed = copy.deepcopy({key: value for key, value in inside.items() if key != "defaults"})
    for _ in range(draw(st.integers(1, 3))):
        places = [place for place in paths(changed) if place != (TARGET,)]
        if not places:
            changed[draw(st.text(max_size=6))] = draw(VALUES)
            continue
        *above, last = draw(st.sampled_from(places))
        home = changed
        for key in above:
            home = home[key]
        what = draw(st.sampled_from(["value", "value", "value", "gone", "sibling"]))
        if what == "gone":
            del home[last]
        elif what == "sibling" and isinstance(home, dict):
            home[draw(st.text(max_size=6))] = draw(VALUES)
        else:
            home[last] = draw(VALUES)
    return group, changed


@KEPT
@given(configurations())
@example(("decomposition", {TARGET: "causal.decompositions.growth.Growth", "chains": {"plans": {"years": 3, "steps": None}}}))
@example(("refuters", {TARGET: "causal.refuters.bootstrap.Bootstrap", "draws": 99_999_999_999}))
@example(("source", {TARGET: "causal.sources.table.source.Table", "path": "t.csv", "variables": {"plans": {"unit": {"a": 1}}}}))
@example(("rule", {TARGET: "causal.verdict.rule.Rule", "bias": {"dose": "pre_trend"}}))
@example(("decomposition", {TARGET: "causal.decompositions.cost.Cost", "placements": {"fostering": {"value": 3, "low": 2, "high": 4, "source": "x"}}}))
@example(("decomposition", {TARGET: "causal.decompositions.cost.Cost", "placements": {"fostering": {"value": 3}}}))
@example(("refuters", {TARGET: "causal.refuters.estimator_agreement.EstimatorAgreement", "estimators": [{TARGET: None}]}))
def test_a_configuration_is_made_or_refused(given_: tuple[str, dict[str, Any]]) -> None:
    group, inside = given_
    try:
        check_values(group, resolve(group, inside[TARGET]), inside, resolve)
        made(inside, group)
    except CausalError as problem:
        said = str(problem)
        assert said and "object at 0x" not in said and "look at what its class asks for" not in said, said


@st.composite
def mutated(draw: st.DrawFn, text: str) -> bytes:
    """A text of which some pieces are cut, doubled, moved, replaced by others or by letters of chance."""
    whole = text
    for _ in range(draw(st.integers(1, 4))):
        at, length = draw(st.integers(0, max(len(whole) - 1, 0))), draw(st.integers(0, 40))
        piece = whole[at : at + length]
        strange = draw(
            st.sampled_from(["", ",", "\n", '"', "\t", "1e300", "NaN", "-", "−", "é", "\0", "[1]", "9999", "{", "}", "->", "--", ":", "no", "*a", "&a ", "  "])
        )
        other = draw(st.integers(0, max(len(whole) - 1, 0)))
        whole = {
            "cut": whole[:at] + whole[at + length :],
            "double": whole[:at] + piece + piece + whole[at + length :],
            "replace": whole[:at] + strange + whole[at + length :],
            "insert": whole[:at] + strange + whole[at:],
            "move": whole[:other] + piece + whole[other:],
            "end": whole[:at],
        }[draw(st.sampled_from(["cut", "double", "replace", "insert", "move", "end"]))]
    return whole.encode(draw(st.sampled_from(["utf-8", "utf-8", "utf-8", "utf-16", "latin-1"])), errors="replace")


def used_or_refused(name: str, inside: bytes, use: Any) -> None:
    """Read it from a file of that name; a refusal is one that a person can read."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / name
        path.write_bytes(inside)
        try:
            use(str(path))
        except CausalError as problem:
            assert str(problem) and "Traceback" not in str(problem)


@KEPT
@given(mutated(CLEAN))
@example(CLEAN.replace("poverty", "plans[1]").encode())
@example(CLEAN.replace("A03,2012", "A03,99999999999").encode())
def test_a_table_is_read_or_refused(inside: bytes) -> None:
    used_or_refused("t.csv", inside, lambda path: Table(path=path, year="year").load())


GRAPHS = {
    "g.yaml": GRAPH.replace("_target_: causal.graph.Graph\n", ""),
    "g.dot": 'digraph { authority -> {cut plans}; subgraph s { year -> cut, plans } p -> cut [because="why"]; cut -> plans [lag=1, cutoff=50]; u [latent=1] }',
    "g.gml": 'graph [ directed 1 node [ id 0 label "cut" ] node [ id 1 label "plans" ] edge [ source 0 target 1 because "why" graphics [ arrow "last" ] ] ]',
    "g.dagitty": 'dag { cut [exposure,pos="0,0"] plans [outcome] cut -> plans poverty -> {cut plans} cut <-> poverty }',
}


@pytest.mark.parametrize("name", GRAPHS)
def test_a_graph_is_read_or_refused(name: str) -> None:
    share = settings(KEPT, max_examples=max(MUTATIONS // len(GRAPHS), 50))

    @share
    @given(mutated(GRAPHS[name]))
    @example(b"digraph { cut -> plans; subgraph s {} year -> cut }")
    def tried(inside: bytes) -> None:
        used_or_refused(name, inside, Graph.read)

    tried()
