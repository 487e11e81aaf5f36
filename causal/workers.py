"""Where draws are made: in processes of this computer, or on a Dask cluster that exists.

Which process makes a draw decides nothing. Each draw has its own stream, every fit one thread, and what is installed on a cluster's workers must be what is
installed here; so the same study gives the same bytes everywhere. A worker that dies loses nothing, since the scheduler gives its draws to another.

Dask is spoken to directly rather than as joblib's backend, which makes draws on the head node where a cluster has one core, sends what all draws share with
each of them, and takes a draw that a dead scheduler cancelled for one that is done.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, Literal, TypeVar, get_args

from causal.errors import CausalError, ConfigError, refusal
from causal.versions import installed
from causal.words import count

T = TypeVar("T")
Backend = Literal["loky", "dask"]
PATIENCE = 15.0  # seconds for a scheduler to answer, and for a first worker to be there
ALIKE = "scheduler and workers with the versions that are installed here, since others give other bits"
AGAIN = "look whether it runs still, and give the same words again: a sweep, a study of many or a simulation goes on where it stopped"

_client: ContextVar[Any] = ContextVar("client of the cluster that is open", default=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cluster:
    """Where draws are made; it moves no number.

    Parameters
    ----------
    backend : loky, processes of this computer, or dask.
    scheduler : address of a Dask scheduler (tcp://host:8786), or its scheduler file (a path that ends in .json); None for loky.

    Raises
    ------
    ConfigError : another backend, Dask without a scheduler, or a scheduler without Dask.

    Examples
    --------
    >>> with Cluster().opened():
    ...     list(spread(abs, [(-1,), (2,)], workers=1))
    [1, 2]
    """

    backend: Backend = "loky"
    scheduler: str | None = None

    def __post_init__(self) -> None:
        if self.backend not in get_args(Backend):
            raise refusal(ConfigError, "backend", "loky, processes of this computer, or dask", repr(self.backend), "write  backend=loky")
        if self.backend == "dask" and (not isinstance(self.scheduler, str) or not self.scheduler.strip()):
            wanted = "the address of a Dask scheduler, or its scheduler file"
            raise refusal(ConfigError, "scheduler", wanted, repr(self.scheduler), "write  scheduler=tcp://HOST:8786  beside  backend=dask")
        if self.backend == "loky" and self.scheduler is not None:
            raise refusal(ConfigError, "scheduler", "backend=dask beside it", f"backend={self.backend}", "write  backend=dask,  or leave the scheduler out")

    @contextmanager
    def opened(self) -> Iterator[None]:
        """Draws are made there meanwhile; one that is open already stays.

        Raises
        ------
        ConfigError : Dask is not installed, nobody answers at the address, no worker is there, or one has other versions than are installed here.
        """
        if self.backend == "loky" or _client.get() is not None:
            yield
            return
        with _quiet(), self._connected() as client:
            mark = _client.set(client)
            try:
                yield
            finally:
                _client.reset(mark)

    @contextmanager
    def _connected(self) -> Iterator[Any]:
        try:
            distributed: Any = import_module("distributed")
        except ImportError as problem:
            raise refusal(
                ConfigError, "backend=dask", "Dask", "none that is installed", "install the extra:  pip install 'causal-prevention[cluster]'"
            ) from problem
        where = f"scheduler={self.scheduler}"
        named = {"scheduler_file": self.scheduler} if str(self.scheduler).endswith(".json") else {"address": self.scheduler}
        try:
            if "scheduler_file" in named and not Path(str(self.scheduler)).is_file():
                raise FileNotFoundError("there is no such file")
            client = distributed.Client(**named, timeout=PATIENCE, set_as_default=False)
        except (OSError, ValueError, TypeError, ImportError) as problem:
            first = (str(problem).strip().splitlines() or ["no answer"])[0]
            remedy = "start one with  dask scheduler,  and look at its address"
            raise refusal(ConfigError, where, "a Dask scheduler that answers", first[:200], remedy) from problem
        try:
            _alike(client, where)
            yield client
        finally:
            with suppress(Exception):  # whatever is wrong with a connection, it is over
                client.close(timeout=5)


def elsewhere() -> bool:
    """Whether a cluster is open, so that draws are made on it whatever `workers` says."""
    return _client.get() is not None


def spread(step: Callable[..., T], items: Iterable[tuple[Any, ...]], *, workers: int) -> Iterator[T]:
    """What `step(*item)` gives for each item, in the order of the items, made by several at once.

    Parameters
    ----------
    step : what is done; what all items share stands in it (`functools.partial`), and is sent once.
    items : arguments, each its own.
    workers : processes of this computer; 0 or less takes every processor. On a cluster all of its workers work.

    Raises
    ------
    ConfigError : the scheduler is gone, or a worker dies again and again of the same item.
    CausalError : of the step's own.
    """
    client = _client.get()
    given = list(items)
    if client is not None:
        yield from _on(client, step, given)
        return
    from joblib import Parallel, cpu_count, delayed

    jobs = max(min(workers if workers > 0 else cpu_count(), len(given)), 1)
    yield from Parallel(n_jobs=jobs, return_as="generator", batch_size=1)(delayed(step)(*item) for item in given)


def _on(client: Any, step: Callable[..., T], items: list[tuple[Any, ...]]) -> Iterator[T]:
    from concurrent.futures import CancelledError

    import cloudpickle

    distributed: Any = import_module("distributed")
    where = f"scheduler={client.scheduler.address if client.scheduler else '?'}"
    waiting: list[Any] = []
    try:
        # a task, so that it is made again where its worker dies; as bytes, which the scheduler does not open
        shared = client.submit(_thawed, cloudpickle.dumps(step), pure=False)
        waiting = [client.submit(_called, shared, item, pure=False) for item in items]
        while waiting:
            yield waiting[0].result()
            del waiting[0]
    except distributed.KilledWorker as problem:
        came = "workers that die, one after the other, of the same draw"
        raise refusal(ConfigError, where, "workers that live", came, "give each more memory") from problem
    except CausalError:
        raise
    except ModuleNotFoundError as problem:
        wanted = "workers on which every class of the study can be imported"
        raise refusal(ConfigError, where, wanted, f"one without the module {problem.name!r}", "put its folder on the workers' PYTHONPATH") from problem
    except (CancelledError, distributed.comm.CommClosedError, TimeoutError, OSError) as problem:
        why = (str(problem).strip().splitlines() or [type(problem).__name__])[0].rpartition(": ")[2]
        raise refusal(ConfigError, where, "a Dask scheduler that answers until all is done", f"one that no longer does ({why[:120]})", AGAIN) from problem
    finally:
        with suppress(Exception):
            client.cancel(waiting, force=True)


def _thawed(step: bytes) -> Any:
    import cloudpickle

    return cloudpickle.loads(step)


def _called(step: Callable[..., T], item: tuple[Any, ...]) -> T:
    return step(*item)


def _alike(client: Any, where: str) -> None:
    """Refuse a cluster without workers, with workers that have other versions than are installed here, or that make several draws in one process."""
    try:
        client.wait_for_workers(1, timeout=PATIENCE)
        threads: Mapping[str, int] = client.nthreads()
        found: dict[str, Any] = client.run(installed, on_error="return")
    except (OSError, TimeoutError) as problem:
        raise refusal(ConfigError, where, "a scheduler with workers", "none", "start some with  dask worker ADDRESS --nthreads 1") from problem
    try:
        found["the scheduler"] = client.run_on_scheduler(installed)
    except Exception as problem:  # whatever it raises there, the toolkit does not run there
        found["the scheduler"] = problem
    here = installed()
    for worker in sorted(found):
        there = found[worker]
        if isinstance(there, Exception):
            came = f"{worker}, which has none ({there})"
            raise refusal(ConfigError, where, "scheduler and workers with this toolkit", came, "install there what is installed here")
        if differ := [f"{name} {there.get(name)}, here {own}" for name, own in here.items() if there.get(name) != own]:
            more = f" and {count(len(differ) - 3, 'more')}" if len(differ) > 3 else ""
            came = f"{worker} with {'; '.join(differ[:3])}{more}"
            raise refusal(
                ConfigError,
                where,
                ALIKE,
                came,
                "install the same there",
            )
    if several := sorted(worker for worker, number in threads.items() if number != 1):
        remedy = "start them with  dask worker ADDRESS --nthreads 1 --nworkers N"
        raise refusal(ConfigError, where, "workers of one thread each, since threads of one process give other bits", several[0], remedy)


@contextmanager
def _quiet() -> Iterator[None]:
    """What goes wrong is said once, and by us."""
    logger = logging.getLogger("distributed")
    was = logger.level
    logger.setLevel(logging.CRITICAL + 1)
    try:
        yield
    finally:
        logger.setLevel(was)
