"""Synthetic comparisons: a weighted mean of never-treated authorities that went as the treated did before adoption.

synthetic_did
    weights on authorities and on years, and a difference in differences with both (Arkhangelsky, Athey, Hirshberg, Imbens & Wager 2021,
    Synthetic difference-in-differences; symbols as there).
synthetic_control
    weights on authorities alone, matched on levels (Abadie, Diamond & Hainmueller 2010, Synthetic control methods for comparative case studies): on the
    outcome's own past, or on the means of predictors before, weighed so that the outcome's past is met best. For one treated place the interval is
    that of conformal inference (`causal.inference.conformal`).

Authorities adopting in one year are one cohort, matched as their mean; cohorts are averaged by their treated authority-years (Clarke,
Pailañir, Athey & Imbens 2024, On synthetic difference-in-differences and related estimation methods).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar, Literal

import numpy as np

from causal.arrays import Floats, Ints
from causal.cohorts import Cohorts, cohorts
from causal.design import Design
from causal.errors import ConfigError, DesignError, refusal
from causal.estimand import Conditioning, DesignFacts, Estimand
from causal.estimate import Course, Estimate, Point, Support
from causal.estimators import serve
from causal.estimators.machinery.group_time import drop_always_treated
from causal.inference.clustered import Fit, cluster_sums
from causal.knobs import one_of, whole_number
from causal.needs import ADOPTION, AUTHORITY_EFFECTS, BALANCED, NEVER_TREATED, Lack, Need
from causal.regression import estimated, feedback, parts_of, residual_treatment, warn_concentrated_leverage, without_interval
from causal.words import count, listed

JACKKNIFE = 5  # treated clusters; with fewer the error comes from placebos
LEAST = 2  # years before adoption to match on
BETWEEN_ALIKE = 1e-3  # what the path counts beside predictors, both in standard deviations: it decides between weights that match predictors alike
LEAST_RIDGE = 1e-9  # of the largest number of a problem, so that weights alike in all are shared
STEPS = 50  # of a guess at which weights are 0; some five are needed
MOST_NAMED = 10  # places that are named among those which the comparison is made of
COUNTS = 0.001  # the least weight of one that is named
TOGETHER = 1_000_000  # outcomes of placebo draws that are solved for at once


def _before(_: object, design: Design) -> Lack:
    try:
        made = cohorts(design)
    except DesignError:
        return None
    years = design.years
    best = max(int((years < g).sum()) for g in made.years)
    return None if best >= LEAST else f"authorities must be seen for {LEAST} years before adoption, and there {'is one' if best == 1 else 'are none'}"


EARLIER = Need("two years before adoption", _before)
NEEDS = (AUTHORITY_EFFECTS, ADOPTION, NEVER_TREATED, BALANCED, EARLIER)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Match:
    """One cohort and its comparison.

    Parameters
    ----------
    at : index of its first treated year.
    treated, controls : authorities; shape (N₁,) and (N₀,).
    omega : shape (N₀,), weights of authorities, sum 1.
    years : shape (T₀,), weights λ of years before adoption, sum 1 or (synthetic control) all 0.
    """

    at: int
    treated: Ints
    controls: Ints
    omega: Floats
    years: Floats


@dataclass(frozen=True, slots=True, kw_only=True)
class SyntheticDid:
    """Synthetic difference-in-differences.

    Parameters
    ----------
    weights : "exact" solves for the weights; "published" takes the steps of the authors' software (Frank–Wolfe, small weights set to 0).
    draws : placebo assignments, where fewer than five clusters are treated; at least 20.
    """

    weights: Literal["exact", "published"] = "exact"
    draws: int = 200
    needs: ClassVar[tuple[Need, ...]] = NEEDS
    answers: ClassVar[tuple[str, ...]] = ("ATT",)
    targets: ClassVar[str] = "ATT of adopting"
    costs: ClassVar[str] = "a tenth of a second"
    quick: ClassVar[bool] = True

    def __post_init__(self) -> None:
        if self.weights not in ("exact", "published"):
            raise refusal(ConfigError, "weights", "one of exact, published", repr(self.weights), "write one of them")
        whole_number("draws", self.draws, 20)

    @property
    def name(self) -> str:
        """Its name on the shelf."""
        return "synthetic_did"

    def estimate(self, design: Design, rng: np.random.Generator) -> Estimate:
        """Answer the design's question.

        Parameters
        ----------
        design : balanced, a treatment that is taken up and kept, some who never take it up.
        rng : draws placebo adopters among the never-treated, where the treated are too few for a jackknife.

        Raises
        ------
        DesignError : adoption is given up again, nobody is never treated, rows are missing, or the target is not the ATT.
        """
        serve(self, design)
        used, adopted = drop_always_treated(design)
        outcome = used.grid(_less_controls(used))
        found = [
            Match(at=at, treated=mine, controls=free, omega=omega, years=lam)
            for at, mine, free in _cohorts(used, adopted)
            for omega, lam in [[w[0] for w in _both(outcome, at, mine[None], free[None], self.weights)]]
        ]
        fit, which = _jackknife(outcome, found, used)
        treated = len(np.unique(used.cluster[adopted.on]))
        if treated >= JACKKNIFE and np.isfinite(fit.scores[:, 0]).all():
            return _answer(self.name, design, used, adopted, outcome, found, fit, which, rng)
        permuted = _placebo(outcome, found, used, self, rng)
        # what a placebo leaves is an error, and no score of any one cluster
        made = replace(_answer(self.name, design, used, adopted, outcome, found, permuted or fit, which, rng), influence=None)
        return made if permuted else without_interval(made, f"{len(found[0].controls)} never-treated authorities are too few for placebos of {treated} treated")


@dataclass(frozen=True, slots=True, kw_only=True)
class SyntheticControl:
    """Synthetic control; for one treated place with an interval by conformal inference, otherwise with ranks among placebos alone.

    Parameters
    ----------
    match : "path" on the outcome in every year before, "predictors" on the means before of what is conditioned on and of the outcome.
    own_years : years of the outcome that are predictors; None: its mean before and its last year before.
    weigh : predictors so that the outcome's path before is met best ("path"), or by how far they foretell it in a regression over all places
        ("regression", as Stata's synth does unless asked otherwise).
    """

    match: Literal["path", "predictors"] = "path"
    own_years: Sequence[int] | None = None
    weigh: Literal["path", "regression"] = "path"
    needs: ClassVar[tuple[Need, ...]] = NEEDS
    answers: ClassVar[tuple[str, ...]] = ("ATT",)
    targets: ClassVar[str] = "ATT of adopting"
    costs: ClassVar[str] = "a tenth of a second"
    quick: ClassVar[bool] = True
    checks: ClassVar[tuple[str, ...]] = ("synthetic_dates",)

    def __post_init__(self) -> None:
        one_of("synthetic_control.match", self.match, ("path", "predictors"))
        one_of("synthetic_control.weigh", self.weigh, ("path", "regression"))
        if self.own_years is not None:
            for year in self.own_years:
                whole_number("synthetic_control.own_years", year, 0)
            object.__setattr__(self, "own_years", tuple(self.own_years))

    @property
    def name(self) -> str:
        """Its name on the shelf."""
        return "synthetic_control"

    def estimate(self, design: Design, rng: np.random.Generator) -> Estimate:
        """Answer the design's question.

        Parameters
        ----------
        design : balanced, a treatment that is taken up and kept, some who never take it up.
        rng : not used in anything that is kept.

        Returns
        -------
        Estimate : for one treated place of enough years with an interval, otherwise without; its path's rank among placebos stands in the diagnostics.

        Raises
        ------
        DesignError : adoption is given up again, nobody is never treated, rows are missing, or the target is not the ATT.
        """
        serve(self, design)
        used, adopted = drop_always_treated(design)
        by_predictors = self.match == "predictors"
        outcome = used.grid(used.outcome if by_predictors else _less_controls(used))
        found = []
        for at, mine, free in _cohorts(used, adopted):
            if by_predictors:
                omega = _by_predictors(used, outcome, at, mine, free, self)
            else:
                omega = _simplex(outcome[free, :at].T, outcome[mine, :at].mean(axis=0), 0.0)
            found.append(Match(at=at, treated=mine, controls=free, omega=omega, years=np.zeros(at)))
        path, which = _paths(outcome, found)
        fit = Fit(
            coefficients=path,
            scores=np.zeros((len(used.clusters), len(path))),
            df=np.full(len(path), len(used.clusters) - 1.0),
            residuals=np.zeros(0),
            inference="",
        )
        made = _answer(self.name, design, used, adopted, outcome, found, fit, which, rng)
        made = replace(made, diagnostics={**made.diagnostics, **_made_of(used, found), **_rank(outcome, found)}, course=_course(used, outcome, found))
        bare = without_interval(made, "synthetic controls of several places have placebo ranks, and no standard error that is known to hold")
        if len(found) > 1 or len(found[0].treated) > 1:
            return bare
        ends = _conformal(outcome, found[0], design.question.level)
        if ends is None:
            return replace(
                bare, inference=f"no valid interval: {len(used.years)} years are too few to tell its shocks from those before, or the others miss it"
            )
        scale = adopted.sign  # of adopting, as the effect is
        lower, upper = sorted(end * scale for end in ends)
        lower, upper = min(lower, made.effect - 1e-9 * abs(made.effect)), max(upper, made.effect + 1e-9 * abs(made.effect))
        years = len(used.years)
        return replace(
            bare,
            std_error=(upper - lower) / (2 * _NORMAL),
            lower=lower,
            upper=upper,
            p_value=_p_of_none(outcome, found[0]),
            inference=f"conformal: shifts of {years} years round their circle, the effect the same in each year since",
            no_interval=None,
            support=Support(clusters=len(used.clusters), effective=float(years), treated=1, untreated=len(found[0].controls)),
            notes=(
                *bare.notes,
                "The standard error is that of a normal law with the interval's width; the interval itself rests on none.",
                *(("Interval and rank match the outcome's path, as they are tests of it; the effect matches predictors.",) if by_predictors else ()),
            ),
        )


_NORMAL = 1.959963984540054  # the interval's half width in standard errors, for print alone


def _missed(outcome: Floats, one: Match, effect: float) -> Floats:
    """What weights fitted to all years under an effect miss; shape (years,)."""
    own = outcome[one.treated].mean(axis=0).copy()
    own[one.at :] -= effect
    others = outcome[one.controls].T
    return np.asarray(own - others @ _simplex(others, own, 0.0))


def _conformal(outcome: Floats, one: Match, level: float) -> tuple[float, float] | None:
    """The interval for an effect that is the same in each year since; None where it has none."""
    from causal.inference.conformal import accepted

    if outcome.shape[1] * (1 - level) < 1 - 1e-9:
        return None
    since = outcome.shape[1] - one.at
    gap = outcome[one.treated].mean(axis=0) - one.omega @ outcome[one.controls]
    scale = float(np.sqrt((gap[: one.at] ** 2).mean()))
    return accepted(lambda effect: _missed(outcome, one, effect), since, float(gap[one.at :].mean()), max(scale, 1e-9 * float(np.abs(outcome).max())), level)


def _p_of_none(outcome: Floats, one: Match) -> float:
    from causal.inference.conformal import p_value

    return p_value(_missed(outcome, one, 0.0), outcome.shape[1] - one.at)


def _by_predictors(design: Design, outcome: Floats, at: int, mine: Ints, free: Ints, how: SyntheticControl) -> Floats:
    """Weights that match means before of controls and outcome, the predictors weighed so that the outcome's path before is met best, or by a regression.

    Abadie & Gardeazabal 2003 (The economic costs of conflict), appendix B: of diagonal matrices V the one whose weights have the least mean squared gap.
    Places are often more than predictors, so that many weights match these alike; of such the path decides too (Becker & Klößner 2018, Fast and reliable
    computation of generalized synthetic controls), since otherwise the solver would.
    """
    from scipy.optimize import minimize

    columns = [*design.controls.T, *design.time_invariant.T]
    laid = [*(design.grid(column)[:, :at].mean(axis=1) for column in columns), *_own(design, outcome, at, how.own_years)]
    means = _once(np.column_stack(laid)) if laid else np.empty((len(outcome), 0))
    if not means.shape[1]:
        raise refusal(DesignError, "synthetic_control", "a predictor that differs between places", "none", "name controls, or years in own_years")
    ours, theirs = means[mine].mean(axis=0), means[free].T
    path, paths = outcome[mine, :at].mean(axis=0), outcome[free, :at].T
    little = BETWEEN_ALIKE / (max(float(paths.std()), np.finfo(float).tiny) * np.sqrt(at))

    def weighed(logs: Floats) -> Floats:
        root = np.exp(0.5 * (logs - logs.max()))
        return _simplex(np.vstack([theirs * root[:, None], little * paths]), np.r_[ours * root, little * path], 0.0)

    if how.weigh == "regression":
        return weighed(np.log(np.maximum(_foretold(means, outcome[:, :at]), np.finfo(float).tiny)))

    def miss(logs: Floats) -> float:
        gap = path - paths @ weighed(logs)
        return float(gap @ gap)

    number = len(means[0])
    starts = [np.zeros(number), *(np.where(np.arange(number) == k, 0.0, -6.0) for k in range(number))]
    best = min(starts, key=miss)
    found = minimize(miss, best, method="Nelder-Mead", options={"maxiter": 60 * number, "xatol": 1e-3, "fatol": 1e-9 * max(miss(best), 1e-300)})
    return weighed(found.x if found.fun <= miss(best) else best)


def _once(means: Floats) -> Floats:
    """In standard deviations, those that differ between places, and of such as are one another's multiples the first: what acts by year is one predictor."""
    spread = means.std(axis=0)
    means = means[:, spread > LEAST_RIDGE * np.abs(means).max(axis=0)]
    scaled = means / means.std(axis=0)
    centred = scaled - scaled.mean(axis=0)
    alike = np.abs(centred.T @ centred) / len(centred) > 1 - LEAST_RIDGE
    return np.asarray(scaled[:, [k for k in range(scaled.shape[1]) if not alike[k, :k].any()]])


def _own(design: Design, outcome: Floats, at: int, years: Sequence[int] | None) -> list[Floats]:
    """The outcome's own predictors: its mean before and its last year before, or the years asked for."""
    if years is None:
        return [outcome[:, :at].mean(axis=1), outcome[:, at - 1]]
    before = design.years[:at].tolist()
    if wrong := [year for year in years if year not in before]:
        raise refusal(
            DesignError,
            "synthetic_control.own_years",
            f"years before adoption, of {before[0]} to {before[-1]}",
            listed([str(year) for year in wrong]),
            "leave them out",
        )
    return [outcome[:, before.index(year)] for year in years]


def _foretold(means: Floats, before: Floats) -> Floats:
    """How far each predictor foretells the outcome: squared slopes of the outcome in each year before on all predictors, added up over years.

    Abadie, Diamond & Hainmueller 2011 (Synth: an R package), who name it as a choice of V beside the nested one.
    """
    slopes = np.linalg.lstsq(np.column_stack([np.ones(len(means)), means]), before, rcond=None)[0][1:]
    return np.asarray((slopes**2).sum(axis=1))


def _course(design: Design, outcome: Floats, found: list[Match]) -> Course | None:
    """The treated place's outcome, and its synthetic control's; of one cohort alone."""
    if len(found) > 1:
        return None
    one = found[0]
    own, other = outcome[one.treated].mean(axis=0), one.omega @ outcome[one.controls]
    years = design.years
    return Course(
        kind="series",
        axis="years",
        at=float(years[one.at]),
        points=tuple(
            Point(at=float(year), seen=float(observed), without=float(without), rows=len(one.treated), treated=bool(k >= one.at))
            for k, (year, observed, without) in enumerate(zip(years, own, other, strict=True))
        ),
    )


def _cohorts(design: Design, adopted: Cohorts) -> list[tuple[int, Ints, Ints]]:
    """Index of the first treated year, the treated, and the never-treated; cohorts with too few years before are left out."""
    years, free = design.years, np.flatnonzero(adopted.never)
    found = [(int(np.searchsorted(years, g)), np.flatnonzero(adopted.first == g), free) for g in adopted.years]
    return [one for one in found if one[0] >= LEAST]


def _less_controls(design: Design) -> Floats:
    """The outcome less the controls' part, by slopes among untreated rows within authorities and years; shape (rows,)."""
    if not design.controls.shape[1]:
        return design.outcome
    untreated = design.subset(np.flatnonzero(design.treatment == 0))
    centre = design.controls.mean(axis=0)
    scale = np.where(design.controls.std(axis=0) > 0, design.controls.std(axis=0), 1.0)
    x, y = untreated.within((untreated.controls - centre) / scale, untreated.outcome[:, None])
    slopes = np.linalg.lstsq(x, y[:, 0], rcond=1e-9)[0]
    return np.asarray(design.outcome - (design.controls - centre) / scale @ slopes)


def _both(outcome: Floats, at: int, mine: Ints, free: Ints, how: str) -> tuple[Floats, Floats]:
    """Weights of authorities and of years: regularisation ζ = (N₁T₁)^¼ σ̂ and 10⁻⁶ σ̂, intercepts free (algorithm 1).

    mine, free : shape (n, N₁) and (n, N₀), the treated and the untreated of n choices of them → shape (n, N₀) and (n, T₀).
    """
    y, target = outcome[free], outcome[mine].mean(axis=1)
    steps = np.diff(y[:, :, :at], axis=2).reshape(len(y), -1)
    noise = steps.std(axis=1, ddof=1) if steps.shape[1] > 1 else np.zeros(len(y))
    zeta = (mine.shape[1] * (outcome.shape[1] - at)) ** 0.25 * noise
    before, after = y[:, :, :at], y[:, :, at:].mean(axis=2)
    solve = _simplexes if how == "exact" else _frank_wolfe
    lam, omega = (
        solve(a - a.mean(axis=1, keepdims=True), b - b.mean(axis=1, keepdims=True), z, 1e-5 * noise)
        for a, b, z in ((before, after, 1e-6 * noise), (before.transpose(0, 2, 1), target[:, :at], zeta))
    )
    return omega, lam


def _simplex(a: Floats, b: Floats, zeta: float) -> Floats:
    """The weights w ≥ 0, Σw = 1 with least |aw − b|² + n ζ²|w|², n the rows; by non-negative least squares with a heavy row for the sum."""
    from scipy.optimize import nnls

    k = a.shape[1]
    scale = max(float(np.abs(a).max()), float(np.abs(b).max()), np.finfo(float).tiny)
    full = np.vstack([a / scale, np.sqrt(len(a)) * max(zeta / scale, LEAST_RIDGE) * np.eye(k), np.full((1, k), 1e3)])
    w, _norm = nnls(full, np.r_[b / scale, np.zeros(k), 1e3], maxiter=100 * k)
    return np.asarray(w / w.sum())


def _simplexes(a: Floats, b: Floats, zeta: Floats, _: Floats) -> Floats:
    """The same for many problems at once, by the primal–dual active set; shape (n, k).

    Which weights are 0 is guessed, the others are solved for, and the guess is mended by the signs of what comes out (Hintermüller, Ito & Kunisch 2002, The
    primal-dual active set strategy as a semismooth Newton method). It ends where all signs are right, which is the solution, after some five steps; a problem
    that does not end, or that is too near to singular, is left to `_simplex`.

    a, b, zeta : shape (n, rows, k), (n, rows) and (n,).
    """
    n, rows, k = a.shape
    scale = np.maximum(np.maximum(np.abs(a).max(axis=(1, 2)), np.abs(b).max(axis=1)), np.finfo(float).tiny)
    ridge = rows * np.maximum(zeta / scale, LEAST_RIDGE) ** 2
    left, right = a / scale[:, None, None], b / scale[:, None]
    slope = np.einsum("nrk,nr->nk", left, right)
    weights, positive = np.full((n, k), np.nan), np.ones((n, k), dtype=bool)
    todo = np.arange(n) if k <= rows else np.flatnonzero(ridge > 1e-10)
    for _step in range(STEPS):
        if not len(todo):
            break
        mine, on, small = left[todo], positive[todo], ridge[todo]
        try:
            part, one = _on_support(mine, slope[todo], on, small)
        except np.linalg.LinAlgError:
            break
        price = (1 - part.sum(axis=1)) / one.sum(axis=1)
        w = np.where(on, part + price[:, None] * one, 0.0)
        # how the criterion would change if a weight grew at the others' cost: 0 where it is positive, and not negative where it is 0
        gain = np.einsum("nrk,nr->nk", mine, np.einsum("nrk,nk->nr", mine, w)) + small[:, None] * w - slope[todo] - price[:, None]
        mended = np.where(on, w > 0, gain < -1e-13)
        found = (mended == on).all(axis=1) & (np.abs(np.where(on, gain, 0.0)).max(axis=1) < 1e-9) & (np.abs(w.sum(axis=1) - 1) < 1e-9)
        weights[todo[found]] = w[found]
        positive[todo] = mended
        todo = todo[~found]
    for i in np.flatnonzero(np.isnan(weights[:, 0])):
        weights[i] = _simplex(a[i], b[i], float(zeta[i]))
    return weights


def _on_support(a: Floats, slope: Floats, on: np.ndarray[tuple[int, ...], np.dtype[np.bool_]], ridge: Floats) -> tuple[Floats, Floats]:
    """(a′a + ridge)⁻¹ of `slope` and of ones, both among the weights that are `on`; through the smaller of rows and weights."""
    rows, k = a.shape[1:]
    kept = a * on[:, None, :]
    wanted = np.stack([np.where(on, slope, 0.0), on.astype(float)], axis=2)
    if rows < k:
        gram = kept @ kept.transpose(0, 2, 1) + ridge[:, None, None] * np.eye(rows)
        solved = (wanted - kept.transpose(0, 2, 1) @ np.linalg.solve(gram, kept @ wanted)) / ridge[:, None, None]
    else:
        gram = kept.transpose(0, 2, 1) @ kept
        at = np.arange(k)
        gram[:, at, at] += ridge[:, None] + ~on
        solved = np.linalg.solve(gram, wanted)
    return solved[:, :, 0], solved[:, :, 1]


def _frank_wolfe(a: Floats, b: Floats, zeta: Floats, least: Floats) -> Floats:
    """The same by the steps of the authors' software: 100 rounds, weights up to a quarter of the largest set to 0, 10,000 rounds more; each stops alone."""
    n, rows, k = a.shape
    x = np.full((n, k), 1 / k)
    for rounds in (100, 10_000):
        todo, before = np.arange(n), np.full(n, np.inf)
        for step in range(rounds):
            mine, aim, now, eta = a[todo], b[todo], x[todo], rows * zeta[todo] ** 2
            fitted = np.einsum("nrk,nk->nr", mine, now)
            slope = np.einsum("nr,nrk->nk", fitted - aim, mine) + eta[:, None] * now
            i = slope.argmin(axis=1)
            every = np.arange(len(todo))
            way = -now
            way[every, i] += 1
            change = mine[every, :, i] - fitted
            length = (change**2).sum(axis=1) + eta * (way**2).sum(axis=1)
            moves = length > 0
            far = np.where(moves, -(slope * way).sum(axis=1) / np.where(moves, length, 1.0), 0.0)
            now = now + np.clip(far, 0.0, 1.0)[:, None] * way
            x[todo] = now
            value = zeta[todo] ** 2 * (now**2).sum(axis=1) + ((np.einsum("nrk,nk->nr", mine, now) - aim) ** 2).sum(axis=1) / rows
            going = moves & ((before[todo] - value > least[todo] ** 2) | (step == 0))
            before[todo] = value
            todo = todo[going]
            if not len(todo):
                break
        if rounds == 100:
            x = np.where(x <= x.max(axis=1, keepdims=True) / 4, 0.0, x)
            x = x / x.sum(axis=1, keepdims=True)
    return x


def _gaps(outcome: Floats, one: Match) -> Floats:
    """Treated less comparison in every year, less its λ-weighted mean before adoption; shape (years,)."""
    gap = outcome[one.treated].mean(axis=0) - one.omega @ outcome[one.controls]
    return np.asarray(gap - one.years @ gap[: one.at])


def _paths(outcome: Floats, found: list[Match]) -> tuple[Floats, Ints]:
    """The average effect, and that of each year since adoption; and which years since those are."""
    gaps = np.array([_gaps(outcome, one) for one in found])[None]
    return _averaged(gaps, np.array([[float(len(one.treated)) for one in found]]), np.array([one.at for one in found]))


def _averaged(gaps: Floats, size: Floats, at: Ints) -> tuple[Floats, Ints]:
    """gaps : shape (n, cohorts, years); size : (n, cohorts), treated authorities; → shape (n, 1 + years since) squeezed where n is 1, and the years since."""
    since = np.arange(gaps.shape[2]) - at[:, None]
    which = np.arange(since.max() + 1)
    with np.errstate(invalid="ignore", divide="ignore"):
        columns = [np.where(since >= 0, gaps * size[:, :, None], 0.0).sum(axis=(1, 2)) / (size[:, :, None] * (since >= 0)).sum(axis=(1, 2))]
        columns += [np.where(since == e, gaps * size[:, :, None], 0.0).sum(axis=(1, 2)) / (size[:, :, None] * (since == e)).sum(axis=(1, 2)) for e in which]
    laid = np.column_stack(columns)
    return (laid[0] if len(laid) == 1 else laid), which


def _jackknife(outcome: Floats, found: list[Match], design: Design) -> tuple[Fit, Ints]:
    """Leaving out one cluster at a time with the other weights as they are, made to sum to 1 again (algorithm 3)."""
    number = len(design.clusters)
    cluster = np.zeros(len(design.authorities), dtype=np.int64)
    cluster[design.authority] = design.cluster
    gaps, sizes = [], []
    with np.errstate(invalid="ignore", divide="ignore"):
        for one in found:
            own, theirs = cluster[one.treated], cluster[one.controls]
            left = len(one.treated) - np.bincount(own, minlength=number).astype(float)
            rest = 1 - np.bincount(theirs, weights=one.omega, minlength=number)
            treated = (outcome[one.treated].sum(axis=0) - _sums(outcome[one.treated], own, number)) / left[:, None]
            weighted = one.omega[:, None] * outcome[one.controls]
            other = (weighted.sum(axis=0) - _sums(weighted, theirs, number)) / np.where(rest > 1e-9, rest, np.nan)[:, None]
            gap = np.where(left[:, None] > 0, treated, 0.0) - other
            gaps.append(gap - (gap[:, : one.at] @ one.years)[:, None])
            sizes.append(left)
        moved, which = _averaged(np.stack(gaps, axis=1), np.column_stack(sizes), np.array([one.at for one in found]))
    centred = moved - np.nanmean(moved, axis=0)
    # a year since adoption that one cluster alone reaches has no jackknife: its error is not known
    scores = np.sqrt((number - 1) / number) * centred
    point, _ = _paths(outcome, found)
    inference = "jackknife over clusters, weights held, t(G−1)"
    return Fit(coefficients=point, scores=scores, df=np.full(len(point), number - 1.0), residuals=np.zeros(0), inference=inference), which


def _sums(values: Floats, cluster: Ints, number: int) -> Floats:
    order = np.argsort(cluster, kind="stable")
    return cluster_sums(values[order], cluster[order], number)


def _placebo(outcome: Floats, found: list[Match], design: Design, estimator: SyntheticDid, rng: np.random.Generator) -> Fit | None:
    """The spread of the estimate over never-treated authorities dealt the cohorts' adoptions (algorithm 4); None where they are too few."""
    free, sizes = found[0].controls, [len(one.treated) for one in found]
    if len(free) < 2 * sum(sizes) + 2:
        return None
    permuted = np.array([rng.permutation(free) for _ in range(estimator.draws)])
    rest = np.sort(permuted[:, sum(sizes) :], axis=1)
    gaps, start = [], 0
    for one, n in zip(found, sizes, strict=True):
        mine = np.sort(permuted[:, start : start + n], axis=1)
        gaps.append(np.concatenate([_placebo_gaps(outcome, one.at, mine[some], rest[some], estimator.weights) for some in _chunks(rest, outcome)]))
        start += n
    spread, _ = _averaged(np.stack(gaps, axis=1), np.tile(np.array(sizes, dtype=float), (estimator.draws, 1)), np.array([one.at for one in found]))
    point, _ = _paths(outcome, found)
    values, vectors = np.linalg.eigh(np.cov(spread.T))
    root = (vectors * np.sqrt(np.maximum(values, 0.0))).T[::-1]  # its squares add to the draws' variances
    scores = np.zeros((len(design.clusters), len(point)))
    scores[: len(root)] = root[: len(scores)]
    words = f"placebo adoptions of never-treated authorities ({estimator.draws} draws; the treated are taken to vary as they do), t(G−1)"
    return Fit(coefficients=point, scores=scores, df=np.full(len(point), len(design.clusters) - 1.0), residuals=np.zeros(0), inference=words)


def _chunks(rest: Ints, outcome: Floats) -> list[Ints]:
    """Draws by so many at once that their outcomes take some tens of megabytes."""
    at_once = max(1, TOGETHER // max(1, rest.shape[1] * outcome.shape[1]))
    return [np.arange(first, min(first + at_once, len(rest))) for first in range(0, len(rest), at_once)]


def _placebo_gaps(outcome: Floats, at: int, mine: Ints, rest: Ints, how: str) -> Floats:
    """As `_gaps`, of n choices of treated and untreated; shape (n, years)."""
    omega, lam = _both(outcome, at, mine, rest, how)
    gap = outcome[mine].mean(axis=1) - np.einsum("nc,nct->nt", omega, outcome[rest])
    return np.asarray(gap - (gap[:, :at] * lam).sum(axis=1, keepdims=True))


def _rank(outcome: Floats, found: list[Match]) -> dict[str, float | None]:
    """Abadie's rank of the one treated authority among placebos, by after- to before-adoption mean squared gaps."""
    if len(found) > 1 or len(found[0].treated) > 1:
        return {"placebo p (rank of gaps after by before)": None}
    one = found[0]
    ratios = []
    for j in [*one.treated, *one.controls]:
        others = np.setdiff1d(one.controls, [j])
        omega = _simplex(outcome[others, : one.at].T, outcome[j, : one.at], 0.0)
        gap = outcome[j] - omega @ outcome[others]
        ratios.append(float((gap[one.at :] ** 2).mean() / max(float((gap[: one.at] ** 2).mean()), np.finfo(float).tiny)))
    return {"placebo p (rank of gaps after by before)": float(np.mean(np.array(ratios) >= ratios[0]))}


def _made_of(design: Design, found: list[Match]) -> dict[str, float | None]:
    """Who stands for the one treated authority, and with what weight; those that count, the heaviest first."""
    if len(found) > 1 or len(found[0].treated) > 1:
        return {}
    one, named = found[0], len(design.clusters) == len(design.authorities)
    of = dict(zip(design.authority.tolist(), design.cluster.tolist(), strict=True))
    heaviest = [(float(one.omega[k]), int(one.controls[k])) for k in np.argsort(-one.omega, kind="stable")[:MOST_NAMED] if one.omega[k] >= COUNTS]
    return {f"weight of {design.clusters[of[a]] if named else design.authorities[a]}": weight for weight, a in heaviest}


def _answer(
    name: str, design: Design, used: Design, adopted: Cohorts, outcome: Floats, found: list[Match], fit: Fit, which: Ints, rng: np.random.Generator
) -> Estimate:
    """The estimate with effects by year since adoption, and what the comparison is made of.

    fit : effects of adopting; the average, and after it one for each of `which`; scores not finite where an error is not known.
    """
    scale = adopted.sign / design.question.contrast
    known = np.asarray(np.isfinite(fit.scores).all(axis=0))
    fit = replace(fit, coefficients=fit.coefficients * scale, scores=np.where(known, fit.scores, 0.0) * scale)

    def some(columns: Ints) -> Fit:
        return replace(fit, coefficients=fit.coefficients[columns], scores=fit.scores[:, columns], df=fit.df[columns])

    treated = [sum(len(one.treated) for one in found if one.at + e < outcome.shape[1]) for e in which]
    names = [f"lag {e}" if e else "now" for e in which]
    counts = [(n, n) for n in treated]
    parts = parts_of(
        design.question,
        some(1 + np.arange(len(which))),
        kind="time",
        of=design.treatment_variable.name,
        names=names,
        counts=counts,
        rng=rng,
        since=which.tolist(),
    )
    empty = {"std_error": None, "lower": None, "upper": None, "joint_lower": None, "joint_upper": None}
    parts = tuple(part if ok else replace(part, **empty) for part, ok in zip(parts, known[1:].tolist(), strict=True))  # type: ignore[arg-type]
    before = [_gaps(outcome, one)[: one.at] for one in found]
    miss = [float((gap - (gap.mean() if one.years.any() else 0.0)) @ gap / len(gap)) for gap, one in zip(before, found, strict=True)]
    share = np.array([len(one.treated) for one in found], dtype=float)
    largest = max(float(one.omega.max()) for one in found)
    residualised = used.partial_out(used.treatment[:, None])[:, 0]
    years = used.years
    gone = [str(g) for g in adopted.years if int(np.searchsorted(years, g)) < LEAST]
    free = count(len(found[0].controls), "never-treated authority", "never-treated authorities")
    return estimated(
        design,
        some(np.array([0])),
        over=used,
        estimator=name,
        estimand=Estimand(family="adoption", comparison="within", population="treated", weighting="treated_rows", model=name.replace("_", " ")),
        conditioning=Conditioning.by(design, authority=True),
        facts=DesignFacts(adopters=int(share.sum()), never_treated=int(adopted.never.sum())),
        target="ATT",
        parts=parts,
        diagnostics={
            "effective number compared with": float(np.average([1 / (one.omega**2).sum() for one in found], weights=share)),
            "largest weight of one authority": largest,
            "gap before adoption, root mean square": float(np.sqrt(np.average(miss, weights=share))),
            **residual_treatment(used, residualised),
        },
        concerns=feedback(design)
        + ((f"a dose was cut: the effect is that of reaching {design.question.treated:g}, whatever the dose before and after",) if adopted.cut else ())
        + ((f"one authority makes {largest:.0%} of a comparison",) if largest > 0.5 else ())
        + warn_concentrated_leverage(used, residualised),
        notes=(
            adopted.words,
            f"Compared with {free}, weighted to go as the treated did before.",
            *(("Controls' slopes are those among untreated authority-years, taken as known.",) if used.controls.shape[1] else ()),
            *((f"Left out for want of {LEAST} years before adoption: those first treated in {', '.join(gone)}.",) if gone else ()),
        ),
    )
