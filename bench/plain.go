package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/go-ldap/ldap/v3"
	"golang.org/x/sync/errgroup"

	"github.com/scimgate/scimgate/internal/slapd"
)

// job is what the process of the plain client is told to do, one line of JSON
// for each round. It answers with a sample.
type job struct {
	Operation string `json:"operation"`
	Seed      uint64 `json:"seed"`
	load
}

// servePlain is the process of the plain client: it does jobs until its input
// ends.
func servePlain(in io.Reader, out io.Writer, directoryURL string, f fixture) error {
	client := &plain{url: directoryURL, fixture: f}
	attempts := client.attempts()
	jobs, samples := json.NewDecoder(in), json.NewEncoder(out)
	for {
		var next job
		switch err := jobs.Decode(&next); {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return fmt.Errorf("reading a job: %w", err)
		}
		s := sample{Failure: "the plain client does not know " + next.Operation}
		if do := attempts[next.Operation]; do != nil {
			s = client.work(next, do)
		}
		if err := samples.Encode(s); err != nil {
			return fmt.Errorf("answering a job: %w", err)
		}
	}
}

// plain is the plain client: go-ldap and nothing else, one connection for each
// client, with the same directory operations and the same results as scimgate.
type plain struct {
	url string
	fixture
	conns []*ldap.Conn
	// walk are the ids of all users, sorted, from which pages are cut: as long
	// as one pages through a list the users are counted once.
	walk []string
}

// work dials what the clients need before the round begins.
func (p *plain) work(j job, do attempt) sample {
	for len(p.conns) < j.Clients {
		conn, err := ldap.DialURL(p.url)
		if err != nil {
			return sample{Failure: err.Error()}
		}
		conn.SetTimeout(time.Minute)
		if err := conn.Bind(slapd.ServiceDN, slapd.ServicePassword); err != nil {
			return sample{Failure: err.Error()}
		}
		p.conns = append(p.conns, conn)
	}
	if j.Operation == "page" {
		var err error
		if p.walk, err = p.scan(p.conns[0]); err != nil {
			return sample{Failure: err.Error()}
		}
	}
	return j.run(context.Background(), j.Seed, do)
}

func (p *plain) attempts() map[string]attempt {
	return map[string]attempt{
		"find": func(_ context.Context, client, _ int, random *rand.Rand) error {
			user := random.IntN(p.Users)
			return p.one(client, "(uid="+ldap.EscapeFilter(uid(user))+")", userID(user))
		},
		"read": func(_ context.Context, client, _ int, random *rand.Rand) error {
			user := random.IntN(p.Users)
			return p.one(client, idFilter(userID(user)), userID(user))
		},
		"create": func(_ context.Context, client, n int, _ *rand.Rand) error {
			request := addRequest(newUID(n))
			if err := p.conns[client].Add(request); err != nil {
				return err
			}
			entries, err := p.search(client, readBack(request.DN))
			if err == nil && (len(entries) != 1 || entries[0].GetAttributeValue("entryUUID") == "") {
				err = fmt.Errorf("%s was created and is not there", request.DN)
			}
			return err
		},
		"disable": func(_ context.Context, client, n int, _ *rand.Rand) error {
			// Found by its id, locked, and read back.
			entries, err := p.search(client, userSearch(idFilter(userID(n)), []string{"pwdAccountLockedTime"}))
			if err == nil && len(entries) != 1 {
				err = fmt.Errorf("%d users with the id of %s", len(entries), uid(n))
			}
			if err != nil {
				return err
			}
			if err := p.conns[client].Modify(lockRequest(entries[0].DN)); err != nil {
				return err
			}
			entries, err = p.search(client, readBack(entries[0].DN))
			if err == nil && (len(entries) != 1 || entries[0].GetAttributeValue("pwdAccountLockedTime") != locked) {
				err = fmt.Errorf("%s was disabled and is not", uid(n))
			}
			return err
		},
		"add-member":       p.addMember(firstGroup),
		"add-member-large": p.addMember(everybody),
		"page": func(_ context.Context, client, _ int, random *rand.Rand) error {
			start := 1 + random.IntN(len(p.walk)-pageSize)
			return p.page(client, p.walk[start:start+pageSize])
		},
		"first-page": func(_ context.Context, client, _ int, _ *rand.Rand) error {
			walk, err := p.scan(p.conns[client])
			if err != nil {
				return err
			}
			if len(walk) != p.Users {
				return fmt.Errorf("%d users of %d", len(walk), p.Users)
			}
			return p.page(client, walk[:pageSize])
		},
		"read-group": p.readGroup(secondGroup, p.GroupSize),
	}
}

// one searches the one user that satisfies the filter.
func (p *plain) one(client int, filter, id string) error {
	entries, err := p.search(client, userSearch(filter, userAttributes))
	if err == nil && (len(entries) != 1 || entries[0].GetAttributeValue("entryUUID") != id) {
		err = fmt.Errorf("searching %s: %d entries", filter, len(entries))
	}
	return err
}

// addMember resolves both ids with one search, and adds the member.
func (p *plain) addMember(group int) attempt {
	return func(_ context.Context, client, n int, _ *rand.Rand) error {
		user := p.fresh(group, n)
		entries, err := p.search(client, ldap.NewSearchRequest(slapd.Base, ldap.ScopeWholeSubtree, ldap.NeverDerefAliases,
			2, 0, false, "(|"+idFilter(groupID(group))+idFilter(userID(user))+")", []string{"entryUUID"}, nil))
		if err != nil {
			return err
		}
		names := make(map[string]string)
		for _, e := range entries {
			names[e.GetAttributeValue("entryUUID")] = e.DN
		}
		if len(names) != 2 {
			return fmt.Errorf("%d entries with the ids of %s and %s", len(names), groupName(group), uid(user))
		}
		return p.conns[client].Modify(addMemberRequest(names[groupID(group)], names[userID(user)]))
	}
}

// scan returns the ids of all users, sorted.
func (p *plain) scan(conn *ldap.Conn) ([]string, error) {
	result, err := conn.SearchWithPaging(userSearch("", []string{"entryUUID"}), 500)
	if err != nil {
		return nil, err
	}
	ids := make([]string, len(result.Entries))
	for i, e := range result.Entries {
		ids[i] = e.GetAttributeValue("entryUUID")
	}
	slices.Sort(ids)
	return ids, nil
}

// page reads the users with these ids.
func (p *plain) page(client int, ids []string) error {
	filters := make([]string, len(ids))
	for i, id := range ids {
		filters[i] = idFilter(id)
	}
	entries, err := p.search(client, userSearch("(|"+strings.Join(filters, "")+")", userAttributes))
	if err == nil && len(entries) != len(ids) {
		err = fmt.Errorf("%d users of %d", len(entries), len(ids))
	}
	return err
}

// How many members are resolved with one search, and how many of these searches
// are under way at a time: as scimgate does it.
const (
	batchSize    = 200
	batchesAhead = 4
)

// readGroup reads a group and resolves its members to ids.
func (p *plain) readGroup(group, size int) attempt {
	return func(_ context.Context, client, _ int, _ *rand.Rand) error {
		entries, err := p.search(client, ldap.NewSearchRequest(slapd.Groups, ldap.ScopeWholeSubtree, ldap.NeverDerefAliases,
			2, 0, false, "(&(objectClass=groupOfNames)"+idFilter(groupID(group))+")", groupAttributes, nil))
		if err != nil {
			return err
		}
		if len(entries) != 1 {
			return fmt.Errorf("%d groups with the id of %s", len(entries), groupName(group))
		}
		var mu sync.Mutex
		ids := make(map[string]string, size)
		var batches errgroup.Group
		batches.SetLimit(batchesAhead)
		for batch := range slices.Chunk(entries[0].GetAttributeValues("member"), batchSize) {
			batches.Go(func() error {
				return p.resolve(client, batch, func(dn, id string) {
					mu.Lock()
					defer mu.Unlock()
					ids[dn] = id
				})
			})
		}
		if err := batches.Wait(); err != nil {
			return err
		}
		if len(ids) != size {
			return fmt.Errorf("%d members of %d", len(ids), size)
		}
		return nil
	}
}

// resolve finds the ids of users by the values that name them.
func (p *plain) resolve(client int, names []string, found func(dn, id string)) error {
	var filter strings.Builder
	for _, name := range names {
		dn, err := ldap.ParseDN(name)
		if err != nil {
			return err
		}
		naming := dn.RDNs[0].Attributes[0]
		filter.WriteString("(" + naming.Type + "=" + ldap.EscapeFilter(naming.Value) + ")")
	}
	entries, err := p.search(client, userSearch("(|"+filter.String()+")", []string{"entryUUID"}))
	for _, e := range entries {
		found(e.DN, e.GetAttributeValue("entryUUID"))
	}
	return err
}

func (p *plain) search(client int, request *ldap.SearchRequest) ([]*ldap.Entry, error) {
	result, err := p.conns[client].Search(request)
	if err != nil {
		return nil, err
	}
	return result.Entries, nil
}
