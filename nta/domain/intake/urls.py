"""What a URL is: its canonical form, identity, host and registrable domain, as browsers see them."""

import re
from dataclasses import dataclass
from functools import cache, lru_cache
from hashlib import blake2b
from typing import Final
from urllib.parse import quote

from ada_url import check_url, normalize_url
from publicsuffixlist import PublicSuffixList

from nta.domain.errors import RefusedError
from nta.domain.reasons import Code, because

LONGEST: Final = 8_192
_PORTS: Final = {"http": 80, "https": 443}
_CONTROLS_AND_SPACE: Final = "".join(map(chr, range(0x21)))
_NOT_READ: Final = dict.fromkeys(map(ord, "\t\n\r"))
_ANY_SCHEME: Final = re.compile(r"([a-z][a-z0-9+.-]*):", re.IGNORECASE)
_HOST_AND_PORT: Final = re.compile(r"(\[.*\]|[^:]*)(?::([0-9]+))?")
_COVER: Final = "\u2592" * 3
# Characters of private use, each with its form in a serialised URL: more than one URL has room for.
_COVERS: Final = tuple((chr(code), quote(chr(code))) for code in range(0xE000, 0xE000 + LONGEST // 9 + 2))
# Wide enough for the hosts of a large hand-in, small enough to stay within 20 MiB.
_HOSTS_KEPT: Final = 32_768


@dataclass(frozen=True, slots=True)
class Location:
    """One http or https URL in canonical form, and where it leads.

    `url` is the WHATWG serialisation without its fragment, which is never
    sent to a server. A user name and password before the host stay: they
    can decide what is shown, and leaving them out would make two locations
    one. `host` is ASCII, an IPv6 address without brackets.
    """

    url: str
    scheme: str
    host: str
    port: int
    is_ip: bool

    @property
    def site_key(self) -> str:
        """Return "host:port", IPv6 with brackets: the server that is asked, whatever the scheme."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def parse(text: str) -> Location:
    """Return the location a browser would go to for this text.

    The text is read by the WHATWG URL standard: tabs and line ends inside it
    are dropped, backslashes are slashes, odd notations of IPv4 are resolved,
    international names become ASCII (UTS 46). Undo defanging first (refang).

    Raises: RefusedError when it is no http or https URL, names no host, is
    an onion address or is too long. The message never contains the text.
    """
    if len(text) > LONGEST:
        raise RefusedError(because(Code.URL_TOO_LONG, most=LONGEST))
    try:
        return _located(_canonical(text))
    except ValueError:
        # A lone surrogate is U+FFFD to a browser (WebIDL USVString); ada_url takes no such text.
        whole = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
        if whole == text:
            raise RefusedError(_why_not(text.strip(_CONTROLS_AND_SPACE).translate(_NOT_READ))) from None
        return parse(whole)


def join(base: Location, reference: str) -> Location:
    """Return where a link or redirect on `base` leads (WHATWG 4.4 with a base). Raises as `parse` does."""
    link = reference.strip(_CONTROLS_AND_SPACE).translate(_NOT_READ)
    scheme = _ANY_SCHEME.match(link)
    if scheme and (scheme[1].lower() != base.scheme or link[scheme.end() :][:2].replace("\\", "/") == "//"):
        return parse(link)
    if scheme:
        link = link[scheme.end() :]
    start = link[:2].replace("\\", "/")
    root = base.url.index("/", len(base.scheme) + 3)
    path_end = base.url.find("?") if "?" in base.url else len(base.url)
    if start == "//":
        return parse(f"{base.scheme}:{link}")
    if start[:1] == "/":
        return parse(base.url[:root] + link)
    if start[:1] == "?":
        return parse(base.url[:path_end] + link)
    if start[:1] in {"", "#"}:
        return base
    return parse(base.url[: base.url.rindex("/", 0, path_end) + 1] + link)


def _canonical(text: str) -> str:
    """Return the WHATWG serialisation, with "^" in a path as it was given. Raises: ValueError.

    Since 2024 the standard writes %5E there. What was kept before would
    then be another location, and one URL two cases.
    """
    if "^" not in text:
        return normalize_url(text)
    cover, covered = next(pair for pair in _COVERS if pair[0] not in text and pair[1] not in text)
    href = normalize_url(text.replace("^", cover))
    root = href.find("/", href.find("//") + 2)
    return href[:root].replace(covered, "%5E") + href[root:].replace(covered, "^")


def _located(href: str) -> Location:
    scheme, _, rest = href.partition("://")
    if scheme not in _PORTS:
        raise RefusedError(Code.URL_SCHEME)
    if "#" in href:
        href = href[: href.index("#")]
    if len(href) > LONGEST:
        raise RefusedError(because(Code.URL_TOO_LONG, most=LONGEST))
    host, port, ip = _server(rest[: rest.index("/")])
    return Location(href, scheme, host, _PORTS[scheme] if port is None else port, ip)


@lru_cache(maxsize=_HOSTS_KEPT)
def _server(authority: str) -> tuple[str, int | None, bool]:
    """Return host, port and whether the host is an address, of what a serialised URL says before its path."""
    parts = _HOST_AND_PORT.fullmatch(authority.rpartition("@")[2])
    assert parts is not None
    name, port = parts[1], int(parts[2]) if parts[2] else None
    if name.startswith("["):
        return name[1:-1], port, True
    if name.rstrip(".").endswith(".onion"):
        raise RefusedError(Code.URL_ONION)
    return name, port, is_ip(name)


def is_ip(host: str) -> bool:
    """Return whether an ASCII host is an IP address. A name never ends in a number (WHATWG 3.5)."""
    return ":" in host or (host[-1:].isdigit() and host.rpartition(".")[2].isdigit())


def _why_not(text: str) -> Code:
    start = text.strip()[:9].lower()
    if not start:
        return Code.URL_EMPTY
    if not start.startswith(("http:", "https:")):
        return Code.URL_BEGINNING
    if not text.strip().partition(":")[2].strip("/\\"):
        return Code.URL_WITHOUT_HOST
    return Code.URL_UNREADABLE


def digest(canonical: str, key: bytes) -> bytes:
    """Return the 16 bytes that stand for a canonical URL, host or domain in the database.

    A keyed BLAKE2b (RFC 7693): without the key, nobody can try out which
    URL a digest stands for. `key` has at most 64 bytes.
    """
    return blake2b(canonical.encode(), digest_size=16, key=key).digest()


@cache
def _all_suffixes() -> PublicSuffixList:
    return PublicSuffixList()


@cache
def _registries_suffixes() -> PublicSuffixList:
    return PublicSuffixList(only_icann=True)


@cache
def _known_suffixes() -> PublicSuffixList:
    return PublicSuffixList(accept_unknown=False)


@lru_cache(maxsize=_HOSTS_KEPT)
def public_suffix(host: str) -> str | None:
    """Return the suffix under which others register names, or None for an IP address.

    By the Public Suffix List with its private section; a top level that is
    not on the list is a suffix (its rule "*").
    """
    name = host.lower().removesuffix(".")
    if not name or name.startswith(".") or is_ip(name):
        return None
    suffix: str | None = _all_suffixes().publicsuffix(name)
    return suffix


@lru_cache(maxsize=_HOSTS_KEPT)
def registrable_domain(host: str) -> str | None:
    """Return the public suffix and the one label before it.

    None for an IP address and for a host that is itself a public suffix.
    """
    name = host.lower().removesuffix(".")
    if not name or name.startswith(".") or is_ip(name):
        return None
    domain: str | None = _all_suffixes().privatesuffix(name)
    return domain


@lru_cache(maxsize=_HOSTS_KEPT)
def registry_domain(host: str) -> str | None:
    """Return the name that a registry holds: the registrable domain by the list's ICANN section alone.

    It differs from `registrable_domain` under a company's suffix, which is
    itself a name, or below one, that the company registered.
    """
    name = host.lower().removesuffix(".")
    if not name or name.startswith(".") or is_ip(name):
        return None
    domain: str | None = _registries_suffixes().privatesuffix(name)
    return domain


@lru_cache(maxsize=_HOSTS_KEPT)
def is_private_suffix(host: str) -> bool:
    """Return whether the host's suffix is a company's, not a registry's (the list's private section)."""
    suffix = public_suffix(host)
    return suffix is not None and bool(_registries_suffixes().publicsuffix(suffix) != suffix)


@lru_cache(maxsize=_HOSTS_KEPT)
def has_known_suffix(host: str) -> bool:
    """Return whether a host ends in a suffix of the list or in a reserved one (RFC 2606, RFC 7686)."""
    name = host.lower().removesuffix(".")
    if name.rpartition(".")[2] in {"test", "example", "invalid", "onion"}:
        return True
    return _known_suffixes().publicsuffix(name) is not None


def mask(url: str) -> str:
    """Return what a screen may show of a URL: scheme, public suffix, and how long the rest is.

    The path shows as one to three marks: up to 16, up to 64, more characters.
    """
    try:
        location = parse(url)
    except RefusedError:
        return _COVER
    rest = len(location.url) - location.url.index("/", len(location.scheme) + 3) - 1
    marks = _COVER[: (rest > 0) + (rest > 16) + (rest > 64)]
    suffix = public_suffix(location.host)
    host = _COVER if suffix in {None, location.host} else f"{_COVER}.{suffix}"
    return f"{location.scheme}://{host}/{marks}"


# Marks nobody sees: they come along when text is copied, or break links on purpose.
_UNSEEN: Final = re.compile(
    "[\u00ad\u180e\u200b\u200e\u200f\u202a-\u202e\u2060\u2066-\u206f\ufeff]"
    # A joiner is part of a name between letters of scripts that need it (UTS 46), and nowhere else.
    "|(?<![^\x00-\x7f])[\u200c\u200d]|[\u200c\u200d](?![^\x00-\x7f])"
)
_SCHEME: Final = re.compile(
    r"(?:h(?:tt|xx|\*\*|__)p(s?)|h(?:tt|xx)p[\[({](s)[\])}])"  # http, hxxp, h**p, h__p, http(s)
    r"\s?(?:[\[({]{0,8}:[\])}]{0,8}\s?[\[({\\]{0,8}(?:/|\\|_){1,2}[\])}]{0,8}|[\[({]{0,8}://[\])}]{0,8}|__|[\[({]:?//[\])}])",
    re.IGNORECASE,
)
_OTHER_SCHEME: Final = re.compile(r"[a-z][a-z0-9+.-]*:(?!\d)", re.IGNORECASE)
# Runs of brackets are bounded: searching a long one would take minutes.
_OPEN, _SHUT = r"[\[({\\]{1,8}", r"[\])}\\]{1,8}"
_DOT_IN_HOST: Final = re.compile(
    rf"\s?{_OPEN}\s?(?:\.|dot)\s?[\[({{\])}}\\]{{0,8}}\s?|(?:{_OPEN})?(?:\.|dot){_SHUT}|[\u3002\uff0e\uff61]",
    re.IGNORECASE,
)
_DOT_IN_REST: Final = re.compile(r"\\?[\[({](?:\.|dot)\\?[\])}]|\\\.", re.IGNORECASE)
_REST_BEGINS: Final = re.compile(r"[\[({]?/[\])}]?|[?#]")
_HOST_SHAPE: Final = re.compile(
    r"(?:[^\s/?#@]*@)?((?:[\w\u200c\u200d-]+\.)+[\w-]+\.?|\[[0-9a-f:.]+\])(?::\d{1,5})?", re.IGNORECASE
)
_ADDRESS: Final = re.compile(r"(?:\d{1,3}\.){3}\d{1,3}|\[.+\]")
_AT_THE_END: Final = ".,;:!?'\"`*_~\u00b4\u2018\u2019\u201c\u201d\u00ab\u00bb\u2026<>\uff1c\uff1e\u3001\u3002"
_PAIRS: Final = {")": "(", "]": "[", "}": "{"}
_TABLE_REST: Final = re.compile(r"(?:,(?:true|false|none|null))+$", re.IGNORECASE)
# Most lines of a large file look like this, and none of what follows would change them.
_UNTOUCHED: Final = re.compile(
    r"https?://[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*(?::\d+)?(?:/(?:[A-Za-z0-9._~/?#%&=+-]*[A-Za-z0-9/=-])?)?"
)
_VERBATIM: Final = "<URL:"


def refang(text: str) -> str:
    """Return a URL as it was before somebody made it harmless to click on.

    Undoes hxxp, brackets and words in place of dots, colons and slashes,
    unseen characters, quotes and <> around it and what ends a sentence
    behind it. A host without a scheme gets http://, when its suffix is
    known. `<URL:...>` (RFC 3986 appendix C) takes the path as it stands.
    For what people paste; a URL from a machine goes to `parse` as it is.
    Text that holds no URL comes back nearly as it was, for `parse` to refuse.
    """
    if len(text) > LONGEST or _UNTOUCHED.fullmatch(text):
        return text
    plain = _UNSEEN.sub("", text).strip()
    if plain[:5].upper() == _VERBATIM and plain.endswith(">"):
        return _whole(plain[5:-1], verbatim=True)
    bare = _without_ending(plain.lstrip("<>\"'`\u2018\u201c\u00ab\uff1c(").strip())
    if len(bare) < len(plain) and plain[0] == "<" and plain[-1] == ">":
        bare = plain[1:-1].strip()
    return _whole(bare, verbatim=False)


def defang(url: str) -> str:
    """Return a canonical URL so that no mail program or chat makes a link of it. `refang` undoes it."""
    scheme, _, rest = url.partition("://")
    end = _authority_end(rest)
    dotted = f"{scheme.replace('tt', 'xx', 1)}://{rest[:end].replace('.', '[.]')}{rest[end:]}"
    return dotted if refang(dotted) == url else f"{_VERBATIM}{dotted}>"


def find_urls(text: str) -> list[str]:
    """Return the URLs in free text, refanged, each once and in order.

    A word counts when it has an http scheme, defanged or not, when it is a
    defanged host, or when a host with a known suffix is followed by a path.
    """
    found: dict[str, None] = {}
    for word in re.split(r"[\s<>\"\uff1c\uff1e]+|[,;|](?=h(?:tt|xx)ps?[\[(:])", _UNSEEN.sub("", text)):
        if len(word) > LONGEST:
            continue
        scheme = _SCHEME.search(word)
        begin = scheme.start() if scheme else len(word) - len(word.lstrip("([{'`\u2018\u201c\u00ab"))
        candidate = _TABLE_REST.sub("", word[begin:])
        url = refang(candidate)
        if scheme is None:
            bare = _without_ending(candidate)
            shape = _HOST_SHAPE.match(bare)
            if not _DOT_IN_HOST.search(bare) and (
                shape is None or bare[shape.end() : shape.end() + 1] != "/"
            ):
                continue
        if url.startswith(("http://", "https://")) and check_url(url):
            found[url] = None
    return list(found)


def _whole(text: str, *, verbatim: bool) -> str:
    """Put scheme, host and the rest together again."""
    scheme = _SCHEME.match(text)
    if scheme:
        prefix = "https://" if scheme[1] or scheme[2] else "http://"
        remaining = text[scheme.end() :]
    elif _OTHER_SCHEME.match(text):
        return text
    else:
        prefix, remaining = "", text.removeprefix("//")
    end = _authority_end(remaining)
    authority = _DOT_IN_HOST.sub(".", remaining[:end]).rstrip("([{") if end else ""
    rest = remaining[end:] if verbatim else _rest(remaining[end:])
    if not prefix:
        shape = _HOST_SHAPE.fullmatch(authority)
        if shape is None or not (_ADDRESS.fullmatch(shape[1]) or has_known_suffix(shape[1])):
            return text
        prefix = "http://"
    return prefix + authority + rest


def _rest(text: str) -> str:
    """Refang path, query and fragment; the first slash may have a bracket on one side."""
    begins = _REST_BEGINS.match(text)
    if begins and "/" in begins[0]:
        text = "/" + text[begins.end() :]
    return _DOT_IN_REST.sub(".", text)


def _authority_end(text: str) -> int:
    """Return where path, query or fragment begin."""
    begins = _REST_BEGINS.search(text)
    return begins.start() if begins else len(text)


def _without_ending(text: str) -> str:
    """Drop what ends a sentence, and closing brackets that were opened before the URL."""
    while text:
        last = text[-1]
        partner = _PAIRS.get(last)
        if partner is not None and text.count(partner) >= text.count(last):
            return text
        if partner is None and last not in _AT_THE_END:
            return text
        text = text[:-1]
    return text
