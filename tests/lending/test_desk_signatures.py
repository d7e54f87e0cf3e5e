"""The borrower signs at the desk: password, PIN, drawn or on paper; the loan keeps it."""

import base64
import io
import json

import pytest
from PIL import Image, ImageDraw
from sqlalchemy import func, select

from archive.core.errors import Conflict, Invalid
from archive.lending import matrix
from archive.lending import service as lending
from archive.lending.confirming import service as confirming
from archive.lending.confirming.rules import Confirmed, Way, digest_of
from archive.lending.models import Loan
from archive.lending.rules import Policy
from archive.people.models import PasswordTry
from storage.journal import JournalEntry

PASSWORD = "档案台-测试-2026"


def drawn() -> str:
    picture = Image.new("RGBA", (600, 200), (0, 0, 0, 0))
    ImageDraw.Draw(picture).line([(60, 150), (200, 40), (330, 160), (520, 60)], "black", 8)
    file = io.BytesIO()
    picture.save(file, "PNG")
    return "data:image/png;base64," + base64.b64encode(file.getvalue()).decode()


def loan_of(shelf) -> Loan:
    with shelf.resources.reading() as uow:
        loan = uow.session.scalars(select(Loan).order_by(Loan.id.desc())).first()
        assert loan is None or uow.session.expunge(loan) is None
        return loan


def text_of(answer) -> str:
    return answer.get_data(as_text=True)


def last_journal(shelf, action: str) -> dict:
    with shelf.resources.reading() as uow:
        entry = uow.session.scalars(
            select(JournalEntry).where(JournalEntry.action == action).order_by(JournalEntry.seq)
        ).all()[-1]
        return json.loads(entry.detail)


@pytest.fixture
def lin(shelf, company):
    """林美玲 has set a PIN and has one paper approved; yields the desk's form fields."""
    shelf.do(confirming.set_pin, company.sales_clerk2, confirming.hash_pin("2580"))
    item_id, barcode = shelf.item()
    request = shelf.approved(company.sales_clerk2, item_id)
    return {"barcode": barcode, "request_id": request.id, "pages": 3}


def test_password_out_and_pin_back(shelf, company, client_for, lin):
    client = client_for(company.archivist)
    sent = client.post("/loans/desk/hand-out", data={**lin, "secret": PASSWORD})
    assert sent.status_code == 302
    back = client.post("/loans/desk/return", data={**lin, "secret": " 2580 "})
    assert back.status_code == 302
    loan = loan_of(shelf)
    assert (loan.out_way, loan.back_way) == ("password", "pin")
    for side, digest in ((confirming.OUT, loan.out_digest), (confirming.BACK, loan.back_digest)):
        way = loan.out_way if side == confirming.OUT else loan.back_way
        assert digest_of(confirming.statement_of(loan, side, way, None)) == digest
    assert last_journal(shelf, "loan.hand_out")["confirmed"] == "password"
    assert last_journal(shelf, "loan.return")["confirmation"] == loan.back_digest
    page = text_of(client_for(company.sales_clerk2).get(f"/loans/{lin['request_id']}"))
    assert "借阅人密码确认" in page and "借阅人口令确认" in page and loan.out_digest[:12] in page


def test_a_drawn_signature_is_kept_and_shown(shelf, company, client_for, lin):
    client = client_for(company.archivist)
    client.post("/loans/desk/hand-out", data={**lin, "signature_png": drawn()})
    loan = loan_of(shelf)
    assert (
        loan.out_way == "drawn" and shelf.resources.blobs.read(loan.out_picture)[:4] == b"\x89PNG"
    )
    address = f"/loans/{lin['request_id']}/signatures/out.png"
    assert client_for(company.sales_clerk2).get(address).mimetype == "image/png"
    assert client_for(company.other_clerk).get(address).status_code == 404
    assert client.get(address.replace("out.png", "back.png")).status_code == 404


def test_nothing_given_is_a_signature_on_paper(shelf, company, client_for, lin):
    client_for(company.archivist).post("/loans/desk/hand-out", data=lin)
    loan = loan_of(shelf)
    assert loan.out_way == "paper" and len(loan.out_digest) == 64 and loan.back_way == ""


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"secret": "记错的密码-2026"}, "林美玲的密码不对"),
        ({"secret": "9999"}, "林美玲的借阅口令不对"),
        ({"secret": "2580", "signature_png": drawn()}, "只要一种"),
        ({"signature_png": "data:image/png;base64,AAAA"}, "签名"),
        ({"signature_png": "javascript:alert(1)"}, "格式不对"),
    ],
)
def test_a_wrong_one_is_refused_and_nothing_typed_is_lost(
    shelf, company, client_for, lin, given, words
):
    form = {**lin, "staff_no": company.sales_clerk2.staff_no, "pages": 2, **given}
    answer = client_for(company.archivist).post("/loans/desk/hand-out", data=form)
    page = text_of(answer)
    assert answer.status_code == 422 and words in page
    assert f'value="{company.sales_clerk2.staff_no}"' in page and 'value="2"' in page
    assert f'"{given.get("secret", PASSWORD)}"' not in page and loan_of(shelf) is None


@pytest.mark.slow
def test_guessing_is_slowed_down(shelf, company, client_for, lin):
    client = client_for(company.archivist)
    for guess in range(8):
        client.post("/loans/desk/hand-out", data={**lin, "secret": f"70{guess}1"})
    answer = client.post("/loans/desk/hand-out", data={**lin, "secret": "2580"})
    assert "15 分钟后再试" in text_of(answer) and loan_of(shelf) is None
    with shelf.resources.reading() as uow:
        assert uow.session.scalar(select(func.count()).select_from(PasswordTry)) == 8
    done = client.post("/loans/desk/hand-out", data={**lin, "secret": PASSWORD})
    assert done.status_code == 302


def test_the_policy_says_what_is_accepted(shelf, company, lin, monkeypatch):
    monkeypatch.setattr(matrix, "policy", lambda: Policy(4, 2, 7, confirmations="password/pin"))
    with pytest.raises(Invalid, match="还没有借阅人的确认，请借阅人确认（密码确认、口令确认）"):
        shelf.do(lending.hand_out, company.archivist, lin["barcode"])
    other = Confirmed(Way.PIN, company.sales_clerk.id)
    with pytest.raises(Conflict, match="确认的不是这位借阅人"):
        shelf.do(lending.hand_out, company.archivist, lin["barcode"], confirmed=other)
    assert loan_of(shelf) is None


def test_the_api_takes_the_same(shelf, company, api_for, lin):
    api = api_for(company.archivist)
    wrong = api.post("/api/v1/loans/hand-out", json={"barcode": lin["barcode"], "pin": "1111"})
    assert wrong.status_code == 422 and "口令不对" in wrong.json["error"]["message"]
    out = api.post("/api/v1/loans/hand-out", json={"barcode": lin["barcode"], "pin": "2580"})
    assert out.json["loan"]["signed_out"]["way"] == "pin"
    back = api.post(
        "/api/v1/loans/return",
        json={"barcode": lin["barcode"], "pages": 3, "password": PASSWORD},
    )
    assert back.json["loan"]["signed_back"]["way"] == "password"


def test_setting_a_pin_asks_for_the_password(shelf, company, client_for):
    client = client_for(company.sales_clerk)
    for pin, again, password, words in (
        ("2580", "2581", PASSWORD, "两次输入的口令不一样"),
        ("12a4", "12a4", PASSWORD, "4 到 8 位数字"),
        ("1234", "1234", PASSWORD, "太好猜"),
        ("7777", "7777", PASSWORD, "太好猜"),
        ("2580", "2580", "不是我的密码-26", "密码不对"),
    ):
        sent = {"pin": pin, "again": again, "password": password}
        answer = client.post("/me/desk-pin", data=sent)
        assert answer.status_code == 422 and words in text_of(answer)
    sent = {"pin": "2580", "again": "2580", "password": PASSWORD}
    assert client.post("/me/desk-pin", data=sent).status_code == 302
    assert "已设借阅口令" in text_of(client.get("/me/desk-pin"))
    assert client.post("/me/desk-pin/drop").status_code == 302
    assert client.post("/me/desk-pin/drop").status_code == 404
