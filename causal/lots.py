"""Who was drawn by lot, and within what: the units, the strata, and the same lots drawn again.

A trial's units are what one lot decides for: a place with all its rows, or a person within a place. A draw that could have come out otherwise exchanges
the whole histories of units within a stratum (Fisher 1935, The Design of Experiments; for units that are clusters Gail and others 1996, On design
considerations and randomization-based inference for community intervention trials). In a stratum where all units have one arm no lots were drawn.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from causal.arrays import Floats, Ints
from causal.design import Design
from causal.panel import Panel
from causal.words import count

SHOWN = 3  # strata that a message names
MOST_ARMS = 12  # of a roll-out, beyond which nobody follows them


@dataclass(frozen=True, slots=True, kw_only=True)
class Arm:
    """What became of those whom lots put into one arm of a trial, or of a roll-out into one date.

    Parameters
    ----------
    offered : whether it is, or ever comes to be, an arm that is offered the treatment.
    since : the year in which it is first offered, in a roll-out; None otherwise.
    clusters, rows : drawn.
    unknown : rows of them without an outcome.
    left_out : rows of them that are not in the estimate for another reason.
    took : share of the rows in the estimate that took it up; None where that is not asked or not known.
    """

    offered: bool
    since: int | None
    clusters: int
    rows: int
    unknown: int
    left_out: int
    took: float | None

    @property
    def analysed(self) -> int:
        """Rows in the estimate."""
        return self.rows - self.unknown - self.left_out


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Lots:
    """The units of a draw.

    Parameters
    ----------
    unit : shape (rows,), codes of the units that lots were drawn for.
    stratum : shape (units,), codes of what they were drawn within; all 0 where they were drawn among all.
    strata : names, one for each stratum.
    people : whether units are rows within a cluster, and not whole clusters.
    share : shape (units,), mean treatment of each unit: its arm, or, in a roll-out, the share of its years.
    """

    unit: Ints
    stratum: Ints
    strata: tuple[str, ...]
    people: bool
    share: Floats

    @property
    def units(self) -> int:
        """How many."""
        return len(self.stratum)

    @property
    def undrawn(self) -> tuple[str, ...]:
        """Strata in which every unit has the same arm, so that no lots can have been drawn there."""
        spread = [np.ptp(self.share[self.stratum == s]) for s in range(len(self.strata))]
        return tuple(name for name, one in zip(self.strata, spread, strict=True) if one == 0)

    def again(self, rng: np.random.Generator) -> Ints:
        """For each unit the unit whose history it gets in another draw; shape (units,)."""
        to = np.arange(self.units)
        for s in range(len(self.strata)):
            mine = np.flatnonzero(self.stratum == s)
            to[mine] = rng.permutation(mine)
        return to


def drawn(design: Design, within: str | None = None) -> Lots:
    """Units and strata, read from how the treatment lies over rows and clusters.

    Parameters
    ----------
    design : of a treatment decided by lot.
    within : name of the control that lots were drawn within, or "region"; None: among all places or, where the treatment differs within clusters of a
        cross-section, among the people of each cluster.
    """
    people = design.rows == len(design.authorities) and len(design.clusters) < design.rows and bool(_differs(design).any())
    if people:
        unit = np.arange(design.rows)
        return Lots(unit=unit, stratum=design.cluster.astype(np.int64), strata=design.clusters, people=True, share=design.treatment.astype(float))
    unit = design.cluster.astype(np.int64)
    total = np.bincount(unit, weights=design.treatment, minlength=len(design.clusters))
    share = total / np.maximum(np.bincount(unit, minlength=len(design.clusters)), 1)
    first = np.array([np.flatnonzero(unit == u)[0] for u in range(len(design.clusters))])
    if within is None:
        return Lots(unit=unit, stratum=np.zeros(len(first), dtype=np.int64), strata=("all",), people=False, share=share)
    values = design.region if within == "region" else _column(design, within)
    names, codes = np.unique(values[first], return_inverse=True)
    return Lots(unit=unit, stratum=codes.astype(np.int64), strata=tuple(str(name) for name in names), people=False, share=share)


def _differs(design: Design) -> Floats:
    """Spread of the treatment within each cluster of a cross-section; shape (clusters,)."""
    high, low = np.full(len(design.clusters), -np.inf), np.full(len(design.clusters), np.inf)
    np.maximum.at(high, design.cluster, design.treatment)
    np.minimum.at(low, design.cluster, design.treatment)
    return np.asarray(high - low)


def _column(design: Design, name: str) -> Floats:
    """The control of that name, or what authority effects hold already; shape (rows,)."""
    for known, matrix in ((design.control_names, design.controls), (design.time_invariant_names, design.time_invariant)):
        if name in known:
            return np.asarray(matrix[:, known.index(name)])
    return design.column(name)


def lacks_name(design: Design, within: str | None) -> str | None:
    """Whether what the lots were drawn within is no column of the design, as a clause.

    Parameters
    ----------
    design, within : as for `drawn`.
    """
    known = {*design.control_names, *design.time_invariant_names, *design.columns, "region"}
    if within is None or within in known:
        return None
    return f"lots were drawn within {within!r}, which is no control of this design; it has {', '.join(sorted(known))}"


def lacks_draw(design: Design, within: str | None = None) -> str | None:
    """Why not all units of a design can have been drawn, as a clause; None where they can.

    Parameters
    ----------
    design, within : as for `drawn`.
    """
    if (why := lacks_name(design, within)) is not None:
        return why
    gone = drawn(design, within).undrawn
    if not gone:
        return None
    named = ", ".join(gone[:SHOWN]) + (" …" if len(gone) > SHOWN else "")
    return (
        f"not all units were drawn: in {count(len(gone), 'stratum', 'strata')} ({named}) every unit has the same arm, so that no lot decided there; leave "
        "these units out, say what the lots were drawn within with  estimator.within=…, or keep them with  estimator.undrawn=keep"
    )


def flow(panel: Panel, design: Design, received: str | None = None) -> tuple[Arm, ...]:
    """What became of those whom lots decided for: drawn, without an outcome, left out, in the estimate; () where arms are no arms of two levels.

    Parameters
    ----------
    panel : as loaded.
    design : of a treatment decided by lot.
    received : the column of what was taken up; None where that is not asked.
    """
    question = design.question
    drawn_for = panel.shift(question.treatment, -question.lag).dropna()
    if not drawn_for.isin((question.control, question.treated)).all():
        return ()
    place, year = (drawn_for.index.get_level_values(name) for name in ("authority", "year"))
    begun = drawn_for.eq(question.treated)
    rolled_out = year.nunique() > 1
    first = begun.index[begun].to_frame(index=False).groupby("authority")["year"].min() if rolled_out else None
    arm = begun.astype(int).to_numpy() if first is None else first.reindex(place).to_numpy(dtype=float)
    # a place that never comes to it stands last
    arm = np.where(np.isnan(arm), np.inf, arm)
    arms = np.unique(arm)
    if not 1 < len(arms) <= MOST_ARMS:
        return ()
    unknown = panel.frame[question.outcome].reindex(drawn_for.index).isna().to_numpy()
    used = pd.MultiIndex.from_arrays([np.asarray(design.authorities, dtype=object)[design.authority], design.year])
    analysed = drawn_for.index.isin(used) & ~unknown
    cluster = panel.clusters(list(place.astype(str))).to_numpy()
    took = None if received is None or received not in panel.frame else panel.frame[received].reindex(drawn_for.index).to_numpy(dtype=float)
    made = []
    for level in arms if rolled_out else arms[::-1]:
        mine = arm == level
        taken = np.array([]) if took is None else took[mine & analysed & np.isfinite(took)]
        made.append(
            Arm(
                offered=bool(level > 0) and np.isfinite(level).item(),
                since=int(level) if rolled_out and np.isfinite(level) else None,
                clusters=len(np.unique(cluster[mine].astype(str))),
                rows=int(mine.sum()),
                unknown=int((mine & unknown).sum()),
                left_out=int((mine & ~unknown & ~analysed).sum()),
                took=float(taken.mean()) if len(taken) else None,
            )
        )
    return tuple(made)
