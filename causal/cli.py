"""`causal …`: the words of the command line, and nothing heavy until a command needs it."""

from __future__ import annotations

import argparse
import gc
import json
import os
import shlex
import sys
import textwrap
from collections.abc import Sequence
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import Any

from causal import __version__, console
from causal.arguments import Parser, named
from causal.errors import CausalError, ConfigError, refusal, suggest
from causal.offered import GROUPS, costs, header, names, no_bare_words, once, own_names, roots
from causal.table_flags import add_new, add_table_flags, check_table, must_be_there

WIDTH = 110  # of a listing
ABOUT = "Finds out whether a preventative public service works, and says so truthfully."
EXAMPLES = """examples:
  causal run                                              the headline experiment on the simulated default
  causal run experiment=centre_spending source=england source.path=FOLDER
  causal run -m experiment=closures estimator=fixed_effects,linear_dml,causal_forest
  causal explain experiment=closures                      before any outcome is looked at
  causal plan cluster_trial --places 40 --people 50 --icc 0.05 --smallest-important 0.2 --because '…'    before data are in
  causal simulate experiment=closures --panels 200        would this design have found it? effects are planted
  causal decompose variation source=england source.path=FOLDER       what an outcome's differences are made of
  causal study england source.path=FOLDER                 every question on England's files, and one page of all answers
  causal list estimators                                  what there is, what it needs, what it costs
  causal new mine.csv --treatment cut --outcome plans     a commented graph and experiment of your own table
  causal describe pre_trend                               one estimator, check, outcome, key or term
  causal check mine.csv                                   what is wrong with a table or a folder
  causal check FOLDER --cell plans Leeds 2018             the printed cells behind one number
  causal facts source.path=FOLDER                         what was said of England, beside what the files give
  causal fetch --to FOLDER                                what is published, downloaded where it has an address
"""


def main(words: Sequence[str] | None = None) -> int:
    """Run the command line; exit status 0, or 2 with one message on what cannot be used."""
    from concurrent.futures import BrokenExecutor

    if words is None:
        gc.set_threshold(100_000, 20, 20)  # a command makes many objects and few circles: looking for these took a tenth of its time
    words = list(sys.argv[1:] if words is None else words)
    try:
        console.ready()
        with console.printed():
            return _obeyed(words)
    except CausalError as problem:
        said = problem
    except KeyboardInterrupt:
        print("stopped", file=sys.stderr)
        return 130
    except BrokenPipeError:  # `causal list | head`
        console.silence()
        return 0
    except (OSError, UnicodeError, MemoryError, BrokenExecutor) as problem:  # whatever no room put into words of its own
        said = console.refused(problem, " ".join(["causal", *words[:1]]))
    with suppress(OSError):
        print(f"{type(said).__name__}: {said}", file=sys.stderr)
    console.silence()
    return 2


def _obeyed(words: list[str]) -> int:
    parser = _parser()
    _typeable(words)
    if words:
        _is_command(words[0])
    if words[:1] == ["help"]:
        words = [*words[1:2], "--help"]
    # argparse would take `-m` and `key=value` for its own in some orders: overrides are what it does not know
    given, rest = parser.parse_known_args(words)
    if not given.command:
        if rest:
            raise refusal(ConfigError, "causal", "one of its commands", f"{rest[0]}", "see  causal --help")
        parser.print_help()
        return 0
    if rest and given.command not in ("run", "explain", "facts", "simulate", "decompose", "study"):
        raise refusal(ConfigError, f"causal {given.command}", "what it takes", f"{' '.join(rest)}", f"see  causal {given.command} --help")
    if odd := [word for word in rest if word.startswith("-")]:
        raise refusal(ConfigError, f"causal {given.command}", "an option that it knows", f"{odd[0]}", _meant(given.command, odd[0], rest))
    for folder in getattr(given, "config_dir", ()):
        if not folder.is_dir():
            raise refusal(ConfigError, f"--config-dir {folder}", "a folder", "nothing: there is no such folder", "look at how it is written")
    own_names(getattr(given, "config_dir", ()))
    no_bare_words(given.command, rest, getattr(given, "config_dir", ()))
    return int(COMMANDS[given.command](given, rest))


def _typeable(words: Sequence[str]) -> None:
    """Refuse a word with a null byte, wherever it would be taken for the name of a file or put into a text."""
    for word in words:
        if "\0" in word:
            raise refusal(ConfigError, f"causal {words[0]}" if word != words[0] else "causal", "words without a null byte", repr(word[:60]), "take it out")


def _is_command(word: str) -> None:
    """Refuse a first word that is no command, with what was meant by it."""
    if word in COMMANDS or word.startswith("-") or word == "help":
        return
    if "=" in word or word in names("experiment", ()):
        meant = word if "=" in word else f"experiment={word}"
        raise refusal(ConfigError, "causal", "one of its commands first", repr(word), f"did you mean  causal run {meant}")
    if os.path.exists(word):
        raise refusal(ConfigError, "causal", "one of its commands first", repr(word[:60]), f"what it holds is said by  causal check {shlex.quote(word)}")
    raise refusal(ConfigError, "causal", "one of its commands", repr(word[:60]), suggest(word[:60], COMMANDS))


def _meant(command: str, odd: str, rest: Sequence[str]) -> str:
    """What to try for an option that there is none of: the override of that name, `--estimator difference` or `--question.lag=1`."""
    key, sign, value = odd.lstrip("-").partition("=")
    after = rest[rest.index(odd) + 1 :]
    value = value if sign else after[0] if after and not after[0].startswith("-") and "=" not in after[0] else "…"
    if odd.startswith("--") and (key in GROUPS.values() or "." in key):
        return f"overrides have no dashes; write  causal {command} {key}={value}"
    return f"see  causal {command} --help"


def _describe(given: argparse.Namespace, _: list[str]) -> int:
    from causal.descriptions import described

    print(described(given.name, roots(given.config_dir), GROUPS, [Path(one) for one in given.trust if Path(one).is_dir()]))
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = Parser(prog="causal", description=ABOUT, epilog=EXAMPLES, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--version", action="version", version=f"causal {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND")

    def configured(name: str, about: str) -> argparse.ArgumentParser:
        one = commands.add_parser(name, help=about, description=about, epilog="Any further words are overrides: group=choice, key=value.")
        one.add_argument("--config-dir", action="append", default=[], type=named, metavar="FOLDER", help="a folder of your own with experiment/, graph/, …")
        one.add_argument("--trust", action="append", default=[], metavar="FOLDER_OR_MODULE", help="allow classes of your own")
        return one

    run = configured("run", "run a study (or, with -m, a sweep that ends with its comparison)")
    run.add_argument("-m", "--multirun", action="store_true", help="every combination of comma-separated choices; estimator=all for all")
    much = run.add_mutually_exclusive_group()
    much.add_argument("--verbose", dest="detail", action="store_const", const="verbose", default="short", help="adjustment, assumptions and checks in full")
    much.add_argument("--cfg", dest="detail", action="store_const", const="cfg", help="print the composed configuration, and run nothing")
    much.add_argument("-q", "--quiet", dest="detail", action="store_const", const="quiet", help="the run's folder alone")
    explain = configured("explain", "question, graph, estimand, adjustment, design, assumptions, before any outcome is looked at")
    explain.add_argument(
        "--save", type=named, default=None, metavar="FILE", help="fix it as a protocol, with the design's power; causal run protocol=FILE follows it"
    )
    explain.add_argument("--plan", type=named, default=None, metavar="FILE", help="with --save: a plan.json of  causal plan, whose places and numbers go in")
    simulate = configured("simulate", "would this design have found it? effects are planted, and estimator, checks and verdict run many times")
    simulate.add_argument("--panels", type=int, default=100, metavar="N", help="panels for each planted effect (100); those done before are not done again")
    simulate.add_argument("--effects", type=float, nargs="+", default=[], metavar="EFFECT", help="planted, in outcome units (0, δ, 2δ and −2δ)")
    simulate.add_argument("--worlds", choices=("panel", "source"), default="panel", help="plant in the study's own panel, or draw from source=simulated anew")
    _add_plan(commands.add_parser("plan", help=PLANS, description=PLANS))
    decompose = configured("decompose", "take a finding apart: causal decompose variation source=england source.path=FOLDER")
    decompose.add_argument("name", metavar="NAME", help="which; causal list decompositions")
    many = configured("study", "every question of a study, and one page of all answers: causal study england source.path=FOLDER")
    many.add_argument("name", metavar="NAME", help="which; causal list studies")
    many.add_argument("--since", type=named, default=None, metavar="RUN", help="folder of an earlier run of it: what moved since, and why")
    compare = commands.add_parser("compare", help="one table and page over many runs")
    compare.add_argument("runs", nargs="+", type=Path, metavar="RUN_OR_FOLDER")
    compare.add_argument("--to", type=named, default=None, metavar="FOLDER", help="where to write (default: beside the runs)")
    listing = commands.add_parser("list", help="what experiments, outcomes, studies, estimators, refuters, sources, graphs and decompositions there are")
    listing.add_argument("what", nargs="?", choices=list(GROUPS), metavar="|".join(GROUPS))
    listing.add_argument("--json", action="store_true")
    listing.add_argument("-v", "--verbose", action="store_true", help="what each needs and targets, and what a run with its checks costs, measured")
    listing.add_argument("--config-dir", action="append", default=[], type=named, metavar="FOLDER")
    about = "one estimator, check, outcome, key or term: what it is, what it needs, its knobs and defaults, an example"
    describe = commands.add_parser("describe", help=about, description=about)
    describe.add_argument("name", metavar="NAME", help="fixed_effects, pre_trend, plans, question.lag, estimand, …")
    describe.add_argument("--config-dir", action="append", default=[], type=named, metavar="FOLDER")
    describe.add_argument("--trust", action="append", default=[], metavar="FOLDER", help="a folder of classes of your own, whose texts are read and not run")
    check = commands.add_parser(
        "check",
        help="what is wrong with this table (or with a results table, by DfE's open data standard), or what is missing from this folder of published files",
    )
    check.add_argument("path", type=Path, nargs="+", metavar="FILE_OR_FOLDER", help="several files are joined on authority and year")
    check.add_argument("--treatment", default=None, metavar="NAME", help="a variable that must be there (tables)")
    check.add_argument("--outcome", default=None, metavar="NAME", help="a variable that must be there (tables)")
    add_table_flags(check)
    check.add_argument(
        "--cell", nargs=3, default=None, metavar=("VARIABLE", "AUTHORITY", "YEAR"), help="the printed cells behind one number (folders): plans Leeds 2018"
    )
    check.add_argument("--people", action="store_true", help="each row is a person: how many, what is missing, how small the cells are (source=rows)")
    check.add_argument("--by", default="", metavar="A,B", help="characteristics whose patterns are kept apart (--people)")
    check.add_argument("--weights", default=None, metavar="NAME", help="column that says how much each person counts (--people)")
    about = "start a study of a table: writes a commented graph and experiment, proposes an estimator, says what to run next"
    add_new(commands.add_parser("new", help=about, description=about))
    configured("facts", "what was said of England, beside what a folder of published files gives: causal facts source.path=FOLDER").add_argument(
        "--json", action="store_true"
    )
    fetch = commands.add_parser("fetch", help="where England's published files are; with --to, download those that have a stable address")
    fetch.add_argument("--to", type=named, default=None, metavar="FOLDER", help="download into this folder; nothing in it is written over")
    fetch.add_argument("--only", nargs="+", action="extend", default=[], metavar="KEY", help="these publications only")
    fetch.add_argument("--json", action="store_true")
    about = "build the pages of a run again from its result.json; of a folder of runs, write index.html: every question and its answer"
    report = commands.add_parser("report", help=about, description=about)
    report.add_argument("run", type=Path, metavar="RUN_OR_FOLDER")
    return parser


def _run(given: argparse.Namespace, rest: list[str]) -> int:
    program = import_module("causal.experiments.run")
    return int(program.main(rest, sweep=given.multirun, folders=given.config_dir, trusted=given.trust, detail=given.detail))


def _explain(given: argparse.Namespace, rest: list[str]) -> int:
    program = import_module("causal.experiments.run")
    print(program.explain(rest, folders=given.config_dir, trusted=given.trust, save=given.save, planned=given.plan))
    return 0


def _simulate(given: argparse.Namespace, rest: list[str]) -> int:
    program = import_module("causal.experiments.simulate")
    asked = {"panels": given.panels, "effects": given.effects, "worlds": given.worlds}
    return int(program.main(rest, folders=given.config_dir, trusted=given.trust, **asked))


PLANS = "before data are in: what a design of so many places detects, how many it takes, which places to choose for a pilot"
NUMBERS = (
    ("--smallest-important", float, "the effect that must be found, outcome units"),
    ("--because", str, "why that size matters"),
    ("--sd", float, "standard deviation of the outcome among people of one year (of places, with --people 1)"),
    ("--icc", float, "share of its variance between places"),
    ("--lasting", float, "of that, the share that does not change from year to year"),
    ("--autocorrelation", float, "of the rest, from one year to the next"),
    ("--places", int, "how many"),
    ("--people", int, "in each place and year"),
    ("--years", int, "of the panel"),
    ("--before", int, "years before the first place begins"),
    ("--share", float, "of places treated, or above the cutoff"),
    ("--bandwidth", float, "share of places near enough to the cutoff"),
    ("--told", float, "share of the variance between places told by what was known before"),
    ("--attrition", float, "share of people lost"),
    ("--level", float, "of the interval (0.95)"),
    ("--power", float, "share of studies that must find it (0.8)"),
)


def _add_plan(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("kind", choices=("panel", "adoption", "discontinuity", "cluster_trial", "stepped_wedge"), help="which design")
    for flag, kind, about in NUMBERS:
        parser.add_argument(flag, type=kind, default=None, required=flag in ("--smallest-important", "--because"), help=about)
    parser.add_argument("--from", dest="path", type=named, default=None, metavar="FILE", help="a table whose earlier window gives the numbers")
    for flag, usual in (("--authority", "authority"), ("--year", "year"), ("--outcome", None)):
        parser.add_argument(flag, default=usual, metavar="COLUMN", help=f"of the table ({usual})" if usual else "of the table")
    parser.add_argument("--until", type=int, default=None, metavar="YEAR", help="last year of the window")
    parser.add_argument("--choose", type=int, default=0, metavar="N", help="choose so many places of the table for a pilot")
    parser.add_argument("--like", nargs="+", default=[], metavar="COLUMN", help="columns that the chosen shall be alike in, beside the outcome")
    parser.add_argument("--seed", type=int, default=2019, help="of the choosing")
    parser.add_argument("--to", type=named, default=None, metavar="FOLDER", help="where to write (runs/plans/…)")


def _plan(given: argparse.Namespace, _: list[str]) -> int:
    program = import_module("causal.experiments.plan")
    numbers = {key: getattr(given, key) for flag, _, _ in NUMBERS for key in [flag[2:].replace("-", "_")]}
    columns = {"authority": given.authority, "year": given.year, "outcome": given.outcome, "until": given.until}
    return int(program.main(given.kind, numbers, path=given.path, **columns, number=given.choose, like=given.like, seed=given.seed, to=given.to))


def _decompose(given: argparse.Namespace, rest: list[str]) -> int:
    program = import_module("causal.experiments.decompose")
    return int(program.main(given.name, rest, folders=given.config_dir, trusted=given.trust))


def _study(given: argparse.Namespace, rest: list[str]) -> int:
    program = import_module("causal.experiments.inquiry")
    return int(program.main(given.name, rest, folders=given.config_dir, trusted=given.trust, since=given.since))


def _facts(given: argparse.Namespace, rest: list[str]) -> int:
    if not any(word.startswith("source.path=") for word in rest):
        raise refusal(ConfigError, "causal facts", "a folder of published files", "none", "give  source.path=FOLDER")
    program = import_module("causal.experiments.run")
    source = program.source(["source=england", *rest], folders=given.config_dir, trusted=given.trust)
    from causal.sources.england import England
    from causal.sources.england.facts import facts, facts_text, plain

    if not isinstance(source, England):
        raise refusal(
            ConfigError, "causal facts", "England's published files, source=england", f"{type(source).__name__}", "leave source out, or write  source=england"
        )
    found = facts(source)
    print(json.dumps(plain(found), indent=2, ensure_ascii=False) if given.json else facts_text(found))
    return 0


def _compare(given: argparse.Namespace, _: list[str]) -> int:
    from datetime import UTC, datetime

    from causal.report.compare import compare
    from causal.report.record import read

    def readable(run: Path) -> bool:
        try:
            read(run)
        except CausalError as problem:
            print(f"left out: {problem}", file=sys.stderr)
            return False
        return True

    found: list[Path] = []
    for path in given.runs:
        if (path / "result.json").is_file():
            inside = [path]
        else:  # what nobody named by hand is left out, with a word, if it cannot be read
            below = sorted(p.parent for p in path.glob("**/result.json") if not {".partial", "decompositions"} & set(p.parts))
            inside = [one for one in below if readable(one)]
        if not inside:
            raise refusal(ConfigError, str(path), "a run's folder, or a folder of runs", "no result.json there or below", "name another")
        # runs/latest is a second name of one of them
        found += [one for one in inside if one.resolve() not in {other.resolve() for other in found} and not (one.is_symlink() and one != path)]
    folder = given.to or _beside(given.runs[0]) / f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}"
    if folder.exists() and any(folder.iterdir()):
        raise refusal(ConfigError, str(folder), "a new folder, or an empty one", "one that is not empty", "name another with  --to FOLDER")
    compare(found, refused=(), folder=folder)
    print(f"comparison: {folder / 'compare.html'}")
    print(folder)
    return 0


def _beside(path: Path) -> Path:
    """The comparisons folder of the `runs` that a path lies in, or of the path itself."""
    for above in (path, *path.resolve().parents):
        if above.name == "runs":
            return above / "comparisons"
    return path / "comparisons" if not (path / "result.json").is_file() else path.parent / "comparisons"


def _list(given: argparse.Namespace, _: list[str]) -> int:
    homes = roots(given.config_dir)
    found: dict[str, list[dict[str, Any]]] = {}
    for title, group in GROUPS.items():
        if given.what in (None, title):
            # a link may not lead out of its folder
            files = [path for root in homes for path in sorted((root / group).glob("*.yaml")) if root.resolve() in path.resolve().parents and path.is_file()]
            found[title] = [header(path) for path in once(files)]
    if given.json:
        print(json.dumps(found, indent=2, ensure_ascii=False))
        return 0
    if given.what is None and not given.verbose:
        print("\n".join(_contents(found)))
        return 0
    measured = costs() if given.verbose else {}
    for title, entries in found.items():
        print(title)
        suits = {} if title != "estimators" else {name: f"{shape}: {why}" for name, shape, why in _often()}
        for i, entry in enumerate(_first(entries, list(suits))):
            if suits and i in (0, len(suits)):
                print("  what suits most questions, by how the treatment moves (causal explain says what suits yours):" if i == 0 else "  the others:")
            print(f"  {entry['name']:<26}{suits.get(entry['name'], entry['about'])}")
            cost = measured.get(GROUPS[title], {}).get(entry["name"])
            more = [(key, entry[key]) for key in ("needs", "targets", "costs") if key in entry] + ([("a run", cost)] if cost else [])
            for key, value in more if given.verbose else ():
                print(f"  {'':<26}{key}: {value}")
        print()
    if given.what is not None and not given.verbose:
        print(f"causal describe NAME says everything of one; causal list {given.what} -v what each needs and costs.")
    return 0


def _often() -> list[tuple[str, str, str]]:
    from causal.proposal import often  # nothing heavy comes with it

    return often()


def _first(entries: list[dict[str, Any]], names: Sequence[str]) -> list[dict[str, Any]]:
    """Entries, those of these names first and in their order."""
    return sorted(entries, key=lambda entry: names.index(entry["name"]) if entry["name"] in names else len(names))


def _contents(found: dict[str, list[dict[str, Any]]]) -> list[str]:
    """Names alone, and which words say more."""
    lines = []
    for title, entries in found.items():
        said = ", ".join(entry["name"] for entry in entries)
        if title == "estimators":
            suits = [name for name, _, _ in _often()]
            others = ", ".join(entry["name"] for entry in entries if entry["name"] not in suits)
            said = f"{', '.join(suits)} suit most questions; {others}"
        lines += textwrap.wrap(f"{title} ({len(entries)}): {said}", WIDTH, subsequent_indent="  ", break_long_words=False, break_on_hyphens=False)
    return [*lines, "", "causal list estimators says what each is, -v what it needs and costs; causal describe NAME everything of one."]


def _check(given: argparse.Namespace, _: list[str]) -> int:
    must_be_there(given.path)
    path: Path = given.path[0]
    if given.people:
        return _check_people(given)
    if path.is_dir():
        from causal.sources.england import England

        england = England(path=str(path))
        lines = _cell(england, *given.cell) if given.cell else england.check()
        print("\n".join(lines))
        return 2 if any(line.startswith("problem") for line in lines) else 0
    if given.cell:
        raise refusal(ConfigError, "--cell", "a folder of published files", "a table, whose cells are its own", "leave --cell out")
    from causal import open_data

    if len(given.path) == 1 and open_data.results(open_data.header(path)):
        wrong = open_data.problems(path)
        print(
            f"{path}: {len(wrong)} problem{'s' * (len(wrong) != 1)} against DfE's open data standard"
            if wrong
            else f"{path}: it follows DfE's open data standard"
        )
        print("\n".join(f"  {line}" for line in wrong), end="\n" if wrong else "")
        return 2 if wrong else 0
    return check_table(given.path, given)


def _check_people(given: argparse.Namespace) -> int:
    """What rows of people hold, and what runs them."""
    from causal.sources.rows import Rows
    from causal.sources.rows.check import report

    if len(given.path) > 1:
        raise refusal(ConfigError, "--people", "one file, or a folder of files", f"{len(given.path)} of them", "put them into one folder")
    if given.outcome is None:
        raise refusal(ConfigError, "--people", "the column whose mean is wanted", "none", "write  --outcome NAME")
    by = [one for one in given.by.split(",") if one]
    named = {key: value for key in ("authority", "year", "name", "region", "weights") if (value := getattr(given, key)) is not None}
    lines, whole = report(Rows(path=str(given.path[0]), outcome=given.outcome.split(","), by=by, **named))
    print("\n".join(lines))
    if whole:
        words = [f"source.{key}={value}" for key, value in named.items()] + ([f"source.by=[{','.join(by)}]"] if by else [])
        outcome = f"source.outcome={given.outcome if ',' not in given.outcome else f'[{given.outcome}]'}"
        print(f"next: {shlex.join(['causal', 'run', 'experiment=NAME', 'source=rows', f'source.path={given.path[0]}', outcome, *words])}")
    return 0 if whole else 2


def _new(given: argparse.Namespace, _: list[str]) -> int:
    must_be_there(given.path)
    program = import_module("causal.experiments.new")
    return int(program.main(given))


def _cell(england: Any, variable: str, authority: str, year: str) -> list[str]:
    """One number of the panel and the printed cells that it was made of."""
    from causal.sources.england.book import MARKS

    if not year.isdigit():
        raise refusal(ConfigError, "--cell", "a variable, an authority and a year such as 2018", f"{year!r} for the year", "write the year in four digits")
    cells = england.trace(variable, authority, int(year))
    value, unit = england.value(variable, authority, int(year))
    lines = [f"{variable}, {authority}, {year}: {value} {unit}"]
    for one in cells.itertuples(index=False):
        shown = f"{one.value:,.10g}" if one.value == one.value else f"marked {one.mark!r} ({MARKS.get(one.mark, 'as printed')})"
        sheet = f", sheet {one.sheet}" if one.sheet else ""
        part = f" ({one.part})" if one.part else ""
        later = "" if one.used else "; replaced by a later release"
        lines.append(f"  {one.quantity}{part}, {one.place}, {one.year}: {shown}   {one.file}{sheet}, row {one.row}, {one.column}{later}")
    return lines if len(lines) > 1 else [*lines, "  no cell of this folder gives it"]


def _fetch(given: argparse.Namespace, _: list[str]) -> int:
    from causal.sources.england.fetch import command

    return command(to=given.to, only=given.only, as_json=given.json)


def _report(given: argparse.Namespace, _: list[str]) -> int:
    from causal.report.files import rebuild
    from causal.report.index import index
    from causal.report.record import FILE

    if given.run.is_dir() and not (given.run / FILE).is_file() and any(given.run.glob(f"*/**/{FILE}")):
        print(f"index: {index(given.run, given.run)}")
        print(given.run)
        return 0
    rebuild(given.run)
    print(f"report: {given.run / 'report.html'}")
    print(given.run)
    return 0


COMMANDS = {
    "run": _run,
    "explain": _explain,
    "simulate": _simulate,
    "plan": _plan,
    "decompose": _decompose,
    "study": _study,
    "compare": _compare,
    "facts": _facts,
    "list": _list,
    "check": _check,
    "describe": _describe,
    "new": _new,
    "fetch": _fetch,
    "report": _report,
}

if __name__ == "__main__":
    sys.exit(main())
