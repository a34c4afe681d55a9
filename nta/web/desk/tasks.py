"""Tasks that a person finishes, and the mail that is read for them."""

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from nta.domain.policy import DeskAct
from nta.ports import Clock
from nta.store.db.handle import Store
from nta.store.reads import mails as reads
from nta.store.reads.mails import Text
from nta.usecases import answer as answers
from nta.usecases.decisions import task_completion
from nta.web import answering, request_values
from nta.web.access import acting, needs
from nta.web.answering import SAYS, FilledAnswer


def pages(store: Store, clock: Clock) -> Blueprint:
    """Return the pages of tasks and mails. The list of tasks is among the pages of steering."""
    site = Blueprint("tasks", __name__)

    def show(
        number: int, text: Text | None = None, filled: FilledAnswer | None = None
    ) -> ResponseReturnValue:
        with store.db.read() as connection:
            found = reads.one(connection, store, number)
        if found is None:
            abort(404)
        form = filled or answering.blank([item.id for item in found.told if not item.says], clock.now())
        page = render_template("desk/mail.html", page=found, text=text, form=form, says_words=SAYS)
        return page, (422 if form.faults else 200)

    @site.post("/tasks/done")
    @needs(DeskAct.FINISH_TASK)
    def done() -> ResponseReturnValue:
        number = request_values.row("subject", _("Choose a task of the list."))
        form, who = request.form, acting()
        code, why = form.get("code", ""), form.get("reason")
        task_completion.finish(store, number, code, why, who, clock.now())
        flash(_("The task is done."), "success")
        return redirect(url_for("steering.tasks"), 303)

    @site.get("/mails/<row:number>")
    @needs(DeskAct.SEE_CASES)
    def mail(number: int) -> ResponseReturnValue:
        return show(number)

    @site.post("/mails/<row:number>/read")
    @needs(DeskAct.READ_MAIL)
    def read(number: int) -> ResponseReturnValue:
        return show(number, task_completion.read_mail(store, number, acting(), clock.now()))

    @site.post("/mails/<row:number>/answer")
    @needs(DeskAct.READ_MAIL)
    def answer(number: int) -> ResponseReturnValue:
        filled, said, wrong = answering.read(request.form)
        taken = answers.answer_by_mail(store, number, said, acting(), clock.now())
        if wrong or taken.slips:
            return show(number, filled=answering.after(filled, taken, wrong))
        flash(_("The answer was recorded as theirs and takes effect now."), "success")
        return redirect(url_for("tasks.mail", number=number), 303)

    return site
