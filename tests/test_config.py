"""Every configuration composes, has a key for every knob, and says in its header what its class says."""

from __future__ import annotations

import dataclasses
import inspect
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import yaml

from causal.configured import refuters
from causal.errors import ConfigError
from causal.estimators import shelf
from causal.experiments.compose import CONF, choices, composed, study_from
from causal.needs import needed
from causal.study import Study
from causal.verdict.rule import KINDS, Rule

FILES = sorted(path for path in CONF.rglob("*.yaml"))
# a value for what a file leaves open
GIVEN = {
    "england": ["source.path=folder"],
    "table": ["source.path=mine.csv"],
    "rows": ["source.path=children.parquet", "source.outcome=plans"],
    "file": ["graph.path=g.dot"],
}
# experiments that are asked of England's files alone, and so choose their source
GIVEN |= {key: ["source.path=folder"] for key in ("closures_long_run", "early_years_spending", "family_support_spending", "youth_spending")}


def target(path: Path) -> Any:
    dotted = yaml.safe_load(path.read_text()).get("_target_")
    if dotted is None:
        return None
    module, _, name = dotted.rpartition(".")
    try:
        return getattr(import_module(module), name)
    except ModuleNotFoundError:
        module, _, owner = module.rpartition(".")
        return getattr(getattr(import_module(module), owner), name)


def knobs(made: Any) -> set[str]:
    if dataclasses.is_dataclass(made):
        return {field.name for field in dataclasses.fields(made)}
    return set(inspect.signature(made).parameters)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.relative_to(CONF).as_posix())
def test_keys_are_the_target_s_parameters(path: Path) -> None:
    """So that every knob can be overridden without a plus sign."""
    made = target(path)
    if made is None or path.name == "config.yaml":
        return
    inside = yaml.safe_load(path.read_text())
    for other in [one for one in inside.get("defaults", []) if isinstance(one, str) and one != "_self_"]:
        inside = {**yaml.safe_load((path.parent / f"{other}.yaml").read_text()), **inside}
    assert set(inside) - {"_target_", "defaults"} == knobs(made)


def test_the_root_has_a_key_for_every_part_of_a_study_and_a_question() -> None:
    from causal.question import Question

    inside = yaml.safe_load((CONF / "config.yaml").read_text())
    groups = {"graph", "source", "estimator", "rule", "language"}
    assert set(inside) - {"_target_", "defaults", "hydra", "workers", "backend", "scheduler", "runs"} | groups == knobs(Study)
    assert set(inside["question"]) - {"_target_"} == knobs(Question)


@pytest.mark.parametrize("group", ["experiment", "outcome", "source", "graph", "estimator", "rule", "language"])
def test_every_choice_composes_and_instantiates(group: str, tmp_path: Path) -> None:
    (tmp_path / "g.dot").write_text('digraph { closures -> plans [because="a test"] }')
    for name in choices(group):
        given = [word.replace("g.dot", str(tmp_path / "g.dot")) for word in GIVEN.get(name, [])]
        without = [] if group == "refuters" else ["~refuters"]  # sixteen files that say nothing of this one
        study = study_from(composed([f"{group}={name}", *given, *without]))
        assert study.estimator.name


def test_every_refuter_is_among_all_and_what_certainty_asks_for_in_the_default_and_each_nests_under_its_name_and_can_be_added_to_none() -> None:
    names = [name for name in choices("refuters") if name not in ("default", "all")]
    assert sorted(study_from(composed(["refuters=all"])).refuters) == names
    study = study_from(composed(["refuters.placebo_treatment.draws=9"]))
    assert refuters("all").keys() == set(names), "a notebook's list is the command line's"
    assert set(study.refuters) < set(names) and {check for kind in KINDS for check in Rule().bias[kind]} <= set(names)
    # the two looks at bias without which certainty falls, and the checks whose failure lowers it; an estimator's own checks go with it
    own = {check for made in shelf().values() for check in getattr(made, "checks", ())}
    assert own <= set(names)
    assert {*(check for kind in KINDS for check in Rule().timing[kind]), "negative_control_outcome", *Rule().stability} - own <= set(study.refuters)
    assert all(refuter.name == name for name, refuter in study.refuters.items())
    assert study.refuters["placebo_treatment"].draws == 9  # type: ignore[attr-defined]
    assert "bootstrap" not in study_from(composed(["~refuters.bootstrap"])).refuters


def test_a_check_in_a_file_of_its_own_is_among_all_without_another(tmp_path: Path) -> None:
    """Whether words or an experiment ask for all; and those that an experiment sets beside it stay."""
    (tmp_path / "refuters").mkdir()
    text = (CONF / "refuters" / "random_common_cause.yaml").read_text(encoding="utf-8").replace("refuters.random_common_cause\n", "refuters.mine\n")
    (tmp_path / "refuters" / "mine.yaml").write_text(text, encoding="utf-8")
    (tmp_path / "experiment").mkdir()
    own = "# @package _global_\n# Ours\ndefaults:\n  - closures\n  - override /refuters: all\n  - _self_\ntitle: Ours\n"
    (tmp_path / "experiment" / "ours.yaml").write_text(own, encoding="utf-8")
    every = {*study_from(composed(["refuters=all"])).refuters, "mine"}
    assert {*study_from(composed(["refuters=all"], [tmp_path])).refuters} == every
    assert {*study_from(composed(["experiment=ours"], [tmp_path])).refuters} == every
    assert "mine" not in study_from(composed(["refuters=default"], [tmp_path])).refuters


@pytest.mark.parametrize("name", choices("estimator"))
def test_an_estimator_s_header_says_what_its_class_says(name: str) -> None:
    path = CONF / f"estimator/{name}.yaml"
    made = target(path)
    lines = path.read_text().splitlines()
    assert lines[1:4] == [f"# needs: {needed(made)}", f"# targets: {made.targets}", f"# costs: {made.costs}"]
    assert made().name == name


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.relative_to(CONF).as_posix())
def test_every_file_opens_with_what_it_is(path: Path) -> None:
    lines = [line for line in path.read_text().splitlines() if not line.startswith("# @package")]
    assert lines[0].startswith("# ") and len(lines[0]) > 15


def test_an_experiment_asks_a_question_and_sets_no_knob_of_an_estimator() -> None:
    for name in choices("experiment"):
        inside = yaml.safe_load((CONF / f"experiment/{name}.yaml").read_text())
        assert set(inside) <= {"defaults", "title", "action", "short", "question", "source", "graph", "said", "adjust_for", "beside", "unmoved"}
        assert all(isinstance(one, str) for one in inside.get("beside", []))  # names alone
        assert (CONF / f"experiment/{name}.yaml").read_text().startswith("# @package _global_")


def test_arrows_are_taken_away_and_added_from_the_command_line() -> None:
    study = study_from(composed(["~graph.arrows.spending_power.centre_spending", "+graph.arrows.plans.closures={because: 'a test', lag: 1}"]))
    arrows = {(arrow.cause, arrow.effect, arrow.lag) for arrow in study.graph.arrows}
    assert ("spending_power", "centre_spending", 0) not in arrows
    assert ("plans", "closures", 1) in arrows
    assert study_from(composed(["graph=nao_feedback"])).graph.arrows[-1].because


def test_values_that_hydra_cannot_parse_are_quoted() -> None:
    for odd in ("/data (new)/a.csv", "it's.csv", "£2=3.csv", "a,b.csv", "{x}.csv", "plain.csv"):
        config = composed(["source=table", f"source.path={odd}"])
        assert config.source.path == odd


def test_dated_names_in_a_list_are_read_as_they_are_printed() -> None:
    names = ["authority", "children[-2]", "child_poverty[-2]", "year"]
    assert composed([f"adjust_for=[{','.join(names)}]"]).adjust_for == names


@pytest.mark.parametrize(
    ("word", "says"),
    [
        ("os.system", "wanted a class of this toolkit"),
        ("sklearn.utils.parallel.joblib.load", "wanted a class of this toolkit"),
        ("causal.study.run", "wanted a class, or its classmethod"),
        ("causal.estimators.dml.np.save", "wanted a class, or its classmethod"),
        ("causal.refute.np.random.Generator", "a module that is trusted"),
        ("causal.estimators.nothing.Here", "which it does not have"),
        ("causal.experiments.resolve.sys.exit", "wanted a class, or its classmethod"),
    ],
)
def test_only_classes_of_this_toolkit_are_made(word: str, says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        study_from(composed([f"estimator._target_={word}"]))


def test_a_class_of_one_s_own_needs_trust(tmp_path: Path) -> None:
    from causal.experiments.compose import trust

    (tmp_path / "homemade_estimator.py").write_text(
        "from dataclasses import dataclass\nfrom causal.estimators.difference import Difference\n\n@dataclass(frozen=True)\n"
        "class Mine:\n    def estimate(self, design, rng):\n        return Difference().estimate(design, rng)\n    name = 'mine'\n"
    )
    config = composed(["estimator._target_=homemade_estimator.Mine"])
    with pytest.raises(ConfigError, match="--trust"):
        study_from(config)
    assert study_from(config, trust([str(tmp_path)])).estimator.name == "mine"


def test_old_addresses_work_and_digests_are_of_the_new_ones() -> None:
    """A rule or a unit cost of a user's own YAML may still stand under the address that it had before its module moved."""
    from causal.experiments.compose import MOVED, composed, moved, resolved

    for was, new in MOVED.items():
        home, _, name = new.rpartition(".")
        assert moved({"_target_": was}) == {"_target_": new} and new not in MOVED
        assert getattr(import_module(home), name).__module__ == home
    now = composed(["experiment=closures"])
    old = composed(["experiment=closures", "rule._target_=causal.judge.Rule"])
    assert resolved(old) == resolved(now)
    assert moved({"a": [{"_target_": "causal.rule.Rule", "level": 0.1}]}) == {"a": [{"_target_": "causal.verdict.rule.Rule", "level": 0.1}]}


# words of the command line → whether title, action and the reason of the size that matters stay as the experiment has them
OTHERWISE = {
    "question.treated=0.5": (True, True, True),
    "question.treated=0.25": (True, False, True),
    "outcome=looked_after": (False, True, False),
    "question.outcome=section47": (False, True, False),
    "question.treatment=spending_power": (False, False, True),
}


@pytest.fixture(scope="module")
def experiment() -> Study:
    return study_from(composed([]))


@pytest.mark.parametrize("word", OTHERWISE)
def test_a_question_changed_on_the_command_line_does_not_keep_words_of_another(word: str, experiment: Study) -> None:
    """Held by the experiment's own file, and by the graph's names of what is asked instead."""
    own, one = experiment, study_from(composed([word]))
    kept = (one.title == own.title, one.action == own.action, one.question.because == own.question.because)
    assert kept == OTHERWISE[word]
    labels = {node.name: node.label for node in one.graph.nodes}
    if not kept[0]:
        assert one.title.lower() == f"{labels[one.question.treatment]} and {labels[one.question.outcome]}".lower()
        assert not any(said.short or said.claims for said in one.said), "what others said of another outcome stands on this one's axis"
    else:
        assert any(said.claims for said in one.said)
    if not kept[1]:
        assert one.action == f"Moving {labels[one.question.treatment]} from {one.question.control:g} to {one.question.treated:g}"


def test_words_given_with_a_changed_question_stand() -> None:
    said = study_from(composed(["question.treatment=spending_power", "outcome=looked_after", "title=Ours", "action=Doing so", "question.because=it is so"]))
    assert (said.title, said.action, said.question.because) == ("Ours", "Doing so", "it is so")


def test_knobs_keep_the_names_that_they_had() -> None:
    """In a word, a configuration, an old protocol and a notebook a knob's former name means what it meant; digests are of the new one."""
    from causal.experiments.compose import RENAMED, moved, resolved

    for address, names in RENAMED.items():
        home, _, kind = address.rpartition(".")
        made = getattr(import_module(home), kind)
        for old, new in names.items():
            assert old not in inspect.signature(made).parameters and new in inspect.signature(made).parameters
            given = "raw" if old == "deal" else 0.125
            with pytest.warns(DeprecationWarning, match=f"{old} is called {new} now"):
                assert made(**{old: given}) == made(**{new: given})
            assert moved({"_target_": address, new: "as shipped", old: given}) == {"_target_": address, new: given}
            with pytest.raises(ConfigError, match=f"{new}, as it is called today"):
                made(**{old: given, new: given})
    asked = ["experiment=closures", "refuters=[pre_trend,placebo_treatment]"]
    was = composed([*asked, "refuters.pre_trend.still=0.1", "refuters.placebo_treatment.deal=raw"])
    now = composed([*asked, "refuters.pre_trend.tolerance=0.1", "refuters.placebo_treatment.permute=raw"])
    assert resolved(was) == resolved(now) and study_from(was).refuters["pre_trend"].tolerance == 0.1  # type: ignore[attr-defined]


def test_nouns_keep_the_names_that_they_had() -> None:
    """`Held` and `held=` are today's `Conditioning` and `conditioning=`; result.json keeps the key that is frozen."""
    import causal
    from causal.estimand import Conditioning
    from causal.estimate import Estimate
    from causal.report.record import key_of

    with pytest.warns(DeprecationWarning, match="Conditioning now"):
        assert causal.Held is Conditioning
    with pytest.warns(DeprecationWarning, match="Estimate: held is called conditioning now"), pytest.raises(TypeError, match="missing"):
        Estimate(held=Conditioning(authority=True, year=True, controls=True))  # type: ignore[call-arg]
    assert "held" in map(key_of, dataclasses.fields(Estimate)) and "conditioning" not in map(key_of, dataclasses.fields(Estimate))
