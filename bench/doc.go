// Package bench measures what the issues promise, side by side in one run, and
// prints ratios: machines are noisy, so no test asserts a time. Run it with
// `make bench`.
package bench
