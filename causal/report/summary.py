"""The first screen as Markdown: the headline, what it is in people, the range, the certainty, the checks."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from causal.report.phrases import STATES, made_up, sentence, tally, words
from causal.report.screen import asked, facts, smallest
from causal.words import capital


def summary(data: Mapping[str, Any]) -> str:
    """A page of text; the headline is its first line."""
    answer = data["answer"]
    said = [f"# {escaped(answer['headline'])}", "", escaped(answer["second"]), "", f"*{escaped(data['title'])}.* {escaped(asked(data))}", ""]
    said += [f"**{escaped(made_up(data))}.**", ""] if made_up(data) else []
    for fact in facts(data):
        if fact["big"]:
            lines = " ".join(sentence(line) for line in (fact["big"], *fact["lines"]))
            said.append(f"- **{escaped(fact['title'])}:** {escaped(lines)}")
    said += ["", escaped(smallest(data)), ""]
    said += [f"## How certain it is: {escaped(answer['certainty'])}", "", escaped(answer["meaning"]), ""]
    said += [f"- {escaped(sentence(reason))}" for reason in answer["reasons"]]
    said += ["", f"For evaluators: {escaped(answer['evaluators'])}"] if answer["evaluators"] else []
    said += ["", "## Checks", "", tally([one["survived"] for one in data["refutations"]]), ""]
    for one in data["refutations"]:
        seen = one["reason"] if one["survived"] is None else one["found"]
        said.append(f"- {capital(words(one['name']))}: **{STATES[one['survived']][0]}**. {escaped(sentence(seen or ''))}")
    said += ["", "## What we cannot say", ""]
    said += [f"- {escaped(sentence(one))}" for one in answer["cannot_say"]]
    if answer["would_change"]:
        said += ["", "## What would change it", "", *(f"- {escaped(sentence(one))}" for one in answer["would_change"])]
    said += ["", "The whole report is [report.html](report.html).", ""]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(said))


def escaped(text: str) -> str:
    """Text that Markdown shows as it is: no tags, no table bars, no links."""
    return re.sub(r"([\\`*_\[\]|])", r"\\\1", text).replace("&", "&amp;").replace("<", "&lt;").replace("\n", " ")
