"""How quotes, signatures, disclaimers, code and machine output look, line by line.

Every repetition is bounded and each pattern is tried on one line of bounded length, so time stays linear in the text.
"""

from __future__ import annotations

import re


def _any(*forms: str, flags: re.RegexFlag = re.IGNORECASE) -> re.Pattern[str]:
    return re.compile("|".join(forms), flags)


# A message that a machine wrote, by its first lines.
AUTOMATIC = _any(
    r"out of (?:the )?office",
    r"automatic(?:ally generated)? (?:reply|response|message|e-?mail)",
    r"auto-?(?:matic )?reply|auto-?generated (?:reply|response|message|e-?mail)|autoresponder",
    r"currently (?:on|out) (?:leave|of office|on vacation|on holiday)",
    r"(?:i am|i'm|i will be) (?:currently )?(?:away from|out of office|on (?:annual |parental )?leave|on vacation)",
    r"do not reply to this (?:e-?mail|message)|this mailbox is not monitored|no-?reply@",
    r"delivery status notification|undelivered mail returned|mail delivery (?:failed|subsystem)|mailer-daemon",
    r"your (?:request|ticket|message) \(?#?\w{0,20}\)? ?has been received",
    r"abwesenheitsnotiz|automatische antwort|nicht im b[üu]ro|r[ée]ponse automatique|absent du bureau",
    r"respuesta autom[áa]tica|risposta automatica|automatisch antwoord|resposta autom[áa]tica",
)
QUOTED_LINE = re.compile(r"\s{0,8}(?:>|\|\s|&gt;)")
_SAID = (
    r"(?:wrote|schrieb\b.{0,80}|a [ée]crit|escribi[óo]|ha scritto|schreef\b.{0,80}|escreveu|skrev"
    r"|napisa[łl]\(?a?\)?|写道)"
)
# "On Monday, Jo wrote:" in the words of common mail programs, or anybody's address and then that word.
WROTE = _any(
    rf"\W{{0,4}}(?:on|am|le|el|il|op|em|den|dnia|at|в|在)\b.{{4,300}}\b{_SAID}\s?:?\W{{0,3}}$",
    rf".{{2,120}}<[^<>\s]{{3,80}}@[^<>\s]{{3,80}}>.{{0,30}}{_SAID}\s?:\s{{0,3}}$",
)
WROTE_BEGINS = ("on ", "am ", "le ", "el ")
HEADER = re.compile(
    r"\W{0,3}(?:from|sent|to|subject|date|cc|reply-to"
    r"|von|gesendet|an|betreff|datum|de|envoy[ée]|[àa]|objet|para|enviado|asunto|da|inviato|oggetto"
    r"|van|verzonden|aan|onderwerp)\W{0,3}:\W{0,3}\s?\S",
    re.IGNORECASE,
)
ORIGINAL = _any(
    r"\W{0,3}-{2,}\s?(?:original (?:message|appointment)|forwarded message|urspr[üu]ngliche nachricht"
    r"|message d'origine|mensaje original|messaggio originale|oorspronkelijk bericht|weitergeleitete nachricht)",
    r"_{20,}\s{0,4}$",
    r"begin forwarded message:",
    r"##- ?please type your reply above",
)
LIST_FOOT = _any(r"_{10,}$", r".{0,80}mailing list$", r"to unsubscribe", r"you (?:are receiving|received) this")
SIGNED = _any(
    r"(?:--|––|—|__)\s{0,3}$",
    r"(?:sent from (?:my|mail|outlook|yahoo|samsung)|get outlook for"
    r"|von meinem |gesendet von |envoy[ée] de mon |enviado desde mi )\b.{0,80}$",
)
CLOSING = re.compile(
    r"(?:(?:kind|best|warm|warmest|kindest|with (?:kind|best))?\s?(?:regards|wishes)|best|cheers|sincerely"
    r"|yours(?: \w{1,12})?|respectfully|all the best|thanks|thank you|many thanks|thx|br|kr|rgds|greetings"
    r"|mit freundlichen gr[üu](?:ß|ss)en|viele gr[üu](?:ß|ss)e|mfg|cordialement|bien [àa] vous"
    r"|saludos|un saludo|atentamente|cordiali saluti|met vriendelijke groet(?:en)?|atenciosamente)\W{0,3}$",
    re.IGNORECASE,
)
COURTESY = re.compile(r"(?:many )?(?:thanks|thank you|thx)\b", re.IGNORECASE)
DISCLAIMER = _any(
    r"(?:this|the) (?:e-?mail|message|communication|transmission|information)\b.{0,200}"
    r"\b(?:confidential|privileged|intended (?:only|solely|recipient|for)|addressee|may contain|virus)",
    r"if you (?:are not|have received) (?:the intended|this)",
    r"^\W{0,3}(?:disclaimer|confidentiality notice|caution|legal notice|external e-?mail|warning: external)\b\s{0,2}:",
    r"please consider the environment",
    r"diese (?:e-?mail|nachricht) (?:enth[äa]lt|ist vertraulich)|ce (?:message|courriel) .{0,80}confidentiel",
    r"registered in england|registered office|amtsgericht|handelsregister",
)
LOG = re.compile(
    r"\s{0,8}(?:\[?\d{4}[-/]\d\d[-/]\d\d[T ]\d\d:\d\d|\[?\d\d:\d\d:\d\d[\].,:\s]|\w{3} [ \d]\d \d\d:\d\d:\d\d\s"
    r"|\[?(?:DEBUG|INFO|WARN|WARNING|ERROR|FATAL|TRACE|CRITICAL|SEVERE)\]?[:\s\]-]"
    r"|(?:npm|pip|mvn|gcc|error|warning)(?: ERR)?! |\[\s{0,2}\d{1,6}\.\d{4,6}\])"
)
TRACE = re.compile(
    r"\s{0,12}(?:Traceback \(most recent call last\):|File \"[^\"]{1,300}\", line \d"
    r"|at [\w$.<>/]{2,200}\([^()]{0,200}\)|Caused by: |\.{3} \d{1,4} more|Exception in thread"
    r"|[\w.]{1,120}(?:Error|Exception)(?:: .{0,400})?$|goroutine \d|#\d{1,3}\s{1,4}0x[0-9a-f]|panic: "
    r"|stack backtrace:|\s{0,4}\d{1,3}: 0x[0-9a-f])"
)
_KEYWORD = (
    r"(?:def|class|import|from|return|public|private|protected|static|function|const|let|var|val|fn|func|if|for|while"
    r"|else|elif|try|catch|except|package|using|namespace|struct|void|int|select|insert|update|create|export|async|await)"
)
# One such line may be a sentence; two in a row are code.
CODE = re.compile(
    r"\s{0,40}(?:" + _KEYWORD + r"\b.{0,300}[{};():=]\s{0,3}$"
    r"|[\w.]{1,80}\(.{0,200}\)(?:;|\s{0,3}\{)?$"
    r"|[{}()\[\];,]{1,6}\s{0,3}$"
    r"|</?\w[^<>]{0,300}>"
    r"|\"[\w-]{1,60}\"\s?:\s?.{0,200},?$"
    r"|[\w.\[\]]{1,60}\s?[-+*/|&]?=\s?\S.{0,200};?$"
    r"|(?:\$|#|>>>|\.\.\.|C:\\[^>]{0,80}>|\w{1,30}@[\w-]{1,40}:[^$#]{0,80}[$#])\s\S"
    r"|[-+]{3} [ab]/|@@ -\d|[+-]\s{2,}\S|//|/\*|\*/)"
)
SPACE = re.compile(r"[ \t\r\f\v\xa0]{2,}")
# Control and direction marks that nobody typed.
BROKEN = re.compile("[\x00-\x08\x0e-\x1f\x7f\u200b-\u200f\u2028-\u202e\u2060\ufeff]")
# One printable line without any of these has nothing to cut.
NEEDS_CARE = ("<", "`", "&gt;", "sent from", "Sent from", "Get Outlook", "onfidential", "isclaimer", "> ")
