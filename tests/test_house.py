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
        {"causal.experiments.run", "causal.experiments.simulate", "causal.experiments.decompose", "causal.experiments.study"}
        if path.name == "cli.py"
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
            assert not re.search(r"(?:extra-)?index[-]url|(?<![\w.])/(?:work|root|home)/", text), name


def test_every_folder_of_configurations_goes_into_the_wheel() -> None:
    """Setuptools lists packages by name here, so a new group must be added by hand."""
    import tomllib

    listed = tomllib.loads((TOP / "pyproject.toml").read_text())["tool"]["setuptools"]
    folders = {"causal.conf", *(f"causal.conf.{path.name}" for path in (TOP / "conf").iterdir() if path.is_dir() and list(path.glob("*.yaml")))}
    assert {name for name in listed["packages"] if name.startswith("causal.conf")} == folders
    assert {name for name in listed["package-data"] if name.startswith("causal.conf")} == folders
    rooms = {".".join(path.parent.relative_to(TOP).parts) for path in (TOP / "causal").rglob("__init__.py")}
    assert rooms == {name for name in listed["packages"] if not name.startswith(("causal.conf", "causal.experiments"))}
