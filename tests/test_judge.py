"""The verdict in its four steps and its words: gate, taken away, row and class, certainty; and no sentence stronger than its interval and its step."""

from __future__ import annotations

import itertools
import math
import re
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from worlds import GRAPH, QUESTION, World

from causal.design import design
from causal.errors import ConfigError, NotEstimable
from causal.estimate import Support
from causal.estimators.fixed_effects import FixedEffects
from causal.experiments.compose import composed, study_from
from causal.identify import identify
from causal.inference.multiplicity import rejected
from causal.language import BANNED, CAUSES, CLASSES, EVALUATORS, Language, banned_word
from causal.refutation import Refutation
from causal.verdict.decide import Rule, Verdict, judge, row_of
from causal.verdict.reason import Limit, Reason
from causal.verdict.rule import ROWS, STEPS, class_of
from causal.verdict.say import Answer, Names, say

PANEL = World(effect=3.0).load()
FOUND = identify(QUESTION, GRAPH, measured=PANEL.names)
DESIGN = design(PANEL, QUESTION, FOUND)
ESTIMATE = replace(FixedEffects().estimate(DESIGN, np.random.default_rng(0)), concerns=())
RULE = Rule()
OUTCOME = PANEL.variable("plans")
LONGEST = "Closing half of an authority's children's centres"  # the longest names that readers were shown
PROTECTION = replace(OUTCOME, short="children on protection plans")


def check(name: str, survived: bool | None, p: float | None = None, **change: object) -> Refutation:
    reason = None if survived is not None else "a test"
    made = {"asks": "?", "expected": "", "found": "", "detects": "", "cannot_detect": "", "family": "bias", "level": 0.05}
    return Refutation(name=name, p_value=p, survived=survived, reason=reason, **{**made, **change})  # type: ignore[arg-type]


TREND = check("pre_trend", True, 0.5, role="timing", bias=0.0, bias_error=0.0, blind_below=0.4)
CONTROL = check("negative_control_outcome", True, 0.5, role="negative_control", blind_below=0.4)
PLACEBO = check("placebo_treatment", True, 0.5, family="inference", role="placebo", trials=500, alarms=25)
CLEAN = (TREND, CONTROL, PLACEBO)


def judged(lower: float | None, upper: float | None, checks: tuple[Refutation, ...] = CLEAN, rule: Rule = RULE, **change: object) -> Verdict:
    asked = replace(QUESTION, **{"harm": "increase", **{key: value for key, value in change.items() if key in ("harm", "smallest_important")}})  # type: ignore[arg-type]
    of_estimate = {key: value for key, value in change.items() if key in ("association", "concerns", "clusters", "diagnostics", "influence", "support")}
    middle = 0.0 if lower is None or upper is None else (lower + upper) / 2
    error = None if lower is None or upper is None else max((upper - lower) / 4, 1e-9)
    estimate = replace(ESTIMATE, effect=middle, lower=lower, upper=upper, std_error=error, **of_estimate)  # type: ignore[arg-type]
    found = replace(FOUND, sufficient=bool(change.get("sufficient", True)))
    return judge(rule, asked, replace(DESIGN, question=asked), estimate, checks, identification=found, outcome=OUTCOME)


def said(verdict: Verdict, lower: float | None, upper: float | None, language: Language | None = None, **change: object) -> Answer:
    asked = replace(QUESTION, **{"harm": "increase", **change})  # type: ignore[arg-type]
    middle = 0.0 if lower is None or upper is None else (lower + upper) / 2
    estimate = replace(ESTIMATE, effect=middle, lower=lower, upper=upper)
    named = (language or Language()).naming({"pre_trend": "drift beforehand"})
    return say(verdict, asked, estimate, Names(action=LONGEST, outcome=PROTECTION), language=named)


# --- 3, rows and classes, docs/method.md, section 4, transcribed by hand: l ≥ δ and so on, at the very edges


@pytest.mark.parametrize(
    ("lower", "upper", "row", "pointing_up", "pointing_down"),
    [
        (1.0, 3.0, "important_rise", "harm", "benefit_that_matters"),
        (0.1, 1.0, "rise", "some_harm", "some_benefit"),
        (0.999, 1.0, "rise", "some_harm", "some_benefit"),
        (0.1, 0.9, "inside", "little_or_none", "little_or_none"),
        (-0.9, 0.9, "inside", "little_or_none", "little_or_none"),
        (-0.9, -0.1, "inside", "little_or_none", "little_or_none"),
        (-1.0, 0.0, "no_important_rise", "no_harm_that_matters", "harm_still_open"),
        (-1.5, 0.9, "no_important_rise", "no_harm_that_matters", "harm_still_open"),
        (0.0, 1.0, "no_important_fall", "harm_still_open", "no_harm_that_matters"),
        (-0.9, 1.5, "no_important_fall", "harm_still_open", "no_harm_that_matters"),
        (-1.0, 1.0, "both", "cannot_tell", "cannot_tell"),
        (-1.0, -0.5, "fall", "some_benefit", "some_harm"),
        (-3.0, -0.001, "fall", "some_benefit", "some_harm"),
        (-3.0, -1.0, "important_fall", "benefit_that_matters", "harm"),
        (2.0, 1.0, None, None, None),
        (None, None, None, None, None),
        (1.0, math.inf, None, None, None),
        (math.nan, 1.0, None, None, None),
    ],
)
def test_each_row_at_its_edges_and_its_class_by_harm(
    lower: float | None, upper: float | None, row: str | None, pointing_up: str | None, pointing_down: str | None
) -> None:
    """docs/method.md, section 4, with δ = 1."""
    found = row_of(lower, upper, 1.0)
    assert found == row
    if found is not None:
        assert (class_of(found, "increase"), class_of(found, "decrease"), class_of(found, None)) == (pointing_up, pointing_down, None)


# --- 1, the gate


@pytest.mark.parametrize(("alarms", "trials", "gate"), [(72, 500, None), (73, 500, "error_unknown"), (500, 500, "error_unknown"), (199, 199, None)])
def test_placebo_rejections_gate_by_an_exact_binomial_of_twice_the_nominal_rate(alarms: int, trials: int, gate: str | None) -> None:
    """scipy's binomial tail in the same run: at .95 it takes 73 of 500, and fewer than 200 cannot gate."""
    assert (stats.binom.sf(alarms - 1, trials, 0.1) < 0.001) == (gate is not None) or trials < 200
    found = judged(2.0, 3.0, (TREND, CONTROL, replace(PLACEBO, trials=trials, alarms=alarms)))
    assert found.gate == gate and (found.certainty is None) == (gate is not None)


def test_too_few_placebos_or_none_cost_a_step_and_say_that_the_error_cannot_be_known() -> None:
    for checks in ((TREND, CONTROL), (TREND, CONTROL, replace(PLACEBO, trials=199, alarms=9))):
        found = judged(2.0, 3.0, checks)
        assert found.certainty == 1 and [one.concern for one in found.reasons] == ["placebos"]
    assert judged(2.0, 3.0).certainty == 2


def test_without_an_interval_there_is_no_answer_whatever_passes_and_whatever_is_an_association() -> None:
    for verdict in (judged(None, None), judged(None, None, association=True)):
        assert (verdict.gate, verdict.row, verdict.certainty) == ("no_interval", None, None)
        text = said(verdict, None, None)
        assert text.headline.endswith("the error is unknown.") and not text.interval and "No valid range is known" in text.second


def test_not_identified_and_not_estimable_are_verdicts_that_say_what_it_would_take() -> None:
    none = replace(FOUND, identified=False, blocked_by=("need",))
    verdict = judge(RULE, QUESTION, None, None, (), identification=none, outcome=OUTCOME, needs=["need for help"])
    assert verdict.gate == "not_identified"
    text = say(verdict, QUESTION, None, Names(action=LONGEST, outcome=OUTCOME))
    assert "cannot show how closing half" in text.headline and "It would take need for help" in text.second
    verdict = judge(
        RULE,
        QUESTION,
        None,
        None,
        (),
        identification=FOUND,
        outcome=OUTCOME,
        inestimable=NotEstimable("the outcome does not vary within authorities", "outcome_fixed"),
    )
    text = say(verdict, QUESTION, None, Names(action=LONGEST, outcome=OUTCOME))
    assert verdict.gate == "not_estimable" and "the outcome does not vary within authorities" in text.second and "little or no" not in text.headline
    assert "changes from year to year" not in text.second
    verdict = judge(RULE, QUESTION, None, None, (), identification=FOUND, outcome=OUTCOME, inestimable=NotEstimable("nothing of it is left"))
    assert "changes from year to year" in say(verdict, QUESTION, None, Names(action=LONGEST, outcome=OUTCOME)).second


# --- 2, taken away


def test_checks_of_bias_share_one_false_alarm_rate(monkeypatch: pytest.MonkeyPatch) -> None:
    """statsmodels' Holm in the same run, over every check of bias that ran and no other."""
    from statsmodels.stats.multitest import multipletests

    monkeypatch.setattr("gc.collect", lambda *_: 0)  # which it does at every call, half a second where much is loaded
    rng = np.random.default_rng(3)
    for _ in range(200):
        p = dict(zip("abcdefg", rng.uniform(0, 1, 7) ** 3, strict=True))
        assert rejected(p, 0.05) == {name for name, out in zip(p, multipletests(list(p.values()), 0.05, "holm")[0], strict=True) if out}
    alone = replace(TREND, p_value=0.04, survived=False, bias=None)
    assert judged(2.0, 3.0, (alone, PLACEBO)).failed == ("pre_trend",)
    assert judged(2.0, 3.0, (alone, CONTROL, PLACEBO)).failed == ()  # .04 is no alarm among two
    assert judged(2.0, 3.0, (alone, replace(CONTROL, family="record", name="other"), PLACEBO)).failed == ("pre_trend",)


@pytest.mark.parametrize(
    ("bias", "lower", "upper", "away"),
    [
        (None, 2.0, 3.0, True),  # nothing can be computed
        (1.0, 2.5, 3.0, True),  # δ itself
        (-1.0, 2.5, 3.0, True),
        (0.99, 2.5, 3.0, False),
        (0.5, 1.4, 3.0, True),  # 1.4 − 0.5 falls below δ: another row
        (-0.5, 1.4, 3.0, False),
        (0.2, 0.1, 2.0, True),  # 0.1 − 0.2 crosses nothing
    ],
)
def test_a_rejected_check_takes_the_answer_away_by_the_size_of_what_it_found(bias: float | None, lower: float, upper: float, away: bool) -> None:
    """docs/method.md, section 4, with δ = 1; what is harmless costs one step."""
    verdict = judged(lower, upper, (replace(TREND, p_value=1e-6, survived=False, bias=bias, bias_error=0.001), CONTROL, PLACEBO))
    assert (verdict.failed == ("pre_trend",)) == away and (verdict.certainty is None) == away
    if not away:
        assert verdict.bias["pre_trend"] == "failed" and any(one.concern == "harmless" and one.steps for one in verdict.reasons)
    else:
        text = said(verdict, lower, upper)
        assert text.headline.endswith("the estimate failed its checks.") and text.second.startswith("Drift beforehand did not pass.")


def test_a_check_of_bias_without_a_p_value_takes_away_by_its_own_word() -> None:
    assert judged(2.0, 3.0, (*CLEAN, check("mine", False))).failed == ("mine",)
    assert judged(2.0, 3.0, (*CLEAN, check("mine", True))).failed == ()


# --- 4, certainty


def test_where_nothing_of_this_design_could_be_checked_certainty_is_very_low_and_said_and_lot_is_excepted() -> None:
    agreement = check("estimator_agreement", True, 0.5, role="agreement", bias=0.1, bias_error=0.1)
    for checks in ((PLACEBO,), (PLACEBO, agreement), (PLACEBO, replace(TREND, survived=None, p_value=None, reason="two waves"))):
        verdict = judged(2.0, 3.0, checks)
        assert verdict.certainty == 0 and verdict.reasons[0].concern == "unchecked"
        text = said(verdict, 2.0, 3.0)
        assert "too weak to say" in text.headline and "Nothing could be checked" in text.second and text.interval in ("+2 to +3", "+2.0 to +3.0")
    assert judged(2.0, 3.0, (PLACEBO,), Rule(randomised="by lot")).certainty == 2


def test_a_check_that_one_estimator_of_a_kind_brings_is_a_look_and_one_of_a_curve_is_none() -> None:
    """By hand: `switchers_before` looks at the time before; `link` sees no cause that was not measured."""
    for name, seen in (("switchers_before", True), ("link", False), ("carry_over", False)):
        verdict = judged(2.0, 3.0, (PLACEBO, check(name, True, 0.5, role="timing" if seen else None)))
        assert (verdict.reasons[0].concern != "unchecked") is seen and (verdict.certainty != 0) is seen
        missing = next(one.checks for one in verdict.reasons if one.concern == "unlooked")
        assert ("timing" not in missing) is seen and "negative_control" in missing


BLIND = (replace(TREND, blind_below=1.0), replace(CONTROL, blind_below=1.0))
APART = check("estimator_agreement", True, 0.5, role="agreement", bias=1.0, bias_error=1 / 2.8)
COSTS = {
    "a, neither sees": ((*BLIND, PLACEBO), {}, ["blind"]),
    "a, one sees": ((TREND, BLIND[1], PLACEBO), {}, []),
    "a, no control": ((TREND, PLACEBO), {}, ["unlooked"]),
    "a, no timing": ((CONTROL, PLACEBO), {}, ["unlooked"]),
    "a, drift": ((replace(TREND, bias=0.9, bias_error=0.1), CONTROL, PLACEBO), {}, ["drift"]),
    "b, unstable": ((*CLEAN, check("leave_one_out", False, family="stability")), {}, ["unstable"]),
    "b, two of them": ((*CLEAN, check("leave_one_out", False, family="stability"), check("bootstrap", False, family="stability")), {}, ["unstable"]),
    "c": ((*CLEAN, APART), {}, ["disagreement"]),
    "c, its error too large": ((*CLEAN, replace(APART, bias_error=0.36)), {}, []),
    "c, not far enough": ((*CLEAN, replace(APART, bias=-0.99)), {}, []),
    "d, concern": (CLEAN, {"concerns": ("five clusters carry it",)}, ["estimator"]),
    "d, shocks": ((*CLEAN, check("shared_shocks", False, 0.001, family="inference", role="shared_shocks")), {}, ["shared_shocks"]),
    "never counted": ((*CLEAN, *(check(name, False, family="sensitivity") for name in ("unmeasured_confounder", "honest_did"))), {}, []),
}


@pytest.mark.parametrize("name", COSTS)
def test_each_letter_costs_one_step_from_what_the_design_gives(name: str) -> None:
    """A dose on a panel is Maryland level 3: moderate."""
    checks, change, concerns = COSTS[name]
    verdict = judged(1.5, 3.0, checks, **change)
    assert verdict.maryland == 3 and [one.concern for one in verdict.reasons] == concerns
    assert verdict.certainty == 2 - bool(concerns) and sum(one.steps for one in verdict.reasons) == bool(concerns)


def test_reasons_of_one_letter_cost_one_step_together_and_the_floor_is_very_low() -> None:
    checks = (*(replace(one, bias=0.9, bias_error=0.1) if one.role == "timing" else one for one in BLIND), APART, check("bootstrap", False, family="stability"))
    verdict = judged(1.5, 3.0, checks, concerns=("mine",))
    assert verdict.certainty == 0 and [one.concern for one in verdict.reasons] == ["blind", "drift", "unstable", "disagreement", "estimator", "placebos"]
    assert [one.steps for one in verdict.reasons] == [1, 0, 1, 0, 0, 0]
    assert judged(1.5, 3.0, CLEAN, concerns=("a", "b"), sufficient=True).certainty == 1


def test_the_drift_found_counts_rejected_or_not_over_the_hull_of_both_intervals() -> None:
    """By hand: e = 2, SE .5, half width 1 (t = 2); drift's bias .3 ± .2 gives 1.7 ± 2·√(.25 + .04) = .623 to 2.777, which is another row than 1 to 3."""
    drift = replace(TREND, bias=0.3, bias_error=0.2)
    (reason,) = judged(1.0, 3.0, (drift, CONTROL, PLACEBO)).reasons
    assert reason.concern == "drift" and reason.numbers["lower"] == pytest.approx(1.7 - 2 * math.sqrt(0.29)) and reason.numbers["upper"] == 3.0
    assert judged(2.0, 4.0, (drift, CONTROL, PLACEBO)).reasons == ()  # 1.62 still matters


def test_few_clusters_cap_the_certainty_at_low() -> None:
    randomised = Rule(randomised="by lot")
    assert judged(2.0, 3.0, CLEAN, randomised).certainty == 3
    few = judged(2.0, 3.0, CLEAN, randomised, support=Support(clusters=150, effective=9.0))
    assert few.certainty == 1 and few.reasons[-1].concern == "few_clusters" and few.reasons[-1].steps == 2
    assert judged(2.0, 3.0, CLEAN, randomised, support=Support(clusters=150, effective=10.0)).certainty == 3
    assert judged(2.0, 3.0, CLEAN, randomised, clusters=9, influence=None, support=None).certainty == 1  # nine clusters are no more than nine


def test_certainty_caps_every_row() -> None:
    for lower, upper in ((-0.5, 0.5), (-3.0, -2.0), (0.5, 1.5), (-0.5, 2.0)):
        assert "probably" in (text := said(judged(lower, upper), lower, upper)).headline or "still possible" in text.headline
        assert "too weak" in said(judged(lower, upper, (PLACEBO,)), lower, upper).headline


def test_an_association_gets_no_causal_verb_and_no_certainty() -> None:
    for (lower, upper), word in (((2.0, 4.0), "run higher"), ((-4.0, -2.0), "run lower"), ((-1.0, 1.0), "no clear link")):
        verdict = judged(lower, upper, association=True)
        text = said(verdict, lower, upper)
        assert verdict.certainty == 0 and word in text.headline and text.headline.endswith("no cause is shown.") and not CAUSES.search(text.headline)
    assert judged(2.0, 4.0, sufficient=False).association and any(one.concern == "forced" for one in judged(2.0, 4.0, sufficient=False).reasons)


# --- words: every case once, none stronger than interval and step, in twenty words


def oracle(lower: float, upper: float, delta: float, harm: str | None) -> set[str]:
    """What fits these data, from the interval alone and by hand."""
    fits = set()
    fits |= {"important rise"} if upper >= delta else set()
    fits |= {"important fall"} if lower <= -delta else set()
    fits |= {"no change"} if lower <= 0 <= upper else set()
    fits |= {"rise"} if upper > 0 else set()
    fits |= {"fall"} if lower < 0 else set()
    return fits


RISES = re.compile(r"\bled to (at least )?(a )?(slightly )?(more|higher)\b(?! or)")
FALLS = re.compile(r"\bled to (at least )?(a )?(slightly )?(fewer|lower)\b(?! or)")
ends = st.one_of(st.floats(-12, 12, allow_nan=False), st.sampled_from([-2.0, -1.0, -0.5, 0.0, 0.5, 1.0, 2.0]))
SPANS = st.tuples(ends, ends).map(lambda both: (min(both), max(both)))
HARMS = st.sampled_from(["increase", "decrease", None])
STATES = st.lists(st.sampled_from(["passed", "harmless", "grave", "unknown", "not run"]), min_size=3, max_size=3)


def some_checks(states: list[str], placebos: int, delta: float, concerns: bool) -> tuple[Refutation, ...]:
    made = []
    for one, state in zip((TREND, CONTROL, check("future_treatment", True, 0.5)), states, strict=True):
        if state == "not run":
            continue
        bias = {"passed": 0.0, "harmless": 1e-9 * delta, "grave": delta, "unknown": None}[state]
        made.append(replace(one, p_value=0.5 if state == "passed" else 1e-6, survived=state == "passed", bias=bias, blind_below=0.4 * delta))
    made.append(replace(PLACEBO, trials=500, alarms=placebos))
    return (*made, check("bootstrap", False, family="stability")) if concerns else tuple(made)


@given(SPANS, st.floats(0.05, 5), HARMS, STATES, st.sampled_from([20, 72, 73, 200]), st.booleans(), st.booleans())
@settings(max_examples=300, deadline=None, derandomize=True)
def test_every_case_has_one_answer_and_no_sentence_is_stronger_than_interval_and_step(
    both: tuple[float, float], delta: float, harm: str | None, states: list[str], alarms: int, unstable: bool, associated: bool
) -> None:
    lower, upper = both
    verdict = judged(lower, upper, some_checks(states, alarms, delta, unstable), harm=harm, smallest_important=delta, association=associated)
    text = said(verdict, lower, upper, harm=harm, smallest_important=delta)
    line = text.headline
    # every case once
    grave = {"grave", "unknown"} & set(states)
    assert (verdict.gate == "error_unknown") == (alarms >= 73)
    if verdict.gate is None and not grave and "harmless" not in states:
        assert not verdict.failed
    if verdict.gate is None and grave:
        assert verdict.failed
    assert (verdict.certainty is None) == (verdict.gate is not None or bool(verdict.failed))
    assert verdict.row in ROWS and (verdict.category is None) == (harm is None)
    # no stronger than the interval
    fits = oracle(lower, upper, delta, harm)
    if RISES.search(line):
        assert lower > 0 and ("enough to matter" not in line or lower >= delta)
    if FALLS.search(line):
        assert upper < 0 and ("enough to matter" not in line or upper <= -delta)
    if "little or no" in line:
        assert not fits & {"important rise", "important fall"}
    if found := re.search(r"no important (rise|fall)", line, re.I):
        assert f"important {found[1].lower()}" not in fits
    if found := re.search(r"An important (rise|fall) in", line):
        assert f"important {found[1]}" in fits
    if "possibly a" in line:
        assert re.search(r"possibly a (rise|fall)", line)[1] in fits  # type: ignore[index]
    for found in re.finditer(r"[Aa]n important (rise|fall) (fits|does not fit)", f"{text.second} {text.third}"):
        assert (f"important {found[1]}" in fits) == (found[2] == "fits")
    # no stronger than the step
    claims = RISES.search(line) or FALLS.search(line) or "little or no" in line or "important" in line
    if verdict.certainty in (None, 0):
        assert not claims or verdict.row == "both"
    elif verdict.certainty == 1 and claims and "still possible" not in line:
        assert re.search(r"may have|Perhaps", line)
    elif verdict.certainty == 2 and claims and "still possible" not in line:
        assert re.search(r"[Pp]robably", line)
    # and in words that anyone may read
    assert len(line.split()) <= 20 and len(text.evaluators.split()) <= 20
    whole = " ".join([line, text.second, text.third, text.because, text.name, text.certainty, text.meaning, *text.reasons])
    assert banned_word(whole, BANNED) is None and banned_word(whole, Language().avoid) is None
    assert not re.search(r"\d+ ?%", whole)
    if associated and verdict.answers:
        assert not CAUSES.search(line)


@pytest.mark.parametrize("style", ["plain", "evaluators"])
@pytest.mark.parametrize("comparative", ["more", "higher", "a higher"])
def test_every_cell_of_both_styles_has_at_most_twenty_words_and_none_that_is_banned(style: str, comparative: str) -> None:
    """All classes and rows × certainties × harm, with the longest names that the toolkit ships."""
    language = study_from(composed([f"language={style}"])).language
    seen = set()
    where = {"important_rise": (2, 3), "rise": (0.5, 2), "inside": (-0.5, 0.5), "no_important_rise": (-2, 0.5), "no_important_fall": (-0.5, 2),
             "both": (-2, 2), "fall": (-2, -0.5), "important_fall": (-3, -2)}  # fmt: skip
    assert set(where) == set(ROWS)
    for row, step, harm in itertools.product(ROWS, range(4), ("increase", "decrease", None)):
        lower, upper = where[row]
        asked = replace(QUESTION, harm=harm)  # type: ignore[arg-type]
        verdict = Verdict(row=row, category=class_of(row, harm), certainty=step, maryland=3)  # type: ignore[arg-type]
        short = "prevention share" if comparative == "a higher" else PROTECTION.short  # the longest of each kind that the toolkit ships
        outcome = replace(PROTECTION, comparative=comparative, short=short)  # type: ignore[arg-type]
        text = say(
            verdict, asked, replace(ESTIMATE, effect=(lower + upper) / 2, lower=lower, upper=upper), Names(action=LONGEST, outcome=outcome), language=language
        )
        line = text.headline
        assert len(line.split()) <= 20, line
        assert banned_word(f"{line} {text.second} {text.third} {text.meaning}", BANNED) is None
        assert "{" not in line and text.dots.count("●") == step + 1 and len(text.dots) == 4
        # by step, and by which way the interval lies: rises and falls change places with the interval, never with what is called harm
        if style == "plain" and step:
            more = "more" if comparative == "more" else "higher"
            assert (re.search(rf"led to .*{more}(?! or)", line) is not None) == (row in ("important_rise", "rise"))
            assert ("probably" in line.lower()) == (step == 2 and row not in ("both",) and "still possible" not in line)
        seen.add((row, step, harm, line))
    assert len(seen) == len(ROWS) * 4 * 3


def test_the_sentences_are_those_that_readers_were_shown() -> None:
    """One sentence for each class and certainty, as readers were shown, a row of each kind transcribed by hand."""

    def headline(lower: float, upper: float, checks: tuple[Refutation, ...] = CLEAN, **change: object) -> str:
        return said(judged(lower, upper, checks, **change), lower, upper, **change).headline  # type: ignore[arg-type]

    low = (*CLEAN, check("bootstrap", False, family="stability"))
    assert headline(2, 3) == f"{LONGEST} probably led to more children on protection plans, enough to matter."
    assert headline(2, 3, low) == f"{LONGEST} may have led to more children on protection plans, enough to matter."
    assert headline(0.2, 3, low) == f"{LONGEST} may have led to at least slightly more children on protection plans."
    assert headline(-0.2, 0.3) == f"{LONGEST} probably made little or no difference to children on protection plans."
    c = LONGEST[:1].lower() + LONGEST[1:]
    assert headline(-2, 0.3) == f"Probably no important rise, possibly a fall, in children on protection plans from {c}."
    assert headline(-2, 0.3, low) == f"Perhaps no important rise, possibly a fall, in children on protection plans from {c}."
    assert headline(-0.2, 3) == f"An important rise in children on protection plans from {c} is still possible."
    assert headline(-2, 3) == f"We cannot tell whether {c} led to more or fewer children on protection plans."
    assert headline(2, 3, harm="decrease") == f"{LONGEST} probably led to more children on protection plans, enough to matter."
    assert headline(-0.2, 3, harm="decrease") == f"Probably no important fall, possibly a rise, in children on protection plans from {c}."
    assert headline(-2, 0.3, harm="decrease") == f"An important fall in children on protection plans from {c} is still possible."
    assert headline(-2, 0.3, (PLACEBO,)) == f"The evidence is too weak to say how {c} affects children on protection plans."
    text = said(judged(-2, 0.3, low), -2, 0.3)
    assert text.evaluators == f"Low certainty: no important increase in children on protection plans from {c}; decrease open."
    assert set(EVALUATORS) == set(CLASSES) and STEPS[-1] == "high"


def test_the_second_line_has_estimate_range_what_matters_and_what_is_left_open() -> None:
    """As readers were shown at the terminal: 1.2 fewer, 3.6 fewer to 1.2 more, 2 or more would matter."""
    verdict = judged(-3.56, 1.16, smallest_important=2.0)
    text = said(verdict, -3.56, 1.16, smallest_important=2.0)
    assert text.second == (
        "1.2 fewer children on protection plans per 10,000 children in the same year; anything from 3.6 fewer to 1.2 more fits these data. "
        "2 or more would matter. An important fall fits too; so does no change."
    )
    assert text.third.startswith("An important rise does not fit these data; at most 1.2 per 10,000 children does. Such a study usually finds effects of")
    assert (text.signed, text.interval, text.name, text.certainty, text.dots) == ("−1.2", "−3.6 to +1.2", "No harm that matters", "Moderate", "●●●○")
    nearly = said(judged(-0.5, 1.96, smallest_important=2.0), -0.5, 1.96, smallest_important=2.0)
    assert nearly.interval == "−0.5 to +1.96"  # 2.0 would read as an effect that matters


def test_a_code_that_there_is_none_of_is_refused() -> None:
    with pytest.raises(ValueError, match="concern must be one of"):
        Reason(concern="whim")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="code must be one of"):
        Limit(code="whim")  # type: ignore[arg-type]


@pytest.mark.parametrize("given", [0, 0.0, -1, math.nan, math.inf, "2"])
def test_a_smallest_important_effect_of_nothing_or_no_number_is_refused(given: object) -> None:
    with pytest.raises(ConfigError, match=r"question\.smallest_important"):
        replace(QUESTION, smallest_important=given)  # type: ignore[arg-type]


def test_numbers_of_people_go_with_the_estimate() -> None:
    verdict = judged(2.0, 4.0)
    typical = float(np.median(DESIGN.population))  # type: ignore[arg-type]
    assert verdict.typical_effect == pytest.approx(3.0 * typical / 10_000)


def test_the_smallest_detectable_effect_is_bloom_s() -> None:
    """Bloom 1995: (t.975 + t.80) standard errors; found in 80 % of simulated studies with that true effect."""
    df = ESTIMATE.df
    assert df is not None
    reach = float(stats.t(df).ppf(0.975))
    estimate = replace(ESTIMATE, effect=0.0, std_error=1.0, lower=-reach, upper=reach)
    verdict = judge(RULE, QUESTION, DESIGN, estimate, CLEAN, identification=FOUND, outcome=OUTCOME)
    assert verdict.detectable is not None
    rng = np.random.default_rng(1)
    draws = (verdict.detectable + rng.standard_normal(20_000)) / np.sqrt(rng.chisquare(df, 20_000) / df)
    assert (draws > stats.t(df).ppf(0.975)).mean() == pytest.approx(0.8, abs=0.012)
