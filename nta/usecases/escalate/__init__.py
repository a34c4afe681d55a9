"""Escalating: who is told next about an episode, and when; somebody always, or a person is asked."""

from nta.usecases.escalate.step import escalate_due

__all__ = ["escalate_due"]
