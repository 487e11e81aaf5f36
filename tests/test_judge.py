"""The words follow the numbers: the whole verdict table, and no headline that contradicts its interval."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from worlds import GRAPH, QUESTION, World

from causal.design import design
from causal.errors import ConfigError
from causal.estimators.fixed_effects import FixedEffects
from causal.identify import identify
from causal.inference.multiplicity import rejected
from causal.refute import Refutation
from causal.verdict.decide import Rule, Verdict, classify, judge

PANEL = World(effect=3.0).load()
FOUND = identify(QUESTION, GRAPH, measured=PANEL.names)
DESIGN = design(PANEL, QUESTION, FOUND)
ESTIMATE = FixedEffects().estimate(DESIGN, np.random.default_rng(0))


def check(name: str, survived: bool | None, p: float | None = None) -> Refutation:
    return Refutation(
        name=name,
        asks="?",
        expected="",
        found="",
        p_value=p,
        survived=survived,
        reason=None if survived is not None else "a test",
        detects="",
        cannot_detect="",
    )


RULE = Rule(decisive=("placebo_treatment", "future_treatment"))
PASSED = (check("placebo_treatment", True, 0.6), check("future_treatment", True, 0.4))


def verdict(effect: float, lower: float | None, upper: float | None, *, refutations: tuple[Refutation, ...] = PASSED, **question: object) -> Verdict:
    estimate = replace(ESTIMATE, effect=effect, lower=lower, upper=upper, std_error=None if lower is None else (upper - lower) / 4)  # type: ignore[operator]
    return judge(
        RULE,
        replace(QUESTION, **question),
        DESIGN,
        estimate,
        refutations,
        identification=FOUND,
        outcome=PANEL.variable("plans"),
        action="Halving it",  # type: ignore[arg-type]
    )


@pytest.mark.parametrize(
    ("lower", "upper", "finding", "direction"),
    [
        (-0.9, 0.9, "little_or_none", None),
        (0.1, 0.9, "little_or_none", "increase"),
        (1.0, 3.0, "probably", "increase"),
        (0.1, 1.0, "may", "increase"),
        (-0.9, 1.5, "unlikely_otherwise", "increase"),
        (0.0, 1.5, "unlikely_otherwise", "increase"),
        (-1.0, 1.5, "cannot_tell", None),
        (-1.0, 1.0, "cannot_tell", None),
        (-3.0, -1.0, "probably", "decrease"),
        (-1.0, -0.1, "may", "decrease"),
        (-1.5, 0.9, "unlikely_otherwise", "decrease"),
        (-0.9, -0.1, "little_or_none", "decrease"),
        (-1.0, -0.5, "may", "decrease"),
        (-1.0, 0.0, "unlikely_otherwise", "decrease"),
        (2.0, 1.0, "no_interval", None),
        (None, None, "no_interval", None),
    ],
)
def test_each_row_of_the_table_at_its_edges(lower: float | None, upper: float | None, finding: str, direction: str | None) -> None:
    """docs/method.md's table of rows (section 4) with δ = 1, mirrored for reductions."""
    middle = 0.0 if lower is None else (lower + upper) / 2  # type: ignore[operator]
    assert classify(lower, upper, middle, 1.0) == (finding, direction)


@given(st.floats(-10, 10), st.floats(0.001, 10), st.floats(0.05, 5), st.floats(0.01, 0.99), st.sampled_from(["increase", "decrease"]),
       st.lists(st.sampled_from([True, False, None]), min_size=2, max_size=2))  # fmt: skip
@settings(max_examples=400, deadline=None)
def test_no_headline_contradicts_its_interval(lower: float, width: float, smallest: float, where: float, harm: str, states: list[bool | None]) -> None:
    upper = lower + width
    checks = tuple(
        check(name, state, None if state is None else 0.5 if state else 1e-6)
        for name, state in zip(("placebo_treatment", "future_treatment"), states, strict=True)
    )
    said = verdict(lower + where * width, lower, upper, refutations=checks, smallest_important=smallest, harm=harm)
    text = said.headline
    if said.finding == "failed_checks":
        assert False in states and "did not survive" in text
        return
    assert False not in states
    if "probably increased" in text:
        assert lower >= smallest and None not in states
    if "probably reduced" in text:
        assert upper <= -smallest and None not in states
    if "may have increased" in text:
        assert lower > 0
    if "may have reduced" in text:
        assert upper < 0
    if "little or no difference" in text:
        assert -smallest < lower and upper < smallest
    if lower <= -smallest and upper >= smallest:
        assert "cannot tell" in text
    if lower <= 0 <= upper:
        assert "probably" not in text and "may have" not in text
    worst = upper if harm == "increase" else -lower
    assert ("one that matters" in said.range_in_words) == (worst >= smallest)


def test_a_decisive_check_that_fails_takes_the_answer_away_and_one_not_run_lowers_it() -> None:
    sure = verdict(3.0, 2.0, 4.0)
    assert sure.finding == "probably" and sure.decisive == {"placebo_treatment": "passed", "future_treatment": "passed"}
    failed = verdict(3.0, 2.0, 4.0, refutations=(PASSED[0], check("future_treatment", False, 0.001)))
    assert failed.finding == "failed_checks" and "(treatment of later years)" in failed.headline and failed.strength == "very weak"
    missing = verdict(3.0, 2.0, 4.0, refutations=(PASSED[0], check("future_treatment", None)))
    assert missing.finding == "may" and "could not be run: a test" in " ".join(missing.cannot_say)
    assert "may have increased" in missing.headline and "the decisive check on treatment of later years was not run" in missing.headline
    absent = verdict(3.0, 2.0, 4.0, refutations=PASSED[:1])
    assert absent.finding == "may" and absent.decisive["future_treatment"] == "not run" and "was not asked for" in " ".join(absent.cannot_say)


def test_decisive_checks_share_one_false_alarm_rate() -> None:
    """Holm 1979: two checks at p = .04 each are no alarm at 5 % jointly; one at .02 is."""
    assert rejected({"a": 0.04, "b": 0.04}, 0.05) == set()
    assert rejected({"a": 0.02, "b": 0.04}, 0.05) == {"a", "b"}
    both = verdict(3.0, 2.0, 4.0, refutations=(check("placebo_treatment", False, 0.04), check("future_treatment", False, 0.04)))
    assert both.finding == "probably" and set(both.decisive.values()) == {"passed"}
    assert any("did not pass placebo treatment and future treatment" in reason for reason in both.strength_reasons)


def test_other_checks_lower_the_strength_only() -> None:
    lowered = verdict(3.0, 2.0, 4.0, refutations=(*PASSED, check("bootstrap", False)))
    assert lowered.finding == "probably" and lowered.strength == "limited"
    assert any("bootstrap" in reason for reason in lowered.strength_reasons)


@pytest.mark.parametrize(("lower", "upper", "word"), [(2.0, 4.0, "higher"), (-4.0, -2.0, "lower"), (-1.0, 1.0, "neither clearly higher nor lower")])
def test_an_association_gets_no_causal_verb(lower: float, upper: float, word: str) -> None:
    estimate = replace(ESTIMATE, effect=(lower + upper) / 2, lower=lower, upper=upper, association=True)
    said = judge(RULE, QUESTION, DESIGN, estimate, PASSED, identification=FOUND, outcome=PANEL.variable("plans"), action="Halving it")
    assert said.finding == "association" and "An association, not an effect" in said.headline and f"are {word}:" in said.headline
    assert not any(verb in said.headline for verb in ("increased", "reduced", "made little"))


def test_a_forced_set_that_the_graph_finds_insufficient_gives_an_association_and_a_weaker_strength() -> None:
    poor = identify(QUESTION, GRAPH, measured=PANEL.names, adjust_for=("authority", "year"))
    assert not poor.sufficient
    assert identify(QUESTION, GRAPH, measured=PANEL.names, adjust_for=("authority", "year", "deprivation", "poverty")).sufficient
    said = judge(
        RULE, QUESTION, DESIGN, replace(ESTIMATE, effect=3.0, lower=2.0, upper=4.0), PASSED, identification=poor, outcome=PANEL.variable("plans"), action="It"
    )
    assert said.finding == "association" and said.strength == "limited"
    assert any("back door" in reason for reason in said.strength_reasons) and any("back door" in sentence for sentence in said.cannot_say)


def test_not_identified_is_a_verdict() -> None:
    none = replace(FOUND, identified=False, blocked_by=("need",))
    said = judge(RULE, QUESTION, None, None, (), identification=none, outcome=PANEL.variable("plans"), action="Halving it", needs=["need"])
    assert said.finding == "not_identified" and "cannot be answered with these data" in said.headline and "need" in said.headline


def test_numbers_carry_units_and_children_in_a_typical_authority() -> None:
    said = verdict(3.0, 2.0, 4.0)
    assert "+3.00 per 10,000 children (95% interval +2.00 to +4.00)" in said.headline
    typical = float(np.median(DESIGN.population))  # type: ignore[arg-type]
    assert said.typical_effect == pytest.approx(3.0 * typical / 10_000)


def test_the_smallest_detectable_effect_is_bloom_s() -> None:
    """Bloom 1995: (t.975 + t.80) standard errors; found in 80 % of simulated studies with that true effect."""
    from scipy import stats

    df = ESTIMATE.df
    assert df is not None
    reach = float(stats.t(df).ppf(0.975))
    estimate = replace(ESTIMATE, effect=0.0, std_error=1.0, lower=-reach, upper=reach)
    said = judge(RULE, QUESTION, DESIGN, estimate, PASSED, identification=FOUND, outcome=PANEL.variable("plans"), action="It")
    assert said.detectable is not None
    rng = np.random.default_rng(1)
    draws = (said.detectable + rng.standard_normal(20_000)) / np.sqrt(rng.chisquare(df, 20_000) / df)
    assert (draws > stats.t(df).ppf(0.975)).mean() == pytest.approx(0.8, abs=0.012)


def test_at_most_three_checks_are_decisive() -> None:
    with pytest.raises(ConfigError, match="at most three"):
        Rule(decisive=("a", "b", "c", "d"))
