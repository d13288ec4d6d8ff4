"""How the service starts: with a certificate, and without access.yaml for this machine alone."""

import socket
from pathlib import Path

import requests
import trustme

from export_pipelines_tests.preloaded import Process
from export_pipelines_tests.service.serving import (
    Alone,
    serving,
)


def test_tls_is_spoken_with_a_certificate(alone: Alone, tmp_path: Path) -> None:
    authority = trustme.CA()
    certificate = authority.issue_cert("127.0.0.1")
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    certificate.private_key_pem.write_to_path(tmp_path / "key.pem")
    certificate.cert_chain_pems[0].write_to_path(tmp_path / "cert.pem")
    options = ("--certificate", str(tmp_path / "cert.pem"), "--private-key", str(tmp_path / "key.pem"))
    with serving(alone.served.project.root, alone.served.environment, *options) as (url, _):
        answer = requests.get(f"{url}/health", verify=str(tmp_path / "ca.pem"), timeout=30)
        assert answer.headers["Strict-Transport-Security"]
        assert answer.headers["X-Content-Type-Options"] == "nosniff"


def test_without_access_yaml_only_this_machine_is_listened_to(alone: Alone) -> None:
    command = ["-m", "export_pipelines.cli.app", "serve", "--host", "0.0.0.0", "--port", "0"]
    with Process(command, alone.served.project.root, alone.served.environment) as process:
        _, said = process.communicate(120)
    assert process.wait() == 2
    assert "without access.yaml the service listens to this machine only" in said


def test_a_port_that_is_taken_is_told_instead_of_an_address(alone: Alone) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        command = ["-m", "export_pipelines.cli.app", "serve", "--port", str(port)]
        with Process(command, alone.served.project.root, alone.served.environment) as process:
            out, said = process.communicate(120)
    assert (process.wait(), out) == (2, "")
    assert f"127.0.0.1:{port}: another program listens on this port" in said and "SERVICE_PORT=3081" in said
