"""Staggered adoption: published tables through a user's own data, other libraries in the same run, and planted truths."""

from __future__ import annotations

import json
import warnings
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import worlds
import yaml
from lengths import LONG, panels
from scipy import stats
from worlds import ADOPTION, GRAPH, QUESTION, World, trial_of, without

from causal.cli import main
from causal.cohorts import cohorts
from causal.design import Design, design
from causal.draws import stream
from causal.errors import ConfigError, DesignError, EstimationError
from causal.estimate import Estimate, Estimator
from causal.estimators import shelf, synthetic
from causal.estimators.continuous_did import ContinuousDid
from causal.estimators.fixed_effects import FixedEffects
from causal.estimators.machinery.bacon import KINDS, comparisons, goodman_bacon, negative_weights
from causal.estimators.propensity import PropensityWeighting
from causal.estimators.staggered import CallawaySantAnna, Imputation, SunAbraham
from causal.estimators.synthetic import SyntheticControl, SyntheticDid
from causal.identify import identify
from causal.panel import Panel
from causal.question import Question
from causal.refuters.future_treatment import FutureTreatment
from causal.trial import Trial

PUBLISHED = Path(__file__).resolve().parents[1].parent / "shared/data/published"
ATT = replace(ADOPTION, target="ATT")
RNG = stream(1, "x")
SHELF: dict[str, Estimator] = {
    "callaway_santanna": CallawaySantAnna(),
    "callaway_santanna not yet": CallawaySantAnna(compare="not_yet_treated", aggregate="group"),
    "sun_abraham": SunAbraham(),
    "imputation": Imputation(),
    "synthetic_did": SyntheticDid(),
}
PANELS = panels(60, 30)
FEWEST = int(stats.binom(PANELS, 0.95).ppf(0.0005 if LONG else 0.01))  # seeds are fixed: a tighter bound where fewer are drawn


def published(name: str) -> Path:
    path = PUBLISHED / name
    if not path.is_file():
        pytest.skip(f"{path} is not there (published tables stay out of the project)")
    return path


def designed(panel: Panel, question: Question = ATT) -> Design:
    return worlds.designed(panel, question)


@cache
def world(effect: float = 3.0, seed: int = 0, authorities: int = 60) -> Design:
    return designed(World(effect=effect, seed=seed, authorities=authorities, adoption=True).load())


def own_data(folder: Path, frame: pd.DataFrame, outcome: str, *, by_year: str | None = None) -> list[str]:
    """A user's folder: a table with columns place, year, treated and the outcome; a graph; an experiment. The words that run it."""
    nodes: dict[str, Any] = {"authority": {"varies": "authority"}, "year": {"varies": "year"}, "treated": {}, outcome: {}}
    arrows: dict[str, Any] = {key: {"treated": "a test", outcome: "a test"} for key in ("authority", "year")}
    arrows["treated"] = {outcome: "the question"}
    if by_year:
        nodes[by_year] = {"varies": "authority"}
        arrows[by_year] = {end: {"because": "a test", "by_year": True} for end in ("treated", outcome)}
    question = {"treatment": "treated", "outcome": outcome, "control": 0.0, "treated": 1.0, "smallest_important": 0.01, "because": "a test"}
    experiment = {
        "defaults": [{"override /graph": "ours"}, {"override /source": "table"}],
        "title": "A published table",
        "action": "Adopting",
        "question": question,
    }
    for group in ("graph", "experiment"):
        (folder / group).mkdir(parents=True)
    (folder / "graph/ours.yaml").write_text(yaml.safe_dump({"_target_": "causal.graph.Graph", "name": "ours", "nodes": nodes, "arrows": arrows}))
    (folder / "experiment/ours.yaml").write_text("# @package _global_\n" + yaml.safe_dump(experiment, sort_keys=False))
    frame.to_csv(folder / "table.csv", index=False)
    words = ["run", "--config-dir", str(folder), "experiment=ours", f"source.path={folder / 'table.csv'}", "source.authority=place", "source.year=year"]
    return [*words, f"runs={folder.parent / 'runs'}", "refuters=[]", "workers=1"]


def ran(words: list[str], *more: str) -> dict[str, Any]:
    """The estimate in result.json of a run."""
    assert main([*words, *more]) == 0
    folder = Path(next(word for word in words if word.startswith("runs=")).removeprefix("runs="))
    found = max(folder.rglob("result.json"), key=lambda path: path.stat().st_mtime_ns)
    return dict(json.loads(found.read_text())["estimate"])


def part(one: dict[str, Any], of: str, name: str) -> float:
    return next(float(p["effect"]) for p in one["parts"] if p["of"] == of and p["name"] == name)


def counties() -> pd.DataFrame:
    frame = pd.read_csv(published("mpdta.csv"))
    first = frame["first.treat"]
    return pd.DataFrame(
        {
            "place": frame["countyreal"],
            "year": frame["year"],
            "lemp": frame["lemp"],
            "lpop": frame["lpop"],
            "treated": ((first > 0) & (frame["year"] >= first)) * 1,
        }
    )


def test_minimum_wages_without_covariates_to_the_printed_digits(tmp_path: Path) -> None:
    """Callaway & Sant'Anna 2021 (mpdta): group-time effects, all averages, the pre-test; two-way fixed effects and imputation on the same table."""
    words = own_data(tmp_path / "mine", counties(), "lemp")
    knobs = ["estimator=callaway_santanna", "question.target=ATT", "estimator.small_sample=false"]
    simple = ran(words, *knobs, "estimator.cells=true")
    assert (round(simple["effect"], 5), round(simple["std_error"], 5)) == (-0.03995, 0.01203)
    cells = {(2004, 2004): -0.0105, (2004, 2005): -0.0704, (2004, 2006): -0.1373, (2004, 2007): -0.1008, (2006, 2006): -0.0046, (2006, 2007): -0.0412}
    for (g, t), effect in {**cells, (2007, 2007): -0.0261}.items():
        assert part(simple, "cohort and year", f"{g} in {t}") == pytest.approx(effect, abs=5.1e-5)
    for name, effect in (("now", -0.0199), ("lag 1", -0.0510), ("lag 2", -0.1373), ("lag 3", -0.1008)):
        assert round(part(simple, "treated", name), 4) == effect
    assert round(simple["diagnostics"]["pre-trend p, all cells (chi-squared)"], 5) == 0.16812
    dynamic, group = (ran(words, *knobs, f"estimator.aggregate={kind}") for kind in ("dynamic", "group"))
    assert (round(dynamic["effect"], 4), round(dynamic["std_error"], 5)) == (-0.0772, 0.01996)
    assert (round(group["effect"], 4), round(group["std_error"], 5)) == (-0.0310, 0.01245)
    twoway = ran(words, "estimator=fixed_effects")
    assert round(twoway["effect"], 5) == -0.03655
    # the printed error counts an intercept beside the effect and four years; ours (causal.inference.clustered) does not: .01326
    assert round(twoway["std_error"] * np.sqrt((2500 - 5) / (2500 - 6)), 5) == 0.01327
    imputed = ran(words, "estimator=imputation", "question.target=ATT")
    assert round(imputed["effect"], 5) == -0.04771
    assert imputed["target"] == "ATT"


def test_minimum_wages_with_population_doubly_robust_to_the_printed_digits(tmp_path: Path) -> None:
    """Callaway & Sant'Anna 2021 (mpdta with lpop): −.04175 (.01150)."""
    words = own_data(tmp_path / "mine", counties(), "lemp", by_year="lpop")
    one = ran(words, "estimator=callaway_santanna", "question.target=ATT", "estimator.small_sample=false")
    assert (round(one["effect"], 5), round(one["std_error"], 5)) == (-0.04175, 0.01150)
    assert any("lpop" in note for note in one["notes"])


def test_proposition_99_to_the_printed_digits(tmp_path: Path) -> None:
    """Abadie and others 2010; Arkhangelsky and others 2021: synthetic DiD −15.604, DiD −27.349, synthetic control −19.5."""
    wide = pd.read_csv(published("california_prop99.csv"))
    frame = wide.melt(id_vars="Year", var_name="place", value_name="packs").rename(columns={"Year": "year"})
    frame["treated"] = ((frame["place"] == "California") & (frame["year"] >= 1989)) * 1
    words = own_data(tmp_path / "mine", frame[["place", "year", "packs", "treated"]], "packs")
    one = ran(words, "estimator=synthetic_did", "question.target=ATT", "estimator.weights=published", "estimator.draws=20")
    assert round(one["effect"], 3) == -15.604
    exact = ran(words, "estimator=synthetic_did", "question.target=ATT", "estimator.draws=40")
    assert exact["effect"] == pytest.approx(-15.604, abs=0.01)
    # one treated state: what placebos of the others spread over is no error of its own
    assert exact["no_interval"] == "one_cluster" and exact["lower"] is None and exact["support"]["carried_by"] == "California"
    assert round(ran(words, "estimator=fixed_effects")["effect"], 3) == -27.349
    control = ran(words, "estimator=synthetic_control", "question.target=ATT")
    assert round(control["effect"], 1) == -19.5
    assert control["std_error"] is None and control["lower"] is None
    assert control["diagnostics"]["placebo p (rank of gaps after by before)"] <= 0.1  # of 39; the rank is the first with the covariates of the paper


@pytest.mark.parametrize(("rows", "weights", "zeta"), [(5, 34, 0.8), (34, 5, 1e-6), (19, 36, 0.3), (12, 10, 1e-6), (9, 60, 0.02)])
def test_weights_solved_together_are_those_of_the_criterion(rows: int, weights: int, zeta: float) -> None:
    """The Karush–Kuhn–Tucker conditions, which hold at the one minimum and nowhere else; non-negative least squares, one problem at a time."""
    rng = np.random.default_rng(17)
    a = rng.normal(size=(30, rows, weights)) + 3 * rng.normal(size=(30, 1, weights))
    b = a[:, :, :3].mean(axis=2) + rng.normal(size=(30, rows))
    a, b = a - a.mean(axis=1, keepdims=True), b - b.mean(axis=1, keepdims=True)
    found = synthetic._simplexes(a, b, np.full(30, zeta), np.zeros(30))
    assert found.min() >= 0 and np.abs(found.sum(axis=1) - 1).max() < 1e-7
    for one, x, y in zip(found, a, b, strict=True):
        slope = x.T @ (x @ one - y) + rows * zeta**2 * one
        price = slope[one > 1e-6].mean()
        assert np.abs(slope[one > 1e-6] - price).max() < 1e-5 and slope.min() > price - 1e-5
        assert one == pytest.approx(synthetic._simplex(x, y, zeta), abs=1e-6)


def castle() -> pd.DataFrame:
    data = pytest.importorskip("causaldata", reason="causaldata, of the dev extra, is not installed").castle.load_pandas().data
    first = data[data["post"] > 0].groupby("sid")["year"].min() - 1
    g = data["sid"].map(first).fillna(0).astype(int)
    return pd.DataFrame(
        {
            "place": data["sid"].astype(int),
            "year": data["year"].astype(int),
            "homicide": data["l_homicide"].astype(float),
            "treated": ((g > 0) & (data["year"] >= g)) * 1,
            "g": g,
        }
    )


def test_castle_doctrine_laws_are_taken_apart_as_printed(tmp_path: Path) -> None:
    """Cunningham 2021 with causaldata: Goodman-Bacon weights and estimates, and the two-way fixed effects that they add to."""
    frame = castle()
    laid = frame.pivot(index="place", columns="year", values="homicide")
    first = frame.groupby("place")["g"].first().loc[laid.index].to_numpy()
    found = goodman_bacon(laid.to_numpy(), first, laid.columns.to_numpy())
    printed = {KINDS[1]: (0.05976, -0.00554), KINDS[2]: (0.03190, 0.07032), KINDS[0]: (0.90834, 0.08796)}
    for kind, (weight, effect) in printed.items():
        own = [one for one in found if one.kind == kind]
        total = sum(one.weight for one in own)
        assert (round(total, 5), round(sum(one.weight * one.effect for one in own) / total, 5)) == (weight, effect)
    one = ran(own_data(tmp_path / "mine", frame.drop(columns="g"), "homicide"), "estimator=fixed_effects")
    assert round(one["effect"], 4) == 0.0818
    assert sum(c.weight * c.effect for c in found) == pytest.approx(one["effect"], rel=1e-9)


def test_the_whole_family_agrees_with_diff_diff() -> None:
    """diff-diff's estimators in the same run: effects and errors of Callaway–Sant'Anna and imputation, effects of Sun–Abraham, Bacon's weights."""
    dd = pytest.importorskip("diff_diff", reason="diff-diff, of the dev extra, is not installed")
    made = replace(
        world(authorities=120),
        controls=np.empty((960, 0)),
        control_names=(),
        control_groups={},
        time_invariant=np.empty((960, 0)),
        time_invariant_names=(),
        modifiers=(),
    )
    first = cohorts(made).first[made.authority]
    table = pd.DataFrame({"u": made.authority, "t": made.year, "y": made.outcome, "g": first, "d": made.treatment.astype(int)})
    knobs = {"outcome": "y", "unit": "u", "time": "t", "first_treat": "g"}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for group in ("never_treated", "not_yet_treated"):
            theirs = dd.CallawaySantAnna(control_group=group).fit(table, **knobs)
            one = CallawaySantAnna(compare=group, small_sample=False).estimate(made, RNG)  # type: ignore[arg-type]
            assert (one.effect, one.std_error) == (pytest.approx(theirs.overall_att, rel=1e-8), pytest.approx(theirs.overall_se, rel=1e-6))
        theirs = dd.ImputationDiD().fit(table, **knobs)
        one = Imputation(small_sample=False).estimate(made, RNG)
        assert (one.effect, one.std_error) == (pytest.approx(theirs.overall_att, rel=1e-6), pytest.approx(theirs.overall_se, rel=1e-3))
        assert SunAbraham().estimate(made, RNG).effect == pytest.approx(dd.SunAbraham().fit(table, **knobs).overall_att, rel=1e-6)
        theirs = dd.BaconDecomposition(weights="exact").fit(table, **knobs)
        found = goodman_bacon(made.grid(made.outcome), cohorts(made).first, np.unique(made.year))
        assert sum(c.weight for c in found if c.kind == KINDS[2]) == pytest.approx(theirs.total_weight_later_vs_earlier, rel=1e-6)


def test_the_default_small_sample_factor_is_welch_s_two_sample_error() -> None:
    """scipy's Welch t: two years, one cohort, no covariates: the effect is a difference of mean changes, each side's variance over n − 1.

    The published software divides by n on each side, which is what `small_sample=False` gives.
    """
    panel = World(effect=3.0, seed=4, authorities=24, years=2, adoption=True).load()
    frame = panel.frame.assign(cut=np.tile([0.0, 1.0], 24) * np.repeat(np.arange(24) < 7, 2))
    panel = replace(panel, frame=frame)
    question = replace(ATT, modifiers=())
    made = design(panel, question, identify(question, GRAPH, measured=panel.names, adjust_for=("authority", "year")))
    change = frame["plans"].unstack().diff(axis=1).to_numpy()[:, 1]
    ours, theirs = change[:7], change[7:]
    difference = ours.mean() - theirs.mean()
    usual, published = (CallawaySantAnna(small_sample=corrected).estimate(made, RNG) for corrected in (True, False))
    welch = stats.ttest_ind(ours, theirs, equal_var=False)
    assert CallawaySantAnna() == CallawaySantAnna(small_sample=True)
    assert usual.effect == pytest.approx(difference, rel=1e-10)
    assert usual.std_error == pytest.approx(difference / welch.statistic, rel=1e-10)
    assert published.std_error == pytest.approx(np.sqrt(ours.var() / 7 + theirs.var() / 17), rel=1e-10)


def test_sun_and_abraham_agree_with_linearmodels_on_dummies() -> None:
    """linearmodels' PanelOLS with a dummy for each cohort and year since adoption, averaged by their counts."""
    from linearmodels.panel import PanelOLS

    made = world(authorities=100)
    first = cohorts(made).first[made.authority]
    since = np.where(first > 0, made.year - first, -1)
    keys = [(g, e) for g in np.unique(first[first > 0]) for e in np.unique(since[first == g]) if e != -1]
    index = pd.MultiIndex.from_arrays([np.array(made.authorities)[made.authority], made.year])
    dummies = np.column_stack([(first == g) & (since == e) for g, e in keys]).astype(float)
    table = pd.DataFrame(np.column_stack([dummies, made.controls]), index=index).rename(columns="x{}".format)
    theirs = PanelOLS(pd.Series(made.outcome, index=index, name="y"), table, entity_effects=True, time_effects=True).fit()
    counts = np.array([column.sum() * (e >= 0) for column, (_, e) in zip(dummies.T, keys, strict=True)])
    assert SunAbraham().estimate(made, RNG).effect == pytest.approx(theirs.params.to_numpy()[: len(keys)] @ counts / counts.sum(), rel=1e-7)


def test_imputation_agrees_with_statsmodels_predictions() -> None:
    """statsmodels OLS on dummies and controls of untreated rows of an unbalanced panel; treated rows less its predictions."""
    import statsmodels.api as sm

    panel = without(World(effect=3.0, adoption=True, authorities=60).load(), keep=0.9, seed=2)
    made = designed(panel)
    adopted = cohorts(made)
    kept = ~adopted.always[made.authority]
    matrix = np.column_stack([made.authority[:, None] == np.unique(made.authority[kept]), made.year_dummies(), made.controls]).astype(float)
    free = kept & ~adopted.on
    fit = sm.OLS(made.outcome[free], matrix[free]).fit()
    treated = kept & adopted.on
    gaps = made.outcome[treated] - matrix[treated] @ fit.params
    assert Imputation().estimate(made, RNG).effect == pytest.approx(gaps.mean(), rel=1e-6)


@pytest.mark.parametrize("name", SHELF)
def test_recovers_a_planted_effect_and_covers_it_under_authority_shocks(name: str) -> None:
    """Planted 3 under staggered adoption, shocks with autocorrelation .4, 60 panels (30 in a short run) of 60 authorities."""
    found = [SHELF[name].estimate(replace(world(3.0, seed), modifiers=()), RNG) for seed in range(PANELS)]
    effects = np.array([one.effect for one in found])
    sampling = effects.std(ddof=1)
    assert abs(effects.mean() - 3.0) <= 0.1 * sampling + 3 * sampling / np.sqrt(PANELS)
    assert sum(one.lower <= 3.0 <= one.upper for one in found) >= FEWEST  # type: ignore[operator]
    assert 0.75 < np.mean([one.std_error for one in found]) / sampling < 1.35  # type: ignore[arg-type]


def growing(seed: int) -> tuple[Design, float]:
    """Effects that grow by 2 a year since adoption, all adopting early or late; and the true average over treated authority-years."""
    panel = World(effect=0.0, adoption=True, authorities=100, seed=seed).load()
    frame = panel.frame.copy()
    treated = frame["cut"].groupby("authority").cumsum() * frame["cut"]
    frame["plans"] += 2.0 * treated
    return designed(replace(panel, frame=frame)), float(2.0 * treated[frame["cut"] > 0].mean())


def test_growing_effects_mislead_fixed_effects_and_not_these() -> None:
    """Planted effects of 2 a year since adoption, 30 panels: all but two-way fixed effects are right on average, in every year since too."""
    gaps: dict[str, list[float]] = {name: [] for name in [*SHELF, "fixed_effects"]}
    steps = []
    for seed in range(30):
        made, truth = growing(seed)
        made = replace(made, modifiers=())
        for name, estimator in SHELF.items():
            if "not yet" not in name:
                one = estimator.estimate(made, RNG)
                gaps[name].append(one.effect - truth)
                steps += [[p.effect for p in one.parts if p.name in ("now", "lag 1", "lag 2")]] if name == "imputation" else []
        gaps["fixed_effects"].append(FixedEffects().estimate(replace(made, question=ADOPTION), RNG).effect - truth)
    for name, gap in gaps.items():
        if gap:
            error = np.std(gap, ddof=1) / np.sqrt(len(gap))
            assert (abs(np.mean(gap)) < 3.5 * error) == (name != "fixed_effects"), (name, np.mean(gap), error)
    assert np.mean(steps, axis=0) == pytest.approx([2, 4, 6], abs=0.6)


def test_negative_and_forbidden_weights_reach_the_concerns() -> None:
    """Everybody adopts, half early and half late: weights of de Chaisemartin & D'Haultfœuille by hand from the dummies."""
    made = world()
    years = np.unique(made.year)
    early = made.authority % 2 == 0
    everybody = replace(made, treatment=((early & (made.year >= years[1])) | (~early & (made.year >= years[5]))).astype(float))
    left = everybody.partial_out(everybody.treatment[:, None])[:, 0]
    found, concerns = comparisons(everybody, left)
    weights = left[everybody.treatment > 0] / left[everybody.treatment > 0].sum()
    assert found["sum of negative weights"] == pytest.approx(weights[weights < 0].sum())
    assert found[f"weight: {KINDS[2]}"] + found[f"weight: {KINDS[1]}"] == pytest.approx(1.0)  # type: ignore[operator]
    assert any("already treated" in words for words in concerns)
    assert comparisons(designed(World().load(), QUESTION), left) == ({}, ())
    assert negative_weights(np.array([1.0, -1.0, 2.0]), np.ones(3)) == (pytest.approx(1 / 3), -0.5)
    with pytest.raises(DesignError, match="every authority in every year"):
        goodman_bacon(np.array([[1.0, np.nan], [1.0, 2.0]]), np.array([0, 1]), np.array([0, 1]))


def trial(panel: Panel, question: Question, estimator: Estimator) -> Trial:
    """An answer ready to be checked."""
    return trial_of(panel, designed(panel, question), estimator, seed=1, graph=GRAPH)


def test_pre_trends_raise_the_alarm_where_planted_and_seldom_elsewhere() -> None:
    """A drift planted, or none; the check on future treatment asks the same of an adoption, and says the same."""

    def alarm(name: str, seed: int, trend: float) -> bool:
        panel = World(effect=3.0, adoption=True, authorities=80, seed=seed).load()
        frame = panel.frame.copy()
        frame["plans"] += trend * frame.groupby("authority")["cut"].transform("max") * (frame.index.get_level_values("year") - 2011)
        asked = trial(replace(panel, frame=frame), replace(ATT, modifiers=()), SHELF[name])
        one, found = asked.estimate, FutureTreatment().refute(asked, RNG)
        assert found.survived is (one.facts.pre_trend.p_value >= 0.05)  # type: ignore[operator]
        assert found.p_value == one.facts.pre_trend.p_value
        assert any("moved before" in words for words in one.concerns) == (one.facts.pre_trend.p_value < 0.05)  # type: ignore[operator]
        return bool(one.facts.pre_trend.p_value < 0.05)  # type: ignore[operator]

    for name in ("callaway_santanna", "imputation"):
        assert sum(alarm(name, seed, 0.0) for seed in range(30)) <= 6  # 99.9 % binomial bound
        assert sum(alarm(name, seed, 4.0) for seed in range(10)) >= 8


def test_future_treatment_stands_aside_where_later_years_can_show_nothing() -> None:
    panel = World(effect=3.0, adoption=True).load()
    for target, estimator, why in (("ATT", SyntheticDid(), "years before adoption agree"), ("ATE", PropensityWeighting(), "one row an authority")):
        found = FutureTreatment().refute(trial(panel, replace(ATT, target=target), estimator), RNG)  # type: ignore[arg-type]
        assert found.survived is None
        assert why in (found.reason or "")


def test_covariates_mend_a_trend_that_depends_on_them() -> None:
    """Planted 3: the deprived adopt and get worse; without deprivation × year the comparison is off, with any of the three methods it is not."""
    gaps: dict[str, list[float]] = {"none": [], "doubly_robust": [], "outcome_regression": [], "weighting": []}
    for seed in range(20):
        panel = World(effect=3.0, adoption=True, authorities=150, seed=seed).load()
        frame = panel.frame.copy()
        rng = np.random.default_rng([seed, 2])
        score = (frame["deprivation"].groupby("authority").first() - 20) / 8
        first = np.where(score + 1.5 * rng.normal(size=150) > 0, rng.choice([2014, 2016], size=150), 9999)
        cut = (frame.index.get_level_values("year").to_numpy() >= np.repeat(first, 8)).astype(float)
        frame["plans"] += 3.0 * (cut - frame["cut"]) + np.repeat(score, 8).to_numpy() * (frame.index.get_level_values("year") - 2011)
        frame["cut"] = cut
        made = replace(designed(replace(panel, frame=frame)), modifiers=())
        bare = replace(
            made, controls=np.empty((made.rows, 0)), control_names=(), control_groups={}, time_invariant=np.empty((made.rows, 0)), time_invariant_names=()
        )
        gaps["none"].append(CallawaySantAnna().estimate(bare, RNG).effect - 3)
        for method in ("doubly_robust", "outcome_regression", "weighting"):
            gaps[method].append(CallawaySantAnna(method=method).estimate(made, RNG).effect - 3)  # type: ignore[arg-type]
    for method, gap in gaps.items():
        error = np.std(gap, ddof=1) / np.sqrt(len(gap))
        limit = 4 * error + (0.15 if method == "weighting" else 0)  # normalised weights are biased in small cells
        assert (abs(np.mean(gap)) < limit) == (method != "none"), (method, np.mean(gap), error)


@pytest.mark.parametrize("name", SHELF)
def test_keeps_the_contract_of_the_shelf(name: str) -> None:
    """What it estimates and how sure, the same twice and in any row order and unit, input as it was, the contrast turned round."""
    panel = World(effect=3.0, adoption=True).load()
    made = designed(panel)
    before = [made.outcome.copy(), made.treatment.copy(), made.controls.copy()]

    def estimate(one: Design) -> Estimate:
        return SHELF[name].estimate(one, stream(1, "estimate"))

    one = estimate(made)
    assert one.estimator == name.split(maxsplit=1)[0] and one.target == "ATT" and "effect of adopting" in one.estimand.words
    assert one.lower < one.effect < one.upper and "clustered by authority" in one.inference  # type: ignore[operator]
    assert one.influence is not None and np.sqrt((one.influence**2).sum()) == pytest.approx(one.std_error)
    assert {"effective clusters", "share of treatment variance in the largest five"} <= set(one.diagnostics)
    assert any(p.kind == "time" and p.name == "lag 1" for p in one.parts)
    assert all(p.joint_lower <= p.lower < p.effect < p.upper <= p.joint_upper for p in one.parts if p.joint_lower is not None)  # type: ignore[operator]
    again = estimate(made)
    assert (one.effect, one.std_error, one.parts) == (again.effect, again.std_error, again.parts)
    assert all((a == b).all() for a, b in zip(before, [made.outcome, made.treatment, made.controls], strict=True))
    assert estimate(designed(replace(panel, frame=panel.frame.sample(frac=1, random_state=5)))).effect == one.effect
    frame = panel.frame.copy()
    frame["cut"], frame["plans"], frame["poverty"] = frame["cut"] * 100, frame["plans"] / 10_000, frame["poverty"] * 1_000
    other = estimate(designed(replace(panel, frame=frame), replace(ATT, treated=100.0, smallest_important=1e-4)))
    assert (other.effect * 1e4, other.std_error * 1e4) == (pytest.approx(one.effect, rel=1e-6), pytest.approx(one.std_error, rel=1e-6))  # type: ignore[operator]
    turned = estimate(replace(made, question=replace(ATT, control=1.0, treated=0.0)))
    assert (turned.effect, turned.lower) == (pytest.approx(-one.effect), pytest.approx(-one.upper))  # type: ignore[operator]
    with pytest.raises(DesignError, match="targets the ATT"):
        estimate(replace(made, question=ADOPTION))


@pytest.mark.parametrize("name", [name for name in SHELF if name != "synthetic_did"])
def test_unbalanced_panels_few_authorities_and_weights_are_served(name: str) -> None:
    made = designed(without(World(effect=3.0, adoption=True, authorities=24).load(), keep=0.9, seed=2))
    one = SHELF[name].estimate(made, RNG)
    assert np.isfinite([one.effect, one.std_error]).all() and one.df <= 23  # type: ignore[operator, list-item]
    weighed = designed(World(effect=3.0, adoption=True).load(), replace(ATT, weights="children"))
    other = SHELF[name].estimate(weighed, RNG)
    assert other.estimand.weights == "children"
    assert other.effect != SHELF[name].estimate(world(), RNG).effect
    same = SHELF[name].estimate(replace(weighed, weights=np.ones(weighed.rows)), RNG)
    assert same.effect == pytest.approx(SHELF[name].estimate(world(), RNG).effect)


@pytest.mark.parametrize("name", ["callaway_santanna", "imputation"])
def test_effects_by_fifth_find_planted_heterogeneity(name: str) -> None:
    """Planted: 0 in the least deprived fifth to 8 in the most; joint bands cover."""
    panel = World(effect=0.0, adoption=True, authorities=200, seed=4).load()
    frame = panel.frame.copy()
    first = frame["deprivation"].groupby("authority").first()
    planted = 2.0 * ((first.rank() - 1) * 5 / len(first)).astype(int)
    frame["plans"] += planted.reindex(frame.index.get_level_values("authority")).to_numpy() * frame["cut"]
    parts = [p for p in SHELF[name].estimate(designed(replace(panel, frame=frame)), RNG).parts if p.name.startswith("fifth")]
    assert len(parts) == 5 and parts[-1].effect - parts[0].effect > 4
    assert all(p.joint_lower <= 2.0 * i <= p.joint_upper for i, p in enumerate(parts))  # type: ignore[operator]


def dosed(seed: int) -> Design:
    """Doses from .1 to .9 from 2015 on for three in five; the effect of dose d is 8d − 4d² (3 at the dose asked for, .5), adjusted for nothing that differs."""
    panel = World(authorities=150, seed=seed, confounding=0.0).load()
    rng = np.random.default_rng([seed, 9])
    frame = panel.frame.copy()
    own = np.where(rng.random(150) < 0.4, 0.0, rng.uniform(0.1, 0.9, 150))
    dose = np.repeat(own, 8) * (frame.index.get_level_values("year").to_numpy() >= 2015)
    frame["cut"], frame["plans"] = dose, frame["plans"] + 8 * dose - 4 * dose**2
    return designed(replace(panel, frame=frame), replace(QUESTION, target="ATT"))


def test_a_dose_s_curve_is_found_and_covered() -> None:
    """Planted 8d − 4d² at d = .5 and its mean slope 4; 60 panels."""
    found = [ContinuousDid(degree=2).estimate(dosed(seed), RNG) for seed in range(PANELS)]
    effects = np.array([one.effect for one in found])
    sampling = effects.std(ddof=1)
    assert abs(effects.mean() - 3.0) <= 0.1 * sampling + 3 * sampling / np.sqrt(PANELS)
    assert sum(one.lower <= 3.0 <= one.upper for one in found) >= FEWEST  # type: ignore[operator]
    slopes = np.array([one.diagnostics["average slope (strong parallel trends), whole contrast"] for one in found], dtype=float)
    assert abs(slopes.mean() - 2.0) <= 4 * slopes.std(ddof=1) / np.sqrt(PANELS)  # 4 a unit, times the contrast of .5


def test_a_dose_s_average_agrees_with_statsmodels() -> None:
    """statsmodels OLS of the change on having a dose: the average at everybody's own dose, with its HC error up to the small-sample factor."""
    import statsmodels.api as sm

    from causal.windows import between

    made = dosed(0)
    one = ContinuousDid(adjust=False).estimate(made, RNG)
    rows = between(made, binary=False)
    fit = sm.OLS(rows.outcome, sm.add_constant((rows.treatment > 0).astype(float))).fit(cov_type="HC1")
    whole = one.parts[-1]
    assert whole.effect == pytest.approx(fit.params[1], rel=1e-9)
    assert whole.std_error == pytest.approx(fit.bse[1], rel=0.02)


def test_what_cannot_be_served_is_refused_before_a_fit() -> None:
    dose = designed(World().load(), replace(QUESTION, target="ATT"))
    for name in ("callaway_santanna", "sun_abraham", "imputation", "synthetic_did", "synthetic_control", "continuous_did"):
        with pytest.raises(DesignError, match=rf"{name}: wanted a design that it can answer"):
            shelf()[name]().estimate(dose, RNG)
    made = world()
    adopted = cohorts(made)
    everybody = made.subset(np.flatnonzero(~adopted.never[made.authority]), "never treated")
    with pytest.raises(DesignError, match=r"compare=not_yet_treated.*imputation"):
        CallawaySantAnna().estimate(everybody, RNG)
    for estimator in (CallawaySantAnna(compare="not_yet_treated"), SunAbraham(), Imputation()):
        assert np.isfinite(estimator.estimate(everybody, RNG).effect)
    gappy = designed(without(World(effect=3.0, adoption=True).load(), keep=0.9, seed=2))
    with pytest.raises(DesignError, match="every authority must be seen in every year"):
        SyntheticControl().estimate(gappy, RNG)
    few = made.subset(np.flatnonzero(~adopted.never[made.authority] | (made.authority % 20 == np.flatnonzero(adopted.never)[0] % 20)), "few")
    with pytest.raises(EstimationError, match="to compare with"):
        CallawaySantAnna().estimate(
            few.subset(np.flatnonzero(~cohorts(few).never[few.authority] | (few.authority == np.flatnonzero(cohorts(few).never)[0]))), RNG
        )


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: CallawaySantAnna(compare="treated"), "compare: wanted one of never_treated, not_yet_treated"),  # type: ignore[arg-type]
        (lambda: CallawaySantAnna(small_sample=1), "small_sample: wanted true or false"),  # type: ignore[arg-type]
        (lambda: Imputation(leads=-1), "leads: wanted a whole number"),
        (lambda: SyntheticDid(weights="x"), "weights: wanted one of"),  # type: ignore[arg-type]
        (lambda: SyntheticDid(draws=3), "draws: wanted"),
        (lambda: ContinuousDid(degree=9), "degree: wanted"),
        (lambda: ContinuousDid(before=(2011,)), "before: wanted a first and a last year"),  # type: ignore[arg-type]
    ],
)
def test_knobs_are_checked(make: Any, says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        make()
