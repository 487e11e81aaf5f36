"""Words: the house style as a configuration, forms over the whole verdict table, and rounding that never shuts out what a range holds."""

from __future__ import annotations

import math
import re
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from test_report import judged, provenance, refutation, study

from causal.errors import ConfigError
from causal.experiments.compose import CONF, composed, study_from
from causal.language import AVOID, BANNED, CLASSES, EVALUATORS, Language, banned_word, language_of
from causal.refuters import labels
from causal.report.files import rebuild, write
from causal.report.first import first, parts
from causal.report.phrases import interval, slug
from causal.report.record import read, record
from causal.study import Result, run
from causal.words import rounded, signed, span

DECIDE = ("future_treatment", "implied_independence", "negative_control_outcome")
CHECKS = tuple(refutation(name, True, 0.5) for name in DECIDE)
NUMBER = re.compile(r"[+−]?[\d,]+(?:\.\d+)?")


@pytest.fixture(scope="module")
def bare() -> Result:
    return run(study())


def at(bare: Result, lower: float, upper: float, **change: Any) -> dict[str, Any]:
    """The record of the small study with this interval."""
    assert bare.estimate is not None
    estimate = replace(bare.estimate, effect=(lower + upper) / 2, lower=lower, upper=upper, std_error=max((upper - lower) / 4, 1e-9), **change)
    return record(judged(replace(bare, estimate=estimate), CHECKS), provenance())


def test_plain_words_have_one_home() -> None:
    """The file that a team copies: the style without a word of its own is that file, and the code repeats none of its sentences."""
    inside = yaml.safe_load((CONF / "language/plain.yaml").read_text(encoding="utf-8"))
    assert inside.pop("_target_") == "causal.language.Language"
    assert {**inside, "avoid": tuple(inside["avoid"])} == asdict(Language())
    code = (CONF.parent / "causal/language.py").read_text(encoding="utf-8")
    said = [form for part in inside.values() if isinstance(part, dict) for one in part.values() for form in (one.values() if isinstance(one, dict) else [one])]
    assert len(said) > 100 and not [form for form in said if len(form) > 30 and form in code]


def test_another_style_says_the_same_finding_in_other_words_and_is_kept_in_the_record(bare: Result, tmp_path: Path) -> None:
    other = study_from(composed(["language=evaluators", "language.terms.passed=held up"])).language
    assert other.interval(0.9) == "90% confidence interval" and other.gates["failed_checks"] == Language().gates["failed_checks"]
    assert {name: forms["low"] for name, forms in other.classes.items()} == {
        name: form.replace("{certainty}", "Low") for name, form in EVALUATORS.items()
    }  # the page's own line for evaluators says the same
    result = run(replace(bare.study, language=other), panel=bare.panel)
    assert result.estimate is not None and bare.estimate is not None and result.estimate.effect == bare.estimate.effect
    assert result.verdict == bare.verdict and result.answer.headline.removeprefix("SIMULATED: ") == bare.answer.evaluators
    write(judged(result, CHECKS), tmp_path, provenance(), "")
    html = (tmp_path / "report.html").read_text(encoding="utf-8")
    summary = (tmp_path / "summary.md").read_text(encoding="utf-8")
    assert "Refutation tests" in summary and re.search(r"- ✓ .*: held up", summary) and "95% confidence interval" in html and "held up" in html
    (tmp_path / "report.html").unlink()
    rebuild(tmp_path)
    assert (tmp_path / "report.html").read_text(encoding="utf-8") == html
    assert language_of(read(tmp_path)["language"]) == other.naming(labels())


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"classes": {"harms": {"high": "x"}}}, "Did you mean 'harm'"),
        ({"classes": {"harm": {"hihg": "x"}}}, "Did you mean 'high'"),
        ({"classes": {"harm": {"high": "{Action} did {what}"}}}, r"wanted fields that there are: .*, got the field \{what\}"),
        ({"classes": {"harm": {"high": "{Action"}}}, "a brace that is meant"),
        ({"classes": {"harm": {"high": "The p-value says so"}}}, "got 'p-value', which it avoids"),
        ({"classes": {"harm": {"low": "Regressions say so"}}}, "got 'regression'"),
        ({"classes": ["harm"]}, "class: {high: words"),
        ({"classes": {"harm": {"low": "A rise is likely"}}}, "got 'likely', which no style may use; say what fits"),
        ({"classes": {"little_or_none": {"low": "An important rise is ruled out"}}, "avoid": ()}, "got 'ruled out', which no style may use"),
        ({"ranges": {"harm_fits": "A rise cannot be excluded"}}, "got 'excluded', which no style may use"),
        ({"gates": {"higher": "{Action} led to {more} {outcome}"}}, "wanted a form that does not say what caused what"),
        ({"gates": {"lower": "{Action} caused fewer {outcome}"}}, "wanted a form that does not say what caused what"),
        ({"answers": {"probably": "x"}}, r"language\.answers: wanted a key of today, got one of an earlier form; write  language\.classes"),
        ({"strengths": {"weak": "x"}}, r"language\.strengths: wanted a key of today, got one of an earlier form; write  language\.certainties"),
        ({"terms": {"passed": 3}}, "wanted words"),
        ({"terms": ["passed"]}, "wanted name: words"),
        ({"avoid": "jargon"}, "wanted a list"),
        ({"name": " "}, "wanted a word"),
    ],
)
def test_a_style_that_would_mislead_is_refused(given: dict[str, Any], says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        Language(**given)


def test_a_style_of_a_later_version_is_read_as_far_as_it_is_known() -> None:
    assert language_of(None) == Language()
    assert language_of({"name": "later", "moods": {"good": "x"}}).name == "later"


ends = st.tuples(st.floats(-12, 12), st.floats(-12, 12)).map(sorted)


@given(ends, st.booleans(), st.booleans())
@settings(max_examples=80, deadline=None, derandomize=True)
def test_the_first_screen_needs_no_training_and_says_no_more_than_its_numbers(bare: Result, both: list[float], associated: bool, failed: bool) -> None:
    """Over every row of the table in docs/method.md, section 4: no word to be avoided, no causal verb for an association, no end rounded inwards."""
    lower, upper = both
    checks = (refutation(DECIDE[0], False, 1e-6), *CHECKS[1:]) if failed else CHECKS
    assert bare.estimate is not None
    error = max((upper - lower) / 4, 1e-9)
    estimate = replace(bare.estimate, effect=(lower + upper) / 2, lower=lower, upper=upper, std_error=error, association=associated)
    data = record(judged(replace(bare, estimate=estimate), checks), {})
    one = first(data)
    told = {part["about"]: part for part in parts(one)}
    text = " ".join([one["headline"], one["second"], one["data"], *(line for part in told.values() for line in (part["title"], *part["lines"]))])
    assert banned_word(text, AVOID) is None and banned_word(text, BANNED) is None
    if failed:
        assert "a typical authority" not in text and "not to be used" in text and not told["size"]["rows"]
    elif associated:
        assert not re.search(r"increased|reduced|caused|made little|led to", text)
    else:
        # 60,000 children and a rate per 10,000: six times the rate, and forty such places
        for (_, _, reach_of, _), scale in zip(told["size"]["rows"], (1.0, 6.0, 240.0), strict=True):
            found = re.findall(r"(\d[\d,]*(?:\.\d+)?|no change) ?(more|fewer)?", reach_of)
            way = found[-1][1]
            low, high = (0.0 if number == "no change" else float(number.replace(",", "")) * {"fewer": -1, "more": 1}[side or way] for number, side in found)
            low, high = min(low, high), max(low, high)
            assert low <= lower * scale + 1e-6 and high >= upper * scale - 1e-6
            reach = (upper - lower) / 10 or max(abs(lower), abs(upper)) / 100  # of a range without length, a hundredth of its size
            step = 10.0 ** math.floor(math.log10(max(reach * scale, 1e-9)) + 1e-9)
            assert low >= lower * scale - step - 1e-6 and high <= upper * scale + step + 1e-6
    low, high = (float(one.replace("−", "-")) for one in data["answer"]["interval"].split(" to "))
    assert low <= lower + 1e-9 and high >= upper - 1e-9
    for line in (0.0, 2.0, -2.0):  # no end comes to lie on or beyond a line that decides a word
        assert (lower > line) == (low > line) or lower - line < 1e-5 * (upper - lower) + 1e-9
        assert (upper < line) == (high < line) or line - upper < 1e-5 * (upper - lower) + 1e-9


@given(st.floats(-1e6, 1e6), st.floats(0, 1e6), st.integers(0, 6))
@settings(max_examples=400, deadline=None, derandomize=True)
def test_a_range_never_shuts_out_what_it_holds(lower: float, width: float, decimals: int) -> None:
    """Rounded outwards, by at most one step; its numbers read back from the text."""
    low, high = (float(one.replace(",", "").replace("−", "-")) for one in span(lower, lower + width, decimals).split(" to "))
    step, slack = 10.0**-decimals, 1e-9 * 10.0**-decimals + 1e-9
    assert low <= lower + slack * 10 and high >= lower + width - slack * 10
    assert low >= lower - step * 1.001 - slack and high <= lower + width + step * 1.001 + slack


def test_signs_units_and_names() -> None:
    assert [signed(value, 1) for value in (3.04, -3.04, 0.04, -0.04)] == ["+3.0", "−3.0", "0.0", "0.0"]
    assert span(-0.04, 0.04, 1) == "−0.1 to +0.1" and span(None, 1, 0) == "no valid range is known" and span(-math.inf, 1, 0) == "unbounded"
    assert interval({"effect": 1.0, "lower": -0.004, "upper": 2.0}) == "−0.1 to +2.0"
    long = [slug("x" * 300 + end) for end in "ab"]
    assert len(set(long)) == 2 and max(map(len, long)) < 80


def test_a_range_is_rounded_once_by_its_own_length() -> None:
    """docs/method.md, section 4, by hand: the largest power of ten of at most a tenth of the range; an end that would cross a line goes finer, alone."""
    lines = (0.0, 2.0, -2.0)
    assert [f"{value:.{places}f}" for value, places in rounded(-1.19, -3.56, 1.16, lines)] == ["-1.2", "-3.6", "1.2"]
    assert [f"{value:.{places}f}" for value, places in rounded(0.55, 0.004, 1.96, lines)] == ["0.6", "0.004", "1.96"]
    assert [f"{value:.{places}f}" for value, places in rounded(1234.0, 1000.1, 1777.0)] == ["1230", "1000", "1780"]
    assert [places for _, places in rounded(2.0056e-7, 1.9e-7, 2.1e-7)] == [9, 9, 9]
    assert rounded(1.0, 1e-12, 2.0)[1][1] == 7  # at most six digits finer


def test_reasons_are_said_in_the_order_of_their_letters_and_each_once(bare: Result) -> None:
    checks = (refutation("leave_one_out", False), refutation("pre_trend", True, 0.5, blind_below=5.0, bias=0.0, bias_error=0.0), *CHECKS)
    data = record(judged(bare, checks), {})
    said = data["answer"]["reasons"]
    assert said[0].startswith("Authorities are compared over time")
    assert (
        said[1].startswith("A bias large enough to matter")
        and said[2] == "Leave one out did not pass."
        and said[3].startswith("The range itself was hardly tested: too few trials")
    )
    assert len(said) == len(set(said)) == 1 + len(data["verdict"]["reasons"])
    assert set(EVALUATORS) == set(CLASSES)
