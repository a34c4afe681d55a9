"""How often a process that runs jobs searches for garbage in circles."""

import gc

_NEW_OBJECTS = 100_000


def calm() -> None:
    """Let the collector search rarely, and never again through what is alive by now.

    A batch makes thousands of rows that go away by themselves; searching
    them, and each time all that the process has imported, took a sixth of
    the time of a round of looks.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(_NEW_OBJECTS, 20, 20)
