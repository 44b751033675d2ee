#include "textflag.h"

// Broadcasts a byte, given eight times in a constant, to a register.
#define FILL(constant, reg) \
	MOVQ $constant, AX; \
	MOVQ AX, reg; \
	PUNPCKLQDQ reg, reg

// Marks the special bytes of 16 and puts the marks into a general register.
// Control characters are those whose minimum with 0x1f is themselves.
#define MARK(offset, reg) \
	MOVOU offset(SI), X0; \
	MOVO X0, X1; \
	MOVO X0, X2; \
	PCMPEQB X5, X0; \
	PCMPEQB X6, X1; \
	POR X1, X0; \
	MOVO X2, X1; \
	PMINUB X7, X2; \
	PCMPEQB X1, X2; \
	POR X2, X0; \
	PMOVMSKB X0, reg

// func specials(b *[64]byte) uint64
TEXT ·specials(SB), NOSPLIT, $0-16
	MOVQ b+0(FP), SI
	FILL(0x2222222222222222, X5)
	FILL(0x5c5c5c5c5c5c5c5c, X6)
	FILL(0x1f1f1f1f1f1f1f1f, X7)
	MARK(0, R8)
	MARK(16, R9)
	MARK(32, R10)
	MARK(48, R11)
	SHLQ $16, R9
	SHLQ $32, R10
	SHLQ $48, R11
	ORQ R9, R8
	ORQ R11, R10
	ORQ R10, R8
	MOVQ R8, ret+8(FP)
	RET
