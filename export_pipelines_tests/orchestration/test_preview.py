"""The preview that Dagster's records keep: personal values masked whatever the export says."""

import dagster as dg

from export_pipelines_tests.orchestration.project import DAILY, Project, materializations


def preview(result: dg.ExecuteInProcessResult) -> list[str]:
    return str(materializations(result)["2024-01-15"]["preview"]).splitlines()


def table(project: Project) -> list[list[str]]:
    return [line[2:-2].split(" | ") for line in preview(project.run("daily", "2024-01-15"))]


def test_every_personal_column_is_masked_though_the_export_keeps_it(project: Project) -> None:
    project.write(
        "daily", DAILY.replace("outcome, price", "first_name, last_name, phone_1, address_1, outcome")
    )
    header, _, *rows = table(project)
    names = ("email", "first\\_name", "last\\_name", "phone\\_1", "address\\_1")
    personal = [header.index(name) for name in names]
    assert len(rows) == 5
    assert all("\\*" in row[place] or not row[place] for row in rows for place in personal)


def test_what_the_export_redacts_is_masked_as_a_whole(project: Project) -> None:
    fields = DAILY.replace("outcome, price", "city, comments, ip_address, user_agent")
    project.write("daily", fields + "privacy: {direct: redact, indirect: redact}\n")
    header, _, *rows = table(project)
    shown = {name: {row[n] for row in rows} - {""} for n, name in enumerate(header)}
    stars = {"\\*\\*\\*"}
    assert [shown[name] for name in ("email", "city", "comments", "user\\_agent")] == [stars] * 4
    assert shown["ip\\_address"] and all(
        address.endswith((".0/24", "::/48")) for address in shown["ip\\_address"]
    )


def test_parts_that_reveal_a_value_beside_its_mask_are_left_out(project: Project) -> None:
    parts = (
        "phone_1, phone_1.area, phone_1.exchange, phone_1.line, postal_code, postal_code.zip, dob.year, state"
    )
    project.write("daily", DAILY.replace("outcome, price", parts))
    header, *_ = table(project)
    assert header[3:] == ["phone\\_1", "phone\\_1\\_area", "postal\\_code", "dob\\_year", "state"]


def test_json_objects_are_left_out(project: Project) -> None:
    project.write("daily", DAILY.replace("[lead_id,", "[lead_id, custom,"))
    assert "custom" not in preview(project.run("daily", "2024-01-15"))[0]


def test_a_cell_is_one_short_line_that_breaks_no_table(project: Project) -> None:
    project.write("daily", DAILY.replace("price]", "landing_page, reason]"))
    lines = preview(project.run("daily", "2024-01-15"))
    bars = {line.replace("\\|", "").count("|") for line in lines}
    assert len(bars) == 1 and max(map(len, lines)) < 600
