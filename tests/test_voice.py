"""Another estimator's answer beside the one that is judged: how it stands to ours, that it can lower the certainty alone, and where it is said.

Held by closed cases, by draws of places anew for the error of a difference, by the same estimator as the primary one, and by the verdict without voices.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from threadpoolctl import threadpool_limits
from worlds import GRAPH, QUESTION, World, designed

from causal.design import Design
from causal.errors import ConfigError, DesignError
from causal.estimate import Estimate
from causal.estimators.dml import LinearDml
from causal.estimators.fixed_effects import FirstDifference, FixedEffects
from causal.estimators.lagged_outcome import LaggedOutcome
from causal.experiments.compose import composed, study_from
from causal.refuters.estimator_agreement import EstimatorAgreement
from causal.report.first import first
from causal.report.record import plain, record
from causal.report.terminal import WIDTH, _ended, terminal_lines
from causal.study import Result, Study, run
from causal.verdict.decide import Rule, Verdict, judge
from causal.voice import Voice, apart, heard, voice

ASKED = replace(QUESTION, modifiers=())
PANEL = World(effect=3.0).load()
MADE = designed(PANEL, ASKED)
QUICK = LinearDml(folds=2, repetitions=1, degree=1)


def answer(estimator, design: Design = MADE) -> Estimate:
    return estimator.estimate(design, np.random.default_rng(1))


OURS = answer(FixedEffects())


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    with threadpool_limits(limits=1):
        yield


def stands(theirs: Estimate | str, smallest: float = 1.0) -> Voice:
    return voice(FirstDifference(), theirs, OURS, smallest)


def moved(by: float, error: float) -> Estimate:
    """Our answer moved by so much, with scores that differ so that the error of the difference is the one asked for."""
    assert OURS.influence is not None
    way = np.resize([1.0, -1.0], len(OURS.influence))
    return replace(OURS, estimator="another", effect=OURS.effect + by, influence=OURS.influence + way * error / np.sqrt(len(way)))


@pytest.mark.parametrize(
    ("by", "error", "stand"),
    [
        (0.0, 0.0, "same"),
        (0.1, 0.1, "agrees"),  # every difference that fits lies inside ±1
        (-0.6, 0.1, "agrees"),  # more than chance apart, and less than matters
        (0.1, 0.6, "open"),  # an important difference fits, and none does
        (2.0, 0.5, "differs"),
        (-2.0, 0.5, "differs"),
        (2.0, 1.5, "open"),  # far apart, and no more than chance would part them
    ],
)
def test_an_answer_stands_by_the_interval_of_the_difference_against_what_matters(by: float, error: float, stand: str) -> None:
    """Closed cases: with G = 60 clusters of CR1 or more t is about 2, so that the interval of a difference d ± e is d ± 2e."""
    made = stands(moved(by, error))
    assert made.stand == stand
    assert made.difference == pytest.approx(by) and made.ours == OURS.effect
    if stand != "same":
        assert made.difference_error == pytest.approx(error)


def test_what_is_of_another_effect_or_has_no_error_is_not_compared() -> None:
    other = stands(replace(OURS, target="ATT"))
    assert other.stand == "other" and "ATT" in other.detail and other.difference is None
    bare = stands(replace(OURS, effect=OURS.effect + 1, influence=None))
    assert bare.stand == "none" and "scores" in bare.detail
    assert stands("it has too few places").detail == "it has too few places" and stands("it has too few places").effect is None


def test_the_error_of_a_difference_is_that_of_drawing_places_again() -> None:
    """300 samples of whole places with both estimated anew, against the scores of one fit."""
    theirs, rng = answer(FirstDifference()), np.random.default_rng(5)
    drawn = []
    for _ in range(300):
        again = MADE.resample_clusters(np.sort(rng.integers(len(MADE.clusters), size=len(MADE.clusters))).astype(np.int64))
        drawn.append(answer(FirstDifference(), again).effect - answer(FixedEffects(), again).effect)
    far = apart(OURS, theirs)
    assert far.std_error == pytest.approx(np.std(drawn, ddof=1), rel=0.15) and not far.same


def test_a_voice_is_what_the_same_estimator_answers_as_the_primary_one_and_is_asked_once() -> None:
    """To the last bit, since it draws from the same stream; and the check on agreement takes the answer that is there."""
    asked: list[int] = []

    @dataclass(frozen=True, kw_only=True)
    class Counted:
        name: ClassVar[str] = "linear_dml"

        def estimate(self, design: Design, rng: np.random.Generator) -> Estimate:
            asked.append(design.rows)
            return QUICK.estimate(design, rng)

    refuters = {"estimator_agreement": EstimatorAgreement(estimators=(Counted(),))}
    beside = run(study(beside=(Counted(),), refuters=refuters))
    assert len(asked) == 1
    primary = run(study(estimator=QUICK)).estimate
    assert primary is not None and beside.voices[0].effect == primary.effect and beside.voices[0].std_error == primary.std_error
    assert beside.refutations[0].numbers["linear_dml: difference"] == beside.voices[0].difference


class Source:
    def load(self):
        return PANEL


def study(**change) -> Study:
    given = {"estimator": FixedEffects(), "refuters": {}, "beside": (), **change}
    return Study(title="t", action="Cutting it by half", question=ASKED, graph=GRAPH, source=Source(), **given)


@settings(max_examples=60, deadline=None)
@given(st.floats(-6, 6), st.floats(0.01, 3), st.floats(-4, 4), st.floats(0.1, 3))
def test_a_voice_can_lower_the_certainty_by_one_step_and_moves_nothing_else(difference: float, error: float, middle: float, half: float) -> None:
    """Against the verdict without it, for any answer and any voice; by the rule's letter c: δ or more apart, with an error of at most δ/2.8."""
    ours = replace(OURS, effect=middle, lower=middle - half, upper=middle + half, std_error=half / 2)
    one = Voice(estimator="linear_dml", library="EconML", stand="open", ours=middle, effect=middle + difference, difference=difference, difference_error=error)

    def judged(*voices: Voice) -> Verdict:
        made = judge(Rule(randomised="lot"), ASKED, MADE, ours, (), identification=MADE.identification, outcome=PANEL.variable("plans"), voices=voices)
        assert made.certainty is not None
        return made

    alone, heard_too = judged(), judged(one)
    assert alone.certainty is not None and heard_too.certainty is not None
    lowers = abs(difference) >= 1.0 and error <= 1.0 / 2.8
    assert alone.certainty - heard_too.certainty == (1 if lowers and alone.certainty else 0)
    assert judged(one, one).certainty == heard_too.certainty  # one step for one letter
    for name in ("gate", "failed", "row", "category", "bias", "maryland", "detectable", "cannot_say"):
        assert getattr(alone, name) == getattr(heard_too, name), name


@pytest.fixture(scope="module")
def result() -> Result:
    return run(study(beside=(QUICK, FixedEffects(), LaggedOutcome())))


def test_it_is_said_at_the_terminal_on_the_page_and_as_codes_in_the_record(result: Result, tmp_path: Path) -> None:
    data = json.loads(json.dumps(plain(record(result, {"command": ["causal", "run", "experiment=x"]}))))
    by_name = {one["estimator"]: one for one in data["beside"]}
    assert list(by_name) == ["linear_dml", "lagged_outcome"]  # the primary estimator is no voice of its own
    assert by_name["linear_dml"]["library"] == "EconML" and by_name["linear_dml"]["stand"] in ("agrees", "open", "differs")
    assert by_name["lagged_outcome"]["stand"] == "other"  # without authority effects it is of another comparison
    sentence = data["answer"]["beside"][0]
    assert sentence.startswith("EconML (linear dml) ")
    assert sentence in " ".join(" ".join(terminal_lines(data, tmp_path)).split())
    assert first(data)["beside"].startswith(sentence)
    old = {key: value for key, value in data.items() if key != "beside"}
    assert first({**old, "beside": []})["headline"] == data["answer"]["headline"]


def test_after_an_answer_was_taken_away_no_voice_is_called_agreement(result: Result) -> None:
    again = replace(result, verdict=replace(result.verdict, failed=("pre_trend",)), voices=(replace(result.voices[0], stand="agrees"),))
    assert "brings no answer back" in again.answer.beside[0] and "agrees" not in again.answer.beside[0]


def test_headline_experiments_ask_econml_too_and_an_empty_list_clears_it() -> None:
    for name in ("closures", "centre_spending", "cuts_to_plans", "poverty_to_plans"):
        assert study_from(composed([f"experiment={name}"])).beside == (LinearDml(),), name
    assert study_from(composed(["beside=[]"])).beside == ()
    assert [one.name for one in study_from(composed(["beside=[mean_group,linear_dml]"])).beside] == ["mean_group", "linear_dml"]


@pytest.mark.parametrize(
    ("word", "says"),
    [("beside=[linear_dlm]", "Did you mean 'linear_dml'"), ("beside=3", "wanted a list of estimators"), ("beside=[linear_dml,linear_dml]", "one twice")],
)
def test_what_is_no_list_of_estimators_is_refused_with_one_message(word: str, says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        study_from(composed([word]))


def test_from_a_notebook_names_are_refused_and_an_estimator_that_cannot_answer_says_why() -> None:
    with pytest.raises(ConfigError, match="from a notebook made"):
        study(beside=("linear_dml",))
    few = LinearDml(folds=40)
    said = heard((few,), MADE, OURS, lambda: np.random.default_rng(1))["linear_dml"]
    assert isinstance(said, str) and "folds" in said
    with pytest.raises(DesignError, match="folds"):
        answer(few)
    assert voice(few, said, OURS, 1.0).stand == "none"


def test_a_line_that_is_cut_never_ends_in_half_a_number() -> None:
    """By hand: a line as wide as the terminal's that ends in 6.8 loses the number, and a shorter one keeps all of its words."""
    wide = "usually finds".rjust(WIDTH - 4) + " 6.8"
    assert len(wide) == WIDTH and _ended(wide) == wide[:-4] + " …"
    assert _ended("usually finds 6.8") == "usually finds 6.8 …" and len(_ended(wide)) <= WIDTH
