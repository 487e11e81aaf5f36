"""Every experiment asks a question that its simulated twin can mark, and carries what others said on it."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from lengths import LONG

from causal.cli import main
from causal.errors import ConfigError, NotMeasured
from causal.experiments.compose import CONF, choices, composed, study_from
from causal.experiments.inquiry import inquiry
from causal.identification import Identification
from causal.identify import identify
from causal.question import Saying, sayings
from causal.report.record import read
from causal.study import Result, Study, loaded, run

SAID = {"who": "National Audit Office, January 2019", "what": "Authorities that closed centres had no consequential increase.", "source": "Pressures, p. 9"}


def test_what_others_said_is_recorded_and_an_older_record_without_it_is_read(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["run", f"runs={tmp_path}", "experiment=closures", "refuters=[]", "workers=1", "source.authorities=30"]
    assert main([*words, f"said=[{{who: '{SAID['who']}', what: '{SAID['what']}', source: '{SAID['source']}'}}]"]) == 0
    folder = Path(capsys.readouterr().out.strip().splitlines()[-1])
    (said,) = read(folder)["said"]
    assert {key: said[key] for key in SAID} == SAID
    older = {key: value for key, value in json.loads((folder / "result.json").read_text()).items() if key != "said"}
    (folder / "result.json").write_text(json.dumps(older))
    assert read(folder)["said"] == []


def test_sayings_are_whole() -> None:
    assert sayings([SAID, Saying(**SAID)]) == (Saying(**SAID), Saying(**SAID))
    for odd in ("words", SAID, [{"who": "x"}], [3], [{**SAID, "what": " "}]):
        with pytest.raises(ConfigError, match="said"):
            sayings(odd)


@cache
def study(*words: str) -> Study:
    return study_from(composed([*words, "refuters=[]"]))


@cache
def found(*words: str) -> Identification:
    one = study(*words)
    strategy = getattr(one.estimator, "strategy", "backdoor")
    return identify(one.question, one.graph, measured=loaded(one).names, adjust_for=one.adjust_for, strategy=strategy)


def answered(*words: str, seed: int) -> Result:
    one = study(*words)
    return run(replace(one, source=replace(one.source, seed=seed), baseline=None, beside=()), identification=found(*words))  # type: ignore[type-var]


WITHOUT_TWIN = ("closures_long_run", "early_years_spending", "family_support_spending", "youth_spending")


def test_every_experiment_says_what_others_said_and_its_twin_knows_the_truth_of_its_question() -> None:
    """All but the comparison between authorities, which is an association and has none, and those whose columns only England's later files have."""
    for name in choices("experiment"):
        if name in WITHOUT_TWIN:
            one = study(f"experiment={name}", "source.path=x")
            assert one.said and type(one.source).__name__ == "England", name
            continue
        one = study(f"experiment={name}")
        assert one.said and all(len(saying.source) > 10 for saying in one.said), name
        planted = loaded(one).planted
        if name == "deprivation_between":
            assert planted["truth"] is None and "of which the simulated world has a truth" in planted["words"]
        else:
            assert abs(planted["truth"]) > 1e-3 and one.question.outcome in planted["words"], name


@pytest.mark.parametrize(
    "words",
    [
        ("experiment=cuts_to_centres",),
        ("experiment=cuts_to_centres", "outcome=prevention_share"),
        ("experiment=poverty_to_care",),
        ("experiment=prevention_to_need",),
        ("experiment=prevention_to_care_entry",),
        ("experiment=spending_and_quality",),
        ("experiment=grant_instrument",),
    ],
    ids=" ".join,
)
def test_the_twin_s_planted_truth_is_recovered(words: tuple[str, ...]) -> None:
    """Twelve worlds each, the planted truth of `Simulated.truth`: the mean error within noise, and 95 % intervals that hold most truths."""
    errors, held, spreads = [], 0, []
    for seed in range(12):
        result = answered(*words, seed=seed)
        one, truth = result.estimate, result.panel.planted["truth"]
        assert one is not None and one.std_error is not None and one.lower is not None and one.upper is not None
        errors.append(one.effect - truth)
        spreads.append(one.std_error)
        held += one.lower <= truth <= one.upper
    spread = sum(spreads) / 12
    assert abs(sum(errors) / 12) <= 3 * spread / 12**0.5 + 0.2 * spread
    assert held >= 8  # at 95 % fewer than 9 of 12 come once in 4,000


def test_what_cuts_work_through_is_never_held_fixed_and_deprivation_acts_by_year() -> None:
    for words in (("experiment=cuts_to_plans",), ("experiment=cuts_to_centres", "outcome=prevention_share")):
        one = found(*words)
        assert {"centre_spending", "other_prevention", "section47"} <= set(one.mediators)
        assert not {name.partition("[")[0] for name in one.adjust_for} & {*one.mediators, *one.descendants}
        assert one.by_year == ("deprivation",) and one.sufficient
    assert found("experiment=cuts_to_plans", "graph=nao_steady").by_year == ()
    alone = study("experiment=cuts_to_plans", "adjust_for=[authority,year]")
    assert not identify(alone.question, alone.graph, measured=loaded(alone).names, adjust_for=alone.adjust_for).sufficient


def test_an_instrument_is_read_off_the_graph_and_paths_that_need_confounds_are_not_identified() -> None:
    grant = found("experiment=grant_instrument")
    assert grant.strategy == "iv" and [one.name for one in grant.instruments] == ["grant_dependence"] and "deprivation" in grant.instruments[0].given
    result = run(study("experiment=cuts_through_prevention"), identification=found("experiment=cuts_through_prevention"))
    assert result.estimate is not None and result.estimate.lower is not None
    paths = [part for part in result.estimate.parts if "through" in part.name]
    assert len(paths) > 3 and all("not identified" in part.name and part.lower is None for part in paths)


def test_if_the_cost_of_care_eats_prevention_strict_exogeneity_fails_and_the_estimate_says_so() -> None:
    words = ("experiment=prevention_to_need", "outcome=looked_after", "graph=prevention_crowded_out")
    assert not found(*words[:2]).feedback and found(*words).feedback
    result = run(study(*words), identification=found(*words))
    assert any("strict exogeneity" in concern for concern in result.estimate.concerns)  # type: ignore[union-attr]


def test_services_for_young_people_leave_entries_at_1_to_4_alone_in_their_graph_so_that_these_can_be_the_negative_control() -> None:
    """Bennett and others 2021; the check runs, and holds in the twin, where nothing of the kind is planted."""
    result = run(study_from(composed(("experiment=prevention_to_care_entry", "refuters=[negative_control_outcome]"))))
    assert result.panel.variable("care_starts_1_4").unmoved
    assert [one.survived for one in result.refutations] == [True]
    assert result.estimate is not None and result.estimate.effect > 0


def test_an_experiment_carries_its_own_negative_controls_and_a_simulated_world_keeps_those_that_hold() -> None:
    """One claim has one strength, whether a command or a study asks it: no entry of a study names another negative control than its experiment."""
    for path in (Path(__file__).parents[1] / "conf" / "study").glob("*.yaml"):
        assert "negative_control" not in path.read_text(encoding="utf-8"), path.name
    closures = study("experiment=closures")
    assert "care_starts_16_17" in closures.unmoved
    # in the simulated world closures are planted to move entries at 16 and 17 (by 3.0), so there they are no control; a panel without a truth keeps them
    assert closures.source.truth(replace(closures.question, outcome="care_starts_16_17")).ate == pytest.approx(3.0)  # type: ignore[attr-defined]
    assert not loaded(closures).variable("care_starts_16_17").unmoved

    class Known:
        def load(self) -> Any:
            return closures.source.load()

    real = replace(closures, source=Known())
    assert "under five" in loaded(real).variable("care_starts_16_17").unmoved
    asked_of_it = replace(real, question=replace(real.question, outcome="care_starts_16_17"))
    assert not loaded(asked_of_it).variable("care_starts_16_17").unmoved
    with pytest.raises(ConfigError, match="unmoved: wanted column"):
        replace(closures, unmoved={"a": ""})


def test_a_comparison_between_places_is_an_association_without_a_causal_verb() -> None:
    result = run(study("experiment=deprivation_between"), identification=found("experiment=deprivation_between"))
    assert result.verdict.association and "run higher" in result.answer.headline
    assert "no cause is shown" in result.answer.headline and "association" in result.answer.second


def test_an_outcome_brings_its_own_size_that_matters_and_is_never_lost_without_a_word() -> None:
    sizes = {name: study("experiment=closures", f"outcome={name}").question.smallest_important for name in ("plans", "section47", "care_starts")}
    assert sizes == {"plans": 2.0, "section47": 7.0, "care_starts": 0.5}
    for name in choices("outcome"):
        inside = yaml.safe_load((CONF / f"outcome/{name}.yaml").read_text())
        assert set(inside) == {"outcome", "smallest_important", "because", "harm"} and inside["outcome"] == name and len(inside["because"]) > 40
    with pytest.raises(ConfigError, match="not heeded"):
        composed(["experiment=spending_and_quality", "outcome=plans"])


@pytest.mark.parametrize("name", choices("study"))
def test_every_entry_of_a_study_composes(name: str) -> None:
    whole = inquiry(name)
    assert len(whole.entries) >= 15
    given = ["source.path=folder"] if "source=england" in whole.words else []
    for entry in whole.entries if LONG else whole.entries[::3]:
        words = [*whole.words, *entry.words, *given]
        if not LONG and not any("refuters" in word for word in words):
            words.append("refuters=[]")  # the default ones compose in every other test
        composed([f"decomposition={entry.name}"] * (entry.kind == "decompose") + words)


def test_a_study_goes_on_where_it_was_and_what_is_refused_or_not_measured_is_a_row(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "mine/study").mkdir(parents=True)
    (tmp_path / "mine/study/ours.yaml").write_text(
        "# Ours\ntitle: Ours\nsaid: Of our own.\nentries:\n"
        "  - {run: experiment=cuts_to_centres, why: the first}\n  - run: experiment=deprivation_between adjust_for=null\n"
        "  - run: experiment=closures outcome=plans_started\n  - run: experiment=cuts_to_centres estimator=nonsense\n"
    )
    words = ["study", "ours", "--config-dir", str(tmp_path / "mine"), f"runs={tmp_path / 'runs'}", "refuters=[]", "workers=1", "source.authorities=30"]
    assert main(words) == 2
    out = capsys.readouterr().out
    assert "2 done, 1 not in these files, 1 refused" in out and "estimator: wanted the name of one that there is, got 'nonsense'" in out
    summary = Path(out.strip().splitlines()[-1]) / "summary.md"
    text = summary.read_text()
    assert "the first" in text and "plans_started" in text and "-0." in text.replace("−", "-")  # the planted truth stands beside the answer
    assert "These data cannot show how" in text  # deprivation does not vary within authorities
    assert main([*words]) == 2
    assert "2 already complete" in capsys.readouterr().out
    assert len(list((tmp_path / "runs/cuts_to_centres").rglob("result.json"))) == 1


@pytest.mark.parametrize(
    ("text", "says"),
    [("a: [", "wanted a study in YAML, got a bracket"), ("title: x", "keys"), ("title: x\nentries: [{walk: far}]", "run: words")],
)
def test_a_study_s_file_is_checked(tmp_path: Path, text: str, says: str) -> None:
    (tmp_path / "study").mkdir()
    (tmp_path / "study/odd.yaml").write_text(text)
    with pytest.raises(ConfigError, match=says):
        inquiry("odd", [tmp_path])
    with pytest.raises(ConfigError, match="twins"):
        inquiry("twin")


def test_a_question_about_what_no_column_holds_says_so() -> None:
    with pytest.raises(NotMeasured, match="plans_started"):
        run(study("experiment=closures", "outcome=plans_started"))


def test_a_simulated_negative_control_is_one_only_where_the_treatment_truly_leaves_it_alone() -> None:
    """Broken bones are moved by poverty and by lost spending power in the simulated world, and by other prevention, and not by centres or youth services."""
    kept = {name: bool(loaded(study(f"experiment={name}")).variable("unrelated").unmoved) for name in choices("experiment") if name not in WITHOUT_TWIN}
    assert [name for name, unmoved in kept.items() if unmoved] == ["centre_spending", "closures", "prevention_to_care_entry"]
