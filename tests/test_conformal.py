"""One treated place: the interval by shifts of its dates, by hand and by planted effects; predictors' weights; an earlier date as its own check."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from causal.answer import answered
from causal.design import Design, design
from causal.errors import ConfigError
from causal.estimators.synthetic import SyntheticControl
from causal.identify import identify
from causal.inference.conformal import accepted, p_value
from causal.refute import stream
from causal.testing.worlds import QUESTION, SERIES_GRAPH, Dates
from causal.verdict.rule import row_of

ASKED = replace(QUESTION, treated=1.0, modifiers=(), target="ATT")


def made(world: Dates) -> Design:
    panel = world.load()
    return design(panel, ASKED, identify(ASKED, SERIES_GRAPH, measured=panel.names))


def test_a_p_value_counts_shifts_that_miss_as_much() -> None:
    """By hand: of five dates one miss of 3 among ones; the last two dates hold it in two shifts, and its own is one of them."""
    assert p_value(np.array([1.0, 1.0, 1.0, 1.0, 3.0]), 2) == pytest.approx(2 / 5)
    assert p_value(np.array([3.0, 1.0, 1.0, 1.0, 1.0]), 2) == 1.0
    assert p_value(np.array([0.0, 0.0, 0.0, 9.0, 9.0]), 2) == pytest.approx(1 / 5)


def test_the_interval_holds_what_is_not_rejected_and_nothing_else() -> None:
    """Without weights to fit the test is of numbers alone; its ends are held against the test itself, a little inside and a little outside."""
    rng = np.random.default_rng(5)
    noise = rng.normal(size=40)
    after = np.arange(40) >= 32

    def missed(effect: float) -> np.ndarray:
        return noise + (3.0 - effect) * after

    found = accepted(missed, 8, 3.0, 1.0, 0.9)
    assert found is not None and found[0] < 3.0 < found[1]
    for end, way in zip(found, (-1, 1), strict=True):
        assert p_value(missed(end - way * 0.05), 8) > 0.1 >= p_value(missed(end + way * 0.05), 8)
    assert accepted(lambda _: np.ones(40), 8, 0.0, 1.0, 0.9) is None  # nothing is ever rejected: no end


def test_one_place_of_many_years_has_an_interval_and_of_few_years_none() -> None:
    """Planted: an effect of 12 in the last twelve of thirty years; eight years have no p-value below an eighth."""
    one = answered(SyntheticControl(), made(Dates(effect=12.0, authorities=10, dates=30)), stream(1, "x"))
    assert one.lower is not None and one.upper is not None and one.lower < one.effect < one.upper and one.lower < 12.0 < one.upper
    assert one.no_interval is None and one.inference.startswith("conformal") and row_of(one.lower, one.upper, 1.0) is not None
    assert one.course is not None and one.course.kind == "series" and sum(point.treated for point in one.course.points) == 12
    few = answered(SyntheticControl(), made(Dates(effect=12.0, authorities=10, dates=12)), stream(1, "x"))
    assert few.lower is None and few.no_interval == "one_cluster"


def test_predictors_are_weighed_so_that_the_path_before_is_met() -> None:
    """A place that is half of one and half of another is met by these two, whatever the others are; by hand."""
    panel = Dates(effect=0.0, authorities=12, dates=30, seed=2).load()
    laid = panel.frame["plans"].to_numpy().reshape(12, 30).copy()
    laid[0] = 0.5 * laid[2] + 0.5 * laid[5]
    other = replace(panel, frame=panel.frame.assign(plans=laid.ravel()))
    one = design(other, ASKED, identify(ASKED, SERIES_GRAPH, measured=panel.names))
    found = SyntheticControl(match="predictors").estimate(one, stream(1, "x"))
    path = SyntheticControl().estimate(one, stream(1, "x"))
    assert path.diagnostics["gap before adoption, root mean square"] == pytest.approx(0.0, abs=1e-3)
    assert found.diagnostics["gap before adoption, root mean square"] >= path.diagnostics["gap before adoption, root mean square"]  # type: ignore[operator]
    assert found.diagnostics["gap before adoption, root mean square"] < 0.6 * float(np.std(laid[0, :18]))  # type: ignore[operator]
    with pytest.raises(ConfigError, match="match"):
        SyntheticControl(match="means")  # type: ignore[arg-type]
