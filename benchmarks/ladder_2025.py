"""The ladder of designs again, to 2025: two records of spending, one population for all rates, and neighbours that are hit together.

    python benchmarks/ladder_2025.py OLD NEW             blinded: simulates every rung, writes ladder_2025.json
    python benchmarks/ladder_2025.py OLD NEW --confirm   blinded: tries the eligible ones on fresh panels, lets the rule choose
    python benchmarks/ladder_2025.py OLD NEW --unblind   estimates every rung once on the real outcome, writes ladder_2025.md and ladder_2025.png

OLD and NEW hold England's published files. The rungs and the rule stand in `ladder_2025.yaml`, committed before any result. Made of the parts of
`ladder.py`; what is new is that the outcome's waves by region are dealt apart from what each authority has alone, so that an error that takes neighbours for
independent shows itself.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from climb import SMALLEST, between, cover, drawn, number, said, table
from ladder import World, blind, chosen_of, keep, reach, simulate, simulate_counts, told, whole, world
from rungs import Answers, Data, Grid, Rung, doses, poisson, series
from scipy import stats

from causal.sources.england import England

HERE = Path(__file__).parent
OUTCOMES = ("plans", "plans_started")


def load(folders: Sequence[str], plan: Mapping[str, Any]) -> dict[str, Data]:
    """The published files as grids, one for each record of spending."""
    panel = England(path=list(folders)).load()
    frame = panel.frame
    regions = panel.places.loc[frame.index.unique("authority"), "region"]
    codes = np.unique(regions.to_numpy(dtype=str), return_inverse=True)[1]

    def grid(name: str, years: Grid) -> Grid:
        return np.asarray(frame[name].unstack("year")[list(years)].to_numpy(dtype=float))

    made = {}
    for name, one in plan["records"].items():
        years = np.arange(one["first"], one["last"] + 1)
        spending = grid(one["column"], years)
        spending = np.nan_to_num(np.exp(spending) if one.get("logarithm") else spending)  # a logarithm that is not there is of nothing spent
        based = np.all([mended[:, 0] > 0 for mended in series(spending).values()], axis=0)  # the others have no start from which anything could be told
        indicators = {f"region {code}": (codes == code).astype(float)[based] for code in range(1, codes.max() + 1)}
        made[name] = Data(
            spending=spending[based],
            outcomes={outcome: grid(outcome, years + 1)[based] for outcome in OUTCOMES},
            children=grid("children", years + 1).mean(axis=1)[based],
            lasting={"deprivation": grid("deprivation", years + 1)[based, 0], **indicators},
            spent_in=years,
            second=grid(one["second"], years)[based] if "second" in one else None,
            groups=codes[based],
        )
    return made


def rung_of(said_of: Mapping[str, Any], data: Data) -> Rung:
    """A rung of the plan; `region` by year is an indicator of every region but one by year."""
    regions = tuple(name for name in data.lasting if name.startswith("region "))
    by_year = tuple(name for one in said_of.get("by_year", ()) for name in (regions if one == "region" else (one,)))
    return Rung(**{**said_of, "by_year": by_year})


# ---------------------------------------------------------------- worlds in which neighbours move together
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Waves(World):
    """A world whose outcomes are waves by group and what is left.

    Parameters
    ----------
    waves : outcome → shape (groups, years); `noise` is what is left of each authority.
    second, second_spoilt : another record repaired, and recorded ÷ repaired; shape (authorities, years), None where there is none.
    """

    waves: Mapping[str, Grid]
    second: Grid | None = None
    second_spoilt: Grid | None = None

    def permute(self, rng: np.random.Generator) -> Data:
        """One panel without an effect."""
        assert self.data.groups is not None
        own = np.arange(len(self.truth))
        for stratum in np.unique(self.strata):
            here = np.flatnonzero(self.strata == stratum)
            own[here] = rng.permutation(here)
        order = rng.permutation(len(self.truth))
        count = int(self.data.groups.max()) + 1
        turn, sign = rng.permutation(count), rng.choice([-1.0, 1.0], size=count)
        outcomes = {name: one[own] + (sign[:, None] * self.waves[name][turn])[self.data.groups] for name, one in self.noise.items()}
        second = None if self.second is None or self.second_spoilt is None else self.second * self.second_spoilt[order]
        return replace(self.data, spending=self.truth * self.spoilt[order], second=second, outcomes=outcomes)


def waves(data: Data, jump: float, fifths: int) -> Waves:
    """The world of `ladder.world`, its residuals parted into regions' means and the rest."""
    plain = world(data, jump, fifths)
    groups = data.groups
    assert groups is not None
    ways = {name: np.array([one[groups == code].mean(axis=0) for code in range(int(groups.max()) + 1)]) for name, one in plain.noise.items()}
    rest = {name: one - ways[name][groups] for name, one in plain.noise.items()}
    second = None if data.second is None else world(replace(data, spending=data.second, second=None), jump, fifths).truth
    kept = {one.name: getattr(plain, one.name) for one in fields(World)}
    spoilt = None if second is None or data.second is None else data.second / second
    return Waves(**{**kept, "noise": rest}, waves=ways, second=second, second_spoilt=spoilt)


# ---------------------------------------------------------------- blinded
def worlds_of(data: Data, plan: Mapping[str, Any]) -> dict[str, Waves]:
    return {f"{jump:g}": waves(data, jump, plan["fifths"]) for jump in plan["worlds"]}


def of_record(plan: Mapping[str, Any], record: str, key: str = "rungs") -> list[dict[str, Any]]:
    return [one for one in plan[key] if plan["families"][one["family"]]["record"] == record]


def blinded(record: str, data: Data, plan: Mapping[str, Any]) -> dict[str, Any]:
    """Everything of one record that is known before the outcome is unblinded."""
    rungs = [rung_of(one, data) for one in of_record(plan, record)]
    spent = series(data.spending)
    noise = blind(data, spent)
    answers, worlds = Answers(data, spent, noise), worlds_of(data, plan)
    draws = {name: simulate(rungs, one, panels=plan["panels"], seed=plan["seed"], name=f"{record} {name}") for name, one in worlds.items()}
    main = next(iter(worlds))
    out: dict[str, Any] = {}
    for rung in rungs:
        seen, kept = answers.answer(rung, noise[rung.outcome][None]), float(draws[main][rung.name].each.mean())
        claimed = float(reach(seen.df) * seen.errors[0])
        out[rung.name] = {
            "family": rung.family,
            "title": rung.title,
            "rows": seen.rows,
            "authorities": seen.authorities,
            "claimed": claimed,
            "foreseen": claimed / kept,
            "worlds": {name: told(one[rung.name], 1.0, plan["ambition"]) for name, one in draws.items()},
        }
    for one in of_record(plan, record, "counts_rungs"):
        rung, rates = rung_of(one, data), whole(data.outcomes["plans"])
        at = replace(worlds[main], waves={name: way / rates.mean() for name, way in worlds[main].waves.items()})
        treatment = doses(rung, spent)[1]
        known = ~np.isnan(treatment) & ~np.isnan(data.outcomes["plans"])
        shown = simulate_counts(rung, at, rates, panels=plan["counts"], seed=plan["seed"], ambition=plan["ambition"])
        about = {"rows": int(known.sum()), "authorities": int(known.any(axis=1).sum())}
        out[rung.name] = {"family": rung.family, "title": rung.title, **about, "worlds": {main: shown}}
    both = {name: float((worlds[main].waves[name] ** 2).mean() / (noise[name] ** 2).mean()) for name in OUTCOMES}
    return {
        "rungs": out,
        "families": {family: chosen_of(family, out, draws, plan) for family in dict.fromkeys(rung.family for rung in rungs)},
        "waves": both,
        "switches": {name: int((np.abs(one.spoilt - 1) > 1e-9).any(axis=1).sum()) for name, one in worlds.items()},
    }


def confirmed(record: str, data: Data, plan: Mapping[str, Any], known: Mapping[str, Any]) -> dict[str, Any]:
    """The eligible rungs on fresh panels, which take the place of the first ones in all that is said of them."""
    names = [name for one in known["families"].values() for name in one["eligible"]]
    rungs = [rung_of(one, data) for one in of_record(plan, record) if one["name"] in names]
    draws = {
        name: simulate(rungs, one, panels=plan["confirm"], seed=plan["seed"], name=f"{record} {name} again") for name, one in worlds_of(data, plan).items()
    }
    out, main = dict(known["rungs"]), next(iter(draws))
    for rung in rungs:
        first, kept = known["rungs"][rung.name], float(draws[main][rung.name].each.mean())
        again = {name: told(one[rung.name], 1.0, plan["ambition"]) for name, one in draws.items()}
        out[rung.name] = {**first, "foreseen": first["claimed"] / kept, "worlds": again, "first": first["worlds"], "confirmed": True}
    chosen = {family: chosen_of(family, out, draws, plan) if one["eligible"] else one for family, one in known["families"].items()}
    return {**known, "rungs": out, "families": chosen}


# ---------------------------------------------------------------- once, unblinded
def unblinded(record: str, data: Data, plan: Mapping[str, Any]) -> dict[str, Any]:
    """Every rung's estimate on the real outcome; shocks and precision are still those of the blinded one."""
    spent = series(data.spending)
    answers, out = Answers(data, spent, blind(data, spent)), {}
    for one in (*of_record(plan, record), *of_record(plan, record, "counts_rungs")):
        rung = rung_of(one, data)
        if one in plan["rungs"]:
            fit, rate = answers.answer(rung, np.nan_to_num(data.outcomes[rung.outcome])[None]), None
        else:
            exposure = np.tile((data.children / data.children.mean())[:, None], (1, data.spending.shape[1]))
            fit = poisson(data.outcomes["plans"], exposure, doses(rung, spent)[1])
            rate = float(np.average(whole(data.outcomes["plans"]), weights=exposure))
        half = float(stats.t.ppf(0.975, fit.df) * fit.errors[0])
        ends = [float(fit.slopes[0]) + way * half for way in (0, -1, 1)]
        effect, lower, upper = ends if rate is None else (rate * float(np.expm1(end)) for end in ends)
        out[rung.name] = {"effect": effect, "lower": lower, "upper": upper, "df": fit.df, "rows": fit.rows, "authorities": fit.authorities}
    return out


# ---------------------------------------------------------------- the page
def page(plan: Mapping[str, Any], known: Mapping[str, Any], found: Mapping[str, Any]) -> str:
    """ladder_2025.md."""
    rungs, families, main = known["rungs"], known["families"], f"{plan['worlds'][0]:g}"
    ambition = plan["ambition"]

    def smallest(name: str) -> float:
        value = rungs[name]["worlds"][main]["detectable"]
        return float("inf") if value is None else float(value)

    chosen = {family: one["chosen"] for family, one in families.items() if one["chosen"]}
    honest = {family: name for family, name in chosen.items() if families[family]["in_all_worlds"] and plan["families"][family]["unit"] == "plans per 10,000"}
    best = min(honest, key=lambda family: smallest(honest[family]), default=None)
    primary = next(family for family, about in plan["families"].items() if about.get("primary"))
    out = ["# How small an effect could England's files to 2025 have shown?\n"]
    lines = []
    if primary in chosen:
        one = found[chosen[primary]]
        lines.append(
            f"**The answer to the first question.** Losing half of 2010-11 spending on centres is estimated to move plans a year later "
            f"{said(one, 'children per 10,000', 'losing it')}. "
            f"The design would have found a true effect of {number(smallest(chosen[primary]))} in four of five panels."
        )
    everywhere = [name for one in families.values() if one["in_all_worlds"] for name in one["eligible"]]
    sharp = [name for name in everywhere if plan["families"][rungs[name]["family"]]["unit"] == "plans per 10,000"]
    if best is not None and sharp:
        sharpest = min(sharp, key=smallest)
        about = plan["families"][rungs[sharpest]["family"]]["title"]
        lines.append(
            f"**The lowest honest figure** for plans: a true effect of {number(smallest(sharpest))} per 10,000 is found in four of five panels ({about}; "
            f"{rungs[sharpest]['title'].removeprefix('… ')}), by intervals that hold whichever jumps are errors; {number(ambition)} was hoped for and is "
            f"{'reached' if smallest(sharpest) <= ambition else 'not reached'}. Of the rungs that the rule chose, by what the blinded outcome foresees, the "
            f"sharpest finds {number(smallest(honest[best]))} ({rungs[honest[best]]['title'].removeprefix('… ')})."
        )
    else:
        lines.append("**No rung's intervals hold in all worlds**: none of these designs is honest whichever jumps in recorded spending are errors.")
    share = known["waves"]["centres"]["plans"]
    lines.append(
        f"**Neighbours.** Waves by region are {100 * share:.0f} % of what authority and year leave of plans to 2020 and "
        f"{100 * known['waves']['total']['plans']:.0f} % to 2025; simulated panels keep them, and the columns of coverage show which errors allow for them."
    )
    costs = {
        family: min(one["after_choosing"][main][at]["coverage"] for at in ("at_none", "at_detectable"))
        for family, one in families.items()
        if one["after_choosing"]
    }
    worst = min(costs, key=lambda family: costs[family])
    lines.append(
        f"**Choosing** has its price: the intervals of what each simulated panel chose hold the truth least often, in {100 * costs[worst]:.0f} %, for "
        f"“{plan['families'][worst]['title']}”, where errors by region and by authority stand for choice and the smaller is taken."
        if "grouped" in str(chosen.get(worst))
        else f"**Choosing** costs little: the intervals of what each simulated panel chose hold the truth in {100 * costs[worst]:.0f} % or more."
    )
    out += [f"{i}. {line}" for i, line in enumerate(lines, 1)]
    alt = "Every rung: the smallest true effect it finds in four of five panels, and its estimate with interval; the numbers are in the table below"
    out.append(f"\n![{alt}](ladder_2025.png)\n")
    apart = [name for name, one in found.items() if one["lower"] > 0 or one["upper"] < 0]
    out.append(f"Of {len(found)} intervals {len(apart)} leave{'s' if len(apart) == 1 else ''} out 0{' (' + ', '.join(apart) + ')' if apart else ''}.\n")
    out.append("## What each family chose\n")
    rows = []
    for family, about in plan["families"].items():
        name = chosen.get(family)
        if name is None:
            rows.append([about["title"], "none eligible" if family in families else "one rung, not ranked", "–", "–", "–", "–"])
            continue
        after = families[family]["after_choosing"][main]
        held = f"{cover(after['at_none'])}; {cover(after['at_detectable'])}"
        hold = "all" if families[family]["in_all_worlds"] else "the main one alone"
        rows.append(
            [about["title"], rungs[name]["title"], hold, number(smallest(name)), held, f"{number(found[name]['effect'], 1, True)} ({between(found[name])})"]
        )
    out.append(table(["question", "chosen", "coverage holds in worlds", "finds", "coverage after choosing (no effect; detectable)", "estimate"], rows) + "\n")
    out.append("## Every rung\n")
    out.append(
        f"Detectable: the effect of *true* spending found at the 5 % level in 80 % of {plan['panels']:,} panels ({plan['confirm']:,} fresh ones for rungs "
        f"marked †, {plan['counts']} for Poisson) where switches beyond {main} are errors, ± Monte Carlo error; in the columns after it where those beyond the "
        "other limits are. Claimed: what the rung would say of itself. Kept: the share of a true effect that its estimate shows. Coverage of 95 % intervals, "
        "for no effect and for the detectable one; ✗ where the exact 99.9 % interval misses 92 to 98. **Bold**: chosen.\n"
    )
    others = [f"{jump:g}" for jump in plan["worlds"][1:]]
    for family, about in plan["families"].items():
        out.append(f"**{about['title']}**, {about['unit']}\n")
        rows = []
        for name, one in rungs.items():
            if one["family"] != family:
                continue
            at, answer, bold = one["worlds"][main], found[name], "**" if chosen.get(family) == name else ""
            rest = []
            for jump in others:
                there = one["worlds"].get(jump)
                rest.append("–" if there is None else f"{number(there['detectable'])} ({cover(there['at_none'])}; {cover(there['at_detectable'])})")
            rows.append(
                [
                    f"{bold}{one['title']}{bold}{' †' if one.get('confirmed') else ''}",
                    f"{answer['rows']:,} / {answer['authorities']}",
                    number(one.get("claimed")),
                    number(at["kept"], 2),
                    f"{bold}{number(at['detectable'])}{bold} ± {number(at['error'], 2)}",
                    f"{cover(at['at_none'])}; {cover(at['at_detectable'])}",
                    *rest,
                    f"{number(answer['effect'], 1, True)} ({between(answer)})",
                ]
            )
        head = ["rung", "rows / authorities", "claimed", "kept", f"detectable, {main}", "coverage", *(f"if beyond {jump}" for jump in others), "estimate"]
        out.append(table(head, rows) + "\n")
    out.append("## What it rests on\n")
    switches = {record: ", ".join(f"{count} beyond {jump}" for jump, count in one.items()) for record, one in known["switches"].items()}
    out.append(
        f"- Authorities with switches in recorded spending: centres' lines {switches['centres']}; the early-years total {switches['total']}. The total is in "
        "each year's money: of a logarithm the year effects take prices out.\n"
        "- The early-years total holds more than centres (other spending on under-fives), and until 2011-12 centres' lines are the total: as an instrument for "
        "the centres' lines it mends only errors that both do not share. Its own family has another treatment.\n"
        "- Rates are on the population rebased on Census 2021. *Region × year*: authorities are compared within regions. *Errors by region*: nine groups, "
        "eight degrees of freedom.\n"
        "- All: nothing else that changes over time within what is compared moves spending and, a year later, plans; plans do not move later spending; the "
        "effect is alike everywhere and straight in the dose. `ladder.md` has what the other words mean.\n"
        f"- {SMALLEST:g} per 10,000 is the smallest rise that the experiments take to matter.\n"
    )
    out.append("## Protocol\n")
    out.append(
        "`ladder_2025.yaml` was committed before any result, the blinded results (`ladder_2025.json`) before the outcome was unblinded, once. The rule:\n"
    )
    out += [f"- *{name.replace('_', ' ')}*: {' '.join(str(text).split())}." for name, text in plan["rule"].items()]
    out.append("\nMade by `python benchmarks/ladder_2025.py OLD NEW`, then `… --confirm` (both blinded), then `… --unblind`.")
    return "\n".join(out) + "\n"


def main(words: Sequence[str] | None = None) -> None:
    given = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    given.add_argument("folders", nargs=2)
    given.add_argument("--confirm", action="store_true")
    given.add_argument("--unblind", action="store_true")
    given.add_argument("--panels", type=int, help="fewer, for a trial")
    given.add_argument("--to", type=Path, default=HERE, help="where the results go")
    asked = given.parse_args(words)
    plan = yaml.safe_load((HERE / "ladder_2025.yaml").read_text(encoding="utf-8"))
    if asked.panels:
        plan |= {"panels": asked.panels, "confirm": 2 * asked.panels, "counts": max(asked.panels // 5, 2)}
    records, path = load(asked.folders, plan), asked.to / "ladder_2025.json"
    if not (asked.confirm or asked.unblind):
        keep(path, together({record: blinded(record, data, plan) for record, data in records.items()}))
    if asked.confirm:
        known = json.loads(path.read_text(encoding="utf-8"))
        keep(path, together({record: confirmed(record, data, plan, apart(known, record, plan)) for record, data in records.items()}))
    if asked.unblind:
        written(
            plan,
            json.loads(path.read_text(encoding="utf-8")),
            {name: one for record, data in records.items() for name, one in unblinded(record, data, plan).items()},
            asked.to,
        )


def together(made: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """One record of results for both records of spending."""
    joined: dict[str, Any] = {key: {name: one for result in made.values() for name, one in result[key].items()} for key in ("rungs", "families")}
    return joined | {key: {record: result[key] for record, result in made.items()} for key in ("waves", "switches")}


def apart(known: Mapping[str, Any], record: str, plan: Mapping[str, Any]) -> dict[str, Any]:
    """The results of one record of spending."""
    mine = {family for family, about in plan["families"].items() if about["record"] == record}
    rungs = {name: one for name, one in known["rungs"].items() if one["family"] in mine}
    families = {name: one for name, one in known["families"].items() if name in mine}
    return {"rungs": rungs, "families": families, "waves": known["waves"][record], "switches": known["switches"][record]}


def written(plan: Mapping[str, Any], known: Mapping[str, Any], found: Mapping[str, Any], to: Path) -> None:
    """Both files."""
    drawn(plan, known, found, to / "ladder_2025.png", tuple(plan["families"]), tuple(known["families"]))
    (to / "ladder_2025.md").write_text(page(plan, known, found), encoding="utf-8")


if __name__ == "__main__":
    main()
