"""Planted effects: what is planted is found, what is kept is kept, and a call that was stopped goes on."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import worlds
from scipy import stats
from worlds import QUESTION, World, without

from causal.cli import main
from causal.design import Design
from causal.errors import DataError
from causal.estimators.fixed_effects import FixedEffects
from causal.experiments.simulate import _kept
from causal.panel import Panel
from causal.plant import ground

PANELS = 60
ASKED = replace(QUESTION, lag=1, modifiers=())


def designed(panel: Panel) -> Design:
    return worlds.designed(panel, ASKED)


@pytest.fixture(scope="module")
def real() -> Panel:
    return without(World(effect=3.0, authorities=80, persistence=0.6).load(), keep=0.9, seed=1)


def test_a_planted_effect_is_found_and_covered_whatever_the_panel_s_own(real: Panel) -> None:
    """Planted truth 0 and 5 in a panel with an effect of its own; 60 panels; coverage by the 99.9 % binomial bound."""
    base = ground(real, designed(real))
    for effect in (0.0, 5.0):
        found = [FixedEffects().estimate(designed(base.plant(effect, np.random.default_rng(seed))), np.random.default_rng(0)) for seed in range(PANELS)]
        effects = np.array([one.effect for one in found])
        assert abs(effects.mean() - effect) < 3 * effects.std(ddof=1) / np.sqrt(PANELS)
        covered = sum(one.lower <= effect <= one.upper for one in found)  # type: ignore[operator]
        assert covered >= int(stats.binom(PANELS, 0.95).ppf(0.0005))
        assert 0.75 < np.mean([one.std_error for one in found]) / effects.std(ddof=1) < 1.35  # type: ignore[arg-type]


def test_treatment_covariates_gaps_and_dependence_are_kept(real: Panel) -> None:
    base = ground(real, designed(real))
    planted = base.plant(2.0, np.random.default_rng(3))
    rest = [name for name in real.names if name != "plans"]
    assert planted.frame[rest].equals(real.frame[rest])
    assert planted.frame["plans"].isna().equals(real.frame["plans"].isna())
    again, own = designed(planted), designed(real)
    assert (again.rows, again.authorities) == (own.rows, own.authorities)
    left = [base.left, base.left * np.sign((planted.frame["plans"] - base.fixed - 2.0 * base.dose).to_numpy() * base.left)]
    assert np.allclose(np.abs(left[0]), np.abs(left[1]), equal_nan=True)
    signs = np.sign(planted.frame["plans"].to_numpy() - base.fixed - 2.0 * base.dose) * np.sign(base.left)
    for unit in range(base.units):  # all years of an authority change together
        assert len(np.unique(np.round(signs[(base.unit == unit) & (np.abs(base.left) > 1e-9)]))) <= 1
    assert not np.allclose(planted.frame["plans"], real.frame["plans"], equal_nan=True)


def test_the_same_draw_differs_by_the_planted_effect_alone(real: Panel) -> None:
    base = ground(real, designed(real))
    none, some = (FixedEffects().estimate(designed(base.plant(effect, np.random.default_rng(7))), np.random.default_rng(0)) for effect in (0.0, 4.0))
    assert some.effect - none.effect == pytest.approx(4.0, abs=1e-8)
    assert some.std_error == pytest.approx(none.std_error)


SMALL = ["experiment=closures", "source.authorities=30", "refuters=[placebo_treatment]", "refuters.placebo_treatment.draws=50"]


def simulated(tmp_path: Path, *words: str) -> Path:
    assert main(["simulate", *SMALL, f"runs={tmp_path}", *words]) == 0
    return next(tmp_path.glob("simulations/fixed_effects/*"))


def test_the_command_counts_resumes_and_gives_the_same_bytes_for_any_number_of_workers(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["--effects", "0", "6"]
    home = simulated(tmp_path / "a", "workers=1", "--panels", "2", *words)
    lines = (home / "draws.jsonl").read_text().splitlines()
    assert len(lines) == 4
    (home / "draws.jsonl").write_text("\n".join(lines) + '\n{"planted": 0.0, "dra')  # stopped in the middle of a line
    assert simulated(tmp_path / "a", "workers=2", "--panels", "4", *words) == home
    assert (home / "draws.jsonl").read_text().splitlines()[:4] == lines
    whole = simulated(tmp_path / "b", "workers=2", "--panels", "4", *words)
    assert (home / "simulation.json").read_bytes() == (whole / "simulation.json").read_bytes()
    record = json.loads((home / "simulation.json").read_text())
    assert [one["panels"] for one in record["effects"]] == [4, 4]
    for one in record["effects"]:
        silent = sum(one["answers"].get(name, 0) for name in ("failed_checks", "error_unknown", "no_interval"))
        assert sum(one["answers"].values()) == 4 == silent + sum(one["certainties"].values()) and "placebo_treatment" in one["checks"]
    html = (home / "simulation.html").read_text()
    for one in record["effects"]:  # the page has the record's own numbers
        true = f"{one['truth']:+.3g}" if one["truth"] else "0"
        assert f"{one['bias']:+.3g} ± {one['bias_error']:.2g}".replace("-", "−") in html and f'<th scope="row">{true}</th>' in html
    said = capsys.readouterr().out
    assert "Would this design have found it?" in said and said.strip().splitlines()[-1] == str(whole)


def test_kept_draws_count_once_and_what_is_no_draw_is_drawn_again_or_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Held by the record that the same call wrote before its lines were touched."""
    words = ["source.authorities=20", "workers=1", "--panels", "2", "--effects", "0"]
    home = simulated(tmp_path, *words)
    kept, record = home / "draws.jsonl", (home / "simulation.json").read_bytes()
    lines = kept.read_text().splitlines()
    capsys.readouterr()
    kept.write_text("\n".join([lines[0], "", lines[0], lines[1][:-1] + ', "effect": 99.0}', "\0\0 no draw"]) + "\n")
    assert simulated(tmp_path, *words) == home
    assert (home / "simulation.json").read_bytes() == record and kept.read_text().splitlines() == lines
    assert "draws.jsonl: wanted a draw in each line, got 3 without one (line 2, 4, 5)" in capsys.readouterr().err
    one = json.loads(lines[0])
    other = (
        {"effect": 99.0},
        {"std_error": -1.0},
        {"lower": 5.0, "upper": -5.0},
        {"taken_away": "no"},
        {"category": "hello"},
        {"truth": 3.0},
        {"checks": {"a": 1}},
    )
    for change in other:
        kept.write_text("\n".join([*lines, json.dumps(one | change)]) + "\n")
        says = "each draw once" if "effect" in change else "a draw as"
        with pytest.raises(DataError, match=f"draws.jsonl, line 3: wanted {says}"):
            _kept(kept, tmp_path, planted=True)


def test_panels_are_drawn_anew_from_a_source_that_knows_its_truth(tmp_path: Path) -> None:
    home = simulated(tmp_path, "--panels", "3", "--effects", "0", "6", "--worlds", "source")
    none, some = json.loads((home / "simulation.json").read_text())["effects"]
    assert none["truth"] == pytest.approx(0, abs=1e-9) and 3 < some["truth"] < 9
    for one in (none, some):
        assert one["false_at_moderate_or_above"]["of"] == one["false_at_low_or_above"]["of"] == 3
        assert one["false_at_moderate_or_above"]["share"] <= one["false_at_low_or_above"]["share"]


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--panels", "1"], "at least 2"),
        (["--effects", "2", "2"], "different"),
        (["--worlds", "source", "source=table", "source.path=nowhere.csv"], "source=simulated"),
        (["+graph.nodes.spending_power.measured=false"], "an effect that the graph identifies"),
        (["runs=/dev/null/runs"], "cannot be written to"),
    ],
)
def test_what_cannot_be_simulated_is_said(words: list[str], says: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    small = [word for word in SMALL if "source=table" not in words or not word.startswith("source.")]
    assert main(["simulate", *small, f"runs={tmp_path}", *words]) == 2
    assert says in capsys.readouterr().err
