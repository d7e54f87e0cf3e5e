"""Every error of this package; each carries one plain Chinese sentence in `.message`.

What is not here: values that fail a check one by one (those are data, see `values.Checked`).
Callers: every module of the package raises these; the web and the commands show `.message`.
"""

from collections.abc import Mapping


class FormError(Exception):
    """Root of the tree; `message` says what is wrong, where, and what to do next."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class FormNotFound(FormError):
    """No form has this code (or not in this version)."""


class BadDefinition(FormError):
    """A form.toml cannot be used; the message names the file and the place."""


class BadTemplate(FormError):
    """A template.docx cannot be used: broken, unsafe, or with tags that are not allowed."""


class UnsafeDocument(BadTemplate):
    """A Word file that is not a plain document: macros, outside links, DTD, bomb."""


class BadFormula(FormError):
    """A formula cannot be read, or points at something that is not there."""


class InvalidValues(FormError):
    """Values that cannot be printed; `errors` maps every path to its Chinese message."""

    def __init__(self, title: str, errors: Mapping[str, str]) -> None:
        self.errors = dict(errors)
        listed = "；".join(f"{path}：{message}" for path, message in self.errors.items())
        super().__init__(f"《{title}》有 {len(self.errors)} 处需要改正：{listed}")


class ConverterError(FormError):
    """A Word file could not be turned into a PDF."""


class ConverterMissing(ConverterError):
    """LibreOffice or its Python bridge is not installed."""


class ConverterUnavailable(ConverterError):
    """The process that owns the office cannot be reached."""


class ConversionTimeout(ConverterError):
    """The conversion did not end in time, twice."""


class ConversionFailed(ConverterError):
    """The office refused the document or died with it, twice."""
