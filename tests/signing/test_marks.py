"""A person's name seal: kept once, shown where nothing is drawn, never without the password."""

import io

import pytest
from PIL import Image, ImageDraw

from archive.core.errors import Invalid
from archive.signing import chain, edge
from archive.signing.seals.pictures import MOST_BYTES, prepare_mark
from tests.conftest import PASSWORD


def name_seal(size=(200, 200), mode="PNG"):
    """A red square seal with a white character's worth of strokes."""
    picture = Image.new("RGB", size, "white")
    pen = ImageDraw.Draw(picture)
    pen.rectangle((10, 10, size[0] - 10, size[1] - 10), outline=(190, 20, 20), width=12)
    pen.line((40, size[1] // 2, size[0] - 40, size[1] // 2), fill=(190, 20, 20), width=14)
    out = io.BytesIO()
    picture.save(out, mode)
    return out.getvalue()


def keep(client, content, password=PASSWORD):
    sent = {"image": (io.BytesIO(content), "章.png"), "password": password}
    return client.post("/me/mark", data=sent)


def given_picture(resources, record_id, slot):
    with resources.reading() as uow:
        run = chain.find_run(uow, record_id)
        digest = chain.images_of(uow, run.id)[slot]
    with Image.open(io.BytesIO(resources.blobs.read(digest))) as opened:
        return opened.convert("RGBA")


def red_dots(picture):
    dots = (picture.getpixel((x, y)) for x in range(picture.width) for y in range(picture.height))
    return sum(red > 120 > green and cover > 100 for red, green, _, cover in dots)


def test_name_seal_stands_where_nothing_was_drawn(resources, desk, company, client_for):
    clerk = client_for(company.sales_clerk)
    for content in (name_seal(), name_seal(mode="JPEG")):
        assert keep(clerk, content).status_code == 302
    assert clerk.get("/me/mark.png").data[:4] == b"\x89PNG"
    record_id = desk.submit(company.sales_clerk)
    page = clerk.get(f"/signing/{record_id}").get_data(as_text=True)
    assert "不手写时用我的名章" in page
    sent = {"password": PASSWORD, "with_mark": "1", "signature_png": ""}
    assert clerk.post(f"/signing/{record_id}/sign", data=sent).status_code == 302
    assert red_dots(given_picture(resources, record_id, 1)) > 200
    assert desk.signed_by(record_id) == ["陈晓东"]


def test_what_is_drawn_goes_before_the_seal(resources, desk, company, client_for, drawn_signature):
    keep(client_for(company.sales_clerk), name_seal())
    record_id = desk.submit(company.sales_clerk)
    desk.sign(company.sales_clerk, record_id, drawn_png=drawn_signature, with_mark=True)
    assert red_dots(given_picture(resources, record_id, 1)) == 0


def test_many_signed_at_once_bear_the_seal(resources, desk, company, client_for):
    keep(client_for(company.sales_clerk), name_seal())
    record_id = desk.submit(company.sales_clerk)
    (done,) = edge.sign_many(resources, company.sales_clerk, [record_id], password=PASSWORD)
    assert done.done and red_dots(given_picture(resources, record_id, 1)) > 200


def test_without_a_kept_seal_asking_for_it_signs_nothing(desk, company, api_for):
    record_id = desk.submit(company.sales_clerk)
    with pytest.raises(Invalid, match="还没有存名章"):
        desk.sign(company.sales_clerk, record_id, with_mark=True)
    body = {"password": PASSWORD, "with_mark": "yes"}
    answer = api_for(company.sales_clerk).post(f"/api/v1/records/{record_id}/sign", json=body)
    assert answer.status_code == 422 and desk.waiting(record_id) == ["陈晓东"]


def test_seal_is_nobody_elses_and_is_given_up(company, client_for):
    clerk = client_for(company.sales_clerk)
    keep(clerk, name_seal())
    assert client_for(company.leader).get("/me/mark.png").status_code == 404
    assert clerk.post("/me/mark/drop").status_code == 302
    assert clerk.post("/me/mark/drop").status_code == 404
    assert clerk.get("/me/mark.png").status_code == 404


@pytest.mark.parametrize("content", [b"", b"hello", b"\x89PNG\r\n\x1a\n", name_seal((30, 30))])
def test_what_is_no_picture_is_refused_with_a_word(company, client_for, content):
    answer = keep(client_for(company.sales_clerk), content)
    assert answer.status_code == 422 and "alert-danger" in answer.get_data(as_text=True)


def test_too_large_a_picture_is_refused():
    with pytest.raises(Invalid, match="太大"):
        prepare_mark(bytes(MOST_BYTES + 1))


def test_wrong_password_keeps_nothing(company, client_for):
    clerk = client_for(company.sales_clerk)
    assert keep(clerk, name_seal(), "不对的密码").status_code == 422
    assert clerk.get("/me/mark.png").status_code == 404
