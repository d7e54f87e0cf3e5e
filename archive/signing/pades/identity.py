"""Reads certificates and PDF entries as plain values: who, of which unit, what stands there."""

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.x509.oid import NameOID

from archive.signing.authority import COMPANY_UNIT
from archive.signing.certificates import attribute_of, unit_of

_LOAD: Callable[[bytes], Any] = asn1_x509.Certificate.load  # the library carries no types


@lru_cache(maxsize=256)
def as_asn1(certificate: x509.Certificate) -> Any:
    """Return the certificate as pyHanko takes it, parsed once."""
    return _LOAD(certificate.public_bytes(serialization.Encoding.DER))


def load_roots(pems: Sequence[bytes]) -> tuple[Any, ...]:
    """Return PEM certificates as pyHanko takes them, parsed once."""
    return tuple(_load_root(pem) for pem in pems)


@lru_cache(maxsize=32)
def _load_root(pem: bytes) -> Any:
    return as_asn1(x509.load_pem_x509_certificate(pem))


def signer_name(certificate: x509.Certificate) -> str:
    """The person's name; the company's in full stands in O, its common name may be cut."""
    is_company = unit_of(certificate) == COMPANY_UNIT
    oid = NameOID.ORGANIZATION_NAME if is_company else NameOID.COMMON_NAME
    return attribute_of(certificate.subject, oid)


def entry(dictionary: Any, key: str, default: str = "") -> str:
    """Return an entry of a PDF dictionary as text."""
    return str(resolved(dictionary, key) or default)


def resolved(dictionary: Any, key: str) -> Any:
    """The entry with its reference followed (``get`` would return the reference), or nothing."""
    if key not in dictionary:
        return {}
    return dictionary[key]
