"""What may come in: the one gate that words, configuration files and what Hydra composes of them go through before anything is made.

Text is not judged, since there are too many ways to write one key. What Hydra composed is: its `hydra` node, from which it makes objects and sets the
environment of jobs, must be the shipped one, key by key. Configuration files are opened only inside the folders that were named, after links are followed.
Resolvers (`${oc.env:…}` and the like) are off: a text may name the configuration's own keys, and nothing of the machine.
"""

from __future__ import annotations

import importlib.util
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import lru_cache
from pathlib import Path
from typing import Any

from hydra import compose, initialize_config_dir
from hydra._internal.config_loader_impl import ConfigLoaderImpl
from hydra._internal.sources_registry import SourcesRegistry
from hydra.core.global_hydra import GlobalHydra
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.errors import HydraException
from omegaconf import DictConfig, OmegaConf
from omegaconf.basecontainer import BaseContainer
from omegaconf.errors import OmegaConfBaseException, UnsupportedInterpolationType

import causal.conf
from causal.document import called, read_yaml
from causal.errors import ConfigError, refusal

CONF = Path(causal.conf.__path__[0])
HOW = ("workers", "runs", "hydra", "backend", "scheduler", "trust", "protocol")  # keys that say how to run, not what
ASKED = ("graph", "source", "estimator", "refuters", "rule", "language", "experiment")  # groups of which the shipped configuration takes one
HYDRA = ("hydra", "now", "python_version")  # resolvers that Hydra's own node needs while it composes
LAUNCHER = re.compile(r"hydra/launcher|hydra\.launcher\.(?!_)[\w.]+")  # all that a person may say of Hydra on the command line
MOST_FILES = 200  # of a person's own, in one configuration
# what differs from call to call without deciding anything; `choices` and `config_sources` are looked at on their own
VARIES = ("overrides", "searchpath", "mode", "runtime.cwd", "runtime.output_dir", "runtime.choices", "runtime.config_sources", "run.dir", "sweep.dir")
VARIES += ("job.name", "job.override_dirname", "job.id", "job.num")


def keys(word: str) -> set[str]:
    """Which of the root's keys an override speaks of, as group, as key and as package; quotes and signs are Hydra's business, so Hydra reads it."""
    try:
        read = OverridesParser.create().parse_override(word)
        spoken = [read.key_or_group, *([read.package] if read.package else [])]
    except HydraException:
        spoken = word.partition("=")[0].lstrip("+~").split("@")
    return {piece for one in spoken for piece in [next((p for p in re.split(r"[./:]", one) if p not in ("", "_global_", "_group_", "_here_", "_root_")), "")]}


def strangers(words: Any, whose: str) -> list[str]:
    """Words that stand in a file: overrides of what is asked, none of how it is run.

    Parameters
    ----------
    words : as read from the file.
    whose : how the file is called in the message.

    Raises
    ------
    ConfigError : not a list of overrides, or one that decides how to run.
    """
    if not isinstance(words, list | tuple) or not all(isinstance(word, str) for word in words):
        raise refusal(ConfigError, f"{whose}: its words", "a list of overrides such as  question.lag=1", repr(words), "write a list")
    for word in words:
        if word.startswith("-") or "\n" in word:
            raise refusal(ConfigError, whose, "overrides, key=value", repr(word), "give options on the command line, where they stand alone")
        if how := sorted(keys(word) & set(HOW)):
            raise refusal(
                ConfigError,
                whose,
                "words that say what is asked",
                f"{word!r}, which sets {how[0]} and decides how to run",
                "give it on the command line, which alone may",
            )
    return list(words)


def typed(words: Sequence[str]) -> None:
    """Words of the command line: of Hydra they may choose a launcher and its settings.

    Raises
    ------
    ConfigError : any other of Hydra's keys.
    """
    for word in words:
        if "hydra" in keys(word) and not LAUNCHER.fullmatch(word.partition("=")[0].lstrip("+")):
            more = "name your own configurations with  --config-dir FOLDER" if "searchpath" in word else "leave it out"
            raise refusal(ConfigError, f"{word.partition('=')[0]}", "of hydra's own keys only hydra/launcher", "another", more)


@contextmanager
def unresolved(kept: Sequence[str] = ()) -> Iterator[None]:
    """No resolver but those `kept` is known meanwhile; all stand again afterwards."""
    known = BaseContainer._resolvers
    was = dict(known)
    for name in was.keys() - set(kept):
        del known[name]
    try:
        yield
    finally:
        known.update(was)


def plain_values(config: DictConfig) -> dict[str, Any]:
    """A configuration without how to run, as plain values; interpolation names its own keys alone.

    Raises
    ------
    ConfigError : something is not there, or would be looked up elsewhere; a key by which instantiation is steered.
    """
    try:
        with unresolved():
            plain = OmegaConf.to_container(OmegaConf.masked_copy(config, [str(key) for key in config if key not in HOW]), resolve=True)
    except UnsupportedInterpolationType as problem:
        lines = str(problem).splitlines()
        where = next((line.partition(": ")[2] for line in lines if line.strip().startswith("full_key:")), "the configuration")
        raise refusal(
            ConfigError,
            where,
            "a text that names the configuration's own keys, like ${question.lag}",
            f"${{{lines[0].rpartition(' ')[2]}:…}}, which is not looked up",
            "write the value itself",
        ) from problem
    except OmegaConfBaseException as problem:
        at = re.search(r"full_key: (\S+)", str(problem))
        remedy = "write a key that is there, like ${question.lag}, or the value itself"
        came = "${…} that names none, or leads back to itself"
        raise refusal(ConfigError, at[1] if at else "the configuration", "a value, or the name of a key that has one", came, remedy) from problem
    except RecursionError as problem:
        raise refusal(ConfigError, "the configuration", "values that come to an end", "${…} that leads back to itself", "write the value itself") from problem
    assert isinstance(plain, dict)
    _no_tricks(plain)
    return {str(key): value for key, value in plain.items()}


def how(config: DictConfig, key: str) -> Any:
    """The value of a key that says how to run.

    Raises
    ------
    ConfigError : it is to be looked up elsewhere.
    """
    try:
        with unresolved():
            value = config[key]
    except OmegaConfBaseException as problem:
        raise refusal(ConfigError, key, "a value", "${…}, which is not looked up here", "write the value itself") from problem
    if isinstance(value, str) and "${" in value:
        raise refusal(ConfigError, key, "a value", "${…}, which is not looked up here", "write the value itself")
    return value


def _no_tricks(value: Any, where: str = "") -> None:
    """No key that steers instantiation but `_target_`; no text that would be resolved a second time."""
    if isinstance(value, dict):
        for key, inner in value.items():
            here = f"{where}.{key}" if where else str(key)
            if isinstance(key, str) and key != "_target_" and re.fullmatch(r"_\w+_", key):
                raise refusal(ConfigError, here, "of such keys _target_ alone", f"{key}", "take it away: it may not be set")
            if isinstance(key, str) and "${" in key:
                raise refusal(ConfigError, where or "the configuration", "a key", "one with ${…}, which may not stand in a key", "write the key itself")
            _no_tricks(inner, here)
    elif isinstance(value, list):
        for i, inner in enumerate(value):
            _no_tricks(inner, f"{where}[{i}]")
    elif isinstance(value, str) and "${" in value:
        raise refusal(ConfigError, where, "a text without ${ once what it names is put in", f"{value[:60]!r}", "write the text itself")


@contextmanager
def guarded(words: Sequence[str], folders: Sequence[Path], own: Sequence[str] = ()) -> Iterator[None]:
    """While Hydra composes and runs: files from the named folders alone, no resolvers, and every configuration judged as soon as it is composed.

    Parameters
    ----------
    words : of the command line and the protocol.
    folders : those named on the command line.
    own : values of hydra.run.dir and hydra.sweep.dir that we set ourselves.

    Raises
    ------
    ConfigError : from inside, when a configuration does not pass.
    """
    roots = {os.path.realpath(root) for root in (CONF, *folders)}
    said = set().union(*(keys(word) for word in words)) if words else set()
    chosen = any(LAUNCHER.fullmatch(word.partition("=")[0].lstrip("+")) for word in words)
    shipped = _shipped()  # composed before the gate stands
    files = SourcesRegistry.instance().resolve("file")  # Hydra loads its sources a second time, as classes of their own
    open_file, load = files.load_config, ConfigLoaderImpl.load_configuration
    shipped_root, read = os.path.realpath(CONF), list[str]()

    def inside(source: Any, config_path: str) -> Any:
        root, path = os.path.realpath(source.path), os.path.realpath(os.path.join(source.path, source._normalize_file_name(config_path)))
        if root not in roots or ".." in Path(config_path).parts or not path.startswith(root + os.sep):
            raise refusal(
                ConfigError,
                str(config_path),
                "a file in the folder of configurations",
                "one outside it, or a link that leads out of it",
                "put the file itself there",
            )
        if root != shipped_root and os.path.exists(path):
            read.append(_read(Path(path)))
            if len(read) > MOST_FILES:
                raise refusal(ConfigError, read[-1], f"at most {MOST_FILES} configurations in one", "more", "let fewer files name others in their defaults")
        return open_file(source, config_path)

    def judged(loader: ConfigLoaderImpl, *args: Any, **kwargs: Any) -> DictConfig:
        try:
            config = load(loader, *args, **kwargs)
        except Exception as problem:
            within: BaseException | None = problem
            while within is not None and not isinstance(within, KeyboardInterrupt):
                within = within.__context__
            if within is None:
                raise
            raise KeyboardInterrupt from problem  # a half-made list fails as it is left, and Hydra would take that for no answer and go on
        _judge(config, shipped, roots, said=said, own=own, launcher=chosen)
        return config

    files.load_config, ConfigLoaderImpl.load_configuration = inside, judged  # type: ignore[method-assign]
    try:
        with unresolved(HYDRA):
            yield
    except RecursionError as problem:
        raise refusal(
            ConfigError, read[-1] if read else "defaults", "defaults that come to an end", "a list that leads back to itself", "take its own name out of it"
        ) from problem
    finally:
        files.load_config, ConfigLoaderImpl.load_configuration = open_file, load  # type: ignore[method-assign]


def _read(path: Path) -> str:
    """A person's own file, judged before Hydra opens it: YAML, of a size that can be composed, keys and values; its path as text."""
    said = read_yaml(path, "a configuration", kind=ConfigError)
    where = str(path)
    if not isinstance(said, dict):
        raise refusal(ConfigError, where, "a configuration: keys and their values", called(said), "begin each line with a key and a colon")
    if odd := [key for key in said if not isinstance(key, str)]:
        remedy = 'YAML reads no, off and n as false, yes, on and y as true, ~ as nothing: write "no" in quotes'
        raise refusal(ConfigError, where, "keys that are text", repr(odd[0]), remedy)
    defaults = said.get("defaults", [])
    if not isinstance(defaults, list):
        raise refusal(ConfigError, f"{where}, defaults", "a list", called(defaults), "write  defaults: [override /graph: ours]")
    for one in defaults:
        pairs = one.items() if isinstance(one, dict) else [("", one)]
        for key, choice in pairs:
            if not isinstance(key, str) or (isinstance(choice, list) and not all(isinstance(name, str) for name in choice)):
                raise refusal(ConfigError, f"{where}, defaults", "names of configurations", f"{called(one)}", "write  - override /graph: ours")
            if isinstance(choice, bool | int | float | dict) or (choice is None and not key):
                came = f"{key}: {called(choice)}" if key else called(choice)
                remedy = 'YAML reads no and off as false and yes and on as true: write such a name in quotes, "no"'
                raise refusal(ConfigError, f"{where}, defaults", "names of configurations", came, remedy)
    return where


@lru_cache(maxsize=1)
def _shipped() -> dict[str, Any]:
    """Hydra's node and the root's keys as they ship, unresolved; the groups that say what is asked are left out, since they hold neither."""
    GlobalHydra.instance().clear()
    with initialize_config_dir(str(CONF), version_base="1.3"):
        without = [f"~{group}" for group in ASKED]
        made = OmegaConf.to_container(compose("config", without, return_hydra_config=True), resolve=False)
    GlobalHydra.instance().clear()
    assert isinstance(made, dict)
    return {str(key): value for key, value in made.items()}


def _judge(config: DictConfig, shipped: Mapping[str, Any], roots: set[str], *, said: set[str], own: Sequence[str], launcher: bool) -> None:
    made = OmegaConf.to_container(config, resolve=False)
    assert isinstance(made, dict)
    ours, theirs = _flat(made["hydra"]), _flat(shipped["hydra"])
    if launcher:  # a person's own choice, among what is installed; its class is the plugin's
        target = str(ours.get("launcher._target_"))
        if not target.startswith(("hydra._internal.core_plugins.", "hydra_plugins.")):
            raise refusal(ConfigError, "hydra.launcher", "a launcher of Hydra's or of its plugins", str(target), "choose one with  hydra/launcher=joblib")
        ours, theirs = ({key: value for key, value in one.items() if not key.startswith("launcher.")} for one in (ours, theirs))
    differ = sorted(key for key in ours.keys() | theirs.keys() if ours.get(key, VARIES) != theirs.get(key, VARIES) and not _varies(key))
    if differ:
        raise refusal(
            ConfigError,
            f"hydra.{differ[0]}",
            "hydra's own keys as they are, since they run code",
            "a configuration, or a protocol, that sets it, which it may not",
            "take it away",
        )
    for key in ("run.dir", "sweep.dir"):
        if ours.get(key) not in (theirs.get(key), *own):
            raise refusal(
                ConfigError,
                f"hydra.{key}",
                "hydra's own keys as they are",
                "a configuration, or a protocol, that sets it, which it may not",
                "let results go to  runs=FOLDER",
            )
    runtime = made["hydra"]["runtime"]
    for group, choice in runtime["choices"].items():
        if str(group).startswith("hydra/") and not (launcher and group == "hydra/launcher") and choice != shipped["hydra"]["runtime"]["choices"].get(group):
            raise refusal(
                ConfigError,
                f"{group}={choice}",
                "hydra's own keys as they are, since they run code",
                "a configuration, or a protocol, that sets them, which it may not",
                "take it away",
            )
    for one in runtime["config_sources"]:
        ours_too = {"file": os.path.realpath(one["path"]) in roots, "pkg": one["path"] == "hydra.conf"}.get(one["schema"], one["path"] == "")
        if not ours_too:
            raise refusal(
                ConfigError, "hydra.searchpath", "configurations from the toolkit and from  --config-dir FOLDER", f"{one['path']}", "name it with  --config-dir"
            )
    for key in HOW:
        if key != "hydra" and key not in said and made.get(key, VARIES) != shipped.get(key, VARIES):
            raise refusal(
                ConfigError,
                key,
                "words that say what is asked",
                "one that decides how to run, which a folder of configurations may not",
                "give it on the command line",
            )


def _varies(key: str) -> bool:
    return any(key == one or key.startswith(f"{one}.") for one in VARIES)


def _flat(value: Any, at: str = "") -> dict[str, Any]:
    """Nested keys as one dotted level; an empty mapping stands for itself."""
    if not isinstance(value, dict) or not value:
        return {at: value}
    return {name: inner for key, part in value.items() for name, inner in _flat(part, f"{at}.{key}" if at else str(key)).items()}


def installed(name: str) -> bool:
    """Whether a dotted module can be imported; the packages above it are, to look inside them."""
    parts = name.split(".")
    try:
        spec = importlib.util.find_spec(parts[0])
        return spec is not None and (len(parts) == 1 or importlib.util.find_spec(name) is not None)
    except (ImportError, ValueError, AttributeError):
        return False


def shelf(root: Path, group: str) -> list[Path]:
    """A group's files in a folder of configurations, in order; what a link leads out of the folder is not among them."""
    top = root.resolve()
    return [path for path in sorted((root / group).glob("*.yaml")) if path.is_file() and top in path.resolve().parents]


def choices(group: str, folders: Sequence[Path] = ()) -> list[str]:
    """Names of a group's configurations, the user's folders included."""
    return sorted({path.stem for root in (CONF, *folders) for path in shelf(root, group)})


def portable(value: Any) -> Any:
    """The same, each text that is an absolute path as it reads from the current folder or, outside of it, as its last part alone."""
    if isinstance(value, dict):
        return {key: portable(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [portable(inner) for inner in value]
    return shortened(value) if isinstance(value, str) else value


def shortened(text: str) -> str:
    """A path without the folders that it lies in on this machine; any other text as it is."""
    if not re.match(r"(file:/*)?(/|~/|[A-Za-z]:[\\/])\S", text) or "\n" in text:
        return text
    with suppress(ValueError, RuntimeError):  # not below the current folder; nobody's home is known
        path = Path(re.sub(r"^file:/*", "/", text)).expanduser()
        return path.relative_to(Path.cwd()).as_posix()
    return re.split(r"[\\/]", text.rstrip("\\/"))[-1]


def spoken(words: Sequence[str]) -> list[str]:
    """Words that run it again as they stand in a result: absolute paths shortened, as a value or inside one."""
    made = []
    for word in words:
        key, sign, value = word.partition("=") if not word.startswith(("/", "~/")) else ("", "", word)
        bare = value.strip("'\"")
        if bare and (short := shortened(bare)) != bare:
            made.append(f"{key}{sign}{value.replace(bare, short)}")
        else:
            made.append(key + sign + re.sub(r"(?<![\w.:/])~?/[^\s,'\"\[\]{}]+", lambda hit: shortened(hit[0]), value))
    return made
