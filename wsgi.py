"""The application for any WSGI server: ``gunicorn wsgi:app``; settings come from the environment.

``archive serve`` is the everyday way; it starts the worker too. The processes of one WSGI server
hold the data folder together; beside ``archive serve`` they are refused.
"""

from contextlib import ExitStack

from archive.app import create_app
from archive.config import load_settings
from archive.core.logs import set_up_logging
from archive.instance import open_instance
from storage.places import hold_server_place

settings = load_settings()
set_up_logging(as_json=settings.log_as_json)
place = ExitStack()  # held until the process ends
place.enter_context(hold_server_place(settings.run, "WSGI", shared=True))
resources = open_instance(settings)
resources.afterwards.put_off()
app = create_app(resources)
