"""Where a notice can be sent: a channel, and an address that this channel understands."""

from dataclasses import dataclass
from typing import Final, NamedTuple, Self

from nta.domain.parties.mail_addresses import is_usable

MAIL: Final = "email"
"""The channel of everyone whom the catalogue gives no other."""


class ContactAddress(NamedTuple):
    """One address on one channel: `to` is a mailbox for mail, and what the channel asks for on any other."""

    channel: str
    to: str

    @property
    def folded(self) -> Self:
        """Return the address as others are compared with it: of mailboxes alone, case says nothing."""
        return self._replace(to=self.to.lower()) if self.channel == MAIL else self

    @property
    def can_be_used(self) -> bool:
        """Tell whether somebody may read what is sent there; the catalogue answers for other channels."""
        return self.channel != MAIL or is_usable(self.to)


@dataclass(frozen=True, slots=True)
class NamedContact:
    """An address that somebody names for a party, who, and how sure that is."""

    address: ContactAddress
    source: str
    confidence: float


def mailbox_of(email: str) -> ContactAddress:
    """Return the address of a mailbox."""
    return ContactAddress(MAIL, email)
