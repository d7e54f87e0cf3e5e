"""A result opens the PDF, and the page of it, on which stands what was searched for."""

import pytest

from archive.filing.models import ItemFile
from indexer import ExtractError, SearchRequest, extract_pages, find_page


def pdf_of(*pages: str) -> bytes:
    """A PDF with one line on each page; its table of places is missing, as in many."""
    kids = " ".join(f"{10 + 2 * n} 0 R" for n in range(len(pages)))
    bodies = {
        1: "<</Type/Catalog/Pages 2 0 R>>",
        2: f"<</Type/Pages/Kids[{kids}]/Count {len(pages)}>>",
        3: "<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>",
    }
    for number, text in enumerate(pages):
        drawn = f"BT /F 12 Tf 50 700 Td ({text}) Tj ET"
        bodies[10 + 2 * number] = (
            f"<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Contents {11 + 2 * number} 0 R"
            "/Resources<</Font<</F 3 0 R>>>>>>"
        )
        bodies[11 + 2 * number] = f"<</Length {len(drawn)}>>stream\n{drawn}\nendstream"
    whole = "".join(f"{number} 0 obj\n{body}\nendobj\n" for number, body in bodies.items())
    return f"%PDF-1.4\n{whole}trailer<</Root 1 0 R>>\n%%EOF".encode("ascii")


FIRST = pdf_of("Supply contract", "Compressor HT-2024-0017", "Compressor warranty 24 months")
SECOND = pdf_of("Annex", "Delivery plan")


@pytest.fixture
def with_files(resources, take_in):
    """Return a maker of an item with these files; gives its id and the files' ids."""

    def make(*files: tuple[str, bytes, str], **fields: object):
        item_id = take_in(f"压缩机{files[0][0]}", **{"department": "销售部", **fields})
        made = []
        for name, content, media_type in files:
            ref = resources.blobs.put(content, media_type)
            with resources.work() as uow:
                row = ItemFile(
                    item_id=item_id,
                    role="attachment",
                    name=name,
                    sha256=uow.keep(ref),
                    created_at=uow.now(),
                )
                uow.session.add(row)
                uow.session.flush()
                made.append(row.id)
                uow.commit()
        return item_id, made

    return make


@pytest.mark.slow
def test_it_opens_where_most_of_what_was_asked_stands(with_files, client_for, company, drain):
    item_id, (_, first, second) = with_files(
        ("说明.txt", b"compressor", "text/plain"),
        ("合同.pdf", FIRST, "application/pdf"),
        ("附件.pdf", SECOND, "application/pdf"),
    )
    drain()
    client = client_for(company.sales_clerk)
    body = client.get("/search?q=压缩机").get_data(as_text=True)
    assert f'href="/search/at/{item_id}?q=' in body
    for asked, file_id, page in (
        ("ht20240017", first, 2),
        ("compressor warranty", first, 3),
        ("delivery", second, 2),
        ("没有的话", first, 1),
        ("", first, 1),
        ("((( AND", first, 1),
    ):
        answer = client.get(f"/search/at/{item_id}", query_string={"q": asked})
        address = f"/items/{item_id}/files/{file_id}?inline=1#page={page}"
        assert (answer.status_code, answer.headers["Location"]) == (302, address), asked
    shown = client.get(f"/items/{item_id}/files/{first}?inline=1")
    assert shown.headers["Content-Type"] == "application/pdf"


def test_without_a_pdf_or_the_right_there_is_no_such_way(with_files, client_for, company, drain):
    plain, _ = with_files(("说明.txt", b"compressor", "text/plain"))
    broken, [file_id] = with_files(("坏.pdf", b"%PDF-1.4 broken", "application/pdf"))
    secret, _ = with_files(("底价.pdf", FIRST, "application/pdf"), secrecy="机密")
    drain()
    client = client_for(company.sales_clerk)
    assert f"/search/at/{plain}?" not in client.get("/search?q=压缩机").get_data(as_text=True)
    answer = client.get(f"/search/at/{plain}?q=x")
    assert answer.headers["Location"] == f"/items/{plain}"
    answer = client.get(f"/search/at/{broken}?q=x")
    assert answer.headers["Location"] == f"/items/{broken}/files/{file_id}?inline=1#page=1"
    for missing in (secret, 999_999):
        assert client.get(f"/search/at/{missing}?q=compressor").status_code == 404


def test_pages_are_read_in_a_child_and_refused_in_words(tmp_path):
    path = tmp_path / "合同.pdf"
    path.write_bytes(FIRST)
    pages = extract_pages(path)
    assert pages[0].strip() == "Supply contract"
    assert len(pages) == 3
    assert find_page(SearchRequest("电子", frozenset()), ["電子檔案", "电子电子"]) == 1
    assert find_page(SearchRequest("电子", frozenset()), []) == 0
    path.write_bytes(b"no pdf")
    with pytest.raises(ExtractError, match="不是 PDF"):
        extract_pages(path)
    with pytest.raises(ExtractError, match="太大"):
        extract_pages(path, max_bytes=3)
