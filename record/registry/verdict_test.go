package registry

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"shadoof/record"
)

const loginPage = "<!doctype html><html><title>Log in</title></html>"

func TestStatusFirstThenCode(t *testing.T) {
	t.Parallel()
	const (
		noSchema = "the registry has no such schema (http://registry, code "
		noPage   = "no schema registry is there: check the URL"
		silence  = "does not answer, tried for 30s, see that it is up and can be reached from here: http://registry answers "
	)
	code := func(n int) string { return fmt.Sprintf(`{"error_code":%d,"message":"says the server"}`, n) }
	for _, c := range []struct {
		status  int
		body    string
		want    string
		retried bool
	}{
		{200, `{}`, noPage, false},
		{200, `[]`, noPage, false},
		{200, loginPage, noPage, false},
		{200, ``, noPage, false},
		{204, ``, noPage, false},
		{400, ``, "answers 400 Bad Request", false},
		{400, code(40003), "answers 400 Bad Request, code 40003: says the server", false},
		{400, code(40403), "answers 400 Bad Request, code 40403: says the server", false},
		{401, ``, "answers 401 Unauthorized: check username and password of user ada", false},
		{401, code(40101), "code 40101: says the server: check username and password of user ada", false},
		{401, code(40403), "check username and password of user ada", false},
		{403, ``, "answers 403 Forbidden: the credentials of user ada do not allow it", false},
		{403, code(40301), "the credentials of user ada do not allow it", false},
		{404, ``, noPage, false},
		{404, loginPage, noPage, false},
		{404, code(0), noPage, false},
		{404, code(404), noPage, false},
		{404, code(50001), noPage, false},
		{404, `{"detail":"Could not find resource","status":404}`, noPage, false},
		{404, code(40401), noSchema + "40401)", false},
		{404, code(40402), noSchema + "40402)", false},
		{404, code(40403), noSchema + "40403)", false},
		{404, code(40404), "answers 404 Not Found, code 40404: says the server", false},
		{405, ``, "answers 405 Method Not Allowed", false},
		{408, ``, silence + "408 Request Timeout", true},
		{422, code(42202), "answers 422 Unprocessable Entity, code 42202: says the server", false},
		{429, ``, silence + "429 Too Many Requests", true},
		{500, code(50001), silence + "500 Internal Server Error, code 50001: says the server", true},
		{500, code(40403), silence + "500 Internal Server Error, code 40403: says the server", true},
		{502, loginPage, silence + "502 Bad Gateway", true},
		{503, ``, silence + "503 Service Unavailable", true},
		{504, code(40401), silence + "504 Gateway Timeout", true},
	} {
		t.Run(fmt.Sprintf("%d %.30s", c.status, c.body), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				f := same(answer{status: c.status, body: c.body})
				r := open(t, Options{Username: "ada", Password: "s3cret"}, f)
				_, err := r.ByID(t.Context(), 7)
				if err == nil || !strings.HasPrefix(err.Error(), "schema id 7: ") || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), "http://registry") {
					t.Errorf("error %v, want %q", err, c.want)
				}
				if got, want := errors.Is(err, record.ErrNoSchema), strings.HasPrefix(c.want, noSchema); got != want {
					t.Errorf("%v is ErrNoSchema: %v, want %v", err, got, want)
				}
				if n := len(f.requests()); n > 1 != c.retried {
					t.Errorf("%d requests, want it retried: %v", n, c.retried)
				}
			})
		})
	}
}

func TestCredentialsAreAskedForWhereThereAreNone(t *testing.T) {
	t.Parallel()
	for status, want := range map[int]string{401: "it wants credentials, give a username and a password", 403: "not allowed without credentials"} {
		r := open(t, Options{}, same(answer{status: status}))
		if _, err := r.ByID(t.Context(), 7); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%d: error %v, want %q", status, err, want)
		}
	}
}

// A server may say in an error what it was sent.
func TestNothingSecretIsInErrorsAndLogs(t *testing.T) {
	t.Parallel()
	const user, password = "ada", "pass w/rd+1"
	secrets := []string{password, "YWRhOnBhc3Mgdy9yZCsx", "pass+w%2Frd%2B1"}
	answers := map[string]func(req *http.Request) answer{
		"connection": func(*http.Request) answer { return answer{err: errors.New("refused")} },
		"silence":    func(*http.Request) answer { return answer{silent: true} },
		"long":       func(*http.Request) answer { return answer{status: 200, body: strings.Repeat(" ", maxAnswerBytes+1)} },
	}
	for _, status := range []int{200, 302, 400, 401, 403, 404, 429, 500} {
		for i, secret := range secrets {
			answers[fmt.Sprintf("status %d, secret %d", status, i)] = func(*http.Request) answer {
				return answer{status: status, body: fmt.Sprintf(`{"error_code":1,"message":"you sent %s"}`, secret)}
			}
		}
		answers[fmt.Sprintf("status %d, header", status)] = func(req *http.Request) answer {
			return answer{status: status, body: fmt.Sprintf(`{"error_code":1,"message":"you sent %s"}`, req.Header.Get("Authorization"))}
		}
	}
	for name, say := range answers {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var log bytes.Buffer
				sent := ""
				f := &fake{answer: func(_ int, req *http.Request) answer {
					sent = req.Header.Get("Authorization")
					return say(req)
				}}
				r := open(t, Options{Username: user, Password: password, Log: slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))}, f)
				_, err := r.ByID(t.Context(), 7)
				if err == nil {
					t.Fatal("no error")
				}
				if sent != "Basic "+secrets[1] {
					t.Errorf("sent %q", sent)
				}
				for _, s := range secrets {
					if strings.Contains(err.Error(), s) || strings.Contains(log.String(), s) {
						t.Errorf("%q is in the error or in the log:\n%v\n%s", s, err, &log)
					}
				}
			})
		})
	}
}

func TestAnswersAreBounded(t *testing.T) {
	t.Parallel()
	f := same(answer{status: 200, body: strings.Repeat(" ", maxAnswerBytes+1)})
	_, err := open(t, Options{}, f).ByID(t.Context(), 7)
	if want := "schema id 7: http://registry: the answer is longer than 16 MiB"; err == nil || err.Error() != want {
		t.Errorf("error %v, want %s", err, want)
	}
	wantRequests(t, f, "registry/schemas/ids/7")
	f = same(answer{status: 400, body: strings.Repeat(" ", maxAnswerBytes)})
	if _, err := open(t, Options{}, f).ByID(t.Context(), 7); err == nil || !strings.Contains(err.Error(), "answers 400") {
		t.Errorf("error %v", err)
	}
}

func TestLongMessagesAreCut(t *testing.T) {
	t.Parallel()
	f := same(answer{status: 400, body: `{"error_code":40000,"message":"` + strings.Repeat(`ä\n `, 1000) + `"}`})
	_, err := open(t, Options{}, f).ByID(t.Context(), 7)
	if err == nil || len(err.Error()) > 500 || strings.Contains(err.Error(), "\n") || !strings.HasSuffix(err.Error(), "ä …") {
		t.Errorf("error %v", err)
	}
}

func TestWarningOnceWhileItWaits(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		r := open(t, Options{Patience: time.Minute, Log: slog.New(slog.NewTextHandler(&log, nil))}, same(answer{status: 503}))
		if _, err := r.ByID(t.Context(), 7); err == nil {
			t.Fatal("no error")
		}
		if got := log.String(); strings.Count(got, "\n") != 1 || !strings.Contains(got, `for="schema id 7"`) || !strings.Contains(got, "503 Service Unavailable") {
			t.Errorf("logged:\n%s", got)
		}
	})
}
