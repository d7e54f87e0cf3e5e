"""The XML by which Word shows a picture in a run: inline, or lying over the text.

Strings in, strings out; word.py owns the relationships. Called by word.py.
"""

from xml.sax.saxutils import quoteattr

from markupsafe import Markup

from doc_templates.images import Picture

EMU_PER_MM = 36_000
_MAIN = "http://schemas.openxmlformats.org/drawingml/2006"
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"


def picture_runs(picture: Picture, relation: str, number: int) -> Markup:
    """Close the run the tag stands in, show the picture in its own, open another."""
    drawing = drawing_xml(picture, relation, number)
    text = '<w:t xml:space="preserve">'
    return Markup(f"</w:t></w:r><w:r>{drawing}</w:r><w:r>{text}")  # noqa: S704 (our own XML)


def drawing_xml(picture: Picture, relation: str, number: int) -> str:
    """Return the drawing that shows the picture under a relationship id."""
    size = f'cx="{round(picture.width * EMU_PER_MM)}" cy="{round(picture.height * EMU_PER_MM)}"'
    told = quoteattr(picture.told)
    shown = (
        f'<wp:docPr id="{number}" name="Picture {number}" descr={told}/>'
        f'<a:graphic xmlns:a="{_MAIN}/main"><a:graphicData uri="{_MAIN}/picture">'
        f'<pic:pic xmlns:pic="{_MAIN}/picture"><pic:nvPicPr>'
        f'<pic:cNvPr id="{number}" name="Picture {number}"/><pic:cNvPicPr/></pic:nvPicPr>'
        f'<pic:blipFill><a:blip xmlns:r="{_OFFICE}" r:embed="{relation}"/><a:stretch>'
        f"<a:fillRect/></a:stretch></pic:blipFill><pic:spPr><a:xfrm>"
        f'<a:off x="0" y="0"/><a:ext {size}/></a:xfrm><a:prstGeom prst="rect"><a:avLst/>'
        f"</a:prstGeom></pic:spPr></pic:pic></a:graphicData></a:graphic>"
    )
    wrap = _floating if picture.floating else _inline
    return f"<w:drawing>{wrap(picture, size, shown)}</w:drawing>"


def _inline(_picture: Picture, size: str, shown: str) -> str:
    return (
        f'<wp:inline xmlns:wp="{_MAIN}/wordprocessingDrawing" distT="0" distB="0" '
        f'distL="0" distR="0"><wp:extent {size}/>{shown}</wp:inline>'
    )


def _floating(picture: Picture, size: str, shown: str) -> str:
    """Centre the picture on the start of the paragraph it is anchored in, over the text."""
    up = round(-picture.height / 2 * EMU_PER_MM)
    return (
        f'<wp:anchor xmlns:wp="{_MAIN}/wordprocessingDrawing" distT="0" distB="0" distL="0" '
        'distR="0" simplePos="0" relativeHeight="251658240" behindDoc="0" locked="0" '
        'layoutInCell="1" allowOverlap="1"><wp:simplePos x="0" y="0"/>'
        '<wp:positionH relativeFrom="character"><wp:posOffset>0</wp:posOffset></wp:positionH>'
        f'<wp:positionV relativeFrom="paragraph"><wp:posOffset>{up}</wp:posOffset></wp:positionV>'
        f"<wp:extent {size}/><wp:wrapNone/>{shown}</wp:anchor>"
    )
