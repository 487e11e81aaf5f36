"""A ladder of designs on England's published files: how small an effect of true spending on children's centres could each have found, and what does each say?

    python benchmarks/ladder.py FOLDER             blinded: simulates every rung, writes ladder.json
    python benchmarks/ladder.py FOLDER --confirm   blinded: tries the eligible ones on fresh panels, lets the rule choose, adds to ladder.json
    python benchmarks/ladder.py FOLDER --unblind   reads ladder.json, estimates every rung once on the real outcome, writes ladder.md and ladder.png

The rungs, the rule that chooses one, and what counts as held stand in `ladder.yaml`, which was committed with ladder.json before the outcome was
unblinded. It is a study of one question on one country's files with its own worlds of misrecording, made once and kept with its results, and so no command of
the toolkit's.

A simulated panel keeps the real paths of treatment. True spending is the recorded one with its switches repaired; what each authority recorded of it is
spoilt by the whole history of switches of another, dealt by chance. The outcome's blinded residuals, whole authorities and all outcomes together, are dealt
among authorities of about the same number of children, and an effect of true spending is added. A slope and its clustered scores are linear in the outcome, so
that one fit gives the answer for every planted effect: b₀ + τ b₁ with squared error q₀ + 2 τ q₁ + τ² q₂.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from climb import written
from rungs import (
    CEILING,
    JUMPS,
    SEEN,
    SPENT,
    Answers,
    Data,
    Frame,
    Grid,
    Rung,
    doses,
    log,
    mend,
    persistence,
    poisson,
    precision,
    series,
    switched,
    two_way,
    without_doses,
)
from scipy import optimize, stats
from tqdm import tqdm

from causal.draws import stream
from causal.sources.england import England

HERE = Path(__file__).parent
POWER, LEVEL = 0.8, 0.95
TRIED = np.arange(0.0, 20.001, 0.05)  # planted effects, in the family's unit (the index: a tenth of it)


# ---------------------------------------------------------------- the real panel
def load(folder: str, parts: Sequence[str]) -> tuple[Data, tuple[str, ...]]:
    """The published files as grids, and the authorities' codes; `parts`: of the index."""
    frame = England(path=folder, last_year=int(SEEN[-1])).load().frame

    def grid(name: str, years: Grid) -> Grid:
        return np.asarray(frame[name].unstack("year")[list(years)].to_numpy(dtype=float))

    outcomes = {name: grid(name, SEEN) for name in dict.fromkeys(["plans", "plans_started", *parts])}
    lasting = {"deprivation": grid("deprivation", SEEN)[:, 0], "starts_2010": grid("plans_started", np.array([2010]))[:, 0]}
    before = {name: np.column_stack([np.full(len(outcomes["plans"]), np.nan), grid(name, SPENT)[:, :-1]]) for name in ("child_poverty", "spending_power")}
    children = grid("children", SEEN)
    made = Data(spending=grid("centre_spend_per_child", SPENT), outcomes=outcomes, children=children.mean(axis=1), lasting=lasting, earlier=before)
    return made, tuple(str(one) for one in frame.index.unique("authority"))


def whole(grid: Grid) -> Grid:
    """Gaps filled from the authority's nearest years on a straight line: for blinding and dealing only, never in an estimate."""
    out, years = grid.copy(), np.arange(grid.shape[1])
    for row in out:
        known = np.isfinite(row)
        row[~known] = np.interp(years[~known], years[known], row[known])
    return out


def with_index(data: Data, parts: Sequence[str]) -> tuple[Data, dict[str, Any]]:
    """The data with two indices added: the mean of the parts in residual standard deviations, and the parts with least variance.

    An effect of one standard deviation in every part moves either by 1. Deviations and correlations are of blinded residuals.
    """
    spent = series(data.spending)
    noise = without_doses(np.array([whole(data.outcomes[name]) for name in parts]), spent)
    size = noise.std(axis=(1, 2))
    flat = (noise / size[:, None, None]).reshape(len(parts), -1)
    # least variance of a sum of parts of 1, none below 0 (a part below 0 would take an effect away from itself)
    root = np.linalg.cholesky(flat @ flat.T / flat.shape[1]).T
    joint, _ = optimize.nnls(np.vstack([root, 1e4 * np.ones(len(parts))]), np.r_[np.zeros(len(parts)), 1e4])
    joint /= joint.sum()
    scaled = np.array([data.outcomes[name] for name in parts]) / size[:, None, None]
    indices = {"index": scaled.mean(axis=0), "index_joint": np.einsum("k,kit->it", joint, scaled)}
    told = {"parts": dict(zip(parts, joint.round(3).tolist(), strict=True)), "residual_sd": dict(zip(parts, size.round(3).tolist(), strict=True))}
    return replace(data, outcomes={**data.outcomes, **indices}), told


# ---------------------------------------------------------------- worlds
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class World:
    """What true spending was, how recording spoilt it, and the outcome's histories without any effect of it.

    Parameters
    ----------
    truth : shape (authorities, SPENT), £ per child.
    spoilt : the same shape, recorded ÷ true, to be dealt.
    noise : outcome → shape (authorities, SEEN), to be dealt within `strata`, codes of shape (authorities,).
    """

    data: Data
    truth: Grid
    spoilt: Grid
    noise: Mapping[str, Grid]
    strata: Grid

    def dose(self, kind: str) -> Grid:
        """Halvings of true spending."""
        return (1 - self.truth / self.truth[:, :1]) / 0.5 if kind == "share" else log(self.truth)

    def permute(self, rng: np.random.Generator) -> Data:
        """One panel without an effect: recorded spending and outcomes."""
        own = np.arange(len(self.truth))
        for stratum in np.unique(self.strata):
            here = np.flatnonzero(self.strata == stratum)
            own[here] = rng.permutation(here)
        spending = self.truth * self.spoilt[rng.permutation(len(self.truth))]
        return replace(self.data, spending=spending, outcomes={name: one[own] for name, one in self.noise.items()})


def world(data: Data, jump: float, fifths: int) -> World:
    """True spending: switches beyond `jump` repaired; where it was zero to the end, carried on as the median of the others went."""
    truth = mend(data.spending, jump)
    known = np.isfinite(truth).all(axis=1) & (truth > 0).all(axis=1)
    usual = np.median(truth[known, 1:] / truth[known, :-1], axis=0)
    for t in range(1, truth.shape[1]):
        gone = ~np.isfinite(truth[:, t])
        truth[gone, t] = truth[gone, t - 1] * usual[t - 1]
    order = np.argsort(np.argsort(data.children))
    noise = blind(data, series(data.spending))
    return World(data=data, truth=truth, spoilt=data.spending / truth, noise=noise, strata=order * fifths // len(order))


# ---------------------------------------------------------------- many panels
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Draws:
    """A rung's answers on many panels; shape (panels,) each, errors (panels, 3) as q₀, q₁, q₂; `seen` the same of the blinded outcome."""

    none: Grid
    each: Grid
    errors: Grid
    seen: Grid
    df: Grid

    def _error(self, effect: float) -> Grid:
        return np.sqrt(np.maximum(self.errors @ np.array([1.0, 2 * effect, effect**2]), 0.0))

    def found(self, effect: float) -> Grid:
        """Whether the interval leaves out 0, on the effect's own side where there is one."""
        t = (self.none + effect * self.each) / self._error(effect)
        reach = stats.t.ppf(0.5 + LEVEL / 2, self.df)
        return np.asarray(t > reach if effect else np.abs(t) > reach)

    def holds(self, effect: float) -> Grid:
        """Whether the interval holds the planted effect."""
        return np.asarray(np.abs(self.none + effect * (self.each - 1)) <= stats.t.ppf(0.5 + LEVEL / 2, self.df) * self._error(effect))

    def foreseen(self, effect: float, kept: float) -> Grid:
        """The detectable effect foreseen from each panel's blinded outcome; `kept`: the share of a true effect that the rung finds on average."""
        error = np.sqrt(np.maximum(self.seen @ np.array([1.0, 2 * effect, effect**2]), 0.0))
        return np.asarray(reach(self.df) * error / kept)


def reach(df: Grid | float) -> Grid:
    """Standard errors between 0 and an effect found with the asked power."""
    return np.asarray(stats.t.ppf(0.5 + LEVEL / 2, df) + stats.t.ppf(POWER, df))


def parabola(scores: Grid) -> Grid:
    """q₀, q₁, q₂ of two rows of scores, shape (2, authorities)."""
    return np.array([scores[0] @ scores[0], scores[0] @ scores[1], scores[1] @ scores[1]])


def simulate(rungs: Sequence[Rung], at: World, *, panels: int, seed: int, name: str) -> dict[str, Draws]:
    """Every rung on every panel of a world."""
    made = {rung.name: np.zeros((panels, 9)) for rung in rungs}
    planted = {kind: at.dose(kind) for kind in dict.fromkeys(rung.dose for rung in rungs)}
    outcomes = list(dict.fromkeys(rung.outcome for rung in rungs))
    for panel in tqdm(range(panels), desc=name, leave=False, disable=not sys.stderr.isatty()):
        data = at.permute(stream(seed, "ladder", name, panel))
        spent = series(data.spending)
        columns = {**{one: data.outcomes[one] for one in outcomes}, **planted}
        blinded = dict(zip(columns, without_doses(np.array(list(columns.values())), spent), strict=True))
        # what whitening and weights learn from the blinded outcome is learnt without the part of the planted effect that recorded doses do not tell
        answers = Answers(data, spent, {one: blinded[one] for one in outcomes})
        for rung in rungs:
            fit = answers.answer(rung, np.array([side[one] for side in (columns, blinded) for one in (rung.outcome, rung.dose)]))
            made[rung.name][panel] = [*fit.slopes[:2], *parabola(fit.scores[:2]), *parabola(fit.scores[2:]), fit.df]
    return {rung: Draws(none=one[:, 0], each=one[:, 1], errors=one[:, 2:5], seen=one[:, 5:8], df=one[:, 8]) for rung, one in made.items()}


def detectable(draws: Draws, scale: float = 1.0) -> tuple[float, float]:
    """The planted effect that is found in four of five panels, and its Monte Carlo error; (inf, nan) where none that is tried is."""
    tried = TRIED[1:] * scale
    power = np.array([draws.found(effect).mean() for effect in tried])
    if power.max() < POWER:
        return float("inf"), float("nan")
    at = int(np.flatnonzero(power >= POWER)[0])
    low, high = (power[at - 1], tried[at - 1]) if at else (0.0, 0.0), (power[at], tried[at])
    effect = low[1] + (POWER - low[0]) / (high[0] - low[0]) * (high[1] - low[1])
    # the slope of the power curve, over half a standard error to each side
    near = 0.5 * float(np.sqrt(draws.errors[:, 0]).mean())
    steep = (draws.found(effect + near).mean() - draws.found(max(effect - near, tried[0])).mean()) / (effect + near - max(effect - near, tried[0]))
    return float(effect), float(np.sqrt(POWER * (1 - POWER) / len(draws.df)) / steep)


def held(hits: Grid) -> dict[str, Any]:
    """A coverage, its Monte Carlo error, and whether it can be told apart from 92 to 98 % (exact 99.9 % interval)."""
    n, k = len(hits), int(hits.sum())
    low = stats.beta.ppf(0.0005, k, n - k + 1) if k else 0.0
    high = stats.beta.ppf(0.9995, k + 1, n - k) if k < n else 1.0
    return {"coverage": k / n, "error": float(np.sqrt(k / n * (1 - k / n) / n)), "holds": bool(low <= 0.98 and high >= 0.92)}


def told(draws: Draws, scale: float, ambition: float) -> dict[str, Any]:
    """What one rung shows in one world."""
    effect, error = detectable(draws, scale)
    at = effect if np.isfinite(effect) else float(TRIED[-1]) * scale
    return {
        "detectable": effect if np.isfinite(effect) else None,
        "error": error if np.isfinite(error) else None,
        "kept": float(draws.each.mean()),
        "at_none": held(draws.holds(0.0)),
        "at_detectable": held(draws.holds(at)),
        "power_at_ambition": float(draws.found(ambition).mean()),
    }


def choose(draws: Mapping[str, Draws], kept: Mapping[str, float], eligible: Sequence[str], effect: float) -> tuple[Draws, dict[str, float]]:
    """Each panel's own choice among the eligible: the answers of the rungs chosen, and how often each was."""
    foreseen = np.array([draws[name].foreseen(effect, kept[name]) for name in eligible])
    at = foreseen.argmin(axis=0)

    def picked(field: str) -> Grid:
        return np.array([getattr(draws[name], field) for name in eligible])[at, np.arange(len(at))]

    shares = {name: float((at == i).mean()) for i, name in enumerate(eligible)}
    return Draws(**{field: picked(field) for field in ("none", "each", "errors", "seen", "df")}), shares


def after_choosing(draws: Mapping[str, Draws], kept: Mapping[str, float], eligible: Sequence[str], ambition: float) -> dict[str, Any]:
    """Coverage and power of a study that chooses its rung in every panel anew."""
    tried = [float(effect) for effect in TRIED[(TRIED <= 6.0)]]
    chosen = {effect: choose(draws, kept, eligible, effect) for effect in tried}
    power = np.array([chosen[effect][0].found(effect).mean() for effect in tried[1:]])
    at = int(np.flatnonzero(power >= POWER)[0]) + 1 if power.max() >= POWER else len(tried) - 1
    return {
        "detectable": tried[at] if power.max() >= POWER else None,
        "at_none": held(chosen[0.0][0].holds(0.0)),
        "at_detectable": held(chosen[tried[at]][0].holds(tried[at])),
        "power_at_ambition": float(power[tried.index(min(tried, key=lambda one: abs(one - ambition))) - 1]),
        "chosen": {name: often for name, often in chosen[0.0][1].items() if often},
    }


# ---------------------------------------------------------------- counts
def simulate_counts(rung: Rung, at: World, rates: Grid, *, panels: int, seed: int, ambition: float) -> dict[str, Any]:
    """Poisson on rates whose histories, relative to each authority's mean, are dealt; effects are ratios, told at the mean rate."""
    mean = rates.mean(axis=1, keepdims=True)
    relative = replace(at, noise={"plans": at.noise["plans"] / mean})
    dose, slopes = at.dose(rung.dose), np.array([0.0, 0.04, 0.06, 0.08, 0.1, 0.12])
    exposure = np.tile((at.data.children / at.data.children.mean())[:, None], (1, rates.shape[1]))
    answers = np.zeros((panels, len(slopes), 3))
    for panel in range(panels):
        data = relative.permute(stream(seed, "counts", rung.name, panel))
        treatment = doses(rung, series(data.spending))[1]
        for i, slope in enumerate(slopes):
            fit = poisson(mean * np.maximum(1 + data.outcomes["plans"], 0.02) * np.exp(slope * (dose - dose.mean())), exposure, treatment)
            answers[panel, i] = fit.slopes[0], fit.errors[0], fit.df
    half = stats.t.ppf(0.5 + LEVEL / 2, answers[..., 2]) * answers[..., 1]
    power = (answers[..., 0] > half).mean(axis=0)
    holds = np.abs(answers[..., 0] - slopes) <= half
    at_rate = float(np.average(rates, weights=exposure))
    kept = float(np.mean((answers[:, -1, 0] - answers[:, 0, 0]) / slopes[-1]))
    if power[1:].max() < POWER:
        return {"detectable": None, "error": None, "kept": kept, "at_none": held(holds[:, 0]), "at_detectable": held(holds[:, -1]), "power_at_ambition": None}
    slope = float(np.interp(POWER, power[1:], slopes[1:]))
    steep = float(np.interp(slope + 0.01, slopes, power) - np.interp(slope - 0.01, slopes, power)) / 0.02
    return {
        "detectable": at_rate * np.expm1(slope),
        "error": at_rate * float(np.sqrt(POWER * (1 - POWER) / panels)) / steep,
        "kept": kept,
        "at_none": held(holds[:, 0]),
        "at_detectable": held(holds[:, int(np.abs(slopes - slope).argmin())]),
        "power_at_ambition": float(np.interp(np.log1p(ambition / at_rate), slopes[1:], power[1:])),
    }


# ---------------------------------------------------------------- the set-up against what was known of it
def usual(spending: Grid, jump: float) -> Grid:
    """The simplest repair: a change beyond `jump`, or to or from 0, becomes the year's median change of the others."""
    with np.errstate(divide="ignore", invalid="ignore"):
        steps = np.diff(np.log(np.where(spending > 0, spending, np.nan)), axis=1)
    odd = ~(np.abs(steps) <= jump)
    steps = np.where(odd, np.nanmedian(np.where(odd, np.nan, steps), axis=0), steps)
    return np.asarray(spending[:, :1] * np.exp(np.column_stack([np.zeros(len(steps)), steps.cumsum(axis=1)])))


def known_of_it(data: Data, noise: Grid) -> dict[str, float]:
    """Detectable effects of the plain design (log, outcomes 2012 to 2019), 2.8 standard errors by CR1: what was known of this panel before."""

    def claims(dose: Grid, true: Grid | None = None) -> tuple[float, float]:
        dose = np.where(SEEN <= 2019, dose, np.nan)
        rows = ~np.isnan(dose) & ~np.isnan(data.outcomes["plans"]) & (True if true is None else ~np.isnan(true))
        frame = Frame(rows, cells=np.ones(rows.shape))
        x, y, d = frame.residual(np.array([np.nan_to_num(dose), noise, np.nan_to_num(dose if true is None else true)]))
        left, places = y - (x * y).sum() / (x * x).sum() * x, int(rows.any(axis=1).sum())
        factor = places / (places - 1) * (rows.sum() - 1) / (rows.sum() - frame.basis.shape[1] - 1)
        return float(2.8 * np.sqrt(factor * ((x * left).sum(axis=1) ** 2).sum()) / (x * x).sum()), float((x * d).sum() / (x * x).sum())

    recorded = log(data.spending)
    out = {"recorded": claims(recorded)[0], "recorded above £5": claims(log(data.spending, 5.0))[0], "recorded above £20": claims(log(data.spending, 20.0))[0]}
    out["without authorities with switches"] = claims(np.where(switched(data.spending)[:, None], np.nan, recorded))[0]
    for way, repair in (("repaired", mend), ("repaired simply", usual)):
        for jump in JUMPS[1:]:
            assert jump is not None
            true = log(repair(data.spending, jump))
            out[f"{way} beyond {jump:g}"] = claims(true)[0]
            out[f"recorded, if switches beyond {jump:g} are error ({way})"] = out["recorded"] / claims(recorded, true)[1]
    return out


# ---------------------------------------------------------------- choosing among what is known
def chosen_of(family: str, rungs: Mapping[str, Any], draws: Mapping[str, Mapping[str, Draws]], plan: Mapping[str, Any]) -> dict[str, Any]:
    """The rule's choice in one family: which rungs hold everywhere, the sharpest of them, and what choosing costs; draws : world → rung → answers."""
    main = next(iter(draws))
    mine = [name for name, one in rungs.items() if one["family"] == family and name in draws[main]]
    holds = {name: [all(one[at]["holds"] for at in ("at_none", "at_detectable")) for one in rungs[name]["worlds"].values()] for name in mine}
    eligible = [name for name in mine if all(holds[name])] or [name for name in mine if holds[name][0]]
    if not eligible:
        return {"eligible": [], "in_all_worlds": False, "chosen": None, "after_choosing": None}
    kept = {name: float(draws[main][name].each.mean()) for name in eligible}
    told_of = not family.startswith("index")
    return {
        "eligible": eligible,
        "in_all_worlds": all(holds[eligible[0]]),
        "chosen": min(eligible, key=lambda name: rungs[name]["foreseen"]),
        "after_choosing": {name: after_choosing(one, kept, eligible, plan["ambition"]) for name, one in draws.items()} if told_of else None,
    }


def confirmed(data: Data, plan: Mapping[str, Any], known: Mapping[str, Any], families: Sequence[str] = ("share", "log")) -> dict[str, Any]:
    """The eligible rungs of some families on fresh panels, which take the place of the first ones in all that is said of them."""
    names = [name for family in families for name in known["families"][family]["eligible"]]
    rungs = [Rung(**one) for one in plan["rungs"] if one["name"] in names]
    worlds = {f"{jump:g}": world(data, jump, plan["fifths"]) for jump in plan["worlds"]}
    draws = {name: simulate(rungs, one, panels=plan["confirm"], seed=plan["seed"], name=f"{name} again") for name, one in worlds.items()}
    out = dict(known["rungs"])
    for rung in rungs:
        kept = float(next(iter(draws.values()))[rung.name].each.mean())
        again = {name: told(one[rung.name], 1.0, plan["ambition"]) for name, one in draws.items()}
        first = known["rungs"][rung.name]
        out[rung.name] = {**first, "foreseen": first["claimed"] / kept, "worlds": again, "first": first["worlds"], "confirmed": True}
    chosen = {**known["families"], **{one: chosen_of(one, out, draws, plan) for one in families}}
    return {**known, "confirm": plan["confirm"], "rungs": out, "families": chosen, "as_recorded": as_recorded(data, plan, chosen, families)}


def as_recorded(data: Data, plan: Mapping[str, Any], chosen: Mapping[str, Any], families: Sequence[str]) -> dict[str, Any]:
    """The chosen rungs and the plain ones where no jump is an error: what a repair then costs."""
    names = [name for family in families for name in (chosen[family]["chosen"], f"{family} plain")]
    truth = np.maximum(data.spending, 2.0)
    at = replace(world(data, plan["worlds"][0], plan["fifths"]), truth=truth, spoilt=np.ones(truth.shape))
    rungs = [Rung(**one) for one in plan["rungs"] if one["name"] in names]
    return {name: told(one, 1.0, plan["ambition"]) for name, one in simulate(rungs, at, panels=plan["panels"], seed=plan["seed"], name="recorded").items()}


# ---------------------------------------------------------------- blinded
def blinded(data: Data, plan: Mapping[str, Any], index: Mapping[str, Any]) -> dict[str, Any]:
    """Everything that is known before the outcome is unblinded."""
    rungs = [Rung(**one) for one in plan["rungs"]]
    spent = series(data.spending)
    noise = blind(data, spent)
    answers = Answers(data, spent, noise)
    worlds = {f"{jump:g}": world(data, jump, plan["fifths"]) for jump in plan["worlds"]}
    draws = {name: simulate(rungs, one, panels=plan["panels"], seed=plan["seed"], name=name) for name, one in worlds.items()}
    main = next(iter(worlds))
    kept = {rung.name: float(draws[main][rung.name].each.mean()) for rung in rungs}
    out: dict[str, Any] = {}
    for rung in rungs:
        scale = 0.1 if rung.outcome.startswith("index") else 1.0
        seen = answers.answer(rung, noise[rung.outcome][None])
        claimed = float(reach(seen.df) * seen.errors[0])
        counted = np.nan_to_num(whole(data.outcomes[rung.outcome])) * 1e4 / data.children[:, None] if scale == 1 else np.zeros(seen.loads.shape)
        floor = float(2.8 * np.sqrt((seen.loads**2 * counted).sum())) if scale == 1 else None
        out[rung.name] = {
            "family": rung.family,
            "title": rung.title,
            "rows": seen.rows,
            "authorities": seen.authorities,
            "effective": seen.effective,
            "df": seen.df,
            "claimed": claimed,
            "foreseen": claimed / kept[rung.name],
            "floor": None if floor is None else floor / kept[rung.name],
            "worlds": {name: told(one[rung.name], scale, plan["ambition"] * scale) for name, one in draws.items()},
        }
    for one in plan["counts_rungs"]:
        rung = Rung(**one)
        treatment = doses(rung, spent)[1]
        known = ~np.isnan(treatment) & ~np.isnan(data.outcomes["plans"])
        shown = simulate_counts(rung, worlds[main], whole(data.outcomes["plans"]), panels=plan["counts"], seed=plan["seed"], ambition=plan["ambition"])
        out[rung.name] = {
            "family": rung.family,
            "title": rung.title,
            "rows": int(known.sum()),
            "authorities": int(known.any(axis=1).sum()),
            "worlds": {main: shown},
        }
    shocks, weights = persistence(noise["plans"]), precision(noise["plans"], data.children)
    poor = np.sqrt((two_way(whole(data.outcomes["plans"])) ** 2).mean())
    return {
        "panels": plan["panels"],
        "counts": plan["counts"],
        "rungs": out,
        "families": {family: chosen_of(family, out, draws, plan) for family in dict.fromkeys(rung.family for rung in rungs)},
        "index": dict(index),
        "known": known_of_it(data, noise["plans"]),
        "noise": {
            "residual_sd": float(poor),
            "poisson_sd": float(np.sqrt((whole(data.outcomes["plans"]) * 1e4 / data.children[:, None]).mean())),
            "autocorrelation": [float(one) for one in shocks[0] / shocks[0, 0]],
            "weights": [float(one) for one in np.quantile(weights, [0.05, 0.95])],
        },
        "switches": {f"{jump:g}": int((np.abs(one.spoilt - 1) > 1e-9).any(axis=1).sum()) for jump, one in zip(plan["worlds"], worlds.values(), strict=True)},
        "rules": {"share ceiling": CEILING, "jumps": [jump for jump in JUMPS if jump]},
    }


def blind(data: Data, spent: Mapping[float | None, Grid]) -> dict[str, Grid]:
    """Every outcome's blinded residuals, whole grids."""
    names = list(data.outcomes)
    return dict(zip(names, without_doses(np.array([whole(data.outcomes[name]) for name in names]), spent), strict=True))


def unblinded(data: Data, plan: Mapping[str, Any]) -> dict[str, Any]:
    """Every rung's estimate on the real outcome; shocks and precision are still those of the blinded one."""
    spent = series(data.spending)
    answers = Answers(data, spent, blind(data, spent))
    out = {}
    for one in (*plan["rungs"], *plan["counts_rungs"]):
        rung = Rung(**one)
        if one in plan["rungs"]:
            fit, rate = answers.answer(rung, np.nan_to_num(data.outcomes[rung.outcome])[None]), None
        else:
            exposure = np.tile((data.children / data.children.mean())[:, None], (1, len(SEEN)))
            fit = poisson(data.outcomes["plans"], exposure, doses(rung, spent)[1])
            rate = float(np.average(whole(data.outcomes["plans"]), weights=exposure))
        half = float(stats.t.ppf(0.5 + LEVEL / 2, fit.df) * fit.errors[0])
        ends = [float(fit.slopes[0]) + way * half for way in (0, -1, 1)]
        effect, lower, upper = ends if rate is None else (rate * float(np.expm1(end)) for end in ends)
        out[rung.name] = {"effect": effect, "lower": lower, "upper": upper, "df": fit.df, "rows": fit.rows, "authorities": fit.authorities}
    return out


def main(words: Sequence[str] | None = None) -> None:
    given = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    given.add_argument("folder")
    given.add_argument("--confirm", action="store_true")
    given.add_argument("--unblind", action="store_true")
    given.add_argument("--panels", type=int, help="fewer, for a trial")
    given.add_argument("--to", type=Path, default=HERE, help="where the results go")
    asked = given.parse_args(words)
    plan = yaml.safe_load((HERE / "ladder.yaml").read_text(encoding="utf-8"))
    if asked.panels:
        plan |= {"panels": asked.panels, "confirm": 2 * asked.panels, "counts": max(asked.panels // 5, 2)}
    data, index = with_index(load(asked.folder, plan["index"])[0], plan["index"])
    path = asked.to / "ladder.json"
    if not (asked.confirm or asked.unblind):
        keep(path, blinded(data, plan, index))
    if asked.confirm:
        keep(path, confirmed(data, plan, json.loads(path.read_text(encoding="utf-8"))))
    if asked.unblind:
        written(plan, json.loads(path.read_text(encoding="utf-8")), unblinded(data, plan), asked.to)


def keep(path: Path, known: Mapping[str, Any]) -> None:
    path.write_text(json.dumps(known, indent=1, ensure_ascii=False, allow_nan=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
