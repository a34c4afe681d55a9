"""Files of others are as released, with licence, and are the only ones there."""

import hashlib
import json
import re
from pathlib import Path

from nta import web

FOLDER = Path(web.__file__).parent / "static" / "vendor"


def test_vendored_files_are_as_released() -> None:
    listed = json.loads((FOLDER / "VENDORED.json").read_text())

    for entry in listed:
        assert hashlib.sha256((FOLDER / entry["file"]).read_bytes()).hexdigest() == entry["sha256"]
        assert entry["version"] in (FOLDER / entry["file"]).read_text(encoding="utf-8")
        assert len((FOLDER / entry["licence_text"]).read_text()) > 400
    named = {entry[key] for entry in listed for key in ("file", "licence_text")} | {"VENDORED.json"}
    assert {path.name for path in FOLDER.iterdir()} == named


def test_no_page_fetches_from_elsewhere() -> None:
    templates = Path(web.__file__).parents[2] / "templates"
    pages = [
        path.read_text() for door in ("desk", "portal", "security") for path in (templates / door).iterdir()
    ]

    assert len(pages) > 15
    assert not [page for page in pages if re.search(r"""(?:src|href)=["'](?:https?:)?//""", page)]
    assert not [
        page for page in pages if re.search(r"<style|\sstyle=|\son[a-z]+=|<script(?! src)|hx-on|js:", page)
    ]
    assert "|safe" not in "".join(pages)
