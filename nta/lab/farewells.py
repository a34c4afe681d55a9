"""What web hosts say where something is not, not any more, or not for this visitor."""

from collections.abc import Callable

from nta.lab.webserver import HttpAnswer, no_page

Missing = Callable[[bytes], HttpAnswer]

HTML = "text/html; charset=utf-8"


def _page(title: str, words: str) -> str:
    return (
        f"<!doctype html><html><head><title>{title}</title></head>"
        f"<body><h1>{title}</h1><p>{words}</p></body></html>\n"
    )


_SOFT = HttpAnswer(200, _page("Oops", "What you are looking for is not available. Try our front page."), HTML)
_SUSPENDED = HttpAnswer(200, _page("Account suspended", "This account has been suspended by its host."), HTML)
_LOCKED = HttpAnswer(403, _page("Account suspended", "This account has been suspended by its host."), HTML)
_FORBIDDEN = HttpAnswer(403, _page("Forbidden", "You have no permission to see this."), HTML)
_LEGAL = HttpAnswer(451, _page("Unavailable for legal reasons", "Access was blocked by order."), HTML)
_OUT = HttpAnswer(503, "out of order\n")


def _echo(target: bytes) -> HttpAnswer:
    """Answer every path with a page of its own, as some applications do."""
    return HttpAnswer(200, _page("Welcome", f"You came by {target.decode('latin-1')[:200]}"), HTML)


def missing(kind: str) -> Missing:
    """Return how a site answers a path that never was."""
    return {"not_found": no_page, "soft404": lambda _target: _SOFT, "echo": _echo}[kind]


def farewell(kind: str) -> Missing:
    """Return how a host answers where it took something away."""
    answers = {
        "soft404": _SOFT,
        "legal": _LEGAL,
        "suspended": _SUSPENDED,
        "locked": _LOCKED,
        "forbidden": _FORBIDDEN,
    }
    return lambda _target: answers[kind]


def parked(status: int) -> Missing:
    """Return how a parking page answers every path."""
    answer = HttpAnswer(
        status, _page("Parked", "This domain name has been suspended by its registrar."), HTML
    )
    return lambda _target: answer


def blocked(status: int) -> HttpAnswer:
    """Return what a visitor from the wrong country is shown."""
    return HttpAnswer(status, _page("Not here", "This site is not available in your country."), HTML)


def out_of_order() -> HttpAnswer:
    """Return what a site answers while it is out of order."""
    return _OUT
