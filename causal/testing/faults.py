"""Faults, planted: for each, a made-up world with it and the same world without, ready to be checked.

A check's class names one that it catches (`catches`), and `check_refuter` tries it on both. What a world has for a check to use (control outcomes, a second
measure) is offered under the name of the knob that takes it. A fault of a new kind comes with the check itself: a method `planted(seed, on)` that gives the
trial.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, is_dataclass, replace
from functools import cache
from typing import Any

import numpy as np
import pandas as pd

from causal.arrays import Floats
from causal.design import Design, design
from causal.errors import EstimationError, refusal
from causal.estimate import Estimate, Estimator
from causal.estimators.cluster_trial import ClusterTrial
from causal.estimators.distributed_lags import DistributedLags
from causal.estimators.fixed_effects import FirstDifference, FixedEffects
from causal.estimators.interrupted_series import InterruptedSeries
from causal.estimators.late import Late
from causal.estimators.logit_dose import LogitDose
from causal.estimators.matching import DistanceMatching
from causal.estimators.regression_discontinuity import RegressionDiscontinuity
from causal.estimators.reversible_did import ReversibleDid
from causal.estimators.synthetic import SyntheticControl
from causal.graph import Graph
from causal.identification import Identification
from causal.identify import identify
from causal.inference.clustered import interval
from causal.panel import Panel
from causal.question import Question
from causal.regression import least_squares
from causal.testing.worlds import (
    ADOPTION,
    CUTOFF_GRAPH,
    GRAPH,
    OFFERED_GRAPH,
    QUESTION,
    SERIES_GRAPH,
    AtRank,
    Dates,
    Offered,
    Shares,
    World,
    ar,
    drawn,
    panel_of,
    stated,
    trial_of,
)
from causal.trial import Trial

CONTROLS = ("burns", "teeth", "falls", "asthma")
POLICIES = ("parks", "buses")
ASKED = Question(treatment="dose", outcome="plans", control=0.0, treated=1.0, smallest_important=0.5, because="a test", lag=1)
HELD = ("authority", "poverty[-1]", "year")


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One way in which an answer can be wrong.

    Parameters
    ----------
    words : what is wrong.
    make : seed, on → a trial with the fault, or the same without it.
    offers : knob → what the world has for it.
    found : seed → a trial without the fault in which something is to be found; a check that takes a true effect for the fault is seen by it. None: `make`
        has one already, or the check is not for one.
    """

    words: str
    make: Callable[[int, bool], Trial]
    offers: Mapping[str, Any] = field(default_factory=dict)
    found: Callable[[int], Trial] | None = None


# Estimators with a fault


@dataclass(frozen=True, slots=True, kw_only=True)
class RowErrors:
    """Fixed effects whose interval takes rows as independent."""

    name: str = "row_errors"

    def regression(self, design: Design) -> Design:
        """The design itself."""
        return design

    def estimate(self, design: Design, rng: np.random.Generator) -> Estimate:
        """Fixed effects, with the error that independent rows would have.

        Parameters
        ----------
        design : as for `FixedEffects`.
        rng : passed on.
        """
        estimate = FixedEffects().estimate(design, rng)
        fit, treatment = least_squares(design, design.basis())
        df = design.rows - design.absorbed_rank - 1 - (len(design.authorities) if "authority" in design.absorb else 0)
        error = float(np.sqrt((fit.residuals**2).sum() / df / (treatment @ treatment))) * abs(design.question.contrast)
        lower, upper, p_value = interval(estimate.effect, error, estimate.level, float(df))
        return replace(estimate, std_error=error, lower=lower, upper=upper, p_value=p_value, df=float(df), influence=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bent:
    """Fixed effects that answer with half the effect, do not say that they are linear, and lean on chance, as told.

    Parameters
    ----------
    share : what the effect is multiplied by.
    noise : standard errors of noise in each answer.
    how : "" as it stands, "no error" without a standard error, "refuse" refuses.
    """

    share: float = 1.0
    noise: float = 0.0
    how: str = ""
    name: str = "bent"

    def estimate(self, design: Design, rng: np.random.Generator) -> Estimate:
        """Fixed effects, bent.

        Parameters
        ----------
        design : as for `FixedEffects`.
        rng : draws the noise that is put on the effect.

        Raises
        ------
        EstimationError : where it is to refuse.
        """
        if self.how == "refuse":
            raise refusal(EstimationError, "bent", "an answer", "not today", "take it as it stands, with  how=''")
        estimate = FixedEffects().estimate(design, rng)
        if self.how == "no error":
            gone = dict.fromkeys(("std_error", "lower", "upper", "p_value", "df", "influence"))
            return replace(estimate, **gone, no_interval="method")  # type: ignore[arg-type]
        effect = self.share * estimate.effect + self.noise * (estimate.std_error or 0.0) * float(rng.normal())
        return replace(estimate, effect=effect, estimator=self.name)


# A dose that moves, a measured cause, and whatever is wrong


def _dose(
    seed: int,
    *,
    authorities: int = 80,
    years: int = 8,
    effect: float = 0.0,
    measured: float = 0.3,
    hidden: float = 0.0,
    feedback: float = 0.0,
    rho: float = 0.4,
    spike: float = 0.0,
    above: float = 0.0,
) -> dict[str, Floats]:
    """Matrices of dose, poverty, plans and children, lag one; `above` keeps the dose above 0."""
    rng = np.random.default_rng([seed, 17])
    shape = (authorities, years)
    place, year = rng.normal(size=(authorities, 1)), rng.normal(size=(1, years))
    poverty, crisis, own = ar(rng.normal(size=shape), 0.7), ar(rng.normal(size=shape), 0.7), ar(rng.normal(size=shape), rho)
    noise = 3 * place + year + ar(rng.normal(size=shape), rho)
    dose, plans = np.zeros(shape), np.zeros(shape)
    for t in range(years):
        dose[:, t] = place[:, 0] + measured * poverty[:, t] + hidden * crisis[:, t] + own[:, t] + above
        if t:
            dose[:, t] += feedback * plans[:, t - 1]
            plans[:, t] = effect * dose[:, t - 1] + 2 * hidden * crisis[:, t - 1] + 2 * measured * poverty[:, t - 1]
        plans[:, t] += noise[:, t]
    if spike:
        dose[7, years // 2 :] += 12
        plans[7, years // 2 + 1 :] += spike
    controls = {
        name: place + year + 2 * hidden * np.column_stack([np.zeros((authorities, 1)), crisis[:, :-1]]) + ar(rng.normal(size=shape), 0.4) for name in CONTROLS
    }
    policies = {name: place + hidden * crisis + 0.3 * dose + ar(rng.normal(size=shape), 0.5) for name in POLICIES}
    children = np.repeat(np.exp(10.5 + 0.6 * rng.normal(size=(authorities, 1))), years, axis=1)
    return {"dose": dose, "poverty": poverty, "plans": plans, **controls, **policies, "children": children}


def _panel(columns: Mapping[str, Floats], **changes: Mapping[str, Any]) -> Panel:
    """A panel of matrices whose plans are a rate of children; `changes` are of the variables."""
    made = panel_of(columns, simulated=True, population="children")
    known = {"plans": {"count_per": 10_000.0, "unit": "per 10,000 children"}}
    variables = tuple(replace(one, **{**known.get(one.name, {}), **changes.get(one.name, {})}) for one in made.variables)
    regions = [f"Region {i % 5}" for i in range(len(made.authorities))]
    return replace(made, variables=variables, places=made.places.assign(region=regions))


def _tried(panel: Panel, estimator: Estimator | None = None, *, question: Question = ASKED, adjust_for: tuple[str, ...] = HELD, seed: int = 3) -> Trial:
    return trial_of(panel, design(panel, question, stated(*adjust_for, descendants=("plans",))), estimator or FixedEffects(), seed=seed)


def _rows_as_independent(seed: int, on: bool) -> Trial:
    return _tried(_panel(_dose(seed, rho=0.9, years=12)), RowErrors() if on else FixedEffects())


def _true_effect(seed: int) -> Trial:
    """A sound interval round an effect that is there and is large."""
    return _tried(_panel(_dose(seed, rho=0.9, years=12, effect=1.0)), FixedEffects())


def _false_finding(seed: int, on: bool) -> Trial:
    """Nothing is there, rows are taken as independent, and the interval says that something is; or something is, of three standard errors and more."""
    if not on:
        return _tried(_panel(_dose(seed, effect=1.0)))
    for again in range(100):
        trial = _tried(_panel(_dose(1_000 * (seed + 1) + again, rho=0.8, years=10)), RowErrors())
        if trial.estimate.p_value is not None and 0.005 < trial.estimate.p_value < 0.05:
            return trial
    raise AssertionError("no false finding in 100 panels of rows taken as independent")


def _half_an_effect(seed: int, on: bool) -> Trial:
    return _tried(_panel(_dose(seed, authorities=40)), Bent(share=0.5 if on else 1.0))


def _unsteady(seed: int, on: bool) -> Trial:
    return _tried(_panel(_dose(seed, authorities=40)), Bent(noise=0.5 if on else 0.0))


def _feedback(seed: int, on: bool) -> Trial:
    return _tried(_panel(_dose(seed, feedback=0.3 if on else 0.0)))


def _hidden_cause(seed: int, on: bool) -> Trial:
    return _tried(_panel(_dose(seed, hidden=0.6 if on else 0.0)))


def _one_odd_place(seed: int, on: bool) -> Trial:
    return _tried(_panel(_dose(seed, spike=40.0 if on else 0.0)))


def _slight_finding(seed: int, on: bool) -> Trial:
    """Slight beside measured causes that are strong, or large beside ones that are weak."""
    columns = _dose(seed, authorities=90, effect=0.25, measured=0.6) if on else _dose(seed, authorities=90, effect=1.0, measured=0.1)
    return _tried(_panel(columns))


def _recorded_with_error(seed: int, on: bool) -> Trial:
    columns = _dose(seed, effect=1.0)
    rng = np.random.default_rng([seed, 42])
    again = columns["dose"] + 0.5 * rng.normal(size=columns["dose"].shape)
    recorded = columns["dose"] + (0.7 if on else 0.0) * rng.normal(size=columns["dose"].shape)
    return _tried(_panel({**columns, "dose": recorded, "again": again}))


def _no_reliance_on_error(seed: int, on: bool) -> Trial:
    """An interval that just rules out what matters, which error of a tenth would bring back; or rules it out by far."""
    trial = _tried(_panel(_dose(seed, effect=0.1 if on else 0.0, authorities=150)))
    upper = max(abs(trial.estimate.lower or 0.0), abs(trial.estimate.upper or 0.0))
    question = replace(trial.question, smallest_important=(1.01 if on else 4.0) * upper)
    return replace(trial, question=question, design=replace(trial.design, question=question))


def _switched(seed: int, on: bool) -> Trial:
    """In a quarter of places the recorded dose drops for good, is zero for a year, or leaps up for two; or nothing does."""
    columns = _dose(seed, effect=0.7, above=7.0, rho=0.6)
    columns["dose"] = np.maximum(columns["dose"], 1.0)
    rng = np.random.default_rng([seed, 43])
    dose = columns["dose"].copy()
    for place in np.flatnonzero(rng.random(len(dose)) < (0.25 if on else 0.0)):
        kind, year = rng.integers(3), rng.integers(1, dose.shape[1] - 1)
        if kind == 0:
            dose[place, year:] *= np.exp(-1)
        elif kind == 1:
            dose[place, year] = 0.0
        else:
            dose[place, year : year + 2] *= np.exp(0.9)
    return _tried(_panel({**columns, "dose": dose}))


def _suppressed(seed: int, on: bool) -> Trial:
    """Counts of five and fewer are not published, with their mark; or a tenth is missing at random."""
    columns = _dose(seed, effect=1.2, authorities=100)
    plans = columns["plans"]
    plans = plans - 0.75 * plans.mean(axis=1, keepdims=True)
    columns |= {"plans": np.maximum(plans - plans.mean() + 12.5, 2.0), "children": np.full(plans.shape, 5_000.0)}
    panel = _panel(columns)
    few = (panel.frame["plans"] * panel.frame["children"] / 10_000 <= 5.5).to_numpy()
    gone = few if on else np.random.default_rng([seed, 44]).random(len(few)) < 0.1
    at = panel.frame.index[gone]
    keys = pd.MultiIndex.from_arrays([at.get_level_values(0), at.get_level_values(1), ["plans"] * len(at)], names=["authority", "year", "variable"])
    marked = replace(panel, reasons=pd.Series("c" if on else "..", index=keys, dtype=object))
    return _tried(marked.with_column(marked.frame["plans"].mask(gone), marked.variable("plans")))


def _coarse(seed: int, on: bool) -> Trial:
    """Counts rounded to ten and doses to whole numbers, or to one and to tenths."""
    plans, dose = (10.0, 1.0) if on else (1.0, 0.01)
    columns = _dose(seed, effect=0.7)
    columns["plans"] = 40 + columns["plans"]
    people = columns["children"] / 10_000
    columns |= {"plans": (columns["plans"] * people / plans).round() * plans / people, "dose": (columns["dose"] / dose).round() * dose}
    return _tried(_panel(columns, plans={"rounding": plans}, dose={"rounding": dose}))


def _longer(seed: int, on: bool) -> Trial:
    """A dose that acts for four years, of which two are summed; or for two."""
    rng = np.random.default_rng([seed, 23])
    shape = (80, 12)
    place, year = rng.normal(size=(80, 1)), rng.normal(size=(1, 12))
    dose = 0.5 * np.cumsum(rng.normal(size=shape), axis=1) + place
    plans = 3 * place + year + rng.normal(size=shape)
    for k, by in enumerate((1.0, 0.5, 0.4, 0.4) if on else (1.0, 0.5)):
        plans[:, k:] += by * dose[:, : shape[1] - k]
    question = replace(ASKED, lag=0)
    return _tried(
        _panel({"dose": dose, "plans": plans, "children": np.full(shape, 50_000.0)}), DistributedLags(lags=1), question=question, adjust_for=HELD[::2]
    )


# A trial by lot

OFFER = Question(treatment="offered", outcome="plans", control=0.0, treated=1.0, smallest_important=0.5, because="a test")
TRIAL = drawn(
    "trial",
    {"before": ("plans",), "rain": (), "offered": ("taken_up",), "taken_up": ("plans",)},
    {"offered": {"lot": "places drawn from a hat"}},
    place=False,
)


def _by_lot(seed: int, *, kept_to: float = 1.0, lost: float = 0.0, taken: float = 0.8) -> Trial:
    """A hundred places, half of them offered it; lots not kept to in places that were well before, or lost where the offer did not help."""
    rng = np.random.default_rng([seed, 53])
    shape = (100, 1)
    before, rain = rng.normal(size=shape), rng.normal(size=shape)
    offered = rng.permutation(np.arange(100) % 2)[:, None].astype(float)
    offered = np.where(rng.random(shape) < kept_to, offered, (before > 0).astype(float))
    taken_up = (rng.random(shape) < np.where(offered > 0, 0.1 + taken, 0.1)).astype(float)
    plans = before + taken_up + rng.normal(size=shape)
    plans = np.where((offered > 0) & (plans < lost), np.nan, plans) if lost else plans
    panel = panel_of({"before": before, "rain": rain, "offered": offered, "taken_up": taken_up, "plans": plans})
    return trial_of(panel, design(panel, OFFER, _identified(OFFER, TRIAL, panel.names)), ClusterTrial(received="taken_up", draws=0), graph=TRIAL)


# An offer that some take up

OFFERED = replace(OFFER, treatment="cut")


def _offered(seed: int, *, otherwise: float = 0.0, moves: bool = True) -> Trial:
    """An offer; it acts on those who do not take it up too, or moves nobody."""
    panel = Offered(effect=2.0, seed=seed).load()
    rng = np.random.default_rng([seed, 57])
    frame = panel.frame
    offer = frame["offer"] if moves else (rng.random(len(frame)) < 0.5).astype(float)
    panel = replace(panel, frame=frame.assign(offer=offer, plans=frame["plans"] + otherwise * frame["offer"] * (frame["cut"] == 0)))
    identification = identify(OFFERED, OFFERED_GRAPH, measured=panel.names, strategy="iv")
    return trial_of(panel, design(panel, OFFERED, identification), Late(repetitions=1), graph=OFFERED_GRAPH)


# A treatment that begins and ends again


def _switching(seed: int, *, drift: float = 0.0, behind: float = 0.0) -> Trial:
    """Places that begin and end with chance of their own; drifting the year before, or keeping what it did."""
    rng = np.random.default_rng([seed, 59])
    g, t = 120, 8
    dose = np.zeros((g, t))
    dose[:, 0] = rng.random(g) < 0.4
    for year in range(1, t):
        dose[:, year] = np.where(rng.random(g) < 0.2, 1 - dose[:, year - 1], dose[:, year - 1])
    plans = 3 * rng.normal(size=(g, 1)) + rng.normal(size=(1, t)) + dose + ar(rng.normal(size=(g, t)), 0.4)
    plans += behind * (np.maximum.accumulate(dose, axis=1) - dose)
    for year in range(1, t):
        plans[:, max(year - 1, 0) :] += drift * (dose[:, [year]] - dose[:, [year - 1]])
    panel = _panel({"dose": dose, "plans": plans, "children": np.full((g, t), 50_000.0)})
    return _tried(panel, ReversibleDid(), question=replace(ASKED, lag=0, target="ATT"), adjust_for=("authority", "year"))


# A treatment that is taken up


def _adopters(seed: int, *, trend: float = 0.0, early: float = 0.0, effect: float = 0.0) -> Trial:
    rng = np.random.default_rng([seed, 77])
    g, t = 90, 8
    place = rng.normal(size=(g, 1))
    first = np.where(rng.random((g, 1)) + 0.1 * place < 0.6, rng.integers(2, t, size=(g, 1)), t)
    dose = (np.arange(t) >= first).astype(float)
    plans = 3 * place + 0.3 * np.arange(t) + ar(rng.normal(size=(g, t)), 0.4)
    plans[:, 1:] += effect * dose[:, :-1]
    plans = plans + trend * (dose[:, -1:] - dose[:, :1]) * np.arange(t)
    plans[:, :-1] += early * np.diff(dose, axis=1)
    return _tried(_panel({"dose": dose, "plans": plans, "children": np.full((g, t), 50_000.0)}), adjust_for=("authority", "year"))


def _slight_matched(seed: int, on: bool) -> Trial:
    """Treated places lie two standard errors above the others once an effect is planted, or far above."""
    question = replace(ADOPTION, modifiers=())

    def trial(effect: float) -> Trial:
        panel = World(effect=effect, authorities=100, adoption=True, seed=seed).load()
        return trial_of(panel, design(panel, question, _identified(question, GRAPH, panel.names)), DistanceMatching())

    if not on:
        return trial(12.0)
    rows = DistanceMatching().rows(trial(0.0).design)
    treated, others = rows.design.outcome[rows.on == 1], rows.design.outcome[rows.on == 0]
    error = float(np.sqrt(treated.var(ddof=1) / len(treated) + others.var(ddof=1) / len(others)))
    return trial(2.2 * error - float(treated.mean() - others.mean()))


# A chain, and graphs of it that are right and wrong

CHAIN = Question(treatment="cut", outcome="care", control=0.0, treated=1.0, smallest_important=0.1, because="a test")
TRUE = drawn("chain", {"need": ("cut",), "cut": ("referrals",), "referrals": ("care",), "rain": ("care",)})


@cache
def _identified(question: Question, graph: Graph, names: tuple[str, ...]) -> Identification:
    return identify(question, graph, measured=names)


def _chain(seed: int, *, direct: float = 0.0, need_too: float = 0.0, names: Mapping[str, str] | None = None, misrecorded: int = 0) -> Trial:
    """need → cut → referrals → care, and rain, which moves care alone; arrows that the graph leaves out, or columns under other names."""
    rng = np.random.default_rng([seed, 7])
    shape = (80, 7)
    place, year = rng.normal(size=(80, 1)), rng.normal(size=(1, 7))
    need = place + year + ar(rng.normal(size=shape), 0.5)
    cut = 0.6 * need + place - year + ar(rng.normal(size=shape), 0.5)
    referrals = 0.7 * cut + 2 * place + ar(rng.normal(size=shape), 0.5)
    rain = year + ar(rng.normal(size=shape), 0.5)
    care = 0.6 * referrals + direct * cut + need_too * need + 0.5 * rain - place + ar(rng.normal(size=shape), 0.5)
    if misrecorded:
        cut[rng.choice(80, misrecorded, replace=False), rng.integers(0, 7, misrecorded)] += 8 * rng.choice([-1, 1], misrecorded)
    columns = {"need": need, "cut": cut, "referrals": referrals, "rain": rain, "care": care}
    if names:
        columns = {name: columns[names.get(name, name)] for name in columns}
    panel = panel_of(columns)
    return trial_of(panel, design(panel, CHAIN, _identified(CHAIN, TRUE, panel.names)), FixedEffects(), seed=seed, graph=TRUE)


def _no_overlap(seed: int, on: bool) -> Trial:
    """Deprived places all take it up in one year and no others do; or some of every kind do."""
    panel = World(seed=seed, adoption=True, authorities=100).load()
    if on:
        cut = (panel.frame["deprivation"] > 20) & (panel.frame.index.get_level_values("year") >= 2014)
        panel = replace(panel, frame=panel.frame.assign(cut=cut.astype(float)))
    question = replace(ADOPTION, modifiers=())
    return trial_of(panel, design(panel, question, _identified(question, GRAPH, panel.names)), FixedEffects(), graph=GRAPH)


def _beyond_the_data(seed: int, on: bool) -> Trial:
    panel = World(seed=seed).load()
    question = replace(QUESTION, treated=2.5) if on else QUESTION
    return trial_of(panel, design(panel, question, _identified(QUESTION, GRAPH, panel.names)), FixedEffects(), graph=GRAPH)


AT_RANK = replace(QUESTION, treated=1.0, modifiers=())


@cache
def _at_cutoff(names: tuple[str, ...]) -> Identification:
    return identify(AT_RANK, CUTOFF_GRAPH, measured=names, strategy="discontinuity")


def _ranked(seed: int, world: AtRank, **knobs: Any) -> Trial:
    panel = replace(world, seed=seed).load()
    return trial_of(panel, design(panel, AT_RANK, _at_cutoff(panel.names)), RegressionDiscontinuity(**knobs), graph=CUTOFF_GRAPH)


OF_DATES = replace(QUESTION, treated=1.0, modifiers=(), target="ATT")


@cache
def _of_series(names: tuple[str, ...]) -> Identification:
    return identify(OF_DATES, SERIES_GRAPH, measured=names, strategy="series")


def _cut_by_a_date(seed: int, world: Dates, **knobs: Any) -> Trial:
    panel = replace(world, seed=seed).load()
    return trial_of(panel, design(panel, OF_DATES, _of_series(panel.names)), InterruptedSeries(**knobs), graph=SERIES_GRAPH)


@cache
def _of_places(names: tuple[str, ...]) -> Identification:
    return identify(OF_DATES, SERIES_GRAPH, measured=names)


def _one_place(seed: int, parted: float) -> Trial:
    """One place of twelve, forty years; or it parts from the others from the sixteenth on."""
    panel = Dates(authorities=12, dates=40, seed=seed).load()
    own = panel.frame.index.get_level_values("authority") == panel.authorities[0]
    late = panel.frame.index.get_level_values("year") >= panel.years[15]
    panel = replace(panel, frame=panel.frame.assign(plans=panel.frame["plans"] + parted * (own & late)))
    return trial_of(panel, design(panel, OF_DATES, _of_places(panel.names)), SyntheticControl(), graph=SERIES_GRAPH)


def _yes_and_no(seed: int, world: Shares, *adjust_for: str) -> Trial:
    panel = replace(world, seed=seed).load()
    return trial_of(panel, design(panel, replace(QUESTION, modifiers=()), stated(*adjust_for, descendants=("plans",))), LogitDose(), graph=GRAPH)


# Places that share what hits them, and neighbours


def _places(seed: int, *, waves: float = 0.0, spill: float = 0.0) -> Trial:
    rng = np.random.default_rng([seed, 9])
    g, t = 90, 8
    region = np.arange(g) // 10
    pairs = [(i, i + k) for i in range(g) for k in (1, 2) if i + k < g]
    near = np.zeros((g, g))
    for a, b in pairs:
        near[a, b] = near[b, a] = 1.0
    near /= near.sum(axis=1, keepdims=True)
    own, shared = (1 - waves) ** 0.5, waves**0.5
    dose = own * rng.normal(size=(g, t)) + shared * rng.normal(size=(9, t))[region]
    shock = own * rng.normal(size=(g, t)) + shared * rng.normal(size=(9, t))[region]
    plans = rng.normal(size=(g, 1)) + rng.normal(size=(1, t)) + dose + spill * near @ dose + shock
    panel = panel_of({"dose": dose, "plans": plans})
    codes = panel.authorities
    panel = replace(
        panel,
        places=panel.places.assign(region=[f"Region {k}" for k in region]),
        borders=tuple(sorted((codes[a], codes[b]) for a, b in pairs)),
    )
    return _tried(panel, question=replace(ASKED, lag=0), adjust_for=("authority", "year"), seed=seed)


SWAPPED = {"need": "rain", "rain": "referrals", "referrals": "need"}
FAULTS: dict[str, Fault] = {
    "rows_as_independent": Fault(words="an interval that takes the years of a place as independent", make=_rows_as_independent, found=_true_effect),
    "false_finding": Fault(words="a finding that is none, of an interval that is too narrow", make=_false_finding),
    "half_an_effect": Fault(words="an estimator that answers with half of what is there", make=_half_an_effect),
    "unsteady": Fault(words="an answer that hangs on the estimator's own random choices", make=_unsteady),
    "feedback": Fault(words="the outcome moves a later treatment", make=_feedback),
    "hidden_cause": Fault(
        words="a common cause that changes in time and nobody measured", make=_hidden_cause, offers={"outcomes": CONTROLS, "exposures": POLICIES}
    ),
    "one_odd_place": Fault(words="one place carries the effect", make=_one_odd_place),
    "slight_finding": Fault(words="a finding that a cause no stronger than those measured would undo", make=_slight_finding),
    "slight_matched_finding": Fault(words="a finding of matched pairs that a slight hidden difference would undo", make=_slight_matched, offers={"gamma": 2.0}),
    "recorded_with_error": Fault(
        words="the treatment is recorded with error", make=_recorded_with_error, offers={"column": "again", "estimators": (FirstDifference(),)}
    ),
    "hangs_on_no_error": Fault(words="a conclusion that hangs on a treatment recorded almost without error", make=_no_reliance_on_error),
    "recording_switches": Fault(words="switches, zeros and leaps in the recorded treatment", make=_switched),
    "small_counts_suppressed": Fault(words="small counts are not published", make=_suppressed),
    "coarse_rounding": Fault(words="numbers rounded coarsely beside the changes that are compared", make=_coarse),
    "longer_than_summed": Fault(words="a dose that acts for longer than the years summed", make=_longer),
    "lots_not_kept_to": Fault(words="lots that were not kept to", make=lambda seed, on: _by_lot(seed, kept_to=0.5 if on else 1.0)),
    "lost_after_the_lots": Fault(words="an arm that lost those whom it did not help", make=lambda seed, on: _by_lot(seed, lost=0.3 if on else 0.0)),
    "offer_not_taken_up": Fault(words="an offer that hardly anybody took up", make=lambda seed, on: _by_lot(seed, taken=0.0 if on else 0.8)),
    "instrument_acts_otherwise": Fault(
        words="an offer that acts on those who do not take it up", make=lambda seed, on: _offered(seed, otherwise=6.0 if on else 0.0)
    ),
    "instrument_moves_nothing": Fault(words="an instrument that moves nothing", make=lambda seed, on: _offered(seed, moves=not on)),
    "switchers_drift": Fault(words="places that move before their treatment does", make=lambda seed, on: _switching(seed, drift=1.0 if on else 0.0)),
    "stays_behind": Fault(words="effects that stay behind when the treatment ends", make=lambda seed, on: _switching(seed, behind=1.0 if on else 0.0)),
    "drift_before": Fault(words="places that take it up were going another way before", make=lambda seed, on: _adopters(seed, trend=0.5 if on else 0.0)),
    "felt_early": Fault(words="the outcome moves in the year before the treatment", make=lambda seed, on: _adopters(seed, early=1.2 if on else 0.0)),
    "missing_arrow": Fault(words="an arrow that the graph leaves out", make=lambda seed, on: _chain(seed, direct=0.4 if on else 0.0)),
    "wrong_names": Fault(words="a graph whose nodes bear one another's names", make=lambda seed, on: _chain(seed, names=SWAPPED if on else None)),
    "sets_disagree": Fault(
        words="a common cause that the graph takes for a cause of the treatment alone", make=lambda seed, on: _chain(seed, need_too=0.8 if on else 0.0)
    ),
    "many_misrecorded": Fault(words="typing errors in the treatment of many places", make=lambda seed, on: _chain(seed, misrecorded=8 if on else 0)),
    "no_overlap": Fault(words="kinds of places that all had the treatment, or none", make=_no_overlap),
    "beyond_the_data": Fault(words="a contrast larger than any that was seen", make=_beyond_the_data),
    "wrong_curve": Fault(
        words="a common cause that acts in a curve",
        make=lambda seed, on: _yes_and_no(seed, Shares(bend=0.5 if on else 0.0, authorities=90), "authority", "year", "poverty"),
    ),
    "few_events": Fault(
        words="an outcome so rare that a few of it carry the odds",
        make=lambda seed, on: _yes_and_no(seed, Shares(asked=1, level=-5.0 if on else 0.0, effect=0.3), "poverty"),
    ),
    "sorting": Fault(
        words="people choose on which side of a cutoff they fall", make=lambda seed, on: _ranked(seed, AtRank(sorting=0.9 if on else 0.0, authorities=1500))
    ),
    "another_jump": Fault(words="something else jumps at the cutoff", make=lambda seed, on: _ranked(seed, AtRank(another=3.0 if on else 0.0))),
    "jump_elsewhere": Fault(words="the outcome jumps where no rule changes", make=lambda seed, on: _ranked(seed, AtRank(elsewhere=9.0 if on else 0.0))),
    "heaped_at_cutoff": Fault(
        words="those at the cutoff are unlike all others", make=lambda seed, on: _ranked(seed, AtRank(heap=15.0 if on else 0.0), bandwidth=15.0)
    ),
    "bent_lines": Fault(words="a curve taken for a jump", make=lambda seed, on: _ranked(seed, AtRank(bend=8.0 if on else 0.0), bandwidth=40.0)),
    "jump_before": Fault(
        words="a series that jumps at a date when nothing was done", make=lambda seed, on: _cut_by_a_date(seed, Dates(earlier=9.0 if on else 0.0))
    ),
    "shared_jump": Fault(
        words="all places jump at the date, treated or not",
        make=lambda seed, on: _cut_by_a_date(seed, Dates(authorities=6, shared=8.0 if on else 0.0), comparison=False),
    ),
    "swings": Fault(words="a cycle that the model leaves out", make=lambda seed, on: _cut_by_a_date(seed, Dates(swings=5.0 if on else 0.0))),
    "parted_before": Fault(words="a place that parts from its stand-in before it is treated", make=lambda seed, on: _one_place(seed, 12.0 if on else 0.0)),
    "shared_waves": Fault(words="places of a region share shocks", make=lambda seed, on: _places(seed, waves=0.4 if on else 0.0)),
    "spillover": Fault(words="the treatment of neighbours moves the outcome", make=lambda seed, on: _places(seed, spill=0.8 if on else 0.0)),
}


def with_offers(refuter: Any, fault: Fault) -> Any:
    """The check with what the fault's world has for its knobs, where these stand as they come.

    Parameters
    ----------
    refuter : a frozen dataclass.
    fault : that it is tried on.
    """
    if not is_dataclass(refuter) or isinstance(refuter, type):
        return refuter
    as_they_come = {one.name for one in fields(refuter) if one.init and getattr(refuter, one.name) == one.default}
    offered = {name: value for name, value in fault.offers.items() if name in as_they_come}
    return replace(refuter, **offered)
