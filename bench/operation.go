package main

import "slices"

// The contestants.
const (
	plainClient = "plain"    // go-ldap, no HTTP
	bareHandler = "bare"     // a Caddy handler that does the one directory operation
	ours        = "scimgate" // the gateway
)

// operation is a kind of work that is measured.
type operation struct {
	name  string
	title string
	// by are those who do it.
	by []string
	// yardstick is whom scimgate is compared with, and budget the share of the
	// yardstick's rate that it must reach.
	yardstick string
	budget    float64
	// limit is how many a round may take at most, 0 for any number: of the
	// users there are, or of what changes the directory too much.
	limit int
	// fewClients leaves the loads with many clients out, and isSlow does so in a
	// quick run.
	fewClients, isSlow bool
	// restore checks that the directory is as the work must have left it, and
	// puts it back: used is how many were begun, done how many ended well.
	restore func(d *directory, used, done int) error
}

var all = []string{plainClient, bareHandler, ours}
var withoutBare = []string{plainClient, ours}

// operations are in the order of the table. What only reads comes first, and the
// writes in the order in which they leave the directory otherwise than it was:
// slapd takes longer to rewrite a large group where entries have come and gone.
var operations = []operation{
	{name: "find", title: "find a user by userName", by: all, yardstick: bareHandler, budget: .85},
	{name: "read", title: "read a user", by: all, yardstick: bareHandler, budget: .85},
	{name: "page", title: "a page of 100 users, not the first", by: withoutBare, yardstick: plainClient, budget: .7},
	{name: "first-page", title: "the first page of 100 users, all counted", by: withoutBare, yardstick: plainClient, budget: .7,
		fewClients: true},
	{name: "read-group", title: "read a group of 5,000 with its members' ids", by: withoutBare, yardstick: plainClient, budget: .7,
		isSlow: true},
	{name: "add-member", title: "add one member to a group of 5,000, journal on", by: all, yardstick: plainClient, budget: .9,
		limit: 250, restore: (*directory).takeOut},
	{name: "disable", title: "disable with proof, journal on", by: all, yardstick: bareHandler, budget: .8,
		limit: 2000, restore: (*directory).enable},
	{name: "create", title: "create a user, journal on", by: all, yardstick: bareHandler, budget: .8,
		limit: 600, restore: (*directory).removeCreated},
}

// addToEverybody is the one operation of the size rows that is not among
// operations.
var addToEverybody = operation{name: "add-member-large", by: withoutBare, limit: 40, restore: (*directory).takeOutOfEverybody}

// readEverybody reads the group of everybody.
var readEverybody = operation{name: "read-group-large", by: []string{ours}}

func findOperation(name string) *operation {
	i := slices.IndexFunc(operations, func(o operation) bool { return o.name == name })
	if i < 0 {
		return nil
	}
	return &operations[i]
}

// loads are the numbers of clients with which the operation is measured.
func (s settings) loads(o operation) []int {
	if !o.fewClients && !(o.isSlow && s.Quick) {
		return s.Clients
	}
	return slices.DeleteFunc(slices.Clone(s.Clients), func(n int) bool { return n > 8 })
}
