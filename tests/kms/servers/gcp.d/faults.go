package main

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
)

// A fault hits the next Count calls whose method and path hold Match.
type fault struct {
	Match      string
	Count      int
	Kind       string // status, delay, reset, html, garbage, truncate, redirect, huge, crc, flag, name, signature
	Status     int    // of kind status
	Code       string // "UNAVAILABLE"
	Message    string
	RetryAfter string
	DelayMS    int
	Location   string
}

type faults struct {
	mu    sync.Mutex
	list  []*fault
	calls map[string]int
}

func (f *faults) add(one *fault) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if one.Count == 0 {
		one.Count = 1
	}
	f.list = append(f.list, one)
}

func (f *faults) reset() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.list, f.calls = nil, nil
}

func (f *faults) count(r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.calls == nil {
		f.calls = map[string]int{}
	}
	f.calls[r.Method+" "+r.URL.Path]++
}

// How many calls held this text since the last reset.
func (f *faults) counted(match string) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	sum := 0
	for call, n := range f.calls {
		if strings.Contains(call, match) {
			sum += n
		}
	}
	return sum
}

func (f *faults) take(r *http.Request) *fault {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, one := range f.list {
		if one.Count > 0 && strings.Contains(r.Method+" "+r.URL.Path, one.Match) {
			one.Count--
			hit := *one
			return &hit
		}
	}
	return nil
}

// Cuts the connection without a word.
func cut(w http.ResponseWriter) {
	panic(http.ErrAbortHandler)
}

// What happens instead of the call; false: nothing, so that it goes on.
func (f *fault) before(w http.ResponseWriter, r *http.Request) bool {
	// A reply to a request whose body has not all come yet has Go's server reset the HTTP/2 stream behind it, which
	// libcurl takes for an error when it comes early enough. Faults that cut the connection do so themselves.
	switch f.Kind {
	case "status", "html", "garbage", "redirect", "huge":
		_, _ = io.Copy(io.Discard, r.Body)
	}
	switch f.Kind {
	case "status":
		if f.RetryAfter != "" {
			w.Header().Set("Retry-After", f.RetryAfter)
		}
		googleError(w, f.Status, f.Code, f.Message)
	case "delay":
		select {
		case <-time.After(time.Duration(f.DelayMS) * time.Millisecond):
		case <-r.Context().Done():
		}
		return false
	case "reset":
		cut(w)
	case "html":
		w.Header().Set("Content-Type", "text/html")
		w.WriteHeader(f.statusOr(502))
		fmt.Fprint(w, "<html><title>Error 502 (Server Error)!!1</title></html>")
	case "garbage":
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprint(w, `{"signature":`)
	case "redirect":
		w.Header().Set("Location", f.Location)
		w.WriteHeader(http.StatusTemporaryRedirect)
	case "huge":
		w.Header().Set("Content-Type", "application/json")
		for i := 0; i < 64; i++ {
			fmt.Fprint(w, strings.Repeat(" ", 1<<20))
		}
	default:
		return false
	}
	return true
}

func (f *fault) statusOr(usual int) int {
	if f.Status != 0 {
		return f.Status
	}
	return usual
}

func flipNumber(members map[string]any, name string) {
	text, ok := members[name].(string)
	n, err := strconv.ParseInt(text, 10, 64)
	if ok && err == nil {
		members[name] = strconv.FormatInt(n^1, 10)
	}
}

// A signature that fits its checksum and nothing else.
func spoilSignature(members map[string]any) {
	text, _ := members["signature"].(string)
	bytes, err := base64.StdEncoding.DecodeString(text)
	if err != nil || len(bytes) == 0 {
		return
	}
	bytes[len(bytes)-1] ^= 1
	members["signature"] = base64.StdEncoding.EncodeToString(bytes)
	members["signatureCrc32c"] = strconv.FormatInt(crc32c(bytes), 10)
}

// Changes a reply that was right; true: it was sent already.
func (f *fault) after(w http.ResponseWriter, reply *kept) bool {
	members := map[string]any{}
	if json.Unmarshal(reply.body.Bytes(), &members) != nil {
		return false
	}
	switch f.Kind {
	case "truncate":
		w.Header().Set("Content-Length", strconv.Itoa(reply.body.Len()))
		w.WriteHeader(reply.code)
		w.Write(reply.body.Bytes()[:reply.body.Len()/2])
		w.(http.Flusher).Flush()
		cut(w)
	case "crc":
		for name := range members {
			if strings.HasSuffix(name, "Crc32c") {
				flipNumber(members, name)
			}
		}
	case "flag":
		for name := range members {
			if strings.HasPrefix(name, "verified") {
				delete(members, name)
			}
		}
	case "name":
		if name, ok := members["name"].(string); ok {
			members["name"] = name + "0"
		}
	case "signature":
		spoilSignature(members)
	default:
		return false
	}
	text, _ := json.Marshal(members)
	reply.body.Reset()
	reply.body.Write(text)
	return false
}
