"""The two kinds of error that someone else can put right."""


class RefusedError(Exception):
    """The caller broke a rule; the message is one clear line saying what and where."""


class OutsideError(Exception):
    """Another system failed. `temporary` says whether asking again later may help.

    `reason` is a short code or sentence without URL, host name or body: it
    is logged and shown.
    """

    def __init__(self, reason: str, *, temporary: bool) -> None:
        super().__init__(reason)
        self.reason = reason
        self.temporary = temporary
