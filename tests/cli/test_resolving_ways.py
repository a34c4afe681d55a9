"""`nta resolve` where nobody names a contact: what is guessed is told as a guess, and not as found."""

from tests.cli.conftest import Nta
from tests.cli.registries import bootstrap, registries
from tests.usecases.registries import abuse, network, said

TECHNICAL = ("technical",)


def test_a_guess_stands_among_the_contacts_and_not_among_what_was_found(nta: Nta) -> None:
    with registries(nta, "a.test 60 A 192.0.2.1") as (rdap, _):
        bootstrap(rdap, "ipv4", ["192.0.2.0/24"])
        rdap.pages["/ip/192.0.2.1"] = said(
            network("192.0.2.0/24", "ONE", abuse("noc@mail.holder.test", TECHNICAL))
        )
        (found,) = nta("resolve", "--json", "http://a.test/").objects
        shown = nta("resolve", "http://a.test/").out

    (told,) = [c for c in found["contacts"] if c["role"] == "host"]
    reason = "No source names a contact; abuse@ at the domain of the network's holder is a guess."
    assert (told["to"], told["source"], told["reason"]) == ("abuse@holder.test", "guess", reason)
    assert [a["abuse"] for a in found["addresses"]] == [[]]
    assert found["lookups"]["security_txt"] == 1
    assert "security_txt" not in {p["step"] for p in found["problems"]}  # a domain without a web server
    assert "tell host: abuse@holder.test" in shown
    assert f"why: {reason}" in shown
    assert all(line == line.rstrip() for line in shown.splitlines())


def test_of_a_mailbox_that_anybody_may_have_nothing_is_guessed(nta: Nta) -> None:
    with registries(nta, "a.test 60 A 192.0.2.1") as (rdap, _):
        bootstrap(rdap, "ipv4", ["192.0.2.0/24"])
        rdap.pages["/ip/192.0.2.1"] = said(
            network("192.0.2.0/24", "ONE", abuse("somebody@gmail.com", TECHNICAL))
        )
        (found,) = nta("resolve", "--json", "http://a.test/").objects

    assert [c for c in found["contacts"] if c["role"] == "host"] == []
    assert "security_txt" not in found["lookups"]
