package dataset

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"strconv"
)

// safetensorsAlignment is the multiple of bytes at which the numbers of a file that we
// write begin, so that a mapped file's pages hold numbers only.
const safetensorsAlignment = 4096

// SafetensorsHeaderBytes returns the header of a safetensors file with tensors one after
// the other, of Name, Dtype, Shape and Bytes, padded with blanks to a multiple of 4096
// bytes. The numbers follow it.
func SafetensorsHeaderBytes(metadata map[string]string, tensors []Tensor) ([]byte, error) {
	var b bytes.Buffer
	b.Write(make([]byte, 8))
	text, err := json.Marshal(metadata)
	if err != nil {
		return nil, err
	}
	fmt.Fprintf(&b, `{"__metadata__":%s`, text)
	at := int64(0)
	for _, t := range tensors {
		name, err := json.Marshal(t.Name)
		if err != nil {
			return nil, err
		}
		shape, err := json.Marshal(t.Shape)
		if err != nil {
			return nil, err
		}
		fmt.Fprintf(&b, `,%s:{"dtype":%s,"shape":%s,"data_offsets":[%d,%d]}`, name, strconv.Quote(t.Dtype), shape, at, at+t.Bytes)
		at += t.Bytes
	}
	b.WriteByte('}')
	for b.Len()%safetensorsAlignment != 0 {
		b.WriteByte(' ')
	}
	out := b.Bytes()
	binary.LittleEndian.PutUint64(out, uint64(len(out)-8))
	return out, nil
}
