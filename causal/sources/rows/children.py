"""Children that never were: as many rows as wanted, which add up to a simulated panel's rates to within half a child in each authority and year.

Each authority-year gets its share of children; of these, as many are on a plan as the panel's rate says, and younger children more often. A first try of
`source=rows`, and what its tests and benchmarks are made of.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from causal.errors import ConfigError, refusal
from causal.knobs import whole_number
from causal.panel import Panel
from causal.sources.simulated import Simulated

if TYPE_CHECKING:
    import pandas as pd

BANDS = ("0-4", "5-9", "10-15", "16-17")
SHARES, RISKS = (0.29, 0.28, 0.32, 0.11), (1.5, 1.1, 0.8, 0.4)  # of children in each band, and how much likelier they are to be on a plan
PLACES = ("closures", "spending_power", "child_poverty", "deprivation")
AT_ONCE = 500_000  # rows held in memory while a file is written


@dataclass(frozen=True, slots=True, kw_only=True)
class Children:
    """Rows of simulated children.

    Parameters
    ----------
    world : whose panel they add up to.
    children : how many in all, about.
    missing : share of rows that lack an age band, and of rows that lack the outcome.
    seed : of who is on a plan.
    """

    world: Simulated = field(default_factory=Simulated)
    children: int = 200_000
    missing: float = 0.0
    seed: int = 2019

    def __post_init__(self) -> None:
        whole_number("children", self.children, 1000)
        if isinstance(self.missing, bool) or not isinstance(self.missing, int | float) or not 0 <= self.missing < 1:
            raise refusal(ConfigError, "missing", "a share from 0 to below 1", repr(self.missing), "write  missing=0.05")

    def table(self) -> pd.DataFrame:
        """All rows: authority, name, region, year, age_band, sex, need_score, weight, plans (0 or 1), contacts (a count), and columns of the place."""
        import pandas as pd

        return pd.concat(self._pieces(), ignore_index=True)

    def write(self, path: str | Path) -> Path:
        """Write the rows, piece by piece, as the ending says: .parquet or .csv.

        Parameters
        ----------
        path : the file; it is written over.
        """
        import pyarrow as pa
        import pyarrow.csv
        import pyarrow.parquet

        path = Path(path)
        writer: Any = None
        for piece in self._pieces():
            table = pa.Table.from_pandas(piece, preserve_index=False)
            if writer is None:
                make = pa.csv.CSVWriter if path.suffix == ".csv" else pa.parquet.ParquetWriter
                writer = make(str(path), table.schema)
            writer.write_table(table)
        writer.close()
        return path

    def _pieces(self) -> Iterator[pd.DataFrame]:
        import pandas as pd

        panel: Panel = self.world.load()
        frame, rng = panel.frame, np.random.default_rng([self.seed, 8])
        sizes = np.maximum(np.rint(frame["children"] * self.children / frame["children"].sum()).to_numpy(dtype=int), 8)
        names, regions = (panel.places[key].astype(str).to_dict() for key in ("name", "region"))
        values = {name: frame[name].to_numpy(dtype=float) for name in (*PLACES, "plans", "referrals")}
        authorities, years = frame.index.get_level_values("authority").astype(str), frame.index.get_level_values("year").to_numpy(dtype=int)
        bands, sexes, risks = np.array(BANDS, dtype=object), np.array(["f", "m"], dtype=object), np.array(RISKS)
        made: list[pd.DataFrame] = []
        held = 0
        for at, (authority, size) in enumerate(zip(authorities, sizes.tolist(), strict=True)):
            band = np.searchsorted(np.cumsum(SHARES), rng.random(size) * sum(SHARES), side="right")
            need = rng.normal(0, 1, size) + 0.02 * (values["child_poverty"][at] - 20)
            plans = np.zeros(size)
            # the likelier ones first, by one draw each (Efraimidis & Spirakis 2006, Weighted random sampling with a reservoir)
            keys = rng.exponential(size=size) / (risks[band] * np.exp(0.3 * need))
            plans[np.argsort(keys)[: round(values["plans"][at] / 10_000 * size)]] = 1.0
            age = bands[band]
            if self.missing:
                age = np.where(rng.random(size) < self.missing, None, age)
                plans = np.where(rng.random(size) < self.missing, np.nan, plans)
            one = pd.DataFrame(
                {
                    "authority": authority,
                    "name": names[authority],
                    "region": regions[authority],
                    "year": years[at],
                    "age_band": age,
                    "sex": sexes[(rng.random(size) < 0.51).astype(int)],
                    "need_score": need,
                    "weight": rng.uniform(0.5, 1.5, size),
                    "plans": plans,
                    "contacts": rng.poisson(values["referrals"][at] / 1_000 * np.exp(0.2 * need)).astype(float),
                    **{name: values[name][at] for name in PLACES},
                }
            )
            made.append(one)
            held += size
            if held >= AT_ONCE:
                yield pd.concat(made, ignore_index=True)
                made, held = [], 0
        if made:
            yield pd.concat(made, ignore_index=True)
