package scim

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
)

// TestApplyIsLinear counts the allocations of reading and applying a PATCH. Ten
// times the operations are ten times the work, and not a hundred times.
func TestApplyIsLinear(t *testing.T) {
	for name, format := range map[string]string{
		"adds":          addEmail,
		"adds in turns": addEmailPhone,
		"removes":       removeEmail,
	} {
		t.Run(name, func(t *testing.T) {
			work := func(n int) float64 {
				user := UserType()
				emails, body := user.Attribute("emails"), many(n, format)
				var items []Value
				for i := range n {
					items = append(items, Complex(Field{emails.Sub("value"), String(fmt.Sprint(i, "@before.example.com"))}))
				}
				before := NewResource(user)
				before.Set(emails, List(items...))
				d := &Decoder{Types: []*ResourceType{user}}
				return testing.AllocsPerRun(1, func() {
					op, err := d.Decode(Request{Method: "PATCH", Path: "/Users/1", Body: body})
					if err != nil {
						t.Fatal(err)
					}
					if _, err := Apply(before, op.Changes); err != nil {
						t.Fatal(err)
					}
				})
			}
			if few, more := work(200), work(2000); more > 15*few {
				t.Errorf("200 operations allocate %.0f times, 2,000 %.0f times", few, more)
			}
		})
	}
}

// TestApplyIsBounded holds that changes which search through the elements of a
// list, over and over, end in an error that says so.
func TestApplyIsBounded(t *testing.T) {
	long := strings.Repeat("x", 1<<20)
	for name, c := range map[string]struct {
		body      []byte
		isRefused bool
	}{
		"selected one by one":      {many(10_000, setEmail), true},
		"a thousand":               {many(1_000, setEmail), false},
		"added and selected":       {many(5_000, addEmail+","+setEmail), true},
		"added and removed":        {many(5_000, addEmail+`,{"op":"remove","path":"emails","value":[{"value":"nobody"}]}`), true},
		"many comparisons":         {many(1_000, `{"op":"add","path":"emails[type eq \"#\"`+strings.Repeat(` and type eq \"#\"`, 50)+`].value","value":"x"}`), true},
		"in a long text":           {many(1_000, `{"op":"add","path":"emails","value":"`+"@long"+`"},{"op":"add","path":"emails[value co \"y#\" or value pr].type","value":"x"}`), true},
		"the same one, ever again": {many(10_000, `{"op":"replace","path":"emails[type eq \"work\"].value","value":"#"}`), false},
	} {
		t.Run(name, func(t *testing.T) {
			body := []byte(strings.Replace(string(c.body), "@long", long, 1))
			op, err := everything().Decode(Request{Method: "PATCH", Path: "/Users/1", Body: body})
			if err != nil {
				t.Fatal(err)
			}
			_, err = Apply(NewResource(op.Type), op.Changes)
			if !c.isRefused {
				if err != nil {
					t.Error(err)
				}
				return
			}
			if e := AsError(err); e == nil || e.Status != 400 || e.Type != InvalidValue || !strings.Contains(e.Detail, "emails search through more than 1000000 values, the limit") {
				t.Errorf("got %v", err)
			}
		})
	}
}

// TestDecodeJoinsWhatBelongsTogether holds that changes which Decode joins do
// what they do one by one.
func TestDecodeJoinsWhatBelongsTogether(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	one := func(from ...string) string { return from[random.IntN(len(from))] }
	d, joined := everything(), 0
	decode := func(operations ...string) []Change {
		op, err := d.Decode(Request{Method: "PATCH", Path: "/Users/1", Body: []byte(`{"Operations":[` + strings.Join(operations, ",") + `]}`)})
		if err != nil {
			t.Fatal(err)
		}
		return op.Changes
	}
	for range 3000 {
		var operations []string
		for range 2 + random.IntN(6) {
			value := fmt.Sprintf(`{"value":%q,"type":%q,"primary":%s,"display":%q}`,
				one("a", "A", "b", ""), one("work", "home", ""), one("true", "false", "null"), one("x", "", "y"))
			operations = append(operations, one(
				`{"op":"add","path":"emails","value":[`+value+`]}`,
				`{"op":"Add","path":"emails","value":`+value+`}`,
				`{"op":"add","value":{"emails":[`+value+`]}}`,
				`{"op":"add","path":"addresses","value":[{"locality":"`+one("L", "M")+`","primary":`+one("true", "false")+`}]}`,
				`{"op":"Remove","path":"emails","value":[`+value+`]}`,
				`{"op":"replace","path":"emails[type eq \"work\"].value","value":"c"}`,
				`{"op":"replace","path":"title","value":"x"}`,
			))
		}
		at := decode(operations...)
		together, err := Apply(NewResource(d.Types[0]), at)
		if err != nil {
			t.Fatal(err)
		}
		step := NewResource(d.Types[0])
		for _, o := range operations {
			changes := decode(o)
			joined += len(changes)
			if step, err = Apply(step, changes); err != nil {
				t.Fatal(err)
			}
		}
		joined -= len(at)
		if snapshot(together) != snapshot(step) {
			t.Fatalf("%v together become %s, one by one %s", operations, snapshot(together), snapshot(step))
		}
	}
	if joined == 0 {
		t.Error("nothing was joined")
	}
}
