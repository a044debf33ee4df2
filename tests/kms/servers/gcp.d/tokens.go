package main

import (
	"context"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
)

const (
	serviceAccount = "chio@chio-test.iam.gserviceaccount.com"
	nobody         = "nobody@chio-test.iam.gserviceaccount.com" // has credentials and no permission
	subject        = "workload-7"
	poolAudience   = "//iam.googleapis.com/projects/1234/locations/global/workloadIdentityPools/pool/providers/idp"
	subjectIssuer  = "https://idp.chio.test"
	clientID       = "764086051850-chio.apps.googleusercontent.com"
	clientSecret   = "d-FL95Q19q7MQmFpd7hHD0Ty"
	refreshToken   = "1//refresh-me"
	keyID          = "8bd2f2e0c1"
	usualAudience  = "https://oauth2.googleapis.com/token" // what some of Google's clients say, whatever the token_uri
)

type grant struct {
	principal string
	scopes    []string
	ends      time.Time
}

// Who may call, and the endpoints that hand out what shows it.
type tokens struct {
	mu     sync.Mutex
	base   string // https://127.0.0.1:PORT
	key    map[string]*rsa.PrivateKey
	idp    *rsa.PrivateKey
	given  map[string]grant
	offset time.Duration // of this server's clock
	life   time.Duration
	issued int
}

func newTokens(base string) (*tokens, error) {
	t := &tokens{base: base, key: map[string]*rsa.PrivateKey{}, given: map[string]grant{}, life: time.Hour}
	for _, who := range []string{serviceAccount, nobody, ""} {
		made, err := rsa.GenerateKey(rand.Reader, 2048)
		if err != nil {
			return nil, err
		}
		if who == "" {
			t.idp = made
		} else {
			t.key[who] = made
		}
	}
	return t, nil
}

func (t *tokens) now() time.Time {
	return time.Now().Add(t.offset)
}

func b64url(data []byte) string {
	return base64.RawURLEncoding.EncodeToString(data)
}

func (t *tokens) issue(principal string, scopes []string) (string, time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	secret := make([]byte, 24)
	if _, err := rand.Read(secret); err != nil {
		panic(err)
	}
	token := "ya29." + b64url(secret)
	t.given[token] = grant{principal, scopes, time.Now().Add(t.life)}
	t.issued++
	return token, t.life
}

// ---- JWTs ---------------------------------------------------------------------------------------------------------

type claims struct {
	Iss   string `json:"iss"`
	Sub   string `json:"sub,omitempty"`
	Aud   string `json:"aud"`
	Scope string `json:"scope,omitempty"`
	Iat   int64  `json:"iat"`
	Exp   int64  `json:"exp"`
}

func signJWT(key *rsa.PrivateKey, kid string, c claims) (string, error) {
	head, _ := json.Marshal(map[string]string{"alg": "RS256", "typ": "JWT", "kid": kid})
	body, _ := json.Marshal(c)
	text := b64url(head) + "." + b64url(body)
	sum := sha256.Sum256([]byte(text))
	signature, err := rsa.SignPKCS1v15(rand.Reader, key, crypto.SHA256, sum[:])
	return text + "." + b64url(signature), err
}

// The claims of a JWT, which the key for its issuer and kid must have signed.
func verifyJWT(token string, keyFor func(iss, kid string) *rsa.PublicKey) (claims, error) {
	var c claims
	var head struct{ Alg, Kid string }
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return c, fmt.Errorf("not a JWT")
	}
	raw := make([][]byte, 3)
	for i, part := range parts {
		decoded, err := base64.RawURLEncoding.Strict().DecodeString(part)
		if err != nil {
			return c, err
		}
		raw[i] = decoded
	}
	if json.Unmarshal(raw[0], &head) != nil || json.Unmarshal(raw[1], &c) != nil || head.Alg != "RS256" {
		return c, fmt.Errorf("not a JWT by RS256")
	}
	key := keyFor(c.Iss, head.Kid)
	if key == nil {
		return c, fmt.Errorf("unknown issuer or key")
	}
	sum := sha256.Sum256([]byte(parts[0] + "." + parts[1]))
	return c, rsa.VerifyPKCS1v15(key, crypto.SHA256, sum[:], raw[2])
}

// ---- endpoints ----------------------------------------------------------------------------------------------------

func oauthError(w http.ResponseWriter, code int, kind, text string) {
	writeJSON(w, code, map[string]string{"error": kind, "error_description": text})
}

func (t *tokens) give(w http.ResponseWriter, principal, scopes string) {
	token, life := t.issue(principal, strings.Fields(scopes))
	writeJSON(w, 200, map[string]any{"access_token": token, "expires_in": int(life.Seconds()), "token_type": "Bearer"})
}

func (t *tokens) jwtBearer(w http.ResponseWriter, r *http.Request) {
	c, err := verifyJWT(r.PostFormValue("assertion"), func(iss, kid string) *rsa.PublicKey {
		if key := t.key[iss]; key != nil && (kid == "" || kid == keyID) {
			return &key.PublicKey
		}
		return nil
	})
	now := t.now().Unix()
	switch {
	case err != nil:
		oauthError(w, 400, "invalid_grant", "Invalid JWT Signature.")
	case c.Aud != t.base+"/token" && c.Aud != usualAudience:
		oauthError(w, 400, "invalid_grant", "Invalid JWT: the audience is wrong.")
	case c.Iat > now+60 || c.Exp <= now || c.Exp-c.Iat > 3600 || c.Iat < now-3600:
		oauthError(w, 400, "invalid_grant", "Invalid JWT: Token must be a short-lived token (60 minutes) and in a "+
			"reasonable timeframe. Check your iat and exp values in the JWT claim.")
	case c.Scope == "":
		oauthError(w, 400, "invalid_scope", "Empty scope.")
	default:
		t.give(w, c.Iss, c.Scope)
	}
}

func (t *tokens) token(w http.ResponseWriter, r *http.Request) {
	switch r.PostFormValue("grant_type") {
	case "urn:ietf:params:oauth:grant-type:jwt-bearer":
		t.jwtBearer(w, r)
	case "refresh_token":
		if r.PostFormValue("client_id") != clientID || r.PostFormValue("client_secret") != clientSecret {
			oauthError(w, 401, "invalid_client", "Unauthorized")
		} else if r.PostFormValue("refresh_token") != refreshToken {
			oauthError(w, 400, "invalid_grant", "Bad Request")
		} else {
			t.give(w, "user@chio.test", "https://www.googleapis.com/auth/cloud-platform")
		}
	default:
		oauthError(w, 400, "unsupported_grant_type", "Invalid grant_type.")
	}
}

func (t *tokens) sts(w http.ResponseWriter, r *http.Request) {
	const types = "urn:ietf:params:oauth:token-type:"
	if r.PostFormValue("grant_type") != "urn:ietf:params:oauth:grant-type:token-exchange" ||
		r.PostFormValue("requested_token_type") != types+"access_token" || r.PostFormValue("subject_token_type") != types+"jwt" {
		oauthError(w, 400, "invalid_request", "grant_type, requested_token_type or subject_token_type is wrong.")
		return
	}
	if r.PostFormValue("audience") != poolAudience {
		oauthError(w, 400, "invalid_target", "The target service indicated by the \"audience\" parameters is invalid.")
		return
	}
	c, err := verifyJWT(r.PostFormValue("subject_token"), func(iss, _ string) *rsa.PublicKey {
		if iss == subjectIssuer {
			return &t.idp.PublicKey
		}
		return nil
	})
	if err != nil || c.Aud != poolAudience || c.Exp <= t.now().Unix() || c.Sub != subject {
		oauthError(w, 400, "invalid_grant", "The subject token is not valid.")
		return
	}
	token, life := t.issue("principal:"+c.Sub, strings.Fields(r.PostFormValue("scope")))
	writeJSON(w, 200, map[string]any{"access_token": token, "issued_token_type": types + "access_token",
		"token_type": "Bearer", "expires_in": int(life.Seconds())})
}

// generateAccessToken: a federated principal becomes the service account.
func (t *tokens) impersonate(w http.ResponseWriter, r *http.Request) {
	var body struct {
		Scope    []string
		Lifetime string
	}
	g, known := t.bearer(r.Header.Get("Authorization"))
	if !known || !(slicesHave(g.scopes, "https://www.googleapis.com/auth/cloud-platform") ||
		slicesHave(g.scopes, "https://www.googleapis.com/auth/iam")) {
		googleError(w, 401, "UNAUTHENTICATED", "Request had invalid authentication credentials.")
		return
	}
	if json.NewDecoder(r.Body).Decode(&body) != nil || len(body.Scope) == 0 ||
		!strings.HasSuffix(r.URL.Path, "/serviceAccounts/"+serviceAccount+":generateAccessToken") {
		googleError(w, 403, "PERMISSION_DENIED", "Permission 'iam.serviceAccounts.getAccessToken' denied on resource.")
		return
	}
	token, life := t.issue(serviceAccount, body.Scope)
	writeJSON(w, 200, map[string]string{"accessToken": token, "expireTime": t.now().Add(life).UTC().Format(time.RFC3339)})
}

func (t *tokens) metadata(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Metadata-Flavor", "Google")
	w.Header().Set("Server", "Metadata Server for VM")
	if r.Header.Get("Metadata-Flavor") != "Google" {
		http.Error(w, "Missing Metadata-Flavor:Google header.", http.StatusForbidden)
		return
	}
	who, ok := strings.CutPrefix(r.URL.Path, "/computeMetadata/v1/instance/service-accounts/")
	who, isToken := strings.CutSuffix(who, "/token")
	switch {
	case r.URL.Path == "/" || r.URL.Path == "/computeMetadata/v1/":
		fmt.Fprintln(w, "instance/")
	case ok && who == "default/" && !isToken:
		writeJSON(w, 200, map[string]any{"aliases": []string{"default"}, "email": serviceAccount,
			"scopes": []string{"https://www.googleapis.com/auth/cloud-platform"}})
	case ok && isToken && (who == "default" || who == serviceAccount):
		t.give(w, serviceAccount, "https://www.googleapis.com/auth/cloud-platform")
	default:
		http.NotFound(w, r)
	}
}

// ---- checks -------------------------------------------------------------------------------------------------------

func slicesHave(all []string, one string) bool {
	for _, s := range all {
		if s == one {
			return true
		}
	}
	return false
}

func (t *tokens) bearer(header string) (grant, bool) {
	token, ok := strings.CutPrefix(header, "Bearer ")
	t.mu.Lock()
	defer t.mu.Unlock()
	g, known := t.given[token]
	return g, ok && known && time.Now().Before(g.ends)
}

// Every call of the KMS, over REST or gRPC, comes by here.
func (t *tokens) check(ctx context.Context, req any, _ *grpc.UnaryServerInfo, next grpc.UnaryHandler) (any, error) {
	md, _ := metadata.FromIncomingContext(ctx)
	header := strings.Join(md.Get("authorization"), "")
	if header == "" {
		return nil, status.Error(codes.Unauthenticated, "Request is missing required authentication credential. Expected "+
			"OAuth 2 access token, login cookie or other valid authentication credential.")
	}
	g, known := t.bearer(header)
	if !known {
		return nil, status.Error(codes.Unauthenticated, "Request had invalid authentication credentials. Expected OAuth 2 "+
			"access token, login cookie or other valid authentication credential.")
	}
	if !slicesHave(g.scopes, "https://www.googleapis.com/auth/cloudkms") &&
		!slicesHave(g.scopes, "https://www.googleapis.com/auth/cloud-platform") {
		return nil, status.Error(codes.PermissionDenied, "Request had insufficient authentication scopes.")
	}
	if g.principal == nobody {
		return nil, status.Error(codes.PermissionDenied, "Permission 'cloudkms' denied on resource (or it may not exist).")
	}
	return next(ctx, req)
}

func (t *tokens) revokeAll() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.given = map[string]grant{}
}

// ---- files --------------------------------------------------------------------------------------------------------

func (t *tokens) writeFiles(dir string) error {
	pkcs8 := func(key *rsa.PrivateKey) string {
		der, err := x509.MarshalPKCS8PrivateKey(key)
		if err != nil {
			panic(err)
		}
		return string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
	}
	account := func(who string) map[string]any {
		return map[string]any{"type": "service_account", "project_id": "chio-test", "private_key_id": keyID,
			"private_key": pkcs8(t.key[who]), "client_email": who, "client_id": "1234", "token_uri": t.base + "/token",
			"auth_uri": "https://accounts.google.com/o/oauth2/auth", "universe_domain": "googleapis.com"}
	}
	external := func(source map[string]any, impersonated bool) map[string]any {
		file := map[string]any{"type": "external_account", "audience": poolAudience, "token_url": t.base + "/v1/token",
			"subject_token_type": "urn:ietf:params:oauth:token-type:jwt", "credential_source": source}
		if impersonated {
			file["service_account_impersonation_url"] =
				t.base + "/v1/projects/-/serviceAccounts/" + serviceAccount + ":generateAccessToken"
		}
		return file
	}
	token, err := t.subjectToken(time.Hour * 24)
	if err != nil {
		return err
	}
	expired, err := t.subjectToken(-time.Hour)
	if err != nil {
		return err
	}
	forger, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return err
	}
	forged := account(serviceAccount)
	forged["private_key"] = pkcs8(forger)
	tokenFile := filepath.Join(dir, "subject-token")
	tokenJSON, _ := json.Marshal(map[string]string{"id_token": token})
	byFile := map[string]any{"file": tokenFile}
	asJSON := map[string]any{"file": tokenFile + ".json",
		"format": map[string]string{"type": "json", "subject_token_field_name": "id_token"}}
	byURL := map[string]any{"url": t.base + "/subject-token", "headers": map[string]string{"X-Workload": "chio"}}
	user := map[string]any{"type": "authorized_user", "client_id": clientID, "client_secret": clientSecret,
		"refresh_token": refreshToken, "token_uri": t.base + "/token"}
	runs := map[string]any{"executable": map[string]any{"command": "/bin/cat " + tokenFile}}
	for name, content := range map[string]any{
		"service-account.json": account(serviceAccount), "nobody.json": account(nobody), "forged.json": forged,
		"external-file.json": external(byFile, false), "external-json.json": external(asJSON, true),
		"external-url.json": external(byURL, false), "external-program.json": external(runs, false),
		"external-expired.json": external(map[string]any{"file": tokenFile + ".expired"}, false),
		"authorized-user.json":  user,
	} {
		text, err := json.MarshalIndent(content, "", "  ")
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(dir, name), append(text, '\n'), 0o600); err != nil {
			return err
		}
	}
	for name, text := range map[string]string{"subject-token": token, "subject-token.json": string(tokenJSON),
		"subject-token.expired": expired} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text+"\n"), 0o600); err != nil {
			return err
		}
	}
	return nil
}

func (t *tokens) subjectToken(life time.Duration) (string, error) {
	now := time.Now()
	return signJWT(t.idp, "idp-1", claims{Iss: subjectIssuer, Sub: subject, Aud: poolAudience, Iat: now.Unix(),
		Exp: now.Add(life).Unix()})
}

func (t *tokens) serveSubject(w http.ResponseWriter, r *http.Request) {
	token, err := t.subjectToken(time.Hour)
	if err != nil || r.Header.Get("X-Workload") != "chio" {
		http.Error(w, "who are you?", http.StatusForbidden)
		return
	}
	fmt.Fprintln(w, token)
}
