"""Files and words of strangers run no code and carry no secrets: every attack here worked once, or is one that could have.

Most attacks want Hydra, or us, to unpickle a file that leaves a mark; a test that finds the mark has been attacked.
"""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from causal.cli import main
from causal.protocol import _digest

SMALL = ["source.authorities=40", "refuters=[]", "workers=1"]
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
    assert "Lag of 2 years" in capsys.readouterr().out


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
