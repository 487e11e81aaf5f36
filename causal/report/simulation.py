"""What came of planted effects: how far off, how often covered, found and falsely alarmed, and what the verdict said against what was true."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from causal.panel import Panel
from causal.study import Study
from causal.words import count

SCHEMA = 1
ASKS = "Would this design have found it?"
# which findings say which way, and which say none (docs/method.md, section 4)
SAYS = ("probably", "may")
ORDER = ("probably", "may", "unlikely_otherwise", "little_or_none", "cannot_tell", "no_interval", "association", "failed_checks", "not_identified")
WORDS = {
    "probably": "probably",
    "may": "may have",
    "unlikely_otherwise": "an important change the other way is unlikely",
    "little_or_none": "little or no difference",
    "cannot_tell": "cannot tell",
    "no_interval": "no interval",
    "association": "association only",
    "failed_checks": "did not survive its checks",
    "not_identified": "not identified",
}


def table(study: Study, done: Sequence[Mapping[str, Any]], *, wanted: Sequence[float], panels: int, worlds: str, panel: Panel) -> dict[str, Any]:
    """The record of a simulation, as plain values for JSON.

    done : one line a panel: planted, draw, truth, and either `refused` or effect, std_error, lower, upper, finding, direction, checks.
    """
    return {
        "schema_version": SCHEMA,
        "title": study.title,
        "action": study.action,
        "estimator": study.estimator.name,
        "panel": panel.title,
        "worlds": worlds,
        "panels": panels,
        "outcome": study.question.outcome,
        "unit": panel.variable(study.question.outcome).unit,
        "smallest_important": study.question.smallest_important,
        "level": study.question.level,
        "seed": study.seed,
        "effects": [_effect(study, effect, [one for one in done if one["planted"] == effect]) for effect in wanted],
    }


def _effect(study: Study, planted: float, lines: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """One planted effect."""
    made = [one for one in lines if "refused" not in one]
    refused = Counter(str(one["refused"]) for one in lines if "refused" in one)
    truth = float(np.mean([one["truth"] for one in lines]))
    record: dict[str, Any] = {"planted": planted, "truth": truth, "panels": len(made), "refused": dict(sorted(refused.items()))}
    if len(made) < 2:
        return record
    smallest = study.question.smallest_important
    off = np.array([one["effect"] - one["truth"] for one in made])
    sure = [one for one in made if one["lower"] is not None and one["upper"] is not None]
    errors = [one["std_error"] for one in made if one["std_error"] is not None]
    says = [one for one in made if one["finding"] in SAYS]
    wrong_way = sum((one["direction"] == "increase") != (one["truth"] > 0) for one in says)
    return record | {
        "bias": float(off.mean()),
        "bias_error": float(off.std(ddof=1) / np.sqrt(len(off))),
        "sampling_sd": float(off.std(ddof=1)),
        "mean_std_error": float(np.mean(errors)) if errors else None,
        "coverage": _share(sum(one["lower"] <= one["truth"] <= one["upper"] for one in sure), len(sure)),
        "excludes_zero": _share(sum(not one["lower"] <= 0 <= one["upper"] for one in sure), len(sure)),
        "findings": {name: number for name in ORDER if (number := sum(one["finding"] == name for one in made))},
        "said_an_effect_of_none": _share(len(says), len(made)) if abs(truth) <= 1e-9 else None,
        "said_the_wrong_way": _share(wrong_way, len(made)) if abs(truth) > 1e-9 else None,
        "said_little_or_none_of_an_important_one": _share(sum(one["finding"] == "little_or_none" for one in made), len(made))
        if abs(truth) >= smallest
        else None,
        "checks": {name: _check([one["checks"].get(name) for one in made]) for name in study.refuters},
    }


def _share(k: int, n: int) -> dict[str, float] | None:
    """A share with its exact 95 % interval (Clopper & Pearson 1934)."""
    from scipy import stats

    if not n:
        return None
    low, high = stats.binomtest(k, n).proportion_ci(0.95)
    return {"of": n, "share": k / n, "lower": float(low), "upper": float(high)}


def _check(states: Sequence[bool | None]) -> dict[str, Any]:
    ran = [state for state in states if state is not None]
    return {"not_run": len(states) - len(ran), "alarms": _share(sum(state is False for state in ran), len(ran))}


def sections(record: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The record in words: title, heads, rows of cells, and sentences, for text and page alike."""
    estimates = []
    for one in record["effects"]:
        true = f"{one['truth']:+.3g}"
        if "bias" not in one:
            estimates.append([true, str(one["panels"]), "refused", "", "", "", ""])
            continue
        error = "none" if one["mean_std_error"] is None else f"{one['mean_std_error']:.3g}"
        bias = f"{one['bias']:+.3g} ± {one['bias_error']:.2g}"
        estimates.append([true, str(one["panels"]), bias, f"{one['sampling_sd']:.3g}", error, _said(one["coverage"]), _said(one["excludes_zero"])])
    heads = ["true effect", "panels", "bias ± Monte Carlo error", "sampling sd", "mean standard error", "intervals that hold the truth"]
    made = [{"title": "The estimate", "heads": [*heads, "intervals that leave out 0"], "rows": estimates, "said": []}]
    seen = [name for name in ORDER if any(name in one.get("findings", {}) for one in record["effects"])]
    found = [[f"{one['truth']:+.3g}", *(str(one["findings"].get(name, 0)) for name in seen)] for one in record["effects"] if one.get("findings")]
    errors = {
        "said_an_effect_of_none": "“increased” or “reduced”, probably or maybe, where there is no effect",
        "said_the_wrong_way": "“increased” where it reduces, or the other way round",
        "said_little_or_none_of_an_important_one": "“little or no difference” where the effect is important",
    }
    wrong = [f"True effect {one['truth']:+.3g}: {words}: {_said(one[key])}." for key, words in errors.items() for one in record["effects"] if one.get(key)]
    made.append({"title": "What the verdict said, and its errors", "heads": ["true effect", *(WORDS[name] for name in seen)], "rows": found, "said": wrong})
    known = [one for one in record["effects"] if "checks" in one]
    names = list(known[0]["checks"]) if known else []
    if names:
        alarms = [[name, *(_said(one["checks"][name]["alarms"]) + _lacking(one["checks"][name]["not_run"]) for one in known)] for name in names]
        why = "A planted effect leaves the panel's own faults in place: an alarm may be the check's error, or a fault of the panel that it rightly sees."
        heads = ["check", *(f"true effect {one['truth']:+.3g}" for one in known)]
        made.append({"title": "Alarms of the checks", "heads": heads, "rows": alarms, "said": [why]})
    if refused := sorted({reason for one in record["effects"] for reason in one["refused"]}):
        made.append({"title": "Refused", "heads": [], "rows": [], "said": refused})
    return made


def lead(record: Mapping[str, Any]) -> str:
    """What was done, in a sentence."""
    where = "the study's own panel, its effect taken out" if record["worlds"] == "panel" else "panels drawn anew from the source"
    return (
        f"{record['action']}: planted in {where} ({record['panel']}), {count(record['panels'], 'panel')} for each effect; estimator {record['estimator']}; "
        f"{record['outcome']} in {record['unit']}; smallest important effect {record['smallest_important']:g}; seed {record['seed']}."
    )


def told(record: Mapping[str, Any]) -> str:
    """The record as Markdown."""
    lines = [f"# {ASKS} {record['title']}", "", lead(record)]
    for one in sections(record):
        lines += ["", f"## {one['title']}", ""]
        if one["heads"]:
            lines += [f"| {' | '.join(one['heads'])} |", "|---" * len(one["heads"]) + "|", *(f"| {' | '.join(row)} |" for row in one["rows"]), ""]
        lines += [f"- {sentence}" for sentence in one["said"]]
    return "\n".join(lines).rstrip()


def page(record: Mapping[str, Any]) -> str:
    """The record as a page of its own."""
    from causal.report.parts import render
    from causal.report.parts import table as as_table

    made = [
        {
            "title": one["title"],
            "said": one["said"],
            "table": as_table(one["title"], one["heads"], one["rows"], numbers=one["heads"][1:]) if one["heads"] else None,
        }
        for one in sections(record)
    ]
    files = (("simulation.md", "the same as text"), ("simulation.json", "the same for machines"), ("draws.jsonl", "one line a panel"))
    return render("simulation.html", {"title": record["title"], "asks": ASKS, "lead": lead(record), "sections": made, "files": files})


def _said(share: Mapping[str, float] | None) -> str:
    return "–" if share is None else f"{share['share']:.1%} ({share['lower']:.1%} to {share['upper']:.1%})"


def _lacking(number: int) -> str:
    return f", not run {number} times" if number else ""
