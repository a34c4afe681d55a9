"""Holds: the police come first; what holds an episode, and where it is once that is over."""

from collections.abc import Collection
from datetime import datetime

from nta.domain.episode_state import EpisodeChange, EpisodeState
from nta.domain.lifecycle import EventKind, Stage, StageStep, next_stage
from nta.domain.reasons import Reason


def held(
    state: EpisodeState, until: datetime, *, at: datetime, who: str, why: Reason | None
) -> EpisodeChange:
    """Return the change that holds an episode until a moment; refuse it where the stage allows none."""
    after = state._replace(stage=next_stage(Stage(state.stage), StageStep.HOLD).value, held_until=until)
    return EpisodeChange(state, after, EventKind.HELD, at, who, why)


def released(
    state: EpisodeState, rungs_told: Collection[str], *, at: datetime, who: str, why: Reason | None
) -> EpisodeChange:
    """Return the change that ends a hold: the episode is again where its ladder stood."""
    step = StageStep.RELEASE
    if rungs_told:
        step = StageStep.RELEASE_NOTIFIED if len(rungs_told) == 1 else StageStep.RELEASE_ESCALATED
    after = state._replace(stage=next_stage(Stage(state.stage), step).value, held_until=None)
    return EpisodeChange(state, after, EventKind.RELEASED, at, who, why)
