"""Papers not made here, in batches: received, looked at, described, registered."""
