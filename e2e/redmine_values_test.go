package e2e

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"
)

func TestRedmineRule06WhatCameComesBack(t *testing.T) {
	r := startTracker(t)
	id := r.want(t, 201, "POST", "/Users", strings.Replace(trackerUser("ada", "ada@example.com"), `"name"`, `"nickName":"Addie","shoeSize":44,"name"`, 1)).get("id")
	// What is not mapped is not claimed, and stays.
	r.ask(t, 204, "PUT", "/users/"+id+".json", `{"user":{"language":"de","mail_notification":"none"},"pref":{"hide_mail":true}}`)
	kept := func() string {
		a := r.account(t, "ada")
		return fmt.Sprint(a.Get("admin").Raw, a.Get("api_key").Raw, a.Get("created_on").Raw)
	}
	before := kept()
	for _, value := range []string{
		"x", "0", "true", "null", "  between  ", "a&b=c", "<b>&amp;</b>", `"quoted" \ back`, "{id} {{ {env.HOME}", "line\nbreak",
		"Zoë 中文 🙂", "]]>", "%41%00", "a+b c", "'; DROP TABLE users; --", `{"id":1}`, "[]", strings.Repeat("long ", 5) + "x",
	} {
		a := r.do(t, "PATCH", "/Users/"+id, patchOf(operation("Replace", "name.familyName", value), operation("Replace", "name.givenName", value)))
		has := r.ask(t, 200, "GET", "/users/"+id+".json", "").Get("user")
		if a.Status != 200 || a.get("name.familyName") != value || has.Get("lastname").Str != value || has.Get("firstname").Str != value {
			t.Errorf("%q is answered %s, and Redmine has %s", value, a, has.Raw)
		}
	}
	r.want(t, 400, "PATCH", "/Users/"+id, patchOf(operation("Replace", "name.familyName", strings.Repeat("x", 31))))
	for _, mail := range []string{"Ada.Lovelace+x@Example.com", "ada@sub.example.com"} {
		if a := r.want(t, 200, "PATCH", "/Users/"+id, patchOf(operation("Replace", `emails[type eq "work"].value`, mail))); a.get("emails.0.value") != mail || r.account(t, "ada").Get("mail").Str != mail {
			t.Errorf("%s is answered %s", mail, a)
		}
	}
	a := r.want(t, 200, "GET", "/Users/"+id, "")
	if a.get("nickName") != "" || a.get("shoeSize") != "" || strings.Contains(a.Body, "language") || strings.Contains(a.Body, "api_key") {
		t.Errorf("read as %s", a)
	}
	if after := kept(); after != before {
		t.Errorf("what Redmine has for itself was %s and is %s", before, after)
	}
	if schemas := r.want(t, 200, "GET", "/Schemas", ""); strings.Contains(schemas.Body, `"nickName"`) || !strings.Contains(schemas.Body, `"familyName"`) {
		t.Errorf("the schemas are %s", schemas)
	}
	for _, filter := range []string{`nickName eq "Addie"`, `language eq "de"`, `admin eq true`} {
		r.want(t, 400, "GET", filterPath("/Users", filter), "")
	}
}

func TestRedmineRule10EverythingIsData(t *testing.T) {
	r := startTracker(t)
	id := r.add(t, "ada")
	group := r.team(t, "engineers", id)
	for _, text := range hostile {
		r.way.Forget()
		a := r.do(t, "GET", filterPath("/Users", "userName eq "+quoted(text)), "")
		if a.Status != 200 && a.Status != 400 || a.Status == 200 && a.get("totalResults") != "0" {
			t.Errorf("looking up %q: answered %s", text, a)
		}
		isAsked := a.Status == 400
		for _, p := range r.way.Passed() {
			target, err := url.Parse(p.Target)
			if err != nil || target.Path == "/users.json" && target.Query().Get("status") != "" || p.Method != "GET" {
				t.Errorf("%q is asked for with %s %s %v", text, p.Method, p.Target, err)
				continue
			}
			isAsked = isAsked || target.Path == "/users.json" && target.Query().Get("name") == text
		}
		if !isAsked {
			t.Errorf("%q is not asked for: %+v", text, r.way.Passed())
		}
		segment := url.PathEscape(text)
		if strings.Trim(text, ".") == "" {
			segment = strings.ReplaceAll(text, ".", "%2E")
		}
		r.way.Forget()
		for _, q := range []request{
			{"GET", "/Users/" + segment, ""}, {"PATCH", "/Users/" + segment, disable}, {"DELETE", "/Users/" + segment, ""},
			{"PATCH", "/Groups/" + group, patchOf(operation("Remove", "members", members(text)))},
		} {
			if a := r.do(t, q.method, q.path, q.body); a.Status/100 == 5 || a.Status/100 == 2 && strings.HasPrefix(q.path, "/Users") {
				t.Errorf("%s %s: answered %s", q.method, q.path, a)
			}
		}
		if writes := r.way.Writes(); len(writes) > 0 && writes[0].Status < 300 && !strings.HasPrefix(writes[0].Target, "/groups/"+group+"/users/") {
			t.Errorf("the id %q became %+v", text, writes)
		}
		if a := r.do(t, "POST", "/Users", trackerUser(text, "x@example.com")); a.Status != 400 && a.Status != 201 {
			t.Errorf("creating %q: answered %s", text, a)
		} else if a.Status == 201 {
			r.want(t, 204, "DELETE", "/Users/"+a.get("id"), "")
		}
		if len([]rune(text)) > 30 {
			continue
		}
		a = r.do(t, "PATCH", "/Users/"+id, patchOf(operation("Replace", "name.givenName", text)))
		has := r.ask(t, 200, "GET", "/users/"+id+".json", "").Get("user")
		if a.Status != 200 || has.Get("firstname").Str != text || has.Get("status").Int() != 1 || has.Get("login").Str != "ada" {
			t.Errorf("%q: answered %s, and Redmine has %s", text, a, has.Raw)
		}
	}
	if got := r.members(t, group); !slices.Equal(got, []string{id}) {
		t.Errorf("the members are %q", got)
	}
	// What is read is data too.
	r.ask(t, 204, "PUT", "/users/"+id+".json", `{"user":{"lastname":"{env.SCIMGATE_DEMO_TOKEN}<b>"}}`)
	if a := r.want(t, 200, "GET", "/Users/"+id, ""); a.get("name.familyName") != "{env.SCIMGATE_DEMO_TOKEN}<b>" {
		t.Errorf("read as %s", a)
	}
}
