"""Whatever comes in that cannot be used ends in one message with status 2: no traceback, no other library's words, nothing left behind, within ten seconds."""

from __future__ import annotations

import re
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml
from cases import Case, every

from causal.cli import main

CASES = every()
SECONDS = 10  # of this process's own work, so that a busy machine fails nobody
PATIENCE = 120  # by the clock, for what waits without working
# what other libraries and Python itself say, and no message of ours
THEIRS = re.compile(
    r"Traceback|hydra\.cc|Hydra|OmegaConf|LexerNoViable|full_key|object_type|DictConfig|ListConfig|NoneType|Interpolation|mismatched input"
    r"|ScannerError|ParserError|not iterable|not subscriptable|has no attribute|unexpected keyword|positional argument|<class|object at 0x|dtype"
    r"|could not convert|codec can't|Errno|KeyError|TypeError|ValueError|AttributeError|IndexError|recursion|JSONDecodeError|Expecting value"
    r"|__init__|numpy|pandas"
)


class TooLong(Exception):
    """Nothing had been said after ten seconds of work."""


@contextmanager
def within(seconds: int) -> Iterator[None]:
    """Raise `TooLong` where what is inside takes longer, or waits for something that does not come."""

    def stop(*_: Any) -> None:
        raise TooLong

    were = {kind: signal.signal(kind, stop) for kind in (signal.SIGALRM, signal.SIGPROF)}
    signal.alarm(PATIENCE)
    signal.setitimer(signal.ITIMER_PROF, seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.setitimer(signal.ITIMER_PROF, 0)
        for kind, was in were.items():
            signal.signal(kind, was)


def there(folder: Path) -> dict[str, bytes | None]:
    """Every file and folder, with what is in it."""
    return {path.relative_to(folder).as_posix(): path.read_bytes() if path.is_file() else None for path in folder.rglob("*")}


class Yaml:
    """The YAML that OmegaConf reads files by, each text parsed once: most of a case's work is to parse the same files again."""

    def __init__(self) -> None:
        self.seen: dict[str, Any] = {}

    def __getattr__(self, name: str) -> Any:
        return getattr(yaml, name)

    def load(self, stream: Any, Loader: Any) -> Any:
        text = stream if isinstance(stream, str) else stream.read()
        if text not in self.seen:
            self.seen[text] = yaml.load(text, Loader=Loader)
        return self.seen[text]  # OmegaConf makes containers of its own of it


@pytest.fixture(scope="module", autouse=True)
def parsed_once() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("omegaconf.omegaconf.yaml", Yaml())
        yield


def test_there_are_enough_cases_each_under_a_name_of_its_own() -> None:
    assert len(CASES) >= 400 and len({case.name for case in CASES}) == len(CASES)


@pytest.mark.parametrize("case", CASES, ids=lambda case: re.sub(r"[^\w.=+~-]+", " ", case.name)[:70])
def test_what_cannot_be_used_is_refused_in_one_message(case: Case, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    for name, inside in case.files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(inside if isinstance(inside, bytes) else inside.encode())
    monkeypatch.chdir(tmp_path)
    before = there(tmp_path)
    with within(SECONDS):
        try:
            status = main(list(case.words))
        except SystemExit as stopped:  # how argparse ends
            status = stopped.code  # type: ignore[assignment]
    said = capsys.readouterr()
    whole = said.out + said.err
    assert status == 2, f"status {status}: {whole[-600:]}"
    assert (found := THEIRS.search(whole)) is None, f"{found and found[0]}: {whole[-600:]}"
    if not said.out:  # `causal check` lists what is wrong on standard output
        messages = [line for line in said.err.splitlines() if not line.startswith(("! ", "  ", "left out: "))]
        assert len(messages) == 1 and re.match(r"(Config|Data|Graph|Design|Estimation|Causal)Error: |NotMeasured: |NotEstimable: ", messages[0]), said.err
        assert len(messages[0]) < 2_500, len(messages[0])
    lacking = [word for word in case.says if word not in whole]
    assert not lacking, f"{lacking} is not in: {whole[-600:]}"
    assert there(tmp_path) == before
