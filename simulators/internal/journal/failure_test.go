package journal

import (
	"testing"
)

// A disk that takes nothing more must not be answered for: every Flush says so, and Watch wakes its server.
func TestAFailureIsFinal(t *testing.T) {
	t.Parallel()
	opened, err := Open(t.TempDir(), "test.jsonl", nil)
	if err != nil {
		t.Fatal(err)
	}
	watched := make(chan error, 1)
	go func() { watched <- opened.Watch(t.Context()) }()
	if _, err := opened.Append("kept"); err != nil {
		t.Fatal(err)
	}
	if err := opened.Flush(); err != nil {
		t.Fatal(err)
	}
	if err := opened.file.Close(); err != nil { // the nearest thing to a broken disk
		t.Fatal(err)
	}
	if _, err := opened.Append("lost"); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := opened.Flush(); err == nil {
			t.Error("Flush hid the failure")
		}
	}
	if _, err := opened.Append("later"); err == nil {
		t.Error("Append took a record after the failure")
	}
	if err := <-watched; err == nil {
		t.Error("Watch hid the failure")
	}
}
