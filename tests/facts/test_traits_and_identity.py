"""Dated traits, external ids, matching and merging."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from beforehand.errors import InputError
from beforehand.facts import identity, read_mapping

JAN, MAR, JUN = (datetime(2026, m, 1, tzinfo=UTC) for m in (1, 3, 6))


def test_the_first_value_holds_from_the_beginning_and_reloading_records_the_change(opened, write):
    facts = opened()
    facts.load([write("one.csv", "account,name,plan\nacme,Acme,free\nbeta,,\n")], table="accounts", now=JAN)
    again = facts.load([write("two.csv", "account,name,plan\nacme,Acme,business\nbeta,,\n")], table="accounts", now=MAR)
    assert (again.loaded, again.known) == (1, 1)
    facts.load([write("three.csv", "account,name,plan\nacme,Acme,\n")], table="accounts", now=JUN)
    acme = facts.account_named("acme")
    when = [JAN - timedelta(days=900), MAR, MAR + timedelta(seconds=1), JUN + timedelta(seconds=1)]
    assert [facts.traits_of(acme, t).get("plan") for t in when] == ["free", "free", "business", None]
    plan = facts.traits("plan")
    assert (plan.value, plan.dated.tolist(), plan.member.tolist()) == (
        ("free", "business", None),
        [False, True, True],
        [-1, -1, -1],
    )
    assert plan.from_us.tolist() == [0, *(int(t.timestamp() * 1e6) for t in (MAR, JUN))]


def test_history_with_times_is_read_as_it_was_known(opened, write):
    facts = opened()
    f = write(
        "h.csv",
        "account,at,plan,learned\na,2026-01-01,free,2026-01-01\na,2026-03-01,business,2026-03-05\na,2026-02-01,team,2026-04-01\n",
    )
    assert facts.load([f], table="accounts", now=JUN).loaded == 3
    assert facts.load([write("again.csv", f.read_text() + "\n")], table="accounts", now=JUN).known == 3
    node = facts.account_named("a")
    seen = [
        facts.traits_of(node, datetime(2026, m, d, tzinfo=UTC)).get("plan")
        for m, d in ((1, 1), (1, 2), (3, 2), (3, 6), (4, 2))
    ]
    assert seen == [None, "free", "free", "business", "business"]


def test_started_and_ended_are_times_in_utc(opened, write):
    facts = opened(zone="Europe/Berlin")
    done = facts.load([write("a.csv", "account,started_at\na,2026-01-01\nb,someday\n")], table="accounts", now=JUN)
    assert (done.loaded, done.quarantined) == (1, 1)
    assert facts.traits_of(facts.account_named("a"), JUN)["started_at"] == "2025-12-31T23:00:00Z"


def test_facts_under_an_external_id_join_when_the_list_names_it(opened, write):
    facts = opened()
    facts.load([write("e.csv", "account,event,at\ncus_1,pay,2026-01-01\n")], source="stripe", now=JUN)
    facts.load([write("f.csv", "account,event,at\ncus_1,odd,2026-01-01\n")], source="files", now=JUN)
    listed = write("a.csv", "account,stripe,web\nacme,cus_1,www.acme.com\n")
    facts.load([listed], table="accounts", written=read_mapping("external.stripe=stripe,domain=web"), now=JUN)
    assert facts.subjects().label == ("acme",)
    facts.load(
        [write("g.csv", "account,person,event,at\n,bob@Acme.com,login,2026-01-02\n,eve@gmail.com,login,2026-01-02\n")],
        now=JUN,
    )
    counted = facts.connection.execute("SELECT account, count(*) FROM events GROUP BY 1").fetchall()
    canonical = facts.subjects().canonical
    assert {int(canonical[a]) for a, _ in counted} == {facts.account_named("acme")}
    assert sum(n for _, n in counted) == 3


def test_an_external_id_belongs_to_one_account(opened, write):
    facts = opened()
    f = write("a.csv", "account,stripe\na,cus_1\nb,cus_1\nc,cus_2\n")
    done = facts.load([f], table="accounts", written=read_mapping("external.stripe=stripe"), now=JUN)
    assert (done.loaded, done.quarantined) == (2, 1)
    other = facts.load(
        [write("b.csv", "account,stripe\nd,cus_2\n")],
        table="accounts",
        written=read_mapping("external.stripe=stripe"),
        now=JUN,
    )
    assert other.quarantined == 1


def test_unmatched_facts_are_kept_listed_and_join(opened, write):
    facts = opened(accounts_from="crm")
    facts.load(
        [write("a.csv", "account,name,domain\nA-1,Northwind Traders,northwind.com\nA-2,Acme,acme.com\n")],
        table="accounts",
        source="crm",
        now=JUN,
    )
    e = write(
        "e.csv",
        "account,person,event,at\nnorthwind traders "
        "inc,x,login,2026-01-01\nws_77,ann@acme.com,login,2026-01-01\nws_77,,login,2026-01-02\nA-2,,login,2026-01-02\n",
    )
    assert facts.load([e], now=JUN).unmatched == 3
    assert facts.subjects().label == ("A-1", "A-2")
    waiting = identity.unmatched(facts)
    assert [(u.account, u.rows, u.suggestions[0].account) for u in waiting] == [
        ("ws_77", 2, "A-2"),
        ("northwind traders inc", 1, "A-1"),
    ]
    assert "acme.com" in waiting[0].suggestions[0].why
    assert identity.match(facts, "ws_77", "A-2", "ann") == ("ws_77", "A-2")
    assert [u.account for u in identity.unmatched(facts)] == ["northwind traders inc"]
    assert facts.canonical(facts.account_named("ws_77")) == facts.account_named("acme.com")
    identity.unmerge(facts, "account", "ws_77", "ann")
    assert len(identity.unmatched(facts)) == 2
    facts.load([write("b.csv", "account\nws_77\n")], table="accounts", source="crm", now=JUN)
    assert facts.subjects().label == ("A-1", "A-2", "ws_77")
    assert len(opened().subjects().account) == 4  # without the setting, everybody counts
    with pytest.raises(InputError, match="accounts' list"):
        identity.match(facts := opened(accounts_from="crm"), "A-1", "A-2", "ann")
    assert identity.match(facts, "ws_99", "A-1", "ann") == ("ws_99", "A-1")
    assert facts.load([write("l.csv", "account,event,at\nws_99,login,2026-01-01\n")], now=JUN).unmatched == 0


def test_merges_chain_refuse_circles_and_come_undone(opened, write):
    facts = opened()
    facts.load(
        [write("e.csv", "account,person,event,at\n" + "".join(f"{a},p,login,2026-01-01\n" for a in "abcd"))], now=JUN
    )
    before = facts.connection.execute("FROM events ORDER BY stored_seq").fetchall()
    assert identity.merge(facts, "account", "a", "b", "ann") == ("a", "b")
    assert identity.merge(facts, "account", "b", "c", "ann") == ("b", "c")
    assert facts.subjects().label == ("c", "d")
    for one, other in (("a", "c"), ("c", "a"), ("b", "b")):
        with pytest.raises(InputError, match="already"):
            identity.merge(facts, "account", one, other, "ann")
    identity.unmerge(facts, "account", "b", "bob")
    assert facts.subjects().label == ("b", "c", "d")
    assert facts.label(facts.account_named("a")) == "b"
    with pytest.raises(InputError, match="not merged"):
        identity.unmerge(facts, "account", "d", "bob")
    with pytest.raises(InputError, match="'bb'"):
        identity.merge(facts, "account", "bb", "a", "ann")
    assert facts.connection.execute("SELECT actor, undone_by FROM merges ORDER BY merge").fetchall() == [
        ("ann", None),
        ("ann", "bob"),
    ]
    assert facts.connection.execute("FROM events ORDER BY stored_seq").fetchall() == before
    facts.load([write("f.csv", "id,account,event,at\n1,a,login,2026-01-01\n")], now=JUN)
    identity.merge(facts, "account", "a", "d", "ann")
    assert facts.load([write("g.csv", "id,account,event,at\n1,d,login,2026-01-01\n")], now=JUN).known == 1


def test_people_are_found_by_id_and_address(opened, write):
    facts = opened()
    facts.load(
        [
            write(
                "e.csv",
                "account,person,event,at\na,Ann@x.com,login,2026-01-01\na,ann@x.com,login,2026-01-02\na,u1,login,2026-01-03\n",
            )
        ],
        now=JUN,
    )
    assert facts.connection.execute("SELECT count(*) FROM members").fetchone() == (2,)
    people = write("p.csv", "person,account,name,email,role\nu1,a,Ann,ann@x.com,admin\nu2,a,Bob,bob@x.com,\n")
    assert facts.load([people], table="people", now=JUN).loaded == 2
    assert facts.load([write("q.csv", people.read_text() + "u3,b,Cy,,\n")], table="people", now=JUN).known == 2
    assert facts.connection.execute("SELECT kind, actor FROM merges").fetchall() == [("person", "load")]
    u1 = facts.connection.execute(
        "SELECT m.member FROM members m JOIN person_ids i USING (person) WHERE i.external = 'u1'"
    ).fetchone()[0]
    assert facts.traits_of(facts.account_named("a"), JUN, member=u1)["role"] == "admin"
    assert identity.merge(facts, "person", "bob@x.com", "u1", "ann") == ("u2", "u1")


def test_exclusions_leave_subjects_out(opened, write):
    facts = opened()
    facts.load(
        [
            write(
                "e.csv",
                "account,person,event,at\nacme,p,login,2026-01-01\ntest-1,p,x,2026-01-01\nTEST-2,p,x,2026-01-01\n",
            )
        ],
        now=JUN,
    )
    facts = opened(exclude={"accounts": ["test-*"]})
    assert facts.subjects().label == ("acme",)
    assert facts.subjects().excluded.size == 2
