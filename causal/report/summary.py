"""The first screen as Markdown, and after it the checks in full, what cannot be said and what the table on risk of bias says."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from causal.language import language_of
from causal.report.checks import every
from causal.report.first import HEADS, first, parts
from causal.report.phrases import STATES, made_up, plainly, readable, sentence, tally
from causal.words import capital


def summary(data: Mapping[str, Any]) -> str:
    """A page of text; the headline is its first line."""
    answer, one, language = data["answer"], first(data), language_of(data.get("language"))
    said = [f"# {escaped(one['headline'])}", "", escaped(one["second"]), "", f"*{escaped(one['kick'])}.* {escaped(one['asked'])}", ""]
    said += [f"**{escaped(made_up(data))}.**", ""] if made_up(data) else []
    for part in parts(one):
        said += [f"## {escaped(part['title'])}", ""]
        if part["rows"]:
            said += [_row(HEADS), "|" + "---|" * len(HEADS), *map(_row, part["rows"]), ""]
        if part["about"] in ("checks", "mind"):
            said += [*(f"- {escaped(line)}" for line in part["lines"]), ""]
        elif part["lines"]:
            said += [escaped(" ".join(part["lines"])), ""]
        if part["about"] == "next" and one["next"]["command"]:
            said += [f"    {one['next']['command']}", ""]
    said += [f"Data: {escaped(one['data'])} What matters: {escaped(one['matters'])}", "", f"Cite: {escaped(one['cite'])}", ""]
    said += [f"For evaluators: {escaped(answer['evaluators'])}", ""] if answer["evaluators"] else []
    said += ["## Every check", "", tally([check["survived"] for check in every(data)]), ""]
    for check in every(data):
        seen = check["reason"] if check["survived"] is None else check["found"]
        said.append(f"- {escaped(capital(language.check(check['name'])))}: **{STATES[check['survived']][0]}**. {escaped(sentence(readable(data, seen or '')))}")
    said += ["", f"## {escaped(language.terms['cannot_say_head'])}", ""]
    said += [f"- {escaped(plainly(data, limit))}" for limit in answer["cannot_say"]]
    said += ["", "The whole report is [report.html](report.html).", ""]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(said))


def _row(cells: tuple[str, ...]) -> str:
    return "| " + " | ".join(map(escaped, cells)) + " |"


def escaped(text: str) -> str:
    """Text that Markdown shows as it is: no tags, no table bars, no links."""
    return re.sub(r"([\\`*_\[\]|])", r"\\\1", text).replace("&", "&amp;").replace("<", "&lt;").replace("\n", " ")
