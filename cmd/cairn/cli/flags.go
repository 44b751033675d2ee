package cli

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"regexp"
	"strings"

	"cairn/internal/spell"
)

// AnyNumber lets a command take any number of positional arguments.
const AnyNumber = -1

// NewFlags returns a flag set whose errors and help go to env; about is the
// help text above the flags.
func NewFlags(env *Env, name, arguments, about string) *flag.FlagSet {
	fs := flag.NewFlagSet(name, flag.ContinueOnError)
	fs.SetOutput(env.Stderr)
	fs.Usage = func() {
		w := fs.Output()
		fmt.Fprintf(w, "Usage: cairn %s\n\n%s\n", strings.TrimSpace(name+" "+arguments), strings.TrimSpace(about))
		printFlags(fs)
	}
	return fs
}

// printFlags lists the flags with two dashes, as people type them.
func printFlags(fs *flag.FlagSet) {
	first := true
	fs.VisitAll(func(f *flag.Flag) {
		if first {
			fmt.Fprint(fs.Output(), "\nFlags:\n")
			first = false
		}
		value, text := flag.UnquoteUsage(f)
		if value != "" {
			value = " " + value
		}
		def := ""
		if f.DefValue != "" && f.DefValue != "false" {
			def = fmt.Sprintf(" (default %s)", f.DefValue)
		}
		fmt.Fprintf(fs.Output(), "  --%s%s\n        %s%s\n", f.Name, value, text, def)
	})
}

// ParseFlags parses a command line that takes flags before and after at most n
// positional arguments; after -- all are positional. If ok is false, the
// command ends with code: what is wrong has been told.
func ParseFlags(fs *flag.FlagSet, env *Env, args []string, n int) (positional []string, code int, ok bool) {
	for {
		// The flag package tells an error with the whole help text behind it;
		// one line is easier to find.
		help := fs.Usage
		fs.Usage = func() {}
		fs.SetOutput(io.Discard)
		err := fs.Parse(args)
		fs.Usage = help
		fs.SetOutput(env.Stderr)
		if errors.Is(err, flag.ErrHelp) {
			fs.SetOutput(env.Stdout)
			help()
			return nil, OK, false
		}
		if err != nil {
			return nil, Wrong(env, fs.Name(), explain(fs, err)), false
		}
		if fs.NArg() == 0 {
			break
		}
		if read := len(args) - fs.NArg(); read > 0 && args[read-1] == "--" {
			positional = append(positional, fs.Args()...)
			break
		}
		positional = append(positional, fs.Arg(0))
		args = fs.Args()[1:]
	}
	if n != AnyNumber && len(positional) > n {
		return nil, Wrong(env, fs.Name(), fmt.Errorf("unexpected argument %q", positional[n])), false
	}
	return positional, OK, true
}

var (
	unknownFlag = regexp.MustCompile(`^flag provided but not defined: -(.*)$`)
	noArgument  = regexp.MustCompile(`^flag needs an argument: -(.*)$`)
	badValue    = regexp.MustCompile(`(?s)^invalid (?:boolean )?value (".*") for (?:flag )?-([a-z-]+): (.*)$`)
)

// explain says what the flag package found wrong in the words of this program.
// What the package says is part of its documented behaviour only in kind, so
// text that is not known is passed on as it is.
func explain(fs *flag.FlagSet, err error) error {
	if m := unknownFlag.FindStringSubmatch(err.Error()); m != nil {
		return fmt.Errorf("there is no flag --%s%s", m[1], suggest(fs, m[1]))
	}
	if m := noArgument.FindStringSubmatch(err.Error()); m != nil {
		value, _ := flag.UnquoteUsage(fs.Lookup(m[1]))
		return fmt.Errorf("--%s needs a value: --%s %s", m[1], m[1], strings.ToUpper(value))
	}
	if m := badValue.FindStringSubmatch(err.Error()); m != nil {
		return fmt.Errorf("--%s %s: %s", m[2], m[1], reason(fs.Lookup(m[2]), m[3]))
	}
	return err
}

// reason rewords what the flag package says about its own kinds of values.
func reason(f *flag.Flag, given string) string {
	if given != "parse error" && given != "value out of range" {
		return given
	}
	if b, ok := f.Value.(interface{ IsBoolFlag() bool }); ok && b.IsBoolFlag() {
		return "it takes no value, or =true or =false"
	}
	kind, _ := flag.UnquoteUsage(f)
	return "want a " + kind
}

// suggest names the flag that was probably meant.
func suggest(fs *flag.FlagSet, word string) string {
	const longest = 40 // nobody mistypes one longer than that
	if len(word) > longest {
		return ""
	}
	best, name := 3, "" // more than two typing errors are another word
	fs.VisitAll(func(f *flag.Flag) {
		if d := spell.Distance(word, f.Name); d < best && d < len(f.Name) {
			best, name = d, f.Name
		}
	})
	if name == "" {
		return ""
	}
	return fmt.Sprintf("; did you mean --%s?", name)
}
