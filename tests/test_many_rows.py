"""Work that grows with rows and no faster: the same numbers in blocks, who is alike by a tree, first years by sorted starts, draws capped and said."""

from __future__ import annotations

import numpy as np
import pytest
from worlds import QUESTION, World, designed, refute, same, trial_of, without

from causal.estimators.fixed_effects import FixedEffects
from causal.refuters import capped, random_common_cause
from causal.refuters.machinery import histories
from causal.refuters.machinery.paths import treatment_path
from causal.refuters.overlap import TABLED, _nearest
from causal.refuters.placebo_treatment import PlaceboTreatment
from causal.refuters.random_common_cause import RandomCommonCause
from causal.trial import Trial


def tried(keep: float = 1.0) -> Trial:
    panel = World(authorities=30, adoption=True).load() if keep == 1.0 else without(World(authorities=30, adoption=True).load(), keep=keep, seed=1)
    return trial_of(panel, designed(panel, QUESTION), FixedEffects())


def test_the_nearest_by_a_tree_are_the_nearest_of_all() -> None:
    """Against every distance, and with places exactly alike, of which each has the others and never itself."""
    rng = np.random.default_rng(1)
    kinds = rng.normal(size=(TABLED + 200, 3))
    apart = ((kinds[:, None] - kinds[None]) ** 2).sum(axis=2)
    np.fill_diagonal(apart, np.inf)
    np.testing.assert_array_equal(np.sort(_nearest(kinds, 4), axis=1), np.sort(np.argpartition(apart, 3, axis=1)[:, :4], axis=1))
    alike = np.repeat(rng.normal(size=(300, 2)), 5, axis=0)
    near = _nearest(alike, 4)
    assert not (near == np.arange(len(alike))[:, None]).any()
    assert (near // 5 == np.arange(len(alike))[:, None] // 5).all()


@pytest.mark.parametrize("keep", [1.0, 0.8])
def test_each_first_year_is_the_earliest(keep: float) -> None:
    """Against a look at every authority's rows: a treatment never seen to stand still moved nowhere before its first row."""
    trial = tried(keep)
    made, moved = trial.design, treatment_path(trial, 0.05)
    for a in range(len(made.authorities)):
        rows = made.year[made.authority == a]
        assert moved.first[a] >= rows.min()
        assert moved.before[made.authority == a].sum() == (rows < moved.first[a]).sum()


def test_draws_in_blocks_are_the_draws_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same seed with room for everything and for three draws."""
    trial = tried()
    whole = [refute(check, trial) for check in (RandomCommonCause(draws=10), PlaceboTreatment(draws=10))]
    for module in (random_common_cause, histories):
        monkeypatch.setattr(module, "BLOCK", 3 * trial.design.rows)
    parts = [refute(check, trial) for check in (RandomCommonCause(draws=10), PlaceboTreatment(draws=10))]
    assert same(whole[0], parts[0])
    assert same(whole[1], parts[1])


def test_draws_are_capped_by_rows_and_never_below_what_tells_anything() -> None:
    """By hand: 500 at 400,000 rows, 200 at a million, 20 at a hundred million; few asked for stay few."""
    assert [capped(500, rows, 20) for rows in (1_200, 400_000, 1_000_000, 100_000_000)] == [500, 500, 200, 20]
    assert capped(9, 100_000_000, 20) == 9
