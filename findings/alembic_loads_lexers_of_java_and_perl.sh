#!/usr/bin/env bash
# Importing Alembic loads Pygments' lexers of Java, Perl, PHP, Lisp and others, where Pygments happens to be installed.
#
# alembic 1.20.1, Mako 1.4.3, Pygments 2.21.0, CPython.
# Alembic writes its migrations with Mako. Mako's module of errors has pages that colour a template's source, and loads its
# plugin for Pygments when it is imported, not when an error is shown; that takes PythonLexer from `pygments.lexers.agile`,
# a module kept for old names, which imports many others.
#   alembic alone:          0 modules of Pygments
#   with Pygments beside:  42, of which 19 of lexers; some 10 MB and 0.1 s of CPU (not asserted)
# Rich needs Pygments, and so most programs with a terminal have it. Whoever only opens a store with migrations pays for
# it: any program on Dagster, whose storage imports Alembic.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
install=("$folder/venv/bin/pip" install --quiet --disable-pip-version-check)
cat >"$folder/loaded.py" <<'PYTHON'
import sys

import alembic.command  # noqa: F401

modules = [name for name in sys.modules if name.partition(".")[0] == "pygments"]
lexers = {name.rpartition(".")[2] for name in modules if name.startswith("pygments.lexers.") and "._" not in name}
print(len(modules), len(lexers), {"jvm", "lisp", "perl", "php"} <= lexers)
PYTHON
"${install[@]}" alembic==1.20.1 Mako==1.4.3
alone=$("$folder/venv/bin/python" "$folder/loaded.py")
"${install[@]}" Pygments==2.21.0
beside=$("$folder/venv/bin/python" "$folder/loaded.py")
echo "alone: $alone; with Pygments: $beside"
[ "$alone" = "0 0 False" ]
[ "$beside" = "42 19 True" ]
