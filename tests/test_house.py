"""The house rules that tools cannot see: where Hydra may stand, and what a file may not say."""

from __future__ import annotations

import ast
import re
import subprocess
from pathlib import Path

import pytest

TOP = Path(__file__).parent.parent


def imports(path: Path) -> set[str]:
    names = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.Call) and getattr(node.func, "id", getattr(node.func, "attr", "")) == "import_module":
            names |= {arg.value for arg in node.args if isinstance(arg, ast.Constant) and isinstance(arg.value, str)}
    return names


@pytest.mark.parametrize("path", sorted((TOP / "causal").rglob("*.py")), ids=lambda path: path.relative_to(TOP).as_posix())
def test_the_library_knows_neither_hydra_nor_the_experiments(path: Path) -> None:
    """Only the command line takes the one step up, by name."""
    allowed = (
        {
            "causal.experiments.run",
            "causal.experiments.simulate",
            "causal.experiments.decompose",
            "causal.experiments.inquiry",
            "causal.experiments.new",
            "causal.experiments.plan",
        }
        if path.name == "cli.py"
        else {"causal.experiments.compose"}
        if path.name == "loading.py"
        else set()
    )
    wrong = {name for name in imports(path) if name.split(".")[0] in ("hydra", "omegaconf") or "experiments" in name.split(".")}
    assert wrong <= allowed


def test_each_shelf_file_keeps_to_its_own_shelf() -> None:
    shelves = {"sources", "estimators", "refuters", "decompositions"}
    for shelf in shelves:
        for path in (TOP / "causal" / shelf).rglob("*.py"):
            for name in imports(path):
                if name.startswith("causal."):
                    assert name.split(".")[1] not in (shelves | {"study", "report", "cli"}) - {shelf}, (path, name)


def test_heavy_libraries_wait_inside_functions() -> None:
    """DoWhy and EconML take seconds to import."""
    for path in (TOP / "causal").rglob("*.py"):
        for node in ast.parse(path.read_text()).body:
            if isinstance(node, ast.Import | ast.ImportFrom):
                names = {alias.name for alias in node.names} | {getattr(node, "module", None) or ""}
                assert not any(name.split(".")[0] in ("dowhy", "econml", "matplotlib", "sklearn") for name in names), path


def test_no_data_file_is_tracked_and_no_address_of_a_machine_or_registry_is_written() -> None:
    if not (TOP / ".git").exists():
        pytest.skip("not a checkout: nothing to look at")
    tracked = subprocess.run(["git", "ls-files"], cwd=TOP, capture_output=True, text=True, check=True).stdout.split("\n")
    assert not [name for name in tracked if re.search(r"\.(xlsx?|ods|parquet|zip)$", name)]
    for name in tracked:
        if name.endswith((".py", ".md", ".yaml", ".toml", ".txt", "Makefile", "run")):
            text = (TOP / name).read_text(encoding="utf-8")
            assert not re.search(r"(?<!no-emit-)(?:extra-)?index[-]url|(?<![\w.])/(?:work|root|home)/", text), name


def test_every_folder_of_configurations_goes_into_the_wheel() -> None:
    """Setuptools lists packages by name here, so a new group must be added by hand."""
    import tomllib

    listed = tomllib.loads((TOP / "pyproject.toml").read_text())["tool"]["setuptools"]
    folders = {"causal.conf", *(f"causal.conf.{path.name}" for path in (TOP / "conf").iterdir() if path.is_dir() and list(path.glob("*.yaml")))}
    assert {name for name in listed["packages"] if name.startswith("causal.conf")} == folders
    assert {name for name in listed["package-data"] if name.startswith("causal.conf")} == folders
    rooms = {".".join(path.parent.relative_to(TOP).parts) for path in (TOP / "causal").rglob("__init__.py")}
    assert rooms == {name for name in listed["packages"] if not name.startswith(("causal.conf", "causal.experiments"))}


def test_the_inventory_in_architecture_is_that_of_the_tree() -> None:
    """Every module is there with its first line; python benchmarks/inventory.py --write brings it up to date."""
    from inventory import PAGE, inventory, written

    assert written(PAGE.read_text(encoding="utf-8")) == inventory().strip(), "python benchmarks/inventory.py --write"


def test_the_layers_in_architecture_are_those_of_the_contract() -> None:
    import tomllib

    contracts = tomllib.loads((TOP / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    (layers,) = (one["layers"] for one in contracts if one["name"] == "the story runs downward")
    (line,) = (line for line in (TOP / "ARCHITECTURE.md").read_text(encoding="utf-8").splitlines() if line.startswith("- From the top:"))
    said = [set(re.findall(r"`(\w+)`", layer)) for layer in line.split("·")]
    assert said == [{name.strip().removeprefix("causal.") for name in layer.split("|")} for layer in layers]


def test_the_workflow_runs_command_lines_of_the_readme() -> None:
    """Each `causal …` line of the workflow stands in the README, and so do the Pythons and systems that it names."""
    import yaml

    job = yaml.safe_load((TOP / ".github/workflows/test.yaml").read_text(encoding="utf-8"))["jobs"]["readme"]
    readme = " ".join((TOP / "README.md").read_text(encoding="utf-8").split())
    said = [line for step in job["steps"] for line in step.get("run", "").splitlines()]
    commands = [line for line in said if line.startswith("causal ")]
    assert len(commands) > 10 and not [line for line in commands if line not in readme]
    assert [line.split(" PYTHON")[0] for line in said if line.startswith("make ")] == ["make run", "make test"]
    assert job["strategy"]["matrix"]["python"] == ["3.11", "3.12", "3.13"] and "Linux, macOS; Python 3.11 to 3.13" in readme


def test_every_section_of_the_method_that_is_cited_exists() -> None:
    """Code, tests and benchmarks cite docs/method.md and docs/data.md by section, and cite nothing that is not in the project."""
    sections = {name: set(re.findall(r"^## (\d+)\.", (TOP / "docs" / name).read_text(encoding="utf-8"), re.MULTILINE)) for name in ("method.md", "data.md")}
    assert sections == {"method.md": set("12345678"), "data.md": set("1234567")}
    cited = 0
    for path in (path for folder in ("causal", "experiments", "tests", "benchmarks") for path in (TOP / folder).rglob("*.py")):
        text = path.read_text(encoding="utf-8")
        assert path == Path(__file__) or not re.search(r"\b(?:METHOD|FIELD|DESIGN|STYLE|MOVES)\.md|\bMETHOD(?:'s)? ", text), path
        for name, section in re.findall(r"docs/(method\.md|data\.md)(?:'s \w+)?,? \(?section (\d)", text):
            assert section in sections[name], (path, section)
            cited += 1
    assert cited >= 10


def moved_names() -> list[tuple[str, str, str]]:
    """(old module, new module, name) of every name that has another home by now, from the calls of `causal.knobs.moved`."""
    rows = []
    for path in sorted((TOP / "causal").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "moved" and len(node.args) == 2:
                old = ".".join(path.relative_to(TOP).with_suffix("").parts)
                rows += [(old, new, name) for new, names in ast.literal_eval(node.args[1]).items() for name in names]
    return rows


def test_what_moved_is_had_at_its_old_address_with_a_warning_and_nothing_of_ours_takes_it_there() -> None:
    """A class from outside that imports it from there still works; what the project holds imports it from where it stands."""
    from importlib import import_module

    rows = moved_names()
    assert len(rows) > 10
    for old, new, name in rows:
        with pytest.warns(DeprecationWarning, match=f"{old}.{name} stands in {new} now"):
            assert getattr(import_module(old), name) is getattr(import_module(new), name)
        with pytest.raises(AttributeError, match="has no attribute"):
            getattr(import_module(old), name[::-1])
    gone = {f"{old}.{name}" for old, _, name in rows}
    for path in (path for folder in ("causal", "experiments", "tests", "benchmarks", "docs") for path in (TOP / folder).rglob("*.py")):
        assert not imports(path) & gone, path
