"""The interval of an answer whose places were found to share shocks.

Every group's own year effects are absorbed, for all ways at once that alarmed, and of that refit the widest interval is taken: by authority, or by each group
with CR2 and Satterthwaite's degrees of freedom. Where less than 5 % of the treatment's variance would be left (a treatment set by region) there is nothing to
compare within groups: then the answer stands, and the group is the cluster. Two and three places on which all hangs leave no interval, as everywhere.
What the answer was before stays beside it (`Estimate.shared`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from causal.answer import answered
from causal.arrays import Ints
from causal.design import Design, with_group_years
from causal.errors import CausalError
from causal.estimate import Estimate, Estimator, Linear, NoInterval, SharedShocks
from causal.groupings import Way, row_groups
from causal.inference.clustered import TWO, effective_clusters, interval
from causal.panel import Panel
from causal.regression import without_interval
from causal.words import listed

LEAST_LEFT = 0.05  # share of the treatment's residual variance below which there is no refit


@dataclass(frozen=True, slots=True, kw_only=True)
class _Range:
    """One interval of an answer; None where there can be none, with the code of why."""

    by: str
    lower: float | None
    upper: float | None
    std_error: float | None
    p_value: float | None
    df: float | None
    inference: str
    no_interval: NoInterval | None

    @property
    def length(self) -> float:
        return np.inf if self.lower is None or self.upper is None else self.upper - self.lower


def widened(estimator: Estimator, panel: Panel, design: Design, estimate: Estimate, ways: Sequence[Way], rng: np.random.Generator) -> tuple[Design, Estimate]:
    """The answer with shocks that places share allowed for, and the design that it rests on.

    Parameters
    ----------
    estimator, panel, design, estimate : the answer as it was.
    ways : in which places were found to share shocks.
    rng : the estimator's own stream.
    """
    through = tuple(dict.fromkeys(way.label for way in ways))
    wanted = tuple(dict.fromkeys(way.absorbed for way in ways))
    found = {way: row_groups(panel, design, way) for way in wanted}
    known = {way.label: made for way, made in found.items() if not isinstance(made, str)}
    before = SharedShocks(
        through=through,
        groups=tuple(known),
        refitted=False,
        left=None,
        widest=None,
        effect=estimate.effect,
        std_error=estimate.std_error,
        lower=estimate.lower,
        upper=estimate.upper,
    )
    if not known:
        why = "; ".join(made for made in found.values() if isinstance(made, str))
        words = f"Places share shocks through {listed(through)}, and no groups are known that could be allowed for ({why}): the interval is too narrow."
        return design, replace(estimate, shared=replace(before, why=why), concerns=(*estimate.concerns, words.rstrip(".")))
    plain = [_range(estimator, design, estimate, label, made, rng) for label, made in known.items()]
    widest = max(plain, key=lambda one: one.length)
    before = replace(before, group_lower=widest.lower, group_upper=widest.upper)
    refit = absorbing(design, {label: codes for label, (_, codes) in known.items()})
    left = _left(estimator, design, refit)
    again, why = _again(estimator, refit, left, estimate.effect, rng)
    if again is None:
        made, chosen, over = estimate, max([_own(estimate), *plain], key=lambda one: one.length), design
    else:
        ranges = [_own(again), *(_range(estimator, refit, again, label, groups, rng) for label, groups in known.items())]
        made, chosen, over = again, max(ranges, key=lambda one: one.length), refit
    how = f"{listed(list(known))} × year absorbed" if again is not None else f"the {listed(list(known))} is the cluster, since {why}"
    text = f"places share shocks through {listed(through)}: {how}"
    shared = replace(before, refitted=again is not None, left=left, widest=chosen.by if chosen.lower is not None else None, why=why)
    if chosen.lower is None:
        bare = without_interval(made, chosen.inference.removeprefix("no valid interval: "), chosen.no_interval or "method")
        return over, replace(bare, shared=shared, notes=(*made.notes, f"Since {text}"))
    assert chosen.std_error is not None
    ratio = chosen.std_error / made.std_error if made.std_error else 1.0
    return over, replace(
        made,
        std_error=chosen.std_error,
        lower=chosen.lower,
        upper=chosen.upper,
        p_value=chosen.p_value,
        df=chosen.df,
        influence=None if made.influence is None else made.influence * ratio,
        inference=f"{chosen.inference}; {text}, and the widest interval taken (by {chosen.by})",
        no_interval=None,
        shared=shared,
        notes=(*made.notes, f"Since {text}"),
    )


def absorbing(design: Design, grouped: dict[str, Ints]) -> Design:
    """The design with each group's own year effects absorbed too, and a sentence that says so.

    Parameters
    ----------
    design : as it was.
    grouped : name of a grouping → codes, shape (rows,).
    """
    words = f"Absorbed too, because places share shocks: {listed([f'{name} × year' for name in grouped])}."
    return replace(with_group_years(design, grouped), words=(*design.words, words))


def _left(estimator: Estimator, design: Design, refit: Design) -> float:
    """Share of the treatment's residual variance that the refit leaves."""
    sizes = []
    for one in (design, refit):
        used = estimator.regression(one) if isinstance(estimator, Linear) else one
        residual = used.partial_out(used.treatment[:, None])[:, 0]
        sizes.append(float(residual @ residual))
    return sizes[1] / sizes[0] if sizes[0] > 0 else 0.0


def _again(estimator: Estimator, refit: Design, left: float, before: float, rng: np.random.Generator) -> tuple[Estimate | None, str]:
    """The refit's answer, or why there is none."""
    if left < LEAST_LEFT:
        return None, f"within groups {left:.1%} of the treatment's variance is left, and at least {LEAST_LEFT:.0%} is wanted"
    try:
        estimate = answered(estimator, refit, rng)
    except CausalError as problem:
        return None, f"the refit gives no answer ({str(problem).rstrip('.')})"
    if estimate.effect == before:
        return None, f"{estimate.estimator} does not absorb year effects of groups"
    return estimate, ""


def _own(estimate: Estimate) -> _Range:
    """The interval that an answer has of itself."""
    return _Range(
        by="authority",
        lower=estimate.lower,
        upper=estimate.upper,
        std_error=estimate.std_error,
        p_value=estimate.p_value,
        df=estimate.df,
        inference=estimate.inference,
        no_interval=estimate.no_interval,
    )


def _range(estimator: Estimator, design: Design, estimate: Estimate, label: str, groups: tuple[tuple[str, ...], Ints], rng: np.random.Generator) -> _Range:
    """The interval round an answer with groups as clusters: the estimator's own where it can have them, else from the scores of its clusters."""
    names, codes = groups
    kept, cluster = np.unique(codes, return_inverse=True)
    clusters = tuple(names[k] for k in kept)
    try:
        own = answered(estimator, replace(design, cluster=cluster.astype(np.int64), clusters=clusters), rng)
    except CausalError:
        return _summed(design, estimate, label, cluster.astype(np.int64), len(clusters))
    words = own.inference.replace("clustered by cluster", f"clustered by {label}")
    made = replace(_own(own), by=label, inference=words)
    # folds are of clusters, so that a learner's effect is another: its length is taken round the answer
    shift = estimate.effect - own.effect
    if made.lower is None or made.upper is None or not shift:
        return made
    p_value = interval(estimate.effect, own.std_error, estimate.level, own.df)[2] if own.std_error else made.p_value
    return replace(made, lower=made.lower + shift, upper=made.upper + shift, p_value=p_value)


def _summed(design: Design, estimate: Estimate, label: str, codes: Ints, number: int) -> _Range:
    """From the scores of the answer's clusters, summed by group, with t of the effective groups less one."""
    none = _Range(by=label, lower=None, upper=None, std_error=None, p_value=None, df=None, inference="", no_interval="method")
    if estimate.influence is None:
        return replace(none, inference=f"it gives no scores that could be summed by {label}")
    if number <= TWO:
        return replace(none, inference="two groups give one difference, and no error can be learnt from one", no_interval="two_clusters")
    of = np.zeros(len(design.clusters), dtype=np.int64)
    of[design.cluster] = codes
    sums = np.bincount(of, weights=np.asarray(estimate.influence, dtype=float), minlength=number).astype(float)
    error = float(np.sqrt(number / (number - 1) * (sums @ sums)))
    treatment = design.partial_out(design.treatment[:, None])[:, 0]
    df = max(effective_clusters(treatment, codes, number)[0] - 1, 1.0)
    lower, upper, p_value = interval(estimate.effect, error, estimate.level, df)
    words = f"scores summed by {label}, G/(G−1), t of effective groups less one"
    return _Range(by=label, lower=lower, upper=upper, std_error=error, p_value=p_value, df=df, inference=words, no_interval=None)
