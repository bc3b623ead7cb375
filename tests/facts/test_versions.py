"""Versions of a row, in whatever order they come, against a plain reference."""

from __future__ import annotations

import csv
import io
import itertools
from datetime import UTC, datetime, timedelta

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from beforehand.facts import Facts
from beforehand.facts.versions import Ref, Version, chain, place
from beforehand.workspace.spec import SettingsSpec

T0 = datetime(2026, 1, 1, tzinfo=UTC)


class Reference:
    """The plain reference: what is said at each time it was learned; saying the same again is saying nothing."""

    def __init__(self):
        self.said = {}

    def at(self, moment):
        """What was known before a moment."""
        return self.said.get(max((t for t in self.said if t < moment), default=None))

    def tell(self, learned, content):
        """Takes in a version; whether it was one."""
        if self.at(learned + 1) == content:
            return False
        self.said[learned] = content
        times = sorted(self.said)
        for earlier, later in reversed(list(itertools.pairwise(times))):
            if self.said[earlier] == self.said[later]:
                del self.said[later]
        return True


@given(st.lists(st.tuples(st.integers(0, 8), st.sampled_from("abc")), max_size=12))
def test_the_sum_of_signs_is_what_was_known(arrivals):
    stored: list[tuple[int, int, str, int]] = []
    content_of: dict[Ref, str] = {}
    reference = Reference()
    for nth, (learned, content) in enumerate(arrivals):
        versions, count = chain(stored), len(stored)
        new = Version(learned, content, Ref(row=nth))
        content_of[new.ref] = content
        content_of |= {v.ref: v.content for v in versions}
        for entry in place(versions, new):
            stored.append((len(stored), entry.learned_us, content_of[entry.ref], entry.sign))
        assert [(v.learned_us, v.content) for v in chain(stored)] == [(v.learned_us, v.content) for v in versions]
        assert reference.tell(learned, content) == (len(stored) > count)
    for moment in range(10):
        net: dict[str, int] = {}
        for _, learned, content, sign in stored:
            if learned < moment:
                net[content] = net.get(content, 0) + sign
        expected = reference.at(moment)
        assert {c: n for c, n in net.items() if n} == ({} if expected is None else {expected: 1})


row = st.tuples(st.sampled_from(["t1", "t2", "t3"]), st.sampled_from(["open", "solved", "closed"]), st.integers(0, 6))


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.lists(row, min_size=1, max_size=5), min_size=1, max_size=4))
def test_files_of_versions_count_as_known(tmp_path_factory, files):
    folder = tmp_path_factory.mktemp("versions")
    told: dict[str, Reference] = {}
    with Facts.open(folder / "facts.duckdb", SettingsSpec()) as facts:
        for nth, rows in enumerate(files):
            out = io.StringIO()
            lines = csv.writer(out)
            lines.writerow(["ticket", "account", "at", "status", "learned"])
            for ticket, status, day in rows:
                lines.writerow([ticket, "a", T0.isoformat(), status, (T0 + timedelta(days=day)).isoformat()])
            path = folder / f"{nth}.csv"
            path.write_text(out.getvalue())
            done = facts.load([path], table="tickets", now=T0 + timedelta(days=30))
            if rows not in files[:nth]:  # the very same file again is known as a whole
                new = sum(told.setdefault(ticket, Reference()).tell(day, status) for ticket, status, day in rows)
                assert (done.loaded, done.known, done.quarantined) == (new, len(rows) - new, 0)
        for day in range(9):
            found = dict(
                facts.connection.execute(
                    "SELECT id || ' ' || status, sum(sign) FROM tickets WHERE learned_at < ? GROUP BY 1 HAVING "
                    "sum(sign) <> 0",
                    [(T0 + timedelta(days=day)).replace(tzinfo=None)],
                ).fetchall()
            )
            assert found == {f"{t} {s}": 1 for t, mine in told.items() if (s := mine.at(day)) is not None}
        assert facts.connection.execute("SELECT count(*) - count(DISTINCT stored_seq) FROM tickets").fetchone() == (0,)


def test_versions_reach_properties_and_numbers(tmp_path):
    with Facts.open(tmp_path / "facts.duckdb", SettingsSpec()) as facts:
        for nth, (amount, note) in enumerate([(10, "x"), (10, "x"), (12.5, "x"), (12.5, "y")]):
            path = tmp_path / f"{nth}.csv"
            path.write_text(
                f"invoice,account,at,amount,note\ni1,a,2026-01-01,{amount},{note}\nnew{nth},a,2026-01-01,1,\n"
            )
            done = facts.load(
                [path], table="invoices", written={"properties.note": "note"}, now=T0 + timedelta(days=nth)
            )
            assert done.loaded == (1 if nth == 1 else 2)
        assert facts.connection.execute(
            "SELECT amount, properties.note::VARCHAR, sum(sign) FROM invoices WHERE id = 'i1' GROUP BY ALL "
            "HAVING sum(sign) <> 0"
        ).fetchall() == [(12.5, "y", 1)]
