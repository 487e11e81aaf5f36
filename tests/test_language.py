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
from causal.language import ANSWERS, AVOID, Language, held, language_of
from causal.refuters import labels
from causal.report import screen
from causal.report.files import rebuild, write
from causal.report.phrases import interval, slug
from causal.report.record import read, record
from causal.study import Result, run
from causal.verdict.rule import LOWERS, Rule
from causal.words import signed, span

DECIDE = Rule().decides("dose")
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


def test_the_plain_file_says_what_the_code_says() -> None:
    inside = yaml.safe_load((CONF / "language/plain.yaml").read_text(encoding="utf-8"))
    assert inside.pop("_target_") == "causal.language.Language"
    assert {**inside, "avoid": tuple(inside["avoid"])} == asdict(Language())


def test_another_style_says_the_same_finding_in_other_words_and_is_kept_in_the_record(bare: Result, tmp_path: Path) -> None:
    other = study_from(composed(["language=evaluators", "language.terms.passed=held up"])).language
    assert other.interval(0.9) == "90% confidence interval" and other.answers["probably"] == ANSWERS["probably"]
    result = run(replace(bare.study, language=other), panel=bare.panel)
    assert result.estimate is not None and bare.estimate is not None and result.estimate.effect == bare.estimate.effect
    assert result.verdict.finding == bare.verdict.finding and "95% confidence interval" in result.verdict.headline
    write(judged(result, CHECKS), tmp_path, provenance(), "")
    html = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "Refutation tests" in html and "3 of 3 held up" in html and "95% confidence interval" in html
    (tmp_path / "report.html").unlink()
    rebuild(tmp_path)
    assert (tmp_path / "report.html").read_text(encoding="utf-8") == html
    assert language_of(read(tmp_path)["language"]) == other.naming(labels())


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"answers": {"probaly": "x"}}, "Did you mean 'probably'"),
        ({"answers": {"probably": "{Action} did {what}"}}, r"has the field \{what\}; fields there"),
        ({"answers": {"probably": "{Action"}}, "a brace that is meant"),
        ({"answers": {"probably": "The p-value says so"}}, "holds 'p-value', which this house style avoids"),
        ({"answers": {"probably": "Regressions say so"}}, "holds 'regression'"),
        ({"answers": {"association": "{Action} {verb} {outcome}"}}, "no form may say what caused what"),
        ({"answers": {"association": "{Action} caused fewer {outcome}"}}, "no form may say what caused what"),
        ({"terms": {"passed": 3}}, "must be words"),
        ({"terms": ["passed"]}, "must say  name: words"),
        ({"avoid": "jargon"}, "must be a list"),
        ({"name": " "}, "must be a word"),
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
    """Intervals of every row (docs/method.md, section 4): no word to be avoided, no causal verb for an association, no end of a range rounded inwards."""
    lower, upper = both
    checks = (refutation(DECIDE[0], False, 1e-6), *CHECKS[1:]) if failed else CHECKS
    assert bare.estimate is not None
    error = max((upper - lower) / 4, 1e-9)
    estimate = replace(bare.estimate, effect=(lower + upper) / 2, lower=lower, upper=upper, std_error=error, association=associated)
    data = record(judged(replace(bare, estimate=estimate), checks), {})
    cards = {one["about"]: one for one in screen.facts(data)}
    text = " ".join(
        [data["verdict"]["headline"], screen.rests_on(data), *(" ".join([one["title"], one["big"] or "", *one["lines"]]) for one in cards.values())]
    )
    assert held(text, AVOID) is None
    if failed:
        assert "a year" not in text and "Not to be used" in text
    elif associated:
        assert not re.search(r"increased|reduced|caused|made little|led to", text)
    elif cards["size"]["lines"][0].startswith("In a typical"):
        # 60,000 children and a rate per 10,000: six times the rate, and forty such places
        for line, scale in zip(cards["size"]["lines"], (6.0, 240.0), strict=False):
            first, last = re.findall(r"(\d[\d,]*(?:\.\d)?) ?(more|fewer)?", line[line.index("(from") :])
            low, high = (float(number.replace(",", "")) * {"fewer": -1, "": 1, "more": 1}[way] for number, way in (first, last))
            assert low <= lower * scale + 1e-6 and high >= upper * scale - 1e-6
            step = 1.0 if max(abs(lower), abs(upper)) * scale < 1_000 else 10.0 ** (math.floor(math.log10(max(abs(lower), abs(upper)) * scale)) - 1)
            assert low >= lower * scale - step - 1e-6 and high <= upper * scale + step + 1e-6
    harm = "ruled out" in " ".join(cards["range"]["lines"]) and "not ruled out" not in " ".join(cards["range"]["lines"])
    assert harm == (upper < 2)


@pytest.mark.parametrize(
    ("lower", "upper", "increase", "decrease"),
    [
        # written down by hand with δ = 2: what a reader is told of the direction called harm, for either direction
        (-5.0, -3.0, "any_ruled_out", "not_ruled_out"),
        (3.0, 5.0, "not_ruled_out", "any_ruled_out"),
        (-5.0, 1.0, "ruled_out", "not_ruled_out"),
        (-1.0, 5.0, "not_ruled_out", "ruled_out"),
        (-1.0, 1.0, "ruled_out", "ruled_out"),
        (-5.0, 5.0, "not_ruled_out", "not_ruled_out"),
    ],
)
def test_the_first_screen_speaks_of_the_direction_called_harm(bare: Result, lower: float, upper: float, increase: str, decrease: str) -> None:
    """The same interval, once where a rise is the harm and once where a fall is."""
    for harm, noun, form in (("increase", "increase", increase), ("decrease", "reduction", decrease)):
        question = replace(bare.study.question, harm=harm)
        data = at(replace(bare, study=replace(bare.study, question=question)), lower, upper)
        lines = {one["about"]: one for one in screen.facts(data)}["range"]["lines"]
        forms = Language().ranges
        filled = {"harm": noun, "A_harm": f"{'An' if noun == 'increase' else 'A'} {noun}", "smallest": "2"}
        every = {name: forms[name].format(**filled) for name in ("any_ruled_out", "ruled_out", "not_ruled_out")}
        assert [name for name, words in every.items() if words in lines] == [form], (harm, lines)


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
    assert interval({"effect": 1.0, "lower": -0.004, "upper": 2.0}) == "−0.01 to +2.00"
    long = [slug("x" * 300 + end) for end in "ab"]
    assert len(set(long)) == 2 and max(map(len, long)) < 80


def test_short_reasons_are_as_many_as_the_rule_s_and_keep_its_gravest_first(bare: Result) -> None:
    checks = (refutation("leave_one_out", False), refutation("pre_trend", True, 0.5, numbers={"bias from detectable trend": 5.0}))
    checks += tuple(one for one in CHECKS if one.name != "negative_control_outcome")
    data = record(judged(bare, checks), {})
    said = screen.reasons(data, Language())
    assert len(said) == len(data["verdict"]["strength_reasons"])
    assert said[0].startswith("Authorities are compared over time")
    assert said[1].endswith("an outcome it cannot move.") and said[2].endswith("not passed: each place left out.") and "missed" in said[3]
    # what lowers nothing is no reason for weakness; told by the fact, whatever its sentence says
    assert bare.estimate is not None
    warned = replace(bare, estimate=replace(bare.estimate, concerns=("the decisive check did not pass",)))
    assert "Weaker, since the method itself warns of this use." in screen.reasons(record(judged(warned, checks), {}), Language())
    free = replace(warned, study=replace(warned.study, rule=replace(warned.study.rule, lowers={**LOWERS, "estimator": 0})))
    noted = record(judged(free, ()), {})
    assert not any("warns" in one for one in screen.reasons(noted, Language()))
    assert any(one.startswith("noted, and not lowered for it") for one in noted["verdict"]["strength_reasons"])
    earlier = {**data, "verdict": {key: value for key, value in data["verdict"].items() if key != "reasons"}}
    assert screen.reasons(earlier, Language()) == [said[0], Language().reasons["further_down"]]
