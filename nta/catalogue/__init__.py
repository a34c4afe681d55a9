"""How folders of entries, `providers/` and what a hotline lays over it, become a Catalogue."""

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, TypeVar

from nta.catalogue.shelves import SHELVES
from nta.catalogue.strict import Entry, load
from nta.domain.errors import RefusedError
from nta.domain.ladders import ties
from nta.domain.parties import Catalogue, Party

P = TypeVar("P", bound=Party)


def read(folders: Sequence[Path]) -> Catalogue:
    """Return the catalogue of these folders; of files with one name that of the last folder counts.

    Raises:
        RefusedError: something is wrong; one line for each fault, with file and key.
    """
    catalogue, faults = _read(folders)
    if faults:
        raise RefusedError("\n".join(faults))
    return catalogue


def problems(folders: Sequence[Path]) -> list[str]:
    """Return one line for each fault of these folders, with file and key."""
    return _read(folders)[1]


def _read(folders: Sequence[Path]) -> tuple[Catalogue, list[str]]:
    faults: list[str] = []
    shelves: dict[str, dict[str, Any]] = {shelf: {} for shelf in SHELVES}
    for shelf, path in _files(folders, faults):
        mapping = load(path, faults)
        if mapping is None:
            continue
        entry = Entry(str(path), mapping, faults)
        value = SHELVES[shelf](entry, path.stem)
        if entry.is_sound():
            shelves[shelf][getattr(value, "id", path.stem)] = value
    ladders = tuple(shelves.pop("ladders").values())
    parts: dict[str, Any] = shelves
    catalogue = Catalogue(**parts, ladders=ladders)
    return catalogue, faults + _contradictions(catalogue)


def _files(folders: Sequence[Path], faults: list[str]) -> list[tuple[str, Path]]:
    """Return shelf and path of each file that counts, in the order of their names."""
    found: dict[tuple[str, str], Path] = {}
    for folder in folders:
        if not folder.is_dir():
            faults.append(f"{folder}: there is no such folder")
            continue
        for shelf in sorted(p for p in folder.iterdir() if p.is_dir() and not p.name.startswith(".")):
            if shelf.name not in SHELVES:
                faults.append(f"{shelf}: not a folder of the catalogue (there are {', '.join(SHELVES)})")
                continue
            for path in shelf.iterdir():
                if path.suffix == ".yaml" and not path.name.startswith("."):
                    found[shelf.name, path.name] = path
                elif not path.name.startswith("."):
                    faults.append(f"{path}: not a .yaml file")
    return [(shelf, found[shelf, name]) for shelf, name in sorted(found)]


def _contradictions(catalogue: Catalogue) -> list[str]:
    """Return what no single file shows: things claimed twice, parties that are not there, ties."""
    faults: list[str] = []
    for shelf in (catalogue.hosting, catalogue.proxies):
        faults += _claimed_twice(shelf.values(), lambda p: [f"AS{a}" for a in p.asns] + list(p.ranges))
    faults += _claimed_twice(catalogue.registries.values(), lambda r: [f".{s}" for s in r.suffixes])
    faults += _claimed_twice(
        catalogue.registrars.values(), lambda r: [f"IANA id {r.iana_id}"] if r.iana_id else []
    )
    for country in catalogue.countries.values():
        missing = [h for h in country.hotlines if h not in catalogue.hotlines]
        faults += [f"countries/{country.code}.yaml: hotlines: there is no {one}" for one in missing]
    for ladder in catalogue.ladders:
        named = [r.party for r in ladder.rungs if r.party and not catalogue.party(r.party)]
        faults += [f"ladders/{ladder.id}.yaml: party: there is no {one}" for one in named]
    if catalogue.ladders and all(ladder.when.weight for ladder in catalogue.ladders):
        faults.append("ladders: one must be for all cases (when: {})")
    return faults + [f"ladders: {tie}" for tie in ties(catalogue.ladders)]


def _claimed_twice(parties: Iterable[P], claims: Callable[[P], Iterable[str]]) -> list[str]:
    owners: dict[str, list[str]] = {}
    for party in parties:
        for claim in claims(party):
            owners.setdefault(claim, []).append(party.id)
    return [f"{' and '.join(ids)} both claim {claim}" for claim, ids in owners.items() if len(ids) > 1]
