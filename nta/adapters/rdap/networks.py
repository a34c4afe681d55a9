"""Who holds a network and where its abuse desk is: RDAP over our own transport."""

from collections.abc import Mapping
from datetime import datetime
from ipaddress import ip_address

from nta.adapters.net.web_services import Web
from nta.adapters.rdap import network_answers
from nta.adapters.rdap.bootstrap_files import Bootstrap
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
from nta.domain.reasons import Code

_VERSIONS = {"ipv4.json": 4, "ipv6.json": 6}


class RdapAsker(RdapAsking[Bootstrap]):
    """Asks the registry that the bootstrap names for an address; the subject is an address.

    `covers` holds the ranges an answer is valid for, 12 h long.
    """

    files = tuple(_VERSIONS)

    def _read(self, documents: Mapping[str, object]) -> Bootstrap:
        return Bootstrap({_VERSIONS[name]: document for name, document in documents.items()})

    def _answer(self, web: Web, directory: Bootstrap, lookup: Lookup, now: datetime) -> Finding:
        error = OutsideError(Code.NO_REGISTRY_FOR_ADDRESS, temporary=False)
        for base in directory.servers(lookup.subject):
            try:
                body = web.get(f"{base}ip/{lookup.subject}", ACCEPT, now)
            except OutsideError as fault:
                error = fault
                continue
            if body is None:
                alone = f"{lookup.subject}/{ip_address(lookup.subject).max_prefixlen}"
                return Finding(lookup, None, SOURCE, now, now + NOTHING_VALID, None, (alone,))
            value = network_answers.network(as_json(body))
            return Finding(lookup, value, SOURCE, now, now + VALID, None, value.cidr)
        raise error
