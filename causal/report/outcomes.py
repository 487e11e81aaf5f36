"""Several outcomes of one treatment: p-values that allow for having looked at all of them.

Runs that ask the same of the same data and differ in the outcome alone are a family. Their authorities' scores (influence.csv) are matched by
name, and Romano & Wolf's step-down takes what ties the outcomes together from them (`causal.inference.multiplicity.romano_wolf`).
"""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from causal.draws import stream
from causal.errors import DataError, refusal
from causal.inference.multiplicity import romano_wolf
from causal.report.phrases import estimand, variable

DRAWS = 9_999
SAME = ("treatment", "control", "treated", "lag", "level", "target")
Scores = Mapping[str, float]
Run = tuple[Mapping[str, Any], Path, str]


def scores_of(folder: Path) -> dict[str, float]:
    """Cluster → score of a run's estimate; empty where the run kept none.

    Raises
    ------
    DataError : influence.csv has no score column, or a cell that is no number.
    """
    path = Path(folder) / "influence.csv"
    if not path.is_file():
        return {}
    with path.open(encoding="utf-8", newline="") as opened:
        rows = list(csv.DictReader(opened))
    try:
        return {row["authority_code"]: float(row["score"]) for row in rows}
    except (KeyError, TypeError, ValueError) as problem:
        raise refusal(DataError, str(path), "the columns authority_code and score with numbers", f"{problem}", "run the study again") from problem


def families(runs: Sequence[Run]) -> list[dict[str, Any]]:
    """Families of two outcomes or more, each with its runs' own and adjusted p-values.

    Parameters
    ----------
    runs : records, each with its folder and the path by which its report is named.

    Returns
    -------
    families : what the runs share, `clusters` in all, and `outcomes`: report, outcome, p-value, adjusted p-value (never below the run's own; None where
        the run kept no scores, with the reason).
    """
    grouped: dict[tuple[Any, ...], list[Run]] = {}
    for run in runs:
        if run[0]["estimate"]:
            grouped.setdefault(_shared(run[0]), []).append(run)
    made = []
    for key in sorted(grouped, key=str):
        members = sorted(grouped[key], key=lambda run: (run[0]["question"]["outcome"], run[0]["title"], run[2]))
        if len({data["question"]["outcome"] for data, _, _ in members}) > 1:
            made.append(_family(members))
    return made


def _shared(data: Mapping[str, Any]) -> tuple[Any, ...]:
    question, estimate, source = data["question"], data["estimate"], data["source"]
    unit = variable(data, question["treatment"])["unit"]
    return (*(question[key] for key in SAME), unit, estimate["estimator"], estimand(estimate), source["title"], source["simulated"])


def _family(members: Sequence[Run]) -> dict[str, Any]:
    first = members[0][0]
    kept: list[float] = []
    columns: list[Scores] = []
    tested: dict[tuple[Any, ...], int] = {}
    rows = []
    for data, folder, link in members:
        estimate, scores = data["estimate"], scores_of(folder)
        # one outcome estimated twice over alike is one hypothesis
        same = (data["question"]["outcome"], estimate["effect"], estimate["std_error"])
        why = unusable(estimate, scores)
        if why is None and same not in tested:
            tested[same] = len(kept)
            kept.append(estimate["effect"])
            columns.append(scores)
        rows.append((data, link, None if why else tested[same], why))
    clusters = sorted({name for scores in columns for name in scores})
    adjusted = None
    if len(kept) > 1:
        stacked = np.array([[scores.get(name, 0.0) for scores in columns] for name in clusters])
        adjusted = romano_wolf(np.array(kept), stacked, stream(0, "romano_wolf"), DRAWS)
    return {
        **{key: first["question"][key] for key in SAME},
        "estimator": first["estimate"]["estimator"],
        "estimand": estimand(first["estimate"]),
        "method": f"Romano–Wolf step-down, {DRAWS:,} draws of the authorities' signs",
        "clusters": len(clusters),
        "outcomes": [
            {
                "title": data["title"],
                "outcome": data["question"]["outcome"],
                "report": link,
                "p_value": data["estimate"]["p_value"],
                "p_value_adjusted": _never_below(adjusted, at, data["estimate"]["p_value"]),
                "reason": why,
            }
            for data, link, at, why in rows
        ],
    }


def unusable(estimate: Mapping[str, Any], scores: Scores) -> str | None:
    """Why a run cannot be counted; None if it can.

    Parameters
    ----------
    estimate : of a record; outcome units.
    scores : authority → its score, whose squares add to the squared standard error.
    """
    if not scores:
        return "it kept no scores by authority"
    if not estimate["std_error"]:
        return "its error is not known"
    length = float(np.sqrt(sum(score**2 for score in scores.values())))
    if abs(length - estimate["std_error"]) > 1e-6 * estimate["std_error"]:
        return f"its scores add to {length:.4g} and its error is {estimate['std_error']:.4g}: influence.csv is not of this run"
    return None


def _never_below(adjusted: Any, at: int | None, own: float | None) -> float | None:
    if adjusted is None or at is None:
        return None
    return max(float(adjusted[at]), own or 0.0)
