"""Personal numbers are found by all who may read the paper, and read by those who need them."""

import io
import json

import openpyxl
import pytest

from archive.core.masking import mask
from archive.people.rights import Thing, can
from archive.search.answers import cli_search
from archive.search.service import suggest

PHONE, IDENTITY, CARD = "13800138000", "310101199003071234", "6222021234567890128"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("电话13800138000。", "电话138****8000。"),
        ("手机 138-0013-8000", "手机 138-****-8000"),
        ("138 0013 8000", "138 **** 8000"),
        ("+86 13800138000", "+86 138****8000"),
        ("008613800138000", "0086138****8000"),
        ("１３８００１３８０００", "１３８****８０００"),
        ("Tel13800138000", "Tel138****8000"),
        ("13800138000/13900139000", "138****8000/139****9000"),
        ("13800138000 13900139000", "138****8000 139****9000"),
        ("2024-03-15 13800138000", "2024-03-15 138****8000"),
        ("13800138000 x 2", "138****8000 x 2"),
        ("身份证310101199003071234", "身份证310***********1234"),
        ("31010119900307123X", "310***********123X"),
        ("３１０１０１１９９００３０７１２３ｘ", "３１０***********１２３ｘ"),
        ("310101 19900307 1234", "310*** ******** 1234"),
        ("310101900307123", "310********7123"),
        ("卡号6222 0212 3456 7890 128", "卡号6222 **** **** ***0 128"),
        ("4111111111111111", "4111********1111"),
        ("0532-83878888", "0532-83****88"),
        ("（0532）83878888", "（0532）83****88"),
        ("电话：63218888", "电话：63****88"),
        ("021-63218888-8012", "021-63****88-8012"),
    ],
)
def test_a_personal_number_loses_its_middle(text, shown):
    covered = mask(text)
    assert len(covered) == len(text)
    assert covered == shown


@pytest.mark.parametrize(
    "text",
    [
        "",
        "合同编号HT-2024-0017",
        "Z109-KH·2024-D30-XSB-0001",
        "HT13800138000",
        "人民币13800138000.00元",
        "12,500.00",
        "2024-03-15 14:30:00",
        "91370200163581906K",
        "订单 123456789012",
        "999999999999999999",
        "310101199013071234",
        "1" * 40,
        "*" * 50,
        "电话：",
        "\x00\u202e",
    ],
)
def test_other_numbers_stay_as_they_are(text):
    assert mask(text) == text


@pytest.fixture
def paper(take_in, drain):
    item_id = take_in(
        f"张三{PHONE}的承诺书",
        text=f"{'本人承诺如下。' * 30}联系电话{PHONE}，身份证{IDENTITY}，卡号{CARD}，特此承诺。",
        customer=f"张三{PHONE}",
        department="销售部",
        number=PHONE,
    )
    drain()
    return item_id


def test_colleagues_find_it_and_read_no_digits(resources, company, paper):
    for who in ("sales_clerk", "sales_clerk2"):
        for asked in (PHONE, IDENTITY, CARD, "1234", "138001*", "特此承诺", "张三"):
            answer = cli_search(resources, who, asked)
            told = json.dumps(answer, ensure_ascii=False)
            for secret in (PHONE, IDENTITY[:6], IDENTITY[3:14], CARD[4:15], "0013"):
                assert secret not in told, asked
            assert answer["total"] == 1 or asked == "1234", asked


def test_a_mark_covers_the_whole_number_whatever_was_typed(resources, company, paper):
    [hit] = cli_search(resources, "sales_clerk", IDENTITY)["hits"]
    [(start, end)] = hit["marks"]
    assert hit["snippet"][start:end] == "310***********1234"
    [hit] = cli_search(resources, "sales_clerk", f"{IDENTITY[:9]}*")["hits"]
    assert [hit["snippet"][a:b] for a, b in hit["marks"]] in ([], ["310***********1234"])


def test_those_who_need_them_read_them(resources, company, paper):
    for who in ("archivist", "leader", "sales_head", None):
        [hit] = cli_search(resources, who, IDENTITY)["hits"]
        assert IDENTITY in hit["snippet"], who
        assert PHONE in hit["title"], who
        assert hit["number"] == PHONE, who


def test_page_sheet_and_suggestions_hide_them_too(resources, client_for, company, paper):
    client = client_for(company.sales_clerk2)
    body = client.get(f"/search?q={IDENTITY}").get_data(as_text=True)
    assert "<mark>310***********1234</mark>" in body
    assert PHONE not in body
    answer = client.get(f"/search?q={IDENTITY}&as=xlsx")
    sheet = openpyxl.load_workbook(io.BytesIO(answer.data)).active
    cells = repr([[cell.value for cell in row] for row in sheet.iter_rows()])
    assert "138****8000" in cells
    assert not any(secret in cells for secret in (PHONE, IDENTITY, CARD))
    for typed in ("张三", PHONE[:9], PHONE):
        assert PHONE not in repr(suggest(resources, company.sales_clerk2, typed))
    assert PHONE in repr(suggest(resources, company.archivist, "张三"))


def test_corrections_tell_no_number(resources, company, paper):
    for wrong in ("13800138001", "310101199003071235"):
        answer = cli_search(resources, "sales_clerk", wrong)
        assert PHONE not in repr(answer)
        assert IDENTITY not in repr(answer)


def test_a_number_cut_by_the_end_of_the_passage_is_hidden(resources, company, take_in, drain):
    for length in range(88, 122, 3):
        take_in(f"说明{length}", text="开端" + "某" * length + IDENTITY + "末", department="销售部")
    drain()
    answer = cli_search(resources, "sales_clerk", "开端", limit=100)
    assert answer["total"] >= 10
    assert not any(IDENTITY[3:6] in hit["snippet"] for hit in answer["hits"])


def test_the_right_is_for_those_who_keep_the_paper(company):
    paper = Thing("item", department_id=company.sales_clerk.department_id, secrecy=1)
    own = Thing("item", owner_id=company.sales_clerk.id, secrecy=1)
    kept = Thing("item", customer_owner_id=company.sales_clerk.id, secrecy=1)
    assert not can(company.sales_clerk, "personal.read", paper)
    assert can(company.sales_clerk, "personal.read", own)
    assert can(company.sales_clerk, "personal.read", kept)
    assert can(company.sales_head, "personal.read", paper)
    assert not can(company.other_head, "personal.read", paper)
