"""Mechanisms under attack: measured lower bounds of epsilon, and bugs planted on purpose."""
