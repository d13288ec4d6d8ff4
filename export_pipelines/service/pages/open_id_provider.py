"""The provider of OpenID Connect: a browser is sent there with PKCE, state and nonce, and comes back with a code, which is
exchanged for claims about a person; one of the claims names a principal of access.yaml."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from fastapi import Request
from fastapi.responses import Response

from export_pipelines.access import Policy
from export_pipelines.errors import Denied, RetryableError, not_installed
from export_pipelines.service.settings import SERVICE, ServiceSettings, is_private_way

TIMEOUT_S = 10
SCOPES = "openid email profile"
SYMMETRIC = ("none", "HS")  # algorithms whose signature proves no provider
LEEWAY_S = 60


def require_authlib() -> None:
    """Raises SettingsError where the extra is not installed."""
    try:
        import authlib.integrations.starlette_client  # noqa: F401
        import itsdangerous  # noqa: F401
    except ImportError:
        raise not_installed("authlib", "oidc", f"{SERVICE}OIDC_ISSUER") from None


class Provider:
    """The provider that the settings name. Its metadata and keys are read at the first use, and kept."""

    def __init__(self, settings: ServiceSettings) -> None:
        from authlib.integrations.starlette_client import OAuth

        self.issuer, self.client_id = settings.oidc_issuer, settings.oidc_client_id
        self._client = OAuth().register(
            "provider",
            client_id=settings.oidc_client_id,
            client_secret=settings.oidc_client_secret.get_secret_value(),
            server_metadata_url=f"{self.issuer.rstrip('/')}/.well-known/openid-configuration",
            client_kwargs={"scope": SCOPES, "code_challenge_method": "S256", "timeout": TIMEOUT_S},
        )

    async def redirect(self, request: Request, back: str, choose_account: bool) -> Response:
        """Sends the browser to the provider; state, nonce and verifier are in `request.session` afterwards. Raises
        RetryableError for a provider that does not answer as one."""
        options = {"prompt": "select_account"} if choose_account else {}
        with _provider_errors():
            await self._metadata()
            answer: Response = await self._client.authorize_redirect(request, back, **options)
        return answer

    async def claims(self, request: Request, claim: str) -> Mapping[str, Any]:
        """What the provider says of the person whose browser came back, proven by signature, issuer, audience, time and
        nonce; from the userinfo endpoint if the ID token lacks `claim`. Raises Denied, RetryableError."""
        with _provider_errors():
            metadata = await self._metadata()
            issuer = request.query_params.get("iss")
            if issuer != self.issuer and (
                issuer is not None or metadata.get("authorization_response_iss_parameter_supported")
            ):
                raise Denied("the answer is of another issuer")  # RFC 9207
            expected = {
                "iss": {"essential": True, "value": self.issuer},
                "aud": {"essential": True, "value": self.client_id},
            }
            token = await self._client.authorize_access_token(
                request, claims_options=expected, leeway=LEEWAY_S
            )
            claims: Mapping[str, Any] | None = token.get("userinfo")
            if claims is None:
                raise Denied("the answer has no ID token")
            if claim not in claims and "userinfo_endpoint" in metadata:
                claims = await self._of_userinfo(token, claims)
        return claims

    async def _of_userinfo(self, token: Any, claims: Mapping[str, Any]) -> Mapping[str, Any]:
        more: Mapping[str, Any] = await self._client.userinfo(token=token)
        if more.get("sub") != claims["sub"]:
            raise Denied("the userinfo is of another person")
        return more

    async def _metadata(self) -> Mapping[str, Any]:
        metadata: dict[str, Any] = await self._client.load_server_metadata()
        try:
            self._require_good(metadata)
        except ValueError:
            metadata.clear()  # the client keeps them: they are read again at the next sign-in
            raise
        algorithms = metadata.get("id_token_signing_alg_values_supported") or ["RS256"]
        metadata["id_token_signing_alg_values_supported"] = [
            name for name in algorithms if not name.startswith(SYMMETRIC)
        ]
        return metadata

    def _require_good(self, metadata: Mapping[str, Any]) -> None:
        """Raises ValueError."""
        if metadata.get("issuer") != self.issuer:
            raise ValueError("the metadata are of another issuer")
        endpoints = [value for name, value in metadata.items() if name.endswith(("_endpoint", "jwks_uri"))]
        if not all(is_private_way(str(endpoint)) for endpoint in endpoints):
            raise ValueError("an endpoint is asked without TLS")


def principal_of(policy: Policy, claims: Mapping[str, Any], claim: str) -> str:
    """The principal that `claim` names; an e-mail address whatever its case, and only if it is verified. Raises Denied."""
    value = claims.get(claim)
    if not isinstance(value, str) or not value:
        raise Denied("the provider does not say the claim")
    if claim == "email" and claims.get("email_verified") is not True:
        raise Denied("the e-mail address is not verified")
    names = [name for name in policy.names() if name == value or (claim == "email" and _alike(name, value))]
    if len(names) != 1:
        raise Denied("access.yaml has no such principal")
    return names[0]


def _alike(name: str, value: str) -> bool:
    """Beyond ASCII, letters that differ in case only for Unicode may be another person's address."""
    return name.isascii() and value.isascii() and name.lower() == value.lower()


@contextmanager
def _provider_errors() -> Iterator[None]:
    """Errors of the libraries, whose texts may quote what the provider or a stranger wrote, as ours by their class."""
    import httpx2
    from authlib.common.errors import AuthlibBaseError
    from joserfc.errors import JoseError

    try:
        yield
    except (AuthlibBaseError, JoseError) as error:
        raise Denied(f"the provider's answer is not good ({type(error).__name__})") from None
    except (httpx2.HTTPError, ValueError, TypeError, KeyError, RuntimeError) as error:
        raise RetryableError(f"the provider does not answer as one ({type(error).__name__})") from None
