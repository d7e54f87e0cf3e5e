"""Drawn signatures for the demo company: a few pen strokes, always the same for one person.

Every bend follows from a digest of the name, so nobody's real handwriting is copied.
"""

import io
from functools import lru_cache
from hashlib import sha256

from PIL import Image, ImageDraw

WIDTH, HEIGHT = 480, 180
FINE = 3  # drawn larger, then scaled down for smooth edges
STEPS = 24
INK = (24, 32, 72, 255)

# Strokes of a character in a square of 100: start, bend, end (横, 竖, 撇, 捺, 折, 提, 点).
_STROKES = (
    ((12, 28), (50, 20), (90, 26)),
    ((50, 8), (46, 50), (50, 94)),
    ((52, 22), (42, 62), (8, 90)),
    ((46, 34), (62, 70), (96, 90)),
    ((16, 46), (96, 34), (78, 88)),
    ((10, 78), (40, 74), (72, 52)),
    ((66, 12), (74, 18), (76, 26)),
    ((14, 60), (52, 52), (88, 58)),
)


@lru_cache(maxsize=64)
def drawn_signature(name: str) -> bytes:
    """Return the person's signature as the browser's pad sends it: a transparent PNG."""
    picture = Image.new("RGBA", (WIDTH * FINE, HEIGHT * FINE), (0, 0, 0, 0))
    pen = ImageDraw.Draw(picture)
    size = min(140, (WIDTH - 40) // max(1, len(name)))
    for place, char in enumerate(name):
        turns = sha256(f"{name}{place}{char}".encode()).digest()
        left, top = 20 + place * size, (HEIGHT - size) // 2 + turns[31] % 17 - 8
        for index in range(5):
            points = _bent(_STROKES[turns[index] % len(_STROKES)], turns[6 + index * 5 :])
            _draw(pen, [(left + x * size / 100, top + y * size / 100) for x, y in points])
    out = io.BytesIO()
    picture.resize((WIDTH, HEIGHT), Image.Resampling.LANCZOS).save(out, "PNG")
    return out.getvalue()


def _bent(stroke: tuple[tuple[int, int], ...], turns: bytes) -> list[tuple[float, float]]:
    """Return points along a stroke whose start, bend and end are moved a little."""
    (ax, ay), (bx, by), (cx, cy) = (
        (x + turns[n] % 21 - 10, y + turns[n + 1] % 21 - 10) for n, (x, y) in enumerate(stroke)
    )
    shares = (step / STEPS for step in range(STEPS + 1))
    return [
        (
            (1 - t) ** 2 * ax + 2 * t * (1 - t) * bx + t**2 * cx,
            (1 - t) ** 2 * ay + 2 * t * (1 - t) * by + t**2 * cy,
        )
        for t in shares
    ]


def _draw(pen: ImageDraw.ImageDraw, points: list[tuple[float, float]]) -> None:
    """Draw one stroke, thick where the pen lands and thin where it leaves."""
    for index, (x, y) in enumerate(points[:-1]):
        next_x, next_y = points[index + 1]
        thick = round(FINE * (6.5 - 4 * index / STEPS))
        line = [(x * FINE, y * FINE), (next_x * FINE, next_y * FINE)]
        pen.line(line, fill=INK, width=thick)
        half = thick / 2
        pen.ellipse(
            (line[0][0] - half, line[0][1] - half, line[0][0] + half, line[0][1] + half), fill=INK
        )
