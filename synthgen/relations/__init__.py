"""What holds between the columns of every row: found, kept, and in words."""

from __future__ import annotations

from synthgen.relations.completion import Completion
from synthgen.relations.declared import with_relations
from synthgen.relations.finding import find_relations, unsearched
from synthgen.relations.rows import Rows
from synthgen.relations.words import confidence, describe

__all__ = [
    "Completion",
    "Rows",
    "confidence",
    "describe",
    "find_relations",
    "unsearched",
    "with_relations",
]
