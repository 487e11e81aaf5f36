"""How long a run of the tests may take: `make test` tries enough panels to fail for a reason, `make test-long` all of them (`CAUSAL_LONG`)."""

from __future__ import annotations

import os

import pytest

LONG = bool(os.environ.get("CAUSAL_LONG"))
long = pytest.mark.skipif(not LONG, reason="make test-long runs it")


def panels(whole: int, short: int) -> int:
    """How many panels to draw: `whole` in a long run."""
    return whole if LONG else short
