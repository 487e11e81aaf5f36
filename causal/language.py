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
from string import Formatter
from typing import Any

from causal.errors import ConfigError, suggest

CLAIMED = ("high", "moderate", "low")  # certainties at which something is claimed
# class → certainty → the answer. Rise and fall are those of the direction called harm; {more} and {fewer} too
CLASSES: dict[str, dict[str, str]] = {
    "harm": {
        "high": "{Action} led to {more} {outcome}, enough to matter.",
        "moderate": "{Action} probably led to {more} {outcome}, enough to matter.",
        "low": "{Action} may have led to {more} {outcome}, enough to matter.",
    },
    "some_harm": {
        "high": "{Action} led to at least {slightly_more} {outcome}.",
        "moderate": "{Action} probably led to at least {slightly_more} {outcome}.",
        "low": "{Action} may have led to at least {slightly_more} {outcome}.",
    },
    "little_or_none": {
        "high": "{Action} made little or no difference to {the_outcome}.",
        "moderate": "{Action} probably made little or no difference to {the_outcome}.",
        "low": "{Action} may have made little or no difference to {the_outcome}.",
    },
    "no_harm_that_matters": {
        "high": "No important {rise}, possibly a {fall}, in {the_outcome} from {action}.",
        "moderate": "Probably no important {rise}, possibly a {fall}, in {the_outcome} from {action}.",
        "low": "Perhaps no important {rise}, possibly a {fall}, in {the_outcome} from {action}.",
    },
    "harm_still_open": dict.fromkeys(CLAIMED, "An important {rise} in {the_outcome} from {action} is still possible."),
    "cannot_tell": dict.fromkeys(CLAIMED, "We cannot tell whether {action} led to {more_or_fewer} {outcome}."),
    "some_benefit": {
        "high": "{Action} led to at least {slightly_fewer} {outcome}.",
        "moderate": "{Action} probably led to at least {slightly_fewer} {outcome}.",
        "low": "{Action} may have led to at least {slightly_fewer} {outcome}.",
    },
    "benefit_that_matters": {
        "high": "{Action} led to {fewer} {outcome}, enough to matter.",
        "moderate": "{Action} probably led to {fewer} {outcome}, enough to matter.",
        "low": "{Action} may have led to {fewer} {outcome}, enough to matter.",
    },
}
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
GATES = {
    "very_low": "The evidence is too weak to say how {action} affects {the_outcome}.",
    "not_identified": "These data cannot show how {action} affects {the_outcome}.",
    "not_estimable": "These data cannot show how {action} affects {the_outcome}.",
    "no_interval": "No answer on {action} and {the_outcome}: the error is unknown.",
    "error_unknown": "No answer on {action} and {the_outcome}: the error is unknown.",
    "failed_checks": "No answer on {action} and {the_outcome}: the estimate failed its checks.",
    "higher": "{The_outcome} {run} higher with {action}; no cause is shown.",
    "lower": "{The_outcome} {run} lower with {action}; no cause is shown.",
    "neither": "{The_outcome} {show} no clear link with {action}; no cause is shown.",
}
# the class's name, and a row's where no direction is called harm
NAMES = {
    "harm": "Harm",
    "some_harm": "Some harm",
    "little_or_none": "Little or none",
    "no_harm_that_matters": "No harm that matters",
    "harm_still_open": "Harm still open",
    "cannot_tell": "Cannot tell",
    "some_benefit": "Some benefit",
    "benefit_that_matters": "Benefit that matters",
    "important_rise": "Rise that matters",
    "rise": "Some rise",
    "inside": "Little or none",
    "no_important_rise": "No rise that matters",
    "no_important_fall": "No fall that matters",
    "both": "Cannot tell",
    "fall": "Some fall",
    "important_fall": "Fall that matters",
    "very_low": "Too weak to say",
    "not_identified": "Not identifiable",
    "not_estimable": "Not estimable",
    "no_interval": "Error unknown",
    "error_unknown": "Error unknown",
    "failed_checks": "Failed its checks",
    "higher": "Association",
    "lower": "Association",
    "neither": "Association",
}
# certainty → its name, and what it means for whoever acts on it
CERTAINTIES = {"high": "High", "moderate": "Moderate", "low": "Low", "very_low": "Very low", "none": "No answer"}
MEANINGS = {
    "high": "Further study would hardly change it.",
    "moderate": "Probably right, but it could change.",
    "low": "A lead, not a basis for action: it could well change.",
    "very_low": "Do not act on this.",
    "none": "There is no answer to act on.",
}
# the lines under the answer; range words come from the range only
RANGES = {
    "size": "{Size} {when}",
    "fits": "anything from {range} fits these data",
    "no_range": "how far off that may be is not known",
    "unbounded": "the data set no bound to it",
    "matters": "{smallest} or more would matter",
    "harm_fits": "An important {rise} fits these data.",
    "harm_does_not_fit": "An important {rise} does not fit these data; at most {most} does.",
    "no_harm_fits": "No {rise} fits these data.",
    "sees": "Such a study usually finds effects of {sees} or more; {smallest} matters.",
    "some_harm": "Whether that is enough to matter is open.",
    "some_benefit": "Whether that is enough to matter is open.",
    "no_harm_that_matters": "An important {fall} fits too; so does no change.",
    "harm_still_open": "An important {fall} does not fit (certainty: {certainty}).",
    "cannot_tell": "An important {rise} and an important {fall} both fit.",
    "very_low": "Do not act on these figures.",
    "unchecked": "Nothing could be checked for bias.",
    "failed_checks": "Not passed: {checks}. Taken at face value, which that forbids:",
    "association": "As an association, not an effect:",
    "error_unknown": "Dealt by chance, the treatment seemed to act in {alarms} of {trials} trials, where {expected} are expected.",
    "no_interval": "No valid range is known for this estimate.",
    "one_cluster": "{carrier} alone carries this estimate, so how far off it may be cannot be learnt.",
    "two_clusters": "It rests on two groups that err together, and from one difference no error can be learnt.",
    "placebos": "If its shocks are like those of {untreated} untreated places, anything from {range} fits.",
    "needs": "It would take {needs}, measured by authority and year.",
    "needs_more": "No one or two further measures would be enough.",
    "not_estimable": "No estimate is given: {told}.",
    "recorded": "This is about the treatment as recorded; error in the record hides effects.",
}
TERMS = {
    "interval": "{level} interval",
    "passed": "passed",
    "failed": "did not pass",
    "not_run": "not run",
    "effect_head": "How big is it?",
    "range_head": "How far off may that be?",
    "certainty_head": "How certain is it?",
    "checks_head": "Did it survive its checks?",
    "cannot_say_head": "What this does not say",
}
# why it is as certain as it is, in short
REASONS = {
    "level_5": "Lot decided who was treated: the strongest kind of comparison.",
    "level_4": "Something much like a lottery moved the treatment, if what is assumed of it holds.",
    "level_3": "Authorities are compared over time; nobody drew lots for who was treated.",
    "level_2": "Authorities are compared with one another, alike in what was measured.",
    "level_1": "A bare comparison: nothing is held fixed.",
    "none": "The causes that were drawn and the data together give no answer.",
    "failed": "Taken away, since a bias was found that would change it: {checks}.",
    "error": "Its error cannot be known: where nothing was done, it finds an effect too often.",
    "further_down": "What lowered it, if anything did, stands further down the page.",
    "drift": "Drift beforehand, as it was seen, would change the answer.",
    "blind": "A bias large enough to matter could have been missed.",
    "unlooked": "Not looked at: {checks}.",
    "harmless": "A bias was found, too small to change the answer: {checks}.",
    "unstable": "Not passed: {checks}.",
    "disagreement": "Another method lies an important effect apart.",
    "estimator": "The method itself warns of this use.",
    "record": "What was done is known to be recorded with error.",
    "forced": "Something is not held fixed that should be, or the other way round.",
    "shared_shocks": "Places of a group were hit together.",
    "placebos": "Too few trials with a treatment dealt by chance to know its error.",
    "unchecked": "Nothing could be checked for bias.",
    "few_clusters": "Few places carry it.",
}
# what the answer does not say
LIMITS = {
    "no_effect": "That there is no effect: not finding one is not the same as showing there is none.",
    "causation": "What causes what: this estimate does not hold fixed what the graph asks for.",
    "failed": "Whether there is an effect, or which way: the checks show that this design does not answer the question.",
    "error": "Whether there is an effect, or which way: how far off the estimate may be is not known.",
    "anything": "Anything about the effect of {action} on {label}, in either direction.",
    "compliance": "Whether those dealt the treatment got it, and whether those who left differ from those who stayed.",
    "exclusion": "Whether the instrument moves the outcome in another way than through the treatment: no check on these data alone can show that.",
    "unmeasured": ("Whether something unmeasured that changes over time moves both the treatment and the outcome: no check on these data alone can show that."),
    "unmeasured_unshared": (
        "Whether something unmeasured that changes over time moves both the treatment and the outcome but not the negative control, which showed nothing."
    ),
    "late_drift": "Whether places began to drift apart only as the treatment moved: the years before it cannot show that.",
    "both_measures": "Whether both measures of the treatment err in the same way: the second one shows only error of the first's own.",
    "record": "What {treatment} does when measured without error ({told}). Error in a treatment usually draws an estimate towards nothing.",
    "recorded": "Whether the treatment was recorded with error, which usually draws an estimate towards nothing.",
    "missing_arrow": "Whether the graph lacks an arrow: one that leaves no trace in these data no check on them can show.",
    "not_run": "What {check} would show: {told}.",
    "blind": "Whether there is a bias of less than {number}: {check} passed, and would often miss one.",
    "warning": "{told}.",
    "left_out": "Anything about the {number} authorities left out.",
}
# what would change the answer or its certainty
CHANGES = {
    "measure": "{told}, measured by authority and year.",
    "variation": "It would take a treatment that changes from year to year within authorities; a comparison between them would be an association.",
    "information": (
        "A sharper study: this one usually finds effects of {sees} or more; what matters is {smallest}. Seeing that takes about {number} times the information."
    ),
    "hidden": "A hidden cause {times} {told} would let {admits} fit these data.",
    "hidden_share": "A hidden cause that explains {share} of what is unexplained in both cause and outcome would take the estimate to nothing.",
    "negative_control": "An outcome that the treatment cannot move, and a test of it.",
    "timing": "Years before the treatment moved, in which a drift would show.",
    "record": "A better record of what was done: {told}.",
    "groups": "Allowing for what hit the places of a group together.",
    "placebos": "At least 200 trials with a treatment dealt by chance.",
}
# what the range shows, as the title of its picture
PICTURES = {
    "important_rise": "The whole range is an important rise",
    "rise": "The whole range is a rise; part of it is important",
    "inside": "The whole range is too small to matter",
    "no_important_rise": "The range stops short of an important rise",
    "no_important_fall": "The range stops short of an important fall",
    "both": "Important rise and important fall both lie within the range",
    "rise_open": "An important rise lies within the range",
    "fall_open": "An important fall lies within the range",
    "fall": "The whole range is a fall; part of it is important",
    "important_fall": "The whole range is an important fall",
    "failed": "Not to be used: the estimate failed its checks",
    "no_range": "An estimate whose error is unknown",
    "error_unknown": "Not to be used: the error is larger than this range says",
    "no_estimate": "No estimate can be made from these data",
}
ADMITS = {"important_rise": "an important rise", "important_fall": "an important fall", "no_change": "no change", "unimportant": "a change too small to matter"}
# the one thing to do next
NEXT = {
    "measure": "Get {told}, by authority and year: with it the question can be answered.",
    "identify": "Ask a narrower question, or find a comparison whose causes are known.",
    "variation": "Find a treatment that changes from year to year within authorities.",
    "interval": "Compare methods whose error is known for so few places.",
    "failed": "Find a comparison that passes: {told} showed a bias that would change the answer.",
    "hold": "Hold fixed what the drawn causes ask for; they say what is lacking.",
    "check": "Let checks for bias run; without one nothing can be claimed.",
    "record": "{told}.",
    "look": "Look at {told}: without that, a bias could have been missed.",
    "placebos": "Let at least 200 trials with a treatment dealt by chance run.",
    "groups": "Compare places within the groups that were hit together.",
    "information": "Plan for about {number} times the information (places × years); test the plan first.",
    "again": "Repeat it on later years or on other places before relying on it there.",
}
AVOID = (
    "confidence interval",
    "p-value",
    "p value",
    "estimand",
    "estimator",
    "cluster",
    "fixed effect",
    "standard error",
    "significant",
    "significance",
    "coefficient",
    "regression",
    "covariate",
    "confounder",
    "heterogeneity",
    "robustness",
    "null hypothesis",
    "placebo",
    "counterfactual",
    "exogeneity",
    "identified",
    "identification",
    "Maryland",
    "back door",
    "δ",
)
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
    checks: Mapping[str, str] = field(default_factory=dict)
    avoid: tuple[str, ...] = AVOID

    def __new__(cls, **given: Any) -> Language:
        """Keys of an earlier form are refused with what to write instead."""
        if "answers" in given:
            raise ConfigError(
                "language.answers is of an earlier form: write  language.classes.CLASS.CERTAINTY=…  or, where nothing is claimed,  language.gates"
            )
        if "strengths" in given:
            raise ConfigError("language.strengths is of an earlier form: write  language.certainties={high: …, moderate: …, low: …, very_low: …}")
        return object.__new__(cls)

    def __post_init__(self) -> None:
        if not isinstance(self.name, str) or not self.name.strip():
            raise ConfigError(f"language.name must be a word, got {self.name!r}")
        if isinstance(self.avoid, str) or not all(isinstance(word, str) and word.strip() for word in self.avoid):
            raise ConfigError(f"language.avoid must be a list of words, got {self.avoid!r}")
        object.__setattr__(self, "avoid", tuple(self.avoid))
        for part, (default, holes) in PARTS.items():
            object.__setattr__(self, part, {**default, **_forms(part, getattr(self, part), default, holes, self.avoid)})
        given: Any = self.classes
        if not isinstance(given, Mapping):
            raise ConfigError(f"language.classes must say  class: {{high: words, moderate: words, low: words}}, got {given!r}")
        for name in given:
            if name not in CLASSES:
                raise ConfigError(f"language.classes has {name!r}; {suggest(str(name), CLASSES)}")
        made = {name: {**forms, **_forms(f"classes.{name}", given.get(name, {}), forms, FILLED, self.avoid)} for name, forms in CLASSES.items()}
        object.__setattr__(self, "classes", made)
        for name in ("higher", "lower", "neither"):
            if found := CAUSES.search(self.gates[name]):
                raise ConfigError(f"language.gates.{name} holds {found[0]!r}: of an association no form may say what caused what")

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
    "checks": ({}, ()),
}


def _forms(part: str, given: Any, default: Mapping[str, str], holes: tuple[str, ...], avoid: tuple[str, ...]) -> dict[str, str]:
    """What a house style says, checked; what a reader finds further down (limits, changes) may hold words to be avoided on the first screen."""
    if not isinstance(given, Mapping):
        raise ConfigError(f"language.{part} must say  name: words, got {given!r}")
    for name, form in given.items():
        where = f"language.{part}.{name}"
        if name not in default and part != "checks":
            raise ConfigError(f"language.{part} has {name!r}; {suggest(str(name), default)}")
        if not isinstance(form, str) or not form.strip():
            raise ConfigError(f"{where} must be words, got {form!r}")
        try:
            used = {hole for _, hole, _, _ in Formatter().parse(form) if hole is not None}
        except ValueError as problem:
            raise ConfigError(f"{where}: {problem} in {form!r}; a brace that is meant is written twice") from problem
        if wrong := sorted(used - set(holes)):
            raise ConfigError(f"{where} has the field {{{wrong[0]}}}; fields there: {', '.join(holes) or 'none'}")
        if word := held(form, BANNED):
            raise ConfigError(f"{where} holds {word!r}, which no style may use: say what fits or does not fit these data, and how certain it is by its step")
        if word := held(form, avoid):
            raise ConfigError(f"{where} holds {word!r}, which this house style avoids; write it otherwise, or take it out of language.avoid")
    return {str(name): str(form) for name, form in given.items()}


def held(text: str, avoid: tuple[str, ...]) -> str | None:
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
        given["checks"] = {key: value for key, value in given["checks"].items() if held(value, (*BANNED, *given["avoid"])) is None}
    return Language(**given)
