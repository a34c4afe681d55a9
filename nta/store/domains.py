"""Registrable domains: what registries said of them last."""

from sqlalchemy import Connection, or_, update

from nta.domain.hosting import DomainFacts
from nta.store.tables import Domain

_LONGEST = 200


def learned(connection: Connection, domain_id: int, facts: DomainFacts) -> bool:
    """Write registrar, registry and status of a domain where they differ; return whether one did.

    Nothing that was known is forgotten because nobody could be asked. A
    domain that is not registered has the status "not registered".
    """
    values: dict[str, str | None] = {"registry_party": facts.registry}
    if facts.source is not None:
        status = ", ".join(facts.status) if facts.registered else "not registered"
        values["status"] = status[:_LONGEST] or None
        if facts.registered:
            values["registrar_party"] = facts.registrar.party if facts.registrar else None
    differs = or_(*(getattr(Domain, name).is_distinct_from(value) for name, value in values.items()))
    changed = connection.execute(update(Domain).where(Domain.id == domain_id, differs).values(**values))
    return bool(changed.rowcount)
