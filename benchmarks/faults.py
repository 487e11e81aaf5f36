"""Kills at random moments and full disks: is anything lost, is anything half called whole, does everything go on?

    python benchmarks/faults.py            half an hour; writes faults.md and faults.json beside this file
    python benchmarks/faults.py --only study disks      these parts again
    python benchmarks/faults.py --only run --add --kills 72 --seed 1      12 more kills of it, added to those that are kept

Each kill is SIGKILL, after a time drawn evenly over what the command takes when nobody disturbs it, or as soon as a folder that it works in appears, so that
the short moments of writing are hit too. Then the same command is started again and must end well. Held after each, from outside the code: every folder
under its own name has all files that an undisturbed run's has, of which each is read (JSON, CSV, a page that ends, zip archives that pass their own
check); what was whole before is unchanged, byte by byte; and what the second start gives is the same as what an undisturbed one gives, times aside; no
process that died has anything left lying once the next has started. The disk is made full by a limit on the size of files (RLIMIT_FSIZE), or by a
small file system in memory where one may be mounted.
"""

from __future__ import annotations

import argparse
import functools
import hashlib
import http.server
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PAGE = Path(__file__).with_suffix(".md")
TINY = ["experiment=closures", "source.authorities=20", "refuters=[]", "workers=1"]
KEPT = Path(__file__).with_suffix(".json")
DISKS = "disks"
COUNTED = ("killed", "too late", "half", "changed", "not resumed", "other answers", "left lying")
KINDS = ("run", "sweep", "study", "simulate", "fetch", "cache")
SIZES = [2**power for power in range(9, 29)]  # bytes: 512 to 134 million
STUDY = """title: Tiny
said: Two questions on a small panel.
words: source.authorities=20 refuters=[]
entries:
  - run: experiment=closures
  - run: experiment=closures estimator=difference
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """A command that is killed.

    Parameters
    ----------
    name : for the table.
    words : the command, told where its results go.
    homes : folders below the results whose folders must be whole.
    each : whether such a folder fills file by file, each of them whole, so that some may be lacking.
    """

    name: str
    words: Callable[[Path], list[str]]
    homes: tuple[str, ...]
    each: bool = False


LIMITED = """import resource, sys
from causal.cli import main
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[1]),) * 2)  # Python ignores the signal, so that the write fails and the process lives
sys.exit(main(sys.argv[2:]))
"""


def causal(words: Sequence[str], *, folder: Path, cache: Path, largest: int = 0) -> subprocess.Popen[str]:
    """The command line as a process group of its own, so that a kill takes its workers along; with `largest` no file may have more bytes."""
    environment = os.environ | {"CAUSAL_CACHE": str(cache), "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    limited = ["-c", LIMITED, str(largest), *words] if largest else ["-m", "causal", *words]
    command = [sys.executable, *(words if words[0] == "-c" else limited)]
    return subprocess.Popen(command, cwd=folder, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True)


def finished(process: subprocess.Popen[str]) -> tuple[int, str]:
    """Exit status and what was said; after ten minutes it counts as hung."""
    try:
        said, _ = process.communicate(timeout=600)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        return -999, process.communicate()[0]
    return process.returncode, said


# ------------------------------------------------------------------ what is held


def broken(file: Path) -> str:
    """What is wrong with a file by its own kind; "" for nothing."""
    try:
        if file.suffix == ".json":
            json.loads(file.read_text(encoding="utf-8"))
        elif file.suffix in (".xlsx", ".docx", ".npz"):
            with zipfile.ZipFile(file) as archive:
                return f"{file}: {archive.testzip()}" if archive.testzip() else ""
        elif file.suffix in (".html", ".svg") and not file.read_text(encoding="utf-8").rstrip().endswith(f"</{file.suffix[1:]}>"):
            return f"{file}: does not end"
        elif file.suffix in (".csv", ".md", ".yaml") and not file.read_text(encoding="utf-8").endswith("\n"):
            return f"{file}: its last line is cut"
    except (ValueError, zipfile.BadZipFile) as problem:
        return f"{file}: {problem}"
    return ""


def unfinished(name: str) -> bool:
    """Whether a file says by its name that it is being written, or grows line by line."""
    return name.endswith((".part", ".part.json", ".part.whole", ".new", ".busy", "draws.jsonl"))


def whole_folders(top: Path, homes: Sequence[str]) -> list[Path]:
    """Folders that stand under names of their own."""
    found = []
    for home in homes:
        found += [one for one in sorted(top.glob(home)) if one.is_dir() and not one.is_symlink()]
    return found


def problems(top: Path, names: Mapping[str, set[str]]) -> list[str]:
    """Files that are lacking or broken in folders that stand under names of their own; a file that is being written bears another name."""
    wrong = []
    for folder, wanted in ((folder, names[home]) for home in names for folder in whole_folders(top, [home])):
        there = {file.relative_to(folder).as_posix() for file in folder.rglob("*") if file.is_file()}
        named = {name for name in there if not unfinished(name)}
        if wanted - named:
            wrong.append(f"{folder}: lacks {sorted(wanted - named)[:3]}")
        wrong += filter(None, (broken(folder / name) for name in named))
    return wrong


def digests(top: Path, homes: Sequence[str]) -> dict[str, str]:
    """Every file of every whole folder that has its own name."""
    return {
        str(file.relative_to(top)): hashlib.sha256(file.read_bytes()).hexdigest()
        for folder in whole_folders(top, homes)
        for file in folder.rglob("*")
        if file.is_file() and not unfinished(file.name)
    }


def answers(top: Path, homes: Sequence[str]) -> set[str]:
    """What is found in whole folders, times and folders aside."""
    found = set()
    for folder in whole_folders(top, homes):
        for name in ("result.json", "simulation.json"):
            if (folder / name).is_file():
                data = json.loads((folder / name).read_text(encoding="utf-8"))
                data.pop("provenance", None)
                found.add(json.dumps(data, sort_keys=True))
    return found


def left_lying(top: Path) -> list[str]:
    """What nobody who lives is working on."""
    return sorted(str(one.relative_to(top)) for one in top.rglob("*") if one.parent.name == ".partial" or (unfinished(one.name) and one.suffix != ".jsonl"))


# ------------------------------------------------------------------ kills


def begun(folder: Path) -> bool:
    """Whether something is being written below a folder."""
    return any((one.parent.parent.name == ".partial" and one.is_file()) or unfinished(one.name) for one in folder.rglob("*"))


def kills(kind: Kind, number: int, dice: random.Random, base: Path) -> dict[str, Any]:
    """`number` kills of one command, each followed by the same command left alone."""
    undisturbed = base / f"{kind.name}-undisturbed"
    undisturbed.mkdir()
    began = time.monotonic()
    status, said = finished(causal(kind.words(undisturbed / "out"), folder=undisturbed, cache=undisturbed / "cache"))
    seconds = time.monotonic() - began
    if status not in (0, 2) or "Traceback" in said:
        raise SystemExit(f"{kind.name} does not end well when left alone ({status}):\n{said[-2000:]}")
    names: dict[str, set[str]] = {}  # the files that every folder of a home has
    for home in kind.homes:
        there = [{file.relative_to(one).as_posix() for file in one.rglob("*") if file.is_file()} for one in whole_folders(undisturbed, [home])]
        if not there:
            raise SystemExit(f"{kind.name} leaves nothing in {home} when left alone ({status}):\n{said[-2000:]}")
        names[home] = set() if kind.each else {name for name in set.intersection(*there) if not unfinished(name)}
    truth = answers(undisturbed, kind.homes)
    count = dict.fromkeys(COUNTED, 0)
    told: list[str] = []
    folder = base / kind.name
    for turn in range(number):
        if turn % 3 == 0:  # three kills on one folder, one after the other, then a new one
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
        before = digests(folder, kind.homes)
        process = causal(kind.words(folder / "out"), folder=folder, cache=folder / "cache")
        moment, began = dice.uniform(0.0, seconds), time.monotonic()
        writing = turn % 2 == 1  # as soon as it writes, and some hundredths of a second more
        while process.poll() is None and time.monotonic() - began < moment:
            if writing and begun(folder):
                time.sleep(dice.uniform(0.0, 0.3))
                break
            time.sleep(0.005)
        with_life = process.poll() is None
        if with_life:
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        count["killed" if with_life else "too late"] += 1
        wrong = problems(folder, names)
        count["half"] += bool(wrong)
        told += wrong
        after = digests(folder, kind.homes)
        lost = [name for name in before if after.get(name) != before[name]]
        count["changed"] += bool(lost)
        told += [f"{kind.name}: {name} is not what it was" for name in lost]
        if turn % 3 == 2 or turn == number - 1:
            again, said = finished(causal(kind.words(folder / "out"), folder=folder, cache=folder / "cache"))
            count["not resumed"] += again != status
            told += [said[-600:]] if again != status else []
            wrong = problems(folder, names)
            count["half"] += bool(wrong)
            other = answers(folder, kind.homes) != truth
            count["other answers"] += other
            lying = left_lying(folder)
            count["left lying"] += len(lying)
            told += [*wrong, *lying, *([f"{kind.name}: answers differ from an undisturbed call's"] if other else [])]
    return {"name": kind.name, "seconds": seconds, **count, "told": told}


# ------------------------------------------------------------------ full disks


@contextmanager
def disk(size: int, base: Path) -> Iterator[tuple[Path, int, str]]:
    """A folder whose disk is full after so many bytes: a file system in memory, or where none may be mounted a limit on each file."""
    folder = Path(tempfile.mkdtemp(dir=base))
    mount = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)]
    mounted = shutil.which("mount") is not None and subprocess.run(mount, capture_output=True, check=False).returncode == 0
    try:
        yield (folder, 0, "tmpfs") if mounted else (folder, size, "RLIMIT_FSIZE")
    finally:
        if mounted:
            subprocess.run(["umount", "-l", str(folder)], capture_output=True, check=False)
        shutil.rmtree(folder, ignore_errors=True)


def full(words: Callable[[Path], list[str]], size: int, base: Path, homes: Sequence[str]) -> tuple[int, str, list[str], str]:
    """One command on a full disk: exit status, the last line, and what is half or left lying."""
    elsewhere = Path(tempfile.mkdtemp(dir=base))
    with disk(size, base) as (folder, largest, how):
        status, said = finished(causal(words(folder / "out"), folder=elsewhere, cache=elsewhere / "cache", largest=largest))
        wrong = problems(folder, {home: set() for home in homes}) + left_lying(folder)
        if status != 0 and whole_folders(folder, homes) and not any("simulations" in home for home in homes):
            wrong.append(f"{size}: refused, and there is a folder all the same")
    lines = said.strip().splitlines() or [""]
    if "Traceback" in said or status not in (0, 2):
        wrong.append(f"{size}: exit {status}: {said[-600:]}")
    shutil.rmtree(elsewhere, ignore_errors=True)
    return status, lines[-1].replace(f"{base}/", "").replace(folder.name, "full"), wrong, how


# ------------------------------------------------------------------ the commands


class _Quiet(http.server.SimpleHTTPRequestHandler):
    """Files for `fetch`, some hundredths of a second for each piece, with a tag so that a cut download can be gone on from."""

    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: object) -> None:
        """Nothing."""

    def do_GET(self) -> None:
        """The whole file or the rest of it, slowly."""
        data = Path(self.translate_path(self.path)).read_bytes()
        start = int(self.headers.get("Range", "bytes=0-").removeprefix("bytes=").partition("-")[0])
        self.send_response(206 if start else 200)
        self.send_header("ETag", '"same"')
        self.send_header("Content-Type", "text/csv")
        self.send_header("Content-Length", str(len(data) - start))
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(data) - 1}/{len(data)}")
        self.end_headers()
        for at in range(start, len(data), 65536):
            try:
                self.wfile.write(data[at : at + 65536])
            except OSError:
                return
            time.sleep(0.02)


FETCH = """
import sys
from pathlib import Path
from causal.sources.england.extract import Extract
from causal.sources.england.fetch import fetch
from causal.sources.england.publication import Edition, Publication, Release

address, to = sys.argv[1], Path(sys.argv[2])
releases = tuple(
    Release(name=name, sha256=sha256, edition=Edition(year=2010 + at), address=address + name)
    for at, (name, _, sha256) in enumerate(one.partition(":") for one in sys.argv[3:])
)
mine = Publication(
    key="invented", title="Ministry, invented figures", page=address, gives={}, editions=(Edition(),),
    recognise=lambda book: None, read=lambda book, edition: Extract(), released=lambda edition: 2020, releases=releases,
)
to.parent.mkdir(exist_ok=True)
results = fetch(to, publications=[mine], api=address)
print(sorted((one.name, one.status in ("downloaded", "already there")) for one in results))
sys.exit(any(one.status == "failed" for one in results))
"""


@contextmanager
def served(base: Path) -> Iterator[tuple[str, list[str]]]:
    """Four files of three megabytes each on this computer itself: their address, and name:SHA-256 of each."""
    folder = base / "served"
    folder.mkdir()
    given = []
    for at in range(4):
        data = random.Random(at).randbytes(1_500_000).hex().encode() + b"\n"
        (folder / f"file_{at}.csv").write_bytes(data)
        given.append(f"file_{at}.csv:{hashlib.sha256(data).hexdigest()}")
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(_Quiet, directory=str(folder)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/", given
    finally:
        server.shutdown()


def kinds(base: Path, address: str, given: list[str]) -> list[Kind]:
    """What is killed."""
    own = base / "own"
    (own / "study").mkdir(parents=True)
    (own / "study" / "tiny.yaml").write_text(STUDY, encoding="utf-8")
    sys.path.insert(0, str(PAGE.parent.parent / "tests"))
    from england_folder import build  # noqa: PLC0415  a small England in the published layouts

    england = build(base)
    runs = ("out/closures/*/*", "out/comparisons/*")
    return [
        Kind(name="run", words=lambda out: ["run", *TINY, f"runs={out}"], homes=("out/closures/*/*",)),
        Kind(name="sweep", words=lambda out: ["run", "-m", *TINY, "estimator=fixed_effects,difference", f"runs={out}"], homes=runs),
        Kind(
            name="study",
            words=lambda out: ["study", "tiny", "--config-dir", str(own), "workers=1", f"runs={out}"],
            homes=("out/closures/*/*", "out/studies/*"),
        ),
        Kind(
            name="simulate",
            words=lambda out: ["simulate", *TINY, "--panels", "12", f"runs={out}"],
            homes=("out/simulations/*/*",),
            each=True,
        ),
        Kind(name="fetch", words=lambda out: ["-c", FETCH, address, str(out), *given], homes=("out/invented",), each=True),
        Kind(name="cache", words=lambda out: ["check", str(england)], homes=("cache",), each=True),
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=66, help="tries in all, shared out evenly; some come when the command has ended")
    parser.add_argument("--only", nargs="+", default=[*KINDS, DISKS], choices=[*KINDS, DISKS], help="these parts again; the others stay as they were found")
    parser.add_argument("--add", action="store_true", help="add the tries to those that are kept, instead of beginning these parts anew")
    parser.add_argument("--seed", type=int, default=20261130)
    asked = parser.parse_args()
    code = commit()  # before anything is written
    found: dict[str, Any] = json.loads(KEPT.read_text(encoding="utf-8")) if KEPT.is_file() else {}
    with tempfile.TemporaryDirectory(prefix="faults-") as name:
        base = Path(name)
        with served(base) as (address, given):
            for one in (one for one in kinds(base, address, given) if one.name in asked.only):
                began = time.monotonic()
                row = kills(one, asked.kills // len(KINDS), random.Random(f"{asked.seed} {one.name}"), base)
                row |= {"minutes": (time.monotonic() - began) / 60, "of": [f"{code}, seed {asked.seed}"]}
                keep(found, one.name, added(found[one.name], row) if asked.add and one.name in found else row)
                print({key: value for key, value in row.items() if key != "told"}, *row["told"], sep="\n  ", flush=True)
        if DISKS in asked.only:
            began = time.monotonic()
            tried = [[words, *one] for words, homes in full_disks() for one in sizes(words, homes, base)]
            keep(found, DISKS, {"tried": tried, "minutes": (time.monotonic() - began) / 60, "of": [code]})
    if set(found) >= {*KINDS, DISKS}:
        rows, minutes = [found[kind] for kind in KINDS], sum(one["minutes"] for one in found.values())
        PAGE.write_text(page(rows, found[DISKS]["tried"], found[DISKS]["of"], minutes), encoding="utf-8")


def commit() -> str:
    """The commit whose code is killed, with a + where files were changed since."""
    said = subprocess.run(["git", "describe", "--always", "--dirty=+", "--abbrev=7"], cwd=PAGE.parent, capture_output=True, text=True, check=True)
    return said.stdout.strip()


def added(before: Mapping[str, Any], row: Mapping[str, Any]) -> dict[str, Any]:
    """Two parts' tries of one command as one row: counts and minutes add up, seconds alone are of the later."""
    sums = {key: before[key] + row[key] for key in (*COUNTED, "minutes", "told", "of")}
    return {**row, **sums}


def keep(found: dict[str, Any], part: str, result: dict[str, Any]) -> None:
    """One part's result, into the file of all, so that a benchmark that is stopped has kept what it found."""
    found[part] = result
    KEPT.write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def full_disks() -> list[tuple[str, tuple[str, ...]]]:
    """Commands on a full disk, and where their whole folders would be."""
    return [("run", ("out/closures/*/*",)), ("simulate", ("out/simulations/*/*",)), ("explain --save", ())]


def sizes(what: str, homes: tuple[str, ...], base: Path) -> Iterator[tuple[int, int, str, list[str], str]]:
    """One command at every size of disk."""
    told = {
        "run": lambda out: ["run", *TINY, f"runs={out}"],
        "simulate": lambda out: ["simulate", *TINY, "--panels", "3", f"runs={out}"],
        "explain --save": lambda out: ["explain", *TINY[:-1], "--save", str(out.parent / "plan.yaml")],
    }[what]
    some = SIZES if what == "run" else SIZES[::4]
    for size in some:
        status, last, wrong, how = full(told, size, base, homes)
        print(f"{what} {size:,}: {status} {last[:160]} {wrong}", flush=True)
        yield size, status, last, wrong, how


def page(rows: list[dict[str, Any]], disks: list[Any], disks_of: list[str], minutes: float) -> str:
    """The whole page."""
    killed = sum(int(str(row["killed"])) for row in rows)
    tries = killed + sum(int(str(row["too late"])) for row in rows)
    lines = [
        "# Kills and full disks",
        "",
        f"Written by `python benchmarks/faults.py` (`--only` for some rows, `--add` for more tries) in {minutes:.0f} minutes ({tries} tries, of which some",
        "came when the command had ended); each row says of which commit's code it is. A kill is SIGKILL to the command and its workers, at a moment",
        "drawn evenly over what the command takes when left alone, every second one instead as soon as unfinished work of it is seen; three kills on one",
        "folder, then the command is left alone once and must end as it does undisturbed. *Half*: a folder under its own name that lacks a file or holds a",
        "cut one. *Changed*: a file that was whole before and is not the same after. *Other answers*: what stands there in the end is not what a call that",
        "nobody disturbed gives. *Left lying*: what a dead process left and the next start did not take away (what `fetch` keeps is used up by the next call).",
        "",
        f"## {killed} kills",
        "",
        "| command | seconds alone | " + " | ".join(COUNTED) + " | code |",
        "|---|---|" + "---|" * (len(COUNTED) + 1),
        *(f"| {row['name']} | {row['seconds']:.1f} | " + " | ".join(str(row[key]) for key in COUNTED) + f" | {'; '.join(row['of'])} |" for row in rows),
    ]
    if disks:
        how = disks[0][5]
        lines += [
            "",
            f"## Full disks ({'a file system in memory of that size' if how == 'tmpfs' else 'no file may be larger than that size, RLIMIT_FSIZE'})",
            "",
            "Exit 0 is a whole result, 2 a refusal in one line; *wrong* counts half folders, tracebacks and what was left lying. Code: "
            + "; ".join(disks_of)
            + ".",
            "",
            "| command | bytes | exit | wrong | last line |",
            "|---|---|---|---|---|",
        ]
        for what, size, status, last, wrong, _ in disks:
            shown = last.replace("|", "/")
            lines.append(f"| {what} | {size:,} | {status} | {len(wrong)} | {shown[:150] if status else ''} |")
    told = [one for row in rows for one in row["told"]] + [one for disk in disks for one in disk[4]]
    lines += ["", "## What went wrong", "", *([f"- {' '.join(str(one).split())[:300]}" for one in told] or ["Nothing."])]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
