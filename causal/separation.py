"""Which variables of a drawn graph part which others: d-separation on sets of bits, so that hundreds of variables take no longer than a moment.

Reach under conditioning is the Bayes ball (R. Shachter 1998, Bayes-Ball: the rational pastime). Where all variables are ancestors of the two that are to be
parted, parting them is cutting the moral graph between them, and whether any set does, and a set of which nothing can be spared, takes one pass (B. van der
Zander, M. Liśkiewicz and J. Textor 2019, Separators and adjustment sets in causal graphs: complete criteria and an algorithmic framework).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import reduce
from operator import or_

import networkx as nx


@dataclass(frozen=True, slots=True, kw_only=True)
class Dag:
    """A graph without circles; a set of its nodes is a whole number, whose bit i stands for the node `names[i]`.

    Parameters
    ----------
    names : of the nodes.
    place : name → which bit.
    parents, children : of each node, as sets.
    """

    names: tuple[str, ...]
    place: dict[str, int]
    parents: tuple[int, ...]
    children: tuple[int, ...]

    @classmethod
    def of(cls, graph: nx.DiGraph) -> Dag:
        """The same graph."""
        names = tuple(graph)
        place = {name: at for at, name in enumerate(names)}
        parents, children = [0] * len(names), [0] * len(names)
        for cause, effect in graph.edges:
            children[place[cause]] |= 1 << place[effect]
            parents[place[effect]] |= 1 << place[cause]
        return cls(names=names, place=place, parents=tuple(parents), children=tuple(children))

    def __contains__(self, name: str) -> bool:
        return name in self.place

    def without_effects(self, names: Iterable[str]) -> Dag:
        """The graph without the arrows out of some nodes."""
        cut = self._bits(names)
        children = tuple(0 if cut >> at & 1 else those for at, those in enumerate(self.children))
        return Dag(names=self.names, place=self.place, parents=tuple(those & ~cut for those in self.parents), children=children)

    def without(self, names: Iterable[str]) -> Dag:
        """The graph without any arrow at some nodes."""
        cut = self._bits(names)
        parents, children = (tuple(0 if cut >> at & 1 else those & ~cut for at, those in enumerate(side)) for side in (self.parents, self.children))
        return Dag(names=self.names, place=self.place, parents=parents, children=children)

    def ancestors(self, names: Iterable[str]) -> set[str]:
        """All from which one of these can be reached along arrows, without these themselves unless one reaches another."""
        return self._named(self._along(self._bits(names), self.parents))

    def descendants(self, names: Iterable[str]) -> set[str]:
        """All that can be reached along arrows from one of these, without these themselves unless one reaches another."""
        return self._named(self._along(self._bits(names), self.children))

    def causes(self, name: str) -> int:
        """How many arrows end at a node."""
        return self.parents[self.place[name]].bit_count()

    def connected(self, name: str, given: Iterable[str]) -> set[str]:
        """All that some open path joins to a node while others are conditioned on; the node is one of them, what is conditioned on is not.

        Parameters
        ----------
        name : of the node, which is not held fixed.
        given : what is conditioned on.
        """
        return self._named(self._reached(1 << self.place[name], self._bits(given)))

    def apart(self, one: Iterable[str], other: Iterable[str], given: Iterable[str]) -> bool:
        """Whether no open path joins two sets of nodes.

        Parameters
        ----------
        one, other : the two sets; no node is in both.
        given : what is conditioned on, none of these.
        """
        return not self._reached(self._bits(one), self._bits(given)) & self._bits(other)

    def parting(self, one: str, other: str, among: Sequence[str], kept: Iterable[str] = ()) -> tuple[str, ...] | None:
        """Some ancestors of two nodes that part them, in the order in which they came; None where no set of these does.

        Parameters
        ----------
        one, other : the two nodes.
        among : what may be conditioned on; those that no longer part the two once all others are conditioned on stay, the first are tried first.
        kept : those that stay in any case.
        """
        first, last = 1 << self.place[one], 1 << self.place[other]
        above = first | last | self._along(first | last, self.parents)
        here = above & ~first & ~last
        usable = [name for name in among if name in self.place and here >> self.place[name] & 1]
        conditioned = self._bits(usable)
        ends = [_End(dag=self, above=above) for _ in range(2)]
        for end, start in zip(ends, (first, last), strict=True):
            end.grow(start, conditioned)
        if ends[0].here & last or ends[0].near & last:
            return None
        always = self._bits(name for name in kept if name in self.place)
        for name in usable:
            bit = 1 << self.place[name]
            if bit & always or all(end.near & bit for end in ends):
                continue
            conditioned &= ~bit
            for end in ends:
                if end.near & bit:
                    end.grow(bit, conditioned)
        return tuple(name for name in usable if conditioned >> self.place[name] & 1)

    def way(self, one: str, other: str, given: Iterable[str]) -> list[str] | None:
        """A shortest way between two nodes in their moral graph that crosses nothing held fixed, without the two; None where none is open.

        Parameters
        ----------
        one, other : the two nodes.
        given : what is conditioned on, all of them ancestors of one of the two.
        """
        first, last = 1 << self.place[one], 1 << self.place[other]
        above = first | last | self._along(first | last, self.parents)
        end = _End(dag=self, above=above)
        conditioned, steps, todo = self._bits(given), [first], first
        while todo and not todo & last:
            end.here |= todo
            todo = end.step(todo) & ~conditioned & ~end.here
            steps.append(todo)
        if not todo:
            return None
        back, found = last, list[str]()
        for layer in reversed(steps[1:-1]):
            beside = _End(dag=self, above=above).step(back) & layer
            back = beside & -beside
            found += self._named(back)
        return found

    def partings(self, one: str, other: str, among: Sequence[str]) -> list[tuple[str, ...]]:
        """Every set of some ancestors of two nodes that parts them, fewest names first; 2 to the power of how many are tried.

        Parameters
        ----------
        one, other : the two nodes.
        among : what may be conditioned on, all of them ancestors of one of the two.
        """
        ends = self._bits((one, other))
        above = ends | self._along(ends, self.parents)
        few = [one, other, *among]
        inside = self._bits(few)
        beside = []  # which of the few each of them meets through none of the others
        for name in few:
            end = _End(dag=self, above=above)
            end.grow(1 << self.place[name], inside)
            beside.append(sum(1 << at for at, met in enumerate(few) if end.near >> self.place[met] & 1))
        found = []
        for conditioned in range(0, 1 << len(few), 4):
            here = todo = 1
            while todo and not here & 2:
                low = todo & -todo
                todo ^= low
                new = beside[low.bit_length() - 1] & ~conditioned & ~here
                here |= new
                todo |= new
            if not here & 2:
                found.append(tuple(name for at, name in enumerate(few) if conditioned >> at & 1))
        return sorted(found, key=lambda names: (len(names), names))

    def least_parting(self, one: str, others: Iterable[str], kept: Iterable[str], among: Iterable[str]) -> set[str] | None:
        """A set of which nothing but what is kept can be spared, that parts a node from all others; None where no set of these does.

        The last algorithm of van der Zander and Liśkiewicz (2020, Finding minimal d-separators in linear time and applications): all that is allowed among
        the ancestors, of that what the one side touches, of that what the other does.

        Parameters
        ----------
        one, others : what is to be parted.
        kept : those that stay in any case; of `among`.
        among : what may be conditioned on.
        """
        first, last, stay = 1 << self.place[one], self._bits(others), self._bits(kept)
        ends = first | last | stay
        above = ends | self._along(ends, self.parents)
        conditioned = self._bits(among) & above & ~first & ~last
        near = self._touched(first, above, conditioned)
        if near & last:
            return None
        conditioned &= near | stay
        return self._named(conditioned & (self._touched(last, above, conditioned) | stay))

    # ------------------------------------------------------------ bits

    def _bits(self, names: Iterable[str]) -> int:
        return reduce(or_, (1 << self.place[name] for name in names), 0)

    def _named(self, bits: int) -> set[str]:
        return {self.names[at] for at in _each(bits)}

    def _along(self, start: int, side: Sequence[int]) -> int:
        found, todo = 0, start
        while todo:
            new = reduce(or_, (side[at] for at in _each(todo)), 0) & ~found
            found |= new
            todo = new
        return found

    def _reached(self, start: int, given: int) -> int:
        """From a child or the start one goes on to parents and children, unless it is conditioned on; from a parent to children, or to parents where held."""
        up, down, went_up, went_down = start, 0, 0, 0
        while up or down:
            went_up |= up
            went_down |= down
            new_up = new_down = 0
            for at in _each(up & ~given):
                new_up |= self.parents[at]
                new_down |= self.children[at]
            for at in _each(down):
                if given >> at & 1:
                    new_up |= self.parents[at]
                else:
                    new_down |= self.children[at]
            up, down = new_up & ~went_up, new_down & ~went_down
        return (went_up | went_down) & ~given

    def _touched(self, start: int, above: int, given: int) -> int:
        """What is reached, what is conditioned on too, where every common effect among the ancestors is taken for one that is opened."""
        up, down, went_up, went_down = start, 0, 0, 0
        while up or down:
            went_up |= up
            went_down |= down
            new_up = new_down = 0
            for at in _each((up | down) & ~given):
                new_up |= self.parents[at]
                new_down |= self.children[at]
            for at in _each(down & given):
                new_up |= self.parents[at]
            up, down = new_up & above & ~went_up, new_down & above & ~went_down
        return went_up | went_down


@dataclass(slots=True, kw_only=True)
class _End:
    """One side of a cut through the moral graph: `here` is what it holds, `near` what borders it, `opened` the children whose parents are married."""

    dag: Dag
    above: int
    here: int = 0
    near: int = 0
    opened: int = 0

    def grow(self, start: int, conditioned: int) -> None:
        """Take in what can be reached without crossing what is conditioned on."""
        todo = start
        self.here |= start
        while todo:
            met = self.step(todo)
            self.near |= met
            todo = met & ~conditioned & ~self.here
            self.here |= todo

    def step(self, start: int) -> int:
        """What borders some nodes and was not met through their children before: parents, children, and these children's other parents."""
        met = 0
        for at in _each(start):
            children = self.dag.children[at] & self.above
            met |= (self.dag.parents[at] & self.above) | children
            for child in _each(children & ~self.opened):
                met |= self.dag.parents[child] & self.above
            self.opened |= children
        return met


def _each(bits: int) -> Iterator[int]:
    while bits:
        low = bits & -bits
        yield low.bit_length() - 1
        bits ^= low
