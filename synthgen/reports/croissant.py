"""Metadata of a synthetic table in Croissant 1.1, the JSON-LD vocabulary of MLCommons."""

from __future__ import annotations

from typing import Any

import pandas as pd

from synthgen.evaluation.features import read_as

_CONFORMS = "http://mlcommons.org/croissant/1.1"
_TYPES = {
    "number": "sc:Float",
    "boolean": "sc:Boolean",
    "datetime": "sc:DateTime",
    "duration": "sc:Text",
    "category": "sc:Text",
}
_FORMATS = {".parquet": "application/x-parquet", ".csv": "text/csv", ".gz": "application/gzip"}
_CONTEXT = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    "citeAs": "cr:citeAs",
    "column": "cr:column",
    "conformsTo": "dct:conformsTo",
    "cr": "http://mlcommons.org/croissant/",
    "rai": "http://mlcommons.org/croissant/RAI/",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "dct": "http://purl.org/dc/terms/",
    "equivalentProperty": "cr:equivalentProperty",
    "examples": {"@id": "cr:examples", "@type": "@json"},
    "extract": "cr:extract",
    "field": "cr:field",
    "fileProperty": "cr:fileProperty",
    "fileObject": "cr:fileObject",
    "fileSet": "cr:fileSet",
    "format": "cr:format",
    "includes": "cr:includes",
    "isLiveDataset": "cr:isLiveDataset",
    "jsonPath": "cr:jsonPath",
    "key": "cr:key",
    "md5": "cr:md5",
    "parentField": "cr:parentField",
    "path": "cr:path",
    "recordSet": "cr:recordSet",
    "references": "cr:references",
    "regex": "cr:regex",
    "repeated": "cr:repeated",
    "replace": "cr:replace",
    "samplingRate": "cr:samplingRate",
    "sc": "https://schema.org/",
    "separator": "cr:separator",
    "source": "cr:source",
    "subField": "cr:subField",
    "transform": "cr:transform",
}


def croissant(
    name: str, table: pd.DataFrame, sha256: str, version: str, about: str, made_by: str
) -> dict[str, Any]:
    """JSON-LD of one file of synthetic rows.

    Args:
        name: The file's name.
        table: Its rows, for the kinds of columns; no value of them is told.
        sha256: Of the file.
        version: Of the package that made it.
        about: What the rows are and how they may be used.
        made_by: The model.
    """
    ending = next((e for e in _FORMATS if name.lower().endswith(e)), ".csv")
    return {
        "@context": _CONTEXT,
        "@type": "sc:Dataset",
        "name": name,
        "description": about,
        "conformsTo": _CONFORMS,
        "isLiveDataset": False,
        "version": "1.0.0",
        "rai:dataCollection": f"Drawn by synthgen {version} from a generative model ({made_by}).",
        "distribution": [
            {
                "@type": "cr:FileObject",
                "@id": "rows",
                "name": name,
                "contentUrl": name,
                "encodingFormat": _FORMATS[ending],
                "sha256": sha256,
            }
        ],
        "recordSet": [
            {
                "@type": "cr:RecordSet",
                "@id": "records",
                "name": "records",
                "field": [_field(column, table[column]) for column in table.columns],
            }
        ],
    }


def _field(name: Any, column: pd.Series) -> dict[str, Any]:
    whole = pd.api.types.is_integer_dtype(column.dtype)
    return {
        "@type": "cr:Field",
        "@id": f"records/{name}",
        "name": str(name),
        "dataType": "sc:Integer" if whole else _TYPES[read_as(column)],
        "source": {"fileObject": {"@id": "rows"}, "extract": {"column": str(name)}},
    }
