"""Offices that are killed, hung or grown large cost a retry at most; several work side by side."""

import os
import shutil
import signal
import threading
import time
from pathlib import Path

import pypdfium2
import pytest

from archive.config import BadSetting, load_settings
from doc_templates import load_form, render_word, sample_values
from doc_templates.errors import ConversionTimeout, ConverterUnavailable, UnsafeDocument
from doc_templates.pdf import OfficeConverter
from doc_templates.pdf_pool import OfficePool

needs_office = pytest.mark.skipif(shutil.which("soffice") is None, reason="没有 LibreOffice")
pytestmark = [pytest.mark.office, pytest.mark.slow]


@pytest.fixture(scope="module")
def long_word():
    """A document that keeps an office busy for more than a second."""
    values = sample_values("E08")
    values["交易"] = [{**values["交易"][0], "订单号": f"PO-{n:04d}"} for n in range(300)]
    return render_word(load_form("E08"), values)


def named(number):
    values = sample_values("E01") | {"客户名称": f"第{number}家客户"}
    return render_word(load_form("E01"), values)


def text_of(pdf):
    with pypdfium2.PdfDocument(pdf) as document:
        return "".join("".join(page.get_textpage().get_text_range().split()) for page in document)


def soffice_bin(group):
    """Return the process of the office itself inside a process group."""
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            name, _, rest = (folder / "stat").read_text().rpartition(")")
        except OSError:
            continue
        if name.endswith("(soffice.bin") and int(rest.split()[2]) == group:
            return int(folder.name)
    raise AssertionError("no soffice.bin in the group")


@needs_office
@pytest.mark.parametrize("after", [0.02, 0.3, 0.8])
def test_soffice_killed_in_the_middle_costs_no_document(after, long_word):
    with OfficeConverter() as office:
        office.start()
        first = office.process_group
        killer = threading.Timer(after, os.kill, (soffice_bin(first), signal.SIGKILL))
        killer.start()
        text = text_of(office.to_pdf(long_word))
        killer.join()
        assert all(f"PO-{n:04d}" in text for n in range(300))
        assert office.process_group != first, "the office died before the document was done"


@needs_office
def test_soffice_that_hangs_in_the_middle_is_replaced_at_its_deadline(long_word):
    with OfficeConverter(deadline=12) as office:
        office.start()
        first = office.process_group
        stopper = threading.Timer(0.3, os.kill, (soffice_bin(first), signal.SIGSTOP))
        stopper.start()
        began = time.monotonic()
        assert "PO-0299" in text_of(office.to_pdf(long_word))
        stopper.join()
        assert 12 < time.monotonic() - began < 60
        assert office.process_group != first
        assert not Path(f"/proc/{first}").exists() or _is_zombie(first)


def _is_zombie(pid):
    return ") Z" in Path(f"/proc/{pid}/stat").read_text()


@needs_office
def test_office_that_has_grown_large_is_renewed():
    with OfficeConverter(most_memory=1) as office:
        assert office.to_pdf(named(1)).startswith(b"%PDF")
        assert office.process_group is None
    with OfficeConverter() as office:
        office.to_pdf(named(1))
        assert office.process_group is not None
        assert office._office.memory > 50 * 1024 * 1024


@needs_office
def test_two_offices_share_the_work_and_lose_nothing():
    with OfficePool(2) as pool:
        pool.start()
        made = {}

        def ask(number):
            made[number] = pool.to_pdf(named(number))

        threads = [threading.Thread(target=ask, args=(number,)) for number in range(12)]
        for one in threads:
            one.start()
        for one in threads:
            one.join()
        assert all(f"第{number}家客户" in text_of(made[number]) for number in range(12))
        assert all(one._office.converted > 0 for one in pool.offices)
    assert all(one.process_group is None for one in pool.offices)


@needs_office
def test_one_dead_office_of_two_is_replaced_unseen():
    with OfficePool(2) as pool:
        pool.start()
        for one in pool.offices:
            os.kill(soffice_bin(one.process_group), signal.SIGKILL)
        assert all(pool.to_pdf(named(number)).startswith(b"%PDF") for number in range(3))


class SlowOffice:
    """Stands in for an office: every document takes as long as it is told."""

    def __init__(self, pause):
        self.pause = pause
        self.closed = False

    def to_pdf(self, docx):
        time.sleep(self.pause)
        if docx == b"bad":
            raise UnsafeDocument("文件里有宏")
        return b"%PDF" + docx

    def start(self):
        return None

    def close(self):
        self.closed = True


def pool_of(*offices, patience=5.0):
    pool = OfficePool(len(offices), patience=patience)
    pool.offices = offices
    while not pool._free.empty():
        pool._free.get()
    for one in offices:
        pool._free.put(one)
    return pool


def test_document_nobody_takes_is_refused_with_a_word():
    pool = pool_of(SlowOffice(1.0), patience=0.1)
    busy = threading.Thread(target=pool.to_pdf, args=(b"long",))
    busy.start()
    time.sleep(0.1)
    with pytest.raises(ConversionTimeout, match="排队"):
        pool.to_pdf(b"short")
    busy.join()
    assert pool.to_pdf(b"later") == b"%PDFlater"


def test_refused_document_gives_its_office_back():
    pool = pool_of(SlowOffice(0), patience=0.2)
    for _ in range(3):
        with pytest.raises(UnsafeDocument):
            pool.to_pdf(b"bad")
    assert pool.to_pdf(b"good") == b"%PDFgood"


def test_closed_pool_takes_nothing_more():
    office = SlowOffice(0)
    pool = pool_of(office)
    pool.close()
    assert office.closed
    with pytest.raises(ConverterUnavailable, match="正在停止"):
        pool.to_pdf(b"late")


@pytest.mark.parametrize("offices", [0, -1, 17])
def test_pool_of_no_or_too_many_offices_is_refused(offices):
    with pytest.raises(ValueError, match="offices"):
        OfficePool(offices)


def test_number_of_offices_is_a_setting():
    assert load_settings({}).offices == 1
    assert load_settings({"ARCHIVE_OFFICES": " 4 "}).offices == 4
    for bad in ("0", "17", "-1", "二", "2.0", "9" * 40, "²"):
        with pytest.raises(BadSetting, match="1 到 16 的整数"):
            load_settings({"ARCHIVE_OFFICES": bad})
