"""Domains by RDAP: the registry that the bootstrap names, then the registrar that it links to."""

import json
import threading
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nta.adapters import domain_answers
from nta.adapters.domain_answers import not_registered
from nta.adapters.net.address_policy import Gate
from nta.adapters.rdap import domain_records
from nta.adapters.rdap.bootstrap_files import Suffixes
from nta.adapters.rdap.domain_records import registrar_link
from nta.adapters.rdap.domains_lookup import RdapDomainAsker
from nta.domain.errors import OutsideError
from nta.domain.hosting.lookups import Finding, Lookup, LookupKind
from nta.render.reason_sentences import sentence
from nta.settings import Reach
from tests.adapters.servers import WebServer, http
from tests.lookup_plain import plain, typed

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)


def domain(document: object, name: str) -> Any:
    return plain(domain_records.domain(document, name))


def merged(*both: Any) -> Any:
    return plain(domain_answers.merged(*(typed(LookupKind.DOMAIN, one) for one in both)))


HOUR = timedelta(hours=1)
NAME = "site.test"
RDAP = "application/rdap+json"


def entity(*roles: str, email: str | None = None, name: str | None = None, **more: Any) -> dict[str, Any]:
    card = [["version", {}, "text", "4.0"]]
    card += [["fn", {}, "text", name]] if name else []
    card += [["email", {}, "text", email]] if email else []
    return {"objectClassName": "entity", "roles": list(roles), "vcardArray": ["vcard", card], **more}


def registrar(email: str | None = "abuse@registrar.example", number: str = "9995") -> dict[str, Any]:
    nested = [entity("abuse", email=email)] if email else []
    ids = [{"type": "IANA Registrar ID", "identifier": number}]
    return entity("registrar", name="Registrar B.V.", publicIds=ids, entities=nested)


def record(*entities: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {
        "objectClassName": "domain",
        "ldhName": NAME.upper(),
        "status": ["client transfer prohibited"],
        "nameservers": [{"ldhName": "NS1.HOST.EXAMPLE."}],
        "entities": list(entities),
        **more,
    }


def answer(document: object) -> bytes:
    return http(200, json.dumps(document).encode(), Content_Type=RDAP)


def related(target: str, **more: Any) -> dict[str, Any]:
    return {"rel": "related", "href": target, "type": RDAP, **more}


@pytest.fixture
def server():
    with WebServer() as server:
        services = [
            [["other"], ["http://127.0.0.1:1/"]],
            [["test", "co.test"], [f"http://127.0.0.1:{server.port}/registry/"]],
        ]
        server.pages = {"/dns.json": http(200, json.dumps({"services": services}).encode())}
        yield server


def ask(server: WebServer, gate: Gate, *names: str, **options: Any) -> list[Finding]:
    options = {"resolve": lambda _: (), "connect_timeout_s": 3, "timeout_s": 3, **options}
    asker = RdapDomainAsker(f"http://127.0.0.1:{server.port}", gate, **options)
    return list(asker.ask([Lookup(LookupKind.DOMAIN, name) for name in names or (NAME,)], NOW))


def link_to(server: WebServer, place: str = f"/registrar/domain/{NAME}") -> dict[str, Any]:
    return related(f"http://127.0.0.1:{server.port}{place}")


def test_a_thick_registry_tells_all(server, loopback):
    server.pages[f"/registry/domain/{NAME}"] = answer(record(registrar()))

    (finding,) = ask(server, loopback)

    assert plain(finding.value) == {
        "name": NAME,
        "suffix": "test",
        "registered": True,
        "registrar": {
            "name": "Registrar B.V.",
            "iana_id": "9995",
            "abuse": [{"email": "abuse@registrar.example", "source": "rdap", "confidence": 0.9}],
        },
        "status": ["client transfer prohibited"],
        "nameservers": ["ns1.host.example"],
        "source": "rdap",
    }
    assert (finding.valid_until, finding.problem) == (NOW + 12 * HOUR, None)


def test_a_thin_registry_leads_to_its_registrar(server, loopback):
    server.pages[f"/registry/domain/{NAME}"] = answer(record(registrar(None), links=[link_to(server)]))
    server.pages[f"/registrar/domain/{NAME}"] = answer(record(registrar(), status=["stale"]))

    (finding,) = ask(server, loopback)

    assert plain(finding.value)["registrar"]["abuse"][0]["email"] == "abuse@registrar.example"
    assert plain(finding.value)["status"] == ["client transfer prohibited"]
    assert [asked.path for asked in server.asked] == [
        "/dns.json",
        f"/registry/domain/{NAME}",
        f"/registrar/domain/{NAME}",
    ]
    assert finding.valid_until == NOW + 12 * HOUR


@pytest.mark.parametrize("page", [http(500), http(200, b"no JSON"), answer({"errorCode": 500})])
def test_a_registrar_that_fails_leaves_the_registrys_word_and_is_asked_again_soon(server, loopback, page):
    server.pages[f"/registry/domain/{NAME}"] = answer(record(registrar(None), links=[link_to(server)]))
    server.pages[f"/registrar/domain/{NAME}"] = page

    (finding,) = ask(server, loopback)

    assert plain(finding.value)["registrar"]["iana_id"] == "9995"
    assert (finding.valid_until, finding.problem) == (NOW + HOUR, None)


def test_a_registrar_that_does_not_know_the_name_adds_nothing(server, loopback):
    server.pages[f"/registry/domain/{NAME}"] = answer(record(registrar(None), links=[link_to(server)]))

    (finding,) = ask(server, loopback)

    assert plain(finding.value)["registrar"]["abuse"] == []
    assert finding.valid_until == NOW + 12 * HOUR


def test_a_registrar_outside_our_reach_is_not_asked(server):
    with WebServer() as other:
        gate = Gate(Reach(public=False, ranges=()), own=())
        server.pages[f"/registry/domain/{NAME}"] = answer(
            record(registrar(None), links=[related(f"http://127.0.0.1:{other.port}/x")])
        )

        (finding,) = ask(server, gate)

        assert sentence(finding.problem.reason) == "address not reachable by policy"
        assert (server.connections, other.connections) == (0, 0)


def test_our_own_door_is_no_registrar(server, loopback):
    with WebServer() as door:
        loopback.own = [("127.0.0.1", door.port)]
        server.pages[f"/registry/domain/{NAME}"] = answer(
            record(registrar(), links=[related(f"http://127.0.0.1:{door.port}/admin")])
        )

        (finding,) = ask(server, loopback)

        assert plain(finding.value)["registrar"]["iana_id"] == "9995"
        assert door.connections == 0


def test_a_name_that_nobody_has_is_an_answer_for_a_short_time(server, loopback):
    (finding,) = ask(server, loopback)

    assert finding.value == not_registered(NAME, "rdap")
    assert (plain(finding.value)["registered"], finding.problem) == (False, None)
    assert finding.valid_until == NOW + HOUR


def test_a_suffix_that_the_bootstrap_does_not_know_has_no_rdap(server, loopback):
    (finding,) = ask(server, loopback, "site.nowhere")

    assert (sentence(finding.problem.reason), finding.problem.temporary) == (
        "no RDAP server is named for this suffix",
        False,
    )
    assert finding.problem.step == "rdap_domain"


def test_a_registry_that_takes_too_long_stops_no_other(server, loopback):
    """What is not answered within our patience is a passing problem."""
    waiting = threading.Event()
    server.pages[f"/registry/domain/{NAME}"] = lambda connection: waiting.wait(20)
    server.pages["/registry/domain/other.test"] = answer(record(registrar()))

    findings = {
        f.lookup.subject: f for f in ask(server, loopback, NAME, "other.test", patience_s=0.3, timeout_s=1)
    }
    waiting.set()

    assert findings["other.test"].problem is None
    assert findings[NAME].problem.temporary


@pytest.mark.parametrize(
    ("name", "servers"),
    [
        pytest.param("a.co.test", ("https://narrow.test/",), id="longest"),
        pytest.param("a.b.test", ("https://wide.test/",), id="shorter"),
        pytest.param("A.TEST", ("https://wide.test/",), id="case"),
        pytest.param("a.xco.test", ("https://wide.test/",), id="whole-labels"),
    ],
)
def test_the_longest_suffix_that_matches_by_labels_answers(name, servers):
    services = [[["co.test"], ["https://narrow.test"]], [["TEST"], ["https://wide.test/"]], [["x"], []]]

    suffixes = Suffixes({"services": services})

    assert suffixes.servers(name) == servers
    with pytest.raises(OutsideError):
        suffixes.servers("a.x")


@pytest.mark.parametrize(
    ("link", "leads"),
    [
        pytest.param({}, True, id="as-it-should-be"),
        pytest.param({"type": "application/rdap+json; charset=utf-8"}, True, id="with-a-charset"),
        pytest.param({"rel": "Related"}, True, id="case"),
        pytest.param({"type": "text/html"}, False, id="a-page"),
        pytest.param({"type": None}, False, id="no-type"),
        pytest.param({"rel": "self"}, False, id="itself"),
        pytest.param({"href": "ftp://registrar.test/x"}, False, id="another-scheme"),
        pytest.param({"href": "http://REGISTRY.test/x"}, False, id="where-it-came-from"),
        pytest.param({"href": 5}, False, id="no-address"),
    ],
)
def test_which_link_leads_to_the_registrar(link, leads):
    target = related("http://registrar.test/x", **link)

    found = registrar_link({"links": ["x", target]}, "http://registry.test/x")

    assert found == (target["href"] if leads else None)


def emails(*entities: dict[str, Any]) -> list[str]:
    return [one["email"] for one in domain(record(*entities), NAME)["registrar"]["abuse"]]


def test_the_abuse_contact_is_found_however_deep_within_the_registrar():
    deep = entity("technical", entities=[entity("abuse", email="deep@registrar.example")])

    assert emails(entity("registrar", name="R", entities=[entity("administrative", entities=[deep])])) == [
        "deep@registrar.example"
    ]


def test_the_registrars_contact_comes_before_one_beside_it():
    beside = entity("abuse", email="beside@test.example")

    assert emails(beside, registrar()) == ["abuse@registrar.example", "beside@test.example"]


def test_a_contact_below_the_registrant_is_never_the_registrars():
    holder = entity(
        "registrant", email="me@holder.example", entities=[entity("abuse", email="a@holder.example")]
    )

    assert emails(registrar(), holder) == ["abuse@registrar.example"]
    assert emails(registrar(None), holder) == []
    alone = domain(record(holder), NAME)["registrar"]
    assert (alone["name"], alone["abuse"][0]["confidence"]) == (None, 0.2)
    assert merged(domain(record(holder), NAME), domain(record(registrar()), NAME))["registrar"]["abuse"] == [
        {"email": "abuse@registrar.example", "source": "rdap", "confidence": 0.9}
    ]


def test_a_registrars_general_mailbox_is_a_guess():
    (found,) = domain(record(entity("registrar", name="R", email="info@registrar.example")), NAME)[
        "registrar"
    ]["abuse"]

    assert (found["email"], found["source"]) == ("info@registrar.example", "guess")


def test_a_guess_gives_way_to_a_named_contact():
    thin = domain(record(entity("registrar", name="R", email="info@registrar.example")), NAME)

    both = merged(thin, domain(record(registrar()), NAME))

    assert [one["email"] for one in both["registrar"]["abuse"]] == ["abuse@registrar.example"]


@pytest.mark.parametrize(
    "odd",
    [
        pytest.param(
            {"entities": [entity("registrar", name="", email="", handle=None)]}, id="redacted-empty"
        ),
        pytest.param(
            {"entities": [{"roles": "registrar", "vcardArray": None}], "redacted": [{"name": {}}]},
            id="redacted",
        ),
        pytest.param(
            {"entities": "none", "status": 5, "nameservers": {"ldhName": 1}, "links": 7}, id="shapes"
        ),
        pytest.param({"entities": [None, [], {"entities": [{}], "roles": [None]}]}, id="holes"),
    ],
)
def test_redacted_and_odd_parts_are_left_out(odd):
    value = domain({**record(), **odd}, NAME)

    assert value["registered"] is True
    assert not (value["registrar"] or {}).get("abuse")


@pytest.mark.parametrize("number", ["0", "123456", "12a", "", "１２", None, 1.5])
def test_an_iana_id_has_one_to_five_digits(number):
    found = domain(record(registrar(number=number)), NAME)["registrar"]["iana_id"]

    assert found == ("0" if number == "0" else None)


WORDS = st.sampled_from(
    [
        "registrar",
        "abuse",
        "registrant",
        "a@b.example",
        "IANA Registrar ID",
        "7",
        "fn",
        "email",
        "vcard",
        "",
        "related",
    ]
)
KEYS = st.sampled_from(
    [
        "entities",
        "roles",
        "vcardArray",
        "publicIds",
        "type",
        "identifier",
        "status",
        "nameservers",
        "ldhName",
        "links",
    ]
)
TREES = st.recursive(
    st.one_of(WORDS, st.none(), st.booleans(), st.integers(), st.floats()),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(KEYS, inner, max_size=5)),
    max_leaves=40,
)


@given(st.dictionaries(KEYS, TREES, max_size=6), st.dictionaries(KEYS, TREES, max_size=6))
def test_any_tree_is_read_as_far_as_it_makes_sense(one, other):
    read = [domain({"objectClassName": "domain", **tree}, NAME) for tree in (one, other)]

    both = merged(*read)

    assert registrar_link(one, "") is None or registrar_link(one, "").startswith("http")
    assert all("@" in contact["email"] for contact in (both["registrar"] or {"abuse": []})["abuse"])


@pytest.mark.parametrize("document", [[], {"errorCode": 404}, {"objectClassName": "entity"}, None])
def test_what_is_no_answer_about_a_domain_is_refused(document):
    with pytest.raises(OutsideError):
        domain(document, NAME)
