package clock_test

import (
	"go/ast"
	"go/build"
	"go/parser"
	"go/token"
	"os/exec"
	"slices"
	"testing"
)

// What imports nothing but time, and keeps no variable, cannot be told how far it is off.
func TestNoBuildButChaosHasAnOffset(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		tags    []string
		imports []string
	}{
		{nil, []string{"time"}},
		{[]string{"chaos"}, []string{"os", "strings", "time"}},
	} {
		context := build.Default
		context.BuildTags = c.tags
		got, err := context.ImportDir(".", 0)
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(got.Imports, c.imports) {
			t.Errorf("with the tags %q it imports %q, want %q", c.tags, got.Imports, c.imports)
		}
		for _, name := range got.GoFiles {
			file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.SkipObjectResolution)
			if err != nil {
				t.Fatal(err)
			}
			for _, d := range file.Decls {
				if g, ok := d.(*ast.GenDecl); ok && g.Tok == token.VAR {
					t.Errorf("%s keeps a variable", name)
				}
			}
		}
	}
}

// The tests of the other build are run from here, so that nobody has to think of its tag.
func TestChaosBuild(t *testing.T) {
	t.Parallel()
	if output, err := exec.CommandContext(t.Context(), "go", "test", "-tags", "chaos", "-run", "^TestOffset", ".").CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, output)
	}
}
