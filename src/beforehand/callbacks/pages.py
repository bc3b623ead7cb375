"""The few pages people meet: one sentence, perhaps a button. No script, nothing from elsewhere, light and dark."""

from __future__ import annotations

import base64
import hashlib
from html import escape

from beforehand.callbacks.asking import Answer

STYLE = """
:root{color-scheme:light dark;--ground:#fbfaf8;--panel:#fff;--ink:#1d1b18;--soft:#5f5a52;--line:#e9e5df;
--accent:#0f6b64;--on:#fff}
@media (prefers-color-scheme:dark){:root{--ground:#141311;--panel:#1b1a17;--ink:#ece8e1;--soft:#a39c91;--line:#2b2925;
--accent:#5cc4ba;--on:#08211f}}
*{box-sizing:border-box}
body{margin:0;min-height:100vh;display:grid;place-items:center;padding:24px;background:var(--ground);color:var(--ink);
font:16px/1.6 -apple-system,BlinkMacSystemFont,'Segoe UI',Inter,Roboto,Helvetica,Arial,sans-serif}
main{width:100%;max-width:460px;background:var(--panel);border:1px solid var(--line);border-radius:8px;padding:32px}
h1{margin:0 0 12px;font-size:20px;line-height:1.3;font-weight:600;letter-spacing:-.01em}
p{margin:0 0 12px}.soft{color:var(--soft);font-size:14px}form{margin:20px 0 0}
main>:last-child{margin-bottom:0}
button{font:inherit;font-size:15px;font-weight:500;line-height:1.2;padding:11px 18px;border:0;border-radius:6px;
background:var(--accent);color:var(--on);cursor:pointer}
button:focus-visible{outline:3px solid var(--ink);outline-offset:2px}
strong{font-weight:600;overflow-wrap:anywhere}
"""
HASH = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
POLICY = f"default-src 'none'; style-src 'sha256-{HASH}'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"


def page(
    title: str, said: str, *, strong: str = "", button: str = "", field: tuple[str, str] | None = None, soft: str = "",
    status: int = 200,
) -> Answer:  # fmt: skip
    """A page: a title, a sentence (in which `strong` stands out), and a button that posts to its own address."""
    text = escape(said)
    if strong:
        text = text.replace(escape(strong), f"<strong>{escape(strong)}</strong>", 1)
    hidden = f'<input type="hidden" name="{escape(field[0])}" value="{escape(field[1])}">' if field else ""
    form = f'<form method="post">{hidden}<button>{escape(button)}</button></form>' if button else ""
    below = f'<p class="soft">{escape(soft)}</p>' if soft else ""
    body = (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1"><meta name="robots" content="noindex">'
        f"<title>{escape(title)}</title><style>{STYLE}</style></head>\n"
        f"<body><main><h1>{escape(title)}</h1><p>{text}</p>{below}{form}</main></body></html>\n"
    )
    return Answer(status, body.encode(), "text/html; charset=utf-8", {"content-security-policy": POLICY})
