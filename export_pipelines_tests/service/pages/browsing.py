"""A browser without JavaScript: a session of requests that fills in forms."""

import re
from dataclasses import dataclass, field
from html import unescape
from typing import Any

import requests

from export_pipelines_tests.service.serving import Served


@dataclass
class Visitor:
    """Somebody with a browser; `token` proves that forms are of their session."""

    served: Served
    cookies: requests.Session = field(default_factory=requests.Session)
    token: str = ""

    def get(self, path: str, **options: Any) -> requests.Response:
        answer = self.cookies.get(self.served.url + path, timeout=90, **options)
        if found := re.search(r'name="csrf" value="(\w+)"', answer.text):
            self.token = found[1]
        return answer

    def post(self, path: str, fields: Any = (), **options: Any) -> requests.Response:
        """Sends a form with `fields`, a mapping or pairs, and what proves it."""
        pairs = list(fields.items()) if isinstance(fields, dict) else list(fields)
        data = [("csrf", self.token), *pairs]
        return self.cookies.post(self.served.url + path, data=data, timeout=90, **options)

    def sign_in(self, who: str, next: str = "/ui") -> requests.Response:
        self.get("/ui/sign-in")
        answer = self.post("/ui/sign-in", {"key": self.served.keys[who], "next": next})
        self.get("/ui")
        return answer

    def preview(self, *fields: tuple[str, str]) -> str:
        """What the builder says of the choices."""
        return unescape(self.post("/ui/new", [*fields, ("action", "preview")]).text)


def signed_in(served: Served, who: str = "boss") -> Visitor:
    visitor = Visitor(served)
    answer = visitor.sign_in(who)
    assert answer.status_code == 200, answer.text
    return visitor
