"""The list of locations as CSV: all that a reader acts on, and nothing that a spreadsheet would run."""

import csv
import email
import io
from email.policy import default
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from nta.render import listing
from nta.render.notice_texts import Texts
from nta.shipped import shipped
from tests.render.letters import item, letter

TEXTS = Texts([shipped("templates")])


def rows(content: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(content.decode("utf-8"), newline="")))


def test_a_line_says_what_where_and_why() -> None:
    first, second = rows(listing.attachment(letter(items=(item(1), item(2, last_up_at=None, port=None)))))

    assert first == {
        "reference": "C-26-AAAA-0001",
        "url": "http://images1.example/gallery/1.jpg",
        "ip_addresses": "192.0.2.1, 2001:db8::1",
        "port": "8080",
        "last_seen_up_utc": "2026-03-02 09:00:00",
        "class": "inhope:baseline",
        "law": "Article 252 of the Dutch Criminal Code",
        "scope": "file",
    }
    assert (second["last_seen_up_utc"], second["port"]) == ("", "")


def test_the_first_byte_is_that_of_the_first_column() -> None:
    assert listing.attachment(letter()).startswith(b"reference,")


def test_the_list_is_attached_under_the_reference_and_the_text_stays_whole() -> None:
    message: Any = email.message_from_bytes(TEXTS.message(letter(form="csv")), policy=default)
    text, listed = message.iter_parts()

    assert listed.get_filename() == "N-26-7K3M-4QXT.csv"
    assert listed.get_content_charset() == "utf-8"
    assert [row["url"] for row in rows(listed.get_payload(decode=True))] == [i.url for i in letter().items]
    assert all(f"{i.number}. {i.url}" in text.get_content().splitlines() for i in letter().items)


@given(st.lists(st.text(max_size=20), min_size=1, max_size=4))
def test_no_cell_is_run_as_a_formula(laws: list[str]) -> None:
    items = tuple(item(n, law=law.replace("\x00", "").replace("\r", " ")) for n, law in enumerate(laws))

    found = rows(listing.attachment(letter(items=items)))

    assert len(found) == len(items)
    assert not [cell for row in found for cell in row.values() if cell[:1] in tuple("=+-@\t\r\n")]


def test_a_url_with_a_formula_in_it_stays_a_url() -> None:
    url = "http://images.example/a;=HYPERLINK(1);-b,-c?d;e=f"
    content = listing.attachment(letter(items=(item(1, url=url),)))

    (row,) = csv.DictReader(io.StringIO(content.decode(), newline=""))

    assert row["url"] == "http://images.example/a;%3DHYPERLINK(1);%2Db,-c?d;e=f"
