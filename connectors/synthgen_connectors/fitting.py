"""Rows as the columns of a table that is there take them, or why they cannot be taken."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from synthgen.errors import InvalidInputError, SynthGenError

if TYPE_CHECKING:
    import pyarrow as pa


class Fitting:
    """Converts Arrow tables to the column types of a target.

    Attributes:
        where: The target, for messages.
        wanted: Under the name of each column its Arrow type; None where any will do.
        computed: Columns that the database computes: what arrives for them is left out.
    """

    def __init__(
        self, where: str, wanted: Mapping[str, pa.DataType | None], computed: tuple[str, ...] = ()
    ) -> None:
        self.where, self.wanted, self.computed = where, wanted, computed

    def __call__(self, table: pa.Table) -> pa.Table:
        """``table`` in the types that are wanted.

        Raises:
            InvalidInputError: If the target has no such column, or one of another meaning.
            SynthGenError: If a value is none that the column's type can hold.
        """
        import pyarrow as pa

        from synthgen.schema import nearest

        columns = {}
        for name in table.column_names:
            if name in self.computed:
                continue
            if name not in self.wanted:
                raise InvalidInputError(
                    f"{self.where}: the target has no column {name!r}"
                    f"{nearest(name, list(self.wanted))}"
                )
            columns[name] = self._cast(table[name], self.wanted[name], name)
        return pa.table(columns)

    def _cast(
        self, cells: pa.ChunkedArray, wanted: pa.DataType | None, name: str
    ) -> pa.ChunkedArray:
        import pyarrow as pa
        import pyarrow.compute as pc

        given, kinds = cells.type, pa.types
        if wanted is None or given == wanted:
            return cells
        if (
            kinds.is_timestamp(given)
            and kinds.is_timestamp(wanted)
            and bool(given.tz) != bool(wanted.tz)
        ):
            with_, without = ("a", "no") if given.tz else ("no", "a")
            raise InvalidInputError(
                f"{self.where}: column {name!r} has {with_} time zone, its target has {without}: "
                f"which instants are meant is a guess; change one of the types"
            )
        if _is_text(given) and not _is_text(wanted):
            cells = pc.if_else(pc.equal(cells, ""), pa.scalar(None, given), cells)
        try:
            return cells.cast(wanted)
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
            reason = " ".join(str(error).split())[:120]
            raise SynthGenError(
                f"{self.where}: nothing was changed: column {name!r} of {given} does not fit its "
                f"target of {wanted}: {reason}"
            ) from None


def _is_text(kind: pa.DataType) -> bool:
    import pyarrow as pa

    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))
