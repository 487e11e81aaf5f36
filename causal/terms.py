"""Words of the trade, each in a sentence for whoever reads an answer and one for whoever makes it."""

from __future__ import annotations

# term → (for readers, for evaluators)
TERMS: dict[str, tuple[str, str]] = {
    "estimand": (
        "Exactly what is estimated: the effect of what, on what, on whom.",
        "Two estimators may differ because their estimands do; compare groups by them.",
    ),
    "ATE": ("The average effect on everybody.", "Average treatment effect; with fixed effects it is weighted by how far the treatment moves within a place."),
    "ATT": ("The average effect on those who had it.", "Average effect on the treated; what staggered adoption answers."),
    "confounder": (
        "Something that moves both what was done and the outcome, and so fakes an effect.",
        "Draw it with arrows to both; the graph then asks for it to be held.",
    ),
    "mediator": ("A step on the way from what was done to the outcome.", "Never held in a total effect: holding it takes away part of the answer."),
    "collider": ("Something that both sides move.", "Holding it makes a link where there is none; the run says so if it is forced."),
    "instrument": (
        "Something that moves what was done and has no other road to the outcome.",
        "two_stage_least_squares uses it; a weak one gives an Anderson-Rubin set that may be unbounded.",
    ),
    "back door": ("A road by which treatment and outcome go together without an effect.", "Closed by the adjustment set that explain prints (Pearl 2009)."),
    "identification": (
        "Whether the question can be answered at all, if the graph is right.",
        "Decided from the graph before any outcome is looked at; 'not identified' is a finding, not a fault.",
    ),
    "fixed effects": (
        "Each place is compared with itself, and each year with itself.",
        "authority and year absorbed; assumes that the two add up, and that the outcome does not drive later treatment.",
    ),
    "staggered adoption": (
        "Places took it up in different years.",
        "Two-way fixed effects then compare waves with one another; callaway_santanna, imputation or sun_abraham do not (Goodman-Bacon 2021).",
    ),
    "parallel trends": (
        "Without it, the places that had it would have gone as the others did.",
        "pre_trend looks at the years before; honest_did says how wrong it may be.",
    ),
    "event study": ("The effect year by year, before and after.", "estimator=event_study, with a joint test of the years before."),
    "placebo": ("The same sum where nothing can have happened.", "placebo_treatment tests inference alone; placebo_dates and negative controls look for bias."),
    "negative control": (
        "An outcome that it cannot have moved, and that shares the causes.",
        "refuters.negative_control_outcome.outcomes=[…]; one that does not share the hidden cause passes too.",
    ),
    "refuter": ("A check that tries to break the answer.", "Each says what it detects, what it cannot, and the smallest bias that it could have seen."),
    "interval": (
        "The range of effects that fit these data.",
        "By authority: rows of one place are not independent (cluster-robust, CR2 below 50 effective clusters).",
    ),
    "cluster": ("Places whose ups and downs go together.", "source.cluster; each authority by itself where nothing is said. Errors count clusters, not rows."),
    "certainty": ("How far to trust the answer, from very low to high.", "Starts from the design and loses a step for each kind of concern."),
    "smallest important effect": (
        "The size from which a change would matter to a decision, set before results.",
        "question.smallest_important, with its reason in question.because; money, policy or spread can set it (causal new works all three out).",
    ),
    "minimum detectable effect": ("The smallest effect that a study like this usually finds.", "At 80 % power; explain --save prints it before results."),
    "overlap": (
        "Whether there are comparable places of both kinds.",
        "Where there are none, the answer rests on a formula; see the checks overlap and extrapolation.",
    ),
    "robustness value": (
        "How strong an unseen cause would have to be to explain it away.",
        "unmeasured_confounder (Cinelli & Hazlett 2020), benchmarked on measured causes.",
    ),
    "dose": ("A treatment of more or less, not of yes or no.", "fixed_effects draws a line through it; continuous_did compares with places whose dose stayed."),
    "panel": ("The same places, year after year.", "One row for each authority and year."),
    "cross-section": ("Places at one time.", "No place can be compared with itself: all rests on what is adjusted for."),
    "exposure": ("How many people could have been counted.", "poisson_fixed_effects takes source.population so; a rate has it inside."),
    "lag": ("Years from what was done to the outcome.", "question.lag."),
    "stock and flow": (
        "How many there are on one day, and how many come in a year.",
        "Never mix the two in one contrast: plans at 31 March are a stock, plans started a flow.",
    ),
}
