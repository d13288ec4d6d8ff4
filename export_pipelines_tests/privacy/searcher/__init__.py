"""Looks for made-up people in whatever files a program wrote: `python -m searcher PLACE...`, the hits as JSON.

It shares nothing with the program that it searches: files are opened by the standard library, DuckDB, openpyxl and
zstandard, encodings are undone by the standard library, and every marker is looked for letter by letter and digit by
digit. What a person is made of stands in MARKERS."""
