package read

import (
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"cairn/cmd/cairn/cli"
	"cairn/internal/index"
	"cairn/internal/index/home"
	"cairn/internal/scan"
)

// TestMain lets the scripts run the reading commands as a process of their own.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"cairn": func() {
		ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
		defer stop()
		env := &cli.Env{Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr, Getenv: os.Getenv}
		for _, c := range Commands() {
			if len(os.Args) > 1 && c.Name == os.Args[1] {
				os.Exit(c.Run(ctx, os.Args[2:], env))
			}
		}
		os.Exit(cli.Usage)
	}})
}

// TestScripts runs testdata/script: searching, counting and following a small
// corpus in AWS's layout.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script", RequireExplicitExec: true, Setup: scriptEnv,
		Cmds: map[string]func(ts *testscript.TestScript, neg bool, args []string){
			// corpus DIR makes the log files of three days, two accounts and two
			// regions, and a digest.
			"corpus": func(ts *testscript.TestScript, _ bool, args []string) { ts.Check(writeCorpus(ts.MkAbs(args[0]))) },
			// deliver DIR AGO NAME makes a log file that is named so long ago, with
			// one record of an event of this name just now.
			"deliver": func(ts *testscript.TestScript, _ bool, args []string) {
				ago, err := time.ParseDuration(args[1])
				ts.Check(err)
				at := time.Now().UTC().Add(-ago)
				r := corpusRecord{account: "111122223333", region: "eu-west-1", at: at, name: args[2], n: len(args[2])}
				ts.Check(writeLog(ts.MkAbs(args[0]), r.account, r.region, at, args[2], []string{r.json()}))
			},
			// index DIR makes the index of a folder, where it is looked for.
			"index": func(ts *testscript.TestScript, _ bool, args []string) {
				src, err := scan.Open(context.Background(), ts.MkAbs(args[0]), scan.Options{})
				ts.Check(err)
				identity, err := home.Identity(ts.MkAbs(args[0]), ts.Getenv)
				ts.Check(err)
				dir, err := home.DefaultDir(identity, ts.Getenv)
				ts.Check(err)
				_, err = index.Build(context.Background(), src, dir, index.Options{Source: identity})
				ts.Check(err)
			},
			// spoil FILE changes a file so that only reading it tells.
			"spoil": func(ts *testscript.TestScript, _ bool, args []string) {
				names, err := filepath.Glob(ts.MkAbs(args[0]))
				ts.Check(err)
				info, err := os.Stat(names[0])
				ts.Check(err)
				ts.Check(os.WriteFile(names[0], make([]byte, info.Size()), 0o600))
				ts.Check(os.Chtimes(names[0], info.ModTime(), info.ModTime()))
			},
			// code N runs the command and wants its exit code to be N.
			"code": func(ts *testscript.TestScript, _ bool, args []string) {
				err := ts.Exec("cairn", args[1:]...)
				if got := exitCode(err); got != args[0] {
					ts.Fatalf("exit code %s, want %s: %v", got, args[0], err)
				}
			},
			// lines N FILE... wants a file, or stdout, to have N lines.
			"lines": func(ts *testscript.TestScript, _ bool, args []string) {
				if got := strings.Count(ts.ReadFile(args[1]), "\n"); fmt.Sprint(got) != args[0] {
					ts.Fatalf("%s has %d lines, want %s", args[1], got, args[0])
				}
			},
			// waitfor FILE TEXT waits until a file has a text in it.
			"waitfor": func(ts *testscript.TestScript, _ bool, args []string) {
				for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(20 * time.Millisecond) {
					text, err := os.ReadFile(ts.MkAbs(args[0]))
					if err == nil && bytes.Contains(text, []byte(args[1])) {
						return
					}
					if time.Now().After(deadline) {
						ts.Fatalf("%s has after 30 s:\n%s", args[0], text)
					}
				}
			},
			// waitlines N FILE waits until a file has N lines.
			"waitlines": func(ts *testscript.TestScript, _ bool, args []string) {
				for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(20 * time.Millisecond) {
					text, err := os.ReadFile(ts.MkAbs(args[1]))
					if err == nil && fmt.Sprint(bytes.Count(text, []byte("\n"))) == args[0] {
						return
					}
					if time.Now().After(deadline) {
						ts.Fatalf("%s has after 30 s:\n%s", args[1], text)
					}
				}
			},
		},
	})
}

// scriptEnv keeps the machine's own AWS configuration away from the scripts.
func scriptEnv(e *testscript.Env) error {
	for name, value := range map[string]string{
		"AWS_ENDPOINT_URL": "http://127.0.0.1:1", "AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_REGION": "eu-west-1",
		"AWS_EC2_METADATA_DISABLED": "true", "AWS_CONFIG_FILE": "/nonexistent", "AWS_SHARED_CREDENTIALS_FILE": "/nonexistent", "AWS_MAX_ATTEMPTS": "1",
	} {
		e.Setenv(name, value)
	}
	return nil
}

// exitCode is the exit code in the error of a command that ran.
func exitCode(err error) string {
	if err == nil {
		return "0"
	}
	return strings.TrimPrefix(err.Error(), "exit status ")
}

// corpusRecord is what differs between the records of the corpus.
type corpusRecord struct {
	account, region, name, err string
	at                         time.Time
	n                          int
}

func (r corpusRecord) json() string {
	identity := fmt.Sprintf(`{"type":"IAMUser","principalId":"AIDAEXAMPLE","arn":"arn:aws:iam::%s:user/ann","accountId":"%s","accessKeyId":"AKIAEXAMPLE","userName":"ann"}`, r.account, r.account)
	failed, request := "", `{"bucketName":"logs","key":"a/b.txt"}`
	switch {
	case r.name == "ConsoleLogin":
		identity = fmt.Sprintf(`{"type":"Root","principalId":"%s","arn":"arn:aws:iam::%s:root","accountId":"%s"}`, r.account, r.account, r.account)
		request = "null"
	case r.n%3 == 2:
		identity = fmt.Sprintf(`{"type":"AssumedRole","principalId":"AROAEXAMPLE:ci","arn":"arn:aws:sts::%s:assumed-role/deploy/ci","accountId":"%s","accessKeyId":"ASIAEXAMPLE","sessionContext":{"sessionIssuer":{"type":"Role","principalId":"AROAEXAMPLE","arn":"arn:aws:iam::%s:role/deploy","accountId":"%s","userName":"deploy"}}}`, r.account, r.account, r.account, r.account)
	}
	if r.err != "" {
		failed = fmt.Sprintf(`"errorCode":%q,"errorMessage":"it was denied",`, r.err)
	}
	return fmt.Sprintf(`{"eventVersion":"1.11","userIdentity":%s,"eventTime":%q,"eventSource":"s3.amazonaws.com","eventName":%q,"awsRegion":%q,"sourceIPAddress":"203.0.113.%d","userAgent":"aws-cli/2",%s"requestParameters":%s,"responseElements":null,"requestID":"R%d","eventID":"00000000-0000-4000-8000-%012d","readOnly":%v,"eventType":"AwsApiCall","managementEvent":true,"recipientAccountId":%q,"eventCategory":"Management"}`,
		identity, r.at.Format(time.RFC3339), r.name, r.region, r.n%7, failed, request, r.n, r.n, strings.HasPrefix(r.name, "Get"), r.account)
}

// writeCorpus writes 3 days x 2 accounts x 2 regions x 4 files of 3 records.
func writeCorpus(dir string) error {
	n := 0
	for day := range 3 {
		for _, account := range []string{"111122223333", "444455556666"} {
			for _, region := range []string{"eu-west-1", "us-east-1"} {
				for file := range 4 {
					at := time.Date(2025, 3, 1+day, 6*file, 10, 0, 0, time.UTC)
					var records []string
					for i := range 3 {
						r := corpusRecord{account: account, region: region, at: at.Add(-time.Duration(i) * time.Minute), name: []string{"GetObject", "PutObject", "DeleteObject"}[i], n: n}
						switch {
						case n%24 == 23:
							r.err = "AccessDenied"
						case n == 12:
							r.name = "ConsoleLogin"
						}
						records = append(records, r.json())
						n++
					}
					if err := writeLog(dir, account, region, at, fmt.Sprintf("%016d", n), records); err != nil {
						return err
					}
				}
			}
		}
	}
	digest := filepath.Join(dir, "AWSLogs/111122223333/CloudTrail-Digest/eu-west-1/2025/03/01/111122223333_CloudTrail-Digest_eu-west-1_t_eu-west-1_20250301T101010Z.json.gz")
	return writeGzip(digest, `{"logFiles":[]}`)
}

// writeLog writes a log file of records.
func writeLog(dir, account, region string, at time.Time, unique string, records []string) error {
	name := filepath.Join(dir, "AWSLogs", account, "CloudTrail", region, at.Format("2006/01/02"),
		fmt.Sprintf("%s_CloudTrail_%s_%s_%s.json.gz", account, region, at.Format("20060102T1504Z"), unique))
	return writeGzip(name, `{"Records":[`+strings.Join(records, ",")+`]}`)
}

func writeGzip(name, text string) error {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	if _, err := z.Write([]byte(text)); err != nil {
		return err
	}
	if err := z.Close(); err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
		return err
	}
	// Whole from the start, as objects in a bucket are.
	if err := os.WriteFile(name+".part", b.Bytes(), 0o600); err != nil {
		return err
	}
	return os.Rename(name+".part", name)
}
