"""Which encoding a file is in: valid UTF-8 wins, a wrong guess is never made, and what cannot be told is refused."""

import codecs
import csv
import io
import random
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from export_pipelines.errors import ImportFileError
from export_pipelines.importer.encodings import encoding_of, guessed
from export_pipelines.importer.guess_dialect import (
    DELIMITERS,
    checked_delimiter,
    checked_encoding,
    form_of,
    opened_text,
)

# the words of one file, and the encodings that programs of that country write
FILES: dict[str, tuple[str, ...]] = {
    "Vorname,Straße Jürgen,Königstraße Zoë,Bäckerweg": ("cp1252", "latin-1", "mac_roman", "cp850"),
    "Prénom,Ville Hélène,Orléans François,Nîmes": ("cp1252", "latin-1", "mac_roman", "cp850"),
    "Nom,Note René,déjà_appelé,_à_côté_de_la_gare Hélène,c’est_très_important": ("cp1252", "mac_roman"),
    "name,city José,Austin": ("cp1252", "mac_roman", "cp850"),
    "name,city Muñoz,Austin": ("cp1252", "mac_roman", "cp850"),
    "name,city JOSÉ,Austin PEÑA,Dallas": ("cp1252", "mac_roman", "cp850"),
    "nombre,ciudad José_Peña,Málaga Íñigo_Núñez,León": ("cp1252", "mac_roman", "cp850"),
    "nome,cidade João_Conceição,São_Paulo": ("cp1252", "mac_roman", "cp850"),
    "navn,by Søren_Ærø,Århus Kåre,Ålborg": ("cp1252", "mac_roman", "cp850"),
    "namn,ort Åsa_Öberg,Malmö": ("cp1252", "mac_roman", "cp850"),
    "name,note José,“quoted”_–_it’s_5_€ Ann,café": ("cp1252", "mac_roman"),
    "name,note Ann,costs_5_€ Bob,“quoted”_–_dash": ("cp1252", "mac_roman"),
    "Imię,Miasto Łukasz_Wiśniewski,Łódź Zażółć_Gęślą,Kraków": ("cp1250", "iso8859_2", "cp852"),
    "Jméno,Příjmení Jiří,Dvořák Tomáš,Černý": ("cp1250", "iso8859_2"),
    "name,city Jiří,Praha": ("cp1250",),
    "name,city Ştefan_Ionuţ,Braşov": ("cp1250",),
    "név,város Gyöngyösi_Ödön,Győr Szűcs_Ágnes,Székesfehérvár": ("cp1250",),
    "Имя,Город Иван,Москва Ольга,Казань": ("cp1251", "koi8_r", "mac_cyrillic", "iso8859_5", "cp866"),
    "when,city 2024-01-15,Москва": ("cp1251", "koi8_r"),
    "Ad,Şehir Işıl,İstanbul Çağrı,Diyarbakır": ("cp1254",),
    "name,city Ayşe_Yılmaz,Eskişehir": ("cp1254",),
    "Όνομα,Πόλη Γιώργος,Αθήνα": ("cp1253",),
    "日付,名前,市 2024-01-15,山田太郎,東京 2024-01-16,鈴木花子,大阪": ("cp932",),
    "name,city 山田,東京": ("cp932",),
    "when,name 2024-01-15,太郎": ("cp932",),
    "when,name 2024-01-15,ﾔﾏﾀﾞ": ("cp932",),
    "when,name 2024-01-15,ヤマダ_タロウ 2024-01-15,スズキ": ("cp932",),
    "이름,도시 김철수,서울": ("cp949",),
    "姓名,城市 王伟,北京": ("gb18030",),
    "姓名,城市 王偉,臺北": ("big5",),
}
TOLD = 0.55  # of the files; the others are refused
CASES = [(text, encoding) for text, encodings in FILES.items() for encoding in encodings]


def file_of(text: str, delimiter: str = ";") -> str:
    rows = [[cell.replace("_", " ") for cell in row.split(",")] for row in text.split(" ")]
    stream = io.StringIO(newline="")
    csv.writer(stream, delimiter=delimiter, lineterminator="\r\n").writerows(rows)
    return stream.getvalue()


@pytest.mark.parametrize(("text", "encoding"), CASES)
def test_a_guess_is_right_or_not_made(text: str, encoding: str) -> None:
    data = file_of(text).encode(encoding)
    names = guessed(data)
    assert len(names) != 1 or data.decode(names[0]) == data.decode(encoding)


def test_most_files_are_told() -> None:
    guessed_right = sum(len(guessed(file_of(text).encode(encoding))) == 1 for text, encoding in CASES)
    assert guessed_right >= len(CASES) * TOLD


@pytest.mark.parametrize("text", FILES)
@pytest.mark.parametrize("delimiter", DELIMITERS)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
def test_unicode_is_always_told(tmp_path: Path, text: str, delimiter: str, encoding: str) -> None:
    content = file_of(text, delimiter)
    (tmp_path / "x.csv").write_bytes(content.encode(encoding))
    form = form_of(tmp_path / "x.csv")
    assert form.delimiter == delimiter
    with opened_text(tmp_path / "x.csv", form.encoding) as stream:
        assert stream.read() == content


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
def test_utf_16_without_a_mark_is_told_by_its_zeros(encoding: str) -> None:
    for text in FILES:
        data = file_of(f"when,reference,{text}").encode(encoding)
        assert encoding_of([data], "x.csv") == encoding


@given(
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=300),
    st.integers(1, 9),
)
def test_valid_utf_8_always_wins_however_it_is_cut(text: str, size: int) -> None:
    data = ("a" * 9 + text).encode()
    chunks = [data[at : at + size] for at in range(0, len(data), size)]
    assert encoding_of(iter(chunks), "x.csv") == "utf-8"


def test_utf_8_with_a_few_broken_bytes_is_still_utf_8() -> None:
    data = "name\r\n" + "Jürgen\r\n" * 10
    assert encoding_of([data.encode() + b"Fran\xe7ois\r\n"], "x.csv") == "utf-8"


@pytest.mark.parametrize("end", [b"\xd8", b"A"])
def test_utf_16_that_ends_in_half_a_letter_is_read_to_its_end(tmp_path: Path, end: bytes) -> None:
    (tmp_path / "x.csv").write_bytes("a;b\r\n1;2\r\n".encode("utf-16") + end)
    with opened_text(tmp_path / "x.csv", "utf-16") as stream:
        text = stream.read()
    assert text.startswith("a;b\r\n1;2\r\n") and "\udc80" <= text[10] <= "\udcff"


def test_a_mark_is_taken_off_whatever_is_said(tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_bytes(codecs.BOM_UTF16_LE + "a;b\r\n".encode("utf-16-le"))
    assert form_of(tmp_path / "x.csv", "utf-16-le").encoding == "utf-16"


def test_delimiters_are_told_by_all_records_or_refused(tmp_path: Path) -> None:
    chance = random.Random(5)
    words = [
        "Ann",
        "a, b",
        "x;y",
        "1,50",
        "2|3",
        "tab\there",
        "line\nbreak; two, three",
        'say "hi"',
        "",
        "10:30",
        '{"a": 1, "b": 2}',
    ]
    guessed_right = 0
    for _ in range(60):
        header = [
            f"{chance.choice(['when', 'price, net', 'a;b', 'note|x'])} {n}"
            for n in range(chance.randint(2, 9))
        ]
        rows = [[chance.choice(words) for _ in header] for _ in range(chance.randint(3, 20))]
        for delimiter in DELIMITERS:
            with (tmp_path / "x.csv").open("w", newline="", encoding="utf-8") as stream:
                csv.writer(stream, delimiter=delimiter).writerows([header, *rows])
            try:
                guess = form_of(tmp_path / "x.csv").delimiter
            except ImportFileError:
                continue
            assert guess == delimiter
            guessed_right += 1
    assert guessed_right > 220  # of 240


@pytest.mark.parametrize(
    ("text", "delimiter"),
    [
        ("when;a,b,c;price\n2024-01-15;x;1,50\n2024-01-16;y;2,75\n", ";"),
        ("id;address\n1;1 Elm St, Austin, TX\n2;2 Oak St, Dallas, TX\n", ";"),
        ("name\nRoe; Ann\nDoe\n", ","),
        ("when\n2024-01-15 10:30\n", ","),
        ("a,b,c\n1,2,3\n1,2\n1,2,3,4;x\n", ","),
        ('id|data\n1|{"a": 1, "b": 2}\n', "|"),
    ],
)
def test_decimal_commas_and_one_column_do_not_mislead(tmp_path: Path, text: str, delimiter: str) -> None:
    (tmp_path / "x.csv").write_text(text, encoding="utf-8")
    assert form_of(tmp_path / "x.csv").delimiter == delimiter


@pytest.mark.parametrize("name", ["utf8", "CP1252", "Shift_JIS", "latin1"])
def test_encodings_are_known_by_their_usual_names(name: str) -> None:
    assert codecs.lookup(checked_encoding(name))


@pytest.mark.parametrize("name", ["utf-9", "base64", "rot13", "a\0b", ""])
def test_what_is_no_encoding_is_refused(name: str) -> None:
    with pytest.raises(ImportFileError, match="no encoding that is known.*utf-8, utf-16, cp1252"):
        checked_encoding(name)


def test_a_delimiter_is_one_character() -> None:
    assert [checked_delimiter(word) for word in (";", "\\t", "tab", "~")] == [";", "\t", "\t", "~"]
    with pytest.raises(ImportFileError, match="one character"):
        checked_delimiter(";;")
