package main

import "context"

// The size rows: what must not grow with the directory and its groups.

// sizeOperations are measured on the large directory at 8 clients, but for the
// last.
func (s settings) sizeOperations() []operation {
	find, add, page := *findOperation("find"), *findOperation("add-member"), *findOperation("page")
	second, last := page, page
	second.name, second.title, second.by, second.yardstick = "page-second", "the second page of 100", []string{ours}, ""
	last.name, last.title, last.by, last.yardstick = "page-last", "the last page of 100", []string{ours}, ""
	sorted, turned := second, second
	sorted.name, sorted.title = "page-sorted", "any page of 100, sorted by name"
	turned.name, turned.title = "page-cursor", "the next page of 100, by cursor"
	find.by, find.yardstick, add.by = withoutBare, "", withoutBare
	large := addToEverybody
	large.title, large.yardstick = "add one member to a group of nearly all users", plainClient
	read := readEverybody
	read.title = "read a group of nearly all users with its members' ids"
	return []operation{find, second, last, sorted, turned, add, large, read}
}

// measureSize measures on the large directory.
func (b *run) measureSize(ctx context.Context, m *measurement) error {
	results := make(map[string]result)
	for _, o := range b.sizeOperations() {
		clients := 8
		if o.name == readEverybody.name {
			clients = 1
		}
		c, err := m.cell(ctx, o, clients)
		if err != nil {
			return err
		}
		line := b.report.add(c, b.Large)
		b.tell(line)
		results[o.name] = line.Results[ours]
	}
	b.report.judge("gateway CPU to add one member to a group of nearly 100,000, of that for 5,000",
		results[addToEverybody.name].CPU/results["add-member"].CPU, 1.3, true, "×")
	b.report.judge("the last page of 100,000 users, time of that of the second",
		results["page-last"].P50/results["page-second"].P50, 1.2, true, "×")
	b.report.judge("a page of 100,000 users sorted by name, time of that of the second without order",
		results["page-sorted"].P50/results["page-second"].P50, 1.2, true, "×")
	b.report.judge("the next page of 100,000 users by cursor, time of that of the second by index",
		results["page-cursor"].P50/results["page-second"].P50, 1.2, true, "×")
	b.report.judge("memory while a group of nearly 100,000 is read", results[readEverybody.name].Peak, 256, true, "MiB")
	return nil
}
