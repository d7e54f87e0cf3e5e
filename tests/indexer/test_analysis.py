"""Folding and cutting: the same thing in all spellings gives the same terms."""

import time
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from indexer.analysis import cut_text, each_unit, pair_of, run_terms
from indexer.folding import bare_number, fold, fold_with_places
from indexer.pinyin import pinyin_key, pinyin_terms


@pytest.mark.parametrize(
    ("typed", "folded"),
    [
        ("電子檔案", "电子档案"),
        ("ＨＴ－２０２４", "ht-2024"),
        ("HT—2024–17", "ht-2024-17"),
        ("KH・2024•D30", "kh·2024·d30"),
        ("１２．５", "12.5"),
        ("海\u200b信\u202e\ufeff\x00", "海信"),
        ("É\u0301e\u0301", "ee"),
        ("“引”", '"引"'),
        ("a\u3000b\xa0c", "a b c"),
        ("①㎡", "1m2"),
        ("𠮷🧧", "𠮷🧧"),
        ("\ud800", ""),
        ("한국", "한국"),
        ("乾隆", "干隆"),
    ],
)
def test_folding(typed, folded):
    assert fold(typed) == folded


@given(st.text())
def test_folding_twice_changes_nothing(text):
    assert fold(fold(text)) == fold(text)


@given(st.text())
def test_every_folded_character_has_its_place(text):
    folded, places = fold_with_places(text)
    assert folded == fold(text)
    assert len(places) == len(folded)
    assert all(fold(text[place]) and folded[at] in fold(text[place])
               for at, place in enumerate(places))  # fmt: skip


@given(st.text("中文字 a1Ｂ，\n·-/🧧.", max_size=60))
def test_the_fast_cut_agrees_with_the_plain_one(text):
    folded = fold(text)
    units = list(each_unit(folded, 5))
    pairs: dict[str, list[int]] = {}
    for first, second in pairwise(units):
        if first.place + 1 == second.place:
            pairs.setdefault(pair_of(first, second), []).append(first.place)
    assert cut_text(folded, 5).pairs == pairs


def test_numbers_glued_to_han_are_whole():
    cut = cut_text(fold("合同编号HT-2024-0017，电话13800138000。"))
    assert {"ht20240017", "0017", "20240017", "13800138000", "138000"} <= set(cut.units)
    assert "号ht20240017" in cut.pairs


def test_run_spellings_meet():
    assert run_terms("12,500.00")[0] == run_terms("12500")[0] == "12500"
    assert run_terms("ht-2024-0017")[0] == run_terms("ht20240017")[0]
    assert len(run_terms("-".join("1" * 500))[0]) <= 64
    assert "01123x" in run_terms("31010119900101123x")


def test_bare_numbers_of_the_reference_code_are_one():
    spellings = ["Z109-WS·2011-Y-BGS-0001", "Ｚ109－WS・2011—Y–BGS-0001", "z109 ws 2011 y bgs 0001"]
    assert {bare_number(one) for one in spellings} == {"z109ws2011ybgs0001"}


def test_pinyin_in_context_and_character_by_character():
    full, initials = pinyin_terms("重庆银行")
    assert "chongqingyinhang" in full
    assert "zhongqingyinxing" in full
    assert "cqyh" in initials
    assert pinyin_key("长虹") < pinyin_key("重庆") < pinyin_key("海信")


def test_a_very_long_text_is_cut_in_good_time():
    started = time.perf_counter()
    cut_text(fold("合同编号HT-2024-0017的内容。" * 20_000))
    cut_text(fold("-" * 200_000 + "a-" * 100_000))
    assert time.perf_counter() - started < 20


@given(st.text(min_size=40, max_size=200))
def test_long_texts_fold_as_short_ones_do(text):
    parts = [text[at : at + 20] for at in range(0, len(text), 20)]
    assert fold(text) == "".join(map(fold, parts))
    folded, places = fold_with_places(text)
    assert folded == fold(text)
    assert len(places) == len(folded)


@pytest.mark.parametrize("odd", ["㎡", "\u200b", "ﬁ", "\ud800", "\U000f0000", "ß", "㍿"])
def test_odd_characters_fold_the_same_within_long_texts(odd):
    text = "合同編號" * 20 + odd + "ＨＴ－２０２４" * 5
    assert fold(text) == "合同编号" * 20 + fold(odd) + "ht-2024" * 5
    assert fold(text) == fold(text), "also the second time, when the characters are known"
