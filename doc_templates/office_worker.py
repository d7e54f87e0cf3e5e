"""The script that owns one LibreOffice; run by the system's Python, which has the UNO bridge.

Not part of the package's import graph: pdf.py starts it in a process group of its own and
speaks with it in lines of JSON over stdin and stdout:
    {"source": path, "target": path}  →  {"ok": true, "memory": bytes} or {"ok": false, "why": text}
When stdin closes the whole group goes; when the office dies the worker ends. Stays within
the standard library and UNO.
"""

import json
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import uno  # type: ignore[import-not-found]
from com.sun.star.beans import PropertyValue  # type: ignore[import-not-found]
from com.sun.star.connection import NoConnectException  # type: ignore[import-not-found]
from com.sun.star.lang import DisposedException  # type: ignore[import-not-found]
from com.sun.star.uno import Exception as OfficeError  # type: ignore[import-not-found]

START_SECONDS = 90
PDF_A_2B = 2
NEVER = 0


def main(soffice: str, profile: str, pipe: str) -> None:
    """Start the office, say that it is ready, then convert until stdin closes."""
    requests: queue.Queue[dict[str, str]] = queue.Queue()
    threading.Thread(target=_read_requests, args=(requests,), daemon=True).start()
    office = subprocess.Popen(
        [
            soffice,
            f"-env:UserInstallation={profile}",
            "--headless",
            "--norestore",
            "--nologo",
            "--nodefault",
            "--nolockcheck",
            f"--accept=pipe,name={pipe};urp;StarOffice.ComponentContext",
        ],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    desktop = _connect(office, pipe)
    _answer({"ok": True})
    while True:
        request = requests.get()
        try:
            answer = _convert(desktop, request["source"], request["target"])
        except DisposedException:
            sys.exit(4)
        _answer({**answer, "memory": _memory(office.pid)})


def _read_requests(requests: "queue.Queue[dict[str, str]]") -> None:
    for line in sys.stdin:
        requests.put(json.loads(line))
    os.killpg(os.getpgrp(), signal.SIGKILL)


def _answer(answer: dict[str, object]) -> None:
    sys.stdout.write(json.dumps(answer) + "\n")
    sys.stdout.flush()


def _memory(pid: int) -> int:
    """Return the resident bytes of a process and all that it started; 0 where nobody tells."""
    folder = Path(f"/proc/{pid}")
    try:
        pages = int((folder / "statm").read_text().split()[1])
        started = [
            int(child)
            for thread in (folder / "task").iterdir()
            for child in (thread / "children").read_text().split()
        ]
    except (OSError, ValueError, IndexError):
        return 0
    return pages * os.sysconf("SC_PAGESIZE") + sum(map(_memory, started))


def _connect(office: "subprocess.Popen[bytes]", pipe: str) -> Any:
    local = uno.getComponentContext()
    resolver = local.ServiceManager.createInstanceWithContext(
        "com.sun.star.bridge.UnoUrlResolver", local
    )
    ends = time.monotonic() + START_SECONDS
    while True:
        try:
            context = resolver.resolve(f"uno:pipe,name={pipe};urp;StarOffice.ComponentContext")
            break
        except NoConnectException:
            if office.poll() is not None or time.monotonic() > ends:
                sys.exit(3)
            time.sleep(0.05)
    manager = context.ServiceManager
    return manager.createInstanceWithContext("com.sun.star.frame.Desktop", context)


def _convert(desktop: Any, source: str, target: str) -> dict[str, object]:
    try:
        document = desktop.loadComponentFromURL(
            uno.systemPathToFileUrl(source),
            "_blank",
            0,
            _properties(
                Hidden=True,
                ReadOnly=True,
                UpdateDocMode=NEVER,
                MacroExecutionMode=NEVER,
                FilterName="MS Word 2007 XML",
            ),
        )
        if document is None:
            return {"ok": False, "why": "cannot open"}
        _store(document, target)
        document.close(True)
    except DisposedException:
        raise
    except OfficeError as error:
        return {"ok": False, "why": f"{type(error).__name__}: {str(error)[:300]}"}
    return {"ok": True}


def _store(document: Any, target: str) -> None:
    options = _properties(
        SelectPdfVersion=PDF_A_2B,
        UseTaggedPDF=True,
        ExportBookmarks=False,
        ReduceImageResolution=False,
        UseLosslessCompression=True,
    )
    document.storeToURL(
        uno.systemPathToFileUrl(target),
        _properties(
            FilterName="writer_pdf_Export",
            Overwrite=True,
            FilterData=uno.Any("[]com.sun.star.beans.PropertyValue", options),
        ),
    )


def _properties(**pairs: object) -> tuple[Any, ...]:
    made = []
    for name, value in pairs.items():
        one = PropertyValue()
        one.Name, one.Value = name, value
        made.append(one)
    return tuple(made)


if __name__ == "__main__":
    main(*sys.argv[1:4])
