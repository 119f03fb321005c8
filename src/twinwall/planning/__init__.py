"""Existing + desired → changes → the allowed ones → the order → ``Plan``; two firewalls → a proof. Pure."""
