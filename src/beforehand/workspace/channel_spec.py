"""`channels:` of beforehand.yaml: the ways out, each by a name that routes and playbooks use. Pure."""

from __future__ import annotations

import ipaddress
from email.utils import parseaddr
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, Discriminator, Field, Tag, WithJsonSchema
from pydantic import model_validator as validated
from pydantic_core import Url

from beforehand.workspace.spec_base import Secret, SecretSpec, Spec

ALLOW = "Private addresses or networks it may connect to, such as `127.0.0.1` or `10.0.0.0/8`; else only public ones."
TIMEOUT = "How long each step of handing over may take."


def _network(value: str) -> str:
    try:
        ipaddress.ip_network(value, strict=False)
    except ValueError:
        raise ValueError(f"'{value}' is no address or network; write 127.0.0.1 or 10.0.0.0/8") from None
    return value


def _address(value: str) -> str:
    local, at, domain = parseaddr(value)[1].rpartition("@")
    if not (at and local and domain) or not value.isprintable():
        raise ValueError(f"'{value}' is no mail address; write team@example.com, or Team <team@example.com>")
    return value


def _web(value: str) -> str:
    try:
        parts = Url(value)
    except ValueError:
        parts = None
    if parts is None or parts.scheme not in ("http", "https") or not parts.host:
        raise ValueError(f"'{value[:60]}' is no address of a web page; it begins with https:// or http://")
    if parts.username or parts.password:
        raise ValueError("an address with a password in it is a secret; write {env: NAME} or {file: PATH}")
    return value


def _in_a_list(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


def _secret_or_not(value: Any) -> str:
    return "a secret" if isinstance(value, dict | SecretSpec) else "written out"


Allow = Annotated[
    tuple[Annotated[str, AfterValidator(_network)], ...],
    BeforeValidator(_in_a_list),
    WithJsonSchema({"type": ["string", "array"], "items": {"type": "string"}}),
]
MailAddress = Annotated[str, AfterValidator(_address)]
Timeout = Annotated[int, Field(ge=1, le=60)]
# An address as it is, or where it is kept.
WebAddress = Annotated[
    Annotated[Annotated[str, AfterValidator(_web)], Tag("written out")] | Annotated[SecretSpec, Tag("a secret")],
    Discriminator(_secret_or_not),
]
# One secret, or a list of them.
Secrets = Annotated[
    Annotated[Secret, Tag("one")] | Annotated[tuple[Secret, ...], Tag("several")],
    Discriminator(lambda value: "several" if isinstance(value, list | tuple) else "one"),
]


class EmailSpec(Spec):
    """Mail by a server that takes SMTP."""

    kind: Literal["email"] = Field(description="`email`.")
    host: str = Field(min_length=1, description="The mail server.")
    port: int | None = Field(
        default=None, ge=1, le=65535, description="Its port; 587 with STARTTLS, 465 with TLS, 25 with neither."
    )
    security: Literal["starttls", "tls", "none"] = Field(
        default="starttls", description="`none` only for a server on the same machine or network."
    )
    user: str | None = Field(default=None, description="The name to log in with; no login where absent.")
    password: Secret | None = Field(default=None, description="The password to log in with.")
    sender: MailAddress = Field(description="Whom mails are from, such as `Acme Care <care@acme.example>`.")
    reply_to: MailAddress | None = Field(default=None, description="Where answers go; to the sender where absent.")
    allow: Allow = Field(default=(), description=ALLOW)
    timeout_seconds: Timeout = Field(default=30, description=TIMEOUT)

    @validated(mode="after")
    def _whole_login(self) -> EmailSpec:
        if (self.user is None) != (self.password is None):
            raise ValueError("`user` and `password` go together")
        if self.user is not None and self.security == "none":
            raise ValueError("a login without TLS would show the password to everybody on the way")
        return self


class SlackSpec(Spec):
    """Slack: an incoming webhook, or an app whose messages have buttons and are edited when things change."""

    kind: Literal["slack"] = Field(description="`slack`.")
    webhook: Secret | None = Field(default=None, description="The address of an incoming webhook, a secret.")
    token: Secret | None = Field(default=None, description="The bot token of an app (`xoxb-`...).")
    buttons: bool = Field(default=True, description="Whether messages have buttons; an app takes what they send back.")
    api: WebAddress = Field(default="https://slack.com/api", description="Where Slack's interface is.")
    allow: Allow = Field(default=(), description=ALLOW)
    timeout_seconds: Timeout = Field(default=20, description=TIMEOUT)

    @validated(mode="after")
    def _one_way(self) -> SlackSpec:
        if (self.webhook is None) == (self.token is None):
            raise ValueError("give exactly one of `webhook` and `token`")
        return self


class WebhookSpec(Spec):
    """Any program that takes JSON over HTTP, signed as Standard Webhooks says."""

    kind: Literal["webhook"] = Field(description="`webhook`.")
    url: WebAddress = Field(description="Where it is posted to; `{env: NAME}` or `{file: PATH}` where it is a secret.")
    secret: Secrets = Field(
        default=(), description="What it is signed with, base64 (`whsec_`...); several while one takes another's place."
    )
    allow: Allow = Field(default=(), description=ALLOW)
    timeout_seconds: Timeout = Field(default=20, description=TIMEOUT)

    @property
    def secrets(self) -> tuple[SecretSpec, ...]:
        """What it is signed with, the newest first."""
        return (self.secret,) if isinstance(self.secret, SecretSpec) else self.secret


class AppriseSpec(Spec):
    """Any of the services Apprise knows (Teams, Telegram, ntfy, ...); needs the extra `apprise`."""

    kind: Literal["apprise"] = Field(description="`apprise`.")
    url: Secret = Field(description="The Apprise address of the service, a secret, such as `ntfy://topic`.")
    timeout_seconds: Timeout = Field(default=20, description=TIMEOUT)


ChannelSpec = Annotated[
    EmailSpec | SlackSpec | WebhookSpec | AppriseSpec,
    Discriminator("kind"),
]
Channels = dict[Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,79}$")], ChannelSpec]
BY_KIND: dict[str, type[BaseModel]] = {
    "email": EmailSpec, "slack": SlackSpec, "webhook": WebhookSpec, "apprise": AppriseSpec,
}  # fmt: skip
KINDS = tuple(BY_KIND)
