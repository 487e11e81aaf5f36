"""Which estimates of one estimand differ by more than noise.

Two estimates from the same authorities err together, so that neither intervals that overlap nor intervals that do not say whether they differ. Each run
keeps one score for each authority (influence.csv); the scores of a difference are the differences of the scores, authority by authority, and its squared
error the sum of their squares (Clogg, Petkova & Haritou 1995, Statistical methods for comparing regression coefficients between models; clustered as in
White & Liang & Zeger 1986). Looking at many differences is allowed for by Romano & Wolf's step-down (`causal.inference.multiplicity.romano_wolf`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np

from causal.inference.multiplicity import romano_wolf
from causal.refute import stream
from causal.report.outcomes import DRAWS, scores_of, unusable
from causal.report.phrases import chance, decimals
from causal.words import capital, count, listed, signed, span

FEW = 12  # runs of which every pair is looked at; of more, each against the middle one
LEVEL = 0.05
SAME = 1e-9  # of the larger error: below it two runs are one estimate
EQUAL = 1e-6  # of the larger error: below it two effects are one


def differences(runs: Sequence[tuple[Mapping[str, Any], Path]]) -> dict[str, Any]:
    """Pairs of runs of one estimand, and whether they differ.

    Parameters
    ----------
    runs : records with an estimate, each with its folder; of one question, estimand and target.

    Returns
    -------
    found : `pairs` of {first, second (places among `runs`), difference, std_error, lower, upper, p_value, p_value_adjusted}, largest statistic first; for
        two runs that are one estimate error and p-values are None. `left_out`: {run, reason} where there are no scores. `against`: None, or the place of the
        run that each was compared with. `clusters`: authorities in all.
    """
    from scipy import stats

    scores = [scores_of(folder) for _, folder in runs]
    reasons = [unusable(data["estimate"], held) for (data, _), held in zip(runs, scores, strict=True)]
    usable = [i for i, why in enumerate(reasons) if why is None]
    against = None
    if len(usable) > FEW:
        against = sorted(usable, key=lambda i: runs[i][0]["estimate"]["effect"])[len(usable) // 2]
    pairs = list(combinations(usable, 2)) if against is None else [(i, against) for i in usable if i != against]
    clusters = sorted({name for i in usable for name in scores[i]})
    columns = {i: np.array([scores[i].get(name, 0.0) for name in clusters]) for i in usable}
    made: list[dict[str, Any]] = []
    tested: list[int] = []
    for first, second in pairs:
        one, other = runs[first][0]["estimate"], runs[second][0]["estimate"]
        apart = one["effect"] - other["effect"]
        error = float(np.sqrt(((columns[first] - columns[second]) ** 2).sum()))
        row = {"first": first, "second": second, "difference": apart, **dict.fromkeys(("std_error", "lower", "upper", "p_value", "p_value_adjusted"))}
        # two of the same algebra differ by rounding, however each got its error
        if error > SAME * max(one["std_error"], other["std_error"]) and abs(apart) > EQUAL * max(one["std_error"], other["std_error"]):
            df = min(estimate["df"] if estimate["df"] is not None else len(clusters) - 1 for estimate in (one, other))
            reach = float(stats.t(df).ppf(1 - LEVEL / 2)) * error
            row |= {"std_error": error, "lower": apart - reach, "upper": apart + reach, "p_value": float(2 * stats.t(df).sf(abs(apart) / error))}
            tested.append(len(made))
        made.append(row)
    if tested:
        stacked = np.column_stack([columns[made[i]["first"]] - columns[made[i]["second"]] for i in tested])
        adjusted = romano_wolf(np.array([made[i]["difference"] for i in tested]), stacked, stream(0, "differences"), DRAWS)
        for i, p_value in zip(tested, adjusted, strict=True):
            made[i]["p_value_adjusted"] = max(float(p_value), made[i]["p_value"])
    made.sort(key=lambda row: (row["p_value"] is None, row["p_value_adjusted"] or 0.0, row["p_value"] or 0.0, row["first"], row["second"]))
    left = [{"run": i, "reason": why} for i, why in enumerate(reasons) if why]
    return {"pairs": made, "left_out": left, "against": against, "clusters": len(clusters)}


def as_rows(apart: Mapping[str, Any], names: Sequence[str]) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    """Headings and rows of the differences; `names` of the runs."""
    digits = decimals(*(pair[key] for pair in apart["pairs"] for key in ("difference", "lower", "upper")))
    rows: list[tuple[str, ...]] = [
        (
            f"{names[pair['first']]} less {names[pair['second']]}",
            signed(pair["difference"], digits),
            span(pair["lower"], pair["upper"], digits) if pair["std_error"] else "the same estimate",
            chance(pair["p_value"]),
            chance(pair["p_value_adjusted"]),
            "none" if pair["p_value_adjusted"] is None else "yes" if pair["p_value_adjusted"] < LEVEL else "not shown",
        )
        for pair in apart["pairs"]
    ]
    heads: tuple[str, ...] = ("Difference", "Size", f"{1 - LEVEL:.0%} interval", "p-value", "p-value for all pairs together", "More than noise")
    return heads, rows


def told(apart: Mapping[str, Any], names: Sequence[str]) -> list[str]:
    """Sentences on which differences are more than noise."""
    tested = [pair for pair in apart["pairs"] if pair["std_error"]]
    far = [pair for pair in tested if pair["p_value_adjusted"] < LEVEL]
    same = [pair for pair in apart["pairs"] if not pair["std_error"]]
    said = []
    if far:
        told = listed([f"{names[pair['first']]} against {names[pair['second']]}" for pair in far[:5]]) + (" and others" if len(far) > 5 else "")
        said.append(
            f"Of {count(len(tested), 'difference')}, {len(far)} {'is' if len(far) == 1 else 'are'} more than noise at {LEVEL:.0%}, allowing for all: {told}. "
            "They cannot all be right: look for confounding, for dynamics, for effects that differ between places and, first of all, for errors of measurement."
        )
    elif tested:
        looked = "The difference between the two is not" if len(tested) == 1 else f"None of {len(tested)} differences is"
        said.append(f"{looked} shown to be more than noise at {LEVEL:.0%}. That is no proof that they agree: the intervals say how far apart they may be.")
    said += [f"{capital(names[pair['first']])} and {names[pair['second']]} are the same estimate." for pair in same]
    if apart["against"] is not None:
        said.append(f"Each is compared with the middle one, {names[apart['against']]}, since there are many.")
    said += [
        f"{capital(names[one['run']])} is not compared: {one['reason']}. It would take an authority bootstrap of the difference." for one in apart["left_out"]
    ]
    return said
