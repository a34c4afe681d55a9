"""The two kinds of error that someone else can put right."""

from nta.domain.reasons import Code, Reason, other


class RefusedError(Exception):
    """The caller broke a rule; `reason` says what and where, a door in which language.

    What administrators alone read, of files, settings and commands, is one
    clear line in English.
    """

    def __init__(self, reason: Reason | Code | str) -> None:
        self.reason = _as_reason(reason)
        super().__init__(_line(self.reason))


class OutsideError(Exception):
    """Another system failed. `temporary` says whether asking again later may help.

    `reason` is without URL, host name or body: it is logged and shown. What
    administrators alone read is one clear line in English.
    """

    def __init__(self, reason: Reason | Code | str, *, temporary: bool) -> None:
        self.reason = _as_reason(reason)
        self.temporary = temporary
        super().__init__(_line(self.reason))


def _as_reason(reason: Reason | Code | str) -> Reason:
    if isinstance(reason, Reason):
        return reason
    return Reason(reason) if isinstance(reason, Code) else other(reason)


def _line(reason: Reason) -> str:
    """Return what a log shows: the line, or the code with its parameters."""
    plain = reason.params.get("text") if reason.code is Code.OTHER else None
    return str(plain or " ".join([reason.code, *map(str, reason.params.values())]))
