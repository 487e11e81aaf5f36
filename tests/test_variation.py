"""Shares of variation, held against statsmodels, published readings of England's files and planted truths."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from causal.decompositions.machinery.components import SHARES, AuthorityYears, again, components, nested_shares, planted
from causal.decompositions.variation import split
from causal.panel import Panel
from causal.sources.simulated import Simulated

REAL = Path(__file__).resolve().parents[1].parent / "shared/data/england"


def drawn(n: int, t: int, rho: float, seed: int, *, lasting: float = 2.0, noise: float = 1.0) -> AuthorityYears:
    """Authorities with a slope of 1 on a measure of variance 1, years of variance .25, and a stationary autoregression."""
    rng = np.random.default_rng(seed)
    e = rng.standard_normal((n, t))
    for k in range(1, t):
        e[:, k] = rho * e[:, k - 1] + np.sqrt(1 - rho**2) * e[:, k]
    x = rng.standard_normal(n)
    return AuthorityYears(outcome=x[:, None] + np.sqrt(lasting) * rng.standard_normal((n, 1)) + np.sqrt(noise) * e + np.linspace(-0.8, 0.8, t), measure=x)


@pytest.mark.filterwarnings("ignore:The design matrix is rank-deficient")  # the measure is a function of the authority
def test_nested_shares_are_the_sequential_sums_of_squares_of_statsmodels() -> None:
    """Explained sums of squares of statsmodels' regressions, one after another, on a panel with holes; an authority drawn twice is two."""
    from statsmodels.formula.api import ols

    made = drawn(25, 6, 0.4, 1)
    made.outcome[3, 2] = made.outcome[7, 0] = made.outcome[7, 5] = np.nan
    n, t = made.outcome.shape
    frame = pd.DataFrame({"y": made.outcome.ravel(), "x": np.repeat(made.measure, t), "a": np.repeat(np.arange(n), t), "t": np.tile(np.arange(t), n)}).dropna()
    double = pd.concat([frame[frame["a"] != 5], frame[frame["a"] == 4].assign(a=99)])
    weights = np.ones((2, n))
    weights[1, 4], weights[1, 5] = 2, 0
    for row, data in enumerate((frame, double)):
        fits = [ols(formula, data).fit() for formula in ("y ~ x", "y ~ x + C(a)", "y ~ x + C(a) + C(t)")]
        one, two, three = (fit.ess for fit in fits)
        expected = np.array([two - one, one, three - two, fits[2].ssr]) * 100 / fits[2].centered_tss
        assert np.allclose(nested_shares(made, weights)[row], expected, atol=1e-8)


def test_independent_noise_gives_the_components_of_a_mixed_model() -> None:
    """statsmodels' restricted likelihood of a random intercept (Searle, Casella & McCulloch 1992: the analysis of variance, where it is balanced)."""
    from statsmodels.formula.api import mixedlm

    made = drawn(60, 6, 0.0, 2)
    n, t = made.outcome.shape
    frame = pd.DataFrame({"y": made.outcome.ravel(), "x": np.repeat(made.measure, t), "a": np.repeat(np.arange(n), t), "t": np.tile(np.arange(t), n)})
    fit = mixedlm("y ~ x + C(t)", frame, groups="a").fit(reml=True)
    place, _, _, noise = components(made, made.weights, persistent=False).variances[0]
    assert place * n / (n - 2) == pytest.approx(float(fit.cov_re.iloc[0, 0]), rel=2e-3)
    assert noise == pytest.approx(fit.scale, rel=0.02)  # ours divides by n − 2 in the years' directions too


def test_persistence_is_told_from_what_lasts() -> None:
    made = drawn(4000, 6, 0.5, 3)
    found = components(made, made.weights)
    assert found.persistence[0] == pytest.approx(0.5, abs=0.03)
    assert found.variances[0][[0, 1, 3]] == pytest.approx([2.0, 1.0, 1.0], rel=0.1)
    assert components(made, made.weights, persistent=False).variances[0][0] > 2.15  # what lasts a few years counts as place


@pytest.mark.skipif(not REAL.is_dir(), reason="the folder of real published files is not at hand (../shared/data/england)")
@pytest.mark.parametrize(("outcome", "shares"), [("section47", (45, 19, 10, 26)), ("plans", (47, 24, 2, 27))])
def test_england_s_nested_shares_are_those_known(outcome: str, shares: tuple[int, ...]) -> None:
    """Section 47 enquiries and plans 2013 to 2018 (NAO 2019 gave 44, 15 and 10)."""
    from causal.sources.england import England

    cells = AuthorityYears.of(England(path=str(REAL)).load(), outcome, "deprivation", (2013, 2018))
    assert nested_shares(cells, cells.weights)[0] == pytest.approx(shares, abs=0.6)


def test_planted_shares_lie_inside_the_intervals_of_these_very_authorities() -> None:
    """The simulated twin: shares without chance of its own authorities and years; benchmarks/decompositions.md has the rate over many panels."""
    from scipy.stats import binom

    inside = []
    for seed in range(24):
        source = Simulated(seed=seed)
        cells = source.expected("plans").query("2013 <= year <= 2018")
        panel = source.load()
        truth = planted(cells["usual"], cells["noise"], panel.frame["deprivation"].groupby(level="authority").first())
        made = AuthorityYears.of(panel, "plans", "deprivation", (2013, 2018))
        low, high = np.quantile(again(made, 300, np.random.default_rng(seed)).shares, [0.025, 0.975], axis=0)
        inside.append((low <= truth) & (truth <= high))
    least = binom.ppf(0.005, 24, 0.95)
    assert (np.sum(inside, axis=0) >= least).all(), np.sum(inside, axis=0)


def test_expected_and_its_noise_are_the_mean_and_variance_of_many_draws() -> None:
    """Chance taken out leaves the mean; what it adds has the variance told, over many worlds."""
    for outcome in ("plans", "section47", "referrals"):
        ratio = []
        for seed in range(12):
            source = Simulated(seed=seed)
            cells, panel = source.expected(outcome), source.load()
            off = (panel.frame[outcome] - cells["usual"]) / np.sqrt(cells["noise"])
            assert abs(off.mean()) < 0.15
            ratio.append(float((off**2).mean()))
        assert np.mean(ratio) == pytest.approx(1, abs=0.06), outcome


def test_within_and_years_share_what_both_explain() -> None:
    """Shapley's rule by hand, with R² from numpy's least squares."""
    panel: Panel = Simulated(authorities=40).load()
    place, between, within, common, rest = split(panel, "plans", (2013, 2018), "child_poverty")
    frame = panel.subset(years=range(2013, 2019)).frame
    y = frame["plans"].to_numpy()
    a, t = (pd.get_dummies(frame.index.get_level_values(key)).to_numpy(dtype=float) for key in ("authority", "year"))
    x = frame["child_poverty"].to_numpy()[:, None]

    def r2(*columns: np.ndarray) -> float:
        held = np.column_stack([np.ones(len(y)), *columns])
        left = y - held @ np.linalg.lstsq(held, y, rcond=None)[0]
        return float(100 * (1 - left @ left / ((y - y.mean()) @ (y - y.mean()))))

    assert within == pytest.approx((r2(a, x) - r2(a) + r2(a, t, x) - r2(a, t)) / 2, abs=1e-8)
    assert common == pytest.approx((r2(a, t) - r2(a) + r2(a, t, x) - r2(a, x)) / 2, abs=1e-8)
    assert place + between == pytest.approx(r2(a), abs=1e-8)
    assert place + between + within + common + rest == pytest.approx(100)
    assert len(SHARES) == 4
