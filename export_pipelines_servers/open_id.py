"""A provider of OpenID Connect (oidc-provider-mock) that also proves PKCE, and can be made to answer wrongly."""

import base64
import hashlib
import io
import json
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

from joserfc.jwk import RSAKey
from oidc_provider_mock import User, app
from werkzeug.serving import make_server
from werkzeug.wrappers import Request, Response


@dataclass
class OpenIdProvider:
    """`userinfo` is added to what the userinfo endpoint says; with `has_other_keys` no signature can be proven; `metadata`
    replaces what discovery says. `authorized` has the parameters of each visit of a browser."""

    application: Any
    issuer: str = ""
    userinfo: dict[str, Any] = field(default_factory=dict)
    metadata: dict[str, Any] = field(default_factory=dict)
    has_other_keys: bool = False
    authorized: list[dict[str, str]] = field(default_factory=list)
    challenges: dict[str, str] = field(default_factory=dict)

    def __call__(self, environ: Any, start_response: Any) -> Any:
        request = Request(environ)
        body = request.get_data()
        environ["wsgi.input"] = io.BytesIO(body)
        if request.path == "/oauth2/token" and not self._is_proven(body):
            answer = Response('{"error": "invalid_grant"}', 400, content_type="application/json")
        else:
            answer = Response.from_app(self.application, environ, buffered=True)
            self._after(request, answer)
        return answer(environ, start_response)

    def _is_proven(self, body: bytes) -> bool:
        """Whether the client that exchanges a code is the one that asked for it (RFC 7636)."""
        values = parse_qs(body.decode())
        digest = hashlib.sha256(values.get("code_verifier", [""])[0].encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).decode().rstrip("=")
        return self.challenges.pop(values.get("code", [""])[0], None) == challenge

    def _after(self, request: Request, answer: Response) -> None:
        if request.path == "/oauth2/authorize":
            asked = request.args.to_dict()
            self.authorized.append(asked)
            code = parse_qs(urlsplit(answer.headers.get("Location", "")).query).get("code")
            if code and asked.get("code_challenge_method") == "S256":
                self.challenges[code[0]] = asked["code_challenge"]
        if request.path == "/jwks" and self.has_other_keys:
            answer.set_data(json.dumps({"keys": [RSAKey.generate_key().as_dict(private=False)]}))
        if request.path == "/userinfo":
            answer.set_data(json.dumps({**json.loads(answer.get_data()), **self.userinfo}))
        if request.path == "/.well-known/openid-configuration":
            answer.set_data(json.dumps({**json.loads(answer.get_data()), **self.metadata}))


@contextmanager
def open_id_provider(users: dict[str, dict[str, Any]]) -> Iterator[OpenIdProvider]:
    """A provider that knows `users`: the claims of each subject, which replace those of the protocol too."""
    os.environ["AUTHLIB_INSECURE_TRANSPORT"] = "1"  # for the provider of this process, which has no TLS
    known = [User(sub=sub, claims=claims) for sub, claims in users.items()]
    provider = OpenIdProvider(app(require_nonce=True, user_claims=known))
    server = make_server("127.0.0.1", 0, provider, threaded=True)
    provider.issuer = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield provider
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
