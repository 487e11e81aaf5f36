"""Terms of growth, held against Das Gupta's own formulas, every order by hand, and England's printed totals."""

from __future__ import annotations

from itertools import permutations
from pathlib import Path

import numpy as np
import pytest

from causal.decompositions.machinery.chain import chain, das_gupta
from causal.sources.simulated import Simulated

REAL = Path(__file__).resolve().parents[1].parent / "shared/data/england"
STEPS = {"referrals": "referrals", "section47": "section 47 enquiries", "plans": "plans"}


def test_terms_are_the_mean_over_every_order_in_which_the_factors_change() -> None:
    """By brute force, all 120 orders of five factors."""
    rng = np.random.default_rng(5)
    first, last = rng.uniform(0.5, 2, (5, 7)), rng.uniform(0.5, 2, (5, 7))
    terms = np.zeros((5, 7))
    for order in permutations(range(5)):
        now = first.copy()
        for at in order:
            was = now.prod(axis=0)
            now[at] = last[at]
            terms[at] += (now.prod(axis=0) - was) / 120
    assert np.allclose(das_gupta(first, last), terms)


def test_terms_of_three_factors_are_das_gupta_s_formula() -> None:
    """Das Gupta 1993, two and three factors: Q(a) = ((bc + BC)/3 + (bC + Bc)/6)(A − a), and (b + B)/2 (A − a) for two."""
    (a, b, c), (A, B, C) = (2.0, 3.0, 5.0), (2.5, 2.0, 7.0)
    three = das_gupta(np.array([[a], [b], [c]]), np.array([[A], [B], [C]]))[:, 0]
    expected = [((y * z + Y * Z) / 3 + (y * Z + Y * z) / 6) * (X - x) for x, X, y, Y, z, Z in ((a, A, b, B, c, C), (b, B, a, A, c, C), (c, C, a, A, b, B))]
    assert np.allclose(three, expected)
    two = das_gupta(np.array([[a], [b]]), np.array([[A], [B]]))[:, 0]
    assert np.allclose(two, [(b + B) / 2 * (A - a), (a + A) / 2 * (B - b)])


def exact(one: object) -> None:
    terms, first, last = one.terms, one.first, one.last  # type: ignore[attr-defined]
    assert np.allclose(terms[:, 1:].sum(axis=1), last - first, atol=1e-7)
    assert np.allclose(terms[:, 1:4].sum(axis=1), terms[:, 0], atol=1e-7)
    assert terms[:, 1:].sum() == pytest.approx(one.change, abs=1e-6)  # type: ignore[attr-defined]


def test_terms_add_up_by_authority_and_in_all() -> None:
    panel = Simulated().load()
    one = chain(panel, (2011, 2018), STEPS, "deprivation")
    exact(one)
    counts = [(panel.frame["plans"] * panel.frame["children"] / 10_000).xs(year, level="year").sum() for year in (2011, 2018)]
    assert one.change == pytest.approx(counts[1] - counts[0])


def test_children_that_grow_alike_have_no_mix_and_a_rate_that_stays_has_no_term() -> None:
    """A world in which only the number of children grows, by a tenth everywhere."""
    panel = Simulated(authorities=30).load()
    frame = panel.frame.copy()
    for name in ("referrals", "section47", "plans"):
        frame[name] = frame.groupby(level="authority")[name].transform("first") + 1
    frame["children"] = frame.groupby(level="authority")["children"].transform("first") * np.where(frame.index.get_level_values("year") == 2018, 1.1, 1.0)
    from dataclasses import replace

    one = chain(replace(panel, frame=frame), (2011, 2018), STEPS, "deprivation")
    sums = one.terms.sum(axis=0)
    assert sums[1] == pytest.approx(one.change) and one.change == pytest.approx(0.1 * one.first.sum())
    assert np.allclose(sums[2:], 0, atol=1e-8)


@pytest.mark.skipif(not REAL.is_dir(), reason="the folder of real published files is not at hand (../shared/data/england)")
def test_england_s_growth_adds_up_and_population_growth_is_what_is_known() -> None:
    """Episodes: first releases at both ends about 45 %, the last year revised 76 % (DfE said 41 %). At 31 March more than all: rates fell."""
    from causal.decompositions.growth import Growth
    from causal.experiments.compose import composed, study_and_part
    from causal.sources.england import England

    panel = England(path=str(REAL)).load()
    made = study_and_part(composed(["decomposition=growth"]), "decomposition")[1]
    assert isinstance(made, Growth)
    printed = made._printed(panel)
    assert printed is not None
    shares = [row[[column.name for column in printed.columns].index("share")] for row in printed.rows]
    assert shares[:2] == pytest.approx([45, 76], abs=1.5) and shares[2] > 130
    for outcome, one in made.chains.items():
        grown = chain(panel, tuple(one["years"]), one["steps"], "deprivation")
        exact(grown)
        assert len(grown.authorities) >= 135, outcome
