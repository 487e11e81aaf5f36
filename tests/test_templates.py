"""docs/templates: each template copied and filled in as CONTRIBUTING.md says, in a folder of one's own and under the project's addresses, keeps its contract.

Held by the contract suites, which know no template, and by the effect that the template's source plants.
"""

from __future__ import annotations

import re
import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

import pytest

from causal.experiments.compose import composed, study_from, trust
from causal.study import run
from causal.testing.contract import quickened
from causal.testing.folder import GROUPS, check_folder, check_yaml

TOP = Path(__file__).parent.parent
TEMPLATES = TOP / "docs" / "templates"
PACKAGES = {"estimator": "estimators", "refuters": "refuters", "source": "sources", "decomposition": "decompositions"}
KINDS = {group: TEMPLATES / group / f"my_{name}.yaml" for group, name in zip(GROUPS, ("estimator", "refuter", "source", "decomposition"), strict=True)}
RECIPES = ("An estimator", "A refuter", "A source", "A decomposition", "A graph", "An experiment")


def filled(text: str, name: str, new: str) -> str:
    """The recipe's first step: one's own name in the place of the template's, as a file has it and as a class has it."""
    return text.replace(f"my_{name}", new).replace(f"My{name.capitalize()}", "".join(part.capitalize() for part in new.split("_")))


@pytest.fixture(scope="module")
def copied(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("copied")
    for group, path in KINDS.items():
        name = path.stem.removeprefix("my_")
        (folder / group).mkdir()
        (folder / group / f"tried_{name}.yaml").write_text(filled(path.read_text(encoding="utf-8"), name, f"tried_{name}"), encoding="utf-8")
        (folder / f"tried_{name}.py").write_text(filled((TEMPLATES / f"my_{name}.py").read_text(encoding="utf-8"), name, f"tried_{name}"), encoding="utf-8")
    return folder


def test_a_folder_of_filled_in_templates_keeps_every_contract(copied: Path) -> None:
    found = check_folder(copied)
    assert [getattr(one, "name", one) for one in found] == ["tried_estimator", "tried_refuter", "TriedSource", "tried_decomposition"]


@pytest.mark.parametrize("group", GROUPS)
def test_a_filled_in_template_keeps_its_contract_under_the_project_s_address(group: str, copied: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (path,) = (copied / group).glob("*.yaml")
    address = f"causal.{PACKAGES[group]}.{path.stem}"
    spec = spec_from_file_location(address, copied / f"{path.stem}.py")
    assert spec is not None and spec.loader is not None
    module = module_from_spec(spec)
    monkeypatch.setitem(sys.modules, address, module)
    spec.loader.exec_module(module)
    own = tmp_path / path.name
    own.write_text(re.sub(r"(?m)^_target_: \w+\.", f"_target_: {address}.", path.read_text(encoding="utf-8")), encoding="utf-8")
    one: Any = check_yaml(own, group)
    assert type(one).__module__ == address
    if group in ("source", "decomposition"):
        GROUPS[group](quickened(one))


def test_the_templates_as_they_stand_are_a_study(monkeypatch: pytest.MonkeyPatch) -> None:
    """Planted: 100 × 0.02 = 2 plans more for each £100 less; the graph's own identification, the estimator's and the check's own answer."""
    monkeypatch.setattr(sys, "path", [*sys.path])
    names = trust([str(TEMPLATES)])
    words = ["experiment=my_experiment", "estimator=my_estimator", "refuters=[my_refuter]", "workers=1"]
    result = run(study_from(composed(words, [TEMPLATES]), names))
    assert result.estimate is not None and result.estimate.std_error is not None
    assert abs(result.estimate.effect - 2.0) <= 3 * result.estimate.std_error
    (check,) = result.refutations
    assert check.survived is True and check.label == "one left out"


def test_contributing_has_a_recipe_for_each_template_and_names_files_that_exist() -> None:
    text = (TOP / "CONTRIBUTING.md").read_text(encoding="utf-8")
    assert all(f"**{recipe}**" in text for recipe in RECIPES)
    assert {path.stem for path in TEMPLATES.glob("*/*.yaml")} == {f"my_{recipe.split()[1].lower()}" for recipe in RECIPES}
    for name in re.findall(r"`((?:causal|conf|docs|tests|benchmarks|experiments)/[\w/.]+)`", text):
        assert "NAME" in name or (TOP / name).exists(), name
