"""What every family of estimators builds on: weights, adoption, windows, refusals, and intervals from draws."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar, Literal

import numpy as np
import pandas as pd
import pytest
from worlds import ADOPTION, QUESTION, World, designed, without

from causal.arrays import Floats
from causal.bootstrapped import bootstrapped
from causal.cohorts import NEVER, cohorts
from causal.design import Design, design
from causal.draws import stream
from causal.errors import ConfigError, DesignError
from causal.estimand import Estimand
from causal.estimators import able, serve, shelf
from causal.estimators.difference import Difference
from causal.estimators.fixed_effects import FirstDifference, FixedEffects
from causal.graph import Graph
from causal.identify import identify
from causal.inference.clustered import Fit, joint_test, median_fit
from causal.inference.wild import wild_bootstrap
from causal.needs import ADOPTION as ADOPTS
from causal.needs import BALANCED, BINARY, NEVER_TREATED, Need, offered, unmet_requirements
from causal.regression import least_squares
from causal.trial import Trial
from causal.windows import between, differenced, windows

MADE = designed(World(effect=3.0).load())
ADOPTED = designed(World(effect=3.0, adoption=True, authorities=80).load(), ADOPTION)
SOME = Estimand(family="average", comparison="within", population="all", weighting="rows")
WEIGHED = designed(without(World(effect=3.0, authorities=120).load(), keep=0.85, seed=3), replace(QUESTION, weights="children"))


@pytest.mark.parametrize("pooled", [False, True])
def test_weighted_least_squares_agrees_with_linearmodels(pooled: bool) -> None:
    """linearmodels' PanelOLS with weights, and its bare clustered sandwich with our stated factor."""
    from linearmodels.panel import PanelOLS

    made = WEIGHED.pooled() if pooled else WEIGHED
    index = pd.MultiIndex.from_arrays([np.array(made.authorities)[made.authority], made.year])
    controls = pd.DataFrame(made.controls, index=index, columns=[f"w{i}" for i in range(made.controls.shape[1])]).assign(d=made.treatment)
    theirs = PanelOLS(
        pd.Series(made.outcome, index=index, name="y"),
        controls,
        weights=pd.Series(made.weights, index=index),
        entity_effects=not pooled,
        time_effects=True,
    ).fit(cov_type="clustered", cluster_entity=True, auto_df=False, count_effects=False, debiased=False)
    fit, _ = least_squares(made, made.basis())
    assert fit.coefficients[0] == pytest.approx(theirs.params["d"], rel=1e-8)
    if fit.inference.startswith("CR1"):
        groups, k = len(made.authorities), controls.shape[1] + len(np.unique(made.year)) - (not pooled)
        factor = groups / (groups - 1) * (made.rows - 1) / (made.rows - k)
        assert fit.std_errors[0] == pytest.approx(theirs.std_errors["d"] * np.sqrt(factor), rel=1e-6)


def test_weights_reach_the_estimand_the_redraws_and_the_refusal() -> None:
    one = FixedEffects().estimate(WEIGHED, stream(1, "x"))
    assert one.estimand.weights == "children" and "each authority-year by its children" in one.estimand.words
    assert not one.estimand.same_effect(FixedEffects().estimate(replace(WEIGHED, weights=None), stream(1, "x")).estimand)
    assert one.effect != pytest.approx(FixedEffects().estimate(replace(WEIGHED, weights=None), stream(1, "x")).effect)
    trial = Trial(
        panel=World().load(), question=WEIGHED.question, identification=WEIGHED.identification, estimator=FixedEffects(), design=WEIGHED, estimate=one, seed=1
    )
    for given in ({"treatment": WEIGHED.treatment[:, None]}, {"clusters": np.ones((len(WEIGHED.clusters), 1))}):
        effects, errors = trial.redraw("same", **given)
        assert effects[0] == pytest.approx(one.effect)
        if "treatment" in given:
            assert errors[0] == pytest.approx(one.std_error)
    with pytest.raises(DesignError, match=r"cannot weigh authority-years by children.*fixed_effects"):
        shelf()["dowhy_linear"]().estimate(WEIGHED, stream(1, "x"))


def test_weights_that_cannot_be_used_are_refused() -> None:
    panel = World().load()
    with pytest.raises(ConfigError, match=r"question\.weights: wanted the name of a column"):
        replace(QUESTION, weights="")
    frame = panel.frame.copy()
    frame.loc["A0001", "children"] = 0.0
    with pytest.raises(DesignError, match="wanted numbers above 0"):
        designed(replace(panel, frame=frame), replace(QUESTION, weights="children"))


def test_cohorts_find_who_took_it_up_when_whichever_way_it_is_asked() -> None:
    made = cohorts(ADOPTED)
    treated = pd.Series(ADOPTED.treatment).groupby(ADOPTED.authority)
    assert ((made.first == NEVER) == (treated.max() == 0)).all()
    one = int(np.flatnonzero(~made.never)[0])
    rows = ADOPTED.authority == one
    assert ADOPTED.treatment[rows & (ADOPTED.year >= made.first[one])].all() and not ADOPTED.treatment[rows & (ADOPTED.year < made.first[one])].any()
    assert made.sign == 1 and not made.cut and made.last == max(made.years)
    since = made.since(ADOPTED)
    assert np.isnan(since[made.never[ADOPTED.authority]]).all() and (ADOPTED.treatment[since == 0] == 1).all() and (ADOPTED.treatment[since == -1] == 0).all()
    turned = cohorts(replace(ADOPTED, question=replace(ADOPTION, control=1.0, treated=0.0)))
    assert turned.sign == -1 and (turned.first == made.first).all()
    with pytest.raises(DesignError, match=r"go back|goes back"):
        cohorts(MADE)


def test_a_dose_is_cut_where_it_reaches_the_question_s_level() -> None:
    dose = np.where(ADOPTED.treatment > 0, 0.7, 0.1)
    made = cohorts(replace(ADOPTED, treatment=dose + 0.001 * (ADOPTED.year - 2011), question=replace(QUESTION, treated=0.5)))
    assert made.cut and (made.first == cohorts(ADOPTED).first).all()


def test_changes_between_windows_have_one_row_each_and_agree_with_pandas() -> None:
    made = between(ADOPTED, before=(2011, 2012), after=(2017, 2018))
    frame = World(effect=3.0, adoption=True, authorities=80).load().frame
    years = frame.index.get_level_values("year")
    early, late = (frame[years.isin(when)].groupby("authority").mean() for when in ((2011, 2012), (2017, 2018)))
    assert made.rows == len(made.authorities) == 80 and made.absorb == ()
    assert made.outcome == pytest.approx((late["plans"] - early["plans"]).to_numpy())
    assert made.treatment == pytest.approx(frame["cut"].groupby("authority").last().to_numpy())
    assert made.control_names[0].startswith("plans") and set(made.control_names[1:]) == {"deprivation", "poverty"}
    assert made.controls[:, made.control_names.index("poverty")] == pytest.approx(early["poverty"].to_numpy())
    assert made.question.contrast == 1.0
    turned = between(replace(ADOPTED, question=replace(ADOPTION, control=1.0, treated=0.0)), before=(2011, 2012), after=(2017, 2018))
    assert (turned.treatment == made.treatment).all() and turned.question.contrast == -1.0
    assert windows(ADOPTED) == ((2011, 2012), (2017, 2018))
    with pytest.raises(DesignError, match="one before the other"):
        between(ADOPTED, before=(2011, 2017), after=(2017, 2018))


def test_a_grid_lays_out_by_place_and_time() -> None:
    made = designed(without(World().load(), keep=0.8, seed=1))
    laid = made.grid(made.outcome)
    assert laid.shape == (len(made.authorities), 8) and np.isfinite(laid).sum() == made.rows and not made.balanced and MADE.balanced
    assert laid[made.authority[7], made.year[7] - 2011] == made.outcome[7]


def test_differences_agree_with_linearmodels_and_spread_their_scores() -> None:
    """linearmodels' FirstDifferenceOLS on the same columns with year dummies; one authority has no successive years."""
    from linearmodels.panel import FirstDifferenceOLS

    panel = World(effect=3.0, authorities=120).load()
    odd = panel.frame.index.get_level_values("year") % 2 == 1
    alone = panel.frame.index.get_level_values("authority") == "A0005"
    made = designed(replace(panel, frame=panel.frame[~alone | odd]))
    one = FirstDifference().estimate(made, stream(1, "x"))
    index = pd.MultiIndex.from_arrays([np.array(made.authorities)[made.authority], made.year], names=["a", "t"])
    matrix = pd.DataFrame(np.column_stack([made.controls, made.year_dummies()]), index=index).rename(columns="w{}".format).assign(d=made.treatment)
    keep = index.get_level_values("a") != "A0005"
    theirs = FirstDifferenceOLS(pd.Series(made.outcome, index=index, name="y")[keep], matrix[keep]).fit()
    assert one.effect == pytest.approx(theirs.params["d"] * 0.5, rel=1e-8)
    assert one.rows == differenced(made).rows == 119 * 7 and one.clusters == 120
    assert one.influence is not None and one.influence[made.clusters.index("A0005")] == 0.0


@dataclass(frozen=True)
class Picky:
    needs: ClassVar[tuple[Need, ...]] = (BINARY, ADOPTS, NEVER_TREATED, BALANCED)
    answers: ClassVar[tuple[str, ...]] = ("ATT",)
    targets: ClassVar[str] = "ATT"
    name: str = "picky"


def test_what_is_lacking_is_said_before_any_fit_with_those_that_can() -> None:
    assert unmet_requirements(Picky(), replace(ADOPTED, question=replace(ADOPTION, target="ATT"))) == ()
    said = " ".join(unmet_requirements(Picky(), designed(without(World().load(), keep=0.8, seed=1))))
    for words in ("targets the ATT", "two values", "wanted authorities that reach 0.5", "authority-years are missing"):
        assert words in said
    with pytest.raises(
        DesignError, match=r"picky: wanted a design that it can answer, got one that it cannot: .*estimators that can answer as asked: .*fixed_effects"
    ):
        serve(Picky(), MADE)
    assert "causal_forest" in able(MADE) and "causal_forest" not in able(replace(MADE, modifiers=()))
    assert "dowhy_linear" in able(MADE.pooled()) and "fixed_effects" not in able(MADE.pooled())


@dataclass(frozen=True)
class Median:
    needs: ClassVar[tuple[Need, ...]] = (BINARY,)
    answers: ClassVar[tuple[str, ...]] = ("median", "weights")
    targets: ClassVar[str] = "the median, whose words hold ATE and ATT and are read by nothing"
    name: str = "middle"


@pytest.mark.parametrize("target", ["ATE", "ATT"])
def test_what_answers_no_average_is_served_where_chosen_offered_to_no_question_and_says_so_in_a_refusal(
    target: Literal["ATE", "ATT"],
) -> None:
    """What is admitted follows from codes; the sentence beside them says otherwise here, and moves nothing."""
    adopted, dose = (replace(made, question=replace(made.question, target=target)) for made in (ADOPTED, MADE))
    assert unmet_requirements(Median(), adopted) == () and not offered(Median(), adopted)
    first, *others = unmet_requirements(Median(), dose)
    assert first.startswith("it answers the median") and others and "two values" in others[0]
    assert "difference" not in able(dose) and not unmet_requirements(Difference(), dose)
    assert all(offered(made(), dose) <= (target in made.answers) for made in shelf().values())


def test_an_instrument_s_own_set_is_adjusted_for_where_the_estimator_rests_on_it() -> None:
    drawn = Graph(
        name="iv",
        nodes={"authority": {"varies": "authority"}, "year": {"varies": "year"}, "z": {}, "u": {"measured": False}, "cut": {}, "plans": {}},
        arrows={
            "z": {"cut": "made so"},
            "u": {"cut": "made so", "plans": "made so"},
            "cut": {"plans": "made so"},
            "authority": {"plans": "x"},
            "year": {"z": "x", "plans": "x"},
        },
    )
    names = ("z", "cut", "plans")
    assert not identify(QUESTION, drawn, measured=names).identified
    found = identify(QUESTION, drawn, measured=names, strategy="iv")
    assert found.identified and found.strategy == "iv" and found.adjust_for == found.instruments[0].given == ("authority", "year")
    panel = World().load()
    frame = panel.frame.rename(columns={"poverty": "z"})
    panel = replace(panel, frame=frame, variables=tuple(replace(v, name=name) for v, name in zip(panel.variables, frame.columns, strict=True)))
    made = design(panel, replace(QUESTION, modifiers=()), found)
    assert made.column("z") == pytest.approx(frame["z"].to_numpy())
    assert "plans[-1]" in made.columns and np.isnan(made.column("plans[-1]")[0])


def test_the_median_rule_is_that_of_the_paper() -> None:
    """Chernozhukov and others 2018: by hand for three repetitions."""
    fits = [
        Fit(coefficients=np.array([b]), scores=np.array([[s], [0.0]]), df=np.array([9.0]), residuals=np.zeros(2), inference="x")
        for b, s in ((1.0, 0.1), (2.0, 0.2), (4.0, 0.3))
    ]
    one = median_fit(fits)
    assert one.coefficients[0] == 2.0
    assert one.std_errors[0] ** 2 == pytest.approx(np.median([0.01 + 1, 0.04, 0.09 + 4]))


def test_the_wild_bootstrap_is_that_of_brute_force() -> None:
    """Refitting the restricted model for each draw, with the same weights, gives the same p-value."""
    made = designed(World(authorities=14, years=5, seed=2).load())
    basis = made.basis()
    outcome, treatment = (made.partial_out(column[:, None], basis)[:, 0] for column in (made.outcome, made.treatment))
    number = len(made.clusters)
    low, high, p = wild_bootstrap(outcome, treatment, basis, made.cluster, number, level=0.95, weights="rademacher", draws=199, rng=stream(1, "w"))
    drawn = stream(1, "w").choice([-1.0, 1.0], size=(199, number))

    def t(y: Floats) -> float:
        y = made.partial_out(y[:, None], basis)[:, 0]
        slope = treatment @ y / (treatment @ treatment)
        scores = np.bincount(made.cluster, weights=treatment * (y - slope * treatment))
        return float(abs(slope) / np.sqrt((scores**2).sum()))

    stars = [t(outcome * weights[made.cluster]) for weights in drawn]
    assert p == pytest.approx(np.mean([star >= t(outcome) * (1 - 1e-9) for star in stars]))
    slope = treatment @ outcome / (treatment @ treatment)
    assert low < slope < high


def test_the_wild_interval_is_near_the_clustered_one_where_clusters_are_many() -> None:
    made = designed(World(effect=3.0, authorities=150).load())
    plain, wild = (FixedEffects(inference=kind).estimate(made, stream(1, "x")) for kind in ("clustered", "wild_webb"))  # type: ignore[arg-type]
    assert wild.effect == plain.effect and "Webb weights" in wild.inference
    assert wild.lower == pytest.approx(plain.lower, abs=0.25 * plain.std_error)  # type: ignore[operator]
    assert wild.upper == pytest.approx(plain.upper, abs=0.25 * plain.std_error)  # type: ignore[operator]


def test_the_cluster_bootstrap_finds_the_clustered_error() -> None:
    """Against CR1 on the same regression; parts carry joint bands, and draws without an answer are counted."""

    def answer(made: Design, rng: np.random.Generator) -> Floats:
        fit, _ = least_squares(made, made.basis())
        return np.array([fit.coefficients[0] * 0.5, 1.0 + rng.normal(), rng.normal()])

    made = designed(World(effect=3.0, authorities=100).load())
    plain = FixedEffects().estimate(made, stream(1, "x"))
    kinds, counts = [("group", "years", "a"), ("group", "years", "b")], [(made.rows, 100), (40, 20)]
    one = bootstrapped(made, answer, stream(1, "b"), draws=300, estimator="x", estimand=SOME, kinds=kinds, counts=counts)  # type: ignore[arg-type]
    assert one.effect == pytest.approx(plain.effect) and one.influence is None
    assert one.std_error == pytest.approx(plain.std_error, rel=0.2)
    assert all(part.joint_lower < part.lower for part in one.parts)  # type: ignore[operator]
    assert [(part.rows, part.authorities) for part in one.parts] == counts

    def failing(made: Design, rng: np.random.Generator) -> Floats:
        if made.clusters != MADE.clusters and rng.random() < 0.5:
            raise DesignError("no")
        return np.array([1.0])

    none = bootstrapped(MADE, failing, stream(1, "b"), draws=50, estimator="x", estimand=SOME)
    assert none.lower is None and none.upper is None and none.std_error is None and "had no answer" in none.inference


def test_the_joint_test_of_one_effect_is_its_t_test() -> None:
    f, rest, p = joint_test(np.array([0.3]), np.array([[0.1], [0.1]]), 20.0)
    from scipy import stats

    assert p == pytest.approx(2 * stats.t(20).sf(np.sqrt(f))) and rest == 20
