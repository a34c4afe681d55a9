"""Mappings read by a schema: what is wrong is told with line and path, all of it, in the schema's order."""

from typing import Annotated, Any

import pytest
from pydantic import PlainValidator as ReadBy
from pydantic import ValidationInfo

from nta.strict_entries import EntryFault, Strict, read_strictly
from nta.strict_yaml import read


def whole(value: Any) -> int:
    if type(value) is not int:
        raise ValueError("must be a whole number")
    return value


def named(value: Any, info: ValidationInfo) -> str:
    if value != (info.context or {})["name"]:
        raise ValueError("must be the name")
    return str(value)


class Inner(Strict):
    size: Annotated[int, ReadBy(whole)]
    more: Annotated[int, ReadBy(whole)] = 0


class Outer(Strict):
    name: Annotated[str, ReadBy(named)]
    inner: Inner | None = None
    parts: tuple[Inner, ...] = ()
    counts: dict[Annotated[str, ReadBy(str)], Annotated[int, ReadBy(whole)]] | None = None


def outcome(text: str) -> Outer | list[EntryFault]:
    return read_strictly(Outer, read(text), {"name": "one"})


def test_what_is_right_becomes_the_schemas_value() -> None:
    found = outcome("name: one\ninner: {size: 1}\nparts: [{size: 2, more: 3}]\ncounts: {a: 4}\n")

    assert found == Outer.model_construct(
        name="one",
        inner=Inner.model_construct(size=1, more=0),
        parts=(Inner.model_construct(size=2, more=3),),
        counts={"a": 4},
    )


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("name: two\n", EntryFault(1, ("name",), "must be the name")),
        ("inner: {size: 1}\n", EntryFault(1, ("name",), "is missing")),
        ("name: one\ninner:\n  more: 1\n", EntryFault(3, ("inner", "size"), "is missing")),
        (
            "name: one\ninner:\n  size: 1\n  mood: good\n",
            EntryFault(4, ("inner", "mood"), "is not a key here (there are size, more)"),
        ),
        (
            "name: one\nparts:\n- size: 1\n- size: 1\n  mood: good\n",
            EntryFault(5, ("parts", 1, "mood"), "is not a key here (there are size, more)"),
        ),
        ("name: one\ninner: 5\n", EntryFault(2, ("inner",), "must hold keys and values")),
        ("name: one\nparts: 5\n", EntryFault(2, ("parts",), "must be a list")),
        ("name: one\n\nparts: [5]\n", EntryFault(3, ("parts", 0), "must hold keys and values")),
        ("name: one\ncounts: 5\n", EntryFault(2, ("counts",), "must hold keys and values")),
        ("name: one\ncounts:\n  a: 1\n  b: c\n", EntryFault(4, ("counts", "b"), "must be a whole number")),
        ("name: one\n1: 2\n", EntryFault(2, (), "must hold keys and values")),
    ],
)
def test_what_is_wrong_is_told_with_line_and_path(text: str, wrong: EntryFault) -> None:
    found = outcome(text)

    assert isinstance(found, list)
    assert [(one.path, one.what) for one in found] == [(wrong.path, wrong.what)]
    assert found[0].line == wrong.line or not wrong.path


def test_all_that_is_wrong_is_told_in_the_order_of_the_schema() -> None:
    found = outcome("mood: good\ninner: {}\nparts: [{size: x}, {size: y}]\n")

    assert isinstance(found, list)
    assert [one.path for one in found] == [
        ("name",),
        ("inner", "size"),
        ("parts", 0, "size"),
        ("parts", 1, "size"),
        ("mood",),
    ]


def test_no_value_is_told() -> None:
    found = outcome("name: s3cret\ninner: s3cret\nparts: s3cret\ncounts: {a: s3cret}\n")

    assert isinstance(found, list)
    assert not [one for one in found if "s3cret" in one.what]
