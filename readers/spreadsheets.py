"""LibreOffice and Gnumeric without a window: what their sheet says when it is saved as CSV, as it is shown."""

from readers.program import Program, debian_version, from_csv, shell

TEXT_COLUMNS = "/".join(f"{place}/2" for place in range(1, 10))
OFFICE = (
    'cp "$FILE" in.{ext} && soffice --headless -env:UserInstallation=file://$HOME/office {infilter}--convert-to '
    '"csv:Text - txt - csv (StarCalc):44,34,76,1,,0,false,true,false" --outdir out in.{ext} >&2 && cat out/in.csv'
)

GNUMERIC = "ssconvert {importer}-T Gnumeric_stf:stf_assistant -O 'quoting-mode=always format=automatic' \"$FILE\" out.txt >&2 && cat out.txt"


def _office(ext: str, infilter: str = "") -> str:
    return OFFICE.format(ext=ext, infilter=f'--infilter="{infilter}" ' if infilter else "")


PROGRAMS = (
    Program(
        "LibreOffice Calc",
        lambda: debian_version("libreoffice-calc"),
        shell(from_csv),
        {
            "csv": (_office("csv"), _office("csv", f"CSV:44,34,76,1,{TEXT_COLUMNS}")),
            "xlsx": (_office("xlsx"),),
        },
        {},
        ("libreoffice-calc",),
    ),
    Program(
        "Gnumeric",
        lambda: debian_version("gnumeric"),
        shell(from_csv),
        {
            "csv": (GNUMERIC.format(importer="-I Gnumeric_stf:stf_csvtab "),),
            "xlsx": (GNUMERIC.format(importer=""),),
        },
        {},
        ("gnumeric",),
    ),
)
