"""What all tests share: a cache of their own, so that none is left on the machine and the real files are read once for all workers."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

# one thread to a fit, as `causal.run` has it; before numpy is imported: two workers with two threads each wait for one another most of the time
for _library in ("OMP", "OPENBLAS", "MKL", "NUMBA"):
    os.environ.setdefault(f"{_library}_NUM_THREADS", "1")

import pytest  # noqa: E402

OWN: list[tuple[str | None, str]] = []  # what CAUSAL_CACHE was, and the folder that stands in its place


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """`make test-browser` asks for the tests that need a browser by name; all others do without."""
    return True if collection_path.name == "browser" and not any("browser" in arg for arg in config.args) else None


def pytest_configure(config: pytest.Config) -> None:
    """`CAUSAL_CACHE` in a folder of the run's own, before the first module is collected; workers of one run inherit it and share it."""
    if "PYTEST_XDIST_WORKER" not in os.environ:
        OWN.append((os.environ.get("CAUSAL_CACHE"), tempfile.mkdtemp(prefix="causal-tests-")))
        os.environ["CAUSAL_CACHE"] = OWN[-1][1]


def pytest_unconfigure(config: pytest.Config) -> None:
    """The cache goes with the run that made it."""
    for was, folder in OWN:
        shutil.rmtree(folder, ignore_errors=True)
        os.environ.pop("CAUSAL_CACHE") if was is None else os.environ.update(CAUSAL_CACHE=was)
    OWN.clear()


@pytest.fixture(autouse=True)
def _nothing_trusted_stays() -> Iterator[None]:
    """A folder that a test trusted is no other test's: its place on the path and its modules go with the test."""
    before = [*sys.path]
    yield
    added = set(sys.path) - set(before)
    sys.path[:] = before
    for name, module in list(sys.modules.items()) if added else ():
        if (at := getattr(module, "__file__", None)) is not None and str(Path(at).parent) in added:
            del sys.modules[name]


@pytest.fixture
def as_printed(record_property: Callable[[str, object], None]) -> Callable[[str, str, str, str], None]:
    """Keeps design, what a published table prints of what, and what came, for `benchmarks/published.py`."""
    return lambda design, what, wanted, came: record_property("as_printed", (design, what, wanted, came))
