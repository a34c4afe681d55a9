"""The pages of the project: what they point at is there, and their pictures are small."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PAGES = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").rglob("*.md"))]
PICTURES = ("approvals", "case", "desk", "portal", "report")
LARGEST = 250_000


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_to_a_file_leads_to_one(page: Path) -> None:
    links = re.findall(r"\]\((?!https?:|#|mailto:)([^)#]+)", page.read_text(encoding="utf-8"))

    assert [link for link in links if not (page.parent / link).exists()] == []


def test_the_readme_shows_every_picture_with_words_for_who_cannot_see_it() -> None:
    shown = dict(
        re.findall(r"!\[([^\]]+)\]\(docs/pictures/([a-z]+)\.png\)", (ROOT / "README.md").read_text())
    )

    assert sorted(shown.values()) == list(PICTURES)
    assert all(len(words) > 20 for words in shown)


@pytest.mark.parametrize("name", PICTURES)
def test_a_picture_is_small_and_one(name: str) -> None:
    data = (ROOT / "docs" / "pictures" / f"{name}.png").read_bytes()

    assert data.startswith(b"\x89PNG")
    assert 10_000 < len(data) < LARGEST


def test_every_decision_is_found_by_its_subject() -> None:
    folder = ROOT / "docs" / "decisions"
    listed = re.findall(r"\]\(([^)]+)\)", (folder / "README.md").read_text(encoding="utf-8"))

    assert sorted(listed) == sorted(page.name for page in folder.glob("2*.md"))
