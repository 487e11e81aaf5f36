"""The contract of an estimator, chosen by what its class says of itself, and tried on small made-up panels whose truth is planted.

Which panel it is tried on follows from its `needs`: an instrument, mediators, a front door, counts; otherwise the first of a moving dose, a treatment taken
up, and doses taken up that it can serve. What is asked follows from the class (`needs`, `answers`, `quick`, a `regression` of its own) and from the fields
of its answer (`influence`, `conditioning`, `estimand`). After scikit-learn's `check_estimator` (Buitinck and others 2013, API design for machine learning
software).
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field, fields, is_dataclass, replace
from typing import Any, Literal, cast, get_args

import numpy as np
from scipy import stats
from threadpoolctl import threadpool_limits

from causal.design import Design, design
from causal.draws import stream
from causal.errors import CausalError, DesignError
from causal.estimate import Estimate, Estimator, Linear, answer
from causal.graph import Graph
from causal.identification import Identification, Strategy
from causal.identify import identify
from causal.needs import (
    ANSWERS,
    AUTHORITY_EFFECTS,
    BINARY_INSTRUMENT,
    BY_LOT,
    COUNTS,
    FRONT_DOOR,
    INSTRUMENT,
    MEDIATORS,
    SHARES,
    Need,
    averages,
    unmet_requirements,
)
from causal.panel import Panel
from causal.proposal import CANNOT
from causal.question import Question
from causal.testing.contract import Checked, ContractBroken, DoesNotApply, kept, kind_of, must, same_number
from causal.testing.worlds import (
    ADOPTION,
    CUTOFF_GRAPH,
    DOOR_GRAPH,
    GRAPH,
    LOTS_GRAPH,
    MOVED_GRAPH,
    OFFERED_GRAPH,
    PATHS_GRAPH,
    QUESTION,
    SERIES_GRAPH,
    AtRank,
    Counts,
    Dates,
    Door,
    Drawn,
    Moved,
    Offered,
    Paths,
    Shares,
    World,
    without,
)
from causal.trial import Trial

EFFECT = 3.0  # planted, outcome units for the whole contrast
PANELS = 8  # on which it must find what was planted
BARE = replace(QUESTION, modifiers=())
TREES = ("trees", "smallest_leaf")  # knobs of what may break a tie the other way in other units


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """A made-up world to be tried on.

    Parameters
    ----------
    words : what it is.
    make : effect, seed, number of authorities → the world; its `load` gives the panel.
    question, graph : what is asked of it.
    strategy : by which the effect is identified.
    effect : planted.
    authorities : how many it has, and how many a small one has.
    turns : whether the contrast turned round turns the effect round; not where an effect on those that took a dose up is asked for.
    """

    words: str
    make: Callable[..., Any]
    question: Question
    graph: Graph = GRAPH
    strategy: Strategy = "backdoor"
    effect: float = EFFECT
    authorities: int = 60
    turns: bool = True


GROUNDS: dict[str, Ground] = {
    "dose": Ground(words="a dose that moves in every place", make=World, question=QUESTION),
    "adoption": Ground(words="a treatment that is taken up and kept", make=lambda **more: World(adoption=True, **more), question=ADOPTION),
    "doses": Ground(words="doses that some take up", make=lambda **more: World(doses=True, **more), question=QUESTION, turns=False),
    "apart": Ground(words="a dose that nothing lasting about places moves", make=lambda **more: World(apart=True, **more), question=QUESTION),
    "counts": Ground(words="counts", make=Counts, question=QUESTION, effect=0.2),
    "shares": Ground(words="shares of those asked", make=Shares, question=QUESTION, effect=0.6),
    "instrument": Ground(
        words="a dose moved by two instruments and by what nobody measured", make=Moved, question=BARE, graph=MOVED_GRAPH, strategy="iv", authorities=80
    ),
    "cutoff": Ground(
        words="a service for those beyond a cutoff",
        make=AtRank,
        question=replace(BARE, treated=1.0),
        graph=CUTOFF_GRAPH,
        strategy="discontinuity",
        authorities=1000,
    ),
    "series": Ground(
        words="one place's series, cut by a date",
        make=Dates,
        question=replace(BARE, treated=1.0),
        graph=SERIES_GRAPH,
        strategy="series",
        authorities=1,
        turns=False,
    ),
    "mediators": Ground(words="a dose that acts through two mediators", make=Paths, question=replace(BARE, lag=2), graph=PATHS_GRAPH),
    "lots": Ground(words="a roll-out whose order lots decided", make=Drawn, question=replace(ADOPTION, modifiers=()), graph=LOTS_GRAPH),
    "offer": Ground(
        words="an offer of two values that some take up",
        make=Offered,
        question=replace(ADOPTION, modifiers=()),
        graph=OFFERED_GRAPH,
        strategy="iv",
        authorities=300,
    ),
    "front door": Ground(words="a dose behind a front door", make=Door, question=BARE, graph=DOOR_GRAPH, strategy="frontdoor"),
}
SPECIAL: tuple[tuple[Need, str], ...] = (
    (BINARY_INSTRUMENT, "offer"),
    (INSTRUMENT, "instrument"),
    (FRONT_DOOR, "front door"),
    (MEDIATORS, "mediators"),
    (COUNTS, "counts"),
    (BY_LOT, "lots"),
    (SHARES, "shares"),
)
OF_STRATEGY = {"discontinuity": "cutoff", "series": "series"}
GENERAL = ("dose", "adoption", "doses")
_FOUND: dict[tuple[str, str], Identification] = {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """An estimator on a ground, with its answer there."""

    estimator: Estimator
    ground: Ground
    panels: int
    panel: Panel
    made: Design
    first: Estimate
    own: Any = field(repr=False)

    def answer(self, made: Design | None = None, seed: int = 1) -> Estimate:
        """Its answer on a design, its own where none is given."""
        return answer(self.estimator, made or self.made, stream(seed, "estimate"))


def check_estimator(estimator: Estimator, *, panels: int = PANELS, ground: str | None = None) -> Checked:
    """Hold an estimator to the contract that comparisons, checks and the verdict rest on.

    Parameters
    ----------
    estimator : with its knobs; few draws and repetitions make it short (`quickened`).
    panels : on which it must find and cover what was planted; at least 4. More panels find smaller faults.
    ground : the made-up world to try it on, of `GROUNDS`; None takes the first that its needs admit.

    Returns
    -------
    what was looked at, and what does not apply, with the reason.

    Raises
    ------
    ContractBroken : a clause that does not hold; the message names the class, the clause, what was wanted, what came and what to try.

    Examples
    --------
    >>> from causal.estimators.fixed_effects import FixedEffects
    >>> check_estimator(FixedEffects(), panels=4).on
    'a dose that moves in every place'
    """
    who = kind_of(estimator)
    with threadpool_limits(limits=1):
        _says_what_it_is(who, estimator)
        chosen = GROUNDS[ground] if ground is not None else _ground(who, estimator)
        tried = _tried(estimator, chosen, panels)
        if ground is None and chosen is GROUNDS["dose"] and not tried.first.conditioning.authority and not tried.first.conditioning.nothing:
            # it compares places with one another, and says so: it cannot be right where lasting differences between them move the dose
            tried = _tried(estimator, GROUNDS["apart"], panels)
        elif ground is None and chosen is GROUNDS["dose"] and tried.first.rows == tried.first.authorities:
            # one row an authority: two kinds of places, and not how far each has moved
            tried = _tried(estimator, GROUNDS["adoption"], panels)
        passed, skipped = kept(who, CLAUSES, tried)
    return Checked(name=estimator.name, passed=("says what it is", *passed), skipped=skipped, on=tried.ground.words)


def _says_what_it_is(who: str, estimator: Any) -> None:
    """`name`, `needs`, `answers`, `targets`, `costs`: what a refusal, a list and a header say of it; `limits`, if it has any, what it cannot do."""
    unknown = [code for code in getattr(estimator, "limits", ()) if code not in CANNOT]
    must(not unknown, f"{who}: says what it is: limits must be codes of causal.proposal.CANNOT, got {unknown}; there is {', '.join(CANNOT)}")
    for key, wanted in (
        ("name", "its name on the shelf"),
        ("targets", "what it targets: 'ATE', 'ATT' or 'ATE, ATT', and how it averages"),
        ("costs", "how long"),
    ):
        value = getattr(estimator, key, None)
        if not isinstance(value, str) or not value.strip():
            raise ContractBroken(f"{who}: says what it is: {key} must say {wanted}, in words, got {value!r}")
    codes = getattr(estimator, "answers", None)
    if not isinstance(codes, tuple) or not {*codes} - {"weights", "alike"} or not all(isinstance(one, str) and one for one in codes):
        known = ", ".join(f"{code!r} ({words})" for code, words in ANSWERS.items())
        raise ContractBroken(
            f"{who}: says what it is: answers must be a tuple of codes of what it answers, {known}, or a code of its own such as 'median', which is served "
            f"where it is chosen and offered to no question for an average; got {codes!r}"
        )
    needs = getattr(estimator, "needs", None)
    if not isinstance(needs, tuple) or not all(isinstance(one, Need) for one in needs):
        raise ContractBroken(f"{who}: says what it is: needs must be a tuple of causal.needs.Need, () where it needs nothing, got {needs!r}")
    strategy = getattr(estimator, "strategy", "backdoor")
    if strategy not in get_args(Strategy):
        raise ContractBroken(f"{who}: says what it is: strategy must be one of {', '.join(map(repr, get_args(Strategy)))}, got {strategy!r}")
    if not callable(getattr(estimator, "estimate", None)):
        raise ContractBroken(f"{who}: says what it is: it has no method estimate(design, rng)")


def _asked(estimator: Any, ground: Ground) -> Question:
    """The ground's question with the target that the estimator has."""
    return replace(ground.question, target="ATT" if averages(estimator) == ["ATT"] else "ATE")


def _designed(panel: Panel, ground: Ground, question: Question) -> Design:
    key = (ground.words, question.target)
    if key not in _FOUND:
        _FOUND[key] = identify(question, ground.graph, measured=panel.known, strategy=ground.strategy)
    return design(panel, question, _FOUND[key])


def _ground(who: str, estimator: Any) -> Ground:
    if getattr(estimator, "strategy", "") in OF_STRATEGY:
        return GROUNDS[OF_STRATEGY[estimator.strategy]]
    for need, name in SPECIAL:
        if need in estimator.needs:
            return GROUNDS[name]
    reasons = []
    for name in GENERAL:
        ground = GROUNDS[name]
        made = _designed(ground.make(effect=ground.effect, authorities=ground.authorities).load(), ground, _asked(estimator, ground))
        unmet = unmet_requirements(estimator, made)
        if not unmet:
            return ground
        reasons.append(f"{ground.words}: {'; '.join(unmet)}")
    raise ContractBroken(
        f"{who}: no made-up world here meets its needs ({' | '.join(reasons)}); name the one that comes nearest with  ground=…  of {', '.join(GROUNDS)}, "
        "or make the need less strict"
    )


def _tried(estimator: Estimator, ground: Ground, panels: int) -> Tried:
    own = _in_last_year(estimator)
    world = ground.make(effect=ground.effect, authorities=ground.authorities)
    panel = world.load()
    made = _designed(panel, ground, _asked(estimator, ground))
    return Tried(estimator=own, ground=ground, panels=panels, panel=panel, made=made, first=answer(own, made, stream(1, "estimate")), own=world)


def _in_last_year(estimator: Estimator) -> Estimator:
    """One row an authority: in the worlds here all that adopt are treated in the last year, and the level before would bring lasting differences back."""
    if not is_dataclass(estimator):
        return estimator
    names = {one.name for one in fields(estimator)}
    knobs: dict[str, Any] = {"after": (2018, 2018), "base_outcome": False}
    mine = {key: value for key, value in knobs.items() if {"after", "base_outcome"} <= names}
    return cast(Estimator, replace(cast(Any, estimator), **mine))


# Clauses: each name says what holds


def answers_with_an_estimate_of_its_own_name(tried: Tried) -> None:
    """Name, target, level and counts are those of the estimator and the design."""
    one = tried.first
    must(one.estimator == tried.estimator.name, f"the Estimate must bear the estimator's name, {tried.estimator.name!r}, got {one.estimator!r}")
    asked = tried.made.question.target
    must(one.target == asked, f"the question asks for the {asked}, and the Estimate says target={one.target!r}; say the target that was honoured")
    must(one.inference.strip(), "inference must say in words how the error was got")
    must(one.level == tried.made.question.level, f"level must be the question's, {tried.made.question.level}, got {one.level}")
    must(one.rows > 0 and one.authorities > 0, f"rows and authorities must count what it rests on, got {one.rows} and {one.authorities}")
    must(0 < one.clusters <= len(tried.made.clusters), f"clusters must be of the design's {len(tried.made.clusters)}, got {one.clusters}")


def holds_its_effect_inside_its_interval(tried: Tried) -> None:
    """Where no interval is known, nothing stands that a reader could take for certainty."""
    one = tried.first
    if one.lower is None or one.upper is None:
        must(one.std_error is None and one.p_value is None, "without an interval neither std_error nor p_value may stand, as a reader takes them for certainty")
        must(one.no_interval is not None, "an Estimate without an interval must say why with no_interval=…, 'method' where none is known for the method")
        must(all(part.lower is None for part in one.parts), "without an interval of the whole no part may have one")
        return
    must(one.lower < one.effect < one.upper, f"the interval must hold the effect: {one.lower:g} to {one.upper:g}, effect {one.effect:g}")
    must(one.std_error is not None and one.std_error > 0, f"an interval comes with a std_error above 0, got {one.std_error!r}")


def gives_one_score_for_each_cluster_whose_squares_add_to_its_variance(tried: Tried) -> None:
    """Joint tests and comparisons between estimators rest on them."""
    one = tried.first
    if one.influence is None:
        raise DoesNotApply("it gives no influence: its error is a bootstrap, of another kind, or there is none")
    norm = float(np.sqrt((one.influence**2).sum()))
    must(
        same_number(norm, one.std_error, rel=1e-6),
        f"the root of influence's summed squares must be std_error, got {norm:g} and {one.std_error!r}; scale the scores, or give influence=None",
    )


def leaves_its_input_as_it_was_and_answers_twice_the_same(tried: Tried) -> None:
    """Nothing is kept between calls, and all randomness is handed in."""
    made = tried.made
    arrays = ("outcome", "treatment", "controls", "authority", "cluster", "year")
    before = {name: getattr(made, name).copy() for name in arrays}
    again = tried.answer()
    changed = [name for name in arrays if not np.array_equal(before[name], getattr(made, name), equal_nan=True)]
    must(not changed, f"the design was changed: {', '.join(changed)}; work on copies")
    one = tried.first
    must(
        (again.effect, again.std_error, again.lower, repr(again.parts)) == (one.effect, one.std_error, one.lower, repr(one.parts)),
        f"the same design and stream must give the same bits, got {one.effect!r} and {again.effect!r}; draw from rng alone, keep nothing between calls",
    )


def does_not_mind_the_order_of_rows(tried: Tried) -> None:
    """Folds and draws move authorities, not rows as they come."""
    panel = replace(tried.panel, frame=tried.panel.frame.sample(frac=1, random_state=5))
    other = tried.answer(_designed(panel, tried.ground, tried.made.question))
    must(other.effect == tried.first.effect, f"rows in another order gave {other.effect!r} for {tried.first.effect!r}")


def does_not_mind_the_units_of_measurement(tried: Tried) -> None:
    """The treatment in per cent, the outcome per child (but for a share, which has no other unit), a control in thousands."""
    question, frame = tried.made.question, tried.panel.frame.copy()
    per = 1.0 if SHARES in tried.estimator.needs else 10_000.0  # type: ignore[attr-defined]
    frame[question.treatment] *= 100
    frame[question.outcome] /= per
    if "poverty" in frame:
        frame["poverty"] *= 1_000
    variables = tuple(replace(one, count_per=1.0) if one.name == question.outcome and one.count_per else one for one in tried.panel.variables)
    asked = replace(question, control=100 * question.control, treated=100 * question.treated, smallest_important=1e-4)
    other = tried.answer(_designed(replace(tried.panel, frame=frame, variables=variables), tried.ground, asked))
    rel = 1e-3 if is_dataclass(tried.estimator) and {one.name for one in fields(tried.estimator)} & set(TREES) else 1e-5
    must(
        same_number(other.effect * per, tried.first.effect, rel=rel),
        f"in other units the effect is {other.effect * per:g} for {tried.first.effect:g}; no tolerance, penalty or bandwidth may hang on a unit",
    )
    if tried.first.std_error is not None and other.std_error is not None:
        must(
            same_number(other.std_error * per, tried.first.std_error, rel=rel),
            f"in other units the standard error is {other.std_error * per:g} for {tried.first.std_error:g}",
        )


def turns_round_with_the_contrast(tried: Tried) -> None:
    """Control and treated change places: the effect changes its sign, the interval its ends."""
    question = tried.made.question
    if not tried.ground.turns or "at_mean_rate" in tried.first.estimand.scale:
        raise DoesNotApply("an effect on those that took a dose up, or at a mean rate, is no effect of giving it up")
    try:
        turned = tried.answer(replace(tried.made, question=replace(question, control=question.treated, treated=question.control)))
    except DesignError as why:
        raise DoesNotApply(f"the contrast turned round is refused: {str(why).partition('.')[0]}") from None
    must(
        same_number(turned.effect, -tried.first.effect, rel=1e-5),
        f"control and treated changed places, and the effect went from {tried.first.effect:g} to {turned.effect:g}",
    )
    if tried.first.upper is not None and turned.lower is not None:
        must(same_number(turned.lower, -tried.first.upper, rel=1e-5), f"… and its lower end to {turned.lower:g}, not to {-tried.first.upper:g}")


def finds_what_was_planted_and_covers_it(tried: Tried) -> None:
    """Mean over panels within 3.5 of its own errors and a tenth of the sampling deviation; coverage by the 99.9 % binomial bound."""
    if tried.first.association or tried.first.conditioning.nothing:
        raise DoesNotApply("it holds nothing fixed and answers with an association, which is no effect")
    found, truths = [tried.first], [_truth(tried.own, tried.ground)]
    for seed in range(1, max(tried.panels, 4)):
        world = tried.ground.make(effect=tried.ground.effect, authorities=tried.ground.authorities, seed=seed)
        found.append(tried.answer(_designed(world.load(), tried.ground, tried.made.question), seed=seed))
        truths.append(_truth(world, tried.ground))
    off = np.array([one.effect for one in found]) - np.array(truths)
    number, sampling = len(off), float(off.std(ddof=1))
    errors = [one.std_error for one in found if one.std_error is not None]
    # few panels tell a deviation badly, so the larger of what was seen and what it says itself
    sampling = max(sampling, float(np.median(errors))) if errors else sampling
    must(
        abs(off.mean()) <= 0.1 * sampling + 3.5 * sampling / np.sqrt(number),
        f"planted was {truths[0]:g}, and over {number} panels it is off by {off.mean():+.3g} on average, with a sampling deviation of {sampling:.3g}; look at "
        "the sign, at question.contrast (the effect is of the whole contrast) and at what is absorbed",
    )
    if tried.first.lower is None:
        return
    covered = sum(one.lower is None or one.upper is None or one.lower <= truth <= one.upper for one, truth in zip(found, truths, strict=True))
    fewest = int(stats.binom(number, 0.95).ppf(0.0005))
    must(covered >= fewest, f"{covered} of {number} intervals hold what was planted, at least {fewest} must; the error must be by whole clusters")


def serves_an_unbalanced_panel_or_refuses_it_with_a_reason(tried: Tried) -> None:
    """One row in ten is missing."""
    ground = tried.ground
    panel = without(tried.panel, keep=0.9, seed=2)
    made = _designed(panel, ground, tried.made.question)
    try:
        one = tried.answer(made)
    except CausalError as why:
        must(
            unmet_requirements(tried.estimator, made),
            f"rows are missing, and it raised {type(why).__name__} ({why}); what it cannot serve belongs into its needs, so that it is known before",
        )
        return
    must(np.isfinite(one.effect), f"rows are missing, and its effect is {one.effect!r}")


def refuses_a_target_that_it_does_not_have(tried: Tried) -> None:
    """An ATT is not passed for an ATE."""
    said = averages(tried.estimator)
    if len(said) != 1:
        raise DoesNotApply("it answers both, or no average")
    other: Literal["ATE", "ATT"] = "ATT" if said == ["ATE"] else "ATE"
    try:
        one = tried.answer(replace(tried.made, question=replace(tried.made.question, target=other)))
    except DesignError:
        return
    raise ContractBroken(f"its answers say the {said[0]} alone; asked for the {other} it answered {one.effect:g}; begin estimate with  serve(self, design)")


def refuses_what_it_says_that_it_needs(tried: Tried) -> None:
    """A refusal comes before a fit."""
    if AUTHORITY_EFFECTS not in tried.estimator.needs:  # type: ignore[attr-defined]
        raise DoesNotApply("it does not need authority effects")
    try:
        one = tried.answer(tried.made.pooled())
    except DesignError:
        return
    raise ContractBroken(f"it needs authority effects; on a design without any it answered {one.effect:g}; begin estimate with  serve(self, design)")


def says_that_feedback_undermines_comparisons_within_places(tried: Tried) -> None:
    """Strict exogeneity is what a comparison within authorities supposes."""
    if AUTHORITY_EFFECTS not in tried.estimator.needs:  # type: ignore[attr-defined]
        raise DoesNotApply("it does not absorb authority effects")
    fed = replace(tried.made, identification=replace(tried.made.identification, feedback=True))
    must(
        len(tried.answer(fed).concerns) > len(tried.first.concerns),
        "the graph lets the outcome move a later treatment, which biases comparisons within authorities, and no concern says so; add  "
        "concerns=causal.regression.feedback(design)",
    )


def redraws_as_it_would_refit(tried: Tried) -> None:
    """For a linear estimator many draws are one matrix step, on the design that `regression` gives."""
    if not isinstance(tried.estimator, Linear):
        raise DoesNotApply("it has no regression(design), so every draw is a refit")
    regression = tried.estimator.regression(tried.made)
    trial = _trial(tried)
    effects, errors = trial.redraw("same", treatment=regression.treatment[:, None])
    must(
        same_number(float(effects[0]), tried.first.effect, rel=1e-6) and same_number(float(errors[0]), tried.first.std_error, rel=1e-6),
        f"regression(design) must be the design whose coefficient it reports: drawn with the same treatment it gives {effects[0]:g} ({errors[0]:g}), and its "
        f"answer is {tried.first.effect:g} ({tried.first.std_error!r})",
    )


def is_as_quick_as_it_says(tried: Tried) -> None:
    """Checks refit a quick estimator hundreds of times."""
    if not getattr(tried.estimator, "quick", False):
        raise DoesNotApply("it does not say that it is quick")
    began = time.process_time()
    tried.answer()
    took = time.process_time() - began
    must(
        took < 1.0,
        f"quick means some hundredths of a second on 1,200 rows, as a check may refit it hundreds of times; here it took {took:.2f} s of processor time",
    )


def goes_through_a_check_by_redraws_or_refits(tried: Tried) -> None:
    """A placebo and a bootstrap run on it."""
    from causal.refuters.bootstrap import Bootstrap
    from causal.refuters.placebo_treatment import PlaceboTreatment

    if tried.ground.strategy != "backdoor":
        raise DoesNotApply("what is dealt anew beside an instrument or a front door is looked at by the tests of those checks")
    for check in (PlaceboTreatment(draws=19, refits=2), Bootstrap(draws=19, refits=3)):
        found = check.refute(_trial(tried), stream(5, check.name))
        must(found.found.strip(), f"{check.name} has nothing to say of it")
        if tried.first.lower is not None:
            must(found.survived is not None, f"{check.name} could not be run on it: {found.reason}")


def _trial(tried: Tried) -> Trial:
    return Trial(
        panel=tried.panel,
        question=tried.made.question,
        identification=tried.made.identification,
        estimator=tried.estimator,
        design=tried.made,
        estimate=tried.first,
        seed=5,
    )


def _truth(world: Any, ground: Ground) -> float:
    return float(world.truth()) if hasattr(world, "truth") else ground.effect


CLAUSES: tuple[Callable[[Tried], None], ...] = (
    answers_with_an_estimate_of_its_own_name,
    holds_its_effect_inside_its_interval,
    gives_one_score_for_each_cluster_whose_squares_add_to_its_variance,
    leaves_its_input_as_it_was_and_answers_twice_the_same,
    does_not_mind_the_order_of_rows,
    does_not_mind_the_units_of_measurement,
    turns_round_with_the_contrast,
    finds_what_was_planted_and_covers_it,
    serves_an_unbalanced_panel_or_refuses_it_with_a_reason,
    refuses_a_target_that_it_does_not_have,
    refuses_what_it_says_that_it_needs,
    says_that_feedback_undermines_comparisons_within_places,
    redraws_as_it_would_refit,
    is_as_quick_as_it_says,
    goes_through_a_check_by_redraws_or_refits,
)
