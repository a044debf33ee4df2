package main

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"encoding/binary"
	"fmt"
	"regexp"
	"slices"
	"sort"
	"strconv"
	"strings"
	"sync"
	"time"

	"cloud.google.com/go/kms/apiv1/kmspb"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"
	"google.golang.org/protobuf/types/known/wrapperspb"
)

const maxPlain = 65536

type version struct {
	pb       *kmspb.CryptoKeyVersion
	material any
	readyAt  time.Time
}

type key struct {
	pb       *kmspb.CryptoKey
	versions []*version
}

// The service: key rings, keys and versions in memory.
type kms struct {
	kmspb.UnimplementedKeyManagementServiceServer
	mu      sync.Mutex
	rings   map[string]*kmspb.KeyRing
	keys    map[string]*key
	pending time.Duration // how long an asymmetric version is being made
	pool    map[algID][]any
	hsm     hsm
}

func newKMS(pending time.Duration) *kms {
	return &kms{rings: map[string]*kmspb.KeyRing{}, keys: map[string]*key{}, pending: pending, pool: map[algID][]any{}}
}

var (
	idForm       = regexp.MustCompile(`^[a-zA-Z0-9_-]{1,63}$`)
	locationForm = regexp.MustCompile(`^projects/[^/]+/locations/[^/]+$`)
)

func invalid(format string, args ...any) error {
	return status.Errorf(codes.InvalidArgument, format, args...)
}

func notFound(name string) error {
	return status.Errorf(codes.NotFound, "%s not found.", name)
}

// A checksum that came with a request: absent is nil.
func checkCRC(field string, data []byte, crc *wrapperspb.Int64Value) (bool, error) {
	if crc == nil {
		return false, nil
	}
	if crc.Value != crc32c(data) {
		return false, invalid("The checksum in field %s_crc32c did not match the data in field %s.", field, field)
	}
	return true, nil
}

func page[T any](all []T, size int32, token string) ([]T, string, error) {
	from := 0
	if token != "" {
		n, err := strconv.Atoi(token)
		if err != nil || n < 0 || n > len(all) {
			return nil, "", invalid("The page token is not valid.")
		}
		from = n
	}
	if size <= 0 || size > 1000 {
		size = 100
	}
	to := min(from+int(size), len(all))
	if to < len(all) {
		return all[from:to], strconv.Itoa(to), nil
	}
	return all[from:to], "", nil
}

// ---- key rings ----------------------------------------------------------------------------------------------------

func (k *kms) CreateKeyRing(_ context.Context, r *kmspb.CreateKeyRingRequest) (*kmspb.KeyRing, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if !locationForm.MatchString(r.Parent) || !idForm.MatchString(r.KeyRingId) {
		return nil, invalid("The key ring's name is not valid.")
	}
	name := r.Parent + "/keyRings/" + r.KeyRingId
	if _, there := k.rings[name]; there {
		return nil, status.Errorf(codes.AlreadyExists, "KeyRing %s already exists.", name)
	}
	k.rings[name] = &kmspb.KeyRing{Name: name, CreateTime: timestamppb.Now()}
	return k.rings[name], nil
}

func (k *kms) GetKeyRing(_ context.Context, r *kmspb.GetKeyRingRequest) (*kmspb.KeyRing, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if ring, there := k.rings[r.Name]; there {
		return ring, nil
	}
	return nil, notFound("KeyRing " + r.Name)
}

// ---- keys ---------------------------------------------------------------------------------------------------------

func (k *kms) CreateCryptoKey(_ context.Context, r *kmspb.CreateCryptoKeyRequest) (*kmspb.CryptoKey, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if _, there := k.rings[r.Parent]; !there {
		return nil, notFound("KeyRing " + r.Parent)
	}
	if !idForm.MatchString(r.CryptoKeyId) {
		return nil, invalid("crypto_key_id is not valid.")
	}
	name := r.Parent + "/cryptoKeys/" + r.CryptoKeyId
	if _, there := k.keys[name]; there {
		return nil, status.Errorf(codes.AlreadyExists, "CryptoKey %s already exists.", name)
	}
	template := proto.Clone(r.GetCryptoKey().GetVersionTemplate()).(*kmspb.CryptoKeyVersionTemplate)
	purpose := r.GetCryptoKey().GetPurpose()
	if template == nil {
		template = &kmspb.CryptoKeyVersionTemplate{}
	}
	if purpose == kmspb.CryptoKey_ENCRYPT_DECRYPT && template.Algorithm == 0 {
		template.Algorithm = kmspb.CryptoKeyVersion_GOOGLE_SYMMETRIC_ENCRYPTION
	}
	if template.ProtectionLevel == 0 {
		template.ProtectionLevel = kmspb.ProtectionLevel_SOFTWARE
	}
	alg, known := algorithms[template.Algorithm]
	if !known || purpose != alg.purpose {
		return nil, invalid("The algorithm %s does not go with the purpose %s.", template.Algorithm, purpose)
	}
	made := &key{pb: &kmspb.CryptoKey{Name: name, Purpose: purpose, CreateTime: timestamppb.Now(),
		VersionTemplate: template, Labels: r.GetCryptoKey().GetLabels()}}
	k.keys[name] = made
	if !r.SkipInitialVersionCreation {
		if _, err := k.addVersion(made); err != nil {
			return nil, err
		}
	}
	return k.shown(made), nil
}

func (k *kms) shown(one *key) *kmspb.CryptoKey {
	shown := proto.Clone(one.pb).(*kmspb.CryptoKey)
	if shown.Primary != nil {
		shown.Primary = k.find(one, shown.Primary.Name).shown()
	}
	return shown
}

func (k *kms) addVersion(one *key) (*version, error) {
	id := one.pb.VersionTemplate.Algorithm
	alg := algorithms[id]
	var material any
	if ready := k.pool[id]; len(ready) > 0 {
		material, k.pool[id] = ready[0], ready[1:]
	} else {
		made, err := alg.generate()
		if err != nil {
			return nil, status.Error(codes.Internal, err.Error())
		}
		material = made
	}
	now := time.Now()
	v := &version{material: material, readyAt: now, pb: &kmspb.CryptoKeyVersion{
		Name:            fmt.Sprintf("%s/cryptoKeyVersions/%d", one.pb.Name, len(one.versions)+1),
		State:           kmspb.CryptoKeyVersion_ENABLED,
		Algorithm:       id,
		ProtectionLevel: one.pb.VersionTemplate.ProtectionLevel,
		CreateTime:      timestamppb.New(now),
	}}
	if alg.scheme != symmetric {
		v.readyAt = now.Add(k.pending)
		v.pb.State = kmspb.CryptoKeyVersion_PENDING_GENERATION
	}
	if v.pb.ProtectionLevel == kmspb.ProtectionLevel_HSM {
		v.pb.Attestation = k.hsm.attest(v.pb.Name, material)
	}
	one.versions = append(one.versions, v)
	if alg.scheme == symmetric && one.pb.Primary == nil {
		one.pb.Primary = v.pb
	}
	return v, nil
}

// With the lock held: new versions take so long, and those that are being made take no longer from now on.
func (k *kms) setPending(pending time.Duration) {
	k.pending = pending
	latest := time.Now().Add(pending)
	for _, one := range k.keys {
		for _, v := range one.versions {
			if v.readyAt.After(latest) {
				v.readyAt = latest
			}
		}
	}
}

// With the lock held: a version that was being made may be ready by now.
func (v *version) settle() *version {
	if v.pb.State == kmspb.CryptoKeyVersion_PENDING_GENERATION && !time.Now().Before(v.readyAt) {
		v.pb.State = kmspb.CryptoKeyVersion_ENABLED
		v.pb.GenerateTime = timestamppb.New(v.readyAt)
	}
	return v
}

func (v *version) shown() *kmspb.CryptoKeyVersion {
	return proto.Clone(v.settle().pb).(*kmspb.CryptoKeyVersion)
}

func (k *kms) find(one *key, name string) *version {
	i := slices.IndexFunc(one.versions, func(v *version) bool { return v.pb.Name == name })
	if i < 0 {
		return nil
	}
	return one.versions[i]
}

func (k *kms) GetCryptoKey(_ context.Context, r *kmspb.GetCryptoKeyRequest) (*kmspb.CryptoKey, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if one, there := k.keys[r.Name]; there {
		return k.shown(one), nil
	}
	return nil, notFound("CryptoKey " + r.Name)
}

func (k *kms) ListCryptoKeys(_ context.Context, r *kmspb.ListCryptoKeysRequest) (*kmspb.ListCryptoKeysResponse, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if _, there := k.rings[r.Parent]; !there {
		return nil, notFound("KeyRing " + r.Parent)
	}
	var all []*kmspb.CryptoKey
	for name, one := range k.keys {
		if strings.HasPrefix(name, r.Parent+"/cryptoKeys/") {
			all = append(all, k.shown(one))
		}
	}
	sort.Slice(all, func(i, j int) bool { return all[i].Name < all[j].Name })
	some, next, err := page(all, r.PageSize, r.PageToken)
	return &kmspb.ListCryptoKeysResponse{CryptoKeys: some, NextPageToken: next, TotalSize: int32(len(all))}, err
}

// ---- versions -----------------------------------------------------------------------------------------------------

func (k *kms) lookUp(name string) (*key, *version, error) {
	of, _, found := strings.Cut(name, "/cryptoKeyVersions/")
	one := k.keys[of]
	if !found || one == nil {
		return nil, nil, notFound("CryptoKeyVersion " + name)
	}
	v := k.find(one, name)
	if v == nil {
		return nil, nil, notFound("CryptoKeyVersion " + name)
	}
	return one, v.settle(), nil
}

func (k *kms) CreateCryptoKeyVersion(_ context.Context, r *kmspb.CreateCryptoKeyVersionRequest) (*kmspb.CryptoKeyVersion, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	one, there := k.keys[r.Parent]
	if !there {
		return nil, notFound("CryptoKey " + r.Parent)
	}
	v, err := k.addVersion(one)
	if err != nil {
		return nil, err
	}
	return v.shown(), nil
}

func (k *kms) GetCryptoKeyVersion(_ context.Context, r *kmspb.GetCryptoKeyVersionRequest) (*kmspb.CryptoKeyVersion, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	_, v, err := k.lookUp(r.Name)
	if err != nil {
		return nil, err
	}
	return v.shown(), nil
}

func (k *kms) ListCryptoKeyVersions(_ context.Context, r *kmspb.ListCryptoKeyVersionsRequest) (*kmspb.ListCryptoKeyVersionsResponse, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	one, there := k.keys[r.Parent]
	if !there {
		return nil, notFound("CryptoKey " + r.Parent)
	}
	state, filtered := strings.CutPrefix(strings.ReplaceAll(r.Filter, " ", ""), "state=")
	if r.Filter != "" && !filtered {
		return nil, invalid("The filter is not valid.")
	}
	var all []*kmspb.CryptoKeyVersion
	for _, v := range one.versions {
		if shown := v.shown(); r.Filter == "" || shown.State.String() == state {
			all = append(all, shown)
		}
	}
	some, next, err := page(all, r.PageSize, r.PageToken)
	return &kmspb.ListCryptoKeyVersionsResponse{CryptoKeyVersions: some, NextPageToken: next, TotalSize: int32(len(all))}, err
}

func (k *kms) UpdateCryptoKeyVersion(_ context.Context, r *kmspb.UpdateCryptoKeyVersionRequest) (*kmspb.CryptoKeyVersion, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	_, v, err := k.lookUp(r.GetCryptoKeyVersion().GetName())
	if err != nil {
		return nil, err
	}
	wanted := r.GetCryptoKeyVersion().GetState()
	usual := func(s kmspb.CryptoKeyVersion_CryptoKeyVersionState) bool {
		return s == kmspb.CryptoKeyVersion_ENABLED || s == kmspb.CryptoKeyVersion_DISABLED
	}
	if !slices.Equal(r.GetUpdateMask().GetPaths(), []string{"state"}) || !usual(wanted) {
		return nil, invalid("Only state can be updated, to ENABLED or DISABLED.")
	}
	if !usual(v.pb.State) {
		return nil, notEnabled(v)
	}
	v.pb.State = wanted
	return v.shown(), nil
}

func (k *kms) UpdateCryptoKeyPrimaryVersion(_ context.Context, r *kmspb.UpdateCryptoKeyPrimaryVersionRequest) (*kmspb.CryptoKey, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	one, v, err := k.lookUp(r.Name + "/cryptoKeyVersions/" + r.CryptoKeyVersionId)
	if err != nil {
		return nil, err
	}
	if one.pb.Purpose != kmspb.CryptoKey_ENCRYPT_DECRYPT {
		return nil, invalid("Only symmetric keys have a primary version.")
	}
	one.pb.Primary = v.pb
	return k.shown(one), nil
}

func (k *kms) DestroyCryptoKeyVersion(_ context.Context, r *kmspb.DestroyCryptoKeyVersionRequest) (*kmspb.CryptoKeyVersion, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	_, v, err := k.lookUp(r.Name)
	if err != nil {
		return nil, err
	}
	v.pb.State = kmspb.CryptoKeyVersion_DESTROY_SCHEDULED
	v.pb.DestroyTime = timestamppb.New(time.Now().Add(30 * 24 * time.Hour))
	return v.shown(), nil
}

func (k *kms) RestoreCryptoKeyVersion(_ context.Context, r *kmspb.RestoreCryptoKeyVersionRequest) (*kmspb.CryptoKeyVersion, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	_, v, err := k.lookUp(r.Name)
	if err != nil {
		return nil, err
	}
	if v.pb.State != kmspb.CryptoKeyVersion_DESTROY_SCHEDULED {
		return nil, status.Errorf(codes.FailedPrecondition, "%s is not scheduled for destruction.", r.Name)
	}
	v.pb.State = kmspb.CryptoKeyVersion_DISABLED
	return v.shown(), nil
}

// ---- use ----------------------------------------------------------------------------------------------------------

// FAILED_PRECONDITION with the violation that tells a key that is not ready from one that never will be.
func notEnabled(v *version) error {
	kind := "KEY_" + v.pb.State.String()
	refused := status.Newf(codes.FailedPrecondition, "%s is not enabled, current state is: %s.", v.pb.Name, v.pb.State)
	detailed, err := refused.WithDetails(&errdetails.PreconditionFailure{
		Violations: []*errdetails.PreconditionFailure_Violation{{Type: kind, Subject: v.pb.Name, Description: refused.Message()}}})
	if err != nil {
		return refused.Err()
	}
	return detailed.Err()
}

// An enabled version for this purpose.
func (k *kms) usable(name string, purpose kmspb.CryptoKey_CryptoKeyPurpose) (*version, algorithm, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	one, v, err := k.lookUp(name)
	if err != nil {
		return nil, algorithm{}, err
	}
	if one.pb.Purpose != purpose {
		return nil, algorithm{}, invalid("%s has the purpose %s, which does not allow this.", one.pb.Name, one.pb.Purpose)
	}
	if v.pb.State != kmspb.CryptoKeyVersion_ENABLED {
		return nil, algorithm{}, notEnabled(v)
	}
	return v, algorithms[v.pb.Algorithm], nil
}

func (k *kms) GetPublicKey(_ context.Context, r *kmspb.GetPublicKeyRequest) (*kmspb.PublicKey, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	one, v, err := k.lookUp(r.Name)
	if err != nil {
		return nil, err
	}
	if one.pb.Purpose != signs && one.pb.Purpose != decrypts {
		return nil, invalid("%s has the purpose %s, which has no public key.", one.pb.Name, one.pb.Purpose)
	}
	if v.pb.State != kmspb.CryptoKeyVersion_ENABLED {
		return nil, notEnabled(v)
	}
	text, err := publicPEM(v.material)
	if err != nil {
		return nil, status.Error(codes.Internal, err.Error())
	}
	return &kmspb.PublicKey{Pem: text, Algorithm: v.pb.Algorithm, PemCrc32C: wrapperspb.Int64(crc32c([]byte(text))),
		Name: v.pb.Name, ProtectionLevel: v.pb.ProtectionLevel}, nil
}

// The one digest of a request, which must be of the key's own hash.
func (a algorithm) digestOf(d *kmspb.Digest) ([]byte, error) {
	var bytes []byte
	var bits int
	switch one := d.GetDigest().(type) {
	case *kmspb.Digest_Sha256:
		bytes, bits = one.Sha256, 256
	case *kmspb.Digest_Sha384:
		bytes, bits = one.Sha384, 384
	case *kmspb.Digest_Sha512:
		bytes, bits = one.Sha512, 512
	}
	if len(bytes) != a.hash.Size() || bits != 8*a.hash.Size() {
		return nil, invalid("The digest is not the one that the key's algorithm takes.")
	}
	return bytes, nil
}

func (a algorithm) input(r *kmspb.AsymmetricSignRequest) (digest, data []byte, err error) {
	switch {
	case r.Digest != nil && len(r.Data) > 0:
		return nil, nil, invalid("digest and data are both set.")
	case a.scheme == eddsaSign || a.scheme == rawPkcs1Sign:
		if r.Digest != nil {
			return nil, nil, invalid("The key's algorithm takes data, no digest.")
		}
		if len(r.Data) > maxPlain || (a.scheme == rawPkcs1Sign && len(r.Data) > a.bits/8-11) {
			return nil, nil, invalid("data is too long.")
		}
		return nil, r.Data, nil
	case r.Digest != nil:
		digest, err = a.digestOf(r.Digest)
		return digest, nil, err
	default:
		h := a.newHash()
		h.Write(r.Data)
		return h.Sum(nil), nil, nil
	}
}

func (k *kms) AsymmetricSign(_ context.Context, r *kmspb.AsymmetricSignRequest) (*kmspb.AsymmetricSignResponse, error) {
	v, alg, err := k.usable(r.Name, signs)
	if err != nil {
		return nil, err
	}
	digest, data, err := alg.input(r)
	if err != nil {
		return nil, err
	}
	given := digest
	if r.Digest == nil {
		given = nil
	}
	digestOK, err := checkCRC("digest", given, r.DigestCrc32C)
	if err != nil {
		return nil, err
	}
	dataOK, err := checkCRC("data", r.Data, r.DataCrc32C)
	if err != nil {
		return nil, err
	}
	signature, err := alg.sign(v.material, digest, data)
	if err != nil {
		return nil, invalid("%s", err.Error())
	}
	return &kmspb.AsymmetricSignResponse{Signature: signature, SignatureCrc32C: wrapperspb.Int64(crc32c(signature)),
		VerifiedDigestCrc32C: digestOK, VerifiedDataCrc32C: dataOK, Name: v.pb.Name,
		ProtectionLevel: v.pb.ProtectionLevel}, nil
}

func (k *kms) AsymmetricDecrypt(_ context.Context, r *kmspb.AsymmetricDecryptRequest) (*kmspb.AsymmetricDecryptResponse, error) {
	v, alg, err := k.usable(r.Name, decrypts)
	if err != nil {
		return nil, err
	}
	verified, err := checkCRC("ciphertext", r.Ciphertext, r.CiphertextCrc32C)
	if err != nil {
		return nil, err
	}
	plain, err := rsa.DecryptOAEP(alg.newHash(), rand.Reader, v.material.(*rsa.PrivateKey), r.Ciphertext, nil)
	if err != nil {
		return nil, invalid("Decryption failed: the ciphertext is invalid.")
	}
	return &kmspb.AsymmetricDecryptResponse{Plaintext: plain, PlaintextCrc32C: wrapperspb.Int64(crc32c(plain)),
		VerifiedCiphertextCrc32C: verified, ProtectionLevel: v.pb.ProtectionLevel}, nil
}

// A key's name stands for its primary version.
func (k *kms) encryptingVersion(name string) (*version, error) {
	k.mu.Lock()
	one, there := k.keys[name]
	if there && one.pb.Primary != nil {
		name = one.pb.Primary.Name
	}
	k.mu.Unlock()
	v, _, err := k.usable(name, kmspb.CryptoKey_ENCRYPT_DECRYPT)
	return v, err
}

func (k *kms) Encrypt(_ context.Context, r *kmspb.EncryptRequest) (*kmspb.EncryptResponse, error) {
	v, err := k.encryptingVersion(r.Name)
	if err != nil {
		return nil, err
	}
	if len(r.Plaintext) > maxPlain || len(r.AdditionalAuthenticatedData) > maxPlain {
		return nil, invalid("plaintext or additional_authenticated_data is too long.")
	}
	plainOK, err := checkCRC("plaintext", r.Plaintext, r.PlaintextCrc32C)
	if err != nil {
		return nil, err
	}
	aadOK, err := checkCRC("additional_authenticated_data", r.AdditionalAuthenticatedData, r.AdditionalAuthenticatedDataCrc32C)
	if err != nil {
		return nil, err
	}
	_, number, _ := strings.Cut(v.pb.Name, "/cryptoKeyVersions/")
	n, _ := strconv.Atoi(number)
	sealed := binary.BigEndian.AppendUint32(nil, uint32(n))
	sealed = append(sealed, seal(v.material.([]byte), r.Plaintext, r.AdditionalAuthenticatedData)...)
	return &kmspb.EncryptResponse{Name: v.pb.Name, Ciphertext: sealed, CiphertextCrc32C: wrapperspb.Int64(crc32c(sealed)),
		VerifiedPlaintextCrc32C: plainOK, VerifiedAdditionalAuthenticatedDataCrc32C: aadOK,
		ProtectionLevel: v.pb.ProtectionLevel}, nil
}

func (k *kms) Decrypt(_ context.Context, r *kmspb.DecryptRequest) (*kmspb.DecryptResponse, error) {
	failed := invalid("Decryption failed: verify that 'name' refers to the correct CryptoKey.")
	if _, err := checkCRC("ciphertext", r.Ciphertext, r.CiphertextCrc32C); err != nil {
		return nil, err
	}
	if _, err := checkCRC("additional_authenticated_data", r.AdditionalAuthenticatedData, r.AdditionalAuthenticatedDataCrc32C); err != nil {
		return nil, err
	}
	k.mu.Lock()
	one, there := k.keys[r.Name]
	k.mu.Unlock()
	if !there {
		return nil, notFound("CryptoKey " + r.Name)
	}
	if len(r.Ciphertext) < 4 {
		return nil, failed
	}
	name := fmt.Sprintf("%s/cryptoKeyVersions/%d", r.Name, binary.BigEndian.Uint32(r.Ciphertext))
	v, _, err := k.usable(name, kmspb.CryptoKey_ENCRYPT_DECRYPT)
	if status.Code(err) == codes.NotFound {
		return nil, failed
	}
	if err != nil {
		return nil, err
	}
	plain, err := unseal(v.material.([]byte), r.Ciphertext[4:], r.AdditionalAuthenticatedData)
	if err != nil {
		return nil, failed
	}
	return &kmspb.DecryptResponse{Plaintext: plain, PlaintextCrc32C: wrapperspb.Int64(crc32c(plain)),
		UsedPrimary: one.pb.Primary.Name == v.pb.Name, ProtectionLevel: v.pb.ProtectionLevel}, nil
}

func (k *kms) GenerateRandomBytes(_ context.Context, r *kmspb.GenerateRandomBytesRequest) (*kmspb.GenerateRandomBytesResponse, error) {
	if !locationForm.MatchString(r.Location) {
		return nil, invalid("location is not valid.")
	}
	if r.LengthBytes < 8 || r.LengthBytes > 1024 {
		return nil, invalid("length_bytes must be between 8 and 1024.")
	}
	if r.ProtectionLevel != kmspb.ProtectionLevel_HSM {
		return nil, invalid("Only the protection level HSM is supported.")
	}
	data := make([]byte, r.LengthBytes)
	if _, err := rand.Read(data); err != nil {
		return nil, status.Error(codes.Internal, err.Error())
	}
	return &kmspb.GenerateRandomBytesResponse{Data: data, DataCrc32C: wrapperspb.Int64(crc32c(data))}, nil
}
