//go:build crash

package crash

import (
	"bufio"
	"fmt"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// metric is a line of the engine's metrics, and label one of its labels.
var (
	metric = regexp.MustCompile(`^([a-z_]+)(?:\{(.*)\})? ([0-9.e+-]+)$`)
	label  = regexp.MustCompile(`([a-z_]+)="([^"]*)"`)
)

// sample is the value of a metric.
type sample struct {
	name, destination, outcome string
	value                      int64
}

// metrics returns the engine's metrics.
func (w *world) metrics() (all []sample) {
	w.Helper()
	r, err := http.NewRequestWithContext(w.Context(), http.MethodGet, "http://"+w.admin+"/metrics", nil)
	if err != nil {
		w.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		w.Fatal(err)
	}
	defer resp.Body.Close()
	for lines := bufio.NewScanner(resp.Body); lines.Scan(); {
		m := metric.FindStringSubmatch(lines.Text())
		if m == nil || !strings.HasPrefix(m[1], "cairn_") {
			continue
		}
		v, err := strconv.ParseFloat(m[3], 64)
		if err != nil {
			w.Errorf("metric %s: %v", lines.Text(), err)
		}
		labels := map[string]string{}
		for _, l := range label.FindAllStringSubmatch(m[2], -1) {
			labels[l[1]] = l[2]
		}
		all = append(all, sample{
			name: m[1], outcome: labels["outcome"], value: int64(v),
			destination: strings.TrimSpace(labels["trail"] + " " + labels["destination"]),
		})
	}
	return all
}

// identity holds every destination to what the journal took: each record was
// delivered, waits, or was not selected, and all of them together are all records.
// A repeated plan, a record read twice or passed over twice would show.
func (w *world) identity() {
	w.Helper()
	want := len(w.trails) + 1 // and a log group
	for deadline := time.Now().Add(patience); ; time.Sleep(100 * time.Millisecond) {
		accepted, waiting, destinations, wrong := w.unaccounted(false)
		if len(wrong) == 0 && destinations == want {
			w.Logf("%d records accepted, each accounted for at %d destinations (%d wait there)", accepted, destinations, waiting)
			return
		}
		if time.Now().After(deadline) {
			w.Errorf("the balance of %d destinations, want %d, is wrong:\n%s", destinations, want, strings.Join(wrong, "\n"))
			return
		}
	}
}

// even holds every destination to the same, after damage: what was lost is counted.
func (w *world) even(what string) {
	w.Helper()
	for deadline := time.Now().Add(patience / 6); ; time.Sleep(100 * time.Millisecond) {
		_, _, _, wrong := w.unaccounted(true)
		if len(wrong) == 0 {
			return
		}
		if time.Now().After(deadline) {
			w.Errorf("%s: the balance is wrong:\n%s", what, strings.Join(wrong, "\n"))
			return
		}
	}
}

// unaccounted says how many records the journal took, how many wait at all
// destinations together, and where the figures do not add up. Records are lost, or
// none was delivered, only where something was damaged.
func (w *world) unaccounted(damaged bool) (accepted, waiting int64, destinations int, wrong []string) {
	w.Helper()
	balanced, sums := map[string]bool{}, map[string]int64{}
	all := w.metrics()
	for _, m := range all {
		switch m.name {
		case "cairn_journal_records_total":
			accepted = m.value
		case "cairn_records_balanced":
			balanced[m.destination] = m.value == 1
		case "cairn_records":
			sums[m.destination] += m.value
			if m.outcome == "waiting" {
				waiting += m.value
			}
			if damaged {
				break
			}
			if m.outcome == "lost" && m.value != 0 || m.outcome == "delivered" && m.value == 0 {
				wrong = append(wrong, fmt.Sprintf("%s: %d records %s", m.destination, m.value, m.outcome))
			}
		}
	}
	for destination, sum := range sums {
		if destinations++; sum != accepted || !balanced[destination] {
			wrong = append(wrong, fmt.Sprintf("%s: %d records of %d", destination, sum, accepted))
		}
	}
	return accepted, waiting, destinations, wrong
}
