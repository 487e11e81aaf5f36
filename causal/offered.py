"""What there is to choose from: groups of configurations and the names in them, by their files alone, so that nothing heavy is loaded to ask."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

from causal.errors import ConfigError, suggest

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
            raise ConfigError(f"{word!r} says no key; did you mean  causal {command} {' or '.join(ways)}")
        every = {name: group for group in ("outcome", "estimator", "experiment") for name in names(group, folders)}
        near = suggest(word, every)
        at = near.find("Did you mean")
        hint = f" {near[at:]}" if at >= 0 else " causal list names what there is."
        raise ConfigError(f"{word!r} is no override, which is key=value, like  experiment=closures  or  question.lag=1.{hint}")


def names(group: str, folders: Sequence[Path]) -> list[str]:
    """What a group of configurations holds."""
    return sorted(path.stem for root in roots(folders) for path in (root / group).glob("*.yaml"))


def roots(folders: Sequence[Path]) -> list[Path]:
    """Our folder of configurations, then the user's own."""
    spec = find_spec("causal.conf")
    assert spec is not None and spec.submodule_search_locations
    return [Path(next(iter(spec.submodule_search_locations))), *folders]
