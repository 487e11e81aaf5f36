"""The contracts of `causal.testing`: the shelves keep them, and each clause is seen to fail on a class that breaks it.

What is on a shelf is found there; no name stands in a list. Truths are planted, and what is broken is broken by hand.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pandas as pd
import pytest

from causal.breakdown import Case
from causal.design import Design
from causal.errors import CausalError, DesignError
from causal.estimate import Estimate
from causal.estimators import shelf as estimators
from causal.estimators.fixed_effects import FixedEffects
from causal.experiments.compose import CONF, composed, study_from
from causal.needs import AUTHORITY_EFFECTS, Need
from causal.panel import Panel
from causal.refutation import Refutation
from causal.refuters import shelf as refuters
from causal.refuters.leave_one_out import LeaveOneOut
from causal.refuters.placebo_treatment import PlaceboTreatment
from causal.sources.rows import Children
from causal.sources.simulated import Simulated
from causal.testing import FAULTS, GROUNDS, ContractBroken, check_decomposition, check_estimator, check_refuter, check_source, quickened
from causal.testing.contract import Checked
from causal.testing.folder import FEW, GROUPS, check_folder, check_yaml, checked_folder
from causal.testing.worlds import World
from causal.trial import Setting, Trial

pytestmark = pytest.mark.filterwarnings("ignore")  # of libraries, on small panels


@pytest.mark.parametrize("name", estimators())
def test_every_estimator_on_the_shelf_keeps_the_contract(name: str) -> None:
    """Planted effects, on the made-up world that its needs admit."""
    checked = check_estimator(quickened(estimators()[name]()))
    assert checked.name == name and "finds what was planted and covers it" in (*checked.passed, *checked.skipped)


@pytest.mark.parametrize("name", refuters())
def test_every_check_on_the_shelf_keeps_the_contract_and_catches_the_fault_that_it_names(name: str) -> None:
    """Planted faults, and the same worlds without them."""
    checked = check_refuter(quickened(refuters()[name](), FEW))
    assert checked.name == name and "catches the fault that it names" in checked.passed


@pytest.mark.parametrize("path", sorted((CONF / "decomposition").glob("*.yaml")), ids=lambda path: path.stem)
def test_every_decomposition_on_the_shelf_keeps_the_contract(path: Path) -> None:
    """On a made-up panel, or on the headline study's where that lacks what it needs (prices)."""
    made = quickened(check_yaml(path, "decomposition"), {"draws": 20})
    try:
        checked = check_decomposition(made)
    except CausalError:
        study = study_from(composed([]))
        source: Any = study.source
        checked = check_decomposition(
            made, Case(panel=source.load(), question=study.question, graph=study.graph, estimator=study.estimator, action=study.action, source=source)
        )
    assert checked.name == path.stem


@pytest.mark.parametrize("path", sorted((CONF / "source").glob("*.yaml")), ids=lambda path: path.stem)
def test_every_source_on_the_shelf_keeps_the_contract(path: Path, tmp_path: Path) -> None:
    """One that reads is given what it says that it reads: a folder of published files, or a table of a made-up panel."""
    from england_folder import build

    made = check_yaml(path, "source")
    if path.stem == "rows":
        world = Simulated(authorities=20, years=6)
        made = replace(made, table=Children(world=world, children=2_000).table(), outcome="plans")
        check_source(made)
        return
    if getattr(made, "path", None) is None or Path(str(made.path)).exists():
        check_source(made)
        return
    World(effect=3.0, authorities=12).load().subset(years=[2015]).frame.reset_index().drop(columns="year").to_csv(tmp_path / "mine.csv", index=False)
    given = [replace(made, path=str(tmp_path / "mine.csv")), replace(made, path=str(build(tmp_path / "published")))]
    read = []
    for one in given:
        try:
            one.load()
        except CausalError:
            continue
        read.append(one)
    assert len(read) == 1
    assert "says what every column holds" in check_source(read[0]).passed


def test_every_fault_is_caught_by_a_check_and_every_ground_serves_an_estimator() -> None:
    """A world that nothing is tried on would be no test."""
    assert {made.catches for made in refuters().values()} == set(FAULTS)
    served = {check_estimator(quickened(made()), panels=4).on for made in estimators().values() if getattr(made(), "quick", False)}
    served |= {ground.words for name, ground in GROUNDS.items() if name in ("dose", "doses", "apart", "offer")}  # slow ones serve these
    assert served == {ground.words for ground in GROUNDS.values()}


# Each clause can fail


@dataclass(frozen=True, slots=True, kw_only=True)
class Broken:
    """Fixed effects, broken in one way."""

    way: str = ""
    needs: ClassVar[tuple[Need, ...]] = (AUTHORITY_EFFECTS,)
    answers: ClassVar[tuple[str, ...]] = ("ATE",)
    targets: ClassVar[str] = "ATE"
    costs: ClassVar[str] = "milliseconds"
    name: str = "broken"

    def estimate(self, design: Design, rng: np.random.Generator) -> Estimate:
        """Right, but for the one thing."""
        if self.way == "serves anything":
            design = replace(design, question=replace(design.question, target="ATE"))
        if self.way == "serves any design":
            design = replace(design, absorb=("authority", "year")) if design.absorb != ("authority", "year") else design
        made = replace(FixedEffects().estimate(design, rng), estimator=self.name)
        if self.way == "crashes where rows are missing" and not design.balanced:
            raise DesignError("not today")
        assert made.std_error is not None and made.lower is not None and made.upper is not None and made.influence is not None
        shift = {
            "sign": -2 * made.effect,
            "per unit and not for the contrast": made.effect / design.question.contrast - made.effect,
            "a unit": 1.0,
            "own chance": float(np.random.default_rng().normal()),
            "first row": float(design.outcome[0] - np.sort(design.outcome)[0]) * 0.01,
        }.get(self.way, 0.0)
        made = replace(made, effect=made.effect + shift, lower=made.lower + shift, upper=made.upper + shift)
        changes: dict[str, Any] = {
            "another name": {"estimator": "else"},
            "half the error": {"std_error": made.std_error / 4, "lower": made.effect - made.std_error / 4, "upper": made.effect + made.std_error / 4},
            "scores": {"influence": 2 * made.influence},
            "an interval beside its effect": {"lower": made.effect + 0.1 * made.std_error},
            "no interval and a p-value": {"lower": None, "upper": None, "influence": None},
            "no concern of feedback": {"concerns": ()},
        }.get(self.way, {})
        if self.way == "half the error":
            changes["influence"] = made.influence / 4
        return replace(made, **changes)


@dataclass(frozen=True, slots=True, kw_only=True)
class BrokenLinear(Broken):
    """Says that it is linear, on another design than its answer's."""

    def regression(self, design: Design) -> Design:
        """Without the controls."""
        return replace(design, controls=design.controls[:, :0], control_names=(), control_groups={})


@pytest.mark.parametrize(
    ("way", "clause"),
    [
        ("another name", "answers with an estimate of its own name"),
        ("an interval beside its effect", "holds its effect inside its interval"),
        ("no interval and a p-value", "holds its effect inside its interval"),
        ("scores", "gives one score for each cluster"),
        ("own chance", "answers twice the same"),
        ("a unit", "does not mind the units of measurement"),
        ("sign", "finds what was planted"),
        ("per unit and not for the contrast", "does not mind the units"),
        ("half the error", "finds what was planted and covers it"),
        ("crashes where rows are missing", "serves an unbalanced panel or refuses it"),
        ("serves anything", "refuses a target that it does not have"),
        ("serves any design", "refuses what it says that it needs"),
        ("no concern of feedback", "says that feedback undermines"),
    ],
)
def test_a_clause_fails_on_an_estimator_that_breaks_it(way: str, clause: str) -> None:
    """Broken by hand in one way each; the message names the class and the clause."""
    with pytest.raises(ContractBroken, match=clause) as caught:
        check_estimator(Broken(way=way), panels=20)
    assert "Broken" in str(caught.value) and "\n" not in str(caught.value)


def test_an_unbroken_copy_passes_and_a_wrong_regression_does_not() -> None:
    assert check_estimator(Broken()).name == "broken"
    with pytest.raises(ContractBroken, match="redraws as it would refit"):
        check_estimator(BrokenLinear())


@pytest.mark.parametrize(
    ("key", "value", "says"),
    [
        ("needs", ["a panel"], "needs must be a tuple"),
        ("answers", "ATE", "answers must be a tuple"),
        ("answers", ("weights",), "answers must be a tuple"),
        ("targets", "", "targets must say"),
        ("costs", None, "costs must say"),
        ("strategy", "magic", "strategy must be"),
    ],
)
def test_an_estimator_that_does_not_say_what_it_is_is_refused_with_the_key(key: str, value: Any, says: str) -> None:
    other = type("Other", (FixedEffects,), {key: value, "__slots__": ()})
    with pytest.raises(ContractBroken, match=says):
        check_estimator(other())


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """Leave one out, broken in one way."""

    way: str = ""
    family: ClassVar[Any] = "stability"
    role: ClassVar[Any] = None
    label: ClassVar[str] = "a look"
    catches: ClassVar[str] = "one_odd_place"
    name: str = "look"

    def unmet(self, setting: Setting) -> str | None:
        """Nothing, unless it looks at the outcome."""
        return "it is high" if self.way == "unmet looks at the outcome" and setting.design.outcome[0] > np.median(setting.design.outcome) else None

    def refute(self, trial: Trial, rng: np.random.Generator) -> Refutation:
        """Right, but for the one thing."""
        if self.way == "writes into the panel":
            trial.panel.frame.iloc[0, 0] += 1.0
        made = replace(LeaveOneOut().refute(trial, rng), name=self.name, label=self.label, role=None)
        changes: dict[str, Any] = {
            "never fails": {"survived": True, "reason": None},
            "always fails": {"survived": False, "reason": None},
            "without words": {"cannot_detect": " "},
            "a number that is none": {"numbers": {"x": float("nan")}},
            "own chance": {"numbers": {"x": float(np.random.default_rng().normal())}},
            "passes without an error": {"survived": True, "p_value": 0.5, "level": 0.05, "reason": None} if trial.estimate.std_error is None else {},
        }.get(self.way, {})
        return replace(made, **changes)


@pytest.mark.parametrize(
    ("way", "clause"),
    [
        ("never fails", "catches the fault that it names.*seen in 0"),
        ("always fails", "catches the fault that it names.*6 alarms"),
        ("without words", "speaks in words"),
        ("a number that is none", "speaks in words and finite numbers"),
        ("own chance", "answers twice the same"),
        ("writes into the panel", "answers twice the same|leaves its trial as it was"),
        ("unmet looks at the outcome", "knows what it lacks without the outcome"),
        ("passes without an error", "stands aside where there is no error"),
    ],
)
def test_a_clause_fails_on_a_check_that_breaks_it(way: str, clause: str) -> None:
    """Broken by hand in one way each."""
    with pytest.raises(ContractBroken, match=clause):
        check_refuter(Look(way=way))


def test_a_check_without_a_fault_is_told_which_there_are_and_its_own_will_do() -> None:
    with pytest.raises(ContractBroken, match=r"Did you mean .one_odd_place"):
        check_refuter(type("Other", (Look,), {"catches": "one_od_place", "__slots__": ()})())
    own = type("Own", (Look,), {"planted": staticmethod(FAULTS["one_odd_place"].make), "__slots__": ()})
    assert check_refuter(own()).on == "a fault of its own"
    assert check_refuter(Look()).name == "look"


class Source:
    """A made-up panel, broken in one way."""

    def __init__(self, way: str) -> None:
        self.way, self.seed = way, 0

    def load(self) -> Panel:
        """Right, but for the one thing."""
        self.seed += self.way == "another each time"
        panel = World(authorities=12, seed=self.seed).load()
        if self.way == "no unit":
            return replace(panel, variables=(replace(panel.variables[0], unit=""), *panel.variables[1:]))
        if self.way == "not lasting":
            return replace(panel, variables=tuple(replace(one, varies="authority") if one.name == "cut" else one for one in panel.variables))
        if self.way == "no population":
            return replace(panel, population=None)
        if self.way == "a mark and a number":
            key = pd.MultiIndex.from_tuples([("A0001", 2012, "plans")], names=["authority", "year", "variable"])
            return replace(panel, reasons=pd.Series(["c"], index=key, dtype=object))
        return panel


@pytest.mark.parametrize(
    ("way", "clause"),
    [
        ("another each time", "loads the same panel each time"),
        ("no unit", "says what every column holds"),
        ("not lasting", "varies as each column says"),
        ("no population", "names its population"),
        ("a mark and a number", "gives reasons for numbers that are missing only"),
    ],
)
def test_a_clause_fails_on_a_source_that_breaks_it(way: str, clause: str) -> None:
    with pytest.raises(ContractBroken, match=clause):
        check_source(Source(way))


def test_a_decomposition_that_leans_on_chance_is_refused() -> None:
    path = CONF / "decomposition/peers.yaml"
    good = check_yaml(path, "decomposition")

    class Chancy:
        name = good.name

        def decompose(self, case: Any, rng: np.random.Generator) -> Any:
            return replace(good.decompose(case, rng), headline=os.urandom(4).hex())

    with pytest.raises(ContractBroken, match="answers twice the same"):
        check_decomposition(Chancy())


@pytest.mark.parametrize("group", GROUPS)
def test_a_knob_of_a_shipped_yaml_has_its_class_s_default_or_says_beside_it_that_it_has_another(group: str) -> None:
    """So that a notebook and the command line do the same; asked of the classes themselves, made without knobs."""
    tried = 0
    for path in sorted((CONF / group).glob("*.yaml")):
        text = path.read_text(encoding="utf-8")
        if "_target_" not in text and group == "refuters":
            continue  # a list of checks
        try:
            check_yaml(path, group)
            tried += 1
        except ContractBroken as why:
            assert "refuses its own configuration" in str(why) and "???" in text, why  # a file must be given first
    assert tried >= {"estimator": 40, "refuters": 40}.get(group, 3)


@pytest.mark.parametrize(
    ("knob", "says"),
    [
        ("draws: 400", "draws must have its class's default, got 400 in the YAML and 500"),
        ("draws: 400  # the class has 500: few will do", ""),
        ("draws: 500", ""),
    ],
)
def test_another_default_in_a_yaml_than_in_its_class_is_said(knob: str, says: str, tmp_path: Path) -> None:
    (tmp_path / "refuters").mkdir()
    path = tmp_path / "refuters" / "placebo_treatment.yaml"
    shipped = (CONF / "refuters" / "placebo_treatment.yaml").read_text(encoding="utf-8")
    path.write_text(re.sub(r"(?m)^draws:.*$", knob, shipped), encoding="utf-8")
    if says:
        with pytest.raises(ContractBroken, match=re.escape(says)):
            check_yaml(path, "refuters")
    else:
        check_yaml(path, "refuters")


def test_a_folder_is_gone_through_to_its_end_whatever_is_broken_in_it(tmp_path: Path) -> None:
    """Two faults of two kinds and one sound class: all three are said at once."""
    for group in ("refuters", "estimator"):
        (tmp_path / group).mkdir()
    (tmp_path / "estimator" / "fixed_effects.yaml").write_bytes((CONF / "estimator" / "fixed_effects.yaml").read_bytes())
    for name in ("mine", "ours"):
        text = (CONF / "refuters" / "leave_one_out.yaml").read_text(encoding="utf-8")
        (tmp_path / "refuters" / f"{name}.yaml").write_text(text if name == "mine" else text.partition("\n")[2], encoding="utf-8")
    found, broken = checked_folder(tmp_path)
    assert [one.name for one in found if isinstance(one, Checked)] == ["fixed_effects"]
    assert [name for one in broken for name in ("mine.yaml", "ours.yaml") if name in str(one)] == ["mine.yaml", "ours.yaml"]
    (tmp_path / "estimator" / "fixed_effects.yaml").unlink()
    with pytest.raises(ContractBroken, match=r"(?s)mine\.yaml.*ours\.yaml"):
        check_folder(tmp_path)


class Afraid:
    """Placebos, and an alarm wherever the answer is clearly no zero: right wherever nothing is there, and wrong wherever something is."""

    family, role, label, catches, name = "inference", None, "afraid of what is there", "rows_as_independent", "afraid"

    def unmet(self, setting: Setting) -> str | None:
        return None

    def refute(self, trial: Trial, rng: np.random.Generator) -> Refutation:
        made = PlaceboTreatment(draws=99).refute(trial, rng)
        clear = trial.estimate.p_value is not None and trial.estimate.p_value < 1e-6
        return replace(made, name=self.name, label=self.label, role=None, survived=False if clear else made.survived)


def test_a_check_of_inference_that_takes_a_true_effect_for_a_fault_is_seen() -> None:
    """A true effect of many standard errors is planted, and the interval is sound; the shipped placebos pass there (the shelf's own test)."""
    with pytest.raises(ContractBroken, match="does not take a true effect for the fault: in 6 panels without the fault"):
        check_refuter(Afraid())
    assert "does not take a true effect for the fault" in check_refuter(PlaceboTreatment(draws=99)).passed
