"""The inventory in ARCHITECTURE.md: every module and the first line of its docstring, from the tree.

python benchmarks/inventory.py            prints it
python benchmarks/inventory.py --write    puts it into ARCHITECTURE.md, between its two marks; tests/test_house.py holds the two together
"""

from __future__ import annotations

import ast
import sys
from pathlib import Path

TOP = Path(__file__).parent.parent
PAGE = TOP / "ARCHITECTURE.md"
SHELVES = ("estimators", "refuters", "decompositions")  # whose own files are what  causal list  shows, each with what its configuration says of it
BEGIN, END = "<!-- inventory: python benchmarks/inventory.py --write -->", "<!-- end of inventory -->"


def first_line(path: Path) -> str:
    """What a module says it is.

    Raises
    ------
    ValueError : it says nothing.
    """
    said = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))
    if not said:
        raise ValueError(f"{path.relative_to(TOP)} has no docstring: a module opens with what it is, in one line")
    return said.splitlines()[0].replace("|", "/")


def inventory(top: Path = TOP) -> str:
    """A table for each room, rooms and modules in the order of their names; a room's own line is that of its `__init__`."""
    lines: list[str] = []
    rooms = sorted({path.parent for root in ("causal", "experiments") for path in (top / root).rglob("*.py")})
    for room in rooms:
        shelf = room.parent == top / "causal" and room.name in SHELVES
        modules = [] if shelf else sorted(path for path in room.glob("*.py") if path.name != "__init__.py")
        own = room / "__init__.py"
        lines += [f"#### `{room.relative_to(top).as_posix()}/`", "", *([first_line(own), ""] if own.is_file() else [])]
        lines += [f"One file each, or one small family: `causal list {room.name} -v` says what each is.", ""] if shelf else []
        lines += ["| module | what it is |", "|---|---|", *(f"| `{path.stem}` | {first_line(path)} |" for path in modules), ""] if modules else []
    return "\n".join(lines)


def written(page: str) -> str:
    """The inventory as a page has it.

    Raises
    ------
    ValueError : a mark is missing.
    """
    if page.count(BEGIN) != 1 or page.count(END) != 1:
        raise ValueError(f"the page must have the two marks {BEGIN} and {END}, once each")
    return page.split(BEGIN)[1].split(END, maxsplit=1)[0].strip()


def main() -> None:
    """Print, or write."""
    made = inventory().strip()
    if "--write" not in sys.argv[1:]:
        print(made)
        return
    page = PAGE.read_text(encoding="utf-8")
    written(page)
    PAGE.write_text(page.split(BEGIN)[0] + f"{BEGIN}\n\n{made}\n\n{END}" + page.split(END)[1], encoding="utf-8")


if __name__ == "__main__":
    main()
