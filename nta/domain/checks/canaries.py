"""Canaries: made-up pages that tell a soft 404 from content, and what an answer is compared by."""

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from hashlib import blake2b
from typing import Final, NamedTuple
from urllib.parse import SplitResult, urlsplit

from nta.domain.checks.verdicts import (
    Cause,
    ProbeAnswer,
    Reading,
    Verdict,
)

KEPT: Final = timedelta(hours=6)
"""How long a host is believed to answer made-up pages as it did."""

AGAIN: Final = timedelta(hours=1)
"""How soon a host whose page has changed since is asked again."""

PAGE, MISSING, HOME, LOGIN, WITHIN, AWAY, NOTHING = (
    "page",  # 2xx
    "missing",  # 404 or 410
    "home",  # to the site's front page
    "login",  # to where one logs in
    "within",  # to another place of the site
    "away",  # to another site
    "nothing",  # an answer that says nothing of what is there
)
_REDIRECTS: Final = frozenset({HOME, LOGIN, WITHIN, AWAY})
_MEDIA: Final = re.compile(r"[a-z0-9][a-z0-9.+-]{0,40}/[a-z0-9][a-z0-9.+-]{0,40}")
_LOGIN: Final = re.compile(
    r"(?:^|[/_.-])(?:log-?in|sign-?in|log-?on|sso|anmelden|inloggen|aanmelden)(?:$|[/_.-])"
)
_FRONT: Final = frozenset({"", "/", "/index.html", "/index.htm", "/index.php", "/home", "/home/"})
_MOST_ECHOES: Final = 2
_LONG_AGO: Final = datetime(2000, 1, 1, tzinfo=UTC)


class Trace(NamedTuple):
    """What is kept of an answer to compare others by; nothing in it leads to a page.

    `etag` and `target` are short digests of what a server said.
    """

    kind: str
    media: str = ""
    length: int | None = None
    etag: str = ""
    target: str = ""

    @property
    def text(self) -> str:
        """Return the form in which it is stored."""
        return "|".join(
            (self.kind, self.media, "" if self.length is None else str(self.length), self.etag, self.target)
        )


def stored(text: str) -> Trace:
    """Return the trace of `Trace.text`."""
    kind, media, length, etag, target = text.split("|")
    return Trace(kind, media, int(length) if length else None, etag, target)


@lru_cache(maxsize=8192)
def page_trace(content_type: str | None, length: int | None, etag: str | None) -> str:
    """Return, as it is stored, the trace of a page that is there."""
    return Trace(PAGE, media_of(content_type), length, _short(etag) if etag else "").text


def trace(answer: ProbeAnswer, url: str) -> Trace:
    """Return what an answer to this URL is compared by."""
    status = answer.status
    if answer.error is not None or status is None:
        return Trace(NOTHING)
    if 200 <= status < 300:
        return stored(page_trace(answer.content_type, answer.length, answer.etag))
    if status in (404, 410):
        return Trace(MISSING)
    if 300 <= status < 400 and answer.location is not None:
        return _redirect(urlsplit(url), urlsplit(answer.location))
    return Trace(NOTHING)


def media_of(content_type: str | None) -> str:
    """Return type and subtype alone, in lower case; empty when there is none that could be one."""
    found = (content_type or "").partition(";")[0].strip().lower()
    return found if _MEDIA.fullmatch(found) else ""


def _redirect(at: SplitResult, to: SplitResult) -> Trace:
    if _LOGIN.search(to.path.lower()):
        return Trace(LOGIN)
    if _site(to.hostname) != _site(at.hostname):
        return Trace(AWAY)
    if to.path.lower() in _FRONT and at.path.lower() not in _FRONT:
        return Trace(HOME)
    return Trace(WITHIN, target=_short(to.path))


def upgraded(url: str, location: str) -> bool:
    """Tell whether a redirect leads to the same page of the same host by another scheme or port."""
    at, to = urlsplit(url), urlsplit(location)
    same = (at.hostname, at.path, at.query) == (to.hostname, to.path, to.query)
    return same and url != location


def _site(host: str | None) -> str:
    return (host or "").removeprefix("www.")


def _short(text: str) -> str:
    return blake2b(text.encode(), digest_size=4).hexdigest()


class Canary(NamedTuple):
    """How a host answered a made-up page, from one vantage point; `asked` is how long its path was."""

    at: datetime
    asked: int
    trace: Trace


def path_length(url: str) -> int:
    """Return how long a URL is from its path on: some pages say what they were asked for."""
    at = urlsplit(url)
    return len(at.path) + len(at.query)


def is_fresh(canary: Canary | None, as_first_seen_at: datetime | None, now: datetime) -> bool:
    """Tell whether a canary may be judged by; one asked before the page changed is soon asked again.

    `as_first_seen_at` is when the page was last seen as it was first.
    """
    if canary is None:
        return False
    age = now - canary.at
    outdated = canary.trace.kind == NOTHING or (
        as_first_seen_at is not None and canary.at <= as_first_seen_at
    )
    return age < (AGAIN if outdated else KEPT)


def likeness(first: Trace | None, now: Trace) -> str:
    """Return how a page answers beside its first look: "same", "other", or "never" where nothing compares.

    An equal ETag or an equal length will do for the same: servers that take
    turns give the same file ETags of their own.
    """
    if first is None:
        return "never"
    if first.media != now.media:
        return "other"
    if first.etag and first.etag == now.etag:
        return "same"
    if first.length is not None and now.length is not None:
        return "same" if first.length == now.length else "other"
    return "other" if first.etag and now.etag else "never"


def is_as_first(first: str | None, now: str) -> bool:
    """Tell the same of stored traces, at a glance: equal, with something in them to compare."""
    return first == now and not now.endswith("|||")


def alike(now: Trace, asked: int, canary: Canary) -> bool:
    """Tell whether a page answers as the made-up one, or as that but for the path that both name."""
    made = canary.trace
    if (now.kind, now.media, now.target) != (made.kind, made.media, made.target):
        return False
    longer = asked - canary.asked
    if now.length is None or made.length is None:
        as_long = now.length is made.length
    else:
        as_long = now.length - made.length in {echoes * longer for echoes in range(_MOST_ECHOES + 1)}
    differs = bool(now.etag and made.etag) and now.etag != made.etag
    return as_long and (not differs or longer != 0)


_UP: Final = (Verdict.UP, Cause.CONTENT_PRESENT)
_CHANGED: Final = (Verdict.UP, Cause.CONTENT_CHANGED)
_ANYTHING: Final = (Verdict.UNKNOWN, Cause.SOFT_404, "answers_anything")
# What was first seen of the page, and what a made-up page of the host shows beside it.
_PAGES: Final[Mapping[tuple[str, str], Reading]] = {
    ("never", "untold"): (*_UP, "status_2xx"),
    ("never", "missing"): (*_UP, "status_2xx"),
    ("never", "like"): _ANYTHING,
    ("never", "unlike"): (*_UP, "unlike_canary"),
    ("same", "untold"): (*_UP, "status_2xx"),
    ("same", "missing"): (*_UP, "status_2xx"),
    ("same", "like"): (*_UP, "status_2xx"),
    ("same", "unlike"): (*_UP, "status_2xx"),
    ("other", "untold"): (*_CHANGED, "changed"),
    ("other", "missing"): (*_CHANGED, "changed_but_there"),
    ("other", "like"): (Verdict.GONE, Cause.SOFT_404, "like_canary"),
    ("other", "unlike"): _ANYTHING,
}
_LED: Final[Mapping[str, Reading]] = {
    HOME: (Verdict.UNKNOWN, Cause.REDIRECT_HOME, "redirect_home"),
    LOGIN: (Verdict.RESTRICTED, Cause.LOGIN_WALL, "redirect_to_login"),
    WITHIN: (Verdict.UNKNOWN, Cause.REDIRECT_LOOP, "redirect_not_followed"),
    AWAY: (Verdict.UNKNOWN, Cause.OTHER_HOST, "redirect_to_other_host"),
}
_LED_LIKE_CANARY: Final[Mapping[str, Reading]] = {
    HOME: (Verdict.GONE, Cause.REDIRECT_HOME, "home_like_canary"),
    WITHIN: (Verdict.GONE, Cause.SOFT_404, "redirect_like_canary"),
}


def weigh(first: Trace | None, now: Trace, asked: int, canary: Canary | None) -> Reading | None:
    """Return what an answer says in the light of the first look and the canary; None: what its status says.

    Only what was seen before can be gone. `canary` is None where none was
    needed or none answered.
    """
    if now.kind == PAGE:
        return _PAGES[likeness(first, now), _beside(now, asked, canary)]
    if now.kind not in _REDIRECTS:
        return None
    if first is not None and canary is not None and alike(now, asked, canary):
        return _LED_LIKE_CANARY.get(now.kind, _LED[now.kind])
    return _LED[now.kind]


def _beside(now: Trace, asked: int, canary: Canary | None) -> str:
    if canary is None or canary.trace.kind == NOTHING:
        return "untold"
    if canary.trace.kind != PAGE:
        return "missing"
    return "like" if alike(now, asked, canary) else "unlike"


def needs_canary(first: Trace | None, now: Trace) -> bool:
    """Tell whether a made-up page could change what an answer says."""
    if now.kind == PAGE:
        return likeness(first, now) != "same"
    return first is not None and now.kind in _LED_LIKE_CANARY


_KEPT_OUT: Final = 403
_OUT_OF_USE: Final = frozenset({Cause.PARKED.value, Cause.SUSPENDED_PAGE.value})


def is_parking(page: ProbeAnswer, made: ProbeAnswer, page_url: str, made_url: str) -> bool:
    """Tell whether a place answers for a page as for a made-up one: with one of its own, or with a no.

    Where both are missing nothing is told: content may be on its way there.
    """
    if page.error is not None or made.error is not None:
        return False
    if made.sign in _OUT_OF_USE and page.status == made.status:
        return True
    if page.status == made.status == _KEPT_OUT:
        return True
    beside = Canary(_LONG_AGO, path_length(made_url), trace(made, made_url))
    now = trace(page, page_url)
    return now.kind in (PAGE, HOME, AWAY) and alike(now, path_length(page_url), beside)


_DIGITS, _LETTERS, _HEXES = "0123456789", "abcdefghijklmnopqrstuvwxyz", "0123456789abcdef"
_HARD_TO_GUESS: Final = 12
_VALUE: Final = re.compile(r"(?<==)[^&;]+")
_EXTENSION: Final = re.compile(r"\.[A-Za-z0-9]{1,5}$")


def made_up(url: str, chance: bytes) -> str:
    """Return a page of the same host that never was: the same shape of path, a name that nobody guesses.

    What varies is what names the page: the values of the query where there
    is one, else the last segment of the path, its extension kept. `chance`
    is any 16 bytes or more.
    """
    at = urlsplit(url)
    random = _stream(chance)
    root = url[: url.index("/", len(at.scheme) + 3)]
    if _VALUE.search(at.query):
        return f"{root}{at.path}?{_VALUE.sub(lambda value: _other(value[0], random), at.query)}"
    head, slash, last = at.path.rstrip("/").rpartition("/")
    ending = _EXTENSION.search(last)
    extension = ending[0] if ending and ending.start() else ""
    name = last[: len(last) - len(extension)]
    tail = "/" if at.path.endswith("/") and last else ""
    return f"{root}{head}{slash or '/'}{_other(name, random)}{extension}{tail}"


def _other(name: str, random: Iterator[int]) -> str:
    """Return a name of the same sort: a number for a number, hexadecimal for that, else letters in place."""
    if name.isascii() and name.isdigit():
        return "9" + "".join(_DIGITS[next(random) % 10] for _ in range(max(8, min(len(name), 18) - 1)))
    plain = [c for c in name if c.isascii() and c.isalnum()]
    if len(plain) < _HARD_TO_GUESS or "%" in name:
        return "".join(_LETTERS[next(random) % 26] for _ in range(max(_HARD_TO_GUESS, min(len(name), 40))))
    letters = _HEXES[10:] if set("".join(plain).lower()) <= set(_HEXES) else _LETTERS
    return "".join(_like(c, letters, random) for c in name)


def _like(one: str, letters: str, random: Iterator[int]) -> str:
    if not (one.isascii() and one.isalnum()):
        return one
    if one.isdigit():
        return _DIGITS[next(random) % 10]
    made = letters[next(random) % len(letters)]
    return made.upper() if one.isupper() else made


def _stream(chance: bytes) -> Iterator[int]:
    """Yield bytes that follow from `chance` and tell nothing of it."""
    number = 0
    while True:
        yield from blake2b(number.to_bytes(8, "big"), key=chance[:64]).digest()
        number += 1
