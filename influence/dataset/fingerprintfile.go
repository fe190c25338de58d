package dataset

import "context"

// FingerprintFile hashes one file of any kind, as [Table.Fingerprint] does.
func FingerprintFile(ctx context.Context, path string) (FileFingerprint, error) {
	f, err := fingerprintFile(ctx, path)
	return f, at(path, err)
}

// Fingerprint hashes the matrix's files as they lie on disk, as
// [Table.Fingerprint] does; mapped files in place, so that whoever reads the rows next
// finds their pages mapped already.
func (m *Matrix) Fingerprint(ctx context.Context) (Fingerprint, error) {
	var out Fingerprint
	for _, file := range m.files {
		if file.scratch {
			continue
		}
		f, err := file.fingerprint(ctx)
		if err != nil {
			return Fingerprint{}, at(file.Name(), err)
		}
		out.Files = append(out.Files, f)
	}
	return out, nil
}

// FileBytes returns the size of the matrix's files on disk.
func (m *Matrix) FileBytes() int64 {
	n := int64(0)
	for _, file := range m.files {
		if !file.scratch {
			n += file.size
		}
	}
	return n
}

func (f *matrixFile) fingerprint(ctx context.Context) (FileFingerprint, error) {
	if f.mapped == nil {
		return fingerprintFile(ctx, f.Name())
	}
	return fingerprintBytes(ctx, f.Name(), f.size, func(lo, hi int64, _ *[]byte) ([]byte, error) {
		needSoon(f.mapped, lo, min(hi+hashBuffer, f.size))
		return f.mapped[lo:hi], nil
	})
}
