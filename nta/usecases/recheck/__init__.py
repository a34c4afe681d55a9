"""Looking whether it is still there: whoever looks, where, what a canary says of it, what is recorded."""

from nta.usecases.recheck.look_targets import Eyes
from nta.usecases.recheck.looks import look_once
from nta.usecases.recheck.step import recheck_due

__all__ = ["Eyes", "look_once", "recheck_due"]
