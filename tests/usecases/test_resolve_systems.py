"""The AS behind networks without an abuse contact, asked once for a whole set of hosts, and kept."""

from nta.domain.notices.contact_choice import choose
from nta.domain.roles import Role
from nta.render.reason_sentences import sentence
from nta.store.db.handle import Store
from nta.store.hosting import host_arrangements
from tests.builders_notices import catalogue
from tests.conftest import NINE, hours
from tests.resolving import an_asker, host, made, resolve

DESK = {"email": "abuse@upstream.example", "source": "upstream", "confidence": 0.5}
SYSTEM = {"as_name": "UPSTREAM", "abuse": [DESK]}


def test_one_question_serves_all_networks_of_an_as(store: Store) -> None:
    asker = an_asker()
    asker.systems = {"64500": SYSTEM}
    cases = [made(store, "http://a.test/"), made(store, "http://b.test/")]

    resolve(store, asker)

    assert asker.asked_systems == ["64500"]
    for case in cases:
        with store.db.read() as connection:
            facts = host_arrangements.facts(connection, store, host(store, case).arrangement_id)
        (choice,) = choose(Role.HOST, facts, catalogue(), {})
        assert (choice.address.to, choice.source) == ("abuse@upstream.example", "upstream")
        assert (
            sentence(choice.reason)
            == "RDAP of the network that announces the address names it as the abuse contact."
        )


def test_what_is_known_of_an_as_is_not_asked_again_while_it_holds(store: Store) -> None:
    asker = an_asker()
    asker.systems = {"64500": SYSTEM}
    made(store, "http://a.test/")
    resolve(store, asker)
    asker.asked_systems.clear()
    made(store, "http://b.test/")

    resolve(store, asker, NINE + hours(2))

    assert asker.asked_systems == []
