"""Graph text that is long, deep or many: an answer or a message in time; and what the languages draw, by hand from their grammars, beyond test_drawn.py."""

from __future__ import annotations

import time
import tracemalloc
from pathlib import Path

import pytest

from causal.errors import GraphError
from causal.graph import Graph

PATIENCE = 10.0  # seconds, as asked for


def read(folder: Path, name: str, text: str) -> Graph:
    (folder / name).write_text(text, encoding="utf-8")
    return Graph.read(str(folder / name))


LONG = [
    ("edges", "g.dot", "digraph {" + "".join(f"a{at} -> b{at};\n" for at in range(100_000)) + "}", "at most 20,000 arrows"),
    ("one edge again and again", "g.dot", "digraph {" + "a -> b;\n" * 100_000 + "}", "at most 20,000 arrows"),
    ("more letters than any graph needs", "g.dot", "digraph {" + "a -> b;\n" * 300_000 + "}", "at most 2 MB"),
    ("signs", "g.dot", "digraph {" + "a;" * 900_000 + "}", "at most 400,000 names and signs"),
    ("an open quote", "g.dot", 'digraph { "' + "\\a" * 900_000, "double quotes"),
    ("an open comment", "g.dot", "digraph { /*" + "*/*" * 600_000, "double quotes"),
    ("open brackets of a label", "g.dot", "digraph { a [label=" + "<" * 1_900_000, "double quotes"),
    ("labels with marks", "g.dot", "digraph {" + "a [label=<<b>x</b>>];" * 80_000, "at most 400,000 names and signs"),
    ("names in a list", "g.dot", "digraph {" + ",".join(f"a{at}" for at in range(40_000)) + "}", "at most 2,000 nodes"),
    ("a subgraph that is added to", "g.dot", "digraph {" + "".join(f"subgraph x{{a{at}}}" for at in range(60_000)) + "}", "after groups are written out"),
    (
        "a subgraph that is named",
        "g.dot",
        "digraph { subgraph x {" + " ".join(f"a{at}" for at in range(1_900)) + "}" + "subgraph x " * 100_000 + "}",
        "after groups",
    ),
    ("braces", "g.dagitty", "dag " + "{" * 30_000, "levels of braces"),
    ("brackets", "g.dagitty", "dag { a " + "[" * 30_000, "a ] for each ["),
    ("arrows without ends", "g.dagitty", "dag {" + "a->" * 10_000, "the name of a node"),
    ("letters", "g.dagitty", "a" * 30_000, "it begins  dag"),
    ("no circle", "g.dot", "digraph {" + " -> ".join(f"v{at}" for at in range(1_500)) + " -> v0 }", "wanted no circle"),
    ("nodes in GML", "g.gml", "graph [ directed 1 " + " ".join(f"node [ id {at} ]" for at in range(50_000)) + " ]", "at most 2,000 nodes"),
    ("brackets in GML", "g.gml", "graph " + "[ a " * 400_000, "levels of brackets"),
]


@pytest.mark.parametrize(("what", "name", "text", "says"), LONG, ids=[one[0] for one in LONG])
def test_long_text_is_refused_in_time(what: str, name: str, text: str, says: str, tmp_path: Path) -> None:
    began = time.process_time()
    with pytest.raises(GraphError) as refused:
        read(tmp_path, name, text)
    assert time.process_time() - began < PATIENCE
    assert says in str(refused.value)
    assert len(str(refused.value)) < 1_000


def test_long_text_takes_little_memory(tmp_path: Path) -> None:
    """Four hundredths of the gigabyte that is asked for, for a fifth of the arrows that are allowed, as Python's own tracing counts it."""
    text = "digraph {" + "a -> b;" * 4_000 + "}"
    tracemalloc.start()
    try:
        read(tmp_path, "g.dot", text)
        most = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert most < 40_000_000


def test_large_graphs_are_read_in_time(tmp_path: Path) -> None:
    """Written against the order of causes, which once made the search for circles walk all of it again for each node; counts by hand."""
    dense = "digraph {" + "".join(f"v{low} -> v{high};" for high in range(149, -1, -1) for low in range(high + 1, 150)) + "}"
    chain = "digraph {" + "".join(f"v{at + 1} -> v{at};" for at in range(1_800)) + "}"
    same = "digraph {" + "".join(f'a -> b [because="report {at}"];' for at in range(5_000)) + "}"
    began = time.process_time()
    assert len(read(tmp_path, "dense.dot", dense).arrows) == 150 * 149 // 2
    assert len(read(tmp_path, "chain.dot", chain).arrows) == 1_800
    assert len(read(tmp_path, "same.dot", same).arrows) == 5_000
    assert time.process_time() - began < PATIENCE


DRAWN = [
    ("an undirected edge inside braces", "g.dot", "digraph { a -> {b -- c} }", "undirected"),
    ("an undirected edge in a subgraph", "g.dot", "digraph { subgraph x { a -- b } }", "undirected"),
    ("an undirected edge at the end of a chain", "g.dagitty", "dag { a -> b -- c }", "undirected"),
    ("an undirected edge between braces", "g.dagitty", "dag { {a b} -- {c d} }", "undirected"),
    ("an undirected graph, strict and named", "g.dot", 'strict graph "a" { a }', "undirected"),
    ("a subgraph that stands below", "g.dot", "digraph { a -> subgraph x; subgraph x { b } }", "a subgraph in braces"),
    ("braces that hold nothing", "g.dagitty", "dag { a -> {} }", "an empty pair of braces"),
    ("a brace that is closed twice", "g.dot", "digraph { a -> b } }", "one graph"),
    ("the language's own word as a name", "g.dot", "digraph { node -> b }", "language's own words"),
]


@pytest.mark.parametrize(("what", "name", "text", "says"), DRAWN, ids=[one[0] for one in DRAWN])
def test_what_draws_no_clear_arrow_is_refused(what: str, name: str, text: str, says: str, tmp_path: Path) -> None:
    with pytest.raises(GraphError) as refused:
        read(tmp_path, name, text)
    assert says in str(refused.value)


ARROWS = [
    ("braces in braces", "digraph { {a {b c}} -> d }", "ad bd cd"),
    ("a chain inside braces at both ends of an edge", "digraph { {a -> b} -> {c -> d} }", "ab ac ad bc bd cd"),
    ("a subgraph as the middle of a chain", "digraph { a -> subgraph { b c } -> d -> e }", "ab ac bd cd de"),
    ("a subgraph that is added to", "digraph { subgraph x { a } subgraph x { b } subgraph x -> c }", "ac bc"),
    ("a subgraph without a name inside a named one", "digraph { subgraph x { subgraph { a } { b } } -> c }", "ac bc"),
    ("attributes of a chain hold for each of its edges", "digraph { a -> {b c} -> d [lag=0] }", "ab ac bd cd"),
    ("a node that is named before its subgraph", "digraph { b; a -> subgraph x { b } }", "ab"),
    ("quotes that hold signs", 'digraph { "a" -> "b" [because="x -> {y} // no"] }', "ab"),
    ("a line that is broken inside quotes", 'digraph { "a\\\n" -> b }', "ab"),
    ("an edge in a rank", "digraph { {rank=same; a; b} a -> b }", "ab"),
]


@pytest.mark.parametrize(("what", "text", "arrows"), ARROWS, ids=[one[0] for one in ARROWS])
def test_arrows_are_those_written_by_hand(what: str, text: str, arrows: str, tmp_path: Path) -> None:
    assert sorted(arrow.cause + arrow.effect for arrow in read(tmp_path, "g.dot", text).arrows) == sorted(arrows.split())
