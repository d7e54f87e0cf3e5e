"""Station: long work done by the worker with a live bar, stopped and taken up again.

Knows no record and no form: kinds of work are given to it by ``archive.jobs``.
"""
