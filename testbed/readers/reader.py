"""Reads plain folders of Parquet and Avro files the way users do. One JSON request per line on stdin, answers on stdout.

An answer is one line of JSON: {"error": text}, or {"rows": n} followed by n lines with a row each, or {"digest": {...}}.
"""

import base64
import json
import math
import os
import pathlib
import sys
import traceback
import warnings

answers = os.fdopen(os.dup(1), "w", encoding="utf-8", buffering=1 << 20)
os.dup2(2, 1)  # what libraries print must not look like an answer
warnings.filterwarnings("ignore")


# Each reader returns an Arrow table.

def read_pyarrow(request):
    import pyarrow
    import pyarrow.dataset as ds

    # Pages that have a checksum must fit it.
    parquet = ds.ParquetFileFormat(default_fragment_scan_options=ds.ParquetFragmentScanOptions(page_checksum_verification=True))
    how = {"format": parquet, "partitioning": "hive" if request["hive"] else None}
    dataset = ds.dataset(request["folder"], **how)
    if request["evolved"]:
        schema = pyarrow.unify_schemas([f.physical_schema for f in dataset.get_fragments()] + [dataset.schema], promote_options="permissive")
        dataset = ds.dataset(request["folder"], schema=schema, **how)
    return dataset.to_table(columns=request["columns"] or None)


def read_duckdb(request):
    import duckdb

    names = ", ".join('"' + c.replace('"', '""') + '"' for c in request["columns"] or []) or "*"
    with duckdb.connect(config={"threads": 2, "autoinstall_known_extensions": False}) as connection:
        query = f"select {names} from read_parquet(?, hive_partitioning = ?, union_by_name = ?)"
        result = connection.execute(query, [request["folder"] + "/**/*.parquet", request["hive"], request["evolved"]])
        return result.to_arrow_table()


def read_polars(request):
    import polars

    if request["evolved"]:
        files = sorted(pathlib.Path(request["folder"]).rglob("*.parquet"))
        frame = polars.concat([polars.scan_parquet(f, hive_partitioning=request["hive"]) for f in files], how="diagonal_relaxed")
    else:
        frame = polars.scan_parquet(request["folder"], hive_partitioning=request["hive"])
    if request["columns"]:
        frame = frame.select(request["columns"])
    return frame.collect().to_arrow()


def read_polars_avro(request):
    import polars

    files = sorted(pathlib.Path(request["folder"]).rglob("*.avro"))
    return polars.concat([polars.read_avro(f, columns=request["columns"] or None) for f in files]).to_arrow()


READERS = {"pyarrow": read_pyarrow, "duckdb": read_duckdb, "polars": read_polars, "polars-avro": read_polars_avro}


# Columns of an Arrow table as plain values that JSON can carry.

def floats(values):
    def one(v):
        if v is None or math.isfinite(v):
            return v
        return "NaN" if math.isnan(v) else "Infinity" if v > 0 else "-Infinity"

    return [one(v) for v in values]


NANOS = {"s": 10**9, "ms": 10**6, "us": 10**3, "ns": 1}


def plain(array):
    import pyarrow as pa
    import pyarrow.types as t

    if isinstance(array, pa.ChunkedArray):
        return [v for chunk in array.chunks for v in plain(chunk)]
    if isinstance(array, pa.ExtensionArray):
        return plain(array.storage)
    kind = array.type
    if t.is_dictionary(kind):
        return plain(array.dictionary_decode())
    if t.is_timestamp(kind) or t.is_time64(kind) or t.is_duration(kind):
        return [None if v is None else v * NANOS[kind.unit] for v in array.cast(pa.int64()).to_pylist()]
    if t.is_time32(kind):
        return [None if v is None else v * NANOS[kind.unit] for v in array.cast(pa.int32()).to_pylist()]
    if t.is_date32(kind):
        return array.cast(pa.int32()).to_pylist()
    if t.is_date64(kind):
        return [None if v is None else v // 86_400_000 for v in array.cast(pa.int64()).to_pylist()]
    if t.is_decimal(kind):
        return [None if v is None else format(v, "f") for v in array.to_pylist()]
    if t.is_floating(kind):
        return floats(array.to_pylist())
    if t.is_binary(kind) or t.is_large_binary(kind) or t.is_fixed_size_binary(kind) or t.is_binary_view(kind):
        return [None if v is None else base64.b64encode(v).decode() for v in array.to_pylist()]
    if t.is_map(kind):
        keys, items = plain(array.keys), plain(array.items)
        return slices(array, [[k, v] for k, v in zip(keys, items)], pairs)
    if t.is_fixed_size_list(kind):
        return plain(array.cast(pa.list_(kind.value_type)))
    if t.is_list(kind) or t.is_large_list(kind):
        inner = kind.value_type
        # Polars has no maps: it shows them as lists of keys and values. All readers' lists of such structs count as maps.
        if t.is_struct(inner) and sorted(f.name for f in inner) == ["key", "value"]:
            return slices(array, [[e["key"], e["value"]] for e in plain(array.values)], pairs)
        return slices(array, plain(array.values), list)
    if t.is_struct(kind):
        columns = {f.name: plain(column) for f, column in zip(kind, array.flatten())}
        valid = array.is_valid().to_pylist()
        return [{name: column[i] for name, column in columns.items()} if ok else None for i, ok in enumerate(valid)]
    if t.is_null(kind) or t.is_boolean(kind) or t.is_integer(kind) or t.is_string(kind) or t.is_large_string(kind) or t.is_string_view(kind):
        return array.to_pylist()
    raise TypeError(f"no canonical form for {kind}")


def slices(array, values, make):
    offsets = array.offsets.to_pylist()
    valid = array.is_valid().to_pylist()
    return [make(values[offsets[i]:offsets[i + 1]]) if ok else None for i, ok in enumerate(valid)]


def pairs(entries):
    return sorted(entries, key=lambda e: json.dumps(e[0]))


# Avro has no Arrow table in between.

def avro_rows(request):
    import fastavro

    rows = []
    for path in sorted(pathlib.Path(request["folder"]).rglob("*.avro")):
        with open(path, "rb") as file:
            reader = fastavro.reader(file)
            schema = reader.writer_schema
            for row in reader:
                rows.append({f["name"]: avro_plain(f["type"], row[f["name"]]) for f in schema["fields"] if not request["columns"] or f["name"] in request["columns"]})
    return rows


def avro_plain(schema, value):
    import datetime
    import decimal
    import uuid

    if isinstance(value, dict):
        if isinstance(schema, list):
            schema = next((s for s in schema if isinstance(s, dict) and s["type"] in ("map", "record")), None)
        if schema and schema["type"] == "map":
            return pairs([[k, avro_plain(schema["values"], v)] for k, v in value.items()])
        types = {f["name"]: f["type"] for f in schema["fields"]} if schema else {}
        return {k: avro_plain(types.get(k), v) for k, v in value.items()}
    if isinstance(value, list):
        if isinstance(schema, list):
            schema = next((s for s in schema if isinstance(s, dict) and s["type"] == "array"), None)
        items = schema["items"] if schema else None
        plain_values = [avro_plain(items, v) for v in value]
        # As of the other readers' tables: lists of keys and values count as maps.
        if isinstance(items, dict) and sorted(f["name"] for f in items.get("fields", [])) == ["key", "value"]:
            return pairs([[e["key"], e["value"]] for e in plain_values])
        return plain_values
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if isinstance(value, float):
        return floats([value])[0]
    if isinstance(value, decimal.Decimal):
        return format(value, "f")
    if isinstance(value, datetime.datetime):
        epoch = datetime.datetime(1970, 1, 1, tzinfo=value.tzinfo and datetime.timezone.utc)
        return (value - epoch) // datetime.timedelta(microseconds=1) * 1000
    if isinstance(value, datetime.date):
        return (value - datetime.date(1970, 1, 1)).days
    if isinstance(value, datetime.time):
        return (((value.hour * 60 + value.minute) * 60 + value.second) * 10**6 + value.microsecond) * 1000
    if isinstance(value, uuid.UUID):
        return str(value)
    return value


# Requests.

def rows(request):
    if request["reader"] == "fastavro":
        found = avro_rows(request)
    else:
        table = READERS[request["reader"]](request)
        columns = [(name, plain(table.column(i))) for i, name in enumerate(table.column_names)]
        found = [{name: values[i] for name, values in columns} for i in range(table.num_rows)]
    order = request["order"]
    if found and all(c in found[0] for c in order):
        found.sort(key=lambda row: [row[c] for c in order])
    lines = [json.dumps(row, sort_keys=True, ensure_ascii=False, separators=(",", ":"), allow_nan=False) for row in found]
    if not found or not all(c in found[0] for c in order):
        lines.sort()
    return lines


def mix(numpy, x):
    """splitmix64, on arrays."""
    x = x + numpy.uint64(0x9E3779B97F4A7C15)
    x = (x ^ (x >> numpy.uint64(30))) * numpy.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> numpy.uint64(27))) * numpy.uint64(0x94D049BB133111EB)
    return x ^ (x >> numpy.uint64(31))


def integers(column):
    import pyarrow as pa

    if pa.types.is_timestamp(column.type):
        column = column.cast(pa.timestamp("ns", tz=column.type.tz))
    return column.cast(pa.int64()).to_numpy()


def digest(request):
    import numpy

    request["columns"] = request["order"] + [c for c in request["columns"] or [] if c not in request["order"]]
    if request["reader"] == "fastavro":
        found = avro_rows(request)
        columns = [numpy.array([row[c] for row in found], dtype=numpy.int64) for c in request["columns"]]
    else:
        table = READERS[request["reader"]](request)
        columns = [integers(table.column(c)) for c in request["columns"]]
    hashes = numpy.zeros(len(columns[0]), dtype=numpy.uint64)
    for column in columns:
        hashes = mix(numpy, hashes ^ column.astype(numpy.uint64))
    partitions = {}
    for p in numpy.unique(columns[0]):
        of = columns[0] == p
        offsets = columns[1][of]
        partitions[str(p)] = {"rows": len(offsets), "first": int(offsets.min()), "last": int(offsets.max()), "sum": str(hashes[of].sum(dtype=numpy.uint64))}
    return partitions


def answer(request):
    if request["operation"] == "digest":
        return [json.dumps({"digest": digest(request)})]
    lines = rows(request)
    return [json.dumps({"rows": len(lines)})] + lines


for line in sys.stdin:
    try:
        lines = answer(json.loads(line))
    except Exception as problem:
        traceback.print_exc()
        lines = [json.dumps({"error": f"{type(problem).__name__}: {problem}"})]
    answers.write("\n".join(lines) + "\n")
    answers.flush()
