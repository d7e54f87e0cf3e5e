"""Takes the network away from this process, where the system allows it.

A process that reads strangers' files has nobody to talk to: whatever a file may make its reader
do, it reaches nothing. Called at the start of every such child, before a byte is read.
"""

import ctypes
import os

_NEW_NET = 0x40000000
_NEW_USER = 0x10000000


def leave_network() -> bool:
    """Move this process into a network of its own that leads nowhere; say whether it could.

    As root at once; as another user through a user namespace of its own, which also takes every
    privilege over the machine away. Only for processes of one thread.
    """
    try:
        unshare = ctypes.CDLL(None, use_errno=True).unshare
    except (AttributeError, OSError):  # not Linux
        return False
    ways = (_NEW_NET,) if os.geteuid() == 0 else (_NEW_NET | _NEW_USER, _NEW_NET)
    return any(unshare(way) == 0 for way in ways)
