package capture

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strconv"

	"github.com/zeebo/xxh3"

	"github.com/infl-dev/infl/internal/durable"
)

// shardAlignment is the multiple of bytes at which the numbers of a shard begin, so
// that a mapped shard's pages hold numbers only.
const shardAlignment = 4096

// A namedTensor is a tensor of a shard that is being written.
type namedTensor struct {
	name, dtype string
	shape       []int64
	bytes       []byte
}

// writeShard writes tensors as a safetensors file that appears under its name when
// it is durable. It returns the XXH3-64.
func writeShard(path string, metadata map[string]string, tensors []namedTensor) (string, error) {
	header, err := shardHeader(metadata, tensors)
	if err != nil {
		return "", err
	}
	return writeFile(path, func(w io.Writer) error {
		if _, err := w.Write(header); err != nil {
			return err
		}
		for _, t := range tensors {
			if _, err := w.Write(t.bytes); err != nil {
				return err
			}
		}
		return nil
	})
}

// shardHeader writes the format's header in the order of the tensors, padded with
// blanks.
func shardHeader(metadata map[string]string, tensors []namedTensor) ([]byte, error) {
	var b bytes.Buffer
	b.Write(make([]byte, 8))
	text, err := json.Marshal(metadata)
	if err != nil {
		return nil, err
	}
	fmt.Fprintf(&b, `{"__metadata__":%s`, text)
	at := 0
	for _, t := range tensors {
		name, err := json.Marshal(t.name)
		if err != nil {
			return nil, err
		}
		shape, err := json.Marshal(t.shape)
		if err != nil {
			return nil, err
		}
		fmt.Fprintf(&b, `,%s:{"dtype":%s,"shape":%s,"data_offsets":[%d,%d]}`, name, strconv.Quote(t.dtype), shape, at, at+len(t.bytes))
		at += len(t.bytes)
	}
	b.WriteByte('}')
	for b.Len()%shardAlignment != 0 {
		b.WriteByte(' ')
	}
	out := b.Bytes()
	binary.LittleEndian.PutUint64(out, uint64(len(out)-8))
	return out, nil
}

// writeFile writes a file under a temporary name, makes it durable and gives it its
// name. After an error nothing is left of it.
func writeFile(path string, write func(io.Writer) error) (sum string, err error) {
	temp := path + durable.TempSuffix
	f, err := os.Create(temp)
	if err != nil {
		return "", caused(temp, err)
	}
	h := xxh3.New()
	err = durable.Finish(f, path, func(w io.Writer) error { return write(io.MultiWriter(w, h)) })
	if err != nil {
		return "", caused(path, err)
	}
	return fmt.Sprintf("%016x", h.Sum64()), nil
}
