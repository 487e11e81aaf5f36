"""DOT, dagitty and GML: every expected arrow is written by hand from the format's own grammar, since other readers lose some."""

from __future__ import annotations

from pathlib import Path

import pytest

from causal.errors import GraphError
from causal.graph import Graph

PAIR = 'graph [ directed 1 node [ id 1 label "a" ] node [ id 2 label "b" ]'
READ = [
    ("brace at the end", "g.dot", "digraph { a -> {b c} }", "ab ac"),
    ("braces at both ends", "g.dot", "digraph { {a b} -> {c d} }", "ac ad bc bd"),
    ("braces in a chain", "g.dot", "digraph { a -> {b c} -> d }", "ab ac bd cd"),
    ("braces with commas and semicolons", "g.dot", "digraph { a -> {b, c; d} }", "ab ac ad"),
    ("a list at the end", "g.dot", "digraph { a -> b, c }", "ab ac"),
    ("lists in a chain, with ports", "g.dot", 'digraph { a:n, "b" -> c, d:e -> e [lag=0] }', "ac ad bc bd ce de"),
    ("a list across lines, and one that ends with its comma", "g.dot", "digraph { a ->\n b,\n c; {d, e,} -> a }", "ab ac da ea"),
    ("subgraphs of one name in different ones", "g.dot", "digraph { subgraph p { subgraph x { a } } subgraph q { subgraph x { b } -> c } }", "bc"),
    ("a subgraph that is added to inside another", "g.dot", "digraph { subgraph p { subgraph x { a } subgraph x { b } -> c } }", "ac bc"),
    ("two heads of which one is none", "g.dot", "digraph { a -> b [dir=both, arrowtail=none] }", "ab"),
    ("a node that is called o", "g.dot", "digraph{a->o;o->b}", "ao ob"),
    ("a node that is called o, in dagitty", "g.dagitty", "dag{a->o\no->b\nc<-o\n}", "ao ob oc"),
    ("a name with marks that is one of the language's words", "g.dot", "digraph { <a> -> b; <b> [label=<x -&gt; <i>y</i>>] }", "ab"),
    ("an invisible default that is taken back", "g.dot", "digraph { edge [style=invis]; a -> b [style=solid]; { edge [style=solid] c -> d } }", "ab cd"),
    ("a braces' end to the left", "g.dagitty", "dag { {a b} <- c <- d }", "ca cb dc"),
    ("a head at the target in GML", "g.gml", f'{PAIR} edge [ source 1 target 2 graphics [ arrow "last" ] ] ]', "ab"),
    ("arrows inside braces count as well", "g.dot", "digraph { a -> {b -> c} }", "ab ac bc"),
    ("a subgraph", "g.dot", "digraph { a -> b; subgraph cluster_x { label=box; c -> a; c -> b } }", "ab ca cb"),
    ("subgraphs in one another", "g.dot", "digraph { subgraph x { subgraph y { a -> b } b -> c } }", "ab bc"),
    ("an arrow to a subgraph", "g.dot", "digraph { a -> subgraph x { b; c } }", "ab ac"),
    ("an arrow to a subgraph that stands above", "g.dot", "digraph { subgraph x { b; c } a -> subgraph x }", "ab ac"),
    ("no blanks", "g.dot", "digraph{a->b;b->c}", "ab bc"),
    ("comments", "g.dot", "// a -> x\ndigraph { /* b -> x */ a -> b # no comment in mid-line is one\n}".replace(" # no comment in mid-line is one", ""), "ab"),
    ("a preprocessor's line", "g.gv", "digraph {\n# a -> x\na -> b }", "ab"),
    ("ports", "g.dot", "digraph { a:n -> b:left:sw }", "ab"),
    ("strict and a name", "g.dot", 'STRICT DiGraph "my graph" { a -> b; a -> b }', "ab"),
    ("a graph's own attributes", "g.dot", "digraph { rankdir=LR; graph [bgcolor=white]; node [shape=box]; edge [color=red]; a -> b }", "ab"),
    ("names in quotes", "g.dot", 'digraph { "a" -> "b"; "b" -> c }', "ab bc"),
    ("joined text", "g.dot", 'digraph { a -> b [label="one " + "reason"] }', "ab"),
    ("a mark at the beginning", "g.dot", "\ufeffdigraph { a -> b }", "ab"),
    ("braces in dagitty", "g.dagitty", "dag { a -> {b c} {a b} -> d }", "ab ac ad bd"),
    ("an arrow to the left", "g.dagitty", "dag { a <- b -> c }", "ba bc"),
    ("a name of the graph", "g.txt", 'dag "mine" { a -> b }', "ab"),
    ("dagitty's places", "g.dagitty", 'dag {\nbb="-1,-2,3,4"\na [exposure,pos="-0.5,1.2"]\nb [outcome,pos="0,1"]\na -> b [beta=0.3]\n}', "ab"),
    (
        "an undated word for no arrow",
        "g.gml",
        'Creator "x" graph [ directed 1 node [ id 1 label "a" graphics [ x 1.5 ] ] node [ id 2 label "b" ] edge [ source 1 target 2 ] ]',
        "ab",
    ),
]


@pytest.mark.parametrize(("what", "file", "text", "arrows"), READ, ids=[one[0] for one in READ])
def test_the_arrows_are_those_that_the_format_draws(what: str, file: str, text: str, arrows: str, tmp_path: Path) -> None:
    (tmp_path / file).write_text(text, encoding="utf-8")
    graph = Graph.read(str(tmp_path / file))
    assert sorted(arrow.cause + arrow.effect for arrow in graph.arrows) == sorted(arrows.split())


def test_defaults_hold_for_what_stands_after_them_inside_their_braces(tmp_path: Path) -> None:
    """Of the DOT language: a default set in a subgraph ends with it."""
    (tmp_path / "g.dot").write_text("digraph { a; subgraph x { node [latent=true]; u } b; u -> {a b} edge [dir=both]; a -> c }")
    graph = Graph.read(str(tmp_path / "g.dot"))
    assert {node.name for node in graph.nodes if not node.measured} == {"u", "common_cause_of_a_and_c"}
    assert {(arrow.cause, arrow.effect) for arrow in graph.arrows} == {
        ("u", "a"),
        ("u", "b"),
        ("common_cause_of_a_and_c", "a"),
        ("common_cause_of_a_and_c", "c"),
    }


def test_a_lagged_name_a_reason_and_a_lag_are_read(tmp_path: Path) -> None:
    (tmp_path / "g.dot").write_text('digraph { plans[-1] -> plans; a -> plans [lag=2, because="it takes time"]; "b[-1]" -> plans }')
    graph = Graph.read(str(tmp_path / "g.dot"))
    assert {(arrow.cause, arrow.effect, arrow.lag) for arrow in graph.arrows} == {("plans", "plans", 1), ("a", "plans", 2), ("b", "plans", 1)}
    assert next(arrow.because for arrow in graph.arrows if arrow.cause == "a") == "it takes time"


def test_a_cutoff_and_a_lot_are_those_of_our_own_form(tmp_path: Path) -> None:
    (tmp_path / "g.dot").write_text('digraph { a [lot="drawn in each district"]; score -> a [cutoff=50.5]; a -> b }')
    graph = Graph.read(str(tmp_path / "g.dot"))
    assert {(arrow.cause, arrow.cutoff) for arrow in graph.arrows} == {("score", 50.5), ("a", None)}
    assert {node.name: node.lot for node in graph.nodes if node.lot} == {"a": "drawn in each district"}


REFUSED = [
    ("g.dot", "graph { a -- b }", "undirected"),
    ("g.dot", "digraph { a -- b }", "undirected"),
    ("g.dot", "digraph { a -> b [dir=none] }", "undirected"),
    ("g.dot", "digraph { edge [dir=none]; a -> b }", "undirected"),
    ("g.dot", "digraph { a -> b [arrowhead=none] }", "undirected"),
    ("g.dot", "digraph { a -> b [dir=back] }", "backwards"),
    ("g.dot", "digraph { a -> b [style=invis] }", "invisible"),
    ("g.dot", "digraph { a -> b [color=transparent] }", "invisible"),
    ("g.dot", "digraph { a -> b [penwidth=0.0] }", "invisible"),
    ("g.dot", "digraph { a -> b [arrowhead=odot] }", "a head that points"),
    ("g.dot", "digraph { a -> b [dir=both, arrowtail=odot] }", "a head that points"),
    ("g.dot", "digraph { subgraph cluster_x { b c } a -> b [lhead=cluster_x] }", "a whole cluster"),
    ("g.dot", "digraph { {a b}, c -> d }", "a } before the comma"),
    ("g.dot", "digraph { subgraph p { subgraph x { a } } b -> subgraph x }", "a subgraph in braces"),
    ("g.dot", "digraph { a-1 -> b }", "double quotes"),
    ("g.dot", "digraph { a [selected=true]; a -> b }", "rows were selected"),
    ("g.dot", "digraph { a[-1] -> b [lag=2] }", "its lag once"),
    ("g.dot", 'digraph { a -> b [lag=""] }', "a whole number of years"),
    ("g.dot", "digraph { a -> b [cutoff=high] }", "wanted a number, got 'high'"),
    ("g.dot", "digraph { a -> b [dir=both, cutoff=3] }", "got one with cutoff"),
    ("g.dot", "digraph { a [latent=true, measured=true]; a -> b }", "got both, by latent and measured"),
    ("g.dagitty", "dag { a [latent, measured=true] a -> b }", "got both"),
    ("g.dot", "digraph { a -> {} }", "empty pair of braces"),
    ("g.dot", "digraph { a -> }", "the name of a node"),
    ("g.dot", "digraph { a -> b", "a } for each {"),
    ("g.dot", "digraph { a -> b } digraph { b -> c }", "a file of its own"),
    ("g.dot", "dag { a -> b }", "it begins  digraph"),
    ("g.dot", "digraph { plans[1] -> b }", "key=value in brackets"),
    ("g.dot", 'digraph { "plans[1]" -> b }', "ends in no [number]"),
    ("g.dot", "digraph { a -> b [lag=soon] }", "a whole number of years"),
    ("g.dot", "digraph { a [latent=perhaps]; a -> b }", "true or false"),
    ("g.dot", "digraph { a -> b ] }", "the name of a node"),
    ("g.dot", "digraph { a-b -> c }", "double quotes"),
    ("g.dot", "digraph " + "{" * 3000, "levels of braces"),
    ("g.dot", "digraph { " + " ".join(f"a{at} -> b;" for at in range(30_000)) + "}", "at most 20,000 arrows"),
    ("g.dot", "digraph { {" + " ".join(f"a{at}" for at in range(300)) + "} -> {" + " ".join(f"b{at}" for at in range(300)) + "} }", "at most 20,000 arrows"),
    ("g.dot", "", "it begins  digraph"),
    ("g.dagitty", "dag { a -- b }", "undirected"),
    ("g.dagitty", "dag { a @-> b }", "undirected"),
    ("g.dagitty", "dag { a o-o b }", "undirected"),
    ("g.dagitty", "dag { a o-> b }", "undirected"),
    ("g.dagitty", "dag { a <-o b }", "undirected"),
    ("g.dagitty", "dag { a -> b, c }", "braces around several ends"),
    ("g.dagitty", "dag { a, b -> c }", "braces around several ends"),
    ("g.dagitty", "dag { a -> b -> s s [selected] }", "rows were selected"),
    ("g.dagitty", "pdag { a -> b }", "it begins  dag"),
    ("g.dagitty", "dag { plans[1] -> b }", "key=value in brackets"),
    ("g.dagitty", "dag { plans [1] }", "key=value in brackets"),
    ("g.dagitty", "dag { " + "a" * 30_000, "a } for each {"),
    ("g.dagitty", "a 1 @0,0\nb O @1,1\n\na b", "'@0,0"),
    ("g.gml", 'graph [ node [ id 1 label "a" ] node [ id 2 label "b" ] edge [ source 1 target 2 ] ]', "undirected"),
    ("g.gml", "graph [ directed 1 node [ id 1 ] edge [ source 1 target 2 ] ]", "ids are 1"),
    ("g.gml", 'graph [ directed 1 node [ id 1 label "a" ] node [ id 2 label "a" ] ]', "each node once"),
    *(("g.gml", f'{PAIR} edge [ source 1 target 2 graphics [ arrow "{arrow}" ] ] ]', "undirected") for arrow in ("first", "none", "both")),
    ("g.gml", f'{PAIR} edge [ source 1 target 2 graphics [ sourceArrow "standard" ] ] ]', "undirected"),
    ("g.gml", f'{PAIR} edge [ source 1 target 2 dir "back" ] ]', "backwards"),
    ("g.gml", f"{PAIR} directed 0 edge [ source 1 target 2 ] ]", "undirected"),
    ("g.gml", f"{PAIR} edge [ source 1 source 2 target 2 ] ]", "source once"),
    ("g.gml", f'{PAIR} node [ id 3 label "c" isGroup 1 ] edge [ source 1 target 3 ] ]', "ends at a group"),
    ("g.gml", "graph [ directed 1 node [ id 1 id 3 ] ]", "id once"),
    ("g.gml", "graph [ directed 1", "close each"),
    ("g.gml", "a [ " * 3000, "levels of brackets"),
    ("g.gml", "", "one graph in GML"),
    ("g.yaml", "nodes: {a: , b: }\narrows: {a: {b: x}, a: {b: y}}", "'a' a second time"),
    ("g.yaml", "nodes: {no: , b: }\narrows: {no: {b: x}}", "keys that are text"),
    ("g.yaml", "nodes: {a: , b: }\narrows: {'a[-1]': {b: {because: x, lag: 2}}}", "its lag once"),
    ("g.yaml", "nodes: {a: , b: }\narrow: {a: {b: x}}", "nodes and arrows"),
    ("g.yaml", "nodes: {a: , b: }\narrows: {a: {b: x}}\nedges: [1]", "nothing reads it"),
    ("g.yaml", "nodes: 3\narrows: {a: {b: x}}", "graph.nodes"),
    ("g.yaml", "nodes: {a: 3}\narrows: {}", "its label"),
    ("g.yaml", "nodes: {a: , b: }\narrows: {a: {b: 3}}", "its reason in words"),
    ("g.yaml", "nodes: {a: , b: }\narrows: {a: b}", "mapping effect: because"),
    ("g.yaml", "a: &a [*a]", "an anchor that holds itself"),
    ("g.yaml", "- 1", "keys and their values"),
    ("g.yaml", "", "got nothing"),
    ("g.yaml", "[" * 3000, "levels"),
    ("g.yaml", "a: !!python/object:os.system x", "a tag"),
]


@pytest.mark.parametrize(("file", "text", "says"), REFUSED, ids=range(len(REFUSED)))
def test_what_draws_no_clear_arrow_is_refused_in_one_line(file: str, text: str, says: str, tmp_path: Path) -> None:
    (tmp_path / file).write_text(text, encoding="utf-8")
    with pytest.raises(GraphError) as refused:
        Graph.read(str(tmp_path / file))
    assert says in str(refused.value)
    assert "\n" not in str(refused.value)
