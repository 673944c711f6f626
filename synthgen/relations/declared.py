"""Relations of a schema against a table: found where nobody has looked, checked where declared."""

from __future__ import annotations

import pandas as pd

from synthgen.relations.finding import find_relations
from synthgen.relations.kept import Kept
from synthgen.relations.plan import Plan
from synthgen.schema import Schema


def with_relations(frame: pd.DataFrame, schema: Schema) -> Schema:
    """The schema with the relations that hold in a canonical frame.

    Those it has are checked; where it has none, not even an empty list, they are found.

    Raises:
        SchemaError: If a row breaks a relation or repeats what is unique, if hardly any row keeps a
            partial copy, or if relations do not go together.
    """
    if schema.relations is not None:
        Plan.of(schema)
    kept = Kept(schema)
    kept.see(frame, 0)
    schema = kept.schema()
    if schema.relations is None:
        return schema.model_copy(update={"relations": find_relations(frame, schema)})
    return schema
