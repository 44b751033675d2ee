#!/usr/bin/env bash
# Runs every fuzz target of the module for a time each: test/fuzz.sh 30s
set -euo pipefail
cd "$(dirname "$0")/.."
time=${1:-30s}
found=0
while read -r package; do
	while read -r target; do
		found=$((found + 1))
		echo "== $package $target"
		go test -run='^$' -fuzz="^$target\$" -fuzztime="$time" -fuzzminimizetime=10x "$package"
	done < <(go test -list='^Fuzz' "$package" | grep '^Fuzz' || true)
done < <(go list ./...)
echo "$found fuzz targets ran for $time each"
[ "$found" -gt 0 ]
