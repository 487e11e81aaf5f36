"""A protocol: what will be done, fixed before any result, and what was done otherwise in the end.

The Magenta Book and its TIGER companion ask for evaluations to be registered beforehand. A protocol holds the whole configuration, what the graph
asks for, who is left out, the checks that decide and the power of the design. Of the outcome only is read which values are missing; a digest of
all other data and of the protocol itself tells later whether either was changed.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np

from causal.analysis import analyse
from causal.design import Design
from causal.document import read_yaml
from causal.errors import ConfigError, refusal
from causal.panel import Panel
from causal.study import Study, must_have
from causal.verdict.power import before_results
from causal.verdict.rule import KINDS

SCHEMA = 1
AUTOCORRELATIONS = (0.0, 0.4, 0.8)  # shown where the question declares none


GOLDEN = (5**0.5 - 1) / 2  # multiples of it spread evenly over 0 to 1 and repeat nowhere


def blinded(panel: Panel, outcome: str) -> Panel:
    """The panel with every known value of the outcome replaced by its row's turn in a sequence that owes nothing to it: only which are missing can be read.

    The turns differ, since a design has no use for an outcome that is the same everywhere.

    Parameters
    ----------
    panel : as loaded.
    outcome : the column that nobody shall see.
    """
    turns = np.arange(len(panel.frame)) * GOLDEN % 1.0
    return replace(panel, frame=panel.frame.assign(**{outcome: np.where(panel.frame[outcome].isna(), np.nan, turns)}))


def _digest_without(panel: Panel, outcome: str) -> str:
    """The digest of the panel with every known value of the outcome put at 1."""
    return replace(panel, frame=panel.frame.assign(**{outcome: np.where(panel.frame[outcome].isna(), np.nan, 1.0)})).digest


def read_plan(path: Path) -> dict[str, Any]:
    """What `causal plan` wrote, without its curves.

    Parameters
    ----------
    path : of a plan.json.

    Raises
    ------
    ConfigError : no file of that kind.
    """
    try:
        made = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeError, ValueError) as problem:
        raise refusal(ConfigError, f"--plan {path}", "a plan.json of  causal plan", type(problem).__name__, "name the file beside plan.html") from problem
    if not isinstance(made, dict) or not {"kind", "detectable", "places"} <= set(made):
        raise refusal(ConfigError, f"--plan {path}", "a plan.json of  causal plan", "another file", "name the file beside plan.html")
    return {key: value for key, value in made.items() if key != "curve"}


def protocol(study: Study, *, config: Mapping[str, Any], words: Sequence[str], planned: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """What `causal explain --save` writes, as plain values.

    Parameters
    ----------
    study : what is to be fixed before its outcome is looked at.
    config : resolved configuration of the study.
    words : the overrides that made it.
    planned : what a plan before the data says, with the places chosen for a pilot; None where there was none.

    Raises
    ------
    DesignError : the graph does not identify the question, or these data cannot carry it.
    """
    panel = study.source.load()
    must_have(study, panel)
    question = study.question
    blind = blinded(panel, question.outcome)
    analysis = analyse(blind, question, study.graph, estimator=study.estimator, adjust_for=study.adjust_for)
    found, made = analysis.identification, analysis.must(", so there is no analysis to fix beforehand")
    plan = {
        "schema_version": SCHEMA,
        "title": study.title,
        "action": study.action,
        "question": {key: list(value) if isinstance(value, tuple) else value for key, value in asdict(question).items()},
        "estimator": study.estimator.name,
        "strategy": found.strategy,
        "adjust_for": [str(name) for name in found.adjust_for],
        "assumptions": list(found.assumptions),
        "checks": list(study.refuters),
        "bias": {kind: list(study.rule.bias[kind]) for kind in KINDS},
        "design": _rows(made),
        "power": _power(made),
        "data": {"title": panel.title, "digest_without_outcome": _digest_without(panel, question.outcome)},
        "words": list(words),
        "config": dict(config),
    } | ({} if planned is None else {"planned": dict(planned)})
    return plan | {"digest": _digest(plan)}


def _rows(design: Design) -> dict[str, Any]:
    return {
        "rows": design.rows,
        "authorities": len(design.authorities),
        "years": [int(design.year.min()), int(design.year.max())],
        "held_fixed": list(design.words),
        "left_out": [f"{loss.step}: {loss.rows} rows" + (f", all of {', '.join(loss.authorities)}" if loss.authorities else "") for loss in design.lost],
    }


def _power(design: Design) -> dict[str, Any]:
    """Detectable effects: per residual standard deviation, and in outcome units where the question declares one with its source."""
    question = design.question
    declared = question.outcome_autocorrelation
    said: dict[str, Any] = {
        "detectable_effect_per_residual_sd": {
            f"yearly autocorrelation {one:g}": round(before_results(design, one), 4) for one in ((declared,) if declared is not None else AUTOCORRELATIONS)
        }
    }
    if question.outcome_sd is not None:
        one = declared if declared is not None else 0.0
        said |= {
            "detectable_effect": round(question.outcome_sd * before_results(design, one), 4),
            "unit": design.outcome_variable.unit,
            "residual_sd": question.outcome_sd,
            "source": question.outcome_sd_source,
            "smallest_important": question.smallest_important,
        }
    return said


def _digest(plan: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(plan, sort_keys=True, ensure_ascii=False, default=str).encode()).hexdigest()


def saved(path: Path) -> dict[str, Any]:
    """A protocol read back.

    Raises
    ------
    ConfigError : no protocol is there, or it was changed after it was saved.
    """
    plan = read_yaml(path, "a protocol (causal explain … --save FILE writes one)")
    if not isinstance(plan, dict) or "config" not in plan or "digest" not in plan:
        raise refusal(ConfigError, f"protocol={path}", "a protocol", "something else", "causal explain … --save FILE  writes one")
    if plan.get("schema_version") != SCHEMA:
        raise refusal(ConfigError, f"protocol={path}", f"schema_version {SCHEMA}", repr(plan.get("schema_version")), "save a new one with this version")
    if _digest({key: value for key, value in plan.items() if key != "digest"}) != plan["digest"]:
        raise refusal(
            ConfigError,
            f"protocol={path}",
            "a protocol as it was saved",
            "one that was changed after: its digest is not that of what it holds",
            "save a new one, and say why",
        )
    # a digest is no signature, since anyone can make it anew: what is read of a protocol is looked at
    for key, kind in (("words", list), ("config", dict), ("data", dict), ("design", dict)):
        if not isinstance(plan.get(key), kind):
            raise refusal(
                ConfigError,
                f"protocol={path}: {key}",
                f"a {'list' if kind is list else 'mapping'}",
                repr(plan.get(key)),
                "save a new one with  causal explain … --save FILE",
            )
    missing = [*({"digest_without_outcome"} - plan["data"].keys()), *sorted({"rows", "authorities", "years"} - plan["design"].keys())]
    if missing:
        raise refusal(ConfigError, f"protocol={path}", "a protocol", f"one that lacks {', '.join(missing)}", "causal explain … --save FILE  writes one")
    return plan


def deviations(plan: Mapping[str, Any], *, config: Mapping[str, Any], panel: Panel, outcome: str, made: Design | None) -> list[str]:
    """What a run did otherwise than its protocol says, as sentences; none where it followed it.

    Parameters
    ----------
    plan : a protocol, as `protocol` wrote it.
    config : resolved configuration of the run.
    panel : its data.
    outcome : the column whose values the protocol did not see.
    made : its design; None where it has none.
    """
    then, now = _flat(plan["config"]), _flat(config)
    said = [
        f"the protocol says {then.get(key, 'nothing')!s} for {key}; it is {now.get(key, 'left out')!s}"
        for key in sorted(then.keys() | now.keys())
        if then.get(key) != now.get(key)
    ]
    if outcome not in panel.names or _digest_without(panel, outcome) != plan["data"]["digest_without_outcome"]:
        said.append("the data are not those of the protocol: other values than the outcome's, or which outcomes are missing, have changed")
    if made is not None:
        rows = _rows(made)
        said += [
            f"the protocol has {key} {plan['design'][key]}; here {rows[key]}" for key in ("rows", "authorities", "years") if rows[key] != plan["design"][key]
        ]
    return said


def _flat(config: Any, where: str = "") -> dict[str, Any]:
    """Nested keys as one dotted level."""
    if not isinstance(config, Mapping) or not config:
        return {where: config}
    return {name: value for key, part in config.items() for name, value in _flat(part, f"{where}.{key}" if where else str(key)).items()}
