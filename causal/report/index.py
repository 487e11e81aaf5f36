"""The study page: everything that was run on one page, the answers counted and drawn first, then each question, what others said, what was taken apart."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import quote

from causal.errors import DataError, refusal
from causal.report.answers import FEW, answer, footnotes, frame, groups, heading, key, lede
from causal.report.page import render
from causal.report.phrases import sentence, words
from causal.report.record import FILE, load, read
from causal.report.sortable import Cell, cell, sortable
from causal.words import capital, count, listed

KEYS = ("title", "asks", "headline", "source", "provenance")  # what is read of a decomposition
EARLIER = "Of runs with the same configuration and data only the newest is listed; {} left out."
SIMULATED = {
    True: "Every authority, region and number behind these answers is made up; nothing on this page is evidence about a real place.",
    False: "Some of the answers below rest on simulated data; they begin with SIMULATED and are no evidence about a real place.",
}
Entry = tuple[Path, Mapping[str, Any]]
Made = TypeVar("Made")


def index(
    found: Path | Sequence[Path],
    folder: Path,
    *,
    title: str = "What was asked, and what was found",
    refused: Sequence[Mapping[str, str]] = (),
    said: str = "",
    notes: Mapping[Path, str] | None = None,
) -> Path:
    """Write index.html into a folder that is made if need be.

    Parameters
    ----------
    found : a folder, all of whose runs and decompositions are listed, newest first (of equal ones the newest); or their own folders, listed in that order.
    folder : where the page is written.
    title : its heading.
    refused : rows {experiment, estimator, reason} of what could not be run.
    said : a sentence that stands under the answers.
    notes : folder → what that run is for beside the others.

    Returns
    -------
    path : of the page. What cannot be read is listed there with the reason.

    Raises
    ------
    DataError : nothing to list.
    """
    folder = Path(folder)
    studies, decompositions, unread = _read(_below(Path(found)) if isinstance(found, str | Path) else [Path(one) for one in found])
    earlier = 0
    if isinstance(found, str | Path):
        (studies, fewer), (decompositions, less) = _newest(studies), _newest(decompositions)
        earlier = fewer + less
    wanted = {Path(at).resolve(): note for at, note in (notes or {}).items()}
    answers = _made(lambda at, data: answer(data, _link(at / "report.html", folder), wanted.get(at.resolve(), ""), _date(data)), studies, unread)
    parts = _made(lambda at, data: _decomposition(data, _link(at / "report.html", folder)), decompositions, unread)
    if not answers and not parts and not refused and not unread:
        raise refusal(DataError, str(found), "a run's folder, or a folder of runs", f"no {FILE} there or below", "name another")
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "index.html"
    simulated = [bool(data["source"]["simulated"]) for _, data in (*studies, *decompositions) if isinstance(data.get("source"), Mapping) and data["source"]]
    days = sorted(filter(None, (_date(data) for _, data in (*studies, *decompositions))))
    grouped, counted = groups(answers), _counted(len(answers), len(parts), len(refused), len(unread))
    view = {
        "title": title,
        "kick": " · ".join(filter(None, (title, day_of(days[-1]) if days else ""))),
        "heading": heading(answers) if answers else counted,
        "lede": lede(answers, len(refused)),
        "simulated": SIMULATED[all(simulated)] if any(simulated) else "",
        "counted": f"{counted}.",
        "notes": [sentence(said)] * bool(said) + [EARLIER.format(count(earlier, "run was", "runs were"))] * bool(earlier),
        "groups": grouped,
        "drawn": any(group["drawn"] for group in grouped),
        "planted": any(one.planted for one in answers),
        "open": len(answers) <= FEW,
        "frame": frame(answers),
        "key": key(answers),
        "footnotes": [(number, *footnote) for footnote, number in footnotes(answers).items()],
        "decompositions": parts,
        "lacking": list(_lacking(refused, unread, folder)),
        "sortable": sortable(),
    }
    path.write_text(render("index.html", view), encoding="utf-8", newline="\n")
    return path


def _below(top: Path) -> list[Path]:
    """Folders with a record, each once; links such as `latest` are second names."""
    if not top.is_dir():
        raise refusal(DataError, str(top), "the folder of a run, or a folder of runs", "what is no folder", "name another")
    walked = (Path(at) for at, _, files in os.walk(top) if FILE in files and ".partial" not in Path(at).parts)
    return sorted(walked)


def _read(folders: Sequence[Path]) -> tuple[list[Entry], list[Entry], list[tuple[Path, str]]]:
    """Studies, decompositions, and what cannot be read, with why."""
    studies: list[Entry] = []
    decompositions: list[Entry] = []
    unread: list[tuple[Path, str]] = []
    for one in folders:
        try:
            data = load(one)
            if "decomposition" in data:
                decompositions.append((one, load(one, KEYS)))
            else:
                studies.append((one, read(one)))
        except (DataError, OSError, UnicodeDecodeError) as problem:
            unread.append((one, str(problem)))
    return studies, decompositions, unread


def _newest(entries: Sequence[Entry]) -> tuple[list[Entry], int]:
    """Newest first, of those with equal configuration and data the newest only, and how many that leaves out."""
    newest: dict[Any, Entry] = {}
    ordered = sorted(entries, key=lambda one: (_date(one[1]), one[0].as_posix()), reverse=True)
    for one in ordered:
        given = one[1]["provenance"]
        known = [given.get(key) for key in ("config_digest", "data_digest")] if isinstance(given, Mapping) else [None]
        newest.setdefault(tuple(map(str, known)) if all(known) else one[0], one)
    return list(newest.values()), len(ordered) - len(newest)


def _date(data: Mapping[str, Any]) -> str:
    """When it began, as ISO text; "" where nobody wrote it down."""
    given = data["provenance"]
    times = given.get("times") if isinstance(given, Mapping) else None
    return str(times.get("started", "")) if isinstance(times, Mapping) else ""


def _made(make: Callable[[Path, Mapping[str, Any]], Made], entries: Sequence[Entry], unread: list[tuple[Path, str]]) -> list[Made]:
    """One for each entry; one whose record is broken goes to the unread."""
    made = []
    for at, data in entries:
        try:
            made.append(make(at, data))
        except (KeyError, TypeError, ValueError, IndexError, AttributeError) as problem:
            unread.append((at, f"{at / FILE} is broken ({type(problem).__name__}: {problem}); run the study again"))
    return made


def _link(path: Path, folder: Path) -> str:
    return quote(Path(os.path.relpath(path.resolve(), folder.resolve())).as_posix(), safe="/.")


def certainty(data: Mapping[str, Any]) -> Cell:
    """The step in words, sorted by how high it is."""
    step, answer = data["verdict"]["certainty"], data["answer"]
    return cell(answer["certainty"] or "none", key="" if step is None else step)


def checks(states: Sequence[bool | None]) -> Cell:
    """How many passed, did not pass and were not run, sorted by the share that passed."""
    failed, idle = states.count(False), states.count(None)
    lines = [f"{states.count(True)} of {len(states)} passed", f"{failed} did not pass" * bool(failed), f"{idle} not run" * bool(idle)]
    return cell(*lines, key=states.count(True) / len(states)) if states else cell("none asked for", key="")


def _decomposition(data: Mapping[str, Any], link: str) -> dict[str, str]:
    return {
        "title": str(data["title"]),
        "link": link,
        "headline": sentence(data["headline"]),
        "made_up": "Simulated data." if data["source"]["simulated"] else "",
        "day": day_of(_date(data)),
    }


def day_of(began: str) -> str:
    """29 November 2026, of ISO text; "" of none."""
    if not began:
        return ""
    day = date.fromisoformat(began[:10])
    return f"{day.day} {day:%B %Y}"


def _lacking(refused: Sequence[Mapping[str, str]], unread: Sequence[tuple[Path, str]], folder: Path) -> Iterator[dict[str, Any]]:
    """What could not be run or read, with the reasons."""
    if refused:
        items = [
            (listed([words(str(one[key])) for key in ("experiment", "estimator") if one.get(key)]) or "a study", sentence(str(one.get("reason", ""))))
            for one in refused
        ]
        yield {"title": "Could not be asked", "said": "These could not be run. That is no finding about the question.", "items": items}
    if unread:
        broken = [(Path(os.path.relpath(at.resolve(), folder.resolve())).as_posix(), sentence(why)) for at, why in unread]
        yield {"title": "Cannot be read", "said": "These folders hold no record that this version can read.", "items": broken}


def _counted(studies: int, decompositions: int, refused: int, unread: int) -> str:
    made = [count(number, *noun) for number, noun in ((studies, ("study", "studies")), (decompositions, ("decomposition",))) if number]
    lost = [f"{refused:,} {'was' if refused == 1 else 'were'} refused"] * bool(refused) + [f"{unread:,} cannot be read"] * bool(unread)
    return capital(f"{listed(made) or 'nothing that can be shown'}{'; ' if lost else ''}{listed(lost)}")


__all__ = ["index"]
