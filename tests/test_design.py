"""From panel to arrays: what is dated, absorbed, adjusted for and lost, and the panel's own checks."""

from __future__ import annotations

import pickle
import sys
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from worlds import GRAPH, QUESTION, World, designed, without

from causal import arrays
from causal.arrays import ROWS_AT_ONCE, orthonormal
from causal.design import Copies, design
from causal.errors import DataError, DesignError
from causal.identify import identify
from causal.modifier import base_year
from causal.panel import Loss, Panel, Variable

PANEL = World().load()


def found(panel: Panel = PANEL, **more: object):  # type: ignore[no-untyped-def]
    question = replace(QUESTION, **more)
    # with a lag the small graph has no path to the outcome and asks for less
    forced = ("authority", "deprivation", "poverty", "year") if question.lag else None
    return question, identify(question, GRAPH, measured=panel.names, adjust_for=forced)


def test_a_cause_that_acts_by_year_gets_a_column_a_year_and_its_level_is_left_to_the_authority() -> None:
    made = design(PANEL, *found())
    assert made.absorb == ("authority", "year")
    assert made.control_groups["deprivation × year"] == tuple(range(7))
    assert made.time_invariant_names == ("deprivation",)
    for i, year in enumerate(range(2012, 2019)):
        at = made.year == year
        assert (made.controls[at, i] == made.time_invariant[at, 0]).all() and (made.controls[~at, i] == 0).all()


def test_a_lag_takes_the_treatment_and_its_controls_from_earlier_years_by_date_and_not_by_row() -> None:
    """A missing year must not let an earlier one slip into its place."""
    gap = replace(PANEL, frame=PANEL.frame.drop(("A0003", 2014)))
    made = design(gap, *found(gap, lag=1))
    rows = pd.DataFrame({"a": np.array(made.authorities)[made.authority], "y": made.year, "d": made.treatment}).set_index(["a", "y"])["d"]
    assert ("A0003", 2015) not in rows.index
    assert rows["A0003", 2016] == gap.frame.loc[("A0003", 2015), "cut"]
    # the control's value too is that of the calendar year before, whatever row stands above it
    assert made.control_names[-1] == "poverty[-1]"
    before = [gap.frame.loc[(place, year - 1), "poverty"] for place, year in rows.index]
    assert made.controls[:, -1].tolist() == before


def test_every_row_lost_is_counted_once_and_authorities_that_vanish_are_named() -> None:
    frame = PANEL.frame.copy()
    frame.loc["A0001", "poverty"] = np.nan
    frame.loc[("A0002", 2013), "plans"] = np.nan
    panel = replace(PANEL, frame=frame, log=(Loss(step="too small", rows=8, authorities=("X",)), Loss(step="a marker", rows=8, column="poverty")))
    made = design(panel, *found(panel, lag=1))
    steps = {loss.step: (loss.rows, loss.authorities) for loss in made.lost}
    assert steps["too small"] == (8, ("X",))
    assert steps["plans not known"] == (1, ())
    assert steps["no row 1 year earlier, where the panel begins or ends"] == (60, ())
    assert steps["poverty[-1] not known: a marker (8 cells)"] == (7, ("A0001",))
    assert made.rows == 480 - 1 - 60 - 7


def test_an_authority_with_one_year_left_says_nothing_about_itself() -> None:
    frame = PANEL.frame.copy()
    frame.loc[("A0005", slice(2012, None)), "plans"] = np.nan
    made = design(replace(PANEL, frame=frame), *found())
    assert made.lost[-1].authorities == ("A0005",) and "only one year left" in made.lost[-1].step


def test_fifths_hold_equal_numbers_of_authorities_and_do_not_change_in_time() -> None:
    made = design(PANEL, *found())
    groups = pd.Series(made.modifiers[0].codes).groupby(made.authority)
    assert (groups.nunique() == 1).all()
    assert groups.first().value_counts().tolist() == [12] * 5
    lowest = made.modifiers[0].values[made.modifiers[0].codes == 0]
    assert lowest.max() <= made.modifiers[0].values[made.modifiers[0].codes == 1].min()


def test_a_modifier_is_as_it_stood_in_the_first_year_known() -> None:
    """By hand: a column that rises by 100 a year has its value of the first year, or of the next where that is missing, in every row."""
    frame = PANEL.frame.copy()
    years = frame.index.get_level_values("year")
    first = frame["deprivation"].groupby(level="authority").transform("first")
    frame["deprivation"] = first + 100.0 * (years - years.min())
    frame.loc[("A0005", years.min()), "deprivation"] = np.nan
    made = base_year(replace(PANEL, frame=frame), "deprivation")
    late = 100.0 * (frame.index.get_level_values("authority") == "A0005")
    assert np.allclose(made.to_numpy(), first.to_numpy() + late)


def test_pooling_takes_back_what_the_authority_effects_held() -> None:
    pooled = design(PANEL, *found()).pooled()
    assert pooled.absorb == ("year",) and pooled.control_names[-1] == "deprivation"
    assert len(pooled.control_groups["deprivation × year"]) == 8


def test_a_drawn_cluster_brings_all_its_rows_as_often_as_drawn() -> None:
    made = design(without(PANEL, keep=0.8, seed=1), *found())
    again = made.resample_clusters(np.array([3, 3, 7]))
    sizes = np.bincount(made.cluster)
    assert again.rows == 2 * sizes[3] + sizes[7]
    assert len(again.authorities) == 3 and again.clusters == (made.clusters[3], made.clusters[7])
    assert again.outcome.sum() == pytest.approx(2 * made.outcome[made.cluster == 3].sum() + made.outcome[made.cluster == 7].sum())


def test_clusters_may_hold_several_authorities() -> None:
    places = PANEL.places.assign(cluster=[f"C{i // 4}" for i in range(60)])
    made = design(replace(PANEL, places=places), *found())
    assert len(made.clusters) == 15 and len(made.authorities) == 60
    assert (np.array(made.clusters)[made.cluster] == places["cluster"].loc[np.array(made.authorities)[made.authority]]).all()


def test_columns_that_others_tell_leave_the_basis() -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(50, 3)) * [1e-6, 1.0, 1e6]
    basis = orthonormal(np.column_stack([x, x[:, :1] + x[:, 1:2], np.zeros(50)]))
    assert basis.shape[1] == 3
    assert np.allclose(basis.T @ basis, np.eye(3))


def test_a_treatment_that_is_constant_within_authorities_is_not_estimable_and_says_what_to_ask() -> None:
    frame = PANEL.frame.assign(cut=PANEL.frame["cut"].groupby("authority").transform("first"))
    with pytest.raises(DesignError, match=r"not estimable within authority and year.*yearly measure"):
        design(replace(PANEL, frame=frame), *found())


def test_a_panel_checks_itself_at_birth() -> None:
    frame = PANEL.frame
    with pytest.raises(DataError, match=r"more than once.*'A0000', year 2011"):
        replace(PANEL, frame=pd.concat([frame, frame.iloc[:1]]))
    with pytest.raises(DataError, match="infinite values, the first in column 'cut', authority 'A0000', year 2012"):
        replace(PANEL, frame=frame.assign(cut=frame["cut"].where(np.arange(len(frame)) != 1, np.inf)))
    with pytest.raises(DataError, match="column 'cut': wanted 64-bit floats, got str"):
        replace(PANEL, frame=frame.assign(cut="much"))
    with pytest.raises(DataError, match="Did you mean 'plans'"):
        PANEL.variable("plan")
    with pytest.raises(DataError, match="no rows"):
        PANEL.subset(years=[1999])


def test_the_digest_is_of_the_values_whatever_their_order() -> None:
    shuffled = replace(PANEL, frame=PANEL.frame.sample(frac=1, random_state=1))
    assert shuffled.digest == PANEL.digest
    moved = PANEL.with_column(PANEL.frame["cut"] + 1e-12, Variable(name="cut", label="cut", unit="share", source="made up"))
    assert moved.digest != PANEL.digest


def test_a_basis_of_many_rows_is_the_one_that_numpy_s_decomposition_spans() -> None:
    """numpy's own QR of all rows at once in the same run, with a column told by the others, and blocks, the last shorter than the columns."""
    rng = np.random.default_rng(3)
    for rows in (2 * ROWS_AT_ONCE + 3, 3 * ROWS_AT_ONCE, ROWS_AT_ONCE):
        columns = rng.normal(size=(rows, 6)) * 10.0 ** np.arange(6)
        columns[:, 3] = columns[:, 0] - 2 * columns[:, 1]
        basis = orthonormal(columns.copy())
        whole, _ = np.linalg.qr(np.delete(columns, 3, axis=1))
        assert basis.shape == (rows, 5)
        np.testing.assert_allclose(basis.T @ basis, np.eye(5), atol=1e-12)
        some = rng.normal(size=rows)
        np.testing.assert_allclose(basis @ (basis.T @ some), whole @ (whole.T @ some), atol=1e-10)


def test_a_design_makes_its_basis_once_and_another_design_its_own() -> None:
    """Identity: the same array twice, not to be written to; fewer controls have another."""
    made = designed(World(authorities=30).load())
    assert made.basis() is made.basis() and made.basis(controls=False) is not made.basis()
    with pytest.raises(ValueError, match="read-only"):
        made.basis()[0, 0] = 1.0
    less = replace(made, controls=made.controls[:, :0], control_names=(), control_groups={})
    np.testing.assert_array_equal(less.basis(), made.basis(controls=False))
    assert less.basis().shape[1] < made.basis().shape[1]


def test_memory_is_kept_until_the_outermost_study_ends_and_nothing_is_done_without_glibc(monkeypatch: pytest.MonkeyPatch) -> None:
    """By hand, what the C library is told: to map and trim nothing, and only at the very end all back and a trim; without it nothing is told."""
    told: list[tuple[object, ...]] = []

    class Told:
        def mallopt(self, *words: int) -> int:
            told.append(words)
            return 1

        def malloc_trim(self, pad: int) -> int:
            told.append(("trim", pad))
            return 1

    monkeypatch.setattr(arrays, "_glibc", Told)
    with pytest.raises(ValueError, match="inside"), arrays.memory_kept():
        with arrays.memory_kept():
            pass
        assert told == [(-4, 0), (-1, 2**31 - 1)] * 2
        raise ValueError("inside")
    assert told[4:] == [(-4, 65536), (-3, 32 * 2**20), (-1, 64 * 2**20), ("trim", 0)]
    monkeypatch.undo()
    monkeypatch.setattr(sys, "platform", "darwin")
    assert arrays._glibc() is None


def test_names_of_drawn_authorities_are_made_when_asked_for() -> None:
    """By hand: each draw of an authority has a name of its own, also after rows were left out, and drawing again names it after both."""
    made = designed(World(authorities=30).load())
    drawn = made.resample_clusters(np.array([4, 2, 4, *range(10, 20)]))
    a, b = made.authorities[4], made.authorities[2]
    assert isinstance(drawn.authorities, Copies) and len(drawn.authorities) == 13
    assert tuple(drawn.authorities[:3]) == (f"{a}·0", f"{b}·1", f"{a}·2") and drawn.clusters[:2] == (b, a)
    assert len(set(drawn.authorities)) == 13 and drawn.cluster[0] == 1
    fewer = drawn.subset(np.flatnonzero(drawn.authority != 1), "left out")
    assert tuple(fewer.authorities[:2]) == (f"{a}·0", f"{a}·2") and fewer.lost[-1].authorities == (f"{b}·1",)
    assert fewer.resample_clusters(np.array([0])).authorities[0] == f"{a}·0·0"


def test_a_cluster_whose_authorities_are_mixed_up_among_its_rows_is_drawn_in_order() -> None:
    """Brute force: rows of each drawn authority, years in order, against a loop over the cluster's own rows."""
    made = designed(World(authorities=30).load())
    mixed = replace(made, cluster=made.authority % 7, clusters=tuple("abcdefg"))
    drawn = mixed.resample_clusters(np.array([3, 0, 3]))
    wanted = [(c, a, y) for c in (3, 0, 3) for a in range(30) if a % 7 == c for y in made.year[made.authority == a]]
    assert [(mixed.clusters.index(drawn.clusters[c]), y) for c, y in zip(drawn.cluster, drawn.year, strict=True)] == [(c, y) for c, _, y in wanted]
    assert (np.diff(drawn.authority) >= 0).all() and len(drawn.authorities) == sum(y == made.year.min() for *_, y in wanted)


def test_a_basis_does_not_travel_with_its_design() -> None:
    """Identity: what comes back from another process makes its own, and it is not to be written to either."""
    made = designed(World(authorities=30).load())
    plain = len(pickle.dumps(made))
    made.basis()
    back = pickle.loads(pickle.dumps(made))
    assert len(pickle.dumps(made)) == plain and back.clusters == made.clusters
    np.testing.assert_array_equal(back.basis(), made.basis())
    assert not back.basis().flags.writeable
