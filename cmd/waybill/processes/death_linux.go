package processes

import "syscall"

// dieWithParent has the kernel kill the child when this process ends, however it ends.
func dieWithParent(attributes *syscall.SysProcAttr) { attributes.Pdeathsig = syscall.SIGKILL }
