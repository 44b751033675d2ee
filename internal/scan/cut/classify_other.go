//go:build !amd64

package cut

// classify is [classifyWords].
func classify(b *[64]byte) (quotes, slashes, brackets uint64) { return classifyWords(b) }
