//go:build chaos

package notifications

import (
	"os"
	"path/filepath"
	"testing"
)

// A clock that is off changes nothing of how long a call may take.
func TestClockThatIsOffSendsMail(t *testing.T) {
	file := filepath.Join(t.TempDir(), "offset")
	t.Setenv("CHAOS_CLOCK_OFFSET", file)
	if err := os.WriteFile(file, []byte("-48h"), 0o600); err != nil {
		t.Fatal(err)
	}
	address, farewells := listen(t, nil)
	s := serverAt(t, address)
	if code, err := send(t, s); code != 0 || err != nil {
		t.Fatalf("%d, %v", code, err)
	}
	s.closeIdle()
	<-farewells
}
