"""Golden values: what estimators gave on one machine and Python, held on every other; and the script that compares commits.

Closed forms agree to 1e-8 of their error's size, learners to a hundredth of their error: folds, trees and solvers differ in the last bits between
versions. `PYTHONPATH=benchmarks python tests/test_golden.py` writes the numbers anew into tests/golden.json; a change there needs a reason in CHANGELOG.md.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import golden
import numpy as np
import pytest

HERE = Path(__file__).parent
KEPT = HERE / "golden.json"
# sums and linear algebra alone; the others learn, draw, or go through a solver that stops at a tolerance
CLOSED = (
    "fixed_effects", "first_difference", "difference", "dowhy_linear", "lagged_outcome", "within_between", "mean_group", "event_study", "callaway_santanna",
    "sun_abraham", "imputation", "continuous_did", "two_stage_least_squares", "shift_share", "mediation", "front_door", "distributed_lags", "cluster_trial",
    "reversible_did",
)  # fmt: skip


@cache
def answers() -> dict[str, dict[str, float | None]]:
    """Effect and error of every estimator on the panel that suits it (benchmarks/golden.py), made in a process of its own."""
    import tempfile

    with tempfile.TemporaryDirectory() as place:
        folder = Path(place) / "own"
        folder.mkdir()
        golden.write(folder)
        got = golden.side(HERE.parent, folder, Path(place) / "cache", ["--only", "estimators/*"])
    refused = {key: value for key, value in got.items() if key.endswith("/refused")}
    assert not refused, refused
    return {name: {key: got[f"estimators/{name}/estimate/{key}"] for key in ("effect", "std_error")} for name in golden.ESTIMATORS}


def kept() -> dict[str, Any]:
    return json.loads(KEPT.read_text(encoding="utf-8"))  # type: ignore[no-any-return]


def test_every_estimator_on_the_shelf_has_its_golden_value() -> None:
    from causal.experiments.compose import choices

    assert set(kept()) == set(golden.ESTIMATORS) == set(choices("estimator")) and set(CLOSED) <= set(kept())


@pytest.mark.parametrize("name", golden.ESTIMATORS)
def test_an_estimator_gives_its_golden_value(name: str) -> None:
    """Golden values, beside the script that made them: 1e-8 for closed forms, a hundredth of the error for learners, on Python 3.11 to 3.13."""
    was, now = kept()[name], answers()[name]
    error = was["std_error"]
    assert (error is None) == (now["std_error"] is None)
    # where no valid error is known, the size of the effect stands for it
    room = (1e-8 if name in CLOSED else 0.01) * (abs(was["effect"]) if error is None else error)
    assert now["effect"] == pytest.approx(was["effect"], abs=room, rel=0)
    if error is not None:
        assert now["std_error"] == pytest.approx(error, abs=room, rel=0)


def test_numbers_are_equal_to_a_tolerance_and_all_else_as_it_is() -> None:
    """By hand: what the comparison of two commits calls different."""
    old = {"a": 1e6, "b": 1.0, "c": "may", "d": None, "e": True, "gone": 1.0}
    new = {"a": 1e6 * (1 + 5e-13), "b": 1.0 + 5e-12, "c": "may", "d": 0.0, "e": 1.0, "new": 2.0}
    assert set(golden.compared(old, new)) == {"b", "d", "e", "gone", "new"}
    assert golden.plain(np.float64("nan")) == "nan" and golden.plain(np.bool_(True)) is True and golden.plain(np.int64(3)) == 3.0


def test_exceptions_need_a_pattern_and_a_reason(tmp_path: Path) -> None:
    assert all(golden.exceptions(HERE.parent / "benchmarks/golden_exceptions.md").values())
    page = tmp_path / "page.md"
    page.write_text("# Words\n\n| key pattern | reason |\n|---|---|\n| `*/df` | a reason |\n", encoding="utf-8")
    assert golden.exceptions(page) == {"*/df": "a reason"}
    page.write_text("| `*/df` | |\n", encoding="utf-8")
    with pytest.raises(ValueError, match=r"page.md, line 1: wanted"):
        golden.exceptions(page)


def test_a_number_that_moved_is_found_and_an_exception_lets_it_pass(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """One number planted on the new side: found, and excepted with its reason; an exception that nothing needs is named."""
    at = "estimators/difference/estimate"
    sides = iter([{f"{at}/df": 21.0, f"{at}/effect": 1.0}, {f"{at}/df": 22.0, f"{at}/effect": 1.0}] * 2)
    monkeypatch.setattr(golden, "side", lambda *_: next(sides))
    page = tmp_path / "page.md"
    words = [str(HERE.parent), str(HERE.parent), "--exceptions", str(page)]
    page.write_text("", encoding="utf-8")
    assert golden.main(words) == 1 and f"DIFFERENT  {at}/df: 21.0 → 22.0" in capsys.readouterr().out
    page.write_text("| `*/df` | planted by this test |\n| `*/p_value` | idle |\n", encoding="utf-8")
    assert golden.main(words) == 0
    said = capsys.readouterr().out
    assert "(planted by this test)" in said and "nothing needs any more: */p_value" in said


if __name__ == "__main__":
    KEPT.write_text(json.dumps(answers(), indent=1) + "\n", encoding="utf-8")
