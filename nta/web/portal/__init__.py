"""The portal: what a provider's abuse desk sees when it follows the link in a notice."""

from collections.abc import Callable

from flask import Flask, render_template
from flask.typing import ResponseReturnValue

from nta.domain.parties.organisations import Catalogue
from nta.ports import Clock
from nta.settings import Settings
from nta.store.db.handle import Store
from nta.usecases.answer import LinkNotFoundError
from nta.web import app_factory
from nta.web.portal.pages import pages
from nta.web.request_limits import ANSWERS


def create_portal(
    store: Store,
    settings: Settings,
    clock: Clock,
    catalogue: Catalogue,
    is_world_over: Callable[[], bool] = lambda: False,
) -> Flask:
    """Return the portal. It uses the portal's key and the tables of `nta.store.db.grants` alone.

    Where `is_world_over` says so, its pages say that the lab's world has ended.
    """
    hotline = app_factory.ourselves(settings, catalogue)
    app = app_factory.build(
        "portal",
        settings=settings,
        url=settings.portal_url,
        secret=store.keys.portal_derived("session"),
        larger={"portal.answer": ANSWERS},
    )
    app.jinja_env.globals.update(hotline=hotline, is_world_over=is_world_over)
    limiter = app_factory.limits(app)
    site = pages(store, clock, hotline)
    # Whoever tries tokens is slowed down; a provider with a thousand notices is not.
    limiter.limit("30/minute", deduct_when=lambda response: response.status_code == 404)(site)
    limiter.limit("50/second")(site)
    app.register_blueprint(site)

    @app.errorhandler(LinkNotFoundError)
    def no_link(_fault: LinkNotFoundError) -> ResponseReturnValue:
        # One page for unknown, expired and revoked: which of them it was is nobody's business.
        return render_template("portal/no_link.html"), 404

    return app
