"""What identifies people taken out of a message before it is handed over: from quotes, and secrets anywhere. Pure."""

from __future__ import annotations

from dataclasses import replace

from beforehand.channels.message import Block, Facts, Headline, Listing, Message, Quote, Words
from beforehand.text import mask, mask_secrets


def masked(message: Message) -> Message:
    """The message with addresses, numbers and keys masked in what is quoted, and card and account numbers and keys in
    what we say ourselves, which names people so that somebody can act.

    What goes to a customer stays as it is written.
    """
    if message.purpose == "customer":
        return message
    return replace(message, subject=mask_secrets(message.subject), blocks=tuple(map(_block, message.blocks)))


def _block(block: Block) -> Block:
    match block:
        case Quote(text=text):
            return replace(block, text=mask(text))
        case Headline(text=text) | Words(text=text):
            return replace(block, text=mask_secrets(text))
        case Facts(rows=rows):
            return replace(block, rows=tuple((label, mask_secrets(value)) for label, value in rows))
        case Listing(items=items):
            return replace(block, items=tuple(map(mask_secrets, items)))
        case _:
            return block
