"""Each estimator against the bare library call under it: processor seconds and peak memory, both sides in one run.

    python benchmarks/estimators.py [--only NAME …] [--rows 1200 100000] [--seconds 2]      without --only and --rows it writes benchmarks/estimators.md

Both sides answer the same question on the same rows, each in a process of its own, and take turns, so that what else the machine does falls on both;
the best of each counts. Ours is `estimate(design, rng)` with all its checks, errors and diagnostics. The library's is its own call (see bare.py) on
arrays that are laid out, demeaned and scaled beforehand, without a bootstrap of its own. What is compared stands in cases.py.
Rows that are measured are kept in benchmarks/.speed and not measured again, as long as the code is the same; --table writes those there are.
"""

from __future__ import annotations

import argparse
import ctypes
import gc
import json
import multiprocessing
import os
import platform
import resource
import sys
import time
import warnings
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from bare import Calls
from cases import CASES, LARGE, USUAL, WHY, designed
from tqdm import tqdm

from causal.draws import stream
from causal.estimators import shelf
from causal.report.provenance import code_digest

HERE = Path(__file__).parent
OVERHEAD, FACTOR = 1.1, 2.0  # what is asked: of time at the usual size; of time and of memory at the large one
MOST, LEAST = 25, 2  # turns of either side
LONG = 20.0  # seconds of both sides' turns after which one is enough
SIDES = ("ours", "bare")
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")

READING = (
    "Seconds are processor seconds of one call, the best of several; both sides run in turns, each in a process of its own. Ours is the whole "
    "`estimate`: refusals, errors by authority, diagnostics, words. The bare call is the library's alone, on arrays made ready for it (demeaned, scaled, "
    "dummies written out), without a bootstrap of its own. *Refits* is how many such calls an honest answer takes, for the reasons in the second table; "
    "*ratio ÷ refits* sets ours against that many. Asked: at most 1.1 at 1,200 rows; at 100,000 at most 2, and at most twice the memory. "
    "Memory is the highest during a call beyond the design, which both are given (less than 1 MB counts as 1): the arrays that were laid out for the bare call "
    "count, as ours makes them within its own. 1,200 rows are 150 authorities in eight years, "
    "100,000 are 12,500. Estimators that take one row an authority lay these out themselves, and the library gets them laid out: 150 of the 1,200, "
    "and at the large size 100,000 of 200,000, from 100,000 authorities in two years. That both sides do the same job shows in their effects: equal where the "
    "answer is a formula, apart by how folds fell where it is learnt. *Why* is said from a profile."
)


def built(name: str, side: str, rows: int) -> tuple[Calls, float, Any]:
    """One side of a case, ready to be called, the memory in use when it had the design and nothing else, and the design, which is to be kept."""
    case = CASES[name]
    knobs = case.knobs | (case.large if rows >= LARGE and isinstance(case.large, dict) else {})
    made, one = designed(case.kind, rows, case.target, grouped=case.grouped), shelf()[name](**knobs)
    held = resident()
    # a design of its own each time, so that nothing is remembered from the call before
    return case.bare(made, one) if side == "bare" else lambda: float(one.estimate(replace(made), stream(1, "estimate")).effect), held, made


def resident() -> float:
    """Memory in use, MB, with the peak set back to it where the system can (Linux); else the peak so far."""
    gc.collect()
    try:
        ctypes.CDLL(None).malloc_trim(0)  # what was freed is handed back, so that it is counted when it is taken again
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
    except (AttributeError, OSError):
        return peak()
    return int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1]) * resource.getpagesize() / 1024**2


def peak() -> float:
    """Highest memory of the process, MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1024 if sys.platform != "darwin" else 1024**2)


def serve(pipe: Any, name: str, side: str, rows: int) -> None:
    """A process of one side: says when it is ready, runs when it is told to, and says how long it took and what it held."""
    warnings.simplefilter("ignore")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    try:
        warm, *_ = built(name, side, USUAL)
        for step in warm if isinstance(warm, tuple) else (warm,):
            step()  # everything that is imported or compiled at first use
        calls, held, _design = built(name, side, rows)
        call, more = calls if isinstance(calls, tuple) else (calls, None)
        pipe.send(None)
        while pipe.recv():
            resident()  # sets the peak back
            seconds, effect = timed(call)
            memory = peak() - held
            pipe.send((seconds, 0.0 if more is None else timed(more)[0], memory, effect))
    except Exception as problem:  # the table goes on without this row
        pipe.send(f"{type(problem).__name__}: {problem}")


def timed(call: Callable[[], float]) -> tuple[float, float]:
    """Processor seconds, and the answer."""
    began = time.process_time()
    effect = call()
    return time.process_time() - began, effect


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """What came of a pair: seconds of ours, of the bare call and of one more of its final stages, MB of both, and both effects."""

    ours: float
    bare: float
    more: float
    memory: tuple[float, float]
    effects: tuple[float, float]
    turns: int


def measure(name: str, rows: int, seconds: float, limit: float) -> Measured | str:
    """Both sides in turns, until each has had `seconds` or MOST turns and, unless a turn is long, LEAST; or what went wrong."""
    context = multiprocessing.get_context("spawn")
    pipes, processes, turns = {}, {}, {side: [] for side in SIDES}
    for side in SIDES:
        pipes[side], theirs = context.Pipe()
        processes[side] = context.Process(target=serve, args=(theirs, name, side, rows), daemon=True)
        processes[side].start()
        theirs.close()

    def answer(side: str) -> Any:
        """What a side says next; words are what went wrong."""
        if not pipes[side].poll(limit):
            return f"{side}: more than {limit:g} s"
        try:
            return pipes[side].recv()
        except EOFError:
            return f"{side}: its process ended (memory?)"

    try:
        for side in SIDES:
            if (said := answer(side)) is not None:
                return str(said)
        spent = 0.0
        while not turns["ours"] or spent < 2 * seconds or (len(turns["ours"]) < LEAST and spent < LONG):
            for side in SIDES:
                began = time.perf_counter()
                pipes[side].send(True)
                if isinstance(said := answer(side), str):
                    return said
                turns[side].append(said)
                spent += time.perf_counter() - began
            if len(turns["ours"]) == MOST:
                break
    finally:
        for process in processes.values():
            process.terminate()
            process.join()
    ours, there = (np.array(turns[side]) for side in SIDES)
    return Measured(
        ours=ours[:, 0].min(),
        bare=there[:, 0].min(),
        more=there[:, 1].min(),
        memory=(ours[:, 2].max(), there[:, 2].max()),
        effects=(ours[0, 3], there[0, 3]),
        turns=len(ours),
    )


def line(name: str, rows: int, got: Measured | str) -> str:
    """A row of the table."""
    case = CASES[name]
    if isinstance(got, str):
        return f"| {name} | {rows:,} | | | | | | | | | | {got} |"
    budget = case.times * got.bare + case.more * got.more
    whole, beyond, large = got.ours / got.bare, got.ours / budget, rows > USUAL
    held = got.memory[0] / max(got.memory[1], 1.0)  # of what is less than 1 MB nobody asks the double
    met = beyond <= (FACTOR if large else OVERHEAD) and (held <= FACTOR or not large)
    refits = f"{case.times}" + (f" + {case.more} final" if case.more else "")
    memory = f"{got.memory[0]:.0f} | {got.memory[1]:.0f} | {held:.1f}" if large else "| |"
    effects = f"{got.effects[0]:.3f}, {got.effects[1]:.3f}"
    why = "" if met else WHY.get((name, rows), "not profiled yet")
    return (
        f"| {name} | {rows:,} | {got.ours:.4f} | {got.bare:.4f} | {whole:.2f} | {refits} | {beyond:.2f} | {memory} | {effects} | "
        f"{'met' if met else '**falls short**'} | {why} |"
    )


def report(command: str, lines: list[str], missing: list[str]) -> str:
    """The whole file."""
    from refuters import processor  # noqa: PLC0415 - only at the end

    libraries = ", ".join(
        f"{name} {version(name)}" for name in ("econml", "dowhy", "linearmodels", "statsmodels", "diff-diff", "scikit-learn", "numpy", "pandas")
    )
    short = sum("falls short" in one for one in lines)
    return "\n".join(
        [
            "# Speed: each estimator against the bare library call under it",
            "",
            f"Command: `{command}`. {processor()}, {os.cpu_count()} cores, one thread a side, Python {platform.python_version()}; {libraries}.",
            "",
            READING,
            "",
            f"{len(lines) - short} of {len(lines)} rows meet what is asked." + (f" Not measured: {', '.join(missing)}." if missing else ""),
            "",
            "| estimator | rows | ours, s | bare, s | ratio | refits | ratio ÷ refits | ours, MB | bare, MB | ratio | effects: ours, bare | asked | why |",
            "|---|---|---|---|---|---|---|---|---|---|---|---|---|",
            *lines,
            "",
            "| estimator | bare call | refits | not at the large size |",
            "|---|---|---|---|",
            *(
                f"| {name} | {case.call} | {case.because} | {case.large if isinstance(case.large, str) else ''} |"
                for name, case in CASES.items()
                if any(f"| {name} |" in one for one in lines)
            ),
            "",
        ]
    )


def main() -> None:
    """Measure what is asked for; a whole run is written."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", default=[], choices=CASES, metavar="NAME", help=f"of {', '.join(CASES)}")
    parser.add_argument("--rows", nargs="+", type=int, choices=(USUAL, LARGE), default=[USUAL, LARGE], help="1200, 100000 or both")
    parser.add_argument("--seconds", type=float, default=2.0, help="that each side is given, at least two turns")
    parser.add_argument("--limit", type=float, default=120.0, help="after which a side is not waited for")
    parser.add_argument("--table", action="store_true", help="write the table of what is measured, and do no more")
    given = parser.parse_args()
    os.environ |= dict.fromkeys(THREADS, "1")
    kept = HERE / ".speed"
    kept.mkdir(exist_ok=True)
    code = code_digest()[:12]
    jobs = [(name, rows) for rows in sorted(given.rows) for name in given.only or CASES if rows < LARGE or not isinstance(CASES[name].large, str)]
    files = {(name, rows): kept / f"{code}-{rows}-{name}.json" for name, rows in jobs}
    found: dict[tuple[str, int], Measured | str] = {}
    with tqdm(jobs, disable=not sys.stderr.isatty()) as bar:
        for name, rows in bar:
            bar.set_description(f"{name}, {rows:,} rows")
            file = files[name, rows]
            if file.exists():
                found[name, rows] = Measured(**json.loads(file.read_text()))
            elif not given.table:
                found[name, rows] = got = measure(name, rows, given.seconds, given.limit)
                if isinstance(got, Measured):
                    file.write_text(json.dumps(asdict(got)))
    lines = [line(name, rows, found[name, rows]) for name in given.only or CASES for rows in sorted(given.rows) if (name, rows) in found]
    words = [word for word in sys.argv[1:] if word != "--table"]
    text = report(" ".join(["python benchmarks/estimators.py", *words]), lines, [f"{name} at {rows:,}" for name, rows in jobs if (name, rows) not in found])
    sys.stdout.write(text)
    if not given.only and set(given.rows) == {USUAL, LARGE}:
        (HERE / "estimators.md").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
