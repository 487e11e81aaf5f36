"""Writes docs/study.md: every number in it comes from the record of a study, and none is typed.

    causal study england 'source.path=[OLD,NEW]' --since RUN_ON_OLD      leaves answers.json and moved.json in RUN
    python docs/study/write.py RUN OLD NEW                               takes both here, asks the facts of the folders, and writes the page
    python docs/study/write.py                                           writes the page again from what is here

The text stands in page.md.j2; a test holds docs/study.md equal to what this makes of the records beside it.
"""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from jinja2 import Environment, StrictUndefined

from causal.experiments.since import FILE, MOVED, Move, table
from causal.sources.england import England
from causal.sources.england.facts import facts, plain
from causal.words import rounded, signed

HERE = Path(__file__).resolve().parent
PAGE, TEMPLATE, FACTS = HERE.parent / "study.md", HERE / "page.md.j2", HERE / "facts.json"
SIGNS = {True: "agrees", False: "does not agree", None: "not in these files"}


class Record:
    """A study's record, asked by the words of an entry."""

    def __init__(self, found: Mapping[str, Any]) -> None:
        self._entries = {one["entry"]: one for one in found["entries"]}

    def entry(self, words: str) -> dict[str, Any]:
        """The entry whose words these are, negative controls left out.

        Raises
        ------
        KeyError : there is none.
        """
        for entry, one in self._entries.items():
            if " ".join(word for word in entry.split() if not word.startswith("refuters")) == words:
                return dict(one)
        raise KeyError(words)

    def has(self, words: str) -> bool:
        """Whether the record has such an entry."""
        try:
            self.entry(words)
        except KeyError:
            return False
        return True

    def answer(self, words: str, scale: float = 1.0) -> str:
        """The effect and its range, rounded as on the study's own page: "−1.2 (−3.6 to +1.2)"; the state where there is none."""
        one = self.entry(words)
        if "effect" not in one:
            return str(one["state"])
        if one["lower"] is None:
            return signed(one["effect"] * scale, 1)
        lower, upper = sorted((one["lower"] * scale, one["upper"] * scale))
        important = one["question"]["smallest_important"] * scale
        shown = rounded(one["effect"] * scale, lower, upper, lines=(0.0, important, -important))
        told, *ends = (signed(*each) for each in shown)
        return f"{told} ({ends[0]} to {ends[1]})"

    def odds(self, words: str, decimals: int = 2, *, turned: bool = False) -> str:
        """The ratio of odds and its range: "0.96 (0.70 to 1.30)"; `turned`: for the change the other way round. "" where the record has none."""
        ratios = self.entry(words).get("odds_ratio")
        if not ratios:
            return ""
        effect, lower, upper = (1 / ratios[0], 1 / ratios[2], 1 / ratios[1]) if turned else ratios
        return f"{effect:.{decimals}f} ({lower:.{decimals}f} to {upper:.{decimals}f})"

    def against(self, words: str, theirs: Sequence[float]) -> str:
        """Where others' ratio of odds and its two ends, for the change the other way round, lie beside the record's range."""
        _, low, high = self.entry(words)["odds_ratio"]
        lower, upper = 1 / high, 1 / low
        ratio, first, last = theirs
        if lower <= ratio <= upper:
            return "inside that range"
        return "outside that range" + (", though the two ranges overlap" if first <= upper and last >= lower else ", and so is all of theirs")

    def could(self, words: str, decimals: int = 1, scale: float = 1.0) -> str:
        """The smallest true effect that such a study finds four times in five."""
        seen = self.entry(words).get("detectable")
        return "" if seen is None else f"{abs(seen * scale):.{decimals}f}"

    def finding(self, words: str) -> str:
        """The class of the answer, in a few words."""
        one = self.entry(words)
        return str(one["finding"]).lower() if "finding" in one else str(one["state"])

    def strength(self, words: str) -> str:
        """How strong the evidence is."""
        return str(self.entry(words).get("strength", ""))

    def rows(self, words: str) -> str:
        """How many rows carry it."""
        one = self.entry(words)
        return f"{one['rows']:,}" if "rows" in one else ""

    def headline(self, words: str) -> str:
        """The whole sentence."""
        one = self.entry(words)
        return str(one.get("headline") or one.get("reason"))

    def needed(self, words: str, important: float) -> str:
        """How many authorities alike it would take to find an effect that just matters four times in five: the error falls with the root of their number."""
        one = self.entry(words)
        return f"{one['rows'] * (float(one['detectable']) / important) ** 2:,.0f}" if one.get("detectable") else ""


def page(answers: Mapping[str, Any], moves: Sequence[Mapping[str, Any]], stated: Sequence[Mapping[str, Any]]) -> str:
    """The page's text."""
    record = Record(answers)
    jinja = Environment(undefined=StrictUndefined, keep_trailing_newline=True, trim_blocks=True, lstrip_blocks=True)
    return jinja.from_string(TEMPLATE.read_text(encoding="utf-8")).render(
        has=record.has,
        a=record.answer,
        could=record.could,
        odds=record.odds,
        against=record.against,
        finding=record.finding,
        strength=record.strength,
        rows=record.rows,
        headline=record.headline,
        needed=record.needed,
        facts={one["key"]: one | {"verdict": SIGNS[one["agrees"]]} for one in stated},
        moved=[line for line in table([Move(**one) for one in moves])],
    )


def written() -> str:
    """The page from the records that stand here."""
    answers, moves, stated = (json.loads((HERE / name).read_text(encoding="utf-8")) for name in (FILE, MOVED, FACTS.name))
    return page(answers, moves, stated)


def main(words: Sequence[str]) -> None:
    """Take the records of a run, if one is named, and write the page."""
    if words:
        run, folders = Path(words[0]), list(words[1:])
        for name in (FILE, MOVED):
            shutil.copyfile(run / name, HERE / name)
        record = json.loads((HERE / FILE).read_text(encoding="utf-8"))
        record["words"] = []  # the folders of a machine are nobody's business
        (HERE / FILE).write_text(json.dumps(record, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
        if (run / "answers.svg").is_file():
            shutil.copyfile(run / "answers.svg", HERE / "answers.svg")
        FACTS.write_text(json.dumps(plain(facts(England(path=folders))), indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    PAGE.write_text(written(), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
