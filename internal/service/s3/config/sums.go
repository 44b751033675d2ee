package config

import (
	"crypto/md5"  //nolint:gosec // Content-MD5 is S3's
	"crypto/sha1" //nolint:gosec // x-amz-checksum-sha1 is S3's
	"crypto/sha256"
	"encoding/base64"
	"hash"
	"hash/crc32"
	"hash/crc64"
	"net/http"

	"cairn/internal/awserr"
)

// CheckSums compares a body with the checksums of its headers. Algorithms that
// are not known here are left alone: the body is covered by its signature. A difference is BadDigest (400).
func CheckSums(data []byte, h http.Header) error {
	for name, sum := range map[string]func() hash.Hash{
		"Content-Md5": md5.New, "X-Amz-Checksum-Sha1": sha1.New, "X-Amz-Checksum-Sha256": sha256.New,
		"X-Amz-Checksum-Crc32":     func() hash.Hash { return crc32.NewIEEE() },
		"X-Amz-Checksum-Crc32c":    func() hash.Hash { return crc32.New(crc32.MakeTable(crc32.Castagnoli)) },
		"X-Amz-Checksum-Crc64nvme": func() hash.Hash { return crc64.New(crc64.MakeTable(0x9a6c9329ac4bc9b5)) },
	} {
		want := h.Get(name)
		if want == "" {
			continue
		}
		hasher := sum()
		hasher.Write(data)
		if got := base64.StdEncoding.EncodeToString(hasher.Sum(nil)); got != want {
			return awserr.New(http.StatusBadRequest, "BadDigest", "The %s you specified did not match the calculated checksum.", name)
		}
	}
	return nil
}
