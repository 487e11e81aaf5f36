"""A house style: the sentence forms, names and headings that turn a verdict's facts into words, so that a team can put its own in a YAML.

There is one form for each class of answer and each certainty that a claim may have, and one for each reason why nothing is claimed. Forms are filled with
what the facts say and never choose the class themselves: a house style can say it otherwise and cannot say something else. Words that a reader should
not have to know are named in `avoid`; words that make more or less of a range or a certainty than it is (`BANNED`) stand in no form of any style,
and no form of an association holds a verb of causes.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from functools import lru_cache
from importlib.resources import files
from string import Formatter
from typing import Any

import yaml

from causal.document import SAFE
from causal.errors import ConfigError, refusal, suggest

# plain words have one home, the file that a team copies to write its own
PLAIN: dict[str, Any] = yaml.load((files("causal.conf") / "language" / "plain.yaml").read_text(encoding="utf-8"), Loader=SAFE)
CLAIMED = ("high", "moderate", "low")  # certainties at which something is claimed
# class → certainty → the answer. Rise and fall are those of the direction called harm; {more} and {fewer} too
CLASSES: dict[str, dict[str, str]] = PLAIN["classes"]
# for evaluators, behind "Moderate certainty: "
EVALUATORS: dict[str, str] = {
    "harm": "{certainty} certainty: important {increase} in {the_outcome} from {action}.",
    "some_harm": "{certainty} certainty: {increase} in {the_outcome} from {action}; importance open.",
    "little_or_none": "{certainty} certainty: no important change in {the_outcome} from {action}.",
    "no_harm_that_matters": "{certainty} certainty: no important {increase} in {the_outcome} from {action}; {decrease} open.",
    "harm_still_open": "{certainty} certainty: no important {decrease} in {the_outcome} from {action}; {increase} open.",
    "cannot_tell": "Inconclusive: important increase and decrease in {the_outcome} from {action} both fit.",
    "some_benefit": "{certainty} certainty: {decrease} in {the_outcome} from {action}; importance open.",
    "benefit_that_matters": "{certainty} certainty: important {decrease} in {the_outcome} from {action}.",
}
# why nothing is claimed → the answer
GATES: dict[str, str] = PLAIN["gates"]
# the class's name, and a row's where no direction is called harm
NAMES: dict[str, str] = PLAIN["names"]
# certainty → its name, and what it means for whoever acts on it
CERTAINTIES: dict[str, str] = PLAIN["certainties"]
MEANINGS: dict[str, str] = PLAIN["meanings"]
# the lines under the answer; range words come from the range only
RANGES: dict[str, str] = PLAIN["ranges"]
TERMS: dict[str, str] = PLAIN["terms"]
# why it is as certain as it is, in short
REASONS: dict[str, str] = PLAIN["reasons"]
# what the answer does not say
LIMITS: dict[str, str] = PLAIN["limits"]
# what would change the answer or its certainty
CHANGES: dict[str, str] = PLAIN["changes"]
# what the range shows, as the title of its picture
PICTURES: dict[str, str] = PLAIN["pictures"]
ADMITS: dict[str, str] = PLAIN["admits"]
# another estimator's answer to the same question
VOICES: dict[str, str] = PLAIN["voices"]
# the one thing to do next
NEXT: dict[str, str] = PLAIN["next"]
AVOID: tuple[str, ...] = tuple(PLAIN["avoid"])
# of a range or a certainty these say more, or less, than it is; no style may use them
BANNED = ("ruled out", "rules out", "rule out", "ruling out", "excluded", "excludes", "likely", "unlikely", "cannot be told", "cannot be excluded")
FILLED = (
    "action",
    "Action",
    "outcome",
    "the_outcome",
    "The_outcome",
    "more",
    "fewer",
    "slightly_more",
    "slightly_fewer",
    "more_or_fewer",
    "rise",
    "fall",
    "increase",
    "decrease",
    "run",
    "show",
    "when",
)
FILLED_RANGES = (
    "size",
    "Size",
    "range",
    "smallest",
    "sees",
    "most",
    "rise",
    "fall",
    "increase",
    "decrease",
    "certainty",
    "when",
    "checks",
    "alarms",
    "trials",
    "expected",
    "needs",
    "told",
    "level",
    "carrier",
    "untreated",
)
FILLED_REASONS = ("checks",)
FILLED_LIMITS = ("action", "label", "treatment", "told", "check", "number")
FILLED_CHANGES = ("told", "number", "sees", "smallest", "times", "share", "admits")
FILLED_VOICES = ("method", "size", "told", "ours", "said")
FILLED_NEXT = ("told", "number", "outcome")
CAUSES = re.compile(
    r"\b(increas|reduc|caus(?!e is shown)|rais|lower(s|ed)\b|cut\b|led to|made|impact|effect of|due to)|\{(more|fewer|slightly_more|slightly_fewer)\}", re.I
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Language:
    """Words for facts.

    Parameters
    ----------
    name : of the house style.
    classes : class → certainty (high, moderate, low) → the answer's sentence. Fields: {action} and {Action} (first letter small or capital), {outcome},
        {the_outcome} and {The_outcome} (behind "in", at the start), {more} and {fewer}, {slightly_more}, {slightly_fewer}, {more_or_fewer},
        {rise} and {fall}, {increase} and {decrease} (the first of each is the direction called harm), {run}, {show}, {when}.
    gates : why nothing is claimed → the answer's sentence; the same fields.
    names : of classes, and of rows where no direction is called harm.
    certainties, meanings : certainty → its name, and what it means for whoever acts on it.
    ranges : the lines under the answer. Fields: {size}, {Size}, {range}, {smallest}, {sees}, {most}, {rise}, {fall}, {increase}, {decrease}, {certainty},
        {when}, {checks}, {alarms}, {trials}, {expected}, {needs}, {told}, {level}.
    terms : states and headings.
    reasons : why it is as certain as it is, in short. Field: {checks}.
    limits : what it does not say. Fields: {action}, {label}, {treatment}, {told}, {check}, {number}.
    changes : what would change it. Fields: {told}, {number}, {sees}, {smallest}, {times}, {share}, {admits}.
    pictures : what the range shows, as the title of its picture.
    admits : what a hidden cause would let the data hold.
    next : the one thing to do next. Fields: {told}, {number}, {outcome}.
    voices : another estimator's answer, by how it stands to this one. Fields: {method}, {size}, {told}; before: {ours}, {said}.
    checks : refuter → its name on the first screen, where it is to be another than its class's own `label`.
    avoid : words that no form may hold, and no first screen.

    Parts that are left out of a mapping are as in the plain style.

    Raises
    ------
    ConfigError : a key or a field that there is none of, a word to be avoided, a causal verb for an association.
    """

    name: str = "plain"
    classes: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    gates: Mapping[str, str] = field(default_factory=dict)
    names: Mapping[str, str] = field(default_factory=dict)
    certainties: Mapping[str, str] = field(default_factory=dict)
    meanings: Mapping[str, str] = field(default_factory=dict)
    ranges: Mapping[str, str] = field(default_factory=dict)
    terms: Mapping[str, str] = field(default_factory=dict)
    reasons: Mapping[str, str] = field(default_factory=dict)
    limits: Mapping[str, str] = field(default_factory=dict)
    changes: Mapping[str, str] = field(default_factory=dict)
    pictures: Mapping[str, str] = field(default_factory=dict)
    admits: Mapping[str, str] = field(default_factory=dict)
    next: Mapping[str, str] = field(default_factory=dict)
    voices: Mapping[str, str] = field(default_factory=dict)
    checks: Mapping[str, str] = field(default_factory=dict)
    avoid: tuple[str, ...] = AVOID

    def __new__(cls, **given: Any) -> Language:
        """Keys of an earlier form are refused with what to write instead."""
        if "answers" in given:
            raise refusal(
                ConfigError,
                "language.answers",
                "a key of today",
                "one of an earlier form",
                "write  language.classes.CLASS.CERTAINTY=…  or, where nothing is claimed,  language.gates",
            )
        if "strengths" in given:
            raise refusal(
                ConfigError,
                "language.strengths",
                "a key of today",
                "one of an earlier form",
                "write  language.certainties={high: …, moderate: …, low: …, very_low: …}",
            )
        return object.__new__(cls)

    def __post_init__(self) -> None:
        if not isinstance(self.name, str) or not self.name.strip():
            raise refusal(ConfigError, "language.name", "a word", repr(self.name), "give the style a name")
        if isinstance(self.avoid, str) or not all(isinstance(word, str) and word.strip() for word in self.avoid):
            raise refusal(ConfigError, "language.avoid", "a list of words", repr(self.avoid), "write  language.avoid=[one,two]")
        object.__setattr__(self, "avoid", tuple(self.avoid))
        for part, (default, holes) in PARTS.items():
            object.__setattr__(self, part, {**default, **_forms(part, getattr(self, part), default, holes, self.avoid)})
        given: Any = self.classes
        if not isinstance(given, Mapping):
            raise refusal(ConfigError, "language.classes", "class: {high: words, moderate: words, low: words}", repr(given), "write it so")
        for name in given:
            if name not in CLASSES:
                raise refusal(ConfigError, "language.classes", "classes that there are", repr(name), suggest(str(name), CLASSES))
        made = {name: {**forms, **_forms(f"classes.{name}", given.get(name, {}), forms, FILLED, self.avoid)} for name, forms in CLASSES.items()}
        object.__setattr__(self, "classes", made)
        for name in ("higher", "lower", "neither"):
            if found := CAUSES.search(self.gates[name]):
                raise refusal(
                    ConfigError,
                    f"language.gates.{name}",
                    "a form that does not say what caused what, since it is of an association",
                    repr(found[0]),
                    "say what goes with what",
                )

    def naming(self, labels: Mapping[str, str]) -> Language:
        """The same with plain names for checks that it does not name itself.

        labels : check → its class's own plain name.
        """
        return replace(self, checks={**labels, **self.checks})

    def check(self, name: str) -> str:
        """A check's name on the first screen; one that has no plain name goes by its own."""
        return self.checks.get(name, name.replace("_", " "))

    def interval(self, level: float) -> str:
        """What an interval at this level is called."""
        return self.terms["interval"].format(level=f"{level:.0%}")


PARTS: dict[str, tuple[Mapping[str, str], tuple[str, ...]]] = {
    "gates": (GATES, FILLED),
    "names": (NAMES, ()),
    "certainties": (CERTAINTIES, ()),
    "meanings": (MEANINGS, ()),
    "ranges": (RANGES, FILLED_RANGES),
    "terms": (TERMS, ("level",)),
    "reasons": (REASONS, FILLED_REASONS),
    "limits": (LIMITS, FILLED_LIMITS),
    "changes": (CHANGES, FILLED_CHANGES),
    "pictures": (PICTURES, ()),
    "admits": (ADMITS, ()),
    "next": (NEXT, FILLED_NEXT),
    "voices": (VOICES, FILLED_VOICES),
    "checks": ({}, ()),
}


def _forms(part: str, given: Any, default: Mapping[str, str], holes: tuple[str, ...], avoid: tuple[str, ...]) -> dict[str, str]:
    """What a house style says, checked; what a reader finds further down (limits, changes) may hold words to be avoided on the first screen."""
    if not isinstance(given, Mapping):
        raise refusal(ConfigError, f"language.{part}", "name: words", repr(given), "write it so")
    for name, form in given.items():
        where = f"language.{part}.{name}"
        if name not in default and part != "checks":
            raise refusal(ConfigError, f"language.{part}", "names that there are", repr(name), suggest(str(name), default))
        if not isinstance(form, str) or not form.strip():
            raise refusal(ConfigError, where, "words", repr(form), "write some, or leave the key out")
        try:
            used = {hole for _, hole, _, _ in Formatter().parse(form) if hole is not None}
        except ValueError as problem:
            raise refusal(ConfigError, where, "words, with fields in braces", f"{problem} in {form!r}", "write a brace that is meant twice") from problem
        if wrong := sorted(used - set(holes)):
            raise refusal(
                ConfigError,
                where,
                f"fields that there are: {', '.join(holes) or 'none'}",
                f"the field {{{wrong[0]}}}",
                "take it out, or write a brace that is meant twice",
            )
        if word := banned_word(form, BANNED):
            raise refusal(
                ConfigError,
                where,
                "words that every style may use",
                f"{word!r}, which no style may use",
                "say what fits or does not fit these data, and how certain it is by its step",
            )
        if word := banned_word(form, avoid):
            raise refusal(
                ConfigError, where, "words that this house style allows", f"{word!r}, which it avoids", "write it otherwise, or take it out of language.avoid"
            )
    return {str(name): str(form) for name, form in given.items()}


@lru_cache(maxsize=4096)  # each form of the style that ships is looked through many times
def banned_word(text: str, avoid: tuple[str, ...]) -> str | None:
    """The first of the words to be avoided that a text holds; plurals and endings count too.

    Parameters
    ----------
    text : to look through.
    avoid : words, in any case.
    """
    for word in avoid:
        if re.search(rf"(?<!\w){re.escape(word)}", text, re.IGNORECASE):
            return word
    return None


def language_of(recorded: Mapping[str, Any] | None) -> Language:
    """The house style as a record holds it; plain where an older one holds none, and words of a later version or an earlier form left out."""
    return _read(json.dumps(recorded or {}))


@lru_cache(maxsize=8)
def _read(recorded: str) -> Language:
    known = {one.name for one in fields(Language)}
    given = {key: value for key, value in json.loads(recorded).items() if key in known}
    for part, (default, _) in PARTS.items():
        if part in given and part != "checks":
            given[part] = {key: value for key, value in given[part].items() if key in default}
    if "ranges" in given and "classes" not in given:  # of an earlier form, whose fields were others
        given = {key: value for key, value in given.items() if key in ("name", "terms", "checks", "avoid")}
    given["avoid"] = tuple(given.get("avoid", AVOID))
    if "classes" not in given and "checks" in given:
        given["checks"] = {key: value for key, value in given["checks"].items() if banned_word(value, (*BANNED, *given["avoid"])) is None}
    return Language(**given)
