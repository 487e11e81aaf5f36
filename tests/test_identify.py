"""What must be adjusted for: textbook graphs with known answers, and the NAO graph."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import worlds
import yaml

from causal.design import design
from causal.errors import GraphError
from causal.estimators.fixed_effects import FixedEffects
from causal.graph import Graph, dated
from causal.identification import Identification
from causal.identify import identify
from causal.kept import CACHE, signed
from causal.panel import Panel, Variable
from causal.question import Question

CONF = Path(__file__).parent.parent / "conf"


def ask(treatment: str = "x", outcome: str = "y", **more: object) -> Question:
    return Question(treatment=treatment, outcome=outcome, control=0, treated=1, smallest_important=1, because="a test", **more)  # type: ignore[arg-type]


def graph(*arrows: str, hidden: str = "", once: str = "") -> Graph:
    pairs = [tuple(arrow.split(">")) for arrow in arrows]
    names = sorted({name for pair in pairs for name in pair})
    nodes = {name: {"measured": name not in hidden, "varies": "authority" if name in once else "both"} for name in names}
    causes: dict[str, dict[str, str]] = {}
    for cause, effect in pairs:
        causes.setdefault(cause, {})[effect] = "a test"
    return Graph(name="test", nodes=nodes, arrows=causes)


def found(drawn: Graph, **more: object) -> Identification:
    return identify(ask(), drawn, measured=[node.name for node in drawn.nodes if node.measured], **more)  # type: ignore[arg-type]


def nao(name: str = "nao") -> Graph:
    parts = yaml.safe_load((CONF / f"graph/{name}.yaml").read_text())
    return Graph(name=name, nodes=parts["nodes"], arrows=parts["arrows"])


def test_a_confounder_is_adjusted_for() -> None:
    assert found(graph("z>x", "z>y", "x>y")).adjust_for == ("z",)


def test_m_bias_needs_nothing_and_the_collider_is_left_alone() -> None:
    """Pearl 2009: in the M graph the empty set is valid and {m} is not."""
    one = found(graph("a>x", "a>m", "b>m", "b>y", "x>y", hidden="ab"))
    assert one.adjust_for == ()
    assert ("m",) not in one.valid


def test_a_mediator_is_never_adjusted_for() -> None:
    one = found(graph("x>m", "m>y", "z>x", "z>y"))
    assert one.mediators == ("m",)
    assert all("m" not in valid for valid in one.valid)


def test_the_optimal_set_is_preferred_over_a_smaller_one() -> None:
    """Henckel and others 2022: parents of the outcome, not of the treatment, minimise the variance."""
    one = found(graph("a>x", "a>b", "b>y", "c>y", "x>y"))
    assert one.adjust_for == ("b", "c")
    assert "optimal" in one.chosen_because
    assert ("a",) in one.minimal
    # with a mediator: parents of x's effects on the way to y, less these effects themselves (definition 3.8)
    between = found(graph("a>x", "a>b", "b>m", "x>m", "m>y", "c>y"))
    assert between.adjust_for == ("b", "c") and "optimal" in between.chosen_because


def test_among_equally_small_sets_a_cause_of_the_outcome_beats_a_cause_of_the_treatment_alone() -> None:
    one = found(graph("z>a", "a>x", "z>y", "x>y", "h>y", "h>z", hidden="h"))
    assert set(one.minimal) == {("a",), ("z",)}
    assert one.adjust_for == ("z",)


def test_an_unmeasured_confounder_is_a_finding_that_names_what_it_would_take() -> None:
    one = found(graph("u>x", "u>y", "x>y", hidden="u"))
    assert not one.identified
    assert one.blocked_by == ("u",)


def test_an_instrument_is_found_also_one_that_needs_a_control() -> None:
    one = found(graph("u>x", "u>y", "x>y", "z>x", "w>z", "w>y", hidden="u"))
    assert not one.identified
    assert [(i.name, i.given) for i in one.instruments] == [("z", ("w",))]
    drawn = graph("u>x", "u>y", "x>y", "z>x", hidden="u")
    assert [(i.name, i.given) for i in found(drawn).instruments] == [("z", ())]
    assert found(drawn).strategies == ("iv",)


def test_the_front_door_is_found() -> None:
    one = found(graph("u>x", "u>y", "x>m", "m>y", hidden="u"))
    assert one.strategies == ("frontdoor",)
    assert one.frontdoor == ("m",)


def test_no_front_door_where_what_lies_between_shares_a_hidden_cause_with_the_treatment() -> None:
    """Pearl 2009, definition 3.3.3 (ii): no back door from treatment to what lies between may be open."""
    sound = ("x>m", "m>y", "h>x", "h>y")
    assert found(graph(*sound, hidden="h")).frontdoor == ("m",)
    assert found(graph(*sound, "k>x", "k>m", hidden="hk")).frontdoor == ()
    assert found(graph("x>m", "m>y", "k>x", "k>m", hidden="k")).frontdoor == ()


def test_a_forced_mediator_a_collider_and_an_open_door_are_said() -> None:
    drawn = graph("x>m", "m>y", "z>x", "z>y")
    assert any("m is a mediator" in warning for warning in found(drawn, adjust_for=("m", "z")).warnings)
    assert any("leaves a back door open" in warning for warning in found(drawn, adjust_for=()).warnings)
    collider = graph("a>x", "a>m", "b>m", "b>y", "x>y", hidden="ab")
    assert any("collider" in warning for warning in found(collider, adjust_for=("m",)).warnings)
    with pytest.raises(GraphError, match="Did you mean 'z'"):
        found(drawn, adjust_for=("zz",))


def test_feedback_from_outcome_to_treatment_breaks_strict_exogeneity() -> None:
    drawn = Graph(name="g", nodes={"x": {}, "y": {}}, arrows={"x": {"y": "a test"}, "y": {"x": {"because": "a test", "lag": 1}}})
    one = found(drawn)
    assert one.feedback
    assert any("strict exogeneity fails" in warning for warning in one.warnings)


def test_the_nao_graph_asks_for_place_time_and_the_confounders_and_dates_them_before_the_treatment_moves_them() -> None:
    drawn = nao()
    measured = [node.name for node in drawn.nodes if node.measured]
    one = identify(ask("closures", "plans", lag=2), drawn, measured=measured)
    held = [dated(name, -years) for name in ("child_poverty", "children", "spending_power") for years in range(3)]
    assert one.adjust_for == tuple(sorted({"authority", "deprivation", "year", *held}))
    assert ("authority", "child_poverty[-2]", "children[-2]", "deprivation", "spending_power[-2]", "year") in one.minimal
    assert one.by_year == ("deprivation",)
    assert not one.feedback
    assert not {"need", "referrals", "section47"} & {name.split("[")[0] for valid in one.valid for name in valid if name.endswith("[-2]")}
    spending = identify(ask("centre_spending", "plans", lag=1), drawn, measured=measured)
    assert set(spending.adjust_for) == {name for name in held if not name.endswith("[-2]")} | {"authority", "deprivation", "year"}
    assert "closures" in spending.mediators


def test_what_moves_a_later_treatment_is_held_fixed_up_to_the_outcome_unless_the_treatment_moves_it() -> None:
    later = {"because": "a test", "lag": 1}
    nodes = {name: {"varies": name} for name in ("authority", "year")} | {name: {} for name in ("z", "m", "i", "x", "y")}
    everywhere = {name: "a test" for name in ("z", "m", "i", "x", "y")}
    arrows = {
        "authority": everywhere,
        "year": everywhere,
        "z": {"z": later, "x": "a test", "y": "a test"},
        "i": {"x": "a test"},
        "x": {"y": later, "m": later},
        "m": {"y": "a test"},
    }
    measured = ["z", "m", "i", "x", "y"]
    one = identify(ask(lag=1), Graph(name="g", nodes=nodes, arrows=arrows), measured=measured)
    assert one.adjust_for == ("authority", "year", "z", "z[-1]") and "years between" in one.chosen_because
    assert identify(ask(lag=1), Graph(name="g", nodes=nodes, arrows=arrows), measured=measured, adjust_for=["z"]).adjust_for == ("z[-1]",)
    moved = arrows | {"m": {"y": "a test", "x": later}}
    assert "m" not in identify(ask(lag=1), Graph(name="g", nodes=nodes, arrows=moved), measured=measured).adjust_for
    pooled = {name: to for name, to in arrows.items() if name not in ("authority", "year")}
    assert identify(ask(lag=1), Graph(name="g", nodes=nodes, arrows=pooled), measured=measured).adjust_for == ("z[-1]",)


def test_fixed_effects_a_year_on_find_the_planted_effect_only_with_the_years_between_held_fixed() -> None:
    """Planted: 3; poverty lasts, moves the treatment and the outcome of its own year. 40 panels of 150 authorities and 8 years."""
    later = {"because": "a test", "lag": 1}
    drawn = Graph(
        name="g",
        nodes={"authority": {"varies": "authority"}, "year": {"varies": "year"}, "z": {}, "x": {}, "y": {}},
        arrows={
            "authority": {name: "a test" for name in ("z", "x", "y")},
            "year": {name: "a test" for name in ("z", "x", "y")},
            "z": {"z": later, "x": "a test", "y": "a test"},
            "x": {"y": later},
        },
    )
    question = replace(ask(lag=1), treated=1.0)
    index = pd.MultiIndex.from_product([[f"A{i:03d}" for i in range(150)], range(2011, 2019)], names=["authority", "year"])
    off: dict[str, list[float]] = {"graph": [], "treatment's year only": []}
    for seed in range(40):
        rng = np.random.default_rng(seed)
        z, x = np.zeros((150, 14)), np.zeros((150, 14))
        for year in range(1, 14):
            z[:, year] = 0.7 * z[:, year - 1] + rng.normal(size=150)
            x[:, year] = 0.6 * x[:, year - 1] + 0.5 * z[:, year] + 0.7 * rng.normal(size=150)
        y = 3 * x[:, 5:13] + 2 * z[:, 6:] + 2 * rng.normal(size=(150, 8))
        columns = {"z": z[:, 6:], "x": x[:, 6:], "y": y}
        panel = Panel(
            frame=pd.DataFrame({name: values.ravel() for name, values in columns.items()}, index=index),
            variables=tuple(Variable(name=name, label=name, unit="units", source="made up") for name in columns),
            places=pd.DataFrame({"name": list(index.unique("authority"))}, index=index.unique("authority")),
            title="made-up panel",
        )
        for name, forced in (("graph", None), ("treatment's year only", ["authority", "year", "z"])):
            made = design(panel, question, identify(question, drawn, measured=list(columns), adjust_for=forced))
            off[name].append(FixedEffects().estimate(made, np.random.default_rng(0)).effect - 3)
    bias, error = ({name: f(values) for name, values in off.items()} for f in (np.mean, lambda v: np.std(v) / 40**0.5))
    assert abs(bias["graph"]) < 3 * error["graph"]
    assert abs(bias["treatment's year only"]) > 10 * error["treatment's year only"]


@pytest.mark.parametrize("treatment", ["closures", "centre_spending", "spending_power", "child_poverty", "other_prevention"])
@pytest.mark.parametrize("lag", [0, 1, 2])
def test_no_descendant_of_the_treatment_is_ever_in_a_valid_set_at_or_after_its_date(treatment: str, lag: int) -> None:
    drawn = nao()
    one = identify(ask(treatment, "plans", lag=lag), drawn, measured=[node.name for node in drawn.nodes if node.measured])
    for valid in one.valid:
        for name in valid:
            bare, _, date = name.partition("[")
            if bare in one.descendants:
                assert int(date[:-1]) < -lag, (name, lag)


def test_every_reason_in_the_nao_graphs_is_given_and_the_feedback_graph_adds_its_arrow() -> None:
    assert all(len(arrow.because) > 15 for arrow in nao().arrows)
    added = yaml.safe_load((CONF / "graph/nao_feedback.yaml").read_text())["arrows"]
    assert list(added) == ["plans"]


def test_many_candidates_are_not_all_listed_but_a_valid_and_a_minimal_set_are_found() -> None:
    """Twenty measured causes, of which three confound: every subset would be a million."""
    confounders = [arrow for i in range(3) for arrow in (f"c{i}>x", f"c{i}>y")]
    others = [f"o{i:02d}>y" for i in range(17)]
    one = found(graph("x>y", *confounders, *others))
    assert one.identified and not one.exhaustive
    assert ("c0", "c1", "c2") in one.minimal
    assert set(one.adjust_for) >= {"c0", "c1", "c2"}


def test_a_graph_without_arrows_says_there_is_no_effect() -> None:
    empty = Graph(name="empty", nodes={"x": {}, "y": {}}, arrows={})
    one = identify(ask(lag=1), empty, measured=["x", "y"])
    assert one.adjust_for == () and any("no directed path" in warning for warning in one.warnings)


# ---------------------------------------------------------------- what is kept of DoWhy's answer


def _asked(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """A count of the calls that DoWhy gets from now on."""
    from dowhy.causal_identifier import auto_identifier

    calls: list[int] = []
    real = auto_identifier.identify_backdoor
    monkeypatch.setattr(auto_identifier, "identify_backdoor", lambda *given: calls.append(1) or real(*given))
    return calls


def test_the_same_question_is_put_to_dowhy_once_and_another_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What DoWhy says without a cache is the truth; another graph, question, panel or version is another question."""
    measured = ("deprivation", "poverty", "cut", "plans")
    monkeypatch.setenv(CACHE, "")
    truth = identify(worlds.QUESTION, worlds.GRAPH, measured=measured)
    calls = _asked(monkeypatch)
    monkeypatch.setenv(CACHE, str(tmp_path))
    assert [identify(worlds.QUESTION, worlds.GRAPH, measured=measured) == truth for _ in range(3)] == [True] * 3
    assert calls == [1]
    identify(replace(worlds.QUESTION, lag=1), worlds.GRAPH, measured=measured)
    identify(ask(), graph("z>x", "z>y", "w>y", "x>y"), measured=("x", "y", "z", "w"))
    identify(ask(), graph("z>x", "z>y", "w>y", "x>y"), measured=("x", "y", "z"))
    identify(ask(), graph("z>x", "z>y", "w>z", "x>y"), measured=("x", "y", "z"))
    assert len(calls) == 5
    monkeypatch.setattr("causal.adjustment.version", lambda name: "another")
    assert identify(worlds.QUESTION, worlds.GRAPH, measured=measured) == truth
    assert len(calls) == 6


def _signed_anew(entry: Path, change: Callable[[dict[str, Any]], object]) -> None:
    plain = json.loads(entry.read_bytes().partition(b"\n")[2])
    change(plain)
    content = json.dumps(plain).encode()
    entry.write_bytes(signed(content) + content)


SPOILT: dict[str, Callable[[Path], object]] = {
    "cut": lambda entry: entry.write_bytes(entry.read_bytes()[:-7]),
    "empty": lambda entry: entry.write_bytes(b""),
    "one letter": lambda entry: entry.write_bytes(entry.read_bytes().replace(b"deprivation", b"deprivatiom")),
    "anybody's": lambda entry: entry.chmod(0o666),
    "of another question": lambda entry: _signed_anew(entry, lambda plain: plain["made_of"].update(outcome="another")),
    "a set that closes nothing": lambda entry: _signed_anew(entry, lambda plain: plain["sets"].append([])),
    "a set of strangers": lambda entry: _signed_anew(entry, lambda plain: plain["sets"].append(["nobody"])),
    "no layout of ours": lambda entry: _signed_anew(entry, lambda plain: plain.pop("sets")),
    "a list": lambda entry: entry.write_bytes(signed(b"[1]") + b"[1]"),
}


@pytest.mark.parametrize("damage", SPOILT)
def test_a_damaged_entry_is_not_believed(damage: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What DoWhy says without a cache is the truth, and it is asked again."""
    measured = ("deprivation", "poverty", "cut", "plans")
    monkeypatch.setenv(CACHE, "")
    truth = identify(worlds.QUESTION, worlds.GRAPH, measured=measured)
    monkeypatch.setenv(CACHE, str(tmp_path))
    identify(worlds.QUESTION, worlds.GRAPH, measured=measured)
    (entry,) = tmp_path.glob("identify-*.json")
    SPOILT[damage](entry)
    calls = _asked(monkeypatch)
    assert identify(worlds.QUESTION, worlds.GRAPH, measured=measured) == truth
    assert calls == [1], damage
    assert identify(worlds.QUESTION, worlds.GRAPH, measured=measured) == truth
    assert calls == [1], "written anew"
