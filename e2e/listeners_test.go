package e2e

import (
	"bufio"
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"
)

// hasOneListener waits until a port of this machine has a single listener. While
// Caddy reloads, the old configuration's socket stands beside the new one's for
// a moment, and a connection that the kernel gives to the old one as it is closed
// is reset before anybody has seen it.
func hasOneListener(t *testing.T, port string) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); listeners(t, port) > 1; {
		if time.Now().After(deadline) {
			t.Fatalf("port %s still has several listeners after a reload", port)
		}
	}
}

// listeners counts the sockets that listen at a TCP port of IPv4 (proc(5)).
func listeners(t *testing.T, port string) (n int) {
	t.Helper()
	number, err := strconv.Atoi(port)
	if err != nil {
		t.Fatal(err)
	}
	table, err := os.Open("/proc/net/tcp")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = table.Close() }()
	const listening = "0A"
	local := fmt.Sprintf(":%04X", number)
	for lines := bufio.NewScanner(table); lines.Scan(); {
		fields := strings.Fields(lines.Text())
		if len(fields) > 3 && strings.HasSuffix(fields[1], local) && fields[3] == listening {
			n++
		}
	}
	return n
}
