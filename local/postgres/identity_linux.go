package postgres

import "syscall"

// insideUID is the server's user id within its namespace: any but 0.
const insideUID = 1000

// namespaced is a user namespace in which root is an unprivileged user: the server does not see that it is root,
// has none of root's powers, and still owns root's files, so that it works in folders that only root may enter.
func namespaced() []identity {
	mapping := []syscall.SysProcIDMap{{ContainerID: insideUID, HostID: 0, Size: 1}}
	return []identity{{
		name: "root in a user namespace",
		attributes: syscall.SysProcAttr{
			Cloneflags:  syscall.CLONE_NEWUSER,
			UidMappings: mapping,
			GidMappings: mapping,
		},
	}}
}
