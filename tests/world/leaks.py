"""Where words that stand in every page of a world, and in every path, must not turn up."""

import json

from tests.world.playing import Played


def no_marker_leaks(played: Played) -> None:
    """The body marker is nowhere; the URL marker is in no log, subject, file name, or clear database page."""
    lab = json.loads((played.folder / "lab" / "lab.json").read_text())
    body, url = lab["body_marker"].encode(), lab["url_marker"].encode()
    ours = [
        p for p in played.folder.rglob("*") if p.is_file() and "lab" not in p.relative_to(played.folder).parts
    ]
    contents = {path.name: path.read_bytes() for path in ours if path.name != "episodes.jsonl"}
    subjects = subjects_of(played)

    assert {"demo.log", "users.json"} <= set(contents)
    assert len(subjects) > 10
    assert [name for name, data in contents.items() if body in data] == []
    assert [name for name, data in contents.items() if url in data] == []
    assert [path.name for path in played.folder.rglob("*") if url.decode() in path.name] == []
    assert [s for s in subjects if url in s or body in s] == []
    assert body not in (played.out + played.err).encode()
    assert url not in (played.out + played.err).encode()
    assert all(url.decode() not in json.dumps(line) for line in played.episodes)


def subjects_of(played: Played) -> list[bytes]:
    """Return the subject of every mail that was sent or came back."""
    lab = played.folder / "lab"
    texts = [path.read_bytes() for path in (lab / "maildir").rglob("*") if path.is_file()]
    for line in (lab / "journal.jsonl").read_text(encoding="utf-8").splitlines():
        entry = json.loads(line)
        if entry["do"] == "mail":
            texts.append(entry["head"].encode())
    return [line for text in texts for line in text.splitlines() if line.lower().startswith(b"subject:")]
