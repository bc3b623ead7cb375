"""The state database: migrations, the rules it keeps by itself, and its errors in words."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_mock_engine, text
from sqlalchemy.dialects import postgresql

from beforehand import store as rooms
from beforehand.errors import BusyError, EngineError
from beforehand.store import Alert, LastRun, Store
from beforehand.store.database import MIGRATIONS, REVISIONS
from beforehand.store.models import Base, Moment

NOW = datetime(2025, 3, 3, tzinfo=UTC)


def alert(**given: object) -> Alert:
    plain: dict = {
        "account": "acme",
        "signal": "drop",
        "scope": "",
        "severity": "high",
        "state": "open",
        "opened_at": NOW,
        "since": NOW,
        "raised_at": NOW,
        "judged_at": NOW,
        "headline": "Acme: fewer logins",
        "signal_digest": "d",
        "evidence": {},
        "receipts": [],
    }
    return Alert(**(plain | given))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / ".beforehand" / "state.sqlite"


def test_migrations_make_what_the_models_say(anywhere: Path | str) -> None:
    with Store.open(anywhere) as store, store.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, Base.metadata) == []


def test_every_migration_is_known_to_the_program() -> None:
    script = ScriptDirectory(str(MIGRATIONS))
    assert tuple(reversed([r.revision for r in script.walk_revisions()])) == REVISIONS


def test_models_have_a_form_on_postgresql() -> None:
    said: list[str] = []
    engine = create_mock_engine(
        "postgresql+psycopg://", lambda sql, *_: said.append(str(sql.compile(dialect=postgresql.dialect())))
    )
    Base.metadata.create_all(engine, checkfirst=False)
    whole = "\n".join(said)
    assert "TIMESTAMP WITH TIME ZONE" in whole
    assert "WHERE closed_at IS NULL" in whole


def test_settings_of_the_connection(path: Path) -> None:
    with Store.open(path) as store, store.read() as session:
        said = [session.execute(text(f"PRAGMA {p}")).scalar() for p in ("journal_mode", "foreign_keys", "synchronous")]
    assert said == ["wal", 1, 2]


def test_opening_again_keeps_everything(anywhere: Path | str) -> None:
    with Store.open(anywhere) as store, store.write() as session:
        session.add(alert())
        session.flush()
        rooms.log(session, 1, NOW, "ann", "opened")
    with Store.open(anywhere) as store, store.read() as session:
        (kept,) = rooms.find_alerts(session)
        assert (kept.name, kept.opened_at, kept.backlog, kept.shadow) == ("A-1001", NOW, False, False)
        assert [(line.act, line.actor) for line in rooms.log_of(session, 1)] == [("opened", "ann")]


def test_an_up_to_date_database_does_not_pay_for_alembic(anywhere: Path | str) -> None:
    Store.open(anywhere).close()
    code = (
        "import sys, pathlib; from beforehand.store import Store; given = sys.argv[1]; "
        "Store.open(given if '://' in given else pathlib.Path(given)).close(); "
        "assert 'alembic' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code, str(anywhere)], check=True)


def test_one_open_episode_by_a_unique_index(anywhere: Path | str) -> None:
    with Store.open(anywhere) as store:
        with store.write() as session:
            session.add_all([alert(state="closed", closed_at=NOW, close_reason="cleared"), alert(), alert(scope="ann")])
        with pytest.raises(EngineError, match=r"(?i)unique"), store.write() as session:
            session.add(alert())
        with store.read() as session:
            assert len(rooms.find_alerts(session)) == 3
            assert len(rooms.find_alerts(session, open_only=True)) == 2


@pytest.mark.parametrize("verb", ["UPDATE alert_log SET actor = 'eve'", "DELETE FROM alert_log"])
def test_the_log_is_only_ever_added_to(anywhere: Path | str, verb: str) -> None:
    with Store.open(anywhere) as store:
        with store.write() as session:
            session.add(alert())
            session.flush()
            rooms.log(session, 1, NOW, "ann", "opened")
        with pytest.raises(EngineError, match="only ever added to"), store.write() as session:
            session.execute(text(verb))


def test_a_log_line_needs_its_alert(anywhere: Path | str) -> None:
    with Store.open(anywhere) as store, pytest.raises(EngineError, match=r"(?i)foreign key"), store.write() as session:
        rooms.log(session, 7, NOW, "ann", "opened")


def test_times_have_a_zone_and_come_back_in_utc(anywhere: Path | str) -> None:
    berlin = datetime(2025, 3, 3, 1, tzinfo=timezone(timedelta(hours=1)))
    with Store.open(anywhere) as store:
        with store.write() as session:
            session.add(alert(opened_at=berlin))
        with store.read() as session:
            assert rooms.find_alerts(session)[0].opened_at == NOW
    with pytest.raises(ValueError, match="no time zone"):
        Moment().process_bind_param(datetime(2025, 3, 3), postgresql.dialect())  # noqa: DTZ001


def test_last_run_and_records(anywhere: Path | str) -> None:
    with Store.open(anywhere) as store:
        with store.write() as session:
            assert rooms.last_run(session) is None
            rooms.put_last_run(session, LastRun(NOW, True))
            rooms.put_record(session, "drop", "d1", NOW, {"right": 9})
            rooms.put_record(session, "drop", "d2", NOW, {"right": 10})
        with store.read() as session:
            assert rooms.last_run(session) == LastRun(NOW, True)
            kept = rooms.record_of(session, "drop")
            assert kept is not None
            assert (kept.digest, kept.record) == ("d2", {"right": 10})


def test_reopening_finds_the_newest_closed_episode(anywhere: Path | str) -> None:
    closed = {"state": "closed", "closed_at": NOW, "close_reason": "cleared"}
    with Store.open(anywhere) as store:
        with store.write() as session:
            session.add_all([alert(account=f"a{i}", **closed) for i in range(450)])
            session.flush()
            session.add_all([alert(account="a7", **closed), alert(account="a8")])
        with store.read() as session:
            found = rooms.newest_closed(session, "drop", [(f"a{i}", "") for i in range(460)])
            assert len(found) == 450
            assert found["a7", ""] == 451
            assert found["a8", ""] == 9


@pytest.mark.parametrize(
    ("written", "number"),
    [("A-1001", 1), ("a-1042", 42), ("1042", 42), ("acme", None), ("A-1000", None), ("A-²", None), ("9" * 30, None)],
)
def test_names_of_alerts(written: str, number: int | None) -> None:
    assert rooms.alert_number(written) == number
    if number:
        assert rooms.alert_number(rooms.alert_name(number)) == number


def test_a_newer_database_is_left_alone(anywhere: Path | str) -> None:
    with Store.open(anywhere) as store, store.write() as session:
        session.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(EngineError, match="newer Beforehand") as told:
        Store.open(anywhere)
    assert "Upgrade" in told.value.hint


def test_a_damaged_file_is_said_to_be_damaged(path: Path) -> None:
    path.parent.mkdir()
    path.write_bytes(b"this is no database at all, but long enough to be one " * 100)
    with pytest.raises(EngineError, match="damaged"):
        Store.open(path)


def test_a_file_damaged_in_the_middle(path: Path) -> None:
    with Store.open(path) as store, store.write() as session:
        session.add_all([alert(account=f"a{i}", headline="x" * 500) for i in range(500)])
    whole = bytearray(path.read_bytes())
    whole[4096 * 3 :] = os.urandom(len(whole) - 4096 * 3)
    path.write_bytes(whole)
    with pytest.raises(EngineError, match="damaged"), Store.open(path) as store, store.read() as session:
        rooms.find_alerts(session)


def test_a_file_that_may_not_be_read_or_is_a_folder(path: Path) -> None:
    path.mkdir(parents=True)
    with pytest.raises(EngineError, match="cannot be written"):
        Store.open(path)


def test_writing_waits_and_then_says_who_is_in_the_way(path: Path) -> None:
    with Store.open(path) as first, Store.open(path, wait_s=0.1) as second, first.write() as session:
        session.add(alert())
        with pytest.raises(BusyError, match="locked"), second.write():
            pass
        with second.read() as reading:  # reading never waits
            assert rooms.find_alerts(reading) == []


def test_two_processes_open_an_empty_database_at_once(path: Path) -> None:
    path.parent.mkdir()
    code = "import sys, pathlib; from beforehand.store import Store; Store.open(pathlib.Path(sys.argv[1])).close()"
    started = [subprocess.Popen([sys.executable, "-c", code, str(path)], stderr=subprocess.PIPE) for _ in range(4)]
    for process in started:
        assert process.wait(60) == 0, process.communicate()[1]
        process.communicate()


def test_killed_at_random_moments_nothing_is_half_written(path: Path) -> None:
    Store.open(path).close()
    code = textwrap.dedent("""
        import sys, pathlib, datetime
        sys.path.insert(0, sys.argv[2])
        from beforehand import store as rooms
        from beforehand.store import Store
        from test_store import alert, NOW
        with Store.open(pathlib.Path(sys.argv[1])) as store:
            while True:
                with store.write() as session:
                    done = len(rooms.find_alerts(session))
                    for i in range(20):
                        new = alert(account=f"a{done + i}")
                        session.add(new)
                        session.flush()
                        rooms.log(session, new.number, NOW, "run", "opened")
                print("written", flush=True)
    """)
    for wait_s in (0.01, 0.04, 0.09):
        process = subprocess.Popen(
            [sys.executable, "-c", code, str(path), str(Path(__file__).parent)], stdout=subprocess.PIPE
        )
        assert process.stdout is not None
        assert process.stdout.readline() == b"written\n"  # however slow the machine, something is there to be broken
        time.sleep(wait_s)
        process.send_signal(signal.SIGKILL)
        process.communicate()
    with Store.open(path) as store, store.read() as session:
        alerts = rooms.find_alerts(session)
        assert len(alerts) >= 60
        assert len(alerts) % 20 == 0
        assert all(len(rooms.log_of(session, a.number)) == 1 for a in alerts)


def test_what_is_not_there_is_said_without_the_password() -> None:
    with pytest.raises(EngineError) as told:
        Store.open("postgresql://ann:hunter2@127.0.0.1:1/state", wait_s=2)
    assert told.value.code == "state-unreachable"
    assert "127.0.0.1" in told.value.message
    assert "hunter2" not in told.value.message + told.value.hint


def test_on_postgresql_writers_queue_as_on_sqlite_and_workers_do_not(postgres: Callable[[], str]) -> None:
    address = postgres()
    with Store.open(address, wait_s=0.3) as one, Store.open(address, wait_s=0.3) as two:
        with one.write() as session:
            session.add(alert())
            session.flush()
            with pytest.raises(BusyError), two.write():
                pass
            with two.write(beside=True) as other, two.read() as reader:
                assert rooms.find_alerts(reader) == []
                rooms.put_last_run(other, LastRun(NOW, True))
        with two.read() as reader:
            assert len(rooms.find_alerts(reader)) == 1
            assert rooms.last_run(reader) == LastRun(NOW, True)
