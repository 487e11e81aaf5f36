"""Who was drawn by lot, and within what: the units, the strata, and the same lots drawn again.

A trial's units are what one lot decides for: a place with all its rows, or a person within a place. A draw that could have come out otherwise exchanges
the whole histories of units within a stratum (Fisher 1935, The Design of Experiments; for units that are clusters Gail and others 1996, On design
considerations and randomization-based inference for community intervention trials). In a stratum where all units have one arm no lots were drawn.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from causal.arrays import Floats, Ints
from causal.design import Design
from causal.words import count

SHOWN = 3  # strata that a message names


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
