package admin

import (
	"bytes"
	"context"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/a-h/templ"
)

//go:generate go run github.com/a-h/templ/cmd/templ@v0.3.977 generate -f page.templ

//go:embed style.css
var style string

// policy lets the page have its one stylesheet and nothing else: no script, no picture, no form.
var policy = func() string {
	digest := sha256.Sum256([]byte(style))
	return "default-src 'none'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(digest[:]) + "'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
}()

// stylesheet writes the bytes that policy knows.
func stylesheet() templ.Component {
	return templ.ComponentFunc(func(_ context.Context, w io.Writer) error {
		_, err := io.WriteString(w, "<style>"+style+"</style>")
		return err
	})
}

// refreshEvery is how often the page loads itself anew for those who ask it to. It does not by itself: what moves under a reader's eyes
// loses the place, and a screen reader begins again.
const refreshEvery = 30 * time.Second

// page shows a status to people. It is made whole before the first byte is sent.
func (s *Server) page(w http.ResponseWriter, r *http.Request) {
	v := newView(s.o.Status())
	if r.URL.Query().Has("refresh") {
		v.refresh = int(refreshEvery / time.Second)
	}
	var b bytes.Buffer
	if err := page(v).Render(r.Context(), &b); err != nil {
		plain(w, http.StatusInternalServerError, err.Error())
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_, _ = w.Write(b.Bytes()) // who asked is gone
}

// why says for which reason a run began.
func why(reason string) string {
	switch reason {
	case "schedule":
		return "on schedule"
	case "catch_up":
		return "to make up for missed ones"
	case "retry":
		return "to try again"
	case "asked":
		return "because somebody asked"
	}
	return strings.ReplaceAll(reason, "_", " ")
}
