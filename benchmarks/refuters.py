"""How fast the checks are: ours against DoWhy's own four, side by side in one run, and refits against their budget.

    python benchmarks/refuters.py [--write] [--rates N]

Independent rows of one year, a linear estimator and five controls; 100 draws of placebo (permuted), random common cause and data subset,
and one sensitivity analysis, each once per library. DoWhy's unobserved confounder is one simulation with given strengths, so it is run 100 times as the
others are (its own default grid would be slower still). Times are the best of three for ours, once for DoWhy's; processor seconds of one thread, which
owe nothing to what else the machine does. So are those of the full check: everything that `refuters=all` and the default list ask of a study's panel.

With --rates, also how often each check raises an alarm in N clean panels of each kind, and catches each planted fault, in the worlds of
tests/test_refuters.py, with the checks' default knobs.
"""

from __future__ import annotations

import argparse
import logging
import os
import platform
import sys
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits

from causal.design import Design, design
from causal.draws import stream
from causal.estimand import Estimand
from causal.estimate import Estimate
from causal.estimators.fixed_effects import FixedEffects
from causal.inference.multiplicity import rejected
from causal.panel import Panel, Variable
from causal.question import Question
from causal.refuters.bootstrap import Bootstrap
from causal.refuters.data_subset import DataSubset
from causal.refuters.estimator_agreement import EstimatorAgreement
from causal.refuters.extrapolation import Extrapolation
from causal.refuters.overlap import Overlap
from causal.refuters.placebo_dates import PlaceboDates
from causal.refuters.placebo_treatment import PlaceboTreatment
from causal.refuters.pre_trend import PreTrend
from causal.refuters.random_common_cause import RandomCommonCause
from causal.refuters.reverse_causation import ReverseCausation
from causal.refuters.specification_curve import SpecificationCurve
from causal.refuters.unmeasured_confounder import UnmeasuredConfounder
from causal.regression import estimated, least_squares
from causal.testing.worlds import stated
from causal.trial import Trial
from causal.verdict.decide import Rule

DRAWS = 100
CONTROLS = 5
REFITS = 20
GOALS = {1_200: 100.0, 100_000: 15.0}
FULL = 10.0  # seconds, two cores: one alone takes no more


SLOPE = Estimand(family="average", comparison="pooled", population="all", weighting="residual_variance", model="slope with controls")


@dataclass(frozen=True, slots=True, kw_only=True)
class Pooled:
    """Least squares with the controls, as DoWhy's linear regression."""

    name: str = "pooled"

    def regression(self, design: Design) -> Design:
        """The design itself: a cross-section absorbs nothing."""
        return design

    def estimate(self, design: Design, rng: np.random.Generator) -> Estimate:
        """The slope with clustered errors."""
        fit, _ = least_squares(design, design.basis())
        return estimated(design, fit, estimator=self.name, estimand=SLOPE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Slow:
    """Fixed effects that must be fitted again and take their time, as machine learning does."""

    name: str = "slow"
    repeats: int = 60

    def estimate(self, design: Design, rng: np.random.Generator) -> Estimate:
        """The same answer, many times over."""
        for _ in range(self.repeats):
            made = FixedEffects().estimate(design, rng)
        return made


def rows(number: int, years: int = 1) -> Panel:
    rng = np.random.default_rng([number, years])
    x = rng.normal(size=(number * years, CONTROLS))
    d = x @ rng.normal(size=CONTROLS) + rng.normal(size=number * years)
    y = 1.5 * d + x @ rng.normal(size=CONTROLS) + rng.normal(size=number * years)
    index = pd.MultiIndex.from_product([[f"E{i:06d}" for i in range(number)], range(2011, 2011 + years)], names=["authority", "year"])
    frame = pd.DataFrame({"d": d, "y": y, **{f"x{j}": x[:, j] for j in range(CONTROLS)}}, index=index)
    return Panel(
        frame=frame,
        variables=tuple(Variable(name=name, label=name, unit="units", source="simulated") for name in frame),
        places=pd.DataFrame({"name": index.unique(0)}, index=index.unique(0)),
        title="independent rows",
        simulated=True,
    )


def tried(panel: Panel, estimator: Pooled | Slow, **more: int) -> Trial:
    names = tuple(f"x{j}" for j in range(CONTROLS))
    question = Question(treatment="d", outcome="y", control=0.0, treated=1.0, smallest_important=0.5, because="a benchmark")
    identification = stated(*(("authority", "year") if len(panel.years) > 1 else ()), *names)
    made = design(panel, question, identification)
    estimate = estimator.estimate(made, stream(1, "estimate"))
    return Trial(panel=panel, question=question, identification=identification, estimator=estimator, design=made, estimate=estimate, seed=1, **more)


def seconds(step: Callable[[], object], times: int = 1, clock: Callable[[], float] = time.process_time) -> float:
    best = np.inf
    for _ in range(times):
        began = clock()
        step()
        best = min(best, clock() - began)
    return best


def ours(panel: Panel) -> dict[str, float]:
    trial = tried(panel, Pooled())
    refuters = {
        "placebo treatment": PlaceboTreatment(draws=DRAWS, by="row", permute="raw"),
        "random common cause": RandomCommonCause(draws=DRAWS),
        "data subset": DataSubset(draws=DRAWS),
        "unmeasured confounder": UnmeasuredConfounder(),
    }
    return {name: seconds(lambda one=refuter: one.refute(trial, stream(1, one.name)), 3) for name, refuter in refuters.items()}


def theirs(panel: Panel) -> dict[str, float]:
    from dowhy import CausalModel  # noqa: PLC0415 - takes seconds, and only here

    data = panel.frame.reset_index(drop=True)
    model = CausalModel(data=data, treatment="d", outcome="y", common_causes=[f"x{j}" for j in range(CONTROLS)])
    estimand = model.identify_effect(proceed_when_unidentifiable=True)
    estimate = model.estimate_effect(estimand, method_name="backdoor.linear_regression")

    def refute(**how: object) -> Callable[[], object]:
        return lambda: model.refute_estimate(estimand, estimate, random_state=np.random.RandomState(1), **how)

    one = {
        "method_name": "add_unobserved_common_cause",
        "confounders_effect_on_treatment": "linear",
        "confounders_effect_on_outcome": "linear",
        "effect_strength_on_treatment": 0.1,
        "effect_strength_on_outcome": 0.1,
    }
    return {
        "placebo treatment": seconds(refute(method_name="placebo_treatment_refuter", placebo_type="permute", num_simulations=DRAWS)),
        "random common cause": seconds(refute(method_name="random_common_cause", num_simulations=DRAWS)),
        "data subset": seconds(refute(method_name="data_subset_refuter", subset_fraction=0.9, num_simulations=DRAWS)),
        "unmeasured confounder": seconds(lambda: [model.refute_estimate(estimand, estimate, **one) for _ in range(DRAWS)]),
    }


def refits(cores: int) -> tuple[float, float, float]:
    """Seconds of one fit, of a bootstrap of REFITS fits on all cores with workers already up, and of as many bare fits spread the same way."""
    trial = tried(rows(150, 9), Slow(), workers=cores)
    wall = time.perf_counter  # workers have processor times of their own
    fit = seconds(lambda: trial.estimator.estimate(trial.design, stream(1, "estimate")), 3, wall)
    check = Bootstrap(refits=REFITS)
    check.refute(trial, stream(1, "warm"))
    bare = seconds(lambda: trial.map("bare", lambda _, rng: trial.estimator.estimate(trial.design, rng).effect, REFITS), 5, wall)
    return fit, seconds(lambda: check.refute(trial, stream(1, "bootstrap")), 5, wall), bare


def full(words: list[str]) -> list[str]:
    """Processor seconds of a whole study on a panel that is loaded, one worker: identification, estimate, every check, verdict."""
    from causal.experiments.compose import composed, study_from  # noqa: PLC0415 - only here
    from causal.study import run  # noqa: PLC0415

    said = []
    for group in ("default", "all"):
        study = study_from(composed([*words, f"refuters={group}"]))
        panel = study.source.load()
        run(study, panel=panel)  # imports and caches
        began = time.process_time()
        result = run(study, panel=panel)
        whole = time.process_time() - began
        slowest = sorted(((result.seconds[name], name) for name in study.refuters), reverse=True)[:3]
        assert result.design is not None
        said.append(
            f"| {panel.title} | {result.design.rows:,} | {group}: {len(study.refuters)} | {whole:.1f} | "
            f"{', '.join(name for _, name in slowest)} | {'yes' if whole <= FULL else '**no**'} |"
        )
    return said


def checked(england: str) -> list[str]:
    """The table of full checks."""
    said = ["The full check, processor seconds on one core after imports (500 draws where draws are needed; asked: 10 s on two cores):", ""]
    said += ["| panel | rows | checks | seconds | slowest | within 10 s |", "|---|---|---|---|---|---|", *full([])]
    return said + (full(["experiment=centre_spending", "source=england", f"source.path={england}"]) if england else [])


def rates(number: int) -> list[str]:
    """Alarms in clean worlds and catches in worlds with a fault."""
    sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
    import test_refuters as worlds  # noqa: PLC0415 - only here

    kinds = {
        "90 authorities": {},
        "90, true effect": {"effect": 1.0},
        "150, lumpy closures": {"lumpy": True, "authorities": 150},
        "30 authorities": {"authorities": 30},
        "90, persistent shocks": {"rho": 0.8, "treatment_rho": 0.8},
    }
    # the checks of the default list that need neither a graph nor a name
    others = (PreTrend(), ReverseCausation(), PlaceboDates(), EstimatorAgreement(), SpecificationCurve(), Overlap(), Extrapolation())
    checks = [*(type(one)() for one in worlds.REFUTERS.values()), *others]
    alarms: dict[str, list[int]] = {one.name: [] for one in checks}
    together: list[int] = []
    for kind in kinds.values():
        trials = [worlds.tried(worlds.world(1_000 + seed, confounding=0.1, **kind)) for seed in range(number)]
        found = {one.name: [worlds.refute(one, trial) for trial in trials] for one in checks}
        for name, answers in found.items():
            alarms[name].append(sum(answer.survived is False for answer in answers))
        p_values = [{name: found[name][i].p_value for name in Rule().decides("dose") if name in found} for i in range(number)]
        together.append(sum(bool(rejected({name: p for name, p in one.items() if p is not None}, Rule().level)) for one in p_values))
    said = ["", f"Alarms in {number} clean panels of each kind (fixed effects, eight years, default knobs; the true effect is 0 unless said):", ""]
    said += [f"| check | {' | '.join(kinds)} |", f"|---|{'---|' * len(kinds)}"]
    said += [f"| {name} | {' | '.join(f'{alarm / number:.1%}' for alarm in found)} |" for name, found in alarms.items()]
    said.append(
        f"| **decisive for a dose that needs neither graph nor name: future_treatment (Holm)** | {' | '.join(f'{alarm / number:.1%}' for alarm in together)} |"
    )
    said += [
        "",
        "An alarm of unmeasured_confounder is no error of chance: it says that the finding is slight beside the measured confounders, "
        "as findings from 30 authorities are. A dose's third decisive check, a negative control, needs an outcome that is named.",
    ]
    few = max(number // 4, 10)
    said += ["", "Faults planted and caught:", "", "| check and fault | caught |", "|---|---|"]
    for fault, (_, make, refuter) in worlds.PLANTED.items():
        tries = 10 if "refitted" in fault else few
        one = type(worlds.REFUTERS[refuter])() if isinstance(refuter, str) else refuter
        caught = sum(worlds.refute(one, make(2_000 + seed)).survived is False for seed in range(tries))
        said.append(f"| {fault} | {caught} of {tries} |")
    return said


def processor() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").exists() else []
    return next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), platform.machine())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true", help="write the results beside this file")
    parser.add_argument("--full", action="store_true", help="the full check alone")
    parser.add_argument("--england", default="", metavar="FOLDER", help="of published files, for the full check on England's panel too")
    parser.add_argument("--rates", type=int, default=0, metavar="N", help="panels of each kind for false alarms; 0 leaves the rates out")
    given = parser.parse_args()
    warnings.simplefilter("ignore")
    logging.disable(logging.CRITICAL)
    cores = os.cpu_count() or 1
    if given.full:
        print("\n".join(checked(given.england)))
        return
    said = ["# Checks: seconds, ours against DoWhy's", ""]
    command = " ".join(["python benchmarks/refuters.py", *("FOLDER" if word == given.england else word for word in sys.argv[1:])])
    said += [f"Command: `{command}`. {processor()}, {cores} cores, Python {platform.python_version()}; "]
    said[-1] += ", ".join(f"{name} {version(name)}" for name in ("dowhy", "numpy", "pandas", "scipy", "scikit-learn")) + "."
    said += ["", f"{DRAWS} draws each, a linear estimator, {CONTROLS} controls, independent rows, one BLAS thread.", ""]
    said += ["| rows | check | ours, s | DoWhy, s | ratio |", "|---|---|---|---|---|"]
    goals = []
    with threadpool_limits(limits=1):
        for number, goal in GOALS.items():
            panel = rows(number)
            here, there = ours(panel), theirs(panel)
            for name in here:
                said.append(f"| {number:,} | {name} | {here[name]:.4f} | {there[name]:.2f} | {there[name] / here[name]:,.0f} |")
            total = sum(there.values()) / sum(here.values())
            without = sum(v for k, v in there.items() if k[0] != "u") / sum(v for k, v in here.items() if k[0] != "u")
            said.append(f"| {number:,} | **all four** | {sum(here.values()):.4f} | {sum(there.values()):.2f} | **{total:,.0f}** |")
            said.append(f"| {number:,} | all but the unmeasured confounder | | | {without:,.0f} |")
            goals.append(f"{number:,} rows: {total:,.0f} times as fast, goal {goal:g} {'met' if total >= goal else 'NOT met'}.")
        said += ["", *checked(given.england)]
        fit, whole, bare = refits(cores)
    budget = REFITS * fit / cores
    said += ["", *goals, ""]
    said += [
        f"An estimator that must be fitted again ({fit:.3f} s a fit): a bootstrap of {REFITS} refits on {cores} cores took {whole:.2f} s; "
        f"refits × one fit ÷ cores is {budget:.2f} s (ratio {whole / budget:.2f}). The same number of bare fits, spread over the cores "
        f"in the same minute, took {bare:.2f} s (ratio {whole / bare:.2f}): that is the check's own cost, whatever else the machine was doing."
    ]
    if given.rates:
        with threadpool_limits(limits=1):
            said += rates(given.rates)
    text = "\n".join(said) + "\n"
    sys.stdout.write(text)
    if given.write:
        (Path(__file__).parent / "refuters.md").write_text(text)


if __name__ == "__main__":
    main()
