"""Tells the lab what waits at the desk, so that its world plays quickly until there is something to see."""

from nta.cli.context import Kit
from nta.cli.demo_lab import RunningLab
from nta.render.words import Word, tally
from nta.store.reads import approvals, board, cases, tasks

WANTED = frozenset({Word.NOBODY_LEFT, Word.HELD, Word.ESCALATED, Word.TOLD, Word.SEEMS_GONE, Word.REMOVED})
"""What a visitor should find cases of. The others pass by within minutes, or no world need have them."""


class QuickBeginning:
    """Asked before each leap; the rate is the one at which the world walks from the moment on."""

    def __init__(self, kit: Kit, lab: RunningLab, rate: int) -> None:
        self._kit = kit
        self._lab = lab
        self._rate = rate

    def tell(self) -> None:
        """Tell the lab what waits.

        Raises: OutsideError when the lab does not answer.
        """
        with self._kit.store.db.read() as connection:
            words = tally(cases.counts(connection))
            ended = sum(board.counts(connection)["outcomes"].values())
            waiting_tasks = tasks.count(connection)
            waiting_approvals = approvals.count(connection)
        shows_all = bool(ended and waiting_tasks and waiting_approvals) and all(
            words[word] for word in WANTED
        )
        self._lab.tell_waiting(
            is_begun=any(words[word] for word in WANTED),
            is_lively=shows_all or ended > sum(words.values()),
            approvals=waiting_approvals,
            rate=self._rate,
        )
