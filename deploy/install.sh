#!/bin/sh
# Install the release that this file came with beside those that are there: /opt/kontor/VERSION. Starts and stops nothing.
# Run it from the folder with the wheel, as root: sh kontor-VERSION-deploy/install.sh
set -eu
files=$(dirname "$0")
wheel=$(ls kontor-*-py3-none-any.whl)
version=$(echo "$wheel" | cut -d - -f 2)
target=/opt/kontor/$version

python3 -m venv "$target"
"$target/bin/pip" install --quiet --no-deps --require-hashes -r "$files/requirements.lock"
"$target/bin/pip" install --quiet --no-deps "$wheel"
rm -rf "$target/deploy"
cp -r "$files" "$target/deploy"
echo "$version"
