package look

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/xml"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/smithy-go"

	"cairn/setup/check"
)

// DescribeAlarms is the one CloudWatch operation needed; its query protocol is
// a form sent and XML read, so that no further SDK module is.
//
// Source: "DescribeAlarms" in the CloudWatch API reference.

// maxAlarmPage bounds how much of an answer is read. A page has at most 100
// alarms.
const maxAlarmPage = 8 << 20

// alarmPage is a page of metric alarms.
type alarmPage struct {
	NextToken string       `xml:"DescribeAlarmsResult>NextToken"`
	Alarms    []alarmShape `xml:"DescribeAlarmsResult>MetricAlarms>member"`
}

type alarmShape struct {
	AlarmName      string
	ActionsEnabled bool
	AlarmActions   []string `xml:"AlarmActions>member"`
	Namespace      string
	MetricName     string
	// Metrics are those of an alarm on a metric expression.
	Metrics []struct {
		Namespace  string `xml:"MetricStat>Metric>Namespace"`
		MetricName string `xml:"MetricStat>Metric>MetricName"`
	} `xml:"Metrics>member"`
}

// describeAlarms lists the metric alarms of a region.
func (r *Reader) describeAlarms(ctx context.Context, region string) ([]check.Alarm, error) {
	var list []check.Alarm
	for token := ""; ; {
		form := url.Values{"Action": {"DescribeAlarms"}, "Version": {"2010-08-01"}, "AlarmTypes.member.1": {"MetricAlarm"}, "MaxRecords": {"100"}}
		if token != "" {
			form.Set("NextToken", token)
		}
		body, err := r.queryCloudWatch(ctx, region, form)
		if err != nil {
			return nil, err
		}
		alarms, next, err := parseAlarms(body)
		if err != nil {
			return nil, err
		}
		list = append(list, alarms...)
		if next == "" || next == token {
			return list, nil
		}
		token = next
	}
}

// parseAlarms reads a page of DescribeAlarms.
func parseAlarms(body []byte) (list []check.Alarm, next string, err error) {
	var page alarmPage
	if err := xml.Unmarshal(body, &page); err != nil {
		return nil, "", &smithy.GenericAPIError{Code: "MalformedAnswer", Message: "the answer to DescribeAlarms cannot be read: " + err.Error()}
	}
	for _, a := range page.Alarms {
		alarm := check.Alarm{Name: a.AlarmName, Acts: a.ActionsEnabled && len(a.AlarmActions) > 0}
		if a.MetricName != "" {
			alarm.Metrics = append(alarm.Metrics, check.Metric{Namespace: a.Namespace, Name: a.MetricName})
		}
		for _, m := range a.Metrics {
			if m.MetricName != "" {
				alarm.Metrics = append(alarm.Metrics, check.Metric{Namespace: m.Namespace, Name: m.MetricName})
			}
		}
		list = append(list, alarm)
	}
	return list, page.NextToken, nil
}

// queryCloudWatch sends a form, again if it is throttled.
func (r *Reader) queryCloudWatch(ctx context.Context, region string, form url.Values) ([]byte, error) {
	const tries = 4
	for wait, n := 250*time.Millisecond, 1; ; wait, n = 2*wait, n+1 {
		body, code, err := r.sendForm(ctx, region, form.Encode())
		if err != nil {
			return nil, err
		}
		if code == http.StatusOK {
			return body, nil
		}
		err = queryError(body, code)
		if n == tries || code < 500 && !isCode(err, "Throttling", "ThrottlingException") || notOffered(err) {
			return nil, err
		}
		pause := time.NewTimer(wait)
		select {
		case <-ctx.Done():
			pause.Stop()
			return nil, ctx.Err()
		case <-pause.C:
		}
	}
}

func (r *Reader) sendForm(ctx context.Context, region, form string) (body []byte, code int, err error) {
	cfg := r.client.Config()
	endpoint := aws.ToString(cfg.BaseEndpoint)
	if endpoint == "" {
		endpoint = "https://monitoring." + region + ".amazonaws.com/"
		if r.client.Partition == "aws-cn" {
			endpoint = "https://monitoring." + region + ".amazonaws.com.cn/"
		}
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, endpoint, strings.NewReader(form))
	if err != nil {
		return nil, 0, fmt.Errorf("ask CloudWatch: %w", err)
	}
	if req.URL.Path == "" {
		req.URL.Path = "/"
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded; charset=utf-8")
	keys, err := cfg.Credentials.Retrieve(ctx)
	if err != nil {
		return nil, 0, fmt.Errorf("find AWS credentials: %w", err)
	}
	sum := sha256.Sum256([]byte(form))
	if err := v4.NewSigner().SignHTTP(ctx, keys, req, hex.EncodeToString(sum[:]), "monitoring", region, time.Now()); err != nil {
		return nil, 0, fmt.Errorf("sign request to CloudWatch: %w", err)
	}
	var client interface {
		Do(*http.Request) (*http.Response, error)
	} = http.DefaultClient
	if cfg.HTTPClient != nil {
		client = cfg.HTTPClient
	}
	resp, err := client.Do(req)
	if err != nil {
		return nil, 0, fmt.Errorf("ask CloudWatch: %w", err)
	}
	defer resp.Body.Close()
	body, err = io.ReadAll(io.LimitReader(resp.Body, maxAlarmPage))
	if err != nil {
		return nil, 0, fmt.Errorf("read CloudWatch's answer: %w", err)
	}
	return body, resp.StatusCode, nil
}

// queryError reads an error answer: its first Code and Message, wherever the
// endpoint put them.
func queryError(body []byte, status int) error {
	e := &smithy.GenericAPIError{}
	d := xml.NewDecoder(bytes.NewReader(body))
	for {
		token, err := d.Token()
		if err != nil {
			break
		}
		start, ok := token.(xml.StartElement)
		if !ok {
			continue
		}
		switch start.Name.Local {
		case "Code":
			err = d.DecodeElement(&e.Code, &start)
		case "Message":
			err = d.DecodeElement(&e.Message, &start)
		}
		if err != nil {
			break
		}
	}
	switch {
	case status == http.StatusNotImplemented:
		e.Code = "NotImplemented"
	case e.Code == "" && (status == http.StatusForbidden || status == http.StatusUnauthorized):
		e.Code = "AccessDenied"
	case e.Code == "":
		e.Code, e.Message = http.StatusText(status), fmt.Sprintf("HTTP status %d", status)
	}
	return e
}
