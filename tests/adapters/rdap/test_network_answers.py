"""What RDAP answers say, whole and broken."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nta.adapters.rdap import network_answers
from nta.adapters.rdap.bootstrap_files import Bootstrap
from nta.adapters.rdap.network_answers import abuse_mailboxes
from nta.domain.errors import OutsideError
from tests.lookup_plain import plain


def network(document: object) -> Any:
    return plain(network_answers.network(document))


def system(document: object) -> Any:
    return plain(network_answers.system(document))


def entity(*roles: str, email: object = None, **more: object) -> dict:
    card = [["version", {}, "text", "4.0"], ["fn", {}, "text", "Somebody"]]
    if email is not None:
        card.append(["email", {}, "text", email])
    return {"objectClassName": "entity", "roles": list(roles), "vcardArray": ["vcard", card], **more}


def nested(depth: int) -> dict:
    inner = entity("abuse", email="deep@hosting.example")
    for _ in range(depth):
        inner = entity("technical", email="tech@hosting.example", entities=[inner])
    return {"entities": [inner]}


def net(**more: object) -> dict:
    return {"objectClassName": "ip network", "startAddress": "192.0.2.0", "endAddress": "192.0.2.255", **more}


def test_only_the_abuse_role_counts():
    record = {
        "entities": [
            entity("registrant", email="owner@hosting.example"),
            entity("technical", "abuse", email="abuse@hosting.example"),
        ]
    }

    assert abuse_mailboxes(record) == ["abuse@hosting.example"]


def test_outer_entities_come_before_nested_ones():
    record = {
        "entities": [
            entity("registrant", entities=[entity("abuse", email="inner@hosting.example")]),
            entity("abuse", email="outer@hosting.example"),
        ]
    }

    assert abuse_mailboxes(record) == ["outer@hosting.example", "inner@hosting.example"]


@pytest.mark.parametrize("depth", [0, 1, 50])
def test_an_abuse_entity_is_found_however_deep(depth):
    assert abuse_mailboxes(nested(depth)) == ["deep@hosting.example"]


def test_the_mailbox_marked_for_abuse_stands_for_all_of_its_entity():
    contact = entity("abuse", email="desk@hosting.example")
    contact["vcardArray"][1].append(["email", {"type": "abuse"}, "text", "abuse@hosting.example"])

    assert abuse_mailboxes({"entities": [contact]}) == ["abuse@hosting.example"]


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        ("Abuse@hosting.example, abuse@hosting.example", ["Abuse@hosting.example"]),
        ("mailto:abuse@hosting.example", ["abuse@hosting.example"]),
        ("<abuse@hosting.example>; noc@hosting.example", ["abuse@hosting.example", "noc@hosting.example"]),
        ("see our website", []),
        ("", []),
        ("a" * 5_000 + "@hosting.example", []),
        (["abuse@hosting.example"], []),
        (7, []),
    ],
)
def test_a_mailbox_is_read_from_what_people_put_there(told, expected):
    assert abuse_mailboxes({"entities": [entity("abuse", email=told)]}) == expected


@pytest.mark.parametrize(
    "card",
    [
        None,
        "vcard",
        [],
        ["vcard"],
        ["vcard", None],
        ["vcard", {"email": "x@hosting.example"}],
        ["vcard", ["email"]],
        ["vcard", [["email"], [], None, 7, ["email", {}, "text"], [None, {}, "text", "x@hosting.example"]]],
        ["vcard", [["email", None, "text", {"a": 1}]]],
        ["vcard", [["adr", {"label": 5, "cc": ["NL"]}, "text", {}], ["fn", {}, "text", [[]]]]],
    ],
)
def test_a_card_of_the_wrong_shape_names_nobody(card):
    document = net(entities=[{"roles": ["abuse", "registrant"], "vcardArray": card}])

    value = network(document)

    assert value["abuse"] == []
    assert value["cidr"] == ["192.0.2.0/24"]


@pytest.mark.parametrize(
    ("fields", "cidr"),
    [
        ({"startAddress": "192.0.2.0", "endAddress": "192.0.2.191"}, ["192.0.2.0/25", "192.0.2.128/26"]),
        ({"cidr0_cidrs": [{"v4prefix": "192.0.2.0", "length": 25}]}, ["192.0.2.0/25"]),
        ({"cidr0_cidrs": [{"v6prefix": "2001:db8::", "length": 32}]}, ["2001:db8::/32"]),
        ({"cidr0_cidrs": [{"v4prefix": "192.0.2.7", "length": 25}, 5, {"length": 3}]}, ["192.0.2.0/24"]),
        ({"startAddress": "201.127.0.0/16", "endAddress": "201.127.255.255/16"}, ["201.127.0.0/16"]),
        ({"startAddress": "192.0.2.9", "endAddress": "192.0.2.1"}, []),
        ({"startAddress": "192.0.2.9", "endAddress": "2001:db8::1"}, []),
        ({"startAddress": "x", "endAddress": None}, []),
    ],
)
def test_the_range_is_told_or_worked_out(fields, cidr):
    assert network(net(**fields))["cidr"] == cidr


def test_the_holder_is_an_organisation_rather_than_a_maintainer():
    organisation = entity("registrant", handle="ORG-1")
    organisation["vcardArray"][1].append(["kind", {}, "text", "org"])
    document = net(entities=[entity("registrant", handle="EXAMPLE-MNT"), organisation])

    assert network(document)["holder"] == "ORG-1"
    assert network(document)["holder_name"] == "Somebody"


@pytest.mark.parametrize(
    ("country", "address", "expected"),
    [
        ("nl", None, "NL"),
        (None, ["adr", {"cc": "DE"}, "text", [""] * 7], "DE"),
        (None, ["adr", {}, "text", ["", "", "", "", "", "", "BE"]], "BE"),
        (None, ["adr", {"label": "1 Example Street\nTown\nUnited States"}, "text", [""] * 7], "US"),
        (None, ["adr", {"label": "Somewhere"}, "text", [""] * 7], None),
        ("Netherlands", None, None),
        (None, None, None),
    ],
)
def test_the_country_is_the_networks_or_its_holders(country, address, expected):
    holder = entity("registrant")
    if address:
        holder["vcardArray"][1].append(address)

    assert network(net(country=country, entities=[holder]))["country"] == expected


@pytest.mark.parametrize(
    ("fields", "asn"),
    [
        ({"arin_originas0_originautnums": [64500, 64501]}, (64500, None)),
        ({"arin_originas0_originautnums": [True, "64500", None]}, (None, None)),
        ({"arin_originas0_originautnums": {"a": 1}}, (None, None)),
        (
            {
                "entities": [
                    entity("registrant", autnums=[{"startAutnum": 64500, "endAutnum": 64500, "name": "EX"}])
                ]
            },
            (64500, "EX"),
        ),
        (
            {"entities": [entity("registrant", autnums=[{"startAutnum": 64500, "endAutnum": 64511}])]},
            (None, None),
        ),
        ({}, (None, None)),
    ],
)
def test_the_as_number_is_told_where_the_registry_knows_it(fields, asn):
    value = network(net(**fields))

    assert (value["asn"], value["as_name"]) == asn


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.text(max_size=8)
    | st.sampled_from(["abuse", "email", "NL"]),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(
                [
                    "objectClassName",
                    "entities",
                    "roles",
                    "vcardArray",
                    "startAddress",
                    "endAddress",
                    "cidr0_cidrs",
                    "v4prefix",
                    "length",
                    "autnums",
                    "startAutnum",
                    "arin_originas0_originautnums",
                    "handle",
                    "name",
                    "country",
                    "label",
                ]
            ),
            inner,
            max_size=6,
        )
    ),
    max_leaves=30,
)


@given(JSON)
def test_no_answer_makes_anything_but_a_value_or_an_outside_error(document):
    if isinstance(document, dict):
        document["objectClassName"] = "ip network"
    try:
        value = network(document)
    except OutsideError:
        return

    json.dumps(value)
    assert all("@" in contact["email"] for contact in value["abuse"])


SERVICES = {
    "services": [
        [["192.0.0.0/8"], ["http://wide.test/"]],
        [["192.0.2.0/24", "198.51.100.0/24"], ["http://plain.test/x", "https://narrow.test/x"]],
        [["nonsense", 5, "192.0.2.1/24", "2001:db8::/32"], ["https://wrong.test/"]],
        [["203.0.113.0/24"], ["ftp://no.test/", 7]],
        "no service",
        [["192.0.3.0/24"]],
    ]
}


@pytest.mark.parametrize(
    ("ip", "servers"),
    [
        ("192.1.1.1", ("http://wide.test/",)),
        ("192.0.2.1", ("https://narrow.test/x/", "http://plain.test/x/")),
        ("198.51.100.255", ("https://narrow.test/x/", "http://plain.test/x/")),
    ],
)
def test_the_longest_range_of_the_bootstrap_wins(ip, servers):
    assert Bootstrap({4: SERVICES}).servers(ip) == servers


@pytest.mark.parametrize("ip", ["8.8.8.8", "203.0.113.1", "2001:db8::1", "web.test"])
def test_an_address_nobody_answers_for_is_said_to_be_so(ip):
    with pytest.raises(OutsideError) as caught:
        Bootstrap({4: SERVICES}).servers(ip)

    assert not caught.value.temporary


@pytest.mark.parametrize("document", [None, [], {}, {"services": {}}, {"services": "x"}])
def test_a_bootstrap_without_services_is_refused(document):
    with pytest.raises(OutsideError):
        Bootstrap({4: document})


def remark(*lines: object) -> dict:
    return {"remarks": [{"title": "x", "description": list(lines)}]}


@pytest.mark.parametrize(
    ("record", "emails"),
    [
        pytest.param(
            remark("Send abuse reports to abuse@net.example, please"), ["abuse@net.example"], id="line"
        ),
        pytest.param(
            remark("noc@net.example", "Abuse: a@net.example", 5), ["a@net.example"], id="of-abuse-alone"
        ),
        pytest.param(
            {"entities": [entity("technical", **remark("abuse: a@net.example"))]},
            ["a@net.example"],
            id="nested",
        ),
        pytest.param({"remarks": "abuse: a@net.example"}, [], id="no-remark"),
    ],
)
def test_a_remark_that_speaks_of_abuse_counts_where_no_entity_has_the_role(record, emails):
    found = network(net(**record))["abuse"]

    assert [(one["email"], one["source"]) for one in found] == [(email, "remark") for email in emails]


def test_an_entity_with_the_role_comes_instead_of_remarks():
    (found,) = network(
        net(entities=[entity("abuse", email="desk@net.example")], **remark("abuse: a@net.example"))
    )["abuse"]

    assert (found["email"], found["source"]) == ("desk@net.example", "rdap")


@pytest.mark.parametrize(
    ("record", "domains"),
    [
        pytest.param({}, [], id="none"),
        pytest.param(
            {
                "entities": [
                    entity("technical", email="noc@carrier.example"),
                    entity("registrant", email="office@mail.holder.example"),
                ]
            },
            ["holder.example", "carrier.example"],
            id="the-holders-first-whatever-the-role",
        ),
        pytest.param(
            {"entities": [entity("registrant", entities=[entity("administrative", email="a@deep.example")])]},
            ["deep.example"],
            id="nested",
        ),
        pytest.param(remark("see noc@net.example", 5), ["net.example"], id="in-a-remark"),
        pytest.param(
            {
                "entities": [
                    entity("technical", email="a@gmail.com"),
                    entity("abuse", email="unread@ripe.net"),
                ]
            },
            [],
            id="neither-a-free-mailboxs-nor-a-registrys",
        ),
        pytest.param({"entities": [entity("technical", email=["a@net.example"])]}, [], id="malformed"),
    ],
)
def test_the_mailboxes_say_whose_network_it_is(record, domains):
    assert network(net(**record))["domains"] == domains


def test_of_an_as_its_holder_is_told():
    organisation = entity("registrant", handle="ORG-1")
    document = {"objectClassName": "autnum", "startAutnum": 64500, "entities": [organisation]}

    assert system(document)["holder"] == "ORG-1"
    assert system(document | {"entities": []})["holder"] is None
