"""What moved since last year's run of a study, answer by answer, and why: `causal study NAME --since RUN`.

Every run of a study leaves `answers.json` beside its page. Where an answer has moved since, its question is asked again on the way from then to now, one thing
changed at a time and estimated as an answer is (with the check for shared shocks, whose alarm makes it anew, and no other), so that the steps add up to the
whole move exactly:

    then → today's code and question on last year's files   code, configuration
         → today's files, last year's years and series      revision: numbers that a later release gives otherwise
         → today's series of children                       population
         → today's years                                    data: what was not yet published

A step that cannot be made (last year's files are not among today's) counts with the next, and is named with it. The rule moves no estimate: where it
changed, both words are shown.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import combinations
from pathlib import Path
from typing import Any

from causal.document import read_text
from causal.errors import ConfigError, refusal
from causal.words import places, signed

FILE, MOVED = "answers.json", "moved.json"  # what a run of a study leaves: its answers, and what moved since another
SCHEMA = 1
ODDS = ("odds ratio", "odds ratio, lower", "odds ratio, upper")  # diagnostics of an estimate that has a ratio of odds beside its effect
STILL = 1e-9  # of the then standard error: a difference below it is arithmetic

Again = Callable[[Mapping[str, Any]], float | None]  # keys of the source, as they are to be → effect, None where it cannot be got


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """One answer, then and now.

    Parameters
    ----------
    entry : of the study.
    before, after : what was recorded then, and now.
    steps : cause → how much of the move is its, outcome units; they add up to the move. Two causes that could not be parted stand under one name ("code and
        revision").
    """

    entry: str
    before: Mapping[str, Any]
    after: Mapping[str, Any]
    steps: Mapping[str, float]

    def __str__(self) -> str:
        before, after = self.before, self.after
        if before["state"] != after["state"] and "effect" not in before and "effect" in after:
            return f"{self.entry}: answered for the first time ({_range(after)}); then {before['state']}"
        if "effect" in before and "effect" not in after:
            return f"{self.entry}: no longer answered ({after['state']}: {after.get('reason', '')}); then {_range(before)}"
        if "effect" not in after:
            return f"{self.entry}: {after['state']}, as before"
        why = ", ".join(f"{cause} {signed(size, _digits(before, after))}" for cause, size in self.steps.items())
        rule = "; the rule changed" if before["rule"] != after["rule"] else ""
        words = f"; {before['finding']} is now {after['finding']}" if before["finding"] != after["finding"] else ""
        return f"{self.entry}: {_range(before)} → {_range(after)}{f': {why}' if why else ': not moved'}{words}{rule}"


def _digits(*rows: Mapping[str, Any]) -> int:
    return places(max(abs(row["effect"]) for row in rows) or 1.0) + 1


def _range(row: Mapping[str, Any]) -> str:
    digits = _digits(row)
    ends = "" if row["lower"] is None else f" ({signed(row['lower'], digits)} to {signed(row['upper'], digits)})"
    return f"{signed(row['effect'], digits)}{ends}"


def recorded(rows: Sequence[Mapping[str, Any]], name: str, words: Sequence[str]) -> dict[str, Any]:
    """What a study's run leaves for next year: each entry's answer, with its ratio of odds where there is one, its source, and the digests of its files."""
    entries = []
    for row in rows:
        one: dict[str, Any] = {key: row[key] for key in ("entry", "kind", "state", "headline", "reason") if row.get(key)}
        estimate = row.get("data", {}).get("estimate") if row["kind"] == "run" else None
        if estimate:
            data = row["data"]
            one |= {key: estimate[key] for key in ("effect", "lower", "upper", "std_error", "rows")}
            one |= {
                "finding": data["answer"]["name"],
                "rule": data["rule"],
                "question": data["question"],
                "detectable": data["verdict"].get("detectable"),
                "strength": data["answer"]["certainty"],
                "config_digest": data["provenance"]["config_digest"],
                "code_digest": data["provenance"]["code_digest"],
                "data_digest": data["provenance"]["data_digest"],
                "source": row["source"],
            }
            odds = [estimate.get("diagnostics", {}).get(name) for name in ODDS]
            one |= {} if None in odds else {"odds_ratio": odds}
        entries.append(one)
    return {"schema": SCHEMA, "study": name, "words": list(words), "entries": entries}


def source_of(plain: Mapping[str, Any], path: object, source: object, panel: object) -> dict[str, Any]:
    """Of a source's configuration which keys it has, its years and series, and the digest of its files.

    Parameters
    ----------
    plain : the source's configuration.
    path : of its files, as this machine has it, which is not kept.
    source, panel : as read.
    """
    years = getattr(panel, "years", ())
    return {
        "keys": [key for key in ("first_year", "last_year", "population_series") if key in plain],
        "years": [int(years[0]), int(years[-1])] if years else [],
        "series": getattr(source, "series", None),
        "files": files_of(paths_of(path)),
    }


def paths_of(path: object) -> tuple[str, ...]:
    """A source's path, one or several, as a tuple."""
    return (path,) if isinstance(path, str) else tuple(map(str, path)) if isinstance(path, (list, tuple)) else ()


@cache
def files_of(paths: tuple[str, ...]) -> str | None:
    """One digest of the names and bytes of all files that these paths name, wherever they stand; None where they name none."""
    sha, found = hashlib.sha256(), False
    for root in (Path(one).expanduser() for one in paths):
        for file in sorted(root.rglob("*")) if root.is_dir() else [root] if root.is_file() else []:
            if file.is_file() and not file.name.startswith((".", "~$")):
                sha.update(str(file.relative_to(root)).encode())
                with file.open("rb") as opened:
                    sha.update(hashlib.file_digest(opened, "sha256").digest())
                found = True
    return sha.hexdigest() if found else None


def still_there(digest: str | None, paths: Sequence[str]) -> tuple[str, ...]:
    """Those of today's paths that hold an earlier run's files as they were, () if none do."""
    some = (part for number in range(1, len(paths) + 1) for part in combinations(paths, number))
    return next((part for part in some if digest is not None and files_of(part) == digest), ())


def earlier(folder: Path) -> dict[str, Any]:
    """The record of an earlier run.

    Raises
    ------
    ConfigError : there is none in this folder, or it cannot be read.
    """
    path = folder / FILE if folder.is_dir() else folder
    if not path.is_file():
        raise refusal(
            ConfigError,
            f"--since {folder}",
            f"the folder of an earlier run, runs/studies/NAME-…, of a version that writes {FILE}",
            f"none: there is no {FILE}",
            "name another",
        )
    try:
        found = json.loads(read_text(path, "the record of a study"))
    except (ValueError, RecursionError) as problem:
        raise refusal(ConfigError, str(path), "the record of a study, in JSON", "something that is none", "run that study again") from problem
    if not isinstance(found, dict) or found.get("schema") != SCHEMA or not isinstance(found.get("entries"), list):
        raise refusal(
            ConfigError, str(path), f"a record of a study that this version reads (schema {SCHEMA})", "something else", "name the folder of another run"
        )
    wanted = {"entry", "kind"}
    for at, one in enumerate(found["entries"]):
        if not isinstance(one, dict) or not wanted <= one.keys():
            raise refusal(ConfigError, f"{path}, entries[{at}]", "an entry as  causal study  writes it", "something else", "run that study again")
    return found


def moved(before: Mapping[str, Any], after: Mapping[str, Any], again: Callable[[str], Again], paths: Sequence[str] = ()) -> list[Move]:
    """Every entry that both runs have, or that one of them has, in the order of now.

    Parameters
    ----------
    before, after : records, as `recorded` makes them.
    again : entry → what asks its question again with other keys of the source.
    paths : of today's files; last year's are looked for among them.
    """
    then = {one["entry"]: one for one in before["entries"] if one["kind"] == "run"}
    moves = []
    for now in after["entries"]:
        if now["kind"] != "run":
            continue
        old = then.pop(now["entry"], None)
        if old is None:
            old = {"entry": now["entry"], "state": "not asked"}
        steps = _steps(old, now, again(now["entry"]), paths) if "effect" in old and "effect" in now else {}
        moves.append(Move(entry=now["entry"], before=old, after=now, steps=steps))
    return moves + [Move(entry=entry, before=old, after={"state": "not asked"}, steps={}) for entry, old in then.items()]


def _steps(old: Mapping[str, Any], now: Mapping[str, Any], again: Again, paths: Sequence[str]) -> dict[str, float]:
    """How much of a move each cause has; causes that could not be parted are named together."""
    still = STILL * (old["std_error"] or 1.0)
    if abs(now["effect"] - old["effect"]) <= still:
        return {}
    was, sits = old["source"], now["source"]
    there = still_there(was["files"], paths)
    parts = "first_year" in sits["keys"] and len(was["years"]) == 2  # a source whose years can be told apart
    years = {"first_year": was["years"][0], "last_year": was["years"][1]} if parts else {}
    series = {"population_series": was["series"]} if "population_series" in sits["keys"] else {}
    own = [cause for cause, same in (("code", old["code_digest"] == now["code_digest"]), ("configuration", old["question"] == now["question"])) if not same]
    stages: list[tuple[str, bool, dict[str, Any] | None]] = [  # cause, whether it changed, the source's keys once it has
        (" and ".join(own), bool(own), {"path": list(there), **years, **series} if there else None),
        ("revision", parts and was["files"] != sits["files"], {**years, **series}),
        ("population", was["series"] != sits["series"], {**years}),
        ("data", was["files"] != sits["files"] or was["years"] != sits["years"], {}),
    ]
    steps: dict[str, float] = {}
    waiting: list[str] = []
    at = float(old["effect"])
    for cause, changed, keys in stages:
        if not changed:
            continue
        effect = None if keys is None else again(keys)
        if effect is None:
            waiting.append(cause)
            continue
        if abs(effect - at) > still:
            steps[" and ".join([*waiting, cause])] = effect - at
        at, waiting = effect, []
    if abs(now["effect"] - at) > still:
        steps[" and ".join([*waiting, "configuration"] if "configuration" not in own else waiting or ["configuration"])] = now["effect"] - at
    return steps


def table(moves: Sequence[Move]) -> list[str]:
    """Markdown: each answer then and now, and how much of the move is whose."""
    lines = ["| entry | then | now | moved by | why |", "|---|---|---|---|---|"]
    for one in moves:
        before, after = one.before, one.after
        both = "effect" in before and "effect" in after
        digits = _digits(before, after) if both else 0
        why = ", ".join(f"{cause} {signed(size, digits)}" for cause, size in one.steps.items())
        extra = [f"words: {before['finding']} → {after['finding']}"] if both and before["finding"] != after["finding"] else []
        extra += ["the rule changed"] if both and before["rule"] != after["rule"] else []
        cells = [
            f"`{one.entry}`",
            _range(before) if "effect" in before else before["state"],
            _range(after) if "effect" in after else after["state"],
            signed(after["effect"] - before["effect"], digits) if both else "",
            "; ".join([*([why] if why else ["not moved"] if both else []), *extra]),
        ]
        lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    return lines
