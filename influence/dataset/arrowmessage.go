package dataset

import (
	"encoding/binary"
	"errors"
	"io"

	"github.com/apache/arrow-go/v18/arrow/ipc"
	"github.com/apache/arrow-go/v18/arrow/memory"
)

// A messageReader reads the messages of an Arrow stream. It refuses metadata
// whose lists are longer than the message, since the Arrow library allocates
// what they ask for before it looks.
type messageReader struct {
	r    io.Reader
	most int64 // bytes of the file, which no part can exceed
	last *ipc.Message
}

const continuation = 0xffffffff // before the length of a message, since Arrow 0.15

// Retain does nothing; the reader lives as long as its file is open.
func (m *messageReader) Retain() {}

// Release does nothing, as Retain.
func (m *messageReader) Release() {}

// Message returns the next message, valid until the next call, or io.EOF.
func (m *messageReader) Message() (*ipc.Message, error) {
	length, err := m.word()
	if errors.Is(err, io.EOF) {
		return nil, io.EOF
	}
	if err == nil && length == continuation {
		if length, err = m.word(); errors.Is(err, io.EOF) {
			err = io.ErrUnexpectedEOF
		}
	}
	switch {
	case err != nil:
		return nil, broken(err)
	case length == 0:
		return nil, io.EOF
	}
	meta, err := m.bytes(int64(length))
	if err != nil {
		return nil, err
	}
	size, ok := checkMessage(meta)
	if !ok {
		return nil, problem("is not a valid Arrow IPC file: a message is damaged")
	}
	body, err := m.bytes(size)
	if err != nil {
		return nil, err
	}
	m.last = ipc.NewMessage(memory.NewBufferBytes(meta), memory.NewBufferBytes(body))
	return m.last, nil
}

func (m *messageReader) word() (uint32, error) {
	var b [4]byte
	_, err := io.ReadFull(m.r, b[:])
	return binary.LittleEndian.Uint32(b[:]), err
}

func (m *messageReader) bytes(n int64) ([]byte, error) {
	if n < 0 || n > m.most {
		return nil, problem("is not a valid Arrow IPC file, or is cut short: a part has %d bytes", n)
	}
	b := make([]byte, n)
	if _, err := io.ReadFull(m.r, b); err != nil {
		return nil, problem("the Arrow IPC file is cut short").hint("copy or write it again")
	}
	return b, nil
}

// Slots of the fields in Arrow's Message.fbs and Schema.fbs.
const (
	messageHeaderType, messageHeader, messageBodyLength, messageMetadata = 1, 2, 3, 4
	schemaFields, schemaMetadata                                         = 1, 2
	fieldChildren, fieldMetadata                                         = 5, 6

	headerIsSchema = 1
)

// checkMessage returns the length of a message's body, and whether the lists
// that its metadata declares can lie inside it.
func checkMessage(meta []byte) (bodyBytes int64, ok bool) {
	defer func() {
		if recover() != nil {
			ok = false
		}
	}()
	buf := flatBuffer{bytes: meta, left: len(meta)}
	root := buf.follow(0)
	if at := buf.slot(root, messageBodyLength); at != 0 {
		bodyBytes = int64(binary.LittleEndian.Uint64(meta[at:]))
	}
	ok = buf.list(root, messageMetadata, nil)
	kind, header := buf.slot(root, messageHeaderType), buf.slot(root, messageHeader)
	if kind == 0 || header == 0 {
		return bodyBytes, false
	}
	if meta[kind] == headerIsSchema {
		schema := buf.follow(header)
		ok = ok && buf.list(schema, schemaMetadata, nil) && buf.list(schema, schemaFields, buf.field)
	}
	return bodyBytes, ok
}

// A flatBuffer walks over a FlatBuffers message. Its methods panic where an
// offset leads outside; left bounds the number of steps, since damaged offsets
// can share a table many times.
type flatBuffer struct {
	bytes []byte
	left  int
}

// follow returns where the offset at the position leads.
func (b *flatBuffer) follow(at int) int {
	return at + int(binary.LittleEndian.Uint32(b.bytes[at:]))
}

// slot returns the position of a field of a table, or 0 where it is absent.
func (b *flatBuffer) slot(table, slot int) int {
	vtable := table - int(int32(binary.LittleEndian.Uint32(b.bytes[table:])))
	entry := 4 + 2*slot
	if entry+2 > int(binary.LittleEndian.Uint16(b.bytes[vtable:])) {
		return 0
	}
	offset := int(binary.LittleEndian.Uint16(b.bytes[vtable+entry:]))
	if offset == 0 {
		return 0
	}
	return table + offset
}

// list checks a list of tables, and each of them with check where it is set.
func (b *flatBuffer) list(table, slot int, check func(table int) bool) bool {
	at := b.slot(table, slot)
	if at == 0 {
		return true
	}
	start := b.follow(at)
	n := int(binary.LittleEndian.Uint32(b.bytes[start:]))
	if b.left -= n; n > (len(b.bytes)-start-4)/4 || b.left < 0 {
		return false
	}
	for i := range n {
		if check != nil && !check(b.follow(start+4+4*i)) {
			return false
		}
	}
	return true
}

func (b *flatBuffer) field(table int) bool {
	return b.list(table, fieldMetadata, nil) && b.list(table, fieldChildren, b.field)
}
