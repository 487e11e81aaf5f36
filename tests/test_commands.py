"""Every command of the README and of the documentation site runs, in the order in which it stands; what it prints is no part of this test.

On the default panel a command is run on 40 authorities, without checks where none are named, and with two panels where panels are simulated. What asks
England's files, sweeps, or names checks or a learner is composed here, and run by `make test-long`.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from contextlib import chdir
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from lengths import LONG

import causal
from causal.cli import COMMANDS, main
from causal.experiments.inquiry import inquiry

TOP = Path(__file__).parent.parent
ENGLAND = TOP.parent / "shared/data/england"
PAGES = [TOP / "README.md", *sorted((TOP / "docs/site").glob("*.md"))]
SMALL = ["source.authorities=40", "workers=1"]
HEAVY = re.compile(r"-m|refuters=.*|estimator=.*")  # words of a run that takes long


def commands(text: str) -> Iterator[str]:
    """Lines of code blocks that begin with the program's name, comments taken off and broken lines joined; and whole commands in running text."""
    blocks = re.findall(r"^```\w*\n(.*?)^```", text, flags=re.MULTILINE | re.DOTALL)
    for block in blocks:
        for line in block.replace("\\\n", " ").splitlines():
            if line.startswith("causal "):
                yield shlex.join(shlex.split(line, comments=True))
    rest = re.sub(r"^```\w*\n.*?^```", "", text, flags=re.MULTILINE | re.DOTALL)
    for span in re.findall(r"`(causal [^`]+)`", rest):
        if (
            not re.search(r"…|\b(NAME|KEY|OLD|FILE|RUN)\b|\bVALUE\b", span)
            and span.split()[1] in COMMANDS
            and (len(span.split()) > 2 or span.split()[1] in ("run", "list"))
        ):
            yield shlex.join(shlex.split(span))


FOUND = {command: page.name for page in reversed(PAGES) for command in reversed(list(commands(page.read_text(encoding="utf-8"))))}
FOUND = dict(sorted(FOUND.items(), key=lambda item: [page.name for page in PAGES].index(item[1])))


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("commands")


@pytest.fixture
def place(home: Path, request: pytest.FixtureRequest) -> Iterator[Path]:
    """A folder for each page with what the page speaks of: a table, and the graph and experiment that it shows."""
    page = getattr(request.node, "callspec", None)
    name = page.params["page"] if page else "README.md"
    folder = home / name
    if not folder.is_dir():
        folder.mkdir()
        r = np.random.default_rng(5)
        frame = pd.DataFrame([(f"Area {i:02d}", year) for i in range(20) for year in range(2010, 2018)], columns=["area", "yr"])
        frame["cut"], frame["poverty"] = r.random(160), 10 * r.random(160)
        frame["plans"] = 40 + 4 * frame["cut"] + frame["poverty"] + r.normal(size=160)
        if name == "by_hand.md":  # there the table's own name for plans is another
            graph, experiment = re.findall(r"```yaml\n(.*?)```", (TOP / "docs/site" / name).read_text(encoding="utf-8"), flags=re.DOTALL)
            for group, text in (("graph", graph), ("experiment", experiment)):
                (folder / "mine" / group).mkdir(parents=True)
                (folder / "mine" / group / "ours.yaml").write_text(text, encoding="utf-8")
            frame = frame.rename(columns={"plans": "cpp_rate"}).assign(plans_of_old=1.0)
        frame.to_csv(folder / "mine.csv", index=False)
    with chdir(folder):
        yield folder


def test_commands_are_found_on_every_page_that_has_any() -> None:
    assert len(FOUND) > 40 and {"README.md", "five_minutes.md", "england_files.md", "by_hand.md"} <= set(FOUND.values())


@pytest.mark.parametrize(("command", "page"), FOUND.items(), ids=[f"{page}: {command}"[:90] for command, page in FOUND.items()])
def test_every_command_runs(page: str, command: str, place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _, verb, *words = shlex.split(command)
    england = "FOLDER" in command or "source=england" in command
    if verb == "fetch" or (verb == "study" and not (LONG and (ENGLAND.is_dir() or not england))):
        assert verb == "fetch" or inquiry(words[0]).entries  # what is not to be had here is read
        return
    if england and not (LONG and ENGLAND.is_dir()):
        if verb in ("run", "decompose"):
            assert main(["run", "--cfg", *([f"decomposition={words.pop(0)}"] if verb == "decompose" else []), *words]) == 0
        return
    words = [word.replace("FOLDER", str(ENGLAND)) for word in words]
    own = england or any(word.startswith(("protocol=", "source", "--config-dir")) for word in words)
    if verb in ("run", "explain", "simulate", "decompose", "study") and not own:
        words += SMALL if verb != "explain" else SMALL[:1]
    if verb == "run" and not LONG and "--cfg" not in words and any(HEAVY.fullmatch(word) for word in words):
        for estimator in next((word for word in words if word.startswith("estimator=") and word != "estimator=all"), "=fixed_effects").split("=")[1].split(","):
            assert main(["run", "--cfg", *(word for word in words if word != "-m" and not word.startswith("estimator=")), f"estimator={estimator}"]) == 0
        return
    if verb in ("run", "simulate") and not any("refuters" in word or word.startswith("protocol=") for word in words):
        words.append("refuters=[]")
    if "--panels" in words:
        words[words.index("--panels") + 1] = "2"
        words += ["--effects", "0"]
    if "--save" in words:
        (place / words[words.index("--save") + 1]).unlink(missing_ok=True)
    if verb == "new" and (place / "mine/graph/ours.yaml").exists():
        words += ["--called", "another"]
    needs(verb, words, place)
    capsys.readouterr()
    assert main([verb, *words]) in ((0, 2) if verb == "check" or "estimator=all" in words else (0,)), capsys.readouterr().err


def needs(verb: str, words: list[str], place: Path) -> None:
    """What an earlier command of the page leaves behind, when one is run by itself."""
    if "--config-dir" in words and not (place / "mine/graph/ours.yaml").exists():
        assert main(["new", "mine.csv", "--treatment", "cut", "--outcome", "plans", "--confounders", "poverty"]) == 0
    if any(word.startswith("protocol=") for word in words) and not (place / "protocol.yaml").exists():
        assert main(["explain", "experiment=closures", SMALL[0], "refuters=[]", "--save", "protocol.yaml"]) == 0
    if verb in ("report", "compare") and not (place / "runs/latest").exists():
        assert main(["run", *SMALL, "refuters=[]", "-q"]) == 0


def test_the_readme_s_job_in_ten_lines_runs(place: Path) -> None:
    """The block of Python as it stands; least squares with dummies, by pandas and numpy, is the oracle of its number."""
    (block,) = re.findall(r"```python\n(.*?)```", (TOP / "README.md").read_text(encoding="utf-8"), flags=re.DOTALL)
    assert len([line for line in block.splitlines() if line.strip()]) <= 14
    frame = pd.read_csv(place / "mine.csv")
    room = {"frame": frame}
    exec(compile(block, "README.md", "exec"), room)
    result = room["result"]
    assert isinstance(result, causal.Result) and result.estimate is not None and len(result.refutations) > 10
    columns = np.column_stack([frame["cut"], pd.get_dummies(frame["area"], dtype=float), pd.get_dummies(frame["yr"], dtype=float).iloc[:, 1:]])
    assert result.estimate.effect == pytest.approx(0.5 * np.linalg.lstsq(columns, frame["plans"], rcond=None)[0][0], rel=1e-9)


def test_the_readme_is_short() -> None:
    lines = (TOP / "README.md").read_text(encoding="utf-8").splitlines()
    assert len(lines) <= 150 and max(map(len, lines)) <= 120
