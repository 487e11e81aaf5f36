"""Everything that was run, on one page: question, answer, range, certainty, checks, date, and what others said beside it."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any
from urllib.parse import quote

from causal.errors import DataError
from causal.report.page import render
from causal.report.phrases import label, made_up, sentence, variable, when, words
from causal.report.record import FILE, load, read
from causal.report.sortable import Cell, Head, cell, sortable, table
from causal.words import capital, count, listed

KEYS = ("title", "asks", "headline", "source", "provenance")  # what is read of a decomposition
EARLIER = "Of runs with the same configuration and data only the newest is listed; {} left out."
SIMULATED = {
    True: "Every authority, region and number behind these answers is made up; nothing on this page is evidence about a real place.",
    False: "Some of the answers below rest on simulated data; they begin with SIMULATED and are no evidence about a real place.",
}
Entry = tuple[Path, Mapping[str, Any]]


def index(
    found: Path | Sequence[Path], folder: Path, *, title: str = "What was asked, and what was found", refused: Sequence[Mapping[str, str]] = (), said: str = ""
) -> Path:
    """Write index.html into a folder that is made if need be.

    Parameters
    ----------
    found : a folder, all of whose runs and decompositions are listed, newest first (of equal ones the newest); or their own folders, listed in that order.
    refused : rows {experiment, estimator, reason} of what could not be run.
    said : a sentence that stands above the tables.

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
    rows = {"studies": _rows(_study, studies, folder, unread), "decompositions": _rows(_decomposition, decompositions, folder, unread)}
    if not any(rows.values()) and not refused and not unread:
        raise DataError(f"{found}: no {FILE} there or below; name a run's folder, or a folder of runs")
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "index.html"
    simulated = [bool(data["source"]["simulated"]) for _, data in (*studies, *decompositions) if isinstance(data.get("source"), Mapping) and data["source"]]
    view = {
        "title": title,
        "simulated": SIMULATED[all(simulated)] if any(simulated) else "",
        "counted": _counted(len(rows["studies"]), len(rows["decompositions"]), len(refused), len(unread)),
        "notes": [sentence(said)] * bool(said) + [EARLIER.format(count(earlier, "run was", "runs were"))] * bool(earlier),
        "sections": list(_sections(rows, refused, unread, folder)),
        "sortable": sortable(),
    }
    path.write_text(render("index.html", view), encoding="utf-8", newline="\n")
    return path


def _below(top: Path) -> list[Path]:
    """Folders with a record, each once; links such as `latest` are second names."""
    if not top.is_dir():
        raise DataError(f"{top} is no folder; give the folder of a run, or a folder of runs")
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
    held: dict[Any, Entry] = {}
    ordered = sorted(entries, key=lambda one: (_date(one[1]), one[0].as_posix()), reverse=True)
    for one in ordered:
        given = one[1]["provenance"]
        known = [given.get(key) for key in ("config_digest", "data_digest")] if isinstance(given, Mapping) else [None]
        held.setdefault(tuple(map(str, known)) if all(known) else one[0], one)
    return list(held.values()), len(ordered) - len(held)


def _date(data: Mapping[str, Any]) -> str:
    """When it began, as ISO text; "" where nobody wrote it down."""
    given = data["provenance"]
    times = given.get("times") if isinstance(given, Mapping) else None
    return str(times.get("started", "")) if isinstance(times, Mapping) else ""


def _rows(make: Any, entries: Sequence[Entry], folder: Path, unread: list[tuple[Path, str]]) -> list[list[Cell]]:
    """A row for each entry; one whose record is broken goes to the unread."""
    made = []
    for at, data in entries:
        try:
            made.append(make(data, _link(at / "report.html", folder)))
        except (KeyError, TypeError, ValueError, IndexError, AttributeError) as problem:
            unread.append((at, f"{at / FILE} is broken ({type(problem).__name__}: {problem}); run the study again"))
    return made


def _link(path: Path, folder: Path) -> str:
    return quote(Path(os.path.relpath(path.resolve(), folder.resolve())).as_posix(), safe="/.")


STUDY = (
    Head(text="Study"),
    Head(text="Answer", long=True),
    Head(text="Effect and its range", number=True),
    Head(text="Certainty", choice=True),
    Head(text="Checks", number=True),
    Head(text="Estimator", choice=True),
    Head(text="Said before", long=True),
    Head(text="Date"),
)


def _study(data: Mapping[str, Any], link: str) -> list[Cell]:
    question, verdict, answer, one = data["question"], data["verdict"], data["answer"], data["estimate"]
    unit = variable(data, question["outcome"])["unit"]
    asks = f"{data['action']}: {label(data, question['outcome'])} {when(question)}"
    if one is None:
        size = cell("no estimate", key="")
    else:
        away = (
            "failed its checks: not to be used" if verdict["failed"] else "its error is unknown: not to be used" if verdict["gate"] == "error_unknown" else ""
        )
        known = f"{question['level']:.0%} interval {answer['interval']}" if answer["interval"] else "no valid interval is known"
        size = cell(f"{answer['signed']} {unit}".strip(), known, away, key=one["effect"])
    return [
        cell(data["title"], asks, href=link),
        cell(answer["headline"]),
        size,
        certainty(data),
        checks([check["survived"] for check in data["refutations"]]),
        cell(words(one["estimator"]) if one else "none"),
        cell(
            *(line for say in data["said"] for line in (f"{say['who']}: {sentence(say['what'])}", say["source"])), key=" ".join(s["who"] for s in data["said"])
        ),
        _dated(data),
    ]


def certainty(data: Mapping[str, Any]) -> Cell:
    """The step in words, sorted by how high it is."""
    step, answer = data["verdict"]["certainty"], data["answer"]
    return cell(answer["certainty"] or "none", key="" if step is None else step)


def checks(states: Sequence[bool | None]) -> Cell:
    """How many passed, did not pass and were not run, sorted by the share that passed."""
    failed, idle = states.count(False), states.count(None)
    lines = [f"{states.count(True)} of {len(states)} passed", f"{failed} did not pass" * bool(failed), f"{idle} not run" * bool(idle)]
    return cell(*lines, key=states.count(True) / len(states)) if states else cell("none asked for", key="")


DECOMPOSITION = (Head(text="Decomposition"), Head(text="Answer", long=True), Head(text="Data", long=True), Head(text="Date"))


def _decomposition(data: Mapping[str, Any], link: str) -> list[Cell]:
    return [
        cell(data["title"], data["asks"], href=link),
        cell(sentence(data["headline"]), sentence(made_up(data)) if made_up(data) else ""),
        cell(data["source"]["title"]),
        _dated(data),
    ]


def _dated(data: Mapping[str, Any]) -> Cell:
    began = _date(data)
    if not began:
        return cell("not recorded", key="")
    day = date.fromisoformat(began[:10])
    return cell(f"{day.day} {day:%B %Y}", key=began)


def _sections(
    rows: Mapping[str, Sequence[Sequence[Cell]]], refused: Sequence[Mapping[str, str]], unread: Sequence[tuple[Path, str]], folder: Path
) -> Iterator[dict[str, Any]]:
    """The tables of the page; a column that nobody filled is left out."""
    studies, decompositions = rows["studies"], rows["decompositions"]
    if studies:
        used = [i for i, head in enumerate(STUDY) if head.text != "Said before" or any(row[i].lines != ("",) for row in studies)]
        said = "Each answer is the headline of its report, word for word. What others said before stands beside it for comparison; they asked in their own way."
        yield {
            "title": "Studies",
            "said": said if len(used) == len(STUDY) else said.partition(" What others")[0],
            "table": table("Studies and their answers", [STUDY[i] for i in used], [[_or(row[i], STUDY[i]) for i in used] for row in studies]),
        }
    if decompositions:
        yield {
            "title": "Decompositions",
            "said": "These add up or compare numbers; the report of each says what it cannot tell.",
            "table": table("Decompositions and their answers", DECOMPOSITION, decompositions),
        }
    if refused:
        heads: tuple[Head, ...] = (Head(text="Study"), Head(text="Estimator", choice=True), Head(text="Reason", long=True))
        turned = [[cell(words(str(one.get(key, "")))) for key in ("experiment", "estimator")] + [cell(sentence(str(one.get("reason", ""))))] for one in refused]
        yield {"title": "Refused", "said": "These could not be run. That is no finding about the question.", "table": table("Refused, and why", heads, turned)}
    if unread:
        heads = (Head(text="Folder"), Head(text="Why", long=True))
        broken = [[cell(Path(os.path.relpath(at.resolve(), folder.resolve())).as_posix()), cell(sentence(why))] for at, why in unread]
        yield {"title": "Cannot be read", "said": "These folders hold no record that this version can read.", "table": table("Unread folders", heads, broken)}


def _or(one: Cell, head: Head) -> Cell:
    return cell("nothing recorded", key="") if head.text == "Said before" and one.lines == ("",) else one


def _counted(studies: int, decompositions: int, refused: int, unread: int) -> str:
    made = [count(number, *noun) for number, noun in ((studies, ("study", "studies")), (decompositions, ("decomposition",))) if number]
    lost = [f"{refused:,} {'was' if refused == 1 else 'were'} refused"] * bool(refused) + [f"{unread:,} cannot be read"] * bool(unread)
    return capital(f"{listed(made) or 'nothing that can be shown'}{'; ' if lost else ''}{listed(lost)}.")


__all__ = ["index"]
