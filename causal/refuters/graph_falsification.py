"""Does the graph fit the data better than the same graph with its names shuffled?

A graph says of each variable that, with its direct causes held fixed, it owes nothing to whatever it does not itself move (the local Markov
condition). How many of these claims the data break means little alone: with enough rows some always break. So the given graph is set
against graphs of the same shape with the names dealt anew; one that breaks no fewer claims than chance names would is no description of these data
(Eulig, Mastakouri, Blöbaum, Hardt & Janzing 2023, Toward falsifying causal graphs using a permutation-based test; DoWhy's `gcm.falsify` has it for
independent rows, and agrees). A graph whose shuffled copies mostly make the same claims says too little to be judged so. Neither does a graph fail
here that breaks no claim beyond chance (all together, Holm) while its shuffled copies break few: the data are then too weak to tell names apart.

Here the claims are tested within authorities and years, with scores summed by cluster, as `implied_independence` does; where a direct cause was not
measured, the smallest measured set that separates the two takes its place. Names are dealt among measured variables that change
in time; constant causes and unmeasured ones keep their places.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import permutations
from typing import ClassVar

import networkx as nx
import numpy as np

from causal.graph import Graph, dated, undated
from causal.inference.multiplicity import holm
from causal.knobs import between, whole_number
from causal.refutation import Family, Refutation, Role
from causal.refuters import not_run, reporting
from causal.refuters.implied_independence import World
from causal.refuters.machinery.independence import Claim, Rows
from causal.trial import Setting, Trial
from causal.words import count


@dataclass(frozen=True, slots=True, kw_only=True)
class GraphFalsification:
    """Compare the claims that the graph breaks with those that shuffled graphs break.

    Parameters
    ----------
    draws : shuffled graphs; where there are no more ways to deal the names than this, each is taken once.
    alpha : level of each single test of a claim.
    powers : of each variable held fixed, the powers that enter; 1 is a straight line.
    """

    family: ClassVar[Family] = "graph"
    role: ClassVar[Role | None] = None
    label: ClassVar[str] = "the graph against chance"
    catches: ClassVar[str] = "wrong_names"

    draws: int = 40
    alpha: float = 0.05
    powers: int = 1

    def __post_init__(self) -> None:
        whole_number("graph_falsification.draws", self.draws, 20)
        between("graph_falsification.alpha", self.alpha, 0, 1)
        whole_number("graph_falsification.powers", self.powers, 1)

    @property
    def name(self) -> str:
        """Its name on the shelf."""
        return "graph_falsification"

    def unmet(self, setting: Setting) -> str | None:
        """What it lacks here."""
        if setting.graph is None:
            return "the graph is not at hand"
        if not self._claims(setting, setting.graph)[1]:
            return "the graph makes no claim about measured variables that could be tested, so these data cannot falsify it"
        return None

    def _claims(self, setting: Setting, graph: Graph) -> tuple[World, tuple[Claim, ...]]:
        """The graph written out, and what it claims."""
        have = frozenset(node.name for node in graph.nodes if node.measured and node.name in setting.panel.names)
        return _local_markov(graph, have, setting.question.treatment, len(setting.panel.years) > 1)

    def refute(self, trial: Trial, rng: np.random.Generator) -> Refutation:
        """Try to refute the graph that the question was identified by.

        Parameters
        ----------
        trial : with a graph that makes claims these data can test.
        rng : permutes the names of the graph's nodes.
        """
        level = 1 - trial.question.level
        report = reporting(
            self,
            asks="Does the graph fit the data better than the same graph with its names shuffled?",
            expected=f"A smaller share of claims broken than in all but {level:.0%} of graphs with shuffled names, or none beyond chance.",
            detects="A graph that is wrong as a whole: whose independences hold no more often than those of a graph with arbitrary names.",
            cannot_detect="A single wrong arrow in a graph that is right for the rest (see implied independence); arrows drawn that are not there; "
            "faults about which the graph makes no testable claim.",
        )
        if (why := self.unmet(trial)) is not None or trial.graph is None:
            return not_run(report, str(why))
        world, claims = self._claims(trial, trial.graph)
        rows = Rows(trial.panel, trial.graph, within=world.within, powers=self.powers)
        known: dict[tuple[frozenset[str], tuple[str, ...]], float | None] = {}

        def tests(made: Sequence[Claim]) -> list[float]:
            """The p-value of each claim that can be tested."""
            for one in made:
                if _key(one) not in known:
                    found = rows.test(one)
                    known[_key(one)] = None if found is None else found.p_value
            return [p for p in map(known.get, map(_key, made)) if p is not None]

        own = tests(claims)
        tested, broken = len(own), sum(p <= self.alpha for p in own)
        if not tested:
            return not_run(report, "no claim could be tested: too few complete rows, or variables told by what is held fixed")
        shuffled = [_renamed(claims, world.variables, names) for names in self._deals(world.variables, rng)]
        alike = sum(all(_implied(world, one) for one in made) for made in shuffled) / len(shuffled)
        shares = np.array([np.mean(np.array(others) <= self.alpha) for others in map(tests, shuffled) if others])
        numbers: dict[str, float | None] = {
            "claims tested": float(tested),
            "claims broken": float(broken),
            "share broken": broken / tested,
            "shuffled graphs": float(len(shuffled)),
            "share of shuffled graphs that make the same claims": alike,
        }
        text = f"{broken} of {count(tested, 'claim')} broken at the {self.alpha:.0%} level"
        if alike >= level or not len(shares):
            reason = f"{alike:.0%} of graphs with shuffled names make the same claims, so that the graph says too little to be told from them"
            return not_run(report, reason, found=f"Not run: {reason} ({text}).", numbers=numbers)
        fit, middle = float((shares <= broken / tested).mean()), float(np.median(shares))
        numbers |= {"median share broken by shuffled graphs": middle, "share of shuffled graphs that fit as well": fit}
        survived = fit <= level
        if not survived and min(holm(own)) >= level:
            reason = f"the graph breaks no claim beyond chance, but neither do {fit:.0%} of graphs with shuffled names: the data cannot tell them apart"
            return not_run(report, reason, found=f"Not run: {reason} ({text}).", numbers=numbers)
        return report(
            found=f"{text}, in graphs with shuffled names {middle:.0%} in the middle; {fit:.0%} of {len(shares)} break no larger share. "
            + ("The graph fits better than chance names." if survived else "The graph fits no better than chance names."),
            p_value=None,
            survived=survived,
            numbers=numbers,
        )

    def _deals(self, names: tuple[str, ...], rng: np.random.Generator) -> list[tuple[str, ...]]:
        if math.factorial(min(len(names), 20)) <= self.draws:
            return list(permutations(names))
        return [tuple(names[i] for i in rng.permutation(len(names))) for _ in range(self.draws)]


@lru_cache(maxsize=16)
def _local_markov(graph: Graph, have: frozenset[str], treatment: str, yearly: bool) -> tuple[World, tuple[Claim, ...]]:
    """For each variable and each other that it does not move: with its direct causes, or what stands in for them, held fixed."""
    world = World(graph=graph, have=have, treatment=treatment, yearly=yearly)
    claims = []
    for one in world.variables:
        parents = set(world.drawn.predecessors(one)) - world.absorbed
        moved = nx.descendants(world.drawn, one)
        measured = all(undated(name)[0] in have for name in parents)
        for other in world.variables:
            beyond = world.dates(other) if world.within else frozenset({other})
            if other == one or other in moved or other in parents:
                continue
            given = tuple(sorted(parents)) if measured and _separates(world, one, beyond, parents) else world.separated(one, beyond, have)
            if given is not None:
                claims.append(Claim(one=one, other=other, given=given))
    return world, tuple(claims)


def _key(claim: Claim) -> tuple[frozenset[str], tuple[str, ...]]:
    """Claims that are one test."""
    return frozenset((claim.one, claim.other)), claim.given


def _separates(world: World, one: str, beyond: frozenset[str], given: set[str]) -> bool:
    """Whether the direct causes do what `World.separated` asks of a set."""
    if beyond & given:
        return False
    if world.within:
        beyond |= {date for name in given if name not in world.once for date in world.dates(undated(name)[0])} - given - {one}
    return bool(nx.is_d_separator(world.drawn, {one}, set(beyond), given | set(world.absorbed)))


def _renamed(claims: Sequence[Claim], names: tuple[str, ...], permuted: tuple[str, ...]) -> tuple[Claim, ...]:
    """The claims of the graph with its names dealt anew."""
    now = dict(zip(names, permuted, strict=True))

    def rename(name: str) -> str:
        bare, by = undated(name)
        return dated(now.get(bare, bare), by)

    return tuple(Claim(one=rename(one.one), other=rename(one.other), given=tuple(sorted(map(rename, one.given)))) for one in claims)


def _implied(world: World, claim: Claim) -> bool:
    """Whether the graph as given makes this claim too."""
    given = set(claim.given) | world.absorbed
    if {claim.one, claim.other} & given:
        return False
    return bool(nx.is_d_separator(world.drawn, {claim.one}, {claim.other}, given))
