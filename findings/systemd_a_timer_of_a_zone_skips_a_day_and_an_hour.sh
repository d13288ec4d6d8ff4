#!/usr/bin/env bash
# systemd 252 (Debian 12): a timer whose OnCalendar falls into the hour that summer time leaves out does not elapse at all on that day:
# `02:30` in New York has no time on 2026-03-08, neither 01:30 nor 03:30. When the hour from 1 to 2 comes twice, only the first
# counts: a timer of every quarter of an hour, which needs no time of day, stands still for 75 minutes. It is the same by the
# machine's zone as by one in the line. Debian's cron, by its manual, runs the first job right after the gap, and those of `*` in both hours;
# so exports that move from cron to systemd lose the window of a day in spring, and are late for an hour in autumn.
# Seen, as `systemd-analyze calendar` tells when a timer elapses, in UTC: the lines below.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
apt-get download -qq systemd=252.38-1~deb12u1 2>/dev/null
dpkg -x systemd_*.deb system
elapses() { # from a time in UTC, so many times, by OnCalendar, on a machine of a zone
    echo "$3 ($4):"
    TZ=$4 LD_LIBRARY_PATH=$(dirname system/usr/lib/*/systemd/libsystemd-shared-252.so) system/usr/bin/systemd-analyze calendar \
        --base-time="$1 UTC" --iterations="$2" "$3" | sed -En 's/.* ([0-9]{4}-[0-9-]+ [0-9:]+) UTC.*/  \1/p'
}
(
    elapses "2026-03-06 12:00:00" 3 "02:30 America/New_York" UTC
    elapses "2026-03-06 12:00:00" 3 "02:30" America/New_York
    elapses "2026-11-01 05:15:00" 4 "*:0/15 America/New_York" UTC
    elapses "2026-11-01 05:15:00" 4 "*:0/15" America/New_York
) | tee seen
diff seen - <<'S'
02:30 America/New_York (UTC):
  2026-03-07 07:30:00
  2026-03-09 06:30:00
  2026-03-10 06:30:00
02:30 (America/New_York):
  2026-03-07 07:30:00
  2026-03-09 06:30:00
  2026-03-10 06:30:00
*:0/15 America/New_York (UTC):
  2026-11-01 05:30:00
  2026-11-01 05:45:00
  2026-11-01 07:00:00
  2026-11-01 07:15:00
*:0/15 (America/New_York):
  2026-11-01 05:30:00
  2026-11-01 05:45:00
  2026-11-01 07:00:00
  2026-11-01 07:15:00
S
