"""`callbacks:` of beforehand.yaml: where what comes back is taken, and what it is signed with. Pure."""

from __future__ import annotations

from email.utils import parseaddr
from typing import Annotated

from pydantic import AfterValidator, Field
from pydantic import model_validator as validated
from pydantic_core import Url

from beforehand.workspace.channel_spec import MailAddress, Secrets
from beforehand.workspace.spec_base import SecretSpec, Spec

HERE = ("localhost", "127.0.0.1", "[::1]")
LONGEST_LOCAL = 20
"""A mark of up to 42 characters follows it, and the part before the @ has 64 at most (RFC 5321, 4.5.3.1.1)."""


def _public(value: str) -> str:
    try:
        parts = Url(value)
    except ValueError:
        parts = None
    if parts is None or parts.scheme not in ("http", "https") or not parts.host:
        raise ValueError(f"'{value[:60]}' is no address of a web page; it begins with https://")
    if parts.scheme == "http" and parts.host not in HERE:
        raise ValueError("links in mails lead there, and what unsubscribes in one click must begin with https://")
    if parts.username or parts.password or parts.query or parts.fragment:
        raise ValueError("only the address itself is written, as https://care.acme.example/hooks")
    return value.rstrip("/")


def _short(value: str) -> str:
    local = parseaddr(value)[1].rpartition("@")[0]
    if len(local) > LONGEST_LOCAL or "+" in local:
        raise ValueError(
            f"a mark of each run is written behind '{local[:40]}': at most {LONGEST_LOCAL} characters and no + before "
            "the @, as replies@acme.example"
        )
    return value


class CallbacksSpec(Spec):
    """What comes back: buttons, unsubscriptions and replies, as `beforehand callbacks` takes them."""

    url: Annotated[str, AfterValidator(_public)] | None = Field(
        default=None,
        description=(
            "The public address under which it is reached, such as `https://care.acme.example`; links and buttons of "
            "mails lead there. Without it mails have no buttons, and unsubscribing is a mail to the sender."
        ),
    )
    secret: Secrets = Field(
        default=(), description="What links are signed with; several while one takes another's place, the newest first."
    )
    slack: Secrets = Field(default=(), description="The signing secret of the Slack app whose buttons come back.")
    replies: Secrets = Field(
        default=(), description="What replies that are posted are signed with, base64 (`whsec_`...), one or several."
    )
    reply_to: Annotated[MailAddress, AfterValidator(_short)] | None = Field(
        default=None,
        description=(
            "Where answers of customers go, with a mark of the run behind the name (`replies+mark@acme.example`); "
            "where absent they go to the owner, and are known by what they answer."
        ),
    )

    @validated(mode="after")
    def _signed(self) -> CallbacksSpec:
        if (self.url or self.reply_to) and not self.secret:
            raise ValueError("`url` and `reply_to` need a `secret`, which links are signed with: {env: NAME}")
        return self

    def all_of(self, name: str) -> tuple[SecretSpec, ...]:
        """The secrets under `secret`, `slack` or `replies`, the newest first."""
        held: SecretSpec | tuple[SecretSpec, ...] = getattr(self, name)
        return (held,) if isinstance(held, SecretSpec) else held
