"""Small made-up panels with a planted effect, fast and broken in one way at a time; and the way to a design, a trial, a check.

`World` serves most estimators: a dose that moves, a treatment that is taken up, or doses taken up. What rests on an instrument, on mediators or on a front
door has a world of its own below. All are closed form and share nothing with the code that is tried on them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from causal.arrays import Floats
from causal.design import Design, design
from causal.draws import stream
from causal.estimate import Estimator
from causal.graph import Graph
from causal.identification import Identification
from causal.identify import identify
from causal.panel import Panel, Variable
from causal.question import Question
from causal.refutation import Refutation
from causal.refute import Refuter
from causal.trial import Trial

WHY = "made so"


def drawn(name: str, arrows: Mapping[str, Any], nodes: Mapping[str, Any] | None = None, *, place: bool = True) -> Graph:
    """A graph from its arrows.

    Parameters
    ----------
    name : of the graph.
    arrows : cause → effects: names alone, or effect → because.
    nodes : what is known of some nodes beside their name.
    place : whether `authority` and `year` move everything that is measured.
    """
    effects = {cause: dict.fromkeys(to, WHY) if not isinstance(to, Mapping) else dict(to) for cause, to in arrows.items()}
    names = sorted({*effects, *(effect for to in effects.values() for effect in to)})
    about: dict[str, Any] = {name: {} for name in names} | dict(nodes or {})
    if place:
        measured = [one for one in names if about[one].get("measured", True)]
        about |= {"authority": {"varies": "authority"}, "year": {"varies": "year"}}
        lasting = [one for one in measured if about[one].get("varies") == "authority"]
        effects = {"authority": dict.fromkeys(measured, WHY), "year": dict.fromkeys([one for one in measured if one not in lasting], WHY), **effects}
    return Graph(name=name, nodes=about, arrows=effects)  # type: ignore[arg-type]


GRAPH = drawn(
    "small",
    {
        "deprivation": {"cut": {"because": WHY, "by_year": True}, "plans": {"because": WHY, "by_year": True}},
        "poverty": ("cut", "plans"),
        "cut": {"plans": "the question"},
    },
    {"deprivation": {"varies": "authority"}},
)
QUESTION = Question(treatment="cut", outcome="plans", control=0.0, treated=0.5, smallest_important=1.0, because="a test", modifiers=("deprivation",))

ADOPTION = replace(QUESTION, treated=1.0)


@dataclass(frozen=True, kw_only=True)
class World:
    """Knobs of the made-up panel; `effect` is that of moving the cut from 0 to 0.5, or with `adoption` from 0 to 1.

    With `adoption` the cut is 0 until an authority takes it up and 1 from then on; two in five never do, and those that differ lastingly
    take it up more often. With `doses` those who take it up do so to a degree, from 0.2 to 0.9, and `effect` is again that of 0.5. With `apart` nothing lasting
    about places moves the cut, and its own moves are independent from year to year: what a comparison of places with one another can answer.
    """

    effect: float = 0.0
    authorities: int = 60
    years: int = 8
    persistence: float = 0.4
    confounding: float = 1.0
    seed: int = 0
    adoption: bool = False
    doses: bool = False
    apart: bool = False

    def load(self) -> Panel:
        """The panel."""
        rng = np.random.default_rng(self.seed)
        g, t = self.authorities, self.years
        index = pd.MultiIndex.from_product([[f"A{i:04d}" for i in range(g)], range(2011, 2011 + t)], names=["authority", "year"])
        lasting, deprivation = rng.normal(size=g), 20 + 8 * rng.normal(size=g)
        clock = np.arange(t)
        poverty = 20 + 3 * lasting[:, None] + rng.normal(size=(g, t)).cumsum(axis=1)
        drift = 0.002 * self.confounding * (deprivation[:, None] - 20) * clock
        moves = rng.normal(size=(g, t))
        own = 0.3 * moves if self.apart else 0.1 * lasting[:, None] + 0.1 * moves.cumsum(axis=1)
        cut = 0.3 + 0.03 * clock + 0.02 * self.confounding * (poverty - 20) + drift + own
        scale = 2.0
        if self.adoption or self.doses:
            noise_rng = np.random.default_rng([self.seed, 1])
            takes = (0.0 if self.apart else 0.5) * lasting + noise_rng.normal(size=g) > -0.28
            first = np.where(takes, noise_rng.integers(min(3, t - 1), t, size=g), t)
            cut, scale = (clock >= first[:, None]).astype(float), 1.0
            if self.doses:
                cut, scale = cut * noise_rng.uniform(0.2, 0.9, size=(g, 1)), 2.0
        shock = rng.normal(size=(g, t + 5)) * 3
        for year in range(1, t + 5):
            shock[:, year] += self.persistence * shock[:, year - 1]
        plans = (
            45 + 10 * lasting[:, None] + clock + 0.5 * (poverty - 20) + 0.05 * (deprivation[:, None] - 20) * clock + scale * self.effect * cut + shock[:, 5:]
        )
        columns = {"deprivation": np.repeat(deprivation, t), "poverty": poverty.ravel(), "cut": cut.ravel(), "plans": plans.ravel()}
        units = {"deprivation": "score", "poverty": "per cent", "cut": "share", "plans": "per 10,000 children"}
        return Panel(
            frame=pd.DataFrame({**columns, "children": np.repeat(np.exp(11 + 0.5 * rng.normal(size=g)), t)}, index=index),
            variables=(
                *(
                    Variable(
                        name=name,
                        label=name,
                        unit=units[name],
                        source="made up",
                        varies="authority" if name == "deprivation" else "both",
                        count_per=10_000 if name == "plans" else None,
                    )
                    for name in columns
                ),
                Variable(name="children", label="children", unit="children", source="made up"),
            ),
            places=pd.DataFrame({"name": [f"Place {i}" for i in range(g)], "region": [f"Region {i % 6}" for i in range(g)]}, index=index.unique("authority")),
            title="made-up panel",
            population="children",
        )


@dataclass(frozen=True, kw_only=True)
class Counts:
    """Counts drawn from Poisson; `effect` is the log of the ratio that moving the cut by 0.5 makes."""

    effect: float = 0.0
    authorities: int = 60
    seed: int = 0

    def load(self) -> Panel:
        """The panel."""
        panel = World(authorities=self.authorities, seed=self.seed).load()
        rng = np.random.default_rng(self.seed)
        frame = panel.frame.copy()
        cut = frame["cut"] - frame["cut"].mean()
        log = -5.5 + 0.3 * np.repeat(rng.normal(size=self.authorities), 8) + 0.02 * (frame["poverty"] - 20) + 2 * self.effect * cut
        frame["plans"] = rng.poisson(frame["children"] * np.exp(log)) / frame["children"] * 10_000
        return replace(panel, frame=frame)

    def truth(self) -> float:
        """What moving the cut from 0 to 0.5 does to the mean rate, per 10,000 children: with the planted ratio, from the mean rate and the mean cut."""
        frame = self.load().frame
        rate, cut = (float(np.average(frame[name], weights=frame["children"])) for name in ("plans", "cut"))
        return rate * float(np.exp(2 * self.effect * (0.5 - cut)) - np.exp(-2 * self.effect * cut))


@dataclass(frozen=True, kw_only=True)
class Shares:
    """Of 25 asked, how many say yes.

    `effect` is what moving the cut by 0.5 does to the log odds, `bend` what the square of poverty does to them and to the cut, `level` the log odds where
    all else is usual.
    """

    effect: float = 0.0
    bend: float = 0.0
    asked: int = 25
    level: float = -0.3
    authorities: int = 60
    seed: int = 0

    def _made(self) -> tuple[Panel, Floats]:
        """The panel, and the log odds without the cut."""
        panel = World(authorities=self.authorities, seed=self.seed).load()
        rng = np.random.default_rng([self.seed, 3])
        frame = panel.frame.copy()
        curve = ((frame["poverty"] - 20) ** 2 / 20 - 1).to_numpy()
        frame["cut"] += 0.2 * self.bend * curve
        lasting = np.repeat(frame["cut"].groupby(level=0).mean().to_numpy() - 0.4 + 0.4 * rng.normal(size=self.authorities), 8)
        other = self.level + lasting + 0.04 * (frame["poverty"].to_numpy() - 20) + self.bend * curve
        noise_rng = 1 / (1 + np.exp(-(other + 2 * self.effect * frame["cut"].to_numpy())))
        frame["plans"] = rng.binomial(self.asked, noise_rng) / self.asked
        variables = tuple(replace(one, unit="share", count_per=None) if one.name == "plans" else one for one in panel.variables)
        return replace(panel, frame=frame, variables=variables), other

    def load(self) -> Panel:
        """The panel."""
        return self._made()[0]

    def truth(self) -> float:
        """What moving the cut from 0 to 0.5 does to the share, averaged over rows."""
        other = self._made()[1]
        return float(np.mean(1 / (1 + np.exp(-other - self.effect)) - 1 / (1 + np.exp(-other))))


MOVED_GRAPH = drawn(
    "instruments",
    {
        "need": ("cut", "plans"),
        "poverty": ("cut", "plans"),
        "formula": ("cut",),
        "lottery": ("cut",),
        "cut": {"plans": "the question"},
        "deprivation": (),
    },
    {"need": {"measured": False}, "deprivation": {"varies": "authority"}},
)


@dataclass(frozen=True, kw_only=True)
class Moved:
    """Unmeasured need moves cut and plans, and two instruments move the cut; `effect` is that of moving the cut by 0.5."""

    effect: float = 0.0
    authorities: int = 80
    seed: int = 0

    def load(self) -> Panel:
        """The panel."""
        rng = np.random.default_rng(self.seed)
        g, t = self.authorities, 6
        lasting, deprivation, clock = rng.normal(size=(g, 1)), 20 + 8 * rng.normal(size=(g, 1)), np.arange(t)
        formula, lottery, need, poverty = (ar(rng.normal(size=(g, t)), 0.4) for _ in range(4))
        poverty = 20 + lasting + poverty
        cut = 0.3 + 0.05 * lasting + 0.12 * formula + 0.08 * lottery + 0.1 * need + 0.02 * (poverty - 20) + 0.05 * rng.normal(size=(g, t))
        plans = 45 + 8 * lasting + clock + 3 * need + 0.5 * (poverty - 20) + 2 * self.effect * cut + 2 * ar(rng.normal(size=(g, t)), 0.4)
        return panel_of(
            {"deprivation": np.repeat(deprivation, t, axis=1), "formula": formula, "lottery": lottery, "poverty": poverty, "cut": cut, "plans": plans}
        )


PATHS_GRAPH = drawn(
    "paths",
    {
        "cut": {"closures": {"because": WHY, "lag": 1}, "staff": {"because": WHY, "lag": 1}, "plans": {"because": WHY, "lag": 2}},
        "closures": {"staff": WHY, "plans": {"because": WHY, "lag": 1}},
        "staff": {"plans": {"because": WHY, "lag": 1}},
    },
)


@dataclass(frozen=True, kw_only=True)
class Paths:
    """The cut moves closures and staff a year later, and they the plans a year after that; `effect` is the whole one of moving the cut by 0.5."""

    effect: float = 0.0
    authorities: int = 60
    seed: int = 0

    def load(self) -> Panel:
        """The panel."""
        rng = np.random.default_rng(self.seed)
        g, t = self.authorities, 9
        lasting, clock = rng.normal(size=(g, 1)), np.arange(t)
        cut = 0.3 + 0.2 * lasting + 0.02 * clock + 0.3 * rng.normal(size=(g, t))
        before = np.column_stack([np.zeros((g, 1)), cut[:, :-1]])
        closures = 2.0 * before + lasting + 0.05 * clock + rng.normal(size=(g, t))
        staff = before + 0.5 * closures - lasting + 0.7 * rng.normal(size=(g, t))
        plans = 45 + 5 * lasting + clock + ar(rng.normal(size=(g, t)), 0.4)
        plans[:, 1:] += 1.5 * closures[:, :-1] - staff[:, :-1]
        through = 1.5 * 2.0 - 1.0 * (1.0 + 0.5 * 2.0)
        plans[:, 2:] += (2 * self.effect - through) * cut[:, :-2]
        return panel_of({"cut": cut, "closures": closures, "staff": staff, "plans": plans})


LOTS_GRAPH = drawn(
    "lots",
    {
        "authority": ("poverty", "plans", "deprivation"),
        "year": ("poverty", "plans", "cut"),
        "poverty": ("plans",),
        "cut": {"plans": "the question"},
        "deprivation": (),
    },
    {
        "cut": {"lot": "places drawn for each year of a roll-out"},
        "authority": {"varies": "authority"},
        "deprivation": {"varies": "authority"},
        "year": {"varies": "year"},
    },
    place=False,
)


@dataclass(frozen=True, kw_only=True)
class Drawn:
    """A roll-out whose order lots decided, with places that never come to it; `effect` is that of the offer."""

    effect: float = 0.0
    authorities: int = 60
    seed: int = 0

    def load(self) -> Panel:
        """The panel."""
        rng = np.random.default_rng([self.seed, 5])
        g, t = self.authorities, 6
        lasting, deprivation, clock = rng.normal(size=(g, 1)), 20 + 8 * rng.normal(size=(g, 1)), np.arange(t)
        poverty = 20 + lasting + ar(rng.normal(size=(g, t)), 0.4)
        start = rng.permutation(np.resize(np.arange(1, t + 1), g))[:, None]
        cut = (clock >= start).astype(float)
        plans = 45 + 8 * lasting + clock + 0.5 * (poverty - 20) + self.effect * cut + 2 * ar(rng.normal(size=(g, t)), 0.4)
        return panel_of({"deprivation": np.repeat(deprivation, t, axis=1), "poverty": poverty, "cut": cut, "plans": plans})


OFFERED_GRAPH = drawn(
    "offer",
    {"taste": ("cut", "plans"), "poverty": ("offer", "cut", "plans"), "offer": ("cut",), "cut": {"plans": "the question"}, "deprivation": ()},
    {"taste": {"measured": False}, "deprivation": {"varies": "authority"}},
    place=False,
)


@dataclass(frozen=True, kw_only=True)
class Offered:
    """An offer that some take up and some would have anyway, one row for each place; `effect` is that of taking it up, the same for all."""

    effect: float = 0.0
    authorities: int = 300
    seed: int = 0

    def load(self) -> Panel:
        """The panel."""
        rng = np.random.default_rng([self.seed, 6])
        shape = (self.authorities, 1)
        poverty, taste = rng.normal(size=shape), rng.normal(size=shape)
        offer = (rng.random(shape) < 1 / (1 + np.exp(-0.5 * poverty))).astype(float)
        cut = (0.4 * poverty + taste > np.where(offer > 0, -0.8, 1.2)).astype(float)
        plans = 45 + poverty + 1.5 * taste + self.effect * cut + rng.normal(size=shape)
        return panel_of({"deprivation": rng.normal(size=shape), "poverty": poverty, "offer": offer, "cut": cut, "plans": plans})


DOOR_GRAPH = drawn(
    "front door",
    {"need": ("cut", "plans"), "cut": ("closures", "staff"), "closures": ("plans", "staff"), "staff": ("plans",)},
    {"need": {"measured": False}},
    place=False,
)


@dataclass(frozen=True, kw_only=True)
class Door:
    """Need moves cut and plans and is not measured; all that the cut does goes through closures and staff. `effect` is that of moving the cut by 0.5."""

    effect: float = 0.0
    authorities: int = 60
    seed: int = 0

    def load(self) -> Panel:
        """The panel."""
        rng = np.random.default_rng(self.seed)
        g, t = self.authorities, 4
        shared = [rng.normal(size=(g, 1)) for _ in range(4)]
        noise = rng.normal(size=(5, g, t))
        need = noise[0] + shared[0]
        cut = need + noise[1] + 0.7 * shared[1]
        closures = 0.8 * cut + noise[2] + 0.5 * shared[2]
        staff = 0.5 * cut + 0.3 * closures + noise[3]
        # 0.8 through closures, 0.5 and 0.8 × 0.3 through staff, as much as makes the whole
        plans = 2 * self.effect * (closures + staff) / 1.54 + 3 * need + noise[4] + shared[3]
        return panel_of({"cut": cut, "closures": closures, "staff": staff, "plans": plans})


CUTOFF_GRAPH = drawn(
    "cutoff",
    {
        "need": ("rank", "plans", "poverty"),
        "poverty": ("plans",),
        "rank": {"cut": {"because": "a rule", "cutoff": 50.0}, "plans": WHY},
        "cut": {"plans": "the question"},
    },
    {"need": {"measured": False}},
    place=False,
)


@dataclass(frozen=True, kw_only=True)
class AtRank:
    """Those of rank 50 and more get the cut; need, which nobody measured, moves rank and plans. `effect` is that of the cut.

    Parameters
    ----------
    sorting : share of those with little luck just short of the cutoff that get themselves beyond it.
    another : by how much poverty jumps at the cutoff.
    elsewhere : by how much plans jump at ranks 32.5 and 67.5.
    heap : by how much plans of those of rank 50 to 51 lie higher.
    bend : plans bend by the sine of the rank, so many high.
    fuzzy : share that does otherwise than the rule says.
    """

    effect: float = 0.0
    authorities: int = 1000
    seed: int = 0
    sorting: float = 0.0
    another: float = 0.0
    elsewhere: float = 0.0
    heap: float = 0.0
    bend: float = 0.0
    fuzzy: float = 0.0

    def load(self) -> Panel:
        """The panel, of one year."""
        rng = np.random.default_rng([self.seed, 4])
        g = self.authorities
        rank, luck, noise_rng = rng.uniform(0, 100, size=g), rng.normal(size=g), rng.random((3, g))
        moves = (rank > 45) & (rank < 50) & (luck < 0.5) & (noise_rng[0] < self.sorting)
        rank = np.where(moves, 50 + 4 * noise_rng[1], rank)
        need = 0.04 * (rank - 50) + luck
        poverty = 20 + need + self.another * (rank >= 50) + rng.normal(size=g)
        cut = ((rank >= 50) ^ (noise_rng[2] < self.fuzzy)).astype(float)
        steps = self.elsewhere * ((rank >= 67.5).astype(float) - (rank >= 32.5))
        plans = 45 + 0.1 * rank + 3 * need + poverty + self.effect * cut + 2 * rng.normal(size=g) + steps
        plans = plans + self.heap * ((rank >= 50) & (rank < 51)) + self.bend * np.sin((rank - 50) / 8)
        return panel_of({name: values[:, None] for name, values in {"rank": rank, "poverty": poverty, "cut": cut, "plans": plans}.items()})


SERIES_GRAPH = drawn("series", {"cut": {"plans": "the question"}})


@dataclass(frozen=True, kw_only=True)
class Dates:
    """One place, or the first of several, has the cut from the thirtieth of fifty dates on; `effect` is that of the cut.

    Parameters
    ----------
    earlier : by how much plans jump at the fifteenth date.
    shared : by how much plans of all places jump with the cut.
    swings : how high a cycle of five dates runs that nothing in the model stands for.
    """

    effect: float = 0.0
    authorities: int = 1
    seed: int = 0
    dates: int = 50
    earlier: float = 0.0
    shared: float = 0.0
    swings: float = 0.0
    persistence: float = 0.3

    def load(self) -> Panel:
        """The panel."""
        rng = np.random.default_rng([self.seed, 6])
        g, t = self.authorities, self.dates
        clock = np.arange(t)
        cut = np.zeros((g, t))
        cut[0, 3 * t // 5 :] = 1.0
        # errors of a place are the same whatever is planted
        plans = 45 + 5 * rng.normal(size=(g, 1)) + 0.2 * clock + 2 * ar(rng.normal(size=(g, t)), self.persistence) + self.effect * cut
        plans = plans + self.earlier * (clock >= 3 * t // 10) + self.shared * (clock >= 3 * t // 5) + self.swings * np.sin(2 * np.pi * clock / 5)
        return panel_of({"cut": cut, "plans": plans}, first_year=1970)


def panel_of(columns: Mapping[str, Floats], *, unit: str = "units", first_year: int = 2011, **more: Any) -> Panel:
    """A panel of matrices.

    Parameters
    ----------
    columns : name → shape (authorities, years); `deprivation` is taken to be lasting.
    unit : of all.
    first_year : of the years.
    **more : other fields of the panel.
    """
    g, t = next(iter(columns.values())).shape
    index = pd.MultiIndex.from_product([[f"A{i:04d}" for i in range(g)], range(first_year, first_year + t)], names=["authority", "year"])
    frame = pd.DataFrame({name: np.ravel(values) for name, values in columns.items()}, index=index)
    known = {
        "variables": tuple(
            Variable(name=name, label=name, unit=unit, source="made up", varies="authority" if name == "deprivation" else "both") for name in columns
        ),
        "places": pd.DataFrame({"name": [f"Place {i}" for i in range(g)]}, index=index.unique("authority")),
        "title": "made-up panel",
    }
    return Panel(frame=frame, **{**known, **more})


def without(panel: Panel, *, keep: float, seed: int) -> Panel:
    """The panel with rows missing at random.

    Parameters
    ----------
    panel : any.
    keep : probability with which a row stays.
    seed : of the draw.
    """
    rows = np.random.default_rng(seed).random(len(panel.frame)) < keep
    return replace(panel, frame=panel.frame[rows])


def ar(shocks: Floats, rho: float) -> Floats:
    """A stationary first-order autoregression along the years (axis 1) of standard normal shocks; its variance is 1 / (1 − rho²).

    Parameters
    ----------
    shocks : shape (authorities, years), standard normal.
    rho : autocorrelation, above −1 and below 1.
    """
    out = shocks.copy()
    out[:, 0] /= np.sqrt(1 - rho**2)
    for t in range(1, shocks.shape[1]):
        out[:, t] += rho * out[:, t - 1]
    return out


def designed(panel: Panel, question: Question = QUESTION, graph: Graph = GRAPH, strategy: Any = "backdoor") -> Design:
    """The panel's design for a question, identified from the graph."""
    return design(panel, question, identify(question, graph, measured=panel.names, strategy=strategy))


def stated(*adjust_for: str, descendants: tuple[str, ...] = (), by_year: tuple[str, ...] = ()) -> Identification:
    """An adjustment set that the test states, without a graph.

    Parameters
    ----------
    *adjust_for : dated names.
    descendants : names that follow the treatment.
    by_year : those of the set whose strength changes by year.
    """
    return Identification(
        identified=True,
        strategies=("backdoor",),
        adjust_for=adjust_for,
        chosen_because="stated by the test",
        minimal=(adjust_for,),
        valid=(adjust_for,),
        exhaustive=True,
        instruments=(),
        frontdoor=(),
        mediators=(),
        descendants=descendants,
        by_year=by_year,
        unmeasured=(),
        feedback=False,
        forced=(),
        blocked_by=(),
        assumptions=(),
        warnings=(),
    )


def trial_of(panel: Panel, made: Design, estimator: Estimator, *, seed: int = 3, **more: Any) -> Trial:
    """An answer on a design, ready to be checked.

    Parameters
    ----------
    panel : the one that the design was made of.
    made : the design.
    estimator : answers it.
    seed : of all streams.
    **more : other fields of the trial.
    """
    return Trial(
        panel=panel,
        question=made.question,
        identification=made.identification,
        estimator=estimator,
        design=made,
        estimate=estimator.estimate(made, stream(seed, "estimate")),
        seed=seed,
        **more,
    )


def refute(refuter: Refuter, trial: Trial) -> Refutation:
    """What a check finds, on the stream that a study gives it."""
    return refuter.refute(trial, stream(trial.seed, refuter.name))


def same(a: Refutation, b: Refutation) -> bool:
    """Whether two findings are one.

    Parameters
    ----------
    a, b : of one refuter on one trial.
    """
    return (a.found, a.p_value, a.survived, a.reason, dict(a.numbers), a.parts) == (b.found, b.p_value, b.survived, b.reason, dict(b.numbers), b.parts)


def rate_at_least(successes: int, tries: int, claimed: float) -> bool:
    """Whether a rate is not shown to be below what is claimed (exact binomial, 1 %)."""
    return bool(stats.binomtest(successes, tries, claimed, alternative="less").pvalue > 0.01)
