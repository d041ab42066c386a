package server

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// badText says what PostgreSQL's text cannot hold, and what Go would quietly replace: "" where there is none.
func badText(s string) string {
	switch {
	case !utf8.ValidString(s):
		return "is not valid UTF-8"
	case strings.ContainsRune(s, 0):
		return "contains U+0000"
	}
	return ""
}

// textError is a place in a JSON document that holds no proper text.
type textError struct {
	// location is the path of the member, "body.customer.name".
	location string
	message  string
}

func (e *textError) Error() string { return e.location + " " + e.message }

// checkJSONText looks through a JSON document for what two readers of it may take for two things: names that stand
// twice in an object, nesting without end, invalid UTF-8, U+0000 (as it is or escaped) and halves of surrogate pairs.
// Whether it is JSON at all is not asked here.
func checkJSONText(data []byte) *textError {
	if bad := checkNames(data); bad != nil {
		return bad
	}
	if !utf8.Valid(data) {
		at := 0
		for at < len(data) {
			r, size := utf8.DecodeRune(data[at:])
			if r == utf8.RuneError && size == 1 {
				break
			}
			at += size
		}
		return &textError{pathAt(data, at), "is not valid UTF-8"}
	}
	if at := bytes.IndexByte(data, 0); at >= 0 {
		return &textError{pathAt(data, at), "contains U+0000"}
	}
	for at := 0; at < len(data); at++ {
		if data[at] != '\\' {
			continue
		}
		r, ok := escapedRune(data[at:])
		switch {
		case !ok: // a one-letter escape, or none
		case r == 0:
			return &textError{pathAt(data, at), "contains U+0000"}
		case r >= 0xD800 && r < 0xDC00:
			if low, ok := escapedRune(data[at+6:]); !ok || low < 0xDC00 || low > 0xDFFF {
				return &textError{pathAt(data, at), "contains half of a surrogate pair"}
			}
			at += 6 + 4
		case r >= 0xDC00 && r <= 0xDFFF:
			return &textError{pathAt(data, at), "contains half of a surrogate pair"}
		}
		at++ // whatever is escaped is no backslash of its own
	}
	return nil
}

// maxDepth bounds how deep a document nests; no body of ours comes near it.
const maxDepth = 64

// checkNames looks for a name that stands twice in its object: the one that is checked need not be the one that is
// stored.
func checkNames(data []byte) *textError {
	var open []map[string]bool // the names so far of each object and array around the byte; an array has none
	for at := 0; at < len(data); at++ {
		switch data[at] {
		case '{', '[':
			if len(open) == maxDepth {
				return &textError{"body", fmt.Sprintf("is nested deeper than %d", maxDepth)}
			}
			open = append(open, nil)
		case '}', ']':
			if len(open) > 0 {
				open = open[:len(open)-1]
			}
		case '"':
			begin := at
			if at = endOfString(data, begin); at == len(data) {
				return nil // it is no JSON
			}
			if len(open) == 0 || !colonFollows(data[at+1:]) {
				continue
			}
			name := string(data[begin : at+1])
			if strings.Contains(name, `\`) && json.Unmarshal(data[begin:at+1], &name) == nil {
				name = `"` + name + `"`
			}
			names := open[len(open)-1]
			if names[name] {
				// The object is named: a name may be anything at all.
				return &textError{pathAt(data, begin), "contains a name twice"}
			}
			if names == nil {
				names = map[string]bool{}
				open[len(open)-1] = names
			}
			names[name] = true
		}
	}
	return nil
}

// endOfString is where the string that begins there ends: its closing quote, or the end of data.
func endOfString(data []byte, begin int) int {
	for at := begin + 1; at < len(data); at++ {
		switch data[at] {
		case '"':
			return at
		case '\\':
			at++
		}
	}
	return len(data)
}

func colonFollows(data []byte) bool {
	rest := bytes.TrimLeft(data, " \t\r\n")
	return len(rest) > 0 && rest[0] == ':'
}

// escapedRune reads "\uXXXX" at the beginning of data.
func escapedRune(data []byte) (rune, bool) {
	if len(data) < 6 || data[0] != '\\' || data[1] != 'u' {
		return 0, false
	}
	v, err := strconv.ParseUint(string(data[2:6]), 16, 32)
	return rune(v), err == nil
}

// pathAt is the path of the JSON member that the byte belongs to.
func pathAt(data []byte, at int) string {
	type level struct {
		array bool
		index int
		key   string
		inKey bool // the next token is a key
	}
	var stack []level
	path := func() string {
		p := "body"
		for _, l := range stack {
			switch {
			case l.array:
				p += fmt.Sprintf("[%d]", l.index)
			case l.key != "":
				p += "." + l.key
			}
		}
		return p
	}
	d := json.NewDecoder(bytes.NewReader(data))
	for {
		token, err := d.Token()
		if err != nil {
			return path()
		}
		top := len(stack) - 1
		if top >= 0 && !stack[top].array && stack[top].inKey {
			if d.InputOffset() > int64(at) {
				stack[top].key = "" // it is the key itself that is bad: the object is named
				return path()
			}
			if key, ok := token.(string); ok {
				stack[top].key, stack[top].inKey = key, false
				continue
			}
		} else if d.InputOffset() > int64(at) {
			return path()
		}
		switch token {
		case json.Delim('{'):
			stack = append(stack, level{inKey: true})
			continue
		case json.Delim('['):
			stack = append(stack, level{array: true})
			continue
		case json.Delim('}'), json.Delim(']'):
			stack = stack[:top]
		}
		if top = len(stack) - 1; top >= 0 { // a value has ended
			stack[top].index++
			stack[top].inKey = !stack[top].array
			stack[top].key = ""
		}
	}
}
