"""The graph: what it refuses, what it unrolls, and the foreign files it reads."""

from pathlib import Path

import pytest

from causal.errors import GraphError
from causal.graph import Graph, dated, undated

NODES = {"a": {}, "b": {}, "c": {}}


def test_an_unknown_node_is_named_with_the_nearest() -> None:
    with pytest.raises(GraphError, match=r"arrow a -> bb: wanted two nodes, got 'bb'.*Did you mean 'b'"):
        Graph(name="g", nodes=NODES, arrows={"a": {"bb": "x"}})


def test_a_circle_within_a_year_is_spelled_out_and_one_through_time_is_not_a_circle() -> None:
    arrows = {"a": {"b": "x"}, "b": {"c": "x"}, "c": {"a": "x"}}
    with pytest.raises(GraphError, match="wanted no circle within one year, got a -> b -> c -> a"):
        Graph(name="g", nodes=NODES, arrows=arrows)
    Graph(name="g", nodes=NODES, arrows={**arrows, "c": {"a": {"because": "x", "lag": 1}}})


@pytest.mark.parametrize("reason", ["", None, {"because": " "}, {"lag": 1}])
def test_an_arrow_without_a_reason_is_refused(reason: object) -> None:
    with pytest.raises(GraphError, match="wanted a reason, got none"):
        Graph(name="g", nodes=NODES, arrows={"a": {"b": reason}})


def test_unknown_keys_of_nodes_and_arrows_are_refused() -> None:
    with pytest.raises(GraphError, match=r"unknown keys \['colour'\]"):
        Graph(name="g", nodes={"a": {"colour": "red"}}, arrows={})
    with pytest.raises(GraphError, match=r"unknown keys \['strength'\]"):
        Graph(name="g", nodes=NODES, arrows={"a": {"b": {"because": "x", "strength": 2}}})


def test_dates_are_written_and_read_back() -> None:
    assert dated("plans", -1) == "plans[-1]"
    assert [undated(name) for name in ("plans[-1]", "plans[2]", "plans")] == [("plans", -1), ("plans", 2), ("plans", 0)]


def test_unrolling_dates_each_arrow_and_keeps_constants_once() -> None:
    graph = Graph(name="g", nodes={"place": {"varies": "authority"}, "a": {}, "b": {}}, arrows={"place": {"a": "x"}, "a": {"b": {"because": "x", "lag": 1}}})
    unrolled = graph.unroll(back=2)
    assert set(unrolled.edges) == {("place", "a[-2]"), ("place", "a[-1]"), ("place", "a"), ("a[-2]", "b[-1]"), ("a[-1]", "b")}


def test_a_lag_may_stand_in_the_cause_s_name() -> None:
    graph = Graph(name="g", nodes=NODES, arrows={"a[-1]": {"b": "x"}})
    assert (graph.arrows[0].cause, graph.arrows[0].lag) == ("a", 1)


FILES = {
    "g.dot": 'digraph { a [label="A cause"]; hidden [latent=true]; a -> b [because="it does"]; hidden -> b -> c; }',
    "g.gml": 'graph [ directed 1 node [ id 0 label "a" ] node [ id 1 label "b" ] node [ id 2 label "c" ] node [ id 3 label "hidden" latent 1 ]'
    ' edge [ source 0 target 1 because "it does" ] edge [ source 3 target 1 ] edge [ source 1 target 2 ] ]',
    "g.dagitty": 'dag {\nbb="0,0,1,1"\na [exposure,pos="0,1"]\nhidden [latent,pos="1,1"]\na -> b [because="it does"]\nhidden -> b -> c\n}',
    "g.yaml": "name: g\nnodes: {a: {}, b: {}, c: {}, hidden: {measured: false}}\narrows: {a: {b: it does}, hidden: {b: y}, b: {c: y}}",
}


@pytest.mark.parametrize("file", FILES)
def test_the_same_graph_is_read_from_each_kind_of_file(file: str, tmp_path: Path) -> None:
    (tmp_path / file).write_text(FILES[file])
    graph = Graph.read(str(tmp_path / file))
    assert {(arrow.cause, arrow.effect) for arrow in graph.arrows} == {("a", "b"), ("hidden", "b"), ("b", "c")}
    assert next(arrow.because for arrow in graph.arrows if arrow.cause == "a") == "it does"
    assert [node.name for node in graph.nodes if not node.measured] == ["hidden"]


def test_a_two_headed_arrow_becomes_an_unmeasured_common_cause(tmp_path: Path) -> None:
    (tmp_path / "g.dagitty").write_text("dag { x -> y x <-> y }")
    graph = Graph.read(str(tmp_path / "g.dagitty"))
    assert {(arrow.cause, arrow.effect) for arrow in graph.arrows} == {("x", "y"), ("common_cause_of_x_and_y", "x"), ("common_cause_of_x_and_y", "y")}
    assert not graph.node("common_cause_of_x_and_y").measured


@pytest.mark.parametrize(
    ("file", "text", "says"),
    [
        ("g.png", "", "a graph file that ends in"),
        ("g.dot", "not a graph at all {", "g.dot"),
        ("g.yaml", "a: [", "a bracket that is not closed"),
        ("gone.gml", None, "there is no such file"),
    ],
)
def test_a_file_that_is_no_graph_is_named(file: str, text: str | None, says: str, tmp_path: Path) -> None:
    if text is not None:
        (tmp_path / file).write_text(text)
    with pytest.raises(GraphError, match=says):
        Graph.read(str(tmp_path / file))
