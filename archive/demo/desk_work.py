"""What people of the demo company do with a paper: fill in, submit, sign, give back, file.

Each act asks first how far the paper has come. The acts of signing are counted in the paper's
own history, the steps of filing in the item's.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    pass

ARCHIVIST = "xuwenjing"
_GIVEN_NAMES = ("明远", "秀兰", "建业", "思齐", "国栋", "静怡", "启文")
_UNFINISHED = ("开拓经过", "公司地址", "首回交易额及品名")
_RETURNED = "开拓经过里没有写付款条件，请补上再报。"
_REJECTED = "该公司与现有客户同一集团，请并入原客户办理，不另立新户。"
