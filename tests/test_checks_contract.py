"""What every check keeps to, found by capability: it says what it is and what it lacks before it runs, and degenerate answers crash none of them.

A class of an outsider's that breaks the contract gets one message that names class, field and what was wanted, before any page is written.
"""

from __future__ import annotations

import importlib
import pkgutil
import warnings
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np
import pandas as pd
import pytest
from threadpoolctl import threadpool_limits
from worlds import ADOPTION, GRAPH, QUESTION, World

import causal.refuters
from causal.draws import stream
from causal.errors import CausalError, ConfigError
from causal.estimators.fixed_effects import FirstDifference, FixedEffects
from causal.explain import explanation
from causal.panel import Panel, Variable
from causal.refutation import FAMILIES, ROLES, Refutation
from causal.refuters import labels
from causal.refuters.leave_one_out import LeaveOneOut
from causal.study import Study, run
from causal.trial import Setting, Trial

KNOBS: dict[str, dict[str, Any]] = {
    "covariate_balance": {"draws": 99},
    "few_clusters": {"draws": 99},
    "honest_did": {"draws": 100},
    "estimator_agreement": {"estimators": (FirstDifference(),)},
    "negative_control_outcome": {"outcomes": ("other",)},
    "negative_control_exposure": {"exposures": ("other",)},
    "second_measure": {"column": "other"},
}


def shelf() -> dict[str, Any]:
    """Every check there is, with few draws."""
    found = {}
    for module in pkgutil.iter_modules(causal.refuters.__path__):
        made = importlib.import_module(f"causal.refuters.{module.name}")
        for one in vars(made).values():
            if isinstance(one, type) and hasattr(one, "refute") and one.__module__ == made.__name__:
                few = {"draws": 25 if one.__dataclass_fields__["draws"].default != 999 else 99} if "draws" in one.__dataclass_fields__ else {}
                found[module.name] = one(**{**few, **KNOBS.get(module.name, {})})
    return found


SHELF = shelf()


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    with threadpool_limits(limits=1):
        yield


def panel(change: str = "clean", adoption: bool = False) -> Panel:
    """24 places over 6 years, with a column that has nothing to do with anything, broken in one way."""
    made = World(effect=2.0, authorities=24, years=6, adoption=adoption).load()
    frame = made.frame.assign(other=np.random.default_rng(1).normal(size=len(made.frame)))
    place, year = pd.factorize(frame.index.get_level_values("authority"))[0], frame.index.get_level_values("year").to_numpy()
    changes = {
        "clean": {},
        "constant": {"plans": 3.0},
        "copy": {"plans": 2 * frame["cut"]},
        "additive": {"plans": place + 0.1 * year},
        "one treated": {"cut": np.where((place == 3) & (year > 2013), 1.0, 0.0)},
        "huge": {"plans": 1e12 * frame["plans"]},
        "tiny": {"plans": 1e-12 * frame["plans"]},
    }
    other = Variable(name="other", label="another thing", unit="units", source="made up")
    return replace(made, frame=frame.assign(**changes[change]), variables=(*made.variables, other))


def study(change: str = "clean", adoption: bool = False, **more: Any) -> Study:
    @dataclass(frozen=True)
    class Made:
        def load(self) -> Panel:
            return panel(change, adoption)

    question = ADOPTION if adoption else QUESTION
    return Study(**{"title": "made", "action": "Doing it", "question": question, "graph": GRAPH, "source": Made(), "estimator": FixedEffects(), **more})


# What all keep to


def test_every_check_says_what_it_is_on_its_class_and_has_a_plain_name() -> None:
    assert set(labels()) == set(SHELF)
    for name, one in SHELF.items():
        assert one.name == name and type(one).family in FAMILIES and type(one).role in (*ROLES, None)
        assert type(one).label == labels()[name] and "_" not in labels()[name]
    bias = {name for name, one in SHELF.items() if one.family == "bias"}
    assert bias == {
        "pre_trend",
        "future_treatment",
        "reverse_causation",
        "placebo_dates",
        "anticipation",
        "implied_independence",
        "negative_control_outcome",
        "negative_control_exposure",
        "estimator_agreement",
        "link",
        "density",
        "covariates_at_cutoff",
        "placebo_cutoffs",
        "series_placebo_dates",
        "comparison_series",
        "synthetic_dates",
        "covariate_balance",
        "attrition",
        "monotonicity",
        "lag_length",
        "switchers_before",
        "carry_over",
    }, "the method's list of what speaks of bias"


@pytest.mark.parametrize("adoption", [False, True])
@pytest.mark.parametrize("change", ["clean", "constant", "copy", "additive", "one treated", "huge", "tiny"])
def test_no_check_crashes_and_none_that_needs_an_error_passes_on_a_degenerate_answer(change: str, adoption: bool) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            result = run(study(change, adoption, refuters=SHELF))
        except CausalError:
            return  # refused with a message, which is as good
    if result.estimate is None or change not in ("constant", "copy", "additive"):
        return
    ran = {one.name for one in result.refutations if one.survived is not None}
    # who is compared with whom does not hang on the outcome
    assert ran <= {"overlap", "extrapolation", "implied_independence", "graph_falsification"}, change
    assert all(one.reason for one in result.refutations if one.survived is None)


@pytest.mark.parametrize("adoption", [False, True])
def test_what_runs_is_known_before_and_does_not_hang_on_the_outcome(adoption: bool) -> None:
    """`explain` looks at no outcome; a check that it calls unable is not run, with that reason."""
    asked = study("clean", adoption, refuters=SHELF)
    said = explanation(asked)
    result = run(asked)
    unable = {one.name for one in result.refutations if f"  not run: {one.name}: " in said}
    assert unable and all(one.survived is None for one in result.refutations if one.name in unable)
    for one in result.refutations:
        if one.name in unable:
            assert f"  not run: {one.name}: {one.reason}" in said
    line = next(line for line in said.splitlines() if line.startswith("Checks: "))
    assert set(line.removeprefix("Checks: ").split(", ")) == set(SHELF) - unable


def test_a_p_value_comes_with_its_level_and_a_bias_check_with_bias_and_error() -> None:
    result = run(study(refuters=SHELF))
    for one in result.refutations:
        assert one.label == labels()[one.name] and one.family == SHELF[one.name].family
        if one.survived is not None:
            assert (one.level is None) == (one.p_value is None)
            if one.family == "bias":
                assert one.p_value is not None and one.bias is not None and one.bias_error is not None, one.name
                assert one.blind_below is None or one.blind_below > 0


def test_placebos_are_counted_and_rejections_are_those_of_the_estimate_s_own_test() -> None:
    found = next(one for one in run(study(refuters=SHELF)).refutations if one.name == "placebo_treatment")
    assert found.trials == 25 and found.alarms == found.numbers["false findings"] and found.lost == 0


def test_without_the_only_treated_place_there_is_no_answer_and_leave_one_out_fails() -> None:
    found = next(one for one in run(study("one treated", refuters={"leave_one_out": LeaveOneOut()})).refutations)
    assert found.survived is False and found.lost >= 1
    assert "no answer at all" in found.found and "The answer hangs on" in found.found


# An outsider's class


@dataclass(frozen=True)
class Mine:
    """A check of a user's own, that answers whatever it is told to."""

    says: Any = None
    family: ClassVar[Any] = "bias"
    role: ClassVar[Any] = None
    label: ClassVar[Any] = "mine"
    name: str = "mine"

    def unmet(self, setting: Setting) -> str | None:
        return None

    def refute(self, trial: Trial, rng: np.random.Generator) -> Refutation:
        words = dict.fromkeys(("asks", "expected", "found", "detects", "cannot_detect"), "it")
        return (
            Refutation(name=self.name, **{**words, "p_value": 0.5, "survived": True, "level": 0.05, **self.says}) if isinstance(self.says, dict) else self.says
        )


def test_an_outsider_s_check_that_keeps_the_contract_gets_its_family_from_its_class() -> None:
    result = run(study(refuters={"mine": Mine({"bias": np.float64(0.5), "survived": np.True_})}))
    assert result.refutations[0].survived is True
    assert [(one.family, one.label, one.bias) for one in result.refutations] == [("bias", "mine", 0.5)]


@dataclass(frozen=True)
class Breaks(Mine):
    """A class of a user's own whose method ends in an exception of any kind, or makes a noun without what it must have."""

    how: str = "raises"

    def refute(self, trial: Trial, rng: np.random.Generator) -> Refutation:
        if self.how == "raises":
            raise RuntimeError("boom")
        return Refutation(name=self.name, family="bias", role=None, survived=True, p_value=0.4)  # type: ignore[call-arg]


@pytest.mark.parametrize(("how", "said"), [("raises", r"RuntimeError: boom"), ("lacks", r"TypeError: .*missing .* 'asks', .*")])
def test_what_an_outsider_s_class_raises_is_one_line_that_names_class_and_line(how: str, said: str) -> None:
    with pytest.raises(
        ConfigError, match=rf"the check 'mine' \(test_checks_contract\.Breaks\): wanted an answer, got {said} \(test_checks_contract\.py, line \d+\)"
    ):
        run(study(refuters={"mine": Breaks(how=how)}))


@pytest.mark.parametrize(
    ("says", "message"),
    [
        (float("nan"), r"wanted a causal.refutation.Refutation to be returned, got nan"),
        (None, r"wanted a causal.refutation.Refutation to be returned, got None"),
        ({"p_value": float("nan")}, r"p_value: wanted a number from 0 to 1, or None, got nan"),
        ({"p_value": 1.2}, r"p_value: wanted a number from 0 to 1, or None, got 1.2"),
        ({"p_value": "0.5"}, r"p_value: wanted a number from 0 to 1, or None, got '0.5'"),
        ({"level": None}, r"wanted a level beside p_value 0.5, got none"),
        ({"bias": float("inf")}, r"bias: wanted a finite number in outcome units, or None, got inf"),
        ({"bias": np.ones(2)}, r"bias: wanted a finite number in outcome units"),
        ({"bias_error": -1.0}, r"bias_error: wanted a finite number of at least 0, or None, got -1.0"),
        ({"blind_below": float("nan")}, r"blind_below: wanted a finite number of at least 0"),
        ({"family": "prejudice"}, r"family: wanted one of bias, inference, .*got 'prejudice'"),
        ({"family": "record"}, r"wanted a Refutation with family 'bias', as its class says, got 'record'"),
        ({"role": "judge"}, r"role: wanted one of timing, .*got 'judge'"),
        ({"survived": None, "p_value": None}, r"reason: wanted why a check was not run"),
        ({"survived": 1}, r"survived: wanted True, False or None, got 1"),
        ({"trials": 10, "alarms": 11}, r"alarms: wanted no more than there are trials, 10, got 11"),
        ({"lost": -1}, r"lost: wanted a whole number of at least 0, got -1"),
        ({"found": None}, r"found: wanted words, got None"),
    ],
)
def test_what_an_outsider_s_check_returns_amiss_is_said_with_class_field_and_what_was_wanted(says: Any, message: str) -> None:
    asked = study(refuters={"mine": Mine(says)})
    with pytest.raises(ConfigError, match=message) as caught:
        run(asked)
    assert f"{Mine.__module__}.Mine" in str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("family", "prejudice", r"wanted family, one of 'bias', .*got 'prejudice'"),
        ("family", None, r"wanted family, one of 'bias'"),
        ("role", "judge", r"wanted role, one of 'timing', .*got 'judge'"),
        ("label", "", r"plain name for readers, got ''; write  label = 'words'"),
        ("refute", None, r"wanted a method refute\(trial, rng\)"),
        ("unmet", None, r"wanted a method unmet\(setting\)"),
    ],
)
def test_a_class_that_does_not_say_what_it_is_is_refused_before_anything_runs(key: str, value: Any, message: str) -> None:
    other = type("Other", (Mine,), {key: value})
    with pytest.raises(ConfigError, match=message) as caught:
        study(refuters={"mine": other()})
    assert "Other" in str(caught.value) and "refuters.mine" in str(caught.value)


def test_a_refutation_that_cannot_be_names_itself() -> None:
    with pytest.raises(ConfigError, match=r"Refutation 'mine': bias: wanted a finite number"):
        Mine({"bias": float("nan")}).refute(None, stream(1))  # type: ignore[arg-type]
