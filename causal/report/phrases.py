"""How the report says things: effects with sign, unit and range, names of steps as words, states of checks."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any
from zlib import crc32

from causal.estimand import Estimand
from causal.language import language_of
from causal.verdict.say import countable, plain, sign, with_unit
from causal.words import Shown, kept_up, listed, places, rounded, signed, span, written, years_later

LONGEST_SLUG = 60  # letters; what is cut gets a digest, so that two names stay two
STATES = {True: ("passed", "✓"), False: ("did not pass", "✗"), None: ("not run", "–")}
MEANS = {
    True: "The estimate behaved as a true one would. That is no proof that it is right.",
    False: "The estimate did not behave as a true one would.",
    None: "Nothing is known from this check, for or against.",
}


def words(name: str) -> str:
    """placebo_treatment → placebo treatment."""
    return name.replace("_", " ")


def estimand(one: Mapping[str, Any]) -> str:
    """Whose effect an estimate of a record is, how averaged and how modelled; as it stands in older records."""
    return str(Estimand.read(one["estimand"]))


def slug(name: str) -> str:
    """A name that can stand in a file name."""
    plain = re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_") or "x"
    return plain if len(plain) <= LONGEST_SLUG else f"{plain[:LONGEST_SLUG]}_{crc32(name.encode()):08x}"


def label(data: Mapping[str, Any], name: str) -> str:
    """The label of a variable or node of the record, or its name as words.

    Parameters
    ----------
    data : a record.
    name : as files have it, without a date.
    """
    for one in (*data["source"]["variables"], *data["graph"]["nodes"]):
        if one["name"] == name:
            return str(one["label"])
    return words(name)


def readable(data: Mapping[str, Any], text: str) -> str:
    """A text of a check or a design with labels in the place of names as files have them: child_poverty, child_poverty[-1] → children in low-income
    families (the same year and 1 year before). A name that is a word of its own, without a date, stays.

    Parameters
    ----------
    data : a record.
    text : words of a check or a design.
    """
    nodes = (data.get("graph") or {}).get("nodes", ())  # a decomposition's record has none
    labels = {one["name"]: str(one["label"]) for one in (*nodes, *data["source"]["variables"])}
    if labels:
        text = _names(tuple(sorted(labels, key=len, reverse=True))).sub(lambda hit: _labelled(hit, labels), text)
    checks = language_of(data.get("language")).checks
    return CODE.sub(lambda hit: checks.get(hit[0], hit[0].replace("_", " ")), text)


# a name as files and code have it, which is neither a key of a configuration nor part of a command or of a file's name
CODE = re.compile(r"(?<![\w./=\[{@-])[A-Za-z][a-z0-9]*(?:_[a-z0-9]+)+(?![\w/=\[{@-]|\.\w)")


def plainly(data: Mapping[str, Any], text: str) -> str:
    """A text of a record as a sentence for readers: labels in the place of names.

    Parameters
    ----------
    data : the record.
    text : as whoever made it wrote it.
    """
    return sentence(readable(data, text))


@lru_cache(maxsize=8)
def _names(names: tuple[str, ...]) -> re.Pattern[str]:
    """Names of columns, dated or not, and after each the same name with other dates."""
    return re.compile(rf"(?<![\w\[])({'|'.join(map(re.escape, names))})(\[-?\d+\])?((?:, \1\[-?\d+\])*)(?![\w\[])")


def _labelled(hit: re.Match[str], labels: Mapping[str, str]) -> str:
    name, own, more = hit[1], hit[2], hit[3]
    if not own and not more and ("_" not in name or labels[name] == name):
        return hit[0]
    dates = [int(one) for one in re.findall(r"-?\d+(?=\])", f"{own or '[0]'}{more}")]
    before = sorted(-one for one in dates if one < 0)
    said = ["the same year"] * (0 in dates) + ([f"{listed([str(one) for one in before])} {'year' if before == [1] else 'years'} before"] if before else [])
    said += [f"{one} {'year' if one == 1 else 'years'} after" for one in dates if one > 0]
    return f"{labels[name]} ({listed(said)})" if dates != [0] else labels[name]


def variable(data: Mapping[str, Any], name: str) -> dict[str, Any]:
    """A variable of the record; one that is not there has no unit.

    Parameters
    ----------
    data : a record.
    name : as files have it, without a date.
    """
    for one in data["source"]["variables"]:
        if one["name"] == name:
            return dict(one)
    return {"name": name, "label": label(data, name), "unit": "", "source": "", "definition": "", "varies": "both", "count_per": None}


def decimals(*values: float | None) -> int:
    """Decimal places that suit the largest of some numbers."""
    return places(max((abs(v) for v in values if v is not None and math.isfinite(v)), default=0.0))


def exact(value: float | None, digits: int | None = None) -> str:
    """A number without a forced sign, or "not known".

    Parameters
    ----------
    value : any unit.
    digits : decimal places; None takes as many as the size of the number needs. Whole numbers have none.
    """
    if value is None:
        return "not known"
    if float(value).is_integer() and abs(value) < 1e15:
        return f"{value:z,.0f}".replace("-", "−")
    return f"{value:z,.{places(value) if digits is None else digits}f}".replace("-", "−")


def rounding(one: Mapping[str, Any], smallest: float | None = None) -> tuple[Shown, Shown, Shown] | None:
    """Estimate and range as they are shown, rounded once; None where there is no finite range.

    Parameters
    ----------
    one : effect, lower and upper.
    smallest : the smallest important effect, on or beyond which no end may come to lie by rounding.
    """
    effect, lower, upper = one["effect"], one["lower"], one["upper"]
    if any(value is None or not math.isfinite(value) for value in (effect, lower, upper)):
        return None
    return rounded(effect, lower, upper, lines=(0.0,) if smallest is None else (0.0, smallest, -smallest))


def effect(one: Mapping[str, Any], unit: str, digits: int | None = None, *, smallest: float | None = None) -> str:
    """+3.23 per 10,000 children.

    Parameters
    ----------
    one : as in `rounding`.
    unit : printed behind the number.
    digits : decimal places; None rounds to the range.
    smallest : as in `rounding`.
    """
    made = rounding(one, smallest) if digits is None else None
    text = signed(*made[0]) if made else signed(one["effect"], decimals(one["effect"], one["lower"], one["upper"]) if digits is None else digits)
    return f"{text} {unit}".strip()


def interval(one: Mapping[str, Any], digits: int | None = None, *, joint: bool = False, smallest: float | None = None) -> str:
    """+1.94 to +4.52, rounded outwards; says so where none is known.

    Parameters
    ----------
    one : as in `rounding`.
    digits : decimal places; None rounds to the range.
    joint : the ends that hold for all parts of one kind at once.
    smallest : as in `rounding`.
    """
    ends = {**one, "lower": one.get("joint_lower"), "upper": one.get("joint_upper")} if joint else one
    made = rounding(ends, smallest) if digits is None else None
    if made:
        return f"{signed(*made[1])} to {signed(*made[2])}"
    digits = decimals(one["effect"], one["lower"], one["upper"]) if digits is None else digits
    return span(ends.get("lower"), ends.get("upper"), digits)


def bare(one: Mapping[str, Any], digits: int | None = None, *, smallest: float | None = None) -> str:
    """+3.23 (+1.94 to +4.52).

    Parameters
    ----------
    one, digits, smallest : as in `interval`.
    """
    return f"{effect(one, '', digits, smallest=smallest)} ({interval(one, digits, smallest=smallest)})"


def against_zero(one: Mapping[str, Any]) -> str:
    """Where the interval lies, as the end of a sentence."""
    low, high = one["lower"], one["upper"]
    if low is None or high is None:
        return "has no valid interval"
    return "lies above zero" if low > 0 else "lies below zero" if high < 0 else "spans zero"


def p_text(p_value: float | None) -> str:
    """A p-value as the reader sees it."""
    if p_value is None:
        return "none"
    return "less than 0.001" if p_value < 0.001 else f"{p_value:.3f}" if p_value < 0.1 else f"{p_value:.2f}"


def level(data: Mapping[str, Any]) -> str:
    """95% interval, as the headline writes it and the record's house style calls it."""
    return language_of(data.get("language")).interval(data["question"]["level"])


def years(data: Mapping[str, Any]) -> tuple[int, ...]:
    """Years of the outcome used; the panel's where nothing was designed."""
    return tuple((data["design"] or data["source"])["years"])


def when(question: Mapping[str, Any]) -> str:
    """The outcome's date after the treatment's, as an adverb."""
    return years_later(question["lag"])


def kept(data: Mapping[str, Any]) -> str:
    """For how long the treatment was kept up, behind the outcome's date, where the estimate is of that."""
    estimand = (data["estimate"] or {}).get("estimand")
    return kept_up(estimand.get("family"), estimand.get("horizon")) if isinstance(estimand, Mapping) else ""  # older records have it in words


def contrast(data: Mapping[str, Any]) -> str:
    """The two levels compared, with the treatment's unit."""
    question = data["question"]
    unit = variable(data, question["treatment"])["unit"]
    levels = f"{written(question['treated'])} against {written(question['control'])}"
    return f"{levels} ({unit})" if unit else levels


def sentence(text: str) -> str:
    """First letter upper case, a full stop at the end."""
    text = text.strip()
    return text[:1].upper() + text[1:] + ("" if text.endswith((".", "!", "?", ":")) else ".")


def tally(states: Iterable[bool | None]) -> str:
    """2 passed, 1 did not pass, 0 were not run."""
    states = list(states)
    if not states:
        return "No check was asked for, so none has been passed."
    if all(states):
        return f"All {len(states)} checks passed." if len(states) > 1 else "The one check passed."
    idle = states.count(None)
    parts = [f"{states.count(True)} passed", f"{states.count(False)} did not pass", f"{idle} {'was' if idle == 1 else 'were'} not run"]
    return f"Of {len(states)} {'check' if len(states) == 1 else 'checks'}, {listed(parts)}."


def in_order(parts: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Leads and lags from earliest to latest; as they came where some have no number (in older records)."""
    if any(part["since"] is None for part in parts):
        return list(parts)
    return sorted(parts, key=lambda part: int(part["since"]))


def made_up(data: Mapping[str, Any]) -> str:
    """What stands on every output of a simulated run: that it is one, and the planted truth of the very question, where it is known; "" for real data."""
    source = data["source"]
    if not source["simulated"]:
        return ""
    if "question" in data:
        what = f"Planted truth: {truth}" if (truth := planted(data, whole=True)) else ""
    else:  # a decomposition, whose planted facts are as many as its terms
        said = source["planted"].get("words") or ", ".join(f"{words(key)} {value}" for key, value in source["planted"].items())
        what = f"Planted: {said}" if said else ""
    return ". ".join(filter(None, ("SIMULATED", what)))


def not_average(data: Mapping[str, Any]) -> str:
    """What of the outcomes the answer is of, where that is not their average: "median"; "" where it is, or there is no answer."""
    whose = (data.get("estimate") or {}).get("estimand")
    return str(whose.get("of") or "") if isinstance(whose, Mapping) else ""


def planted(data: Mapping[str, Any], *, whole: bool = False) -> str:
    """The planted effect of the very question that was asked, in words; "" where none is known.

    Parameters
    ----------
    data : the record.
    whole : with what is counted and its unit, where the words alone do not have them.
    """
    source = data["source"]
    truth = source["planted"].get("truth") if source["simulated"] else None
    if not isinstance(truth, int | float) or isinstance(truth, bool):
        return ""
    outcome = variable(data, data["question"]["outcome"])
    made: Shown = (float(truth), 1 if 0.05 <= abs(truth) < 100 or not truth else places(truth))
    average = f" on average, not of the {of}" if (of := not_average(data)) else ""
    if not countable(outcome["unit"], outcome.get("comparative", "more")):
        return with_unit(sign(made), outcome["unit"]) + average
    said = "no change" if not truth else f"{plain(made)} {'more' if truth > 0 else 'fewer'}"
    noun = f"{outcome.get('short') or outcome['label']} {outcome['unit']}"
    return (said if not whole else f"{said} {'in ' if not truth else ''}{noun}") + average
