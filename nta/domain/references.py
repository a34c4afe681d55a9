"""References that people read out: C-26-7K3M-4QXT, and the character that catches a slip."""

from hashlib import blake2b
from typing import Final, Literal

from nta.domain.errors import RefusedError
from nta.domain.reasons import Code

Kind = Literal["C", "N", "D"]
"""C a case, N a notice, D a dossier."""

ALPHABET: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Crockford's base 32: no I, L, O (read as 1, 1, 0) and no U."""

_KINDS: Final = "CND"
_LENGTH: Final = 11
_PAYLOAD_BITS: Final = 35
_VALUES: Final = {character: value for value, character in enumerate(ALPHABET)}
_DASHES: Final = "-\u2010\u2011\u2012\u2013\u2014\u2212_./"
_NORMAL: Final = str.maketrans({"I": "1", "L": "1", "O": "0"} | dict.fromkeys(_DASHES))


def _double(value: int) -> int:
    """Multiply by x in GF(32), the field of x^5 + x^2 + 1."""
    return (value << 1) ^ 0b100101 if value & 0b10000 else value << 1


def _contributions() -> list[list[int]]:
    """Return what each value adds to the check at each of the ten places before it.

    The check makes the sum of a_i * x^(10 - i) zero in GF(32). All weights
    are different and none is zero, so a changed character changes the sum
    by a product of two non-zero elements, and so does a swap of any two
    different characters. The weights differ over all 11 places, so the kind
    and the year are covered too.
    """
    row = list(range(32))
    rows = []
    for _ in range(_LENGTH - 1):
        row = [_double(value) for value in row]
        rows.append(row)
    return rows[::-1]


_TERMS: Final = _contributions()
# Three pairs and a single make the seven characters: a hand-in makes 100,000 references at a time.
_PAIRS: Final = [first + second for first in ALPHABET for second in ALPHABET]
_PAIR_TERMS: Final = [
    [_TERMS[place][value >> 5] ^ _TERMS[place + 1][value & 31] for value in range(1024)]
    for place in (3, 5, 7)
]


def reference(kind: Kind, id: int, year: int, key: bytes, attempt: int = 0) -> str:  # noqa: A002
    """Return the reference of the case, notice or dossier with this id.

    Seven characters are a keyed hash of kind, id and attempt, so that a
    reference tells nothing of the order or the number of cases. Two ids can
    meet in one reference: the writer who finds it taken asks again with the
    next `attempt`. `key` has at most 64 bytes.
    """
    hashed = blake2b(b"%s %d %d" % (kind.encode(), id, attempt), digest_size=5, key=key, person=b"reference")
    payload = int.from_bytes(hashed.digest(), "big") >> (40 - _PAYLOAD_BITS)
    first, second, third = payload >> 25, payload >> 15 & 1023, payload >> 5 & 1023
    last = payload & 31
    tens, ones = divmod(year % 100, 10)
    check = (
        _TERMS[0][_VALUES[kind]]
        ^ _TERMS[1][tens]
        ^ _TERMS[2][ones]
        ^ _PAIR_TERMS[0][first]
        ^ _PAIR_TERMS[1][second]
        ^ _PAIR_TERMS[2][third]
        ^ _TERMS[9][last]
    )
    ending = f"{_PAIRS[third]}{ALPHABET[last]}{ALPHABET[check]}"
    return f"{kind}-{tens}{ones}-{_PAIRS[first]}{_PAIRS[second]}-{ending}"


def read(text: str) -> str:
    """Return the reference a person typed, in the form in which it is kept.

    Case, hyphens, spaces and the letters I, L and O do not matter.

    Raises: RefusedError when it has another shape or its check fails.
    """
    plain = "".join(text.upper().translate(_NORMAL).split())
    if len(plain) != _LENGTH:
        raise RefusedError(Code.REFERENCE_LENGTH)
    values = [_VALUES.get(character, -1) for character in plain]
    if -1 in values:
        raise RefusedError(Code.REFERENCE_SIGNS)
    if plain[0] not in _KINDS or max(values[1:3]) > 9:
        raise RefusedError(Code.REFERENCE_BEGINNING)
    if check_sum(values):
        raise RefusedError(Code.REFERENCE_SLIP)
    return f"{plain[0]}-{plain[1:3]}-{plain[3:7]}-{plain[7:]}"


def check_sum(values: list[int]) -> int:
    """Return the weighted sum over all eleven values; 0 means that the check holds."""
    total = values[-1]
    for term, value in zip(_TERMS, values, strict=False):
        total ^= term[value]
    return total
