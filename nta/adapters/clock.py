"""Service time: the machine's, or the lab's, which leaps when asked to."""

import http.client
import json
import threading
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import urlsplit

from nta.domain.errors import OutsideError
from nta.ports import Leap

_LONGEST_ANSWER: Final = 65_536


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        """Return the present moment, aware, in UTC."""
        return datetime.now(UTC)


class LabClock:
    """The lab's clock, asked anew each time: it may move while actors talk to us.

    `control_url` is the lab's control address, with or without "lab:" before
    it. A leap is one request of bounded length. A walking lab answers after a
    second or so with where it got to; the caller looks for work and asks again.
    Whether the world is over costs no question of its own: the answers say it.
    """

    def __init__(self, control_url: str, *, timeout_s: float = 10, leap_timeout_s: float = 300) -> None:
        address = urlsplit(control_url.removeprefix("lab:"))
        if address.scheme != "http" or not address.hostname or not address.port:
            raise ValueError("the lab's control address is http://host:port")
        self._address = (address.hostname, address.port)
        self._timeout_s = timeout_s
        self._leap_timeout_s = leap_timeout_s
        self._threads = threading.local()
        self._opened: list[http.client.HTTPConnection] = []
        self._is_over = False

    @property
    def is_over(self) -> bool:
        """Tell whether the lab's world had ended when it last answered."""
        return self._is_over

    def now(self) -> datetime:
        """Return the lab's present moment.

        Raises: OutsideError when the lab does not answer.
        """
        try:
            return _moment(self._ask("GET", "/now", None, self._timeout_s))
        except (OSError, http.client.HTTPException):
            # The lab may have closed an idle connection; asking again does no harm.
            try:
                return _moment(self._ask("GET", "/now", None, self._timeout_s))
            except (OSError, http.client.HTTPException):
                raise OutsideError("the lab does not answer", temporary=True) from None

    def leap(self, next_due: datetime | None) -> Leap:
        """Go on to `next_due` or the world's next event, whichever comes first; maybe less far.

        An answer that got lost is not asked for again: a second leap would
        pass over what the first one caused. Where time stands is asked instead.
        """
        body = json.dumps({"next_due": next_due.isoformat() if next_due else None})
        try:
            answer = self._ask("POST", "/leap", body, self._leap_timeout_s)
        except (OSError, http.client.HTTPException):
            return Leap(self.now(), over=False)
        return Leap(_moment(answer), answer.get("over") is True)

    def close(self) -> None:
        """Close the connections of all threads; one that is asked for again is opened again."""
        for connection in self._opened:
            connection.close()

    def _ask(self, method: str, path: str, body: str | None, timeout_s: float) -> Mapping[str, Any]:
        connection = getattr(self._threads, "connection", None)
        if connection is None:
            connection = http.client.HTTPConnection(*self._address, timeout=timeout_s)
            self._threads.connection = connection
            self._opened.append(connection)
        try:
            connection.timeout = timeout_s
            if connection.sock is not None:
                connection.sock.settimeout(timeout_s)
            headers = {"Content-Type": "application/json"} if body else {}
            connection.request(method, path, body, headers)
            response = connection.getresponse()
            content = response.read(_LONGEST_ANSWER + 1)
        except BaseException:
            connection.close()
            raise
        if response.status != 200 or len(content) > _LONGEST_ANSWER:
            connection.close()
            raise OutsideError(f"the lab answered {response.status}", temporary=True)
        try:
            answer = json.loads(content)
        except ValueError:
            raise OutsideError("the lab's answer is not JSON", temporary=True) from None
        if not isinstance(answer, dict):
            raise OutsideError("the lab's answer is not an object", temporary=True)
        self._is_over = answer.get("over") is True
        return answer


def _moment(answer: Mapping[str, Any]) -> datetime:
    try:
        now = datetime.fromisoformat(answer["now"])
    except (KeyError, TypeError, ValueError):
        raise OutsideError("the lab's answer tells no time", temporary=True) from None
    if now.tzinfo is None:
        raise OutsideError("the lab's time has no offset", temporary=True)
    return now.astimezone(UTC)
