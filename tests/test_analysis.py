"""An analysis up to its design: made in one place, and a finding where it goes no further."""

from __future__ import annotations

import ast
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from worlds import GRAPH, QUESTION, World

from causal.analysis import analyse
from causal.design import design
from causal.errors import DesignError, NotEstimable
from causal.estimators.fixed_effects import FixedEffects
from causal.identify import identify
from causal.trial import Trial

TOP = Path(__file__).parent.parent
PANEL = World().load()


def test_it_is_what_identify_and_design_give_one_after_the_other() -> None:
    found = identify(QUESTION, GRAPH, measured=PANEL.names)
    made = design(PANEL, QUESTION, found)
    analysis = analyse(PANEL, QUESTION, GRAPH)
    assert analysis.identification == found
    np.testing.assert_array_equal(analysis.must("").controls, made.controls)
    estimate = FixedEffects().estimate(analysis.must(""), np.random.default_rng(0))
    trial = Trial.of(analysis, FixedEffects(), estimate, seed=1)
    again = trial.rerun()[1]
    assert again.effect == estimate.effect and trial.graph is GRAPH


def test_an_effect_that_is_not_identified_is_a_finding_until_a_design_must_be_had() -> None:
    """Poverty opens a path that nothing else closes."""
    unseen = replace(PANEL, frame=PANEL.frame.drop(columns="poverty"), variables=tuple(one for one in PANEL.variables if one.name != "poverty"))
    analysis = analyse(unseen, QUESTION, GRAPH)
    assert not analysis.identification.identified and analysis.design is None
    with pytest.raises(
        DesignError, match=r"^cut → plans: wanted an effect that the graph identifies with these data, got one that it does not: nothing to show;"
    ):
        analysis.must(": nothing to show")


def test_a_treatment_that_lasts_is_not_estimable_within_authorities() -> None:
    lasting = PANEL.frame["cut"].groupby(level="authority").transform("first")
    analysis = analyse(replace(PANEL, frame=PANEL.frame.assign(cut=lasting)), QUESTION, GRAPH)
    assert analysis.identification.identified and analysis.design is None
    with pytest.raises(NotEstimable, match="is not estimable within"):
        analysis.must("")


def test_no_other_room_identifies_a_question_of_its_own() -> None:
    """`specification` asks the graph for every valid set of a question that was identified here; worlds to test with are designed by hand."""
    found = set()
    for path in [*(TOP / "causal").rglob("*.py"), *(TOP / "experiments").glob("*.py")]:
        if path.parent.name == "testing":
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "identify":
                found.add(path.stem)
    assert found == {"analysis", "specification"}
