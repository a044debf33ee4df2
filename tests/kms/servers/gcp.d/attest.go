package main

import (
	"bytes"
	"compress/gzip"
	"crypto"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"log"
	"net/http"
	"os"
	"os/exec"
	"strings"

	"cloud.google.com/go/kms/apiv1/kmspb"
	"google.golang.org/protobuf/encoding/protojson"
)

// A simulated HSM: a program that attests public keys as Google's do (tests/support/make_attestation), in a folder.
type hsm struct {
	folder string
	flaws  []string // what is wrong with what it attests from now on
}

func (h *hsm) attest(name string, material any) *kmspb.KeyOperationAttestation {
	program := os.Getenv("CHIO_TEST_MAKE_ATTESTATION")
	private, asymmetric := material.(interface{ Public() crypto.PublicKey })
	if program == "" || !asymmetric {
		return outerForm(name)
	}
	der, err := x509.MarshalPKIXPublicKey(private.Public())
	if err != nil {
		return outerForm(name)
	}
	command := exec.Command(program, append([]string{h.folder, "google", name}, h.flaws...)...)
	command.Stdin = bytes.NewReader(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))
	made, err := command.Output()
	version := &kmspb.CryptoKeyVersion{}
	if err == nil {
		err = protojson.Unmarshal(made, version)
	}
	if err != nil {
		log.Printf("no attestation of %s: %v", name, err)
		return outerForm(name)
	}
	return version.Attestation
}

// An attestation in its outer form only: gzip of bytes that no HSM signed, with chains that certify nothing.
func outerForm(name string) *kmspb.KeyOperationAttestation {
	var content bytes.Buffer
	w := gzip.NewWriter(&content)
	fmt.Fprintf(w, "no HSM made this: %s", name)
	w.Close()
	return &kmspb.KeyOperationAttestation{
		Format:  kmspb.KeyOperationAttestation_CAVIUM_V2_COMPRESSED,
		Content: content.Bytes(),
		CertChains: &kmspb.KeyOperationAttestation_CertificateChains{
			CaviumCerts: []string{"none"}, GoogleCardCerts: []string{"none"}, GooglePartitionCerts: []string{"none"}},
	}
}

func (a *admin) attestations(_ http.ResponseWriter, r *http.Request) {
	a.kms.mu.Lock()
	defer a.kms.mu.Unlock()
	a.kms.hsm.flaws = strings.Fields(r.URL.Query().Get("flaws"))
}
