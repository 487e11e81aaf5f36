"""Effects by cohort and year from comparisons of two years, each with one influence score an authority.

ATT(g, t) is the change from the last year before g to t of those first treated in g, less that of authorities not treated by then
(Callaway & Sant'Anna 2021, Difference-in-differences with multiple time periods, theorem 1). Covariates are those of the earlier of the two
years; they enter a logit of being treated and a regression of the untreated changes, and either suffices (Sant'Anna & Zhao 2020,
Doubly robust difference-in-differences estimators; symbols as there).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from causal.arrays import Floats, Ints
from causal.cohorts import Cohorts, cohorts
from causal.design import Design
from causal.errors import EstimationError, refusal
from causal.rows import Control

OVERLAP = 0.999  # a chance of treatment above this leaves nobody to compare with (the published software's bound)
Mask = np.ndarray[tuple[int, ...], np.dtype[np.bool_]]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class GroupTimeATT:
    """Effects of adopting, by cohort and year.

    Parameters
    ----------
    cohort, year : shape (cells,); first treated year, and the outcome's year.
    effect : shape (cells,), outcome units.
    scores : shape (authorities, cells); squares add to the squared standard error.
    treated : shape (cells,), how many treated authorities each rests on.
    unsupported : cells in which nobody untreated was like the treated, so that the regression alone adjusts.
    missing : cells that have no comparison.
    """

    cohort: Ints
    year: Ints
    effect: Floats
    scores: Floats
    treated: Ints
    unsupported: int
    missing: tuple[str, ...]

    @property
    def since(self) -> Ints:
        """Shape (cells,), years since adoption."""
        return np.asarray(self.year - self.cohort)


@dataclass(frozen=True, slots=True, kw_only=True)
class Averages:
    """Weighted averages of cells: effects of shape (k,), scores of shape (authorities, k)."""

    effect: Floats
    scores: Floats


def drop_always_treated(design: Design) -> tuple[Design, Cohorts]:
    """The design with being treated (0, 1) as its treatment, without authorities treated in every year seen.

    Raises
    ------
    DesignError : nobody takes the treatment up, or it is given up again.
    """
    adopted = cohorts(design)
    kept = np.flatnonzero(~adopted.always[design.authority])
    used = replace(design, treatment=adopted.on.astype(float)).subset(kept, "treated in every year seen, since when is not known")
    left = np.unique(design.authority[kept])
    return used, replace(adopted, first=adopted.first[left], always=adopted.always[left], on=adopted.on[kept])


def covariates(design: Design) -> tuple[Floats, tuple[str, ...]]:
    """What changes of the outcome are compared at, shape (rows, columns): constant causes that act by year, and causes that change.

    A constant cause with the same strength in every year is gone from changes, and is left out; so is what changes in time and the graph can spare, since
    its value in one year returns to a place's own level.
    """
    columns, names = [], []
    for i, name in enumerate(design.time_invariant_names):
        if Control(name, by_year=True) in design.control_groups:
            columns.append(design.time_invariant[:, i])
            names.append(name)
    for group, at in design.control_groups.items():
        if group.cause not in names and group.cause not in design.identification.spared:
            columns.append(design.controls[:, list(at)].sum(axis=1))
            names.append(group)
    return (np.column_stack(columns) if columns else np.empty((design.rows, 0))), tuple(names)


def att_gt(
    design: Design, adopted: Cohorts, *, not_yet: bool, method: str, universal: bool, corrected: bool, among: Mask | None = None, leads: bool = True
) -> GroupTimeATT:
    """Every ATT(g, t) that has a comparison.

    Parameters
    ----------
    design : outcome, controls and weights by authority and year.
    adopted : who adopted when, of the same rows.
    not_yet : compare with those not treated by then; False: with the never-treated.
    method : "doubly_robust", "outcome_regression" or "weighting".
    universal : years before adoption are compared with the last one; False: with the year before each.
    corrected : scores of the treated times √(n/(n − 1)), of the others times √(n/(n − k)).
    among : shape (authorities,), the treated authorities to take; None: all.
    leads : whether years before adoption are wanted.

    Raises
    ------
    EstimationError : no cell has a comparison.
    """
    span = design.years
    outcome, row = design.grid(design.outcome), design.grid(np.arange(design.rows, dtype=float))
    matrix, names = covariates(design)
    weight = authority_weights(design)
    taken = np.ones(len(adopted.first), dtype=bool) if among is None else among
    found: list[tuple[int, int, float, Ints, Floats, int]] = []
    unsupported, missing = 0, []
    for g in adopted.years:
        mine = (adopted.first == g) & taken
        before = int(np.searchsorted(span, g)) - 1
        if not mine.any() or before < 0:
            continue
        sides: TwoByTwo | None = None
        for t in range(len(span)):
            after = t > before
            base = before if after or universal else t - 1
            if base < 0 or t == base or not (after or leads):
                continue
            earlier, last = min(base, t), int(span[max(base, t)])
            other = (adopted.never | (adopted.first > last)) & (adopted.first != g) if not_yet else adopted.never
            observed = np.isfinite(outcome[:, t]) & np.isfinite(outcome[:, base])
            at = np.flatnonzero((mine | other) & observed)
            d = mine[at]
            if not d.any() or d.all():
                missing.append(f"{g} in {span[t]}")
                continue
            # the years after adoption have one earlier year, and so mostly the same two sides
            if sides is None or sides.earlier != earlier or not np.array_equal(sides.at, at):
                x = matrix[row[at, earlier].astype(int)]
                if (~d).sum() <= x.shape[1] + 1:
                    raise refusal(
                        EstimationError,
                        f"the cohort of {g} in {span[t]}",
                        f"at least {x.shape[1] + 2} authorities to compare with, for {x.shape[1]} covariates ({', '.join(names)})",
                        f"{int((~d).sum())}",
                        "take  estimator.compare=not_yet_treated  or adjust for less",
                    )
                sides = _two_by_two(at, earlier, d, _scaled(x), weight[at], method, corrected)
            effect, score = _two_years(outcome[at, t] - outcome[at, base], sides)
            unsupported += not sides.overlap
            found.append((g, int(span[t]), effect, at, score, int(d.sum())))
    if not any(t >= g for g, t, *_ in found):
        raise refusal(EstimationError, "the cohorts", "somebody to compare with after adoption", "nobody", "take  estimator.compare=not_yet_treated")
    scores = np.zeros((len(adopted.first), len(found)))
    for i, (*_, at, score, _) in enumerate(found):
        scores[at, i] = score
    return GroupTimeATT(
        cohort=np.array([one[0] for one in found]),
        year=np.array([one[1] for one in found]),
        effect=np.array([one[2] for one in found]),
        scores=scores,
        treated=np.array([one[-1] for one in found]),
        unsupported=unsupported,
        missing=tuple(missing),
    )


def authority_weights(design: Design) -> Floats:
    """How much each authority counts, shape (authorities,), mean 1: the mean of its rows' weights."""
    number = len(design.authorities)
    if design.weights is None:
        return np.ones(number)
    means = np.bincount(design.authority, weights=design.weights, minlength=number) / np.bincount(design.authority, minlength=number)
    return np.asarray(means / means.mean())


def average(made: GroupTimeATT, adopted: Cohorts, weight: Floats, sets: Sequence[Ints], among: Mask | None = None, *, corrected: bool = False) -> Averages:
    """Averages over sets of cells, each cell by its cohort's share of authorities, the shares' own sampling in the scores.

    Parameters
    ----------
    made : ATT(g, t) of all cells.
    adopted : who adopted when.
    weight : shape (authorities,).
    sets : indices of cells, shape (cells of the set,) each.
    among : shape (authorities,), the treated authorities to take; None: all.
    corrected : the shares' scores over what of a deviation from the mean is left where the authority's own weight is in that mean.
    """
    n = len(weight)
    taken = np.ones(n) if among is None else among.astype(float)
    effects, scores = [], []
    for chosen in sets:
        member = (adopted.first[:, None] == made.cohort[chosen]) * (weight * taken)[:, None]
        share = member.mean(axis=0)
        total = share.sum()
        one = float(made.effect[chosen] @ share / total)
        # the derivative of Σ pθ / Σ p by p, times the score of p
        own = (member - share) @ (made.effect[chosen] - one) / total / n
        if corrected:
            own = own / np.sqrt(left_of_deviation(member.sum(axis=1)))
        effects.append(one)
        scores.append(made.scores[:, chosen] @ share / total + own)
    return Averages(effect=np.array(effects), scores=np.column_stack(scores))


def left_of_deviation(weight: Floats) -> Floats:
    """What share of a member's variance its deviation from the weighted mean keeps, 1 − 2w + Σw²; shape as `weight`, 1 where it has none of it."""
    share = weight / weight.sum()
    left = 1 - 2 * share + (share**2).sum()
    return np.where((share > 0) & (left > 1e-9), left, 1.0)


def _scaled(x: Floats) -> Floats:
    """Columns of mean 0 and standard deviation 1, constant ones left out."""
    spread = x.std(axis=0)
    kept = spread > 1e-12 * np.maximum(np.abs(x).max(axis=0, initial=0.0), np.finfo(float).tiny)
    return np.asarray((x[:, kept] - x[:, kept].mean(axis=0)) / spread[kept])


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TwoByTwo:
    """Who is compared with whom at one earlier year, and all of the comparison that owes nothing to the outcome.

    Parameters
    ----------
    at : shape (n,), the authorities; earlier : index of the year of their covariates.
    treated, control : shape (n,), what each counts on its side, divided by the mean of that.
    design, plain : shape (n, k) and (n,), the regression of untreated changes and its weights; bread : shape (k, k), its inverse.
    lean : shape (n,), how an authority's residual moves the effect through that regression.
    logit, columns : shape (n, p), the influence of the chances, and what they are made of.
    factor : shape (n,) or 1, the correction of scores.
    overlap : whether the untreated are like the treated.
    """

    at: Ints
    earlier: int
    treated: Floats
    control: Floats
    design: Floats
    plain: Floats
    bread: Floats
    lean: Floats
    logit: Floats
    columns: Floats
    factor: Floats
    overlap: bool


def _two_by_two(at: Ints, earlier: int, d: Mask, x: Floats, w: Floats, method: str, corrected: bool) -> TwoByTwo:
    n, one = len(d), np.ones((len(d), 1))
    full = np.column_stack([one, x])
    xr, xp = (full if method != "weighting" else one), (full if method != "outcome_regression" else one)
    treated = w * d
    propensity = _logit(xp, d, w)
    overlap = bool(np.isfinite(propensity).all() and propensity.max() < OVERLAP)
    if not overlap:
        xp, xr = one, full
        propensity = np.full(n, treated.sum() / w.sum())
    control = w * propensity * ~d / (1 - propensity)
    plain = w * ~d
    treated, control = treated / treated.mean(), control / control.mean()
    bread: Floats = np.asarray(np.linalg.pinv((xr * plain[:, None]).T @ xr / n))
    many, few = int(d.sum()), int((~d).sum())
    return TwoByTwo(
        at=at,
        earlier=earlier,
        treated=treated,
        control=control,
        design=xr,
        plain=plain,
        bread=bread,
        lean=(xr @ (bread @ (xr.T @ (treated - control) / n))) * plain,
        logit=(xp * (w * (d - propensity))[:, None]) @ np.linalg.pinv((xp * (w * propensity * (1 - propensity))[:, None]).T @ xp / n),
        columns=xp,
        factor=np.where(d, np.sqrt(many / max(many - 1, 1)), np.sqrt(few / (few - full.shape[1]))) if corrected else np.ones(1),
        overlap=overlap,
    )


def _two_years(change: Floats, sides: TwoByTwo) -> tuple[float, Floats]:
    """The effect on the treated, and one score an authority, shape (n,)."""
    n = len(change)
    residual = change - sides.design @ (sides.bread @ (sides.design.T @ (sides.plain * change) / n))
    eta_t, eta_c = sides.treated @ residual / n, sides.control @ residual / n
    off = sides.control * (residual - eta_c)
    scores = sides.treated * (residual - eta_t) - off - sides.lean * residual - sides.logit @ (sides.columns.T @ off / n)
    return float(eta_t - eta_c), scores * sides.factor / n


def _logit(x: Floats, d: Mask, w: Floats, rounds: int = 50) -> Floats:
    """Fitted chances of being treated, shape (n,), by Newton's method; NaN where it does not settle (the groups are told apart)."""
    if x.shape[1] == 1:
        return np.full(len(d), (w * d).sum() / w.sum())
    b = np.zeros(x.shape[1])
    for _ in range(rounds):
        p = 1 / (1 + np.exp(-np.clip(x @ b, -500, 500)))
        bend, slope = (x * (w * p * (1 - p))[:, None]).T @ x, x.T @ (w * (d - p))
        try:
            step = np.linalg.solve(bend, slope)
        except np.linalg.LinAlgError:  # columns collinear with others: the shortest step
            step = np.linalg.pinv(bend) @ slope
        b = b + step
        if np.abs(step).max() < 1e-10:
            return np.asarray(1 / (1 + np.exp(-(x @ b))))
        if np.abs(b).max() > 1e3:
            break
    return np.full(len(d), np.nan)
