"""The knobs of `source=table` as flags of `causal check` and `causal new`, and what these commands say of a table.

Nothing heavy is imported until a table is read: the command line is built from this module each time it is called.
"""

from __future__ import annotations

import argparse
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from causal.arguments import named
from causal.errors import CausalError, ConfigError, refusal

if TYPE_CHECKING:
    from causal.panel import Panel
    from causal.sources.table import Table
    from causal.sources.table.ready import Ready

LINES = 20  # of problems and notes, at most
PLAIN = {
    "authority": "column of authorities",
    "year": "column of years",
    "sheet": "of a workbook, by name or number from 0",
    "population": "column that counts the people",
    "name": "column of the authorities' names",
    "region": "column of their regions",
    "cluster": "column that says who moves together",
    "header": "row of the headings: 3, or '[1,2]' for two rows one under the other",
    "years-across": "what the numbers are called where years stand as columns; true where the headings say it",
    "places-across": "what the numbers are called where rows are years and every other column is a place",
    "pivot": "rows become columns: '{by: sex, values: number}'",
    "combine": "several rows of a year become one: sum, mean, first, last",
    "period": "which year 2018/19 is: ends, begins; steps makes each quarter or month a step of its own",
    "century": "added to years of two digits: 1900",
    "decimal": "comma or point",
    "loose-keys": "true: authorities that differ only by zeros, spaces, hyphens and capitals are one",
    "derived": "columns made from others: '{in_force: {since: first_year}}'",
    "variables": "what columns are: '{plans: {column: cpp_rate, unit: \"per 10,000 children\"}}'",
}
REPEATED = {"fill": ("COLUMN", "blank cells take what stands above"), "leave-out": ("AUTHORITY", "a total, no place; none keeps every row")}
NUMBERS = ("century",)
STRUCTURED = ("header", "pivot", "derived", "variables", "years-across", "places-across", "authority", "year", "sheet")


def add_table_flags(parser: argparse.ArgumentParser) -> None:
    """Every knob that a table may need, as a flag."""
    for flag, about in PLAIN.items():
        parser.add_argument(f"--{flag}", default=None, metavar="NAME" if "column" in about[:10] else "VALUE", help=f"{about} (tables)")
    for flag, (metavar, about) in REPEATED.items():
        parser.add_argument(f"--{flag}", action="append", default=None, metavar=metavar, help=f"{about} (tables); may be repeated")
    parser.add_argument("--only", action="append", default=[], metavar="COLUMN=VALUE", help="rows to keep (tables); may be repeated")


def table_knobs(given: argparse.Namespace) -> dict[str, Any]:
    """The knobs that were given, as `Table` takes them.

    Raises
    ------
    ConfigError : a value that cannot be read.
    """
    knobs: dict[str, Any] = {}
    for flag in (*PLAIN, *REPEATED):
        knob = flag.replace("-", "_")
        value = getattr(given, knob, None)
        if value is not None:
            knobs[knob] = _value(flag, value)
    if odd := [word for word in given.only if "=" not in word]:
        raise refusal(ConfigError, "--only", "COLUMN=VALUE", repr(odd[0]), "write  --only category=Total")
    only: dict[str, list[str]] = {}
    for word in given.only:
        only.setdefault(word.partition("=")[0], []).append(word.partition("=")[2])
    return knobs | ({"only": only} if only else {})


def _value(flag: str, value: Any) -> Any:
    """A flag's words as a value: lists and mappings as YAML in one line, numbers where numbers are wanted."""
    if flag == "leave-out":
        return [] if value == ["none"] else value
    if flag in NUMBERS or (flag in ("header", "sheet") and str(value).isdigit()):
        if not str(value).isdigit():
            raise refusal(ConfigError, f"--{flag}", "a number", repr(value), "write it in figures")
        return int(value)
    if flag in ("loose-keys", "years-across") and str(value).lower() in ("true", "false", "yes", "no"):
        return str(value).lower() in ("true", "yes")
    if flag == "loose-keys":
        raise refusal(ConfigError, "--loose-keys", "true or false", repr(value), "write one of the two")
    if flag in STRUCTURED and isinstance(value, str) and value[:1] in "[{":
        import yaml

        try:
            return yaml.load(value, Loader=_as_written())
        except yaml.YAMLError as error:
            raise refusal(
                ConfigError, f"--{flag}", "a list or mapping as YAML writes it in one line", repr(value), "look at its brackets and quotes"
            ) from error
    return value


def _as_written() -> Any:
    """YAML with names as they are written: `on`, `no` and `y` are columns here, and no truth."""
    import yaml

    class Written(yaml.SafeLoader):
        def construct_mapping(self, node: Any, deep: bool = False) -> dict[Any, Any]:
            for key, _ in node.value:
                if isinstance(key, yaml.ScalarNode):
                    key.tag = "tag:yaml.org,2002:str"
            return super().construct_mapping(node, deep=deep)

    return Written


def table_from(paths: Sequence[Path], knobs: Mapping[str, Any]) -> Table:
    """The table of one file or several."""
    from causal.sources.table import Table

    return Table(path=str(paths[0]) if len(paths) == 1 else [str(path) for path in paths], **knobs)


def command(name: str, paths: Sequence[Path], knobs: Mapping[str, Any]) -> str:
    """`causal NAME FILE …` with flags, ready to paste.

    Parameters
    ----------
    name : of the command, "check" or "new".
    paths : the file, or several.
    knobs : by name, as `Table` takes them; those of the command itself may stand among them.
    """
    from causal.sources.table.problem import as_flags

    return " ".join(["causal", name, *(shlex.quote(str(path)) for path in paths), *as_flags(knobs)])


def report(
    paths: Sequence[Path], knobs: Mapping[str, Any], wanted: Sequence[str] = (), *, again: str = "check", more: Mapping[str, Any] | None = None
) -> tuple[list[str], Ready]:
    """What it would take to run with this table: lines to print, and the table as it then reads.

    Parameters
    ----------
    paths : the file, or several.
    knobs : as given on the command line.
    wanted : variables that must be there (treatment, outcome, …).
    again : the command that was called, for the line to paste.
    more : its other flags, for the same line.
    """
    from causal.sources.table.problem import flagged, shown
    from causal.sources.table.ready import ready
    from causal.words import count

    found = ready(table_from(paths, knobs), wanted)
    title = ", ".join(map(str, paths))
    if not found.problems:
        assert found.panel is not None
        lines = [f"{title}: nothing wrong was found", f"  {_size(found)}", *(f"  {flagged(note)}" for note in _cut(found.panel.notes, LINES - 4))]
        if knobs.get("population") and not any(variable.count_per or "children" in variable.unit for variable in found.panel.variables):
            lines.append(f"  nothing was compared with {knobs['population']}: source.variables says what counts people, by unit or count_per")
        return lines, found
    mend = [problem for problem in found.problems if not problem.remedies]
    lines = [f"{title}: {count(len(found.problems), 'problem')}"]
    lines += [f"  {line}" for line in shown(found.problems, "flags", limit=LINES - 5, each=3)]
    whole = {**knobs, **found.knobs, **(more or {})}
    if found.panel is not None:
        choice = f" ({', '.join(found.chosen)}: one choice of those above)" if found.chosen else ""
        lines += [f"it then reads {_size(found)}; ready to paste{choice}:", f"  {command(again, paths, whole)}"]
    elif found.knobs:
        rest = f"; {count(len(mend), 'problem')} above must be mended first" if mend else ""
        lines += [f"what is known so far{rest}:", f"  {command(again, paths, whole)}"]
    return lines, found


def first_years(panel: Panel, treatment: str) -> dict[str, Any]:
    """A treatment that holds the year or date in which it began, as a derived column that is 0 before and 1 from then on; empty for any other.

    Parameters
    ----------
    panel : with the treatment as a column.
    treatment : its name.

    Raises
    ------
    ConfigError : all of these years lie outside the panel, so that nobody is seen both before and after.
    """
    if treatment not in panel.names or len(panel.years) < 2:
        return {}
    column = panel.frame[treatment].dropna()
    dates = panel.variable(treatment).unit == "year"  # a date is read as a year and the part of it that had passed
    if column.empty or not bool(((dates | (column % 1 == 0)) & (column >= 1000) & (column <= 2999)).all()):
        return {}
    if bool((column.groupby(level="authority").nunique() > 1).any()):
        return {}
    begins = column.groupby(level="authority").first()
    if not bool(((begins > panel.years[0]) & (begins <= panel.years[-1])).any()):
        raise refusal(
            ConfigError,
            f"the treatment {treatment!r}",
            f"years in which something began, some of them after {panel.years[0]} and up to {panel.years[-1]}, which are the table's",
            f"{begins.min():.0f} to {begins.max():.0f}",
            "load the years before and after, or name the column that holds the treatment",
        )
    return {f"since_{treatment}": {"since": treatment}}


def _cut(notes: Sequence[str], most: int) -> list[str]:
    return [*notes[:most], f"… and {len(notes) - most} more"] if len(notes) > most else list(notes)


def _size(found: Ready) -> str:
    """40 authorities, 2010 to 2017: d, y."""
    from causal.words import count

    panel = found.panel
    assert panel is not None
    when = "" if panel.years == (0,) else f", {panel.years[0]} to {panel.years[-1]}"
    names = ", ".join(panel.names[:12]) + (f", … ({len(panel.names)} in all)" if len(panel.names) > 12 else "")
    return f"{count(len(panel.frame), 'row')}, {count(len(panel.authorities), 'authority', 'authorities')}{when}: {names}"


def check_table(paths: Sequence[Path], given: argparse.Namespace) -> int:
    """`causal check` of a table; exit status 0, or 2 where something is to be said or mended first.

    Parameters
    ----------
    paths : one file, or several that are joined.
    given : the flags of the command line.
    """
    knobs = table_knobs(given)
    wanted = [name for name in (given.treatment, given.outcome) if name]
    more = {key: value for key in ("treatment", "outcome") if (value := getattr(given, key))}
    lines, found = report(paths, knobs, wanted, more=more)
    print("\n".join(lines))
    if not found.problems:
        assert found.panel is not None
        asked: dict[str, Any] = {"treatment": given.treatment or "TREATMENT", "outcome": given.outcome or "OUTCOME"}
        if given.treatment and (made := first_years(found.panel, given.treatment)):
            print(f"  {given.treatment} holds the year in which it began; what is in force since then is a column made of it")
            asked = {"derived": {**(knobs.get("derived") or {}), **made}, **asked, "treatment": next(iter(made))}
        print(f"next: {command('new', paths, {**knobs, **asked})}")
    return 2 if found.problems else 0


def add_new(parser: argparse.ArgumentParser) -> None:
    """The flags of `causal new`."""
    parser.add_argument("path", type=Path, nargs="*", metavar="FILE", help="the table; several files are joined on authority and year")
    for flag, metavar, about in (
        ("treatment", "NAME", "column that was done to places"),
        ("outcome", "NAME", "column that it may have moved"),
        ("confounders", "A,B", "columns that move both; for a template NODE=COLUMN"),
        ("instrument", "A,B", "columns that move the treatment, and the outcome through it alone"),
        ("template", "NAME", "a graph with reasons to start from; causal list templates"),
        ("because", "WORDS", "why a change of that size would matter"),
    ):
        parser.add_argument(f"--{flag}", default=None, metavar=metavar, help=about)
    parser.add_argument("--smallest-important", type=float, default=None, metavar="SIZE", help="smallest effect that would matter, in outcome units")
    parser.add_argument("--harm", choices=("increase", "decrease"), default=None, help="which direction of the outcome is bad")
    parser.add_argument("--lag", type=int, default=None, metavar="YEARS", help="years from treatment to outcome")
    parser.add_argument("--to", type=named, default=Path("mine"), metavar="FOLDER", help="where to write (mine)")
    parser.add_argument("--called", default="ours", metavar="NAME", help="name of graph and experiment (ours)")
    add_table_flags(parser)


def must_be_there(paths: Sequence[Path]) -> None:
    """Files by these names, or what stands near them.

    Raises
    ------
    ConfigError : no such file.
    """
    from causal.errors import suggest

    for path in paths:
        if path.is_symlink() and not path.exists():
            raise refusal(ConfigError, str(path), "a file or folder", "a link to what is not there", "look where it leads to")
        if not path.exists():
            near = [p.name for p in path.parent.iterdir()] if path.parent.is_dir() else []
            raise refusal(ConfigError, str(path), "a file or folder", "nothing: there is no such file or folder", suggest(path.name, near))
        if len(paths) > 1 and path.is_dir():
            raise refusal(CausalError, str(path), "a file, since several files are joined", "a folder", "name a folder of published files alone")
