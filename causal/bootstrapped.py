"""Estimates whose error is a bootstrap over whole clusters, for estimators without an influence function.

Cameron & Miller 2015, A practitioner's guide to cluster-robust inference.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Literal

import numpy as np

from causal.arrays import Floats
from causal.design import Design
from causal.errors import CausalError
from causal.estimand import Conditioning, Estimand
from causal.estimate import Estimate, Part
from causal.inference.clustered import FEW_CLUSTERS, TWO, critical_t, effective_clusters, interval, joint_critical
from causal.knobs import renamed
from causal.regression import TWO_CLUSTERS, clustering, counted, lost_beyond, weighed, without_interval

MOST_DRAWS = 0.9  # share of bootstrap draws that must have an answer for an interval to be given


@renamed(held="conditioning")
def bootstrapped(
    design: Design,
    answer: Callable[[Design, np.random.Generator], Floats],
    rng: np.random.Generator,
    *,
    draws: int,
    estimator: str,
    estimand: Estimand,
    conditioning: Conditioning | None = None,
    target: Literal["ATE", "ATT"] = "ATE",
    kinds: Sequence[tuple[Literal["group", "path"], str, str]] = (),
    counts: Sequence[tuple[int, int]] = (),
    over: Design | None = None,
    **more: Any,
) -> Estimate:
    """An `Estimate` whose error is a bootstrap over whole clusters, for estimators without an influence function.

    The error is the standard deviation over draws of clusters with replacement, the interval t times it (`degrees_of_freedom`); joint bands come from the draws
    themselves. There is no influence.

    Parameters
    ----------
    design : what is asked; its contrast scales nothing here.
    answer : the effect in outcome units, and after it one number for each of `kinds`, shape (1 + parts,), of a design and a stream. A draw that raises a
        `CausalError` or gives NaN is left out; where that happens to more than a tenth of them no interval is given.
    rng : the stream that clusters are drawn from.
    draws : of clusters with replacement.
    estimator : its name, as the shelf has it.
    estimand, conditioning : as for `causal.regression.estimated`.
    target : whose effect it is.
    kinds, counts : of each part: kind, of, name; and rows and authorities that it rests on.
    over : the design that is drawn from, where that is not the one asked about.
    **more : further fields of `Estimate`.
    """
    used = over or design
    point = np.asarray(answer(used, rng), dtype=float)
    number = len(used.clusters)
    found = []
    for _ in range(draws):
        drawn = np.sort(rng.integers(number, size=number)).astype(np.int64)
        try:
            found.append(np.asarray(answer(used.resample_clusters(drawn), rng), dtype=float))
        except CausalError:
            found.append(np.full(len(point), np.nan))
    spread = np.array(found)
    good = np.isfinite(spread)
    level, df = design.question.level, degrees_of_freedom(used)
    enough = good.mean(axis=0) >= MOST_DRAWS
    errors = [float(spread[good[:, j], j].std(ddof=1)) if enough[j] else None for j in range(len(point))]
    whole = spread[good.all(axis=1)]
    reach = joint_critical((whole - whole.mean(axis=0))[:, 1:] / np.sqrt(max(len(whole) - 1, 1)), level, rng) if len(kinds) > 1 and enough.all() else None
    parts = []
    for (kind, of, name), (rows, authorities), effect, error in zip(kinds, counts, point[1:], errors[1:], strict=True):
        lower, upper = (None, None) if error is None else interval(float(effect), error, level, df)[:2]
        joint = None if reach is None or error is None else critical_t(reach, df) * error
        parts.append(
            Part(
                kind=kind,
                of=of,
                name=name,
                effect=float(effect),
                std_error=error,
                lower=lower,
                upper=upper,
                # never narrower than pointwise, as a drawn critical value would be where one effect stands for all parts
                joint_lower=None if joint is None or lower is None else min(float(effect) - joint, lower),
                joint_upper=None if joint is None or upper is None else max(float(effect) + joint, upper),
                rows=rows,
                authorities=authorities,
                group=name if kind == "group" else None,
            )
        )
    ends = (None, None, None) if errors[0] is None else interval(float(point[0]), errors[0], level, df)
    failed = int((~good[:, 0]).sum())
    estimate = Estimate(
        estimator=estimator,
        estimand=weighed(estimand, design),
        conditioning=conditioning or Conditioning.by(design),
        facts=counted(None, design),
        target=target,
        effect=float(point[0]),
        std_error=errors[0],
        lower=ends[0],
        upper=ends[1],
        level=level,
        p_value=ends[2],
        df=None if errors[0] is None else df,
        inference=f"bootstrap over clusters ({draws} draws, {failed} failed), t({'G−1' if df == number - 1.0 else f'{df:.0f}'}), {clustering(design)}"
        if errors[0] is not None
        else f"none: {failed} of {draws} bootstrap draws had no answer",
        rows=used.rows,
        authorities=len(used.authorities),
        clusters=number,
        lost=lost_beyond(design, used),
        parts=tuple(parts),
        no_interval="lost_draws" if errors[0] is None else None,
        **more,
    )
    return without_interval(estimate, TWO_CLUSTERS, "two_clusters") if number <= TWO else estimate


def degrees_of_freedom(design: Design) -> float:
    """G − 1, or one less than the effective number of clusters where that is small.

    A bootstrap knows the spread between those that carry the comparison from no more of them than there are.
    """
    number = len(design.clusters)
    left = design.partial_out(design.treatment[:, None])[:, 0]
    effective, _ = effective_clusters(left, design.cluster, number) if left.any() else (float(number), 0.0)
    return number - 1.0 if effective >= FEW_CLUSTERS else max(effective - 1.0, 1.0)
