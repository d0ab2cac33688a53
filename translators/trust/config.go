// Package trust says by which certificates a server is trusted, and by which it
// knows scimgate: the TLS settings that translators share, and their lines in a
// Caddyfile.
package trust

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"os"

	"github.com/scimgate/scimgate/translators/mapfile"
)

// Config says how servers' certificates are verified, and what is shown to servers.
// The nil Config verifies by the system's roots.
type Config struct {
	// CAFiles are PEM files with the roots to trust instead of the system's.
	CAFiles []string `json:"ca_files,omitempty"`
	// Certificate and Key are PEM files with the certificate, and its chain, that
	// is shown to servers that ask for one, and its key. Both are read anew for
	// each connection.
	Certificate string `json:"certificate,omitempty"`
	Key         string `json:"key,omitempty"`
	// ServerName is the name in the certificate. Default: the host of the address.
	ServerName string `json:"server_name,omitempty"`
	// InsecureSkipVerify trusts any certificate. For tests alone.
	InsecureSkipVerify bool `json:"insecure_skip_verify,omitempty"`
}

// UnmarshalLine reads a line of a Caddyfile, if it is one of these:
//
//	tls_certificate <certificate file> <key file>
//	tls_ca          <file>...
//	tls_server_name <name>
//	tls_insecure_skip_verify
func (c *Config) UnmarshalLine(b *mapfile.Block, word string) (isMine bool, err error) {
	switch word {
	case "tls_certificate":
		return true, b.Texts("tls_certificate <certificate file> <key file>", &c.Certificate, &c.Key)
	case "tls_ca":
		return true, b.List(&c.CAFiles, "tls_ca <file>...")
	case "tls_server_name":
		return true, b.Text(&c.ServerName, "tls_server_name <name>")
	case "tls_insecure_skip_verify":
		return true, b.Flag(&c.InsecureSkipVerify)
	}
	return false, nil
}

// Load reads the files, whose names are those of the Caddyfile's lines in errors. It
// returns, beside the configuration of TLS 1.2 and above, the texts of CAFiles: two
// configurations that are alike differ when these do.
func (c *Config) Load() (*tls.Config, []string, error) {
	config := &tls.Config{MinVersion: tls.VersionTLS12}
	if c == nil {
		return config, nil, nil
	}
	config.ServerName, config.InsecureSkipVerify = c.ServerName, c.InsecureSkipVerify
	var roots []string
	for _, name := range c.CAFiles {
		text, err := os.ReadFile(name)
		if err != nil {
			return nil, nil, fmt.Errorf("tls_ca: %w", err)
		}
		if config.RootCAs == nil {
			config.RootCAs = x509.NewCertPool()
		}
		if !config.RootCAs.AppendCertsFromPEM(text) {
			return nil, nil, fmt.Errorf("tls_ca: %s holds no certificate in PEM form", name)
		}
		roots = append(roots, string(text))
	}
	if c.Certificate != "" || c.Key != "" {
		if _, err := c.ClientCertificate(); err != nil {
			return nil, nil, err
		}
		config.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return c.ClientCertificate() }
	}
	return config, roots, nil
}

// ClientCertificate reads the certificate that servers are shown, whether or not
// they say that they would take it: why they don't they say better.
func (c *Config) ClientCertificate() (*tls.Certificate, error) {
	pair, err := tls.LoadX509KeyPair(c.Certificate, c.Key)
	if err != nil {
		return nil, fmt.Errorf("tls_certificate: %w", err)
	}
	return &pair, nil
}
