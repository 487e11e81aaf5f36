"""Shocks that places share: how often the check alarms, what the interval on its alarm holds, how often spillovers are found; and whose average an answer is.

    python benchmarks/shocks.py [--panels 400] [--only NAME …] [--tell]

What is expected stands in `shocks.yaml`, which was committed before any result. The worlds are made here, apart from the toolkit's simulated source and from
those of its tests: places on a plane in nine regions of unequal size, shocks that last, and waves that a group has in common. `shocks.csv` keeps a line a
panel, so that a run that was stopped goes on where it was; shocks.md is made from it after every cell, and with --tell alone.
"""

from __future__ import annotations

import argparse
import csv
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import yaml
from scipy import stats
from threadpoolctl import threadpool_limits

from causal.analysis import analyse
from causal.answer import answered
from causal.draws import stream
from causal.estimators.fixed_effects import FirstDifference, FixedEffects
from causal.estimators.mean_group import MeanGroup
from causal.graph import Graph
from causal.panel import Panel, Variable
from causal.question import Question
from causal.refute import refuted
from causal.refuters.estimator_agreement import EstimatorAgreement
from causal.refuters.shared_shocks import SharedShocks
from causal.refuters.spillover import Spillover
from causal.shared import widened
from causal.trial import Trial

HERE = Path(__file__).parent
KEPT, TOLD = HERE / "shocks.csv", HERE / "shocks.md"
SIZES, YEARS, LASTS = (30, 20, 16, 13, 12, 10, 8, 6, 5), 9, 0.4
ASKED = Question(treatment="cut", outcome="plans", control=0.0, treated=1.0, smallest_important=1.0, because="a benchmark")
GRAPH = Graph(
    name="shocks",
    nodes={"authority": {"varies": "authority"}, "year": {"varies": "year"}, "cut": {}, "plans": {}},
    arrows={
        "authority": {"cut": "made so", "plans": "made so"},
        "year": {"cut": "made so", "plans": "made so"},
        "cut": {"plans": "the question"},
    },
)
DRAWS = 499
SPREAD, STEEP = 0.6, 0.5  # of the log of how far a place's treatment moves, and by how much its effect goes with that


def lasting(draws: np.ndarray) -> np.ndarray:
    """Draws of variance 1 along years as a stationary autoregression of variance 1."""
    out = draws.copy()
    for t in range(1, draws.shape[1]):
        out[:, t] = LASTS * out[:, t - 1] + np.sqrt(1 - LASTS**2) * draws[:, t]
    return out


def panel(
    seed: int,
    outcome: float,
    treatment: float,
    by: str = "region",
    whole: bool = False,
    unequal: bool = False,
    spill: float = 0.0,
    effects: str = "alike",
) -> Panel:
    """One panel of a cell."""
    rng = np.random.default_rng([seed, 18])
    n = sum(SIZES)
    region = np.repeat(np.arange(len(SIZES)), SIZES)
    centre = rng.uniform(size=(len(SIZES), 2)) * 3
    at = centre[region] + 0.4 * rng.normal(size=(n, 2))
    apart = np.linalg.norm(at[:, None] - at[None], axis=2)
    near = np.argsort(apart, axis=1)[:, 1:6]
    score = rng.normal(size=n)
    tenth = np.argsort(np.argsort(score)) * 10 // n
    root = np.linalg.cholesky(np.exp(-apart / 0.7) + 1e-8 * np.eye(n))

    def waves(of: np.ndarray) -> np.ndarray:
        return lasting(rng.normal(size=(of.max() + 1, YEARS)))[of]

    def column(share: float) -> np.ndarray:
        if by == "distance":
            common = [root @ lasting(rng.normal(size=(n, YEARS)))]
        else:
            common = [waves(of) for of in ([region] if by == "region" else [tenth] if by == "deprivation" else [region, tenth])]
        size = np.exp(rng.normal(size=(n, 1)) * 0.6) if unequal else 1.0
        own = lasting(rng.normal(size=(n, YEARS))) * size
        return np.sqrt(1 - share * len(common)) * own + np.sqrt(share) * sum(common)

    cut = waves(region) if whole else column(treatment)
    slope = 1.0
    if effects == "variance":
        far = rng.normal(size=(n, 1))
        far -= far.mean()  # so that the slopes of this panel's places average 1 exactly
        cut, slope = cut * np.exp(SPREAD * far), 1 + STEEP * far
    mean = cut[near].mean(axis=1)
    plans = 40 + 5 * rng.normal(size=(n, 1)) + rng.normal(size=YEARS) + slope * cut + spill * mean + column(outcome)
    codes = [f"P{i:03d}" for i in range(n)]
    index = pd.MultiIndex.from_product([codes, range(2011, 2011 + YEARS)], names=["authority", "year"])
    said = {"deprivation": np.repeat(score, YEARS), "cut": cut.ravel(), "plans": plans.ravel()}
    return Panel(
        frame=pd.DataFrame(said, index=index),
        variables=tuple(
            Variable(name=name, label=name, unit="units", source="made up", varies="authority" if name == "deprivation" else "both") for name in said
        ),
        places=pd.DataFrame({"name": codes, "region": [f"Region {k}" for k in region]}, index=pd.Index(codes, name="authority")),
        title="shocks",
        borders=tuple(sorted({tuple(sorted((codes[i], codes[j]))) for i in range(n) for j in near[i]})),
    )


def one(cell: dict[str, Any], seed: int) -> dict[str, float]:
    """What one panel gave."""
    world = {name: cell[name] for name in ("outcome", "treatment", "by", "whole", "unequal", "spill", "effects") if name in cell}
    made, estimator = panel(seed, **world), FixedEffects()
    analysis = analyse(made, ASKED, GRAPH, estimator=estimator)
    design = analysis.must("")
    estimate = answered(estimator, design, stream(seed, "estimate"))
    trial = Trial.of(analysis, estimator, estimate, seed=seed)
    found = refuted(SharedShocks(draws=DRAWS), trial, stream(seed, "shared_shocks"))
    after = widened(estimator, made, design, estimate, found.shared, stream(seed, "estimate"))[1] if found.shared else estimate
    row = {"alarm": float(found.survived is False), "naive": _holds(estimate), "coverage": _holds(after)}
    row["longer"] = (after.upper - after.lower) / (estimate.upper - estimate.lower) if after.lower is not None and after.upper is not None else np.nan
    if "found" in cell:
        spilt = refuted(Spillover(), replace(trial), stream(seed, "spillover"))
        row["found"] = float(spilt.survived is False)
        truths = {"direct": 1.0, "spillover": cell.get("spill", 0.0), "total": 1 + cell.get("spill", 0.0)}
        row |= {part.name: float(part.lower <= truths[part.name] <= part.upper) for part in spilt.parts if part.lower is not None and part.upper is not None}
    if cell.get("effects") == "variance":
        row["mean group"] = _holds(answered(MeanGroup(), design, stream(seed, "estimate")))
        voices = EstimatorAgreement(estimators=(estimator, FirstDifference(), MeanGroup()))
        row["apart"] = float(refuted(voices, trial, stream(seed, "agreement")).survived is False)
        alike = replace(trial, question=replace(ASKED, places_alike=True))
        row["apart, places alike asked for"] = float(refuted(voices, alike, stream(seed, "agreement")).survived is False)
    return row


def _holds(estimate: Any) -> float:
    return float(estimate.lower is None or estimate.lower <= 1.0 <= estimate.upper)


def judged(cell: dict[str, Any], rows: pd.DataFrame) -> list[str]:
    """Which expectations of a cell are missed."""
    wrong = []
    for name in rows:
        said, known = cell.get(name), rows[name].dropna()
        if isinstance(said, dict):  # a share at most or at least
            for side, way in (("most", "greater"), ("least", "less")):
                if side in said and stats.binomtest(int(known.sum()), len(known), said[side], alternative=way).pvalue < 0.01:
                    wrong.append(f"{name} not at {side} {said[side]:g}")
        elif said is not None and stats.binomtest(int(known.sum()), len(known)).proportion_ci(0.999, "exact").high < said:  # an interval's coverage
            wrong.append(f"{name}: below {said:.0%}")
    return wrong


COLUMNS = ("alarm", "naive", "coverage", "longer", "found", "direct", "spillover", "total", "mean group", "apart", "apart, places alike asked for")


def kept() -> pd.DataFrame:
    """The panels that are there, a line each."""
    return pd.read_csv(KEPT) if KEPT.is_file() else pd.DataFrame(columns=["cell", "seed", *COLUMNS])


def tell(cells: dict[str, Any]) -> None:
    """Write the page of what is there."""
    found, lines = kept(), []
    for name, cell in cells.items():
        rows = found.loc[found["cell"] == name, list(COLUMNS)]
        if not len(rows):
            continue
        share = {key: f"{rows[key].mean():.3f}" if rows[key].notna().any() else "–" for key in COLUMNS}
        parts = " / ".join(share[key] for key in ("direct", "spillover", "total")) if share["direct"] != "–" else "–"
        alike = " / ".join(share[key] for key in COLUMNS[-3:]) if share["mean group"] != "–" else "–"
        wrong = "; ".join(judged(cell, rows)) or "as expected"
        shown = " | ".join(share[key] for key in ("alarm", "naive", "coverage"))
        lines.append(f"| {name} | {len(rows)} | {shown} | {rows['longer'].median():.2f} | {share['found']} | {parts} | {alike} | {wrong} |")
    head = [
        "# Shocks that places share",
        "",
        "What was expected stands in [shocks.yaml](shocks.yaml), committed before the results; [shocks.csv](shocks.csv) has a line a panel. 95 % intervals by",
        "fixed effects; the error of a share from n panels is at most .5/√n. Made by `python benchmarks/shocks.py`.",
        "",
        "| world | panels | alarms | holds, places as independent | holds, as reported | times as long (median) | spillover found "
        "| direct / spillover / total held | mean group holds / disagreement said / the same where places alike are asked for | expectations |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    TOLD.write_text("\n".join([*head, *lines, ""]), encoding="utf-8")


def lacking(name: str, panels: int) -> Iterator[int]:
    """Seeds of a cell that have not been run."""
    found = kept()
    there = set(found.loc[found["cell"] == name, "seed"])
    return (seed for seed in range(panels) if seed not in there)


def main() -> None:
    """Run the cells and write the page."""
    plan = yaml.safe_load((HERE / "shocks.yaml").read_text(encoding="utf-8"))
    parser = argparse.ArgumentParser()
    parser.add_argument("--panels", type=int, default=plan["panels"])
    parser.add_argument("--only", nargs="*", default=list(plan["cells"]))
    parser.add_argument("--tell", action="store_true", help="write the page of what is there, and run nothing")
    asked = parser.parse_args()
    with threadpool_limits(limits=1):
        for name in () if asked.tell else asked.only:
            seeds = list(lacking(name, asked.panels))
            new = not KEPT.is_file()
            with KEPT.open("a", encoding="utf-8", newline="") as file:
                lines = csv.writer(file, lineterminator="\n")
                if new:
                    lines.writerow(["cell", "seed", *COLUMNS])
                for seed in seeds:
                    row = one(plan["cells"][name], seed)
                    lines.writerow([name, seed, *(f"{row[key]:.4g}" if key in row else "" for key in COLUMNS)])
                    file.flush()
            tell(plan["cells"])
            print(f"{name}: {len(seeds)} panels", flush=True)
    tell(plan["cells"])


if __name__ == "__main__":
    main()
