"""Shift-share instruments: national shocks that hit authorities by how exposed they are.

The instrument is Σₖ exposureₖ × shockₖ: the share of its income an authority drew from a grant, times how much that grant was cut that year. The
exposures are the graph's instruments; the shocks are given by year, or are the treatment's mean over all other authorities.

One national series is one shock, however many authorities there are. What is then compared is more with less exposed authorities over the years, a
difference-in-differences by exposure, which stands or falls with what else differs between them (Goldsmith-Pinkham, Sorkin & Swift 2020, Bartik
instruments: what, when, why, and how): the errors are clustered by authority, and balance and pre-trends are reported. With many shocks,
authorities of like exposure share their errors, and the error must be summed by shock (Adão, Kolesár & Morales 2019, Shift-share designs: theory and
inference; Borusyak, Hull & Jaravel 2022, Quasi-experimental shift-share research designs, whose shock-level regression it is). Below 20 effective
shocks, 1 / Σ of squared mean shares, that error is refused.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import ClassVar, Literal

import numpy as np

from causal.arrays import Floats
from causal.declared import Columns
from causal.design import Design
from causal.errors import ConfigError, DesignError, EstimationError, refusal, suggest
from causal.estimand import DesignFacts, Estimand, compared
from causal.estimate import Estimate
from causal.estimators import serve
from causal.estimators.machinery.stages import anderson_rubin, answered, check_instruments, effective_f, instrumented, varying
from causal.graph import undated
from causal.inference.clustered import Fit, clustered_least_squares, interval
from causal.needs import INSTRUMENT, Need
from causal.regression import without_interval
from causal.rows import Control

Error = Literal["auto", "exposure", "authority"]
ERRORS = ("auto", "exposure", "authority")
FEWEST_SHOCKS = 20.0
TELLING = 0.5  # share of the exposure told by other lasting causes, beyond which it is close to them


@dataclass(frozen=True, slots=True, kw_only=True)
class ShiftShare:
    """Two-stage least squares with exposure × shock, within what the design absorbs.

    Parameters
    ----------
    instruments : names of the exposures, of the graph's instruments; None takes all that are valid with what is conditioned on.
    shocks : exposure → {year of the treatment: shock}; empty: one national series, the treatment's mean over the other authorities.
    error : "exposure" (summed by shock; refused below 20 effective shocks), "authority", or "auto", the first where it may be.
    """

    instruments: Columns | None = None
    shocks: Mapping[str, Mapping[int, float]] = field(default_factory=dict)
    error: Error = "auto"
    needs: ClassVar[tuple[Need, ...]] = (INSTRUMENT,)
    answers: ClassVar[tuple[str, ...]] = ("ATE", "weights")
    targets: ClassVar[str] = "ATE, of those whom the shocks move, weighted by exposure (and question.weights)"
    costs: ClassVar[str] = "milliseconds"
    quick: ClassVar[bool] = True
    strategy: ClassVar[str] = "iv"

    def __post_init__(self) -> None:
        check_instruments(self, self.instruments)
        if self.error not in ERRORS:
            raise refusal(ConfigError, "error", f"one of {', '.join(ERRORS)}", repr(self.error), "write one of them")
        plain: dict[str, dict[int, float]] = {}
        given: object = self.shocks
        if not isinstance(given, Mapping):
            raise refusal(ConfigError, "shocks", "exposure: {year: shock}", repr(given), "write  estimator.shocks={grant: {2012: -1.5}}")
        for name, series in given.items():
            if not isinstance(series, Mapping) or not series:
                raise refusal(ConfigError, f"shocks.{name}", "{year: shock}", repr(series), "write  {2012: -1.5, 2013: -2.0}")
            try:
                plain[str(name)] = {int(year): float(shock) for year, shock in series.items()}
            except (TypeError, ValueError):
                raise refusal(ConfigError, f"shocks.{name}", "have whole years and numbers", repr(dict(series)), "write  {2012: -1.5, 2013: -2.0}") from None
            if not np.isfinite(list(plain[str(name)].values())).all():
                raise refusal(ConfigError, f"shocks.{name}", "finite numbers", repr(dict(series)), "leave out a year whose shock is not known")
        object.__setattr__(self, "shocks", plain)

    @property
    def name(self) -> str:
        """Its name on the shelf."""
        return "shift_share"

    def estimate(self, design: Design, rng: np.random.Generator) -> Estimate:
        """Answer the design's question.

        Parameters
        ----------
        design : with measured exposures among its columns.
        rng : draws the joint critical values of effects by group.

        Raises
        ------
        DesignError : the graph has no measured exposure, a shock is missing, or the exposure-robust error is asked for with too few shocks.
        EstimationError : the instrument does not vary within what is conditioned on.
        """
        serve(self, design)
        used, names, shares = instrumented(design, self.instruments)
        shocks = self._shocks(used, names)
        effective = _effective(shares) if self.shocks else 1.0
        if self.error == "exposure" and effective < FEWEST_SHOCKS:
            raise refusal(
                DesignError,
                "shift_share",
                f"many shocks for the exposure-robust error, at least {FEWEST_SHOCKS:g} effective ones",
                f"{effective:.1f}",
                "cluster by authority with  estimator.error=authority  and read it as a difference-in-differences by exposure",
            )
        robust = self.error != "authority" and effective >= FEWEST_SHOCKS
        used = _with_sums(used, shares)
        instrument = (shares * shocks).sum(axis=1)
        one = "one national series: a difference-in-differences by exposure" if not self.shocks else f"{len(names)} series of shocks"
        concerns = _concerns(used, names, shares, effective, robust)
        lead = _pre_trend(used, instrument)
        if lead is not None and lead < 0.05:
            concerns += (f"next year's instrument tells this year's outcome (p {lead:.2g}): more exposed authorities were already going another way",)
        made = answered(
            self.name,
            design,
            used,
            instrument[:, None],
            Estimand(
                family="exposed",
                comparison=compared(used),
                population="movers",
                weighting="instrument_variance",
                instruments=names,
                model="shift-share",
            ),
            rng,
            facts=DesignFacts(shocks=effective),
            diagnostics={
                "shocks": float(len(names)) if self.shocks else 1.0,
                "share of the exposure told by lasting causes": _balance(used, shares),
                "effective F without controls by year": _without_by_year(used, instrument),
                "p of next year's instrument (pre-trend)": lead,
            },
            concerns=concerns,
            notes=(f"The instrument is exposure × shock: {one}; {effective:.1f} effective shocks.",),
        )
        return _by_shock(made, design, used, shares, shocks, instrument, effective) if robust else made

    def _shocks(self, design: Design, names: tuple[str, ...]) -> Floats:
        """Each row's shock for each exposure, shape (rows, exposures)."""
        when = design.year - design.question.lag
        if not self.shocks:
            at = np.unique(design.year, return_inverse=True)[1]
            sums, counts = np.bincount(at, weights=design.treatment), np.bincount(at)
            others = (sums[at] - design.treatment) / np.maximum(counts[at] - 1, 1)
            return np.repeat(others[:, None], len(names), axis=1)
        found = []
        for name in names:
            series = self.shocks.get(name, self.shocks.get(undated(name)[0]))
            if series is None:
                raise refusal(DesignError, "shift_share", f"a series of shocks for the exposure {name!r}", "none", suggest(name, self.shocks))
            missing = sorted(set(when.tolist()) - set(series))
            if missing:
                raise refusal(
                    DesignError,
                    f"shift_share: shocks.{name}",
                    f"a shock of {', '.join(map(str, missing))}",
                    f"none; it has {min(series)} to {max(series)}",
                    "add what is missing",
                )
            found.append(np.array([series[int(year)] for year in when]))
        return np.column_stack(found)


def _effective(shares: Floats) -> float:
    """Effective number of shocks: 1 / Σ squared mean shares (Borusyak and others 2022, section 4)."""
    mean = np.abs(shares).sum(axis=0)
    mean = mean / mean.sum()
    return float(1 / (mean**2).sum())


def _with_sums(design: Design, shares: Floats) -> Design:
    """The design with the sum of shares × year held fixed, where several shares do not add to the same everywhere."""
    total = shares.sum(axis=1)
    if shares.shape[1] < 2 or np.ptp(total) <= 1e-9 * np.abs(total).max():
        return design
    years = design.years
    columns = total[:, None] * (design.year[:, None] == years)
    at = design.controls.shape[1]
    return replace(
        design,
        controls=np.column_stack([design.controls, columns]),
        control_names=(*design.control_names, *(f"sum of exposures × {year}" for year in years)),
        control_groups={**design.control_groups, Control("sum of exposures", by_year=True, made=True): tuple(range(at, at + len(years)))},
    )


def _concerns(design: Design, names: tuple[str, ...], shares: Floats, effective: float, robust: bool) -> tuple[str, ...]:
    said: list[str] = []
    if not robust and effective < FEWEST_SHOCKS:
        said.append(
            f"{effective:.1f} effective shocks are too few for an error by shock: all else that hit more exposed authorities in those years is in the estimate"
        )
    by_year = [group for group in design.control_groups if group.by_year and not group.made]
    if effective < FEWEST_SHOCKS and not by_year:
        said.append("no lasting cause (deprivation) × year is held fixed, and exposure to national cuts goes with deprivation")
    balance_r2 = _balance(design, shares)
    if balance_r2 is not None and balance_r2 > TELLING:
        said.append(f"{balance_r2:.0%} of the exposure ({', '.join(names)}) is told by the other lasting causes in the graph")
    return tuple(said)


def _balance(design: Design, shares: Floats) -> float | None:
    """Largest R² between authorities of an exposure on the constant causes that the graph asks for; None where there are none."""
    if not design.time_invariant.shape[1]:
        return None
    counts = np.bincount(design.authority)[:, None]

    def mean(matrix: Floats) -> Floats:
        return np.column_stack([np.bincount(design.authority, weights=column) for column in matrix.T]) / counts

    on = np.column_stack([np.ones(len(counts)), mean(design.time_invariant)])
    of = mean(shares)
    residual = of - on @ np.linalg.lstsq(on, of, rcond=None)[0]
    spread = ((of - of.mean(axis=0)) ** 2).sum(axis=0)
    return float((1 - (residual**2).sum(axis=0) / np.where(spread > 0, spread, np.inf)).max()) if (spread > 0).any() else None


def _without_by_year(design: Design, instrument: Floats) -> float | None:
    """The effective F if causes by year were not held fixed; None where there are none."""
    by_year = {at for group, columns in design.control_groups.items() if group.by_year for at in columns}
    if not by_year:
        return None
    kept = [at for at in range(design.controls.shape[1]) if at not in by_year]
    bare = replace(design, controls=design.controls[:, kept], control_names=(), control_groups={})
    basis = bare.basis()
    try:
        z = varying(bare, basis, instrument[:, None])
    except EstimationError:
        return None
    f, _ = effective_f(z, bare.partial_out(bare.treatment[:, None], basis)[:, 0], bare.cluster, len(bare.clusters))
    return f if np.isfinite(f) else None


def _pre_trend(design: Design, instrument: Floats) -> float | None:
    """p-value of next year's instrument beside this year's in the reduced form; None where it cannot be told."""
    follows = np.flatnonzero((np.diff(design.authority) == 0) & (np.diff(design.year) == 1))
    try:
        now = design.subset(follows)
        basis = now.basis()
        both = np.column_stack([varying(now, basis, column[:, None]) for column in (instrument[follows + 1], instrument[follows])])
        fit = clustered_least_squares(
            now.partial_out(now.outcome[:, None], basis)[:, 0],
            both,
            now.nuisance_basis(basis),
            now.cluster,
            len(now.clusters),
            absorbed_rank=basis.shape[1] + ("authority" not in now.absorb),
            row_count=now.row_count,
        )
    except (DesignError, EstimationError):
        return None
    return interval(float(fit.coefficients[0]), float(fit.std_errors[0]), 0.95, float(fit.df[0]))[2]


def _by_shock(made: Estimate, design: Design, used: Design, shares: Floats, shocks: Floats, instrument: Floats, effective: float) -> Estimate:
    """The estimate with the exposure-robust error, clustered by exposure over years, and its Anderson–Rubin set; t(effective shocks − 1).

    Shocks lose year means and, where authorities are absorbed, each exposure's own mean, weighted by total shares: what the rows' controls hold
    fixed of the instrument. The moments are then Σₜ g̃ₖₜ Σᵢ sᵢₖₜ (y − b x)ᵢₜ, one for each exposure k.
    """
    basis, question = used.basis(), used.question
    outcome, treatment, z = (used.partial_out(column[:, None], basis)[:, 0] for column in (used.outcome, used.treatment, instrument))
    years, at = np.unique(used.year, return_inverse=True)
    k, root = shares.shape[1], used.root_weights
    weight = np.zeros((len(years), k))
    np.add.at(weight, at, shares * root[:, None] ** 2)
    series = np.array([shocks[np.flatnonzero(at == t)[0]] for t in range(len(years))])
    dummies = [np.repeat(np.eye(len(years)), k, axis=0)] if "year" in used.absorb else [np.ones((len(years) * k, 1))]
    dummies += [np.tile(np.eye(k), (len(years), 1))] if "authority" in used.absorb else []
    dummies_matrix, scale = np.column_stack(dummies), np.sqrt(np.abs(weight)).ravel()
    slope = np.linalg.lstsq(dummies_matrix * scale[:, None], series.ravel() * scale, rcond=None)[0]
    residual = (series.ravel() - dummies_matrix @ slope).reshape(len(years), k)
    loads = residual[at] * shares * root[:, None]  # columns that have lost what is conditioned on carry one root already
    reduced, first = (np.asarray((loads * column[:, None]).sum(axis=0)) for column in (outcome, treatment))
    slope_size = float(z @ treatment)
    b = float(z @ outcome) / slope_size
    factor = np.sqrt(k / (k - 1))
    moments = factor * (loads * (outcome - b * treatment)[:, None]).sum(axis=0)
    error = float(np.sqrt((moments**2).sum()) / abs(slope_size))
    df = effective - 1
    fits = [
        Fit(coefficients=np.array([part.sum()]), scores=factor * part[:, None], df=np.array([df]), residuals=np.zeros(0), inference="exposure")
        for part in (reduced, first)
    ]
    pieces, p_value = anderson_rubin(fits[0], fits[1], question.level, b, error)
    parts = tuple(replace(part, std_error=None, lower=None, upper=None, joint_lower=None, joint_upper=None) for part in made.parts)
    words = f"Anderson–Rubin set, exposure-robust (errors summed by exposure, {effective:.0f} effective shocks)"
    found = replace(
        made,
        std_error=error * abs(question.contrast),
        df=df,
        p_value=p_value,
        influence=None,
        parts=parts,
        inference=words,
        diagnostics={**made.diagnostics, "clustered by authority: standard error": made.std_error},
    )
    if len(pieces) != 1 or not np.isfinite(pieces[0]).all():
        return without_interval(found, "the exposure-robust Anderson–Rubin set is unbounded, as the shocks are too weak; cannot tell", "weak_instruments")
    lower, upper = sorted(end * question.contrast for end in pieces[0])
    return replace(found, lower=lower, upper=upper)
