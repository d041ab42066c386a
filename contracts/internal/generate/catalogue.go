package main

import (
	"fmt"
	"strings"

	"waybill.dev/contracts"
)

// catalogue is the page for people.
func (t types) catalogue(events []contracts.Event) (string, error) {
	var b strings.Builder
	b.WriteString(`# Events

<!-- Generated from the doc comments in contracts/ by "make generate". Do not edit. -->

Every event is a CloudEvent 1.0 on Kafka (binary mode), version 1, keyed by the order's id, and carries the tenant.
Money is an amount in minor units with an ISO 4217 currency. The JSON Schemas are in
[contracts/schemas](../contracts/schemas), the AsyncAPI document is [contracts/asyncapi.json](../contracts/asyncapi.json).
`)
	says := ""
	for _, event := range events {
		if d := domain(event.Type()); d != says {
			says = d
			fmt.Fprintf(&b, "\n## Said by %s\n", says)
		}
		name, declared, err := t.of(event)
		if err != nil {
			return "", err
		}
		fmt.Fprintf(&b, "\n### %s\n\n`%s` on topic `%s`\n\n%s\n", name, event.Type(), event.Type().Topic(), declared.doc)
		if rows := t.rows("", declared); len(rows) > 0 {
			b.WriteString("\n| member | type | meaning |\n| --- | --- | --- |\n")
			b.WriteString(strings.Join(rows, ""))
		}
	}
	return b.String(), nil
}

// rows are the members of a struct, those of structs within it after it.
func (t types) rows(prefix string, s structType) []string {
	var rows []string
	for _, f := range s.fields {
		name, element := prefix+f.name, strings.TrimPrefix(f.goType, "[]")
		if element != f.goType {
			name += "[]"
		}
		inner, isStruct := t[element]
		doc, kind := f.doc, map[string]string{"string": "string", "int64": "integer", "time.Time": "RFC 3339 time"}[element]
		if isStruct {
			kind = element
			if doc == "" {
				doc = inner.doc
			}
		}
		if f.optional {
			kind += ", optional"
		}
		rows = append(rows, fmt.Sprintf("| `%s` | %s | %s |\n", name, kind, doc))
		if isStruct && element != "Money" {
			rows = append(rows, t.rows(name+".", inner)...)
		}
	}
	return rows
}
