"""Groups of authorities with effects of their own, and whether they differ."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from causal.arrays import Floats
from causal.design import Design
from causal.estimate import Part
from causal.inference.multiplicity import holm
from causal.modifier import Modifier
from causal.regression import by_group, group_parts


def by_region(design: Design) -> Modifier:
    """Regions as a grouping."""
    names, codes = np.unique(np.where(design.region == "", "not known", design.region), return_inverse=True)
    return Modifier(name="region", label="region", values=codes.astype(float), codes=codes.astype(np.int64), groups=tuple(str(one) for one in names))


def own_years(design: Design, groupings: Sequence[Modifier]) -> Design:
    """The design with years of their own for the groups of each grouping.

    Parameters
    ----------
    design : the design.
    groupings : of its rows.
    """
    extra = [
        np.where((one.codes[:, None] == np.arange(len(one.groups))) & (design.year[:, None] == year), 1.0, 0.0)
        for one in groupings
        for year in np.unique(design.year)
    ]
    return replace(design, controls=np.column_stack([design.controls, *extra])) if extra else design


@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    """Whether the groups of one grouping differ: F with its degrees of freedom, p and p adjusted for all groupings (Holm); None where it cannot be tested."""

    of: str
    groups: int
    f: float | None
    df: float | None
    p_value: float | None
    adjusted: float | None


def named_groups(design: Design, groupings: Sequence[Modifier], rng: np.random.Generator) -> tuple[tuple[Part, ...], tuple[Named, ...]]:
    """Effects by group with joint bands, and the tests whether they differ.

    Parameters
    ----------
    design : the design.
    groupings : of its rows.
    rng : draws the joint critical values.
    """
    parts: list[Part] = []
    tests: list[Named] = []
    for one in groupings:
        within = replace(own_years(design, [one]), modifiers=(one,))
        fits = by_group(within, within.basis())
        label = {one.name: one.label for one in within.modifiers}
        parts += (replace(part, of=label[part.of]) for part in group_parts(within, fits, rng))
        for name, groups, fit, _ in fits:
            if len(groups) < 2:
                continue
            f, df, p_value = welch(fit.coefficients, fit.std_errors, fit.df)
            known = np.isfinite(p_value)
            tests.append(
                Named(of=label[name], groups=len(groups), f=f if known else None, df=df if known else None, p_value=p_value if known else None, adjusted=None)
            )
    p_values = holm([one.p_value for one in tests])
    return tuple(parts), tuple(replace(one, adjusted=p) for one, p in zip(tests, p_values, strict=True))


def welch(effects: Floats, errors: Floats, df: Floats) -> tuple[float, float, float]:
    """Whether effects with errors and degrees of freedom of their own, shape (k,), are all the same: F, its second degrees of freedom and p-value.

    Welch 1951 (On the comparison of several mean values): the groups hold different authorities and years of their own, so that their errors are unrelated but
    for what controls they share. With Hotelling's T² and the fewest degrees of freedom among the groups planted differences were never found.
    """
    from scipy import stats

    k = len(effects)
    if not (errors > 0).all():
        return float("nan"), float("nan"), float("nan")
    weight = 1 / errors**2
    share = weight / weight.sum()
    lost = float(((1 - share) ** 2 / df).sum())
    between = float((weight * (effects - share @ effects) ** 2).sum()) / (k - 1)
    f = between / (1 + 2 * (k - 2) / (k**2 - 1) * lost)
    second = (k**2 - 1) / (3 * lost)
    return f, second, float(stats.f(k - 1, second).sf(f))


def features(design: Design, groupings: Sequence[Modifier]) -> tuple[Floats, tuple[str, ...]]:
    """What effects may differ by, shape (authorities, k), raw: the groupings' values, and a column of 0 and 1 for each region but the first.

    Parameters
    ----------
    design : the design.
    groupings : of its rows, constant within an authority.
    """
    first = np.flatnonzero(np.r_[True, np.diff(design.authority) != 0])
    columns, names = [], []
    for one in groupings:
        if one.name == "region":
            columns += [(one.codes[first] == k).astype(float) for k in range(1, len(one.groups))]
            names += list(one.groups[1:])
        else:
            columns.append(one.values[first])
            names.append(one.label)
    return np.column_stack(columns), tuple(names)
