"""A house style: the sentence forms, verbs and names that turn findings into words, so that a team can put its own in a YAML.

Every finding of the verdict's table has one form. Forms are filled with what the numbers say and never choose the finding themselves: a house style
can say it otherwise and cannot say something else. Words that a reader should not have to know are named in `avoid`; no form may hold them, and no
form of an association may hold a verb of causes.
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

# finding → the answer; the numbers follow behind a colon, but where there are none
ANSWERS = {
    "not_identified": "The effect of {action} on {outcome} cannot be answered with these data.",
    "failed_checks": "The estimate of the effect of {action} on {outcome} did not survive its checks ({checks}) and should not be used",
    "no_interval": "We cannot tell: no valid interval is known for this estimate of the effect of {action} on {outcome}",
    "association": "An association, not an effect: along with {action}, {outcome} {when} are {differ}",
    "little_or_none": "{Action} made little or no difference to {outcome} {when}",
    "little_or_none_slight": "{Action} made little or no difference to {outcome} {when} (a small {direction} is likely)",
    "probably": "{Action} probably {verb} {outcome} {when}",
    "may": "{Action} may have {verb} {outcome} {when}; whether the effect is slight or important cannot be told",
    "may_not_run": "{Action} may have {verb} {outcome} {when}; {checks} not run",
    "unlikely_otherwise": "An important {other} in {outcome} from {action} is unlikely; whether it {verb} them {when} cannot be told",
    "cannot_tell": "We cannot tell whether {action} {increased} or {reduced} {outcome} {when}",
}
# where the interval lies, on the first screen
RANGES = {
    "between": "Anything from {low} to {high} {unit} fits these data.",
    "none": "How far off the estimate may be is not known.",
    "unbounded": "The data set no bound to the effect.",
    "ruled_out": "{A_harm} that matters ({smallest} or more) is ruled out.",
    "any_ruled_out": "Any {harm} is ruled out.",
    "not_ruled_out": "{A_harm} that matters ({smallest} or more) is not ruled out.",
    "sees": "Effects below {sees} such a study often misses.",
    "face_value": "Taken at face value, which the failed check forbids: ",
    "association": "As an association, not an effect: ",
}
TERMS = {
    "interval": "{level} interval",
    "increased": "increased",
    "reduced": "reduced",
    "increase": "increase",
    "reduction": "reduction",
    "higher": "higher",
    "lower": "lower",
    "neither": "neither clearly higher nor lower",
    "more": "more",
    "fewer": "fewer",
    "passed": "passed",
    "failed": "did not pass",
    "not_run": "not run",
    "effect_head": "How big is it?",
    "range_head": "How far off may that be?",
    "strength_head": "How strong is the evidence?",
    "checks_head": "Did it survive its checks?",
    "cannot_say_head": "What this does not say",
}
# why the evidence is as strong as it is, on the first screen; the whole reasons stand further down
REASONS = {
    "level_5": "Lot decided who was treated: the strongest kind of comparison.",
    "level_4": "Something much like a lottery moved the treatment, if what is assumed of it holds.",
    "level_3": "Authorities are compared over time; nobody drew lots for who was treated.",
    "level_2": "Authorities are compared with one another, alike in what was measured.",
    "level_1": "A bare comparison: nothing is held fixed.",
    "none": "The causes that were drawn and the data together give no answer.",
    "further_down": "What lowered it, if anything did, stands further down the page.",
    "failed": "Taken away by a check that decides and was not passed.",
    "record": "Weaker, since what was done is known to be recorded with error.",
    "estimator": "Weaker, since the method itself warns of this use.",
    "forced": "Weaker, since something is not held fixed that should be, or the other way round.",
    "not_run": "Weaker, since a check that decides was not run: {checks}.",
    "check": "Weaker, since not passed: {checks}.",
    "disagreement": "Weaker, since other methods say something else.",
    "blind": "Weaker, since drift that would look like an effect could have been missed.",
}
STRENGTHS = {name: name for name in ("none", "very weak", "weak", "limited", "moderate", "strong", "very strong")}
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
FILLED = ("action", "Action", "outcome", "when", "verb", "direction", "other", "differ", "checks", "increased", "reduced")
FILLED_REASONS = ("checks",)
FILLED_RANGES = ("low", "high", "unit", "smallest", "sees", "harm", "A_harm")
CAUSES = re.compile(r"\b(increas|reduc|caus|rais|lower(s|ed)\b|cut\b|led to|made|impact|effect of|due to)|\{(verb|increased|reduced|direction|other)\}", re.I)


@dataclass(frozen=True, slots=True, kw_only=True)
class Language:
    """Words for findings.

    Parameters
    ----------
    name : of the house style.
    answers : finding → sentence form. "little_or_none_slight" is for an effect too small to matter and not 0, "may_not_run" for a
        "probably" that lacks a decisive check. Fields: {action} and {Action} (first letter small or capital), {outcome}, {when}, {verb}
        (of `terms`: increased or reduced), {direction} and {other} (increase or reduction, this way and the other way),
        {differ} (higher, lower, neither), {checks}, {increased}, {reduced}.
    ranges : forms of the first screen's range. Fields: {low}, {high}, {unit}, {smallest}, {sees}, {harm}, {A_harm}.
    terms : verbs, states and headings.
    reasons : why the evidence is as strong as it is, in short. Field: {checks}.
    strengths : word of the rule → word of the page.
    checks : refuter → its name on the first screen, where it is to be another than its class's own `label`.
    avoid : words that no form may hold, and no first screen.

    Parts that are left out of a mapping are as in the plain style.

    Raises
    ------
    ConfigError : a key or a field that there is none of, a word to be avoided, a causal verb for an association.
    """

    name: str = "plain"
    answers: Mapping[str, str] = field(default_factory=dict)
    ranges: Mapping[str, str] = field(default_factory=dict)
    terms: Mapping[str, str] = field(default_factory=dict)
    reasons: Mapping[str, str] = field(default_factory=dict)
    strengths: Mapping[str, str] = field(default_factory=dict)
    checks: Mapping[str, str] = field(default_factory=dict)
    avoid: tuple[str, ...] = AVOID

    def __post_init__(self) -> None:
        if not isinstance(self.name, str) or not self.name.strip():
            raise ConfigError(f"language.name must be a word, got {self.name!r}")
        if isinstance(self.avoid, str) or not all(isinstance(word, str) and word.strip() for word in self.avoid):
            raise ConfigError(f"language.avoid must be a list of words, got {self.avoid!r}")
        object.__setattr__(self, "avoid", tuple(self.avoid))
        plain = {"answers": ANSWERS, "ranges": RANGES, "terms": TERMS, "reasons": REASONS, "strengths": STRENGTHS, "checks": {}}
        holes = {"answers": FILLED, "ranges": FILLED_RANGES, "terms": ("level",), "reasons": FILLED_REASONS, "strengths": (), "checks": ()}
        for part, default in plain.items():
            object.__setattr__(self, part, {**default, **_forms(part, getattr(self, part), default, holes[part], self.avoid)})
        if found := CAUSES.search(self.answers["association"].replace("not an effect", "")):
            raise ConfigError(f"language.answers.association holds {found[0]!r}: of an association no form may say what caused what")

    def answer(self, finding: str, **filled: str) -> str:
        """The sentence of a finding, without its numbers."""
        return self.answers[finding].format(**filled)

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


def _forms(part: str, given: Any, default: Mapping[str, str], holes: tuple[str, ...], avoid: tuple[str, ...]) -> dict[str, str]:
    """What a house style says, checked."""
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
        if word := held(form, avoid):
            raise ConfigError(f"{where} holds {word!r}, which this house style avoids; write it otherwise, or take it out of language.avoid")
    return {str(name): str(form) for name, form in given.items()}


def held(text: str, avoid: tuple[str, ...]) -> str | None:
    """The first of the words to be avoided that a text holds; plurals and endings count too."""
    for word in avoid:
        if re.search(rf"(?<!\w){re.escape(word)}", text, re.IGNORECASE):
            return word
    return None


def language_of(recorded: Mapping[str, Any] | None) -> Language:
    """The house style as a record holds it; plain where an older one holds none, and words of a later version left out."""
    return _read(json.dumps(recorded or {}))


@lru_cache(maxsize=8)
def _read(recorded: str) -> Language:
    known = {one.name for one in fields(Language)}
    return Language(**{key: value for key, value in json.loads(recorded).items() if key in known})
