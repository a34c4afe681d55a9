"""Who holds a network and where its abuse desk is: RDAP over our own transport."""

from collections.abc import Mapping
from datetime import datetime
from ipaddress import ip_address

from nta.adapters import rdap_answers
from nta.adapters.rdap_asking import ACCEPT, NOTHING_VALID, SOURCE, VALID, RdapAsking, as_json
from nta.adapters.rdap_bootstrap import Bootstrap
from nta.adapters.web import Web
from nta.domain.errors import OutsideError
from nta.domain.questions import Finding, Lookup

_VERSIONS = {"ipv4.json": 4, "ipv6.json": 6}


class RdapAsker(RdapAsking[Bootstrap]):
    """Asks the registry that the bootstrap names for an address; the subject is an address.

    `covers` holds the ranges an answer is valid for, 12 h long.
    """

    files = tuple(_VERSIONS)

    def _read(self, documents: Mapping[str, object]) -> Bootstrap:
        return Bootstrap({_VERSIONS[name]: document for name, document in documents.items()})

    def _answer(self, web: Web, directory: Bootstrap, lookup: Lookup, now: datetime) -> Finding:
        error = OutsideError("no registry answers for this address", temporary=False)
        for base in directory.servers(lookup.subject):
            try:
                body = web.get(f"{base}ip/{lookup.subject}", ACCEPT, now)
            except OutsideError as fault:
                error = fault
                continue
            if body is None:
                alone = f"{lookup.subject}/{ip_address(lookup.subject).max_prefixlen}"
                return Finding(lookup, None, SOURCE, now, now + NOTHING_VALID, None, (alone,))
            value = rdap_answers.network(as_json(body))
            return Finding(lookup, value, SOURCE, now, now + VALID, None, tuple(value["cidr"]))
        raise error
