"""Previews of notices: each kind in each language, harmless, and faults of our own texts named."""

from pathlib import Path

import pytest

from nta.domain.languages import NOTICE_LANGUAGES
from nta.domain.roles import NoticeKind
from tests.cli.conftest import Nta


def test_every_kind_is_shown_in_every_language_with_invented_values(nta: Nta) -> None:
    ended = nta("notice", "preview", "--json")

    shown = {(line["language"], line["kind"]) for line in ended.objects}
    assert (ended.code, ended.err) == (0, "nothing was sent; every value is invented\n")
    assert shown == {(language, kind.value) for language in NOTICE_LANGUAGES for kind in NoticeKind}
    assert all("Example Hotline" in line["text"] and "lighthouse" in line["text"] for line in ended.objects)
    assert not nta.instance.exists()


def test_one_kind_in_one_language_as_a_person_reads_it(nta: Nta) -> None:
    ended = nta("notice", "preview", "--kind", "registry", "--language", "nl")

    assert ended.code == 0
    assert ended.out.count("Subject: ") == 1
    assert "Subject: [N-26-7K3M-4QXT] Illegale inhoud onder een domeinnaam in uw zone" in ended.out
    assert "Antwoordde: geweigerd" in ended.out
    assert "\r" not in ended.out


@pytest.mark.parametrize(
    ("form", "kind", "names"),
    [
        ("xarf", "first", ["xarf.json"]),
        ("xarf", "correction", []),
        ("csv", "hotline", ["N-26-7K3M-4QXT.csv"]),
        ("text", "first", []),
    ],
)
def test_what_is_attached_is_shown_too(nta: Nta, form: str, kind: str, names: list[str]) -> None:
    ended = nta("notice", "preview", "--kind", kind, "--language", "de", "--form", form, "--json")

    (line,) = ended.objects
    assert list(line["attached"]) == names


def test_a_person_sees_the_report_after_its_text(nta: Nta) -> None:
    ended = nta("notice", "preview", "--kind", "first", "--language", "en", "--form", "xarf")

    assert ended.out.index("attached as xarf.json") < ended.out.index('"type": "csam"')


def test_our_own_hotline_writes_where_it_is_set(nta: Nta) -> None:
    nta.settings["NTA_HOTLINE"] = "example"

    ended = nta("notice", "preview", "--kind", "first", "--language", "nl")

    said = " ".join(ended.out.split())
    assert "Wij zijn Example Hotline: een verzonnen meldpunt dat deze dienst uitprobeert." in said


def test_texts_of_our_own_that_cannot_be_printed_are_named(nta: Nta, tmp_path: Path) -> None:
    folder = tmp_path / "templates" / "notices" / "nl"
    folder.mkdir(parents=True)
    (folder / "first.txt").write_text("{{ nonsense }}\n")
    (folder / "reminder.txt").write_text("{% if %}\n")
    (folder / "police.txt").write_text("Eigen tekst, {{ reference }}\n")
    nta.settings["NTA_TEMPLATES"] = str(tmp_path / "templates")

    ended = nta("notice", "preview", "--language", "nl")

    assert ended.code == 2
    assert "nta: nl/first.txt: UndefinedError: 'nonsense' is undefined\n" in ended.err
    assert "nta: nl/reminder.txt: TemplateSyntaxError" in ended.err
    assert ended.err.endswith("2 faults\n")
    assert "Eigen tekst, N-26-7K3M-4QXT" in ended.out


def test_a_language_without_texts_is_refused(nta: Nta) -> None:
    ended = nta("notice", "preview", "--language", "fy")

    assert (ended.code, ended.out) == (2, "")
    assert "no texts in fy" in ended.err
