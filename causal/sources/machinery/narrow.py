"""Part of a panel: some years, some regions, or a break at which every place starts anew; the same three choices for every source.

A break (the covid years from 2020, say) makes two places of each authority, one before and one since: what lasts about a place is then taken off in each,
nothing lagged reaches across, and errors still move together within the authority. It costs the rows whose lags would cross, and what varies only between.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pandas as pd

from causal.errors import ConfigError, DataError, NotMeasured, refusal, suggest
from causal.panel import Loss, Panel

SPELLED = {"yorkshire and the humber": "yorkshire and humber", "east of england": "east", "inner london": "london", "outer london": "london"}


def checked(keep_regions: Sequence[str] | str | None, first_year: int | None, last_year: int | None, break_at: int | None = None) -> tuple[str, ...]:
    """The regions asked for, each once; years and break are whole numbers in order.

    Parameters
    ----------
    keep_regions : names; one text is one name, None and none are all regions.
    first_year, last_year, break_at : years, None where not asked for.

    Raises
    ------
    ConfigError : one is not.
    """
    for key, value in (("first_year", first_year), ("last_year", last_year), ("break_at", break_at)):
        if value is not None and (isinstance(value, bool) or not isinstance(value, int)):
            raise refusal(ConfigError, f"source.{key}", "a year such as 2018 (or null)", repr(value), f"write  source.{key}=2018")
    if first_year is not None and last_year is not None and first_year > last_year:
        raise refusal(ConfigError, "source.first_year", f"a year that is not after source.last_year, {last_year}", f"{first_year}", "put them in order")
    asked = (keep_regions,) if isinstance(keep_regions, str) else tuple(keep_regions or ())
    if any(not isinstance(one, str) or not one.strip() for one in asked):
        raise refusal(ConfigError, "source.keep_regions", "a list of regions, like [London, North East]", repr(keep_regions), "write a list")
    return tuple(dict.fromkeys(asked))


def narrow(
    panel: Panel, *, keep_regions: Sequence[str] | None = (), first_year: int | None = None, last_year: int | None = None, break_at: int | None = None
) -> Panel:
    """The rows of some regions and years, with every authority in two from a break on; what is left out goes to the log.

    Parameters
    ----------
    panel : authorities × years.
    keep_regions : names or codes of regions, as `places` has them, in any case; none: all.
    first_year, last_year : years to keep, both included; None: from the first, to the last.
    break_at : the first year of the second place that each authority is; None: no break.

    Raises
    ------
    DataError : the panel has no regions; nothing is left.
    ConfigError : it has no such region; a break outside of its years.
    """
    if keep_regions:
        panel = _in_regions(panel, keep_regions)
    panel = _in_years(panel, first_year, last_year)
    return panel if break_at is None else _broken(panel, break_at)


def _in_regions(panel: Panel, asked: Sequence[str]) -> Panel:
    if "region" not in panel.places or not panel.places["region"].astype(bool).any():
        raise refusal(
            DataError,
            "source.keep_regions",
            "a panel that says in which region a place is",
            "one that does not",
            "name its column with  source.region,  or leave keep_regions out",
        )
    known: dict[str, str] = {}
    for column in ("region", "region_code"):
        if column in panel.places:
            known |= {_plain(str(said)): str(region) for said, region in zip(panel.places[column], panel.places["region"], strict=True) if said}
    for one in asked:
        if _plain(one) not in known:
            raise refusal(ConfigError, "source.keep_regions", "regions that there are", repr(one), suggest(one, sorted(set(known.values()))))
    wanted = {known[_plain(one)] for one in asked}
    inside = panel.places.index[panel.places["region"].isin(wanted)]
    kept = panel.subset(authorities=inside)
    gone = [one for one in panel.authorities if one not in set(inside)]
    if not gone:
        return kept
    loss = Loss(step=f"regions other than {', '.join(sorted(wanted))} left out", rows=len(panel.frame) - len(kept.frame), authorities=tuple(gone))
    return replace(kept, places=panel.places.loc[list(kept.authorities)], log=(*panel.log, loss))


def _in_years(panel: Panel, first: int | None, last: int | None) -> Panel:
    low, high = (first if first is not None else panel.years[0]), (last if last is not None else panel.years[-1])
    if low <= panel.years[0] and high >= panel.years[-1]:
        return panel
    years = [year for year in panel.years if low <= year <= high]
    if not years:
        raise refusal(
            DataError,
            "source.first_year and source.last_year",
            f"a year of the panel, {panel.years[0]} to {panel.years[-1]}, between them",
            f"{low} to {high}",
            "choose others",
        )
    kept = panel.subset(years=years)
    left = [one for one in panel.authorities if one not in set(kept.authorities)]
    step = f"years before {low} and after {high} left out" if low > panel.years[0] and high < panel.years[-1] else ""
    step = step or (f"years before {low} left out" if low > panel.years[0] else f"years after {high} left out")
    loss = Loss(step=step, rows=len(panel.frame) - len(kept.frame), authorities=tuple(left))
    return replace(kept, places=panel.places.loc[list(kept.authorities)] if len(panel.places) else panel.places, log=(*panel.log, loss))


def _broken(panel: Panel, at: int) -> Panel:
    if not panel.years[0] < at <= panel.years[-1]:
        raise refusal(
            NotMeasured if at > panel.years[-1] else ConfigError,  # a record that ends before it lacks what was asked of it
            "source.break_at",
            f"a year from {panel.years[0] + 1} to {panel.years[-1]}, after which the panel goes on",
            f"{at}",
            "choose one of them",
        )
    since = {name: f"{name} from {at}" for name in panel.authorities}
    index = panel.frame.index
    names = [since[name] if year >= at else name for name, year in index]
    frame = panel.frame.set_axis(pd.MultiIndex.from_arrays([names, index.get_level_values("year")], names=index.names)).sort_index()
    reasons = panel.reasons
    if len(reasons):
        name, year, variable = (reasons.index.get_level_values(i) for i in range(3))
        renamed = [since[one] if when >= at else one for one, when in zip(name, year, strict=True)]
        reasons = reasons.set_axis(pd.MultiIndex.from_arrays([renamed, year, variable], names=reasons.index.names)).sort_index()
    places = panel.places if len(panel.places) else pd.DataFrame(index=pd.Index(panel.authorities))
    # neighbours are so on both sides of the break
    borders = None if panel.borders is None else (*panel.borders, *((since[one], since[other]) for one, other in panel.borders))
    cluster = panel.clusters(list(places.index))
    places = places.assign(cluster=cluster.to_numpy())
    both = pd.concat([places, places.rename(index=since)])
    there = frame.index.unique("authority")
    note = f"from {at} on every place counts as another, with effects of its own (source.break_at); nothing lagged reaches across; clustered by place"
    return replace(panel, frame=frame, reasons=reasons, places=both.loc[there], borders=borders, notes=(*panel.notes, note))


def _plain(region: str) -> str:
    words = " ".join(region.lower().replace("&", "and").split())
    return SPELLED.get(words, words)
