"""What people of the demo company do with a paper: fill in, submit, sign, give back, file.

Each act asks first how far the paper has come. The acts of signing are counted in the paper's
own history, the steps of filing in the item's.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING

from archive.customers import service as customers
from archive.customers.service import CustomerFields
from archive.demo.firms import Firm
from archive.demo.stage import Stage, today
from archive.demo.staff import BY_USERNAME
from archive.demo.strokes import drawn_signature
from archive.filing import service as filing
from archive.filing.rules import Place
from archive.records import service as records
from archive.records.models import RecordState
from archive.signing import edge
from archive.signing import service as signing

if TYPE_CHECKING:
    from archive.demo.papers import Paper

ARCHIVIST = "xuwenjing"
_GIVEN_NAMES = ("明远", "秀兰", "建业", "思齐", "国栋", "静怡", "启文")
_UNFINISHED = ("开拓经过", "公司地址", "首回交易额及品名")
_RETURNED = "开拓经过里没有写付款条件，请补上再报。"
_REJECTED = "该公司与现有客户同一集团，请并入原客户办理，不另立新户。"
