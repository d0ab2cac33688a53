package e2e

import (
	"strings"
	"testing"

	"github.com/scimgate/scimgate/internal/slapd"
)

// A private attribute is served, and its values stand nowhere but in answers and in the
// directory.
func TestPrivateValuesAreShownInAnswersAlone(t *testing.T) {
	const first, second = "Countess-Kx81", "Enchantress-Qw27"
	d := startSlapd(t, slapd.Options{})
	g := startGateway(t, d, setup{
		Gateway: []string{}, Replace: []string{"map nickName scimNickName", "map nickName scimNickName {\n private\n }"},
	})
	a := g.want(t, 201, "POST", "/Users", jsonOf(map[string]any{"schemas": []string{userSchema}, "userName": "augusta", "nickName": first, "title": "Dr"}))
	id := a.get("id")
	if a.get("nickName") != first {
		t.Errorf("the answer has the nickName %q", a.get("nickName"))
	}
	patch := patchOf(operation("Replace", "nickName", second))
	g.want(t, 200, "PATCH", "/Users/"+id, patch)
	g.want(t, 200, "PATCH", "/Users/"+id, patchOf(operation("Replace", "nickName", first)))
	if a := g.want(t, 200, "GET", filterPath("/Users", `nickName eq "`+first+`"`), ""); a.get("totalResults") != "1" {
		t.Errorf("a search finds %s", a)
	}
	for _, bad := range []string{`nickName eq "` + second + `" and`, `nickName gt2 "` + second + `"`} {
		g.want(t, 400, "GET", filterPath("/Users", bad), "")
	}
	g.want(t, 400, "PATCH", "/Users/"+id, patchOf(operation("Replace", "nickName", map[string]any{"x": first})))
	g.do(t, "PATCH", "/Users/"+id, patchOf(operation("Replace", `phoneNumbers[display eq "`+second+`"].value`, "1")))
	g.want(t, 400, "PATCH", "/Users/"+id, patchOf(operation("Replace", "nickName", second+"\x00")))
	shown, err := g.explain(t, "PATCH", "/scim/v2/Users/"+id, patch, false)
	if err != nil || !strings.Contains(shown, "{private}") {
		t.Errorf("explain prints %s, %v", shown, err)
	}
	g.reload(t, func(s *setup) { s.Gateway = []string{"dry_run"} })
	g.want(t, 503, "PATCH", "/Users/"+id, patch)

	entries := g.entries(t)
	var nicks []string // what the journal has of it, one after the other
	for _, e := range entries {
		for _, c := range e.Changes {
			if c.Attribute == "nickName" {
				nicks = append(nicks, string(c.From), string(c.To))
				if !c.Private {
					t.Errorf("%+v is not said to be private", c)
				}
			}
		}
	}
	if len(nicks) != 6 || nicks[0] != "" || nicks[1] != nicks[2] || nicks[3] == nicks[2] || nicks[4] != nicks[3] || nicks[5] != nicks[1] || !strings.HasPrefix(nicks[1], `"hmac:`) {
		t.Errorf("the journal has of the nickName %q", nicks)
	}
	for where, text := range map[string]string{"the journal": jsonOf(entries), "the log": g.log(t), "what explain prints": shown} {
		for _, value := range []string{first, second} {
			if at := strings.Index(text, value); at >= 0 {
				t.Errorf("%s shows a private value: …%s…", where, text[max(0, at-300):min(len(text), at+60)])
			}
		}
	}
}
