"""Files of rows as a table that an engine adds up: Parquet or CSV, one file or a folder of either; and, when one cannot be read, which."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from causal.errors import CausalError, ConfigError, DataError, refusal, suggest

ENGINES = ("duckdb", "pandas")
KINDS = {".parquet": "parquet", ".pq": "parquet", ".csv": "csv", ".txt": "csv", ".tsv": "csv"}
QUOTED = re.compile(r"\"[^\"]*\"|'[^']*'")
BLANK = ("", "NA", "NaN", "nan", "NULL", "null")


def files_of(path: Path) -> tuple[list[Path], str]:
    """The files behind a path, sorted, and of what kind they are.

    Parameters
    ----------
    path : a file, or a folder with files of one kind at any depth.

    Raises
    ------
    DataError : nothing there, nothing that can be read, or two kinds at once.
    """
    if not path.exists():
        near = [one.name for one in path.parent.iterdir()] if path.parent.is_dir() else []
        raise refusal(DataError, str(path), "a file or a folder of rows", "nothing", f"in that folder {suggest(path.name, near)}")
    if path.is_file():
        if path.suffix.lower() not in KINDS:
            raise refusal(DataError, str(path), "rows as .parquet or .csv", f"a file with {path.suffix.lower() or 'no ending'}", "save it as Parquet")
        return [path], KINDS[path.suffix.lower()]
    inside = sorted(one for one in path.rglob("*") if one.is_file() and one.suffix.lower() in KINDS and not one.name.startswith((".", "_")))
    found = {KINDS[one.suffix.lower()] for one in inside}
    if len(found) != 1:
        came = "none" if not found else "both"
        raise refusal(DataError, str(path), "a folder with .parquet files or with .csv files", came, "name a folder that holds one kind")
    return inside, found.pop()


@contextmanager
def opened(path: Path, engine: str) -> Iterator[Any]:
    """The rows as a table of an engine, while it is open.

    Parameters
    ----------
    path : a file or a folder.
    engine : "duckdb" reads in pieces; "pandas" holds everything in memory.

    Raises
    ------
    DataError : a file that cannot be read, by name.
    ConfigError : an engine that is not installed.
    """
    files, kind = files_of(path)
    if engine == "pandas":
        with said(path, files, lambda one: _pandas([one], kind)):
            yield _pandas(files, kind)
        return
    try:
        import duckdb
    except ModuleNotFoundError as problem:
        raise refusal(
            ConfigError,
            "source.engine",
            "an engine that is installed",
            "duckdb, which is not",
            "install the extra  causal-prevention[rows]",
        ) from problem
    with duckdb.connect() as connection:
        connection.execute("SET threads=1")  # so that sums come out the same to the last bit every time
        connection.execute("SET memory_limit='1GB'")  # half of what a study of ten million people may take; more goes to its temporary folder
        connection.execute("SET autoinstall_known_extensions=false")  # nothing is fetched

        def read(some: Sequence[Path]) -> Any:
            names = [str(one) for one in some]
            if kind == "parquet":
                return connection.read_parquet(names, union_by_name=len(names) > 1, hive_partitioning=path.is_dir())
            return connection.read_csv(names, header=True, union_by_name=len(names) > 1, na_values=list(BLANK))

        with said(path, files, lambda one: _through(connection, read([one]))):
            yield read(files)


def _through(connection: Any, table: Any) -> None:
    """Read every cell of a table, so that what is wrong with it shows."""
    names = (name.replace('"', '""') for name in table.columns)  # a heading is a name, whatever it holds
    table.aggregate(", ".join(f'bit_xor(hash("{name}"))' for name in names)).fetchall()


def _pandas(files: Sequence[Path], kind: str) -> Any:
    import pandas as pd

    read: Callable[[Path], Any] = pd.read_parquet if kind == "parquet" else lambda one: pd.read_csv(one, na_values=list(BLANK), keep_default_na=False)
    return pd.concat([read(one) for one in files], ignore_index=True) if len(files) > 1 else read(files[0])


@contextmanager
def said(path: Path, files: Sequence[Path], through: Callable[[Path], Any]) -> Iterator[None]:
    """Whatever an engine says of a file, as one refusal that names the file.

    Parameters
    ----------
    path : as it was given.
    files : behind it.
    through : reads one of them to its end.

    Raises
    ------
    DataError : which file cannot be read, and what to try.
    """
    try:
        yield
    except (CausalError, KeyboardInterrupt):
        raise
    except Exception as problem:
        if not _of_reading(problem):
            raise
        raise _refused(*_culprit(path, files, through, problem), len(files)) from problem


def _of_reading(problem: Exception) -> bool:
    """Whether an engine says that it cannot read, and not that it was asked wrongly."""
    home = {one.__module__.split(".")[0] for one in type(problem).__mro__}
    return bool(home & {"duckdb", "_duckdb", "pyarrow", "pandas"}) or isinstance(problem, OSError | UnicodeError)


def _culprit(path: Path, files: Sequence[Path], through: Callable[[Path], Any], first: Exception) -> tuple[Path, Exception]:
    for one in files:
        try:
            through(one)
        except Exception as problem:
            return one, problem
    return path, first


def _refused(one: Path, problem: Exception, number: int) -> DataError:
    # an engine repeats what it stumbled over, which may be of a person: neither lines nor quoted values are passed on
    text = QUOTED.sub("…", " ".join(str(problem).split()).split(" Possible")[0].split(" Original Line")[0])[:200]
    beside = f" (one of {number} files; the others were not used)" if number > 1 else ""
    if isinstance(problem, UnicodeError) or "utf8" in text.lower().replace("-", "") or "unicode" in text.lower():
        return refusal(DataError, f"{one}{beside}", "text in UTF-8", f"text in another encoding ({text})", "write the file again as UTF-8")
    return refusal(DataError, f"{one}{beside}", "rows that can be read to the end", f"a file that cannot: {text}", "fetch or write this file again")
