"""When facts were learned, and what became of accounts."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from beforehand.calendar import to_us
from beforehand.errors import InputError

JAN, FEB, JUN = (datetime(2026, m, 1, tzinfo=UTC) for m in (1, 2, 6))
DAY_US = 86_400_000_000


def delays(facts):
    return [r[0] for r in facts.connection.execute("SELECT delay FROM events ORDER BY stored_seq").fetchall()]


def csv_of(*rows, header="account,event,at"):
    return "\n".join([header, *rows]) + "\n"


def test_before_go_live_and_in_a_sources_first_load_arrival_is_assumed(opened, write):
    facts = opened()
    assert facts.load([write("1.csv", csv_of("a,x,2026-01-01"))], now=JUN).assumed_learned == 1
    assert facts.load([write("2.csv", csv_of("a,y,2026-01-01"))], now=JUN).assumed_learned == 1
    assert facts.assumed_arrival and facts.go_live_at is None
    facts.go_live(FEB)
    assert facts.go_live(JUN) == FEB
    late = facts.load([write("3.csv", csv_of("a,z,2026-01-01"))], now=JUN)
    assert late.assumed_learned == 0
    first = facts.load(
        [write("4.csv", csv_of("a,w,2026-01-01")), write("5.csv", csv_of("a,v,2026-01-01"))], source="crm", now=JUN
    )
    assert first.assumed_learned == 2
    assert facts.load([write("6.csv", csv_of("a,u,2026-01-01"))], source="crm", now=JUN).assumed_learned == 0
    after = to_us(JUN) - to_us(JAN)
    assert delays(facts) == [0, 0, after, 0, 0, after]
    assert (
        facts.connection.execute("SELECT backfilled FROM batches ORDER BY batch").fetchall()
        == [(False,)] * 2 + [(True,)] * 4
    )


def test_a_column_says_when_it_was_learned_and_early_ones_are_raised(opened, write):
    facts = opened()
    f = write(
        "1.csv",
        csv_of(
            "a,x,2026-01-01,2026-01-04",
            "a,y,2026-01-02,2026-01-01",
            "a,z,2026-01-02,",
            header="account,event,at,learned",
        ),
    )
    done = facts.load([f], now=JUN)
    assert (done.assumed_learned, done.raised_learned) == (1, 1)
    assert delays(facts) == [3 * DAY_US, 0, 0]


@pytest.mark.parametrize(
    ("learned", "expected"), [("occurred", [0]), ("now", [to_us(JUN) - to_us(JAN)]), ("seen", [DAY_US])]
)
def test_learned_overrides(opened, write, learned, expected):
    facts = opened()
    facts.go_live(FEB)
    facts.load([write("0.csv", csv_of("a,first,2026-01-01"))], now=JUN)
    facts.load(
        [write("1.csv", csv_of("a,x,2026-01-01,2026-01-02,2026-01-03", header="account,event,at,seen,learned"))],
        learned=learned,
        now=JUN,
    )
    assert delays(facts)[1:] == expected


def test_a_silence_that_reaches_the_end_is_an_outcome(opened, write):
    facts = opened(derived={"silent": timedelta(days=30)})
    rows = ["a,x,2026-01-01T12:00:00Z", "b,x,2026-01-01", "b,x,2026-03-01", "c,x,2026-02-20", "z,bot,2026-04-01"]
    facts.load([write("1.csv", csv_of(*rows))], now=JUN)
    end = to_us(datetime(2026, 4, 1, tzinfo=UTC))

    def names(until):
        return {
            facts.label(o.account): (o.occurred_us - o.began_us, o.learned_us == o.occurred_us)
            for o in facts.outcomes("silent", until)
        }

    assert names(end) == dict.fromkeys("abc", (30 * DAY_US, True))
    # The end of the data is the newest fact: later moments add no silence; and the days must be full.
    assert names(to_us(JUN)) == names(end)
    assert set(names(to_us(datetime(2026, 3, 22, tzinfo=UTC)) - 1)) == {"a"}
    assert set(names(to_us(datetime(2026, 3, 22, tzinfo=UTC)))) == {"a", "c"}
    # A silence that ended is none: b was quiet for 59 days in between, and spoke again before this moment.
    assert "b" not in names(to_us(datetime(2026, 3, 15, tzinfo=UTC)))


def test_our_own_touches_do_not_break_a_silence(opened, write):
    facts = opened(derived={"silent": timedelta(days=30)})
    facts.load([write("1.csv", csv_of("a,x,2026-01-01", "b,x,2026-04-01"))], now=JUN)
    facts.load([write("t.csv", "account,at,kind\na,2026-03-30,call\n")], table="touches", now=JUN)
    assert [facts.label(o.account) for o in facts.outcomes("silent", to_us(JUN))] == ["a"]


def test_recorded_outcomes_with_their_notice(opened, write):
    facts = opened()
    f = write(
        "o.csv",
        "account,outcome,at,notice_at,amount\na,churned,2026-03-01,2026-02-01,500\nb,churned,2026-05-01,,\nb,renewed,2026-01-01,,\n",
    )
    facts.load([f], table="outcomes", now=JUN)
    found = facts.outcomes("churned", to_us(datetime(2026, 4, 1, tzinfo=UTC)))
    assert [(facts.label(o.account), o.notice_us, o.amount) for o in found] == [("a", to_us(FEB), 500.0)]
    assert facts.outcomes("expanded", to_us(JUN)) == []
    with pytest.raises(InputError, match="'chrned'"):
        facts.outcomes("chrned", 0)
