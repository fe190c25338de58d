package dataset

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"os"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/ipc"
)

const arrowMagic = "ARROW1"

// arrowFormat reads Arrow IPC one record batch at a time. A file is a stream
// between a magic number and a footer, and is read as one, so that memory is
// bounded by a batch and the footer need not be trusted.
type arrowFormat struct{}

// An arrowStream is an open file or stream.
type arrowStream struct {
	*ipc.Reader
	maxRows int64 // of a record batch, given the size of the file
	close   func() error
}

func openArrow(path string) (s *arrowStream, err error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(invalidArrow(err), f.Close())
		}
	}()
	defer catch(path, "Arrow file", &err)
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	start, err := firstArrowMessage(f, info.Size())
	if err != nil {
		return nil, err
	}
	rest := io.NewSectionReader(f, start, info.Size()-start)
	return newArrowStream(&readSource{bufio.NewReaderSize(rest, 1<<18)}, info.Size(), f.Close)
}

// newArrowStream reads the schema of a stream in a file of so many bytes.
func newArrowStream(source byteSource, fileBytes int64, close func() error) (*arrowStream, error) {
	messages := &messageReader{source: source, most: fileBytes}
	r, err := ipc.NewReaderFromMessageReader(messages, ipc.WithAllocator(allocatorFor(fileBytes)))
	if err != nil {
		return nil, err
	}
	return &arrowStream{r, max(1<<25, 8*fileBytes), func() error {
		r.Release()
		return close()
	}}, nil
}

// firstArrowMessage returns where the first message begins: at the start of a
// stream, behind the magic number of a file. A file must also end with the magic
// number, which it lacks where it was cut short.
func firstArrowMessage(f io.ReaderAt, size int64) (int64, error) {
	head, tail := make([]byte, 8), make([]byte, len(arrowMagic))
	if _, err := f.ReadAt(head, 0); err != nil {
		return 0, problem("is not an Arrow IPC file, or is cut short")
	}
	if !bytes.HasPrefix(head, []byte(arrowMagic)) {
		return 0, nil
	}
	if _, err := f.ReadAt(tail, size-int64(len(tail))); err != nil {
		return 0, err
	}
	if string(tail) != arrowMagic {
		return 0, problem("the Arrow IPC file is cut short").hint("copy or write it again")
	}
	return int64(len(head)), nil
}

func invalidArrow(err error) error {
	var e *Error
	if errors.As(err, &e) {
		return e
	}
	e = problem("is not a valid Arrow IPC file, or is cut short: %v", err)
	e.Err = err
	return e
}

func (arrowFormat) schema(path string) ([]Column, int64, error) {
	s, err := openArrow(path)
	if err != nil {
		return nil, 0, err
	}
	return columnsOf(s.Schema()), -1, s.close()
}

func (arrowFormat) scan(path string, columns []Column, a *assembler) (err error) {
	s, err := openArrow(path)
	if err != nil {
		return err
	}
	defer closeInto(&err, s.close)
	if diff := schemaDiff(columns, columnsOf(s.Schema())); diff != "" {
		return problem("changed while the table was in use: %s", diff)
	}
	wanted := a.indices()
	arrays := make([]arrow.Array, len(wanted))
	for {
		batch, err := s.read(path)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return invalidArrow(err)
		}
		for k, w := range wanted {
			arrays[k] = batch.Column(w)
		}
		if err := a.arrays(path, arrays, int(batch.NumRows())); err != nil {
			return err
		}
	}
}

// read returns the next record batch, valid until the next call, or io.EOF.
func (s *arrowStream) read(path string) (batch arrow.RecordBatch, err error) {
	defer catch(path, "Arrow file", &err)
	if batch, err = s.Read(); err != nil {
		return nil, err
	}
	if rows := batch.NumRows(); rows < 0 || rows > s.maxRows {
		return nil, problem("is not a valid Arrow IPC file: a record batch of %d rows", rows)
	}
	return batch, nil
}
