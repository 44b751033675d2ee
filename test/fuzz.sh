#!/usr/bin/env bash
# Runs every fuzz target of the module, for a time all together: test/fuzz.sh 1h
# A second argument limits it to packages whose path matches it; a third says how
# many targets to run, chosen at random, for runs too short for all of them.
# What fails is written to the package's testdata/fuzz and then fails its tests.
set -uo pipefail
cd "$(dirname "$0")/.."
case ${1:-1h} in
*h) total=$((${1%h} * 3600)) ;;
*m) total=$((${1%m} * 60)) ;;
*s) total=${1%s} ;;
"") total=3600 ;;
*) echo "fuzz.sh: $1 is not a time such as 90s, 30m or 1h" >&2; exit 2 ;;
esac
only=${2:-.}
targets=$(grep -rEo --include=*_test.go '^func Fuzz[A-Za-z0-9]+' . | sed -E 's#^\./(.*)/[^/]*_test\.go:func #\1 #' | grep -E "$only" | shuf)
[ -n "${3:-}" ] && targets=$(head -n "$3" <<<"$targets")
found=$(grep -c . <<<"$targets")
[ "$found" -gt 0 ] || { echo "fuzz.sh: no fuzz target in $only" >&2; exit 1; }
each=$((total / found > 2 ? total / found : 2))
failed=()
log=$(mktemp)
trap 'rm -f "$log"' EXIT
while read -r package target; do
	echo "== $package $target"
	go test -run='^$' -fuzz="^$target\$" -fuzztime="${each}s" -fuzzminimizetime=10x "./$package" </dev/null 2>&1 | tee "$log" && continue
	# Go reports a run that ends while an input is tried as failed: no input is.
	if grep -q 'context deadline exceeded' "$log" && ! grep -q 'Failing input written' "$log"; then
		continue
	fi
	failed+=("$package $target")
done <<<"$targets"
echo "$found fuzz targets ran for ${each}s each, ${#failed[@]} failed"
printf '  %s\n' "${failed[@]}"
[ "${#failed[@]}" -eq 0 ]
