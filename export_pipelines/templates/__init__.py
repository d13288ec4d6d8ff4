"""The one language in which people write names, paths, subjects and texts: words and three filters, checked, then rendered."""

from export_pipelines.templates.header import header_faults, header_text, require_header
from export_pipelines.templates.language import MAX_TEXT, check_template, template_faults, words_in
from export_pipelines.templates.rendering import (
    fixed_folder,
    part_name,
    part_template,
    render,
    render_header,
    render_text,
)
from export_pipelines.templates.words import (
    BODY_WORDS,
    FOLDER_WORDS,
    MAIL_WORDS,
    OBJECT_WORDS,
    PART_WORDS,
    WORDS,
)

__all__ = [
    "BODY_WORDS",
    "FOLDER_WORDS",
    "MAIL_WORDS",
    "MAX_TEXT",
    "OBJECT_WORDS",
    "PART_WORDS",
    "WORDS",
    "check_template",
    "fixed_folder",
    "header_faults",
    "header_text",
    "part_name",
    "part_template",
    "render",
    "render_header",
    "render_text",
    "require_header",
    "template_faults",
    "words_in",
]
