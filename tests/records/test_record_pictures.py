"""Pictures in entries: judged by content, made anew, bound to their record."""

import io
import struct
import zlib

import pytest
from PIL import Image

from archive.core.errors import Invalid, NotFound, TooLarge
from archive.records import service
from archive.records.pictures import LONGEST_SIDE, clean_picture


def upload(client, record_id, content, name="门面.png"):
    return client.post(
        f"/records/{record_id}/pictures", data={"picture": (io.BytesIO(content), name)}
    )


def huge_png(width: int, height: int) -> bytes:
    """A PNG of a few bytes that says it is enormous."""

    def chunk(name: bytes, body: bytes) -> bytes:
        return (
            struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))
        )

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    data = zlib.compress(b"\x00" * 100)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", data) + chunk(b"IEND", b"")


def test_a_picture_is_made_anew_without_its_notes(photo):
    exif = Image.Exif()
    exif[0x010E] = "拍摄地点：仓库"
    exif[0x0112] = 6  # lies on its side
    made, media_type = clean_picture(photo("JPEG", (60, 40), exif=exif))
    assert media_type == "image/jpeg"
    with Image.open(io.BytesIO(made)) as opened:
        assert opened.size == (40, 60)
        assert not opened.getexif()


def test_a_large_picture_is_brought_to_the_size_that_prints(photo):
    made, _ = clean_picture(photo("PNG", (5000, 100)))
    with Image.open(io.BytesIO(made)) as opened:
        assert opened.width == LONGEST_SIDE


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"%PDF-1.7 not a picture",
        b"<svg xmlns='http://www.w3.org/2000/svg'/>",
        b"\x89PNG\r\n\x1a\n",
        b"GIF89a\x01\x00\x01\x00\x00\x00\x00;",
    ],
)
def test_what_is_no_png_or_jpeg_is_refused_whatever_its_name(content):
    with pytest.raises(Invalid):
        clean_picture(content)


def test_half_a_picture_is_refused(photo):
    with pytest.raises(Invalid):
        clean_picture(photo("JPEG", (400, 400))[:-200])


@pytest.mark.parametrize("size", [(50_000, 50_000), (9_000, 12_000), (7_000, 7_000)])
def test_a_picture_bomb_is_refused(size):
    with pytest.raises((TooLarge, Invalid)):
        clean_picture(huge_png(*size))


def test_five_megabytes_are_enough():
    with pytest.raises(TooLarge, match="5 MB"):
        clean_picture(b"\x89PNG\r\n\x1a\n" + b"x" * (5 * 1024 * 1024))


def test_an_uploaded_picture_stands_in_its_entry(client_for, company, make_draft, survey, photo):
    record = make_draft({"客户名称": "甲"}, code=survey)
    clerk = client_for(company.sales_clerk)
    digest = upload(clerk, record.id, photo()).get_json()["sha256"]
    assert upload(clerk, record.id, photo()).get_json()["sha256"] == digest
    saved = clerk.post(
        f"/records/{record.id}/autosave",
        json={"version": record.version, "values": {"客户名称": "甲", "门面": digest}},
    )
    assert saved.get_json()["values"]["门面"] == digest
    address = f"/records/{record.id}/pictures/{digest}"
    for page in ("", "/edit"):
        assert address in clerk.get(f"/records/{record.id}{page}").get_data(as_text=True)
    shown = clerk.get(address)
    assert shown.mimetype == "image/png" and shown.data[:4] == b"\x89PNG"
    assert client_for(company.other_clerk).get(address).status_code == 404
    assert clerk.get(f"/records/{record.id}/pictures/{'0' * 64}").status_code == 404


def test_a_picture_of_another_record_cannot_be_named(
    resources, client_for, company, make_draft, survey, photo
):
    first, second = (make_draft({"客户名称": "甲"}, code=survey) for _ in range(2))
    clerk = client_for(company.sales_clerk)
    digest = upload(clerk, first.id, photo()).get_json()["sha256"]
    body = {"version": second.version, "values": {"客户名称": "甲", "门面": digest}}
    assert clerk.post(f"/records/{second.id}/autosave", json=body).status_code == 422
    assert clerk.get(f"/records/{second.id}/pictures/{digest}").status_code == 404
    with pytest.raises(Invalid, match="图片"):
        make_draft({"客户名称": "甲", "门面": digest}, code=survey)


def test_a_copy_keeps_the_pictures(resources, client_for, company, make_draft, survey, photo):
    record = make_draft({"客户名称": "甲"}, code=survey)
    clerk = client_for(company.sales_clerk)
    digest = upload(clerk, record.id, photo()).get_json()["sha256"]
    body = {"version": record.version, "values": {"客户名称": "甲", "门面": digest}}
    clerk.post(f"/records/{record.id}/autosave", json=body)
    with resources.work() as uow:
        copied = service.copy_record(uow, company.sales_clerk, record.id)
        uow.commit()
    assert copied.content["门面"] == digest
    assert clerk.get(f"/records/{copied.id}/pictures/{digest}").status_code == 200


def test_strangers_and_late_comers_upload_nothing(
    resources, client_for, company, make_draft, submit, survey, photo
):
    record, sent = make_draft({"客户名称": "甲"}, code=survey), submit(make_draft())
    assert upload(client_for(company.other_clerk), record.id, photo()).status_code == 404
    assert upload(client_for(company.sales_clerk), sent.id, photo()).status_code == 409
    assert client_for(company.sales_clerk).post(f"/records/{record.id}/pictures").status_code == 422
    with pytest.raises(NotFound), resources.reading() as uow:
        service.find_picture(uow, company.sales_clerk, record.id, "0" * 64)
