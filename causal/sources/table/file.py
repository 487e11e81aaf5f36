"""A file as rows of cells, with the row numbers that a text editor or spreadsheet shows.

What can go wrong with a file is not what can go wrong with its numbers: it is a folder, a web page, cut short, in another encoding, or its
headings stand lower down. Each is recognised here by what it looks like.
"""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from causal.document import regular, system_said
from causal.errors import DataError, refusal, suggest
from causal.sources.table.cells import DECIMAL_COMMA, is_mark, words
from causal.sources.table.percent import in_percent, percent_cells
from causal.sources.table.problem import Problem, Remedy, Unusable, written
from causal.words import count

if TYPE_CHECKING:
    import pandas as pd

KINDS = {
    ".csv": "text",
    ".txt": "text",
    ".tsv": "text",
    ".xlsx": "workbook",
    ".xls": "workbook",
    ".xlsm": "workbook",
    ".xlsb": "workbook",
    ".ods": "workbook",
    ".parquet": "parquet",
    ".pq": "parquet",
    ".dta": "stata",
}
# how a file begins that is not what its name says
BEGINS = {
    b"PK\x03\x04": "a workbook or a zip file; name it .xlsx or .ods, or unpack it",
    b"\xd0\xcf\x11\xe0": "an old workbook; name it .xls",
    b"PAR1": "a Parquet file; name it .parquet",
    b"%PDF": "a PDF; a table is wanted, not a picture of one",
}
MOST_BYTES = 1_000_000_000  # of a table
LOOKED_AT = 20  # rows in which headings are looked for
MOJIBAKE = re.compile("Ã[\x80-\xbf€‚ƒ„…†‡ˆ‰Š‹ŒŽ‘’“”•–—˜™š›œžŸ]|â€|Â[£°§]|\ufffd")  # UTF-8 read as Windows-1252 and saved again; letters that were lost
Line = tuple[int, Sequence[Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """What stands in a file.

    Parameters
    ----------
    header : headings, "" where a column has none.
    numbers : number of each row, as an editor or a spreadsheet shows it (the first row of a Parquet or Stata file is 1).
    rows : cells, each row as long as the header.
    notes : what a reader of the numbers should know.
    problems : what must be mended first.
    decimal_comma : whether the file seems to write 6,27 for six and a quarter.
    labels : column → number → label, as a Stata file carries them; the cells stay numbers.
    """

    header: list[str]
    numbers: list[int]
    rows: list[Sequence[Any]]
    notes: tuple[str, ...] = ()
    problems: tuple[Problem, ...] = ()
    decimal_comma: bool = False
    labels: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    def headings_below(self, wanted: Collection[str]) -> Problem | None:
        """Where the headings seem to stand, if not in the first row."""
        return _below([(0, self.header), *zip(self.numbers, self.rows, strict=True)], wanted)

    def second_headings(self, wanted: Collection[str]) -> Problem | None:
        """A second row of headings right under the first: words above numbers."""
        if len(self.rows) < 3 or sum(bool(name) for name in self.header) < 2 or self.numbers[0] < 2:
            return None
        first = [words(cell) for cell in self.rows[0]]
        below = [[words(row[j]) for row in self.rows[1:21]] for j in range(len(self.header))]
        filled = [j for j, text in enumerate(first) if text]
        # a row of readings has its own number or year somewhere; headings have none, and at least one of them stands above numbers
        distinct = len({first[j] for j in filled}) == len(filled)
        if len(filled) < 2 or any(_is_number(first[j]) or re.fullmatch(r"\d{4}.*", first[j]) for j in filled):
            return None
        if not distinct and all(first[j] for j in range(len(first)) if self.header[j]):  # the same words again and again under headings, and none of them bare
            return None
        numeric = [j for j in filled if sum(map(_looks_numeric, below[j])) > len(below[j]) / 2]
        known = {one for j in filled for one in below[j]}
        if not numeric or any(first[j] in known for j in filled):
            return None
        at, merged = self.numbers[0], len(filled) < len(self.header) or "" in self.header
        one = Remedy(knobs={"header": at}, does=f"takes those of row {at} alone")
        both = Remedy(knobs={"header": [at - 1, at]}, does="joins both")
        above = Remedy(knobs={"header": at - 1, "leave_out": [first[filled[0]]]}, does=f"keeps the first and leaves row {at} out")
        shown = ", ".join(repr(first[j]) for j in filled[:4]) + (", …" if len(filled) > 4 else "")
        remedies = (both, one) if merged and not (wanted and set(wanted) <= set(first)) else (one, both, above)
        return Problem(text=f"row {at} holds a second row of headings: {shown}", kind="header", remedies=remedies, sure=True)


def open_file(path: Path, sheet: str | int | None = None, header: int | Sequence[int] | None = None) -> Sheet:
    """Read a table.

    Parameters
    ----------
    path : the file.
    sheet : of a workbook, by name or number from 0; None: the first.
    header : row of the headings, as an editor or a spreadsheet numbers it, or two or more rows one under the other; None: the first that is not blank.

    Raises
    ------
    DataError : no such file, or nothing in it that can be read as a table.
    """
    if path.is_dir():
        inside = [file.name for file in path.iterdir() if file.suffix.lower() in KINDS]
        raise refusal(
            DataError,
            str(path),
            "a table, which is one file (source=england reads a folder of published files)",
            "a folder",
            f"in it {suggest(path.name, inside)}",
        )
    if not path.exists():
        near = [file.name for file in path.parent.glob("*") if file.is_file()] if path.parent.is_dir() else []
        raise refusal(DataError, str(path), "a file", f"nothing: there is no file {str(path)!r}", f"in that folder {suggest(path.name, near)}")
    with system_said(path, "a table", kind=DataError):
        regular(path, "a table", kind=DataError, most=MOST_BYTES)
    kind = KINDS.get(path.suffix.lower())
    if kind is None:
        raise refusal(
            DataError, str(path), "a table that can be read", f"a file with {path.suffix.lower() or 'no ending'}", "save it as .csv, .xlsx or .parquet"
        )
    with system_said(path, "a table", kind=DataError):
        if not path.stat().st_size:
            raise refusal(
                DataError,
                str(path),
                "a header and one row for each authority",
                "nothing: the file is empty (0 bytes)",
                "look whether it was saved, or fetched, to its end",
            )
        notes: list[str] = []
        whole, separator = True, ""
        labels: dict[str, dict[str, str]] = {}
        if sheet is not None and kind != "workbook":
            raise refusal(DataError, "source.sheet", "a workbook, which has sheets", f"{path}, which has none", "leave source.sheet out")
        if kind == "text":
            lines, whole, notes, separator = _text(path)
        elif kind == "workbook":
            lines, notes = _workbook(path, sheet)
        elif kind == "stata":
            lines, labels, notes = _stata(path)
        else:
            lines = _parquet(path)
    lines = [(number, row) for number, row in lines if any(words(cell) for cell in row)]
    if len(lines) < 2:
        raise refusal(
            DataError,
            str(path),
            "a header and one row for each authority",
            "a file that is empty or has a header only",
            "look whether it was saved, or fetched, to its end",
        )
    if header is not None:
        lines, above = _headed(path, lines, header)
        notes += [above] if above else []
    names = [words(cell) for cell in lines[0][1]]
    while names and not names[-1] and not any(words(row[len(names) - 1]) for _, row in lines if len(row) >= len(names)):
        names.pop()  # commas at the end of every line
    lines, foot = _footed(lines, len(names))
    notes += [foot] if foot else []
    width = len(names)
    long = [number for number, row in lines[1:] if any(words(cell) for cell in row[width:])]
    if long:
        what, lower = f"{path}, row {long[0]}: more cells than the {width} headings ({len(long)} such rows)", _below(lines, ())
        if lower is None:
            raise refusal(
                DataError,
                f"{path}, row {long[0]}",
                f"{width} cells, one for each of the {width} headings",
                f"more cells than the {width} headings ({len(long)} such rows)",
                "put cells with commas in double quotes",
            )
        raise Unusable([Problem(text=f"{what}; {lower.text}", kind="header", remedies=lower.remedies, sure=True)])
    problems = []
    again = [number for number, row in lines[1:] if sum(map(bool, names)) > 2 and [words(cell) for cell in row[:width]] == names]
    if again:
        what = f"the headings come again in row {again[0]}{f' and {len(again) - 1} more' if len(again) > 1 else ''}: several tables stand one under the other"
        raise Unusable([Problem(text=f"{path}: {what}; keep one in a file of its own", kind="header")])
    last, cells = lines[-1]
    if not whole and len(cells) < width:
        what = f"row {last}, the last, ends after {len(cells)} of {width} cells, without a line end: the file seems cut short; fetch or save it again"
        problems.append(Problem(text=what, kind="file"))
    elif short := [number for number, row in lines[1:] if kind == "text" and len(row) < width]:
        notes.append(f"{len(short)} rows are shorter than the header (the first is row {short[0]}); what they lack is taken as blank")
    nameless = [j + 1 for j, name in enumerate(names) if not name and any(words(row[j]) for _, row in lines[1:] if j < len(row))]
    if nameless:
        notes.append(f"columns without a heading, left out: {', '.join(map(str, nameless))}")
    rows = [row if len(row) == width else [*row[:width], *[""] * (width - len(row))] for _, row in lines[1:]]
    return Sheet(
        header=names,
        numbers=[number for number, _ in lines[1:]],
        rows=rows,
        notes=tuple(notes),
        problems=tuple(problems),
        decimal_comma=separator == ";" and _decimal_commas(rows),
        labels=labels,
    )


def _headed(path: Path, lines: Sequence[Line], header: int | Sequence[int]) -> tuple[list[Line], str]:
    """The rows from the headings on, and what stood above; several rows of headings are joined word by word, a blank taking what stands left of it."""
    rows = [header] if isinstance(header, int) else list(header)
    there = {number: row for number, row in lines}
    if missing := [number for number in rows if number not in there]:
        raise refusal(
            DataError,
            str(path),
            f"rows of headings, {written(header)} (source.header)",
            f"row {missing[0]} blank or not there",
            f"name rows from {lines[0][0]} to {lines[-1][0]}",
        )
    width = max(len(there[number]) for number in rows)
    stacked = [[words(cell) for cell in there[number]] + [""] * (width - len(there[number])) for number in rows]
    for at, row in enumerate(stacked[:-1]):
        for j in range(1, width):  # a heading merged over several columns stands in the first of them
            if not row[j] and any(below[j] for below in stacked[at + 1 :]) and all(stacked[k][j] == stacked[k][j - 1] for k in range(at)):
                row[j] = row[j - 1]
    names = [" ".join(dict.fromkeys(row[j] for row in stacked if row[j])) for j in range(width)]
    before = [number for number, _ in lines if number < min(rows)]
    note = f"{count(len(before), 'row')} above the headings left out" if before else ""
    below = [(number, row) for number, row in lines if number > max(rows)]
    if not below:
        raise refusal(
            DataError, str(path), f"rows below the headings in {written(header)} (source.header)", "none: no row stands below it", "name a row further up"
        )
    return [(rows[-1], names), *below], note


def _footed(lines: list[Line], width: int) -> tuple[list[Line], str]:
    """The rows without notes below the table (a source, a footnote): words in the first cell alone, at the end."""
    end = len(lines)
    while width > 2 and end > 2:
        filled = [text for cell in lines[end - 1][1] if (text := words(cell))]
        if len(filled) > 2 or any(map(_looks_numeric, filled)):
            break
        end -= 1
    # a place of which nothing is known stands there too, but has no sentence
    end = next((at for at in range(end, len(lines)) if any(" " in text or text.endswith(":") for text in map(words, lines[at][1]))), len(lines))
    cut = lines[end:]
    if not cut:
        return lines, ""
    first = next(text for cell in cut[0][1] if (text := words(cell)))
    shown = first if len(first) <= 40 else first[:40] + "…"
    return lines[:end], f"{count(len(cut), 'row')} of notes below the table left out (row {cut[0][0]}: {shown!r})"


def _decimal_commas(rows: Sequence[Sequence[Any]]) -> bool:
    """Whether numbers are written 6,27: some have a decimal comma, and none a decimal point."""
    texts = {words(cell) for row in rows for cell in row}
    commas = sum(bool(DECIMAL_COMMA.fullmatch(text)) for text in texts)
    points = any(re.fullmatch(r"[-+]?\d*\.(\d{1,2}|\d{4,})\s*%?", text) for text in texts)
    return commas > 0 and not points


def _looks_numeric(text: str) -> bool:
    return bool(re.fullmatch(r"[-+£]*\d[\d.,  ]*%?", text)) or is_mark(text)


def _below(lines: Sequence[Line], wanted: Collection[str]) -> Problem | None:
    """Where headings seem to stand below the first row: a row with all that is wanted, or one of distinct words, wider than the first, above numbers."""
    filled = [[text for cell in row if (text := words(cell))] for _, row in lines[: 10 * LOOKED_AT]]
    width = Counter(map(len, filled[1:])).most_common(1)[0][0]
    for at in range(1, min(LOOKED_AT, len(filled) - 1)):
        names = filled[at]
        wordy = len(set(names)) == len(names) > len(filled[0]) and len(names) >= max(2, width) and not any(map(_is_number, names))
        if (wanted and set(wanted) <= set(names)) or (wordy and any(_is_number(text) for row in filled[at + 1 : at + 4] for text in row)):
            shown = ", ".join(repr(name) for name in names[:4]) + (", …" if len(names) > 4 else "")
            remedy = Remedy(knobs={"header": lines[at][0]}, does="reads it as it is")
            what = f"the header seems to stand in row {lines[at][0]}: {shown}; delete the rows above it"
            return Problem(text=what, kind="header", remedies=(remedy,), sure=True)
    return None


def _is_number(text: str) -> bool:
    if re.fullmatch(r"(19|20)\d\d", text):  # a heading may be a year
        return False
    return bool(re.fullmatch(r"[-+£]*[\d,]*\.?\d+\s*%?", text)) or is_mark(text)


def _text(path: Path) -> tuple[list[Line], bool, list[str], str]:
    """Lines of a CSV, whether the last one is ended, notes, and what separates its cells."""
    data = path.read_bytes()
    for magic, what in BEGINS.items():
        if data.startswith(magic):
            raise refusal(DataError, str(path), "text", what, "name it by what it is, or save it as 'CSV UTF-8'")
    notes = []
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        try:
            text = data.decode("cp1252")
        except UnicodeDecodeError as error:
            raise refusal(
                DataError,
                str(path),
                "text in UTF-8 or Windows-1252",
                f"neither (byte {error.start} cannot be read)",
                "save it as 'CSV UTF-8', or as .xlsx if it is a workbook",
            ) from error
        notes.append("read as Windows-1252, since it is not UTF-8: look at names with accents or pound signs")
    if "\0" in text:
        raise refusal(DataError, str(path), "text in UTF-8 or Windows-1252", "neither (it holds null bytes, as UTF-16 does)", "save it as 'CSV UTF-8'")
    if re.match(r"\s*<(!doctype|html|\?xml)", text, flags=re.IGNORECASE):
        raise refusal(DataError, str(path), "a table", "a web page saved under the name of a table", "fetch the table itself")
    top = "\n".join(text.split("\n", LOOKED_AT)[:LOOKED_AT])
    separator = _separator(top)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, skipinitialspace=separator == " ")
    lines: list[Line] = []
    start = 1
    try:
        for row in reader:
            lines.append((start, row))  # where the row begins: a quoted cell may hold line breaks
            start = reader.line_num + 1
    except csv.Error as error:
        raise refusal(
            DataError,
            f"{path}, row {start}",
            f"cells separated by {separator!r}",
            f"what cannot be taken apart: {error}",
            "look whether a double quote is opened there and never closed",
        ) from error
    whole = text.endswith(("\n", "\r"))
    if text.count('"') % 2 and any("\n" in cell for cell in lines[-1][1]):
        raise refusal(
            DataError,
            f"{path}, row {lines[-1][0]}",
            "double quotes in pairs",
            "one that is opened there and never closed, so that the rest of the file is one cell",
            "close it",
        )
    if lost := MOJIBAKE.search(text):
        line = text.count("\n", 0, lost.start()) + 1
        near = re.split(r'[,;\t\n"]', text[max(0, lost.start() - 20) : lost.end() + 20])
        cell = next(part for part in near if MOJIBAKE.search(part))
        notes.append(f"row {line}: {cell!r} looks like letters lost in a change of encoding; save the file as 'CSV UTF-8' from its origin")
    return lines, whole, notes, separator


def _separator(top: str) -> str:
    """What separates cells: the sign that stands as often in most lines, since 6,27;3,10 has more commas than semicolons."""
    best = max(",;\t|", key=top.count)
    if best == "," and (lines := [line for line in top.split("\n") if line.strip()]) and lines[0].count(";") and not lines[0].count(","):
        return ";" if sum(line.count(";") == lines[0].count(";") for line in lines) > len(lines) / 2 else best
    lines = [line for line in top.split("\n") if line.strip()]
    if not top.count(best) and len(lines) > 2:
        words_of = [len(next(csv.reader([line.strip()], delimiter=" ", skipinitialspace=True))) for line in lines]
        return " " if words_of[0] > 2 and len(set(words_of)) == 1 else best
    return best


def _workbook(path: Path, sheet: str | int | None) -> tuple[list[Line], list[str]]:
    import python_calamine  # here, not above: only spreadsheets need it

    try:
        book = python_calamine.CalamineWorkbook.from_path(str(path))
        names = list(book.sheet_names)
        at = names.index(sheet) if isinstance(sheet, str) and sheet in names else sheet or 0
        if isinstance(at, str) or not 0 <= at < len(names):
            raise refusal(DataError, str(path), "a sheet that it has", repr(sheet), suggest(str(sheet), names))
        rows = book.get_sheet_by_index(at).to_python(skip_empty_area=False)
        if sheet is None and len(names) > 1 and (other := _fuller(book, rows, at)) is not None:
            what = f"{path}: sheet {names[at]!r} holds no table, and the workbook has {len(names)}"
            remedy = Remedy(knobs={"sheet": names[other]}, does="reads the fullest")
            raise Unusable([Problem(text=f"{what}: {_some(names)}", kind="sheet", remedies=(remedy,), sure=True)])
        if path.suffix.lower() in (".xlsx", ".xlsm"):
            rows = in_percent(rows, percent_cells(path, at))
    except (DataError, OSError):
        raise
    except Exception as error:  # calamine raises several kinds, not all its own
        hint = "look whether it is cut short, or protected by a password, and save it again"
        raise refusal(DataError, str(path), "a workbook", "one that cannot be read", hint) from error
    if sum(any(words(cell) for cell in row) for row in rows) < 2 and len(names) > 1:
        others = suggest(str(sheet or ""), names[:at] + names[at + 1 :])
        full = max((i for i in range(len(names)) if i != at), key=lambda i: (len(book.get_sheet_by_index(i).to_python()), -i))
        what = f"{path}: sheet {names[at]!r} is empty or has a header only; name another with source.sheet: {others.rstrip('.')}"
        raise Unusable([Problem(text=what, kind="sheet", remedies=(Remedy(knobs={"sheet": names[full]}, does="is the fullest"),))])
    notes = [f"read from sheet {names[at]!r}; the workbook also has {', '.join(names[:at] + names[at + 1 :])}"] if len(names) > 1 else []
    return list(enumerate(rows, start=1)), notes


def _fuller(book: Any, rows: Sequence[Sequence[Any]], at: int) -> int | None:
    """The sheet with the most rows of three cells or more, where this one has none to speak of."""

    def wide(table: Sequence[Sequence[Any]]) -> int:
        return sum(sum(words(cell) != "" for cell in row) >= 3 for row in table)

    if wide(rows) >= 2 or sum(any(words(cell) for cell in row) for row in rows) < 2:  # a table, or an empty sheet, which is told as such
        return None
    sizes = [(wide(book.get_sheet_by_index(i).to_python()), -i) for i in range(len(book.sheet_names)) if i != at]
    most, i = max(sizes)
    return -i if most >= 2 else None


def _some(names: Sequence[str]) -> str:
    return ", ".join(map(repr, names[:12])) + (f", … ({len(names)} in all)" if len(names) > 12 else "")


def _parquet(path: Path) -> list[Line]:
    import pandas as pd

    try:
        frame = pd.read_parquet(path)
    except OSError as error:
        if error.errno is not None:
            raise
        raise refusal(DataError, str(path), "a table", "one that cannot be read as Parquet", "look whether it is cut short, and save it again") from error
    except Exception as error:  # pyarrow raises several kinds
        raise refusal(DataError, str(path), "a table", "one that cannot be read as Parquet", "look whether it is cut short, and save it again") from error
    return _framed(frame)


def _stata(path: Path) -> tuple[list[Line], dict[str, dict[str, str]], list[str]]:
    """A Stata file: its numbers stay numbers, with their labels beside them."""
    from pandas.io.stata import StataReader

    try:
        with StataReader(path, convert_categoricals=False) as reader:
            frame = reader.read()  # type: ignore[attr-defined]
            said, titles = reader.value_labels(), reader.variable_labels()
            named = dict(zip(frame.columns, getattr(reader, "_lbllist", [""] * len(frame.columns)), strict=False))
    except OSError:
        raise
    except Exception as error:  # several kinds, not all pandas's own
        raise refusal(DataError, str(path), "a table", "one that cannot be read as a Stata file", "look whether it is cut short, and save it again") from error
    labels = {}
    for column in frame.columns:
        if known := said.get(str(named.get(column, ""))):
            labels[str(column)] = {words(number): str(label) for number, label in known.items()}
    notes = []
    if labels:
        shown = "; ".join(f"{column}: {', '.join(f'{n} {label!r}' for n, label in list(mine.items())[:3])}" for column, mine in list(labels.items())[:3])
        notes.append(f"columns with labelled values are read as their numbers ({shown}{'; …' if len(labels) > 3 else ''})")
    if titles_text := [f"{column}: {title}" for column, title in titles.items() if title][:6]:
        notes.append(f"described in the file: {'; '.join(titles_text)}{'; …' if len(titles_text) == 6 else ''}")
    return _framed(frame), labels, notes


def frame_sheet(frame: pd.DataFrame) -> Sheet:
    """A frame from a notebook as a table; its first row is row 1.

    Raises
    ------
    DataError : no rows, or two columns of one name.
    """
    lines = _framed(frame)
    header = [words(cell) for cell in lines[0][1]]
    twice = [name for name in dict.fromkeys(header) if header.count(name) > 1]
    if twice:
        raise refusal(
            DataError,
            "the frame",
            "each column once",
            f"{header.count(twice[0])} columns (or levels of its index) called {twice[0]!r}",
            "rename or drop all but one",
        )
    if len(lines) < 2:
        raise refusal(DataError, "the frame", "one row for each authority, or authority and year", "no rows", "look at how it was filtered")
    return Sheet(header=header, numbers=[number for number, _ in lines[1:]], rows=[row for _, row in lines[1:]])


def _framed(frame: pd.DataFrame) -> list[Line]:
    """A frame as lines: a named index becomes columns, columns of several levels are joined, dates are written without a time zone."""
    import pandas as pd

    if frame.columns.nlevels > 1:
        frame = frame.set_axis([" ".join(word for level in name if (word := words(level))) for name in frame.columns], axis=1)
    names, series = [str(name) for name in frame.columns], [frame.iloc[:, j] for j in range(frame.shape[1])]
    if any(name is not None for name in frame.index.names):
        levels = [frame.index.get_level_values(level) for level in range(frame.index.nlevels)]
        names = [*(str(name) if name is not None else f"index {at}" for at, name in enumerate(frame.index.names)), *names]
        series = [*(pd.Series(level, index=frame.index) for level in levels), *series]
    cells = []
    for column in series:
        if isinstance(column.dtype, pd.PeriodDtype):
            column = column.astype(str)
        elif pd.api.types.is_datetime64_any_dtype(column.dtype):
            column = column.dt.strftime("%Y-%m-%d")
        values = column.astype(object)
        cells.append(values.where(column.notna().to_numpy(), "").to_list())
    return [(0, names), *enumerate((list(row) for row in zip(*cells, strict=True)), start=1)]
