"""Kinds and forms are right on real tables, typed and as text, and on awkward columns."""

from __future__ import annotations

import datetime as dt
import uuid
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from synthgen import cells
from synthgen.detection import infer_column, infer_schema
from synthgen.schema import Column, Schema

# By table, the kinds of its columns: "kind: names". What is not named is `rest`.
EXPECTED: dict[str, dict[str, Any]] = {
    "adult": {
        "integer": "age fnlwgt education-num capital-gain capital-loss hours-per-week",
        "rest": "category",
        "markers": {"workclass": "?", "occupation": "?", "native-country": "?"},
    },
    "penguins": {
        "category": "species island sex",
        "float": "bill_length_mm bill_depth_mm",
        "rest": "integer",
    },
    "beijing_pm25": {
        "identifier": "No", "category": "cbwd", "float": "TEMP PRES Iws", "rest": "integer",
    },
    "california_housing": {"category": "ocean_proximity", "rest": "float"},
    "diabetic_data": {
        "identifier": "encounter_id patient_nbr",
        "integer": "admission_type_id discharge_disposition_id admission_source_id "
        "time_in_hospital num_lab_procedures num_procedures num_medications number_outpatient "
        "number_emergency number_inpatient number_diagnoses",
        "rest": "category",
        "markers": {"race": "?", "weight": "?", "diag_1": "?", "payer_code": "?"},
        "no_marker": "max_glu_serum A1Cresult change",
    },
    "titanic": {
        "integer": "survived pclass sibsp parch",
        "float": "age fare",
        "boolean": "adult_male alone",
        "rest": "category",
    },
    "taxis": {
        "datetime": "pickup dropoff",
        "integer": "passengers",
        "float": "distance fare tip tolls total",
        "rest": "category",
    },
    "heart_disease_4sites": {"category": "site", "integer": "num", "rest": "float"},
    "nsl_kdd_train20pct": {
        "category": "protocol_type service flag label",
        "float": "serror_rate srv_serror_rate rerror_rate srv_rerror_rate same_srv_rate "
        "diff_srv_rate srv_diff_host_rate dst_host_same_srv_rate dst_host_diff_srv_rate "
        "dst_host_same_src_port_rate dst_host_srv_diff_host_rate dst_host_serror_rate "
        "dst_host_srv_serror_rate dst_host_rerror_rate dst_host_srv_rerror_rate",
        "rest": "integer",
    },
    "nyc311_animals": {
        "identifier": "Unique Key|Location",
        "datetime": "Created Date|Closed Date|Resolution Action Updated Date",
        "text": "Incident Address",
        "float": "Latitude|Longitude",
        "integer": "Incident Zip|X Coordinate (State Plane)|Y Coordinate (State Plane)",
        "rest": "category",
        "empty": "Facility Type|Due Date",
    },
    "airlines_allyears2k": {
        "category": "UniqueCarrier TailNum Origin Dest CancellationCode IsArrDelayed IsDepDelayed",
        "rest": "integer",
        "markers": {"TailNum": "NA", "DepTime": "NA", "CancellationCode": "NA"},
    },
    "flights": {"category": "carrier tailnum origin dest", "rest": "integer"},
    "planes": {
        "identifier": "tailnum",
        "category": "type manufacturer model engine",
        "rest": "integer",
    },
    "weather": {
        "category": "origin",
        "datetime": "time_hour",
        "integer": "year month day hour wind_dir",
        "rest": "float",
    },
    "airports": {
        "identifier": "faa", "text": "name", "float": "lat lon", "integer": "alt tz",
        "rest": "category",
    },
}  # fmt: skip
FILES = {
    "beijing_pm25": "tabular/beijing_pm25.csv",
    "california_housing": "tabular/california_housing.csv",
    "diabetic_data": "tabular/diabetic_data.csv.gz",
    "titanic": "tabular/titanic.csv",
    "taxis": "tabular/taxis.csv",
    "heart_disease_4sites": "tabular/heart_disease_4sites.csv",
    "nsl_kdd_train20pct": "tabular/nsl_kdd_train20pct.csv",
    "nyc311_animals": "messy/nyc311_animals.csv",
    "airlines_allyears2k": "messy/airlines_allyears2k.csv",
    "flights": "relational/nycflights13/flights.csv.gz",
    "planes": "relational/nycflights13/planes.csv",
    "weather": "relational/nycflights13/weather.csv",
    "airports": "relational/nycflights13/airports.csv",
}
ROOT = Path(__file__).resolve().parents[1]
ADULT = ROOT / "synthgen" / "data" / "adult_train.csv.gz"
PENGUINS = ROOT / "tests" / "data" / "penguins.csv"
ROWS = 60_000  # of the largest tables, so that the test is quick


def read_table(path: Path, as_text: bool) -> pd.DataFrame:
    if as_text:
        return pd.read_csv(path, dtype="string", keep_default_na=False, nrows=ROWS)
    return pd.read_csv(path, low_memory=False, nrows=ROWS)


def expected_kinds(table: str, names: list[str]) -> dict[str, str]:
    entry = EXPECTED[table]
    kinds = dict.fromkeys(names, entry["rest"])
    for kind, listed in entry.items():
        if kind not in ("rest", "markers", "no_marker", "empty"):
            for name in listed.split("|") if "|" in listed or " " in names[0] else listed.split():
                assert name in kinds
                kinds[name] = kind
    return kinds


def check_table(table: str, path: Path, as_text: bool) -> None:
    data = read_table(path, as_text)
    schema = infer_schema(data)
    found = {column.name: column.kind for column in schema}
    wanted = expected_kinds(table, list(data.columns))
    for column in schema:
        # Integers beside missing cells are floats in a typed frame, and stay floats.
        if column.dtype == "float64" and wanted[column.name] == "integer":
            assert column.decimals == 0
            wanted[column.name] = "float"
        if not as_text and data[column.name].isna().all():
            wanted[column.name] = found[column.name]
    assert found == wanted
    for name, marker in EXPECTED[table].get("markers", {}).items():
        assert schema[name].missing_marker == (marker if as_text or marker == "?" else None), name
    for name in EXPECTED[table].get("no_marker", "").split():
        assert schema[name].missing_marker is None
    check_round_trip(data, schema)


def check_round_trip(data: pd.DataFrame, schema: Schema) -> None:
    """Cells come back, but for a second marker or a second way to write the same number."""
    for column in schema:
        series = data[column.name]
        read = cells.read(series, column)
        back = cells.write(read, column)
        assert back.dtype == series.dtype
        again = cells.read(back, column)
        assert (again.missing == read.missing).all()
        assert (again.values[~read.missing] == read.values[~read.missing]).all()
        same = np.asarray((series == back) | (series.isna() & back.isna())).astype(bool)
        assert same.mean() > 0.6, column.name


@pytest.mark.parametrize("as_text", [True, False], ids=["text", "typed"])
def test_adult(as_text: bool) -> None:
    check_table("adult", ADULT, as_text)


@pytest.mark.parametrize("as_text", [True, False], ids=["text", "typed"])
def test_penguins(as_text: bool) -> None:
    check_table("penguins", PENGUINS, as_text)


@pytest.mark.shared_data
@pytest.mark.parametrize("as_text", [True, False], ids=["text", "typed"])
@pytest.mark.parametrize("table", FILES)
def test_full_tables(shared_data: Path, table: str, as_text: bool) -> None:
    check_table(table, shared_data / FILES[table], as_text)


@pytest.mark.shared_data
def test_an_address_is_found_by_its_values(shared_data: Path) -> None:
    data = read_table(shared_data / FILES["nyc311_animals"], True)
    schema = infer_schema(data)
    assert schema["Incident Address"].personal == "address"
    assert [column.name for column in schema if column.personal] == ["Incident Address"]
    anonymous = data.rename(columns={"Incident Address": "c10"})
    assert infer_schema(anonymous)["c10"].personal == "address"


def column_of(cells: Any, name: Any = "x", dtype: Any = "object") -> Column:
    return infer_column(pd.Series(cells, dtype=dtype), name)


@pytest.mark.parametrize(
    ("texts", "kind"),
    [
        (["1", "2", "10"], "integer"),
        (["1", " 2", "10 "], "integer"),
        (["1", "None", "-", "3"], "integer"),
        (["1", "", "n/a", "3.5"], "float"),
        (["1e-5", "2.5E3", "1"], "float"),
        (["1,234", "5", "1,000,000"], "integer"),
        (["$5.00", "$1,200.50"], "float"),
        (["45%", "7.5%"], "float"),
        (["01234", "98101"], "category"),
        (["1.2.3", "4.5.6"], "category"),
        (["1", "2", "three"], "category"),
        (["-", "1-2"], "category"),
        (["0x1F", "0x20"], "category"),
        (["1_000", "2_000"], "category"),
        (["\uff11", "\uff12"], "category"),
        (["True", "False", ""], "boolean"),
        (["true", "true"], "boolean"),
        (["TRUE", "False"], "category"),
        (["YES", "NO"], "category"),
        (["None", "Norm", ">200"], "category"),
        (["2020-01-01", "2020-12-31", "NaT"], "datetime"),
        (["2020-01-01", "2020-13-01"], "category"),
        (["20200101", "20201231"], "integer"),
        (["12/31/2020", "1/5/2021"], "datetime"),
        (["31/12/2020", "05/01/2021"], "datetime"),
        (["13/12/2020", "12/13/2020"], "category"),
        (["14 March 2025", "1 May 2024"], "datetime"),
        (["Mar 14, 2025", "May 1, 2024"], "datetime"),
        (["2020-01-01 10:00", "2020-01-01"], "category"),
        (["10:30", "9:15", "26:00"], "duration"),
        (["1 days 00:00:01", "0 days 12:00:00"], "duration"),
        (["", "?", ""], "category"),
        (["[70-80)", "[60-70)"], "category"),
        (["192.168.1.1", "10.0.0.1"], "category"),
    ],
)
def test_texts(texts: list[str], kind: str) -> None:
    assert column_of(texts).kind == kind


@pytest.mark.parametrize(
    ("texts", "form"),
    [
        (["3/4/2025", "12/13/2025"], "%-m/%-d/%Y"),
        (["03/04/2025", "12/13/2025"], "%m/%d/%Y"),
        (["03/04/2025", "02/05/2025"], "%m/%d/%Y"),
        (["13/04/2025", "02/05/2025"], "%d/%m/%Y"),
        (["03.04.2025", "02.05.2025"], "%d.%m.%Y"),
        (["2025/3/4", "2025/12/31"], "%Y/%-m/%-d"),
        (["12/31/20", "01/02/21"], "%m/%d/%y"),
        (["2025-03-04T05:06:07.123Z"], "%Y-%m-%dT%H:%M:%S.%3fZ"),
        (["2025-03-04 05:06:07+02:00"], "%Y-%m-%d %H:%M:%S%:z"),
        (["3/4/2025 1:20 PM"], "%-m/%-d/%Y %-I:%M %p"),
    ],
)
def test_date_formats(texts: list[str], form: str) -> None:
    column = column_of(texts)
    assert (column.kind, column.text_format) == ("datetime", form)


def test_number_pictures_and_decimals() -> None:
    assert (column_of(["0.00", "1.50"]).decimals, column_of(["0.00", "1.50"]).text_format) == (
        1, "0.00",
    )  # fmt: skip
    assert column_of(["52.0", "3.0"]).decimals == 0
    assert column_of(["$1,200.50", "$3.25"]).text_format == "$#,##0.00"
    assert column_of([1.25, 3.5], dtype="float64").decimals == 2
    assert column_of([1.0, np.nan], dtype="float64").decimals == 0
    assert column_of([1 / 3, 2 / 3], dtype="float64").decimals is None
    assert column_of([0.1, 0.2], dtype="float32").decimals == 1


def test_missing_markers() -> None:
    assert column_of(["a", "?", "?", "NA", "b"]).missing_marker == "?"
    assert column_of(["1", "None", "3"]).missing_marker == "None"
    assert column_of(["a", "None", "b"]).missing_marker is None
    assert column_of(["1", None, "?"]).missing_marker is None
    assert column_of(["1", "2"]).nullable is False
    second = cells.read(pd.Series(["a", "?", "?", "NA"]), column_of(["a", "?", "?", "NA"]))
    assert second.levels == ("NA", "a")


def rows(n: int, form: str) -> list[str]:
    return [form.format(i * 7919 % 100_003) for i in range(n)]


@pytest.mark.parametrize(
    ("cells", "name", "dtype", "expected"),
    [
        (range(1, 101), "No", "int64", ("identifier", True, "#1")),
        (range(100), "Unnamed: 0", "int64", ("identifier", True, "#0")),
        (range(1, 101), "anything", "int64", ("identifier", True, "#1")),
        (range(1990, 2020), "year", "int64", ("integer", False, None)),
        (range(1001, 1101), "order no", "int64", ("identifier", True, "#1000")),
        ([i * 37 + 12_000_000 for i in range(50)], "Unique Key", "int64",
         ("identifier", True, "19999999")),
        ([i * 37 + 12_000_000 for i in range(50)], "weight", "int64", ("integer", False, None)),
        ([i * 37 % 997 + 10_000 for i in range(50)], "fnlwgt", "int64", ("integer", False, None)),
        ([i % 7 for i in range(50)], "admission_type_id", "int64", ("integer", False, None)),
        ([i * 2 // 3 * 31 + 100_000 for i in range(60)], "customer_id", "int64",
         ("identifier", False, "199999")),
        ([i + 0.5 for i in range(50)], "id", "float64", ("float", False, None)),
        ([-i for i in range(50)], "id", "int64", ("integer", False, None)),
        (rows(50, "N{:05d}"), "tail", "object", ("identifier", True, r"\N99999")),
        (rows(50, "{:06d}"), "code", "object", ("identifier", True, r"\099999")),
        (rows(9, "C{:05d}"), "customer_id", "object", ("identifier", True, r"\C99999")),
        (rows(50, "AB-{:05d}-x") * 20, "code", "object", ("category", False, None)),
        ([str(uuid.UUID(int=i * 10**35 + 7)) for i in range(9)], "u", "object",
         ("identifier", True, r"xxxxxxxx-xxxx-\4xxx-\8xxx-xxxxxxxxxxxx")),
        ([f"{i * 2**57 + 12345:016x}" for i in range(1, 60)], "h", "object",
         ("identifier", True, None)),
        (["red", "green", "blue"], "colour", "object", ("category", False, None)),
        ([*"abcdefghij"], "letter", "object", ("category", False, None)),
    ],
    ids=str,
)  # fmt: skip
def test_keys(cells: Any, name: str, dtype: str, expected: tuple[str, bool, str | None]) -> None:
    column = column_of(list(cells), name, dtype)
    assert (column.kind, column.unique) == expected[:2]
    if expected[2] is not None or column.kind != "identifier":
        assert column.pattern == expected[2]


def test_a_year_is_not_a_key_but_a_shuffled_key_is() -> None:
    shuffled = np.random.default_rng(0).permutation(np.arange(1, 60))
    assert column_of(shuffled, "id", "int64").pattern == "#1"


def test_free_text_and_its_length() -> None:
    texts = [f"the patient number {i} came back on day {i * 3} with a cough" for i in range(50)]
    column = column_of(texts, "notes")
    assert (column.kind, column.length) == ("text", 50)
    assert column_of(texts[:3] * 50, "notes").kind == "category"


@pytest.mark.parametrize(
    ("cells", "dtype", "fields"),
    [
        ([dt.date(2020, 1, 1)], "object",
         {"kind": "datetime", "native": "date", "resolution": 86_400}),
        ([dt.timedelta(hours=3)], "object", {"kind": "duration", "unit": "us"}),
        ([True, None], "object", {"kind": "boolean", "native": "bool|None"}),
        ([1, "a"], "object", {"kind": "category", "native": "mixed"}),
        ([None, None], "object", {"kind": "category", "native": "str|None"}),
        ([np.nan, np.nan], "float64", {"kind": "float", "decimals": 0}),
        (pd.to_datetime(["2020-01-01 00:05", "2020-01-01 00:10"]), "datetime64[ns]",
         {"kind": "datetime", "unit": "ns", "resolution": 300 * 10**9}),
        (pd.to_datetime(["2020-01-01"]).tz_localize("Asia/Tokyo"), "datetime64[us, Asia/Tokyo]",
         {"kind": "datetime", "unit": "us", "zone": "Asia/Tokyo", "resolution": 3600 * 10**6}),
        ([2**64 - 1] * 9, "uint64", {"kind": "float", "dtype": "uint64"}),
    ],
    ids=str,
)  # fmt: skip
def test_typed_columns(cells: Any, dtype: str, fields: dict[str, Any]) -> None:
    column = column_of(cells, dtype=dtype)
    assert {name: getattr(column, name) for name in fields} == fields


def test_one_row_and_constant_columns() -> None:
    schema = infer_schema(pd.DataFrame({"a": [5], "b": ["x"], "c": ["2020-01-01"], "d": [""]}))
    assert [column.kind for column in schema] == ["integer", "category", "datetime", "category"]


def test_the_same_kinds_for_shuffled_rows() -> None:
    data = read_table(ADULT, True)
    shuffled = data.sample(frac=1, random_state=0)
    assert infer_schema(shuffled) == infer_schema(data)
