"""The bare UNO call: load, store as PDF, close; run by the system's Python beside an office.

`raw_uno.py WORKER SOFFICE PROFILE PIPE SOURCE TARGET`: a line on stdin is one conversion, the
answer its milliseconds. Nothing of our converter but the same office and the same options.
"""

import importlib.util
import subprocess
import sys
import time


def main(worker, soffice, profile, pipe, source, target):
    spec = importlib.util.spec_from_file_location("office_worker", worker)
    uno_calls = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(uno_calls)
    command = [soffice, f"-env:UserInstallation={profile}", "--headless", "--norestore"]
    command += ["--nologo", "--nodefault", f"--accept=pipe,name={pipe};urp"]
    office = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    desktop = uno_calls._connect(office, pipe)
    for _ in sys.stdin:
        began = time.perf_counter()
        uno_calls._convert(desktop, source, target)
        print((time.perf_counter() - began) * 1e3, flush=True)
    office.kill()


if __name__ == "__main__":
    main(*sys.argv[1:7])
