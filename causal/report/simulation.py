"""What came of planted effects: how far off, how often covered, found and falsely alarmed, and what the verdict said against what was true."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from causal.language import CERTAINTIES, NAMES
from causal.panel import Panel
from causal.report.summary import escaped
from causal.study import Study
from causal.verdict.rule import HIGH, LOW, MODERATE, ROWS, STEPS, holds
from causal.words import count

SCHEMA = 2
ASKS = "Would this design have found it?"
# what an answer says nothing about the effect by, in the order of the columns, after the rows of the verdict's table
SILENT = {
    "very_low": "too weak to say",
    "failed_checks": "failed its checks",
    "error_unknown": "error unknown",
    "no_interval": "no interval",
    "association": "association only",
    "not_identified": "not identified",
    "not_estimable": "not estimable",
}
ORDER = (*ROWS, *SILENT)
MODERATE_OR_ABOVE, LOW_OR_ABOVE = (MODERATE, HIGH), (LOW, MODERATE, HIGH)


def said_by(one: Mapping[str, Any]) -> str:
    """What a line's answer says: a row of the verdict's table where something is claimed, or why nothing is."""
    if one["gate"]:
        return str(one["gate"])
    if one["taken_away"]:
        return "failed_checks"
    if one["association"]:
        return "association"
    return str(one["row"]) if one["certainty"] or one["row"] == "both" else "very_low"


def false_sentence(one: Mapping[str, Any], smallest: float) -> bool:
    """Whether what a line's answer says is not so.

    Parameters
    ----------
    one : gate, taken_away, association, row, certainty and the truth.
    smallest : the smallest important effect.
    """
    said = said_by(one)
    return said in ROWS and not holds(said, one["truth"], smallest)


ERRORS = {
    "false_at_moderate_or_above": "a sentence that is not so, at moderate certainty or above",
    "false_at_low_or_above": "a sentence that is not so, at low certainty or above",
}


def table(study: Study, done: Sequence[Mapping[str, Any]], *, wanted: Sequence[float], panels: int, worlds: str, panel: Panel) -> dict[str, Any]:
    """The record of a simulation, as plain values for JSON.

    done : one line a panel: planted, draw, truth, and either `refused` or effect, std_error, lower, upper, gate, taken_away, association, row, certainty,
        checks.
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
    wrong = [one for one in made if false_sentence(one, smallest)]
    answers = [(said_by(one), one["certainty"]) for one in made]
    return record | {
        "bias": float(off.mean()),
        "bias_error": float(off.std(ddof=1) / np.sqrt(len(off))),
        "sampling_sd": float(off.std(ddof=1)),
        "mean_std_error": float(np.mean(errors)) if errors else None,
        "coverage": _share(sum(one["lower"] <= one["truth"] <= one["upper"] for one in sure), len(sure)),
        "excludes_zero": _share(sum(not one["lower"] <= 0 <= one["upper"] for one in sure), len(sure)),
        "answers": {name: number for name in ORDER if (number := sum(said == name for said, _ in answers))},
        "certainties": {name: sum(step == at for _, step in answers) for at, name in reversed(list(enumerate(STEPS)))},
        "false_at_moderate_or_above": _share(sum(one["certainty"] in MODERATE_OR_ABOVE for one in wrong), len(made)),
        "false_at_low_or_above": _share(sum(one["certainty"] in LOW_OR_ABOVE for one in wrong), len(made)),
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
    answered = [one for one in record["effects"] if one.get("answers")]
    seen = [name for name in ORDER if any(name in one["answers"] for one in answered)]
    found = [[f"{one['truth']:+.3g}", *(str(one["answers"].get(name, 0)) for name in seen)] for one in answered]
    wrong = [f"True effect {one['truth']:+.3g}: {words}: {_said(one[key])}." for key, words in ERRORS.items() for one in answered if one.get(key)]
    heads = ["true effect", *(SILENT.get(name) or NAMES[name].lower() for name in seen)]
    made.append({"title": "What the verdict said, and its errors", "heads": heads, "rows": found, "said": wrong})
    steps = [[f"{one['truth']:+.3g}", *map(str, one["certainties"].values())] for one in answered]
    made.append({"title": "How certain it was", "heads": ["true effect", *(CERTAINTIES[name].lower() for name in reversed(STEPS))], "rows": steps, "said": []})
    known = [one for one in record["effects"] if "checks" in one]
    names = list(known[0]["checks"]) if known else []
    if names:
        alarms = [[name, *(_said(one["checks"][name]["alarms"]) + _lacking(one["checks"][name]["not_run"]) for one in known)] for name in names]
        why = "A planted effect leaves the panel's own faults in place: an alarm may be the check's error, or a fault of the panel that it rightly sees."
        columns = ["check", *(f"true effect {one['truth']:+.3g}" for one in known)]
        made.append({"title": "Alarms of the checks", "heads": columns, "rows": alarms, "said": [why]})
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
    lines = [f"# {ASKS} {escaped(record['title'])}", "", escaped(lead(record))]
    for one in sections(record):
        lines += ["", f"## {one['title']}", ""]
        if one["heads"]:
            rows = [f"| {' | '.join(map(escaped, row))} |" for row in (one["heads"], *one["rows"])]
            lines += [rows[0], "|---" * len(one["heads"]) + "|", *rows[1:], ""]
        lines += [f"- {escaped(sentence)}" for sentence in one["said"]]
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
