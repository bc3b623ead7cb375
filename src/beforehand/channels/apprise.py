"""The one adapter for all other services: Apprise, an extra. It tries once; what is tried again is ours to decide.

Apprise says only whether it worked, and knows no key: what failed may have been told, and is in doubt only where it
raised in the middle.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, field

from beforehand.channels import plain
from beforehand.channels.message import Message
from beforehand.channels.seam import Handed
from beforehand.errors import InputError


@dataclass(frozen=True)
class Apprise:
    """Hands messages as plain text to the service of an Apprise address; the recipient is part of that address."""

    url: str = field(repr=False)
    timeout_s: float = 20.0
    keyed = False

    def hand(self, message: Message, recipient: str, key: str, replaces: str | None = None) -> Handed:
        """Tells the service once; `refused` where the address is none that Apprise knows."""
        try:
            import apprise
        except ModuleNotFoundError as error:
            raise InputError(
                "A channel is of the kind apprise, and Apprise is not installed.",
                "Install it: pip install 'beforehand[apprise]'.",
                code="no-apprise",
            ) from error
        # What it logs holds addresses, and with them secrets.
        logging.getLogger("apprise").addHandler(logging.NullHandler())
        logging.getLogger("apprise").propagate = False
        # No `retry`: once. The timeouts are part of the address, so one that is set there wins.
        joined = "&" if "?" in self.url else "?"
        timed = self.url if "rto=" in self.url else f"{self.url}{joined}cto={self.timeout_s:g}&rto={self.timeout_s:g}"
        teller = apprise.Apprise()
        if not teller.add(timed):
            return Handed("refused", "bad-address", "Apprise does not know this address.")
        try:
            told = teller.notify(title=message.subject, body=plain.text(message, headlines=False))
        except Exception as error:  # the plug-ins of 170 services raise what they like
            return Handed("in doubt", "cut-off", f"Apprise broke off: {type(error).__name__}.")
        return Handed("sent", "accepted") if told else Handed("retry", "rejected", "The service did not take it.")
