package main

import (
	"flag"
	"fmt"
	"io"
	"log/slog"

	"cairn/cmd/cairn/read/show"
)

// logging is what the flags say of the engine's own log.
type logging struct {
	level slog.Level
	json  bool
}

// logFlags adds the flags of the engine's own log.
func logFlags(fs *flag.FlagSet) *logging {
	l := &logging{level: slog.LevelWarn}
	fs.Func("log-level", "what the engine logs on standard error: debug (every call), info, warn or error (default warn)", func(text string) error {
		levels := map[string]slog.Level{"debug": slog.LevelDebug, "info": slog.LevelInfo, "warn": slog.LevelWarn, "error": slog.LevelError}
		level, ok := levels[text]
		if !ok {
			return fmt.Errorf("unknown level %q: want debug, info, warn or error", text)
		}
		l.level = level
		return nil
	})
	fs.Func("log-format", "how it does: `text` or json, one object a line (default text)", func(text string) error {
		if text != "text" && text != "json" {
			return fmt.Errorf("unknown format %q: want text or json", text)
		}
		l.json = text == "json"
		return nil
	})
	fs.BoolFunc("verbose", "the same as --log-level debug", func(string) error {
		l.level = slog.LevelDebug
		return nil
	})
	return l
}

// logger returns the log that the flags ask for.
func (l *logging) logger(w io.Writer) *slog.Logger {
	o := &slog.HandlerOptions{Level: l.level}
	if l.json {
		return slog.New(slog.NewJSONHandler(plain{w}, o))
	}
	return slog.New(slog.NewTextHandler(w, o))
}

// plain escapes in lines of JSON what terminals obey and slog leaves as it is there:
// some control characters, and those that turn the direction of text.
type plain struct{ io.Writer }

// Write takes one line, as slog gives it.
func (p plain) Write(line []byte) (int, error) {
	if _, err := p.Writer.Write(append(show.JSON(nil, line), '\n')); err != nil {
		return 0, err
	}
	return len(line), nil
}
