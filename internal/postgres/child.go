package postgres

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"syscall"
)

// guard waits until the program that started it closes the pipe, or ends. It then
// ends the server of the directory and removes its files.
const guard = `read -r nothing
if read -r pid <"$1/data/postmaster.pid"; then
	read -r others <"/proc/$pid/task/$pid/children"
	kill -KILL $pid $others
fi 2>/dev/null
until rm -rf "$1" 2>/dev/null; do sleep 0.1; done`

// child is a process whose end somebody always waits for.
type child struct {
	cmd   *exec.Cmd
	stdin io.Closer
	ended chan struct{}
}

// launch starts a program as the user of the server.
func (s *Server) launch(log *os.File, program string, arguments ...string) (*child, error) {
	cmd := exec.Command(program, arguments...)
	cmd.Dir = "/"
	if log != nil {
		cmd.Stdout, cmd.Stderr = log, log
	}
	// What the terminal interrupts is the tests.
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: s.as, Setpgid: true}
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("starting %s: %w", program, err)
	}
	c := &child{cmd: cmd, stdin: stdin, ended: make(chan struct{})}
	go func() {
		defer close(c.ended)
		_ = cmd.Wait()
	}()
	return c, nil
}

func (c *child) hasEnded() bool {
	select {
	case <-c.ended:
		return true
	default:
		return false
	}
}

// kill ends the process at once and waits for it.
func (c *child) kill() {
	_ = c.cmd.Process.Kill()
	<-c.ended
}
