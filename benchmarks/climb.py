"""What the ladder's results look like: ladder.md and ladder.png, made from the plan, what was known blinded, and the estimates."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.figure import Figure
from matplotlib.transforms import blended_transform_factory

from causal.report.figures.canvas import BLUE, GREY, ORANGE, PALE, STYLE

SMALLEST = 2.0  # per 10,000: what experiment=centre_spending takes for the smallest rise that matters
DRAWN = ("share", "log", "starts share", "starts log", "counts share", "counts log")  # families in plans or starts per 10,000
Told = Mapping[str, Any]


def number(value: float | None, digits: int = 1, signs: bool = False) -> str:
    """1.5, −1.5; a dash where there is none."""
    return "–" if value is None else f"{value:{'+' if signs else ''}.{digits}f}".replace("-", "−")


def every_world(one: Told) -> bool:
    """Whether a rung's intervals hold for no effect and for the one it detects, in every world that it was tried in."""
    return all(world[at]["holds"] for world in one["worlds"].values() for at in ("at_none", "at_detectable"))


def between(one: Told, digits: int = 1) -> str:
    return f"{number(one['lower'], digits, True)} to {number(one['upper'], digits, True)}"


def said(one: Told, what: str, more: str) -> str:
    """One sentence whose verb never contradicts the interval."""
    lower, upper = one["lower"], one["upper"]
    shown = f"by {number(one['effect'], 1, True)} {what} (95 % interval {between(one)})"
    if lower > 0:
        return f"{shown}: {more} increased them, if the assumptions below hold"
    if upper < 0:
        return f"{shown}: {more} reduced them, if the assumptions below hold"
    outside = f"rises of more than {number(upper)} and falls of more than {number(-lower)} lie outside the interval"
    return f"{shown}: from this it cannot be told whether {more} increased or reduced them; {outside}"


# ---------------------------------------------------------------- the figure
def drawn(plan: Told, known: Told, found: Told, path: Path, families: Sequence[str] = DRAWN, ranked: Sequence[str] = ("share", "log")) -> None:
    """Left: what each rung could have found, and what it would have claimed. Right: what it says. `ranked`: families whose chosen rung is marked."""
    rows: list[tuple[str, str | None]] = []
    for family in families:
        rows += [(plan["families"][family]["title"], None), *((one["title"], name) for name, one in known["rungs"].items() if one["family"] == family)]
    chosen = {one["chosen"] for name, one in known["families"].items() if name in ranked}
    with mpl.rc_context({**STYLE, "font.size": 8}):
        figure = Figure(figsize=(11.5, 0.235 * len(rows) + 1.3))
        left, right = figure.subplots(1, 2, sharey=True, gridspec_kw={"width_ratios": [1.15, 1], "wspace": 0.4})
        for y, (title, name) in enumerate(rows):
            if name is None:
                edge = blended_transform_factory(figure.transFigure, left.transData)
                left.text(0.01, y + 0.15, title, transform=edge, va="center", weight="bold", color=BLUE, bbox={"fc": "white", "ec": "none", "pad": 1})
                continue
            one, answer = known["rungs"][name], found[name]
            main, *others = one["worlds"].values()
            mark = " chosen" if name in chosen else ""
            left.text(-0.02, y, title, transform=left.get_yaxis_transform(), ha="right", va="center", weight="bold" if mark else "normal")
            if others and main["detectable"] is not None:
                ends = [world["detectable"] for world in (main, *others) if world["detectable"] is not None]
                left.plot([min(ends), max(ends)], [y, y], color=PALE, lw=2, zorder=1)
            if main["detectable"] is not None:
                left.plot(main["detectable"], y, "o", ms=6, mfc=PALE if not others else BLUE if every_world(one) else "white", mec=BLUE, zorder=3)
                left.text(8.1, y, f"{main['detectable']:.1f}{mark}", va="center", ha="left", color=BLUE, weight="bold" if mark else "normal")
            if one.get("claimed") is not None:
                left.plot(one["claimed"], y, "|", ms=8, mew=1.6, color=ORANGE, zorder=2)
            right.plot([answer["lower"], answer["upper"]], [y, y], color=BLUE if mark else GREY, lw=2.2 if mark else 1.1)
            right.plot(answer["effect"], y, "s" if mark else "o", ms=5 if mark else 3.5, color=BLUE if mark else GREY)
            right.text(8.2, y, f"{number(answer['effect'], 1, True)} ({between(answer)})", va="center", ha="left", color=BLUE if mark else GREY)
        left.axvline(plan["ambition"], color=GREY, lw=0.8, ls=":")
        left.text(plan["ambition"] - 0.1, -0.75, f"hoped for: {plan['ambition']:g}", ha="right", va="bottom", fontsize=7.5)
        right.axvline(0, color=GREY, lw=0.8)
        left.set(xlim=(0, 8), ylim=(len(rows) - 0.4, -0.8), yticks=[], xlabel="effect found in four of five panels, per 10,000")
        right.set(xlim=(-8, 8), xlabel="estimate, 95 % interval, per 10,000")
        keys = "● coverage holds whichever jumps are errors, ○ does not, grey disc: tried in one world only"
        keys += "\ngrey line: range over worlds; orange: as claimed, were spending recorded without error"
        figure.text(0.01, 1 - 0.25 / figure.get_figheight(), keys, va="center")
        for axes in (left, right):
            axes.spines[["top", "right", "left"]].set_visible(False)
            axes.tick_params(length=0)
        figure.subplots_adjust(left=0.425, right=0.855, top=1 - 0.55 / figure.get_figheight(), bottom=0.5 / figure.get_figheight())
        figure.savefig(path, dpi=150, metadata={"Software": None})


# ---------------------------------------------------------------- the page
def cover(one: Told) -> str:
    return f"{100 * one['coverage']:.0f} ± {100 * one['error']:.0f}{'' if one['holds'] else ' ✗'}"


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    return "\n".join("| " + " | ".join(row) + " |" for row in (head, ["---"] * len(head), *rows))


def page(plan: Told, known: Told, found: Told) -> str:
    """ladder.md."""
    rungs, noise, families = known["rungs"], known["noise"], known["families"]
    best, other = families["share"]["chosen"], families["log"]["chosen"]
    main = f"{plan['worlds'][0]:g}"
    first, second = rungs[best]["worlds"][main], rungs[other]["worlds"][main]
    span = [world["detectable"] for world in rungs[best]["worlds"].values()]
    spans = [world["detectable"] for world in rungs[other]["worlds"].values()]
    after = families["share"]["after_choosing"][main]
    lowest = min(rungs[best]["worlds"].items(), key=lambda pair: pair[1]["at_detectable"]["coverage"])
    sure = [name for name in families["share"]["eligible"] if min(one["at_detectable"]["coverage"] for one in rungs[name]["worlds"].values()) >= 0.94]
    sharpest = min(sure, key=lambda name: rungs[name]["foreseen"], default=best)
    upper = found[best]["upper"]
    matters = f" So does a rise of {SMALLEST:g}, the smallest that `experiment=centre_spending` takes to matter." if 0 < upper < SMALLEST else ""
    out = ["# How small an effect of cutting children's centres could these files have shown?\n"]
    out.append(
        f"1. **The answer.** With the design that was chosen before the outcome was looked at, an authority's losing half of what it spent on children's "
        f"centres in 2010-11 is estimated to move plans a year later "
        f"{said(found[best], 'children per 10,000', 'losing it')}.{matters}\n"
        f"2. **What it could have seen.** It would have found a true effect of {number(first['detectable'])} per 10,000 in four of five panels like this "
        f"one ({number(min(span))} to {number(max(span))} "
        f"depending on which jumps in recorded spending are taken for errors): {number(plan['ambition'])} was hoped for and is not reached.\n"
        f"3. **Another way of asking**, halving spending from wherever it stood, has another estimand and detects {number(second['detectable'])} "
        f"({number(min(spans))} to "
        f"{number(max(spans))}), and is estimated to move plans "
        f"{said(found[other], 'per 10,000', 'halving')}.\n"
        f"4. **Why not better.** The plain design seems to see {number(known['known']['recorded'])}, but much of what it compares are changes of how "
        f"spending was recorded, in {known['switches'][main]} of 148 authorities: if they "
        f"are errors it finds only true effects of {number(rungs['log plain']['worlds'][main]['detectable'])}, and its interval holds such an effect in "
        f"{100 * rungs['log plain']['worlds'][main]['at_detectable']['coverage']:.0f} % "
        f"of panels (if none is an error, {number(known['as_recorded']['log plain']['detectable'])}). The rest is the outcome: plans move by "
        f"{number(noise['residual_sd'])} per 10,000 within authorities and years, of which counting alone "
        f"is {number(noise['poisson_sd'])}.\n"
        f"5. **How far to trust it.** Rungs, rule and criteria were committed before, and every simulated panel made its own choice, with intervals that "
        f"hold the truth in {100 * after['at_none']['coverage']:.0f} % (no effect) and "
        f"{100 * after['at_detectable']['coverage']:.0f} % (the effect that it detects). Where errors are jumps beyond {lowest[0]} "
        f"the chosen rung's interval holds such an effect in only {100 * lowest[1]['at_detectable']['coverage']:.0f} %; the sharpest that holds 94 % or "
        f"more in all worlds ({sharpest}) "
        f"detects "
        f"{number(rungs[sharpest]['worlds'][main]['detectable'])} and finds {number(found[sharpest]['effect'], 1, True)} ({between(found[sharpest])}). But "
        f"earlier estimates on these files were seen by those who drew "
        f"the ladder up, and no design here removes a cause that "
        "moves spending and plans together.\n"
    )
    out.append(
        "![Every rung: the smallest true effect it finds in four of five panels, and its estimate with interval; the numbers are in the table "
        "below](ladder.png)\n"
    )
    apart = [name for name, one in found.items() if one["lower"] > 0 or one["upper"] < 0]
    told_apart = f" ({', '.join(apart)})" if apart else ""
    out.append(f"Of {len(found)} intervals {len(apart)} leave{'s' if len(apart) == 1 else ''} out 0{told_apart}.\n")
    out.append("## Every rung\n")
    out.append(
        f"Detectable: the effect of *true* spending found at the 5 % level in 80 % of {known['panels']:,} panels, ± Monte Carlo error, where switches "
        f"beyond {main} are errors ({known['confirm']:,} fresh panels for rungs marked †, which had passed on the first; {known['counts']} for Poisson). "
        "Claimed: what the rung would say of itself if spending were recorded without error. Kept: the share of a true effect that its estimate shows on "
        "average. Coverage: of 95 % intervals, for no effect and for the detectable one; ✗ where the exact 99.9 % interval misses 92 to 98. Floor: "
        "detectable "
        "if counting children were the only noise. **Bold**: chosen. *Ranked only within a family*: each has an estimand of its own.\n"
    )
    for family, about in plan["families"].items():
        mine = {name: one for name, one in rungs.items() if one["family"] == family}
        digits = 2 if family.startswith("index") else 1
        out.append(f"**{about['title']}**, {about['unit']}\n")
        rows = []
        for name, one in mine.items():
            world, answer = one["worlds"][main], found[name]
            bold = "**" if families.get(family, {}).get("chosen") == name and family in ("share", "log") else ""
            rows.append(
                [
                    f"{bold}{one['title']}{bold}{' †' if one.get('confirmed') else ''}",
                    f"{answer['rows']:,} / {answer['authorities']}",
                    number(one.get("claimed"), digits),
                    f"{number(world['kept'], 2)}",
                    f"{bold}{number(world['detectable'], digits)}{bold} ± {number(world['error'], digits + 1)}",
                    number(one.get("floor"), digits),
                    cover(world["at_none"]),
                    cover(world["at_detectable"]),
                    f"{number(answer['effect'], digits, True)} ({between(answer, digits)})",
                ]
            )
        out.append(
            table(["rung", "rows / authorities", "claimed", "kept", "detectable", "floor", "coverage, none", "coverage, detectable", "estimate"], rows) + "\n"
        )
    out.append("## If other jumps are the errors\n")
    out.append(
        "Detectable effect and coverage (no effect; detectable effect) where switches beyond 1.0, 1.5 or 0.7 in the logarithm are errors: "
        + ", ".join(f"{count} authorities beyond {jump}" for jump, count in known["switches"].items())
        + ".\n"
    )
    rows = []
    for name, one in rungs.items():
        if len(one["worlds"]) > 1:
            digits = 2 if one["family"].startswith("index") else 1
            cells = [f"{number(w['detectable'], digits)} ({cover(w['at_none'])}; {cover(w['at_detectable'])})" for w in one["worlds"].values()]
            rows.append([name, *cells, "yes" if every_world(one) else "no, on fresh panels" if one.get("confirmed") else "no"])
    out.append(table(["rung", *(f"beyond {jump}" for jump in rungs[best]["worlds"]), "eligible"], rows) + "\n")
    rows = [
        [name, number(one["detectable"]), number(one["kept"], 2), cover(one["at_none"]), cover(one["at_detectable"])]
        for name, one in known["as_recorded"].items()
    ]
    out.append("If no jump is an error, and recorded spending is what was spent:\n")
    out.append(table(["rung", "detectable", "kept", "coverage, none", "coverage, detectable"], rows) + "\n")
    out.append("## Choosing, in the loop\n")
    out.append("Every simulated panel chose its own rung from its own blinded outcome; coverage and power are those of the rung that it chose.\n")
    rows = []
    for family in ("share", "log"):
        for jump, one in families[family]["after_choosing"].items():
            often = ", ".join(f"{name} {100 * part:.0f} %" for name, part in sorted(one["chosen"].items(), key=lambda pair: -pair[1])[:3])
            rows.append(
                [family, jump, number(one["detectable"]), cover(one["at_none"]), cover(one["at_detectable"]), f"{100 * one['power_at_ambition']:.0f} %", often]
            )
    out.append(
        table(["family", "errors beyond", "detectable", "coverage, none", "coverage, detectable", f"power at {plan['ambition']:g}", "chosen (no effect)"], rows)
        + "\n"
    )
    out.append("## The set-up against what was known\n")
    k = known["known"]
    rows = [
        ["recorded spending, all with a logarithm", "1.7", number(k["recorded"])],
        ["without authorities with switches", "3.0 to 3.2", number(k["without authorities with switches"])],
        *(
            [f"switches beyond {j} repaired, simply (the year's median change)", old, number(k[f"repaired simply beyond {j}"])]
            for j, old in (("1.5", "2.7"), ("1", "3.4"), ("0.7", "3.6"))
        ),
        *([f"… by the toolkit's own repair, beyond {j}", "", number(k[f"repaired beyond {j}"])] for j in ("1.5", "1", "0.7")),
        *(
            [
                f"true effect that recorded spending finds, if switches beyond {j} are errors (simple repair)",
                old,
                number(k[f"recorded, if switches beyond {j} are error (repaired simply)"]),
            ]
            for j, old in (("1.5", "3.4"), ("1", "4.5"), ("0.7", "7.1"))
        ),
        *([f"… by the toolkit's own repair, beyond {j}", "", number(k[f"recorded, if switches beyond {j} are error (repaired)"])] for j in ("1.5", "1", "0.7")),
    ]
    out.append("The plain design, log of spending, lag one year, outcomes 2012 to 2019, 2.8 standard errors (CR1), plans per 10,000.\n")
    out.append(table(["", "known before", "here"], rows) + "\n")
    off = sorted(100 * (1 - k[f"repaired simply beyond {j}"] / old) for j, old in (("1.5", 2.7), ("1", 3.4), ("0.7", 3.6)))
    out.append(f"After repair the detectable effects are {off[0]:.0f} to {off[-1]:.0f} % below those known before, whose exact repair is not on record.\n")
    out.append("## What each rung assumes\n")
    shocks = ", ".join(number(one, 2) for one in noise["autocorrelation"][1:4])
    index = ", ".join(f"{name} {number(part, 2)}" for name, part in known["index"]["parts"].items())
    out.append(
        "- All: authority and year effects add up; nothing else that changes over time moves spending and, a year later, plans; plans do not move later "
        "spending; the effect is alike everywhere and straight in the dose. "
        "Weighing and whitening change whose change counts most, not the estimand, only because the effect is taken as alike.\n"
        "- Dose *share*: spending per child at 2017-18 prices ÷ its value of 2010-11, 0 allowed; no authority at £20 per child or less in 2010-11, none "
        "above twice 2010-11 later. Dose *log*: rows above the guard (0, £5 or £20). "
        "The dose is that of the year before the outcome; outcomes begin in 2011-12 and end in 2018-19 or 2019-20, which is all that spending of 2010-11 to "
        "2018-19 can explain: no lag is filled in at the edge.\n"
        "- *Repaired beyond x*: a change of the logarithm of more than x, or to 0, is an error of recording; time away of at most two years is put on a "
        "straight line, a lasting switch grows as the median of the others. "
        "*Without*: no authority with a change beyond 1.0 or £2 per child or less. *Corrected*: the recorded dose is the instrument of the repaired one.\n"
        f"- *Whitened*: an authority's shocks are correlated as an autoregression with white noise, learnt from the blinded residuals ({shocks} at one, "
        f"two, three years). *Weighted*: by the precision of an authority "
        f"of its size ({number(noise['weights'][0], 2)} to {number(noise['weights'][1], 2)} for the 5th and 95th percentile). Errors are clustered (CR2, "
        f"Satterthwaite) and lean on neither.\n"
        "- *Deprivation × year*, *starts of 2009-10 × year*, *child poverty and spending power two years before*: dated before the dose.\n"
        f"- Related outcomes together: each in residual standard deviations, the same effect in each; parts of the least-varying sum: {index}. One unit is "
        f"{number(known['index']['residual_sd']['plans'])} plans per 10,000, if plans move as the others do.\n"
        "- Several releases: plan starts were never revised, plans by 0.1 % of England's total at most after their first release (one authority by 12 % in "
        "one year), so that a second release is no second measurement, and no rung.\n"
    )
    out.append("## Protocol\n")
    out.append(
        "`ladder.yaml` holds rungs, rule and criteria; it and the blinded results (`ladder.json`) were committed before the outcome was unblinded, once. "
        "The rule:\n"
    )
    out += [f"- *{name.replace('_', ' ')}*: {' '.join(str(text).split())}." for name, text in plan["rule"].items()]
    out.append(
        "\nMade by `python benchmarks/ladder.py FOLDER` and `… --confirm` (blinded; about ten and six processor minutes), then `… --unblind` (seconds); "
        "FOLDER holds "
        "England's published files (`causal fetch` says which). The tests of the program are in `tests/test_ladder.py`."
    )
    return "\n".join(out) + "\n"


def written(plan: Told, known: Told, found: Told, to: Path) -> None:
    """Both files."""
    drawn(plan, known, found, to / "ladder.png")
    (to / "ladder.md").write_text(page(plan, known, found), encoding="utf-8")
