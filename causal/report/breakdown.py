"""A `Breakdown` as files: the record, the page, tables for machines, the first screen as text. All of it is made from result.json."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from causal.report import tables
from causal.report.checks import pairs
from causal.report.figures import charts
from causal.report.figures.canvas import stamped, titled
from causal.report.page import provenance_view, render, shown
from causal.report.page import table as as_table
from causal.report.phrases import exact, plainly, readable, sentence
from causal.report.record import FILE, SCHEMA_VERSION, fitting, load, place, plain, save, write_json
from causal.report.record import source as source_record
from causal.report.summary import escaped
from causal.words import capital, count

if TYPE_CHECKING:
    from causal.breakdown import Breakdown
    from causal.panel import Panel

KEYS = (
    "schema_version",
    "decomposition",
    "title",
    "asks",
    "headline",
    "second",
    "said",
    "others",
    "choices",
    "tables",
    "figures",
    "truth",
    "reasons",
    "cannot_say",
    "notes",
    "source",
    "provenance",
)
SIMULATED = "SIMULATED: every authority and number is made up"
FILES = (("summary.md", "the first screen as text"), ("result.json", "everything on this page for machines"), ("config.yaml", "the configuration"))


def record(breakdown: Breakdown, panel: Panel, provenance: Mapping[str, Any]) -> dict[str, Any]:
    """All of a breakdown as plain values: strict JSON, keys in a fixed order."""
    given = {key: getattr(breakdown, key, None) for key in KEYS}
    given |= {"schema_version": SCHEMA_VERSION, "decomposition": breakdown.name, "source": source_record(panel, None), "provenance": provenance}
    return {key: plain(given[key], key) for key in KEYS} | {"design": None}


def write(breakdown: Breakdown, panel: Panel, folder: Path, provenance: Mapping[str, Any], config_yaml: str) -> None:
    """Everything about a breakdown, into a folder that is there.

    Parameters
    ----------
    breakdown : the decomposition's numbers and sentences.
    panel : the data that it took apart.
    folder : must be there.
    provenance : as `causal.report.provenance` gives it.
    config_yaml : the resolved configuration.
    """
    write_json(record(breakdown, panel, provenance), folder / FILE)
    save(folder, [(place(folder, "config.yaml"), config_yaml)])
    rebuild(folder)


def rebuild(folder: Path) -> None:
    """Make page, tables and figures again from result.json.

    Raises
    ------
    DataError : no readable record of a decomposition there.
    """
    data = load(folder, KEYS)
    made: list[tuple[Path, str | bytes]] = []
    with fitting(folder):  # all that is written is made before anything is
        for one in every_table(data):
            table = tables.of_breakdown(data, one)
            made += [(place(folder, f"{one['name']}.csv"), table.csv), (place(folder, f"{one['name']}.meta.csv"), table.meta)]
        drawn = [stamped(charts.draw(figure, named(data, figure["table"])), SIMULATED if data["source"]["simulated"] else "") for figure in data["figures"]]
        made += [(place(folder, "figures", f"{drawing.name}.svg"), titled(drawing)) for drawing in drawn]
        made += [(place(folder, "summary.md"), summary(data))]
        made += [(place(folder, "report.html"), render("breakdown.html", view(data, {one.name: shown(one) for one in drawn})))]
    save(folder, made)


def every_table(data: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The tables of a record, what was planted last."""
    return [*data["tables"], *([data["truth"]] if data["truth"] else [])]


def named(data: Mapping[str, Any], name: str) -> dict[str, Any]:
    """A table of the record."""
    return next(one for one in every_table(data) if one["name"] == name)


def view(data: Mapping[str, Any], drawn: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """All that the page says, as words: each figure with its table, then the tables that no figure shows."""
    source = data["source"]
    planted = {key: value for key, value in source["planted"].items() if key not in ("words", "truth")}  # which are of a study's question, not of this one
    pictured = [figure["table"] for figure in data["figures"]]
    last = {name: at for at, name in enumerate(pictured)}  # a table stands under the last figure that shows it
    groups = [
        {
            "title": figure["caption"].partition(". ")[0].removesuffix("."),
            "drawing": drawn[figure["name"]],
            "table": _table(data, named(data, figure["table"])) if last[figure["table"]] == at else None,
        }
        for at, figure in enumerate(data["figures"])
    ]
    rest = [_table(data, one) for one in data["tables"] if one["name"] not in pictured]
    files = [
        *FILES[:2],
        *((f"{one['name']}.csv", f"{_first_small(one['caption'])}; {one['name']}.meta.csv says what the columns are") for one in every_table(data)),
        *FILES[2:],
    ]
    return {
        "title": data["title"],
        "simulated": source["simulated"],
        "planted": pairs(planted),
        "planted_words": "What was planted stands beside what was found below." if data["truth"] else "",
        "asks": readable(data, data["asks"]),
        "headline": readable(data, data["headline"]),
        "second": readable(data, data["second"]),
        "kick": " · ".join(filter(None, (data["title"], _span(source)))),
        "others": [sentence(one) for one in data["others"]],
        "choices": [(one["name"], readable(data, one["value"])) for one in data["choices"]],
        "said": [plainly(data, one) for one in data["said"]],
        "groups": groups,
        "rest": rest,
        "truth": _table(data, data["truth"]) if data["truth"] else None,
        "cannot_say": [plainly(data, one) for one in data["cannot_say"]],
        "reasons": [plainly(data, one) for one in data["reasons"]],
        "notes": [plainly(data, one) for one in data["notes"]],
        "data_notes": [plainly(data, one) for one in source["notes"]],
        "data": f"{capital(source['title'])}: {count(source['rows'], 'authority-year')} of {count(len(source['places']), 'authority', 'authorities')}.",
        **provenance_view(data),
        "files": files,
        "footer": "Made from result.json by  causal report.",
    }


def summary(data: Mapping[str, Any]) -> str:
    """A page of text; the headline is its first line."""
    lines = [f"# {escaped(readable(data, data['headline']))}", "", *([escaped(readable(data, data["second"])), ""] if data["second"] else [])]
    lines += [f"*{escaped(data['title'])}.* {escaped(data['asks'])}", ""]
    lines += [f"**{SIMULATED}.**", ""] if data["source"]["simulated"] else []
    lines += [f"- {escaped(plainly(data, one))}" for one in data["said"]]
    for title, ones in (
        ("What others found", data["others"]),
        ("What we cannot say", data["cannot_say"]),
        ("How it was got", data["reasons"]),
        ("Notes", data["notes"]),
    ):
        lines += ["", f"## {title}", "", *(f"- {escaped(plainly(data, one))}" for one in ones)] if ones else []
    return "\n".join([*lines, "", "The whole report is [report.html](report.html).", ""])


def _table(data: Mapping[str, Any], one: Mapping[str, Any]) -> dict[str, Any]:
    heads = [f"{column['label']}, {column['unit']}" if column["unit"] else column["label"] for column in one["columns"]]
    names = {place["authority"]: place["name"] for place in data["source"]["places"]}
    rows = one["rows"] if one["shown"] is None else one["rows"][: one["shown"]]
    caption = (
        one["caption"]
        if len(rows) == len(one["rows"])
        else f"{one['caption']} (first {len(rows):,} of {len(one['rows']):,} rows; all are in {one['name']}.csv)"
    )
    cells = [
        [names.get(value, value) if column["name"] == "authority" else _cell(value, column) for value, column in zip(row, one["columns"], strict=True)]
        for row in rows
    ]
    return as_table(caption, heads, cells, numbers=[head for head, column in zip(heads, one["columns"], strict=True) if not column["text"]])


def _cell(value: Any, column: Mapping[str, Any]) -> str:
    if column["name"] == "year" and value is not None:
        return str(value)
    if value is None:
        return "–" if column["text"] else "not known"
    return str(value) if isinstance(value, str) else exact(value) if column["places"] is None else f"{value:z,.{column['places']}f}".replace("-", "−")


def _span(source: Mapping[str, Any]) -> str:
    """England, 2011 to 2019: places and years."""
    years = source["years"]
    return f"{source['title']}, {years[0]} to {years[-1]}" if years else str(source["title"])


def _first_small(text: str) -> str:
    return text[:1].lower() + text[1:]
