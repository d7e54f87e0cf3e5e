"""What must never be lost: bytes, rows, the journal and the outbox.

Knows no web and no form. Every other package may import it; it imports none of them.
"""
