"""Time and memory from 1,200 to 1,000,000 rows: the estimators with a closed form, and every check of the default list on fixed effects.

    python benchmarks/large.py [--rows N …] [--only NAME …] [--write]

Panels of eight years and as many places as that takes, with one control that changes in time, six regions and a dose that moves. Each number of rows
has a process of its own for the estimators, one for the checks and one for pyfixest's two-way fit beside ours (left out where it is not installed).
Seconds are processor seconds of one thread, once; memory is what a cell's peak lies above what was there before it (Linux: the kernel's own mark, set
back before each cell). What has been measured stands in large.csv and is not measured again, so that a run that was stopped goes on; --write makes
large.md from it, with slopes of logarithms between the two largest numbers of rows that are there.
"""
# ruff: noqa: PLC0415 - children import what they measure, the parent nothing of it

from __future__ import annotations

import argparse
import csv
import json
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

HERE = Path(__file__).parent
TABLE, PAGE = HERE / "large.csv", HERE / "large.md"
ROWS = (1_200, 10_000, 100_000, 1_000_000)
YEARS = 8
CLOSED = {
    "fixed_effects": "causal.estimators.fixed_effects.FixedEffects",
    "first_difference": "causal.estimators.fixed_effects.FirstDifference",
    "difference": "causal.estimators.difference.Difference",
    "lagged_outcome": "causal.estimators.lagged_outcome.LaggedOutcome",
    "within_between": "causal.estimators.within_between.WithinBetween",
    "mean_group": "causal.estimators.mean_group.MeanGroup",
    "event_study": "causal.estimators.event_study.EventStudy",
}
MOST_SLOPE, MOST_SECONDS, MOST_BYTES = 1.1, 60.0, 4e9
COMMAND = "Command: `python benchmarks/large.py --write`; processor seconds of one thread."
COLUMNS = ("kind", "name", "rows", "seconds", "bytes", "said")


def peak(reset: bool = False) -> float:
    """The process's own peak of memory in bytes; NaN where the system does not say."""
    status = Path("/proc/self/status")
    if reset and Path("/proc/self/clear_refs").exists():
        Path("/proc/self/clear_refs").write_text("5")
    lines = status.read_text().splitlines() if status.exists() else []
    return next((float(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM")), float("nan"))


def cell(kind: str, name: str, rows: int, step: Callable[[], Any]) -> None:
    """Measure one step, and print it as a line that the parent reads."""
    before = peak(reset=True)
    began = time.process_time()
    try:
        said = step()
        words = "" if said is None else str(said)
    except Exception as problem:
        words = f"{type(problem).__name__}: {problem}"
    seconds = time.process_time() - began
    found = {"kind": kind, "name": name, "rows": rows, "seconds": round(seconds, 4), "bytes": round(peak() - before), "said": words[:160]}
    print(json.dumps(found), flush=True)


def made(rows: int) -> Any:
    """The panel."""
    from causal.testing.worlds import World

    return World(effect=1.0, authorities=rows // YEARS, years=YEARS, seed=1).load()


def estimators(rows: int) -> None:
    """Each closed form on the same design."""
    from importlib import import_module

    from causal.draws import stream
    from causal.testing.worlds import designed

    panel = made(rows)
    design = designed(panel)
    cell("design", "design", rows, lambda: designed(panel) and None)
    for name, target in CLOSED.items():
        home, _, kind = target.rpartition(".")
        estimator = getattr(import_module(home), kind, None)
        if estimator is not None:
            cell("estimator", name, rows, lambda kind=estimator: kind().estimate(design, stream(1, "x")) and None)


def checks(rows: int) -> None:
    """The default list, one check after another."""
    from causal.configured import refuters
    from causal.draws import stream
    from causal.estimators.fixed_effects import FixedEffects
    from causal.testing.worlds import GRAPH, QUESTION, designed
    from causal.trial import Trial

    panel, estimator = made(rows), FixedEffects()
    design = designed(panel)
    estimate = estimator.estimate(design, stream(1, "estimate"))
    trial = Trial(
        panel=panel,
        question=QUESTION,
        identification=design.identification,
        estimator=estimator,
        design=design,
        estimate=estimate,
        graph=GRAPH,
        seed=1,
    )
    for name, check in refuters("default").items():
        cell("check", name, rows, lambda one=check: one.refute(trial, stream(1, one.name)).reason)
    # memory that was let go stays with the process, so that what a check takes of it is not seen above
    whole = {"kind": "whole", "name": "panel and checks", "rows": rows, "seconds": round(time.process_time(), 2)}
    print(json.dumps({**whole, "bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024, "said": ""}), flush=True)


def beside(rows: int) -> None:
    """Two-way fixed effects on one frame: pyfixest's and ours, design included."""
    from dataclasses import replace

    from causal.design import design
    from causal.draws import stream
    from causal.estimators.fixed_effects import FixedEffects
    from causal.testing.worlds import QUESTION, stated

    panel = made(rows)
    question, held = replace(QUESTION, modifiers=()), stated("authority", "year", "poverty")

    def ours() -> None:
        FixedEffects().estimate(design(panel, question, held), stream(1, "x"))

    ours()
    cell("beside", "ours", rows, ours)
    try:
        import pyfixest  # type: ignore[import-not-found]
    except ImportError:
        return
    frame = panel.frame.reset_index()
    frame["authority"] = frame["authority"].astype("category").cat.codes

    def theirs() -> None:
        pyfixest.feols("plans ~ cut + poverty | authority + year", data=frame, vcov={"CRV1": "authority"})

    theirs()
    cell("beside", "pyfixest", rows, theirs)


def known() -> list[dict[str, Any]]:
    """What has been measured."""
    if not TABLE.exists():
        return []
    with TABLE.open(newline="", encoding="utf-8") as file:
        return [{**row, "rows": int(row["rows"]), "seconds": float(row["seconds"]), "bytes": float(row["bytes"])} for row in csv.DictReader(file)]


def keep(found: list[dict[str, Any]]) -> None:
    """Write all cells anew, in order."""
    with TABLE.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, COLUMNS)
        writer.writeheader()
        writer.writerows(sorted(found, key=lambda one: (one["kind"], one["name"], one["rows"])))


def slope(cells: dict[int, float], least: float) -> float | None:
    """Of logarithms, between the two largest numbers of rows; None where the smaller is too small to say anything."""
    sizes = sorted(cells)[-2:]
    if len(sizes) < 2 or cells[sizes[0]] < least or cells[sizes[1]] < least:
        return None
    return float(np.log(cells[sizes[1]] / cells[sizes[0]]) / np.log(sizes[1] / sizes[0]))


def page(found: list[dict[str, Any]]) -> str:
    """The page: what was expected stays as it stands, results follow."""
    expected = PAGE.read_text(encoding="utf-8").split("\n## What came")[0].rstrip()
    sizes = sorted({one["rows"] for one in found})
    said = [
        expected,
        "",
        "## What came",
        "",
        COMMAND,
        "",
    ]
    head = " | ".join(f"{size:,} rows, s" for size in sizes)
    said += [f"| kind | name | {head} | slope of time | memory at most, MB | slope of memory |", f"|---|---|{'---|' * (len(sizes) + 3)}"]
    over = []
    for kind, name in dict.fromkeys((one["kind"], one["name"]) for one in found):
        own = {one["rows"]: one for one in found if (one["kind"], one["name"]) == (kind, name)}
        # half a second and fifty megabytes: below it the start of things is measured
        times, bytes_ = slope({r: o["seconds"] for r, o in own.items()}, 0.05), slope({r: o["bytes"] for r, o in own.items()}, 2e7)
        cells = " | ".join(f"{own[size]['seconds']:.3g}" if size in own else "" for size in sizes)
        said.append(
            f"| {kind} | {name} | {cells} | {'' if times is None else f'{times:.2f}'} | {max(o['bytes'] for o in own.values()) / 1e6:,.0f} | "
            f"{'' if bytes_ is None else f'{bytes_:.2f}'} |"
        )
        if any(one is not None and one > MOST_SLOPE for one in (times, bytes_)):
            over.append(f"{name} (time {'' if times is None else f'{times:.2f}'}, memory {'' if bytes_ is None else f'{bytes_:.2f}'})")
    said += ["", f"Slopes above {MOST_SLOPE}: {', '.join(over) or 'none'}."]
    largest = [one for one in found if one["kind"] == "check" and one["rows"] == sizes[-1]]
    if largest:
        seconds = sum(one["seconds"] for one in largest)
        memory = max(one["bytes"] for one in found if one["kind"] == "whole" and one["rows"] == sizes[-1])
        said.append(
            f"The default list at {sizes[-1]:,} rows: {seconds:.0f} s of processor time "
            f"({'within' if seconds <= MOST_SECONDS else 'over'} {MOST_SECONDS:.0f}), "
            f"{memory / 1e9:.1f} GB at most for the process, panel and libraries too ({'within' if memory <= MOST_BYTES else 'over'} {MOST_BYTES / 1e9:.0f})."
        )
    for size in sizes:
        pair = {one["name"]: one["seconds"] for one in found if one["kind"] == "beside" and one["rows"] == size}
        if len(pair) == 2:
            said.append(f"Beside pyfixest at {size:,} rows: ours takes {pair['ours'] / pair['pyfixest']:.2f} times its seconds, design included.")
    reasons = sorted({(one["name"], one["said"]) for one in found if one["said"] and one["rows"] == sizes[-1]})
    said += ["", *(f"- {name}, not run: {words}" for name, words in reasons)]
    return "\n".join(said) + "\n"


def main() -> None:
    """Measure what is missing, and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, nargs="*", default=list(ROWS))
    parser.add_argument("--only", nargs="*", default=["estimators", "checks", "beside"])
    parser.add_argument("--child", nargs=2, default=None, help=argparse.SUPPRESS)
    parser.add_argument("--again", action="store_true", help="measure what has been measured too")
    parser.add_argument("--write", action="store_true")
    given = parser.parse_args()
    if given.child:
        from threadpoolctl import threadpool_limits

        from causal.arrays import memory_kept

        with threadpool_limits(limits=1), memory_kept():  # as a study has them
            globals()[given.child[0]](int(given.child[1]))
        return
    found = known()
    kinds = {"estimators": "estimator", "checks": "check", "beside": "beside"}
    for rows in given.rows:
        for part in given.only:
            if not given.again and any(one["kind"] == kinds[part] and one["rows"] == rows for one in found):
                continue
            done = subprocess.run([sys.executable, __file__, "--child", part, str(rows)], capture_output=True, text=True, check=False)
            new = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
            if done.returncode:
                sys.stderr.write(done.stderr[-2000:])
            fresh = {(one["kind"], one["name"], one["rows"]) for one in new}
            found = [one for one in found if (one["kind"], one["name"], one["rows"]) not in fresh] + new
            keep(found)
            print(f"{part} at {rows:,} rows: {sum(one['seconds'] for one in new):.1f} s", flush=True)
    if given.write:
        PAGE.write_text(page(found), encoding="utf-8")


if __name__ == "__main__":
    main()
