"""The shapes of text: what hangs, and how a place is called."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twinwall.model.firewall import Endpoint
from twinwall.report.blocks import hung, place_words, plain
from twinwall.report.html.blocks import place_facts

WORDS = st.lists(st.text("abc,():-", min_size=1, max_size=30), min_size=1, max_size=20).map(" ".join)


@given(WORDS, st.integers(12, 90), st.integers(0, 8))
def test_further_lines_stand_in_and_nothing_is_lost(text: str, width: int, indent: int) -> None:
    first, *rest = plain(hung(text, indent=indent), width).splitlines()
    assert not first.startswith(" ")
    assert all(line.startswith(" " * indent) and line[indent] != " " for line in rest)
    assert max(map(len, [first, *rest])) <= width
    assert "".join([first, *rest]).replace(" ", "") == text.replace(" ", "")


@pytest.mark.parametrize(
    ("endpoint", "words", "fact"),
    [
        (Endpoint("vpc-1", "1", "eu", "vpc-1"), "vpc-1 in 1/eu", "vpc-1 in 1 / eu"),
        (Endpoint("prod", "1", "eu", "vpc-1"), "prod, vpc-1 in 1/eu", "prod: vpc-1 in 1 / eu"),
        (Endpoint("prod", "", "", "vpc-1"), "prod, vpc-1", "prod: vpc-1"),
        (Endpoint("before j.jsonl"), "before j.jsonl", "before j.jsonl"),
    ],
)
def test_a_place(endpoint: Endpoint, words: str, fact: str) -> None:
    assert place_words(endpoint) == words
    assert place_facts("Source", endpoint) == [("Source", fact)]
