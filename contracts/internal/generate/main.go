// Command generate writes what can be read off the Go types of package contracts and their doc comments: the event
// catalogue (docs/events.md), a JSON Schema of each event's data (contracts/schemas), and the AsyncAPI document.
// It is run in the folder of package contracts.
package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"waybill.dev/contracts"
)

func main() {
	if err := generate(".", "../docs/events.md"); err != nil {
		fmt.Fprintln(os.Stderr, "generate:", err)
		os.Exit(1)
	}
}

func generate(source, catalogue string) error {
	types, err := readTypes(source)
	if err != nil {
		return err
	}
	schemas := filepath.Join(source, "schemas")
	if err := os.RemoveAll(schemas); err != nil {
		return err
	}
	if err := os.MkdirAll(schemas, 0o755); err != nil {
		return err
	}
	for _, event := range contracts.Catalogue() {
		schema, err := types.schema(event)
		if err != nil {
			return err
		}
		if err := writeJSON(filepath.Join(schemas, string(event.Type())+".json"), schema); err != nil {
			return err
		}
	}
	document, err := types.asyncAPI(contracts.Catalogue())
	if err != nil {
		return err
	}
	if err := writeJSON(filepath.Join(source, "asyncapi.json"), document); err != nil {
		return err
	}
	page, err := types.catalogue(contracts.Catalogue())
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(catalogue), 0o755); err != nil {
		return err
	}
	return os.WriteFile(catalogue, []byte(page), 0o644)
}

func writeJSON(path string, v any) error {
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(v); err != nil {
		return err
	}
	return os.WriteFile(path, b.Bytes(), 0o644)
}

// domain is the service that says the event: the second word of its type.
func domain(t contracts.Type) string {
	return strings.Split(string(t), ".")[1]
}
