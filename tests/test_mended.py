"""Small inputs that once gave a wrong number or hid a loss, each with its right value: made here, held by closed forms and other libraries."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from causal.analysis import Analysis, analyse, identified
from causal.answer import answered
from causal.draws import stream
from causal.errors import ConfigError, DesignError
from causal.estimate import Estimate, Estimator
from causal.estimators.doubly_robust import LinearDr
from causal.estimators.dowhy_glm import DowhyGlm
from causal.estimators.fixed_effects import FixedEffects
from causal.estimators.iv_dml import OrthoIv
from causal.estimators.meta_learners import SLearner, TLearner
from causal.estimators.poisson_fixed_effects import PoissonFixedEffects
from causal.estimators.staggered import CallawaySantAnna
from causal.estimators.two_stage_least_squares import TwoStageLeastSquares
from causal.graph import Graph
from causal.question import Question
from causal.sources.table import Table

QUESTION = Question(treatment="d", outcome="y", control=0, treated=1, smallest_important=1, because="a test")
MOVES = {"d": "made so", "y": "made so"}


def graph(*confounders: str, instruments: tuple[str, ...] = ()) -> Graph:
    """d → y with authority and year, some confounders, and instruments that move d alone."""
    arrows: dict[str, dict[str, str]] = {"authority": dict(MOVES), "year": dict(MOVES), "d": {"y": "the question"}}
    arrows |= {name: dict(MOVES) for name in confounders} | {name: {"d": "made so"} for name in instruments}
    return Graph(name="own", nodes={name: {} for name in ("authority", "year", "d", "y", *confounders, *instruments)}, arrows=arrows)


def asked(
    frame: pd.DataFrame, folder: Path, estimator: Estimator, made: Graph, *, question: Question = QUESTION, forced: list[str] | None = None, **source: str
) -> Analysis:
    """The analysis of a table of areas and years."""
    frame.to_csv(folder / "own.csv", index=False)
    panel = Table(path=str(folder / "own.csv"), authority="area", year="yr", **source).load()
    return analyse(panel, question, made, estimator=estimator, adjust_for=forced)


def answer(estimator: Estimator, analysis: Analysis) -> Estimate:
    return answered(estimator, analysis.must(""), stream(1, "estimate"))


def plain(seed: int = 2, areas: int = 40, years: int = 8) -> pd.DataFrame:
    r = np.random.default_rng(seed)
    lasting, when = 3 * r.normal(size=areas), r.normal(size=years)
    rows = []
    for i in range(areas):
        for k in range(years):
            x = r.normal() + 0.5 * lasting[i]
            d = 0.5 * x + r.normal()
            rows.append((f"A{i:02d}", 2010 + k, x, d, 2 * d + x + lasting[i] + when[k] + r.normal()))
    return pd.DataFrame(rows, columns=["area", "yr", "x", "d", "y"])


def counts(noise: bool) -> pd.DataFrame:
    """Counts of areas of very unequal size, 1.1 times as many under the treatment; exactly, or drawn from Poisson."""
    r, rows = np.random.default_rng(5), []
    for i in range(12):
        for t in range(3):
            people = round((10000, 20000, 80000, 150000)[i % 4] * (1 + 0.02 * t * (i % 3)))
            d = (0, 0, 1)[t] if i % 2 else (0, 1, 1)[t] if i % 4 == 0 else 0
            mean = people * 0.005 * (1 + 0.1 * i) * (1 + 0.05 * t) * 1.10**d
            rows.append((f"A{i:02d}", 2010 + t, d, r.poisson(mean) if noise else mean, people))
    return pd.DataFrame(rows, columns=["area", "yr", "d", "y", "children"])


def test_counts_take_people_as_exposure(tmp_path: Path) -> None:
    """Planted without noise: a ratio of 1.1 exactly, whatever the sizes."""
    estimator = PoissonFixedEffects()
    made = asked(counts(noise=False), tmp_path, estimator, graph(), population="children")
    one = estimator.estimate(made.must(""), stream(1, "x"))
    assert one.diagnostics["rate ratio"] == pytest.approx(1.1, abs=1e-9)
    left = one.diagnostics["share of treatment variance left"]
    assert left is not None and 0 < left < 1
    assert "people as exposure (offset)" in one.notes[0]


def test_counts_with_exposure_agree_with_statsmodels(tmp_path: Path) -> None:
    """GLM on dummies with exposure; and the count divided by people, called a rate, gives the same ratio."""
    import statsmodels.api as sm

    frame = counts(noise=True)
    dummies = pd.get_dummies(frame[["area", "yr"]].astype(str), drop_first=True).to_numpy(dtype=float)
    x = np.column_stack([frame["d"], np.ones(len(frame)), dummies])
    theirs = sm.GLM(frame["y"], x, family=sm.families.Poisson(), exposure=frame["children"]).fit(tol=1e-12)
    ratio = float(np.exp(np.asarray(theirs.params)[0]))
    estimator = PoissonFixedEffects()
    one = answer(estimator, asked(frame, tmp_path, estimator, graph(), population="children"))
    assert one.diagnostics["rate ratio"] == pytest.approx(ratio, rel=1e-7)
    rate = PoissonFixedEffects(outcome="rate")
    other = answer(rate, asked(frame.assign(y=1e4 * frame["y"] / frame["children"]), tmp_path, rate, graph(), population="children"))
    assert other.diagnostics["rate ratio"] == pytest.approx(ratio, rel=1e-7)
    # left to itself a rate without a unit is taken as a count, and that is a concern
    doubted = answer(estimator, asked(frame.assign(y=1e4 * frame["y"] / frame["children"]), tmp_path, estimator, graph(), population="children"))
    assert any("estimator.outcome=rate" in said for said in doubted.concerns)
    with pytest.raises(ConfigError, match="'rate', 'count'"):
        PoissonFixedEffects(outcome="share")  # type: ignore[arg-type]


def test_one_regression_has_one_number_of_effective_clusters(tmp_path: Path) -> None:
    """The number in the words on inference, among the diagnostics and in what the verdict reads."""
    estimator = PoissonFixedEffects()
    one = answer(estimator, asked(counts(noise=True), tmp_path, estimator, graph(), population="children"))
    known = one.diagnostics["effective clusters"]
    assert one.support is not None and one.support.effective == pytest.approx(known) and f"({known:.0f} effective clusters)" in one.inference


def test_a_collinear_control_is_left_out_and_said(tmp_path: Path) -> None:
    """x2 = 100x + 3: the same answer as with x alone, 1.94073 by least squares on dummies; a control constant in areas is part of their effects."""
    frame = plain()
    frame["x2"], frame["x3"] = 100 * frame["x"] + 3, frame["area"].str[1:].astype(float)
    estimator = FixedEffects()
    dummies = pd.get_dummies(frame[["area", "yr"]].astype(str)).to_numpy(dtype=float)
    closed = np.linalg.lstsq(np.column_stack([frame[["d", "x"]], dummies]), frame["y"], rcond=None)[0][0]
    made = asked(frame, tmp_path, estimator, graph("x", "x2"))
    one = answer(estimator, made)
    assert one.effect == pytest.approx(closed, rel=1e-9) == pytest.approx(1.94073, abs=5e-6)
    [out] = made.must("").dropped
    assert (out.name, out.by) == ("x2", ("x",))
    assert any("x2 is left out: x tells it wholly" in note for note in one.notes)
    assert "Adjusted for: x." in made.must("").words and list(made.must("").control_groups) == ["x"]
    apart = asked(frame.assign(x2=frame["x"] ** 2), tmp_path, estimator, graph("x", "x2")).must("")
    assert not apart.dropped and list(apart.control_groups) == ["x", "x2"]


def instruments() -> pd.DataFrame:
    r, rows = np.random.default_rng(4), []
    for i in range(40):
        lasting = r.normal()
        for t in range(8):
            z, u = r.normal(), r.normal()
            d = 0.6 * z + u + lasting
            rows.append((f"A{i:02d}", 2010 + t, z, z + 10, d, 2 * d + 3 * u + lasting + r.normal()))
    return pd.DataFrame(rows, columns=["area", "yr", "z", "z2", "d", "y"])


@pytest.mark.parametrize("estimator", [TwoStageLeastSquares(), OrthoIv(repetitions=1)])
def test_a_collinear_instrument_is_left_out_and_said(estimator: TwoStageLeastSquares | OrthoIv, tmp_path: Path) -> None:
    """z2 = z + 10: as with z alone, and two-stage least squares by its closed form z'y / z'd within areas and years, 2.3775."""
    frame = instruments()
    both, alone = (
        answer(estimator, asked(frame, tmp_path, estimator, graph(instruments=names), forced=["authority", "year"])) for names in (("z", "z2"), ("z",))
    )
    assert both.effect == pytest.approx(alone.effect, rel=1e-9) and both.diagnostics["instruments"] == 1
    assert any("The instrument z2 is left out: z tells it wholly" in note for note in both.notes)
    assert not any("left out" in note for note in alone.notes)
    if isinstance(estimator, TwoStageLeastSquares):
        by = [frame[name] - frame.groupby("area")[name].transform("mean") - frame.groupby("yr")[name].transform("mean") for name in ("z", "y", "d")]
        z, y, d = ((one - one.mean()).to_numpy() for one in by)
        assert both.effect == pytest.approx(float(z @ y / (z @ d)), rel=1e-9) == pytest.approx(2.3775, abs=5e-5)


def test_always_treated_areas_are_named_as_lost(tmp_path: Path) -> None:
    """Five areas treated in every year, 40 rows: counted by hand."""
    r, rows = np.random.default_rng(2), []
    for i in range(30):
        lasting, start = r.normal(50, 5), (None, 2016, 2018)[i % 3]
        for t in range(2013, 2021):
            d = 1.0 if i in (0, 3, 6, 9, 12) else float(start is not None and t >= start)
            rows.append((f"A{i:02d}", t, d, lasting + 2 * d + r.normal()))
    frame = pd.DataFrame(rows, columns=["area", "yr", "d", "y"])
    estimator = CallawaySantAnna()
    one = answer(estimator, asked(frame, tmp_path, estimator, graph(), question=replace(QUESTION, target="ATT")))
    [loss] = one.lost
    assert loss.rows == 40 and loss.authorities == ("A00", "A03", "A06", "A09", "A12") and one.rows == 200
    assert not answer(FixedEffects(), asked(frame, tmp_path, FixedEffects(), graph())).lost


def test_a_conditional_instrument_is_found_where_no_back_door_can_be_closed() -> None:
    """By hand: eligibility given income, with an unmeasured taste; without income among the measured there is none."""
    made = Graph(
        name="civ",
        nodes={"inc": {}, "e401": {}, "u": {"measured": False}, "p401": {}, "net_tfa": {}},
        arrows={
            "inc": {"e401": "a", "p401": "a", "net_tfa": "a"},
            "u": {"p401": "a", "net_tfa": "a"},
            "e401": {"p401": "a"},
            "p401": {"net_tfa": "the question"},
        },
    )
    question = replace(QUESTION, treatment="p401", outcome="net_tfa")
    from causal.identify import identify

    found = identify(question, made, measured=("inc", "e401", "p401", "net_tfa"), strategy="iv")
    assert [(one.name, one.given) for one in found.instruments] == [("e401", ("inc",))]
    assert found.identified and found.adjust_for == ("inc",) and found.strategies == ("iv",)
    without = identify(question, made, measured=("e401", "p401", "net_tfa"), strategy="iv")
    assert not without.identified and without.chosen_because == "the graph has no instrument"


def test_a_deleted_arrow_of_authority_is_obeyed(tmp_path: Path) -> None:
    """Without authority → y no minimal set has authority: nothing is absorbed by place, and nobody says that the graph asks for it."""
    made = Graph(
        name="own",
        nodes={name: {} for name in ("authority", "year", "x", "d", "y")},
        arrows={"authority": {"d": "a", "x": "a"}, "year": dict(MOVES), "x": dict(MOVES), "d": {"y": "the question"}},
    )
    analysis = asked(plain(), tmp_path, FixedEffects(), made)
    found = analysis.identification
    assert found.adjust_for == ("x", "year") and "the graph can spare authority" in found.chosen_because
    assert analysis.must("").absorb == ("year",)
    assert not any("two-way" in said for said in found.assumptions)
    with pytest.raises(DesignError, match="adjustment set has no authority"):
        answer(FixedEffects(), analysis)
    kept = identified(analysis.panel, QUESTION, graph("x"))
    assert set(kept.adjust_for) == {"authority", "year", "x"}


def test_two_way_is_said_only_with_both(tmp_path: Path) -> None:
    """With the year left out of a forced set the model is named by what it absorbs."""
    one, both = (
        answer(FixedEffects(), asked(plain(), tmp_path, FixedEffects(), graph("x"), forced=forced))
        for forced in (["authority", "x"], ["authority", "year", "x"])
    )
    assert one.estimand.model == "authority fixed effects" and both.estimand.model == "two-way fixed effects"


def test_a_lag_between_years_two_apart_is_refused_with_what_would_do(tmp_path: Path) -> None:
    """By hand: years 2010, 2012, …; a lag of one or three has no row, of two it has."""
    frame = plain()
    frame["yr"] = 2010 + 2 * (frame["yr"] - 2010)
    for lag, would in ((1, 2), (3, 2)):
        with pytest.raises(DesignError, match=rf"years that are 2 apart .*question\.lag={would} "):
            asked(frame, tmp_path, FixedEffects(), graph("x"), question=replace(QUESTION, lag=lag))
    assert asked(frame, tmp_path, FixedEffects(), graph("x"), question=replace(QUESTION, lag=2)).must("").rows == 280


def units(curve: float, differ: float, seed: int = 1, number: int = 400) -> pd.DataFrame:
    """One row a unit: a confounder that acts by its square, and effects of 2 that go with it; the mean of the square is 1."""
    r = np.random.default_rng(seed)
    x = r.normal(size=number)
    d = (curve * (x**2 - 1) + differ * x + r.normal(size=number) > 0).astype(float)
    return pd.DataFrame(
        {"area": [f"U{i:03d}" for i in range(number)], "x": x, "d": d, "y": (2 + differ * x) * d + 2 * curve * x**2 + x + r.normal(size=number)}
    )


def cross(frame: pd.DataFrame, folder: Path, estimator: Estimator) -> Analysis:
    frame.to_csv(folder / "units.csv", index=False)
    made = Graph(name="one row", nodes={name: {} for name in ("x", "d", "y")}, arrows={"x": dict(MOVES), "d": {"y": "the question"}})
    return analyse(Table(path=str(folder / "units.csv"), authority="area").load(), QUESTION, made, estimator=estimator)


@pytest.mark.parametrize("kind", [DowhyGlm, LinearDr, TLearner])
def test_a_polynomial_holds_a_curved_confounder_fixed(kind: type, tmp_path: Path) -> None:
    """Planted: a confounder that acts by its square; the effect is 2."""
    frame = units(curve=1.0, differ=0.0)
    straight, curved = (kind(degree=degree) for degree in (1, 2))
    one, two = (answer(estimator, cross(frame, tmp_path, estimator)) for estimator in (straight, curved))
    assert two.std_error is not None and abs(two.effect - 2) < 4 * two.std_error
    assert one.effect - 2 > 1.0
    with pytest.raises(ConfigError, match="degree: wanted 1, 2 or 3"):
        kind(degree=4)


def test_additive_models_say_where_effects_differ_and_interactions_average_them(tmp_path: Path) -> None:
    """Planted: effects that go with the covariate; the g-formula by numpy's least squares with all products."""
    frame = units(curve=0.0, differ=1.0)
    glm = DowhyGlm()
    assert any("effects differ by the covariates" in said for said in answer(glm, cross(frame, tmp_path, glm)).concerns)
    x = (frame["x"] - frame["x"].mean()).to_numpy()
    on = frame["d"].to_numpy()
    slopes = np.linalg.lstsq(np.column_stack([np.ones(len(x)), on, x, on * x]), frame["y"], rcond=None)[0]
    for estimator in (DowhyGlm(interactions=True), SLearner(interactions=True, draws=50)):
        made = answer(estimator, cross(frame, tmp_path, estimator))
        assert made.effect == pytest.approx(slopes[1], rel=1e-6)
        assert made.estimand.weighting == "places" and not any("additive" in note for note in made.notes)
    alike = [answer(glm, cross(units(curve=0.0, differ=0.0, seed=seed), tmp_path, glm)) for seed in range(10, 30)]
    # 99.9 % binomial bound of 20 at 5 %
    assert sum(any("effects differ" in said for said in one.concerns) for one in alike) <= 5
    assert all(any("model is additive" in note for note in one.notes) for one in alike)


def test_a_cross_section_speaks_of_units_and_of_no_year(tmp_path: Path) -> None:
    """The words of the page's data and of what an answer rests on."""
    from causal.explain import extent
    from causal.words import counted_rows, over_years

    assert extent(cross(units(0.0, 0.0), tmp_path, DowhyGlm()).panel) == "400 units"
    assert (counted_rows(400, (0,)), over_years((0,))) == ("400 units", "no year")
    assert (counted_rows(1184, (2012, 2013)), over_years((2012, 2013))) == ("1,184 authority-years", "2012 to 2013")
