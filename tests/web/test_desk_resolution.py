"""The page of who serves a case's host, and what a person says there, once per outcome."""

import html
import json
import re
from datetime import date
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select, update

from nta.domain.hosting.facts import (
    AddressFacts,
    DomainFacts,
    FoundContact,
    HostingFacts,
    LookupProblem,
    Network,
    RegistrarFacts,
    to_plain,
)
from nta.domain.hosting.lookups import Lookup, LookupKind
from nta.domain.parties.organisations import Catalogue, NoticeRoute, Provider
from nta.domain.reasons import Code, Reason, other
from nta.store.db.handle import Store
from nta.store.hosting import findings, override_rows
from nta.store.tables import Arrangement, AuditEntry, Contact, Due, Episode, Host
from nta.store.work import due
from nta.web.app_factory import POLICY
from tests.builders import MadeCase, make_case, make_notice
from tests.conftest import NINE, hours
from tests.lookup_plain import a_finding
from tests.web.conftest import OURS, Forms, post

URL = "http://images.quick.example/private/path/1.jpg"
CHECKED = date(2026, 1, 5)
ONE, TWO = (
    Provider(
        f"hosting:{name}", f"{name.title()} Hosting", "NL", NoticeRoute(f"abuse@{name}.example"), "x", CHECKED
    )
    for name in ("one", "two")
)
SHIELD = Provider(
    "proxy:shield",
    "Shield",
    "US",
    NoticeRoute("abuse@shield.example"),
    "x",
    CHECKED,
    ranges=("203.0.113.0/24",),
    cnames=("edge.shield.example",),
)
BEFORE = NINE - hours(2)


@pytest.fixture
def catalogue() -> Catalogue:
    return Catalogue(
        hotlines={OURS.id: OURS}, hosting={p.id: p for p in (ONE, TWO)}, proxies={SHIELD.id: SHIELD}
    )


def facts() -> HostingFacts:
    """Return facts of a host behind a proxy, and of its domain."""
    network = Network("NET-203", "SHIELD-NET", ("203.0.113.0/24",), "US", "ORG-S", "Shield Inc.")
    abuse = (
        FoundContact("noc@shield.example", "rdap", 0.9),
        FoundContact("abuse@quick.example", "security_txt", 0.9),
    )
    proxy = AddressFacts("203.0.113.9", 64501, "SHIELD-AS", network, None, "Shield", SHIELD.id, abuse, BEFORE)
    desk = (FoundContact("abuse@registrar.example", "rdap", 0.9),)
    registrar = RegistrarFacts("Registrar B.V.", "9999", "registrar:9999", desk)
    nameservers = ("ns1.provider.example", "ns.quick.example")
    domain = DomainFacts("quick.example", "example", True, registrar, None, ("active",), nameservers, "rdap")
    cname = ("images.quick.example.edge.shield.example", "www.veiled.example")
    problem = LookupProblem("route", Reason(Code.NO_DNS_ANSWER), True)
    return HostingFacts("images.quick.example", BEFORE, cname, (proxy,), "US", domain, (problem,))


@pytest.fixture
def case(lite: Store) -> MadeCase:
    served = {"party": "hosting:one", "ip": "203.0.113.9", "country": "US"}
    made = make_case(lite, URL, NINE - hours(9), last_up_at=NINE - hours(1), presence="up", **served)
    about = Lookup(LookupKind.NETWORK, "203.0.113.9")
    value = {"handle": "NET-203", "cidr": ["203.0.113.0/24"]}
    route = Lookup(LookupKind.ROUTE, "203.0.113.9")
    with lite.db.write() as connection:
        number = connection.execute(select(Host.arrangement_id)).scalar_one()
        sealed = lite.sealer.seal("arrangement.facts", number, json.dumps(to_plain(facts())))
        connection.execute(update(Arrangement).values(facts_sealed=sealed))
        findings.save(
            connection,
            lite,
            [
                a_finding(about, value, "rdap", BEFORE, NINE + hours(10), None, ("203.0.113.0/24",)),
                a_finding(
                    route,
                    None,
                    "origin zone",
                    BEFORE,
                    NINE - hours(1),
                    LookupProblem("route", other("nobody answers"), True),
                ),
            ],
        )
        connection.execute(update(Due).where(Due.kind == due.RESOLVE).values(due_at=NINE + hours(10)))
    return made


def place(case: MadeCase) -> str:
    return f"/cases/{case.reference}/resolution"


def words(page: str) -> str:
    return html.unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page)))


def acts(store: Store) -> list[tuple[str, str]]:
    with store.db.read() as connection:
        query = select(AuditEntry.act, AuditEntry.who).where(AuditEntry.act != "user_added")
        return [tuple(row) for row in connection.execute(query)]


def known(store: Store, case: MadeCase) -> override_rows.Forced | None:
    with store.db.read() as connection:
        return override_rows.of_hosts(connection, store, [case.host_id], NINE).get(case.host_id)


def next_at(store: Store, case: MadeCase) -> Any:
    with store.db.read() as connection:
        query = select(Due.due_at).where(Due.kind == due.RESOLVE, Due.subject == case.host_id)
        return connection.execute(query).scalar()


def test_the_tree_says_who_serves_it_how_that_is_known_and_whom_it_tells(
    analyst: FlaskClient, case: MadeCase
) -> None:
    answer = analyst.get(place(case))

    said = words(answer.text)
    assert answer.headers["Content-Security-Policy"] == POLICY
    for part in (
        "203.0.113.9 Shield proxy",
        "NET-203 203.0.113.0/24 · US · Shield Inc.",
        "AS64501 SHIELD-AS",
        "noc@shield.example RDAP",
        "who holds the network: RDAP, 2 Mar 2026, 07:00",
        "Registrar: Registrar B.V. IANA 9999",
        "abuse@registrar.example",
        "Status: active",
        "Asked next: 2 Mar 2026, 19:00",
        "proxy Shield US abuse@shield.example The catalogue's contact, last checked on 2026-01-05.",
        "who announces the address 203.0.113.9 : nobody answers",
    ):
        assert part in said


def test_the_cases_page_says_why_a_look_up_failed_in_the_readers_language(
    analyst: FlaskClient, case: MadeCase
) -> None:
    page = analyst.get(f"/cases/{case.reference}", headers={"Accept-Language": "nl"}).text

    assert "wie het adres aankondigt: geen enkele DNS-server antwoordt" in words(page)


def test_no_name_that_leads_to_the_location_is_on_the_page(analyst: FlaskClient, case: MadeCase) -> None:
    page = analyst.get(place(case)).text

    assert "quick" not in page
    assert "veiled" not in page
    assert "….shield.example" in page
    assert "….provider.example" in page


def test_the_case_leads_to_it_and_it_leads_back(analyst: FlaskClient, case: MadeCase) -> None:
    assert place(case) in analyst.get(f"/cases/{case.reference}").text
    assert f'href="/cases/{case.reference}"' in analyst.get(place(case)).text


def test_nothing_is_looked_up_and_nothing_written_while_it_is_shown(
    analyst: FlaskClient, lite: Store, case: MadeCase
) -> None:
    before = next_at(lite, case)

    analyst.get(place(case))

    assert next_at(lite, case) == before
    assert acts(lite) == []


def test_of_a_host_that_was_never_looked_up_it_says_so(analyst: FlaskClient, lite: Store) -> None:
    new = make_case(lite, "http://new.example/", NINE, resolved=False)

    said = words(analyst.get(place(new)).text)

    assert "No address is known." in said
    assert "Nobody who could be told is known." in said


def test_a_name_that_leads_nowhere_is_said_to(analyst: FlaskClient, lite: Store) -> None:
    new = make_case(lite, "http://new.example/", NINE - hours(1), resolved=False)
    value = {"addresses": [], "cname": [], "dead": "nxdomain"}
    asked = a_finding(Lookup(LookupKind.ADDRESSES, "new.example"), value, "dns", NINE, NINE + hours(1), None)
    with lite.db.write() as connection:
        findings.save(connection, lite, [asked])

    assert "name does not exist" in words(analyst.get(place(new)).text)


def test_there_is_no_page_of_an_unknown_case(analyst: FlaskClient) -> None:
    assert analyst.get("/cases/C-26-0000-0000/resolution").status_code == 404
    assert analyst.get("/cases/nothing/resolution").status_code == 404


def test_everything_is_asked_anew_on_a_persons_word(
    analyst: FlaskClient, lite: Store, case: MadeCase
) -> None:
    answer = post(analyst, place(case), "again")

    assert answer.status_code == 303
    assert next_at(lite, case) == NINE
    assert acts(lite) == [("ask_again", "analyst@hotline.test")]
    assert "again" not in Forms(analyst.get(place(case)).text).forms  # it is being asked


def test_another_host_is_entered_and_taken_back(analyst: FlaskClient, lite: Store, case: MadeCase) -> None:
    post(analyst, place(case), "wrong", wrong="host", party="One Hosting", reason="its invoice")
    page = analyst.get(place(case)).text
    entered, due_at = known(lite, case), next_at(lite, case)

    post(analyst, place(case), "withdraw-host", reason="sold on")

    assert entered == override_rows.Forced(None, ONE.id, NINE + hours(24 * 90))
    assert due_at == NINE
    assert "One Hosting this host alone its invoice analyst@hotline.test" in words(page).replace(" for ", " ")
    assert known(lite, case) is None
    assert [act for act, _ in acts(lite)] == ["name_host", "withdraw_entry"]
    assert "Who serves it entered" in analyst.get(f"/cases/{case.reference}").text


def test_an_address_is_entered_for_the_whole_domain(
    analyst: FlaskClient, lite: Store, case: MadeCase
) -> None:
    post(
        analyst,
        place(case),
        "wrong",
        wrong="origin",
        address="198.51.100.7",
        scope="domain",
        until="2026-03-10T12:00",
        reason="its headers",
    )

    assert known(lite, case) == override_rows.Forced("198.51.100.7", None, NINE.replace(day=10, hour=12))
    assert "every host of the domain" in analyst.get(place(case)).text


def test_the_page_of_the_case_takes_an_address_behind_the_proxy_too(
    analyst: FlaskClient, lite: Store, case: MadeCase
) -> None:
    answer = post(
        analyst, f"/cases/{case.reference}", "origin", address="198.51.100.7", reason="headers say so"
    )

    assert answer.status_code == 303
    assert known(lite, case) == override_rows.Forced("198.51.100.7", None, NINE + hours(24 * 90))
    assert "Address behind the proxy entered" in analyst.get(f"/cases/{case.reference}").text
    assert acts(lite) == [("name_origin", "analyst@hotline.test")]


@pytest.mark.parametrize(
    ("fields", "field", "line"),
    [
        pytest.param({"party": "hosting:nobody"}, "party", "No host of the catalogue", id="party"),
        pytest.param(
            {"wrong": "origin", "address": "10.1.2.3"}, "address", "no address that a machine", id="private"
        ),
        pytest.param({"wrong": "origin", "address": "203.0.113.77"}, "address", "the proxy", id="the-proxys"),
        pytest.param({"party": ONE.id, "until": "2026-01-01T00:00"}, "until", "moment is over", id="over"),
        pytest.param({"party": ONE.id, "until": "2028-01-01T00:00"}, "until", "more than a year", id="far"),
        pytest.param({"party": ONE.id, "until": "soon"}, "until", "Write day and time", id="unreadable"),
        pytest.param({"party": ONE.id, "until": ""}, "until", "until when", id="no-end"),
        pytest.param({"party": ONE.id, "reason": " "}, "reason", "Say where this is from", id="reason"),
        pytest.param({"party": ONE.id, "wrong": "shoe"}, "wrong", "from the list", id="choice"),
        pytest.param({"wrong": "contact", "contact": "7"}, "contact", "Choose the contact", id="contact"),
        pytest.param({"wrong": "other", "reason": ""}, "reason", "Say where this is from", id="no-word"),
    ],
)
def test_what_cannot_be_taken_says_so_beside_its_field_and_keeps_the_rest(
    analyst: FlaskClient, lite: Store, case: MadeCase, fields: dict[str, str], field: str, line: str
) -> None:
    answer = post(analyst, place(case), "wrong", **({"reason": "its <invoice>"} | fields))

    assert answer.status_code == 422
    fault = re.search(rf'id="fault-{field}" role="alert">([^<]*)<', answer.text)
    assert fault, answer.text
    assert line in fault[1]
    assert answer.text.count('role="alert"') == 1
    shown = Forms(answer.text).forms["wrong"]
    for name, value in fields.items():
        if name not in ("wrong", "contact"):
            assert shown[name] == [value.strip()]
    assert shown["reason"] == [fields.get("reason", "its <invoice>").strip()]
    assert known(lite, case) is None
    assert acts(lite) == []


def test_something_else_is_a_leads_to_read(analyst: FlaskClient, lite: Store, case: MadeCase) -> None:
    post(analyst, place(case), "wrong", wrong="other", reason="another registrar by now")

    assert "another registrar by now" in analyst.get("/tasks").text
    assert next_at(lite, case) == NINE


def test_a_contact_that_does_not_work_is_not_used_any_more(
    analyst: FlaskClient, lite: Store, case: MadeCase
) -> None:
    make_notice(lite, [case], NINE - hours(1), party=SHIELD.id, role="proxy")
    with lite.db.write() as connection:
        connection.execute(update(Contact).values(address="abuse@shield.example"))
        number = connection.execute(select(Contact.id)).scalar_one()

    answer = post(analyst, place(case), "wrong", wrong="contact", contact=str(number), reason="they say so")

    assert answer.status_code == 303
    said = words(analyst.get(place(case)).text)
    assert "abuse@shield.example" not in said
    assert "the catalogue's contact was refused" in said
    assert [act for act, _ in acts(lite)] == ["refuse_contact"]


def test_an_entry_that_is_over_or_stands_behind_another_is_shown_as_such(
    analyst: FlaskClient, lite: Store, case: MadeCase
) -> None:
    post(analyst, place(case), "wrong", party=TWO.id, scope="domain", reason="its site")
    post(analyst, place(case), "wrong", party=ONE.id, reason="its invoice")
    both = words(analyst.get(place(case)).text)
    with lite.db.write() as connection:
        connection.execute(update(Host).values(forced_until=NINE))

    assert "the host's own goes first" in both
    assert " over " in words(analyst.get(place(case)).text)


def test_a_case_that_has_ended_is_shown_and_nothing_is_entered(
    analyst: FlaskClient, lite: Store, case: MadeCase
) -> None:
    form = Forms(analyst.get(place(case)).text).forms["wrong"]
    with lite.db.write() as connection:
        connection.execute(update(Episode).values(stage="ended", outcome="withdrawn", ended_at=NINE))
        due.drop(connection, [(due.RESOLVE, case.host_id)])

    page = analyst.get(place(case)).text
    refused = analyst.post(f"{place(case)}/wrong", data=form | {"party": ONE.id, "reason": "x"})

    assert not {"wrong", "again"} & Forms(page).forms.keys()
    assert "not any more: no case of this host is open" in page
    assert refused.status_code == 422
    assert known(lite, case) is None


def test_without_the_token_of_the_form_nothing_is_entered(analyst: FlaskClient, case: MadeCase) -> None:
    assert analyst.post(f"{place(case)}/wrong", data={"wrong": "host", "party": ONE.id}).status_code == 400
    assert analyst.post(f"{place(case)}/again").status_code == 400


def test_the_page_is_in_the_readers_language(analyst: FlaskClient, case: MadeCase) -> None:
    analyst.post(
        "/language", data=Forms(analyst.get("/cases").text).forms["search"] | {"lang": "nl", "back": "/"}
    )

    page = analyst.get(place(case)).text

    assert "Wie dit aanbiedt" in page
    assert "Klopt dit niet?" in page
