"""What an alert looks like on its way out, before anything is set up; and Apprise, the adapter for the rest."""

from __future__ import annotations

import importlib.util
import json
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from typer.testing import CliRunner

from beforehand.channels import Chart, Facts, Headline, Message, Words
from beforehand.channels.apprise import Apprise
from beforehand.cli import app
from beforehand.commands import Workspace
from beforehand.commands.alert_message import alert_message
from beforehand.commands.handing import Ways
from beforehand.errors import EngineError, InputError
from beforehand.store import Act

NOW = datetime(2026, 6, 29, tzinfo=UTC)
SHAPE = {
    "metric": "logins", "grain": "week", "starts": [f"2026-0{m}-01T00:00:00Z" for m in range(1, 7)],
    "values": [14.0, 12.0, None, 15.0, 2.0, 1.0], "held": [4, 5], "usual": [11.0, 16.0], "threshold": 2.0,
    "rate": " a week",
}  # fmt: skip
ALERT: dict[str, Any] = {
    "alert": "A-1042", "account": "globex", "name": "Globex", "signal": "login-drop", "severity": "critical",
    "polarity": "risk", "suggested": {"name": "Check in"},
    "story": {
        "headline": "Logins fell from 14 a week to 1; and one more sign",
        "sentences": [
            {"topic": "change", "text": "Logins were 2 and 1 <b>lately</b>."},
            {"topic": "line", "text": "The line is below 2 a week."},
            {"topic": "stake", "text": "£84k renews on 15 July."},
        ],
        "series": [SHAPE],
    },
}  # fmt: skip


@pytest.fixture
def ws(tmp_path: Path) -> Workspace:
    (tmp_path / "beforehand.yaml").write_text(
        "name: Acme\nchannels:\n  care:\n    kind: slack\n    token: {env: T}\n  pager:\n    kind: apprise\n"
        "    url: {env: PAGER_URL}\n"
    )
    made = Workspace(tmp_path, "ann")
    made.show = lambda target, now=None: {"now": NOW, "zone": "UTC", "alerts": [ALERT]}  # type: ignore[method-assign]
    return made


def test_the_message_about_an_alert_tells_the_story() -> None:
    message = alert_message(ALERT, ZoneInfo("UTC"), NOW, why="you own Globex")
    assert message.subject == "Globex: logins fell from 14 a week to 1"
    kinds = {type(block): block for block in message.blocks}
    assert kinds[Headline] == Headline(message.subject, "critical")
    assert kinds[Words] == Words("Logins were 2 and 1 <b>lately</b>.")
    assert kinds[Facts] == Facts(
        (("Why you", "you own Globex"), ("At stake", "£84k renews on 15 July."), ("Response", "Check in"))
    )
    chart = kinds[Chart]
    assert isinstance(chart, Chart)
    assert (chart.title, chart.lower, chart.bound, chart.held) == ("Logins a week", 11.0, 2.0, (4, 5))
    assert message.thread == "A-1042"
    assert Message.from_json(json.loads(json.dumps(message.as_json()))) == message


@pytest.mark.parametrize(
    ("channel", "ending"), [("email", "html"), ("slack", "html"), ("care", "html"), ("webhook", "json")]
)
def test_a_preview_is_written_and_nothing_sent(ws: Workspace, channel: str, ending: str) -> None:
    result = ws.preview("A-1042", channel=channel)
    assert result["file"].suffix == f".{ending}"
    text = result["file"].read_text(encoding="utf-8")
    assert "Globex: logins fell from 14 a week to 1" in text
    if ending == "html":
        assert "<b>lately</b>" not in text
    else:
        assert json.loads(text) == result["payload"]


def test_what_cannot_be_previewed_is_said(ws: Workspace, tmp_path: Path) -> None:
    for channel in ("fax", "pager"):
        with pytest.raises(InputError):
            ws.preview("A-1042", channel=channel)
    with pytest.raises(EngineError, match="cannot be written"):
        ws.preview("A-1042", out=tmp_path / "beforehand.yaml" / "x.html")
    ws.show = lambda target, now=None: {"now": NOW, "zone": "UTC", "account": {}, "alerts": [ALERT]}  # type: ignore[method-assign]
    with pytest.raises(InputError, match="is an account"):
        ws.preview("globex")
    said = CliRunner().invoke(app, ["preview", "A-1042", "--channel", "slak", "-w", str(tmp_path)])
    assert isinstance(said.exception, InputError)
    assert "slack" in said.exception.hint


def _known_alert() -> Any:
    """The alert of which every channel's form is kept; this folder is no package."""
    spec = importlib.util.spec_from_file_location("messages", Path(__file__).parent / "messages.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.ALERT


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of modules its plug-ins import
def test_apprise_tells_once_and_says_only_whether(monkeypatch: pytest.MonkeyPatch) -> None:
    import apprise

    asked: list[dict[str, Any]] = []

    def notify(self: Any, **said: Any) -> bool:
        asked.append(said)
        return said["title"] == "Hello"

    monkeypatch.setattr(apprise.Apprise, "notify", notify)
    channel = Apprise("json://127.0.0.1:1/?secret=hunter2")
    hello = Message("Hello", (Headline("Hello"), Words("hello")))
    assert channel.hand(hello, "", "k").state == "sent"
    assert asked == [{"title": "Hello", "body": "hello\n"}]
    assert channel.hand(Message("No", (Words("x"),)), "", "k").state == "retry"
    assert Apprise("nonsense").hand(hello, "", "k").reason == "bad-address"
    assert "hunter2" not in repr(channel)
    channel.hand(_known_alert(), "", "k")
    kept = Path(__file__).parent / "golden" / "alert-apprise.txt"
    assert f"{asked[-1]['title']}\n\n{asked[-1]['body']}" == kept.read_text(encoding="utf-8")
    monkeypatch.setattr(apprise.Apprise, "notify", lambda self, **said: 1 / 0)
    assert channel.hand(hello, "", "k").state == "in doubt"


def test_without_the_extra_it_is_put_off_and_said(ws: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "apprise", None)
    ways = Ways(ws.root, ws.settings.channels, {"PAGER_URL": "json://127.0.0.1"})
    payload = Message("Hello", (Words("hello"),)).as_json()
    act = Act(kind="apprise", channel="pager", recipient="", key="k", payload=payload)
    handed = ways.hand(act, None)
    assert (handed.state, handed.reason) == ("retry", "no-apprise")
    act.payload = {"subject": "nothing else"}
    assert ways.hand(act, None).state == "refused"
