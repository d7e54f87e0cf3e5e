"""A real web server in a thread of the tests; it can be cut off in the middle."""

import socket
import threading
from typing import Any

from archive.web.sizes import open_server


class ServedHere:
    """An application at a port of this machine, until it is closed."""

    def __init__(self, app: Any, port: int = 0, **settings: Any) -> None:
        taken = settings.pop("sockets", None) or [socket.create_server(("127.0.0.1", int(port)))]
        self._server = open_server(app, *taken, map={}, **{"threads": 8, **settings})
        self._is_closed = False
        self.port: int = self._server.effective_port
        threading.Thread(target=self._run, daemon=True).start()

    @property
    def address(self) -> str:
        """Where it answers, without a slash at the end."""
        return f"http://127.0.0.1:{self.port}"

    def close(self) -> None:
        """Refuse every connection, those that are open too."""
        self._is_closed = True
        for channel in list(self._server.active_channels.values()):
            channel.close()
        self._server.close()

    def _run(self) -> None:
        try:
            self._server.run()
        except (OSError, ValueError):  # its sockets were closed while it waited for them
            if not self._is_closed:
                raise
