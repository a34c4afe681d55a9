"""Names and pages as a test sets them, for looks from one or two vantage points."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any

from nta.domain.checks.verdicts import ProbeAnswer
from nta.ports import LookRequest, NameAnswer
from nta.usecases.recheck import Eyes

CONTROL = "http://control-one.test/"
CONTROLS = (CONTROL, "http://control-two.example/")
HOME = "192.0.2.10"
"""Where `make_case` says that a host is served."""

Said = int | str | ProbeAnswer
"""A status, the code of an error, or a whole answer."""


def shown(
    length: int | None, *, media: str = "text/html", etag: str | None = None, **more: Any
) -> ProbeAnswer:
    """Return the answer of a page that is there."""
    return ProbeAnswer(None, 200, length, etag, media, None, None, 0.1)._replace(**more)


def leading(location: str) -> ProbeAnswer:
    """Return the answer of a redirect."""
    return ProbeAnswer(None, 302, 0, None, None, location, None, 0.1)


class World:
    """Stands for both ports, Names and Prober; every page is there until a test says otherwise."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str, str]] = []  # vantage, url, address; control pages left out
        self.requests: list[LookRequest] = []
        self.canaries: list[LookRequest] = []  # made-up pages that were asked for
        self.made_up: Said = 404
        """What pages that never were answer."""
        self.parked: tuple[str, ...] = ()
        """Pages asked for beside made-up ones, where a name has been led away."""
        self.words: str | None = None
        """The rule that the words of pages fit, for those who read them."""
        self.before_looking: Callable[[], None] = lambda: None
        self._pages: dict[tuple[str | None, str | None, str | None], Said] = {}
        self._names: dict[tuple[str | None, str | None], NameAnswer] = {}

    def page(
        self, said: Said, *, url: str | None = None, address: str | None = None, vantage: str | None = None
    ) -> None:
        """Let pages answer so; what is not named stands for any."""
        self._pages[url, address, vantage] = said

    def name(
        self, *addresses: str, host: str | None = None, error: str | None = None, vantage: str | None = None
    ) -> None:
        """Let names lead there."""
        self._names[host, vantage] = NameAnswer(addresses, error)

    def control_is_down(self) -> None:
        """Let nothing of the control pages be reached."""
        for url in CONTROLS:
            self.page("timeout", url=url)

    def eyes(self, *vantages: str) -> Eyes:
        """Return what looks at this world, from two vantage points unless named."""
        return Eyes(vantages or ("nl", "de"), self, self, CONTROLS)

    def addresses(self, hosts: Collection[str], vantage: str) -> Mapping[str, NameAnswer]:
        """The port Names."""
        return {host: self._name(host, vantage) for host in hosts}

    def look(self, requests: Sequence[LookRequest], vantage: str) -> Iterable[tuple[int, ProbeAnswer]]:
        """The port Prober."""
        self.before_looking()
        for r in requests:
            if r.key < 0 and r.url not in self.parked:
                self.canaries.append(r)
                yield r.key, self._answer(r, vantage, self.made_up)
                continue
            if r.url not in CONTROLS:
                self.asked.append((vantage, r.url, r.address))
                self.requests.append(r)
            answer = self._answer(r, vantage, self._said(r, vantage))
            yield r.key, answer._replace(sign=self.words) if r.text else answer

    def _answer(self, r: LookRequest, vantage: str, said: Said) -> ProbeAnswer:
        if isinstance(said, ProbeAnswer):
            return said._replace(ip=r.address)
        status, error = (said, None) if isinstance(said, int) else (None, said)
        return ProbeAnswer(r.address, status, 1200, None, None, None, error, 0.1)

    def _name(self, host: str, vantage: str) -> NameAnswer:
        control = NameAnswer(("192.0.2.250",))
        if f"http://{host}/" in CONTROLS:
            return control
        for key in ((host, vantage), (host, None), (None, vantage), (None, None)):
            if key in self._names:
                return self._names[key]
        return NameAnswer((HOME,))

    def _said(self, r: LookRequest, vantage: str) -> Said:
        if r.url in CONTROLS:
            return self._pages.get((r.url, None, None), 200)
        best = -1
        best_said: Said = 200
        for (url, address, point), said in self._pages.items():
            if (url or r.url, address or r.address, point or vantage) == (r.url, r.address, vantage):
                named = sum(part is not None for part in (url, address, point))
                if named >= best:
                    best, best_said = named, said
        return best_said
