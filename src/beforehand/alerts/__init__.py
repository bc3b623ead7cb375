"""The life of alerts: one open episode per (account, signal, scope). Pure: no database, no clock."""

from beforehand.alerts.lifecycle import Episode, Episodes, Policy, Step, Tracks, advance, early, trace, warm
from beforehand.alerts.states import BY_PERSON, SEVERITIES, Reason, Standing, State, acknowledge, resolve, snooze

__all__ = [
    "BY_PERSON",
    "SEVERITIES",
    "Episode",
    "Episodes",
    "Policy",
    "Reason",
    "Standing",
    "State",
    "Step",
    "Tracks",
    "acknowledge",
    "advance",
    "early",
    "resolve",
    "snooze",
    "trace",
    "warm",
]
