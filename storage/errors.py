"""The error tree of the storage package; messages are Chinese sentences for the user."""


class StorageError(Exception):
    """Something about bytes or rows went wrong."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class BlobMissing(StorageError):
    """The bytes of a known digest are not in the store."""


class BlobDamaged(StorageError):
    """The bytes in the store no longer have the digest they are filed under."""


class NotWritable(StorageError):
    """A read-only unit of work was asked to commit."""


class NoRoom(StorageError):
    """The disk is full, over its quota, read-only or failing: nothing could be written."""


class RowsDamaged(StorageError):
    """The database file itself is damaged or cut short."""


class BackupDamaged(StorageError):
    """A backup is cut short, changed, or not one of ours."""


class WrongPassphrase(StorageError):
    """A backup is sealed with another passphrase, or none was given."""


class PlaceTaken(StorageError):
    """Another process holds the place, or something else is there already."""
