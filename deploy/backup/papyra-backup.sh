#!/bin/sh
# Copies a store in files, beside its owner too, and keeps the copy only if it verifies.
# Usage: papyra-backup.sh STORE FOLDER      STORE is a log (shop.ndjson) or a folder of segments.
# Prints where the backup is. Exit 1: no sound copy could be made; nothing is kept.
set -eu
store=$1
folder=$2
umask 077
name=$(basename "$store")
target="$folder/$name-$(date -u +%Y%m%dT%H%M%SZ)"
draft="$folder/.$name-$$"
trap 'rm -rf "$draft"' EXIT
trap 'exit 1' INT TERM HUP

# What vouches for records goes first, the records last: so the copy promises no more than it has.
copy() {
  rm -rf "$draft"
  mkdir -p "$draft/$name"
  if [ -d "$store" ]; then
    for file in "$store"/*; do
      case $file in *.ndjson | *.sock | *.lock) continue ;; esac
      [ ! -f "$file" ] || cp -p "$file" "$draft/$name/" || return 1
    done
    for file in "$store"/*.ndjson; do
      [ ! -f "$file" ] || cp -p "$file" "$draft/$name/" || return 1
    done
  else
    rmdir "$draft/$name"
    for file in "$store".*; do
      case $file in *.sock | *.lock) continue ;; esac
      [ ! -f "$file" ] || cp -p "$file" "$draft/" || return 1
    done
    cp -p "$store" "$draft/" || return 1
  fi
}

check() {
  papyra persistence startup-check --mode recover --recovery-mode repair --quiet --path "$draft/$name" &&
    papyra persistence scan --quiet --path "$draft/$name"
}

[ -e "$store" ] || { echo "papyra-backup: there is no $store" >&2; exit 1; }
mkdir -p "$folder"
tries=1
until copy && check; do
  if [ "$tries" -ge 5 ]; then
    echo "papyra-backup: no sound copy of $store in $tries tries" >&2
    exit 1
  fi
  tries=$((tries + 1))
done
(cd "$draft" && find . -type f ! -name SHA256SUMS -exec sha256sum {} + >SHA256SUMS)
sync
mv "$draft" "$target"
echo "$target"
