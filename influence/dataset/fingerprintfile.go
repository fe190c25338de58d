package dataset

import "context"

// FingerprintFile hashes one file of any kind, as [Table.Fingerprint] does.
func FingerprintFile(ctx context.Context, path string) (FileFingerprint, error) {
	f, err := fingerprintFile(ctx, path)
	return f, at(path, err)
}
