package template

import "testing"

func BenchmarkURL(b *testing.B) {
	template, err := Parse(`/users/{id}.json?name={userName}&status=`, URL)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := template.Execute(lookup); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkJSON(b *testing.B) {
	template, err := Parse(`{"user":{"login":{userName},"id":{id},"mail":"{userName}@example.com","title":{missing?}}}`, JSON)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := template.Execute(lookup); err != nil {
			b.Fatal(err)
		}
	}
}
