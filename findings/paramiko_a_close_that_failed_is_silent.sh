#!/usr/bin/env bash
# paramiko 5.1.0: what a server answers to the closing of an SFTP file is thrown away. Servers that hand the file on when it is closed,
# to a bucket, a scanner or a queue, can tell only there that they did not take it, and do so by a failure of SSH_FXP_CLOSE: `with
# sftp.open(...)`, and `putfo` with confirm=False, end well all the same. asyncssh 2.24.1 raises SFTPFailure, and OpenSSH's sftp says
# "close remote: Failure" and exits by 1. With confirm=True a look at the size follows, which such a server may answer well.
# Who sends by paramiko has to ask for the close itself, or to read the file back.
# Seen, with a server (of asyncssh) that takes every write and refuses each close: the lines below.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check 'paramiko==5.1.0' 'asyncssh==2.24.1'
cd "$folder"
"$folder/venv/bin/python" - <<'P' | tee "$folder/seen"
import asyncio
import io
import os
import threading

import asyncssh
import paramiko

FOLDER = os.getcwd() + "/inbox"
os.mkdir(FOLDER)


class Inbox(asyncssh.SFTPServer):
    def close(self, file_obj):
        file_obj.close()
        raise asyncssh.SFTPFailure("the file was not accepted")


class Anybody(asyncssh.SSHServer):
    def begin_auth(self, username):
        return False


async def serve():
    listener = await asyncssh.create_server(
        Anybody,
        "127.0.0.1",
        0,
        server_host_keys=[asyncssh.generate_private_key("ssh-ed25519")],
        sftp_factory=lambda channel: Inbox(channel, chroot=FOLDER),
    )
    return listener.get_port()


loop = asyncio.new_event_loop()
threading.Thread(target=loop.run_forever, daemon=True).start()
port = asyncio.run_coroutine_threadsafe(serve(), loop).result()


def of_paramiko(send):
    transport = paramiko.Transport(("127.0.0.1", port))
    transport.start_client()
    transport.auth_none("partner")
    try:
        send(paramiko.SFTPClient.from_transport(transport))
    except OSError as error:
        return f"raises {error}"
    finally:
        transport.close()
    return "ends well"


def opened(client):
    with client.open("leads_1.csv", "wb") as file:
        file.write(b"id\n1\n")


async def of_asyncssh():
    async with (
        asyncssh.connect("127.0.0.1", port, known_hosts=None, username="partner") as connection,
        connection.start_sftp_client() as client,
    ):
        try:
            async with client.open("leads_4.csv", "wb") as file:
                await file.write(b"id\n1\n")
        except asyncssh.SFTPFailure as error:
            return f"raises {error}"
    return "ends well"


print("paramiko, open and write:", of_paramiko(opened))
print("paramiko, putfo:", of_paramiko(lambda client: client.putfo(io.BytesIO(b"id\n1\n"), "leads_2.csv")))
print("paramiko, putfo, confirm=False:", of_paramiko(lambda client: client.putfo(io.BytesIO(b"id\n1\n"), "leads_3.csv", confirm=False)))
print("asyncssh, open and write:", asyncio.run(of_asyncssh()))
P
diff "$folder/seen" - <<'S'
paramiko, open and write: ends well
paramiko, putfo: ends well
paramiko, putfo, confirm=False: ends well
asyncssh, open and write: raises the file was not accepted
S
