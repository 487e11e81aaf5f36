"""A file as rows of cells, with the row numbers that a text editor or spreadsheet shows.

What can go wrong with a file is not what can go wrong with its numbers: it is a folder, a web page, cut short, in another encoding, or its
headings stand lower down. Each is recognised here by what it looks like.
"""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from causal.errors import DataError, suggest
from causal.sources.table.cells import is_mark, words

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
}
# how a file begins that is not what its name says
BEGINS = {
    b"PK\x03\x04": "a workbook or a zip file; name it .xlsx or .ods, or unpack it",
    b"\xd0\xcf\x11\xe0": "an old workbook; name it .xls",
    b"PAR1": "a Parquet file; name it .parquet",
    b"%PDF": "a PDF; a table is wanted, not a picture of one",
}
LOOKED_AT = 20  # rows in which headings are looked for
MOJIBAKE = re.compile("Ã[\x80-\xbf€‚ƒ„…†‡ˆ‰Š‹ŒŽ‘’“”•–—˜™š›œžŸ]|â€|Â[£°§]|\ufffd")  # UTF-8 read as Windows-1252 and saved again; letters that were lost
Line = tuple[int, Sequence[Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """What stands in a file.

    Parameters
    ----------
    header : headings, "" where a column has none.
    numbers : number of each row, as an editor or a spreadsheet shows it (the first row of a Parquet file is 1).
    rows : cells, each row as long as the header.
    notes : what a reader of the numbers should know.
    problems : what must be mended first.
    """

    header: list[str]
    numbers: list[int]
    rows: list[Sequence[Any]]
    notes: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()

    def headings_below(self, wanted: Collection[str]) -> str:
        """Where the headings seem to stand, if not in the first row; otherwise ""."""
        return _below([(0, self.header), *zip(self.numbers, self.rows, strict=True)], wanted)


def open_file(path: Path, sheet: str | int | None = None) -> Sheet:
    """Read a table.

    Parameters
    ----------
    sheet : of a workbook, by name or number from 0; None: the first.

    Raises
    ------
    DataError : no such file, or nothing in it that can be read as a table.
    """
    if path.is_dir():
        inside = [file.name for file in path.iterdir() if file.suffix.lower() in KINDS]
        raise DataError(f"{path} is a folder, and a table is one file; in it {suggest(path.name, inside)} (source=england reads a folder of published files)")
    if not path.is_file():
        near = [file.name for file in path.parent.glob("*") if file.is_file()] if path.parent.is_dir() else []
        raise DataError(f"there is no file {str(path)!r}; in that folder {suggest(path.name, near)}")
    kind = KINDS.get(path.suffix.lower())
    if kind is None:
        raise DataError(f"{path}: {path.suffix.lower() or 'no ending'} is not a table that can be read; save it as .csv, .xlsx or .parquet")
    try:
        if not path.stat().st_size:
            raise DataError(f"{path}: the file is empty (0 bytes); was it saved, or fetched, to its end?")
        notes: list[str] = []
        whole = True
        if kind == "text":
            lines, whole, notes = _text(path)
        elif kind == "workbook":
            lines, notes = _workbook(path, sheet)
        else:
            lines = _parquet(path)
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror or error})") from error
    lines = [(number, row) for number, row in lines if any(words(cell) for cell in row)]
    if len(lines) < 2:
        raise DataError(f"{path}: the file is empty or has a header only; wanted a header and one row for each authority")
    header = [words(cell) for cell in lines[0][1]]
    while header and not header[-1] and not any(words(row[len(header) - 1]) for _, row in lines if len(row) >= len(header)):
        header.pop()  # commas at the end of every line
    width = len(header)
    long = [number for number, row in lines[1:] if any(words(cell) for cell in row[width:])]
    if long:
        mend = _below(lines, ()) or "put cells with commas in double quotes"
        raise DataError(f"{path}, row {long[0]}: more cells than the {width} headings ({len(long)} such rows); {mend}")
    problems = []
    last, cells = lines[-1]
    if not whole and len(cells) < width:
        problems.append(f"row {last}, the last, ends after {len(cells)} of {width} cells, without a line end: the file seems cut short; fetch or save it again")
    elif short := [number for number, row in lines[1:] if kind == "text" and len(row) < width]:
        notes.append(f"{len(short)} rows are shorter than the header (the first is row {short[0]}); what they lack is taken as blank")
    nameless = [j + 1 for j, name in enumerate(header) if not name and any(words(row[j]) for _, row in lines[1:] if j < len(row))]
    if nameless:
        notes.append(f"columns without a heading, left out: {', '.join(map(str, nameless))}")
    rows = [row if len(row) == width else [*row[:width], *[""] * (width - len(row))] for _, row in lines[1:]]
    return Sheet(header=header, numbers=[number for number, _ in lines[1:]], rows=rows, notes=tuple(notes), problems=tuple(problems))


def _below(lines: Sequence[Line], wanted: Collection[str]) -> str:
    """Where headings seem to stand below the first row: a row with all that is wanted, or one of distinct words, wider than the first, above numbers."""
    filled = [[text for cell in row if (text := words(cell))] for _, row in lines[: 10 * LOOKED_AT]]
    width = Counter(map(len, filled[1:])).most_common(1)[0][0]
    for at in range(1, min(LOOKED_AT, len(filled) - 1)):
        names = filled[at]
        wordy = len(set(names)) == len(names) > len(filled[0]) and len(names) >= max(2, width) and not any(map(_is_number, names))
        if (wanted and set(wanted) <= set(names)) or (wordy and any(_is_number(text) for row in filled[at + 1 : at + 4] for text in row)):
            shown = ", ".join(repr(name) for name in names[:4]) + (", …" if len(names) > 4 else "")
            return f"the header seems to stand in row {lines[at][0]}: {shown}; delete the rows above it"
    return ""


def _is_number(text: str) -> bool:
    if re.fullmatch(r"(19|20)\d\d", text):  # a heading may be a year
        return False
    return bool(re.fullmatch(r"[-+£]*[\d,]*\.?\d+\s*%?", text)) or is_mark(text)


def _text(path: Path) -> tuple[list[Line], bool, list[str]]:
    """Lines of a CSV, whether the last one is ended, and notes."""
    data = path.read_bytes()
    for magic, what in BEGINS.items():
        if data.startswith(magic):
            raise DataError(f"{path}: this is not text but {what}")
    notes = []
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        try:
            text = data.decode("cp1252")
        except UnicodeDecodeError as error:
            raise DataError(
                f"{path}: neither UTF-8 nor Windows-1252 text (byte {error.start} cannot be read); save it as 'CSV UTF-8', or as .xlsx if it is a workbook"
            ) from error
        notes.append("read as Windows-1252, since it is not UTF-8: look at names with accents or pound signs")
    if "\0" in text:
        raise DataError(f"{path}: this is not text in UTF-8 or Windows-1252 (it holds null bytes, as UTF-16 does); save it as 'CSV UTF-8'")
    if re.match(r"\s*<(!doctype|html|\?xml)", text, flags=re.IGNORECASE):
        raise DataError(f"{path}: this is a web page saved under the name of a table; fetch the table itself")
    top = "\n".join(text.split("\n", LOOKED_AT)[:LOOKED_AT])
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=max(",;\t", key=top.count))
    lines: list[Line] = []
    start = 1
    try:
        for row in reader:
            lines.append((start, row))  # where the row begins: a quoted cell may hold line breaks
            start = reader.line_num + 1
    except csv.Error as error:
        raise DataError(f"{path}, row {start}: {error}; is a double quote opened there and never closed?") from error
    whole = text.endswith(("\n", "\r"))
    if text.count('"') % 2 and any("\n" in cell for cell in lines[-1][1]):
        raise DataError(f"{path}, row {lines[-1][0]}: a double quote is opened there and never closed, so that the rest of the file is one cell; close it")
    if lost := MOJIBAKE.search(text):
        line = text.count("\n", 0, lost.start()) + 1
        near = re.split(r'[,;\t\n"]', text[max(0, lost.start() - 20) : lost.end() + 20])
        cell = next(part for part in near if MOJIBAKE.search(part))
        notes.append(f"row {line}: {cell!r} looks like letters lost in a change of encoding; save the file as 'CSV UTF-8' from its origin")
    return lines, whole, notes


def _workbook(path: Path, sheet: str | int | None) -> tuple[list[Line], list[str]]:
    import python_calamine  # here, not above: only spreadsheets need it

    try:
        book = python_calamine.CalamineWorkbook.from_path(str(path))
        names = list(book.sheet_names)
        at = names.index(sheet) if isinstance(sheet, str) and sheet in names else sheet or 0
        if isinstance(at, str) or not 0 <= at < len(names):
            raise DataError(f"{path}: no sheet {sheet!r}; {suggest(str(sheet), names)}")
        rows = book.get_sheet_by_index(at).to_python(skip_empty_area=False)
    except DataError:
        raise
    except Exception as error:  # calamine raises several kinds, not all its own
        raise DataError(f"{path}: cannot be read ({error}); is it cut short, or protected by a password?") from error
    if sum(any(words(cell) for cell in row) for row in rows) < 2 and len(names) > 1:
        others = suggest(str(sheet or ""), names[:at] + names[at + 1 :])
        raise DataError(f"{path}: sheet {names[at]!r} is empty or has a header only; name another with source.sheet: {others}")
    notes = [f"read from sheet {names[at]!r}; the workbook also has {', '.join(names[:at] + names[at + 1 :])}"] if len(names) > 1 else []
    return list(enumerate(rows, start=1)), notes


def _parquet(path: Path) -> list[Line]:
    import pandas as pd

    try:
        frame = pd.read_parquet(path)
    except Exception as error:  # pyarrow raises several kinds
        raise DataError(f"{path}: cannot be read as Parquet ({error}); is it cut short?") from error
    frame = frame.reset_index() if any(name is not None for name in frame.index.names) else frame
    rows = frame.astype(object).where(frame.notna(), "").to_numpy().tolist()
    return [(0, [str(name) for name in frame.columns]), *enumerate(rows, start=1)]
