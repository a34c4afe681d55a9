"""Time-based one-time codes (RFC 6238: SHA-1, six digits, 30 seconds), as an authenticator app shows them."""

import hmac
from base64 import b32decode

STEP_S = 30


def code(secret: str, machine_time: float, steps: int = 0) -> str:
    """Return the code for a base 32 secret, `steps` periods away from now."""
    letters = secret.replace(" ", "").replace("-", "").upper().rstrip("=")
    key = b32decode(letters + "=" * (-len(letters) % 8))
    counter = int(machine_time) // STEP_S + steps
    digest = hmac.new(key, counter.to_bytes(8), "sha1").digest()
    begin = digest[-1] & 15
    number = int.from_bytes(digest[begin : begin + 4]) & 0x7FFFFFFF
    return f"{number % 1_000_000:06d}"
