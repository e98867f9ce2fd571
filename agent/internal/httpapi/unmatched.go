package httpapi

import (
	"fmt"
	"net/http"
)

// explained answers what no pattern matches with the path, and the methods that
// it takes; the mux alone would say neither.
func explained(mux *http.ServeMux) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		refusal, pattern := mux.Handler(r)
		if pattern != "" {
			mux.ServeHTTP(w, r)
			return
		}
		verdict := &verdict{header: http.Header{}}
		refusal.ServeHTTP(verdict, r)
		switch verdict.code {
		case http.StatusMethodNotAllowed:
			allow := verdict.header.Get("Allow")
			w.Header().Set("Allow", allow)
			http.Error(w, fmt.Sprintf("path %q takes %s, not %s", r.URL.Path, allow, r.Method), verdict.code)
		case http.StatusNotFound:
			http.Error(w, fmt.Sprintf("path %q is not served here; agent/README.md lists those that are", r.URL.Path), verdict.code)
		default:
			mux.ServeHTTP(w, r) // to the clean form of the path
		}
	})
}

// verdict is an answer of which only code and header are wanted.
type verdict struct {
	header http.Header
	code   int
}

func (v *verdict) Header() http.Header         { return v.header }
func (v *verdict) WriteHeader(code int)        { v.code = code }
func (v *verdict) Write(p []byte) (int, error) { return len(p), nil }
