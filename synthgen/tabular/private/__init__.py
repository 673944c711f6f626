"""Generators of rows that are trained with differential privacy."""
