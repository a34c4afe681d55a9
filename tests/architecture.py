"""`python -m tests.architecture`: draws docs/architecture.md anew from what the code imports."""

import ast
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "architecture.md"
FLOORS = (
    ("doors", ("web", "jobs", "cli", "lab")),
    ("steps and outside", ("usecases", "adapters", "catalogue")),
    ("kept and written", ("store", "render")),
    ("rules", ("domain",)),
)
ROOMS_OF = ("domain", "store", "adapters")
BEGIN, END = "<!-- drawn -->", "<!-- /drawn -->"


class Module(NamedTuple):
    """One module of nta: its dotted name, its text, and what it is made of."""

    name: str
    text: str
    tree: ast.Module


class Measures(NamedTuple):
    """The size of the code in a few figures; `any_share` of annotations, in percent."""

    modules: int
    median_module: float
    median_function: float
    any_share: float
    between_rooms: int


def modules(root: Path = ROOT) -> list[Module]:
    """Return every module of nta below a checkout."""
    found = []
    for path in sorted((root / "nta").rglob("*.py")):
        name = ".".join(path.relative_to(root).with_suffix("").parts).removesuffix(".__init__")
        text = path.read_text(encoding="utf-8")
        found.append(Module(name, text, ast.parse(text)))
    return found


def imports(found: list[Module]) -> Iterator[tuple[str, str]]:
    """Yield each import of one module of nta by another, as (from, to)."""
    names = {module.name for module in found}
    for module in found:
        for node in ast.walk(module.tree):
            if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("nta"):
                for alias in node.names:
                    whole = f"{node.module}.{alias.name}"
                    yield module.name, whole if whole in names else node.module


def room(name: str) -> str:
    """Return the room of a module: its folder on its floor, or the floor where it has no rooms."""
    parts = name.split(".")[1:]
    if len(parts) > 1 and parts[0] in ROOMS_OF and (ROOT / "nta" / parts[0] / parts[1]).is_dir():
        return ".".join(parts[:2])
    return parts[0] if parts else "nta"


def measures(found: list[Module]) -> Measures:
    """Return the figures of the code."""
    functions = [
        (node.end_lineno or node.lineno) - node.lineno + 1
        for module in found
        for node in ast.walk(module.tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    ]
    annotations = [
        ast.unparse(note) for module in found for node in ast.walk(module.tree) for note in _annotations(node)
    ]
    loose = sum(bool(re.search(r"\bAny\b", note)) for note in annotations)
    crossing = sum(room(start) != room(end) for start, end in imports(found))
    lines = [module.text.count("\n") for module in found if module.text.count("\n") > 1]
    return Measures(len(found), median(lines), median(functions), 100 * loose / len(annotations), crossing)


def _annotations(node: ast.AST) -> Iterator[ast.expr]:
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.returns:
        yield node.returns
    if isinstance(node, ast.arg | ast.AnnAssign) and node.annotation:
        yield node.annotation


def drawn(found: list[Module]) -> str:
    """Return the two pictures, of floors and of rooms, as Mermaid."""
    crossing = Counter((room(a), room(b)) for a, b in imports(found) if room(a) != room(b))
    return f"{_floors(crossing)}\n\n{_rooms(crossing)}"


def _floors(crossing: Counter[tuple[str, str]]) -> str:
    floor = {name: name for _, names in FLOORS for name in names}
    counted: Counter[tuple[str, str]] = Counter()
    for (start, end), count in crossing.items():
        pair = floor.get(start.split(".")[0]), floor.get(end.split(".")[0])
        if pair[0] and pair[1] and pair[0] != pair[1]:
            counted[pair[0], pair[1]] += count
    lines = ["```mermaid", "flowchart TD"]
    for number, (title, names) in enumerate(FLOORS):
        lines.append(f'    subgraph floor{number}["{title}"]')
        lines += [f"        {name}" for name in names]
        lines.append("    end")
    lines += [f"    {start} -->|{count}| {end}" for (start, end), count in sorted(counted.items())]
    return "\n".join([*lines, "```"])


def _rooms(crossing: Counter[tuple[str, str]]) -> str:
    lines = ["```mermaid", "flowchart TD"]
    for floor in ROOMS_OF:
        pairs = {
            (a.partition(".")[2], b.partition(".")[2])
            for a, b in crossing
            if a.startswith(f"{floor}.") and b.startswith(f"{floor}.")
        }
        lines.append(f'    subgraph {floor}["{floor}"]')
        lines += [f"        {floor}_{a}[{a}] --> {floor}_{b}[{b}]" for a, b in sorted(pairs)]
        lines.append("    end")
    return "\n".join([*lines, "```"])


def page(text: str, found: list[Module]) -> str:
    """Return the page with its pictures drawn anew; what stands around them is kept."""
    before, _, rest = text.partition(BEGIN)
    return f"{before}{BEGIN}\n\n{drawn(found)}\n\n{END}{rest.partition(END)[2]}"


if __name__ == "__main__":
    everything = modules()
    PAGE.write_text(page(PAGE.read_text(encoding="utf-8"), everything), encoding="utf-8")
    print(measures(everything))
