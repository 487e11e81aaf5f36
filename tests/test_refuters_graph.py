"""The graph against the data, support, specification: what each check looks for is planted and caught, and clean worlds pass, at stated rates.

Rates are judged exactly: a claimed rate fails only if a one-sided binomial test rejects it at the 1 % level, with fixed seeds. Numbers are held against
networkx, statsmodels, linearmodels, DoWhy's own falsification, and whole re-runs of the analysis.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cache, lru_cache

import networkx as nx
import numpy as np
import pandas as pd
import pytest
from scipy import stats
from threadpoolctl import threadpool_limits
from worlds import ADOPTION, GRAPH, QUESTION, Refitted, World, refute, same, trial_of

from causal.design import design
from causal.errors import ConfigError
from causal.estimators.difference import Difference
from causal.estimators.fixed_effects import FirstDifference, FixedEffects
from causal.experiments.compose import composed, study_from
from causal.graph import Graph, undated
from causal.identification import Identification
from causal.identify import held_between, identify
from causal.inference.multiplicity import holm
from causal.panel import Panel, Variable
from causal.question import Question
from causal.refuters import implied_independence as implied_module
from causal.refuters.extrapolation import Extrapolation
from causal.refuters.graph_falsification import GraphFalsification
from causal.refuters.implied_independence import ImpliedIndependence
from causal.refuters.leave_one_out import LeaveOneOut
from causal.refuters.leverage import Leverage
from causal.refuters.machinery.independence import Claim, Rows
from causal.refuters.overlap import Overlap
from causal.refuters.specification_curve import SpecificationCurve
from causal.sources.simulated import Simulated
from causal.trial import Trial

REFUTERS = {one.name: one for one in (ImpliedIndependence(), GraphFalsification(), SpecificationCurve(draws=99), Overlap(), Extrapolation(), Leverage())}
CHAIN = Question(treatment="cut", outcome="care", control=0.0, treated=1.0, smallest_important=0.1, because="a test")


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    """As the study does."""
    with threadpool_limits(limits=1):
        yield


# Worlds


def lasting(rng: np.random.Generator, shape: tuple[int, int], rho: float = 0.5) -> np.ndarray:
    out = rng.normal(size=shape)
    for t in range(1, shape[1]):
        out[:, t] = rho * out[:, t - 1] + np.sqrt(1 - rho**2) * out[:, t]
    return out


def chain(seed: int, *, direct: float = 0.0, through: float = 0.6, authorities: int = 80, years: int = 7, faulty: bool = False) -> Panel:
    """need → cut → referrals → care (`through`), and rain, which moves care alone; shocks last. `direct` is an arrow that the graph leaves out."""
    rng = np.random.default_rng([seed, 7])
    shape = (authorities, years)
    place, year = rng.normal(size=(authorities, 1)), rng.normal(size=(1, years))
    need = place + year + lasting(rng, shape)
    cut = 0.6 * need + place - year + lasting(rng, shape)
    referrals = 0.7 * cut + 2 * place + lasting(rng, shape)
    rain = year + lasting(rng, shape)
    care = through * referrals + direct * cut + 0.5 * rain - place + lasting(rng, shape)
    return table({"need": need, "cut": cut, "referrals": referrals, "rain": rain, "care": care}, faulty=("referrals",) if faulty else ())


def table(columns: dict[str, np.ndarray], *, faulty: tuple[str, ...] = ()) -> Panel:
    shape = next(iter(columns.values())).shape
    index = pd.MultiIndex.from_product([[f"A{i:03d}" for i in range(shape[0])], range(2011, 2011 + shape[1])], names=["authority", "year"])
    return Panel(
        frame=pd.DataFrame({name: values.ravel() for name, values in columns.items()}, index=index),
        variables=tuple(
            Variable(name=name, label=name, unit="units", source="made up", caution="it is recorded badly" if name in faulty else "") for name in columns
        ),
        places=pd.DataFrame({"name": index.unique(0)}, index=index.unique(0)),
        title="made-up chain",
    )


def drawn(arrows: dict[str, dict[str, str]], *, place: bool = True) -> Graph:
    names = sorted({*arrows, *(effect for effects in arrows.values() for effect in effects)})
    made = {cause: dict(effects) for cause, effects in arrows.items()}
    if not place:
        return Graph(name="drawn", nodes={name: {} for name in names}, arrows=made)
    nodes = {"authority": {"varies": "authority"}, "year": {"varies": "year"}} | {name: {} for name in names}
    return Graph(name="drawn", nodes=nodes, arrows={"authority": dict.fromkeys(names, "lasting"), "year": dict.fromkeys(names, "common"), **made})


WHY = "made so"
TRUE = drawn({"need": {"cut": WHY}, "cut": {"referrals": WHY}, "referrals": {"care": WHY}, "rain": {"care": WHY}})
# referrals drawn as moved by care, and so as a collider that is none
TURNED = drawn({"need": {"cut": WHY}, "cut": {"referrals": WHY}, "care": {"referrals": WHY, "rain": WHY}})
UNJOINED = drawn({"need": {"cut": WHY}, "cut": {"care": WHY, "referrals": WHY}, "rain": {"care": WHY}})


@lru_cache(maxsize=1)
def nao() -> tuple[Question, Graph]:
    study = study_from(composed([]))
    return study.question, study.graph


def less(graph: Graph, cause: str, effect: str) -> Graph:
    kept = tuple(arrow for arrow in graph.arrows if (arrow.cause, arrow.effect) != (cause, effect))
    assert len(kept) < len(graph.arrows)
    return replace(graph, arrows=kept)


@cache
def identified(question: Question, graph: Graph, names: tuple[str, ...]) -> Identification:
    """Once for all panels of one question, since DoWhy's search costs more than the estimate."""
    return identify(question, graph, measured=names)


def tried(panel: Panel, question: Question, graph: Graph, estimator=None, *, seed: int = 3, **more) -> Trial:
    estimator = estimator or FixedEffects()
    identification = identified(question, graph, panel.names)
    made = design(panel, question, identification)
    return trial_of(panel, made, estimator, seed=seed, graph=graph, **more)


def alarms(refuter, trials) -> tuple[int, int]:
    found = [refute(refuter, one).survived for one in trials]
    return found.count(False), len(found)


def at_most(alarm: int, tries: int, claimed: float) -> bool:
    return bool(stats.binomtest(alarm, tries, claimed, alternative="greater").pvalue > 0.01)


def at_least(caught: int, tries: int, claimed: float) -> bool:
    return bool(stats.binomtest(caught, tries, claimed, alternative="less").pvalue > 0.01)


@cache
def england(number: int) -> tuple[Trial, ...]:
    """Trials of simulated panels with the graph that made them."""
    question, graph = nao()
    first = tried(Simulated(seed=7_000).load(), question, graph)
    return (first, *(replace(first, panel=Simulated(seed=7_000 + s).load()) for s in range(1, number)))


def chained(number: int, graph: Graph = TRUE, **knobs) -> list[Trial]:
    first = tried(chain(0, **knobs), CHAIN, graph)
    return [replace(first, panel=chain(seed, **knobs), seed=seed) for seed in range(number)]


# The contract


@pytest.mark.parametrize("estimator", [FixedEffects(), Difference(), FirstDifference(), Refitted()], ids=lambda one: one.name)
@pytest.mark.parametrize("name", REFUTERS)
def test_contract_every_estimator_same_seed_same_answer_nothing_changed(name: str, estimator) -> None:
    trial = tried(chain(1, authorities=40), CHAIN, TRUE, estimator)
    digest, outcome = trial.panel.digest, trial.design.outcome.copy()
    found = refute(REFUTERS[name], trial)
    assert found.name == name == REFUTERS[name].name
    for words in (found.asks, found.expected, found.found, found.detects, found.cannot_detect):
        assert words.strip()
        assert "nan" not in words.lower().replace(";", " ").split()
    assert found.survived in (True, False) or found.reason
    assert all(value is None or np.isfinite(value) for value in found.numbers.values())
    assert same(found, refute(REFUTERS[name], trial))
    assert trial.panel.digest == digest
    np.testing.assert_array_equal(trial.design.outcome, outcome)


@pytest.mark.parametrize("name", ["specification_curve", "leverage"])
def test_any_number_of_workers(name: str) -> None:
    """The two that refit."""
    one, two = (refute(REFUTERS[name], tried(chain(2, authorities=30), CHAIN, TRUE, Refitted(), workers=workers)) for workers in (1, 2))
    assert same(one, two)


@pytest.mark.parametrize(
    ("refuter", "knobs"),
    [
        (ImpliedIndependence, {"powers": 0}),
        (GraphFalsification, {"draws": 5}),
        (GraphFalsification, {"alpha": 1.0}),
        (GraphFalsification, {"powers": 1.5}),
        (SpecificationCurve, {"sets": 0}),
        (SpecificationCurve, {"years": [[2015]]}),
        (SpecificationCurve, {"years": [[2015, 2012]]}),
        (SpecificationCurve, {"years": 2015}),
        (SpecificationCurve, {"columns": {"poverty": "other"}}),
        (SpecificationCurve, {"columns": ["poverty"]}),
        (SpecificationCurve, {"questions": [{"outcome": "x"}]}),
        (SpecificationCurve, {"questions": [{}]}),
        (SpecificationCurve, {"questions": 3}),
        (SpecificationCurve, {"draws": 3}),
        (SpecificationCurve, {"refits": 1}),
        (SpecificationCurve, {"tolerance": -1}),
        (Overlap, {"margin": 0.5}),
        (Overlap, {"neighbours": 1}),
        (Overlap, {"spread": 0}),
        (Overlap, {"outside": 1}),
        (Leverage, {"times": 1}),
        (Leverage, {"tolerance": "none"}),
        (Extrapolation, {"fewest": 0}),
        (Extrapolation, {"beyond": float("nan")}),
    ],
)
def test_bad_knobs_are_refused_in_words(refuter, knobs) -> None:
    with pytest.raises(ConfigError, match=next(iter(knobs))):
        refuter(**knobs)


@pytest.mark.parametrize("name", ["implied_independence", "graph_falsification"])
def test_without_a_graph_the_graph_is_not_checked(name: str) -> None:
    found = refute(REFUTERS[name], replace(tried(chain(1), CHAIN, TRUE), graph=None))
    assert found.survived is None
    assert "graph" in (found.reason or "")


@pytest.mark.parametrize("name", ["implied_independence", "graph_falsification"])
def test_a_graph_that_implies_nothing_cannot_be_falsified(name: str) -> None:
    """In the small world's graph every measured pair that changes in time is joined by an arrow."""
    found = refute(REFUTERS[name], tried(World().load(), QUESTION, GRAPH))
    assert found.survived is None
    assert "cannot falsify" in (found.reason or "")


# Independence


def test_holm_is_that_of_statsmodels() -> None:
    from statsmodels.stats.multitest import multipletests

    p = np.random.default_rng(1).random(40) ** 3
    np.testing.assert_allclose(holm(p.tolist()), multipletests(p, method="holm")[1], rtol=1e-12)


def test_partial_correlation_within_authorities_and_years_is_that_of_linearmodels_residuals() -> None:
    from linearmodels.panel import PanelOLS

    panel = chain(5)
    frame = panel.frame.copy()
    kept = np.random.default_rng(2).random(len(frame)) > 0.15  # unbalanced
    panel = replace(panel, frame=frame[kept])
    found = Rows(panel, TRUE, within=True).test(Claim(one="care", other="cut", given=("referrals",)))
    assert found is not None
    used = panel.frame.assign(n=1)
    used = used[used.groupby(level=0)["n"].transform("sum") > 1]
    left = [PanelOLS(used[name], used[["referrals"]], entity_effects=True, time_effects=True).fit().resids for name in ("care", "cut")]
    assert found.correlation == pytest.approx(float(np.corrcoef(*left)[0, 1]), abs=1e-10)


def test_on_independent_rows_the_test_is_scipy_s() -> None:
    rng = np.random.default_rng(4)
    cells = {name: rng.normal(size=(4_000, 1)) for name in ("a", "b")}
    cells["b"] = cells["b"] + 0.05 * cells["a"]
    found = Rows(table(cells), drawn({"a": {"b": WHY}}, place=False), within=False).test(Claim(one="a", other="b", given=()))
    r, p = stats.pearsonr(cells["a"].ravel(), cells["b"].ravel())
    assert found is not None
    assert found.correlation == pytest.approx(r, abs=1e-12)
    assert np.log(found.p_value) == pytest.approx(np.log(p), rel=0.05)


def test_every_claim_is_a_d_separation_by_networkx_and_every_unjoined_pair_has_one() -> None:
    """All nodes measured, one date: any two that no arrow joins are separable (Pearl 2009, theorem 1.2.5)."""
    graph = drawn({"a": {"b": WHY, "c": WHY}, "b": {"d": WHY}, "c": {"d": WHY}, "d": {"e": WHY}}, place=False)
    panel = table({name: np.random.default_rng(1).normal(size=(50, 1)) for name in "abcde"})
    made = implied_module.implied(graph, panel, "a", 0)
    assert len(made.tested) == made.apart == 10 - 5
    assert made.joined == 5
    for one in made.tested:
        assert nx.is_d_separator(graph.summary, {one.one}, {one.other}, set(one.given))
    assert {frozenset((one.one, one.other)) for one in made.tested} == {
        frozenset(pair) for pair in (("a", "d"), ("a", "e"), ("b", "c"), ("b", "e"), ("c", "e"))
    }


def test_claims_of_the_nao_graph_rest_on_no_outcome_s_past_and_on_nothing_unmeasured() -> None:
    trial = england(1)[0]
    made = implied_module.implied(trial.graph, trial.panel, "closures", 2)
    assert made.within
    assert made.apart == 28 and made.apart < len(made.tested) <= 3 * made.apart  # a pair is looked at now, a lag before and a lag after, where it can be
    for one in made.tested:
        names = {undated(name)[0] for name in one.given}
        assert "need" not in names
        assert not names & {one.one, undated(one.other)[0]}
        # whose recording is at fault
        assert "centre_spending" not in names


def test_true_graph_of_the_simulated_england_alarms_in_at_most_a_twentieth() -> None:
    """Thresholds, lumpy closures, effects that differ, an unmeasured cause and misrecorded spending: the planted graph is still not called false."""
    assert at_most(*alarms(ImpliedIndependence(), england(30)), 0.05)


def test_true_chain_with_lasting_shocks_alarms_in_at_most_a_twentieth() -> None:
    trials = chained(120)
    assert refute(ImpliedIndependence(), trials[0]).numbers["independences tested"] == 6
    assert at_most(*alarms(ImpliedIndependence(), trials), 0.05)


def test_a_missing_arrow_is_caught_and_named() -> None:
    trials = chained(60, direct=0.3)
    assert at_least(*alarms(ImpliedIndependence(), trials), 0.9)
    found = refute(ImpliedIndependence(), trials[0])
    assert "arrow between care and cut is missing" in found.found
    assert found.p_value < 0.05


def test_a_turned_arrow_is_caught() -> None:
    first = tried(chain(0), replace(CHAIN, outcome="referrals"), TURNED)
    trials = [replace(first, panel=chain(seed), seed=seed) for seed in range(40)]
    assert at_least(*alarms(ImpliedIndependence(), trials), 0.9)


@pytest.mark.parametrize("where", ["on the way", "after the outcome"])
def test_a_missing_arrow_on_which_the_answer_does_not_rest_is_told_and_no_alarm(where: str) -> None:
    """A mediator's arrow to the outcome, and one to a later service: neither opens nor closes a back door (Pearl 2009, ch. 3.3)."""
    if where == "on the way":
        first = tried(chain(0), CHAIN, UNJOINED)
        trials = [replace(first, panel=chain(seed), seed=seed) for seed in range(40)]
    else:
        trials = [replace(one, graph=less(nao()[1], "section47", "looked_after")) for one in england(12)]
    found = [refute(ImpliedIndependence(), trial) for trial in trials]
    assert at_least(sum(one.numbers["broken elsewhere"] > 0 for one in found), len(found), 0.9)
    assert at_most(sum(one.survived is False for one in found), len(found), 0.05)
    told = next(one for one in found if one.numbers["broken elsewhere"])
    assert "Elsewhere the drawing lacks something, on which the answer does not rest" in told.found


def test_a_bent_cause_is_no_arrow_once_its_square_is_held_fixed() -> None:
    """need² moves both cut and care, and nothing else joins them: with need held fixed in a straight line alone they look joined."""
    graph = drawn({"need": {"cut": WHY, "care": WHY}, "care": {"rain": WHY}, "cut": {"rain": WHY}})
    trials = []
    for seed in range(60):
        rng = np.random.default_rng([seed, 11])
        need, cut, rain, care = (lasting(rng, (80, 7)) for _ in range(4))
        trials.append(table({"need": need, "cut": cut + need**2, "rain": rain, "care": care + need**2}))
    first = tried(trials[0], replace(CHAIN, outcome="rain"), graph)
    straight, square = (alarms(ImpliedIndependence(powers=powers), [replace(first, panel=panel) for panel in trials]) for powers in (1, 2))
    assert at_most(*square, 0.05)
    assert at_least(*straight, 0.9)


def test_a_separator_recorded_with_a_known_fault_is_skipped_and_said() -> None:
    sound, faulty = (refute(ImpliedIndependence(), tried(chain(3, faulty=faulty), CHAIN, TRUE)) for faulty in (False, True))
    assert sound.numbers["pairs skipped for a fault in recording"] == 0
    assert faulty.numbers["pairs skipped for a fault in recording"] == 1  # need and care have cut to separate them
    assert "known fault" in faulty.found
    assert faulty.numbers["independences tested"] < sound.numbers["independences tested"]


def test_one_year_and_no_authority_node() -> None:
    graph = drawn({"a": {"b": WHY}, "b": {"c": WHY}}, place=False)
    rng = np.random.default_rng(8)
    question = Question(treatment="b", outcome="c", control=0.0, treated=1.0, smallest_important=0.1, because="a test")
    caught = []
    for direct in (0.0, 1.0):
        a = rng.normal(size=(300, 1))
        b = a + rng.normal(size=a.shape)
        panel = table({"a": a, "b": b, "c": b + direct * a + rng.normal(size=a.shape)})
        caught.append(refute(ImpliedIndependence(), tried(panel, question, graph, Difference())).survived)
    assert caught == [True, False]


# Graph falsification


def independent(seed: int, rows: int = 300) -> tuple[pd.DataFrame, dict[str, dict[str, str]]]:
    rng = np.random.default_rng([seed, 9])
    a, b = rng.normal(size=(2, rows))
    c = a + b + rng.normal(size=rows)
    d = c + rng.normal(size=rows)
    arrows = {"a": {"c": WHY}, "b": {"c": WHY}, "c": {"d": WHY}}
    return pd.DataFrame({"a": a, "b": b, "c": c, "d": d}), arrows


@pytest.mark.parametrize("wrong", [False, True])
def test_on_independent_rows_falsification_is_that_of_dowhy(wrong: bool) -> None:
    """The same claims broken, the same shares over all 24 ways to deal four names, side by side in one run."""
    from dowhy.gcm.falsify import FalsifyConst, falsify_graph

    frame, arrows = independent(2)
    if wrong:
        frame = frame.rename(columns={"a": "d", "d": "a"})[["a", "b", "c", "d"]]
    panel = table({name: frame[name].to_numpy()[:, None] for name in frame})
    graph = drawn(arrows, place=False)
    question = Question(treatment="c", outcome="d", control=0.0, treated=1.0, smallest_important=0.1, because="a test")
    ours = refute(GraphFalsification(draws=24), tried(panel, question, graph, Difference()))

    def test(x: np.ndarray, y: np.ndarray, z: np.ndarray | None = None) -> float:
        fixed = np.column_stack([np.ones(len(x)), *([] if z is None else [z])])
        left = [column.ravel() - fixed @ np.linalg.lstsq(fixed, column.ravel(), rcond=None)[0] for column in (x, y)]
        return float(stats.pearsonr(*left)[1])

    theirs = falsify_graph(
        graph.summary, frame, independence_test=test, conditional_independence_test=test, n_permutations=-1, n_jobs=1, show_progress_bar=False
    ).summary
    markov, same_class = theirs[FalsifyConst.VALIDATE_LMC], theirs[FalsifyConst.VALIDATE_TPA]
    assert ours.numbers["claims tested"] == markov[FalsifyConst.N_TESTS]
    assert ours.numbers["claims broken"] == markov[FalsifyConst.GIVEN_VIOLATIONS]
    assert ours.numbers["share of shuffled graphs that make the same claims"] == pytest.approx(same_class[FalsifyConst.P_VALUE])
    if "share of shuffled graphs that fit as well" in ours.numbers:
        assert ours.numbers["share of shuffled graphs that fit as well"] == pytest.approx(markov[FalsifyConst.P_VALUE])


def test_graph_with_the_wrong_names_is_falsified_and_the_true_one_no_oftener_than_its_level() -> None:
    trials = england(6)
    refuter = GraphFalsification(draws=20)
    found = [refute(refuter, one).survived for one in trials]
    assert at_most(found.count(False), len(found), 0.05)
    assert found.count(True) >= 3
    swap = {"children": "section47", "section47": "children", "child_poverty": "looked_after", "looked_after": "child_poverty", "spending_power": "plans"}
    swap |= {"plans": "spending_power"}
    columns = {name: swap.get(name, name) for name in trials[0].panel.names}
    wrong = []
    for one in trials:
        frame = one.panel.frame.rename(columns=columns)[list(one.panel.names)]
        wrong.append(replace(one, panel=replace(one.panel, frame=frame)))
    assert at_least(*alarms(refuter, wrong), 0.8)


# Specification curve


def test_chosen_specification_is_the_estimate_and_every_other_is_a_whole_rerun() -> None:
    question, graph = nao()
    trial = tried(Simulated(seed=5, authorities=60).load(), question, graph)
    found = refute(SpecificationCurve(sets=12, draws=19), trial)
    parts = {part.name: part for part in found.parts}
    assert len(parts) == 12
    assert parts["as chosen"].effect == pytest.approx(trial.estimate.effect, rel=1e-9)
    assert parts["as chosen"].std_error == pytest.approx(trial.estimate.std_error, rel=1e-9)
    place = ("authority", "year")
    for valid in trial.identification.valid:
        one = held_between(question, graph, valid, measured=trial.panel.names)
        name = f"adjusted for {', '.join(n for n in one if n not in place)}"
        if name in parts:
            by_year = tuple(n for n in one if n in ("deprivation", "grant_dependence") and graph.by_year(n))
            made, again = trial.rerun(identification=replace(trial.identification, adjust_for=one, by_year=by_year))
            assert parts[name].effect == pytest.approx(again.effect, rel=1e-8)
            assert parts[name].std_error == pytest.approx(again.std_error, rel=1e-8)
            assert parts[name].rows == made.rows
            del parts[name]
    assert set(parts) == {"as chosen"}
    assert [part.effect for part in found.parts] == sorted(part.effect for part in found.parts)


def test_every_set_of_the_curve_holds_the_years_between_fixed_as_the_chosen_one_does() -> None:
    """Planted: 3, a year on, with a lasting confounder. A set with rain beside it finds 3 too; with the treatment's year alone held fixed it lies off."""
    later = {"because": WHY, "lag": 1}
    drawn_so = {"need": {"need": later, "cut": WHY, "care": WHY}, "cut": {"care": later}, "rain": {"cut": WHY}}
    names = ("need", "cut", "rain", "care")
    graph = Graph(
        name="drawn",
        nodes={"authority": {"varies": "authority"}, "year": {"varies": "year"}} | {name: {} for name in names},
        arrows={"authority": dict.fromkeys(names, WHY), "year": dict.fromkeys(names, WHY)} | drawn_so,
    )
    question = replace(CHAIN, lag=1)
    off: dict[str, list[float]] = {}
    for seed in range(30):
        rng = np.random.default_rng([seed, 9])
        need, rain = (lasting(rng, (120, 12), 0.7) for _ in range(2))
        cut = 0.5 * need + 0.3 * rain + 0.7 * rng.normal(size=(120, 12))
        for year in range(1, 12):
            cut[:, year] += 0.6 * cut[:, year - 1]
        care = 3 * need + 2 * rng.normal(size=(120, 12))
        care[:, 1:] += 3 * cut[:, :-1]
        seen = {name: column[:, 4:] for name, column in (("need", need), ("cut", cut), ("rain", rain), ("care", care))}
        trial = tried(table(seen), question, graph, seed=seed)
        for part in refute(SpecificationCurve(draws=19), trial).parts:
            off.setdefault(part.name, []).append(part.effect - 3)
        bare = replace(trial.identification, adjust_for=("authority", "need[-1]", "rain[-1]", "year"))
        off.setdefault("without", []).append(trial.rerun(identification=bare)[1].effect - 3)
    assert set(off) == {"as chosen", "adjusted for need, need[-1], rain[-1]", "without"}
    for name, gaps in off.items():
        error = np.std(gaps, ddof=1) / np.sqrt(len(gaps))
        assert (abs(np.mean(gaps)) > 5 * error) == (name == "without"), (name, np.mean(gaps), error)


def test_true_graphs_whose_sets_agree_alarm_in_at_most_a_twentieth_and_so_does_the_joint_test_of_no_effect() -> None:
    """In the chain no set is needed beside authority and year; holding need or rain fixed too changes nothing but chance. No effect is planted."""
    refuter = SpecificationCurve(tolerance=0.0, draws=99)
    found = [refute(refuter, tried(chain(seed, through=0.0), CHAIN, TRUE, seed=seed)) for seed in range(60)]
    assert all(one.numbers["specifications"] > 1 for one in found)
    assert at_most([one.survived for one in found].count(False), len(found), 0.05)
    assert at_most(sum(one.numbers["joint p-value of no effect"] < 0.05 for one in found), len(found), 0.05)


def test_valid_sets_that_do_not_agree_show_a_wrong_graph() -> None:
    """The graph leaves out need → care, so that sets with and without need are all called valid, and they answer differently."""
    trials = []
    for seed in range(30):
        panel = chain(seed)
        frame = panel.frame.assign(care=panel.frame["care"] + 0.8 * panel.frame["need"])
        trials.append(tried(replace(panel, frame=frame), CHAIN, TRUE, seed=seed))
    caught = alarms(SpecificationCurve(draws=19), trials)
    assert at_least(*caught, 0.9)
    assert "hangs on the specification" in refute(SpecificationCurve(draws=19), trials[0]).found


def test_windows_measures_and_other_questions_one_estimand_at_a_time() -> None:
    panel = chain(4)
    twice = replace(panel.variable("cut"), name="cut_double", unit="half units")
    panel = panel.with_column(panel.frame["cut"] * 2, twice).with_column(panel.frame["need"] + 0.01, replace(panel.variable("need"), name="need_again"))
    trial = tried(panel, CHAIN, TRUE)
    refuter = SpecificationCurve(
        years=[[2011, 2014], [2014, 2017]],
        columns={"cut": ["cut_double"], "need": ["need_again", "nowhere"]},
        questions=[{"lag": 1}, {"target": "x"}],
        draws=19,
    )
    found = refute(refuter, trial)
    of = {part.of for part in found.parts}
    assert of == {"as asked", "cut as cut_double (half units)", "lag 1", "lag 1; cut as cut_double (half units)"}
    main = {part.name: part for part in found.parts if part.of == "as asked"}
    assert found.numbers["specifications"] == len(main)
    # a window is the same analysis of those years alone
    _, again = replace(trial, panel=panel).rerun(panel=panel.subset(years=range(2014, 2018)))
    assert main["years 2014 to 2017"].effect == pytest.approx(again.effect, rel=1e-8)
    later = tried(panel, replace(CHAIN, lag=1), TRUE).estimate
    assert any(part.effect == pytest.approx(later.effect, rel=1e-8) for part in found.parts if part.of == "lag 1")
    halves = [part.effect for part in found.parts if part.of.startswith("cut as") and part.name == "cut_double for cut"]
    assert halves == [pytest.approx(trial.estimate.effect / 2, rel=1e-8)]
    assert "nowhere" in found.found
    assert "target" in found.found


def test_an_effect_of_one_window_only_is_caught() -> None:
    trials = []
    for seed in range(20):
        panel = chain(seed)
        late = panel.frame.index.get_level_values("year") >= 2015
        frame = panel.frame.assign(care=panel.frame["care"] + 1.0 * panel.frame["cut"] * late)
        trials.append(tried(replace(panel, frame=frame), CHAIN, TRUE, seed=seed))
    assert at_least(*alarms(SpecificationCurve(sets=1, years=[(2011, 2014), (2015, 2017)], draws=19), trials), 0.9)


def test_median_t_of_one_specification_is_placed_as_the_placebo_places_it() -> None:
    """One specification's joint test is a randomisation test of its t; `placebo_treatment` deals in another order, so Monte Carlo error is allowed for."""
    from causal.refuters.placebo_treatment import PlaceboTreatment

    cut, noise = (lasting(np.random.default_rng(seed), (80, 7)) for seed in (1, 2))
    trial = tried(table({"cut": cut, "care": 0.06 * cut + noise}), CHAIN, drawn({"cut": {"care": WHY}}))
    curve = refute(SpecificationCurve(years=[(2011, 2018)], draws=1_000), trial)
    placebo = refute(PlaceboTreatment(draws=1_000), trial)
    p, q = curve.numbers["joint p-value of no effect"], placebo.numbers["randomisation p-value"]
    assert 0.02 < q < 0.9
    assert abs(p - q) < 4 * np.sqrt(2 * q * (1 - q) / 1_000)


def test_estimators_that_are_refitted_are_compared_without_scores_too() -> None:
    panel = chain(1)
    scored, bare, none = (refute(SpecificationCurve(refits=3), tried(panel, CHAIN, TRUE, Refitted(how=how))) for how in ("well", "no scores", "no error"))
    assert scored.survived is bare.survived is True
    assert bare.p_value >= scored.p_value
    assert scored.numbers["joint p-value of no effect"] is None
    assert scored.numbers["specifications"] == 3
    assert none.survived is None


def test_one_specification_is_no_curve() -> None:
    found = refute(SpecificationCurve(), tried(World().load(), QUESTION, GRAPH))
    assert found.survived is None
    assert "no second specification" in (found.reason or "")


# Support


def test_overlap_of_a_clean_adoption_and_of_clean_doses() -> None:
    adopted = [tried(World(seed=seed, adoption=True, authorities=100).load(), ADOPTION, GRAPH) for seed in range(20)]
    assert at_most(*alarms(Overlap(), adopted), 0.05)
    assert alarms(Overlap(), [tried(World(seed=seed).load(), QUESTION, GRAPH) for seed in range(20)])[0] == 0
    assert alarms(Overlap(), list(england(3)))[0] == 0


def test_adoption_told_by_deprivation_is_caught_as_no_overlap() -> None:
    caught = 0
    for seed in range(20):
        panel = World(seed=seed, adoption=True, authorities=100).load()
        deprived = panel.frame["deprivation"] > 20
        cut = (deprived & (panel.frame.index.get_level_values("year") >= 2014)).astype(float)
        panel = replace(panel, frame=panel.frame.assign(cut=cut))
        found = refute(Overlap(), tried(panel, replace(ADOPTION, modifiers=()), GRAPH))
        caught += found.survived is False
    assert at_least(caught, 20, 0.9)


def test_a_dose_that_moves_in_deprived_places_only_is_caught_as_no_overlap() -> None:
    caught = []
    for seed in range(20):
        panel = World(seed=seed).load()
        deprived = panel.frame["deprivation"] > 24
        steady = panel.frame.groupby(level=0)["cut"].transform("mean") + 0.001 * panel.frame["cut"]
        panel = replace(panel, frame=panel.frame.assign(cut=panel.frame["cut"].where(deprived, steady), poverty=0 * panel.frame["poverty"] + 1))
        trial = tried(panel, QUESTION, GRAPH)
        # without controls the residual treatment is the treatment within authority and year; common years move all alike
        caught.append(refute(Overlap(spread=0.12), trial))
    assert at_least(sum(one.survived is False for one in caught), 20, 0.8)
    assert all("low deprivation" in one.found for one in caught if one.survived is False)


def test_overlap_says_why_it_was_not_run() -> None:
    bare = tried(chain(1, authorities=30), CHAIN, drawn({"cut": {"care": WHY}}))
    assert "nothing is held fixed" in (refute(Overlap(), bare).reason or "")
    few = tried(World(authorities=12).load(), QUESTION, GRAPH)
    assert "too few" in (refute(Overlap(), few).reason or "")


def test_propensities_are_out_of_fold_and_near_those_of_the_planted_law() -> None:
    """A planted logistic law of deprivation alone: the share outside support is that of the true chances."""
    panel = World(seed=1, adoption=True, authorities=600, years=5).load()
    rng = np.random.default_rng(3)
    deprivation = panel.frame["deprivation"].groupby(level=0).first()
    true = 1 / (1 + np.exp(-2.0 * (deprivation - 20) / 8))
    had = pd.Series(rng.random(len(true)) < true, index=true.index)
    year = panel.frame.index.get_level_values("year")
    cut = (had.reindex(panel.frame.index.get_level_values("authority")).to_numpy() & (year >= 2013)).astype(float)
    trial = tried(replace(panel, frame=panel.frame.assign(cut=cut, poverty=1.0)), replace(ADOPTION, modifiers=()), GRAPH)
    found = refute(Overlap(), trial)
    outside = float(((true < 0.1) | (true > 0.9)).mean())
    assert found.numbers["share of authorities outside support"] == pytest.approx(outside, abs=0.06)


def test_extrapolation_of_a_contrast_within_and_beyond_the_moves_made() -> None:
    trials = [tried(World(seed=seed).load(), QUESTION, GRAPH) for seed in range(20)]
    assert alarms(Extrapolation(), trials)[0] == 0
    assert alarms(Extrapolation(), list(england(3)))[0] == 0
    wide = [tried(World(seed=seed).load(), replace(QUESTION, treated=2.5), GRAPH) for seed in range(20)]
    assert alarms(Extrapolation(), wide)[0] == 20
    found = refute(Extrapolation(), wide[0])
    assert "beyond the data" in found.found
    assert "2.5 lies outside" in found.found


def test_extrapolation_counts_what_pandas_counts() -> None:
    trial = tried(World(seed=2).load(), QUESTION, GRAPH)
    found = refute(Extrapolation(fewest=7), trial)
    cut = pd.Series(trial.design.treatment).groupby(trial.design.authority)
    moves = (cut.max() - cut.min()).sort_values()
    assert found.numbers["move that enough authorities made"] == pytest.approx(moves.iloc[-7])
    assert found.numbers["authorities that moved as far"] == (moves >= 0.5).sum()
    between = refute(Extrapolation(fewest=7), tried(World(seed=2).load(), QUESTION, GRAPH, Difference()))
    assert between.numbers["move that enough authorities made"] == pytest.approx(cut.max().sort_values().iloc[-7] - cut.min().sort_values().iloc[6])


def test_constant_places_that_others_differ_from_are_beyond_the_data_within_but_not_between() -> None:
    """Places differ by far more than any of them has moved."""
    rng = np.random.default_rng(6)
    cut = 3 * rng.normal(size=(60, 1)) + 0.05 * rng.normal(size=(60, 6))
    panel = table({"cut": cut, "care": rng.normal(size=(60, 6))})
    graph = drawn({"cut": {"care": WHY}})
    assert [refute(Extrapolation(), tried(panel, CHAIN, graph, one)).survived for one in (FixedEffects(), Difference())] == [False, True]


# Leverage


def misrecorded(seed: int) -> Panel:
    """A true effect of 0.42 a unit; in one year of each of eight authorities the treatment is recorded 8 too high or too low."""
    panel = chain(seed)
    rng = np.random.default_rng([seed, 13])
    cut = panel.frame["cut"].to_numpy().reshape(80, 7).copy()
    cut[rng.choice(80, 8, replace=False), rng.integers(0, 7, 8)] += 8 * rng.choice([-1, 1], 8)
    return replace(panel, frame=panel.frame.assign(cut=cut.ravel()))


@pytest.mark.parametrize("estimator", [FixedEffects(), Refitted()], ids=lambda one: one.name)
def test_outliers_in_many_authorities_are_caught_together_and_not_one_by_one(estimator) -> None:
    trials = [tried(misrecorded(seed), CHAIN, TRUE, estimator, seed=seed) for seed in range(20)]
    found = [refute(Leverage(), one) for one in trials]
    assert at_least([one.survived for one in found].count(False), 20, 0.9)
    np.testing.assert_allclose(np.mean([one.numbers["effect without them"] for one in found]), 0.42, atol=0.04)
    if isinstance(estimator, FixedEffects):
        assert alarms(LeaveOneOut(regions=False), trials)[0] <= 4


def test_lumpy_closures_are_no_outliers_in_more_than_a_twentieth_of_clean_worlds() -> None:
    question, graph = nao()
    trials = [tried(Simulated(seed=100 + seed, effect=0.0).load(), question, graph) for seed in range(20)]
    assert at_most(*alarms(Leverage(), trials), 0.05)
    assert refute(Leverage(), tried(chain(1), CHAIN, TRUE)).survived is True


def test_leaving_outliers_out_is_a_rerun_without_their_authorities() -> None:
    trial = tried(misrecorded(1), CHAIN, TRUE)
    found = refute(Leverage(), trial)
    left = trial.design.partial_out(trial.design.treatment[:, None])[:, 0]
    far = left**2 / (left @ left) > 20 / len(left)
    gone = {trial.design.authorities[a] for a in trial.design.authority[far]}
    assert found.numbers["authorities that have them"] == len(gone)
    _, again = trial.rerun(panel=trial.panel.subset(authorities=[name for name in trial.panel.authorities if name not in gone]))
    assert found.parts[0].effect == pytest.approx(again.effect, rel=1e-8)
