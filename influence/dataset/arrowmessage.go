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
	source byteSource
	most   int64 // bytes of the file, which no part can exceed
	last   *ipc.Message
}

// A byteSource gives the bytes of a stream piece by piece: io.EOF at its end,
// io.ErrUnexpectedEOF where a piece is cut short.
type byteSource interface {
	take(n int64) ([]byte, error)
}

// A readSource copies pieces into fresh memory.
type readSource struct{ io.Reader }

func (s *readSource) take(n int64) ([]byte, error) {
	b := make([]byte, n)
	_, err := io.ReadFull(s.Reader, b)
	return b, err
}

// A mappedSource gives pieces of a mapped file, without a copy.
type mappedSource struct{ rest []byte }

func (s *mappedSource) take(n int64) ([]byte, error) {
	switch {
	case n <= int64(len(s.rest)):
		piece := s.rest[:n:n]
		s.rest = s.rest[n:]
		return piece, nil
	case len(s.rest) == 0:
		return nil, io.EOF
	}
	return nil, io.ErrUnexpectedEOF
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
	b, err := m.source.take(4)
	if err != nil {
		return 0, err
	}
	return binary.LittleEndian.Uint32(b), nil
}

func (m *messageReader) bytes(n int64) ([]byte, error) {
	if n < 0 || n > m.most {
		return nil, problem("is not a valid Arrow IPC file, or is cut short: a part has %d bytes", n)
	}
	b, err := m.source.take(n)
	if err != nil {
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
