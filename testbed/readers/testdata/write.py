"""Writes the same four rows as Parquet (in two folders) and as Avro into the folder of the first argument."""

import datetime
import decimal
import pathlib
import sys

import fastavro
import pyarrow as pa
import pyarrow.parquet as pq

UTC = datetime.timezone.utc
EPOCH = datetime.datetime(1970, 1, 1, tzinfo=UTC)
DAY = datetime.date(1970, 1, 1)


def row(partition, offset, amount, blob, day, labels, name, nested, ratio, seen, tags):
    return {"_kafka_partition": partition, "_kafka_offset": offset, "amount": None if amount is None else decimal.Decimal(amount), "blob": blob,
            "day": None if day is None else DAY + datetime.timedelta(days=day), "labels": labels, "name": name, "nested": nested, "ratio": ratio,
            "seen": None if seen is None else EPOCH + datetime.timedelta(milliseconds=seen), "tags": tags}


ROWS = [
    row(1, 9, "1.0000", b"hi", 0, {"k": None}, "späť", {"x": 2, "y": "z"}, 0.1, 0, [None, "v"]),
    row(1, 3, None, None, None, None, None, None, None, None, None),
    row(0, 5, "-0.0001", b"", -1, {}, "", {"x": None, "y": ""}, float("-inf"), -1, []),
    row(0, 4, "12.3400", b"\x00\xff", 20000, {"b": 2, "a": 1}, "zwei", {"x": 1, "y": "s"}, float("nan"), 1700000000123, ["t", "u"]),
]

schema = pa.schema([
    ("_kafka_partition", pa.int32()), ("_kafka_offset", pa.int64()), ("amount", pa.decimal128(18, 4)), ("blob", pa.binary()), ("day", pa.date32()),
    ("labels", pa.map_(pa.string(), pa.int64())), ("name", pa.string()), ("nested", pa.struct([("x", pa.int64()), ("y", pa.string())])),
    ("ratio", pa.float64()), ("seen", pa.timestamp("ms", tz="UTC")), ("tags", pa.list_(pa.string())),
])
folder = pathlib.Path(sys.argv[1])
for hour, rows in (("00", ROWS[:3]), ("13", ROWS[3:])):
    path = folder / "parquet" / "dt=2026-11-20" / f"hr={hour}" / "part.parquet"
    path.parent.mkdir(parents=True)
    rows = [dict(r, labels=None if r["labels"] is None else list(r["labels"].items())) for r in rows]
    pq.write_table(pa.Table.from_pylist(rows, schema=schema), path)


def optional(name, kind):
    return {"name": name, "type": ["null", kind], "default": None}


avro = fastavro.parse_schema({"type": "record", "name": "Row", "fields": [
    {"name": "_kafka_partition", "type": "int"}, {"name": "_kafka_offset", "type": "long"},
    optional("amount", {"type": "bytes", "logicalType": "decimal", "precision": 18, "scale": 4}), optional("blob", "bytes"),
    optional("day", {"type": "int", "logicalType": "date"}), optional("labels", {"type": "map", "values": ["null", "long"]}), optional("name", "string"),
    optional("nested", {"type": "record", "name": "Nested", "fields": [optional("x", "long"), {"name": "y", "type": "string"}]}),
    optional("ratio", "double"), optional("seen", {"type": "long", "logicalType": "timestamp-millis"}),
    optional("tags", {"type": "array", "items": ["null", "string"]}),
]})
path = folder / "avro" / "dt=2026-11-20" / "hr=00" / "part.avro"
path.parent.mkdir(parents=True)
with open(path, "wb") as file:
    fastavro.writer(file, avro, ROWS, codec="zstandard")
