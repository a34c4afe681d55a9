"""The page of who serves a case says how it was hosted before, and what was asked and answered."""

from datetime import timedelta

from flask.testing import FlaskClient

from nta.domain.hosting.facts import LookupProblem
from nta.domain.hosting.lookups import Lookup, LookupKind
from nta.domain.reasons import Code, Reason, because, other
from nta.store.db.handle import Store
from nta.store.hosting import findings
from tests.builders import make_case
from tests.conftest import NINE, hours
from tests.lookup_plain import a_finding

HOST = "images.quick.example"


def test_the_page_tells_of_arrangements_and_answers_and_never_of_the_name(
    analyst: FlaskClient, lite: Store
) -> None:
    case = make_case(lite, f"http://{HOST}/private/1.jpg", NINE - hours(5), ip="192.0.2.10")
    early, until = NINE - hours(4), NINE - hours(3)
    dead = {"addresses": [], "cname": [f"edge.{HOST}"], "dead": "nxdomain"}
    lives = {"addresses": ["192.0.2.10"], "cname": [], "dead": None}
    silent = LookupProblem("rdap_ip", other("the server does not answer in time"), True)
    with lite.db.write() as connection:
        findings.save(
            connection,
            lite,
            [
                a_finding(Lookup(LookupKind.ADDRESSES, HOST), dead, "dns", early, until, None),
                a_finding(Lookup(LookupKind.ADDRESSES, HOST), lives, "dns", until, NINE + hours(1), None),
                a_finding(Lookup(LookupKind.NETWORK, "192.0.2.10"), None, "rdap", until, until, silent),
            ],
        )

    page = analyst.get(f"/cases/{case.reference}/resolution").text

    section = page.partition('id="hosting-so-far"')[2].partition("</details>")[0]
    assert "in force" in section
    assert "name does not exist" in section
    assert "the server does not answer in time" in section
    assert section.index("192.0.2.10</td>") < section.index("name does not exist")
    assert HOST not in page


def test_why_a_look_up_failed_is_said_in_the_readers_language(analyst: FlaskClient, lite: Store) -> None:
    case = make_case(lite, f"http://{HOST}/1.jpg", NINE - hours(5), ip="192.0.2.10")
    reason = because(Code.ASKED_FROM, reason=Reason(Code.DNS_SLOW), vantage="de")
    slow = LookupProblem("rdap_ip", reason, True)
    network = Lookup(LookupKind.NETWORK, "192.0.2.10")
    with lite.db.write() as connection:
        findings.save(
            connection, lite, [a_finding(network, None, "rdap", NINE - hours(1), NINE + hours(1), slow)]
        )

    page = analyst.get(f"/cases/{case.reference}/resolution", headers={"Accept-Language": "nl"}).text

    failed = page.partition('id="failed"')[2].partition("</ul>")[0]
    before = page.partition('id="hosting-so-far"')[2].partition("</details>")[0]
    assert "de DNS-servers doen er te lang over (gevraagd vanuit de)" in failed
    assert "de DNS-servers doen er te lang over (gevraagd vanuit de)" in before


def test_a_case_that_was_never_looked_up_has_nothing_to_tell(analyst: FlaskClient, lite: Store) -> None:
    case = make_case(lite, f"http://{HOST}/1.jpg", NINE - timedelta(minutes=5), resolved=False)

    assert 'id="hosting-so-far"' not in analyst.get(f"/cases/{case.reference}/resolution").text
