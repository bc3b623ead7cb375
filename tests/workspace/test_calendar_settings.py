"""The calendar of `beforehand.yaml`: what it means, what `check` says of it, and what the facts say about it."""

from __future__ import annotations

import csv
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from beforehand.calendar import HOUR_US
from beforehand.commands.definition import digest_of
from beforehand.commands.workspace import Workspace
from beforehand.errors import Problems
from beforehand.workspace.folder import Folder, read_folder
from beforehand.workspace.spec import SettingsSpec
from beforehand.workspace.working import Holidays, business_time, holidays, tracked_since

SETTINGS = "name: A team\nzone: Europe/Berlin\n"
METRICS = "logins:\n  count: events\ncalls:\n  count: tickets\n"


def folder(root: Path, settings: str, signal: str = "when: logins below 2 per week\n") -> Folder:
    (root / "signals").mkdir(parents=True, exist_ok=True)
    (root / "beforehand.yaml").write_text(SETTINGS + settings)
    (root / "metrics.yaml").write_text(METRICS)
    (root / "signals" / "drop.yaml").write_text(f"signal: drop\n{signal}")
    return read_folder(root)


def test_the_calendar_is_monday_to_friday_without_holidays_unless_said(tmp_path: Path) -> None:
    settings = folder(tmp_path, "").settings
    time = business_time(settings)
    assert (time.zone.key, time.weekend, time.country, time.closed) == ("Europe/Berlin", frozenset({5, 6}), None, ())
    assert (time.opens, time.closes) == (9 * HOUR_US, 17 * HOUR_US)
    assert tracked_since(settings, "events") is None


def test_the_calendar_is_as_it_is_written(tmp_path: Path) -> None:
    text = """\
calendar:
  weekend: [friday, saturday]
  holidays: [de-bayern, 12-24, 2025-05-02, By Country]
  hours: "08:30-24:00"
tracking since:
  tickets: 2024-03-01
"""
    settings = folder(tmp_path, text).settings
    assert holidays(settings.calendar) == Holidays("DE-BY", True, ("12-24", "2025-05-02"))
    time = business_time(settings, zone="Asia/Tokyo")
    assert (time.zone.key, time.weekend, time.country) == ("Asia/Tokyo", frozenset({4, 5}), "DE-BY")
    assert (time.opens, time.closes) == (8.5 * HOUR_US, 24 * HOUR_US)
    assert business_time(settings, "US").country == "US"
    assert tracked_since(settings, "tickets") == date(2024, 3, 1)
    assert tracked_since(settings, "events") is None
    assert tracked_since(SettingsSpec.model_validate({"tracking since": "2024-01-01"}), "surveys") == date(2024, 1, 1)


@pytest.mark.parametrize(
    ("text", "place", "said"),
    [
        ("calendar: {holidays: Germny}\n", 3, "Did you mean Germany?"),
        ("calendar: {holidays: [DE-BX]}\n", 3, "not a part of Germany"),
        ("calendar: {holidays: by contry}\n", 3, "Did you mean by country?"),
        ("calendar: {holidays: [DE, FR]}\n", 3, "two places"),
        ("calendar:\n  holidays: 24.12.\n", 4, "12-24 for every year"),
        ("calendar: {weekend: [sundy]}\n", 3, "Did you mean sunday?"),
        (
            "calendar:\n  weekend: [monday, tuesday, wednesday, thursday, friday, saturday, sunday]\n",
            4,
            "no business day",
        ),
        ("calendar: {hours: '17:00-09:00'}\n", 3, "closes before it opens"),
        ("calendar: {hours: '9-17'}\n", 3, "no span of hours"),
        ("calendar: {holiday: DE}\n", 3, "Did you mean holidays?"),
        ("tracking since: soon\n", 3, "a day, as 1990-01-31"),
        ("tracking since:\n  tickts: 2024-01-01\n", 4, "Did you mean tickets?"),
    ],
)
def test_what_is_wrong_is_told_at_its_line(tmp_path: Path, text: str, place: int, said: str) -> None:
    with pytest.raises(Problems) as told:
        folder(tmp_path, text)
    (problem,) = told.value.problems
    assert (problem.file, problem.line) == ("beforehand.yaml", place)
    assert said in f"{problem.message} {problem.hint}"


def test_whose_zone_is_one_of_two(tmp_path: Path) -> None:
    assert folder(tmp_path, "", "when: logins below 2 per week\nzone: account\n").signals["drop"].own_zone
    with pytest.raises(Problems, match="Did you mean account"):
        folder(tmp_path, "", "when: logins below 2 per week\nzone: acount\n")


def test_a_new_calendar_is_a_new_question(tmp_path: Path) -> None:
    """Digests follow what decides a verdict; what nobody set is as if there were no such setting."""

    def digest(name: str, settings: str, signal: str = "") -> str:
        found = folder(tmp_path / name, settings, f"when: logins below 2 per week\n{signal}")
        return digest_of(found.signals["drop"], found)

    plain = digest("a", "")
    assert digest("b", 'calendar: {hours: "09:00-17:00"}\n', "zone: workspace\n") == plain
    others = [
        digest("c", "calendar: {holidays: DE}\n"),
        digest("d", "tracking since: 2024-01-01\n"),
        digest("e", "", "zone: account\n"),
    ]
    assert len({plain, *others}) == 4


def load(ws: Workspace, table: str, rows: list[tuple[str, ...]]) -> None:
    path = ws.root / f"{table}.csv"
    with path.open("w", newline="") as out:
        csv.writer(out).writerows(rows)
    ws.load([path], table=table)


def told(root: Path, settings: str = "", signal: str = "") -> list[str]:
    folder(root, settings, f"when: logins below 2 per week\n{signal}")
    found: list[str] = Workspace(root).check(datetime(2024, 9, 1, tzinfo=UTC))["hints"]
    return found


def test_facts_that_begin_after_the_accounts_did_are_noted(tmp_path: Path) -> None:
    folder(tmp_path, "calendar: {holidays: by country}\n")
    ws = Workspace(tmp_path)
    begun = ["2022-01-01"] * 6 + ["2024-07-20"] * 4
    load(
        ws,
        "accounts",
        [
            ("account", "started_at", "country", "zone"),
            *(
                (f"a{i}", at, "DE" if i else "Mars", "Europe/Berlin" if i > 1 else "Berlin")
                for i, at in enumerate(begun)
            ),
        ],
    )
    first = datetime(2024, 7, 1, 12, tzinfo=UTC)
    events = [(f"a{i}", "login", (first + i * timedelta(days=3)).isoformat()) for i in range(10)]
    load(ws, "events", [("account", "event", "at"), *events])
    assert told(tmp_path) == [
        "6 of 10 accounts began more than four weeks before the first of the events, 2024-07-01; that time counts as"
        " nothing done. If events were only recorded from then on, write `tracking since: {events: 2024-07-01}` in"
        " beforehand.yaml: what was before is then not known."
    ]
    assert told(tmp_path, "tracking since: {tickets: 2024-01-01, events: 2024-07-01}\n") == []
    everything = "tracking since: 2024-07-01\ncalendar: {holidays: [by country, US]}\n"
    assert told(tmp_path, everything, "zone: account\n") == [
        "2 accounts name no time zone ('Berlin'): such accounts are judged in Europe/Berlin.",
        "1 account names no country whose holidays are known ('Mars'): such accounts have the holidays of US.",
    ]


def test_a_trait_that_nobody_has_is_noted(tmp_path: Path) -> None:
    folder(tmp_path, "")
    at = datetime(2024, 7, 1, 12, tzinfo=UTC).isoformat()
    load(Workspace(tmp_path), "events", [("account", "event", "at"), ("a", "login", at)])
    assert told(tmp_path, "calendar: {holidays: by country}\n", "zone: account\n") == [
        "No account has a trait `zone` or `time_zone`: all of them are judged in Europe/Berlin.",
        "No account has a trait `country`: all of them have no public holidays.",
    ]
