"""How many statements the acts of a rush send: each waits for the one writer of the database."""

from archive.lending import service as lending
from archive.lending.matching import Mode


def test_a_hand_out_and_a_return_send_few_statements(shelf, company, api_for, count_statements):
    item_id, barcode = shelf.item()
    request = shelf.approved(company.sales_clerk, item_id)
    desk = api_for(company.archivist)
    out = {"barcode": barcode, "request_id": request.id, "pages": 3}
    with count_statements() as handing_out:
        assert desk.post("/api/v1/loans/hand-out", json=out).status_code == 200
    with count_statements() as taking_back:
        back = desk.post("/api/v1/loans/return", json={"barcode": barcode, "pages": 3})
    assert back.status_code == 200
    assert len(handing_out) <= 30, "\n".join(handing_out)
    assert len(taking_back) <= 25, "\n".join(taking_back)


def test_what_all_ways_turn_on_is_read_once(shelf, company, count_statements):
    item_id, _ = shelf.item()
    with shelf.resources.reading() as uow:
        with count_statements() as one_way:
            lending.preview(uow, company.sales_clerk, item_id, Mode.ORIGINAL)
        with count_statements() as every_way:
            found = lending.previews(uow, company.sales_clerk, item_id)
    assert [one.mode for one in found] == list(Mode)
    assert len(every_way) <= len(one_way) <= 20, "\n".join(one_way)


def test_many_requests_are_shown_with_the_statements_of_one(shelf, company, count_statements):
    papers = [shelf.item() for _ in range(4)]
    for item_id, barcode in papers:
        shelf.lent(company.sales_clerk, item_id, barcode)
    with shelf.resources.reading() as uow:
        with count_statements() as four:
            assert len(lending.my_loans(uow, company.sales_clerk)) == 4
        with count_statements() as requests:
            lending.list_requests(uow, company.sales_clerk, mine=True)
    assert len(four) <= 7, "\n".join(four)
    assert len(requests) <= 9, "\n".join(requests)
