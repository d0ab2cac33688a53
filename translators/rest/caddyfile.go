package rest

import "github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

// UnmarshalCaddyfile reads the configuration from a Caddyfile:
//
//	translator rest <url> {
//		auth              …              (package signin)
//		secret            <name> <value>
//		timeout           <duration>     (and the other lines of package web)
//		candidates        <number>
//		consistent_within <duration>
//
//		header            <name> <value>  sent with each call
//		query             <name> <value>
//		answer            json|xml|form|text
//		body              json|form
//		item              <path>
//		items             <path>
//		page              offset <parameter> { … }
//		error             <path>...
//		<verdict>         <status>... [<text>]
//		<verdict>         when <expression>
//
//		users {
//			id            <path> [number]
//			rows          <path>...
//			version       etag|hash|<path>
//			created       <path>
//			modified      <path>
//			value         <name> <expression>
//			filter_list
//			delete        disable|refuse
//			map           <path> <field>... { … }
//			remember      <path>...
//			item, items, page, answer, …      as above, for the calls of this type
//
//			search        <method> <url> { … }
//			list          <method> <url> { … }
//			read          <method> <url> { … }
//			create        <method> <url> { … }
//			update        <method> <url> { … }
//			disable       <method> <url> { … }
//			enable        <method> <url> { … }
//			status        <method> <url> { … }
//			password      <method> <url> { … }
//			delete        <method> <url> { … }   DELETE removes
//		}
//		groups {
//			…
//			map           members <path>
//			member_by     id|userName
//			members       <method> <url> { … }
//			add_member    <method> <url> { … }
//			remove_member <method> <url> { … }
//			set_members   <method> <url> { … }
//			fixed         <id> <displayName>
//			of_users      <path> [id|displayName] [without <value>]
//		}
//		schema <urn> { … }
//		resource <name> { … }
//	}
//
// A call has in its block:
//
//	header       <name> <template>
//	query        <name> <template>
//	body         json|form|xml|text [<template>]
//	body         none
//	send         changed|whole
//	without      <path>...
//	answer       json|xml|form|text
//	item, items  <path>
//	id           <path>
//	id_header    <name> [<pattern>]
//	into         <name>
//	page         …
//	error        <path>...
//	<verdict>    <status>... [<text>]
//	<verdict>    when <expression>
//	when         <expression>
//	undo         <method> <url> { … }
//	repeatable   [off]
//	if_match
//	timeout      <duration>
func (t *Translator) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	d.Next() // the name of the module
	return d.Errf("rest: the configuration is not read")
}
