package insight

// activity is unusual activity that has not ended.
type activity struct {
	// Start is the first unusual minute and Last the last one so far.
	Start, Last int64
	// Threshold is from how many calls on a minute is unusual.
	Threshold int64
	Baseline  Baseline
	// During are the calls from Start to Last, and After those since.
	During, After tally
}

// Finding is one end of unusual activity.
type Finding struct {
	Subject
	// End is true if the activity has ended, false if it has begun. Start is its
	// first minute; Minutes is how long it lasted, 1 at its beginning.
	End     bool
	Start   int64
	Minutes int64
	// Average is the calls a minute: of the first one, or of all.
	Average  float64
	Baseline Baseline
	// Shares are the values of most calls, by attribute.
	Shares [attributes][]Share
}

// begin looks whether a minute is the first of unusual activity.
func (a *Analyzer) begin(s Subject, m int64, t *tally) *Finding {
	since, known := a.Since[place{s.Account, s.Region, s.Trail}]
	if t.Calls < int64(a.rules.MinCount) || !known || m-since < int64(a.rules.MinBaseline.Minutes()) {
		return nil
	}
	b := a.Series[s].baseline(m, since)
	limit := b.threshold(&a.rules)
	if t.Calls < limit {
		return nil
	}
	x := &activity{Start: m, Last: m, Threshold: limit, Baseline: *b}
	x.During.merge(t)
	a.Active[s] = x
	return x.finding(s, false)
}

// goOn adds a minute to unusual activity, and ends it if it is over. t is nil if
// there were no calls.
func (a *Analyzer) goOn(s Subject, m int64, t *tally) *Finding {
	x := a.Active[s]
	x.After.merge(t)
	if t != nil && t.Calls >= x.Threshold && m-x.Start < int64(a.rules.Longest) {
		x.Last = m
		x.During.merge(&x.After)
		x.After = tally{}
		return nil
	}
	if m-x.Last < int64(a.rules.Quiet) {
		return nil
	}
	delete(a.Active, s)
	return x.finding(s, true)
}

func (x *activity) finding(s Subject, end bool) *Finding {
	f := &Finding{Subject: s, End: end, Start: x.Start, Minutes: x.Last - x.Start + 1, Baseline: x.Baseline}
	f.Average = rate(float64(x.During.Calls), f.Minutes)
	for i, counts := range x.During.Values {
		f.Shares[i] = top(counts, f.Minutes)
	}
	return f
}
