"""Ways out: a message as typed blocks, one file for each channel, and nothing that retries on its own idea of time."""

from beforehand.channels.message import (
    Block,
    Button,
    Chart,
    Divider,
    Facts,
    Headline,
    Link,
    Listing,
    Message,
    Quote,
    Words,
)
from beforehand.channels.seam import Channel, Handed

__all__ = [
    "Block",
    "Button",
    "Channel",
    "Chart",
    "Divider",
    "Facts",
    "Handed",
    "Headline",
    "Link",
    "Listing",
    "Message",
    "Quote",
    "Words",
]
