"""What Slack would make of our blocks, as a web page: to be looked at before an app is installed. Pure."""

from __future__ import annotations

import re
from html import escape
from typing import Any

STYLE = """
:root{color-scheme:light dark;--ground:#fff;--ink:#1d1c1d;--soft:#616061;--line:#dddddd;--quote:#dddddd;--code:#c01343;
--codeground:#f6f6f6;--go:#007a5a;--no:#e01e5a;--link:#1264a3}
@media(prefers-color-scheme:dark){:root{--ground:#1a1d21;--ink:#d1d2d3;--soft:#ababad;--line:#45474b;--quote:#45474b;
--code:#e8912d;--codeground:#222529;--go:#2c8b6b;--no:#e0456f;--link:#1d9bd1}}
body{margin:0;background:var(--ground);color:var(--ink);font:15px/1.47 Lato,'Helvetica Neue',Arial,sans-serif}
main{max-width:680px;padding:28px 24px;display:grid;grid-template-columns:36px 1fr;gap:0 10px}
.face{width:36px;height:36px;border-radius:6px;background:#0f6b64;color:#fff;text-align:center;
font:700 17px/36px Lato,Arial}
.who b{font-weight:900;margin-right:6px}.who span{color:var(--soft);font-size:12px}
.who i{font:700 10px/14px Lato,Arial;color:var(--soft);background:var(--codeground);border-radius:2px;padding:1px 4px;
margin-right:6px}
h3{font-size:18px;line-height:1.33;margin:4px 0 8px}p{margin:0 0 8px;white-space:pre-line}
blockquote{margin:0 0 8px;padding-left:12px;border-left:4px solid var(--quote)}
code{color:var(--code);background:var(--codeground);border:1px solid var(--line);border-radius:3px;padding:2px 3px;
font-size:12px}a{color:var(--link)}
.fields{display:grid;grid-template-columns:1fr 1fr;gap:8px 16px;margin:0 0 8px}.fields p{margin:0}
.context{color:var(--soft);font-size:12px}hr{border:0;border-top:1px solid var(--line);margin:8px 0 16px}
.actions{display:flex;flex-wrap:wrap;gap:8px;margin:8px 0}
.actions span{border:1px solid var(--line);border-radius:4px;padding:5px 12px;font:700 13px/1.4 Lato,Arial}
.primary{background:var(--go);border-color:var(--go)!important;color:#fff}
.danger{background:var(--no);border-color:var(--no)!important;color:#fff}
"""


def page(payload: dict[str, Any], sender: str) -> str:
    """A web page of a payload as it is posted to Slack."""
    body = "".join(_block(block) for block in payload["blocks"])
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{escape(payload["text"])}</title>'
        f"<style>{STYLE}</style></head>\n<body><main>"
        f'<div class="face">{escape(sender[:1])}</div><div><div class="who"><b>{escape(sender)}</b><i>APP</i>'
        f"<span>now</span></div>{body}</div></main></body></html>\n"
    )


def _block(block: dict[str, Any]) -> str:
    match block["type"]:
        case "header":
            return f"<h3>{escape(block['text']['text'])}</h3>"
        case "section" if "fields" in block:
            cells = "".join(f"<p>{_marked(field['text'])}</p>" for field in block["fields"])
            return f'<div class="fields">{cells}</div>'
        case "section":
            return _prose(block["text"]["text"])
        case "context":
            return f'<p class="context">{_marked(" ".join(e["text"] for e in block["elements"]))}</p>'
        case "actions":
            buttons = "".join(
                f'<span class="{escape(b.get("style", ""))}">{escape(b["text"]["text"])}</span>'
                for b in block["elements"]
            )
            return f'<div class="actions">{buttons}</div>'
        case _:
            return "<hr>"


def _prose(text: str) -> str:
    """Lines that begin with > are quoted."""
    lines = text.splitlines()
    if lines and all(line.startswith("> ") for line in lines):
        return "<blockquote>" + "<br>".join(_marked(line[2:]) for line in lines) + "</blockquote>"
    return f"<p>{_marked(text)}</p>"


def _marked(text: str) -> str:
    """Slack's marks as HTML: `<address|words>`, *strong*, `code`; the text has its three characters escaped already."""
    linked = re.sub(r"<([^|<>]+)\|([^<>]*)>", lambda m: f"\x01{escape(m[1])}\x02{m[2]}\x03", text)
    safe = linked.replace("<", "&lt;").replace(">", "&gt;").replace('"', "&quot;")
    safe = re.sub(r"\x01(.*?)\x02(.*?)\x03", r'<a href="\1">\2</a>', safe)
    safe = re.sub(r"`([^`\n]+)`", r"<code>\1</code>", safe)
    return re.sub(r"(?<![\w*])\*([^*\n]+)\*(?![\w*])", r"<b>\1</b>", safe)
