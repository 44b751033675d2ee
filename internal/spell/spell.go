// Package spell tells how far a misspelt word is from one that was meant, for
// error messages that name it.
package spell

// Distance counts the insertions, deletions and replacements of bytes that turn
// a into b (Levenshtein). It takes time proportional to len(a)*len(b): bound
// what a caller sent before asking.
func Distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
