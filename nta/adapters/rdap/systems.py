"""Whose an AS number is and where its abuse desk is: RDAP, where a network names none."""

from collections.abc import Mapping
from datetime import datetime

from nta.adapters.net.web_services import Web
from nta.adapters.rdap import network_answers
from nta.adapters.rdap.bootstrap_files import Systems
from nta.adapters.rdap.client import (
    ACCEPT,
    NOTHING_VALID,
    SOURCE,
    VALID,
    RdapAsking,
    as_json,
)
from nta.domain.errors import OutsideError
from nta.domain.hosting.lookups import Finding, Lookup


class RdapSystemAsker(RdapAsking[Systems]):
    """Asks the registry that the bootstrap names for an AS number; the subject is the number alone.

    A bootstrap without asn.json knows no registry: then nothing is known,
    and the networks' own answers are all there is.
    """

    files = ("asn.json",)
    needed = False

    def _read(self, documents: Mapping[str, object]) -> Systems:
        return Systems(documents["asn.json"])

    def _answer(self, web: Web, directory: Systems, lookup: Lookup, now: datetime) -> Finding:
        error: OutsideError | None = None
        for base in directory.servers(int(lookup.subject)):
            try:
                body = web.get(f"{base}autnum/{lookup.subject}", ACCEPT, now)
                if body is None:
                    break
                value = network_answers.system(as_json(body))
            except OutsideError as fault:
                error = fault
                continue
            return Finding(lookup, value, SOURCE, now, now + VALID, None)
        if error is not None:
            raise error
        return Finding(lookup, None, SOURCE, now, now + NOTHING_VALID, None)
