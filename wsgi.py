"""The application for any WSGI server: ``gunicorn wsgi:app``; settings come from the environment.

``archive serve`` is the everyday way; it starts the worker too.
"""

from archive.app import create_app
from archive.instance import open_instance

app = create_app(open_instance())
