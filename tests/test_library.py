"""From a notebook: `causal.load`, names for parts, and a result that shows itself; the command line is the oracle, to the bit."""

from __future__ import annotations

import html
import json
import re
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hydra.utils import instantiate
from omegaconf import OmegaConf
from test_table_layouts import adopted

import causal
from causal import configured
from causal.cli import main
from causal.experiments.compose import composed, study_from
from causal.experiments.gate import CONF
from causal.study import Result

WORDS = ["experiment=closures", "seed=7", "source.authorities=40", "refuters=[leverage,random_common_cause]", "refuters.random_common_cause.draws=20"]
RUN_ONLY = ("provenance",)


@pytest.fixture(scope="module")
def result() -> Result:
    return causal.run(causal.load(*WORDS))


@pytest.fixture(scope="module")
def files(result: Result, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder: Path = result.report(tmp_path_factory.mktemp("library") / "ours")
    return folder


def test_load_and_run_give_the_command_line_s_answer_to_the_bit(files: Path, tmp_path: Path) -> None:
    """Everything in result.json but where it comes from: the same text, whether the command line or the library wrote it."""
    assert main(["run", *WORDS, f"runs={tmp_path}", "workers=1", "-q"]) == 0
    (found,) = (path for path in tmp_path.rglob("result.json") if "latest" not in path.parts)
    theirs, ours = (json.loads(path.read_text(encoding="utf-8")) for path in (found, files / "result.json"))
    assert {key: value for key, value in ours.items() if key not in RUN_ONLY} == {key: value for key, value in theirs.items() if key not in RUN_ONLY}
    assert ours["provenance"]["data_digest"] == theirs["provenance"]["data_digest"] and ours["provenance"]["seed"] == 7
    assert {path.name for path in files.iterdir()} == {path.name for path in found.parent.iterdir()}


def test_the_folder_is_a_run_s_folder(files: Path, result: Result, capsys: pytest.CaptureFixture[str]) -> None:
    """Its pages are made again from its result.json; the configuration names every part by its class, and nothing is written over."""
    page = (files / "report.html").read_text(encoding="utf-8")
    assert main(["report", str(files)]) == 0 and (files / "report.html").read_text(encoding="utf-8") == page
    config = json.loads((files / "result.json").read_text(encoding="utf-8"))["provenance"]["config"]
    assert config["_target_"] == "causal.study.Study" and config["question"]["lag"] == 2 and config["refuters"]["leverage"]["_target_"].endswith(".Leverage")
    capsys.readouterr()
    with pytest.raises(causal.ConfigError, match="nothing is written over"):
        result.report(files)


def test_a_result_shows_itself(result: Result, files: Path) -> None:
    """Ten lines; the first screen is that of the report; the table is effects.csv; the figure is the file in figures/."""
    lines = repr(result).splitlines()
    assert len(lines) <= 10 and max(map(len, lines)) <= 100 and lines[0].startswith("SIMULATED: ")
    cell = html.unescape(re.search(r'srcdoc="([^"]*)"', result._repr_html_())[1])  # type: ignore[index]
    screen = re.compile(r'<div class="first">.*?<div class="end">', re.DOTALL)
    whole = (files / "report.html").read_text(encoding="utf-8")
    assert screen.search(cell)[0] == screen.search(whole)[0] and "<script" not in cell  # type: ignore[index]
    assert result.estimate is not None
    frame = result.to_frame()
    one = result.estimate
    assert list(frame.loc[0, ["estimate", "est_lower_ci", "est_upper_ci"]]) == [one.effect, one.lower, one.upper]
    written = pd.read_csv(files / "effects.csv")
    assert len(written) == len(frame) and list(written["part_name"].fillna("z")) == list(frame["part_name"].fillna("z"))
    assert result.plot()._repr_svg_() == (files / "figures/estimates.svg").read_text(encoding="utf-8")
    assert result.plot().save(files.parent / "one.svg").read_bytes() == (files / "figures/estimates.svg").read_bytes()
    with pytest.raises(causal.ConfigError, match=r"wanted a figure that it has, got 'estimate'; .*Did you mean 'estimates'"):
        result.plot("estimate")


@pytest.mark.parametrize("chosen", ["default", "all"])
def test_checks_by_name_are_those_that_the_command_line_makes(chosen: str) -> None:
    """Equal as values, in the same order: Hydra is the oracle."""
    theirs = dict(study_from(composed([f"refuters={chosen}"])).refuters)
    ours = configured.refuters(chosen)
    assert list(ours) == list(theirs) and ours == theirs


def test_every_estimator_by_name_is_that_which_the_command_line_makes() -> None:
    """Hydra's own instantiation of the same file is the oracle."""
    for path in sorted((CONF / "estimator").glob("*.yaml")):
        assert configured.part("estimator", path.stem) == instantiate(OmegaConf.load(path), _convert_="all"), path.stem


def parts(**more: Any) -> dict[str, Any]:
    """What a study of a frame takes."""
    why = "a test"
    arrows = {"authority": {"d": why, "y": why}, "year": {"d": why, "y": why}, "d": {"y": why}}
    graph = causal.Graph(name="ours", nodes={"authority": {"varies": "authority"}, "year": {"varies": "year"}, "d": {}, "y": {}}, arrows=arrows)  # type: ignore[arg-type]
    question = causal.Question(treatment="d", outcome="y", control=0.0, treated=1.0, smallest_important=1.0, because=why)
    panel = causal.read(adopted(), authority="area", year="yr")
    return {"title": "T", "action": "It", "question": question, "graph": graph, "source": panel, "estimator": "fixed_effects"} | more


def test_a_study_takes_names_and_lists_of_them() -> None:
    study = causal.Study(**parts(refuters=["leverage", "placebo_treatment"], baseline="difference"))
    assert list(study.refuters) == ["leverage", "placebo_treatment"] and study.estimator == configured.part("estimator", "fixed_effects")
    assert study.baseline is not None and study.baseline.name == "difference"
    assert len(causal.Study(**parts(refuters="default")).refuters) == len(configured.refuters("default"))


@pytest.mark.parametrize(
    ("more", "says"),
    [
        ({"refuters": "defaults"}, "refuters: wanted the name of one that there is, got 'defaults'; .*Did you mean 'default'"),
        ({"refuters": ["leverage", 3]}, "refuters: wanted names such as 'default'"),
        ({"estimator": "fixed_effect"}, "Did you mean 'fixed_effects'"),
    ],
)
def test_a_name_that_there_is_not_is_told(more: dict[str, Any], says: str) -> None:
    with pytest.raises(causal.ConfigError, match=says):
        causal.Study(**parts(**more))


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["closures"], "did you mean  causal run experiment=closures"),
        (["experiment=closurs"], "Did you mean 'closures'"),
        (["workers=2"], "says how to run"),
        (["-m"], "says how to run"),
        ([{"seed": 7}], "load: wanted overrides as texts"),
    ],
)
def test_what_load_does_not_take_is_told(words: list[Any], says: str) -> None:
    with pytest.raises(causal.ConfigError, match=says):
        causal.load(*words)


def test_a_panel_and_a_class_of_one_s_own_are_written_down_by_title_digest_and_class() -> None:
    from causal.notebook import settings

    panel = causal.read(adopted(), authority="area", year="yr", title="ours")
    assert settings(panel) == {"_target_": "causal.Panel", "title": "ours", "digest": panel.digest}

    class Mine:
        """A source of one's own, that is no dataclass."""

    assert settings({"a": [Mine()]})["a"][0]["_target_"].endswith("Mine")


def test_no_module_has_a_public_function_s_name() -> None:
    """`causal.read` as a module would give the function once, then the module."""
    for name in causal.__all__:
        if name.islower():
            assert not (Path(causal.__file__).parent / f"{name}.py").exists(), name
