"""Pages for anybody: what a file is worth, and the company's certificates to check it by.

Nothing of a paper's content is shown; asking is limited per address. Works without a network.
"""

from apiflask import APIBlueprint
from flask import Response, render_template, request

from archive.core.answers import named_answer
from archive.core.errors import Invalid, TooLarge
from archive.core.pace import Pace
from archive.core.web import reading, resources
from archive.filing.filed import find_filed
from archive.people.gate import client_address, guard
from archive.signing.keys import company_crl, open_authority
from archive.signing.verdicts import judge_stranger

pages = APIBlueprint("verdict", __name__, template_folder="templates", enable_openapi=False)

LARGEST = 40 << 20
FILES, FILES_A_MINUTE = Pace(), 10
LISTS, LISTS_A_MINUTE = Pace(), 120


@pages.get("/verify")
@guard("public")
def ask() -> str:
    """Ask for a file to be judged."""
    return render_template("trust/verify_file.html", verdict=None, archived=False)


@pages.post("/verify")
@guard("public")
def judge() -> str:
    """Judge a file that anybody sends; nothing of it is kept."""
    FILES.check(client_address(), FILES_A_MINUTE)
    sent = request.files.get("file")
    if sent is None or not sent.filename:
        raise Invalid("请先选择要核验的 PDF 或 Word 文件。", {"file": "请选择文件"})
    content = sent.stream.read(LARGEST + 1)
    if len(content) > LARGEST:
        raise TooLarge(f"文件超过 {LARGEST >> 20} MB，不能在这里核验，请联系档案室。")
    verdict = judge_stranger(resources(), content)
    with reading() as uow:
        archived = find_filed(uow, verdict.sha256) is not None if verdict.sha256 else False
    return render_template("trust/verify_file.html", verdict=verdict, archived=archived)


@pages.get("/trust/company.crl")
@guard("public")
def revocation_list() -> Response:
    """Serve the list of revoked certificates."""
    LISTS.check(client_address(), LISTS_A_MINUTE)
    return named_answer(company_crl(resources()), "application/pkix-crl", "company.crl")


@pages.get("/trust/company-root.crl")
@guard("public")
def root_revocation_list() -> Response:
    """Serve the root's own revocation list."""
    content = open_authority(resources()).root_crl
    return named_answer(content, "application/pkix-crl", "company-root.crl")


@pages.get("/trust/company-root.cer")
@guard("public")
def root_certificate() -> Response:
    """Serve the company's root certificate, to be put among the trusted ones."""
    content = open_authority(resources()).root_pem
    return named_answer(content, "application/x-x509-ca-cert", "company-root.cer")
