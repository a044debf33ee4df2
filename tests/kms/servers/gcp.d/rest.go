package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"

	"connectrpc.com/connect"
	"connectrpc.com/vanguard"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
)

func writeJSON(w http.ResponseWriter, code int, value any) {
	text, err := json.Marshal(value)
	if err != nil {
		panic(err)
	}
	w.Header().Set("Content-Type", "application/json; charset=UTF-8")
	w.WriteHeader(code)
	w.Write(append(text, '\n'))
}

func googleError(w http.ResponseWriter, code int, name, message string) {
	writeJSON(w, code, map[string]any{"error": map[string]any{"code": code, "message": message, "status": name}})
}

// Google refuses JSON that is malformed or has members that it does not know, with 400; it leaves out what is unset.
type strictJSON struct{ *vanguard.JSONCodec }

func newStrictJSON(resolver vanguard.TypeResolver) vanguard.Codec {
	return strictJSON{&vanguard.JSONCodec{
		MarshalOptions:   protojson.MarshalOptions{Resolver: resolver},
		UnmarshalOptions: protojson.UnmarshalOptions{Resolver: resolver},
	}}
}

func (s strictJSON) Unmarshal(data []byte, msg proto.Message) error {
	if err := s.JSONCodec.Unmarshal(data, msg); err != nil {
		return connect.NewError(connect.CodeInvalidArgument, fmt.Errorf("Invalid JSON payload received. %w", err))
	}
	return nil
}

// A reply that is kept until it is known to be right.
type kept struct {
	header http.Header
	code   int
	body   bytes.Buffer
}

func (k *kept) Header() http.Header            { return k.header }
func (k *kept) WriteHeader(code int)           { k.code = code }
func (k *kept) Write(data []byte) (int, error) { return k.body.Write(data) }
func (k *kept) Flush()                         {}
func newKept() *kept                           { return &kept{header: http.Header{}, code: 200} }
func isGRPC(r *http.Request) bool {
	return strings.HasPrefix(r.Header.Get("Content-Type"), "application/grpc")
}
func (k *kept) copyTo(w http.ResponseWriter) {
	for name, values := range k.header {
		if name != "Content-Length" {
			w.Header()[name] = values
		}
	}
	w.WriteHeader(k.code)
	w.Write(k.body.Bytes())
}

// google.rpc.Code's names are those of the gRPC codes in upper case with underscores.
var codeNames = map[codes.Code]string{
	codes.Canceled: "CANCELLED", codes.Unknown: "UNKNOWN", codes.InvalidArgument: "INVALID_ARGUMENT",
	codes.DeadlineExceeded: "DEADLINE_EXCEEDED", codes.NotFound: "NOT_FOUND", codes.AlreadyExists: "ALREADY_EXISTS",
	codes.PermissionDenied: "PERMISSION_DENIED", codes.ResourceExhausted: "RESOURCE_EXHAUSTED",
	codes.FailedPrecondition: "FAILED_PRECONDITION", codes.Aborted: "ABORTED", codes.OutOfRange: "OUT_OF_RANGE",
	codes.Unimplemented: "UNIMPLEMENTED", codes.Internal: "INTERNAL", codes.Unavailable: "UNAVAILABLE",
	codes.DataLoss: "DATA_LOSS", codes.Unauthenticated: "UNAUTHENTICATED",
}

var httpCodes = map[codes.Code]int{
	codes.Canceled: 499, codes.InvalidArgument: 400, codes.DeadlineExceeded: 504, codes.NotFound: 404,
	codes.AlreadyExists: 409, codes.PermissionDenied: 403, codes.ResourceExhausted: 429, codes.FailedPrecondition: 400,
	codes.Aborted: 409, codes.OutOfRange: 400, codes.Unimplemented: 501, codes.Unavailable: 503,
	codes.Unauthenticated: 401,
}

// The transcoder's error is google.rpc.Status as it is; Google wraps it, with HTTP's code and the code's name.
func (k *kept) repairError() {
	var bare struct {
		Code    codes.Code
		Message string
		Details []json.RawMessage
	}
	if err := json.Unmarshal(k.body.Bytes(), &bare); err != nil || bare.Code == codes.OK {
		bare.Code, bare.Message = codes.NotFound, "Requested entity was not found."
	}
	if strings.Contains(bare.Message, "does not correspond to any field") {
		bare.Code, bare.Message = codes.InvalidArgument, "Invalid JSON payload received. Unknown name: Cannot bind query parameter."
	}
	code, known := httpCodes[bare.Code]
	if !known {
		code = 500
	}
	wrapped := map[string]any{"code": code, "message": bare.Message, "status": codeNames[bare.Code]}
	if len(bare.Details) > 0 {
		wrapped["details"] = bare.Details
	}
	text, _ := json.Marshal(map[string]any{"error": wrapped})
	k.code = code
	k.header.Set("Content-Type", "application/json; charset=UTF-8")
	k.body.Reset()
	k.body.Write(text)
}

// What Google's front end adds to the query and the body of a call of REST.
func prepare(r *http.Request) {
	query := r.URL.Query()
	for _, name := range []string{"$alt", "alt", "prettyPrint"} {
		query.Del(name)
	}
	r.URL.RawQuery = query.Encode()
	if r.Method == http.MethodGet {
		r.Body = io.NopCloser(bytes.NewReader(nil))
		r.ContentLength = 0
	}
}

func rest(transcoder http.Handler, faults *faults) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if isGRPC(r) {
			transcoder.ServeHTTP(w, r)
			return
		}
		faults.count(r)
		reply := newKept()
		fault := faults.take(r)
		if fault != nil && fault.before(w, r) {
			return
		}
		prepare(r)
		transcoder.ServeHTTP(reply, r)
		if reply.code >= 400 {
			reply.repairError()
		}
		if fault != nil && fault.after(w, reply) {
			return
		}
		reply.copyTo(w)
	})
}
