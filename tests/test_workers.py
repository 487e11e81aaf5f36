"""Where draws are made decides nothing: processes of this computer, a Dask cluster, and what is said of clusters that cannot be used."""

import csv
import json
import os
import signal
import subprocess
import sys
import time
import types
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from lengths import long

from causal import draws
from causal.cli import main
from causal.draws import in_parallel
from causal.errors import ConfigError
from causal.workers import Cluster, elsewhere, spread

SMALL = [
    "run",
    "experiment=closures",
    "estimator=mean_group",
    "source.authorities=60",
    "refuters=[bootstrap]",
    "refuters.bootstrap.draws=30",
    "beside=[]",
    "--quiet",
]


def drawn(draw: int, rng: np.random.Generator) -> tuple[int, float]:
    return draw, float(rng.normal())


def dies_once(mark: Path, number: int) -> int:
    """In the first process that comes here, the end of it."""
    try:
        mark.touch(exist_ok=False)
    except FileExistsError:
        return number**2
    os.kill(os.getpid(), signal.SIGKILL)
    return -1


def slow(number: int) -> int:
    time.sleep(0.3)
    return number


def elsewhere_alone() -> Callable[[int], int]:
    """A step of a module that only this process knows."""
    module = types.ModuleType("nowhere_else")
    exec("def step(number):\n    return number\n", module.__dict__)
    sys.modules["nowhere_else"] = module
    step: Callable[[int], int] = module.step
    return step


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"backend": "ray"}, "backend: wanted loky"),
        ({"backend": "dask"}, "scheduler: wanted the address"),
        ({"backend": "dask", "scheduler": 8786}, "scheduler: wanted the address"),
        ({"scheduler": "tcp://here:8786"}, "wanted backend=dask beside it"),
    ],
)
def test_a_cluster_says_what_it_lacks(given: dict[str, object], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        Cluster(**given)  # type: ignore[arg-type]


def test_words_of_the_command_line_are_held_to_the_same(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*SMALL, "backend=dask"]) == 2
    assert main([*SMALL, "scheduler=tcp://127.0.0.1:1"]) == 2
    assert main(["run", "-m", *SMALL[1:], "hydra/launcher=nobody"]) == 2
    said = capsys.readouterr().err.splitlines()
    assert [line.partition(":")[0] for line in said] == ["ConfigError"] * 3, "one line each"
    assert "launcher that is installed" in said[2]


def test_draws_that_begin_here_and_go_on_elsewhere_are_the_same_draws(monkeypatch: pytest.MonkeyPatch) -> None:
    """One process alone is the truth; the others take over after none, some and all of the draws."""
    alone = in_parallel("test", drawn, 7, seed=3, workers=1, progress=False)
    assert [draw for draw, _ in alone] == list(range(7)) and len({value for _, value in alone}) == 7
    for seconds in (-1.0, 60.0):
        monkeypatch.setattr(draws, "ALONE", seconds)
        assert in_parallel("test", drawn, 7, seed=3, workers=2, progress=False) == alone
    assert list(spread(drawn, [], workers=2)) == []
    assert not elsewhere()


def test_no_answer_at_the_address_is_one_refusal(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    pytest.importorskip("distributed")
    monkeypatch.setattr("causal.workers.PATIENCE", 1.0)
    for scheduler in ("tcp://127.0.0.1:1", "nonsense://x", str(tmp_path / "none.json")):
        with pytest.raises(ConfigError, match="wanted a Dask scheduler that answers"), Cluster(backend="dask", scheduler=scheduler).opened():
            pass


# ---------------------------------------------------------------- a cluster on this computer


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    distributed = pytest.importorskip("distributed")
    with distributed.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None, silence_logs=50) as made:
        yield Cluster(backend="dask", scheduler=made.scheduler_address)


def results(folder: Path) -> bytes:
    """result.json without the times, which differ from run to run."""
    (found,) = folder.glob("*/*/*/result.json")
    made = json.loads(found.read_bytes())
    assert made["provenance"].pop("times")
    return json.dumps(made).encode()


@long
@pytest.mark.filterwarnings("ignore")
def test_dask_gives_the_bytes_that_one_and_two_processes_give(cluster: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One process is the truth; no draw is made here where others are asked for."""
    monkeypatch.setattr(draws, "ALONE", -1.0)
    ways = {"one": ["workers=1"], "two": ["workers=2"], "dask": ["backend=dask", f"scheduler={cluster.scheduler}"]}
    for name, words in ways.items():
        assert main([*SMALL, *words, f"runs={tmp_path / name}"]) == 0
    one, *others = [results(tmp_path / name) for name in ways]
    assert others == [one, one]


@long
@pytest.mark.filterwarnings("ignore")
def test_a_worker_that_is_killed_loses_nothing(cluster: Cluster, tmp_path: Path) -> None:
    with cluster.opened():
        assert elsewhere()
        found = list(spread(partial(dies_once, tmp_path / "mark"), [(number,) for number in range(12)], workers=1))
    assert found == [number**2 for number in range(12)]
    assert (tmp_path / "mark").exists(), "one was killed"


@long
@pytest.mark.filterwarnings("ignore")
def test_workers_with_other_versions_or_several_threads_are_refused(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ZeroDivisionError), cluster.opened():
        list(spread(partial(divmod, 1), [(0,)], workers=1))  # what a draw raises is raised here
    with pytest.raises(ConfigError, match="module 'nowhere_else'"), cluster.opened():
        list(spread(elsewhere_alone(), [(1,)], workers=1))
    monkeypatch.setattr("causal.versions.PACKAGES", ("pytest",))
    with pytest.raises(ConfigError, match=r"scheduler and workers with the versions that are installed here.*got t.*pytest None, here"), cluster.opened():
        pass
    monkeypatch.undo()
    distributed = pytest.importorskip("distributed")
    with (
        distributed.LocalCluster(n_workers=1, threads_per_worker=2, dashboard_address=None, silence_logs=50) as made,
        pytest.raises(ConfigError, match="workers of one thread each"),
        Cluster(backend="dask", scheduler=made.scheduler_address).opened(),
    ):
        pass


@long
@pytest.mark.filterwarnings("ignore")
def test_a_scheduler_that_dies_in_the_middle_is_one_refusal(tmp_path: Path) -> None:
    dask = pytest.importorskip("dask")
    file = tmp_path / "scheduler.json"
    command = [sys.executable, "-m"]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "env": os.environ | {"PYTHONPATH": str(Path(__file__).parent)}}
    scheduler = subprocess.Popen([*command, "distributed.cli.dask_scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard",
                                  "--scheduler-file", str(file)], **quiet)  # fmt: skip
    worker = subprocess.Popen([*command, "distributed.cli.dask_worker", "--scheduler-file", str(file), "--nthreads", "1", "--no-dashboard",
                               "--no-nanny", "--local-directory", str(tmp_path)], **quiet)  # fmt: skip
    try:
        until = time.monotonic() + 60
        while not file.exists() and time.monotonic() < until:
            time.sleep(0.2)
        done = []
        with (
            dask.config.set({"distributed.comm.timeouts.connect": "3s"}),
            pytest.raises(ConfigError, match=r"got one that no longer does.*goes on where it stopped"),
            Cluster(backend="dask", scheduler=str(file)).opened(),
        ):
            for one in spread(slow, [(number,) for number in range(200)], workers=1):
                done.append(one)
                if one == 3:
                    scheduler.kill()
        assert done[:4] == [0, 1, 2, 3]
        assert len(done) < 200
    finally:
        for process in (scheduler, worker):
            process.kill()
            process.wait()


# ---------------------------------------------------------------- sweeps whose jobs run in other processes


@long
@pytest.mark.parametrize("launcher", ["joblib", "submitit_local"])
def test_a_sweep_by_a_launcher_ends_as_one_without(launcher: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The sweep in this process is the truth: what is done, what is refused and why, and the comparison's numbers; a second call runs nothing again."""
    pytest.importorskip(f"hydra_plugins.hydra_{launcher.partition('_')[0]}_launcher")
    words = ["experiment=closures", "estimator=fixed_effects,dowhy_glm", "source.authorities=20", "refuters=[leave_one_out]", "beside=[]", "workers=1"]
    compared = {}
    for name, more in (("plain", []), (launcher, [f"hydra/launcher={launcher}"])):
        for _ in range(2):
            capsys.readouterr()
            assert main(["run", "-m", *words, *more, f"runs={tmp_path / name}"]) == 2, "one is refused"
            out = capsys.readouterr().out
            assert "1 done, 1 refused" in out
        with (Path(out.splitlines()[-1]) / "compare.csv").open(encoding="utf-8", newline="") as file:
            rows = [{key: value for key, value in row.items() if key != "report"} for row in csv.DictReader(file)]  # the run's folder has its time
        assert "wanted a design that it can answer" in rows[-1]["refused_because"] + rows[0]["refused_because"]
        compared[name] = (rows, results(tmp_path / name))  # of one run: the second call ran nothing again
    assert compared["plain"] == compared[launcher]
    assert not (tmp_path / launcher / ".partial").exists()
