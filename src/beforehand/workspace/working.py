"""The calendar of a workspace as its settings say it: business time, holidays, and since when facts are complete."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from beforehand.calendar import HOUR_US, WEEKDAYS, BusinessTime, day_of, nearest_place, place_named, zone_named
from beforehand.errors import InputError, nearest
from beforehand.workspace.spec import CalendarSpec, SettingsSpec
from beforehand.workspace.yaml_file import Written

BY_COUNTRY = "by country"


@dataclass(frozen=True)
class Holidays:
    """Whose holidays hold: those of `place` (None: of none), or of each account's country; `closed` are days besides.

    Where they go by country, `place` is that of accounts without one.
    """

    place: str | None = None
    by_country: bool = False
    closed: tuple[str, ...] = ()


def holidays(calendar: CalendarSpec) -> Holidays:
    """What `holidays:` means; InputError where an entry is no place and no day, or a second place."""
    places = [entry for entry in calendar.holidays if not _is_day(entry) and entry.strip().lower() != BY_COUNTRY]
    if len(places) > 1:
        raise InputError(
            f"`holidays` has two places, {places[0]} and {places[1]}.",
            f"Name one, or write `{BY_COUNTRY}` for each account's own.",
            code="bad-value",
        )
    return Holidays(
        place_named(places[0]) if places else None,
        any(entry.strip().lower() == BY_COUNTRY for entry in calendar.holidays),
        tuple(sorted(day_of(entry) for entry in calendar.holidays if _is_day(entry))),
    )


def business_time(settings: SettingsSpec, place: str | None = None, zone: str | None = None) -> BusinessTime:
    """Business time of the workspace, or where accounts are at another place or in another zone.

    Without `place` it is the workspace's, if it has one. Raises InputError as `holidays` and `zone_named` do.
    """
    calendar, known = settings.calendar, holidays(settings.calendar)
    opens, closes = (_of_day(part) for part in calendar.hours.split("-"))
    return BusinessTime(
        zone_named(zone or settings.zone),
        frozenset(WEEKDAYS.index(day) for day in calendar.weekend),
        opens,
        closes,
        place or known.place,
        known.closed,
    )


def tracked_since(settings: SettingsSpec, table: str) -> date | None:
    """The day from which the facts of a table are complete; None where they always were."""
    since = settings.tracking_since
    return next((day for name, day in since.items() if name == table), None) if isinstance(since, dict) else since


def check_calendar(settings: SettingsSpec, written: Written) -> None:
    """Records what is wrong with the calendar of `beforehand.yaml`, each at its place."""
    calendar = settings.calendar
    if len(set(calendar.weekend)) == len(WEEKDAYS):
        said = "`calendar weekend` has every day of the week; there would be no business day."
        written.problem(("calendar", "weekend"), "bad-value", said, "Leave out the days that are worked.")
    opens, closes = (_of_day(part) for part in calendar.hours.split("-"))
    if opens >= closes:
        said = f"`calendar hours` is '{calendar.hours}': it closes before it opens."
        written.problem(("calendar", "hours"), "bad-value", said, "Write opening, then closing, as 09:00-17:00.")
    try:
        holidays(calendar)
    except InputError as error:
        hint = error.hint
        wrong = [entry for entry in calendar.holidays if entry in error.message]
        if wrong and not wrong[0][:1].isdigit() and nearest(wrong[0], [BY_COUNTRY], cutoff=75):
            hint = f"Did you mean {BY_COUNTRY}?"
        elif error.code == "unknown-country" and wrong and (near := nearest_place(wrong[0])):
            hint = hint if "Did you mean" in hint else f"Did you mean {near}? {hint}"
        written.problem(("calendar", "holidays"), error.code, error.message, hint)


def _is_day(entry: str) -> bool:
    return entry.strip()[:1].isdigit()


def _of_day(clock: str) -> int:
    hours, minutes = (int(part) for part in clock.split(":"))
    return (60 * hours + minutes) * HOUR_US // 60
