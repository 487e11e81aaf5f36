"""`causal describe`, `--version`, `python -m causal`, and words that are almost commands: each is answered, and what is printed works."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

import causal
import causal.conf
from causal.cli import COMMANDS, GROUPS, main
from causal.descriptions import FAILED
from causal.errors import ConfigError
from causal.experiments.compose import composed
from causal.loading import load
from causal.offered import names, own_names, roots
from causal.refutation import FAMILIES
from causal.refuters import shelf as checks
from causal.terms import TERMS
from causal.testing.contract import ContractBroken
from causal.testing.folder import check_folder

CONF = Path(causal.conf.__path__[0])
SHELVES = [
    (group, path.stem)
    for group in ("estimator", "refuters", "outcome", "experiment", "source", "graph", "template")
    for path in sorted((CONF / group).glob("*.yaml"))
]


@pytest.mark.parametrize(("group", "name"), SHELVES)
def test_everything_on_a_shelf_is_described_with_its_knobs_and_an_example(group: str, name: str, capsys: pytest.CaptureFixture[str]) -> None:
    """The header and every knob are those of the file."""
    assert main(["describe", name]) == 0
    out = capsys.readouterr().out
    text = (CONF / group / f"{name}.yaml").read_text(encoding="utf-8")
    header = next(line.lstrip("# ").strip() for line in text.splitlines() if line.startswith("#") and "@package" not in line)
    assert header in out and "example:  causal " in out
    for knob in re.findall(r"^(\w+):", text, flags=re.MULTILINE):
        assert knob in out or knob in ("_target_", "defaults")


@pytest.mark.parametrize("name", [name for group, name in SHELVES if group == "refuters" and name not in ("all", "default")])
def test_the_line_that_adds_a_check_composes(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    """The example is composed as it is printed, without the knob whose value is left open; the check says what it finds and what it cannot."""
    main(["describe", name])
    out = capsys.readouterr().out
    example = next(line for line in out.splitlines() if "example:" in line).partition("example:")[2]
    words = [word for word in shlex.split(example)[2:] if not word.endswith("=…")]
    assert name in composed(words).refuters
    assert "  asks: " in out and "  finds: " in out and "  cannot find: " in out


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("question.lag", "years from treatment to outcome (default 0)"),
        ("seed", "of every random stream (default 2019)"),
        ("source.pivot", "rows become columns"),
        ("leave_out", "source.leave_out: a key"),
        ("ESTIMAND", "Exactly what is estimated"),
        ("negative_control", "that shares the causes"),
    ],
)
def test_keys_and_terms_are_described(name: str, says: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["describe", name]) == 0
    assert says in capsys.readouterr().out


def test_every_term_has_a_sentence_for_either_reader() -> None:
    for term, (plain, expert) in TERMS.items():
        assert plain.endswith(".") and expert.endswith(".") and main(["describe", term]) == 0, term


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["describe", "callaway"], "causal describe: wanted the name of a part, a key or a term, got 'callaway'; Did you mean 'callaway_santanna'?"),
        (["lst"], "causal: wanted one of its commands, got 'lst'; "),
        (["lst"], "Did you mean 'list'?"),
        (["closures"], "causal run experiment=closures"),
        (["experiment=closures"], "did you mean  causal run experiment=closures"),
        (["run", "closures"], "did you mean  causal run experiment=closures"),
        (["explain", "closures"], "did you mean  causal explain experiment=closures"),
        (["run", "section47"], "did you mean  causal run outcome=section47"),
        (["run", "leverage"], "did you mean  causal run 'refuters=[default,leverage]'"),
        (["run", "closurs"], "did you mean  causal run experiment=closures"),
        (["run", "xyzzy"], "causal list  names what there is"),
    ],
)
def test_words_that_are_almost_right_are_answered_with_those_that_are(words: list[str], says: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(words) == 2
    err = capsys.readouterr().err
    assert says in err and "Traceback" not in err and err.count("\n") == 1


def test_a_bare_name_of_one_s_own_is_known_too(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "experiment").mkdir()
    (tmp_path / "experiment/ours.yaml").write_text("# @package _global_\n# Ours\ntitle: Ours\n")
    assert main(["run", "--config-dir", str(tmp_path), "ours"]) == 2
    assert "did you mean  causal run experiment=ours" in capsys.readouterr().err
    assert main(["describe", "ours", "--config-dir", str(tmp_path)]) == 0
    assert "ours: an experiment" in capsys.readouterr().out


def test_version_and_module_and_help(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as done:
        main(["--version"])
    assert done.value.code == 0 and capsys.readouterr().out.strip() == f"causal {causal.__version__}"
    ran = subprocess.run([sys.executable, "-m", "causal", "--version"], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == f"causal {causal.__version__}"
    with pytest.raises(SystemExit):
        main(["help"])
    out = capsys.readouterr().out
    assert all(command in out for command in COMMANDS)
    with pytest.raises(SystemExit):
        main(["help", "check"])
    assert "FILE_OR_FOLDER" in capsys.readouterr().out


def test_templates_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert GROUPS["templates"] == "template" and main(["list", "templates"]) == 0
    out = capsys.readouterr().out
    assert all(name in out for name in ("spending_cut", "closure", "waves", "rank", "exposure", "voluntary", "pilot", "randomised"))


@pytest.mark.parametrize("group", ["rule", "source", "estimator", "refuters"])
def test_every_key_of_a_part_is_described_by_its_whole_name(group: str, capsys: pytest.CaptureFixture[str]) -> None:
    """The YAML library's reading of the files is the oracle."""
    home = roots(())[0] / group
    for path in sorted(home.glob("*.yaml"))[:6]:
        if path.stem in ("all", "default") and group == "refuters":
            continue
        for key in yaml.safe_load(path.read_text(encoding="utf-8")):
            if key not in ("_target_", "defaults"):
                whole = f"{group}.{path.stem}.{key}" if group == "refuters" else f"{group}.{key}"
                assert main(["describe", whole]) == 0, whole
                assert f"{whole}: " in capsys.readouterr().out


def test_a_file_that_would_be_passed_over_for_its_name_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """In any group, by whatever command or call, of the toolkit's or another folder's name; of two files of one name Hydra takes the first"""
    ours, (first, second) = roots(())[0], (tmp_path / "one", tmp_path / "two")
    for group in ("estimator", "refuters", "graph"):
        for folder in (first, second):
            (folder / group).mkdir(parents=True)
        shipped = next(path for path in sorted((ours / group).glob("*.yaml")))
        mine = first / group / shipped.name
        mine.write_bytes(shipped.read_bytes().replace(b"\n", b"\r\n"))
        assert main(["list", "--config-dir", str(first)]) == 0  # a copy, unchanged, is the shipped one; it is there once
        assert [one for one in names(group, [first]) if one == shipped.stem] == [shipped.stem] and names(group, [first]) == names(group, [])
        assert main(["describe", shipped.stem, "--config-dir", str(first)]) == 0
        mine.write_text(shipped.read_text(encoding="utf-8") + "# otherwise\n", encoding="utf-8")
        capsys.readouterr()
        for words in (["list"], ["explain"], ["describe", shipped.stem]):
            assert main([*words, "--config-dir", str(first)]) == 2
            said = capsys.readouterr().err
            assert str(mine) in said and f"wanted a name of its own among those of {group}/" in said and "the toolkit" in said and f"my_{shipped.name}" in said
        with pytest.raises(ConfigError, match="a name of its own"):
            load(config_dir=first)
        with pytest.raises(ContractBroken, match="a name of its own"):
            check_folder(first)
        mine.unlink()
        for folder in (first, second):
            (folder / group / "mine.yaml").write_text(f"x: {folder.name}\n", encoding="utf-8")
        with pytest.raises(ConfigError, match="mine"):
            own_names([first, second])
        (second / group / "mine.yaml").unlink()


def own_check(folder: Path) -> Path:
    """The template's check, laid out as a folder of a user's own."""
    templates = Path(__file__).parents[1] / "docs" / "templates"
    (folder / "refuters").mkdir(parents=True)
    (folder / "my_refuter.py").write_text((templates / "my_refuter.py").read_text(encoding="utf-8"), encoding="utf-8")
    (folder / "refuters" / "my_refuter.yaml").write_text((templates / "refuters" / "my_refuter.yaml").read_text(encoding="utf-8"), encoding="utf-8")
    return folder


def test_what_an_alarm_means_is_said_by_the_check_s_family(capsys: pytest.CaptureFixture[str]) -> None:
    """As the classes say it of themselves, by being imported."""
    for name, made in checks().items():
        capsys.readouterr()
        assert main(["describe", name]) == 0
        said = capsys.readouterr().out
        assert f"if it does not pass: {FAILED[made.family]}" in said and said.count("if it does not pass") == 1, name
    assert set(FAILED) == set(FAMILIES)


def test_a_class_of_one_s_own_is_described_in_full_with_trust_and_its_example_works(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Its module is read, not run; without trust it is not opened, and the description says what to add."""
    folder = own_check(tmp_path / "of mine")
    with (folder / "my_refuter.py").open("a", encoding="utf-8") as file:
        file.write("\nraise SystemError('run')\n")
    assert main(["describe", "my_refuter", "--config-dir", str(folder)]) == 0
    bare = capsys.readouterr().out
    assert "asks:" not in bare and f"--trust {shlex.quote(str(folder))}" in bare
    assert main(["describe", "my_refuter", "--config-dir", str(folder), "--trust", str(folder)]) == 0
    whole = capsys.readouterr().out
    assert "asks: Is the answer the same without any one authority?" in whole and FAILED["stability"] in whole and "What it measures" in whole
    for said in (bare, whole):
        (example,) = [line.split("example:", 1)[1] for line in said.splitlines() if "example:" in line]
        assert shlex.split(example)[-4:] == ["--config-dir", str(folder), "--trust", str(folder)]
    (folder / "my_refuter.py").write_text("def (", encoding="utf-8")
    assert main(["describe", "my_refuter", "--config-dir", str(folder), "--trust", str(folder)]) == 2
    assert "wanted a module in Python" in capsys.readouterr().err


@pytest.mark.parametrize("words", [["describe", "my_refuter"], ["explain", "refuters=[my_refuter]"], ["explain", "estimator=mine"]])
def test_a_name_that_is_not_found_may_stand_in_a_folder_of_one_s_own(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(words) == 2
    assert "--config-dir FOLDER" in capsys.readouterr().err


def test_a_check_without_its_package_line_is_refused_by_that_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = own_check(tmp_path)
    path = folder / "refuters" / "my_refuter.yaml"
    path.write_text("".join(path.read_text(encoding="utf-8").splitlines(keepends=True)[1:]), encoding="utf-8")
    assert main(["explain", "refuters=my_refuter", "--config-dir", str(folder), "--trust", str(folder)]) == 2
    said = capsys.readouterr().err
    assert str(path) in said and "begins with the line  # @package refuters.my_refuter" in said
