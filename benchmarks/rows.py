"""Rows of people: the fit of the cells beside the fit of the rows, and ten million children from Parquet and from CSV.

    python benchmarks/rows.py [--children 10000000] [--write]

Needs pyfixest for the first table (`pip install pyfixest`), which is no part of this project's environments; each time is of a process of its own. The files
are made anew in a folder of the system's and taken away again. With --write the tables go to benchmarks/rows.md.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet
from scipy import stats

import causal
from causal import Graph, Question
from causal.analysis import analyse
from causal.configured import part
from causal.inference.clustered import cluster_sums, cr1_factor
from causal.sources.rows import Children, Rows
from causal.sources.simulated import Simulated

TREATMENT, CONTROL = "spending_power", "closures"  # many places move it, so that errors are CR1, as the other side's are
WRITTEN = Path(__file__).with_suffix(".md")


def graph(outcome: str, *more: str) -> Graph:
    """Authority, year, the control and whatever else is asked for as causes of both."""
    causes = ("authority", "year", CONTROL, *more)
    nodes = {name: {} for name in (TREATMENT, outcome, *causes)}
    return Graph(name="rows", nodes=nodes, arrows={TREATMENT: {outcome: "asked"}} | {one: {TREATMENT: "assumed", outcome: "assumed"} for one in causes})


def cells(table: object, outcome: str, *, estimator: str = "fixed_effects", held: tuple[str, ...] = (), modifiers: tuple[str, ...] = (), **knobs: object):
    """Our estimate from the cells, and the design it stands on."""
    question = Question(treatment=TREATMENT, outcome=outcome, control=0.0, treated=1.0, smallest_important=1.0, because="a benchmark", modifiers=modifiers)
    made = analyse(Rows(table=table, outcome=outcome, **knobs).load(), question, graph(outcome, *held)).design
    return part("estimator", estimator).estimate(made, np.random.default_rng(0)), made


def beside(children: int) -> list[str]:
    """Each case as a line of the table: both effects, both errors, and how far they lie apart."""
    import pyfixest as pf  # noqa: PLC0415 (no part of the environments; only this table needs it)

    table = Children(world=Simulated(authorities=600), children=children, missing=0.02).table()
    table["place_band"] = table["authority"] + table["age_band"]
    table["place_sex"] = table["authority"] + table["sex"]
    vcov, bare = {"CRV1": "authority"}, pf.ssc(k_adj=False)
    lines = ["| case | people | cells | effect, cells | apart from the rows' | its error | apart |", "|---|---|---|---|---|---|---|"]

    def line(case: str, made, effect: float, error: float, fit, name: str = TREATMENT, slopes: int = 2) -> None:
        # both sides with one k: the slopes and the year effects but one, which authority effects tell
        k = slopes + len(made.years) - 1
        theirs = fit.coef()[name], fit.se()[name] * np.sqrt((made.row_count - 1) / (made.row_count - k))
        far = [abs(one / other - 1) for one, other in zip((effect, error), theirs, strict=True)]
        lines.append(f"| {case} | {made.row_count:,} | {made.rows:,} | {effect:.6g} | {far[0]:.1e} | {error:.6g} | {far[1]:.1e} |")

    def linear(case: str, formula: str, outcome: str = "plans", data=table, weights: str | None = None, **knobs: object) -> None:
        one, made = cells(table, outcome, weights=weights, **knobs)
        fit = pf.feols(formula, data, vcov=vcov, weights=weights, fixef_tol=1e-12, ssc=bare)
        assert one.inference.startswith("CR1"), one.inference
        line(case, made, one.effect, one.std_error, fit, slopes=len(fit.coef()))

    effects = f"{TREATMENT} + {CONTROL}"
    linear("yes or no, some missing", f"plans ~ {effects} | authority + year")
    linear("a count", f"contacts ~ {effects} | authority + year", outcome="contacts")
    linear("weighted", f"plans ~ {effects} | authority + year", weights="weight")
    linear("patterns of age, some missing", f"plans ~ {effects} | place_band + year", data=table.dropna(subset=["age_band"]), by=["age_band"])
    linear("a score held fixed", f"plans ~ {effects} + need_score | authority + year", covariates=["need_score"], held=("need_score",))
    linear(
        "weighted, a score held fixed", f"plans ~ {effects} + need_score | authority + year", weights="weight", covariates=["need_score"], held=("need_score",)
    )
    one, made = cells(table, "plans", by=["sex"], modifiers=("sex",))
    fit = pf.feols(f"plans ~ {TREATMENT}:C(sex) + {CONTROL} | place_sex + year", table, vcov=vcov, fixef_tol=1e-12, ssc=bare)
    for group in one.parts:
        name = next(key for key in fit.coef().index if key.endswith(f"[{group.name}]"))
        line(f"by sex: {group.name}", made, group.effect, group.std_error, fit, name, slopes=3)
    one, made = cells(table, "contacts", estimator="poisson_fixed_effects")
    slope = float(np.log(one.diagnostics["rate ratio"]))
    half = float(np.log(one.diagnostics["rate ratio, upper"]) - slope)
    error = half / stats.t.ppf(0.975, len(made.clusters) - 1)
    fit = pf.fepois(f"contacts ~ {effects} | authority + year", table, vcov=vcov, iwls_tol=1e-12, fixef_tol=1e-10, ssc=bare)
    line("Poisson, log of the ratio", made, slope, error, fit)
    lines += ["", f"By dense algebra (Newton's steps to the end, every effect a column) the error of Poisson's scores lies {dense(made, one):.1e} from ours."]
    usual = pf.fepois(f"contacts ~ {effects} | authority + year", table, vcov=vcov)
    lines += ["", f"Poisson's error as the other side gives it without being asked lies {abs(error / usual.se()[TREATMENT] - 1):.1e} from ours."]
    usual = pf.feols(f"contacts ~ {effects} | authority + year", table, vcov=vcov)
    one, _ = cells(table, "contacts")
    lines[-1] += f" That of least squares lies {abs(one.std_error / usual.se()[TREATMENT] - 1):.1e} from ours."
    return lines


def dense(made, one) -> float:
    """How far CR1 of Poisson's slope lies from that of dense algebra on the cells' sums."""
    x = np.column_stack(
        [
            made.treatment,
            made.controls,
            made.year[:, None] == made.years[1:],
            made.authority[:, None] == np.arange(len(made.authorities)),
        ]
    ).astype(float)
    events = made.outcome * made.counts
    slopes = np.linalg.lstsq(x, np.log((made.outcome + made.outcome.mean()) / 2), rcond=None)[0]
    for _ in range(30):
        mean = made.counts * np.exp(x @ slopes)
        slopes = slopes + np.linalg.solve(x.T @ (mean[:, None] * x), x.T @ (events - mean))
    mean = made.counts * np.exp(x @ slopes)
    scores = cluster_sums(x * (events - mean)[:, None], made.cluster, len(made.clusters)) @ np.linalg.inv(x.T @ (mean[:, None] * x))
    n, k = made.row_count, made.controls.shape[1] + len(made.years)
    error = float(np.sqrt(cr1_factor(len(made.clusters), n, n - k) * scores[:, 0] @ scores[:, 0]))
    ours = np.log(one.diagnostics["rate ratio, upper"] / one.diagnostics["rate ratio"]) / stats.t.ppf(0.975, one.df)
    return abs(ours / error - 1)


# a whole study of the cells, with every check of the default list, and no draw left out
STUDY = (
    "experiment=closures",
    "source=rows",
    "source.outcome=plans",
    "source.per=10000",
    "source.people=children",
    "source.name=name",
    "source.region=region",
    "beside=[]",
)


def own_peak() -> float:
    """This process's peak of memory, kB: the system's own mark (`ru_maxrss` goes over from who started it), or `ru_maxrss` where there is none."""
    status = Path("/proc/self/status")
    lines = status.read_text().splitlines() if status.exists() else []
    return next((float(line.split()[1]) for line in lines if line.startswith("VmHWM")), float(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss))


def one_run(path: str, what: str, engine: str) -> dict[str, float]:
    """What this process takes for a whole study, pages included, or for the cells of age and sex alone."""
    began = time.perf_counter()
    if what == "study":
        with tempfile.TemporaryDirectory() as at:
            result = causal.run(causal.load(*STUDY, f"source.path={path}", f"source.engine={engine}"), workers=2)
            result.report(Path(at) / "pages")
        people = float(result.panel.frame["children"].sum())
    else:
        panel = Rows(path=path, outcome="plans", by=["age_band", "sex"], per=10_000, people="children", engine=engine).load()
        people = float(panel.frame["children"].sum())
    processor = sum(one.ru_utime + one.ru_stime for one in map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)))
    return {"wall": time.perf_counter() - began, "processor": processor, "memory": own_peak() / 1e6, "people": people}


def large(children: int, folder: Path) -> list[str]:
    """Files of so many children, and what reading them takes: one process a line."""
    parquet, text = folder / "children.parquet", folder / "children.csv"
    Children(children=children).write(parquet)
    with pyarrow.parquet.ParquetFile(parquet) as file, pyarrow.csv.CSVWriter(text, file.schema_arrow) as writer:
        for at in range(file.num_row_groups):
            writer.write_table(file.read_row_group(at))
    lines = ["| what | file | engine | children | wall s | processor s | memory GB |", "|---|---|---|---|---|---|---|"]
    for what, path, engine in (
        ("study, all default checks, pages", parquet, "duckdb"),
        ("study, all default checks, pages", text, "duckdb"),
        ("cells of age and sex", parquet, "duckdb"),
        ("cells of age and sex", text, "duckdb"),
        ("cells of age and sex", parquet, "pandas"),
    ):
        words = [sys.executable, __file__, "--one", str(path), what.split(",")[0].split(" ")[0], engine]
        found = json.loads(subprocess.run(words, check=True, capture_output=True, text=True).stdout.splitlines()[-1])
        size = path.stat().st_size / 1e6
        lines.append(
            f"| {what} | {path.suffix[1:]}, {size:,.0f} MB | {engine} | {found['people']:,.0f} | {found['wall']:.1f} | {found['processor']:.1f} | "
            f"{found['memory']:.2f} |"
        )
        print(lines[-1], flush=True)
    return lines


def alike(children: int) -> list[str]:
    """The same cells from engines: the largest difference from DuckDB's, as a share of the column's size."""
    table = Children(children=children, missing=0.02).table()
    knobs = {"outcome": ["plans", "contacts"], "by": ["age_band", "sex"], "weights": "weight", "people": "children"}
    first = Rows(table=duckdb.connect().from_df(table), **knobs).load().frame
    tables = {"pandas": table, "Arrow": pa.Table.from_pandas(table, preserve_index=False)}
    lines = ["| engine | cells | largest difference from DuckDB's |", "|---|---|---|"]
    for name, one in tables.items():
        lines.append(_alike(name, first, Rows(table=one, **knobs).load().frame))
    if find_spec("pyspark") is None:
        return lines
    from pyspark.sql import SparkSession  # noqa: PLC0415 (likewise)

    local = {"spark.ui.enabled": "false", "spark.driver.bindAddress": "127.0.0.1", "spark.driver.host": "127.0.0.1"}
    spark = SparkSession.builder.master("local[1]").config(map=local).getOrCreate()
    with tempfile.TemporaryDirectory() as at:
        table.to_parquet(Path(at) / "children.parquet")
        lines.append(_alike(f"Spark {spark.version}, local", first, Rows(table=spark.read.parquet(f"{at}/children.parquet"), **knobs).load().frame))
    spark.stop()
    return lines


def _alike(name: str, first, other) -> str:
    assert first.index.equals(other.index) and list(first.columns) == list(other.columns)
    far = ((first - other).abs().max() / first.abs().max()).max()
    assert (first.isna() == other.isna()).all().all()
    return f"| {name} | {len(other):,} | {far:.1e} |"


HEAD = """# Rows of people

Made by `python benchmarks/rows.py --write` ({rows:,} children in the first table, {many:,} in the last, pyfixest {pyfixest}, DuckDB {duckdb}).

## The fit of the cells beside the fit of the rows

Simulated children of 600 places who add up to a simulated panel; spending power as treatment, closures held fixed, so that more than 50 places carry it and
both sides' errors are CR1. Asked: 1e-8 in effect and error. Where fewer places carry an answer ours is CR2, on cells scaled by the root of their people,
which the other side does not give.

"""
POISSON = """
Why it does: of the year effects one is told by those of the authorities, and our k of CR1 leaves it
out, while the other side counts it: k differs by 1, and an error by 1 part in 2 N. The table has both sides with our k; the other
side's without any comes to it by a factor that N, k and nothing else decide. What is left of Poisson's is the
other side's: dense algebra gives ours.
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--children", type=int, default=10_000_000)
    parser.add_argument("--only", choices=("beside", "alike", "large"))
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--one", nargs=3, metavar=("PATH", "WHAT", "ENGINE"))
    given = parser.parse_args()
    if given.one:
        return print(json.dumps(one_run(*given.one)))
    parts = {"beside": "", "alike": "", "large": ""}
    if given.only in (None, "beside"):
        parts["beside"] = "\n".join(beside(given.rows))
        print(parts["beside"], flush=True)
    if given.only in (None, "alike"):
        parts["alike"] = "\n".join(alike(min(given.rows, 200_000)))
        print(parts["alike"], flush=True)
    if given.only in (None, "large"):
        with tempfile.TemporaryDirectory() as at:
            parts["large"] = "\n".join(large(given.children, Path(at)))
    if given.write and not given.only:
        head = HEAD.format(rows=given.rows, many=given.children, pyfixest=version("pyfixest"), duckdb=version("duckdb"))
        many = "\n## Ten million children\n\nAsked of the first line: 60 s and 2 GB on two cores. Each line is a process of its own.\n\n"
        same = "\n## The same cells from other engines\n\n"
        WRITTEN.write_text(head + parts["beside"] + "\n" + POISSON + same + parts["alike"] + "\n" + many + parts["large"] + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
