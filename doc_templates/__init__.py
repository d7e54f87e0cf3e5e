"""Official forms: definitions, checks, Word and PDF. Bytes out; no database, no web.

The public face of the package; see definition.py, values.py, word.py, pdf.py.
"""

from doc_templates.catalogue import list_forms, load_folder, load_form, read_form
from doc_templates.check import Finding, check_form, sample_values
from doc_templates.definition import (
    SEAL_ROLE,
    Effects,
    Field,
    FilingDefaults,
    Form,
    NumberRule,
    Owed,
    Rule,
    SealPlace,
    Signer,
)
from doc_templates.errors import (
    BadDefinition,
    BadTemplate,
    FormError,
    FormNotFound,
    InvalidValues,
    UnsafeDocument,
)
from doc_templates.fields import ExcelColumn, from_excel, get_kind
from doc_templates.package import document_text
from doc_templates.schema import field_json_schema, form_json_schema
from doc_templates.values import (
    Checked,
    check_values,
    describe_path,
    shown_text,
    starting_values,
)
from doc_templates.word import PrintContext, SealMark, SignatureMark, render_word

__all__ = [
    "SEAL_ROLE",
    "BadDefinition",
    "BadTemplate",
    "Checked",
    "Effects",
    "ExcelColumn",
    "Field",
    "FilingDefaults",
    "Finding",
    "Form",
    "FormError",
    "FormNotFound",
    "InvalidValues",
    "NumberRule",
    "Owed",
    "PrintContext",
    "Rule",
    "SealMark",
    "SealPlace",
    "SignatureMark",
    "Signer",
    "UnsafeDocument",
    "check_form",
    "check_values",
    "describe_path",
    "document_text",
    "field_json_schema",
    "form_json_schema",
    "from_excel",
    "get_kind",
    "list_forms",
    "load_folder",
    "load_form",
    "read_form",
    "render_word",
    "sample_values",
    "shown_text",
    "starting_values",
]
