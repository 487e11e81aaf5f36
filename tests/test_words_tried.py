"""What people type: the natural commands, and the typos; each works the first time, or is answered with words that work when they are pasted."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest
from test_table_layouts import adopted, save

from causal.cli import main
from causal.offered import names

SMALL = ["source.authorities=40", "refuters=[]", "workers=1", "-q"]

# what was typed → what must be written of it in result.json's configuration, or how it ends
WORKS = {
    "another estimator": ("run estimator=first_difference", "FirstDifference"),
    "another outcome": ("run outcome=section47", "section47"),
    "another lag": ("run question.lag=1", "lag: 1"),
    "another smallest effect": ("run question.smallest_important=1", "smallest_important: 1"),
    "another level": ("run question.level=0.9", "level: 0.9"),
    "an arrow dropped": ("run ~graph.arrows.spending_power.centre_spending", "causal.graph.Graph"),
    "an arrow added": ("run +graph.arrows.need.centre_spending='councils see need'", "councils see need"),
    "a check added": ("run refuters=[default,leverage]", "Leverage"),
    "a check with its knob": ("run refuters=[leverage,random_common_cause] refuters.random_common_cause.draws=9", "draws: 9"),
    "a check taken away": ("run ~refuters.bootstrap", "LeaveOneOut"),
    "no check, as it is often written": ("run refuters={}", "refuters: {}"),
    "100 authorities": ("run source.authorities=100", "authorities: 100"),
    "some years": ("run source.first_year=2012 source.last_year=2018", "last_year: 2018"),
    "some regions": ("run source.keep_regions=[Elmarch]", "- Elmarch"),
    "another seed": ("run seed=7", "seed: 7"),
    "the house style of evaluators": ("run language=evaluators", "seed: 2019"),
}


@pytest.mark.parametrize("name", WORKS)
def test_natural_words_compose_to_what_was_meant(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    """By the configuration that the command prints of itself."""
    typed, says = WORKS[name]
    verb, *words = shlex.split(typed)
    assert main([verb, "--cfg", *words]) == 0
    out = capsys.readouterr().out
    assert says in out
    assert ("spending_power:\n      centre_spending" in out) is (name != "an arrow dropped")
    assert ("Bootstrap" in out) is (name not in ("a check taken away", "a check with its knob", "no check, as it is often written"))


# what was typed → the words of the answer
ANSWERED = {
    "lst": ("lst", "Did you mean 'list'?"),
    "an experiment without its key": ("closures", "did you mean  causal run experiment=closures"),
    "an experiment without run": ("experiment=closures", "did you mean  causal run experiment=closures"),
    "run closures": ("run closures", "did you mean  causal run experiment=closures"),
    "experiment=closure": ("run experiment=closure", "Did you mean 'closures'?"),
    "estimator=callaway": ("run estimator=callaway", "Did you mean 'callaway_santanna'?"),
    "outcome=section_47": ("run outcome=section_47", "Did you mean 'section47'?"),
    "estimater=": ("run estimater=linear_dml", "Did you mean 'estimator'?"),
    "question.lagg": ("run question.lagg=1", "Did you mean 'question.lag'?"),
    "source.authorites": ("run source.authorites=100", "Did you mean 'source.authorities'?"),
    "a region that there is not": ("run source.keep_regions=[Elmarsh] refuters=[]", "Did you mean 'Elmarch'?"),
    "a check added by a plus": ("run +refuters.honest_did={}", "'refuters=[default,honest_did]'"),
    "a check added to the group": ("run +refuters=honest_did", "'refuters=[default,honest_did]'"),
    "a knob of a check that is not there": ("run refuters.honest_did.draws=200", "'refuters=[default,honest_did]' refuters.honest_did.draws=200"),
    "the same with a plus": ("run +refuters.honest_did.draws=200", "'refuters=[default,honest_did]' refuters.honest_did.draws=200"),
    "beside a list of one's own": ("run refuters=[leverage] refuters.bootstrap.draws=100", "'refuters=[leverage,bootstrap]' refuters.bootstrap.draws=100"),
    "a check's name misspelt": ("run ~refuters.bootstrp", "Did you mean 'bootstrap'?"),
    "a check taken away that is not there": ("run ~refuters.leverage", "wanted a check of this study, to be taken away, got leverage"),
    "a wrong path": ("run source=table source.path=nowhere.csv", "nowhere.csv"),
    "a path almost right": ("check mine.cvs", "Did you mean 'mine.csv'"),
    "a wrong column": ("check mine.csv --authority place --year yr", "Did you mean"),
    "a key without what it is of": ("run lag=1", "write  question.lag=…"),
    "a key of the source alone": ("run keep_regions=[Elmarch]", "write  source.keep_regions=…"),
    "an arrow misspelt": ("run ~graph.arrows.spending_power.centre_spendin", "Did you mean 'graph.arrows.spending_power.centre_spending'?"),
    "a file as a source": ("run source=mine.csv", "source=table source.path=mine.csv"),
    "a file to be run": ("run mine.csv", "causal new mine.csv --treatment … --outcome …"),
    "a file alone": ("mine.csv", "causal check mine.csv"),
    "an experiment with dashes": ("run --experiment closures", "write  causal run experiment=closures"),
    "a key with dashes": ("explain --question.lag=1", "write  causal explain question.lag=1"),
    "explain closure": ("explain closure", "did you mean  causal explain experiment=closures"),
    "a flag that there is not": ("run --fast", "wanted an option that it knows, got --fast"),
    "one configuration of a sweep": ("run -m --cfg estimator=difference,fixed_effects", "leave  -m  away"),
    "a secret of the machine": ("run --cfg title=${oc.env:HOME}", "is not looked up"),
    "describe with a typo": ("describe fixed_efects", "Did you mean 'fixed_effects'?"),
}


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a table in it."""
    save(tmp_path, adopted().rename(columns={"area": "places"}))
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("name", ANSWERED)
def test_what_is_almost_right_is_answered_with_words_that_work(name: str, here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    typed, says = ANSWERED[name]
    assert main(shlex.split(typed)) == 2
    told = capsys.readouterr()
    assert says in told.out + told.err and "Traceback" not in told.err and len(told.err.splitlines()) <= 2, told
    assert not list(here.rglob("result.json"))


def test_a_list_in_the_singular_is_answered_with_the_plural(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(["list", "estimator"])
    assert stopped.value.code == 2 and "causal list: wanted one of" in (err := capsys.readouterr().err) and err.endswith("did you mean  estimators\n")


PASTED = [name for name, (_, says) in ANSWERED.items() if says.startswith("'refuters=")]


@pytest.mark.parametrize("name", PASTED)
def test_the_words_of_the_answer_compose_when_pasted(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    main(shlex.split(ANSWERED[name][0]))
    pasted = shlex.split(capsys.readouterr().err.partition("  ")[2])
    assert pasted[0].startswith("refuters=[") and main(["run", "--cfg", *pasted]) == 0
    added = pasted[0].rstrip("]").rpartition(",")[2]
    assert f"causal.refuters.{added}." in capsys.readouterr().out


def test_own_table_from_two_commands(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The commands that `causal new` ends with are run as printed."""
    assert main(["new", "mine.csv", "--authority", "places", "--treatment", "d", "--outcome", "y"]) == 0
    last = capsys.readouterr().out.rstrip().splitlines()[-1]
    assert last.startswith("next:")
    words = shlex.split(last.partition(":")[2])
    assert words[:2] == ["causal", "run"]
    assert main([*words[1:], *(word for word in SMALL if not word.startswith("source.")), "-q"]) == 0
    assert (Path(capsys.readouterr().out.strip()) / "report.html").is_file()


def test_every_estimator_says_what_a_run_with_its_checks_was_measured_to_cost(capsys: pytest.CaptureFixture[str]) -> None:
    """By the names of the shelf; benchmarks/run_cost.py measures, and a list in short says none of it."""
    assert main(["list", "estimators", "-v"]) == 0
    out = capsys.readouterr().out
    assert out.count("a run: ") == len(names("estimator", ())) and "with its checks on the default panel" in out
    assert main(["list", "estimators"]) == 0
    short = capsys.readouterr().out
    assert "needs: " not in short and len(short.splitlines()) < len(names("estimator", ())) + 6
    assert main(["list"]) == 0
    assert len(capsys.readouterr().out.splitlines()) <= 45
