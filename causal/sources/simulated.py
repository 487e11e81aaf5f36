"""An England that never was: fictitious authorities whose every cause is known, so that an answer can be marked.

Each column is made by an equation that follows the arrows of `conf/graph/nao.yaml`,

    deprivation → grant dependence → spending power → centre budget → closures → (a year) → need
    need → referrals → section 47 → plans → (a year) → looked after

and the truth is what the same shocks give when closures are *set* rather than decided (Pearl 2009, *Causality*, ch. 7).
Shapes and sizes are those published for England; no row describes a real place.

In the default world closing half of the base-year centres, and keeping them closed, adds `effect` plans per 10,000 children `delay` years later:
most in deprived places, `effect` on average. Councils that lose most money close more, councils where poverty rises close less, and councils with much
lasting need close less, so a plain comparison hides the harm. Authority, year, deprivation × year, spending power and child poverty,
all in the panel and linear, are enough to undo that; the knobs add faults that they do not undo. Two choices keep the effect on one `delay`: need is noticed
in referrals only (the arrow need → section 47 carries nothing), and local trends are straight lines, so that it does not matter how old a control is.

How near 2018 comes, mean over 300 seeds (England in brackets):

    plans per 10,000     mean 49.4 (49.4)  sd 18.6 (19.0)   p5, p50, p95: 24, 47, 81 (23, 45, 87): the upper tail is too short
    referrals            mean 573 (573)    sd 182 (182)     318, 554, 886 (307, 540, 898)
    looked after         mean 70 (70)      sd 28 (28)       34, 65, 121 (33, 66, 124)
    children, thousands  mean 79.4 (78.7)  sd 57.5 (58.5)   29, 63, 182 (28, 60, 171)
    centre spend, £      mean 63 (64)      sd 49 (52)       10, 52, 149 (11, 52, 139)
    deprivation          mean 23.1 (23.1)  sd 8.0 (8.1)     10.0, 23.0, 36.2 (10.8, 23.2, 36.4)
    plans by fifth of deprivation          37, 44, 48, 53, 64 (39, 42, 48, 56, 62)
    correlation of plans with deprivation .51 (.48), referrals .60 (.55), centre spend .21 (.20)
    plans 2013-18: between authorities sd 15.3 (14.9), two-way residual sd 9.0 (9.1), its AR(1) .07 (.07)
    centre spend 2013-18: median −54 % (−53), cut by more than half in 58 % (half), correlation of the cut with deprivation −.01 (.02)
    closures: 16.5 % of centres by 2019 (16.1), the largest sixteen make 54 % (55), but 22 close more than half (16)
    spending power −23 % (−22 to −24), with grant dependence −.94 (−.94), which goes with deprivation .89 (.89)
    national plans per 10,000: 38.7 in 2011 (38.7), 45.4 in 2018 (45.5); section 47: 167 (168); referrals: 563 (555)

Sources: DfE, *Characteristics of children in need* 2011 to 2022, *Children looked after in England* and section 251 outturn; MHCLG, *English Indices of
Deprivation 2015* and local government finance settlements; HMRC, *Children in low-income families*; ONS mid-year population estimates; answers to
parliamentary questions on the number of children's centres, 2010 to 2019.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from causal.errors import ConfigError, refusal, suggest
from causal.panel import Panel, Variable
from causal.sources.borders import read_groups
from causal.sources.machinery import narrow
from causal.sources.machinery.naming import with_names
from causal.sources.machinery.world import BURN_IN, FIRST_YEAR, PLANS_PER_ENQUIRY, REFERRALS_PER_NEED, SHOCKS, World, bordering, rank

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from causal.question import Question

    Array = NDArray[np.float64]

RATE, MONEY, YOUNG = "per 10,000 children", "£ per child, 2017-18 prices", "£ per child aged 12 to 17, 2017-18 prices"
COLUMNS: tuple[tuple[str, str, str, str], ...] = (  # name, label, unit, equation
    ("deprivation", "deprivation (like the Index of Multiple Deprivation 2015)", "score", "authority"),
    ("grant_dependence", "share of 2010-11 spending power that came as grant", "share", "deprivation + authority"),
    ("children", "children aged 0 to 17", "children", "authority × steady growth"),
    ("child_poverty", "children in low-income families", "% of children", "deprivation + authority × time + year"),
    ("spending_power", "real spending power of the authority", "index, 2010-11 = 100", "year − (grant dependence + authority) × time"),
    (
        "centre_spending",
        "spending on children's centres, recorded",
        "share of 2010-11 spending per child",
        "1 − cut (year × authority + spending power − poverty − deprivation × year + children), with reporting switches",
    ),
    ("centre_spend_per_child", "spending on children's centres, recorded", MONEY, "level in 2010-11 × centre spending"),
    (
        "closures",
        "children's centres closed",
        "share of base-year centres",
        "the council's programme, once cuts to centres + lost spending power − poverty − deprivation × year pass what it tolerates",
    ),
    ("other_prevention", "other preventative spending", MONEY, "authority + year + deprivation + spending power"),
    ("referrals", "referrals to social care", RATE, "need (of this year or the last) + authority + deprivation + year"),
    ("section47", "section 47 enquiries", RATE, "referrals + lost spending power + authority + year"),
    ("plans", "children on protection plans", RATE, "section 47 − children + authority + year + count noise"),
    ("looked_after", "children looked after", RATE, "section 47 + last year's plans + authority + year"),
    ("unrelated", "children treated for broken bones", RATE, "what moves need, save closures, + lost spending power + authority"),
    ("need_at_31_march", "children in need at 31 March", RATE, "referrals + authority + year"),
    ("care_starts", "children who started to be looked after in the year", RATE, "section 47 + need + authority + year"),
    ("care_starts_1_4", "children aged 1 to 4 who started to be looked after in the year", RATE, "need + authority + year"),
    (
        "care_starts_16_17",
        "young people aged 16 and 17 who started to be looked after in the year",
        "per 100,000 aged 16 and 17",
        "need − last year's youth spending + authority + year",
    ),
    ("early_help_spend_per_child", "spending on early help", MONEY, "other preventative spending + what running it costs the authority in every year"),
    ("preventative_spend_per_child", "spending on prevention", MONEY, "other preventative spending + spending on centres, as it truly is"),
    (
        "prevention_share",
        "prevention's share of spending on children's services",
        "% of spending",
        "prevention ÷ (prevention + what safeguarding and care cost)",
    ),
    ("youth_spend_per_child_12_plus", "spending on services for young people", YOUNG, "year + authority + spending power + deprivation × year"),
    (
        "good_or_outstanding",
        "services rated good or outstanding when last inspected",
        "share of authorities",
        "last year's prevention + authority + deprivation, inspected each year",
    ),
)
LASTING = ("deprivation", "grant_dependence")
SPENDING = ("early_help_spend_per_child", "preventative_spend_per_child", "youth_spend_per_child_12_plus")
SETTABLE = ("closures", "centre_spending", "other_prevention", "child_poverty", "spending_power", *SPENDING)
OUTCOMES = (
    *("plans", "referrals", "section47", "looked_after", "unrelated", "need_at_31_march", "care_starts", "care_starts_1_4", "care_starts_16_17"),
    *("closures", "centre_spending", "other_prevention", "prevention_share", "good_or_outstanding", *SPENDING),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Truth:
    """What the planted world answers: outcome with the treatment at `treated` less at `control`, set before the first year and kept, same shocks.

    Parameters
    ----------
    ate : mean over authority-years, outcome units.
    att : mean over authority-years in which some centre has in fact closed; NaN if none has.
    child_weighted : mean over authority-years, weighted by children.
    by_fifth : mean in each fifth of authorities, least deprived first.
    words : the same as a sentence.
    """

    ate: float
    att: float
    child_weighted: float
    by_fifth: tuple[float, float, float, float, float]
    words: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Simulated(World):
    """A panel of fictitious authorities with a planted effect: what an analyst would get of a `World`, and its truth.

    Parameters
    ----------
    effect, delay, … : as the world has them.
    first_year, last_year, keep_regions, break_at : the part of the panel to keep, and a break at which every authority starts anew (`machinery.narrow`); the
        world and its planted truth stay those of all years and authorities.
    borders : whether the panel says who borders whom on the world's made-up map.
    groups : CSV file of two columns, an authority's code and a group of one's own, or None.

    Raises
    ------
    ConfigError : a knob out of its range.
    """

    first_year: int | None = None
    last_year: int | None = None
    keep_regions: str | Sequence[str] | None = ()
    break_at: int | None = None
    borders: bool = False
    groups: str | None = None

    def __post_init__(self) -> None:
        World.__post_init__(self)  # no super(): a slotted dataclass is made twice
        if not isinstance(self.borders, bool):
            raise refusal(
                ConfigError, "source.borders", "true (a made-up map) or false", repr(self.borders), "write  source.borders=true  for simulated authorities"
            )
        object.__setattr__(self, "keep_regions", narrow.checked(self.keep_regions, self.first_year, self.last_year, self.break_at))

    def load(self) -> Panel:
        """The panel as an analyst would get it: rates never below 0, spending as recorded, need left out."""
        world = self.drawn({})
        kept = slice(BURN_IN, BURN_IN + self.years)
        share, per_child = self.recorded(world)
        world |= {"centre_spending": share, "centre_spend_per_child": per_child, "good_or_outstanding": world["rated"]}
        columns = {}
        for name, _, unit, _ in COLUMNS:
            values = np.tile(world[name], (self.years, 1)) if name in LASTING else world[name][kept]
            columns[name] = (np.maximum(values, 0) if unit.startswith("per 10") else values).T.ravel()
        places = _places(self.authorities)
        index = pd.MultiIndex.from_product([places.index, range(FIRST_YEAR, FIRST_YEAR + self.years)], names=["authority", "year"])

        def switches(name: str) -> bool:
            return bool(self.switches) and name.startswith("centre_spend")

        variables = tuple(
            with_names(
                Variable(
                    name=name,
                    label=label,
                    unit=unit,
                    source=f"simulated: {equation}",
                    varies="authority" if name in LASTING else "both",
                    count_per=10_000.0 if unit == RATE else None,
                    caution="centre spending as recorded: some authorities switch how they report it" if switches(name) else "",
                    remedy="Ask of closures (experiment=closures): a closed centre is recorded as it is, without switches" if switches(name) else "",
                    unmoved="bones break and are mended whatever a council does for children" if name == "unrelated" else "",
                )
            )
            for name, label, unit, equation in COLUMNS
        )
        panel = Panel(
            frame=pd.DataFrame(columns, index=index),
            variables=variables,
            places=places.copy(),
            title="simulated England-like panel",
            population="children",
            simulated=True,
            borders=tuple((str(places.index[a]), str(places.index[b])) for a, b in bordering(self.authorities)) if self.borders else None,
            planted=self._planted(),
            notes=(
                "SIMULATED: every authority, region and number is made up; nothing here is evidence about a real place.",
                "Centre spending is the recorded one: some authorities switch how they report it, or report zero.",
                "Need is a cause of the outcomes that no column holds, as in life.",
            ),
        )
        if self.groups is not None:
            found = read_groups(str(self.groups), {str(code): str(code) for code in places.index})
            panel = replace(panel, places=panel.places.assign(group=[found.get(str(code), "") for code in places.index]))
        return narrow.narrow(panel, keep_regions=self.keep_regions, first_year=self.first_year, last_year=self.last_year, break_at=self.break_at)

    def truth(self, question: Question) -> Truth:
        """The answer to `question` in this world: the same shocks with the treatment at both levels, from before the first year on.

        Raises
        ------
        ConfigError : a treatment that cannot be set or an outcome that this world does not have; a lag that does not fit into its years.
        """
        for name, known in ((question.treatment, SETTABLE), (question.outcome, OUTCOMES)):
            if name not in known:
                raise refusal(
                    ConfigError,
                    "source.truth",
                    "a treatment and an outcome of which the simulated world has a truth",
                    f"{question.treatment!r} → {question.outcome!r}",
                    suggest(name, known),
                )
        if not 0 <= question.lag < self.years:
            raise refusal(
                ConfigError,
                "question.lag",
                f"0 to {self.years - 1} years in this simulated world",
                repr(question.lag),
                "write one of them, or simulate more years",
            )
        fact, treated, control = (self.drawn(do) for do in ({}, {question.treatment: question.treated}, {question.treatment: question.control}))
        after = slice(BURN_IN + question.lag, BURN_IN + self.years)
        effect = treated[question.outcome][after] - control[question.outcome][after]
        closed = fact["closures"][BURN_IN : BURN_IN + self.years - question.lag] > 0
        fifth = (rank(fact["deprivation"]) * 5).astype(int)
        ate = float(effect.mean())
        return Truth(
            ate=ate,
            att=float(effect[closed].mean()) if closed.any() else math.nan,
            child_weighted=float(np.average(effect, weights=fact["children"][after])),
            by_fifth=tuple(float(effect[:, fifth == k].mean()) for k in range(5)),  # type: ignore[arg-type]
            words=f"{question.treatment} at {question.treated:g} instead of {question.control:g}, kept so from before the first year, "
            f"changes {question.outcome} by {ate:+.2f} on average (simulated)",
        )

    def expected(self, outcome: str) -> pd.DataFrame:
        """What an outcome would be without chance, and how much chance moves it, for the panel's own authorities and years.

        Returns
        -------
        cells : index as the panel's; `usual`, the outcome with every shock and count noise at 0 and closures as they were; `noise`, the variance of
            what those add.

        Raises
        ------
        ConfigError : an outcome, or a world, whose noise is not known in closed form.
        """
        if outcome not in ("referrals", "section47", "plans"):
            raise refusal(ConfigError, "the variance of chance", "referrals, section47 or plans, for which it is known", repr(outcome), "ask for one of them")
        if self.carryover or self.feedback:
            raise refusal(
                ConfigError,
                "the variance of chance",
                "no carryover and no feedback, since it is then known in closed form",
                f"carryover ({self.carryover:g}) and feedback ({self.feedback:g})",
                "set both to 0",
            )
        world = self.drawn({}, quiet=True)
        kept = slice(BURN_IN, BURN_IN + self.years)
        parts = [part for part, _ in SHOCKS.values()]
        shares = {"referrals": sum(parts[:2]) * REFERRALS_PER_NEED**2, "section47": sum(parts[:3]) / PLANS_PER_ENQUIRY**2, "plans": sum(parts)}
        noise_variance = shares[outcome] * world["spread"] ** 2 + (world["poisson"] if outcome == "plans" else 0.0)
        index = pd.MultiIndex.from_product([_places(self.authorities).index, range(FIRST_YEAR, FIRST_YEAR + self.years)], names=["authority", "year"])
        return pd.DataFrame({"usual": world[outcome][kept].T.ravel(), "noise": np.repeat(noise_variance, self.years)}, index=index)

    def _planted(self) -> dict[str, Any]:
        clean = {"carryover": 0.0, "unobserved_confounding": 0.0, "pre_trend": 0.0, "feedback": 0.0, "anticipation": 0.0, "spillover": 0.0}
        main = ("effect", "delay", "heterogeneity", "observed_confounding", "authority_confounding", "switches", "seed")
        faults = {name: getattr(self, name) for name, none in clean.items() if getattr(self, name) != none}
        words = (
            f"closing half of the base-year centres and keeping them closed changes plans by {self.effect:+g} per 10,000 children {self.delay} "
            f"year{'s' if self.delay > 1 else ''} later, on average over authorities"
            + (f"; faults planted too: {', '.join(f'{name} {value:g}' for name, value in faults.items())}" if faults else "")
        )
        return {name: getattr(self, name) for name in main} | faults | {"words": words}


@lru_cache(maxsize=8)
def _places(authorities: int) -> pd.DataFrame:
    """Invented names, spread over nine invented regions; the same whatever the seed."""
    stems = "Aldrun Bexil Corvan Dunmar Eskel Fenno Gorsal Hathrin Ithel Jorvan Kelvar Lorrim Morvan Nethril Ostrel Pellan Quarrin Rusmer Selvan Tavrin"
    ends = "wick ford stead holt mouth combe bridge moor ness thorpe gate fell march well haven"
    words = ", North, South, East, West, Great, Little, Upper, Lower, Old, New, High, Long, Far, Near, Broad, Fair"
    plain = [stem + end for stem, end in product(stems.split(), ends.split())]
    plain = [plain[k] for k in np.random.default_rng(0).permutation(len(plain))]
    names = [f"{word} {name}".strip() for word, name in product(words.split(", "), plain)][:authorities]
    regions = ["Ashmere Vale", "Brendal Coast", "Cundren Hills", "Dorvale", "Elmarch", "Farrowen", "Glimmerdale", "Harnfell", "Isenwold"]
    codes = [f"S{k:0{max(3, len(str(authorities)))}d}" for k in range(1, authorities + 1)]
    attributes = {"name": names, "region": [regions[k % 9] for k in range(authorities)]}
    return pd.DataFrame(attributes, index=pd.Index(codes, name="authority"), dtype=str)
