package identity

import (
	"context"
	"crypto/subtle"
	"errors"
	"fmt"
	"time"
)

// The errors of MFA devices.
var (
	// ErrWrongCode says that a code is not the device's, is used up, or comes
	// after too many wrong ones.
	ErrWrongCode = errors.New("wrong MFA code")
	// ErrInUse says that a device is some user's.
	ErrInUse = errors.New("MFA device is in use")
)

// Bounds on guessing: after maxWrong wrong codes a device takes none until
// wrongPause has passed since the last one.
const (
	maxWrong   = 5
	wrongPause = 5 * time.Minute
)

// seedSize is the length of a device's secret in bytes.
const seedSize = 32

// MFADevice is a virtual MFA device.
type MFADevice struct {
	Account string    `json:"account"`
	Name    string    `json:"name"`
	Path    string    `json:"path"`
	Created time.Time `json:"created"`
	// Sealed is the secret, encrypted and bound to the serial number.
	Sealed []byte `json:"sealed"`
	// User is the unique id of the user it is enabled for; empty for none.
	// Enabled is when that was.
	User    string    `json:"user,omitempty"`
	Enabled time.Time `json:"enabled"`
	// Used is the step of the last code it was used with: every code counts once.
	Used int64 `json:"used,omitempty"`
	// Wrong counts wrong codes since the last right one; LastWrong is the time of
	// the last.
	Wrong     int       `json:"wrong,omitempty"`
	LastWrong time.Time `json:"lastWrong"`
	// Deleted marks a row whose deletion was decided but is not finished.
	Deleted bool `json:"deleted,omitempty"`
}

// Serial returns the serial number: arn:aws:iam::ACCOUNT:mfa/PATH/NAME.
func (d *MFADevice) Serial() string { return entityARN(d.Account, "mfa", d.Path, d.Name) }

func (d *MFADevice) is(serial string) bool { return !d.Deleted && d.Serial() == serial }

func (d *MFADevice) mark() *bool { return &d.Deleted }

// CreateMFADevice adds a device that is nobody's yet and returns its secret,
// which is told this once. ErrExists if the name is taken.
func (s *Store) CreateMFADevice(ctx context.Context, d MFADevice, now time.Time) (*MFADevice, []byte, error) {
	seed := make([]byte, seedSize)
	random(seed)
	d.Created, d.Sealed = stamp(now), s.seeds.Seal(d.Serial(), seed)
	if err := create(ctx, s.mfa, &d, marked, d.Account, fold(d.Name)); err != nil {
		return nil, nil, fmt.Errorf("create MFA device %s: %w", d.Name, err)
	}
	return &d, seed, nil
}

// MFADevices returns an account's devices, sorted by name; those of one user if
// userID is not empty.
func (s *Store) MFADevices(account, userID string) []*MFADevice {
	var found []*MFADevice
	for _, d := range list(s.mfa, account) {
		if userID == "" || d.User == userID {
			found = append(found, d)
		}
	}
	return found
}

// MFADevice returns the device of a serial number.
func (s *Store) MFADevice(serial string) (*MFADevice, bool) {
	account, name, ok := splitARN(serial, "mfa")
	if !ok {
		return nil, false
	}
	d, ok := s.mfa.Get(account, fold(name))
	if !ok || !d.is(serial) {
		return nil, false
	}
	return d, true
}

// EnableMFADevice gives a device to a user who shows two codes of it, one after
// the other. ErrNotFound, ErrInUse, ErrWrongCode.
func (s *Store) EnableMFADevice(ctx context.Context, serial, userID, first, second string, now time.Time) error {
	return s.changeMFA(ctx, serial, func(d *MFADevice) error {
		if d.User != "" {
			return ErrInUse
		}
		seed, err := s.seeds.Open(serial, d.Sealed)
		if err != nil {
			return err
		}
		step, ok := stepOfCode(seed, first, now)
		if !ok || subtle.ConstantTimeCompare([]byte(codeAt(seed, step+1)), []byte(second)) != 1 {
			return ErrWrongCode
		}
		d.User, d.Enabled, d.Used = userID, stamp(now), step+1
		return nil
	})
}

// DeactivateMFADevice takes a device from a user. ErrNotFound if it is not that
// user's.
func (s *Store) DeactivateMFADevice(ctx context.Context, serial, userID string) error {
	return s.changeMFA(ctx, serial, func(d *MFADevice) error {
		if d.User != userID {
			return ErrNotFound
		}
		d.User, d.Enabled = "", time.Time{}
		return nil
	})
}

// DeleteMFADevice deletes a device. ErrInUse if it is some user's.
func (s *Store) DeleteMFADevice(ctx context.Context, serial string) error {
	account, name, ok := splitARN(serial, "mfa")
	if !ok {
		return ErrNotFound
	}
	return remove(ctx, s.mfa, serial, func(d *MFADevice) error {
		if d.User != "" {
			return ErrInUse
		}
		return nil
	}, account, fold(name))
}

// CheckMFA looks whether a code of a user's device could be used now, and
// changes nothing. ErrNotFound if the device is not that user's, ErrWrongCode.
func (s *Store) CheckMFA(serial, userID, code string, now time.Time) error {
	d, ok := s.MFADevice(serial)
	if !ok || d.User != userID || userID == "" {
		return ErrNotFound
	}
	_, err := s.codeOf(d, code, now)
	return err
}

// UseMFA uses a code up: it counts for one call only, whatever else is asked at
// the same time. A wrong one is counted.
func (s *Store) UseMFA(ctx context.Context, serial, userID, code string, now time.Time) error {
	wrong := error(nil)
	err := s.changeMFA(ctx, serial, func(d *MFADevice) error {
		if d.User != userID || userID == "" {
			return ErrNotFound
		}
		var step int64
		if step, wrong = s.codeOf(d, code, now); wrong == nil {
			d.Used, d.Wrong = step, 0
			return nil
		}
		if now.Sub(d.LastWrong) > wrongPause {
			d.Wrong = 0
		}
		d.Wrong, d.LastWrong = d.Wrong+1, now
		return nil
	})
	return errors.Join(err, wrong)
}

// codeOf returns the step of a code that may be used.
func (s *Store) codeOf(d *MFADevice, code string, now time.Time) (int64, error) {
	if d.Wrong >= maxWrong && now.Sub(d.LastWrong) <= wrongPause {
		return 0, ErrWrongCode
	}
	seed, err := s.seeds.Open(d.Serial(), d.Sealed)
	if err != nil {
		return 0, err
	}
	step, ok := stepOfCode(seed, code, now)
	if !ok || step <= d.Used {
		return 0, ErrWrongCode
	}
	return step, nil
}

func (s *Store) changeMFA(ctx context.Context, serial string, change func(*MFADevice) error) error {
	account, name, ok := splitARN(serial, "mfa")
	if !ok {
		return ErrNotFound
	}
	return update(ctx, s.mfa, serial, change, account, fold(name))
}
