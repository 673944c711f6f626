"""Measures of generated molecules."""
