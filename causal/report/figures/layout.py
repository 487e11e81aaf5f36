"""Where the nodes of a graph stand when it is drawn from left to right.

Sugiyama, Tagawa & Toda (1981, Methods for visual understanding of hierarchical system structures): layers by longest
path, long arrows cut into one piece a layer, an order within layers that crosses few arrows, then heights that keep
arrows straight. An arrow that would close a circle (through time) is laid out backwards.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import networkx as nx

Slot = tuple[str, str, int]  # a node (name, "", layer) or one layer's piece of a long arrow (cause, effect, layer)
SWEEPS = 24


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """Columns and heights.

    Parameters
    ----------
    column : node → layer, 0 on the left.
    height : node → y of its middle, up is positive.
    routes : (cause, effect) → the slots of the pieces between them as (layer, y), from left to right.
    backward : arrows that run from right to left.
    """

    column: Mapping[str, int]
    height: Mapping[str, float]
    routes: Mapping[tuple[str, str], tuple[tuple[int, float], ...]]
    backward: frozenset[tuple[str, str]]


def layered(nodes: Sequence[str], arrows: Sequence[tuple[str, str, int]], sizes: Mapping[str, float], gap: float, lane: float) -> Layout:
    """Lay out nodes and arrows.

    Parameters
    ----------
    nodes : names; their order settles ties.
    arrows : (cause, effect, lag); arrows to itself are left out.
    sizes : height of each node.
    gap : least distance between two nodes.
    lane : height that a passing arrow takes.
    """
    forward, backward = _without_circles(nodes, arrows)
    layer = _layers(forward)
    chains: dict[tuple[str, str], list[Slot]] = {}
    columns: list[list[Slot]] = [[] for _ in range(max(layer.values(), default=0) + 1)]
    for name in nodes:
        columns[layer[name]].append((name, "", layer[name]))
    beside: dict[Slot, list[Slot]] = {slot: [] for column in columns for slot in column}
    for cause, effect in sorted(forward.edges):
        pieces: list[Slot] = [(cause, effect, at) for at in range(layer[cause] + 1, layer[effect])]
        chains[cause, effect] = pieces
        chain = [(cause, "", layer[cause]), *pieces, (effect, "", layer[effect])]
        for piece in pieces:
            columns[piece[2]].append(piece)
            beside[piece] = []
        for left, right in pairwise(chain):
            beside[left].append(right)
            beside[right].append(left)
    columns = _ordered(columns, beside)
    y = _heights(columns, beside, {slot: (lane if slot[1] else sizes[slot[0]]) for slot in beside}, gap)
    return Layout(
        column=layer,
        height={name: y[name, "", layer[name]] for name in nodes},
        routes={ends: tuple((piece[2], y[piece]) for piece in pieces) for ends, pieces in chains.items()},
        backward=frozenset(backward),
    )


def _without_circles(nodes: Sequence[str], arrows: Sequence[tuple[str, str, int]]) -> tuple[nx.DiGraph, set[tuple[str, str]]]:
    """Arrows of the same year first, which hold no circle; a later one that would close one is turned round."""
    graph = nx.DiGraph()
    graph.add_nodes_from(nodes)
    backward = set()
    for cause, effect, _ in sorted({arrow for arrow in arrows if arrow[0] != arrow[1]}, key=lambda a: (a[2], a[0], a[1])):
        if graph.has_edge(cause, effect):
            continue
        if nx.has_path(graph, effect, cause):
            backward.add((cause, effect))
            graph.add_edge(effect, cause)
        else:
            graph.add_edge(cause, effect)
    return graph, backward


def _layers(graph: nx.DiGraph) -> dict[str, int]:
    """Longest path from the left; causes of nothing on the left are moved next to what they cause."""
    layer: dict[str, int] = {}
    for name in nx.lexicographical_topological_sort(graph):
        layer[name] = max((layer[p] + 1 for p in graph.predecessors(name)), default=0)
    for name in reversed(list(nx.lexicographical_topological_sort(graph))):
        after = [layer[s] for s in graph.successors(name)]
        if after and graph.in_degree(name) == 0:
            layer[name] = min(after) - 1
    return layer


def _ordered(columns: list[list[Slot]], beside: Mapping[Slot, Sequence[Slot]]) -> list[list[Slot]]:
    """Each slot near the middle of its neighbours, sweeping right and left; the order with fewest crossings is kept."""
    best, fewest = [list(column) for column in columns], _crossings(columns, beside)
    for sweep in range(SWEEPS):
        rightward = sweep % 2 == 0
        for at in range(len(columns)) if rightward else range(len(columns) - 1, -1, -1):
            side = at - 1 if rightward else at + 1
            if not 0 <= side < len(columns):
                continue
            rank = {slot: i for i, slot in enumerate(columns[side])}
            here = {slot: i for i, slot in enumerate(columns[at])}

            def middle(slot: Slot, rank: Mapping[Slot, int] = rank, here: Mapping[Slot, int] = here) -> tuple[float, int]:
                near = [rank[other] for other in beside[slot] if other in rank]
                return (sum(near) / len(near) if near else float(here[slot]), here[slot])

            columns[at] = sorted(columns[at], key=middle)
        crossings = _crossings(columns, beside)
        if crossings < fewest:
            best, fewest = [list(column) for column in columns], crossings
    return best


def _crossings(columns: Sequence[Sequence[Slot]], beside: Mapping[Slot, Sequence[Slot]]) -> int:
    total = 0
    for left, right in pairwise(columns):
        rank = {slot: i for i, slot in enumerate(right)}
        ends = [rank[other] for slot in left for other in sorted((o for o in beside[slot] if o in rank), key=lambda o: rank[o])]
        total += sum(a > b for i, a in enumerate(ends) for b in ends[i + 1 :])
    return total


def _heights(columns: Sequence[Sequence[Slot]], beside: Mapping[Slot, Sequence[Slot]], size: Mapping[Slot, float], gap: float) -> dict[Slot, float]:
    """Each slot at the mean height of its neighbours, as near as the room in its column allows."""
    y: dict[Slot, float] = {}
    offsets: list[list[float]] = []
    for column in columns:
        offset = [0.0]
        for upper, lower in pairwise(column):
            apart = gap if not (upper[1] and lower[1]) else 0.0
            offset.append(offset[-1] + (size[upper] + size[lower]) / 2 + apart)
        offsets.append(offset)
        y |= {slot: offset[-1] / 2 - one for slot, one in zip(column, offset, strict=False)}
    for sweep in range(SWEEPS):
        for column, offset in list(zip(columns, offsets, strict=True))[:: 1 if sweep % 2 == 0 else -1]:
            # a piece of a long arrow pulls harder on its own kind, so that long arrows run straight
            pulls = [[(y[other], 4.0 if slot[1] and other[1] else 1.0) for other in beside[slot]] for slot in column]
            wish = [
                (sum(v * w for v, w in pull) / sum(w for _, w in pull) if pull else y[slot]) + one
                for slot, pull, one in zip(column, pulls, offset, strict=False)
            ]
            y |= {slot: level - one for slot, level, one in zip(column, _falling(wish), offset, strict=False)}
    return y


def _falling(wish: Sequence[float]) -> list[float]:
    """The nearest never-rising sequence (pooled neighbours)."""
    blocks: list[tuple[float, int]] = []
    for value in wish:
        mean, n = value, 1
        while blocks and blocks[-1][0] < mean:
            before, m = blocks.pop()
            mean, n = (before * m + mean * n) / (m + n), m + n
        blocks.append((mean, n))
    return [mean for mean, n in blocks for _ in range(n)]
