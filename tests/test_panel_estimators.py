"""The panel family against other libraries in the same run, and against planted truths."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from worlds import ADOPTION, World, designed, without

from causal.draws import stream
from causal.errors import ConfigError, DesignError
from causal.estimators.event_study import EventStudy
from causal.estimators.fixed_effects import FixedEffects
from causal.estimators.lagged_outcome import LaggedOutcome
from causal.estimators.poisson_fixed_effects import PoissonFixedEffects
from causal.estimators.within_between import WithinBetween
from causal.panel import Panel

UNBALANCED = designed(without(World(effect=3.0, authorities=120).load(), keep=0.85, seed=3))
ADOPTED = designed(World(effect=3.0, adoption=True, authorities=120).load(), ADOPTION)
RNG = stream(1, "x")


def test_the_within_part_of_within_between_is_two_way_fixed_effects() -> None:
    """Wooldridge 2021: with the means of everything beside it, on unbalanced data too; and in every fifth."""
    one, other = WithinBetween().estimate(UNBALANCED, RNG), FixedEffects().estimate(UNBALANCED, RNG)
    assert one.effect == pytest.approx(other.effect, rel=1e-8)
    assert [p.effect for p in one.parts] == pytest.approx([p.effect for p in other.parts], rel=1e-6)


def test_within_between_agrees_with_linearmodels_random_effects() -> None:
    """linearmodels' RandomEffects on deviations, means and years of a balanced panel: both coefficients and θ."""
    from linearmodels.panel import RandomEffects

    made = designed(World(effect=3.0, authorities=120).load())
    index = pd.MultiIndex.from_arrays([np.array(made.authorities)[made.authority], made.year])
    columns = np.column_stack([made.treatment, made.controls])
    deviation = made.demean(columns)
    years = made.year_dummies()
    matrix = np.column_stack([np.ones(made.rows), deviation, columns - deviation, years, made.time_invariant])
    # means of deprivation × year are deprivation itself, seven times over: linearmodels wants each once
    kept = [0, *(j for j in range(1, matrix.shape[1]) if np.linalg.matrix_rank(matrix[:, : j + 1], tol=1e-6) > np.linalg.matrix_rank(matrix[:, :j], tol=1e-6))]
    table = pd.DataFrame(matrix[:, kept], index=index, columns=[f"x{j}" for j in kept])
    theirs = RandomEffects(pd.Series(made.outcome, index=index, name="y"), table).fit()
    one = WithinBetween().estimate(made, RNG)
    mean = f"x{1 + columns.shape[1]}"
    assert one.effect == pytest.approx(theirs.params["x1"] * 0.5, rel=1e-6)
    assert one.diagnostics["effect between authorities"] == pytest.approx(theirs.params[mean] * 0.5, rel=1e-6)
    assert one.diagnostics["mean share of authority means taken out"] == pytest.approx(float(theirs.theta.iloc[0, 0]), rel=0.02)


def test_the_hausman_contrast_finds_places_that_differ_lastingly_and_no_others() -> None:
    """Planted: a lasting confounder; and without it, from the same shocks."""
    assert (WithinBetween().estimate(UNBALANCED, RNG).diagnostics["p of between less within (Hausman)"] or 0) < 0.01
    alarms = 0
    for seed in range(40):
        panel = World(effect=3.0, authorities=80, seed=seed).load()
        rng = np.random.default_rng(seed)
        frame = panel.frame.copy()
        frame["cut"] = rng.normal(size=len(frame)) + np.repeat(rng.normal(size=80), 8)
        frame["plans"] = frame["cut"] + np.repeat(rng.normal(size=80), 8) + rng.normal(size=len(frame))
        p = WithinBetween().estimate(designed(replace(panel, frame=frame)), RNG).diagnostics["p of between less within (Hausman)"]
        alarms += p < 0.05  # type: ignore[operator]
    assert alarms <= 7  # 99.9 % binomial bound of 40 at 5 %


def counted(effect: float, authorities: int = 60, seed: int = 0) -> Panel:
    """Counts drawn from Poisson with a planted log effect per unit of the cut; one authority has none in any year."""
    panel = World(authorities=authorities, seed=seed).load()
    rng = np.random.default_rng(seed)
    frame = panel.frame.copy()
    log = -5.5 + 0.3 * np.repeat(rng.normal(size=authorities), 8) + 0.02 * (frame["poverty"] - 20) + effect * (frame["cut"] - frame["cut"].mean())
    frame["plans"] = rng.poisson(frame["children"] * np.exp(log)) / frame["children"] * 10_000
    frame.loc["A0003", "plans"] = 0.0
    return replace(panel, frame=frame)


def test_poisson_agrees_with_statsmodels_on_dummies() -> None:
    """statsmodels' GLM with every authority and year written out, children as exposure, and its clustered sandwich."""
    import statsmodels.api as sm

    made = designed(counted(0.2, authorities=24))
    one = PoissonFixedEffects().estimate(made, RNG)
    rows = np.array(made.authorities)[made.authority] != "A0003"
    assert made.population is not None
    dummies = (made.authority[rows][:, None] == np.unique(made.authority[rows])).astype(float)
    matrix = np.column_stack([made.treatment[rows], made.controls[rows] / 10, made.year_dummies()[rows], dummies])
    counts = made.outcome[rows] * made.population[rows] / 10_000
    theirs = sm.GLM(counts, matrix, family=sm.families.Poisson(), exposure=made.population[rows]).fit(tol=1e-12, maxiter=200)
    assert one.diagnostics["rate ratio"] == pytest.approx(np.exp(theirs.params[0] * 0.5), rel=1e-7)
    assert one.authorities == 23 and one.clusters == 24
    exposure = made.population[rows]
    rate, dose = (np.average(column[rows], weights=exposure) for column in (made.outcome, made.treatment))
    moved = rate * (np.exp(theirs.params[0] * (0.5 - dose)) - np.exp(-theirs.params[0] * dose))
    assert one.effect == pytest.approx(moved, rel=1e-6)


def test_poisson_recovers_a_planted_ratio_and_covers_it() -> None:
    """Planted: counts rise by exp(0.4 × 0.5); 40 panels."""
    found = [PoissonFixedEffects().estimate(designed(counted(0.4, seed=seed)), RNG).diagnostics for seed in range(40)]
    truth = np.exp(0.2)
    covered = sum(one["rate ratio, lower"] <= truth <= one["rate ratio, upper"] for one in found)  # type: ignore[operator]
    ratios = np.array([one["rate ratio"] for one in found], dtype=float)
    assert covered >= 33
    assert abs(ratios.mean() - truth) <= 3 * ratios.std(ddof=1) / np.sqrt(40)


def test_poisson_refuses_what_is_no_count() -> None:
    made = designed(World().load())
    with pytest.raises(DesignError, match="never below 0"):
        PoissonFixedEffects().estimate(replace(made, outcome=made.outcome - 100), RNG)


def test_the_lagged_outcome_agrees_with_statsmodels_and_brackets() -> None:
    """statsmodels OLS on the same columns; the other end of the bracket is fixed effects on the same rows."""
    import statsmodels.api as sm

    made = designed(World(effect=3.0).load())
    one = LaggedOutcome().estimate(made, RNG)
    known = np.isfinite(made.column("plans[-1]"))
    matrix = sm.add_constant(np.column_stack([made.treatment, made.controls, made.year_dummies()[:, 1:], made.column("plans[-1]")])[known])
    assert one.effect == pytest.approx(sm.OLS(made.outcome[known], matrix).fit().params[1] * 0.5, rel=1e-8)
    within = designed(replace(World(effect=3.0).load(), frame=World(effect=3.0).load().frame.query("year > 2011")))
    assert one.diagnostics["bracket: with authority effects"] == pytest.approx(FixedEffects().estimate(within, RNG).effect)
    assert one.association and "lies between" in one.notes[0]


def test_the_lagged_outcome_is_right_where_authorities_act_on_it() -> None:
    """Planted 3: no lasting differences, cuts follow last year's outcome; fixed effects are then off, and the bracket holds the truth."""
    rng = np.random.default_rng(5)
    panel = World(authorities=400).load()
    plans, cut = np.zeros((400, 8)), np.zeros((400, 8))
    plans[:, 0] = rng.normal(size=400)
    for t in range(1, 8):
        cut[:, t] = -0.3 * plans[:, t - 1] + rng.normal(size=400)
        plans[:, t] = 0.5 * plans[:, t - 1] + 6 * cut[:, t] + rng.normal(size=400)
    frame = panel.frame.assign(cut=cut.ravel(), plans=plans.ravel())
    one = LaggedOutcome().estimate(designed(replace(panel, frame=frame)), RNG)
    assert abs(one.effect - 3.0) <= 3 * one.std_error  # type: ignore[operator]
    assert abs((one.diagnostics["bracket: with authority effects"] or 0) - 3.0) > 3 * one.std_error  # type: ignore[operator]


def test_an_event_study_of_adoption_agrees_with_linearmodels_on_dummies() -> None:
    """linearmodels' PanelOLS with the usual dummies of years since adoption, the year before left out."""
    from linearmodels.panel import PanelOLS

    one = EventStudy(leads=2, lags=3).estimate(ADOPTED, RNG)
    treated = ADOPTED.grid(ADOPTED.treatment)
    first = np.where(treated.any(axis=1), 2011 + treated.argmax(axis=1), 9999)
    since = ADOPTED.year - first[ADOPTED.authority]
    never = first[ADOPTED.authority] == 9999
    dummies = {k: np.where(never, 0.0, (since <= -3 if k == -3 else since >= 3 if k == 3 else since == k)) for k in (-3, -2, 0, 1, 2, 3)}
    index = pd.MultiIndex.from_arrays([np.array(ADOPTED.authorities)[ADOPTED.authority], ADOPTED.year])
    table = pd.DataFrame(np.column_stack([*dummies.values(), ADOPTED.controls]), index=index).rename(columns="x{}".format)
    theirs = PanelOLS(pd.Series(ADOPTED.outcome, index=index, name="y"), table, entity_effects=True, time_effects=True).fit()
    assert [p.effect for p in one.parts] == pytest.approx(theirs.params.iloc[:6].tolist(), rel=1e-7)
    assert [p.name for p in one.parts] == ["lead 3 or more", "lead 2", "now", "lag 1", "lag 2", "lag 3 or more"]
    assert one.effect == pytest.approx(theirs.params.iloc[2:6].mean(), rel=1e-7)
    turned = EventStudy(leads=2, lags=3).estimate(replace(ADOPTED, question=replace(ADOPTION, control=1.0, treated=0.0)), RNG)
    assert turned.effect == pytest.approx(-one.effect)


def test_a_dose_that_is_an_adoption_gives_the_same_event_study() -> None:
    """Leads and lags of changes (Schmidheiny & Siegloch 2023) on the rows where all are known, against dummies on the same rows."""
    from causal.cohorts import cohorts
    from causal.estimators.event_study import _adoption, _dose

    used, columns = _dose(ADOPTED, [-2, 0, 1])
    same, dummies = _adoption(ADOPTED, cohorts(ADOPTED), [-2, 0, 1])
    keys = [set(zip(np.array(d.authorities)[d.authority], d.year, strict=True)) for d in (used, same)]
    assert keys[0] <= keys[1]
    at = np.array([key in keys[0] for key in zip(np.array(same.authorities)[same.authority], same.year, strict=True)])
    assert (columns[:, 1:] == dummies[at][:, 1:]).all()
    gap = columns[:, 0] - dummies[at][:, 0]
    # the first lead differs by what is lasting about an authority: whether it ever adopts
    assert pd.Series(gap).groupby(used.authority).nunique().max() == 1


def test_leads_raise_the_alarm_where_a_trend_was_planted_and_seldom_elsewhere() -> None:
    def p(seed: int, trend: float) -> float:
        panel = World(effect=3.0, adoption=True, authorities=80, seed=seed).load()
        frame = panel.frame.copy()
        ever = frame.groupby("authority")["cut"].transform("max")
        frame["plans"] += trend * ever * (frame.index.get_level_values("year") - 2011)
        one = EventStudy().estimate(designed(replace(panel, frame=frame), ADOPTION), RNG)
        assert any("moved before" in c for c in one.concerns) == (one.facts.pre_trend.p_value < 0.05)  # type: ignore[operator]
        return float(one.facts.pre_trend.p_value or 0)

    assert sum(p(seed, 0.0) < 0.05 for seed in range(40)) <= 7  # 99.9 % binomial bound
    assert sum(p(seed, 3.0) < 0.05 for seed in range(20)) >= 18


def test_knobs_of_the_event_study_are_checked_and_too_many_years_refused() -> None:
    with pytest.raises(ConfigError, match="leads: wanted a whole number of at least 1, got 0"):
        EventStudy(leads=0)
    with pytest.raises(DesignError, match="fewer leads or lags"):
        EventStudy(leads=4, lags=4).estimate(designed(World().load()), RNG)
