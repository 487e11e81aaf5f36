"""An inquiry: many questions, and one page with all answers; on the command line it is a study with a name (`causal study NAME`).

Each entry of conf/study/NAME.yaml is run as `causal run` or `causal decompose` would. What is complete for the same configuration, data and code is not
run again, so an inquiry that was stopped goes on where it was. An entry that is refused is a row with its reason and stops nothing; so is one whose
treatment or outcome these files do not have, which is an answer too: what it would take.

With `since` an earlier run's folder is set beside this one: what moved, and why (`since.py`).

`main` is what `causal study NAME` calls; it works as a script too: python experiments/inquiry.py england source.path=FOLDER
"""

from __future__ import annotations

import contextlib
import io
import json
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from causal.breakdown import Column, Figure, Mark, Table
from causal.document import called, read_yaml
from causal.errors import CausalError, ConfigError, NotMeasured, refusal, suggest
from causal.experiments import decompose
from causal.experiments.compose import checked_cluster, checked_runs, choices, composed, recorded, resolved, study_and_part, study_from, trust
from causal.experiments.gate import CONF, how, shelf, strangers
from causal.experiments.run import WHERE, carry_out, checked_workers, complete, write_atomically, written_to
from causal.experiments.since import FILE, MOVED, Move, earlier, moved, paths_of, source_of, table
from causal.experiments.since import recorded as record_of
from causal.panel import Panel
from causal.report.figures.canvas import stamped, titled
from causal.report.figures.charts import draw
from causal.report.index import index
from causal.report.provenance import digest_of
from causal.report.record import load
from causal.report.record import plain as as_plain
from causal.report.summary import escaped
from causal.study import Study, loaded, run
from causal.words import count

KEYS = {"title", "said", "words", "entries"}
ENTRY = {"run", "decompose", "why"}
WIDEST = 6.0  # an interval that reaches further, in smallest important effects, says nothing and would hide the others in the figure


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One question of an inquiry.

    Parameters
    ----------
    kind : "run" or "decompose".
    name : of the decomposition; "" for a run.
    words : overrides, as on the command line.
    why : what this entry is for, beside the others.
    """

    kind: str
    name: str
    words: tuple[str, ...]
    why: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Inquiry:
    """What a study's file says: a title, a sentence on all of it, words that every entry gets, and the entries."""

    title: str
    said: str
    words: tuple[str, ...]
    entries: tuple[Entry, ...]


def inquiry(name: str, folders: Sequence[Path] = ()) -> Inquiry:
    """Read conf/study/NAME.yaml, a user's own folder before ours.

    Raises
    ------
    ConfigError : there is none of that name, or it is not a study's file.
    """
    path = next((p for root in (*folders, CONF) for p in shelf(root, "study") if p.stem == name), None)
    if path is None:
        raise refusal(ConfigError, "causal study", "a study that there is", repr(name), suggest(name, choices("study", folders)))
    inside = read_yaml(path, "a study")
    if not isinstance(inside, dict) or set(inside) - KEYS or not {"title", "entries"} <= set(inside):
        odd = sorted(map(str, set(inside) - KEYS)) if isinstance(inside, dict) else []
        came = f"the key {odd[0]!r}" if odd else "a mapping without them" if isinstance(inside, dict) else called(inside)
        wanted = f"the keys {', '.join(sorted(KEYS))} of a study, of which title and entries must be there"
        raise refusal(ConfigError, str(path), wanted, came, "look at  causal list studies  and conf/study/twins.yaml")
    for key, wanted in (("title", "words"), ("said", "words")):
        if not isinstance(inside.get(key, ""), str) or (key == "title" and not inside[key].strip()):
            raise refusal(ConfigError, f"{path}, {key}", wanted, called(inside[key]), "write it in quotes")
    if not isinstance(inside["entries"], list) or not inside["entries"]:
        raise refusal(ConfigError, f"{path}, entries", "a list of entries", called(inside["entries"]), "write  - run: experiment=closures  for each")
    entries = []
    for one in inside["entries"]:
        kind = next((kind for kind in ("run", "decompose") if isinstance(one, dict) and kind in one), "")
        if not kind or set(one) - ENTRY or {"run", "decompose"} <= set(one):
            raise refusal(ConfigError, f"{path}: an entry", "run: words  or  decompose: NAME words,  with why: if need be", repr(one), "write it so")
        words = strangers(_words(one[kind], f"{path}, {kind}"), str(path))
        if kind == "decompose" and not words:
            raise refusal(ConfigError, f"{path}, decompose", "the name of a decomposition", "nothing", "causal list decompositions  names them")
        entries.append(Entry(kind=kind, name=words.pop(0) if kind == "decompose" else "", words=tuple(words), why=" ".join(str(one.get("why") or "").split())))
    shared = strangers(_words(inside.get("words"), f"{path}, words"), str(path))
    return Inquiry(title=str(inside["title"]), said=" ".join(str(inside.get("said") or "").split()), words=tuple(shared), entries=tuple(entries))


def _words(given: Any, where: str) -> list[str]:
    """Words in one line, or a list where a word holds blanks."""
    if given is not None and not isinstance(given, str | list):
        raise refusal(ConfigError, where, "overrides in one line, or a list of them", called(given), "write  run: experiment=closures question.lag=1")
    return given.split() if isinstance(given, str) else [str(one) for one in given or ()]


def main(name: str, words: Sequence[str], *, folders: Sequence[Path] = (), trusted: Sequence[str] = (), since: Path | None = None) -> int:
    """Run all entries and write the page; 0, or 2 if any was refused. The last line printed is the page's folder.

    Parameters
    ----------
    name : of the study.
    words : overrides that every entry gets after its own (source.path=FOLDER, runs=…, refuters=…).
    folders, trusted : as `causal run` takes them.
    since : folder of an earlier run of the study, to say what moved.

    Raises
    ------
    CausalError : the study's file cannot be used, the configuration that all entries share, or the earlier run.
    """
    before = None if since is None else earlier(since)
    folders = [folder.resolve() for folder in folders]
    what, allowed = inquiry(name, folders), trust(trusted)
    config = composed([*what.words, *words], folders)
    study_from(config, allowed)  # what is wrong with the words of all is said once, before any entry
    runs, workers = written_to(checked_runs(how(config, "runs"))), checked_workers(how(config, "workers"))
    flags = [word for flag, given in (("--config-dir", folders), ("--trust", trusted)) for one in given for word in (flag, str(one))]
    panels: dict[str, Panel] = {}
    rows: list[dict[str, Any]] = []
    with checked_cluster(config).opened():
        for i, entry in enumerate(what.entries, 1):
            began = time.perf_counter()
            given = [*what.words, *entry.words, *words]
            try:
                row = (
                    _run(given, folders, allowed, flags, runs, workers, panels)
                    if entry.kind == "run"
                    else _decompose(entry.name, given, folders, trusted, allowed, runs)
                )
            except NotMeasured as lacking:
                row = {"state": "not in these files", "reason": str(lacking)}
            except CausalError as problem:
                row = {"state": "refused", "reason": str(problem)}
            except Exception as fault:  # a fault of ours in one entry must not cost the others; it is told, and the exit status says so
                row = {"state": "broken off", "reason": f"{type(fault).__name__}: {fault}"}
            row = {
                "entry": " ".join([*([entry.name] if entry.name else []), *entry.words]).replace("\n", " ").replace("`", "'"),
                "kind": entry.kind,
                "why": entry.why,
            } | row
            rows.append(row)
            print(f"[{i}/{len(what.entries)}] {row['entry']} ({time.perf_counter() - began:.0f} s): {row['state']}")
            print(f"    {row.get('headline') or row.get('reason')}", flush=True)
    now = record_of(rows, name, words)
    moves: list[Move] = []
    if before is not None:
        asked = {row["entry"]: [*what.words, *one.words, *words] for row, one in zip(rows, what.entries, strict=True)}
        paths = paths_of(resolved(config)["source"].get("path"))
        moves = moved(before, now, lambda entry: partial(_again, asked[entry], folders, allowed, panels), paths)
        print(f"since {since}:")
        print("\n".join(f"    {move}" for move in moves), flush=True)

    def fill(partial: Path) -> None:
        _write(what, rows, partial, moves, str(since))
        if moves:
            (partial / MOVED).write_text(json.dumps([asdict(one) for one in moves], indent=1, ensure_ascii=False) + "\n", encoding="utf-8", newline="\n")
        (partial / FILE).write_text(json.dumps(now, indent=1, ensure_ascii=False) + "\n", encoding="utf-8", newline="\n")

    folder = write_atomically(fill, runs, runs / "studies", f"{name}-{datetime.now(UTC):%Y%m%dT%H%M%SZ}")
    states = [row["state"] for row in rows]
    states_text = [f"{states.count(state)} {state}" for state in dict.fromkeys(states)]
    print(f"{count(len(rows), 'entry', 'entries')}: {', '.join(states_text)}")
    print(f"all answers: {folder / 'index.html'}")
    print(folder)
    return 2 if {"refused", "broken off"} & set(states) else 0


def _run(
    words: Sequence[str], folders: Sequence[Path], allowed: Sequence[str], flags: Sequence[str], runs: Path, workers: int, panels: dict[str, Panel]
) -> dict[str, Any]:
    """One experiment, unless it is there already."""
    config = composed(words, folders)
    study = study_from(config, allowed)
    plain = recorded(config)
    experiment = next((word.partition("=")[2] for word in reversed(words) if word.startswith("experiment=")), "default")
    panel = _panel(study, resolved(config), panels)
    home = runs / experiment / str(study.estimator.name)
    there = complete(home, digest_of(plain), panel.digest)
    if there is None:
        kept = [word for word in words if word.partition("=")[0] not in WHERE]
        _, there = carry_out(study, plain, runs, home, ["causal", "run", *flags, *kept], workers=workers, panel=panel)
        state = "done"
    else:
        state = "already complete"
    data = load(there)
    return {
        "state": state,
        "folder": there,
        "experiment": experiment,
        "truth": panel.planted.get("truth"),
        "data": data,
        "source": source_of(plain["source"], resolved(config)["source"].get("path"), study.source, panel),
        "headline": data["answer"]["headline"],
    }


def _panel(study: Study, plain: Mapping[str, Any], panels: dict[str, Panel]) -> Panel:
    """The study's panel; a source without a truth of its own gives the same to all questions, so it is read once."""
    if hasattr(study.source, "truth"):
        return loaded(study)
    key = json.dumps(plain["source"], sort_keys=True)
    if key not in panels:
        panels[key] = study.source.load()
    return loaded(study, panels[key])


def _decompose(name: str, words: Sequence[str], folders: Sequence[Path], trusted: Sequence[str], allowed: Sequence[str], runs: Path) -> dict[str, Any]:
    """One decomposition, unless it is there already."""
    known = choices("decomposition", folders)
    if name not in known:
        raise refusal(ConfigError, "causal decompose", "a decomposition that there is", repr(name), suggest(name, known))
    config = composed([f"decomposition={name}", *words], folders)
    study, _ = study_and_part(config, "decomposition", allowed)
    there = complete(runs / "decompositions" / name, digest_of(recorded(config)), study.source.load().digest)
    state = "already complete"
    if there is None:
        heard = io.StringIO()
        with contextlib.redirect_stdout(heard):
            decompose.main(name, words, folders=folders, trusted=trusted)
        there, state = Path(heard.getvalue().strip().splitlines()[-1]), "done"
    data = load(there)
    return {"state": state, "folder": there, "experiment": name, "truth": data.get("truth"), "data": data, "headline": data["headline"]}


def _again(words: Sequence[str], folders: Sequence[Path], allowed: Sequence[str], panels: dict[str, Panel], keys: Mapping[str, Any]) -> float | None:
    """The effect with other keys of the source, without checks but for the one whose alarm makes an answer anew; None where there is none to be had.

    `panels` keeps what was read.
    """
    over = [f"source.{key}={'null' if value is None else json.dumps(value, ensure_ascii=False)}" for key, value in keys.items()]
    try:
        config = composed([*words, *over], folders)
        study = study_from(config, allowed)
        shared = {name: one for name, one in study.refuters.items() if one.role == "shared_shocks"}
        found = run(replace(study, refuters=shared, baseline=None, beside=()), panel=_panel(study, resolved(config), panels)).estimate
    except CausalError:
        return None
    return None if found is None else float(found.effect)


def _write(what: Inquiry, rows: Sequence[Mapping[str, Any]], folder: Path, moves: Sequence[Move] = (), since: str = "") -> Path:
    """The index page, and the same as a table in text; `moves` since an earlier run below it."""
    folder.mkdir(parents=True, exist_ok=True)
    lines = [f"# {escaped(what.title)}", "", *([escaped(what.said), ""] if what.said else []), *_table(rows)]
    lines += ["", f"## What moved since {since}", "", *table(moves)] if moves else []
    (folder / "summary.md").write_text("\n".join(lines) + "\n", encoding="utf-8", newline="\n")
    lacking = [{"experiment": row["entry"], "estimator": "", "reason": f"{row['state']}: {row['reason']}"} for row in rows if "folder" not in row]
    drawn = _answers(rows)
    if drawn is not None:
        invented = "SIMULATED: every authority and number is made up" * any(row["data"]["source"]["simulated"] for row in rows if "folder" in row)
        (folder / "answers.svg").write_text(titled(stamped(draw(*drawn), invented)) + "\n", encoding="utf-8", newline="\n")
    notes = {row["folder"]: row["why"] for row in rows if "folder" in row and row["why"]}
    return index([row["folder"] for row in rows if "folder" in row], folder, title=what.title, refused=lacking, said=what.said, notes=notes)


def _answers(rows: Sequence[Mapping[str, Any]]) -> tuple[Mapping[str, Any], Mapping[str, Any]] | None:
    """Every range in smallest important effects, harm to the right, as a figure and its table; None where there is nothing to draw."""
    cells, wide = [], []
    for row in rows:
        one = row.get("data", {}).get("estimate")
        if not one or one["lower"] is None or any(row["data"]["verdict"][key] for key in ("failed", "association", "gate")):
            continue
        question = row["data"]["question"]
        unit = question["smallest_important"] * (-1 if question["harm"] == "decrease" else 1)
        ends = sorted((one["lower"] / unit, one["upper"] / unit))
        labels = {variable["name"]: variable["label"] for variable in row["data"]["source"]["variables"]}
        name, heading = labels.get(question["outcome"], question["outcome"]), f"{row['data']['title']}{', ' + row['why'] if row['why'] else ''}"
        if max(abs(ends[0]), abs(ends[1])) > WIDEST:
            wide.append(f"{heading} ({name})")
        else:
            cells.append((heading, name, one["effect"] / unit, *ends))
    if not cells:
        return None
    columns = (
        Column(name="title", label="question", text=True),
        Column(name="outcome", label="outcome", text=True),
        Column(name="value", label="effect", unit="in effects that just matter: harm to the right, beyond 1 it matters", places=1),
        Column(name="lower", label="lower end", places=1),
        Column(name="upper", label="upper end", places=1),
    )
    left = f" Left out, since their ranges reach beyond {WIDEST:g}: {'; '.join(wide)}." if wide else ""
    figure = Figure(
        name="answers",
        kind="intervals",
        table="answers",
        alt="; ".join(f"{title}, {name}: {value:+.1f} ({low:+.1f} to {high:+.1f})" for title, name, value, low, high in cells),
        caption=f"Every answer that can be used, with its range, in units of the smallest effect that would matter for its outcome.{left}",
        values=("value",),
        label="outcome",
        group="title",
        lower="lower",
        upper="upper",
        marks=(Mark(column="value", value=-1.0, words="−1"), Mark(column="value", value=1.0, words="1")),
    )
    return as_plain(figure), as_plain(Table(name="answers", caption=figure.caption, columns=columns, rows=tuple(cells)))


def _table(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """Markdown: each entry with its answer, certainty, checks that did not pass, what others said and, in a simulated world, the truth."""
    planted = any(row.get("truth") is not None for row in rows)
    heads = ["entry", "answer", "certainty", "did not pass", *(["planted"] if planted else ["what others said"])]
    lines = ["| " + " | ".join(heads) + " |", "|" + "---|" * len(heads)]
    for row in rows:
        words = escaped(row["entry"]) if set("<|`") & set(row["entry"]) else f"`{row['entry']}`"
        cells = [words + (f" {escaped(row['why'])}" if row["why"] else "")]
        if "folder" not in row:
            cells += [escaped(f"{row['state']}: {row['reason']}"), "", "", ""]
        elif row["kind"] == "decompose":
            cells += [escaped(row["headline"]), "", "", ""]
        else:
            data, truth = row["data"], row["truth"]
            failed = [one["name"].replace("_", " ") for one in data["refutations"] if one["survived"] is False]
            last = (f"{truth:+.3g}" if truth is not None else "") if planted else " ".join(f"{one['who']}: {one['what']}" for one in data.get("said", []))
            cells += [escaped(one) for one in (row["headline"], data["answer"]["certainty"], ", ".join(failed) or "none", last)]
        lines.append(f"| {' | '.join(cells)} |")
    return lines


if __name__ == "__main__":
    from causal.cli import main as command_line

    sys.exit(command_line(["study", *sys.argv[1:]]))
