"""What an error says to a log, and to a door."""

import pytest

from nta.domain.errors import OutsideError, RefusedError
from nta.domain.reasons import Code, Reason, because, other


@pytest.mark.parametrize(
    ("given", "reason", "line"),
    [
        ("the disk is full", other("the disk is full"), "the disk is full"),
        (Code.DNS_SLOW, Reason(Code.DNS_SLOW), "dns_slow"),
        (
            because(Code.SERVER_ANSWERED, status=500),
            because(Code.SERVER_ANSWERED, status=500),
            "server_answered 500",
        ),
    ],
)
def test_an_error_has_a_reason_and_a_line_for_the_log(
    given: Reason | Code | str, reason: Reason, line: str
) -> None:
    errors = (OutsideError(given, temporary=True), RefusedError(given))

    assert [(error.reason, str(error)) for error in errors] == [(reason, line)] * 2
