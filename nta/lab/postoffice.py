"""All mail that the lab has taken, by Message-ID: the first copy counts, later ones are counted."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from threading import Lock
from typing import Any

from nta.lab.journal import Journal
from nta.lab.mail import EnvelopeRecipient, RelayedMail, mail_from_json, plain_text, read_mail
from nta.lab.world import WorldPage


class PostOffice:
    """Takes mail from the relay's thread, and gives it to the engine's."""

    def __init__(self, journal: Journal, by_url: Mapping[str, WorldPage], texts: Path) -> None:
        self._journal = journal
        self._texts = texts
        texts.mkdir(exist_ok=True, mode=0o700)
        self._by_url = by_url
        self._lock = Lock()
        self._mails: list[RelayedMail] = []
        self._by_id: dict[str, RelayedMail] = {}
        self._unread: list[RelayedMail] = []

    def take(
        self,
        content: bytes,
        at: datetime,
        return_path: str,
        envelope_id: str,
        recipients: tuple[EnvelopeRecipient, ...],
    ) -> None:
        """Keep one mail. It is on the disk when this returns."""
        with self._lock:
            mail = read_mail(
                content,
                number=len(self._mails) + 1,
                at=at,
                return_path=return_path,
                envelope_id=envelope_id,
                recipients=recipients,
                by_url=self._by_url,
            )
            known = self._by_id.get(mail.message_id) if mail.message_id else None
            if known is None:
                (self._texts / f"{mail.number}.txt").write_text(plain_text(content), encoding="utf-8")
                self._journal.write({"do": "mail", **mail.to_json()})
                self._add(mail)
            else:
                differs = known.digest != mail.digest
                self._journal.write(
                    {"do": "copy", "mail": known.number, "at": at.isoformat(), "differs": differs}
                )
                self._count(known, differs)
            self._journal.secure()

    def replay(self, entry: Mapping[str, Any]) -> None:
        """Take in a journal entry about mail."""
        with self._lock:
            if entry["do"] == "mail":
                self._add(mail_from_json(entry))
            else:
                self._count(self._mails[entry["mail"] - 1], entry["differs"])

    def unread(self) -> list[RelayedMail]:
        """Return the mail that was not asked for before."""
        with self._lock:
            found, self._unread = self._unread, []
        return found

    def mail(self, number: int) -> RelayedMail:
        return self._mails[number - 1]

    def text(self, number: int) -> str:
        """Return what the recipient of a mail reads; empty where nothing was kept of it."""
        kept = self._texts / f"{number}.txt"
        return kept.read_text(encoding="utf-8") if kept.exists() else ""

    def all(self) -> list[RelayedMail]:
        """Return every mail, in the order in which they came."""
        return list(self._mails)

    def __len__(self) -> int:
        return len(self._mails)

    def listing(self) -> Iterator[dict[str, Any]]:
        """Yield what the control port tells of each mail."""
        for mail in self.all():
            told: dict[str, Any] = {
                "message_id": mail.message_id,
                "to": ", ".join(one.address for one in mail.recipients),
                "at": mail.at.isoformat(),
                "sha256": mail.digest,
                "copies": mail.copies,
            }
            yield {**told, "differs": True} if mail.differs else told

    def _add(self, mail: RelayedMail) -> None:
        self._mails.append(mail)
        self._unread.append(mail)
        if mail.message_id:
            self._by_id[mail.message_id] = mail

    @staticmethod
    def _count(mail: RelayedMail, differs: bool) -> None:
        mail.copies += 1
        mail.differs = mail.differs or differs
