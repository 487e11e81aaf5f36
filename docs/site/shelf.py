"""Pages that are made of the shelf, so that none can differ from it: estimators, checks, keys, glossaries, messages, the method.

Everything is read from where it is kept: headers and comments of the configurations, what a check says of itself, what a run was measured to cost, the
messages that the program really gives.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import re
import shlex
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import yaml

import causal
from causal.cli import main
from causal.descriptions import SAID, module_says
from causal.descriptions import keys as keys_of
from causal.offered import GROUPS, costs, header, roots
from causal.terms import TERMS

DOCS = Path(__file__).parent.parent
MEASURED = ("truth", "refuters", "verdicts", "designs", "by_design", "plans", "few_clusters", "ladder", "groups_and_cost", "estimators")  # of benchmarks/
CONF = roots(())[0]
LISTS = ("all", "default")


def write(folder: Path) -> None:
    """All pages, into a folder that holds nothing else."""
    folder.mkdir(exist_ok=True)
    pages = {
        "choosing": choosing(),
        "estimators": estimators(),
        "checks": checks(),
        "keys": keys(),
        "glossary_policy": glossary(0, "Words for readers of an answer"),
        "glossary_evaluators": glossary(1, "Words for those who make one"),
        "faq": faq(),
        "method": copied(DOCS / "method.md"),
        "data": copied(DOCS / "data.md"),
        "study": copied(DOCS / "study.md"),
        **{f"measured_{name}": copied(DOCS.parent / "benchmarks" / f"{name}.md") for name in MEASURED},
    }
    for name, text in pages.items():
        path = folder / f"{name}.md"
        if not path.is_file() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8", newline="\n")


def of(group: str) -> list[Path]:
    """Configurations of a group, lists of others left out."""
    return [path for path in sorted((CONF / group).glob("*.yaml")) if path.stem not in LISTS]


def cell(text: str) -> str:
    """Words as a table's cell shows them."""
    return literal(text).replace("|", "\\|").replace("\n", " ")


def literal(text: str) -> str:
    """Words that Markdown leaves as they are."""
    return re.sub(r"([\\*_<>\[\]{}#$~`])", r"\\\1", text)


def knobs(path: Path) -> Iterator[str]:
    """The lines of a configuration below its header: knobs as they come."""
    for line in path.read_text(encoding="utf-8").splitlines():
        if line.strip() and not line.startswith(("#", "_target_:")):
            yield line


def choosing() -> str:
    """Estimators by what they need; the words before the table are ours, the table is the shelf's."""
    measured_at = costs()["estimator"]
    entries = [header(path) for path in of("estimator")]
    lines = [
        "# Choosing an estimator",
        "",
        "An estimator that cannot serve a design refuses before anything is fitted, says what it lacks, and names those that can. So the first step is to ask:",
        "",
        "```\ncausal explain experiment=closures\n```",
        "",
        "`causal new` proposes one from the shape of the treatment, and `causal run -m estimator=all` runs all that suit and compares them. In short:",
        "",
        "- **A dose that moves within places** (spending, a share): `fixed_effects` first; `linear_dml` if confounders may act in curves;",
        "  `continuous_did` if places whose dose stayed are the yardstick.",
        "- **Taken up once and kept, in waves**: `callaway_santanna` with places that never have it, `imputation` where all have it in the end,",
        "  `sun_abraham` for the course of the effect. Two-way fixed effects compare waves with one another, and can have the wrong sign.",
        "- **One place, or a few**: `synthetic_control`, `synthetic_did`. There is no interval where one place carries the answer.",
        "- **Places at one time** (a cross-section): `dowhy_linear`, `linear_dr`, propensity and matching. All rests on what is adjusted for.",
        "- **Something that moves the treatment and nothing else**: `two_stage_least_squares` and the instruments' learners.",
        "- **Yes or no, or a share** (rated good, on time): `logit_dose` beside `fixed_effects`, for the ratio of odds that papers print.",
        "- **Given to those beyond a cutoff** (a rank, a score, a date): `regression_discontinuity`; write the cutoff on the graph's arrow,",
        "  `rank: {eligible: {because: …, cutoff: 30}}`. It closes every back door at the cutoff, and speaks of nobody far from it.",
        "- **A series against its own past** (one place, one date): `interrupted_series`, with comparison series where there are any.",
        "- **Counts of few**: `poisson_fixed_effects`, with `source.population` as the exposure.",
        "- **The outcome moves later treatment**: `lagged_outcome`, `dynamic_dml`; `explain` says where the graph has such a road.",
        "",
        "| estimator | what it is | needs | targets | a run with its checks |",
        "|---|---|---|---|---|",
    ]
    for one in entries:
        cost = measured_at.get(one["name"], "").partition(" with its")[0].partition(":")[0]
        told = (one["about"], one.get("needs", ""), one.get("targets", ""), cost)
        lines.append(f"| [{literal(one['name'])}](estimators.md#{anchor(one['name'])}) | " + " | ".join(map(cell, told)) + " |")
    lines += ["", f"Costs are processor seconds on {measured()}, as `benchmarks/run_cost.py` measured them."]
    return "\n".join(lines) + "\n"


def anchor(name: str) -> str:
    """Where a heading of that name is found."""
    return re.sub(r"[^\w-]", "", name.lower().replace(" ", "-"))


def measured() -> str:
    """On what the costs were measured."""
    path = Path(causal.__file__).parent / "run_cost.json"
    return str(json.loads(path.read_text(encoding="utf-8"))["panel"]) if path.is_file() else "the default panel"


def estimators() -> str:
    """Every estimator, as `causal describe` has it."""
    lines = ["# Every estimator", "", "What `causal describe NAME` prints, for all of them.", ""]
    for path in of("estimator"):
        one = header(path)
        target = str(yaml.safe_load(path.read_text(encoding="utf-8"))["_target_"])
        lines += [f"## {literal(path.stem)}", "", f"{literal(one['about'])}.", ""]
        lines += [f"- {key}: {literal(one[key])}" for key in ("needs", "targets", "costs") if key in one]
        lines += ["", literal(module_says(target)[0].partition("\n\n")[0].replace("\n", " ")), ""]
        lines += ["```yaml", *(list(knobs(path)) or ["# no knobs"]), "```", "", f"```\ncausal run experiment=closures estimator={path.stem}\n```", ""]
    return "\n".join(lines)


def checks() -> str:
    """Every check: what it asks, when it passes, what it finds, what it cannot find, and how it is added."""
    default = yaml.safe_load((CONF / "refuters/default.yaml").read_text(encoding="utf-8"))["defaults"]
    lines = [
        "# What each check means",
        "",
        "A check tries to break the answer. One that passes is no proof: each says what it cannot find. The checks of `refuters=default` run with every study;",
        "one more is added in the list of checks, and a knob of it beside it:",
        "",
        "```\ncausal run 'refuters=[default,honest_did]' refuters.honest_did.draws=200\n```",
        "",
        "One is taken away with a tilde:",
        "",
        "```\ncausal run '~refuters.bootstrap'\n```",
        "",
    ]
    for path in sorted(of("refuters"), key=lambda path: (path.stem not in default, path.stem)):
        one = header(path)
        texts = module_says(str(yaml.safe_load(path.read_text(encoding="utf-8"))[("_target_")]))[1]
        lines += [f"## {literal(path.stem)}", "", f"{literal(one['about'])}" + ("" if path.stem in default else " *Not among the default checks.*"), ""]
        lines += [f"{title.capitalize()}\n: {literal(texts[key])}\n" for key, title in SAID.items() if key in texts]
        lines += ["```yaml", *(list(knobs(path)) or ["# no knobs"]), "```", ""]
    return "\n".join(lines)


def keys() -> str:
    """Keys of the configuration and of a table of one's own."""
    lines = ["# Keys of the configuration", "", "`causal run KEY=VALUE` sets one; `causal run --cfg` prints them all as they stand.", ""]
    lines += ["| key | what it is |", "|---|---|", *(f"| `{key}` | {cell(about)} |" for key, about in keys_of(CONF)), ""]
    lines += ["## What there is to choose from", "", "| group | names |", "|---|---|"]
    lines += [f"| {title} | {', '.join(f'`{path.stem}`' for path in of(group))} |" for title, group in GROUPS.items()]
    return "\n".join(lines) + "\n"


def glossary(whose: int, title: str) -> str:
    """The words of the trade, for one of the two kinds of reader."""
    return f"# {title}\n\n" + "\n".join(
        f"{literal(term)}\n: {literal(said[whose])}\n" for term, said in sorted(TERMS.items(), key=lambda item: item[0].lower())
    )


def faq() -> str:
    """Questions from messages that the program gives: each is asked of the program when the page is made."""
    entries = yaml.safe_load((Path(__file__).parent / "faq.yaml").read_text(encoding="utf-8"))
    lines = ["# Questions from real messages", "", "Each message is what the program said when this page was made.", ""]
    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
        tables()
        for one in entries:
            heard = io.StringIO()
            with contextlib.redirect_stderr(heard), contextlib.redirect_stdout(heard):
                main(shlex.split(one["command"])[1:])
            said = heard.getvalue().strip().replace(os.getcwd(), "")
            lines += [f"## {one['question']}", "", "```\n" + one["command"] + "\n```", "", "```text\n" + "\n".join(said.splitlines()[:12]) + "\n```", ""]
            lines += [one["answer"].strip(), ""]
    return "\n".join(lines)


def tables() -> None:
    """Small made-up tables, each spoilt in one way, where the commands of the page look for them."""
    rng = np.random.default_rng(3)
    rows = [(f"Area {i:02d}", year) for i in range(20) for year in range(2010, 2018)]
    tidy = pd.DataFrame(rows, columns=["area", "yr"])
    tidy["cut"] = rng.random(len(tidy)).round(3)
    tidy["poverty"] = (10 * rng.random(len(tidy))).round(2)
    tidy["plans"] = (40 + 4 * tidy["cut"] + tidy["poverty"] + rng.normal(size=len(tidy))).round(2)
    tidy.to_csv("mine.csv", index=False)
    tidy.assign(cut=tidy.groupby("area")["cut"].transform("first")).to_csv("fixed.csv", index=False)
    pd.concat([tidy.assign(sex=sex) for sex in ("boys", "girls")]).to_csv("split.csv", index=False)
    tidy.pivot(index="area", columns="yr", values="plans").reset_index().to_csv("across.csv", index=False)
    tidy.assign(yr=[f"{year - 1}/{year % 100}" for year in tidy["yr"]]).to_csv("financial.csv", index=False)
    tidy.assign(cut=tidy["cut"].astype(object).where(tidy.index != 4, "about half")).to_csv("words.csv", index=False)


def copied(path: Path) -> str:
    """A page of the project; links that lead out of the site become plain words, and pictures stay where they are."""
    text = path.read_text(encoding="utf-8")
    up = os.path.relpath(path.parent, Path(__file__).parent / "_made")
    text = re.sub(r"(?<!!)\[([^\]]+)\]\((?!https?:|#|method\.md|data\.md)[^)]*\)", r"\1", text)
    return re.sub(r"!\[([^\]]*)\]\((?!https?:)([^)]*)\)", rf"![\1]({up}/\2)", text)
