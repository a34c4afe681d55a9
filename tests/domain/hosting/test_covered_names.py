"""What leads to a location is covered, and a provider's own names are not."""

from datetime import UTC, datetime

import pytest

from nta.domain.hosting.covered_names import covered, covered_address
from nta.domain.hosting.facts import HostingFacts
from nta.domain.parties.contact_addresses import ContactAddress, mailbox_of
from nta.domain.parties.organisations import Catalogue

NOW = datetime(2026, 3, 2, tzinfo=UTC)


@pytest.mark.parametrize(
    ("email", "own", "shown"),
    [
        ("abuse@host.example", "gallery.example", "abuse@host.example"),
        ("abuse@host.example", None, "abuse@host.example"),
        ("me@gallery.example", "gallery.example", "gallery"),
        ("me@mail.gallery.example", "gallery.example", "gallery"),
    ],
)
def test_a_mailbox_at_the_locations_own_domain_is_covered(email: str, own: str | None, shown: str) -> None:
    address = covered_address(mailbox_of(email), own)

    assert (address.to == email) == (shown == email)
    assert (shown in address.to) == (shown == email)


def test_what_is_no_mailbox_is_the_providers_own() -> None:
    page = ContactAddress("http", "https://gallery.example/notices")

    assert covered_address(page, "gallery.example") == page


def test_an_alias_that_no_proxy_of_the_catalogue_has_is_covered() -> None:
    facts = HostingFacts("www.gallery.example", NOW, ("edge.gallery.example",), (), None, None, ())

    (alias,) = covered(facts, Catalogue()).cname

    assert "gallery" not in alias
