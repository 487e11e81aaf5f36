"""A study in words before any outcome is looked at: question, graph, estimand, adjustment, design, assumptions."""

from __future__ import annotations

from causal.analysis import Analysis, analyse
from causal.errors import CausalError
from causal.estimate import Estimator
from causal.estimators import able
from causal.needs import answers, averages
from causal.panel import Panel
from causal.proposal import CANNOT, SHAPES, proposal
from causal.protocol import blinded
from causal.refute import Refuter
from causal.study import Study, must_have
from causal.trial import Setting
from causal.verdict.rule import KINDS
from causal.words import count, counted_rows, crossed, over_years, years_later


def explanation(study: Study) -> str:
    """The text of `causal explain`; which outcome cells are missing is read, their values are not.

    Raises
    ------
    CausalError : the input cannot be used.
    """
    question, graph, panel = study.question, study.graph, study.source.load()
    must_have(study, panel)
    panel = blinded(panel, question.outcome)
    lines = [study.title, "", "Question"]
    lines += [
        f"  {study.action}: what does it do to {question.outcome} {years_later(question.lag)}?",
        f"  treatment {question.treatment} from {question.control:g} to {question.treated:g}; target {question.target}; level {question.level:.0%}",
        f"  smallest effect that matters: {question.smallest_important:g} ({question.because})",
        f"  the {question.harm} is the harm" if question.harm else "  no direction is called harm (question.harm), so the answer speaks of rise and fall alone",
        "",
        f"Data: {panel.title}{' (SIMULATED)' if panel.simulated else ''}, {extent(panel)}",
    ]
    lines += [f"  {v.name}: {v.label}, {v.unit} ({v.source})" for v in panel.variables if v.name in {n.name for n in graph.nodes}]
    lines += ["", f"Graph {graph.name!r}: {count(len(graph.nodes), 'node')}, {count(len(graph.arrows), 'arrow')}"]
    for arrow in graph.arrows:
        extra = (f" [{count(arrow.lag, 'year')} later]" if arrow.lag else "") + (" [by year]" if arrow.by_year else "")
        lines.append(f"  {arrow.cause} -> {arrow.effect}{extra}: {arrow.because}")
    analysis = analyse(panel, question, graph, estimator=study.estimator, adjust_for=study.adjust_for)
    identification = analysis.identification
    lines += ["", "Identification", f"  strategies: {', '.join(identification.strategies) or 'none'}"]
    if identification.identified:
        lines.append(f"  adjust for: {', '.join(identification.adjust_for) or 'nothing'} ({identification.chosen_because})")
        lines += ["  minimal sets:"] + [f"    {', '.join(one) or 'nothing'}" for one in identification.minimal]
        lines.append(f"  {count(len(identification.valid), 'valid set')}" + ("" if identification.exhaustive else ", not all listed"))
        lines += [f"  instrument: {i.name} given {', '.join(i.given) or 'nothing'}" for i in identification.instruments]
    else:
        lines.append(f"  NOT IDENTIFIED: {identification.chosen_because}")
        if identification.blocked_by:
            lines.append(f"  it would take: {', '.join(identification.blocked_by)}")
    lines += [f"  ! {warning}" for warning in identification.warnings]
    lines += ["", "Assumptions"] + [f"  - {sentence}" for sentence in identification.assumptions]
    if identification.identified:
        design = analysis.must("")
        lines += [
            "",
            "Design",
            f"  {design.rows:,} rows, {count(len(design.authorities), 'authority', 'authorities')}, years {over_years(design.years.tolist())}"
            if not crossed(design.years.tolist())
            else f"  {counted_rows(design.rows, (0,))}, one row each",
        ]
        lines += [f"  {sentence}" for sentence in design.words]
        for loss in design.lost:
            named = f" (all of {', '.join(panel.places['name'].get(a, a) for a in loss.authorities[:8])}{' …' if len(loss.authorities) > 8 else ''})"
            lines.append(f"  left out: {loss.step}: {count(loss.rows, 'row')}{named if loss.authorities else ''}")
        offer = proposal(design, study.estimator, blind=True)
        lines += ["", f"Estimators that suit {question.treatment} ({SHAPES[offer.shape]})", *(f"  {one.words}" for one in offer.proposed)]
        others = [name for name in able(design) if name not in {study.estimator.name, *(one.estimator for one in offer.proposed)}]
        lines.append(f"  others that can answer as asked: {', '.join(others) or 'none'}")
        lines += ["", f"Estimator: {study.estimator.name} ({_answers(study.estimator, question.target)})", *(f"  {CANNOT[code]}" for code in offer.cannot)]
    else:
        lines += ["", f"Estimator: {study.estimator.name}"]
    lines += [f"Beside it: {', '.join(one.name for one in study.beside)}"] if study.beside else []
    lines += [
        *_checks(study, analysis),
        "Checks of bias, by kind of design:",
    ]
    lines += [f"  {kind.replace('_', ' ')}: {', '.join(study.rule.bias[kind]) or 'none'}" for kind in KINDS]
    lines += [f"Note: {note}" for note in panel.notes]
    return "\n".join(lines)


def extent(panel: Panel) -> str:
    """How many places and which years, or how many units."""
    if crossed(panel.years):
        return count(len(panel.authorities), "unit")
    return f"{count(len(panel.authorities), 'authority', 'authorities')}, {panel.years[0]} to {panel.years[-1]}"


def _answers(estimator: Estimator, target: str) -> str:
    """The average that is asked for; what it answers instead, in its own words, where it answers none."""
    codes = answers(estimator)
    return target if not codes or averages(estimator) else str(getattr(estimator, "targets", ", ".join(codes)))


def _checks(study: Study, analysis: Analysis) -> list[str]:
    """Which checks will run and which cannot, and why; some show only with an estimate that they cannot."""
    if analysis.design is None:
        return [f"Checks: {', '.join(study.refuters) or 'none'}"]
    setting = Setting.before(analysis, study.estimator)
    unmet = {name: _unmet(refuter, setting) for name, refuter in study.refuters.items()}
    will = [name for name, why in unmet.items() if why is None]
    return [f"Checks: {', '.join(will) or 'none'}"] + [f"  not run: {name}: {why}" for name, why in unmet.items() if why is not None]


def _unmet(refuter: Refuter, setting: Setting) -> str | None:
    """Why a check cannot run here, also where the estimator itself cannot serve these rows."""
    try:
        return refuter.unmet(setting)
    except CausalError as problem:
        return str(problem)
