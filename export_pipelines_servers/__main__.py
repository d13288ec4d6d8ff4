"""`python -m export_pipelines_servers [COMMAND ...]`: the local servers, for as long as COMMAND runs or until Ctrl-C."""

import os
import shlex
import signal
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from export_pipelines.files.locking import hold_lock
from export_pipelines.files.private import close_umask, make_folder
from export_pipelines_servers.ending import end, end_by_signals, undisturbed, with_parent
from export_pipelines_servers.local import STREAM, Ports, busy_port, environment, local_servers


def main(command: list[str]) -> int:
    folder = Path(os.environ.get("EXPORT_PIPELINES_HOME") or ".export_pipelines").absolute() / "servers"
    close_umask()  # the file of passwords, mails and files lie in HOME
    make_folder(folder)
    with hold_lock(folder / "lock") as ours:
        if not ours and command:  # `make servers` runs already
            return _run(command, environment(folder, Ports()))
        if not ours:
            return _refuse("these servers run already")
        busy = busy_port(Ports())
        if busy is not None:
            return _refuse(f"another program listens on port {busy}; stop it, then try again")
        with local_servers(folder, Ports()) as variables:
            (folder / "env").write_text(_shell(variables), encoding="utf-8")
            if command:
                return _run(command, variables)
            print(_table(folder), flush=True)
            with suppress(SystemExit):  # by Ctrl-C, which is how they are ended
                while True:
                    signal.pause()
    return 0


def _run(command: list[str], variables: Mapping[str, str]) -> int:
    with undisturbed():
        process = subprocess.Popen(
            command,
            env={**variables, **os.environ},
            preexec_fn=with_parent(signal.SIGTERM),  # noqa: PLW1509
        )
    try:
        return process.wait()
    finally:
        if process.poll() is None:
            end(process)


def _refuse(text: str) -> int:
    print(f"error: {text}", file=sys.stderr)
    return 2


def _shell(variables: Mapping[str, str]) -> str:
    return "".join(f"export {name}={shlex.quote(value)}\n" for name, value in variables.items())


def _table(folder: Path) -> str:
    ports = Ports()
    return f"""\
S3    http://127.0.0.1:{ports.s3}, bucket acme-exports
SFTP  127.0.0.1:{ports.sftp}, files in {folder / "sftp"}
SMTP  localhost:{ports.smtp}, mails in {folder / "mail"}
Kinesis  http://127.0.0.1:{ports.aws}, stream {STREAM}, until they end

In another terminal:  . {folder / "env"}
Ctrl-C ends them; what they were sent stays."""


if __name__ == "__main__":
    end_by_signals()
    sys.exit(main(sys.argv[1:]))
