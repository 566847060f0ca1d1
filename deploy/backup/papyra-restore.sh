#!/bin/sh
# Brings a backup back that papyra-backup.sh made. Stop the service first.
# Usage: papyra-restore.sh BACKUP STORE     STORE must not be there: move a damaged one aside.
# Exit 1: the backup is not what was made, or something is there; nothing was changed.
set -eu
backup=$1
store=$2
umask 077
fail() {
  echo "papyra-restore: $1" >&2
  exit 1
}

[ -f "$backup/SHA256SUMS" ] || fail "$backup is no backup"
(cd "$backup" && sha256sum --quiet -c SHA256SUMS) || fail "$backup is not what was made"
for there in "$store" "$store".*; do
  [ ! -e "$there" ] || fail "$there is there already"
done
set -- "$backup"/*.ndjson
if [ -d "$1" ] || [ ! -e "$1" ]; then
  from=$(find "$backup" -mindepth 1 -maxdepth 1 -type d | head -n 1)
  [ -n "$from" ] || fail "$backup holds no store"
  draft="$store.restoring"
  cp -Rp "$from" "$draft"
  sync
  mv "$draft" "$store"
else
  log=$(basename "$1")
  for file in "$backup/$log".*; do
    [ ! -f "$file" ] || cp -p "$file" "$store${file#"$backup/$log"}"
  done
  cp -p "$1" "$store.restoring"
  sync
  mv "$store.restoring" "$store"
fi
papyra persistence startup-check --mode fail_on_anomaly --path "$store"
