"""The forms of this office as every station reaches them.

Finding a form stands in ``store``, what comes with the program in ``shipped``, making a new
version in ``drafts``, ``judging`` and ``publishing``. Nothing here commits.
"""

from archive.forms.drafts import (
    discard_draft,
    draft_from_template,
    draft_from_version,
    draft_new_form,
    edit_draft,
    rebase_draft,
    replace_template,
    write_draft,
)
from archive.forms.judging import DraftParts, judge_draft, load_draft
from archive.forms.listing import get_bundle, get_history, list_lines
from archive.forms.publishing import (
    publish_draft,
    publish_form,
    restore_version,
    retire_version,
)
from archive.forms.shipped import install_shipped, is_behind
from archive.forms.store import form_titles, get_form, list_forms

__all__ = [
    "DraftParts",
    "discard_draft",
    "draft_from_template",
    "draft_from_version",
    "draft_new_form",
    "edit_draft",
    "form_titles",
    "get_bundle",
    "get_form",
    "get_history",
    "install_shipped",
    "is_behind",
    "judge_draft",
    "list_forms",
    "list_lines",
    "load_draft",
    "publish_draft",
    "publish_form",
    "rebase_draft",
    "replace_template",
    "restore_version",
    "retire_version",
    "write_draft",
]
