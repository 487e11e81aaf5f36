"""The equations of the simulated England: every variable of every authority and year, from knobs and shocks, by the arrows of `conf/graph/nao.yaml`.

What is *set* (`do`) stays at its number for all years, and every shock is as it was (Pearl 2009, Causality, ch. 7). Series are those published for England.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from numbers import Integral, Real
from typing import TYPE_CHECKING, Any
from zlib import crc32

import numpy as np

from causal.errors import ConfigError, refusal

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]

FIRST_YEAR = 2011  # financial years are named by the year they end in
BURN_IN = 8  # years before the first: shocks and carried-over plans settle, and "kept closed from before" has a before

# England, years ending March 2011 to 2019, flat before and after. Rates per 10,000 children: published counts over children aged 0 to 17.
PLANS = (38.7, 38.4, 38.3, 42.4, 43.2, 43.4, 43.6, 45.5, 43.9)
SECTION_47 = (101, 111, 112, 125, 139, 148, 158, 168, 168)
REFERRALS = (557, 540, 523, 575, 551, 534, 550, 555, 546)
LOOKED_AFTER = (59, 59, 60, 60, 60, 60, 62, 64, 65)
SPENDING_POWER = (100, 95.5, 92, 88.5, 85, 82, 79.5, 77, 76)  # real, 2010-11 = 100; this and the next three stylised
CHILD_POVERTY = (20.6, 20.1, 18.6, 18.0, 19.0, 17.5, 16.8, 17.8, 18.2)  # % in low-income families
CENTRE_CUT = (0, 0.10, 0.19, 0.27, 0.36, 0.45, 0.52, 0.61, 0.64)  # share of 2010-11 centre spending gone, real, per child
PREVENTION = (185, 160, 165, 160, 155, 150, 145, 139, 140)  # £ per child, other than on centres
CLOSED = (0, 0.004, 0.012, 0.022, 0.04, 0.09, 0.12, 0.145, 0.16)  # share of 3,631 centres: 585 by March 2019
IN_NEED = (338, 330, 327, 344, 339, 339, 335, 342, 336)  # at 31 March
CARE_STARTS_16_17 = (300, 320, 340, 420, 455, 480, 515, 540, 610)  # per 100,000 aged 16 and 17, mean of authorities
CARE_STARTS = (24.2, 24.9, 25.4, 26.6, 27.0, 27.4, 27.7, 27.0, 26.6)
YOUTH = (330, 245, 228, 200, 175, 148, 126, 117, 112)  # £ per child aged 12 to 17
STATUTORY = (435, 440, 455, 475, 490, 505, 525, 555, 585)  # £ per child on safeguarding and care
PRESSURE = (0, -0.06, -0.01, 0.02, 0.12, 0.36, 0.51, 0.64, 0.74)  # tuned until mean closures follow CLOSED

# How much one thing moves the next. A plan needs about 11.6 referrals and 3.4 enquiries, so a unit of need (a plan to come) brings as many.
ENQUIRIES_PER_REFERRAL = 0.294
PLANS_PER_ENQUIRY = 0.294
REFERRALS_PER_NEED = 1 / (ENQUIRIES_PER_REFERRAL * PLANS_PER_ENQUIRY)
# Where along the chain the shocks to plans enter (shares of their variance), and what one of each is worth in plans.
YOUTH_EFFECT = 0.19  # entries to care at 16 and 17, per 100,000, that £1 less per child aged 12 to 17 adds (Bennett and others 2021: 1.9 for £10)
RATING = math.log(1.69) / 100  # log odds of a good rating that £1 of prevention per child adds (Webb, Bennett & Bywaters 2022: +69 % for £100)
SHOCKS = {"need": (0.35, 1.0), "referrals": (0.25, 1 / REFERRALS_PER_NEED), "section47": (0.2, PLANS_PER_ENQUIRY), "plans": (0.2, 1.0)}


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """Fictitious authorities whose every cause is known: the knobs, and the equations in turn.

    Parameters
    ----------
    effect : plans per 10,000 children that closing half of the base-year centres adds, mean over authorities; linear in closures.
        The default, 6, is about four standard errors of the fixed-effects estimate: most panels can see it, not all.
    delay : years from closures to plans, 1 or 2. Closures reach need a year later; need is noticed in the same year (1) or the next (2).
    carryover : share of last year's plans, above the usual level of the place, that is still there; above 0 the effect builds up
        to effect ÷ (1 − carryover) and earlier closures matter too.
    heterogeneity : the effect in the most deprived fifth of authorities is (1 + heterogeneity) × `effect`, in the least deprived
        (1 − heterogeneity) ×, linear in the rank of deprivation; the mean over authorities stays `effect`.
    observed_confounding : multiplies what spending power, child poverty and deprivation × year do to centre budgets and closures
        (what they do to need and enquiries stays); 0: closing owes nothing to them.
    authority_confounding : lasting need and readiness to close correlate at −0.6 × this; fixed effects remove it.
    unobserved_confounding : plans per 10,000 that a local crisis adds from the year after on. A crisis strikes a third of authorities in a
        random year, lasts, makes closing likelier whatever this knob is, and no column holds it. Fixed effects are then too high.
    pre_trend : plans per 10,000 a year by which authorities that will have closed half of their centres (others in proportion) drift
        up from the first year on, whatever is closed. Fixed effects are then too high.
    feedback : a year with plans 10 per 10,000 above the place's usual raises pressure by `feedback` × 0.5, that is
        the chance that its council has acted by the year after. Strict exogeneity fails, and fixed effects are too low.
    anticipation : plans per 10,000 more in the one year before half of the centres close (in proportion), as staff leave early.
        Fixed effects are then too low.
    prevention_effect : plans per 10,000 that £100 less of other preventative spending per child adds, `delay` − 1 years later.
    spillover : plans per 10,000 that closing half of the centres of all bordering places adds, as late as the own do; who borders whom is told by
        `bordering`. The truth of a question is then that of all places closing, neighbours included. (fault)
    shock_persistence : yearly autocorrelation of the shocks to need, referrals, enquiries and plans (count noise has none).
    switches : expected share of authorities whose recorded centre spending has a reporting switch or zeros (36 of 148 in England: 0.243).
        True spending, and so closures, do not notice.
    authorities, years : how many; years count from the year ending March 2011.
    seed : of every draw. Each equation has its own stream, so no knob moves another's draws.

    Raises
    ------
    ConfigError : a knob out of its range.
    """

    effect: float = 6.0
    delay: int = 2
    carryover: float = 0.0
    heterogeneity: float = 0.5
    observed_confounding: float = 1.0
    authority_confounding: float = 1.0
    unobserved_confounding: float = 0.0
    pre_trend: float = 0.0
    feedback: float = 0.0
    anticipation: float = 0.0
    prevention_effect: float = 2.0
    spillover: float = 0.0
    shock_persistence: float = 0.4
    switches: float = 0.243
    authorities: int = 150
    years: int = 9
    seed: int = 2019

    def __post_init__(self) -> None:
        whole = {"delay": (1, 2), "authorities": (10, 5_000), "years": (4, 50), "seed": (0, 2**63)}
        ranges = {"carryover": (0, 0.9), "shock_persistence": (0, 0.95), "switches": (0, 1), "authority_confounding": (-1.6, 1.6)}
        for knob in fields(World):
            value: Any = getattr(self, knob.name)
            wanted = "a whole number" if knob.name in whole else "a finite number"
            low, high = (whole | ranges).get(knob.name, (-1e6, 1e6))
            fits = isinstance(value, Integral if knob.name in whole else Real) and not isinstance(value, bool)
            if not fits or not low <= getattr(self, knob.name) <= high:
                raise refusal(ConfigError, f"simulated.{knob.name}", f"{wanted} from {low:g} to {high:g}", repr(value), "write one within these bounds")
            object.__setattr__(self, knob.name, int(getattr(self, knob.name)) if knob.name in whole else float(getattr(self, knob.name)))

    def stream(self, equation: str) -> np.random.Generator:
        """The random stream of one equation."""
        return np.random.default_rng([self.seed, crc32(equation.encode())])

    def drawn(self, do: Mapping[str, float], *, quiet: bool = False) -> dict[str, Array]:
        """Every variable as it truly is, burn-in and one planned year included; shape (years, authorities), or (authorities,) if lasting.

        Parameters
        ----------
        do : variable → the number that it is set to in all years; every shock stays as it was.
        quiet : takes the shocks to outcomes and the count noise out.
        """
        n = self.authorities
        calendar = np.arange(FIRST_YEAR - BURN_IN, FIRST_YEAR + self.years + 1)[:, None]
        rows = len(calendar)
        since = np.maximum(calendar - FIRST_YEAR, 0)
        grown = since / 7  # 1 in 2018
        begun = since > 0

        def england(series: tuple[float, ...], lag: int = 0) -> Array:
            return np.interp(calendar - lag, np.arange(FIRST_YEAR, FIRST_YEAR + len(series)), series)

        def put(name: str, value: Array) -> Array:
            return np.full_like(value, do[name]) if name in do else value

        # Places, their children, poverty and money. Local trends are straight lines, so a control a year or two older carries them whole.
        deprivation = np.clip(23.1 + 8.1 * self.stream("deprivation").standard_normal(n), 5, 48)
        deprived = (deprivation - 23.1) / 8.1
        grant = np.clip(0.55 + 0.13 * (0.89 * deprived + 0.456 * self.stream("grant_dependence").standard_normal(n)), 0.05, 0.95)
        rng = self.stream("children")
        size = 14_400 + 45_000 * np.exp(0.78 * (0.98 * rng.standard_normal(n) - 0.2 * deprived))
        children = size * (1 + (0.0077 + 0.004 * rng.standard_normal(n)) * since)
        crowd = children / 1_000 - 75 * (1 + 0.0077 * since)
        rng = self.stream("child_poverty")
        usual_poverty, drift = 5 * (0.85 * deprived + 0.53 * rng.standard_normal(n)), 3 * rng.standard_normal(n)
        poverty_year, wobble = england(CHILD_POVERTY), 0.1 * rng.standard_normal((rows, n))
        poverty = put("child_poverty", np.maximum(poverty_year + usual_poverty + drift * grown + wobble * begun, 1))
        rising = poverty - poverty_year - usual_poverty
        rng = self.stream("spending_power")
        lost_more = 47 * (grant - 0.55) + 2.2 * rng.standard_normal(n)
        money_year, wobble = england(SPENDING_POWER), 0.1 * rng.standard_normal((rows, n))
        money = put("spending_power", money_year - lost_more * grown + wobble * begun)
        lost = money_year - money

        # Budgets. Deprivation's pull keeps centres where it is highest and offsets the money that deprived places lose.
        seen = self.observed_confounding
        rng = self.stream("centre_spending")
        taste, yearly = rng.standard_normal(n), _persistent(rng.standard_normal((rows, n)), 0.6)
        squeeze = lost - 5.4 * deprived * grown
        cut = england(CENTRE_CUT) * (1 + 0.22 * taste + 0.12 * yearly) + seen * (0.006 * squeeze - 0.01 * rising) + 0.5 * (children / size - 1 - 0.0077 * since)
        centre = put("centre_spending", np.clip(1 - cut * begun, 0.03, 1.5))
        rng = self.stream("other_prevention")
        usual_prevention, yearly = 55 * _skewed(rng.standard_normal(n), 0.6) + 32 * deprived, _persistent(rng.standard_normal((rows, n)), 0.6)
        prevention_year = england(PREVENTION)
        prevention = np.maximum(prevention_year + usual_prevention - 2 * lost + 15 * yearly, 10)
        running = 40 * np.exp(0.3 * self.stream("early_help").standard_normal(n))
        pounds = self._centre_level(deprivation)
        if "early_help_spend_per_child" in do:
            prevention = np.full_like(prevention, do["early_help_spend_per_child"]) - running
        if "preventative_spend_per_child" in do:
            prevention = do["preventative_spend_per_child"] - centre * pounds
        prevention = put("other_prevention", prevention)

        # Who closes: each council has one programme, whose size (politics, how many centres there were) is very unequal, and carries it out
        # once pressure has passed what it tolerates. A local crisis makes the programme larger and brings it nearer.
        rng = self.stream("crisis")
        crisis = np.where((rng.random(n) < 1 / 3) & (since > np.floor(7 * rng.random(n))), 1.0, 0.0)
        lasting = self.stream("authority").standard_normal(n)
        rng = self.stream("closures")
        tie = -0.6 * self.authority_confounding
        programme = _share(1.6 * (tie * lasting + math.sqrt(1 - tie**2) * rng.standard_normal(n)) - 1.95 + 1.1 * crisis)
        tolerance, luck = rng.random(n) * (1.2 - 0.6 * programme), 0.05 * _persistent(rng.standard_normal((rows, n)), 0.8)
        budget = 1 - centre - england(CENTRE_CUT)
        pressure = england(PRESSURE) + 0.8 * budget + seen * (0.02 * squeeze - 0.08 * rising) + 0.3 * (crisis - np.minimum(grown, 1) / 3) + luck

        def decided(pressure: Array, t: int | slice = slice(None)) -> Array:
            return np.where((pressure > tolerance[t]) & begun[t], programme[t], 0.0)

        planned = np.maximum.accumulate(decided(pressure), axis=0)
        if "closures" in do:
            planned = np.full_like(planned, do["closures"])

        # Need, counted in the plans it will come to; and the services' lasting habits. Where many are referred, more are screened out.
        lasting_need = 6.5 * _skewed(lasting, 1.1) + 1 * deprived + 1 * (deprived**2 - 1)
        hardship = lasting_need + 0.05 * deprived * since + 1.2 * (poverty - poverty_year) - self.prevention_effect / 100 * (prevention - prevention_year)
        habit = {name: self.stream(f"{name}: places").standard_normal(n) for name in ("referrals", "section47", "plans", "looked_after", "unrelated")}
        refers = 100 * _skewed(habit["referrals"], 0.5) + 10 * deprived
        enquires = 16 * _skewed(habit["section47"], 0.6) - 1.2 * ENQUIRIES_PER_REFERRAL * refers
        accepts = 6 * _skewed(habit["plans"], 1.2)
        needs = lasting_need + 1.2 * usual_poverty - 0.02 * usual_prevention
        usual = needs + PLANS_PER_ENQUIRY * (enquires + ENQUIRIES_PER_REFERRAL * refers) + accepts - 0.07 * (size / 1000 - 75)

        # Shocks. After two-way demeaning the variance of plans is near the published 48 + 5.7 × Poisson; of which one Poisson is the counting.
        # Sizes come from the usual level, so that a shock is the same whatever is set.
        level = np.maximum(45 + usual, 20)
        poisson = 10_000 * level / size
        spread = np.sqrt(55 * (level / 48) ** 2 + 6.2 * poisson)
        shock = {
            name: spread * math.sqrt(part) / worth * _persistent(self.stream(f"{name}: shocks").standard_normal((rows, n)), self.shock_persistence)
            for name, (part, worth) in SHOCKS.items()
        }
        count = np.sqrt(poisson) * self.stream("plans: count").standard_normal((rows, n))
        care = 5 * _persistent(self.stream("looked_after: shocks").standard_normal((rows, n)), 0.8)
        for noise in (*shock.values(), count, care) if quiet else ():
            noise *= 0
        injured = 6 * _persistent(self.stream("unrelated: shocks").standard_normal((rows, n)), self.shock_persistence)

        # Faults reach need so that they show in plans in the year they are told of.
        late = self.delay - 1
        will_close = (self.drawn({})["planned"] if do and self.pre_trend else planned)[-2]
        faults = self.pre_trend * 2 * will_close * np.maximum(calendar + late - FIRST_YEAR, 0)
        faults[: -1 - late] += self.anticipation * 2 * np.diff(planned, axis=0)[late:]
        shared = hardship + self.unobserved_confounding * np.vstack([crisis[:1], crisis[:-1]])

        # Years in turn: closures, need, and the chain of services.
        multiplier = 1 + self.heterogeneity * 2.5 * (rank(deprivation) - 0.5)
        # Means over authorities lie above the nation's rates, since large authorities have low ones; the default effect's part is taken off.
        plans_year, section47_year = 1.085 * england(PLANS) - 8 * england(CLOSED, 2), england(SECTION_47)
        referrals_year = 1.033 * england(REFERRALS) - 90 * england(CLOSED, 2)
        closures, need, referrals, section47, plans = (np.zeros((rows, n)) for _ in range(5))
        near = neighbours(n) if self.spillover else None
        for t in range(rows):
            last = max(t - 1, 0)
            above = plans[last] - plans_year[last] - usual if t else np.zeros(n)
            closures[t] = put("closures", np.maximum(closures[last], decided(pressure[t] + self.feedback * 0.05 * above, t)))
            need[t] = shared[t] + faults[t] + 2 * self.effect * multiplier * closures[last] + shock["need"][t]
            if near is not None:
                need[t] += 2 * self.spillover * (near @ closures[last])
            noticed = need[max(t - late, 0)]
            referrals[t] = referrals_year[t] + refers + REFERRALS_PER_NEED * noticed + shock["referrals"][t]
            section47[t] = section47_year[t] + enquires + ENQUIRIES_PER_REFERRAL * (referrals[t] - referrals_year[t]) + 1.7 * lost[t] + shock["section47"][t]
            plans[t] = plans_year[t] + accepts - 0.07 * crowd[t] + PLANS_PER_ENQUIRY * (section47[t] - section47_year[t]) + shock["plans"][t] + count[t]
            plans[t] += self.carryover * above
        earlier = np.vstack([plans[:1] - plans_year[:1], (plans - plans_year)[:-1]])
        looked_after = 1.09 * england(LOOKED_AFTER) + 25 * _skewed(habit["looked_after"], 0.55) + 0.15 * (section47 - section47_year) + 0.3 * earlier + care
        unrelated = 110 + 12 * habit["unrelated"] + shared + 0.5 * lost + injured

        # What else such files hold: children in need, entries to care by age, the return of spending, and the inspectors' ratings.
        def services(name: str, places: float, skew: float, shocks: float) -> Array:
            """What is lasting about a place and what passes, outcome units."""
            rng = self.stream(name)
            lasting, passing = rng.standard_normal(n), rng.standard_normal((rows, n))
            return np.asarray(places * _skewed(lasting, skew) + shocks * _persistent(passing, self.shock_persistence))

        youth = england(YOUTH) * np.exp(0.35 * self.stream("youth: places").standard_normal(n)) - 1.5 * lost - 4 * deprived * grown
        youth = put("youth_spend_per_child_12_plus", np.maximum(youth + 25 * _persistent(self.stream("youth").standard_normal((rows, n)), 0.6), 0))
        youth_before = np.vstack([youth[:1], youth[:-1]])
        preventative = prevention + centre * pounds
        before = np.vstack([preventative[:1], preventative[:-1]])
        expected = 1 / (1 + np.exp(-(RATING * (before - 220) - 0.5 - 0.3 * deprived + 0.8 * self.stream("rating: places").standard_normal(n))))
        in_need = 1.06 * england(IN_NEED) + services("need_at_31_march", 85, 0.4, 18) + 0.4 * (referrals - referrals_year)
        grave, enquired = need - 8 * england(CLOSED, 2), section47 - section47_year
        care_starts = 1.06 * england(CARE_STARTS) + services("care_starts", 8, 0.5, 3.5) + 0.08 * enquired + 0.1 * grave
        young = england(CARE_STARTS_16_17) + services("care_starts_16_17", 130, 0.6, 40) + 0.5 * grave - YOUTH_EFFECT * (youth_before - england(YOUTH, 1))
        statutory = england(STATUTORY) * np.exp(0.2 * self.stream("statutory").standard_normal(n)) + 2 * (looked_after - 1.09 * england(LOOKED_AFTER))
        return {
            "need_at_31_march": in_need,
            "care_starts": care_starts,
            "care_starts_1_4": 5.6 + services("care_starts_1_4", 2, 0.5, 1.2) + 0.04 * shared,
            "care_starts_16_17": young,
            "early_help_spend_per_child": prevention + running,
            "preventative_spend_per_child": preventative,
            "prevention_share": 100 * preventative / (preventative + np.maximum(statutory, 100)),
            "youth_spend_per_child_12_plus": youth,
            "good_or_outstanding": expected,
            "rated": (self.stream("rating").random((rows, n)) < expected).astype(float),
            "deprivation": deprivation,
            "grant_dependence": grant,
            "children": children,
            "child_poverty": poverty,
            "spending_power": money,
            "centre_spending": centre,
            "closures": closures,
            "planned": planned,
            "other_prevention": prevention,
            "need": need,
            "referrals": referrals,
            "section47": section47,
            "plans": plans,
            "looked_after": looked_after,
            "unrelated": unrelated,
            "spread": spread,
            "poisson": poisson,
        }

    def recorded(self, world: Mapping[str, Array]) -> tuple[Array, Array]:
        """Centre spending as published, share remaining and £ per child: with reporting switches and spells of zeros."""
        n = self.authorities
        true = world["centre_spending"]
        rng = self.stream("switches")
        struck, zero, up = rng.random(n) < self.switches, rng.random(n) < 0.4, rng.random(n) < 0.25
        starts, lasts, size = 2 + np.floor((self.years - 2) * rng.random(n)), rng.integers(1, 3, n), rng.uniform(0.7, 1.2, n)
        year = np.arange(len(true))[:, None] - BURN_IN
        factor = np.where(year >= starts, np.exp(np.where(up, size, -size)), 1.0)
        factor = np.where(zero, np.where((year >= starts) & (year < starts + lasts), 0.0, 1.0), factor)
        share = true * np.where(struck, factor, 1.0)
        return share, share * self._centre_level(world["deprivation"])

    def _centre_level(self, deprivation: Array) -> Array:
        """£ per child on centres in 2010-11."""
        return np.asarray(
            168 * np.exp(0.33 * self.stream("centre_spend_per_child").standard_normal(self.authorities) + 0.3 * (deprivation - 23.1) / 8.1 - 0.12)
        )


REGIONS, ACROSS = 9, 4  # regions, and places of a region that lie side by side


def bordering(authorities: int) -> list[tuple[int, int]]:
    """Pairs of authorities that share a border, on a made-up map: the places of each region lie in rows of four, and regions touch along a ring.

    The last authority is an island.

    Parameters
    ----------
    authorities : how many; authority k is of region k mod 9.
    """
    pairs = []
    for k in range(authorities - 1):
        at = k // REGIONS
        if (at + 1) % ACROSS:
            pairs.append((k, k + REGIONS))
        pairs.append((k, k + ACROSS * REGIONS))
        if at % ACROSS == 0:
            pairs.append((k, k - k % REGIONS + (k + 1) % REGIONS))
    return sorted({(min(pair), max(pair)) for pair in pairs if max(pair) < authorities - 1})


def neighbours(authorities: int) -> Array:
    """Each authority's equal shares in the mean of those that border it, shape (authorities, authorities); an island has none.

    Parameters
    ----------
    authorities : how many.
    """
    shares = np.zeros((authorities, authorities))
    for a, b in bordering(authorities):
        shares[a, b] = shares[b, a] = 1.0
    return np.asarray(shares / np.maximum(shares.sum(axis=1, keepdims=True), 1.0))


def _persistent(shocks: Array, persistence: float) -> Array:
    """A stationary first-order autoregression down the years, standard deviation 1, from independent standard normal shocks."""
    out = shocks.copy()
    for t in range(1, len(out)):
        out[t] = persistence * out[t - 1] + math.sqrt(1 - persistence**2) * shocks[t]
    return out


def _share(normal: Array) -> Array:
    """Normal draws brought between 0 and 1 by the normal distribution function, near enough (Bowling and others 2009)."""
    return np.asarray(1 / (1 + np.exp(-1.5976 * normal - 0.07056 * normal**3)))


def _skewed(normal: Array, skew: float) -> Array:
    """Standard normal draws made lognormal, with mean 0 and standard deviation 1: a few places lie far above the rest."""
    scale = math.exp(skew**2 / 2)
    return (np.exp(skew * normal) - scale) / (scale * math.sqrt(math.exp(skew**2) - 1))


def rank(values: Array) -> Array:
    """Mid-ranks between 0 and 1."""
    return (np.argsort(np.argsort(values, kind="stable"), kind="stable") + 0.5) / len(values)
