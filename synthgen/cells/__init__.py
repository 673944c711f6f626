"""A column's cells in canonical form: the bridge between dtypes and encoders.

`read` turns a pandas Series of any dtype into `Cells`; `write` turns `Cells` back into a Series
of exactly the column's dtype. Encoders see `Cells` only.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from synthgen.cells.reading import Cells, finite, missing_cells, read
from synthgen.cells.writing import write_column

if TYPE_CHECKING:
    import pandas as pd

    from synthgen.schema import Column

__all__ = ["Cells", "finite", "missing_cells", "read", "write"]


def write(cells: Cells, column: Column) -> pd.Series[Any]:
    """A Series of exactly ``column``'s dtype, named after it; the inverse of `read`.

    Numbers are rounded to the column's decimals and clipped to what its dtype holds.

    Raises:
        SchemaError: The column's dtype cannot hold its kind, or a missing cell.
    """
    return write_column(cells.values, cells.missing, cells.levels, column)
