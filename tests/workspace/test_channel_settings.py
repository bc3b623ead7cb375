"""`channels:` and `state:` of beforehand.yaml: every mistake with its line, and no secret on any screen."""

from __future__ import annotations

from pathlib import Path

import pytest

from beforehand.channels import Channel
from beforehand.channels.email import Email
from beforehand.channels.opening import KEYED, SecretMissingError, open_channel
from beforehand.channels.slack import Slack
from beforehand.channels.webhook import Webhook
from beforehand.commands import Workspace
from beforehand.errors import InputError, Problems
from beforehand.workspace.channel_spec import KINDS

RIGHT = """
state: {env: STATE_URL}
channels:
  mail:
    kind: email
    host: smtp.acme.example
    user: care
    password: {file: secrets/smtp}
    sender: Care <care@acme.example>
    allow: [10.0.0.0/8, 127.0.0.1]
  care: {kind: slack, token: {env: SLACK_TOKEN}, buttons: no}
  crm: {kind: webhook, url: "https://crm.acme.example/in", secret: [{env: NEW}, {env: OLD}]}
  rest: {kind: apprise, url: {env: PAGER}}
"""


def read(root: Path, text: str) -> Workspace:
    (root / "beforehand.yaml").write_text(text)
    return Workspace(root, "ann")


def test_each_kind_is_opened_with_its_secrets(tmp_path: Path) -> None:
    specs = read(tmp_path, RIGHT).settings.channels
    (tmp_path / "secrets").mkdir()
    (tmp_path / "secrets" / "smtp").write_text("hunter2\n")
    found = {"SLACK_TOKEN": "xoxb-1", "NEW": "bmV3", "OLD": "b2xk", "PAGER": "json://x"}
    opened: dict[str, Channel] = {name: open_channel(spec, tmp_path, found) for name, spec in specs.items()}
    mail, care, crm = opened["mail"], opened["care"], opened["crm"]
    assert isinstance(mail, Email)
    assert (mail.port, mail.security, mail.password) == (587, "starttls", "hunter2")
    assert isinstance(care, Slack)
    assert (care.token, care.buttons) == ("xoxb-1", False)
    assert isinstance(crm, Webhook)
    assert crm.secrets == ("bmV3", "b2xk")
    assert {spec.kind for spec in specs.values()} == set(KINDS) == set(KEYED)
    assert all(channel.keyed is KEYED[specs[name].kind] for name, channel in opened.items())
    assert "hunter2" not in repr(opened)
    (tmp_path / "secrets" / "smtp").unlink()
    with pytest.raises(SecretMissingError, match="file secrets/smtp"):
        open_channel(specs["mail"], tmp_path, found)


@pytest.mark.parametrize(
    ("line", "code", "said"),
    [
        ("  m: {kind: emial}", "bad-value", "Did you mean email?"),
        ("  m: {host: x}", "missing-key", "has no `kind:`"),
        ("  m: {kind: email, hots: x, sender: a@b.example}", "unknown-key", "Did you mean host?"),
        ("  m: {kind: email, host: x, sender: nobody}", "bad-value", "no mail address"),
        ("  m: {kind: email, host: x, sender: a@b.example, user: me}", "bad-value", "go together"),
        ("  m: {kind: email, host: x, sender: a@b.example, user: me, password: {env: P}, security: none}", "bad-value",
         "everybody on the way"),
        ("  m: {kind: email, host: x, sender: a@b.example, user: me, password: hunter2}", "bad-value", "never written"),
        ("  m: {kind: slack}", "bad-value", "exactly one of"),
        ("  m: {kind: slack, token: {env: A, file: b}}", "bad-value", "exactly one place"),
        ("  m: {kind: webhook, url: ftp://x.example}", "bad-value", "begins with https://"),
        ("  m: {kind: webhook, url: 'https://u:hunter2@x.example'}", "bad-value", "is a secret"),
        ("  m: {kind: webhook, url: 'https://x.example', secret: hunter2}", "bad-value", "never written"),
        ("  m: {kind: webhook, url: 'https://x.example', allow: everything}", "bad-value", "no address or network"),
        ("  Big Name: {kind: webhook, url: 'https://x.example'}", "bad-name", "no name"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_with_its_line(tmp_path: Path, line: str, code: str, said: str) -> None:
    with pytest.raises(Problems) as told:
        _ = read(tmp_path, f"name: Acme\nchannels:\n{line}\n").settings
    problems = [problem for problem in told.value.problems if problem.code == code]
    assert any(said in f"{problem.message} {problem.hint}" and problem.line == 3 for problem in problems)
    assert "hunter2" not in str(told.value)


@pytest.mark.parametrize(
    "written",
    [
        "sqlite:///x",
        "postgresql://u:hunter2@h/db",
        "postgresql://h",
        "mysql://h/db",
        "'postgresql:///d?password=hunter2'",
    ],
)
def test_a_state_that_cannot_be(tmp_path: Path, written: str) -> None:
    with pytest.raises(Problems) as told:
        _ = read(tmp_path, f"state: {written}\n").settings
    assert "hunter2" not in str(told.value)


def test_where_the_state_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with read(tmp_path, "name: Acme\n").state() as state:
        assert state.name.endswith("state.sqlite")
    monkeypatch.delenv("STATE_URL", raising=False)
    with pytest.raises(InputError, match="environment variable STATE_URL"), read(tmp_path, RIGHT).state():
        pass
