"""What a page says of itself in words: removed, suspended, parked, a server's own. No text leaves here."""

import html
import re
from collections.abc import Iterable
from typing import Final
from urllib.parse import urlsplit

MOST: Final = 65_536
"""Bytes of a page that are read; what a page says of itself stands at its beginning."""

REMOVAL_PAGE, SUSPENDED_PAGE, PARKED, PLACEHOLDER, SOFT_404 = (
    "removal_page",
    "suspended_page",
    "parked",
    "placeholder",
    "soft_404",
)
"""Rules by name; each is a cause of `availability` too."""

_ENDINGS: Final = frozenset(
    ("htm", "html", "xhtml", "shtml", "php", "asp", "aspx", "jsp", "cgi", "pl", "do", "cfm", "txt", "md")
)
_ENDING: Final = re.compile(r"\.([a-z0-9]{1,5})$")
_NOT_TEXT: Final = re.compile(rb"[\x00-\x08\x0b\x0e-\x1a\x1c-\x1f\x7f]")
_CHARSET: Final = re.compile(r"charset=[\"']?([\w.:-]{1,40})", re.IGNORECASE)
_HIDDEN: Final = re.compile(
    r"<!--.*?(?:-->|\Z)|<(script|style|noscript|template|svg)\b.*?(?:</\1\s{0,9}>|\Z)",
    re.DOTALL | re.IGNORECASE,
)
# Each step is bounded: what is read comes from anybody.
_HEADINGS: Final = re.compile(
    r"<(title|h1|h2)\b[^<>]{0,300}>(.{0,400}?)</\1\s{0,9}>", re.DOTALL | re.IGNORECASE
)
_TITLE: Final = re.compile(r"<title\b[^<>]{0,300}>.{0,400}?</title\s{0,9}>", re.DOTALL | re.IGNORECASE)
_TAG: Final = re.compile(r"<[^<>]*>")
_SPACE: Final = re.compile(r"\s+")
_SHORT: Final = 1_500
"""Characters. A page that has more to say is about something else, whatever stands somewhere in it."""


def _any_of(*patterns: str) -> re.Pattern[str]:
    return re.compile("|".join(f"(?:{pattern})" for pattern in patterns))


# Somebody keeps the reader out, or wants to know who reads: that says nothing of the content.
_KEEPS_OUT: Final = _any_of(
    r"in your (?:country|region|location|area)",
    r"(?:court|judicial|government|administrative) (?:order|decision|ruling)|by order of",
    r"(?:access|website|web site|site|page|domain|content|url|internet)\b.{0,60}\b(?:blocked|forbidden"
    r"|denied|prohibited|restricted|filtered)",
    r"(?:blocked|denied|prohibited|restricted|filtered) (?:access|by|in accordance|due|under|pursuant"
    r"|site|web)",
    r"content ?filter|web ?filter|firewall|parental|administrator|malware|phishing|captcha|robot|verify"
    r" (?:you|that)",
    r"toegang (?:geweigerd|ontzegd|geblokkeerd)|in uw land|geblokkeerd (?:door|op last|vanwege)",
    r"zugriff (?:verweigert|gesperrt|verboten)|in ihrem land|ihrer region|sperrung|netzsperre",
)
_WHAT_EN: Final = (
    r"(?:content|file|page|image|picture|photo|video|album|gallery|item|post|upload|resource|entry|thread)s?"
)
_WHAT_NL: Final = r"(?:inhoud|bestand|pagina|afbeelding|foto|video|album|bericht|materiaal)"
_WHAT_DE: Final = r"(?:inhalt|datei|seite|bild|foto|video|album|beitrag)"
_WHOSE_EN: Final = r"(?:account|web ?site|site|web ?space|hosting|user|page|member)"
_WHOSE_NL: Final = r"(?:account|website|site|webruimte|hosting|gebruiker|pagina)"
_WHOSE_DE: Final = (
    r"(?:account|konto|webseite|website|seite|webspace|internetpräsenz|benutzer|auftritt|hosting)"
)

_RULES: Final[tuple[tuple[str, re.Pattern[str]], ...]] = (
    (
        SUSPENDED_PAGE,
        _any_of(
            rf"\b{_WHOSE_EN}\b(?: \S+){{0,3}} (?:has been|have been|is|was) (?:\w+ )?(?:suspended"
            rf"|disabled|deactivated)\b",
            rf"\b{_WHOSE_EN} (?:temporarily )?(?:suspended|suspension|disabled|deactivated)\b",
            r"\bbandwidth limit exceeded\b",
            rf"\b{_WHOSE_NL} (?:is|werd)(?: \w+)? (?:opgeschort|geschorst|afgesloten|gedeactiveerd"
            rf"|geblokkeerd|uitgeschakeld)\b",
            rf"\b{_WHOSE_DE}(?: \S+){{0,2}} (?:wurde|ist)(?: \w+)? (?:gesperrt|deaktiviert|abgeschaltet"
            rf"|stillgelegt)\b",
        ),
    ),
    (
        REMOVAL_PAGE,
        _any_of(
            rf"\b{_WHAT_EN}\b(?: [^.!?]{{0,50}})? (?:has|have) been (?:\w+ )?(?:removed|deleted|taken"
            rf" down)\b",
            rf"\b{_WHAT_EN}\b(?: \S+){{0,5}} (?:was|were) (?:\w+ )?(?:removed|deleted|taken down)\b",
            rf"\b{_WHAT_EN}\b(?: \S+){{0,4}} (?:is|are) no longer (?:available|here|online)\b",
            rf"\b{_WHAT_EN} (?:removed|deleted)\b",
            r"\bremoved (?:for|due to|because of|following) (?:a |an )?(?:violation|breach|abuse"
            r"|complaint|terms)",
            rf"\b{_WHAT_NL}(?: \S+){{0,3}} (?:is|werd|zijn)(?: \w+)? (?:verwijderd|gewist|weggehaald)\b",
            rf"\b{_WHAT_NL}(?: \S+){{0,3}} (?:is|zijn) niet (?:langer|meer) (?:beschikbaar|online)\b",
            rf"\b{_WHAT_DE}(?: \S+){{0,3}} (?:wurde|ist|wurden)(?: \w+)? (?:gelöscht|entfernt)\b",
            rf"\b{_WHAT_DE}(?: \S+){{0,3}} (?:ist|sind) nicht (?:länger|mehr) (?:verfügbar|online"
            rf"|vorhanden)\b",
        ),
    ),
    (
        PARKED,
        _any_of(
            r"\bdomain(?: name)?\b(?: \S+){0,3} (?:is|may be) (?:\w+ )?(?:for sale|parked|available for"
            r" purchase)\b",
            r"\bbuy this domain\b|\bdomain (?:for sale|parking)\b|\bparked (?:domain|page|free)\b|^parked\b",
            r"\bdomain name has been suspended\b|\bthis domain (?:has|is) (?:been )?(?:just )?registered\b",
            r"\b(?:domein|domeinnaam) (?:is|staat) (?:\w+ )?(?:te koop|geparkeerd|gereserveerd"
            r"|geregistreerd)\b",
            r"\bdomain (?:ist|steht|wurde) (?:\w+ )?(?:zum verkauf|zu verkaufen|geparkt|registriert"
            r"|reserviert)\b",
            r"\boferta sprzeda\w+ domeny\b",
        ),
    ),
    (
        PLACEHOLDER,
        _any_of(
            r"\bwelcome to (?:nginx|openresty|centos|caddy|tengine)\b|^it works!?",
            r"\b(?:apache\d?|http server|nginx|iis|lighttpd|web server|server)\b(?: \S+){0,4} (?:default"
            r"|test) page\b",
            r"\bdefault (?:web ?)?(?:page|site)\b|\btest page for the\b|^iis windows\b",
            r"\b(?:site|website|page) (?:is )?(?:under construction|coming soon)\b|^(?:under"
            r" construction|coming soon)\b",
            r"\bapache is functioning normally\b|\bfuture home of\b|\bsuccessfully (?:created|installed"
            r"|configured)\b",
            r"\b(?:website|site|pagina) (?:is )?(?:in aanbouw|onder constructie|in ontwikkeling)\b",
            r"\bhier entsteht\b|\b(?:website|webseite|seite) (?:ist |befindet sich )?(?:im aufbau|in"
            r" bearbeitung)\b",
        ),
    ),
)
# Where it stands at the top of a page; deep in a text it may be about anything.
_NOT_FOUND: Final = _any_of(
    r"^(?:error )?404\b|\b404\b.{0,20}not found|\b(?:page|file|content|object|resource|image|album)"
    r" (?:was |could )?not (?:be )?found\b",
    r"^not found\b|\b(?:page|file) (?:you .{0,40} )?(?:does not|doesn't|no longer) exists?\b|\bno longer"
    r" available\b",
    r"\b(?:pagina|bestand|afbeelding) (?:is |werd )?niet gevonden\b|\bniet (?:langer|meer) beschikbaar\b"
    r"|\bbestaat niet\b",
    r"\b(?:seite|datei|bild|objekt) (?:wurde )?nicht gefunden\b|\bnicht (?:länger|mehr) verfügbar\b"
    r"|\bexistiert nicht\b",
)


def is_text(media: str) -> bool:
    """Tell whether a media type (lower case, without parameters) says text."""
    return media.startswith("text/") or media == "application/xhtml+xml"


def says_text(url: str) -> bool:
    """Tell whether a URL's path leads to text: no ending, or one of pages."""
    last = urlsplit(url).path.lower().rpartition("/")[2]
    ending = _ENDING.search(last)
    return ending is None or ending[1] in _ENDINGS


def text_only(data: bytes) -> bool:
    """Tell whether no byte of it is anything but text."""
    return _NOT_TEXT.search(data) is None


def decoded(data: bytes, content_type: str | None) -> str:
    """Return the text of a page; a character that cannot be read hurts only itself."""
    named = _CHARSET.search(content_type or "")
    try:
        return data.decode(named[1] if named else "utf-8", "replace")
    except LookupError:
        return data.decode("utf-8", "replace")


def rule_of(page: str) -> str | None:
    """Return the rule that a page's words fit, or None.

    Headings count wherever they stand, other words only where the page
    says little else: a page about suspended accounts is not one.
    """
    shown = _HIDDEN.sub(" ", page)
    headings = [_plain(found[2]) for found in _HEADINGS.finditer(shown)]
    body = _plain(_TITLE.sub(" ", shown))
    texts = [*headings, body] if len(body) <= _SHORT else headings
    if any(_KEEPS_OUT.search(text) for text in texts):
        return None
    for rule, pattern in _RULES:
        if _fits(pattern, texts):
            return rule
    top = [*headings, body[:80]] if len(body) <= _SHORT else headings
    return SOFT_404 if _fits(_NOT_FOUND, top) else None


def _fits(pattern: re.Pattern[str], texts: Iterable[str]) -> bool:
    return any(pattern.search(text) for text in texts)


def _plain(marked: str) -> str:
    return _SPACE.sub(" ", html.unescape(_TAG.sub(" ", marked))).strip().lower()
