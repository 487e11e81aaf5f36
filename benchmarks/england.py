"""How long England's published files take, cold and from the cache, and how much memory: each in a process of its own.

python benchmarks/england.py FOLDER > benchmarks/england.md
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

ONE = """
import resource, sys, time
import pandas
from causal.sources.england import England
began = time.perf_counter()
panel = England(path=sys.argv[1]).load()
print(time.perf_counter() - began, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1024 if sys.platform != "darwin" else 1024**2), *panel.frame.shape)
"""


def measure(folder: str, cache: str) -> tuple[float, float, int, int]:
    """Seconds, MB, rows and columns of one loading."""
    out = subprocess.run([sys.executable, "-c", ONE, folder], env=os.environ | {"CAUSAL_CACHE": cache}, check=True, capture_output=True, text=True).stdout
    seconds, megabytes, rows, columns = out.split()
    return float(seconds), float(megabytes), int(rows), int(columns)


def main(folder: str) -> None:
    """Three cold loadings, then three from the cache; the median of each."""
    files = [path for path in Path(folder).rglob("*") if path.suffix.lower() in (".csv", ".xls", ".xlsx", ".ods")]
    with tempfile.TemporaryDirectory() as cache:
        cold = sorted(measure(folder, "") for _ in range(3))[1]
        measure(folder, cache)
        warm = sorted(measure(folder, cache) for _ in range(3))[1]
    print("# Loading England's published files\n")
    print(f"{len(files)} files, {sum(path.stat().st_size for path in files) / 1e6:.0f} MB; a panel of {cold[2]:,} rows and {cold[3]} columns. Median of three,")
    print(f"{os.cpu_count()} cores, each in a process of its own; imports not counted.\n")
    print("| | asked | cold | from the cache | from the cache ÷ cold |\n|---|---|---|---|---|")
    print(f"| seconds | 20 and 1 | {cold[0]:.1f} | {warm[0]:.2f} | {warm[0] / cold[0]:.2f} |")
    print(f"| MB at most | 1,024 | {cold[1]:.0f} | {warm[1]:.0f} | {warm[1] / cold[1]:.2f} |")
    print("\nMade by `python benchmarks/england.py FOLDER`.")


if __name__ == "__main__":
    main(sys.argv[1])
