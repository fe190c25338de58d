package dataset

import "errors"

// A Part is rows of a matrix that lie in a file, which may hold other things too.
type Part struct {
	Path string
	RawMatrix
	ByColumn bool // column after column instead of row after row
}

// OpenParts opens parts of files as one matrix, one after the other: how other tools'
// folders and archives are read without a copy. path is what the whole is called. All
// parts have one dtype and one number of columns; a file of several parts is opened
// once. Every error is an [*Error].
func OpenParts(path string, parts []Part, opt MatrixOptions) (_ *Matrix, err error) {
	m := &Matrix{path: path, kind: Raw}
	defer func() {
		if err != nil {
			err = at(path, errors.Join(err, m.Close()))
		}
	}()
	if len(parts) == 0 {
		return nil, problem("holds no vectors")
	}
	files := map[string]*matrixFile{}
	for _, p := range parts {
		file := files[p.Path]
		if file == nil {
			if file, err = openMatrixFile(p.Path, opt.Read); err != nil {
				return nil, at(p.Path, err)
			}
			files[p.Path], m.files = file, append(m.files, file)
		}
		if err := m.add(file, p.Dtype, p.Rows, p.Cols, p.Offset, p.ByColumn); err != nil {
			return nil, at(p.Path, err)
		}
	}
	m.sizeBlocks(opt)
	return m, nil
}
