package main

import (
	"fmt"
	"os"
	"os/user"
	"strings"
	"unicode"
	"unicode/utf8"
)

// operator names who gives a command: the user, and the host. Behind sudo it is the
// one who called it.
func operator() string {
	name := os.Getenv("SUDO_USER")
	if name == "" {
		if u, err := user.Current(); err == nil {
			name = u.Username
		} else {
			name = "somebody"
		}
	}
	host, err := os.Hostname()
	if err != nil || host == "" {
		host = "localhost"
	}
	return name + "@" + host
}

// mostWords is the longest text that is kept about an act, in bytes.
const mostWords = 1000

// checkWords says why a text that an operator has typed can't be kept: all gateways
// read it, and whoever looks at it has to be able to.
func checkWords(flag, text string) error {
	switch {
	case !utf8.ValidString(text):
		return fmt.Errorf("%s: the text is not UTF-8", flag)
	case strings.ContainsFunc(text, unicode.IsControl):
		return fmt.Errorf("%s: the text holds line ends or other control characters: write one line", flag)
	case len(text) > mostWords:
		return fmt.Errorf("%s: the text has %d bytes: %d are enough", flag, len(text), mostWords)
	}
	return nil
}
