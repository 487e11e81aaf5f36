"""Which cells of a workbook are shown as percentages: 0.452 under the format 0.0% is 45.2% to whoever reads it, and to a CSV saved from it.

A workbook keeps the number and the way it is shown apart; the reader of cells gives the number alone. The formats stand in `styles.xml`, and each cell names
its own (ECMA-376, Office Open XML, part 1, 18.8.30 and 18.3.1.4).
"""

from __future__ import annotations

import re
import zipfile
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

BUILT_IN = frozenset({9, 10})  # 0% and 0.00%
MAIN = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
RELATION = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"


def percent_cells(path: Path, at: int) -> set[tuple[int, int]]:
    """Row and column, from 0, of the cells of a sheet that are shown as percentages; none where the file does not say.

    Parameters
    ----------
    path : an .xlsx file.
    at : number of the sheet, from 0.
    """
    try:
        with zipfile.ZipFile(path) as book:
            if not (styles := _percent_styles(book)):
                return set()
            found = set()
            with book.open(_sheet(book, at)) as sheet:
                for _, cell in ElementTree.iterparse(sheet):
                    if cell.tag == f"{MAIN}c":
                        where = re.fullmatch(r"([A-Z]+)(\d+)", cell.get("r", ""))
                        if where and int(cell.get("s", 0)) in styles:
                            found.add((int(where[2]) - 1, _column(where[1])))
                    elif cell.tag == f"{MAIN}row":
                        cell.clear()
            return found
    except (KeyError, ValueError, IndexError, zipfile.BadZipFile, ElementTree.ParseError):
        return set()


def in_percent(rows: list[list[Any]], shown: Collection[tuple[int, int]]) -> list[list[Any]]:
    """The rows with such cells as they are shown: 0.452 as "45.2%".

    Parameters
    ----------
    rows : cells as read; changed in place.
    shown : (row, column) of cells that the workbook shows in per cent.
    """
    for i, j in shown:
        if i < len(rows) and j < len(rows[i]) and isinstance(rows[i][j], (int, float)) and not isinstance(rows[i][j], bool):
            rows[i][j] = f"{rows[i][j] * 100:.15g}%"
    return rows


def _percent_styles(book: zipfile.ZipFile) -> set[int]:
    """Numbers of the cell styles whose format has a % outside quotes."""
    root = ElementTree.fromstring(book.read("xl/styles.xml"))
    formats = {int(one.get("numFmtId", -1)) for one in root.iter(f"{MAIN}numFmt") if "%" in re.sub(r'"[^"]*"|\\.', "", one.get("formatCode", ""))} | BUILT_IN
    cells = root.find(f"{MAIN}cellXfs")
    return set() if cells is None else {i for i, style in enumerate(cells) if int(style.get("numFmtId", 0)) in formats}


def _sheet(book: zipfile.ZipFile, at: int) -> str:
    """The file in the book that holds a sheet."""
    sheets: Sequence[Any] = list(ElementTree.fromstring(book.read("xl/workbook.xml")).iter(f"{MAIN}sheet"))
    wanted = sheets[at].get(RELATION)
    relations = ElementTree.fromstring(book.read("xl/_rels/workbook.xml.rels"))
    target = next(str(one.get("Target")) for one in relations if one.get("Id") == wanted)
    return target.lstrip("/") if target.startswith("/") else f"xl/{target}"


def _column(letters: str) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + ord(letter) - ord("A") + 1
    return number - 1
