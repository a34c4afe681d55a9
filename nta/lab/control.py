"""The control port: how the service's runner speaks with the lab."""

import asyncio
import json
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import Any, TypedDict, TypeVar

from nta.lab.actors import Service, User
from nta.lab.engine import Engine, LeapResult
from nta.lab.httpserver import Reply, Request, json_reply
from nta.lab.leaping_clock import WorldClock
from nta.lab.postoffice import PostOffice
from nta.lab.tour import Tour, is_for
from nta.lab.worldpage import ShownBelief

T = TypeVar("T")

# Where time walks, a leap is answered after this at the latest; where an act is stuck, after a breath.
WAIT_S = 1.0
BREATH_S = 0.1


class Waiting(TypedDict):
    """What the service says of what waits there."""

    is_begun: bool
    is_lively: bool
    approvals: int
    rate: int


class Control:
    """Answers the control port. The engine is asked in its one thread only."""

    def __init__(
        self,
        engine: Engine,
        clock: WorldClock,
        post: PostOffice,
        asked: Callable[[], Mapping[str, int]],
        tour: Tour,
    ) -> None:
        self._tour = tour
        self._engine = engine
        self._asked = asked
        self._clock = clock
        self._post = post
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="engine")
        self.spoken_at = asyncio.get_running_loop().time()

    async def __call__(self, request: Request) -> Reply:
        """Answer one request."""
        self.spoken_at = asyncio.get_running_loop().time()
        if is_for(request.path):
            return await self._ask(lambda: self._tour.answer(request))
        try:
            body: Any = json.loads(request.body) if request.body else {}
            match request.method, request.path:
                case "GET", "/now":
                    return json_reply({"now": self._now().isoformat(), "over": self._engine.is_over})
                case "GET", "/truth":
                    return json_reply(await self._ask(self._engine.truth))
                case "GET", "/state":
                    return json_reply({**await self._ask(self._engine.state), "asked": self._asked()})
                case "POST", "/waiting" | "/beliefs":
                    return await self._told(request.path, body)
                case "GET", "/mails":
                    return json_reply(list(self._post.listing()))
                case "POST", "/service":
                    service = _service(body)
                    await self._ask(lambda: self._engine.meet(service))
                    return json_reply({})
                case "POST", "/leap":
                    leap = await self._leap(_moment(body["next_due"]))
                    return json_reply({"now": leap.now.isoformat(), "over": leap.over})
                case _:
                    return json_reply({"error": "no such thing here"}, 404)
        except (ValueError, KeyError, TypeError, AttributeError):
            return json_reply({"error": "the request is not as the protocol says"}, 400)

    async def _told(self, path: str, body: Any) -> Reply:
        """Hear how things stand at the service."""
        if path == "/waiting":
            waiting = _waiting(body)
            await self._ask(lambda: self._tour.hear(**waiting))
        else:
            beliefs = _beliefs(body)
            await self._ask(lambda: self._engine.believe(beliefs))
        return json_reply({})

    def close(self) -> None:
        self._thread.shutdown(wait=False, cancel_futures=True)

    def _now(self) -> datetime:
        return self._clock.now

    async def _leap(self, next_due: datetime | None) -> LeapResult:
        if self._clock.walks:
            goals = [one for one in (next_due, await self._ask(self._engine.next_event_at)) if one]
            if goals:
                await asyncio.sleep(min(WAIT_S, self._clock.seconds_until(min(goals))))
        leap = await self._ask(lambda: self._engine.leap(next_due))
        if leap.stuck:
            await asyncio.sleep(BREATH_S)
        return leap

    async def _ask(self, question: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, question)


def _moment(text: str | None) -> datetime | None:
    if text is None:
        return None
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError("a moment without an offset")
    return moment


def _beliefs(body: list[dict[str, Any]]) -> dict[str, ShownBelief]:
    return {
        str(one["url"]): ShownBelief(
            reference=str(one["reference"]),
            stage=str(one["stage"]),
            presence=str(one["presence"]),
            outcome=str(one["outcome"] or ""),
        )
        for one in body
    }


def _waiting(body: dict[str, Any]) -> Waiting:
    return {
        "is_begun": bool(body["is_begun"]),
        "is_lively": bool(body["is_lively"]),
        "approvals": int(body["approvals"]),
        "rate": int(body["rate"]),
    }


def _service(body: dict[str, Any]) -> Service:
    users = tuple(
        User(
            role=str(user["role"]),
            email=str(user["email"]),
            password=str(user["password"]),
            totp_secret=str(user["totp_secret"]),
        )
        for user in body["users"]
    )
    return Service(desk_url=str(body["desk_url"]), portal_url=str(body["portal_url"]), users=users)
