"""What an estimate is of: one equality for every room, and answers of an outsider's class that are not of the form wanted."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from test_report import provenance, study
from worlds import GRAPH, QUESTION, World

from causal.design import Design, design
from causal.draws import stream
from causal.errors import EstimationError, NotWhatWasWanted
from causal.estimand import Conditioning, DesignFacts, Estimand
from causal.estimate import Estimate, Part, answer
from causal.estimators.difference import Difference
from causal.estimators.dml import LinearDml
from causal.estimators.event_study import EventStudy
from causal.estimators.fixed_effects import FirstDifference, FixedEffects
from causal.estimators.poisson_fixed_effects import PoissonFixedEffects
from causal.estimators.within_between import WithinBetween
from causal.identify import identify
from causal.panel import Panel
from causal.question import Question
from causal.refuters.estimator_agreement import EstimatorAgreement
from causal.report.compare import compare
from causal.report.files import rebuild, write
from causal.report.record import read
from causal.study import run
from causal.trial import Trial


def designed(panel: Panel, question: Question = QUESTION) -> Design:
    return design(panel, question, identify(question, GRAPH, measured=panel.names))


MADE = designed(World(effect=3.0).load())
SOME = Estimand(family="average", comparison="within", population="all", weighting="rows")


def of(estimator: Any) -> Estimate:
    made: Estimate = estimator.estimate(MADE, stream(1, "x"))
    return made


def test_ways_to_take_lasting_differences_out_are_one_effect_and_differ_in_weighting_alone() -> None:
    """Planted by definition: the same slope within authorities; a rate, an average over years or an association is another effect."""
    within = [of(one) for one in (FixedEffects(), FirstDifference(), WithinBetween(), LinearDml(folds=2, repetitions=1))]
    assert len({one.estimand.key for one in within}) == 1 and all(one.same_effect(within[0]) for one in within)
    assert [one.estimand.weighting for one in within] == ["residual_variance", "change_variance", "residual_variance", "residual_variance"]
    assert within[0].estimand == within[2].estimand == within[3].estimand != within[1].estimand
    others = [of(one) for one in (PoissonFixedEffects(), EventStudy(), Difference())]
    assert len({one.estimand.key for one in (within[0], *others)}) == 4
    assert not within[0].same_effect(replace(within[0], target="ATT"))


def test_the_check_on_agreement_asks_the_same_equality() -> None:
    mine = of(FixedEffects())
    trial = Trial(
        panel=World(effect=3.0).load(),
        question=QUESTION,
        identification=MADE.identification,
        estimator=FixedEffects(),
        design=MADE,
        estimate=mine,
        seed=1,
    )
    for other in (FirstDifference(), PoissonFixedEffects(), Difference()):
        found = EstimatorAgreement(estimators=(other,)).refute(trial, stream(1, "x"))
        assert ("answers another question" not in (found.reason or "")) == of(other).same_effect(mine), other.name


def test_the_comparison_puts_one_effect_under_one_heading_and_tests_its_pairs(tmp_path: Path) -> None:
    folders = []
    for estimator in (FixedEffects(), FirstDifference(), WithinBetween(), Difference()):
        folders.append(tmp_path / estimator.name)
        write(run(study(estimator=estimator)), folders[-1], provenance(), "")
    compare(folders, folder=tmp_path / "together")
    (section,) = json.loads((tmp_path / "together" / "compare.json").read_text(encoding="utf-8"))["sections"]
    groups = {len(group["runs"]): group for group in section["groups"]}
    assert sorted(groups) == [1, 3]
    # each other run is set against the one that gives the answer
    pairs = section["differences"]["pairs"]
    assert {Path(pair["second"]).parent.name for pair in pairs} == {"fixed_effects"}
    assert {Path(pair["first"]).parent.name for pair in pairs} == {"first_difference", "within_between", "difference"}
    assert "weighted" not in groups[3]["estimand"]
    html = (tmp_path / "together" / "compare.html").read_text(encoding="utf-8")
    assert "weighted by the variance of yearly changes" in html and "average it differently" in html


def test_words_are_made_of_the_fields_and_codes_of_one_s_own_are_read_out() -> None:
    assert replace(SOME, weights="children", model="a line").words == (
        "average effect within authorities, every authority-year alike, each authority-year by its children (a line)"
    )
    assert replace(SOME, family="spill_over", population="the_young").effect == "spill over on the young within authorities"
    given = replace(SOME, windows=((2011, 2012), (2018, 2018)), comparison="changes", instruments=("z",))
    assert "change from 2011–2012 to 2018" in given.words
    back = json.loads(json.dumps({name: getattr(given, name) for name in given.__slots__}))
    assert Estimand.read(back) == given and Estimand.read("in words") == "in words"


def test_a_record_that_has_its_estimand_and_its_leads_in_words_still_makes_its_page(tmp_path: Path) -> None:
    write(run(study(estimator=EventStudy(leads=1, lags=1))), tmp_path / "old", provenance(), "")
    path = tmp_path / "old" / "result.json"
    data = json.loads(path.read_text(encoding="utf-8"))
    data["schema_version"] = 1
    for one in (data["estimate"], data["baseline"]):
        one["estimand"] = "an old sentence"
        del one["held"], one["facts"]
        for part in one["parts"]:
            for name in ("since", "open_ended", "group", "chosen"):
                del part[name]
    path.write_text(json.dumps(data), encoding="utf-8")
    known = {part["name"]: part["since"] for part in read(tmp_path / "old")["estimate"]["parts"] if part["kind"] == "time"}
    assert known == {"lead 2 or more": -2, "now": 0, "lag 1 or more": 1}
    rebuild(tmp_path / "old")
    html = (tmp_path / "old" / "report.html").read_text(encoding="utf-8")
    assert "an old sentence" in html and "Event study" in html
    compare([tmp_path / "old"], folder=tmp_path / "together")


@dataclass(frozen=True)
class Outsider:
    """Another's class, whose answer is changed before it is handed over."""

    change: Callable[[Estimate], object]
    name: str = "outsider"

    def estimate(self, design: Design, rng: np.random.Generator) -> Estimate:
        return self.change(replace(FixedEffects().estimate(design, rng), estimator="outsider"))  # type: ignore[return-value]


PART = {"of": "cut", "name": "lead 2", "effect": 1.0, "std_error": 1.0, "lower": -1.0, "upper": 3.0}
BAD: dict[str, tuple[Callable[[Estimate], object], str]] = {
    "nothing": (lambda one: None, r"Outsider\.estimate: wanted a causal\.estimate\.Estimate to be returned, got NoneType"),
    "a number": (lambda one: one.effect, r"wanted a causal\.estimate\.Estimate to be returned, got float"),
    "a field that is lacking": (lambda one: Estimate(estimator="outsider"), r"Outsider: .*got Estimate missing .*'estimand'"),  # type: ignore[call-arg]
    "a field that there is not": (
        lambda one: Conditioning(authority=True, year=True, controls=True, region=True),
        r"Outsider: .*got Conditioning got .*'region'",
    ),  # type: ignore[call-arg]
    "no effect": (lambda one: replace(one, effect=float("nan")), r"Outsider: the Estimate of outsider: effect: wanted a finite number, got nan"),
    "an error that is none": (lambda one: replace(one, std_error=float("nan")), r"outsider: std_error: wanted a number, or None"),
    "half an interval": (lambda one: replace(one, lower=None), r"outsider: lower and upper: wanted two numbers, or None for both"),
    "scores of another shape": (lambda one: replace(one, influence=np.ones((3, 2))), r"influence: wanted .* each of its 60 clusters, got shape \(3, 2\)"),
    "scores that are none": (lambda one: replace(one, influence=np.full(60, np.nan)), r"influence: wanted .* got numbers that are not finite"),
    "fewer clusters": (lambda one: replace(one, clusters=3, influence=np.ones(3)), r"one score of influence for each of the design's 60 clusters"),
    "an estimand in words": (lambda one: replace(one, estimand="average effect"), r"estimand: wanted a causal\.estimand\.Estimand, got 'average effect'"),  # type: ignore[arg-type]
    "an estimand that is no code": (lambda one: replace(one, estimand=replace(SOME, family="Average effect!")), r"Estimand\.family: wanted a code"),
    "facts that are none": (lambda one: replace(one, facts=DesignFacts(adopters=1.5)), r"DesignFacts\.adopters: wanted a whole number"),  # type: ignore[arg-type]
    "another target": (lambda one: replace(one, target="LATE"), r"target: wanted 'ATE' or 'ATT', got 'LATE'"),  # type: ignore[arg-type]
    "a lead without its number": (
        lambda one: replace(one, parts=(Part(kind="time", **PART),)),
        r"'lead 2' of 'cut': wanted the years .* since a part of kind 'time' .*since=None",
    ),  # type: ignore[arg-type]
    "a part of no kind": (lambda one: replace(one, parts=(Part(kind="lead", **PART),)), r"kind: wanted one of group, time"),  # type: ignore[arg-type]
    "a part that is none": (lambda one: replace(one, parts=("lead 2",)), r"parts: wanted things of the class causal\.estimate\.Part"),  # type: ignore[arg-type]
}


@pytest.mark.parametrize("case", BAD)
def test_an_answer_that_is_not_of_the_form_wanted_is_refused_with_class_and_field(case: str) -> None:
    change, says = BAD[case]
    with pytest.raises(EstimationError, match=says) as caught:
        answer(Outsider(change), MADE, stream(1, "x"))
    assert "test_estimand.Outsider" in str(caught.value)
    with pytest.raises(EstimationError, match="Outsider"):
        run(study(estimator=Outsider(change)))


def test_an_outsider_s_own_fault_is_not_taken_for_a_lacking_field() -> None:
    def broken(one: Estimate) -> object:
        raise TypeError("unsupported operand")

    with pytest.raises(NotWhatWasWanted, match=r"Outsider: wanted an answer, got TypeError: unsupported operand \(test_estimand\.py, line \d+\)"):
        answer(Outsider(broken), MADE, stream(1, "x"))
    assert answer(Outsider(lambda one: one), MADE, stream(1, "x")).estimator == "outsider"
