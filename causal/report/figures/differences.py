"""Which estimates of one question differ from the one that gives its answer by more than noise.

Two estimates from the same authorities err together, so that neither intervals that overlap nor intervals that do not say whether they differ. Each run
keeps one score for each authority (influence.csv); the scores of a difference are the differences of the scores, authority by authority, and its squared
error the sum of their squares (Clogg, Petkova & Haritou 1995, Statistical methods for comparing regression coefficients between models; clustered as in
White & Liang & Zeger 1986). Looking at many differences is allowed for by Holm's step-down (`causal.inference.multiplicity.holm`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from causal.inference.multiplicity import holm
from causal.report.outcomes import scores_of, unusable
from causal.report.phrases import decimals, p_text
from causal.words import capital, count, listed, signed, span

LEVEL = 0.05
SAME = 1e-9  # of the larger error: below it two runs are one estimate
EQUAL = 1e-6  # of the larger error: below it two effects are one
NAMED = 5  # runs that a sentence names


def differences(runs: Sequence[tuple[Mapping[str, Any], Path]], against: int) -> dict[str, Any]:
    """Every run less the one that gives the answer, and whether they differ.

    Parameters
    ----------
    runs : records with an estimate, each with its folder; of one question.
    against : place of the run that gives the answer.

    Returns
    -------
    found : `pairs` of {first, second (places among `runs`), difference, std_error, lower, upper, p_value, p_value_adjusted}, in the order of the runs; of
        two runs that are one estimate error and p-values are None. `left_out`: {run, reason} where there are no scores. `against`: as given, None where it
        kept no scores itself. `clusters`: authorities in all.
    """
    from scipy import stats

    scores = [scores_of(folder) for _, folder in runs]
    reasons = [unusable(data["estimate"], run_scores) for (data, _), run_scores in zip(runs, scores, strict=True)]
    left = [{"run": i, "reason": why} for i, why in enumerate(reasons) if why]
    usable = [i for i, why in enumerate(reasons) if why is None]
    if against not in usable:
        return {"pairs": [], "left_out": left, "against": None, "clusters": 0}
    clusters = sorted({name for i in usable for name in scores[i]})
    columns = {i: np.array([scores[i].get(name, 0.0) for name in clusters]) for i in usable}
    made: list[dict[str, Any]] = []
    other = runs[against][0]["estimate"]
    for at in usable:
        if at == against:
            continue
        one = runs[at][0]["estimate"]
        apart = one["effect"] - other["effect"]
        error = float(np.sqrt(((columns[at] - columns[against]) ** 2).sum()))
        row = {"first": at, "second": against, "difference": apart, **dict.fromkeys(("std_error", "lower", "upper", "p_value", "p_value_adjusted"))}
        # two of the same algebra differ by rounding, however each got its error
        if error > SAME * max(one["std_error"], other["std_error"]) and abs(apart) > EQUAL * max(one["std_error"], other["std_error"]):
            df = min(estimate["df"] if estimate["df"] is not None else len(clusters) - 1 for estimate in (one, other))
            reach = float(stats.t(df).ppf(1 - LEVEL / 2)) * error
            row |= {"std_error": error, "lower": apart - reach, "upper": apart + reach, "p_value": float(2 * stats.t(df).sf(abs(apart) / error))}
        made.append(row)
    for row, adjusted in zip(made, holm([row["p_value"] for row in made]), strict=True):
        row["p_value_adjusted"] = adjusted
    return {"pairs": made, "left_out": left, "against": against, "clusters": len(clusters)}


def differs(pair: Mapping[str, Any]) -> bool:
    """Whether a difference is more than noise, allowing for all that were looked at."""
    return pair["p_value_adjusted"] is not None and pair["p_value_adjusted"] < LEVEL


def as_rows(apart: Mapping[str, Any], names: Sequence[str]) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    """Headings and rows of the differences.

    Parameters
    ----------
    apart : differences from the answer, as `compare` has them; outcome units.
    names : of the runs.
    """
    digits = decimals(*(pair[key] for pair in apart["pairs"] for key in ("difference", "lower", "upper")))
    rows: list[tuple[str, ...]] = [
        (
            names[pair["first"]],
            signed(pair["difference"], digits),
            span(pair["lower"], pair["upper"], digits) if pair["std_error"] else "the same estimate",
            p_text(pair["p_value"]),
            p_text(pair["p_value_adjusted"]),
            "none" if pair["p_value_adjusted"] is None else "yes" if differs(pair) else "not shown",
        )
        for pair in apart["pairs"]
    ]
    heads: tuple[str, ...] = ("Less the answer", "Size", f"{1 - LEVEL:.0%} interval", "p-value", "p-value, allowing for all", "More than noise")
    return heads, rows


def differences_text(apart: Mapping[str, Any], names: Sequence[str]) -> list[str]:
    """Sentences on which differences are more than noise.

    Parameters
    ----------
    apart : differences from the answer, as `compare` has them.
    names : of the runs.
    """
    if apart["against"] is None:
        return ["None was compared: the one that gives the answer kept no scores by authority."]
    tested = [pair for pair in apart["pairs"] if pair["std_error"]]
    far = [pair for pair in tested if differs(pair)]
    said = []
    if far:
        which = listed([names[pair["first"]] for pair in far[:NAMED]]) + (" and others" if len(far) > NAMED else "")
        said.append(
            f"Of {count(len(tested), 'difference')} from the answer, {len(far)} {'is' if len(far) == 1 else 'are'} more than noise at {LEVEL:.0%}, "
            f"allowing for all (Holm): {which}."
        )
    elif tested:
        looked = "The one difference from the answer is not" if len(tested) == 1 else f"None of {len(tested)} differences from the answer is"
        said.append(f"{looked} shown to be more than noise at {LEVEL:.0%}. That is no proof that they agree: the ranges say how far apart they may be.")
    said += [f"{capital(names[pair['first']])} is the same estimate as the answer." for pair in apart["pairs"] if not pair["std_error"]]
    return said + [f"{capital(names[one['run']])} is not compared: {one['reason']}." for one in apart["left_out"]]
