"""Lending: who may borrow what, how and until when; the desk and its log."""
