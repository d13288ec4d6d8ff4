"""The workbook around the rows, made by XlsxWriter: header, frozen pane, widths, formats; all but the rows."""

import re
import zipfile
from dataclasses import dataclass
from datetime import datetime
from io import BytesIO

import xlsxwriter

from export_pipelines.catalog import Kind
from export_pipelines.encode.encoder import Columns
from export_pipelines.plan.plan import OutputColumn

SHEET = "xl/worksheets/sheet1.xml"
SHARED = "xl/sharedStrings.xml"
SHEET_NAME = "Export"
CREATED = datetime(2000, 1, 1)  # noqa: DTZ001 - the same in every file; the format has no zone
WIDTHS = {Kind.TIMESTAMP: 24, Kind.DATE: 12, Kind.TEXT: 20, Kind.JSON: 40}  # characters
WIDTH, WIDEST = 12, 40
_COLUMN = re.compile(r'<col min="(\d+)" max="(\d+)"[^>]*?style="(\d+)"')


@dataclass(frozen=True)
class Book:
    """`head` and `tail` of the sheet's XML, before and after the rows below the header; the XML of its `shared` strings,
    those of the header; the other `members` of the file; the number of each column's cell format."""

    head: str
    tail: str
    shared: str
    members: dict[str, bytes]
    styles: tuple[int, ...]


def book_of(columns: Columns) -> Book:
    """The workbook for these columns, without rows."""
    file = BytesIO()
    with xlsxwriter.Workbook(file, {"in_memory": True}) as book:
        book.set_properties({"created": CREATED})
        sheet, bold = book.add_worksheet(SHEET_NAME), book.add_format({"bold": True, "num_format": "@"})
        sheet.freeze_panes(1, 0)
        formats = {
            text: book.add_format({"num_format": text}) for text in dict.fromkeys(map(_format, columns))
        }
        for place, column in enumerate(columns):
            sheet.set_column(place, place, _width(column), formats[_format(column)])
            sheet.write_string(0, place, column.header, bold)
    with zipfile.ZipFile(file) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    xml = members.pop(SHEET).decode()
    # the size of the table, and how many strings there are, are not known yet and need not be told
    head, tail = re.sub(r"<dimension [^>]*/>", "", xml).split("</sheetData>")
    shared = re.sub(r' (count|uniqueCount)="\d+"', "", members.pop(SHARED).decode())
    return Book(head, "</sheetData>" + tail, shared, members, _styles(xml, len(columns)))


def _styles(xml: str, count: int) -> tuple[int, ...]:
    styles = [0] * count
    for first, last, style in _COLUMN.findall(xml):
        for place in range(int(first), int(last) + 1):
            styles[place - 1] = int(style)
    return tuple(styles)


def _format(column: OutputColumn) -> str:
    match column.kind:
        case Kind.TIMESTAMP:
            return "yyyy-mm-dd hh:mm:ss.000"
        case Kind.DATE:
            return "yyyy-mm-dd"
        case Kind.DECIMAL:
            return "0." + "0" * column.scale if column.scale else "0"
        case Kind.INTEGER:
            return "0"
        case Kind.TEXT | Kind.JSON:
            return "@"
        case _:
            return "General"


def _width(column: OutputColumn) -> int:
    return min(max(WIDTHS.get(column.kind, WIDTH), len(column.header) + 2), WIDEST)
