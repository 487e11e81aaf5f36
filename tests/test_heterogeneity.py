"""Heterogeneity: planted differences are found in authorities held out, noise is not; rules for a sum; Holm against statsmodels."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from causal.cli import main
from causal.decompositions.heterogeneity import Heterogeneity
from causal.decompositions.machinery.budget import RuleKind, Value, grown, picks, tree_text, value
from causal.decompositions.machinery.groups import Named, welch
from causal.decompositions.machinery.held_out import HeldOut, Slopes, by_rank, held_out, predicted, regression, targeting
from causal.decompositions.machinery.heterogeneity_text import Learnt, differing
from causal.errors import ConfigError
from causal.inference.multiplicity import holm


def world(seed: int, differs: float, authorities: int = 150, years: int = 7) -> tuple[Slopes, np.ndarray, np.ndarray]:
    """Authorities whose effect of one unit is −10 + `differs` × (first feature, standardised); also the raw features and the true effects."""
    rng = np.random.default_rng(seed)
    raw = np.column_stack([rng.normal(23, 8, authorities), rng.lognormal(11, 0.7, authorities), rng.normal(45, 15, authorities)])
    features = by_rank(raw)
    dose = 0.15 * rng.normal(size=(authorities, years)) * np.exp(0.5 * rng.normal(size=(authorities, 1)))
    true = -10 + differs * features[:, 0]
    outcome = true[:, None] * dose + 5 * rng.normal(size=(authorities, years))
    dose, outcome = (part - part.mean(axis=1, keepdims=True) for part in (dose, outcome))
    sums = {"cross": (dose * outcome).sum(axis=1), "square": (dose**2).sum(axis=1)}
    return Slopes(**sums, features=features, names=("deprivation", "children", "level"), people=raw[:, 1], cluster=np.arange(authorities)), raw, true


def test_effects_in_a_set_are_least_squares_with_clustered_errors_by_statsmodels() -> None:
    """Against statsmodels' clustered OLS on all the rows, up to the small-sample factor."""
    import statsmodels.api as sm

    rng = np.random.default_rng(1)
    who = np.repeat(np.arange(60), 5)
    dose, outcome = rng.normal(size=300), rng.normal(size=300) + np.repeat(rng.normal(size=60), 5)
    sums = [np.bincount(who, values) for values in (dose * outcome, dose**2)]
    slopes = Slopes(cross=sums[0], square=sums[1], features=np.zeros((60, 1)), names=("x",), people=np.ones(60), cluster=np.arange(60))
    fit = regression(slopes, np.ones((60, 1)))
    theirs = sm.OLS(outcome, dose[:, None]).fit(cov_type="cluster", cov_kwds={"groups": who, "use_correction": False})
    assert fit.coefficients[0] == pytest.approx(theirs.params[0])
    if fit.inference.startswith("CR1"):
        assert fit.std_errors[0] == pytest.approx(theirs.bse[0] * np.sqrt(60 / 59 * 59 / 59), rel=0.02)
    else:
        assert fit.std_errors[0] == pytest.approx(theirs.bse[0], rel=0.05)


def test_planted_differences_are_found_held_out_and_noise_is_not() -> None:
    """Planted: effects 12 apart for each standard deviation of the first feature, or the same everywhere."""
    for differs, found in ((12.0, True), (0.0, False)):
        slopes, _, _ = world(3, differs)
        tests = [held_out(slopes, learner, folds=4, splits=3, level=0.95, rng=np.random.default_rng(0), trees=40) for learner in ("linear", "forest")]
        assert [one.p_value < 0.05 for one in tests] == [found, found]
    assert np.corrcoef(predicted("forest", world(3, 12.0)[0], world(3, 12.0)[0].features, np.random.default_rng(0)), world(3, 12.0)[2])[0, 1] > 0.9


def test_chance_alone_is_called_a_difference_no_more_often_than_its_level() -> None:
    """60 worlds without differences: more than 7 alarms at 5 % would come about once in a hundred."""
    alarms = sum(held_out(world(seed, 0.0)[0], "linear", folds=4, splits=1, level=0.95, rng=np.random.default_rng(seed)).p_value < 0.05 for seed in range(60))
    assert alarms <= 7


def test_the_targeting_curve_has_the_planted_shape() -> None:
    """A straight line in ranks: the top tenth lies about √3 × .9 standard deviations above the mean, and the area is half of √3."""
    slopes, _, _ = world(5, 12.0)
    curve = targeting(slopes, "linear", folds=4, splits=3, level=0.95, rng=np.random.default_rng(0))
    assert curve.lower[0] < 12 * np.sqrt(3) * 0.9 < curve.upper[0]
    assert curve.area_lower < 12 * np.sqrt(3) / 2 < curve.area_upper and curve.area_lower > 0
    assert curve.thirds[0] < curve.thirds[1] < curve.thirds[2]


def valued(slopes: Slopes, rule: RuleKind) -> Value:
    return value(slopes, rule, picks(slopes, rule, good=-1.0, share=1 / 3, folds=4, splits=3, rng=np.random.default_rng(0)), good=-1.0, level=0.95)


def test_a_rule_gains_what_was_planted_and_nothing_from_noise() -> None:
    """Planted effects known: the interval of the line's gain holds the true gain of a third chosen by them; without differences it holds zero."""
    slopes, raw, true = world(7, 12.0)
    made = valued(slopes, "line")
    best = np.argsort(true)[: int(len(true) / 3)]
    ideal = np.average(true, weights=slopes.people) - np.average(true[best], weights=slopes.people[best])
    assert 0 < made.lower < ideal < made.upper and made.p_value < 0.05
    words = tree_text(grown(slopes, np.random.default_rng(0), good=-1.0), raw, slopes.names)
    assert words and words[0].startswith("deprivation at most")
    nothing = valued(world(7, 0.0)[0], "tree")
    assert nothing.lower < 0 < nothing.upper and nothing.p_value > 0.05


def test_whether_groups_differ_is_asked_as_statsmodels_asks_it_of_means() -> None:
    """Welch's analysis of variance: means of groups with n − 1 degrees of freedom each."""
    from statsmodels.stats.oneway import anova_oneway

    rng = np.random.default_rng(2)
    groups = [rng.normal(at, spread, size) for at, spread, size in ((0.0, 1.0, 12), (0.5, 3.0, 30), (1.0, 0.7, 8), (0.2, 1.5, 20))]
    theirs = anova_oneway(groups, use_var="unequal", welch_correction=True)
    f, df, p_value = welch(*(np.array(one) for one in zip(*((g.mean(), g.std(ddof=1) / np.sqrt(len(g)), len(g) - 1) for g in groups), strict=True)))
    assert (f, df, p_value) == pytest.approx((theirs.statistic, theirs.df[1], theirs.pvalue))


def test_holm_is_that_of_statsmodels() -> None:
    from statsmodels.stats.multitest import multipletests

    p_values = [0.04, 0.01, 0.03, 0.5]
    assert holm([0.04, None, 0.01, 0.03, 0.5]) == pytest.approx(
        [*multipletests(p_values, method="holm")[1][:1], None, *multipletests(p_values, method="holm")[1][1:]]
    )


@pytest.mark.parametrize(
    ("knobs", "says"),
    [({"splits": 2}, "odd"), ({"by": ()}, "at least one grouping"), ({"spending": "both"}, "'more' or 'less'"), ({"share": 1.0}, "between 0 and 1")],
)
def test_knobs_are_checked(knobs: dict[str, object], says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        Heterogeneity(**knobs)


def test_it_is_told_on_the_simulated_twin_beside_what_was_planted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = [
        "source.effect=12",
        "source.heterogeneity=0.9",
        "decomposition.spending=less",
        "decomposition.splits=1",
        "decomposition.trees=40",
        f"runs={tmp_path}",
    ]
    assert main(["decompose", "heterogeneity", "experiment=closures", *words]) == 0
    folder = Path(capsys.readouterr().out.strip().splitlines()[-1])
    data = json.loads((folder / "result.json").read_text())
    tables = {one["name"]: one for one in data["tables"]}
    assert {"groups", "tests", "held_out", "targeting", "thirds", "rules"} <= set(tables)
    told_apart = any(row[-2] < 0.05 for row in tables["held_out"]["rows"])
    assert ("No clear difference between groups" in data["headline"]) == (not told_apart)
    planted = data["truth"]["rows"]
    assert len(planted) == 5 and planted[0][1] < planted[4][1]


def test_one_fact_decides_headline_captions_and_lists() -> None:
    """A p-value below the level over an interval that holds 0 is no difference found; and a held-out one beside no grouping is said in the same words."""
    base = HeldOut(learner="linear", effect=1.0, std_error=0.6, lower=-0.2, upper=2.2, p_value=0.02, splits=5, found=5)
    sure = replace(base, lower=0.2)
    rule = Value(rule="line", share=0.3, chosen=1.0, even=0.5, gain=0.5, lower=-0.1, upper=1.1, p_value=0.02)
    quiet = Named(of="size", groups=5, f=1.0, df=30.0, p_value=0.4, adjusted=0.8)
    loud = replace(quiet, of="region", p_value=0.001, adjusted=0.002)

    def learnt(one: HeldOut, value_: Value = rule) -> Learnt:
        return Learnt(amount=1e6, folds=2, splits=5, tests=(one,), adjusted=(0.02,), values=(value_,), values_adjusted=(0.02,))

    spans = differing([quiet], learnt(base), 0.05)
    assert spans.held_out is None and spans.rule is None and spans.said == "In no single grouping do they differ by more than chance may give"
    held = differing([quiet], learnt(sure, replace(rule, lower=0.1)), 0.05)
    assert held.held_out == (sure, 0.02) and held.rule is not None and held.said.endswith("did hold in those held out")
    both = differing([quiet, loud], learnt(base), 0.05)
    assert both.groupings == ("region",) and both.said.endswith("do not bear out")
    assert differing([loud], learnt(sure), 0.05).said == "Groups by region differ by more than chance gives"
