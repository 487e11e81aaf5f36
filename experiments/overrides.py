"""Overrides, word by word: what the command line says is put as Hydra can read it, or refused before Hydra sees it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.errors import HydraException

from causal.configured import unlisted
from causal.document import called
from causal.errors import ConfigError, refusal, suggest
from causal.experiments.gate import CONF, choices
from causal.experiments.resolve import RENAMED

LONGEST = 120  # letters of a word that a message repeats
SEVERAL = ("refuters",)  # groups of which a list may be chosen
OPTIONAL = ("decomposition", "outcome", "refuters")  # groups of which a study may have none
CHECK = re.compile(r"([+~]*)refuters\.(\w+)((?:\.\w+)*)(?==|$)")


def every_check(words: Sequence[str], folders: Sequence[Path]) -> list[str]:
    """The words with every check where they, or else the experiment that they name, say  all : those too that its file does not list."""
    said = [at for at, word in enumerate(words) if word.startswith("refuters=")]
    made = list(words)
    if said:
        chosen = words[said[-1]].partition("=")[2].strip("[]").split(",")
    else:
        experiment = next((word.partition("=")[2] for word in reversed(words) if word.startswith("experiment=")), "")
        files = [folder / "experiment" / f"{experiment}.yaml" for folder in (*folders, CONF) if experiment and "/" not in experiment]
        text = next((path.read_text(encoding="utf-8", errors="replace") for path in files if path.is_file()), "")
        found = re.search(r"(?m)^\s*-\s*override /refuters:\s*\[?([\w, ]+)\]?\s*(#.*)?$", text)
        chosen = found[1].split(",") if found else []
    chosen = [name.strip() for name in chosen if name.strip()]
    new = [name for name in unlisted(folders) if name not in chosen] if "all" in chosen else []  # each of their files is read
    if not new:
        return made
    every = f"refuters=[{','.join([*chosen, *new])}]"
    return [*(word for at, word in enumerate(made) if at not in said), every]


def knobs_of_today(words: Sequence[str]) -> list[str]:
    """The words with a check's knobs by their present names (`RENAMED`)."""
    by_check = {address.split(".")[-2]: names for address, names in RENAMED.items()}
    made = []
    for word in words:
        found = CHECK.match(word)
        new = by_check.get(found[2], {}).get(found[3].removeprefix(".")) if found else None
        made.append(f"{found[1]}refuters.{found[2]}.{new}{word[found.end() :]}" if found and new else word)
    return made


def with_check(listed: Sequence[str], name: str) -> str:
    """The word that asks for these checks and one more."""
    return f"'refuters=[{','.join([*listed, name])}]'"


def elsewhere(folders: Sequence[Path]) -> str:
    """Where a name may stand that is not found, if no folder of the user's own was named."""
    return "" if folders else "; one of a folder of your own is found with  --config-dir FOLDER"


def searched(folders: Sequence[Path]) -> list[str]:
    """The override that adds the user's folders to those where Hydra looks."""
    return [f"hydra.searchpath=[{','.join(quoted(f'file://{folder}') for folder in folders)}]"] if folders else []


def parsable(words: Sequence[str], *, sweep: bool = False) -> list[str]:
    """The overrides, values quoted where Hydra's grammar stumbles over them (paths with brackets, quotes, £, = or, outside sweeps, commas)."""
    parser = OverridesParser.create()
    good = []
    for word in words:
        key, sign, value = word.partition("=")
        try:
            quote = parser.parse_override(word).is_sweep_override() and "." in key and not sweep
        except HydraException:
            quote = True
        good.append(f"{key}{sign}{_elements(value) or quoted(value)}" if quote else word)
    return good


def _elements(value: str) -> str:
    """A list of files or of dated names, each quoted by itself: [a(1).csv,b.csv] and [year,plans[-1]] are two each; "" for what is no plain list."""
    inside = re.fullmatch(r"\[((?:[^\[\]{}'\"]|\[-?\d+\])+)\]", value.strip())
    return f"[{','.join(quoted(one.strip()) for one in inside[1].split(','))}]" if inside else ""


def quoted(value: str) -> str:
    """A value in single quotes, as Hydra reads them."""
    return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"


def readable(word: str, folders: Sequence[Path]) -> None:
    """Refuse a word that is no override, or a group's choice that is no name."""
    like = "write it like  question.lag=1  or  estimator=linear_dml, and a value with brackets or quotes in single quotes"
    where = word if len(word) <= LONGEST else f"{word[:LONGEST]}…"
    try:
        read = OverridesParser.create().parse_override(parsable([word], sweep=True)[0])
    except HydraException as problem:
        raise refusal(ConfigError, where, "an override, key=value", "one whose key or value cannot be read", like) from problem
    key = read.key_or_group or ""
    if not re.sub(r"[@:].*", "", key) or any(not piece for piece in re.split(r"[./]", key)):
        raise refusal(ConfigError, where, "an override, key=value", "one whose key is not whole", like)
    if read.is_delete() or read.is_sweep_override() or "." in key or not (known := choices(key, folders)):
        return
    value = read.value()
    if (value is None and key not in OPTIONAL) or isinstance(value, bool | int | float):
        example = f"write  {key}={known[0]};  it has {', '.join(known[:6])}{' …' if len(known) > 6 else ''}"
        raise refusal(ConfigError, where, f"a name of the group {key}", called(value), example)
    if isinstance(value, list) and key not in SEVERAL:
        raise refusal(
            ConfigError,
            where,
            f"one name of the group {key}",
            called(value),
            f"write  {key}={value[0] if value else known[0]};  several make a sweep, with  -m",
        )
    if isinstance(value, list) and (twice := sorted({str(name) for name in value if value.count(name) > 1})):
        raise refusal(ConfigError, where, "each name once", f"{twice[0]!r} twice", "take one away")
    for name in value if isinstance(value, list) else [str(value)] if isinstance(value, str) else []:
        if str(name) not in known:
            own = (
                f"a table of your own is  source=table source.path={name}"
                if key == "source" and "." in str(name)
                else suggest(str(name), known) + elsewhere(folders)
            )
            raise refusal(ConfigError, key, "the name of one that there is", repr(str(name)), own)
