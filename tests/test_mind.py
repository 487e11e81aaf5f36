"""What would change the answer, and the one next step: closed forms held against the fields, and the datum that would settle it where somebody knows."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy import stats
from test_report import ROLES, bare, judged, provenance, refutation, study  # noqa: F401  (fixtures)

from causal.panel import Panel
from causal.refutation import Hidden
from causal.refuters.unmeasured_confounder import UnmeasuredConfounder
from causal.report.first import command, first
from causal.report.phrases import planted
from causal.report.record import record
from causal.report.summary import summary
from causal.report.terminal import little, terminal_lines
from causal.study import Result, run
from causal.verdict.reason import Next
from causal.verdict.rule import BIAS

SEES = tuple(refutation(name, True, 0.5, blind_below=1.0) for name in BIAS["dose"])
CLEAN = (*SEES, refutation("placebo_treatment", True, trials=500, alarms=25))


def beside(panel: Panel, y: str, *held: str) -> np.ndarray:
    """What is left of a column when others, and every place and year by dummies, are held fixed."""
    frame = panel.frame.assign(before=panel.frame.groupby("authority")["plans"].shift()).dropna().reset_index()
    dummies = np.column_stack([frame[key].to_numpy()[:, None] == np.unique(frame[key])[None, :] for key in ("authority", "year")]).astype(float)
    x = np.column_stack([dummies, *(frame[name] for name in held)])
    values = frame[y].to_numpy()
    return np.asarray(values - x @ np.linalg.lstsq(x, values, rcond=None)[0])


@pytest.mark.parametrize("smallest", [2.0, 3.0, 6.0])
def test_a_hidden_cause_of_that_strength_moves_the_range_to_the_line(smallest: float) -> None:
    """k by Cinelli & Hazlett 2020, sec. 4.4 and eqs 12 to 15, from regressions on dummies: at k times the benchmark an end of the interval lies on the line."""
    given = study()
    made = run(replace(given, question=replace(given.question, smallest_important=smallest), refuters={"unmeasured_confounder": UnmeasuredConfounder()}))
    (check,) = made.refutations
    cause, estimate, panel = check.hidden, made.estimate, made.panel
    assert cause is not None and estimate is not None and estimate.std_error is not None and cause.multiple is not None and cause.benchmark == "need for help"
    k, df = cause.multiple, estimate.df or estimate.clusters - 1
    d, d_alone = beside(panel, "closed", "need", "before"), beside(panel, "closed", "before")
    y, y_alone = beside(panel, "plans", "need", "before", "closed"), beside(panel, "plans", "before", "closed")
    r2_d, r2_y = 1 - (d @ d) / (d_alone @ d_alone), 1 - (y @ y) / (y_alone @ y_alone)
    dz = k * r2_d / (1 - r2_d)
    tie = k * r2_d**2 / ((1 - k * r2_d) * (1 - r2_d))
    yz = min(((math.sqrt(k) + math.sqrt(tie)) / math.sqrt(1 - tie)) ** 2 * r2_y / (1 - r2_y), 1 - 1e-12)  # no share is more than the whole
    bias = 0.5 * math.sqrt((y @ y) / (d @ d)) * math.sqrt(yz * dz / (1 - dz))
    error = estimate.std_error * math.sqrt((1 - yz) / (1 - dz) * df / (df - 1))
    half = float(stats.t(df - 1).isf(0.025)) * error
    line, end = {
        "unimportant": (smallest, estimate.effect - bias - half),
        "no_change": (0.0, estimate.effect - bias - half),
        "important_rise": (smallest, estimate.effect + bias + half),
        "important_fall": (-smallest, estimate.effect - bias - half),
    }[str(cause.admits)]
    assert end == pytest.approx(line, abs=1e-6)
    said = record(made, {})["answer"]["would_change"]
    assert sum("A hidden cause" in one for one in said) <= 1


def ranged(bare: Result, lower: float, upper: float) -> Result:  # noqa: F811
    assert bare.estimate is not None
    return replace(bare, estimate=replace(bare.estimate, effect=(lower + upper) / 2, lower=lower, upper=upper))


def says(result: Result, hidden: Hidden) -> list[str]:
    return list(first(record(judged(result, (*CLEAN, refutation("unmeasured_confounder", True, family="sensitivity", hidden=hidden))), {}))["mind"])


@pytest.mark.parametrize(
    ("multiple", "words"), [(2.0, "twice as strong as"), (1.0, "as strong as"), (4.2, "4.2 times as strong as"), (0.004, "less than a tenth as strong as")]
)
def test_a_hidden_cause_is_said_as_so_many_times_a_benchmark(bare: Result, multiple: float, words: str) -> None:  # noqa: F811
    cause = Hidden(share=0.1, benchmark="changing deprivation", multiple=multiple, admits="important_rise")
    said = says(ranged(bare, -1.0, 1.0), cause)
    assert any(f"A hidden cause {words} changing deprivation would let an important rise fit these data." == line for line in said), said
    assert any("explains 12% of what is unexplained" in line for line in says(ranged(bare, 1.0, 3.0), Hidden(share=0.123)))


# an interval beside what matters from 2 on → what does not fit it, by the interval's ends alone
DENIES = {
    (-3.0, 3.0): set(),
    (-1.0, 3.0): {"important_fall"},
    (-3.0, 1.0): {"important_rise"},
    (-1.0, 1.0): {"important_rise", "important_fall"},
    (1.0, 3.0): {"no_change", "important_fall"},
    (2.5, 3.0): {"no_change", "important_fall", "unimportant"},
    (-3.0, -1.0): {"no_change", "important_rise"},
    (-3.0, -2.5): {"no_change", "important_rise", "unimportant"},
}


@pytest.mark.parametrize("ends", DENIES)
@pytest.mark.parametrize("admits", ["important_rise", "important_fall", "no_change", "unimportant"])
def test_no_hidden_cause_is_said_to_bring_what_fits_already(bare: Result, ends: tuple[float, float], admits: str) -> None:  # noqa: F811
    cause = Hidden(share=0.1, benchmark="changing deprivation", multiple=0.7, admits=admits)  # type: ignore[arg-type]
    assert any("A hidden cause" in line for line in says(ranged(bare, *ends), cause)) is (admits in DENIES[ends])
    assert any("A hidden cause" in line for line in says(ranged(bare, *ends), Hidden(share=0.1))) is ("no_change" in DENIES[ends])


@pytest.mark.parametrize("error", [0.5, 1.0, 2.0, 4.0])
def test_a_sharper_study_takes_detectable_over_smallest_squared_times_the_information(bare: Result, error: float) -> None:  # noqa: F811
    """Bloom 1995: detectable = (t₀.₉₇₅ + t₀.₈) SE, and an error falls with the root of the information; so ((t₀.₉₇₅ + t₀.₈) SE / δ)²."""
    assert bare.estimate is not None
    df, half = 39.0, float(stats.t(39).ppf(0.975)) * error
    wide = replace(bare.estimate, effect=0.5, std_error=error, lower=0.5 - half, upper=0.5 + half, df=df)
    verdict = judged(replace(bare, estimate=wide), CLEAN).verdict
    wanted = float(stats.t(df).ppf(0.975) + stats.t(df).ppf(0.8)) * error
    assert verdict.detectable == pytest.approx(wanted, rel=1e-6)
    changes = [one for one in verdict.would_change if one.code == "information"]
    if wanted <= 2:
        assert not changes and verdict.next == Next(code="again")
    else:
        assert changes[0].number == pytest.approx((wanted / 2) ** 2, rel=1e-6)
        assert verdict.next is not None and verdict.next.code == "information" and verdict.next.number == changes[0].number


def test_the_next_step_is_the_first_thing_that_is_lacking(bare: Result) -> None:  # noqa: F811
    """From no answer to a settled one: what forbids an answer comes before what would sharpen it."""
    assert bare.estimate is not None

    def step(*checks: object, **change: object) -> str:
        made = judged(replace(bare, estimate=replace(bare.estimate, **change)), checks).verdict.next  # type: ignore[arg-type, type-var]
        assert made is not None
        return made.code

    none = {"lower": None, "upper": None, "std_error": None, "p_value": None, "df": None}
    assert step(*CLEAN, **none) == "interval"
    support = bare.estimate.support
    assert support is not None

    def without(why: str, **few: object) -> str:
        return step(*CLEAN, **none, no_interval=why, support=replace(support, **few))  # type: ignore[arg-type]

    # what no method could give: places, another instrument; and what one can: a range of placebos, where enough were untreated and none stands there already
    assert without("two_clusters", clusters=2) == "clusters" and without("weak_instruments") == "instrument"
    one = {"carried_by": "A01", "treated": 1}
    assert without("one_cluster", **one, untreated=30) == "placebo_range"
    assert without("one_cluster", **one, untreated=30, placebo_lower=-1.0, placebo_upper=1.0) == without("one_cluster", **one, untreated=9) == "one_place"
    assert step(refutation("pre_trend", False, 1e-6), *CLEAN[1:]) == "failed"
    assert step(*CLEAN, association=True) == "hold"
    assert step() == "check"
    assert step(*(one for one in CLEAN if one.role != "negative_control")) == "look"
    assert step(*CLEAN[:-1]) == "placebos"
    # of what cannot be told no check helps before the range is narrower; 2 (t₀.₉₇₅ + t₀.₈) = 5.7 is 8 times the information, ten times as much 822 times
    unlooked = [one for one in CLEAN if one.role != "negative_control"]
    assert step(*unlooked, effect=0.1, lower=-3.9, upper=4.1, std_error=2.0) == "information"
    assert step(*unlooked, effect=0.1, lower=-39.9, upper=40.1, std_error=20.0) == "elsewhere"
    shocks = refutation("shared_shocks", False, role="shared_shocks", family="inference")
    assert step(*unlooked, shocks, effect=0.1, lower=-3.9, upper=4.1, std_error=2.0) == "groups"
    assert step(*CLEAN, refutation("shared_shocks", False, role="shared_shocks", family="inference")) == "groups"
    assert step(*CLEAN) == "again"


def test_the_datum_that_would_settle_it_is_the_next_step_where_somebody_knows(bare: Result) -> None:  # noqa: F811
    """A cause that nobody records, and a treatment recorded with a fault: the remedy in its own words, in what would change our mind and in the next step."""
    from test_report import Made

    asks = "Ask families how they fare"
    lacking = study(source=Made(need=False))
    nodes = tuple(replace(node, remedy=asks) if node.name == "need" else node for node in lacking.graph.nodes)
    graph = replace(lacking.graph, nodes={node.name: {"label": node.label, "varies": node.varies, "remedy": node.remedy} for node in nodes})  # type: ignore[arg-type]
    one = first(record(run(replace(lacking, graph=graph)), {}))
    assert one["next"]["words"] == f"{asks}." and f"{asks}. That would settle it." in one["mind"]
    plain = first(record(run(lacking), {}))
    assert plain["next"]["words"].startswith("Get need for help, by authority and year")

    assert bare.design is not None
    faulty = replace(bare.design.treatment_variable, caution="some of it is bookkeeping", remedy="Get the dates")
    panel = replace(bare.panel, variables=tuple(faulty if one.name == faulty.name else one for one in bare.panel.variables))
    again = run(bare.study, panel=panel)
    one = first(record(judged(again, CLEAN), {}))
    assert one["next"]["words"] == "Get the dates." and one["mind"][0] == "Get the dates. That would settle it."
    unknown = replace(panel, variables=tuple(replace(one, remedy="") for one in panel.variables))
    assert "A better record of what was done: some of it is bookkeeping." in first(record(judged(run(bare.study, panel=unknown), CLEAN), {}))["mind"]


def test_shipped_graphs_and_records_say_what_would_settle_them() -> None:
    """Every cause of a shipped graph that nobody records and that moves the question's own variables, and every shipped caution, has its remedy."""
    from pathlib import Path

    import yaml

    from causal.sources.simulated import Simulated

    graphs = Path(__file__).parents[1] / "conf" / "graph"
    lacking = [
        (path.stem, name)
        for path in graphs.glob("*.yaml")
        for name, about in (yaml.safe_load(path.read_text(encoding="utf-8")).get("nodes") or {}).items()
        if about.get("measured") is False and name in ("need", "trouble") and not about.get("remedy")
    ]
    assert not lacking
    cautions = [one for one in Simulated(authorities=12, years=4).load().variables if one.caution]
    assert cautions and all(one.remedy for one in cautions)
    assert "ROLES" and ROLES["pre_trend"] == "timing"


@pytest.mark.parametrize(("effect", "lower", "upper"), [(1.0, -1.0, 3.0), (4.0, 2.5, 5.5), (-3.0, -7.0, 1.0), (0.2, -0.9, 1.3)])
def test_the_picture_and_the_terminal_put_every_number_where_it_belongs(bare: Result, effect: float, lower: float, upper: float, tmp_path: object) -> None:  # noqa: F811
    """Positions are read back from the drawing: a straight line of the pixels through 0 and what matters gives back every number."""
    import re

    assert bare.estimate is not None
    at = replace(bare.estimate, effect=effect, lower=lower, upper=upper, std_error=(upper - lower) / 4.05)
    data = record(judged(replace(bare, estimate=at), CLEAN), provenance())
    svg = first(data)["picture"]["wide"]
    left, width = (float(one) for one in re.search(r'<rect x="([\d.]+)" y="[\d.]+" width="([\d.]+)"', svg).groups())  # type: ignore[union-attr]
    zero, scale = left + width / 2, width / 4  # the band is 2 either way

    def value(x: str) -> float:
        return (float(x) - zero) / scale

    begin, end = re.search(r'<path d="M([\d.]+) [\d.]+H([\d.]+)" stroke="var\(--\w+\)" stroke-width="(?:11|6)"', svg).groups()  # type: ignore[union-attr]
    dot = re.search(r'<circle cx="([\d.]+)"', svg)[1]  # type: ignore[index]
    star = [float(one.partition(",")[0]) for one in re.search(r'<polygon points="([^"]+)"', svg)[1].split()]  # type: ignore[index]
    near = 0.2 / scale
    assert value(begin) == pytest.approx(lower, abs=near) and value(end) == pytest.approx(upper, abs=near) and value(dot) == pytest.approx(effect, abs=near)
    assert (sum(star) / len(star) - zero) / scale == pytest.approx(4.0, abs=near)  # the planted truth
    for x, words in re.findall(r'<text x="([\d.]+)" y="[\d.]+" font-size="13.5" text-anchor="middle" style="fill:var\(--ink\)">([+−]?\d[\d.]*)</text>', svg):
        assert value(x) == pytest.approx(float(words.replace("−", "-")), abs=near)
    # letters of the terminal: of 44 from the lowest of range, −2 and 0 to the highest
    low, high = min(lower, -2.0), max(upper, 2.0)
    (line, _) = little(data)
    cells = line[13:]

    def place(number: float) -> int:
        return math.floor((number - low) / (high - low) * 43 + 0.5)

    assert cells.index("●") == place(effect) and min(i for i, one in enumerate(cells) if one in "━●╋╂") == place(lower)
    assert max(i for i, one in enumerate(cells) if one in "━●╋╂") == place(upper)
    assert all(cells[place(one)] in "┆╋●" for one in (-2.0, 2.0)) and cells[place(0.0)] in "┃╂●"
    lines = terminal_lines(data, tmp_path)  # type: ignore[arg-type]
    assert len(lines) <= 12 and all(len(one) <= 100 for one in lines[:-2]) and " ".join(lines[0].split()) in data["answer"]["headline"]


@pytest.mark.parametrize(("smallest", "mark"), [(1e-7, "0.0000001"), (2.5, "2.5"), (1 / 3, "0.333333"), (40.0, "40")])
def test_what_matters_is_marked_at_the_terminal_with_digits_that_suit_its_size(smallest: float, mark: str) -> None:
    estimate = {"effect": 2 * smallest, "lower": smallest, "upper": 3 * smallest, "std_error": smallest / 2}
    (_, scale) = little({"estimate": estimate, "question": {"smallest_important": smallest}})
    assert scale.split() == [f"−{mark}", "0", f"+{mark}", "matters"]


PLACEBOS = "refuters.placebo_treatment.draws=500 refuters.placebo_treatment.refits=200"


def stepped(bare: Result, code: str, *words: str) -> dict[str, object]:  # noqa: F811
    """A record whose next step is this, of a run by these words."""
    data = record(bare, {**provenance(), "command": ["causal", "run", *words]})
    data["verdict"]["next"] = {**(data["verdict"]["next"] or {}), "code": code}  # type: ignore[index]
    return data  # type: ignore[return-value]


@pytest.mark.parametrize(
    ("code", "words", "wanted"),
    [
        (
            "information",
            ["experiment=a", "estimator=one", "estimator.refits=9", "seed=7"],
            "causal simulate experiment=a estimator=one estimator.refits=9 seed=7",
        ),
        ("measure", ["--config-dir", "F", "experiment=a", "estimator=own"], "causal explain --config-dir F experiment=a estimator=own"),
        (
            "interval",
            ["experiment=a", "estimator=own", "estimator.knob=2", "refuters=[default,own]"],
            "causal run experiment=a 'refuters=[default,own]' -m estimator=all",
        ),
        (
            "placebo_range",
            ["experiment=a", "question.target=ATT", "~refuters.bootstrap"],
            "causal run experiment=a '~refuters.bootstrap' estimator=fixed_effects question.target=ATE",
        ),
        (
            "placebos",
            ["experiment=a", "estimator=own", "refuters=[own]", "refuters.placebo_treatment.draws=9"],
            f"causal run experiment=a estimator=own 'refuters=[own,placebo_treatment]' {PLACEBOS}",
        ),
        ("placebos", ["experiment=a", "~refuters"], f"causal run experiment=a {PLACEBOS}"),
    ],
)
def test_the_command_of_the_next_step_asks_the_same_of_the_same_method(bare: Result, code: str, words: list[str], wanted: str) -> None:  # noqa: F811
    """Every word of the command that made the run stands in it, but those that the step itself replaces; as the words of `RUNS` are written by hand here."""
    assert command(stepped(bare, code, *words)) == wanted


@pytest.mark.parametrize("long", [0, 40])
def test_the_terminal_never_cuts_a_command(bare: Result, tmp_path: Path, long: int) -> None:  # noqa: F811
    data = stepped(bare, "placebos", "experiment=closures", "estimator=own", f"title={'x' * 90}")
    data["answer"]["meaning"] = data["answer"]["because"] = "word " * 20 * long or "short"  # type: ignore[index]
    data["answer"]["next"] = "Test the range."  # type: ignore[index]
    lines = terminal_lines(data, tmp_path)
    assert lines.count(f"  {command(data)}") == 1 and len(lines) <= 12
    assert "Test the range." in " ".join(lines) and any("checks" in line for line in lines)
    assert any(line.endswith(" …") for line in lines) == bool(long)


def test_a_failed_check_is_the_main_reason_before_what_was_not_looked_at(bare: Result) -> None:  # noqa: F811
    """Letters a and b both lower; what was found is graver than what was not looked at, also where no step was left for it."""
    unlooked = tuple(one for one in CLEAN if one.role != "negative_control")
    failed = refutation("leave_one_out", False, label="no place decides")
    assert judged(bare, unlooked).answer.because.startswith("Nobody has looked at")
    both = judged(bare, (*unlooked, failed))
    assert both.answer.because.endswith("did not pass.") and "Nobody has looked at" in " ".join(both.answer.reasons)
    low = judged(replace(bare, estimate=replace(bare.estimate, concerns=("made so",))), (*unlooked, failed))  # type: ignore[arg-type, type-var]
    assert low.verdict.certainty == 0 and low.answer.because.endswith("did not pass.")
    assert judged(bare, ()).answer.because == "Nothing could be checked for bias by unmeasured causes."


@pytest.mark.parametrize("ends", DENIES)
def test_the_title_of_the_picture_claims_no_more_than_the_answer(bare: Result, ends: tuple[float, float]) -> None:  # noqa: F811
    """At the lowest certainty, and of an association, no title says a rise or a fall; but where both fit, that is what the answer says too."""
    weak = judged(ranged(bare, *ends), ())
    assert weak.verdict.certainty == 0
    association = judged(replace(ranged(bare, *ends), estimate=replace(ranged(bare, *ends).estimate, association=True)), CLEAN)  # type: ignore[arg-type, type-var]
    for one in (weak, association):
        title = one.answer.picture
        assert (one is weak and weak.verdict.row == "both") or not any(word in title for word in ("rise", "fall", "small")), title
    if weak.verdict.row != "both":
        assert "too weak" in weak.answer.headline and "too weak" in weak.answer.picture


def test_an_answer_on_no_average_says_what_it_is_on_and_multiplies_nothing(bare: Result, tmp_path: Path) -> None:  # noqa: F811
    """The same numbers, once as an average and once as a median: the words differ, people in a place are there for the average alone."""
    estimate = bare.estimate
    assert estimate is not None
    median = replace(estimate, estimand=replace(estimate.estimand, family="median", of="median"))
    plain, other = (record(judged(replace(bare, estimate=one), CLEAN), provenance()) for one in (estimate, median))
    assert not estimate.estimand.same_effect(median.estimand) and "effect on the median within authorities" in median.estimand.words
    one, two = first(plain), first(other)
    assert "median" not in json.dumps(one) and other["estimate"]["estimand"]["of"] == "median"  # type: ignore[index]
    assert two["headline"].removeprefix("SIMULATED: ") == f"Of the median, not of the average: {one['headline'].removeprefix('SIMULATED: ')}"
    assert "(of the median)" in two["second"] and two["asked"] == f"{one['asked']} Answered: for the median, not for the average."
    assert len(two["means"]["rows"]) == 1 and two["means"]["rows"][0]["mini"] == "median" and two["means"]["rows"][0]["best"] == one["means"]["rows"][0]["best"]
    assert "median" in " ".join(terminal_lines(other, tmp_path)) and "median" in summary(other)
    truth = {"simulated": True, "planted": {"truth": 3.0}}
    said = [planted({**data, "source": {**data["source"], **truth}}) for data in (plain, other)]  # type: ignore[dict-item]
    assert said[1] == f"{said[0]} on average, not of the median"
