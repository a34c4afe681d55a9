"""The lab's page: what truly stands where, and what the service believes of it."""

from http.client import HTTPConnection

from tests.lab.conftest import Client
from tests.lab.fake_service import FakeService


def page(lab: Client, path: str) -> tuple[int, str]:
    host, port = lab.card["control"].removeprefix("http://").split(":")
    connection = HTTPConnection(host, int(port), timeout=5)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
    finally:
        connection.close()


def belief(url: str, presence: str, outcome: str | None = None) -> dict[str, str | None]:
    return {
        "url": url,
        "reference": "C-26-0000-0000",
        "stage": "notified",
        "presence": presence,
        "outcome": outcome,
    }


def row(text: str, name: str) -> str:
    return next(line for line in text.split("<tr") if f">{name}<" in line)


def test_the_page_shows_each_site_where_it_stands_and_what_is_believed(
    lab: Client, service: FakeService
) -> None:
    lab.ask("POST", "/service", service.card())
    lab.leap("2026-03-02T09:00Z")
    lab.leap("2026-03-02T10:00Z")
    two = [url for url in lab.truth() if "//two.example:" in url]
    lab.ask("POST", "/beliefs", [belief(two[0], "up"), belief(two[3], "up")])

    status, text = page(lab, "/world")
    _, of_two = page(lab, "/world/two")

    assert status == 200
    assert "Slow <span class=s>127.11.0.12" in row(text, "two")
    assert "<td class=n>4<td class=n>3<td class=n>2<td class=n>2<td class=n>1" in row(text, "two")
    assert "The service told what it believes at 02 Mar 10:00." in text
    assert "not its turn" in row(text, "three")
    assert "went by itself" in row(of_two, "two/4")
    assert "class=differs" in row(of_two, "two/4")
    assert "class=differs" not in row(of_two, "two/1")
    assert "notified, up" in row(of_two, "two/1")
    assert "not handed in" in row(of_two, "two/2")


def test_the_page_names_no_url_and_holds_no_script(lab: Client) -> None:
    texts = [page(lab, path)[1] for path in ("/world", "/world/one")]

    assert all("urlword" not in text and "<script" not in text and "http://" not in text for text in texts)


def test_a_site_that_is_not_there_is_not_found(lab: Client) -> None:
    assert page(lab, "/world/nowhere")[0] == 404
    assert list(lab.ask("POST", "/beliefs", [{"url": "x"}])) == ["error"]
