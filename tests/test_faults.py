"""What goes wrong outside: full disks, vanished folders, consoles that cannot print, closed pipes, dead processes. One line each, and nothing half."""

from __future__ import annotations

import cProfile
import errno
import io
import os
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path

import pytest
from england_folder import build

from causal import aside, cli
from causal.cli import main
from causal.document import writing
from causal.errors import CausalError, ConfigError
from causal.experiments.run import _latest, write_atomically
from causal.kept import CACHE
from causal.sources.england import England

SMALL = ["experiment=closures", "source.authorities=20", "refuters=[]", "workers=1"]
FULL = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
ROOT = Path(__file__).parent.parent


def one_line(said: str) -> str:
    """The refusal on standard error, which is one line without what Python or the system would print."""
    lines = [line for line in said.strip().splitlines() if not line.startswith("…")]
    assert len(lines) == 1, said
    assert "Traceback" not in said and "Errno" not in said
    return lines[0]


# ------------------------------------------------------------------ unfinished work


def test_what_a_dead_process_left_goes_and_what_a_living_one_has_stays(tmp_path: Path) -> None:
    """The dead one is a real process, which killed itself in the middle."""
    code = (
        "import os, signal, sys; from pathlib import Path; from causal.aside import aside\n"
        "with aside(Path(sys.argv[1])) as own:\n    (own / 'half').write_text('x'); os.kill(os.getpid(), signal.SIGKILL)"
    )
    assert subprocess.run([sys.executable, "-c", code, str(tmp_path / "work")], check=False).returncode == -9
    (left,) = (tmp_path / "work").iterdir()
    assert aside.dead(left)
    with aside.aside(tmp_path / "work") as own:
        assert not left.exists()
        assert not aside.dead(own)
        with aside.aside(tmp_path / "work") as other:
            assert own.is_dir() and other.is_dir() and own != other
        assert own.is_dir()
    assert not (tmp_path / "work").exists()


def test_what_is_not_shown_to_be_dead_stays(tmp_path: Path) -> None:
    """Of another computer, of a living process, without an owner's name, and locked by somebody although the process of that number is gone."""
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    host, _, chance = aside.mine().rsplit("-", 2)
    names = [f"elsewhere-{gone.pid}-{chance}", f"{host}-{os.getpid()}-{chance}", "tmpabc", f"{host}-{gone.pid}-00000000"]
    for name in names:
        (tmp_path / name).mkdir()
    (tmp_path / f"{host}-{gone.pid}-{chance}").mkdir()
    lock = aside._lock(tmp_path / names[-1])
    assert lock is not None
    try:
        aside.sweep(tmp_path)
        assert {one.name for one in tmp_path.iterdir()} == set(names)
    finally:
        os.close(lock)
    aside.sweep(tmp_path)
    assert {one.name for one in tmp_path.iterdir()} == set(names[:-1])


def test_a_number_that_a_new_process_bears_keeps_old_work_for_a_day_only(tmp_path: Path) -> None:
    own = tmp_path / aside.mine()
    own.mkdir()
    assert not aside.dead(own)
    long_ago = time.time() - 2 * aside.DAY
    os.utime(own, (long_ago, long_ago))
    assert aside.dead(own)


def test_a_second_in_one_folder_is_told_who_is_there_and_does_not_wait(tmp_path: Path) -> None:
    with aside.alone(tmp_path, "a test", "wait"):
        with pytest.raises(ConfigError, match=rf"held by process {os.getpid()} on ") as refused, aside.alone(tmp_path, "a test", "wait until it is done"):
            pass
        assert "wait until it is done" in str(refused.value)
    with aside.alone(tmp_path, "a test", "wait"):
        pass
    assert list(tmp_path.iterdir()) == []


def test_a_second_simulation_of_one_study_is_told_who_is_there(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["simulate", *SMALL, f"runs={tmp_path}", "--panels", "2", "--effects", "0"]
    assert main(words) == 0
    capsys.readouterr()
    (home,) = (tmp_path / "simulations").glob("*/*")
    lines = (home / "draws.jsonl").read_bytes()
    with aside.alone(home, "a simulation", "wait"):
        assert main(words) == 2
    assert f"process {os.getpid()}" in one_line(capsys.readouterr().err)
    # the line at which an earlier call was killed is drawn again; what is whole stays
    (home / "draws.jsonl").write_bytes(lines[: len(lines) - 40])
    before = (home / "simulation.json").read_text(encoding="utf-8")
    assert main(words) == 0
    assert (home / "simulation.json").read_text(encoding="utf-8") == before
    assert lines.isascii()  # cut anywhere, it is text
    # the file is a device that is always full
    (home / "draws.jsonl").unlink()
    (home / "draws.jsonl").symlink_to("/dev/full")
    capsys.readouterr()
    assert main(words) == 2
    assert "no space left" in one_line(capsys.readouterr().err)


# ------------------------------------------------------------------ full disks


def test_a_full_disk_leaves_no_folder_and_nothing_lying(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    write = Path.write_bytes

    def full(self: Path, data: bytes) -> int:
        if ".partial" in self.parts and len(data) > 20_000:
            write(self, data[:10_000])
            raise FULL
        return write(self, data)

    monkeypatch.setattr(Path, "write_bytes", full)
    assert main(["run", *SMALL, f"runs={tmp_path / 'runs'}"]) == 2
    said = one_line(capsys.readouterr().err)
    assert "no space left on device" in said and "free some room" in said and f"runs={tmp_path}" in said
    assert not list((tmp_path / "runs").rglob("*.html")) and not (tmp_path / "runs" / ".partial").exists()
    assert not list((tmp_path / "runs").rglob("result.json"))


def test_a_folder_gets_its_name_when_whole_and_none_is_replaced(tmp_path: Path) -> None:
    def fill(folder: Path) -> None:
        (folder / "one").write_text("x")

    first, second = (write_atomically(fill, tmp_path, tmp_path / "home", "name") for _ in range(2))
    assert (first.name, second.name) == ("name", "name-2")

    def broken(folder: Path) -> None:
        (folder / "one").write_text("x")
        raise FULL

    with pytest.raises(ConfigError, match="no space left"):
        write_atomically(broken, tmp_path, tmp_path / "home", "name")
    assert sorted(one.name for one in tmp_path.rglob("*")) == ["home", "name", "name-2", "one", "one"]


@pytest.mark.parametrize("over", [True, False])
def test_a_file_is_whole_or_not_there(over: bool, tmp_path: Path) -> None:
    path = tmp_path / "plan.yaml"
    says = r"wanted a place to write to, got the system's answer: no space left on device; free some room"
    with pytest.raises(ConfigError, match=says), writing(path, "--save", "free some room", over=over) as part:
        part.write_text("half")
        raise FULL
    assert list(tmp_path.iterdir()) == []
    with writing(path, "--save", "", over=over) as part:
        part.write_text("whole")
    assert path.read_text() == "whole" and list(tmp_path.iterdir()) == [path]
    if not over:
        with pytest.raises(ConfigError, match="never written over"), writing(path, "--save", "name another", over=False):
            pass
        assert path.read_text() == "whole"


def test_a_file_that_appears_while_another_is_written_is_not_replaced(tmp_path: Path) -> None:
    path = tmp_path / "plan.yaml"
    with pytest.raises(ConfigError, match="never written over"), writing(path, "--save", "name another", over=False) as part:
        part.write_text("mine")
        path.write_text("theirs")
    assert path.read_text() == "theirs" and list(tmp_path.iterdir()) == [path]


def test_a_protocol_is_saved_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    path, write = tmp_path / "plan.yaml", Path.write_text

    def full(self: Path, data: str, **how: str) -> int:
        if self.suffix == ".part":
            write(self, data[:100], **how)  # type: ignore[arg-type]
            raise FULL
        return write(self, data, **how)  # type: ignore[arg-type]

    monkeypatch.setattr(Path, "write_text", full)
    assert main(["explain", *SMALL[:-1], "--save", str(path)]) == 2
    assert "no space left" in one_line(capsys.readouterr().err)
    assert list(tmp_path.iterdir()) == []
    monkeypatch.undo()
    for place, says in ((tmp_path / "nowhere" / "plan.yaml", "no such file or directory"), (tmp_path, "a folder of that name")):
        with pytest.raises(ConfigError, match=says), writing(place, "--save", "name another file") as part:
            part.write_bytes(b"x")


def test_pages_that_cannot_be_made_again_stay_as_they_were(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", *SMALL, f"runs={tmp_path}"]) == 0
    folder, write = Path(capsys.readouterr().out.strip().splitlines()[-1]), Path.write_bytes
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    (folder / "summary.md").write_text("old")

    def full(self: Path, data: bytes) -> int:
        write(self, data[: len(data) // 2])
        raise FULL

    monkeypatch.setattr(Path, "write_bytes", full)
    assert main(["report", str(folder)]) == 2
    assert "no space left" in one_line(capsys.readouterr().err)
    assert (folder / "summary.md").read_text() == "old"
    monkeypatch.undo()
    assert main(["report", str(folder)]) == 0
    assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before


# ------------------------------------------------------------------ folders and links


def test_a_folder_called_latest_stays_and_the_run_is_whole(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "latest").mkdir()
    (tmp_path / "latest" / "mine").write_text("x")
    assert main(["run", *SMALL, f"runs={tmp_path}"]) == 0
    said = capsys.readouterr()
    assert "something of your own, which stays" in said.err and "Traceback" not in said.err
    assert (Path(said.out.strip().splitlines()[-1]) / "report.html").is_file()
    assert (tmp_path / "latest" / "mine").read_text() == "x"
    (tmp_path / "latest" / "mine").unlink()
    (tmp_path / "latest").rmdir()
    (tmp_path / "latest").symlink_to("nowhere")
    (run,) = (tmp_path / "closures").glob("*/*")
    _latest(tmp_path, run)
    assert (tmp_path / "latest" / "result.json").is_file()
    assert not (tmp_path / ".partial").exists() and not list(tmp_path.glob(".latest*"))


def test_a_working_directory_that_is_gone_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()
    assert main(["list"]) == 2
    assert "the working directory: wanted a folder that is there, got one that was deleted" in one_line(capsys.readouterr().err)


@pytest.mark.parametrize(
    ("problem", "says"),
    [
        (PermissionError(errno.EACCES, "Permission denied", "some/where"), "some/where: wanted files and folders that can be read and written"),
        (FileNotFoundError(errno.ENOENT, "No such file or directory", "some/where"), "no such file or directory"),
        (OSError(errno.EMFILE, "Too many open files"), "causal list: wanted files"),
        (UnicodeDecodeError("utf-8", b"\xff", 0, 1, "invalid start byte"), "wanted text in UTF-8"),
        (MemoryError(), "what fits into this computer's memory"),
        (BrokenProcessPool("a child was killed"), "one that was stopped from outside; try workers=1"),
    ],
    ids=lambda one: type(one).__name__ if isinstance(one, BaseException) else "",
)
def test_what_no_room_has_words_for_is_one_line(problem: BaseException, says: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def fails(*_: object) -> int:
        raise problem

    monkeypatch.setitem(cli.COMMANDS, "list", fails)
    assert main(["list"]) == 2
    assert says in one_line(capsys.readouterr().err)


# ------------------------------------------------------------------ consoles and pipes


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "cp1252", "utf-8"])
def test_a_console_without_our_letters_gets_the_nearest(encoding: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The expected letters are those that each encoding has, by Python's own codecs."""
    raw = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(raw, encoding=encoding, errors="strict"))
    monkeypatch.setitem(cli.COMMANDS, "list", lambda *_: print("−1 × “a” → ●, £3 … ü \udcff") or 0)  # type: ignore[func-returns-value]
    assert main(["list"]) == 0
    sys.stdout.flush()
    wanted = {
        "ascii": '-1 x "a" -> *, GBP 3 ... ? ?',
        "latin-1": '-1 × "a" -> *, £3 ... ü ?',
        "cp1252": "-1 × “a” -> *, £3 … ü ?",
        "utf-8": "−1 × “a” → ●, £3 … ü ?",
    }
    assert raw.getvalue().decode(encoding).strip() == wanted[encoding]


def ran(*words: str, **how: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "causal", *words], capture_output=True, text=True, errors="replace", check=False, cwd=ROOT, **how)  # type: ignore[call-overload, no-any-return]


def test_plain_locales_closed_pipes_and_a_full_console_end_well() -> None:
    plain = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    for settings in (plain, {"PYTHONIOENCODING": "latin-1"}):
        said = ran("describe", "pre_trend", env=os.environ | settings)
        assert said.returncode == 0 and not said.stderr, said.stderr
    for command in ("list", "--help"):
        pipe = subprocess.Popen([sys.executable, "-m", "causal", command], stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=ROOT)
        assert pipe.stdout is not None and pipe.stderr is not None
        pipe.stdout.close()
        assert pipe.wait() == 0 and pipe.stderr.read() == b""
        pipe.stderr.close()
    shell = f"{sys.executable} -m causal list"
    for command in ("list", "run --help"):  # argparse keeps silent on what it could not print
        full = subprocess.run(["sh", "-c", f"{sys.executable} -m causal {command} > /dev/full"], capture_output=True, text=True, check=False, cwd=ROOT)
        assert full.returncode == 2 and "the standard output: wanted" in one_line(full.stderr) and "no space left" in full.stderr
    for closed in (">&-", "2>&-", ">&- 2>&-"):
        shut = subprocess.run(["sh", "-c", f"{shell} {closed}"], capture_output=True, text=True, check=False, cwd=ROOT)
        assert shut.returncode == 0 and not shut.stderr


def test_a_run_that_cannot_be_printed_is_whole_and_its_folder_is_not_blamed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with monkeypatch.context() as patched, Path("/dev/full").open("w", buffering=1, encoding="utf-8") as full:
        patched.setattr(sys, "stdout", full)
        assert main(["run", "experiment=closures", "source.authorities=20", "refuters=[]", "workers=1", f"runs={tmp_path}"]) == 2
        full.flush()  # what could not be printed is let go
    last = capsys.readouterr().err.strip().splitlines()[-1]
    assert last.startswith("ConfigError: the standard output: wanted") and "no space left" in last and str(tmp_path) not in last
    assert len(list(tmp_path.glob("closures/*/*/result.json"))) == 1


# ------------------------------------------------------------------ damaged caches


@pytest.fixture(scope="module")
def england(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(tmp_path_factory.mktemp("files") / "England")


def _signed_nonsense(entry: Path) -> None:
    from causal.kept import signed

    entry.write_bytes(signed(b"PK\x03\x04 nothing") + b"PK\x03\x04 nothing")


DAMAGES: dict[str, Callable[[Path], object]] = {
    "cut": lambda entry: entry.write_bytes(entry.read_bytes()[:-7]),
    "empty": lambda entry: entry.write_bytes(b""),
    "zeros": lambda entry: entry.write_bytes(bytes(entry.stat().st_size)),
    "one bit": lambda entry: entry.write_bytes(entry.read_bytes()[:-9] + bytes([entry.read_bytes()[-9] ^ 1]) + entry.read_bytes()[-8:]),
    "signed by a stranger": _signed_nonsense,
    "a named pipe": lambda entry: (entry.unlink(), os.mkfifo(entry)),
    "a folder": lambda entry: (entry.unlink(), entry.mkdir()),
    "a link in a circle": lambda entry: (entry.unlink(), entry.symlink_to(entry.name)),
    "a device": lambda entry: (entry.unlink(), entry.symlink_to("/dev/zero")),
}


def test_a_damaged_cache_of_any_kind_is_read_past(england: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the files say without a cache is the truth; each damage is done to the one entry there is."""
    from causal.sources.england import folder

    monkeypatch.setenv(CACHE, "")
    truth = England(path=str(england)).load().digest
    calls: list[int] = []
    kept = England(path=str(england))
    raw = folder._read(england, sorted(folder._below(england)), None)
    monkeypatch.setattr(folder, "_read", lambda *_: calls.append(1) or raw)  # read once: what is held is whether it is asked for again
    monkeypatch.setenv(CACHE, str(tmp_path / "store"))
    folder._raw(england, None)
    (entry,) = (tmp_path / "store").glob("*.npz")
    good = entry.read_bytes()
    for name, damage in DAMAGES.items():
        calls.clear()
        damage(entry)
        found = folder._raw(england, None)
        assert calls == [1], name
        assert found.cells.equals(raw.cells), name
        if entry.is_dir() and not entry.is_symlink():
            entry.rmdir()
        else:
            entry.unlink(missing_ok=True)
        entry.write_bytes(good)
    calls.clear()
    assert kept.load().digest == truth and not calls


def test_a_cache_that_cannot_be_written_costs_nothing_but_time(england: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from causal import kept
    from causal.sources.england import folder

    raw = folder._read(england, sorted(folder._below(england)), None)
    monkeypatch.setattr(folder, "_read", lambda *_: raw)
    (tmp_path / "file").write_text("x")
    for store in (tmp_path / "file", tmp_path / "file" / "below", Path("/dev/full")):
        monkeypatch.setenv(CACHE, str(store))
        assert folder._raw(england, None).cells.equals(raw.cells)
    monkeypatch.setenv(CACHE, str(tmp_path / "store"))

    def full(*_: object, **__: object) -> int:
        raise FULL

    monkeypatch.setattr(kept.os, "fdopen", full)
    assert folder._raw(england, None).cells.equals(raw.cells)
    assert list((tmp_path / "store").iterdir()) == []


def test_a_folder_of_files_with_pipes_and_links_in_circles_is_read(england: Path, tmp_path: Path) -> None:
    from causal.sources.england.folder import _below

    top = tmp_path / "top"
    (top / "inside").mkdir(parents=True)
    (top / "inside" / "one.csv").write_text("x")
    os.mkfifo(top / "pipe.csv")
    (top / "round").symlink_to(top)
    (top / "inside" / "round").symlink_to(top)
    (top / "nothing.csv").symlink_to("nowhere")
    assert [one.name for one in _below(top)] == ["one.csv"]


# ------------------------------------------------------------------ tables


def _columns(path: Path, columns: int) -> Path:
    rows = [
        f"A{place},{year}," + ",".join(f"{place * 7 + year * 3 + at * place % 11}.5" for at in range(columns))
        for place in range(8)
        for year in (2010, 2011, 2012)
    ]
    path.write_text("authority,year," + ",".join(f"c{at}" for at in range(columns)) + "\n" + "\n".join(rows) + "\n", encoding="utf-8")
    return path


def _table(path: Path) -> object:
    from causal.sources.table import Table

    return Table(path=str(path), authority="authority", year="year")


@pytest.mark.parametrize("ending", [".csv", ".xlsx", ".parquet", ".dta"])
def test_what_never_ends_is_not_opened(ending: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    os.mkfifo(tmp_path / f"pipe{ending}")
    (tmp_path / f"zero{ending}").symlink_to("/dev/zero")
    (tmp_path / f"folder{ending}").mkdir()
    for name, says in (("pipe", "a named pipe, which may never end"), ("zero", "a device or socket, which may never end"), ("folder", "folder")):
        assert main(["check", str(tmp_path / f"{name}{ending}"), *(["--treatment", "x"] if name != "folder" else [])]) == 2
        said = capsys.readouterr()
        assert says in said.out + said.err and "Traceback" not in said.err


def test_links_that_lead_nowhere_are_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "a.csv").symlink_to("nowhere.csv")
    (tmp_path / "b.csv").symlink_to("b.csv")
    for name in "ab":
        assert main(["check", str(tmp_path / f"{name}.csv")]) == 2
        assert "a link to what is not there" in one_line(capsys.readouterr().err)


def test_a_table_is_opened_once_and_may_vanish_or_be_locked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Tests may run as somebody who may read everything, so that the system's refusal is played."""
    path, read = _columns(tmp_path / "t.csv", 3), Path.read_bytes
    opened: list[Path] = []

    def counted(self: Path) -> bytes:
        opened.append(self)
        return read(self)

    monkeypatch.setattr(Path, "read_bytes", counted)
    assert _table(path).load().names  # type: ignore[attr-defined]
    assert opened.count(path) == 1
    for problem, says in (
        (FileNotFoundError(errno.ENOENT, "No such file"), "there is no such file"),
        (PermissionError(errno.EACCES, "Permission denied"), "permission"),
    ):

        def fails(self: Path, problem: OSError = problem) -> bytes:
            raise problem

        monkeypatch.setattr(Path, "read_bytes", fails)
        with pytest.raises(CausalError, match=says) as refused:
            _table(path).load()  # type: ignore[attr-defined]
        assert "Errno" not in str(refused.value)


def test_thousands_of_columns_take_work_that_grows_with_their_number(tmp_path: Path) -> None:
    """Calls of functions, which no busy computer changes: four times the columns take at most five times as many, and a column less than half of 15,000, which
    it took when each cell was asked by itself."""
    made = []
    for columns in (600, 2_400):
        table = _table(_columns(tmp_path / f"{columns}.csv", columns))
        table.load()  # type: ignore[attr-defined]  # what is imported or looked up once is no part of it
        watched = cProfile.Profile()
        panel = watched.runcall(table.load)  # type: ignore[attr-defined]
        made.append(sum(one.callcount for one in watched.getstats()))
        assert len(panel.names) == columns
    assert made[1] < 5 * made[0] and made[1] < 7_500 * 2_400


def test_numbers_that_cannot_be_reckoned_with_are_told(tmp_path: Path) -> None:
    for number, says in (("1e300", r"row 3, column 'v': '1e300' lies beyond 1e\+75"), ("inf", "is infinite")):
        rows = "\n".join(f"A{at},2010,{number if at == 1 else at}" for at in range(8))
        (tmp_path / "t.csv").write_text(f"authority,year,v\n{rows}\n")
        with pytest.raises(CausalError, match=says):
            _table(tmp_path / "t.csv").load()  # type: ignore[attr-defined]
    rows = "\n".join(f"A{at},2010,{at}e-300" for at in range(8))
    (tmp_path / "t.csv").write_text(f"authority,year,v\n{rows}\n")
    with pytest.raises(CausalError, match="measure in smaller units"):
        _table(tmp_path / "t.csv").load()  # type: ignore[attr-defined]


def test_names_of_three_hundred_letters_are_read(tmp_path: Path) -> None:
    long = "x" * 300
    rows = "\n".join(f"{'A' * 300}{at},2010,{at}" for at in range(8))
    (tmp_path / "t.csv").write_text(f"authority,year,{long}\n{rows}\n")
    panel = _table(tmp_path / "t.csv").load()  # type: ignore[attr-defined]
    assert panel.names == (long,) and len(panel.authorities[0]) == 301


@pytest.mark.parametrize("cells", [["1", "2.5", "-3"], [" 4 ", "", "0"], [1.5, "2", ""], ["0012", "7", "8"]])
def test_plain_numbers_are_read_as_any_others(cells: list[object], monkeypatch: pytest.MonkeyPatch) -> None:
    """By the long way round, which looks at each kind of cell."""
    import pandas as pd

    from causal.sources.table import cells as room

    column = pd.Series(cells, index=range(2, 5), dtype=object)
    short = room.numbers(column, "c", described=False)
    monkeypatch.setattr(room, "_plain", lambda _: None)
    long = room.numbers(column, "c", described=False)
    assert short is not None and long is not None
    pd.testing.assert_series_equal(short.values, long.values)
    pd.testing.assert_series_equal(short.reasons, long.reasons, check_index_type=False)
    assert (short.unit, short.problems, short.notes) == (long.unit, long.problems, long.notes)
