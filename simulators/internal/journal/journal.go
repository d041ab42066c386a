// Package journal keeps what a simulator must not forget: JSON records, a line each, appended to one
// file. Callers that wait at the same moment share one write and one fsync, so that durable books cost
// little more than books in memory.
package journal

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"
	"syscall"
)

// ErrInUse says that another server keeps its books in the same folder.
var ErrInUse = errors.New("in use by another process")

// ErrDamaged says that a record in the middle of a journal cannot be read. (A torn last line is no damage:
// it is what a kill in the middle of a write leaves, nobody was answered for it, and Open drops it.)
var ErrDamaged = errors.New("damaged")

var errClosed = errors.New("the journal is closed")

// Position is where a record lies in the file, in bytes, without the newline that ends it.
type Position struct {
	Offset int64
	Length int
}

// Journal is an append-only file of records. All methods may be called at once from many goroutines.
type Journal struct {
	file    *os.File
	durable bool
	failed  chan struct{}

	mu      sync.Mutex
	settled *sync.Cond
	pending []byte // appended, not yet written
	spare   []byte // the buffer to use when pending is taken to be written
	size    int64  // of the file once pending is written
	synced  int64  // how much of it a Flush has made durable
	writing bool
	err     error // the first failure; the journal takes nothing after it
}

// Open opens the journal called name in folder, creating both where they are missing, and hands every
// record in it to replay, in order; the record's bytes are replay's only until it returns. Without a folder
// the journal is a temporary file that is gone with the process, and no fsync is spent on it.
//
// The error is ErrInUse when another Journal has the file open, ErrDamaged when a record cannot be read,
// and otherwise that of the file system or of replay.
func Open(folder, name string, replay func(record []byte, at Position) error) (*Journal, error) {
	file, err := openLocked(folder, name)
	if err != nil {
		return nil, err
	}
	journal := &Journal{file: file, durable: folder != "", failed: make(chan struct{})}
	journal.settled = sync.NewCond(&journal.mu)
	if err := journal.replay(replay); err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return journal, nil
}

func openLocked(folder, name string) (*os.File, error) {
	if folder == "" {
		file, err := os.CreateTemp("", "waybill-"+name+"-*")
		if err != nil {
			return nil, err
		}
		// Unlinked at once: the open file lives on, and nothing is left behind, however the process ends.
		return file, os.Remove(file.Name())
	}
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return nil, err
	}
	path := filepath.Join(folder, name)
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		if errors.Is(err, syscall.EWOULDBLOCK) {
			err = ErrInUse
		}
		return nil, errors.Join(fmt.Errorf("%s: %w", path, err), file.Close())
	}
	// The file's name has to survive a crash just as its content has.
	directory, err := os.Open(folder)
	if err == nil {
		err = errors.Join(directory.Sync(), directory.Close())
	}
	if err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return file, nil
}

func (j *Journal) replay(replay func([]byte, Position) error) error {
	reader := bufio.NewReaderSize(j.file, 1<<16)
	for line := 1; ; line++ {
		record, err := reader.ReadBytes('\n')
		if errors.Is(err, io.EOF) {
			break // what is left in record, if anything, has no end: it is torn
		}
		if err != nil {
			return err
		}
		record = record[:len(record)-1]
		if !json.Valid(record) {
			return fmt.Errorf("%s: line %d: %w", j.file.Name(), line, ErrDamaged)
		}
		if err := replay(record, Position{Offset: j.size, Length: len(record)}); err != nil {
			return fmt.Errorf("%s: line %d: %w", j.file.Name(), line, err)
		}
		j.size += int64(len(record)) + 1
	}
	j.synced = j.size
	return j.file.Truncate(j.size)
}

// Append adds a record behind all others and returns where it lies. It only notes the record: Flush makes
// it durable. The order of the calls is the order of replay.
func (j *Journal) Append(record any) (Position, error) {
	line, err := json.Marshal(record)
	if err != nil {
		return Position{}, fmt.Errorf("encode a record: %w", err)
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.err != nil {
		return Position{}, j.err
	}
	at := Position{Offset: j.size, Length: len(line)}
	j.pending = append(append(j.pending, line...), '\n')
	j.size += int64(len(line)) + 1
	return at, nil
}

// Flush returns when all that was appended before it is durable. Answer nobody before it has returned, not
// even a reader: else a crash could unsay what somebody has seen. An error is final: see Watch.
func (j *Journal) Flush() error {
	j.mu.Lock()
	defer j.mu.Unlock()
	for target := j.size; j.synced < target && j.err == nil; {
		if j.writing {
			j.settled.Wait()
			continue
		}
		// The first to come writes for all who wait; who comes meanwhile waits for the next round.
		batch, offset, end := j.pending, j.synced, j.size
		j.pending, j.writing = j.spare[:0], true
		j.mu.Unlock()
		err := j.write(batch, offset)
		j.mu.Lock()
		j.spare, j.writing = batch, false
		if err != nil {
			j.fail(err)
		} else {
			j.synced = end
		}
		j.settled.Broadcast()
	}
	return j.err
}

func (j *Journal) write(batch []byte, offset int64) error {
	if _, err := j.file.WriteAt(batch, offset); err != nil {
		return err
	}
	if !j.durable {
		return nil
	}
	return j.file.Sync()
}

func (j *Journal) fail(err error) {
	if j.err == nil {
		j.err = err
		close(j.failed)
	}
}

// Watch returns nil when ctx ends, and the error when a record could not be made durable: what is on disk is
// unknown then, and the server must stop.
func (j *Journal) Watch(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return nil
	case <-j.failed:
		return j.Flush()
	}
}

// Read returns the record at a position that Append or replay gave. It has to be flushed.
func (j *Journal) Read(at Position) ([]byte, error) {
	record := make([]byte, at.Length)
	if _, err := j.file.ReadAt(record, at.Offset); err != nil {
		return nil, fmt.Errorf("read a record: %w", err)
	}
	return record, nil
}

// Close flushes and closes the file; a second Close does nothing.
func (j *Journal) Close() error {
	err := j.Flush()
	if errors.Is(err, errClosed) {
		return nil
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	if errors.Is(j.err, errClosed) {
		return nil
	}
	j.fail(errClosed)
	j.err = errClosed
	return errors.Join(err, j.file.Close())
}
