"""Which text is a mail address that somebody may read."""

import re
from functools import lru_cache

_LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_ADDRESS = re.compile(
    rf"[a-z0-9!#$&'*+/=?^_`{{|}}~.-]{{1,64}}@(?:{_LABEL}\.)+(?=[a-z])[a-z0-9-]*[a-z0-9]", re.I
)
IN_TEXT = re.compile(r"[a-z0-9.!#$&'*+/=?^_`{|}~-]+@[a-z0-9.-]+\.[a-z0-9-]*[a-z0-9]", re.IGNORECASE)
"""Finds what is written like an address amid other words; `is_usable` says whether it is one."""

_PLACEHOLDERS = frozenset(
    {
        "removed@lacnic.net",
        "unread@ripe.net",
        "search-apnic-not-arin@apnic.net",
        "hm-changed@apnic.net",
        "apnic-ftp@nic.ad.jp",
    }
)
_NOBODY = frozenset({"nobody", "noone", "noemail", "no-email", "no.email", "none", "null", "devnull"})
_NOWHERE = frozenset({"unknown", "none", "local", "localdomain", "lan", "internal", "onion"})
_WITHHELD = re.compile(
    r"redacted|not[-_.]?disclosed|data[-_.]?protected|statutory[-_.]?masking|(?<![a-z])no[-_.]?reply"
    r"|do[-_.]?not[-_.]?reply|(?<![a-z])(?:withheld|not[-_.]?(?:applicable|available|provided|valid))(?![a-z])",
    re.IGNORECASE,
)
_LONGEST = 254  # RFC 5321 section 4.5.3.1.3, less the angle brackets


@lru_cache(maxsize=65536)  # a desk is that of thousands of hosts
def is_usable(email: str) -> bool:
    """Tell whether this is one plain address that somebody may read.

    Refused are placeholders of registries, names that stand for nobody,
    domains that lead nowhere, addresses that say not to answer, several
    addresses in one, control characters, and anything that a relay could
    read as a route. Addresses outside ASCII need a relay that
    takes them (RFC 6531) and are refused too.
    """
    return (
        len(email) <= _LONGEST
        and _ADDRESS.fullmatch(email) is not None
        and email.lower() not in _PLACEHOLDERS
        and email.lower().partition("@")[0] not in _NOBODY
        and email.lower().rpartition(".")[2] not in _NOWHERE
        and _WITHHELD.search(email) is None
    )
