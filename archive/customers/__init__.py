"""The customer register: whom the papers are about."""
