package web

import "github.com/scimgate/scimgate/translators/mapfile"

// UnmarshalLine reads a line of the translator's block, if it is one of these:
//
//	tls_certificate <certificate file> <key file>
//	tls_ca          <file>...
//	tls_server_name <name>
//	tls_insecure_skip_verify
//	proxy           <url>|off
//	connections     <number>
//	rate            <number> per <duration>
//	dial_timeout    <duration>
//	timeout         <duration>
//	retries         <number>|off
//	breaker         <failures> <duration>|off
//	max_answer      <size>
func (c *Config) UnmarshalLine(b *mapfile.Block, word string) (isMine bool, err error) {
	return false, nil
}
