"""From a question and a graph to what must be adjusted for: the room that knows DoWhy's identification.

The graph is unrolled through the years between treatment and outcome and handed to DoWhy, which lists
the valid back-door sets (Pearl 2009, Causality, ch. 3); `causal.adjustment` says which of them is taken.

The treatment is a state (a share of centres closed). Its own past is left out of the unrolled graph:
what was closed earlier acts through what is closed now. This is an assumption, and is printed as one.

A back door is closed for one year's treatment, yet fixed effects compare all years at once: what moves the outcome and a *later*
treatment must be conditioned on as well (strict exogeneity; Wooldridge 2010, Econometric Analysis of Cross Section and Panel Data, sec. 10.2).
Where the treatment comes before the outcome, such causes are conditioned on in the years between too.

An estimator may know a covariate by its value in one year alone (one row an authority; the year before adoption). What was out of the ordinary in that year
returns to a place's own level, so that places alike in it drift apart (Daw & Hatfield 2018, Matching and regression to the mean in
difference-in-differences analysis). What changes in time and can be spared, since another valid set lies within the preferred one, is then left out.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import combinations

import networkx as nx

from causal.adjustment import candidates_for, held_in_between, minimal, optimal_set, precise, preferred, spareable, valid_sets
from causal.errors import ConfigError, GraphError, refusal, suggest
from causal.graph import Graph, dated, undated
from causal.identification import PLACE_AND_TIME, Cutoff, Identification, Instrument, Strategy
from causal.question import Question
from causal.separation import Dag
from causal.words import count

MOST_NODES, MOST_ARROWS = 1_500, 60_000  # of a graph written out year by year
MOST_FRONTDOOR = 8  # measured mediators; beyond that no front-door set is looked for


def identify(
    question: Question,
    graph: Graph,
    *,
    measured: Iterable[str],
    adjust_for: Iterable[str] | None = None,
    strategy: Strategy = "backdoor",
    one_year: bool = False,
) -> Identification:
    """Find what must be adjusted for to answer the question with what is measured.

    Parameters
    ----------
    question : treatment, outcome and lag.
    graph : what moves what; lags are unrolled over years.
    measured : names of the panel's columns; a node without one counts as unmeasured. `authority` and `year` are always known.
    adjust_for : an adjustment set that the evaluator forces; undated names take the treatment's date.
    strategy : what the estimator rests on; "iv" adjusts for what makes the first instrument valid, "frontdoor" and "discontinuity" for nothing, "series" for
        all that "backdoor" does but place and year, for which the series' own past stands.
    one_year : whether the estimator knows covariates by their value in one year alone; what the set can spare of them is then left out.

    Raises
    ------
    GraphError : treatment or outcome is no node, or a forced control is no column or is what the question is about.
    ConfigError : a treatment dated after the outcome.
    """
    if question.lag < 0:
        raise refusal(ConfigError, "question.lag", "0 or more, since a treatment cannot move an earlier outcome", f"{question.lag}", "write  question.lag=1")
    columns = set(measured)
    known = columns | set(PLACE_AND_TIME)
    for name in (question.treatment, question.outcome):
        graph.node(name)
    once = {node.name for node in graph.nodes if node.varies != "both"}
    unmeasured = tuple(sorted(node.name for node in graph.nodes if node.name not in known or not node.measured))
    treatment, outcome = dated(question.treatment, -question.lag), dated(question.outcome, 0)
    if question.treatment in once:
        treatment = dated(question.treatment, 0)
    unrolled = _unroll(question, graph)
    whole = Dag.of(unrolled)
    later = nx.descendants(unrolled, treatment)
    relevant = unrolled.subgraph(nx.ancestors(unrolled, outcome) | nx.ancestors(unrolled, treatment) | {treatment, outcome}).copy()
    dag = Dag.of(relevant)
    candidates = [name for name in candidates_for(question, graph, relevant, later, set(unmeasured)) if name in relevant]

    valid, exhaustive = valid_sets(relevant, dag, treatment, outcome, candidates)
    summary = graph.summary
    mediators = sorted((nx.descendants(summary, question.treatment) & nx.ancestors(summary, question.outcome)) - {question.treatment, question.outcome})
    descendants = sorted(nx.descendants(summary, question.treatment) - {question.treatment})
    feedback = nx.has_path(summary, question.outcome, question.treatment)
    no_path = outcome not in later
    optimal = optimal_set(relevant, treatment, outcome)
    lot = graph.node(question.treatment).lot
    chosen, because = preferred(valid, optimal, dag.without([treatment]).ancestors([outcome]))
    if lot and valid:
        chosen, because = precise(valid, optimal, candidates, lasting=question.treatment in once)
    spared = () if lot or chosen is None or adjust_for is not None or strategy != "backdoor" else spareable(valid, chosen, once)
    if one_year and spared and chosen is not None:
        chosen = tuple(name for name in chosen if name not in spared)
        because = f"{because}; of what the estimator knows in one year alone, all that can be spared is left out, since places alike in it drift apart again"
    warnings: list[str] = []
    forced: tuple[str, ...] = ()
    sufficient = True
    if adjust_for is not None:
        forced = tuple(sorted(_date_forced(name, question, graph, columns, once) for name in adjust_for))
        chosen, because = forced, "forced by the evaluator"
        usable = {name for name in forced if name in whole}
        sufficient = not usable & later and whole.without_effects([treatment]).apart([treatment], [outcome], usable)
        warnings += _judge_forced(forced, valid, graph, whole, later, treatment, outcome)
    if no_path:
        warnings.append(
            f"the graph has no directed path from {question.treatment} to {question.outcome} within {question.lag} years: it already says there is no effect"
        )
    if feedback:
        warnings.append(
            f"strict exogeneity fails: the graph lets {question.outcome} move a later {question.treatment}, "
            "which biases estimators that absorb authority effects"
        )
    instruments = _instruments(dag, treatment, outcome, candidates, chosen, lasting=question.treatment in once)
    frontdoor = _frontdoor(dag, treatment, outcome, set(unmeasured))
    if strategy == "iv" and not forced:
        chosen, because = (
            (instruments[0].given, f"what makes {instruments[0].name} a valid instrument") if instruments else (None, "the graph has no instrument")
        )
    elif strategy == "frontdoor" and not forced:
        chosen, because = ((), f"the front door is {', '.join(frontdoor)}") if frontdoor else (None, "the graph has no front door")
    cutoffs = _cutoffs(question, graph, whole, later, treatment, outcome, set(unmeasured))
    if strategy == "discontinuity" and not forced:
        chosen, because = ((), f"{question.treatment} jumps where {cutoffs[0].name} crosses {cutoffs[0].at:g}") if cutoffs else (None, NO_CUTOFF)
    elif strategy == "series" and not forced and chosen is not None:
        chosen = tuple(name for name in chosen if name not in PLACE_AND_TIME)
        because = "the series' own past stands for place and year"
    if strategy == "discontinuity" and forced:
        chosen = forced if cutoffs else None
        sufficient = not any(name in later for name in forced)
        warnings = [one for one in warnings if "leaves a back door open" not in one]
    elif strategy != "backdoor":
        sufficient = True  # an open back door is what these are for
    elif chosen and not forced:
        between = held_in_between(question, graph, whole, later, chosen, set(unmeasured))
        if between and not lot:
            spared = tuple(sorted({*spared, *between}))  # the set was valid without them
        if between and not one_year:
            chosen, because = tuple(sorted({*chosen, *between})), f"{because}; what also moves a later treatment is held fixed in the years between too"
    if strategy == "iv":
        lot = graph.node(undated(instruments[0].name)[0]).lot if instruments else ""
    identified = chosen is not None
    allowed = {"backdoor": valid, "iv": instruments, "frontdoor": frontdoor, "discontinuity": cutoffs}
    strategies = tuple(name for name, there in allowed.items() if there)
    by_year = tuple(sorted(name for name in chosen or () if name in once and name not in PLACE_AND_TIME and graph.by_year(name)))
    return Identification(
        identified=identified,
        strategies=strategies,
        adjust_for=chosen or (),
        chosen_because=because,
        minimal=minimal(valid),
        valid=valid,
        exhaustive=exhaustive,
        instruments=instruments,
        frontdoor=frontdoor,
        mediators=tuple(mediators),
        descendants=tuple(descendants),
        by_year=by_year,
        unmeasured=unmeasured,
        feedback=feedback,
        forced=forced,
        blocked_by=() if identified or strategy != "backdoor" else _blocked_by(graph, dag, treatment, outcome, later, known - set(unmeasured)),
        assumptions=_assumptions(question, graph, chosen, by_year, unmeasured, mediators, feedback, lot if strategy == "backdoor" else "")
        if strategy not in OWN_WORDS
        else _assumed(strategy, question, graph, cutoffs, unmeasured, mediators),
        warnings=tuple(warnings),
        sufficient=sufficient,
        strategy=strategy,
        cutoffs=cutoffs,
        confounded_mediators=_confounded_mediators(whole, [name for name in mediators if name not in unmeasured], question, treatment, outcome, chosen or ()),
        lot=lot,
        spared=spared,
    )


def held_between(question: Question, graph: Graph, chosen: tuple[str, ...], *, measured: Iterable[str]) -> tuple[str, ...]:
    """A valid back-door set with what also moves a later treatment held fixed in the years between, as `identify` does for the one it chooses; sorted.

    Parameters
    ----------
    question, graph : as for `identify`.
    chosen : a valid back-door set, dated names.
    measured : as for `identify`.
    """
    known = {*measured, *PLACE_AND_TIME}
    unmeasured = {node.name for node in graph.nodes if node.name not in known or not node.measured}
    whole = Dag.of(_unroll(question, graph))
    once = {node.name for node in graph.nodes if node.varies != "both"}
    later = whole.descendants([question.treatment if question.treatment in once else dated(question.treatment, -question.lag)])
    return tuple(sorted({*chosen, *held_in_between(question, graph, whole, later, chosen, unmeasured)}))


def _unroll(question: Question, graph: Graph) -> nx.DiGraph:
    """The years from one before the treatment to the outcome; the treatment's own past is left out (see above)."""
    timeless = question.lag == 0 and all(arrow.lag == 0 for arrow in graph.arrows)
    back = 0 if timeless else max(question.lag, 0) + max([1, *(arrow.lag for arrow in graph.arrows)])
    size = [number * (back + 1) for number in (len(graph.nodes), len(graph.arrows))]
    if size[0] > MOST_NODES or size[1] > MOST_ARROWS:
        raise refusal(
            GraphError,
            f"graph {graph.name!r}",
            f"at most {MOST_NODES:,} nodes and {MOST_ARROWS:,} arrows once it is written out year by year",
            f"{size[0]:,} and {size[1]:,} ({count(len(graph.nodes), 'node')} and {count(len(graph.arrows), 'arrow')} in each of {back + 1} years)",
            "leave out what does not bear on the question, or take a shorter question.lag",
        )
    unrolled = graph.unroll(back=back)
    unrolled.remove_nodes_from([dated(question.treatment, -year) for year in range(question.lag + 1, back + 1)])
    return unrolled


def _instruments(dag: Dag, treatment: str, outcome: str, candidates: list[str], chosen: tuple[str, ...] | None, *, lasting: bool) -> tuple[Instrument, ...]:
    """Conditional instruments (Brito & Pearl 2002, Generalized instrumental variables), which DoWhy does not look for.

    Tried for each candidate: nothing held fixed, then authority and year, then the chosen set, and where none of these serves every admissible set: if
    any set of what is measured parts the candidate from the outcome once the treatment's arrows are gone, their measured ancestors do (van der Zander, Textor &
    Liśkiewicz 2015, Efficiently finding conditional instruments for causal inference). Those found last stand last.
    """
    without = dag.without_effects([treatment])
    place = tuple(sorted(set(PLACE_AND_TIME) & set(candidates)))
    later = dag.descendants([treatment])
    rest = [one for one in candidates if one not in later]
    known: dict[tuple[str, ...], tuple[set[str], set[str]]] = {}

    def serves(name: str, fixed: tuple[str, ...]) -> bool:
        """Whether a candidate moves the treatment, and the outcome through it alone."""
        if fixed not in known:
            known[fixed] = dag.connected(treatment, fixed), without.connected(outcome, fixed)
        moving, open_to = known[fixed]
        return name in moving and name not in open_to

    found, searched = [], []
    for name in candidates:
        given: tuple[str, ...] | None
        if name in PLACE_AND_TIME:
            continue
        for given in dict.fromkeys([(), place, tuple(g for g in chosen or () if g in dag)]):
            if serves(name, fixed := tuple(sorted(set(given) - {name}))):
                found.append(Instrument(name=name, given=fixed))
                break
        else:
            if name in later:  # what the treatment moves is no instrument for it
                continue
            given = without.parting(name, outcome, rest, kept=PLACE_AND_TIME)
            # places tell a lasting treatment wholly
            if given is not None and not (lasting and "authority" in given) and not dag.apart([name], [treatment], given):
                searched.append(Instrument(name=name, given=tuple(sorted(given))))
    return (*found, *searched)


def _confounded_mediators(whole: Dag, mediators: list[str], question: Question, treatment: str, outcome: str, chosen: tuple[str, ...]) -> tuple[str, ...]:
    """Mediators, dated the year after the treatment, that share an open cause with the outcome once treatment and chosen set are conditioned on.

    The measured ones are moved as one block, so the arrows out of all of it are cut (Vansteelandt & Daniel 2017, Interventional effects for mediation
    analysis with multiple mediators, assumptions i to iii; the treatment's own are those of the back door).
    """
    dates = {name: dated(name, -max(question.lag - 1, 0)) for name in mediators}
    there = {name: node for name, node in dates.items() if node in whole}
    without = whole.without_effects(there.values())
    fixed = {one for one in (treatment, *chosen) if one in whole} - {outcome}
    return tuple(name for name, node in there.items() if not without.apart([node], [outcome], fixed - {node}))


NO_CUTOFF = "no arrow into the treatment jumps at a cutoff of something measured"
OWN_WORDS = ("discontinuity", "series")  # strategies whose assumptions are not those of a back door


def _cutoffs(question: Question, graph: Graph, whole: Dag, later: set[str], treatment: str, outcome: str, unmeasured: set[str]) -> tuple[Cutoff, ...]:
    """Running variables at whose cutoff the treatment jumps: every back door is closed there, as all else that they move goes on smoothly.

    Hahn, Todd & van der Klaauw 2001 (Identification and estimation of treatment effects with a regression-discontinuity design). A running variable that the
    treatment or the outcome moves can be chosen, and something else that jumps at the same value and leads to the outcome would be taken for the treatment.
    """
    found = []
    once = {node.name for node in graph.nodes if node.varies != "both"}
    through = whole.without([treatment])
    for arrow in graph.arrows:
        if arrow.effect != question.treatment or arrow.cutoff is None or arrow.cause in unmeasured:
            continue
        name = arrow.cause if arrow.cause in once else dated(arrow.cause, -question.lag - arrow.lag)
        others = [one.effect for one in graph.arrows if one.cause == arrow.cause and one.cutoff == arrow.cutoff and one.effect != question.treatment]
        jumps = {one for one in through.names if undated(one)[0] in others}
        leads = through.ancestors([outcome]) | {outcome}
        if name in later or undated(name)[0] == question.outcome or jumps & leads:
            continue
        found.append(Cutoff(name=name, at=float(arrow.cutoff)))
    return tuple(found)


def _assumed(
    strategy: str, question: Question, graph: Graph, cutoffs: tuple[Cutoff, ...], unmeasured: tuple[str, ...], mediators: list[str]
) -> tuple[str, ...]:
    """What must be true for an answer at a cutoff, or against a series' own past, in words."""
    label = {node.name: node.label for node in graph.nodes}
    treatment, outcome = label[question.treatment], label[question.outcome]
    if strategy == "series":
        said = [
            f"Without {treatment}, {outcome} would have gone on as it went before (level, slope and season), or as the comparison series went on.",
            f"Nothing else that moves {outcome} changed when {treatment} came, beside what is held fixed.",
        ]
    else:
        running = label[undated(cutoffs[0].name)[0]] if cutoffs else "the running variable"
        at = f"{cutoffs[0].at:g}" if cutoffs else "the cutoff"
        said = [
            f"All else that moves {outcome} goes on smoothly where {running} crosses {at}: just beyond and short of it places differ in {treatment} alone.",
            f"Nobody can choose to the unit on which side of {at} a place falls.",
            f"Nothing else that moves {outcome} is given or taken at {at}.",
        ]
    hidden = [name for name in unmeasured if name not in mediators]
    if hidden:
        said.append(f"Not measured, and not needed if that holds: {', '.join(label[name] for name in hidden)}.")
    return (*said, "One authority's treatment does not move another's outcome (no interference).")


def _frontdoor(dag: Dag, treatment: str, outcome: str, unmeasured: set[str]) -> tuple[str, ...]:
    """The first front-door set, fewest names first (Pearl 2009, definition 3.3.3).

    DoWhy looks for one too, but walks a set whose order changes with PYTHONHASHSEED, and all subsets of all descendants.
    """
    between = dag.descendants([treatment]) & dag.ancestors([outcome])
    measured = sorted(name for name in between if undated(name)[0] not in unmeasured)
    if len(measured) > MOST_FRONTDOOR:
        return ()
    unconfounded = dag.without_effects([treatment]).connected(treatment, ())
    for size in range(1, len(measured) + 1):
        for one in combinations(measured, size):
            if (
                outcome not in dag.without(one).descendants([treatment])
                and not unconfounded & set(one)
                and dag.without_effects(one).apart(one, [outcome], [treatment])
            ):
                return one
    return ()


def _blocked_by(graph: Graph, dag: Dag, treatment: str, outcome: str, later: set[str], have: set[str]) -> tuple[str, ...]:
    """The smallest addition to what is measured that would identify the effect, one or two names at most."""
    without = dag.without_effects([treatment])
    usable: dict[str, list[str]] = {}
    for name in dag.names:
        if name not in later and name not in (treatment, outcome):
            usable.setdefault(undated(name)[0], []).append(name)
    measured = [name for bare, names in usable.items() if bare in have for name in names]

    def way(extra: tuple[str, ...]) -> set[str] | None:
        """What is not measured along one open way; None where nothing is open any more."""
        path = without.way(treatment, outcome, [*measured, *(name for bare in extra for name in usable[bare])])
        return None if path is None else {undated(name)[0] for name in path} & (usable.keys() - have)

    # whatever closes all ways stands on this one
    first = way(())
    if first is None:
        return ()
    if alone := [one for one in first if way((one,)) is None]:
        return (min(alone),)
    pairs = [sorted((one, other)) for one in first for other in way((one,)) or () if way((one, other)) is None]
    return tuple(min(pairs, default=()))


def _date_forced(name: str, question: Question, graph: Graph, columns: set[str], once: set[str]) -> str:
    bare, by = undated(name)
    if bare == question.treatment or (bare, by if name != bare else -question.lag) == (question.outcome, 0):
        raise refusal(
            GraphError,
            "adjust_for",
            "what is beside the question",
            f"{name!r}, which is what the question is about",
            f"write an earlier outcome as {question.outcome}[{-question.lag - 1}]",
        )
    if bare not in columns and bare not in PLACE_AND_TIME:
        raise refusal(GraphError, "adjust_for", "a column", repr(bare), suggest(bare, columns | set(PLACE_AND_TIME)))
    if bare in once or bare in PLACE_AND_TIME:
        return bare
    return dated(bare, by if name != bare else -question.lag)


def _judge_forced(
    forced: tuple[str, ...], valid: tuple[tuple[str, ...], ...], graph: Graph, whole: Dag, later: set[str], treatment: str, outcome: str
) -> list[str]:
    """Say what the graph thinks of an evaluator's own adjustment set."""
    nodes = {node.name for node in graph.nodes}
    without, leads = whole.without_effects([treatment]), whole.ancestors([outcome])
    usable = {name for name in forced if name in whole}
    words = []
    for name in forced:
        bare = undated(name)[0]
        if bare not in nodes:
            words.append(f"the control {name} is not in the graph, which says nothing of it")
        elif name in later and name in leads:
            words.append(f"the control {name} is a mediator in the graph: the treatment works through it, so part of the effect is taken away")
        elif name in later:
            words.append(f"the control {name} is moved by the treatment in the graph (a descendant or collider): holding it fixed can bias the effect")
        elif name in whole and bare not in PLACE_AND_TIME and whole.causes(name) > 1:
            rest = usable - {name}
            if without.apart([treatment], [outcome], rest) and not without.apart([treatment], [outcome], rest | {name}):
                words.append(f"the control {name} is a collider in the graph: holding it fixed opens a path that was closed")
    if not any(name in later for name in forced) and not without.apart([treatment], [outcome], usable):
        words.append(f"the graph says that adjusting for {', '.join(forced) or 'nothing'} leaves a back door open")
        if valid:
            words[-1] += f"; it asks for {', '.join(valid[0])}"
    return words


def _assumptions(
    question: Question,
    graph: Graph,
    chosen: tuple[str, ...] | None,
    by_year: tuple[str, ...],
    unmeasured: tuple[str, ...],
    mediators: list[str],
    feedback: bool,
    lot: str,
) -> tuple[str, ...]:
    """What must be true for the answer to be, in words."""
    label = {node.name: node.label for node in graph.nodes}
    said = [
        f"Lots decided {label[question.treatment]} ({lot}), and were kept to: no common cause needs to be known or held fixed."
        if lot
        else f"The graph {graph.name!r} holds every common cause of {label[question.treatment]} and {label[question.outcome]}; "
        "an arrow left out is the strongest assumption made.",
    ]
    if chosen and set(PLACE_AND_TIME) <= set(chosen):
        said.append(
            "Additivity: what is lasting about a place and what hit every place in a year add to the outcome and do not multiply; "
            "the graph alone does not give this, and two-way fixed effects need it."
        )
        said.append(
            "Strict exogeneity FAILS in this graph: the outcome moves a later treatment."
            if feedback
            else f"Strict exogeneity: {label[question.outcome]} in one year does not move {label[question.treatment]} in a later one."
        )
    said.append(
        f"The treatment is a state: what {label[question.treatment]} was in earlier years acts through what it is "
        f"{count(question.lag, 'year')} before the outcome."
    )
    if chosen:
        time_varying = [name for name in chosen if undated(name)[0] not in PLACE_AND_TIME and name not in by_year]
        if time_varying and lot:
            said.append(f"Held fixed for a more precise answer alone, in a straight line: {', '.join(time_varying)}.")
        elif time_varying:
            said.append(f"No common cause is left once these are held fixed, linearly unless the estimator says otherwise: {', '.join(time_varying)}.")
    said += [f"{label[name]} acts with its own strength in each year ({name} × year), in a straight line." for name in by_year]
    hidden = [name for name in unmeasured if name not in mediators]
    if hidden and chosen is not None:
        said.append(f"Not measured, and not needed if the graph is right: {', '.join(label[name] for name in hidden)}.")
    if mediators:
        said.append(f"Left free because the treatment may work through them: {', '.join(label[name] for name in mediators)}.")
    said.append("One authority's treatment does not move another's outcome (no interference).")
    return tuple(said)
