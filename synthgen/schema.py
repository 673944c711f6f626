"""What a table is: the columns, their kinds, and how their cells are written down.

A schema holds names, kinds, dtypes, formats and relations, and no values from the data. Bounds,
categories and relations may be added by hand; what is added by hand is a public declaration.
"""

from __future__ import annotations

import difflib
import json
import math
from collections import Counter
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pydantic import BaseModel, ConfigDict, ValidationError, model_validator

from synthgen.errors import SchemaError

if TYPE_CHECKING:
    import pandas as pd

SCHEMA_VERSION: Literal[1] = 1

Kind = Literal[
    "integer", "float", "boolean", "category", "datetime", "duration", "identifier", "text"
]
Personal = Literal["email", "phone", "name", "address"]
TimeUnit = Literal["s", "ms", "us", "ns"]
RelationKind = Literal["copy", "dependency", "sum", "partial_copy", "ordering", "missing_together"]
Scalar = bool | int | float | str


class Column(BaseModel):
    """One column: its kind, and the form its cells arrive and leave in.

    Attributes:
        name: The column's name.
        kind: What its cells mean; decides the encoder.
        dtype: The pandas dtype it came with and leaves with (polars and Arrow tables enter as
            Arrow-backed dtypes; an Arrow-backed string is called ``utf8[pyarrow]``, because
            pandas calls its own string dtype ``string[pyarrow]``).
        native: What the dtype does not say: the type of the cells of an object column
            (``str``, ``date``, ``Decimal``, ...; with ``|None`` where missing cells are ``None``
            and not NaN), the dtype of a category's levels, the name of a polars or Arrow type
            that has no pandas counterpart (``Enum``, ``dictionary<...>``).
        nullable: Whether a cell may be missing.
        missing_marker: For cells that arrive as text: the text that stands for missing
            ("?", "NA", ""); it is written again for every missing cell.
        decimals: Digits after the point that values of a float may have; ``None`` for any.
        ordered: Whether a categorical dtype is ordered.
        unit: Tick of a datetime or duration.
        zone: Time zone of a datetime; ``None`` for a naive one.
        text_format: How cells that arrive as text are written. A datetime: a ``strftime``
            format (``%-m`` is a month without leading zero, ``%3f`` a fraction of three digits,
            ``%:z`` an offset with a colon). A boolean: ``True/False`` (the text of true, a slash,
            the text of false). A number: a picture such as ``0.00`` or ``$#,##0.00``, whose
            zeros after the point are the digits always written.
        resolution: Datetimes and durations are multiples of so many ticks.
        unique: Whether no value occurs twice (identifiers only).
        pattern: Shape of an identifier, one sign per character: ``9`` a digit, ``A`` an
            upper-case letter, ``a`` a lower-case one, ``L`` any letter, ``x`` and ``X`` a
            hexadecimal digit in lower and upper case, ``z`` and ``Z`` a letter or digit in lower
            and upper case, ``w`` any letter or digit, ``\\c`` the character c, any other sign
            itself. ``#1`` is a running number that starts at 1.
        length: Typical number of characters of a text, rounded.
        personal: What kind of personal field the cells are; they are then never learned.
        categories: Declared by hand: the values a category may take (public).
        minimum, maximum: Declared by hand: bounds of a number (public).
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str | int
    kind: Kind
    dtype: str = "object"
    native: str | None = None
    nullable: bool = True
    missing_marker: str | None = None
    decimals: int | None = None
    ordered: bool = False
    unit: TimeUnit | None = None
    zone: str | None = None
    text_format: str | None = None
    resolution: int | None = None
    unique: bool = False
    pattern: str | None = None
    length: int | None = None
    personal: Personal | None = None
    categories: tuple[Scalar, ...] | None = None
    minimum: float | None = None
    maximum: float | None = None

    @model_validator(mode="after")
    def _consistent(self) -> Column:
        if self.personal and self.kind not in ("identifier", "text"):
            raise ValueError(
                f"column {self.name!r}: 'personal' needs kind identifier or text, got {self.kind!r}"
            )
        if self.categories is not None and self.kind != "category":
            raise ValueError(
                f"column {self.name!r}: 'categories' needs kind category, got {self.kind!r}"
            )
        if self.minimum is not None and self.maximum is not None and self.minimum > self.maximum:
            raise ValueError(
                f"column {self.name!r}: minimum {self.minimum} is above maximum {self.maximum}"
            )
        return self

    def arriving_as(self, arrival: Column) -> Column:
        """This declaration for cells that arrive in the form of ``arrival``.

        A schema made from a CSV file then also serves the same table as typed columns.
        """
        form = {"native": arrival.native}
        if self.dtype != arrival.dtype:
            names = ("dtype", "unit", "zone", "ordered", "text_format")
            form |= {name: getattr(arrival, name) for name in names}
            if self.missing_marker is None:
                form["missing_marker"] = arrival.missing_marker
        return self.model_copy(update=form)


class Relation(BaseModel):
    """What holds between columns in every row, and is kept in every synthetic row.

    A partial copy alone holds in some rows, and is kept as often as it does.

    Attributes:
        kind: ``copy``: the columns are equal. ``dependency``: the first decides each of the others.
            ``sum``: the first is ``constant`` plus the others times ``weights``, rounded to its
            decimals. ``partial_copy``: the second is the same as the first in some rows.
            ``ordering``: no column is above the next. ``missing_together``: the columns
            are missing in the same rows.
        columns: Two or more, of a partial copy two. The first column of a copy or dependency is
            the one that is learned; the first of a sum is the one that is computed.
        mutual: Of a dependency between two columns: the second decides the first as well.
        weights: Of a sum: one for each column but the first; ``None`` for 1 each.
        constant: Of a sum: what is added to it.
        share: Of a partial copy that was found: in which share of ``rows``, rounded.
        rows: Of one that was found: how many rows could have broken it, and none did; of a partial
            copy, how many rows hold a number that is no atom.
        break_rate_below: Of one that was found: upper end of the 95 % interval of the share of new
            rows that break it.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: RelationKind
    columns: tuple[str | int, ...]
    mutual: bool = False
    weights: tuple[float, ...] | None = None
    constant: float = 0.0
    share: float | None = None
    rows: int | None = None
    break_rate_below: float | None = None

    @model_validator(mode="after")
    def _consistent(self) -> Relation:
        what = f"{self.kind} of {', '.join(map(repr, self.columns))}"
        if len(self.columns) < 2 or len(set(self.columns)) < len(self.columns):
            raise ValueError(f"{what}: a relation needs two or more different columns")
        if self.mutual and (self.kind != "dependency" or len(self.columns) != 2):
            raise ValueError(f"{what}: 'mutual' needs a dependency between two columns")
        if self.kind == "partial_copy" and len(self.columns) != 2:
            raise ValueError(f"{what}: a partial copy is of two columns; write one for each pair")
        if self.share is not None and (self.kind != "partial_copy" or not 0 <= self.share <= 1):
            raise ValueError(f"{what}: 'share' needs kind partial_copy, and is between 0 and 1")
        if self.kind != "sum" and (self.weights is not None or self.constant):
            raise ValueError(f"{what}: 'weights' and 'constant' need kind sum")
        if self.weights is not None and len(self.weights) != len(self.columns) - 1:
            raise ValueError(
                f"{what}: {len(self.weights)} weights for {len(self.columns) - 1} columns; give "
                "one for every column but the first, which is the sum"
            )
        numbers = (*(self.weights or ()), self.constant)
        if not all(map(math.isfinite, numbers)) or 0 in (self.weights or ()):
            raise ValueError(f"{what}: weights and constant must be finite, and no weight 0")
        return self

    @property
    def factors(self) -> tuple[float, ...]:
        """Weights of a sum, one for each column but the first."""
        return self.weights or (1.0,) * (len(self.columns) - 1)


class Schema(BaseModel):
    """The columns of a table in order, the kind of frame it came in, and what holds between them.

    Attributes:
        columns: The columns in order.
        relations: What holds in every row; ``None`` where nobody has looked yet: a fit then does.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    version: Literal[1] = SCHEMA_VERSION
    frame: Literal["pandas", "polars", "arrow"] = "pandas"
    columns: tuple[Column, ...]
    relations: tuple[Relation, ...] | None = None

    @model_validator(mode="after")
    def _unique_names(self) -> Schema:
        if not self.columns:
            raise ValueError("a schema needs at least one column")
        counts = Counter(column.name for column in self.columns)
        repeated = sorted(str(name) for name, count in counts.items() if count > 1)
        if repeated:
            raise ValueError(f"column names occur twice: {', '.join(repeated)}")
        for relation in self.relations or ():
            for name in relation.columns:
                if name not in counts:
                    raise ValueError(
                        f"a {relation.kind} relation names a column {name!r} that there is not"
                        f"{nearest(name, self.names)}"
                    )
        return self

    @property
    def names(self) -> list[str | int]:
        """Column names in order."""
        return [column.name for column in self.columns]

    def __iter__(self) -> Iterator[Column]:  # type: ignore[override]
        return iter(self.columns)

    def __len__(self) -> int:
        return len(self.columns)

    @cached_property
    def _by_name(self) -> dict[str | int, Column]:
        return {column.name: column for column in self.columns}

    def __contains__(self, name: object) -> bool:
        return name in self._by_name

    def __getitem__(self, name: str | int) -> Column:
        try:
            return self._by_name[name]
        except KeyError:
            raise SchemaError(f"no column {name!r}{nearest(name, self.names)}") from None

    @classmethod
    def infer(cls, data: Any) -> Schema:
        """Detect the schema of a pandas, polars or Arrow table.

        Raises:
            InvalidInputError: If the table has no rows, no columns, or repeated column names.
        """
        from synthgen.detection import infer_schema

        return infer_schema(data)

    @classmethod
    def given(cls, schema: Schema | dict[str, Any] | str | Path) -> Schema:
        """A schema that is one already, or a dict, or in a file."""
        if isinstance(schema, Schema):
            return schema
        return cls.from_dict(schema) if isinstance(schema, dict) else cls.load(schema)

    def validate_frame(self, frame: pd.DataFrame) -> None:
        """Raise `SchemaError` unless ``frame`` has exactly this schema's columns."""
        found = list(frame.columns)
        present = set(found)
        for name in self.names:
            if name not in present:
                raise SchemaError(
                    f"the table has no column {name!r} that the schema declares"
                    f"{nearest(name, found)}"
                )
        for name in found:
            if name not in self:
                raise SchemaError(
                    f"the table has a column {name!r} that the schema does not declare; "
                    f"add it to the schema or drop it from the table{nearest(name, self.names)}"
                )

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready dict; fields at their default are left out."""
        return {
            "version": self.version,
            "frame": self.frame,
            "columns": [
                {"name": c.name, "kind": c.kind}
                | c.model_dump(mode="json", exclude_defaults=True, exclude={"name", "kind"})
                for c in self.columns
            ],
        } | (
            {}
            if self.relations is None
            else {
                "relations": [
                    {"kind": r.kind, "columns": list(r.columns)}
                    | r.model_dump(mode="json", exclude_defaults=True, exclude={"kind", "columns"})
                    for r in self.relations
                ]
            }
        )

    @classmethod
    def from_dict(cls, data: object, where: str = "schema") -> Schema:
        """Inverse of `to_dict`; raises `SchemaError` naming the offending entry."""
        try:
            return cls.model_validate(data)
        except ValidationError as error:
            first = error.errors()[0]
            place = ".".join(str(part) for part in first["loc"]) or "top level"
            raise SchemaError(f"{where}: at {place}: {first['msg']}") from None

    def save(self, path: str | Path) -> None:
        """Write the schema as a JSON file."""
        Path(path).write_text(json.dumps(self.to_dict(), indent=2, ensure_ascii=False) + "\n")

    @classmethod
    def load(cls, path: str | Path) -> Schema:
        """Read a schema from a JSON file."""
        try:
            data = json.loads(Path(path).read_text(encoding="utf-8"))
        except OSError as error:
            raise SchemaError(f"{path}: cannot read the schema file: {error.strerror}") from None
        except (UnicodeDecodeError, json.JSONDecodeError) as error:
            raise SchemaError(f"{path}: not a JSON file: {error}") from None
        return cls.from_dict(data, where=str(path))


def nearest(name: object, choices: list[Any]) -> str:
    """'; did you mean ...?' for the choice closest to ``name``, or what there is."""
    close = difflib.get_close_matches(str(name), [str(choice) for choice in choices], n=1)
    if close:
        return f"; did you mean {close[0]!r}?"
    listed = ", ".join(repr(choice) for choice in choices[:8])
    return f"; there is {listed}{', ...' if len(choices) > 8 else ''}"
