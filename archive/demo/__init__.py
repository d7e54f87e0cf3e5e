"""A believable company for trying the office out, made through the same services people use.

Everything in it is invented. Called by ``archive demo`` only; nothing else imports this.
"""

from archive.demo.make import make_demo
from archive.demo.staff import Account

__all__ = ["Account", "make_demo"]
