"""Learners' checks from the residuals of their cross-fits beside honest refits: what both cost, and how often both raise an alarm.

    python benchmarks/checks_of_learners.py [--panels N …] [--only ESTIMATOR …] [--kinds KIND …] [--bounds N] [--cost] [--write]

For each estimator and kind of panel the same answers are checked twice: as a study does it, from residuals with a few refits, and with every draw a
fit (the estimate without its residuals: 20 refits a check, as the defaults have them). Kinds: clean; too narrow (the reported error halved); overfit
(more noise columns held fixed than a third of the places, learnt without a penalty to speak of); outlier (one place far off in treatment and outcome
together). What has been done stands in checks_of_learners.csv, one row a panel and check, and is not done again: a run that was stopped goes on, and
--panels 200 100 60 60 gives the numbers asked for in full. --cost measures a study's default list over one fit on the default panel, once what is imported
is there, and for dr_iv on the instruments' own with its default learners and two causes held fixed. --bounds says how far clean answers move as all is
learnt anew on five bootstrapped samples: the 99th percentiles are `ALLOWED` of causal/refuters/bootstrap.py.
"""
# ruff: noqa: PLC0415 - seconds of imports, and only where they are needed

from __future__ import annotations

import argparse
import csv
import json
import time
import warnings
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

HERE = Path(__file__).parent
TABLE, COSTS, PAGE = HERE / "checks_of_learners.csv", HERE / "checks_of_learners.json", HERE / "checks_of_learners.md"
BOUNDS = HERE / "checks_of_learners_bounds.csv"
KINDS = ("clean", "too narrow", "overfit", "outlier")
FULL = (200, 100, 60, 60)
ESTIMATORS = ("linear_dml", "causal_forest", "linear_dr", "dr_iv")
BOUNDED, SLOW, SLOW_SHARE = ("linear_dml", "causal_forest", "dr_iv"), ("linear_dml, boosting",), 0.25  # the latter on a part of the panels
CHECKS = ("placebo_treatment", "random_common_cause", "data_subset", "leave_one_out", "bootstrap")
MEANT = {"too narrow": ("placebo_treatment", "data_subset", "bootstrap"), "overfit": ("random_common_cause", "bootstrap"), "outlier": ("leave_one_out",)}
COLUMNS = ("estimator", "kind", "seed", "check", "ours", "refits", "ours_ratio", "refits_ratio", "ours_grown", "ours_seconds", "refits_seconds")
MOST = 13.0


def parts(name: str, seed: int) -> tuple[Any, Any, Any, Any, Any]:
    """Estimator, panel, question, graph and strategy of a clean panel with an effect."""
    from causal.estimators.cate import CausalForest
    from causal.estimators.dml import LinearDml
    from causal.estimators.doubly_robust import LinearDr
    from causal.estimators.iv_dml import DrIv
    from causal.testing.worlds import ADOPTION, GRAPH, MOVED_GRAPH, QUESTION, Moved, World

    if name == "linear_dml, boosting":
        panel = World(effect=1.0, authorities=80, seed=seed).load()
        return LinearDml(panel="correlated_random_effects", nuisance="boosting"), panel, replace(QUESTION, modifiers=()), GRAPH, "backdoor"
    if name == "dr_iv":
        return DrIv(nuisance="ridge", degree=1), Moved(effect=1.0, authorities=80, seed=seed).load(), replace(QUESTION, modifiers=()), MOVED_GRAPH, "iv"
    if name == "linear_dr":
        panel = World(effect=1.0, adoption=True, authorities=100, seed=seed).load()
        return LinearDr(), panel, replace(ADOPTION, modifiers=()), GRAPH, "backdoor"
    panel = World(effect=1.0, authorities=80, seed=seed).load()
    if name == "causal_forest":
        return CausalForest(trees=100), panel, replace(QUESTION, groups=3), GRAPH, "backdoor"
    return LinearDml(nuisance="ridge", degree=1), panel, replace(QUESTION, modifiers=()), GRAPH, "backdoor"


def trial(name: str, kind: str, seed: int) -> Any:
    """An answer on a panel of a kind."""
    from causal.rows import Control
    from causal.testing.worlds import designed, trial_of

    estimator, panel, question, graph, strategy = parts(name, seed)
    if kind == "outlier":
        frame = panel.frame.copy()
        where = frame.index.get_level_values("authority") == "A0003"
        late = frame.index.get_level_values("year") >= 2014
        frame.loc[where & late, "cut"] = frame.loc[where & late, "cut"] + (1.5 if name != "linear_dr" else 0.0)
        frame.loc[where & late, "plans"] = frame.loc[where & late, "plans"] + 120.0
        panel = replace(panel, frame=frame)
    made = designed(panel, question, graph, strategy)
    if kind == "overfit":
        rng = np.random.default_rng([seed, 9])
        width = len(made.authorities) // 3
        noise = rng.normal(size=(made.rows, width))
        names = tuple(f"noise{i}" for i in range(width))
        at = made.controls.shape[1]
        groups = {**made.control_groups, **{Control(one, made=True): (at + i,) for i, one in enumerate(names)}}
        made = replace(made, controls=np.column_stack([made.controls, noise]), control_names=(*made.control_names, *names), control_groups=groups)
    found = trial_of(panel, made, estimator, seed=seed)
    if kind == "too narrow":
        found = replace(found, estimate=replace(found.estimate, std_error=(found.estimate.std_error or 0.0) / 2))
    return found


def one(name: str, kind: str, seed: int) -> list[dict[str, Any]]:
    """Every check of one panel, both ways."""
    from causal.configured import refuters
    from causal.draws import stream

    tried = trial(name, kind, seed)
    without = replace(tried, estimate=replace(tried.estimate, crossfitted=None))
    rows = []
    for check_name, check in refuters(MEANT.get(kind, CHECKS)).items():
        row: dict[str, Any] = {"estimator": name, "kind": kind, "seed": seed, "check": check_name}
        for way, asked in (("ours", tried), ("refits", without)):
            began = time.process_time()
            found = check.refute(asked, stream(seed, check_name))
            row[f"{way}_seconds"] = round(time.process_time() - began, 3)
            row[way] = "" if found.survived is None else int(not found.survived)
            row[f"{way}_ratio"] = found.numbers.get("ratio to the reported standard error", "")
            if way == "ours":
                row["ours_grown"] = grown = found.numbers.get("error with learning anew, times the reported one", "")
                if grown != "" and found.p_value is not None:
                    # what learning anew may add is judged by the page, by bounds of panels other than these
                    row["ours"] = int(found.p_value < found.level)
        rows.append(row)
    return rows


def known(table: Path = TABLE) -> list[dict[str, str]]:
    """What has been done."""
    if not table.exists():
        return []
    with table.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def add(table: Path, rows: list[dict[str, Any]]) -> None:
    """Rows at the end of a table."""
    new = not table.exists()
    with table.open("a", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        if new:
            writer.writeheader()
        writer.writerows(rows)


def bounds(panels: int) -> None:
    """Of clean panels, how many times the error grows by what learning anew adds on five samples."""
    from causal.draws import stream
    from causal.refuters.bootstrap import Bootstrap, learnt_how

    have = {(row["estimator"], int(row["seed"])) for row in known(BOUNDS)}
    for name in (*BOUNDED, *SLOW):
        for seed in range(1000, 1000 + round(panels * (SLOW_SHARE if name in SLOW else 1.0))):
            if (name, seed) not in have:
                tried = trial(name, "clean", seed)
                found = Bootstrap().refute(tried, stream(seed, "bootstrap"))
                grown = found.numbers.get("error with learning anew, times the reported one")
                add(BOUNDS, [{"estimator": name, "class": learnt_how(tried), "seed": seed, "grown": "" if grown is None else round(grown, 4)}])


def done(given: argparse.Namespace) -> None:
    """Do the panels that are missing, a kind and an estimator in turn, so that a run that stops early has some of each."""
    have = {(row["estimator"], row["kind"], int(row["seed"])) for row in known()}
    wanted = dict(zip(KINDS, given.panels, strict=True))
    for seed in range(max(given.panels)):
        for kind in given.kinds:
            for name in given.only:
                if seed >= wanted[kind] or (name, kind, seed) in have:
                    continue
                add(TABLE, [{column: row[column] for column in COLUMNS} for row in one(name, kind, seed)])


def costs(names: list[str]) -> dict[str, Any]:
    """Processor seconds of the default list over those of one fit."""
    import causal
    from causal.configured import refuters
    from causal.draws import stream

    found: dict[str, Any] = json.loads(COSTS.read_text(encoding="utf-8")) if COSTS.exists() else {}
    clock: Callable[[], float] = time.process_time
    for name in names:
        if name == "dr_iv":
            from causal.design import design
            from causal.estimators.iv_dml import DrIv
            from causal.identify import identify
            from causal.testing.worlds import MOVED_GRAPH, QUESTION, Moved, trial_of

            panel, question = Moved(effect=1.0, authorities=150).load(), replace(QUESTION, modifiers=())
            found_by = identify(question, MOVED_GRAPH, measured=panel.names, strategy="iv")
            fixed = replace(found_by, adjust_for=(*found_by.adjust_for, "poverty", "deprivation"), by_year=("deprivation",))
            tried = trial_of(panel, design(panel, question, fixed), DrIv(), seed=0)
        else:
            study = causal.load("experiment=closures", f"estimator={name}", "beside=[]", "refuters={}")
            result = causal.run(study)
            from causal.analysis import analyse
            from causal.trial import Trial

            assert result.estimate is not None and result.design is not None
            analysis = analyse(result.panel, study.question, study.graph, identification=result.identification)
            tried = Trial.of(analysis, study.estimator, result.estimate, seed=study.seed)
        for check in refuters("default").values():
            check.refute(tried, stream(tried.seed, check.name))
        began = clock()
        for _ in range(3):
            tried.estimator.estimate(tried.design, stream(1, "fit"))
        fit = (clock() - began) / 3
        seconds = {}
        for check_name, check in refuters("default").items():
            began = clock()
            check.refute(tried, stream(tried.seed, check_name))
            seconds[check_name] = round(clock() - began, 3)
        found[name] = {"fit": round(fit, 3), "list": round(sum(seconds.values()), 2), "fits": round(sum(seconds.values()) / fit, 1), "checks": seconds}
        COSTS.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    return found


def judged(row: dict[str, str]) -> dict[str, str]:
    """A panel's row; of a bootstrap from residuals with what learning anew adds held to the committed bound."""
    from causal.refuters.bootstrap import ALLOWED, Bootstrap

    if not row["ours_grown"]:
        return row
    classes = {one["estimator"]: one["class"] for one in known(BOUNDS)}
    most = max(Bootstrap().tolerance, ALLOWED.get(classes[row["estimator"]], 0.0))
    return {**row, "ours": str(int(row["ours"] == "1" or float(row["ours_grown"]) > most))}


def bounds_table() -> list[str]:
    """How far clean answers move as all is learnt anew."""
    rows = [row for row in known(BOUNDS) if row["grown"]]
    said = [
        "How many times the error of clean answers is with what learning anew adds on five bootstrapped samples (`--bounds 100`, other panels than below); "
        "the largest 99th percentile of a class, rounded up to a twentieth, is what `bootstrap` lets pass where it is above its own 1.25.",
        "",
        "| estimator | class | panels | median | 95 % | 99 % |",
        "|---|---|---|---|---|---|",
    ]
    for name, kind in dict.fromkeys((row["estimator"], row["class"]) for row in rows):
        own = np.quantile([float(row["grown"]) for row in rows if row["estimator"] == name], [0.5, 0.95, 0.99])
        number = sum(row["estimator"] == name for row in rows)
        said.append(f"| {name} | {kind} | {number} | {own[0]:.2f} | {own[1]:.2f} | {own[2]:.2f} |")
    return [*said, ""]


def page() -> str:
    """The page: what was expected stays as it stands, results follow."""
    expected = PAGE.read_text(encoding="utf-8").split("\n## What came")[0].rstrip()
    said = [expected, "", "## What came", ""]
    found = json.loads(COSTS.read_text(encoding="utf-8")) if COSTS.exists() else {}
    if found:
        said += ["| estimator | one fit, s | default list, s | list ÷ fit | asked | the dearest |", "|---|---|---|---|---|---|"]
        for name, row in found.items():
            dear = sorted(row["checks"].items(), key=lambda pair: -pair[1])[:4]
            shown = ", ".join(f"{key} {value / row['fit']:.1f}" for key, value in dear)
            said.append(f"| {name} | {row['fit']} | {row['list']} | {row['fits']} | {'met' if row['fits'] <= MOST else f'**over {MOST:.0f}**'} | {shown} |")
        said.append("")
    said += bounds_table()
    rows = [judged(row) for row in known() if row["ours"] != "" and row["refits"] != ""]
    numbers = {kind: len({(row["estimator"], row["seed"]) for row in rows if row["kind"] == kind}) for kind in KINDS}
    said.append(
        f"Panels done, over all estimators: {', '.join(f'{number} {kind}' for kind, number in numbers.items())}; asked in full {FULL} for each estimator."
    )
    said += [
        "",
        "| estimator | kind | check | panels | alarms, ours | alarms, refits | difference | its simulation error | clearly worse | seconds, ours ÷ refits |",
    ]
    said += ["|---|---|---|---|---|---|---|---|---|---|"]
    worse = []
    for name, kind, check in dict.fromkeys((row["estimator"], row["kind"], row["check"]) for row in rows):
        if kind != "clean" and check not in MEANT[kind]:
            continue
        own = [row for row in rows if (row["estimator"], row["kind"], row["check"]) == (name, kind, check)]
        ours, theirs = (np.array([float(row[way]) for row in own]) for way in ("ours", "refits"))
        gap = ours - theirs
        error = float(gap.std(ddof=1) / np.sqrt(len(gap))) if len(gap) > 1 else float("nan")
        mean = float(gap.mean())
        bad = len(gap) > 1 and (mean > 2 * error and ours.mean() > 0.05 if kind == "clean" else mean < -2 * error)
        if bad:
            worse.append(f"{name}, {kind}, {check}")
        spent = sum(float(row["ours_seconds"]) for row in own) / max(sum(float(row["refits_seconds"]) for row in own), 1e-9)
        said.append(
            f"| {name} | {kind} | {check} | {len(own)} | {ours.mean():.0%} | {theirs.mean():.0%} "
            f"| {mean:+.0%} | {error:.0%} | {'**yes**' if bad else 'no'} | {spent:.2f} |"
        )
    said += ["", f"Clearly worse than refits: {'; '.join(worse) or ('no cell' if rows else 'not known, as no panel has been done yet')}."]
    ratios = [[float(row[f"{way}_ratio"]) for row in rows if row["check"] == "bootstrap" and row["kind"] == "clean"] for way in ("ours", "refits")]
    if len(ratios[0]) > 1:
        means = [f"{np.mean(one):.3f} (sd {np.std(one, ddof=1):.3f})" for one in ratios]
        said.append(f"Bootstrap's error over the reported one in clean panels: {means[0]} from residuals, {means[1]} by twenty refits.")
    return "\n".join(said) + "\n"


def main() -> None:
    """Do what is asked, and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--panels", type=int, nargs=4, default=[0, 0, 0, 0], metavar="N", help=f"of each kind and estimator ({', '.join(KINDS)})")
    parser.add_argument("--only", nargs="*", default=list(ESTIMATORS))
    parser.add_argument("--kinds", nargs="*", default=list(KINDS))
    parser.add_argument("--bounds", type=int, default=0, metavar="N", help="clean panels of each estimator, for what learning anew may add")
    parser.add_argument("--cost", action="store_true")
    parser.add_argument("--write", action="store_true")
    given = parser.parse_args()
    warnings.simplefilter("ignore")
    import scipy.optimize  # noqa: F401 - with what is loaded first, the limit below holds for its threads too
    from threadpoolctl import threadpool_limits

    with threadpool_limits(limits=1):
        if given.cost:
            costs(given.only)
        bounds(given.bounds)
        done(given)
    if given.write:
        PAGE.write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    main()
