"""What is installed, where this runs: versions of the libraries that make numbers, and a digest of the toolkit's own code."""

from __future__ import annotations

import hashlib
import platform
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path

PACKAGES = (
    "causal-prevention",
    "dowhy",
    "duckdb",
    "econml",
    "hydra-core",
    "joblib",
    "narwhals",
    "networkx",
    "numpy",
    "pandas",
    "pyarrow",
    "scikit-learn",
    "scipy",
)


def versions() -> dict[str, str | None]:
    """Name → version of each library; None where it is not installed."""
    return {name: _version(name) for name in PACKAGES}


def installed() -> dict[str, str | None]:
    """All of which a number may hang: Python, libraries, the digest of the code."""
    return {"python": platform.python_version(), **versions(), "code": code_digest()[:12]}


def code_digest() -> str:
    """SHA-256 over the code and configurations that are installed, by path and content; lists of studies decide nothing in a run and stay out."""
    sha = hashlib.sha256()
    for root in ("causal", "causal.experiments", "causal.conf"):
        spec = find_spec(root)
        if spec is None or spec.origin is None:
            continue
        folder = Path(spec.origin).parent
        for path in sorted(folder.rglob("*"), key=lambda p: p.relative_to(folder).as_posix()):
            if path.suffix in (".py", ".yaml", ".html", ".css", ".js") and path.is_file() and (root, path.parent.name) != ("causal.conf", "study"):
                sha.update(f"{root}/{path.relative_to(folder).as_posix()}\0".encode())
                sha.update(path.read_bytes())
    return sha.hexdigest()


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None
