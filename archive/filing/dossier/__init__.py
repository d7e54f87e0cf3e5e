"""Dossiers: all that is filed of a customer, a volume or an order bound into one PDF (QR08)."""
