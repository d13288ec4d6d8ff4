"""Words that readers of this field would have to learn stay out of the code's names."""

import ast
import io
import re
import tokenize
from pathlib import Path

PACKAGE = Path(__file__).parent.parent / "export_pipelines"
INSTEAD = {
    r"_?demands?(_\w+)?": "require",
    r"lanes?|lane_of": "lock key",
    r"_?scratch": "staging table",
    r"untold\w*": "unavailable",
    r"laid_over|Given|given_by": "run overrides",
    r"rest_of|Rest": "residual filter",
}
# names that say nothing of what a value is
STAND_INS = {"found", "told", "made", "held", "there", "one", "given", "rest"}


def test_the_code_uses_the_terms_of_the_field() -> None:
    uses = []
    for path in sorted(PACKAGE.rglob("*.py")):
        if path.parent.name == "versions":
            continue  # migrations name what was
        for token in tokenize.generate_tokens(io.StringIO(path.read_text(encoding="utf-8")).readline):
            for old, new in INSTEAD.items():
                if token.type == tokenize.NAME and re.fullmatch(old, token.string):
                    uses.append(f"{path.name}:{token.start[0]}: {token.string}: {new}")
    assert uses == []


def test_a_name_says_what_the_value_is() -> None:
    files = sorted(PACKAGE.rglob("*.py"))
    assert len(files) > 300
    uses = []
    for path in files:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if (name := _bound_name(node)) and name.strip("_").lower() in STAND_INS:
                uses.append(f"{path.relative_to(PACKAGE)}:{getattr(node, 'lineno', 0)}: {name}")
    assert uses == []


def _bound_name(node: ast.AST) -> str:
    match node:
        case ast.Name(id=name, ctx=ast.Store()) | ast.arg(arg=name):
            return name
        case ast.FunctionDef(name=name) | ast.ClassDef(name=name):
            return name
        case _:
            return ""
