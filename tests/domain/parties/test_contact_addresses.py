"""An address is what its channel says it is."""

from nta.domain.parties.contact_addresses import ContactAddress, mailbox_of


def test_of_mailboxes_alone_case_says_nothing() -> None:
    assert mailbox_of("Abuse@Host.example").folded == mailbox_of("abuse@host.example")
    page = ContactAddress("http", "https://host.example/Notices")
    assert page.folded == page


def test_a_mailbox_that_nobody_reads_cannot_be_used() -> None:
    assert not mailbox_of("noreply@host.example").can_be_used
    assert mailbox_of("abuse@host.example").can_be_used
    assert ContactAddress("http", "https://host.example/noreply").can_be_used
