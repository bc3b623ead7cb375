"""What comes back over HTTP, as a small ASGI application: buttons, unsubscriptions, replies.

    POST /slack                   buttons of Slack, signed by it
    GET, POST /do/TOKEN           buttons of mails: a page that asks, and what it asks
    GET, POST /unsubscribe/TOKEN  one click (RFC 8058), or a page with a button
    POST /replies                 answers of customers, as JSON or as the mail itself

`application(root)` is what a server mounts; `beforehand callbacks` serves it alone.
"""

from beforehand.callbacks.app import Callbacks, application

__all__ = ["Callbacks", "application"]
