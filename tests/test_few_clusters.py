"""Answers that are none, and answers that hang on few places (docs/method.md, section 2), beside brute force, formulas and planted truths."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from lengths import LONG

from causal.answer import answered
from causal.bootstrapped import degrees_of_freedom
from causal.design import Design, design
from causal.draws import stream
from causal.errors import NotEstimable
from causal.estimate import Estimate
from causal.estimators import shelf
from causal.graph import Graph
from causal.identification import Identification
from causal.identify import identify
from causal.inference.clustered import carriers, clustered_least_squares, left_without
from causal.inference.few_treated import placebo_in_space, two_sample_df
from causal.panel import Panel, Variable
from causal.question import Question
from causal.sources.table import Table
from causal.study import Study, run

WHY = "made so"
NODES: dict[str, Any] = {"authority": {"varies": "authority"}, "year": {"varies": "year"}, "d": {}, "y": {}}
GRAPH = Graph(name="plain", nodes=NODES, arrows={"authority": {"d": WHY, "y": WHY}, "year": {"d": WHY, "y": WHY}, "d": {"y": WHY}})
ASKED = Question(treatment="d", outcome="y", control=0.0, treated=1.0, smallest_important=1.0, because=WHY)


def adopted(n: int = 40, years: int = 8, seed: int = 1, effect: float = 2.0, starts: tuple[int | None, ...] = (2013, 2014, 2015, None)) -> pd.DataFrame:
    """Places that take the treatment up in some of the years and keep it."""
    r = np.random.default_rng(seed)
    rows = []
    for i in range(n):
        lasting, start = 3 * r.normal(), starts[i % len(starts)]
        for k in range(years):
            d = float(start is not None and 2010 + k >= start)
            rows.append((f"A{i:02d}", 2010 + k, d, effect * d + lasting + 0.3 * k + r.normal()))
    return pd.DataFrame(rows, columns=["area", "yr", "d", "y"])


def dosed(seed: int = 2) -> pd.DataFrame:
    """A dose of every size in 40 places and 8 years."""
    r = np.random.default_rng(seed)
    rows = [(f"A{i:02d}", 2010 + t, float(r.normal()), float(r.normal())) for i in range(40) for t in range(8)]
    frame = pd.DataFrame(rows, columns=["area", "yr", "d", "y"])
    return frame.assign(y=frame.y + 2 * frame.d)


def one_treated() -> pd.DataFrame:
    """Twelve places of six years, of which one is treated from the fourth on; shocks of 1, effect −3."""
    r, rows = np.random.default_rng(1), []
    for i in range(12):
        lasting = r.normal(50, 5)
        for t in range(6):
            d = float(i == 0 and t >= 3)
            rows.append((f"A{i:02d}", 2010 + t, d, round(lasting + t + r.normal() - 3 * d, 1)))
    return pd.DataFrame(rows, columns=["area", "yr", "d", "y"])


def two_clusters() -> pd.DataFrame:
    """Sixty places in two states, one of them treated in the second year; noise alone."""
    r, rows = np.random.default_rng(8), []
    for i in range(60):
        for t in range(2):
            rows.append((f"A{i:02d}", 2010 + t, "NJ" if i < 40 else "PA", float(i < 40 and t == 1), 20 + 9 * r.normal()))
    return pd.DataFrame(rows, columns=["area", "yr", "state", "d", "y"])


def made_of(frame: pd.DataFrame, question: Question = ASKED) -> Design:
    """The design of a frame with columns area, yr, d, y."""
    table = frame.set_index(["area", "yr"])[["d", "y"]].astype(float).sort_index()
    table.index.names = ["authority", "year"]
    names = table.index.get_level_values("authority").unique()
    places = pd.DataFrame({"name": names, "region": ""}, index=names)
    variables = tuple(Variable(name=name, label=name, unit="", source=WHY) for name in table)
    panel = Panel(frame=table, variables=variables, places=places, title="made")
    return design(panel, question, _identified(question, panel))


def _identified(question: Question, panel: Panel) -> Identification:
    return identify(question, GRAPH, measured=panel.names)


def asked(frame: pd.DataFrame, tmp_path: Path, estimator: str = "fixed_effects", *, target: str = "ATE", refuters: Any = None, **source: Any) -> Any:
    """The whole way, from a file to a verdict."""
    frame.to_csv(tmp_path / "table.csv", index=False)
    study = Study(
        title="Ours",
        action="Doing it",
        question=replace(ASKED, target=target),  # type: ignore[arg-type]
        graph=GRAPH,
        source=Table(path=str(tmp_path / "table.csv"), authority="area", year="yr", **source),
        estimator=shelf()[estimator](),
        refuters=refuters or {},
    )
    return run(study)


DEGENERATE: dict[str, tuple[Callable[[], pd.DataFrame], str]] = {
    "a constant": (lambda: dosed().assign(y=5.0), "is 5 in all 320 usable rows"),
    "fixed within places": (lambda: dosed().assign(y=lambda f: f.area.str[1:].astype(int)), "does not vary once authority, year are held fixed"),
    "national, the same everywhere": (lambda: dosed().assign(y=lambda f: (f.yr - 2010) ** 2.0), "does not vary once authority, year are held fixed"),
    "the treatment again": (lambda: dosed().assign(y=lambda f: f.d), "are one column"),
    "the treatment in other units, with lasting differences": (
        lambda: dosed().assign(y=lambda f: 250 - 40 * f.d + f.area.str[1:].astype(int) + 3 * f.yr),
        "are one column",
    ),
    "tiny, the treatment again": (lambda: dosed().assign(y=lambda f: 1e-9 * f.d), "are one column"),
}


@pytest.mark.parametrize("name", DEGENERATE)
@pytest.mark.parametrize("estimator", ["fixed_effects", "first_difference", "difference", "linear_dml"])
def test_degenerate_outcomes_have_no_answer_whatever_the_estimator(name: str, estimator: str, tmp_path: Path) -> None:
    """A constant, an outcome fixed within places and a copy say nothing; "0.0 (0.0 to 0.0)" would be read as certainty."""
    frame, words = DEGENERATE[name]
    result = asked(frame(), tmp_path, estimator)
    assert result.estimate is None and result.design is None and result.verdict.gate == "not_estimable"
    assert words in result.answer.second


def test_a_tiny_outcome_that_varies_is_answered(tmp_path: Path) -> None:
    """Size alone is no degeneracy: the same data times 1e-7 give the same answer times 1e-7."""
    large, small = asked(adopted(seed=11), tmp_path), asked(adopted(seed=11).assign(y=lambda f: f.y * 1e-7), tmp_path)
    assert small.estimate.effect == pytest.approx(1e-7 * large.estimate.effect, rel=1e-9)
    assert small.estimate.std_error == pytest.approx(1e-7 * large.estimate.std_error, rel=1e-9)


def test_separated_counts_are_refused_by_poisson_and_answered_by_fixed_effects(tmp_path: Path) -> None:
    """Every treated count is 0, so that no ratio fits best; −3.2 is what least squares gives (pandas' own demeaning says so too)."""
    r, frame = np.random.default_rng(3), adopted(seed=3)
    frame["y"] = r.poisson(np.exp(1 + 0.3 * frame.d + 0.2 * r.normal(size=len(frame))))
    frame.loc[frame.d == 1, "y"] = 0
    refused = asked(frame, tmp_path, "poisson_fixed_effects")
    assert refused.estimate is None and "(separation)" in refused.answer.second
    within = (
        frame[["d", "y"]] - frame.groupby("area")[["d", "y"]].transform("mean") - frame.groupby("yr")[["d", "y"]].transform("mean") + frame[["d", "y"]].mean()
    )
    slope = float(within.d @ within.y / (within.d @ within.d))
    assert asked(frame, tmp_path).estimate.effect == pytest.approx(slope, rel=1e-9)
    frame.loc[frame.d == 1, "y"] = (np.arange((frame.d == 1).sum()) % 3 == 0).astype(int)  # some treated counts are not 0
    assert asked(frame, tmp_path, "poisson_fixed_effects").estimate.effect < 0


@pytest.mark.parametrize("seed", range(6))
def test_who_carries_a_coefficient_is_who_leaves_it_without_rank(seed: int) -> None:
    """Brute force: leave each cluster out, project again, and see whether anything of the column is left."""
    rng = np.random.default_rng(seed)
    clusters, m = 8, 5
    cluster = np.repeat(np.arange(clusters), m)
    raw = rng.normal(size=(clusters * m, 3))
    raw[:, 0] = np.where(cluster == seed % clusters, raw[:, 0], 0.0)  # of one cluster alone
    raw[:, 1] = np.where(cluster < 2, raw[:, 1], 0.0)
    other_raw = np.column_stack([np.ones(len(raw)), rng.normal(size=len(raw)), np.where(cluster == 3, rng.normal(size=len(raw)), 0.0)])
    other = np.linalg.qr(other_raw)[0]
    treatments = raw - other @ (other.T @ raw)
    found = carriers(treatments, other, cluster, clusters)
    for j in range(3):
        alone = -1
        for g in range(clusters):
            kept = cluster != g
            rest = np.column_stack([other_raw, np.delete(raw, j, axis=1)])[kept]
            column = raw[kept, j]
            left = column - rest @ np.linalg.lstsq(rest, column, rcond=1e-10)[0]
            if (left**2).sum() < 1e-10:
                alone = g
        assert found[j] == alone
    own = treatments[:, 2] / np.linalg.norm(treatments[:, 2])
    share = left_without(own, other, cluster, clusters)
    for g in range(clusters):
        kept = cluster != g
        left = own[kept] - other_raw[kept] @ np.linalg.lstsq(other_raw[kept], own[kept], rcond=1e-10)[0]
        if share[g] < 1:
            assert share[g] == pytest.approx(float(left @ left), abs=1e-9)
        else:
            assert left @ left > 1e-8


@pytest.mark.parametrize("estimator", ["fixed_effects", "first_difference", "event_study", "callaway_santanna", "imputation", "sun_abraham", "synthetic_did"])
def test_one_treated_place_gives_no_interval_and_what_placebos_leave_stands_beside(estimator: str, tmp_path: Path) -> None:
    """One of 12 and one of 30: the error comes from nowhere; with 29 untreated the range by placebos is shown, with 11 it is not."""
    target = "ATT" if estimator in ("callaway_santanna", "imputation", "sun_abraham", "synthetic_did") else "ATE"
    few = asked(one_treated(), tmp_path, estimator, target=target).estimate
    assert (few.std_error, few.lower, few.upper, few.p_value, few.influence) == (None,) * 5
    assert few.no_interval == "one_cluster" and few.support.carried_by == "A00" and "A00 alone carries it" in few.inference
    assert (few.support.treated, few.support.untreated, few.support.placebo_lower) == (1, 11, None)
    many = asked(adopted(n=30, starts=(2014, *([None] * 29)), effect=4.0, seed=5), tmp_path, estimator, target=target).estimate
    assert many.lower is None
    if estimator not in ("fixed_effects", "first_difference"):
        # the range is that of a regression's error
        assert many.support.placebos is None
        return
    assert many.support.placebos == 29
    assert many.support.placebo_lower < many.effect < many.support.placebo_upper
    # changes from year to year carry less of a lasting effect of 4 than levels do
    assert (many.support.placebo_lower > 0) == (estimator == "fixed_effects") and many.support.placebo_upper - many.support.placebo_lower < 8


@pytest.mark.parametrize("estimator", ["fixed_effects", "first_difference", "difference", "dowhy_linear", "callaway_santanna"])
def test_two_clusters_give_no_interval(estimator: str, tmp_path: Path) -> None:
    """+6.96 (+6.95 to +6.96) stood here on pure noise."""
    result = asked(two_clusters(), tmp_path, estimator, target="ATT" if estimator == "callaway_santanna" else "ATE", cluster="state")
    made = result.estimate
    assert made.no_interval == "two_clusters" and made.lower is None and made.support.clusters == 2
    assert all(part.lower is None for part in made.parts)


def test_a_group_of_two_places_has_an_effect_and_no_interval() -> None:
    """A modifier with a group of two places: nothing is learnt of their own spread from one difference."""
    frame = adopted(n=40, seed=4)
    table = frame.set_index(["area", "yr"])
    table["kind"] = np.where(table.index.get_level_values("area").isin(["A00", "A01"]), 1.0, 0.0)
    table.index.names = ["authority", "year"]
    names = table.index.get_level_values("authority").unique()
    panel = Panel(
        frame=table.astype(float),
        variables=tuple(Variable(name=name, label=name, unit="", source=WHY, varies="authority" if name == "kind" else "both") for name in table),
        places=pd.DataFrame({"name": names, "region": ""}, index=names),
        title="made",
    )
    question = replace(ASKED, modifiers=("kind",), groups=2)
    parts = answered(shelf()["fixed_effects"](), design(panel, question, _identified(question, panel)), stream(1, "estimate")).parts
    two = [part for part in parts if part.authorities == 2]
    many = [part for part in parts if part.authorities == 38]
    assert len(two) == len(many) == 1
    assert two[0].lower is None and np.isfinite(two[0].effect) and many[0].lower is not None


def test_placebos_in_space_are_ferman_and_pinto_s_formula_by_hand() -> None:
    """One treated of 25: each untreated place's residuals along the treated one's path, scaled by A + B / population, written out place by place."""
    rng = np.random.default_rng(3)
    places, years = 25, 6
    cluster, time = np.repeat(np.arange(places), years), np.tile(np.arange(years), places)
    population = rng.uniform(1_000, 50_000, places)
    residual = rng.normal(size=places * years) * np.sqrt(0.5 + 3_000 / population)[cluster]
    path = np.array([-0.5, -0.5, -0.5, 0.5, 0.5, 0.5])
    treatment = np.where(cluster == 0, path[time], 0.001)
    found = placebo_in_space(2.0, treatment, residual, cluster, time, np.array([0]), population, 0.95)
    assert found is not None and found.placebos == 24 and found.scaled
    squares = np.array([np.mean([residual[g * years + t] ** 2 for t in range(years)]) for g in range(1, places)])
    best = min(
        (float(((squares - a - b / population[1:]) ** 2).sum()), a, b)
        for a, b in [
            tuple(np.linalg.lstsq(np.column_stack([np.ones(24), 1 / population[1:]]), squares, rcond=None)[0]),
            (squares.mean(), 0.0),
            (0.0, float((squares / population[1:]).sum() / (1 / population[1:] ** 2).sum())),
        ]
        if a >= 0 and b >= 0
    )
    moved = []
    for g in range(1, places):
        scale = np.sqrt((best[1] + best[2] / population[0]) / (best[1] + best[2] / population[g]))
        moved.append(abs(sum(path[t] * residual[g * years + t] for t in range(years)) / (path @ path) * scale))
    reach = sorted(moved)[24 - 1]  # ⌈.95 · 25⌉ = 24th of 24
    assert (found.lower, found.upper) == pytest.approx((2.0 - reach, 2.0 + reach), rel=1e-6)
    assert placebo_in_space(2.0, treatment[: 19 * years], residual[: 19 * years], cluster[: 19 * years], time[: 19 * years], np.array([0]), None, 0.95) is None


def test_degrees_of_freedom_of_two_samples_are_welch_s_with_equal_variances() -> None:
    """Against the textbook's formula with s₁² = s₂² = 1, and against t's own law: two treated and very many others have one degree."""
    for n, m in ((2, 28), (5, 25), (10, 140)):
        textbook = (1 / n + 1 / m) ** 2 / ((1 / n) ** 2 / (n - 1) + (1 / m) ** 2 / (m - 1))
        assert two_sample_df(np.ones(n), m) == pytest.approx(textbook, rel=1e-12)
    assert two_sample_df(np.ones(2), 10**7) == pytest.approx(1.0, abs=1e-5)
    assert two_sample_df(np.array([1.0, 1e-6]), 28) == 1.0


def panel_of(n: int, treated: int, rng: np.random.Generator, years: int = 8) -> Design:
    """No effect; some places take it up at their own times; shocks of an AR(1) of .5."""
    d = np.zeros((n, years))
    for i, start in enumerate(rng.integers(3, 6, size=treated)):
        d[i, start:] = 1.0
    shocks = rng.normal(size=(n, years))
    for t in range(1, years):
        shocks[:, t] = 0.5 * shocks[:, t - 1] + np.sqrt(0.75) * shocks[:, t]
    y = 3 * rng.normal(size=(n, 1)) + rng.normal(size=(1, years)) + shocks
    index = pd.MultiIndex.from_product([[f"A{i:03d}" for i in range(n)], range(2010, 2010 + years)])
    frame = pd.DataFrame({"d": d.ravel(), "y": y.ravel()}, index=index).reset_index(names=["area", "yr"])
    return made_of(frame)


@pytest.mark.parametrize(("estimator", "treated"), [(name, n) for name in ("fixed_effects", "callaway_santanna", "imputation") for n in (2, 3, 5)])
def test_few_treated_of_thirty_are_covered(estimator: str, treated: int) -> None:
    """A planted 0 in panels of 30 places with 2, 3 or 5 treated: coverage is not below 92 % beyond what 150 panels can show (exact, at .1 %; 60 and 1 %)."""
    from scipy import stats

    rng = np.random.default_rng(treated)
    panels = 150 if LONG else 60
    made: list[Estimate] = []
    for _ in range(panels):
        one = panel_of(30, treated, rng)
        question = replace(one.question, target="ATT") if estimator != "fixed_effects" else one.question
        made.append(shelf()[estimator]().estimate(replace(one, question=question), rng))
    held = sum(one.lower <= 0 <= one.upper for one in made if one.lower is not None and one.upper is not None)
    known = sum(one.lower is not None for one in made)
    assert known >= panels * 0.9
    assert stats.binom.cdf(held, known, 0.92) > (0.001 if LONG else 0.01), (held, known)


def test_a_bootstrap_over_few_movers_has_few_degrees_of_freedom() -> None:
    """G − 1 where the comparison is spread over many; the effective number less one where 3 of 30 move (at most 3 by Carter and others' formula)."""
    assert degrees_of_freedom(made_of(dosed())) < 39.0 + 1e-9
    assert 1.0 <= degrees_of_freedom(panel_of(30, 3, np.random.default_rng(0))) <= 3.0
    assert degrees_of_freedom(panel_of(300, 200, np.random.default_rng(0))) == 299.0


def test_a_fit_without_error_is_no_finding() -> None:
    """An outcome computed from the treatment and a control leaves an error of nothing, which is refused by name."""
    made = made_of(dosed())
    control = np.random.default_rng(0).normal(size=made.rows)
    copied = replace(made, outcome=3 * made.treatment + 2 * control, controls=control[:, None], control_names=("x",))
    with pytest.raises(NotEstimable, match="identity") as refused:
        answered(shelf()["fixed_effects"](), copied, stream(1, "estimate"))
    assert refused.value.code in ("no_error", "perfect_fit")


def test_nobody_is_nulled_for_a_subset_that_leaves_enough() -> None:
    """Every pair of four treated places still has an interval in fixed effects: two carry it together, neither alone."""
    frame = adopted(n=24, starts=(2012, 2013, 2014, 2015, *([None] * 20)), seed=2)
    for pair in combinations(("A00", "A01", "A02", "A03"), 2):
        kept = frame[~frame.area.isin({"A00", "A01", "A02", "A03"} - set(pair))]
        one = answered(shelf()["fixed_effects"](), made_of(kept), stream(1, "estimate"))
        assert one.lower is not None and one.support is not None and one.support.carried_by is None


def test_clustered_least_squares_names_no_carrier_in_an_ordinary_panel() -> None:
    """Every coefficient of a panel of 40 places is known."""
    made = made_of(dosed())
    basis = made.basis()
    outcome, treatment = made.partial_out(made.outcome[:, None], basis)[:, 0], made.partial_out(made.treatment[:, None], basis)
    fit = clustered_least_squares(outcome, treatment, made.nuisance_basis(basis), made.cluster, len(made.clusters), absorbed_rank=basis.shape[1])
    assert fit.known == (True,)
