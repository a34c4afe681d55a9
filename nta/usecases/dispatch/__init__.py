"""Dispatching: a notice is composed once, kept, and handed to its channel until it is taken."""

from nta.usecases.dispatch.handing_over import LEASE, Lease
from nta.usecases.dispatch.step import dispatch_due

__all__ = ["LEASE", "Lease", "dispatch_due"]
