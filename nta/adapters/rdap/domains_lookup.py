"""Who registered a domain for somebody: the registry's RDAP, then the registrar's that it links to."""

from collections.abc import Mapping
from datetime import datetime

from nta.adapters.domain_answers import merged, not_registered
from nta.adapters.net.web_services import Web
from nta.adapters.rdap import domain_records as answers
from nta.adapters.rdap.bootstrap_files import Suffixes
from nta.adapters.rdap.client import (
    ACCEPT,
    NOTHING_VALID,
    SOURCE,
    VALID,
    RdapAsking,
    as_json,
)
from nta.domain.errors import OutsideError
from nta.domain.hosting.lookup_answers import RegisteredDomain
from nta.domain.hosting.lookups import Finding, Lookup
from nta.domain.reasons import Code


class RdapDomainAsker(RdapAsking[Suffixes]):
    """Asks the registry that the bootstrap names for a domain; the subject is a registered name.

    What the registry says comes first; the registrar fills what is missing,
    and its abuse contact is the nearer one. A registrar that does not
    answer is asked again after an hour, and its registry's word stands
    until then. A name that is not registered is an answer.
    """

    files = ("dns.json",)

    def _read(self, documents: Mapping[str, object]) -> Suffixes:
        return Suffixes(documents["dns.json"])

    def _answer(self, web: Web, directory: Suffixes, lookup: Lookup, now: datetime) -> Finding:
        name = lookup.subject
        error = OutsideError(Code.NO_REGISTRY_FOR_DOMAIN, temporary=False)
        for base in directory.servers(name):
            try:
                asked = f"{base}domain/{name}"
                body = web.get(asked, ACCEPT, now)
                if body is None:
                    free = not_registered(name, SOURCE)
                    return Finding(lookup, free, SOURCE, now, now + NOTHING_VALID, None)
                document = as_json(body)
                value = answers.domain(document, name)
            except OutsideError as fault:
                error = fault
                continue
            kept = VALID
            try:
                value = self._with_registrar(web, document, asked, value, name, now)
            except OutsideError:
                kept = NOTHING_VALID
            return Finding(lookup, value, SOURCE, now, now + kept, None)
        raise error

    def _with_registrar(
        self, web: Web, document: object, asked: str, value: RegisteredDomain, name: str, now: datetime
    ) -> RegisteredDomain:
        """Return the registry's answer with the registrar's, where it links to one that knows the name."""
        target = answers.registrar_link(document, asked)
        body = web.get(target, ACCEPT, now) if target else None
        if body is None:
            return value
        return merged(value, answers.domain(as_json(body), name))
