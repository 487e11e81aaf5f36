"""The command line's parser, which refuses in the words of all refusals: what was wanted, what came, what to try; one line, exit status 2."""

from __future__ import annotations

import argparse
import re
from difflib import get_close_matches
from pathlib import Path
from typing import NoReturn

from causal.errors import ConfigError, refusal

KINDS = {"int": "a whole number", "float": "a number", "Path": "a file or folder", "named": "the name of a file or folder"}


def named(word: str) -> Path:
    """A path as it was given; a word of blanks would be taken for the folder where one stands, and is none (argparse says so of a `ValueError`)."""
    if not word.strip():
        raise ValueError
    return Path(word)


class Parser(argparse.ArgumentParser):
    """argparse, with messages of our own."""

    def error(self, message: str) -> NoReturn:
        """Say what is wrong with the arguments, and stop with status 2."""
        said = refusal(ConfigError, *said_wrong(message, self.prog))
        self.exit(2, f"ConfigError: {said}\n")


def _near(came: str, choices: str) -> str:
    """Did you mean …? of argparse's list of choices; "" where none is near."""
    near = get_close_matches(came.strip("'\""), re.findall(r"[\w-]+", choices), n=1)
    return f"did you mean  {near[0]}" if near else ""


def said_wrong(message: str, program: str) -> tuple[str, str, str, str]:
    """Where, what was wanted, what came and what to try, for what argparse says.

    Parameters
    ----------
    message : argparse's.
    program : the command as it was called, "causal simulate".
    """
    remedy = f"see  {program} --help"
    argument = re.match(r"argument ([^:]+): (.*)", message, flags=re.DOTALL)
    where, rest = (argument[1].split("/")[-1], argument[2]) if argument else (program, message)
    if missing := re.match(r"the following arguments are required: (.*)", rest):
        return program, missing[1], "nothing in that place", remedy
    if odd := re.match(r"invalid (\w+) value: (.*)", rest, flags=re.DOTALL):
        return where, KINDS.get(odd[1], "a value of another kind"), odd[2], remedy
    if odd := re.match(r"invalid choice: (.*) \(choose from (.*)\)", rest, flags=re.DOTALL):
        return where if "|" not in where else program, f"one of {odd[2]}", odd[1], _near(odd[1], odd[2]) or remedy
    if wanted := re.match(r"expected (at least )?(\w+) arguments?", rest):
        number = {"one": "a value", "1": "a value"}.get(wanted[2], f"{wanted[2]} values")
        return where, f"{wanted[1] or ''}{number} after it", "fewer", remedy
    if both := re.match(r"not allowed with argument (.*)", rest):
        return where, f"this or {both[1]}", "both", "take one of them away"
    if unclear := re.match(r"ambiguous option: (\S+) could match (.*)", rest):
        return unclear[1], f"one of {unclear[2]}", "the beginning of several", "write it in full"
    return where, "arguments that it takes", "others", remedy
