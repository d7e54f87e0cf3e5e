"""The storeroom in the browser and over the API: plan, moves, labels, a stocktake to its end."""

import io
import json
import re

import pytest

from archive.filing import service as filing
from archive.filing.places.label_pages import Label, draw_labels, label_sheets
from archive.filing.rules import Place

PASSWORD = "档案台-测试-2026"


@pytest.fixture
def barcode(resources, company, signed_record):
    with resources.work() as uow:
        place = Place("库房一", "01", "02", "03")
        item = filing.file_record(uow, company.archivist, signed_record().id, place=place)
        uow.commit()
    return item.copies[0].barcode


def digest_on(page):
    return page.partition('name="digest" value="')[2][:64]


@pytest.mark.slow
def test_a_room_its_moves_and_a_stocktake_in_the_browser(company, client_for, barcode):
    client = client_for(company.archivist)
    sent = {"layout": "库房一 2列 × 2节 × 3层", "capacity": "20"}
    assert client.post("/places/layout", data=sent).status_code == 302
    assert client.post("/places/layout", data={"layout": "=1"}).status_code == 422
    plan = client.get("/places/1").text
    assert "1/20" not in plan and "01" in plan and barcode in plan
    assert barcode in client.get("/places/4").text
    found = client.post("/places/move", data={"code": "库房一-02-01-01"})
    at = found.headers["Location"].rpartition("at=")[2]
    assert client.post("/places/move", data={"code": barcode, "at": ""}).status_code == 422
    assert client.post("/places/move", data={"code": "A1", "at": at}).status_code == 404
    assert client.post("/places/move", data={"code": barcode, "at": at}).status_code == 302
    assert "库房一-02-01-01" in client.get(f"/copies/{barcode}").text
    sent = {"kind": "place", "place": "库房一"}
    address = client.post("/stocktakes", data=sent).headers["Location"].removesuffix("/scan")
    assert client.post("/stocktakes", data=sent).status_code == 409
    assert client.post(f"{address}/scan", data={"code": at}).headers["Location"].endswith(at)
    assert client.post(f"{address}/scan", data={"code": "", "at": at}).status_code == 422
    assert client.post(f"{address}/scan", data={"code": barcode, "at": at}).status_code == 302
    assert "在架" in client.get(f"{address}/scan?at={at}").text
    listed = {"file": (io.BytesIO("不明的,库房一\n".encode("gbk")), "x.csv")}
    assert client.post(f"{address}/list", data=listed).status_code == 302
    assert client.post(f"{address}/list", data={"list": ""}).status_code == 422
    page = client.get(address).text
    assert "不明条码" in page and "再输一遍您的登录密码" not in page
    sent = {"barcode": "不明的", "outcome": "unknown", "decision": "noted", "note": ""}
    assert client.post(f"{address}/decide", data=sent).status_code == 422
    assert client.post(f"{address}/decide", data=sent | {"note": "旧标签"}).status_code == 302
    sent = {"digest": digest_on(client.get(address).text), "password": "错"}
    assert client.post(f"{address}/close", data=sent).status_code == 422
    assert client.post(f"{address}/close", data=sent | {"password": PASSWORD}).status_code == 302
    assert client.get(f"{address}/A09.pdf").data.startswith(b"%PDF")
    assert client.get(f"{address}/A09.docx").data.startswith(b"PK")
    assert client.get(f"{address}?as=xlsx").data.startswith(b"PK")
    assert client.post(f"{address}/discard", data={"reason": "x"}).status_code == 409


def test_the_phone_sends_what_it_kept_twice_and_it_counts_once(company, client_for, barcode):
    client = client_for(company.archivist)
    client.post("/stocktakes", data={"kind": "class", "class": "客户开发"})
    offline = client.get("/stocktakes/1/offline").text
    assert "offline-count.js" in offline
    worker = client.get("/stocktakes/1/offline-worker.js").text
    assert 'const PAGE = "/stocktakes/1/offline";' in worker
    kept = json.loads(re.search(r"const ASSETS = (\[.*\]);", worker)[1])
    assert set(re.findall(r'(?:src|href)="([^"]+\.(?:js|css|svg))"', offline)) <= set(kept)
    scan = {"client_id": "phone:1", "barcode": barcode, "seen_at": "2026-11-23T01:30:00.000Z"}
    for new in (1, 0):
        answer = client.post("/stocktakes/1/offline", json={"scans": [scan]})
        assert answer.json == {"new": new, "known": 1 - new, "unknown_places": []}
    for body in (None, [], {"scans": []}, {"scans": [scan] * 2001}, {"scans": [{"barcode": 1}]}):
        assert client.post("/stocktakes/1/offline", json=body).status_code == 422
    naive = scan | {"client_id": "phone:2", "seen_at": "2026-11-23T01:30:00"}
    assert client.post("/stocktakes/1/offline", json={"scans": [naive]}).status_code == 422


def test_the_storeroom_over_the_api(company, api_for, barcode):
    api = api_for(company.archivist)
    room = api.get("/api/v1/places").json["items"][0]
    assert (room["place"]["path"], room["held"]) == ("库房一", 1)
    sent = {"kind": "box", "names": ["1", "2"], "parent_id": 4}
    boxes = api.post("/api/v1/places", json=sent).json["items"]
    moved = api.post(
        "/api/v1/places/moves", json={"place": boxes[0]["barcode"], "barcodes": [barcode]}
    )
    assert moved.json["moved"] == [barcode]
    moves = api.get(f"/api/v1/places/copies/{barcode}").json["moves"]
    assert moves[0]["to_text"] == "库房一-01-02-03 盒1"
    take = api.post("/api/v1/stocktakes", json={"kind": "volume", "id": 1}).json
    url = f"/api/v1/stocktakes/{take['id']}"
    files = {"file": (io.BytesIO(f"{boxes[1]['barcode']}\n{barcode}".encode()), "x.txt")}
    assert api.post(f"{url}/list", data=files).json["new"] == 1
    assert api.post(f"{url}/list").status_code == 422
    found = api.get(url).json
    assert [one["outcome"] for one in found["findings"]] == ["misplaced"]
    sent = {"barcode": barcode, "outcome": "misplaced", "decision": "put_back"}
    found = api.post(f"{url}/decide", json=sent).json
    assert api.post(f"{url}/decide", json=sent).status_code == 409
    sent = {"digest": found["digest"], "password": PASSWORD}
    assert api.post(f"{url}/close", json=sent).json["state"] == "closed"
    assert api.get(f"{url}/A09.pdf").data.startswith(b"%PDF")
    assert api_for(company.leader).post(f"{url}/discard", json={"reason": "x"}).status_code == 403


@pytest.mark.slow
def test_labels_are_asked_for_and_printed(company, client_for, barcode):
    client = client_for(company.archivist)
    for what in ("item", "places"):
        answer = client.get(f"/labels.pdf?what={what}&id=1&sheet=38x21&start=65")
        assert answer.data.startswith(b"%PDF"), what
    assert client.get("/labels.pdf?what=boxes&id=1&sheet=38x21").status_code == 404
    for asked in ("sheet=x", "sheet=38x21&start=66", "sheet=38x21&start=0", "start=x"):
        assert client.get(f"/labels.pdf?what=item&id=1&{asked}").status_code == 422


def test_a_printed_label_is_read_by_a_scanner_where_the_sheet_has_it():
    zxingcpp = pytest.importorskip("zxingcpp")
    import pypdfium2

    sheet = label_sheets()["38x21"]
    label = Label("青岛海信𠮷", ("Z109-KH·2026-D30-XSB-L0001",), "A0000000014", "Z109-KH·2026")
    content = draw_labels([label, label], sheet.code, start=sheet.places)
    with pypdfium2.PdfDocument(content) as document:
        assert len(document) == 2
        for page, place in ((document[0], sheet.places - 1), (document[1], 0)):
            width, height = (side / 72 * 25.4 for side in page.get_size())
            assert (round(width), round(height)) == (210, 297)
            picture = page.render(scale=300 / 72).to_pil().convert("L")
            left, top = sheet.corner(place)
            box = (left, top, left + sheet.width, top + sheet.height)
            cut = picture.crop(tuple(round(mm * 300 / 25.4) for mm in box))
            read = {one.text for one in zxingcpp.read_barcodes(cut)}
            assert read == {"A0000000014", "Z109-KH·2026"}
