"""Letters of every kind with invented, harmless values, to be read before any is sent."""

from datetime import UTC, datetime, timedelta
from typing import Final

from nta.domain.languages import FALLBACK
from nta.domain.notices.batching import form
from nta.domain.roles import NoticeKind, Role
from nta.render.letters import Earlier, Item, Letter, Us

_STANDINGS: Final = {
    "en": "an invented hotline that tries this service out",
    "nl": "een verzonnen meldpunt dat deze dienst uitprobeert",
    "de": "eine erfundene Meldestelle, die diesen Dienst ausprobiert",
}
_AT: Final = datetime(2026, 3, 2, 9, tzinfo=UTC)
_HOUR: Final = timedelta(hours=1)
_READERS: Final = {
    NoticeKind.UPSTREAM: "Example Transit",
    NoticeKind.SITE_OWNER: "Example Site",
    NoticeKind.REGISTRAR: "Example Registrar",
    NoticeKind.REGISTRY: "Registry of .example",
    NoticeKind.HOTLINE: "Example Hotline Abroad",
    NoticeKind.AUTHORITY: "Example Authority",
    NoticeKind.POLICE: "Example Police",
}
_UNTOLD: Final = (NoticeKind.FIRST, NoticeKind.SITE_OWNER, NoticeKind.HOTLINE, NoticeKind.POLICE)
"""Kinds before which nobody is told."""


def invented(language: str) -> Us:
    """Return who writes where no hotline of ours is set."""
    return Us(
        "Example Hotline",
        _STANDINGS.get(language, _STANDINGS[FALLBACK]),
        "1 Example Street, Example",
        "desk@hotline.example",
        "Example Coordinator",
    )


def letter(kind: NoticeKind, language: str, us: Us, wanted: str = "text") -> Letter:
    """Return a letter of a kind as it might be sent to a reader who wants it as text, csv or xarf."""
    shape = form(wanted, kind, ["baseline"])
    return Letter(
        kind=kind,
        language=language,
        reference="N-26-7K3M-4QXT",
        message_id="<n-26-7k3m-4qxt.0123456789abcdef@hotline.example>",
        sender="notices@hotline.example",
        recipient="abuse@hosting.example",
        at=_AT,
        us=us,
        party=_READERS.get(kind, "Example Hosting"),
        items=_items()[:1] if shape == "xarf" else _items(),
        earlier=() if kind in _UNTOLD else _earlier(),
        link="http://localhost:8001/n/an-invented-link-that-leads-nowhere",
        link_until=_AT + timedelta(days=30),
        silence=(72 if kind is NoticeKind.REGISTRY else 24) * _HOUR,
        form=shape,
        report_id="f7a8b9c0-d1e2-4456-abcd-def012345678",
    )


def _items() -> tuple[Item, ...]:
    first = Item(
        number=1,
        url="http://images.example/a-harmless/picture-of-a-lighthouse.jpg",
        scope="file",
        case="C-26-1A2B-3C4D",
        addresses="192.0.2.1, 2001:db8::1",
        port=80,
        last_up_at=_AT - _HOUR / 6,
        doubt="",
        received_at=_AT - 3 * _HOUR,
        class_scheme="inhope",
        class_value="baseline",
        law="Article 1 of an invented act",
        country="NL",
        networks=("192.0.2.0/24, AS64500 (NL)",),
        confirmed_at=_AT - 2 * _HOUR,
        vantages=2,
    )
    second = Item(
        number=2,
        url="https://pages.example:8443/a-page-about-lighthouses",
        scope="page",
        case="C-26-5E6F-7G8H",
        addresses=None,
        port=8443,
        last_up_at=None,
        doubt="unknown",
        received_at=_AT - 3 * _HOUR,
        class_scheme="inhope",
        class_value="national",
        law="Article 2 of an invented act",
        country="NL",
    )
    return first, second


def _earlier() -> tuple[Earlier, ...]:
    host = ("Example Hosting", Role.HOST.value)
    return (
        Earlier(
            "N-26-1111-1111",
            _AT - 48 * _HOUR,
            NoticeKind.FIRST,
            *host,
            "accepted",
            _AT - 47.9 * _HOUR,
            True,
            ("refused",),
        ),
        Earlier(
            "N-26-2222-2222",
            _AT - 24 * _HOUR,
            NoticeKind.REMINDER,
            "Example Transit",
            Role.UPSTREAM.value,
            "bounced",
            None,
            False,
        ),
    )
