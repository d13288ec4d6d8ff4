#!/usr/bin/env bash
# boto3 1.44.8 (s3transfer 0.19.3): `copy` keeps the metadata, the content type and the tags of a small object. From 8 MiB on it copies in
# parts, as a new object to which it gives the metadata and the content type, but no tags, without a word. Rules of a bucket that
# expire, archive or forbid by tag (`pii=true`, `expire=30d`) so hold for the small exports of a copied folder and not for the large ones.
# Seen, with moto 5.2.5 as S3, which as S3 does has tags of a new object from its requests alone: the lines below.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check 'boto3==1.44.8' 'moto[s3]==5.2.5'
cd "$folder"
"$folder/venv/bin/python" - <<'P' | tee "$folder/seen"
import boto3
from moto import mock_aws

mock = mock_aws()
mock.start()
client = boto3.client("s3", region_name="us-east-1", aws_access_key_id="any", aws_secret_access_key="any")
client.create_bucket(Bucket="exports")
for mebibytes in (7, 9):
    name, copied = f"{mebibytes}.csv.gz", f"copy/{mebibytes}.csv.gz"
    client.put_object(
        Bucket="exports",
        Key=name,
        Body=bytes(mebibytes << 20),
        ContentType="text/csv",
        Metadata={"rows": "12"},
        Tagging="expire=30d",
    )
    client.copy({"Bucket": "exports", "Key": name}, "exports", copied)
    head = client.head_object(Bucket="exports", Key=copied)
    tags = client.get_object_tagging(Bucket="exports", Key=copied)["TagSet"]
    print(f"{mebibytes} MiB:", head["ContentType"], head["Metadata"], "tags", tags)
mock.stop()
P
diff "$folder/seen" - <<'S'
7 MiB: text/csv {'rows': '12'} tags [{'Key': 'expire', 'Value': '30d'}]
9 MiB: text/csv {'rows': '12'} tags []
S
