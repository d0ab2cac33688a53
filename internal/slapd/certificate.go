package slapd

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"time"
)

// writeCertificates makes an authority and a server certificate for localhost
// and 127.0.0.1, good for a day: ca.crt, ca.key, server.crt and server.key in dir.
func writeCertificates(dir string) error {
	authority := &x509.Certificate{
		SerialNumber:          big.NewInt(1),
		Subject:               pkix.Name{CommonName: "scimgate test authority"},
		NotBefore:             time.Now().Add(-time.Hour),
		NotAfter:              time.Now().Add(24 * time.Hour),
		IsCA:                  true,
		BasicConstraintsValid: true,
		KeyUsage:              x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
	}
	server := &x509.Certificate{
		SerialNumber: big.NewInt(2),
		Subject:      pkix.Name{CommonName: "localhost"},
		NotBefore:    authority.NotBefore,
		NotAfter:     authority.NotAfter,
		KeyUsage:     x509.KeyUsageDigitalSignature,
		ExtKeyUsage:  []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		DNSNames:     []string{"localhost"},
		IPAddresses:  []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	authorityKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return fmt.Errorf("generating the authority's key: %w", err)
	}
	serverKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return fmt.Errorf("generating the server's key: %w", err)
	}
	authorityDER, err := x509.CreateCertificate(rand.Reader, authority, authority, authorityKey.Public(), authorityKey)
	if err != nil {
		return fmt.Errorf("signing the authority: %w", err)
	}
	serverDER, err := x509.CreateCertificate(rand.Reader, server, authority, serverKey.Public(), authorityKey)
	if err != nil {
		return fmt.Errorf("signing the server's certificate: %w", err)
	}
	if err := writePair(dir, "ca", authorityDER, authorityKey); err != nil {
		return err
	}
	return writePair(dir, "server", serverDER, serverKey)
}

// writePair writes a certificate and its key as <name>.crt and <name>.key.
func writePair(dir, name string, certificate []byte, key *ecdsa.PrivateKey) error {
	keyDER, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return fmt.Errorf("encoding the key of %s: %w", name, err)
	}
	for _, file := range []struct {
		name, kind string
		der        []byte
	}{
		{name + ".crt", "CERTIFICATE", certificate},
		{name + ".key", "PRIVATE KEY", keyDER},
	} {
		block := pem.EncodeToMemory(&pem.Block{Type: file.kind, Bytes: file.der})
		if err := os.WriteFile(filepath.Join(dir, file.name), block, 0o600); err != nil {
			return fmt.Errorf("writing %s: %w", file.name, err)
		}
	}
	return nil
}

// ClientCertificate writes a certificate for a client with that common name,
// good for a day and signed by the server's authority, and its key into dir as
// client.crt and client.key, over what is there. slapd knows who shows it, with
// TLSVerifyClient, as cn=<common name>.
func (s *Server) ClientCertificate(t TB, dir, commonName string) (certificate, key string) {
	t.Helper()
	return s.ClientCertificateOf(t, dir, pkix.Name{CommonName: commonName})
}

// ClientCertificateOf is ClientCertificate for a whole subject. slapd knows who
// shows it by the subject as a DN, its last part first.
func (s *Server) ClientCertificateOf(t TB, dir string, subject pkix.Name) (certificate, key string) {
	t.Helper()
	if err := s.writeClient(dir, subject); err != nil {
		t.Fatalf("making a client certificate: %v", err)
	}
	return filepath.Join(dir, "client.crt"), filepath.Join(dir, "client.key")
}

func (s *Server) writeClient(dir string, subject pkix.Name) error {
	pair, err := tls.LoadX509KeyPair(s.CAFile(), filepath.Join(s.dir, "ca.key"))
	if err != nil {
		return fmt.Errorf("reading the authority: %w", err)
	}
	serial, err := rand.Int(rand.Reader, big.NewInt(1<<62))
	if err != nil {
		return fmt.Errorf("choosing a serial number: %w", err)
	}
	client := &x509.Certificate{
		SerialNumber: serial,
		Subject:      subject,
		NotBefore:    time.Now().Add(-time.Hour),
		NotAfter:     time.Now().Add(24 * time.Hour),
		KeyUsage:     x509.KeyUsageDigitalSignature,
		ExtKeyUsage:  []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return fmt.Errorf("generating the key: %w", err)
	}
	der, err := x509.CreateCertificate(rand.Reader, client, pair.Leaf, key.Public(), pair.PrivateKey)
	if err != nil {
		return fmt.Errorf("signing: %w", err)
	}
	return writePair(dir, "client", der, key)
}
