package ekfac

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"slices"
)

// A scratch keeps sums that memory has no room for in a temporary file, each in a place of
// the same size.
type scratch struct {
	file   *os.File
	named  bool // it has its name until it is closed
	places map[node]int64
	free   []int64
	buffer []float64
}

func newScratch(tmp string) (*scratch, error) {
	f, err := os.CreateTemp(tmp, "infl-sums-*")
	if err != nil {
		return nil, scratchError(err)
	}
	// Where an open file can lose its name, nothing is left of it after a kill.
	return &scratch{file: f, named: os.Remove(f.Name()) != nil, places: map[node]int64{}}, nil
}

func scratchError(err error) error {
	return fmt.Errorf("scratch file of sums: %w; name another folder for it, or raise the limit of memory", err)
}

// put keeps the numbers of a node.
func (s *scratch) put(at node, numbers []float64) error {
	place := int64(len(s.places))
	if last := len(s.free) - 1; last >= 0 {
		place, s.free = s.free[last], s.free[:last]
	}
	s.places[at] = place
	if err := writeNumbers(io.NewOffsetWriter(s.file, place*int64(len(numbers))*8), numbers); err != nil {
		return scratchError(err)
	}
	return nil
}

// each calls use for parts of the n numbers of a node, from number lo on, in order.
func (s *scratch) each(at node, n int, use func(lo int, part []float64)) error {
	const size = 1 << 16
	if s.buffer == nil {
		s.buffer = make([]float64, min(size, n))
	}
	r := io.NewSectionReader(s.file, s.places[at]*int64(n)*8, int64(n)*8)
	for lo := 0; lo < n; lo += size {
		part := s.buffer[:min(size, n-lo)]
		if err := readNumbers(r, part); err != nil {
			return scratchError(err)
		}
		use(lo, part)
	}
	return nil
}

// drop gives the place of a node to the next one.
func (s *scratch) drop(at node) {
	s.free = append(s.free, s.places[at])
	delete(s.places, at)
}

func (s *scratch) close() error {
	err := s.file.Close()
	if s.named {
		err = errors.Join(err, os.Remove(s.file.Name()))
	}
	return err
}

// writeNumbers writes the bytes of numbers.
func writeNumbers(w io.Writer, numbers []float64) error {
	const chunk = 1 << 16
	buffer := make([]byte, 0, 8*min(chunk, len(numbers)))
	for part := range slices.Chunk(numbers, chunk) {
		buffer = buffer[:0]
		for _, v := range part {
			buffer = binary.LittleEndian.AppendUint64(buffer, math.Float64bits(v))
		}
		if _, err := w.Write(buffer); err != nil {
			return err
		}
	}
	return nil
}

// readNumbers reads what writeNumbers writes.
func readNumbers(r io.Reader, numbers []float64) error {
	const chunk = 1 << 16
	buffer := make([]byte, 8*min(chunk, len(numbers)))
	for part := range slices.Chunk(numbers, chunk) {
		if _, err := io.ReadFull(r, buffer[:8*len(part)]); err != nil {
			return err
		}
		for i := range part {
			part[i] = math.Float64frombits(binary.LittleEndian.Uint64(buffer[8*i:]))
		}
	}
	return nil
}
