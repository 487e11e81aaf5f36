"""A causal graph: nodes, and arrows that each give their reason.

The graph is drawn once, for one year; an arrow may take years (`lag`), and a cause that is
constant in time may act differently each year (`by_year`). `unroll` writes it out year by year,
which is the form identification needs (Spirtes, Glymour & Scheines 2000, Causation, Prediction, and
Search; for time series Runge and others 2019, Inferring causation from time series).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import networkx as nx

from causal.document import called
from causal.errors import GraphError, refusal, suggest
from causal.knobs import are_words, is_number, is_whole

MOST_NODES, MOST_ARROWS = 2_000, 20_000  # of a graph; beyond these nobody has given each arrow its reason
SHOWN = 12  # names of a circle that are told
MOST_LAG = 50  # years that an arrow may take
LAGGED = re.compile(r"^(?P<name>.+?)\[(?P<by>[+-]?\d+)\]$")


class Dated(str):
    """A variable so many years from the outcome: a value, written `plans[-1]`, or `plans` in the outcome's own year.

    It equals, sorts and hashes as its written form, so that graphs, frames, DoWhy and records take it as it is; whoever needs to know asks its fields.

    Parameters
    ----------
    name : of the variable.
    by : years from the outcome; 0 is its own year.
    always : whether the year is written where it is 0 too, `plans[0]`, beside a column that has the bare name already.
    """

    __slots__ = ("always", "by", "name")
    name: str
    by: int
    always: bool

    def __new__(cls, name: str, by: int = 0, *, always: bool = False) -> Dated:
        """The value of these fields."""
        one = super().__new__(cls, f"{name}[{by}]" if by or always else name)
        one.name, one.by, one.always = str(name), by, always
        return one

    def __getnewargs_ex__(self) -> tuple[tuple[str, int], dict[str, bool]]:
        return (self.name, self.by), {"always": self.always}

    @classmethod
    def read(cls, written: str) -> Dated:
        """The name as a user, a file or another library writes it; the one place where it is taken apart."""
        if isinstance(written, cls):
            return written
        match = LAGGED.match(written)
        return cls(match["name"], int(match["by"]), always=True) if match else cls(written)


def dated(name: str, by: int) -> Dated:
    """A variable `by` years from the outcome.

    Parameters
    ----------
    name : a node's.
    by : years; negative is before the outcome.
    """
    return Dated(name, by)


def undated(name: str) -> tuple[str, int]:
    """The fields of a dated name, ("plans", -1); one that comes in writing is read first."""
    one = Dated.read(name)
    return one.name, one.by


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """A variable of the graph.

    Parameters
    ----------
    name : as columns, questions and overrides call it.
    label : words for a reader.
    measured : False where nobody records it; a measured node may still lack a column.
    varies : "both" (authority and year), "authority" (constant in time) or "year" (one node for the calendar).
    remedy : where it could be had, or how it could be measured, as a sentence that begins with a verb; "" where nobody knows.
    lot : how it was decided by lot ("villages drawn in each district, 2014"); "" where it was not. What moves such a node can only be what the lots were
        drawn within (a district, a year of the roll-out).

    Examples
    --------
    >>> Node(name="imd", label="deprivation", varies="authority").measured
    True
    """

    name: str
    label: str
    measured: bool = True
    varies: Literal["both", "authority", "year"] = "both"
    remedy: str = ""
    lot: str = ""

    def __post_init__(self) -> None:
        if not isinstance(self.name, str) or not self.name.strip():
            raise refusal(GraphError, "graph.nodes", "names that are text", repr(self.name), 'YAML reads no, y and ~ as other than text: write "no" in quotes')
        if LAGGED.match(self.name):
            raise refusal(
                GraphError,
                f"graph node {self.name!r}",
                "a name that ends in no [number]",
                "one",
                "that is how years are written, plans[-1]; rename it, and its column",
            )
        if not isinstance(self.label, str) or not self.label.strip():
            raise refusal(GraphError, f"graph node {self.name!r}, label", "words for a reader", called(self.label), "write them in quotes, or leave label out")
        if not isinstance(self.measured, bool):
            raise refusal(
                GraphError, f"graph node {self.name!r}: measured", "true or false", repr(self.measured), "write  measured: false  for one that has no column"
            )
        if self.varies not in ("both", "authority", "year"):
            raise refusal(
                GraphError, f"graph node {self.name!r}: varies", "'both', 'authority' or 'year'", repr(self.varies), "write one of them, or leave it out"
            )
        if not isinstance(self.lot, str) or (self.lot and not are_words(self.lot)):
            raise refusal(GraphError, f"graph node {self.name!r}, lot", "how the lots were drawn, in words", called(self.lot), "leave it out where none were")


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrow:
    """`cause` moves `effect`, `lag` years later, because of a stated reason.

    Parameters
    ----------
    cause, effect : names of nodes.
    because : the reason, in words; an arrow without one is refused.
    lag : years from the one to the other, 0 or more.
    by_year : whether a cause that is constant in time acts with a strength that changes from year to year.
    cutoff : the value of the cause at which the effect jumps (a rule gives a service to those beyond it); whatever else the cause moves, it moves smoothly
        there. None where it does not jump.

    Raises
    ------
    GraphError : no reason, a lag that is no number of years.

    Examples
    --------
    >>> Arrow(cause="cut", effect="plans", because="families lose the place where they were seen", lag=1).lag
    1
    """

    cause: str
    effect: str
    because: str
    lag: int = 0
    by_year: bool = False
    cutoff: float | None = None

    def __post_init__(self) -> None:
        where = f"graph arrow {self.cause} -> {self.effect}"
        if self.cutoff is not None and not is_number(self.cutoff):
            raise refusal(
                GraphError, f"{where}, cutoff", "the value of the cause at which the effect jumps", repr(self.cutoff), "write a number, or leave it out"
            )
        if not are_words(self.because):
            raise refusal(GraphError, where, "a reason", "none", f"write  {self.cause}: {{{self.effect}: because …}}")
        if not is_whole(self.lag, 0, MOST_LAG):
            raise refusal(GraphError, f"{where}: lag", f"a whole number of years, 0 or more and at most {MOST_LAG}", repr(self.lag), "write  lag: 1")
        if not isinstance(self.by_year, bool):
            raise refusal(GraphError, f"{where}: by_year", "true or false", repr(self.by_year), "write one of the two")


@dataclass(frozen=True, slots=True, kw_only=True)
class Graph:
    """A causal graph over the variables of one year.

    Parameters
    ----------
    name : what reports call it.
    nodes : each a `Node`, or a mapping name → {label, measured, varies}.
    arrows : each an `Arrow`, or a mapping cause → effect → reason, where a reason is words, or
        {because, lag, by_year, cutoff}, or a list of these (the same cause acting at several lags).
        A cause may be written with its lag, `plans[-1]`.

    Raises
    ------
    GraphError : an arrow from or to an unknown node, without a reason, or a cycle within one year.

    Examples
    --------
    >>> arrows = {"poverty": {"cut": "grants fell most there", "plans": "need"}, "cut": {"plans": "the question"}}
    >>> graph = Graph(name="three", nodes={"poverty": {}, "cut": {}, "plans": {}}, arrows=arrows)
    >>> [(arrow.cause, arrow.effect) for arrow in graph.arrows]
    [('poverty', 'cut'), ('poverty', 'plans'), ('cut', 'plans')]
    """

    name: str
    nodes: tuple[Node, ...]
    arrows: tuple[Arrow, ...]

    def __post_init__(self) -> None:
        if not isinstance(self.name, str) or not self.name.strip():
            raise refusal(GraphError, "graph.name", "words", called(self.name), "write it in quotes")
        object.__setattr__(self, "nodes", tuple(_nodes(self.nodes)))
        object.__setattr__(self, "arrows", tuple(_arrows(self.arrows)))
        names = [node.name for node in self.nodes]
        if not names:
            raise refusal(GraphError, f"graph {self.name!r}", "nodes", "none", "name the treatment, the outcome and what moves both")
        if len(names) > MOST_NODES or len(self.arrows) > MOST_ARROWS:
            came = f"{len(names):,} and {len(self.arrows):,}"
            remedy = "leave out what does not bear on the question"
            raise refusal(GraphError, f"graph {self.name!r}", f"at most {MOST_NODES:,} nodes and {MOST_ARROWS:,} arrows", came, remedy)
        there = set(names)
        if len(there) < len(names):
            twice = next(name for at, name in enumerate(names) if name in names[:at])
            raise refusal(GraphError, f"graph {self.name!r}", "each node once", f"node {twice!r} more than once", "take one away")
        for arrow in self.arrows:
            for end in (arrow.cause, arrow.effect):
                if end not in there:
                    raise refusal(
                        GraphError,
                        f"graph {self.name!r}: arrow {arrow.cause} -> {arrow.effect}",
                        "two nodes",
                        f"{end!r}, which is no node",
                        suggest(end, names),
                    )
        constant = {node.name for node in self.nodes if node.varies != "both"}
        for arrow in self.arrows:
            if arrow.effect in constant and arrow.cause not in constant:
                raise refusal(
                    GraphError,
                    f"graph {self.name!r}: arrow {arrow.cause} -> {arrow.effect}",
                    "a cause that is constant, where what it moves is",
                    "something that changes",
                    "let its effect vary, or take the arrow away",
                )
        self._drawn_by_lot()
        within = nx.DiGraph((a.cause, a.effect) for a in self.arrows if a.lag == 0)
        if nx.is_directed_acyclic_graph(within):
            return
        # a search through all of a large graph would take minutes; a circle stands in one strongly connected part
        round_about = next(part for part in nx.strongly_connected_components(within) if len(part) > 1 or any(within.has_edge(one, one) for one in part))
        cycle = nx.find_cycle(nx.DiGraph(edge for edge in within.edges if round_about.issuperset(edge)))
        names = [*(cause for cause, _ in cycle), cycle[-1][1]]
        path = " -> ".join(names if len(names) <= SHOWN else [*names[: SHOWN - 2], "…", names[-1]])
        raise refusal(GraphError, f"graph {self.name!r}", "no circle within one year", str(path), "take an arrow away, or give one a lag (lag: 1)")

    def _drawn_by_lot(self) -> None:
        """What lots decided has no cause but what they were drawn within, which whoever drew them knew."""
        lots = {node.name for node in self.nodes if node.lot}
        unmeasured = {node.name for node in self.nodes if not node.measured}
        for arrow in self.arrows:
            if arrow.effect not in lots:
                continue
            why = "which nobody measured" if arrow.cause in unmeasured else "all that is lasting about a place" if arrow.cause == "authority" else ""
            if why or nx.has_path(self.summary, arrow.effect, arrow.cause):
                why = why or "which it moves in turn"
                raise refusal(
                    GraphError,
                    f"graph {self.name!r}, arrow {arrow.cause} -> {arrow.effect}",
                    f"no cause of {arrow.effect}, which was decided by lot, but what the lots were drawn within",
                    f"{arrow.cause}, {why}",
                    f"take the arrow away, or take {arrow.effect} for what was taken up and not for what was drawn",
                )

    def node(self, name: str) -> Node:
        """The node of that name.

        Raises
        ------
        GraphError : there is none; the message names the nearest.
        """
        for node in self.nodes:
            if node.name == name:
                return node
        raise refusal(GraphError, f"graph {self.name!r}", "a node that it has", repr(name), suggest(name, [n.name for n in self.nodes]))

    @property
    def summary(self) -> nx.DiGraph:
        """One node a variable, whatever the lag of its arrows; may hold circles through time."""
        graph = nx.DiGraph()
        graph.add_nodes_from(node.name for node in self.nodes)
        graph.add_edges_from((arrow.cause, arrow.effect) for arrow in self.arrows)
        return graph

    def by_year(self, name: str) -> bool:
        """Whether any arrow out of a constant cause changes its strength from year to year."""
        return any(arrow.by_year for arrow in self.arrows if arrow.cause == name)

    def unroll(self, *, back: int) -> nx.DiGraph:
        """The graph written out for the years `-back` … 0; a constant node and the calendar stand once.

        Nodes are named by `dated`; arrows that would begin before the window are left out.
        """
        once = {node.name for node in self.nodes if node.varies != "both"}
        graph = nx.DiGraph()
        for node in self.nodes:
            graph.add_nodes_from([dated(node.name, 0)] if node.name in once else [dated(node.name, -year) for year in range(back, -1, -1)])
        for arrow in self.arrows:
            for year in range(back, -1, -1):
                cause = arrow.cause if arrow.cause in once else dated(arrow.cause, -year - arrow.lag)
                if cause in graph:
                    graph.add_edge(cause, arrow.effect if arrow.effect in once else dated(arrow.effect, -year))
        return graph

    @classmethod
    def read(cls, path: str) -> Graph:
        """A graph from a file: YAML in our own form, DOT (.dot, .gv), GML (.gml) or dagitty (.dagitty, .txt).

        Arrows of the last three take their reason from an attribute `because` or `label`, and otherwise
        name the file. A two-headed arrow becomes an unmeasured common cause.

        Raises
        ------
        GraphError : the file is missing, of another kind, or cannot be read.
        """
        from causal.graph_files import read_graph

        if not isinstance(path, str | Path) or not str(path).strip():
            raise refusal(GraphError, "graph.path", "the name of a file", called(path), "write  graph=file graph.path=mine.dot")
        return cls(**read_graph(Path(path)))


def _made(given: Any, kind: type[Any], key: str, form: str) -> Iterator[Any]:
    """Nodes or arrows that are made already."""
    if isinstance(given, str) or not isinstance(given, Iterable):
        raise refusal(GraphError, f"graph.{key}", f"{form} for each", called(given), "write them so")
    for one in given:
        if not isinstance(one, kind):
            raise refusal(GraphError, f"graph.{key}", f"{form} for each", f"a list with {called(one)} in it", "write them as keys and values")
        yield one


def _nodes(given: Any) -> Iterator[Node]:
    if not isinstance(given, Mapping):
        yield from _made(given, Node, "nodes", "name: {label: words}")
        return
    for name, about in given.items():
        if isinstance(about, Node):
            yield about
            continue
        if about is not None and not isinstance(about, str | Mapping):
            raise refusal(GraphError, f"graph node {name!r}", "its label, or {label, measured, varies}", called(about), "write  name: words")
        about = {"label": about} if isinstance(about, str) else dict(about or {})
        unknown = set(about) - {"label", "measured", "varies", "remedy", "lot"}
        if unknown:
            raise refusal(
                GraphError, f"graph node {name!r}", "label, measured, varies, remedy and lot", f"unknown keys {sorted(map(str, unknown))}", "take them away"
            )
        if not isinstance(name, str):
            raise refusal(GraphError, "graph.nodes", "names that are text", repr(name), 'YAML reads no, y, ~ and 2018 as other than text: write "no" in quotes')
        yield Node(name=name, **{"label": name.replace("_", " "), **about})


def _arrows(given: Any) -> Iterator[Arrow]:
    if not isinstance(given, Mapping):
        yield from _made(given, Arrow, "arrows", "cause: {effect: because}")
        return
    for cause, effects in given.items():
        cause, by = undated(str(cause))
        if not isinstance(effects, Mapping):
            raise refusal(GraphError, f"graph arrows from {cause!r}", "a mapping effect: because", repr(effects), f"write  {cause}: {{effect: because …}}")
        for effect, reasons in effects.items():
            for reason in (reasons or [None]) if isinstance(reasons, list | tuple) else [reasons]:
                if reason is not None and not isinstance(reason, str | Mapping):
                    raise refusal(
                        GraphError, f"graph arrow {cause} -> {effect}", "its reason in words", called(reason), f"write  {cause}: {{{effect}: because …}}"
                    )
                about: dict[str, Any] = {"because": reason} if isinstance(reason, str) or reason is None else dict(reason)
                unknown = set(about) - {"because", "lag", "by_year", "cutoff"}
                if unknown:
                    raise refusal(
                        GraphError,
                        f"graph arrow {cause} -> {effect}",
                        "because, lag, by_year and cutoff",
                        f"unknown keys {sorted(map(str, unknown))}",
                        "take them away",
                    )
                if by:
                    if about.get("lag", -by) != -by:
                        where = f"graph arrow {cause}[{by}] -> {effect}"
                        raise refusal(GraphError, where, "its lag once", f"[{by}] and lag: {about['lag']!r}", "write one of the two")
                    about["lag"] = -by
                yield Arrow(cause=cause, effect=str(effect), **{"because": "", **about})
