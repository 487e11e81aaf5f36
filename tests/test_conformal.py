"""One treated place: the interval by shifts of its dates, by hand and by planted effects; predictors' weights; an earlier date as its own check."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

import numpy as np
import pytest
from scipy.optimize import minimize

from causal.answer import answered
from causal.design import Design, design
from causal.draws import stream
from causal.errors import ConfigError
from causal.estimators.synthetic import SyntheticControl
from causal.identify import identify
from causal.inference.conformal import accepted, p_value
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


def placed(laid: np.ndarray) -> Design:
    """Twelve places of which the first is cut, with the plans given; shape (places, dates)."""
    panel = Dates(authorities=12, dates=30, seed=2).load()
    return design(replace(panel, frame=panel.frame.assign(plans=laid.ravel())), ASKED, identify(ASKED, SERIES_GRAPH, measured=panel.names))


def gap_before(one: Design, match: Literal["path", "predictors"]) -> tuple[float, float]:
    """The root mean square gap before, and the number of places that the comparison amounts to."""
    made = SyntheticControl(match=match).estimate(one, stream(1, "x")).diagnostics
    return float(made["gap before adoption, root mean square"] or 0.0), float(made["effective number compared with"] or 0.0)


def test_a_mix_of_two_places_is_met_by_these_two_by_path_and_by_predictors() -> None:
    """By hand: half of one place and half of another has half and half of their predictors and of their path; two predictors alone leave the weights open."""
    laid = Dates(authorities=12, dates=30, seed=2).load().frame["plans"].to_numpy().reshape(12, 30).copy()
    laid[0] = 0.5 * laid[2] + 0.5 * laid[5]
    for match in ("path", "predictors"):
        assert gap_before(placed(laid), match) == pytest.approx((0.0, 2.0), abs=1e-3)
    with pytest.raises(ConfigError, match="match"):
        SyntheticControl(match="means")  # type: ignore[arg-type]


def test_predictors_are_weighed_so_that_the_path_before_is_met() -> None:
    """By scipy's SLSQP in the same run: a place of the highest mean and a low last date, which no mix has; no weighing of the two meets its path better.

    Weights for the path alone do, and the ends of the grid of weighings lie far apart, so that a fixed weighing would not pass.
    """
    laid = Dates(authorities=12, dates=30, seed=2).load().frame["plans"].to_numpy().reshape(12, 30).copy()
    laid[0] = laid.max(axis=0) - np.where(np.arange(30) < 3, 9.0, 0.0) - np.where(np.arange(30) == 17, 20.0, 0.0)
    path, paths = laid[0, :18], laid[1:, :18].T
    means = np.column_stack([laid[:, :18].mean(axis=1), laid[:, 17]])
    means /= means.std(axis=0)

    def missed(share: float) -> float:
        apart = np.sqrt([share, 1 - share])[:, None] * (means[1:] - means[0]).T

        def loss(w: np.ndarray) -> float:
            return float(((apart @ w) ** 2).sum())

        fit = minimize(loss, np.full(11, 1 / 11), method="SLSQP", bounds=[(0, 1)] * 11, constraints=({"type": "eq", "fun": lambda w: w.sum() - 1},), tol=1e-12)
        return float(np.sqrt(((path - paths @ fit.x) ** 2).mean()))

    grid = [missed(share) for share in (0.02, 0.2, 0.4, 0.5, 0.6, 0.8, 0.98)]
    found, alone = gap_before(placed(laid), "predictors")[0], gap_before(placed(laid), "path")[0]
    assert alone < found <= min(grid) * 1.001 and max(grid) > 2 * min(grid)
