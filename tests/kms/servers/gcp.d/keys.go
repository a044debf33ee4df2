package main

import (
	"crypto"
	"crypto/aes"
	"crypto/cipher"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"hash"
	"hash/crc32"

	"cloud.google.com/go/kms/apiv1/kmspb"
)

type scheme int

const (
	symmetric scheme = iota
	ecdsaSign
	eddsaSign
	pkcs1Sign
	rawPkcs1Sign
	pssSign
	oaepDecrypt
)

// What an algorithm is. Google's names stand in kmspb; this is the part of them that Go's crypto does.
type algorithm struct {
	scheme  scheme
	purpose kmspb.CryptoKey_CryptoKeyPurpose
	bits    int
	curve   elliptic.Curve
	hash    crypto.Hash
}

type algID = kmspb.CryptoKeyVersion_CryptoKeyVersionAlgorithm

const (
	signs    = kmspb.CryptoKey_ASYMMETRIC_SIGN
	decrypts = kmspb.CryptoKey_ASYMMETRIC_DECRYPT
)

var algorithms = map[algID]algorithm{
	kmspb.CryptoKeyVersion_GOOGLE_SYMMETRIC_ENCRYPTION:  {scheme: symmetric, purpose: kmspb.CryptoKey_ENCRYPT_DECRYPT},
	kmspb.CryptoKeyVersion_EC_SIGN_P256_SHA256:          {ecdsaSign, signs, 256, elliptic.P256(), crypto.SHA256},
	kmspb.CryptoKeyVersion_EC_SIGN_P384_SHA384:          {ecdsaSign, signs, 384, elliptic.P384(), crypto.SHA384},
	kmspb.CryptoKeyVersion_EC_SIGN_ED25519:              {eddsaSign, signs, 255, nil, 0},
	kmspb.CryptoKeyVersion_RSA_SIGN_PKCS1_2048_SHA256:   {pkcs1Sign, signs, 2048, nil, crypto.SHA256},
	kmspb.CryptoKeyVersion_RSA_SIGN_PKCS1_3072_SHA256:   {pkcs1Sign, signs, 3072, nil, crypto.SHA256},
	kmspb.CryptoKeyVersion_RSA_SIGN_PKCS1_4096_SHA256:   {pkcs1Sign, signs, 4096, nil, crypto.SHA256},
	kmspb.CryptoKeyVersion_RSA_SIGN_PKCS1_4096_SHA512:   {pkcs1Sign, signs, 4096, nil, crypto.SHA512},
	kmspb.CryptoKeyVersion_RSA_SIGN_RAW_PKCS1_2048:      {rawPkcs1Sign, signs, 2048, nil, 0},
	kmspb.CryptoKeyVersion_RSA_SIGN_RAW_PKCS1_3072:      {rawPkcs1Sign, signs, 3072, nil, 0},
	kmspb.CryptoKeyVersion_RSA_SIGN_RAW_PKCS1_4096:      {rawPkcs1Sign, signs, 4096, nil, 0},
	kmspb.CryptoKeyVersion_RSA_SIGN_PSS_2048_SHA256:     {pssSign, signs, 2048, nil, crypto.SHA256},
	kmspb.CryptoKeyVersion_RSA_SIGN_PSS_3072_SHA256:     {pssSign, signs, 3072, nil, crypto.SHA256},
	kmspb.CryptoKeyVersion_RSA_SIGN_PSS_4096_SHA256:     {pssSign, signs, 4096, nil, crypto.SHA256},
	kmspb.CryptoKeyVersion_RSA_SIGN_PSS_4096_SHA512:     {pssSign, signs, 4096, nil, crypto.SHA512},
	kmspb.CryptoKeyVersion_RSA_DECRYPT_OAEP_2048_SHA256: {oaepDecrypt, decrypts, 2048, nil, crypto.SHA256},
	kmspb.CryptoKeyVersion_RSA_DECRYPT_OAEP_3072_SHA256: {oaepDecrypt, decrypts, 3072, nil, crypto.SHA256},
	kmspb.CryptoKeyVersion_RSA_DECRYPT_OAEP_4096_SHA256: {oaepDecrypt, decrypts, 4096, nil, crypto.SHA256},
	kmspb.CryptoKeyVersion_RSA_DECRYPT_OAEP_4096_SHA512: {oaepDecrypt, decrypts, 4096, nil, crypto.SHA512},
	kmspb.CryptoKeyVersion_RSA_DECRYPT_OAEP_2048_SHA1:   {oaepDecrypt, decrypts, 2048, nil, crypto.SHA1},
	kmspb.CryptoKeyVersion_RSA_DECRYPT_OAEP_3072_SHA1:   {oaepDecrypt, decrypts, 3072, nil, crypto.SHA1},
	kmspb.CryptoKeyVersion_RSA_DECRYPT_OAEP_4096_SHA1:   {oaepDecrypt, decrypts, 4096, nil, crypto.SHA1},
}

// The material of a version: a crypto.Signer, a *rsa.PrivateKey that decrypts, or 32 bytes.
func (a algorithm) generate() (any, error) {
	switch a.scheme {
	case symmetric:
		key := make([]byte, 32)
		_, err := rand.Read(key)
		return key, err
	case ecdsaSign:
		return ecdsa.GenerateKey(a.curve, rand.Reader)
	case eddsaSign:
		_, key, err := ed25519.GenerateKey(rand.Reader)
		return key, err
	default:
		return rsa.GenerateKey(rand.Reader, a.bits)
	}
}

func publicPEM(material any) (string, error) {
	signer, ok := material.(crypto.Signer)
	if !ok {
		return "", errors.New("no public key")
	}
	der, err := x509.MarshalPKIXPublicKey(signer.Public())
	if err != nil {
		return "", err
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})), nil
}

func (a algorithm) newHash() hash.Hash {
	switch a.hash {
	case crypto.SHA1:
		return sha1.New()
	case crypto.SHA384:
		return sha512.New384()
	case crypto.SHA512:
		return sha512.New()
	default:
		return sha256.New()
	}
}

// digest is what the key's hash made; data is the message itself, for the schemes that take it.
func (a algorithm) sign(material any, digest, data []byte) ([]byte, error) {
	switch a.scheme {
	case ecdsaSign:
		return ecdsa.SignASN1(rand.Reader, material.(*ecdsa.PrivateKey), digest)
	case eddsaSign:
		return ed25519.Sign(material.(ed25519.PrivateKey), data), nil
	case pkcs1Sign:
		return rsa.SignPKCS1v15(rand.Reader, material.(*rsa.PrivateKey), a.hash, digest)
	case rawPkcs1Sign:
		return rsa.SignPKCS1v15(rand.Reader, material.(*rsa.PrivateKey), 0, data)
	case pssSign:
		return rsa.SignPSS(rand.Reader, material.(*rsa.PrivateKey), a.hash, digest,
			&rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash})
	}
	return nil, errors.New("this key does not sign")
}

func gcm(key []byte) cipher.AEAD {
	block, err := aes.NewCipher(key)
	if err != nil {
		panic(err)
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		panic(err)
	}
	return aead
}

func seal(key, plain, aad []byte) []byte {
	aead := gcm(key)
	nonce := make([]byte, aead.NonceSize())
	if _, err := rand.Read(nonce); err != nil {
		panic(err)
	}
	return aead.Seal(nonce, nonce, plain, aad)
}

func unseal(key, sealed, aad []byte) ([]byte, error) {
	aead := gcm(key)
	if len(sealed) < aead.NonceSize() {
		return nil, errors.New("too short")
	}
	return aead.Open(nil, sealed[:aead.NonceSize()], sealed[aead.NonceSize():], aad)
}

func crc32c(data []byte) int64 {
	return int64(crc32.Checksum(data, crc32.MakeTable(crc32.Castagnoli)))
}
