"""Decoding of bodies: arbitrary bytes and arbitrary JSON, and agreement of the two decoding passes."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from graph.domain.errors import BodyNotObject
from graph.domain.visit import Visit, visit_of
from rest import visit_body as click_api
from rest.json_body import decode_leniently
from rest.visit_body import decode_visit

NAMES = Visit.__struct_fields__
ANY_TEXT = st.text(st.characters(codec=None), max_size=20)
CLEAN_TEXT = st.text(st.characters(codec="utf-8"), max_size=20)
NUMBERS = st.from_regex(r"-?(0|[1-9][0-9]{0,25})(\.[0-9]{1,20})?([eE][+-]?[0-9]{1,3})?", fullmatch=True, alphabet=None)


def values(text: st.SearchStrategy[str]) -> st.SearchStrategy[Any]:
    scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | text
    return st.recursive(scalars, lambda inner: st.lists(inner) | st.dictionaries(text, inner), max_leaves=8)


def objects(text: st.SearchStrategy[str]) -> st.SearchStrategy[dict[str, Any]]:
    """Generate objects that resemble a click in some names and types."""
    well_typed = {name: st.none() | text for name in NAMES if name != "additional_data"}
    data = st.dictionaries(text | st.sampled_from(["test_mode", "program_id"]), values(text), max_size=4)
    click = st.fixed_dictionaries({}, optional={**well_typed, "additional_data": data})
    return st.builds(
        lambda a, b: a | b, click, st.dictionaries(st.sampled_from(NAMES) | text, values(text), max_size=2)
    )


def encoded(value: object) -> bytes:
    """Encode as JSON with surrogates escaped."""
    return json.dumps(value, ensure_ascii=True).encode()


def unescaped(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode("utf-8", "surrogatepass")


def decoded(sent: bytes) -> tuple[Visit, Sequence[str]] | None:
    """Decode a body, or return None if it is refused, and check the guarantees for every visit."""
    try:
        visit, unreadable = decode_visit(sent)
    except BodyNotObject:
        return None
    assert type(visit) is Visit
    assert set(unreadable) <= set(NAMES)
    assert all(getattr(visit, name) is None for name in unreadable)
    for name in NAMES:
        value = getattr(visit, name)
        assert isinstance(value, dict if name == "additional_data" else str) or value is None
    text = json.dumps(msgspec.structs.asdict(visit), ensure_ascii=False)
    assert text.encode().decode() == text
    return visit, unreadable


def typed(sent: bytes) -> Visit | None:
    try:
        return click_api._decode(sent)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return None


def leniently(sent: bytes) -> tuple[Visit, Sequence[str]]:
    return visit_of(decode_leniently(sent))


def repaired(value: Any) -> Any:
    """Return a value with its strings as a browser would encode them."""
    match value:
        case str():
            return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
        case list():
            return [repaired(item) for item in value]
        case dict():
            return {repaired(key): repaired(item) for key, item in value.items()}
    return value


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=200) | st.binary(max_size=60).map(lambda middle: b'{"page_url":"' + middle + b'"}'))
@example(b"\xef\xbb\xbf{}")
@example(b'{"page_url":"\xed\xa0\x80"}')
@example(b'{"additional_data":{"\xff":1e999}}')
@example(b'{"a":' * 10_000)
@example(b"[" * 65_536)
@example(b"7" * 5000)
def test_any_bytes_decode_to_a_visit_or_are_refused(sent: bytes) -> None:
    decoded(sent)


@pytest.mark.slow
@settings(max_examples=200, deadline=None)
@given(objects(ANY_TEXT), st.integers(0, 400), st.binary(max_size=3))
def test_a_damaged_click_decodes_to_a_visit_or_is_refused(fields: dict[str, Any], at: int, damage: bytes) -> None:
    for form in (encoded(fields), unescaped(fields)):
        decoded(form[:at] + damage + form[at + len(damage) :])


@pytest.mark.slow
@settings(max_examples=200, deadline=None)
@given(values(ANY_TEXT))
def test_json_other_than_an_object_is_refused(value: Any) -> None:
    assert (decoded(encoded(value)) is None) is not isinstance(value, dict)


@pytest.mark.slow
@settings(max_examples=200, deadline=None)
@given(objects(CLEAN_TEXT))
def test_every_field_is_decoded_as_sent_or_reported(fields: Mapping[str, Any]) -> None:
    result = decoded(encoded(fields))
    assert result is not None
    visit, unreadable = result
    for name in NAMES:
        value = fields.get(name)
        wanted = dict if name == "additional_data" else str
        if value is None or isinstance(value, wanted):
            assert (getattr(visit, name), name in unreadable) == (value, False)
        else:
            assert name in unreadable


@pytest.mark.slow
@settings(max_examples=200, deadline=None)
@given(objects(ANY_TEXT))
def test_lone_surrogates_are_replaced_like_in_a_browser(fields: dict[str, Any]) -> None:
    result = decoded(encoded(fields))
    assert result == decoded(encoded(repaired(json.loads(encoded(fields)))))


@pytest.mark.slow
@settings(max_examples=200, deadline=None)
@given(objects(CLEAN_TEXT), st.sampled_from(["", " ", "\ufeff"]))
def test_both_passes_decode_a_click_alike(fields: dict[str, Any], before: str) -> None:
    for form in (encoded(fields), unescaped(fields)):
        if (visit := typed(form)) is not None:
            assert repr(leniently(before.encode() + form)) == repr((visit, ()))


@pytest.mark.slow
@settings(max_examples=200, deadline=None)
@given(NUMBERS)
@example("-0")
@example("-0.0")
@example("9007199254740993")
@example("18446744073709551616")
@example("0.1e-400")
@example("123456789012345678901234567890.123456789e-15")
@example("7" * 310)
@example("7" * 400)
@example("7" * 401)
@example("-" + "7" * 4300)
def test_both_passes_decode_a_number_alike(number: str) -> None:
    sent = f'{{"additional_data":{{"n":{number}}}}}'.encode()
    if (visit := typed(sent)) is not None:
        assert repr(leniently(sent)[0]) == repr(visit)


@pytest.mark.parametrize("depth", [10, 100, 300, 450, 600, 900])
def test_both_passes_decode_nested_data_alike(depth: int) -> None:
    sent = f'{{"additional_data":{{"n":{"[" * depth}{"]" * depth}}}}}'.encode()
    visit = typed(sent)
    assert visit is not None
    assert leniently(sent)[0] == visit


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=60).map(lambda middle: b'{"page_url":"x' + middle + b'"}') | st.binary(max_size=60))
def test_the_lenient_pass_agrees_with_the_typed_pass(sent: bytes) -> None:
    if (visit := typed(sent)) is not None:
        assert leniently(sent) == (visit, ())
