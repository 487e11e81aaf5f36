"""Schema 3 of result.json is frozen: its keys and codes are those of tests/records/schema_3/keys.json, and docs/data.md names them.

A key more, or one less, is another schema: raise `SCHEMA_VERSION`, leave this list as it is and write the next. A code may be added; none may go.
"""

from __future__ import annotations

import json
from dataclasses import fields
from pathlib import Path
from typing import Any, get_args, get_type_hints

from causal.estimate import Estimate, Part
from causal.graph import Arrow, Node
from causal.identification import Identification
from causal.panel import Variable
from causal.proposal import Proposal, Proposed
from causal.question import Question, Saying
from causal.refutation import FAMILIES, ROLES, Hidden, Refutation
from causal.report.record import KEYS, SCHEMA_VERSION, key_of, read
from causal.report.risk import ASKED, DOMAINS, MET, STATES
from causal.steps import Dose, Step
from causal.verdict.decide import Placebos, Verdict
from causal.verdict.power import Equivalence, Power
from causal.verdict.reason import CONCERNS, OPEN, Change, Limit, Next, Reason
from causal.verdict.rule import CLASSES, KINDS, ROWS, STEPS, Rule
from causal.verdict.say import Answer
from causal.voice import Voice

FROZEN = Path(__file__).parent / "records" / "schema_3"
NOUNS = (
    *(Question, Node, Arrow, Variable, Identification, Part, Refutation, Hidden, Rule, Verdict, Reason, Change, Limit, Next, Placebos, Equivalence, Power),
    *(Answer, Saying, Step, Dose, Voice, Proposal, Proposed),
)
# fields that came later; records that lack them are read as if they said nothing of it
ADDED = {"Arrow": {"cutoff"}, "Identification": {"cutoffs", "spared"}, "Estimate": {"course", "flow"}}
ADDED |= {"Estimand": {"of"}}
ADDED |= {"Variable": {"row_count", "weight", "levels"}, "Part": {"people"}, "Dose": {"people"}}  # of rows of people alone
LEFT_OUT = {"influence"}  # one score for each cluster, which stands in influence.csv


def codes(of: type, name: str) -> list[str]:
    return [one for one in get_args(get_type_hints(of)[name]) if isinstance(one, str)]


def now(data: dict[str, Any]) -> dict[str, Any]:
    """Keys of the nouns and of the parts that a record itself makes, and the codes that stand in them."""
    nouns = {one.__name__: sorted(map(key_of, fields(one))) for one in NOUNS}
    nouns["Estimate"] = sorted(({key_of(field) for field in fields(Estimate)} & set(data["estimate"])) | {"lost"})
    parts = {name: sorted(data[name]) for name in ("graph", "source", "design", "risk")}
    parts |= {"design.columns": sorted(data["design"]["columns"]), "design.means": sorted(data["design"]["means"])}
    parts |= {"risk.domains": sorted(data["risk"]["domains"][0]), "risk.requirements": sorted(data["risk"]["requirements"][0])}
    parts |= {"source.log": sorted(data["source"]["log"][0]), "source.people": sorted(data["source"]["people"])}
    parts |= {name: sorted(data["estimate"][name]) for name in ("held", "facts")}
    said = {
        "row": list(ROWS),
        "category": list(CLASSES),
        "certainty": list(STEPS),
        "gate": [one for kind in get_args(get_type_hints(Verdict)["gate"]) for one in get_args(kind)],
        "kind": list(KINDS),
        "concern": list(CONCERNS),
        "cannot_say": list(OPEN),
        "would_change": codes(Change, "code"),
        "next": codes(Next, "code"),
        "family": list(FAMILIES),
        "role": list(ROLES),
        "risk": [*DOMAINS, *STATES],
        "asked": [*ASKED, *MET],
    }
    return {"schema_version": SCHEMA_VERSION, "record": list(KEYS), "nouns": nouns, "parts": parts, "codes": said}


def test_the_keys_of_a_record_are_those_that_were_frozen() -> None:
    wanted = json.loads((FROZEN / "keys.json").read_text(encoding="utf-8"))
    found = json.loads(json.dumps(now(read(FROZEN))))
    assert wanted["schema_version"] == SCHEMA_VERSION == 3
    found["nouns"] = {name: sorted(set(keys) - ADDED.get(name, set())) for name, keys in found["nouns"].items()}
    for part in ("record", "nouns", "parts"):
        assert found[part] == wanted[part], part
    for name, held in wanted["codes"].items():
        assert set(held) <= set(found["codes"][name]), name
    assert not LEFT_OUT & set(wanted["nouns"]["Estimate"])


def test_a_record_written_today_has_the_keys_of_the_frozen_one(tmp_path: Path) -> None:
    """A whole run of the small study: top keys and, in each part that is a noun, its fields and none besides."""
    from test_report import provenance, record, run, study

    data, frozen = record(run(study()), provenance()), json.loads((FROZEN / "keys.json").read_text(encoding="utf-8"))
    assert list(data) == frozen["record"]
    for key, noun in (
        ("question", "Question"),
        ("identification", "Identification"),
        ("estimate", "Estimate"),
        ("rule", "Rule"),
        ("verdict", "Verdict"),
        ("answer", "Answer"),
    ):
        assert sorted(set(data[key]) - ADDED.get(noun, set())) == frozen["nouns"][noun], key
    assert {tuple(sorted(one)) for one in data["source"]["variables"]} == {tuple(frozen["nouns"]["Variable"])}
    for name, keys in frozen["parts"].items():
        if name in data:
            assert sorted(data[name]) == keys, name


def test_the_documents_name_every_key() -> None:
    told = (Path(__file__).parents[1] / "docs" / "data.md").read_text(encoding="utf-8")
    frozen = json.loads((FROZEN / "keys.json").read_text(encoding="utf-8"))
    lacking = [key for key in (*frozen["record"], *(key for keys in frozen["nouns"].values() for key in keys)) if f"`{key}`" not in told]
    lacking += [key for keys in ADDED.values() for key in keys if f"`{key}`" not in told]
    assert not lacking, lacking
