"""Check one proof from the journal, without the server that made it.

This script stands alone: Python's own library, and the command openssl if it is there. It says
whether the entry in the proof stood in the journal when the checkpoint was made.
"""

import base64
import hashlib
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

Proof = dict[str, Any]
USAGE = "核对一份日志证明：python3 check_proof.py 证明.json [印在纸上的根]"


def entry_hash(proof: Proof) -> bytes:
    """Return the entry's own hash, over the one before and its content."""
    body = json.dumps(proof["entry"], ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256((proof["previous_hash"] + body).encode()).digest()


def root_by(proof: Proof) -> str | None:
    """Return the root that entry and path lead to (RFC 6962, 2.1.1); None where they do not fit."""
    found = hashlib.sha256(b"\x00" + entry_hash(proof)).digest()
    at, last = proof["entry"]["seq"] - 1, proof["tree_size"] - 1
    if not 0 <= at <= last:
        return None
    for beside in map(bytes.fromhex, proof["path"]):
        if last == 0:
            return None
        if at & 1 or at == last:
            found = hashlib.sha256(b"\x01" + beside + found).digest()
            while not at & 1 and at:
                at, last = at >> 1, last >> 1
        else:
            found = hashlib.sha256(b"\x01" + found + beside).digest()
        at, last = at >> 1, last >> 1
    return found.hex() if last == 0 else None


def is_signed(proof: Proof) -> bool | None:
    """Say whether the signature over the checkpoint holds; None where openssl is not there."""
    with tempfile.TemporaryDirectory() as folder:
        text, signature, key = (Path(folder, name) for name in ("text", "signature", "key"))
        text.write_text(proof["signed_text"], encoding="utf-8")
        signature.write_bytes(base64.b64decode(proof["signature"]))
        read_key = ["openssl", "x509", "-pubkey", "-noout"]
        check = ["openssl", "dgst", "-sha256", "-verify", str(key)]
        check += ["-signature", str(signature), str(text)]
        try:
            asked = subprocess.run(
                read_key, input=proof["certificate"].encode(), capture_output=True, check=False
            )
            key.write_bytes(asked.stdout)
            return subprocess.run(check, capture_output=True, check=False).returncode == 0
        except FileNotFoundError:
            return None


def main(words: list[str]) -> int:
    """Check the proof named first; compare with the root named second."""
    if not 1 <= len(words) <= 2:
        print(USAGE)
        return 2
    try:
        proof = json.loads(Path(words[0]).read_text(encoding="utf-8"))
        root, told = root_by(proof), proof["signed_text"].splitlines()
        size_and_root = [str(proof["tree_size"]), proof["root"]]
    except (OSError, ValueError, KeyError, TypeError, AttributeError, IndexError) as wrong:
        print(f"不成立：这不是一份完好的日志证明（{type(wrong).__name__}）。")
        return 1
    if root != proof["root"] or told[2:4] != size_and_root:
        print("不成立：这一条与检查点的根对不上，内容被改过，或证明不完整。")
        return 1
    if len(words) == 2 and words[1].lower() != root:
        print("不成立：检查点的根与您给的不同。")
        return 1
    signed = is_signed(proof)
    if signed is False:
        print("不成立：检查点上的单位签名不对。")
        return 1
    by = "没有找到 openssl，单位签名未核对" if signed is None else "单位签名有效"
    number = proof["entry"]["seq"]
    print(f"成立：第 {number} 条在 {told[0]} {told[1]} 的检查点里，没有被改动（{by}）。")
    print(f"根：{root}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
