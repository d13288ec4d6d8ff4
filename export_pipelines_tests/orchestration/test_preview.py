import dagster as dg

from export_pipelines_tests.orchestration.project import DAILY, Project, materializations


def preview(result: dg.ExecuteInProcessResult) -> list[str]:
    return str(materializations(result)["2024-01-15"]["preview"]).splitlines()


def test_every_personal_column_is_masked_though_the_export_keeps_it(project: Project):
    project.write(
        "daily", DAILY.replace("outcome, price", "first_name, last_name, phone_1, address_1, outcome")
    )
    header, _, *rows = (line.strip("| ").split(" | ") for line in preview(project.run("daily", "2024-01-15")))
    names = ("email", "first\\_name", "last\\_name", "phone\\_1", "address\\_1")
    personal = [header.index(name) for name in names]
    assert len(rows) == 5
    assert all("\\*" in row[place] or not row[place] for row in rows for place in personal)


def test_json_objects_are_left_out(project: Project):
    project.write("daily", DAILY.replace("[lead_id,", "[lead_id, custom,"))
    assert "custom" not in preview(project.run("daily", "2024-01-15"))[0]


def test_a_cell_is_one_short_line_that_breaks_no_table(project: Project):
    project.write("daily", DAILY.replace("price]", "landing_page, reason]"))
    lines = preview(project.run("daily", "2024-01-15"))
    bars = {line.replace("\\|", "").count("|") for line in lines}
    assert len(bars) == 1 and max(map(len, lines)) < 600
