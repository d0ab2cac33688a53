package journal

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/scimgate/scimgate/internal/owner"
)

// SpoolSize is the size in bytes of the local file: room for about a thousand
// disables.
const SpoolSize = 1 << 20

// longestSpooled bounds the text of one call in the local file, in bytes, and
// longestOutcome is what is kept free for each outcome.
const (
	longestSpooled = 2 << 10
	longestOutcome = 512
)

// Why the local file takes nothing.
var (
	errSpoolFull   = errors.New("it is full")
	errNoSpool     = errors.New("there is none")
	errSpoolClosed = errors.New("it is not open")
	errSpoolInUse  = errors.New("another process uses it: give each process a data directory or a spool of its own")
)

// spool is a local file that disables are recorded in while the store is away. It is
// made in its full size, so that a disk that is full does not matter. A record is
//
//	length of the text   4 bytes, big endian; 0: there is no more
//	CRC-32C of the rest  4 bytes
//	run                  8 bytes: what stood in the file before has another one
//	text                 JSON of a frame
//
// so that one that was torn, when the process or the machine ended, is known.
type spool struct {
	path string

	mu      sync.Mutex
	file    *os.File // nil: not open
	run     uint64
	next    int64 // where the next record goes
	held    []frame
	pending map[string]bool // entries in held that have no outcome
}

// frame is what a record holds: one of the two.
type frame struct {
	Intent  *Entry   `json:"intent,omitempty"`
	Outcome *Outcome `json:"outcome,omitempty"`
}

const frameHead = 16

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

func newSpool(path string) *spool { return &spool{path: path, pending: make(map[string]bool)} }

// open makes the file, unless it is there, takes it for this process, and reads what
// stands in it.
func (s *spool) open() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.file != nil:
		return nil
	case s.path == "":
		return errNoSpool
	}
	file, err := allocate(s.path)
	if err == nil {
		err = s.read(file)
		if err != nil {
			err = errors.Join(err, file.Close())
		}
	}
	if err != nil {
		return fmt.Errorf("opening %s: %w", s.path, err)
	}
	s.file = file
	return nil
}

// allocate opens the file, readable by its owner alone, and gives it its full size,
// in zeros that are on the disk.
func allocate(path string) (_ *os.File, err error) {
	if err := owner.MakeDirectory(filepath.Dir(path)); err != nil {
		return nil, err
	}
	file, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, file.Close())
		}
	}()
	if err := owner.GiveAway(path); err != nil {
		return nil, err
	}
	if err := lock(file); err != nil {
		return nil, err
	}
	info, err := file.Stat()
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, errors.New("it is no regular file")
	}
	missing := SpoolSize - info.Size()
	if missing <= 0 {
		return file, nil
	}
	if _, err := file.WriteAt(make([]byte, missing), info.Size()); err != nil {
		return nil, errors.Join(err, file.Truncate(info.Size()))
	}
	if err := file.Sync(); err != nil {
		return nil, err
	}
	directory, err := os.Open(filepath.Dir(path))
	if err != nil {
		return nil, err
	}
	return file, errors.Join(directory.Sync(), directory.Close())
}

// read reads the records in the file, to the first that is not whole.
func (s *spool) read(file *os.File) error {
	text := make([]byte, SpoolSize)
	if _, err := io.ReadFull(file, text); err != nil {
		return err
	}
	s.held, s.next, s.run = nil, 0, uint64(time.Now().UnixNano())
	clear(s.pending)
	for {
		f, run, size := parse(text[s.next:])
		if size == 0 || len(s.held) > 0 && run != s.run {
			return nil
		}
		s.run = run
		s.next += size
		s.hold(f)
	}
}

// parse reads the record at the beginning of text; size 0: there is no whole one.
func parse(text []byte) (f frame, run uint64, size int64) {
	if len(text) < frameHead {
		return f, 0, 0
	}
	length := int64(binary.BigEndian.Uint32(text))
	if length == 0 || length > int64(len(text)-frameHead) {
		return f, 0, 0
	}
	body := text[8 : frameHead+length]
	if crc32.Checksum(body, castagnoli) != binary.BigEndian.Uint32(text[4:]) {
		return f, 0, 0
	}
	if err := json.Unmarshal(body[8:], &f); err != nil {
		return frame{}, 0, 0
	}
	return f, binary.BigEndian.Uint64(body), frameHead + length
}

func (s *spool) hold(f frame) {
	s.held = append(s.held, f)
	if f.Intent != nil {
		s.pending[f.Intent.ID] = true
	} else if f.Outcome != nil {
		delete(s.pending, f.Outcome.ID)
	}
}

// begin records the intent of a disable. It is on the disk when begin returns.
func (s *spool) begin(e Entry) error {
	e.Calls = slices.Clone(e.Calls)
	for i := range e.Calls {
		e.Calls[i].Text = Cut(e.Calls[i].Text, longestSpooled)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.append(frame{Intent: &e}, int64(len(s.pending)+1)*longestOutcome)
}

// end records an outcome, if the intent stands in the file, and reports whether it
// did.
func (s *spool) end(o Outcome) (bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.pending[o.ID] {
		return false, nil
	}
	if err := s.append(frame{Outcome: &o}, 0); err != nil {
		return false, err
	}
	return true, nil
}

// append writes a record behind which some bytes stay free.
func (s *spool) append(f frame, free int64) error {
	if s.file == nil {
		return errSpoolClosed
	}
	text, err := json.Marshal(f)
	if err != nil {
		return err
	}
	size := int64(frameHead + len(text))
	if s.next+size+free > SpoolSize {
		return errSpoolFull
	}
	record := make([]byte, frameHead, size)
	binary.BigEndian.PutUint32(record, uint32(len(text)))
	binary.BigEndian.PutUint64(record[8:], s.run)
	record = append(record, text...)
	binary.BigEndian.PutUint32(record[4:], crc32.Checksum(record[8:], castagnoli))
	if _, err := s.file.WriteAt(record, s.next); err != nil {
		return errors.Join(err, s.void())
	}
	if err := syncData(s.file); err != nil {
		return errors.Join(err, s.void())
	}
	s.next += size
	s.hold(f)
	return nil
}

// void makes a record unreadable that may have been written although it was refused.
func (s *spool) void() error {
	_, err := s.file.WriteAt(make([]byte, frameHead), s.next)
	return err
}

// frames returns what is held behind the first ones.
func (s *spool) frames(first int) []frame {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.held[min(first, len(s.held)):])
}

// clear empties the file if no more is held than that many, and reports whether it
// did. An error says that what stands in the file will be read again after the next
// start.
func (s *spool) clear(held int) (bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.held) != held {
		return false, nil
	}
	used := s.next
	s.held, s.next, s.run = nil, 0, s.run+1
	clear(s.pending)
	if s.file == nil {
		return true, nil
	}
	if _, err := s.file.WriteAt(make([]byte, used), 0); err != nil {
		return true, err
	}
	return true, syncData(s.file)
}

// count returns how many disables stand in the file.
func (s *spool) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := 0
	for _, f := range s.held {
		if f.Intent != nil {
			n++
		}
	}
	return n
}

// room returns how much of the file is used, and its size; 0: it is not open.
func (s *spool) room() (used, size int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.file == nil {
		return 0, 0
	}
	return s.next, SpoolSize
}

// isMissing reports whether the file could not be opened yet.
func (s *spool) isMissing() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.file == nil && s.path != ""
}

// Destruct closes the file. What stands in it stays there.
func (s *spool) Destruct() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.file == nil {
		return nil
	}
	file := s.file
	s.file = nil
	return file.Close()
}

// Cut returns a text with at most so many bytes of it, and how many more there are.
func Cut(text string, most int) string {
	if len(text) <= most {
		return text
	}
	end := most
	for end > 0 && text[end]&0xc0 == 0x80 {
		end--
	}
	return fmt.Sprintf("%s… (%d more bytes)", text[:end], len(text)-end)
}
