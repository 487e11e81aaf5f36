"""Files and words of strangers run no code and carry no secrets: every attack here worked once, or is one that could have.

Most attacks want Hydra, or us, to unpickle a file that leaves a mark; a test that finds the mark has been attacked.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
import os
import pickle
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Callable
from html import unescape
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from causal.cli import main
from causal.errors import CausalError
from causal.protocol import _digest
from causal.sources.england import England

SMALL = ["source.authorities=40", "refuters=[]", "workers=1", "beside=[]"]
SECRET = "s3cr3t-0f-th3-3nv1r0nm3nt"


class Marks:
    """Unpickled, it leaves a file."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self.mark),)


@pytest.fixture
def bomb(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A pickle that makes the folder `mark` beside it; a secret stands in the environment."""
    monkeypatch.setenv("SECRET_TOKEN", SECRET)
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "bomb.pkl"
    path.write_bytes(pickle.dumps(Marks(tmp_path / "mark")))
    return path


def call(tmp_path: Path, *words: str) -> int:
    return main(["run", *words, f"runs={tmp_path / 'runs'}", *SMALL])


def refused(tmp_path: Path, capsys: pytest.CaptureFixture[str], code: int) -> str:
    """The one line on stderr; no mark, nothing that looks finished, no secret anywhere."""
    assert not (tmp_path / "mark").exists(), "the attack ran its code"
    out = capsys.readouterr()
    runs = tmp_path / "runs"
    for path in runs.rglob("*") if runs.exists() else ():
        assert not path.is_file() or SECRET.encode() not in path.read_bytes(), f"the secret stands in {path.name}"
    assert code == 2 and not list(runs.rglob("result.json")), out.out
    assert SECRET not in out.out + out.err
    lines = out.err.strip().splitlines()
    assert len(lines) == 1 and lines[0].startswith("ConfigError: "), out.err
    return lines[0]


def hook(bomb: Path) -> str:
    return f"{{callbacks: {{x: {{_target_: joblib.load, filename: {bomb}}}}}}}"


def experiment(folder: Path, text: str = "", defaults: str = "closures") -> Path:
    """An experiment of a stranger's, on top of one of ours."""
    path = folder / "experiment/ours.yaml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"# @package _global_\ndefaults: [{defaults}]\n{text}\n")
    return path


def pay(folder: Path, bomb: Path, header: str = "") -> None:
    (folder / "rule").mkdir(parents=True, exist_ok=True)
    (folder / "rule/pay.yaml").write_text(f"{header}_target_: joblib.load\nfilename: {bomb}\n")


# --- folders of configurations ---------------------------------------------------------------------------------------


def _header(folder: Path, bomb: Path) -> None:
    pay(folder, bomb, "# @package hydra.callbacks.x\n")
    experiment(folder, defaults="closures, override /rule: pay")


def _package(folder: Path, bomb: Path) -> None:
    pay(folder, bomb)
    experiment(folder, defaults="closures, /rule@hydra.callbacks.x: pay")


def _linked(folder: Path, bomb: Path) -> None:
    experiment(folder.parent / "elsewhere", f"hydra: {hook(bomb)}")
    folder.mkdir()
    (folder / "experiment").symlink_to(folder.parent / "elsewhere/experiment", target_is_directory=True)


def _linked_file(folder: Path, bomb: Path) -> None:
    elsewhere = experiment(folder.parent / "elsewhere", "title: from elsewhere")
    (folder / "experiment").mkdir(parents=True)
    (folder / "experiment/ours.yaml").symlink_to(elsewhere)


def _launcher(folder: Path, bomb: Path) -> None:
    (folder / "hydra/launcher").mkdir(parents=True)
    (folder / "hydra/launcher/pay.yaml").write_text(f"_target_: joblib.load\nfilename: {bomb}\n")
    experiment(folder, defaults="closures, override /hydra/launcher: pay")


FOLDERS: dict[str, Callable[[Path, Path], Any]] = {
    "a header names the package": _header,
    "the defaults list names the package": _package,
    "a key with a question mark": lambda folder, bomb: experiment(folder, f"? hydra\n: {hook(bomb)}"),
    "a key with an escaped letter": lambda folder, bomb: experiment(folder, f'"\\x68ydra": {hook(bomb)}'),
    "a key with a tag": lambda folder, bomb: experiment(folder, f"!!str hydra: {hook(bomb)}"),
    "a folder that is a link": _linked,
    # of our own
    "a file that is a link": _linked_file,
    "a launcher of one's own": _launcher,
    "a key in plain": lambda folder, bomb: experiment(folder, f"hydra: {hook(bomb)}"),
    "a logger's factory": lambda folder, bomb: experiment(
        folder, f"hydra: {{job_logging: {{version: 1, handlers: {{x: {{(): joblib.load, filename: {bomb}}}}}, root: {{handlers: [x]}}}}}}"
    ),
    "an anchor merged in": lambda folder, bomb: experiment(folder, f"language: &x {{hydra: {hook(bomb)}}}\n<<: *x"),
    "the environment of the jobs": lambda folder, bomb: experiment(folder, "hydra: {job: {env_set: {LD_PRELOAD: /tmp/x.so}}}"),
    "the environment copied": lambda folder, bomb: experiment(folder, "hydra: {job: {env_copy: [SECRET_TOKEN]}}"),
    "a working folder changed": lambda folder, bomb: experiment(folder, "hydra: {job: {chdir: true}}"),
    "a path that leaves the folder": lambda folder, bomb: (
        experiment(folder.parent / "elsewhere", "title: from elsewhere"),
        experiment(folder, defaults="../../elsewhere/experiment/ours"),
    ),
    "where results go": lambda folder, bomb: experiment(folder, "runs: /tmp/elsewhere"),
    "how many workers": lambda folder, bomb: experiment(folder, "workers: 500"),
    "a part of its arguments": lambda folder, bomb: experiment(folder, "estimator: {_partial_: true}"),
    "arguments by place": lambda folder, bomb: experiment(folder, "question: {_args_: [a]}"),
    "no look at what is inside": lambda folder, bomb: experiment(folder, "question: {_recursive_: false}"),
    "another conversion": lambda folder, bomb: experiment(folder, "question: {_convert_: none}"),
    "a mode of instantiation to come": lambda folder, bomb: experiment(folder, "said: [{who: a, what: b, source: c, _lazy_: true}]"),
    "a class of elsewhere deep in a list": lambda folder, bomb: experiment(folder, f"said: [{{_target_: joblib.load, filename: {bomb}}}]"),
    "an alias of a library's inside ours": lambda folder, bomb: experiment(folder, "estimator: {_target_: causal.refute.np.random.Generator}"),
    "a tag of Python's": lambda folder, bomb: experiment(folder, "title: !!python/object/apply:os.mkdir [mark]"),
}


HOWS = ("where results go", "how many workers")  # a word of the command line would stand above the file's


@pytest.mark.parametrize("attack", FOLDERS)
def test_a_folder_runs_no_code(attack: str, bomb: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    FOLDERS[attack](tmp_path / "mine", bomb)
    words = [word for word in (*SMALL, f"runs={tmp_path / 'runs'}") if not (word.startswith(("runs=", "workers=")) and attack in HOWS)]
    refused(tmp_path, capsys, main(["run", "--config-dir", str(tmp_path / "mine"), "experiment=ours", *words]))


@pytest.mark.parametrize("sweep", ["experiment=closures,ours", "rule=default,pay"])
def test_a_sweep_judges_every_job_before_it_begins(sweep: str, bomb: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Each job is composed on its own: what stands in the second choice is seen, and the first is not lost without a word."""
    pay(tmp_path / "mine", bomb, "# @package hydra.job_logging.handlers.x\n")
    text = f"hydra: {{job_logging: {{version: 1, handlers: {{x: {{(): joblib.load, filename: {bomb}}}}}}}}}"
    experiment(tmp_path / "mine", text)
    if sweep.startswith("rule"):
        (tmp_path / "mine/rule/pay.yaml").write_text(
            f"# @package hydra.job_logging\nversion: 1\nhandlers: {{x: {{(): joblib.load, filename: {bomb}}}}}\nroot: {{handlers: [x]}}\n"
        )
    code = call(tmp_path, "-m", "--config-dir", str(tmp_path / "mine"), sweep)
    assert not (tmp_path / "mark").exists(), "the attack ran its code"
    assert code == 2 and "hydra" in capsys.readouterr().err


WORDS = {
    "a path that leaves the folder": ["experiment=../../elsewhere/experiment/ours"],
    "a search path": ["hydra.searchpath=[file://{elsewhere}]", "experiment=ours"],
    "a package on the search path": ["hydra.searchpath=[pkg://evilpackage]", "experiment=ours"],
    "a callback": ["+hydra.callbacks.x._target_=joblib.load", "+hydra.callbacks.x.filename={bomb}"],
    "a group put into hydra's node": ["+rule@hydra.callbacks.x=default"],
    "the environment in a title": ["title='x ${oc.env:SECRET_TOKEN}'"],
    "the environment in a path": ["source=table", "source.path='${oc.env:SECRET_TOKEN}'"],
    "the environment in where results go": ["runs='${oc.env:SECRET_TOKEN}'"],
    "a value decoded": ["seed='${oc.decode:7}'"],
    "a configuration created": ["question='${oc.create:{a: 1}}'"],
    "an interpolation that is resolved twice": ["title='\\${oc.env:SECRET_TOKEN}'"],
    "a resolver's name made of parts": ["title='${oc.${language}:SECRET_TOKEN}'", "+language=env"],
    "hydra's own facts": ["title='${hydra:runtime.cwd}'"],
    "what runs, in a title": ["title='${runs}'"],
}


@pytest.mark.parametrize("attack", WORDS)
def test_words_of_the_command_line_bring_in_neither_code_nor_environment(
    attack: str, bomb: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    experiment(tmp_path / "elsewhere", f"hydra: {hook(bomb)}")
    (tmp_path / "evilpackage").mkdir()
    (tmp_path / "evilpackage/__init__.py").write_text(f"import os\nos.mkdir({str(tmp_path / 'mark')!r})\n")
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "mine").mkdir()
    words = [word.replace("{elsewhere}", str(tmp_path / "elsewhere")).replace("{bomb}", str(bomb)) for word in WORDS[attack]]
    refused(tmp_path, capsys, main(["run", "--config-dir", str(tmp_path / "mine"), f"runs={tmp_path / 'runs'}", *SMALL, *words]))


def test_a_resolver_of_the_user_s_own_is_off_too_and_stands_again_afterwards(bomb: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from omegaconf import OmegaConf

    OmegaConf.register_new_resolver("leak", lambda: SECRET, replace=True)
    try:
        refused(tmp_path, capsys, call(tmp_path, "title='${leak:}'"))
        assert OmegaConf.create({"a": "${leak:}", "b": "${oc.env:SECRET_TOKEN}"}).a == SECRET and OmegaConf.has_resolver("oc.env")
    finally:
        OmegaConf.clear_resolver("leak")


SECRETS = {
    "a title": "title: 'x ${oc.env:SECRET_TOKEN}'",
    "an action": "action: 'x ${oc.env:SECRET_TOKEN}'",
    "a reason": "question: {because: '${oc.env:SECRET_TOKEN}'}",
    "a label": "graph: {nodes: {closures: {label: '${oc.env:SECRET_TOKEN}'}}}",
    "an arrow's reason": "graph: {arrows: {need: {plans: '${oc.env:SECRET_TOKEN}'}}}",
    "what others said": "said: [{who: '${oc.env:SECRET_TOKEN}', what: b, source: c}]",
    "a title, decoded": "title: '${oc.decode:${oc.env:SECRET_TOKEN}}'",
    "a title, escaped once": "title: '\\${oc.env:SECRET_TOKEN}'",
    "a title through another key": "action: '${oc.env:SECRET_TOKEN}'\ntitle: 'x ${action}'",
    "a missing variable's default": "title: '${oc.env:NOT_THERE,${oc.env:SECRET_TOKEN}}'",
}


@pytest.mark.parametrize("attack", SECRETS)
def test_a_folder_carries_nothing_of_the_environment_into_a_report(attack: str, bomb: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    experiment(tmp_path / "mine", SECRETS[attack])
    said = refused(tmp_path, capsys, call(tmp_path, "--config-dir", str(tmp_path / "mine"), "experiment=ours"))
    assert "${" in said


def test_the_environment_in_a_defaults_list_is_not_looked_up(bomb: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    experiment(tmp_path / "mine", defaults="closures, override /rule: '${oc.env:SECRET_TOKEN}'")
    refused(tmp_path, capsys, call(tmp_path, "--config-dir", str(tmp_path / "mine"), "experiment=ours"))


def test_names_of_the_configuration_s_own_may_still_stand_in_a_text(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call(tmp_path, "title='Lag of ${question.lag} years'") == 0
    folder = Path(capsys.readouterr().out.strip().splitlines()[-1])
    assert json.loads((folder / "result.json").read_text(encoding="utf-8"))["title"] == "Lag of 2 years"


# --- protocols -------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def plan(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    path = tmp_path_factory.mktemp("plan") / "protocol.yaml"
    assert main(["explain", "experiment=closures", "source.authorities=40", "refuters=[]", "--save", str(path)]) == 0
    return dict(yaml.safe_load(path.read_text()))


def signed(plan: dict[str, Any], path: Path, *words: Any, **keys: Any) -> str:
    """A stranger's protocol: anyone can make its digest anew."""
    made = {key: value for key, value in plan.items() if key != "digest"} | {"words": [*plan["words"], *words]} | keys
    path.write_text(yaml.safe_dump(made | {"digest": _digest(made)}))
    return f"protocol={path}"


PROTOCOLS: dict[str, list[Any]] = {
    "a callback that unpickles": ["+hydra.callbacks.x._target_=joblib.load", "+hydra.callbacks.x.filename={bomb}"],
    "the same by force": ["++hydra.callbacks.x={_target_: joblib.load, filename: '{bomb}'}"],
    "a launcher": ["hydra.launcher._target_=joblib.load", "++hydra.launcher.filename={bomb}"],
    "a group put into hydra's node": ["+rule@hydra.callbacks.x=default"],
    "a search path": ["hydra.searchpath=[file://{elsewhere}]", "experiment=ours"],
    "where results go": ["runs={elsewhere}"],
    "how many workers": ["workers=999"],
    "which engine": ["+backend=dask"],
    "whom to trust": ["+trust=[{elsewhere}]"],
    "an option of Hydra's": ["--multirun"],
    "a folder of its own": ["--config-dir={elsewhere}"],
    "a rerun from a pickle": ["--experimental-rerun={bomb}"],
    "another primary file": ["-cn=evil"],
    "the environment in a title": ["title='x ${oc.env:SECRET_TOKEN}'"],
    "a protocol within": ["protocol={bomb}"],
    "a part of its arguments": ["+estimator._partial_=true"],
    "a class of elsewhere": ["estimator._target_=joblib.load", "+estimator.filename={bomb}"],
    "a word that is no text": [{"hydra": 1}],
    "a key taken away": ["~hydra.job_logging"],
    "a sweep": ["seed=1,2"],
}


@pytest.mark.parametrize("attack", PROTOCOLS)
def test_a_protocol_runs_no_code_and_decides_nothing_of_how_to_run(
    attack: str, bomb: Path, plan: dict[str, Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    experiment(tmp_path / "elsewhere", f"hydra: {hook(bomb)}")
    given = [one.replace("{elsewhere}", str(tmp_path / "elsewhere")).replace("{bomb}", str(bomb)) if isinstance(one, str) else one for one in PROTOCOLS[attack]]
    words = [signed(plan, tmp_path / "protocol.yaml", *given)]
    refused(tmp_path, capsys, main(["run", *words] if attack == "where results go" else ["run", *words, f"runs={tmp_path / 'runs'}", "workers=1"]))
    assert not list((tmp_path / "elsewhere").rglob("result.json"))


@pytest.mark.parametrize(
    "broken", [{"words": None}, {"words": "experiment=closures"}, {"config": [1]}, {"data": 3}, {"design": None}], ids=lambda one: f"{next(iter(one))}"
)
def test_a_protocol_whose_parts_are_of_another_kind_is_refused(
    broken: dict[str, Any], bomb: Path, plan: dict[str, Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    refused(tmp_path, capsys, main(["run", signed(plan, tmp_path / "p.yaml", **broken), f"runs={tmp_path / 'runs'}", "workers=1"]))


@pytest.mark.parametrize(
    "word", ["+hydra.callbacks.x._target_=joblib.load", "runs=/tmp/elsewhere", "workers=9", "hydra.searchpath=[x]", "title='${oc.env:SECRET_TOKEN}'"]
)
@pytest.mark.parametrize("where", ["words", "entries"])
def test_a_study_s_file_decides_nothing_of_how_to_run(word: str, where: str, bomb: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "mine/study").mkdir(parents=True)
    entry = {"run": ["experiment=closures", *([word] if where == "entries" else [])]}
    text = {"title": "t", "words": [word] if where == "words" else [], "entries": [entry]}
    (tmp_path / "mine/study/ours.yaml").write_text(yaml.safe_dump(text))
    code = main(["study", "ours", "--config-dir", str(tmp_path / "mine"), f"runs={tmp_path / 'runs'}", *SMALL])
    assert code == 2 and not list(tmp_path.rglob("result.json")) and not (tmp_path / "mark").exists()
    assert not any(SECRET.encode() in path.read_bytes() for path in tmp_path.rglob("*.*") if path.is_file())


# --- trust -----------------------------------------------------------------------------------------------------------

MINE = "from causal.estimators.difference import Difference\n\n\nclass Mine(Difference):\n    pass\n"


def fresh(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """The command line as a person starts it, in a folder, without the tests' own import path."""
    code = "import sys; sys.path[:] = [p for p in sys.path if p not in ('', '.')]; from causal.cli import main; sys.exit(main(sys.argv[1:]))"
    return subprocess.run([sys.executable, "-I", "-c", code, *words], cwd=folder, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("name", ["mine.csv", "nothere", "mine", "mine.py", "os.nothere", "json.csv", "../x", ""])
def test_trust_wants_a_folder_or_a_module_that_can_be_imported(name: str, tmp_path: Path) -> None:
    """A file's name, nothing, and a module that lies only in the current folder."""
    (tmp_path / "mine.csv").write_text("a\n1\n")
    (tmp_path / "mine.py").write_text(f"import os\nos.mkdir({str(tmp_path / 'mark')!r})\n{MINE}")
    done = fresh(tmp_path, "explain", "--trust", name, "source.authorities=40", "refuters=[]")
    assert not (tmp_path / "mark").exists(), "the current folder was on the import path"
    assert done.returncode == 2 and "--trust" in done.stderr and len(done.stderr.splitlines()) == 1, done.stderr


def test_a_trusted_folder_gives_its_modules_alone(tmp_path: Path) -> None:
    """Beside it lies another module; inside it, one called like an installed one, which must neither stand in for it nor let it in."""
    (tmp_path / "ours").mkdir()
    (tmp_path / "ours/homemade.py").write_text(MINE)
    (tmp_path / "beside.py").write_text(MINE)
    words = ["explain", "--trust", "ours", "source.authorities=40", "refuters=[]"]
    assert fresh(tmp_path, *words, "estimator._target_=homemade.Mine").returncode == 0
    assert "beside" in (done := fresh(tmp_path, *words, "estimator._target_=beside.Mine")).stderr and done.returncode == 2
    (tmp_path / "ours/subprocess.py").write_text("")
    done = fresh(tmp_path, *words, "estimator={_target_: subprocess.Popen, args: [mkdir, mark]}")
    assert not (tmp_path / "mark").exists(), "a module's name let the installed one in"
    assert done.returncode == 2 and "subprocess" in done.stderr and "Traceback" not in done.stderr


def test_a_trusted_folder_stands_after_all_that_is_installed(tmp_path: Path) -> None:
    from causal.experiments.compose import trust

    (tmp_path / "homemade_last.py").write_text(MINE)
    was = list(sys.path)
    try:
        assert trust([str(tmp_path)]) == ["homemade_last"]
        assert sys.path == [*was, str(tmp_path.resolve())]
    finally:
        sys.path[:] = was


def test_a_folder_without_modules_is_nothing_to_trust(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", "--trust", str(tmp_path), "source.authorities=40"]) == 2
    assert "no module" in capsys.readouterr().err


def test_trust_in_a_module_is_trust_in_what_lies_below_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`--trust concurrent.futures` lets in no other class of the same distribution."""
    words = ["explain", "--trust", "json.decoder", "source.authorities=40", "estimator._target_=json.encoder.JSONEncoder"]
    assert main(words) == 2 and "wanted a class of this toolkit" in capsys.readouterr().err


# --- what a result holds ---------------------------------------------------------------------------------------------


def table(folder: Path, name: str = "mine (1).csv", label: str = "Area") -> Path:
    rows = ["area,yr,cut,plans,poor"]
    rows += [
        f'"{label} {i:02d}",{year},{(7 * i + 3 * year) % 11 / 10},{40 + (5 * i + year * i) % 13},{(11 * i) % 17}'
        for i in range(15)
        for year in range(2010, 2016)
    ]
    path = folder / name
    path.write_text("\n".join(rows) + "\n")
    return path


def own(folder: Path, labels: str = "the cut") -> None:
    """A graph and an experiment of a user's own on that table."""
    nodes = {
        "authority": {"label": "what is lasting", "varies": "authority"},
        "year": {"label": "what hits all", "varies": "year"},
        "cut": {"label": labels},
        "plans": {"label": labels},
    }
    arrows: dict[str, Any] = {"authority": {"cut": "a", "plans": "b"}, "year": {"cut": "c", "plans": "d"}, "cut": {"plans": "e"}}
    question = {"treatment": "cut", "outcome": "plans", "control": 0, "treated": 1, "smallest_important": 2, "because": "a test"}
    for group, made in (
        ("graph", {"_target_": "causal.graph.Graph", "name": "ours", "nodes": nodes, "arrows": arrows}),
        ("experiment", {"defaults": [{"override /graph": "ours"}], "title": labels, "action": labels, "question": question}),
    ):
        (folder / group).mkdir(parents=True, exist_ok=True)
        head = "# @package _global_\n" if group == "experiment" else "# ours\n"
        (folder / group / "ours.yaml").write_text(head + yaml.safe_dump(made, sort_keys=False, allow_unicode=True))


def words_of(tmp_path: Path, path: Path) -> list[str]:
    given = ["experiment=ours", "source=table", f"source.path={path}", "source.authority=area", "source.year=yr", "refuters=unmeasured_confounder", "workers=1"]
    return ["--config-dir", str(tmp_path / "secret-place/mine"), *given, f"runs={tmp_path / 'runs'}"]


def test_a_result_holds_no_absolute_path_and_nothing_of_the_machine_but_versions(
    bomb: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Folder of configurations, table, trusted folder and results all lie elsewhere, under names that must not be found."""
    place = tmp_path / "secret-place"
    own(place / "mine")
    (place / "classes").mkdir()
    (place / "classes/homemade_paths.py").write_text(MINE)
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    assert main(["run", "--trust", str(place / "classes"), *words_of(tmp_path, table(place))]) == 0
    folder = Path(capsys.readouterr().out.strip().splitlines()[-1])
    for one in folder.rglob("*"):
        if one.suffix in (".json", ".yaml", ".md", ".html", ".csv", ".svg"):
            text = one.read_text(encoding="utf-8")
            for secret in ("secret-place", str(tmp_path), str(Path.home()) + "/", SECRET, os.uname().nodename):
                assert secret not in text, (one.name, secret)
    record = json.loads((folder / "result.json").read_text())["provenance"]
    assert record["config"]["source"]["path"] == "mine (1).csv" and "mine" in record["command"] and "classes" in record["command"]
    assert set(record) <= {"command", "config", "config_digest", "seed", "python", "versions", "commit", "code_digest", "data_digest", "times"}


def test_a_path_below_the_current_folder_stands_as_it_reads_from_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from causal.experiments.gate import portable, shortened, spoken

    monkeypatch.chdir(tmp_path)
    assert shortened(str(tmp_path / "data/a.csv")) == "data/a.csv" and shortened("data/a.csv") == "data/a.csv"
    assert shortened("/elsewhere/of/mine/a b.csv") == "a b.csv" and shortened("C:\\Users\\me\\a.csv") == "a.csv"
    assert shortened("£ / child") == "£ / child" and shortened("/ child") == "/ child" and shortened("a/b") == "a/b"
    assert portable({"a": ["/x/y/z", 3], "b": {"c": None}}) == {"a": ["z", 3], "b": {"c": None}}
    assert spoken(["~graph.arrows.need.plans", "~/x/y"]) == ["~graph.arrows.need.plans", "y"]  # a key taken away is no path
    said = spoken(["causal", "run", "--config-dir", "/places/of/mine", "source.path='/x/y (1)/z.csv'", "source={path: /x/y/z.csv}", "seed=7"])
    assert said == ["causal", "run", "--config-dir", "mine", "source.path='z.csv'", "source={path: z.csv}", "seed=7"]


# --- labels and tables -----------------------------------------------------------------------------------------------

HARM = "=1+1 <script>alert(1)</script><img src=x onerror=alert(2)> | \"q\" 's' [x](javascript:alert(3))"
FORMULAS = ["=1+1", "+1+1", "-1+1", "@SUM(A1)", "\t=1+1", " =1+1", "＝1+1", '=HYPERLINK("http://example.org")']


VARIATION = ["decomposition.outcomes=[plans]", "decomposition.windows=[[2010,2015]]", "decomposition.measures=[poor]", "decomposition.draws=20"]


def cells(path: Path) -> list[str]:
    return [one for row in csv.reader(io.StringIO(path.read_text(encoding="utf-8"))) for one in row]


@pytest.mark.parametrize("word", FORMULAS)
def test_no_cell_head_or_label_of_a_table_is_a_formula(word: str) -> None:
    from causal.open_data import NUMBER
    from causal.report.tables import DataField, DataFile, lines

    made = DataFile(
        name="t", columns=(DataField(name="a", kind="Filter", label=word), DataField(name="b", kind="Indicator", label="b", unit=word)), rows=({"a": word},)
    )
    for text in (made.csv, made.meta, lines([[word, "-0.5"]])):
        for one in (cell for row in csv.reader(io.StringIO(text)) for cell in row):
            assert NUMBER.fullmatch(one) or not one.strip().startswith(("=", "+", "-", "@", "＝")), one
    assert "-0.5" in lines([[word, "-0.5"]]) and "'-0.5" not in lines([[word, "-0.5"]])


def test_hostile_names_are_inert_in_every_table_and_page_of_a_study(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Authorities called like formulas stood raw in influence.csv."""
    own(tmp_path / "secret-place/mine", HARM)
    assert main(["run", *words_of(tmp_path, table(tmp_path, label="=1+1|<script>alert(1)</script>"))]) == 0
    folder = Path(capsys.readouterr().out.strip().splitlines()[-1])
    inert(folder)
    assert any("=1+1" in one for one in cells(folder / "influence.csv"))


def inert(folder: Path) -> None:
    """No cell begins a formula, no tag of a label's is a tag."""
    found = [*folder.rglob("*.csv"), *folder.rglob("*.html"), *folder.rglob("*.md"), *folder.rglob("*.svg")]
    assert found
    for one in found:
        text = one.read_text(encoding="utf-8")
        if one.suffix == ".csv":
            assert not [cell for cell in cells(one) if cell.strip().startswith(("=", "+", "@"))], one.name
            continue
        bare = re.sub(r"<script>.*?</script>", "", text, count=1, flags=re.S) if "script-src 'sha256-" in unescape(text) else text
        assert "<script" not in bare and "<img src=x" not in bare and 'href="javascript' not in bare, one.name
        assert one.suffix != ".md" or not re.search(r"(?<!\\)\]\(javascript", text)
        if one.suffix == ".html":
            assert "default-src 'none'" in unescape(text), one.name


def test_hostile_labels_are_inert_in_decompositions(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    own(tmp_path / "secret-place/mine", HARM)
    given = [word for word in words_of(tmp_path, table(tmp_path, label=HARM.replace('"', ""))) if not word.startswith("refuters")]
    assert main(["decompose", "variation", *VARIATION, *given]) == 0
    inert(Path(capsys.readouterr().out.strip().splitlines()[-1]))


def test_hostile_labels_are_inert_in_simulations(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    own(tmp_path / "secret-place/mine", HARM)
    given = [word for word in words_of(tmp_path, table(tmp_path, label=HARM.replace('"', "")))]
    assert main(["simulate", "--panels", "2", "--effects", "0", *given]) == 0
    inert(Path(capsys.readouterr().out.strip().splitlines()[-1]))


def test_hostile_labels_are_inert_on_the_page_of_many_questions(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    mine = tmp_path / "secret-place/mine"
    own(mine, HARM)
    (mine / "study").mkdir()
    entries = [{"run": ["experiment=ours"], "why": HARM}, {"run": ["experiment=ours", f"title={HARM}", "estimator=nothere"], "why": HARM}]
    (mine / "study/ours.yaml").write_text(yaml.safe_dump({"title": HARM, "said": HARM, "entries": entries}))
    given = [word for word in words_of(tmp_path, table(tmp_path)) if not word.startswith("experiment")]
    assert main(["study", "ours", *given]) == 2
    inert(Path(capsys.readouterr().out.strip().splitlines()[-1]))


def test_a_record_s_names_write_nothing_outside_its_folder(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A stranger's result.json calls a table after a path, and figures lie behind a link."""
    own(tmp_path / "secret-place/mine")
    given = [word for word in words_of(tmp_path, table(tmp_path)) if not word.startswith("refuters")]
    assert main(["decompose", "variation", *VARIATION, *given]) == 0
    folder = Path(capsys.readouterr().out.strip().splitlines()[-1])
    data = json.loads((folder / "result.json").read_text())
    named = data["tables"][0]["name"]
    for bad in ("../../../outside", "/tmp/outside", "javascript:alert(1)//", "..", "a/b", "a\nb"):
        text = json.dumps(data).replace(json.dumps(named), json.dumps(bad))
        (folder / "result.json").write_text(text)
        assert main(["report", str(folder)]) == 2
        assert "whose name is a file's" in capsys.readouterr().err
    assert not list(tmp_path.rglob("outside*"))
    (folder / "result.json").write_text(json.dumps(data))
    victim = tmp_path / "victim"
    victim.write_text("dear to me")
    (folder / "report.html").unlink()
    (folder / "report.html").symlink_to(victim)
    assert main(["report", str(folder)]) == 0 and victim.read_text() == "dear to me" and not (folder / "report.html").is_symlink()
    (tmp_path / "dear").mkdir()
    shutil.rmtree(folder / "figures")
    (folder / "figures").symlink_to(tmp_path / "dear", target_is_directory=True)
    assert main(["report", str(folder)]) in (0, 2) and not list((tmp_path / "dear").iterdir())


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("g.dot", 'digraph { cut -> plans [because="<script>alert(1)</script>"]; a [label=<<b>x</b>>] }'),
        ("g.dot", "digraph { " + "{" * 5000),
        ("g.gml", "graph [ directed 1 node [ id 0 label \"__import__('os')\" ] ]"),
        ("g.yaml", "nodes: !!python/object/apply:os.mkdir [mark]\narrows: {}"),
        ("g.yaml", "nodes: {a: {label: x}}\narrows: {a: {a: {_target_: os.system}}}"),
        ("g.dagitty", "dag { <script> -> plans }"),
    ],
)
def test_a_graph_s_file_runs_nothing(name: str, text: str, bomb: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from causal.graph_files import read_graph

    (tmp_path / name).write_text(text)
    try:
        assert isinstance(read_graph(tmp_path / name), dict)
    except CausalError as problem:
        assert name in str(problem)
    assert not (tmp_path / "mark").exists()


def test_list_reads_no_file_that_a_link_leads_to(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "private.yaml").write_text(f"# {SECRET}\n")
    (tmp_path / "mine/graph").mkdir(parents=True)
    (tmp_path / "mine/graph/ours.yaml").symlink_to(tmp_path / "private.yaml")
    (tmp_path / "mine/graph/theirs.yaml").write_bytes(b"# \xff\xfe not text\n")
    assert main(["list", "graphs", "--config-dir", str(tmp_path / "mine")]) == 0
    said = capsys.readouterr().out
    assert SECRET not in said and "theirs" in said


# --- the cache of published files ------------------------------------------------------------------------------------


@pytest.fixture
def cached(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, Path, Any]:
    """A small England, its cache with one entry, and the frame that was read."""
    from england_folder import build

    monkeypatch.setenv("CAUSAL_CACHE", str(tmp_path / "store"))
    folder = build(tmp_path / "England")
    frame = England(path=str(folder)).load().frame
    (entry,) = (tmp_path / "store").iterdir()
    return folder, entry, frame


def opened(entry: Path) -> tuple[bytes, dict[str, Any]]:
    head, _, content = entry.read_bytes().partition(b"\n")
    with np.load(io.BytesIO(content), allow_pickle=False) as held:
        return head, {name: held[name] for name in held.files}


def closed(entry: Path, head: bytes | None, held: dict[str, Any]) -> None:
    out = io.BytesIO()
    np.savez(out, **held)
    head = head or f"causal-prevention cache 1 {hashlib.sha256(out.getvalue()).hexdigest()}".encode()
    entry.write_bytes(head + b"\n" + out.getvalue())


def _number(entry: Path) -> None:
    """The first number of the cache tenfold, the archive whole: what passed before, and was cited to a cell that prints another."""
    head, held = opened(entry)
    held["cells.value"] = held["cells.value"] * 10
    closed(entry, head, held)


def _other_files(entry: Path) -> None:
    """Signed anew, but made of other files than these."""
    _, held = opened(entry)
    plain = json.loads(held["plain"].tobytes())
    plain["made_of"]["files"] = dict.fromkeys(plain["made_of"]["files"], "0" * 64)
    held["cells.value"] = held["cells.value"] * 10
    held["plain"] = np.frombuffer(json.dumps(plain).encode(), dtype=np.uint8)
    closed(entry, None, held)


def _without(entry: Path) -> None:
    _, held = opened(entry)
    closed(entry, None, {name: one for name, one in held.items() if name != "cells.year"})


def _pickled(entry: Path) -> None:
    _, held = opened(entry)
    bad = np.empty(1, dtype=object)
    bad[0] = Marks(entry.parent.parent / "mark")
    out = io.BytesIO()
    np.savez(out, **{**held, "cells.value": bad})
    entry.write_bytes(f"causal-prevention cache 1 {hashlib.sha256(out.getvalue()).hexdigest()}\n".encode() + out.getvalue())


def _folder(entry: Path) -> None:
    entry.unlink()
    entry.mkdir()


def _pipe(entry: Path) -> None:
    entry.unlink()
    os.mkfifo(entry)


def _link(entry: Path) -> None:
    entry.rename(entry.with_suffix(".other"))
    _number(entry.with_suffix(".other"))
    entry.symlink_to(entry.with_suffix(".other"))


DAMAGE: dict[str, Callable[[Path], Any]] = {
    "a number changed": _number,
    "made of other files": _other_files,
    "an array taken out": _without,
    "a pickle put in": _pickled,
    "a byte turned": lambda entry: entry.write_bytes(entry.read_bytes()[:5000] + b"\x00" + entry.read_bytes()[5001:]),
    "cut short": lambda entry: entry.write_bytes(entry.read_bytes()[:100]),
    "empty": lambda entry: entry.write_bytes(b""),
    "another version's layout": lambda entry: entry.write_bytes(entry.read_bytes().replace(b"cache 1", b"cache 9", 1)),
    "a folder": _folder,
    "a pipe that nobody writes to": _pipe,
    "a link": _link,
    "writable by all": lambda entry: (_number(entry), entry.chmod(0o666)),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_damaged_cache_heals_from_the_files(damage: str, cached: tuple[Path, Path, Any], tmp_path: Path) -> None:
    folder, entry, frame = cached
    DAMAGE[damage](entry)
    assert England(path=str(folder)).load().frame.equals(frame)
    assert not (tmp_path / "mark").exists()
    assert England(path=str(folder)).load().frame.equals(frame)
    assert not list(entry.parent.glob("*.part"))


def test_a_cache_that_is_whole_is_used(cached: tuple[Path, Path, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    from causal.sources.england import folder as room

    monkeypatch.setattr(room, "_read", lambda *_: pytest.fail("read again"))
    assert England(path=str(cached[0])).load().frame.equals(cached[2])


def test_another_person_s_entry_is_not_believed(cached: tuple[Path, Path, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    from causal.sources.england import folder as room

    read = []
    was = room._read
    monkeypatch.setattr(room, "_read", lambda *given: read.append(1) or was(*given))
    monkeypatch.setattr(room.os, "getuid", lambda: 4_000_000)
    os.chown(cached[1], 1, 1) if os.geteuid() == 0 else pytest.skip("only root can give a file away")
    assert England(path=str(cached[0])).load().frame.equals(cached[2]) and read


def test_a_shared_cache_keeps_other_versions_and_other_people_s_files(cached: tuple[Path, Path, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """More entries than are kept; files of other names in the same folder were deleted as the oldest."""
    from causal.sources.england import folder as room

    monkeypatch.setattr(room, "KEPT", 3)
    folder, entry, _ = cached
    other = entry.with_name(f"england-{'0' * 16}-{'1' * 32}.npz")
    mine = entry.with_name("my own data.npz")
    for one in (other, mine):
        one.write_bytes(b"dear to me")
        os.utime(one, (1, 1))
    left = entry.with_name("england-stopped.part")
    left.write_bytes(b"x")
    os.utime(left, (1, 1))
    for i in range(5):
        (folder / f"other{i}.csv").write_text("a\n1\n")
        England(path=str(folder)).load()
    assert other.read_bytes() == mine.read_bytes() == b"dear to me" and not left.exists()
    assert len(list(entry.parent.glob(f"{entry.name.rpartition('-')[0]}-*.npz"))) == 3


def test_two_processes_share_a_cache(cached: tuple[Path, Path, Any]) -> None:
    folder, entry, frame = cached
    code = "import sys; from causal.sources.england import England\nfor _ in range(4): print(England(path=sys.argv[1]).load().digest)"
    entry.unlink()
    ran = [subprocess.Popen([sys.executable, "-c", code, str(folder)], stdout=subprocess.PIPE, text=True) for _ in range(2)]
    said = {line for one in ran for line in one.communicate(timeout=300)[0].splitlines()}
    assert all(one.returncode == 0 for one in ran) and len(said) == 1
    assert England(path=str(folder)).load().frame.equals(frame) and [one.suffix for one in entry.parent.iterdir()] == [".npz"]


def test_a_file_changed_while_it_is_read_is_not_remembered(cached: tuple[Path, Path, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    from causal.sources.england import folder as room

    folder, entry, _ = cached
    entry.unlink()
    was = room._read

    def meanwhile(*given: Any) -> Any:
        made = was(*given)
        (folder / "late.csv").write_text("a\n2\n")
        next(folder.rglob("*.xlsx")).touch()
        first = next(path for path in given[1] if path.suffix == ".csv")
        first.write_bytes(first.read_bytes() + b"\n")
        return made

    monkeypatch.setattr(room, "_read", meanwhile)
    England(path=str(folder)).load()
    assert not list(entry.parent.glob("*.npz"))


# --- importing, listing, installing ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "code", ["import causal, causal.cli", "import causal.cli; causal.cli.main(['list'])", "import causal.cli; causal.cli.main(['list', '--json'])"]
)
def test_importing_and_listing_open_no_socket_and_write_nothing(code: str, tmp_path: Path) -> None:
    """Python's own audit events (PEP 578): sockets, files opened to write, folders made, other programs started."""
    watch = (
        "import sys, os\n"
        "bad = []\n"
        "def hook(event, args):\n"
        "    if event.startswith(('socket.', 'subprocess.', 'os.system', 'os.exec', 'os.posix_spawn', 'os.mkdir', 'os.rename', 'os.remove', 'os.symlink')):\n"
        "        bad.append((event, str(args)[:200]))\n"
        "    if event == 'open' and (any(c in str(args[1] or '') for c in 'wax+') or (args[2] or 0) & (os.O_WRONLY | os.O_RDWR | os.O_CREAT)):\n"
        "        bad.append((event, str(args)[:200]))\n"
        "sys.addaudithook(hook)\n"
        f"{code}\n"
        "print(bad, file=sys.stderr)\n"
        "sys.exit(bool(bad))\n"
    )
    done = subprocess.run([sys.executable, "-B", "-c", watch], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert not list(tmp_path.iterdir())


TOP = Path(__file__).parent.parent


@pytest.mark.parametrize("python", ["3.11", "3.12", "3.13"])
def test_what_is_installed_is_pinned_with_hashes(python: str) -> None:
    """Every requirement of pyproject.toml, each at the version that constraints.txt gives to this Python; nothing of any machine or registry."""
    from packaging.requirements import Requirement
    from packaging.utils import canonicalize_name

    text = (TOP / f"requirements-{python}.txt").read_text()
    assert f"with Python {python}\n" in text and "://" not in text and "/" not in re.sub(r"--hash=\S+", "", text)
    made = re.findall(r"^([\w.\[\]-]+)==([^\s;]+)(?: ; [^\n\\]+)? \\\n((?:    --hash=sha256:[0-9a-f]{64}(?: \\)?\n?)+)", text, flags=re.M)
    pins = {canonicalize_name(name): version for name, version, _ in made}
    assert len(made) == len(re.findall(r"^\w\S*==", text, flags=re.M)) and not re.findall(r"^\w(?!\S*==)", text, flags=re.M)
    project = tomllib.loads((TOP / "pyproject.toml").read_text())
    asked = [*project["project"]["dependencies"], *project["project"]["optional-dependencies"]["dev"], *project["build-system"]["requires"]]
    for one in map(Requirement, asked):
        assert one.specifier.contains(pins[canonicalize_name(one.name)]), one
    for line in (TOP / "constraints.txt").read_text().splitlines():
        one = Requirement(line) if line and not line.startswith("#") else None
        if one and (one.marker is None or one.marker.evaluate({"python_version": python})) and canonicalize_name(one.name) in pins:
            assert one.specifier.contains(pins[canonicalize_name(one.name)]), one
    build = re.search(r"^setuptools==.*?(?=\n\S|\Z)", (TOP / "requirements-build.txt").read_text(), flags=re.M | re.S)
    assert build and build[0].strip() in text  # what builds is the same everywhere
