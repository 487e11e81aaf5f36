"""The minimum detectable effect against scipy's non-central t in the same run."""

from __future__ import annotations

import pytest
from scipy import stats

from causal.inference.detectable import minimum_detectable


@pytest.mark.parametrize("df", [5.0, 9.0, 20.0, 140.0, None])
@pytest.mark.parametrize("level", [0.9, 0.95])
def test_four_of_five_studies_find_it(df: float | None, level: float) -> None:
    """Power at that effect, by the non-central t or the normal law; Bloom's sum of two quantiles is that to .02."""
    effect = minimum_detectable(2.0, df, level) / 2.0
    law = stats.norm(effect) if df is None else stats.nct(df, effect)
    critical = stats.norm.isf((1 - level) / 2) if df is None else stats.t(df).isf((1 - level) / 2)
    assert law.sf(critical) == pytest.approx(0.8, abs=0.02)
