"""The first screen as Markdown: the headline, what it is in people, the range, the strength, the checks."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from causal.report.phrases import STATES, made_up, sentence, tally, words
from causal.report.screen import asked, facts, smallest
from causal.words import capital


def summary(data: Mapping[str, Any]) -> str:
    """A page of text; the headline is its first line."""
    verdict = data["verdict"]
    said = [f"# {escaped(verdict['headline'])}", "", f"*{escaped(data['title'])}.* {escaped(asked(data))}", ""]
    said += [f"**{escaped(made_up(data))}.**", ""] if made_up(data) else []
    for fact in facts(data):
        if fact["big"]:
            lines = " ".join(sentence(line) for line in (fact["big"], *fact["lines"]))
            said.append(f"- **{escaped(fact['title'])}:** {escaped(lines)}")
    said += ["", escaped(verdict["range_in_words"]), "", escaped(smallest(data)), ""]
    said += [f"## How strong the evidence is: {escaped(verdict['strength'])}", ""]
    said += [f"- {escaped(sentence(reason))}" for reason in verdict["strength_reasons"]]
    said += ["", "## Checks", "", tally([one["survived"] for one in data["refutations"]]), ""]
    for one in data["refutations"]:
        seen = one["reason"] if one["survived"] is None else one["found"]
        said.append(f"- {capital(words(one['name']))}: **{STATES[one['survived']][0]}**. {escaped(sentence(seen or ''))}")
    said += ["", "## What we cannot say", ""]
    said += [f"- {escaped(sentence(one))}" for one in verdict["cannot_say"]]
    said += ["", "The whole report is [report.html](report.html).", ""]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(said))


def escaped(text: str) -> str:
    """Text that Markdown shows as it is: no tags, no table bars, no links."""
    return re.sub(r"([\\`*_\[\]|])", r"\\\1", text).replace("&", "&amp;").replace("<", "&lt;").replace("\n", " ")
