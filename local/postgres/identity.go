package postgres

import (
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"
)

// identity is the user that the server runs as. PostgreSQL refuses to run as root.
type identity struct {
	name       string
	attributes syscall.SysProcAttr
	// owner says that files must be given to uid and gid, because the server runs as another user.
	owner    bool
	uid, gid int
}

// identities are the users that may run the server, best first.
func identities() []identity {
	if os.Geteuid() != 0 {
		return []identity{{name: "the current user"}}
	}
	return append(namespaced(), nobody())
}

// nobody is the unprivileged user that every system has.
func nobody() identity {
	id := identity{name: "the user nobody", owner: true, uid: 65534, gid: 65534}
	if account, err := user.Lookup("nobody"); err == nil {
		if uid, err := strconv.Atoi(account.Uid); err == nil {
			id.uid = uid
		}
		if gid, err := strconv.Atoi(account.Gid); err == nil {
			id.gid = gid
		}
	}
	id.attributes.Credential = &syscall.Credential{Uid: uint32(id.uid), Gid: uint32(id.gid)}
	return id
}

// give makes the identity the owner of the files.
func (id identity) give(paths ...string) error {
	if !id.owner {
		return nil
	}
	for _, path := range paths {
		if err := os.Chown(path, id.uid, id.gid); err != nil {
			return err
		}
	}
	return nil
}

// barrier is the folder on the way to path that the identity may not enter, or empty.
func (id identity) barrier(path string) string {
	if !id.owner {
		return ""
	}
	for folder := path; ; folder = filepath.Dir(folder) {
		info, err := os.Stat(folder)
		if err != nil {
			return folder
		}
		const othersEnter, groupEnters, ownerEnters = 0o001, 0o010, 0o100
		bit := os.FileMode(othersEnter)
		if stat, ok := info.Sys().(*syscall.Stat_t); ok {
			switch {
			case int(stat.Uid) == id.uid:
				bit = ownerEnters
			case int(stat.Gid) == id.gid:
				bit = groupEnters
			}
		}
		if info.Mode()&bit == 0 {
			return folder
		}
		if folder == filepath.Dir(folder) {
			return ""
		}
	}
}
