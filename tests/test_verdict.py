"""The rule as configuration, kinds of design and what they give, what a design can see, and several outcomes at once."""

from __future__ import annotations

import itertools
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy import stats
from worlds import ADOPTION, GRAPH, QUESTION, World

from causal.design import Design, design
from causal.errors import ConfigError, EstimationError
from causal.estimand import Conditioning, DesignFacts
from causal.estimate import Estimate
from causal.estimators.difference import Difference
from causal.estimators.fixed_effects import FixedEffects
from causal.estimators.staggered import CallawaySantAnna
from causal.identify import identify
from causal.inference.multiplicity import romano_wolf
from causal.refutation import Refutation
from causal.refuters.future_treatment import FutureTreatment
from causal.verdict.decide import Rule, Verdict, judge
from causal.verdict.power import equivalence, half_width, power_curve
from causal.verdict.rule import BIAS, ROWS, kind_of, maryland

CONF = Path(__file__).parent.parent / "conf" / "rule"
PANEL = World(effect=3.0).load()
FOUND = identify(QUESTION, GRAPH, measured=PANEL.names)
DESIGN = design(PANEL, QUESTION, FOUND)
ESTIMATE = FixedEffects().estimate(DESIGN, np.random.default_rng(0))
OUTCOME = PANEL.variable("plans")
RULE = Rule()
FREE = replace(ESTIMATE, concerns=())  # nothing the estimator itself warns of


def check(name: str, survived: bool | None, p: float | None = None, **change: object) -> Refutation:
    reason = None if survived is not None else "a test"
    base = {"asks": "?", "expected": "", "found": "it", "detects": "", "cannot_detect": "", "family": "bias", "level": 0.05}
    return Refutation(name=name, p_value=p, survived=survived, reason=reason, **{**base, **change})  # type: ignore[arg-type]


def judged(estimate: Estimate, checks: tuple[Refutation, ...] = (), rule: Rule = RULE, **question: object) -> Verdict:
    asked = replace(QUESTION, **question)  # type: ignore[arg-type]
    return judge(rule, asked, replace(DESIGN, question=asked), estimate, checks, identification=FOUND, outcome=OUTCOME)


# --- the rule


def test_the_rules_of_the_configuration_are_what_their_comments_say() -> None:
    from causal.experiments.compose import composed, study_from

    assert study_from(composed([])).rule == Rule()
    short = study_from(composed(["rule.bias.dose=[pre_trend]"])).rule
    assert short.bias["dose"] == ("pre_trend",) and short.bias["adoption"] == BIAS["adoption"]
    strict, alone, trial = (study_from(composed([f"rule={name}"])).rule for name in ("strict", "data_alone", "trial"))
    assert strict == Rule(looks=("negative_control", "timing", "second_measure"), apart=0.5, steps=2)
    assert alone == Rule(looks=("timing",)) and trial == Rule(randomised="drawn by lot")
    assert study_from(composed(["rule=trial", "rule.randomised=by coin"])).rule.randomised == "by coin"


@pytest.mark.parametrize(
    ("knobs", "says"),
    [
        ({"decisive": ("a",)}, r"rule\.decisive: wanted a key of today, got one of an earlier form; .*rule\.bias\.KIND=\[checks\]"),
        ({"by_design": {"dose": ["a"]}}, r"rule\.by_design: wanted a key of today, got one of an earlier form; write  rule\.bias\.KIND"),
        ({"lowers": {"check": 1}}, r"rule\.lowers: wanted a key of today, got one of an earlier form; .*write  rule\.steps=2"),
        ({"disagreement": 1}, r"rule\.disagreement: wanted a key of today, got one of an earlier form; write  rule\.apart"),
        ({"bias": ["a"]}, "kind: \\[checks\\]"),
        ({"bias": {**BIAS, "doze": []}}, "wanted kinds of design that there are.*Did you mean 'dose'"),
        ({"bias": {"dose": ["a"]}}, "wanted adoption, instrument"),
        ({"bias": {**BIAS, "dose": ["a", "a"]}}, "wanted each name once"),
        ({"timing": {**BIAS, "dose": "pre_trend"}}, "wanted a list of names, got 'pre_trend'"),
        ({"looks": ["timing", "luck"]}, "rule.looks: wanted checks that there are, got 'luck'"),
        ({"level": 0.6}, "between 0 and 0.5"),
        ({"level": float("nan")}, "between 0 and 0.5"),
        ({"apart": 0}, "above 0"),
        ({"apart": float("inf")}, "above 0"),
        ({"steps": 0}, "from 1 to 3, got 0"),
        ({"steps": True}, "from 1 to 3"),
        ({"randomised": " "}, "wanted how lot decided who was treated, in words"),
    ],
)
def test_a_rule_that_is_none_is_refused_in_words(knobs: dict[str, object], says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        Rule(**knobs)  # type: ignore[arg-type]


def test_a_rule_file_of_the_earlier_form_is_refused_with_what_to_write(tmp_path: Path) -> None:
    from causal.experiments.compose import composed, study_from

    (tmp_path / "rule").mkdir()
    text = "_target_: causal.verdict.rule.Rule\ndecisive: [placebo_treatment]\nlevel: 0.05\n"
    (tmp_path / "rule" / "ours.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError, match=r"rule\.decisive: wanted a knob of today, got one of an earlier form"):
        study_from(composed(["rule=ours"], [tmp_path]))


@pytest.mark.parametrize("count", [1, 3, 9])
def test_checks_of_bias_raise_a_joint_false_alarm_in_at_most_five_per_cent(count: int) -> None:
    """Holm 1979: p-values uniform in a clean world, independent or all the same; the 99.9 % binomial bound of 5 %."""
    rng = np.random.default_rng(count)
    trials = 1_000
    for spread in (1.0, 0.0):
        alarms = 0
        for shared, own in zip(rng.random(trials), rng.random((trials, count)), strict=True):
            p_values = spread * own + (1 - spread) * shared
            checks = tuple(check(f"check {i}", bool(p > 0.05), float(p)) for i, p in enumerate(p_values))
            alarms += "failed" in judged(SMALL, checks).bias.values()
        assert alarms <= stats.binom(trials, 0.05).ppf(0.999)


SMALL = replace(FREE, lower=None, upper=None, std_error=None, df=None, effect=0.0)  # judged in no time


def test_a_negative_control_that_sees_nothing_leaves_only_what_it_does_not_share_unsaid() -> None:
    """docs/method.md, section 3: an omitted cause that changes over time is found with aid alone; what stays open is named."""
    sure = replace(FREE, effect=3.0, lower=2.0, upper=4.0, std_error=0.5)
    trend = check("pre_trend", True, 0.5, role="timing", bias=0.0, bias_error=0.0, blind_below=0.1)
    control = check("negative_control_outcome", True, 0.5, role="negative_control", blind_below=0.1)
    without, aided = judged(sure, (trend,)), judged(sure, (trend, control))
    assert {"unmeasured", "late_drift"} <= {one.code for one in without.cannot_say} and without.bias["negative_control_outcome"] == "not run"
    assert "unmeasured_unshared" in {one.code for one in aided.cannot_say}
    assert aided.certainty == (without.certainty or 0) + 1
    assert [one.code for one in without.would_change if one.code == "negative_control"] == ["negative_control"]
    blind = judged(sure, (trend, replace(control, blind_below=1.0)))
    (limit,) = [one for one in blind.cannot_say if one.code == "blind"]
    assert (limit.check, limit.number) == ("negative_control_outcome", 1.0)


def test_a_look_by_a_lead_that_sees_what_matters_is_no_blind_look_and_its_own_drift_is_not_counted() -> None:
    """docs/method.md, section 4, letter a, its note on leads."""
    sure = replace(FREE, effect=3.0, lower=2.0, upper=4.0, std_error=0.5)
    looks = (
        check("pre_trend", True, 0.5, role="timing", bias=0.0, bias_error=0.0, blind_below=9.0),
        check("negative_control_outcome", True, 0.5, role="negative_control", blind_below=9.0),
    )
    lead = check("future_treatment", True, 0.5, role="lead", bias=2.5, bias_error=9.0, blind_below=0.1)
    assert FutureTreatment.role == "lead"
    alone, seeing, unseeing = judged(sure, looks), judged(sure, (*looks, lead)), judged(sure, (*looks, replace(lead, blind_below=9.0)))
    assert [one.concern for one in alone.reasons if one.letter == "a"] == ["blind"] == [one.concern for one in unseeing.reasons if one.letter == "a"]
    assert not [one for one in seeing.reasons if one.letter == "a"] and seeing.certainty == (alone.certainty or 0) + 1


# --- kinds of design, and strength


def adopted() -> tuple[Design, Estimate, Estimate]:
    panel = World(adoption=True, authorities=40, years=6).load()
    made = design(panel, ADOPTION, identify(ADOPTION, GRAPH, measured=panel.names))
    asked = replace(made, question=replace(ADOPTION, target="ATT"), modifiers=())
    return made, FixedEffects().estimate(made, np.random.default_rng(0)), CallawaySantAnna().estimate(asked, np.random.default_rng(0))


def cross_section() -> tuple[Design, Estimate]:
    panel = World(authorities=40, years=4).load()
    panel = replace(panel, frame=panel.frame[panel.frame.index.get_level_values("year") == 2014])
    made = design(panel, QUESTION, identify(QUESTION, GRAPH, measured=panel.names, adjust_for=("deprivation", "poverty")))
    return made, Difference().estimate(made, np.random.default_rng(0))


def test_the_kind_of_design_is_read_from_what_the_estimate_rests_on() -> None:
    made, two_way, staggered = adopted()
    assert kind_of(DESIGN, ESTIMATE) == "dose"
    assert kind_of(made, two_way) == kind_of(made, staggered) == "adoption"
    assert kind_of(*cross_section()) == "cross_section"
    assert kind_of(DESIGN, replace(ESTIMATE, rows=60, authorities=60)) == "one_row"
    assert kind_of(replace(DESIGN, identification=replace(FOUND, strategy="iv")), ESTIMATE) == "instrument"
    given_up = made.treatment.copy()
    began = np.flatnonzero((np.diff(made.authority) == 0) & (np.diff(made.treatment) == 1))[0] + 1
    given_up[made.authority == made.authority[began]] = [0, 1, 0, 1, 0, 0]  # back and forth
    assert kind_of(replace(made, treatment=given_up), two_way) == "dose"
    # places that differ and never move take nothing up
    lasting = (made.authority % 2).astype(float)
    assert kind_of(replace(made, treatment=lasting), two_way) == "dose"


def test_each_kind_of_design_has_checks_of_bias_of_its_own() -> None:
    made, two_way, _ = adopted()
    said = judge(Rule(), ADOPTION, made, two_way, (), identification=made.identification, outcome=OUTCOME)
    assert said.kind == "adoption" and tuple(said.bias) == BIAS["adoption"]
    assert tuple(judged(FREE, (check("mine", True, 0.5),)).bias) == (*BIAS["dose"], "mine")


def test_certainty_starts_at_the_maryland_scale_s_level() -> None:
    """Sherman and others 1998: 5 randomised, 4 instrument, 3 over time or matched, 2 cross-section with controls, 1 bare."""
    iv = replace(DESIGN, identification=replace(FOUND, strategy="iv"))
    section, bare = cross_section()
    held = replace(bare, association=False, conditioning=Conditioning(authority=False, year=True, controls=True))
    assert maryland(Rule(randomised="by coin"), DESIGN, ESTIMATE) == 5
    assert maryland(Rule(), iv, ESTIMATE) == 4
    # docs/method.md, section 2: one national cut series is one shock, a difference-in-differences by exposure
    assert maryland(Rule(), iv, replace(ESTIMATE, facts=DesignFacts(shocks=1.0))) == 3
    assert maryland(Rule(), DESIGN, ESTIMATE) == 3
    assert maryland(Rule(), DESIGN, replace(held, rows=60, authorities=60)) == 3
    assert maryland(Rule(), section, held) == 2
    assert maryland(Rule(), section, bare) == 1
    placebos = check("placebo_treatment", True, 0.5, family="inference", role="placebo", trials=500, alarms=20)
    looks = (check("pre_trend", True, 0.5, role="timing", blind_below=0.1), check("control", True, 0.5, role="negative_control", blind_below=0.1))
    assert judged(FREE, (placebos, *looks), Rule(randomised="by coin")).certainty == 3
    assert judged(FREE, (placebos, *looks)).certainty == 2


def test_the_check_on_agreement_says_how_far_apart_estimators_lie_in_fields_that_the_verdict_reads() -> None:
    """First differences of a treatment recorded with error lose half of the planted 3 or more; the answer's bias, if they are right, is ours − theirs."""
    from causal.estimators.fixed_effects import FirstDifference
    from causal.refuters.estimator_agreement import EstimatorAgreement
    from causal.trial import Trial

    frame = PANEL.frame.assign(cut=PANEL.frame["cut"] + 0.15 * np.random.default_rng(4).normal(size=len(PANEL.frame)))
    panel = replace(PANEL, frame=frame)
    asked = replace(QUESTION, smallest_important=0.2)
    made = design(panel, asked, FOUND)
    estimate = FixedEffects().estimate(made, np.random.default_rng(0))
    trial = Trial(panel=panel, question=asked, identification=FOUND, estimator=FixedEffects(), design=made, estimate=estimate, seed=1)
    one = EstimatorAgreement(estimators=(FirstDifference(),)).refute(trial, np.random.default_rng(0))
    difference = FirstDifference().estimate(made, np.random.default_rng(0)).effect - estimate.effect
    assert one.numbers["first_difference: difference"] == pytest.approx(difference) and one.numbers["first_difference: p-value"] is not None
    assert (one.family, one.role, one.level) == ("bias", "agreement", pytest.approx(0.05)) and one.bias == pytest.approx(-difference)
    assert one.bias_error == one.numbers["first_difference: standard error of the difference"]
    sure = replace(one, bias_error=0.001)
    for apart, said in ((abs(difference) / 0.2 * 0.99, ["disagreement"]), (abs(difference) / 0.2 * 1.01, [])):
        found = judge(replace(RULE, apart=apart, level=1e-12), asked, made, estimate, (sure,), identification=FOUND, outcome=OUTCOME)
        assert [reason.concern for reason in found.reasons if reason.concern == "disagreement"] == said


# --- what the design can see


def exact(effect: float, error: float, df: float | None) -> Estimate:
    law = stats.norm() if df is None else stats.t(df)
    reach = float(law.ppf(0.975)) * error
    return replace(FREE, effect=effect, std_error=error, df=df, lower=effect - reach, upper=effect + reach)


@pytest.mark.parametrize(("error", "df"), [(0.2, 12.0), (0.5, 59.0), (0.45, None)])
def test_the_power_curve_is_what_simulated_studies_show(error: float, df: float | None) -> None:
    """20,000 studies drawn for each true effect, each put in its row of the table as transcribed here."""
    rng, delta, draws = np.random.default_rng(7), 1.0, 20_000
    curve = power_curve(exact(0.0, error, df), delta)
    assert [point.effect for point in curve] == sorted(point.effect for point in curve) and len(curve) == 13
    law = stats.norm() if df is None else stats.t(df)
    for point in curve:
        found = point.effect + error * rng.standard_normal(draws)
        half = law.ppf(0.975) * error * (1.0 if df is None else np.sqrt(rng.chisquare(df, draws) / df))
        lower, upper = found - half, found + half
        seen = {
            "inside": (lower > -delta) & (upper < delta),
            "important_rise": lower >= delta,
            "rise": (lower > 0) & (lower < delta) & (upper >= delta),
            "no_important_fall": (lower > -delta) & (lower <= 0) & (upper >= delta),
            "no_important_rise": (upper < delta) & (upper >= 0) & (lower <= -delta),
            "fall": (upper < 0) & (upper > -delta) & (lower <= -delta),
            "important_fall": upper <= -delta,
            "both": (lower <= -delta) & (upper >= delta),
        }
        assert set(seen) == set(ROWS) == set(point.rows)
        assert sum(point.rows.values()) == pytest.approx(1.0, abs=1e-9)
        noise = 4.5 * np.sqrt(0.25 / draws)
        assert point.found == pytest.approx(((lower > 0) | (upper < 0)).mean(), abs=noise)
        for name, where in seen.items():
            assert point.rows[name] == pytest.approx(where.mean(), abs=noise), (name, point.effect)


def test_the_power_against_no_effect_is_statsmodels() -> None:
    """statsmodels' TTestPower (noncentral t) in the same run: one sample of 60 with that standard error."""
    from statsmodels.stats.power import TTestPower

    for point in power_curve(exact(0.3, 0.5, 59.0), 1.0):
        assert point.found == pytest.approx(TTestPower().power(abs(point.effect) / (0.5 * np.sqrt(60)), 60, 0.05, alternative="two-sided"), abs=2e-4)


def test_a_design_with_delta_at_four_errors_says_so_and_one_at_one_and_a_half_cannot() -> None:
    """The rates that the known-truth benchmark asks for hold by arithmetic: 80 % "little or no", 80 % "probably" at 2 δ, 80 % "cannot tell" or open."""
    strong = {point.effect: point.rows for point in power_curve(exact(0.0, 0.25, 149.0), 1.0)}
    assert strong[0.0]["inside"] >= 0.8 and strong[2.0]["important_rise"] >= 0.8 and strong[-2.0]["important_fall"] >= 0.8
    weak = {point.effect: point.rows for point in power_curve(exact(0.0, 1 / 1.5, 149.0), 1.0)}
    assert weak[0.0]["inside"] < 0.01
    assert sum(weak[0.0][name] for name in ("both", "no_important_fall", "no_important_rise")) >= 0.8


def test_equivalence_is_statsmodels_two_one_sided_tests_and_moves_no_word() -> None:
    """statsmodels' `ttost_mean` in the same run (Schuirmann 1987), on a sample with that mean and error."""
    from statsmodels.stats.weightstats import DescrStatsW

    sample = np.random.default_rng(3).normal(0.3, 2.0, size=40)
    estimate = exact(float(sample.mean()), float(sample.std(ddof=1) / np.sqrt(40)), 39.0)
    found = equivalence(estimate, 1.0)
    p_value, above, below = DescrStatsW(sample).ttost_mean(-1.0, 1.0)
    assert found is not None
    assert (found.p_above, found.p_below, found.p_value) == pytest.approx((above[1], below[1], p_value))
    # 90 % inside ±δ and 95 % not: equivalent at 5 % by the tests, and not in the words
    edge = exact(0.0, 0.55, 59.0)
    said = judged(edge)
    assert said.equivalence is not None and said.equivalence.p_value < 0.05 and said.row == "both"


def test_without_an_interval_nothing_is_said_to_be_seen() -> None:
    said = judged(SMALL)
    assert said.equivalence is None and said.power == () and said.detectable is None and said.gate == "no_interval"
    assert half_width(replace(FREE, upper=np.inf)) is None


# --- several outcomes


@pytest.mark.parametrize("reach", [(1.9, 0.4, -2.3), (2.3, 2.29, -2.28)])
def test_romano_wolf_is_brute_force_over_all_signs(reach: tuple[float, ...]) -> None:
    """Eight clusters: all 256 sign patterns enumerated, step by step as Romano & Wolf 2005 (algorithm 4.1) write it."""
    rng = np.random.default_rng(5)
    scores = rng.normal(size=(8, 3)) + rng.normal(size=(8, 1))
    errors = np.sqrt((scores**2).sum(axis=0))
    effects = np.array(reach) * errors
    signs = np.array(list(itertools.product([-1.0, 1.0], repeat=8)))
    drawn, reached = np.abs(signs @ scores) / errors, np.abs(effects) / errors
    left, expected, last = [0, 1, 2], np.empty(3), 0.0
    while left:
        top = max(left, key=lambda j: reached[j])
        last = max(last, float((drawn[:, left].max(axis=1) >= reached[top]).mean()))
        expected[top] = last
        left.remove(top)
    draws = 40_000
    found = romano_wolf(effects, scores, np.random.default_rng(1), draws)
    assert found == pytest.approx(expected, abs=4.5 * np.sqrt(0.25 / draws))
    assert (found == romano_wolf(effects, scores, np.random.default_rng(1), draws)).all()


def test_romano_wolf_is_sidak_s_step_down_for_independent_outcomes_and_adds_nothing_for_the_same_one_twice() -> None:
    """statsmodels' `multipletests(method="holm-sidak")` in the same run, 400 clusters."""
    from statsmodels.stats.multitest import multipletests

    scores = np.random.default_rng(2).normal(size=(400, 4))
    errors = np.sqrt((scores**2).sum(axis=0))
    reached = np.array([2.6, 1.2, 2.0, 0.3])
    sidak = multipletests(2 * stats.norm.sf(reached), method="holm-sidak")[1]
    assert romano_wolf(reached * errors, scores, np.random.default_rng(0), 40_000) == pytest.approx(sidak, abs=0.015)
    twice = np.repeat(scores[:, :1], 2, axis=1)
    both = romano_wolf(np.full(2, 2.0) * errors[0], twice, np.random.default_rng(0), 40_000)
    assert both[0] == both[1] == pytest.approx(2 * stats.norm.sf(2.0), abs=0.006)


def test_romano_wolf_raises_any_false_alarm_in_at_most_five_per_cent() -> None:
    """600 clean worlds of three tied outcomes in 60 clusters: the 99.9 % binomial bound; unadjusted, a tenth raise one."""
    rng, worlds, alarms, bare = np.random.default_rng(11), 600, 0, 0
    for _ in range(worlds):
        draws = rng.normal(size=(60, 3)) + rng.normal(size=(60, 1))
        effects = draws.mean(axis=0)
        scores = (draws - effects) / np.sqrt(60 * 59)
        alarms += romano_wolf(effects, scores, rng, 499).min() <= 0.05
        bare += (np.abs(effects) / np.sqrt((scores**2).sum(axis=0)) > stats.t(59).ppf(0.975)).any()
    assert alarms <= stats.binom(worlds, 0.05).ppf(0.999)
    assert bare > 1.6 * alarms


def test_romano_wolf_refuses_what_has_no_error_or_another_shape() -> None:
    rng = np.random.default_rng(0)
    with pytest.raises(EstimationError, match="error above 0"):
        romano_wolf(np.array([1.0, 2.0]), np.column_stack([np.ones(5), np.zeros(5)]), rng)
    with pytest.raises(EstimationError, match="one column for each effect"):
        romano_wolf(np.array([1.0, 2.0]), np.ones((5, 3)), rng)
