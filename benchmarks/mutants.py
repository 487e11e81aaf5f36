"""Planted changes in the code, one at a time: does a test see each?

    python benchmarks/mutants.py                     all that are not in mutants.md yet; a quarter of an hour on one core; can be stopped and goes on
    python benchmarks/mutants.py --only NAME …       these again
    python benchmarks/mutants.py --again             all again
    python benchmarks/mutants.py --trusting          without first running the tests on the copy as it is
    python benchmarks/mutants.py --check             only whether each old text still stands in its file, once

A change is an exact replacement in one file of a copy of the tree: a sign, a lag, a quantile, a bound taken in or left out, rows in the place of
clusters, a node or a factor left out, a unit. The tests named beside it are run on the copy, stopping at the first that fails, and must fail: then the
change was *seen*. All tests named are first run on the copy as it is, and must pass. A change that survives gets a test, or its reason stands beside it
here and in mutants.md.

An old text that is gone, or stands twice, stops everything with its name: whoever changes a line changes what is planted in it.
"""

from __future__ import annotations

import argparse
import compileall
import os
import re
import shutil
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

import pytest

for _library in ("OMP", "OPENBLAS", "MKL", "NUMBA"):
    os.environ[f"{_library}_NUM_THREADS"] = "1"  # before numpy is there
sys.dont_write_bytecode = True  # a file is changed and put back: its bytecode stays that of the file as it was

TOP = Path(__file__).parent.parent
PAGE = Path(__file__).with_suffix(".md")
COPIED = ("causal", "conf", "experiments", "tests", "benchmarks", "docs", "pyproject.toml", "README.md", "constraints.txt")
LIBRARIES = (
    "pytest",
    "pandas",
    "scipy.stats",
    "scipy.optimize",
    "sklearn.ensemble",
    "dowhy",
    "econml.dml",
    "hydra",
    "linearmodels",
    "statsmodels.api",
)
BROKE = (1, 2)  # how pytest ends where a test failed, or a module could not be imported
ALREADY = "ignore::pytest.PytestAssertRewriteWarning"  # of plugins that are there before pytest begins
LIMIT = 300  # seconds for the tests of one change
SEEN, SURVIVED = "seen", "survived"


@dataclass(frozen=True, slots=True, kw_only=True)
class Mutant:
    """One change.

    Parameters
    ----------
    name : a few words, as the table has them.
    file : below the top of the tree.
    old, new : the exact text, which stands in the file once, and what is put in its place.
    tests : files, or tests in them, that should see it.
    because : why nothing can see it, where that is so.
    """

    name: str
    file: str
    old: str
    new: str
    tests: tuple[str, ...]
    because: str = ""


def at(file: str, *changes: tuple[str, str, str], tests: str) -> tuple[Mutant, ...]:
    """Changes of one file that the same tests should see.

    Parameters
    ----------
    file : below causal/.
    *changes : name, old, new.
    tests : below tests/, parted by blanks; `a.py::b` is one test, `a.py -k b,c` all with b or c in their names.
    """
    paths = tuple(f"tests/{one}" if ".py" in one else one for one in tests.split())
    return tuple(Mutant(name=name, file=f"causal/{file}", old=old, new=new, tests=paths) for name, old, new in changes)


MUTANTS: tuple[Mutant, ...] = (
    # --- inference
    *at(
        "inference/clustered.py",
        ("CR1 without G/(G−1)", "clusters / np.asarray(clusters - 1) * (rows - 1)", "(rows - 1)"),
        ("CR1's degrees of freedom from rows, not clusters", "df = np.full(k, clusters - 1.0)", "df = np.full(k, rows - 1.0)"),
        ("CR2 with the inverse in the place of its root", "1 / np.sqrt(np.maximum(shrink, 1e-10))", "1 / np.maximum(shrink, 1e-10)"),
        ("Satterthwaite without what clusters share", "(length.sum() - norms.sum()) ** 2 / squared", "length.sum() ** 2 / squared"),
        ("CR2 above fifty effective clusters, CR1 below", "if effective >= FEW_CLUSTERS:", "if effective < FEW_CLUSTERS:"),
        ("an interval of one side", "at, far = 0.5 + level / 2,", "at, far = level,"),
        ("a p-value of one side", "return effect - half, effect + half, float(2 * tail)", "return effect - half, effect + half, float(tail)"),
        ("a joint band of the mean, not the largest", ".max(axis=0), level))", ".mean(axis=0), level))"),
        ("the share in the five smallest clusters", "np.sort(size)[-5:].sum()", "np.sort(size)[:5].sum()"),
        tests="test_inference.py",
    ),
    *at(
        "inference/clustered.py",
        ("Hotelling's F without its lost degrees of freedom", "rest = df - k + 1", "rest = df"),
        tests="test_refuters.py::test_future_treatment_is_one_model test_refuters_bias.py "
        "test_spillover.py::test_direct_spillover_and_total_are_those_of_dummies_written_out",
    ),
    *at(
        "inference/clustered.py",
        ("what is left without a cluster, with it", "left = total - own[g]", "left = total"),
        tests="test_few_clusters.py::test_who_carries_a_coefficient_is_who_leaves_it_without_rank",
    ),
    *at(
        "inference/clustered.py",
        ("repeated cross-fits without the spread between them", "fit.std_errors**2 + (fit.coefficients - middle) ** 2", "fit.std_errors**2"),
        tests="test_inference.py::test_repeated_cross_fits_carry_the_spread_between_them",
    ),
    *at(
        "inference/dependence.py",
        ("Moran's p-value without the actual paths", "p_value=(1 + reached) / (1 + draws)", "p_value=reached / draws"),
        ("paths of their own lengths", "return np.where(some, laid / np.where(some, length, 1.0), 0.0)", "return np.asarray(laid)"),
        ("Driscoll & Kraay with half of each lag", "square += 2 * (1 - lag / (lags + 1))", "square += (1 - lag / (lags + 1))"),
        tests="test_shared_shocks.py::test_q_and_its_p_value_are_those_of_the_exact_law_over_all_permutations "
        "test_shared_shocks.py::test_paths_have_length_one_over_years_and_are_left_as_they_are_in_one_year "
        "test_shared_shocks.py::test_driscoll_and_kraay_is_that_of_linearmodels_and_conley_a_double_sum "
        "test_shared_shocks.py::test_the_paths_as_they_are_count_among_the_permutations",
    ),
    *at(
        "inference/few_treated.py",
        ("Welch's degrees of freedom with one cluster more", "theirs**2 / max(others - 1, 1)", "theirs**2 / max(others, 1)"),
        ("a placebo range of the share, not of level (n + 1)", "np.ceil(level * (len(ordered) + 1) - 1e-9)", "np.ceil(level * len(ordered) - 1e-9)"),
        tests="test_few_clusters.py::test_placebos_in_space_are_ferman_and_pinto_s_formula_by_hand "
        "test_few_clusters.py::test_degrees_of_freedom_of_two_samples_are_welch_s_with_equal_variances",
    ),
    *at(
        "inference/multiplicity.py",
        ("Bonferroni in the place of Holm", "known[order] * np.arange(len(known), 0, -1)", "known[order] * len(known)"),
        tests="test_heterogeneity.py::test_holm_is_that_of_statsmodels",
    ),
    *at(
        "inference/multiplicity.py",
        ("a step-down p-value that can be 0", "(1 + beyond) / (draws + 1)", "beyond / draws"),
        ("each statistic against all others, step by step no more", "[:, order[::-1]], axis=1)[:, ::-1]", "[:, order], axis=1)"),
        tests="test_inference.py::test_a_step_down_p_value_counts_the_data_among_its_draws test_verdict.py::test_romano_wolf_is_brute_force_over_all_signs",
    ),
    *at(
        "inference/detectable.py",
        ("power by a normal quantile where the test has a t", "quantile(power, df)) * std_error", "quantile(power, None)) * std_error"),
        ("a minimum detectable effect at half the power", "quantile(0.5 + level / 2, df) + quantile(power, df)", "quantile(0.5 + level / 2, df)"),
        tests="test_detectable.py",
    ),
    *at(
        "inference/wild.py",
        ("the wild bootstrap without the null imposed", "s = sums[0] + b * sums[1]", "s = sums[0]"),
        tests="test_refuters_data.py::test_the_wild_bootstrap_is_the_enumeration_of_all_signs",
    ),
    # --- verdict
    *at(
        "verdict/rule.py",
        ("a range that begins at δ is no important rise", "if lower >= smallest:", "if lower > smallest:"),
        ("a range that ends at δ lies inside", "if lower > -smallest and upper < smallest:", "if lower >= -smallest and upper <= smallest:"),
        ("harm is always a rise", 'row if harm == "increase" else MIRRORED[row]', "row"),
        tests="test_judge.py::test_each_row_at_its_edges_and_its_class_by_harm",
    ),
    *at(
        "verdict/rule.py",
        ("an instrument of few shocks on level 4", "return 3 if shocks is not None and shocks < FEWEST_SHOCKS else 4", "return 4"),
        ("a steady treatment is taken up", "and bool(steps.any())", "and bool(len(steps))"),
        tests="test_verdict.py::test_certainty_starts_at_the_maryland_scale_s_level "
        "test_verdict.py::test_the_kind_of_design_is_read_from_what_the_estimate_rests_on",
    ),
    *at(
        "verdict/decide.py",
        ("the gate at the nominal rate, not twice it", "rate = min(2 * (1 - question.level), 1.0)", "rate = min(1 - question.level, 1.0)"),
        ("the gate one alarm late", "special.bdtrc(placebos.alarms - 1,", "special.bdtrc(placebos.alarms,"),
        ("a bias of exactly δ is harmless", "abs(one.bias) >= smallest or", "abs(one.bias) > smallest or"),
        (
            "a bias added where it is taken off",
            "row_of(estimate.lower - one.bias, estimate.upper - one.bias, smallest)",
            "row_of(estimate.lower + one.bias, estimate.upper + one.bias, smallest)",
        ),
        ("a drift without its own error", "math.hypot(estimate.std_error, one.bias_error or 0.0)", "estimate.std_error"),
        ("a drift taken off the wrong way", "estimate.effect - one.bias - half", "estimate.effect + one.bias - half"),
        ("others are apart where that is least sure", "and error <= far / 2.8", "and error >= far / 2.8"),
        ("few clusters cap nothing", "left = min(left, LOW)", "left = max(left, LOW)"),
        (
            "people divided by the scale",
            "typical_effect=None if scale is None else estimate.effect * scale",
            "typical_effect=None if scale is None else estimate.effect / scale",
        ),
        ("reasons of one letter cost a step each", "by = 0 if one.letter in letters else", "by ="),
        tests="test_judge.py",
    ),
    *at(
        "verdict/power.py",
        ("what is detected without the power", "return (reach + quantile(POWER, estimate.df)) * estimate.std_error", "return reach * estimate.std_error"),
        ("equivalence by the better of two tests", "p_value=max(above, below)", "p_value=min(above, below)"),
        (
            "power of one side",
            "(special.ndtr((-half - effect) / error) + special.ndtr((effect - half) / error)).mean()",
            "special.ndtr((effect - half) / error).mean()",
        ),
        tests="test_verdict.py -k power,equivalence,four_errors test_judge.py::test_the_smallest_detectable_effect_is_bloom_s",
    ),
    # --- core
    *at(
        "panel.py",
        ("a lag that leads", 'get_level_values("year") + by', 'get_level_values("year") - by'),
        tests="test_design.py test_derive.py::test_years_are_matched_as_numbers_so_a_gap_is_a_gap",
    ),
    *at(
        "design.py",
        ("the treatment of a later year", "panel.shift(question.treatment, -lag)}", "panel.shift(question.treatment, lag)}"),
        ("controls of the outcome's year", "panel.shift(bare, 0 if constant else by)", "panel.shift(bare, 0)"),
        ("an authority of one year stays", "single = kept & (counts == 1)", "single = kept & (counts == 0)"),
        ("collinear columns stay in the basis", "<= COLLINEAR\n    if", "< 0\n    if"),
        tests="test_design.py",
    ),
    *at(
        "design.py",
        ("one year effect too few", "self.year[:, None] == self.years[1:], dtype=float", "self.year[:, None] == self.years[2:], dtype=float"),
        tests="test_inference.py::test_fixed_effects_and_cr1_agree_with_linearmodels",
    ),
    *at(
        "regression.py",
        ("parts per unit, not for the contrast", "effect = float(fit.coefficients[j] * question.contrast)", "effect = float(fit.coefficients[j])"),
        ("an error with the sign of the contrast", "float(fit.std_errors[0] * abs(question.contrast))", "float(fit.std_errors[0] * question.contrast)"),
        ("scores per unit, not for the contrast", "influence=fit.scores[:, 0] * question.contrast if", "influence=fit.scores[:, 0] if"),
        ("an authority that stands still has moved", "movers=int((spread > 0).sum())", "movers=int((spread >= 0).sum())"),
        tests="test_mean_group.py::test_groups_are_means_of_the_same_slopes test_estimators.py::test_the_contrast_turned_round_turns_the_effect_round "
        "test_estimators.py::test_says_what_it_estimates_and_how_sure_it_is test_inference.py",
    ),
    *at(
        "adjustment.py",
        ("the optimal set holds what the treatment moves", "forbidden = {treatment} | nx.descendants(graph, treatment)", "forbidden = {treatment}"),
        ("one year between too few is held", "for years in range(question.lag - 1, -1, -1):", "for years in range(question.lag - 2, -1, -1):"),
        tests="test_identify.py",
    ),
    *at(
        "identify.py",
        ("what moves the outcome may be an instrument", "return name in moving and name not in open_to", "return name in moving"),
        ("a front door that is confounded", "                and not unconfounded & set(one)\n", ""),
        tests="test_identify.py",
    ),
    *at(
        "transformations.py",
        ("breaks of a lagged column dated the wrong way", "tuple((year + by, why)", "tuple((year - by, why)"),
        ("a base at the guard is a base", "making.lose(base <= guard,", "making.lose(base < guard,"),
        ("a rate that is not multiplied", "values / counted.where(making.left) * times", "values / counted.where(making.left)"),
        ("in force only after the year of beginning", "values = (start <= pd.Series(", "values = (start < pd.Series("),
        tests="test_derive.py",
    ),
    *at(
        "modifier.py",
        ("a modifier of the last year", '.groupby(level="authority").first()', '.groupby(level="authority").last()'),
        ("groups that are not equal", "((ranks - 1) * wanted / len(ranks))", "(ranks * wanted / len(ranks))"),
        tests="test_design.py",
    ),
    *at(
        "windows.py",
        ("a first window of three years", "int(years[two - 1])", "int(years[two])"),
        ("levels added in the place of a change", 'outcome=late["outcome"][kept] - (early', 'outcome=late["outcome"][kept] + (early'),
        tests="test_cross_section.py::test_recovers_a_planted_change_between_windows_of_a_panel",
    ),
    # --- estimators
    *at(
        "estimators/machinery/stages.py",
        ("residuals of the second stage", "outcome - treatments @ coefficients", "outcome - moved @ coefficients"),
        ("an effective F without G/(G−1)", "scores.T @ scores * clusters / (clusters - 1)", "scores.T @ scores"),
        ("J with a degree of freedom too many", "overidentifying = instruments.shape[1] - 1", "overidentifying = instruments.shape[1]"),
        ("Anderson–Rubin by F and not by T²", "special.fdtri(k, rest, level)) * df * k / rest", "special.fdtri(k, rest, level))"),
        tests="test_instruments.py -k linearmodels,effective_f,fieller,hotelling,published",
    ),
    *at(
        "estimators/machinery/group_time.py",
        ("earlier years against the last before adoption", "base = before if after or universal else t - 1", "base = before"),
        ("those treated in the year itself are not yet treated", "(adopted.first > last)", "(adopted.first >= last)"),
        (
            "cohorts without weights",
            "member = (adopted.first[:, None] == made.cohort[chosen]) * (weight * taken)[:, None]",
            "member = (adopted.first[:, None] == made.cohort[chosen]) * taken[:, None]",
        ),
        tests="test_staggered.py::test_the_whole_family_agrees_with_diff_diff test_staggered.py::test_minimum_wages_without_covariates_to_the_printed_digits "
        "test_staggered.py::test_minimum_wages_with_population_doubly_robust_to_the_printed_digits",
    ),
    *at(
        "estimators/machinery/imputation.py",
        ("the untreated's part of the error turned round", "v = -weights[free, None]", "v = weights[free, None]"),
        tests="test_staggered.py::test_the_whole_family_agrees_with_diff_diff",
    ),
    *at(
        "estimators/machinery/one_row.py",
        ("the ATT's comparison by 1/(1 − p)", "off * propensity / (1 - propensity)", "off / (1 - propensity)"),
        ("the ATT clips the wrong end", "1 - clip if cross_section.whom in (None, 1)", "1 - clip if cross_section.whom in (None, 0)"),
        ("a one-row error without G/(G−1)", " * np.sqrt(number / (number - 1)),", ","),
        tests="test_cross_section.py::test_the_att_clips_only_the_comparison_s_end test_cross_section.py::test_influence_is_that_of_leaving_out_one_cluster "
        "test_cross_section.py::test_the_gaussian_model_without_modifiers_has_statsmodels_clustered_error",
    ),
    *at(
        "estimators/machinery/crossfit.py",
        ("folds of rows, not of clusters", "fold = (rng.permutation(int(cluster.max()) + 1) % folds)[cluster]", "fold = rng.permutation(len(cluster)) % folds"),
        tests="test_dml.py",
    ),
    *at(
        "estimators/mean_group.py",
        ("a mean's error over n − 1", "made.slopes[places].mean()) / number", "made.slopes[places].mean()) / (number - 1)"),
        tests="test_mean_group.py::test_of_slopes_without_noise_the_error_is_that_of_a_mean",
    ),
    *at(
        "estimators/machinery/bacon.py",
        ("forbidden comparisons weighed by their root", "both**2 * split * weight", "both * split * weight"),
        tests="test_staggered.py::test_castle_doctrine_laws_are_taken_apart_as_printed "
        "test_staggered.py::test_negative_and_forbidden_weights_reach_the_concerns",
    ),
    *at(
        "estimators/mediation.py",
        ("mediators of the outcome's year", "date = -max(design.question.lag - 1, 0)", "date = 0"),
        tests="test_mediation.py",
    ),
    *at(
        "estimators/shift_share.py",
        ("exposure-robust without K/(K−1)", "factor = np.sqrt(k / (k - 1))", "factor = 1.0"),
        tests="test_instruments.py::test_the_exposure_robust_error_is_that_of_the_shock_level_regression",
    ),
    # --- refuters
    *at(
        "refuters/bootstrap.py",
        ("half of the authorities drawn", "rng.integers(number, size=number)", "rng.integers(number, size=number // 2)"),
        tests="test_refuters.py::test_clean_worlds_survive[bootstrap]",
    ),
    *at(
        "refuters/data_subset.py",
        ("the error of subsets turned upside down", "np.sqrt((number - left_out) / left_out)", "np.sqrt(left_out / (number - left_out))"),
        tests="test_refuters.py::test_planted_faults_are_caught test_refuters.py::test_clean_worlds_survive[data_subset]",
    ),
    *at(
        "refuters/placebo_treatment.py",
        ("placebos at a quantile of one side", "law.ppf(1 - level / 2)", "law.ppf(1 - level)"),
        ("a randomisation p-value that can be 0", "(1 + (t >= actual).sum()) / (1 + len(t))", "(t >= actual).sum() / len(t)"),
        tests="test_refuters.py -k placebo",
    ),
    *at(
        "refuters/machinery/histories.py",
        (
            "rows dealt singly, not whole histories",
            "permuted[draw, rows] = own[rng.permutation(len(rows))]",
            "permuted[draw, rows] = rng.permuted(own, axis=0)",
        ),
        tests="test_refuters.py::test_placebo_moves_whole_histories_among_the_same_years "
        "test_refuters_data.py::test_dealt_histories_are_regressions_on_dealt_histories",
    ),
    *at(
        "refuters/leave_one_out.py",
        ("the place that matters least", "place = int(np.nanargmax(one))", "place = int(np.nanargmin(one))"),
        tests="test_refuters.py::test_leave_one_out_names_the_place test_refuters.py::test_leave_one_out_equals_leaving_out",
    ),
    *at(
        "refuters/pre_trend.py",
        ("leads that are lags", "ahead = moved.first[design.authority[rows]] - made.year", "ahead = made.year - moved.first[design.authority[rows]]"),
        ("a bias that a check sees, without its power", "abs(k) * sees * drift_error", "abs(k) * drift_error"),
        ("a drift added to no year", "trend * own * (year - trial.design.year.mean())", "trend * own"),
        tests="test_refuters_timing.py -k drift,leads test_refuters_bias.py -k pre_trend,smallest_size",
    ),
    *at(
        "refuters/anticipation.py",
        ("the year of the move stands for the one before", "inside = (ahead >= 1)", "inside = (ahead >= 0)"),
        tests="test_refuters_timing.py -k anticipation,window test_refuters_bias.py -k anticipation",
    ),
    *at(
        "refuters/unmeasured_confounder.py",
        ("an adjusted error without its degree of freedom", "(1 - r2yz) / (1 - r2dz) * df / (df - 1)", "(1 - r2yz) / (1 - r2dz)"),
        ("a confounder that works away from 0", "left = effect - math.copysign(bias, effect)", "left = effect + math.copysign(bias, effect)"),
        ("robustness against the classical df", "_critical(df - 1, alpha) / math.sqrt(df - 1)", "_critical(df, alpha) / math.sqrt(df)"),
        tests="test_refuters.py -k darfur,confounder,sensitivity",
    ),
    *at(
        "refuters/machinery/omitted.py",
        ("a benchmark's tie without its square", "tie = multiple * r2dx**2 /", "tie = multiple * r2dx /"),
        tests="test_refuters.py -k darfur",
    ),
    *at(
        "refuters/measurement_error.py",
        (
            "error followed the wrong way",
            "effect = self._followed(means, reliability - 1, power=1)",
            "effect = self._followed(means, 1 - reliability, power=1)",
        ),
        tests="test_refuters_data.py::test_known_error_is_undone",
    ),
    *at(
        "refuters/negative_control_outcome.py",
        ("a systematic error put on, not taken off", "interval(effect - mean,", "interval(effect + mean,"),
        ("what effect and controls share counts twice", "own + beside - 2 * float(", "own + beside + 2 * float("),
        tests="test_refuters_confounding.py -k calibrat,systematic",
    ),
    *at(
        "refuters/estimator_agreement.py",
        ("theirs less ours", "bias=-worst.difference", "bias=worst.difference"),
        tests="test_refuters_bias.py::test_estimators_that_differ_say_ours_less_theirs_and_what_difference_they_see",
    ),
    *at(
        "refuters/matched_bounds.py",
        ("Γ in the place of Γ/(1 + Γ)", "most = gamma / (1 + gamma)", "most = min(gamma / 2, 0.99)"),
        tests="test_refuters_confounding.py::test_rosenbaum_s_table",
    ),
    *at(
        "refuters/shared_shocks.py",
        ("shocks of one of both are enough", "raw = [max(one.p_value for one in pair)", "raw = [min(one.p_value for one in pair)"),
        tests="test_shared_shocks.py::test_clean_worlds_alarm_no_oftener_than_the_level_and_shared_waves_always",
    ),
    *at(
        "refuters/spillover.py",
        ("neighbours of a later year", "(a, y - lag - by)", "(a, y - lag + by)"),
        ("a spillover of this year alone", "[0, 1, 1], [1, 1, 1]", "[0, 1, 0], [1, 1, 1]"),
        tests="test_spillover.py::test_direct_spillover_and_total_are_those_of_dummies_written_out",
    ),
    *at(
        "refuters/recording_switches.py",
        ("a jump of any size that is not 0", "np.flatnonzero(np.abs(steps) > jump)", "np.flatnonzero(np.abs(steps) > 0)"),
        ("a repaired level upside down", "*= out[a, last[-1]] * np.exp(usual) / out[a, first[0]]", "*= out[a, first[0]] / np.exp(usual) / out[a, last[-1]]"),
        tests="test_refuters_data.py::test_switches_by_hand test_refuters_data.py::test_repairs_by_hand",
    ),
    # --- sources
    *at(
        "sources/england/making.py",
        ("spending power that falls rises", "index[year - 1] * (1 + change[year])", "index[year - 1] * (1 - change[year])"),
        ("poverty as a share, not a percentage", 'm.take("hmrc_poor") / m.take("hmrc_children") * 100', 'm.take("hmrc_poor") / m.take("hmrc_children")'),
        ("a centre closed on the base day was followed", '(centres["closed"] > start))]', '(centres["closed"] >= start))]'),
        (
            "nominal where real is meant",
            "real: pd.Series = nominal * prices / prices.xs(BASE",
            "real: pd.Series = nominal * prices * 0 + nominal * prices.xs(BASE",
        ),
        tests="test_england.py -k chained,spending,register,small_england",
    ),
    *at(
        "sources/england/places.py",
        ("a reorganised authority is gone a year early", "year <= one.until", "year < one.until"),
        tests="test_england.py::test_places_as_published_end_and_begin_with_the_reorganisation",
    ),
    *at(
        "sources/table/percent.py",
        ("a percentage as a share", "* 100:.15g", ":.15g"),
        tests="test_table_layouts.py::test_a_percentage_is_one_number_in_a_workbook_and_in_a_csv",
    ),
    *at(
        "sources/table/periods.py",
        ("a financial year by its beginning", 'return "financial", float(int(found[1]) + 1)', 'return "financial", float(int(found[1]))'),
        ("two digits of any two years", "int(found[2]) == (int(found[1]) + 1) % (100", "int(found[2]) >= (int(found[1]) + 1) % (100"),
        tests="test_table_layouts.py::test_periods_as_people_print_them test_table.py::test_a_period_is_the_year_in_which_it_ends",
    ),
    *at(
        "sources/machinery/world.py",
        ("an effect in the year of the closure", "self.effect * multiplier * closures[last]", "self.effect * multiplier * closures[t]"),
        ("an enquiry left out of the chain", "ENQUIRIES_PER_REFERRAL * (referrals[t] - referrals_year[t])", "ENQUIRIES_PER_REFERRAL * 0"),
        tests="test_simulated.py::test_the_effect_travels_along_the_arrows test_simulated.py::test_truth_is_what_was_planted",
    ),
    # --- report
    *at(
        "words.py",
        ("a range rounded inwards", "signed(math.floor(lower / step + 1e-9) * step, decimals)", "signed(math.ceil(lower / step - 1e-9) * step, decimals)"),
        ("ends rounded the other way", "if down else math.ceil(value / size - 1e-9) * size", "if down else math.floor(value / size + 1e-9) * size"),
        ("a sign on nothing", 'return text if zero else ("+"', 'return ("+"'),
        tests="test_language.py::test_a_range_never_shuts_out_what_it_holds test_language.py::test_signs_units_and_names "
        "test_language.py::test_a_range_is_rounded_once_by_its_own_length "
        "test_judge.py::test_the_second_line_has_estimate_range_what_matters_and_what_is_left_open",
    ),
    *at(
        "report/record.py",
        ("NaN in the record", "return float(value) if math.isfinite(value) else None", "return float(value)"),
        tests="test_report.py::test_the_record_is_strict_json_with_the_nouns_keys test_report.py::test_what_json_cannot_hold_is_named",
    ),
    *at(
        "report/figures/canvas.py",
        (
            "groups differ where their bands meet",
            "if max(low for low, _ in joint) > min(high for _, high in joint):",
            "if max(low for low, _ in joint) < min(high for _, high in joint):",
        ),
        tests="test_report.py::test_words_follow_the_numbers test_report.py::test_the_page_says_the_answer_first_and_fetches_nothing",
    ),
    *at(
        "report/risk.py",
        ("a domain that could not see has passed", '"blind" if unsighted else "passed"', '"passed" if unsighted else "passed"'),
        ("one place is many", 'data["estimate"]["authorities"] > 1', 'data["estimate"]["authorities"] >= 1'),
        tests="test_risk.py",
    ),
    *at(
        "report/outcomes.py",
        ("scores of another run are taken", "> 1e-6 * estimate", "> 1e6 * estimate"),
        tests="test_report.py::test_several_outcomes_of_one_treatment_get_p_values_that_allow_for_all",
    ),
)


def main() -> int:
    """Plant, test, write the page after each; exit status 1 where a change survived without a reason."""
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--only", nargs="+", default=[], metavar="NAME")
    asked.add_argument("--again", action="store_true")
    asked.add_argument("--check", action="store_true")
    asked.add_argument("--trusting", action="store_true", help="do not first see that the tests pass as they are")
    given = asked.parse_args()
    misplaced = [problem for one in MUTANTS if (problem := missing(one))]
    if misplaced or given.check:
        print("\n".join(misplaced) or f"{len(MUTANTS)} changes, each with its place")
        return 2 if misplaced else 0
    names = [one.name for one in MUTANTS]
    if len(set(names)) < len(names) or (unknown := sorted(set(given.only) - set(names))):
        print("names must differ" if len(set(names)) < len(names) else f"no such change: {', '.join(unknown)}")
        return 2
    known = {} if given.again else kept()
    todo = [one for one in MUTANTS if (one.name in given.only if given.only else one.name not in known)]
    with tempfile.TemporaryDirectory(prefix="mutants-") as folder:
        tree = copied(Path(folder) / "tree")
        libraries()
        for tests in [] if given.trusting else sorted({one.tests for one in todo}):
            broken, _ = tried(tree, tests)
            if broken:
                print(f"{' '.join(tests)} fail as they are ({broken}): nothing can be learnt from them")
                return 2
        for one in todo:
            path = tree / one.file
            was = path.read_text(encoding="utf-8")
            when = path.stat().st_mtime_ns
            path.write_text(was.replace(one.old, one.new), encoding="utf-8")
            try:
                by, seconds = tried(tree, one.tests)
            finally:
                path.write_text(was, encoding="utf-8")
                os.utime(path, ns=(when, when))  # its bytecode is right again
            known[one.name] = (SEEN if by else SURVIVED, by, f"{seconds:.0f}")
            print(f"{known[one.name][0]:9}{seconds:5.0f} s  {one.name}{f'  ({by})' if by else ''}", flush=True)
            PAGE.write_text(page(known), encoding="utf-8")
    return int(any(known[one.name][0] == SURVIVED and not one.because for one in MUTANTS if one.name in known))


def missing(one: Mutant) -> str:
    """What is wrong with a change's place; "" where its old text stands there once.

    Parameters
    ----------
    one : the change.
    """
    number = (TOP / one.file).read_text(encoding="utf-8").count(one.old)
    return "" if number == 1 else f"{one.file} holds {one.old!r} {number} times and not once ({one.name})"


def copied(tree: Path) -> Path:
    """A copy of the tree, in which the package finds its programs and its configurations.

    Parameters
    ----------
    tree : a folder that is not there yet.
    """
    tree.mkdir()
    for name in COPIED:
        if (TOP / name).is_dir():
            shutil.copytree(TOP / name, tree / name, ignore=shutil.ignore_patterns("__pycache__", "_build", "_made"))
        else:
            shutil.copy(TOP / name, tree / name)
    for name in ("experiments", "conf"):
        (tree / "causal" / name).symlink_to(tree / name)
    compileall.compile_dir(tree, quiet=2)
    if (TOP.parent / "shared").is_dir():
        (tree.parent / "shared").symlink_to((TOP.parent / "shared").resolve())
    return tree


def tried(tree: Path, tests: Sequence[str]) -> tuple[str, float]:
    """The first test that failed, "" where all passed, and the seconds.

    Parameters
    ----------
    tree : the copy.
    tests : files, or tests in them; after `-k` words parted by commas, any of which is in a test's name.
    """
    began = time.monotonic()
    for path, words in re.findall(r"(\S+\.py\S*)(?: -k (\S+))?", " ".join(tests)):
        said = tree.parent / "said.txt"
        child = os.fork()
        if not child:
            within(tree, said, [path, *(["-k", " or ".join(words.split(","))] if words else [])])
        while not (ended := os.waitpid(child, os.WNOHANG))[0]:
            if time.monotonic() - began > LIMIT:
                os.kill(child, signal.SIGKILL)
                os.waitpid(child, 0)
                return f"{path}: no end in {LIMIT} s", time.monotonic() - began
            time.sleep(0.05)
        if ended[1]:
            hit = re.search(r"^(?:FAILED|ERROR) (.+?)(?: - .*)?$", said.read_text(encoding="utf-8"), re.M)
            if not hit and os.waitstatus_to_exitcode(ended[1]) not in BROKE:
                raise SystemExit(f"{path} could not be run:\n{said.read_text(encoding='utf-8')[-2000:]}")
            return hit[1] if hit else f"{path}, of which none is named", time.monotonic() - began
    return "", time.monotonic() - began


def within(tree: Path, said: Path, words: Sequence[str]) -> None:
    """Run tests of a copy, in a process of their own that has the libraries already and nothing of ours; it ends here.

    Parameters
    ----------
    tree : the copy.
    said : file that takes what is printed.
    words : for pytest.
    """
    out = os.open(said, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(out, 1)
    os.dup2(out, 2)
    os.chdir(tree)
    sys.path.insert(0, str(tree))
    code = 70
    try:
        code = int(pytest.main(["-x", "-q", "-n", "0", "-p", "no:cacheprovider", "--tb=no", "-W", ALREADY, *words]))
    except BaseException:
        traceback.print_exc()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def libraries() -> None:
    """What every run would import anew: seconds each time."""
    for name in LIBRARIES:
        import_module(name)
    assert "causal" not in sys.modules, "what is changed must not be there before it is changed"


def kept() -> dict[str, tuple[str, str, str]]:
    """What the page holds: name → state, by which test, seconds."""
    if not PAGE.exists():
        return {}
    rows = [
        [cell.strip() for cell in re.split(r"(?<!\\)\|", line.strip("|"))] for line in PAGE.read_text(encoding="utf-8").splitlines() if line.startswith("| ")
    ]
    return {row[0]: (row[3], row[4].strip("`"), row[5]) for row in rows[1:] if len(row) == 6 and row[3] in (SEEN, SURVIVED)}


def page(known: dict[str, tuple[str, str, str]]) -> str:
    """The page: one row for each change that was tried, in the order of the list.

    Parameters
    ----------
    known : name → state, by which test, seconds.
    """
    rows = []
    for one in MUTANTS:
        if one.name in known:
            state, by, seconds = known[one.name]
            change = f"`{one.old.strip()}` → `{one.new.strip()}`".replace("|", "\\|").replace("\n", " ")
            rows.append(f"| {one.name} | {one.file.removeprefix('causal/')} | {change} | {state} | {f'`{by}`' if by else one.because or '–'} | {seconds} |")
    seen = sum(state == SEEN for state, *_ in known.values())
    return "\n".join(
        [
            "# Planted changes and the tests that see them",
            "",
            "    python benchmarks/mutants.py",
            "",
            f"{len(rows)} of {len(MUTANTS)} changes tried: {seen} seen, {len(rows) - seen} survived. Each is planted alone in a copy of the tree;",
            "the tests named for it in `benchmarks/mutants.py` are run until one fails. Of one that survived the reason stands in the place of the test.",
            "",
            "| planted | file | change | | first test that failed, or the reason | seconds |",
            "|---|---|---|---|---|---|",
            *rows,
            "",
        ]
    )


if __name__ == "__main__":
    sys.exit(main())
