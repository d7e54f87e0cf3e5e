"""The filing station's services, as other stations, routes and commands call them.

The acts themselves live by idea: ``items`` reads, ``intake`` is 鉴别, ``steps`` the other three
steps, ``volumes`` the yearly volumes, ``moves``
between them, ``sealing`` their end, ``copies`` the papers on the shelf, ``imports`` and
``offers`` what comes from outside.
"""

from archive.filing.copies import get_copy, set_copy_status
from archive.filing.import_files import read_folder
from archive.filing.import_rows import Batch, Fault, batch_of, read_jsonl, read_row
from archive.filing.imports import Outcome, import_batch, import_item
from archive.filing.intake import (
    appraise,
    get_waiting,
    proposed_for_item,
    proposed_for_record,
    waiting_records,
)
from archive.filing.items import (
    ItemFilter,
    count_unfinished,
    find_item_by_external_id,
    find_item_of_record,
    get_file,
    get_item,
    item_ids,
    list_items,
    load_item,
    load_items,
    thing_of_item,
    unfinished_items,
)
from archive.filing.lendable import (
    Lendable,
    find_lendable_by_barcode,
    load_lendable,
)
from archive.filing.moves import move_item, moves_of
from archive.filing.named import find_named
from archive.filing.offers import keep_upload, offer_paper
from archive.filing.refusals import (
    give_back,
    refusals_of,
    refusals_of_item,
    send_back,
    take_again,
)
from archive.filing.sealing import confirm_seal, find_seal, get_seal, prepare_seal, withdraw_seal
from archive.filing.steps import (
    accept_offered,
    catalogue,
    classify,
    file_in_one,
    file_record,
    finish_filing,
    get_for_filing,
    kind_for_filing,
    last_place,
    settle_customer,
    shelve,
)
from archive.filing.volumes import get_volume, list_volumes

__all__ = [
    "Batch",
    "Fault",
    "ItemFilter",
    "Lendable",
    "Outcome",
    "accept_offered",
    "appraise",
    "batch_of",
    "catalogue",
    "classify",
    "confirm_seal",
    "count_unfinished",
    "file_in_one",
    "file_record",
    "find_item_by_external_id",
    "find_item_of_record",
    "find_lendable_by_barcode",
    "find_named",
    "find_seal",
    "finish_filing",
    "get_copy",
    "get_file",
    "get_for_filing",
    "get_item",
    "get_seal",
    "get_volume",
    "get_waiting",
    "give_back",
    "import_batch",
    "import_item",
    "item_ids",
    "keep_upload",
    "kind_for_filing",
    "last_place",
    "list_items",
    "list_volumes",
    "load_item",
    "load_items",
    "load_lendable",
    "move_item",
    "moves_of",
    "offer_paper",
    "prepare_seal",
    "proposed_for_item",
    "proposed_for_record",
    "read_folder",
    "read_jsonl",
    "read_row",
    "refusals_of",
    "refusals_of_item",
    "send_back",
    "set_copy_status",
    "settle_customer",
    "shelve",
    "take_again",
    "thing_of_item",
    "unfinished_items",
    "waiting_records",
    "withdraw_seal",
]
