"""The rule as configuration, the table as an oracle, what a design can see, strength, and several outcomes at once."""

from __future__ import annotations

import itertools
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from worlds import ADOPTION, GRAPH, QUESTION, World

from causal.design import Design, design
from causal.errors import ConfigError, EstimationError
from causal.estimand import DesignFacts, Held
from causal.estimate import Estimate
from causal.estimators.difference import Difference
from causal.estimators.fixed_effects import FixedEffects
from causal.estimators.staggered import CallawaySantAnna
from causal.identify import identify
from causal.inference.multiplicity import romano_wolf
from causal.refute import Refutation
from causal.verdict.decide import Rule, Verdict, judge
from causal.verdict.power import HEADLINES, equivalence, half_width, power_curve
from causal.verdict.reason import Reason, reason_sentence
from causal.verdict.rule import DECISIVE, KINDS, LOWERS, kind_of, maryland

CONF = Path(__file__).parent.parent / "conf" / "rule"
PANEL = World(effect=3.0).load()
FOUND = identify(QUESTION, GRAPH, measured=PANEL.names)
DESIGN = design(PANEL, QUESTION, FOUND)
ESTIMATE = FixedEffects().estimate(DESIGN, np.random.default_rng(0))
OUTCOME = PANEL.variable("plans")
NAMES = ("first", "second", "third")
RULE = Rule(decisive=NAMES)
FREE = replace(ESTIMATE, concerns=())  # nothing the estimator itself warns of


def check(name: str, survived: bool | None, p: float | None = None, **numbers: float | None) -> Refutation:
    reason = None if survived is not None else "a test"
    return Refutation(name=name, asks="?", expected="", found="it", p_value=p, survived=survived, reason=reason, detects="", cannot_detect="", numbers=numbers)


def judged(estimate: Estimate, checks: tuple[Refutation, ...] = (), rule: Rule = RULE, *, sufficient: bool = True, **question: object) -> Verdict:
    found = FOUND if sufficient else replace(FOUND, sufficient=False)
    asked = replace(QUESTION, **question)  # type: ignore[arg-type]
    return judge(rule, asked, replace(DESIGN, question=asked), estimate, checks, identification=found, outcome=OUTCOME, action="Halving it")


# --- docs/method.md, section 4, transcribed once more and by hand: (matches, what the headline must say) in the table's order


def oracle(lower: float | None, upper: float | None, delta: float, *, identified: bool, failed: bool, causal: bool, all_run: bool) -> list[str]:
    """Every row whose own words hold, the rows above it not holding; a table that covers each case once gives exactly one."""
    if not identified:
        return ["cannot be answered with these data"]
    if failed:
        return ["did not survive its checks"]
    if lower is None or upper is None:
        return ["We cannot tell: no valid interval"]
    if not causal:
        return ["An association, not an effect"]
    said = []
    for low, high, verb, slight, less in ((lower, upper, "increased", "increase", "reduction"), (-upper, -lower, "reduced", "reduction", "increase")):
        if -delta < low and high < delta and (low > 0 or (verb == "increased" and high >= 0)):
            said.append(
                f"made little or no difference to plans in the same year (a small {slight} is likely)" if low > 0 else "made little or no difference to"
            )
        if low >= delta:
            said.append(f"probably {verb}" if all_run else f"may have {verb} plans in the same year; the decisive check")
        if 0 < low < delta <= high:
            said.append(f"may have {verb} plans in the same year; whether the effect is slight or important cannot be told")
        if -delta < low <= 0 and high >= delta:
            said.append(f"An important {less} in plans from halving it is unlikely; whether it {verb} them in the same year cannot be told")
    if lower <= -delta and upper >= delta:
        said.append("We cannot tell whether halving it increased or reduced")
    return said


FORBIDDEN = (
    ("probably increased", lambda lower, upper, delta: lower < delta),
    ("probably reduced", lambda lower, upper, delta: upper > -delta),
    ("may have increased", lambda lower, upper, delta: lower <= 0),
    ("may have reduced", lambda lower, upper, delta: upper >= 0),
    ("little or no difference", lambda lower, upper, delta: lower <= -delta or upper >= delta),
    ("a small increase is likely", lambda lower, upper, delta: lower <= 0),
    ("a small reduction is likely", lambda lower, upper, delta: upper >= 0),
    ("important reduction", lambda lower, upper, delta: lower <= -delta),
    ("important increase", lambda lower, upper, delta: upper >= delta),
    ("are higher", lambda lower, upper, delta: lower <= 0),
    ("are lower", lambda lower, upper, delta: upper >= 0),
    ("whether it increased them", lambda lower, upper, delta: lower > 0 or upper < 0),
    ("whether it reduced them", lambda lower, upper, delta: lower > 0 or upper < 0),
    ("cannot tell whether", lambda lower, upper, delta: lower > 0 or upper < 0),
)
CAUSAL = re.compile(r"probably|may have|made little|is likely|increased|reduced")
# ends of intervals that often fall on −δ, 0 or δ themselves
ends = st.one_of(st.floats(-12, 12), st.sampled_from([-2.0, -1.0, -0.5, 0.0, 0.5, 1.0, 2.0]))


@given(
    st.tuples(ends, ends).map(sorted),
    st.one_of(st.floats(0.05, 8), st.sampled_from([0.5, 1.0, 2.0])),
    st.floats(0, 1),
    st.sampled_from(["increase", "decrease"]),
    st.lists(st.sampled_from(["passed", "failed", "failed without p", "not run", "absent"]), min_size=3, max_size=3),
    st.sampled_from([True, True, True, False]),
    st.sampled_from([True, True, True, False]),
    st.sampled_from([True, True, True, False]),
    st.sampled_from([True, True, True, True, False]),
)
@settings(max_examples=1_000, deadline=None, derandomize=True)
def test_every_case_falls_in_one_row_of_the_table_and_no_headline_contradicts_its_interval(
    both: list[float], delta: float, where: float, harm: str, states: list[str], causal: bool, sufficient: bool, known: bool, identified: bool
) -> None:
    """docs/method.md, section 4, transcribed in `oracle`, and a list of pairs of words and intervals that must never meet."""
    lower, upper = both
    effect = lower + where * (upper - lower)
    made = {
        "passed": lambda name: check(name, True, 0.5),
        "failed": lambda name: check(name, False, 1e-5),
        "failed without p": lambda name: check(name, False),
        "not run": lambda name: check(name, None),
    }
    checks = tuple(made[state](name) for name, state in zip(NAMES, states, strict=True) if state != "absent")
    estimate = replace(FREE, effect=effect, lower=lower, upper=upper, std_error=max((upper - lower) / 4, 1e-3), association=not causal)
    if not known:
        estimate = replace(estimate, lower=None, upper=None, std_error=None, df=None)
    if identified:
        said = judged(estimate, checks, sufficient=sufficient, smallest_important=delta, harm=harm)
    else:
        none = replace(FOUND, identified=False, blocked_by=("need",))
        said = judge(RULE, QUESTION, None, None, (), identification=none, outcome=OUTCOME, action="Halving it", needs=["need"])
    failed = any(state.startswith("failed") for state in states)
    all_run = all(state not in ("not run", "absent") for state in states)
    rows = oracle(estimate.lower, estimate.upper, delta, identified=identified, failed=failed, causal=causal and sufficient, all_run=all_run)
    assert len(rows) == 1, rows
    assert rows[0] in said.headline
    text = said.headline
    if not identified or failed or not known:
        assert not CAUSAL.search(text) and not re.search("are higher|are lower", text)
        return
    assert not [words for words, wrong in FORBIDDEN if words in text and wrong(lower, upper, delta)]
    if not (causal and sufficient):
        assert not CAUSAL.search(text)
    if "probably" in text:
        assert all_run
    # the direction called harm, in every cell
    worst = upper if harm == "increase" else -lower
    word = "increase" if harm == "increase" else "reduction"
    assert (f"any {word} is ruled out" in said.range_in_words) == (worst <= 0)
    assert (f"{word} of more than" in said.range_in_words) == (worst > 0)
    assert ("one that matters" in said.range_in_words) == (worst >= delta)
    assert "four of five" in said.range_in_words and said.detectable is not None


def test_what_is_identified_but_not_estimable_within_authorities_cannot_be_answered() -> None:
    """docs/method.md, section 4, first row, second half."""
    said = judge(RULE, QUESTION, None, None, (), identification=FOUND, outcome=OUTCOME, action="Halving it")
    assert said.finding == "not_identified" and "cannot be answered with these data" in said.headline and "from year to year" in said.headline
    assert "within authorities" in said.range_in_words and said.strength == "none" and said.kind is None


# --- the rule


def test_the_rule_of_the_configuration_is_the_rule_of_the_class() -> None:
    from causal.experiments.compose import composed, study_from

    assert study_from(composed([])).rule == Rule()
    short = study_from(composed(["rule.decisive=[placebo_treatment]"])).rule
    assert {kind: short.decides(kind) for kind in KINDS} == dict.fromkeys(KINDS, ("placebo_treatment",))
    strict = study_from(composed(["rule=strict", "rule.by_design.adoption=[pre_trend]"])).rule
    assert strict.decides("adoption") == ("pre_trend",) and strict.decides("instrument") == Rule().decides("instrument") and strict.disagreement == 0.5
    assert study_from(composed(["rule=trial", "rule.randomised=by coin"])).rule.randomised == "by coin"


@pytest.mark.parametrize(
    ("knobs", "says"),
    [
        ({"decisive": ("a", "b", "c", "d")}, "at most three"),
        ({"decisive": "placebo_treatment"}, "must be a list of checks' names, got 'placebo_treatment'"),
        ({"decisive": ("a", "a")}, "names a check twice"),
        ({"decisive": (1,)}, "list of checks' names"),
        ({"by_design": ["a"]}, r"one list for all is  rule.decisive"),
        ({"by_design": {**DECISIVE, "doze": []}}, "no kind of design.*Did you mean 'dose'"),
        ({"by_design": {"dose": ["a"]}}, "lacks adoption, instrument"),
        ({"by_design": {**DECISIVE, "dose": list("abcd")}}, "by_design.dose names 4 checks"),
        ({"level": 0.6}, "between 0 and 0.5"),
        ({"level": float("nan")}, "between 0 and 0.5"),
        ({"lowers": 1}, "concern: levels"),
        ({"lowers": {**LOWERS, "check": -1}}, "from 0 to 5, got -1"),
        ({"lowers": {"check": 1}}, "lacks estimator, record"),
        ({"disagreement": -1}, "at least 0"),
        ({"disagreement": float("inf")}, "at least 0"),
        ({"randomised": " "}, "in words how lot decided"),
    ],
)
def test_a_rule_that_is_none_is_refused_in_words(knobs: dict[str, object], says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        Rule(**knobs)  # type: ignore[arg-type]


@pytest.mark.parametrize("count", [1, 2, 3])
def test_decisive_checks_raise_a_joint_false_alarm_in_at_most_five_per_cent(count: int) -> None:
    """Holm 1979: p-values uniform in a clean world, independent or all the same; the 99.9 % binomial bound of 5 %."""
    rng = np.random.default_rng(count)
    trials = 1_500
    for spread in (1.0, 0.0):
        alarms = 0
        for shared, own in zip(rng.random(trials), rng.random((trials, count)), strict=True):
            p_values = spread * own + (1 - spread) * shared
            checks = tuple(check(name, bool(p > 0.05), float(p)) for name, p in zip(NAMES, p_values, strict=False))
            alarms += judged(SMALL, checks, Rule(decisive=NAMES[:count])).finding == "failed_checks"
        assert alarms <= stats.binom(trials, 0.05).ppf(0.999)


SMALL = replace(FREE, lower=None, upper=None, std_error=None, df=None, effect=0.0)  # judged in no time


def test_a_negative_control_that_fails_takes_the_answer_away_and_one_not_given_leaves_no_probably() -> None:
    """docs/method.md, section 3: an omitted cause that changes over time is found with aid alone; without it there is no "probably"."""
    sure = replace(FREE, effect=3.0, lower=2.0, upper=4.0)
    others = (check("implied_independence", True, 0.5), check("future_treatment", True, 0.5))
    control = "negative_control_outcome"
    assert judged(sure, (*others, check(control, False, 0.001)), Rule()).finding == "failed_checks"
    without = judged(sure, others, Rule())
    assert without.finding == "may" and without.decisive[control] == "not run" and "an outcome it cannot move was not run" in without.headline
    assert any("something unmeasured that changes over time" in one and "no check on these data alone" in one for one in without.cannot_say)
    aided = judged(sure, (*others, check(control, True, 0.5)), Rule())
    assert aided.finding == "probably" and any("but not the negative control" in one for one in aided.cannot_say)


def test_a_graph_that_makes_no_testable_claim_leaves_a_negative_control_to_stand_in() -> None:
    """docs/method.md, section 3: a missing arrow without testable implications is found with aid alone; with that aid passed "probably" is allowed."""
    sure = replace(FREE, effect=3.0, lower=2.0, upper=4.0)
    leads, untestable = check("future_treatment", True, 0.5), check("implied_independence", None)
    control = check("negative_control_outcome", True, 0.5)
    aided = judged(sure, (leads, untestable, control), Rule())
    assert aided.finding == "probably" and aided.decisive["implied_independence"] == "not run" and aided.strength == "moderate"
    assert any("Implied independence, a decisive check, could not be run" in one for one in aided.cannot_say)
    assert judged(sure, (leads, control), Rule()).finding == "may"  # not asked for is another matter
    assert judged(sure, (leads, untestable), Rule()).finding == "may"
    assert judged(sure, (leads, untestable, check("pre_trend", True, 0.5)), Rule(by_design={**DECISIVE, "dose": ("implied_independence",)})).finding == "may"


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


def test_each_kind_of_design_has_decisive_checks_of_its_own() -> None:
    made, two_way, _ = adopted()
    said = judge(Rule(), ADOPTION, made, two_way, (), identification=made.identification, outcome=OUTCOME, action="It")
    assert said.kind == "adoption" and tuple(said.decisive) == DECISIVE["adoption"]
    assert tuple(judged(FREE, rule=Rule()).decisive) == DECISIVE["dose"]


def test_strength_starts_at_the_maryland_scale_s_level() -> None:
    """Sherman and others 1998: 5 randomised, 4 instrument, 3 over time or matched, 2 cross-section with controls, 1 bare."""
    iv = replace(DESIGN, identification=replace(FOUND, strategy="iv"))
    section, bare = cross_section()
    held = replace(bare, association=False, held=Held(authority=False, year=True, controls=True))
    assert maryland(Rule(randomised="by coin"), DESIGN, ESTIMATE)[0] == 5
    assert maryland(Rule(), iv, ESTIMATE)[0] == 4
    # docs/method.md, section 2: one national cut series is one shock, a difference-in-differences by exposure
    assert maryland(Rule(), iv, replace(ESTIMATE, facts=DesignFacts(shocks=1.0)))[0] == 3
    assert maryland(Rule(), DESIGN, ESTIMATE)[0] == 3
    assert maryland(Rule(), DESIGN, replace(held, rows=60, authorities=60))[0] == 3
    assert maryland(Rule(), section, held)[0] == 2
    assert maryland(Rule(), section, bare)[0] == 1
    trial = judged(FREE, tuple(check(name, True, 0.5) for name in NAMES), Rule(decisive=NAMES, randomised="by coin"))
    assert (trial.maryland, trial.strength) == (5, "very strong") and "by coin" in trial.strength_reasons[0]


def test_each_concern_lowers_the_strength_by_what_the_rule_says() -> None:
    passed = tuple(check(name, True, 0.5) for name in NAMES)
    level = ("very weak", "weak", "limited", "moderate")

    def left(estimate: Estimate = FREE, checks: tuple[Refutation, ...] = (), rule: Rule = RULE, **more: object) -> int:
        return level.index(judged(estimate, (*passed, *checks), rule, **more).strength)  # type: ignore[arg-type]

    def weights(**change: int) -> Rule:
        return Rule(decisive=NAMES, lowers={**LOWERS, **change})

    assert left() == 3
    assert left(replace(FREE, concerns=("a", "b"))) == 2 and left(replace(FREE, concerns=("a",)), rule=weights(estimator=0)) == 3
    assert left(sufficient=False) == 2
    assert left(checks=(check("bootstrap", False, 0.01),)) == left(checks=(check("bootstrap", False), check("rounding", False))) == 2
    assert left(checks=(check("bootstrap", False),), rule=weights(bootstrap=0)) == 3
    assert left(checks=(check("bootstrap", False), check("placebo_treatment", False))) == 1
    assert left(checks=(check("bootstrap", None),)) == 3  # a check that is not decisive and was not run
    assert level.index(judged(FREE, passed[:2]).strength) == 2
    assert left(checks=(check("pre_trend", True, 0.5, **{"bias from detectable trend": -1.0}),)) == 2
    assert left(checks=(check("pre_trend", True, 0.5, **{"bias from detectable trend": 0.9}),)) == 3
    failed = judged(FREE, (*passed[:2], check("third", False, 1e-6)))
    assert failed.strength == "very weak" and any("third failed" in reason for reason in failed.strength_reasons)
    assert judged(FREE, passed).strength_reasons[-1].endswith("passing them is no proof")
    reasons = judged(replace(FREE, concerns=("a",)), passed).strength_reasons
    assert reasons[1:] == ("lowered by 1: a",)


def test_estimators_that_lie_further_apart_than_the_rule_allows_lower_the_strength_more() -> None:
    passed = tuple(check(name, True, 0.5) for name in NAMES)
    unsaid = replace(check("others", False, 0.001), role="agreement")
    near, far = (replace(unsaid, bias=apart) for apart in (0.9, -1.0))
    assert judged(FREE, (*passed, near)).strength == "limited"
    assert judged(FREE, (*passed, far)).strength == judged(FREE, (*passed, unsaid)).strength == "weak"
    assert judged(FREE, (*passed, near), replace(RULE, disagreement=0.5)).strength == "weak"
    assert judged(FREE, (*passed, replace(far, survived=True))).strength == "moderate"
    assert judged(FREE, (*passed, far)).finding == judged(FREE, passed).finding  # it lowers strength and moves no headline


def test_the_check_on_agreement_says_how_far_apart_estimators_lie_in_fields_that_the_verdict_reads() -> None:
    """First differences of a treatment recorded with error lose half of the planted 3 or more; the answer's bias, if they are right, is ours − theirs."""
    from causal.estimators.fixed_effects import FirstDifference
    from causal.refute import Trial
    from causal.refuters.estimator_agreement import EstimatorAgreement

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
    alarm = replace(one, survived=False)
    reasons = [
        judge(replace(RULE, decisive=(), disagreement=apart), asked, made, estimate, (alarm,), identification=FOUND, outcome=OUTCOME, action="It")
        for apart in (abs(difference) / 0.2 * 0.99, abs(difference) / 0.2 * 1.01)
    ]
    assert [any("estimators of one estimand disagree" in reason for reason in said.strength_reasons) for said in reasons] == [True, False]


def test_reasons_are_facts_with_a_code_and_steps_and_their_sentences_are_made_from_them() -> None:
    passed = tuple(check(name, True, 0.5) for name in NAMES[:2])
    said = judged(replace(FREE, concerns=("a", "b")), (*passed, check("other", False), check(NAMES[2], False, 0.001)))
    assert [(one.concern, one.steps, one.checks) for one in said.reasons] == [
        ("design", 0, ()),
        ("estimator", 1, ()),
        ("check", 1, ("other",)),
        ("failed", 1, ("third",)),
    ]
    assert said.reasons[1].told == ("a", "b") and said.strength_reasons == tuple(map(reason_sentence, said.reasons))
    with pytest.raises(ValueError, match=r"concern must be one of design, .*got 'whim'"):
        Reason(concern="whim")  # type: ignore[arg-type]


# --- what the design can see


def exact(effect: float, error: float, df: float | None) -> Estimate:
    law = stats.norm() if df is None else stats.t(df)
    reach = float(law.ppf(0.975)) * error
    return replace(FREE, effect=effect, std_error=error, df=df, lower=effect - reach, upper=effect + reach)


@pytest.mark.parametrize(("error", "df"), [(0.2, 12.0), (0.5, 59.0), (0.45, None)])
def test_the_power_curve_is_what_simulated_studies_show(error: float, df: float | None) -> None:
    """20,000 studies drawn for each true effect, each put through `judge` row by row of the table as transcribed here."""
    rng, delta, draws = np.random.default_rng(7), 1.0, 20_000
    curve = power_curve(exact(0.0, error, df), delta)
    assert [point.effect for point in curve] == sorted(point.effect for point in curve) and len(curve) == 13
    law = stats.norm() if df is None else stats.t(df)
    for point in curve:
        found = point.effect + error * rng.standard_normal(draws)
        half = law.ppf(0.975) * error * (1.0 if df is None else np.sqrt(rng.chisquare(df, draws) / df))
        lower, upper = found - half, found + half
        seen = {
            "little or no difference": (lower > -delta) & (upper < delta),
            "probably increased": lower >= delta,
            "may have increased": (lower > 0) & (lower < delta) & (upper >= delta),
            "important reduction unlikely": (lower > -delta) & (lower <= 0) & (upper >= delta),
            "important increase unlikely": (upper < delta) & (upper >= 0) & (lower <= -delta),
            "may have reduced": (upper < 0) & (upper > -delta) & (lower <= -delta),
            "probably reduced": upper <= -delta,
            "cannot tell": (lower <= -delta) & (upper >= delta),
        }
        assert set(seen) == set(HEADLINES) == set(point.headlines)
        assert sum(point.headlines.values()) == pytest.approx(1.0, abs=1e-9)
        noise = 4.5 * np.sqrt(0.25 / draws)
        assert point.found == pytest.approx(((lower > 0) | (upper < 0)).mean(), abs=noise)
        for name, where in seen.items():
            assert point.headlines[name] == pytest.approx(where.mean(), abs=noise), (name, point.effect)


def test_the_power_against_no_effect_is_statsmodels() -> None:
    """statsmodels' TTestPower (noncentral t) in the same run: one sample of 60 with that standard error."""
    from statsmodels.stats.power import TTestPower

    for point in power_curve(exact(0.3, 0.5, 59.0), 1.0):
        assert point.found == pytest.approx(TTestPower().power(abs(point.effect) / (0.5 * np.sqrt(60)), 60, 0.05, alternative="two-sided"), abs=2e-4)


def test_a_design_with_delta_at_four_errors_says_so_and_one_at_one_and_a_half_cannot() -> None:
    """The rates that the known-truth benchmark asks for hold by arithmetic: 80 % "little or no", 80 % "probably" at 2 δ, 80 % "cannot tell" or open."""
    strong = {point.effect: point.headlines for point in power_curve(exact(0.0, 0.25, 149.0), 1.0)}
    assert strong[0.0]["little or no difference"] >= 0.8 and strong[2.0]["probably increased"] >= 0.8 and strong[-2.0]["probably reduced"] >= 0.8
    weak = {point.effect: point.headlines for point in power_curve(exact(0.0, 1 / 1.5, 149.0), 1.0)}
    assert weak[0.0]["little or no difference"] < 0.01
    assert sum(weak[0.0][name] for name in ("cannot tell", "important reduction unlikely", "important increase unlikely")) >= 0.8


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
    said = judged(edge, tuple(check(name, True, 0.5) for name in NAMES))
    assert said.equivalence is not None and said.equivalence.p_value < 0.05 and said.finding == "cannot_tell"


def test_without_an_interval_nothing_is_said_to_be_seen() -> None:
    said = judged(SMALL)
    assert said.equivalence is None and said.power == () and said.detectable is None and said.finding == "no_interval"
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
