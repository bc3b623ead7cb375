"""A signal's record as plain data: what `backtest` prints, what is kept for stories and for the risk score."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from beforehand.proof.figures import Figures
from beforehand.proof.trial import Proof, Proven

Standing = Literal["unknown", "chance", "recency", "better"]


def row(proven: Proven) -> dict[str, Any]:
    """The figures of a signal: over everything, with `rivals`, `earlier` and `untouched` (the same fields) inside."""
    return _part(proven.whole) | {"earlier": _part(proven.earlier), "untouched": _part(proven.untouched)}


def standing(proof: Proof) -> Standing:
    """How the signal stands beside its rivals.

    `unknown`: nothing finished to compare. `chance`: not shown to be better than drawing lots. `recency`: better than
    lots, not shown to be better than naming who has been quiet longest. `better`: better than both, at 95 %.
    """
    if proof.random.ahead is None:
        return "unknown"
    if proof.random.ahead[1] <= 0:
        return "chance"
    if proof.recency.ahead is not None and proof.recency.ahead[1] <= 0:
        return "recency"
    return "better"


def words(figures: Mapping[str, Any]) -> str:
    """The figures of `row` or a part of it as a sentence; counts first, percentages never alone."""
    done = round(figures["episodes"] - figures["unfinished"])
    if not figures["episodes"]:
        return "It never alerted in this time."
    if figures["standing"] == "unknown" and done:
        return f"{_times(figures['episodes'], 'alert')}, but no outcome is known that could prove or disprove them."
    if not done:
        return f"{_times(figures['episodes'], 'alert')}, none of them old enough to be judged."
    right = f"Right {figures['right']:g} of {_times(done, 'time')}"
    lead = figures["lead_days"]["p50"]
    return right + (f", {lead:.0f} days early (median)." if lead is not None else ".") + " " + _verdict(figures)


def _verdict(figures: Mapping[str, Any]) -> str:
    """The standing in words; "no better" is only said where it is not even ahead."""
    standing, own = figures["standing"], figures["precision"][0]
    rivals = figures["rivals"]
    if standing == "better":
        return "That is better than chance and better than naming whoever has been quiet longest."
    if standing == "recency":
        if own <= (rivals["recency"]["precision"][0] or 0):
            return "That is better than chance, but no better than naming whoever has been quiet longest."
        return "That is better than chance, but not clearly better than naming whoever has been quiet longest."
    if own <= rivals["random"]["precision"][0]:
        return "That is no better than drawing accounts by lot."
    return "That is too little to tell it from drawing accounts by lot."


def _part(proof: Proof) -> dict[str, Any]:
    fields = _fields(proof.signal)
    rivals = {
        name: _fields(figures) | {"ahead": _listed(figures.ahead)}
        for name, figures in (("recency", proof.recency), ("random", proof.random))
    }
    return fields | {"rivals": rivals, "standing": standing(proof)}


def _fields(figures: Figures) -> dict[str, Any]:
    return {
        "episodes": _count(figures.episodes),
        "right": _count(figures.right),
        "too_late": _count(figures.too_late),
        "unfinished": _count(figures.unfinished),
        "caught": _count(figures.caught),
        "could_be_caught": figures.could_be_caught,
        "precision": _listed(figures.precision),
        "recall": _listed(figures.recall),
        "lead_days": dict(figures.lead_days),
        "lead_days_to_began": dict(figures.lead_days_to_began),
        "episodes_per_week": figures.episodes_per_week,
        "base_rate": figures.base_rate,
        "lift": figures.lift,
    }


def _count(value: float) -> int | float:
    return int(value) if float(value).is_integer() else round(value, 2)


def _listed(interval: tuple[float, float, float] | None) -> list[float | None]:
    return list(interval) if interval else [None, None, None]


def _times(count: float, word: str) -> str:
    return f"{count:g} {word}" + ("" if count == 1 else "s")
