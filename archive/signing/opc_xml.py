"""The XML of a package signature: what is listed, how it is digested, and read back strictly.

Only signatures of the one shape made here are accepted when reading: whatever is left out of
the list, or stands there twice, makes the package differ from what was signed.
"""

import base64
import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import quote, unquote
from xml.sax.saxutils import escape, quoteattr

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from lxml import etree

from doc_templates.package import parse_part

SIGNATURE_FOLDER = "_xmlsignatures/"
ORIGIN = "_xmlsignatures/origin.sigs"
ORIGIN_RELS = "_xmlsignatures/_rels/origin.sigs.rels"
SIGNATURE = "_xmlsignatures/sig1.xml"

_TYPES_PART = "[Content_Types].xml"
_ROOT_RELS = "_rels/.rels"
_DS = "http://www.w3.org/2000/09/xmldsig#"
_SHA256 = "http://www.w3.org/2001/04/xmlenc#sha256"
_ECDSA = "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256"
_RSA = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"
_C14N = "http://www.w3.org/TR/2001/REC-xml-c14n-20010315"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006/"
_MDSSI = _PACKAGE + "digital-signature"
_RELS = _PACKAGE + "relationships"
_RELS_TRANSFORM = _PACKAGE + "RelationshipTransform"
_TYPES = _PACKAGE + "content-types"
_RELS_TYPE = "application/vnd.openxmlformats-package.relationships+xml"
_XADES = "http://uri.etsi.org/01903/v1.3.2#"
_OFFICE = "http://schemas.microsoft.com/office/2006/digsig"
_ORIGIN_RELATION = _RELS + "/digital-signature/origin"
_HEAD = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
_TIME = "%Y-%m-%dT%H:%M:%SZ"


@dataclass(frozen=True)
class Reference:
    """How one part is listed: its content type, its digest, the relationships it names."""

    content_type: str
    digest: str
    relations: tuple[str, ...] = ()


@dataclass(frozen=True)
class SignedParts:
    """A package signature as read: what it lists, and what is needed to check it."""

    references: Mapping[str, Reference]
    own_parts: frozenset[str]
    signed_info: bytes
    value: str
    certificate: x509.Certificate
    signed_at: datetime
    is_consistent: bool


def expected_references(parts: Mapping[str, bytes]) -> dict[str, Reference]:
    """Return how every part of a package has to be listed, by name."""
    types = _content_types(parts)
    found: dict[str, Reference] = {}
    for name in sorted(parts):
        if name == _TYPES_PART or name.startswith(SIGNATURE_FOLDER):
            continue
        if name.endswith(".rels"):
            tree = _without_origin(parse_part(name, parts[name]))
            relations = tuple(sorted(str(each.get("Id")) for each in tree))
            found[name] = Reference(_RELS_TYPE, _digest(_transformed(tree)), relations)
        else:
            found[name] = Reference(types(name), _digest(parts[name]))
    return found


def signature_xml(
    parts: Mapping[str, bytes],
    certificates: Sequence[x509.Certificate],
    comment: str,
    now: datetime,
    sign: Callable[[bytes], bytes],
) -> bytes:
    """Return the signature part over a package; ``sign`` gets the bytes to be signed."""
    when = now.astimezone(UTC).strftime(_TIME)
    objects = (
        _package_object(expected_references(parts), when),
        _office_object(comment),
        _xades_object(certificates[0], when),
    )
    signed_info = _signed_info(objects, certificates[0])
    value = base64.b64encode(sign(_canonical(signed_info))).decode()
    shown = "".join(f"<X509Certificate>{_der(each)}</X509Certificate>" for each in certificates[:2])
    body = f"{signed_info}<SignatureValue>{value}</SignatureValue>"
    body += f"<KeyInfo><X509Data>{shown}</X509Data></KeyInfo>{''.join(objects)}"
    whole = f'<Signature xmlns="{_DS}" Id="idPackageSignature">{body}</Signature>'
    return (
        _HEAD
        + whole.replace(f' xmlns="{_DS}"', "").replace(
            "<Signature ", f'<Signature xmlns="{_DS}" ', 1
        )
    ).encode()


def with_plumbing(parts: Mapping[str, bytes]) -> dict[str, bytes]:
    """Return the parts with the signature announced in content types and relationships."""
    types = parse_part(_TYPES_PART, parts[_TYPES_PART])
    etree.SubElement(
        types,
        f"{{{_TYPES}}}Default",
        Extension="sigs",
        ContentType="application/vnd.openxmlformats-package.digital-signature-origin",
    )
    etree.SubElement(
        types,
        f"{{{_TYPES}}}Override",
        PartName=f"/{SIGNATURE}",
        ContentType="application/vnd.openxmlformats-package.digital-signature-xmlsignature+xml",
    )
    rels = parse_part(_ROOT_RELS, parts[_ROOT_RELS])
    etree.SubElement(
        rels, f"{{{_RELS}}}Relationship", Id="rIdOrigin", Type=_ORIGIN_RELATION, Target=ORIGIN
    )
    origin = (
        f'{_HEAD}<Relationships xmlns="{_RELS}"><Relationship Id="rId1" '
        f'Type="{_RELS}/digital-signature/signature" Target="sig1.xml"/></Relationships>'
    )
    return dict(parts) | {
        _TYPES_PART: _serialised(types),
        _ROOT_RELS: _serialised(rels),
        ORIGIN_RELS: origin.encode(),
    }


def parse_signature(xml: bytes) -> SignedParts:
    """Read a signature part; raise LookupError, ValueError or UnsafeDocument for another shape."""
    root = parse_part(SIGNATURE, xml)
    objects = root.findall(f"{{{_DS}}}Object")
    info, value = _only(root, "SignedInfo"), _only(root, "SignatureValue")
    properties = _below(root, f"{{{_XADES}}}SignedProperties")
    manifest = _only(objects[0], "Manifest")
    certificate = x509.load_der_x509_certificate(
        base64.b64decode(_text(next(root.iter(f"{{{_DS}}}X509Certificate"))))
    )
    when = datetime.strptime(_text(_below(properties, f"{{{_XADES}}}SigningTime")), _TIME)
    told = {
        str(each.get("URI")): _text(_only(each, "DigestValue"))
        for each in info.findall(f"{{{_DS}}}Reference")
    }
    present = {
        "#idPackageObject": _digest(_again(objects[0])),
        "#idOfficeObject": _digest(_again(objects[1])),
        "#idSignedProperties": _digest(_again(properties)),
    }
    named = _text(_below(properties, f"{{{_DS}}}DigestValue"))
    is_named = named == _digest(certificate.public_bytes(serialization.Encoding.DER))
    return SignedParts(
        references=_listed(manifest),
        own_parts=frozenset({ORIGIN, ORIGIN_RELS, SIGNATURE}),
        signed_info=_again(info),
        value=_text(value),
        certificate=certificate,
        signed_at=when.replace(tzinfo=UTC),
        is_consistent=told == present and is_named and len(objects) == len(present),
    )


def _listed(manifest: etree._Element) -> dict[str, Reference]:
    found: dict[str, Reference] = {}
    for each in manifest.findall(f"{{{_DS}}}Reference"):
        address, _, content_type = str(each.get("URI")).partition("?ContentType=")
        name = unquote(address).removeprefix("/")
        if name in found:
            raise ValueError("a part is listed twice")
        relations = tuple(
            sorted(
                str(one.get("SourceId")) for one in each.iter(f"{{{_MDSSI}}}RelationshipReference")
            )
        )
        digest = _text(_only(each, "DigestValue"))
        found[name] = Reference(content_type, digest, relations)
    return found


def _package_object(references: Mapping[str, Reference], when: str) -> str:
    listed = "".join(_reference(name, each) for name, each in references.items())
    return (
        f'<Object xmlns="{_DS}" Id="idPackageObject"><Manifest>{listed}</Manifest>'
        '<SignatureProperties><SignatureProperty Id="idSignatureTime" '
        f'Target="#idPackageSignature"><mdssi:SignatureTime xmlns:mdssi="{_MDSSI}">'
        "<mdssi:Format>YYYY-MM-DDThh:mm:ssTZD</mdssi:Format>"
        f"<mdssi:Value>{when}</mdssi:Value></mdssi:SignatureTime>"
        "</SignatureProperty></SignatureProperties></Object>"
    )


def _reference(name: str, each: Reference) -> str:
    uri = quoteattr(f"/{quote(name)}?ContentType={each.content_type}")
    transforms = ""
    if each.content_type == _RELS_TYPE:
        sources = "".join(
            f'<mdssi:RelationshipReference xmlns:mdssi="{_MDSSI}" SourceId={quoteattr(one)}/>'
            for one in each.relations
        )
        transforms = (
            f'<Transforms><Transform Algorithm="{_RELS_TRANSFORM}">{sources}</Transform>'
            f'<Transform Algorithm="{_C14N}"/></Transforms>'
        )
    return (
        f'<Reference URI={uri}>{transforms}<DigestMethod Algorithm="{_SHA256}"/>'
        f"<DigestValue>{each.digest}</DigestValue></Reference>"
    )


def _office_object(comment: str) -> str:
    """What Word shows about the signature; the numbers it insists on mean nothing here."""
    details = (
        "<SetupID/><SignatureText/><SignatureImage/>"
        f"<SignatureComments>{escape(comment)}</SignatureComments>"
        "<WindowsVersion>10.0</WindowsVersion><OfficeVersion>16.0</OfficeVersion>"
        "<ApplicationVersion>16.0</ApplicationVersion><Monitors>1</Monitors>"
        "<HorizontalResolution>1920</HorizontalResolution>"
        "<VerticalResolution>1080</VerticalResolution><ColorDepth>32</ColorDepth>"
        "<SignatureProviderId>{00000000-0000-0000-0000-000000000000}</SignatureProviderId>"
        "<SignatureProviderUrl/><SignatureProviderDetails>9</SignatureProviderDetails>"
        "<SignatureType>1</SignatureType>"
    )
    return (
        f'<Object xmlns="{_DS}" Id="idOfficeObject"><SignatureProperties><SignatureProperty '
        'Id="idOfficeV1Details" Target="#idPackageSignature">'
        f'<SignatureInfoV1 xmlns="{_OFFICE}">{details}</SignatureInfoV1>'
        "</SignatureProperty></SignatureProperties></Object>"
    )


def _xades_object(certificate: x509.Certificate, when: str) -> str:
    digest = _digest(certificate.public_bytes(serialization.Encoding.DER))
    issuer = escape(certificate.issuer.rfc4514_string())
    return (
        f'<Object xmlns="{_DS}"><xd:QualifyingProperties xmlns:xd="{_XADES}" '
        'Target="#idPackageSignature"><xd:SignedProperties Id="idSignedProperties">'
        f"<xd:SignedSignatureProperties><xd:SigningTime>{when}</xd:SigningTime>"
        "<xd:SigningCertificate><xd:Cert><xd:CertDigest>"
        f'<DigestMethod Algorithm="{_SHA256}"/><DigestValue>{digest}</DigestValue>'
        f"</xd:CertDigest><xd:IssuerSerial><X509IssuerName>{issuer}</X509IssuerName>"
        f"<X509SerialNumber>{certificate.serial_number}</X509SerialNumber></xd:IssuerSerial>"
        "</xd:Cert></xd:SigningCertificate><xd:SignaturePolicyIdentifier>"
        "<xd:SignaturePolicyImplied/></xd:SignaturePolicyIdentifier>"
        "</xd:SignedSignatureProperties></xd:SignedProperties></xd:QualifyingProperties></Object>"
    )


def _signed_info(objects: tuple[str, str, str], certificate: x509.Certificate) -> str:
    is_rsa = isinstance(certificate.public_key(), rsa.RSAPublicKey)
    xades = etree.fromstring(objects[2].encode())
    properties = _again(_below(xades, f"{{{_XADES}}}SignedProperties"))
    canonical = f'<Transforms><Transform Algorithm="{_C14N}"/></Transforms>'
    listed = (
        _object_reference("idPackageObject", f"{_DS}Object", _canonical(objects[0])),
        _object_reference("idOfficeObject", f"{_DS}Object", _canonical(objects[1])),
        _object_reference(
            "idSignedProperties",
            "http://uri.etsi.org/01903#SignedProperties",
            properties,
            canonical,
        ),
    )
    return (
        f'<SignedInfo xmlns="{_DS}"><CanonicalizationMethod Algorithm="{_C14N}"/>'
        f'<SignatureMethod Algorithm="{_RSA if is_rsa else _ECDSA}"/>'
        f"{''.join(listed)}</SignedInfo>"
    )


def _object_reference(name: str, kind: str, content: bytes, transforms: str = "") -> str:
    return (
        f'<Reference Type="{kind}" URI="#{name}">{transforms}<DigestMethod '
        f'Algorithm="{_SHA256}"/><DigestValue>{_digest(content)}</DigestValue></Reference>'
    )


def _content_types(parts: Mapping[str, bytes]) -> Callable[[str], str]:
    types = parse_part(_TYPES_PART, parts[_TYPES_PART])
    by_name = {
        str(each.get("PartName")): str(each.get("ContentType"))
        for each in types.iter(f"{{{_TYPES}}}Override")
    }
    by_ending = {
        str(each.get("Extension")).lower(): str(each.get("ContentType"))
        for each in types.iter(f"{{{_TYPES}}}Default")
    }
    return lambda name: by_name.get(f"/{name}") or by_ending[name.rsplit(".", 1)[-1].lower()]


def _without_origin(rels: etree._Element) -> etree._Element:
    for each in list(rels):
        if each.get("Type") == _ORIGIN_RELATION:
            rels.remove(each)
    return rels


def _transformed(rels: etree._Element) -> bytes:
    """The relationships as the transform has them: sorted, the default mode written out."""
    plain = etree.Element(f"{{{_RELS}}}Relationships", nsmap={None: _RELS})  # type: ignore[dict-item]
    for each in sorted(rels, key=lambda one: str(one.get("Id"))):
        fresh = etree.SubElement(plain, f"{{{_RELS}}}Relationship")
        for name, value in each.attrib.items():
            fresh.set(name, value)
        if "TargetMode" not in each.attrib:
            fresh.set("TargetMode", "Internal")
    return _again(plain)


def _again(element: etree._Element) -> bytes:
    """A subtree's canonical form; parsed anew, because of a subtree lxml writes xmlns="" in."""
    return _canonical_tree(etree.fromstring(etree.tostring(element, with_tail=False)))


def _canonical(text: str) -> bytes:
    return _canonical_tree(etree.fromstring(text.encode()))


def _canonical_tree(tree: etree._Element) -> bytes:
    return etree.tostring(tree, method="c14n")


def _digest(content: bytes) -> str:
    return base64.b64encode(hashlib.sha256(content).digest()).decode()


def _der(certificate: x509.Certificate) -> str:
    return base64.b64encode(certificate.public_bytes(serialization.Encoding.DER)).decode()


def _serialised(tree: etree._Element) -> bytes:
    return etree.tostring(tree, xml_declaration=True, encoding="UTF-8", standalone=True)


def _only(element: etree._Element, name: str) -> etree._Element:
    found = element.findall(f"{{{_DS}}}{name}")
    if len(found) != 1:
        raise LookupError(f"{name} stands there {len(found)} times")
    return found[0]


def _below(element: etree._Element, tag: str) -> etree._Element:
    found = list(element.iter(tag))
    if len(found) != 1:
        raise LookupError(f"{tag} stands there {len(found)} times")
    return found[0]


def _text(element: etree._Element) -> str:
    return (element.text or "").strip()
