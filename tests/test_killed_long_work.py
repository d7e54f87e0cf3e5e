"""Long work of the worker, killed at every kind of point: taken up again, told as it was.

How a flow is killed and what is asked of what is left stands in ``killing``; packages and dossiers
are in ``test_killed_further`` and ``test_killed_in_keeping``.
"""

import shutil

import pytest

from archive.filing.incoming import edge as intake
from archive.filing.incoming import service as intake_batches
from archive.filing.incoming.registering import start_register
from archive.jobs import drain_all
from archive.records import batch, drafts
from archive.records.batch import Choice
from archive.tasks import service as tasks
from doc_templates import sample_values
from tests.conftest import DATABASE, one_page_pdf
from tests.killing import World, do, kill_everywhere, opened
from tests.records.test_excel_import import HEADS, content_of, line, workbook

pytestmark = [pytest.mark.slow]


@pytest.fixture(scope="module")
def start(settled, tmp_path_factory):
    """A batch of scans that waits, and a checked sheet: two new papers and a draft to change."""
    database, c = settled
    folder = tmp_path_factory.mktemp("start")
    shutil.copyfile(database, folder / DATABASE)
    resources = opened(folder)
    common = {"item_class": "合同", "secrecy": "内部", "carrier": "paper"}
    scans = do(resources, intake_batches.make_batch, c.archivist, "扫描", common, c.sales_id).id
    sent = [intake.Upload(f"{n}.pdf", one_page_pdf(n)) for n in ("采购合同", "销售合同")]
    intake.receive(resources, c.archivist, scans, sent)
    draft = do(resources, drafts.create_draft, c.sales_clerk, "E01", sample_values("E01"))
    changed = {**dict.fromkeys(HEADS), "编号": f"#{draft.id}", "备注": "改过"}
    sheet = content_of(workbook([line(1), line(2), changed]))
    ref = resources.blobs.put(sheet, "application/octet-stream")
    check = do(resources, batch.start_check, c.sales_clerk, "E01", "名单.xlsx", ref).id
    drain_all(resources)
    resources.database.dispose()
    return World(folder, c, {"batch": scans, "check": check, "sheet": sheet})


def register(r, c, ids):
    with r.reading() as uow:
        is_begun = tasks.list_tasks(uow, c.archivist).total > 0
    if not is_begun:
        do(r, start_register, c.archivist, ids["batch"])
    drain_all(r)


def import_sheet(r, c, ids):
    do(r, batch.start_import, c.sales_clerk, ids["check"], Choice())
    drain_all(r)


FLOWS = {"register scans": register, "import a sheet": import_sheet}


@pytest.mark.parametrize("name", FLOWS)
def test_a_kill_anywhere_in_long_work_leaves_all_or_nothing(start, tmp_path, name):
    kill_everywhere(start, tmp_path, FLOWS[name])
