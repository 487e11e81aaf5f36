"""Covariates that an estimator knows by their value in one year: what the graph can spare of them is left out, and the specification curve shows both.

The planted world's bias is known in closed form (Daw & Hatfield 2018, Matching and regression to the mean in difference-in-differences analysis). A covariate
is a + e, lasting and fleeting; treated places have a higher a by `APART`; the outcome follows the covariate one for one. Given its value x in one year, the
lasting part is x·k + (1 − k)·(mean of the kind), with k = var(a) / (var(a) + var(e)), so that treated places gain (1 − k)·APART more than others that were
alike in that year, treatment or none.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pandas as pd
import pytest
from worlds import refute, trial_of

from causal import Graph, Question, read
from causal.configured import part
from causal.design import Design, design
from causal.draws import stream
from causal.estimate import Estimator
from causal.estimators.continuous_did import ContinuousDid
from causal.estimators.dowhy_glm import DowhyGlm
from causal.estimators.fixed_effects import FixedEffects
from causal.estimators.propensity import PropensityWeighting
from causal.estimators.staggered import CallawaySantAnna
from causal.identification import Identification
from causal.identify import identify
from causal.panel import Panel
from causal.refuters.specification_curve import SpecificationCurve

APART, EFFECT = 2.0, 1.0
LASTING = 0.5  # k, of one year; of the mean of two years 2/3
QUESTION = Question(treatment="d", outcome="y", control=0.0, treated=1.0, smallest_important=0.5, because="a test", target="ATT")
CHANGES = {
    "callaway_santanna": CallawaySantAnna(),
    "continuous_did": ContinuousDid(degree=1),
    "dowhy_glm": DowhyGlm(base_outcome=False, interactions=True),
    "propensity_weighting": PropensityWeighting(base_outcome=False),
}


def graph(*, confounder: bool = False) -> Graph:
    """The covariate moves the outcome; as a confounder it moves the treatment too."""
    why = dict.fromkeys(("x", "d", "y"), "a test")
    return Graph(
        name="ours",
        nodes={"authority": {"varies": "authority"}, "year": {"varies": "year"}, "x": {}, "d": {}, "y": {}},
        arrows={"authority": why, "year": why, "x": {"y": "a test"} | ({"d": "a test"} if confounder else {}), "d": {"y": "a test"}},
    )


@cache
def world(places: int = 4000, seed: int = 1) -> Panel:
    rng = np.random.default_rng(seed)
    years = 6
    treated = np.arange(places) % 2
    lasting = APART * treated + rng.normal(size=places)
    x = lasting[:, None] + rng.normal(size=(places, years))
    d = np.outer(treated, np.arange(years) >= 3).astype(float)
    y = 3 * rng.normal(size=(places, 1)) + rng.normal(size=(1, years)) + x + EFFECT * d + 0.5 * rng.normal(size=(places, years))
    at = pd.MultiIndex.from_product([range(places), range(2001, 2001 + years)], names=["area", "yr"]).to_frame(index=False)
    return read(at.assign(x=x.ravel(), d=d.ravel(), y=y.ravel()), authority="area", year="yr")


def found(*, one_year: bool, confounder: bool = False) -> Identification:
    return identify(QUESTION, graph(confounder=confounder), measured=["x", "d", "y"], one_year=one_year)


def arranged(panel: Panel, *, one_year: bool, target: str = "ATT") -> Design:
    return design(panel, replace(QUESTION, target=target), found(one_year=one_year))


def effect(estimator: Estimator, made: Design) -> float:
    return estimator.estimate(made, stream(1, "estimate")).effect


def test_the_preferred_set_is_kept_by_those_who_see_every_year_and_spares_what_it_can_for_those_who_see_one() -> None:
    every, one = found(one_year=False), found(one_year=True)
    assert every.adjust_for == ("authority", "x", "year") and one.adjust_for == ("authority", "year")
    assert every.spared == one.spared == ("x",)
    assert one.adjust_for in one.valid and "left out" in one.chosen_because


def test_a_confounder_is_never_spared() -> None:
    one = found(one_year=True, confounder=True)
    assert one.adjust_for == ("authority", "x", "year") and one.spared == ()


def test_what_is_held_in_the_years_between_is_spared_too() -> None:
    """With a lag, those who see every year hold x of the outcome's year fixed too, since it moves that year's treatment; whoever sees one year does not."""
    asked, drawn = replace(QUESTION, lag=1), graph(confounder=True)
    every, one = (identify(asked, drawn, measured=["x", "d", "y"], one_year=at) for at in (False, True))
    assert every.adjust_for == ("authority", "x", "year") and one.adjust_for == ("authority", "year")
    assert every.spared == one.spared == ("x",)


def test_a_set_that_was_forced_is_kept() -> None:
    forced = identify(QUESTION, graph(), measured=["x", "d", "y"], adjust_for=["authority", "x", "year"], one_year=True)
    assert forced.adjust_for == ("authority", "x", "year") and forced.spared == ()


@pytest.mark.parametrize("name", CHANGES)
def test_the_smaller_set_holds_the_planted_effect_and_the_larger_errs_by_the_closed_form(name: str) -> None:
    panel, estimator = world(), CHANGES[name]
    wide = replace(found(one_year=False), spared=())
    # dates of one year each for callaway_santanna, windows of two for the others
    kept = LASTING if name == "callaway_santanna" else 2 * LASTING / (1 + LASTING)
    bias = (1 - kept) * APART
    assert effect(estimator, design(panel, QUESTION, wide)) == pytest.approx(EFFECT + bias, abs=0.1)
    if name != "propensity_weighting":  # needs something to adjust for
        assert effect(estimator, design(panel, QUESTION, found(one_year=True))) == pytest.approx(EFFECT, abs=0.08)


def test_those_who_see_every_year_are_right_with_the_larger_set_and_more_precise() -> None:
    panel = world()
    wide, narrow = (FixedEffects().estimate(arranged(panel, one_year=one, target="ATE"), stream(1, "estimate")) for one in (False, True))
    assert wide.effect == pytest.approx(EFFECT, abs=0.06) and narrow.effect == pytest.approx(EFFECT, abs=0.1)
    assert wide.std_error is not None and narrow.std_error is not None and wide.std_error < 0.7 * narrow.std_error


def test_beside_another_estimator_s_larger_set_each_that_sees_one_year_still_spares() -> None:
    """Those asked beside fixed effects are given its design, and answer as if they had been asked themselves, to the bit."""
    panel = world(400)
    theirs, own = (arranged(panel, one_year=one) for one in (False, True))
    for name, estimator in CHANGES.items():
        if name != "propensity_weighting":
            assert effect(estimator, theirs) == effect(estimator, own), name


def test_every_estimator_that_spares_says_so_and_none_else() -> None:
    """The shelf's quick ones: those whose answer to a larger set is that to the smaller one are those with `one_year`."""
    panel = world(200)
    told, seen = set(), set()
    for name in (
        "callaway_santanna",
        "continuous_did",
        "propensity_weighting",
        "propensity_matching",
        "x_learner",
        "fixed_effects",
        "sun_abraham",
        "imputation",
    ):
        estimator = part("estimator", name)
        theirs, own = (arranged(panel, one_year=one, target="ATE" if name == "fixed_effects" else "ATT") for one in (False, True))
        told |= {name} if getattr(estimator, "one_year", False) else set()
        seen |= {name} if effect(estimator, theirs) == effect(estimator, own) else set()
    assert told == seen and len(told) == 5


def test_a_level_is_compared_among_places_alike_in_all_that_is_known() -> None:
    assert DowhyGlm().one_year and not DowhyGlm(outcome="level").one_year
    panel = world(400)
    assert "x" in DowhyGlm(outcome="level", interactions=True).rows(design(panel, QUESTION, found(one_year=False))).design.control_names


def test_the_curve_shows_both_sets_and_is_not_judged_by_the_larger() -> None:
    panel = world(1000)
    made = design(panel, QUESTION, found(one_year=True))
    trial = trial_of(panel, made, CallawaySantAnna(), graph=graph())
    curve = refute(SpecificationCurve(), trial)
    by_name = {part.name: part.effect for part in curve.parts}
    assert by_name["as chosen"] == pytest.approx(EFFECT, abs=0.2)
    assert by_name["adjusted for x"] == pytest.approx(EFFECT + (1 - LASTING) * APART, abs=0.2)
    assert curve.survived is None and "adjusted for x" in curve.found and "one year" in curve.found


def test_the_curve_of_one_who_sees_every_year_judges_both() -> None:
    panel = world(1000)
    trial = trial_of(panel, arranged(panel, one_year=False, target="ATE"), FixedEffects(), graph=graph())
    curve = refute(SpecificationCurve(), trial)
    assert curve.survived is True and {part.name for part in curve.parts} == {"as chosen", "adjusted for nothing more"}
