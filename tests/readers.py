"""What a page says to readers, without what stands there as code: to look through for names that only files and programs have."""

from __future__ import annotations

import re
from html import unescape

# what may hold names of files and code: commands and configurations, drawings, the column that says what a variable is called in files, a check's own name
CODE = (
    re.compile(r"<(style|script|svg|pre|code|title)\b.*?</\1>", re.S),
    re.compile(r'<section id="provenance">.*?</section>', re.S),
    re.compile(r"\(In files: [^)]*\)"),
    re.compile(r"<(?:a|div|img|li|section|article|details|source|link|form|input|button)\b[^>]*>"),
)
KEYS = re.compile(r"[\w.]*\w+\.(?:csv|md|docx|xlsx|json|yaml|html|svg|parquet)\b|\b[a-z_]+(?:\.[a-z_]+)+(?:=\S*)?|\b[a-z_]+=\S+|https?://\S+|\bcausal [^<.|]*")
NAMES = re.compile(r"(?<!\w)(?:\w+\[[-+]?\d+\]|[A-Za-z][a-z0-9]*(?:_[a-z0-9]+)+(?!\w))")


def without_file_names(html: str) -> str:
    """A page whose tables have lost the column "Name in files"."""
    made = []
    for table in re.split(r"(<table\b.*?</table>)", html, flags=re.S):
        heads = [re.sub(r"<[^>]+>", "", head).strip() for head in re.findall(r"<th scope=\"col\".*?</th>", table, re.S)]
        if table.startswith("<table") and "Name in files" in heads:
            at = heads.index("Name in files")
            rows = re.findall(r"<tr>(.*?)</tr>", table, re.S)
            cells = [re.findall(r"<t[hd]\b.*?</t[hd]>", row, re.S) for row in rows]
            table = "\n".join(cell for row in cells for i, cell in enumerate(row) if i != at)
        made.append(table)
    return "".join(made)


def code_names(html: str) -> list[str]:
    """Names of columns, checks and parts as code has them (`child_poverty[-1]`, `future_treatment`) that a page shows to readers."""
    text = without_file_names(html)
    for one in CODE:
        text = one.sub(" ", text)
    text = KEYS.sub(" ", unescape(re.sub(r"<[^>]+>", " | ", text)))
    return sorted({hit[0] for hit in NAMES.finditer(text)})
