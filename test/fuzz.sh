#!/usr/bin/env bash
# Runs every fuzz target of the module.
#
#   test/fuzz.sh 1h [PATTERN] [COUNT]   for a time all together, guided by coverage
#   test/fuzz.sh 500x [PATTERN]         that many inputs each, not guided: for CI
#
# PATTERN limits it to packages whose path matches; COUNT is how many targets to
# run, chosen at random, for runs too short for all of them.
#
# Inputs are counted, not timed: Go ends a timed run without telling an input that
# never returns from one that was just being tried. A target that does not come to
# the end of its count is a hang; the input it hangs at is written to the package's
# testdata/fuzz, like every other that fails, and then fails the package's tests.
set -uo pipefail
cd "$(dirname "$0")/.."
fail() { echo "fuzz.sh: $*" >&2; exit 2; }
inputs=0 total=0
case ${1:-1h} in
*[!0-9hmsx]* | [hmsx]*) fail "$1 is not a time such as 90s, 30m or 1h, nor a count such as 500x" ;;
*x) inputs=${1%x} ;;
*h) total=$((${1%h} * 3600)) ;;
*m) total=$((${1%m} * 60)) ;;
*s) total=${1%s} ;;
"") total=3600 ;;
*) fail "$1 has no unit: h, m, s or x" ;;
esac
hang=${FUZZHANG:-60} # seconds beyond what a run should take until it counts as hung
only=${2:-.}
targets=$(grep -rEo --include=*_test.go '^func Fuzz[A-Za-z0-9]+' . | sed -E 's#^\./(.*)/[^/]*_test\.go:func #\1 #' | awk -v p="$only" '$1 ~ p' | shuf)
[ -n "${3:-}" ] && targets=$(head -n "$3" <<<"$targets")
targets=$(sort <<<"$targets")
found=$(grep -c . <<<"$targets")
[ "$found" -gt 0 ] || fail "no fuzz target in $only"
if [ "$inputs" -gt 0 ] && [ -z "${FUZZPART:-}" ]; then # packages side by side
	cut -d' ' -f1 <<<"$targets" | uniq | sed 's/.*/^&$/' | FUZZPART=yes xargs -P "$(nproc)" -n1 bash "test/${0##*/}" "$1" || exit 1
	echo "$found fuzz targets tried $inputs inputs each in $SECONDS s"
	exit
fi
each=$((total / found > 2 ? total / found : 2))
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

# build PACKAGE: its tests as a program, for timed runs made to report coverage.
build() {
	local flags=(-fuzz=.)
	[ "$inputs" -gt 0 ] && flags=(-ldflags='-s -w')
	mkdir -p "$tmp/$1" && go test -c "${flags[@]}" -o "$tmp/$1/fuzz.test" "./$1"
}

# try PACKAGE TARGET COUNT SECONDS: runs that many inputs. What takes longer is
# hung: SIGQUIT ends the processes that try inputs, and Go keeps what they tried.
try() {
	local cache="$tmp/corpus/$1" workers=1
	[ "$inputs" -gt 0 ] || { cache="$(go env GOCACHE)/fuzz/cairn/$1" workers=$(nproc); }
	(cd "$1" && exec "$tmp/$1/fuzz.test" -test.run='^$' -test.fuzz="^$2\$" -test.fuzztime="$3x" \
		-test.parallel="$workers" -test.fuzzminimizetime=10x -test.fuzzcachedir="$cache") </dev/null >"$tmp/log" 2>&1 &
	local pid=$! waited=0
	while kill -0 "$pid" 2>/dev/null; do
		sleep 0.1
		[ $((++waited)) -eq $(($4 * 10)) ] || continue
		echo "hung: $3 inputs took more than $4 s" >>"$tmp/hung"
		for worker in $(cat "/proc/$pid/task/"*/children); do kill -QUIT "$worker"; done
		sleep 5
		kill -KILL "$pid" 2>/dev/null
	done
	wait "$pid"
}

# fuzz PACKAGE TARGET: one target, for its count or its time.
fuzz() {
	rm -f "$tmp/hung"
	if [ "$inputs" -gt 0 ]; then
		try "$1" "$2" "$inputs" "$hang"
		return
	fi
	local end=$((SECONDS + each)) count=200 start took left
	while :; do # each run takes a good part of what is left
		start=$SECONDS
		try "$1" "$2" "$count" $((each + hang)) || return 1
		tail -n 3 "$tmp/log" | grep -o 'execs: .*'
		took=$((SECONDS - start > 0 ? SECONDS - start : 1)) left=$((end - SECONDS))
		[ "$left" -gt "$took" ] || return 0
		count=$((count * left / took / 2 + 1))
	done
}

failed=()
last=
while read -r package target; do
	if [ "$package" != "$last" ]; then
		[ -n "$last" ] && rm -rf "${tmp:?}/$last/fuzz.test"
		last=$package
		build "$package" >&2 || failed+=("$package (build)")
	fi
	[ -x "$tmp/$package/fuzz.test" ] || continue
	[ "$inputs" -gt 0 ] || echo "== $package $target"
	fuzz "$package" "$target" && [ ! -e "$tmp/hung" ] && continue
	cat "$tmp/log" "$tmp/hung" 2>/dev/null
	failed+=("$package $target")
done <<<"$targets"
[ "$inputs" -gt 0 ] || echo "$found fuzz targets ran for about ${each}s each, ${#failed[@]} failed"
[ "${#failed[@]}" -eq 0 ] || printf '%s failed\n' "${failed[@]}"
[ "${#failed[@]}" -eq 0 ]
