"""The house as docs/architecture.md draws it, and one name for one thing."""

import ast
import re
from collections import defaultdict

from nta.catalogue.entry_schema import ADDRESSES
from nta.store.tables import Notice
from tests.architecture import PAGE, Module, imports, modules, page

PAGES = frozenset({"approvals", "cases", "contacts", "hosting_page", "mails", "reports", "tasks"})
"""A page of the desk and what it reads bear one name: `web/desk/X` and `store/reads/X`."""

ALIKE_MODULES = {
    "step": "each step of a package of use cases, the part that takes and records",
    "__main__": "what `python -m` runs",
    "clock": "a clock of ours and the lab's, each behind its own door",
}


def test_the_picture_is_drawn_from_the_imports() -> None:
    text = PAGE.read_text(encoding="utf-8")

    assert text == page(text, modules())


def test_no_two_modules_have_one_name() -> None:
    named = defaultdict(list)
    for module in modules():
        named[module.name.rpartition(".")[2]].append(module.name)

    twice = {name: where for name, where in named.items() if len(where) > 1 and not _is_folder(where)}

    assert {name: where for name, where in twice.items() if not _is_meant(name, where)} == {}


def test_no_two_classes_have_one_name() -> None:
    named = defaultdict(list)
    for module in modules():
        for node in module.tree.body:
            if isinstance(node, ast.ClassDef):
                named[node.name].append(module.name)

    assert {name: where for name, where in named.items() if len(where) > 1} == {}


def test_a_channel_is_known_to_the_assembly_alone() -> None:
    importing = {
        (source, target)
        for source, target in imports(modules())
        if target.startswith("nta.adapters.channels.")
    }

    assert {source for source, _ in importing} == {"nta.assembly"}
    assert all(len(name) <= Notice.__table__.c.channel.type.length for name in ADDRESSES)


def test_one_module_knows_the_dialects() -> None:
    asking = [
        module.name
        for module in modules()
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Attribute) and node.attr == "name" and _attribute(node.value) == "dialect"
    ]

    assert asking == ["nta.store.db.dialects"]


def _attribute(node: ast.expr) -> str | None:
    return node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", None)


def _is_folder(where: list[str]) -> bool:
    """Tell whether all but one are folders of one name on several floors."""
    return sum(not _folder(name) for name in where) <= 1


def _folder(name: str) -> bool:
    return (PAGE.parents[1] / name.replace(".", "/")).is_dir()


def _is_meant(name: str, where: list[str]) -> bool:
    if name in ALIKE_MODULES:
        return True
    rooms = {module.rpartition(".")[0] for module in where if not _folder(module)}
    return name in PAGES and rooms == {"nta.web.desk", "nta.store.reads"}


def test_a_module_has_a_line_that_says_what_it_knows() -> None:
    silent = [module.name for module in modules() if _says_nothing(module)]

    assert silent == []


def _says_nothing(module: Module) -> bool:
    return not (ast.get_docstring(module.tree) or "").strip()


def test_each_place_that_a_recipe_names_is_there() -> None:
    text = (PAGE.parents[1] / "CONTRIBUTING.md").read_text(encoding="utf-8")
    named = set(re.findall(r"`((?:nta|tests|templates|providers|migrations|docs)/[^`]+)`", text))

    assert len(named) > 30
    assert {place for place in named if not (PAGE.parents[1] / place).exists()} == set()
