package main

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"reflect"
	"strings"

	"waybill.dev/contracts"
)

// types are the structs of a package as its source declares them, by name.
type types map[string]structType

type structType struct {
	doc    string
	fields []field
}

type field struct {
	name     string // in JSON
	goType   string // "string", "[]OrderLine", …
	doc      string
	optional bool
}

func readTypes(folder string) (types, error) {
	names, err := filepath.Glob(filepath.Join(folder, "*.go"))
	if err != nil {
		return nil, err
	}
	all := types{}
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		source, err := os.ReadFile(name)
		if err != nil {
			return nil, err
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, source, parser.ParseComments)
		if err != nil {
			return nil, err
		}
		for _, d := range file.Decls {
			if g, ok := d.(*ast.GenDecl); ok && g.Tok == token.TYPE {
				all.add(g)
			}
		}
	}
	return all, nil
}

func (t types) add(g *ast.GenDecl) {
	for _, s := range g.Specs {
		spec, ok := s.(*ast.TypeSpec)
		if !ok {
			continue
		}
		st, ok := spec.Type.(*ast.StructType)
		if !ok {
			continue
		}
		doc := spec.Doc
		if doc == nil {
			doc = g.Doc
		}
		made := structType{doc: text(doc)}
		for _, f := range st.Fields.List {
			if len(f.Names) != 1 || f.Tag == nil {
				continue
			}
			tag := reflect.StructTag(strings.Trim(f.Tag.Value, "`")).Get("json")
			name, options, _ := strings.Cut(tag, ",")
			made.fields = append(made.fields, field{
				name: name, goType: typeName(f.Type), doc: text(f.Doc), optional: strings.Contains(options, "omitempty"),
			})
		}
		t[spec.Name.Name] = made
	}
}

func text(doc *ast.CommentGroup) string {
	return strings.Join(strings.Fields(doc.Text()), " ")
}

func typeName(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.Ident:
		return e.Name
	case *ast.ArrayType:
		return "[]" + typeName(e.Elt)
	case *ast.SelectorExpr:
		return typeName(e.X) + "." + e.Sel.Name
	}
	return fmt.Sprintf("%T", e)
}

// of is the declaration of an event, with its doc comment; an event without one is not published language.
func (t types) of(event contracts.Event) (string, structType, error) {
	name := reflect.TypeOf(event).Name()
	declared, ok := t[name]
	if !ok || declared.doc == "" {
		return name, declared, fmt.Errorf("event %s has no declaration with a doc comment", name)
	}
	return name, declared, nil
}
