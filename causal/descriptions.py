"""What a name of the command line stands for: an estimator, a check, an outcome, a key of the configuration, a term.

Everything is read from where it is kept (the header and comments of a configuration, the opening of a module, the texts of a check), so that a description
cannot differ from the thing.
"""

from __future__ import annotations

import ast
import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from causal.document import called, mapping, parse_yaml, read_text
from causal.errors import ConfigError, refusal, suggest
from causal.offered import once
from causal.terms import TERMS

ELSEWHERE = "; one of a folder of your own is found with  --config-dir FOLDER"
SAID = {"asks": "asks", "expected": "passes when", "detects": "finds", "cannot_detect": "cannot find"}
FAILED = {  # family of a check → what its alarm means
    "bias": "the answer may be biased as it says above",
    "inference": "the error, and with it the range, may be wrong as it says above; the best estimate may still be right",
    "stability": "the answer hangs on what it says above, and another choice there would give another",
    "record": "the data may not say what they seem to, and the answer with them",
    "sensitivity": "something no stronger than it says above, which nobody has found, would undo the answer",
    "graph": "the graph says something that these data contradict, and the adjustment that follows from it may be wrong",
}
EXAMPLES = {
    "estimator": "causal run experiment=closures estimator={name}",
    "experiment": "causal run experiment={name}",
    "outcome": "causal run experiment=closures outcome={name}",
    "source": "causal run experiment=closures source={name}",
    "graph": "causal explain experiment=closures graph={name}",
    "decomposition": "causal decompose {name}",
    "study": "causal study {name}",
    "template": "causal new mine.csv --template {name} --treatment … --outcome …",
    "rule": "causal run experiment=closures rule={name}",
    "language": "causal run experiment=closures language={name}",
}


def described(name: str, roots: Sequence[Path], groups: Mapping[str, str], trusted: Sequence[Path] = ()) -> str:
    """Everything of that name, one paragraph each.

    Parameters
    ----------
    name : of an estimator, check, outcome, experiment, source, graph, template, key or term, in any case.
    roots : folders of configurations, ours first.
    groups : title → folder within them.
    trusted : folders with modules of the user's own, which are read and not run.

    Raises
    ------
    ConfigError : there is nothing of that name; the nearest are named.
    """
    found = [
        _shelf(path, group, roots, trusted)
        for group in [*groups.values(), "rule", "language"]
        for path in once(p for root in roots for p in _named(root / group, name))
    ]
    known_keys = dict(keys(roots[0]))
    found += [f"{key}: a key of the configuration\n  {about}\n  set it:  {key}=…" for key, about in known_keys.items() if name in (key, key.rpartition(".")[2])]
    found += [f"{key}: {about}" for key, about in knobs(roots[0]) if name == key]
    known = {term.lower(): term for term in TERMS}
    if (term := known.get(name.lower().replace("_", " "))) is not None:
        found.append(f"{term}\n  {TERMS[term][0]}\n  {TERMS[term][1]}")
    if not found:
        every = {path.stem for group in [*groups.values(), "rule", "language"] for root in roots for path in (root / group).glob("*.yaml")}
        raise refusal(
            ConfigError,
            "causal describe",
            "the name of a part, a key or a term",
            called(name).removeprefix("the text "),
            _nearest(name[:60], [*every, *known_keys, *dict(knobs(roots[0])), *TERMS]) + (ELSEWHERE if len(roots) == 1 else ""),
        )
    return "\n\n".join(found)


def _named(folder: Path, name: str) -> Iterator[Path]:
    """The file of that name in a folder, if there is one; a name is not taken for a path."""
    yield from (path for path in folder.glob("*.yaml") if path.stem == name and path.is_file())


def _nearest(name: str, names: Sequence[str]) -> str:
    """The nearest names, without the whole list: it is as long as `causal list`."""
    nearest = suggest(name, names)
    at = nearest.find("Did you mean")
    return nearest[at:] if at >= 0 else "causal list names what there is"


def _shelf(path: Path, group: str, roots: Sequence[Path], trusted: Sequence[Path]) -> str:
    """A configuration: its header, its knobs as they stand, what its module opens with, what a check says of itself, an example."""
    head: list[str] = []
    body: list[str] = []
    target = ""
    text = read_text(path, "a configuration")
    mapping(parse_yaml(text, str(path), "a configuration"), str(path), "a configuration")
    for line in text.splitlines():
        if line.startswith("#") and not body:
            head += [line.lstrip("# ").strip()] if "@package" not in line else []
        elif line.startswith("_target_:"):
            target = line.partition(":")[2].strip()
        elif line.strip():
            body.append(line)
    titles = {"refuters": "a check", "estimator": "an estimator", "experiment": "an experiment", "outcome": "an outcome"}
    lines = [f"{path.stem}: {titles.get(group, f'of {group}')}", *(f"  {line}" for line in head)]
    module, texts = module_says(target, trusted)
    lines += [f"  {title}: {texts[key]}" for key, title in SAID.items() if key in texts]
    if failed := FAILED.get(texts.get("family", "")):
        lines.append(f"  if it does not pass: {failed}; read its line in the report, and what the verdict took away for it")
    if module:
        lines += ["", *(f"  {line}".rstrip() for line in module.splitlines())]
    if body:
        lines += [
            "",
            "  knobs and their defaults:" if group in ("estimator", "refuters", "source", "decomposition") else "  it says:",
            *(f"    {line}" for line in body),
        ]
    example = EXAMPLES.get(group, "")
    if group == "refuters":
        knob = next((line.partition(":")[0] for line in body if re.match(r"\w+:", line)), "")
        example = "causal run experiment=closures 'refuters=[default,{name}]'" + (f" refuters.{{name}}.{knob}=…" if knob else "")
    own = next((root for root in roots[1:] if path.is_relative_to(root)), None)
    flags = ""
    if own is not None:
        code = [*trusted] or ([own] if target and not target.startswith("causal.") else [])
        flags = "".join(f" {flag} {shlex.quote(str(folder))}" for flag, folder in [("--config-dir", own), *(("--trust", one) for one in code)])
        if code and not trusted:
            lines += ["", f"  what its class says of itself is read, and not run, with  --trust {shlex.quote(str(own))}"]
    return "\n".join([*lines, *(["", f"  example:  {example.format(name=path.stem)}{flags}"] if example else [])])


def module_says(target: str, trusted: Sequence[Path] = ()) -> tuple[str, dict[str, str]]:
    """How the module of a class opens, and the fixed texts that a check reports of itself, with its family; nothing is imported.

    Parameters
    ----------
    target : dotted name of the class.
    trusted : folders with modules of the user's own.
    """
    parts = target.split(".")
    roots, within = ([Path(__file__).parent], parts[1:-1]) if parts[0] == "causal" else (list(trusted), parts[:-1])
    for root in roots:
        for length in range(len(within), 0, -1):
            path = root.joinpath(*within[:length]).with_suffix(".py")
            if path.is_file():
                tree = _parsed(path)
                return ast.get_docstring(tree) or "", dict(_texts(tree))
    return "", {}


def _parsed(path: Path) -> ast.Module:
    try:
        return ast.parse(read_text(path, "a module"))
    except (SyntaxError, ValueError, RecursionError) as why:
        raise refusal(ConfigError, str(path), "a module in Python", f"what is none: {why}", "try  python -m py_compile  on it") from why


def _texts(tree: ast.Module) -> Iterator[tuple[str, str]]:
    """`asks`, `detects` and the like, where they are written out."""
    for node in ast.walk(tree):
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and node.target.id == "family" and isinstance(node.value, ast.Constant):
            yield "family", str(node.value.value)
        if isinstance(node, ast.keyword) and node.arg in SAID and (text := _written_out(node.value, tree)):
            yield node.arg, text


def _written_out(value: ast.expr, tree: ast.Module) -> str:
    """A text as it stands in the code; what is filled in when the check runs is "…"."""
    if isinstance(value, ast.Constant):
        return str(value.value)
    if isinstance(value, ast.JoinedStr):
        return "".join(str(part.value) if isinstance(part, ast.Constant) else "…" for part in value.values)
    if isinstance(value, ast.BinOp):
        return _written_out(value.left, tree) + _written_out(value.right, tree)
    if isinstance(value, ast.IfExp):
        return _written_out(value.body, tree)
    if isinstance(value, ast.Name):
        made = [
            node.value
            for node in ast.walk(tree)
            if isinstance(node, ast.Assign) and any(isinstance(one, ast.Name) and one.id == value.id for one in node.targets)
        ]
        return _written_out(made[0], tree) if made else ""
    return ""


def knobs(root: Path) -> Iterator[tuple[str, str]]:
    """Keys of every source, estimator, check and house style as they are set on the command line, with whose they are, their default and the comment beside.

    Parameters
    ----------
    root : folder of configurations.
    """
    for group in ("source", "estimator", "refuters", "language"):
        for path in sorted((root / group).glob("*.yaml")):
            for line in path.read_text(encoding="utf-8").splitlines():
                found = re.match(r"(\w+):([^#]*?)(?:#\s*(.*))?$", line)
                if not found or found[1] in ("_target_", "defaults"):
                    continue
                if (group, path.stem) == ("source", "table") and found[3]:  # among the keys of every configuration
                    continue
                key = f"{group}.{path.stem}.{found[1]}" if group == "refuters" else f"{group}.{found[1]}"
                whose = f"'refuters=[default,{path.stem}]'" if group == "refuters" else f"{group}={path.stem}"
                about, value = found[3] or f"causal describe {path.stem} says what it is for", found[2].strip()
                yield key, f"a knob of  {whose}\n  {about}" + (f" (default {value})" if value and value != "???" else "") + f"\n  set it:  {whose} {key}=…"


def keys(root: Path) -> Iterator[tuple[str, str]]:
    """Keys of the whole configuration and of a user's own table, with the comment beside each."""
    for path, above in ((root / "config.yaml", ""), (root / "source" / "table.yaml", "source."), (root / "rule" / "default.yaml", "rule.")):
        inside = ""
        for line in path.read_text(encoding="utf-8").splitlines():
            found = re.match(r"( *)(\w+):([^#]*?)(?:#\s*(.*))?$", line)
            if not found or found[2] in ("defaults", "_target_") or line.startswith("#"):
                continue
            inside = inside if found[1] else ""
            if found[4]:
                value = found[3].strip()
                yield f"{above}{inside}{found[2]}", found[4] + (f" (default {value})" if value and value != "???" else "")
            if not found[1] and not found[3].strip():
                inside = f"{found[2]}."
