"""DfE's open data standard, for whoever reads or writes such files: names, symbols, and what is wrong with a file.

One row for each period, place and combination of filters; `time_period` 2018, or 201718 for a period over two calendar years; lower snake_case, UTF-8; a
`.meta.csv` beside the file says which columns are filters and which are indicators (DfE, Open data standards, 2024; symbols after the Analysis Function).
Beyond the standard, and our own rule: an interval stands as `estimate`, `est_lower_ci`, `est_upper_ci`, its lower end never above its upper.
"""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

from causal.errors import DataError, refusal, suggest
from causal.words import count, listed

TIME = ("time_period", "time_identifier")
LEVEL = "geographic_level"
REGION, AUTHORITY = ("region_code", "region_name"), ("old_la_code", "new_la_code", "la_name")
PLACES = ("country_code", "country_name", *REGION, *AUTHORITY)
EVERYWHERE = (*TIME, LEVEL, "country_code", "country_name")  # on every row, whatever its level
COLUMNS = (*TIME, LEVEL, *PLACES)
META = ("col_name", "col_type", "label", "indicator_grouping", "indicator_unit", "indicator_dp", "filter_hint", "filter_grouping_column")
NOT_APPLICABLE, UNAVAILABLE = "z", "x"
CONFIDENTIAL = "c"
SYMBOLS = {
    NOT_APPLICABLE: "not applicable",
    UNAVAILABLE: "not available",
    "c": "confidential",
    "low": "rounds to 0 but is not 0",
    "k": "rounds to 0 but is not 0",
    "u": "of low reliability",
}
UNITS = ("", "£", "£m", "%", "pp")
INTERVAL = ("estimate", "est_lower_ci", "est_upper_ci")
NEEDS = {"National": (), "Regional": REGION, "Local authority": (*REGION, *AUTHORITY)}
MONTHS = ["January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December"]
# sorts of period: what may stand together in one file, and how many digits it has
PERIODS: tuple[tuple[int, tuple[str, ...]], ...] = (
    (4, ("Calendar year",)),
    (4, ("Reporting year",)),
    (6, ("Academic year",)),
    (6, ("Financial year",)),
    (6, tuple(f"Financial year Q{i}" for i in range(1, 5))),
    (6, ("Part 1 (April to September)", "Part 2 (October to March)")),
    (6, ("Tax year",)),
    (6, ("Autumn term", "Spring term", "Summer term")),
    (6, ("Autumn and spring term",)),
    (4, tuple(MONTHS)),
    (4, tuple(f"Week {i}" for i in range(1, 53))),
)
NAME = re.compile(r"[a-z][a-z0-9_]*")
FILE_NAME = re.compile(r"[a-z0-9_-]+")
NUMBER = re.compile(r"-?\d+(\.\d+)?")
CODES = {
    "country_code": re.compile(r"[EWSNK]\d{8}"),
    "region_code": re.compile(r"E1[23]\d{6}"),
    "new_la_code": re.compile(r"[EWSN]\d{8}"),
    "old_la_code": re.compile(r"\d{3}"),
}
SHOWN = 3  # rows named in one sentence
Row = Mapping[str, str]
Rows = Sequence[tuple[int, Row]]  # with the number that an editor shows


def results(header: Collection[str]) -> bool:
    """Whether these headings are of a file that says it follows the standard and holds no authorities to study: results, not a source."""
    return {*EVERYWHERE} <= set(header) and not {"new_la_code", "old_la_code"} & set(header)


def header(path: Path) -> list[str]:
    """The first row of a CSV file; [] where it cannot be read as one."""
    if not path.is_file():  # a named pipe or a device may never end
        return []
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            return next(csv.reader(file), [])
    except (OSError, UnicodeDecodeError, csv.Error):
        return []


def problems(path: Path) -> list[str]:
    """What keeps a file and the `.meta.csv` beside it from following the standard; [] where nothing does.

    Raises
    ------
    DataError : there is no such file.
    """
    path = Path(path)
    if not path.is_file():
        raise refusal(DataError, str(path), "a file", "nothing: there is no such file", "look at how the path is written")
    wrong: list[str] = []
    if not (path.suffix == ".csv" and FILE_NAME.fullmatch(path.stem)):
        wrong.append(f"the file's name is {path.name!r}; wanted small letters, digits, _ and - only, and .csv")
    heads, rows, unread = _table(path)
    if unread or not heads:
        return [*wrong, *(unread or ["it is empty"])]
    for name, times in Counter(heads).items():
        if times > 1:
            return [*wrong, f"{times} columns are called {name!r}; each column needs a name of its own"]
        if not NAME.fullmatch(name):
            wrong.append(f"column {name!r}: wanted small letters, digits and _, beginning with a letter")
    missing = [name for name in EVERYWHERE if name not in heads]
    wrong += [f"there is no column {name!r}, which every file has; {suggest(name, heads)}" for name in missing]
    if not missing:
        wrong += _periods(rows) + _places(heads, rows)
    beside = path.with_name(f"{path.stem}.meta.csv")
    if not beside.is_file():
        return [*wrong, f"there is no {beside.name} beside it, which says what its columns are"]
    meta_heads, meta, unread = _table(beside)
    missing = [name for name in META if name not in meta_heads]
    if unread or missing:
        return [*wrong, *(f"{beside.name}: {one}" for one in unread or [f"there is no column {name!r}" for name in missing])]
    wrong += [f"{beside.name}: {one}" for one in _described(heads, rows, meta)]
    kinds = {row["col_name"]: row["col_type"] for _, row in meta}
    return wrong + _cells(heads, rows, kinds) + _intervals(heads, rows)


def _table(path: Path) -> tuple[list[str], Rows, list[str]]:
    """Headings, rows, and why it cannot be read, if it cannot."""
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as problem:
        return [], [], [f"it is not UTF-8 (byte {problem.start}); save it as “CSV UTF-8”"]
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    wrong: list[str] = []
    rows: list[tuple[int, Row]] = []
    try:
        heads = next(reader, [])
        for cells in reader:
            if not any(cells):
                wrong.append(f"row {reader.line_num} is blank")
            elif len(cells) != len(heads):
                wrong.append(f"row {reader.line_num} has {count(len(cells), 'cell')}, and there are {count(len(heads), 'column')}")
            else:
                rows.append((reader.line_num, dict(zip(heads, cells, strict=True))))
    except csv.Error as problem:
        wrong.append(f"row {reader.line_num} cannot be read ({problem})")
        heads = []
    return heads, rows, wrong


def _periods(rows: Rows) -> list[str]:
    wrong: list[str] = []
    digits = {name: length for length, names in PERIODS for name in names}
    known = [(n, row["time_period"], row["time_identifier"]) for n, row in rows]
    wrong += _told("time_identifier", "{!r} is none of the standard's", [(n, word) for n, _, word in known if word not in digits])
    sorts = sorted({next(i for i, (_, names) in enumerate(PERIODS) if word in names) for _, _, word in known if word in digits})
    if len(sorts) > 1:
        mixed = sorted({word for _, _, word in known if word in digits})
        wrong.append(f"time_identifier mixes {listed(mixed)}, which belong in files of their own")
    odd = [(n, period) for n, period, word in known if word in digits and not re.fullmatch(rf"\d{{{digits[word]}}}", period)]
    wrong += _told("time_period", "{!r} does not have the digits of its time_identifier", odd)
    apart = [(n, p) for n, p, word in known if re.fullmatch(r"\d{6}", p) and digits.get(word) == 6 and (int(p[:4]) + 1) % 100 != int(p[4:])]
    return wrong + _told("time_period", "{!r} is not two years running", apart)


def _places(heads: Sequence[str], rows: Rows) -> list[str]:
    wrong: list[str] = []
    levels = [(n, row[LEVEL]) for n, row in rows]
    wrong += _told(
        LEVEL, "{!r} is none of " + listed([repr(one) for one in NEEDS]) + ", the levels that this check knows", [o for o in levels if o[1] not in NEEDS]
    )
    for level in sorted({level for _, level in levels if level in NEEDS}):
        missing = [name for name in NEEDS[level] if name not in heads]
        wrong += [f"rows of level {level!r} need a column {name!r}" for name in missing]
    for name in [name for name in PLACES if name in heads]:
        # a legacy authority has no new code; all else is filled where its level has it
        wanted = {level for level, names in NEEDS.items() if name in names} if name not in EVERYWHERE else set(NEEDS)
        filled = [(n, row[name]) for n, row in rows if row[name] and row[LEVEL] in NEEDS and row[LEVEL] not in wanted]
        wrong += _told(name, "{!r} stands where the row's level has none; leave it blank", filled)
        if name != "new_la_code":
            wrong += _told(name, "the cell is blank", [(n, "") for n, row in rows if not row[name] and row[LEVEL] in wanted])
        if name in CODES:
            odd = [(n, row[name]) for n, row in rows if row[name] and row[name] not in ("x", "z") and not CODES[name].fullmatch(row[name])]
            wrong += _told(name, "{!r} is no code of this kind (x: not available, z: none applies)", odd)
    for code, name in (("country_code", "country_name"), REGION, ("new_la_code", "la_name")):
        if code in heads and name in heads:
            names: dict[str, set[str]] = {}
            for _, row in rows:
                if row[code] not in ("", "x", "z"):
                    names.setdefault(row[code], set()).add(row[name])
            wrong += [f"{code} {one!r} stands for {listed(sorted(called))}" for one, called in sorted(names.items()) if len(called) > 1]
    return wrong


def _described(heads: Sequence[str], rows: Rows, meta: Rows) -> list[str]:
    wrong: list[str] = []
    names = [row["col_name"] for _, row in meta]
    labels = Counter(row["label"].strip() for _, row in meta)
    groups = {row["filter_grouping_column"] for _, row in meta} - {""}
    for n, row in meta:
        name, kind = row["col_name"], row["col_type"]
        where = f"row {n} ({name})"
        if name not in heads:
            wrong.append(f"{where}: there is no such column; {suggest(name, heads)}")
        if name in COLUMNS:
            wrong.append(f"{where}: columns of time and place are not described")
        if names.count(name) > 1 and names.index(name) == [m for m, _ in meta].index(n):
            wrong.append(f"{where}: described {names.count(name)} times")
        if kind not in ("Filter", "Indicator"):
            wrong.append(f"{where}: col_type is {kind!r}, wanted Filter or Indicator")
        if not row["label"].strip():
            wrong.append(f"{where}: there is no label")
        elif labels[row["label"].strip()] > 1:
            wrong.append(f"{where}: the label {row['label']!r} is given to {labels[row['label'].strip()]} columns")
        if row["indicator_unit"] not in UNITS:
            wrong.append(f"{where}: indicator_unit is {row['indicator_unit']!r}, wanted blank (a number) or one of £, £m, %, pp")
        if row["indicator_dp"] and not row["indicator_dp"].isdigit():
            wrong.append(f"{where}: indicator_dp is {row['indicator_dp']!r}, wanted a whole number or blank")
        for other in ("indicator_grouping", "indicator_unit", "indicator_dp") if kind == "Filter" else ("filter_hint", "filter_grouping_column"):
            if row[other]:
                wrong.append(f"{where}: {other} is {row[other]!r}; a column of the kind {kind} has none")
        if row["filter_grouping_column"] and row["filter_grouping_column"] not in heads:
            wrong.append(f"{where}: filter_grouping_column is {row['filter_grouping_column']!r}, and there is no such column")
    for name in heads:
        # a filter of one level, and what groups another, need no words
        if name not in (*COLUMNS, *names, *groups) and len({row[name] for _, row in rows}) > 1:
            wrong.append(f"column {name!r} is not described")
    if not any(row["col_type"] == "Indicator" for _, row in meta):
        wrong.append("there is no indicator")
    return wrong


def _cells(heads: Sequence[str], rows: Rows, kinds: Mapping[str, str]) -> list[str]:
    wrong: list[str] = []
    for name in heads:
        cells = [(n, row[name]) for n, row in rows]
        if kinds.get(name) == "Indicator":
            wrong += _told(name, "the cell is blank; z: not applicable, x: not available", [(n, cell) for n, cell in cells if not cell])
            odd = [(n, cell) for n, cell in cells if cell and not NUMBER.fullmatch(cell) and cell not in SYMBOLS]
            wrong += _told(name, "{!r} is neither a plain number nor one of the symbols " + listed(list(SYMBOLS)), odd)
        elif name not in PLACES:
            wrong += _told(name, "the cell is blank", [(n, cell) for n, cell in cells if not cell.strip()])
        wrong += _told(name, "{!r} begins or ends with a space", [(n, cell) for n, cell in cells if cell.strip() and cell != cell.strip()])
    said = [name for name in heads if kinds.get(name) != "Indicator"]
    seen: dict[tuple[str, ...], int] = {}
    for n, row in rows:
        first = seen.setdefault(tuple(row[name] for name in said), n)
        if first != n:
            wrong.append(f"row {n} has the period, place and filters of row {first}")
    return wrong


def _intervals(heads: Sequence[str], rows: Rows) -> list[str]:
    have = [name for name in INTERVAL if name in heads]
    if not {"est_lower_ci", "est_upper_ci"} & set(have):
        return []
    if len(have) < len(INTERVAL):
        return [f"an interval stands as {listed(INTERVAL)}; here there is only {listed(have)}"]
    numbers = [(n, [row[name] for name in INTERVAL]) for n, row in rows]
    known = [(n, float(cells[1]), float(cells[2])) for n, cells in numbers if all(NUMBER.fullmatch(one) for one in cells[1:])]
    return _told("est_lower_ci", "{!r} is above est_upper_ci", [(n, f"{low:g}") for n, low, high in known if low > high])


def _told(column: str, what: str, where: Sequence[tuple[int, str]]) -> list[str]:
    """One sentence on all the rows of a column that share a fault."""
    if not where:
        return []
    rest = f" and {count(len(where) - SHOWN, 'other row')}" if len(where) > SHOWN else ""
    shown = listed([str(n) for n, _ in where[:SHOWN]])
    return [f"column {column!r}, {'row' if len(where) == 1 else 'rows'} {shown}{rest}: {what.format(where[0][1])}"]
