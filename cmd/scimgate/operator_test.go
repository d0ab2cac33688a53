package main

import (
	"os"
	"testing"
)

func TestOperatorIsWhoCalledSudo(t *testing.T) {
	host, err := os.Hostname()
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("SUDO_USER", "grace")
	if got := operator(); got != "grace@"+host {
		t.Errorf("the operator is %s, want grace@%s", got, host)
	}
	t.Setenv("SUDO_USER", "")
	if got := operator(); len(got) <= len(host)+1 || got == "grace@"+host {
		t.Errorf("the operator is %s", got)
	}
}
