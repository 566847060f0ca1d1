#!/bin/sh
# The gate before a release, for any CI. Exit 0: go. The reports are in FOLDER, to be attached.
# Usage: release-gate.sh FOLDER     PAPYRA_CONFIG names the configuration; PAPYRA_SIGNING_KEY signs.
set -u
folder=${1:-papyra-release}
mkdir -p "$folder" || exit 1
verdict=0
papyra doctor gate --out "$folder/gate.json" || verdict=1
# The gate has just left its report, which the checklist asks for.
papyra doctor checklist --markdown >"$folder/checklist.md" || verdict=1
[ "$verdict" -eq 0 ] || echo "release-gate: no go, see $folder" >&2
exit "$verdict"
