"""Anybody asks what a file is worth: the answer is plain, shows no content, and is not for free."""

import io

import pytest
from click.testing import CliRunner
from cryptography import x509

from archive.cli import checking
from archive.filing import service as filing
from archive.signing.codes import code_for
from archive.signing.keys import open_authority
from archive.trust import public_routes
from tests.signed import kept, signed_paper

PASSWORD = "档案台-测试-2026"
SECRET = "不可外传的结果"


@pytest.fixture(autouse=True)
def nobody_asked_yet():
    public_routes.FILES.forget()
    public_routes.LISTS.forget()


@pytest.fixture
def signed(resources, company):
    """The id of a signed record that says something secret."""
    return signed_paper(resources, company, 客户名称=SECRET)


def send(client, content, name="文件.pdf"):
    return client.post("/verify", data={"file": (io.BytesIO(content), name)})


def test_a_stranger_learns_that_a_file_is_ours_and_nothing_of_its_content(
    resources, signed, company, client_for
):
    anybody = client_for(None)
    assert anybody.get("/verify").status_code == 200
    for kind in ("pdf", "docx"):
        page = send(anybody, kept(resources, signed, kind), f"a.{kind}").get_data(as_text=True)
        assert "是本单位签发的文件，没有被改动" in page
        assert company.leader.name in page and "时证书有效" in page
        assert "没有存同一份文件" in page
        assert SECRET not in page
    with resources.work() as uow:
        filing.file_record(uow, company.archivist, signed)
        uow.commit()
    page = send(anybody, kept(resources, signed, "pdf")).get_data(as_text=True)
    assert "存有同一份文件" in page


def test_a_changed_file_is_told_apart(resources, signed, client_for):
    pdf = bytearray(kept(resources, signed, "pdf"))
    pdf[200] ^= 1
    page = send(client_for(None), bytes(pdf)).get_data(as_text=True)
    assert "没有被改动。</p>" not in page
    assert "alert-danger" in page


@pytest.mark.parametrize("content", [b"hello", b"%PDF-1.4 broken", b"PK\x03\x04broken", b"\0"])
def test_what_is_no_paper_of_ours_is_said_so(resources, client_for, content):
    answer = send(client_for(None), content)
    assert answer.status_code == 200
    assert "不能认定是本单位签发的文件" in answer.get_data(as_text=True)


def test_no_file_is_refused_with_a_word(client_for):
    answer = client_for(None).post("/verify", data={})
    assert answer.status_code == 422
    assert "请先选择" in answer.get_data(as_text=True)


def test_too_large_is_refused(client_for, monkeypatch):
    monkeypatch.setattr(public_routes, "LARGEST", 1000)
    assert send(client_for(None), b"x" * 1001).status_code == 413


def test_asking_too_often_is_slowed_down(client_for, monkeypatch):
    anybody = client_for(None)
    outcomes = [anybody.post("/verify", data={}).status_code for _ in range(12)]
    assert outcomes[:10] == [422] * 10
    assert outcomes[10:] == [429] * 2


def test_the_code_of_the_footer_answers_without_content(resources, signed, client_for):
    with resources.work() as uow:
        code = code_for(uow, signed, 1)
    page = client_for(None).get(f"/verify/{code}").get_data(as_text=True)
    assert "由本系统生成" in page
    assert SECRET not in page
    for wrong in ("AAAABBBBCCCC", "%00", "x" * 5000, "..%2f..", "{{7*7}}"):
        answer = client_for(None).get(f"/verify/{wrong}")
        assert answer.status_code in (200, 404)
        assert "由本系统生成" not in answer.get_data(as_text=True)


def test_the_certificates_are_there_for_anybody(resources, signed, client_for):
    anybody = client_for(None)
    root = x509.load_pem_x509_certificate(anybody.get("/trust/company-root.cer").data)
    assert root.subject == root.issuer
    issuing = x509.load_pem_x509_certificate(open_authority(resources).issuing_pem)
    company = x509.load_der_x509_crl(anybody.get("/trust/company.crl").data)
    assert company.is_signature_valid(issuing.public_key())
    own = x509.load_der_x509_crl(anybody.get("/trust/company-root.crl").data)
    assert own.is_signature_valid(root.public_key())


def test_the_command_says_the_same_in_words(resources, signed, company, monkeypatch, tmp_path):
    monkeypatch.setattr(checking, "open_instance", lambda: resources)
    paper, changed = tmp_path / "a.pdf", tmp_path / "b.pdf"
    pdf = kept(resources, signed, "pdf")
    paper.write_bytes(pdf)
    changed.write_bytes(pdf.replace(b"%PDF-1.", b"%PDF-2.", 1))
    told = CliRunner().invoke(checking.verify_file, [str(paper)])
    assert told.exit_code == 0 and told.output.startswith("是本系统的文件")
    for words in (company.leader.name, "经理", "序列号", "有逐字节相同的文件", "没有存同一份文件"):
        assert words in told.output
    assert SECRET not in told.output
    told = CliRunner().invoke(checking.verify_file, [str(changed)])
    assert told.exit_code == 1 and "没有逐字节相同的文件" in told.output
