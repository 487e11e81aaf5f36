"""Rows of people: the fit of the cells is that of the rows, held against statsmodels on every row; checks, refusals, engines and what is not published."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet
import pytest
from scipy import stats

import causal
from causal import Graph, Question
from causal.analysis import analyse
from causal.configured import part
from causal.design import Design
from causal.disclosure import Disclosure, Reporting
from causal.errors import ConfigError, DataError
from causal.estimate import Estimate
from causal.inference.clustered import cr1_factor
from causal.report.controlled import UNTOLD
from causal.report.record import record
from causal.sources.rows import Children, Rows
from causal.sources.simulated import Simulated

WORLD = Simulated(authorities=60, years=6)
TREATMENT, CONTROL = "spending_power", "closures"


@pytest.fixture(scope="module")
def children() -> pd.DataFrame:
    return Children(world=WORLD, children=30_000, missing=0.03).table()


def asked(outcome: str = "plans", modifiers: tuple[str, ...] = ()) -> Question:
    return Question(treatment=TREATMENT, outcome=outcome, control=0.0, treated=1.0, smallest_important=1.0, because="a test", modifiers=modifiers)


def graph(outcome: str, *more: str) -> Graph:
    causes = ("authority", "year", CONTROL, *more)
    nodes: dict[str, Any] = {name: {} for name in (TREATMENT, outcome, *causes)}
    return Graph(name="rows", nodes=nodes, arrows={TREATMENT: {outcome: "asked"}} | {one: {TREATMENT: "assumed", outcome: "assumed"} for one in causes})


def answer(
    table: Any, outcome: str = "plans", *, estimator: str = "fixed_effects", held: tuple[str, ...] = (), modifiers: tuple[str, ...] = (), **knobs: Any
) -> tuple[Estimate, Design]:
    made = analyse(Rows(table=table, outcome=outcome, **knobs).load(), asked(outcome, modifiers), graph(outcome, *held)).design
    assert made is not None
    return part("estimator", estimator).estimate(made, np.random.default_rng(0)), made


def of_rows(table: pd.DataFrame, columns: Sequence[pd.Series], outcome: str, effects: str, weights: str | None = None) -> tuple[Any, Any, Any]:
    """statsmodels on every row, with a dummy for each effect but one of the years: slopes of the columns, their residual parts and the scores by authority."""
    import statsmodels.api as sm

    weight = np.ones(len(table)) if weights is None else table[weights].to_numpy()
    place = pd.get_dummies(table[effects], dtype=float).to_numpy()
    year = pd.get_dummies(table["year"], dtype=float).to_numpy()[:, 1:]
    x = np.column_stack([*columns, year, place])
    fit = sm.WLS(table[outcome].to_numpy(), x, weights=weight).fit()
    k = len(columns) + year.shape[1]
    inverse = np.linalg.pinv(x.T @ (weight[:, None] * x))
    scores = pd.DataFrame(x * (weight * fit.resid)[:, None]).groupby(table["authority"].to_numpy()).sum().to_numpy() @ inverse
    return fit.params[: len(columns)], scores[:, : len(columns)], float(cr1_factor(len(scores), len(table), len(table) - k))


CASES = {
    "yes or no, some missing": ({}, (), "authority", ["plans"], None),
    "a count": ({"outcome": "contacts"}, (), "authority", [], None),
    "weighted": ({"weights": "weight"}, (), "authority", ["plans"], "weight"),
    "patterns, some missing": ({"by": ["age_band"]}, (), "place_band", ["plans", "age_band"], None),
    "a score held fixed": ({"covariates": ["need_score"]}, ("need_score",), "authority", ["plans"], None),
    "weighted, two scores held fixed": (
        {"covariates": ["need_score", "contacts"], "weights": "weight"},
        ("need_score", "contacts"),
        "authority",
        ["plans"],
        "weight",
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_the_fit_of_cells_is_statsmodels_fit_of_every_row(children: pd.DataFrame, case: str) -> None:
    """Effect and scores of every authority, and with them every error by authority (CR1 with the people as n), to 1e-8."""
    knobs, held, effects, needs, weights = CASES[case]
    knobs = dict(knobs)
    outcome = str(knobs.pop("outcome", "plans"))
    table = children.dropna(subset=needs).assign(place_band=lambda t: t["authority"] + t["age_band"].astype(str))
    one, made = answer(children, outcome, held=held, **knobs)
    slopes, scores, factor = of_rows(table, [table[TREATMENT], table[CONTROL], *(table[name] for name in held)], outcome, effects, weights)
    assert made.row_count == len(table)
    assert one.effect == pytest.approx(slopes[0], rel=1e-8)
    # the design's own residuals give CR1 where few effective clusters make the answer's error CR2
    basis = made.basis()
    residualised, left = (made.partial_out(column[:, None], basis)[:, 0] for column in (made.treatment, made.outcome))
    raw = np.bincount(made.cluster, weights=residualised * (left - residualised * one.effect)) / (residualised @ residualised)
    np.testing.assert_allclose(raw, scores[:, 0], rtol=1e-7, atol=1e-9 * np.abs(scores[:, 0]).max())
    if one.inference.startswith("CR1"):
        assert one.std_error == pytest.approx(np.sqrt(factor * scores[:, 0] @ scores[:, 0]), rel=1e-8)


def test_an_effect_by_a_characteristic_is_statsmodels_interaction(children: pd.DataFrame) -> None:
    one, _ = answer(children, by=["sex"], modifiers=("sex",))
    table = children.dropna(subset=["plans"]).assign(place_sex=lambda t: t["authority"] + t["sex"])
    columns = [table[TREATMENT] * (table["sex"] == sex) for sex in ("f", "m")]
    slopes, _, _ = of_rows(table, [*columns, table[CONTROL]], "plans", "place_sex")
    assert [made.name for made in one.parts] == ["f", "m"]
    np.testing.assert_allclose([made.effect for made in one.parts], slopes[:2], rtol=1e-8)
    assert [made.people for made in one.parts] == [int((table["sex"] == sex).sum()) for sex in ("f", "m")]
    assert {made.authorities for made in one.parts} == {60}


def test_poisson_with_people_as_exposure_is_statsmodels_fit_of_every_row() -> None:
    """Slope and CR1 of statsmodels' Poisson on the children themselves, so many places that both sides take CR1."""
    import statsmodels.api as sm

    children = Children(world=Simulated(authorities=330, years=4), children=16_000).table()

    one, made = answer(children, "contacts", estimator="poisson_fixed_effects")
    dummies = [pd.get_dummies(children[name], dtype=float).to_numpy()[:, 1:] for name in ("authority", "year")]
    x = np.column_stack([children[TREATMENT], children[CONTROL], np.ones(len(children)), *dummies])
    fit = sm.GLM(children["contacts"].to_numpy(), x, family=sm.families.Poisson()).fit(tol=1e-13)
    assert np.log(one.diagnostics["rate ratio"]) == pytest.approx(fit.params[0], rel=1e-7)
    assert one.inference.startswith("CR1")
    # every child counted, and the coefficients that are not nested in places: two slopes and the years
    score = x * np.asarray(fit.resid_response)[:, None]
    codes = pd.factorize(children["authority"])[0]
    sums = np.column_stack([np.bincount(codes, weights=column) for column in score.T]) @ np.linalg.inv(x.T @ (fit.fittedvalues[:, None] * x))
    n, g, k = len(children), len(made.clusters), 2 + len(made.years) - 1
    error = np.sqrt(g / (g - 1) * (n - 1) / (n - k) * sums[:, 0] @ sums[:, 0])
    half = np.log(one.diagnostics["rate ratio, upper"]) - np.log(one.diagnostics["rate ratio"])
    assert half / stats.t.ppf(0.975, one.df) == pytest.approx(error, rel=1e-6)
    assert (n - 1) / (n - k) < 1 + 1e-3 < (made.rows - 1) / (made.rows - k)  # rows alone would tell


def test_simulated_children_add_up_to_the_simulated_panel() -> None:
    """The planted rates: within half a child in each authority and year."""
    whole, panel = Children(world=WORLD, children=30_000), WORLD.load()
    frame = Rows(table=whole, outcome="plans", per=10_000, people="children").load().frame
    far = (frame["plans"] - panel.frame["plans"]).abs() / 10_000 * frame["children"]
    assert far.max() <= 0.5 + 1e-9
    for name in ("closures", "deprivation"):
        np.testing.assert_array_equal(frame[name], panel.frame[name])


def test_every_engine_gives_the_same_cells(children: pd.DataFrame, tmp_path: Path) -> None:
    """DuckDB from Parquet, from CSV and from a folder of both halves, pandas, and an Arrow table."""
    knobs: dict[str, Any] = {"outcome": ["plans", "contacts"], "by": ["age_band", "sex"], "weights": "weight"}
    children.to_parquet(tmp_path / "whole.parquet")
    children.to_csv(tmp_path / "whole.csv", index=False)
    (tmp_path / "parts").mkdir()
    half = len(children) // 2
    for at, piece in enumerate((children[:half], children[half:])):
        piece.to_parquet(tmp_path / "parts" / f"{at}.parquet")
    first = Rows(path=str(tmp_path / "whole.parquet"), **knobs).load().frame
    for source in (
        Rows(path=str(tmp_path / "whole.csv"), **knobs),
        Rows(path=str(tmp_path / "parts"), **knobs),
        Rows(path=str(tmp_path / "whole.parquet"), engine="pandas", **knobs),
        Rows(table=pa.Table.from_pandas(children), **knobs),
        Rows(table=children, **knobs),
    ):
        pd.testing.assert_frame_equal(source.load().frame, first, rtol=1e-12)


def test_spark_gives_the_same_cells(children: pd.DataFrame, tmp_path: Path) -> None:
    import shutil

    sql = pytest.importorskip("pyspark.sql")
    if shutil.which("java") is None:
        pytest.skip("Spark needs Java")
    children.to_parquet(tmp_path / "whole.parquet")
    local = {"spark.ui.enabled": "false", "spark.driver.bindAddress": "127.0.0.1", "spark.driver.host": "127.0.0.1"}
    spark = sql.SparkSession.builder.master("local[1]").config(map=local).getOrCreate()
    try:
        knobs: dict[str, Any] = {"outcome": ["plans"], "by": ["age_band"]}
        found = Rows(table=spark.read.parquet(str(tmp_path / "whole.parquet")), **knobs).load().frame
    finally:
        spark.stop()
    pd.testing.assert_frame_equal(found, Rows(table=children, **knobs).load().frame, rtol=1e-12)


def test_a_treatment_of_two_years_before_is_found_though_a_pattern_had_nobody_then() -> None:
    """Three kinds of people by hand: of a pattern seen in 2012 alone the place's column of 2010 is known."""
    table = pd.DataFrame({"authority": "A", "year": [2010, 2012, 2012], "sex": ["f", "f", "m"], "y": [0.0, 1.0, 1.0], "cut": [0.1, 0.3, 0.3]})
    more = pd.concat([table.assign(authority=f"A{k}") for k in range(4)] * 2, ignore_index=True)  # two people of each kind
    panel = Rows(table=more, outcome="y", by=["sex"]).load()
    assert panel.shift("cut", -2)[("A0 · m", 2012)] == 0.1
    assert np.isnan(panel.frame.loc[("A0 · m", 2010), "y"])


def test_what_is_left_out_is_counted_in_people(children: pd.DataFrame) -> None:
    panel = Rows(table=children, outcome="plans", by=["age_band"]).load()
    lost = {loss.column: loss.rows for loss in panel.log}
    assert lost == {None: int(children["age_band"].isna().sum()), "plans": int((children["plans"].isna() & children["age_band"].notna()).sum())}
    assert all(loss.people for loss in panel.log)


@pytest.fixture(scope="module")
def result(tmp_path_factory: pytest.TempPathFactory) -> causal.Result:
    """A study of patterns with every check of the default list, in which one place has few children."""
    table = Children(world=Simulated(authorities=60, years=9), children=20_000).table()
    small = table["authority"] == "S007"
    table = pd.concat([table[~small], table[small].groupby("year").head(8)], ignore_index=True)
    path = tmp_path_factory.mktemp("rows") / "children.parquet"
    table.to_parquet(path)
    study = causal.load(
        *("experiment=closures", "source=rows", f"source.path={path}", "source.outcome=plans", "source.per=10000", "source.people=children"),
        *("source.by=[sex]", "source.name=name", "source.region=region", "question.modifiers=[sex]", "question.lag=1", "beside=[]"),
        *("refuters.placebo_treatment.draws=200", "refuters.shared_shocks.draws=199"),
    )
    return causal.run(study)


def test_every_check_answers_on_rows_of_people_or_says_why_not(result: causal.Result) -> None:
    ran = {one.name for one in result.refutations if one.survived is not None}
    wanted = {"placebo_treatment", "future_treatment", "pre_trend", "placebo_dates", "leave_one_out", "bootstrap", "data_subset", "random_common_cause"}
    assert wanted <= ran
    assert result.estimate is not None and result.design is not None
    assert result.estimate.authorities == 60 and result.design.row_count > 10 * result.design.rows / 2
    assert all(one.reason for one in result.refutations if one.survived is None)


def of(result: causal.Result, disclosure: Any) -> dict[str, Any]:
    from dataclasses import replace

    study = replace(result.study, report=Reporting(disclosure=disclosure))
    return record(replace(result, study=study), {"config": ""})


def test_small_numbers_of_people_are_not_published_and_the_estimate_does_not_move(result: causal.Result) -> None:
    """The planted place has 8 children a year: 16 codes and names that may stand nowhere but in the list of places, and every count a multiple of five."""
    shown, bare = of(result, None), of(result, False)
    assert shown["estimate"]["effect"] == bare["estimate"]["effect"] and shown["verdict"]["row"] == bare["verdict"]["row"]
    name = str(result.panel.places["name"][next(code for code in result.panel.places.index if code.startswith("S007"))]).split(",")[0]
    texts = json.dumps({key: value for key, value in shown.items() if key not in ("source", "provenance")}, ensure_ascii=False)
    assert name not in texts and "S007" not in texts
    assert not [one for one in shown["source"]["places"] if one["authority"].startswith("S007")]
    counts = [shown["design"]["people"], shown["source"]["people"]["total"], *(made["people"] for made in shown["estimate"]["parts"])]
    assert all(number % 5 == 0 for number in counts), counts
    assert any("under 10 are not shown" in note for note in shown["source"]["notes"])
    assert not any("not shown" in note for note in bare["source"]["notes"])
    assert UNTOLD not in json.dumps(bare)


def test_pages_are_written_and_the_scores_of_small_places_are_no_number(result: causal.Result, tmp_path: Path) -> None:
    """With the one small place the next smallest goes too, since all scores add up to 0."""
    result.report(tmp_path / "pages")
    scores = pd.read_csv(tmp_path / "pages" / "influence.csv")
    gone = pd.to_numeric(scores["score"], errors="coerce").isna()
    assert gone.sum() == 2 and gone[scores["authority_code"] == "S007"].all()
    page = (tmp_path / "pages" / "report.html").read_text(encoding="utf-8")
    assert "numbers of people are rounded to 5" in page


def test_a_part_that_could_be_found_from_the_others_goes_too() -> None:
    """By hand: of 7, 40 and 300 the 7 is hidden, and 40 with it, as the whole is known; two small ones hide each other."""
    rule = Disclosure()
    assert rule.hidden({"a": 7, "b": 300, "c": 40}) == {"a", "c"}
    assert rule.hidden({"a": 7, "b": 9, "c": 40}) == {"a", "b"}
    assert rule.hidden({"a": 70, "b": 0}) == set()
    assert [rule.shown(n) for n in (0, 9, 10, 12, 13)] == [0, None, 10, 10, 15]


def test_published_statistics_are_shown_as_they_are() -> None:
    assert Reporting().of(people=False) is None
    assert Reporting().of(people=True) == Disclosure(least=10, round=5)
    assert Reporting(disclosure={"least": 5}).of(people=False) == Disclosure(least=5)
    assert Reporting(disclosure=False).of(people=True) is None


REFUSED: dict[str, tuple[dict[str, Any], tuple[str, ...]]] = {
    "no authority": ({"authority": "place"}, ("source.authority", "'place'", "source.authority=COLUMN")),
    "no year": ({"year": "yr"}, ("source.year", "'yr'", "source.year=COLUMN")),
    "no such outcome": ({"outcome": "plan"}, ("source.outcome", "'plan'", "'plans'")),
    "words as outcome": ({"outcome": "sex"}, ("'sex'", "words", "0 and 1")),
    "patterns too fine": ({"by": ["need_score"]}, ("source.by", "need_score", "bands", "source.covariates")),
}


@pytest.mark.parametrize("case", REFUSED)
def test_rows_that_cannot_be_used_are_refused_in_one_message(children: pd.DataFrame, case: str) -> None:
    knobs, says = REFUSED[case]
    with pytest.raises(DataError) as told:
        Rows(**{"table": children, "outcome": "plans", **knobs}).load()
    assert all(word in str(told.value) for word in says), str(told.value)


@pytest.mark.parametrize(
    ("knobs", "says"),
    [
        ({}, "source.outcome"),
        ({"path": "a.parquet", "table": 1, "outcome": "y"}, "source.path"),
        ({"path": "a.parquet"}, "source.outcome"),
        ({"path": "a.parquet", "outcome": "y", "engine": "oracle"}, "source.engine"),
        ({"path": "a.parquet", "outcome": "y", "by": ["y"]}, "'y'"),
        ({"path": "a.parquet", "outcome": "y", "per": 0}, "source.per"),
    ],
)
def test_knobs_that_do_not_fit_are_refused(knobs: dict[str, Any], says: str) -> None:
    with pytest.raises(ConfigError) as told:
        Rows(**knobs).load()
    assert says in str(told.value)


def test_a_treatment_of_people_is_said_with_what_to_do(children: pd.DataFrame) -> None:
    """One child of one place and year is treated otherwise than the rest."""
    table = children.copy()
    table.loc[table.index[5], CONTROL] += 0.25
    source = Rows(table=table, outcome="plans")
    assert CONTROL not in source.load().names
    why = source.missing(CONTROL)
    assert "1 authority-year" in why and "S001" not in why and f"source.means=[{CONTROL}]" in why
    means = Rows(table=table, outcome="plans", means=[CONTROL]).load().frame[CONTROL]
    assert means.iloc[0] == pytest.approx(table.groupby(["authority", "year"])[CONTROL].mean().iloc[0], rel=1e-12)


def test_a_heading_is_a_name_whatever_it_holds_and_an_error_repeats_no_row(tmp_path: Path) -> None:
    """A heading with SQL in it was run where another file could not be read; and an engine's own words quote the line that it stumbled over."""
    (tmp_path / "secret.txt").write_text("of a person")
    heading = f"plan\")), (select error('RAN ' || content) from read_text('{tmp_path / 'secret.txt'}')), bit_xor(hash(\"plan"
    (tmp_path / "rows").mkdir()
    pa.parquet.write_table(pa.table({"authority": ["A"], "year": [2010], "y": [1.0], heading: [1.0]}), tmp_path / "rows" / "a.parquet")
    (tmp_path / "rows" / "b.parquet").write_bytes(b"junk")
    with pytest.raises(DataError) as told:
        Rows(path=str(tmp_path / "rows"), outcome="y").load()
    assert "RAN" not in str(told.value) and "of a person" not in str(told.value) and "b.parquet" in str(told.value)
    lines = "authority,year,y,who\n" + "A,2010,1,x\n" * 30_000 + "A,2010,1,JANE DOE,more\n"
    (tmp_path / "people.csv").write_text(lines)
    with pytest.raises(DataError) as told:
        Rows(path=str(tmp_path / "people.csv"), outcome="y").load()
    assert "people.csv" in str(told.value) and "JANE" not in str(told.value)


@pytest.mark.parametrize("column", ["year", "effect", "people"])
def test_a_column_called_as_the_added_rows_call_theirs_is_refused(column: str) -> None:
    table = pd.DataFrame({"place": ["A", "B"] * 6, "fy": [2010, 2011] * 6, "y": [0.0, 1.0] * 6, column: np.arange(12.0)})
    with pytest.raises(DataError, match=f"'{column}', which the added rows have for themselves"):
        Rows(table=table, outcome="y", authority="place", year="fy").load()


def test_somebody_is_never_shown_as_nobody() -> None:
    assert Disclosure(least=3, round=10).shown(4) == 10 and Disclosure().shown(0) == 0


def test_text_that_is_not_utf8_is_refused_by_file(tmp_path: Path) -> None:
    raw = pa.array([b"ok", b"caf\xe9"], type=pa.binary()).view(pa.string())
    table = pa.table({"authority": ["A", "B"], "year": [2010, 2010], "band": raw, "y": [1.0, 0.0]})
    pa.parquet.write_table(table, tmp_path / "bad.parquet")
    with pytest.raises(DataError) as told:
        Rows(path=str(tmp_path / "bad.parquet"), outcome="y", by=["band"]).load()
    assert "bad.parquet" in str(told.value) and "UTF-8" in str(told.value)


@pytest.mark.parametrize("engine", ["duckdb", "pandas"])
def test_a_piece_that_fails_half_way_is_named(children: pd.DataFrame, tmp_path: Path, engine: str) -> None:
    """The second of three pieces has bytes in its middle overwritten: its foot is whole, so that it opens, and reading it fails."""
    for at in range(3):
        children[at * 1000 : (at + 1) * 1000].to_parquet(tmp_path / f"{at}.parquet", compression="zstd")
    file = tmp_path / "1.parquet"
    broken = bytearray(file.read_bytes())
    broken[200 : len(broken) // 2] = b"\xff" * (len(broken) // 2 - 200)
    file.write_bytes(bytes(broken))
    with pytest.raises(DataError) as told:
        Rows(path=str(tmp_path), outcome="plans", by=["age_band"], engine=engine).load()
    assert "1.parquet" in str(told.value) and "one of 3 files" in str(told.value) and "\n" not in str(told.value)


def test_sums_read_twice_are_the_same_to_the_bit(children: pd.DataFrame, tmp_path: Path) -> None:
    children.to_parquet(tmp_path / "whole.parquet")
    one, two = (Rows(path=str(tmp_path / "whole.parquet"), outcome="plans", weights="weight").load() for _ in range(2))
    assert one.digest == two.digest


def test_a_check_draws_as_the_estimate_counts(children: pd.DataFrame) -> None:
    """The error of a redraw of the treatment itself is the estimate's own, people counted in both."""
    from causal.redraw import with_treatment

    one, made = answer(children)
    effects, errors = with_treatment(made, True)(made.treatment[None])
    assert effects[0] == pytest.approx(one.effect, rel=1e-9)
    assert errors[0] == pytest.approx(one.std_error, rel=1e-6)


def test_a_class_of_ones_own_brings_any_table(tmp_path: Path) -> None:
    """A trusted class whose table is DuckDB's, asked for by name from a study's words."""
    (tmp_path / "mine_rows.py").write_text(
        "import duckdb\nfrom causal.sources.rows import Children\n\n\nclass Mine:\n    def __init__(self, children):\n        self.children = children\n\n"
        "    def table(self):\n        return duckdb.connect().from_df(Children(children=self.children).table())\n",
        encoding="utf-8",
    )
    words = ("experiment=closures", "source=rows", "source.outcome=plans", "source.people=children", "refuters=[]", "beside=[]")
    study = causal.load(*words, "source.table={_target_: mine_rows.Mine, children: 20000}", trust=[str(tmp_path)])
    assert study.source.load().frame["children"].sum() == pytest.approx(20_000, rel=0.05)
    with pytest.raises(ConfigError, match="--trust"):
        causal.load(*words, "source.table={_target_: mine_rows.Mine, children: 20000}")


def test_check_says_what_rows_of_people_hold(children: pd.DataFrame, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Against pandas on the rows: how many, what is missing, how many cells are small."""
    from causal.cli import main

    children.to_parquet(tmp_path / "whole.parquet")
    assert main(["check", str(tmp_path / "whole.parquet"), "--people", "--outcome", "plans", "--by", "age_band"]) == 0
    said = capsys.readouterr().out
    sizes = children.dropna(subset=["age_band"]).groupby(["authority", "year", "age_band"]).size()
    assert f"{len(children):,} rows of people, 60 authorities, 6 years" in said
    assert f"age_band: missing in {children['age_band'].isna().sum():,} rows" in said
    assert f"{(sizes < 10).sum():,} ({(sizes < 10).mean():.0%}) hold fewer than 10" in said
    assert "source=rows" in said and "source.by=[age_band]" in said
