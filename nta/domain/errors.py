"""The two kinds of error that someone else can put right."""

from nta.domain.reasons import Code, Reason


class RefusedError(Exception):
    """The caller broke a rule; `reason` says what and where, a door in which language.

    What administrators alone read, of files, settings and commands, is one
    clear line in English.
    """

    def __init__(self, reason: Reason | Code | str) -> None:
        if isinstance(reason, str) and not isinstance(reason, Code):
            reason = Reason(Code.OTHER, {"text": reason})
        self.reason = reason if isinstance(reason, Reason) else Reason(reason)
        plain = self.reason.params.get("text") if self.reason.code is Code.OTHER else None
        super().__init__(plain or " ".join([self.reason.code, *map(str, self.reason.params.values())]))


class OutsideError(Exception):
    """Another system failed. `temporary` says whether asking again later may help.

    `reason` is a short code or sentence without URL, host name or body: it
    is logged and shown.
    """

    def __init__(self, reason: str, *, temporary: bool) -> None:
        super().__init__(reason)
        self.reason = reason
        self.temporary = temporary
