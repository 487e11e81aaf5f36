"""Shocks that places share: the test of them, the interval on its alarm, and what is refused.

Held by the exact permutation law on a small panel, CR2 by group by brute force, linearmodels' Driscoll & Kraay, a double sum over places, dummies written out,
and worlds of closed form (`waves`) that share nothing with the code.
"""

from __future__ import annotations

import itertools
import time
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from threadpoolctl import threadpool_limits
from worlds import GRAPH, QUESTION, World, designed

from causal.analysis import analyse
from causal.answer import answered
from causal.design import Design
from causal.draws import stream
from causal.errors import DataError, DesignError
from causal.estimate import Estimate
from causal.estimators.dml import LinearDml
from causal.estimators.fixed_effects import FirstDifference, FixedEffects
from causal.graph import Graph
from causal.groupings import Way, groups
from causal.inference.dependence import Ties, conley, deal_places, driscoll_kraay, moran, paths
from causal.panel import Panel, Variable
from causal.question import Question
from causal.refutation import Refutation
from causal.refute import refuted
from causal.refuters.shared_shocks import SharedShocks
from causal.report.record import record
from causal.shared import widened
from causal.sources.borders import read_borders, read_groups
from causal.sources.table import Table
from causal.study import Study, run
from causal.trial import Trial

SIZES = (24, 15, 12, 11, 10, 9, 7, 6, 6)  # nine regions of unequal size, 100 places
PLAIN = Graph(
    name="plain",
    nodes={"authority": {"varies": "authority"}, "year": {"varies": "year"}, "cut": {}, "plans": {}},
    arrows={
        "authority": {"cut": "made so", "plans": "made so"},
        "year": {"cut": "made so", "plans": "made so"},
        "cut": {"plans": "the question"},
    },
)
ASKED = replace(QUESTION, treated=1.0, modifiers=())


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    with threadpool_limits(limits=1):
        yield


def waves(seed: int, outcome: float, treatment: float, *, by: str = "region", both: float = 0.0, years: int = 9, whole: bool = False) -> Panel:
    """A panel whose effect is 1, with shares of the variance of outcome and treatment that come from waves common to a group.

    The shocks of outcome and of treatment are independent of one another. `by` is "region" (nine of unequal size), "deprivation" (tenths) or "ring" (places
    in a circle whose shocks are moving averages of neighbours'). `both` is a share from waves by tenth of deprivation beside those by region. `whole` sets the
    treatment by region alone.
    """
    rng = np.random.default_rng(seed)
    n = sum(SIZES)
    region = np.repeat(np.arange(9), SIZES)
    score = rng.permutation(n).astype(float)
    tenth = (score * 10 // n).astype(int)

    def wave(of: np.ndarray) -> np.ndarray:
        return rng.normal(size=(of.max() + 1, years))[of]

    def column(share: float) -> np.ndarray:
        own = rng.normal(size=(n, years))
        if by == "ring":
            wide = sum(np.roll(own, k, axis=0) for k in range(-2, 3)) / np.sqrt(5)
            return np.sqrt(1 - share) * rng.normal(size=(n, years)) + np.sqrt(share) * wide
        return np.sqrt(1 - share - both) * own + np.sqrt(share) * wave(region if by == "region" else tenth) + np.sqrt(both) * wave(tenth)

    cut = wave(region) if whole else column(treatment)
    plans = 10 + rng.normal(size=(n, 1)) + rng.normal(size=years) + cut + column(outcome)
    codes = [f"A{i:03d}" for i in range(n)]
    index = pd.MultiIndex.from_product([codes, range(2011, 2011 + years)], names=["authority", "year"])
    said = {"deprivation": np.repeat(score, years), "cut": cut.ravel(), "plans": plans.ravel()}
    return Panel(
        frame=pd.DataFrame(said, index=index),
        variables=tuple(
            Variable(name=name, label=name, unit="units", source="made up", varies="authority" if name == "deprivation" else "both") for name in said
        ),
        places=pd.DataFrame({"name": codes, "region": [f"Region {k}" for k in region]}, index=pd.Index(codes, name="authority")),
        title="waves",
        borders=tuple(sorted(tuple(sorted((codes[i], codes[(i + 1) % n]))) for i in range(n))) if by == "ring" else None,
    )


def tried(panel: Panel, draws: int = 999, estimator=None, question: Question = ASKED, graph: Graph = PLAIN) -> tuple[Trial, Refutation]:
    estimator = estimator or FixedEffects()
    analysis = analyse(panel, question, graph, estimator=estimator)
    trial = Trial.of(analysis, estimator, answered(estimator, analysis.must(""), stream(1, "estimate")), seed=1)
    return trial, refuted(SharedShocks(draws=draws), trial, stream(1, "shared_shocks"))


def on_alarm(trial: Trial, found: Refutation) -> tuple[Design, Estimate]:
    """What `causal.run` makes of a check's finding."""
    if not found.shared:
        return trial.design, trial.estimate
    return widened(trial.estimator, trial.panel, trial.design, trial.estimate, found.shared, stream(1, "estimate"))


def holds(estimate: Estimate, truth: float = 1.0) -> bool:
    return estimate.lower is None or estimate.upper is None or estimate.lower <= truth <= estimate.upper


@pytest.mark.parametrize("kind", ["groups", "pairs"])
def test_q_and_its_p_value_are_those_of_the_exact_law_over_all_permutations(kind: str) -> None:
    rng = np.random.default_rng(3)
    x = paths(rng.normal(size=24) + np.repeat([0.9, 0.9, -0.9, -0.9, 0, 0], 4), np.repeat(np.arange(6), 4), np.tile(np.arange(4), 6), 6, 4)
    w = np.zeros((6, 6))
    if kind == "groups":
        ties = Ties(group=np.array([0, 0, 1, 1, 2, 2]))
        tied = [(0, 1), (2, 3), (4, 5)]
    else:
        tied = [(0, 1), (1, 2), (4, 5)]
        ties = Ties(pairs=np.array(tied))
    for a, b in tied:
        w[a, b] = w[b, a] = 1.0

    def q(order: tuple[int, ...]) -> float:
        return sum(w[i, j] * float(x[order[i]] @ x[order[j]]) for i in range(6) for j in range(6) if i != j)

    law = np.array([q(order) for order in itertools.permutations(range(6))])
    exact = float((law >= law[0] - 1e-9).mean())
    found = moran(x, ties, np.random.default_rng(0), 19_999)
    assert found.q == pytest.approx(law[0], rel=1e-12)
    assert found.likeness == pytest.approx(law[0] / w.sum(), rel=1e-12)
    assert abs(found.p_value - exact) < 4 * np.sqrt(exact * (1 - exact) / 19_999) + 1e-4


def test_the_paths_as_they_are_count_among_the_permutations() -> None:
    """Phipson & Smyth 2010: a permutation p-value is at least 1 / (1 + draws), so it is never 0, however far the paths as they are lie from all others."""
    alike = np.repeat(np.random.default_rng(1).normal(size=(6, 20)), 2, axis=0)
    found = moran(
        paths(alike.ravel(), np.repeat(np.arange(12), 20), np.tile(np.arange(20), 12), 12, 20),
        Ties(group=np.repeat(np.arange(6), 2)),
        np.random.default_rng(0),
        49,
    )
    assert found.likeness == pytest.approx(1.0) and found.p_value == pytest.approx(1 / 50)


def test_dealing_within_groups_has_the_exact_law_of_permutations_within_groups() -> None:
    rng = np.random.default_rng(5)
    x = rng.normal(size=(7, 3))
    within = np.array([1, 0, 1, 0, 0, 1, 0])
    pairs = np.array([[0, 1], [2, 3], [4, 5], [5, 6], [0, 6]])
    zero, one = np.flatnonzero(within == 0), np.flatnonzero(within == 1)
    law = []
    for a in itertools.permutations(zero):
        for b in itertools.permutations(one):
            order = np.empty(7, dtype=int)
            order[zero], order[one] = a, b
            law.append(2 * sum(float(x[order[i]] @ x[order[j]]) for i, j in pairs))
    exact = float((np.array(law) >= law[0] - 1e-9).mean())
    found = moran(x, Ties(pairs=pairs), np.random.default_rng(0), 19_999, within=within)
    assert abs(found.p_value - exact) < 4 * np.sqrt(exact * (1 - exact) / 19_999) + 1e-4
    dealt = deal_places(np.random.default_rng(1), 7, 500, within)
    assert (within[dealt] == within).all() and (np.sort(dealt, axis=1) == np.arange(7)).all()


def test_paths_have_length_one_over_years_and_are_left_as_they_are_in_one_year() -> None:
    """Closed form; a path of nothing stays nothing, and a missing year counts as no year in common."""
    long = paths(np.array([3.0, 4.0, 0.0, 0.0, 2.0]), np.array([0, 0, 1, 1, 2]), np.array([0, 1, 0, 1, 1]), 3, 2)
    np.testing.assert_allclose(long, [[0.6, 0.8], [0, 0], [0, 1]])
    np.testing.assert_allclose(paths(np.array([3.0, -2.0]), np.array([0, 1]), np.array([0, 0]), 2, 1), [[3.0], [-2.0]])


def brute_cr2(design: Design, cells: list[np.ndarray], cluster: np.ndarray) -> tuple[float, float, float]:
    """Coefficient, CR2 error and Satterthwaite's degrees of freedom from all dummies written out and matrices of rows × rows."""
    dummies = [np.eye(len(design.authorities))[design.authority], design.year_dummies(), *cells]
    x = np.column_stack([design.treatment, *dummies])
    inverse = np.linalg.pinv(x.T @ x, rcond=1e-12)
    hat = x @ inverse @ x.T
    residual = design.outcome - hat @ design.outcome
    m = np.eye(len(x)) - hat
    variance, loads = 0.0, []
    for g in np.unique(cluster):
        rows = np.flatnonzero(cluster == g)
        values, vectors = np.linalg.eigh(np.eye(len(rows)) - hat[np.ix_(rows, rows)])
        root = (vectors * np.where(values > 1e-9, 1 / np.sqrt(np.maximum(values, 1e-9)), 0)) @ vectors.T
        p = root @ (x[rows] @ inverse[:, 0])
        variance += float(p @ residual[rows]) ** 2
        loads.append(m[:, rows] @ p)
    gram = np.array(loads) @ np.array(loads).T
    return float((inverse @ x.T @ design.outcome)[0]), float(np.sqrt(variance)), float(np.trace(gram) ** 2 / (gram**2).sum())


@pytest.mark.parametrize("refit", [True, False])
def test_the_interval_by_group_is_cr2_by_brute_force(refit: bool) -> None:
    panel = waves(4, 0.5, 0.5, years=4, whole=not refit)
    trial, _ = tried(panel, draws=19)
    way = Way(kind="region")
    _, after = widened(trial.estimator, panel, trial.design, trial.estimate, [way], stream(1, "estimate"))
    assert after.shared is not None and after.shared.refitted is refit
    code = np.unique(trial.design.region, return_inverse=True)[1]
    cells = [((code == k) & (trial.design.year == year)).astype(float)[:, None] for k in np.unique(code) for year in trial.design.years] if refit else []
    effect, error, df = brute_cr2(trial.design, cells, code)
    half = stats.t.ppf(0.975, df) * error
    assert after.effect == pytest.approx(effect, rel=1e-8)
    if after.shared.widest == "region":
        assert (after.lower, after.upper) == pytest.approx((effect - half, effect + half), rel=1e-6)
        assert after.df == pytest.approx(df, rel=1e-6)
    else:
        assert refit and after.upper - after.lower >= 2 * half * (1 - 1e-9)
    if not refit:
        assert after.shared.widest == "region" and after.shared.left < 0.05 and "is the cluster" in after.inference
    # the answer before stands beside it, with its own interval by group
    effect, error, df = brute_cr2(trial.design, [], code)
    half = stats.t.ppf(0.975, df) * error
    assert (after.shared.group_lower, after.shared.group_upper) == pytest.approx((effect - half, effect + half), rel=1e-6)
    assert (after.shared.effect, after.shared.lower, after.shared.upper) == (trial.estimate.effect, trial.estimate.lower, trial.estimate.upper)


def test_the_refit_takes_the_group_interval_where_that_is_the_widest() -> None:
    """In some world it is; the length is the larger of brute-force CR2 by region and the authority interval of the refit."""
    seen = set()
    for seed in range(12):
        panel = waves(seed, 0.3, 0.3, years=4)
        trial, _ = tried(panel, draws=19)
        refit, after = widened(trial.estimator, panel, trial.design, trial.estimate, [Way(kind="region")], stream(1, "estimate"))
        own = answered(trial.estimator, refit, stream(1, "estimate"))
        by = answered(trial.estimator, replace(refit, cluster=refit.grouped["region"], clusters=tuple("abcdefghi")), stream(1, "estimate"))
        longest = max(own.upper - own.lower, by.upper - by.lower)
        assert after.upper - after.lower == pytest.approx(longest, rel=1e-12)
        assert float((after.influence**2).sum()) == pytest.approx(after.std_error**2, rel=1e-9)
        seen.add(after.shared.widest)
    assert seen == {"authority", "region"}


def below(successes: int, trials: int, bound: float) -> bool:
    """Whether an exact one-sided binomial test rejects, at 1 %, that the rate is at least the bound."""
    return stats.binomtest(successes, trials, bound, alternative="less").pvalue < 0.01


def test_clean_worlds_alarm_no_oftener_than_the_level_and_shared_waves_always() -> None:
    """160 clean panels with an effect, 80 with waves in one of the two only, 40 with waves in both (planted)."""
    clean = sum(tried(waves(seed, 0.0, 0.0), 199)[1].survived is False for seed in range(160))
    assert stats.binomtest(clean, 160, 0.05, alternative="greater").pvalue > 0.01
    one = sum(tried(waves(seed, 0.3 * (seed % 2), 0.3 * (1 - seed % 2)), 199)[1].survived is False for seed in range(80))
    assert stats.binomtest(one, 80, 0.05, alternative="greater").pvalue > 0.01
    both = sum(tried(waves(seed, 0.1, 0.1), 199)[1].survived is False for seed in range(40))
    assert both >= 38


@pytest.mark.parametrize(("by", "share"), [("region", 0.3), ("region", 0.5), ("deprivation", 0.3), ("ring", 0.5)])
def test_the_interval_on_alarm_holds_the_truth_where_the_naive_one_does_not(by: str, share: float) -> None:
    """Panels of planted waves; the naive interval in the same panels for comparison. A ring is not region × year, so there no claim is made but alarm."""
    naive, wide, alarms = 0, 0, 0
    panels = 30 if by == "ring" else 120 if share < 0.5 else 60
    for seed in range(panels):
        trial, found = tried(waves(1_000 + seed, share, share, by=by), 199)
        alarms += bool(found.shared)
        naive += holds(trial.estimate)
        wide += holds(on_alarm(trial, found)[1])
    assert alarms >= 0.9 * panels
    if by == "ring":
        return
    assert below(naive, panels, 0.92), naive
    assert not below(wide, panels, 0.95), wide


def test_two_alarms_at_once_are_absorbed_together() -> None:
    """30 panels with waves by region and by tenth (planted): both named, both absorbed, and the interval holds the truth."""
    wide, naive, both = 0, 0, 0
    for seed in range(30):
        trial, found = tried(waves(2_000 + seed, 0.3, 0.3, both=0.3), 199)
        refit, after = on_alarm(trial, found)
        both += set(refit.grouped) == {"region", "tenth of deprivation"}
        naive += holds(trial.estimate)
        wide += holds(after)
    assert both >= 28
    assert below(naive, 30, 0.92) and not below(wide, 30, 0.95), (naive, wide)


def test_a_treatment_set_by_region_is_not_refitted_and_its_region_is_the_cluster() -> None:
    """80 panels (planted): nothing is left within regions, the naive interval is far too narrow, the one by region holds."""
    wide, naive = 0, 0
    for seed in range(80):
        trial, found = tried(waves(3_000 + seed, 0.3, 0.0, whole=True), 199)
        _, after = on_alarm(trial, found)
        assert after.shared is None or not after.shared.refitted
        naive += holds(trial.estimate)
        wide += holds(after)
    assert below(naive, 80, 0.75) and not below(wide, 80, 0.95), (naive, wide)


def test_after_an_alarm_of_borders_the_test_is_made_again_within_regions() -> None:
    """Waves by region alone: bordering places within regions are alike, and no longer once region × year is absorbed (planted)."""
    panel = waves(7, 0.5, 0.5)
    codes = list(panel.places.index)
    region = panel.places["region"].to_list()
    inside = tuple((codes[i], codes[i + 1]) for i in range(len(codes) - 1) if region[i] == region[i + 1])
    _, found = tried(replace(panel, borders=inside))
    assert {way.kind for way in found.shared} == {"region", "border"} and "no longer clearly" in found.found
    _, ring = tried(waves(7, 0.8, 0.8, by="ring"))
    assert any(way.kind == "border" for way in ring.shared) and "still hit together" in ring.found
    assert ring.numbers["shared border within regions: p-value"] <= 0.05


def test_driscoll_and_kraay_is_that_of_linearmodels_and_conley_a_double_sum() -> None:
    linearmodels = pytest.importorskip("linearmodels")
    panel = waves(11, 0.3, 0.3)
    made = designed(panel, ASKED, PLAIN)
    outcome, treatment = made.within(made.outcome[:, None], made.treatment[:, None])
    slope = float(treatment[:, 0] @ outcome[:, 0]) / float(treatment[:, 0] @ treatment[:, 0])
    residual = (outcome - slope * treatment)[:, 0]
    frame = panel.frame.reset_index().set_index(["authority", "year"])
    fit = linearmodels.PanelOLS(frame["plans"], frame[["cut"]], entity_effects=True, time_effects=True).fit(
        cov_type="kernel", kernel="bartlett", bandwidth=int(4 * (9 / 100) ** (2 / 9)), debiased=False
    )
    time_code = np.searchsorted(made.years, made.year)
    # linearmodels multiplies the variance by n / (n − k) for its k = 100 + 9 − 1 effects
    theirs = float(fit.std_errors["cut"]) * np.sqrt((900 - 108) / 900)
    assert driscoll_kraay(treatment[:, 0], residual, time_code, 9) == pytest.approx(theirs, rel=1e-6)
    n = len(made.authorities)
    pairs = np.array([(i, i + 1) for i in range(n - 1)])
    scores = np.bincount(made.authority, weights=treatment[:, 0] * residual)
    kernel = np.array([[max(0.0, 1 - abs(i - j) / 3) for j in range(n)] for i in range(n)])
    expected = np.sqrt(scores @ kernel @ scores) / float(treatment[:, 0] @ treatment[:, 0])
    assert conley(treatment[:, 0], residual, made.authority, n, pairs) == pytest.approx(expected, rel=1e-10)


@pytest.mark.parametrize(("estimator", "panels", "least"), [(FirstDifference(), 20, 17), (LinearDml(), 6, 5)], ids=["first_difference", "linear_dml"])
def test_other_estimators_are_refitted_too(estimator, panels: int, least: int) -> None:
    """Planted waves; by 9 regions five folds cannot be made, and scores are summed."""
    wide = 0
    for seed in range(panels):
        trial, found = tried(waves(4_000 + seed, 0.5, 0.5), 99, estimator)
        _, after = on_alarm(trial, found)
        assert after.shared is not None and after.shared.refitted
        wide += holds(after)
    assert wide >= least


def test_a_region_in_the_graph_is_absorbed_by_year_as_dummies_written_out_would_be() -> None:
    arrows = {"cut": {"because": "made so", "by_year": True}, "plans": {"because": "made so", "by_year": True}}
    graph = Graph(
        name="by region",
        nodes={**{node.name: node for node in PLAIN.nodes}, "region": {"varies": "authority"}},
        arrows={**{cause: {a.effect: a.because for a in PLAIN.arrows if a.cause == cause} for cause in ("authority", "year", "cut")}, "region": arrows},
    )
    panel = waves(5, 0.5, 0.5)
    analysis = analyse(panel, ASKED, graph)
    made = analysis.must("")
    assert "region" in analysis.identification.adjust_for and set(made.grouped) == {"region"}
    estimate = answered(FixedEffects(), made, stream(1, "estimate"))
    code = np.unique(made.region, return_inverse=True)[1]
    x = np.column_stack(
        [made.treatment, np.eye(len(made.authorities))[made.authority], *(((code == k) & (made.year == t)).astype(float) for k in range(9) for t in made.years)]
    )
    assert estimate.effect == pytest.approx(float(np.linalg.lstsq(x, made.outcome, rcond=None)[0][0]), rel=1e-8)
    # and what is absorbed is not asked for again
    _, found = tried(panel, 199, graph=graph)
    assert found.survived and "region × year is held fixed already" in found.found.lower()
    study = Study(title="by region", action="Cutting", question=ASKED, graph=graph, source=Given(panel), estimator=FixedEffects())
    result = run(study)
    assert [step.names for step in result.steps][-1] == ("region",) and any("region × year" in words for words in result.design.words)


@dataclass(frozen=True)
class Given:
    panel: Panel

    def load(self) -> Panel:
        return self.panel


def test_a_study_answers_with_the_wider_interval_and_keeps_the_one_before() -> None:
    """Effect 1 on waves by region: verdict, record and page have the refit; a clean panel is left alone."""
    panel = waves(1, 0.5, 0.5)
    question = replace(ASKED, smallest_important=0.2)
    study = Study(
        title="waves",
        action="Cutting",
        question=question,
        graph=PLAIN,
        source=Given(panel),
        estimator=FixedEffects(),
        refuters={"shared_shocks": SharedShocks()},
    )
    result = run(study)
    bare = run(replace(study, refuters={}))
    assert result.estimate.shared is not None and result.estimate.shared.effect == bare.estimate.effect
    assert (result.estimate.shared.lower, result.estimate.shared.upper) == (bare.estimate.lower, bare.estimate.upper)
    assert result.estimate.effect != bare.estimate.effect and any(one.concern == "shared_shocks" for one in result.verdict.reasons)
    assert f"{result.estimate.effect:+.2f}" in str(record(result, {})["answer"]) and f"{bare.estimate.effect:+.2f}" in str(record(bare, {})["answer"])
    kept = record(result, {})["estimate"]["shared"]
    assert kept["through"] == ["region"] and kept["lower"] == bare.estimate.lower and kept["refitted"] is True
    clean = run(replace(study, source=Given(waves(1, 0.0, 0.0))))
    assert clean.estimate.shared is None and clean.refutations[0].survived


def test_on_1_200_rows_it_takes_at_most_a_second() -> None:
    """150 places over 8 years, four sets of ties, processor time."""
    panel = World(authorities=150).load()
    codes = list(panel.places.index)
    panel = replace(
        panel,
        borders=tuple((codes[i], codes[j]) for i in range(150) for j in (i + 1, i + 2, i + 9) if j < 150),
        places=panel.places.assign(group=[f"G{i % 12}" for i in range(150)]),
    )
    trial, _ = tried(panel, 19, question=QUESTION, graph=GRAPH)
    began = time.process_time()
    found = refuted(SharedShocks(), trial, stream(1, "shared_shocks"))
    assert time.process_time() - began <= 1.0
    assert {name.partition(":")[0] for name in found.numbers if "p-value" in name} == {"region", "tenth of deprivation", "shared border", "group"}


@pytest.mark.parametrize(
    ("regions", "says"),
    [
        (lambda i: f"R{i}", "holds one place alone"),
        (lambda i: "R", "all places are in one region"),
        (lambda i: f"R{i % 3}", "3 regions are too few; at least 4 are wanted"),
        (lambda i: "", "no region of any place is known"),
    ],
)
def test_groups_that_say_nothing_are_not_tested_and_say_why(regions, says: str) -> None:
    panel = waves(1, 0.5, 0.5)
    panel = replace(panel, places=panel.places.assign(region=[regions(i) for i in range(len(panel.places))]))
    assert says in groups(panel, designed(panel, ASKED, PLAIN), Way(kind="region"))
    _, found = tried(panel, 99)
    assert says in found.found.replace("All places", "all places").replace("No region", "no region")


def test_with_nothing_known_of_places_it_is_not_run_and_says_why() -> None:
    panel = waves(1, 0.5, 0.5)
    panel = replace(panel, places=panel.places[["name"]], frame=panel.frame[["cut", "plans"]], variables=panel.variables[1:])
    _, found = tried(panel, 99)
    assert found.survived is None and "source.borders" in found.reason and "deprivation" in found.reason


def written(folder, text: str) -> str:
    path = folder / "given.csv"
    path.write_text(text, encoding="utf-8")
    return str(path)


def test_a_table_of_borders_takes_each_pair_once_or_every_pair_both_ways(tmp_path) -> None:
    codes = {c: c for c in "ABCDE"}
    once = read_borders(written(tmp_path, "authority,neighbour\nA,B\nC,B\n"), codes)
    both = read_borders(written(tmp_path, "left,right\nA,B\nB,A\nB,C\nC,B\n"), codes)
    assert once[0] == both[0] == (("A", "B"), ("B", "C"))
    assert any("2 places without any, and kept: D, E" in note for note in once[1])
    merged = read_borders(written(tmp_path, "la_code,neighbour_code\nA1,B\nA2,C\nA1,A2\nX,B\n"), {"A1": "A", "A2": "A", "B": "B", "C": "C"})
    assert merged[0] == (("A", "B"), ("A", "C")) and any("1 code of given.csv not in these data, and left out: X" in note for note in merged[1])


def of_groups(path, of) -> Panel:
    """A user's table of twelve places and four years with a column of groups."""
    rows = [f"A{i:02d},{year},{i * year % 7},{i + year},{of(i, year)}" for i in range(12) for year in range(2010, 2014)]
    return Table(path=written(path, "\n".join(["area,yr,d,y,mine", *rows])), authority="area", year="yr", groups="mine").load()


def test_a_place_that_changes_its_group_is_named_and_refused(tmp_path) -> None:
    with pytest.raises(DataError, match=r"1 place changes group \(A03: G3 to G1\)"):
        of_groups(tmp_path, lambda i, year: f"G{1 if (i, year) == (3, 2013) else i % 4}")


def test_places_in_no_group_are_kept_and_named(tmp_path) -> None:
    panel = of_groups(tmp_path, lambda i, year: "" if i in (2, 5) or year == 2011 else f"G{i % 4}")
    assert len(panel.authorities) == 12 and "groups: 2 places in none, and tied to nobody by them: A02, A05" in panel.notes


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("a,b\nA,B\nB,A\nB,C\n", "1 pair both ways and 1 one way only, like B → C"),
        ("a,b\nX,Y\n", "wanted a pair of two places of these data, got none"),
        ("a,b,c\nA,B,C\n", "wanted a column la_code"),
        ("a,b\n", "at least one row"),
    ],
)
def test_bad_tables_of_borders_are_refused_with_one_message(tmp_path, text: str, says: str) -> None:
    with pytest.raises(DataError, match=says):
        read_borders(written(tmp_path, text), {c: c for c in "ABC"})


@pytest.mark.parametrize(
    ("groups_of", "says"),
    [
        (lambda i: f"G{i}", "is a group of its own"),
        (lambda i: "G", "all 12 places are in the one group 'G'"),
        (lambda i: f"G{i % 3}", "3 groups are too few; at least 4"),
    ],
)
def test_groups_of_ones_own_that_say_nothing_are_refused(tmp_path, groups_of, says: str) -> None:
    codes = [f"P{i}" for i in range(12)]
    rows = "\n".join(f"{code},{year},{groups_of(i)},{i + year}" for i, code in enumerate(codes) for year in (2011, 2012))
    with pytest.raises(DataError, match=says):
        Table(path=written(tmp_path, f"authority,year,mine,plans\n{rows}\n"), year="year", groups="mine").load()
    with pytest.raises(DataError, match=says):
        read_groups(written(tmp_path, "code,group\n" + "\n".join(f"{code},{groups_of(i)}" for i, code in enumerate(codes))), {c: c for c in codes})


def test_a_table_takes_groups_and_borders_and_names_its_island(tmp_path) -> None:
    codes = [f"P{i}" for i in range(12)]
    rows = "\n".join(f"{code},{year},G{i % 4},{i + year}" for i, code in enumerate(codes) for year in (2011, 2012))
    borders = tmp_path / "borders.csv"
    borders.write_text("authority,neighbour\n" + "\n".join(f"P{i},P{i + 1}" for i in range(10)) + "\n", encoding="utf-8")
    panel = Table(path=written(tmp_path, f"authority,year,mine,plans\n{rows}\n"), year="year", groups="mine", borders=str(borders)).load()
    assert panel.places["group"].to_dict() == {code: f"G{i % 4}" for i, code in enumerate(codes)}
    assert panel.borders == tuple(sorted(tuple(sorted((f"P{i}", f"P{i + 1}"))) for i in range(10)))
    assert any("1 place without any, and kept: P11" in note for note in panel.notes)


def test_a_weight_of_zero_is_refused_with_one_message() -> None:
    panel = World(authorities=20).load()
    frame = panel.frame.copy()
    frame.iloc[3, frame.columns.get_loc("children")] = 0.0
    with pytest.raises(DesignError, match="wanted numbers above 0 wherever it is known, got 1 of"):
        designed(replace(panel, frame=frame), replace(QUESTION, weights="children"))


def test_after_an_alarm_one_estimate_speaks_everywhere() -> None:
    """The account's and the run's answer are one to the bit; checks say whose they are, hidden causes and other methods are its own."""
    from causal.breakdown import Case
    from causal.decompositions.cost import Cost
    from causal.refuters.leave_one_out import LeaveOneOut
    from causal.refuters.unmeasured_confounder import UnmeasuredConfounder
    from causal.report.first import first

    panel = waves(4, 0.4, 0.4)
    rate = tuple(replace(one, unit="per 10,000 children", count_per=10_000.0) if one.name == "plans" else one for one in panel.variables)
    panel = replace(panel, variables=rate)
    check, estimator = SharedShocks(draws=999), FixedEffects()
    asked = replace(ASKED, smallest_important=0.3, harm="increase")
    study = Study(
        title="Waves", action="Doing it", question=asked, graph=PLAIN, source=panel, estimator=estimator, beside=(FirstDifference(),), seed=1,
        refuters={"shared_shocks": check, "unmeasured_confounder": UnmeasuredConfounder(), "leave_one_out": LeaveOneOut()},
    )  # fmt: skip
    result = run(study)
    estimate = result.estimate
    assert estimate is not None and estimate.shared is not None and estimate.shared.refitted and estimate.effect != estimate.shared.effect

    case = Case(panel=panel, question=asked, graph=PLAIN, estimator=estimator, action="Doing it", seed=1, shared=check)
    trial = case.trial()
    assert (trial.estimate.effect, trial.estimate.lower, trial.estimate.upper) == (estimate.effect, estimate.lower, estimate.upper)
    bare = replace(case, shared=None).trial().estimate
    assert (bare.effect, bare.lower, bare.upper) == (estimate.shared.effect, estimate.shared.lower, estimate.shared.upper)
    account = Cost(placements={}, prices={"cut": 1.0}, spending="more", placed=None).decompose(case, np.random.default_rng(1))
    said, number = " ".join((*account.said, *account.reasons)), result.answer.signed
    assert f"is {number} ({result.answer.interval}), per 10,000 children" in said and "region × year is absorbed, as in the study's own answer" in said

    (beside,) = result.voices
    own = analyse(panel, asked, PLAIN, estimator=estimator).must("")
    assert beside.ours == estimate.effect and beside.effect != answered(FirstDifference(), own, stream(1, "estimate")).effect
    hidden = next(one.hidden for one in result.refutations if one.name == "unmeasured_confounder")
    assert hidden is not None and result.design is not None and estimate.std_error is not None
    # Cinelli & Hazlett 2020, eq. 16 with t of the refit's own residuals
    basis = result.design.partial_out(np.column_stack([result.design.treatment, result.design.outcome]))
    slope = basis[:, 0] @ basis[:, 1] / (basis[:, 0] @ basis[:, 0])
    f = abs(slope) * np.linalg.norm(basis[:, 0]) / np.linalg.norm(basis[:, 1] - slope * basis[:, 0])
    assert hidden.share == pytest.approx(0.5 * (np.sqrt(f**4 + 4 * f**2) - f**2), rel=1e-6)
    screen = first(record(result, {}))
    assert "were made of the estimate before shocks that places share were allowed for, which was +0.97 (" in screen["checks"]["rest"]


@pytest.mark.parametrize("kind", ["group", "pairs"])
def test_q_of_very_many_places_is_the_sum_over_tied_pairs(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Written out pair by pair; and the law is that of fewer places, whose way is another."""
    rng = np.random.default_rng(4)
    x, group = rng.normal(size=(60, 3)), rng.integers(0, 5, 60)
    every = np.array([(i, j) for i in range(60) for j in range(i)])
    tied = Ties(group=group) if kind == "group" else Ties(pairs=every[rng.random(len(every)) < 0.1])
    pairs = every[group[every[:, 0]] == group[every[:, 1]]] if kind == "group" else tied.pairs
    few = moran(x, tied, np.random.default_rng(0), 199)
    monkeypatch.setattr("causal.inference.dependence.TABLED", 10)
    many = moran(x, tied, np.random.default_rng(0), 199)
    assert pairs is not None
    assert many.q == pytest.approx(2 * sum(float(x[i] @ x[j]) for i, j in pairs), rel=1e-12)
    assert (many.p_value, many.likeness) == (few.p_value, pytest.approx(few.likeness, rel=1e-12))
