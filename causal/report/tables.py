"""Tables out, in the form of the Department for Education's open data standard.

`causal.open_data` knows the standard and checks these files. Simulated data say so where the country's name would stand, and a table from
elsewhere claims no country. A text that a spreadsheet would take for a formula begins with an apostrophe.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import asdict, dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from causal.open_data import CONFIDENTIAL, EVERYWHERE, META, NOT_APPLICABLE, NUMBER, UNAVAILABLE
from causal.report.checks import every
from causal.report.phrases import STATES, estimand, made_up, variable, years

if TYPE_CHECKING:
    from causal.study import Result

LOCAL = (
    ("region_code", "Region, code"),
    ("region_name", "Region"),
    ("old_la_code", "Authority, code of the Department for Education"),
    ("new_la_code", "Authority, code of the Office for National Statistics"),
    ("la_name", "Authority"),
)
ENGLAND = re.compile(r"^E\d{8}$")
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")  # what spreadsheets, some of them in full width, take for the start of one


@dataclass(frozen=True, slots=True, kw_only=True)
class DataField:
    """A column after those of time and place: `kind` is "Filter" or "Indicator"."""

    name: str
    kind: str
    label: str
    unit: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class DataFile:
    """A file in the form of the standard: columns, and rows as mappings from their names; a cell that a row lacks does not apply."""

    name: str
    columns: tuple[DataField, ...]
    rows: tuple[Mapping[str, Any], ...]
    placed: bool = True  # whether rows are of a time and a place

    @property
    def csv(self) -> str:
        """The table as text."""
        names = [*(EVERYWHERE if self.placed else ()), *(column.name for column in self.columns)]
        return lines([names, *([cell(row.get(name, NOT_APPLICABLE)) for name in names] for row in self.rows)])

    @property
    def meta(self) -> str:
        """What the columns are, as text."""
        return lines([META, *([c.name, c.kind, c.label, "", c.unit if c.kind == "Indicator" else "", "", "", ""] for c in self.columns)])


def _filters(*pairs: tuple[str, str]) -> tuple[DataField, ...]:
    return tuple(DataField(name=name, kind="Filter", label=label) for name, label in pairs)


def _indicators(*pairs: tuple[str, str]) -> tuple[DataField, ...]:
    return tuple(DataField(name=name, kind="Indicator", label=label) for name, label in pairs)


SETTING = _filters(
    ("first_year", "First year of the outcome"), ("last_year", "Last year of the outcome"), ("simulated", "no, or what was planted in made-up data")
)
ASKED = _filters(
    ("treatment", "Treatment"),
    ("treatment_unit", "Unit of the treatment"),
    ("treatment_from", "Treatment compared with"),
    ("treatment_to", "Treatment compared"),
    ("outcome", "Outcome"),
    ("outcome_unit", "Unit of the estimate"),
    ("lag_years", "Years from treatment to outcome"),
    ("confidence_level", "Level of the intervals"),
)
MEASURED = _indicators(
    ("estimate", "Effect of the whole contrast"),
    ("est_lower_ci", "Lower end of its interval"),
    ("est_upper_ci", "Upper end of its interval"),
    ("joint_lower_ci", "Lower end that holds for all parts of one kind at once"),
    ("joint_upper_ci", "Upper end that holds for all parts of one kind at once"),
    ("std_error", "Standard error"),
    ("degrees_of_freedom", "Degrees of freedom of the interval"),
    ("p_value", "p-value against no effect"),
    ("rows", "Authority-years"),
    ("authorities", "Authorities"),
)
WHOSE = _filters(
    ("role", "The answer, the comparison beside it, or a check"),
    ("estimator", "Estimator"),
    ("estimand", "Whose effect, weighted how"),
    ("target", "ATE or ATT"),
    ("part_kind", "All, or group, time or path"),
    ("part_of", "What the parts are parts of"),
    ("part_name", "The part"),
)
CHECKED = _filters(
    ("check", "Check"),
    ("result", "passed, did_not_pass or not_run"),
    ("bias", "Whether it speaks of bias"),
    ("bias_result", "Its result together with the other checks of bias"),
    ("asks", "What it asks"),
    ("expected", "What a true answer would show"),
    ("found", "What was seen"),
    ("reason", "Why it could not be run"),
    ("detects", "Faults it can show"),
    ("cannot_detect", "Faults it cannot show"),
    ("numbers", "Numbers behind the words"),
)


def effects(data: Mapping[str, Any]) -> DataFile:
    """Every effect: the answer, its people, its parts, the comparison beside it, what checks estimated on the way."""
    rows: list[dict[str, Any]] = []
    base = {**setting(data), **question(data)}
    answer = data["estimate"]
    if answer is None:
        rows.append({**base, "role": "answer", "estimator": NOT_APPLICABLE, "part_kind": "all", **dict.fromkeys([c.name for c in MEASURED[:3]])})
    for role, one in (("answer", answer), ("comparison", data["baseline"])):
        if one is None:
            continue
        whose = {**base, "role": role, **named(one)}
        rows.append({**whose, "part_kind": "all", **measures(one)})
        rows += [{**whose, **_part(part)} for part in one["parts"]]
    typical = data["verdict"]
    if answer and typical["typical_effect"] is not None:
        whose = {**base, "role": "answer", **named(answer), "part_kind": "all"}
        counts = {"estimate": typical["typical_effect"], "est_lower_ci": typical["typical_lower"], "est_upper_ci": typical["typical_upper"]}
        rows.append({**whose, "outcome_unit": "people in a typical authority", **counts})
    for one in data["refutations"]:
        rows += [{**base, "role": f"check {one['name']}", "estimator": answer["estimator"] if answer else None, **_part(part)} for part in one["parts"]]
    return DataFile(name="effects", columns=(*SETTING, *WHOSE, *ASKED, *MEASURED), rows=tuple(rows))


def refutations(data: Mapping[str, Any]) -> DataFile:
    """Every check, with what it can and cannot show."""
    bias = data["verdict"]["bias"]
    rows = []
    for one in every(data):
        row = {**setting(data), **{key: one[key] for key in ("asks", "expected", "found", "detects", "cannot_detect", "p_value")}}
        row |= {"check": one["name"], "result": STATES[one["survived"]][0].replace(" ", "_"), "bias": "yes" if one["name"] in bias else "no"}
        row |= {"reason": one["reason"]} if one["reason"] else {}
        row |= {"bias_result": bias[one["name"]].replace(" ", "_")} if one["name"] in bias else {}
        if one["numbers"]:
            row["numbers"] = "; ".join(f"{name} = {cell(value)}" for name, value in one["numbers"].items())
        rows.append(row)
    return DataFile(
        name="refutations", columns=(*SETTING, *CHECKED, *_indicators(("p_value", "Chance of something as bad in a clean world"))), rows=tuple(rows)
    )


def of_breakdown(data: Mapping[str, Any], one: Mapping[str, Any]) -> DataFile:
    """A table of a decomposition: with time and place where its rows are of authorities or years, tidy otherwise.

    Parameters
    ----------
    data : the record of a decomposition.
    one : one of its tables.
    """
    names = [column["name"] for column in one["columns"]]
    placed = bool({"authority", "year"} & set(names))
    kept = [column for column in one["columns"] if column["name"] not in ("authority", "year")]
    local = "authority" in names
    of_place = [DataField(name=name, kind="Filter", label=label) for name, label in LOCAL] if local else []
    last = DataField(name="simulated", kind="Filter", label="no, or what was planted in made-up data")
    columns = [DataField(name=c["name"], kind="Filter" if c["text"] else "Indicator", label=c["label"], unit=c["unit"]) for c in kept]
    base = setting(data)
    country = {key: base[key] for key in EVERYWHERE}
    places = {place["authority"]: place for place in data["source"]["places"]}
    rows = []
    for row in one["rows"]:
        cells = dict(zip(names, row, strict=True))
        made: dict[str, Any] = {column["name"]: cells[column["name"]] for column in kept} | {"simulated": base["simulated"]}
        if placed:
            made |= country | {"time_period": cells["year"] if "year" in names else base["time_period"]}
        if local and cells["authority"] in places:
            place = places[cells["authority"]]
            made |= {"geographic_level": "Local authority", "la_name": place["name"], "region_name": place.get("region") or UNAVAILABLE}
            made |= {"region_code": place.get("region_code") or UNAVAILABLE, "old_la_code": place.get("old_la_code") or UNAVAILABLE}
            made["new_la_code"] = place.get("new_la_code") or place["authority"]
        rows.append(made)
    return DataFile(name=one["name"], columns=(*of_place, *columns, last), rows=tuple(rows), placed=placed)


def influence(result: Result, untold: Set[str] = frozenset()) -> str:
    """One score for each cluster (an authority, unless the data say who moves together); their squares add to the squared error.

    Parameters
    ----------
    result : of a run.
    untold : clusters of few people, whose scores are confidential.
    """
    heads = ["authority_code", "authority_name", "score", "simulated"]
    if result.design is None or result.estimate is None or result.estimate.influence is None:
        return lines([heads])
    clusters, scores = result.design.clusters, result.estimate.influence
    if len(clusters) != len(scores):
        return lines([heads])
    names = result.panel.places["name"].to_dict()
    question, panel = result.study.question, result.panel
    about = {"simulated": panel.simulated, "planted": panel.planted, "variables": [asdict(panel.variable(question.outcome))]}
    simulated = made_up({"source": about, "question": asdict(question), "graph": {"nodes": []}}) or "no"
    rows = zip(clusters, scores, strict=True)
    return lines(
        [
            heads,
            *([cell(code), cell(names.get(code, NOT_APPLICABLE)), CONFIDENTIAL if code in untold else cell(float(score)), simulated] for code, score in rows),
        ]
    )


def setting(data: Mapping[str, Any]) -> dict[str, Any]:
    """Time and place of a record: the last year of the outcome, and the nation that the authorities are of."""
    span = [year for year in years(data) if year]  # the year of a cross-section is 0, and no period
    source = data["source"]
    if source["simulated"]:
        country = (NOT_APPLICABLE, "SIMULATED")
    elif _english(source["places"]):
        country = ("E92000001", "England")
    else:
        country = (UNAVAILABLE, UNAVAILABLE)
    return {
        "time_period": span[-1] if span else None,
        "time_identifier": "Reporting year",
        "geographic_level": "National",
        "country_code": country[0],
        "country_name": country[1],
        "first_year": span[0] if span else None,
        "last_year": span[-1] if span else None,
        "simulated": made_up(data) or "no",
    }


def question(data: Mapping[str, Any]) -> dict[str, Any]:
    """What is asked, as cells."""
    asked = data["question"]
    return {
        "treatment": asked["treatment"],
        "treatment_unit": variable(data, asked["treatment"])["unit"],
        "treatment_from": asked["control"],
        "treatment_to": asked["treated"],
        "outcome": asked["outcome"],
        "outcome_unit": variable(data, asked["outcome"])["unit"],
        "lag_years": asked["lag"],
        "confidence_level": asked["level"],
    }


def lines(rows: Iterable[Sequence[str]]) -> str:
    """Comma-separated text, in which no cell, head or label is a formula."""
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows([inert(one) for one in row] for row in rows)
    return out.getvalue()


def inert(text: str) -> str:
    """A cell's text as it is, behind an apostrophe if a spreadsheet would take it for a formula."""
    return f"'{text}" if text.lstrip(" \ufeff\u200b").startswith(FORMULA) and not NUMBER.fullmatch(text) else text


def cell(value: Any) -> str:
    """A cell: every digit of a number, written out; text in one line; what is not known is `x`, and no words at all are `z`."""
    if value is None:
        return UNAVAILABLE
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int | float):
        return f"{Decimal(repr(value + 0)):f}".removesuffix(".0")  # + 0: no −0
    text = " ".join(str(value).split())
    return f"'{text}" if text.startswith(FORMULA) else text or NOT_APPLICABLE


def _english(places: Sequence[Mapping[str, Any]]) -> bool:
    codes = [str(place.get("new_la_code") or place["authority"]) for place in places]
    known = [code for code in codes if ENGLAND.match(code)]
    return bool(known) and len(known) * 2 > len(codes)


def named(one: Mapping[str, Any]) -> dict[str, Any]:
    """By what an estimate was made, and of what, as cells."""
    return {"estimator": one["estimator"], "estimand": estimand(one), "target": one["target"]}


def measures(one: Mapping[str, Any]) -> dict[str, Any]:
    """An estimate's numbers, as cells."""
    return {
        "estimate": one["effect"],
        "est_lower_ci": one["lower"],
        "est_upper_ci": one["upper"],
        "std_error": one["std_error"],
        "degrees_of_freedom": one["df"] if one["df"] is not None else NOT_APPLICABLE,
        "p_value": one["p_value"],
        "rows": one["rows"],
        "authorities": one["authorities"],
    }


def _part(part: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "part_kind": part["kind"],
        "part_of": part["of"],
        "part_name": part["name"],
        "estimate": part["effect"],
        "est_lower_ci": part["lower"],
        "est_upper_ci": part["upper"],
        "joint_lower_ci": part["joint_lower"],
        "joint_upper_ci": part["joint_upper"],
        "std_error": part["std_error"],
        "rows": part["rows"] or None,
        "authorities": part["authorities"] or None,
    }


__all__ = ["DataField", "DataFile", "effects", "influence", "lines", "of_breakdown", "refutations", "setting"]
