"""Groups of authorities by which an effect is also given, cut from a column as it stood in the first year known."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from causal.panel import Panel

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Modifier:
    """Groups by which the effect is also given.

    Parameters
    ----------
    name, label : of the column.
    values : shape (rows,), the column in the first year known.
    codes : shape (rows,), the group of each row, 0 first.
    groups : the groups' labels, lowest values first.
    """

    name: str
    label: str
    values: Floats
    codes: Ints
    groups: tuple[str, ...]


def base_year(panel: Panel, name: str) -> pd.Series:
    """A modifier as it stood in the first year known, so that the treatment cannot have moved it.

    Parameters
    ----------
    panel : values by authority and year.
    name : the modifier's column.

    Returns
    -------
    values : shape (authority-years of the panel,), constant within an authority.

    Raises
    ------
    DataError : no such column.
    """
    first = panel.frame[panel.variable(name).name].groupby(level="authority").first()
    return pd.Series(first.reindex(panel.frame.index.get_level_values("authority")).to_numpy(), index=panel.frame.index)


def cut_into_groups(panel: Panel, name: str, values: Floats, authority: Ints, wanted: int) -> Modifier:
    """Cut the authorities, not the rows, into groups of equal number.

    Parameters
    ----------
    panel : for the label.
    name : the modifier's column.
    values : shape (rows,), constant within an authority.
    authority : shape (rows,), codes.
    wanted : number of groups; a modifier with no more values than that keeps its values, and one whose values have names keeps all of them.
    """
    label, levels = panel.variable(name).label, panel.variable(name).levels
    per_authority = pd.Series(values).groupby(authority).first()
    distinct = np.unique(per_authority)
    if len(distinct) <= wanted or levels:
        codes = np.searchsorted(distinct, per_authority)
        groups = tuple(levels[int(value)] if levels else f"{value:g}" for value in distinct)
    else:
        ranks = per_authority.rank(method="first").to_numpy()
        codes = np.minimum(((ranks - 1) * wanted / len(ranks)).astype(int), wanted - 1)
        noun = {2: "half", 3: "third", 4: "quarter", 5: "fifth", 10: "tenth"}.get(wanted, f"group of {wanted}")
        ends = {0: " (lowest)", wanted - 1: " (highest)"}
        groups = tuple(f"{noun} {group + 1}{ends.get(group, '')}" for group in range(wanted))
    return Modifier(name=name, label=label, values=values, codes=np.asarray(codes)[authority].astype(np.int64), groups=groups)
