"""What suits a question: by the treatment's shape, with the target that each estimator needs; and what the chosen one cannot do, before a fit.

Held by panels whose shape is made so, by the shelf's own refusals and by the configuration's own lists.
"""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from worlds import ADOPTION, GRAPH, QUESTION, World, designed

from causal.cli import main
from causal.design import Design, design
from causal.estimators import shelf
from causal.estimators.fixed_effects import FixedEffects
from causal.estimators.staggered import CallawaySantAnna
from causal.estimators.synthetic import SyntheticControl
from causal.identification import Instrument
from causal.identify import identify
from causal.needs import unmet_requirements
from causal.proposal import ANYONE, CANNOT, LIMITS, MOST, ONLY, REASONS, SHAPES, SUITS, Proposal, often, proposal, shape_of

PANEL = World(effect=3.0, adoption=True).load()


def taken_up(first: dict[int, int]) -> Design:
    """A design whose places take the treatment up in the years given (place → year), the others never."""
    frame = PANEL.frame.copy()
    place = np.repeat(np.arange(60), 8)
    year = frame.index.get_level_values("year").to_numpy()
    frame["cut"] = [float(i in first and y >= first[i]) for i, y in zip(place, year, strict=True)]
    return designed(replace(PANEL, frame=frame), ADOPTION)


def of_values(values: np.ndarray, asked=ADOPTION) -> Design:
    return designed(replace(PANEL, frame=PANEL.frame.assign(cut=values.ravel())), asked)


WAVES = taken_up({i: 2013 + i % 4 for i in range(30)})


@pytest.mark.parametrize(
    ("made", "shape", "first", "target"),
    [
        (lambda: WAVES, "staggered", "callaway_santanna", "ATT"),
        (lambda: taken_up(dict.fromkeys(range(30), 2014)), "one_date", "callaway_santanna", "ATT"),
        (lambda: taken_up({0: 2014, 1: 2015}), "few_treated", "fixed_effects", "ATE"),
        (lambda: taken_up({0: 2014}), "one_treated", "fixed_effects", "ATE"),
        (lambda: of_values(np.random.default_rng(1).integers(0, 2, size=(60, 8)).astype(float)), "on_off", "fixed_effects", "ATE"),
        (lambda: designed(World().load(), QUESTION), "dose", "fixed_effects", "ATE"),
    ],
)
def test_the_shape_of_a_treatment_proposes_and_everything_proposed_can_serve(made, shape: str, first: str, target: str) -> None:
    """Whatever target the question asks for; by the shelf's own needs, which are written apart."""
    one = made()
    for asked in ("ATE", "ATT"):
        offer = proposal(replace(one, question=replace(one.question, target=asked)), FixedEffects())
        assert offer.shape == shape and (offer.proposed[0].estimator, offer.proposed[0].target) == (first, target)
        assert 1 <= len(offer.proposed) <= MOST and len({each.estimator for each in offer.proposed}) == len(offer.proposed)
        for each in offer.proposed:
            there = replace(one, question=replace(one.question, target=each.target))
            assert not unmet_requirements(shelf()[each.estimator](), there), each


def test_one_row_for_each_place_an_instrument_and_a_front_door_have_shapes_of_their_own() -> None:
    last = PANEL.frame[PANEL.frame.index.get_level_values("year") == 2018]
    crossed = replace(PANEL, frame=last)
    found = identify(QUESTION, GRAPH, measured=crossed.names, adjust_for=("poverty", "deprivation"))
    row = design(crossed, replace(ADOPTION, modifiers=()), found)
    assert shape_of(row)[0] == "two_groups"
    for strategy, shape in (("iv", "instrument"), ("frontdoor", "front_door")):
        assert shape_of(replace(WAVES, identification=replace(WAVES.identification, strategy=strategy)))[0] == shape


def test_shocks_by_exposure_are_proposed_only_where_the_instrument_is_a_share_that_stays() -> None:
    """Planted columns: a share of each place's own; the same as an offer of 0 and 1; one dealt anew each year."""
    made = designed(World().load(), QUESTION)
    rng = np.random.default_rng(1)
    shares = rng.random(len(made.authorities))[made.authority]

    def offered(values: np.ndarray) -> bool:
        found = replace(made.identification, strategy="iv", instruments=(Instrument(name="z", given=("authority", "year")),))
        there = replace(made, identification=found, columns={**made.columns, "z": values})
        return "shift_share" in {one.estimator for one in proposal(there, FixedEffects()).proposed}

    assert offered(shares)
    assert not offered((shares > 0.5).astype(float)) and not offered(rng.random(made.rows)) and not offered(shares - 1)


def test_what_the_chosen_one_cannot_do_hangs_on_the_shape_and_the_graph() -> None:
    def cannot(made: Design, estimator: object = None) -> tuple[str, ...]:
        return proposal(made, estimator or FixedEffects()).cannot

    assert "waves" in cannot(WAVES) and "waves" not in cannot(taken_up(dict.fromkeys(range(30), 2014)))
    assert "feedback" not in cannot(WAVES)
    back = replace(WAVES, identification=replace(WAVES.identification, feedback=True))
    assert "feedback" in cannot(back)
    assert cannot(WAVES, CallawaySantAnna()) == ("treated_only",)
    # who answers does not matter where nobody has a range
    two = replace(WAVES, cluster=np.unique(WAVES.authority % 2, return_inverse=True)[1], clusters=("A", "B"))
    assert "two_clusters" in cannot(two) and "two_clusters" in cannot(two, CallawaySantAnna()) and "two_clusters" not in cannot(WAVES)
    assert "one_place" in cannot(taken_up({0: 2014})) and "one_place" not in cannot(taken_up({0: 2014, 1: 2014}))
    assert "few_dates" in cannot(taken_up({0: 2014, 1: 2014}), SyntheticControl())
    # by hand: conformal inference shifts years round their circle, so that its smallest p is one over their number
    one = taken_up({0: 2014})
    assert "few_dates" in cannot(one, SyntheticControl()) and len(one.years) < 20
    assert "few_dates" not in cannot(replace(one, question=replace(one.question, level=1 - 1 / len(one.years))), SyntheticControl())
    dose = designed(World().load(), QUESTION)
    later = replace(dose, identification=replace(dose.identification, feedback=True))
    assert proposal(later, FixedEffects()).proposed[0].estimator == "lagged_outcome"

    class Mine(FixedEffects):  # of the user's own, whatever it is called
        pass

    assert proposal(WAVES, Mine()).cannot == ()


def test_every_estimator_of_the_shelf_has_its_limits_and_every_code_its_words() -> None:
    own = {name: one.limits for name, one in shelf().items() if hasattr(one, "limits")}
    assert set(LIMITS) <= set(shelf()), "another says its own (`limits`), or none"
    assert not set(LIMITS) & set(own), "said in one place"
    assert set(SUITS) == set(SHAPES)
    for suits in SUITS.values():
        assert len(suits) <= MOST
        for name, target, reason in suits:
            assert name in shelf() and target in shelf()[name].targets and reason in REASONS
    assert {code for codes in (*LIMITS.values(), *own.values(), ANYONE) for code in codes} == set(CANNOT) and set(ONLY) <= set(CANNOT)


def test_an_estimator_s_class_says_its_own_limits() -> None:
    """Whoever adds an estimator adds its own file alone: codes on the class count as those of the table do, and only where they hold."""

    class Own(FixedEffects):
        limits = ("waves", "feedback", "compliers")

        @property
        def name(self) -> str:
            return "own"

    made = designed(PANEL, ADOPTION)
    assert set(proposal(made, FixedEffects()).cannot) & {"waves", "feedback"} == set(proposal(made, Own()).cannot) - {"compliers"}
    assert "compliers" in proposal(made, Own()).cannot and "compliers" not in proposal(made, FixedEffects()).cannot


def test_what_suits_most_questions_is_named_without_loading_anything_heavy() -> None:
    names = [name for name, _, _ in often()]
    assert names[:2] == ["fixed_effects", "callaway_santanna"] and len(names) == len(set(names)) <= 6
    words = "import sys; from causal.proposal import often; often(); print([name for name in ('numpy', 'pandas', 'dowhy') if name in sys.modules])"
    assert subprocess.run([sys.executable, "-c", words], capture_output=True, text=True, check=True).stdout.strip() == "[]"


def adopted(folder: Path) -> list[str]:
    """A table of a clean staggered adoption, and a study of it that asks for fixed effects and the ATE."""
    folder = folder / "mine"
    folder.mkdir()
    table = PANEL.frame.reset_index()[["authority", "year", "plans"]].assign(cut=WAVES.treatment)
    table.to_csv(folder / "mine.csv", index=False)
    for group, text in (
        ("graph", "_target_: causal.graph.Graph\nname: ours\nnodes: {authority: {varies: authority}, year: {varies: year}, cut: {}, plans: {}}\n"
         "arrows: {authority: {cut: so, plans: so}, year: {cut: so, plans: so}, cut: {plans: so}}\n"),
        ("experiment", "# @package _global_\ndefaults: [override /graph: ours, override /source: table]\ntitle: Ours\naction: Taking it up\n"
         "question: {treatment: cut, outcome: plans, control: 0.0, treated: 1.0, smallest_important: 1.0, because: so}\n"),
    ):  # fmt: skip
        (folder / group).mkdir()
        (folder / group / "ours.yaml").write_text(text)
    return ["--config-dir", str(folder), "experiment=ours", f"source.path={folder / 'mine.csv'}", "source.year=year"]


def test_explain_and_run_point_a_clean_staggered_adoption_to_callaway_and_sant_anna(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """On standard error before the fit, in explain and as codes in the record; nothing is said where the chosen one is the first that suits."""
    words = adopted(tmp_path)
    assert main(["explain", *words]) == 0
    said = capsys.readouterr().out
    assert "callaway_santanna (ATT)" in said and said.index("callaway_santanna (ATT)") < said.index("fixed_effects (ATE)") < said.index("s_learner")
    assert CANNOT["waves"] in said
    quick = ["refuters=[]", "workers=1", f"runs={tmp_path / 'runs'}"]
    assert main(["run", *words, *quick]) == 0
    ran = capsys.readouterr()
    assert "estimator=callaway_santanna question.target=ATT" in ran.err and CANNOT["waves"] in ran.err
    offer = json.loads((tmp_path / "runs/latest/result.json").read_text())["proposal"]
    assert offer["proposed"][0] == {"estimator": "callaway_santanna", "target": "ATT", "reason": "waves"} and "waves" in offer["cannot"]
    assert main(["run", *words, *quick, "estimator=callaway_santanna", "question.target=ATT"]) == 0
    assert "which suits" not in capsys.readouterr().err


def test_a_proposal_names_another_only_where_the_chosen_one_is_not_first() -> None:
    offer = proposal(WAVES, FixedEffects())
    assert isinstance(offer, Proposal) and offer.first is not None and offer.first.estimator == "callaway_santanna"
    assert proposal(replace(WAVES, question=replace(WAVES.question, target="ATT")), CallawaySantAnna()).first is None
