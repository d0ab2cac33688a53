package directory

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"
	"time"
)

// Options says what a [Server] is to be. Only Suffix is needed.
type Options struct {
	// Suffix is the naming context; every entry is at it or below.
	Suffix string
	// Root may do everything. Its DN need not be an entry. Read and Write are not looked at.
	Root Account
	// Accounts are service accounts with limited rights.
	Accounts []Account
	// Schema adds attribute types and object classes to the built-in ones.
	Schema Schema
	// Index names attributes for equality lookups that cost no walk through the tree, besides
	// entryUUID, uid, mail, member, uniqueMember, the unique and the reference attributes, which always
	// have one.
	Index []string
	// Unique lists what no two entries may share, as slapd's unique overlay does.
	Unique []Unique
	// References names the DN-valued attributes that follow a rename and lose the DN on a delete, as
	// with slapd's refint overlay. Nil means member, uniqueMember, manager and owner.
	References []string
	// Placeholder is the DN that replaces the last value of a reference attribute when its entry is
	// deleted (refint_nothing). Empty: a group's only member stays behind as a DN without an entry.
	Placeholder string
	// DefaultPolicy is the DN of the pwdPolicy entry for everybody without a pwdPolicySubentry
	// (ppolicy_default). Empty, or without an entry: no policy, and a lock does not lock.
	DefaultPolicy string
	// SizeLimit is how many entries a search without a page control and a size limit of its own gets
	// before it ends in result 4. Zero: no limit. Root has none.
	SizeLimit int
	// MaxSizeLimit bounds the size limit that a client may ask for. Zero: any.
	MaxSizeLimit int
	// MaxPageSize is the largest page that a client may ask for; more is result 11. Zero: any.
	MaxPageSize int
	// TLS turns on StartTLS. Nil: it is refused.
	TLS *tls.Config
}

// Account is a DN that may bind with a password of its own.
type Account struct {
	DN, Password string
	// Read and Write hold the DNs of subtrees. What is writable is readable, and so are the entries
	// above; everything else is invisible, and result 50 to a write.
	Read, Write []string
}

// Unique says that below Base no two entries share a value of Attribute.
type Unique struct {
	Base, Attribute string
}

// Server is an LDAP directory in memory. Its methods may be called from any goroutine.
type Server struct {
	options    Options
	schema     *schema
	root       *account
	accounts   map[string]*account // by normalised DN
	unique     []uniqueness
	references []*AttributeType
	nothing    dn // the placeholder
	policy     string

	mu      sync.RWMutex // guards tree and lastCSN
	tree    *tree
	lastCSN time.Time

	faults    faults
	serving   sync.WaitGroup
	connMu    sync.Mutex // guards the fields below
	closed    bool
	listeners []net.Listener
	conns     map[*conn]struct{}
}

// New makes an empty server that does not listen yet.
func New(options Options) (*Server, error) {
	known, err := newSchema(options.Schema)
	if err != nil {
		return nil, fmt.Errorf("making a directory: %w", err)
	}
	s := &Server{options: options, schema: known, accounts: map[string]*account{}, conns: map[*conn]struct{}{}}
	s.faults.done = make(chan struct{})
	if err := s.configure(); err != nil {
		return nil, fmt.Errorf("making a directory: %w", err)
	}
	return s, nil
}

// configure resolves the names in the options.
func (s *Server) configure() error {
	suffix, err := s.schema.parseDN(s.options.Suffix)
	if err != nil {
		return err
	}
	if len(suffix) == 0 {
		return errors.New("a suffix is needed")
	}
	if s.nothing, err = s.schema.parseDN(s.options.Placeholder); err != nil {
		return err
	}
	policy, err := s.schema.parseDN(s.options.DefaultPolicy)
	if err != nil {
		return err
	}
	s.policy = policy.norm()
	if s.root, err = s.newAccount(s.options.Root); err != nil {
		return err
	}
	s.root.everything = true
	for _, a := range s.options.Accounts {
		account, err := s.newAccount(a)
		if err != nil {
			return err
		}
		s.accounts[account.norm] = account
	}
	s.accounts[s.root.norm] = s.root
	delete(s.accounts, "") // the anonymous DN is nobody's account

	names := []string{"entryUUID", "uid", "mail"}
	for _, u := range s.options.Unique {
		base, err := s.schema.parseDN(u.Base)
		if err != nil {
			return err
		}
		names = append(names, u.Attribute)
		s.unique = append(s.unique, uniqueness{base.norm(), s.schema.attribute[strings.ToLower(u.Attribute)]})
	}
	references := s.options.References
	if references == nil {
		references = []string{"member", "uniqueMember", "manager", "owner"}
	}
	for _, name := range references {
		t := s.schema.attribute[strings.ToLower(name)]
		if t == nil || t.Rule != DN && t.Rule != NameAndUID {
			return fmt.Errorf("keeping references in %s: not an attribute that holds DNs", name)
		}
		s.references = append(s.references, t)
	}
	names = append(append(names, references...), s.options.Index...)
	var indexed []*AttributeType
	for _, name := range names {
		t := s.schema.attribute[strings.ToLower(name)]
		if t == nil || t.Rule == Opaque {
			return fmt.Errorf("indexing %s: not an attribute that can be compared", name)
		}
		indexed = append(indexed, t)
	}
	s.tree = newTree(s.schema, suffix, indexed)
	return nil
}

// Listen serves on a TCP address, such as "127.0.0.1:0", in the background and returns where it is. It
// may be called more than once.
func (s *Server) Listen(addr string) (net.Addr, error) {
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("listening for LDAP: %w", err)
	}
	s.connMu.Lock()
	defer s.connMu.Unlock()
	if s.closed {
		l.Close()
		return nil, fmt.Errorf("listening for LDAP on %s: %w", addr, net.ErrClosed)
	}
	s.listeners = append(s.listeners, l)
	s.serving.Go(func() { s.accept(l) })
	return l.Addr(), nil
}

func (s *Server) accept(l net.Listener) {
	for {
		socket, err := l.Accept()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil { // such as too many open files, which passes
			select {
			case <-time.After(10 * time.Millisecond):
				continue
			case <-s.faults.done:
				return
			}
		}
		c := newConn(s, socket)
		s.connMu.Lock()
		if s.closed {
			s.connMu.Unlock()
			socket.Close()
			return
		}
		s.conns[c] = struct{}{}
		s.serving.Go(c.serve)
		s.connMu.Unlock()
	}
}

// Close stops listening, cuts every connection and returns when all goroutines have ended. The entries
// stay readable through [Server.Dump].
func (s *Server) Close() error {
	s.connMu.Lock()
	wasClosed := s.closed
	s.closed = true
	for _, l := range s.listeners {
		l.Close()
	}
	s.connMu.Unlock()
	if !wasClosed {
		close(s.faults.done)
	}
	s.Cut()
	s.serving.Wait()
	return nil
}
