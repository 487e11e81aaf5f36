"""Can the verdict be trusted? Known effects, clean and with one planted fault, through estimator, checks and verdict as a study runs them.

    python benchmarks/verdicts.py [--only CELL …] [--share 0.1] [--again] [--tell]

What is run and what is expected stands in `verdicts.yaml`, which was committed before any result; the worlds are in `planted.py`. One line a panel is kept in
`verdicts.csv.gz`, so that a run that was stopped goes on where it was, and more panels or cells can be added; --again runs those of --only anew, --share runs
that share of the panels asked for, --tell writes the tables from what is there. Writes verdicts.md, verdicts.png and verdicts_checks.png.

DoWhy's own checks see the same panels: columns without authority and year effects (authority effects stay where the graph has none), so that its linear
regression gives the same estimate, 25 simulations each.
"""

from __future__ import annotations

import argparse
import csv
import gzip
import logging
import sys
import time
import warnings
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import cache
from io import TextIOWrapper
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import planted
import yaml
from old_rule import old_finding
from tqdm import tqdm
from verdicts_told import tell

from causal.design import Design, design
from causal.draws import stream
from causal.estimators import shelf
from causal.experiments.compose import composed, study_from
from causal.identification import Identification
from causal.identify import identify
from causal.panel import Panel
from causal.refute import Refuter
from causal.refuters.second_measure import SecondMeasure
from causal.report.provenance import code_digest
from causal.study import Result, Study, run
from causal.verdict.rule import Rule

HERE = Path(__file__).parent
KEPT = HERE / "verdicts.csv.gz"  # packed: a line for each of 14,000 panels
EFFECTS = (0, 1, 2, -2)
PILOT = 40  # clean panels that say what a standard error is
DOWHY_DRAWS = 25
DOWHY = {
    "placebo_treatment": {"method_name": "placebo_treatment_refuter", "placebo_type": "permute"},
    "random_common_cause": {"method_name": "random_common_cause"},
    "data_subset": {"method_name": "data_subset_refuter", "subset_fraction": 0.9},
    "bootstrap": {"method_name": "bootstrap_refuter"},
    "dummy_outcome": {"method_name": "dummy_outcome_refuter"},
}
FOREST = {"trees": 100}
FOREST_CHECKS = (
    "pre_trend",
    "future_treatment",
    "reverse_causation",
    "anticipation",
    "negative_control_outcome",
    "implied_independence",
    "overlap",
    "extrapolation",
)
STATES = {True: "1", False: "0", None: "-"}
PS = ("future_treatment", "implied_independence", "negative_control_outcome", "pre_trend")
FACTS = ("gate", "taken", "harmless", "association", "row", "certainty")
FIELDS = (*("by", "cell", "times", "draw", "code", "truth", "smallest", "effect", "std_error", "lower", "upper"), *FACTS, "old", "way", "unsaid", *PS)


@dataclass(frozen=True, kw_only=True)
class Cell:
    """A world, what is asked of it and what is expected; `by` is who answers: ours, forest or dowhy."""

    name: str
    panels: int
    shows: str
    world: planted.World = field(default_factory=planted.World)
    graph: str = "TRUE"
    estimator: str = "fixed_effects"
    effects: tuple[int, ...] = EFFECTS
    errors: float = 4.0
    claimants: tuple[str, ...] = ()
    control: bool = True
    second: bool = False
    rule: str = "default"
    unsaid: str = ""
    checks: tuple[str, ...] = ()  # these alone; none: all
    offset: int = 0  # added to the number of a panel, so that it is no other cell's
    apart: bool = False  # kept apart from those that shaped the code
    knobs: dict[str, Any] = field(default_factory=dict)  # of the estimator
    target: str = ""  # "ATT" where adoptions are asked for those who took it up; "" as the world has it

    @classmethod
    def read(cls, name: str, how: dict[str, Any]) -> Cell:
        """From verdicts.yaml."""
        lists = {key: tuple(how[key]) for key in ("effects", "claimants", "checks") if key in how}
        return cls(name=name, **(how | lists | {"world": planted.World(**how.get("world", {}))}))


@dataclass(frozen=True, kw_only=True)
class Plan:
    """All that is asked."""

    cells: dict[str, Cell]
    slow: int
    slow_checks: frozenset[str]
    dowhy: dict[str, Any]
    forest: dict[str, Any]
    seed: int

    @classmethod
    def read(cls) -> Plan:
        """verdicts.yaml."""
        said = yaml.safe_load((HERE / "verdicts.yaml").read_text(encoding="utf-8"))
        return cls(
            cells={name: Cell.read(name, how) for name, how in said["cells"].items()},
            slow=said["slow"]["panels"],
            slow_checks=frozenset(said["slow"]["checks"]),
            dowhy=said["dowhy"],
            forest=said["forest"],
            seed=said["seed"],
        )

    def jobs(self, by: str) -> Iterator[tuple[str, int, int]]:
        """Cell, effect in δ, and panel; every cell gets its first panels before any gets its last."""
        number = {name: one.panels for name, one in self.cells.items()}
        effects = {name: one.effects for name, one in self.cells.items()}
        if by != "ours":
            some: dict[str, Any] = self.dowhy if by == "dowhy" else self.forest
            number = {name: some["panels"] for name in some.get("cells", self.cells)}
            effects = {name: tuple(one for one in some["effects"] if one in effects[name]) for name in number}
        for draw in range(max(number.values())):
            yield from ((name, times, draw) for name, most in number.items() if draw < most for times in effects[name])


@cache
def found(graph: str, names: tuple[str, ...], modifiers: tuple[str, ...] = (), strategy: Any = "backdoor") -> Identification:
    """Once for all panels, since DoWhy's search takes longer than a panel; an extra column changes nothing."""
    return identify(replace(planted.QUESTION, modifiers=modifiers), getattr(planted, graph), measured=names, strategy=strategy)


@cache
def error(estimator: str, graph: str, authorities: int, huge: float, binary: bool, lottery: float, knobs: tuple[tuple[Any, ...], ...] = ()) -> float:
    """The cell's estimator's mean standard error in clean panels of its kind, outcome units.

    Parameters
    ----------
    estimator, graph : of the cell; where the cell's graph is a wrong one, the right one of its kind stands for it.
    authorities, huge, binary, lottery : of the world.
    knobs : of the estimator, each a name and the values of its list.
    """
    world = planted.World(authorities=authorities, huge=huge, binary=binary, lottery=lottery)
    one, errors = shelf()[estimator](**{key: values for key, *values in knobs}), []
    for draw in range(PILOT):
        panel = planted.panel(world, 0.0, 900_000 + draw, control=True, second=False)
        identification = found(graph, panel.names, strategy=getattr(one, "strategy", "backdoor"))
        made = design(panel, planted.asked(world, 1.0), identification)
        errors.append(one.estimate(made, stream(0, "estimate")).std_error)
    return float(np.mean(errors))


def scale(cell: Cell) -> float:
    """What a standard error is in the clean world of a cell's kind."""
    world = cell.world
    graph = "LOTTERY" if world.lottery else "TAKEN_UP" if world.binary else "TRUE"
    estimator = cell.estimator if world.lottery or world.binary else "fixed_effects"
    return error(estimator, graph, world.authorities, world.huge, world.binary, world.lottery, tuple((key, *value) for key, value in cell.knobs.items()))


@cache
def checks() -> dict[str, Refuter]:
    """All there are, each with its own knobs."""
    return dict(study_from(composed(["refuters=all"])).refuters)


@cache
def rule(name: str) -> Rule:
    """From conf/rule."""
    return study_from(composed([f"rule={name}"])).rule


def drawn(plan: Plan, cell: Cell, times: int, draw: int) -> tuple[Panel, float, float]:
    """A panel with its true effect and δ; other effects have other draws, so that panels are independent."""
    smallest = cell.errors * scale(cell)
    seed = 1_000_000 * plan.seed + 10_000 * EFFECTS.index(times) + cell.offset + draw
    return planted.panel(cell.world, times * smallest, seed, control=cell.control, second=cell.second), times * smallest, smallest


def study(plan: Plan, cell: Cell, smallest: float, draw: int, *, forest: bool) -> Study:
    """As an evaluator would ask it."""
    some = checks() | ({"second_measure": SecondMeasure(column="again")} if cell.second else {})
    if forest:
        some = {name: some[name] for name in FOREST_CHECKS}
    elif cell.checks:
        some = {name: some[name] for name in cell.checks}
    elif draw < cell.panels - plan.slow:
        some = {name: one for name, one in some.items() if name not in plan.slow_checks}
    question = planted.asked(cell.world, smallest)
    return Study(
        title="planted",
        action="Cutting by half",
        question=replace(question, modifiers=("staff",)) if forest else replace(question, target=cell.target) if cell.target else question,  # type: ignore[arg-type]
        graph=getattr(planted, cell.graph),
        source=None,  # type: ignore[arg-type] - the panel is given
        estimator=shelf()["causal_forest"](**FOREST) if forest else shelf()[cell.estimator](**cell.knobs),
        refuters=some,
        rule=rule(cell.rule),
        seed=draw,
    )


def answered(plan: Plan, cell: Cell, times: int, draw: int, *, forest: bool) -> dict[str, Any]:
    """One panel through the whole study."""
    panel, truth, smallest = drawn(plan, cell, times, draw)
    asked = study(plan, cell, smallest, draw, forest=forest)
    identification = found(cell.graph, panel.names, asked.question.modifiers, getattr(asked.estimator, "strategy", "backdoor"))
    result: Result = run(asked, panel=panel, identification=identification)
    one, verdict = result.estimate, result.verdict
    ran = {check.name: check for check in result.refutations}
    said = " ".join(result.answer.cannot_say).lower()
    unsaid = "" if not cell.unsaid else str(int(cell.unsaid in said))
    facts = {
        "gate": verdict.gate or "",
        "taken": " ".join(verdict.failed),
        "harmless": str(int("failed" in verdict.bias.values())),
        "association": str(int(verdict.association)),
        "row": verdict.row or "",
    }
    facts["certainty"] = "" if verdict.certainty is None else str(verdict.certainty)
    if one is None:
        return {"truth": truth, "smallest": smallest, **facts, "old": "not_identified", "way": "", "unsaid": unsaid, "checks": {}}
    old, way = old_finding(verdict.kind or "dose", one, result.refutations, smallest)
    return {
        "truth": truth,
        "smallest": smallest,
        "effect": one.effect,
        "std_error": one.std_error,
        "lower": one.lower,
        "upper": one.upper,
        **facts,
        "old": old,
        "way": way,
        "unsaid": unsaid,
        **{name: ran[name].p_value if name in ran else None for name in PS},
        "checks": {name: check.survived for name, check in ran.items()},
    }


def within(made: Design, columns: np.ndarray) -> np.ndarray:
    """Columns without what is absorbed, shape (rows, k): authority effects where the design has them, and the year's."""
    left = made.demean(columns)
    years = made.demean((made.year[:, None] == np.unique(made.year)[1:]).astype(float))
    return np.asarray(left - years @ np.linalg.lstsq(years, left, rcond=None)[0])


def dowhys(plan: Plan, cell: Cell, times: int, draw: int) -> dict[str, Any]:
    """The same panel through DoWhy's own checks; an alarm is a p-value below .05."""
    from dowhy import CausalModel  # noqa: PLC0415 - takes seconds, and only here

    panel, truth, smallest = drawn(plan, cell, times, draw)
    identification = found(cell.graph, panel.names)
    made = design(panel, planted.asked(cell.world, smallest), identification)
    table = within(made, np.column_stack([made.treatment, made.outcome, made.controls]))
    names = [f"c{i}" for i in range(table.shape[1] - 2)]
    data = pd.DataFrame(table, columns=["d", "y", *names])
    model = CausalModel(data=data, treatment="d", outcome="y", common_causes=names)
    estimand = model.identify_effect(proceed_when_unidentifiable=True)
    estimate = model.estimate_effect(estimand, method_name="backdoor.linear_regression")
    states: dict[str, bool | None] = {}
    for name, how in DOWHY.items():
        np.random.seed(draw)  # DoWhy draws from the global stream
        answers = model.refute_estimate(estimand, estimate, num_simulations=DOWHY_DRAWS, random_state=np.random.RandomState(draw), **how)
        results = [one.refutation_result for one in (answers if isinstance(answers, list) else [answers])]
        p_values = [one["p_value"] for one in results if one]
        states[name] = None if not p_values or not np.isfinite(p_values).all() else bool(min(map(float, p_values)) >= 0.05)
    return {"truth": truth, "smallest": smallest, "effect": float(estimate.value) * planted.DOSE, "checks": states}


def read() -> dict[tuple[str, str, int, int], dict[str, Any]]:
    """What is kept."""
    kept: dict[tuple[str, str, int, int], dict[str, Any]] = {}
    if not KEPT.is_file():
        return kept
    # a run that was stopped while it wrote leaves a packet without its end
    with gzip.open(KEPT, "rt", encoding="utf-8", newline="") as file, suppress(EOFError):
        for row in csv.DictReader(file):
            if row["checks"] is None or "certainty" not in row:  # the line at which an earlier run was stopped, or of before there were certainties
                continue
            states = dict(pair.split("=") for pair in (row["checks"] or "").split())
            line: dict[str, Any] = {key: row[key] for key in ("by", "cell", "code", *FACTS, "old", "way", "unsaid")}
            line |= {key: int(row[key]) for key in ("times", "draw")}
            line |= {key: float(row[key]) if row[key] else None for key in ("truth", "smallest", "effect", "std_error", "lower", "upper", *PS)}
            line["checks"] = {ORDER[int(key)]: {"1": True, "0": False, "-": None}[state] for key, state in states.items()}
            kept[line["by"], line["cell"], line["times"], line["draw"]] = line
    return kept


# the numbers by which checks stand in verdicts.csv.gz; new ones are added at the end
ORDER = [
    "placebo_treatment",
    "future_treatment",
    "pre_trend",
    "reverse_causation",
    "placebo_dates",
    "negative_control_outcome",
    "implied_independence",
    "specification_curve",
    "estimator_agreement",
    "random_common_cause",
    "data_subset",
    "leave_one_out",
    "bootstrap",
    "overlap",
    "extrapolation",
    "unmeasured_confounder",
    "honest_did",
    "anticipation",
    "negative_control_exposure",
    "dummy_outcome",
    "simulated_confounder",
    "matched_bounds",
    "graph_falsification",
    "leverage",
    "few_clusters",
    "measurement_error",
    "second_measure",
    "recording_switches",
    "missing_outcomes",
    "rounding",
    "shared_shocks",
    "spillover",
]


def written(lines: Iterable[dict[str, Any]], path: Path, *, more: bool) -> None:
    """Lines put into the file, or after those that are there."""
    there = more and path.is_file()
    # without name and time, so that the same lines give the same bytes
    with path.open("ab" if more else "wb") as raw, gzip.GzipFile("", "wb", fileobj=raw, mtime=0) as packed, TextIOWrapper(packed, "utf-8", newline="") as file:
        out = csv.writer(file, lineterminator="\n")
        if not there:
            out.writerow([*FIELDS, "checks"])
        for line in lines:
            states = " ".join(f"{ORDER.index(name)}={STATES[state]}" for name, state in line["checks"].items())
            values = (line.get(key) for key in FIELDS)
            out.writerow([*("" if v is None else f"{v:.4g}" if isinstance(v, float) else v for v in values), states])


def through(plan: Plan, by_whom: list[str], only: list[str], share: float, again: bool) -> dict[tuple[str, str, int, int], dict[str, Any]]:
    """All that is wanted and not there is run; every line is written as soon as it is known."""
    kept = read()
    if again:
        kept = {key: line for key, line in kept.items() if only and key[1] not in only}
    written([kept[key] for key in sorted(kept)], KEPT, more=False)
    steps: dict[str, Callable[[Cell, int, int], dict[str, Any]]] = {
        "ours": lambda cell, times, draw: answered(plan, cell, times, draw, forest=False),
        "dowhy": lambda cell, times, draw: dowhys(plan, cell, times, draw),
        "forest": lambda cell, times, draw: answered(plan, cell, times, draw, forest=True),
    }
    code = code_digest()[:8]
    for by, step in ((by, steps[by]) for by in by_whom):
        jobs = list(plan.jobs(by))
        last = {name: max(draw for cell, _, draw in jobs if cell == name) for name, _, _ in jobs}
        pending = [job for job in jobs if (by, *job) not in kept and (not only or job[0] in only) and job[2] <= share * last[job[0]]]
        for name, times, draw in tqdm(pending, desc=by, disable=not sys.stderr.isatty()):
            line = {"by": by, "cell": name, "times": times, "draw": draw, "code": code} | step(plan.cells[name], times, draw)
            written([line], KEPT, more=True)
            kept[by, name, times, draw] = line
    kept = read()
    written([kept[key] for key in sorted(kept)], KEPT, more=False)
    return kept


def main() -> None:
    """Run what is not done, write tables and figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", default=[], metavar="CELL")
    parser.add_argument("--share", type=float, default=1.0, help="of the panels asked for")
    parser.add_argument("--by", nargs="+", default=["ours", "dowhy", "forest"], choices=["ours", "dowhy", "forest"])
    parser.add_argument("--again", action="store_true", help="forget what is there of --only, or all")
    parser.add_argument("--tell", action="store_true", help="run nothing")
    given = parser.parse_args()
    warnings.simplefilter("ignore")
    logging.disable(logging.CRITICAL)
    plan = Plan.read()
    if unknown := set(given.only) - set(plan.cells):
        parser.error(f"no cell {', '.join(sorted(unknown))}; there are {', '.join(plan.cells)}")
    began = time.process_time()
    kept = read() if given.tell else through(plan, given.by, given.only, given.share, given.again)
    tell(plan, kept, HERE)
    print(f"{len(kept):,} panels kept; {time.process_time() - began:.0f} processor seconds", file=sys.stderr)


if __name__ == "__main__":
    main()
