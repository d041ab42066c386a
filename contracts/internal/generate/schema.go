package main

import (
	"fmt"
	"strings"

	"waybill.dev/contracts"
)

// object is JSON whose members come out sorted, so that generating twice gives the same bytes.
type object map[string]any

// schema is a JSON Schema (draft 2020-12) of the event's data. It lets unknown members through: an event grows
// by addition.
func (t types) schema(event contracts.Event) (object, error) {
	name, declared, err := t.of(event)
	if err != nil {
		return nil, err
	}
	s, err := t.structSchema(declared)
	if err != nil {
		return nil, fmt.Errorf("event %s: %w", name, err)
	}
	s["$schema"] = "https://json-schema.org/draft/2020-12/schema"
	s["$id"] = "urn:waybill:" + string(event.Type())
	s["title"] = name
	return s, nil
}

func (t types) structSchema(s structType) (object, error) {
	properties, required := object{}, []string{}
	for _, f := range s.fields {
		p, err := t.typeSchema(f.goType)
		if err != nil {
			return nil, fmt.Errorf("field %s: %w", f.name, err)
		}
		if f.doc != "" {
			p["description"] = f.doc
		}
		properties[f.name] = p
		if !f.optional {
			required = append(required, f.name)
		}
	}
	return object{"type": "object", "description": s.doc, "properties": properties, "required": required}, nil
}

func (t types) typeSchema(goType string) (object, error) {
	if element, ok := strings.CutPrefix(goType, "[]"); ok {
		items, err := t.typeSchema(element)
		return object{"type": "array", "items": items}, err
	}
	switch goType {
	case "string":
		return object{"type": "string"}, nil
	case "int64":
		return object{"type": "integer", "format": "int64"}, nil
	case "time.Time":
		return object{"type": "string", "format": "date-time"}, nil
	}
	if s, ok := t[goType]; ok {
		return t.structSchema(s)
	}
	return nil, fmt.Errorf("type %s has no form in JSON Schema here", goType)
}
