"""Parts of a study by the names that the configurations have, for a notebook: `Study(…, estimator="linear_dml", refuters="default")`.

What is made is what the command line makes: the shipped YAML is read, its class found by its `_target_`, and its knobs are handed over as they stand there.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from importlib import import_module
from pathlib import Path
from typing import Any

from causal.document import SAFE
from causal.errors import ConfigError, refusal, suggest
from causal.offered import names, roots


def refuters(chosen: str | Sequence[str]) -> dict[str, Any]:
    """Checks by name, with their knobs as shipped.

    Parameters
    ----------
    chosen : "default", "all", the name of one check, or several of these in a list; each check stands once.

    Raises
    ------
    ConfigError : there is no such check, or what came is neither a name nor a list of names.
    """
    several = [chosen] if isinstance(chosen, str) else list(chosen)
    if odd := [one for one in several if not isinstance(one, str)]:
        raise refusal(
            ConfigError,
            "refuters",
            "names such as 'default' or 'placebo_treatment', or a mapping of them to checks",
            f"{odd[0]!r} in the list",
            "causal list refuters names them",
        )
    if twice := next((one for at, one in enumerate(several) if one in several[:at]), None):
        raise refusal(ConfigError, "refuters", "each name once", f"{twice!r} twice", "take one away")
    return {name: part("refuters", name) for one in several for name in _members(one)}


def part(group: str, name: str) -> Any:
    """One part of a group of configurations, made as it ships.

    Parameters
    ----------
    group : estimator, refuters, rule, language, …
    name : of a configuration in it.

    Raises
    ------
    ConfigError : there is none of that name.
    """
    return made({key: value for key, value in _read(group, name).items() if key != "defaults"})


def unlisted(folders: Sequence[Path] = ()) -> list[str]:
    """The checks that `refuters=all` stands for beside those that its file lists: whoever adds a check adds its own file alone.

    Parameters
    ----------
    folders : of the user's own, whose checks are among them.
    """
    there = {"all", "default", *_listed("all")}
    return [name for name in names("refuters", folders) if name not in there]


def _members(name: str) -> Iterator[str]:
    """The checks that a configuration of refuters stands for: itself, or those that it lists, in its order; `all` has every other behind them."""
    yield from _listed(name)
    if name == "all":
        yield from unlisted()


def _listed(name: str) -> Iterator[str]:
    inside = _read("refuters", name).get("defaults")
    if inside is None:
        yield name
    for one in inside or ():
        yield from _listed(one)


def _read(group: str, name: str) -> Mapping[str, Any]:
    if name not in (known := names(group, ())):
        raise refusal(ConfigError, group, "the name of one that there is", repr(name), suggest(name, known))
    return _parsed(roots(())[0] / group / f"{name}.yaml")


@lru_cache(maxsize=512)
def _parsed(path: Path) -> Mapping[str, Any]:
    """A file that ships, parsed once: they do not change while the program runs, and a long list of checks asks for each of them."""
    import yaml

    inside: Mapping[str, Any] = yaml.load(path.read_text(encoding="utf-8"), Loader=SAFE)
    return inside


def made(value: Any) -> Any:
    """Mappings with a `_target_` become what they name, from the inside out; the rest stays as it is.

    Of files that ship or that a person holds to a contract; what a run composes is made, and refused, by `experiments.compose`.
    """
    if isinstance(value, list):
        return [made(one) for one in value]
    if not isinstance(value, dict):
        return value
    knobs = {key: made(inner) for key, inner in value.items() if key != "_target_"}
    if "_target_" not in value:
        return knobs
    home, _, kind = str(value["_target_"]).rpartition(".")
    return getattr(import_module(home), kind)(**knobs)
