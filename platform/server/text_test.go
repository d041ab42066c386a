package server

import (
	"strings"
	"testing"
)

func TestBadTextIsFoundAndNamed(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ data, location, message string }{
		{`{"a":"b"}`, "", ""},
		{`{"a":"\\u0000"}`, "", ""},
		{`{"a":"\ud83d\ude00 \n\"\\"}`, "", ""},
		{`"\u0000"`, "body", "contains U+0000"},
		{`{"a":"\\\u0000"}`, "body.a", "contains U+0000"},
		{`{"a":{"b":[1,{"c":"x"},{"c":"\u0000"}]}}`, "body.a.b[2].c", "contains U+0000"},
		{`{"a":{"b":1},"c":["\u0000"]}`, "body.c[0]", "contains U+0000"},
		{`{"a":{},"b":[],"c":"\u0000"}`, "body.c", "contains U+0000"},
		{`[[1,2],["\u0000"]]`, "body[1][0]", "contains U+0000"},
		{`{"a":1,"\u0000":2}`, "body", "contains U+0000"},
		{`{"a":"\ud83d"}`, "body.a", "contains half of a surrogate pair"},
		{`{"a":"\ud83d\u0041"}`, "body.a", "contains half of a surrogate pair"},
		{`{"a":"\ude00"}`, "body.a", "contains half of a surrogate pair"},
		{"{\"a\":\"\xc3\x28\"}", "body.a", "is not valid UTF-8"},
		{"{\"a\":\"\x00\"}", "body.a", "contains U+0000"},
		{"{\"a\":\"\uFFFD\"}", "", ""},
		{`{"a":"\u000`, "", ""},
		{`{"a":1,"b":{"a":1,"b":[{"a":1},{"a":1}]},"c":"a"}`, "", ""},
		{`{"a":1,"A":1}`, "", ""},
		{`{"a":"b","b":"a"}`, "", ""},
		{`["a","a"]`, "", ""},
		{`{"a":1,"a":1}`, "body", "contains a name twice"},
		{`{"a":{"b":[1,{"c":1 , "d" : {}, "c" : 2}]}}`, "body.a.b[1]", "contains a name twice"},
		{`{"a":[{"b":1}],"c":{"d":{}},"a":1}`, "body", "contains a name twice"},
		{`{"a":1,"\u0061":1}`, "body", "contains a name twice"},
		{`{"a\"":1,"a\u0022":1}`, "body", "contains a name twice"},
		{`{"a\\":1,"a\"":1}`, "", ""},
		{strings.Repeat("[", 64) + strings.Repeat("]", 64), "", ""},
		{strings.Repeat("[", 1<<20) + "\"\\u0000", "body", "is nested deeper than 64"},
		{strings.Repeat(`{"a":`, 65), "body", "is nested deeper than 64"},
		{`\u0000`, "body", "contains U+0000"},
	} {
		bad := checkJSONText([]byte(c.data))
		switch {
		case bad == nil && c.message != "":
			t.Errorf("%q passes", c.data)
		case bad != nil && (bad.location != c.location || bad.message != c.message):
			t.Errorf("%q: %v, want %s %s", c.data, bad, c.location, c.message)
		}
	}
}

func FuzzCheckJSONText(f *testing.F) {
	for _, seed := range []string{`{"a":1,"a":1}`, `{"a"}]:{"`, `{"a":["\u0000",{}]}`, "]}\xff", `\`, `"\ud800\u`, `[{"a":`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if bad := checkJSONText(data); bad != nil && (bad.location == "" || bad.message == "") {
			t.Errorf("%q: %+v", data, bad)
		}
	})
}
