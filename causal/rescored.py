"""An orthogonal score drawn again hundreds of times with one thing replaced, on the residuals that its cross-fits left (`causal.crossfitted`).

With A_g = Σ d̃² and B_g = Σ d̃ỹ over the rows of cluster g, clusters drawn c_g times give θ = Σ c_g B_g / Σ c_g A_g; instruments have z̃d̃ and z̃ỹ, averages of
scores their parts, and groups of a forest each their own sums. A treatment that is dealt takes its residual along (and the instrument's), or, where it
has two values, is taken up by chance alike for all. Columns are held fixed by Frisch, Waugh and Lovell's theorem. Each cross-fit answers by itself; of several
the median is taken, with the spread between them in the error, as in the estimate (`causal.inference.clustered.median_fit`).

Effects and errors are per unit of the treatment; errors are raw: the caller knows what the estimate itself says on the unchanged rows.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from causal.arrays import Floats, Ints
from causal.crossfitted import Average, CrossFitted, Slope
from causal.design import Design
from causal.inference.clustered import cluster_sums
from causal.redraw import slopes, summing

Pair = tuple[Floats, Floats]
NOTHING = 1e-12  # share of a sum below which nothing of it is left


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Rows:
    """Some rows with their clusters, codes from 0."""

    rows: int
    cluster: Ints
    clusters: Sequence[object]

    @property
    def row_count(self) -> int:
        """As many as there are rows."""
        return self.rows

    @staticmethod
    def of(cluster: Ints, inside: Ints) -> _Rows:
        own, codes = np.unique(cluster[inside], return_inverse=True)
        return _Rows(rows=len(inside), cluster=codes.astype(np.int64), clusters=range(len(own)))


def median(answers: Sequence[Pair]) -> Pair:
    """One answer a draw from those of several cross-fits: shapes (draws,) each."""
    if len(answers) == 1:
        return answers[0]
    effects, errors = (np.array(side) for side in zip(*answers, strict=True))
    middle = np.median(effects, axis=0)
    return middle, np.sqrt(np.median(errors**2 + (effects - middle) ** 2, axis=0))


def with_clusters(score: CrossFitted, design: Design, drawn: Floats) -> Pair:
    """Clusters left out or drawn more than once.

    Parameters
    ----------
    score : what was kept.
    design : the asked one.
    drawn : shape (its clusters, draws), how often each is drawn.
    """
    place = {name: i for i, name in enumerate(design.clusters)}
    drawn = drawn[[place[name] for name in score.over.clusters]]
    return median([_drawn(one, score.over, drawn) for one in score.repetitions])


def _drawn(one: Slope | Average, over: Design, drawn: Floats) -> Pair:
    cluster, clusters = over.cluster, len(over.clusters)
    if isinstance(one, Average):
        sums = cluster_sums(np.column_stack([one.above, one.below]), cluster, clusters)
        parts = [(sums[:, 0], sums[:, 1], np.zeros(clusters), np.ones(clusters))]
    else:
        parts = []
        weights = over.root_weights**2 if one.group is None else np.ones(over.rows)
        z = (one.treatment if one.instrument is None else one.instrument) * weights
        learnt = np.zeros(over.rows) if one.learnt is None else one.learnt
        table = np.column_stack([z * (one.outcome - learnt * one.treatment), z * one.treatment, learnt, np.ones(over.rows)])
        for inside in _inside(one):
            sums = cluster_sums(table * inside[:, None], cluster, clusters)
            parts.append((sums[:, 0], sums[:, 1], sums[:, 2], sums[:, 3]))
    whole = drawn.T @ np.sum([counts for *_, counts in parts], axis=0)
    effects, scores = np.zeros(drawn.shape[1]), np.zeros(drawn.shape)
    with np.errstate(divide="ignore", invalid="ignore"):
        for above, below, learnt_of, counts in parts:
            size, number = drawn.T @ below, drawn.T @ counts
            share = number / whole
            slope = np.where(np.abs(size) > NOTHING * np.abs(below).sum(), (drawn.T @ above) / size, np.nan)
            effects += np.where(number > 0, share * (slope + (drawn.T @ learnt_of) / number), 0.0)
            scores += np.where(number > 0, share / size, 0.0) * (above[:, None] - below[:, None] * slope)
    return effects, np.sqrt((drawn * scores**2).sum(axis=0))


def _inside(one: Slope) -> list[Floats]:
    """Membership of each group, shape (rows,)."""
    if one.group is None:
        return [np.ones(len(one.outcome))]
    return [(one.group == k).astype(float) for k in range(int(one.group.max()) + 1)]


def with_dealt(score: CrossFitted, source: Ints) -> Pair:
    """Treatments dealt anew: no link to the outcome is left but chance.

    Parameters
    ----------
    score : what was kept.
    source : shape (rows of `over`, draws), whose treatment each row takes.
    """

    def one(kept: Slope | Average) -> Pair:
        taken = source.T
        if isinstance(kept, Slope):
            # what was learnt of the real treatment's effect says nothing of a dealt one
            plain = Slope(outcome=kept.outcome, treatment=kept.treatment, group=kept.group)
            return _slope(plain, score.over, kept.treatment[taken], kept.outcome, None if kept.instrument is None else kept.instrument[taken])
        if kept.instrument is None:
            return _apart(kept.outcome, kept.treatment[taken], score.over)
        assert kept.compliance is not None
        return _moved(kept.outcome, kept.treatment[taken], kept.instrument[taken], kept.compliance[taken], score.over)

    return median([one(kept) for kept in score.repetitions])


def with_treatment(score: CrossFitted, design: Design, change: Floats) -> Pair:
    """Something added to the treatment, which loses its authority effects as the treatment did and is told by no control.

    Parameters
    ----------
    score : what was kept.
    design : the asked one.
    change : shape (its rows, draws), raw.
    """
    added = score.carry(design, change).T

    def one(kept: Slope | Average) -> Pair:
        if isinstance(kept, Slope):
            return _slope(kept, score.over, kept.treatment + added, kept.outcome, kept.instrument)
        assert kept.instrument is not None and kept.compliance is not None
        return _moved(kept.outcome, kept.treatment + added, kept.instrument, kept.compliance, score.over)

    return median([one(kept) for kept in score.repetitions])


def with_control(score: CrossFitted, design: Design, columns: Floats) -> Pair:
    """One more column held fixed in each draw.

    Parameters
    ----------
    score : what was kept.
    design : the asked one.
    columns : shape (its rows, draws), raw.
    """
    root = score.over.root_weights
    fixed = score.carry(design, columns).T * root
    length = np.einsum("bn,bn->b", fixed, fixed)[:, None]
    fixed = np.divide(fixed, np.sqrt(length), out=np.zeros_like(fixed), where=length > 0)

    def left(column: Floats) -> Floats:
        weighted = column * root
        return np.asarray((weighted - fixed * (fixed @ weighted)[:, None]) / root)

    def one(kept: Slope | Average) -> Pair:
        instrument = None if kept.instrument is None else left(kept.instrument)
        if isinstance(kept, Slope):
            return _slope(kept, score.over, left(kept.treatment), left(kept.outcome), instrument)
        assert instrument is not None and kept.compliance is not None
        return _moved(left(kept.outcome), left(kept.treatment), instrument, kept.compliance, score.over)

    return median([one(kept) for kept in score.repetitions])


def can_carry(score: CrossFitted) -> bool:
    """Whether columns of the design can be set beside the residuals, and not only rows drawn and treatments dealt."""
    return score.carried is not None and all(isinstance(one, Slope) or one.instrument is not None for one in score.repetitions)


def moved(score: CrossFitted, design: Design, column: Floats) -> float:
    """How far the effect of one unit moves when something that no control tells is added to the outcome.

    Parameters
    ----------
    score : what was kept.
    design : the asked one.
    column : shape (its rows,), raw.
    """
    added = score.carry(design, column[:, None])[:, 0]

    def one(kept: Slope | Average, by: float) -> float:
        outcome = kept.outcome + by * added
        if isinstance(kept, Slope):
            return float(_slope(kept, score.over, kept.treatment[None], outcome, kept.instrument)[0][0])
        assert kept.instrument is not None and kept.compliance is not None
        return float(_moved(outcome, kept.treatment[None], kept.instrument, kept.compliance, score.over)[0][0])

    ends = [float(np.median([one(kept, by) for kept in score.repetitions])) for by in (0.0, 1.0)]
    return ends[1] - ends[0]


def _slope(kept: Slope, over: Design, treatment: Floats, outcome: Floats, instrument: Floats | None) -> Pair:
    """Slope and clustered error, draw by draw; treatment (draws, rows), outcome and instrument (rows,) or (draws, rows), not multiplied by weights."""
    root = over.root_weights if kept.group is None else np.ones(over.rows)
    learnt = 0.0 if kept.learnt is None else kept.learnt
    d, y = treatment * root, (outcome - learnt * treatment) * root
    effects, squares = np.zeros(len(d)), np.zeros(len(d))
    for inside in _inside(kept):
        rows = np.flatnonzero(inside)
        share = len(rows) / over.rows
        t, o = (np.ascontiguousarray(np.broadcast_to(side, d.shape)[:, rows]) for side in (d, y))
        if instrument is not None:
            z = np.broadcast_to(instrument * root, d.shape)[:, rows]
            with np.errstate(divide="ignore", invalid="ignore"):
                # both stages as one regression: the residual and what the instruments move (`causal.estimators.machinery.stages`)
                first = z * (np.einsum("bn,bn->b", z, t) / np.einsum("bn,bn->b", z, z))[:, None]
                slope = (np.einsum("bn,bn->b", first, o) / np.einsum("bn,bn->b", first, first))[:, None]
            t, o = first, o - t * slope + first * slope
        own = _Rows.of(over.cluster, rows)
        none, length = np.empty((len(rows), 0)), np.sqrt(np.einsum("bn,bn->b", t, t))
        slope, error = slopes(t, o, length, own, none, summing(own), None, True)
        effects += share * (slope + (0.0 if kept.learnt is None else float(kept.learnt[rows].mean())))
        squares += (share * error) ** 2
    return effects, np.sqrt(squares)


def _apart(outcome: Floats, on: Floats, over: Design) -> Pair:
    """Difference of means of those with and without a treatment that all were as likely to get; on : shape (draws, rows)."""
    sides = []
    for side in (on, 1 - on):
        number = side.sum(axis=1, keepdims=True)
        with np.errstate(divide="ignore", invalid="ignore"):
            mean = (side @ outcome)[:, None] / number
            sides.append((mean[:, 0], side * (outcome - mean) / number))
    number = len(over.clusters)
    scores = summing(over)(np.ascontiguousarray(sides[0][1] - sides[1][1]))
    return sides[0][0] - sides[1][0], np.sqrt((scores**2).sum(axis=1) * number / (number - 1))


def _moved(outcome: Floats, treatment: Floats, instrument: Floats, compliance: Floats, over: Design) -> Pair:
    """The average over all rows of the first effect and its correction by each row's own compliance; treatment (draws, rows), the others as they are."""
    weights = over.root_weights**2
    z, y = (np.broadcast_to(side, treatment.shape) for side in (instrument, outcome))
    with np.errstate(divide="ignore", invalid="ignore"):
        first = (np.einsum("bn,bn,n->b", z, y, weights) / np.einsum("bn,bn,n->b", z, treatment, weights))[:, None]
        effect = first + (y - first * treatment) * z / compliance
    mean = effect @ weights / weights.sum()
    scores = summing(over)(np.ascontiguousarray((effect - mean[:, None]) * weights / weights.sum()))
    return mean, np.sqrt((scores**2).sum(axis=1))


def blocks(step: Callable[[Floats], Pair], columns: Floats, rows: int, room: int) -> Pair:
    """A step over draws, a block of columns at a time.

    Parameters
    ----------
    step : takes shape (…, draws).
    columns : shape (rows, draws), all of them.
    rows : numbers that one draw takes in the step.
    room : bytes that a block may take.
    """
    width = max(1, room // (8 * max(rows, 1)))
    pairs = [step(columns[:, at : at + width]) for at in range(0, columns.shape[1], width)]
    effects, errors = (np.concatenate(side) for side in zip(*pairs, strict=True))
    return effects, errors
