"""A `Result` as strict JSON: the one record from which every page, table and figure is made.

Keys are the nouns' field names, in the nouns' order. JSON has no word for "not a number" or "infinite", so both
become null; every other float keeps all its digits. Raw arrays stay out: the record holds what was found, not the data.
"""

from __future__ import annotations

import dataclasses
import datetime
import json
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from causal.aside import mine, sweep
from causal.document import called, read_text
from causal.errors import CausalError, DataError, placed, refusal
from causal.proposal import proposal
from causal.refuters import labels
from causal.report.controlled import controlled
from causal.report.phrases import effect, interval, variable
from causal.report.risk import risk

if TYPE_CHECKING:
    from causal.design import Design
    from causal.panel import Loss, Panel
    from causal.study import Result

SCHEMA_VERSION = 3
READS = (1, 2, 3)  # what a page can be made from
BY_YEAR = " × year"  # how records before schema 3 mark a cause that acts by year
FILE = "result.json"
HOLDS = "one that holds"
MOST_BYTES = 200_000_000  # of a record
FILE_NAME = re.compile(r"\w[\w.-]{0,150}")
NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
KEYS = (
    "schema_version",
    "title",
    "action",
    "short",
    "question",
    "graph",
    "source",
    "identification",
    "design",
    "estimate",
    "baseline",
    "beside",
    "proposal",
    "steps",
    "dose",
    "refutations",
    "rule",
    "verdict",
    "answer",
    "language",
    "provenance",
    "said",
    "risk",
)
# what must not be null for there to be anything to tell
FORMS: dict[str, type | tuple[type, ...]] = {
    **dict.fromkeys(("title", "action"), str),
    **dict.fromkeys(("question", "graph", "source", "identification", "verdict", "provenance"), Mapping),
    **dict.fromkeys(("steps", "dose", "refutations", "said", "tables", "figures"), list),
}
# keys that records did not have from the beginning, and what stands for them where they are lacking
LATER: dict[str, Any] = {
    "beside": [],
    "proposal": None,
    "short": "",
    "steps": [],
    "dose": [],
    "language": None,
    "said": [],
    "answer": None,
    "risk": None,
    "second": "",
    "others": [],
    "choices": [],
}


def record(result: Result, provenance: Mapping[str, Any]) -> dict[str, Any]:
    """All of a result as plain values: strict JSON, keys in a fixed order.

    Parameters
    ----------
    result : of a run.
    provenance : seed, versions, commit, digests, config, command, times; whatever the caller knows.

    Raises
    ------
    TypeError : something that JSON cannot hold; the message says where it stands.
    """
    study, panel = result.study, result.panel
    graph = study.graph
    made = {
        "schema_version": SCHEMA_VERSION,
        "title": study.title,
        "action": study.action,
        "short": study.short,
        "question": study.question,
        "graph": {"name": graph.name, "nodes": graph.nodes, "arrows": graph.arrows},
        "source": source(panel, result.design),
        "identification": result.identification,
        "design": None if result.design is None else _design(result.design, panel),
        # rows of residuals are data, and no record
        "estimate": None if result.estimate is None else replace(result.estimate, crossfitted=None),
        "baseline": None if result.baseline is None else replace(result.baseline, crossfitted=None),
        "beside": result.voices,
        "proposal": None if result.design is None else proposal(result.design, study.estimator),
        "steps": result.steps,
        "dose": result.dose,
        "refutations": result.refutations,
        "rule": study.rule,
        "verdict": result.verdict,
        "answer": result.answer,
        "language": study.language.naming({**labels(), **{one.name: one.label for one in study.refuters.values()}}),
        "provenance": provenance,
        "said": study.said,
    }
    clean = {key: plain(made.get(key), key) for key in KEYS}
    for key, one in (("estimate", result.estimate), ("baseline", result.baseline)):
        if clean[key] is not None and one is not None:
            clean[key].pop("influence", None)
            clean[key].pop("crossfitted", None)
            clean[key]["lost"] = plain([_loss(loss, panel) for loss in one.lost], f"{key}.lost")
    clean = controlled(clean, result)
    return {**clean, "risk": risk(clean)}


def key_of(field: dataclasses.Field[Any]) -> str:
    """A field's key in result.json: its name, unless the frozen schema knows it by another (`recorded_as`)."""
    return str(field.metadata.get("key", field.name))


def plain(value: Any, where: str = "value") -> Any:
    """Python's own dict, list, str, int, float, bool or None; NaN and infinities become None.

    Parameters
    ----------
    value : anything that a record may hold.
    where : its path in the record, for the message.

    Raises
    ------
    TypeError : a value of another kind; the message says where it stands.
    """
    if value is None or isinstance(value, bool | str):
        return value
    if isinstance(value, np.ndarray):
        return plain(value.tolist(), where)
    if isinstance(value, np.generic):
        return plain(value.item(), where)
    if isinstance(value, int):
        return int(value)
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else None
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        said = [f for f in dataclasses.fields(value) if not (f.metadata.get("later") and getattr(value, f.name) == f.default)]
        return {key_of(f): plain(getattr(value, f.name), f"{where}.{f.name}") for f in said}
    if isinstance(value, Mapping):
        return {str(key): plain(one, f"{where}.{key}") for key, one in value.items()}
    if isinstance(value, set | frozenset):
        return [plain(one, where) for one in sorted(value)]
    if isinstance(value, list | tuple):
        return [plain(one, f"{where}[{i}]") for i, one in enumerate(value)]
    if isinstance(value, Path):
        return value.as_posix()
    if isinstance(value, datetime.date):
        return value.isoformat()
    raise TypeError(f"{where} is a {type(value).__name__}, which JSON cannot hold")


def text(data: Mapping[str, Any]) -> str:
    """The record as the text of its file."""
    return json.dumps(data, ensure_ascii=False, allow_nan=False, indent=1) + "\n"


def write_json(data: Mapping[str, Any], path: Path) -> None:
    """Write strict JSON in UTF-8.

    Parameters
    ----------
    data : as `plain` gives it.
    path : written over if it is there.
    """
    path.write_text(text(data), encoding="utf-8", newline="\n")


def place(folder: Path, *names: str) -> Path:
    """Where a file of a run's folder is written: inside it, whatever a record calls a table, and not through a link that stands there.

    Parameters
    ----------
    folder : of the run.
    *names : folders inside it, and the file.

    Raises
    ------
    DataError : a name that is none, or a link where a folder should be.
    """
    for name in names:
        if not FILE_NAME.fullmatch(name):
            raise refusal(
                DataError,
                f"{folder / FILE}",
                "a table or figure whose name is a file's, of letters, digits, _, - and .",
                f"{name[:60]!r}",
                "run the study again",
            )
    path = Path(folder).joinpath(*names)
    if path.parent != Path(folder) and path.parent.is_symlink():
        raise refusal(DataError, f"{path.parent}", "a folder", "a link", "take it away, and the pages can be made again")
    if path.is_symlink():
        path.unlink()
    return path


def save(folder: Path, made: Sequence[tuple[Path, str | bytes]]) -> None:
    """Write files into a run's folder, all of which were made before.

    Parameters
    ----------
    folder : of the run; `figures` is made in it if need be.
    made : where `place` says, and what.
    """
    (Path(folder) / "figures").mkdir(exist_ok=True)
    sweep(Path(folder), "**/.*.part")
    for path, inside in made:  # each is the old one or the new one, never half
        part = path.with_name(f".{mine()}.part")
        try:
            part.write_bytes(inside if isinstance(inside, bytes) else inside.encode("utf-8"))
            part.replace(path)
        finally:
            with suppress(OSError):
                part.unlink(missing_ok=True)


@contextmanager
def fitting(folder: Path) -> Iterator[None]:
    """While pages are made of what somebody hands in: a record whose parts are not what a run writes is refused in one line.

    Parameters
    ----------
    folder : that the record stands in.

    Raises
    ------
    DataError : a part is lacking, or is something else.
    """
    try:
        yield
    except OSError:
        raise
    except CausalError as problem:
        file = str(Path(folder) / FILE)
        if file in str(problem):
            raise
        raise placed(DataError, file, problem) from problem
    except Exception as problem:  # what a page stumbles over depends on the part that is damaged
        came = "one with a part that is something else"
        raise refusal(DataError, str(Path(folder) / FILE), "a record as  causal run  writes it", came, "run the study again") from problem


def read(folder: Path) -> dict[str, Any]:
    """The record in a run's folder.

    Raises
    ------
    DataError : no result.json, not JSON, or of a schema version that is not read here; what older versions lack is filled in as absent.
    """
    return load(folder, KEYS)


def load(folder: Path, keys: Sequence[str] = ()) -> dict[str, Any]:
    """The record of whatever kind in a folder, which must have these keys.

    Parameters
    ----------
    folder : of a run or of a decomposition.
    keys : that the record must have.

    Raises
    ------
    DataError : no result.json, not strict JSON, of a schema version that is not read here, or without one of the keys.
    """
    path = Path(folder) / FILE
    if not Path(folder).is_dir():
        raise refusal(DataError, str(folder), f"the folder of a run, which holds {FILE}", "what is no folder", "name another")
    if not path.is_file():
        contents = sorted(one.name for one in Path(folder).iterdir())[:8]
        raise refusal(
            DataError,
            str(folder),
            f"the folder of a finished run, which holds {FILE}",
            f"one that holds {', '.join(contents) or 'nothing'}",
            "name another, or run the study again",
        )
    try:
        data = json.loads(read_text(path, "a record", kind=DataError, most=MOST_BYTES), parse_constant=_refuse)
    except (ValueError, RecursionError) as error:
        at = f", at line {error.lineno}" if isinstance(error, json.JSONDecodeError) else ""
        came = str(error) if str(error).startswith(HOLDS) else f"what is not strict JSON{at}"
        raise refusal(DataError, str(path), "a record", came, "run the study again") from error
    version = data.get("schema_version") if isinstance(data, dict) else None
    if version not in READS or isinstance(version, bool):
        reads = f"{', '.join(map(str, READS[:-1]))} or {READS[-1]}"
        later = isinstance(version, int) and not isinstance(version, bool) and version > SCHEMA_VERSION
        what = "use the later version of the toolkit that wrote it, or run the study again" if later else "run the study again"
        raise refusal(DataError, str(path), f"schema_version {reads}, which this version of the toolkit reads", repr(version), what)
    with fitting(folder):
        return _brought_up(path, {**LATER, **_printable(data)}, version, keys)


def _brought_up(path: Path, data: dict[str, Any], version: int, keys: Sequence[str]) -> dict[str, Any]:
    """A record of an earlier schema in the form of today, with the keys that are wanted."""
    if version < SCHEMA_VERSION:
        _type_parts(data)
        _type_steps(data)
    recorded = data["language"] or {}
    if "refutations" in data and (version < SCHEMA_VERSION or not recorded.get("checks")):
        # plain names of checks: the record's own before those of today; one of today has them all, and to ask the shelf for them takes time
        data["language"] = {**recorded, "checks": {**labels(), **recorded.get("checks", {})}}
    missing = [key for key in keys if key not in data]
    if missing:
        raise refusal(DataError, str(path), "a record", f"one that lacks {', '.join(missing)}", "run the study again")
    for key in keys:
        if not isinstance(data[key], FORMS.get(key, object)):
            raise refusal(DataError, f"{path}, {key}", "what  causal run  writes there", called(data[key]), "run the study again")
    return earlier(data) if data.get("answer") is None and isinstance(data.get("verdict"), dict) else dict(data)


def earlier(data: Mapping[str, Any]) -> dict[str, Any]:
    """A record of before answers had classes and certainties, in today's form: its headline and its sentences stand as they were written."""
    verdict, one = data["verdict"], data["estimate"]
    finding, decisive = verdict.get("finding"), verdict.get("decisive") or {}
    unit = variable(data, data["question"]["outcome"])["unit"]
    known = one is not None and one["lower"] is not None and one["upper"] is not None
    answer = {
        "headline": verdict["headline"],
        "second": verdict.get("range_in_words", ""),
        "third": "",
        "evaluators": "",
        "name": "",
        "certainty": str(verdict.get("strength", "")).capitalize(),
        "dots": "",
        "meaning": "As an earlier version of the toolkit judged how strong the evidence is.",
        "because": "",
        "size": effect(one, unit) if one else "",
        "range": interval(one) if known else "",
        "signed": effect(one, "") if one else "",
        "interval": interval(one) if known else "",
        "reasons": list(verdict.get("strength_reasons", ())),
        "cannot_say": list(verdict.get("cannot_say", ())),
        "would_change": [],
    }
    gate = "not_identified" if one is None else None if known else "no_interval"
    failed = [name for name, state in decisive.items() if state == "failed"] or (["a check"] if finding == "failed_checks" else [])
    facts = {
        "gate": gate,
        "failed": failed if finding == "failed_checks" else [],
        "association": finding == "association",
        "row": None,
        "category": None,
        "certainty": None,
        "reasons": [],
        "bias": dict(decisive),
        "placebos": None,
        "would_change": [],
        "cannot_say": [],
    }
    kept = {key: value for key, value in verdict.items() if key not in ("headline", "range_in_words", "strength", "strength_reasons", "decisive")}
    power = [{**point, "rows": point.get("headlines", {})} for point in verdict.get("power") or ()]
    return {**data, "verdict": {**kept, **facts, "power": power}, "answer": answer}


def _type_parts(data: Mapping[str, Any]) -> None:
    """What parts of older records say by their names alone, as the fields that the pages read."""
    for one in (data.get("estimate"), data.get("baseline"), *(data.get("refutations") or ())):
        for part in (one or {}).get("parts", ()):
            name = str(part.get("name"))
            part.setdefault("since", _since(name) if part.get("kind") == "time" else None)
            part.setdefault("open_ended", name.endswith(" or more"))
            part.setdefault("group", name if part.get("kind") == "group" else None)
            part.setdefault("chosen", part.get("kind") == "specification" and name == "as chosen")


def _type_steps(data: Mapping[str, Any]) -> None:
    """The causes of older steps, and which of them act by year."""
    for one in data.get("steps") or ():
        names = [str(name) for name in one.get("names", ())]
        if "by_year" not in one:
            one["by_year"] = [name.removesuffix(BY_YEAR) for name in names if name.endswith(BY_YEAR)]
            one["names"] = [name.removesuffix(BY_YEAR) for name in names]


def _since(name: str) -> int | None:
    """Years since the treatment by the name of a lead or lag: lead 2 → −2, now → 0, lag 3 or more → 3; None for another name."""
    match = re.match(r"^(lead|lag) (\d+)( or more)?$", name)
    if match is None:
        return 0 if name in ("now", "now or more") else None
    return -int(match[2]) if match[1] == "lead" else int(match[2])


def _printable(value: Any) -> Any:
    """The same without the letters that neither XML nor a page can hold (a bell, a null): one in a label would spoil every figure it stands in."""
    if isinstance(value, str):
        return NOT_XML.sub("", value)
    if isinstance(value, dict):
        return {NOT_XML.sub("", key): _printable(one) for key, one in value.items()}
    return [_printable(one) for one in value] if isinstance(value, list) else value


def _refuse(constant: str) -> None:
    raise ValueError(f"{HOLDS} {constant}, which strict JSON has not")


def source(panel: Panel, design: Design | None) -> dict[str, Any]:
    """The data of a record: title, variables, places, years, losses, notes.

    Parameters
    ----------
    panel : as loaded.
    design : whose authorities and last year the places are of; None takes all of the panel's.
    """
    authorities = panel.authorities if design is None else design.authorities
    year = panel.years[-1] if design is None else int(design.year.max())
    places = panel.places.reindex(list(authorities))
    return {
        "title": panel.title,
        "simulated": panel.simulated,
        "planted": panel.planted,
        "population": panel.population,
        "people": _people(panel, year),
        "variables": panel.variables,
        "places": [
            {"authority": code, **{str(key): _cell(value) for key, value in row.items()}}
            for code, row in zip(authorities, places.to_dict("records"), strict=True)
        ],
        "years": panel.years,
        "rows": len(panel.frame),
        "log": [_loss(loss, panel) for loss in panel.log],
        "notes": panel.notes,
        "digest": panel.digest,
    }


def _people(panel: Panel, year: int) -> dict[str, Any] | None:
    """All people of the panel's authorities in one year, the last that an outcome is from; None where they are not counted."""
    if panel.population is None:
        return None
    at = panel.frame[panel.population].xs(year, level="year").dropna()
    return (
        {"total": float(at.sum()), "authorities": panel.clusters(list(at.index)).nunique() if panel.of_people else len(at), "year": year} if len(at) else None
    )


def _cell(value: Any) -> Any:
    return "" if value is None or (isinstance(value, float) and math.isnan(value)) else value


def _loss(loss: Loss, panel: Panel) -> dict[str, Any]:
    names = panel.places["name"].to_dict()
    return {
        "step": loss.step,
        "rows": loss.rows,
        "authorities": loss.authorities,
        "names": [str(names.get(code, code)) for code in loss.authorities],
        **({"people": True} if loss.people else {}),
    }


def _design(design: Design, panel: Panel) -> dict[str, Any]:
    return {
        "words": design.words,
        "lost": [_loss(loss, panel) for loss in design.lost],
        "dropped": design.dropped,
        "rows": design.rows,
        "authorities": len(design.authorities),
        "clusters": len(design.clusters),
        "years": np.unique(design.year),
        "absorb": design.absorb,
        "control_groups": {name: [design.control_names[i] for i in at] for name, at in design.control_groups.items()},
        "columns": {
            "outcome": design.question.outcome,
            "treatment": design.question.treatment,
            "controls": design.control_names,
            "nested": design.time_invariant_names,
            "modifiers": [m.name for m in design.modifiers],
        },
        "means": {"outcome": design.outcome.mean(), "treatment": design.treatment.mean()},
        **({} if design.counts is None else {"people": round(float(design.counts.sum()))}),
    }
