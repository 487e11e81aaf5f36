"""What all tests share: a cache of their own, so that none is left on the machine and the real files are read once for all workers."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

# one thread to a fit, as `causal.run` has it; before numpy is imported: two workers with two threads each wait for one another most of the time
for _library in ("OMP", "OPENBLAS", "MKL", "NUMBA"):
    os.environ.setdefault(f"{_library}_NUM_THREADS", "1")

import pytest  # noqa: E402


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """`make test-browser` asks for the tests that need a browser by name; all others do without."""
    return True if collection_path.name == "browser" and not any("browser" in arg for arg in config.args) else None


@pytest.fixture(scope="session", autouse=True)
def own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """`CAUSAL_CACHE` in the run's temporary folder; workers of one run share it."""
    base = tmp_path_factory.getbasetemp()
    was = os.environ.get("CAUSAL_CACHE")
    os.environ["CAUSAL_CACHE"] = str((base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "cache")
    yield
    if was is None:
        del os.environ["CAUSAL_CACHE"]
    else:
        os.environ["CAUSAL_CACHE"] = was
