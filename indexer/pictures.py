"""What a picture is and how many pages it has; its words are made out by ``recogniser``."""

from pathlib import Path

from PIL import Image

from indexer.errors import ExtractError

MOST_PIXELS = 200_000_000
_HEADS = (b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"II*\x00", b"MM\x00*", b"GIF8", b"BM")


def is_picture(head: bytes) -> bool:
    """Say whether a file begins as a picture does."""
    return head.startswith(_HEADS) or (head[:4] == b"RIFF" and head[8:12] == b"WEBP")


def count_frames(path: Path) -> int:
    """Return how many pages a picture has; raise ExtractError for one that is none."""
    Image.MAX_IMAGE_PIXELS = MOST_PIXELS
    try:
        with Image.open(path) as picture:
            if picture.width * picture.height > MOST_PIXELS:
                raise ExtractError("图片太大，没有识别。")
            return int(getattr(picture, "n_frames", 1))
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise ExtractError("图片打不开，可能已损坏。") from error
