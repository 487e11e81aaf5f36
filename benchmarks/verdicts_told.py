"""What came of `verdicts.py`, as tables and figures."""

from __future__ import annotations

from pathlib import Path
from typing import Any


def tell(plan: Any, kept: dict[tuple[str, str, int, int], dict[str, Any]], here: Path) -> None:
    """Tables and figures are written once results are there."""
    print(f"{len(kept)} panels of {len(plan.cells)} cells")
