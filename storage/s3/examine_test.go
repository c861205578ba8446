package s3

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"shadoof/storage"
)

// settings answers questions about the bucket: by the name of the sub-resource the XML or JSON, or a status and a code.
type settings map[string]string

func (f *fake) settle(s settings, header func(http.Header)) {
	f.onRequest(func(w http.ResponseWriter, r *http.Request, serve func(http.ResponseWriter)) bool {
		if r.Method == http.MethodHead && r.URL.Path == "/lake" {
			header(w.Header())
			w.WriteHeader(http.StatusOK)
			return true
		}
		q := r.URL.Query()
		for _, what := range []string{"lifecycle", "versioning", "object-lock", "encryption", "policy"} {
			if !q.Has(what) || r.Method != http.MethodGet {
				continue
			}
			text, ok := s[what]
			if !ok {
				text = "403 AccessDenied"
			}
			var status int
			var code string
			if n, _ := fmt.Sscanf(text, "%d %s", &status, &code); n == 2 {
				fail(w, status, code)
				return true
			}
			_, _ = w.Write([]byte(text))
			return true
		}
		return false
	})
}

// plain are the settings of a bucket of which nothing was set.
func plain() settings {
	return settings{
		"lifecycle": "404 NoSuchLifecycleConfiguration", "versioning": "<VersioningConfiguration></VersioningConfiguration>",
		"object-lock": "404 ObjectLockConfigurationNotFoundError", "encryption": "404 ServerSideEncryptionConfigurationNotFoundError", "policy": "404 NoSuchBucketPolicy",
	}
}

func lifecycle(rules ...string) string {
	text := "<LifecycleConfiguration>"
	for i, r := range rules {
		text += fmt.Sprintf("<Rule><ID>r%d</ID><Status>Enabled</Status>%s</Rule>", i, r)
	}
	return text + "</LifecycleConfiguration>"
}

const abort7 = "<Filter><Prefix></Prefix></Filter><AbortIncompleteMultipartUpload><DaysAfterInitiation>7</DaysAfterInitiation></AbortIncompleteMultipartUpload>"

func expiry(prefix string) string {
	return "<Filter><Prefix>" + prefix + "</Prefix></Filter><Expiration><Days>30</Days></Expiration>"
}

func TestTheBucketsSetUpIsExamined(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		set   settings
		grade storage.Grade
		about string
		says  string
	}{
		"nothing set":            {plain(), storage.Doubt, "staged files are kept", "AbortIncompleteMultipartUpload after 7 days"},
		"nothing set, the log":   {plain(), storage.Good, "log is kept", "no lifecycle rule touches kafka/_shadoof/"},
		"nothing set, versions":  {plain(), storage.Good, "versioning", "off"},
		"nothing set, lock":      {plain(), storage.Good, "object lock", "none"},
		"nothing set, policy":    {plain(), storage.Good, "bucket policy", "none"},
		"nothing set, keys":      {plain(), storage.Good, "encryption", "the bucket has none"},
		"uploads":                {plain(), storage.Good, "uploads are listed", "by prefix"},
		"aborts after 7 days":    {settings{"lifecycle": lifecycle(abort7)}, storage.Good, "staged files are kept", `after 7 days (rule "r0")`},
		"aborts after a day":     {settings{"lifecycle": lifecycle(strings.ReplaceAll(abort7, "7", "1"))}, storage.Bad, "staged files are kept", "after 1 day"},
		"aborts elsewhere":       {settings{"lifecycle": lifecycle(strings.Replace(abort7, "<Prefix>", "<Prefix>logs/", 1))}, storage.Doubt, "staged files are kept", "no lifecycle rule aborts"},
		"a disabled rule":        {settings{"lifecycle": strings.ReplaceAll(lifecycle(expiry("")), "Enabled", "Disabled")}, storage.Good, "log is kept", ""},
		"expires everything":     {settings{"lifecycle": lifecycle(abort7, expiry(""))}, storage.Bad, "log is kept", `rule "r1" deletes objects below "" after 30 days`},
		"expires the log":        {settings{"lifecycle": lifecycle(expiry("kafka/_shadoof/topics/"))}, storage.Bad, "log is kept", "narrow the rule"},
		"expires probes":         {settings{"lifecycle": lifecycle(expiry("kafka/_shadoof/probe/"))}, storage.Good, "log is kept", ""},
		"expires a topic":        {settings{"lifecycle": lifecycle(expiry("kafka/orders/"))}, storage.Doubt, "data is kept", "verify takes them"},
		"expires a bucket of it": {settings{"lifecycle": lifecycle(expiry("kafka/orders/dt=2026-11-20/"))}, storage.Doubt, "data is kept", "orders"},
		"expires what is tagged": {settings{"lifecycle": lifecycle("<Filter><Tag><Key>a</Key><Value>b</Value></Tag></Filter><Expiration><Days>3</Days></Expiration>")}, storage.Good, "log is kept", ""},
		"an old rule":            {settings{"lifecycle": lifecycle("<Prefix>kafka/</Prefix><Expiration><Days>3</Days></Expiration>")}, storage.Bad, "log is kept", "after 3 days"},
		"glacier":                {settings{"lifecycle": lifecycle("<Filter><Prefix>kafka/</Prefix></Filter><Transition><Days>9</Days><StorageClass>GLACIER</StorageClass></Transition>")}, storage.Bad, "log is kept", "GLACIER"},
		"not allowed":            {settings{}, storage.Unseen, "lifecycle rules", "s3:GetLifecycleConfiguration is not allowed to these credentials"},
		"not allowed, policy":    {settings{}, storage.Unseen, "bucket policy", "aws s3api get-bucket-policy --bucket lake"},
		"not built":              {settings{"object-lock": "501 NotImplemented"}, storage.Unseen, "object lock", "does not tell"},
		"versions for ever":      {settings{"versioning": "<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>"}, storage.Doubt, "versioning", "for ever"},
		"versions that end": {settings{
			"versioning": "<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>",
			"lifecycle":  lifecycle("<Filter></Filter><NoncurrentVersionExpiration><NoncurrentDays>14</NoncurrentDays></NoncurrentVersionExpiration>"),
		}, storage.Good, "versioning", "after 14 days"},
		"locked": {settings{"object-lock": "<ObjectLockConfiguration><ObjectLockEnabled>Enabled</ObjectLockEnabled><Rule><DefaultRetention><Mode>COMPLIANCE</Mode><Days>9</Days></DefaultRetention></Rule></ObjectLockConfiguration>"},
			storage.Doubt, "object lock", "COMPLIANCE, 9 days"},
		"KMS without a bucket key": {settings{"encryption": "<ServerSideEncryptionConfiguration><Rule><ApplyServerSideEncryptionByDefault><SSEAlgorithm>aws:kms</SSEAlgorithm></ApplyServerSideEncryptionByDefault></Rule></ServerSideEncryptionConfiguration>"},
			storage.Doubt, "encryption", "bucket key"},
		"a policy that denies": {settings{"policy": `{"Statement":[{"Effect":"Deny","Sid":"NoPlainHTTP"},{"Effect":"Allow"}]}`}, storage.Good, "bucket policy", `"NoPlainHTTP" deny`},
		"one statement":        {settings{"policy": `{"Statement":{"Effect":"Allow"}}`}, storage.Good, "bucket policy", "1 statements"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFake(t)
			s := f.store(t)
			f.settle(test.set, func(http.Header) {})
			found := s.Examine(t.Context(), []storage.Move{{Staging: "_shadoof/topics/orders/staging", Folder: "orders"}, {Staging: "_shadoof/topics/orders/staging", Folder: "_shadoof/topics/orders/quarantine"}})
			for _, got := range found {
				if got.Name == test.about && got.Grade == test.grade && strings.Contains(got.Detail, test.says) {
					return
				}
			}
			t.Errorf("no finding %q is %s and says %q:", test.about, test.grade, test.says)
			for _, got := range found {
				t.Logf("%-11s %-25s %s", got.Grade, got.Name, got.Detail)
			}
		})
	}
}

func TestTheServersClockAndRegionAreExamined(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		header func(http.Header)
		grade  storage.Grade
		about  string
		says   string
	}{
		"right":  {func(http.Header) {}, storage.Good, "clock", "from ours"},
		"behind": {func(h http.Header) { h.Set("Date", time.Now().Add(-8*time.Minute).UTC().Format(http.TimeFormat)) }, storage.Doubt, "clock", "-8m"},
		"region": {func(h http.Header) { h.Set("X-Amz-Bucket-Region", "eu-west-1") }, storage.Doubt, "bucket", "it is in region eu-west-1"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFake(t)
			s := f.store(t)
			f.settle(plain(), test.header)
			for _, got := range s.examineBucket(t.Context()) {
				if got.Name == test.about {
					if got.Grade != test.grade || !strings.Contains(got.Detail, test.says) {
						t.Errorf("got %+v, want %s: %s", got, test.grade, test.says)
					}
					return
				}
			}
			t.Error("no such finding")
		})
	}
}

func TestExaminingLeavesNothingBehind(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	s := f.store(t)
	f.settle(plain(), func(http.Header) {})
	s.Examine(t.Context(), nil)
	if n := f.open(); n > 0 {
		t.Errorf("%d uploads are left", n)
	}
}
