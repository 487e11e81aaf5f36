"""Several estimates of one question on one axis: grouped by whose effect each is, each beside the one that gives the answer.

The answer is that of one estimate, chosen by rule before any is looked at: the toolkit's default estimator where it is among them, or the first that was
run and is no association. The others may lower its certainty and never raise it. What could explain a difference is named from what the estimates are
(what each holds fixed, how each averages, whether it is made from yearly changes) and not from how they came out.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from causal.estimand import Estimand
from causal.report.figures.differences import LEVEL, differs
from causal.report.figures.hero import FAR, mark_of
from causal.report.figures.strip import Axis, Line, mark, scale, sides, strip, ticks
from causal.report.first import subtitle
from causal.report.phrases import decimals, label, level, planted, rounding, variable, words
from causal.verdict.say import sign
from causal.words import capital, count, listed, signed, span

DEFAULT = "fixed_effects"  # of the toolkit's configuration: the estimator of whoever asks for none
TALL = 36  # pixels of a line: a name and what is under it
MOST_NAMES = 3  # that a title names
Run = tuple[Mapping[str, Any], str]
# comparison → its heading
COMPARED = {
    "within": "Each authority against itself over time",
    "pooled": "Authorities against one another and over time",
    "between": "Authorities against one another",
    "past_outcome": "Authorities alike in the outcome before",
    "history": "Authorities with the same history",
    "front_door": "By way of what lies between",
    "changes": "Each authority's change between two windows",
    "levels": "Authorities against one another, one window",
    "nothing": "Nothing held fixed",
}
# family → what it adds to the heading
REACH = {
    "adoption": "those that took it up",
    "dose": "by dose",
    "moved": "as far as an instrument moves it",
    "exposed": "as far as shared shocks move it",
    "kept_up": "kept up",
    "first_years": "soon after a change",
}
# estimator → its name for a reader, where its own is an abbreviation
CALLED = {
    "difference": "raw difference",
    "linear_dml": "double machine learning, linear",
    "sparse_linear_dml": "double machine learning, sparse linear",
    "kernel_dml": "double machine learning, kernel",
    "nonparam_dml": "double machine learning, nonparametric",
    "dynamic_dml": "dynamic double machine learning",
    "dml_iv": "double machine learning with an instrument",
    "ortho_iv": "orthogonal scores with an instrument",
    "dr_iv": "doubly robust with an instrument",
    "linear_dr": "doubly robust, linear",
    "forest_dr": "doubly robust forest",
    "dowhy_linear": "DoWhy, linear regression",
    "dowhy_glm": "DoWhy, generalised linear model",
    "first_difference": "first differences",
    "synthetic_did": "synthetic difference-in-differences",
    "continuous_did": "continuous difference-in-differences",
    "s_learner": "S-learner",
    "t_learner": "T-learner",
    "x_learner": "X-learner",
    "callaway_santanna": "Callaway and Sant'Anna",
    "sun_abraham": "Sun and Abraham",
}
LASTING = ("first_years", "kept_up", "adoption")  # families that follow a change over its years
# weighting → what counts, in a few words
COUNTS = {
    "residual_variance": "movers count most",
    "change_variance": "those that change most count most",
    "instrument_variance": "those moved most count most",
    "rows": "every authority-year alike",
    "people": "every person alike",
    "places": "every place alike",
    "treated_rows": "treated years alike",
    "years_since": "each year since alike",
    "treated_places": "treated places alike",
}


def primary(runs: Sequence[Run]) -> int | None:
    """Place of the run that gives the answer of a question; None where none has an estimate."""
    able = [i for i, (data, _) in enumerate(runs) if data["estimate"]]
    if not able:
        return None
    return min(able, key=lambda i: (runs[i][0]["estimate"]["association"], runs[i][0]["estimate"]["estimator"] != DEFAULT, _began(runs[i][0]), i))


def _began(data: Mapping[str, Any]) -> str:
    return str(((data["provenance"] or {}).get("times") or {}).get("started") or "")


def called(estimator: str) -> str:
    """An estimator's name for a reader."""
    return CALLED.get(estimator, words(estimator))


def heading(estimate: Mapping[str, Any]) -> str:
    """Who is compared with whom, for a reader; an older record's own words."""
    found = Estimand.read(estimate["estimand"])
    if isinstance(found, str):
        return capital(found)
    said = [COMPARED.get(found.comparison, capital(words(found.comparison)))]
    if found.family not in ("average", "association"):
        said.append(REACH.get(found.family, words(found.family)))
    if found.population == "treated":
        said.append("the treated")
    return ", ".join(said)


def aside(estimate: Mapping[str, Any], *, asked: bool) -> str:
    """What a group is beside the question; `asked` of the group that the answer is from."""
    conditioning = estimate.get("held") or {}
    if estimate["association"]:
        if conditioning and not any(conditioning.values()):
            return "A bare association."
        return "What lasts about a place is not held fixed: an association." if conditioning and not conditioning["authority"] else "An association."
    fixed = " What lasts about a place is held fixed." if conditioning and conditioning["authority"] else ""
    if asked:
        return f"What the question asks.{fixed}"
    found = Estimand.read(estimate["estimand"])
    return f"{capital(found if isinstance(found, str) else found.effect)}."


def under(data: Mapping[str, Any]) -> str:
    """What stands under a name: how its average counts, and its rows."""
    one = data["estimate"]
    found = Estimand.read(one["estimand"])
    counts = "" if isinstance(found, str) or found.family == "association" else COUNTS.get(found.weighting, words(found.weighting))
    text = "" if isinstance(found, str) or not found.changes else "changes from one year to the next"
    return "; ".join(filter(None, (", ".join(filter(None, (text, counts))), count(one["rows"], "row"))))


def axis_of(runs: Sequence[Run], answer: Mapping[str, Any], truth: float | None) -> Axis:
    """One axis for all estimates of a question: the answer's range, 0 and what matters always; the others as far as they do not make these small."""
    smallest = float(answer["question"]["smallest_important"])
    one = answer["estimate"]
    near = [0.0, smallest, -smallest, *(end for end in (one["effect"], one["lower"], one["upper"]) if end is not None)]
    reach = max(map(abs, near))
    far = [truth, *(data["estimate"][key] for data, _ in runs if data["estimate"] for key in ("effect", "lower", "upper"))]
    kept = [*near, *(end for end in far if end is not None and math.isfinite(end) and abs(end) <= FAR * reach)]
    pad = 0.06 * (max(kept) - min(kept))
    return Axis(low=min(kept) - pad, high=max(kept) + pad, band=(-smallest, smallest))


def picture(groups: Sequence[Sequence[int]], runs: Sequence[Run], names: Sequence[str], answer: int, apart: Mapping[str, Any]) -> dict[str, Any]:
    """The table of one question: axis, groups of rows, and its title.

    Parameters
    ----------
    groups : places of runs that are of one effect; together all that have an estimate.
    runs, names : of the question.
    answer : place of the run that gives it.
    apart : of every run from it.
    """
    data = runs[answer][0]
    question = data["question"]
    truth = _truth(data)
    axis = axis_of(runs, data, truth)
    pairs = {pair["first"]: pair for pair in apart["pairs"]}
    left = {one["run"]: one["reason"] for one in apart["left_out"]}
    ordered = sorted(groups, key=lambda places: (answer not in places, runs[places[0]][0]["estimate"]["association"], _bare(runs[places[0]][0]), places[0]))
    made = []
    for places in ordered:
        first = runs[places[0]][0]["estimate"]
        rows = []
        for at in sorted(places, key=lambda i: (i != answer, i)):
            one, link = runs[at]
            rows.append({**_row(one, axis, at == answer), "name": names[at], "link": link, **_beside(at, answer, pairs, left, one)})
        made.append({"title": heading(first), "aside": aside(first, asked=answer in places), "rows": rows})
    outcome = variable(data, question["outcome"])
    harm = question["harm"]
    up = ("fewer", "more") if outcome.get("comparative", "more") == "more" else ("fall", "rise")
    shown = "" if truth is None else planted(data)
    return {
        "style": axis.style + ("" if truth is None else f";--truth:{axis.at(truth):.2f}%"),
        "sides": sides(axis, *up, good={"increase": "left", "decrease": "right"}.get(harm or "", "")),
        "scale": scale(axis, ticks(axis.low, axis.high, 9)),
        "unit": outcome["unit"],
        "groups": made,
        "truth": {"words": shown, "picture": strip(Line(truth=truth), axis)} if truth is not None else None,
        "title": title(apart, names),
        "sub": f"{subtitle(data)}; line: {level(data)}",
    }


def _truth(data: Mapping[str, Any]) -> float | None:
    known = data["source"]["planted"].get("truth") if data["source"]["simulated"] else None
    return float(known) if isinstance(known, int | float) and not isinstance(known, bool) else None


def _bare(data: Mapping[str, Any]) -> bool:
    conditioning = data["estimate"].get("held") or {}
    return bool(conditioning) and not any(conditioning.values())


def _row(data: Mapping[str, Any], axis: Axis, answers: bool) -> dict[str, Any]:
    """Numbers and picture of an estimate: the answer with the mark of its class, the others as dots, associations as dashed rings."""
    one, verdict, said = data["estimate"], data["verdict"], data["answer"]
    colour, shape, _ = mark_of(data)
    away = "failed its checks: not to be used" if verdict["failed"] else "its error is unknown: not to be used" if verdict["gate"] == "error_unknown" else ""
    if away:
        colour, shape = "softc", "cross"
    elif one["association"]:
        colour, shape = "grey", "ring"
    elif answers:
        colour, shape = ("grey", "square") if shape in ("cross", "ring") else (colour, "square")
    else:
        colour, shape = "blue", "dot"
    line = Line(value=one["effect"], lower=one["lower"], upper=one["upper"], colour=colour, shape=shape, dashed=bool(one["association"] or away))
    known = one["lower"] is not None and one["upper"] is not None
    return {
        "under": under(data),
        "picture": strip(line, axis, TALL),
        "effect": f"{said['signed']} ({said['interval']})" if known and said["interval"] else f"{said['signed']} (no valid range)",
        "away": away,
        "answers": answers,
        "mark": mark(shape, colour) if answers else "",
    }


def _beside(at: int, answer: int, pairs: Mapping[int, Mapping[str, Any]], left: Mapping[int, str], data: Mapping[str, Any]) -> dict[str, Any]:
    """An estimate beside the answer, in words."""
    if at == answer:
        return {"beside": "The answer comes from this one", "differs": False, "why": ""}
    if at in left:
        return {"beside": f"not compared: {left[at]}", "differs": False, "why": ""}
    pair = pairs.get(at)
    if pair is None:
        return {"beside": "not compared", "differs": False, "why": ""}
    if not pair["std_error"]:
        return {"beside": "= the same estimate", "differs": False, "why": ""}
    size = _apart(pair)
    if differs(pair):
        conditioning = data["estimate"].get("held") or {}
        why = "places differ for good" if conditioning and not conditioning["authority"] else ""
        return {"beside": f"≠ {size}", "differs": True, "why": why}
    alone = "" if pair["p_value"] >= LEVEL else f", allowing for {len(pairs)}"  # its own range leaves out 0
    return {"beside": f"≈ {size}, within noise{alone}", "differs": False, "why": ""}


def _apart(pair: Mapping[str, Any]) -> str:
    shown = rounding({"effect": pair["difference"], "lower": pair["lower"], "upper": pair["upper"]})
    if shown is None:
        digits = decimals(pair["difference"])
        return f"{signed(pair['difference'], digits)} ({span(pair['lower'], pair['upper'], digits)})"
    return f"{sign(shown[0])} ({sign(shown[1])} to {sign(shown[2])})"


def title(apart: Mapping[str, Any], names: Sequence[str]) -> str:
    """What the picture shows: which estimates differ from the answer by more than noise."""
    tested = [pair for pair in apart["pairs"] if pair["std_error"]]
    far = [names[pair["first"]] for pair in tested if differs(pair)]
    if not apart["pairs"]:
        return "One estimate" if not apart["left_out"] else "No difference could be judged"
    if not tested:
        return "All are the same estimate"
    if not far:
        return (
            "The other differs from the answer by no more than noise"
            if len(tested) == 1
            else f"None of {len(tested)} differs from the answer by more than noise"
        )
    if len(far) == len(tested) and len(tested) > 1:
        return f"All {len(tested)} differ from the answer by more than noise"
    which = listed(far) if len(far) <= MOST_NAMES else f"{len(far)} of {len(tested)}"
    return f"Only {which} {'differs' if len(far) == 1 else 'differ'} from the answer by more than noise"


def explanations(runs: Sequence[Run], names: Sequence[str], answer: int, apart: Mapping[str, Any]) -> list[tuple[str, str]]:
    """What could part these estimates, by what they are: a name, and what it would do and whether it is seen here.

    Parameters
    ----------
    runs, names, answer, apart : as in `picture`.
    """
    pairs = {pair["first"]: pair for pair in apart["pairs"]}
    ours = runs[answer][0]["estimate"]
    mine = Estimand.read(ours["estimand"])
    able = [i for i, (data, _) in enumerate(runs) if data["estimate"] and i != answer]
    kinds = {i: Estimand.read(runs[i][0]["estimate"]["estimand"]) for i in able}
    known = {i: kind for i, kind in kinds.items() if isinstance(kind, Estimand)}
    made: list[tuple[str, str]] = []

    def difference_text(places: Sequence[int]) -> str:
        far = [names[i] for i in places if i in pairs and differs(pairs[i])]
        judged = [i for i in places if i in pairs and pairs[i]["std_error"]]
        if far:
            return f"Here {listed(far[:MOST_NAMES])} {'differs' if len(far) == 1 else 'differ'} by more than noise."
        return "Here it is within noise." if judged else "Here that cannot be judged."

    loose = [i for i in able if (conditioning := runs[i][0]["estimate"].get("held")) and not conditioning["authority"]]
    if loose and (ours.get("held") or {}).get("authority"):
        made.append(
            ("Places differ for good (need, practice, recording)", f"moves those that do not hold places fixed, and not the others. {difference_text(loose)}")
        )
    changes = [i for i, kind in known.items() if kind.changes and not runs[i][0]["estimate"]["association"]]
    if changes and isinstance(mine, Estimand) and not mine.changes:
        at = changes[0]
        first, second = _bare_number(runs[at][0]), _bare_number(runs[answer][0])
        nearer = abs(runs[at][0]["estimate"]["effect"]) < abs(ours["effect"])
        sign_of = "nearer to nothing, as such errors would have it" if nearer else "no sign of it"
        made.append(
            (
                f"Errors in the record of {label(runs[answer][0], runs[answer][0]['question']['treatment'])}",
                f"would pull yearly changes toward nothing, further than the answer. Here {first} against {second}: {sign_of}. {difference_text(changes)}",
            )
        )
    soon = [
        i for i, kind in known.items() if kind.family in ("first_years", "kept_up", "adoption") and isinstance(mine, Estimand) and kind.family != mine.family
    ]
    if soon:
        made.append(("Effects that build up or fade", f"would part those that follow a change over its years from the average. {difference_text(soon)}"))
    other = [
        i
        for i, kind in known.items()
        if isinstance(mine, Estimand) and kind.same_effect(mine) and kind.weighting != mine.weighting and not runs[i][0]["estimate"]["association"]
    ]
    if other:
        made.append(
            (
                "Effects that differ between places or years",
                f"would part those that count them otherwise: a difference of weighting, not a bias. {difference_text(other)}",
            )
        )
    moved = [i for i, kind in known.items() if kind.instruments]
    if moved:
        made.append(
            (
                "Who is moved",
                f"parts those that rest on an instrument: they hold for whom it moves, and only if it acts in no other way. {difference_text(moved)}",
            )
        )
    sets = {tuple(sorted(data["identification"]["adjust_for"])) for data, _ in runs if data["estimate"]}
    if len(sets) > 1:
        made.append(("What is held fixed", "differs between these estimates: something left out of one may move both cause and outcome."))
    allowed = {tuple((data["estimate"].get("shared") or {}).get("groups") or ()) for data, _ in runs if data["estimate"]}
    if len(allowed) > 1:
        text = listed([f"{listed(list(groups))} × year" if groups else "nothing" for groups in sorted(allowed)])
        made.append(("Shocks that places share", f"are allowed for in some of these estimates and not alike in all ({text})."))
    if len({data["source"]["digest"] for data, _ in runs}) > 1:
        made.append(("The data", "differ between these runs: the digests of their panels are not the same."))
    return made


def _bare_number(data: Mapping[str, Any]) -> str:
    return str(data["answer"]["signed"])


def lede(data: Mapping[str, Any], groups: Sequence[Sequence[int]], runs: Sequence[Run], answer: int) -> str:
    """The answer's numbers, and whether an important harm fits the others of its kind.

    Parameters
    ----------
    data : the record of the answer.
    groups : places of runs that estimate one estimand.
    runs : (record, link) of each run.
    answer : the answer's place among `runs`.
    """
    said = [str(data["answer"]["second"])]
    mine = next((places for places in groups if answer in places), [])
    known = [runs[i][0] for i in mine if runs[i][0]["estimate"]["effect"] is not None and runs[i][0]["answer"]["signed"]]
    if len(known) > 1:
        least, most = (pick(known, key=lambda one: one["estimate"]["effect"]) for pick in (min, max))
        said.append(f"{capital(count(len(known), 'way'))} of making this comparison give {least['answer']['signed']} to {most['answer']['signed']}.")
    return " ".join(filter(None, said))


def rule_of(runs: Sequence[Run], answer: int) -> str:
    """How the one that gives the answer was chosen.

    Parameters
    ----------
    runs : (record, link) of each run.
    answer : the answer's place among them.
    """
    if runs[answer][0]["estimate"]["estimator"] == DEFAULT:
        return "it is the toolkit's default estimator"
    return "it is the first that was run" + ("" if runs[answer][0]["estimate"]["association"] else " and is no association")
