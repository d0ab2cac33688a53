package main

import (
	"os"
	"os/user"
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
