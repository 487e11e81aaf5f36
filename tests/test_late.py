"""The effect on compliers: published counts, Wald's ratio by linearmodels, another library's cross-fitted answer, profile, and its checks."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from test_published_panel import WHY, Printed, run

from causal.design import Design, design
from causal.errors import DesignError
from causal.estimators.late import Late
from causal.identify import identify
from causal.inference.compliers import propensity
from causal.refuters.first_stage import FirstStage
from causal.refuters.monotonicity import Monotonicity
from causal.testing import check_estimator, check_refuter
from causal.testing.faults import OFFERED
from causal.testing.worlds import OFFERED_GRAPH, Offered

# Sommer & Zeger 1991: offered, took it, lived, children
VITAMIN_A = ((0, 0, 0, 74), (0, 0, 1, 11_514), (1, 0, 0, 34), (1, 0, 1, 2_385), (1, 1, 0, 12), (1, 1, 1, 9_663))


def made(seed: int = 0, n: int = 300, **change: object) -> Design:
    panel = Offered(effect=2.0, seed=seed, authorities=n).load()
    panel = replace(panel, frame=panel.frame.assign(**change)) if change else panel
    return design(panel, OFFERED, identify(OFFERED, OFFERED_GRAPH, measured=panel.names, strategy="iv"))


def test_vitamin_a_saved_those_who_took_it_as_imbens_and_rubin_print(tmp_path: Path, as_printed: Printed) -> None:
    """Imbens & Rubin 1997, Bayesian inference for causal effects in randomized experiments with noncompliance: .0032 (.0012), 80 % compliers, 23,682 children.

    The counts are those of Sommer & Zeger 1991, as that paper prints them; a tenth of the trial's effect on the offer, .0026, over .8 is by hand.
    """
    rows = [(z, d, y) for z, d, y, number in VITAMIN_A for _ in range(number)]
    table = pd.DataFrame(rows, columns=["offered", "took", "lived"]).assign(child=range(len(rows)))
    graph = {
        "nodes": {"care": {"measured": False}, "offered": {"lot": "villages drawn"}, "took": {}, "lived": {}},
        "arrows": {"care": {"took": WHY, "lived": WHY}, "offered": {"took": WHY}, "took": {"lived": WHY}},
    }
    estimate = run(tmp_path, table, graph, {"treatment": "took", "outcome": "lived"}, ["source.authority=child", "estimator=late"])["estimate"]
    assert (round(estimate["effect"], 4), round(estimate["std_error"], 4)) == (0.0032, 0.0012)
    assert round(estimate["diagnostics"]["share of compliers"], 2) == 0.80 and estimate["rows"] == 23_682
    as_printed("late", "effect on those who took it up (its error)", ".0032 (.0012)", f"{estimate['effect']:.4f} ({estimate['std_error']:.4f})")


def test_without_covariates_it_is_wald_s_ratio_with_linearmodels_robust_error() -> None:
    from linearmodels.iv import IV2SLS

    one = made()
    bare = replace(one, controls=np.empty((one.rows, 0)), control_names=(), control_groups={})
    found = Late().estimate(bare, np.random.default_rng(0))
    const, d, z = (pd.DataFrame({name: column}) for name, column in (("c", np.ones(one.rows)), ("d", one.treatment), ("z", one.columns["offer"])))
    theirs = IV2SLS(one.outcome, const, d, z).fit(cov_type="robust", debiased=False)
    assert found.effect == pytest.approx(theirs.params["d"], rel=1e-9)
    assert found.std_error == pytest.approx(theirs.std_errors["d"] * np.sqrt(300 / 299), rel=1e-6)


def test_the_propensity_is_statsmodels_logit() -> None:
    import statsmodels.api as sm

    one = made()
    x = one.controls
    theirs = sm.Logit(one.columns["offer"], sm.add_constant(x)).fit(disp=0).predict()
    assert propensity(x, one.columns["offer"], x) == pytest.approx(theirs, abs=1e-4)


def test_the_answer_and_its_error_hold_over_panels_where_takers_differ() -> None:
    """Planted: 2 for everybody; naive comparison is off by the taste that takers share. 16 panels of 400, coverage by the binomial bound."""
    found = [Late(repetitions=1).estimate(made(seed=seed, n=400), np.random.default_rng(0)) for seed in range(16)]
    off = np.array([one.effect - 2.0 for one in found])
    assert abs(off.mean()) < 3.5 * off.std(ddof=1) / 4
    assert sum(one.lower < 2.0 < one.upper for one in found) >= 12  # type: ignore[operator]
    shares = [one.diagnostics["share of compliers"] for one in found]
    assert np.mean(shares) == pytest.approx(0.63, abs=0.05)  # P(−.8 < .4 x + taste < 1.2) by the normal law, sd 1.08


def test_who_the_compliers_are_is_told_by_abadie_s_weights() -> None:
    """Mean poverty of compliers in 40,000 draws of the same law, by hand: those between the two thresholds."""
    rng = np.random.default_rng(1)
    x, taste = rng.normal(size=(2, 200_000))
    between = (0.4 * x + taste > -0.8) & (0.4 * x + taste <= 1.2)
    found = [Late(repetitions=1).estimate(made(seed=seed, n=600), np.random.default_rng(0)).diagnostics for seed in range(6)]
    seen = np.mean([one["compliers' poverty, standard deviations from all"] for one in found])
    assert seen == pytest.approx(x[between].mean(), abs=0.1)


def test_an_instrument_with_an_empty_level_or_three_is_refused_before_a_fit_with_those_that_can_serve() -> None:
    for change, says in ((1.0, "offer has 1"), (None, "offer has 300")):
        offer = change if change is not None else np.arange(300.0)
        with pytest.raises(DesignError, match=rf"an instrument of two values is wanted, with rows at both, and {says}") as refused:
            Late().estimate(made(offer=offer), np.random.default_rng(0))
        assert "two_stage_least_squares" in str(refused.value)
    few = (np.arange(300.0) < 9).astype(float)  # the spread of nine at a level is not known, and of one there is none
    with pytest.raises(DesignError, match=r"at least 10 clusters at both values is wanted, and offer is 1 in 9 alone.*two_stage_least_squares"):
        Late().estimate(made(offer=few), np.random.default_rng(0))


def test_a_weak_instrument_has_no_range() -> None:
    rng = np.random.default_rng(3)
    found = Late(repetitions=1).estimate(made(offer=(rng.random(300) < 0.5).astype(float)), np.random.default_rng(0))
    assert found.lower is None and found.no_interval == "method" and "hardly moves" in found.inference


def test_it_and_its_checks_keep_their_contracts() -> None:
    assert check_estimator(Late(repetitions=1), panels=4).on == "an offer of two values that some take up"
    check_refuter(FirstStage())
    check_refuter(Monotonicity())


def test_with_covariates_it_is_doubleml_s_interactive_model() -> None:
    """DoubleML 0.11.4, benchmarks/doubleml_late.py: 2.042420 (0.127699) with folds of its own, which move the answer by hundredths of an error."""
    found = Late(repetitions=3).estimate(made(n=2_000), np.random.default_rng(0))
    assert found.effect == pytest.approx(2.042420, abs=0.05 * 0.127699) and found.std_error == pytest.approx(0.127699, rel=0.02)
