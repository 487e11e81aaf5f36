"""A folder of configurations and classes, held to its contracts: each YAML beside its class, and each class on made-up data.

A folder is laid out as `--config-dir` wants it: `estimator/NAME.yaml`, `refuters/NAME.yaml`, `source/NAME.yaml`, `decomposition/NAME.yaml`, and Python modules
beside them. Their code is run, as with `--trust`.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields, is_dataclass
from importlib import import_module
from inspect import Parameter, signature
from pathlib import Path
from typing import Any

import yaml

from causal import configured, console
from causal.errors import CausalError
from causal.needs import needed
from causal.offered import own_names
from causal.testing.contract import Checked, ContractBroken, quickened
from causal.testing.decompositions import check_decomposition
from causal.testing.estimators import check_estimator
from causal.testing.refuters import check_refuter
from causal.testing.sources import check_source

GROUPS: dict[str, Callable[[Any], Checked]] = {
    "estimator": check_estimator,
    "refuters": check_refuter,
    "source": check_source,
    "decomposition": check_decomposition,
}
FEW = {"draws": 99, "refits": 20}  # for checks: their rates are judged on few panels


def check_yaml(path: Path, group: str) -> Any:
    """Hold a configuration to its class, and make it.

    Parameters
    ----------
    path : of the YAML.
    group : "estimator", "refuters", "source" or "decomposition".

    Returns
    -------
    the object that it configures.

    Raises
    ------
    ContractBroken : no class, other keys than its parameters, another default than its class's, a header that does not say what the class says,
        another name.
    """
    text = path.read_text(encoding="utf-8")
    inside = _whole(path)
    if not isinstance(inside, dict) or "_target_" not in inside:
        raise ContractBroken(f"{path}: it has no _target_; name the class  _target_: module.Class")
    target = str(inside.pop("_target_"))
    module, _, name = target.rpartition(".")
    try:
        made = getattr(import_module(module), name)
    except (ImportError, AttributeError, ValueError) as why:
        raise ContractBroken(f"{path}: _target_ {target} cannot be found ({why}); the module lies beside the folder of the configuration") from why
    knobs = {one.name for one in fields(made) if one.init} if is_dataclass(made) else set(signature(made).parameters)
    if knobs != set(inside):
        missing, more = sorted(knobs - set(inside)), sorted(set(inside) - knobs)
        raise ContractBroken(f"{path}: its keys must be the parameters of {target}, so that each can be overridden; it lacks {missing} and has {more} too many")
    lines = text.splitlines()
    if group == "refuters" and lines[0].strip() != f"# @package refuters.{path.stem}":
        raise ContractBroken(f"{path}: its first line must be  # @package refuters.{path.stem}  , got {lines[0]!r}")
    heading = [line for line in lines if not line.startswith("# @package")]
    if not heading[0].startswith("# ") or len(heading[0]) < 15:
        raise ContractBroken(f"{path}: it must open with a comment that says what it is, got {heading[0]!r}")
    if group == "estimator":
        wanted = [f"# needs: {needed(made)}", f"# targets: {made.targets}", f"# costs: {made.costs}"]
        if lines[1:4] != wanted:
            raise ContractBroken(f"{path}: after its first line the header must say what the class says: {' / '.join(wanted)}")
    try:
        one = made(**{key: configured.made(value) for key, value in inside.items()})
    except CausalError as why:
        raise ContractBroken(f"{path}: {target} refuses its own configuration: {why}") from why
    _as_the_class(path, made, one, inside)
    if group != "source" and getattr(one, "name", None) != path.stem:
        raise ContractBroken(f"{path}: the file must be called as the class calls itself, {getattr(one, 'name', None)!r}")
    return one


def _as_the_class(path: Path, made: Any, one: Any, inside: Mapping[str, Any]) -> None:
    """A knob has one default, in the YAML as in the class, so that a notebook and the command line do the same; otherwise the YAML says so beside it."""
    has = {key: p.default for key, p in signature(made).parameters.items()}
    given = {key: configured.made(inside[key]) for key, default in has.items() if default is Parameter.empty}
    bare = made(**given)
    for key in (key for key in inside if key not in given and inside[key] != "???" and hasattr(one, key)):
        here, there = getattr(one, key), getattr(bare, key)
        same = here == there and isinstance(here, bool) == isinstance(there, bool)
        words = f"the class has {there if isinstance(there, int | float | str) and there != '' else 'none' if there is None or not there else 'others'}"
        if not same and words not in _beside(path, key):
            raise ContractBroken(
                f"{path}: {key} must have its class's default, got {here!r} in the YAML and {there!r} in the class; write the same in both, or, where it is "
                f"meant, why beside the key:  # {words}: …"
            )


def _beside(path: Path, key: str) -> str:
    """What stands beside a key, in its line and the comment above it, in the file or in those of its folder that it names under `defaults`."""
    lines = path.read_text(encoding="utf-8").splitlines()
    said = [line for before, line in zip(["", *lines], lines, strict=False) if line.startswith(f"{key}:") for line in (before, line)]
    others = [one for one in (yaml.safe_load("\n".join(lines)) or {}).get("defaults", []) if isinstance(one, str) and one != "_self_"]
    return "\n".join(said) if said else "\n".join(_beside(path.parent / f"{other}.yaml", key) for other in others)


def _whole(path: Path) -> Any:
    """What a file says, above what the files of its own folder say that it names under `defaults`."""
    inside = yaml.safe_load(path.read_text(encoding="utf-8"))
    if not isinstance(inside, dict):
        return inside
    for other in [one for one in inside.pop("defaults", []) if isinstance(one, str) and one != "_self_"]:
        inside = {**_whole(path.parent / f"{other}.yaml"), **inside}
    return inside


def check_folder(folder: Path) -> list[Checked | str]:
    """Everything in a folder.

    Parameters
    ----------
    folder : laid out as for `--config-dir`; its modules are put on the import path.

    Returns
    -------
    what was looked at, in order; a sentence for what could not be tried and why (a source without its file).

    Raises
    ------
    ContractBroken : every configuration whose contract is broken, a line each, with the first clause that does not hold.
    """
    found, broken = checked_folder(folder)
    if broken:
        raise ContractBroken("\n".join(map(str, broken)))
    return found


def checked_folder(folder: Path) -> tuple[list[Checked | str], list[ContractBroken]]:
    """Everything in a folder, each whatever came of the others: what was looked at, and what is broken.

    Parameters
    ----------
    folder : as of `check_folder`.
    """
    try:
        own_names([folder])
    except CausalError as why:
        return [], [ContractBroken(f"{why}; nothing in this folder was tried")]
    sys.path.insert(0, str(folder.resolve()))
    found: list[Checked | str] = []
    broken: list[ContractBroken] = []
    for group, check in GROUPS.items():
        for path in sorted((folder / group).glob("*.yaml")):
            try:
                one = check_yaml(path, group)
                found.append(check(quickened(one, FEW if group == "refuters" else None)))
            except ContractBroken as why:
                broken.append(why)
            except CausalError as why:
                found.append(f"{path.stem}: its configuration is right, and it could not be tried as it stands: {why}")
    return found, broken


def main(words: Sequence[str]) -> int:
    """The command line.

    Parameters
    ----------
    words : one folder.

    Returns
    -------
    0 where everything holds, 1 where a contract is broken, 2 where there is nothing to check.
    """
    if len(words) != 1 or not Path(words[0]).is_dir():
        print("python -m causal.testing FOLDER    FOLDER: estimator/, refuters/, source/ or decomposition/ with YAML, and their modules; runs their code")
        return 2
    found, broken = checked_folder(Path(words[0]))
    said = [*map(str, found), *map(str, broken)] or [f"{words[0]}: no configuration in {', '.join(GROUPS)}"]
    try:
        print("\n".join(said), flush=True)
    except BrokenPipeError:  # python -m causal.testing FOLDER | head
        console.silence()
    return 1 if broken else 0 if found else 2
