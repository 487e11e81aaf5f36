"""Every function that others call says in its docstring what each argument is: held over the syntax tree, so that none is left out for want of a test.

A linter's D417 holds less: it passes a docstring that has no section of parameters at all, and does not see `name : words` on one line, as we write it.
"""

import ast
import doctest
import inspect
import re
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, fields, is_dataclass
from functools import cache
from pathlib import Path

import pytest

import causal

HOME = Path(causal.__file__).parent
ROOT = HOME.parent
CONTRACT = {"estimate", "refute", "decompose", "load", "explore"}  # what a shelf's class must answer to: nobody imports it by name
ARRAYS = re.compile(r"\b(Floats|Ints|Bools|NDArray|ndarray)\b")
ENTRY = re.compile(r"(\*{0,2}\w+(?:, \*{0,2}\w+)*) ?:(?: |$)")
SECTION = re.compile(r"^ *(Parameters|Returns|Raises|Yields|Examples|Notes|References|Attributes)\n *-{3,}$", re.M)


@dataclass
class Module:
    """One file: its tree, what it defines, and what it takes from other modules."""

    name: str
    tree: ast.Module
    taken: set[tuple[str, str]] = field(default_factory=set)


@dataclass
class Entry:
    """A function that others call."""

    where: str
    node: ast.FunctionDef
    method: bool

    @property
    def arguments(self) -> dict[str, ast.expr | None]:
        """Annotation by name, as written in a docstring (`*names`), without the receiver."""
        given = self.node.args
        static = any(isinstance(d, ast.Name) and d.id == "staticmethod" for d in self.node.decorator_list)
        named = [*given.posonlyargs, *given.args][1 if self.method and not static else 0 :]
        written = [("", named), ("*", [given.vararg]), ("", given.kwonlyargs), ("**", [given.kwarg])]
        return {stars + one.arg: one.annotation for stars, several in written for one in several if one is not None}

    @property
    def sections(self) -> dict[str, str]:
        """Text of each section of its docstring, by name."""
        return sections_of(ast.get_docstring(self.node) or "")


def sections_of(text: str) -> dict[str, str]:
    """Text of each NumPy section by its name."""
    parts = SECTION.split(text)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def entries_of(section: str) -> dict[str, str]:
    """What a section says of each name: a line at its left edge begins with the name, or several with commas, and a colon."""
    found: dict[str, str] = {}
    names: list[str] = []
    for line in section.splitlines():
        begun = ENTRY.match(line)
        if begun:
            names = begun[1].split(", ")
        for name in names:
            found[name] = found.get(name, "") + line + "\n"
    return found


def name_of(path: Path) -> str:
    """The dotted name of a module's file."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def taken_by(tree: ast.Module) -> set[tuple[str, str]]:
    """(module, name) of all that a tree takes from elsewhere: `from m import f`, or `m.f` of a module that it imported under some name."""
    modules: dict[str, str] = {}
    taken = set()
    nodes = [*ast.walk(tree)]
    for node in nodes:
        if isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                taken.add((node.module, alias.name))
                modules[alias.asname or alias.name] = f"{node.module}.{alias.name}"
        elif isinstance(node, ast.Import):
            modules |= {alias.asname or alias.name: alias.name for alias in node.names}
    for node in nodes:
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in modules:
            taken.add((modules[node.value.id], node.attr))
    return taken


@cache
def all_modules() -> list[Module]:
    """Each file of the library and of what runs it."""
    paths = sorted([*HOME.rglob("*.py"), *(ROOT / "experiments").glob("*.py")])
    modules = [Module(name=name_of(path), tree=ast.parse(path.read_text(encoding="utf-8"))) for path in paths]
    for module in modules:
        module.taken = taken_by(module.tree)
    return modules


def functions_of(body: list[ast.stmt], *, in_class: bool = False) -> Iterator[tuple[ast.FunctionDef, bool]]:
    """Every function that is written in a body or in what it holds, and whether it is a method."""
    for node in body:
        if isinstance(node, ast.FunctionDef):
            yield node, in_class
        yield from functions_of(getattr(node, "body", []), in_class=isinstance(node, ast.ClassDef))


@cache
def exported() -> list[Entry]:
    """Public functions that another module takes, public methods of public classes that another module takes or a shelf offers, and all contract methods."""
    public = {(f"causal.{home}", name) for home, names in causal._HOMES.items() for name in names}
    found = []
    takers = Counter(pair for module in all_modules() for pair in module.taken)
    for module in all_modules():
        if not module.name.startswith("causal"):
            continue
        for node in module.tree.body:
            if not isinstance(node, ast.FunctionDef | ast.ClassDef) or node.name.startswith("_"):
                continue
            pair = (module.name, node.name)
            mine = pair in public or takers[pair] > (pair in module.taken)
            if isinstance(node, ast.FunctionDef):
                if mine:
                    found.append(Entry(f"{module.name}.{node.name}", node, method=False))
                continue
            methods = [m for m in node.body if isinstance(m, ast.FunctionDef) and not m.name.startswith("_") and not is_property(m)]
            shelved = any(m.name in CONTRACT for m in methods)
            found += [Entry(f"{module.name}.{node.name}.{m.name}", m, method=True) for m in methods if mine or shelved]
    return found


def is_property(node: ast.FunctionDef) -> bool:
    """Whether a method is read like a field."""
    return any(isinstance(d, ast.Name) and d.id in ("property", "cached_property") for d in node.decorator_list)


def raised(node: ast.AST) -> Iterator[str]:
    """Names of the project's errors that a function raises itself, not through what it calls."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.FunctionDef | ast.Lambda | ast.ClassDef):
            continue
        if isinstance(child, ast.Raise) and isinstance(child.exc, ast.Call) and isinstance(child.exc.func, ast.Name):
            name = child.exc.func.id
            if isinstance(getattr(causal, name, None), type) and issubclass(getattr(causal, name), causal.CausalError):
                yield name
        yield from raised(child)


@cache
def several() -> list[Entry]:
    """Those of two arguments and more."""
    return [entry for entry in exported() if len(entry.arguments) >= 2]


def test_many_are_found():
    """A rule that finds nothing would pass everything below: each step of the story and the contract method of each file of a shelf is on the list."""
    names = {entry.where for entry in several()}
    assert {"causal.design.design", "causal.identify.identify", "causal.verdict.decide.judge"} <= names
    for shelf, method in (("estimators", "estimate"), ("refuters", "refute"), ("decompositions", "decompose")):
        files = [p for p in (HOME / shelf).glob("*.py") if f"def {method}(" in p.read_text(encoding="utf-8")]
        assert len({name for name in names if name.startswith(f"causal.{shelf}.") and name.endswith(f".{method}")}) >= len(files) > 0


def test_every_argument_is_named():
    """A function with two arguments or more names them all, in the order in which they are written, under Parameters; and names no other."""
    bad = []
    for entry in several():
        named, wanted = list(entries_of(entry.sections.get("Parameters", ""))), list(entry.arguments)
        if named != wanted:
            bad.append(f"{entry.where}: {wanted}, its docstring names {named}")
    assert not bad, f"{len(bad)} of {len(several())} docstrings do not name their arguments:\n" + "\n".join(bad)


def test_every_array_has_its_shape():
    """An argument that is an array says its shape."""
    bad = [
        f"{entry.where}: {name}"
        for entry in several()
        for name, said in entries_of(entry.sections.get("Parameters", "")).items()
        if (annotation := entry.arguments.get(name)) is not None and ARRAYS.search(ast.unparse(annotation)) and "shape" not in said
    ]
    assert not bad, "\n".join(bad)


def test_every_refusal_is_named():
    """What a function with several arguments raises itself stands under Raises, with what is refused."""
    bad = []
    for entry in several():
        said = entries_of(entry.sections.get("Raises", ""))
        bad += [f"{entry.where}: {name}" for name in sorted(set(raised(entry.node)) - set(said))]
    assert not bad, "\n".join(bad)


NOUNS = [name for name in causal.__all__ if isinstance(getattr(causal, name), type) and is_dataclass(getattr(causal, name))]


@pytest.mark.parametrize("name", NOUNS)
def test_every_field_of_a_public_noun_is_named(name):
    """Each public noun's docstring names each field that its constructor takes, and no other."""
    noun = getattr(causal, name)
    wanted = {one.name for one in fields(noun) if one.init}
    said = set(entries_of(sections_of(inspect.cleandoc(noun.__doc__)).get("Parameters", "")))
    assert said == wanted, f"{name} does not name {sorted(wanted - said)}, and names {sorted(said - wanted)}, which it has not"


def test_a_section_names_all_of_them():
    """Also in private functions and in experiments: where some arguments are described, all are."""
    bad = []
    for module in all_modules():
        for node, method in functions_of(module.tree.body):
            entry = Entry(f"{module.name}.{node.name}", node, method=method)
            named = list(entries_of(entry.sections.get("Parameters", "")))
            if named and named != list(entry.arguments):
                bad.append(f"{entry.where}: {list(entry.arguments)}, its docstring names {named}")
    assert not bad, "\n".join(bad)


@pytest.mark.parametrize("name", causal.__all__)
def test_each_public_name_has_an_example_that_runs(name):
    """An example in the docstring of each public name, run as a reader would, with what its own module holds."""
    import dowhy  # noqa: F401  whose import has sympy take over how a console shows values: before an example, and not in its middle

    one = getattr(causal, name)
    home = vars(sys.modules[one.__module__])
    (example,) = doctest.DocTestFinder(recurse=False).find(one, name, globs=dict(home))
    assert example.examples, f"causal.{name} has no example"
    said: list[str] = []
    failed, _ = doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE).run(example, out=said.append)
    assert not failed, "".join(said)
