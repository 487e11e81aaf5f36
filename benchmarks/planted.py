"""The worlds of `verdicts.py`: panels with a known effect, clean or with one planted fault, made here apart from the toolkit's own simulated source.

    plans = lasting level + year + poverty + effect × treatment + shocks that last

The treatment is taken up once, to a degree of its own, and kept ("closures"); afterwards child poverty moves it a little, which in turn owes something to
jobs (but for adoptions, which are whole). Visits follow from the treatment, from plans and from staff. Broken bones are moved by what moves plans, save the
treatment: a negative control.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from causal.graph import Graph
from causal.panel import Panel, Variable
from causal.question import Question

YEARS = 9
SHOCK, PERSISTENCE = 3.0, 0.4
DOSE = 0.5  # the contrast: the treatment at 0.5 instead of 0
QUESTION = Question(treatment="cut", outcome="plans", control=0.0, treated=DOSE, smallest_important=1.0, because="a benchmark", harm="increase")
NODES: dict[str, dict[str, Any]] = {"authority": {"varies": "authority"}, "year": {"varies": "year"}} | {
    name: {} for name in ("jobs", "poverty", "staff", "cut", "plans", "visits")
}
MEASURED = ("jobs", "poverty", "staff", "cut", "plans", "visits")
MADE = "made so"
ARROWS: dict[str, dict[str, Any]] = {
    "authority": dict.fromkeys(MEASURED, MADE),
    "year": dict.fromkeys(MEASURED, MADE),
    "jobs": {"poverty": MADE},
    "poverty": {"cut": MADE, "plans": MADE},
    "cut": {"plans": "the question", "visits": MADE},
    "plans": {"visits": MADE},
    "staff": {"visits": MADE},
}


def graph(name: str, **change: dict[str, Any]) -> Graph:
    """The true graph with the arrows of some causes replaced."""
    return Graph(name=name, nodes=NODES, arrows={cause: effects for cause, effects in (ARROWS | change).items() if effects})


TRUE = graph("true")
NO_AUTHORITY = Graph(
    name="without authority effects",
    nodes={name: how for name, how in NODES.items() if name != "authority"},
    arrows={cause: effects for cause, effects in ARROWS.items() if cause != "authority"},
)
MISSING = graph("poverty moves no plans", poverty={"cut": MADE})
REVERSED = graph("poverty follows the treatment", poverty={"plans": MADE}, cut=ARROWS["cut"] | {"poverty": MADE})
TAKEN_UP = graph("who takes it up owes nothing to poverty", poverty={"plans": MADE})
COLLIDER = graph("visits are a cause", cut={"plans": "the question"}, plans={}, visits={"cut": MADE, "plans": MADE})

LOTTERY = Graph(
    name="a lot moves the treatment, whose causes are hidden",
    nodes={name: how for name, how in NODES.items() if name in ("authority", "year", "cut", "plans")} | {"lot": {}, "luck": {"measured": False}},
    arrows={
        "authority": {"cut": MADE, "plans": MADE},
        "year": {"cut": MADE, "plans": MADE},
        "lot": {"cut": MADE},
        "luck": {"cut": MADE, "plans": MADE},
        "cut": {"plans": "the question"},
    },
)


@dataclass(frozen=True, kw_only=True)
class World:
    """Knobs of one fault; without any the world is clean.

    authority : what lasts about a place, in plans, that the graph without authorities leaves out.
    hidden, seen : plans, and broken bones, added by a crisis that strikes half of those who take the treatment up, in that very year, and few others.
    trend : plans a year by which places drift with how far their treatment will move.
    feedback : reverse causation: with plans a standard deviation above in this year or the last, the treatment is likelier, and larger, by so much.
    early : plans in the year before the treatment, for a move of the whole contrast.
    noise : standard deviation of the error with which the treatment is recorded, the contrast being 0.5.
    poverty, pull : what poverty does to plans, and to the treatment once it is taken up.
    inspected : what the treatment does to visits, the rest of which are plans and staff.
    binary : the treatment is taken up whole or not at all, and poverty does not move it; nor does poverty last then, which the graph's one node could not
        say (places of equal base poverty would drift apart: truth.yaml has the story).
    huge : size of one authority's move, and `story` what befell its plans in the same year.
    driven : places have trends of their own (plans a year, standard deviation), and the steeper a place's, the likelier it is to take the treatment up and
        the larger its dose.
    late : plans a year by which places drift with how far their treatment has moved, from the year of the move on and not before.
    bend : plans by which places drift with how far their treatment will move, as the square of the years gone by, at the last of them.
    lone : only one place of all takes the treatment up.
    spread : the effect comes in three equal parts over three years.
    walk : standard deviation of the yearly steps of something unmeasured that wanders, moves plans, and is in the doses taken up; the negative control does
        not share it.
    unequal : places' shocks differ in size by a factor whose logarithm has this standard deviation.
    heavy : shocks are of t with three degrees of freedom.
    lottery : how far something dealt by chance each year moves the treatment, whose own rest is moved by a hidden cause of plans: an instrument.
    tied : how far that hidden cause moves what should be dealt by chance; the negative control then shares it.
    """

    authorities: int = 150
    authority: float = 0.0
    hidden: float = 0.0
    seen: float = 0.0
    trend: float = 0.0
    feedback: float = 0.0
    early: float = 0.0
    noise: float = 0.0
    poverty: float = 1.0
    pull: float = 0.1
    inspected: float = 1.0
    binary: bool = False
    huge: float = 0.0
    story: float = 0.0
    driven: float = 0.0
    late: float = 0.0
    bend: float = 0.0
    lone: bool = False
    spread: bool = False
    walk: float = 0.0
    unequal: float = 0.0
    heavy: bool = False
    lottery: float = 0.0
    tied: float = 0.0


def columns(world: World, effect: float, seed: int) -> dict[str, np.ndarray]:
    """Every variable, shape (authorities, years); `effect` is that of the contrast."""
    g, t = world.authorities, YEARS
    rng = np.random.default_rng([seed, 31])
    lasting, wobble, chance, size = rng.normal(size=g), rng.normal(size=(8, g, t)), rng.random((4, g, t)), rng.uniform(0.3, 0.9, g)
    shock, broken = rng.normal(size=(2, g, t + 5))
    for year in range(1, t + 5):
        for one in (shock, broken):
            one[:, year] = PERSISTENCE * one[:, year - 1] + np.sqrt(1 - PERSISTENCE**2) * one[:, year]
    shock, broken = shock[:, 5:], broken[:, 5:]
    # what the later faults draw comes from a stream of its own, so that the panels of the earlier ones are what they were
    more = np.random.default_rng([seed, 37])
    slope, steps, lots, hides = more.normal(size=g), more.normal(size=(g, t)), more.normal(size=(g, t)), more.normal(size=(g, t))
    wander = np.cumsum(steps, axis=1)
    if world.heavy:
        shock = shock * np.sqrt(1.0 / more.chisquare(3, size=(g, 1)))  # a place's shocks together: multivariate t, of unit scale
    if world.unequal:
        shock = shock * np.exp(world.unequal * more.normal(size=(g, 1)) - world.unequal**2)
    lasts = 0.0 if world.binary else 0.5
    jobs = lasts * lasting[:, None] + wobble[0]
    poverty = lasts * lasting[:, None] + 0.7 * jobs + 0.7 * wobble[1]
    staff = 0.3 * lasting[:, None] + wobble[2]
    # three in five take it up, those that differ lastingly more often, in a year of their own from the fourth on
    takes = 0.5 * lasting + wobble[3][:, 0] > -0.28
    start = np.where(takes, 3 + np.floor((t - 3) * chance[0][:, 0]), t).astype(int)
    if world.driven:
        takes = takes | (slope > 1.0)
        takes &= slope > -1.0
        size = size + 0.1 * slope
    size = size + 0.05 * lasting
    if world.feedback:
        start = _answering(world.feedback, shock, chance[1], takes)
    if world.huge:
        start[0], size[0] = t // 2, world.huge
    if world.lone:
        start[:], start[0] = t, t // 2
    on = np.arange(t) >= start[:, None]
    cut = on * (size[:, None] + world.pull * poverty)
    cut += world.feedback * on * (shock + np.roll(shock, 1, axis=1))  # nothing is taken up in the first years
    cut += 0.05 * world.walk * on * wander
    cut = on * DOSE if world.binary else cut
    if world.lottery:
        lots = lots + world.tied * hides
        cut = world.lottery * lots + 0.3 * hides + 0.1 * lasting[:, None]
    crisis_start = np.where(takes & (chance[2][:, 0] < 0.6), start, np.where(chance[2][:, 1] < 0.15, np.floor(t * chance[2][:, 2]), t))
    crisis = np.arange(t) >= crisis_start[:, None]
    level = 45 + (6 + world.authority) * lasting[:, None] + 0.4 * np.arange(t)
    plans = level + world.poverty * poverty + SHOCK * shock + effect / DOSE * cut + world.hidden * crisis
    felt = cut
    if world.spread:
        felt = sum(np.concatenate([np.repeat(cut[:, :1], lag, axis=1), cut[:, : t - lag]], axis=1) for lag in range(3)) / 3
    plans = plans + effect / DOSE * (felt - cut) + world.driven * slope[:, None] * np.arange(t) + world.walk * wander
    moved, will = cut - cut[:, :1], cut[:, -1:] - cut[:, :1]
    plans = plans + world.late / DOSE * moved * np.cumsum(on, axis=1) + world.bend / DOSE * will * (np.arange(t) / (t - 1)) ** 2
    plans = plans + (SHOCK * hides if world.lottery else 0.0)
    plans = plans + world.trend / DOSE * (cut[:, -1:] - cut[:, :1]) * np.arange(t)
    plans[:, :-1] += world.early / DOSE * np.diff(cut, axis=1)
    if world.huge:
        plans[0] += world.story * on[0]
    bones = 100 + (6 + world.authority) * lasting[:, None] + world.poverty * poverty + SHOCK * broken + world.seen * crisis
    bones = bones + (SHOCK * hides if world.tied else 0.0)
    visits = 20 + 2 * lasting[:, None] + world.inspected * cut / DOSE + plans / SHOCK + staff + 0.7 * wobble[4]
    recorded, again = (cut + world.noise * wobble[i] for i in (5, 6))
    made = {"jobs": jobs, "poverty": poverty, "staff": staff, "cut": recorded, "again": again, "plans": plans, "bones": bones, "visits": visits}
    return made | ({"lot": lots} if world.lottery else {})


def _answering(feedback: float, shock: np.ndarray, chance: np.ndarray, takes: np.ndarray) -> np.ndarray:
    """The year in which a treatment that answers to this year's shock and the last's is taken up."""
    g, t = shock.shape
    start = np.full(g, t)
    for year in range(3, t):
        now = takes & (start == t) & (chance[:, year] < np.clip(0.2 + feedback * (shock[:, year] + shock[:, year - 1]), 0, 1))
        start[now] = year
    return start


def panel(world: World, effect: float, seed: int, *, control: bool, second: bool) -> Panel:
    """The panel that an analyst gets; with or without the negative control and the second measure."""
    made = columns(world, effect, seed)
    kept = [name for name in made if (name != "bones" or control) and (name != "again" or second)]
    names = [f"A{i:04d}" for i in range(world.authorities)]
    index = pd.MultiIndex.from_product([names, range(2011, 2011 + YEARS)], names=["authority", "year"])
    return Panel(
        frame=pd.DataFrame({name: made[name].ravel() for name in kept}, index=index),
        variables=tuple(
            Variable(
                name=name, label=name, unit="per 10,000 children", source="made up", unmoved="bones break whatever a council does" if name == "bones" else ""
            )
            for name in kept
        ),
        places=pd.DataFrame({"name": names, "region": [f"Region {i % 9}" for i in range(world.authorities)]}, index=index.unique("authority")),
        title="planted panel",
        simulated=True,
    )


def asked(world: World, smallest: float) -> Question:
    """The question with its smallest important effect; of adoptions that on those who took it up."""
    return replace(QUESTION, smallest_important=smallest, target="ATT" if world.binary else "ATE")
