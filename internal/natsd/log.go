package natsd

import (
	"errors"
	"fmt"
	"log/slog"
	"sync"
)

// serverLog passes the server's warnings and errors on to slog and drops the
// rest. It keeps the first fatal message: the server reports a failed start
// only there (and leaves it to its logger to end the process, which we do not).
type serverLog struct {
	log *slog.Logger
	// errors gets a token when an error was logged.
	errors chan struct{}

	mu    sync.Mutex
	fatal error
}

// reset forgets the fatal message of an earlier start.
func (l *serverLog) reset() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.fatal = nil
}

func (l *serverLog) failure() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.fatal
}

// Warnf implements the server's Logger.
func (l *serverLog) Warnf(format string, v ...any) {
	l.log.Warn("message store: " + fmt.Sprintf(format, v...))
}

// Errorf implements the server's Logger.
func (l *serverLog) Errorf(format string, v ...any) {
	l.log.Error("message store: " + fmt.Sprintf(format, v...))
	select {
	case l.errors <- struct{}{}:
	default: // told already
	}
}

// Fatalf implements the server's Logger. It returns.
func (l *serverLog) Fatalf(format string, v ...any) {
	text := fmt.Sprintf(format, v...)
	l.log.Error("message store: " + text)
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.fatal == nil {
		l.fatal = errors.New(text)
	}
}

// Noticef implements the server's Logger.
func (l *serverLog) Noticef(string, ...any) {}

// Debugf implements the server's Logger.
func (l *serverLog) Debugf(string, ...any) {}

// Tracef implements the server's Logger.
func (l *serverLog) Tracef(string, ...any) {}
