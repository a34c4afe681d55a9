"""Letters with invented values, for tests of what is made of them."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

from nta.domain.roles import NoticeKind
from nta.render.letters import Earlier, Item, Letter, Us
from tests.conftest import NINE, hours

LINK = "http://localhost:8001/n/" + "t" * 32


def item(number: int = 1, **changes: Any) -> Item:
    """Return one location seen up at nine."""
    made = Item(
        number=number,
        url=f"http://images{number}.example/gallery/{number}.jpg",
        scope="file",
        case=f"C-26-AAAA-000{number}",
        addresses="192.0.2.1, 2001:db8::1",
        port=8080,
        last_up_at=NINE,
        doubt="",
        received_at=NINE - hours(2),
        class_scheme="inhope",
        class_value="baseline",
        law="Article 252 of the Dutch Criminal Code",
        country="NL",
        networks=("192.0.2.0/24, AS64500 (NL)",),
        confirmed_at=NINE - hours(1),
        vantages=2,
    )
    return replace(made, **changes)


def letter(kind: NoticeKind = NoticeKind.FIRST, language: str = "en", **changes: Any) -> Letter:
    """Return a letter of three locations, one told before to another host and once to this one."""
    made = Letter(
        kind=kind,
        language=language,
        reference="N-26-7K3M-4QXT",
        message_id="<n-26-7k3m-4qxt.0123456789abcdef@hotline.test>",
        sender="notices@hotline.test",
        recipient="abuse@hosting.example",
        at=NINE,
        us=Us("Meldpunt Voorbeeld", "a hotline of the network.", "Voorbeeldstraat 1", "help@hotline.test"),
        party="Example Hosting B.V.",
        items=(item(1), item(2, last_up_at=None, vantages=0), item(3, doubt="unknown", vantages=1)),
        earlier=(
            Earlier(
                "N-26-0000-0001",
                NINE - hours(48),
                NoticeKind.FIRST,
                "Deaf Hosting",
                "host",
                "accepted",
                NINE - hours(47),
                False,
            ),
            Earlier(
                "N-26-0000-0002",
                NINE - hours(24),
                NoticeKind.REMINDER,
                "Deaf Hosting",
                "host",
                "bounced",
                None,
                True,
            ),
        ),
        link=LINK,
        link_until=NINE + timedelta(days=30),
        silence=hours(24),
        report_id="f7a8b9c0-d1e2-4456-abcd-def012345678",
    )
    return replace(made, **changes)
