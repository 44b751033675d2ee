#!/usr/bin/env bash
# Runs every fuzz target of the module for a time each: test/fuzz.sh 30s
# A second argument limits it to packages whose path matches it.
set -uo pipefail
cd "$(dirname "$0")/.."
time=${1:-30s}
only=${2:-.}
found=0
failed=()
for package in $(go list ./... | grep -E "$only"); do
	for target in $(go test -list='^Fuzz' "$package" | grep '^Fuzz'); do
		found=$((found + 1))
		echo "== $package $target"
		go test -run='^$' -fuzz="^$target\$" -fuzztime="$time" -fuzzminimizetime=10x "$package" || failed+=("$package $target")
	done
done
echo "$found fuzz targets ran for $time each, ${#failed[@]} failed"
printf '  %s\n' "${failed[@]}"
[ "$found" -gt 0 ] && [ "${#failed[@]}" -eq 0 ]
