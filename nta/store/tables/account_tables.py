"""Accounts of the desk: the one place below the doors where Flask-Security's mixins are used."""

from datetime import datetime
from typing import Any

from flask_security.core import RoleMixin, UserMixin
from flask_security.datastore import AsaList
from sqlalchemy import Boolean, Column, ForeignKey, Integer, LargeBinary, String, Table
from sqlalchemy.ext.mutable import MutableList
from sqlalchemy.orm import Mapped, mapped_column, relationship

from nta.store.db.types import word
from nta.store.tables.base import Base

__all__ = ["AsaList", "DeskRole", "DeskSession", "DeskUser", "desk_roles"]

desk_roles = Table(
    "desk_user_role",
    Base.metadata,
    Column("user_id", Integer, ForeignKey("desk_user.id"), primary_key=True),
    Column("role_id", Integer, ForeignKey("desk_role.id"), primary_key=True),
)


class DeskRole(Base, RoleMixin):
    """analyst, lead, administrator."""

    __tablename__ = "desk_role"

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    name: Mapped[str] = mapped_column(word(32), unique=True)
    description: Mapped[str | None]
    permissions: Mapped[Any] = mapped_column(MutableList.as_mutable(AsaList()), nullable=True)


class DeskUser(Base, UserMixin):
    """Somebody who works at the desk. The second factor is a TOTP, kept encrypted."""

    __tablename__ = "desk_user"

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    email: Mapped[str] = mapped_column(String(254), unique=True)
    password: Mapped[str | None] = mapped_column(String(255))
    active: Mapped[bool] = mapped_column(Boolean, default=True)
    fs_uniquifier: Mapped[str] = mapped_column(String(64), unique=True)
    create_datetime: Mapped[datetime]
    update_datetime: Mapped[datetime]
    tf_primary_method: Mapped[str | None] = mapped_column(String(64))
    tf_totp_secret: Mapped[str | None] = mapped_column(String(255))
    totp_counter: Mapped[int | None] = mapped_column(Integer)
    mf_recovery_codes: Mapped[Any] = mapped_column(MutableList.as_mutable(AsaList()), nullable=True)
    language: Mapped[str | None] = mapped_column(String(8))
    # The mixin names the base role.
    roles: Mapped[list[DeskRole]] = relationship(  # type: ignore[assignment]
        secondary=desk_roles, lazy="selectin"
    )


class DeskSession(Base):
    """One log-in, by the digest of the token in its cookie. When it has ended, the cookie opens nothing."""

    __tablename__ = "desk_session"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    user_id: Mapped[int] = mapped_column(Integer, ForeignKey("desk_user.id"), index=True)
    digest: Mapped[bytes] = mapped_column(LargeBinary(32), unique=True)
    made_at: Mapped[datetime]
    last_seen_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
