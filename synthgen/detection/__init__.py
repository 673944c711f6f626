"""What a table is, found from its values: the kind and the form of every column."""

from __future__ import annotations

from synthgen.detection.columns import infer_column, infer_schema

__all__ = ["infer_column", "infer_schema"]
