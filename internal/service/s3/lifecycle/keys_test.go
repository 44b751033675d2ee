package lifecycle

import "testing"

func TestKeys(t *testing.T) {
	var k Keys
	alone := func(key string) bool {
		ok, err := k.Alone("b", key, func() error { return nil })
		if err != nil {
			t.Fatal(err)
		}
		return ok
	}
	one := k.Share("b", []string{"x", "y", "x"})
	two := k.Share("b", []string{"x"})
	if alone("x") || alone("y") {
		t.Error("a key that is shared was taken alone")
	}
	one()
	if alone("x") || !alone("y") {
		t.Error("giving keys back gave back another's, or not its own")
	}
	two()
	if !alone("x") {
		t.Error("the key was not given back")
	}
}
