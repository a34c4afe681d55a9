"""Tells the lab what the service believes, so that the lab's page shows both; over loopback alone."""

import time

from nta.cli.context import Kit
from nta.cli.demo_lab import RunningLab
from nta.domain.errors import OutsideError
from nta.store.reads import beliefs

EVERY_S = 2.0


class BeliefPusher:
    """Pushed at most every few seconds. The lab knows every URL of its world already."""

    def __init__(self, kit: Kit, lab: RunningLab) -> None:
        self._kit = kit
        self._lab = lab
        self._last = 0.0
        self._urls: dict[int, str] = {}

    def push(self) -> None:
        """Tell the lab how each case stands, unless it was told just now."""
        if time.monotonic() - self._last < EVERY_S:
            return
        self._last = time.monotonic()
        with self._kit.store.db.read() as connection:
            held = list(beliefs.newest(connection))
            self._urls = beliefs.urls(connection, self._kit.store, self._urls)
        try:
            self._lab.believe(
                [
                    {
                        "url": self._urls[one.case_id],
                        "reference": one.reference,
                        "stage": one.stage,
                        "presence": one.presence,
                        "outcome": one.outcome,
                    }
                    for one in held
                    if one.case_id in self._urls
                ]
            )
        except OutsideError:
            return  # the lab is on its way out; it is told again if not
