"""Shocks that places share: how often the check alarms, what the interval on its alarm holds, and how often spillovers are found.

    python benchmarks/shocks.py [--panels 100] [--only NAME …]      writes shocks.md

What is expected stands in `shocks.yaml`, which was committed before any result. The worlds are made here, apart from the toolkit's simulated source and from
those of its tests: places on a plane in nine regions of unequal size, shocks that last, and waves that a group has in common.
"""

from __future__ import annotations

import argparse
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
from causal.estimators.fixed_effects import FixedEffects
from causal.graph import Graph
from causal.panel import Panel, Variable
from causal.question import Question
from causal.refute import Trial, refuted, stream
from causal.refuters.shared_shocks import SharedShocks
from causal.refuters.spillover import Spillover
from causal.shared import widened

HERE = Path(__file__).parent
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


def lasting(draws: np.ndarray) -> np.ndarray:
    """Draws of variance 1 along years as a stationary autoregression of variance 1."""
    out = draws.copy()
    for t in range(1, draws.shape[1]):
        out[:, t] = LASTS * out[:, t - 1] + np.sqrt(1 - LASTS**2) * draws[:, t]
    return out


def panel(seed: int, outcome: float, treatment: float, by: str = "region", whole: bool = False, unequal: bool = False, spill: float = 0.0) -> Panel:
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
    mean = cut[near].mean(axis=1)
    plans = 40 + 5 * rng.normal(size=(n, 1)) + rng.normal(size=YEARS) + cut + spill * mean + column(outcome)
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
    world = {name: cell[name] for name in ("outcome", "treatment", "by", "whole", "unequal", "spill") if name in cell}
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
        row["found"] = float(refuted(Spillover(), replace(trial), stream(seed, "spillover")).survived is False)
    return row


def _holds(estimate: Any) -> float:
    return float(estimate.lower is None or estimate.lower <= 1.0 <= estimate.upper)


def judged(cell: dict[str, Any], rows: pd.DataFrame) -> list[str]:
    """Which expectations of a cell are missed."""
    wrong, n = [], len(rows)
    for name in ("alarm", "found"):
        for side, way in (("most", "greater"), ("least", "less")):
            if side in cell.get(name, {}) and stats.binomtest(int(rows[name].sum()), n, cell[name][side], alternative=way).pvalue < 0.01:
                wrong.append(f"{name} not at {side} {cell[name][side]:g}")
    if cell.get("coverage") is not None and stats.binomtest(int(rows["coverage"].sum()), n).proportion_ci(0.999, "exact").high < cell["coverage"]:
        wrong.append(f"coverage below {cell['coverage']:.0%}")
    return wrong


def main() -> None:
    """Run the cells and write the page."""
    plan = yaml.safe_load((HERE / "shocks.yaml").read_text(encoding="utf-8"))
    parser = argparse.ArgumentParser()
    parser.add_argument("--panels", type=int, default=plan["panels"])
    parser.add_argument("--only", nargs="*", default=list(plan["cells"]))
    asked = parser.parse_args()
    lines = []
    with threadpool_limits(limits=1):
        for name in asked.only:
            cell = plan["cells"][name]
            rows = pd.DataFrame([one(cell, seed) for seed in range(asked.panels)])
            found = f"{rows['found'].mean():.2f}" if "found" in rows else "–"
            wrong = judged(cell, rows)
            shares = " | ".join(f"{rows[key].mean():.2f}" for key in ("alarm", "naive", "coverage"))
            lines.append(f"| {name} | {len(rows)} | {shares} | {rows['longer'].median():.2f} | {found} | {'; '.join(wrong) or 'as expected'} |")
            print(lines[-1], flush=True)
    head = [
        "# Shocks that places share",
        "",
        "What was expected stands in [shocks.yaml](shocks.yaml), committed before the results. 95 % intervals by fixed effects; the error of a share from",
        "n panels is at most .5/√n. Made by `python benchmarks/shocks.py`.",
        "",
        "| world | panels | alarms | holds, places as independent | holds, as reported | times as long (median) | spillover found | expectations |",
        "|---|---|---|---|---|---|---|---|",
    ]
    (HERE / "shocks.md").write_text("\n".join([*head, *lines, ""]), encoding="utf-8")


if __name__ == "__main__":
    main()
