"""The one lock around PDFium, which is not safe to use from two threads at once.

Whoever opens a PDF with pypdfium2 in this process holds it: page pictures, signature boxes.
"""

import threading

PDFIUM = threading.Lock()
