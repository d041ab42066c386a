package verify

import (
	"bufio"
	"bytes"
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/maphash"
	"os"
	"path/filepath"
	"slices"
	"sync"
)

// buckets is how many temporary files there are. A million orders come to some twenty megabytes in each.
const buckets = 256

// bufferSize is what is kept of each file before it is written.
const bufferSize = 16 << 10

// spill is what was read, by order, in temporary files.
type spill struct {
	folder string
	seed   maphash.Seed
	files  [buckets]spillFile
}

type spillFile struct {
	mu      sync.Mutex
	file    *os.File
	out     *bufio.Writer
	entries int
}

// kind says what an entry is.
type kind byte

const (
	aFact kind = iota
	aCopy
	aCharge
	aParcel
	anOrderRow
	anOpenParcel
	anUnsent
	aParked
	aStream
	aJob
)

// entry is something that belongs to an order.
type entry struct {
	key  []byte // "{tenant}/{order}"
	kind kind
	data []byte
}

func newSpill(folder string) (*spill, error) {
	s := &spill{folder: folder, seed: maphash.MakeSeed()}
	for i := range s.files {
		file, err := os.Create(filepath.Join(folder, fmt.Sprintf("%03d", i)))
		if err != nil {
			return nil, errors.Join(err, s.close())
		}
		s.files[i].file, s.files[i].out = file, bufio.NewWriterSize(file, bufferSize)
	}
	return s, nil
}

// add keeps an entry. The data is the caller's again when it returns.
func (s *spill) add(key string, k kind, data []byte) error {
	f := &s.files[maphash.String(s.seed, key)%buckets]
	var head [2*binary.MaxVarintLen64 + 1]byte
	head[0] = byte(k)
	n := 1 + binary.PutUvarint(head[1:], uint64(len(key)))
	n += binary.PutUvarint(head[n:], uint64(len(data)))
	f.mu.Lock()
	defer f.mu.Unlock()
	f.entries++
	_, _ = f.out.Write(head[:n])
	_, _ = f.out.WriteString(key)
	_, err := f.out.Write(data) // an error stays with the writer
	return err
}

// bucket is what a file holds, sorted by order. The file is gone then.
func (s *spill) bucket(i int) ([]entry, error) {
	f := &s.files[i]
	if err := errors.Join(f.out.Flush(), f.file.Close()); err != nil {
		return nil, err
	}
	raw, err := os.ReadFile(f.file.Name())
	if err == nil {
		err = os.Remove(f.file.Name())
	}
	if err != nil {
		return nil, err
	}
	f.file, f.out = nil, nil
	all := make([]entry, 0, f.entries)
	for at := 0; at < len(raw); {
		e := entry{kind: kind(raw[at])}
		at++
		key, n := binary.Uvarint(raw[at:])
		at += n
		size, n := binary.Uvarint(raw[at:])
		at += n
		e.key = raw[at : at+int(key)]
		at += int(key)
		e.data = raw[at : at+int(size)]
		at += int(size)
		all = append(all, e)
	}
	slices.SortStableFunc(all, func(a, b entry) int {
		return cmp.Or(bytes.Compare(a.key, b.key), cmp.Compare(a.kind, b.kind))
	})
	return all, nil
}

func (s *spill) close() (err error) {
	for i := range s.files {
		if file := s.files[i].file; file != nil {
			err = errors.Join(err, file.Close())
		}
	}
	return err
}

// packer writes numbers and texts one behind the other, and unpacker reads them.
type packer []byte

func (p *packer) number(n int64) { *p = binary.AppendVarint(*p, n) }
func (p *packer) text(s string)  { p.number(int64(len(s))); *p = append(*p, s...) }
func (p *packer) bytes(b []byte) { p.number(int64(len(b))); *p = append(*p, b...) }
func (p *packer) flag(set bool)  { p.number(map[bool]int64{true: 1}[set]) }
func (p *packer) reset() *packer { *p = (*p)[:0]; return p }

type unpacker []byte

func (u *unpacker) number() int64 {
	n, size := binary.Varint(*u)
	*u = (*u)[size:]
	return n
}

func (u *unpacker) bytes() []byte {
	n := u.number()
	b := (*u)[:n]
	*u = (*u)[n:]
	return b
}

func (u *unpacker) text() string { return string(u.bytes()) }
func (u *unpacker) flag() bool   { return u.number() == 1 }
