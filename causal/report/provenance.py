"""Where a result comes from: configuration, seed, versions, commit, and digests of the data and of the code."""

from __future__ import annotations

import hashlib
import json
import platform
import subprocess
from collections.abc import Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

PACKAGES = ("causal-prevention", "dowhy", "econml", "hydra-core", "joblib", "networkx", "numpy", "pandas", "scikit-learn", "scipy")


def provenance(
    *, config: Mapping[str, Any], command: Sequence[str], seed: int, data: str, times: Mapping[str, Any], protocol: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """The record that stands in every result.

    Parameters
    ----------
    config : resolved, without what moves no number (workers, folder).
    command : the words that run it again.
    seed : of all streams.
    data : digest of the panel.
    times : start and seconds; the only part that differs between equal runs.
    protocol : its digest and the deviations from it; None where the run follows none.
    """
    return {
        "command": list(command),
        "config": dict(config),
        "config_digest": digest_of(config),
        "seed": seed,
        "python": platform.python_version(),
        "versions": {name: _version(name) for name in PACKAGES},
        "commit": commit(),
        "code_digest": code_digest(),
        "data_digest": data,
        "times": dict(times),
    } | ({} if protocol is None else {"protocol": dict(protocol)})


def digest_of(config: Mapping[str, Any]) -> str:
    """SHA-256 of a configuration, whatever the order of its keys."""
    return hashlib.sha256(json.dumps(config, sort_keys=True, ensure_ascii=False, default=str).encode()).hexdigest()


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


def commit() -> str | None:
    """The commit of the checkout that the code runs from, with "+changes" if it has any; None outside a checkout."""
    spec = find_spec("causal")
    if spec is None or spec.origin is None:
        return None
    top = Path(spec.origin).parent.parent
    if not (top / ".git").exists():
        return None

    def git(*words: str) -> str | None:
        try:
            return subprocess.run(["git", "-C", str(top), *words], capture_output=True, text=True, check=True, timeout=10).stdout.strip()
        except (OSError, subprocess.SubprocessError):
            return None

    head = git("rev-parse", "HEAD")
    return head and head + ("+changes" if git("status", "--porcelain", "--untracked-files=no") else "")


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None
