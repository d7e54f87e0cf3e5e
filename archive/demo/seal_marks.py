"""The seals of the demo company: drawn for it, registered with their keepers, put on contracts."""

import io
import math
from functools import lru_cache

from PIL import Image, ImageDraw

from archive.demo.staff import COMPANY
from archive.demo.stage import Stage
from archive.documents import service as documents
from archive.people.rights import Actor
from archive.signing import service as signing
from archive.signing.appearance import text_runs, type_face
from archive.signing.freeze import PNG, Stamp, freeze_seal
from archive.signing.seals import ledger
from archive.signing.seals import service as seals
from archive.signing.seals.pictures import prepare
from archive.signing.seals.rules import SealFields, SealRequest

CONTRACT_SEAL = "合同专用章"
_KEEPERS = {
    "公章": ("公章", "qiumeizhen"),
    CONTRACT_SEAL: (CONTRACT_SEAL, "yanshouzheng"),
    "财务专用章": ("财务专用章", "wanglifen"),
}
_SIZE = 42.0
_DOTS, _FINE = 496, 2
_RED = (200, 16, 16, 255)


def register_seals(stage: Stage) -> None:
    """Enter the company's seals, those that are not there yet."""
    admin = stage.people["admin"]
    with stage.resources.reading() as uow:
        known = {one.name for one in seals.list_seals(uow, admin)}
    for name, (kind, keeper) in _KEEPERS.items():
        if name in known:
            continue
        picture = prepare(round_seal(COMPANY, "" if kind == "公章" else name), _SIZE, _SIZE)
        image = stage.resources.blobs.put(picture, PNG)
        with stage.resources.work() as uow:
            number = stage.people[keeper].staff_no
            fields = SealFields(name, kind, _SIZE, _SIZE, number)
            seals.add_seal(uow, admin, fields, image)
            uow.commit()


def contract_seal(stage: Stage) -> SealRequest:
    """Return what is asked for with a contract."""
    with stage.resources.reading() as uow:
        found = seals.list_seals(uow, stage.people["admin"])
    seal_id = next(one.id for one in found if one.name == CONTRACT_SEAL)
    return SealRequest(seal_id, copies=2, why="签订买卖合同", across=True)


def put_on(stage: Stage, author: Actor, record_id: int) -> None:
    """Put the seal on a paper, as its keeper."""
    parts = stage.resources
    keeper = stage.people[_KEEPERS[CONTRACT_SEAL][1]]
    request = contract_seal(stage)
    with parts.reading() as uow:
        record, run, task = signing.plan_signature(uow, keeper, record_id)
        latest = documents.latest_document(uow, record_id, documents.PDF)
        images = signing.signature_images(uow, record_id)
        digest = seals.picture_of(uow, keeper, request.seal_id)
    stamp = Stamp(request.seal_id, CONTRACT_SEAL, parts.blobs.read(digest), keeper.name)
    signed = freeze_seal(parts, record, run, task, stamp, latest.sha256 if latest else "", images)
    with parts.work() as uow:
        signing.record_signature(uow, keeper, task, signed, "", outcome="seal")
        files = (signed.image, signed.pdf, signed.pages)
        ledger.close_use(uow, keeper, run.id, request.copies, "", files)
        uow.commit()


@lru_cache(maxsize=8)
def round_seal(company: str, title: str) -> bytes:
    """Return a round seal as a PNG: the company's name around a star, the title under it."""
    size = _DOTS * _FINE
    middle, rim = size / 2, size / 2 - 10 * _FINE
    seal = Image.new("RGBA", (size, size), (255, 255, 255, 0))
    pen = ImageDraw.Draw(seal)
    edge = (middle - rim, middle - rim, middle + rim, middle + rim)
    pen.ellipse(edge, outline=_RED, width=12 * _FINE)
    pen.polygon(_star(middle, middle - 14 * _FINE, 76 * _FINE), fill=_RED)
    spread = min(250.0, 30.0 * max(1, len(company) - 1))
    for place, char in enumerate(company):
        share = place / max(1, len(company) - 1) - 0.5
        _set_on_rim(seal, char, middle, rim - 56 * _FINE, share * spread)
    _set_level(seal, title, middle, middle + 118 * _FINE)
    out = io.BytesIO()
    seal.resize((_DOTS, _DOTS), Image.Resampling.LANCZOS).save(out, "PNG")
    return out.getvalue()


def _star(x: float, y: float, radius: float) -> list[tuple[float, float]]:
    points = []
    for corner in range(10):
        reach = radius if corner % 2 == 0 else radius * 0.382
        turn = math.radians(corner * 36 - 90)
        points.append((x + reach * math.cos(turn), y + reach * math.sin(turn)))
    return points


def _set_on_rim(seal: Image.Image, char: str, middle: float, radius: float, degrees: float) -> None:
    letter = _letter(char, 62 * _FINE).rotate(-degrees, Image.Resampling.BICUBIC, expand=True)
    turn = math.radians(degrees - 90)
    left = middle + radius * math.cos(turn) - letter.width / 2
    top = middle + radius * math.sin(turn) - letter.height / 2
    seal.alpha_composite(letter, (round(left), round(top)))


def _set_level(seal: Image.Image, text: str, middle: float, y: float) -> None:
    size = 50 * _FINE
    left = middle - len(text) * size / 2
    for place, char in enumerate(text):
        letter = _letter(char, size)
        x = left + (place + 0.5) * size - letter.width / 2
        seal.alpha_composite(letter, (round(x), round(y - letter.height / 2)))


def _letter(char: str, size: int) -> Image.Image:
    face, _ = text_runs(char)[0]
    letter = Image.new("RGBA", (size, round(size * 1.3)), (255, 255, 255, 0))
    pen = ImageDraw.Draw(letter)
    place = (letter.width / 2, letter.height / 2)
    pen.text(place, char, font=type_face(face, size), fill=_RED, anchor="mm")
    return letter
