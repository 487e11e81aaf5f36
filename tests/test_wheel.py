"""The wheel: built from the tree, installed elsewhere without it, and run; and the papers that go with a release."""

from __future__ import annotations

import os
import shutil
import site
import subprocess
import sys
import zipfile
from importlib import import_module
from pathlib import Path

import pytest
import setuptools
import yaml

import causal

TOP = Path(__file__).parent.parent
LEAST = 77  # of setuptools, as pyproject.toml asks


def told(command: list[object], cwd: Path) -> str:
    """What a command prints, run without what the caller has on its import path."""
    env = {key: value for key, value in os.environ.items() if key not in ("PYTHONPATH", "PYTHONHOME")}
    done = subprocess.run([str(word) for word in command], cwd=cwd, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{command}: {done.stdout[-2000:]}{done.stderr[-2000:]}"
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built by setuptools of this environment from a copy of the tree, so that nothing is written beside the code."""
    assert int(setuptools.__version__.split(".")[0]) >= LEAST, (
        f"setuptools {LEAST} or later is wanted to build the wheel, got {setuptools.__version__}: make setup"
    )
    place = tmp_path_factory.mktemp("wheel")
    for name in ("causal", "conf", "experiments"):
        shutil.copytree(TOP / name, place / "tree" / name, ignore=shutil.ignore_patterns("__pycache__", "*.pyc"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(TOP / name, place / "tree" / name)
    (place / "out").mkdir()
    told([sys.executable, "-c", "import sys; from setuptools import build_meta; build_meta.build_wheel(sys.argv[1])", place / "out"], place / "tree")
    (made,) = (place / "out").glob("*.whl")
    return made


def test_the_wheel_holds_every_file_of_the_tree(wheel: Path) -> None:
    """Modules, configurations, templates, the mark that it is typed, and the licence; all found by walking the tree."""
    inside = set(zipfile.ZipFile(wheel).namelist())
    wanted = set()
    for folder, within in (("causal", "causal"), ("conf", "causal/conf"), ("experiments", "causal/experiments")):
        for path in (TOP / folder).rglob("*"):
            if path.is_file() and "__pycache__" not in path.parts:
                wanted.add(f"{within}/{path.relative_to(TOP / folder).as_posix()}")
    assert len(wanted) > 300 and wanted <= inside, sorted(wanted - inside)
    assert "causal/py.typed" in inside and any(name.endswith("licenses/LICENSE") for name in inside)
    assert {name for name in inside if ".dist-info/" not in name} == wanted


def test_the_wheel_runs_where_the_tree_is_not(wheel: Path, tmp_path: Path) -> None:
    """Installed into an environment of its own that sees the libraries of this one; `list`, the version, and a small study from another folder."""
    told([sys.executable, "-m", "venv", "--without-pip", tmp_path / "venv"], tmp_path)
    python = tmp_path / "venv/bin/python"
    (packages,) = (tmp_path / "venv/lib").glob("python3*/site-packages")
    # as plain entries of the path, so that what a .pth file there points to (an editable install of this tree) is not seen
    seen = [folder for folder in sys.path if Path(folder).name == "site-packages"] or site.getsitepackages()
    (packages / "libraries.pth").write_text("".join(f"{folder}\n" for folder in seen), encoding="utf-8")
    told([sys.executable, "-m", "pip", "--python", python, "install", "--quiet", "--no-deps", "--no-index", "--ignore-installed", wheel], tmp_path)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    where = told([python, "-c", "import causal, causal.conf, causal.experiments as e; print(causal.__file__, *causal.conf.__path__, e.__file__)"], elsewhere)
    assert all(word.startswith(str(packages)) for word in where.split())
    version = told([python, "-c", "import importlib.metadata as m; print(m.version('causal-prevention'))"], elsewhere)
    assert version.strip() == causal.__version__
    command = tmp_path / "venv/bin/causal"
    assert "fixed_effects" in told([command, "list"], elsewhere)
    said = told([command, "run", "source.authorities=20", "refuters=[placebo_treatment]", "refuters.placebo_treatment.draws=19", "workers=1"], elsewhere)
    folder = elsewhere / said.strip().splitlines()[-1]
    assert (folder / "result.json").is_file() and (folder / "report.html").is_file()


def test_one_version_stands_everywhere() -> None:
    cited = yaml.safe_load((TOP / "CITATION.cff").read_text(encoding="utf-8"))
    assert cited["version"] == causal.__version__ and cited["license"] == "MIT"
    assert f"## {causal.__version__}" in (TOP / "CHANGELOG.md").read_text(encoding="utf-8")


def test_every_public_name_is_there_and_no_other() -> None:
    """Each name of `__all__` is imported from the home it is said to have, and a name that is not is an AttributeError."""
    homes = [name for names in causal._HOMES.values() for name in names]
    assert sorted(homes) == causal.__all__ == dir(causal)
    for home, names in causal._HOMES.items():
        for name in names:
            assert getattr(causal, name) is getattr(import_module(f"causal.{home}"), name)
    with pytest.raises(AttributeError, match="Nothing"):
        causal.Nothing  # noqa: B018
