"""Ways in which places may be tied, so that what hits one hits the others: region, tenth of a lasting attribute, shared border, a user's own groups."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from causal.arrays import Ints
from causal.design import Design, whole_units
from causal.inference.dependence import Ties
from causal.panel import Panel
from causal.words import count

Kind = Literal["region", "tenth", "border", "groups"]
KINDS: tuple[Kind, ...] = get_args(Kind)
FEWEST_GROUPS = 4  # with three and fewer groups nothing is learnt of the error that they share
TENTHS = 10
PLURALS: dict[Kind, str] = {"region": "regions", "tenth": "tenths", "groups": "groups", "border": "borders"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """One way in which places may be tied.

    Parameters
    ----------
    kind : "region", "tenth", "border" or "groups".
    of : the variable whose tenths are meant; "" for the others.
    """

    kind: Kind
    of: str = ""

    @property
    def label(self) -> str:
        """As readers know it."""
        return {"region": "region", "tenth": f"tenth of {self.of.replace('_', ' ')}", "border": "shared border", "groups": "group"}[self.kind]

    @property
    def absorbed(self) -> Way:
        """The groups whose year effects are absorbed where places so tied share shocks."""
        return Way(kind="region") if self.kind == "border" else self


def ways(of: str) -> tuple[Way, ...]:
    """All ways there are, with the tenths of one variable."""
    return tuple(Way(kind=kind, of=of if kind == "tenth" else "") for kind in KINDS)


def groups(panel: Panel, design: Design, way: Way) -> tuple[tuple[str, ...], Ints] | str:
    """The groups' names and each unit's code, shape (units,), −1 where its group is not known; or why there are none, as a clause.

    Units are those that move together (`whole_units`); one whose authorities lie in several groups is in none.

    Parameters
    ----------
    panel : with what is known of places.
    design : whose units are grouped.
    way : of grouping; not "border".
    """
    unit, number = whole_units(design)
    first = np.full(len(design.authorities), -1, dtype=np.int64)
    first[design.authority] = unit
    if way.kind == "tenth":
        found = _tenths(panel, design, way.of, first, number)
        if isinstance(found, str):
            return found
        names, codes = found
    else:
        column = "region" if way.kind == "region" else "group"
        where = "source.region" if way.kind == "region" else "source.groups"
        if column not in panel.places:
            return f"no {way.label} of any place is known ({where})"
        known = panel.places[column].reindex(list(design.authorities)).fillna("").to_numpy(dtype=str)
        names, codes = _of_units(known, first, number)
    sizes = np.bincount(codes[codes >= 0], minlength=len(names))
    if not len(names):
        return f"no {way.label} of any place is known"
    if (sizes <= 1).all():
        return f"each {way.label} holds one place alone, so that none has another to share with"
    if len(names) == 1:
        return f"all places are in one {way.label}, and what all share is in the years' effects"
    if len(names) < FEWEST_GROUPS:
        return f"{len(names)} {PLURALS[way.kind]} are too few; at least {FEWEST_GROUPS} are wanted to learn what they share"
    return names, codes


def _of_units(known: NDArray[np.str_], unit: Ints, number: int) -> tuple[tuple[str, ...], Ints]:
    """Group of each unit from that of its authorities; −1 where not known or several."""
    names, at = np.unique(known, return_inverse=True)
    low, high = np.full(number, len(names)), np.full(number, -1)
    np.minimum.at(low, unit, at)
    np.maximum.at(high, unit, at)
    one = np.where((low == high) & (names[np.minimum(low, len(names) - 1)] != ""), low, -1)
    kept, codes = np.unique(one[one >= 0], return_inverse=True)
    out = np.full(number, -1, dtype=np.int64)
    out[one >= 0] = codes
    return tuple(str(names[k]) for k in kept), out


def _tenths(panel: Panel, design: Design, name: str, unit: Ints, number: int) -> tuple[tuple[str, ...], Ints] | str:
    if name not in panel.names:
        return f"the data have no {name.replace('_', ' ')} to take tenths of"
    if number < 2 * TENTHS:
        return f"{count(number, 'place')} are too few for tenths of {name.replace('_', ' ')}"
    mean = panel.frame[name].groupby(level="authority").mean().reindex(list(design.authorities)).to_numpy(dtype=float)
    known = np.isfinite(mean)
    with np.errstate(invalid="ignore"):
        level = np.bincount(unit[known], weights=mean[known], minlength=number) / np.bincount(unit[known], minlength=number)
    observed = np.flatnonzero(np.isfinite(level))
    if len(np.unique(level[observed])) < TENTHS:
        return f"{name.replace('_', ' ')} has too few levels for tenths"
    codes = np.full(number, -1, dtype=np.int64)
    codes[observed[np.argsort(level[observed], kind="stable")]] = np.arange(len(observed)) * TENTHS // len(observed)
    return tuple(f"tenth {k}" for k in range(1, TENTHS + 1)), codes


def bordering(panel: Panel, design: Design) -> tuple[Ints, tuple[str, ...]] | str:
    """Pairs of units that share a border, each once, shape (pairs, 2), and the names of units without any; or why there are none, as a clause.

    Parameters
    ----------
    panel : with its borders.
    design : whose units they are.
    """
    if panel.borders is None:
        return "no table of borders is given (source.borders=FILE)"
    unit, number = whole_units(design)
    first = np.full(len(design.authorities), -1, dtype=np.int64)
    first[design.authority] = unit
    at = {name: int(first[i]) for i, name in enumerate(design.authorities)}
    pairs = sorted({(min(at[a], at[b]), max(at[a], at[b])) for a, b in panel.borders if a in at and b in at and at[a] != at[b]})
    if not pairs:
        return "no two of these places share a border in the table that was given"
    made = np.array(pairs, dtype=np.int64)
    alone = np.setdiff1d(np.arange(number), made)
    lone = np.zeros(number, dtype=bool)
    lone[alone] = True
    names = panel.places["name"].to_dict()
    islands = tuple(str(names.get(design.authorities[i], design.authorities[i])) for i in range(len(design.authorities)) if lone[first[i]])
    return made, islands


def ties(panel: Panel, design: Design, way: Way) -> Ties | str:
    """Which units are tied in one way; or why that is not known, as a clause.

    Parameters
    ----------
    panel, design, way : as in `groups`.
    """
    if way.kind == "border":
        found = bordering(panel, design)
        return found if isinstance(found, str) else Ties(pairs=found[0])
    made = groups(panel, design, way)
    return made if isinstance(made, str) else Ties(group=made[1])


def row_groups(panel: Panel, design: Design, way: Way) -> tuple[tuple[str, ...], Ints] | str:
    """The groups' names and each row's code, shape (rows,), those not known together as one group; or why there are none, as a clause.

    Parameters
    ----------
    panel, design, way : as in `groups`.
    """
    found = groups(panel, design, way)
    if isinstance(found, str):
        return found
    names, codes = found
    unit, _ = whole_units(design)
    if (codes < 0).any():
        names, codes = (*names, "not known"), np.where(codes < 0, len(names), codes)
    return names, codes[unit]
