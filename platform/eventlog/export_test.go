package eventlog

import "waybill.dev/platform/es"

// StreamLock is the key under which a stream is locked.
func StreamLock(l *Log, id es.StreamID) int64 { return l.lockKeys([]es.StreamID{id})[0] }
