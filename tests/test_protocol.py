"""A protocol reads of the outcome only which values are missing, is followed, and tells what was done otherwise."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import yaml
from worlds import GRAPH, QUESTION, World, without

from causal.cli import main
from causal.design import design
from causal.errors import ConfigError
from causal.estimators.fixed_effects import FixedEffects
from causal.explain import explanation
from causal.identify import identify
from causal.panel import Panel
from causal.protocol import blinded, protocol, saved
from causal.study import Study
from causal.verdict.power import before_results, detectable

SMALL = ["experiment=closures", "source.authorities=40", "refuters=unmeasured_confounder"]


class Given:
    """A source that holds a panel."""

    def __init__(self, panel: Panel) -> None:
        self.panel = panel

    def load(self) -> Panel:
        return self.panel


def study(panel: Panel) -> Study:
    return Study(title="t", action="Cutting", question=QUESTION, graph=GRAPH, source=Given(panel), estimator=FixedEffects())


def save(path: Path, *words: str) -> dict[str, object]:
    assert main(["explain", *SMALL, *words, "--save", str(path)]) == 0
    return dict(yaml.safe_load(path.read_text()))


def test_changing_the_outcome_inside_the_window_changes_nothing_and_moving_a_gap_does() -> None:
    panel = without(World(effect=3.0).load(), keep=0.9, seed=1)
    gap = panel.frame["plans"].mask(np.arange(len(panel.frame)) == 7)
    panel = replace(panel, frame=panel.frame.assign(plans=gap))
    shuffled = replace(
        panel,
        frame=panel.frame.assign(plans=(-5.0 * gap.sample(frac=1, random_state=1).to_numpy())).assign(plans=lambda f: f["plans"].fillna(9).mask(gap.isna())),
    )
    moved = replace(panel, frame=panel.frame.assign(plans=gap.fillna(3.0).mask(np.arange(len(gap)) == 8)))
    said = [protocol(study(one), config={}, words=[]) for one in (panel, shuffled, moved)]
    assert said[0] == said[1] and explanation(study(panel)) == explanation(study(shuffled))
    assert said[0]["data"] != said[2]["data"] and said[0]["digest"] != said[2]["digest"]


def test_power_before_results_is_that_of_simulated_outcomes() -> None:
    """Simulated: outcomes of pure shocks with residual sd 2 and yearly autocorrelation 0 and .6; the standard deviation of 400 slopes."""
    made = design(World(authorities=120).load(), QUESTION, identify(QUESTION, GRAPH, measured=World().load().names))
    assert made.balanced
    years = len(np.unique(made.year))
    left = made.partial_out(made.treatment[:, None])[:, 0]
    for persistence in (0.0, 0.6):
        rng = np.random.default_rng(3)
        shocks = rng.normal(size=(400, len(made.authorities), years))
        for year in range(1, years):
            shocks[:, :, year] = persistence * shocks[:, :, year - 1] + np.sqrt(1 - persistence**2) * shocks[:, :, year]
        slopes = 2.0 * shocks.reshape(400, -1) @ left / (left @ left) * QUESTION.contrast
        # t(G−1) of four in five, two-sided 5 %: 1.98 + 0.845
        assert 2.0 * before_results(made, persistence) == pytest.approx(2.825 * slopes.std(), rel=0.1)
    noisy = replace(made, outcome=2.0 * np.random.default_rng(4).normal(size=made.rows))
    assert 2.0 * before_results(made, 0.0) == pytest.approx(detectable(FixedEffects().estimate(noisy, np.random.default_rng(0))), rel=0.2)


def test_a_run_follows_its_protocol_and_lists_every_deviation(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "protocol.yaml"
    plan = save(path, "question.outcome_sd=9", "question.outcome_autocorrelation=0.3", "question.outcome_sd_source='an earlier window'")
    assert plan["power"]["detectable_effect"] > 0 and plan["power"]["source"] == "an earlier window"  # type: ignore[index]
    assert "Protocol saved" in capsys.readouterr().out

    def followed(*words: str) -> tuple[dict[str, object], str]:
        assert main(["run", f"protocol={path}", f"runs={tmp_path / 'runs'}", *words]) == 0
        folder = Path(capsys.readouterr().out.strip().splitlines()[-1])
        return json.loads((folder / "result.json").read_text())["provenance"]["protocol"], (folder / "report.html").read_text()

    as_said, page = followed()
    assert as_said == {"digest": plan["digest"], "deviations": []} and "followed it in everything" in page
    otherwise, page = followed("question.lag=1", "source.seed=5", "source.years=8")
    said = " ".join(otherwise["deviations"])  # type: ignore[arg-type]
    assert "the protocol says 2 for question.lag; it is 1" in said and "for source.seed; it is 5" in said
    assert "the data are not those of the protocol" in said and "the protocol has years" in said
    assert "done otherwise" in page and "says 2 for question.lag" in page


def test_a_protocol_is_never_written_over_nor_read_once_changed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "protocol.yaml"
    save(path)
    was = path.read_text()
    assert main(["explain", *SMALL, "--save", str(path)]) == 2 and "never written over" in capsys.readouterr().err
    assert path.read_text() == was
    path.write_text(was.replace("title: Children", "title: Our children", 1))
    with pytest.raises(ConfigError, match="wanted a protocol as it was saved, got one that was changed after"):
        saved(path)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (None, "there is no such file"),
        ("a: [", "in YAML"),
        ("a: 1", "wanted a protocol"),
        ("config: {}\ndigest: x\nschema_version: 9", "wanted schema_version 1, got 9"),
    ],
)
def test_what_is_no_protocol_is_refused(text: str | None, says: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "p.yaml"
    if text is not None:
        path.write_text(text)
    assert main(["run", f"protocol={path}", f"runs={tmp_path}"]) == 2
    assert says in capsys.readouterr().err


def test_a_protocol_fixes_one_study(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", "-m", f"protocol={tmp_path / 'p.yaml'}", "estimator=fixed_effects,difference"]) == 2
    assert "one study" in capsys.readouterr().err


def test_only_which_outcomes_are_missing_is_left() -> None:
    panel = World(authorities=12).load()
    panel = replace(panel, frame=panel.frame.assign(plans=panel.frame["plans"].mask(np.arange(len(panel.frame)) % 5 == 0)))
    blind = blinded(panel, "plans")
    other = replace(panel, frame=panel.frame.assign(plans=-7 * panel.frame["plans"]))
    assert blind.frame["plans"].isna().equals(panel.frame["plans"].isna()) and blind.frame.equals(blinded(other, "plans").frame)
    assert blind.frame["plans"].dropna().is_unique  # a design has no use for an outcome that is the same everywhere
