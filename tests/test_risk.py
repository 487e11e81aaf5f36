"""The table on risk of bias is what ran: every check stands in one domain, with what it found, and nothing is said to have been looked at that was not."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from test_report import bare, judged, provenance, refutation  # noqa: F401  (fixtures)

from causal import refuters
from causal.report.record import READS, read, record
from causal.report.risk import ASKED, DOMAINS, MET, STATES, risk, shown
from causal.study import Result
from causal.verdict.rule import BIAS

SEES = tuple(refutation(name, True, 0.5, blind_below=1.0) for name in BIAS["dose"])


def domain(codes: dict[str, object], name: str) -> dict[str, object]:
    return next(one for one in codes["domains"] if one["code"] == name)  # type: ignore[attr-defined, no-any-return]


def test_every_shipped_check_has_one_domain() -> None:
    """The names of the shelf's own files, against those of the table."""
    shelf = {path.stem for path in Path(refuters.__file__).parent.glob("*.py") if path.stem != "__init__"}
    placed = [name for _, names in DOMAINS.values() for name in names]
    assert sorted(placed) == sorted(set(placed)) and set(placed) == shelf
    # the seven domains of ROBINS-I (Sterne and others 2016, table 1), and the error beside them
    assert len(DOMAINS) == 8 and list(DOMAINS)[-1] == "error"


@pytest.mark.parametrize(
    ("change", "state"),
    [
        ({}, "passed"),
        ({"blind_below": 2.0}, "blind"),  # δ is 2: a bias that matters could have been missed
        ({"survived": False, "p_value": 1e-6, "bias": 3.0}, "failed"),
    ],
)
def test_a_domain_stands_as_its_checks_do(bare: Result, change: dict[str, object], state: str) -> None:  # noqa: F811
    checks = tuple(replace(one, **change) for one in SEES)  # type: ignore[arg-type]
    data = record(judged(bare, (*checks, refutation("overlap", True), refutation("spillover", None))), {})
    codes = data["risk"]
    found = domain(codes, "confounding")
    assert found["state"] == state and set(found["passed"]) | set(found["failed"]) == set(BIAS["dose"])  # type: ignore[call-overload]
    assert domain(codes, "selection") == {"code": "selection", "state": "passed", "passed": ["overlap"], "failed": [], "blind": [], "missing": []}
    assert domain(codes, "deviations")["state"] == "unknown" and domain(codes, "deviations")["missing"] == ["spillover"]
    assert codes["maryland"] == 3 and all(one["state"] in STATES for one in codes["domains"])
    ran = [name for one in codes["domains"] for key in ("passed", "failed", "missing") for name in one[key]]
    assert sorted(ran) == sorted(set(ran)) and {one["name"] for one in data["refutations"]} <= set(ran)


def test_a_check_of_an_outsider_goes_by_what_it_says_it_speaks_of(bare: Result) -> None:  # noqa: F811
    data = record(judged(bare, (refutation("mine_own", True, family="record"), refutation("other_own", False, family="inference"))), {})
    assert domain(data["risk"], "classification")["passed"] == ["mine_own"] and domain(data["risk"], "error")["failed"] == ["other_own"]


def test_requirements_are_met_by_what_the_record_holds_alone(bare: Result) -> None:  # noqa: F811
    """A protocol that was followed, one that was not, none; code that is recorded, and not."""
    for given, state in (
        ({"protocol": {"digest": "a", "deviations": []}}, "met"),
        ({"protocol": {"digest": "a", "deviations": ["seed"]}}, "partly"),
        ({}, "not_met"),
    ):
        data = record(judged(bare, SEES), {**provenance(), **given})
        states = {one["code"]: one["state"] for one in data["risk"]["requirements"]}
        assert states["protocol"] == state and states["open_code"] == "partly" and states["money"] == "elsewhere" and set(states) == set(ASKED)
        said = shown(data)
        assert any(MET[state] in line and "protocol" in line for line in said["asked"])
        assert any("protocol" in row[-1] and MET[state] in row[-1] for row in said["rows"] if row[0] == DOMAINS["reporting"][0])
    assert {one["code"]: one["state"] for one in record(bare, {**provenance(), "commit": "abc"})["risk"]["requirements"]}["open_code"] == "met"


@pytest.mark.parametrize(("authorities", "state"), [(1, "not_met"), (2, "met")])
def test_one_place_is_no_test_in_several(bare: Result, authorities: int, state: str) -> None:  # noqa: F811
    """The requirement's own words: more places than one."""
    data = record(judged(bare, SEES), {})
    data["estimate"]["authorities"] = authorities
    assert {one["code"]: one["state"] for one in risk(data)["requirements"]}["places"] == state


def test_a_record_without_the_codes_gets_them_from_what_it_holds() -> None:
    for schema in READS[:-1]:
        data = read(Path(__file__).parent / "records" / f"schema_{schema}")
        assert data["risk"] is None and len(shown(data)["rows"]) == 9 and risk(data)["domains"]
