"""R and Node: the way to ask is an expression over `file`, whose value a few lines beside this one write as JSON."""

import json
import subprocess
from collections.abc import Mapping
from pathlib import Path

from readers.compare import Table
from readers.program import Program, debian_version, from_csv, from_floats, output_of
from readers.source import PACKED

HERE = Path(__file__).parent
PACKAGE = HERE / "node" / "package.json"


def ask_r(asked: str, file: Path) -> Table:
    return from_floats(output_of(["Rscript", str(HERE / "show.R"), asked, str(file)], file))


def ask_node(asked: str, file: Path) -> Table:
    return from_floats(output_of(["node", str(HERE / "node" / "show.mjs"), asked, str(file)], file))


def ask_java(asked: str, file: Path) -> Table:
    source = f"""import java.io.*; import java.nio.file.*; import java.util.zip.*;
class Show {{ public static void main(String[] of) throws Exception {{ String file = of[0]; {asked} }} }}"""
    program = file.parent / "Show.java"
    program.write_text(source, encoding="utf-8")
    return from_csv(output_of(["java", str(program), str(file)], file))


def install_node() -> None:
    """The libraries of package.json, beside it. Raises FileNotFoundError where they cannot be had."""
    if not (PACKAGE.parent / "node_modules").exists():
        call = [
            "npm",
            "install",
            "--no-package-lock",
            "--no-audit",
            "--no-fund",
            "--silent",
            "--prefix",
            str(PACKAGE.parent),
        ]
        if subprocess.run(call, check=False, stdout=subprocess.DEVNULL).returncode:
            raise FileNotFoundError("npm install")


def _r(
    name: str, package: str, readings: Mapping[str, tuple[str, ...]], unpackings: Mapping[str, str]
) -> Program:
    return Program(
        name,
        lambda: debian_version(package),
        ask_r,
        readings,
        unpackings,
        ("r-base-core", "r-cran-jsonlite", package),
    )


def _node(name: str, package: str, readings: Mapping[str, tuple[str, ...]]) -> Program:
    def version() -> str:
        install_node()
        return str(json.loads(PACKAGE.read_text(encoding="utf-8"))["dependencies"][package])

    return Program(name, version, ask_node, readings)


def _node_version() -> str:
    install_node()
    return (
        subprocess.run(["node", "--version"], capture_output=True, text=True, check=True)
        .stdout.strip()
        .removeprefix("v")
    )


JAVA_PART = "in.transferTo(System.out);"

PROGRAMS = (
    _r(
        "R, base",
        "r-base-core",
        {
            "csv": ("read.csv(file)", "read.csv(file, colClasses = 'character', na.strings = character())"),
            "tsv": ("read.csv(file, sep = '\\t', colClasses = 'character', na.strings = character())",),
        },
        {"gzip": "read.csv(file, colClasses = 'character', na.strings = character())"},
    ),
    _r(
        "R, readr",
        "r-cran-readr",
        {
            "csv": (
                "readr::read_csv(file)",
                "readr::with_edition(1, readr::read_csv(file, col_types = readr::cols(.default = 'c'), na = '', quoted_na = FALSE, trim_ws = FALSE))",
            ),
            "tsv": (
                "readr::with_edition(1, readr::read_tsv(file, col_types = readr::cols(.default = 'c'), na = '', quoted_na = FALSE, trim_ws = FALSE))",
            ),
        },
        dict.fromkeys(
            PACKED,
            "readr::read_csv(file, col_types = readr::cols(.default = 'c'), na = '', trim_ws = FALSE)",
        ),
    ),
    _r(
        "R, data.table",
        "r-cran-data.table",
        {
            "csv": (
                "data.table::fread(file)",
                "data.table::fread(file, colClasses = 'character', na.strings = '', strip.white = FALSE)",
            ),
        },
        {},
    ),
    _r(
        "R, jsonlite",
        "r-cran-jsonlite",
        {
            "json": ("jsonlite::fromJSON(file)", "jsonlite::fromJSON(file, bigint_as_char = TRUE)"),
            "ndjson": ("jsonlite::stream_in(file(file), verbose = FALSE)",),
        },
        {},
    ),
    _r(
        "R, readxl",
        "r-cran-readxl",
        {"xlsx": ("readxl::read_excel(file)", "readxl::read_excel(file, trim_ws = FALSE)")},
        {},
    ),
    Program(
        "Node",
        _node_version,
        ask_node,
        {
            "json": ("JSON.parse(fs.readFileSync(file, 'utf8'))",),
            "ndjson": ("fs.readFileSync(file, 'utf8').trimEnd().split('\\n').map(line => JSON.parse(line))",),
        },
        {"gzip": "csv.parse(zlib.gunzipSync(fs.readFileSync(file)), {columns: true})"},
    ),
    _node(
        "csv-parse",
        "csv-parse",
        {
            "csv": (
                "csv.parse(fs.readFileSync(file), {columns: true})",
                "csv.parse(fs.readFileSync(file), {columns: true, cast: (text, cell) => text === '' && !cell.quoting ? null : text})",
            ),
            "tsv": (
                "csv.parse(fs.readFileSync(file), {columns: true, delimiter: '\\t', cast: (text, cell) => text === '' && !cell.quoting ? null : text})",
            ),
        },
    ),
    _node(
        "Papa Parse",
        "papaparse",
        {
            "csv": (
                "Papa.parse(fs.readFileSync(file, 'utf8'), {header: true, skipEmptyLines: true}).data",
                "Papa.parse(fs.readFileSync(file, 'utf8'), {header: true, skipEmptyLines: true, dynamicTyping: true}).data",
            ),
            "tsv": ("Papa.parse(fs.readFileSync(file, 'utf8'), {header: true, skipEmptyLines: true}).data",),
        },
    ),
    _node("exceljs", "exceljs", {"xlsx": ("sheet(await new ExcelJS.Workbook().xlsx.readFile(file))",)}),
    _node(
        "hyparquet",
        "hyparquet",
        {
            "parquet": (
                "await parquetReadObjects({file: await asyncBufferFromFile(file)})",
                "await parquetReadObjects({file: await asyncBufferFromFile(file), compressors})",
            )
        },
    ),
    Program(
        "Java",
        lambda: debian_version("openjdk-17-jdk-headless"),
        ask_java,
        {},
        {
            "gzip": f"var in = new GZIPInputStream(new FileInputStream(file)); {JAVA_PART}",
            "zip": f"var in = new ZipInputStream(new FileInputStream(file)); in.getNextEntry(); {JAVA_PART}",
        },
        ("openjdk-17-jdk-headless",),
    ),
)
