"""Asks the readers about one Parquet file. Usage: parquet.py types|filters FILE. Prints JSON."""

import json
import math
import operator
import sys

import duckdb
import polars
import pyarrow
import pyarrow.compute as pc
import pyarrow.dataset as ds
import pyarrow.parquet as pq

question, path = sys.argv[1:]


def types():
    """The type of each column, by reader."""
    with duckdb.connect() as c:
        by_duckdb = {name: kind for name, kind, *_ in c.execute("describe select * from read_parquet(?)", [path]).fetchall()}
    return {
        "pyarrow": {f.name: str(f.type) for f in pq.read_schema(path)},
        "DuckDB": by_duckdb,
        "Polars": {name: str(kind) for name, kind in polars.scan_parquet(path).collect_schema().items()},
    }


OPERATORS = {"<": (operator.lt, pc.less), "=": (operator.eq, pc.equal), ">=": (operator.ge, pc.greater_equal)}


def filters():
    """Counts rows by filters, which readers answer with the help of statistics, and without them. Returns where the two differ."""
    table = pq.read_table(path)
    dataset = ds.dataset(path)
    frame = polars.scan_parquet(path)
    whole = polars.read_parquet(path)
    wrong, asked = [], 0
    with duckdb.connect() as c:
        c.execute("set enable_progress_bar = false")
        c.execute("create table whole as select * from read_parquet(?)", [path])
        for field in table.schema:
            if pyarrow.types.is_nested(field.type) or pyarrow.types.is_boolean(field.type):
                continue
            column = table.column(field.name)
            for i in range(0, table.num_rows, table.num_rows // 3):
                pivot = column[i]
                if not pivot.is_valid or (pyarrow.types.is_floating(field.type) and math.isnan(pivot.as_py())):
                    continue
                for name, (compare, arrow_compare) in OPERATORS.items():
                    asked += 1
                    if not pyarrow.types.is_fixed_size_binary(field.type) or pyarrow.types.is_decimal(field.type):
                        want = pc.sum(arrow_compare(column, pivot)).as_py() or 0
                        got = dataset.count_rows(filter=arrow_compare(pc.field(field.name), pivot))
                        if want != got:
                            wrong.append(f"pyarrow: {field.name} {name} {pivot}: {got} rows, without statistics {want}")
                    # A copy of the pivot in SQL keeps its type and all its digits.
                    quoted = '"' + field.name + '"'
                    count = f"select count(*) from {{}} where {quoted} {name} (select {quoted} from whole limit 1 offset {i})"
                    want = c.execute(count.format("whole")).fetchone()[0]
                    got = c.execute(count.format("read_parquet(?)"), [path]).fetchone()[0]
                    if want != got:
                        wrong.append(f"duckdb: {field.name} {name} {pivot}: {got} rows, without statistics {want}")
                    literal = polars.lit(whole.get_column(field.name).slice(i, 1).first(), dtype=whole.schema[field.name])
                    want = whole.select(compare(polars.col(field.name), literal).sum()).item()
                    got = frame.filter(compare(polars.col(field.name), literal)).select(polars.len()).collect().item()
                    if want != got:
                        wrong.append(f"polars: {field.name} {name} {pivot}: {got} rows, without statistics {want}")
    return {"asked": asked, "wrong": wrong}


def statistics():
    """How many row groups a filter on a column of numbers leaves, by pyarrow: the statistics are there and are believed."""
    fragment = next(ds.dataset(path).get_fragments())
    meta = pq.ParquetFile(path).metadata
    return {
        "row_groups": meta.num_row_groups,
        "left": len(fragment.subset(pc.field("_kafka_offset") == 5).row_groups),
        "without": [meta.row_group(0).column(i).path_in_schema for i in range(meta.num_columns) if not meta.row_group(0).column(i).is_stats_set],
    }


print(json.dumps({"types": types, "filters": filters, "statistics": statistics}[question]()))
