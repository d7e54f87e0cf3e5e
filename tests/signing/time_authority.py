"""A time-stamp authority for tests: RFC 3161 over HTTP on localhost, with a clock of its own."""

import hashlib
import threading
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from asn1crypto import algos, cms, core, tsp
from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID


class TimeAuthorityServer:
    """Stamps what it is sent; ``now`` moves its clock, ``mood`` spoils its answers."""

    def __init__(self, now, days=365):
        self.now = now
        self.mood = "well"
        self.asked = 0
        self._root_key = ec.generate_private_key(ec.SECP256R1())
        self._root = certificate("Stamp Root", self._root_key, None, None, now, 7300)
        self.renew(days)
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                request = self.rfile.read(int(self.headers["Content-Length"]))
                outer.asked += 1
                status, body = outer.answer(request)
                self.send_response(status)
                self.send_header("Content-Type", "application/timestamp-reply")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_arguments):
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    @property
    def url(self):
        return f"http://127.0.0.1:{self._server.server_port}/"

    @property
    def root_pem(self):
        return self._root.public_bytes(serialization.Encoding.PEM)

    def renew(self, days):
        """A new stamping certificate from the present day of its clock."""
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._certificate = certificate(
            "Stamp", self._key, self._root, self._root_key, self.now, days
        )

    def close(self):
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def answer(self, request):
        if self.mood == "away":
            return 503, b""
        if self.mood == "babble":
            return 200, b"<html>no stamps today</html>"
        asked = tsp.TimeStampReq.load(request)
        if self.mood == "refuse":
            refusal = {"status": {"status": "rejection", "status_string": ["no"]}}
            return 200, tsp.TimeStampResp(refusal).dump()
        return 200, tsp.TimeStampResp(
            {"status": {"status": "granted"}, "time_stamp_token": self.token(asked)}
        ).dump()

    def token(self, asked):
        imprint = asked["message_imprint"].copy()
        if self.mood == "other paper":
            imprint["hashed_message"] = hashlib.sha256(b"another").digest()
        info = tsp.TSTInfo(
            {
                "version": 1,
                "policy": "1.3.6.1.4.1.99999.1",
                "message_imprint": imprint,
                "serial_number": x509.random_serial_number(),
                "gen_time": self.now.replace(microsecond=0),
                "nonce": asked["nonce"] if self.mood != "replay" else core.Integer(7),
            }
        )
        shown = asn1_x509.Certificate.load(
            self._certificate.public_bytes(serialization.Encoding.DER)
        )
        sha256 = algos.DigestAlgorithm({"algorithm": "sha256"})
        named = {"cert_hash": hashlib.sha256(shown.dump()).digest(), "hash_algorithm": sha256}
        attributes = cms.CMSAttributes(
            [
                cms.CMSAttribute({"type": "content_type", "values": ["tst_info"]}),
                cms.CMSAttribute(
                    {"type": "message_digest", "values": [hashlib.sha256(info.dump()).digest()]}
                ),
                cms.CMSAttribute(
                    {
                        "type": "signing_certificate_v2",
                        "values": [tsp.SigningCertificateV2({"certs": [tsp.ESSCertIDv2(named)]})],
                    }
                ),
            ]
        )
        signature = self._key.sign(attributes.dump(), ec.ECDSA(hashes.SHA256()))
        signer = cms.SignerInfo(
            {
                "version": "v1",
                "sid": cms.SignerIdentifier(
                    {
                        "issuer_and_serial_number": cms.IssuerAndSerialNumber(
                            {"issuer": shown.issuer, "serial_number": shown.serial_number}
                        )
                    }
                ),
                "digest_algorithm": sha256,
                "signed_attrs": attributes,
                "signature_algorithm": cms.SignedDigestAlgorithm({"algorithm": "sha256_ecdsa"}),
                "signature": signature,
            }
        )
        data = cms.SignedData(
            {
                "version": "v3",
                "digest_algorithms": [sha256],
                "encap_content_info": {"content_type": "tst_info", "content": info},
                "certificates": [shown],
                "signer_infos": [signer],
            }
        )
        return cms.ContentInfo({"content_type": "signed_data", "content": data})


def certificate(name, key, issuer, issuer_key, now, days):
    """A root where there is no issuer, else a certificate that may only stamp times."""
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    usage = x509.KeyUsage(
        digital_signature=issuer is not None,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=issuer is None,
        crl_sign=issuer is None,
        encipher_only=False,
        decipher_only=False,
    )
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer.subject if issuer else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=days))
        .add_extension(x509.BasicConstraints(ca=issuer is None, path_length=None), critical=True)
        .add_extension(usage, critical=True)
    )
    if issuer is not None:
        stamping = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.TIME_STAMPING])
        builder = builder.add_extension(stamping, critical=True)
    return builder.sign(issuer_key or key, hashes.SHA256())


EPOCH = datetime(2026, 11, 23, 1, 0, tzinfo=UTC)
