from dataclasses import replace
from pathlib import Path

import pytest

from export_pipelines.errors import RequestError
from export_pipelines.plan import compile_plan
from export_pipelines.plan.window import window_of
from export_pipelines.plan.window_words import part_file_name
from export_pipelines_tests.plan.leads import plan, request


@pytest.mark.parametrize(
    ("format", "compression", "name"),
    [
        ("csv", "none", "leads_part_1.csv"),
        ("csv", "gzip", "leads_part_1.csv.gz"),
        ("tsv", "zip", "leads_part_1.tsv.zip"),
        ("json", "zstd", "leads_part_1.json.zst"),
        ("ndjson", "{gzip: 9}", "leads_part_1.ndjson.gz"),
        ("parquet", "zstd", "leads_part_1.parquet"),
    ],
)
def test_the_extension_tells_format_and_codec(
    tmp_path: Path, format: str, compression: str, name: str
) -> None:
    assert part_file_name(plan(tmp_path, f"format: {format}\ncompression: {compression}"), 1) == name


def test_parquet_compresses_inside_of_itself(tmp_path: Path) -> None:
    compiled = plan(tmp_path, "format: parquet\ncompression: {zstd: 5}")
    assert compiled.compression and compiled.compression.codec == "none"
    assert compiled.encoding and compiled.encoding.options == {"compression": "zstd", "level": 5}


def test_parquet_in_a_zip_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RequestError) as caught:
        plan(tmp_path, "format: parquet\ncompression: zip")
    assert "test_export.yaml:3: parquet is not put into zip" in str(caught.value)
    assert "allowed: none, gzip, zstd" in str(caught.value)


def test_a_name_of_ones_own_is_rendered_up_to_the_number(tmp_path: Path) -> None:
    compiled = plan(tmp_path, 'naming: "{{export}}_{{date}}_{{part | pad(4)}}.{{ext}}"')
    assert part_file_name(compiled, 12) == "test_export_2024-01-01_0012.csv"


def test_options_limits_parts_and_destinations_stand_in_the_plan(tmp_path: Path) -> None:
    compiled = plan(
        tmp_path,
        "format: {json: {pretty: true}}\nsplit: {rows: 1000, bytes: 20 MB}\nlimits: {rows: 9, bytes: 5 GB}\n"
        'skip_empty: true\ndeliver:\n  - folder: {path: "in/{{date}}", overwrite: never}',
    )
    assert compiled.encoding and compiled.encoding.options == {"pretty": True}
    output = compiled.output
    assert output
    assert (output.part_rows, output.part_bytes) == (1000, 20_000_000)
    assert (output.max_rows, output.max_bytes, output.skip_empty) == (9, 5_000_000_000, True)
    assert output.deliver == ({"kind": "folder", "settings": {"path": "in/{{date}}", "overwrite": "never"}},)


@pytest.mark.parametrize(
    ("path", "cadence", "delivered"),
    [
        ("in/{{date}}", "partition: daily", "in/{{date}}_{{key}}"),
        ("in/{{year}}/{{month}}/", "partition: monthly", "in/{{year}}/{{month}}_{{key}}"),
        ("in/{{key}}", "partition: daily", "in/{{key}}"),
        ("in/{{date}}", "", "in/{{date}}"),
    ],
)
def test_a_window_given_by_hand_does_not_replace_the_files_of_a_partition(
    tmp_path: Path, path: str, cadence: str, delivered: str
) -> None:
    compiled = plan(tmp_path, f'{cadence}\ndeliver:\n  - folder: {{path: "{path}"}}')
    assert compiled.output and compiled.output.deliver[0]["settings"]["path"] == delivered


def test_a_partition_is_delivered_to_the_path_as_it_is_written(tmp_path: Path) -> None:
    wanted = request(tmp_path, 'partition: monthly\ndeliver:\n  - folder: {path: "in/{{date}}"}')
    compiled = compile_plan(replace(wanted, window=window_of(wanted.definition, "2024-01-01")))
    assert compiled.output and compiled.output.deliver[0]["settings"]["path"] == "in/{{date}}"
