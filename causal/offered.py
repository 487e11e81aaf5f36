"""What there is to choose from: groups of configurations and the names in them, by their files alone, so that nothing heavy is loaded to ask."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from causal.errors import ConfigError, refusal

# title → folder of configurations
GROUPS = {
    "experiments": "experiment",
    "outcomes": "outcome",
    "studies": "study",
    "estimators": "estimator",
    "refuters": "refuters",
    "sources": "source",
    "graphs": "graph",
    "decompositions": "decomposition",
    "templates": "template",
}


def no_bare_words(command: str, rest: Sequence[str], folders: Sequence[Path]) -> None:
    """Overrides are key=value; a bare name is answered with the group that it is of.

    Parameters
    ----------
    command : that was called.
    rest : its overrides.
    folders : of the user's own.

    Raises
    ------
    ConfigError : a word that is no override.
    """
    for word in rest:
        if "=" in word or word[:1] in "~+-":
            continue
        homes = [group for group in [*GROUPS.values(), "rule"] if word in names(group, folders)]
        ways = [f"{group}={word}" for group in homes if group not in ("decomposition", "study", "template", "refuters")]
        if "refuters" in homes:
            ways.append(f"'refuters=[default,{word}]'")
        if ways:
            raise refusal(
                ConfigError,
                f"causal {command}",
                "an override, key=value",
                f"{word!r}, which says no key",
                f"did you mean  causal {command} {' or '.join(ways)}",
            )
        if Path(word).is_file():
            remedy = f"a first study of it is written by  causal new {shlex.quote(word)} --treatment … --outcome …"
            raise refusal(ConfigError, f"causal {command}", "an override, key=value", f"{word!r}, a file", remedy)
        every = {name: group for group in ("outcome", "estimator", "experiment") for name in names(group, folders)}
        near = get_close_matches(word.lower(), every, n=1)
        hint = f"did you mean  causal {command} {every[near[0]]}={near[0]}" if near else "causal list  names what there is"
        raise refusal(ConfigError, "causal", "an override, which is key=value, like  experiment=closures  or  question.lag=1", repr(word), hint)


def own_names(folders: Sequence[Path]) -> None:
    """Each file of a user's folders has a name of its own in its group; a copy of a shipped one, unchanged, is the shipped one.

    Of two files of one name the first is taken, ours before a user's, and the other would be passed over without a word.

    Raises
    ------
    ConfigError : a file of the same group and name as another, with another content.
    """
    first: dict[Path, Path] = {}
    ours, *own = roots(folders)
    groups = sorted(path.name for path in ours.iterdir() if path.is_dir())
    for root in (ours, *own) if own else ():
        for path in (path for group in groups for path in sorted((root / group).glob("*.yaml"))):
            there = first.setdefault(path.relative_to(root), path)
            if there is path or not path.is_file() or _same(path, there):
                continue
            whose = "the toolkit" if there.is_relative_to(ours) else str(there.parent)
            raise refusal(
                ConfigError,
                str(path),
                f"a name of its own among those of {path.parent.name}/",
                f"{path.stem!r}, which {whose} has already with another content, so that this file would not be used",
                f"rename it, {path.with_stem(f'my_{path.stem}').name}, and what it says of its own name",
            )


def _same(one: Path, other: Path) -> bool:
    """Whether two files say the same, line by line."""
    a, b = (path.read_bytes().splitlines() for path in (one, other))
    return a == b


def once(files: Iterable[Path]) -> list[Path]:
    """Files of one group, each name once: the first, which is the one that is taken."""
    return list({path.stem: path for path in reversed(list(files))}.values())[::-1]


def names(group: str, folders: Sequence[Path]) -> list[str]:
    """What a group of configurations holds.

    Parameters
    ----------
    group : "estimator", "refuters", "graph", …
    folders : a user's own, beside those that are shipped.
    """
    return sorted({path.stem for root in roots(folders) for path in (root / group).glob("*.yaml")})


def roots(folders: Sequence[Path]) -> list[Path]:
    """Our folder of configurations, then the user's own."""
    spec = find_spec("causal.conf")
    assert spec is not None and spec.submodule_search_locations
    return [Path(next(iter(spec.submodule_search_locations))), *folders]


def header(path: Path) -> dict[str, Any]:
    """The comment that opens a YAML: what it is, and the lines `needs:`, `targets:`, `costs:` of an estimator."""
    entry: dict[str, Any] = {"name": path.stem, "about": ""}
    for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
        if not line.startswith("#"):
            break
        text = line.lstrip("# ").strip()
        if text.startswith("@package"):
            continue
        key, _, value = text.partition(": ")
        if key in ("needs", "targets", "costs"):
            entry[key] = value
        elif not entry["about"]:
            entry["about"] = text
    return entry


def costs() -> dict[str, dict[str, str]]:
    """Group → name → what a run costs, in words, as benchmarks/run_cost.py measured it."""
    path = Path(__file__).parent / "run_cost.json"
    record = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {"estimators": {}, "refuters": {}}
    said: dict[str, dict[str, str]] = {"estimator": {}, "refuters": {}}
    for name, one in record["estimators"].items():
        if "refused" not in one:
            much = f"{one['seconds']:g} s" if "seconds" in one else f"more than {one['more_than']} s"
            said["estimator"][name] = f"{much} with its checks on {record['panel']} ({record['machine']})"
        else:
            said["estimator"][name] = "not measured: the default panel's question is not one for it"
    for name, one in record["refuters"].items():
        much = f"{one['seconds']:.2g} s" if one["seconds"] >= 0.05 else "under 0.05 s"
        said["refuters"][name] = f"{much} beside fixed effects on {record['panel']} ({record['machine']})"
    return said
