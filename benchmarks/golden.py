"""Two commits on one machine: every number that an estimator, a check or a verdict gives, and which of them differ.

    python benchmarks/golden.py OLD NEW [--only PATTERN …] [--england FOLDER] [--exceptions FILE]      OLD and NEW: git revisions, or folders with a checkout

Each side runs in a process of its own on its own tree (a revision is checked out into a temporary folder), with the libraries of the Python that runs
this, on the same tables and configurations, which are made here. Only the public face is used, Hydra's choices by name and `causal.run`, so modules may
move. What is kept is flat: a key (study / noun / field) and a number, a word where a verdict has one, or the reason why a study was refused. Numbers are
equal if they differ by at most 1e-12 of the larger of the old one and 1. What may differ stands in golden_exceptions.md, each with its reason: a row
`| key pattern | reason |`, the pattern as the shell has it (`*/estimate/*`). The exit code is 1 if anything else differs.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import yaml

HERE = Path(__file__).parent
TOLERANCE = 1e-12
PUBLISHED = HERE.parent.parent / "shared" / "data" / "england"
WHY = "made so"
QUESTION = "question: {treatment: cut, outcome: plans, control: 0.0, treated: %s, smallest_important: 1.0, because: a test, lag: %d, modifiers: %s, target: %s}"
ESTIMATE = ("effect", "std_error", "lower", "upper", "p_value", "df", "rows", "authorities", "clusters")
PART = ("effect", "std_error", "lower", "upper", "joint_lower", "joint_upper")
VERDICT = ("gate", "row", "category", "certainty", "maryland", "detectable", "typical_effect", "typical_lower", "typical_upper")

# where something is learnt or drawn, little of it: what is compared is arithmetic, not quality
FEW = ["estimator.repetitions=1"]
ONE_ROW = ["estimator.after=[2018,2018]"]
FEW_DRAWS = [*ONE_ROW, "estimator.draws=50"]
ESTIMATORS: dict[str, tuple[str, list[str]]] = {
    "fixed_effects": ("dose", []),
    "first_difference": ("dose", []),
    "difference": ("dose", []),
    "dowhy_linear": ("dose", []),
    "lagged_outcome": ("dose", []),
    "within_between": ("dose", []),
    "mean_group": ("dose", []),
    "event_study": ("dose", ["estimator.leads=1", "estimator.lags=1"]),
    "poisson_fixed_effects": ("dose", []),
    "logit_dose": ("shares", []),
    "linear_dml": ("dose", FEW),
    "sparse_linear_dml": ("dose", FEW),
    "nonparam_dml": ("dose", FEW),
    "kernel_dml": ("dose", FEW),
    "causal_forest": ("dose", ["estimator.trees=40"]),
    "dynamic_dml": ("dose", [*FEW, "estimator.nuisance=ridge", "estimator.folds=3"]),
    "callaway_santanna": ("adoption", []),
    "sun_abraham": ("adoption", []),
    "imputation": ("adoption", []),
    "synthetic_control": ("adoption", []),
    "synthetic_did": ("adoption", []),
    "propensity_weighting": ("adoption", ONE_ROW),
    "propensity_matching": ("adoption", ONE_ROW),
    "propensity_stratification": ("adoption", FEW_DRAWS),
    "distance_matching": ("adoption", ONE_ROW),
    "dowhy_glm": ("adoption", ONE_ROW),
    "linear_dr": ("adoption", [*ONE_ROW, *FEW]),
    "forest_dr": ("adoption", [*ONE_ROW, "estimator.nuisance=ridge", "estimator.trees=20"]),
    "s_learner": ("adoption", FEW_DRAWS),
    "t_learner": ("adoption", FEW_DRAWS),
    "x_learner": ("adoption", FEW_DRAWS),
    "domain_adaptation": ("adoption", FEW_DRAWS),
    "continuous_did": ("doses", []),
    "two_stage_least_squares": ("instrument", []),
    "ortho_iv": ("instrument", FEW),
    "dml_iv": ("instrument", FEW),
    "dr_iv": ("instrument", FEW),
    "shift_share": ("exposure", []),
    "mediation": ("paths", []),
    "front_door": ("front_door", []),
    "regression_discontinuity": ("cutoff", []),
    "interrupted_series": ("series", []),
    "distributed_lags": ("dose", []),
    "cluster_trial": ("lots", []),
    "late": ("offer", FEW),
    "reversible_did": ("on_off", []),
}
ATT = ("callaway_santanna", "sun_abraham", "imputation", "synthetic_control", "synthetic_did", "continuous_did", "interrupted_series", "reversible_did")
# every check on a dose; on the other designs those that take it otherwise, with little drawn
CHECKED: dict[str, tuple[str, str, list[str]]] = {
    "dose": ("dose", "fixed_effects", ["refuters=all"]),
    "dose_learnt": (
        "dose",
        "linear_dml",
        [
            *FEW,
            "refuters=[placebo_treatment,bootstrap,data_subset,random_common_cause,future_treatment]",
            *(f"refuters.{name}.draws=9" for name in ("placebo_treatment", "bootstrap", "data_subset", "random_common_cause")),
        ],
    ),
    "gaps": (
        "gaps",
        "fixed_effects",
        [
            "refuters=all",
            "refuters.negative_control_outcome.outcomes=[other]",
            "refuters.negative_control_exposure.exposures=[other]",
            "refuters.second_measure.column=again",
            "refuters.specification_curve.years=[[2011,2016],[2013,2018]]",
        ],
    ),
    "adoption": ("adoption", "callaway_santanna", ["refuters=all", "question.target=ATT"]),
    "matched": ("adoption", "propensity_matching", [*ONE_ROW, "refuters=[matched_bounds]"]),
    "one_row": ("adoption", "propensity_weighting", [*ONE_ROW, "refuters=all"]),
    "instrument": ("instrument", "two_stage_least_squares", ["refuters=all"]),
}
HEADLINES = {
    "closures": ["experiment=closures"],
    "centre_spending": ["experiment=centre_spending"],
    "closures_all_checks": ["experiment=closures", "refuters=all"],
}
ENGLAND = {
    "centre_spending": ["experiment=centre_spending", "refuters=all"],
    "poverty_to_plans": ["experiment=poverty_to_plans"],
    "cuts_to_plans": ["experiment=cuts_to_plans"],
    "grant_instrument": ["experiment=grant_instrument"],
}


# --- the tables, made once for both sides


def panels() -> dict[str, tuple[pd.DataFrame, dict[str, Any], str]]:
    """Name → table, graph and question."""
    rng = np.random.default_rng(2019)
    g, t = 60, 8
    clock = np.arange(t)

    def column(shape: Any = None, persistence: float = 0.4) -> np.ndarray:
        if shape is not None:
            return rng.normal(size=shape)
        drawn = rng.normal(size=(g, t + 5))
        for year in range(1, t + 5):
            drawn[:, year] += persistence * drawn[:, year - 1]
        return drawn[:, 5:]

    def table(**columns: np.ndarray) -> pd.DataFrame:
        places = {"area": np.repeat([f"A{i:03d}" for i in range(g)], t), "yr": np.tile(2011 + clock, g)}
        return pd.DataFrame(places | {name: np.broadcast_to(values, (g, t)).ravel() for name, values in columns.items()})

    lasting, deprivation = column((g, 1)), 20 + 8 * column((g, 1))
    children = np.round(np.exp(11 + 0.5 * column((g, 1))))
    poverty = 20 + 3 * lasting + column((g, t)).cumsum(axis=1)
    other = 40 + 5 * lasting + column() * 3  # an outcome that the cut leaves alone
    base = 60 + 8 * lasting + clock + 0.5 * (poverty - 20) + 0.05 * (deprivation - 20) * clock + 3 * column()
    dose = 0.3 + 0.1 * lasting + 0.03 * clock + 0.02 * (poverty - 20) + 0.002 * (deprivation - 20) * clock + 0.1 * column((g, t)).cumsum(axis=1)
    takes = 0.5 * lasting[:, 0] + rng.normal(size=g) > -0.28
    first = np.where(takes, rng.integers(3, t, size=g), t)
    adopted = (clock >= first[:, None]).astype(float)
    doses = adopted * rng.uniform(0.2, 0.9, size=(g, 1))
    need, formula, lottery = column(), lasting + column() + 0.1 * clock, column() - lasting
    moved = 0.3 + 0.05 * lasting + 0.08 * formula + 0.05 * lottery + 0.1 * need + 0.02 * (poverty - 20) + 0.05 * column()
    share = rng.uniform(size=(g, 1))
    exposed = 0.3 + 0.1 * share * clock + 0.1 * need + 0.05 * column()
    same = {"deprivation": deprivation, "poverty": poverty, "children": children, "other": other}
    usual = _graph(
        lasting=("deprivation",),
        authority=("deprivation", "poverty", "cut", "plans", "other"),
        year=("poverty", "cut", "plans", "other"),
        deprivation=("cut", "plans"),
        poverty=("cut", "plans", "other"),
        cut=("plans",),
    )
    ask = QUESTION % (0.5, 0, "[deprivation]", "ATE")
    gaps = np.where(rng.random((g, t)) < 0.03, np.nan, base + 6 * dose)
    # drawn apart, so that the other tables stay as they were
    yes = np.random.default_rng(1977).random((g, t)) < 1 / (1 + np.exp(-(0.5 * lasting + 0.05 * clock + 0.03 * (poverty - 20) + dose - 0.5)))
    made = {
        "shares": (table(**same, cut=dose, plans=yes.astype(float)), usual, ask),
        "gaps": (table(**same, again=dose + 0.05 * column(), cut=dose, plans=gaps), usual, ask),
        "dose": (table(**same, cut=dose, plans=base + 6 * dose), usual, ask),
        "adoption": (table(**same, cut=adopted, plans=base + 3 * adopted), usual, QUESTION % (1.0, 0, "[deprivation]", "ATE")),
        "doses": (table(**same, cut=doses, plans=base + 6 * doses), usual, QUESTION % (0.5, 0, "[]", "ATT")),
        "instrument": (
            table(**same, formula=formula, lottery=lottery, cut=moved, plans=base + 3 * need + 6 * moved),
            _graph(
                hidden=("need",),
                lasting=("deprivation",),
                authority=("deprivation", "poverty", "formula", "lottery", "cut", "plans"),
                year=("poverty", "formula", "lottery", "cut", "plans"),
                need=("cut", "plans"),
                poverty=("cut", "plans"),
                formula=("cut",),
                lottery=("cut",),
                cut=("plans",),
            ),
            ask,
        ),
        "exposure": (
            table(**same, share=share, cut=exposed, plans=base + 3 * need + 6 * exposed),
            _graph(
                hidden=("need",),
                lasting=("share",),
                authority=("share", "poverty", "cut", "plans"),
                year=("poverty", "cut", "plans"),
                need=("cut", "plans"),
                share=("cut",),
                poverty=("cut", "plans"),
                cut=("plans",),
            ),
            QUESTION % (0.5, 0, "[]", "ATE"),
        ),
    }
    # cut two years before, closures and staff one year before, plans now
    cut, zero = 0.3 + 0.2 * lasting + 0.02 * clock + 0.3 * column((g, t)), np.zeros((g, 1))
    closures = 2 * np.hstack([zero, cut[:, :-1]]) + lasting + column((g, t))
    staff = np.hstack([zero, cut[:, :-1]]) + 0.5 * closures - lasting + 0.7 * column((g, t))
    plans = 45 + 5 * lasting + clock + column()
    plans[:, 1:] += 1.5 * closures[:, :-1] - staff[:, :-1]
    plans[:, 2:] += 3 * cut[:, :-2]
    arrows: dict[str, Any] = {name: dict.fromkeys(("closures", "staff", "cut", "plans"), WHY) for name in ("authority", "year")}
    later = {"because": WHY, "lag": 1}
    arrows |= {
        "cut": {"closures": later, "staff": later, "plans": {"because": WHY, "lag": 2}},
        "closures": {"staff": WHY, "plans": later},
        "staff": {"plans": later},
    }
    nodes: dict[str, Any] = {"authority": {"varies": "authority"}, "year": {"varies": "year"}, "closures": {}, "staff": {}, "cut": {}, "plans": {}}
    made["paths"] = (table(cut=cut, closures=closures, staff=staff, plans=plans), {"nodes": nodes, "arrows": arrows}, QUESTION % (0.5, 2, "[]", "ATE"))
    hidden, own, middle, last = column((4, 600))
    visits = 2 * (hidden + own) + middle
    frame = pd.DataFrame({"area": [f"A{i:03d}" for i in range(600)], "cut": hidden + own, "visits": visits, "plans": 1.5 * visits + 3 * hidden + last})
    door = {
        "nodes": {"hidden": {"measured": False}, "cut": {}, "visits": {}, "plans": {}},
        "arrows": {"hidden": {"cut": WHY, "plans": WHY}, "cut": {"visits": WHY}, "visits": {"plans": WHY}},
    }
    of_rank = np.random.default_rng(1960)
    rank, need = of_rank.uniform(0, 100, size=600), of_rank.normal(size=600)
    eligible = (rank >= 50).astype(float)
    frame_of_rank = pd.DataFrame(
        {"area": [f"A{i:03d}" for i in range(600)], "rank": rank, "cut": eligible, "plans": 0.1 * rank + 3 * need + 3 * eligible + of_rank.normal(size=600)}
    )
    beyond = {
        "nodes": {"need": {"measured": False}, "rank": {}, "cut": {}, "plans": {}},
        "arrows": {"need": {"rank": WHY, "plans": WHY}, "rank": {"cut": {"because": WHY, "cutoff": 50.0}, "plans": WHY}, "cut": {"plans": WHY}},
    }
    of_dates = np.random.default_rng(1899)
    on = (np.arange(40) >= 25).astype(float)
    walk = np.convolve(of_dates.normal(size=60), 0.5 ** np.arange(8))[:60][-40:]
    one_place = pd.DataFrame({"area": "A000", "yr": 1979 + np.arange(40), "cut": on, "plans": 50 + 0.3 * np.arange(40) - 4 * on + walk})
    dated = {
        "nodes": {"authority": {"varies": "authority"}, "year": {"varies": "year"}, "cut": {}, "plans": {}},
        "arrows": {"authority": {"plans": WHY}, "year": {"cut": WHY, "plans": WHY}, "cut": {"plans": WHY}},
    }
    made["series"] = (one_place, dated, QUESTION % (1.0, 0, "[]", "ATT"))
    made["cutoff"] = (frame_of_rank, beyond, QUESTION % (1.0, 0, "[]", "ATE"))
    of_lots = np.random.default_rng(1926)
    start = of_lots.permutation(np.resize(np.arange(1, 7), 60))[:, None]
    drawn = (np.arange(6) >= start).astype(float)
    areas, years = np.repeat([f"A{i:03d}" for i in range(60)], 6), np.tile(np.arange(2011, 2017), 60)
    own = of_lots.normal(size=(60, 1)) * 4 + np.arange(6) + of_lots.normal(size=(60, 6)) * 2
    rolled_out = pd.DataFrame({"area": areas, "yr": years, "cut": drawn.ravel(), "plans": (45 + own + 3 * drawn).ravel()})
    by_lot = {
        "nodes": {"authority": {"varies": "authority"}, "year": {"varies": "year"}, "cut": {"lot": "places drawn for each year"}, "plans": {}},
        "arrows": {"authority": {"plans": WHY}, "year": {"cut": WHY, "plans": WHY}, "cut": {"plans": WHY}},
    }
    made["lots"] = (rolled_out, by_lot, QUESTION % (1.0, 0, "[]", "ATE"))
    taste, at_hand = of_lots.normal(size=400), (of_lots.random(400) < 0.5).astype(float)
    taken = (taste > np.where(at_hand > 0, -0.8, 1.2)).astype(float)
    offered = pd.DataFrame(
        {"area": [f"A{i:03d}" for i in range(400)], "offer": at_hand, "cut": taken, "plans": 45 + 1.5 * taste + 3 * taken + of_lots.normal(size=400)}
    )
    at_will = {
        "nodes": {"taste": {"measured": False}, "offer": {}, "cut": {}, "plans": {}},
        "arrows": {"taste": {"cut": WHY, "plans": WHY}, "offer": {"cut": WHY}, "cut": {"plans": WHY}},
    }
    made["offer"] = (offered, at_will, QUESTION % (1.0, 0, "[]", "ATE"))
    # a treatment that comes in one year, ends in another, and for a third of the places never does
    begins, lasts = of_lots.integers(1, 5, size=(60, 1)), of_lots.integers(1, 3, size=(60, 1))
    while_on = ((np.arange(6) >= begins) & (np.arange(6) < begins + lasts) & (np.arange(60)[:, None] % 3 > 0)).astype(float)
    ended = pd.DataFrame({"area": areas, "yr": years, "cut": while_on.ravel(), "plans": (45 + own + 3 * while_on).ravel()})
    ends = {
        "nodes": {"authority": {"varies": "authority"}, "year": {"varies": "year"}, "cut": {}, "plans": {}},
        "arrows": {"authority": {"cut": WHY, "plans": WHY}, "year": {"cut": WHY, "plans": WHY}, "cut": {"plans": WHY}},
    }
    made["on_off"] = (ended, ends, QUESTION % (1.0, 0, "[]", "ATT"))
    made["front_door"] = (frame, door, QUESTION % (0.5, 0, "[]", "ATE"))
    return made


def _graph(*, hidden: tuple[str, ...] = (), lasting: tuple[str, ...] = (), **arrows: tuple[str, ...]) -> dict[str, Any]:
    """A graph as YAML has it; deprivation's arrows differ by year."""
    names = dict.fromkeys([*arrows, *(effect for effects in arrows.values() for effect in effects)])
    nodes: dict[str, Any] = {name: {"measured": False} if name in hidden else {"varies": "authority"} if name in lasting else {} for name in names}
    nodes |= {"authority": {"varies": "authority"}, "year": {"varies": "year"}}
    reason = {cause: {"because": WHY, "by_year": True} if cause == "deprivation" else WHY for cause in arrows}
    return {"nodes": nodes, "arrows": {cause: dict.fromkeys(effects, reason[cause]) for cause, effects in arrows.items()}}


def write(folder: Path) -> None:
    """Tables, graphs and experiments, as a user's own folder holds them."""
    for name in ("graph", "experiment"):
        (folder / name).mkdir()
    for name, (frame, graph, question) in panels().items():
        frame.to_csv(folder / f"{name}.csv", index=False)
        whole = {"_target_": "causal.graph.Graph", "name": name, **graph}
        (folder / "graph" / f"{name}.yaml").write_text("# made here\n" + yaml.safe_dump(whole, sort_keys=False), encoding="utf-8")
        year = "yr" if "yr" in frame else "null"
        known = {"plans": {"unit": "per 10,000 children", "count_per": 10000}} if "children" in frame and name != "shares" else {}
        lines = [
            "# @package _global_",
            "# made here",
            f"defaults: [override /graph: {name}, override /source: table]",
            f"title: {name}",
            "action: Cutting by half",
            question,
            f"source: {{path: {json.dumps(str(folder / f'{name}.csv'))}, authority: area, year: {year}, variables: {json.dumps(known) if known else 'null'}, "
            f"population: {'children' if known else 'null'}}}",
        ]
        (folder / "experiment" / f"{name}.yaml").write_text("\n".join(lines) + "\n", encoding="utf-8")


# --- one side


def studies(england: Path | None) -> Iterator[tuple[str, list[str], bool]]:
    """Key, overrides, and whether its checks are run."""
    for name, (panel, words) in ESTIMATORS.items():
        target = ["question.target=ATT"] if name in ATT else []
        yield f"estimators/{name}", [f"experiment={panel}", f"estimator={name}", *words, *target], False
    for name, (panel, estimator, words) in CHECKED.items():
        yield f"checks/{name}", [f"experiment={panel}", f"estimator={estimator}", *words], True
    for name, words in HEADLINES.items():
        yield f"headline/{name}", words, True
    for name, words in ENGLAND.items() if england else ():
        yield f"england/{name}", [*words, "source=england", f"source.path={england}"], True


def numbers(tree: Path, folder: Path, england: Path | None, only: list[str]) -> dict[str, Any]:
    """Every number that the code of a tree gives; run in a process of its own."""
    sys.path.insert(0, str(tree))
    import causal  # noqa: PLC0415  of that tree

    assert Path(causal.__file__).is_relative_to(tree), f"{causal.__file__} is not of {tree}"
    causal.__path__.append(str(tree))  # conf and experiments stand beside causal in a checkout, and in it once installed
    from causal.experiments import compose  # noqa: PLC0415

    assert Path(compose.__file__).is_relative_to(tree), f"{compose.__file__} is not of {tree}"
    unknown = set(compose.choices("estimator")) ^ set(ESTIMATORS)
    found: dict[str, Any] = {}
    for name in sorted(unknown):
        print(f"{tree.name}: no panel is named for the estimator {name}, or there is none of that name", file=sys.stderr)
    for key, words, checked in studies(england):
        if only and not any(fnmatchcase(key, pattern) for pattern in only):
            continue
        began = time.perf_counter()
        try:
            study = compose.study_from(compose.composed(words, [folder]))
            result = causal.run(study if checked else replace(study, refuters={}))
        except causal.CausalError as problem:
            found[f"{key}/refused"] = f"{type(problem).__name__}: {str(problem).replace(str(folder), '…')}"
        else:
            found |= {f"{key}/{name}": value for name, value in flat(result)}
        print(f"{tree.name}  {key}  {time.perf_counter() - began:.1f} s", file=sys.stderr, flush=True)
    return found


def flat(result: Any) -> Iterator[tuple[str, Any]]:
    """Key and number of all that a result holds; parts by their place, since names may be said otherwise."""
    for label in ("estimate", "baseline"):
        if (one := getattr(result, label)) is not None:
            yield from _fields(one, ESTIMATE, label)
            yield from _parts(one.parts, label)
            yield from _series(one.influence, f"{label}/influence")
    for one in result.refutations:
        at = f"refutations/{one.name}"
        yield f"{at}/survived", plain(one.survived)
        yield f"{at}/p_value", plain(one.p_value)
        for name, value in one.numbers.items():
            yield f"{at}/numbers/{name}", plain(value)
        yield from _parts(one.parts, at)
    yield from _fields(result.verdict, VERDICT, "verdict")
    for i, one in enumerate(result.steps):
        yield from _fields(one, ("effect", "lower", "upper"), f"steps/{i}")
    for i, one in enumerate(result.dose):
        yield from _fields(one, ("dose", "level", "outcome", "lower", "upper"), f"dose/{i}")


def _fields(one: Any, names: tuple[str, ...], at: str) -> Iterator[tuple[str, Any]]:
    for name in names:
        if hasattr(one, name):
            yield f"{at}/{name}", plain(getattr(one, name))


def _parts(parts: Any, at: str) -> Iterator[tuple[str, Any]]:
    for i, one in enumerate(parts):
        yield from _fields(one, PART, f"{at}/parts/{i:03d}")


def _series(values: Any, at: str) -> Iterator[tuple[str, Any]]:
    if values is not None:  # three numbers stand for all: order, size and sign
        scores = np.asarray(values, dtype=float)
        yield f"{at}/squares", float(scores @ scores)
        yield f"{at}/places", float(scores @ np.arange(len(scores)))
        yield f"{at}/cubes", float((scores**3).sum())


def plain(value: Any) -> Any:
    """A number, a word, or None; what is not finite as a word."""
    if value is None or isinstance(value, str | bool | np.bool_):
        return bool(value) if isinstance(value, np.bool_) else value
    try:
        number = float(value)
    except (TypeError, ValueError):
        return str(value)
    return number if math.isfinite(number) else str(number)


# --- both sides


def compared(old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, str]:
    """Key → how the sides differ."""
    missing = "—"
    return {
        key: f"{old.get(key, missing)} → {new.get(key, missing)}"
        for key in sorted({*old, *new})
        if key not in old or key not in new or not equal(old[key], new[key])
    }


def equal(one: Any, other: Any) -> bool:
    """Numbers to the tolerance, all else as it is."""
    if all(isinstance(value, int | float) and not isinstance(value, bool) for value in (one, other)):
        return bool(abs(one - other) <= TOLERANCE * max(1.0, abs(one)))
    return bool(one == other and type(one) is type(other))


def exceptions(path: Path) -> dict[str, str]:
    """Pattern → reason, from the rows of a table in Markdown.

    Raises
    ------
    ValueError : a row without a pattern or without a reason.
    """
    found = {}
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        cells = [cell.strip().strip("`") for cell in line.strip().strip("|").split("|")]
        if not line.startswith("|") or set(line) <= set("|-: ") or cells[0] == "key pattern":
            continue
        if len(cells) != 2 or not all(cells):
            raise ValueError(f"{path.name}, line {number}: wanted  | key pattern | reason |  with both filled and no bar in them, got {line!r}")
        found[cells[0]] = cells[1]
    return found


def tree_of(name: str, into: Path) -> tuple[Path, Callable[[], None]]:
    """A checkout of a revision, or the folder that is named, and what clears it away."""
    if Path(name).is_dir() and (Path(name) / "causal").is_dir():
        return Path(name).resolve(), lambda: None
    folder = into / name.replace("/", "_")
    subprocess.run(["git", "worktree", "add", "--quiet", "--detach", str(folder), name], cwd=HERE, check=True)
    return folder, lambda: subprocess.run(["git", "worktree", "remove", "--force", str(folder)], cwd=HERE, check=True) and None


def side(tree: Path, folder: Path, cache: Path, words: list[str]) -> dict[str, Any]:
    """What a tree gives."""
    one_thread = {f"{library}_NUM_THREADS": "1" for library in ("OMP", "OPENBLAS", "MKL", "NUMBA")}
    env = {**os.environ, **one_thread, "PYTHONHASHSEED": "0", "CAUSAL_CACHE": str(cache), "PYTHONDONTWRITEBYTECODE": "1"}
    out = cache.with_suffix(".json")
    subprocess.run([sys.executable, str(Path(__file__).resolve()), "--side", str(tree), str(folder), str(out), *words], env=env, check=True, cwd=folder)
    return json.loads(out.read_text(encoding="utf-8"))  # type: ignore[no-any-return]


def main(words: list[str] | None = None) -> int:
    """Both sides, and what differs."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument("old", help="a git revision, or a folder with a checkout")
    parser.add_argument("new", help="the same")
    parser.add_argument("--only", nargs="+", default=[], metavar="PATTERN", help="only studies whose key fits (estimators/*, checks/dose)")
    parser.add_argument("--england", type=Path, default=PUBLISHED if PUBLISHED.is_dir() else None, help="folder of England's published files")
    parser.add_argument("--exceptions", type=Path, default=HERE / "golden_exceptions.md")
    args = parser.parse_args(words)
    allowed = exceptions(args.exceptions)
    more = [*(["--england", str(args.england.resolve())] if args.england else []), *(["--only", *args.only] if args.only else [])]
    began = time.perf_counter()
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place) / "own"
        folder.mkdir()
        write(folder)
        both = []
        for label, name in (("old", args.old), ("new", args.new)):
            (Path(place) / label).mkdir()
            tree, clear = tree_of(name, Path(place) / label)
            try:
                both.append(side(tree, folder, Path(place) / f"{label}_cache", more))
            finally:
                clear()
    old, new = both
    different = compared(old, new)
    used = {key: next((pattern for pattern in allowed if fnmatchcase(key, pattern)), None) for key in different}
    for key, pattern in used.items():
        print(f"{'excepted ' if pattern else 'DIFFERENT'}  {key}: {different[key]}{f'  ({allowed[pattern]})' if pattern else ''}")
    wrong = [key for key, pattern in used.items() if pattern is None]
    idle = [pattern for pattern in allowed if pattern not in used.values()]
    if idle and not args.only:
        print(f"exceptions that nothing needs any more: {', '.join(idle)}")
    ran = {key.split("/")[3] for key in new if key.endswith("/survived") and new[key] is not None}
    if not args.only and (never := sorted({key.split("/")[3] for key in new if key.endswith("/survived")} - ran)):
        print(f"checks that gave no answer in any study: {', '.join(never)}")
    for key in (key for key in new if key.endswith("/refused")):
        print(f"refused    {key.removesuffix('/refused')}: {new[key]}")
    at = {"/".join(key.split("/")[:2]) for key in new}
    kinds = f"{len(different) - len(wrong)} differ as excepted, {len(wrong)} otherwise"
    print(f"{len(new):,} numbers of {len(at)} studies; {kinds}; {time.perf_counter() - began:.0f} s")
    return 1 if wrong or not new else 0


if __name__ == "__main__":
    if sys.argv[1:2] == ["--side"]:
        warnings.simplefilter("ignore")
        parser = argparse.ArgumentParser()
        parser.add_argument("--only", nargs="+", default=[])
        parser.add_argument("--england", type=Path)
        tree, folder, out, *rest = sys.argv[2:]
        chosen = parser.parse_args(rest)
        got = numbers(Path(tree), Path(folder), chosen.england, chosen.only)
        Path(out).write_text(json.dumps(got), encoding="utf-8")
        sys.exit(0)
    sys.exit(main())
