"""Steering: stop and allow sending, let waiting notices go, see what waits for a person."""

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import ngettext

from nta.domain.policy import DeskAct
from nta.ports import Clock
from nta.store.db.handle import Store
from nta.store.reads import sending as reads
from nta.store.reads import tasks as tasks_reads
from nta.usecases import approve
from nta.usecases.decisions import case_decisions, resending
from nta.web import request_values
from nta.web.access import acting, needs


def pages(store: Store, clock: Clock) -> Blueprint:
    """Return the pages of steering."""
    site = Blueprint("steering", __name__)

    @site.get("/tasks")
    @needs(DeskAct.SEE_CASES)
    def tasks() -> ResponseReturnValue:
        with store.db.read() as connection:
            found = tasks_reads.tasks(connection, store)
        return render_template("desk/tasks.html", tasks=found)

    @site.get("/sending")
    @needs(DeskAct.SEE_CASES)
    def sending() -> ResponseReturnValue:
        with store.db.read() as connection:
            waiting = reads.waiting(connection)
            queued = reads.queued(connection)
            kept = reads.kept(connection)
            bursts = reads.bursts(connection)
        return render_template("desk/sending.html", waiting=waiting, queued=queued, kept=kept, bursts=bursts)

    @site.post("/sending/stop")
    @needs(DeskAct.STEER_SENDING)
    def stop() -> ResponseReturnValue:
        case_decisions.stop_sending(store, acting(), clock.now())
        flash(_("All sending has stopped."), "success")
        return redirect(url_for("steering.sending"), 303)

    @site.post("/sending/allow")
    @needs(DeskAct.STEER_SENDING)
    def allow() -> ResponseReturnValue:
        case_decisions.allow_sending(store, acting(), clock.now())
        flash(_("Sending is allowed again."), "success")
        return redirect(url_for("steering.sending"), 303)

    _letting_go(site, store, clock)
    return site


def _letting_go(site: Blueprint, store: Store, clock: Clock) -> None:
    """Add the acts by which notices that wait, or never left, may go."""

    @site.post("/sending/release")
    @needs(DeskAct.STEER_SENDING)
    def release() -> ResponseReturnValue:
        number = request_values.row("notice", _("Choose a notice of the list."))
        approve.release_waiting(store, number, acting(), clock.now())
        flash(_("The notice will be sent."), "success")
        return redirect(url_for("steering.sending"), 303)

    @site.post("/sending/release-all")
    @needs(DeskAct.STEER_SENDING)
    def release_all() -> ResponseReturnValue:
        count = approve.release_burst(store, request.form.get("party", ""), acting(), clock.now())
        flash(ngettext("%(num)s notice will be sent.", "%(num)s notices will be sent.", count), "success")
        return redirect(url_for("steering.sending"), 303)

    @site.post("/sending/again")
    @needs(DeskAct.STEER_SENDING)
    def again() -> ResponseReturnValue:
        resending.send_again(store, request.form.get("notice", ""), acting(), clock.now())
        flash(_("Its locations will be notified again, after a fresh look."), "success")
        return redirect(url_for("steering.sending"), 303)
