package world

import (
	"encoding/binary"
	"encoding/hex"
	"strings"
	"time"
)

// newOne is the next order of a template: names of its own, in the form of those in whose place they stand.
func (w *writer) newOne(t *template, began time.Time, number int) *one {
	o := &one{names: make([]string, len(t.ids)), began: began}
	for i, was := range t.ids {
		var bytes [16]byte
		binary.BigEndian.PutUint64(bytes[:8], uint64(began.UnixMilli())<<16|0x7000|uint64(i)&0xfff)
		binary.BigEndian.PutUint64(bytes[8:], w.random.Uint64()>>2|1<<63)
		o.names[i] = like(was, bytes)
	}
	for i := range o.skus {
		o.skus[i] = w.shelves.sku(number*shelvesPerOrder + i)
	}
	return o
}

func like(was string, random [16]byte) string {
	digits := hex.EncodeToString(random[:])
	if prefix, _, ok := strings.Cut(was, "_"); ok {
		return prefix + "_" + digits
	}
	if strings.HasPrefix(was, "SP") {
		return "SP" + strings.ToUpper(digits[16:])
	}
	return digits[:8] + "-" + digits[8:12] + "-" + digits[12:16] + "-" + digits[16:20] + "-" + digits[20:]
}
