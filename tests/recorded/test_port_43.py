"""Recorded texts about networks, read as they are: one of a national registry, and those that refer on."""

import re

from nta.adapters.whois.domain_texts import decoded
from nta.adapters.whois.national_texts import jpnic
from nta.adapters.whois.network_texts import network, referral
from tests.recorded.records import recorded


def test_the_recorded_page_of_a_national_registry_is_read() -> None:
    for case, record in recorded("whois", "whois-nir-page"):
        told = jpnic(re.sub(r"<[^<>]*>", "", decoded(record)), case["query"])

        assert (told.holder_name is not None, list(told.abuse)) == (True, case["expected"]["abuse_emails"])


def test_recorded_texts_of_networks_are_read() -> None:
    for case, record in recorded("whois", "whois-ip"):
        text, wanted = decoded(record), case["expected"]
        assert (referral(text) is None) == (wanted.get("referral_server") is None)
        if "query" in case:
            told = network(text, case["query"])
            assert [one.email for one in told.abuse] == wanted["abuse_emails"]
            assert re.fullmatch("[A-Z]{2}", told.country or "")
