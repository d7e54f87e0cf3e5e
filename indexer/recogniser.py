"""Pages that are pictures: whose words have to be recognised, and how that is done (rapidocr).

Chinese and Latin, offline, by the models that come with the package; pages that lie on a side or
stand on their head are turned. Runs only in the child process of recognition (scan_child).
"""

import re
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pypdfium2
from PIL import Image, ImageOps
from rapidocr import RapidOCR

from indexer.pictures import MOST_PIXELS
from indexer.read_pdf import join_lines

pdfium: Any = pypdfium2  # has no types
Picture = npt.NDArray[np.uint8]

MOST_SIDE = 3600
DOTS = 200 / 72
_WIDEST = 12
_HAN_GAP = re.compile("(?<=[\u3400-\u9fff]) +(?=[\u3400-\u9fff])")
_SETTINGS = {
    "Global.log_level": "critical",
    "Global.max_side_len": 1600,
    "Rec.rec_batch_num": 1,
    "Cls.cls_batch_num": 1,
    "EngineConfig.onnxruntime.intra_op_num_threads": 1,
    "EngineConfig.onnxruntime.inter_op_num_threads": 1,
    "EngineConfig.onnxruntime.enable_cpu_mem_arena": False,
}


class Recogniser:
    """Turns pages into words; loads the models once."""

    def __init__(self) -> None:
        self._engine: Any = RapidOCR(params=dict(_SETTINGS))

    def read_page(self, path: Path, page: int) -> str:
        """Return the words of a page of a picture or PDF, line by line, in reading order."""
        picture = _picture_of(path, page)
        found = self._engine(picture)
        if found.boxes is not None and _lies(found.boxes):
            picture = np.ascontiguousarray(np.rot90(picture))
            found = self._engine(picture)
        if found.boxes is None or not found.txts:
            return ""
        lines = _in_order(found.boxes, found.txts)
        if self._is_upside_down(picture, found.boxes):
            lines.reverse()
        return join_lines("\n".join(_HAN_GAP.sub("", line) for line in lines))

    def _is_upside_down(self, picture: Picture, boxes: Any) -> bool:
        """Ask the classifier about the widest lines."""
        corners = np.asarray(boxes)
        widths = corners[:, :, 0].max(axis=1) - corners[:, :, 0].min(axis=1)
        lines = []
        for place in np.argsort(-widths)[:_WIDEST]:
            (left, top), (right, bottom) = corners[place].min(axis=0), corners[place].max(axis=0)
            line = picture[max(int(top), 0) : int(bottom), max(int(left), 0) : int(right)]
            if line.size:
                lines.append(np.ascontiguousarray(line))
        if not lines:
            return False
        told = self._engine.text_cls(lines).cls_res
        return sum("180" in label for label, _ in told) * 2 > len(told)


def _picture_of(path: Path, page: int) -> Picture:
    with path.open("rb") as file:
        is_pdf = b"%PDF-" in file.read(1024)
    shown = _of_pdf(path, page) if is_pdf else _of_picture(path, page)
    shown.thumbnail((MOST_SIDE, MOST_SIDE))
    return np.ascontiguousarray(np.asarray(shown.convert("RGB"))[:, :, ::-1])


def _of_picture(path: Path, page: int) -> Image.Image:
    Image.MAX_IMAGE_PIXELS = MOST_PIXELS
    with Image.open(path) as picture:
        picture.seek(page)
        if picture.mode == "P" and "transparency" in picture.info:
            return _on_white(picture.convert("RGBA"))
        if picture.mode in ("RGBA", "LA"):
            return _on_white(picture.convert("RGBA"))
        turned = ImageOps.exif_transpose(picture)
        return (turned or picture).convert("RGB")


def _on_white(picture: Image.Image) -> Image.Image:
    sheet = Image.new("RGB", picture.size, "white")
    sheet.paste(picture, mask=picture.getchannel("A"))
    return sheet


def _of_pdf(path: Path, page: int) -> Image.Image:
    document = pdfium.PdfDocument(path)
    try:
        shown = document[page]
        width, height = shown.get_size()
        scale = min(DOTS, MOST_SIDE / max(width, height, 1))
        return shown.render(scale=scale).to_pil().convert("RGB")  # type: ignore[no-any-return]
    finally:
        document.close()


def _lies(boxes: Any) -> bool:
    """Say whether most lines are taller than wide: the page lies on a side."""
    corners = np.asarray(boxes)
    sizes = corners.max(axis=1) - corners.min(axis=1)
    return bool(np.mean(sizes[:, 1] > sizes[:, 0] * 1.5) > 0.5)


def _in_order(boxes: Any, words: Any) -> list[str]:
    """Return lines from above, what stands side by side joined from the left."""
    corners = np.asarray(boxes)
    tops, bottoms = corners[:, :, 1].min(axis=1), corners[:, :, 1].max(axis=1)
    lefts = corners[:, :, 0].min(axis=1)
    order = sorted(range(len(words)), key=lambda one: (tops[one] + bottoms[one]) / 2)
    rows: list[list[int]] = []
    for one in order:
        middle = (tops[one] + bottoms[one]) / 2
        if rows and middle < bottoms[rows[-1][0]] - (bottoms[rows[-1][0]] - tops[rows[-1][0]]) / 4:
            rows[-1].append(one)
        else:
            rows.append([one])
    return [
        "\t".join(str(words[one]) for one in sorted(row, key=lambda n: lefts[n])) for row in rows
    ]
