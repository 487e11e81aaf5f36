"""Many answers beside one another: each a line of at most fifteen words in units of the smallest effect that matters, harm to the right, by outcome.

What a line says is the answer of its own report; nothing is judged here. Only the counting is this page's own: how many answers there are, of which class and
certainty, and how many say nothing and why.
"""

from __future__ import annotations

import math
import textwrap
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from causal.language import language_of
from causal.report.checks import states
from causal.report.figures.hero import CLASS_MARKS, mark_of
from causal.report.figures.strip import Axis, Line, mark, scale, sides, strip
from causal.report.phrases import label, not_average, rounding, sentence, variable, words
from causal.verdict.say import sign
from causal.words import capital, listed

MOST_WORDS = 15  # of a line's cause and note
LONGEST = 110  # letters of the same, where a word is longer than any
LEAST_NOTE = 4  # words that a note may have after a long cause
REACH = 4.0  # ends of the axis, in smallest effects that matter
AXIS = Axis(low=-REACH, high=REACH, band=(-1.0, 1.0))
TICKS = ((-4.0, "−4"), (-2.0, "−2"), (-1.0, "−1"), (0.0, "0"), (1.0, "+1"), (2.0, "+2"), (4.0, "+4"))
MOST_NAMES, MOST_KINDS = 3, 5  # of checks, and of classes in a title
FEW = 40  # answers whose sentences stand open on the page
NUMBERS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
# class or gate → how its name is counted in a sentence, one and several; the others are read out as they stand
COUNTED = {
    "very_low": ("is too weak to say", "are too weak to say"),
    "failed_checks": ("failed its checks", "failed their checks"),
    "association": ("is an association", "are associations"),
    "cannot_tell": ("cannot tell", "cannot tell"),
    "no_interval": ("has no known error", "have no known error"),
    "error_unknown": ("has no known error", "have no known error"),
    "not_identified": ("is not identifiable", "are not identifiable"),
    "not_estimable": ("is not estimable", "are not estimable"),
    "earlier": ("is as an earlier version judged it", "are as an earlier version judged them"),
}


AWAY = {
    "failed_checks": "failed its checks: not to be used",
    "error_unknown": "its error is unknown: not to be used",
    "no_interval": "no valid interval is known",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """One answer as a line and as a row.

    Parameters
    ----------
    cause, note : what is done, and what tells the question from its neighbours.
    outcome, harm : group it stands in: the outcome's label, and which direction is bad.
    kind : class where something is claimed, otherwise why nothing is.
    name, colour, shape : of that.
    certainty, step : in words, and its number; None where there is no answer.
    line : picture; None where nothing is drawn (no range, no basis).
    effect, size, mini : numbers in their own unit, the effect alone, the unit and what matters.
    away : why the numbers are not to be used, "" where they are.
    planted : the planted effect, and whether the range holds it; "" where nothing was planted for the question.
    headline, because, checks : the report's sentence, the gravest reason, and checks for bias.
    link, said, began, estimator : of the report, who said what before, when it was run, and by which estimator.
    """

    cause: str
    note: str
    outcome: str
    harm: str | None
    kind: str
    name: str
    colour: str
    shape: str
    certainty: str
    step: int | None
    line: Line | None
    effect: str
    size: float | None
    away: str
    mini: str
    planted: str
    holds: bool | None
    headline: str
    because: str
    checks: str
    link: str
    said: tuple[tuple[str, str, str], ...]
    began: str
    estimator: str

    @property
    def claims(self) -> bool:
        """Whether it says something of the effect."""
        return self.kind in CLASS_MARKS and self.kind != "cannot_tell"


def kind_of(data: Mapping[str, Any]) -> str:
    """Class or row where something is claimed, otherwise the reason why nothing is; "earlier" of records that know no classes."""
    verdict = data["verdict"]
    if verdict["gate"]:
        return str(verdict["gate"])
    if verdict["failed"]:
        return "failed_checks"
    if verdict["association"]:
        return "association"
    if verdict["row"] is None:
        return "earlier"
    if verdict["category"] == "cannot_tell" or verdict["row"] == "both":
        return "cannot_tell"
    return "very_low" if not verdict["certainty"] else str(verdict["category"] or verdict["row"])


def answer(data: Mapping[str, Any], link: str, note: str, began: str) -> Answer:
    """A record's answer.

    Parameters
    ----------
    data : a record, as `read` gives it.
    link : of its report.
    note : what the question is for beside the others.
    began : when it was run, as ISO text.

    Raises
    ------
    KeyError, TypeError, ValueError : the record is broken.
    """
    question, verdict, said, one = data["question"], data["verdict"], data["answer"], data["estimate"]
    outcome = variable(data, question["outcome"])
    kind = kind_of(data)
    colour, shape, dashed = mark_of(data)
    if kind == "earlier":
        colour, shape, dashed = "grey", "dot", True
    smallest = float(question["smallest_important"])
    turn = -1.0 if question["harm"] == "decrease" else 1.0
    truth = data["source"]["planted"].get("truth") if data["source"]["simulated"] else None
    truth = float(truth) if isinstance(truth, int | float) and not isinstance(truth, bool) else None
    line, holds = None, None
    known = one is not None and one["lower"] is not None and one["upper"] is not None
    if known and kind not in ("failed_checks", "association") and smallest > 0:
        ends = sorted((turn * one["lower"] / smallest, turn * one["upper"] / smallest))
        finds = verdict.get("detectable")
        line = Line(
            value=turn * one["effect"] / smallest,
            lower=ends[0],
            upper=ends[1],
            colour=colour,
            shape=shape,
            dashed=dashed or not verdict["certainty"],
            finds=None if finds is None else float(finds) / smallest,
            truth=None if truth is None else turn * truth / smallest,
        )
    if known and truth is not None and not not_average(data):  # what is planted is an average
        holds = bool(one["lower"] <= truth <= one["upper"])
    unit = outcome["unit"]
    size = f"matters from {smallest:g}"
    return Answer(
        cause=data.get("short") or data["action"],
        note=note,
        outcome=label(data, question["outcome"]),
        harm=question["harm"],
        kind=kind,
        name=said["name"] or (capital(words(str(verdict["finding"]))) if verdict.get("finding") else "As judged before"),
        colour=colour,
        shape=shape,
        certainty=said["certainty"] or "No answer",
        step=verdict["certainty"],
        line=line,
        effect=(f"{said['signed']} ({said['interval']})" if said["interval"] else f"{said['signed']} (no valid range)") if one else "no estimate",
        size=one["effect"] if one else None,
        away=AWAY.get(kind, "") if one else "",
        mini="; ".join(filter(None, (unit, size))),
        planted="" if truth is None else _planted(truth, one, smallest),
        holds=holds,
        headline=str(said["headline"]),
        because=_because(data),
        checks=bias(data),
        link=link,
        said=tuple((str(say["who"]), sentence(str(say["what"])), str(say.get("source") or "")) for say in data["said"]),
        began=began,
        estimator=words(one["estimator"]) if one else "none",
    )


def _planted(truth: float, one: Mapping[str, Any] | None, smallest: float) -> str:
    """The planted effect with as many digits as the estimate beside it."""
    shown = None if one is None else rounding(one, smallest)
    digits = shown[0][1] if shown else max(0, 1 - math.floor(math.log10(abs(truth)))) if truth else 0
    return sign((float(truth), min(max(digits, 0), 6)))


def _because(data: Mapping[str, Any]) -> str:
    """The gravest reason, or what failed."""
    verdict, said = data["verdict"], data["answer"]
    language = language_of(data.get("language"))
    if verdict["failed"]:
        return f"failed: {listed([language.check(name) for name in verdict['failed'] if isinstance(name, str)] or ['a check'])}"
    if verdict["association"]:
        return "a comparison, not an effect"
    if said["because"]:
        return str(said["because"]).rstrip(".")
    return "" if verdict["certainty"] is not None or not said["reasons"] else str(said["reasons"][-1]).rstrip(".")


def bias(data: Mapping[str, Any]) -> str:
    """6 of 6 passed; not run: wrong dates."""
    language, by_state, known = language_of(data.get("language")), states(data), data["verdict"]["bias"]
    if not data["refutations"]:
        return "none run"
    ran = [name for state in ("passed", "failed") for name in by_state[state] if name in known]
    parts = [f"{sum(name in by_state['passed'] for name in ran)} of {len(ran)} {language.terms['passed']}" if ran else "none run"]
    for state, lead in (("failed", "failed"), ("not_run", "not run")):
        names = [language.check(name) for name in by_state[state] if name in known]
        few = names if len(names) <= MOST_NAMES else [*names[: MOST_NAMES - 1], f"{len(names) - MOST_NAMES + 1} others"]
        parts += [f"{lead}: {listed(few)}"] if names else []
    return "; ".join(parts)


# --- the page


def groups(answers: Sequence[Answer]) -> list[dict[str, Any]]:
    """Answers by outcome, in the order in which outcomes come."""
    grouped: dict[tuple[str, str | None], list[Answer]] = {}
    for one in answers:
        grouped.setdefault((one.outcome, one.harm), []).append(one)
    planted = any(one.planted for one in answers)
    numbered = footnotes(answers)
    made = []
    for (outcome, harm), ones in grouped.items():
        notes = _notes(ones)
        rows = [_row(one, note, planted) for one, note in zip(ones, notes, strict=True)]
        for row, one in zip(rows, ones, strict=True):
            row["marks"] = [numbered[said] for said in one.said]
        aside = {"decrease": "harm is a fall", None: "no direction is called harm"}.get(harm, "")
        made.append(
            {
                "title": textwrap.shorten(capital(outcome), 90, placeholder=" …"),
                "aside": f" ({aside})" if aside else "",
                "counted": _of_classes(ones),
                "rows": rows,
                "drawn": [row for row in rows if row["picture"]],
            }
        )
    return made


def _notes(ones: Sequence[Answer]) -> list[str]:
    """What tells answers on one outcome from one another: the note given, or the estimator, the day, or a number."""
    notes = [one.note for one in ones]
    ways = ([one.estimator for one in ones], [_day(one.began) for one in ones], [f"run {i}" for i in range(1, len(ones) + 1)])
    for more in ways:
        keys = [(one.cause, note) for one, note in zip(ones, notes, strict=True)]
        seen = Counter(keys)
        notes = [", ".join(filter(None, (note, word))) if seen[key] > 1 else note for note, word, key in zip(notes, more, keys, strict=True)]
    return notes


def _day(began: str) -> str:
    return began[:16].replace("T", " ")


def _row(one: Answer, note: str, planted: bool) -> dict[str, Any]:
    cause, number = brief(one.cause, MOST_WORDS)
    return {
        "cause": cause,
        "whole": one.cause,
        "note": brief(note, max(MOST_WORDS - number, LEAST_NOTE))[0],
        "picture": strip(one.line, AXIS) if one.line else "",
        "mark": mark(one.shape, one.colour),
        "name": one.name,
        "colour": one.colour,
        "effect": one.effect,
        "size": "" if one.size is None else repr(float(one.size)),
        "away": one.away,
        "soft": not one.claims and one.kind != "cannot_tell",
        "mini": one.mini,
        "certainty": one.certainty,
        "planted": one.planted if planted else None,
        "holds": one.holds,
        "headline": one.headline,
        "because": one.because,
        "checks": one.checks,
        "link": one.link,
        "step": -1 if one.step is None else one.step,
        "day": one.began[:10],
        "estimator": one.estimator,
    }


def brief(text: str, most: int) -> tuple[str, int]:
    """At most so many words, and none that is longer than a line; and how many words that is."""
    tokens = text.split()
    cut = " ".join(tokens[:most]) + (" …" if len(tokens) > most else "")
    return (cut if len(cut) <= LONGEST else cut[: LONGEST - 2].rstrip() + " …"), min(len(tokens), most)


def footnotes(answers: Sequence[Answer]) -> dict[tuple[str, str, str], int]:
    """What others said, each once, numbered as they come."""
    return {said: number for number, said in enumerate(dict.fromkeys(said for one in answers for said in one.said), start=1)}


def _of_classes(ones: Sequence[Answer]) -> str:
    """1 some harm, 2 cannot tell; of many kinds the first, and how many others."""
    seen: dict[str, int] = {}
    for one in sorted(ones, key=lambda one: not one.claims):
        seen[one.name] = seen.get(one.name, 0) + 1
    said = [f"{number} {name[:1].lower()}{name[1:]}" for name, number in seen.items()]
    return ", ".join(said if len(said) <= MOST_KINDS else [*said[: MOST_KINDS - 1], f"{sum(list(seen.values())[MOST_KINDS - 1 :])} others"])


def heading(answers: Sequence[Answer]) -> str:
    """The title: how many questions have an answer, and which; it counts and judges nothing."""
    total, claimed = len(answers), [one for one in answers if one.claims]
    if not total:
        return "Nothing that was asked has an answer yet"
    if total == 1:
        one = answers[0]
        return f"One question: {one.name[:1].lower()}{one.name[1:]}" + (f", at {one.certainty.lower()} certainty" if one.claims else "")
    if not claimed:
        return f"None of {total} questions has an answer: {_others(answers)}"
    order = Counter(one.name for one in claimed).most_common()
    counted = [f"{number} {name[:1].lower()}{name[1:]}" for name, number in order]
    if len(counted) > MOST_KINDS:
        counted = [*counted[: MOST_KINDS - 1], f"{sum(number for _, number in order[MOST_KINDS - 1 :])} others"]
    steps = list(dict.fromkeys(one.certainty.lower() for one in sorted(claimed, key=lambda one: one.step or 0)))
    certain = steps[0] if len(steps) == 1 else f"{steps[0]} to {steps[-1]}"
    return f"Of {total} questions {len(claimed)} {'has' if len(claimed) == 1 else 'have'} an answer: {listed(counted)}, at {certain} certainty"


def lede(answers: Sequence[Answer], missing: int) -> str:
    """What became of the others, and which way harm lies.

    Parameters
    ----------
    answers : of all questions that were answered.
    missing : questions that could not be run.
    """
    claimed = [one for one in answers if one.claims]
    said = []
    if claimed and len(claimed) < len(answers):
        said.append(f"Of the other {_number(len(answers) - len(claimed))}, {_others(answers)}.")
    if missing:
        said.append(f"{capital(_number(missing))} more {'question' if missing == 1 else 'questions'} could not be asked of these data.")
    if known := [one for one in answers if one.holds is not None]:
        holding = sum(bool(one.holds) for one in known)
        said.append(f"The planted truth lies in {holding} of {len(known)} ranges.")
    if any(one.harm for one in answers):
        said.append("Harm lies to the right: a rise, or a fall where a heading says so.")
    return " ".join(said)


def _others(answers: Sequence[Answer]) -> str:
    seen = Counter(one.kind for one in answers if not one.claims)
    parts = []
    for kind, number in sorted(seen.items(), key=lambda item: -item[1]):
        one, several = COUNTED.get(kind, (f"shows {words(kind)}", f"show {words(kind)}"))
        parts.append(f"{_number(number)} {one if number == 1 else several}")
    return listed(parts)


def _number(number: int) -> str:
    return NUMBERS[number] if number < len(NUMBERS) else f"{number:,}"


def key(answers: Sequence[Answer]) -> str:
    """What the lines and marks are, and what is not drawn."""
    said = ["Line: the range, with an arrow where it runs on."]
    if any(one.line and one.line.finds is not None for one in answers):
        said.append("Grey ticks: the smallest effect that such a study usually finds; ticks outside the shaded band mean that it can miss what matters.")
    if any(one.line and one.line.truth is not None for one in answers):
        said.append("Star: the planted truth.")
    if any(one.line and one.line.dashed for one in answers):
        said.append("Dashed: very low certainty, no basis for action.")
    left = Counter(one.kind for one in answers if one.line is None)
    if left:
        counted = [f"{number} that {COUNTED.get(kind, (words(kind),) * 2)[number > 1]}" for kind, number in left.items()]
        said.append(f"Not drawn: {listed(counted)}.")
    return " ".join(said)


def frame(answers: Sequence[Answer]) -> dict[str, str]:
    """Words above and under the lines, and the style of what they share."""
    harm = any(one.harm for one in answers)
    return {
        "style": AXIS.style,
        "sides": sides(AXIS, "better", "harm", good="left") if harm else sides(AXIS, "fall", "rise"),
        "scale": scale(AXIS, TICKS),
        "words": "times the smallest effect that matters",
    }
