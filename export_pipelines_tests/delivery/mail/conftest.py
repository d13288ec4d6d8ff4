"""A mail server, and entries for it."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from export_pipelines_servers.authority import authority
from export_pipelines_servers.smtp import Post, smtp_server
from export_pipelines_tests.delivery.desk import Desk


@pytest.fixture
def post() -> Iterator[Post]:
    with smtp_server(limit=200_000) as post:
        yield post


@pytest.fixture
def entry(desk: Desk, post: Post, tmp_path: Path) -> Callable[..., dict[str, Any]]:
    desk.environment["SMTP"] = post.url(authority().pem(tmp_path))

    def entry(**settings: Any) -> dict[str, Any]:
        given = {"to": ["a@example.com"], "from": "exports@example.com", "smtp": {"env": "SMTP"}, **settings}
        return {"kind": "email", "settings": given}

    return entry
