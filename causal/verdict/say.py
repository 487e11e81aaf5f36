"""All sentences of an answer, made from the fields of a verdict and from nothing else.

One sentence for each class and certainty, of at most twenty words with the names the toolkit ships, without estimate, range or threshold; the second line has
those and what the sentence leaves open. Range words (fits, does not fit, possibly) come from the interval alone, certainty words (led, probably, may
have, perhaps) from the step alone. Numbers are rounded once: the estimate to the nearest step, the ends of its range outwards.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from causal.estimate import Estimate
from causal.language import CLAIMED, EVALUATORS, GATES, Language
from causal.panel import Variable
from causal.question import Question
from causal.verdict.decide import Verdict
from causal.verdict.reason import Change, Concern, Limit, Reason
from causal.verdict.rule import CLASSES, MIRRORED, STEPS, Class, Row
from causal.voice import Voice
from causal.words import Shown, capital, in_words, kept_up, listed, rounded, written, years_later

DOTS = "●○"
MOST_DOTS = len(STEPS)
CLAIMS_OF_A_ROW: dict[Row, tuple[Class, bool]] = {  # the form of a row where no direction is called harm, and whether rise and fall change places
    "important_rise": ("harm", False),
    "rise": ("some_harm", False),
    "inside": ("little_or_none", False),
    "no_important_rise": ("no_harm_that_matters", False),
    "no_important_fall": ("no_harm_that_matters", True),
    "both": ("cannot_tell", False),
    "fall": ("some_harm", True),
    "important_fall": ("harm", True),
}
GRAVEST: tuple[Concern, ...] = (  # of several reasons the first to be named: what was found before what was not looked at, a check that failed before all
    "unchecked",
    "harmless",
    "unstable",
    "disagreement",
    "record",  # which better data can mend
    "forced",
    "estimator",
    "shared_shocks",
    "drift",
    "blind",
    "unlooked",
    "placebos",
    "few_clusters",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Names:
    """What a sentence calls things.

    Parameters
    ----------
    action : the contrast as the start of a sentence ("Closing half of an authority's children's centres").
    short : the same in at most eight words; "" takes the action.
    outcome, treatment : their variables.
    places : code of an authority → its name; a code that is not here stands as it is.
    """

    action: str
    outcome: Variable
    treatment: Variable | None = None
    short: str = ""
    places: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """The answer in words, of which every file of a run takes its own.

    Parameters
    ----------
    headline : one sentence; begins with SIMULATED where no real place is described.
    second : estimate, range, what would matter, and what the headline leaves open.
    third : what fits in the direction called harm, and what such a study usually finds.
    evaluators : the same fact for evaluators.
    name : of the class.
    certainty, dots, meaning : the step's name, its picture (●●○○) and what it means for whoever acts on it.
    because : the first of what lowered it; "" where nothing did.
    size, range : "1.2 fewer per 10,000 children" and "3.6 fewer to 1.2 more"; "" where there is none.
    signed, interval : "−1.2" and "−3.6 to +1.2", rounded in the same way; "" where there is none.
    reasons, cannot_say, would_change : sentences.
    moved : "1.2 fewer", or "−1.2 points" where nothing is counted.
    picture : what the range shows, as the title of its picture.
    next : the one thing to do next.
    beside : what other estimators answer, a sentence each.
    """

    headline: str
    second: str
    third: str
    evaluators: str
    name: str
    certainty: str
    dots: str
    meaning: str
    because: str
    size: str
    range: str
    signed: str
    interval: str
    reasons: tuple[str, ...]
    cannot_say: tuple[str, ...]
    would_change: tuple[str, ...]
    moved: str = ""
    picture: str = ""
    next: str = ""
    beside: tuple[str, ...] = ()


def say(
    verdict: Verdict,
    question: Question,
    estimate: Estimate | None,
    names: Names,
    *,
    language: Language | None = None,
    simulated: bool = False,
    voices: Sequence[Voice] = (),
) -> Answer:
    """The words of a verdict.

    Parameters
    ----------
    verdict, question, estimate : of the study; no estimate where the effect is not identified or not estimable.
    names : what things are called.
    language : house style; None is the plain one. It chooses no class.
    simulated : whether no real place is described.
    voices : other estimators' answers.
    """
    language = language or Language()
    form, mirrored = form_of(verdict, estimate)
    sides = _sides(question, names, mirrored=mirrored)
    step = "none" if verdict.certainty is None else STEPS[verdict.certainty]
    claimed = form in CLASSES
    # that nothing can be told is said in the same words at every certainty
    sentence = (language.classes[form][step if step in CLAIMED else CLAIMED[-1]] if claimed else language.gates[form]).format(**sides)
    number = _numbers(question, estimate, names.outcome)
    reasons = _reasons(verdict, language)
    of = estimate.estimand.of if estimate else ""
    what = f"Of the {of}, not of the average: " if of else ""
    return Answer(
        headline=f"{'SIMULATED: ' if simulated else ''}{what}{capital(sentence)}",
        second=_second(verdict, question, estimate, names, sides, number, language, form),
        third=_third(verdict, question, estimate, names.outcome, sides, language),
        evaluators=what
        + capital((EVALUATORS[form].format(certainty=capital(STEPS[verdict.certainty or 0]), **sides)) if claimed else _for_evaluators(form, sides)),
        name=_name(verdict, language, form),
        certainty=language.certainties[step],
        dots="" if verdict.certainty is None else DOTS[0] * (verdict.certainty + 1) + DOTS[1] * (MOST_DOTS - 1 - verdict.certainty),
        meaning=language.meanings[step],
        because=_because(verdict, language),
        size=number.size,
        range=number.range,
        signed=number.signed,
        interval=number.interval,
        reasons=reasons,
        cannot_say=tuple(_limit(one, names, number, language) for one in verdict.cannot_say),
        would_change=tuple(_change(one, verdict, question, language) for one in verdict.would_change),
        moved=number.moved,
        picture=_picture(verdict, estimate, language),
        next=_next(verdict, names, language),
        beside=tuple(_voice(one, verdict, question, estimate, names.outcome, language) for one in voices),
    )


def form_of(verdict: Verdict, estimate: Estimate | None) -> tuple[str, bool]:
    """The sentence form of a verdict: a class that may be claimed at its certainty, or why nothing is; and whether rise and fall change places.

    Parameters
    ----------
    verdict, estimate : of the study.
    """
    if verdict.gate:
        return verdict.gate, False
    if verdict.failed:
        return "failed_checks", False
    if verdict.association:
        return ("neither" if estimate is None or estimate.lower is None or estimate.upper is None else _way(estimate.lower, estimate.upper)), False
    assert verdict.row is not None
    if not verdict.certainty and verdict.row != "both":
        return "very_low", False
    return (verdict.category, False) if verdict.category else CLAIMS_OF_A_ROW[verdict.row]


def _way(lower: float, upper: float) -> str:
    return "higher" if lower > 0 else "lower" if upper < 0 else "neither"


def _for_evaluators(form: str, sides: dict[str, str]) -> str:
    """What nothing is claimed of is said in the plain words, a very low certainty by its name."""
    if form == "very_low":
        return "Very low certainty: no conclusion on {the_outcome} from {action}.".format(**sides)
    return GATES[form].format(**sides)


def _sides(question: Question, names: Names, *, mirrored: bool) -> dict[str, str]:
    """Everything that a form may be filled with; the first of each pair is the direction called harm, or up where there is none."""
    outcome, action = names.outcome, names.short or names.action
    noun = outcome.short or outcome.label
    article = "a " if outcome.comparative == "a higher" else ""
    up, down = ("more", "fewer") if outcome.comparative == "more" else (f"{article}higher", f"{article}lower")
    the = f"the {noun}" if article else noun
    ways = {"more": up, "rise": "rise", "increase": "increase"}, {"more": down, "rise": "fall", "increase": "decrease"}
    first, second = ways[::-1] if mirrored != (question.harm == "decrease") else ways
    return {
        "action": action[:1].lower() + action[1:],
        "Action": capital(action),
        "outcome": noun,
        "the_outcome": the,
        "The_outcome": capital(the),
        "more": first["more"],
        "fewer": second["more"],
        "slightly_more": _slightly(first["more"]),
        "slightly_fewer": _slightly(second["more"]),
        "more_or_fewer": f"{up} or {down.removeprefix('a ')}",
        "rise": first["rise"],
        "fall": second["rise"],
        "increase": first["increase"],
        "decrease": second["increase"],
        "run": "runs" if article else "run",
        "show": "shows" if article else "show",
        "when": years_later(question.lag),
    }


def _slightly(comparative: str) -> str:
    return f"a slightly {comparative.removeprefix('a ')}" if comparative.startswith("a ") else f"slightly {comparative}"


def _name(verdict: Verdict, language: Language, form: str) -> str:
    """The class's name; a row's where no direction is called harm."""
    if form in CLASSES and verdict.category is None and verdict.row:
        return language.names[verdict.row]
    return language.names[form]


# --- numbers


@dataclass(frozen=True, slots=True, kw_only=True)
class Numbers:
    """An estimate and its range as text; "" where there is none."""

    size: str = ""
    moved: str = ""
    range: str = ""
    signed: str = ""
    interval: str = ""
    most: str = ""
    unbounded: bool = False
    places: int = 1


def _numbers(question: Question, estimate: Estimate | None, outcome: Variable) -> Numbers:
    if estimate is None:
        return Numbers()
    lines = (0.0, question.smallest_important, -question.smallest_important)
    unit = outcome.unit
    of = f" (of the {estimate.estimand.of})" if estimate.estimand.of else ""
    if estimate.lower is None or estimate.upper is None or not all(map(math.isfinite, (estimate.effect, estimate.lower, estimate.upper))):
        effect = rounded(estimate.effect, 0.0, 10 * abs(estimate.effect) / 10, lines)[0] if math.isfinite(estimate.effect) else (estimate.effect, 1)
        unbounded = estimate.lower is not None or estimate.upper is not None
        return Numbers(size=_sized(effect, outcome) + of, moved=_moved(effect, outcome), signed=sign(effect), unbounded=unbounded)
    effect, lower, upper = rounded(estimate.effect, estimate.lower, estimate.upper, lines)
    worst = upper if question.harm != "decrease" else (-lower[0], lower[1])
    return Numbers(
        size=_sized(effect, outcome) + of,
        moved=_moved(effect, outcome),
        range=_between(lower, upper, outcome),
        signed=sign(effect),
        interval=f"{sign(lower)} to {sign(upper)}",
        most=with_unit(plain(worst), unit),
        places=effect[1],
    )


def plain(value: Shown) -> str:
    """1.2, without a sign."""
    return in_words(abs(value[0])) or f"{abs(value[0]):,.{value[1]}f}"


def sign(value: Shown) -> str:
    """+1.2 or −1.2; a value that rounds to nothing has no sign."""
    text = plain(value)
    return text if not any(digit in text for digit in "123456789") else ("+" if value[0] > 0 else "−") + text


def with_unit(number: str, unit: str) -> str:
    """+1.2 points, and −£30 per child: the sign of money stands before it.

    Parameters
    ----------
    number : written out, with its sign where it has one.
    unit : as `Variable.unit` has it.
    """
    if unit[:1] != "£":
        return f"{number} {unit}".strip()
    way, rest = (number[0], number[1:]) if number[:1] in "+−" else ("", number)
    return f"{way}£{rest}{unit[1:]}"


def _counted(outcome: Variable) -> bool:
    """Whether "1.2 fewer children per 10,000" can be said, and not only "−1.2 points"."""
    return countable(outcome.unit, outcome.comparative)


def countable(unit: str, comparative: str) -> bool:
    """The same of a variable as a record has it: a rate of people, of whom there may be more or fewer.

    Parameters
    ----------
    unit, comparative : as `Variable` has them.
    """
    return comparative == "more" and unit[:4] == "per "


def _sized(value: Shown, outcome: Variable) -> str:
    if not _counted(outcome):
        return with_unit(sign(value), outcome.unit)
    text = sign(value)
    noun = outcome.short or outcome.label
    return f"a best estimate of no change in {noun}" if text[0] not in "+−" else f"{plain(value)} {'more' if text[0] == '+' else 'fewer'} {noun} {outcome.unit}"


def _moved(value: Shown, outcome: Variable) -> str:
    """1.2 fewer, where that can be said."""
    if not _counted(outcome):
        return _sized(value, outcome)
    text = sign(value)
    return "no change" if text[0] not in "+−" else f"{plain(value)} {'more' if text[0] == '+' else 'fewer'}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Counted:
    """An effect as a number of people in some place.

    Parameters
    ----------
    best, range : "7 fewer" and "22 fewer to 8 more"; no range where none is known.
    matters : the smallest number that would matter, to two figures.
    """

    best: str
    range: str
    matters: str


def counted(effect: float, lower: float | None, upper: float | None, smallest: float, scale: float) -> Counted:
    """A rate as people in a place, rounded as all numbers of an answer are; it moves people exactly where the rate, as it is shown, moves.

    Parameters
    ----------
    effect, lower, upper, smallest : of the rate.
    scale : people in the place for each unit that the rate counts in.
    """
    people = Variable(name="", label="", unit="per place", source="")
    matters = _two_figures(smallest * scale)
    if lower is None or upper is None or not (math.isfinite(lower) and math.isfinite(upper)):
        return Counted(best=_moved((_two(effect * scale), 0), people), range="", matters=matters)
    lines = (0.0, smallest * scale, -smallest * scale)
    middle, low, high = rounded(effect * scale, lower * scale, upper * scale, lines)
    if not rounded(effect, lower, upper)[0][0]:
        middle = (0.0, 0)
    elif not middle[0]:  # the step of people is coarser than that of the rate: one figure more says which way
        digits = -math.floor(math.log10(abs(effect * scale)))
        middle = (round(effect * scale, digits), max(digits, 0))
    return Counted(best=_moved(middle, people), range=_between(low, high, people), matters=matters)


def _two(value: float) -> float:
    return round(value, 1 - math.floor(math.log10(abs(value)))) if value and math.isfinite(value) else 0.0


def _two_figures(value: float) -> str:
    return written(_two(value))


def _between(lower: Shown, upper: Shown, outcome: Variable) -> str:
    if not _counted(outcome):
        return f"{sign(lower)} to {sign(upper)}"
    low, high = sign(lower), sign(upper)
    words = {"+": "more", "−": "fewer"}
    if low[0] == high[0] == "+":
        return f"{plain(lower)} to {plain(upper)} more"
    if low[0] == high[0] == "−":
        return f"{plain(upper)} to {plain(lower)} fewer"
    ends = [f"{plain(value)} {words[text[0]]}" if text[0] in words else "no change" for value, text in ((lower, low), (upper, high))]
    return " to ".join(ends)


# --- the lines under the headline


def _second(
    verdict: Verdict, question: Question, estimate: Estimate | None, names: Names, sides: dict[str, str], number: Numbers, language: Language, form: str
) -> str:
    """Estimate, range, what would matter, and what the headline leaves open."""
    ranges = language.ranges
    filled = {key: sides[key] for key in ("rise", "fall", "increase", "decrease", "when")}
    if estimate is not None:
        filled["when"] += kept_up(estimate.estimand.family, estimate.estimand.horizon)
    if verdict.gate == "not_identified":
        return ranges["needs"].format(needs=listed(verdict.detail), **filled) if verdict.detail else ranges["needs_more"]
    if verdict.gate == "not_estimable":
        why = verdict.detail[0].rstrip(".") if verdict.detail else f"{question.treatment} does not vary within authorities once what must be is held fixed"
        return " ".join([ranges["not_estimable"].format(told=why), *(_change(one, verdict, question, language) for one in verdict.would_change)])
    smallest = written(question.smallest_important)
    sized = capital(ranges["size"].format(size=number.size, Size=capital(number.size), **filled))
    fits = ranges["fits"].format(range=number.range) if number.range else ranges["unbounded" if number.unbounded else "no_range"]
    body = f"{sized}; {fits}. {capital(ranges['matters'].format(smallest=smallest))}."
    if verdict.gate == "error_unknown" and verdict.placebos:
        found = verdict.placebos
        return f"{ranges['error_unknown'].format(alarms=found.alarms, trials=found.trials, expected=f'{found.expected:.0f}')} {sized}."
    if verdict.gate:
        return " ".join([*_without_range(estimate, names, question, language), f"{sized}."])
    if verdict.failed:
        checks = listed([language.check(name) for name in verdict.failed])
        return f"{capital(ranges['failed_checks'].format(checks=checks))} {body[:1].lower()}{body[1:]}"
    if verdict.association:
        return f"{ranges['association']} {body[:1].lower()}{body[1:]}"
    left = [ranges["unchecked"]] if any(one.concern == "unchecked" for one in verdict.reasons) else []
    if form in ranges:
        certainty = language.certainties[STEPS[verdict.certainty or 0]].lower()
        left.append(ranges[form].format(certainty=certainty, **filled))
    return " ".join([body, *left])


def _without_range(estimate: Estimate | None, names: Names, question: Question, language: Language) -> list[str]:
    """Why there is no range, and what placebos among the untreated leave standing where there is such a range."""
    ranges = language.ranges
    if estimate is None or estimate.no_interval not in ("one_cluster", "two_clusters"):
        return [ranges["no_interval"]]
    support = estimate.support
    carrier = support.carried_by if support is not None and support.carried_by is not None else "one place"
    said = [ranges[estimate.no_interval].format(carrier=capital(names.places.get(carrier, carrier)))]
    if support is not None and support.placebo_lower is not None and support.placebo_upper is not None:
        lines = (0.0, question.smallest_important, -question.smallest_important)
        _, lower, upper = rounded(estimate.effect, support.placebo_lower, support.placebo_upper, lines)
        said.append(ranges["placebos"].format(untreated=support.placebos, range=_between(lower, upper, names.outcome)))
    return said


def _third(verdict: Verdict, question: Question, estimate: Estimate | None, outcome: Variable, sides: dict[str, str], language: Language) -> str:
    """What fits in the direction called harm, and what such a study usually finds."""
    if estimate is None or verdict.row is None or not verdict.answers:
        return ""
    ranges, said = language.ranges, []
    number = _numbers(question, estimate, outcome)
    rise = "fall" if question.harm == "decrease" else "rise"
    row = MIRRORED[verdict.row] if question.harm == "decrease" else verdict.row
    if question.harm is not None:
        if row in ("important_rise", "rise", "no_important_fall", "both"):
            said.append(ranges["harm_fits"].format(rise=rise))
        elif row in ("fall", "important_fall"):
            said.append(ranges["no_harm_fits"].format(rise=rise))
        else:
            said.append(ranges["harm_does_not_fit"].format(rise=rise, most=number.most))
    if verdict.detectable:
        said.append(ranges["sees"].format(sees=usual(verdict.detectable), smallest=written(question.smallest_important)))
    return " ".join(said)


def usual(value: float) -> str:
    """Two figures are enough for what a study usually finds, or a check usually sees."""
    if words := in_words(_two(value)):
        return words
    return f"{_two(value):,.{max(0, 1 - math.floor(math.log10(value)))}f}" if value > 0 and math.isfinite(value) else "0"


# --- reasons, limits, changes


def _reasons(verdict: Verdict, language: Language) -> tuple[str, ...]:
    """The kind of comparison, then what lowered the certainty, each once."""
    if verdict.maryland is None:
        return (language.reasons["none"],)
    said = [comparison(verdict.kind, verdict.maryland, language)]
    if verdict.gate:
        return (*said, language.ranges["no_interval"] if verdict.gate == "no_interval" else language.reasons["error"])
    if verdict.failed:
        return (*said, language.reasons["failed"].format(checks=_few(verdict.failed, language)))
    return tuple(dict.fromkeys([*said, *(_reason(one, language) for one in verdict.reasons)]))


def comparison(kind: str | None, level: int, language: Language) -> str:
    """What kind of comparison it is, as a sentence; a series without others beside it is no comparison of places.

    Parameters
    ----------
    kind : of design.
    level : on the Maryland scale.
    language : of a record that may be older than the sentence on series.
    """
    alone = language.reasons.get("own_past") if kind == "series" and level <= 2 else None
    return alone or language.reasons[f"level_{level}"]


def _reason(one: Reason, language: Language) -> str:
    return capital(language.reasons[one.concern].format(checks=_looks(one.checks, "this", language)))


def _looks(names: Sequence[str], action: str, language: Language) -> str:
    return listed([LOOKS_LIKE[name].format(action=action) if name in LOOKS_LIKE else language.check(name) for name in names])


LOOKS_LIKE = {
    "negative_control": "an outcome that {action} cannot have moved",
    "timing": "drift beforehand",
    "second_measure": "a second measure of what was done",
}


def _few(names: Sequence[str], language: Language) -> str:
    return listed([language.check(name) for name in names])


def _because(verdict: Verdict, language: Language) -> str:
    """Of what lowered the certainty the one to name first."""
    if verdict.certainty is None:
        return ""
    if verdict.association:
        return language.reasons["association"]
    # one that found no step left to take, or whose letter another took first, is a reason all the same
    lowered = [one for one in verdict.reasons if one.steps or one.letter or one.concern == "unchecked"]
    return _reason(min(lowered, key=lambda one: GRAVEST.index(one.concern)), language) if lowered else ""


def _limit(one: Limit, names: Names, number: Numbers, language: Language) -> str:
    treatment = names.treatment.label if names.treatment else "the treatment"
    action = names.short or names.action
    value = "" if one.number is None else f"{one.number:,.0f}" if one.code == "left_out" else f"{usual(one.number)} {names.outcome.unit}".strip()
    return capital(
        language.limits[one.code].format(
            action=action[:1].lower() + action[1:],
            label=names.outcome.label,
            treatment=treatment,
            told=one.detail,
            check=language.check(one.check),
            number=value,
        )
    )


def _change(one: Change, verdict: Verdict, question: Question, language: Language) -> str:
    number = "" if one.number is None else _about(one.number)
    sees = usual(verdict.detectable) if verdict.detectable else ""
    detail = capital(listed(one.detail)) if one.code == "measure" else "; ".join(one.detail)
    share = "" if one.share is None else f"{one.share:.0%}" if one.share >= 0.005 else "less than 1%"
    code = one.code if one.code != "hidden" or one.number is not None else "hidden_share"
    admits = language.admits[one.admits] if one.admits else ""
    detail = listed(one.detail) if one.code == "hidden" else detail
    return language.changes[code].format(
        told=detail, number=number, sees=sees, smallest=written(question.smallest_important), times=_times(one.number), share=share, admits=admits
    )


def _times(multiple: float | None) -> str:
    """How many times as strong, in words."""
    if multiple is None:
        return ""
    if multiple < 0.95:
        return f"{_two(multiple):.2g} times as strong as" if multiple >= 0.095 else "less than a tenth as strong as"
    if multiple < 1.05:
        return "as strong as"
    return "twice as strong as" if 1.95 <= multiple < 2.05 else f"{multiple:.2g} times as strong as"


def _picture(verdict: Verdict, estimate: Estimate | None, language: Language) -> str:
    """What the range shows, whatever may be claimed of it."""
    if estimate is None:
        return language.pictures["no_estimate"]
    if verdict.gate:
        return language.pictures["no_range" if verdict.gate == "no_interval" else "error_unknown"]
    if verdict.failed:
        return language.pictures["failed"]
    if verdict.association:
        return language.pictures["association"]
    if form_of(verdict, estimate)[0] == "very_low":
        return language.pictures["very_low"]
    if verdict.category == "harm_still_open":
        return language.pictures["rise_open" if verdict.row == "no_important_fall" else "fall_open"]
    return language.pictures[verdict.row] if verdict.row else language.pictures["no_range"]


def _next(verdict: Verdict, names: Names, language: Language) -> str:
    one = verdict.next
    if one is None:
        return ""
    action = names.short or names.action
    detail = _looks(one.detail, action[:1].lower() + action[1:], language) if one.code in ("look", "failed") else listed(one.detail)
    number = "" if one.number is None else _about(one.number)
    return capital(language.next[one.code].format(told=detail.rstrip("."), number=number, outcome=names.outcome.short or names.outcome.label))


def _voice(one: Voice, verdict: Verdict, question: Question, estimate: Estimate | None, outcome: Variable, language: Language) -> str:
    """EconML (linear dml) agrees: 3.5 more."""
    estimator = one.estimator.replace("_", " ")
    name = f"{one.library} ({estimator})" if one.library else capital(estimator)
    size = ""
    if one.effect is not None and math.isfinite(one.effect):
        lines = (0.0, question.smallest_important, -question.smallest_important)
        known = one.lower is not None and one.upper is not None and math.isfinite(one.lower) and math.isfinite(one.upper)
        ends = (one.lower, one.upper) if known else (0.0, abs(one.effect))
        size = _moved(rounded(one.effect, *ends, lines)[0], outcome)  # type: ignore[arg-type]
    stand = "unheard" if not verdict.answers and size and one.stand in ("same", "agrees", "open") else one.stand
    said = language.voices[stand].format(method=name, size=size, told=one.detail)
    shared = None if estimate is None else estimate.shared
    if shared is None or not shared.refitted or one.ours != shared.effect or estimate is None or estimate.effect == shared.effect:
        return said
    lines = (0.0, question.smallest_important, -question.smallest_important)
    ends = (0.0, abs(shared.effect)) if shared.lower is None or shared.upper is None else (shared.lower, shared.upper)
    return language.voices["before"].format(ours=_moved(rounded(shared.effect, *ends, lines)[0], outcome), said=said)


MOST_TIMES = 1_000_000  # as much information, beyond which a number would say no more
SMALL = ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")


def _about(times: float) -> str:
    """How many times the information, in words where it is few."""
    if times < 1.75:
        return f"{times:.1f}"
    if times > MOST_TIMES:
        return f"{MOST_TIMES:,} or more"
    return SMALL[round(times) - 1] if round(times) <= len(SMALL) else _two_figures(times)
