"""Counts for the demo's board: stages, presences, notices by kind, outcomes."""

from sqlalchemy import Connection, func, select

from nta.domain.checks.outcomes import Outcome
from nta.domain.lifecycle import Presence, Stage
from nta.domain.roles import NoticeKind
from nta.store.tables import Episode, Notice


def counts(connection: Connection) -> dict[str, dict[str, int]]:
    """Return how many episodes stand at each stage and presence, notices sent by kind, and outcomes."""
    stages = dict(connection.execute(select(Episode.stage, func.count()).group_by(Episode.stage)).all())
    presences = dict(
        connection.execute(select(Episode.presence, func.count()).group_by(Episode.presence)).all()
    )
    outcomes = dict(
        connection.execute(
            select(Episode.outcome, func.count())
            .where(Episode.outcome.is_not(None))
            .group_by(Episode.outcome)
        ).all()
    )
    notices = dict(
        connection.execute(
            select(Notice.kind, func.count()).where(Notice.handed_at.is_not(None)).group_by(Notice.kind)
        ).all()
    )
    return {
        "stages": {stage.value: stages.get(stage.value, 0) for stage in Stage},
        "presences": {presence.value: presences.get(presence.value, 0) for presence in Presence},
        "notices": {kind.value: notices[kind.value] for kind in NoticeKind if kind.value in notices},
        "outcomes": {
            outcome.value: outcomes[outcome.value] for outcome in Outcome if outcome.value in outcomes
        },
    }
