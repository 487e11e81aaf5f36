"""What a run with its checks costs on the default panel: every estimator with `refuters=default`, and every check of `refuters=all` beside fixed effects.

Seconds are processor seconds of `causal.run` in a process of its own with one worker (two workers take about half as long by the clock), after everything
is imported; those of a check are by the clock. An estimator that has no answer on the default panel's question is said to have none. A run that takes longer
than the limit is stopped and said to take more. `causal list -v` prints what is written here.

Command: python benchmarks/run_cost.py --limit 120 --write
"""

from __future__ import annotations

import argparse
import json
import platform
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

TOP = Path(__file__).parent.parent
PAGE = TOP / "causal" / "run_cost.json"
ONE = """
import json, resource, sys, time
from contextlib import suppress
import causal, dowhy, econml
study = causal.load(*sys.argv[2:])
limit = int(sys.argv[1])
began = time.process_time()
resource.setrlimit(resource.RLIMIT_CPU, (int(began) + limit, int(began) + limit + 5))
try:
    result = causal.run(study)
    if result.estimate is None:
        print(json.dumps({"refused": result.answer.headline}))
        sys.exit()
    print(json.dumps({"seconds": time.process_time() - began, "steps": dict(result.seconds)}))
except causal.CausalError as problem:
    print(json.dumps({"refused": str(problem)}))
"""


def measured(limit: int, words: Sequence[str]) -> dict[str, Any]:
    """One study, in a process of its own."""
    done = subprocess.run([sys.executable, "-c", ONE, str(limit), *words], capture_output=True, text=True, check=False)
    if done.returncode < 0:
        return {"more_than": limit}
    if done.returncode:
        raise RuntimeError(f"{' '.join(words)}: {done.stderr[-2000:]}")
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def target(path: Path) -> str:
    """ATT where the estimator answers that alone."""
    line = next((line for line in path.read_text(encoding="utf-8").splitlines() if line.startswith("# targets: ")), "")
    return "ATT" if line.startswith("# targets: ATT") else "ATE"


def rounded(seconds: float) -> float:
    """Two digits: the machine is not quieter than that."""
    return float(f"{seconds:.2g}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--limit", type=int, default=120, help="processor seconds after which a run is stopped")
    parser.add_argument("--only", nargs="+", default=[], metavar="NAME", help="these estimators; others stay as they were measured")
    parser.add_argument("--write", action="store_true")
    given = parser.parse_args()
    was = json.loads(PAGE.read_text(encoding="utf-8")) if PAGE.is_file() else {"estimators": {}, "refuters": {}}
    estimators = dict(was["estimators"])
    for path in sorted((TOP / "conf" / "estimator").glob("*.yaml")):
        if given.only and path.stem not in given.only:
            continue
        found = measured(given.limit, ["experiment=closures", f"estimator={path.stem}", f"question.target={target(path)}"])
        estimators[path.stem] = {"seconds": rounded(found["seconds"])} if "seconds" in found else found
        print(path.stem, estimators[path.stem], flush=True)
    refuters = was["refuters"]
    if not given.only:
        steps = measured(900, ["experiment=closures", "refuters=all"])["steps"]
        refuters = {path.stem: {"seconds": rounded(steps[path.stem])} for path in sorted((TOP / "conf" / "refuters").glob("*.yaml")) if path.stem in steps}
    versions = f"Python {platform.python_version()}, {platform.machine()}, one worker"
    record = {"panel": "the default panel, 150 authorities in ten years", "machine": versions, "estimators": estimators, "refuters": refuters}
    text = json.dumps(record, indent=1, ensure_ascii=False, sort_keys=True) + "\n"
    if given.write:
        PAGE.write_text(text, encoding="utf-8", newline="\n")
    else:
        print(text)


if __name__ == "__main__":
    main()
