"""Back-door adjustment sets: which sets of names close every back door, and which of them is taken.

Of all valid sets one is taken by a preference that is stated beforehand and comes from the graph alone: with `authority` and `year` where such a set is
valid and none can spare `authority` (a deleted arrow is obeyed), then the graph's optimal set (Henckel, Perković & Maathuis 2022, Graphical criteria for
efficient total effect estimation), then the fewest names, then the fewest that reach the outcome only through the treatment (by the same paper they cost
precision and gain nothing), then names in order.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from importlib.metadata import version
from pathlib import Path

import networkx as nx

from causal.graph import Graph, dated
from causal.identification import PLACE_AND_TIME
from causal.kept import content_of, keep, store
from causal.question import Question
from causal.separation import Dag

# every subset of the candidates is tried, by DoWhy on graphs of some dozen arrows and by ourselves on larger ones, where DoWhy would take minutes
MOST_CANDIDATES = 14
MOST_KEPT = 500  # DoWhy's answers in the cache, some kilobytes each, the newest
MOST_WALKED = 1_000_000  # subsets × arrows that DoWhy walks in some seconds


def candidates_for(question: Question, graph: Graph, relevant: nx.DiGraph, later: set[str], unmeasured: set[str]) -> list[str]:
    """One date for each measured variable: the treatment's year if the treatment does not move it, else the year before.

    Parameters
    ----------
    question, graph : as for `identify`.
    relevant : the dated graph of what causes treatment or outcome.
    later : dated names that the treatment moves.
    unmeasured : names without a column.
    """
    names = []
    moved = nx.descendants(graph.summary, question.treatment) | {question.treatment}  # at any delay at all
    for node in graph.nodes:
        if node.name in unmeasured or node.name == question.treatment:
            continue
        if node.varies != "both":
            names.append(node.name)
            continue
        same, before = dated(node.name, -question.lag), dated(node.name, -question.lag - 1)
        cause = same in relevant and same not in later and same != dated(question.outcome, 0)
        # the treatment's own year only where the graph makes it a cause: nothing it may have moved is ever held fixed
        names.append(same if cause and node.name != question.outcome and node.name not in moved else before)
    return sorted(names)


def valid_sets(relevant: nx.DiGraph, dag: Dag, treatment: str, outcome: str, candidates: list[str]) -> tuple[tuple[tuple[str, ...], ...], bool]:
    """Every valid back-door set among the candidates, fewest names first; of too many candidates the largest, one that can spare nothing, and that with place
    and time.

    All nodes are ancestors of treatment or outcome, so that some set closes every back door only if that of all candidates which the treatment does not
    move does (van der Zander, Liśkiewicz & Textor 2019).

    Parameters
    ----------
    relevant, dag : the dated graph of what causes treatment or outcome, twice.
    treatment, outcome : dated names.
    candidates : dated names that may be adjusted for.
    """
    without, moved = dag.without_effects([treatment]), dag.descendants([treatment])
    able = sorted((name for name in candidates if name not in moved), key=lambda n: (n in PLACE_AND_TIME, n))
    exhaustive = len(candidates) <= MOST_CANDIDATES
    smallest = without.parting(treatment, outcome, able)
    if smallest is None:
        return (), exhaustive
    if not exhaustive:
        place = set(PLACE_AND_TIME) & set(candidates)
        sets = {tuple(sorted(one)) for one in (able, smallest, {*smallest, *place})}
        sets = {one for one in sets if without.apart([treatment], [outcome], one)}
    elif 2 ** len(able) * relevant.number_of_edges() > MOST_WALKED:
        sets = {tuple(sorted(one)) for one in without.partings(treatment, outcome, able)}
    else:
        sets = _by_dowhy(relevant, without, treatment, outcome, candidates)
    return tuple(sorted(sets, key=lambda one: (len(one), one))), exhaustive


def _by_dowhy(relevant: nx.DiGraph, without: Dag, treatment: str, outcome: str, candidates: list[str]) -> set[tuple[str, ...]]:
    """DoWhy's valid sets, or what it said of the very same question before: asking it takes seconds, most of them to import it.

    Parameters
    ----------
    relevant : the unrolled graph.
    without : the same without the arrows out of the treatment.
    treatment, outcome, candidates : dated names.
    """
    made_of = {
        "arrows": sorted(relevant.edges),
        "nodes": sorted(relevant),
        "treatment": treatment,
        "outcome": outcome,
        "candidates": sorted(candidates),
        "versions": {name: version(name) for name in ("dowhy", "networkx")},
    }
    folder = store()
    key = hashlib.sha256(json.dumps(made_of, sort_keys=True).encode()).hexdigest()
    entry = None if folder is None else folder / f"identify-{key[:40]}.json"
    if entry is not None and (known := _remembered(entry, made_of)) is not None and all(without.apart([treatment], [outcome], one) for one in known):
        return known
    # DoWhy takes seconds to import, so it waits for the one function that needs it
    from dowhy.causal_identifier.auto_identifier import BackdoorAdjustment, identify_backdoor

    found = identify_backdoor(relevant, [treatment], [outcome], [*candidates, treatment, outcome], BackdoorAdjustment.BACKDOOR_EXHAUSTIVE)
    sets = {tuple(sorted(one.get_adjustment_variables())) for one in found}
    if entry is not None:
        keep(entry, json.dumps({"made_of": made_of, "sets": sorted(sets)}).encode(), of_a_kind="identify-*.json", most=MOST_KEPT)
    return sets


def _remembered(entry: Path, made_of: Mapping[str, object]) -> set[tuple[str, ...]] | None:
    """The sets of an entry that is whole and of the very same question; None where there is none."""
    content = content_of(entry)
    try:
        plain = json.loads(content or b"null")
        if not isinstance(plain, dict) or plain["made_of"] != json.loads(json.dumps(made_of)):
            return None
        sets = {tuple(one) for one in plain["sets"]}
    except (ValueError, KeyError, TypeError, RecursionError):
        return None  # signed anew by somebody who does not know the layout
    return sets if all(set(one) <= set(plain["made_of"]["candidates"]) for one in sets) else None


def optimal_set(graph: nx.DiGraph, treatment: str, outcome: str) -> tuple[str, ...]:
    """Parents of the causal nodes that are neither these nor moved by them (Henckel and others 2022, definition 3.8).

    Parameters
    ----------
    graph : dated.
    treatment, outcome : dated names.
    """
    causal = (nx.descendants(graph, treatment) & (nx.ancestors(graph, outcome) | {outcome})) - {treatment}
    forbidden = {treatment} | nx.descendants(graph, treatment)  # what the causal nodes move, the treatment moves
    return tuple(sorted({p for c in causal for p in graph.predecessors(c)} - forbidden))


def preferred(valid: tuple[tuple[str, ...], ...], optimal: tuple[str, ...], causes: set[str]) -> tuple[tuple[str, ...] | None, str]:
    """The preferred set and why it is; None and why there is none.

    Parameters
    ----------
    valid : sets, fewest names first.
    optimal : the graph's optimal set, valid or not.
    causes : names that reach the outcome by some way other than through the treatment.
    """
    if not valid:
        return None, "no set of measured variables closes every back door"
    both = [one for one in valid if set(PLACE_AND_TIME) <= set(one)]
    spared = [one for one in valid if "authority" not in one]
    if both and spared:
        # by this graph nothing lasting about a place needs to be conditioned on beside what is
        with_year = [one for one in spared if "year" in one]
        pool, where = (with_year or spared), f"the graph can spare authority{'; with year' if with_year else ''}"
    else:
        pool, where = (both, "with authority and year") if both else (list(valid), "no valid set holds both authority and year")
    if optimal in pool:
        return optimal, f"{where}; the graph's optimal set"
    best = min(pool, key=lambda one: (len(one), sum(name not in causes for name in one), one))
    return best, f"{where}; fewest names, then fewest that reach the outcome only through the treatment, then names in order"


def spareable(valid: tuple[tuple[str, ...], ...], chosen: tuple[str, ...], once: set[str]) -> tuple[str, ...]:
    """What changes in time and can go from a set that holds places fixed: up to the valid set within it that has fewest such names, all else kept.

    Parameters
    ----------
    valid, chosen : valid sets, and the preferred one.
    once : names of what does not change in time.
    """
    if "authority" not in chosen:
        return ()
    kept = {name for name in chosen if name in once or name in PLACE_AND_TIME}
    within = [set(one) for one in valid if kept <= set(one) <= set(chosen)]
    least = min(within, key=lambda one: (len(one), sorted(one)), default=set(chosen))
    return tuple(sorted(set(chosen) - least))


def precise(valid: tuple[tuple[str, ...], ...], optimal: tuple[str, ...], candidates: Iterable[str], *, lasting: bool) -> tuple[tuple[str, ...], str]:
    """Of a treatment decided by lot the set that makes the answer most precise, since what the lots were drawn within closes every back door.

    Parameters
    ----------
    valid, optimal, candidates : sets and names.
    lasting : whether the treatment does not change within a place, so that places cannot be compared with themselves.
    """
    measured = tuple(name for name in optimal if name in set(candidates) and not (lasting and name == "authority"))
    if measured in valid:
        return measured, "decided by lot; what moves the outcome is held fixed, which makes the answer more precise and changes nothing else"
    return valid[0], "decided by lot; fewest names that hold fixed what the lots were drawn within"


def held_in_between(question: Question, graph: Graph, whole: Dag, later: set[str], chosen: tuple[str, ...], unmeasured: set[str]) -> tuple[str, ...]:
    """Causes of treatment and outcome that the treatment does not move, dated after the treatment's year and up to the outcome's.

    Without them the outcome's error holds what moves the treatments of other rows of the same authority, which absorbing it sets beside each other.

    Parameters
    ----------
    question, graph : as for `identify`.
    whole : the dated graph.
    later : dated names that the treatment moves.
    chosen : a valid back-door set.
    unmeasured : names without a column.
    """
    if not set(PLACE_AND_TIME) <= set(chosen):
        return ()
    treatment, outcome = dated(question.treatment, -question.lag), dated(question.outcome, 0)
    without = whole.without_effects([treatment])
    # what reaches the outcome by some way other than through the treatment of any year
    moves = whole.without(name for years in range(question.lag + 1) if (name := dated(question.treatment, -years)) in whole).ancestors([outcome])
    causes = nx.ancestors(graph.summary, question.treatment)
    moved = nx.descendants(graph.summary, question.treatment)
    found: list[str] = []
    for node in graph.nodes:
        if node.varies != "both" or node.name in unmeasured or node.name in (question.treatment, question.outcome):
            continue
        if node.name not in causes or node.name in moved:
            continue
        for years in range(question.lag - 1, -1, -1):
            name = dated(node.name, -years)
            if name in moves and name not in later and without.apart([treatment], [outcome], [one for one in (*chosen, *found, name) if one in whole]):
                found.append(name)
    return tuple(found)


def minimal(valid: tuple[tuple[str, ...], ...]) -> tuple[tuple[str, ...], ...]:
    """Valid sets none of whose members can be spared."""
    kept: list[tuple[str, ...]] = []
    for one in valid:
        if not any(set(other) < set(one) for other in kept):
            kept.append(one)
    return tuple(kept)
