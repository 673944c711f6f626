"""Generators of molecular graphs."""
