"""Are planted differences, gains and net benefits held at the stated rates, and is noise left alone? Heterogeneity and cost on simulated panels.

    python benchmarks/groups_and_cost.py --panels 400 --forests 100

A panel is that of `causal.sources.simulated` with no effect of its own (150 authorities, recorded spending with its switches, shocks, size). An effect
straight in recorded centre spending, which differs from authority to authority in a known way or not at all, is planted in plans, and one in children looked
after a year later. The design is that of experiment=centre_spending. What is reported: how often each test calls noise a difference (at most 5 %), how often
it finds the planted one, and how often intervals hold what was planted (95 %): effects by fifth, the gain of each rule over spending evenly (among the
authorities that it chose, fold by fold), net benefit. A cell fails only where the exact 99.9 % interval of a coverage misses 92 to 98 %, or an exact
one-sided test at 1 % rejects a rate of 5 %.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from scipy import stats

from causal.breakdown import Case
from causal.decompositions.cost import Cost
from causal.decompositions.heterogeneity import arranged, in_money
from causal.decompositions.machinery.budget import RULES, picks, value
from causal.decompositions.machinery.groups import features, named_groups, own_years
from causal.decompositions.machinery.held_out import held_out, slopes
from causal.decompositions.machinery.money import Placement, drawn, per_person
from causal.design import design
from causal.draws import stream
from causal.estimators.fixed_effects import FixedEffects
from causal.experiments.compose import composed, study_and_part, trust
from causal.identification import Identification
from causal.identify import identify
from causal.panel import Panel
from causal.sources.simulated import Simulated

HERE = Path(__file__).parent
MEAN, DIFFERS = -16.0, 12.0  # plans per 10,000 for all of the spending; and for one standard deviation of deprivation's rank
CARE = -6.0  # children looked after, a year later
COLUMNS = ("deprivation", "plans", "children")


def planted(panel: Panel, lag: int, differs: float, *, by_pound: bool = False) -> tuple[Panel, np.ndarray]:
    """The panel with effects of recorded spending in it, and the effect of each authority; `by_pound` makes those of £1 per child what is planted."""
    first = panel.frame["deprivation"].groupby(level="authority").first()
    rank = stats.rankdata(first)
    effect = MEAN + differs * (rank - rank.mean()) / rank.std()
    if by_pound:
        price = panel.frame["centre_spend_per_child"].groupby(level="authority").first()
        effect = effect * price.to_numpy() / float(price.mean())
    own = dict(zip(first.index, effect, strict=True))
    each = panel.frame.index.get_level_values("authority").map(own).to_numpy(dtype=float)
    frame = panel.frame.copy()
    frame["plans"] += each * panel.shift("centre_spending", -lag).fillna(1.0)
    frame["looked_after"] += CARE * panel.shift("centre_spending", -lag - 1).fillna(1.0)
    return replace(panel, frame=frame), effect


def one_panel(case: Case, found: Identification, later: Identification, cost: Cost, seed: int, differs: float, *, forest: bool) -> dict[str, Any]:
    """All that is counted, of one panel."""
    question = case.question
    drawn_panel = Simulated(effect=0.0, delay=1, seed=seed).load()
    panel, effect = planted(drawn_panel, question.lag, differs)
    case = replace(case, panel=panel)
    rng = stream(seed, "groups and cost")
    made = arranged(case, COLUMNS, found)
    contrast = question.contrast
    parts, tests = named_groups(made, made.modifiers, rng)
    fifths = [part for part in parts if part.of == made.modifiers[0].label]
    codes = made.modifiers[0].codes[np.flatnonzero(np.r_[True, np.diff(made.authority) != 0])]
    # a group's effect weighs authorities by what is left of their treatment
    apart = own_years(made, made.modifiers)
    basis = apart.basis()
    raw, names = features(made, made.modifiers)
    ready = slopes(apart, basis, raw, names, price=np.full(len(effect), 1 / contrast))
    alone = own_years(made, made.modifiers[:1])
    left = alone.partial_out(made.treatment[:, None])[:, 0]
    weight = np.bincount(made.authority, left**2)
    truths = [float(np.average(effect[codes == k], weights=weight[codes == k])) * contrast for k in range(len(fifths))]
    out: dict[str, Any] = {
        "named": float(any(one.adjusted is not None and one.adjusted < 0.05 for one in tests)),
        "fifths": float(np.mean([lower_upper(part.lower, part.upper, true) for part, true in zip(fifths, truths, strict=True)])),
        "fifths at once": float(all(lower_upper(part.joint_lower, part.joint_upper, true) for part, true in zip(fifths, truths, strict=True))),
    }
    for learner in ("linear", "forest") if forest else ("linear",):
        test = held_out(ready, learner, folds=5, splits=3, level=0.95, rng=rng, trees=40)  # type: ignore[arg-type]
        out[f"held out, {learner}"] = float(test.p_value < 0.05)
    in_pounds, by_pound = planted(drawn_panel, question.lag, differs, by_pound=True)
    money, _, _ = in_money(in_pounds, arranged(replace(case, panel=in_pounds), COLUMNS, found), "centre_spend_per_child", spending="more")
    price = per_person(in_pounds, "centre_spend_per_child", made.authorities)
    assert price is not None
    true = -by_pound / price.values  # good done by £1 a child
    for rule in RULES:
        chosen = picks(money, rule, good=-1.0, share=1 / 3, folds=5, splits=3, rng=rng)
        one = value(money, rule, chosen, good=-1.0, level=0.95)
        gains = []
        for picked, _ in chosen:
            inside = picked == 1
            everyone = np.average(true, weights=money.people)
            gains.append(float(np.average(true[inside], weights=money.people[inside]) - everyone) if inside.any() else 0.0)
        out |= {f"gain, {rule}": lower_upper(one.lower, one.upper, float(np.mean(gains))), f"told, {rule}": float(one.p_value < 0.05)}
        out |= {f"true gain, {rule}": float(np.mean(gains)), f"found gain, {rule}": one.gain}
    main = design(panel, replace(question, modifiers=()), found)
    after = design(panel, replace(question, outcome="looked_after", lag=question.lag + 1, modifiers=()), later)
    estimates = [(FixedEffects().estimate(arr, rng), arr) for arr in (main, after)]
    effects, _ = drawn(estimates[0], estimates[1], 4_000, rng)
    kinds = list(cost.placements.values())
    fixed = float(sum(one.value * one.share for one in kinds))
    account = cost.account(case, main, 10_000.0)
    added, net = account.totals(effects[:, 0], effects[:, 1], np.full(4_000, fixed))
    residual = main.partial_out(main.treatment[:, None])[:, 0]
    average = float(np.average(effect, weights=np.bincount(main.authority, residual**2)))
    truth = account.totals(np.array([average * contrast]), np.array([CARE * contrast]), np.array([fixed]))
    for what, draws, is_true in (
        ("outcome-years", added, truth[0]),
        ("net saving", net, truth[1]),
        ("net benefit at £50,000", net - 5e4 * added, truth[1] - 5e4 * truth[0]),
    ):
        low, high = np.quantile(draws, [0.025, 0.975])
        out[what] = lower_upper(float(low), float(high), float(is_true[0]))
    return out


def lower_upper(lower: float | None, upper: float | None, true: float) -> float:
    """1 where an interval holds what is true."""
    return float(lower is not None and upper is not None and lower <= true <= upper)


def judged(name: str, values: np.ndarray, differs: float) -> tuple[str, str]:
    """What was asked of a number, and whether it is met, with its own noise."""
    n, mean = len(values), float(values.mean())
    if name.startswith(("true", "found")):
        return "", ""
    if name in ("named", "held out, linear", "held out, forest") or name.startswith("told"):
        if differs:
            return "power, no bound", ""
        p = stats.binomtest(round(mean * n), n, 0.05, alternative="greater").pvalue
        return "at most 5 %", "met" if p > 0.01 else "NOT met"
    low, high = stats.binomtest(round(mean * n), n).proportion_ci(0.999, method="exact")
    return "95 % (92 to 98)", "met" if high >= 0.92 and low <= 0.98 else "NOT met (too seldom)" if high < 0.92 else "more often than stated"


def main(panels: int, forests: int, say: Callable[[str], None]) -> None:
    """Run, count, write."""
    config = composed(["experiment=centre_spending", "decomposition=cost"], [])
    study, cost = study_and_part(config, "decomposition", trust([]))
    assert isinstance(cost, Cost) and all(isinstance(one, Placement) for one in cost.placements.values())
    panel = study.source.load()
    case = Case(panel=panel, question=study.question, graph=study.graph, estimator=FixedEffects(), action=study.action, source=study.source)
    found = case.analysis().identification
    later = identify(replace(study.question, outcome="looked_after", lag=study.question.lag + 1), study.graph, measured=panel.names)
    done: dict[float, list[dict[str, Any]]] = {0.0: [], DIFFERS: []}
    for seed in range(panels):
        for differs, ones in done.items():
            ones.append(one_panel(case, found, later, cost, 10_000 + seed, differs, forest=seed < forests))
        if (seed + 1) % 20 == 0 or seed + 1 == panels:
            write(done, forests)
            say(f"{seed + 1} of {panels}")


def write(done: Mapping[float, list[dict[str, Any]]], forests: int) -> None:
    """What was counted so far, as text and as numbers."""
    rows, lines = [], []
    panels = len(done[0.0])
    for differs, ones in done.items():
        for name in ones[0]:
            values = np.array([one[name] for one in ones if name in one])
            asked, met = judged(name, values, differs)
            error = float(values.std(ddof=1) / np.sqrt(len(values))) if len(values) > 1 else None
            rows.append({"differs": differs, "what": name, "panels": len(values), "mean": float(values.mean()), "error": error, "asked": asked, "met": met})
    for world, title in ((0.0, "No differences between authorities"), (DIFFERS, "Effects that differ with deprivation")):
        lines += [f"## {title}", "", "| what | panels | mean | Monte Carlo error | asked | |", "|---|---|---|---|---|---|"]
        lines += [
            f"| {one['what']} | {one['panels']} | {one['mean']:.3f} | {one['error'] or 0:.3f} | {one['asked']} | {one['met']} |"
            for one in rows
            if one["differs"] == world
        ]
        lines.append("")
    words = " ".join((__doc__ or "").split("\n\n", 2)[2].split())
    text = ["# Groups, rules and cost on simulated panels", "", f"`python benchmarks/groups_and_cost.py --panels {panels} --forests {forests}`", "", words, ""]
    (HERE / "groups_and_cost.md").write_text("\n".join([*text, *lines]), encoding="utf-8")
    (HERE / "groups_and_cost.json").write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    given = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    given.add_argument("--panels", type=int, default=400)
    given.add_argument("--forests", type=int, default=100)
    asked = given.parse_args()
    main(asked.panels, asked.forests, lambda line: print(line, file=sys.stderr, flush=True))
