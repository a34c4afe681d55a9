"""Reading the forms of an HTML page as a person with a browser would, and filling them in."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from html.parser import HTMLParser

BLOCKS = frozenset({"tr", "td", "th", "li", "p", "div", "br", "dd", "dt", "label", "section", "ul", "table"})
IGNORED = frozenset({"reset", "button", "image", "file"})


@dataclass(slots=True)
class Field:
    """One control. `beside` is the text from it to the next control, `before` the text since the last one."""

    name: str
    kind: str
    value: str = ""
    checked: bool = False
    options: list[str] = field(default_factory=list)
    before: str = ""
    beside: str = ""


@dataclass(slots=True)
class Form:
    id: str
    action: str
    method: str
    multipart: bool
    fields: list[Field] = field(default_factory=list)

    def has(self, name: str) -> bool:
        return any(one.name == name for one in self.fields)

    def value(self, name: str) -> str:
        """Return what a field holds as the page came, empty where there is none."""
        return next((one.value for one in self.fields if one.name == name), "")

    def filled(self, values: Mapping[str, str | list[str]]) -> list[tuple[str, str]]:
        """Return what a browser would send: these values, and what the page put into the other fields.

        For checkboxes and radio buttons a value names which are ticked. A
        name that no field has is left out, as a browser would.
        """
        sent: list[tuple[str, str]] = []
        pressed = False
        for one in self.fields:
            wanted = values.get(one.name)
            if one.kind in ("checkbox", "radio"):
                if one.checked if wanted is None else one.value in _listed(wanted):
                    sent.append((one.name, one.value))
            elif one.kind == "submit":
                if not pressed and one.name:
                    sent.append((one.name, one.value))
                pressed = True
            elif one.name:
                sent.append((one.name, one.value if wanted is None else _listed(wanted)[0]))
        return sent


def _listed(value: str | list[str]) -> list[str]:
    return [value] if isinstance(value, str) else value


def read_forms(html: str) -> dict[str, Form]:
    """Return the forms of a page that have an id."""
    reader = _FormReader()
    reader.feed(html)
    reader.close()
    return {form.id: form for form in reader.forms if form.id}


class _FormReader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.forms: list[Form] = []
        self._form: Form | None = None
        self._last: Field | None = None
        self._textarea: Field | None = None
        self._select: Field | None = None
        self._option = False
        self._text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag in BLOCKS:
            self.handle_data(" ")
        if tag == "form":
            self._form = Form(
                id=given.get("id", ""),
                action=given.get("action", ""),
                method=given.get("method", "get").upper(),
                multipart=given.get("enctype", "") == "multipart/form-data",
            )
            self.forms.append(self._form)
        elif tag == "option" and self._select is not None:
            self._take_option(given)
        elif tag in ("input", "textarea", "select", "button"):
            self._take_control(tag, given)

    def handle_endtag(self, tag: str) -> None:
        if tag in BLOCKS:
            self.handle_data(" ")
        if tag == "form":
            self._form = None
        elif tag == "textarea" and self._textarea is not None:
            self._textarea.value = self._textarea.value.removeprefix("\n")
            self._textarea = None
        elif tag == "select" and self._select is not None:
            if not self._select.checked and self._select.options:
                self._select.value = self._select.options[0]
            self._select = None

    def handle_data(self, data: str) -> None:
        if self._textarea is not None:
            self._textarea.value += data
        elif self._select is None:
            self._text += data
            if self._last is not None:
                self._last.beside += data

    def _take_control(self, tag: str, given: dict[str, str]) -> None:
        kind = given.get("type", "submit" if tag == "button" else "text").lower() if tag != "select" else tag
        if self._form is None or kind in IGNORED or (kind != "submit" and not given.get("name")):
            return
        default = "on" if kind in ("checkbox", "radio") else ""
        one = Field(
            name=given.get("name", ""),
            kind="textarea" if tag == "textarea" else kind,
            value=given.get("value", default),
            checked="checked" in given,
            before=self._text,
        )
        self._text = ""
        self._form.fields.append(one)
        self._last = one
        if tag == "textarea":
            self._textarea = one
        elif tag == "select":
            self._select = one

    def _take_option(self, given: dict[str, str]) -> None:
        assert self._select is not None
        value = given.get("value", "")
        self._select.options.append(value)
        if "selected" in given:
            self._select.value = value
            self._select.checked = True
