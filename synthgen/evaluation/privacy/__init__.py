"""Attacks on a synthetic table: what it tells of the people it was made from."""

from synthgen.evaluation.privacy.judge import RISKS, Attacks, Release, attack
from synthgen.evaluation.privacy.risk import Risk

__all__ = ["RISKS", "Attacks", "Release", "Risk", "attack"]
