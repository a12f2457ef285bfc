#!/bin/sh
# Copy what pages load from the npm packages of package-lock.json into static/vendor.
set -eu
cd "$(dirname "$0")/.."
PATH="$PWD/.venv/bin:$PATH" npm ci --silent

vendor=static/vendor
rm -rf "$vendor"
mkdir -p "$vendor/wavesurfer" "$vendor/chart"
cp node_modules/wavesurfer.js/dist/wavesurfer.esm.js node_modules/wavesurfer.js/LICENSE "$vendor/wavesurfer/"
for plugin in hover minimap regions timeline zoom; do
    cp "node_modules/wavesurfer.js/dist/plugins/$plugin.esm.js" "$vendor/wavesurfer/"
done
cp node_modules/chart.js/dist/chart.umd.min.js node_modules/chart.js/dist/chart.umd.min.js.map "$vendor/chart/"
cp node_modules/chart.js/LICENSE.md "$vendor/chart/LICENSE"
touch "$vendor/.copied"
