"""From what the settings say of a channel to the channel itself; the one place where secrets are looked up."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from beforehand.channels.addresses import networks
from beforehand.channels.seam import Channel
from beforehand.workspace.channel_spec import AppriseSpec, ChannelSpec, EmailSpec, SlackSpec, WebhookSpec
from beforehand.workspace.spec_base import SecretSpec

PORTS = {"starttls": 587, "tls": 465, "none": 25}
KEYED = {"email": False, "slack": False, "webhook": True, "apprise": False}
"""Which kinds pass the key on, so that handing over twice is told once; each channel says the same."""


class SecretMissingError(Exception):
    """A secret is not where the settings say; the message names the place, never a value."""


def open_channel(spec: ChannelSpec, root: Path, environment: Mapping[str, str]) -> Channel:
    """The channel of a spec; files of secrets are looked for from `root`. Raises SecretMissingError."""

    def known(secret: SecretSpec | str) -> str:
        if isinstance(secret, str):
            return secret
        found = secret.value(root, environment)
        if found is None:
            raise SecretMissingError(f"{secret.place[0].upper()}{secret.place[1:]} holds nothing.")
        return found

    match spec:
        case EmailSpec():
            from beforehand.channels.email import Email

            return Email(
                host=spec.host,
                port=spec.port or PORTS[spec.security],
                sender=spec.sender,
                security=spec.security,
                user=spec.user or "",
                password=known(spec.password) if spec.password else "",
                reply_to=spec.reply_to or "",
                allow=networks(spec.allow),
                timeout_s=float(spec.timeout_seconds),
            )
        case SlackSpec():
            from beforehand.channels.slack import Slack

            return Slack(
                webhook=known(spec.webhook) if spec.webhook else "",
                token=known(spec.token) if spec.token else "",
                buttons=spec.buttons,
                api=known(spec.api),
                allow=networks(spec.allow),
                timeout_s=float(spec.timeout_seconds),
            )
        case WebhookSpec():
            from beforehand.channels.webhook import Webhook

            return Webhook(
                url=known(spec.url),
                secrets=tuple(known(secret) for secret in spec.secrets),
                allow=networks(spec.allow),
                timeout_s=float(spec.timeout_seconds),
            )
        case AppriseSpec():
            from beforehand.channels.apprise import Apprise

            return Apprise(url=known(spec.url), timeout_s=float(spec.timeout_seconds))
