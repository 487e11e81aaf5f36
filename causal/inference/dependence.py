"""Whether places move together, and errors that allow for it.

Moran's Q on paths (Moran 1950, Notes on continuous stochastic phenomena): each place has a path of residuals over the years, and Q is the sum of
inner products of the paths of places that are tied, over common years. Its law without ties is the one that dealing whole paths anew among places gives, so
that nothing is asked of what a path looks like. Shocks bias the error of a slope only where residual outcome and residual treatment both move
together, so that the larger of the two p-values is the p-value of both (Berger 1982, Multiparameter hypothesis testing and acceptance sampling).

Driscoll & Kraay 1998 (Consistent covariance matrix estimation with spatially dependent panel data) and Conley 1999 (GMM estimation with cross sectional
dependence) are what others would print. Few years leave the first too narrow and few neighbours the second, so neither is ever the only error.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from causal.arrays import Floats, Ints

BLOCK = 1_000_000  # numbers that a block of draws may take
TABLED = 2_500  # places up to which all inner products are kept
NEARLY = 1e-9  # share of Q by which rounding may part two draws that tie


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Ties:
    """Which places are tied: all of one group with one another, or pair by pair.

    Parameters
    ----------
    group : shape (places,), codes, −1 where not known: such a place has no part in the test; None where ties are pairs.
    pairs : shape (pairs, 2), each pair of places once; a place in none of them stays in the test. None where ties are groups.
    """

    group: Ints | None = None
    pairs: Ints | None = None

    def subset(self, kept: Ints) -> Ties:
        """The ties among some of the places, which are counted anew.

        kept : sorted indices.
        """
        if self.group is not None:
            return Ties(group=self.group[kept])
        assert self.pairs is not None
        most = max(int(self.pairs.max(initial=-1)), int(kept.max(initial=-1)))
        place = np.full(most + 1, -1, dtype=np.int64)
        place[kept] = np.arange(len(kept))
        pairs = place[self.pairs]
        return Ties(pairs=pairs[(pairs >= 0).all(axis=1)])

    @property
    def number(self) -> int:
        """Pairs of tied places."""
        if self.pairs is not None:
            return len(self.pairs)
        assert self.group is not None
        sizes = np.bincount(self.group[self.group >= 0])
        return int((sizes * (sizes - 1) // 2).sum())


@dataclass(frozen=True, slots=True, kw_only=True)
class Moran:
    """What the test of one set of ties found.

    Parameters
    ----------
    q : Σ_{i≠j} W_ij x_i·x_j.
    likeness : the mean inner product of tied paths, which for scaled paths is a mean correlation; NaN without ties.
    p_value : share of dealings, the actual one among them, whose Q is as large.
    """

    q: float
    likeness: float
    p_value: float


def paths(values: Floats, place: Ints, time: Ints, places: int, times: int) -> Floats:
    """Sums by place and time, shape (places, times), 0 where there is no row; each place's path scaled to length 1 where there are several times.

    Parameters
    ----------
    values, place, time : shape (rows,), residuals and codes.
    places, times : how many of each.
    """
    laid = np.bincount(place * times + time, weights=values, minlength=places * times).reshape(places, times)
    if times == 1:
        return np.asarray(laid)
    length = np.linalg.norm(laid, axis=1, keepdims=True)
    # what arithmetic leaves of nothing is nothing
    some = length > 1e-9 * float(length.max(initial=0.0))
    return np.where(some, laid / np.where(some, length, 1.0), 0.0)


def moran(x: Floats, ties: Ties, rng: np.random.Generator, draws: int, within: Ints | None = None) -> Moran:
    """Moran's Q of paths with its law by dealing whole paths among places.

    Parameters
    ----------
    x : shape (places, times), as `paths` gives them; places without a path are left out.
    ties : of the places.
    rng : permutes whole paths among places.
    draws : permutations.
    within : shape (places,), groups inside which alone paths are permuted; None: among all.
    """
    kept = np.flatnonzero((x != 0).any(axis=1) & (True if ties.group is None else ties.group >= 0))
    x, ties = x[kept], ties.subset(kept)
    strata = None if within is None else within[kept]
    if not ties.number or len(x) < 3:
        return Moran(q=0.0, likeness=np.nan, p_value=1.0)
    q = float(_q(x, ties, np.arange(len(x))[None])[0])
    reached, width = 0, max(1, BLOCK // max(x.size, 1))
    for at in range(0, draws, width):
        drawn = _q(x, ties, deal_places(rng, len(x), min(width, draws - at), strata))
        reached += int((drawn >= q - NEARLY * max(abs(q), 1e-300)).sum())
    return Moran(q=q, likeness=q / (2 * ties.number), p_value=(1 + reached) / (1 + draws))


def deal_places(rng: np.random.Generator, places: int, draws: int, within: Ints | None = None) -> Ints:
    """Whose path each place gets, shape (draws, places), each dealing as likely as any other.

    within : shape (places,), groups inside which alone paths change places.

    Parameters
    ----------
    rng : permutes.
    places : how many.
    draws : permutations.
    within : shape (places,), groups inside which alone they are permuted; None: among all.
    """
    keys = rng.random((draws, places))
    if within is None:
        return np.asarray(np.argsort(keys, axis=1))
    permuted = np.empty((draws, places), dtype=np.int64)
    permuted[:, np.argsort(within, kind="stable")] = np.argsort(keys + within, axis=1)
    return permuted


def _q(x: Floats, ties: Ties, permuted: Ints) -> Floats:
    """Q of each dealing, shape (draws,)."""
    if len(x) > TABLED:
        return np.array([_q_of_many(x, ties, one) for one in permuted])
    if ties.group is not None:
        order = np.argsort(ties.group, kind="stable")
        starts = np.flatnonzero(np.r_[True, np.diff(ties.group[order]) != 0])
        sums = np.add.reduceat(x[permuted[:, order]], starts, axis=1)
        return np.asarray((sums**2).sum(axis=(1, 2)) - (x**2).sum())
    assert ties.pairs is not None
    left, right = permuted[:, ties.pairs[:, 0]], permuted[:, ties.pairs[:, 1]]
    return np.asarray(2 * (x @ x.T)[left, right].sum(axis=1))


def _q_of_many(x: Floats, ties: Ties, permuted: Ints) -> float:
    """Q of one dealing of very many places: it is the ties that go to the paths, read from one end to the other, and not the paths to the ties."""
    if ties.group is not None:
        group = np.empty_like(ties.group)
        group[permuted] = ties.group
        sums = [np.bincount(group, weights=values) for values in x.T]
        return float(sum(one @ one for one in sums) - (x**2).sum())
    assert ties.pairs is not None
    dealt = x.take(permuted, axis=0)
    return float(2 * np.einsum("pt,pt->", dealt.take(ties.pairs[:, 0], axis=0), dealt.take(ties.pairs[:, 1], axis=0)))


def driscoll_kraay(treatment: Floats, residual: Floats, time: Ints, times: int) -> float:
    """Standard error of a slope that lets all places move together within a year, and years with the ones before.

    Bartlett weights over ⌊4 (T/100)^(2/9)⌋ lags (Newey & West 1994, Automatic lag selection in covariance matrix estimation).

    Parameters
    ----------
    treatment, residual : shape (rows,), residuals of treatment and of the outcome on all else.
    time : shape (rows,), codes of the years in order.
    times : how many years.
    """
    sums = np.bincount(time, weights=treatment * residual, minlength=times)
    lags = int(4 * (times / 100) ** (2 / 9))
    square = float(sums @ sums)
    for lag in range(1, min(lags, times - 1) + 1):
        square += 2 * (1 - lag / (lags + 1)) * float(sums[lag:] @ sums[:-lag])
    return float(np.sqrt(max(square, 0.0)) / (treatment @ treatment))


def conley(treatment: Floats, residual: Floats, place: Ints, places: int, pairs: Ints) -> float:
    """Standard error of a slope that lets a place move with its neighbours and their neighbours, weights 1, ⅔ and ⅓, and with itself over all years.

    Parameters
    ----------
    treatment, residual, place : shape (rows,).
    places : how many.
    pairs : shape (pairs, 2), places that border one another, each pair once.
    """
    scores = np.bincount(place, weights=treatment * residual, minlength=places)
    beside: list[set[int]] = [set() for _ in range(places)]
    for a, b in pairs.tolist():
        beside[a].add(b)
        beside[b].add(a)
    square = float(scores @ scores)
    for i, near in enumerate(beside):
        far = set().union(*(beside[j] for j in near)) - near - {i} if near else set()
        square += scores[i] * (2 / 3 * scores[list(near)].sum() + 1 / 3 * scores[list(far)].sum())
    return float(np.sqrt(max(square, 0.0)) / (treatment @ treatment))
