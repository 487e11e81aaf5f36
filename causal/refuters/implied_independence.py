"""Do the data keep the independences that the graph implies?

Every arrow that a graph leaves out is a claim: two variables that no arrow joins owe nothing to each other once some others are conditioned on
(d-separation; Pearl 2009, Causality, ch. 1.2). For each such pair one smallest set of measured variables that separates them is found (van der
Zander & Liśkiewicz 2020, Finding minimal d-separators in linear time and applications), and the claim is tested on the panel by the partial
correlation within authorities and years, with the scores summed by cluster.

What decides are the claims about the treatment and about the outcome, with whatever does not follow from the treatment: that nothing moves them but what the
graph says. They are judged together (Holm 1979, A simple sequentially rejective multiple test procedure). A broken claim between two other variables,
or about what comes of the treatment, says that the drawing is unfinished and nothing of this answer; it is told beside it.

The graph is written out year by year, and the shocks of each variable may last as long as they like: no independence of a variable from its own past
is tested, and none that rests on one. Subtracting an authority's mean mixes all its years, so a claim counts as testable within authorities
only if one of the two, with the set held fixed, owes nothing to the other *in any year*, nor to the set in any other year (strict exogeneity;
Wooldridge 2010, Econometric Analysis of Cross Section and Panel Data, ch. 10; where it fails, Nickell 1981, Biases in dynamic models with fixed effects).
A variable whose recording is known to be at fault is never relied on to separate two others, since what it leaves of their common cause would look like
an arrow. How far the answer moves once the variables of the broken claims are conditioned on is the bias that was found; which bias would have been
found hangs on where it comes from, and is not said. Squares of what is held fixed are held fixed too (`powers`), so that a bent line is not taken for an arrow.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import combinations
from typing import ClassVar

import networkx as nx
import numpy as np

from causal.graph import Graph, dated, undated
from causal.identification import PLACE_AND_TIME
from causal.inference.multiplicity import holm
from causal.knobs import whole_number
from causal.panel import Panel
from causal.refutation import Family, Refutation, Role
from causal.refuters import not_run, p_text, reporting
from causal.refuters.machinery.bias import Bias, moved_by
from causal.refuters.machinery.independence import Claim, Finding, Rows
from causal.separation import Dag
from causal.trial import Setting, Trial
from causal.words import count, listed

MOST_TRIES = 6  # rounds in which a separating set may be found to need more
SHOWN = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Claims:
    """What a graph says of the measured variables that can be tested.

    Parameters
    ----------
    tested : the claims.
    pairs : pairs of measured variables.
    apart : of these, joined by no arrow and separable by measured variables; `mistrusted` of them only by one whose recording is at fault.
    joined : joined by an arrow at some lag.
    within : whether authorities are compared with themselves.
    """

    tested: tuple[Claim, ...]
    pairs: int
    apart: int
    mistrusted: int
    joined: int
    within: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ImpliedIndependence:
    """Test every conditional independence that the graph implies among measured variables.

    Parameters
    ----------
    powers : of each variable held fixed, the powers that enter; 1 is a straight line, 2 adds squares.
    """

    family: ClassVar[Family] = "bias"
    role: ClassVar[Role | None] = None
    label: ClassVar[str] = "what the graph calls unrelated"
    catches: ClassVar[str] = "missing_arrow"

    powers: int = 2

    def __post_init__(self) -> None:
        whole_number("implied_independence.powers", self.powers, 1)

    @property
    def name(self) -> str:
        """Its name on the shelf."""
        return "implied_independence"

    def unmet(self, setting: Setting) -> str | None:
        """What it lacks here."""
        if setting.graph is None:
            return "the graph is not at hand"
        made = implied(setting.graph, setting.panel, setting.question.treatment, setting.question.lag)
        return None if made.tested else _nothing(made)

    def refute(self, trial: Trial, rng: np.random.Generator) -> Refutation:
        """Try to refute the graph that the question was identified by.

        Parameters
        ----------
        trial : with a graph that makes claims these data can test.
        rng : not used.
        """
        level = 1 - trial.question.level
        report = reporting(
            self,
            asks="Do treatment and outcome owe nothing to what the graph joins them to by no arrow, once what separates them is held fixed?",
            expected=f"No dependence beyond chance in any such pair, all judged together at the {level:.0%} level.",
            detects="A missing arrow, an arrow drawn the wrong way round, or a common cause left out, where the graph as drawn makes a claim that these break.",
            cannot_detect="Arrows drawn that are not there; faults about which the graph makes no testable claim (a cause of treatment and outcome that nobody "
            "measured, between variables that an arrow joins already); dependence without a straight-line part.",
        )
        if trial.graph is None:
            return not_run(report, "the graph is not at hand")
        made = implied(trial.graph, trial.panel, trial.question.treatment, trial.question.lag)
        if not made.tested:
            return not_run(report, _nothing(made), numbers=_counts(made, 0))
        rows = Rows(trial.panel, trial.graph, within=made.within, powers=self.powers)
        findings = [one for one in map(rows.test, made.tested) if one is not None]
        if not findings:
            return not_run(report, "no claim could be tested: too few complete rows, or variables told by what is held fixed", numbers=_counts(made, 0))
        labels = {node.name: node.label for node in trial.graph.nodes}
        mine = bearing(trial.graph, trial.question.treatment, trial.question.outcome)
        judged, apart = (_judged([one for one in findings if mine(one.claim) is bears]) for bears in (True, False))
        doubts, elsewhere = ([(p, one) for p, one in some if p < level] for some in (judged, apart))
        aside = f" {_elsewhere(_pairs(elsewhere), labels)}" if elsewhere else ""
        counts = _counts(made, len(findings)) | {"broken elsewhere": float(len(elsewhere))}
        if not judged:
            why = "none of the graph's claims that could be tested is about the treatment, the outcome and what comes before them"
            return not_run(report, why, found=f"Not run: {why}.{aside}", numbers=counts)
        survived = not doubts
        # what was found is conditioned on; where nothing was, what came nearest to it
        bias = moved_by(trial, _beyond(trial, [one for _, one in doubts or judged[:1]])) if trial.linear or doubts else Bias()
        if doubts:
            text = "; ".join(_doubt(one, p, labels) for p, one in _pairs(doubts)[:SHOWN])
            more = len(_pairs(doubts)) - SHOWN
            words = f"In doubt: {text}" + (f"; and {count(more, 'more pair')}" if more > 0 else "") + "."
        else:
            p, one = judged[0]
            words = (
                f"None of {count(len(judged), 'independence')} that the answer rests on is broken beyond chance; nearest to it {_named(one.claim, labels)} "
                f"(partial correlation {one.correlation:+.2f}, {p_text(p)} over all)."
            )
        return report(
            found=f"{words}{aside} {_scope(made, len(findings))}",
            p_value=judged[0][0],
            level=level,
            bias=bias.size,
            bias_error=bias.error,
            survived=survived,
            numbers=counts
            | {"broken": float(len(doubts)), "strongest partial correlation": max(abs(one.correlation) for _, one in judged)}
            | {f"{one.claim.one} and {one.claim.other}": one.correlation for _, one in doubts},
        )


def _beyond(trial: Trial, found: Sequence[Finding]) -> list[str]:
    """What the claims tie the treatment or the outcome to, dated from the outcome's year as an adjustment set names it.

    Parameters
    ----------
    trial : the answer under examination.
    found : claims about treatment or outcome; a claim about both together names nothing that could be conditioned on.
    """
    question = trial.question
    ends = {question.treatment: -question.lag, question.outcome: 0}
    names = []
    for one in found:
        other, by = undated(one.claim.other)
        if (one.claim.one in ends) == (other in ends):
            continue
        name, year = (other, ends[one.claim.one] + by) if one.claim.one in ends else (one.claim.one, ends[other] - by)
        names.append(name if trial.panel.variable(name).varies == "authority" else dated(name, year))
    return names


def bearing(graph: Graph, treatment: str, outcome: str) -> Callable[[Claim], bool]:
    """Whether an effect rests on a claim: what the treatment and the outcome owe nothing to, of all that comes before the treatment's effects."""
    ends = {treatment, outcome}
    after = nx.descendants(graph.summary, treatment) - ends

    def mine(claim: Claim) -> bool:
        pair = {claim.one, undated(claim.other)[0]}
        return bool(pair & ends) and not pair & after

    return mine


def implied(graph: Graph, panel: Panel, treatment: str, lag: int) -> Claims:
    """One claim for each separable pair of measured variables, in the same year and `lag` years apart both ways.

    Every later step reads the panel; this one asks only which columns there are, and which are recorded at fault.
    """
    columns = {variable.name: variable for variable in panel.variables}
    have = frozenset(node.name for node in graph.nodes if node.measured and node.name in columns)
    sound = frozenset(name for name in have if not columns[name].caution)
    return _implied(graph, have, sound, treatment, lag, len(panel.years) > 1)


@lru_cache(maxsize=16)
def _implied(graph: Graph, have: frozenset[str], sound: frozenset[str], treatment: str, lag: int, yearly: bool) -> Claims:
    world = World(graph=graph, have=have, treatment=treatment, yearly=yearly)
    arrows = {frozenset((arrow.cause, arrow.effect)) for arrow in graph.arrows}
    apart = mistrusted = joined = 0
    tested: list[Claim] = []
    shifts = (0, -lag, lag) if lag and yearly else (0,)
    for a, b in combinations(world.variables, 2):
        joined += frozenset((a, b)) in arrows
        if frozenset((a, b)) in arrows:
            continue
        ways = {sure: world.claims(a, b, shifts, sound if sure else have) for sure in (True, False)}
        apart += bool(ways[False])
        mistrusted += bool(ways[False]) and not ways[True]
        tested += ways[True]
    number = len(world.variables)
    return Claims(tested=tuple(tested), pairs=number * (number - 1) // 2, apart=apart, mistrusted=mistrusted, joined=joined, within=world.within)


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """The graph written out year by year, around the year called 0, with what lasts in each variable's own shocks.

    Parameters
    ----------
    have : nodes with a column.
    treatment : a state, whose own past is part of what it is.
    yearly : whether there is more than one year.
    """

    graph: Graph
    have: frozenset[str]
    treatment: str
    yearly: bool
    drawn: nx.DiGraph = field(init=False)
    dag: Dag = field(init=False)
    reach: int = field(init=False)

    def __post_init__(self) -> None:
        longest = max([0, *(arrow.lag for arrow in self.graph.arrows)])
        reach = 2 * longest + 2 if self.yearly or longest else 0
        once = self.once
        drawn = self.graph.unroll(back=2 * reach)
        drawn = nx.relabel_nodes(drawn, {name: dated(undated(name)[0], undated(name)[1] + reach) for name in drawn if name not in once})
        if self.yearly:
            for name in sorted({node.name for node in self.graph.nodes} - once):
                drawn.add_edges_from((f"shocks of {name}", dated(name, year)) for year in range(-reach, reach + 1))
            if self.treatment not in once:
                drawn.add_edges_from((dated(self.treatment, year - 1), dated(self.treatment, year)) for year in range(-reach + 1, reach + 1))
        object.__setattr__(self, "drawn", drawn)
        object.__setattr__(self, "dag", Dag.of(drawn))
        object.__setattr__(self, "reach", reach)

    @property
    def once(self) -> frozenset[str]:
        """Names that bear no date."""
        return frozenset(node.name for node in self.graph.nodes if node.varies != "both")

    @property
    def within(self) -> bool:
        """Whether authorities are compared with themselves."""
        return self.yearly and "authority" in self.once

    @property
    def absorbed(self) -> frozenset[str]:
        """What is conditioned on always: authority and year as far as there is more than one year; without that, the one year there is."""
        known = set(PLACE_AND_TIME) if self.yearly else {"year"}
        return frozenset(known & self.once)

    @property
    def variables(self) -> tuple[str, ...]:
        """Measured nodes that can be tested, in the graph's order: those that vary once `absorbed` is conditioned on."""
        return tuple(
            node.name
            for node in self.graph.nodes
            # what varies by authority alone is told by authority effects, and what varies by year alone by those of the year
            if node.name in self.have and node.name not in PLACE_AND_TIME and node.varies not in self.absorbed
        )

    def claims(self, a: str, b: str, shifts: tuple[int, ...], sound: Iterable[str]) -> tuple[Claim, ...]:
        """What the graph says of two variables, by the smallest set; empty where nothing that is `sound` separates them.

        Parameters
        ----------
        a, b : names of two variables.
        shifts : years from the one to the other.
        sound : names that may stand in a separating set.
        """
        if self.within:
            ways = [(one, other, self.separated(one, self.dates(other), sound)) for one, other in ((a, b), (b, a))]
            good = [(one, other, given) for one, other, given in ways if given is not None]
            if not good:
                return ()
            one, other, given = min(good, key=lambda way: (len(way[2]), way[0]))
            return tuple(Claim(one=one, other=dated(other, by), given=given) for by in shifts)
        found = []
        for by in shifts if b not in self.once else (0,):
            alone = self.separated(a, frozenset({dated(b, by)}), sound)
            if alone is not None:
                found.append(Claim(one=a, other=b if b in self.once else dated(b, by), given=alone))
        return tuple(found)

    def separated(self, one: str, others: frozenset[str], sound: Iterable[str]) -> tuple[str, ...] | None:
        """A smallest set that separates `one` in year 0 from all `others`, and within authorities from its own other years too; sorted.

        Parameters
        ----------
        one : a name.
        others : dated names.
        sound : names that may stand in the set.

        Returns
        -------
        names : None where no set separates them.
        """
        back = -max([1, *(arrow.lag for arrow in self.graph.arrows)]) if self.yearly else 0
        usable = {name if name in self.once else dated(name, year) for name in sound for year in range(back, 1)} - {one}
        beyond = set(others)
        for _ in range(MOST_TRIES):
            allowed = [name for name in (usable - beyond) | self.absorbed if name in self.dag]
            given = self.dag.least_parting(one, beyond, self.absorbed, allowed)
            if given is None:
                return None
            if not self.within:
                return tuple(sorted(given - self.absorbed))
            more = {date for name in given if name not in self.once for date in self.dates(undated(name)[0])} - given - {one}
            if more <= beyond:
                return tuple(sorted(given - self.absorbed))
            beyond |= more
        return None

    def dates(self, name: str) -> frozenset[str]:
        """The variable in every year of the window."""
        return frozenset({name} if name in self.once else {dated(name, year) for year in range(-self.reach, self.reach + 1)})


def _judged(findings: Sequence[Finding]) -> list[tuple[float, Finding]]:
    """Each with its adjusted p-value, the surest doubt first."""
    adjusted = holm([one.p_value for one in findings]) if findings else []
    return sorted(zip(adjusted, findings, strict=True), key=lambda pair: (pair[0], -abs(pair[1].t)))


def _elsewhere(doubts: list[tuple[float, Finding]], labels: dict[str, str]) -> str:
    """Broken claims that say nothing against the answer, and something against the drawing."""
    text = listed([f"{_named(one.claim, labels)} (partial correlation {one.correlation:+.2f})" for _, one in doubts[:SHOWN]])
    return f"Elsewhere the drawing lacks something, on which the answer does not rest: {text}."


def _pairs(doubts: list[tuple[float, Finding]]) -> list[tuple[float, Finding]]:
    """The surest doubt of each pair, whatever its years."""
    first: dict[frozenset[str], tuple[float, Finding]] = {}
    for p, one in doubts:
        first.setdefault(frozenset((one.claim.one, undated(one.claim.other)[0])), (p, one))
    return list(first.values())


def _named(claim: Claim, labels: dict[str, str]) -> str:
    bare, by = undated(claim.other)
    when = "" if not by else f" {count(abs(by), 'year')} {'before' if by < 0 else 'after'}"
    return f"{labels[claim.one]} and {labels[bare]}{when}"


def _doubt(one: Finding, p_value: float, labels: dict[str, str]) -> str:
    given = sorted({labels[undated(name)[0]] for name in one.claim.given})
    through = f", or one of their arrows to {listed(given)} drawn the wrong way round" if given else ""
    return (
        f"an arrow between {_named(one.claim, labels)} is missing, or a cause of both{through} "
        f"(partial correlation {one.correlation:+.2f}, {p_text(p_value)} over all)"
    )


def _scope(made: Claims, tested: int) -> str:
    words = (
        f"The graph implies {count(tested, 'testable independence')} for {made.apart - made.mistrusted} of {count(made.pairs, 'pair')} of measured variables"
    )
    left = [f"{made.joined} are joined by an arrow"] if made.joined else []
    if beyond := made.pairs - made.joined - made.apart:
        left.append(f"{beyond} are separated by nothing measured that can be held fixed {'within authorities' if made.within else 'here'}")
    if made.mistrusted:
        left.append(f"{made.mistrusted} only by something recorded with a known fault, and were skipped")
    return f"{words}" + (f"; {listed(left)}." if left else ".") + " A claim that was not broken is not proved."


def _nothing(made: Claims) -> str:
    if made.mistrusted:
        return f"the graph's independences ({made.apart}) all rest on variables recorded with a known fault"
    return f"the graph implies no independence among measured variables that can be tested ({count(made.pairs, 'pair')}), so these data cannot falsify it"


def _counts(made: Claims, tested: int) -> dict[str, float | None]:
    return {
        "independences tested": float(tested),
        "pairs of measured variables": float(made.pairs),
        "pairs joined by an arrow": float(made.joined),
        "pairs separated": float(made.apart),
        "pairs skipped for a fault in recording": float(made.mistrusted),
    }
