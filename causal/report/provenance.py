"""Where a result comes from: configuration, seed, versions, commit, and digests of the data and of the code."""

from __future__ import annotations

import hashlib
import json
import platform
import subprocess
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from causal.versions import code_digest, versions

__all__ = ["code_digest", "commit", "digest_of", "provenance"]


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
        "versions": versions(),
        "commit": commit(),
        "code_digest": code_digest(),
        "data_digest": data,
        "times": dict(times),
    } | ({} if protocol is None else {"protocol": dict(protocol)})


def digest_of(config: Mapping[str, Any]) -> str:
    """SHA-256 of a configuration, whatever the order of its keys."""
    return hashlib.sha256(json.dumps(config, sort_keys=True, ensure_ascii=False, default=str).encode()).hexdigest()


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
