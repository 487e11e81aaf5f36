"""What reaches a process from outside: signals, a folder that is taken away, inputs that are no files. It ends in one line, and leaves nothing lying."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from cases import OURS, OWN, TINY
from test_refused import within

from causal.cli import main

CAUSAL = [sys.executable, "-m", "causal"]
LONG = [
    "source.authorities=150",
    "refuters=[bootstrap]",
    "refuters.bootstrap.draws=100000",
]  # ten seconds of work, of which one is seen; no more draws may be asked


def heard() -> None:
    """Signals as a person's shell hands them on: what started the tests may have told them to ignore some."""
    for one in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(one, signal.SIG_DFL)


def left(folder: Path) -> list[str]:
    """What a run that was stopped left where it wrote."""
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file() and path.name != "out")


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP], ids=lambda sent: sent.name)
def test_a_signal_ends_a_run_in_one_line_with_nothing_left(sent: signal.Signals, tmp_path: Path) -> None:
    """128 and the signal's number is what a shell gives for a process that it ended."""
    with (tmp_path / "out").open("w") as out:
        words = [*CAUSAL, "run", "experiment=closures", *TINY[1:], *LONG, "runs=runs"]
        run = subprocess.Popen(words, cwd=tmp_path, stdout=out, stderr=out, env=os.environ | {"OMP_NUM_THREADS": "1"}, preexec_fn=heard)  # noqa: PLW1509
        until = time.monotonic() + 120
        while not list(tmp_path.glob("runs/.partial/*")) and run.poll() is None and time.monotonic() < until:
            time.sleep(0.05)
        assert run.poll() is None, (tmp_path / "out").read_text()
        run.send_signal(sent)
        status = run.wait(timeout=60)
    said = (tmp_path / "out").read_text()
    assert status in (128 + sent, -sent) and "Traceback" not in said and len(said.strip().splitlines()) <= 1, (status, said)
    assert not left(tmp_path), left(tmp_path)


def test_a_signal_while_a_configuration_is_composed_is_not_lost(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """What is left half made fails in its turn, and the stop is then only what came before that failure."""
    from hydra._internal.config_loader_impl import ConfigLoaderImpl

    compose = ConfigLoaderImpl.load_configuration

    def stopped(*args: Any, **kwargs: Any) -> Any:
        if "experiment=closures" not in (kwargs.get("overrides") or args[2]):  # what ships is composed before the words are
            return compose(*args, **kwargs)
        try:
            raise KeyboardInterrupt
        finally:
            raise AttributeError("half made")

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(ConfigLoaderImpl, "load_configuration", stopped)
    assert main(["run", "experiment=closures", *TINY[1:], "runs=runs"]) == 130
    assert capsys.readouterr().err.strip() == "stopped" and not left(tmp_path)


def test_a_folder_taken_away_and_a_closed_input_are_no_traceback(tmp_path: Path) -> None:
    python = " ".join(CAUSAL)
    gone = subprocess.run(["sh", "-c", f"mkdir d; cd d; rmdir ../d; {python} list"], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert gone.returncode in (0, 2) and "Traceback" not in gone.stderr and len(gone.stderr.splitlines()) <= 1, gone.stderr
    shut = subprocess.run(["sh", "-c", f"{python} list <&-"], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert shut.returncode == 0 and not shut.stderr, shut.stderr


ENDLESS = {
    "a table": ("explain", *OWN, "source.path={}.csv"),
    "borders": ("explain", *OWN, "source.borders={}.csv"),
    "groups": ("explain", *OWN, "source.groups={}.csv"),
    "a graph": ("explain", *TINY, "graph=file", "graph.path={}.dot"),
    "a protocol": ("run", "protocol={}.yaml"),
    "a record": ("report", "{}"),
    "a study since": ("study", "twins", "--since", "{}", *TINY),
    "an experiment": ("explain", "--config-dir", "mine", "experiment={}", *TINY),
}


@pytest.mark.parametrize("what", ENDLESS)
@pytest.mark.parametrize("kind", ["pipe", "zero", "folder"])
def test_what_never_ends_or_is_no_file_is_not_opened(
    what: str, kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Wherever a file is read: a named pipe, a device without an end, a folder of that name."""
    for name, inside in OURS.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(inside if isinstance(inside, bytes) else inside.encode())
    (tmp_path / "odd").mkdir()
    for at in ("odd.csv", "odd.dot", "odd.yaml", "odd/result.json", "odd/study.json", "mine/experiment/odd.yaml"):
        path = tmp_path / at
        if kind == "pipe":
            os.mkfifo(path)
        elif kind == "zero":
            path.symlink_to("/dev/zero")
        else:
            path.mkdir()
    monkeypatch.chdir(tmp_path)
    with within(10):
        status = main([word.format("odd") for word in ENDLESS[what]])
    said = capsys.readouterr()
    assert status == 2 and "Traceback" not in said.err and "odd" in said.out + said.err, said
