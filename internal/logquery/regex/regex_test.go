package regex

import (
	"errors"
	"strings"
	"testing"
	"time"
)

// TestCompile takes what people search for, and refuses what only keeps a
// processor busy.
func TestCompile(t *testing.T) {
	for expr, ok := range map[string]bool{
		`error|warn`: true, `[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}`: true, `^arn:aws:iam::\d{12}:.{1,128}$`: true, `\p{L}+`: true, strings.Repeat("GetObject|", 90): true,
		`x{1000}`: false, `((x{0,10}){10}){10}y`: false, `(((x*)*){100}){10}`: false, strings.Repeat(`[a-z]{0,99}`, 20): false, `(((x?){100}){100}){30}`: false, `(`: false,
	} {
		re, err := Compile(expr)
		if (err == nil) != ok {
			t.Errorf("%.60q: %v", expr, err)
		}
		if !ok && expr != "(" && !errors.Is(err, ErrTooLarge) && !strings.Contains(err.Error(), "repeat count") {
			t.Errorf("%.60q is refused by %v", expr, err)
		}
		if err != nil {
			continue
		}
		start := time.Now()
		re.MatchString(strings.Repeat("x", 100_000))
		if took := time.Since(start); took > 20*time.Second {
			t.Errorf("%.60q takes %s", expr, took)
		}
	}
}
