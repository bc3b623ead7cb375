"""What the product of the simulated company calls its events and their details; and units of time."""

from __future__ import annotations

from beforehand.simulate.stories import STEPS

EVENTS = (
    "login", "page viewed", "feature used", "report created", "comment added", "export started", "export finished",
    "export failed", "error shown", "onboarding step started", "onboarding step finished", "onboarding step failed",
    "upgrade page visited", "teammate invited", "help viewed", "billing page visited", "cancel page visited",
    "all data exported", "payment failed", "limit reached", "report made",
)  # fmt: skip
CODE = {name: k for k, name in enumerate(EVENTS)}
DETAILS = (
    "dashboards", "alerts", "search", "sharing", "api", "segments",  # features
    "home", "settings", "billing", "help",  # pages
    "timeout", "http 500", "sync failed", "permission denied",  # errors
    "csv", "xlsx", "pdf",  # exports
    *STEPS,
)  # fmt: skip
DETAIL = {name: k for k, name in enumerate(DETAILS)}
DAY, HOUR, MINUTE, SECOND = 86_400_000_000, 3_600_000_000, 60_000_000, 1_000_000
