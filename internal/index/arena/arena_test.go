package arena

import "testing"

func TestArena(t *testing.T) {
	var a Arena
	take := func(size int) []byte {
		t.Helper()
		b, err := a.Take(size)
		if err != nil || len(b) != 0 || cap(b) < size {
			t.Fatalf("a block for %d bytes has %d of %d, %v", size, len(b), cap(b), err)
		}
		return b
	}
	first := append(take(10), "some"...)
	large := append(take(BlockSize+1), 'x')
	a.Give([][]byte{first, large})
	again := append(take(1), 'y')
	if &again[0] != &first[0] {
		t.Error("a block that was given back is not used again")
	}
	if other := append(take(1), 'z'); &other[0] == &again[0] {
		t.Error("a block is given twice")
	}
	if err := a.Close(); err != nil {
		t.Error(err)
	}
}
