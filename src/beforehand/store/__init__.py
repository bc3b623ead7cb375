"""The state of a workspace: alerts and their log, tracks, judged closes, settings, records.

SQLite by default; the models are the same on PostgreSQL. It never holds events.
"""

from beforehand.store.models import Alert, AlertLog, Close, Record, Setting, Track, Watch, alert_name, alert_number
from beforehand.store.queries import (
    Kept,
    Key,
    LastRun,
    alert_of,
    closes_between,
    disarm,
    find_alerts,
    forget_tracks,
    last_run,
    log,
    log_of,
    newest_closed,
    open_alerts,
    put_last_run,
    put_record,
    record_of,
    thresholds_of,
    tracks_of,
    watches,
)
from beforehand.store.store import Store

__all__ = [
    "Alert",
    "AlertLog",
    "Close",
    "Kept",
    "Key",
    "LastRun",
    "Record",
    "Setting",
    "Store",
    "Track",
    "Watch",
    "alert_name",
    "alert_number",
    "alert_of",
    "closes_between",
    "disarm",
    "find_alerts",
    "forget_tracks",
    "last_run",
    "log",
    "log_of",
    "newest_closed",
    "open_alerts",
    "put_last_run",
    "put_record",
    "record_of",
    "thresholds_of",
    "tracks_of",
    "watches",
]
