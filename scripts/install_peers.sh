#!/usr/bin/env bash
# The separate programs that the tests run against: a PACS, DICOM tools, a browser.
# Debian packages, installed only where one is missing and only with the right to do so.
set -euo pipefail

missing=()
command -v Orthanc >/dev/null || [[ -x /usr/sbin/Orthanc ]] || missing+=(orthanc)
compgen -G '/usr/lib/orthanc/libOrthancDicomWeb.so*' >/dev/null || missing+=(orthanc-dicomweb)
command -v storescu >/dev/null || missing+=(dcmtk)
command -v chromium >/dev/null || missing+=(chromium)
[[ ${#missing[@]} -eq 0 ]] && exit 0

if ! command -v apt-get >/dev/null; then
    echo "The tests need ${missing[*]}: install them (this is no Debian, so make can't)." >&2
    exit 1
fi
if [[ $(id -u) -eq 0 ]]; then
    as_root=()
elif sudo -n true 2>/dev/null; then
    as_root=(sudo -n)
else
    echo "The tests need Debian packages: sudo apt-get install ${missing[*]}" >&2
    exit 1
fi
echo "Installing ${missing[*]} for the tests."
"${as_root[@]}" apt-get update -qq
# Packages that start a service on installation must not: the tests start their own.
"${as_root[@]}" env DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 \
    apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
