"""Records of many runs without running any: one small study's record, told otherwise in what a page shows of it."""

from __future__ import annotations

import copy
import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from test_report import judged, provenance, refutation

from causal.report.record import record
from causal.study import Result
from causal.verdict.rule import BIAS
from causal.words import signed

SEEING = ("pre_trend", "negative_control_outcome")  # checks that must have been able to see a bias that matters, for a moderate certainty
DEALT = refutation("placebo_treatment", True, 0.4, trials=500, alarms=25)
PASSED = (*(refutation(name, True, 0.5, blind_below=1.0 if name in SEEING else None) for name in BIAS["dose"]), DEALT)
# class or reason → lower, upper, checks, what else is changed of the estimate; δ = 2, harm a rise
KINDS: dict[str, tuple[float | None, float | None, tuple[Any, ...], dict[str, Any]]] = {
    "harm": (2.5, 7.5, PASSED, {}),
    "some_harm": (0.5, 7.5, PASSED, {}),
    "little_or_none": (-1.0, 1.5, PASSED, {}),
    "no_harm_that_matters": (-7.5, 0.5, PASSED, {}),
    "harm_still_open": (-0.5, 7.5, PASSED, {}),
    "cannot_tell": (-7.5, 7.5, PASSED, {}),
    "some_benefit": (-7.5, -0.5, PASSED, {}),
    "benefit_that_matters": (-7.5, -2.5, PASSED, {}),
    "very_low": (2.5, 7.5, (), {}),
    "failed_checks": (1.0, 5.0, (refutation(BIAS["dose"][0], False, 0.0001), *PASSED[1:]), {}),
    "association": (1.0, 5.0, PASSED, {"association": True}),
    "no_interval": (None, None, PASSED, {}),
}


def answered(bare: Result, kind: str) -> dict[str, Any]:
    """The record of the small study with an interval that makes this answer."""
    lower, upper, checks, change = KINDS[kind]
    assert bare.estimate is not None
    at = replace(bare, study=replace(bare.study, question=replace(bare.study.question, harm="increase")))
    if lower is None or upper is None:
        change = {**change, "effect": 3.0, "std_error": None, "p_value": None, "df": None}
    else:
        change = {**change, "effect": (lower + upper) / 2, "std_error": (upper - lower) / 4}
    estimate = replace(bare.estimate, lower=lower, upper=upper, influence=None, **change)
    return dict(json.loads(json.dumps(record(judged(replace(at, estimate=estimate), checks), provenance()))))


def told(data: Mapping[str, Any], *, truth: float | None = None, label: str = "", **change: Any) -> dict[str, Any]:
    """The same record with another planted truth, another label of the outcome, and other keys."""
    made = {**copy.deepcopy(dict(data)), **change}
    made["source"]["planted"] = {} if truth is None else {"truth": truth}
    for one in made["source"]["variables"]:
        if one["name"] == made["question"]["outcome"] and label:
            one["label"] = label
    return made


def estimated(data: Mapping[str, Any], estimator: str, effect: float, error: float, **change: Any) -> dict[str, Any]:
    """The same record by another estimator, with another effect; its range reaches two errors."""
    made = copy.deepcopy(dict(data))
    ends = {"effect": effect, "std_error": error, "lower": effect - 2 * error, "upper": effect + 2 * error, "df": 39.0}
    made["estimate"] |= {"estimator": estimator, **ends, **change}
    made["answer"] |= {"signed": signed(effect, 1), "interval": f"{signed(ends['lower'], 1)} to {signed(ends['upper'], 1)}"}
    return made


def kept(folder: Path, data: Mapping[str, Any], scores: Mapping[str, float] | None = None) -> Path:
    """A run's folder with this record, and the scores of its authorities."""
    folder.mkdir(parents=True)
    (folder / "result.json").write_text(json.dumps(data), encoding="utf-8")
    if scores:
        lines = ["authority_code,authority_name,score,simulated", *(f"{code},{code},{score!r},yes" for code, score in scores.items())]
        (folder / "influence.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return folder
