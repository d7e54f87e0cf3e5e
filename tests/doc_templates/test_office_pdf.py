"""The office: real PDFs, no network, and no document lost when it dies or hangs."""

import contextlib
import io
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import pypdfium2
import pytest
from PIL import Image
from pypdf import PdfReader

from doc_templates import (
    PrintContext,
    SignatureMark,
    UnsafeDocument,
    load_form,
    render_word,
    sample_values,
)
from doc_templates.errors import ConversionTimeout, ConverterMissing
from doc_templates.package import read_package
from doc_templates.pdf import OfficeConverter
from indexer.children import child_user

needs_office = pytest.mark.skipif(shutil.which("soffice") is None, reason="没有 LibreOffice")
pytestmark = [pytest.mark.office, pytest.mark.slow]


@pytest.fixture(scope="module")
def office():
    with OfficeConverter() as converter:
        yield converter


def sample_word(code="E01"):
    return render_word(load_form(code), sample_values(code))


def pdf_text(pdf):
    with pypdfium2.PdfDocument(pdf) as document:
        text = "".join(page.get_textpage().get_text_range() for page in document)
    return "".join(text.split())  # the gap beside Latin letters reads as a space


@needs_office
@pytest.mark.parametrize(("code", "pages"), [("E01", 1), ("E05", 2), ("E10", 1)])
def test_forms_print_on_their_pages_with_their_text(office, code, pages):
    pdf = office.to_pdf(sample_word(code))
    reader = PdfReader(io.BytesIO(pdf))
    assert len(reader.pages) == pages
    text = pdf_text(pdf)
    assert load_form(code).title in text
    assert all(f"[sig:{signer.role}]" in text for signer in load_form(code).chain)
    assert f"第{pages}页" in text and f"共{pages}页" in text


@needs_office
@pytest.mark.parametrize("code", ["E01", "E03", "E06", "E07", "E10"])
def test_report_signed_by_deputies_stays_on_one_page(office, code):
    form = load_form(code)
    pdf = office.to_pdf(render_word(form, sample_values(code), signed_by_all(form, "欧阳建国")))
    assert len(PdfReader(io.BytesIO(pdf)).pages) == 1
    assert pdf_text(pdf).count("王小芳代欧阳建国") == len(form.signers)


@needs_office
def test_fully_signed_application_stays_on_one_page(office):
    form = load_form("E04")
    pdf = office.to_pdf(render_word(form, sample_values("E04"), signed_by_all(form)))
    assert len(PdfReader(io.BytesIO(pdf)).pages) == 1
    assert pdf_text(pdf).count("2026年11月24日") == len(form.signers)


def signed_by_all(form, on_behalf_of=""):
    """What a paper shows when every signer has drawn a signature."""
    ink = io.BytesIO()
    Image.new("RGBA", (300, 120), "black").save(ink, "PNG")
    marks = {
        signer.role: SignatureMark("王小芳", "2026年11月24日", ink.getvalue(), on_behalf_of)
        for signer in form.signers
    }
    number, ref = f"{form.code}-1", "Z109-KH·2026-D30-XSB-0001"
    return PrintContext(number, ref, "3", "https://a.cn/v/1", marks)


def pages_of(office, code, values):
    word = render_word(load_form(code), sample_values(code) | values)
    reader = PdfReader(io.BytesIO(office.to_pdf(word)))
    return ["".join(page.extract_text().split()) for page in reader.pages]


@needs_office
def test_long_list_of_people_repeats_its_head_and_nothing_else_does(office):
    person = sample_values("E03")["主要人员概况"][0]
    first, second = pages_of(office, "E03", {"主要人员概况": [person] * 30})
    for page in (first, second):
        assert page.count("姓名职务电话性格特点嗜好") == 1
    assert "使用本公司" in second and "使用本公司" not in first


@needs_office
def test_long_application_never_parts_a_box_from_its_label_and_date(office):
    words = "该经销商近三年回款及时，仓储与售后能力均符合要求，同意按申请额度核定。" * 14
    long = dict.fromkeys(("营业部意见", "法务单位意见", "财会部意见"), words)
    papers = [{"名称": "不动产权属证书复印件", "份数": 1}] * 20
    told = long | {"附件": papers, "担保作业说明": words * 4}
    pages = pages_of(office, "E04", told)
    assert len(pages) > 2
    for page in pages:
        assert ("权属证书复印件1" in page) == ("名称份数" in page)
    (last,) = [page for page in pages if "核定生效日" in page]
    assert "[sig:总经理]" in last and last.count("年月日") >= 1
    for role in ("法务单位", "财会部"):
        (page,) = [page for page in pages if f"[sig:{role}]" in page]
        assert role in page.replace(f"[sig:{role}]", ""), role


@needs_office
def test_parties_of_a_contract_stay_together_behind_long_clauses(office):
    clause = "\n".join(["乙方迟延交货的，每迟一日按迟交部分货款的千分之三支付违约金。"] * 15)
    values = sample_values("E05") | {"保证责任": clause, "罚则": clause, "其他": clause}
    reader = PdfReader(io.BytesIO(office.to_pdf(render_word(load_form("E05"), values))))
    pages = [page.extract_text().replace(" ", "") for page in reader.pages]
    (parties,) = [page for page in pages if "（盖章）" in page]
    assert parties.count("负责人：") == 2
    assert parties.count("地址：") == 2
    for heading in ("三、保证责任", "四、罚则", "五、其他"):
        (page,) = [page for page in pages if heading in page]
        assert "乙方迟延交货" in page[page.index(heading) :], heading


@needs_office
def test_pdf_is_archival_tagged_and_has_its_faces_inside(office):
    reader = PdfReader(io.BytesIO(office.to_pdf(sample_word())))
    catalog = reader.trailer["/Root"]
    assert catalog["/MarkInfo"]["/Marked"]
    assert "/OutputIntents" in catalog
    metadata = catalog["/Metadata"].get_data()
    assert b"<pdfaid:part>2</pdfaid:part>" in metadata
    assert b"<pdfaid:conformance>B</pdfaid:conformance>" in metadata
    assert not reader.is_encrypted and "/JavaScript" not in catalog.get("/Names", {})


@needs_office
def test_labels_entries_and_title_have_three_faces(office):
    reader = PdfReader(io.BytesIO(office.to_pdf(sample_word())))
    faces = {
        str(f.get_object()["/BaseFont"]) for f in reader.pages[0]["/Resources"]["/Font"].values()
    }
    assert len([face for face in faces if "Liberation" not in face]) >= 3, faces


@needs_office
@pytest.mark.parametrize(("code", "entry"), [("E01", "开拓经过"), ("E10", "反省事项")])
def test_long_entry_grows_over_pages_and_loses_nothing(office, code, entry):
    values = sample_values(code) | {entry: "\n".join(f"第{n}次拜访客户。" for n in range(120))}
    pdf = office.to_pdf(render_word(load_form(code), values))
    text = pdf_text(pdf)
    assert len(PdfReader(io.BytesIO(pdf)).pages) > 1
    assert all(f"第{n}次" in text for n in range(120))


@needs_office
def test_long_table_repeats_its_head(office):
    goods = [{"货品名称": f"货{n:03d}", "单价": "1", "数量": "1"} for n in range(120)]
    pdf = office.to_pdf(render_word(load_form("E05"), sample_values("E05") | {"货品": goods}))
    text = pdf_text(pdf)
    assert text.count("货品名称") >= 3
    assert all(f"货{n:03d}" in text for n in range(120))


@needs_office
def test_killed_office_costs_one_retry_and_no_document(office):
    office.start()
    os.killpg(office.process_group, signal.SIGKILL)
    assert office.to_pdf(sample_word()).startswith(b"%PDF")


@needs_office
def test_office_killed_in_the_middle_costs_no_document(office):
    office.start()
    group = office.process_group
    killer = threading.Timer(0.03, os.killpg, (group, signal.SIGKILL))
    killer.start()
    assert office.to_pdf(sample_word("E05")).startswith(b"%PDF")
    killer.join()


@needs_office
def test_hung_office_is_replaced_within_its_deadline():
    with OfficeConverter(deadline=8) as converter:
        converter.start()
        hung = converter.process_group
        os.killpg(hung, signal.SIGSTOP)
        started = time.monotonic()
        assert converter.to_pdf(sample_word()).startswith(b"%PDF")
        assert time.monotonic() - started < 40
        assert converter.process_group != hung


@needs_office
def test_document_that_always_takes_too_long_is_refused_with_a_word():
    with OfficeConverter(deadline=0.001) as converter, pytest.raises(ConversionTimeout) as caught:
        converter.to_pdf(sample_word())
    assert "秒" in caught.value.message


@needs_office
def test_office_is_renewed_and_leaves_nothing_behind():
    before = _left_behind()
    with OfficeConverter(recycle_after=1) as converter:
        converter.to_pdf(sample_word())
        assert converter.process_group is None
        converter.to_pdf(sample_word())
    assert _left_behind() <= before


@needs_office
def test_folder_of_a_killed_process_is_swept():
    ended = subprocess.Popen(["true"])
    ended.wait()
    left = Path(tempfile.mkdtemp(prefix=f"archive-office-{ended.pid}-"))
    with OfficeConverter() as converter:
        converter.start()
        assert not left.exists()


@needs_office
def test_office_ends_with_the_process_that_owns_it():
    script = (
        "import os, signal\n"
        "from doc_templates.pdf import OfficeConverter\n"
        "office = OfficeConverter()\n"
        "office.start()\n"
        "print(office.process_group, flush=True)\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, check=False)
    group = int(done.stdout)
    ends = time.monotonic() + 10
    while _is_alive(group) and time.monotonic() < ends:
        time.sleep(0.05)
    assert not _is_alive(group)


def _is_alive(group):
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[2]) == group and fields[0] != "Z":
            return True
    return False


def _left_behind():
    """What offices of this process left; those of other processes are theirs."""
    folders = Path(tempfile.gettempdir()).glob(f"archive-office-{os.getpid()}-*")
    return {*folders, *(pipe for pipe in Path("/tmp").glob("OSL_PIPE_*") if _is_dead(pipe))}


def _is_dead(pipe):
    with socket.socket(socket.AF_UNIX) as probe:
        try:
            probe.connect(str(pipe))
        except OSError:
            return pipe.exists()
    return False


@needs_office
def test_several_threads_share_one_office(office):
    made = {}

    def ask(number):
        values = sample_values("E01") | {"客户名称": f"第{number}家客户"}
        made[number] = office.to_pdf(render_word(load_form("E01"), values))

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(4)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert all(f"第{number}家客户" in pdf_text(made[number]) for number in range(4))


@needs_office
def test_office_has_no_network(office):
    office.start()
    network = Path(f"/proc/{office.process_group}/net/dev").read_text()
    caged = [line.split(":")[0].strip() for line in network.splitlines()[2:]] == ["lo"]
    assert caged or os.geteuid() != 0, "root can always take the network away"


def test_document_reaching_outside_never_comes_to_the_office(repack, template):
    rels = "word/_rels/document.xml.rels"
    linked = read_package(template)[rels].replace(
        b"</Relationships>",
        b'<Relationship Id="x" TargetMode="External" Target="http://127.0.0.1:9/a.png" Type="a"/>'
        b"</Relationships>",
    )
    converter = OfficeConverter(soffice="no-such-office")
    with pytest.raises(UnsafeDocument, match="外面的内容"):
        converter.to_pdf(repack(template, {rels: linked}))


def test_missing_office_is_told_with_what_to_install():
    with pytest.raises(ConverterMissing, match="apt-get install"):
        OfficeConverter(soffice="no-such-office").to_pdf(sample_word())
    with pytest.raises(ConverterMissing, match="apt-get install"):
        OfficeConverter(soffice="sh", python="no-such-python").to_pdf(sample_word())


def statuses(group):
    """Yield what the kernel tells of each process of a group."""
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):  # it may have ended meanwhile
            if os.getpgid(int(folder.name)) == group:
                yield (folder / "status").read_text()


@needs_office
@pytest.mark.skipif(os.geteuid() != 0, reason="只有 root 才能换成别的用户")
def test_the_office_of_root_is_nobody(office):
    office.to_pdf(render_word(load_form("E01"), sample_values("E01")))
    told = list(statuses(office.process_group))
    assert len(told) >= 3  # the worker, the starter, the office
    for status in told:
        uids = next(line for line in status.splitlines() if line.startswith("Uid:")).split()[1:]
        assert set(uids) == {str(child_user()[0])}
        assert "CapEff:\t0000000000000000" in status


@needs_office
def test_the_office_starts_from_a_folder_it_may_not_enter(tmp_path, monkeypatch):
    closed = tmp_path / "root 的家"
    closed.mkdir(mode=0o700)
    monkeypatch.chdir(closed)
    with OfficeConverter() as converter:
        assert converter.to_pdf(sample_word()).startswith(b"%PDF")
