"""QR codes as SVG, as pages and labels show them."""

import segno


def qr_svg(text: str) -> str:
    """Return a QR code of the text as SVG, scalable, without inline styles."""
    rows = list(segno.make(text, error="m", micro=False).matrix)
    border = 4
    size = len(rows) + 2 * border
    dots = "".join(
        f"M{x + border} {y + border}h1v1h-1z"
        for y, row in enumerate(rows)
        for x, dot in enumerate(row)
        if dot
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {size} {size}" '
        f'class="qr" role="img" aria-label="二维码"><rect width="{size}" height="{size}" '
        f'fill="#fff"/><path d="{dots}" fill="#000" shape-rendering="crispEdges"/></svg>'
    )
