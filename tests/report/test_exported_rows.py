"""Rows of an archive, as CSV and as Parquet: what is stored comes out, each column with its meaning."""

from __future__ import annotations

import csv
import io
import json
import re
import zipfile

import pandas as pd
import pyarrow.parquet as pq
import pytest

from optbench import store
from optbench.records.measures import ROWS as MEASURES
from optbench.report.exporting import export, rows
from optbench.store import parquet
from tests.report import exported


def test_scalar_columns_come_out_as_they_are_stored(each_export):
    schema = each_export.run.schema
    stored = each_export.run.runs
    lines = list(csv.DictReader(io.StringIO(each_export.text("rows.csv"))))
    scalars = [name for name, column in schema.columns.items() if "list" not in column.type]
    assert list(lines[0]) == [*scalars, "run_id", "watermark"]
    by_id = {line["cell_id"]: line for line in lines}
    assert len(by_id) == len(stored)
    read = {"string": str, "bool": {"true": True, "false": False}.get, "int32": int, "int64": int, "float64": float}
    for _, row in stored.iloc[::97].iterrows():
        line = by_id[row["cell_id"]]
        for name in scalars:
            if pd.isna(row[name]):
                assert line[name] == ""
            else:
                assert read[schema.columns[name].type](line[name]) == row[name], name
        assert line["run_id"] == each_export.run.manifest["run_id"]
        assert line["watermark"] == ""


def test_measures_come_with_their_seconds(exports):
    networks = exports("networks")
    lines = list(csv.DictReader(io.StringIO(networks.text("measures.csv"))))
    keys = ["cell_id", "point", "evals", "other_cell_id", "measure"]
    stored = networks.run.measures.set_index(keys)
    assert len(lines) == len(stored)
    for line in lines[::41]:
        row = stored.loc[(line["cell_id"], line["point"], int(line["evals"]), line["other_cell_id"], line["measure"])]
        assert float(line["seconds"]) == row["seconds"]
        assert float(line["estimate"] or "nan") == pytest.approx(row["estimate"], rel=0, nan_ok=True)
    assert "measures.csv" not in exports("landscapes").names


def test_seconds_stay_with_their_rows_whatever_their_order(tmp_path):
    one = dict.fromkeys(MEASURES.columns, "") | {"evals": 1, "estimate": -1.5, "grid": [], "values": []}
    one["standard_error"] = None
    columns = {name: [value] * 3 for name, value in one.items()} | {"cell_id": ["c2", "c0", "c1"]}
    store.write_shard(tmp_path, "m", columns, {"seconds": [2.0, 0.0, 1.0]}, schema=MEASURES)
    lines = list(csv.DictReader(io.StringIO(b"".join(rows.csv_pieces(tmp_path, MEASURES, {})).decode())))
    assert [(line["cell_id"], line["seconds"]) for line in lines] == [("c0", "0"), ("c1", "1"), ("c2", "2")]
    assert {(line["estimate"], line["standard_error"]) for line in lines} == {("-1.5", "")}


def test_every_column_has_its_meaning(each_export):
    schema = each_export.run.schema
    lines = [line for line in csv.DictReader(io.StringIO(each_export.text("columns.csv"))) if line["table"] == "rows"]
    for line, (name, column) in zip(lines, schema.columns.items(), strict=False):
        said = (line["column"], line["type"], line["unit"], line["meaning"])
        assert said == (name, column.type, column.unit, column.meaning)
        assert line["in_csv"] == str("list" not in column.type).lower()
        assert line["is_complete"] == str(name not in each_export.run.lacking).lower()
    assert [line["column"] for line in lines[len(schema.columns) :]] == ["run_id", "watermark"]


def test_lists_of_targets_and_curves_say_what_stands_where(tmp_path):
    folder = exported.of_functions(tmp_path / "run")
    exported.changed(folder, curves=None)
    export(store.load(folder), tmp_path / "a.zip")
    text = zipfile.ZipFile(tmp_path / "a.zip").read("places.csv").decode()
    lines = list(csv.DictReader(io.StringIO(text)))
    settled = [line["value"] for line in lines if line["column"] == "settled"]
    assert (len(settled), settled[9], settled[-1]) == (51, "0.01", "f_solved")
    points = [int(line["value"]) for line in lines if (line["column"], line["problem"]) == ("curve_f", "sphere-30d-i1")]
    assert (points[:9], points[-1]) == ([0, 1, 2, 3, 4, 5, 6, 8, 10], 1995)


def test_a_csv_is_that_of_the_archive(each_export, tmp_path):
    done = export(each_export.run, tmp_path / "rows.csv")
    assert (done.format, done.members, done.rows) == ("csv", 1, len(each_export.run.runs))
    assert done.path.read_bytes() == each_export.zip.read("rows.csv")


def test_a_parquet_file_has_all_columns_and_says_what_they_are(each_export, tmp_path):
    path = export(each_export.run, tmp_path / "rows.parquet", license="CC-BY-4.0").path
    file = pq.ParquetFile(path, page_checksum_verification=True)
    table = file.read()
    facts = json.loads(table.schema.metadata[b"optbench"])
    assert (facts["run_id"], facts["license"]) == (each_export.run.manifest["run_id"], "CC-BY-4.0")
    for name, column in each_export.run.schema.columns.items():
        assert table.schema.field(name).metadata[b"meaning"].decode() == column.meaning
    shards = [each_export.zip.read(name) for name in each_export.names if re.fullmatch(r"shards/[^/]*\.parquet", name)]
    stored = {row["cell_id"]: row for shard in shards for row in pq.read_table(io.BytesIO(shard)).to_pylist()}
    found = table.to_pylist()
    assert len(found) == len(stored)
    assert all({name: row[name] for name in stored[row["cell_id"]]} == stored[row["cell_id"]] for row in found[::53])
    assert file.num_row_groups == len(shards)


def test_a_csv_decodes_no_list_and_holds_no_more_than_a_shard(exports, monkeypatch):
    run = exports("landscapes").run
    decoded = []
    load = parquet.load

    def spy(path, wanted=list, **options):
        return load(path, lambda there: decoded.append(found := wanted(there)) or found, **options)

    monkeypatch.setattr(parquet, "load", spy)
    pieces = rows.csv_pieces(run.path, run.schema, {})
    assert next(pieces).count(b"\n") == 769
    assert len(decoded) == 1
    assert [piece.count(b"\n") for piece in pieces] == [768, 768, 768]
    lists = {name for name, column in run.schema.columns.items() if "list" in column.type}
    assert not lists & {name for names in decoded for name in names}
