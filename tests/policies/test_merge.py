"""What a PATCH makes of a document."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies.merge import merge

STORED = {"inbound": {"offnet": {"enabled": True, "format": "mp3"}}, "list": [1, 2], "word": "a"}


@pytest.mark.parametrize(
    ("asked", "changed"),
    [
        ({}, {}),
        ({"outbound": {"onnet": {"enabled": True}}}, {"outbound": {"onnet": {"enabled": True}}}),
        ({"inbound": {"offnet": {"format": None}}}, {"inbound": {"offnet": {"enabled": True}}}),
        ({"inbound": {"offnet": {}}}, {"inbound": {"offnet": {}}}),
        ({"inbound": {}}, {"inbound": {}}),
        ({"inbound": 1}, {"inbound": 1}),
        ({"list": [3]}, {"list": [3]}),
        ({"list": []}, {"list": []}),
        ({"list": [None, {}]}, {"list": [None, {}]}),
        ({"word": {"a": None, "b": 1}}, {"word": {"b": 1}}),
        ({"new": {"a": {"b": None}}}, {"new": {"a": {}}}),
        ({"_id": 1, "pvt_type": "x", "inbound": {"_rev": 2}}, {}),
        ({"_list": None, "nothing": None}, {}),
    ],
)
def test_rows(asked: dict[str, Any], changed: dict[str, Any]) -> None:
    before = copy.deepcopy(STORED)
    assert merge(STORED, asked) == STORED | changed
    assert before == STORED


def test_null_deletes() -> None:
    assert merge(STORED, {"inbound": None, "list": None}) == {"word": "a"}


DOCUMENTS = st.recursive(
    st.none() | st.booleans() | st.text(max_size=3),
    lambda inner: st.dictionaries(st.sampled_from("abc_"), inner, max_size=3),
    max_leaves=12,
).filter(lambda document: isinstance(document, dict))


@given(DOCUMENTS, DOCUMENTS)
def test_asking_twice_is_asking_once(stored: Any, asked: Any) -> None:
    stored = merge({}, stored)
    once = merge(stored, asked)
    assert merge(once, asked) == once


@given(DOCUMENTS, DOCUMENTS)
def test_nothing_null_or_private_is_stored(stored: Any, asked: Any) -> None:
    def keys(document: Any) -> list[tuple[str, Any]]:
        inner = document.items() if isinstance(document, dict) else ()
        return [pair for key, value in inner for pair in [(key, value), *keys(value)]]

    found = keys(merge(merge({}, stored), asked))
    assert not any(value is None or key.startswith("_") for key, value in found)
