"""Clustered errors against other libraries in the same run."""

from dataclasses import replace

import numpy as np
import pytest
from worlds import World, designed, without

from causal.arrays import orthonormal
from causal.estimators.fixed_effects import FixedEffects
from causal.inference.clustered import Fit, clustered_least_squares, effective_clusters, interval, joint_critical, median_fit
from causal.inference.multiplicity import romano_wolf
from causal.regression import counted, least_squares


@pytest.mark.parametrize("keep", [1.0, 0.8], ids=["balanced", "unbalanced"])
def test_fixed_effects_and_cr1_agree_with_linearmodels(keep: float) -> None:
    """linearmodels' PanelOLS: the same slope to 1e-8, and our CR1 from its covariance by the stated formula.

    linearmodels' clustered default counts nested authority effects and omits G/(G−1); by its flags it gives the bare sandwich,
    to which ours applies G/(G−1) × (n−1)/(n−k), nested effects left out of k.
    """
    import pandas as pd
    from linearmodels.panel import PanelOLS

    made = designed(without(World(effect=2, authorities=120).load(), keep=keep, seed=1))
    index = pd.MultiIndex.from_arrays([np.array(made.authorities)[made.authority], made.year])
    controls = pd.DataFrame(made.controls, index=index, columns=[f"w{i}" for i in range(made.controls.shape[1])])
    theirs = PanelOLS(pd.Series(made.outcome, index=index, name="y"), controls.assign(treatment=made.treatment), entity_effects=True, time_effects=True).fit(
        cov_type="clustered", cluster_entity=True, auto_df=False, count_effects=False, debiased=False
    )
    fit, _ = least_squares(made, made.basis())
    assert fit.inference.startswith("CR1")
    assert fit.coefficients[0] == pytest.approx(theirs.params["treatment"], rel=1e-8)
    rows, groups = made.rows, len(made.authorities)
    k = 1 + controls.shape[1] + len(np.unique(made.year)) - 1
    factor = groups / (groups - 1) * (rows - 1) / (rows - k)
    assert fit.std_errors[0] ** 2 == pytest.approx(theirs.std_errors["treatment"] ** 2 * factor, rel=1e-8)


def test_cr1_agrees_with_statsmodels_on_dummies() -> None:
    """statsmodels OLS on year dummies and controls, cluster covariance with its small-sample factor G/(G−1) (n−1)/(n−k)."""
    import statsmodels.api as sm

    made = designed(World(authorities=120).load()).pooled()
    matrix = sm.add_constant(np.column_stack([made.treatment, made.controls, made.year_dummies()]))
    theirs = sm.OLS(made.outcome, matrix).fit(cov_type="cluster", cov_kwds={"groups": made.cluster, "use_correction": True, "df_correction": True})
    fit, _ = least_squares(made, made.basis())
    assert fit.coefficients[0] == pytest.approx(theirs.params[1], rel=1e-8)
    assert fit.std_errors[0] == pytest.approx(theirs.bse[1], rel=1e-8)
    # statsmodels' own reference law for clustered errors is t with one degree of freedom for each cluster but the first
    asked = sm.OLS(made.outcome, matrix).fit(cov_type="cluster", cov_kwds={"groups": made.cluster}, use_t=True)
    assert fit.df[0] == asked.df_resid_inference == len(made.clusters) - 1


def test_leverage_of_the_largest_clusters_is_that_of_the_largest() -> None:
    """By hand: four clusters of weight 1, 4, 9 and 100 and three of nothing. (Σs)² / Σs², and the five largest carry all; of ten alike five carry half."""
    root = np.array([1.0, 2.0, 3.0, 10.0, 0.0, 0.0, 0.0])
    number, five = effective_clusters(root, np.arange(7), 7)
    assert number == pytest.approx(114**2 / (1 + 16 + 81 + 100**2)) and five == pytest.approx(1.0)
    assert effective_clusters(np.ones(10), np.arange(10), 10) == pytest.approx((10.0, 0.5))
    assert effective_clusters(np.r_[root[:4], np.ones(6)], np.arange(10), 10)[1] == pytest.approx(115 / 120)


def test_cr2_agrees_with_its_definition_with_every_dummy_written_out() -> None:
    """Bell & McCaffrey's A_g = (I − H_gg)^(-1/2) and Satterthwaite's df by brute force over the full dummy matrix."""
    made = designed(World(authorities=18, years=5).load())
    fit, _ = least_squares(made, made.basis())
    assert fit.inference.startswith("CR2")
    dummies = (made.authority[:, None] == np.arange(len(made.authorities))).astype(float)
    matrix = orthonormal(np.column_stack([dummies, made.year_dummies(), made.controls, made.treatment]))
    full = np.column_stack([made.treatment, dummies, made.year_dummies(), made.controls])
    bread = np.linalg.pinv(full.T @ full)
    residual = made.outcome - full @ (bread @ full.T @ made.outcome)
    hat = matrix @ matrix.T
    weights = np.zeros((len(made.authorities), made.rows))
    for g in range(len(made.authorities)):
        rows = np.flatnonzero(made.authority == g)
        values, vectors = np.linalg.eigh(np.eye(len(rows)) - hat[np.ix_(rows, rows)])
        root = np.where(values > 1e-10, 1 / np.sqrt(np.maximum(values, 1e-10)), 0)
        weights[g, rows] = (vectors * root) @ vectors.T @ full[rows] @ bread[:, 0]
    assert fit.std_errors[0] ** 2 == pytest.approx(((weights @ residual) ** 2).sum(), rel=1e-6)
    reference = weights @ (np.eye(made.rows) - hat) @ weights.T
    assert fit.df[0] == pytest.approx(np.trace(reference) ** 2 / (reference**2).sum(), rel=1e-6)


def test_effects_by_group_are_cr2_below_fifty_effective_clusters_and_agree_with_one_group_alone() -> None:
    """A fifth's own authorities are few: its interval must know. With one group the answer is the overall one."""
    from dataclasses import replace

    from causal.regression import by_group

    made = designed(World(authorities=60).load())
    ((_, names, fit, _),) = by_group(made, made.basis())
    assert len(names) == 5 and fit.inference.startswith("CR2") and (fit.df < 12).all()
    one = replace(made, modifiers=(replace(made.modifiers[0], groups=("all",), codes=np.zeros(made.rows, dtype=np.int64)),))
    ((_, _, alone, _),) = by_group(one, one.basis())
    overall, _ = least_squares(made, made.basis())
    assert alone.coefficients[0] == pytest.approx(overall.coefficients[0])
    assert (alone.std_errors[0], alone.df[0]) == pytest.approx((overall.std_errors[0], overall.df[0]))


def test_absorbing_is_regression_on_dummies() -> None:
    """Frisch–Waugh–Lovell: absorbed arrays give the slope of the full dummy regression, on an unbalanced panel."""
    made = designed(without(World(effect=1).load(), keep=0.7, seed=3))
    dummies = (made.authority[:, None] == np.arange(len(made.authorities))).astype(float)
    full = np.column_stack([made.treatment, dummies, made.year_dummies(), made.controls])
    fit, _ = least_squares(made, made.basis())
    assert fit.coefficients[0] == pytest.approx(np.linalg.lstsq(full, made.outcome, rcond=None)[0][0], rel=1e-8)


def test_scores_give_the_error_and_add_up_over_clusters() -> None:
    made = designed(World().load())
    one = FixedEffects().estimate(made, np.random.default_rng(0))
    assert one.influence is not None and one.std_error is not None
    assert one.influence.shape == (len(made.clusters),)
    assert np.sqrt((one.influence**2).sum()) == pytest.approx(one.std_error, rel=1e-12)


def test_an_interval_is_that_of_scipy_s_t() -> None:
    from scipy import stats

    lower, upper, p = interval(2.0, 1.0, 0.9, 17)
    assert (lower, upper) == pytest.approx(stats.t(17, loc=2.0).interval(0.9))
    assert p == pytest.approx(2 * stats.t(17).sf(2.0))


def test_a_joint_band_holds_jointly() -> None:
    """Planted truth: 400 draws of 5 correlated estimates; the band covers all five in 95 % (binomial, 99.9 % interval)."""
    rng = np.random.default_rng(7)
    scores = rng.normal(size=(200, 5)) + rng.normal(size=(200, 1))
    scores /= np.sqrt((scores**2).sum(axis=0))
    critical = joint_critical(scores, 0.95, rng)
    draws = rng.multivariate_normal(np.zeros(5), scores.T @ scores, size=4000)
    covered = (np.abs(draws).max(axis=1) <= critical).mean()
    assert abs(covered - 0.95) < 3.3 * np.sqrt(0.95 * 0.05 / 4000) + 0.003
    assert 1.96 < critical < 2.58


def test_a_treatment_that_others_tell_is_refused() -> None:
    from causal.errors import EstimationError

    zero = np.zeros((20, 1))
    with pytest.raises(EstimationError, match="absorbed and adjusted for"):
        clustered_least_squares(np.ones(20), zero, np.empty((20, 0)), np.arange(20), 20, absorbed_rank=0)


@pytest.mark.parametrize("draws", [99, 999])
def test_a_step_down_p_value_counts_the_data_among_its_draws(draws: int) -> None:
    """Phipson & Smyth 2010 (Permutation p-values should never be zero): (1 + reached) / (1 + draws), in closed form.

    Of n clusters no turning of signs takes a statistic beyond √n: an effect of more than √n errors is reached by no draw, one of 0 by all.
    """
    scores = np.random.default_rng(5).normal(size=(20, 2))
    errors = np.sqrt((scores**2).sum(axis=0))
    none, every = romano_wolf(np.array([5.0, 0.0]) * errors, scores, np.random.default_rng(6), draws)
    assert none == pytest.approx(1 / (draws + 1), rel=1e-12) and every == 1.0


def test_an_authority_whose_treatment_stands_still_has_not_moved() -> None:
    """Three of forty are made to stand still: thirty-seven move."""
    made = designed(World(authorities=40, years=5).load())
    still = made.authority < 3
    assert counted(None, replace(made, treatment=np.where(still, 0.5, made.treatment))).movers == 37
    assert counted(None, made).movers == 40


def test_repeated_cross_fits_carry_the_spread_between_them() -> None:
    """Chernozhukov and others 2018, definition 3.3, by hand: the median of σ² + (θ − median)². Of 1, 2 and 6 with errors 1, 1 and 2: 1 + 1, 1 and 4 + 16."""

    def fit(effect: float, error: float) -> Fit:
        return Fit(coefficients=np.array([effect]), scores=np.full((4, 1), error / 2), df=np.array([3.0]), residuals=np.zeros(4), inference="one of several")

    made = median_fit([fit(1.0, 1.0), fit(2.0, 1.0), fit(6.0, 2.0)])
    assert made.coefficients[0] == 2.0
    assert made.std_errors[0] ** 2 == pytest.approx(np.median([1 + 1, 1 + 0, 4 + 16]))
