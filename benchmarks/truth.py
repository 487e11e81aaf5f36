"""Every estimator on worlds whose truth is known: how far off, and how often its 95 % interval holds the truth.

    python benchmarks/truth.py [--most 1000] [--only NAME …] [--workers -1]      writes truth.csv, and from it truth.md and truth.png

What is expected of each estimator in each world (holds / fails / no valid interval) stands in `truth.yaml`, which was committed before any result. Criteria
bind only where an estimator is expected to hold: its coverage may not be told apart from 92 to 98 % (the 99.9 % exact interval must touch it), and its
bias may not pass 0.1 sampling standard deviations plus three Monte Carlo errors. Elsewhere the row shows by how much each goes wrong, on a fifth of the panels.

The worlds are made here, apart from the toolkit's own simulated source: outcome = lasting level + year + poverty + effect × treatment + shocks. A dose is
moved from 0 to 0.5; an adoption is taken up once and kept, whole or as a dose; in the worlds of an instrument, of an exposure (lasting shares of what the
nation goes through) and of a front door an unseen cause moves treatment and outcome.
A cell that is done stands in truth.csv with the digest of the code that it was made with, and is not done again unless --again asks for it or truth.yaml for
more panels. Cells are filled in rounds of 100 panels, those first in which a criterion binds, so that a run may be stopped at any time;
single panels are kept in benchmarks/.truth as long as the code is the same.
"""

from __future__ import annotations

import argparse
import csv
import json
import platform
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from textwrap import fill
from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd
import yaml
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from scipy import stats
from tqdm import tqdm

from causal.design import Design, design
from causal.draws import stream
from causal.errors import CausalError
from causal.estimators import shelf
from causal.graph import Graph
from causal.identify import identify
from causal.panel import Panel, Variable
from causal.question import Question
from causal.report.provenance import code_digest
from causal.workers import spread

HERE = Path(__file__).parent
EFFECT, YEARS, BURN = 3.0, 8, 5
ROUND = 100


@dataclass(frozen=True, kw_only=True)
class World:
    """What differs from the clean one."""

    authorities: int = 150
    lasting: float = 1.0  # how much authorities that differ lastingly differ in treatment
    persistence: float = 0.4
    feedback: float = 0.0
    nonlinear: float = 0.0
    heterogeneity: float = 0.0
    sizes: float = 0.0


WORLDS = {
    "clean": World(),
    "authority effects, strong": World(lasting=3.0),
    "persistent shocks .8": World(persistence=0.8),
    "feedback .1": World(feedback=0.1),
    "feedback .3": World(feedback=0.3),
    "nonlinear confounding": World(nonlinear=1.0),
    "effects grow and differ": World(heterogeneity=1.0),
    "unequal sizes": World(sizes=1.0),
    "50 authorities": World(authorities=50),
    "20 authorities": World(authorities=20),
}
NODES = {"authority": {"varies": "authority"}, "year": {"varies": "year"}, "poverty": {}, "cut": {}, "plans": {}}
DRAWN = {
    "authority": {"poverty": "made so", "cut": "made so", "plans": "made so"},
    "year": {"poverty": "made so", "cut": "made so", "plans": "made so"},
    "poverty": {"cut": "made so", "plans": "made so"},
    "cut": {"plans": "the question"},
}
AGAIN = {"because": "made so", "lag": 1}
LASTS = {"poverty": DRAWN["poverty"] | {"poverty": AGAIN}}
HIDDEN = {"z": {"cut": "made so"}, "hidden": {"cut": "made so", "plans": "made so"}}
GRAPHS = {
    "panel": Graph(name="truth", nodes=NODES, arrows=DRAWN),
    "instrument": Graph(
        name="truth with an instrument",
        nodes=NODES | {"z": {}, "hidden": {"measured": False}},
        arrows=DRAWN | HIDDEN | {"year": DRAWN["year"] | {"z": "made so"}, "authority": DRAWN["authority"] | {"z": "made so"}},
    ),
    "later": Graph(name="truth a year on", nodes=NODES, arrows=DRAWN | LASTS | {"cut": {"plans": AGAIN}}),
    "front door": Graph(
        name="truth with a front door",
        nodes={"hidden": {"measured": False}, "cut": {}, "visits": {}, "plans": {}},
        arrows={"hidden": {"cut": "made so", "plans": "made so"}, "cut": {"visits": "made so"}, "visits": {"plans": "made so"}},
    ),
    "mediation": Graph(
        name="truth with mediators",
        nodes=NODES | {"visits": {}, "need": {}},
        arrows=DRAWN
        | {
            "cut": {"plans": {"because": "the question", "lag": 2}, "visits": AGAIN, "need": AGAIN},
            "visits": {"plans": AGAIN, "need": "made so"},
            "need": {"plans": AGAIN},
            "authority": DRAWN["authority"] | {"visits": "made so", "need": "made so"},
            "year": DRAWN["year"] | {"visits": "made so", "need": "made so"},
            "poverty": LASTS["poverty"] | {"visits": AGAIN, "need": AGAIN},
        },
    ),
}
GRAPHS["exposure"] = GRAPHS["instrument"]
STRATEGIES = {"instrument": "iv", "exposure": "iv", "front door": "frontdoor"}
ASKED = Question(treatment="cut", outcome="plans", control=0.0, treated=0.5, smallest_important=1.0, because="a benchmark")


def panel(world: World, kind: str, seed: int) -> tuple[Panel, dict[str, float]]:
    """One panel, and its truth by target (ATE, ATT) in outcome units."""
    g, t = world.authorities, YEARS + BURN
    rng = np.random.default_rng([seed, 7])
    lasting, size = rng.normal(size=g), np.exp(world.sizes * rng.normal(size=g))
    noise = 1 / np.sqrt(size / size.mean()) if world.sizes else np.ones(g)
    poverty, shocks, moves, chance = rng.normal(size=(g, t)), rng.normal(size=(g, t)), rng.normal(size=(g, t)), rng.uniform(size=(g, t))
    z, hidden = rng.normal(size=(g, t)), rng.normal(size=(g, t))
    strength = np.exp(0.5 * rng.normal(size=g)) if world.heterogeneity else np.ones(g)
    strength /= strength.mean()
    need_noise, visits_noise = rng.normal(size=(g, t)), rng.normal(size=(g, t))
    x, cut, plans, e, on, since, effects = (np.zeros((g, t)) for _ in range(7))
    visits, need = np.zeros((g, t)), np.zeros((g, t))
    adopts, hides = kind in ("adoption", "doses"), kind in STRATEGIES
    dose = rng.uniform(0.2, 0.8, size=g) if kind == "doses" else np.ones(g)
    if kind == "exposure":  # what the nation goes through, of which places have lasting shares
        z = np.outer(rng.uniform(size=g), 8 * rng.normal(size=t))
    for year in range(t):
        last = max(year - 1, 0)
        # of adoptions poverty has no lasting part: see truth.yaml
        x[:, year] = 0.7 * x[:, last] + poverty[:, year] + (0.0 if adopts else 0.3) * lasting
        e[:, year] = world.persistence * e[:, last] + np.sqrt(1 - world.persistence**2) * 3.0 * noise * shocks[:, year]
        bend = world.nonlinear * (x[:, year] ** 2 - 2)
        # who adopts owes nothing to poverty but where its curve confounds: then trends are parallel without covariates
        drive = 0.5 * world.lasting * lasting + (0.0 if adopts else 0.5) * x[:, year] + 0.6 * bend + world.feedback * e[:, last]
        if adopts:
            hazard = 0.0 if year < BURN + 2 else 1 / (1 + np.exp(2.6 - 0.7 * drive))
            on[:, year] = np.maximum(on[:, last], (chance[:, year] < hazard).astype(float))
            since[:, year] = np.where(on[:, year] > 0, since[:, last] + on[:, last], 0.0)
            cut[:, year] = on[:, year] * dose
            effects[:, year] = (
                (2 * dose if kind == "doses" else 1.0) * EFFECT * strength * (1 + 0.4 * world.heterogeneity * (since[:, year] - 1.5)) * on[:, year]
            )
        else:
            pull = 0.7 * z[:, year] * (kind != "front door") + 0.7 * hidden[:, year] if hides else 0.0
            cut[:, year] = 0.6 * cut[:, last] + 0.1 * drive + 0.1 * moves[:, year] + 0.1 * pull + 0.01 * year
            effects[:, year] = 2 * EFFECT * strength * cut[:, last if kind == "later" else year]
        visits[:, year] = -2.0 * cut[:, last] + 0.5 * x[:, last] + lasting + visits_noise[:, year]
        need[:, year] = 2.0 * cut[:, last] - 0.5 * visits[:, year] + 0.5 * x[:, last] + lasting + need_noise[:, year]
        level = 45 + 8 * lasting + 0.5 * year + 1.5 * x[:, year] + 2.0 * bend + e[:, year]
        if hides:
            level = level + 2.0 * hidden[:, year]
        if kind == "front door":
            visits[:, year] = 2 * cut[:, year] + visits_noise[:, year]
            effects[:, year] = EFFECT * strength * visits[:, year]
        if kind == "mediation":
            before = max(year - 2, 0)
            effects[:, year] = 1.0 * cut[:, before] - 0.6 * visits[:, last] + 0.8 * need[:, last]
        plans[:, year] = level + effects[:, year]
    kept = slice(BURN, None)
    index = pd.MultiIndex.from_product([[f"A{i:04d}" for i in range(g)], range(2011, 2011 + YEARS)], names=["authority", "year"])
    columns = (
        {"poverty": x, "cut": cut, "plans": plans}
        | ({"z": z} if kind == "instrument" else {"z": np.repeat(z[:, :1] / z[:, :1].mean(), t, axis=1)} if kind == "exposure" else {})
        | ({"visits": visits, "need": need} if kind == "mediation" else {"visits": visits} if kind == "front door" else {})
    )
    frame = pd.DataFrame({name: values[:, kept].ravel() for name, values in columns.items()} | {"children": np.repeat(60_000 * size, YEARS)}, index=index)
    variables = tuple(Variable(name=str(name), label=str(name), unit="units", source="made up") for name in frame)
    places = pd.DataFrame({"name": list(index.unique("authority"))}, index=index.unique("authority"))
    made = Panel(frame=frame, variables=variables, places=places, title=f"{kind} panel", population="children")
    if kind == "adoption":
        treated = on[:, kept] > 0
        att = float(effects[:, kept][treated].mean()) if treated.any() else EFFECT
        return made, {"ATE": att, "ATT": att}  # an effect that grows has no other average to be held against
    if kind == "mediation":  # direct, and through both mediators: visits, need, and need by way of visits
        total = 0.5 * (1.0 + 0.6 * 2.0 + 0.8 * (2.0 + 0.5 * 2.0))
        return made, {"ATE": total, "ATT": total}
    return made, {"ATE": EFFECT, "ATT": EFFECT}


def asked(kind: str, target: str, modifiers: Sequence[str] = ()) -> Question:
    """The question of a kind of panel; effects by modifier are asked for by halves, which 20 authorities can fill."""
    lag, treated = {"mediation": 2, "later": 1}.get(kind, 0), 1.0 if kind == "adoption" else 0.5
    return replace(ASKED, treated=treated, target=target, lag=lag, modifiers=tuple(modifiers), groups=2)


def identified(kind: str, target: str, modifiers: Sequence[str] = ()) -> Any:
    """What the graph identifies; the same for every panel of a kind."""
    measured = panel(WORLDS["clean"], kind, 0)[0].names
    return identify(
        asked(kind, target, modifiers),
        GRAPHS.get(kind, GRAPHS["panel"]),
        measured=measured,
        strategy=STRATEGIES.get(kind, "backdoor"),
        adjust_for=("authority", "year", "poverty") if kind == "exposure" else None,
    )


def one(jobs: list[tuple[str, dict[str, Any], Any]], kind: str, world: str, seed: int) -> list[list[float | None]]:
    """Of each estimator on one panel: effect, standard error, lower, upper and truth; None where it refused or gives none."""
    made, truth = panel(WORLDS[world], kind, seed)
    out: list[list[float | None]] = []
    designs: dict[Question, Design] = {}
    for name, what, found in jobs:
        target = what.get("target", "ATE")
        question = asked(kind, target, what.get("modifiers", ()))
        try:
            rows = designs[question] if question in designs else designs.setdefault(question, design(made, question, found))
            got = shelf()[name](**what.get("knobs", {})).estimate(rows, stream(seed, "estimate"))
        except CausalError:
            out.append([None, None, None, None, truth[target]])
        else:
            out.append([got.effect, got.std_error, got.lower, got.upper, truth[got.target]])
    return out


def expectation(what: dict[str, Any], world: str) -> str:
    """holds, fails, no valid interval, or not tried."""
    return str(what["worlds"].get(world, what["worlds"]["other"]))


def panels(what: dict[str, Any], world: str, most: int) -> int:
    """How many: a fifth, and at least 10, where no criterion binds."""
    expected, number = expectation(what, world), min(most, what.get("panels", most))
    return 0 if expected == "not tried" else number if expected == "holds" else max(number // 5, min(number, 10))


@dataclass(frozen=True)
class Cell:
    """What one estimator did in one world; NaN where it gave nothing. `covered` of `intervals` held the truth; `code` is the digest that made it."""

    number: int
    refused: int
    bias: float = np.nan
    sd: float = np.nan
    std_error: float = np.nan
    covered: int = 0
    intervals: int = 0
    code: str = ""

    @property
    def panels(self) -> int:
        """How many it was asked on."""
        return self.number + self.refused

    @property
    def error(self) -> float:
        """Monte Carlo error of the bias."""
        return self.sd / np.sqrt(self.number)

    @property
    def reach(self) -> tuple[float, float]:
        """The 99.9 % exact interval of the coverage."""
        low, high = stats.binomtest(self.covered, self.intervals).proportion_ci(0.999)
        return float(low), float(high)

    @property
    def met(self) -> bool:
        """docs/method.md's criterion (section 5): coverage that cannot be told apart from 92 to 98 %, bias at most 0.1 sd and three Monte Carlo errors."""
        low, high = self.reach
        return low <= 0.98 and high >= 0.92 and abs(self.bias) <= 0.1 * self.sd + 3 * self.error


def cell(done: list[list[float | None]], code: str) -> Cell:
    """Panels put together."""
    table = np.array([[np.nan if value is None else value for value in line] for line in done], dtype=float)
    refused = int(np.isnan(table[:, 0]).sum())
    table = table[~np.isnan(table[:, 0])]
    if len(table) < 5:
        return Cell(len(table), refused, code=code)
    off, intervals = table[:, 0] - table[:, 4], ~np.isnan(table[:, 2])
    covered = ((table[:, 2] <= table[:, 4]) & (table[:, 4] <= table[:, 3]))[intervals].sum()
    error = float(np.nanmean(table[:, 1])) if intervals.any() else np.nan
    return Cell(len(table), refused, float(off.mean()), float(off.std(ddof=1)), error, int(covered), int(intervals.sum()), code)


def row(world: str, name: str, expected: str, one: Cell) -> str:
    """A line of the table."""
    if np.isnan(one.bias):
        return f"| {world} | {name} | {one.number} | refused | | | | | {expected} | – |"
    number = f"{one.number:,}" + (f" ({one.refused} refused)" if one.refused else "")
    start = f"| {world} | {name} | {number} | {one.bias:+.2f} ± {one.error:.2f} | {one.bias / one.sd:+.2f} | {one.sd:.2f} |"
    if not one.intervals:
        return f"{start} none | none | {expected} | – |"
    low, high = one.reach
    some = "" if one.intervals == one.number else f" of {one.intervals}"
    criterion = ("met" if one.met else "NOT MET") if expected == "holds" else "–"
    return f"{start} {one.std_error:.2f} | {one.covered / one.intervals:.1%}{some} ({low:.1%} to {high:.1%}) | {expected} | {criterion} |"


def draw(cells: dict[tuple[str, str], Cell], path: Path) -> None:
    """Every estimator by every world: how many of a hundred intervals held the truth, or the bias where there is no interval."""

    names = list(dict.fromkeys(name for _, name in cells))
    shades = [(0.92, "#12436D", "white"), (0.80, "#A7BDD3", "black"), (0.50, "#F9C6A6", "black"), (-1.0, "#F46A25", "black")]
    with mpl.rc_context({"svg.fonttype": "none", "svg.hashsalt": "causal", "font.family": ["DejaVu Sans"], "font.size": 8.5}):
        figure = Figure(figsize=(10.2, 0.245 * len(names) + 1.55))
        axes = figure.add_axes((0.235, 0.075, 0.76, 0.86))
        for (world, name), one in cells.items():
            x, y = list(WORLDS).index(world), names.index(name)
            if np.isnan(one.bias):
                said, shade, ink = "refused", "#FFFFFF", "#3D3D3D"
            elif not one.intervals:
                said, shade, ink = f"{one.bias / one.sd:+.1f} sd", "#FFFFFF", "#3D3D3D"
            else:
                share = one.covered / one.intervals
                # what cannot be told apart from 92 % counts as 92
                counts = max(share, min(one.reach[1], 0.92)) if one.met else share
                shade, ink = next((shade, ink) for least, shade, ink in shades if counts >= least)
                said = f"{100 * share:.0f}"
            axes.add_patch(Rectangle((x, y), 1, 1, facecolor=shade, edgecolor="white" if shade != "#FFFFFF" else "#D9D9D9", linewidth=1))
            axes.text(x + 0.5, y + 0.52, said, ha="center", va="center", color=ink)
        axes.set(xlim=(0, len(WORLDS)), ylim=(len(names), 0))
        axes.set_yticks(np.arange(len(names)) + 0.5, names)
        axes.set_xticks(np.arange(len(WORLDS)) + 0.5, [fill(world, 12) for world in WORLDS])
        axes.tick_params(length=0, top=True, labeltop=True, bottom=False, labelbottom=False)
        axes.spines[:].set_visible(False)
        figure.text(
            0.005,
            0.012,
            "Of 100 nominal 95 % intervals, how many held the planted truth.  Dark blue: 92 to 98 % or not told apart from it;  pale blue: 80 and more;\n"
            "pale orange: 50 and more;  orange: fewer.  sd: no valid interval is known; the bias in sampling deviations.  Blank: not tried, or not yet run.",
            fontsize=8,
            color="#3D3D3D",
            va="bottom",
        )
        figure.savefig(path, dpi=110, metadata={"Software": None})


COLUMNS = ("world", "estimator", "panels", "refused", "bias", "sd", "se", "covered", "intervals", "code")
Cells = dict[tuple[str, str], Cell]


def read(path: Path) -> Cells:
    """Every cell that is done."""
    if not path.exists():
        return {}
    with path.open(encoding="utf-8", newline="") as file:
        return {
            (line["world"], line["estimator"]): Cell(
                int(line["panels"]) - int(line["refused"]),
                int(line["refused"]),
                *(float(line[key] or "nan") for key in ("bias", "sd", "se")),
                int(line["covered"]),
                int(line["intervals"]),
                line["code"],
            )
            for line in csv.DictReader(file)
        }


def write(cells: Cells, path: Path) -> None:
    """Every cell that is done, in place of what was written before."""
    new = path.with_suffix(".new")
    with new.open("w", encoding="utf-8", newline="") as file:
        lines = csv.writer(file, lineterminator="\n")
        lines.writerow(COLUMNS)
        for (world, name), one in cells.items():
            numbers = ["" if np.isnan(value) else f"{value:.5g}" for value in (one.bias, one.sd, one.std_error)]
            lines.writerow([world, name, one.panels, one.refused, *numbers, one.covered, one.intervals, one.code])
    new.replace(path)


def fill_in(plan: dict[str, Any], wanted: dict[tuple[str, str], int], cells: Cells, *, again: bool, workers: int) -> Cells:
    """The cells, with those that want more panels than they have done on them; written after every round."""
    code, kept = code_digest()[:12], HERE / ".truth"
    kept.mkdir(exist_ok=True)
    short = {key: number for key, number in wanted.items() if number and (again or key not in cells or cells[key].panels < number)}
    files = {key: kept / f"{code}-{'-'.join(key)}.json".replace(" ", "_") for key in short}
    done: dict[tuple[str, str], list[list[float | None]]] = {key: json.loads(file.read_text()) if file.exists() else [] for key, file in files.items()}
    found = {name: identified(plan[name]["kind"], plan[name].get("target", "ATE"), plan[name].get("modifiers", ())) for _, name in short}
    # the same panels serve all estimators of a kind
    rounds: dict[tuple[int, bool, int, int, str], list[str]] = {}
    for (world, name), number in short.items():
        for start in range(0, number, ROUND):
            stop, binds = min(start + ROUND, number), expectation(plan[name], world) == "holds"
            rounds.setdefault((start, not binds, -stop, list(WORLDS).index(world), plan[name]["kind"]), []).append(name)
    for (start, _, stop, at, kind), names in sorted(rounds.items()):
        world = list(WORLDS)[at]
        pending = [name for name in names if len(done[world, name]) <= start]
        jobs = [(plan[name].get("estimator", name), plan[name], found[name]) for name in pending]
        seeds = range(start, -stop) if pending else range(0)
        run = spread(partial(one, jobs, kind, world), [(seed,) for seed in seeds], workers=workers)
        for answers in tqdm(run, total=len(seeds), desc=f"{world}, {kind}, from {start}", disable=not sys.stderr.isatty()):
            for name, answer in zip(pending, answers, strict=True):
                done[world, name].append(answer)
        for name in names:
            files[world, name].write_text(json.dumps(done[world, name]))
            if again or (world, name) not in cells or len(done[world, name]) >= cells[world, name].panels:
                cells[world, name] = cell(done[world, name], code)
        cells = {(world, name): cells[world, name] for name in plan for world in WORLDS if (world, name) in cells}
        write(cells, HERE / "truth.csv")
    return cells


def main() -> None:
    """Run what is not done, write the tables."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--most", type=int, default=1000, help="panels of each estimator and world, where truth.yaml does not ask for fewer")
    parser.add_argument("--only", nargs="+", default=[], help="estimators to run")
    parser.add_argument("--again", action="store_true", help="do cells anew that are done")
    parser.add_argument("--workers", type=int, default=-1, help="processes; -1: one a core")
    parser.add_argument("--table", action="store_true", help="write the table of what is done, and do no more")
    given = parser.parse_args()
    plan: dict[str, Any] = yaml.safe_load((HERE / "truth.yaml").read_text(encoding="utf-8"))
    if unknown := sorted(set(given.only) - set(plan)):
        parser.error(f"truth.yaml has no {', '.join(unknown)}; it has {', '.join(plan)}")
    wanted = {(world, name): panels(what, world, given.most) for name, what in plan.items() for world in WORLDS}
    cells = {key: one for key, one in read(HERE / "truth.csv").items() if wanted.get(key)}
    if not given.table:
        some = {key: number for key, number in wanted.items() if not given.only or key[1] in given.only}
        cells = fill_in(plan, some, cells, again=given.again, workers=given.workers)
    draw(cells, HERE / "truth.png")
    rows = [row(world, name, expectation(plan[name], world), one) for (world, name), one in cells.items()]
    short = sorted({name for (world, name), number in wanted.items() if number and ((world, name) not in cells or cells[world, name].panels < number)})
    bound = [one.met for (world, name), one in cells.items() if expectation(plan[name], world) == "holds" and one.intervals]
    text = [
        "# Truth: every estimator on worlds whose answer is known",
        "",
        f"Command: `python benchmarks/truth.py`, resumable; {platform.machine()}, Python {platform.python_version()}. "
        "Bias is estimate − truth, ± its Monte Carlo error; sd: sampling standard deviation; se: mean reported standard error. What was expected, and why, "
        "stands in [truth.yaml](truth.yaml), committed before the results; the same numbers, with the digest of the code that each was made with, in "
        "[truth.csv](truth.csv).",
        "",
        f"{sum(bound)} of {len(bound)} cells in which the estimator is expected to hold meet the criterion."
        + (f" Not yet run on all the panels asked for: {', '.join(short)}; what has no row was not run." if short else ""),
        "",
        "| world | estimator | panels | bias ± Monte Carlo error | bias / sd | sd | se | coverage (99.9 % interval) | expected | criterion |",
        "|---|---|---|---|---|---|---|---|---|---|",
        *rows,
        "",
    ]
    (HERE / "truth.md").write_text("\n".join(text), encoding="utf-8")
    print("\n".join(text))


if __name__ == "__main__":
    main()
