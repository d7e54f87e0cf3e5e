"""What people type at an archive's counter, and what must and must not come up."""

import pytest

ALL_NAMED = {
    "hisense-contract",
    "hisense-report",
    "changhong-contract",
    "bank-loan",
    "food",
    "uyghur",
    "rare",
    "finance-secret",
    "finance-only-customer",
}
HISENSE = {"hisense-contract", "hisense-report", "finance-secret"}

EXACT = [
    # customers: in part, in full, by sound
    ("海信", HISENSE),
    ("青岛海信电子技术有限公司", HISENSE),
    ("haixin", HISENSE),
    ("HaiXin", HISENSE),
    ("海xin", HISENSE),
    ("hai信", HISENSE),
    ("qdhx", HISENSE),
    ("hxdz", HISENSE),
    ("长虹", {"changhong-contract"}),
    ("changhong", {"changhong-contract"}),
    ("sichuanchanghong", {"changhong-contract"}),
    ("chongqing", {"bank-loan"}),
    ("zhongqing", {"bank-loan"}),
    ("lvyuan", {"food"}),
    ("绿源食品", {"food"}),
    ("绿源食品(上海)", {"food"}),
    ("绿源食品（上海）有限公司", {"food"}),
    ("阿里木", {"uyghur"}),
    ("阿里木买买提", {"uyghur"}),
    ("阿里木・买买提", {"uyghur"}),
    ("𠮷田", {"rare"}),
    # people and single characters
    ("张三丰", {"hisense-contract"}),
    ("三丰", {"hisense-contract"}),
    ("zhangsanfeng", {"hisense-contract"}),
    ("zsf", {"hisense-contract"}),
    ("张", {"hisense-contract"}),
    ("赵", {"bank-loan"}),
    ("李四", {"hisense-report"}),
    # scripts and widths
    ("電子檔案", {"hisense-report"}),
    ("电子档案", {"hisense-report"}),
    ("開拓", {"hisense-report"}),
    ("开拓经过", {"hisense-report"}),
    ("ＡＢＣ", {"food"}),
    ("abc", {"food"}),
    ("ABC产品", {"food"}),
    ("海\u200b信", HISENSE),
    ("\u202e海信", HISENSE),
    ("海\x00信", HISENSE),
    # numbers in every spelling
    ("HT-2024-0017", {"hisense-contract"}),
    ("ht-2024-0017", {"hisense-contract"}),
    ("ＨＴ－２０２４－００１７", {"hisense-contract"}),
    ("HT—2024—0017", {"hisense-contract"}),
    ("HT20240017", {"hisense-contract"}),
    ("HT/2024/0017", {"hisense-contract"}),
    ("2024-0017", {"hisense-contract"}),
    ("合同编号HT-2024-0017", {"hisense-contract"}),
    ("合约书编号HT-2024-0018", {"changhong-contract"}),
    ("0017", {"hisense-contract"}),
    ("Z109-KH·2024-D30-BGS-0001", {"hisense-contract"}),
    ("Z109－KH・2024—D30–BGS-0001", {"hisense-contract"}),
    ("Z109-KH•2024-D30-BGS-0002", {"changhong-contract"}),
    ("Z109 KH 2024 D30 BGS 0001", {"hisense-contract"}),
    ("z109kh2024d30bgs0001", {"hisense-contract"}),
    ("D30-BGS", {"hisense-contract", "changhong-contract"}),
    ("A0000017", {"hisense-contract"}),
    ("13800138000", {"hisense-contract"}),
    ("电话13800138000", {"hisense-contract"}),
    ("138000", {"hisense-contract"}),
    ("071234", {"hisense-contract"}),
    ("233445", {"bank-loan"}),
    ("12500", {"hisense-contract"}),
    ("12,500", {"hisense-contract"}),
    ("12500.00", {"hisense-contract"}),
    ("壹万贰仟伍佰元", {"hisense-contract"}),
    ("1200", {"food"}),
    ("HT-2024-9999", set()),
    ("HT-2023-0017", set()),
    ("13800138001", set()),
    # words and phrases
    ("银行", {"bank-loan"}),
    ("行银", set()),
    ('"行银"', set()),
    ('"银行"', {"bank-loan"}),
    ('"海信电子"', HISENSE),
    ("“海信电子”", HISENSE),
    ('"电子海信"', set()),
    ('"电子元件买卖"', {"hisense-contract"}),
    ('"合同元件"', set()),
    ('"purchase agreement"', {"food"}),
    ('"agreement purchase"', set()),
    ('"甲方：青岛"', {"hisense-contract"}),
    ("海信 合同", {"hisense-contract"}),
    ("合同 海信", {"hisense-contract"}),
    ("海信 AND 合同", {"hisense-contract"}),
    ("海信　合同", {"hisense-contract"}),
    # without, either, brackets
    ("海信 -合同", {"hisense-report", "finance-secret"}),
    ("海信 －合同", {"hisense-report", "finance-secret"}),
    ("海信 NOT 合同", {"hisense-report", "finance-secret"}),
    ("海信 不含 合同", {"hisense-report", "finance-secret"}),
    ('海信 -"买卖合同"', {"hisense-report", "finance-secret"}),
    ("海信 -客户:海信", set()),
    ("海信 OR 长虹", HISENSE | {"changhong-contract"}),
    ("海信 或 长虹", HISENSE | {"changhong-contract"}),
    ("海信 | 银行", HISENSE | {"bank-loan"}),
    ("(海信 OR 长虹) 买卖合同", {"hisense-contract", "changhong-contract"}),
    ("（海信 OR 长虹） 买卖合同", {"hisense-contract", "changhong-contract"}),
    ("(海信 OR 长虹) -(电视机 OR 报告)", {"hisense-contract", "finance-secret"}),
    # fields
    ("客户:海信", HISENSE),
    ("客户：海信", HISENSE),
    ("客户:haixin", HISENSE),
    ("表单:E01", {"hisense-report"}),
    ("E01", {"hisense-report"}),
    ("ｅ01", {"hisense-report"}),
    ("海信 E01", {"hisense-report"}),
    ("海信 -E01", {"hisense-contract", "finance-secret"}),
    ("长虹 E01", {"changhong-contract", "hisense-report"}),
    ("表单:担保", {"bank-loan"}),
    ("年度:2022", {"bank-loan"}),
    ("年度:2022-2023", {"bank-loan", "hisense-report"}),
    ("年度:2022年", {"bank-loan"}),
    ("状态:作废", {"bank-loan"}),
    ("部门:市场", {"changhong-contract", "uyghur"}),
    ("档号:Z109-KH·2024", {"hisense-contract", "changhong-contract"}),
    ("编号:CW-2024-0999", {"finance-secret"}),
    ("题名:买卖合同", {"hisense-contract", "changhong-contract"}),
    ("日期:2022-11", {"bank-loan"}),
    ("姓名:张三丰", {"hisense-contract"}),
    ('客户:"青岛海信电子技术有限公司" 表单:E05', {"hisense-contract"}),
    ("客户:海信 年度:2023", {"hisense-report"}),
    # beginnings
    ("HT-2024*", {"hisense-contract", "changhong-contract"}),
    ("1380013*", {"hisense-contract"}),
    ("purch*", {"food"}),
    ("葡萄*", {"uyghur"}),
    # signs and symbols
    ("🧧", {"rare"}),
    ("客户&合同", {"rare"}),
    ("{{7*7}}", {"rare"}),
    ("A<B & C", {"rare"}),
    ("葡萄干的货品", {"uyghur"}),
    ("绝不存在的词语组合", set()),
]


@pytest.mark.parametrize(("text", "wanted"), EXACT, ids=[text for text, _ in EXACT])
def test_named_records_found_are_exactly_these(ask, text, wanted):
    results = ask(text)
    assert {hit.id for hit in results.hits if not hit.id.startswith("made-")} == wanted
    assert results.total == len(results.hits)


def test_record_number_ranks_its_record_first(ask):
    assert ask("CG-2021-0007").hits[0].id == "made-7"
    assert ask("HT-2024-0017").hits[0].id == "hisense-contract"


def test_nothing_typed_lists_everything_newest_first(ask):
    results = ask("")
    assert results.total == len(ALL_NAMED) + 50
    assert results.hits[0].id == "food"


def test_only_exclusions_leave_the_rest(ask):
    results = ask("-采购单")
    assert {hit.id for hit in results.hits} == ALL_NAMED


def test_when_not_all_words_fit_any_do_and_the_page_says_so(ask):
    results = ask("长虹 葡萄")
    assert {hit.id for hit in results.hits} == {"changhong-contract", "uyghur"}
    assert any("一部分词语" in note for note in results.notes)


def test_an_excluded_word_stays_excluded_when_words_are_loosened(ask):
    results = ask("长虹 葡萄 -成都")
    assert {hit.id for hit in results.hits} == {"uyghur"}


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("SFC产品由哪家公司生产？", {"food"}),
        ("Zsf的合同哪里有？", {"hisense-contract"}),
        ("“葡萄干”由哪个学校收购？", {"uyghur"}),
        ("「葡萄干」", {"uyghur"}),
        ("“干葡萄” 学校", {"uyghur"}),
        ("“葡萄干” -货品", set()),
        ("“干葡萄”", set()),
        ("“干葡萄” 客户:阿里木", set()),
    ],
)
def test_a_question_with_letters_or_quotes_finds_what_has_some_of_it(ask, text, wanted):
    results = ask(text)
    assert wanted <= {hit.id for hit in results.hits}
    assert bool(results.total) is bool(wanted)


def test_what_is_not_found_as_quoted_is_said_to_be(ask):
    assert any("引号" in note for note in ask("“干葡萄” 学校").notes)
    assert not any("引号" in note for note in ask("“葡萄干” 学校").notes)


def test_stop_words_never_empty_a_query(ask):
    assert {hit.id for hit in ask("葡萄 的").hits} == {"uyghur"}
    assert "hisense-report" in {hit.id for hit in ask("的").hits}


def test_a_question_finds_its_answer_first(ask):
    assert ask("谁承担长虹电视机的保证责任？").hits[0].id == "changhong-contract"


def test_only_signs_say_that_there_is_nothing_to_search(ask):
    results = ask("！？、。")
    assert results.total == 0
    assert any("请输入" in note for note in results.notes)


def test_a_word_over_the_end_of_a_line_is_not_made_up(ask):
    assert ask('"公司合同编号"').total == 0  # 公司 ends one line, 合同编号 begins the next


def test_blank_between_characters_does_not_part_them(ask):
    assert {hit.id for hit in ask('"货品葡萄干"').hits} == {"uyghur"}
