"""`route explain` by stages: what it says is what the stages decide."""

import sys
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from hypothesis import given, settings
from typer.testing import CliRunner

from beforehand.cli import app
from beforehand.routing.batch import Batch, Said
from beforehand.routing.explaining import HELD, Step, steps, trace
from beforehand.routing.pipeline import decide

sys.path.insert(0, str(Path(__file__).parent))
from test_stages import LATER, NOW, batches, due, item
from test_telling import NOW as MONDAY
from test_telling import lived


def said(batch: Batch, number: int = 1, person: str = "Ana") -> list[tuple[str, str]]:
    return [(step.stage, step.word) for step in steps(trace(batch), number, person)]


def test_each_stage_says_its_word() -> None:
    batch = Batch(NOW, (due(item(1)), due(item(2, severity="low", signal="b"))), budget={"Ana": 9}, spent={"Ana": 2})
    assert said(batch)[:4] == [("hold", "passes"), ("inhibit", "passes"), ("remember", "first"), ("group", "alone")]
    assert said(batch)[-1] == ("send", "now") and said(batch, 2)[-1] == ("inhibit", HELD)
    found = {step.stage: step.why for step in steps(trace(batch), 1, "Ana")}
    assert found["budget"] == "2 of 9 messages of this week are spent"
    asleep = replace(batch, opens={"Ana": LATER})
    assert steps(trace(asleep), 1, "Ana")[-1] == Step("send", "waits", "they do not work now", LATER)
    told = replace(batch, before={(1, "Ana"): Said("high", "first")})
    assert said(told)[-1] == ("remember", "told")


@settings(max_examples=150, deadline=None)
@given(batch=batches())
def test_it_says_what_the_stages_decide(batch: Batch) -> None:
    after, traced = decide(batch), trace(batch)
    held = {(one.alert, one.person): one for one in after.held}
    news = {(one.item.number, telling.person): telling for telling in after.tellings for one in telling.news}
    for one in batch.due:
        key = (one.item.number, one.person)
        last = steps(traced, *key)[-1]
        assert last.why
        if key in held:
            assert (last.stage, last.word, last.why) == (held[key].stage, HELD, held[key].why)
        elif key in news:
            assert last.stage == "send" and last.until == news[key].at
            assert (last.word == "silent") == news[key].silent
        else:
            assert last.stage == "remember" and last.word in ("told", "nothing")


def test_it_is_shown_with_every_reason_and_what_was_told(tmp_path: Path) -> None:
    ws = lived(tmp_path)
    ws.run(now=MONDAY, tells=False)
    (before,) = [a for a in ws.explain("acme", now=MONDAY)["alerts"] if a["signal"] == "logins-fall"]
    assert [step["word"] for step in before["hearers"][0]["stages"]][-1] == "now" and before["told"] == []
    ws.run(now=MONDAY + timedelta(minutes=1))
    for row in ws.explain("acme", now=MONDAY + timedelta(minutes=2))["alerts"]:
        stages = row["hearers"][0]["stages"]
        word = "told" if row["signal"] == "logins-fall" else HELD
        assert stages[-1]["word"] == word
        if row["told"]:
            assert (row["told"][0]["channel"], row["told"][0]["state"]) == ("mail", "due")
    done = CliRunner().invoke(app, ["route", "explain", "acme", "-w", str(tmp_path)], catch_exceptions=False)
    text = "\n".join(line.rstrip() for line in done.stdout.splitlines())
    assert "inhibit" in text and "covers it" in text and "they were told of it (first, high)" in text
    assert "\n\n  told · Ana · first" in text
