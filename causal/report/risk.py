"""Risk of bias, made from what ran: for each domain of ROBINS-I the checks behind it, what they found, and what was not looked at.

Sterne and others 2016, ROBINS-I: a tool for assessing risk of bias in non-randomised studies of interventions, asks after seven domains; its own grades (low,
moderate, serious, critical) are a reviewer's, so that none is given here: each domain has what a reviewer would want to know of this run. Beside them stand
the size of the error, the level of the Maryland scale that the design can give, and what the Magenta Book (revised May 2026) and its companion TIGER ask of
an evaluation, each with whether this run meets it. Records hold the codes; the sentences are made here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from causal.language import language_of
from causal.report.checks import states
from causal.report.phrases import sentence
from causal.verdict.rule import BIAS, SEES
from causal.verdict.say import comparison, usual
from causal.words import capital, count, crossed, listed, units

# domain → its name, and the shipped checks that speak of it; one that is not here goes by what it says it speaks of (its family)
DOMAINS: dict[str, tuple[str, tuple[str, ...]]] = {
    "confounding": (
        "Confounding",
        (
            *BIAS["dose"],
            "unmeasured_confounder",
            "honest_did",
            "matched_bounds",
            "simulated_confounder",
            "graph_falsification",
            "link",
            "density",
            "covariates_at_cutoff",
            "placebo_cutoffs",
            "series_placebo_dates",
            "comparison_series",
            "synthetic_dates",
            "covariate_balance",
            "switchers_before",
            "first_stage",
            "monotonicity",
        ),
    ),
    "selection": (
        "Selection of places into the study",
        ("overlap", "extrapolation", "leave_one_out", "data_subset", "leverage", "separation", "donut", "bandwidth_curve"),
    ),
    "classification": ("Classification of what was done", ("measurement_error", "recording_switches", "second_measure", "lag_length")),
    "deviations": ("Departures from what was to be done", ("spillover", "compliance", "carry_over")),
    "missing": ("Missing data", ("missing_outcomes", "attrition")),
    "outcome": ("Measurement of the outcome", ("rounding",)),
    "reporting": ("Choice of what is reported", ("specification_curve",)),
    "error": (
        "Size of the error (beside ROBINS-I)",
        ("placebo_treatment", "shared_shocks", "bootstrap", "few_clusters", "dummy_outcome", "random_common_cause", "series_residuals"),
    ),
}
BY_FAMILY = {
    "bias": "confounding",
    "sensitivity": "confounding",
    "graph": "confounding",
    "stability": "selection",
    "record": "classification",
    "inference": "error",
}
OF_ONE_DESIGN = {"compliance", "attrition", "carry_over", "lag_length"}  # where another design does not ask for them they are not missing
STATES = {
    "failed": "Something was found.",
    "passed": "Looked at; nothing was found.",
    "blind": "Looked at; nothing was found, but an effect of a size that matters could have been missed.",
    "unknown": "Not looked at.",
}
# what is asked of an evaluation → in words, and by whom (as docs/data.md has it)
MAGENTA, TIGER = "Magenta Book, May 2026", "TIGER"
ASKED: dict[str, tuple[str, tuple[str, ...]]] = {
    "protocol": ("a protocol fixed beforehand", (MAGENTA, TIGER)),
    "open_code": ("open code", (MAGENTA, TIGER)),
    "structured": ("structured reporting", (MAGENTA, TIGER)),
    "places": ("place-based evaluation", (MAGENTA,)),
    "money": ("value for money, with what cannot be put in money", (MAGENTA,)),
}
OF_DOMAIN = {"reporting": "protocol"}  # the requirement that a domain's risk hangs on
MET = {
    "met": "met",
    "partly": "met in part",
    "not_met": "not met",
    "elsewhere": "not in this report",
}
HEADS = ("Domain", "What was found", "Checks behind it", "Not checked", "Asked for by the Magenta Book (2026) and TIGER")


def risk(data: Mapping[str, Any]) -> dict[str, Any]:
    """The codes of a record: `domains`, `maryland` and `requirements`.

    Parameters
    ----------
    data : the record, of any schema that is read.
    """
    smallest, by_state = data["question"]["smallest_important"], states(data)
    families = {one["name"]: one.get("family") for one in data["refutations"]}
    blind = {one["name"] for one in data["refutations"] if one.get("blind_below") is not None and one["blind_below"] >= smallest}
    # of confounding the verdict trusts some looks alone to see what matters, and so does this table
    sighted = {one["name"] for one in data["refutations"] if one.get("role") in SEES and one.get("blind_below") is not None and one["blind_below"] < smallest}
    home = {name: domain for domain, (_, names) in DOMAINS.items() for name in names}
    place = {name: home.get(name) or BY_FAMILY.get(families.get(name) or "", "confounding") for names in by_state.values() for name in names}
    domains = []
    for domain in DOMAINS:
        mine = {state: [name for name in names if place[name] == domain] for state, names in by_state.items()}
        could_not = [name for name in mine["passed"] if name in blind]
        # where some say what they could have seen and none could have seen enough, the domain was looked at blindly
        unsighted = bool(could_not) and not any(name in sighted for name in mine["passed"])
        state = "failed" if mine["failed"] else "blind" if unsighted else "passed" if mine["passed"] else "unknown"
        absent = mine["not_run"] + [name for name in DOMAINS[domain][1] if name not in place and name not in OF_ONE_DESIGN and _owed(domain)]
        domains.append({"code": domain, "state": state, "passed": mine["passed"], "failed": mine["failed"], "blind": could_not, "missing": absent})
    return {"domains": domains, "maryland": data["verdict"].get("maryland"), "requirements": _requirements(data)}


def _owed(domain: str) -> bool:
    """Whether what a run did not ask for is named: of confounding the rule names what a design should have, and of the error many would do for one."""
    return domain not in ("confounding", "error", "selection")


def _requirements(data: Mapping[str, Any]) -> list[dict[str, str]]:
    given = data["provenance"]
    protocol = given.get("protocol")
    followed = None if not isinstance(protocol, Mapping) else not protocol.get("deviations")
    again = bool(given.get("commit") or given.get("code_digest")) and bool(given.get("command") or given.get("config"))
    made = {
        "protocol": "not_met" if followed is None else "met" if followed else "partly",
        "open_code": "met" if again else "partly",
        "structured": "met",
        "places": "met" if data["estimate"] and data["estimate"]["authorities"] > 1 else "not_met",
        "money": "elsewhere",
    }
    return [{"code": code, "state": state} for code, state in made.items()]


def shown(data: Mapping[str, Any]) -> dict[str, Any]:
    """The table in words, as pages and documents take it: `said`, `caption`, `heads`, `rows` and `asked` (a sentence for each requirement).

    Parameters
    ----------
    data : the record, with its codes where it has them.
    """
    codes, language = data.get("risk") or risk(data), language_of(data.get("language"))
    asks = {one["code"]: one["state"] for one in codes["requirements"]}
    rows = []
    for one in codes["domains"]:
        name = DOMAINS[one["code"]][0]
        rows.append((name, STATES[one["state"]], _behind(data, one), _names(one["missing"], language.check), _asked(OF_DOMAIN.get(one["code"]), asks)))
    level = codes["maryland"]
    design = comparison(data["verdict"].get("kind"), level, language) if level else language.reasons["none"]
    rows.append(("Kind of comparison (Maryland scale)", f"Level {level} of 5." if level else "None: there is no estimate.", sentence(design), "–", "–"))
    return {
        "said": "The domains are those of ROBINS-I (Sterne and others 2016). Its grades, from low to critical, are a reviewer's to give; here stands what ran.",
        "caption": "Risk of bias: what was looked at, what was found and what was not",
        "heads": HEADS,
        "rows": rows,
        "asked": [capital(f"{ASKED[code][0]} ({' and '.join(ASKED[code][1])}): {MET[state]}. {_how(data, code, state)}") for code, state in asks.items()],
    }


def _behind(data: Mapping[str, Any], one: Mapping[str, Any]) -> str:
    """Drift beforehand passed (blind below 5.4) …"""
    language = language_of(data.get("language"))
    below = {check["name"]: check.get("blind_below") for check in data["refutations"]}

    def passed(name: str) -> str:
        return f"{language.check(name)} (blind below {usual(below[name])})" if name in one["blind"] and below.get(name) is not None else language.check(name)

    said = [f"{capital(listed([language.check(name) for name in one['failed']]))}: {language.terms['failed']}."] if one["failed"] else []
    said += [f"{capital(listed([passed(name) for name in one['passed']]))}: {language.terms['passed']}."] if one["passed"] else []
    return " ".join(said) or "None."


def _names(names: Sequence[str], name: Any) -> str:
    return f"{capital(listed([name(one) for one in names]))}." if names else "–"


def _asked(code: str | None, asks: Mapping[str, str]) -> str:
    if code is None or code not in asks:
        return "–"
    what, who = ASKED[code]
    return capital(f"{what} ({' and '.join(who)}): {MET[asks[code]]}.")


def _how(data: Mapping[str, Any], code: str, state: str) -> str:
    """By what a requirement is met, or why it is not."""
    protocol = data["provenance"].get("protocol")
    if code == "protocol":
        if not isinstance(protocol, Mapping):
            return "Nothing says what was chosen before results were seen."
        number = len(protocol.get("deviations") or ())
        return f"{count(number, 'thing was', 'things were')} done otherwise." if number else "It was followed in everything."
    met, estimate = state == "met", data["estimate"]
    years, alone = data["source"]["years"], "unit" if crossed(data["source"]["years"]) else "authority"
    places = units(estimate["authorities"], years) if estimate else ""
    return {
        "open_code": "Command, configuration and the code's own digest stand on this page." if met else "What made this run is not recorded in full.",
        "structured": "This page and result.json, in one form for every run.",
        "places": f"{places}, with errors by {alone}." if met else "There is no estimate." if not estimate else "There is one place alone.",
        "money": "Costs are asked for by  causal decompose cost.",
    }[code]
