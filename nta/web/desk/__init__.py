"""The desk: where analysts hand in, see what needs a person, and steer."""

from collections.abc import Callable

from flask import Flask, redirect, request, session, url_for
from flask.typing import ResponseReturnValue
from flask_security import current_user

from nta.domain.hosting.overrides import USUAL
from nta.domain.languages import PAGE_LANGUAGES
from nta.domain.parties.organisations import Catalogue
from nta.domain.policy import DeskAct, permitted
from nta.ports import Clock
from nta.render.words import state_word
from nta.settings import Settings
from nta.shipped import template_folders
from nta.store.accounts import desk_users
from nta.store.db.handle import Store
from nta.store.reads import approvals as approval_reads
from nta.store.reads import contacts as contact_reads
from nta.store.reads import sending as sending_reads
from nta.store.reads import tasks as tasks_reads
from nta.web import access, app_factory, localisation
from nta.web.desk import (
    approvals,
    cases,
    contacts,
    handing_in,
    hosting_page,
    reports,
    steering,
    tasks,
    texts,
)
from nta.web.request_limits import ANSWERS, HAND_IN


def create_desk(
    store: Store,
    settings: Settings,
    clock: Clock,
    catalogue: Catalogue,
    checkpoint: Callable[[str], None] = lambda name: None,
    is_world_over: Callable[[], bool] = lambda: False,
) -> Flask:
    """Return the desk. Where `is_world_over` says so, its pages say that the lab's world has ended."""
    app = app_factory.build(
        "desk",
        settings=settings,
        url=settings.desk_url,
        secret=store.keys.derived("desk-session"),
        language=_language,
        larger={"handing_in.send": HAND_IN, "tasks.answer": ANSWERS},
        may=access.is_somebody,
        closed=access.closed,
    )
    hotline = app_factory.ourselves(settings, catalogue)
    app.jinja_env.globals.update(
        reason_of=texts.reason,
        hotline=hotline,
        usual_entry=USUAL,
        texts=texts,
        sending_mode=settings.sending.mode,
        word_of=state_word,
        is_world_over=is_world_over,
    )
    access.guard(app, store)

    _everywhere(app, store, clock)
    _first_pages(app, store)
    handing = handing_in.pages(store, clock, checkpoint)
    approving = approvals.pages(store, clock, settings, catalogue)
    people = (steering.pages(store, clock), tasks.pages(store, clock), approving)
    meeting = contacts.pages(store, clock)
    serving = hosting_page.pages(store, clock, catalogue, settings.reach)
    for site in (cases.pages(store, clock, catalogue), serving, handing, *people, meeting):
        app.register_blueprint(site)
    folders = template_folders(settings.templates)
    app.register_blueprint(reports.pages(store, clock, folders, hotline.name if hotline else None))
    return app


def _everywhere(app: Flask, store: Store, clock: Clock) -> None:
    """Give every page who is logged in, what is stopped, and how much waits for people."""

    @app.context_processor
    def everywhere() -> dict[str, object]:
        if not current_user.is_authenticated:
            nobody: dict[str, object] = {"me": None, "may": frozenset(), "stopped": None}
            return nobody | {"tasks_open": 0, "approvals_open": 0, "contacts_open": 0, "now": clock.now()}
        with store.db.read() as connection:
            stopped = sending_reads.stopped(connection)
            waiting = tasks_reads.count(connection)
            to_approve = approval_reads.count(connection)
            contacts_open = contact_reads.count(connection)
        return {
            "me": current_user,
            "may": permitted(_roles()),
            "stopped": stopped,
            "tasks_open": waiting,
            "approvals_open": to_approve,
            "contacts_open": contacts_open,
            "now": clock.now(),
        }


def _first_pages(app: Flask, store: Store) -> None:
    """Add the way in and the switch of language."""

    @app.get("/")
    def home() -> ResponseReturnValue:
        figures_alone = current_user.is_authenticated and DeskAct.SEE_CASES not in permitted(_roles())
        return redirect(url_for("reports.removal_times_page" if figures_alone else "cases.listed"))

    @app.post("/language")
    def language() -> ResponseReturnValue:
        chosen = request.form.get("lang", "")
        if chosen in PAGE_LANGUAGES:
            session["lang"] = chosen
            if current_user.is_authenticated:
                with store.db.write() as connection:
                    desk_users.put_language(connection, current_user.id, chosen)
        return redirect(_local(request.form.get("back", "/")), 303)


def _roles() -> frozenset[str]:
    return frozenset(role.name for role in current_user.roles)


def _language() -> str:
    chosen = session.get("lang")
    if chosen not in PAGE_LANGUAGES and current_user and current_user.is_authenticated:
        chosen = current_user.language
    return chosen if chosen in PAGE_LANGUAGES else localisation.asked_for()


def _local(path: str) -> str:
    """Return a path of ours to go back to; anything else leads home."""
    plain = path.startswith("/") and not path.startswith(("//", "/\\")) and path.isprintable()
    return path if plain else "/"
