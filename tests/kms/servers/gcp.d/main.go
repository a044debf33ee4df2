// A Google Cloud KMS for tests, on Google's own API definitions (kmspb), as gRPC and, through vanguard, as REST. Keys,
// signatures, tokens and states are real; nothing is kept when it ends. It says how far it agrees with Google only
// through Google's own client (tests/kms/judge_gcp.py).
//
// Admin calls (http, no credentials: it listens on 127.0.0.1 alone):
//
//	POST /admin/fault {"match":"asymmetricSign","count":2,"kind":"status","status":503,...}   see faults.go
//	POST /admin/reset                       no faults, no counts
//	GET  /admin/count?match=asymmetricSign  how many calls came
//	POST /admin/clock?offset=600            this server's clock, in seconds off
//	POST /admin/tokens?revoke=1             all tokens end now;  ?life=5 how many seconds new ones live
//	GET  /admin/tokens                      how many were given out
//	POST /admin/pending?ms=500              how long a new version is being made; one that is under way, no longer than that
//	POST /admin/attestations?flaws=imported what is wrong with attestations of the versions that are made from now on
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"log"
	"net"
	"net/http"
	"strconv"
	"time"

	"cloud.google.com/go/kms/apiv1/kmspb"
	"connectrpc.com/vanguard"
	"connectrpc.com/vanguard/vanguardgrpc"
	"google.golang.org/grpc"
)

const firstRing = "projects/chio-test/locations/europe-west1/keyRings/ring"

type admin struct {
	kms    *kms
	tokens *tokens
	faults *faults
}

func number(r *http.Request, name string) (int, bool) {
	n, err := strconv.Atoi(r.URL.Query().Get(name))
	return n, err == nil
}

func (a *admin) fault(w http.ResponseWriter, r *http.Request) {
	one := &fault{}
	decoder := json.NewDecoder(r.Body)
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(one); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	a.faults.add(one)
}

func (a *admin) clock(w http.ResponseWriter, r *http.Request) {
	seconds, ok := number(r, "offset")
	if !ok {
		http.Error(w, "offset?", http.StatusBadRequest)
		return
	}
	a.tokens.mu.Lock()
	defer a.tokens.mu.Unlock()
	a.tokens.offset = time.Duration(seconds) * time.Second
}

func (a *admin) credentials(w http.ResponseWriter, r *http.Request) {
	if r.URL.Query().Has("revoke") {
		a.tokens.revokeAll()
	}
	a.tokens.mu.Lock()
	defer a.tokens.mu.Unlock()
	if life, ok := number(r, "life"); ok {
		a.tokens.life = time.Duration(life) * time.Second
	}
	fmt.Fprintln(w, a.tokens.issued)
}

func (a *admin) pending(w http.ResponseWriter, r *http.Request) {
	ms, ok := number(r, "ms")
	if !ok {
		http.Error(w, "ms?", http.StatusBadRequest)
		return
	}
	a.kms.mu.Lock()
	defer a.kms.mu.Unlock()
	a.kms.setPending(time.Duration(ms) * time.Millisecond)
}

func (a *admin) register(mux *http.ServeMux) {
	mux.HandleFunc("POST /admin/fault", a.fault)
	mux.HandleFunc("POST /admin/reset", func(http.ResponseWriter, *http.Request) { a.faults.reset() })
	mux.HandleFunc("GET /admin/count", func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintln(w, a.faults.counted(r.URL.Query().Get("match")))
	})
	mux.HandleFunc("POST /admin/clock", a.clock)
	mux.HandleFunc("/admin/tokens", a.credentials)
	mux.HandleFunc("POST /admin/pending", a.pending)
	mux.HandleFunc("POST /admin/attestations", a.attestations)
}

// The token services count and fail like the KMS does.
func (a *admin) faulty(handler http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Date", a.tokens.now().UTC().Format(http.TimeFormat))
		a.faults.count(r)
		if fault := a.faults.take(r); fault != nil && fault.before(w, r) {
			return
		}
		handler(w, r)
	}
}

func handler(base string, dir string) (http.Handler, error) {
	tokens, err := newTokens(base)
	if err != nil {
		return nil, err
	}
	if err := tokens.writeFiles(dir); err != nil {
		return nil, err
	}
	a := &admin{newKMS(100 * time.Millisecond), tokens, &faults{}}
	a.kms.hsm.folder = dir
	a.kms.rings[firstRing] = &kmspb.KeyRing{Name: firstRing}
	server := grpc.NewServer(grpc.UnaryInterceptor(tokens.check))
	kmspb.RegisterKeyManagementServiceServer(server, a.kms)
	transcoder, err := vanguardgrpc.NewTranscoder(server, vanguard.WithCodec(newStrictJSON))
	if err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	a.register(mux)
	mux.HandleFunc("POST /token", a.faulty(tokens.token))
	mux.HandleFunc("POST /v1/token", a.faulty(tokens.sts))
	mux.HandleFunc("POST /v1/projects/-/serviceAccounts/", a.faulty(tokens.impersonate))
	mux.HandleFunc("GET /computeMetadata/", a.faulty(tokens.metadata))
	mux.HandleFunc("GET /subject-token", a.faulty(tokens.serveSubject))
	mux.Handle("/", rest(transcoder, a.faults))
	return mux, nil
}

func main() {
	plain := flag.String("http", "127.0.0.1:0", "address for http")
	secure := flag.String("https", "127.0.0.1:0", "address for https")
	cert := flag.String("cert", "", "certificate, PEM")
	key := flag.String("key", "", "its private key, PEM")
	dir := flag.String("dir", ".", "where the credential files go")
	flag.Parse()
	h, err := handler("https://"+*secure, *dir)
	if err != nil {
		log.Fatal(err)
	}
	listener, err := net.Listen("tcp", *plain)
	if err != nil {
		log.Fatal(err)
	}
	go func() { log.Fatal(http.Serve(listener, h)) }()
	log.Fatal(http.ListenAndServeTLS(*secure, *cert, *key, h))
}
